//! A mapping in braces, and what is added to it -> the edits that give each of its pairs a line of its own, where braces leave no room
//! for that. Pure; every comment stays, and every value as it is written.

use std::collections::BTreeMap;
use std::ops::Range;

use super::patch::Patch;
use super::tree::{Map, Node};
use super::weave::{Edit, before, is_first};

/// Longer lines are not written where there is another way
const WIDEST: usize = 120;

/// Whether a line of `text` between these bytes is too long once `edits` are in it
pub(super) fn is_crowded(text: &str, within: Range<usize>, edits: &[Edit]) -> bool {
    let (mut woven, mut at) = (String::new(), within.start);
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|(range, _)| range.start);
    for (range, new) in edits {
        woven += &text[at..range.start];
        woven += new;
        at = range.end;
    }
    woven += &text[at..within.end];
    woven.lines().any(|line| line.chars().count() > WIDEST)
}

/// A mapping in braces that stands under a key
pub(super) struct Braces<'t> {
    pub(super) text: &'t str,
    /// All comments of the text, in order
    pub(super) comments: &'t [Range<usize>],
    pub(super) key: &'t Node,
    pub(super) node: &'t Node,
    pub(super) map: &'t Map,
    /// The end of the line where only a comment follows on it, and otherwise that of the braces
    pub(super) end: usize,
    /// A line end, and the spaces in front of each pair
    pub(super) margin: String,
    /// The spaces by which a line is deeper than the one above
    pub(super) step: String,
}

impl Braces<'_> {
    /// The edits that open it, with those of `keys` in it that are not there; what is added deeper, its own braces open for
    ///
    /// `None` where something stands in it that may mean something else outside of braces.
    pub(super) fn open(&self, keys: &BTreeMap<String, Patch>) -> Option<Vec<Edit>> {
        let pairs = &self.map.pairs;
        let opens = |key: &Node, value| {
            key.text().and_then(|key| keys.get(key)).is_some_and(|patch| patch.adds_to(value))
        };
        let is_silent = self.comments_in(self.key.range.end..self.node.range.end).is_empty();
        // With no comment before it, what is said of the whole goes to its key.
        let (about, end) = match is_silent {
            true => (&self.text[self.node.range.end..self.end], self.node.range.end),
            false => ("", self.end),
        };
        if !self.text[self.key.range.end..].trim_start_matches(' ').starts_with(':') {
            return None;
        }
        let mut edits = Vec::new();
        for at in 0..=pairs.len() {
            let above = at.checked_sub(1).map(|above| &pairs[above]);
            let below = pairs.get(at).map(|(key, _)| key.range.start);
            let start = above.map_or(self.key.range.end, |(_, value)| value.range.end);
            let room = !above.is_some_and(|(key, value)| opens(key, value));
            if let (Some((key, value)), true) = (above, room) {
                edits.extend(self.spaced(key, value)?);
            }
            let (beside, under) = self.gap(start..below.unwrap_or(end), at, room)?;
            let head = if at == 0 { format!(":{about}") } else { String::new() };
            let added = keys.iter().filter(|(name, _)| self.map.pair(name).is_none());
            let new = added.filter(|(name, _)| self.place(name) == at);
            let new: String = new.map(|(name, patch)| patch.block(name, &self.margin, &self.step)).collect();
            let margin = if below.is_some() { &*self.margin } else { "" };
            edits.push((start..below.unwrap_or(self.end), head + &beside + &new + &under + margin));
        }
        Some(edits)
    }

    /// How many pairs stand before a new one
    fn place(&self, name: &str) -> usize {
        let neighbour = before(self.map, name).filter(|_| !is_first(self.map, name));
        let is_it = |pair: &(Node, Node)| neighbour.is_some_and(|other| std::ptr::eq(pair, other));
        self.map.pairs.iter().position(is_it).map_or(0, |at| at + 1)
    }

    fn comments_in(&self, gap: Range<usize>) -> &[Range<usize>] {
        let first = self.comments.partition_point(|comment| comment.start < gap.start);
        let count = self.comments[first..].partition_point(|comment| comment.end <= gap.end);
        &self.comments[first..first + count]
    }

    /// The comments before pair `at`: those on the line that the gap begins on, if that has room for them, and those below it
    fn gap(&self, gap: Range<usize>, at: usize, room: bool) -> Option<(String, String)> {
        let (mut beside, mut below, mut signs, mut end) =
            (String::new(), String::new(), String::new(), gap.start);
        for comment in self.comments_in(gap.clone()) {
            signs += &self.text[end..comment.start];
            end = comment.end;
            let text = &self.text[comment.clone()];
            match room && !self.text[gap.start..comment.start].contains('\n') {
                true => beside += &format!("  {text}"),
                false => below += &format!("{}{text}", self.margin),
            }
        }
        signs += &self.text[end..gap.end];
        signs.retain(|c| !c.is_ascii_whitespace());
        let last = at == self.map.pairs.len();
        let expected: &[&str] = match (at, last) {
            (0, true) => &[":{}"],
            (0, false) => &[":{"],
            (_, true) => &["}", ",}"],
            (_, false) => &[","],
        };
        expected.contains(&&*signs).then_some((beside, below))
    }

    /// Braces need no space behind the colon of a key in quotes; `None` where the pair is not all on one line
    fn spaced(&self, key: &Node, value: &Node) -> Option<Option<Edit>> {
        let gap = key.range.end..value.range.start;
        let fits = !value.range.is_empty() && !self.text[key.range.start..value.range.end].contains('\n');
        match self.text[gap.clone()].trim_start() {
            ":" if fits => Some(Some((gap, ": ".to_owned()))),
            colon if fits && colon.starts_with(": ") => Some(None),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::note::Note;
    use super::super::tree::Tree;
    use super::super::weave::weave;
    use super::*;

    /// `text` with this at the end of the path
    fn woven(text: &str, path: &[&str], value: &str, comment: Option<&str>) -> String {
        let mut patch = Patch::Into(BTreeMap::new());
        let path: Vec<String> = path.iter().map(|&key| key.to_owned()).collect();
        patch.put(&path, value.to_owned(), Note { text: comment.map(str::to_owned), stale: None });
        weave(text, &Tree::of(text).unwrap(), &patch).unwrap().text
    }

    #[test]
    fn braces_are_opened_where_a_comment_comes_into_them_and_every_other_comment_stays() {
        for (text, opened) in [
            ("a: { # none\n}\n", "a:  # none\n  alias/x: NEW  # why\n"),
            (
                "a: {alias/b: c, alias/y: [d, e],}  # all\r\nf: g\r\n",
                "a:  # all\r\n  alias/b: c\r\n  alias/x: NEW  # why\r\n  alias/y: [d, e]\r\nf: g\r\n",
            ),
            ("a: {alias/y: d}", "a:\n  alias/x: NEW  # why\n  alias/y: d"),
            (
                "a: { # 1\n  # 2\n  alias/b: c, # 3\n  # 4\n  'alias/y':\"d\" # 5\n  # 6\n} # 7\n",
                "a:  # 1\n  # 2\n  alias/b: c  # 3\n  alias/x: NEW  # why\n  # 4\n  'alias/y': \"d\"  # 5\n  # 6\n  # 7\n",
            ),
        ] {
            assert_eq!(woven(text, &["a", "alias/x"], "NEW", Some("why")), opened, "{text}");
        }
    }

    #[test]
    fn braces_are_opened_down_to_what_is_added_and_no_others() {
        let path = ["t", "p", "overrides", "alias/x"];
        let why = Some("why");
        for (text, opened) in [
            (
                "t:\n    p: {account: 1}  # one\n    q: {account: 2}\n",
                "t:\n    p:  # one\n        account: 1\n        overrides:\n            alias/x: NEW  # why\n    q: {account: 2}\n",
            ),
            (
                "t: {p: {overrides: {alias/y: a}, # 1\n  account: 1}, q: {account: 2}} # 2\n",
                "t:\n  p:\n    overrides:\n      alias/x: NEW  # why\n      alias/y: a\n    # 1\n    account: 1\n  q: {account: 2}  # 2\n",
            ),
        ] {
            assert_eq!(woven(text, &path, "NEW", why), opened, "{text}");
        }
    }

    #[test]
    fn braces_stay_where_what_is_added_fits_or_what_they_hold_cannot_be_moved() {
        let text = "a: {alias/b: c}\n";
        for (width, wanted) in [(120, 1), (121, 3)] {
            let value = "N".repeat(width - "a: {alias/b: c, alias/x: }".len());
            let woven = woven(text, &["a", "alias/x"], &value, None);
            assert_eq!(woven.lines().count(), wanted, "{woven}");
        }
        for (text, woven_text) in [
            ("a: {alias/b: [c,\n d]}\n", "a: {alias/b: [c,\n d], alias/x: NEW}\n"),
            ("a: {alias/b, alias/y: d}\n", "a: {alias/b, alias/x: NEW, alias/y: d}\n"),
            ("a: {&k alias/b: c}\n", "a: {&k alias/b: c, alias/x: NEW}\n"),
            ("a: !!map {alias/b: c}\n", "a: !!map {alias/b: c, alias/x: NEW}\n"),
            ("? a\n: {alias/b: c}\n", "? a\n: {alias/b: c, alias/x: NEW}\n"),
        ] {
            assert_eq!(woven(text, &["a", "alias/x"], "NEW", Some("why")), woven_text, "{text}");
        }
    }
}
