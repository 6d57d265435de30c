//! `kms-alias show FILE`: renders a plan or a receipt that was written earlier. Offline; what it finds wrong, it says beside it.

use std::path::Path;

use anyhow::Context as _;

use super::Session;
use super::args::{Output, ShowArgs};
use super::exit::Exit;
use super::saved::untimely;
use crate::bounded::{self, Limit};
use crate::document::PlanDocument;
use crate::receipt::history::{History, HistoryError, read};
use crate::render;
use crate::render::diff::Live;
use crate::render::harmless::{self, harmless};
use crate::render::markdown::{self, Frame};
use crate::saved::{SavedError, SavedPlan};

/// A million changes are about as much: a line for each call, each answer and each outcome
const LARGEST: Limit = Limit::mib(1024);

/// What a file has kept
pub(super) enum Kept {
    /// What is to be done
    Plan(Box<SavedPlan>),
    /// What was done
    Receipt(Box<History>),
}

impl Session<'_> {
    pub(super) fn show_file(&self, args: &ShowArgs) -> anyhow::Result<Exit> {
        let path = match &args.paths[..] {
            _ if args.merge => return self.show_merged(args),
            [path] => path,
            paths => return Ok(self.refuse_several(paths.len())),
        };
        match self.kept(path)? {
            Ok(Kept::Plan(saved)) => self.show_saved(&saved, args),
            Ok(Kept::Receipt(history)) => self.show_receipt(&history),
            Err(exit) => Ok(exit),
        }
    }

    /// Several files are several things to show, unless they are to be one
    pub(super) fn refuse_several(&self, count: usize) -> Exit {
        let hint = Some("add --merge if they are of the shards of one fleet, or name one");
        self.fail(Exit::Usage, &format!("these are {count} files, and one is shown"), hint)
    }

    /// What a file has kept, or the exit code after it has been said that it is neither
    pub(super) fn kept(&self, path: &Path) -> anyhow::Result<Result<Kept, Exit>> {
        let shown = || format!("read {}", path.display());
        let text = text_of(path).with_context(shown)?;
        Ok(match SavedPlan::parse(&text) {
            Ok(saved) => Ok(Kept::Plan(Box::new(saved))),
            Err(SavedError::NoPlan(why)) => match read(&text) {
                Ok(history) => Ok(Kept::Receipt(Box::new(history))),
                Err(error @ HistoryError::Version(_)) => {
                    let sentence = format!("failed to {}: {error}", shown());
                    Err(self.fail(Exit::Manifest, &sentence, Some("use a later kms-alias")))
                }
                Err(error) => Err(self.refuse_to_show(path, &why, &error.to_string())),
            },
            Err(error) => {
                let hint = Some("use a later kms-alias, or plan again with this one");
                Err(self.fail(Exit::Manifest, &format!("failed to {}: {error}", shown()), hint))
            }
        })
    }

    fn show_saved(&self, saved: &SavedPlan, args: &ShowArgs) -> anyhow::Result<Exit> {
        let text = match self.plan_text(&saved.document, &Frame::default())? {
            Ok(text) => text,
            Err(exit) => return Ok(exit),
        };
        self.print(&text)?;
        if !self.global.quiet {
            self.console.note(&doubts(saved, "this plan", args));
        }
        Ok(Exit::Success)
    }

    /// A plan in the form that stdout is to have, or the exit code after it has been said that there is none
    pub(super) fn plan_text(
        &self,
        plan: &PlanDocument,
        frame: &Frame<'_>,
    ) -> anyhow::Result<Result<String, Exit>> {
        Ok(Ok(match self.global.output {
            Output::Json => harmless::json(plan)?,
            Output::Text => render::text::plan(plan, &self.palette()),
            Output::Diff => render::diff::plan(plan, &Live::mentioned(plan))?,
            Output::Markdown => markdown::plan(plan, frame),
            Output::Tsv => render::tsv::plan(plan),
            Output::Ndjson | Output::Html => return Ok(Err(self.refuse_form())),
        }))
    }

    /// Two forms are of a run, and not of what it left
    pub(super) fn refuse_form(&self) -> Exit {
        let (sentence, hint) = match self.global.output {
            Output::Html => (
                "a page is of a run, with its time and exit code",
                "make it when you plan, with `--report html=PATH`, or pass -o markdown",
            ),
            _ => ("events happen, and nothing happens here", "leave -o out, or pass -o json"),
        };
        self.fail(Exit::Usage, sentence, Some(hint))
    }

    fn show_receipt(&self, history: &History) -> anyhow::Result<Exit> {
        let text = match self.global.output {
            Output::Json => harmless::json(&render::receipt::json(history))?,
            Output::Text => render::receipt::text(history, &self.palette()),
            Output::Markdown => markdown::receipt(history, &Frame::default()),
            Output::Diff | Output::Html | Output::Tsv | Output::Ndjson => {
                return Ok(self.refuse_receipt_form());
            }
        };
        self.print(&text)?;
        Ok(Exit::Success)
    }

    pub(super) fn refuse_receipt_form(&self) -> Exit {
        let hint = Some("leave -o out, or pass -o json");
        self.fail(Exit::Usage, "a receipt has only the forms text, json and markdown", hint)
    }

    fn refuse_to_show(&self, path: &Path, no_plan: &str, no_receipt: &str) -> Exit {
        let path = path.display();
        let sentence =
            format!("failed to read {path}: it is neither a plan ({no_plan}) nor a receipt ({no_receipt})");
        let hint = Some("name a file that `plan --out` or apply wrote");
        self.fail(Exit::Manifest, &sentence, hint)
    }

    /// What a receipt says, or the exit code after it has been said that it is none
    pub(super) fn history(&self, path: &Path) -> anyhow::Result<Result<History, Exit>> {
        let shown = || format!("read the receipt {}", path.display());
        let text = text_of(path).with_context(shown)?;
        Ok(read(&text).map_err(|error| {
            let hint = match error {
                HistoryError::Version(_) => "use a later kms-alias",
                _ => "name a file that apply wrote, as `Receipt: …` said then",
            };
            self.fail(Exit::Manifest, &format!("failed to {}: {error}", shown()), Some(hint))
        }))
    }
}

/// What is in a file; a line that is cut off may end in the middle of a letter
pub(super) fn text_of(path: &Path) -> std::io::Result<String> {
    Ok(String::from_utf8_lossy(&bounded::read(path, LARGEST)?).into_owned())
}

/// Why an apply of the plan would be refused, as far as the file alone can tell
pub(super) fn doubts(saved: &SavedPlan, what: &str, args: &ShowArgs) -> String {
    let checked = if saved.is_genuine() { saved.check(None) } else { Err(SavedError::Changed) };
    let mut doubts: Vec<String> = checked.err().iter().map(ToString::to_string).collect();
    doubts.extend(untimely(&saved.document, args.max_plan_age).map(|(sentence, _)| sentence));
    let warning = |doubt: &String| format!("warning: apply will refuse {what}: {}\n", harmless(doubt));
    doubts.iter().map(warning).collect()
}
