//! (Plan, what was gathered, policies) -> the statements that begin or cease to match a key. Pure.
//!
//! A statement is asked only about aliases: its other conditions are taken to hold, and named. Whatever cannot be told on one of
//! the two sides is a finding of its own; where both sides are the same request on the same aliases, nothing changes.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::{Match, carried, holds};
use super::document::{AliasKey, Choice, Document, Effect, Origin, Statement, parse};
use super::gather::KeyAccess;
use super::lockout::{Lockout, lockouts};
use super::moves::all_moves;
use super::pattern::{Cover, Pattern, Reading};
use super::principal::{Me, account_of};
use crate::alias::{KeyArn, KeyId};
use crate::kms::Identity;
use crate::plan::Plan;

/// Aliases on one key by default; over its own quota, a key's aliases authorize nobody any more
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>)
const DEFAULT_QUOTA: usize = 50;

/// What a plan does to access
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Impact {
    /// Keys that were looked at
    pub keys: usize,
    /// Statements that begin or cease to match, or of which that cannot be told, by key and policy
    pub turns: Vec<Turn>,
    /// What could not be read: what is about no one key, then sorted by key
    pub unread: Vec<Unread>,
    /// Where the program's own role loses its permission half way
    pub lockouts: Vec<Lockout>,
}

/// A statement that begins or ceases to match
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The key
    pub key: KeyId,
    /// The statement
    pub statement: Statement,
    /// Its policy
    pub origin: Origin,
    /// What becomes of it
    pub change: ChangeOfMatch,
    /// For which requests
    pub requests: Requests,
    /// Its other condition keys, which were taken to hold
    pub besides: Vec<String>,
}

/// What becomes of a statement
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeOfMatch {
    /// It did not match, and will
    Begins,
    /// It matched, and will not
    Ceases,
    /// That cannot be told, for this reason
    Unknown(String),
}

/// The requests that a change is about
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requests {
    /// However they name the key
    All,
    /// Those that name it by one of these aliases, or, with `by_key`, by its id or ARN
    Naming {
        /// Sorted
        aliases: Vec<String>,
        /// By id or ARN as well
        by_key: bool,
    },
}

/// Something that could not be read
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The key, if it is about one
    pub key: Option<KeyId>,
    /// What of it, as `key policy`
    pub what: &'static str,
    /// Why, a sentence
    pub why: String,
    /// The permission that is missing, where that is known to be all
    pub permission: Option<&'static str>,
}

impl Unread {
    fn of_key(key: &KeyId, what: &'static str, why: String) -> Self {
        Self { key: Some(key.clone()), what, why, permission: None }
    }
}

/// A key with the names on it before and after
struct Sides<'k> {
    key: &'k KeyId,
    arn: String,
    before: BTreeSet<&'k str>,
    after: BTreeSet<&'k str>,
}

/// What `plan` does to access to the keys that were `gathered`, by their own policies and by `policies`
pub fn impact(
    plan: &Plan,
    identity: &Identity,
    apply_role: Option<&str>,
    gathered: &BTreeMap<KeyId, KeyAccess>,
    policies: &[Document],
) -> Impact {
    let mut impact = Impact { keys: gathered.len(), ..Impact::default() };
    let policies: Vec<&Document> = policies.iter().filter(|policy| is_at_home(policy, identity)).collect();
    let mut own: BTreeMap<&KeyId, Document> = BTreeMap::new();
    for (key, access) in gathered {
        let document = match &access.policy {
            Ok(text) => parse(text, Origin::Key),
            Err(error) => Err(error.to_string()),
        };
        match document {
            Ok(document) => drop(own.insert(key, document)),
            Err(why) => impact.unread.push(Unread::of_key(key, "key policy", why)),
        }
        match &access.aliases {
            Ok(names) => {
                let sides = Sides::new(key, identity, names, plan);
                let documents = own.get(key).into_iter().chain(policies.iter().copied());
                impact.turns.extend(documents.flat_map(|document| sides.turns(document)));
            }
            Err(error) => {
                let why = crate::fleet::Trouble::new(error, None).sentence;
                impact.unread.push(Unread::of_key(key, "aliases", why));
            }
        }
    }
    impact.lockouts = lockouts(plan, &Me::new(apply_role, identity), identity, gathered, &own, &policies);
    impact
}

/// Whether an IAM policy is one of this account, or nobody knows whose; what it gives elsewhere is up to the key policies there
fn is_at_home(policy: &Document, identity: &Identity) -> bool {
    match &policy.origin {
        Origin::Iam { attached, .. } if !attached.is_empty() => {
            attached.iter().any(|arn| account_of(arn) == Some(&identity.account))
        }
        Origin::Iam { .. } | Origin::Key => true,
    }
}

/// The ARN that a policy's `Resource` is compared with
pub(super) fn arn(key: &KeyId, identity: &Identity) -> String {
    let Identity { partition, region, account, .. } = identity;
    let (partition, region, account) = (partition.clone(), region.clone(), account.clone());
    KeyArn { partition, region, account, id: key.clone() }.to_string()
}

impl<'k> Sides<'k> {
    fn new(key: &'k KeyId, identity: &Identity, names: &'k BTreeSet<String>, plan: &'k Plan) -> Self {
        let before = before(key, names, plan);
        let mut after = before.clone();
        all_moves(plan).for_each(|one| one.perform(key, &mut after));
        Self { key, arn: arn(key, identity), before, after }
    }

    fn turns(&self, document: &Document) -> Vec<Turn> {
        let asked = document
            .statements
            .iter()
            .filter(|statement| statement.about_aliases && may_be_on(statement, &self.arn, &document.origin));
        asked.flat_map(|statement| self.turns_of(statement, &document.origin)).collect()
    }

    /// One finding for each thing that becomes of the statement, with the requests for which it does
    fn turns_of(&self, statement: &Statement, origin: &Origin) -> Vec<Turn> {
        let mut found: BTreeMap<ChangeOfMatch, Vec<Option<&str>>> = BTreeMap::new();
        for request in self.requests(statement) {
            if let Some(change) = self.change(statement, origin, request) {
                found.entry(change).or_default().push(request);
            }
        }
        let by_request = uses(statement, AliasKey::Request);
        let turn = |(change, requests): (ChangeOfMatch, Vec<Option<&str>>)| {
            let aliases = requests.iter().flatten().map(|&name| name.to_owned()).collect();
            let by_key = requests.contains(&None);
            let all = !by_request || requests.len() == self.requests(statement).len();
            Turn {
                key: self.key.clone(),
                statement: statement.clone(),
                origin: origin.clone(),
                change,
                requests: if all && by_key { Requests::All } else { Requests::Naming { aliases, by_key } },
                besides: besides(statement),
            }
        };
        found.into_iter().map(turn).collect()
    }

    /// Requests worth asking about: by key, and where the statement looks at the name, by each name of either side
    fn requests(&self, statement: &Statement) -> Vec<Option<&'k str>> {
        let by_name = uses(statement, AliasKey::Request) || statement.flaw.is_some();
        let names = self.before.union(&self.after).copied().filter(|_| by_name);
        std::iter::once(None).chain(names.map(Some)).collect()
    }

    fn change(&self, statement: &Statement, origin: &Origin, request: Option<&str>) -> Option<ChangeOfMatch> {
        let reaches = |side: &BTreeSet<&str>| request.is_none_or(|name| side.contains(name));
        let (was, will) = (reaches(&self.before), reaches(&self.after));
        let looks_at_key = uses(statement, AliasKey::Resource) || statement.flaw.is_some();
        if self.before == self.after || (was == will && !looks_at_key) {
            return None;
        }
        let side = |reaches: bool, names: &BTreeSet<&str>| match reaches {
            true => matches(statement, origin, &names.iter().copied().collect::<Vec<_>>(), request),
            false => Match::No,
        };
        match (side(was, &self.before), side(will, &self.after)) {
            (Match::No, Match::Yes) => Some(ChangeOfMatch::Begins),
            (Match::Yes, Match::No) => Some(ChangeOfMatch::Ceases),
            (Match::Unknown(why), _) | (_, Match::Unknown(why)) => Some(ChangeOfMatch::Unknown(why)),
            (Match::Yes, Match::Yes) | (Match::No, Match::No) => None,
        }
    }
}

/// The names on `key` before the plan: what the plan saw decides where the listing of the key, which is later, says otherwise
pub(super) fn before<'k>(key: &KeyId, names: &'k BTreeSet<String>, plan: &'k Plan) -> BTreeSet<&'k str> {
    let mut before = names.iter().map(String::as_str).collect();
    let moves: Vec<_> = all_moves(plan).collect();
    moves.iter().rev().for_each(|one| one.undo(key, &mut before));
    before
}

fn uses(statement: &Statement, key: AliasKey) -> bool {
    statement.conditions.iter().any(|condition| condition.alias_key() == Some(key))
}

pub(super) fn besides(statement: &Statement) -> Vec<String> {
    let others = statement.conditions.iter().filter(|condition| condition.alias_key().is_none());
    others.map(|condition| condition.key.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether the statement may be on the key `arn`; a key policy is on its own key, whatever its `Resource` says
pub(super) fn may_be_on(statement: &Statement, arn: &str, origin: &Origin) -> bool {
    if *origin == Origin::Key {
        return true;
    }
    let reading = Reading { wildcards: true, variables: statement.variables, ignore_case: false };
    let cover = |text: &String| Pattern::parse(text, reading).covers(arn, false);
    match &statement.resources {
        Choice::Only(list) => list.iter().any(|text| cover(text) != Cover::No),
        Choice::AllBut(list) => !list.iter().any(|text| cover(text) == Cover::Yes),
    }
}

/// Whether the statement matches a request on a key with these `aliases`, as far as aliases decide
pub(super) fn matches(
    statement: &Statement,
    origin: &Origin,
    aliases: &[&str],
    request: Option<&str>,
) -> Match {
    if let Some(flaw) = statement.flaw {
        return Match::Unknown(flaw.to_owned());
    }
    let each = statement.conditions.iter().filter_map(|condition| {
        let key = condition.alias_key()?;
        if key == AliasKey::Resource && *origin == Origin::Key {
            let why =
                format!("{} is documented for IAM policies only, and this is a key policy", condition.key);
            return Some(Match::Unknown(why));
        }
        Some(holds(condition, carried(key, aliases, request), statement.variables))
    });
    within_quota(each.fold(Match::Yes, Match::and), statement, aliases.len())
}

/// Over its quota a key's aliases authorize nobody; how high the quota is here cannot be told, nor what becomes of a denial
fn within_quota(found: Match, statement: &Statement, aliases: usize) -> Match {
    let refused_anyway = statement.effect == Some(Effect::Allow) && found == Match::No;
    if aliases <= DEFAULT_QUOTA || !uses(statement, AliasKey::Resource) || refused_anyway {
        return found;
    }
    let unknown = format!("{aliases} aliases are more than the default quota of {DEFAULT_QUOTA}");
    match found {
        Match::Unknown(why) => Match::Unknown(why),
        Match::Yes | Match::No => Match::Unknown(unknown),
    }
}

#[cfg(test)]
mod cases;
