//! The pairs of one mapping as written -> its pairs as meant: merge keys (`<<`) applied, explicit keys first; duplicate keys
//! and keys that are no text reported and left out. Pure.

use std::collections::HashSet;

use super::node::{Kind, Node, Value};
use super::problem::{Problem, Problems};

type Pair = (Node, Node);

pub(super) fn pairs(mut written: Vec<Pair>, found: &mut Problems) -> Vec<Pair> {
    let merges: Vec<Pair> = written.extract_if(.., |(key, _)| is_merge(key)).collect();
    let mut pairs = distinct(written, found);
    if let [first, again, ..] = &merges[..] {
        let help = "merge several mappings with a list: `<<: [*one, *two]`";
        found.add(duplicate(&again.0, &first.0).help(help));
    }
    if let Some((key, from)) = merges.first() {
        apply(&mut pairs, key, from, found);
    }
    pairs
}

fn is_merge(key: &Node) -> bool {
    matches!(key.value, Value::Scalar { quoted: false, .. }) && key.text() == "<<"
}

fn distinct(mut pairs: Vec<Pair>, found: &mut Problems) -> Vec<Pair> {
    pairs.retain(|(key, _)| is_text_key(key, found));
    let repeats = repeats(&pairs);
    for (index, first) in &repeats {
        found.add(duplicate(&pairs[*index].0, &pairs[*first].0));
    }
    let mut repeats = repeats.into_iter().map(|(index, _)| index).peekable();
    let mut index = 0..;
    pairs.retain(|_| index.next() != repeats.peek().copied() || repeats.next().is_none());
    pairs
}

fn is_text_key(key: &Node, found: &mut Problems) -> bool {
    let problem = match key.kind() {
        Kind::List | Kind::Map => {
            Problem::error("key-type", format!("{} cannot be a key", key.kind().name()))
                .help("quote a text that begins with `{` or `[`")
        }
        Kind::Null => Problem::error("key-type", "a key is missing").help("write a key before the `:`"),
        _ => return true,
    };
    found.add(problem.at(&key.spot, "a key is plain text"));
    false
}

/// The indices of keys that stand in the mapping already, each with the index of its first
fn repeats(pairs: &[Pair]) -> Vec<(usize, usize)> {
    let text = |index: &usize| pairs[*index].0.text();
    // A large mapping is sorted more often than not, and then every key is new.
    if pairs.is_sorted_by(|(one, _), (next, _)| one.text() < next.text()) {
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_by(|one, other| text(one).cmp(text(other)));
    let alike = order.chunk_by(|one, other| text(one) == text(other));
    let again = alike.flat_map(|same| same[1..].iter().map(|index| (*index, same[0])));
    let mut repeats: Vec<_> = again.collect();
    repeats.sort_unstable();
    repeats
}

fn duplicate(key: &Node, first: &Node) -> Problem {
    let alias = key.text().starts_with("alias/");
    let code = if alias { "duplicate-alias" } else { "duplicate-key" };
    Problem::error(code, format!("`{}` is written twice", key.text()))
        .at(&key.spot, "again here")
        .also(&first.spot, "first here")
        .help("take one of the two out")
}

/// Adds what `from` has and `pairs` has not (<https://yaml.org/type/merge.html>).
fn apply(pairs: &mut Vec<Pair>, key: &Node, from: &Node, found: &mut Problems) {
    let sources = match &from.value {
        Value::List(items) => &items[..],
        _ => std::slice::from_ref(from),
    };
    let mut seen: HashSet<String> = pairs.iter().map(|(key, _)| key.text().to_owned()).collect();
    for source in sources {
        let Value::Map(merged) = &source.value else {
            let message =
                format!("`<<` takes a mapping, or a list of mappings, not {}", source.kind().name());
            found.add(Problem::error("merge", message).at(&key.spot, "").help("name an anchor: `<<: *name`"));
            continue;
        };
        let new = merged.iter().filter(|(key, _)| seen.insert(key.text().to_owned()));
        pairs.extend(new.cloned());
    }
}
