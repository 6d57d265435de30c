//! The keys of a change -> what the service knows about them: DescribeKey, concurrently, once a key. Reads only.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::alias::KeyId;
use crate::kms::{Fault, KeyFacts, KmsError, KmsRead};

/// Requests under way at once: far below DescribeKey's quota of 2,000 a second at any latency a network has
pub(crate) const AT_ONCE: usize = 32;

/// What is known about each key that a change touches
pub type Facts = BTreeMap<KeyId, Fact>;

/// What is known about one key
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The service described it
    Known(KeyFacts),
    /// The service says that there is no such key
    Missing,
    /// We may not look at it; the service's sentence
    Denied(String),
}

/// Describes those of `keys` that are not among the `known` ones, and adds them to these
///
/// # Errors
/// A failure that says nothing about the key: then the read is incomplete, and nothing may be planned on it.
pub async fn inspect(kms: &impl KmsRead, keys: BTreeSet<KeyId>, mut known: Facts) -> Result<Facts, KmsError> {
    let unknown: Vec<KeyId> = keys.into_iter().filter(|key| !known.contains_key(key)).collect();
    let facts = stream::iter(unknown).map(|key| async move {
        let fact = learn(kms, &key).await?;
        Ok((key, fact))
    });
    let learnt: Facts = facts.buffer_unordered(AT_ONCE).try_collect().await?;
    known.extend(learnt);
    Ok(known)
}

/// Describes one key
///
/// # Errors
/// A failure that says nothing about the key.
pub(crate) async fn learn(kms: &impl KmsRead, key: &KeyId) -> Result<Fact, KmsError> {
    match kms.describe_key(key).await {
        Ok(facts) => Ok(Fact::Known(facts)),
        Err(error) if error.fault.is_missing() => Ok(Fact::Missing),
        Err(error) if error.fault == Fault::AccessDenied => Ok(Fact::Denied(error.to_string())),
        Err(error) => Err(error),
    }
}
