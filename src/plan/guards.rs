//! What a plan would do, and how much of it -> refusals. Pure.
//!
//! A guard refuses the whole plan of a target, so that a pull request turns red and not the deploy. What it refuses can be
//! allowed by a flag of its own; no flag allows everything.

use std::fmt;

use crate::alias::AliasName;
use crate::diff::Diff;
use crate::target::{Guard, Guards, Harm, Limit, Place};

use super::{Action, Change, Policy};

/// What a guard refuses, and `--allow` accepts
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Allow {
    /// More deletes than `guards.max_delete`
    MassDelete,
    /// More retargets than `guards.max_update`
    MassUpdate,
    /// Nothing declared at all while prune is on
    Empty,
    /// A delete or retarget that `protect` forbids
    Protected,
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::MassDelete => "mass-delete",
            Self::MassUpdate => "mass-update",
            Self::Empty => "empty",
            Self::Protected => "protected",
        })
    }
}

/// Why a plan must not be applied
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The guard, which `--allow` takes
    pub guard: Allow,
    /// What was observed, and the limit
    pub why: String,
    /// Where the limit was set; `None` for a default
    pub place: Option<Place>,
}

/// What refuses `changes`; nothing that the policy allows
pub fn refusals(changes: &[Change], diff: &Diff, policy: &Policy) -> Vec<Refusal> {
    let Guards { max_delete, max_update, min_existing } = &policy.guards;
    let deletes = changes.iter().filter(|change| harm(&change.action) == Some(Harm::Delete)).count();
    let updates = changes.iter().filter(|change| harm(&change.action) == Some(Harm::Retarget)).count();
    let live = diff.live;
    let masses = [
        mass(Allow::MassDelete, "delete", deletes, live, max_delete, *min_existing),
        mass(Allow::MassUpdate, "retarget", updates, live, max_update, *min_existing),
        empty(deletes, diff, policy),
    ];
    let protected = changes.iter().filter_map(|change| protected(change, policy));
    let all = masses.into_iter().flatten().chain(protected);
    all.filter(|refusal| !policy.allow.contains(&refusal.guard)).collect()
}

/// The harm that an action does to its alias, if it does any
fn harm(action: &Action) -> Option<Harm> {
    match action {
        Action::Create { .. } => None,
        Action::Update { .. } => Some(Harm::Retarget),
        Action::Delete { .. } => Some(Harm::Delete),
    }
}

fn mass(
    allow: Allow,
    verb: &str,
    count: usize,
    live: usize,
    guard: &Guard,
    min_existing: usize,
) -> Option<Refusal> {
    let over = match guard.limit {
        Limit::Count(most) => count > most,
        Limit::Percent(most) => live >= min_existing && count as f64 * 100.0 > most * live as f64,
    };
    let share = match guard.limit {
        Limit::Percent(_) => format!(" ({:.0} %)", count as f64 * 100.0 / live as f64),
        Limit::Count(_) => String::new(),
    };
    let why = format!("would {verb} {count} of {live} live names{share}, and the limit is {}", guard.limit);
    over.then(|| Refusal { guard: allow, why, place: guard.place.clone() })
}

/// A manifest that lost its aliases, to a bad merge or an empty template, looks like the wish to delete everything
fn empty(deletes: usize, diff: &Diff, policy: &Policy) -> Option<Refusal> {
    let lost = policy.prune && diff.declared == 0 && deletes > 0;
    let why = format!(
        "declares no alias here while prune is on, and would delete {deletes} of {} live names",
        diff.live
    );
    lost.then_some(Refusal { guard: Allow::Empty, why, place: None })
}

fn protected(change: &Change, policy: &Policy) -> Option<Refusal> {
    let (harm, name) = (harm(&change.action)?, change.action.name());
    let verb = match harm {
        Harm::Delete => "deleted",
        Harm::Retarget => "moved to another key",
    };
    let (by, place) = match change.protect.contains(&harm) {
        true => ("its own entry".to_owned(), change.place.clone()),
        false => by_pattern(name, harm, policy)?,
    };
    let why = format!("{name} would be {verb}, and {by} protects it");
    Some(Refusal { guard: Allow::Protected, why, place })
}

fn by_pattern(name: &AliasName, harm: Harm, policy: &Policy) -> Option<(String, Option<Place>)> {
    let covers = |protection: &&crate::target::Protection| {
        protection.from.contains(&harm) && protection.pattern.matches(name.as_str())
    };
    let protection = policy.protect.iter().find(covers)?;
    Some((format!("`{}`", protection.pattern.as_str()), Some(protection.place.clone())))
}
