//! What several runs wrote, each about a part of the targets -> what one run would have written about all of them. Pure.
//!
//! Nothing is lost and nothing becomes possible that was not: what may be of two fleets, or is told of a target twice, is refused, and
//! a part that is missing is named in whatever comes of the others. `kind` tells what a file is, `parts` what is missing, and there
//! is one file for each kind.

mod applies;
mod kind;
mod metrics;
mod parts;
mod plans;
mod receipts;

pub use kind::{Kept, KindError, read};
pub use metrics::Exposition;
pub use receipts::Receipts;

use crate::document::{ApplyDocument, PlanDocument};
use crate::render::style::plural;

/// Something of a file, with the name that the file is spoken of by
#[derive(Clone, Debug, PartialEq)]
pub struct Named<T> {
    /// As the user gave it
    pub file: String,
    /// What is in it
    pub what: T,
}

/// What files come to together
#[derive(Clone, Debug, PartialEq)]
pub enum Merged {
    /// One plan, or one look for drift
    Plan(Box<PlanDocument>),
    /// One result
    Apply(Box<ApplyDocument>),
    /// The receipts, one after another
    Receipts(Receipts),
    /// One exposition
    Metrics(Exposition),
}

/// Why files cannot be merged
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// They are of several kinds
    #[error("{first} is {what}, and {second} is {other}")]
    Mixed {
        /// A file
        first: String,
        /// As `a plan`
        what: &'static str,
        /// Another
        second: String,
        /// Likewise
        other: &'static str,
    },
    /// A target is told of twice
    #[error("{} target {target:?}", both(.first, .second))]
    SameTarget {
        /// A file
        first: String,
        /// Another, or the same
        second: String,
        /// Its name
        target: String,
    },
    /// An account and Region are told of twice, and nothing proves that these are of different aliases
    #[error(
        "{first} and {second} both have a target in account {account} in {region}, and may be of different manifests"
    )]
    SamePlace {
        /// A file
        first: String,
        /// Another
        second: String,
        /// Twelve digits
        account: String,
        /// As `us-east-1`
        region: String,
    },
    /// A part is there twice
    #[error("{first} and {second} are both of shard {shard}")]
    SameShard {
        /// A file
        first: String,
        /// Another
        second: String,
        /// As `0/4`
        shard: String,
    },
    /// They are parts of different wholes
    #[error("{first} is of {what}, and {second} is of {other}")]
    OtherParts {
        /// A file
        first: String,
        /// As `shard 0/4`
        what: String,
        /// Another
        second: String,
        /// As `shard 0/3`, `no shard`
        other: String,
    },
    /// They are parts of different fleets
    #[error("{first} and {second} were made with different manifests, targets or aliases")]
    OtherFleet {
        /// A file
        first: String,
        /// Another
        second: String,
    },
    /// They differ in what one run has once
    #[error("{first} and {second} differ in {what}, which one run has once")]
    Differ {
        /// A file
        first: String,
        /// Another
        second: String,
        /// As `--allow`
        what: &'static str,
    },
    /// It does not tell any more what belongs to which part
    #[error("{0} was merged itself")]
    Again(String),
    /// Its digest is not that of its writes
    #[error("{0}: its digest is not that of its writes: it was changed after it was saved")]
    Changed(String),
    /// It says what no run says
    #[error("{file}: {what}")]
    Nonsense {
        /// The file
        file: String,
        /// As `there is no exit code 7`
        what: String,
    },
}

fn both(first: &str, second: &str) -> String {
    if first == second { format!("{first} twice has") } else { format!("{first} and {second} both have") }
}

impl MergeError {
    /// What would help
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Mixed { .. } => "merge plans with plans, receipts with receipts and metrics with metrics",
            Self::SameTarget { .. } | Self::SameShard { .. } | Self::SamePlace { .. } => {
                "leave one of the two out, or look at each with `kms-alias show --merge FILE`"
            }
            Self::OtherParts { .. } => {
                "name the files of one fleet, each made with --shard I/N of the same N"
            }
            Self::OtherFleet { .. } => {
                "run every shard at the same commit, with the same flags, and merge those"
            }
            Self::Differ { .. } => "run every shard with the same flags, and merge those",
            Self::Again(_) => "merge the files that it was made from, together with the others",
            Self::Changed(_) => "plan again, and merge that",
            Self::Nonsense { .. } => "name files as kms-alias wrote them",
        }
    }
}

/// What the files come to together; in whatever order they are named, it is the same
///
/// # Errors
/// They do not go together.
pub fn merge(files: Vec<Named<Kept>>) -> Result<Merged, MergeError> {
    one_kind(&files)?;
    let (mut plans, mut applies, mut histories, mut metrics) = (vec![], vec![], vec![], vec![]);
    for Named { file, what } in files {
        match what {
            Kept::Plan(what) => plans.push(Named { file, what: *what }),
            Kept::Apply(what) => applies.push(Named { file, what: *what }),
            Kept::Receipt(what) => histories.push(Named { file, what: *what }),
            Kept::Metrics(what) => metrics.push(Named { file, what }),
        }
    }
    Ok(if !applies.is_empty() {
        Merged::Apply(Box::new(applies::merge(applies)?))
    } else if !histories.is_empty() {
        Merged::Receipts(receipts::merge(histories)?)
    } else if !metrics.is_empty() {
        Merged::Metrics(metrics::merge(metrics)?)
    } else {
        Merged::Plan(Box::new(plans::merge(plans)?))
    })
}

fn one_kind(files: &[Named<Kept>]) -> Result<(), MergeError> {
    let Some(first) = files.first() else { return Ok(()) };
    match files.iter().find(|file| file.what.kind() != first.what.kind()) {
        None => Ok(()),
        Some(other) => Err(MergeError::Mixed {
            first: first.file.clone(),
            what: first.what.kind(),
            second: other.file.clone(),
            other: other.what.kind(),
        }),
    }
}

impl Merged {
    /// The parts that are not among the files
    pub fn missing(&self) -> &[String] {
        match self {
            Self::Plan(plan) => &plan.missing_shards,
            Self::Apply(apply) => &apply.plan.missing_shards,
            Self::Receipts(receipts) => &receipts.missing_shards,
            Self::Metrics(metrics) => &metrics.missing,
        }
    }
}

/// `shard 0/4`, or `shards 0/4 and 2/4`; of many, the first
pub fn shards(missing: &[String]) -> String {
    /// So many are named
    const NAMED: usize = 10;
    match missing {
        [one] => format!("shard {one}"),
        [most @ .., last] if missing.len() <= NAMED => format!("shards {} and {last}", most.join(", ")),
        _ => {
            let named = missing.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            format!("{}, as {named}", plural(missing.len(), "shard"))
        }
    }
}
