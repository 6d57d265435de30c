//! A run -> a table, its cells apart by tabs: a line for each alias that is not as declared, and for whatever else is wrong.

use super::form::{Run, Written};
use super::harmless::harmless;
use super::text::incomplete;
use crate::document::{
    ErrorText, PlanDocument, PlannedChange, RefusalText, Source, TargetPlan, TargetReport, UnusableText,
};
use crate::load::Problem;

/// The names of the columns; later versions add to their end
const COLUMNS: [&str; 12] = [
    "target",
    "action",
    "alias",
    "previous_alias",
    "before",
    "after",
    "reason",
    "origin",
    "status",
    "file",
    "line",
    "message",
];

#[derive(Default)]
struct Row<'r> {
    target: &'r str,
    action: &'r str,
    alias: &'r str,
    previous_alias: &'r str,
    before: &'r str,
    after: &'r str,
    reason: &'r str,
    origin: &'r str,
    status: &'r str,
    file: &'r str,
    line: Option<u32>,
    message: String,
}

/// The table of a plan alone
pub fn plan(plan: &PlanDocument) -> String {
    head() + &of_plan(plan, None)
}

/// The table of a run
pub fn run(run: &Run) -> String {
    let mut table = head();
    for problem in run.problems.sorted() {
        table += &of_problem(problem);
    }
    for error in &run.errors {
        table += &of_error("", "error", error);
    }
    table + &run.plan.as_ref().map(|plan| of_plan(plan, run.written.as_ref())).unwrap_or_default()
}

fn head() -> String {
    COLUMNS.join("\t") + "\n"
}

fn of_plan(plan: &PlanDocument, written: Option<&Written>) -> String {
    let mut rows: String = incomplete(plan).iter().map(|sentence| of_missing(sentence)).collect();
    rows.extend(plan.refusals.iter().map(|refusal| of_refusal("", refusal)));
    rows.extend(plan.targets.iter().map(|target| of_target(target, written)));
    rows
}

fn of_problem(problem: &Problem) -> String {
    let place = problem.place();
    let file = place.as_ref().map_or("", |place| &place.file);
    let (line, message) = (place.as_ref().map(|place| place.line), problem.message.clone());
    let status = problem.severity.as_str();
    Row { action: "problem", reason: problem.code, status, file, line, message, ..Row::default() }.line()
}

fn of_error(target: &str, action: &str, error: &ErrorText) -> String {
    Row { target, action, status: "errored", message: error.message.clone(), ..Row::default() }.line()
}

fn of_missing(sentence: &str) -> String {
    Row { action: "unread", status: "errored", message: sentence.to_owned(), ..Row::default() }.line()
}

fn of_refusal(target: &str, refusal: &RefusalText) -> String {
    let RefusalText { guard, message, source, .. } = refusal;
    let row = Row { target, action: "refused", reason: guard, status: "refused", ..Row::default() };
    Row { message: message.clone(), ..row }.from(source.as_ref()).line()
}

fn of_target(target: &TargetPlan, written: Option<&Written>) -> String {
    let name = target.name.as_str();
    let mut rows: String = target.error.iter().map(|error| of_error(name, "unread", error)).collect();
    rows.extend(target.refusals.iter().map(|refusal| of_refusal(name, refusal)));
    let report = written.and_then(|written| written.of(name));
    rows.extend(target.changes.iter().map(|change| of_change(name, change, report)));
    rows.extend(target.unusable.iter().flatten().map(|unusable| of_unusable(name, unusable)));
    for (alias, kept) in &target.kept {
        let message = format!("has become {}", kept.successor_alias);
        rows +=
            &Row { target: name, action: "kept", alias, before: &kept.key, message, ..Row::default() }.line();
    }
    for (alias, key) in &target.unmanaged {
        let before = key.as_deref().unwrap_or_default();
        rows += &Row { target: name, action: "unmanaged", alias, before, ..Row::default() }.line();
    }
    rows
}

fn of_unusable(target: &str, unusable: &UnusableText) -> String {
    let UnusableText { alias, key, message, source, .. } = unusable;
    let row = Row { target, action: "unusable-key", alias, before: key, after: key, ..Row::default() };
    Row { status: "unusable", message: message.clone(), ..row }.from(source.as_ref()).line()
}

fn of_change(target: &str, change: &PlannedChange, report: Option<&TargetReport>) -> String {
    let outcome = report.and_then(|report| report.outcome(change));
    let planned = match (&change.accepted, &change.blocked_by) {
        (Some(_), _) => "accepted",
        (None, Some(_)) => "held",
        (None, None) => "planned",
    };
    let error = outcome.and_then(|outcome| outcome.why());
    let row = Row {
        target,
        action: change.verb().as_str(),
        alias: &change.alias,
        previous_alias: change.previous_alias.as_deref().unwrap_or_default(),
        before: change.before.as_deref().unwrap_or_default(),
        after: change.after.as_deref().unwrap_or_default(),
        reason: change.reason.as_deref().unwrap_or_default(),
        origin: &change.origin,
        status: outcome.map_or(planned, |outcome| &outcome.status),
        message: error.or(change.blocked_by.as_deref()).unwrap_or_default().to_owned(),
        ..Row::default()
    };
    row.from(change.source.as_ref()).line()
}

impl<'r> Row<'r> {
    fn from(self, source: Option<&'r Source>) -> Self {
        let (file, line) = (source.map_or("", |source| &source.file), source.map(|source| source.line));
        Self { file, line, ..self }
    }

    fn line(&self) -> String {
        let number = self.line.map(|line| line.to_string()).unwrap_or_default();
        let cells: [&str; COLUMNS.len()] = [
            self.target,
            self.action,
            self.alias,
            self.previous_alias,
            self.before,
            self.after,
            self.reason,
            self.origin,
            self.status,
            self.file,
            &number,
            &self.message,
        ];
        // What is harmless has no tab and no end of a line in it.
        cells.map(harmless).join("\t") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_begin_another_cell_or_line() {
        let message = "a\tb\nc\rd\u{2028}".to_owned();
        let line = Row { target: "x\ty", message, ..Row::default() }.line();
        assert_eq!(line.split('\t').count(), COLUMNS.len(), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}
