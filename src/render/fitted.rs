//! Lines -> the same lines for a terminal that is narrower: broken between words, and where the parts of a table stand apart, with
//! what goes on indented. Colours and links take no room. Pure.

use super::columns::width;
use super::harmless::unseen;

/// What goes on of a line is indented by so much more than its beginning
const HANGING: usize = 4;
/// What stands apart does so by no more on a line that goes on
const GAP: usize = 2;
/// The widest label that what goes on stands behind, as `risk` and `hint`
const LABEL: usize = 10;

/// The text, no line of it wider than `columns`, but for words that are
pub fn fitted(text: &str, columns: usize) -> String {
    text.split_inclusive('\n').map(|line| broken(line, columns, None)).collect()
}

/// One line, of which what goes on stands `hanging` columns from the margin
pub(super) fn fitted_below(line: &str, columns: usize, hanging: usize) -> String {
    broken(line, columns, Some(hanging))
}

fn broken(line: &str, columns: usize, below: Option<usize>) -> String {
    if line.len() <= columns || seen(line.trim_end()) <= columns {
        return line.to_owned();
    }
    let indent = line.len() - line.trim_start_matches(' ').len();
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    let parts = parts(&text[indent..]);
    let hanging = below.unwrap_or_else(|| hanging(indent, &parts)).min(columns / 2);
    let mut page =
        Page { text: " ".repeat(indent), at: indent, is_begun: false, is_continued: false, hanging, columns };
    for part in &parts {
        // Only the first line stands below other rows, whose columns it keeps to.
        let gap = if page.is_continued { part.gap.min(GAP) } else { part.gap };
        match page.takes(gap + seen(part.text)) || !page.has_room_below(seen(part.text)) {
            true => part.words(gap).for_each(|(gap, word)| page.put(gap, word)),
            false => page.begin_below(part.text),
        }
    }
    page.text + end
}

/// What stands apart from the rest by more than one space
struct Part<'l> {
    /// Spaces before it
    gap: usize,
    text: &'l str,
}

impl<'l> Part<'l> {
    /// Its words, each with the spaces before it, the first with `gap`
    fn words(&self, gap: usize) -> impl Iterator<Item = (usize, &'l str)> {
        self.text.split(' ').enumerate().map(move |(at, word)| (if at == 0 { gap } else { 1 }, word))
    }
}

fn parts(line: &str) -> Vec<Part<'_>> {
    let (mut parts, mut rest, mut gap) = (Vec::new(), line, 0);
    while !rest.is_empty() {
        let (text, after) = rest.split_at(rest.find("  ").unwrap_or(rest.len()));
        parts.push(Part { gap, text });
        rest = after.trim_start_matches(' ');
        gap = after.len() - rest.len();
    }
    parts
}

/// Behind a label what goes on stands below what it labels
fn hanging(indent: usize, parts: &[Part<'_>]) -> usize {
    match parts {
        [label, text, ..] if seen(label.text) <= LABEL => indent + seen(label.text) + text.gap,
        _ => indent + HANGING,
    }
}

struct Page {
    text: String,
    /// How wide its last line is
    at: usize,
    /// Whether that has anything but its indentation
    is_begun: bool,
    /// Whether that is another one than the first
    is_continued: bool,
    hanging: usize,
    columns: usize,
}

impl Page {
    fn takes(&self, width: usize) -> bool {
        self.at + width <= self.columns
    }

    fn has_room_below(&self, width: usize) -> bool {
        self.is_begun && self.hanging + width <= self.columns
    }

    fn put(&mut self, gap: usize, word: &str) {
        if !self.takes(gap + seen(word)) && self.has_room_below(seen(word)) {
            self.begin_below(word);
            return;
        }
        self.text += &" ".repeat(gap);
        self.text += word;
        self.at += gap + seen(word);
        self.is_begun = true;
    }

    fn begin_below(&mut self, text: &str) {
        self.text.push('\n');
        self.text += &" ".repeat(self.hanging);
        self.text += text;
        self.at = self.hanging + seen(text);
        (self.is_begun, self.is_continued) = (true, true);
    }
}

/// How wide a terminal shows it
fn seen(text: &str) -> usize {
    let (mut total, mut rest) = (0, text);
    while let Some(at) = rest.find('\u{1b}') {
        total += width(&rest[..at]);
        rest = &rest[at + unseen(&rest[at..]).max(1)..];
    }
    total + width(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_fits_is_as_it_was() {
        let text = "dev\n  + alias/app/a  -> bbbb2222\n\nPlan: 1 to create.\n";
        assert_eq!(fitted(text, 60), text);
    }

    #[test]
    fn a_row_is_broken_where_its_columns_are_and_a_note_below_its_words() {
        let text = "  ~ alias/app/billing/db       aaaa1111 -> bbbb2222  \"billing db 2026\"     aliases.yaml:35\n      \
                    risk  callers that decrypt by this name with old ciphertext will fail  [docs/risks.md#decrypt-by-name]\n";
        let expected = "  ~ alias/app/billing/db       aaaa1111 -> bbbb2222\n      \"billing db 2026\"  aliases.yaml:35\n      \
                        risk  callers that decrypt by this name with old\n            ciphertext will fail\n            \
                        [docs/risks.md#decrypt-by-name]\n";
        assert_eq!(fitted(text, 60), expected);
    }

    #[test]
    fn a_word_that_no_line_takes_stays_where_it_is() {
        let digest = format!("Digest sha256:{}\n", "0".repeat(64));
        assert_eq!(fitted(&digest, 60), digest);
        assert_eq!(fitted("a bb ccc", 3), "a\n bb ccc");
    }

    #[test]
    fn colours_take_no_room_and_wide_letters_take_two_columns() {
        let coloured = "\u{1b}[32m+\u{1b}[0m alias/app/a";
        assert_eq!(fitted(coloured, 13), coloured);
        assert_eq!(fitted("鍵鍵鍵 鍵鍵鍵", 12), "鍵鍵鍵\n    鍵鍵鍵");
    }

    #[test]
    fn every_width_keeps_every_word() {
        let text = "  error failed to list the live aliases (page 1): it  was changed   meanwhile\n      hint  run again\n";
        for columns in 1..90 {
            let shown = fitted(text, columns);
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&shown), words(text), "{columns}: {shown}");
        }
    }
}
