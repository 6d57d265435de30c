//! `--target` and `--shard` -> the targets that they mean.

use crate::alias::Pattern;
use crate::shard::Shard;
use crate::target::Target;

/// Those of `all` that the flags choose
///
/// # Errors
/// A selector that means none, with the names that there are.
pub fn targets(all: Vec<Target>, selectors: &[String], shard: Option<Shard>) -> Result<Vec<Target>, String> {
    Ok(part(selected(all, selectors)?, shard))
}

/// Those of `all` that are in this part; all of them where there are no parts
pub fn part(mut all: Vec<Target>, shard: Option<Shard>) -> Vec<Target> {
    all.retain(|target| shard.is_none_or(|shard| shard.has(&target.name)));
    all
}

/// Those that one of `selectors` means; all of them where there are no selectors
///
/// # Errors
/// Likewise.
pub fn selected(all: Vec<Target>, selectors: &[String]) -> Result<Vec<Target>, String> {
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
