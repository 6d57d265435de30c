//! A name -> everything that decides about it in one target: what the manifest says of it and where, what is live, and what a
//! plan would do. [`said`] is pure; [`look`] reads, and plans the whole target, since a plan may hold one name for another.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::alias::{AliasName, KeyId};
use crate::fleet::Trouble;
use crate::inspect::{Facts, inspect};
use crate::kms::{Connect, KmsRead};
use crate::load::{Manifest, TargetSpec, nearest};
use crate::plan::guards::Refusal;
use crate::plan::{Change, Held, Plan, Policy};
use crate::prepare::{PrepareError, Prepared, prepare};
use crate::resolve::End;
use crate::target::{Place, Target, Want};

/// Where in the manifest a declaration stands; the later of these go before the earlier
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// In `aliases:`, for every target that it is for
    Shared,
    /// In the `overrides:` of the target
    Target,
    /// There, for this one account and Region
    Instance,
}

/// One declaration of the name
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// What stands there
    pub want: Want,
    /// Where
    pub place: Place,
    /// In which part of the manifest
    pub layer: Layer,
    /// For whoever reads it
    pub description: Option<Arc<str>>,
}

/// Whose the name is
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Ours, by this prefix of the scope
    Owned(Arc<str>, Place),
    /// In scope, and left to somebody else by this pattern
    Ignored(Arc<str>, Place),
    /// Under none of the scope's prefixes
    Outside(Vec<Arc<str>>),
}

/// A name that is followed, and where it is declared; a live one that is not declared has no place
pub type Link = (AliasName, Option<Place>);

/// What the manifest says of a name in one target
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Declarations for this target, the strongest last: that one holds
    pub declarations: Vec<Declaration>,
    /// Declarations that are for other targets only
    pub elsewhere: Vec<Place>,
    /// Whether the target stands for accounts that are not discovered yet, among which those others may be
    pub undiscovered: bool,
    /// Whose the name is
    pub standing: Standing,
    /// The names it follows, in order
    pub chain: Vec<Link>,
}

impl Said {
    /// The declaration that holds
    pub fn declared(&self) -> Option<&Declaration> {
        self.declarations.last()
    }

    /// Whether the target has anything to do with the name
    pub fn concerns(&self) -> bool {
        self.declared().is_some() || !matches!(self.standing, Standing::Outside(_))
    }
}

/// What `manifest` says of `name` in `target`, one of its own
pub fn said(manifest: &Manifest, target: &Target, name: &AliasName) -> Said {
    let index = manifest.instances.iter().position(|instance| instance.name == target.name);
    let (mut declarations, mut elsewhere) = (Vec::new(), Vec::new());
    let layers = [Layer::Shared, Layer::Target, Layer::Instance];
    for (layer, entries) in layers.into_iter().zip(&manifest.layers) {
        for entry in entries.iter().filter(|entry| entry.name == *name) {
            let place = entry.spot.place();
            if index.is_some_and(|index| entry.is_for(index)) {
                let (want, description) = (entry.want.clone(), entry.more.description.clone());
                declarations.push(Declaration { want, place, layer, description });
            } else {
                elsewhere.push(place);
            }
        }
    }
    let instance = index.and_then(|index| manifest.instances.get(index));
    let spec = instance.and_then(|instance| manifest.spec_of(instance));
    let undiscovered = spec.is_some_and(TargetSpec::awaits_accounts);
    let (standing, chain) = (standing(manifest, index, name), chain(target, name));
    Said { declarations, elsewhere, undiscovered, standing, chain }
}

fn standing(manifest: &Manifest, index: Option<usize>, name: &AliasName) -> Standing {
    let instance = index.and_then(|index| manifest.instances.get(index));
    let scope = instance.and_then(|instance| manifest.scope_of(instance)).unwrap_or_default();
    let ignore = instance.and_then(|instance| manifest.ignore_of(instance)).unwrap_or_default();
    let prefix = scope.iter().find(|(prefix, _)| name.as_str().starts_with(&**prefix));
    let pattern = ignore.iter().find(|(pattern, _)| pattern.matches(name.as_str()));
    match (prefix, pattern) {
        (None, _) => Standing::Outside(scope.iter().map(|(prefix, _)| prefix.clone()).collect()),
        (Some(_), Some((pattern, spot))) => Standing::Ignored(pattern.as_str().into(), spot.place()),
        (Some((prefix, spot)), None) => Standing::Owned(prefix.clone(), spot.place()),
    }
}

fn chain(target: &Target, name: &AliasName) -> Vec<Link> {
    let key = target.aliases.get(name).and_then(|declared| declared.want.key());
    let links = key.into_iter().flat_map(|key| target.chain(key));
    links.map(|(name, declared)| (name.clone(), declared.map(|declared| declared.place.clone()))).collect()
}

/// What was found of a name
#[derive(Clone, Debug)]
pub struct Found {
    /// Whether it is live, and on which key it is
    pub live: Option<Option<KeyId>>,
    /// The key that it should be on, where there is one
    pub want: Option<KeyId>,
    /// What is known of both
    pub facts: Facts,
    /// What a plan would do
    pub fate: Fate,
    /// The guards that refuse that
    pub refusals: Vec<Refusal>,
    /// The declared and live names of the target, among which a misspelt one may be meant
    pub names: BTreeSet<AliasName>,
}

impl Found {
    /// Of a name that is somebody else's: nothing is read
    fn not_ours() -> Self {
        let (facts, names) = (Facts::new(), BTreeSet::new());
        Self { live: None, want: None, facts, fate: Fate::NotOurs, refusals: Vec::new(), names }
    }
}

/// What a plan would do about a name
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// This
    Change(Change),
    /// Nothing, though the manifest asks for something
    Held(Held),
    /// Nothing: it is as declared
    InSync,
    /// It is deleted once this alias, which it becomes, is there
    Becomes(AliasName),
    /// Nothing for now: it has become this alias, and is kept
    Kept(AliasName),
    /// Nothing: it is live, and nothing declares it
    Unmanaged,
    /// Nothing: there is nothing of that name, and nothing should be
    Nothing,
    /// Nothing: the name is not ours, and was not looked at
    NotOurs,
}

/// Reads `target`, plans it, and looks the name up in the result
///
/// # Errors
/// Whatever keeps the target from being read.
pub async fn look<C: Connect>(
    target: &Target,
    policy: &Policy,
    name: &AliasName,
    connect: &C,
) -> Result<Found, Trouble> {
    if !target.scope.owns(name.as_str()) && !target.aliases.contains_key(name) {
        return Ok(Found::not_ours());
    }
    let kms = connect.reader(target).await.map_err(|error| Trouble::new(&error, None))?;
    let prepared = prepare(target, policy, &kms).await?;
    Ok(find(target, prepared, name, &kms).await?)
}

async fn find(
    target: &Target,
    prepared: Prepared,
    name: &AliasName,
    kms: &impl KmsRead,
) -> Result<Found, PrepareError> {
    let fate = fate(target, &prepared, name);
    let refusals = refusals(&fate, &prepared.plan, name);
    let Prepared { snapshot, desired, facts, .. } = prepared;
    let live = snapshot.live.get(name).map(|live| live.key.clone());
    let want = desired.get(name).and_then(|goal| match &goal.end {
        End::Key(key) => Some(key.clone()),
        End::Absent | End::Unresolved(_) => None,
    });
    let ends = [live.clone().flatten(), want.clone()].into_iter().flatten().collect();
    let facts = inspect(kms, ends, facts).await.map_err(PrepareError::Inspect)?;
    let names = desired.into_keys().chain(snapshot.live.into_keys()).collect();
    Ok(Found { live, want, facts, fate, refusals, names })
}

fn fate(target: &Target, prepared: &Prepared, name: &AliasName) -> Fate {
    let Prepared { plan, snapshot, .. } = prepared;
    if let Some(held) = plan.held.iter().find(|held| held.name == *name) {
        return Fate::Held(held.clone());
    }
    if let Some(change) = plan.changes.iter().find(|change| change.action.name() == name) {
        return Fate::Change(change.clone());
    }
    let was = |change: &&Change| change.previous.as_ref().is_some_and(|(old, _)| old == name);
    if let Some(change) = plan.changes.iter().find(was) {
        return Fate::Becomes(change.action.name().clone());
    }
    if let Some((_, by)) = plan.kept.get(name) {
        return Fate::Kept(by.clone());
    }
    match (target.scope.owns(name.as_str()), snapshot.live.contains_key(name)) {
        (false, _) => Fate::NotOurs,
        (true, false) => Fate::Nothing,
        (true, true) if plan.unmanaged.contains_key(name) => Fate::Unmanaged,
        (true, true) => Fate::InSync,
    }
}

/// What refuses the plan, if that would change the name; of what is about single names, what is about this one
fn refusals(fate: &Fate, plan: &Plan, name: &AliasName) -> Vec<Refusal> {
    let previous = match fate {
        Fate::Change(change) => change.previous.as_ref().map(|(old, _)| old),
        Fate::Becomes(_) => None,
        _ => return Vec::new(),
    };
    let concerns =
        |refusal: &&Refusal| [Some(name), previous].into_iter().flatten().any(|one| refusal.concerns(one));
    plan.refusals.iter().filter(concerns).cloned().collect()
}

/// The name that was meant, if `name` is near enough to one of `names`
pub fn meant<'n>(name: &AliasName, names: &'n BTreeSet<AliasName>) -> Option<&'n str> {
    nearest(name.as_str(), names.iter().map(AliasName::as_str).filter(|other| *other != name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Input, load};
    use crate::target::targets;

    const KEY: &str = "11111111-1111-1111-1111-111111111111";

    const MANIFEST: &str = r#"version: 1
scope: [alias/app/, alias/data/]
ignore: ["alias/app/tmp/**"]
targets:
  dev: {account: "444455556666", region: us-east-1}
  prod:
    account: "111122223333"
    region: us-east-1
    overrides:
      alias/app/a: absent
      prod/111122223333/us-east-1: {alias/app/a: alias/app/b}
aliases:
  alias/app/a: KEY
  alias/app/b: {key: alias/app/c}
  alias/app/c: {key: alias/live}
  alias/app/d: {key: KEY, targets: [dev]}
"#;

    /// What is said of `name` in the target with this index
    fn ask(index: usize, name: &str) -> Said {
        let text = MANIFEST.replace("KEY", KEY).into_bytes();
        let manifest = load(&[Input::Stdin(text)]).unwrap();
        said(&manifest, &targets(&manifest)[index], &AliasName::parse(name).unwrap())
    }

    fn lines(said: &Said) -> Vec<(Layer, u32)> {
        said.declarations.iter().map(|one| (one.layer, one.place.line)).collect()
    }

    #[test]
    fn of_several_declarations_the_last_one_holds() {
        let prod = ask(1, "alias/app/a");
        assert_eq!(lines(&prod), [(Layer::Shared, 13), (Layer::Target, 10), (Layer::Instance, 11)]);
        assert_eq!(prod.declared().unwrap().layer, Layer::Instance);
        let dev = ask(0, "alias/app/a");
        assert_eq!((lines(&dev), dev.elsewhere.len()), (vec![(Layer::Shared, 13)], 2));
    }

    #[test]
    fn a_declaration_for_other_targets_is_told_apart() {
        let said = ask(1, "alias/app/d");
        assert!(said.declarations.is_empty() && said.concerns());
        assert_eq!(said.elsewhere.iter().map(|place| place.line).collect::<Vec<_>>(), [16]);
    }

    #[test]
    fn a_chain_is_followed_to_the_live_alias_at_its_end() {
        let chain = ask(1, "alias/app/a").chain;
        let told: Vec<_> =
            chain.iter().map(|(name, place)| (name.as_str(), place.as_ref().map(|p| p.line))).collect();
        assert_eq!(told, [("alias/app/b", Some(14)), ("alias/app/c", Some(15)), ("alias/live", None)]);
    }

    #[test]
    fn whose_a_name_is_comes_with_the_line_that_says_so() {
        for (name, wanted) in [
            ("alias/data/x", "Owned(\"alias/data/\", 2)"),
            ("alias/app/tmp/x", "Ignored(\"alias/app/tmp/**\", 3)"),
            ("alias/apple", "Outside([\"alias/app/\", \"alias/data/\"])"),
        ] {
            let said = ask(0, name);
            let told = match &said.standing {
                Standing::Owned(prefix, place) => format!("Owned({prefix:?}, {})", place.line),
                Standing::Ignored(pattern, place) => format!("Ignored({pattern:?}, {})", place.line),
                Standing::Outside(prefixes) => format!("Outside({prefixes:?})"),
            };
            assert_eq!(told, wanted);
            assert_eq!(said.concerns(), !told.starts_with("Outside"));
        }
    }
}
