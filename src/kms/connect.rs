//! A target -> the SDK's clients for it: credentials, role, Region, endpoint, time-outs, retries.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_kms::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::config::{Credentials, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::service_config::ServiceConfigKey;

use super::Connect;
use super::answer::Acknowledged;
use super::aws::AwsKms;
use super::credentials::{of_profile, sendable, unknown_profile};
use super::endpoint::set;
use super::transport::checked;
use super::watch::{Counter, Watch};
use crate::load::roles::partition;
use crate::target::{Session, Target};

/// The account that the sandbox gives to a target without one
pub const SANDBOX_ACCOUNT: &str = "111122223333";
/// The Region that the sandbox gives to a target without one
pub const SANDBOX_REGION: &str = "us-east-1";

/// What one request may take, its retries included, unless somebody says otherwise
pub const LONGEST_REQUEST: Duration = Duration::from_secs(60);

/// How to reach the service
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// For all services, instead of the partition's own endpoints
    pub endpoint_url: Option<String>,
    /// Goes before a target's own profile
    pub profile: Option<String>,
    /// For a target that names none
    pub region: Option<String>,
    /// The longest that one request may take, its retries included, instead of [`LONGEST_REQUEST`]
    pub timeout: Option<Duration>,
    /// The endpoint is the embedded sandbox: no credentials or configuration of this machine are looked at
    pub sandbox: bool,
}

/// Why a target could not be connected to
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No Region anywhere
    #[error(
        "find a Region: give --region, set AWS_REGION, or declare `targets` in the manifest, which init and import make of --regions"
    )]
    NoRegion,
    /// A profile was named that would tell the Region, and there is none of that name
    #[error(
        "find the profile {0:?}: there is none of that name that has credentials; `aws configure list-profiles` tells their names"
    )]
    NoProfile(String),
    /// The environment names a profile that there is not: other credentials are not what was meant
    #[error(
        "find the profile {0:?}, which AWS_PROFILE names: neither the config nor the credentials file has it; `aws configure list-profiles` \
         tells their names"
    )]
    UnknownProfile(String),
}

/// Makes clients, and shares between them what can be shared
pub struct AwsConnect {
    options: Options,
    http: SharedHttpClient,
    /// By profile: loading one reads files and parses the CA bundle
    loaded: tokio::sync::Mutex<BTreeMap<Profile, SdkConfig>>,
    /// Each is assumed once for all Regions and services, and again shortly before its credentials expire
    assumed: tokio::sync::Mutex<BTreeMap<Assumed, SdkConfig>>,
    /// Requests sent by all clients
    sent: Arc<AtomicU64>,
}

/// A role that is assumed: by what profile, which, and how
type Assumed = (Profile, Arc<str>, Session);

/// The name of a profile, if one is named
type Profile = Option<Arc<str>>;

impl AwsConnect {
    /// A connector; nothing is read before the first target
    pub fn new(options: Options) -> Self {
        Self::through(http_client(), options)
    }

    /// The same, whose requests go through a client of the caller's own
    pub fn through(http: impl HttpClient + 'static, options: Options) -> Self {
        let (http, loaded, assumed, sent) =
            (checked(http), Default::default(), Default::default(), Arc::default());
        Self { options, http, loaded, assumed, sent }
    }

    async fn connect(&self, target: &Target, role: Option<&Arc<str>>) -> Result<AwsKms, ConnectError> {
        let profile = self.options.profile.as_deref().map(Arc::from).or_else(|| target.profile.clone());
        let base = match self.options.sandbox {
            true => self.sandbox(target),
            false => self.base(&profile).await?,
        };
        let own = base.region().cloned();
        let region = target.region.as_deref().map(|r| Region::new(r.to_owned())).or_else(|| own.clone());
        let Some(region) = region else { return Err(regionless(&base, profile.as_deref()).await) };
        let base = match role {
            Some(role) => {
                let base = base.into_builder().region(home(own, &region)).build();
                self.assumed(base, (profile, role.clone(), target.roles.session.clone())).await
            }
            None => base,
        };
        let clients = Clients::new(base, target, region, Counter::adding_to(&self.sent));
        Ok(AwsKms { kms: clients.kms(), sts: clients.sts(), clients })
    }

    async fn base(&self, profile: &Profile) -> Result<SdkConfig, ConnectError> {
        let mut loaded = self.loaded.lock().await;
        if let Some(base) = loaded.get(profile) {
            return Ok(base.clone());
        }
        if profile.is_none()
            && let Some(name) = unknown_profile(&Fs::real(), &Env::real()).await
        {
            return Err(ConnectError::UnknownProfile(name));
        }
        let base = self.load(profile.as_deref()).await;
        loaded.insert(profile.clone(), base.clone());
        Ok(base)
    }

    /// `base` with the credentials of a role, which are those of every target that names it
    async fn assumed(&self, base: SdkConfig, whose: Assumed) -> SdkConfig {
        let mut assumed = self.assumed.lock().await;
        if let Some(config) = assumed.get(&whose) {
            return config.clone();
        }
        // Nothing is asked yet: whoever needs the credentials first does, and the others wait for it.
        let config = assume(base, &whose.1, &whose.2).await;
        assumed.insert(whose, config.clone());
        config
    }

    async fn load(&self, profile: Option<&str>) -> SdkConfig {
        let mut loader = aws_config::defaults(behaviour())
            .http_client(self.http.clone())
            .timeout_config(timeouts(self.options.timeout))
            .retry_config(reads());
        if let Ok(name) = AppName::new("kms-alias") {
            loader = loader.app_name(name);
        }
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &self.options.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(url) = &self.options.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let loaded = loader.load().await;
        let loaded = match profile {
            Some(profile) => of_profile(loaded, profile, &self.http),
            None => loaded,
        };
        sendable(set(loaded))
    }

    /// The sandbox takes an access key of twelve digits for that account, and every secret
    fn sandbox(&self, target: &Target) -> SdkConfig {
        let account = target.account.as_deref().unwrap_or(SANDBOX_ACCOUNT);
        let credentials = Credentials::new(account, "sandbox", None, None, "sandbox");
        let region = self.options.region.clone().unwrap_or_else(|| SANDBOX_REGION.to_owned());
        let mut base = SdkConfig::builder()
            .behavior_version(behaviour())
            .http_client(self.http.clone())
            .timeout_config(timeouts(self.options.timeout))
            .retry_config(reads())
            .time_source(SystemTimeSource::new())
            .sleep_impl(TokioSleep::new())
            .region(Region::new(region))
            .identity_cache(IdentityCache::lazy().build())
            .credentials_provider(SharedCredentialsProvider::new(credentials));
        base.set_endpoint_url(self.options.endpoint_url.clone());
        base.set_app_name(AppName::new("kms-alias").ok());
        // Only the SDK's own loader sets a clock, and without one it panics where a role is assumed.
        base.set_time_source(Some(Default::default()));
        base.build()
    }
}

impl Connect for AwsConnect {
    type Reader = AwsKms;
    type Writer = AwsKms;
    type Error = ConnectError;

    async fn reader(&self, target: &Target) -> Result<AwsKms, ConnectError> {
        self.connect(target, target.roles.plan.as_ref()).await
    }

    async fn writer(&self, target: &Target) -> Result<AwsKms, ConnectError> {
        self.connect(target, target.roles.apply.as_ref()).await
    }

    fn requests(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// Why there is no Region: a profile that does not exist names none either
async fn regionless(base: &SdkConfig, profile: Option<&str>) -> ConnectError {
    let (Some(profile), Some(provider)) = (profile, base.credentials_provider()) else {
        return ConnectError::NoRegion;
    };
    match provider.provide_credentials().await {
        Err(CredentialsError::CredentialsNotLoaded(_)) => ConnectError::NoProfile(profile.to_owned()),
        _ => ConnectError::NoRegion,
    }
}

/// Pinned, so that an update of the SDK cannot change how it behaves
fn behaviour() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// The SDK has no read time-out of its own: a server that accepts and stays silent would hang us for ever
fn timeouts(longest: Option<Duration>) -> TimeoutConfig {
    let longest = longest.unwrap_or(LONGEST_REQUEST);
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(3100).min(longest))
        .read_timeout(Duration::from_secs(10).min(longest))
        .operation_attempt_timeout(Duration::from_secs(15).min(longest))
        .operation_timeout(longest)
        .build()
}

/// Reads are retried by the SDK, in standard mode: adaptive mode slows a whole batch down after one throttle
fn reads() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(5)
}

fn http_client() -> SharedHttpClient {
    Builder::new().tls_provider(tls_provider()).build_https()
}

/// The implementation of TLS that this program was built with, for whatever it asks
pub(crate) fn tls_provider() -> tls::Provider {
    #[cfg(feature = "ring")]
    let provider = tls::rustls_provider::CryptoMode::Ring;
    #[cfg(not(feature = "ring"))]
    let provider = tls::rustls_provider::CryptoMode::AwsLc;
    tls::Provider::Rustls(provider)
}

/// The Region whose token service is asked for a role: the configured one, where it is of the same partition, since that of a target
/// may not be enabled in the caller's account, and would take the other Regions of the role with it
fn home(own: Option<Region>, target: &Region) -> Region {
    own.filter(|own| partition(own.as_ref()) == partition(target.as_ref())).unwrap_or_else(|| target.clone())
}

async fn assume(base: SdkConfig, role: &str, session: &Session) -> SdkConfig {
    let name = session.name.as_deref().unwrap_or("kms-alias");
    let mut provider = AssumeRoleProvider::builder(role).configure(&base).session_name(name);
    if let Some(id) = &session.external_id {
        provider = provider.external_id(&**id);
    }
    if let Some(tags) = &session.tags {
        provider = provider.tags(tags.iter().map(|(key, value)| (key.to_string(), value.to_string())));
    }
    let provider = SharedCredentialsProvider::new(provider.build().await);
    sendable(base.into_builder().credentials_provider(provider).build())
}

/// Whether the command line, the environment or the profile says where KMS is asked; they go before the manifest
fn has_endpoint(base: &SdkConfig) -> bool {
    let key = ServiceConfigKey::builder().service_id("KMS").profile("endpoint_url").env("AWS_ENDPOINT_URL");
    let of_kms = || base.service_config()?.load_config(key.build().ok()?);
    base.endpoint_url().is_some() || of_kms().is_some()
}

/// What the clients of one target are made of
///
/// Those of IAM, CloudTrail and Organizations are made when they are asked for: few commands do, and a fleet has a thousand targets.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    base: SdkConfig,
    account: String,
    /// Where KMS is asked, if the manifest says so and nothing else does
    endpoint_of_kms: Option<Arc<str>>,
    pub(super) region: Region,
    pub(super) counter: Counter,
    pub(super) watch: Watch,
}

/// A client of the service `$sdk` whose retries have the partition of `$place`
macro_rules! client {
    ($sdk:ident, $clients:expr, $place:expr) => {
        $sdk::Client::from_conf(
            $sdk::config::Builder::from(&$clients.base)
                .retry_partition($clients.partition($place))
                .interceptor($clients.counter.clone())
                .interceptor($clients.watch.clone())
                .interceptor(Acknowledged)
                .build(),
        )
    };
}

impl Clients {
    fn new(base: SdkConfig, target: &Target, region: Region, counter: Counter) -> Self {
        let base = base.into_builder().region(region.clone()).build();
        let account = target.account.as_deref().unwrap_or("default").to_owned();
        let endpoint_of_kms = target.endpoint_url.clone().filter(|_| !has_endpoint(&base));
        Self { base, account, endpoint_of_kms, region, counter, watch: Watch::default() }
    }

    /// The SDK's retry tokens are otherwise shared by all accounts of a Region, and one in trouble would starve the rest
    fn partition(&self, place: &str) -> RetryPartition {
        RetryPartition::custom(format!("kms-alias/{}/{place}", self.account)).build()
    }

    fn kms(&self) -> aws_sdk_kms::Client {
        let client = client!(aws_sdk_kms, self, self.region.as_ref());
        match &self.endpoint_of_kms {
            Some(url) => {
                aws_sdk_kms::Client::from_conf(client.config().to_builder().endpoint_url(&**url).build())
            }
            None => client,
        }
    }

    fn sts(&self) -> aws_sdk_sts::Client {
        client!(aws_sdk_sts, self, &format!("{}/sts", self.region))
    }

    pub(super) fn iam(&self) -> aws_sdk_iam::Client {
        client!(aws_sdk_iam, self, "iam")
    }

    pub(super) fn trail(&self) -> aws_sdk_cloudtrail::Client {
        client!(aws_sdk_cloudtrail, self, &format!("{}/trail", self.region))
    }

    pub(super) fn organizations(&self) -> aws_sdk_organizations::Client {
        client!(aws_sdk_organizations, self, "organizations")
    }
}
