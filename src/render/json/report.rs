//! Reports -> the document that `apply -o json` writes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::plan::{PlanDocument, plan};
use super::{ErrorText, FORMAT_VERSION, error};
use crate::alias::AliasName;
use crate::apply::{Applied, Outcome};
use crate::converge::Report;
use crate::fleet::{Surveyed, Trouble};
use crate::receipt::Receipt;
use crate::render::report::{Tally, Told, renames, tally};
use crate::verify::Verdict;

/// The document that `apply -o json` writes
#[derive(Debug, Serialize)]
pub struct ApplyDocument<'p> {
    format_version: &'static str,
    kind: &'static str,
    plan: PlanDocument<'p>,
    /// The file that has every write of it; `null` where there is none
    receipt: Option<String>,
    /// `null` where it never came to a write
    report: Option<ReportDocument<'p>>,
    exit_code: u8,
}

#[derive(Debug, Serialize)]
struct ReportDocument<'p> {
    summary: Tally,
    targets: Vec<TargetReport<'p>>,
}

#[derive(Debug, Serialize)]
struct TargetReport<'p> {
    name: &'p str,
    error: Option<ErrorText<'p>>,
    converged: bool,
    /// Listings that the last verification made
    listings: Option<u32>,
    waited_seconds: Option<f64>,
    /// Names that are not as planned, or not known to be
    left: BTreeSet<&'p str>,
    verify_error: Option<String>,
    changes: Vec<AppliedChange<'p>>,
}

#[derive(Debug, Serialize)]
struct AppliedChange<'p> {
    alias: &'p str,
    /// The name that goes once this one is there
    previous_alias: Option<&'p str>,
    actions: Vec<&'static str>,
    before: Option<&'p str>,
    after: Option<&'p str>,
    status: &'static str,
    attempts: u32,
    request_id: Option<&'p str>,
    /// Where a contested alias was found; `null` if it was gone
    found: Option<&'p str>,
    error: Option<String>,
}

/// The document of an apply that never came to a write
pub fn unwritten(surveyed: &[Surveyed], exit_code: u8) -> ApplyDocument<'_> {
    let (kind, plan) = ("apply", plan(surveyed));
    ApplyDocument { format_version: FORMAT_VERSION, kind, plan, receipt: None, report: None, exit_code }
}

/// The document of an apply, and of the receipt that it wrote
pub fn apply<'p>(
    surveyed: &'p [Surveyed],
    told: &[Told<'p>],
    receipt: &Receipt,
    exit_code: u8,
) -> ApplyDocument<'p> {
    let report =
        Some(ReportDocument { summary: tally(told), targets: told.iter().map(target_report).collect() });
    let receipt = receipt.place.as_ref().map(|place| place.display().to_string());
    ApplyDocument { receipt, report, ..unwritten(surveyed, exit_code) }
}

fn target_report<'p>(told: &Told<'p>) -> TargetReport<'p> {
    match told.report {
        Ok(report) => applied_report(told, report),
        Err(trouble) => TargetReport {
            name: told.target,
            error: Some(error(trouble)),
            converged: false,
            listings: None,
            waited_seconds: None,
            left: BTreeSet::new(),
            verify_error: None,
            changes: Vec::new(),
        },
    }
}

fn applied_report<'p>(told: &Told<'p>, report: &'p Report) -> TargetReport<'p> {
    let name = told.target;
    let (mut listings, mut waited_seconds, mut verify_error) = (None, None, None);
    let mut left: BTreeSet<_> = report.unsettled().map(|name| name.as_str()).collect();
    match &report.verdict {
        Some(Ok(Verdict::Converged { reads, waited })) => {
            (listings, waited_seconds) = (Some(*reads), Some(waited.as_secs_f64()));
        }
        Some(Ok(Verdict::OutOfPatience { left: names, trouble, waited })) => {
            waited_seconds = Some(waited.as_secs_f64());
            left.extend(names.iter().map(|name| name.as_str()));
            verify_error = trouble.as_ref().map(|error| Trouble::new(error, None).sentence);
        }
        Some(Ok(Verdict::Stopped { waited })) => waited_seconds = Some(waited.as_secs_f64()),
        Some(Err(error)) => verify_error = Some(Trouble::new(error, None).sentence),
        None => {}
    }
    let converged = matches!(report.verdict, Some(Ok(Verdict::Converged { .. }))) && report.is_complete();
    let previous: BTreeMap<_, _> = renames(told.plan).collect();
    let change = |one: &'p Applied| applied(one, previous.get(one.action.name()).copied());
    let mut changes: Vec<_> = report.applied.iter().map(change).collect();
    changes.sort_by_key(|change| change.alias);
    TargetReport { name, error: None, converged, listings, waited_seconds, left, verify_error, changes }
}

fn applied<'p>(applied: &'p Applied, previous: Option<&'p AliasName>) -> AppliedChange<'p> {
    let (before, after) = applied.action.keys();
    let (found, error) = match &applied.outcome {
        Outcome::Contested { found } => (found.as_ref().map(|key| key.as_str()), None),
        Outcome::Failed(error) | Outcome::PutBack(error) => (None, Some(error.to_string())),
        _ => (None, None),
    };
    AppliedChange {
        alias: applied.action.name().as_str(),
        previous_alias: previous.map(AliasName::as_str),
        actions: applied.action.verbs(),
        before: before.map(|key| key.as_str()),
        after: after.map(|key| key.as_str()),
        status: applied.outcome.word(),
        attempts: applied.attempts,
        request_id: applied.request_id.as_deref(),
        found,
        error,
    }
}
