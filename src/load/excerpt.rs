//! Problems -> the text a person reads: message, excerpt, fix, in the manner of rustc. Pure.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::problem::{Problem, Problems, Severity};
use super::source::{Source, Spot};

/// Problems printed; whoever has more fixes these first.
const PRINTED: usize = 50;
/// Bytes either side of a spot that are shown at most. The renderer scans all it is given, for every problem.
const LONG: usize = 400;
/// Bytes quoted of a line that is too long for an excerpt
const PIECE: usize = 60;
/// Spots that so many bytes hold share one excerpt.
const NEAR: usize = 2_000;

impl Problems {
    /// All problems, sorted, as text for stderr; it ends with a line break unless there are none
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let sorted = self.sorted();
        let mut text: Vec<_> =
            sorted.iter().take(PRINTED).map(|problem| report(problem, &renderer)).collect();
        let more = sorted.len().saturating_sub(PRINTED) + self.omitted();
        if more > 0 {
            text.push(format!("and {more} more\n"));
        }
        text.join("\n")
    }
}

fn report(problem: &Problem, renderer: &Renderer) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&problem.message).id(problem.code);
    let mut group = Group::with_title(title);
    for window in windows(problem) {
        group = window.add_to(group);
    }
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(help));
    }
    // `:::` at the beginning of a line is a command to the runner of a CI job, and is shown escaped.
    let lines = renderer.render(&[group]) + "\n";
    lines
        .split_inclusive('\n')
        .map(|line| if is_origin(line) { line.replacen(":::", "-->", 1) } else { line.to_owned() })
        .collect()
}

/// Whether a line says where a further excerpt is from
fn is_origin(line: &str) -> bool {
    let before = line.split(":::").next().unwrap_or_default();
    let style = |c: char| c.is_ascii_digit() || "\u{1b}[;m ".contains(c);
    before.len() < line.len() && before.chars().all(style)
}

/// A piece of one file, and the spots in it
struct Window<'p> {
    source: &'p Source,
    bytes: Range<usize>,
    /// The line and column, counted from 1, that the piece begins at
    begin: (usize, usize),
    marks: Vec<Mark<'p>>,
}

struct Mark<'p> {
    spot: &'p Spot,
    label: &'p str,
    kind: AnnotationKind,
}

impl<'p> Window<'p> {
    fn new(mark: Mark<'p>) -> Self {
        let (bytes, cut) = line_around(&mark.spot.source().text, mark.spot.range());
        let column = if cut { mark.spot.column() } else { 1 };
        Self { source: mark.spot.source(), bytes, begin: (mark.spot.line(), column), marks: vec![mark] }
    }

    /// Whether both fit one excerpt
    fn is_near(&self, other: &Self) -> bool {
        let whole = self.begin.1 == 1 && other.begin.1 == 1;
        let span = self.bytes.end.max(other.bytes.end) - self.bytes.start.min(other.bytes.start);
        whole && std::ptr::eq(self.source, other.source) && span <= NEAR
    }

    fn join(&mut self, other: Self) {
        self.bytes = self.bytes.start.min(other.bytes.start)..self.bytes.end.max(other.bytes.end);
        self.begin = self.begin.min(other.begin);
        self.marks.extend(other.marks);
    }

    fn add_to(&self, group: Group<'p>) -> Group<'p> {
        let text = self.source.text.get(self.bytes.clone()).unwrap_or_default();
        let (line, column) = self.begin;
        if column == 1 {
            return group.element(self.snippet(text).line_start(line).path(&*self.source.name));
        }
        // The renderer would count columns from where the line was cut: so the place is told, and the piece quoted.
        let origin = Origin::path(&*self.source.name).line(line).char_column(column);
        let label =
            self.marks.iter().map(|mark| mark.label).find(|label| !label.is_empty()).unwrap_or("here");
        let piece = &text[..text.floor_char_boundary(PIECE)];
        let more = if piece.len() < text.len() { "…" } else { "" };
        group.element(origin).element(Level::NOTE.message(format!("{label}: {piece}{more}")))
    }

    fn snippet(&self, text: &'p str) -> Snippet<'p, Annotation<'p>> {
        Snippet::source(text).annotations(self.marks.iter().map(|mark| {
            let range = mark.spot.range();
            let within = |at: usize| at.clamp(self.bytes.start, self.bytes.end) - self.bytes.start;
            let label = Some(mark.label).filter(|label| !label.is_empty());
            mark.kind.span(within(range.start)..within(range.end)).label(label)
        }))
    }
}

fn windows(problem: &Problem) -> Vec<Window<'_>> {
    let mut windows: Vec<Window<'_>> = Vec::new();
    for (index, (spot, label)) in problem.marks.iter().enumerate() {
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let window = Window::new(Mark { spot, label, kind });
        match windows.iter_mut().find(|other| other.is_near(&window)) {
            Some(near) => near.join(window),
            None => windows.push(window),
        }
    }
    windows
}

/// The bytes of the lines that `spot` lies in, and whether their beginning had to be cut off
fn line_around(text: &str, spot: Range<usize>) -> (Range<usize>, bool) {
    let left = text.floor_char_boundary(spot.start.saturating_sub(LONG));
    let right = text.ceil_char_boundary((spot.start + LONG).min(text.len()));
    let start = text[left..spot.start].rfind('\n').map(|at| left + at + 1);
    let last = spot.end.min(right);
    let end = text[last..right].find(['\r', '\n']).map_or(right, |at| last + at);
    match start {
        Some(start) => (start..end, false),
        None if left == 0 => (0..end, false),
        None => (spot.start..end, true),
    }
}
