//! The receipt of an apply: begun before the first write, and closed when there is nothing more to say.

use std::path::{Path, PathBuf};

use super::Session;
use super::exit::Exit;
use crate::fleet::{Surveyed, Trouble, digest_of, totals};
use crate::receipt::Receipt;
use crate::receipt::event::{Begin, Event, FORMAT_VERSION, Intent};
use crate::receipt::file::{FileError, create, default_path, is_open_to_others};
use crate::render::harmless::harmless;

impl Session<'_> {
    /// Begins the receipt of a plan, and says where it is: after a kill nobody else will
    pub(super) fn begin_receipt(
        &self,
        surveyed: &[Surveyed],
        path: Option<&Path>,
    ) -> Result<Receipt, FileError> {
        let shard = self.known().shard.as_ref().map(|shard| shard.part.clone());
        let begin = Begin { shard, ..begin(surveyed) };
        if let Some(sink) = self.console.receipt_sink() {
            let receipt = Receipt::new(sink);
            // One that is broken from the start stops the first call.
            let _ = receipt.add(Event::Begin(begin));
            return Ok(receipt);
        }
        let Some(path) = self.receipt_path(path, &begin.digest)? else { return Ok(Receipt::nowhere()) };
        let receipt = create(&path, begin)?;
        if !self.global.quiet {
            let shown = harmless(&path.display().to_string());
            self.console.note(&format!("Receipt: {shown}\n"));
            if is_open_to_others(&path) {
                self.console
                    .note("warning: others may replace this receipt: anybody may write to its folder\n");
            }
        }
        Ok(receipt)
    }

    /// Without a place of its own there is none for a sandbox whose world ends with the command
    fn receipt_path(&self, path: Option<&Path>, digest: &str) -> Result<Option<PathBuf>, FileError> {
        let passing = self.global.sandbox.as_ref().is_some_and(Option::is_none);
        match path {
            Some(path) => Ok(Some(path.to_owned())),
            None if passing => Ok(None),
            None => default_path(digest).map(Some),
        }
    }

    /// Says what is to be done in a target, before its first write
    pub(super) fn begin_chapter(&self, receipt: &Receipt, intent: Intent) -> Result<(), Trouble> {
        receipt.add(Event::Target(intent)).map_err(|broken| {
            let hint = "make room for it, or name another place with --receipt, and run again";
            let sentence = format!("begin this target: {broken}");
            Trouble { sentence, hint: Some(hint.to_owned()), halfway: false }
        })
    }

    /// Closes the receipt with the exit code, which is worse if it is not whole
    pub(super) async fn end_receipt(&self, receipt: &Receipt, exit: Exit) -> Exit {
        match receipt.note(Event::End { exit_code: exit.code() }).await {
            Ok(()) => exit,
            Err(broken) => {
                self.console.note(&format!(
                    "warning: {}; what it lacks is in the report\n",
                    harmless(&broken.to_string())
                ));
                exit.worse(Exit::Runtime)
            }
        }
    }
}

fn begin(surveyed: &[Surveyed]) -> Begin {
    let plans =
        || surveyed.iter().filter_map(|one| one.prepared.as_ref().ok()).map(|prepared| &prepared.plan);
    let mut allow: Vec<_> = plans().flat_map(|plan| &plan.allowed).map(ToString::to_string).collect();
    allow.sort();
    allow.dedup();
    Begin {
        format_version: FORMAT_VERSION.to_owned(),
        kind: "receipt".to_owned(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        digest: digest_of(surveyed).unwrap_or_default(),
        allow,
        partial: totals(surveyed).partial,
        shard: None,
    }
}
