//! One stage of a plan -> one outcome an action. The only file that writes.
//!
//! It has no choices left: it takes its turn, looks once more at the alias, writes, and finds out what an unclear answer
//! meant. What it finds is reported, never repaired. Whether the target has converged is for `verify` to judge.
//!
//! The service has no compare-and-swap, so the look just before each write (DescribeKey by alias name) is what keeps us from
//! overwriting somebody else's change; between the two lies one round trip, which cannot be closed.

mod outcome;
mod replace;

use std::sync::OnceLock;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::alias::{AliasName, KeyId};
use crate::kms::{Fault, KmsError, KmsWrite, Written};
use crate::pace::{Lane, Lanes};
use crate::plan::Action;
use crate::poll::{Patience, now, until, wait};
pub use outcome::{Applied, Outcome, Reason};
use replace::replace;

/// What the look before a write may take when patience is spent: the reader's own retries against silence take a minute
const LAST_LOOK: Duration = Duration::from_secs(5);

/// What an apply works with, the same for all actions of a target
pub struct Tools<'a, K> {
    /// The writer
    pub kms: &'a K,
    /// The lanes of the target's account and Region
    pub lanes: &'a Lanes,
    /// How long to retry
    pub patience: Patience,
    /// Cancelled when the program should stop: calls under way are finished, no new ones begun
    pub stop: &'a CancellationToken,
}

/// A look that is older is made again before the write, once: a disk or a throttled lane may take long to let it go
const OLDEST_LOOK: Duration = Duration::from_secs(1);

/// What happens to an action
#[derive(Clone, Copy, Debug)]
pub enum Step<'s> {
    /// It is its turn, or will be as soon as its lane lets it
    Started(&'s Action),
    /// It has ended
    Ended(&'s Applied),
}

/// Performs every action of a stage, each lane at its own pace, and tells `step` of each as it starts and ends
pub async fn apply<K: KmsWrite>(
    stage: &[Action],
    tools: &Tools<'_, K>,
    step: &(impl Fn(Step<'_>) + Sync),
) -> Vec<Applied> {
    let dead = OnceLock::new();
    let lane = |lane: fn(&Lanes) -> &Lane, of: fn(&Action) -> bool| {
        let lane = lane(tools.lanes);
        let actions: Vec<&Action> = stage.iter().filter(|action| of(action)).collect();
        let dead = &dead;
        async move {
            let each = |action| async move {
                step(Step::Started(action));
                let applied = Attempt::new(Write::of(action), lane, tools, dead).run().await.report(action);
                step(Step::Ended(&applied));
                applied
            };
            stream::iter(actions).map(each).buffer_unordered(lane.width()).collect::<Vec<_>>().await
        }
    };
    let replaces = stage.iter().filter(|action| matches!(action, Action::Replace { .. }));
    let replacing = |action| {
        let dead = &dead;
        async move {
            step(Step::Started(action));
            let applied = replace(action, tools, dead).await;
            step(Step::Ended(&applied));
            applied
        }
    };
    let replaces = stream::iter(replaces).map(replacing).buffer_unordered(tools.lanes.create.width());
    let (creates, updates, replaces, deletes) = tokio::join!(
        lane(|l| &l.create, |a| matches!(a, Action::Create { .. })),
        lane(|l| &l.update, |a| matches!(a, Action::Update { .. })),
        replaces.collect(),
        lane(|l| &l.delete, |a| matches!(a, Action::Delete { .. })),
    );
    let mut applied: Vec<_> = [creates, updates, replaces, deletes].into_iter().flatten().collect();
    applied.sort_by(|a, b| a.action.cmp(&b.action));
    applied
}

/// What an action finds just before it writes
enum Found {
    /// What the plan saw
    AsPlanned,
    /// What the action is to bring about
    AsWanted,
    /// Neither
    Other(Option<KeyId>),
}

/// What to do after an error
enum Next {
    Retry(KmsError),
    End(Outcome),
}

/// One write call: from the key that the alias is on, or none, to the one it should be on, or none
#[derive(Clone, Copy)]
struct Write<'a> {
    name: &'a AliasName,
    before: Option<&'a KeyId>,
    after: Option<&'a KeyId>,
}

impl<'a> Write<'a> {
    fn of(action: &'a Action) -> Self {
        let (before, after) = action.keys();
        Self { name: action.name(), before, after }
    }
}

/// How one write ended
struct Ended {
    outcome: Outcome,
    /// Whether it may have been made although no answer said so
    unclear: bool,
    attempts: u32,
    request_id: Option<String>,
}

impl Ended {
    /// Calls beyond the one that it takes
    fn again(&self) -> u32 {
        self.attempts.saturating_sub(1)
    }

    fn report(self, action: &Action) -> Applied {
        let Self { outcome, attempts, request_id, .. } = self;
        Applied { action: action.clone(), outcome, attempts, request_id }
    }
}

struct Attempt<'a, K> {
    write: Write<'a>,
    lane: &'a Lane,
    tools: &'a Tools<'a, K>,
    /// Set when no write can succeed any more
    dead: &'a OnceLock<Reason>,
    /// A key that the alias was on until we deleted it: to see it there is to see the past
    ghost: Option<&'a KeyId>,
    /// When patience is spent
    deadline: Instant,
    writes: u32,
    /// Whether an earlier write may have been made although no answer said so
    unclear: bool,
    /// The service says that the name is taken, though no look has shown by what
    taken: Option<KmsError>,
    request_id: Option<String>,
}

impl<'a, K: KmsWrite> Attempt<'a, K> {
    fn new(write: Write<'a>, lane: &'a Lane, tools: &'a Tools<'a, K>, dead: &'a OnceLock<Reason>) -> Self {
        let (ghost, taken, request_id) = (None, None, None);
        let deadline = now() + tools.patience.budget;
        Self { write, lane, tools, dead, ghost, deadline, writes: 0, unclear: false, taken, request_id }
    }

    async fn run(mut self) -> Ended {
        let outcome = self.persist().await;
        let end = match &outcome {
            Outcome::Failed(KmsError { fault: Fault::Credentials, .. }) => Some(Reason::Credentials),
            Outcome::Failed(KmsError { fault: Fault::NotRecorded, .. }) => Some(Reason::Receipt),
            _ => None,
        };
        // Whichever came first is the reason.
        let _ = end.map(|reason| self.dead.set(reason));
        Ended { outcome, unclear: self.unclear, attempts: self.writes, request_id: self.request_id }
    }

    /// Tries until there is an outcome or patience is spent
    async fn persist(&mut self) -> Outcome {
        let mut delays = self.tools.patience.delays();
        loop {
            let error = match self.attempt().await {
                Next::End(outcome) => return outcome,
                Next::Retry(error) => error,
            };
            let spent = now() >= self.deadline;
            match delays.next().filter(|_| !spent) {
                Some(delay) if wait(delay, self.tools.stop).await => {}
                _ if self.tools.stop.is_cancelled() => return self.cut_short(Reason::Stopped),
                _ => return Outcome::Failed(error),
            }
        }
    }

    /// Comes near its turn, looks, announces the write, and makes it when it is due
    ///
    /// The look is as late as the pace allows: a look made while queueing would be worthless at the end of the queue, and one
    /// made when the turn is due would make the writes as uneven as the network.
    async fn attempt(&mut self) -> Next {
        let mut is_first = true;
        loop {
            // A name that is taken is looked at, not written, which needs no turn.
            let turn = self.taken.is_none().then(|| self.lane.reserve());
            if let Some(turn) = &turn {
                turn.near(self.tools.stop).await;
            }
            if let Some(outcome) = self.forbidden() {
                return Next::End(outcome);
            }
            if let Some(next) = self.look().await {
                return next;
            }
            let looked = now();
            // What a disk takes lies before the turn as well, or it would make the writes uneven.
            let Write { name, before, after } = self.write;
            if let Err(error) = self.tools.kms.announce(name, before, after).await {
                return self.judge(error);
            }
            if let Some(turn) = turn {
                self.lane.take(turn, self.tools.stop).await;
            }
            if let Some(outcome) = self.forbidden() {
                self.tools.kms.withdraw(name);
                return Next::End(outcome);
            }
            // Another look takes time, so it takes another turn: this one is left unused.
            if looked.elapsed() <= OLDEST_LOOK || !is_first {
                return self.carry_out().await;
            }
            self.tools.kms.withdraw(name);
            is_first = false;
        }
    }

    async fn carry_out(&mut self) -> Next {
        match self.write().await {
            Ok(written) => {
                self.lane.served();
                self.request_id = written.request_id;
                Next::End(Outcome::Done)
            }
            Err(error) => self.judge(error),
        }
    }

    /// What the alias as it is now allows instead of a write, if it does not allow that
    async fn look(&self) -> Option<Next> {
        match self.probe().await {
            // Writing again would be told the same; only a look that has caught up can tell whose the name is.
            Ok(Found::AsPlanned) => self.taken.clone().map(Next::Retry),
            Ok(Found::AsWanted) => Some(Next::End(self.as_wanted())),
            Ok(Found::Other(found)) => Some(Next::End(Outcome::Contested { found })),
            Err(error) if error.fault.is_transient() => Some(Next::Retry(error)),
            Err(error) => Some(Next::End(Outcome::Failed(error))),
        }
    }

    fn forbidden(&self) -> Option<Outcome> {
        if let Some(reason) = self.dead.get() {
            return Some(self.cut_short(*reason));
        }
        self.tools.stop.is_cancelled().then(|| self.cut_short(Reason::Stopped))
    }

    /// No more is to be sent; a write without a clear answer may be there or not
    fn cut_short(&self, reason: Reason) -> Outcome {
        match self.unclear {
            true => Outcome::Unverified,
            false => Outcome::NotAttempted(reason),
        }
    }

    /// The alias is as wanted: our own doing, if a write of ours went without a clear answer
    fn as_wanted(&self) -> Outcome {
        if self.unclear { Outcome::Done } else { Outcome::AlreadySo }
    }

    async fn probe(&self) -> Result<Found, KmsError> {
        let look = until(self.deadline.max(now() + LAST_LOOK), self.tools.kms.probe_alias(self.write.name));
        let live = look.await.unwrap_or_else(|| Err(unanswered()))?.map(|facts| facts.id);
        let Write { before, after, .. } = self.write;
        Ok(match live {
            live if self.ghost.is_some() && live.as_ref() == self.ghost => Found::AsPlanned,
            live if live.as_ref() == after => Found::AsWanted,
            live if live.as_ref() == before => Found::AsPlanned,
            live => Found::Other(live),
        })
    }

    async fn write(&mut self) -> Result<Written, KmsError> {
        self.writes += 1;
        let Write { name, before, after } = self.write;
        let kms = self.tools.kms;
        match after {
            Some(key) if before.is_none() => kms.create_alias(name, key).await,
            Some(key) => kms.update_alias(name, key).await,
            None => kms.delete_alias(name).await,
        }
    }

    /// What a failed write means for this action; only here is that known, which is why the SDK's own retries are off
    fn judge(&mut self, error: KmsError) -> Next {
        self.request_id.clone_from(&error.request_id);
        match error.fault {
            Fault::Throttled => self.lane.throttled(),
            Fault::Unknown => self.unclear = true,
            _ => {}
        }
        match error.fault {
            // This call was not made, and an earlier one may have been.
            Fault::NotRecorded if self.unclear => {
                let _ = self.dead.set(Reason::Receipt);
                Next::End(Outcome::Unverified)
            }
            // Gone: by our own earlier write, or by somebody else's; either way it is as wanted.
            Fault::NotFound if self.write.after.is_none() => Next::End(self.as_wanted()),
            // Just deleted by us, the name is free as soon as the service has noticed.
            Fault::AlreadyExists if self.ghost.is_some() => Next::Retry(error),
            Fault::AlreadyExists => {
                self.taken = Some(error.clone());
                Next::Retry(error)
            }
            // A fresh key may not be visible to this call yet.
            Fault::NotFound => Next::Retry(error),
            fault if fault.is_transient() => Next::Retry(error),
            _ => Next::End(Outcome::Failed(error)),
        }
    }
}

/// A look that was given up
fn unanswered() -> KmsError {
    let message = "no answer in time".to_owned();
    KmsError { fault: Fault::Unknown, operation: "DescribeKey", code: None, message, request_id: None }
}
