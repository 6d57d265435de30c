//! A question to one server -> its answer, asked again where that may help. The HTTP client is the one that the SDK has, with the
//! root certificates of the system.
//!
//! The token goes to the base URL and nowhere else: a redirect is an error, and no address that a server gives is followed.

pub mod server;

use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::kms::connect::tls_provider;
use crate::poll::{Patience, now, time_of_day, until, wait};
use server::{BaseUrl, Token};

/// One attempt, with the body of its answer
const LONGEST_ATTEMPT: Duration = Duration::from_secs(15);

/// A page of a hundred comments, each as long as may be and escaped
const LARGEST_ANSWER: usize = 64 << 20;

/// What GitHub asks of whoever is told of a limit and not for how long
/// (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>)
const LIMITED_FOR: Duration = Duration::from_secs(60);

/// Longer messages of a server are cut
const LONGEST_MESSAGE: usize = 300;

/// What is asked of a server
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// As `GET`
    pub method: &'static str,
    /// Below the base URL, with its query
    pub path: String,
    /// Sent as JSON
    pub body: Option<Value>,
    /// Whether it may be asked twice
    pub repeatable: bool,
    /// Whether the path is a secret, as that of a webhook is
    pub secret: bool,
}

impl Ask {
    /// Reads
    pub fn get(path: String) -> Self {
        Self { method: "GET", path, body: None, repeatable: true, secret: false }
    }

    /// Writes
    pub fn send(method: &'static str, path: String, body: Value) -> Self {
        Self { method, path, body: Some(body), repeatable: method != "POST", secret: false }
    }

    /// Sends a message, once more where nobody knows whether it came: twice is better than never
    pub fn message(path: String, body: Value) -> Self {
        Self { method: "POST", path, body: Some(body), repeatable: true, secret: true }
    }

    /// What it is called in an error
    fn name(&self) -> String {
        let path = match self.secret {
            true => "…",
            false => self.path.trim_start_matches("../").split('?').next().unwrap_or_default(),
        };
        format!("{} /{path}", self.method)
    }
}

/// What a server answered that did as it was asked
#[derive(Clone, Debug)]
pub struct Reply {
    /// The body
    pub body: Value,
    /// The pages that follow, by RFC 8288
    pub link: Option<String>,
    /// The next page, as GitLab has it
    pub next_page: Option<String>,
}

/// Why there is no such answer
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// What was asked for may have been done or not
    #[error("{ask}: no answer: {why}")]
    NoAnswer {
        /// As `GET /user`
        ask: String,
        /// The cause
        why: String,
    },
    /// A fault of the server, likewise
    #[error("{ask}: {status}: {message}")]
    Fault {
        /// As `GET /user`
        ask: String,
        /// As 502
        status: u16,
        /// The server's words
        message: String,
    },
    /// Nothing was done
    #[error("{ask}: {status}: {message}")]
    Refused {
        /// As `GET /user`
        ask: String,
        /// As 404
        status: u16,
        /// The server's words
        message: String,
    },
    /// Nothing was done, and later it may be
    #[error("{ask}: {status}: limited, to be asked again in {} s", wait.as_secs())]
    Limited {
        /// As `GET /user`
        ask: String,
        /// 403 or 429
        status: u16,
        /// As the server says
        wait: Duration,
    },
    /// Done, but what it says of it cannot be read
    #[error("{ask}: the answer cannot be read: {why}")]
    Unreadable {
        /// As `GET /user`
        ask: String,
        /// The cause
        why: String,
    },
}

impl HttpError {
    /// Whether what was asked for may have been done all the same
    pub fn is_unclear(&self) -> bool {
        matches!(self, Self::NoAnswer { .. } | Self::Fault { .. } | Self::Unreadable { .. })
    }

    /// Whether to ask again may help, and not before when
    fn again(&self, repeatable: bool) -> Option<Duration> {
        match self {
            Self::Limited { wait, .. } => Some(*wait),
            Self::NoAnswer { .. } | Self::Fault { .. } if repeatable => Some(Duration::ZERO),
            _ => None,
        }
    }
}

/// Asks one server
#[derive(Debug)]
pub struct Client {
    connector: Connector,
    base: BaseUrl,
    token: Token,
    headers: Vec<(&'static str, String)>,
    longest: Duration,
    stop: CancellationToken,
}

impl Client {
    /// A client that sends these headers with everything, and gives up after `longest`, its retries included
    pub fn new(
        base: BaseUrl,
        token: Token,
        headers: Vec<(&'static str, String)>,
        longest: Duration,
        stop: CancellationToken,
    ) -> Self {
        Self { connector: connector(longest), base, token, headers, longest, stop }
    }

    /// The answer to `ask`
    ///
    /// # Errors
    /// The last one, where asking again does not help, is not safe, or would take too long.
    pub async fn ask(&self, ask: &Ask) -> Result<Reply, HttpError> {
        self.tell(ask).await?.read(ask)
    }

    /// Likewise, whatever is in the answer
    ///
    /// # Errors
    /// Likewise.
    pub async fn tell(&self, ask: &Ask) -> Result<Taken, HttpError> {
        let end = now() + self.longest;
        let patience =
            Patience { first: Duration::from_millis(500), budget: self.longest, ..Patience::default() };
        let mut delays = patience.delays();
        loop {
            let error = match self.attempt(ask, end.min(now() + LONGEST_ATTEMPT)).await {
                Ok(taken) => return Ok(taken),
                Err(error) => error,
            };
            let delay = error.again(ask.repeatable).and_then(|told| Some(told.max(delays.next()?)));
            match delay.filter(|delay| now() + *delay < end) {
                Some(delay) if wait(delay, &self.stop).await => {}
                _ => return Err(error),
            }
        }
    }

    async fn attempt(&self, ask: &Ask, end: tokio::time::Instant) -> Result<Taken, HttpError> {
        let no_answer = |why: String| HttpError::NoAnswer { ask: ask.name(), why };
        let request = self.request(ask).map_err(no_answer)?;
        // A write that is given up here is unclear, and whoever asked for it looks after it.
        let exchanged = until(end, self.exchange(request, ask.secret)).await;
        let raw = exchanged.unwrap_or_else(|| Err("timed out".to_owned())).map_err(no_answer)?;
        tracing::debug!(request = ask.name(), status = raw.status, "answered");
        raw.judge(ask.name(), &self.token, ask.secret)
    }

    fn request(&self, ask: &Ask) -> Result<HttpRequest, String> {
        let body = ask.body.as_ref().map(Value::to_string).unwrap_or_default();
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method(ask.method).map_err(|error| error.to_string())?;
        request.set_uri(self.base.at(&ask.path)).map_err(|error| error.to_string())?;
        let ours = [("user-agent", concat!("kms-alias/", env!("CARGO_PKG_VERSION")).to_owned())];
        let json = ask.body.is_some().then(|| ("content-type", "application/json".to_owned()));
        for (name, value) in ours.into_iter().chain(json).chain(self.headers.clone()) {
            request
                .headers_mut()
                .try_insert(name, value)
                .map_err(|_| format!("the header {name} cannot be sent"))?;
        }
        Ok(request)
    }

    async fn exchange(&self, request: HttpRequest, secret: bool) -> Result<Raw, String> {
        let response =
            self.connector.call(request).await.map_err(|error| causes(error.into_source().as_ref()))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let header = |name: &str| headers.get(name).map(str::to_owned);
        // Of a message that is taken nobody reads what is said of it.
        let largest = if secret && status < 300 { 0 } else { LARGEST_ANSWER };
        let body = match largest {
            0 => Ok(Bytes::new()),
            largest => {
                Limited::new(response.into_body(), largest).collect().await.map(|body| body.to_bytes())
            }
        };
        Ok(Raw {
            status,
            body: body.map_err(|error| causes(error.as_ref()))?,
            link: header("link"),
            next_page: header("x-next-page"),
            retry_after: header("retry-after").and_then(|text| text.parse().ok()),
            spent: header("x-ratelimit-remaining").is_some_and(|text| text == "0"),
            reset: header("x-ratelimit-reset").and_then(|text| text.parse().ok()),
        })
    }
}

fn connector(longest: Duration) -> Connector {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(Duration::from_millis(3100).min(longest))
        .read_timeout(LONGEST_ATTEMPT.min(longest))
        .build();
    Connector::builder()
        .tls_provider(tls_provider())
        .connector_settings(settings)
        .sleep_impl(TokioSleep::new())
        .build()
}

/// The innermost cause, which says what happened; those around it say that something did
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// An answer of success
#[derive(Clone, Debug)]
pub struct Taken(Raw);

impl Taken {
    /// What it says
    fn read(self, ask: &Ask) -> Result<Reply, HttpError> {
        let body = serde_json::from_slice(&self.0.body);
        let body = body.map_err(|error| HttpError::Unreadable { ask: ask.name(), why: error.to_string() })?;
        Ok(Reply { body, link: self.0.link, next_page: self.0.next_page })
    }
}

/// What came over the wire
#[derive(Clone, Debug)]
struct Raw {
    status: u16,
    body: Bytes,
    link: Option<String>,
    next_page: Option<String>,
    retry_after: Option<u64>,
    spent: bool,
    reset: Option<u64>,
}

impl Raw {
    fn judge(self, ask: String, token: &Token, secret: bool) -> Result<Taken, HttpError> {
        let status = self.status;
        let message = || if secret { self.code(token) } else { self.message(token) };
        match status {
            200..=299 => Ok(Taken(self)),
            403 | 429 if self.is_limited() => Err(HttpError::Limited { ask, status, wait: self.wait() }),
            500..=599 => Err(HttpError::Fault { ask, status, message: message() }),
            _ => Err(HttpError::Refused { ask, status, message: message() }),
        }
    }

    /// Whether it is refused for now; a plain 403 is for good
    fn is_limited(&self) -> bool {
        let says_so = || String::from_utf8_lossy(&self.body).to_lowercase().contains("secondary rate limit");
        self.status == 429 || self.retry_after.is_some() || self.spent || says_so()
    }

    fn wait(&self) -> Duration {
        if let Some(seconds) = self.retry_after {
            return Duration::from_secs(seconds);
        }
        let reset = self.reset.filter(|_| self.spent).map(Duration::from_secs);
        let until = reset.and_then(|reset| {
            let today = time_of_day().duration_since(std::time::UNIX_EPOCH).ok()?;
            // Its clock has whole seconds.
            Some(reset.saturating_sub(today) + Duration::from_secs(1))
        });
        until.unwrap_or(LIMITED_FOR)
    }

    /// A word as Slack has for what is wrong, as `no_service`; other words may have parts of a secret address in them
    fn code(&self, secret: &Token) -> String {
        let word = self.plain().filter(|word| {
            word.len() <= 40
                && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
                && !secret.reveal().contains(word.as_str())
        });
        word.unwrap_or_else(|| "its words are not shown, since they may repeat the address".to_owned())
    }

    /// A line of text that is neither JSON nor a page
    fn plain(&self) -> Option<String> {
        let text = str::from_utf8(&self.body).ok()?.trim();
        (!text.is_empty() && !text.starts_with(['<', '{', '['])).then(|| text.to_owned())
    }

    /// The server's words, without what nobody may read; somebody between us and it may have sent our question back
    fn message(&self, token: &Token) -> String {
        let body = serde_json::from_slice::<Value>(&self.body).unwrap_or_default();
        let said = [&body["message"], &body["error"]].into_iter().find(|value| !value.is_null());
        let said = said.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let said = said
            .or_else(|| self.plain())
            .unwrap_or_else(|| "no message".to_owned())
            .replace(token.reveal(), "…");
        said.chars().take(LONGEST_MESSAGE).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(status: u16, body: &str) -> Raw {
        let body = Bytes::from(body.to_owned());
        Raw { status, body, link: None, next_page: None, retry_after: None, spent: false, reset: None }
    }

    #[test]
    fn a_limit_is_told_from_a_refusal() {
        let token = Token::parse("secret").unwrap();
        let judged = |raw: Raw| raw.judge("GET /x".to_owned(), &token, false).unwrap_err();
        let limited =
            |error: HttpError| matches!(error, HttpError::Limited { wait, .. } if wait == LIMITED_FOR);
        assert!(limited(judged(raw(429, ""))));
        assert!(limited(judged(raw(403, "{\"message\": \"You have exceeded a secondary rate limit\"}"))));
        assert!(limited(judged(Raw { retry_after: Some(60), ..raw(403, "") })));
        assert!(
            matches!(judged(Raw { spent: true, reset: Some(1), ..raw(403, "") }), HttpError::Limited { wait, .. } if wait.as_secs() == 1)
        );
        let refused = judged(raw(403, "{\"message\": \"no secret for you\"}"));
        assert_eq!(refused.to_string(), "GET /x: 403: no … for you");
        assert_eq!(refused.again(true), None);
        assert_eq!(judged(raw(502, "")).again(false), None, "what is not repeatable is not repeated");
    }
}
