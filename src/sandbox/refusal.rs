//! What the service says when it refuses: each error code with its status and its exact words, in one place.
//!
//! The words are the service's own, as seen in public reports; where nobody has published them (the function then says so) the
//! sandbox chooses. Codes that no operation declares (`ValidationException`, `AccessDeniedException`) are as real as the others.

use std::borrow::Cow;

use super::world::Home;

/// A refused request: what goes into the body of the response, and its status
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ServiceError {
    /// HTTP status; 400 for everything but faults of the service
    pub status: u16,
    /// `NotFoundException`, …
    pub code: Cow<'static, str>,
    /// The service's words; may be empty
    pub message: String,
}

impl ServiceError {
    /// An error of status 400
    pub fn refused(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.into(), message: message.into() }
    }

    /// An error of status 500
    pub fn fault(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status: 500, code: code.into(), message: message.into() }
    }
}

/// Bad input; in no operation's list of errors, and the most common of all
pub(super) fn validation(message: impl Into<String>) -> ServiceError {
    ServiceError::refused("ValidationException", message)
}

/// The JSON is not what the operation takes
pub(super) fn serialization(message: impl Into<String>) -> ServiceError {
    ServiceError::refused("SerializationException", message)
}

pub(super) fn not_found(message: impl Into<String>) -> ServiceError {
    ServiceError::refused("NotFoundException", message)
}

/// A well-formed key id that names nothing (<https://github.com/hashicorp/terraform-provider-aws/pull/1896>)
pub(super) fn no_such_key(home: &Home, id: &str) -> ServiceError {
    not_found(format!("Key '{}' does not exist", home.key_arn(id)))
}

/// <https://github.com/sigstore/cosign/issues/1474>
pub(super) fn no_such_alias(home: &Home, name: &str) -> ServiceError {
    not_found(format!("Alias {} is not found.", home.alias_arn(name)))
}

/// <https://github.com/hashicorp/terraform-provider-aws/issues/35161>
pub(super) fn already_exists(home: &Home, name: &str) -> ServiceError {
    let message = format!("An alias with the name {} already exists", home.alias_arn(name));
    ServiceError::refused("AlreadyExistsException", message)
}

/// <https://github.com/aws-controllers-k8s/community/issues/1878>
pub(super) fn without_prefix() -> ServiceError {
    validation(
        "Alias must start with the prefix \"alias/\". Please see \
         https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
    )
}

/// A name under `alias/aws/`; the code is what other emulators recorded, the service gives no words
pub(super) fn reserved() -> ServiceError {
    ServiceError::refused("NotAuthorizedException", "")
}

/// A key that alias operations and changes of state may not touch
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>)
pub(super) fn pending_deletion(arn: &str) -> ServiceError {
    invalid_state(format!("{arn} is pending deletion."))
}

pub(super) fn invalid_state(message: impl Into<String>) -> ServiceError {
    ServiceError::refused("KMSInvalidStateException", message)
}

/// A resource quota, never a rate (<https://github.com/scylladb/scylla-cluster-tests/issues/7611>)
pub(super) fn aliases_per_key(quota: usize, usage: usize) -> ServiceError {
    let message = format!(
        "Aliases per key quota for this account in this region is {quota}, current usage is {usage}."
    );
    ServiceError::refused("LimitExceededException", message)
}

/// UpdateAlias between families or usages; the service's own words for this have never been published
pub(super) fn another_type(current: &str, new: &str) -> ServiceError {
    validation(format!(
        "Alias cannot be updated from key {current} to key {new}: both must be of the same type and key usage"
    ))
}

/// An identity policy that does not allow it (<https://github.com/aws-samples/eks-workshop-v2/issues/1177>)
pub(super) fn access_denied(caller: &str, action: &str, resource: &str) -> ServiceError {
    let message = format!(
        "User: {caller} is not authorized to perform: {action} on resource: {resource} \
         because no identity-based policy allows the {action} action"
    );
    ServiceError::refused("AccessDeniedException", message)
}

/// A key of another account, or one that AWS manages: its key policy lets nobody do this
pub(super) fn not_by_key_policy(caller: &str, action: &str, arn: &str) -> ServiceError {
    let message = format!(
        "User: {caller} is not authorized to perform: {action} on resource: {arn} because the resource does not \
         exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly \
         denies access"
    );
    ServiceError::refused("AccessDeniedException", message)
}

/// <https://docs.aws.amazon.com/kms/latest/developerguide/throttling.html>
pub(super) fn throttled() -> ServiceError {
    let message = "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";
    ServiceError::refused("ThrottlingException", message)
}

/// "The request can be retried", and may have been carried out
pub(super) fn internal() -> ServiceError {
    ServiceError::fault(
        "KMSInternalException",
        "The request was rejected because an internal exception occurred.",
    )
}

/// "You can retry the request", and it may have been carried out
pub(super) fn dependency_timeout() -> ServiceError {
    ServiceError::fault(
        "DependencyTimeoutException",
        "The system timed out while trying to fulfill the request.",
    )
}

pub(super) fn expired_token() -> ServiceError {
    ServiceError::refused("ExpiredTokenException", "The security token included in the request is expired")
}

pub(super) fn no_credentials() -> ServiceError {
    ServiceError::refused("MissingAuthenticationTokenException", "Missing Authentication Token")
}

/// The service gives no words; these are for whoever tries what the sandbox does not have
pub(super) fn unknown_operation(name: &str) -> ServiceError {
    let message = format!("the embedded KMS has no operation {name:?}");
    ServiceError::refused("UnknownOperationException", message)
}

pub(super) fn invalid_marker() -> ServiceError {
    ServiceError::refused("InvalidMarkerException", "Could not deserialize marker")
}
