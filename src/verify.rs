//! Reads, compares and plans again until there is nothing left to do: the only judge of whether a target has converged.
//! Reads only.
//!
//! What was written has to be seen besides. A plan of certain names alone, saved or of a revert, has nothing to do about a previous
//! name as long as a late replica lacks the name that it has become, though the name was deleted and is still shown.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::alias::AliasName;
use crate::diff::diff;
use crate::kms::KmsRead;
use crate::list::{Extent, ListError, Snapshot, list};
use crate::plan::{Action, Policy, candidates};
use crate::poll::{Answer, Patience, poll};
use crate::probe::{probe, shows_in_a_listing};
use crate::read::{prefers_names, spoken_of};
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
        /// How often it was read
        reads: u32,
        /// From the first read to the last
        waited: Duration,
    },
    /// It did not, in the time there was
    OutOfPatience {
        /// The aliases that were still different in the last read; empty if it was right, but not often enough in a row
        left: BTreeSet<AliasName>,
        /// Why the last read failed, if it did
        trouble: Option<ListError>,
        /// Whether a read that was right was followed by one that was not
        wavered: bool,
        /// From the first read to the last
        waited: Duration,
    },
    /// It was asked to stop before it could tell
    Stopped {
        /// From the first read to that
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
    // Reads of what was done alone come first where they are cheaper, as many as make it steady. What settles it then is one of
    // everything, as the plan's was, which sees what others have changed meanwhile; if it does not, all that follow are such.
    let short = is_cheaper(aim, due);
    let patience = &Patience { steady: patience.steady + u32::from(short), ..*patience };
    let (good, whole) = (AtomicU32::new(0), AtomicBool::new(!short));
    let look = || async {
        let settles = whole.load(Ordering::Relaxed) || good.load(Ordering::Relaxed) + 1 >= patience.steady;
        let left = stop.run_until_cancelled(left(kms, aim, due, settles)).await;
        let is_good = matches!(&left, Some(Ok(left)) if left.is_empty());
        good.store(if is_good { good.load(Ordering::Relaxed) + 1 } else { 0 }, Ordering::Relaxed);
        whole.fetch_or(settles && !is_good, Ordering::Relaxed);
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

async fn left(
    kms: &impl KmsRead,
    aim: &Aim<'_>,
    due: &Due<'_>,
    settles: bool,
) -> Result<BTreeSet<AliasName>, ListError> {
    let snapshot = look(kms, aim, due, settles).await?;
    let candidates = candidates(&diff(aim.desired, &snapshot), aim.desired, aim.policy);
    let is_due = |action: &&Action| due.deletes || !matches!(action, Action::Delete { .. });
    // What would be held now is not as desired either: an alias without a target key, say.
    let held = candidates.held().filter(|name| due.deletes || is_wanted(aim.desired, name));
    let unseen = due.done.iter().copied().filter(|action| !is_seen(action, &snapshot));
    let names =
        candidates.actions().filter(is_due).map(Action::name).chain(held).chain(unseen.map(Action::name));
    Ok(names.filter(|name| !due.except.contains(*name)).cloned().collect())
}

/// The names of what was done
fn done(due: &Due<'_>) -> BTreeSet<AliasName> {
    due.done.iter().map(|action| action.name().clone()).collect()
}

/// Whether to read the names of what was done costs less than to read as much as the plan was made from
fn is_cheaper(aim: &Aim<'_>, due: &Due<'_>) -> bool {
    let names = done(due);
    !names.is_empty()
        && match aim.snapshot.extent {
            Extent::Whole { pages } => prefers_names(names.len(), pages),
            Extent::Named => spoken_of(aim.target, aim.policy).any(|name| !names.contains(name)),
        }
}

/// What the service shows now: as much as the plan was made from where it `settles` the question, else the names of what was done
async fn look(
    kms: &impl KmsRead,
    aim: &Aim<'_>,
    due: &Due<'_>,
    settles: bool,
) -> Result<Snapshot, ListError> {
    let (scope, follow) = (&aim.target.scope, BTreeSet::new());
    let mut names = done(due);
    if settles {
        names.extend(spoken_of(aim.target, aim.policy).cloned());
    }
    let by_name = !settles || aim.snapshot.extent == Extent::Named;
    if by_name {
        match probe(kms, &names, scope, &follow).await {
            Ok((probed, _)) => return Ok(aim.snapshot.with(&names, probed)),
            Err(ListError::Name { source, .. }) if shows_in_a_listing(&source) => {}
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
