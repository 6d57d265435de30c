//! The document of an apply -> the run that it tells of, so that every form of a report can be made of it again.

use std::fmt::Write as _;
use std::time::Duration;

use time::OffsetDateTime;

use super::diff::Live;
use super::form::{Run, Written};
use super::report::summary;
use super::style::{harmless, plural};
use crate::document::{AppliedChange, ApplyDocument, TargetReport};
use crate::kms::Calls;
use crate::load::Problems;

/// The run, as far as the document tells of it
pub fn run(apply: ApplyDocument) -> Run {
    let ApplyDocument { plan, receipt, receipts, report, error, exit_code, .. } = apply;
    let written = report.map(|report| {
        let text: String = report.targets.iter().map(target).collect::<String>() + &summary(report.summary);
        let receipts = receipts.iter().map(|receipt| format!("Receipt: {}\n", harmless(receipt)));
        let text = text + &receipts.collect::<String>();
        Written::new(report, text, receipt)
    });
    Run {
        command: "apply",
        shard: plan.shard.clone(),
        manifest: String::new(),
        problems: Problems::default(),
        errors: error.into_iter().collect(),
        live: Live::mentioned(&plan).into_owned(),
        plan: Some(plan),
        written,
        calls: Calls::new(),
        events: String::new(),
        exit_code,
        began: OffsetDateTime::UNIX_EPOCH,
        took: Duration::ZERO,
    }
}

fn target(target: &TargetReport) -> String {
    let mut text = harmless(&target.name) + "\n";
    if let Some(error) = &target.error {
        let _ = writeln!(text, "  error failed to {}", harmless(&error.message));
        text.extend(error.hint.iter().map(|hint| format!("  hint  {}\n", harmless(hint))));
        return text;
    }
    let names = target.changes.iter().map(|change| change.alias.chars().count()).max().unwrap_or_default();
    text.extend(target.changes.iter().map(|change| line(change, names)));
    text + &verdict(target)
}

fn line(change: &AppliedChange, names: usize) -> String {
    let actions: Vec<&str> = change.actions.iter().map(String::as_str).collect();
    let sign = match actions[..] {
        ["create"] => "+",
        ["update"] => "~",
        ["delete"] => "-",
        _ => "-/+",
    };
    let mut text = format!(
        "{sign:>3} {:names$}  {}",
        harmless(&change.alias),
        harmless(&change.status.replace('_', " "))
    );
    let why = change.error.as_ref().or(change.reason.as_ref());
    text.extend(why.map(|why| format!("  {}", harmless(why))));
    if change.attempts > 1 {
        let _ = write!(text, "  {}", plural(change.attempts as usize, "attempt"));
    }
    // An error names its request itself.
    let request = change.request_id.as_ref().filter(|_| change.error.is_none());
    text.extend(request.map(|id| format!("  request {}", harmless(id))));
    text + "\n"
}

fn verdict(target: &TargetReport) -> String {
    let after = target.waited_seconds.map(|waited| format!(" after {waited:.1} s")).unwrap_or_default();
    if target.converged {
        return format!("  converged{after}\n");
    }
    let left = target.left.iter().map(|name| harmless(name)).collect::<Vec<_>>().join(", ");
    let left = if left.is_empty() { left } else { format!("; left are {left}") };
    let why = target.verify_error.iter().map(|why| format!(": failed to {}", harmless(why)));
    format!("  not converged{after}{}{left}\n", why.collect::<String>())
}
