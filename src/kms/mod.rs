//! The boundary to the key service: what may be read and what may be written; what each failure means is in `fault.rs`.
//!
//! Reading and writing are different traits, so that a command that must not write is never handed a writer. `aws.rs`, `iam.rs`,
//! `trail.rs` and `organizations.rs` implement them with the SDK; the embedded sandbox speaks the same protocol as the service and needs no other implementation.

mod answer;
mod answered;
pub mod authorization;
pub mod aws;
pub mod connect;
pub mod contact;
mod credentials;
mod denied;
pub mod endpoint;
mod fault;
mod iam;
mod organizations;
mod trail;
mod transport;
mod watch;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use crate::alias::{AliasName, KeyId};
use crate::target::Target;

use authorization::AuthorizationPage;
use contact::Contact;

pub use fault::{Fault, KmsError};

/// Whose requests those are that the log tells of meanwhile
pub(crate) fn requests_of(target: &str) -> tracing::Span {
    tracing::debug_span!("requests", of = target)
}

/// Requests sent so far by operation, retries included
pub type Calls = BTreeMap<String, u64>;

/// Adds `more` to `calls`
pub fn add_calls(calls: &mut Calls, more: &Calls) {
    for (operation, count) in more {
        // What is read from a file may be any number.
        let sum = calls.entry(operation.clone()).or_default();
        *sum = sum.saturating_add(*count);
    }
}

/// Reads of one account and Region
pub trait KmsRead: Send + Sync {
    /// Whose credentials these are (`sts:GetCallerIdentity`)
    fn identity(&self) -> impl Future<Output = Result<Identity, KmsError>> + Send;

    /// One page of ListAliases, of at most 100 names, beginning at `marker`
    fn alias_page(&self, marker: Option<&str>) -> impl Future<Output = Result<AliasPage, KmsError>> + Send;

    /// One page of ListAliases for one key, whatever the names
    fn key_alias_page(
        &self,
        key: &KeyId,
        marker: Option<&str>,
    ) -> impl Future<Output = Result<AliasPage, KmsError>> + Send;

    /// GetKeyPolicy: the key's one policy, JSON
    fn key_policy(&self, key: &KeyId) -> impl Future<Output = Result<String, KmsError>> + Send;

    /// DescribeKey by key id
    fn describe_key(&self, key: &KeyId) -> impl Future<Output = Result<KeyFacts, KmsError>> + Send;

    /// One page of ListKeys, of at most 1,000 keys of the account's own, beginning at `marker`
    fn key_page(&self, marker: Option<&str>) -> impl Future<Output = Result<KeyPage, KmsError>> + Send;

    /// ListResourceTags: all tags of a key
    fn tags(&self, key: &KeyId) -> impl Future<Output = Result<BTreeMap<String, String>, KmsError>> + Send;

    /// DescribeKey by alias name: the key it points at now
    fn describe_alias(&self, name: &AliasName) -> impl Future<Output = Result<KeyFacts, KmsError>> + Send;

    /// The same, or `None` where there is no such alias
    fn probe_alias(
        &self,
        name: &AliasName,
    ) -> impl Future<Output = Result<Option<KeyFacts>, KmsError>> + Send {
        async {
            match self.describe_alias(name).await {
                Err(error) if error.fault == Fault::NotFound => Ok(None),
                described => described.map(Some),
            }
        }
    }

    /// Requests sent so far
    fn calls(&self) -> Calls;

    /// What they showed besides their answers; nothing where nobody watched
    fn contact(&self) -> Contact {
        Contact::default()
    }
}

/// Reads of the IAM of one account, the same from all its Regions
pub trait IamRead: Send + Sync {
    /// One page of GetAccountAuthorizationDetails, of everything that has policies or is one, beginning at `marker`
    fn authorization_page(
        &self,
        marker: Option<&str>,
    ) -> impl Future<Output = Result<AuthorizationPage, KmsError>> + Send;
}

/// Reads of what CloudTrail recorded in one account and Region
pub trait TrailRead: Send + Sync {
    /// One page of LookupEvents of the events with this `name`, of at most 50, the newest first, beginning at `token`
    fn event_page(
        &self,
        name: &str,
        token: Option<&str>,
    ) -> impl Future<Output = Result<EventPage, KmsError>> + Send;
}

/// Reads of an organization, by an account of it that may
pub trait OrgRead: Send + Sync {
    /// One page of ListOrganizationalUnitsForParent, of the OUs right below an OU or a root, beginning at `token`
    fn ou_page(
        &self,
        parent: &str,
        token: Option<&str>,
    ) -> impl Future<Output = Result<OuPage, KmsError>> + Send;

    /// One page of ListAccountsForParent, of the accounts right below an OU or a root, beginning at `token`
    fn account_page(
        &self,
        parent: &str,
        token: Option<&str>,
    ) -> impl Future<Output = Result<AccountPage, KmsError>> + Send;
}

/// Writes to one account and Region; each is one request, never retried below this line
pub trait KmsWrite: KmsRead {
    /// Tells that a write of `name`, from the key `before` to the key `after`, is about to be made, to whoever keeps a record; where that
    /// fails, it must not be made
    fn announce(
        &self,
        _name: &AliasName,
        _before: Option<&KeyId>,
        _after: Option<&KeyId>,
    ) -> impl Future<Output = Result<(), KmsError>> + Send {
        async { Ok(()) }
    }

    /// Tells that the write of `name` that was announced will not be made
    fn withdraw(&self, _name: &AliasName) {}

    /// CreateAlias
    fn create_alias(
        &self,
        name: &AliasName,
        key: &KeyId,
    ) -> impl Future<Output = Result<Written, KmsError>> + Send;

    /// UpdateAlias
    fn update_alias(
        &self,
        name: &AliasName,
        key: &KeyId,
    ) -> impl Future<Output = Result<Written, KmsError>> + Send;

    /// DeleteAlias
    fn delete_alias(&self, name: &AliasName) -> impl Future<Output = Result<Written, KmsError>> + Send;
}

/// Makes the reader and the writer of a target; a command that must not write never asks for the latter
pub trait Connect: Send + Sync {
    /// Reads only, whatever else it could do
    type Reader: KmsRead + IamRead + TrailRead + OrgRead;
    /// Writes as well
    type Writer: KmsWrite;
    /// Why it could not be connected to
    type Error: std::error::Error + Send + Sync + 'static;

    /// With the role that plans
    fn reader(&self, target: &Target) -> impl Future<Output = Result<Self::Reader, Self::Error>> + Send;

    /// With the role that applies
    fn writer(&self, target: &Target) -> impl Future<Output = Result<Self::Writer, Self::Error>> + Send;

    /// Requests that all readers and writers have sent so far, for whoever watches; none where nobody counts
    fn requests(&self) -> u64 {
        0
    }
}

/// Whose credentials a target is reached with
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Twelve digits
    pub account: Arc<str>,
    /// The Region that requests go to
    pub region: Arc<str>,
    /// `aws`, `aws-cn`, …
    pub partition: Arc<str>,
    /// ARN of the user or assumed role
    pub caller: Arc<str>,
}

/// One page of ListAliases as the service gave it
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AliasPage {
    /// Names on this page, in the service's order
    pub aliases: Vec<ListedAlias>,
    /// Where the next page begins
    pub next_marker: Option<String>,
    /// Whether there is a next page
    pub truncated: bool,
}

/// One entry of a listing; the service's model makes every member optional
#[derive(Clone, Debug, PartialEq)]
pub struct ListedAlias {
    /// The name as given; it may be one of AWS's own
    pub name: String,
    /// The key it points at; predefined AWS aliases may have none
    pub target: Option<KeyId>,
}

/// One page of ListKeys as the service gave it
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyPage {
    /// Keys on this page, AWS's own among them
    pub keys: Vec<KeyId>,
    /// Where the next page begins
    pub next_marker: Option<String>,
    /// Whether there is a next page
    pub truncated: bool,
}

/// One page of LookupEvents as the service gave it
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPage {
    /// The text of each event, JSON if all is well, newest first
    pub events: Vec<String>,
    /// Where the next page begins, if there is one
    pub next_token: Option<String>,
}

/// One page of ListOrganizationalUnitsForParent as the service gave it; it may be empty, and yet others follow
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OuPage {
    /// Their ids
    pub ous: Vec<Arc<str>>,
    /// Where the next page begins, if there is one
    pub next_token: Option<String>,
}

/// One page of ListAccountsForParent as the service gave it; it may be empty, and yet others follow
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountPage {
    /// Accounts on this page
    pub accounts: Vec<Member>,
    /// Where the next page begins, if there is one
    pub next_token: Option<String>,
}

/// One account of an organization
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Twelve digits
    pub account: Arc<str>,
    /// `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE`, …
    pub state: String,
}

/// What the service knows about a key
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// The bare id
    pub id: KeyId,
    /// Where it is, as `us-east-1`; empty where that is not told
    pub region: String,
    /// The key's description; empty where it has none
    pub description: String,
    /// `Enabled`, `Disabled`, `PendingDeletion`, …
    pub state: String,
    /// `SYMMETRIC_DEFAULT`, `RSA_2048`, …
    pub spec: String,
    /// `ENCRYPT_DECRYPT`, `SIGN_VERIFY`, …
    pub usage: String,
    /// When it goes, where it is pending deletion and that is known: UTC, as `2026-12-01T09:00:00Z`
    pub deletion_date: Option<String>,
    /// Whether AWS manages the key itself; such a key takes no alias of ours
    pub aws_managed: bool,
}

/// The families among which UpdateAlias can move an alias
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `SYMMETRIC_DEFAULT`
    Symmetric,
    /// `HMAC_*`
    Hmac,
    /// RSA, elliptic curves, SM2, ML-DSA, ML-KEM
    Asymmetric,
}

impl KeyFacts {
    /// The key's family, or `None` for a spec newer than this program: the in-place path is then refused, not guessed
    ///
    /// UpdateAlias wants "both symmetric or both asymmetric or both HMAC"
    /// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html>).
    pub fn family(&self) -> Option<Family> {
        const ASYMMETRIC: [&str; 5] = ["RSA_", "ECC_", "SM2", "ML_DSA_", "ML_KEM_"];
        match self.spec.as_str() {
            "SYMMETRIC_DEFAULT" => Some(Family::Symmetric),
            spec if spec.starts_with("HMAC_") => Some(Family::Hmac),
            spec if ASYMMETRIC.iter().any(|family| spec.starts_with(family)) => Some(Family::Asymmetric),
            _ => None,
        }
    }
}

/// The service's answer to a write
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// `x-amzn-RequestId`, which CloudTrail repeats
    pub request_id: Option<String>,
}
