//! A run -> one message to a channel: what a person who is woken by it needs to begin. Pure.

use serde_json::{Value, json};

use super::form::{Form, FormError, Run, form};
use super::harmless::harmless;
use super::text::counts;
use crate::document::{FORMAT_VERSION, TargetPlan};

/// Of the details, in characters; Slack asks for messages of up to 4,000
/// (<https://docs.slack.dev/changelog/2018-truncating-really-long-messages>)
const LONGEST: usize = 3_000;

/// The body of a message to a webhook of Slack, or of whatever takes the same
/// (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>)
///
/// # Errors
/// The writer's of the text.
pub fn slack(run: &Run, link: Option<&str>) -> Result<Value, FormError> {
    let link = link.map(|link| format!("\n<{}>", escaped(link))).unwrap_or_default();
    let details = shortened(&form(Form::Text, run, None)?);
    Ok(json!({"text": format!("*{}*\n{details}{link}", escaped(&sentence(run)))}))
}

/// The same for programs: the sentence, and the document that `-o json` prints
///
/// # Errors
/// The writer's of the document.
pub fn webhook(run: &Run, link: Option<&str>) -> Result<Value, FormError> {
    let report: Value = serde_json::from_str(&form(Form::Json, run, None)?)?;
    Ok(json!({
        "format_version": FORMAT_VERSION,
        "kind": "notification",
        "text": sentence(run),
        "exit_code": run.exit_code,
        "link": link,
        "report": report,
    }))
}

/// What came of it
fn sentence(run: &Run) -> String {
    let of = format!("kms-alias {} of {}", run.command, harmless(&run.manifest));
    let Some(plan) = run.plan.as_ref().filter(|_| run.errors.is_empty()) else {
        return format!("{of} failed: exit {}", run.exit_code);
    };
    let is_told = |target: &&TargetPlan| {
        !target.changes.is_empty() || target.unusable.as_ref().is_some_and(|unusable| !unusable.is_empty())
    };
    let unread = match plan.summary.unread_targets {
        0 => String::new(),
        unread => format!("; {unread} could not be read"),
    };
    let (told, all) = (plan.targets.iter().filter(is_told).count(), plan.targets.len());
    format!("{of}: {} In {told} of {all} targets{unread}.", counts(&plan.kind, &plan.summary))
}

/// As much of a text as a message has room for, in a fence that nothing in it ends
fn shortened(text: &str) -> String {
    let (mut shown, mut left) = (String::new(), 0);
    for line in text.lines() {
        let line = escaped(line) + "\n";
        // Once one is left out, all that follow are.
        match left == 0 && shown.chars().count() + line.chars().count() <= LONGEST {
            true => shown += &line,
            false => left += 1,
        }
    }
    let more = if left == 0 { String::new() } else { format!("{left} more lines are not shown here.\n") };
    format!("```\n{shown}```\n{more}")
}

/// Nothing in it is a mention, a link, a channel or a fence
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>)
fn escaped(text: &str) -> String {
    text.replace("```", "'''").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_details_is_a_mention_or_ends_the_fence() {
        assert_eq!(shortened("a <!channel> & ```b"), "```\na &lt;!channel&gt; &amp; '''b\n```\n");
    }

    #[test]
    fn a_long_text_is_cut_on_a_line_and_says_so() {
        let shown = shortened(&"0123456789\n".repeat(400));
        assert_eq!(shown.matches("0123456789\n").count(), LONGEST / 11);
        assert!(shown.ends_with(&format!("```\n{} more lines are not shown here.\n", 400 - LONGEST / 11)));
    }
}
