//! Names -> what each points at: DescribeKey by alias name, concurrently, once a name. Reads only.
//!
//! It is what a few names of a large account take least for. What it does not show: names that nobody asked for, and how many
//! aliases a key has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::alias::{AliasName, KeyId, is_reserved};
use crate::inspect::{AT_ONCE, Fact, Facts};
use crate::kms::{Fault, KmsError, KmsRead};
use crate::list::{Extent, ListError, Live, Snapshot, aliases_of};
use crate::scope::Scope;

/// Reads these names, and tells what the service said of their keys; no name of AWS's own can be among them, since
/// [`AliasName`] refuses those, and to describe one would associate it with a key
///
/// # Errors
/// A name that cannot be read, be it that we may not: then nothing is known of it.
pub async fn probe(
    kms: &impl KmsRead,
    names: &BTreeSet<AliasName>,
    scope: &Scope,
    follow: &BTreeSet<AliasName>,
) -> Result<(Snapshot, Facts), ListError> {
    let each = stream::iter(names).map(|name| async move {
        match kms.describe_alias(name).await {
            Ok(facts) => Ok((name, Some(facts))),
            Err(error) if is_no_alias(&error) => Ok((name, None)),
            Err(source) => Err(ListError::Name { name: name.clone(), source }),
        }
    });
    let probed: Vec<_> = each.buffer_unordered(AT_ONCE).try_collect().await?;
    let (mut snapshot, mut facts) = (Snapshot { extent: Extent::Named, ..Snapshot::default() }, Facts::new());
    for (name, of_key) in probed.into_iter().filter_map(|(name, facts)| Some((name, facts?))) {
        if follow.contains(name) {
            snapshot.followed.insert(name.clone(), of_key.id.clone());
        }
        if scope.owns(name.as_str()) {
            snapshot.live.insert(name.clone(), Live { key: Some(of_key.id.clone()) });
        }
        facts.insert(of_key.id.clone(), Fact::Known(of_key));
    }
    Ok((snapshot, facts))
}

/// Whether the service says that there is no such alias; that its key is gone is said otherwise, and the alias is then there
///
/// Seen is "Alias arn:aws:kms:… is not found.", which is no part of the service's model, so whatever else it says is an error.
fn is_no_alias(error: &KmsError) -> bool {
    let said = error.message.to_ascii_lowercase();
    error.fault == Fault::NotFound && said.contains("alias") && said.contains("not found")
}

/// Whether a listing may tell what a name did not: a key policy may keep a key from us whose alias we may list all the same, or the key
/// of an alias may be gone
pub(crate) fn shows_in_a_listing(error: &KmsError) -> bool {
    error.fault == Fault::AccessDenied || error.fault.is_missing()
}

/// Counts the aliases of each of these keys, as a whole listing would have
///
/// # Errors
/// Whatever keeps one of the listings from being whole.
pub async fn count(
    kms: &impl KmsRead,
    keys: BTreeSet<KeyId>,
) -> Result<Arc<BTreeMap<KeyId, usize>>, ListError> {
    let each = stream::iter(keys).map(|key| async move {
        let names = match aliases_of(kms, &key).await {
            // No such key has an alias; that there is none, `inspect` says.
            Err(ListError::Page { source, .. }) if source.fault.is_missing() => BTreeSet::new(),
            names => names?,
        };
        Ok((key, names.iter().filter(|name| !is_reserved(name)).count()))
    });
    Ok(Arc::new(each.buffer_unordered(AT_ONCE).try_collect().await?))
}
