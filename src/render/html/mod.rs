//! A run -> one page that needs nothing else: totals, targets as a matrix, changes, what nobody manages, keys and their aliases.
//!
//! It can be read without JavaScript, which only filters. Texts of others are escaped, and the policy of the page lets nothing run
//! but the script that is in it, known by its hash, and nothing be fetched.

mod page;
mod tables;

use aws_smithy_types::base64;
use sha2::{Digest, Sha256};

use super::form::Run;
use super::harmless::markup;
use super::report::lost;
use super::style::plural;
use crate::document::PlanDocument;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page
pub(super) fn html(run: &Run) -> String {
    let (style, script) = (hash(STYLE), hash(SCRIPT));
    let policy = format!(
        "default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"
    );
    let title = format!("kms-alias {}: {}", run.command, verdict(run).1.trim_end_matches('.'));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n{}<script>{SCRIPT}</script>\n</body>\n</html>\n",
        markup(&title),
        page::body(run)
    )
}

/// As a Content-Security-Policy names what it allows
fn hash(text: &str) -> String {
    format!("sha256-{}", base64::encode(Sha256::digest(text)))
}

/// A section with a heading, which counts what is in it; nothing where it is empty
fn section(id: &str, heading: &str, count: Option<usize>, content: &str) -> String {
    let count = count.map(|count| format!(" <span class=\"count\">{count}</span>")).unwrap_or_default();
    match content.is_empty() {
        true => String::new(),
        false => format!("<section id=\"{id}\">\n<h2>{heading}{count}</h2>\n{content}</section>\n"),
    }
}

/// What a plan comes to, in one sentence, and how it looks
fn verdict(run: &Run) -> (&'static str, String) {
    let plan = run.plan.as_ref();
    let summary = plan.map(|plan| &plan.summary);
    let unread = summary.map_or(0, |summary| summary.unread_targets);
    if run.problems.has_errors() || !run.errors.is_empty() || unread > 0 {
        let unread = if unread > 0 {
            format!("{} could not be read", plural(unread, "target"))
        } else {
            String::new()
        };
        let why = if unread.is_empty() { "it did not come to its end".to_owned() } else { unread };
        return ("bad", format!("Errored: {why}."));
    }
    match summary {
        Some(summary) if summary.refused > 0 => {
            ("bad", format!("Refused: {}.", plural(summary.refused, "guard")))
        }
        _ => match (plan.map_or(0, pending), &run.written) {
            (n, _) if run.command == "drift" => drifted(n, plan.map_or(0, accepted)),
            (0, _) => ("clean", "No changes.".to_owned()),
            (n, None) => ("changes", format!("{}.", plural(n, "change"))),
            (n, Some(_)) if run.succeeded() => ("clean", format!("Applied: {}.", plural(n, "change"))),
            (n, Some(written)) => {
                let summary = &written.report.summary;
                let lost = lost(summary.gone).map(|sentence| format!(" {sentence}")).unwrap_or_default();
                ("bad", format!("Incomplete: {} of {} applied.{lost}", summary.done(), plural(n, "change")))
            }
        },
    }
}

fn drifted(found: usize, accepted: usize) -> (&'static str, String) {
    match (found, accepted) {
        (0, _) => ("clean", "No drift.".to_owned()),
        (_, 0) => ("changes", format!("{}.", plural(found, "difference"))),
        _ if found == accepted => ("clean", format!("Accepted: {}.", plural(found, "difference"))),
        _ => ("changes", format!("{}, {accepted} of them accepted.", plural(found, "difference"))),
    }
}

/// What is declared now as it was found
fn accepted(plan: &PlanDocument) -> usize {
    let changes = plan.targets.iter().flat_map(|target| &target.changes);
    changes.filter(|change| change.accepted.is_some()).count()
}

/// What is not as declared, held changes and unusable keys included
fn pending(plan: &PlanDocument) -> usize {
    plan.summary.changes() + plan.summary.held + plan.summary.unusable.unwrap_or_default()
}

/// Joins what is written one after the other
fn all(parts: impl Iterator<Item = String>) -> String {
    parts.collect()
}
