//! `kms-alias show RECEIPT`: renders a file that an apply wrote. Offline.

use std::path::Path;

use anyhow::Context as _;

use super::Session;
use super::args::{Output, ShowArgs};
use super::exit::Exit;
use crate::bounded::{self, Limit};
use crate::receipt::history::{History, read};
use crate::render;
use crate::render::harmless;

/// A million changes are about as much: a line for each call, each answer and each outcome
const LARGEST: Limit = Limit::mib(1024);

impl Session<'_> {
    pub(super) fn show_file(&self, args: &ShowArgs) -> anyhow::Result<Exit> {
        let history = match self.history(&args.path)? {
            Ok(history) => history,
            Err(exit) => return Ok(exit),
        };
        let text = match self.global.output {
            Output::Json => harmless::json(&render::receipt::json(&history))?,
            Output::Text => render::receipt::text(&history, &self.palette()),
            Output::Diff => {
                let hint = Some("leave -o out, or pass -o json");
                return Ok(self.fail(Exit::Usage, "a receipt has no form as a diff", hint));
            }
        };
        self.console.print(&text)?;
        Ok(Exit::Success)
    }

    /// What a receipt says, or the exit code after it has been said that it is none
    pub(super) fn history(&self, path: &Path) -> anyhow::Result<Result<History, Exit>> {
        let shown = || format!("read the receipt {}", path.display());
        let bytes = bounded::read(path, LARGEST).with_context(shown)?;
        // A line that is cut off may end in the middle of a letter.
        let text = String::from_utf8_lossy(&bytes);
        Ok(read(&text).map_err(|error| {
            let hint = Some("name a file that apply wrote, as `Receipt: …` said then");
            self.fail(Exit::Manifest, &format!("failed to {}: {error}", shown()), hint)
        }))
    }
}
