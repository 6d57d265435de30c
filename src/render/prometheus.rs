//! A run -> metrics in the text format that the node exporter's textfile collector reads
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>): no timestamps, and no alias is a label, since there may be a
//! hundred thousand of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::form::Run;
use super::harmless::harmless;
use crate::document::{AppliedChange, PlannedChange, TargetPlan, TargetReport, Verb};
use crate::kms::add_calls;

pub(crate) const LAST_RUN: &str = "kms_alias_last_run_timestamp_seconds";
pub(crate) const LAST_SUCCESS: &str = "kms_alias_last_success_timestamp_seconds";
pub(crate) const EXIT_CODE: &str = "kms_alias_last_run_exit_code";
pub(crate) const DURATION: &str = "kms_alias_run_duration_seconds";
pub(crate) const SHARD: &str = "kms_alias_shard";
pub(crate) const TARGET_UP: &str = "kms_alias_target_up";
const ALIASES: &str = "kms_alias_aliases";
const PENDING: &str = "kms_alias_pending_changes";
const UNUSABLE: &str = "kms_alias_unusable_keys";
pub(crate) const CALLS: &str = "kms_alias_api_calls_total";
const RETRIES: &str = "kms_alias_api_retries";

/// Every metric, in the order of a file
pub(crate) const FAMILIES: [&str; 11] = [
    LAST_RUN,
    LAST_SUCCESS,
    EXIT_CODE,
    DURATION,
    SHARD,
    TARGET_UP,
    ALIASES,
    PENDING,
    UNUSABLE,
    CALLS,
    RETRIES,
];

/// The whole file; `earlier` is what was in its place, from which a run that fails takes when the last one did not
pub fn prometheus(run: &Run, earlier: Option<&str>) -> String {
    let mut file = File(String::new());
    let ended = run.began.unix_timestamp_nanos() as f64 / 1e9 + run.took.as_secs_f64();
    // One of a time that has not come would keep every alert on it silent.
    let earlier = || earlier.and_then(last_success).filter(|at| *at <= ended);
    let succeeded = if run.succeeded() { Some(ended) } else { earlier() };
    file.gauge(LAST_RUN, "When the last run ended.", [(String::new(), ended)]);
    let about = "When the last run ended that exited 0 or 2.";
    file.gauge(LAST_SUCCESS, about, succeeded.map(|at| (String::new(), at)));
    let code = f64::from(run.exit_code);
    file.gauge(EXIT_CODE, "The exit code of the last run.", [(String::new(), code)]);
    let took = run.took.as_secs_f64();
    file.gauge(DURATION, "How long the last run took.", [(String::new(), took)]);
    let shard = run.shard.iter().map(|shard| (label("shard", &shard.part), 1.0));
    file.gauge(SHARD, "Whether the run of this part of the targets is told of here.", shard);
    targets(run, &mut file);
    calls(run, &mut file);
    file.0
}

/// What the file at the place of a report says of the last success
fn last_success(earlier: &str) -> Option<f64> {
    let line = earlier.lines().find_map(|line| line.strip_prefix(LAST_SUCCESS))?;
    line.trim().parse().ok().filter(|at: &f64| at.is_finite())
}

fn targets(run: &Run, file: &mut File) {
    let targets = run.plan.as_ref().map(|plan| &plan.targets[..]).unwrap_or_default();
    let up = |target: &TargetPlan| (label("target", &target.name), f64::from(u8::from(!target.errored)));
    file.gauge(TARGET_UP, "Whether the target could be read.", targets.iter().map(up));
    let report = |target: &TargetPlan| run.written.as_ref().and_then(|written| written.of(&target.name));
    let read = || targets.iter().filter(|target| !target.errored);
    let aliases = read().flat_map(|target| labelled(target, "status", aliases(target, report(target))));
    file.gauge(ALIASES, "Aliases in scope, by what the run left them as.", aliases);
    let changes = read().flat_map(|target| labelled(target, "action", changes(target, report(target))));
    file.gauge(PENDING, "Differences that the run left.", changes);
    let keys = read().flat_map(|target| labelled(target, "key_state", target.unusable_keys.clone()));
    file.gauge(UNUSABLE, "Keys in a plan that no alias can be used with now.", keys);
}

/// The samples of one target
fn labelled(
    target: &TargetPlan,
    name: &'static str,
    counts: BTreeMap<String, usize>,
) -> impl Iterator<Item = (String, f64)> {
    let target = label("target", &target.name);
    counts.into_iter().map(move |(value, count)| (format!("{target},{}", label(name, &value)), count as f64))
}

/// Every status, those that no alias has as well: a sample that comes and goes is hard to alert on
fn aliases(target: &TargetPlan, report: Option<&TargetReport>) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<String, usize> =
        ["held", "in_sync", "kept", "pending", "unmanaged"].map(|status| (status.to_owned(), 0)).into();
    let mut add = |status: &str, count| *counts.entry(status.to_owned()).or_default() += count;
    add("in_sync", target.in_sync);
    add("unmanaged", target.unmanaged.len());
    add("kept", target.kept.len());
    for change in &target.changes {
        match change.verb() {
            // What is gone is declared to be gone, and in no status any more.
            Verb::Create if change.accepted.is_some() => {}
            _ if change.accepted.is_some() => add("in_sync", 1),
            Verb::Held => add("held", 1),
            _ if !is_done(report, change) => add("pending", 1),
            // What is deleted is in no status any more.
            Verb::Delete => {}
            _ => add("in_sync", 1),
        }
    }
    if target.is_unlisted() {
        // Nobody knows, and no number says that.
        counts.remove("unmanaged");
    }
    counts
}

fn is_done(report: Option<&TargetReport>, change: &PlannedChange) -> bool {
    report.and_then(|report| report.outcome(change)).is_some_and(AppliedChange::is_success)
}

fn changes(target: &TargetPlan, report: Option<&TargetReport>) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<_, _> = Verb::ALL.map(|verb| (verb.as_str().to_owned(), 0)).into();
    let is_left = |change: &&PlannedChange| change.accepted.is_none() && !is_done(report, change);
    for change in target.changes.iter().filter(is_left) {
        *counts.entry(change.verb().as_str().to_owned()).or_default() += 1;
    }
    counts
}

fn calls(run: &Run, file: &mut File) {
    let plan = run.plan.as_ref();
    let mut calls = run.calls.clone();
    plan.iter().for_each(|plan| add_calls(&mut calls, &plan.api_calls));
    let calls = calls.iter().map(|(operation, count)| (label("operation", operation), *count as f64));
    file.family(CALLS, "counter", "Requests of the run, retries included.", calls);
    let written = run.written.iter().flat_map(|written| &written.report.targets);
    let retries = written.map(|target| {
        let again = target.changes.iter().map(|change| change.attempts.saturating_sub(1)).sum::<u32>();
        (label("target", &target.name), f64::from(again))
    });
    file.gauge(RETRIES, "Writes that the run had to repeat.", retries);
}

fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{}\"", harmless(value).replace('\\', "\\\\").replace('"', "\\\""))
}

struct File(String);

impl File {
    fn gauge(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = (String, f64)>) {
        self.family(name, "gauge", help, samples);
    }

    /// One metric, each sample with its labels; nothing where there is none
    fn family(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: impl IntoIterator<Item = (String, f64)>,
    ) {
        let lines: String = samples
            .into_iter()
            .map(|(labels, value)| match labels.is_empty() {
                true => format!("{name} {value}\n"),
                false => format!("{name}{{{labels}}} {value}\n"),
            })
            .collect();
        if !lines.is_empty() {
            let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n{lines}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_success_is_read_back_and_nothing_else_is_taken_for_it() {
        let file = format!("# HELP {LAST_SUCCESS} x\n{LAST_SUCCESS} 1764000000.25\n");
        assert_eq!(last_success(&file), Some(1_764_000_000.25));
        for other in [
            "",
            "x 1\n",
            "kms_alias_last_success_timestamp_seconds NaN\n",
            "kms_alias_last_success_timestamp_seconds\n",
        ] {
            assert_eq!(last_success(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_label_cannot_end_itself() {
        assert_eq!(label("target", "a\"} 1\nb\\"), "target=\"a\\\"} 1\\\\nb\\\\\"");
    }
}
