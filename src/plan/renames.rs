//! `previously:` and what is live -> what becomes of each name that was renamed. Pure.
//!
//! Terms: an alias *had* the names in its `previously`; a previous name that is live is *claimed* by it. A rename creates the
//! new name and deletes the old one; once the old one is gone, `previously` means nothing and may stay.

use std::collections::BTreeMap;

use crate::alias::{AliasName, KeyId};
use crate::diff::{Diff, Difference};
use crate::resolve::{Desired, End, Goal};

/// What becomes of one name
#[derive(Debug)]
pub(super) enum Fate<'d> {
    /// It is created, in the place of this one
    Becomes { previous: &'d AliasName, was: &'d KeyId },
    /// It goes once the name that it becomes is there
    Previous,
    /// It has become another name already, and goes
    Leftover { key: &'d KeyId, by: &'d AliasName, goal: &'d Goal },
    /// It has a successor, and stays
    Kept { key: &'d KeyId, by: &'d AliasName },
    /// It and the other are on different keys: nobody can tell which is right
    Conflict { have: Option<&'d KeyId>, other: &'d AliasName, goal: &'d Goal },
}

/// The fate of every name that takes part in a rename; no previous name does that may not be changed
pub(super) fn find<'d>(
    diff: &'d Diff,
    desired: &'d Desired,
    may_change: impl Fn(&AliasName) -> bool,
) -> BTreeMap<&'d AliasName, Fate<'d>> {
    let mut fates = BTreeMap::new();
    for (name, goal) in desired.iter().filter(|(_, goal)| !goal.manner.previously.is_empty()) {
        let previous = goal.manner.previously.iter().filter(|old| may_change(old));
        let claimed: Vec<_> = previous.filter_map(|old| Some((old, live(diff, old)?))).collect();
        if !claimed.is_empty() {
            fates.extend(decide(diff, name, goal, &claimed));
        }
    }
    fates
}

/// The key of a name that is live and not declared
fn live<'d>(diff: &'d Diff, name: &AliasName) -> Option<&'d KeyId> {
    match diff.differences.get(name)? {
        Difference::Unexpected { have, tombstone: None } => have.key.as_ref(),
        _ => None,
    }
}

type Claimed<'d> = [(&'d AliasName, &'d KeyId)];

fn decide<'d>(
    diff: &'d Diff,
    name: &'d AliasName,
    goal: &'d Goal,
    claimed: &Claimed<'d>,
) -> Vec<(&'d AliasName, Fate<'d>)> {
    let kept = || claimed.iter().map(|(old, key)| (*old, Fate::Kept { key, by: name })).collect();
    if goal.manner.retain_previous {
        return kept();
    }
    match (diff.differences.get(name), &goal.end) {
        (Some(Difference::Missing { .. }), _) => becomes(name, goal, claimed),
        (Some(Difference::Mismatched { have, .. }), _) => {
            left_over(name, goal, have.key.as_ref(), true, claimed)
        }
        (None, End::Key(key)) => left_over(name, goal, Some(key), false, claimed),
        // What it should be cannot be told: then nothing is taken away.
        _ => kept(),
    }
}

/// The new name is not there yet: the first old one becomes it, if all old ones agree
fn becomes<'d>(name: &'d AliasName, goal: &'d Goal, claimed: &Claimed<'d>) -> Vec<(&'d AliasName, Fate<'d>)> {
    let (first, was) = claimed[0];
    if let Some((other, key)) = claimed.iter().find(|(_, key)| *key != was) {
        let conflict = |have, other| Fate::Conflict { have, other, goal };
        let mut fates = vec![(name, conflict(None, first)), (first, conflict(Some(was), *other))];
        fates.push((*other, conflict(Some(*key), first)));
        return fates;
    }
    let rest = claimed[1..].iter().map(|(old, key)| (*old, Fate::Leftover { key, by: name, goal }));
    let named = [(name, Fate::Becomes { previous: first, was }), (first, Fate::Previous)];
    named.into_iter().chain(rest).collect()
}

/// The new name is there: old ones on its key go, and others are a conflict, in which it is not moved either
fn left_over<'d>(
    name: &'d AliasName,
    goal: &'d Goal,
    have: Option<&'d KeyId>,
    moves: bool,
    claimed: &Claimed<'d>,
) -> Vec<(&'d AliasName, Fate<'d>)> {
    let fate = |(old, key): &(&'d AliasName, &'d KeyId)| match have == Some(*key) {
        true => (*old, Fate::Leftover { key, by: name, goal }),
        false => (*old, Fate::Conflict { have: Some(key), other: name, goal }),
    };
    let mut fates: Vec<_> = claimed.iter().map(fate).collect();
    let conflict = claimed.iter().find(|(_, key)| have != Some(*key));
    fates
        .extend(conflict.filter(|_| moves).map(|(old, _)| (name, Fate::Conflict { have, other: old, goal })));
    fates
}
