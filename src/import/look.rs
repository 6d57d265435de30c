//! A target -> what is live in it and not declared yet, and what is known of the keys of that and of those that a plan of it is about.
//! Reads only: all of ListAliases, DescribeKey of each key once, and tags where keys are selected by them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::claim::Claims;
use super::refer::Refer;
use crate::alias::{AliasName, KeyId};
use crate::choose::{Choices, choose, criteria};
use crate::diff::diff;
use crate::fleet::Trouble;
use crate::inspect::{AT_ONCE, Facts, inspect};
use crate::kms::{Connect, Fault, Identity, KmsError, KmsRead};
use crate::list::{Snapshot, list};
use crate::plan::{Policy, candidates};
use crate::prepare::{PrepareError, identify};
use crate::resolve::{follows, resolve};
use crate::target::Target;

/// What is to be declared, and how
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Only names under one of these, if there are any
    pub prefixes: Vec<Arc<str>>,
    /// Only what another tool says that it has made, if one is asked
    pub claims: Option<Claims>,
    /// How keys are referred to
    pub refer: Refer,
}

impl Request {
    /// What is live in the target and asked for, declared or not
    pub(super) fn asked<'s>(&self, one: &'s Seen) -> impl Iterator<Item = &'s AliasName> {
        one.snapshot.live.keys().filter(|name| self.asks(&one.identity, name))
    }

    /// Whether the name is to be declared in the target, if it is live there
    pub(super) fn takes(&self, target: &Target, identity: &Identity, name: &AliasName) -> bool {
        !target.aliases.contains_key(name) && self.asks(identity, name)
    }

    fn asks(&self, identity: &Identity, name: &AliasName) -> bool {
        let begins = |prefix: &Arc<str>| name.as_str().starts_with(&**prefix);
        let claimed = |claims: &Claims| {
            claims.get(name).is_some_and(|claims| claims.iter().any(|claim| claim.is_of(identity)))
        };
        (self.prefixes.is_empty() || self.prefixes.iter().any(begins))
            && self.claims.as_ref().is_none_or(claimed)
    }
}

/// The tags of a key; or why they cannot be read
pub(super) type Tags = Result<BTreeMap<String, String>, String>;

/// A target as it was read
#[derive(Clone, Debug)]
pub struct Seen {
    /// The target
    pub target: Target,
    /// Whose credentials it was read with
    pub identity: Identity,
    /// What is live
    pub snapshot: Snapshot,
    /// What of that is to be declared, each with its key
    pub(super) names: BTreeMap<AliasName, Option<KeyId>>,
    /// What is known of the keys of these, and of those that what is declared would change
    pub(super) facts: Facts,
    /// Their tags, where they were asked for
    pub(super) tags: BTreeMap<KeyId, Tags>,
    /// What these select, and what is declared
    pub(super) choices: Choices,
}

/// Reads every target, at most `parallelism` at once, in their order
pub async fn look_at<C: Connect>(
    targets: &[Target],
    request: &Request,
    connect: &C,
    parallelism: usize,
    done: &(impl Fn() + Sync),
) -> Vec<Result<Seen, Trouble>> {
    let each = |target: &Target| {
        let target = target.clone();
        async move {
            let seen = look(target, request, connect).await;
            done();
            seen
        }
    };
    stream::iter(targets).map(each).buffered(parallelism.max(1)).collect().await
}

async fn look<C: Connect>(target: Target, request: &Request, connect: &C) -> Result<Seen, Trouble> {
    let kms = connect.reader(&target).await.map_err(|error| Trouble::new(&error, None))?;
    Ok(read(target, request, &kms).await?)
}

async fn read(target: Target, request: &Request, kms: &impl KmsRead) -> Result<Seen, PrepareError> {
    let follow = follows(&target);
    let (identity, snapshot) = tokio::join!(identify(&target, kms), list(kms, &target.scope, &follow));
    let (identity, snapshot) = (identity?, snapshot?);
    let meant = snapshot.live.iter().filter(|(name, _)| request.takes(&target, &identity, name));
    let names: BTreeMap<_, _> = meant.map(|(name, live)| (name.clone(), live.key.clone())).collect();
    let mut keys: BTreeSet<KeyId> = names.values().flatten().cloned().collect();
    let tags = read_tags(kms, &keys, &request.refer).await.map_err(PrepareError::Inspect)?;
    let mut wanted = criteria(&target);
    wanted.extend(tags.values().flatten().filter_map(|tags| request.refer.criteria(tags)));
    let choices = choose(kms, wanted).await?;
    let desired = resolve(&target, &identity, &snapshot, &choices);
    keys.extend(candidates(&diff(&desired, &snapshot), &desired, &Policy::of(&target)).keys());
    let facts = inspect(kms, keys, choices.facts.clone()).await.map_err(PrepareError::Inspect)?;
    Ok(Seen { target, identity, snapshot, names, facts, tags, choices })
}

/// The tags of `keys`, where `refer` is about tags; those that may not be read are told
async fn read_tags(
    kms: &impl KmsRead,
    keys: &BTreeSet<KeyId>,
    refer: &Refer,
) -> Result<BTreeMap<KeyId, Tags>, KmsError> {
    if !matches!(refer, Refer::Tags(_)) {
        return Ok(BTreeMap::new());
    }
    let read = |key: KeyId| async move {
        match kms.tags(&key).await {
            Ok(tags) => Ok((key, Ok(tags))),
            Err(error) if error.fault == Fault::AccessDenied || error.fault.is_missing() => {
                Ok((key, Err(error.to_string())))
            }
            Err(error) => Err(error),
        }
    };
    stream::iter(keys.clone()).map(read).buffer_unordered(AT_ONCE).try_collect().await
}
