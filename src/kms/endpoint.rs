//! Endpoints from wherever they come -> those that can be asked. The SDK takes an empty one for one, and panics at the first request.

use aws_config::SdkConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use hyper::Uri;

/// The URL of an endpoint, if `text` is one
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<String, String> {
    if text.is_empty() {
        let others = "leave --endpoint-url and KMS_ALIAS_ENDPOINT_URL out for AWS's own";
        return Err(format!("it is empty; {others}"));
    }
    let is_url = text.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    });
    if is_url { Ok(text.to_owned()) } else { Err("it is no URL; write it as https://HOST:PORT".to_owned()) }
}

/// `base`, for which an empty endpoint is none, as it is for the AWS CLI: `AWS_ENDPOINT_URL=` is how a pipeline unsets it
pub(super) fn set(base: SdkConfig) -> SdkConfig {
    let url = base.endpoint_url().filter(|url| !url.is_empty()).map(str::to_owned);
    let services = Services(base.clone());
    let mut builder = base.into_builder().service_config(services);
    builder.set_endpoint_url(url);
    builder.build()
}

/// What the environment and the profile say for one service
#[derive(Debug)]
struct Services(SdkConfig);

impl LoadServiceConfig for Services {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        self.0.service_config()?.load_config(key).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_asked_is_an_endpoint() {
        for url in ["http://127.0.0.1:9", "https://kms.eu-west-1.amazonaws.com", "http://[::1]:4566/x"] {
            assert_eq!(parse(url).as_deref(), Ok(url));
        }
        for (text, why) in [
            ("", "it is empty"),
            (" ", "it is no URL"),
            ("nonsense", "it is no URL"),
            ("127.0.0.1:9", "it is no URL"),
            ("//host", "it is no URL"),
            ("http://", "it is no URL"),
            ("http://a b/", "it is no URL"),
            ("ftp://host", "it is no URL"),
        ] {
            assert!(parse(text).unwrap_err().starts_with(why), "{text:?}");
        }
    }

    #[test]
    fn an_empty_endpoint_is_none_wherever_it_stands() {
        #[derive(Debug)]
        struct Says(&'static str);
        impl LoadServiceConfig for Says {
            fn load_config(&self, _: ServiceConfigKey<'_>) -> Option<String> {
                Some(self.0.to_owned())
            }
        }
        for (text, expected) in [("", None), ("http://host", Some("http://host"))] {
            let base = set(SdkConfig::builder().endpoint_url(text).service_config(Says(text)).build());
            let key =
                ServiceConfigKey::builder().service_id("KMS").profile("endpoint_url").env("AWS_ENDPOINT_URL");
            let service = base.service_config().unwrap().load_config(key.build().unwrap());
            assert_eq!((base.endpoint_url(), service.as_deref()), (expected, expected));
        }
    }
}
