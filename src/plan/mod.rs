//! (Diff, Policy, Facts) -> ordered actions and what is held. Pure and synchronous.
//!
//! The contract: performing every action turns the snapshot into the desired state, apart from what is held. Apply has no
//! choices left.
//!
//! Three steps. [`candidates`] asks the policy what should become of each difference, without knowing anything about keys;
//! its keys are what `inspect` looks at, and it is also what `verify` asks to be empty. [`plan`] then holds back every
//! candidate that the facts forbid, and `guards` refuses the whole where it would do too much. [`Plan::stages`] orders the rest.

mod candidates;
mod counts;
pub mod digest;
pub mod guards;
pub mod keys;
pub mod order;
mod renames;
pub mod risks;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::alias::{AliasName, KeyId};
use crate::base::{Origin, Since};
use crate::criteria::Criteria;
use crate::diff::{Diff, Difference};
use crate::inspect::Facts;
use crate::list::Extent;
use crate::read::ReadBy;
use crate::target::{Guards, Manner, Place, Protection, Target};

pub use candidates::{Candidates, candidates};
pub use counts::Counts;
use guards::{Allow, FailOn, Refusal};
use risks::Risk;

/// What the manifest and the command line allow
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// Delete in-scope names that are not declared
    pub prune: bool,
    /// Where the manifest says so; `None` where the command line does
    pub prune_place: Option<Place>,
    /// Whether the command line leaves names out, so that the plan is not the whole truth
    pub partial: bool,
    /// Whether the command line leaves targets out, so that a pattern may match in one of those
    pub narrowed: bool,
    /// Names that are kept from harm
    pub protect: Vec<Protection>,
    /// How much may change
    pub guards: Guards,
    /// What the command line allows all the same
    pub allow: BTreeSet<Allow>,
    /// What the command line refuses besides
    pub fail_on: BTreeSet<FailOn>,
    /// How the live aliases are read
    pub read: ReadBy,
    /// What has changed in the manifest since the base commit, if the command line names one
    pub since: Option<Since>,
    /// For a plan about these names alone: what each has to be on, or its change is held
    pub expected: Option<BTreeMap<AliasName, Expected>>,
}

/// What a name has to be on for a plan to change it
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// One of these keys, or none: where an apply left it, as far as its receipt can tell
    Left(BTreeSet<Option<KeyId>>),
    /// This key, or none: where an earlier plan saw it
    Seen(Option<KeyId>),
    /// Nobody can tell, so it is not changed
    Unproven,
}

impl Policy {
    /// The policy of a target, as the manifest has it
    pub fn of(target: &Target) -> Self {
        Self {
            prune: target.prune,
            prune_place: target.prune_place.clone(),
            partial: target.scope.selection.is_partial(),
            protect: target.protect.clone(),
            guards: target.guards.clone(),
            ..Self::default()
        }
    }
}

/// One write, with what was seen when it was planned
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// CreateAlias
    Create {
        /// The alias
        name: AliasName,
        /// Its target key
        key: KeyId,
    },
    /// UpdateAlias
    Update {
        /// The alias
        name: AliasName,
        /// The key that it was seen on
        from: KeyId,
        /// The key to move it to
        to: KeyId,
    },
    /// DeleteAlias, then CreateAlias: for keys between which UpdateAlias cannot move an alias
    Replace {
        /// The alias
        name: AliasName,
        /// The key that it was seen on
        from: KeyId,
        /// The key to create it on
        to: KeyId,
    },
    /// DeleteAlias
    Delete {
        /// The alias
        name: AliasName,
        /// The key that it was seen on
        was: KeyId,
    },
}

impl Action {
    /// The alias that it changes
    pub fn name(&self) -> &AliasName {
        match self {
            Self::Create { name, .. }
            | Self::Update { name, .. }
            | Self::Replace { name, .. }
            | Self::Delete { name, .. } => name,
        }
    }

    /// The service's verbs for it, in their order
    pub fn verbs(&self) -> Vec<&'static str> {
        match self {
            Self::Create { .. } => vec!["create"],
            Self::Update { .. } => vec!["update"],
            Self::Replace { .. } => vec!["delete", "create"],
            Self::Delete { .. } => vec!["delete"],
        }
    }

    /// The same change by deleting and creating, where it is a move
    fn replacing(self) -> Self {
        match self {
            Self::Update { name, from, to } => Self::Replace { name, from, to },
            other => other,
        }
    }

    /// The key that the alias is on before, and after
    pub fn keys(&self) -> (Option<&KeyId>, Option<&KeyId>) {
        match self {
            Self::Create { key, .. } => (None, Some(key)),
            Self::Update { from, to, .. } | Self::Replace { from, to, .. } => (Some(from), Some(to)),
            Self::Delete { was, .. } => (Some(was), None),
        }
    }
}

/// Why an action is planned
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Declared, and not there
    Missing,
    /// Declared on another key
    Mismatched,
    /// It follows this alias, whose key is another one
    Follows(AliasName),
    /// What its key is selected by selects another one
    Selects(Arc<Criteria>),
    /// Declared absent
    DeclaredAbsent,
    /// Not declared, and prune is on
    Pruned,
    /// It has become this alias
    Renamed(AliasName),
    /// An apply left it otherwise than it was, and is taken back
    Reverted,
}

/// An action and what a reader wants to know about it
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The write
    pub action: Action,
    /// Why
    pub reason: Reason,
    /// Whether the manifest has changed, or the world
    pub origin: Origin,
    /// Where the manifest asks for it; nothing asks for a name to be pruned
    pub place: Option<Place>,
    /// For a create: the name that the alias had, and the key that it was seen on; it is deleted once the new name is there
    pub previous: Option<(AliasName, KeyId)>,
    /// What the alias's own entry says about changing it
    pub manner: Arc<Manner>,
    /// What could go wrong all the same, sorted
    pub risks: Vec<Risk>,
}

impl Change {
    /// The service's verbs for it, in their order; a rename deletes the previous name
    pub fn verbs(&self) -> Vec<&'static str> {
        if self.previous.is_some() { vec!["create", "delete"] } else { self.action.verbs() }
    }

    /// The key that the alias is on before, by its previous name if it is renamed, and after
    pub fn keys(&self) -> (Option<&KeyId>, Option<&KeyId>) {
        let (before, after) = self.action.keys();
        (before.or(self.previous.as_ref().map(|(_, was)| was)), after)
    }
}

/// Something that the manifest asks for and the plan does not do
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The alias
    pub name: AliasName,
    /// The key that it is on now
    pub have: Option<KeyId>,
    /// The key that it should be on, where that is known
    pub want: Option<KeyId>,
    /// Where the manifest asks for it
    pub place: Option<Place>,
    /// Why it is not done, a fragment of a sentence
    pub why: String,
    /// What would help
    pub hint: Option<String>,
    /// Whether the manifest has changed, or the world
    pub origin: Origin,
}

/// What is to be done in one target
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What will be written, sorted by name
    pub changes: Vec<Change>,
    /// The same as writes in order; every stage is verified before the next one begins
    pub stages: Vec<Vec<Action>>,
    /// What is asked for and not done, sorted by name
    pub held: Vec<Held>,
    /// Why nothing of it may be done; a plan without refusals may be applied
    pub refusals: Vec<Refusal>,
    /// What was read: only of a whole listing is it known what is unmanaged
    pub extent: Extent,
    /// Live names in scope that nothing declares and prune does not delete
    pub unmanaged: BTreeMap<AliasName, Option<KeyId>>,
    /// Previous names that stay for now, with the key they are on and the name they have become
    pub kept: BTreeMap<AliasName, (KeyId, AliasName)>,
    /// How many names are as declared
    pub in_sync: usize,
    /// What the command line allowed
    pub allowed: BTreeSet<Allow>,
    /// Whether names were left out by the command line
    pub partial: bool,
}

/// Decides which candidates are done and which are held
pub fn plan(candidates: Candidates, diff: &Diff, policy: &Policy, facts: &Facts) -> Plan {
    let Candidates { changes: wanted, mut held, unmanaged, kept } = candidates;
    let mut changes = Vec::new();
    for mut change in wanted {
        let replaceable = change.manner.replace || policy.allow.contains(&Allow::Replace);
        if replaceable && keys::needs_replacing(&change.action, facts) {
            change.action = change.action.replacing();
        }
        match keys::objection(&change.action, facts) {
            Some(objection) => held.push(objection.hold(change)),
            None => changes.push(change),
        }
    }
    hold_deletes_behind(diff, policy, &mut held, &mut changes);
    let stages = arrange(&mut changes, &mut held, diff, policy);
    risks::mark(&mut changes, facts, &diff.alias_counts);
    held.sort_by(|a, b| a.name.cmp(&b.name));
    let mut refusals = guards::refusals(&changes, diff, policy);
    refusals.extend(guards::unmanaged(&unmanaged, policy));
    let (extent, in_sync) = (diff.extent, diff.in_sync);
    let (allowed, partial) = (policy.allow.clone(), policy.partial);
    Plan { changes, stages, held, refusals, extent, unmanaged, kept, in_sync, allowed, partial }
}

/// The order of the changes, less those that no order makes possible, which are held
///
/// What is held can hold deletes, and a delete that is held frees no place: so it is asked again until nothing is stuck.
fn arrange(
    changes: &mut Vec<Change>,
    held: &mut Vec<Held>,
    diff: &Diff,
    policy: &Policy,
) -> Vec<Vec<Action>> {
    let limited = !policy.allow.contains(&Allow::FullKey);
    loop {
        let order = order::order(changes, &diff.alias_counts, limited);
        if order.stuck.is_empty() {
            return order.stages;
        }
        let mut index = 0..;
        let is_stuck = |_: &mut Change| index.next().is_some_and(|i| order.stuck.contains(&i));
        let stuck: Vec<Change> = changes.extract_if(.., is_stuck).collect();
        held.extend(stuck.into_iter().map(|change| no_place(change, changes, diff)));
        hold_deletes_behind(diff, policy, held, changes);
    }
}

/// A change that finds its key full, of itself or by the changes `placed`, which come before it
fn no_place(change: Change, placed: &[Change], diff: &Diff) -> Held {
    let (have, want) = (change.keys().0.cloned(), change.keys().1.cloned());
    let count = want.as_ref().and_then(|key| diff.alias_counts.get(key)).copied().unwrap_or_default();
    let key = want.as_ref().map(ToString::to_string).unwrap_or_default();
    let aliases = if count == 1 { "alias" } else { "aliases" };
    let more = placed.iter().filter(|other| other.keys().1 == want.as_ref()).count();
    let (more, else_) = match more {
        0 => (String::new(), ""),
        more => (format!(" and gets {more} more by this plan"), " else"),
    };
    let why = format!(
        "key {key} has {count} {aliases}{more}, its quota is {} unless it was raised, and nothing{else_} in this plan frees a place first",
        order::ALIASES_PER_KEY
    );
    let hint = "take an alias off that key, choose another, or pass --allow full-key if its quota is higher"
        .to_owned();
    let (name, origin) = (change.action.name().clone(), change.origin);
    Held { name, have, want, place: change.place, why, hint: Some(hint), origin }
}

/// While a declared name is missing and cannot be created, nothing is deleted: the delete may be the other half of a rename
fn hold_deletes_behind(diff: &Diff, policy: &Policy, held: &mut Vec<Held>, changes: &mut Vec<Change>) {
    let is_missing = |held: &&Held| {
        let difference = diff.differences.get(&held.name);
        matches!(difference, Some(Difference::Missing { .. } | Difference::Unresolved { have: None, .. }))
    };
    let Some(missing) = held.iter().find(is_missing).map(|held| held.name.clone()) else { return };
    let is_delete = |change: &mut Change| matches!(change.action, Action::Delete { .. });
    for change in changes.extract_if(.., is_delete) {
        let (have, _) = change.action.keys();
        let (have, name) = (have.cloned(), change.action.name().clone());
        let why = format!("deletes wait while {missing} is missing and held");
        let hint = Some(match policy.expected {
            // A revert goes by its receipt, from which no flag leaves anything out.
            Some(_) => format!("mend {missing} by hand, and revert again"),
            None => format!("mend {missing}, or leave it out with --exclude-alias {missing}"),
        });
        held.push(Held { name, have, want: None, place: change.place, why, hint, origin: change.origin });
    }
}

impl Plan {
    /// A plan of these changes alone, on keys that have places for all
    #[cfg(test)]
    pub(crate) fn of(changes: Vec<Change>) -> Self {
        let stages = order::order(&changes, &BTreeMap::new(), false).stages;
        Self { changes, stages, ..Self::default() }
    }

    /// Whether there is nothing to write and nothing held
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.held.is_empty()
    }

    /// Whether it deletes the name because nothing declares it
    pub(crate) fn prunes(&self, name: &AliasName) -> bool {
        self.changes.iter().any(|change| change.reason == Reason::Pruned && change.action.name() == name)
    }

    /// How many writes of each kind
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for change in &self.changes {
            match change.action {
                Action::Create { .. } if change.previous.is_some() => counts.rename += 1,
                Action::Create { .. } => counts.create += 1,
                Action::Update { .. } => counts.update += 1,
                Action::Replace { .. } => counts.replace += 1,
                Action::Delete { .. } => counts.delete += 1,
            }
        }
        counts
    }
}
