//! What is wrong with a manifest, as data: a code, a sentence, the places it speaks of, and a fix. Pure.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};

use super::source::Spot;
use crate::render::style::harmless;
use crate::target::Place;

/// Problems kept of each severity; the rest are counted. A million aliases outside the scope are one mistake.
pub(super) const KEPT: usize = 1_000;

/// Bytes of a message, label or help.
const LONGEST: usize = 500;

/// Whether a problem stops the run
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The manifest is not valid
    Error,
    /// The manifest is valid, and probably not what was meant
    Warning,
}

impl Severity {
    /// `error` or `warning`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing wrong with a manifest
#[derive(Clone, Debug)]
pub struct Problem {
    /// Whether it stops the run
    pub severity: Severity,
    /// Which rule was broken, stable and in kebab case: `unknown-key`, `duplicate-alias`
    pub code: &'static str,
    /// The sentence, a lowercase fragment
    pub message: String,
    /// How to mend it
    pub help: Option<String>,
    /// Where it is, and then what it has to do with; each with a few words, or none
    pub(super) marks: Vec<(Spot, String)>,
}

impl Problem {
    /// A problem that stops the run
    pub(crate) fn error(code: &'static str, message: impl Into<String>) -> Self {
        let message = clipped(message);
        Self { severity: Severity::Error, code, message, help: None, marks: Vec::new() }
    }

    /// A problem that does not
    pub(crate) fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// … which is at `spot`, with a few words beside it
    pub(crate) fn at(mut self, spot: &Spot, label: impl Into<String>) -> Self {
        self.marks.insert(0, (spot.clone(), clipped(label)));
        self
    }

    /// … and has also to do with `spot`
    pub(crate) fn also(mut self, spot: &Spot, message: impl Into<String>) -> Self {
        self.marks.push((spot.clone(), clipped(message)));
        self
    }

    /// … and is mended so
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(clipped(help));
        self
    }

    /// What is wrong and how to mend it, for where there is no room for more
    pub(crate) fn sentence(&self) -> String {
        let help = self.help.iter().map(|help| format!("; {help}"));
        std::iter::once(self.message.clone()).chain(help).collect()
    }

    /// Where it is; `None` where there is no file to point into
    pub fn place(&self) -> Option<Place> {
        self.spot().map(Spot::place)
    }

    /// A few words beside its place; may be empty
    pub fn label(&self) -> &str {
        self.marks.first().map_or("", |(_, label)| label)
    }

    fn spot(&self) -> Option<&Spot> {
        self.marks.first().map(|(spot, _)| spot)
    }

    /// Other places it has to do with, and what is there
    pub fn related(&self) -> impl Iterator<Item = (Place, &str)> {
        self.marks.iter().skip(1).map(|(spot, message)| (spot.place(), message.as_str()))
    }

    /// By file, line and column; then so that equal problems are neighbours
    fn order(&self) -> (Option<(&str, u32, u32)>, Severity, &str, &str) {
        (self.spot().map(Spot::key), self.severity, self.code, &self.message)
    }

    fn to_json(&self) -> Value {
        let place = self.place();
        let related = self.related().map(|(place, message)| {
            json!({"message": message, "file": &*place.file, "line": place.line, "column": place.column})
        });
        json!({
            "severity": self.severity.as_str(),
            "code": self.code,
            "message": self.message,
            "file": place.as_ref().map(|p| &*p.file),
            "line": place.as_ref().map(|p| p.line),
            "column": place.as_ref().map(|p| p.column),
            "help": self.help,
            "related": related.collect::<Vec<_>>(),
        })
    }
}

/// Messages quote the manifest, and a text in it may have ten megabytes, or mean something to a terminal.
fn clipped(text: impl Into<String>) -> String {
    let mut text = text.into();
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    harmless(&text)
}

/// The problems of one manifest
#[derive(Clone, Debug, Default)]
pub struct Problems {
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    omitted: usize,
    error_count: usize,
}

impl Problems {
    pub(crate) fn add(&mut self, problem: Problem) {
        self.error_count += usize::from(problem.severity == Severity::Error);
        let list = match problem.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if list.len() < KEPT {
            list.push(problem);
        } else {
            self.omitted += 1;
        }
    }

    /// Counts problems that are like others and were not kept
    pub(crate) fn omit(&mut self, count: usize) {
        self.omitted += count;
    }

    /// Errors so far, which tells whether a piece of the manifest was sound
    pub(crate) fn error_count(&self) -> usize {
        self.error_count
    }

    /// Whether one of them stops the run
    pub fn has_errors(&self) -> bool {
        self.error_count > 0
    }

    /// Whether there are none
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty() && self.warnings.is_empty()
    }

    /// Problems beyond the first thousand of each severity, which were counted and not kept
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// The problems by file, line and column, each once: what an anchor shares is read more than once
    pub fn sorted(&self) -> Vec<&Problem> {
        let mut all: Vec<_> = self.errors.iter().chain(&self.warnings).collect();
        all.sort_by(|a, b| a.order().cmp(&b.order()));
        all.dedup_by(|a, b| a.order() == b.order());
        all
    }

    /// All of them as one line, each with its line and column, for where there is no file to show excerpts of
    pub(crate) fn sentences(&self) -> String {
        let told = self.sorted().into_iter().map(|problem| match problem.place() {
            Some(Place { line, column, .. }) => {
                format!("line {line}, column {column}: {}", problem.sentence())
            }
            None => problem.sentence(),
        });
        told.collect::<Vec<_>>().join("; ")
    }

    /// The `-o json` document
    pub fn to_json(&self) -> Value {
        let problems: Vec<_> = self.sorted().into_iter().map(Problem::to_json).collect();
        let mut document = json!({
            "format_version": "1.0", "valid": !self.has_errors(), "problems": problems,
        });
        if self.omitted > 0 {
            document["omitted"] = json!(self.omitted);
        }
        document
    }
}

impl fmt::Display for Problems {
    /// `3 problems in aliases.yaml`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorted = self.sorted();
        let count = sorted.len() + self.omitted;
        write!(f, "{count} problem{}", if count == 1 { "" } else { "s" })?;
        let spots = sorted.iter().filter_map(|problem| problem.spot());
        let files: BTreeSet<&str> = spots.map(|spot| spot.key().0).collect();
        match files.first() {
            Some(file) if files.len() == 1 => write!(f, " in {file}"),
            Some(_) => write!(f, " in {} files", files.len()),
            None => write!(f, " with the manifest"),
        }
    }
}
