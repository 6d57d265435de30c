//! Nodes -> texts, booleans, numbers, lists and mappings with known keys; what is not of the wanted kind is reported and left
//! out. Pure.

use std::collections::HashMap;

use super::language::Words;
use super::node::{Kind, Node, Value};
use super::problem::{Problem, Problems};
use super::source::Spot;
use super::suggest::nearest;

/// The text of `node`; a plain number or boolean is none
pub(crate) fn text<'n>(node: &'n Node, wanted: &str, found: &mut Problems) -> Option<&'n str> {
    if node.kind() == Kind::Text {
        return Some(node.text());
    }
    found.add(wrong_kind(node, wanted));
    None
}

/// `true` or `false`, as YAML 1.2 writes them
pub(crate) fn boolean(node: &Node, found: &mut Problems) -> Option<bool> {
    if let Kind::Bool(value) = node.kind() {
        return Some(value);
    }
    let problem = wrong_kind(node, "`true` or `false`");
    found.add(match node.text().to_ascii_lowercase().as_str() {
        "yes" | "on" | "y" | "true" => problem.help("write true"),
        "no" | "off" | "n" | "false" => problem.help("write false"),
        _ => problem.help("write true or false"),
    });
    None
}

/// At less, the time between two requests is more than a clock can hold, in the end
pub(super) const SLOWEST: f64 = 0.001;

/// A number of requests a second
pub(super) fn rate(node: &Node, found: &mut Problems) -> Option<f64> {
    let number = node.text().parse::<f64>().ok();
    let positive = number.filter(|rate| rate.is_finite() && *rate >= SLOWEST);
    if node.kind() == Kind::Number {
        if positive.is_none() {
            let message = format!("`{}` is no rate: requests a second, at least {SLOWEST}", node.text());
            found.add(Problem::error("rate", message).at(&node.spot, "").help("write it as in `create: 5`"));
        }
        return positive;
    }
    let problem = wrong_kind(node, "a number of requests a second");
    found.add(if positive.is_some() { problem.help(format!("write {}", node.text())) } else { problem });
    None
}

/// The items of a list that has at least one
pub(super) fn items<'n>(node: &'n Node, wanted: &str, found: &mut Problems) -> Option<&'n [Node]> {
    match &node.value {
        Value::List(items) if items.is_empty() => {
            let problem = Problem::error("empty-list", format!("expected {wanted}, found an empty list"));
            found.add(problem.at(&node.spot, "").help("fill it, or take the key out"));
            None
        }
        Value::List(items) => Some(items),
        _ => {
            let problem = wrong_kind(node, wanted);
            found.add(match node.kind() {
                Kind::Text => problem.help(format!("make it a list: [{}]", node.spot.text())),
                _ => problem.help("write a list, as in `[one, two]`, or take the key out"),
            });
            None
        }
    }
}

/// The texts of a list, each once; `None` if any of them is wrong
pub(super) fn texts<'n>(
    node: &'n Node,
    wanted: &str,
    found: &mut Problems,
) -> Option<Vec<(&'n str, &'n Spot)>> {
    let items = items(node, wanted, found)?;
    let mut sound = true;
    let mut firsts: HashMap<&str, &Spot> = HashMap::with_capacity(items.len());
    let mut texts = Vec::with_capacity(items.len());
    for item in items {
        let Some(text) = text(item, "text", found) else {
            sound = false;
            continue;
        };
        match firsts.insert(text, &item.spot) {
            Some(first) => found.add(repeated(text, &item.spot, first)),
            None => texts.push((text, &item.spot)),
        }
    }
    sound.then_some(texts)
}

fn repeated(text: &str, spot: &Spot, first: &Spot) -> Problem {
    Problem::error("duplicate-item", format!("`{text}` is listed twice"))
        .at(spot, "again here")
        .also(first, "first here")
        .help("take one of the two out")
}

/// The pairs of a mapping
pub(crate) fn pairs<'n>(node: &'n Node, wanted: &str, found: &mut Problems) -> Option<&'n [(Node, Node)]> {
    if let Value::Map(pairs) = &node.value {
        return Some(pairs);
    }
    found.add(wrong_kind(node, wanted));
    None
}

/// A mapping whose keys have been checked
pub(crate) struct Fields<'n> {
    pairs: &'n [(Node, Node)],
    /// Whether a key was refused, which may be what a missing one was meant to be
    pub(crate) refused: bool,
}

impl<'n> Fields<'n> {
    /// The fields of `node`, unknown and unsupported ones reported
    pub(crate) fn read(node: &'n Node, words: &Words, found: &mut Problems) -> Option<Self> {
        let Value::Map(pairs) = &node.value else {
            let problem = wrong_kind(node, &format!("{}, which is a mapping", words.what));
            found.add(problem.help(words.told()));
            return None;
        };
        let mut refused = false;
        for (key, _) in pairs.iter() {
            if let Some(problem) = misplaced(key, words) {
                refused = true;
                found.add(problem);
            }
        }
        Some(Self { pairs, refused })
    }

    /// The fields of a mapping that has been or will be checked elsewhere; nothing for any other value
    pub(super) fn of(node: &'n Node) -> Option<Self> {
        match &node.value {
            Value::Map(pairs) => Some(Self { pairs, refused: false }),
            _ => None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The value under `name`
    pub(crate) fn get(&self, name: &str) -> Option<&'n Node> {
        self.pair(name).map(|(_, value)| value)
    }

    /// The key and the value
    pub(crate) fn pair(&self, name: &str) -> Option<(&'n Node, &'n Node)> {
        self.pairs.iter().find(|(key, _)| key.text() == name).map(|(key, value)| (key, value))
    }
}

fn misplaced(key: &Node, words: &Words) -> Option<Problem> {
    let text = key.text();
    if words.names().any(|name| name == text) || (words.extensions && text.starts_with("x-")) {
        return None;
    }
    if words.later.contains(&text) {
        let message = format!("`{text}` is not supported by this version of kms-alias");
        let problem = Problem::error("unsupported", message).at(&key.spot, "");
        return Some(problem.help("take it out: nothing would act on it"));
    }
    let problem = Problem::error("unknown-key", format!("unknown key `{text}`"));
    let problem = problem.at(&key.spot, format!("not a key of {}", words.what));
    if words.extensions && text.starts_with("alias/") {
        return Some(problem.help("put it under `aliases:`, and indent it"));
    }
    let all = words.names().chain(words.later.iter().copied());
    Some(match nearest(text, all) {
        Some(meant) => problem.help(format!("did you mean `{meant}`?")),
        None => problem.help(words.told()),
    })
}

/// `a`, `b`, `c`, in backticks
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// `expected …, found …`, with the quotes that would mend it
pub(crate) fn wrong_kind(node: &Node, wanted: &str) -> Problem {
    let kind = node.kind();
    let problem = match kind {
        Kind::Null => Problem::error("null-value", format!("expected {wanted}, found nothing (null)")),
        _ => Problem::error("wrong-type", format!("expected {wanted}, found {}", kind.name())),
    };
    let problem = problem.at(&node.spot, if kind == Kind::Null { "no value" } else { kind.name() });
    match kind {
        Kind::Number | Kind::Bool(_) if wanted.ends_with("text") => {
            problem.help(format!("quote it: \"{}\"", node.text()))
        }
        Kind::Null => problem.help("write a value, or take it out"),
        Kind::List | Kind::Map if wanted.ends_with("text") => problem.help("write a single text"),
        _ => problem,
    }
}
