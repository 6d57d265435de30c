//! (Manifest, targets as they were read) -> the same manifest, in which every live name is declared that is asked for, so that its plan is
//! empty. [`look`] reads, [`skeleton`](mod@skeleton) makes the manifest where there is none yet, `refer` says how keys are written,
//! [`terraform`] and [`cloudformation`] tell what these tools have made; where a declaration is written, and the proof that nothing else
//! has changed, are those of [`crate::accept`]. Pure, but for [`look`].

pub mod claim;
pub mod cloudformation;
pub mod look;
pub mod refer;
pub mod skeleton;
pub mod terraform;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::accept::{AcceptError, Extended, Left, Note, Notes, Wants, extend};
use crate::alias::{AliasName, KeyId};
use crate::diff::{Difference, diff};
use crate::inspect::Fact;
use crate::load::{Instance, Manifest};
use crate::plan::{Counts, Plan, Policy, candidates, plan};
use crate::render::style::plural;
use crate::resolve::resolve;
use crate::target::{Target, Want};
use crate::unusable::flaw;
use claim::{Claim, Claims, Home};
use look::{Request, Seen};

/// A manifest that declares what is live
#[derive(Debug, Default)]
pub struct Imported {
    /// The text of its one file
    pub text: String,
    /// What it declares now, each in these targets
    pub declared: BTreeMap<AliasName, BTreeSet<Arc<str>>>,
    /// What is live and asked for, and is not declared
    pub left: Vec<Left>,
    /// What there is to know of what is declared, sentences
    pub remarks: Vec<String>,
    /// What nobody could see, a sentence and what would help
    pub unseen: Option<(String, &'static str)>,
    /// What a plan of it does all the same, to what was declared before or is not declared
    pub ahead: Ahead,
    /// The addresses that another tool need not look after any more
    pub taken: BTreeSet<String>,
    /// How many names are live and asked for, those included that were declared before
    pub live: usize,
    /// The accounts and Regions that were read
    pub homes: BTreeSet<Home>,
}

/// What a plan of an extended manifest has in it
#[derive(Debug, Default)]
pub struct Ahead {
    /// What it would write
    pub counts: Counts,
    /// How many names it would hold
    pub held: usize,
    /// How many names are declared, and live on another key, in each of these targets
    pub elsewhere: BTreeMap<Arc<str>, usize>,
}

impl Ahead {
    /// Whether nothing is to be done
    pub fn is_empty(&self) -> bool {
        self.counts.total() + self.held == 0
    }
}

/// Why nothing is imported
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The manifest cannot be edited, or has been edited wrongly
    #[error(transparent)]
    Edit(#[from] AcceptError),
    /// What was written would not be what is live
    #[error(
        "import {name} in {target}: as it would be declared, a plan would change it; nothing was written"
    )]
    NotInSync {
        /// The alias
        name: AliasName,
        /// The target
        target: Arc<str>,
    },
}

impl ImportError {
    /// What would help
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Edit(AcceptError::Unwritten(_)) => {
                "import into a file of its own, which `--out FILE` makes"
            }
            _ => "this is a bug in kms-alias; please report it with this line",
        }
    }
}

/// Declares in `manifest` what `request` asks for and is live in `seen`, which are targets of it
///
/// # Errors
/// The result would not be the manifest with that in it, or not what is live.
pub fn import(manifest: &Manifest, seen: &[Seen], request: &Request) -> Result<Imported, ImportError> {
    let mut imported = Imported {
        live: seen.iter().map(|one| request.asked(one).count()).sum(),
        homes: seen.iter().map(|one| Home::of(&one.identity)).collect(),
        ..Imported::default()
    };
    let mut left = Vec::new();
    let (mut wants, mut notes) = (Wants::new(), Notes::new());
    let mut by_ids: BTreeMap<(Arc<str>, String), Vec<&AliasName>> = BTreeMap::new();
    let old_names = previous_names(seen);
    for (at, one) in indexed(manifest, seen) {
        for (name, key) in &one.names {
            if let Some(why) = objection(one, name, key.as_ref(), &old_names) {
                left.push((at, name.clone(), why));
                continue;
            }
            let Some(key) = key else { continue };
            let (reference, by_id) = request.refer.reference(key, one);
            wants.entry(name.clone()).or_default().insert(at, Want::Key(reference));
            notes
                .entry(name.clone())
                .or_default()
                .insert(at, Note { text: Note::of(one.facts.get(key)), stale: None });
            imported.remarks.extend(broken(one, name, key));
            if let Some(why) = by_id {
                by_ids.entry((one.target.name.clone(), why)).or_default().push(name);
            }
        }
    }
    imported.remarks.extend(by_ids.iter().map(|((target, why), names)| written_by_id(target, why, names)));
    imported.unseen = unseen(seen);
    let extended = extend(manifest, wants, &notes)?;
    let plans = prove(manifest, seen, &extended, &mut imported.ahead)?;
    imported.remarks.extend(empty_targets(manifest, seen, &extended));
    left.extend(extended.left.iter().cloned());
    for ((at, one), plan) in indexed(manifest, seen).zip(&plans) {
        let blocked = left.iter().filter(|(other, ..)| *other == at);
        let told = blocked.map(|(_, name, why)| Left::new(&one.target, name.clone(), why.clone(), plan));
        imported.left.extend(told);
        imported.remarks.extend(doomed(one, plan));
        for name in one.names.keys().filter(|name| extended.targets[at].aliases.contains_key(*name)) {
            imported.declared.entry(name.clone()).or_default().insert(one.target.name.clone());
        }
    }
    if let Some(claims) = &request.claims {
        settle(claims, manifest, &reached(manifest, seen, &extended.targets), &mut imported);
    }
    imported.text = extended.texts.into_iter().next().unwrap_or_default();
    Ok(imported)
}

/// Each target with its index among the instances of the manifest
fn indexed<'s>(manifest: &Manifest, seen: &'s [Seen]) -> impl Iterator<Item = (usize, &'s Seen)> {
    let names = manifest.instances.iter().enumerate();
    let names: BTreeMap<Arc<str>, usize> = names.map(|(at, one)| (one.name.clone(), at)).collect();
    seen.iter().filter_map(move |one| Some((*names.get(&one.target.name)?, one)))
}

/// The names that declared aliases had before, each with one that had it
fn previous_names(seen: &[Seen]) -> BTreeMap<&AliasName, &AliasName> {
    let declared = seen.iter().flat_map(|one| &one.target.aliases);
    declared.flat_map(|(new, said)| said.manner.previously.iter().map(move |old| (old, new))).collect()
}

/// Why the live state of a name cannot be declared such that its plan is empty, if it cannot be
fn objection(
    one: &Seen,
    name: &AliasName,
    key: Option<&KeyId>,
    old_names: &BTreeMap<&AliasName, &AliasName>,
) -> Option<String> {
    if let Some(new) = old_names.get(name) {
        return Some(format!("it is a previous name of {new}"));
    }
    let Some(key) = key else { return Some("it is listed without a target key".to_owned()) };
    if KeyId::parse(key.as_str()).is_none() {
        return Some(format!("its key {key} has no id that a manifest can name"));
    }
    match one.facts.get(key) {
        Some(Fact::Known(facts)) if facts.aws_managed => {
            Some(format!("its key {key} is managed by AWS, and takes no alias of ours"))
        }
        // A plan leaves an alias alone that is on its key, whatever the state of that; what is gone is never wanted.
        fact @ Some(Fact::Missing) => flaw(key, fact).map(|(_, why, _)| why),
        _ => None,
    }
}

/// Names that were not asked for, and that a plan of the result deletes
fn doomed(one: &Seen, plan: &Plan) -> Option<String> {
    let is_open = |name: &&AliasName| !one.names.contains_key(*name) && plan.prunes(name);
    let open = one.snapshot.live.keys().filter(is_open).count();
    let names = plural(open, "live name");
    let target = &one.target.name;
    (open > 0).then(|| {
        format!("{target}: {names} in scope not imported; a plan deletes what is not declared, since `prune` is on")
    })
}

/// That a key is declared as it is, and cannot be used; of those that nobody may look at, [`unseen`] tells
fn broken(one: &Seen, name: &AliasName, key: &KeyId) -> Option<String> {
    let fact = one.facts.get(key).filter(|fact| !matches!(fact, Fact::Denied(_)));
    let (_, why, hint) = flaw(key, fact)?;
    Some(format!("{name} in {}: it is declared as it is, and {why}: {hint}", one.target.name))
}

/// That the keys of these names are not written as it was asked
fn written_by_id(target: &str, why: &str, names: &[&AliasName]) -> String {
    let how =
        if names.len() == 1 { "the key is written by its id" } else { "the keys are written by their ids" };
    format!("{} in {target}: {how}, since {why}", few(names))
}

/// The first of these, and how many there are besides
pub(crate) fn few(names: &[impl std::fmt::Display]) -> String {
    match names {
        [] => String::new(),
        [one] => one.to_string(),
        [one, other] => format!("{one} and {other}"),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

/// That keys could not be looked at, of however many names
fn unseen(seen: &[Seen]) -> Option<(String, &'static str)> {
    let (mut names, mut targets, mut keys, mut first) = (0, Vec::new(), BTreeSet::new(), None);
    for one in seen {
        let denied = one.names.values().flatten().filter_map(|key| match one.facts.get(key) {
            Some(Fact::Denied(sentence)) => Some((key, sentence)),
            _ => None,
        });
        let before = names;
        for (key, sentence) in denied {
            names += 1;
            keys.insert((&one.target.name, key));
            first.get_or_insert(sentence);
        }
        if names > before {
            targets.push(&*one.target.name);
        }
    }
    let sentence = format!(
        "{} of {} in {} cannot be looked at, so that descriptions are missing and nobody knows whether these keys can be used; {}",
        plural(keys.len(), "key"),
        aliases(names),
        few(&targets),
        first?
    );
    let hint = "grant kms:DescribeKey to the role that plans, as `kms-alias iam-policy --for plan` prints it, and import anew";
    Some((sentence, hint))
}

/// So many of them
pub(crate) fn aliases(count: usize) -> String {
    if count == 1 { "1 alias".to_owned() } else { format!("{count} aliases") }
}

/// Targets that nothing is declared for, beside others that have something
fn empty_targets(manifest: &Manifest, seen: &[Seen], extended: &Extended) -> Vec<String> {
    let all = || indexed(manifest, seen).map(|(at, one)| (&extended.targets[at], one));
    if all().all(|(target, _)| target.aliases.is_empty()) {
        return Vec::new();
    }
    let empty = all().filter(|(target, _)| target.aliases.is_empty());
    let told = empty.map(|(target, _)| {
        format!("{}: nothing is declared for it, since nothing that was asked for is live there", target.name)
    });
    told.collect()
}

/// That a plan of the result does nothing to what was imported, by the very stages of a plan; the plans, and what they do besides
fn prove(
    manifest: &Manifest,
    seen: &[Seen],
    extended: &Extended,
    ahead: &mut Ahead,
) -> Result<Vec<Plan>, ImportError> {
    let mut plans = Vec::new();
    for (at, one) in indexed(manifest, seen) {
        let target = &extended.targets[at];
        let desired = resolve(target, &one.identity, &one.snapshot, &one.choices);
        let diff = diff(&desired, &one.snapshot);
        let differences = &diff.differences;
        let mut declared = one.names.keys().filter(|name| target.aliases.contains_key(*name));
        if let Some(name) = declared.find(|name| differences.contains_key(*name)) {
            let (name, target) = (name.clone(), one.target.name.clone());
            return Err(ImportError::NotInSync { name, target });
        }
        let is_elsewhere = |one: &&Difference| matches!(one, Difference::Mismatched { .. });
        let elsewhere = differences.values().filter(is_elsewhere).count();
        if elsewhere > 0 {
            ahead.elsewhere.insert(one.target.name.clone(), elsewhere);
        }
        let policy = Policy::of(target);
        let plan = plan(candidates(&diff, &desired, &policy), &diff, &policy, &one.facts);
        ahead.counts += plan.counts();
        ahead.held += plan.held.len();
        plans.push(plan);
    }
    Ok(plans)
}

/// Each target as it was read, and as it is declared now
fn reached<'s>(manifest: &Manifest, seen: &'s [Seen], targets: &'s [Target]) -> Vec<(&'s Seen, &'s Target)> {
    indexed(manifest, seen).map(|(at, one)| (one, &targets[at])).collect()
}

/// Tells which claims are settled, and of the others why not
fn settle(claims: &Claims, manifest: &Manifest, reached: &[(&Seen, &Target)], imported: &mut Imported) {
    let mut apart: BTreeMap<&Home, Vec<&AliasName>> = BTreeMap::new();
    for (name, claim) in claims.iter().flat_map(|(name, all)| all.iter().map(move |claim| (name, claim))) {
        let of_claim = reached.iter().filter(|(one, _)| claim.is_of(&one.identity));
        let live = of_claim.clone().filter(|(one, _)| one.snapshot.live.contains_key(name));
        if let Some((one, _)) = live.clone().find(|(_, target)| target.aliases.contains_key(name)) {
            imported.taken.insert(claim.address.clone());
            imported.remarks.extend(moved(one, name, claim));
        } else if let (Some(home), None) = (&claim.home, of_claim.clone().next()) {
            apart.entry(home).or_default().push(name);
        } else if live.count() == 0 {
            imported.remarks.push(absence(name, claim, of_claim.map(|(one, _)| *one)));
        }
    }
    imported.remarks.extend(apart.iter().map(|(home, names)| unreached(home, names, manifest)));
}

/// That claims are of an account and Region that was not read
fn unreached(home: &Home, names: &[&AliasName], manifest: &Manifest) -> String {
    let is_there = |one: &Instance| {
        one.account.as_ref() == Some(&home.account) && one.region.as_ref() == Some(&home.region)
    };
    let why = match manifest.instances.iter().any(is_there) {
        true => "is of a target that was not chosen",
        false => "is none of the targets",
    };
    format!("{home} {why}: {} of it not declared, {}", aliases(names.len()), few(names))
}

/// That the key is another one than the claim says
fn moved(one: &Seen, name: &AliasName, claim: &Claim) -> Option<String> {
    let (then, now) = (claim.key.as_ref()?, one.snapshot.live.get(name)?.key.as_ref()?);
    (then != now).then(|| {
        let address = &claim.address;
        format!(
            "{name} in {}: it is on key {now}, and {address} says {then}: what is live counts",
            one.target.name
        )
    })
}

/// Why a claim was not met in any target
fn absence<'s>(name: &AliasName, claim: &Claim, mut of_claim: impl Iterator<Item = &'s Seen>) -> String {
    let why = match of_claim.any(|one| one.target.scope.owns(name.as_str())) {
        false => "it is outside the scope, or ignored",
        true => "it is not live any more",
    };
    format!("{name}, {}: not declared: {why}", claim.address)
}
