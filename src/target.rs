//! Manifest -> the list of targets: account x Region x role, with each target's own settings and exceptions merged in. Pure.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::alias::{AliasName, KeyRef, Scope};

/// One account and Region that the manifest speaks about, with everything it says about it
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// `prod/111122223333/us-east-1`; `default` where the manifest has no `targets:`
    pub name: Arc<str>,
    /// Groups that `--target @group` and `targets: ["@group"]` select
    pub groups: Vec<Arc<str>>,
    /// Twelve digits; `None` only for `default`: the credentials' own
    pub account: Option<Arc<str>>,
    /// As `us-east-1`; `None` only for `default`: the configured one
    pub region: Option<Arc<str>>,
    /// Profile of the shared AWS configuration
    pub profile: Option<Arc<str>>,
    /// Roles to assume, placeholders already filled in
    pub roles: Roles,
    /// The names this target may touch
    pub scope: Scope,
    /// Whether in-scope names that are not declared are deleted
    pub prune: bool,
    /// Requests a second
    pub rates: Rates,
    /// What is declared for this target: the shared map, narrowed, with this target's overrides
    pub aliases: BTreeMap<AliasName, Declared>,
}

/// The roles a target is read and written with
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// ARN of the role that reads
    pub plan: Option<Arc<str>>,
    /// ARN of the role that writes
    pub apply: Option<Arc<str>>,
}

/// Requests a second per account and Region, one lane an operation
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// CreateAlias
    pub create: f64,
    /// UpdateAlias
    pub update: f64,
    /// DeleteAlias
    pub delete: f64,
}

impl Default for Rates {
    /// The service's default quotas (<https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html>)
    fn default() -> Self {
        Self { create: 5.0, update: 5.0, delete: 15.0 }
    }
}

/// One declared alias
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// What it should be
    pub want: Want,
    /// Where the manifest says so; the override's place where one applies
    pub place: Place,
}

/// What a declared alias should be
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// Point at this key
    Key(KeyRef),
    /// Not exist, pruning or not
    Absent,
}

/// A place in a manifest; lines and columns count from 1
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file's path as the user gave it, or `<stdin>`
    pub file: Arc<str>,
    /// Line
    pub line: u32,
    /// Column, in characters
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
