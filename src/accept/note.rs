//! What is known of a key -> the comment at the end of the line that names it: its description. Pure.

use std::ops::Range;

use super::tree::Tree;
use super::weave::Edit;
use crate::inspect::Fact;
use crate::render::harmless::{guarded, harmless};

/// Longer descriptions are cut
const LONGEST: usize = 80;

/// What there is to say at the end of the line of a key
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Note {
    /// Of the key that is declared now
    pub(crate) text: Option<String>,
    /// Of the one that was declared before: a comment that says this and nothing else is no longer true
    pub(crate) stale: Option<String>,
}

impl Note {
    /// What the key is
    pub(crate) fn of(fact: Option<&Fact>) -> Option<String> {
        let Some(Fact::Known(facts)) = fact else { return None };
        let description = facts.description.trim();
        let mut short: String = description.chars().take(LONGEST).collect();
        if short.len() < description.len() {
            short.push('…');
        }
        // As what prints it would have it.
        let short = guarded(&harmless(short.trim_end())).into_owned();
        (!short.is_empty()).then_some(short)
    }

    /// The comment that ends the line of byte `at` and is no longer true, by its index
    pub(super) fn stale_comment(&self, text: &str, tree: &Tree, at: usize) -> Option<usize> {
        let index = tree.comments.partition_point(|comment| comment.start < at);
        let comment = tree.comments.get(index)?;
        let is_on_the_line = !text[at..comment.start].contains('\n');
        (is_on_the_line && self.is_stale(&text[comment.clone()])).then_some(index)
    }

    /// Whether `comment` says what the old key is
    pub(super) fn is_stale(&self, comment: &str) -> bool {
        self.stale.as_ref().is_some_and(|stale| comment == written(stale))
    }

    /// What it is as a comment
    pub(super) fn comment(&self) -> Option<String> {
        self.text.as_deref().map(written)
    }

    /// What takes the place of that comment
    pub(super) fn instead(&self, text: &str, comment: Range<usize>) -> Edit {
        match self.comment() {
            Some(new) => (comment, new),
            None => (text[..comment.start].trim_end_matches(' ').len()..comment.end, String::new()),
        }
    }
}

/// As it stands on a line
pub(super) fn written(note: &str) -> String {
    format!("# {note}")
}
