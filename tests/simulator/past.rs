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
    /// Where it is known to have been last, by the receipt
    known: Option<String>,
    /// Calls after which nobody can tell where it is: without a clear answer, and nothing later settles it; where each would have
    /// brought it
    open: BTreeMap<u64, Option<String>>,
    /// Where each call that was not refused would have brought it
    ways: BTreeMap<u64, Option<String>>,
    /// Where calls without a clear answer would have brought it
    unclear: BTreeSet<Option<String>>,
    /// Where the run really left it, if it changed it
    left: Option<Option<Id>>,
}

impl Trace {
    fn settle(&mut self, on: Option<String>) {
        self.known = on;
        self.open.clear();
    }
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
                let (before, after) = (brief(call.before.as_ref()), brief(call.after.as_ref()));
                let fresh = || Trace { known: before.clone(), before, ..Trace::default() };
                let trace = self.names.entry(call.alias.clone()).or_insert_with(fresh);
                trace.open.insert(call.call, after.clone());
                trace.ways.insert(call.call, after);
                calls.insert(call.call, call);
            }
            Event::Answer(Answer { call, answer, .. }) if answer != Meaning::Unclear => {
                let Some(made) = calls.remove(&call) else { return };
                let Some(trace) = self.names.get_mut(&made.alias) else { return };
                match answer {
                    Meaning::Done => trace.settle(brief(made.after.as_ref())),
                    _ => {
                        trace.open.remove(&call);
                        trace.ways.remove(&call);
                    }
                }
            }
            Event::Outcome(Ending { alias, outcome, after, .. })
                if ["done", "already_so"].contains(&&*outcome) =>
            {
                // The run has looked; what none of its calls was to do, somebody else did.
                let (trace, after) = (self.names.get_mut(&alias), brief(after.as_ref()));
                let trace = trace.filter(|trace| trace.ways.values().any(|way| *way == after));
                trace.into_iter().for_each(|trace| trace.settle(after.clone()));
            }
            _ => {}
        }
    }

    /// Whether a revert may make this change of a name; if so, whether it cannot know that the change is its own to take back
    pub fn allows(&self, name: &str, change: &Change) -> Result<bool, String> {
        let trace = self.names.get(name).ok_or("the receipt does not say that it was written")?;
        let mut possible = trace.open.values().chain([&trace.known]);
        if !trace.open.is_empty() && possible.clone().any(|key| *key == trace.before) {
            return Err("the receipt does not prove that the run changed it".to_owned());
        }
        if change.to != trace.before {
            return Err(format!("it was on {:?} before, by the receipt", trace.before));
        }
        let ours = trace.left.is_some_and(|left| left.map(short) == change.from.as_deref());
        // A call that nobody knows to have been made leaves it where it was or where the call brings it, and both are changes.
        let open = !trace.open.is_empty() && possible.any(|key| *key == change.from);
        match ours || open || trace.unclear.contains(&change.from) {
            true => Ok(!ours),
            false => Err(format!("the run left it on {:?}, not on {:?}", trace.left, change.from)),
        }
    }
}
