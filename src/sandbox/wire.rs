//! The two wires: JSON 1.1 for the keys, the trail and the organization, form-encoded in and XML out for tokens and IAM. From HTTP to a request, and from an answer
//! back.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, USER_AGENT};
use hyper::{Method, Response};
use serde_json::{Value, json};

use super::refusal::{self, ServiceError};
use super::service::Reply;
use super::world::Request;
use super::{iam, organization, query, sts, trail};

const JSON: &str = "application/x-amz-json-1.1";
const FORM: &str = "application/x-www-form-urlencoded";

/// Whose protocol a request speaks
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// The key service, CloudTrail and Organizations
    Kms,
    /// The token service
    Sts,
    /// Users, groups, roles and their policies
    Iam,
}

/// A request as it came over HTTP
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Received {
    pub(super) protocol: Protocol,
    caller: String,
    region: String,
    pub(super) operation: String,
    input: Value,
    /// What the client calls itself
    pub(super) agent: String,
}

impl Received {
    pub(super) fn request(&self) -> Request<'_> {
        Request { caller: &self.caller, region: &self.region, operation: &self.operation, input: &self.input }
    }
}

/// The request in an HTTP message; a refusal says in which protocol it is to be written
pub(super) fn receive(
    method: &Method,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Received, (Protocol, ServiceError)> {
    let kind = text(headers, CONTENT_TYPE.as_str()).split(';').next().unwrap_or_default().trim();
    match (method, kind) {
        (&Method::POST, JSON) => json_request(headers, body).map_err(|error| (Protocol::Kms, error)),
        (&Method::POST, FORM) => form_request(headers, body).map_err(|error| (Protocol::Sts, error)),
        _ => {
            let message = format!(
                "this is an embedded KMS: it takes POST / with content-type {JSON} (KMS, CloudTrail, Organizations) or {FORM} (STS, IAM), \
                 not {method} with content-type {kind:?}"
            );
            let (status, code) = (415, "UnsupportedMediaTypeException".into());
            Err((Protocol::Kms, ServiceError { status, code, message }))
        }
    }
}

fn json_request(headers: &HeaderMap, body: &[u8]) -> Result<Received, ServiceError> {
    let (caller, region) = credential_scope(headers)?;
    let target = text(headers, "x-amz-target");
    let kms = target.strip_prefix("TrentService.");
    let kms = kms.filter(|name| {
        let others = [sts::is_operation, iam::is_operation, trail::is_operation, organization::is_operation];
        !others.iter().any(|is| is(name))
    });
    let operation = kms.or(trail::operation(target)).or(organization::operation(target));
    let operation = operation.ok_or_else(|| refusal::unknown_operation(target))?;
    let input = match body.trim_ascii() {
        b"" => json!({}),
        body => serde_json::from_slice(body).map_err(|e| refusal::serialization(e.to_string()))?,
    };
    let (protocol, agent) = (Protocol::Kms, text(headers, USER_AGENT.as_str()).to_owned());
    Ok(Received { protocol, caller, region, operation: operation.to_owned(), input, agent })
}

fn form_request(headers: &HeaderMap, body: &[u8]) -> Result<Received, ServiceError> {
    let (caller, region) = credential_scope(headers)?;
    let form = query::parse_form(&String::from_utf8_lossy(body));
    let (protocol, (operation, input)) = match form {
        Some(form) if sts::is_operation(&form.0) => (Protocol::Sts, form),
        Some(form) if iam::is_operation(&form.0) => (Protocol::Iam, form),
        _ => {
            let message = "Could not find operation for version 2011-06-15";
            return Err(ServiceError::refused("InvalidAction", message));
        }
    };
    let agent = text(headers, USER_AGENT.as_str()).to_owned();
    Ok(Received { protocol, caller, region, operation, input, agent })
}

/// The access key id and the Region in `Credential=AKID/date/region/service/aws4_request`; the signature is not looked at
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>)
fn credential_scope(headers: &HeaderMap) -> Result<(String, String), ServiceError> {
    let authorization = text(headers, AUTHORIZATION.as_str());
    let scope = authorization.split_once("Credential=").map(|(_, rest)| rest);
    let mut parts = scope.and_then(|rest| rest.split([',', ' ']).next()).unwrap_or_default().split('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(caller), Some(_), Some(region)) if !caller.is_empty() && !region.is_empty() => {
            Ok((caller.to_owned(), region.to_owned()))
        }
        _ => Err(refusal::no_credentials()),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The HTTP response that says `reply`, or `None` where there is to be none
pub(super) fn respond(
    protocol: Protocol,
    operation: &str,
    reply: &Reply,
    request_id: &str,
) -> Option<Response<ReplyBody>> {
    let (status, body, cut) = match reply {
        Reply::Whole(result) => {
            let status = result.as_ref().err().map_or(200, |error| error.status);
            (status, write(protocol, operation, result, request_id), false)
        }
        Reply::Truncated(output) => {
            (200, write(protocol, operation, &Ok(output.clone()), request_id) + "    ", true)
        }
        Reply::Malformed => (200, "<html>this is not JSON".to_owned(), false),
        Reply::Closed | Reply::Silence => return None,
    };
    let kind = if protocol == Protocol::Kms { JSON } else { "text/xml" };
    let builder = Response::builder().status(status).header("x-amzn-requestid", request_id);
    let builder = builder.header(CONTENT_TYPE, kind).header(CONTENT_LENGTH, body.len());
    builder.body(ReplyBody::new(body, cut)).ok()
}

fn write(
    protocol: Protocol,
    operation: &str,
    result: &Result<Value, ServiceError>,
    request_id: &str,
) -> String {
    match (protocol, result) {
        (Protocol::Sts, result) => query::to_xml(sts::NAMESPACE, operation, result, request_id),
        (Protocol::Iam, result) => query::to_xml(iam::NAMESPACE, operation, result, request_id),
        (Protocol::Kms, Ok(Value::Null)) => String::new(),
        (Protocol::Kms, Ok(output)) => output.to_string(),
        (Protocol::Kms, Err(error)) => json!({"__type": error.code, "message": error.message}).to_string(),
    }
}

/// A body in one piece, which may break off in its middle
#[derive(Debug)]
pub(super) struct ReplyBody {
    whole: usize,
    piece: Option<Bytes>,
    breaks_off: Option<Breaking>,
}

/// How far the breaking off has come
#[derive(Debug)]
enum Breaking {
    /// What there is must go out first
    Flushing,
    /// Then the connection breaks
    Due,
}

impl ReplyBody {
    fn new(text: String, cut: bool) -> Self {
        let mut piece = Bytes::from(text);
        let whole = piece.len();
        if cut {
            piece.truncate(whole / 2);
        }
        let piece = Some(piece).filter(|piece| !piece.is_empty());
        Self { whole, piece, breaks_off: cut.then_some(Breaking::Flushing) }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(piece) = self.piece.take() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match self.breaks_off {
            None => Poll::Ready(None),
            Some(Breaking::Flushing) => {
                self.breaks_off = Some(Breaking::Due);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Breaking::Due) => Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.piece.is_none() && self.breaks_off.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(if self.is_end_stream() { 0 } else { self.whole as u64 })
    }
}
