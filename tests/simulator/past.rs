//! The receipt of a run, by our own reading, and what that run really did -> what a revert of it may do.

use std::collections::{BTreeMap, BTreeSet};

use kms_alias::receipt::event::{Answer, Call, Ending, Event, Line, Meaning};

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
    /// Calls after which nobody can tell where it is: without a clear answer, and nothing later settles it
    open: BTreeSet<u64>,
    /// Where calls without a clear answer would have brought it
    unclear: BTreeSet<Option<String>>,
    /// Where the run really left it, if it changed it
    left: Option<Option<Id>>,
}

fn brief(key: Option<&String>) -> Option<String> {
    key.map(|key| short(key).to_owned())
}

impl Past {
    /// What `receipt` tells, of a run that really left these names so
    pub fn new(receipt: &str, left: &BTreeMap<String, Option<Id>>) -> Self {
        let (mut past, mut calls) = (Self { names: BTreeMap::new() }, BTreeMap::new());
        for line in receipt.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
            past.read(line.event, &mut calls);
        }
        for Call { alias, after, .. } in calls.into_values() {
            past.names.entry(alias).or_default().unclear.insert(brief(after.as_ref()));
        }
        past.names.iter_mut().for_each(|(name, trace)| trace.left = left.get(name).copied());
        past
    }

    /// Takes a line; `calls` are those without a clear answer so far
    fn read(&mut self, event: Event, calls: &mut BTreeMap<u64, Call>) {
        match event {
            Event::Call(call) => {
                let before = brief(call.before.as_ref());
                let fresh = || Trace { before, ..Trace::default() };
                self.names.entry(call.alias.clone()).or_insert_with(fresh).open.insert(call.call);
                calls.insert(call.call, call);
            }
            Event::Answer(Answer { call, answer, .. }) if answer != Meaning::Unclear => {
                let made = calls.remove(&call).and_then(|call| self.names.get_mut(&call.alias));
                let Some(trace) = made else { return };
                trace.open.remove(&call);
                if answer == Meaning::Done {
                    trace.open.clear();
                }
            }
            Event::Outcome(Ending { alias, outcome, .. }) if ["done", "already_so"].contains(&&*outcome) => {
                // The run has looked.
                self.names.get_mut(&alias).into_iter().for_each(|trace| trace.open.clear());
            }
            _ => {}
        }
    }

    /// Whether a revert may make this change of a name; if so, whether it cannot know that the change is its own to take back
    pub fn allows(&self, name: &str, change: &Change) -> Result<bool, String> {
        let trace = self.names.get(name).ok_or("the receipt does not say that it was written")?;
        if !trace.open.is_empty() {
            return Err("the receipt does not prove where the run left it".to_owned());
        }
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
