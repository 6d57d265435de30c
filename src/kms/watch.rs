//! Requests that go out and answers that come back -> how many there were, a log of them, where they went, by which credentials, and what time
//! the service says it is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_sdk_kms::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_kms::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::date_time::{DateTime, Format};

use super::contact::Contact;
use super::{Calls, answered};
use crate::poll::time_of_day;

/// Counts what is really sent, the SDK's retries included, and logs what comes back
#[derive(Clone, Debug)]
pub(super) struct Counter {
    calls: Arc<Mutex<Calls>>,
    /// Of all clients of a connector
    sent: Arc<AtomicU64>,
}

impl Counter {
    /// One that adds to what others have sent
    pub(super) fn adding_to(sent: &Arc<AtomicU64>) -> Self {
        Self { calls: Arc::default(), sent: sent.clone() }
    }

    pub(super) fn calls(&self) -> Calls {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "kms-alias counter"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        answered::keep(context, bag);
        if let Some(operation) = bag.load::<Metadata>() {
            self.sent.fetch_add(1, Ordering::Relaxed);
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            *calls.entry(operation.name().to_owned()).or_default() += 1;
        }
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        answered::log(context, bag);
        Ok(())
    }
}

/// Notes where requests go, by which credentials, and what time the answers say it is
#[derive(Clone, Debug, Default)]
pub(super) struct Watch(Arc<Mutex<Contact>>);

impl Watch {
    pub(super) fn contact(&self) -> Contact {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, note: impl FnOnce(&mut Contact)) {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "kms-alias watch"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_kms = bag.load::<Metadata>().is_some_and(|metadata| metadata.service() == "KMS");
        let source = bag.load::<AwsCredentialFeature>().find_map(source);
        self.note(|contact| {
            contact.credentials = source.or(contact.credentials);
            if is_kms {
                contact.endpoint = Some(context.request().uri().trim_end_matches('/').to_owned());
            }
        });
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        if let Some(theirs) = date.and_then(|text| DateTime::from_str(text, Format::HttpDate).ok()) {
            let ours = DateTime::from(time_of_day()).secs();
            self.note(|contact| contact.set_clock(theirs.secs(), ours));
        }
        Ok(())
    }
}

/// Where credentials come from, in words
fn source(feature: &AwsCredentialFeature) -> Option<&'static str> {
    use AwsCredentialFeature as From;
    Some(match feature {
        From::CredentialsEnvVars => "environment variables",
        From::CredentialsStsAssumeRole => "an assumed role",
        From::CredentialsStsAssumeRoleWebId
        | From::CredentialsEnvVarsStsWebIdToken
        | From::CredentialsProfileStsWebIdToken => "a web identity token",
        From::CredentialsSso | From::CredentialsProfileSso => "a single sign-on session",
        From::CredentialsProcess | From::CredentialsProfileProcess => "the profile's credential process",
        From::CredentialsHttp => "the container's credential endpoint",
        From::CredentialsImds => "the instance's metadata service",
        From::CredentialsLogin | From::CredentialsProfileLogin => "a login session",
        From::CredentialsProfile
        | From::CredentialsProfileSourceProfile
        | From::CredentialsProfileNamedProvider => "a profile of the shared configuration",
        _ => return None,
    })
}
