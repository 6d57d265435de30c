//! Changes and the places that keys have -> stages. Pure.
//!
//! Creates and retargets come first, then replacements, which have a gap, and deletes last: until the new state is really
//! there, nothing is given up. The exception is a key with as many aliases as its quota allows: what frees a place on it comes
//! before what needs one. What needs a place that nothing frees is stuck.

use std::collections::{BTreeMap, BTreeSet};

use crate::alias::KeyId;

use super::{Action, Change};

/// Aliases a key can have, by default; an account may have more
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html>)
pub const ALIASES_PER_KEY: usize = 50;

/// The order of a plan
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Order {
    /// Each is verified before the next one begins
    pub(super) stages: Vec<Vec<Action>>,
    /// The indices of changes that no order makes possible
    pub(super) stuck: BTreeSet<usize>,
}

/// How many more aliases each key can take; keys that are not in it have more room than any plan needs
struct Places(BTreeMap<KeyId, usize>);

impl Places {
    /// Of `alias_counts`, what the quota leaves; a key that has more than the default has a quota that we do not know
    fn new(alias_counts: &BTreeMap<KeyId, usize>, limited: bool) -> Self {
        let known = alias_counts.iter().filter(|(_, count)| limited && **count <= ALIASES_PER_KEY);
        Self(known.map(|(key, count)| (key.clone(), ALIASES_PER_KEY - count)).collect())
    }

    fn take(&mut self, key: &KeyId, limited: bool) -> bool {
        let left = match self.0.get_mut(key) {
            Some(left) => left,
            None if limited => self.0.entry(key.clone()).or_insert(ALIASES_PER_KEY),
            None => return true,
        };
        *left > 0 && {
            *left -= 1;
            true
        }
    }

    fn free(&mut self, key: Option<&KeyId>) {
        if let Some(left) = key.and_then(|key| self.0.get_mut(key)) {
            *left += 1;
        }
    }

    fn is_full(&self, key: &KeyId) -> bool {
        self.0.get(key) == Some(&0)
    }
}

/// Orders `changes`, on keys that have so many aliases; without `limited`, as though every key took any number
pub(super) fn order(changes: &[Change], alias_counts: &BTreeMap<KeyId, usize>, limited: bool) -> Order {
    let mut order = Order::default();
    let mut places = Places::new(alias_counts, limited);
    let is = |wanted: fn(&Action) -> bool| (0..changes.len()).filter(move |i| wanted(&changes[*i].action));
    let mut deletes: Vec<usize> = is(|action| matches!(action, Action::Delete { .. })).collect();
    for kind in [
        is(|a| matches!(a, Action::Create { .. } | Action::Update { .. })),
        is(|a| matches!(a, Action::Replace { .. })),
    ] {
        order.make(kind.collect(), changes, &mut deletes, &mut places, limited);
    }
    let stuck = &order.stuck;
    let left = changes.iter().enumerate().filter(|(i, _)| !stuck.contains(i));
    let left = left.filter_map(|(_, change)| change.previous.as_ref());
    let left = left.map(|(name, was)| Action::Delete { name: name.clone(), was: was.clone() });
    let mut last: Vec<_> = deletes.iter().map(|i| changes[*i].action.clone()).chain(left).collect();
    last.sort();
    order.stages.extend((!last.is_empty()).then_some(last));
    order
}

impl Order {
    /// Stages for those of `pending`, as many at a time as there are places
    fn make(
        &mut self,
        mut pending: Vec<usize>,
        changes: &[Change],
        deletes: &mut Vec<usize>,
        places: &mut Places,
        limited: bool,
    ) {
        while !pending.is_empty() {
            let fits =
                |i: &mut usize| changes[*i].action.keys().1.is_none_or(|key| places.take(key, limited));
            let mut stage: Vec<usize> = pending.extract_if(.., fits).collect();
            if stage.is_empty() {
                let needed = |key: &KeyId| {
                    places.is_full(key) && pending.iter().any(|i| changes[*i].action.keys().1 == Some(key))
                };
                stage = deletes.extract_if(.., |i| changes[*i].action.keys().0.is_some_and(needed)).collect();
            }
            if stage.is_empty() {
                self.stuck.extend(pending);
                return;
            }
            // Places are free only once the stage is done, and for deletes and moves alike.
            stage.iter().for_each(|i| places.free(changes[*i].action.keys().0));
            self.stages.push(stage.iter().map(|i| changes[*i].action.clone()).collect());
        }
    }
}
