//! `kms-alias schema`: the language of the manifest, as JSON Schema for editors and as Markdown for people; offline.

use super::Session;
use super::args::Output;
use super::exit::Exit;
use crate::render::harmless;
use crate::schema::reference::reference;
use crate::schema::schema;

impl Session<'_> {
    pub(super) fn schema(&self) -> anyhow::Result<Exit> {
        let text = match self.global.output {
            Output::Markdown => reference(),
            _ => harmless::json(&schema())?,
        };
        self.console.print(&text)?;
        Ok(Exit::Success)
    }
}
