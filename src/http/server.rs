//! Where a server is, and the secret that it takes: neither is accepted where the secret could reach anybody else.

use hyper::Uri;

/// Where a server's API begins
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// The address of a server: HTTPS, or this machine
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim_end_matches('/');
        let uri: Uri = text.parse().map_err(|_| format!("{text:?} is no URL"))?;
        let host = uri.host().unwrap_or_default();
        let here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        let has_more = uri.query().is_some() || text.contains(['@', '#']) || host.is_empty();
        match uri.scheme_str() {
            _ if has_more => Err(format!("{text:?} is no URL of a server, as https://HOST/PATH")),
            Some("https") => Ok(Self(text.to_owned())),
            Some("http") if here => Ok(Self(text.to_owned())),
            _ => Err(format!("{text:?} is not HTTPS, and the token would be sent in the clear")),
        }
    }

    /// As it was given
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of a path below it; `../` is beside its last part
    pub fn at(&self, path: &str) -> String {
        let base = &self.0;
        match (path.strip_prefix("../"), base.rsplit_once('/')) {
            (Some(path), Some((parent, _))) => format!("{parent}/{path}"),
            _ => format!("{base}/{path}"),
        }
    }
}

/// A secret; its debug form does not show it
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token, without the line break that files and pipes add
    ///
    /// # Errors
    /// It cannot be sent.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()) {
            true => Ok(Self(text.to_owned())),
            false => Err("the token has characters that none has".to_owned()),
        }
    }

    /// To be sent, and shown to nobody
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_only_where_nobody_can_listen() {
        for good in [
            "https://api.github.com",
            "https://ghe.example/api/v3/",
            "http://127.0.0.1:80",
            "http://localhost",
        ] {
            assert_eq!(BaseUrl::parse(good).unwrap().as_str(), good.trim_end_matches('/'));
        }
        assert_eq!(BaseUrl::parse("https://x/api/v3").unwrap().at("../graphql"), "https://x/api/graphql");
        assert_eq!(BaseUrl::parse("https://x/api/v3").unwrap().at("user"), "https://x/api/v3/user");
        for bad in [
            "http://ghe.example",
            "http://127.0.0.1.evil.example",
            "https://me@ghe.example",
            "https://ghe.example?x=1",
            "https://ghe.example#x",
            "ftp://ghe.example",
            "ghe.example",
            "",
            "https://",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_is_not_shown_and_not_sent_with_a_line_break() {
        let token = Token::parse("ghp_secret\n").unwrap();
        assert_eq!((token.reveal(), &*format!("{token:?}")), ("ghp_secret", "Token(…)"));
        assert!(Token::parse("a\r\nb").is_err() && Token::parse(" ").is_err());
    }
}
