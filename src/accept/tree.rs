//! The text of one file -> a tree as written: every value with the bytes that it covers, anchors and references not resolved,
//! merge keys not applied, and the comments beside it. Pure; knows YAML and nothing of manifests.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, StructureStyle};

/// A file as written
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: Node,
    /// The bytes of each comment, in order
    pub(crate) comments: Vec<Range<usize>>,
    /// The anchors that something refers to
    referenced: BTreeSet<usize>,
    /// The keys of the mappings that have an anchor
    anchored: BTreeMap<usize, BTreeSet<String>>,
}

/// A value as written
#[derive(Debug)]
pub(crate) struct Node {
    /// From its first byte to its last one that means something
    pub(crate) range: Range<usize>,
    /// Its anchor, or 0
    anchor: usize,
    /// Whether it has a tag, as `!Sub`, and may not be what it looks like
    pub(crate) tagged: bool,
    pub(crate) content: Content,
}

/// What a value is
#[derive(Debug)]
pub(crate) enum Content {
    Scalar {
        text: String,
        style: ScalarStyle,
    },
    List(Vec<Node>),
    Map(Map),
    /// `*name`
    Reference(usize),
}

/// A mapping as written
#[derive(Debug)]
pub(crate) struct Map {
    /// Whether it is written with braces
    pub(crate) flow: bool,
    pub(crate) pairs: Vec<(Node, Node)>,
    /// Pairs by the text of their key
    places: HashMap<String, usize>,
}

impl Map {
    fn new(flow: bool, pairs: Vec<(Node, Node)>) -> Self {
        let places = pairs.iter().enumerate().filter_map(|(at, (key, _))| Some((key.text()?.to_owned(), at)));
        Self { flow, places: places.collect(), pairs }
    }

    /// The key and the value under `name`
    pub(crate) fn pair(&self, name: &str) -> Option<&(Node, Node)> {
        self.places.get(name).map(|at| &self.pairs[*at])
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter_map(|(key, _)| key.text())
    }
}

impl Node {
    /// The text of a scalar
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    fn children(&self) -> Vec<&Self> {
        match &self.content {
            Content::List(items) => items.iter().collect(),
            Content::Map(map) => map.pairs.iter().flat_map(|(key, value)| [key, value]).collect(),
            _ => Vec::new(),
        }
    }
}

impl Tree {
    /// The tree of `text`; `None` where it is no single document, which the loader has told of
    pub(crate) fn of(text: &str) -> Option<Self> {
        let mut options = Options::default();
        options.emit_comments = true;
        // The loader takes comments of any length, and it has seen the file.
        options.max_buffered_comment_events = usize::MAX;
        let mut builder = Builder::default();
        for next in Parser::new_from_str_with_options(text, options) {
            let (event, span) = next.ok()?;
            builder.take(event, &span, text)?;
        }
        let Builder { root, comments, referenced, anchored, .. } = builder;
        Some(Self { root: root?, comments, referenced, anchored })
    }

    /// Whether something refers to this very value
    pub(crate) fn is_shared(&self, node: &Node) -> bool {
        node.anchor > 0 && self.referenced.contains(&node.anchor)
    }

    /// Whether something refers to this value or to what is in it
    pub(crate) fn shares_within(&self, node: &Node) -> bool {
        self.is_shared(node) || node.children().into_iter().any(|child| self.shares_within(child))
    }

    /// Whether a merge key of `map` may bring the key `name`; it is taken to where it merges on
    pub(crate) fn merges(&self, map: &Map, name: &str) -> bool {
        let Some((_, from)) = map.pair("<<") else { return false };
        let sources: Vec<&Node> = match &from.content {
            Content::List(items) => items.iter().collect(),
            _ => vec![from],
        };
        let brings = |keys: &BTreeSet<String>| keys.contains(name) || keys.contains("<<");
        sources.into_iter().any(|source| match &source.content {
            Content::Reference(anchor) => self.anchored.get(anchor).is_none_or(brings),
            Content::Map(inner) => inner.keys().any(|key| key == name || key == "<<"),
            _ => true,
        })
    }
}

#[derive(Default)]
struct Builder {
    root: Option<Node>,
    comments: Vec<Range<usize>>,
    referenced: BTreeSet<usize>,
    anchored: BTreeMap<usize, BTreeSet<String>>,
    open: Vec<Open>,
}

/// A list or mapping that is not at its end yet
struct Open {
    start: usize,
    anchor: usize,
    tagged: bool,
    flow: bool,
    map: bool,
    children: Vec<Node>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span, text: &str) -> Option<()> {
        let range = span.byte_range()?;
        match event {
            Event::Comment(..) => self.comments.push(trimmed(range, text)),
            Event::Scalar(scalar, style, anchor, tag) => {
                let content = Content::Scalar { text: scalar.into_owned(), style };
                self.close(Node { range: trimmed(range, text), anchor, tagged: tag.is_some(), content });
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.begin(range.start, (anchor, tag.is_some()), style, false);
            }
            Event::MappingStart(style, anchor, tag) => {
                self.begin(range.start, (anchor, tag.is_some()), style, true);
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(range.end)?,
            Event::Alias(anchor) => {
                self.referenced.insert(anchor);
                self.close(Node { range, anchor: 0, tagged: false, content: Content::Reference(anchor) });
            }
            _ => {}
        }
        Some(())
    }

    fn begin(&mut self, start: usize, (anchor, tagged): (usize, bool), style: StructureStyle, map: bool) {
        let flow = style == StructureStyle::Flow;
        self.open.push(Open { start, anchor, tagged, flow, map, children: Vec::new() });
    }

    fn end(&mut self, end: usize) -> Option<()> {
        let Open { start, anchor, tagged, flow, map, children } = self.open.pop()?;
        // The parser ends a block where the next token begins.
        let last = children.iter().map(|child| child.range.end).max();
        let end = if flow { end } else { last.unwrap_or(start) };
        let content =
            if map { Content::Map(Map::new(flow, pairs(children))) } else { Content::List(children) };
        if let (Content::Map(map), true) = (&content, anchor > 0) {
            self.anchored.insert(anchor, map.keys().map(str::to_owned).collect());
        }
        self.close(Node { range: start..end, anchor, tagged, content });
        Some(())
    }

    fn close(&mut self, mut node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        // A value that is not written is on some later line to the parser: it ends where its key does.
        if let (true, Some(key)) = (node.range.is_empty(), open.children.last()) {
            node.range = key.range.end..key.range.end;
        }
        open.children.push(node);
    }
}

fn pairs(children: Vec<Node>) -> Vec<(Node, Node)> {
    let mut children = children.into_iter();
    std::iter::from_fn(|| Some((children.next()?, children.next()?))).collect()
}

/// Without the line end that a block scalar is given
fn trimmed(range: Range<usize>, text: &str) -> Range<usize> {
    let length = text.get(range.clone()).map_or(0, |covered| covered.trim_end().len());
    range.start..range.start + length
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# top\r\na: &x {b: \"c\", d: [e]}   # one\r\nf: # two\r\n  g: |\r\n    h\r\n\r\n  i: 'j'\r\nk: *x\r\nl:\r\nm: {<<: *x}\r\n";

    fn tree() -> Tree {
        Tree::of(TEXT).unwrap()
    }

    fn map(node: &Node) -> &Map {
        match &node.content {
            Content::Map(map) => map,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_value_covers_its_own_bytes_and_no_more() {
        let tree = tree();
        let covers = |node: &Node| &TEXT[node.range.clone()];
        let root = map(&tree.root);
        let told: Vec<_> = root.pairs.iter().map(|(_, value)| covers(value)).collect();
        assert_eq!(told, ["{b: \"c\", d: [e]}", "g: |\r\n    h\r\n\r\n  i: 'j'", "*x", "", "{<<: *x}"]);
        let comments: Vec<_> = tree.comments.iter().map(|range| &TEXT[range.clone()]).collect();
        assert_eq!(comments, ["# top", "# one", "# two"]);
        let inner = map(&root.pair("f").unwrap().1);
        assert_eq!(inner.pairs.iter().map(|(_, value)| covers(value)).collect::<Vec<_>>(), ["h", "'j'"]);
    }

    #[test]
    fn a_long_comment_may_stand_anywhere() {
        let long = "  # one of many\n".repeat(1000);
        for text in [format!("a:\n{long}  b: c\n"), format!("a:\n{long}b:\n  - c\n{long}  - d\n{long}")] {
            assert_eq!(Tree::of(&text).map(|tree| tree.comments.len() % 1000), Some(0), "{}", text.len());
        }
    }

    #[test]
    fn what_is_referred_to_is_shared_and_what_merges_is_known() {
        let tree = tree();
        let root = map(&tree.root);
        assert!(tree.is_shared(&root.pair("a").unwrap().1) && !tree.is_shared(&root.pair("f").unwrap().1));
        assert!(tree.shares_within(&tree.root));
        let merging = map(&root.pair("m").unwrap().1);
        assert!(tree.merges(merging, "b") && !tree.merges(merging, "z"));
    }
}
