//! One manifest file's text, and the spots in it that a diagnostic points at. Pure.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::target::Place;

/// A file as read: valid UTF-8, byte order mark taken off
#[derive(Debug)]
pub(crate) struct Source {
    /// The path as the user gave it, or `<stdin>`
    pub(crate) name: Arc<str>,
    /// The file itself; `None` for what the caller has read
    pub(crate) path: Option<PathBuf>,
    /// The whole text; shorter than 4 GiB, so that spots stay small
    pub(crate) text: String,
}

/// A piece of a source: bytes for the excerpt, line and column for the reader
#[derive(Clone)]
pub struct Spot {
    source: Arc<Source>,
    start: u32,
    end: u32,
    line: u32,
    column: u32,
}

impl Spot {
    /// The bytes `range` of `source`, which begin at `line` and `column`, both counted from 1.
    ///
    /// The parser counts lines and columns as it goes; counting them here would be quadratic in a long line.
    pub(crate) fn new(source: &Arc<Source>, range: Range<usize>, line: usize, column: usize) -> Self {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            source: source.clone(),
            start: small(range.start),
            end: small(range.end.max(range.start)),
            line: small(line),
            column: small(column),
        }
    }

    /// The spot that begins at byte `at`, found by counting: for the one spot of a file that is not UTF-8.
    pub(crate) fn counted(source: &Arc<Source>, at: usize, length: usize) -> Self {
        let before = source.text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self::new(source, at..at + length, line, column)
    }

    /// File, line and column
    pub fn place(&self) -> Place {
        Place { file: self.source.name.clone(), line: self.line, column: self.column }
    }

    /// The text it covers
    pub(crate) fn text(&self) -> &str {
        self.source.text.get(self.range()).unwrap_or_default()
    }

    /// The bytes it covers
    pub(crate) fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The same beginning, reaching to byte `end`
    pub(crate) fn reaching(&self, end: usize) -> Self {
        Self::new(&self.source, self.start as usize..end, self.line as usize, self.column as usize)
    }

    /// The file it lies in
    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// What orders spots: file, then line, then column
    pub(crate) fn key(&self) -> (&str, u32, u32) {
        (&self.source.name, self.line, self.column)
    }

    /// Line, counted from 1
    pub(crate) fn line(&self) -> usize {
        self.line as usize
    }

    /// Column in characters, counted from 1
    pub(crate) fn column(&self) -> usize {
        self.column as usize
    }
}

impl fmt::Debug for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.name, self.line, self.column)
    }
}
