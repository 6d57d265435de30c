//! Bytes -> an endpoint that answers the AWS SDK's clients from memory, with the answers that the bytes hold.
//!
//! An answer begins with a line `### OPERATION STATUS`; header lines follow, an empty line, and the body. An operation gets its answers
//! in their order, and the last one for ever; without any the connection is closed.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use hyper::header::{HeaderName, HeaderValue};

/// One answer over HTTP
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The operation and what it is answered
    fn parse(head: &[u8], rest: &[u8]) -> (String, Self) {
        let head = String::from_utf8_lossy(head);
        let mut words = head.split_whitespace();
        let operation = words.next().unwrap_or_default().to_owned();
        let status = words.next().and_then(|word| word.parse().ok()).unwrap_or(200);
        let (mut headers, mut rest) = (Vec::new(), rest);
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            let line = rest[..at].trim_ascii();
            rest = &rest[at + 1..];
            if line.is_empty() {
                break;
            }
            headers.extend(header(line));
        }
        (operation, Self { status, headers, body: rest.strip_suffix(b"\n").unwrap_or(rest).to_owned() })
    }

    /// As a connection would hand it on, or why there is no such answer
    fn response(&self) -> Result<HttpResponse, ConnectorError> {
        let mut response = hyper::Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        let response = response.body(SdkBody::from(self.body.clone()));
        let response = response.map_err(|error| ConnectorError::other(error.into(), None))?;
        HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
    }
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = HeaderName::from_bytes(line[..colon].trim_ascii()).ok()?;
    Some((name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?))
}

#[derive(Debug, Default)]
struct State {
    answers: BTreeMap<String, VecDeque<Arc<Answer>>>,
    given: Vec<(String, Arc<Answer>)>,
    requests: usize,
}

/// The endpoint of every service, and what it was asked
#[derive(Clone, Debug, Default)]
pub struct Endpoint(Arc<Mutex<State>>);

impl Endpoint {
    pub fn parse(bytes: &[u8]) -> Self {
        let mut pieces: Vec<(&[u8], Vec<u8>)> = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match (line.strip_prefix(b"### "), pieces.last_mut()) {
                (Some(head), _) => pieces.push((head, Vec::new())),
                (None, Some((_, rest))) => rest.extend(line),
                (None, None) => {}
            }
        }
        let mut state = State::default();
        for (head, rest) in pieces {
            let (operation, answer) = Answer::parse(head, &rest);
            state.answers.entry(operation).or_default().push_back(answer.into());
        }
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many answers are left to be given
    pub fn left(&self) -> usize {
        self.state().answers.values().map(VecDeque::len).sum()
    }

    /// How many requests came since the last call, and what they were answered
    pub fn take(&self) -> (usize, Vec<(String, Arc<Answer>)>) {
        let mut state = self.state();
        (std::mem::take(&mut state.requests), std::mem::take(&mut state.given))
    }

    fn next(&self, operation: String) -> Option<Arc<Answer>> {
        let mut state = self.state();
        state.requests += 1;
        let answers = state.answers.get_mut(&operation)?;
        let answer = if answers.len() > 1 { answers.pop_front()? } else { answers.front()?.clone() };
        state.given.push((operation, answer.clone()));
        Some(answer)
    }
}

/// The operation of a request: a header in KMS's protocol, a form's field in that of IAM and STS
fn operation(request: &HttpRequest) -> String {
    if let Some((_, operation)) = request.headers().get("x-amz-target").and_then(|to| to.split_once('.')) {
        return operation.to_owned();
    }
    let form = String::from_utf8_lossy(request.body().bytes().unwrap_or_default());
    form.split('&').find_map(|field| field.strip_prefix("Action=")).unwrap_or_default().to_owned()
}

impl HttpConnector for Endpoint {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let closed = || ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionReset).into());
        let answer = self.next(operation(&request)).ok_or_else(closed);
        HttpConnectorFuture::ready(answer.and_then(|answer| answer.response()))
    }
}

impl HttpClient for Endpoint {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
