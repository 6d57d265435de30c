//! A target -> everything that can be known before anything is written: who we are, what is live, what differs, what to do.
//! Reads only; it strings the reading stages together.

use crate::choose::{ChooseError, choose, criteria};
use crate::diff::{Diff, diff};
use crate::inspect::{Facts, inspect};
use crate::kms::{Identity, KmsError, KmsRead};
use crate::list::{Extent, ListError, Snapshot};
use crate::plan::{Plan, Policy, candidates, plan};
use crate::probe::{count, shows_in_a_listing};
use crate::read::Reading;
use crate::resolve::{Desired, resolve};
use crate::target::Target;

/// What is known about a target
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Whose credentials it was read with
    pub identity: Identity,
    /// What is live
    pub snapshot: Snapshot,
    /// What should be
    pub desired: Desired,
    /// What is known of the keys of the change
    pub facts: Facts,
    /// What to do
    pub plan: Plan,
}

/// Why a target could not be read
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The credentials are not known to be good
    #[error("tell whose credentials these are")]
    Identity(#[source] KmsError),
    /// Nobody has discovered which accounts it is for, and the credentials' own must not pass for one
    #[error("use the target: its accounts are those of an organization, and are not known")]
    Accounts,
    /// They are good, and somebody else's
    #[error(
        "use the credentials: they are for account {actual} ({caller}), and the manifest says {declared}"
    )]
    Account {
        /// As declared
        declared: String,
        /// As the service says
        actual: String,
        /// Whose they are
        caller: String,
    },
    /// The listing is not whole
    #[error(transparent)]
    List(#[from] ListError),
    /// The keys that could be selected are not known
    #[error(transparent)]
    Choose(#[from] ChooseError),
    /// A key could not be looked at
    #[error("describe the keys")]
    Inspect(#[source] KmsError),
}

impl PrepareError {
    /// What would help
    pub fn hint(&self) -> Option<String> {
        let kms = match self {
            Self::Accounts => {
                return Some("load the manifest again with the accounts that are discovered".to_owned());
            }
            Self::Account { declared, .. } => {
                return Some(format!("use credentials, a profile or `roles` of account {declared}"));
            }
            Self::Identity(error)
            | Self::Inspect(error)
            | Self::Choose(ChooseError::Page { source: error, .. } | ChooseError::Key(error))
            | Self::List(ListError::Page { source: error, .. }) => error,
            Self::List(ListError::Name { source: error, .. }) if shows_in_a_listing(error) => {
                return Some("pass --read list, which does not ask for the key".to_owned());
            }
            Self::List(ListError::Name { source: error, .. }) => error,
            Self::List(_) | Self::Choose(ChooseError::Pages(_)) => {
                let hint =
                    "run again; if it stays, look at what stands between here and KMS, or at --endpoint-url";
                return Some(hint.to_owned());
            }
        };
        kms.hint()
    }
}

/// Reads a target and plans
///
/// # Errors
/// Whatever keeps the read from being whole, or the credentials from being the target's own.
pub async fn prepare(target: &Target, policy: &Policy, kms: &impl KmsRead) -> Result<Prepared, PrepareError> {
    if target.awaits_accounts {
        return Err(PrepareError::Accounts);
    }
    let mut reading = Reading::new(target, policy);
    // Side by side, since neither needs the other; what was read with the credentials of somebody else is dropped.
    let (identity, begun) = tokio::join!(identify(target, kms), reading.begin(kms));
    let identity = identity?;
    begun?;
    let (mut snapshot, probed) = reading.snapshot(kms).await?;
    let mut choices = choose(kms, criteria(target)).await?;
    choices.facts.extend(probed);
    let compare = |snapshot: &Snapshot| {
        let desired = resolve(target, &identity, snapshot, &choices);
        // Guards judge a plan by the whole target: names that the command line leaves out make no plan smaller.
        let diff = Diff { declared: target.aliases.len(), ..diff(&desired, snapshot) };
        let candidates = candidates(&diff, &desired, policy);
        (desired, diff, candidates)
    };
    let (mut desired, mut diff, mut candidates) = compare(&snapshot);
    if snapshot.extent == Extent::Named && candidates.may_be_too_many(&diff, policy) {
        snapshot = reading.whole(kms).await?;
        (desired, diff, candidates) = compare(&snapshot);
    }
    if snapshot.extent == Extent::Named {
        snapshot.alias_counts = count(kms, candidates.keys()).await?;
        diff.alias_counts = snapshot.alias_counts.clone();
    }
    let facts = inspect(kms, candidates.keys(), choices.facts).await.map_err(PrepareError::Inspect)?;
    let plan = plan(candidates, &diff, policy, &facts);
    Ok(Prepared { identity, snapshot, desired, facts, plan })
}

/// Whose credentials these are, if they are the target's; nothing read with others can be trusted
///
/// # Errors
/// They cannot be told, or are of another account; or nobody knows of which they should be.
pub async fn identify(target: &Target, kms: &impl KmsRead) -> Result<Identity, PrepareError> {
    if target.awaits_accounts {
        return Err(PrepareError::Accounts);
    }
    let identity = kms.identity().await.map_err(PrepareError::Identity)?;
    match &target.account {
        Some(declared) if *declared != identity.account => Err(PrepareError::Account {
            declared: declared.to_string(),
            actual: identity.account.to_string(),
            caller: identity.caller.to_string(),
        }),
        _ => Ok(identity),
    }
}
