//! An account -> all of its IAM policies: GetAccountAuthorizationDetails, page by page, once for all targets that are reached by the
//! same credentials. Reads only. What cannot be read is a finding of each plan that it may concern, and is no failure of the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::document::Document;
use super::export::documents;
use super::impact::Unread;
use crate::fleet::Trouble;
use crate::kms::authorization::{AuthorizationPage, Authorizations};
use crate::kms::{Fault, IamRead, Identity, KmsError};
use crate::pages::{PageFault, Pages};

/// What has to be allowed
pub const PERMISSION: &str = "iam:GetAccountAuthorizationDetails";

/// Which IAM policies count besides those of the keys
#[derive(Debug, Default)]
pub struct Policies {
    /// Those that files gave
    pub files: Vec<Document>,
    /// Where those of each account are read as well
    pub accounts: Option<Accounts>,
}

/// The accounts that were read, by caller
#[derive(Debug, Default)]
pub struct Accounts(Mutex<BTreeMap<Arc<str>, Arc<Account>>>);

type Account = OnceCell<Result<Vec<Document>, AccountError>>;

/// Why what was read is not all of an account's policies
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// A page could not be read
    #[error("read the account's IAM policies (page {page})")]
    Page {
        /// Counted from 1
        page: u32,
        /// What the service said
        #[source]
        source: KmsError,
    },
    /// Its pages are no whole listing
    #[error("read the account's IAM policies: {0}")]
    Pages(PageFault),
    /// A policy that somebody has is on no page
    #[error("read the account's IAM policies: {principal} has {policy}, and no page shows that policy")]
    Missing {
        /// ARN of one who has it
        principal: String,
        /// Its ARN
        policy: String,
    },
    /// A policy cannot be read
    #[error("read the account's IAM policies: {0}")]
    Unreadable(String),
}

impl Policies {
    /// All that count in the account of `identity`, each once, and why there may be more
    pub async fn of(&self, identity: &Identity, iam: &impl IamRead) -> (Vec<Document>, Option<Unread>) {
        let mut all = self.files.clone();
        let Some(accounts) = &self.accounts else { return (all, None) };
        match accounts.account(&identity.caller).get_or_init(|| read(iam)).await {
            Ok(live) => {
                let (new, _): (Vec<_>, Vec<_>) =
                    live.iter().partition(|document| !self.files.contains(document));
                all.extend(new.into_iter().cloned());
                (all, None)
            }
            Err(error) => (all, Some(error.into())),
        }
    }
}

impl Accounts {
    fn account(&self, caller: &Arc<str>) -> Arc<Account> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.entry(caller.clone()).or_default().clone()
    }
}

impl From<&AccountError> for Unread {
    fn from(error: &AccountError) -> Self {
        let denied =
            matches!(error, AccountError::Page { source, .. } if source.fault == Fault::AccessDenied);
        let why = Trouble::new(error, None).sentence;
        Self { key: None, what: "IAM policies", why, permission: denied.then_some(PERMISSION) }
    }
}

/// Reads every page
///
/// # Errors
/// Whatever keeps it from being all of the account's policies.
async fn read(iam: &impl IamRead) -> Result<Vec<Document>, AccountError> {
    let mut all = Authorizations::default();
    let (mut pages, mut marker) = (Pages::default(), None::<String>);
    loop {
        let page = pages.number();
        let read = iam.authorization_page(marker.as_deref()).await;
        let AuthorizationPage { authorizations, next_marker, truncated } =
            read.map_err(|source| AccountError::Page { page, source })?;
        all.extend(authorizations);
        match pages.turn(truncated, next_marker).map_err(AccountError::Pages)? {
            None => break,
            next => marker = next,
        }
    }
    whole(&all)?;
    documents(&all).map_err(AccountError::Unreadable)
}

/// Policies may have changed from page to page
fn whole(all: &Authorizations) -> Result<(), AccountError> {
    let shown: BTreeSet<&String> = all.managed.iter().map(|policy| &policy.arn).collect();
    for principal in &all.principals {
        if let Some(policy) = principal.attached.iter().find(|arn| !shown.contains(arn)) {
            let (principal, policy) = (principal.arn.clone(), policy.clone());
            return Err(AccountError::Missing { principal, policy });
        }
    }
    Ok(())
}
