//! Plans and reports -> JSON for programs. Its structs are its own, so that a rename inside cannot change a public format.

use std::collections::BTreeMap;

use serde::Serialize;

use super::access::{self, AccessFinding};
use super::report::{Tally, Told, tally};
use crate::apply::{Applied, Outcome};
use crate::converge::Report;
use crate::fleet::{Surveyed, Trouble, digest_of, totals};
use crate::kms::Calls;
use crate::plan::guards::Refusal;
use crate::plan::{Action, Change, Held, Plan, Reason};
use crate::prepare::Prepared;
use crate::target::Place;
use crate::verify::Verdict;

/// Added fields raise the second number, anything else the first
pub const FORMAT_VERSION: &str = "1.0";

/// The document that `plan -o json` writes
#[derive(Debug, Serialize)]
pub struct PlanDocument<'p> {
    format_version: &'static str,
    kind: &'static str,
    /// `null` while a target could not be read
    digest: Option<String>,
    errored: bool,
    partial: bool,
    summary: Summary,
    api_calls: Calls,
    least_seconds: f64,
    targets: Vec<TargetPlan<'p>>,
}

#[derive(Debug, Serialize)]
struct Summary {
    create: usize,
    update: usize,
    replace: usize,
    rename: usize,
    delete: usize,
    held: usize,
    in_sync: usize,
    unmanaged: usize,
    refused: usize,
    unread_targets: usize,
}

#[derive(Debug, Serialize)]
struct TargetPlan<'p> {
    name: &'p str,
    partition: Option<&'p str>,
    account: Option<&'p str>,
    region: Option<&'p str>,
    caller: Option<&'p str>,
    errored: bool,
    error: Option<ErrorText<'p>>,
    changes: Vec<PlannedChange<'p>>,
    refusals: Vec<RefusalText<'p>>,
    unmanaged: BTreeMap<&'p str, Option<&'p str>>,
    in_sync: usize,
    /// Only with `--access`
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<Vec<AccessFinding<'p>>>,
}

#[derive(Debug, Serialize)]
struct ErrorText<'p> {
    message: &'p str,
    hint: Option<&'p str>,
}

#[derive(Debug, Serialize)]
struct RefusalText<'p> {
    guard: String,
    message: &'p str,
    source: Option<Source<'p>>,
    /// The flag that accepts it
    accept: String,
}

#[derive(Debug, Serialize)]
struct PlannedChange<'p> {
    alias: &'p str,
    previous_alias: Option<&'p str>,
    actions: Vec<&'static str>,
    reason: Option<&'static str>,
    origin: &'static str,
    before: Option<&'p str>,
    after: Option<&'p str>,
    source: Option<Source<'p>>,
    risks: &'p [String],
    blocked_by: Option<&'p str>,
    hint: Option<&'p str>,
}

#[derive(Debug, Serialize)]
struct Source<'p> {
    file: &'p str,
    line: u32,
    column: u32,
}

/// The document of a plan
pub fn plan(surveyed: &[Surveyed]) -> PlanDocument<'_> {
    let totals = totals(surveyed);
    PlanDocument {
        format_version: FORMAT_VERSION,
        kind: "plan",
        digest: digest_of(surveyed),
        errored: totals.unread > 0,
        partial: totals.partial,
        summary: Summary {
            create: totals.counts.create,
            update: totals.counts.update,
            replace: totals.counts.replace,
            rename: totals.counts.rename,
            delete: totals.counts.delete,
            held: totals.held,
            in_sync: totals.in_sync,
            unmanaged: totals.unmanaged,
            refused: totals.refused,
            unread_targets: totals.unread,
        },
        api_calls: totals.calls,
        least_seconds: totals.least_time.as_secs_f64(),
        targets: surveyed.iter().map(target).collect(),
    }
}

fn target(one: &Surveyed) -> TargetPlan<'_> {
    let name = &*one.target.name;
    match &one.prepared {
        Ok(Prepared { identity, plan, .. }) => TargetPlan {
            name,
            partition: Some(&identity.partition),
            account: Some(&identity.account),
            region: Some(&identity.region),
            caller: Some(&identity.caller),
            errored: false,
            error: None,
            changes: changes(plan),
            refusals: plan.refusals.iter().map(refusal).collect(),
            unmanaged: plan
                .unmanaged
                .iter()
                .map(|(n, k)| (n.as_str(), k.as_ref().map(|k| k.as_str())))
                .collect(),
            in_sync: plan.in_sync,
            access: one.access.as_ref().map(access::document),
        },
        Err(trouble) => TargetPlan {
            name,
            partition: None,
            account: one.target.account.as_deref(),
            region: one.target.region.as_deref(),
            caller: None,
            errored: true,
            error: Some(error(trouble)),
            changes: Vec::new(),
            refusals: Vec::new(),
            unmanaged: BTreeMap::new(),
            in_sync: 0,
            access: None,
        },
    }
}

fn error(trouble: &Trouble) -> ErrorText<'_> {
    ErrorText { message: &trouble.sentence, hint: trouble.hint.as_deref() }
}

fn changes(plan: &Plan) -> Vec<PlannedChange<'_>> {
    let mut changes: Vec<_> = plan.changes.iter().map(planned).chain(plan.held.iter().map(held)).collect();
    changes.sort_by_key(|change| change.alias);
    changes
}

fn planned(change: &Change) -> PlannedChange<'_> {
    let (before, after) = change.keys();
    let renamed = change.previous.as_ref().map(|(name, _)| name.as_str());
    PlannedChange {
        alias: change.action.name().as_str(),
        previous_alias: renamed,
        actions: if renamed.is_some() { vec!["create", "delete"] } else { verbs(&change.action) },
        reason: Some(if renamed.is_some() { "renamed" } else { reason(&change.action, &change.reason) }),
        origin: "unknown",
        before: before.map(|key| key.as_str()),
        after: after.map(|key| key.as_str()),
        source: change.place.as_ref().map(source),
        risks: &change.risks,
        blocked_by: None,
        hint: None,
    }
}

fn held(held: &Held) -> PlannedChange<'_> {
    PlannedChange {
        alias: held.name.as_str(),
        previous_alias: None,
        actions: vec!["no-op"],
        reason: None,
        origin: "unknown",
        before: held.have.as_ref().map(|key| key.as_str()),
        after: held.want.as_ref().map(|key| key.as_str()),
        source: held.place.as_ref().map(source),
        risks: &[],
        blocked_by: Some(&held.why),
        hint: held.hint.as_deref(),
    }
}

fn refusal(refusal: &Refusal) -> RefusalText<'_> {
    let Refusal { guard, why, place } = refusal;
    let (source, accept) = (place.as_ref().map(source), format!("--allow {guard}"));
    RefusalText { guard: guard.to_string(), message: why, source, accept }
}

fn source(place: &Place) -> Source<'_> {
    Source { file: &place.file, line: place.line, column: place.column }
}

fn verbs(action: &Action) -> Vec<&'static str> {
    match action {
        Action::Create { .. } => vec!["create"],
        Action::Update { .. } => vec!["update"],
        Action::Replace { .. } => vec!["delete", "create"],
        Action::Delete { .. } => vec!["delete"],
    }
}

/// Without the manifest of an earlier commit nobody can tell a changed manifest from a changed world
fn reason(action: &Action, reason: &Reason) -> &'static str {
    match reason {
        Reason::Missing => "missing",
        Reason::Mismatched if matches!(action, Action::Replace { .. }) => "key_type_change",
        Reason::Mismatched => "target_drift",
        Reason::Follows(_) => "key_ref_moved",
        Reason::DeclaredAbsent => "declared_absent",
        Reason::Pruned => "pruned",
        Reason::Renamed(_) => "renamed",
    }
}

/// The document of a command that came to nothing it could show
#[derive(Debug, Serialize)]
pub struct FailureDocument<'f> {
    format_version: &'static str,
    kind: &'static str,
    error: ErrorText<'f>,
    exit_code: u8,
}

/// The document of a failure that no target and no line of the manifest is to blame for
pub fn failure<'f>(message: &'f str, hint: Option<&'f str>, exit_code: u8) -> FailureDocument<'f> {
    let error = ErrorText { message, hint };
    FailureDocument { format_version: FORMAT_VERSION, kind: "error", error, exit_code }
}

/// The document that `apply -o json` writes
#[derive(Debug, Serialize)]
pub struct ApplyDocument<'p> {
    format_version: &'static str,
    kind: &'static str,
    plan: PlanDocument<'p>,
    /// `null` where it never came to a write
    report: Option<ReportDocument<'p>>,
    exit_code: u8,
}

#[derive(Debug, Serialize)]
struct ReportDocument<'p> {
    summary: TallyDocument,
    targets: Vec<TargetReport<'p>>,
}

#[derive(Debug, Serialize)]
struct TallyDocument {
    created: usize,
    retargeted: usize,
    replaced: usize,
    deleted: usize,
    already_so: usize,
    contested: usize,
    failed: usize,
    unverified: usize,
    not_attempted: usize,
}

#[derive(Debug, Serialize)]
struct TargetReport<'p> {
    name: &'p str,
    error: Option<ErrorText<'p>>,
    converged: bool,
    /// Listings that the last verification made
    listings: Option<u32>,
    waited_seconds: Option<f64>,
    /// Names that the last listing still showed otherwise
    left: Vec<&'p str>,
    verify_error: Option<String>,
    changes: Vec<AppliedChange<'p>>,
}

#[derive(Debug, Serialize)]
struct AppliedChange<'p> {
    alias: &'p str,
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

/// The document of an apply; `told` is `None` where it never came to a write
pub fn apply<'p>(surveyed: &'p [Surveyed], told: Option<&[Told<'p>]>, exit_code: u8) -> ApplyDocument<'p> {
    let report = told.map(|told| ReportDocument {
        summary: tally_document(tally(told)),
        targets: told.iter().map(target_report).collect(),
    });
    ApplyDocument { format_version: FORMAT_VERSION, kind: "apply", plan: plan(surveyed), report, exit_code }
}

fn tally_document(tally: Tally) -> TallyDocument {
    let Tally {
        created,
        retargeted,
        replaced,
        deleted,
        already_so,
        contested,
        failed,
        unverified,
        not_attempted,
    } = tally;
    TallyDocument {
        created,
        retargeted,
        replaced,
        deleted,
        already_so,
        contested,
        failed,
        unverified,
        not_attempted,
    }
}

fn target_report<'p>(told: &Told<'p>) -> TargetReport<'p> {
    match told.report {
        Ok(report) => applied_report(told.target, report),
        Err(trouble) => TargetReport {
            name: told.target,
            error: Some(error(trouble)),
            converged: false,
            listings: None,
            waited_seconds: None,
            left: Vec::new(),
            verify_error: None,
            changes: Vec::new(),
        },
    }
}

fn applied_report<'p>(name: &'p str, report: &'p Report) -> TargetReport<'p> {
    let (mut listings, mut waited_seconds, mut left, mut verify_error) = (None, None, Vec::new(), None);
    match &report.verdict {
        Some(Ok(Verdict::Converged { reads, waited })) => {
            (listings, waited_seconds) = (Some(*reads), Some(waited.as_secs_f64()));
        }
        Some(Ok(Verdict::OutOfPatience { left: names, trouble, waited })) => {
            waited_seconds = Some(waited.as_secs_f64());
            left = names.iter().map(|name| name.as_str()).collect();
            verify_error = trouble.as_ref().map(|error| Trouble::new(error, None).sentence);
        }
        Some(Ok(Verdict::Stopped { waited })) => waited_seconds = Some(waited.as_secs_f64()),
        Some(Err(error)) => verify_error = Some(Trouble::new(error, None).sentence),
        None => {}
    }
    let converged = matches!(report.verdict, Some(Ok(Verdict::Converged { .. }))) && report.is_complete();
    let mut changes: Vec<_> = report.applied.iter().map(applied).collect();
    changes.sort_by_key(|change| change.alias);
    TargetReport { name, error: None, converged, listings, waited_seconds, left, verify_error, changes }
}

fn applied(applied: &Applied) -> AppliedChange<'_> {
    let (before, after) = applied.action.keys();
    let (status, found, error) = match &applied.outcome {
        Outcome::Done => ("done", None, None),
        Outcome::AlreadySo => ("already_so", None, None),
        Outcome::Contested { found } => ("contested", found.as_ref().map(|key| key.as_str()), None),
        Outcome::Failed(error) => ("failed", None, Some(error.to_string())),
        Outcome::PutBack(error) => ("put_back", None, Some(error.to_string())),
        Outcome::Unverified => ("unverified", None, None),
        Outcome::NotAttempted(_) => ("not_attempted", None, None),
    };
    AppliedChange {
        alias: applied.action.name().as_str(),
        actions: verbs(&applied.action),
        before: before.map(|key| key.as_str()),
        after: after.map(|key| key.as_str()),
        status,
        attempts: applied.attempts,
        request_id: applied.request_id.as_deref(),
        found,
        error,
    }
}
