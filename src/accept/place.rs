//! What names are to be declared as, target by target -> what is to stand where in the files: in the place of what is declared
//! where that decides for these targets alone, and otherwise as an override, or as a new alias. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_saphyr::FlowMap;

use super::note::Note;
use super::patch::Patch;
use super::tree::{Content, Tree};
use super::weave::{Obstacle, obstacle};
use crate::alias::{AliasName, KeyRef};
use crate::criteria::Criteria;
use crate::load::{Entry, Manifest};
use crate::target::{Harm, Manner, Want};

/// What names are to be declared as, each in the instances with these indices
pub(crate) type Wants = BTreeMap<AliasName, BTreeMap<usize, Want>>;

/// What there is to say of names at the ends of their lines, likewise
pub(crate) type Notes = BTreeMap<AliasName, BTreeMap<usize, Note>>;

/// What is to stand in each file, by its index
#[derive(Debug, Default)]
pub(super) struct Placed {
    pub(super) patches: BTreeMap<usize, Patch>,
    /// Names that cannot be written in these instances, and why
    pub(super) blocked: Vec<(usize, AliasName, String)>,
}

/// Finds the place of every declaration
pub(super) fn place(manifest: &Manifest, trees: &[Tree], wants: &Wants, notes: &Notes) -> Placed {
    let mut entries: BTreeMap<&AliasName, Entries<'_>> =
        wants.keys().map(|name| (name, Entries::default())).collect();
    for (layer, all) in manifest.layers.iter().enumerate() {
        for entry in all {
            if let Some(entries) = entries.get_mut(&entry.name) {
                entries.0.push((layer, entry));
            }
        }
    }
    let mut placing = Placing { manifest, trees, notes, placed: Placed::default() };
    for (name, entries) in entries {
        placing.place(name, &entries, wants[name].clone());
    }
    placing.placed
}

/// The declarations of one name, the weakest first
#[derive(Debug, Default)]
struct Entries<'m>(Vec<(usize, &'m Entry)>);

impl<'m> Entries<'m> {
    /// The one that decides for an instance
    fn deciding(&self, instance: usize) -> Option<(usize, &'m Entry)> {
        self.0.iter().rev().find(|(_, entry)| entry.is_for(instance)).copied()
    }

    fn is_shared(&self) -> bool {
        self.0.iter().any(|(layer, _)| *layer == 0)
    }
}

/// A place in a file, and what is to stand there for these instances
struct Write {
    file: usize,
    path: Vec<String>,
    value: String,
    instances: Vec<usize>,
    /// Whether it takes the place of an entry, of which other parts may stay
    instead: bool,
}

struct Placing<'m> {
    manifest: &'m Manifest,
    trees: &'m [Tree],
    notes: &'m Notes,
    placed: Placed,
}

impl Placing<'_> {
    fn place(&mut self, name: &AliasName, entries: &Entries<'_>, mut wants: BTreeMap<usize, Want>) {
        for (layer, entry) in &entries.0 {
            self.place_in_stead(name, entries, (*layer, entry), &mut wants);
        }
        if !entries.is_shared() && !wants.is_empty() {
            self.place_anew(name, &mut wants);
        }
        for spec in 0..self.manifest.targets.len() {
            let own: BTreeMap<usize, Want> =
                wants.extract_if(.., |at, _| self.spec_of(*at) == Some(spec)).collect();
            if !own.is_empty() {
                self.place_beside(name, entries, spec, &own);
            }
        }
    }

    /// In the place of an entry that decides for no other instances
    fn place_in_stead(
        &mut self,
        name: &AliasName,
        entries: &Entries<'_>,
        (layer, entry): (usize, &Entry),
        wants: &mut BTreeMap<usize, Want>,
    ) {
        let decides = |at: &usize| entries.deciding(*at).is_some_and(|(_, other)| std::ptr::eq(other, entry));
        let Some(want) = wants.iter().find(|(at, _)| decides(at)).map(|(_, want)| want.clone()) else {
            return;
        };
        let mut all = (0..self.manifest.instances.len()).filter(decides);
        if !all.all(|at| wants.get(&at) == Some(&want)) {
            return;
        }
        let instances: Vec<usize> = wants.extract_if(.., |at, _| decides(at)).map(|(at, _)| at).collect();
        let path = self.path(layer, instances[0], name);
        let is_source = |source: &Arc<_>| Arc::ptr_eq(source, entry.spot.source());
        let file = self.manifest.sources.iter().position(is_source).unwrap_or_default();
        self.write(Write { file, path, value: text(&want), instances, instead: true });
    }

    /// As an alias that was not declared anywhere; what only some instances have is left to overrides
    fn place_anew(&mut self, name: &AliasName, wants: &mut BTreeMap<usize, Want>) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        wants.values().for_each(|want| *counts.entry(text(want)).or_default() += 1);
        // Of two that are as many, the first.
        let Some((most, _)) = counts.iter().rev().max_by_key(|(_, count)| **count) else { return };
        let value = match wants.len() == self.manifest.instances.len() {
            true => wants.values().find(|want| text(want) == *most).map(alone).unwrap_or_default(),
            false => format!("{{key: {most}, targets: [{}]}}", self.selectors(wants).join(", ")),
        };
        let instances = wants.extract_if(.., |_, want| text(want) == *most).map(|(at, _)| at).collect();
        let (file, path) = (self.nearest_file(name), vec!["aliases".to_owned(), name.to_string()]);
        self.write(Write { file, path, value, instances, instead: false });
    }

    /// As an override: of the whole target where it is for all of that, and otherwise of each account and Region
    fn place_beside(
        &mut self,
        name: &AliasName,
        entries: &Entries<'_>,
        spec: usize,
        wants: &BTreeMap<usize, Want>,
    ) {
        let file = self.trees.iter().position(|tree| has(tree, "targets")).unwrap_or_default();
        let first = wants.values().next();
        let mut all = (0..self.manifest.instances.len()).filter(|at| self.spec_of(*at) == Some(spec));
        let is_free = |at: usize| match (wants.get(&at), entries.deciding(at)) {
            (Some(want), deciding) => Some(want) == first && deciding.is_none_or(|(layer, _)| layer == 0),
            (None, deciding) => deciding.is_some_and(|(layer, _)| layer == 2),
        };
        let whole = all.all(is_free);
        let groups: Vec<Vec<usize>> = match whole {
            true => vec![wants.keys().copied().collect()],
            false => wants.keys().map(|at| vec![*at]).collect(),
        };
        for instances in groups {
            let at = instances[0];
            let path = self.path(if whole { 1 } else { 2 }, at, name);
            let manner = entries.deciding(at).map(|(_, entry)| &*entry.more.manner);
            let value = with_manner(&wants[&at], manner.unwrap_or(&Manner::default()));
            self.write(Write { file, path, value, instances, instead: false });
        }
    }

    fn write(&mut self, write: Write) {
        let Write { file, path, value, instances, instead } = write;
        let source = &self.manifest.sources[file];
        let mut patch = Patch::Into(BTreeMap::new());
        patch.put(&path, value.clone(), Note::default());
        match obstacle(&source.text, &self.trees[file], &patch) {
            Some(obstacle) => {
                let name = path.last().and_then(|name| AliasName::parse(name).ok());
                let Obstacle { why, line } = obstacle;
                let told = match (instead, &*value) {
                    (false, _) => format!("`{}`", patch.told()),
                    (true, "absent") => "`absent` there".to_owned(),
                    (true, key) => format!("the key `{key}` there"),
                };
                let why = format!("what is at {}:{line} {why}: write {told} by hand", source.name);
                let each = instances.into_iter().filter_map(|at| Some((at, name.clone()?, why.clone())));
                self.placed.blocked.extend(each);
            }
            None => {
                let name = path.last().and_then(|name| AliasName::parse(name).ok());
                let notes = name.and_then(|name| self.notes.get(&name));
                let note = notes.and_then(|notes| instances.iter().find_map(|at| notes.get(at).cloned()));
                let whole = self.placed.patches.entry(file).or_insert_with(|| Patch::Into(BTreeMap::new()));
                whole.put(&path, value, note.unwrap_or_default());
            }
        }
    }

    /// The keys that lead to a name in a layer
    fn path(&self, layer: usize, instance: usize, name: &AliasName) -> Vec<String> {
        let instance = &self.manifest.instances[instance];
        let target = self.manifest.spec_of(instance).map(|spec| spec.name.to_string()).unwrap_or_default();
        let mut path = match layer {
            0 => vec!["aliases".to_owned()],
            _ => vec!["targets".to_owned(), target, "overrides".to_owned()],
        };
        if layer == 2 {
            path.push(instance.name.to_string());
        }
        path.push(name.to_string());
        path
    }

    fn spec_of(&self, instance: usize) -> Option<usize> {
        self.manifest.instances[instance].spec
    }

    /// What `targets: [...]` says for these instances: whole targets where they are all there
    fn selectors(&self, wants: &BTreeMap<usize, Want>) -> Vec<String> {
        let all = || self.manifest.instances.iter().enumerate();
        let is_whole =
            |spec| all().filter(|(_, instance)| instance.spec == spec).all(|(at, _)| wants.contains_key(&at));
        let named = wants.keys().map(|at| {
            let instance = &self.manifest.instances[*at];
            match self.manifest.spec_of(instance) {
                Some(spec) if is_whole(instance.spec) => spec.name.to_string(),
                _ => instance.name.to_string(),
            }
        });
        let mut named: Vec<String> = named.collect();
        named.dedup();
        named
    }

    /// The file of the alias whose name begins most like this one
    fn nearest_file(&self, name: &AliasName) -> usize {
        let [shared, ..] = &self.manifest.layers;
        let alike = |entry: &&Entry| {
            let pairs = entry.name.as_str().bytes().zip(name.as_str().bytes());
            pairs.take_while(|(one, other)| one == other).count()
        };
        let nearest = shared.iter().rev().max_by_key(alike).map(|entry| entry.spot.source());
        let is_nearest = |source: &Arc<_>| nearest.is_some_and(|nearest| Arc::ptr_eq(source, nearest));
        let of_nearest = self.manifest.sources.iter().position(is_nearest);
        of_nearest.or_else(|| self.trees.iter().position(|tree| has(tree, "aliases"))).unwrap_or_default()
    }
}

/// Whether the file has this key at its top
fn has(tree: &Tree, key: &str) -> bool {
    matches!(&tree.root.content, Content::Map(map) if map.pair(key).is_some())
}

/// As a manifest has it
fn text(want: &Want) -> String {
    match want {
        Want::Key(KeyRef::Id(id)) => id.to_string(),
        Want::Key(KeyRef::Arn(arn)) => arn.to_string(),
        Want::Key(KeyRef::Alias(name)) => name.to_string(),
        Want::Key(KeyRef::Select(criteria)) => selection(criteria),
        Want::Absent => "absent".to_owned(),
    }
}

/// As it stands beside the name of an alias, of which it is all that is said
fn alone(want: &Want) -> String {
    match want {
        Want::Key(KeyRef::Select(criteria)) => format!("{{key: {}}}", selection(criteria)),
        _ => text(want),
    }
}

/// With braces, on one line
fn selection(criteria: &Criteria) -> String {
    #[derive(Serialize)]
    struct Selection<'c> {
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        tags: &'c BTreeMap<String, String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'c str>,
    }
    let Criteria { tags, description } = criteria;
    let selection = Selection { tags, description: description.as_deref() };
    serde_saphyr::to_string(&FlowMap(selection)).unwrap_or_default().trim_end().to_owned()
}

/// An override takes the place of the whole declaration, so what that says besides its key has to be said again
fn with_manner(want: &Want, manner: &Manner) -> String {
    let Manner { protect, previously, retain_previous, replace } = manner;
    let mut fields = vec![format!("key: {}", text(want))];
    if !previously.is_empty() {
        let names: Vec<_> = previously.iter().map(AliasName::as_str).collect();
        fields.push(format!("previously: [{}]", names.join(", ")));
    }
    if *retain_previous {
        fields.push("retain_previous: true".to_owned());
    }
    if *replace {
        fields.push("replace: true".to_owned());
    }
    if !protect.is_empty() {
        let harms = protect.iter().map(|harm| match harm {
            Harm::Delete => "delete",
            Harm::Retarget => "retarget",
        });
        fields.push(format!("protect: [{}]", harms.collect::<Vec<_>>().join(", ")));
    }
    if fields.len() == 1 { alone(want) } else { format!("{{{}}}", fields.join(", ")) }
}
