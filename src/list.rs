//! Pages of ListAliases -> a snapshot of the live aliases in scope. Reads only, and an incomplete read is an error.
//! `probe.rs` makes one of certain names alone, and `read.rs` chooses between the two.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::alias::{AliasName, KeyId, is_reserved};
use crate::kms::{AliasPage, KmsError, KmsRead, ListedAlias};
use crate::pages::{PageFault, Pages};
use crate::scope::{Pattern, Scope};

/// The live aliases of one account and Region, as far as we may look
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// What was read for it
    pub extent: Extent,
    /// Names in scope; nothing else ever enters here
    pub live: BTreeMap<AliasName, Live>,
    /// How many names are in scope too, and left out by the command line
    pub left_out: usize,
    /// Names outside it that declared aliases follow
    pub followed: BTreeMap<AliasName, KeyId>,
    /// The `ignore` patterns that covered a live name
    pub ignored_by: BTreeSet<Arc<str>>,
    /// How many aliases each key has, whoever owns them; AWS's own do not count towards the quota. Shared, because every
    /// comparison keeps it and the keys of an account are many.
    pub alias_counts: Arc<BTreeMap<KeyId, usize>>,
}

/// What was read for a snapshot, and so what it means that a name is not in it
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The whole listing: whatever is not in it is not there
    Whole {
        /// That it took
        pages: u32,
    },
    /// The names that the target speaks about: of all others nothing is known, nor how many aliases a key has
    Named,
}

impl Default for Extent {
    fn default() -> Self {
        Self::Whole { pages: 0 }
    }
}

/// A live alias: the key it points at
///
/// The service lists an alias without a target only for AWS's own, yet makes the member optional for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// The target key
    pub key: Option<KeyId>,
}

/// Why a listing cannot be trusted
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ListError {
    /// A page could not be read
    #[error("list the live aliases (page {page})")]
    Page {
        /// Counted from 1
        page: u32,
        /// What the service said
        #[source]
        source: KmsError,
    },
    /// A name could not be read
    #[error("read {name} by its name")]
    Name {
        /// The alias
        name: AliasName,
        /// What the service said
        #[source]
        source: KmsError,
    },
    /// Its pages are no whole listing
    #[error("list the live aliases: {0}")]
    Pages(PageFault),
    /// The listing contradicts itself
    #[error(
        "list the live aliases: {name} is listed twice, on key {one} and on key {other}: it was changed meanwhile"
    )]
    Contradiction {
        /// The alias
        name: AliasName,
        /// As first listed
        one: String,
        /// As listed again
        other: String,
    },
    /// A name in scope that we could not write back
    #[error("list the live aliases: {0:?} is in scope but no valid alias name")]
    BadName(String),
}

/// Lists the aliases in `scope`, and those in `follow` wherever they are
///
/// # Errors
/// Whatever keeps the listing from being whole: a page that fails after its retries, a missing or repeated marker.
pub async fn list(
    kms: &impl KmsRead,
    scope: &Scope,
    follow: &BTreeSet<AliasName>,
) -> Result<Snapshot, ListError> {
    let mut listing = Listing::default();
    listing.read_on(kms, scope, follow, u32::MAX).await?;
    Ok(listing.snapshot)
}

/// A listing under way
#[derive(Debug, Default)]
pub(crate) struct Listing {
    snapshot: Snapshot,
    pages: Pages,
    marker: Option<String>,
    /// Hashes, because a listing may name an alias twice, and the names of others are not ours to keep
    counted: HashSet<u64>,
    /// Those of the snapshot, which are put in order once
    alias_counts: HashMap<KeyId, usize>,
    is_whole: bool,
}

impl Listing {
    /// Reads on until it is whole or has so many pages
    ///
    /// # Errors
    /// As of [`list`].
    pub(crate) async fn read_on(
        &mut self,
        kms: &impl KmsRead,
        scope: &Scope,
        follow: &BTreeSet<AliasName>,
        most: u32,
    ) -> Result<(), ListError> {
        while !self.is_whole && self.pages.number() <= most {
            let page = self.pages.number();
            let read = kms.alias_page(self.marker.as_deref()).await;
            let AliasPage { aliases, next_marker, truncated } =
                read.map_err(|source| ListError::Page { page, source })?;
            for alias in aliases {
                if self.counted.insert(hash(&alias.name)) {
                    self.count(&alias, scope);
                }
                self.snapshot.take(alias, scope, follow)?;
            }
            self.marker = self.pages.turn(truncated, next_marker).map_err(ListError::Pages)?;
            self.is_whole = self.marker.is_none();
            if self.is_whole {
                self.snapshot.alias_counts = Arc::new(self.alias_counts.drain().collect());
            }
            self.snapshot.extent = Extent::Whole { pages: page };
        }
        Ok(())
    }

    fn count(&mut self, alias: &ListedAlias, scope: &Scope) {
        self.snapshot.left_out += usize::from(scope.holds(&alias.name) && !scope.owns(&alias.name));
        if let Some(key) = alias.target.as_ref().filter(|_| !is_reserved(&alias.name)) {
            *self.alias_counts.entry(key.clone()).or_default() += 1;
        }
    }

    /// What it shows, if nothing more follows
    pub(crate) fn whole(&mut self) -> Option<Snapshot> {
        self.is_whole.then(|| std::mem::take(&mut self.snapshot))
    }
}

/// Lists all aliases of one key, whatever their scope
///
/// # Errors
/// Whatever keeps the listing from being whole.
pub async fn aliases_of(kms: &impl KmsRead, key: &KeyId) -> Result<BTreeSet<String>, ListError> {
    let mut names = BTreeSet::new();
    let (mut pages, mut marker) = (Pages::default(), None::<String>);
    loop {
        let page = pages.number();
        let read = kms.key_alias_page(key, marker.as_deref()).await;
        let AliasPage { aliases, next_marker, truncated } =
            read.map_err(|source| ListError::Page { page, source })?;
        names.extend(aliases.into_iter().map(|alias| alias.name));
        match pages.turn(truncated, next_marker).map_err(ListError::Pages)? {
            None => return Ok(names),
            next => marker = next,
        }
    }
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

impl Snapshot {
    /// The same, with these names as they are shown in `now`
    pub(crate) fn with(&self, names: &BTreeSet<AliasName>, now: Self) -> Self {
        let mut snapshot = self.clone();
        snapshot.live.retain(|name, _| !names.contains(name));
        snapshot.live.extend(now.live);
        snapshot
    }

    fn take(
        &mut self,
        alias: ListedAlias,
        scope: &Scope,
        follow: &BTreeSet<AliasName>,
    ) -> Result<(), ListError> {
        let ListedAlias { name, target: key } = alias;
        if is_reserved(&name) {
            return Ok(());
        }
        let owned = scope.owns(&name);
        if !owned && scope.covers(&name) {
            self.ignored_by.extend(scope.ignored_by(&name).map(Pattern::text));
        }
        let Ok(valid) = AliasName::parse(&name) else {
            return if owned { Err(ListError::BadName(name)) } else { Ok(()) };
        };
        if let (Some(key), true) = (&key, follow.contains(&valid)) {
            self.take_followed(&valid, key)?;
        }
        if owned { self.take_owned(valid, Live { key }) } else { Ok(()) }
    }

    fn take_followed(&mut self, name: &AliasName, key: &KeyId) -> Result<(), ListError> {
        match self.followed.insert(name.clone(), key.clone()) {
            Some(seen) if seen != *key => Err(contradiction(name, Some(&seen), Some(key))),
            _ => Ok(()),
        }
    }

    fn take_owned(&mut self, name: AliasName, live: Live) -> Result<(), ListError> {
        match self.live.entry(name) {
            Entry::Occupied(seen) if *seen.get() != live => {
                Err(contradiction(seen.key(), seen.get().key.as_ref(), live.key.as_ref()))
            }
            entry => {
                entry.insert_entry(live);
                Ok(())
            }
        }
    }
}

fn contradiction(name: &AliasName, one: Option<&KeyId>, other: Option<&KeyId>) -> ListError {
    let text = |key: Option<&KeyId>| key.map_or("none".to_owned(), KeyId::to_string);
    ListError::Contradiction { name: name.clone(), one: text(one), other: text(other) }
}
