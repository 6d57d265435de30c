//! Would the program's own role lose its permission half way? The plan, action by action, against the statements that speak to it
//! by name or to everyone. Pure.
//!
//! It answers only where the statements at hand allow an action on its key at first and no longer when its turn comes. Where they
//! do not allow it even at first, something else must (the account's IAM policies, a grant), and nothing is said.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::Match;
use super::document::{Choice, Document, Effect, Origin, Statement};
use super::gather::KeyAccess;
use super::impact::{arn, before, besides, matches, may_be_on};
use super::moves::{Move, moves};
use super::pattern::{Cover, Pattern, Reading};
use super::principal::Me;
use crate::alias::{AliasName, KeyId};
use crate::kms::Identity;
use crate::plan::{Action, Plan};

/// A write that the program's own role may not do any more when its turn comes
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lockout {
    /// The key whose side of the permission is lost
    pub key: KeyId,
    /// `kms:UpdateAlias`, …
    pub permission: &'static str,
    /// The first alias that it happens to
    pub alias: AliasName,
    /// Whether that is certain; otherwise this is what cannot be told
    pub unknown: Option<String>,
}

const RACE: &str = "it depends on which of the writes that run side by side comes first";

/// A statement and its policy
type Spoken<'s> = (&'s Statement, &'s Origin);

/// Every key and permission that is lost before the plan is done with it, the first alias of each
pub fn lockouts(
    plan: &Plan,
    me: &Me,
    identity: &Identity,
    gathered: &BTreeMap<KeyId, KeyAccess>,
    own: &BTreeMap<&KeyId, Document>,
    policies: &[&Document],
) -> Vec<Lockout> {
    let stages = &plan.stages;
    let mut found = BTreeMap::new();
    for (key, access) in gathered {
        let Ok(names) = &access.aliases else { continue };
        let to_me = spoken(me, key, identity, own.get(key), policies);
        for lockout in on_key(stages, key, &before(key, names, plan), &to_me) {
            found.entry((lockout.key.clone(), lockout.permission)).or_insert(lockout);
        }
    }
    found.into_values().collect()
}

/// The statements that speak to `me` and may be on `key`
fn spoken<'d>(
    me: &Me,
    key: &KeyId,
    identity: &Identity,
    own: Option<&'d Document>,
    policies: &[&'d Document],
) -> Vec<Spoken<'d>> {
    let arn = arn(key, identity);
    let documents = own.into_iter().chain(policies.iter().copied());
    let all = documents.flat_map(|document| document.statements.iter().map(|s| (s, &document.origin)));
    let to_me = |(statement, origin): &Spoken<'_>| match origin {
        Origin::Key => me.is_among(&statement.principals, statement.effect.unwrap_or(Effect::Deny)),
        Origin::Iam { attached, .. } => attached.iter().any(|arn| me.is(arn)),
    };
    all.filter(|(statement, origin)| may_be_on(statement, &arn, origin)).filter(to_me).collect()
}

/// The writes of one stage run in any order: each is asked before all the others of its stage, and after all of them
fn on_key<'p>(
    stages: &'p [Vec<Action>],
    key: &KeyId,
    first: &BTreeSet<&'p str>,
    to_me: &[Spoken<'_>],
) -> Vec<Lockout> {
    let mut lockouts = Vec::new();
    let mut begin = first.clone();
    for stage in stages {
        let stage: Vec<Move> = stage.iter().flat_map(moves).filter(|one| one.is_on(key)).collect();
        for one in &stage {
            let permission = one.permission;
            if allowed(to_me, permission, first) != Match::Yes {
                continue;
            }
            let mut late = begin.clone();
            stage.iter().filter(|other| *other != one).for_each(|other| other.perform(key, &mut late));
            let unknown = match (allowed(to_me, permission, &begin), allowed(to_me, permission, &late)) {
                (Match::Yes, Match::Yes) => continue,
                (Match::No, Match::No) => None,
                (Match::Unknown(why), _) | (_, Match::Unknown(why)) => Some(why),
                (Match::Yes, Match::No) | (Match::No, Match::Yes) => Some(RACE.to_owned()),
            };
            lockouts.push(Lockout { key: key.clone(), permission, alias: one.name.clone(), unknown });
        }
        stage.iter().for_each(|one| one.perform(key, &mut begin));
    }
    lockouts
}

/// Some statement allows it and none denies it; requests for these actions carry no `kms:RequestAlias`
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html>)
///
/// A denial that is not about aliases is left out: if it counts at all, it counts from the beginning.
fn allowed(to_me: &[Spoken<'_>], permission: &str, aliases: &BTreeSet<&str>) -> Match {
    let aliases: Vec<&str> = aliases.iter().copied().collect();
    let about = |effect: Effect| {
        let relevant = to_me.iter().filter(move |(statement, _)| {
            let counts = effect == Effect::Allow || statement.about_aliases;
            counts && statement.effect.is_none_or(|is| is == effect) && speaks_of(statement, permission)
        });
        relevant.map(|&spoken| found(spoken, &aliases)).fold(Match::No, Match::or)
    };
    about(Effect::Allow).and(!about(Effect::Deny))
}

/// One that is not about aliases has only its other conditions, and whether they hold cannot be told
fn found((statement, origin): Spoken<'_>, aliases: &[&str]) -> Match {
    let others = besides(statement);
    let rest = match others.first().filter(|_| !statement.about_aliases) {
        Some(key) => Match::Unknown(format!("it depends on {key}")),
        None => Match::Yes,
    };
    matches(statement, origin, aliases, None).and(rest)
}

/// Actions are not case-sensitive (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>)
fn speaks_of(statement: &Statement, permission: &str) -> bool {
    let reading = Reading { wildcards: true, variables: false, ignore_case: true };
    let covers = |text: &String| Pattern::parse(text, reading).covers(permission, true) == Cover::Yes;
    match &statement.actions {
        Choice::Only(list) => list.iter().any(covers),
        Choice::AllBut(list) => !list.iter().any(covers),
    }
}
