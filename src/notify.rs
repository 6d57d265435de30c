//! A message -> the webhook of a channel. Its address is a secret: whoever has it can write there, so none of its path is told.

use std::time::Duration;

use hyper::Uri;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::http::server::{BaseUrl, Token};
use crate::http::{Ask, Client, HttpError};

/// Where messages go
#[derive(Clone, Debug)]
pub struct Webhook {
    server: BaseUrl,
    path: Token,
}

impl Webhook {
    /// The address of a webhook: HTTPS, or this machine
    ///
    /// # Errors
    /// What is wrong with it, in words that show nothing of it.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        const NO_WEBHOOK: &str = "it is no URL of a webhook, as https://HOST/PATH, on HTTPS or this machine";
        let uri: Uri = url.trim().parse().map_err(|_| NO_WEBHOOK)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(NO_WEBHOOK);
        };
        let server = BaseUrl::parse(&format!("{scheme}://{authority}")).map_err(|_| NO_WEBHOOK)?;
        let path = uri.path_and_query().map_or("", |path| path.as_str()).trim_start_matches('/');
        Ok(Self { server, path: Token::parse(path).map_err(|_| NO_WEBHOOK)? })
    }

    /// The part of its address that may be told
    pub fn server(&self) -> &str {
        self.server.as_str()
    }

    /// Sends a message; the server has to say that it took it
    ///
    /// # Errors
    /// The server's; the message may be there all the same.
    pub async fn send(
        &self,
        message: Value,
        longest: Duration,
        stop: CancellationToken,
    ) -> Result<(), HttpError> {
        let client = Client::new(self.server.clone(), self.path.clone(), Vec::new(), longest, stop);
        client.tell(&Ask::message(self.path.reveal().to_owned(), message)).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_only_the_server_is_told() {
        let webhook = Webhook::parse("https://hooks.example/services/T0/B0/secret?x=1\n").unwrap();
        assert_eq!(webhook.server(), "https://hooks.example");
        assert_eq!(webhook.path.reveal(), "services/T0/B0/secret?x=1");
        assert!(!format!("{webhook:?}").contains("secret"));
    }

    #[test]
    fn what_is_no_webhook_is_told_without_a_word_of_it() {
        for bad in [
            "http://hooks.example/secret",
            "https://me:secret@hooks.example/x",
            "https://hooks.example",
            "https://hooks.example/",
            "hooks.example/secret",
            "https://hooks.example/a secret",
            "",
        ] {
            assert!(!Webhook::parse(bad).unwrap_err().contains("secret"), "{bad}");
        }
    }
}
