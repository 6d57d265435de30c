//! A run -> what a reviewer or an operator should look at, one by one: what every form that lists results is made from.

use std::collections::{BTreeMap, HashMap};

use clap::ValueEnum;
use sha2::{Digest, Sha256};

use super::form::{Run, Written};
use super::style::harmless;
use crate::document::{PlanDocument, PlannedChange, RefusalText, Source, TargetPlan, TargetReport, Verb};
use crate::load::{Problem, Severity};
use crate::plan::guards::{Allow, FailOn};
use crate::plan::risks::Code;

/// How much it matters
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something is wrong, or was not done
    Error,
    /// Something could go wrong
    Warning,
}

impl Level {
    /// `error` or `warning`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// What has drifted
pub const DRIFT: &str = "drift";

/// What a look for drift finds that the manifest has come to say since the base
pub const UNAPPLIED: &str = "unapplied";

/// One thing to look at
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// As `decrypt-by-name`, `mass-delete`, `held`
    pub rule: String,
    /// What the rule is about, where that can be said without the finding
    pub about: Option<String>,
    /// How much it matters
    pub level: Level,
    /// One line, harmless wherever it is shown
    pub message: String,
    /// Where the manifest says so
    pub source: Option<Source>,
    /// The same for the same thing in every run, wherever in its file that has moved to; no other has it
    pub fingerprint: String,
}

/// What there is to look at in a run: what ended it, then its manifest, then its targets
pub fn findings(run: &Run) -> Vec<Finding> {
    let mut list = List::default();
    for error in &run.errors {
        list.add("failed", Level::Error, Found { message: &error.message, ..Found::default() });
    }
    run.problems.sorted().into_iter().for_each(|problem| list.add_problem(problem));
    if let Some(plan) = &run.plan {
        list.add_plan(plan, run.written.as_ref());
    }
    list.findings
}

/// What a finding is made from
#[derive(Clone, Copy, Default)]
struct Found<'f> {
    target: &'f str,
    alias: &'f str,
    message: &'f str,
    source: Option<&'f Source>,
}

#[derive(Default)]
struct List {
    findings: Vec<Finding>,
    /// How often each was met
    seen: BTreeMap<String, usize>,
}

impl List {
    fn add(&mut self, rule: &str, level: Level, found: Found<'_>) {
        let Found { target, alias, message, source } = found;
        // Sentences about an alias hold figures and keys, which may change while the thing is the same.
        let what = if alias.is_empty() { message } else { alias };
        let file = source.map_or("", |source| &source.file);
        let same = [rule, target, what, file].join("\n");
        let count = self.seen.entry(same.clone()).or_default();
        *count += 1;
        let fingerprint = hash(&format!("{same}\n{count}"));
        let place =
            [target, alias].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(": ");
        let message = match (place.is_empty(), message.starts_with(alias) && !alias.is_empty()) {
            (true, _) => message.to_owned(),
            (false, true) => format!("{target}: {message}"),
            (false, false) => format!("{place}: {message}"),
        };
        let (rule, about, message) = (rule.to_owned(), about(rule), harmless(&message));
        self.findings.push(Finding { rule, about, level, message, source: source.cloned(), fingerprint });
    }

    fn add_problem(&mut self, problem: &Problem) {
        let level = match problem.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
        };
        let source =
            problem.place().map(|at| Source { file: at.file.to_string(), line: at.line, column: at.column });
        self.add(
            problem.code,
            level,
            Found { message: &problem.message, source: source.as_ref(), ..Found::default() },
        );
    }

    fn add_plan(&mut self, plan: &PlanDocument, written: Option<&Written>) {
        let look = plan.kind == "drift";
        for warning in &plan.warnings {
            self.add("idle-pattern", Level::Warning, Found { message: warning, ..Found::default() });
        }
        plan.refusals.iter().for_each(|refusal| self.add_refusal("", refusal));
        plan.targets.iter().for_each(|target| self.add_target(target, look, written));
    }

    fn add_refusal(&mut self, target: &str, refusal: &RefusalText) {
        let (message, source) = (&refusal.message, refusal.source.as_ref());
        self.add(&refusal.guard, Level::Error, Found { target, message, source, ..Found::default() });
    }

    fn add_target(&mut self, target: &TargetPlan, look: bool, written: Option<&Written>) {
        let about = Found { target: &target.name, ..Found::default() };
        if let Some(error) = &target.error {
            let message = format!("failed to {}", error.message);
            self.add("unreadable-target", Level::Error, Found { message: &message, ..about });
        }
        target.refusals.iter().for_each(|refusal| self.add_refusal(&target.name, refusal));
        let report = written.and_then(|written| written.of(&target.name));
        for change in target.changes.iter().filter(|change| change.accepted.is_none()) {
            let about = Found { alias: &change.alias, source: change.source.as_ref(), ..about };
            self.add_change(about, change);
            let done = || report.is_some_and(|report| report.outcome(change).is_some());
            if (look || change.origin == "drift") && change.blocked_by.is_none() && !done() {
                let (rule, level) = match (look, &*change.origin) {
                    (true, "config") => (UNAPPLIED, Level::Warning),
                    (true, _) => (DRIFT, Level::Error),
                    // On a pull request it is not the pull request's doing.
                    (false, _) => (DRIFT, Level::Warning),
                };
                self.add(rule, level, Found { message: &differs(change), ..about });
            }
        }
        for unusable in target.unusable.iter().flatten() {
            let (alias, message, source) = (&*unusable.alias, &*unusable.message, unusable.source.as_ref());
            self.add("unusable-key", Level::Error, Found { alias, message, source, ..about });
        }
        if let Some(report) = report {
            self.add_writes(about, target, report);
        }
    }

    fn add_writes(&mut self, about: Found<'_>, target: &TargetPlan, report: &TargetReport) {
        if let Some(error) = &report.error {
            let message = format!("failed to {}", error.message);
            self.add("failed", Level::Error, Found { message: &message, ..about });
        }
        let places: HashMap<&str, &Source> = target
            .changes
            .iter()
            .filter_map(|change| Some((&*change.alias, change.source.as_ref()?)))
            .collect();
        for write in report.changes.iter().filter(|write| !write.is_success()) {
            let (alias, source) = (&*write.alias, places.get(&*write.alias).copied());
            let message = write.why().unwrap_or("it is not as planned");
            let rule = write.status.replace('_', "-");
            self.add(&rule, Level::Error, Found { alias, message, source, ..about });
        }
    }

    fn add_change(&mut self, about: Found<'_>, change: &PlannedChange) {
        if let Some(why) = &change.blocked_by {
            self.add("held", Level::Error, Found { message: why, ..about });
        }
        for risk in &change.risks {
            self.add(&risk.code, Level::Warning, Found { message: &risk.message, ..about });
        }
    }
}

/// How an alias differs from what is declared
pub fn differs(change: &PlannedChange) -> String {
    let key = |key: &Option<String>| key.clone().unwrap_or_else(|| "no key".to_owned());
    match (change.verb(), &change.previous_alias) {
        (Verb::Create, _) => format!("is not there, and should be on {}", key(&change.after)),
        (Verb::Rename, Some(old)) => format!("is still called {old}"),
        (Verb::Delete, _) => format!("is on {}, and should not be there", key(&change.before)),
        _ => format!("is on {}, and should be on {}", key(&change.before), key(&change.after)),
    }
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// What is known of a rule by its name: the page of the risks, what a guard refuses, what else is looked at
fn about(rule: &str) -> Option<String> {
    if let Some(code) = Code::parse(rule) {
        return Some(code.section().to_owned());
    }
    let help = |value: Option<clap::builder::PossibleValue>| Some(value?.get_help()?.to_string());
    let guard = Allow::from_str(rule, false).ok().and_then(|guard| help(guard.to_possible_value()));
    let asked = || FailOn::from_str(rule, false).ok().and_then(|what| help(what.to_possible_value()));
    guard.or_else(asked).or_else(|| {
        let known = match rule {
            DRIFT => "An alias that is not as declared, though the manifest did not change it",
            UNAPPLIED => "An alias that is not as declared since the manifest has changed, and nothing has applied that yet",
            "unusable-key" => "An alias that is as declared, on a key that cannot be used",
            "held" => "A change that is not made, because it could not succeed or would do harm",
            "unreadable-target" => "A target that could not be read, so nothing is known of its aliases",
            "idle-pattern" => "A pattern of the manifest that matches no name in any target that was read",
            "failed" => "What the run could not do",
            "contested" => "An alias that somebody has changed since the plan was made; it was left alone",
            "unverified" => "A change that was written, and that the service did not show in time",
            "put-back" => "A replacement that failed, whose alias is back on its old key",
            "not-attempted" => "A change that the run never came to",
            _ => return None,
        };
        Some(known.to_owned())
    })
}
