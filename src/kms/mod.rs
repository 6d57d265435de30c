//! The boundary to the key service: what may be read, what may be written, and what each failure means.
//!
//! Reading and writing are different traits, so that a command that must not write is never handed a writer. `aws.rs`, `iam.rs`
//! and `trail.rs` implement them with the SDK; the embedded sandbox speaks the same protocol as the service and needs no other implementation.

mod answer;
pub mod authorization;
pub mod aws;
pub mod connect;
pub mod contact;
mod credentials;
mod denied;
pub mod endpoint;
mod iam;
mod trail;
mod transport;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use crate::alias::{AliasName, KeyId};
use crate::target::Target;

use authorization::AuthorizationPage;
use contact::Contact;
use denied::Denial;

/// Requests sent so far by operation, retries included
pub type Calls = BTreeMap<String, u64>;

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

/// Writes to one account and Region; each is one request, never retried below this line
pub trait KmsWrite: KmsRead {
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
    type Reader: KmsRead + IamRead + TrailRead;
    /// Writes as well
    type Writer: KmsWrite;
    /// Why it could not be connected to
    type Error: std::error::Error + Send + Sync + 'static;

    /// With the role that plans
    fn reader(&self, target: &Target) -> impl Future<Output = Result<Self::Reader, Self::Error>> + Send;

    /// With the role that applies
    fn writer(&self, target: &Target) -> impl Future<Output = Result<Self::Writer, Self::Error>> + Send;
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

/// What the service knows about a key
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// The bare id
    pub id: KeyId,
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

/// A call that failed: one sentence with the service's code, message and request id
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {}{message}{}", prefix(.code.as_deref()), suffix(.request_id.as_deref()))]
pub struct KmsError {
    /// What the failure means to a caller
    pub fault: Fault,
    /// `CreateAlias`, …
    pub operation: &'static str,
    /// The service's code, as `NotFoundException`
    pub code: Option<String>,
    /// The service's message, or what the connection said
    pub message: String,
    /// `x-amzn-RequestId`
    pub request_id: Option<String>,
}

fn prefix(code: Option<&str>) -> String {
    code.map(|code| format!("{code}: ")).unwrap_or_default()
}

fn suffix(request_id: Option<&str>) -> String {
    request_id.map(|id| format!(" (request {id})")).unwrap_or_default()
}

impl KmsError {
    fn is_write(&self) -> bool {
        answer::is_write(self.operation)
    }

    /// Whether the signature was refused for its time
    ///
    /// The code is that of a wrong secret; only the words tell the two apart
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html>).
    fn is_about_the_clock(&self) -> bool {
        matches!(self.code.as_deref(), Some("RequestExpired" | "RequestTimeTooSkewed"))
            || ["Signature expired: ", "Signature not yet current: "]
                .iter()
                .any(|words| self.message.starts_with(words))
    }

    /// What would help, where something is known to
    pub fn hint(&self) -> Option<String> {
        self.hint_about(None, None)
    }

    /// The same of a write that was to move an alias from one key to another: it tells which of the two is meant
    pub fn hint_about(&self, before: Option<&KeyId>, after: Option<&KeyId>) -> Option<String> {
        let denied = matches!(self.fault, Fault::AccessDenied | Fault::Credentials);
        let denial = Denial::parse(&self.message).filter(|_| denied);
        denial.and_then(|denial| denial.hint(before, after)).or_else(|| self.general_hint())
    }

    /// What would help by the meaning of the error alone
    fn general_hint(&self) -> Option<String> {
        let hint = match self.fault {
            Fault::AccessDenied => match self.operation {
                "ListAliases" => "the role needs kms:ListAliases on resource \"*\"".to_owned(),
                "ListKeys" => "the role needs kms:ListKeys on resource \"*\"".to_owned(),
                operation @ ("DescribeKey" | "ListResourceTags") => {
                    format!("the role needs kms:{operation} on the key, in its IAM policy or the key policy")
                }
                "GetAccountAuthorizationDetails" => {
                    "the role needs iam:GetAccountAuthorizationDetails on resource \"*\"".to_owned()
                }
                "LookupEvents" => "the role needs cloudtrail:LookupEvents on resource \"*\"".to_owned(),
                "GetKeyPolicy" => "the role needs kms:GetKeyPolicy on the key".to_owned(),
                "UpdateAlias" => {
                    "the role needs kms:UpdateAlias on the alias, on its current key and on the new key"
                        .to_owned()
                }
                "GetCallerIdentity" => "the role must not be denied sts:GetCallerIdentity".to_owned(),
                operation => format!("the role needs kms:{operation} on the alias and on its key"),
            },
            Fault::Credentials if self.is_about_the_clock() => {
                "set this machine's clock by NTP: signatures more than 5 minutes off are refused; `kms-alias doctor` tells \
                 how far off it is"
                    .to_owned()
            }
            Fault::Credentials => {
                "check with `aws sts get-caller-identity`, and that any `roles` of the manifest trust that caller; \
                 sign in again if they have expired"
                    .to_owned()
            }
            Fault::NotRecorded => {
                "make room for the receipt, or name another place with --receipt, and run again".to_owned()
            }
            Fault::NotSent => "check the Region, --endpoint-url and the network".to_owned(),
            Fault::Throttled if !self.is_write() => {
                "others share this account's quota: run again, or with a lower --parallelism".to_owned()
            }
            Fault::Throttled => "lower `rates` in the manifest: others share this account's quota".to_owned(),
            Fault::AlreadyExists => {
                "the service does not show by what yet: plan again in a minute".to_owned()
            }
            Fault::QuotaExceeded => {
                "the key has as many aliases as its quota allows (50 by default)".to_owned()
            }
            Fault::Unknown if !self.is_write() => {
                "nothing was changed by it: check --endpoint-url and the network, and run again".to_owned()
            }
            Fault::Unknown => "run again: what may have been changed is read back first".to_owned(),
            _ => return None,
        };
        Some(hint)
    }
}

/// What a failed call means; the service declares none of its errors retryable, it says so in prose
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request rate is over the quota; nothing was changed
    Throttled,
    /// `AlreadyExistsException`
    AlreadyExists,
    /// `NotFoundException` for an alias, or for a key that may only not be visible yet
    NotFound,
    /// `NotFoundException` for a key reference that can never become right (`Invalid keyId`, `Invalid arn`)
    NoSuchReference,
    /// `KMSInvalidStateException`
    InvalidState,
    /// `LimitExceededException`: a resource quota in KMS, never a rate
    QuotaExceeded,
    /// `AccessDeniedException`
    AccessDenied,
    /// The credentials are missing, wrong or expired
    Credentials,
    /// The request is wrong (`ValidationException`, `InvalidAliasNameException`, …)
    Invalid,
    /// The request never reached the service
    NotSent,
    /// The request was not made, because the receipt could not announce it
    NotRecorded,
    /// An internal error, a time-out or an answer that cannot be read: the change may have been made
    Unknown,
}

impl Fault {
    /// The meaning of an error answer; its text is looked at only where the code alone is ambiguous
    ///
    /// `NotFoundException` stands both for a key that a fresh replica does not know yet and for a reference that no time will
    /// mend, and only its first word tells them apart.
    pub fn of(code: &str, message: &str, status: u16) -> Self {
        match code {
            "ThrottlingException" | "Throttling" | "TooManyRequestsException" | "RequestLimitExceeded" => {
                Self::Throttled
            }
            "" if status == 429 => Self::Throttled,
            "AlreadyExistsException" => Self::AlreadyExists,
            "NotFoundException" if message.starts_with("Invalid ") => Self::NoSuchReference,
            "NotFoundException" => Self::NotFound,
            "KMSInvalidStateException" => Self::InvalidState,
            "LimitExceededException" => Self::QuotaExceeded,
            "AccessDeniedException" | "AccessDenied" => Self::AccessDenied,
            "ExpiredTokenException"
            | "ExpiredToken"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "MissingAuthenticationTokenException"
            | "MissingAuthenticationToken"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "InvalidAccessKeyId"
            | "RequestExpired"
            | "RequestTimeTooSkewed" => Self::Credentials,
            // Of the service's own making by their code, whatever a proxy makes of their status.
            "KMSInternalException" | "DependencyTimeoutException" => Self::Unknown,
            // A success that cannot be read, or a failure of the service's own: the change may have been made.
            _ if !(400..500).contains(&status) => Self::Unknown,
            _ => Self::Invalid,
        }
    }

    /// Whether the same request can succeed later without anyone doing anything
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Throttled | Self::NotSent | Self::Unknown)
    }
}
