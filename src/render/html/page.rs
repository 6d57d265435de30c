//! The body of the page: heading, totals, what went wrong, the matrix of targets, then the tables.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use super::{all, section, tables, verdict};
use crate::document::{ErrorText, PlanDocument, RefusalText, Summary, TargetPlan, TargetReport, Verb};
use crate::render::form::Run;
use crate::render::harmless::markup;

pub(super) fn body(run: &Run) -> String {
    let mut main = troubles(run);
    if let Some(plan) = &run.plan {
        main += &totals(&plan.summary);
        main += &section("targets", "Targets", None, &matrix(plan));
        main += &tables::tables(plan, run);
    }
    format!("{}<main>\n{main}</main>\n", header(run))
}

fn header(run: &Run) -> String {
    let (class, sentence) = verdict(run);
    let began = time_of(run.began);
    let mut facts = vec![format!("<code>{}</code>", markup(&run.manifest)), markup(&began)];
    if let Some(plan) = &run.plan {
        facts.extend(plan.base.as_ref().map(|base| format!("since <code>{}</code>", markup(&base.commit))));
        facts.extend(plan.shard.as_ref().map(|shard| format!("shard {} of the targets", shard.part)));
        facts.extend(plan.partial.then(|| "partial: the command line leaves names out".to_owned()));
        facts.extend(plan.digest.as_ref().map(|digest| format!("<code>{}</code>", markup(digest))));
    }
    facts.push(format!("exit code {}", run.exit_code));
    format!(
        "<header>\n<h1>kms-alias {}</h1>\n<p class=\"verdict {class}\">{}</p>\n<p class=\"faint\">{}</p>\n</header>\n",
        markup(run.command),
        markup(&sentence),
        facts.join(" · ")
    )
}

/// `2026-12-01 09:00:07 UTC`
fn time_of(moment: OffsetDateTime) -> String {
    let (date, time) = (moment.date(), moment.time());
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    let (hour, minute, second) = time.as_hms();
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// What ended the run, and what refuses it: first, because nothing below is worth anything without it
fn troubles(run: &Run) -> String {
    let hint = |hint: &Option<String>| match hint {
        Some(hint) => tables::note("hint", hint),
        None => String::new(),
    };
    let mut lines: Vec<String> = run
        .errors
        .iter()
        .map(|error| format!("<span class=\"error\">{}</span>{}", markup(&error.message), hint(&error.hint)))
        .collect();
    if !run.problems.is_empty() {
        lines.push(format!("<pre>{}</pre>", tidy(&run.problems.render(false))));
    }
    if let Some(plan) = &run.plan {
        for target in &plan.targets {
            let error = target.error.iter().map(|error| {
                let (name, message) = (markup(&target.name), markup(&error.message));
                format!(
                    "<code>{name}</code> <span class=\"error\">failed to {message}</span>{}",
                    hint(&error.hint)
                )
            });
            lines.extend(error);
            let report = run.written.as_ref().and_then(|written| written.of(&target.name));
            lines.extend(report.and_then(|report| unfinished(&target.name, report)));
            lines.extend(target.refusals.iter().map(|one| refusal(one, Some(&target.name))));
        }
        lines.extend(plan.refusals.iter().map(|one| refusal(one, None)));
        lines.extend(plan.warnings.iter().map(|warning| format!("<b>warning</b> {}", markup(warning))));
    }
    let list = all(lines.into_iter().map(|line| format!("<li>{line}</li>\n")));
    let content = if list.is_empty() { list } else { format!("<ul>\n{list}</ul>\n") };
    section("troubles", "What stands in the way", None, &content)
}

/// What the changes do not tell of a target that was written to: why it could not go on, and what it was left with
fn unfinished(name: &str, report: &TargetReport) -> Option<String> {
    let mut notes: Vec<String> = Vec::new();
    let failed = |message: &str| format!("failed to {}", markup(message));
    let why = match (&report.error, &report.verify_error) {
        (Some(ErrorText { message, hint }), _) => {
            notes.extend(hint.iter().map(|hint| tables::note("hint", hint)));
            failed(message)
        }
        (None, Some(message)) => format!("not verified: {}", failed(message)),
        // With --no-wait nobody looked.
        (None, None) if report.converged || report.waited_seconds.is_none() => return None,
        (None, None) => "not converged".to_owned(),
    };
    if !report.left.is_empty() {
        let left: Vec<&str> = report.left.iter().map(String::as_str).collect();
        notes.push(tables::note("left", &left.join(", ")));
    }
    Some(format!("<code>{}</code> <span class=\"error\">{why}</span>{}", markup(name), notes.concat()))
}

/// Several lines, each markup
fn tidy(text: &str) -> String {
    text.lines().map(markup).collect::<Vec<_>>().join("\n")
}

fn refusal(refusal: &RefusalText, target: Option<&str>) -> String {
    let RefusalText { guard, message, source, hint, .. } = refusal;
    let target = target.map(|name| format!("<code>{}</code> ", markup(name))).unwrap_or_default();
    let set = source.as_ref().map(|source| format!(" (set at {})", markup(&source.to_string())));
    format!(
        "{target}<span class=\"error\">refused {}: {}</span>{}{}",
        markup(guard),
        markup(message),
        set.unwrap_or_default(),
        tables::note("hint", hint)
    )
}

fn totals(summary: &Summary) -> String {
    let Summary { create, update, replace, rename, delete, held, in_sync, unmanaged, unread_targets, .. } =
        *summary;
    let mut counts = vec![
        (create, "create", "create"),
        (update, "update", "retarget"),
        (replace, "delete", "replace"),
        (rename, "update", "rename"),
        (delete, "delete", "delete"),
        (held, "held", "held"),
    ];
    counts.extend(summary.unusable.map(|count| (count, "held", "on unusable keys")));
    counts.extend([(in_sync, "plain", "in sync"), (unmanaged, "plain", "unmanaged")]);
    let Summary { unlisted_targets, .. } = *summary;
    counts.extend((unlisted_targets > 0).then_some((unlisted_targets, "held", "targets read by name")));
    // All the others count only what could be read.
    counts.extend((unread_targets > 0).then_some((unread_targets, "delete", "targets not read")));
    let item = |(count, class, what): (usize, &str, &str)| {
        let class = if count == 0 { "none" } else { class };
        format!("<li class=\"{class}\"><b>{count}</b> {what}</li>\n")
    };
    format!("<ul class=\"totals\">\n{}</ul>\n", all(counts.into_iter().map(item)))
}

/// Account and Region of each target, as far as they are known
fn home(target: &TargetPlan) -> (&str, &str) {
    (target.account.as_deref().unwrap_or("—"), target.region.as_deref().unwrap_or("—"))
}

fn matrix(plan: &PlanDocument) -> String {
    let mut cells: BTreeMap<(&str, &str), Vec<&TargetPlan>> = BTreeMap::new();
    for target in &plan.targets {
        cells.entry(home(target)).or_default().push(target);
    }
    let accounts: BTreeSet<&str> = cells.keys().map(|(account, _)| *account).collect();
    let regions: BTreeSet<&str> = cells.keys().map(|(_, region)| *region).collect();
    let heads = all(regions.iter().map(|region| format!("<th scope=\"col\">{}</th>", markup(region))));
    let cell = |account: &str, region: &str| {
        let targets = cells.get(&(account, region)).into_iter().flatten();
        format!("<td class=\"cell\">{}</td>", all(targets.map(|target| status(target))))
    };
    let row = |account: &&str| {
        let cells = all(regions.iter().map(|region| cell(account, region)));
        format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", markup(account))
    };
    let rows = all(accounts.iter().map(row));
    format!(
        "<div class=\"scroll\"><table class=\"matrix\">\n<thead><tr><th scope=\"col\">account</th>{heads}</tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table></div>\n"
    )
}

/// One target in its cell: its name, and how many of what
fn status(target: &TargetPlan) -> String {
    let name = tables::note("", &target.name);
    if target.errored {
        return format!("<span class=\"error\">not read</span>{name}");
    }
    let mut counts: BTreeMap<Verb, usize> = BTreeMap::new();
    for change in &target.changes {
        *counts.entry(change.verb()).or_default() += 1;
    }
    *counts.entry(Verb::Held).or_default() += target.unusable.as_ref().map_or(0, Vec::len);
    let count = |(verb, count): (&Verb, &usize)| {
        let class = match verb {
            Verb::Create => "create",
            Verb::Retarget | Verb::Rename => "update",
            Verb::Replace | Verb::Delete => "delete",
            Verb::Held => "held",
        };
        format!("<span class=\"{class}\" title=\"{}\">{}{count}</span> ", verb.as_str(), markup(verb.sign()))
    };
    let counts = all(counts.iter().filter(|(_, count)| **count > 0).map(count));
    match counts.is_empty() {
        true => format!("<span class=\"faint\">{} in sync</span>{name}", target.in_sync),
        false => format!("{counts}{name}"),
    }
}
