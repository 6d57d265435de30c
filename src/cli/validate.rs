//! `kms-alias validate`: offline, every problem at once.

use serde_json::json;

use super::Session;
use super::args::Output;
use super::exit::Exit;
use crate::render::json::FORMAT_VERSION;
use crate::render::style::plural;
use crate::target::targets;

impl Session<'_> {
    pub(super) fn validate(&self) -> anyhow::Result<Exit> {
        let manifest = match self.manifest()? {
            Ok(manifest) => manifest,
            Err(exit) => return Ok(exit),
        };
        let targets = targets(&manifest);
        let declared: usize = targets.iter().map(|target| target.aliases.len()).sum();
        if self.global.output == Output::Json {
            let mut document = manifest.warnings.to_json();
            document["format_version"] = json!(FORMAT_VERSION);
            document["targets"] =
                targets.iter().map(|t| json!({"name": &*t.name, "aliases": t.aliases.len()})).collect();
            self.console.print(&(serde_json::to_string_pretty(&document)? + "\n"))?;
        } else if !self.global.quiet {
            let aliases = match declared {
                1 => "1 alias".to_owned(),
                n => format!("{n} aliases"),
            };
            self.console.print(&format!("Valid: {aliases} in {}.\n", plural(targets.len(), "target")))?;
        }
        Ok(Exit::Success)
    }
}
