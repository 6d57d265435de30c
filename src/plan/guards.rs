//! What a plan would do, and how much of it -> refusals. Pure.
//!
//! A guard refuses the whole plan of a target, so that a pull request turns red and not the deploy. What it refuses can be
//! allowed by a flag of its own; no flag allows everything.

use std::collections::BTreeMap;
use std::fmt;

use crate::alias::{AliasName, KeyId};
use crate::diff::Diff;
use crate::list::Extent;
use crate::target::{Guard, Guards, Harm, Limit, Place};

use super::{Action, Change, Policy, Reason};

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
    /// Deleting and creating an alias anew where it cannot be moved; without it, such an alias is held
    Replace,
    /// Aliases beyond the fifty that a key takes by default; without it, what has no place is held
    FullKey,
    /// Moving a live alias that the manifest did not declare before; known with --base-ref
    Takeover,
}

/// What `--fail-on` makes a refusal of
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum FailOn {
    /// Live names in scope that nothing declares
    Unmanaged,
    /// Warnings, of the manifest and of the plan
    Warnings,
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::MassDelete => "mass-delete",
            Self::MassUpdate => "mass-update",
            Self::Empty => "empty",
            Self::Protected => "protected",
            Self::Replace => "replace",
            Self::FullKey => "full-key",
            Self::Takeover => "takeover",
        })
    }
}

impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Unmanaged => "unmanaged",
            Self::Warnings => "warnings",
        })
    }
}

/// What refuses a plan
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A guard that holds until `--allow` accepts what it refuses
    Allow(Allow),
    /// One that `--fail-on` asked for
    FailOn(FailOn),
}

impl Rule {
    /// What accepts it
    pub fn accept(self) -> String {
        match self {
            Self::Allow(guard) => format!("--allow {guard}"),
            Self::FailOn(what) => format!("leave {what} out of --fail-on"),
        }
    }

    /// What would help
    pub fn hint(self) -> String {
        match self {
            Self::Allow(_) => format!("if that is meant, pass {}", self.accept()),
            Self::FailOn(FailOn::Unmanaged) => format!("declare or `ignore` them, or {}", self.accept()),
            Self::FailOn(FailOn::Warnings) => format!("mend them, or {}", self.accept()),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow(guard) => guard.fmt(f),
            Self::FailOn(what) => what.fmt(f),
        }
    }
}

/// Why a plan must not be applied
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The guard
    pub guard: Rule,
    /// What was observed, and the limit
    pub why: String,
    /// Where the manifest says so; `None` for a default
    pub place: Option<Place>,
}

impl Refusal {
    fn new(guard: Allow, why: String, place: Option<Place>) -> Self {
        Self { guard: Rule::Allow(guard), why, place }
    }

    /// Whether it is about this name, or about a plan as a whole; what is about one name begins with it
    pub fn concerns(&self, name: &AliasName) -> bool {
        let about_one = matches!(self.guard, Rule::Allow(Allow::Protected | Allow::Takeover));
        !about_one || self.why.split(' ').next() == Some(name.as_str())
    }

    /// What `--fail-on` asked for
    pub fn on(what: FailOn, why: String) -> Self {
        Self { guard: Rule::FailOn(what), why, place: None }
    }
}

/// What refuses `changes`; nothing that the policy allows
pub fn refusals(changes: &[Change], diff: &Diff, policy: &Policy) -> Vec<Refusal> {
    let Guards { max_delete, max_update, min_existing } = &policy.guards;
    let deletes = changes.iter().filter(|change| counted(change) == Some(Harm::Delete)).count();
    let updates = changes.iter().filter(|change| counted(change) == Some(Harm::Retarget)).count();
    let masses = [
        mass(Allow::MassDelete, "delete", deletes, diff, max_delete, *min_existing),
        mass(Allow::MassUpdate, "retarget", updates, diff, max_update, *min_existing),
        empty(deletes, diff, policy),
    ];
    let each = |change| protected(change, policy).into_iter().chain(takeover(change, policy));
    let all = masses.into_iter().flatten().chain(changes.iter().flat_map(each));
    let is_allowed = |guard| matches!(guard, Rule::Allow(guard) if policy.allow.contains(&guard));
    all.filter(|refusal| !is_allowed(refusal.guard)).collect()
}

/// Whether a share of the live names that are known is passed: only their whole number can tell then, since with it the share is less,
/// and there may be enough of them for a share to count
pub(super) fn may_be_too_many(changes: &[Change], diff: &Diff, policy: &Policy) -> bool {
    let passes = |allow, harm, guard: &Guard| {
        let count = changes.iter().filter(|change| counted(change) == Some(harm)).count();
        let over =
            matches!(guard.limit, Limit::Percent(most) if count as f64 * 100.0 > most * diff.live as f64);
        over && !policy.allow.contains(&allow)
    };
    passes(Allow::MassDelete, Harm::Delete, &policy.guards.max_delete)
        || passes(Allow::MassUpdate, Harm::Retarget, &policy.guards.max_update)
}

/// What `--fail-on unmanaged` makes of names that nothing declares
pub fn unmanaged(names: &BTreeMap<AliasName, Option<KeyId>>, policy: &Policy) -> Option<Refusal> {
    const SHOWN: usize = 3;
    let asked = policy.fail_on.contains(&FailOn::Unmanaged) && !names.is_empty();
    let mut first: Vec<_> = names.keys().take(SHOWN).map(AliasName::as_str).collect();
    first.extend((names.len() > SHOWN).then_some("…"));
    let why = match names.len() {
        1 => format!("1 live name in scope is not declared: {}", first.join(", ")),
        count => format!("{count} live names in scope are not declared: {}", first.join(", ")),
    };
    asked.then(|| Refusal::on(FailOn::Unmanaged, why))
}

/// The harm that a change does to live names, each with the name; a rename takes one away, and may come to another key
fn harms(change: &Change) -> Vec<(Harm, &AliasName)> {
    let name = change.action.name();
    match &change.action {
        Action::Create { key, .. } => {
            let harms =
                |(old, was)| [Some((Harm::Delete, old)), (key != was).then_some((Harm::Retarget, old))];
            change.previous.iter().map(|(old, was)| (old, was)).flat_map(harms).flatten().collect()
        }
        Action::Update { .. } | Action::Replace { .. } => vec![(Harm::Retarget, name)],
        Action::Delete { .. } => vec![(Harm::Delete, name)],
    }
}

/// The harm that counts towards a mass: what is renamed is not lost, unless it comes to another key
fn counted(change: &Change) -> Option<Harm> {
    match (&change.action, &change.previous) {
        (Action::Create { .. }, None) => None,
        (Action::Create { key, .. }, Some((_, was))) => (key != was).then_some(Harm::Retarget),
        (Action::Update { .. } | Action::Replace { .. }, _) => Some(Harm::Retarget),
        (Action::Delete { .. }, _) => (!matches!(change.reason, Reason::Renamed(_))).then_some(Harm::Delete),
    }
}

fn mass(
    allow: Allow,
    verb: &str,
    count: usize,
    diff: &Diff,
    guard: &Guard,
    min_existing: usize,
) -> Option<Refusal> {
    let live = diff.live;
    let over = match guard.limit {
        Limit::Count(most) => count > most,
        Limit::Percent(most) => live >= min_existing && count as f64 * 100.0 > most * live as f64,
    };
    let share = match guard.limit {
        Limit::Percent(_) => format!(" ({:.0} %)", count as f64 * 100.0 / live as f64),
        Limit::Count(_) => String::new(),
    };
    // No default is a number of names, and no flag a share.
    let by = match (&guard.place, guard.limit, allow) {
        (None, Limit::Percent(_), _) => ", the default",
        (None, Limit::Count(_), Allow::MassDelete) => ", set by --max-deletes",
        (None, Limit::Count(_), _) => ", set by --max-updates",
        _ => "",
    };
    let limit = guard.limit;
    let read = if diff.extent == Extent::Named { " that were read" } else { "" };
    let why = format!("would {verb} {count} of {live} live names{read}{share}, and the limit is {limit}{by}");
    over.then(|| Refusal::new(allow, why, guard.place.clone()))
}

/// A manifest that lost its aliases, to a bad merge or an empty template, looks like the wish to delete everything
fn empty(deletes: usize, diff: &Diff, policy: &Policy) -> Option<Refusal> {
    let lost = policy.prune && diff.declared == 0 && deletes > 0;
    let by = if policy.prune_place.is_none() { " by --prune" } else { "" };
    let live = diff.live;
    let why = format!(
        "declares no alias here while prune is on{by}, and would delete {deletes} of {live} live names"
    );
    lost.then(|| Refusal::new(Allow::Empty, why, policy.prune_place.clone()))
}

fn protected(change: &Change, policy: &Policy) -> Vec<Refusal> {
    let refusal = |(harm, name): (Harm, &AliasName)| {
        let verb = match harm {
            Harm::Delete => "deleted",
            Harm::Retarget => "moved to another key",
        };
        let (by, place) = match change.manner.protect.contains(&harm) {
            true => ("its own entry".to_owned(), change.place.clone()),
            false => by_pattern(name, harm, policy)?,
        };
        let why = format!("{name} would be {verb}, and {by} protects it");
        Some(Refusal::new(Allow::Protected, why, place))
    };
    harms(change).into_iter().filter_map(refusal).collect()
}

/// A name that is new to the manifest and old to the account is somebody else's, or a slip
fn takeover(change: &Change, policy: &Policy) -> Option<Refusal> {
    let (name, from, to) = match (&change.action, &change.previous) {
        (Action::Update { name, from, to } | Action::Replace { name, from, to }, _) => (name, from, to),
        (Action::Create { key, .. }, Some((old, was))) if key != was => (old, was, key),
        _ => return None,
    };
    let since = policy.since.as_ref().filter(|since| since.is_new(name))?;
    let commit = since.commit.short();
    let new = match since.is_readable() {
        true => format!("was not declared at {commit}"),
        false => format!("may be newly declared, for the manifest at {commit} cannot be read"),
    };
    let why = format!("{name} {new}; it exists on key {from}, and would be moved to key {to}");
    Some(Refusal::new(Allow::Takeover, why, change.place.clone()))
}

fn by_pattern(name: &AliasName, harm: Harm, policy: &Policy) -> Option<(String, Option<Place>)> {
    let covers = |protection: &&crate::target::Protection| {
        protection.from.contains(&harm) && protection.pattern.matches(name.as_str())
    };
    let protection = policy.protect.iter().find(covers)?;
    Some((format!("`{}`", protection.pattern.as_str()), Some(protection.place.clone())))
}
