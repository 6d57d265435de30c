//! The boundary, by the AWS SDK. Only files beside this one name it as well: `iam.rs`, `trail.rs`, `organizations.rs`, `answer.rs`,
//! `credentials.rs`, `transport.rs`, and `connect.rs`, which configures its clients.
//!
//! It flattens the SDK's errors into one sentence with code, message and request id; left alone, their chains double the text
//! or end in a Debug dump. Codes are matched as text, because half of what KMS answers (`ValidationException`,
//! `AccessDeniedException`, `ThrottlingException`) is declared by none of its operations, and the SDK has no types for it.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::RequestId;
use aws_sdk_kms::types::{AliasListEntry, KeyListEntry, KeyManagerType, KeyMetadata, Tag};
use aws_sdk_kms::{Client, config};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::endpoint::error::ResolveEndpointError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::date_time::Format;

use super::answer::{alias_name, identity, is_write, key_id, unreadable, words};
use super::connect::Clients;
use super::contact::Contact;
use super::fault::{NO_CREDENTIALS, THROTTLES, UNASSUMED};
use super::{
    AliasPage, Calls, Fault, Identity, KeyFacts, KeyPage, KmsError, KmsRead, KmsWrite, ListedAlias, Written,
};
use crate::alias::{AliasName, KeyId};
use crate::pages::Pages;

/// The most that ListAliases takes; its default is 50
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html>).
const PAGE: i32 = 100;
/// The most that ListKeys takes; its default is 100
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html>).
const KEY_PAGE: i32 = 1000;
/// The most that ListResourceTags takes, and its default
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html>).
const TAG_PAGE: i32 = 50;

/// One account and Region, through the SDK
#[derive(Clone, Debug)]
pub struct AwsKms {
    pub(super) kms: Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) clients: Clients,
}

impl KmsRead for AwsKms {
    async fn identity(&self) -> Result<Identity, KmsError> {
        let answer = self.sts.get_caller_identity().send().await;
        let answer = answer.map_err(|e| flatten("GetCallerIdentity", e))?;
        let (Some(account), Some(caller)) = (answer.account, answer.arn) else {
            return Err(unreadable("GetCallerIdentity", "no Account or no Arn"));
        };
        identity(&account, &caller, self.clients.region.as_ref())
    }

    async fn alias_page(&self, marker: Option<&str>) -> Result<AliasPage, KmsError> {
        self.list(None, marker).await
    }

    async fn key_alias_page(&self, key: &KeyId, marker: Option<&str>) -> Result<AliasPage, KmsError> {
        self.list(Some(key), marker).await
    }

    async fn key_policy(&self, key: &KeyId) -> Result<String, KmsError> {
        let answer = self.kms.get_key_policy().key_id(key.as_str()).policy_name("default").send().await;
        let policy = answer.map_err(|e| flatten("GetKeyPolicy", e))?.policy;
        policy.ok_or_else(|| unreadable("GetKeyPolicy", "no Policy"))
    }

    async fn describe_key(&self, key: &KeyId) -> Result<KeyFacts, KmsError> {
        let facts = self.describe(key.as_str()).await?;
        match facts.id == *key {
            true => Ok(facts),
            false => Err(unreadable("DescribeKey", &format!("it is about another key, {}", facts.id))),
        }
    }

    async fn key_page(&self, marker: Option<&str>) -> Result<KeyPage, KmsError> {
        let request = self.kms.list_keys().limit(KEY_PAGE).set_marker(marker.map(str::to_owned));
        let page = request.send().await.map_err(|e| flatten("ListKeys", e))?;
        let keys = page.keys.ok_or_else(|| unreadable("ListKeys", "no Keys"))?;
        let id = |entry: KeyListEntry| key_id("ListKeys", entry.key_id.as_deref().unwrap_or_default());
        let keys = keys.into_iter().map(id).collect::<Result<_, _>>()?;
        Ok(KeyPage { keys, next_marker: page.next_marker, truncated: page.truncated })
    }

    async fn tags(&self, key: &KeyId) -> Result<BTreeMap<String, String>, KmsError> {
        let (mut tags, mut pages, mut marker) = (BTreeMap::new(), Pages::default(), None);
        loop {
            let request = self.kms.list_resource_tags().key_id(key.as_str()).limit(TAG_PAGE);
            let answer = request.set_marker(marker).send().await;
            let page = answer.map_err(|e| flatten("ListResourceTags", e))?;
            let listed = page.tags.ok_or_else(|| unreadable("ListResourceTags", "no Tags"))?;
            tags.extend(listed.into_iter().map(|Tag { tag_key, tag_value, .. }| (tag_key, tag_value)));
            let turned = pages.turn(page.truncated, page.next_marker);
            match turned.map_err(|fault| unreadable("ListResourceTags", &fault.to_string()))? {
                None => return Ok(tags),
                next => marker = next,
            }
        }
    }

    async fn describe_alias(&self, name: &AliasName) -> Result<KeyFacts, KmsError> {
        self.describe(name.as_str()).await
    }

    fn calls(&self) -> Calls {
        self.clients.counter.calls()
    }

    fn contact(&self) -> Contact {
        self.clients.watch.contact()
    }
}

impl AwsKms {
    async fn list(&self, key: Option<&KeyId>, marker: Option<&str>) -> Result<AliasPage, KmsError> {
        let request = self.kms.list_aliases().limit(PAGE).set_key_id(key.map(|key| key.as_str().to_owned()));
        let answer = request.set_marker(marker.map(str::to_owned)).send().await;
        let page = answer.map_err(|e| flatten("ListAliases", e))?;
        // An empty body parses as an answer without members, and must not pass for an account without aliases.
        let aliases = page.aliases.ok_or_else(|| unreadable("ListAliases", "no Aliases"))?;
        let aliases = aliases.into_iter().map(listed).collect::<Result<_, _>>()?;
        Ok(AliasPage { aliases, next_marker: page.next_marker, truncated: page.truncated })
    }

    async fn describe(&self, key: &str) -> Result<KeyFacts, KmsError> {
        let answer =
            self.kms.describe_key().key_id(key).send().await.map_err(|e| flatten("DescribeKey", e))?;
        facts(answer.key_metadata.ok_or_else(|| unreadable("DescribeKey", "no KeyMetadata"))?)
    }
}

impl KmsWrite for AwsKms {
    async fn create_alias(&self, name: &AliasName, key: &KeyId) -> Result<Written, KmsError> {
        let request = self.kms.create_alias().alias_name(name.as_str()).target_key_id(key.as_str());
        written("CreateAlias", request.customize().config_override(once()).send().await)
    }

    async fn update_alias(&self, name: &AliasName, key: &KeyId) -> Result<Written, KmsError> {
        let request = self.kms.update_alias().alias_name(name.as_str()).target_key_id(key.as_str());
        written("UpdateAlias", request.customize().config_override(once()).send().await)
    }

    async fn delete_alias(&self, name: &AliasName) -> Result<Written, KmsError> {
        let request = self.kms.delete_alias().alias_name(name.as_str());
        written("DeleteAlias", request.customize().config_override(once()).send().await)
    }
}

/// Without the SDK's retries: they would hide that the first try of a create was made, or send a quota error three times
fn once() -> config::Builder {
    config::Builder::new().retry_config(RetryConfig::disabled())
}

fn written<O: RequestId, E>(
    operation: &'static str,
    answer: Result<O, SdkError<E, HttpResponse>>,
) -> Result<Written, KmsError>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let request_id = answer.map_err(|e| flatten(operation, e))?.request_id().map(words);
    Ok(Written { request_id })
}

fn listed(entry: AliasListEntry) -> Result<ListedAlias, KmsError> {
    let name = alias_name(entry.alias_name)?;
    let target = entry.target_key_id.filter(|id| !id.is_empty());
    let target = target.map(|id| key_id("ListAliases", &id)).transpose()?;
    Ok(ListedAlias { name, target })
}

fn facts(key: KeyMetadata) -> Result<KeyFacts, KmsError> {
    let text = |text: Option<&str>| words(text.unwrap_or_default());
    Ok(KeyFacts {
        id: key_id("DescribeKey", &key.key_id)?,
        region: text(key.arn.as_deref().and_then(|arn| arn.split(':').nth(3))),
        description: key.description.unwrap_or_default(),
        state: text(key.key_state.as_ref().map(|s| s.as_str())),
        spec: text(key.key_spec.as_ref().map(|s| s.as_str())),
        usage: text(key.key_usage.as_ref().map(|u| u.as_str())),
        deletion_date: key.deletion_date.and_then(|date| date.fmt(Format::DateTime).ok()),
        aws_managed: key.key_manager == Some(KeyManagerType::Aws),
    })
}

/// One sentence and one meaning for whatever went wrong
pub(super) fn flatten<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> KmsError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let error = meaning(operation, &error);
    tracing::debug!(%error, fault = ?error.fault, "failed");
    error
}

fn meaning<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> KmsError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let request_id = error.request_id().map(words);
    let (fault, message) = match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let (code, message) = (answer.err().code(), answer.err().message());
            let fault = Fault::of(code.unwrap_or_default(), message.unwrap_or_default(), status);
            let (code, message) =
                (code.map(words), message.map_or_else(|| wordless(status, answer.err()), str::to_owned));
            return KmsError { fault, operation, code, message: words(&message), request_id };
        }
        SdkError::TimeoutError(_) => silence(operation),
        // Whether the last attempt or the whole operation ran out of time is chance, and the same to whoever reads it.
        SdkError::DispatchFailure(failure) if failure.is_timeout() => silence(operation),
        SdkError::ResponseError(_) => (Fault::Unknown, format!("the answer cannot be read: {}", root(error))),
        _ => undelivered(error),
    };
    KmsError { fault, operation, code: None, message: words(&message), request_id }
}

const SILENCE: &str = "no answer in time";

/// A read is tried again after a throttle, of which the SDK says nothing once the time is over; a write is tried once
fn silence(operation: &str) -> (Fault, String) {
    let message = match is_write(operation) {
        true => SILENCE.to_owned(),
        false => format!("{SILENCE}{THROTTLES}"),
    };
    (Fault::Unknown, message)
}

/// An answer without the service's words: from something in between, or a success that is not JSON
fn wordless(status: u16, error: &(dyn Error + 'static)) -> String {
    match status {
        200..300 => format!("the answer cannot be read: {}", root(error)),
        _ => format!("HTTP status {status}"),
    }
}

/// A request that got no answer: no credentials, no connection, or a connection that broke
fn undelivered(error: &(dyn Error + 'static)) -> (Fault, String) {
    if let Some(refused) = find::<AssumeRoleError>(error) {
        let (code, message) =
            (refused.code().unwrap_or("no code"), refused.message().unwrap_or("no message"));
        return (Fault::Credentials, format!("{UNASSUMED}{code}: {message}"));
    }
    if let Some(credentials) = find::<CredentialsError>(error) {
        // Its own words name each of five providers, and that it was not enabled.
        let why = match credentials {
            CredentialsError::CredentialsNotLoaded(_) if root(credentials).contains(" in chain") => {
                "there are none in the environment, in a profile, or from a web identity, a container or an instance".to_owned()
            }
            _ => one_line(&root(credentials)),
        };
        return (Fault::Credentials, format!("{NO_CREDENTIALS}{why}"));
    }
    let nowhere = find::<ResolveEndpointError>(error).is_some();
    let refused = find::<io::Error>(error).is_some_and(|e| {
        use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable};
        matches!(e.kind(), AddrNotAvailable | ConnectionRefused | HostUnreachable | NetworkUnreachable)
    });
    let why = root(error);
    // The standard library has no kind for it. Nobody was found to send it to.
    let nobody = why.starts_with("failed to lookup address information");
    let fault = if nowhere || refused || nobody { Fault::NotSent } else { Fault::Unknown };
    (fault, format!("no answer: {why}"))
}

/// The SDK lists what it tried on lines of their own
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("; ")
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| (*error).source())
}

fn find<'e, T: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e T> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// The last cause, which in the SDK's chains is the one that says something
fn root(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}
