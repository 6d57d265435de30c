//! `kms-alias show --merge FILE...` and `comment --merge FILE...`: what the runs of several shards wrote, told as one. Offline.

use std::path::PathBuf;

use anyhow::Context as _;

use super::Session;
use super::args::{Output, ShowArgs};
use super::exit::Exit;
use super::show::{doubts, text_of};
use crate::document::ApplyDocument;
use crate::merge::{self, Kept, MergeError, Merged, Named, Receipts, shards};
use crate::render;
use crate::render::form::{Form, form};
use crate::render::harmless::{self, harmless};
use crate::render::markdown::{self, Frame};
use crate::saved::SavedPlan;

impl Session<'_> {
    pub(super) fn show_merged(&self, args: &ShowArgs) -> anyhow::Result<Exit> {
        let files = match self.read_files(&args.paths)? {
            Ok(files) => files,
            Err(exit) => return Ok(exit),
        };
        let doubts: String = files.iter().map(|file| doubts_of(file, args)).collect();
        let merged = match self.merge(files) {
            Ok(merged) => merged,
            Err(exit) => return Ok(exit),
        };
        let frame = Frame { merged: true, ..Frame::default() };
        let text = match &merged {
            Merged::Plan(plan) => self.plan_text(plan, &frame)?,
            Merged::Apply(apply) => self.apply_text(apply)?,
            Merged::Receipts(receipts) => self.receipts_text(receipts, &frame)?,
            Merged::Metrics(metrics) if self.global.output == Output::Text => Ok(metrics.text()),
            Merged::Metrics(_) => {
                let hint = Some("leave -o out");
                Err(self.fail(Exit::Usage, "metrics have no other form than their own", hint))
            }
        };
        let text = match text {
            Ok(text) => text,
            Err(exit) => return Ok(exit),
        };
        self.print(&text)?;
        if !self.global.quiet {
            self.console.note(&doubts);
        }
        Ok(self.judge_merged(&merged))
    }

    /// The text of a comment about several files
    pub(super) fn merged_body(
        &self,
        paths: &[PathBuf],
        frame: &Frame<'_>,
    ) -> anyhow::Result<Result<(String, Exit), Exit>> {
        let merged = match self.read_files(paths)?.and_then(|files| self.merge(files)) {
            Ok(merged) => merged,
            Err(exit) => return Ok(Err(exit)),
        };
        let text = match &merged {
            Merged::Plan(plan) => markdown::plan(plan, frame),
            Merged::Apply(apply) => markdown::run(&render::applied::run((**apply).clone()), frame),
            Merged::Receipts(receipts) => markdown::receipts(receipts, frame),
            Merged::Metrics(_) => {
                let hint = Some("name plans, JSON reports or receipts");
                return Ok(Err(self.fail(Exit::Usage, "metrics are for no comment", hint)));
            }
        };
        Ok(Ok((text, self.judge_merged(&merged))))
    }

    /// What each file has kept, or the exit code after it has been said which one has nothing of it
    fn read_files(&self, paths: &[PathBuf]) -> anyhow::Result<Result<Vec<Named<Kept>>, Exit>> {
        let mut files = Vec::new();
        for path in paths {
            let file = path.display().to_string();
            let text = text_of(path).with_context(|| format!("read {file}"))?;
            match merge::read(&text) {
                Ok(what) => files.push(Named { file, what }),
                Err(error) => {
                    let sentence = format!("failed to read {file}: {error}");
                    return Ok(Err(self.fail(Exit::Manifest, &sentence, Some(error.hint()))));
                }
            }
        }
        Ok(Ok(files))
    }

    fn merge(&self, files: Vec<Named<Kept>>) -> Result<Merged, Exit> {
        merge::merge(files).map_err(|error| {
            let exit = match error {
                MergeError::Changed(_) => Exit::Stale,
                MergeError::Nonsense { .. } => Exit::Manifest,
                _ => Exit::Usage,
            };
            self.fail(exit, &format!("failed to merge: {error}"), Some(error.hint()))
        })
    }

    /// A part that is missing makes the whole look smaller than it is; receipts are only written where there was something to write
    fn judge_merged(&self, merged: &Merged) -> Exit {
        if merged.missing().is_empty() || matches!(merged, Merged::Receipts(_)) {
            return Exit::Success;
        }
        let sentence = format!("incomplete: nothing is known of {}", shards(merged.missing()));
        self.tell_errors(&[&sentence], Some("name its file too, or run it and merge again"));
        Exit::Runtime
    }

    fn apply_text(&self, apply: &ApplyDocument) -> anyhow::Result<Result<String, Exit>> {
        let wanted = match self.global.output {
            Output::Json => return Ok(Ok(harmless::json(apply)?)),
            Output::Text => Form::Text,
            Output::Diff => Form::Diff,
            Output::Markdown => Form::Markdown,
            Output::Tsv => Form::Tsv,
            Output::Ndjson | Output::Html => return Ok(Err(self.refuse_form())),
        };
        Ok(Ok(form(wanted, &render::applied::run(apply.clone()), None)?))
    }

    fn receipts_text(&self, receipts: &Receipts, frame: &Frame<'_>) -> anyhow::Result<Result<String, Exit>> {
        Ok(match self.global.output {
            Output::Json => Ok(harmless::json(&render::receipt::json_of_all(receipts))?),
            Output::Text => Ok(render::receipt::text_of_all(receipts, &self.palette())),
            Output::Markdown => Ok(markdown::receipts(receipts, frame)),
            Output::Diff | Output::Html | Output::Tsv | Output::Ndjson => Err(self.refuse_receipt_form()),
        })
    }
}

/// Why an apply of this file would be refused; a report was never meant to be applied
fn doubts_of(file: &Named<Kept>, args: &ShowArgs) -> String {
    match &file.what {
        Kept::Plan(plan) if plan.created_at.is_some() => {
            doubts(&SavedPlan { document: (**plan).clone() }, &harmless(&file.file), args)
        }
        _ => String::new(),
    }
}
