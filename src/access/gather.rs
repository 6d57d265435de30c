//! The keys that a plan touches -> their policies and all of their aliases: GetKeyPolicy and ListAliases by key, side by side,
//! once a key. Reads only. What cannot be read is said for its key, and is no failure of the plan.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};

use super::moves::all_moves;
use crate::alias::KeyId;
use crate::kms::{KmsError, KmsRead};
use crate::list::{ListError, aliases_of};
use crate::plan::Plan;

/// Keys looked at at once: ListAliases has the lower quota of the two, 500 requests a second
const AT_ONCE: usize = 8;

/// What decides who may use a key
#[derive(Clone, Debug, PartialEq)]
pub struct KeyAccess {
    /// All of its aliases, those out of scope included
    pub aliases: Result<BTreeSet<String>, ListError>,
    /// Its key policy
    pub policy: Result<String, KmsError>,
}

/// The keys that an alias leaves or comes to
pub fn touched(plan: &Plan) -> BTreeSet<KeyId> {
    all_moves(plan).flat_map(|one| [one.from, one.to]).flatten().cloned().collect()
}

/// Reads what decides who may use each of `keys`
pub async fn gather(kms: &impl KmsRead, keys: BTreeSet<KeyId>) -> BTreeMap<KeyId, KeyAccess> {
    let read = stream::iter(keys).map(|key| async move {
        let aliases = aliases_of(kms, &key).await;
        let policy = kms.key_policy(&key).await;
        (key, KeyAccess { aliases, policy })
    });
    read.buffer_unordered(AT_ONCE).collect().await
}
