//! Targets as they were read -> changes after which a name leads to different keys in two Regions, marked. Pure.
//!
//! Keys of one Region differ from those of every other, and that says nothing. A multi-Region key has one id everywhere: where
//! it is meant, and the same name leads elsewhere in another Region of the account, data does not decrypt across the two.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::alias::{AliasName, KeyId};
use crate::fleet::Surveyed;
use crate::plan::Change;
use crate::plan::risks::{Risk, sibling};
use crate::prepare::Prepared;

/// Marks the changes that let a name lead to a multi-Region key in one Region and to another key in a sibling
pub fn mark_siblings(surveyed: &mut [Surveyed]) {
    let marks: Vec<_> = surveyed
        .iter()
        .enumerate()
        .flat_map(|(index, one)| marks(one, surveyed).into_iter().map(move |mark| (index, mark)))
        .collect();
    for (index, (change, risk)) in marks {
        let Ok(Prepared { plan, .. }) = &mut surveyed[index].prepared else { continue };
        plan.changes[change].risks.push(risk);
        plan.changes[change].risks.sort();
    }
}

/// The changes to mark, by their place in the plan
fn marks(one: &Surveyed, all: &[Surveyed]) -> Vec<(usize, Risk)> {
    let Ok(here) = &one.prepared else { return Vec::new() };
    let is_sibling = |there: &Prepared| {
        there.identity.account == here.identity.account && there.identity.region != here.identity.region
    };
    let siblings: Vec<_> = all
        .iter()
        .filter_map(|other| Some((&other.target.name, other.prepared.as_ref().ok()?)))
        .filter(|(_, there)| is_sibling(there))
        .map(|(name, there)| (name, there, changed(there)))
        .collect();
    let changes = here.plan.changes.iter().enumerate();
    changes.filter_map(|(index, change)| Some((index, differing(change, &siblings)?))).collect()
}

/// A sibling target, with what its changes leave each name on
type Sibling<'s> = (&'s Arc<str>, &'s Prepared, BTreeMap<&'s AliasName, Option<&'s KeyId>>);

fn changed(prepared: &Prepared) -> BTreeMap<&AliasName, Option<&KeyId>> {
    let changes = prepared.plan.changes.iter();
    changes.map(|change| (change.action.name(), change.action.keys().1)).collect()
}

fn differing(change: &Change, siblings: &[Sibling<'_>]) -> Option<Risk> {
    let (_, ours) = change.action.keys();
    let (name, ours) = (change.action.name(), ours?);
    siblings.iter().find_map(|(target, there, changed)| {
        let live = || there.snapshot.live.get(name).and_then(|live| live.key.as_ref());
        let theirs = changed.get(name).copied().unwrap_or_else(live)?;
        let is_shared = ours.is_multi_region() || theirs.is_multi_region();
        (is_shared && ours != theirs).then(|| sibling(target, theirs))
    })
}
