//! The receipt of a run, by our own reading, and what that run really did -> what a revert of it may do.

use std::collections::{BTreeMap, BTreeSet};

use kms_alias::receipt::event::{Event, Line, Meaning};

use super::shown::Change;
use super::watch::short;
use super::world::Id;

/// A run that is to be taken back
#[derive(Clone, Debug)]
pub struct Past {
    names: BTreeMap<String, Trace>,
}

/// What is known of one name that the receipt says was written; keys by their first eight characters
#[derive(Clone, Debug, Default)]
struct Trace {
    /// Before the first write, by the receipt
    before: Option<String>,
    /// Where calls without a clear answer would have brought it
    unclear: BTreeSet<Option<String>>,
    /// Where the run really left it, if it changed it
    left: Option<Option<Id>>,
}

impl Past {
    /// What `receipt` tells, of a run that really left these names so
    pub fn new(receipt: &str, left: &BTreeMap<String, Option<Id>>) -> Self {
        let (mut names, mut calls) = (BTreeMap::<String, Trace>::new(), BTreeMap::new());
        let brief = |key: &Option<String>| key.as_deref().map(|key| short(key).to_owned());
        for line in receipt.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
            match line.event {
                Event::Call(call) => {
                    let before = brief(&call.before);
                    let left = left.get(&call.alias).copied();
                    let fresh = || Trace { before, left, unclear: BTreeSet::new() };
                    names.entry(call.alias.clone()).or_insert_with(fresh);
                    calls.insert(call.call, (call.alias, brief(&call.after)));
                }
                Event::Answer(answer) if answer.answer != Meaning::Unclear => {
                    drop(calls.remove(&answer.call))
                }
                _ => {}
            }
        }
        for (alias, after) in calls.into_values() {
            names.entry(alias).or_default().unclear.insert(after);
        }
        Self { names }
    }

    /// Whether a revert may make this change of a name; if so, whether it cannot know that the change is its own to take back
    pub fn allows(&self, name: &str, change: &Change) -> Result<bool, String> {
        let trace = self.names.get(name).ok_or("the receipt does not say that it was written")?;
        if change.to != trace.before {
            return Err(format!("it was on {:?} before, by the receipt", trace.before));
        }
        let ours = trace.left.is_some_and(|left| left.map(short) == change.from.as_deref());
        match ours || trace.unclear.contains(&change.from) {
            true => Ok(!ours),
            false => Err(format!("the run left it on {:?}, not on {:?}", trace.left, change.from)),
        }
    }
}
