//! Targets as they were read and planned -> the document of the plan.

use std::collections::BTreeMap;

use super::plan::{
    BaseText, KeptName, PlanDocument, PlannedChange, RefusalText, RiskText, Source, Summary, TargetPlan,
    UnusableText,
};
use super::{BlameText, ErrorText, FORMAT_VERSION, access};
use crate::alias::KeyId;
use crate::base::{Origin, Since};
use crate::blame::Blame;
use crate::fleet::{Surveyed, Totals, digest_of, totals};
use crate::idle::{idle_patterns, refusal as refused};
use crate::inspect::{Fact, Facts};
use crate::kms::KeyFacts;
use crate::list::Extent;
use crate::plan::guards::Refusal;
use crate::plan::risks::Risk;
use crate::plan::{Action, Change, Held, Plan, Reason};
use crate::prepare::Prepared;
use crate::render::style::KeyNames;
use crate::unusable::Unusable;

/// The document of a plan
pub fn plan(surveyed: &[Surveyed]) -> PlanDocument {
    let totals = totals(surveyed);
    let warnings = idle_patterns(surveyed);
    PlanDocument {
        format_version: FORMAT_VERSION.to_owned(),
        kind: "plan".to_owned(),
        created_at: None,
        shard: None,
        missing_shards: Vec::new(),
        digest: digest_of(surveyed),
        errored: totals.unread > 0,
        partial: totals.partial,
        allow: surveyed.iter().flat_map(|one| &one.policy.allow).map(ToString::to_string).collect(),
        base: surveyed.first().and_then(|one| one.policy.since.as_ref()).map(base),
        refusals: refused(&warnings, surveyed).iter().map(refusal).collect(),
        warnings: warnings.iter().map(ToString::to_string).collect(),
        summary: summary(&totals),
        least_seconds: totals.least_time.as_secs_f64(),
        api_calls: totals.calls,
        targets: surveyed.iter().map(target).collect(),
    }
}

/// The document of a look for drift
pub fn drift(surveyed: &[Surveyed]) -> PlanDocument {
    PlanDocument { kind: "drift".to_owned(), ..plan(surveyed) }
}

fn summary(totals: &Totals) -> Summary {
    Summary {
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
        unlisted_targets: totals.unlisted,
        unusable: totals.unusable,
    }
}

fn target(one: &Surveyed) -> TargetPlan {
    let (name, prune) = (one.target.name.to_string(), one.target.prune);
    let prepared = match &one.prepared {
        Ok(prepared) => prepared,
        Err(trouble) => {
            let (account, region) = (&one.target.account, &one.target.region);
            return TargetPlan {
                account: account.as_deref().map(str::to_owned),
                region: region.as_deref().map(str::to_owned),
                errored: true,
                error: Some(ErrorText::from(trouble)),
                ..TargetPlan { name, prune, ..TargetPlan::default() }
            };
        }
    };
    let Prepared { identity, plan, facts, .. } = prepared;
    let keys = KeyNames::new(keys_of(plan));
    let findings = one.access.as_ref().map(|impact| access::findings(impact, &identity.account, &keys));
    let mut target = TargetPlan {
        name,
        partition: Some(identity.partition.to_string()),
        account: Some(identity.account.to_string()),
        region: Some(identity.region.to_string()),
        caller: Some(identity.caller.to_string()),
        prune,
        errored: false,
        error: None,
        read: Some(read(plan.extent).to_owned()),
        changes: changes(&Sheet { keys: &keys, facts }, plan),
        refusals: plan.refusals.iter().map(refusal).collect(),
        unmanaged: plan.unmanaged.iter().map(|(name, key)| (name.to_string(), id(key.as_ref()))).collect(),
        kept: plan.kept.iter().map(|(name, (key, by))| (name.to_string(), kept(key, by.as_str()))).collect(),
        in_sync: plan.in_sync,
        unusable: one.unusable.as_ref().map(|all| all.iter().map(broken).collect()),
        unusable_keys: unusable_keys(facts, one.unusable.as_deref()),
        access: findings,
        access_keys: one.access.as_ref().map(|impact| impact.keys),
        blame_error: None,
    };
    one.blame.iter().for_each(|blame| tell(blame, &mut target));
    target
}

fn read(extent: Extent) -> &'static str {
    match extent {
        Extent::Whole { .. } => "list",
        Extent::Named => "names",
    }
}

/// Says who made it so, where that was asked
fn tell(blame: &Blame, target: &mut TargetPlan) {
    let who = |alias: &str| {
        let found = blame.findings.iter().find(|(name, _)| name.as_str() == alias);
        found.map(|(_, finding)| BlameText::from(finding))
    };
    target.changes.iter_mut().for_each(|change| change.blame = who(&change.alias));
    target.unusable.iter_mut().flatten().for_each(|unusable| unusable.blame = who(&unusable.alias));
    target.blame_error = blame.trouble.as_ref().map(ErrorText::from);
}

/// Every key that the plan shows
fn keys_of(plan: &Plan) -> impl Iterator<Item = &KeyId> {
    let changed = plan.changes.iter().flat_map(|change| <[_; 2]>::from(change.keys()));
    let held = plan.held.iter().flat_map(|held| [held.have.as_ref(), held.want.as_ref()]);
    let kept = plan.kept.values().map(|(key, _)| key);
    changed.chain(held).flatten().chain(kept).chain(plan.unmanaged.values().flatten())
}

/// How many keys are in each state in which they cannot be used: those of the changes, and where it was asked those in use
fn unusable_keys(facts: &Facts, in_use: Option<&[Unusable]>) -> BTreeMap<String, usize> {
    let mut states: BTreeMap<&KeyId, &str> = BTreeMap::new();
    for (key, fact) in facts {
        if let Fact::Known(KeyFacts { state, .. }) = fact
            && state != "Enabled"
        {
            states.insert(key, state);
        }
    }
    let in_use = in_use.unwrap_or_default().iter();
    states.extend(in_use.filter_map(|unusable| Some((&unusable.key, unusable.state.as_deref()?))));
    let mut counts = BTreeMap::new();
    states.into_values().for_each(|state| *counts.entry(state.to_owned()).or_default() += 1);
    counts
}

fn id(key: Option<&KeyId>) -> Option<String> {
    key.map(|key| key.as_str().to_owned())
}

fn kept(key: &KeyId, by: &str) -> KeptName {
    KeptName { key: key.as_str().to_owned(), successor_alias: by.to_owned() }
}

/// What every change of a target is written with
struct Sheet<'p> {
    keys: &'p KeyNames<'p>,
    facts: &'p Facts,
}

fn changes(sheet: &Sheet<'_>, plan: &Plan) -> Vec<PlannedChange> {
    let planned = plan.changes.iter().map(|change| sheet.planned(change));
    let mut changes: Vec<_> = planned.chain(plan.held.iter().map(|held| sheet.held(held))).collect();
    changes.sort_by(|a, b| a.alias.cmp(&b.alias));
    changes
}

impl Sheet<'_> {
    fn planned(&self, change: &Change) -> PlannedChange {
        let (before, after) = change.keys();
        let renamed = change.previous.as_ref().map(|(name, _)| name.to_string());
        let successor = match &change.reason {
            Reason::Renamed(other) => Some(other.to_string()),
            _ => None,
        };
        let reason = match renamed {
            Some(_) => "renamed",
            None => reason(&change.action, &change.reason, &change.origin),
        };
        PlannedChange {
            alias: change.action.name().to_string(),
            previous_alias: renamed,
            successor_alias: successor,
            actions: change.verbs().into_iter().map(str::to_owned).collect(),
            reason: Some(reason.to_owned()),
            origin: change.origin.as_str().to_owned(),
            before: id(before),
            after: id(after),
            key_description: self.description(after.or(before)),
            source: change.place.as_ref().map(Source::from),
            why: self.why(change),
            risks: change.risks.iter().map(risk).collect(),
            blocked_by: None,
            hint: None,
            accepted: None,
            blame: None,
        }
    }

    fn held(&self, held: &Held) -> PlannedChange {
        PlannedChange {
            alias: held.name.to_string(),
            actions: vec!["no-op".to_owned()],
            origin: held.origin.as_str().to_owned(),
            before: id(held.have.as_ref()),
            after: id(held.want.as_ref()),
            key_description: self.description(held.want.as_ref()),
            source: held.place.as_ref().map(Source::from),
            blocked_by: Some(held.why.clone()),
            hint: held.hint.clone(),
            ..PlannedChange::default()
        }
    }

    fn description(&self, key: Option<&KeyId>) -> Option<String> {
        match self.facts.get(key?)? {
            Fact::Known(facts) if !facts.description.is_empty() => Some(facts.description.to_string()),
            _ => None,
        }
    }

    fn why(&self, change: &Change) -> Vec<String> {
        let mut why = Vec::new();
        match &change.reason {
            Reason::Follows(other) => why.push(format!("follows {other}")),
            Reason::Selects(criteria) => {
                let key = change.keys().1.map_or("no key", |key| self.keys.of(key));
                why.push(format!("{criteria} now {} {key}", criteria.verb()));
            }
            _ => {}
        }
        if let Origin::Drift(commit) = &change.origin {
            let commit = commit.short();
            why.push(match change.reason {
                Reason::Pruned => format!("drift: nothing declared it at {commit} either"),
                _ => format!("drift: the declaration has not changed since {commit}"),
            });
        }
        why
    }
}

fn broken(unusable: &Unusable) -> UnusableText {
    let Unusable { name, key, state, why, hint, place } = unusable;
    UnusableText {
        alias: name.to_string(),
        key: key.to_string(),
        key_state: state.clone(),
        message: why.clone(),
        hint: hint.clone(),
        source: Some(Source::from(place)),
        blame: None,
    }
}

fn risk(risk: &Risk) -> RiskText {
    let (code, message) = (risk.code.as_str().to_owned(), risk.sentence.clone());
    RiskText { code, message, link: risk.code.link() }
}

fn refusal(refusal: &Refusal) -> RefusalText {
    let Refusal { guard, why, place } = refusal;
    RefusalText {
        guard: guard.to_string(),
        message: why.clone(),
        source: place.as_ref().map(Source::from),
        accept: guard.accept(),
        hint: guard.hint(),
    }
}

fn base(since: &Since) -> BaseText {
    BaseText { commit: since.commit.0.to_string(), readable: since.is_readable() }
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
