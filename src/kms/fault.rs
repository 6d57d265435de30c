//! What each failure of a call means, and what would help. Pure.

use super::answer;
use super::denied::Denial;
use crate::alias::KeyId;

/// What a read that ran out of time may have been answered with
pub(super) const THROTTLES: &str = ", or none but throttles";
/// How the message begins where a role cannot be assumed; the code follows
pub(super) const UNASSUMED: &str = "the role cannot be assumed: ";

/// How the message begins where there are no credentials to send a request with; why follows
pub(super) const NO_CREDENTIALS: &str = "no credentials: ";

const SIGN_IN: &str = "sign in, or name one of the profiles that `aws configure list-profiles` tells with --profile; \
     `aws sts get-caller-identity` shows whether they are found";
const CHECK_CREDENTIALS: &str = "check with `aws sts get-caller-identity`, and that any `roles` of the manifest trust that caller; \
     sign in again if they have expired";
const ENABLE_REGION: &str = "if they are good elsewhere, the Region may not be enabled in that account: enable it, or leave it out of \
     `regions`";

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

    /// Whether nobody has signed in, rather than with something that is of no use
    fn has_none(&self) -> bool {
        let why = self.message.strip_prefix(NO_CREDENTIALS);
        why.is_some_and(|why| why.starts_with("there are none") || why.starts_with("there is no profile"))
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

    /// Whether it is what a Region answers that the account has not enabled, which knows none of its credentials there
    /// (<https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html>)
    fn may_be_about_the_region(&self) -> bool {
        const CODES: [&str; 5] = [
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            "AuthFailure",
            "OptInRequired",
            "RegionDisabledException",
        ];
        // That of a role that could not be assumed is in the words.
        let code = self.code.as_deref().or_else(|| self.message.strip_prefix(UNASSUMED)?.split(':').next());
        code.is_some_and(|code| CODES.contains(&code))
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
                operation @ ("ListOrganizationalUnitsForParent" | "ListAccountsForParent") => format!(
                    "the credentials need organizations:{operation}, in the management account or in one that is a delegated \
                     administrator"
                ),
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
            Fault::Credentials if self.may_be_about_the_region() => format!("{CHECK_CREDENTIALS}; {ENABLE_REGION}"),
            Fault::Credentials if self.has_none() => SIGN_IN.to_owned(),
            Fault::Credentials => CHECK_CREDENTIALS.to_owned(),
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
            Fault::Unknown if !self.is_write() && self.message.ends_with(THROTTLES) => {
                "nothing was changed by it: run again with -v, which shows each answer; against throttles a longer --timeout helps, \
                 else check --endpoint-url and the network"
                    .to_owned()
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
            | "AuthFailure"
            | "OptInRequired"
            | "RegionDisabledException"
            | "RequestExpired"
            | "RequestTimeTooSkewed" => Self::Credentials,
            // Of the service's own making by their code, whatever a proxy makes of their status.
            "KMSInternalException" | "DependencyTimeoutException" => Self::Unknown,
            // A success that cannot be read, or a failure of the service's own: the change may have been made.
            _ if !(400..500).contains(&status) => Self::Unknown,
            _ => Self::Invalid,
        }
    }

    /// Whether there is no such alias or key, as far as the service can see
    pub fn is_missing(self) -> bool {
        matches!(self, Self::NotFound | Self::NoSuchReference)
    }

    /// Whether the same request can succeed later without anyone doing anything
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Throttled | Self::NotSent | Self::Unknown)
    }
}
