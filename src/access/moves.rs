//! A write -> the aliases that it takes from one key and gives to another. Pure; in this module nothing else looks into an
//! action.

use std::collections::BTreeSet;

use crate::alias::{AliasName, KeyId};
use crate::plan::{Action, Plan};

/// An alias that leaves a key, comes to one, or both
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move<'p> {
    /// The alias
    pub name: &'p AliasName,
    /// The key that it leaves
    pub from: Option<&'p KeyId>,
    /// The key that it comes to
    pub to: Option<&'p KeyId>,
    /// What it takes on each of these keys, as `kms:UpdateAlias`
    pub permission: &'static str,
}

/// What `action` moves; a replacement is two writes
pub fn moves(action: &Action) -> impl Iterator<Item = Move<'_>> {
    let one = match action {
        Action::Create { name, key } => [Some(create(name, key)), None],
        Action::Update { name, from, to } => {
            [Some(Move { name, from: Some(from), to: Some(to), permission: "kms:UpdateAlias" }), None]
        }
        Action::Replace { name, from, to } => [Some(delete(name, from)), Some(create(name, to))],
        Action::Delete { name, was } => [Some(delete(name, was)), None],
    };
    one.into_iter().flatten()
}

/// Everything that `plan` moves, the previous names of what it renames included
pub fn all_moves(plan: &Plan) -> impl Iterator<Item = Move<'_>> {
    plan.changes.iter().flat_map(|change| {
        let left = change.previous.as_ref().map(|(name, was)| delete(name, was));
        moves(&change.action).chain(left)
    })
}

fn create<'p>(name: &'p AliasName, key: &'p KeyId) -> Move<'p> {
    Move { name, from: None, to: Some(key), permission: "kms:CreateAlias" }
}

fn delete<'p>(name: &'p AliasName, was: &'p KeyId) -> Move<'p> {
    Move { name, from: Some(was), to: None, permission: "kms:DeleteAlias" }
}

impl<'p> Move<'p> {
    /// Whether it is from or to `key`
    pub fn is_on(&self, key: &KeyId) -> bool {
        [self.from, self.to].contains(&Some(key))
    }

    /// The names on `key` once it is done
    pub fn perform(&self, key: &KeyId, names: &mut BTreeSet<&'p str>) {
        put(names, self.name.as_str(), self.to == Some(key));
    }

    /// The names on `key` before it
    pub fn undo(&self, key: &KeyId, names: &mut BTreeSet<&'p str>) {
        put(names, self.name.as_str(), self.from == Some(key));
    }
}

fn put<'p>(names: &mut BTreeSet<&'p str>, name: &'p str, there: bool) {
    match there {
        true => drop(names.insert(name)),
        false => drop(names.remove(name)),
    }
}
