//! What a manifest says about how much may change, and what may not: the words that `plan/guards.rs` decides by.

use std::fmt;

use super::Place;
use crate::scope::Pattern;

/// What a name can be kept from
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// Being deleted, or renamed
    Delete,
    /// Being moved to another key
    Retarget,
}

/// Names that are kept from harm; it outlives the entry of an alias that is taken out of the manifest
#[derive(Clone, Debug, PartialEq)]
pub struct Protection {
    /// Which names
    pub pattern: Pattern,
    /// From what
    pub from: Vec<Harm>,
    /// Where the manifest says so
    pub place: Place,
}

/// How much one plan may change in a target before it has to be allowed by flag
#[derive(Clone, Debug, PartialEq)]
pub struct Guards {
    /// Deletes
    pub max_delete: Guard,
    /// Retargets
    pub max_update: Guard,
    /// With fewer live names in scope than this, percentages mean nothing and do not count
    pub min_existing: usize,
}

/// One limit, and where it was set
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// The most that passes
    pub limit: Limit,
    /// `None` for the default, and for a limit from the command line
    pub place: Option<Place>,
}

/// The most that passes a guard
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Of the live names in scope
    Percent(f64),
    /// Names
    Count(usize),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent} %"),
            Self::Count(count) => write!(f, "{count}"),
        }
    }
}

impl Default for Guards {
    /// 30 % of ten names or more, as other reconcilers of names have it
    fn default() -> Self {
        let guard = Guard { limit: Limit::Percent(30.0), place: None };
        Self { max_delete: guard.clone(), max_update: guard, min_existing: 10 }
    }
}
