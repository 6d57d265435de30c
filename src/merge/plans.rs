//! Plans of parts of the targets -> the plan of all of them: without a part missing, the one that a run without `--shard` makes, up to
//! what only that can see, as the same name in two Regions.

use std::collections::BTreeMap;
use std::time::Duration;

use super::parts::{disjoint, missing};
use super::{MergeError, Named};
use crate::document::{PlanDocument, Summary};
use crate::kms::add_calls;
use crate::saved::{SavedPlan, digest_of_writes};

pub(super) fn merge(plans: Vec<Named<PlanDocument>>) -> Result<PlanDocument, MergeError> {
    let missing_shards = missing(plans.iter().map(|one| (&*one.file, one.what.shard.as_ref())))?;
    // A part without targets was planned with nothing that could be compared.
    let busy: Vec<_> = plans.iter().filter(|plan| !plan.what.targets.is_empty()).collect();
    for plan in &busy {
        agree(busy.first().unwrap_or(plan), plan)?;
    }
    let targets =
        busy.iter().flat_map(|plan| plan.what.targets.iter().map(|target| (&*plan.file, &*target.name)));
    disjoint(targets)?;
    apart(&busy)?;
    let mut documents = Vec::new();
    for Named { file, what } in plans {
        documents.push(whole(file, what)?);
    }
    Ok(joined(documents, missing_shards))
}

/// The plan, if it is as a run left it
fn whole(file: String, plan: PlanDocument) -> Result<PlanDocument, MergeError> {
    let saved = SavedPlan { document: plan };
    if !(saved.is_genuine() && saved.is_placed()) {
        // With a digest of its own, the merged plan would look as if nobody had touched it.
        return Err(MergeError::Changed(file));
    }
    if saved.document.missing_shards.is_empty() { Ok(saved.document) } else { Err(MergeError::Again(file)) }
}

/// That two plans could be of one run
fn agree(one: &Named<PlanDocument>, other: &Named<PlanDocument>) -> Result<(), MergeError> {
    let (a, b) = (&one.what, &other.what);
    let differs = [
        (a.format_version != b.format_version, "format_version"),
        (a.allow != b.allow, "--allow"),
        (a.partial != b.partial, "--alias or --exclude-alias"),
        (a.base != b.base, "--base-ref"),
    ];
    let (first, second) = (one.file.clone(), other.file.clone());
    match differs.into_iter().find(|(differs, _)| *differs) {
        None => Ok(()),
        Some((_, what)) => Err(MergeError::Differ { first, second, what }),
    }
}

/// That no account and Region are in two files, unless both are of one manifest: its targets own different names
fn apart(plans: &[&Named<PlanDocument>]) -> Result<(), MergeError> {
    let mut told: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for plan in plans.iter().filter(|plan| plan.what.shard.is_none()) {
        for target in &plan.what.targets {
            let (Some(account), Some(region)) = (&target.account, &target.region) else { continue };
            let first = told.insert((account, region), &plan.file).filter(|first| **first != *plan.file);
            if let Some(first) = first {
                let [first, second] = [first, &plan.file].map(str::to_owned);
                let (account, region) = (account.clone(), region.clone());
                return Err(MergeError::SamePlace { first, second, account, region });
            }
        }
    }
    Ok(())
}

fn joined(mut plans: Vec<PlanDocument>, missing_shards: Vec<String>) -> PlanDocument {
    // By what they tell of, not by the order in which the files were named.
    plans.sort_by(|a, b| a.targets.first().map(|one| &one.name).cmp(&b.targets.first().map(|one| &one.name)));
    let known = missing_shards.is_empty() && plans.iter().all(|plan| plan.digest.is_some());
    let mut whole =
        PlanDocument { errored: !missing_shards.is_empty(), missing_shards, ..PlanDocument::default() };
    // What all of them have alike is that of the last: one with targets, if there is any.
    if let Some(PlanDocument { format_version, kind, allow, base, partial, .. }) = plans.last() {
        (whole.format_version, whole.kind) = (format_version.clone(), kind.clone());
        (whole.allow, whole.base, whole.partial) = (allow.clone(), base.clone(), *partial);
    }
    let mut least = Duration::ZERO;
    for plan in plans {
        whole.errored |= plan.errored;
        whole.warnings.extend(plan.warnings);
        whole.refusals.extend(plan.refusals);
        add(&mut whole.summary, &plan.summary);
        add_calls(&mut whole.api_calls, &plan.api_calls);
        // Added as a run adds them, in whole nanoseconds.
        least = least.saturating_add(Duration::try_from_secs_f64(plan.least_seconds).unwrap_or_default());
        whole.targets.extend(plan.targets);
    }
    whole.summary = whole.counted();
    whole.least_seconds = least.as_secs_f64();
    whole.targets.sort_by(|a, b| a.name.cmp(&b.name));
    whole.digest = known.then(|| digest_of_writes(&whole));
    whole
}

fn add(sum: &mut Summary, more: &Summary) {
    let Summary {
        create,
        update,
        replace,
        rename,
        delete,
        held,
        in_sync,
        unmanaged,
        refused,
        unread_targets,
        unlisted_targets,
        unusable,
    } = more;
    let counts = [
        (&mut sum.create, create),
        (&mut sum.update, update),
        (&mut sum.replace, replace),
        (&mut sum.rename, rename),
        (&mut sum.delete, delete),
        (&mut sum.held, held),
        (&mut sum.in_sync, in_sync),
        (&mut sum.unmanaged, unmanaged),
        (&mut sum.refused, refused),
        (&mut sum.unread_targets, unread_targets),
        (&mut sum.unlisted_targets, unlisted_targets),
    ];
    for (sum, more) in counts {
        *sum = sum.saturating_add(*more);
    }
    if let Some(more) = unusable {
        let sum = sum.unusable.get_or_insert_default();
        *sum = sum.saturating_add(*more);
    }
}
