//! What differs, and what CloudTrail recorded -> who made it so, and when. Pure, but for `lookup.rs`, which reads.
//!
//! An event is a cause only if it leads to what is live now, and if nothing newer can have been missed; otherwise it is told as
//! the last that is known.

pub mod event;
pub mod lookup;
pub mod search;

use std::collections::BTreeMap;

use crate::alias::{AliasName, KeyId};
use crate::fleet::Trouble;
use crate::plan::Plan;
use crate::unusable::Unusable;
use event::Event;

/// Who made one target as it is
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Blame {
    /// By alias, for each that is not as declared or cannot be used
    pub findings: BTreeMap<AliasName, Finding>,
    /// Why CloudTrail could not be asked to the end
    pub trouble: Option<Trouble>,
}

/// What is known about one alias
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// This made it so
    Cause(Event),
    /// The last that is known, and it does not explain what is live, or newer events may be unknown
    LastKnown(Event),
    /// Nothing is known: a fragment of a sentence
    Unknown(String),
}

/// What there is to explain about one alias
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The alias
    pub alias: AliasName,
    /// What is the matter with it
    pub matter: Matter,
}

/// What can be the matter with an alias
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matter {
    /// It is not there, and is declared on this key
    Missing(KeyId),
    /// It is on this key, and declared on another one
    Moved(KeyId),
    /// It is there, and should not be
    Unexpected,
    /// It is on this key, which is in this state and cannot be used
    Unusable(KeyId, String),
}

impl Question {
    /// Everything that a target's plan shows, and what it cannot show
    pub fn all(plan: &Plan, unusable: &[Unusable]) -> Vec<Self> {
        let changed = plan.changes.iter().map(|change| {
            let (before, after) = change.action.keys();
            (change.action.name(), before, after)
        });
        let held = plan.held.iter().map(|held| (&held.name, held.have.as_ref(), held.want.as_ref()));
        let differing = changed.chain(held).filter_map(|(alias, before, after)| {
            Some(Self { alias: alias.clone(), matter: Matter::of(before, after)? })
        });
        let unusable = unusable.iter().filter_map(|one| {
            let matter = Matter::Unusable(one.key.clone(), one.state.clone()?);
            Some(Self { alias: one.name.clone(), matter })
        });
        differing.chain(unusable).filter(|question| !question.calls().is_empty()).collect()
    }

    /// The calls that can have made it so; the last resort is last
    pub fn calls(&self) -> &'static [&'static str] {
        match &self.matter {
            Matter::Missing(_) => &["DeleteAlias", LAST_RESORT],
            Matter::Moved(_) => &["UpdateAlias", "CreateAlias", "DeleteAlias"],
            Matter::Unexpected => &["CreateAlias"],
            Matter::Unusable(_, state) => match state.as_str() {
                // A key whose deletion is cancelled is disabled
                // (https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html).
                "Disabled" => &["DisableKey", "CancelKeyDeletion"],
                "PendingDeletion" | "PendingReplicaDeletion" => &["ScheduleKeyDeletion"],
                "PendingImport" => &["DeleteImportedKeyMaterial"],
                "Missing" => &["ScheduleKeyDeletion", LAST_RESORT],
                _ => &[],
            },
        }
    }

    /// Whether the event is about this alias, or about the key that matters to it
    fn concerns(&self, event: &Event) -> bool {
        let about_alias = event.alias.as_deref() == Some(self.alias.as_str());
        let about_key = |key: &KeyId| event.alias.is_none() && event.key.as_ref() == Some(key);
        match &self.matter {
            Matter::Missing(key) if event.call == LAST_RESORT => about_key(key),
            Matter::Unusable(key, _) => about_key(key),
            _ => about_alias,
        }
    }

    /// Whether things are as they are after the event
    fn explained_by(&self, event: &Event) -> bool {
        match &self.matter {
            Matter::Moved(live) => event.call != "DeleteAlias" && event.key.as_ref() == Some(live),
            _ => true,
        }
    }
}

/// What KMS does by itself, and nobody is to blame for: it is looked for where no call of anybody is found
const LAST_RESORT: &str = "DeleteKey";

impl Matter {
    fn of(before: Option<&KeyId>, after: Option<&KeyId>) -> Option<Self> {
        match (before, after) {
            (None, Some(key)) => Some(Self::Missing(key.clone())),
            (Some(live), Some(key)) if live != key => Some(Self::Moved(live.clone())),
            (Some(_), None) => Some(Self::Unexpected),
            _ => None,
        }
    }
}
