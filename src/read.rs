//! A target -> the snapshot it is planned on: of the whole account, or of the names that it speaks about, whichever takes less. Reads
//! only.
//!
//! A listing has to be read page by page, 100 aliases each, and nobody can tell beforehand how many there are. So it is begun, and
//! given up for the names once it has cost as much as they would: never more than twice the cheaper of the two.

use std::collections::BTreeSet;

use crate::alias::AliasName;
use crate::inspect::{AT_ONCE, Facts};
use crate::kms::KmsRead;
use crate::list::{ListError, Listing, Snapshot};
use crate::plan::Policy;
use crate::probe::{probe, shows_in_a_listing};
use crate::resolve::follows;
use crate::target::Target;

/// How the live aliases of a target are read
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ReadBy {
    /// By listing all of them
    #[default]
    List,
    /// Each name that the manifest speaks about, where nothing needs the others
    Names,
    /// Whichever takes less
    Auto,
}

/// What a request costs besides its round trip, in round trips: it takes of the quotas, of the CPU and of CloudTrail
const REQUEST: f64 = 0.1;

/// What so many pages cost, which follow from each other
fn by_pages(pages: u32) -> f64 {
    f64::from(pages) * (1.0 + REQUEST)
}

/// What so many names cost, which are read side by side
fn by_names(names: usize) -> f64 {
    names.div_ceil(AT_ONCE) as f64 + names as f64 * REQUEST
}

/// Whether so many names are cheaper to read than a listing of so many pages
pub(crate) fn prefers_names(names: usize, pages: u32) -> bool {
    by_names(names) < by_pages(pages)
}

/// The reading of one target's live aliases
pub(crate) struct Reading<'r> {
    target: &'r Target,
    read: ReadBy,
    /// Names that declared aliases follow
    follow: BTreeSet<AliasName>,
    /// All that the target speaks about, those included
    names: BTreeSet<AliasName>,
    /// Pages after which the names are read instead
    most: u32,
    listing: Listing,
}

impl<'r> Reading<'r> {
    pub(crate) fn new(target: &'r Target, policy: &Policy) -> Self {
        let follow = follows(target);
        let names: BTreeSet<_> = spoken_of(target, policy).chain(&follow).cloned().collect();
        let most = match policy.read {
            _ if names.is_empty() || needs_all(policy) => u32::MAX,
            ReadBy::List => u32::MAX,
            ReadBy::Names => 0,
            ReadBy::Auto => (by_names(names.len()) / by_pages(1)).ceil() as u32,
        };
        Self { target, read: policy.read, follow, names, most, listing: Listing::default() }
    }

    /// Reads as much as is read in any case
    pub(crate) async fn begin(&mut self, kms: &impl KmsRead) -> Result<(), ListError> {
        self.listing.read_on(kms, &self.target.scope, &self.follow, self.most).await
    }

    /// Reads the rest of it, and tells what became known of keys besides
    pub(crate) async fn snapshot(&mut self, kms: &impl KmsRead) -> Result<(Snapshot, Facts), ListError> {
        if let Some(whole) = self.listing.whole() {
            return Ok((whole, Facts::new()));
        }
        match probe(kms, &self.names, &self.target.scope, &self.follow).await {
            Err(ListError::Name { source, .. })
                if self.read == ReadBy::Auto && shows_in_a_listing(&source) =>
            {
                Ok((self.whole(kms).await?, Facts::new()))
            }
            probed => probed,
        }
    }

    /// Reads everything after all
    pub(crate) async fn whole(&mut self, kms: &impl KmsRead) -> Result<Snapshot, ListError> {
        self.listing.read_on(kms, &self.target.scope, &self.follow, u32::MAX).await?;
        Ok(self.listing.whole().unwrap_or_default())
    }
}

/// The names in scope that the target may have to write: the declared, their previous ones, and those that the plan is about
pub(crate) fn spoken_of<'t>(target: &'t Target, policy: &'t Policy) -> impl Iterator<Item = &'t AliasName> {
    let declared = target
        .aliases
        .iter()
        .flat_map(|(name, declared)| std::iter::once(name).chain(&declared.manner.previously));
    let expected = policy.expected.iter().flat_map(|expected| expected.keys());
    declared.chain(expected).filter(|name| target.scope.owns(name.as_str()))
}

/// Whether names matter that the target does not speak about: those that prune deletes, that are refused for being unmanaged, or that a
/// pattern has to match for its warning not to be one
fn needs_all(policy: &Policy) -> bool {
    policy.prune || !policy.fail_on.is_empty()
}
