//! Plans -> the document that `plan -o json` writes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{ErrorText, FORMAT_VERSION, error};
use crate::base::{Origin, Since};
use crate::fleet::{Surveyed, digest_of, totals};
use crate::idle::{idle_patterns, refusal as refused};
use crate::kms::Calls;
use crate::plan::guards::Refusal;
use crate::plan::risks::Risk;
use crate::plan::{Action, Change, Held, Plan, Reason};
use crate::prepare::Prepared;
use crate::render::access::{self, AccessFinding};
use crate::target::Place;

/// The document that `plan -o json` writes
#[derive(Debug, Serialize)]
pub struct PlanDocument<'p> {
    format_version: &'static str,
    kind: &'static str,
    /// Only in a saved plan: without it, the same plan is the same bytes
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    /// `null` while a target could not be read
    digest: Option<String>,
    errored: bool,
    partial: bool,
    /// What the command line allowed
    allow: BTreeSet<String>,
    /// `null` without `--base-ref`
    base: Option<BaseText<'p>>,
    warnings: Vec<String>,
    /// What refuses the plan as a whole; those of a target are with it
    refusals: Vec<RefusalText>,
    summary: Summary,
    api_calls: Calls,
    least_seconds: f64,
    targets: Vec<TargetPlan<'p>>,
}

#[derive(Debug, Serialize)]
struct BaseText<'p> {
    commit: &'p str,
    /// Whether the manifest could be read there; if not, every origin is `unknown`
    readable: bool,
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
    /// Whether names in scope that nothing declares are deleted
    prune: bool,
    errored: bool,
    error: Option<ErrorText<'p>>,
    changes: Vec<PlannedChange<'p>>,
    refusals: Vec<RefusalText>,
    unmanaged: BTreeMap<&'p str, Option<&'p str>>,
    in_sync: usize,
    /// Only with `--access`
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<Vec<AccessFinding<'p>>>,
}

#[derive(Debug, Serialize)]
struct RefusalText {
    guard: String,
    message: String,
    source: Option<Source>,
    /// The flag that accepts it, or what to leave out of one
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
    source: Option<Source>,
    risks: Vec<RiskText<'p>>,
    blocked_by: Option<&'p str>,
    hint: Option<&'p str>,
}

#[derive(Debug, Serialize)]
struct RiskText<'p> {
    code: &'static str,
    message: &'p str,
    link: String,
}

#[derive(Debug, Serialize)]
struct Source {
    file: String,
    line: u32,
    column: u32,
}

/// The document of a plan
pub fn plan(surveyed: &[Surveyed]) -> PlanDocument<'_> {
    let totals = totals(surveyed);
    let warnings = idle_patterns(surveyed);
    PlanDocument {
        format_version: FORMAT_VERSION,
        kind: "plan",
        created_at: None,
        digest: digest_of(surveyed),
        errored: totals.unread > 0,
        partial: totals.partial,
        allow: surveyed.iter().flat_map(|one| &one.policy.allow).map(ToString::to_string).collect(),
        base: surveyed.first().and_then(|one| one.policy.since.as_ref()).map(base),
        refusals: refused(&warnings, surveyed).iter().map(refusal).collect(),
        warnings: warnings.iter().map(ToString::to_string).collect(),
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

/// The same document as `plan --out` saves it, made at this time
pub fn saved(surveyed: &[Surveyed], created_at: String) -> PlanDocument<'_> {
    PlanDocument { created_at: Some(created_at), ..plan(surveyed) }
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
            prune: one.target.prune,
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
            prune: one.target.prune,
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
        actions: change.verbs(),
        reason: Some(match renamed {
            Some(_) => "renamed",
            None => reason(&change.action, &change.reason, &change.origin),
        }),
        origin: change.origin.as_str(),
        before: before.map(|key| key.as_str()),
        after: after.map(|key| key.as_str()),
        source: change.place.as_ref().map(source),
        risks: change.risks.iter().map(risk).collect(),
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
        origin: held.origin.as_str(),
        before: held.have.as_ref().map(|key| key.as_str()),
        after: held.want.as_ref().map(|key| key.as_str()),
        source: held.place.as_ref().map(source),
        risks: Vec::new(),
        blocked_by: Some(&held.why),
        hint: held.hint.as_deref(),
    }
}

fn risk(risk: &Risk) -> RiskText<'_> {
    RiskText { code: risk.code.as_str(), message: &risk.sentence, link: risk.code.link() }
}

fn refusal(refusal: &Refusal) -> RefusalText {
    let Refusal { guard, why, place } = refusal;
    let source = place.as_ref().map(source);
    RefusalText { guard: guard.to_string(), message: why.clone(), source, accept: guard.accept() }
}

fn base(since: &Since) -> BaseText<'_> {
    BaseText { commit: &since.commit.0, readable: since.is_readable() }
}

fn source(place: &Place) -> Source {
    Source { file: place.file.to_string(), line: place.line, column: place.column }
}

/// Without the manifest of an earlier commit nobody can tell a changed manifest from a changed world
fn reason(action: &Action, reason: &Reason, origin: &Origin) -> &'static str {
    match reason {
        Reason::Missing => "missing",
        Reason::Mismatched if matches!(action, Action::Replace { .. }) => "key_type_change",
        Reason::Mismatched if *origin == Origin::Config => "config_changed",
        Reason::Mismatched => "target_drift",
        Reason::Follows(_) | Reason::Selects(_) => "key_ref_moved",
        Reason::DeclaredAbsent => "declared_absent",
        Reason::Pruned => "pruned",
        Reason::Reverted => "reverted",
        Reason::Renamed(_) => "renamed",
    }
}
