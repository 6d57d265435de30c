//! A run, however it ended -> the same Markdown, with what it did or what ended it: what a job's summary shows.

use super::{Frame, Part, fenced, filled, lines};
use crate::render::form::{Run, Written, ended};
use crate::render::harmless::harmless;
use crate::render::markdown;

/// What is known of a run
pub fn run(run: &Run, frame: &Frame<'_>) -> String {
    match (&run.plan, &run.written) {
        (Some(plan), None) if run.errors.is_empty() => markdown::plan(plan, frame),
        (Some(plan), None) => filled(plan, vec![stopped(run)], frame),
        (_, Some(written)) => wrote(run, written, frame),
        (None, None) => failed(run, frame),
    }
}

fn stopped(run: &Run) -> Part {
    Part::Cut(fenced("text", lines(&ended(run, ""))))
}

fn wrote(run: &Run, written: &Written, frame: &Frame<'_>) -> String {
    let title = match (run.command, run.exit_code) {
        ("revert", 0) => "reverted",
        ("revert", _) => "revert failed or is incomplete",
        (_, 0) => "applied",
        _ => "apply failed or is incomplete",
    };
    let mut parts = vec![frame.heading(title), Part::Cut(fenced("text", lines(&written.text)))];
    if !run.errors.is_empty() {
        parts.push(stopped(run));
    }
    frame.fill(parts, None, "`kms-alias show RECEIPT` has all of them", |_| String::new())
}

fn failed(run: &Run, frame: &Frame<'_>) -> String {
    let said = match run.problems.has_errors() {
        true => run.problems.render(false) + "\n" + &ended(run, ""),
        false => ended(run, ""),
    };
    let title = format!("{} failed", run.command);
    let parts = vec![frame.heading(&harmless(&title)), Part::Cut(fenced("text", lines(&said)))];
    frame.fill(parts, None, "the log of the job has all of them", |_| String::new())
}
