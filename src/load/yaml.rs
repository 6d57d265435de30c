//! The text of one file -> a small tree in which every node knows its spot: anchors resolved, merge keys applied, duplicate
//! keys and tags reported. Pure; knows YAML and nothing of manifests.

use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, Span, StructureStyle};

use super::merge;
use super::node::{Node, Value, unquoted};
use super::problem::{Problem, Problems};
use super::source::{Source, Spot};

/// Levels of nesting; a manifest needs six.
const DEEPEST: usize = 64;

/// The tree of `source`, or `None` where there is no reading on; either way what was wrong is in `found`
pub(crate) fn parse(source: &Arc<Source>, found: &mut Problems) -> Option<Node> {
    let errors = found.error_count();
    let tree = tree(source, found);
    if tree.is_none() && found.error_count() == errors {
        found.add(empty(&Spot::new(source, 0..0, 1, 1)));
    }
    tree
}

/// The same where there may be nothing but comments, which is `None` and nothing wrong
pub(crate) fn tree(source: &Arc<Source>, found: &mut Problems) -> Option<Node> {
    let mut builder = Builder::new(source, found);
    for next in Parser::new_from_str_with_options(&source.text, options()) {
        let step = next.map_err(|error| syntax_problem(source, &error));
        if let Err(problem) = step.and_then(|(event, span)| builder.take(event, &span)) {
            builder.found.add(*problem);
            return None;
        }
    }
    builder.root
}

fn options() -> Options {
    let mut options = Options::default();
    options.emit_comments = false;
    options.block_nesting_limit = DEEPEST;
    options.flow_nesting_limit = DEEPEST;
    options
}

/// Boxed, because every event passes through a result of it
type Step<T> = Result<T, Box<Problem>>;

fn syntax_problem(source: &Arc<Source>, error: &ScanError) -> Box<Problem> {
    let mark = error.marker();
    if let Some(problem) = conflict(source, mark.line()) {
        return Box::new(problem);
    }
    if let Some(spot) = tab_after(source, error) {
        let problem = Problem::error("syntax", "a tab stands where indentation belongs").at(&spot, "");
        return Box::new(problem.help("indent with spaces"));
    }
    let at = source.text.floor_char_boundary(mark.byte_offset().unwrap_or_default());
    let length = source.text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    let spot = Spot::new(source, at..at + length, mark.line(), mark.col() + 1);
    let (message, help) = explained(error.kind());
    let problem = Problem::error("syntax", message).at(&spot, "");
    Box::new(match help {
        Some(help) => problem.help(help),
        None => problem,
    })
}

/// What git leaves in a file whose merge is not finished, if reading ended there or further on
fn conflict(source: &Arc<Source>, end: usize) -> Option<Problem> {
    const MARKERS: [(&str, &str); 4] = [
        ("<<<<<<< ", "one side begins here"),
        ("||||||| ", "what was there before both"),
        ("=======", "the other side begins here"),
        (">>>>>>> ", "and ends here"),
    ];
    let begins = |marker: &str| {
        let mut at = source.text.match_indices(marker).map(|(at, _)| at);
        at.find(|at| *at == 0 || source.text[..*at].ends_with('\n'))
    };
    let found = MARKERS.iter().filter_map(|(marker, what)| {
        Some((Spot::counted(source, begins(marker)?, marker.trim_end().len()), *what))
    });
    let mut found: Vec<_> = found.collect();
    // A line of equals signs by itself may be anything.
    let is_one = found.iter().any(|(spot, _)| spot.line() <= end && !spot.text().starts_with('='));
    if !is_one {
        return None;
    }
    found.sort_by_key(|(spot, _)| spot.line());
    let mut marks = found.into_iter();
    let (first, what) = marks.next()?;
    let problem = Problem::error("syntax", "this file has conflict markers of git").at(&first, what);
    let problem = marks.fold(problem, |problem, (spot, what)| problem.also(&spot, what));
    Some(problem.help("keep what is right of the two sides, and take the lines of the markers out"))
}

/// A tab that indents the line after a plain text is reported where the text begins; this finds the tab.
fn tab_after(source: &Arc<Source>, error: &ScanError) -> Option<Spot> {
    let ErrorKind::TabInPlainScalar = error.kind() else { return None };
    let start = source.text.floor_char_boundary(error.marker().byte_offset()?);
    let lines = source.text[start..].match_indices('\n').map(|(at, _)| start + at + 1);
    let indent = |line: &usize| {
        source.text[*line..].len() - source.text[*line..].trim_start_matches([' ', '\t']).len()
    };
    let tabs = lines.filter_map(|line| Some(line + source.text[line..line + indent(&line)].find('\t')?));
    tabs.map(|tab| Spot::counted(source, tab, 1)).next()
}

/// The parser's words, or clearer ones for what people run into
fn explained(kind: &ErrorKind) -> (String, Option<&'static str>) {
    let (message, help) = match kind {
        ErrorKind::TabInIndentation | ErrorKind::TabInBlockIndentation | ErrorKind::TabNotAllowed => {
            ("a tab stands where indentation belongs", "indent with spaces")
        }
        ErrorKind::RecursionLimitExceeded => ("this is nested more than 64 levels deep", "flatten it"),
        ErrorKind::UnknownAnchor => (
            "no anchor of this name stands before it",
            "define it first, as in `x-name: &name …`; quote a text that begins with `*`",
        ),
        ErrorKind::MappingValueNotAllowed => (
            "a `:` makes a mapping here, where none can be",
            "check the indentation, or quote a text that holds `: `",
        ),
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => {
            ("a quoted text runs on past its line", "close the quote that was opened above")
        }
        ErrorKind::UnclosedFlowCollection { .. } => ("this is not closed", "close it with `]` or `}`"),
        kind => return (kind.to_string(), None),
    };
    (message.to_owned(), Some(help))
}

/// A list or mapping that is still open
struct Open {
    spot: Spot,
    flow: bool,
    anchor: usize,
    /// Nodes in it, those of expanded anchors counted each time
    weight: usize,
    children: Children,
}

enum Children {
    List(Vec<Node>),
    Map(Vec<(Node, Node)>, Option<Node>),
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    found: &'a mut Problems,
    open: Vec<Open>,
    /// By anchor id; `None` while the anchored node is still open
    anchors: Vec<Option<(Node, usize)>>,
    documents: usize,
    budget: usize,
    root: Option<Node>,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Arc<Source>, found: &'a mut Problems) -> Self {
        // What anchors may expand to. Generous for a person who shares overrides between targets, and small for a
        // file that doubles itself thirty times; it bounds the depth that anchors can build as well.
        let budget = 1_000_000 + source.text.len().min(9_000_000);
        Self { source, found, open: Vec::new(), anchors: Vec::new(), documents: 0, budget, root: None }
    }

    fn take(&mut self, event: Event<'_>, span: &Span) -> Step<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                let node = self.scalar(&text, style, span);
                self.close_node(node, anchor, 1)
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                self.start(Children::List(Vec::new()), style, anchor, span);
                Ok(())
            }
            Event::MappingStart(style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                self.start(Children::Map(Vec::new(), None), style, anchor, span);
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => self.expand(anchor, span),
            Event::DocumentStart(..) => self.document(span),
            _ => Ok(()),
        }
    }

    fn spot(&self, span: &Span) -> Spot {
        let range = span.byte_range().unwrap_or_default();
        Spot::new(self.source, range, span.start.line(), span.start.col() + 1)
    }

    fn document(&mut self, span: &Span) -> Step<()> {
        self.documents += 1;
        if self.documents == 1 {
            return Ok(());
        }
        let problem = Problem::error("several-documents", "a second YAML document begins here");
        Err(Box::new(
            problem
                .at(&self.spot(span), "")
                .help("keep one document a file; a directory of files is one manifest"),
        ))
    }

    fn refuse_tag(&mut self, tagged: bool, span: &Span) {
        let Some(tag) = span.tag_span().filter(|_| tagged) else { return };
        let spot = self.spot(&tag);
        let message = format!("the tag `{}` is not part of the language", spot.text());
        self.found.add(
            Problem::error("tag", message)
                .at(&spot, "")
                .help("take it out; quote a text that looks like a number"),
        );
    }

    fn scalar(&self, text: &str, style: ScalarStyle, span: &Span) -> Node {
        let spot = self.spot(span);
        let quoted = style != ScalarStyle::Plain;
        let written = if quoted { unquoted(spot.text()) } else { spot.text() };
        let own = (text.is_empty() || written != text).then(|| Arc::new(text.to_owned()));
        Node { spot, value: Value::Scalar { quoted, own } }
    }

    fn start(&mut self, children: Children, style: StructureStyle, anchor: usize, span: &Span) {
        self.reserve(anchor);
        let flow = style == StructureStyle::Flow;
        self.open.push(Open { spot: self.spot(span), flow, anchor, weight: 1, children });
    }

    fn end(&mut self, span: &Span) -> Step<()> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let spot = collection_spot(&open, span);
        let value = match open.children {
            Children::List(items) => Value::List(items.into()),
            Children::Map(pairs, _) => Value::Map(merge::pairs(pairs, self.found).into()),
        };
        self.close_node(Node { spot, value }, open.anchor, open.weight)
    }

    fn expand(&mut self, anchor: usize, span: &Span) -> Step<()> {
        let spot = self.spot(span);
        let Some((node, weight)) = self.anchors.get(anchor).cloned().flatten() else {
            let problem =
                Problem::error("anchor-cycle", format!("`{}` stands inside the value it names", spot.text()));
            return Err(Box::new(problem.at(&spot, "").help("repeat what is meant instead")));
        };
        self.budget = self.budget.checked_sub(weight).ok_or_else(|| {
            let problem =
                Problem::error("too-large", "the anchors of this file expand to more than a million values");
            Box::new(
                problem
                    .at(&spot, "")
                    .help("write the values out, in several files of a directory if need be"),
            )
        })?;
        self.close_node(node, 0, weight)
    }

    fn reserve(&mut self, anchor: usize) {
        if anchor >= self.anchors.len() && anchor > 0 {
            self.anchors.resize(anchor + 1, None);
        }
    }

    /// Puts a finished node where it belongs: under its anchor, and into the collection that is open.
    fn close_node(&mut self, node: Node, anchor: usize, weight: usize) -> Step<()> {
        if anchor > 0 {
            self.reserve(anchor);
            self.anchors[anchor] = Some((node.clone(), weight));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.weight = open.weight.saturating_add(weight);
        match &mut open.children {
            Children::List(items) => items.push(node),
            Children::Map(pairs, key) => match key.take() {
                Some(key) => {
                    let node = placed_after(&key, node);
                    pairs.push((key, node));
                }
                None => *key = Some(node),
            },
        }
        Ok(())
    }
}

/// A value that is not written has no place of its own, and the parser's is on some later line: its key stands for it.
fn placed_after(key: &Node, node: Node) -> Node {
    if node.spot.range().is_empty() { Node { spot: key.spot.clone(), ..node } } else { node }
}

/// What to underline for a whole collection: no more than its first line.
fn collection_spot(open: &Open, end: &Span) -> Spot {
    let begin = &open.spot;
    if open.flow {
        let same_line = end.end.line() == begin.line();
        let last = end.byte_range().filter(|_| same_line).map_or(begin.range().start + 1, |range| range.end);
        return begin.reaching(last);
    }
    let first = match &open.children {
        Children::List(items) => items.first(),
        Children::Map(pairs, _) => pairs.first().map(|(key, _)| key),
    };
    let first = first.map(|node| &node.spot).filter(|spot| spot.line() == begin.line());
    begin.reaching(first.map_or(begin.range().start + 1, |spot| spot.range().end))
}

/// What there is to say of a file without a value
pub(super) fn empty(spot: &Spot) -> Problem {
    let help = "a manifest begins with the lines `version: 1`, `scope: [alias/app/]` and `aliases: {}`";
    Problem::error("empty", "the manifest is empty").at(spot, "").help(help)
}
