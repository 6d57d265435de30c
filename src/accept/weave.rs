//! A tree as written, and what is to stand in it -> the text with that in it and every other byte as it was. Pure.

use std::collections::BTreeMap;
use std::ops::Range;

use granit_parser::ScalarStyle;

use super::note::Note;
use super::open::{Braces, is_crowded};
use super::patch::Patch;
use super::tree::{Content, Map, Node, Tree};

/// Why a value cannot be edited
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Obstacle {
    /// A fragment of a sentence
    pub(super) why: &'static str,
    /// Where, counted from 1
    pub(super) line: usize,
}

const SHARED: &str = "is shared through an anchor";
const REFERENCE: &str = "comes through an anchor";
const MERGED: &str = "comes through a merge key";
const UNKNOWN: &str = "is not written as this program can edit it";

/// Other bytes in the place of these
pub(super) type Edit = (Range<usize>, String);

/// A text as it is to be
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Woven {
    pub(super) text: String,
    /// What became of comments that are no longer true, by their index in the old text: another one, or none
    pub(super) renoted: BTreeMap<usize, Note>,
}

/// The text with `patch` in it
///
/// # Errors
/// The first value that cannot be edited.
pub(super) fn weave(text: &str, tree: &Tree, patch: &Patch) -> Result<Woven, Obstacle> {
    let Loom { mut edits, renoted, .. } = worked(text, tree, patch)?;
    // Stable: what is added at one place stays in its order.
    edits.sort_by_key(|(range, _)| range.start);
    let (mut woven, mut at) = (String::with_capacity(text.len() + 64 * edits.len()), 0);
    for (range, new) in edits {
        woven.push_str(&text[at..range.start]);
        woven.push_str(&new);
        at = range.end;
    }
    Ok(Woven { text: woven + &text[at..], renoted })
}

/// What keeps `patch` out of the text, if anything does
pub(super) fn obstacle(text: &str, tree: &Tree, patch: &Patch) -> Option<Obstacle> {
    worked(text, tree, patch).err()
}

fn worked<'t>(text: &'t str, tree: &'t Tree, patch: &Patch) -> Result<Loom<'t>, Obstacle> {
    // All lines of a file end alike; the first shows how.
    let first = text.split_inclusive('\n').next().unwrap_or_default();
    let end_of_line = if first.ends_with("\r\n") { "\r\n" } else { "\n" };
    let (edits, renoted) = (Vec::new(), BTreeMap::new());
    let mut loom = Loom { text, tree, end_of_line, around: Around::Lines, step: 2, edits, renoted };
    loom.visit(&tree.root, None, patch)?;
    Ok(loom)
}

struct Loom<'t> {
    text: &'t str,
    tree: &'t Tree,
    end_of_line: &'static str,
    around: Around,
    /// The spaces by which the lines of the last mapping are deeper than its key
    step: usize,
    edits: Vec<Edit>,
    renoted: BTreeMap<usize, Note>,
}

/// What the value that is visited stands in
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Around {
    /// Lines of their own
    Lines,
    /// Braces, which stay
    Braces,
    /// Braces that are opened, with their pairs at this column
    Opened { column: usize, outermost: bool },
}

/// Why braces stay
const CLOSED: &str = "is not written as it could be opened";

impl Loom<'_> {
    fn obstacle(&self, why: &'static str, node: &Node) -> Obstacle {
        Obstacle { why, line: self.text[..node.range.start].matches('\n').count() + 1 }
    }

    /// Spaces in front of the line that `node` begins on, or begins
    fn column(&self, node: &Node) -> usize {
        let line = self.text[..node.range.start].rsplit('\n').next().unwrap_or_default();
        line.chars().count()
    }

    /// Edits `node`, which stands under `key`
    fn visit(&mut self, node: &Node, key: Option<&Node>, patch: &Patch) -> Result<(), Obstacle> {
        if let Content::Reference(_) = node.content {
            return Err(self.obstacle(REFERENCE, node));
        } else if self.tree.is_shared(node) {
            return Err(self.obstacle(SHARED, node));
        }
        match (patch, &node.content) {
            (Patch::Into(_), Content::Map(map)) => self.visit_map(node, map, key, patch),
            (Patch::Set(value, note), Content::Map(map)) if key.is_some_and(|key| is_alias(key.text())) => {
                self.set_key(node, map, value, note)
            }
            (Patch::Set(value, note), _) => {
                self.replace(node, key, value)?;
                self.renote(node, note);
                Ok(())
            }
            (Patch::Into(_), _) => Err(self.obstacle(UNKNOWN, node)),
        }
    }

    fn visit_map(
        &mut self,
        node: &Node,
        map: &Map,
        key: Option<&Node>,
        patch: &Patch,
    ) -> Result<(), Obstacle> {
        match (key, self.around) {
            _ if !map.flow => self.add(node, map, key, patch),
            (Some(key), Around::Lines) => self.visit_braces(node, map, key, patch),
            (Some(_), Around::Opened { .. }) if patch.adds_to(node) => self.add(node, map, key, patch),
            _ => self.within(Around::Braces, |loom| loom.add(node, map, key, patch)),
        }
    }

    /// Braces that stand on a line: where they would leave no room for what is added, it is written below them, and they go
    fn visit_braces(&mut self, node: &Node, map: &Map, key: &Node, patch: &Patch) -> Result<(), Obstacle> {
        let start = self.edits.len();
        self.within(Around::Braces, |loom| loom.add(node, map, Some(key), patch))?;
        let line = self.text[..key.range.start].rfind('\n').map_or(0, |end| end + 1);
        let line = line..self.line_end(node.range.end);
        let opens =
            map.pairs.is_empty() || patch.is_commented() || is_crowded(self.text, line, &self.edits[start..]);
        if !(opens && patch.adds_to(node)) {
            return Ok(());
        }
        let closed = self.edits.split_off(start);
        let opened = Around::Opened { column: self.column(key) + self.step, outermost: true };
        if self.within(opened, |loom| loom.add(node, map, Some(key), patch)).is_err() {
            self.edits.truncate(start);
            self.edits.extend(closed);
        }
        Ok(())
    }

    fn within<T>(&mut self, around: Around, visit: impl FnOnce(&mut Self) -> T) -> T {
        let outside = std::mem::replace(&mut self.around, around);
        let visited = visit(self);
        self.around = outside;
        visited
    }

    /// Edits the values that are there, and adds the others
    fn add(&mut self, node: &Node, map: &Map, key: Option<&Node>, patch: &Patch) -> Result<(), Obstacle> {
        let Patch::Into(keys) = patch else { return Err(self.obstacle(UNKNOWN, node)) };
        let (mut added, around) = (Vec::new(), self.around);
        let step = if map.flow { self.step } else { self.step_below(map, key) };
        let inside = match around {
            Around::Opened { column, .. } => Around::Opened { column: column + step, outermost: false },
            other => other,
        };
        for (name, patch) in keys {
            self.step = step;
            match map.pair(name) {
                Some((key, value)) => self.within(inside, |loom| loom.visit(value, Some(key), patch))?,
                None if self.tree.merges(map, name) => return Err(self.obstacle(MERGED, node)),
                None => added.push((name, patch)),
            }
        }
        self.step = step;
        let edits = match (around, key) {
            (Around::Opened { column, outermost }, Some(key)) if map.flow => {
                let end = if outermost { self.line_end(node.range.end) } else { node.range.end };
                let margin = format!("{}{}", self.end_of_line, " ".repeat(column));
                let (text, comments, step) = (self.text, &self.tree.comments, " ".repeat(step));
                let braces = Braces { text, comments, key, node, map, end, margin, step };
                braces.open(keys).ok_or_else(|| self.obstacle(CLOSED, node))?
            }
            _ if map.flow => add_flow(node, map, &added),
            _ => added.iter().map(|(name, patch)| self.add_block(map, key, name, patch)).collect(),
        };
        self.edits.extend(edits);
        Ok(())
    }

    /// The key of an alias that says more than that
    fn set_key(&mut self, node: &Node, map: &Map, value: &str, note: &Note) -> Result<(), Obstacle> {
        if let Some((key, old)) = map.pair("key") {
            return self.visit(old, Some(key), &Patch::Set(value.to_owned(), note.clone()));
        }
        let Some((key, old)) = map.pair("absent") else { return Err(self.obstacle(MERGED, node)) };
        self.visit(old, Some(key), &Patch::Set(value.to_owned(), note.clone()))?;
        self.edits.push((key.range.clone(), "key".to_owned()));
        Ok(())
    }

    fn replace(&mut self, node: &Node, key: Option<&Node>, value: &str) -> Result<(), Obstacle> {
        if self.tree.shares_within(node) {
            return Err(self.obstacle(SHARED, node));
        }
        let new = match node.content {
            Content::Scalar { style: ScalarStyle::SingleQuoted, .. } => format!("'{value}'"),
            Content::Scalar { style: ScalarStyle::DoubleQuoted, .. } => format!("\"{value}\""),
            Content::Scalar { .. } => value.to_owned(),
            _ => {
                self.replace_collection(node, key, value);
                return Ok(());
            }
        };
        self.edits.push((node.range.clone(), new));
        Ok(())
    }

    /// The comment that ends the line of a key and says what the old one is; on a line of several aliases nobody knows whose it is
    fn renote(&mut self, node: &Node, note: &Note) {
        let comment = match self.around {
            Around::Lines => note.stale_comment(self.text, self.tree, node.range.end),
            Around::Braces | Around::Opened { .. } => None,
        };
        if let Some(comment) = comment {
            self.edits.push(note.instead(self.text, self.tree.comments[comment].clone()));
            self.renoted.insert(comment, note.clone());
        }
    }

    /// The comments in what goes come before what takes its place
    fn replace_collection(&mut self, node: &Node, key: Option<&Node>, value: &str) {
        let within = |range: &&Range<usize>| node.range.start <= range.start && range.end <= node.range.end;
        let comments = self.tree.comments.iter().filter(within);
        let margin = " ".repeat(key.map_or(0, |key| self.column(key) + 2));
        let comments =
            comments.map(|range| format!("{}{}{margin}", &self.text[range.clone()], self.end_of_line));
        let comments: String = comments.collect();
        let gap = key.map(|key| key.range.end..node.range.start).unwrap_or_default();
        // A mapping that began on the next line leaves room beside its key.
        let moves_up = comments.is_empty() && self.text[gap.clone()].trim() == ":";
        let edit = match moves_up {
            true => (gap.start..node.range.end, format!(": {value}")),
            false => (node.range.clone(), comments + value),
        };
        self.edits.push(edit);
    }

    /// The end of the line that byte `at` is on
    fn line_end(&self, at: usize) -> usize {
        let rest = self.text[at..].find('\n').map_or(self.text.len(), |end| at + end);
        at + self.text[at..rest].trim_end_matches('\r').len()
    }

    /// The spaces by which the pairs of a block are deeper than its key
    fn step_below(&self, map: &Map, key: Option<&Node>) -> usize {
        let column = map.pairs.first().map_or(0, |(first, _)| self.column(first));
        let above = key.map_or(0, |key| self.column(key));
        if key.is_some() && column > above { column - above } else { 2 }
    }

    /// On a line of its own, below the pair that it comes after
    fn add_block(&self, map: &Map, key: Option<&Node>, name: &str, patch: &Patch) -> Edit {
        let column = map.pairs.first().map_or(0, |(first, _)| self.column(first));
        let step = self.step_below(map, key);
        let margin = format!("{}{}", self.end_of_line, " ".repeat(column));
        let neighbour = match key {
            Some(key) if is_first(map, name) => key,
            _ => before(map, name).map_or(&map.pairs[0].1, |(_, value)| value),
        };
        let end = self.line_end(neighbour.range.end);
        (end..end, patch.block(name, &margin, &" ".repeat(step)))
    }
}

fn is_alias(key: Option<&str>) -> bool {
    key.is_some_and(|key| key.starts_with("alias/"))
}

fn add_flow(node: &Node, map: &Map, added: &[(&String, &Patch)]) -> Vec<Edit> {
    let pair = |(name, patch): &(&String, &Patch)| format!("{name}: {}", patch.flow());
    if map.pairs.is_empty() {
        let (inside, all) = (node.range.start + 1, added.iter().map(pair).collect::<Vec<_>>());
        return if all.is_empty() { Vec::new() } else { vec![(inside..inside, all.join(", "))] };
    }
    let edit = |one: &(&String, &Patch)| {
        let end = before(map, one.0).map_or(node.range.start + 1, |(_, value)| value.range.end);
        (end..end, format!(", {}", pair(one)))
    };
    added.iter().map(edit).collect()
}

/// Whether `name` is an alias before all that are there
pub(super) fn is_first(map: &Map, name: &str) -> bool {
    is_alias(Some(name)) && map.pairs.iter().all(|(key, _)| is_alias(key.text()) && key.text() > Some(name))
}

/// The pair that `name` comes after: of aliases the last smaller one, where there is one, and otherwise the last of all
pub(super) fn before<'m>(map: &'m Map, name: &str) -> Option<&'m (Node, Node)> {
    let smaller = |(key, _): &&(Node, Node)| key.text().is_some_and(|key| is_alias(Some(key)) && key < name);
    map.pairs.iter().rfind(smaller).filter(|_| is_alias(Some(name))).or(map.pairs.last())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(path: &[&str], value: &str) -> Patch {
        let mut patch = Patch::Into(BTreeMap::new());
        let path: Vec<String> = path.iter().map(|&key| key.to_owned()).collect();
        patch.put(&path, value.to_owned(), Note { text: Some("why".to_owned()), stale: None });
        patch
    }

    fn woven(text: &str, path: &[&str]) -> Result<String, Obstacle> {
        weave(text, &Tree::of(text).unwrap(), &patch(path, "NEW")).map(|woven| woven.text)
    }

    #[test]
    fn a_value_is_replaced_in_its_own_style() {
        for (old, new) in [
            ("a:\n  alias/x:   OLD  # why\n", "a:\n  alias/x:   NEW  # why\n"),
            ("a: {alias/x: 'OLD', b: c}", "a: {alias/x: 'NEW', b: c}"),
            ("a:\r\n  \"alias/x\": \"OLD\"\r\n", "a:\r\n  \"alias/x\": \"NEW\"\r\n"),
            ("a:\n  alias/x: {key: OLD, description: d}\n", "a:\n  alias/x: {key: NEW, description: d}\n"),
            ("a:\n  alias/x: {absent: true}\n", "a:\n  alias/x: {key: NEW}\n"),
            (
                "a:\n  alias/x: {key: {tags: {b: c}}, description: d}\n",
                "a:\n  alias/x: {key: NEW, description: d}\n",
            ),
            (
                "a:\n  alias/x:\n    key:\n      tags:\n        b: c  # 1\n    # 2\n",
                "a:\n  alias/x:\n    key: NEW  # 1\n    # 2\n",
            ),
            (
                "a:\n  alias/x:\n    key:  # 0\n      tags:  # 1\n        b: c  # 2\n    description: d\n",
                "a:\n  alias/x:\n    key:  # 0\n      # 1\n      NEW  # 2\n    description: d\n",
            ),
            ("a:\n  alias/x: >-\n    OLD\n  alias/y: z\n", "a:\n  alias/x: >-\n    NEW\n  alias/y: z\n"),
        ] {
            assert_eq!(woven(old, &["a", "alias/x"]).as_deref(), Ok(new), "{old}");
        }
    }

    #[test]
    fn a_comment_that_says_what_the_old_key_was_says_what_the_new_one_is() {
        for (old, new, gone) in [
            ("a:\n  alias/x: OLD  # old key\n", "a:\n  alias/x: NEW  # new key\n", "a:\n  alias/x: NEW\n"),
            ("a:\n  alias/x: 'OLD' # old key", "a:\n  alias/x: 'NEW' # new key", "a:\n  alias/x: 'NEW'"),
            (
                "a:\n  alias/x: {key: OLD, protect: [delete]}  # old key\n  # old key\n",
                "a:\n  alias/x: {key: NEW, protect: [delete]}  # new key\n  # old key\n",
                "a:\n  alias/x: {key: NEW, protect: [delete]}\n  # old key\n",
            ),
            (
                "a:\n  alias/x:\n    key: OLD  # old key\n    protect: [delete]\n",
                "a:\n  alias/x:\n    key: NEW  # new key\n    protect: [delete]\n",
                "a:\n  alias/x:\n    key: NEW\n    protect: [delete]\n",
            ),
            (
                "a:\n  alias/x: OLD  # old keys\n",
                "a:\n  alias/x: NEW  # old keys\n",
                "a:\n  alias/x: NEW  # old keys\n",
            ),
            (
                "a:\n  alias/x: OLD\n  # old key\n",
                "a:\n  alias/x: NEW\n  # old key\n",
                "a:\n  alias/x: NEW\n  # old key\n",
            ),
            (
                "a: {alias/x: OLD, alias/y: Z} # old key",
                "a: {alias/x: NEW, alias/y: Z} # old key",
                "a: {alias/x: NEW, alias/y: Z} # old key",
            ),
        ] {
            for (text, wanted) in [(Some("new key".to_owned()), new), (None, gone)] {
                let mut patch = Patch::Into(BTreeMap::new());
                let note = Note { text, stale: Some("old key".to_owned()) };
                patch.put(&["a".to_owned(), "alias/x".to_owned()], "NEW".to_owned(), note);
                assert_eq!(weave(old, &Tree::of(old).unwrap(), &patch).unwrap().text, wanted, "{old}");
            }
        }
    }

    #[test]
    fn a_pair_is_added_below_its_neighbour_at_its_column() {
        for (old, new) in [
            (
                "a:\n  # b is first\n  alias/b: c  # d\n  # the end\n",
                "a:\n  # b is first\n  alias/b: c  # d\n  alias/x: NEW  # why\n  # the end\n",
            ),
            (
                "a:\r\n    alias/b: c\r\n    alias/y: d",
                "a:\r\n    alias/b: c\r\n    alias/x: NEW  # why\r\n    alias/y: d",
            ),
            ("a:\n  alias/y: d", "a:\n  alias/x: NEW  # why\n  alias/y: d"),
            ("a: # b\n\n  # y\n  alias/y: d", "a: # b\n  alias/x: NEW  # why\n\n  # y\n  alias/y: d"),
            ("a: {}\n", "a:\n  alias/x: NEW  # why\n"),
            ("b: c\r\na: {}  # none\r\n", "b: c\r\na:  # none\r\n  alias/x: NEW  # why\r\n"),
            ("{a: {}}\n", "{a: {alias/x: NEW}}\n"),
            ("{a: {alias/b: c, alias/y: d,}}\n", "{a: {alias/b: c, alias/x: NEW, alias/y: d,}}\n"),
        ] {
            assert_eq!(woven(old, &["a", "alias/x"]).as_deref(), Ok(new), "{old}");
        }
        let nested = woven("t:\n    p:\n        account: 1\n    q: 2\n", &["t", "p", "overrides", "alias/x"]);
        assert_eq!(
            nested.unwrap(),
            "t:\n    p:\n        account: 1\n        overrides:\n            alias/x: NEW  # why\n    q: 2\n"
        );
    }

    #[test]
    fn what_others_share_is_not_edited() {
        for (text, why, line) in [
            ("x: &k OLD\na:\n  alias/x: *k\n", REFERENCE, 3),
            ("a:\n  alias/x: &k OLD\n  alias/y: *k\n", SHARED, 2),
            ("a:\n  alias/x: {key: {tags: &t {b: c}}}\n  alias/y: {key: {tags: *t}}\n", SHARED, 2),
            ("a: &all\n  alias/x: OLD\nb: *all\n", SHARED, 2),
            ("x: &all {alias/x: OLD}\na:\n  <<: *all\n", MERGED, 3),
            ("x: &more {key: OLD}\na:\n  alias/x: {<<: *more, description: d}\n", MERGED, 3),
        ] {
            assert_eq!(woven(text, &["a", "alias/x"]), Err(Obstacle { why, line }), "{text}");
        }
        let unshared = woven("x: &o {b: c}\na:\n  <<: *o\n  alias/x: &k OLD\n", &["a", "alias/x"]);
        assert_eq!(unshared.unwrap(), "x: &o {b: c}\na:\n  <<: *o\n  alias/x: &k NEW\n");
    }
}
