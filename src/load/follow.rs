//! Aliases that follow other aliases: those that go round in a circle, and those that end at an alias declared absent, or at a
//! previous name, which is about to go. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::Entry;
use super::problem::Problem;
use crate::alias::{AliasName, KeyRef};
use crate::target::Want;

/// What is declared for one instance
pub(super) type Declared<'m> = BTreeMap<&'m AliasName, &'m Entry>;

/// Every wrong chain among `declared`
pub(super) fn check(declared: &Declared<'_>) -> Vec<Problem> {
    let mut problems: Vec<_> =
        declared.values().filter_map(|entry| follows_absent(entry, declared)).collect();
    problems.extend(follow_previous(declared));
    let mut done = BTreeSet::new();
    for start in declared.values().filter(|entry| followed(entry).is_some()) {
        problems.extend(circle_from(start, declared, &mut done));
    }
    problems
}

/// The alias that `entry` follows
fn followed(entry: &Entry) -> Option<&AliasName> {
    match &entry.want {
        Want::Key(KeyRef::Alias(name)) => Some(name),
        _ => None,
    }
}

fn follows_absent(entry: &Entry, declared: &Declared<'_>) -> Option<Problem> {
    let other = declared.get(followed(entry)?).filter(|other| other.want == Want::Absent)?;
    let message = format!("`{}` follows `{}`, which is declared absent", entry.name, other.name);
    let problem = Problem::error("follows-absent", message).at(&entry.want_spot, "");
    Some(problem.also(&other.want_spot, "absent here").help("name the key itself"))
}

/// Those that are right until the rename is done, and have nothing to follow after it
fn follow_previous(declared: &Declared<'_>) -> Vec<Problem> {
    let renamed = declared.values().filter(|entry| !entry.more.manner.retain_previous);
    let previous = renamed.flat_map(|entry| entry.more.previous().map(|(name, spot)| (name, (*entry, spot))));
    let previous: BTreeMap<_, _> = previous.collect();
    let follows = |entry: &&Entry| {
        let name = followed(entry)?;
        let (other, spot) = previous.get(name)?;
        let message = format!("`{}` follows `{name}`, a previous name that renaming deletes", entry.name);
        let help = match other.name == entry.name {
            true => "name the key itself".to_owned(),
            false => format!("follow `{}`", other.name),
        };
        let problem = Problem::error("follows-previous", message).at(&entry.want_spot, "");
        Some(problem.also(spot, "previous here").help(help))
    };
    declared.values().filter_map(follows).collect()
}

/// The circle that the chain from `start` runs into; each name is walked once, in `done` or not
fn circle_from<'m>(
    start: &'m Entry,
    declared: &Declared<'m>,
    done: &mut BTreeSet<&'m AliasName>,
) -> Option<Problem> {
    let mut chain: Vec<&Entry> = Vec::new();
    let mut places = BTreeMap::new();
    let mut next = Some(start);
    while let Some(entry) = next {
        if let Some(at) = places.insert(&entry.name, chain.len()) {
            return Some(circle(&chain[at..]));
        }
        if followed(entry).is_none() || !done.insert(&entry.name) {
            return None;
        }
        chain.push(entry);
        next = followed(entry).and_then(|name| declared.get(name).copied());
    }
    None
}

/// Aliases of a circle whose lines are shown, besides the first
const SHOWN: usize = 9;

/// Told from its smallest name on, so that every target tells it alike
fn circle(chain: &[&Entry]) -> Problem {
    let smallest = (0..chain.len()).min_by_key(|at| &chain[*at].name).unwrap_or_default();
    let told: Vec<_> = (0..=chain.len()).map(|at| chain[(smallest + at) % chain.len()]).collect();
    let names: Vec<_> = told.iter().map(|entry| entry.name.as_str()).collect();
    let message = format!("aliases follow one another in a circle: {}", names.join(" -> "));
    let mut problem = Problem::error("circle", message).at(&told[0].want_spot, "");
    for entry in told[1..chain.len()].iter().take(SHOWN) {
        problem = problem.also(&entry.want_spot, "");
    }
    problem.help("let one of them name a key")
}
