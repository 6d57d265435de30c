//! `overrides:` of a target -> entries for that target alone, or for one of its accounts and Regions. Pure.

use std::sync::Arc;

use super::aliases::{alias_pairs, entry, read_name, read_value};
use super::language::OVERRIDE;
use super::manifest::{Entry, Instance};
use super::node::Node;
use super::problem::{Problem, Problems};
use super::read::list;
use super::select::Chosen;
use super::suggest::nearest;
use super::targets::Targets;

/// The overrides of whole targets, and those of one account and Region
pub(super) fn read(targets: &Targets<'_>, instances: &[Instance], found: &mut Problems) -> [Vec<Entry>; 2] {
    let mut layers = [Vec::new(), Vec::new()];
    for (index, node) in &targets.overrides {
        let own = Own::new(*index, targets, instances);
        let whole: Chosen = own.instances.iter().map(|(at, _)| *at).collect();
        for (key, value) in alias_pairs(node, found) {
            match own.meant(key) {
                Meant::Alias => layers[0].extend(read_one(key, value, &whole, found)),
                Meant::Instance(at) => layers[1].extend(read_instance(value, at, found)),
                // Which of them it is for shows once they are known, and what it says is right or wrong now.
                Meant::Nothing(_) if own.may_mean(key) => drop(read_instance(value, 0, found)),
                Meant::Nothing(problem) => own.report(problem, found),
            }
        }
    }
    layers
}

fn read_instance(node: &Node, at: usize, found: &mut Problems) -> Vec<Entry> {
    let only: Chosen = Arc::new([at]);
    alias_pairs(node, found).iter().filter_map(|(key, value)| read_one(key, value, &only, found)).collect()
}

fn read_one(key: &Node, value: &Node, only: &Chosen, found: &mut Problems) -> Option<Entry> {
    let name = read_name(key, found);
    let said = read_value(value, &OVERRIDE, found);
    Some(entry(key, name?, said?, Some(only.clone())))
}

/// The target whose overrides are read
struct Own<'t, 'n> {
    index: usize,
    targets: &'t Targets<'n>,
    instances: Vec<(usize, &'t str)>,
}

/// What the key of an override names
enum Meant {
    Alias,
    Instance(usize),
    Nothing(Problem),
}

impl<'t, 'n> Own<'t, 'n> {
    fn new(index: usize, targets: &'t Targets<'n>, instances: &'t [Instance]) -> Self {
        let own = instances.iter().enumerate().filter(|(_, instance)| instance.spec == Some(index));
        Self { index, targets, instances: own.map(|(at, instance)| (at, &*instance.name)).collect() }
    }

    /// No target is named `alias`, so that no key can be read both ways.
    fn meant(&self, key: &Node) -> Meant {
        let text = key.text();
        let first = text.split('/').next().unwrap_or_default();
        if !self.targets.specs.iter().any(|spec| *spec.name == *first) {
            return Meant::Alias;
        }
        match self.instances.iter().find(|(_, name)| *name == text) {
            Some((at, _)) => Meant::Instance(*at),
            None => Meant::Nothing(self.unmatched(text).at(&key.spot, "")),
        }
    }

    fn unmatched(&self, text: &str) -> Problem {
        let spec = &self.targets.specs[self.index];
        let target = &spec.name;
        let problem =
            Problem::error("no-such-target", format!("`{text}` is no part of the target `{target}`"));
        if spec.awaits_accounts() {
            let region = spec.regions.first().map_or("us-east-1", |region| region);
            return problem.help(format!("write it as in `{target}/111122223333/{region}`"));
        }
        let names = self.instances.iter().map(|(_, name)| *name);
        match nearest(text, names.clone()) {
            Some(meant) => problem.help(format!("did you mean `{meant}`?")),
            None => problem.help(format!("its parts are {}", list(names.take(12)))),
        }
    }

    /// Whether the key may name a part of it whose account is yet to be discovered
    fn may_mean(&self, key: &Node) -> bool {
        let spec = &self.targets.specs[self.index];
        spec.awaits_accounts() && key.text().split('/').next() == Some(&*spec.name)
    }

    /// Of a target that is wrong itself, not all parts are known.
    fn report(&self, problem: Problem, found: &mut Problems) {
        if self.targets.specs[self.index].sound {
            found.add(problem);
        }
    }
}
