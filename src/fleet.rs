//! Many targets, bounded side by side: each is prepared by itself, and one that cannot be read never hides the others.

use std::any::Any;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use tracing::Instrument as _;

use crate::access::account::Policies;
use crate::access::gather::{gather, touched};
use crate::access::impact::{Impact, impact};
use crate::blame::lookup::Trails;
use crate::blame::{Blame, Question};
use crate::idle::{idle_patterns, refusal};
use crate::inspect::inspect;
use crate::kms::{Calls, Connect, IamRead, KmsRead, TrailRead, add_calls, requests_of};
use crate::list::Extent;
use crate::plan::digest::{Located, digest};
use crate::plan::{Counts, Policy};
use crate::prepare::{PrepareError, Prepared, prepare};
use crate::siblings::mark_siblings;
use crate::target::Target;
use crate::unusable::{Unusable, keys_in_use, unusable};

/// A target, and what came of reading it
#[derive(Debug)]
pub struct Surveyed {
    /// The target
    pub target: Target,
    /// What it was planned with
    pub policy: Policy,
    /// Requests that reading it took
    pub calls: Calls,
    /// What is known about it
    pub prepared: Result<Prepared, Trouble>,
    /// What its plan does to access, if that was asked and there is a plan
    pub access: Option<Impact>,
    /// The aliases that are as declared, and on keys that cannot be used, likewise
    pub unusable: Option<Vec<Unusable>>,
    /// Who made it so, likewise
    pub blame: Option<Blame>,
}

/// What to look at besides what a plan needs
#[derive(Clone, Copy, Debug, Default)]
pub struct Looks<'l> {
    /// What the plan does to access, by these IAM policies, though there may be none of them, and those of its keys
    pub policies: Option<&'l Policies>,
    /// Whether the keys can be used that aliases are on as declared
    pub keys_in_use: bool,
    /// Every key that a live alias is on
    pub every_key: bool,
    /// Who made it so, by what CloudTrail recorded
    pub trails: Option<&'l Trails>,
}

/// Why a target could not be read or written, for people
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What we failed to do, and the cause, once
    pub sentence: String,
    /// What would help
    pub hint: Option<String>,
    /// Whether something may have been written all the same
    pub halfway: bool,
}

impl Trouble {
    /// A bug in this program ended a target's work; the others go on
    pub fn panicked(panic: &(dyn Any + Send), halfway: bool) -> Self {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        let hint = Some("this is a bug in kms-alias; please report it with this line".to_owned());
        Self { sentence: format!("go on: the program panicked: {words}"), hint, halfway }
    }

    /// The chain of an error as one sentence
    pub fn new(error: &(dyn Error + 'static), hint: Option<String>) -> Self {
        let chain = std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source());
        let parts: Vec<String> = chain.map(ToString::to_string).collect();
        Self { sentence: parts.join(": "), hint, halfway: false }
    }
}

impl From<PrepareError> for Trouble {
    fn from(error: PrepareError) -> Self {
        let hint = error.hint();
        Self::new(&error, hint)
    }
}

/// Reads every target, at most `parallelism` at once, and tells `done` what each took; the order is that of `targets`, whichever
/// ends first
pub async fn survey<C: Connect>(
    targets: Vec<(Target, Policy)>,
    connect: &C,
    parallelism: usize,
    done: &(impl Fn(&Calls) + Sync),
) -> Vec<Surveyed> {
    survey_with(targets, connect, parallelism, Looks::default(), done).await
}

/// Likewise, with more to look at
pub async fn survey_with<C: Connect>(
    targets: Vec<(Target, Policy)>,
    connect: &C,
    parallelism: usize,
    looks: Looks<'_>,
    done: &(impl Fn(&Calls) + Sync),
) -> Vec<Surveyed> {
    let each = |(target, policy): (Target, Policy)| async move {
        let reading = read(&target, &policy, looks, connect).instrument(requests_of(&target.name));
        let reading = AssertUnwindSafe(reading).catch_unwind().await;
        let seen =
            reading.unwrap_or_else(|panic| Seen::none(Calls::new(), Trouble::panicked(&*panic, false)));
        done(&seen.calls);
        let Seen { calls, prepared, access, unusable, blame } = seen;
        Surveyed { target, policy, calls, prepared, access, unusable, blame }
    };
    let mut surveyed: Vec<_> = stream::iter(targets).map(each).buffered(parallelism.max(1)).collect().await;
    mark_siblings(&mut surveyed);
    surveyed
}

/// What came of reading one target
struct Seen {
    calls: Calls,
    prepared: Result<Prepared, Trouble>,
    access: Option<Impact>,
    unusable: Option<Vec<Unusable>>,
    blame: Option<Blame>,
}

impl Seen {
    fn none(calls: Calls, trouble: Trouble) -> Self {
        Self { calls, prepared: Err(trouble), access: None, unusable: None, blame: None }
    }
}

async fn read<C: Connect>(target: &Target, policy: &Policy, looks: Looks<'_>, connect: &C) -> Seen {
    let reader = match connect.reader(target).await {
        Ok(reader) => reader,
        Err(error) => return Seen::none(Calls::new(), Trouble::new(&error, None)),
    };
    match look(target, policy, looks, &reader).await {
        Ok(seen) => Seen { calls: reader.calls(), ..seen },
        Err(error) => Seen::none(reader.calls(), error.into()),
    }
}

async fn look(
    target: &Target,
    policy: &Policy,
    looks: Looks<'_>,
    reader: &(impl KmsRead + IamRead + TrailRead),
) -> Result<Seen, PrepareError> {
    let mut prepared = prepare(target, policy, reader).await?;
    if looks.every_key {
        let keys = prepared.snapshot.live.values().filter_map(|live| live.key.clone()).collect();
        let known = std::mem::take(&mut prepared.facts);
        prepared.facts = inspect(reader, keys, known).await.map_err(PrepareError::Inspect)?;
    }
    let (mut access, mut unusable, mut blame) = (None, None, None);
    if let Some(policies) = looks.policies {
        access = Some(weigh(target, &prepared, policies, reader).await);
    }
    if looks.keys_in_use {
        unusable = Some(in_use(&prepared, reader).await?);
    }
    if let Some(trails) = looks.trails {
        let questions = Question::all(&prepared.plan, unusable.as_deref().unwrap_or_default());
        let apply_role = target.roles.apply.as_deref();
        blame = Some(trails.blame(&prepared.identity, apply_role, questions, reader).await);
    }
    Ok(Seen { calls: Calls::new(), prepared: Ok(prepared), access, unusable, blame })
}

/// The aliases that are as declared, and on keys that cannot be used
async fn in_use(prepared: &Prepared, reader: &impl KmsRead) -> Result<Vec<Unusable>, PrepareError> {
    let Prepared { desired, snapshot, facts, .. } = prepared;
    let keys = keys_in_use(desired, snapshot);
    let facts = inspect(reader, keys, facts.clone()).await.map_err(PrepareError::Inspect)?;
    Ok(unusable(desired, snapshot, &facts))
}

/// What the plan of a target does to access
async fn weigh(
    target: &Target,
    prepared: &Prepared,
    policies: &Policies,
    reader: &(impl KmsRead + IamRead),
) -> Impact {
    let Prepared { plan, identity, .. } = prepared;
    let keys = touched(plan);
    if keys.is_empty() {
        return Impact::default();
    }
    let (policies, unread) = policies.of(identity, reader).await;
    let gathered = gather(reader, keys).await;
    let mut impact = impact(plan, identity, target.roles.apply.as_deref(), &gathered, &policies);
    impact.unread.splice(..0, unread);
    impact
}

/// What a plan comes to, over all targets that could be read
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Writes
    pub counts: Counts,
    /// Asked for and not done
    pub held: usize,
    /// Refusals of guards
    pub refused: usize,
    /// As declared
    pub in_sync: usize,
    /// Live, and not declared
    pub unmanaged: usize,
    /// As declared, and on keys that cannot be used, where that was looked at
    pub unusable: Option<usize>,
    /// Targets that could not be read
    pub unread: usize,
    /// Targets that were read by name, so that what is unmanaged in them is not known
    pub unlisted: usize,
    /// Whether the command line leaves names out
    pub partial: bool,
    /// Requests made
    pub calls: Calls,
    /// The least time that the rates leave for the writes
    pub least_time: Duration,
}

/// Adds up the targets
pub fn totals(surveyed: &[Surveyed]) -> Totals {
    let refused = usize::from(refusal(&idle_patterns(surveyed), surveyed).is_some());
    let mut totals = Totals { refused, ..Totals::default() };
    for one in surveyed {
        add_calls(&mut totals.calls, &one.calls);
        let Ok(Prepared { plan, .. }) = &one.prepared else {
            totals.unread += 1;
            continue;
        };
        totals.counts += plan.counts();
        totals.partial |= plan.partial;
        totals.held += plan.held.len();
        totals.refused += plan.refusals.len();
        totals.in_sync += plan.in_sync;
        totals.unmanaged += plan.unmanaged.len();
        totals.unlisted += usize::from(plan.extent == Extent::Named);
        if let Some(unusable) = &one.unusable {
            *totals.unusable.get_or_insert_default() += unusable.len();
        }
        totals.least_time += plan.counts().least_time(&one.target.rates);
    }
    totals
}

/// The digest of the plan as a whole; there is none while a target is missing from it
pub fn digest_of(surveyed: &[Surveyed]) -> Option<String> {
    let located = surveyed.iter().map(|one| {
        let Prepared { identity, plan, .. } = one.prepared.as_ref().ok()?;
        Some(Located { account: &identity.account, region: &identity.region, plan })
    });
    Some(digest(located.collect::<Option<Vec<_>>>()?))
}
