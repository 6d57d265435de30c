//! The keys of one account and Region: what each is, and when those scheduled for deletion go.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::world::Millis;

/// The key's state (<https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// A new replica of a multi-Region key
    Creating,
    /// Usable
    Enabled,
    /// Not usable, but aliases may point at it
    Disabled,
    /// Within its waiting period
    PendingDeletion,
    /// Without key material
    PendingImport,
    /// A primary that waits until its last replica is gone
    PendingReplicaDeletion,
    /// Its custom key store cannot be reached
    Unavailable,
    /// Its primary Region is being changed
    Updating,
}

impl KeyState {
    /// All of them
    pub const ALL: [Self; 8] = [
        Self::Creating,
        Self::Enabled,
        Self::Disabled,
        Self::PendingDeletion,
        Self::PendingImport,
        Self::PendingReplicaDeletion,
        Self::Unavailable,
        Self::Updating,
    ];

    /// Whether the key is on its way out: no alias may be pointed at it
    pub fn is_leaving(self) -> bool {
        matches!(self, Self::PendingDeletion | Self::PendingReplicaDeletion)
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// One key, without its place
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// UUID, or `mrk-…`
    pub id: Arc<str>,
    /// Empty where it has none
    pub description: String,
    /// `SYMMETRIC_DEFAULT`, `RSA_2048`, …
    pub spec: Arc<str>,
    /// `ENCRYPT_DECRYPT`, `SIGN_VERIFY`, …
    pub usage: Arc<str>,
    /// Its state
    pub state: KeyState,
    /// `AWS_KMS`, `EXTERNAL`, …
    pub origin: Arc<str>,
    /// When it was created
    pub created: Millis,
    /// When it goes, if it is scheduled for deletion
    pub deletion: Option<Millis>,
    /// Whether AWS manages it
    pub aws_managed: bool,
    /// For a multi-Region key: the Region of its primary
    pub primary: Option<Arc<str>>,
    /// Its tags
    pub tags: BTreeMap<String, String>,
    /// Its key policy, as given; `None` is the default one
    pub policy: Option<String>,
}

impl Key {
    /// An enabled symmetric key without description, created at the beginning of time
    pub fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            description: String::new(),
            spec: "SYMMETRIC_DEFAULT".into(),
            usage: "ENCRYPT_DECRYPT".into(),
            state: KeyState::Enabled,
            origin: "AWS_KMS".into(),
            created: 0,
            deletion: None,
            aws_managed: false,
            primary: None,
            tags: BTreeMap::new(),
            policy: None,
        }
    }

    /// The same with a description
    #[must_use]
    pub fn described(self, description: &str) -> Self {
        Self { description: description.to_owned(), ..self }
    }

    /// The same of another kind
    #[must_use]
    pub fn of_kind(self, spec: &str, usage: &str) -> Self {
        Self { spec: spec.into(), usage: usage.into(), ..self }
    }

    /// The same in another state
    #[must_use]
    pub fn in_state(self, state: KeyState) -> Self {
        Self { state, ..self }
    }

    /// The same with one more tag
    #[must_use]
    pub fn tagged(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }
}

/// All keys of one account and Region
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    table: BTreeMap<Arc<str>, Key>,
    leaving: BTreeSet<(Millis, Arc<str>)>,
}

impl Keys {
    pub(super) fn get(&self, id: &str) -> Option<&Key> {
        self.table.get(id)
    }

    /// Adds the key, or puts it in the place of the one with its id
    pub(super) fn put(&mut self, key: Key) {
        if let Some(due) = self.get(&key.id).and_then(|old| old.deletion) {
            self.leaving.remove(&(due, key.id.clone()));
        }
        self.leaving.extend(key.deletion.map(|due| (due, key.id.clone())));
        self.table.insert(key.id.clone(), key);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Key> {
        self.table.values()
    }

    /// At most `limit` keys that come after the id `after`, and whether there are more
    pub(super) fn page(&self, after: Option<&str>, limit: usize) -> (Vec<&Key>, bool) {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        let mut rest = self.table.range::<str, _>((from, Unbounded)).map(|(_, key)| key);
        let page = rest.by_ref().take(limit).collect();
        (page, rest.next().is_some())
    }

    /// Takes away the keys whose waiting period is over
    pub(super) fn depart(&mut self, at: Millis) -> Vec<Arc<str>> {
        let mut gone = Vec::new();
        while self.leaving.first().is_some_and(|(due, _)| *due <= at) {
            let Some((_, id)) = self.leaving.pop_first() else { break };
            self.table.remove(&id);
            gone.push(id);
        }
        gone
    }
}
