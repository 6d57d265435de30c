//! `--target` and `--shard` -> the targets that they mean.

use sha2::{Digest, Sha256};

use crate::alias::Pattern;
use crate::target::Target;

/// One of several parts of all targets
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    count: u64,
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

    /// By its name alone: a target that is added moves no other, and every run of the same N agrees
    fn has(self, target: &Target) -> bool {
        let hash = Sha256::digest(target.name.as_bytes());
        let number = hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        number % self.count == self.index
    }
}

/// Those of `all` that the flags choose
///
/// # Errors
/// A selector that means none, with the names that there are.
pub fn targets(all: Vec<Target>, selectors: &[String], shard: Option<Shard>) -> Result<Vec<Target>, String> {
    let mut chosen = selected(all, selectors)?;
    chosen.retain(|target| shard.is_none_or(|shard| shard.has(target)));
    Ok(chosen)
}

/// Those that one of `selectors` means; all of them where there are no selectors
fn selected(all: Vec<Target>, selectors: &[String]) -> Result<Vec<Target>, String> {
    if selectors.is_empty() {
        return Ok(all);
    }
    let selectors = selectors.iter().map(|text| Selector::parse(text)).collect::<Result<Vec<_>, _>>()?;
    if let Some(vain) = selectors.iter().find(|selector| !all.iter().any(|target| selector.means(target))) {
        let names: Vec<_> = all.iter().map(|target| &*target.name).collect();
        return Err(format!("--target {}: no such target; the manifest has {}", vain.text, names.join(", ")));
    }
    Ok(all.into_iter().filter(|target| selectors.iter().any(|selector| selector.means(target))).collect())
}

struct Selector<'s> {
    text: &'s str,
    pattern: Pattern,
}

impl<'s> Selector<'s> {
    fn parse(text: &'s str) -> Result<Self, String> {
        let pattern = Pattern::parse(text).map_err(|e| format!("--target {text}: {e}"))?;
        Ok(Self { text, pattern })
    }

    /// A name means every account and Region of it: `prod` is `prod/111122223333/us-east-1` and its siblings
    fn means(&self, target: &Target) -> bool {
        match self.text.strip_prefix('@') {
            Some(group) => target.groups.iter().any(|g| **g == *group),
            None => self.pattern.covers(&target.name),
        }
    }
}
