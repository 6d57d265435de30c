//! The text of a manifest -> its lines, each with what stands on it. Pure; scalars are as the parser finds them, and between them there
//! are only signs, spaces and comments.

use granit_parser::ScalarStyle;

use crate::accept::tree::{Content, Node, Tree};

/// What stands on a line
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'t> {
    pub(super) kind: TokenKind,
    /// As written; more than one line for a text that goes on
    pub(super) text: &'t str,
    /// Bytes before it on its line
    pub(super) column: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A text, plain or in quotes
    Scalar {
        quoted: bool,
    },
    /// `*name`
    Reference,
    /// `&name`, or a tag
    Property,
    /// `|` or `>`, with what says how
    Header,
    /// `{` or `[`
    Open,
    /// `}` or `]`
    Close,
    Comma,
    Colon,
    /// `-`
    Dash,
    /// The `?` of a key that says that it is one
    Question,
    Comment,
    /// `---`, `...` or a directive, to the end of its line
    Marker,
}

/// One line, and the lines below it that a text of it goes on for
#[derive(Debug, Default)]
pub(super) struct Line<'t> {
    pub(super) tokens: Vec<Token<'t>>,
    /// The text of a block, as it is indented
    pub(super) block: Vec<&'t str>,
}

/// The lines of `text`, or the byte where it has what has no place between scalars
pub(super) fn lines(text: &str) -> Result<Vec<Line<'_>>, usize> {
    let tree = Tree::of(text).ok_or(0_usize)?;
    let mut leaves = Vec::new();
    gather(&tree.root, &mut leaves);
    let mut reader = Reader { text, at: 0, lines: vec![Line::default()] };
    let mut whole = leaves.into_iter().try_for_each(|leaf| reader.leaf(leaf));
    whole = whole.and_then(|()| reader.between(text.len()));
    whole.map(|()| std::mem::take(&mut reader.lines)).ok_or(reader.at)
}

/// Scalars and references in the order of the text
fn gather<'n>(node: &'n Node, leaves: &mut Vec<&'n Node>) {
    match &node.content {
        Content::List(items) => items.iter().for_each(|item| gather(item, leaves)),
        Content::Map(map) => map.pairs.iter().for_each(|(key, value)| {
            gather(key, leaves);
            gather(value, leaves);
        }),
        Content::Scalar { .. } | Content::Reference(_) => leaves.push(node),
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    lines: Vec<Line<'t>>,
}

impl<'t> Reader<'t> {
    fn leaf(&mut self, leaf: &Node) -> Option<()> {
        let kind = match &leaf.content {
            Content::Reference(_) => TokenKind::Reference,
            Content::Scalar { style: ScalarStyle::Literal | ScalarStyle::Folded, .. } => {
                return self.block(leaf.range.end);
            }
            Content::Scalar { style, .. } => TokenKind::Scalar { quoted: *style != ScalarStyle::Plain },
            _ => return None,
        };
        // A value that is not written is nowhere.
        if leaf.range.is_empty() {
            return Some(());
        }
        self.between(leaf.range.start)?;
        self.push(kind, leaf.range.end)
    }

    fn push(&mut self, kind: TokenKind, end: usize) -> Option<()> {
        let text = self.text.get(self.at..end)?;
        let column = self.at - self.text[..self.at].rfind('\n').map_or(0, |before| before + 1);
        self.lines.last_mut()?.tokens.push(Token { kind, text, column });
        self.at = end;
        Some(())
    }

    /// What stands before `end`, among which there is no scalar
    fn between(&mut self, end: usize) -> Option<()> {
        while self.at < end {
            self.sign(end)?;
        }
        (self.at == end).then_some(())
    }

    /// The next sign, space or comment
    fn sign(&mut self, limit: usize) -> Option<()> {
        let rest = self.text.get(self.at..limit)?;
        let line = rest.split('\n').next().unwrap_or_default();
        let begins_line = self.at == 0 || self.text[..self.at].ends_with('\n');
        let word = line.find(|c: char| c.is_ascii_whitespace() || ",[]{}".contains(c)).unwrap_or(line.len());
        let (kind, length) = match rest.as_bytes().first()? {
            b' ' | b'\t' => {
                self.at += 1;
                return Some(());
            }
            b'\n' => {
                self.at += 1;
                self.lines.push(Line::default());
                return Some(());
            }
            b'#' => (TokenKind::Comment, line.trim_end().len()),
            b'%' if begins_line => (TokenKind::Marker, line.trim_end().len()),
            b'-' | b'.' if begins_line && (line.starts_with("---") || line.starts_with("...")) => {
                (TokenKind::Marker, 3)
            }
            b'{' | b'[' => (TokenKind::Open, 1),
            b'}' | b']' => (TokenKind::Close, 1),
            b',' => (TokenKind::Comma, 1),
            b':' => (TokenKind::Colon, 1),
            b'-' => (TokenKind::Dash, 1),
            b'?' => (TokenKind::Question, 1),
            b'&' | b'!' => (TokenKind::Property, word),
            b'|' | b'>' => (TokenKind::Header, word),
            _ => return None,
        };
        self.push(kind, self.at + length)
    }

    /// A header and the lines below it, to the last that means something
    fn block(&mut self, end: usize) -> Option<()> {
        let is_header = |token: &Token<'_>| token.kind == TokenKind::Header;
        if self.lines.last()?.tokens.iter().any(is_header) {
            // That one is of the block above, whose last line ends here.
            self.sign(self.text.len())?;
        }
        while !self.lines.last()?.tokens.iter().any(is_header) {
            self.sign(self.text.len())?;
        }
        let header = self.lines.last()?.tokens.iter().find(|token| is_header(token))?.text;
        let line_end = self.text[self.at..].find('\n').map_or(self.text.len(), |length| self.at + length);
        self.between(line_end)?;
        let mut rest = self.text.get(line_end + 1..).unwrap_or_default();
        while !rest.is_empty() {
            let line = rest.split('\n').next().unwrap_or_default();
            // Lines of spaces are text where the block is kept to its end, and where they are longer than its indentation.
            let blank = line.trim().is_empty();
            let kept = blank && (header.contains('+') || !line.is_empty());
            if self.at + 1 >= end && !kept || self.at + 1 >= self.text.len() {
                break;
            }
            self.lines.last_mut()?.block.push(line);
            self.at += 1 + line.len();
            rest = rest.get(line.len() + 1..).unwrap_or_default();
        }
        Some(())
    }
}
