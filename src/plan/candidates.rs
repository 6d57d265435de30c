//! Differences and the policy -> what would be done, before anything is known about keys. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::repeat;

use super::renames::{self, Fate};
use super::{Action, Change, Expected, Held, Policy, Reason, guards, risks};
use crate::alias::{AliasName, KeyId};
use crate::base::{Origin, Since};
use crate::choose::Undecided;
use crate::diff::{Diff, Difference};
use crate::resolve::{Desired, End, Goal};

/// What the policy wants done about a diff, before anything is known about the keys
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates {
    pub(super) changes: Vec<Change>,
    pub(super) held: Vec<Held>,
    pub(super) unmanaged: BTreeMap<AliasName, Option<KeyId>>,
    pub(super) kept: BTreeMap<AliasName, (KeyId, AliasName)>,
}

impl Candidates {
    /// The keys that have to be looked at: both ends of every change
    pub fn keys(&self) -> BTreeSet<KeyId> {
        let ends = self.changes.iter().flat_map(|change| <[_; 2]>::from(change.keys()));
        ends.flatten().cloned().collect()
    }

    /// Whether they may be more than a share of the live names allows, of which only some are known
    pub(crate) fn may_be_too_many(&self, diff: &Diff, policy: &Policy) -> bool {
        guards::may_be_too_many(&self.changes, diff, policy)
    }

    /// The writes that would be wanted
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.changes.iter().map(|change| &change.action)
    }

    /// The names that differ and could not be written
    pub fn held(&self) -> impl Iterator<Item = &AliasName> {
        self.held.iter().map(|held| &held.name)
    }
}

/// Asks the policy about every difference
pub fn candidates(diff: &Diff, desired: &Desired, policy: &Policy) -> Candidates {
    let mut candidates = Candidates::default();
    // A plan about certain names alone does not rename the others either.
    let is_meant = |name: &AliasName| policy.expected.as_ref().is_none_or(|all| all.contains_key(name));
    let renames = renames::find(diff, desired, is_meant);
    for (name, difference) in &diff.differences {
        if !candidates.admit(name, difference, policy) {
            continue;
        }
        match renames.get(name) {
            Some(fate) => candidates.take_renamed(name, difference, fate, policy),
            None => candidates.take(name, difference, policy),
        }
    }
    let declared = desired.iter().filter(|(_, goal)| goal.end != End::Absent).map(|(name, _)| name);
    risks::mark_cases(&mut candidates.changes, declared);
    if let Some(expected) = &policy.expected {
        let is_left =
            |change: &&mut Change| matches!(expected.get(change.action.name()), Some(Expected::Left(_)));
        candidates.changes.iter_mut().filter(is_left).for_each(|change| change.reason = Reason::Reverted);
    }
    if let Some(since) = &policy.since {
        candidates.trace(desired, since);
    }
    candidates
}

impl Candidates {
    /// Whether a name may be changed at all, where the policy expects names to be on certain keys; holds it if it is not
    fn admit(&mut self, name: &AliasName, difference: &Difference, policy: &Policy) -> bool {
        let Some(all) = &policy.expected else { return true };
        let Some(expected) = all.get(name) else { return false };
        let why = unexpected(expected, difference);
        let admitted = why.is_none();
        why.into_iter().for_each(|why| self.hold_changed(name, difference, why));
        admitted
    }

    /// Tells where each change comes from: from what asks for it, which for a previous name is its successor
    fn trace(&mut self, desired: &Desired, since: &Since) {
        let previous =
            desired.iter().flat_map(|(name, goal)| goal.manner.previously.iter().zip(repeat(name)));
        let successors: BTreeMap<_, _> = previous.collect();
        let origin = |name: &AliasName| match (desired.contains_key(name), successors.get(name)) {
            (true, _) => since.origin(name),
            (false, Some(successor)) => since.origin(successor),
            (false, None) => since.origin_of_pruned(name),
        };
        self.changes.iter_mut().for_each(|change| change.origin = origin(change.action.name()));
        self.held.iter_mut().for_each(|held| held.origin = origin(&held.name));
    }

    fn take(&mut self, name: &AliasName, difference: &Difference, policy: &Policy) {
        let name = name.clone();
        match difference {
            Difference::Missing { goal, want } => {
                self.change(Action::Create { name, key: want.clone() }, Reason::Missing, Some(goal));
            }
            Difference::Mismatched { have, goal, want } => match &have.key {
                Some(from) => {
                    let reason = moved(goal);
                    let (from, to) = (from.clone(), want.clone());
                    self.change(Action::Update { name, from, to }, reason, Some(goal));
                }
                None => self.hold_without_target(name, Some(goal)),
            },
            Difference::Unexpected { have, tombstone: None } if !policy.prune => {
                self.unmanaged.insert(name, have.key.clone());
            }
            Difference::Unexpected { have, tombstone } => match &have.key {
                Some(was) => {
                    let reason = if tombstone.is_some() { Reason::DeclaredAbsent } else { Reason::Pruned };
                    self.change(Action::Delete { name, was: was.clone() }, reason, tombstone.as_ref());
                }
                None => self.hold_without_target(name, tombstone.as_ref()),
            },
            Difference::Unresolved { have, goal, reason } => {
                let have = have.as_ref().and_then(|live| live.key.clone());
                let place = Some(goal.place.clone());
                let Undecided { why, hint } = Undecided::clone(reason);
                let (hint, origin) = (Some(hint), Origin::Unknown);
                self.held.push(Held { name, have, want: None, place, why, hint, origin });
            }
        }
    }

    /// A name that becomes another, or another has become
    fn take_renamed(&mut self, name: &AliasName, difference: &Difference, fate: &Fate<'_>, policy: &Policy) {
        match fate {
            Fate::Becomes { previous, was } => {
                self.take(name, difference, policy);
                if let Some(change) = self.changes.last_mut() {
                    change.previous = Some(((*previous).clone(), (*was).clone()));
                }
            }
            Fate::Previous => {}
            Fate::Leftover { key, by, goal } => {
                let delete = Action::Delete { name: name.clone(), was: (*key).clone() };
                self.change(delete, Reason::Renamed((*by).clone()), Some(goal));
            }
            Fate::Kept { key, by } => {
                self.kept.insert(name.clone(), ((*key).clone(), (*by).clone()));
            }
            Fate::Conflict { have, other, goal } => {
                let why =
                    format!("exists as well as {other}, on another key, and one was to become the other");
                let hint = "decide which key is right, and move or delete the other name by hand";
                let (name, have, place) = (name.clone(), have.cloned(), Some(goal.place.clone()));
                let (hint, origin) = (Some(hint.to_owned()), Origin::Unknown);
                self.held.push(Held { name, have, want: None, place, why, hint, origin });
            }
        }
    }

    fn change(&mut self, action: Action, reason: Reason, goal: Option<&Goal>) {
        let place = goal.map(|goal| goal.place.clone());
        let manner = goal.map(|goal| goal.manner.clone()).unwrap_or_default();
        self.changes.push(Change {
            action,
            reason,
            origin: Origin::Unknown,
            place,
            previous: None,
            manner,
            risks: Vec::new(),
        });
    }

    fn hold_changed(&mut self, name: &AliasName, difference: &Difference, why: String) {
        let (goal, want) = match difference {
            Difference::Missing { goal, want } | Difference::Mismatched { goal, want, .. } => {
                (Some(goal), Some(want.clone()))
            }
            Difference::Unexpected { tombstone, .. } => (tombstone.as_ref(), None),
            Difference::Unresolved { goal, .. } => (Some(goal), None),
        };
        let (name, have) = (name.clone(), live(difference).cloned());
        let place = goal.map(|goal| goal.place.clone());
        let hint = Some("look who it was, and change it by hand or in the manifest".to_owned());
        self.held.push(Held { name, have, want, place, why, hint, origin: Origin::Unknown });
    }

    fn hold_without_target(&mut self, name: AliasName, goal: Option<&Goal>) {
        let why = "is listed without a target key, so what a change would give up cannot be told".to_owned();
        let place = goal.map(|goal| goal.place.clone());
        let origin = Origin::Unknown;
        self.held.push(Held { name, have: None, want: None, place, why, hint: None, origin });
    }
}

/// Why a name is not as it has to be for a change, if it is not
fn unexpected(expected: &Expected, difference: &Difference) -> Option<String> {
    let (who, keys) = match expected {
        Expected::Left(keys) => ("the apply left it", keys.iter().collect()),
        Expected::Seen(key) => ("the plan saw it", vec![key]),
        Expected::Unproven => {
            let why =
                "the receipt does not prove that the apply changed it: a call about it has no clear answer";
            return Some(why.to_owned());
        }
    };
    let have = live(difference);
    if keys.iter().any(|key| key.as_ref() == have) {
        return None;
    }
    let words = |key: Option<&KeyId>| key.map_or("gone".to_owned(), |key| format!("on {key}"));
    let was: Vec<_> = keys.iter().map(|key| words(key.as_ref())).collect();
    let (was, is) = (was.join(" or "), words(have));
    Some(format!("somebody has changed it since: {who} {was}, and now it is {is}"))
}

/// The key that a name which differs is on
fn live(difference: &Difference) -> Option<&KeyId> {
    match difference {
        Difference::Missing { .. } => None,
        Difference::Mismatched { have, .. } | Difference::Unexpected { have, .. } => have.key.as_ref(),
        Difference::Unresolved { have, .. } => have.as_ref()?.key.as_ref(),
    }
}

/// Why an alias that is on another key than it should be is moved
fn moved(goal: &Goal) -> Reason {
    let selects = || goal.selects.clone().map_or(Reason::Mismatched, Reason::Selects);
    goal.follows.clone().map_or_else(selects, Reason::Follows)
}
