//! The manifest as it was at an earlier commit, and as it is now -> what of each target's declarations has changed since: where a
//! change comes from, and which names are new. Pure; `git` reads the commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::alias::{AliasName, KeyRef};
use crate::scope::Scope;
use crate::target::{Declared, Target, Want};

/// The manifest at the commit where the work began
#[derive(Clone, Debug)]
pub struct Base {
    commit: Commit,
    /// `None` where the manifest cannot be read there
    targets: Option<Vec<Target>>,
}

/// A commit by its whole hash
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit(pub Arc<str>);

impl Commit {
    /// Enough of the hash to find it by
    pub fn short(&self) -> &str {
        self.0.get(..10).unwrap_or(&self.0)
    }
}

/// Where a change comes from
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The manifest says something else of the alias than it did
    Config,
    /// It says what it said at this commit: the live state has moved
    Drift(Commit),
    /// There is nothing to compare with
    #[default]
    Unknown,
}

impl Origin {
    /// `config`, `drift` or `unknown`
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Drift(_) => "drift",
            Self::Unknown => "unknown",
        }
    }
}

impl Base {
    /// What the manifest said at `commit`; without `targets` it cannot be read there
    pub fn new(commit: Commit, targets: Option<Vec<Target>>) -> Self {
        Self { commit, targets }
    }

    /// What has changed for `now`, which is found again by account and Region: names of targets may change
    pub fn since(&self, now: &Target) -> Since {
        let here = |then: &&Target| (&then.account, &then.region) == (&now.account, &now.region);
        let then = self.targets.as_ref();
        let then = then.map(|all| Then::new(&all.iter().filter(here).collect::<Vec<_>>(), now));
        Since { commit: self.commit.clone(), then }
    }
}

/// What has changed for one target since the base commit
#[derive(Clone, Debug, PartialEq)]
pub struct Since {
    /// The commit
    pub commit: Commit,
    /// `None` where the manifest cannot be read there
    then: Option<Then>,
}

#[derive(Clone, Debug, PartialEq)]
struct Then {
    /// Names that were declared, or were the previous ones of those
    known: BTreeSet<AliasName>,
    /// Declared names of which the manifest says what it said
    unchanged: BTreeSet<AliasName>,
    /// Where names that were not declared were pruned
    pruned: Vec<Scope>,
}

impl Then {
    /// `here` may be several: targets with scopes of their own in one account and Region
    fn new(here: &[&Target], now: &Target) -> Self {
        let declared = || here.iter().flat_map(|then| &then.aliases);
        let previous = declared().flat_map(|(_, declared)| &declared.manner.previously);
        let same = |name: &&AliasName| here.iter().any(|then| is_same(name, &now.aliases, &then.aliases));
        Self {
            known: declared().map(|(name, _)| name).chain(previous).cloned().collect(),
            unchanged: now.aliases.keys().filter(same).cloned().collect(),
            pruned: here.iter().filter(|then| then.prune).map(|then| then.scope.clone()).collect(),
        }
    }
}

type Declarations = BTreeMap<AliasName, Declared>;

/// Whether `name` was declared as it is, and whatever it follows too; no manifest that loads has a circle
fn is_same<'n>(mut name: &'n AliasName, now: &'n Declarations, then: &Declarations) -> bool {
    loop {
        let (Some(new), Some(old)) = (now.get(name), then.get(name)) else { return false };
        match &new.want {
            _ if !says_the_same(new, old) => return false,
            // What is declared neither now nor then is followed as it is live.
            Want::Key(KeyRef::Alias(next)) if now.contains_key(next) || then.contains_key(next) => {
                name = next;
            }
            _ => return true,
        }
    }
}

/// What becomes of the alias, but not where that is written, nor what it is protected from: that changes no write
fn says_the_same(new: &Declared, old: &Declared) -> bool {
    let (now, then) = (&new.manner, &old.manner);
    let manner = (now.retain_previous, now.replace) == (then.retain_previous, then.replace);
    new.want == old.want && now.previously == then.previously && manner
}

impl Since {
    /// Whether there is anything to compare with
    pub fn is_readable(&self) -> bool {
        self.then.is_some()
    }

    /// Whether `name` was not declared; where nothing can be read, nobody can show that it was
    pub fn is_new(&self, name: &AliasName) -> bool {
        self.then.as_ref().is_none_or(|then| !then.known.contains(name))
    }

    /// Where a change comes from that the declaration of `name` asks for
    pub fn origin(&self, name: &AliasName) -> Origin {
        self.judge(|then| then.unchanged.contains(name))
    }

    /// Where the delete of `name` comes from, which nothing declares
    pub fn origin_of_pruned(&self, name: &AliasName) -> Origin {
        let pruned = |then: &Then| then.pruned.iter().any(|scope| scope.owns(name.as_str()));
        self.judge(|then| !then.known.contains(name) && pruned(then))
    }

    fn judge(&self, is_unchanged: impl Fn(&Then) -> bool) -> Origin {
        match &self.then {
            None => Origin::Unknown,
            Some(then) if is_unchanged(then) => Origin::Drift(self.commit.clone()),
            Some(_) => Origin::Config,
        }
    }
}
