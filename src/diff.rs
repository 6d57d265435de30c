//! (Desired, Snapshot) -> how they differ, name by name. Pure: it states facts and takes no decision.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::alias::{AliasName, KeyId};
use crate::choose::Undecided;
use crate::list::{Extent, Live, Snapshot};
use crate::resolve::{Desired, End, Goal};

/// How the live state of one target differs from the desired one
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    /// The names that differ
    pub differences: BTreeMap<AliasName, Difference>,
    /// How many names are as declared; a tombstone without a corpse is not counted
    pub in_sync: usize,
    /// How many names are declared, tombstones too, those included that the command line leaves out
    pub declared: usize,
    /// What was read
    pub extent: Extent,
    /// How many names are live in scope, those included that the command line leaves out, as far as they were read
    pub live: usize,
    /// How many aliases each key has, in scope or not
    pub alias_counts: Arc<BTreeMap<KeyId, usize>>,
}

/// How one name differs
#[derive(Clone, Debug, PartialEq)]
pub enum Difference {
    /// Declared, and not there
    Missing {
        /// The declaration
        goal: Goal,
        /// The key it should point at
        want: KeyId,
    },
    /// Declared, and on another key
    Mismatched {
        /// As it is
        have: Live,
        /// The declaration
        goal: Goal,
        /// The key it should point at
        want: KeyId,
    },
    /// There, and not declared, or declared absent
    Unexpected {
        /// As it is
        have: Live,
        /// The declaration of its absence
        tombstone: Option<Goal>,
    },
    /// Declared, and what it should point at cannot be told
    Unresolved {
        /// As it is, if it is
        have: Option<Live>,
        /// The declaration
        goal: Goal,
        /// Why
        reason: Arc<Undecided>,
    },
}

/// Compares the desired state of a target with its live one
pub fn diff(desired: &Desired, snapshot: &Snapshot) -> Diff {
    let alias_counts = snapshot.alias_counts.clone();
    let live = snapshot.live.len() + snapshot.left_out;
    let (declared, extent) = (desired.len(), snapshot.extent);
    let mut diff = Diff { declared, extent, live, alias_counts, ..Diff::default() };
    // Both are sorted, and going through them side by side is several times as fast as looking up a million names.
    let mut all_live = snapshot.live.iter().peekable();
    for (name, goal) in desired {
        while let Some((other, have)) = all_live.next_if(|(other, _)| *other < name) {
            diff.differences.insert(other.clone(), undeclared(have));
        }
        let have = all_live.next_if(|(other, _)| *other == name).map(|(_, have)| have);
        match compare(goal, have) {
            Compared::Differs(difference) => drop(diff.differences.insert(name.clone(), difference)),
            Compared::InSync => diff.in_sync += 1,
            Compared::Nothing => {}
        }
    }
    diff.differences.extend(all_live.map(|(name, have)| (name.clone(), undeclared(have))));
    diff
}

fn undeclared(have: &Live) -> Difference {
    Difference::Unexpected { have: have.clone(), tombstone: None }
}

enum Compared {
    Differs(Difference),
    InSync,
    /// Declared absent, and so it is
    Nothing,
}

fn compare(goal: &Goal, live: Option<&Live>) -> Compared {
    let difference = match (&goal.end, live.cloned()) {
        (End::Absent, None) => return Compared::Nothing,
        (End::Key(want), Some(live)) if live.key.as_ref() == Some(want) => return Compared::InSync,
        (End::Absent, Some(have)) => Difference::Unexpected { have, tombstone: Some(goal.clone()) },
        (End::Key(want), None) => Difference::Missing { goal: goal.clone(), want: want.clone() },
        (End::Key(want), Some(have)) => {
            Difference::Mismatched { have, goal: goal.clone(), want: want.clone() }
        }
        (End::Unresolved(reason), have) => {
            Difference::Unresolved { have, goal: goal.clone(), reason: reason.clone() }
        }
    };
    Compared::Differs(difference)
}
