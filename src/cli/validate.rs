//! `kms-alias validate`: offline, every problem at once.

use std::collections::BTreeSet;

use serde_json::json;

use super::Session;
use super::args::Output;
use super::exit::Exit;
use crate::document::FORMAT_VERSION;
use crate::load::{Instance, TargetSpec};
use crate::render::harmless;
use crate::render::style::plural;
use crate::target::declared;

impl Session<'_> {
    pub(super) fn validate(&self) -> anyhow::Result<Exit> {
        let manifest = match self.manifest()? {
            Ok(manifest) => manifest,
            Err(exit) => return Ok(exit),
        };
        let instances = manifest.instances.iter().enumerate();
        // Counted and not expanded: a million aliases in every target of a fleet would be many.
        let known = |one: &Instance| !manifest.spec_of(one).is_some_and(TargetSpec::awaits_accounts);
        // What is declared for one account of an organization is for none that is known.
        let count = |i, one| known(one).then(|| declared(&manifest, i).len());
        let targets: Vec<_> = instances.map(|(i, one)| (&*one.name, count(i, one))).collect();
        let names: BTreeSet<_> = manifest.layers.iter().flatten().map(|entry| &entry.name).collect();
        if self.global.output == Output::Json {
            let mut document = manifest.warnings.to_json();
            document["format_version"] = json!(FORMAT_VERSION);
            document["targets"] =
                targets.iter().map(|(name, aliases)| json!({"name": name, "aliases": aliases})).collect();
            document["declared"] = json!(names.len());
            document["undiscovered"] = manifest.organizations().map(|(spec, _)| &*spec.name).collect();
            self.console.print(&harmless::json(&document)?)?;
        } else if !self.global.quiet {
            let aliases = |count: usize| match count {
                1 => "1 alias".to_owned(),
                n => format!("{n} aliases"),
            };
            let counts: Vec<usize> = targets.iter().filter_map(|(_, count)| *count).collect();
            let known = plural(counts.len(), "target");
            let sentence = match (counts.len() == targets.len(), counts.len()) {
                (true, _) => format!("{} in {known}", aliases(counts.iter().sum())),
                (false, 0) => {
                    format!(
                        "{} declared, in accounts that are discovered when they are read",
                        aliases(names.len())
                    )
                }
                (false, _) => format!(
                    "{} declared, in {known} and in accounts that are discovered when they are read",
                    aliases(names.len())
                ),
            };
            for (spec, _) in manifest.organizations() {
                let sentence = format!(
                    "the accounts of `{}` are not known offline: what depends on them is not checked",
                    spec.name
                );
                self.note("note", &sentence);
            }
            self.print(&format!("Valid: {sentence}.\n"))?;
        }
        Ok(Exit::Success)
    }
}
