//! One target, what it declares and what is live -> what it should declare for the live state to be as declared, and what is left
//! as it is, with the reason. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::alias::{AliasName, KeyArn, KeyId, KeyRef};
use crate::base::Origin;
use crate::diff::{Difference, diff};
use crate::fleet::Surveyed;
use crate::prepare::Prepared;
use crate::resolve::End;
use crate::target::{Declared, Target, Want};
use crate::unusable::flaw;

/// What becomes of the differences of one target
#[derive(Debug, Default)]
pub(super) struct Decided {
    /// What these names are to be declared as
    pub(super) wants: BTreeMap<AliasName, Want>,
    /// Why these differences stay, sentences
    pub(super) left: BTreeMap<AliasName, String>,
}

/// Decides about every difference; what is `blocked` stays as it is, for these reasons
pub(super) fn decide(one: &Surveyed, prepared: &Prepared, blocked: &BTreeMap<AliasName, String>) -> Decided {
    let target = &one.target;
    let unusable =
        one.unusable.iter().flatten().map(|unusable| (unusable.name.clone(), unusable.why.clone()));
    let mut left: BTreeMap<AliasName, String> = unusable.collect();
    let (mut open, mut stays) = (Vec::new(), blocked.clone());
    stays.extend(left.clone());
    for (name, difference) in &diff(&prepared.desired, &prepared.snapshot).differences {
        let unmanaged = matches!(difference, Difference::Unexpected { tombstone: None, .. });
        if unmanaged && (!target.prune || prepared.plan.kept.contains_key(name)) {
            continue;
        }
        open.push(name.clone());
        let why = awaited(one, name).or_else(|| objection(target, prepared, name, difference));
        if let Some(why) = why {
            stays.insert(name.clone(), why);
        }
    }
    let mut world = World { target, prepared, stays, wants: BTreeMap::new() };
    world.settle(&open);
    while let Some((name, why)) = world.disturbed() {
        world.stays.insert(name, why);
        world.settle(&open);
    }
    let still = open.iter().filter(|name| !world.wants.contains_key(*name) && world.differs(name));
    left.extend(still.map(|name| (name.clone(), world.why(name))));
    Decided { wants: world.wants, left }
}

/// Where a base is named, a difference that comes from the manifest is no drift: the live state is what has not followed yet
fn awaited(one: &Surveyed, name: &AliasName) -> Option<String> {
    let since = one.policy.since.as_ref()?;
    let origin = match one.target.aliases.contains_key(name) {
        true => since.origin(name),
        false => since.origin_of_pruned(name),
    };
    let commit = since.commit.short();
    (origin == Origin::Config)
        .then(|| format!("the manifest has changed here since {commit}: that awaits an apply"))
}

/// Why the live state of a name cannot be declared, if it cannot be
fn objection(
    target: &Target,
    prepared: &Prepared,
    name: &AliasName,
    difference: &Difference,
) -> Option<String> {
    if let Some(other) = renamed(prepared, name) {
        return Some(format!("a rename is under way, with {other}: finish it first"));
    }
    let have = match difference {
        Difference::Unresolved { reason, .. } => {
            return Some(format!("its key cannot be told: {}", reason.why));
        }
        Difference::Missing { .. } => {
            let previous =
                target.aliases.get(name).is_some_and(|declared| !declared.manner.previously.is_empty());
            return previous
                .then(|| "an absent alias has no previous name: take `previously` out first".to_owned());
        }
        Difference::Mismatched { have, .. } | Difference::Unexpected { have, .. } => have,
    };
    let Some(key) = &have.key else { return Some("it is listed without a target key".to_owned()) };
    match prepared.facts.get(key) {
        Some(fact) => flaw(key, Some(fact)).map(|(_, why, _)| why),
        None => Some(format!("nobody looked at key {key}")),
    }
}

/// The other name of a rename that is not done yet, and that `name` takes part in
fn renamed<'p>(prepared: &'p Prepared, name: &AliasName) -> Option<&'p AliasName> {
    let is_left =
        |old: &&AliasName| prepared.snapshot.live.contains_key(*old) && !prepared.desired.contains_key(*old);
    prepared.desired.iter().find_map(|(new, goal)| {
        let previous = &goal.manner.previously;
        // A rename that is done leaves `previously` behind, which means nothing then.
        match new == name {
            true => previous.iter().find(is_left),
            false => previous.iter().any(|old| old == name).then_some(new),
        }
    })
}

/// A target with what it is to declare
struct World<'a> {
    target: &'a Target,
    prepared: &'a Prepared,
    /// Names whose declaration stays, and why
    stays: BTreeMap<AliasName, String>,
    wants: BTreeMap<AliasName, Want>,
}

impl World<'_> {
    /// Declares the live state of the `open` names, and of those that would move because they follow one
    ///
    /// Of two where the one follows the other, the other comes first, because that may be all.
    fn settle(&mut self, open: &[AliasName]) {
        self.wants.clear();
        loop {
            let in_sync =
                self.target.aliases.keys().filter(|name| self.was_in_sync(name) && self.is_moved(name));
            let differing: BTreeSet<&AliasName> =
                open.iter().chain(in_sync).filter(|name| self.differs(name)).collect();
            let is_root = |name: &&AliasName| {
                !self.stays.contains_key(*name)
                    && !self.chain(name).skip(1).any(|other| differing.contains(other))
            };
            let roots: Vec<AliasName> = differing.iter().copied().filter(is_root).cloned().collect();
            if roots.is_empty() {
                return;
            }
            for name in roots {
                let want = self.as_live(&name);
                self.wants.insert(name, want);
            }
        }
    }

    /// A name that is declared anew and must not be, because one that follows it cannot be: with the reason
    fn disturbed(&self) -> Option<(AliasName, String)> {
        let mut kept = self.target.aliases.keys().filter(|name| !self.wants.contains_key(*name));
        kept.find_map(|name| {
            let moved = self.moved_by(name)?;
            let why = if !self.target.scope.selection.takes(name.as_str()) {
                format!("{name} follows it, and is left out by the command line")
            } else if self.wants.get(moved) == Some(&Want::Absent)
                || self.was_in_sync(name) && self.differs(name)
            {
                format!("{name} follows it, and cannot be declared on its own: {}", self.why(name))
            } else {
                return None;
            };
            Some((moved.clone(), why))
        })
    }

    /// Why a name that differs is not declared anew
    fn why(&self, name: &AliasName) -> String {
        let other = || self.chain(name).skip(1).find(|other| self.stays.contains_key(*other));
        let follows = || other().map(|other| format!("it follows {other}, which stays as it is declared"));
        let why = self.stays.get(name).cloned().or_else(follows);
        why.unwrap_or_else(|| "its declaration cannot be told".to_owned())
    }

    /// The first name declared anew that `name` follows
    fn moved_by<'n>(&'n self, name: &'n AliasName) -> Option<&'n AliasName> {
        self.chain(name).skip(1).find(|other| self.wants.contains_key(*other))
    }

    fn is_moved(&self, name: &AliasName) -> bool {
        self.moved_by(name).is_some()
    }

    fn was_in_sync(&self, name: &AliasName) -> bool {
        let end = self.prepared.desired.get(name).map(|goal| &goal.end);
        matches!(end, Some(End::Key(key)) if self.live(name) == Some(key))
    }

    fn differs(&self, name: &AliasName) -> bool {
        let live = self.live(name);
        match self.chain(name).find_map(|other| self.wants.get(other)) {
            Some(Want::Key(KeyRef::Id(id))) => live != Some(id),
            Some(Want::Key(KeyRef::Arn(arn))) => live != Some(&arn.id),
            // Nothing may follow what is absent.
            Some(_) => live.is_some() || !self.wants.contains_key(name),
            None => match self.prepared.desired.get(name).map(|goal| &goal.end) {
                Some(End::Key(key)) => live != Some(key),
                Some(End::Absent) | None => live.is_some(),
                Some(End::Unresolved(_)) => true,
            },
        }
    }

    fn live(&self, name: &AliasName) -> Option<&KeyId> {
        self.prepared.snapshot.live.get(name)?.key.as_ref()
    }

    fn want(&self, name: &AliasName) -> Option<&Want> {
        self.wants.get(name).or_else(|| Some(&self.target.aliases.get(name)?.want))
    }

    /// The name, the one that it follows, the one that that follows; the loader has refused circles
    fn chain<'n>(&'n self, name: &'n AliasName) -> impl Iterator<Item = &'n AliasName> {
        let next = |name: &&'n AliasName| match self.want(name) {
            Some(Want::Key(KeyRef::Alias(next))) => Some(next),
            _ => None,
        };
        std::iter::successors(Some(name), next).take(self.target.aliases.len() + 1)
    }

    /// The declaration of what is live, by ARN where that is how the name is declared
    fn as_live(&self, name: &AliasName) -> Want {
        let Some(id) = self.live(name).cloned() else { return Want::Absent };
        Want::Key(match self.target.aliases.get(name) {
            Some(Declared { want: Want::Key(KeyRef::Arn(arn)), .. }) => {
                KeyRef::Arn(Arc::new(KeyArn { id, ..KeyArn::clone(arn) }))
            }
            _ => KeyRef::Id(id),
        })
    }
}
