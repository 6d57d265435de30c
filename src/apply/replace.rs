//! A replacement: two writes that nothing makes one, and the way back where the second cannot be made.

use std::sync::OnceLock;

use tokio_util::sync::CancellationToken;

use super::{Applied, Attempt, Ended, LAST_LOOK, Outcome, Reason, Tools, Write};
use crate::alias::KeyId;
use crate::kms::{KmsError, KmsWrite};
use crate::plan::Action;
use crate::poll::{now, until, wait};

/// Deletes an alias and creates it on another key; if it cannot be created there, on the old one again
///
/// A stop is heeded before the delete only: between the two calls the name does not exist. Nor does one end it where nobody knows
/// whether the delete was made.
pub(super) async fn replace<K: KmsWrite>(
    action: &Action,
    tools: &Tools<'_, K>,
    dead: &OnceLock<Reason>,
) -> Applied {
    let (name, (from, to)) = (action.name(), action.keys());
    let delete = Write { name, before: from, after: None };
    let mut deleted = Attempt::new(delete, &tools.lanes.delete, tools, dead).run().await;
    let never = CancellationToken::new();
    let (kms, lanes, patience) = (tools.kms, tools.lanes, tools.patience);
    let tools = &Tools { kms, lanes, patience, stop: &never };
    let is_known = matches!(deleted.outcome, Outcome::Done | Outcome::AlreadySo | Outcome::Contested { .. });
    if deleted.unclear && !is_known && is_gone(&delete, tools).await {
        deleted.outcome = Outcome::Done;
    }
    if deleted.outcome != Outcome::Done {
        deleted.outcome = not_deleted(deleted.outcome, deleted.unclear, to);
        return deleted.report(action);
    }
    let create = |after| async move {
        // Each has its own: credentials that gave out for the new key are no reason not to try the old one.
        let dead = OnceLock::new();
        let write = Write { name, before: None, after };
        Attempt { ghost: from, ..Attempt::new(write, &lanes.create, tools, &dead) }.run().await
    };
    let mut created = create(to).await;
    let mut again = deleted.again() + created.again();
    if let Outcome::Failed(error) = created.outcome {
        let back = create(from).await;
        again += back.again();
        created = Ended { outcome: put_back(back.outcome, error, to), ..back };
    }
    // The delete was ours, whoever has created it since.
    if created.outcome == Outcome::AlreadySo {
        created.outcome = Outcome::Done;
    }
    Ended { attempts: 1 + again, ..created }.report(action)
}

/// Whether a name is gone of which nobody knows whether its delete was made, or is shown to be while there is patience
async fn is_gone<K: KmsWrite>(delete: &Write<'_>, tools: &Tools<'_, K>) -> bool {
    let mut delays = tools.patience.delays();
    let deadline = now() + tools.patience.budget;
    loop {
        match until(deadline.max(now() + LAST_LOOK), tools.kms.probe_alias(delete.name)).await {
            Some(Ok(None)) => return true,
            Some(Ok(Some(facts))) if Some(&facts.id) != delete.before => return false,
            _ => {}
        }
        match delays.next().filter(|_| now() < deadline) {
            Some(delay) if wait(delay, tools.stop).await => {}
            _ => return false,
        }
    }
}

/// The alias was not deleted, so nothing is lost; it may be on the new key already, perhaps because of a delete of ours
fn not_deleted(outcome: Outcome, unclear: bool, to: Option<&KeyId>) -> Outcome {
    match outcome {
        Outcome::Contested { found } if found.as_ref() == to && unclear => Outcome::Done,
        Outcome::Contested { found } if found.as_ref() == to => Outcome::AlreadySo,
        Outcome::AlreadySo => Outcome::Contested { found: None },
        outcome => outcome,
    }
}

/// The alias could not be created on its new key for the reason `why`
fn put_back(back: Outcome, why: KmsError, to: Option<&KeyId>) -> Outcome {
    match back {
        Outcome::Done | Outcome::AlreadySo => Outcome::PutBack(why),
        Outcome::Contested { found } if found.as_ref() == to => Outcome::Done,
        Outcome::Failed(error) => Outcome::Gone { new: Box::new(why), old: Box::new(error) },
        other => other,
    }
}
