//! An answer of the service -> a line of the log: which operation on what, and the request id, by which CloudTrail and AWS's support
//! know it. What else is in a request or an answer is nobody's business.

use aws_sdk_kms::config::ConfigBag;
use aws_sdk_kms::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use serde_json::Value;

use super::answer::words;

/// What a request is about, until it is answered
#[derive(Debug)]
struct About {
    alias: Option<String>,
    key: Option<String>,
}

impl Storable for About {
    type Storer = StoreReplace<Self>;
}

/// Keeps what the request is about, since it is not to be had any more when it is answered
pub(super) fn keep(context: &BeforeTransmitInterceptorContextRef<'_>, bag: &mut ConfigBag) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let body = context.request().body().bytes();
    let asked: Option<Value> = body.and_then(|body| serde_json::from_slice(body).ok());
    let said = |member: &str| asked.as_ref().and_then(|asked| asked.get(member)?.as_str()).map(words);
    // A key can be asked for by an alias.
    let (name, key) = match said("KeyId") {
        Some(name) if name.starts_with("alias/") => (Some(name), None),
        key => (None, key),
    };
    let about = About { alias: said("AliasName").or(name), key: said("TargetKeyId").or(key) };
    bag.interceptor_state().store_put(about);
}

/// Logs how it was answered
pub(super) fn log(context: &BeforeDeserializationInterceptorContextRef<'_>, bag: &ConfigBag) {
    let (about, response) = (bag.load::<About>(), context.response());
    tracing::debug!(
        operation = bag.load::<Metadata>().map(Metadata::name),
        alias = about.and_then(|about| about.alias.as_deref()),
        key = about.and_then(|about| about.key.as_deref()),
        status = response.status().as_u16(),
        request_id = response.headers().get("x-amzn-requestid").map(words),
        "answered"
    );
}
