//! Credentials from wherever they come -> those that a request can carry. The SDK panics where a header cannot hold one, as with a line
//! break at its end.

use aws_config::SdkConfig;
use aws_config::profile::{self, ProfileFileCredentialsProvider};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_kms::config::SharedHttpClient;
use aws_types::os_shim_internal::{Env, Fs};

/// Credentials of another provider, or an error where they are none that can be sent
#[derive(Debug)]
struct Sendable(SharedCredentialsProvider);

impl ProvideCredentials for Sendable {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { check(self.0.provide_credentials().await?) })
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.0.fallback_on_interrupt().and_then(|credentials| check(credentials).ok())
    }
}

/// Credentials of a profile, or an error that names it, which the SDK's does not where there is no such profile
#[derive(Debug)]
struct OfProfile {
    provider: ProfileFileCredentialsProvider,
    profile: String,
}

impl ProvideCredentials for OfProfile {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.provider.provide_credentials().await.map_err(|error| match error {
                CredentialsError::CredentialsNotLoaded(_) => {
                    let sentence = format!("there is no profile {:?} that has any", self.profile);
                    CredentialsError::not_loaded(sentence)
                }
                error => error,
            })
        })
    }
}

/// `base` with the credentials of a profile that was named, which go before those of the environment, as they do for the AWS CLI; the SDK's
/// own chain has it the other way round
pub(super) fn of_profile(base: SdkConfig, profile: &str, http: &SharedHttpClient) -> SdkConfig {
    // What the profile assumes roles or signs in with needs a client and a Region.
    let own = ProviderConfig::default().with_http_client(http.clone()).with_region(base.region().cloned());
    let provider = ProfileFileCredentialsProvider::builder().configure(&own).profile_name(profile).build();
    let provider = OfProfile { provider, profile: profile.to_owned() };
    base.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build()
}

/// The profile that the environment names, where there is none of that name. The SDK goes on to other credentials then, which may be those of
/// another account; the AWS CLI refuses, and so do we.
pub(super) async fn unknown_profile(files: &Fs, env: &Env) -> Option<String> {
    // What cannot be read or parsed the SDK tells of itself.
    let profiles = profile::load(files, env, &Default::default(), None).await.ok()?;
    let name = profiles.selected_profile();
    let is_named = !name.is_empty() && name != "default";
    (is_named && profiles.get_profile(name).is_none()).then(|| name.to_owned())
}

/// `base`, whose credentials can be sent
pub(super) fn sendable(base: SdkConfig) -> SdkConfig {
    match base.credentials_provider() {
        None => base,
        Some(provider) => {
            let provider = SharedCredentialsProvider::new(Sendable(provider));
            base.into_builder().credentials_provider(provider).build()
        }
    }
}

/// Neither is ever shown: who has broken one knows it by its name
fn check(credentials: Credentials) -> provider::Result {
    let parts = [
        ("access key id", Some(credentials.access_key_id())),
        ("session token", credentials.session_token()),
    ];
    let broken = |text: &str| text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic());
    let found = parts.iter().find(|(_, text)| text.is_some_and(broken)).map(|(name, _)| *name);
    match found {
        None => Ok(credentials),
        Some(name) => {
            let what = "is empty, or has a line break or another character that no request can carry";
            Err(CredentialsError::invalid_configuration(format!("the {name} {what}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_profile_of_the_environment_is_unknown_only_where_no_file_has_it() {
        let files = Fs::from_slice(&[
            ("/home/.aws/config", "[profile region-only]\nregion = eu-west-1\n[profile bare]\n"),
            ("/home/.aws/credentials", "[keys]\naws_access_key_id = AKIA\naws_secret_access_key = x\n"),
        ]);
        let unknown = |name| {
            let env = Env::from_slice(&[("HOME", "/home"), ("AWS_PROFILE", name)]);
            unknown_profile(&files, &env).now_or_never().unwrap()
        };
        for known in ["region-only", "bare", "keys", "default", ""] {
            assert_eq!(unknown(known), None, "{known}");
        }
        assert_eq!(unknown("nope").as_deref(), Some("nope"));
        let without = Env::from_slice(&[("HOME", "/home")]);
        assert_eq!(unknown_profile(&files, &without).now_or_never().unwrap(), None);
    }

    #[test]
    fn credentials_that_no_request_can_carry_are_refused_by_name() {
        let check = |key: &str, token: Option<&str>| {
            check(Credentials::new(key, "secret\n", token.map(str::to_owned), None, "test"))
        };
        assert!(check("AKIAIOSFODNN7EXAMPLE", Some("FwoGZXIvYXdzE//w==")).is_ok());
        assert!(check("AKIAIOSFODNN7EXAMPLE", None).is_ok());
        for (key, token, name) in [
            ("AKIA\n", None, "access key id"),
            ("AKIA", Some("t\r"), "session token"),
            ("é", None, "access key id"),
        ] {
            let error = check(key, token).unwrap_err();
            let words = error.source().unwrap().to_string();
            assert!(words.starts_with(&format!("the {name} is empty, or has a line break")), "{words}");
        }
    }
}
