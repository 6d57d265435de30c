//! (Manifest, targets as they were read) -> the same manifest, in which what is live is declared: edited texts in which every byte
//! that did not have to change is as it was. Pure, but for [`files`], which puts texts in the place of files.
//!
//! `decide` asks for each target what its declarations would have to be, `place` where that is to be written as a `patch`, `note` what
//! its keys are, `weave` writes it into the `tree` of a text as written, where `open` makes room for it, and `prove` loads the
//! result and refuses whatever else has changed.

mod decide;
pub mod files;
mod note;
mod open;
mod patch;
mod place;
mod prove;
pub(crate) mod tree;
mod weave;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::alias::{AliasName, KeyId, KeyRef};
use crate::fleet::Surveyed;
use crate::load::{Manifest, Source};
use crate::plan::Plan;
use crate::prepare::Prepared;
use crate::resolve::End;
use crate::target::{Place, Target, Want};
use decide::{Decided, decide};
use files::Revision;
pub(crate) use note::Note;
pub(crate) use place::{Notes, Wants};
use place::{Placed, place};
pub(crate) use tree::{Content, Map, Node, Tree};
use weave::Woven;

/// What of the live state is declared, and what is not
#[derive(Debug, Default)]
pub struct Acceptance {
    /// The files that change
    pub revisions: Vec<Revision>,
    /// What they declare then, by target and name
    pub accepted: Vec<Accepted>,
    /// What differs all the same, by target and name
    pub left: Vec<Left>,
}

/// A live state that is declared
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The target
    pub target: Arc<str>,
    /// The alias
    pub name: AliasName,
    /// As it was declared
    pub from: Said,
    /// As it is live, and declared now
    pub to: Said,
    /// Where that is declared now
    pub place: Place,
    /// What the id takes the place of, if that was more than an id: what the key was selected by, or the alias that was followed
    pub instead_of: Option<String>,
}

/// What is declared of a name
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing
    Nothing,
    /// That it does not exist
    Absent,
    /// This key
    Key(KeyId),
}

/// A difference that stays
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The target
    pub target: Arc<str>,
    /// The alias
    pub name: AliasName,
    /// Why, a sentence
    pub why: String,
}

impl Left {
    /// With what `plan` does about it, where nothing else says so
    pub(crate) fn new(target: &Target, name: AliasName, why: String, plan: &Plan) -> Self {
        let why = match plan.prunes(&name) {
            true => format!("{why}; a plan deletes it, since `prune` is on: put it into `ignore` to keep it"),
            false => why,
        };
        Self { target: target.name.clone(), name, why }
    }
}

/// Why nothing can be declared
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// A file has no shape that can be edited
    #[error("edit {0}: it cannot be read as it is written")]
    Unwritten(Arc<str>),
    /// The edit is wrong
    #[error("edit the manifest: {0}; nothing was written")]
    Unproven(String),
}

impl AcceptError {
    /// What would help
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unwritten(_) => "edit it by hand, as the report above says",
            Self::Unproven(_) => {
                "this is a bug in kms-alias, and the manifest is as it was; please report it"
            }
        }
    }
}

/// Declares the live state of what differs in `surveyed`, all of which has been read
///
/// # Errors
/// The edited manifest would not be the old one with that in it.
pub fn accept(manifest: &Manifest, surveyed: &[Surveyed]) -> Result<Acceptance, AcceptError> {
    let trees = trees(manifest)?;
    let at = indices(manifest, surveyed);
    let mut blocked: Vec<BTreeMap<AliasName, String>> = vec![BTreeMap::new(); at.len()];
    loop {
        let each = read(surveyed).zip(&blocked);
        let decided: Vec<Decided> =
            each.map(|((one, prepared), blocked)| decide(one, prepared, blocked)).collect();
        let wants = wants(&decided, &at);
        let notes = notes(&decided, &at, surveyed);
        let placed = place(manifest, &trees, &wants, &notes);
        if placed.blocked.is_empty() {
            return finish(manifest, surveyed, decided, &Edit { trees, at, wants, notes, placed });
        }
        // What cannot be written may have been followed, or have shared an entry: all is decided again without it.
        for (instance, name, why) in placed.blocked {
            at.iter().zip(&mut blocked).filter(|(at, _)| **at == instance).for_each(|(_, blocked)| {
                blocked.insert(name.clone(), why.clone());
            });
        }
    }
}

fn trees(manifest: &Manifest) -> Result<Vec<Tree>, AcceptError> {
    let tree = |source: &Arc<Source>| {
        Tree::of(&source.text).ok_or_else(|| AcceptError::Unwritten(source.name.clone()))
    };
    manifest.sources.iter().map(tree).collect()
}

/// A manifest with more in it
#[derive(Debug)]
pub(crate) struct Extended {
    /// The texts of its files, in their order
    pub(crate) texts: Vec<String>,
    /// Its targets
    pub(crate) targets: Vec<Target>,
    /// What could not be written, by the index of its instance, and why
    pub(crate) left: Vec<(usize, AliasName, String)>,
}

/// Declares `wants`, each on a line that ends with its note
///
/// # Errors
/// As of [`accept`].
pub(crate) fn extend(manifest: &Manifest, mut wants: Wants, notes: &Notes) -> Result<Extended, AcceptError> {
    let trees = trees(manifest)?;
    let mut left = Vec::new();
    let placed = loop {
        let placed = place(manifest, &trees, &wants, notes);
        if placed.blocked.is_empty() {
            break placed;
        }
        // What is written for others may have counted on it.
        for (instance, name, why) in placed.blocked {
            wants.get_mut(&name).map(|wants| wants.remove(&instance));
            left.push((instance, name, why));
        }
        wants.retain(|_, wants| !wants.is_empty());
    };
    let texts = woven(manifest, &trees, &placed)?;
    let targets = prove::prove(manifest, &texts, &wants, notes).map_err(AcceptError::Unproven)?;
    Ok(Extended { texts: texts.into_iter().map(|woven| woven.text).collect(), targets, left })
}

/// The texts with everything in its place
fn woven(manifest: &Manifest, trees: &[Tree], placed: &Placed) -> Result<Vec<Woven>, AcceptError> {
    let unchanged = |source: &Arc<Source>| Woven { text: source.text.clone(), renoted: BTreeMap::new() };
    let mut texts: Vec<Woven> = manifest.sources.iter().map(unchanged).collect();
    for (file, patch) in &placed.patches {
        let woven = weave::weave(&manifest.sources[*file].text, &trees[*file], patch);
        texts[*file] = woven
            .map_err(|obstacle| AcceptError::Unproven(format!("line {} {}", obstacle.line, obstacle.why)))?;
    }
    Ok(texts)
}

fn read(surveyed: &[Surveyed]) -> impl Iterator<Item = (&Surveyed, &Prepared)> {
    surveyed.iter().filter_map(|one| Some((one, one.prepared.as_ref().ok()?)))
}

/// The index of each target among the instances of the manifest, which it was chosen from
fn indices(manifest: &Manifest, surveyed: &[Surveyed]) -> Vec<usize> {
    let names = manifest.instances.iter().enumerate();
    let names: BTreeMap<&str, usize> = names.map(|(at, instance)| (&*instance.name, at)).collect();
    read(surveyed).filter_map(|(one, _)| names.get(&*one.target.name).copied()).collect()
}

fn wants(decided: &[Decided], at: &[usize]) -> Wants {
    let mut wants = Wants::new();
    for (decided, at) in decided.iter().zip(at) {
        for (name, want) in &decided.wants {
            wants.entry(name.clone()).or_default().insert(*at, want.clone());
        }
    }
    wants
}

/// What the keys are that are declared now, and that were
fn notes(decided: &[Decided], at: &[usize], surveyed: &[Surveyed]) -> Notes {
    let mut notes = Notes::new();
    for ((decided, at), (_, prepared)) in decided.iter().zip(at).zip(read(surveyed)) {
        let described = |key: &KeyId| Note::of(prepared.facts.get(key));
        for (name, want) in &decided.wants {
            // What is absent has no key; what was said of it may be all that is left to tell which one it had.
            let key = match want {
                Want::Key(KeyRef::Id(id)) => id,
                Want::Key(KeyRef::Arn(arn)) => &arn.id,
                _ => continue,
            };
            let text = described(key);
            let stale = match prepared.desired.get(name).map(|goal| &goal.end) {
                Some(End::Key(old)) => described(old),
                _ => None,
            };
            notes.entry(name.clone()).or_default().insert(*at, Note { text, stale });
        }
    }
    notes
}

/// What is to be written, and where
struct Edit {
    trees: Vec<Tree>,
    /// The index of each target that was read
    at: Vec<usize>,
    wants: Wants,
    notes: Notes,
    placed: Placed,
}

fn finish(
    manifest: &Manifest,
    surveyed: &[Surveyed],
    decided: Vec<Decided>,
    edit: &Edit,
) -> Result<Acceptance, AcceptError> {
    let texts = woven(manifest, &edit.trees, &edit.placed)?;
    let targets = prove::prove(manifest, &texts, &edit.wants, &edit.notes).map_err(AcceptError::Unproven)?;
    let mut acceptance = Acceptance::default();
    for ((decided, at), (one, prepared)) in decided.into_iter().zip(&edit.at).zip(read(surveyed)) {
        let now = &targets[*at];
        let told = decided.wants.keys().filter_map(|name| accepted(name, one, prepared, now));
        acceptance.accepted.extend(told);
        let left = decided.left.into_iter();
        acceptance.left.extend(left.map(|(name, why)| Left::new(&one.target, name, why, &prepared.plan)));
    }
    let changed = manifest.sources.iter().zip(texts).filter(|(source, woven)| source.text != woven.text);
    acceptance.revisions = changed.map(|(source, woven)| Revision::new(source, woven.text)).collect();
    Ok(acceptance)
}

fn accepted(name: &AliasName, one: &Surveyed, prepared: &Prepared, now: &Target) -> Option<Accepted> {
    let declared = now.aliases.get(name)?;
    let from = match prepared.desired.get(name).map(|goal| &goal.end) {
        Some(End::Key(key)) => Said::Key(key.clone()),
        Some(End::Absent | End::Unresolved(_)) => Said::Absent,
        None => Said::Nothing,
    };
    let to = prepared.snapshot.live.get(name).and_then(|live| live.key.clone());
    let instead_of = match one.target.aliases.get(name).map(|declared| &declared.want) {
        Some(Want::Key(KeyRef::Select(criteria))) => Some(criteria.to_string()),
        Some(Want::Key(KeyRef::Alias(other))) => Some(other.to_string()),
        _ => None,
    };
    let (target, place) = (one.target.name.clone(), declared.place.clone());
    Some(Accepted {
        target,
        name: name.clone(),
        from,
        to: to.map_or(Said::Absent, Said::Key),
        place,
        instead_of,
    })
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("not declared"),
            Self::Absent => f.write_str("absent"),
            Self::Key(key) => f.write_str(key.as_str()),
        }
    }
}
