//! The parts of organizations that targets name -> the accounts that are in them now. Reads only, and an incomplete read is an error,
//! never a smaller fleet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::fleet::Trouble;
use crate::kms::{AccountPage, Calls, Connect, KmsError, KmsRead as _, Member, OrgRead, OuPage};
use crate::load::roles::partition;
use crate::load::{Manifest, Organization, TargetSpec};
use crate::pages::{PageFault, Pages};
use crate::target::Target;

/// The state of an account that can be read and written
/// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_account_state.html>)
const ACTIVE: &str = "ACTIVE";

/// What whoever discovers has to be allowed
pub const PERMISSIONS: [&str; 2] =
    ["organizations:ListOrganizationalUnitsForParent", "organizations:ListAccountsForParent"];

/// Five times what an organization may have by its quota
/// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>), so a tree this large never ends
const MOST_OUS: usize = 10_000;

/// Bytes of a token, as the service's model has it
const LONGEST_TOKEN: usize = 100_000;

/// Why the accounts of a target are not known
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DiscoverError {
    /// A page could not be read
    #[error("list the {what} of {parent} (page {page})")]
    Page {
        /// `OUs` or `accounts`
        what: &'static str,
        /// The OU or root
        parent: Arc<str>,
        /// Counted from 1
        page: u32,
        /// What the service said
        #[source]
        source: Box<KmsError>,
    },
    /// Its pages are no whole listing
    #[error("list the {what} of {parent}: {fault}")]
    Pages {
        /// `OUs` or `accounts`
        what: &'static str,
        /// The OU or root
        parent: Arc<str>,
        /// What is wrong with them
        fault: PageFault,
    },
    /// The tree is none, or was changed meanwhile
    #[error("walk the OUs below {top}: {ou} was met twice, and a tree has it once")]
    Twice {
        /// Where the walk began
        top: Arc<str>,
        /// What was met again
        ou: Arc<str>,
    },
    /// There is no end to it
    #[error("walk the OUs below {0}: no end after {MOST_OUS} of them")]
    Endless(Arc<str>),
    /// Nothing is left of it
    #[error("find an account in {}: {}", list(.ous), left_out(.inactive.len()))]
    Empty {
        /// Where it was looked for
        ous: BTreeSet<Arc<str>>,
        /// Those that are not ACTIVE, with what they are
        inactive: BTreeMap<Arc<str>, String>,
    },
}

fn list(ous: &BTreeSet<Arc<str>>) -> String {
    ous.iter().map(|ou| &**ou).collect::<Vec<_>>().join(", ")
}

fn left_out(inactive: usize) -> String {
    match inactive {
        0 => "there is none that is not excluded".to_owned(),
        count => format!("there is none that is ACTIVE and not excluded, and {count} that are not ACTIVE"),
    }
}

impl DiscoverError {
    /// What would help
    pub fn hint(&self) -> Option<String> {
        const ASKER: &str = "ask as the management account or a delegated administrator of the organization: give that \
             profile to the target, or with --profile";
        const PARENT: &str = "write the id of an OU or a root of the organization that these credentials are of; \
             `aws organizations list-roots` tells the root";
        const AGAIN: &str = "run again; if it stays, look at what stands between here and AWS Organizations, or at --endpoint-url";
        Some(match self {
            Self::Page { source, .. } => match source.code.as_deref() {
                Some("AWSOrganizationsNotInUseException") => ASKER.to_owned(),
                Some("ParentNotFoundException" | "InvalidInputException") => PARENT.to_owned(),
                _ => return source.hint(),
            },
            Self::Pages { .. } | Self::Twice { .. } | Self::Endless(_) => AGAIN.to_owned(),
            Self::Empty { .. } => "name other OUs under `ou`, or take the target out".to_owned(),
        })
    }
}

/// A target whose accounts are those of an organization, and what came of discovering them
#[derive(Debug)]
pub struct Discovery {
    /// Its name
    pub target: Arc<str>,
    /// The part of the organization
    pub part: Organization,
    /// What is there
    pub found: Result<Membership, Trouble>,
    /// Requests that it took
    pub calls: Calls,
}

/// Discovers the accounts of every target that has an organization, and tells `done` of each; what several of them read with the
/// same credentials is read once
pub async fn discover<C: Connect>(
    manifest: &Manifest,
    connect: &C,
    done: &(impl Fn() + Sync),
) -> Vec<Discovery> {
    let mut by_asker: BTreeMap<_, Vec<(&TargetSpec, &Organization)>> = BTreeMap::new();
    for (spec, part) in manifest.organizations() {
        let region = spec.regions.first();
        by_asker
            .entry((&part.profile, region.map(|region| partition(region))))
            .or_default()
            .push((spec, part));
    }
    let mut discoveries = Vec::new();
    for parts in by_asker.into_values() {
        discoveries.extend(discover_as_one(&parts, connect, done).await);
    }
    discoveries.sort_by(|one, other| one.target.cmp(&other.target));
    discoveries
}

/// Discovers what is read with the same credentials
async fn discover_as_one<C: Connect>(
    parts: &[(&TargetSpec, &Organization)],
    connect: &C,
    done: &(impl Fn() + Sync),
) -> Vec<Discovery> {
    let one = |spec: &TargetSpec, part: &Organization, found, calls| {
        done();
        Discovery { target: spec.name.clone(), part: part.clone(), found, calls }
    };
    let Some((first, _)) = parts.first() else { return Vec::new() };
    let reader = match connect.reader(&asker(first)).await {
        Ok(reader) => reader,
        Err(error) => {
            let trouble = || Err(Trouble::new(&error, None));
            return parts.iter().map(|(spec, part)| one(spec, part, trouble(), Calls::new())).collect();
        }
    };
    let (mut tree, mut discoveries) = (Tree::new(&reader), Vec::new());
    for (spec, part) in parts {
        let found = tree.discover(part).await.map_err(|error| Trouble::new(&error, error.hint()));
        discoveries.push(one(spec, part, found, Calls::new()));
    }
    if let Some(last) = discoveries.last_mut() {
        last.calls = reader.calls();
    }
    discoveries
}

/// Who asks: the credentials of the run, or of the target's profile, and no role of an account that is yet to be found. The Region
/// tells the partition, which has one endpoint for all of them
/// (<https://docs.aws.amazon.com/organizations/latest/APIReference/Welcome.html>)
fn asker(spec: &TargetSpec) -> Target {
    let (name, profile, region) = (spec.name.clone(), spec.profile.clone(), spec.regions.first().cloned());
    Target { name, profile, region, ..Target::default() }
}

/// The accounts in a part of an organization
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// Those that are ACTIVE and not excluded
    pub accounts: BTreeSet<Arc<str>>,
    /// Those that are not ACTIVE, and not excluded either, with what they are
    pub inactive: BTreeMap<Arc<str>, String>,
    /// Ids that are excluded and were never met: whoever wrote them may have meant others
    pub unmet: BTreeSet<Arc<str>>,
    /// How many OUs and roots were read
    pub ous: usize,
}

/// What is right below an OU or a root
#[derive(Clone, Debug, Default)]
struct Branch {
    ous: Vec<Arc<str>>,
    accounts: Vec<Member>,
}

/// An organization as one caller sees it, each OU read at most once
#[derive(Debug)]
pub struct Tree<'o, O> {
    organization: &'o O,
    branches: BTreeMap<Arc<str>, Branch>,
}

impl<'o, O: OrgRead> Tree<'o, O> {
    /// Nothing is read yet
    pub fn new(organization: &'o O) -> Self {
        Self { organization, branches: BTreeMap::new() }
    }

    /// The accounts in `part` of it
    ///
    /// # Errors
    /// A listing that is not whole, OUs that are no tree, or no account at all: a fleet that is smaller than it is would pass for
    /// one that is as declared.
    pub async fn discover(&mut self, part: &Organization) -> Result<Membership, DiscoverError> {
        let mut walk = Walk::default();
        for top in &part.ous {
            self.walk(top, part, &mut walk).await?;
        }
        let membership = walk.membership(part);
        if membership.accounts.is_empty() {
            return Err(DiscoverError::Empty { ous: part.ous.clone(), inactive: membership.inactive });
        }
        Ok(membership)
    }

    async fn walk(
        &mut self,
        top: &Arc<str>,
        part: &Organization,
        walk: &mut Walk,
    ) -> Result<(), DiscoverError> {
        let (mut waiting, mut met) = (vec![top.clone()], BTreeSet::new());
        while let Some(ou) = waiting.pop() {
            if !met.insert(ou.clone()) {
                return Err(DiscoverError::Twice { top: top.clone(), ou });
            }
            if met.len() > MOST_OUS {
                return Err(DiscoverError::Endless(top.clone()));
            }
            if !part.exclude_ous.contains(&ou) {
                let branch = self.branch(&ou).await?;
                waiting.extend(branch.ous.iter().cloned());
                walk.members.extend(branch.accounts.iter().cloned());
                walk.read.insert(ou);
            }
        }
        walk.met.append(&mut met);
        Ok(())
    }

    async fn branch(&mut self, parent: &Arc<str>) -> Result<&Branch, DiscoverError> {
        if !self.branches.contains_key(parent) {
            let branch = Branch { ous: self.ous(parent).await?, accounts: self.accounts(parent).await? };
            self.branches.insert(parent.clone(), branch);
        }
        Ok(self.branches.entry(parent.clone()).or_default())
    }

    async fn ous(&self, parent: &Arc<str>) -> Result<Vec<Arc<str>>, DiscoverError> {
        let (mut listing, mut all) = (Listing::new("OUs", parent), Vec::new());
        loop {
            let read = self.organization.ou_page(parent, listing.token.as_deref()).await;
            let OuPage { ous, next_token } = read.map_err(|source| listing.failed(source))?;
            all.extend(ous);
            if !listing.turn(next_token)? {
                return Ok(all);
            }
        }
    }

    async fn accounts(&self, parent: &Arc<str>) -> Result<Vec<Member>, DiscoverError> {
        let (mut listing, mut all) = (Listing::new("accounts", parent), Vec::new());
        loop {
            let read = self.organization.account_page(parent, listing.token.as_deref()).await;
            let AccountPage { accounts, next_token } = read.map_err(|source| listing.failed(source))?;
            all.extend(accounts);
            if !listing.turn(next_token)? {
                return Ok(all);
            }
        }
    }
}

/// What was met on the way
#[derive(Default)]
struct Walk {
    members: Vec<Member>,
    /// OUs, the excluded ones too
    met: BTreeSet<Arc<str>>,
    read: BTreeSet<Arc<str>>,
}

impl Walk {
    /// An account that is listed twice was moved meanwhile, and is one account
    fn membership(self, part: &Organization) -> Membership {
        let met: BTreeSet<Arc<str>> = self.members.iter().map(|member| member.account.clone()).collect();
        let unmet = part.exclude_accounts.difference(&met).chain(part.exclude_ous.difference(&self.met));
        let unmet = unmet.cloned().collect();
        let kept = self.members.into_iter().filter(|member| !part.exclude_accounts.contains(&member.account));
        let (active, others): (Vec<_>, Vec<_>) = kept.partition(|member| member.state == ACTIVE);
        Membership {
            accounts: active.into_iter().map(|member| member.account).collect(),
            inactive: others.into_iter().map(|member| (member.account, member.state)).collect(),
            unmet,
            ous: self.read.len(),
        }
    }
}

/// One listing, as far as it has been read
struct Listing {
    what: &'static str,
    parent: Arc<str>,
    pages: Pages,
    token: Option<String>,
}

impl Listing {
    fn new(what: &'static str, parent: &Arc<str>) -> Self {
        Self { what, parent: parent.clone(), pages: Pages::with_markers(LONGEST_TOKEN), token: None }
    }

    fn failed(&self, source: KmsError) -> DiscoverError {
        DiscoverError::Page {
            what: self.what,
            parent: self.parent.clone(),
            page: self.pages.number(),
            source: Box::new(source),
        }
    }

    /// Whether there is another page; only a token says so, and an empty one leads nowhere
    /// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccountsForParent.html>)
    fn turn(&mut self, next: Option<String>) -> Result<bool, DiscoverError> {
        let turned = self.pages.turn(next.is_some(), next);
        self.token = turned.map_err(|fault| {
            let (what, parent) = (self.what, self.parent.clone());
            DiscoverError::Pages { what, parent, fault }
        })?;
        Ok(self.token.is_some())
    }
}
