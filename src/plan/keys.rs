//! What the facts about keys forbid. Pure.
//!
//! The service itself lets a production alias point at a key that is disabled or has no material; what it refuses, it
//! refuses half way through an apply. Here it is known before anything is written.

use crate::alias::KeyId;
use crate::inspect::{Fact, Facts};
use crate::kms::KeyFacts;
use crate::unusable::{CANCEL, command};

use super::{Action, Change, Held};

/// Why an action cannot be done
#[derive(Clone, Debug, PartialEq)]
pub struct Objection {
    why: String,
    hint: String,
}

impl Objection {
    fn new(why: String, hint: &str) -> Self {
        Self { why, hint: hint.to_owned() }
    }

    /// The change, held for this reason
    pub fn hold(self, change: Change) -> Held {
        let (have, want) = change.action.keys();
        let (have, want) = (have.cloned(), want.cloned());
        let name = change.action.name().clone();
        let (why, hint, origin) = (self.why, Some(self.hint), change.origin);
        Held { name, have, want, place: change.place, why, hint, origin }
    }
}

/// What forbids `action`, if anything does; a delete needs nothing of its key
pub fn objection(action: &Action, facts: &Facts) -> Option<Objection> {
    match action {
        Action::Create { key, .. } | Action::Replace { to: key, .. } => usable(key, facts).err(),
        Action::Update { from, to, .. } => usable(to, facts).and_then(|new| movable(from, new, facts)).err(),
        Action::Delete { .. } => None,
    }
}

/// Whether the move is one that UpdateAlias cannot make, between keys that are known
pub fn needs_replacing(action: &Action, facts: &Facts) -> bool {
    let Action::Update { from, to, .. } = action else { return false };
    let known = |key| match facts.get(key) {
        Some(Fact::Known(facts)) => Some(facts),
        _ => None,
    };
    let kinds = known(from).zip(known(to));
    kinds.is_some_and(|(old, new)| old.family().is_none() || !same_kind(old, new))
}

/// Whether an alias can be put on `key`
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>)
fn usable<'f>(key: &KeyId, facts: &'f Facts) -> Result<&'f KeyFacts, Objection> {
    let facts = match facts.get(key) {
        Some(Fact::Known(facts)) => facts,
        Some(Fact::Denied(sentence)) => {
            let hint = "grant kms:DescribeKey on the key to the role that plans";
            return Err(Objection::new(format!("key {key} cannot be read: {sentence}"), hint));
        }
        Some(Fact::Missing) | None => {
            let hint = "check the key id, and that the key is of this account and Region";
            return Err(Objection::new(format!("key {key} does not exist here"), hint));
        }
    };
    if facts.aws_managed {
        let hint = "only a customer managed key takes aliases";
        return Err(Objection::new(format!("key {key} is managed by AWS"), hint));
    }
    if matches!(facts.state.as_str(), "PendingDeletion" | "PendingReplicaDeletion") {
        let hint = format!("declare another key, or cancel its deletion with `{}`", command(CANCEL, facts));
        let date =
            facts.deletion_date.as_ref().map(|date| format!(", and goes at {date}")).unwrap_or_default();
        return Err(Objection::new(format!("key {key} is pending deletion{date}"), &hint));
    }
    Ok(facts)
}

/// Whether UpdateAlias can move an alias from one key to the other
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html>)
fn movable(from: &KeyId, new: &KeyFacts, facts: &Facts) -> Result<(), Objection> {
    let hint = "UpdateAlias takes only a key of the same family and usage; `replace: true` or --allow replace deletes the \
                alias and creates it anew";
    match facts.get(from) {
        Some(Fact::Known(old)) if old.family().is_some() && same_kind(old, new) => Ok(()),
        Some(Fact::Known(old)) => {
            let why = format!("cannot move from {} to {}", kind(old), kind(new));
            Err(Objection::new(why, hint))
        }
        Some(Fact::Denied(sentence)) => {
            let hint = "grant kms:DescribeKey on the current key to the role that plans";
            Err(Objection::new(format!("its current key {from} cannot be read: {sentence}"), hint))
        }
        Some(Fact::Missing) | None => {
            let hint = "KMS deletes the aliases of a deleted key: plan again in a minute";
            Err(Objection::new(format!("its current key {from} does not exist any more"), hint))
        }
    }
}

fn same_kind(old: &KeyFacts, new: &KeyFacts) -> bool {
    old.family() == new.family() && old.usage == new.usage
}

fn kind(key: &KeyFacts) -> String {
    format!("{} ({}, {})", key.id.short(), key.spec, key.usage)
}
