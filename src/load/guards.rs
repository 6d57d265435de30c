//! `protect` and `guards` -> what a plan may not do, or only so much of. Pure.

use super::language::{GUARDS, PROTECTION};
use super::manifest::GuardSettings;
use super::node::{Kind, Node, Value};
use super::problem::{Problem, Problems};
use super::read::{Fields, items, text, texts, wrong_kind};
use super::scope;
use super::suggest::nearest;
use crate::target::{Guard, Harm, Limit, Protection};

/// The entries of `protect`; an empty list protects nothing, which a target may want
pub(super) fn read_protect(node: &Node, found: &mut Problems) -> Vec<Protection> {
    if matches!(&node.value, Value::List(items) if items.is_empty()) {
        return Vec::new();
    }
    let wanted = "a list of entries as {match: \"alias/*/prod/**\", from: [delete, retarget]}";
    let items = items(node, wanted, found).unwrap_or_default();
    items.iter().filter_map(|item| read_protection(item, found)).collect()
}

fn read_protection(node: &Node, found: &mut Problems) -> Option<Protection> {
    let fields = Fields::read(node, &PROTECTION, found)?;
    let pattern = require(&fields, "match", node, found);
    let pattern = pattern.and_then(|node| Some((text(node, "a pattern as text", found)?, &node.spot)));
    let from = require(&fields, "from", node, found).map(|node| read_harms(node, found));
    let (pattern, spot) = pattern?;
    match scope::pattern(pattern) {
        Ok(pattern) => Some(Protection { pattern, from: from?, place: spot.place() }),
        Err(problem) => {
            found.add(problem.at(spot, ""));
            None
        }
    }
}

fn require<'n>(fields: &Fields<'n>, key: &str, node: &Node, found: &mut Problems) -> Option<&'n Node> {
    let value = fields.get(key);
    if value.is_none() && !fields.refused {
        let problem = Problem::error("missing-key", format!("this entry of `protect` has no `{key}`"));
        found.add(problem.at(&node.spot, "").help("write it as {match: PATTERN, from: [delete, retarget]}"));
    }
    value
}

/// What there is to be protected from
pub(super) const HARMS: [&str; 2] = ["delete", "retarget"];

/// `[delete, retarget]`, or one of the two
pub(super) fn read_harms(node: &Node, found: &mut Problems) -> Vec<Harm> {
    let texts = texts(node, "a list of `delete` and `retarget`", found).unwrap_or_default();
    let mut harms = Vec::with_capacity(texts.len());
    for (text, spot) in texts {
        match text {
            "delete" => harms.push(Harm::Delete),
            "retarget" => harms.push(Harm::Retarget),
            _ => {
                let problem = Problem::error("protect", format!("`{text}` is nothing to be protected from"));
                found.add(problem.at(spot, "").help(match nearest(text, HARMS) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => "write `delete`, `retarget` or both".to_owned(),
                }));
            }
        }
    }
    harms
}

/// The limits of `guards`
pub(super) fn read(node: &Node, found: &mut Problems) -> GuardSettings {
    let Some(fields) = Fields::read(node, &GUARDS, found) else { return GuardSettings::default() };
    GuardSettings {
        max_delete: fields.get("max_delete").and_then(|node| read_guard(node, found)),
        max_update: fields.get("max_update").and_then(|node| read_guard(node, found)),
        min_existing: fields.get("min_existing").and_then(|node| read_count(node, found)),
    }
}

fn read_guard(node: &Node, found: &mut Problems) -> Option<Guard> {
    let percent = || node.text().strip_suffix('%').and_then(|number| number.trim_end().parse::<f64>().ok());
    let limit = match node.kind() {
        Kind::Number => node.text().parse().ok().map(Limit::Count),
        Kind::Text => percent().filter(|n| (0.0..=100.0).contains(n)).map(Limit::Percent),
        _ => None,
    };
    if limit.is_none() {
        let problem = wrong_kind(node, "a number of names, or 0% to 100% of the live ones");
        found.add(problem.help("write it as in `max_delete: 5` or `max_delete: 30%`"));
    }
    Some(Guard { limit: limit?, place: Some(node.spot.place()) })
}

fn read_count(node: &Node, found: &mut Problems) -> Option<usize> {
    let count = node.text().parse().ok().filter(|_| node.kind() == Kind::Number);
    if count.is_none() {
        found.add(
            wrong_kind(node, "a whole number of names, 0 or more").help("write it as in `min_existing: 10`"),
        );
    }
    count
}
