//! Reads, compares and plans again until there is nothing left to do: the only judge of whether a target has converged.
//! Reads only.
//!
//! What was written has to be seen besides. A plan of certain names alone, saved or of a revert, has nothing to do about a previous
//! name as long as a late replica lacks the name that it has become, though the name was deleted and is still shown.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::alias::AliasName;
use crate::diff::diff;
use crate::kms::{Fault, KmsRead};
use crate::list::{Extent, ListError, Snapshot, list};
use crate::plan::{Action, Policy, candidates};
use crate::poll::{Answer, Patience, poll};
use crate::probe::probe;
use crate::read::prefers_names;
use crate::resolve::{Desired, End};
use crate::target::Target;

/// What a target is judged by
pub struct Aim<'a> {
    /// The target
    pub target: &'a Target,
    /// What the plan saw of it
    pub snapshot: &'a Snapshot,
    /// Its desired state, as it was resolved for the plan
    pub desired: &'a Desired,
    /// The policy of the plan
    pub policy: &'a Policy,
}

/// Whether the service shows what was asked for
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It did, as many times in a row as patience wants
    Converged {
        /// Listings made
        reads: u32,
        /// From the first listing to the last
        waited: Duration,
    },
    /// It did not, in the time there was
    OutOfPatience {
        /// The aliases that were still different in the last listing; empty if it was right, but not often enough in a row
        left: BTreeSet<AliasName>,
        /// Why the last listing failed, if it did
        trouble: Option<ListError>,
        /// Whether a listing that was right was followed by one that was not
        wavered: bool,
        /// From the first listing to the last
        waited: Duration,
    },
    /// It was asked to stop before it could tell
    Stopped {
        /// From the first listing to that
        waited: Duration,
    },
}

/// What has to be seen
#[derive(Clone, Debug, Default)]
pub struct Due<'a> {
    /// Whether deletes have to be as well
    pub deletes: bool,
    /// Names of which nothing has to be
    pub except: BTreeSet<AliasName>,
    /// What was done, as far as it was
    pub done: Vec<&'a Action>,
}

/// Reads until everything is as desired, as far as it is due; tells `seen` what each listing left
///
/// # Errors
/// A listing that fails for a reason that waiting does not mend.
pub async fn verify(
    kms: &impl KmsRead,
    aim: &Aim<'_>,
    due: &Due<'_>,
    patience: &Patience,
    stop: &CancellationToken,
    seen: &(impl Fn(&BTreeSet<AliasName>) + Sync),
) -> Result<Verdict, ListError> {
    let look = || async {
        let left = stop.run_until_cancelled(left(kms, aim, due)).await;
        if let Some(Ok(left)) = &left {
            seen(left);
        }
        match left {
            Some(Ok(left)) if left.is_empty() => Ok(Answer::Good((left, None))),
            Some(Ok(left)) => Ok(Answer::NotYet((left, None))),
            Some(Err(error)) if may_pass(&error) => Ok(Answer::NotYet((BTreeSet::new(), Some(error)))),
            Some(Err(error)) => Err(error),
            None => Ok(Answer::NotYet((BTreeSet::new(), None))),
        }
    };
    let polled = poll(patience, stop, look).await?;
    let (left, trouble) = polled.last;
    Ok(match polled.settled {
        true => Verdict::Converged { reads: polled.asked, waited: polled.waited },
        false if stop.is_cancelled() => Verdict::Stopped { waited: polled.waited },
        false => Verdict::OutOfPatience { left, trouble, wavered: polled.wavered, waited: polled.waited },
    })
}

async fn left(kms: &impl KmsRead, aim: &Aim<'_>, due: &Due<'_>) -> Result<BTreeSet<AliasName>, ListError> {
    let snapshot = look(kms, aim, due).await?;
    let candidates = candidates(&diff(aim.desired, &snapshot), aim.desired, aim.policy);
    let is_due = |action: &&Action| due.deletes || !matches!(action, Action::Delete { .. });
    // What would be held now is not as desired either: an alias without a target key, say.
    let held = candidates.held().filter(|name| due.deletes || is_wanted(aim.desired, name));
    let unseen = due.done.iter().copied().filter(|action| !is_seen(action, &snapshot));
    let names =
        candidates.actions().filter(is_due).map(Action::name).chain(held).chain(unseen.map(Action::name));
    Ok(names.filter(|name| !due.except.contains(*name)).cloned().collect())
}

/// What the service shows now: one listing for all that was done, or only the names of that, where they are cheaper to read
async fn look(kms: &impl KmsRead, aim: &Aim<'_>, due: &Due<'_>) -> Result<Snapshot, ListError> {
    let (scope, follow) = (&aim.target.scope, BTreeSet::new());
    let names: BTreeSet<_> = due.done.iter().map(|action| action.name().clone()).collect();
    let by_name = match aim.snapshot.extent {
        Extent::Whole { pages } => prefers_names(names.len(), pages),
        Extent::Named => true,
    };
    if by_name {
        match probe(kms, &names, scope, &follow).await {
            Ok((probed, _)) => return Ok(aim.snapshot.with(&names, probed)),
            // A key policy may keep a key from us whose alias we may list all the same.
            Err(ListError::Name { source, .. }) if source.fault == Fault::AccessDenied => {}
            Err(error) => return Err(error),
        }
    }
    list(kms, scope, &follow).await
}

/// Whether the alias is where the action brings it
fn is_seen(action: &Action, snapshot: &Snapshot) -> bool {
    match (snapshot.live.get(action.name()), action.keys().1) {
        (Some(live), Some(key)) => live.key.as_ref() == Some(key),
        (live, key) => live.is_none() && key.is_none(),
    }
}

fn is_wanted(desired: &Desired, name: &AliasName) -> bool {
    desired.get(name).is_some_and(|goal| matches!(goal.end, End::Key(_)))
}

/// An alias that changes while it is listed, and a service out of breath, are worth another look
fn may_pass(error: &ListError) -> bool {
    match error {
        ListError::Page { source, .. } | ListError::Name { source, .. } => source.fault.is_transient(),
        ListError::Contradiction { .. } => true,
        _ => false,
    }
}
