//! A text -> the same entries in their order: the keys of the manifest in that of the language, the aliases of each run by name. Pure.
//!
//! A run is aliases without a blank line between them; nothing is moved out of it. Comments directly above an entry move with it. Where
//! the order means something, because of an anchor, all stays as it is.

use std::ops::Range;

use super::{comments, meaning};
use crate::accept::tree::{Content, Map, Node, Tree};
use crate::load::language::MANIFEST;

/// The text with its entries in order
pub(super) fn ordered(text: String) -> String {
    [by_language, by_name].into_iter().fold(text, |text, sort| match sort(&text) {
        Some(sorted) if meaning(&sorted) == meaning(&text) && comments(&sorted) == comments(&text) => sorted,
        _ => text,
    })
}

/// The lines of a text, and where each begins
struct Lines<'t> {
    lines: Vec<&'t str>,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// `None` where the last one is not at its end, and could not stand elsewhere
    fn of(text: &'t str) -> Option<Self> {
        let lines: Vec<_> = text.split_inclusive('\n').collect();
        let ends = lines.iter().scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        });
        let starts = [0].into_iter().chain(ends).take(lines.len()).collect();
        lines.last().is_some_and(|line| line.ends_with('\n')).then_some(Self { lines, starts })
    }

    /// The line that has this byte
    fn at(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte).saturating_sub(1)
    }

    /// The first of the lines directly above `line` that all fit
    fn above(&self, line: usize, fits: impl Fn(&str) -> bool) -> usize {
        self.lines[..line].iter().rposition(|line| !fits(line)).map_or(0, |last| last + 1)
    }

    fn text(&self, lines: Range<usize>) -> String {
        self.lines[lines].concat()
    }
}

/// The mapping of a node, if it is written without braces
fn block(node: &Node) -> Option<&Map> {
    match &node.content {
        Content::Map(map) if !map.flow => Some(map),
        _ => None,
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

fn by_language(text: &str) -> Option<String> {
    let (tree, lines) = (Tree::of(text)?, Lines::of(text)?);
    let map = block(&tree.root)?;
    // Blank lines and comments that are not indented are the next entry's; what stands at the top and at the end of the file stays there.
    let of_next = |line: &str| line.trim().is_empty() || line.starts_with('#');
    let begins = map.pairs.iter().enumerate().map(|(at, (key, _))| {
        let start = lines.at(key.range.start);
        let comments = lines.above(start, is_comment);
        match at {
            0 if comments > 0 => comments,
            0 => start,
            _ => lines.above(start, of_next),
        }
    });
    let begins: Vec<usize> = begins.collect();
    let bottom = lines.above(lines.lines.len(), of_next);
    let ends = begins.iter().skip(1).copied().chain([bottom]);
    // A key of one's own stands before the key that it stood before.
    let mut rank = usize::MAX;
    let ranks = map.pairs.iter().rev().map(|(key, _)| {
        rank = MANIFEST.names().position(|word| key.text() == Some(word)).unwrap_or(rank);
        rank
    });
    let ranks: Vec<usize> = ranks.collect();
    let mut entries: Vec<_> = ranks.into_iter().rev().zip(begins.iter().copied().zip(ends)).collect();
    if entries.is_sorted_by_key(|(rank, _)| *rank) {
        return None;
    }
    entries.sort_by_key(|(rank, _)| *rank);
    let sorted: String = entries.into_iter().map(|(_, (begin, end))| lines.text(begin..end)).collect();
    Some(lines.text(0..*begins.first()?) + &sorted + &lines.text(bottom..lines.lines.len()))
}

fn by_name(text: &str) -> Option<String> {
    let (tree, lines) = (Tree::of(text)?, Lines::of(text)?);
    let (_, aliases) = block(&tree.root)?.pair("aliases")?;
    let pairs = block(aliases)?.pairs.iter();
    let bodies: Vec<_> = pairs.map(|pair| (pair, body(pair, &lines))).collect();
    let mut sorted = lines.text(0..bodies.first()?.1.start);
    let mut end = bodies.first()?.1.start;
    // What stands between two entries, as a blank line, ends a run and stays where it is.
    for run in bodies.chunk_by(|(_, one), (_, next)| one.end == next.start) {
        sorted += &lines.text(end..run.first()?.1.start);
        end = run.last()?.1.end;
        let mut run: Vec<_> = run.iter().collect();
        // An anchor has to stand before what refers to it.
        if !run.iter().any(|((key, value), _)| tree.shares_within(key) || tree.shares_within(value)) {
            run.sort_by_key(|((key, _), _)| key.text());
        }
        sorted.extend(run.into_iter().map(|(_, body)| lines.text(body.clone())));
    }
    Some(sorted + &lines.text(end..lines.lines.len()))
}

/// The lines that an entry takes with it: comments directly above it, and those below that are indented deeper
fn body((key, value): &(Node, Node), lines: &Lines<'_>) -> Range<usize> {
    let start = lines.at(key.range.start);
    let column = indent(lines.lines[start]);
    let last = lines.at(value.range.end.max(key.range.end).saturating_sub(1));
    let deeper = |line: &&&str| is_comment(line) && indent(line) > column;
    let below = lines.lines[last + 1..].iter().take_while(deeper).count();
    lines.above(start, |line| is_comment(line) && indent(line) <= column)..last + 1 + below
}
