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
            Output::Text | Output::Json => harmless::json(&schema())?,
            _ => {
                let hint = Some("leave -o out, or pass -o markdown for the reference");
                return Ok(self.fail(Exit::Usage, "schema has the forms json and markdown", hint));
            }
        };
        self.console.print(&text)?;
        Ok(Exit::Success)
    }
}
