//! Reports -> the document that `apply -o json` writes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ErrorText;
use super::plan::{PlanDocument, PlannedChange};
use crate::alias::AliasName;
use crate::apply::{Applied, Outcome};
use crate::converge::Report;
use crate::fleet::Trouble;
use crate::render::report::{Tally, Told, not_attempted, renames, tally};
use crate::verify::Verdict;

/// What an apply came to
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApplyDocument {
    /// `1.0`
    pub format_version: String,
    /// `apply`
    pub kind: String,
    /// What it was to do
    pub plan: PlanDocument,
    /// The file that has every write of it; `null` where there is none
    pub receipt: Option<String>,
    /// Only of merged applies: the receipts of all of them
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<String>,
    /// `null` where it never came to a write
    pub report: Option<ReportDocument>,
    /// Why it ended early, where the plan and the report do not tell
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorText>,
    /// Of the process
    pub exit_code: u8,
}

/// What became of the changes
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReportDocument {
    /// Counts over all targets
    pub summary: Tally,
    /// Those that it came to
    pub targets: Vec<TargetReport>,
}

/// What became of them in one target
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetReport {
    /// As `prod/111122223333/us-east-1`
    pub name: String,
    /// Why it could not go on
    pub error: Option<ErrorText>,
    /// Whether the service shows all of it
    pub converged: bool,
    /// How often the last verification read what is live, by a listing or by the names that were changed
    pub listings: Option<u32>,
    /// How long it took until the service showed it, or until patience ended
    pub waited_seconds: Option<f64>,
    /// Names that are not as planned, or not known to be
    pub left: BTreeSet<String>,
    /// Why the last verification failed
    pub verify_error: Option<String>,
    /// Sorted by alias
    pub changes: Vec<AppliedChange>,
}

/// What became of one write
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedChange {
    /// The alias
    pub alias: String,
    /// The name that goes once this one is there
    pub previous_alias: Option<String>,
    /// The service's verbs in their order
    pub actions: Vec<String>,
    /// The key that it was on
    pub before: Option<String>,
    /// The key that it was to be on
    pub after: Option<String>,
    /// As `done`, `contested`
    pub status: String,
    /// Calls that were made
    pub attempts: u32,
    /// Of the last one
    pub request_id: Option<String>,
    /// Where a contested alias was found; `null` if it was gone
    pub found: Option<String>,
    /// What went wrong
    pub error: Option<String>,
    /// Why it was not attempted
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl TargetReport {
    /// What became of a planned change: of its two writes, if it is a rename, the one that went worse
    pub fn outcome(&self, change: &PlannedChange) -> Option<&AppliedChange> {
        let of = |name: &String| {
            let at = self.changes.binary_search_by(|one| one.alias.cmp(name)).ok()?;
            self.changes.get(at)
        };
        let writes = [of(&change.alias), change.previous_alias.as_ref().and_then(of)].into_iter().flatten();
        writes.min_by_key(|write| write.is_success())
    }
}

impl AppliedChange {
    /// Why it is not as planned, as far as that is known: what went wrong, or why it was not attempted
    pub fn why(&self) -> Option<&str> {
        self.error.as_deref().or(self.reason.as_deref())
    }

    /// Whether the alias is, or was said to be, as wanted
    pub fn is_success(&self) -> bool {
        matches!(&*self.status, "done" | "already_so")
    }
}

/// What became of the changes of these targets
pub fn report(told: &[Told]) -> ReportDocument {
    ReportDocument { summary: tally(told), targets: told.iter().map(target_report).collect() }
}

fn target_report(told: &Told) -> TargetReport {
    match told.report {
        Ok(report) => applied_report(told, report),
        Err(trouble) => TargetReport {
            name: told.target.to_owned(),
            error: Some(ErrorText::from(trouble)),
            ..TargetReport::default()
        },
    }
}

fn applied_report(told: &Told, report: &Report) -> TargetReport {
    let name = told.target.to_owned();
    let (mut listings, mut waited_seconds, mut verify_error) = (None, None, None);
    let mut left: BTreeSet<_> = report.unsettled().map(ToString::to_string).collect();
    match &report.verdict {
        Some(Ok(Verdict::Converged { reads, waited })) => {
            (listings, waited_seconds) = (Some(*reads), Some(waited.as_secs_f64()));
        }
        Some(Ok(Verdict::OutOfPatience { left: names, trouble, waited, .. })) => {
            waited_seconds = Some(waited.as_secs_f64());
            left.extend(names.iter().map(ToString::to_string));
            verify_error = trouble.as_ref().map(|error| Trouble::new(error, None).sentence);
        }
        Some(Ok(Verdict::Stopped { waited })) => waited_seconds = Some(waited.as_secs_f64()),
        Some(Err(error)) => verify_error = Some(Trouble::new(error, None).sentence),
        None => {}
    }
    let converged = matches!(report.verdict, Some(Ok(Verdict::Converged { .. }))) && report.is_complete();
    let previous: BTreeMap<_, _> = renames(told.plan).collect();
    let change = |one: &Applied| applied(one, previous.get(one.action.name()).copied());
    let mut changes: Vec<_> = report.applied.iter().map(change).collect();
    changes.sort_by(|a, b| a.alias.cmp(&b.alias));
    TargetReport { name, error: None, converged, listings, waited_seconds, left, verify_error, changes }
}

fn applied(applied: &Applied, previous: Option<&AliasName>) -> AppliedChange {
    let (before, after) = applied.action.keys();
    let found = match &applied.outcome {
        Outcome::Contested { found } => found.as_ref().map(ToString::to_string),
        _ => None,
    };
    AppliedChange {
        alias: applied.action.name().to_string(),
        previous_alias: previous.map(ToString::to_string),
        actions: applied.action.verbs().into_iter().map(str::to_owned).collect(),
        before: before.map(ToString::to_string),
        after: after.map(ToString::to_string),
        status: applied.outcome.word().to_owned(),
        attempts: applied.attempts,
        request_id: applied.request_id.as_deref().map(str::to_owned),
        found,
        error: applied.outcome.error(),
        reason: match applied.outcome {
            Outcome::NotAttempted(reason) => Some(not_attempted(reason).to_owned()),
            _ => None,
        },
    }
}
