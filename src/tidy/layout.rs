//! Lines and what stands on them -> the text: each line indented by its depth, what stands on it set apart by single spaces, and no more
//! quotes, commas and blank lines than are needed. Pure.

use super::tokens::{Line, Token, TokenKind, lines};

/// The text with every line written anew, or the byte where its lines cannot be told
pub(super) fn laid_out(text: &str) -> Result<String, usize> {
    let mut page = Page::default();
    for line in lines(text)? {
        page.take(&line);
    }
    Ok(page.finished())
}

/// A depth at which lines begin
#[derive(Clone, Copy, Debug, PartialEq)]
struct Level {
    /// The column that it had
    old: usize,
    /// The column that it has
    new: usize,
    /// Whether it is one of dashes
    dash: bool,
}

const STEP: usize = 2;

#[derive(Default)]
struct Page<'t> {
    out: String,
    /// The levels that are open, outermost first
    levels: Vec<Level>,
    /// Lists and mappings in brackets that are open
    depth: usize,
    /// Comments with a line of their own, and blank lines as `None`, that wait for the line that they stand above
    waiting: Vec<Option<Token<'t>>>,
    /// Whether the last line has a block, to which what is deeper would belong
    below_block: bool,
}

impl<'t> Page<'t> {
    fn take(&mut self, line: &Line<'t>) {
        let Some(first) = line.tokens.first() else {
            // One is enough, and none is needed at the top.
            let needed = self.waiting.last().map_or(!self.out.is_empty(), Option::is_some);
            self.waiting.extend(needed.then_some(None));
            return;
        };
        if first.kind == TokenKind::Comment {
            return self.waiting.push(Some(first.clone()));
        }
        let indent = if self.depth > 0 {
            let level = self.inner() + STEP * self.depth;
            self.settle_at(level);
            if first.kind == TokenKind::Close { level - STEP } else { level }
        } else {
            let above = self.levels.clone();
            self.open(&line.tokens);
            let indent = self.indent_of(line);
            self.settle_comments(first.column, indent, &above);
            indent
        };
        self.write(line, indent);
    }

    /// The column of what the innermost level holds
    fn inner(&self) -> usize {
        self.levels.last().map_or(0, |level| level.new)
    }

    /// Where the line begins: at the level of its first token
    fn indent_of(&self, line: &Line<'_>) -> usize {
        let first = line.tokens.first().map_or(0, |token| token.column);
        let dash = line.tokens.first().is_some_and(|token| token.kind == TokenKind::Dash);
        self.levels.iter().find(|level| level.old == first && level.dash == dash).map_or(0, |level| level.new)
    }

    /// Opens the levels that the tokens of a line begin, and closes those that are deeper
    fn open(&mut self, tokens: &[Token<'_>]) {
        for token in tokens {
            let dash = token.kind == TokenKind::Dash;
            if token.kind == TokenKind::Marker {
                self.levels.clear();
                return;
            }
            let old = token.column;
            let outer = |level: &Level| level.old < old || (level.old == old && (!level.dash || dash));
            while self.levels.last().is_some_and(|level| !outer(level)) {
                self.levels.pop();
            }
            let same = self.levels.last().is_some_and(|level| level.old == old && level.dash == dash);
            if !same {
                let new = self.levels.last().map_or(0, |level| level.new + STEP);
                self.levels.push(Level { old, new, dash });
            }
            if !dash {
                return;
            }
        }
    }

    /// The whole page, the comments at its end with what they stood in
    fn finished(mut self) -> String {
        if self.waiting.last() == Some(&None) {
            self.waiting.pop();
        }
        let above = std::mem::take(&mut self.levels);
        self.settle_comments(0, 0, &above);
        self.out
    }

    /// Writes the comments that wait, each at the level that it stood at: of what has just ended, of the line below, or deeper than
    /// that, below an entry of the same level
    fn settle_comments(&mut self, column: usize, indent: usize, above: &[Level]) {
        for waiting in std::mem::take(&mut self.waiting) {
            let Some(comment) = waiting else {
                self.out.push('\n');
                continue;
            };
            let mut ended = above.iter().filter(|level| level.old > column && level.old <= comment.column);
            let is_deeper =
                comment.column > column && !self.below_block && above.iter().any(|level| level.old == column);
            let own = if is_deeper { indent + STEP } else { indent };
            let at = ended.next_back().map_or(own, |level| level.new);
            self.push_line(at, comment.text);
        }
    }

    fn settle_at(&mut self, indent: usize) {
        for waiting in std::mem::take(&mut self.waiting) {
            match waiting {
                Some(comment) => self.push_line(indent, comment.text),
                None => self.out.push('\n'),
            }
        }
    }

    fn push_line(&mut self, indent: usize, text: &str) {
        self.out.extend(std::iter::repeat_n(' ', if text.is_empty() { 0 } else { indent }));
        self.out += text;
        self.out.push('\n');
    }

    fn write(&mut self, line: &Line<'_>, indent: usize) {
        let mut text = String::new();
        let mut before: Option<(&Token<'_>, usize)> = None;
        for (at, token) in line.tokens.iter().enumerate() {
            if ends_nothing(token, line.tokens.get(at + 1)) {
                continue;
            }
            if let Some((before, end)) = before {
                text.extend(std::iter::repeat_n(' ', gap(before, token, token.column.saturating_sub(end))));
            }
            self.push_token(token, &mut text);
            before = Some((token, token.column + token.text.len()));
            match token.kind {
                TokenKind::Open => self.depth += 1,
                TokenKind::Close => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        self.push_line(indent, &text);
        self.below_block = line.tokens.iter().any(|token| token.kind == TokenKind::Header);
        self.write_block(line);
    }

    /// A token; the lines of a text that goes on are indented below it, and their line breaks mean the same wherever they begin
    fn push_token(&self, token: &Token<'_>, text: &mut String) {
        let column = self.inner() + STEP * (self.depth + 1);
        let mut lines = token.text.split('\n');
        *text += bare(token).unwrap_or(lines.next().unwrap_or_default());
        for line in lines {
            text.push('\n');
            let line = line.trim_start();
            text.extend(std::iter::repeat_n(' ', if line.is_empty() { 0 } else { column }));
            *text += line;
        }
    }

    /// The lines of a block, moved as a whole
    fn write_block(&mut self, line: &Line<'_>) {
        let spaces = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let Some(first) = line.block.iter().find(|line| !line.trim().is_empty()) else {
            line.block.iter().for_each(|_| self.out.push('\n'));
            return;
        };
        let header = line.tokens.iter().find(|token| token.kind == TokenKind::Header);
        let told = header.is_some_and(|header| header.text.contains(|c: char| c.is_ascii_digit()));
        let level = self.levels.last().copied().unwrap_or(Level { old: 0, new: 0, dash: false });
        // Where the header says how deep it is, that is counted from the level.
        let (old, new) = if told { (level.old, level.new) } else { (spaces(first), level.new + STEP) };
        for line in &line.block {
            let (own, text) = (spaces(line), line.trim_start_matches(' '));
            // Spaces beyond the indentation are text, on a line of their own as well.
            let column = if text.is_empty() && own <= old { 0 } else { (own + new).saturating_sub(old) };
            self.out.extend(std::iter::repeat_n(' ', column));
            self.push_line(0, text);
        }
    }
}

/// A comma behind which the list or mapping closes; where that is on a line of its own, the comma is as on the lines above
fn ends_nothing(token: &Token<'_>, next: Option<&Token<'_>>) -> bool {
    token.kind == TokenKind::Comma && next.is_some_and(|next| next.kind == TokenKind::Close)
}

/// Spaces between two tokens of a line that stood `old` bytes apart
fn gap(before: &Token<'_>, token: &Token<'_>, old: usize) -> usize {
    use TokenKind::{Close, Colon, Comma, Comment, Open, Reference};
    match (before.kind, token.kind) {
        (_, Comment) => old.max(2),
        // A name of an anchor can have a colon in it.
        (Reference, Colon) => 1,
        (Open, _) | (_, Close | Comma | Colon) => 0,
        _ => 1,
    }
}

/// A text in quotes that needs none: a word that no reader takes for anything else
fn bare<'t>(token: &Token<'t>) -> Option<&'t str> {
    let inner = token.text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let inner = inner.or_else(|| token.text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')))?;
    let quoted = token.kind == TokenKind::Scalar { quoted: true };
    // YAML 1.1 had more of them.
    let special =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null"].contains(&&*inner.to_lowercase());
    let word = inner.starts_with(|c: char| c.is_ascii_alphabetic())
        && inner.chars().all(|c| c.is_ascii_alphanumeric() || "/_-.".contains(c));
    (quoted && word && !special).then_some(inner)
}
