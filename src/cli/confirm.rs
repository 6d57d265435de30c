//! What is asked before anything is written, and what else can be typed there.

use super::Session;
use crate::fleet::Totals;
use crate::plan::Counts;
use crate::render;
use crate::render::style::{Palette, plural};

/// How often one may mistype before it counts as a no
const TRIES: usize = 3;

impl Session<'_> {
    /// Whether somebody can be asked
    pub(super) fn may_ask(&self) -> bool {
        self.console.ends.answers && !self.global.no_input
    }

    /// The answer to a question; none where it was asked to stop
    pub(super) async fn answer(&self, question: &str) -> anyhow::Result<Option<String>> {
        let _heeding = self.stop.heed();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Ok(None),
            answer = self.console.ask(question) => Ok(Some(answer?.trim().to_owned())),
        }
    }

    /// A delete wants its number typed: a habit of saying yes must not be enough
    pub(super) async fn confirmed(&self, totals: &Totals) -> anyhow::Result<bool> {
        if !self.may_ask() {
            let hint = Some("pass --yes to apply without asking");
            self.tell_errors(&["nobody can be asked here, so nothing was written"], hint);
            return Ok(false);
        }
        if self.global.output.is_document() {
            // Nobody can say yes to what they have not seen, and stdout is for the one document.
            self.note_fitting(&self.shown(&self.err_palette())?);
        }
        let (wanted, question) = question(totals.counts, self.changing().len());
        let question = self.fitting(&question);
        let _heeding = self.stop.heed();
        let (mut shown, mut tries) = (0, 0);
        let answer = loop {
            let Some(answer) = self.answer(&question).await? else {
                self.console.note("\nStopped: nothing was written.\n");
                self.keep_error("stopped at the prompt; nothing was written", None);
                return Ok(false);
            };
            match &*answer {
                answer if answer == wanted => return Ok(true),
                "p" => self.note_fitting(&self.shown(&self.err_palette())?),
                "t" => {
                    self.note_fitting(&self.one_target(shown));
                    shown += 1;
                }
                // Whoever means no need not say so three times.
                "" | "n" | "no" => break answer,
                _ if tries + 1 == TRIES => break answer,
                mistyped => {
                    tries += 1;
                    self.note_fitting(&format!(
                        "{mistyped:?} is not {wanted:?}: type {wanted}, or no to leave it.\n"
                    ));
                }
            }
        };
        let declined = format!("{answer:?} is not {wanted:?}");
        self.note_fitting(&format!("Declined: {declined}. Nothing was written.\n"));
        self.keep_error(&format!("declined at the prompt: {declined}; nothing was written"), None);
        Ok(false)
    }

    fn err_palette(&self) -> Palette {
        let palette = if self.err_colour() { Palette::coloured() } else { Palette::plain() };
        palette.fitting(self.console.ends.err_columns)
    }

    /// The places in the plan of the targets that have something to write
    fn changing(&self) -> Vec<usize> {
        let run = self.known();
        let all = run.plan.iter().flat_map(|plan| &plan.targets).enumerate();
        all.filter(|(_, target)| !target.changes.is_empty()).map(|(at, _)| at).collect()
    }

    /// The plan of one of these targets, and which of them it is; after the last comes the first
    fn one_target(&self, number: usize) -> String {
        let all = self.changing();
        let (number, count) = (number % all.len().max(1), all.len());
        let run = self.known();
        let target = run.plan.as_ref().zip(all.get(number)).and_then(|(plan, at)| plan.targets.get(*at));
        let Some(target) = target else { return String::new() };
        let shown = render::text::target(target, &self.err_palette());
        let next = if count > 1 { " t shows the next." } else { "" };
        format!("{shown}Target {} of {count}.{next}\n", number + 1)
    }
}

/// What to ask, and the answer that means yes: a name that is deleted, even for a moment, has to be counted
fn question(counts: Counts, targets: usize) -> (String, String) {
    let again = if targets > 1 {
        "(p shows the plan again, t one target of it; empty is no)"
    } else {
        "(p shows the plan again; empty is no)"
    };
    let Counts { create, update, replace, rename, delete } = counts;
    let parts = [
        (create, "create"),
        (update, "retarget"),
        (replace, "replace"),
        (rename, "rename"),
        (delete, "delete"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, verb)| format!("{verb} {count}"));
    let all = parts.collect::<Vec<_>>().join(", ");
    match replace + rename + delete {
        0 => ("yes".to_owned(), format!("This will {all}. Type yes to go on {again}: ")),
        n => {
            let names = plural(n, "name");
            (
                n.to_string(),
                format!(
                    "This will {all}, which deletes {names}. Type how many names it deletes to go on {again}: "
                ),
            )
        }
    }
}
