//! What a `targets: [...]` of an alias names -> the instances it is for. Pure.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::manifest::{Instance, TargetSpec};
use super::node::Node;
use super::problem::{Problem, Problems};
use super::read::{list, texts};
use super::suggest::nearest;
use crate::scope::Pattern;

/// Sorted indices of instances
pub(super) type Chosen = Arc<[usize]>;

/// Answers selectors; each distinct one is worked out once, since a million aliases may carry the same
pub(super) struct Selectors<'m> {
    specs: &'m [TargetSpec],
    instances: &'m [Instance],
    /// Whether every file could be read; else a selector without a match may have one there
    complete: bool,
    /// By selector: the instances, or what is wrong with it
    known: HashMap<String, Result<Chosen, Problem>>,
    /// By list of selectors
    lists: HashMap<String, Chosen>,
}

impl<'m> Selectors<'m> {
    pub(super) fn new(specs: &'m [TargetSpec], instances: &'m [Instance], complete: bool) -> Self {
        Self { specs, instances, complete, known: HashMap::new(), lists: HashMap::new() }
    }

    /// The instances that the list `node` names
    pub(super) fn choose(&mut self, node: &Node, found: &mut Problems) -> Option<Chosen> {
        let texts = texts(node, "a list of text", found)?;
        let key = format!("{:?}", texts.iter().map(|(text, _)| text).collect::<Vec<_>>());
        if let Some(chosen) = self.lists.get(&key) {
            return Some(chosen.clone());
        }
        let mut all: Vec<usize> = Vec::new();
        let mut sound = true;
        for (text, spot) in texts {
            match self.one(text) {
                Ok(chosen) => all.extend(chosen.iter()),
                Err(problem) => {
                    found.add(problem.at(spot, ""));
                    sound = false;
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        // A list that is wrong is wrong at every alias that carries it.
        sound.then(|| self.lists.entry(key).or_insert(all.into()).clone())
    }

    fn one(&mut self, text: &str) -> Result<Chosen, Problem> {
        if let Some(answer) = self.known.get(text) {
            return answer.clone();
        }
        let answer = self.work_out(text);
        self.known.insert(text.to_owned(), answer.clone());
        answer
    }

    fn work_out(&self, text: &str) -> Result<Chosen, Problem> {
        let pattern = Pattern::parse(text).map_err(|error| {
            let problem = Problem::error("pattern", format!("`{text}` is not a pattern: {error}"));
            problem.help("`*` stays within one `/` segment, `**` crosses them")
        })?;
        let chosen = self.matching(text, &pattern);
        if chosen.is_empty() && self.complete && !self.specs.iter().any(|spec| may_mean(text, spec)) {
            let problem = Problem::error("no-such-target", format!("`{text}` matches no target"));
            return Err(problem.help(meant(text, self.specs, self.instances)));
        }
        Ok(chosen)
    }

    fn matching(&self, text: &str, pattern: &Pattern) -> Chosen {
        let in_group = |spec: &TargetSpec, group: &str| spec.groups.iter().any(|other| **other == *group);
        let matches = |instance: &Instance| match (text.strip_prefix('@'), self.spec(instance)) {
            (Some(group), spec) => spec.is_some_and(|spec| in_group(spec, group)),
            (None, _) => pattern.covers(&instance.name),
        };
        self.instances
            .iter()
            .enumerate()
            .filter(|(_, instance)| matches(instance))
            .map(|(index, _)| index)
            .collect()
    }

    fn spec(&self, instance: &Instance) -> Option<&'m TargetSpec> {
        instance.spec.and_then(|index| self.specs.get(index))
    }
}

/// Whether `text` may be meant for a target that is wrong itself, of which not all groups and parts are known, or for accounts that
/// are yet to be discovered
fn may_mean(text: &str, spec: &TargetSpec) -> bool {
    let unknown_group = text.starts_with('@') && spec.groups.is_empty();
    let unknown_part = text.starts_with(&*spec.name) || text.contains(['*', '?', '[', '{']);
    (!spec.sound && unknown_group) || ((!spec.sound || spec.awaits_accounts()) && unknown_part)
}

fn meant(text: &str, specs: &[TargetSpec], instances: &[Instance]) -> String {
    if specs.is_empty() {
        return "the manifest has no `targets`: take the key out, and the alias is for the one there is"
            .to_owned();
    }
    let groups: BTreeSet<_> =
        specs.iter().flat_map(|spec| &spec.groups).map(|group| format!("@{group}")).collect();
    let words = groups.iter().map(String::as_str).chain(specs.iter().map(|spec| &*spec.name));
    match nearest(text, words.clone().chain(instances.iter().map(|instance| &*instance.name))) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("there is {}", list(words.take(12))),
    }
}
