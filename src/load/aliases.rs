//! `aliases:` -> entries: a name, what it should be, and which instances it is for. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use super::key;
use super::language::{ALIAS, Words};
use super::manifest::{Entry, More};
use super::manner;
use super::node::{Kind, Node, Value};
use super::problem::{Problem, Problems};
use super::read::{Fields, boolean, text, wrong_kind};
use super::select::{Chosen, Selectors};
use super::source::Spot;
use crate::alias::{AliasName, NameError};
use crate::target::Want;

/// The shared maps, one a file
pub(super) fn read_shared(
    nodes: &[&Node],
    selectors: &mut Selectors<'_>,
    found: &mut Problems,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    for node in nodes {
        let pairs = alias_pairs(node, found);
        entries.reserve(pairs.len());
        entries.extend(pairs.iter().filter_map(|(key, value)| read_one(key, value, selectors, found)));
    }
    if nodes.len() > 1 {
        across_files(&mut entries, found);
    }
    entries
}

/// The pairs of a mapping from aliases to keys
pub(super) fn alias_pairs<'n>(node: &'n Node, found: &mut Problems) -> &'n [(Node, Node)] {
    if let Value::Map(pairs) = &node.value {
        return pairs;
    }
    found.add(wrong_kind(node, "a mapping of aliases").help(match node.kind() {
        Kind::Null => "write `{}` if none is meant; with `prune`, what was declared is then deleted",
        _ => "write a line `alias/app/name: KEY` for each, without `-`",
    }));
    &[]
}

fn read_one(key: &Node, value: &Node, selectors: &mut Selectors<'_>, found: &mut Problems) -> Option<Entry> {
    let name = read_name(key, found);
    let targets = Fields::of(value).and_then(|fields| fields.get("targets"));
    let only = targets.map(|node| selectors.choose(node, found));
    let said = read_value(value, &ALIAS, found);
    let only = match only {
        Some(chosen) => Some(chosen?),
        None => None,
    };
    Some(entry(key, name?, said?, only))
}

/// What one alias is said to be
pub(super) struct Said {
    want: Want,
    spot: Spot,
    more: Arc<More>,
}

pub(super) fn entry(key: &Node, name: AliasName, said: Said, only: Option<Chosen>) -> Entry {
    let Said { want, spot: want_spot, more } = said;
    Entry { name, spot: key.spot.clone(), want, want_spot, more, only }
}

pub(super) fn read_name(key: &Node, found: &mut Problems) -> Option<AliasName> {
    read_name_text(key.text(), &key.spot, found)
}

/// The alias name `text`, which stands at `spot`
pub(super) fn read_name_text(text: &str, spot: &Spot, found: &mut Problems) -> Option<AliasName> {
    match AliasName::parse(text) {
        Ok(name) => {
            if let Some(inner) = text.strip_prefix("alias/alias/") {
                let problem = Problem::warning("doubled-prefix", format!("`{text}` has the prefix twice"));
                let help = format!(
                    "did you mean `alias/{inner}`? The console adds the prefix itself, and makes such names"
                );
                found.add(problem.at(spot, "").help(help));
            }
            Some(name)
        }
        Err(error) => {
            let problem = Problem::error("alias-name", format!("`{text}` is not an alias name: {error}"));
            found.add(problem.at(spot, "").help(mended(text, &error)));
            None
        }
    }
}

/// The name that was meant where that is plain, else the rule
fn mended(text: &str, error: &NameError) -> String {
    let bare = if text.to_ascii_lowercase().starts_with("alias/") { &text[6..] } else { text };
    let with_prefix = format!("alias/{}", bare.trim_start_matches('/'));
    if *error == NameError::Prefix && AliasName::parse(&with_prefix).is_ok() {
        return format!("write `{with_prefix}`");
    }
    error.hint().to_owned()
}

/// A key, `absent`, or a mapping that says more
pub(super) fn read_value(node: &Node, words: &Words, found: &mut Problems) -> Option<Said> {
    if node.kind() != Kind::Map {
        let want = read_want(node, found)?;
        return Some(Said { want, spot: node.spot.clone(), more: More::nothing() });
    }
    let fields = Fields::read(node, words, found)?;
    let description = fields.get("description").and_then(|node| text(node, "text", found)).map(Arc::from);
    let (manner, previous_spots) = manner::read(&fields, found);
    let absent = match fields.pair("absent") {
        Some((key, value)) => boolean(value, found)?.then_some(key),
        None => None,
    };
    let (want, spot) = match (fields.pair("key"), absent) {
        (Some((key, _)), Some(absent)) => {
            let problem = Problem::error("conflict", "an absent alias has no key").at(&key.spot, "");
            found.add(problem.also(&absent.spot, "absent here").help("take one of the two out"));
            return None;
        }
        (Some((_, value)), None) => (read_want(value, found)?, &value.spot),
        (None, Some(absent)) => (Want::Absent, &absent.spot),
        (None, None) if fields.refused => return None,
        (None, None) => {
            let problem = Problem::error("missing-key", "this alias has no `key`").at(&node.spot, "");
            found.add(problem.help("add `key`, or `absent: true` if the alias should not exist"));
            return None;
        }
    };
    let more = More { description, manner: manner.into(), previous_spots }.into();
    Some(Said { want, spot: spot.clone(), more })
}

fn read_want(node: &Node, found: &mut Problems) -> Option<Want> {
    if node.kind() == Kind::Text && node.text() == "absent" {
        return Some(Want::Absent);
    }
    key::read(node, found).map(Want::Key)
}

/// Within a file the tree has seen to it already.
fn across_files(entries: &mut Vec<Entry>, found: &mut Problems) {
    let mut firsts: HashMap<AliasName, Spot> = HashMap::with_capacity(entries.len());
    entries.retain(|entry| match firsts.get(&entry.name) {
        Some(first) => {
            let problem =
                Problem::error("duplicate-alias", format!("`{}` is declared in two files", entry.name));
            let problem = problem.at(&entry.spot, "again here").also(first, "first here");
            found.add(problem.help("take one of the two out"));
            false
        }
        None => {
            firsts.insert(entry.name.clone(), entry.spot.clone());
            true
        }
    });
}
