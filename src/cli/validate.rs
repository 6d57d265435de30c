//! `kms-alias validate`: offline, every problem at once.

use serde_json::json;

use super::Session;
use super::args::Output;
use super::exit::Exit;
use crate::document::FORMAT_VERSION;
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
        let targets: Vec<_> = instances.map(|(i, one)| (&*one.name, declared(&manifest, i).len())).collect();
        if self.global.output == Output::Json {
            let mut document = manifest.warnings.to_json();
            document["format_version"] = json!(FORMAT_VERSION);
            document["targets"] =
                targets.iter().map(|(name, aliases)| json!({"name": name, "aliases": aliases})).collect();
            document["undiscovered"] = manifest.organizations().map(|(spec, _)| &*spec.name).collect();
            self.console.print(&harmless::json(&document)?)?;
        } else if !self.global.quiet {
            let aliases = match targets.iter().map(|(_, aliases)| aliases).sum::<usize>() {
                1 => "1 alias".to_owned(),
                n => format!("{n} aliases"),
            };
            for (spec, _) in manifest.organizations() {
                let sentence = format!(
                    "the accounts of `{}` are not known offline: what depends on them is not checked",
                    spec.name
                );
                self.note("note", &sentence);
            }
            self.print(&format!("Valid: {aliases} in {}.\n", plural(targets.len(), "target")))?;
        }
        Ok(Exit::Success)
    }
}
