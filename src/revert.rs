//! What a receipt proves, and the targets of a manifest -> the same targets, declared to be as they were before. Pure.
//!
//! Only what the receipt proves is taken back, and only where nobody has changed it since: each name comes with what it has to
//! be on now, and the plan holds it where it is not. The scope, the guards, the protections and the credentials are those of
//! the manifest, so that a receipt that somebody else wrote can do no more than a manifest could.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::alias::{AliasName, KeyId, KeyRef};
use crate::plan::{Expected, Policy};
use crate::receipt::history::{Chapter, History, Left, Trace};
use crate::target::{Declared, Place, Reached, Target, Want};

/// Why a receipt cannot be taken back
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevertError {
    /// It speaks of a target that the manifest has not
    #[error("find target {name} ({account} in {region}) of the receipt in the manifest")]
    NoTarget {
        /// Its name at the time
        name: String,
        /// Twelve digits
        account: String,
        /// As `us-east-1`
        region: String,
    },
    /// Two of its targets are the same one of the manifest, whose guards would judge each part by itself
    #[error("take back {other}: target {target} of the manifest is that of {one} already")]
    Twice {
        /// The target's name in the manifest
        target: String,
        /// The receipt's name of it
        one: String,
        /// The receipt's other name of it
        other: String,
    },
    /// It speaks of a name that the manifest does not own
    #[error("take back {alias} in {target}: it is not in the manifest's scope, or is ignored")]
    NotOurs {
        /// The alias
        alias: String,
        /// The target's name
        target: String,
    },
    /// It speaks of something that is no alias or no key
    #[error("take back line {line} of the receipt: {what:?} is no {kind}")]
    Nonsense {
        /// What it says
        what: String,
        /// What it should be
        kind: &'static str,
        /// Counted from 1
        line: u32,
    },
}

impl RevertError {
    /// What would help
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoTarget { .. } => {
                "use the manifest of that apply with -f, and the same --target and --shard; an account that has left its organization \
                 is not reached any more"
            }
            Self::Twice { .. } | Self::NotOurs { .. } => "use the manifest of that apply with -f",
            Self::Nonsense { .. } => "use the receipt as the apply wrote it",
        }
    }
}

/// The targets that the receipt changed, declared as they were before, each with the policy that keeps it from doing more
///
/// # Errors
/// Every reason why it cannot be done, in the order of the receipt.
pub fn revert(
    history: &History,
    path: &Path,
    targets: &[(Target, Policy)],
) -> Result<Vec<(Target, Policy)>, Vec<RevertError>> {
    // The name tells which receipt; the whole path would fill the line of every change.
    let file = path.file_name().unwrap_or(path.as_os_str());
    let file: Arc<str> = file.to_string_lossy().into();
    let (mut reversed, mut errors, mut taken) = (Vec::new(), Vec::new(), BTreeMap::new());
    for chapter in history.targets.iter().filter(|chapter| !chapter.names.is_empty()) {
        match reverse(chapter, &file, targets) {
            Ok(one) => {
                errors.extend(
                    taken.insert(one.0.name.clone(), chapter).map(|first| twice(&one.0, first, chapter)),
                );
                reversed.push(one);
            }
            Err(more) => errors.extend(more),
        }
    }
    if errors.is_empty() { Ok(reversed) } else { Err(errors) }
}

/// Whether the next apply of the manifest would change a name again that this takes back
///
/// What only a read could tell, the key that a selection comes to, counts as another one.
pub fn contradicts(manifest: &[(Target, Policy)], reversed: &Target) -> bool {
    let own = manifest.iter().map(|(own, _)| own).find(|own| own.name == reversed.name);
    own.is_some_and(|own| reversed.aliases.iter().any(|(name, back)| differs(own, name, &back.want)))
}

fn differs(own: &Target, name: &AliasName, back: &Want) -> bool {
    let becomes =
        |declared: &Declared| declared.manner.previously.contains(name) && !declared.manner.retain_previous;
    match (own.aliases.get(name).map(|declared| &declared.want), back) {
        (Some(Want::Absent), back) => *back != Want::Absent,
        (Some(Want::Key(_)), Want::Absent) => true,
        (Some(Want::Key(key)), Want::Key(back)) => declared_key(own, key) != declared_key(own, back),
        (None, Want::Absent) => false,
        (None, Want::Key(_)) => own.prune || own.aliases.values().any(becomes),
    }
}

/// The key that a declaration comes to, where the manifest alone tells
fn declared_key<'t>(own: &'t Target, key: &'t KeyRef) -> Option<&'t KeyId> {
    match own.reach(key) {
        Reached::Key(KeyRef::Id(id)) => Some(id),
        Reached::Key(KeyRef::Arn(arn)) => Some(&arn.id),
        _ => None,
    }
}

fn reverse(
    chapter: &Chapter,
    file: &Arc<str>,
    targets: &[(Target, Policy)],
) -> Result<(Target, Policy), Vec<RevertError>> {
    let (target, policy) = find(chapter, targets).ok_or_else(|| vec![no_target(chapter)])?;
    let (mut aliases, mut expected, mut errors) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for (alias, trace) in &chapter.names {
        match step(alias, trace, target, file) {
            Ok(Some((name, declared, expectation))) => {
                aliases.insert(name.clone(), declared);
                expected.insert(name, expectation);
            }
            Ok(None) => {}
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    // Whatever credentials the target leads to now, they must be of the account and Region that were written.
    let (account, region) = (chapter.intent.account.as_str().into(), chapter.intent.region.as_str().into());
    let (account, region) = (Some(account), Some(region));
    let target = Target { aliases, account, region, prune: false, ..target.clone() };
    let policy = Policy { prune: false, expected: Some(expected), ..policy.clone() };
    Ok((target, policy))
}

fn find<'t>(chapter: &Chapter, targets: &'t [(Target, Policy)]) -> Option<&'t (Target, Policy)> {
    let intent = &chapter.intent;
    let could_be = |target: &Target| {
        let agrees =
            |declared: &Option<Arc<str>>, was: &str| declared.as_deref().is_none_or(|one| one == was);
        agrees(&target.account, &intent.account) && agrees(&target.region, &intent.region)
    };
    let mut candidates = targets.iter().filter(|(target, _)| could_be(target));
    let named = candidates.clone().find(|(target, _)| *target.name == *intent.target);
    // Two targets of one account and Region have scopes of their own; the one that owns the names is meant.
    let owns = |target: &Target| chapter.names.keys().all(|alias| target.scope.owns(alias));
    named.or_else(|| candidates.find(|(target, _)| owns(target)))
}

fn no_target(chapter: &Chapter) -> RevertError {
    let intent = &chapter.intent;
    let (name, account, region) = (intent.target.clone(), intent.account.clone(), intent.region.clone());
    RevertError::NoTarget { name, account, region }
}

fn twice(target: &Target, one: &Chapter, other: &Chapter) -> RevertError {
    let (target, one) = (target.name.to_string(), one.intent.target.clone());
    RevertError::Twice { target, one, other: other.intent.target.clone() }
}

/// One name, declared as it was before, and what it has to be on now; nothing where nothing was changed
fn step(
    alias: &str,
    trace: &Trace,
    target: &Target,
    file: &Arc<str>,
) -> Result<Option<(AliasName, Declared, Expected)>, RevertError> {
    let line = trace.line;
    let nonsense = |what: &str, kind| RevertError::Nonsense { what: what.to_owned(), kind, line };
    let name = AliasName::parse(alias).map_err(|_| nonsense(alias, "alias"))?;
    let key = |id: &Option<String>| match id {
        Some(id) => KeyId::parse(id).map(Some).ok_or_else(|| nonsense(id, "key id")),
        None => Ok(None),
    };
    let before = key(&trace.before)?;
    let expectation = match &trace.left {
        Left::On(left) if *left == trace.before => return Ok(None),
        Left::On(left) => Expected::Left([key(left)?].into()),
        Left::Either(one, other) if *one == trace.before || *other == trace.before => Expected::Unproven,
        // Whichever it is, the apply has changed it. That somebody else has done just what the call without an answer was to
        // do, nothing could tell from our having done it.
        Left::Either(one, other) => Expected::Left([key(one)?, key(other)?].into()),
    };
    if !target.scope.owns(alias) {
        return Err(RevertError::NotOurs { alias: alias.to_owned(), target: target.name.to_string() });
    }
    let manner = target.aliases.get(&name).map(|declared| declared.manner.clone()).unwrap_or_default();
    let want = before.map_or(Want::Absent, |key| Want::Key(KeyRef::Id(key)));
    let place = Place { file: file.clone(), line, column: 1 };
    Ok(Some((name, Declared { want, manner, place }, expectation)))
}
