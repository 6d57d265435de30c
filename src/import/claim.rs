//! What another tool says that it has made: one claim for each alias, whichever tool it is. Pure data.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::alias::{AliasName, KeyId, is_account};
use crate::kms::Identity;

/// An account and a Region
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Home {
    /// Twelve digits
    pub account: Arc<str>,
    /// As `us-east-1`
    pub region: Arc<str>,
}

impl Home {
    /// The account and the Region of an ARN, of whatever it is
    pub(crate) fn of_arn(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", _, _, region, account, _] = parts[..] else { return None };
        let known = !region.is_empty() && is_account(account);
        known.then(|| Self { account: account.into(), region: region.into() })
    }

    /// Where these credentials lead
    pub fn of(identity: &Identity) -> Self {
        Self { account: identity.account.clone(), region: identity.region.clone() }
    }
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.account, self.region)
    }
}

/// An alias as another tool knows it
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What that tool calls it: `module.db.aws_kms_alias.this["a"]`, or a logical id
    pub address: String,
    /// What it calls all that come of the same declaration: `module.db.aws_kms_alias.this`
    pub declaration: String,
    /// Where it is, if that is said
    pub home: Option<Home>,
    /// The key that it was last seen on, if that is said
    pub key: Option<KeyId>,
}

impl Claim {
    /// Whether it can be in this account and Region
    pub fn is_of(&self, identity: &Identity) -> bool {
        self.home.as_ref().is_none_or(|home| *home == Home::of(identity))
    }
}

/// What each name is claimed as
pub type Claims = BTreeMap<AliasName, Vec<Claim>>;

/// What a file of another tool says
#[derive(Debug, Default)]
pub struct Found {
    /// What that tool keeps
    pub claims: Claims,
    /// What there is to know of the rest, sentences
    pub remarks: Vec<String>,
}

/// The accounts and Regions of all claims; none where one of them does not say it
pub fn homes(claims: &Claims) -> BTreeSet<Home> {
    let all: Option<BTreeSet<Home>> = claims.values().flatten().map(|claim| claim.home.clone()).collect();
    all.unwrap_or_default()
}

/// Why a file of another tool tells no names
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unfit {
    why: String,
    hint: String,
}

impl Unfit {
    pub(super) fn new(why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { why: why.into(), hint: hint.into() }
    }

    /// What would help
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

/// The name `text`, which `address` has
pub(super) fn name(text: &str, address: &str) -> Result<AliasName, Unfit> {
    AliasName::parse(text).map_err(|error| {
        let why = format!("{address} has the name {text:?}, which no alias can have: {error}");
        Unfit::new(why, "see whether it is the file that is meant, and as the tool wrote it")
    })
}
