//! The aliases of one account and Region, with as much of their past as the slowest replica still shows.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use super::lag::View;
use super::world::Millis;
use crate::alias::is_reserved;

/// One alias at one moment
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// Bare id of its key; predefined AWS aliases may have none
    pub target: Option<Arc<str>>,
    /// When it was created; predefined AWS aliases do not say
    pub created: Option<Millis>,
    /// When it was last associated with a key
    pub updated: Option<Millis>,
}

/// Where a name stands in a listing: the service documents no order, so this one is of no use to anybody, but it is steady
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    scattered: u64,
    pub(super) name: Arc<str>,
}

impl Slot {
    pub(super) fn of(name: &str) -> Self {
        // FNV-1a, and then a stir, without which names that differ only at their ends would stay together
        let scatter = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let sum = name.bytes().fold(0xcbf2_9ce4_8422_2325, scatter);
        Self { scattered: (sum ^ (sum >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15), name: name.into() }
    }
}

/// What an alias was from when on, oldest first; `None` is its absence
type Past = Vec<(Millis, Option<Alias>)>;

/// All aliases of one account and Region
#[derive(Clone, Debug, Default)]
pub(super) struct Aliases {
    table: BTreeMap<Slot, Past>,
    uses: BTreeMap<Arc<str>, usize>,
    deleted: VecDeque<(Millis, Slot)>,
}

impl Aliases {
    /// The alias as it truly is
    pub(super) fn current(&self, name: &str) -> Option<&Alias> {
        self.table.get(&Slot::of(name)).and_then(latest)
    }

    /// The alias as a replica shows it
    pub(super) fn seen(&self, name: &str, view: View<'_>) -> Option<&Alias> {
        self.table.get(&Slot::of(name)).and_then(|past| visible(past, view.moment(name)))
    }

    /// How many aliases the key has; AWS's own do not count
    /// (<https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html>)
    pub(super) fn of_key(&self, key: &str) -> usize {
        self.uses.get(key).copied().unwrap_or(0)
    }

    /// Every alias as it truly is, in listing order
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Alias)> {
        self.table.iter().filter_map(|(slot, past)| Some((&slot.name, latest(past)?)))
    }

    /// At most `limit` aliases that come after `after`, as a replica shows them, and whether there are more
    pub(super) fn page(
        &self,
        after: Option<&Slot>,
        limit: usize,
        view: View<'_>,
        wanted: impl Fn(&Alias) -> bool,
    ) -> (Vec<(&Slot, &Alias)>, bool) {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = self.table.range((from, Bound::Unbounded)).filter_map(|(slot, past)| {
            let alias = visible(past, view.moment(&slot.name))?;
            wanted(alias).then_some((slot, alias))
        });
        let page = rest.by_ref().take(limit).collect();
        (page, rest.next().is_some())
    }

    /// Makes the alias so (`None`: makes it not exist) from `at` on; what was before stays in sight for `memory`
    pub(super) fn set(&mut self, name: &str, alias: Option<Alias>, at: Millis, memory: Millis) {
        self.count(name, alias.as_ref());
        let slot = Slot::of(name);
        let past = self.table.entry(slot.clone()).or_default();
        // a clock that is set back does not reorder what happened
        let at = past.last().map_or(at, |(last, _)| at.max(*last));
        if alias.is_none() {
            self.deleted.push_back((at, slot));
        }
        past.push((at, alias));
        let horizon = at.saturating_sub(memory);
        let obsolete = past.partition_point(|(from, _)| *from <= horizon).saturating_sub(1);
        past.drain(..obsolete);
        self.forget(horizon);
    }

    fn count(&mut self, name: &str, alias: Option<&Alias>) {
        if is_reserved(name) {
            return;
        }
        let before = self.current(name).and_then(|alias| alias.target.clone());
        if let Some(uses) = before.and_then(|key| self.uses.get_mut(&key)) {
            *uses -= 1;
        }
        if let Some(key) = alias.and_then(|alias| alias.target.clone()) {
            *self.uses.entry(key).or_default() += 1;
        }
    }

    /// Drops the deleted names that no replica shows any more
    fn forget(&mut self, horizon: Millis) {
        while self.deleted.front().is_some_and(|(at, _)| *at <= horizon) {
            let Some((at, slot)) = self.deleted.pop_front() else { return };
            let stale = |past: &Past| past.last().is_some_and(|(last, alias)| *last <= at && alias.is_none());
            if self.table.get(&slot).is_some_and(stale) {
                self.table.remove(&slot);
            }
        }
    }
}

fn latest(past: &Past) -> Option<&Alias> {
    past.last()?.1.as_ref()
}

fn visible(past: &Past, moment: Millis) -> Option<&Alias> {
    past.iter().rev().find(|(from, _)| *from <= moment)?.1.as_ref()
}
