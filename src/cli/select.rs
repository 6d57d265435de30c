//! `--target` and `--shard` -> the targets that they mean.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::load::{Instance, Manifest};
use crate::scope::Pattern;
use crate::shard::Shard;
use crate::target::{Target, targets_where};

/// The targets of `manifest` that the flags choose
///
/// # Errors
/// A selector that means none, with the names that there are.
pub fn targets(
    manifest: &Manifest,
    selectors: &[String],
    shard: Option<Shard>,
) -> Result<Vec<Target>, String> {
    Ok(part(manifest, &selected(manifest, selectors)?, shard))
}

/// Of the targets with these names, those in this part; all of them where there are no parts
pub fn part(manifest: &Manifest, names: &BTreeSet<&str>, shard: Option<Shard>) -> Vec<Target> {
    targets_where(manifest, |instance| {
        let account = instance.account.as_deref().unwrap_or(&instance.name);
        names.contains(&*instance.name) && shard.is_none_or(|shard| shard.has(account))
    })
}

/// The names of those that one of `selectors` means; all of them where there are no selectors
///
/// # Errors
/// Likewise.
pub fn selected<'m>(manifest: &'m Manifest, selectors: &[String]) -> Result<BTreeSet<&'m str>, String> {
    let selectors = selectors.iter().map(|text| Selector::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let means = |selector: &Selector<'_>, instance: &Instance| {
        let groups = manifest.spec_of(instance).map_or(&[][..], |spec| &spec.groups);
        selector.means(&instance.name, groups)
    };
    let instances = &manifest.instances;
    if let Some(vain) = selectors.iter().find(|one| !instances.iter().any(|instance| means(one, instance))) {
        let names: Vec<_> = instances.iter().map(|instance| &*instance.name).collect();
        return Err(format!("--target {}: no such target; the manifest has {}", vain.text, names.join(", ")));
    }
    let chosen = |instance: &&Instance| {
        selectors.is_empty() || selectors.iter().any(|selector| means(selector, instance))
    };
    Ok(instances.iter().filter(chosen).map(|instance| &*instance.name).collect())
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
    fn means(&self, name: &str, groups: &[Arc<str>]) -> bool {
        match self.text.strip_prefix('@') {
            Some(group) => groups.iter().any(|g| **g == *group),
            None => self.pattern.covers(name),
        }
    }
}
