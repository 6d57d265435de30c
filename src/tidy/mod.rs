//! The text of a manifest -> the same manifest as everybody writes it: order, indentation, spaces, quotes. Pure.
//!
//! `order` moves whole entries, `tokens` and `layout` write each line anew from what stands on it. Whatever they do is believed only
//! once the loader's own reader finds the same data in the new text, and every comment is there.

mod layout;
mod order;
mod tokens;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::accept::tree::Tree;
use crate::load::node::{Kind, Node, Value};
use crate::load::{Problems, Source, yaml};

/// Why a text is not formatted: it is valid, and written in a way that this program does not move
#[derive(Debug, thiserror::Error)]
#[error("format {name}: {why}; what is at {name}:{line}:{column} is left to people, and nothing was written")]
pub struct Untidy {
    name: String,
    why: &'static str,
    line: usize,
    column: usize,
}

impl Untidy {
    /// What would help
    pub const HINT: &'static str = "write that in a plainer way, or leave the file as it is: it is valid";

    fn new(source: &Source, why: &'static str) -> Self {
        let text = source.text.replace("\r\n", "\n");
        let before = &text[..seldom(&text)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { name: source.name.to_string(), why, line, column }
    }
}

/// The first byte of what has no place on a line, or else of a form that few manifests have: by far the likeliest to be in the way
fn seldom(text: &str) -> usize {
    use tokens::TokenKind::{Header, Marker, Property, Question};
    let lines = match tokens::lines(text) {
        Ok(lines) => lines,
        Err(at) => return at,
    };
    let tokens = || lines.iter().flat_map(|line| &line.tokens);
    let kinds = [Question, Marker, Header, Property];
    let first = kinds.iter().find_map(|kind| tokens().find(|token| token.kind == *kind));
    let long = || tokens().find(|token| token.text.contains('\n'));
    let token = first.or_else(long);
    token.map_or(0, |token| token.text.as_ptr().addr() - text.as_ptr().addr())
}

/// The text of `source` as everybody writes it
///
/// # Errors
/// The result would not mean the same, or lack a comment.
pub(crate) fn tidy(source: &Source) -> Result<String, Untidy> {
    let text = &source.text;
    let untidy = |why| Untidy::new(source, why);
    let before = meaning(text);
    let mut formatted = text.clone();
    for _ in 0..PASSES {
        let again = pass(&formatted, before.as_ref())
            .ok_or_else(|| untidy("what stands on its lines cannot be told"))?;
        if again == formatted {
            break;
        }
        formatted = again;
    }
    if before.is_none() || before != meaning(&formatted) {
        return Err(untidy("it would not say the same"));
    }
    if comments(text) != comments(&formatted) {
        return Err(untidy("its comments would not be the same"));
    }
    Ok(formatted)
}

/// What a line end or an order keeps from being written at first, it may let through then
const PASSES: usize = 4;

/// Once, but for the last line end where that would be part of a text
fn pass(text: &str, before: Option<&Meaning>) -> Option<String> {
    let mut formatted = format(text)?;
    if before != meaning(&formatted).as_ref() {
        // To a text that goes on to the very end, the end of its line belongs.
        formatted.truncate(formatted.trim_end_matches(['\r', '\n']).len());
    }
    Some(formatted)
}

/// Without proof
fn format(text: &str) -> Option<String> {
    let unix = text.replace("\r\n", "\n");
    let formatted = layout::laid_out(&order::ordered(unix)).ok()?;
    // Whoever has such line ends keeps them.
    Some(if text.contains("\r\n") { formatted.replace('\n', "\r\n") } else { formatted })
}

/// What a text says: anchors resolved, merge keys applied, without the places and the order of keys
#[derive(Debug, PartialEq)]
enum Meaning {
    Scalar(Kind, String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
}

fn meaning(text: &str) -> Option<Meaning> {
    let source = Arc::new(Source { name: "".into(), path: None, text: text.to_owned() });
    let mut found = Problems::default();
    let tree = yaml::parse(&source, &mut found);
    tree.filter(|_| found.is_empty()).map(|tree| meant(&tree))
}

fn meant(node: &Node) -> Meaning {
    match &node.value {
        Value::Scalar { .. } => Meaning::Scalar(node.kind(), node.text().to_owned()),
        Value::List(items) => Meaning::List(items.iter().map(meant).collect()),
        Value::Map(pairs) => {
            Meaning::Map(pairs.iter().map(|(key, value)| (key.text().to_owned(), meant(value))).collect())
        }
    }
}

/// All comments, in an order of their own
fn comments(text: &str) -> Option<Vec<&str>> {
    let tree = Tree::of(text)?;
    let mut comments: Vec<_> = tree.comments.iter().map(|range| text[range.clone()].trim_end()).collect();
    comments.sort_unstable();
    Some(comments)
}

#[cfg(test)]
mod tests;
