//! The parts of a comment -> the comment: between its marker and what to do next, and no longer than it may be

use super::fit::{Part, fit};
use super::marker::Marker;
use super::tame::code;

/// GitHub takes 65,536 characters, GitLab a million
pub const BUDGET: usize = 60_000;

/// The id of a comment where nobody gives one
pub const DEFAULT_ID: &str = "default";

/// What a comment is made for, besides what it tells
#[derive(Clone, Copy, Debug)]
pub struct Frame<'f> {
    /// Tells the comments of two manifests apart
    pub id: &'f str,
    /// The most bytes that it may have
    pub budget: usize,
    /// Whether it is of several files, each of which is applied by itself
    pub merged: bool,
}

impl Default for Frame<'_> {
    fn default() -> Self {
        Self { id: DEFAULT_ID, budget: BUDGET, merged: false }
    }
}

impl Frame<'_> {
    pub(super) fn heading(&self, title: &str) -> Part {
        let of = if self.id == DEFAULT_ID { String::new() } else { format!(" · {}", code(self.id)) };
        Part::Text(format!("### kms-alias: {title}{of}\n"))
    }

    fn marker(&self, digest: Option<&str>) -> String {
        Marker { id: self.id.to_owned(), digest: digest.map(str::to_owned) }.line() + "\n"
    }

    /// All parts between a marker and an end, which get the digest only where all is there that may not be cut: nothing that
    /// is not seen is approved
    pub(super) fn fill(
        &self,
        parts: Vec<Part>,
        digest: Option<&str>,
        rest: &str,
        end: impl Fn(Option<&str>) -> String,
    ) -> String {
        let around = self.marker(digest).len() + end(digest).len().max(end(None).len());
        let fitted = fit(parts, self.budget.saturating_sub(around), rest);
        let digest = digest.filter(|_| fitted.whole);
        self.marker(digest) + &fitted.text + &end(digest)
    }
}
