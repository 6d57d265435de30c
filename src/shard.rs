//! `I/N` -> one of several parts of all targets, and what the parts of one fleet have in common. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One of several parts of all targets
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    /// Counted from 0
    pub index: u64,
    /// Of how many
    pub count: u64,
}

/// The part that a run was for, as its documents have it
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardText {
    /// As `0/4`, counted from 0
    pub part: String,
    /// The same for all parts of one fleet: over the manifest, what the command line leaves of its targets and aliases, and nothing else
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet: Option<String>,
}

impl Shard {
    /// Reads `I/N`, where I is counted from 0
    ///
    /// # Errors
    /// It is no such thing.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((index, count)) if index < count => Ok(Self { index, count }),
            _ => Err("it has to be I/N, as 0/4, 1/4, 2/4 and 3/4".to_owned()),
        }
    }

    /// By its account alone: one that is added moves no other, every run of the same N agrees, and what is one account's stays together:
    /// the role that is assumed for it, its rates, and the Regions of a multi-Region key
    pub fn has(self, account: &str) -> bool {
        let hash = Sha256::digest(account.as_bytes());
        let number = hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        number % self.count == self.index
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// `sha256:…` over these texts, each counted, so that no two lists of them come to the same
pub fn fleet<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_divided_otherwise_are_of_another_fleet() {
        assert_eq!(fleet(["ab", "c"]), fleet(["ab", "c"]));
        assert_ne!(fleet(["ab", "c"]), fleet(["a", "bc"]));
        assert_ne!(fleet(["ab"]), fleet(["ab", ""]));
    }
}
