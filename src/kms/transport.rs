//! A HTTP client -> the same, whose answers the SDK can stand, whoever they are from: none is endless, and none has a date from which
//! the SDK would reckon beyond its calendar, at which it panics.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::{DateTime, Format};
use http_body_util::Limited;

use crate::poll::time_of_day;

/// Bytes of an answer; the largest is a page of IAM's, a hundred entries with documents of at most some 100 kB
const LARGEST: usize = 64 << 20;
/// Seconds that a clock may be off, a hundred years: one that has lost its battery begins in 1970
const FURTHEST: u64 = 100 * 366 * 86_400;

/// Another client, and a check of what comes through it
#[derive(Debug)]
pub(super) struct Checked<T>(T);

/// `client`, with its answers checked
pub(super) fn checked(client: impl HttpClient + 'static) -> SharedHttpClient {
    SharedHttpClient::new(Checked(client))
}

impl<T: HttpClient> HttpClient for Checked<T> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Checked(self.0.http_connector(settings, components)))
    }

    /// Nothing: the other client would read the roots of TLS for each of a target's clients, only to see that it can
    fn validate_base_client_config(
        &self,
        _: &RuntimeComponentsBuilder,
        _: &ConfigBag,
    ) -> Result<(), BoxError> {
        Ok(())
    }

    fn validate_final_config(&self, components: &RuntimeComponents, bag: &ConfigBag) -> Result<(), BoxError> {
        self.0.validate_final_config(components, bag)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

impl HttpConnector for Checked<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async { answer.await.map(check) })
    }
}

fn check(mut answer: HttpResponse) -> HttpResponse {
    if answer.headers().get("date").is_some_and(is_absurd) {
        answer.headers_mut().remove("date");
    }
    answer.map(|body| SdkBody::from_body_1_x(Limited::new(body, LARGEST)))
}

fn is_absurd(date: &str) -> bool {
    let theirs = DateTime::from_str(date, Format::HttpDate);
    theirs.is_ok_and(|theirs| theirs.secs().abs_diff(DateTime::from(time_of_day()).secs()) > FURTHEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_date_of_another_century_is_absurd() {
        for date in ["Thu, 01 Jan 1970 00:00:00 GMT", "Sun, 22 Nov 2026 09:30:00 GMT", "soon", ""] {
            assert!(!is_absurd(date), "{date}");
        }
        for date in ["Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"] {
            assert!(is_absurd(date), "{date}");
        }
    }
}
