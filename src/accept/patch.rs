//! What is to stand in a text, key by key -> the same as it is written, between braces or on lines. Pure.

use std::collections::BTreeMap;

use super::note::{Note, written};
use super::tree::{Content, Node};

/// What is to stand under a key
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Patch {
    /// This value, and the comment at the end of its line where that is new or what is there is stale; of an alias that says more than
    /// its key, its `key`
    Set(String, Note),
    /// These keys, besides those that are there
    Into(BTreeMap<String, Patch>),
}

impl Patch {
    /// Adds the value at the end of `path`
    pub(super) fn put(&mut self, path: &[String], value: String, note: Note) {
        match (path, &mut *self) {
            ([], _) => *self = Self::Set(value, note),
            ([first, rest @ ..], Self::Into(keys)) => {
                let next = keys.entry(first.clone()).or_insert_with(|| Self::Into(BTreeMap::new()));
                next.put(rest, value, note);
            }
            ([..], Self::Set(..)) => {
                *self = Self::Into(BTreeMap::new());
                self.put(path, value, note);
            }
        }
    }

    /// As a person would add it to a file
    pub(super) fn told(&self) -> String {
        let flow = self.flow();
        flow.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(&flow).to_owned()
    }

    /// With braces, on one line
    pub(super) fn flow(&self) -> String {
        match self {
            Self::Set(value, _) => value.clone(),
            Self::Into(keys) => {
                let pairs: Vec<_> =
                    keys.iter().map(|(key, patch)| format!("{key}: {}", patch.flow())).collect();
                format!("{{{}}}", pairs.join(", "))
            }
        }
    }

    /// Whether a comment comes with any of it
    pub(super) fn is_commented(&self) -> bool {
        match self {
            Self::Set(_, note) => note.text.is_some(),
            Self::Into(keys) => keys.values().any(Self::is_commented),
        }
    }

    /// Whether it adds a pair to `node`, or to what is in it
    pub(super) fn adds_to(&self, node: &Node) -> bool {
        match (self, &node.content) {
            (Self::Into(keys), Content::Map(map)) => {
                keys.iter().any(|(name, patch)| map.pair(name).is_none_or(|(_, value)| patch.adds_to(value)))
            }
            _ => false,
        }
    }

    /// The lines of `key` with this below it, each begun by `margin`
    pub(super) fn block(&self, key: &str, margin: &str, step: &str) -> String {
        match self {
            Self::Set(value, Note { text: None, .. }) => format!("{margin}{key}: {value}"),
            Self::Set(value, Note { text: Some(note), .. }) => {
                format!("{margin}{key}: {value}  {}", written(note))
            }
            Self::Into(keys) => {
                let deeper = format!("{margin}{step}");
                let lines = keys.iter().map(|(key, patch)| patch.block(key, &deeper, step));
                format!("{margin}{key}:{}", lines.collect::<String>())
            }
        }
    }
}
