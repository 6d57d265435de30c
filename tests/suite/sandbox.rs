//! The embedded KMS over loopback HTTP, spoken to by the real SDK, with real time.

use aws_sdk_kms::Client;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::types::{KeySpec, KeyState, KeyUsageType, Tag};
use aws_smithy_http_client::Builder;
use kms_alias::sandbox::{Effect, Fault, Running, Scenario, Service, serve, starting_world};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const BILLING: &str = "bbbb2222-0000-4000-8000-000000002026";
const LEDGER: &str = "eeee5555-0000-4000-8000-000000000005";

async fn sandbox(scenario: Scenario) -> Running {
    serve(Service::new(starting_world(), scenario), None, 0).await.unwrap()
}

fn client(sandbox: &Running, access_key: &str, region: &'static str) -> Client {
    client_at(sandbox.endpoint_url(), access_key, region)
}

/// A client as plain as can be: no retries, so that each call is one request
pub fn client_at(endpoint: String, access_key: &str, region: &'static str) -> Client {
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new(region))
        .credentials_provider(Credentials::new(access_key, "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(Builder::new().build_http());
    Client::from_conf(config.build())
}

fn code<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E>>) -> String {
    let Err(error) = result else { panic!("it was not refused") };
    error.code().unwrap_or("none").to_owned()
}

#[tokio::test]
async fn the_sdk_creates_moves_lists_and_deletes_an_alias() {
    let sandbox = sandbox(Scenario::default()).await;
    let kms = client(&sandbox, "111122223333", "us-east-1");
    kms.create_alias().alias_name("alias/app/new").target_key_id(BILLING).send().await.unwrap();
    let created = kms.list_aliases().key_id(BILLING).send().await.unwrap();
    let alias = &created.aliases()[0];
    assert_eq!((alias.alias_name(), alias.target_key_id()), (Some("alias/app/new"), Some(BILLING)));
    assert_eq!(alias.alias_arn(), Some("arn:aws:kms:us-east-1:111122223333:alias/app/new"));
    assert!(!created.truncated() && alias.creation_date() == alias.last_updated_date());
    let other = "cccc3333-0000-4000-8000-000000000003";
    kms.update_alias().alias_name("alias/app/new").target_key_id(other).send().await.unwrap();
    let found = kms.describe_key().key_id("alias/app/new").send().await.unwrap();
    assert_eq!(found.key_metadata().unwrap().key_id(), other);
    kms.delete_alias().alias_name("alias/app/new").send().await.unwrap();
    let gone = kms.describe_key().key_id("alias/app/new").send().await.unwrap_err();
    assert_eq!(
        gone.into_service_error().message(),
        Some("Alias arn:aws:kms:us-east-1:111122223333:alias/app/new is not found.")
    );
}

#[tokio::test]
async fn the_sdk_takes_a_key_through_its_life() {
    let sandbox = sandbox(Scenario::default()).await;
    let kms = client(&sandbox, "123456789012", "eu-central-1");
    let tag = Tag::builder().tag_key("app").tag_value("billing").build().unwrap();
    let created = kms
        .create_key()
        .key_spec(KeySpec::EccNistP256)
        .key_usage(KeyUsageType::SignVerify)
        .tags(tag.clone())
        .send();
    let key = created.await.unwrap().key_metadata.unwrap();
    let arn = key.arn().unwrap();
    assert_eq!(arn, format!("arn:aws:kms:eu-central-1:123456789012:key/{}", key.key_id()));
    kms.disable_key().key_id(arn).send().await.unwrap();
    kms.enable_key().key_id(arn).send().await.unwrap();
    let more = Tag::builder().tag_key("owner").tag_value("me").build().unwrap();
    kms.tag_resource().key_id(arn).tags(more).send().await.unwrap();
    let tags = kms.list_resource_tags().key_id(arn).send().await.unwrap();
    assert_eq!(tags.tags().len(), 2);
    kms.put_key_policy().key_id(arn).policy("{\"Statement\": []}").send().await.unwrap();
    let policy = kms.get_key_policy().key_id(arn).send().await.unwrap();
    assert_eq!((policy.policy(), policy.policy_name()), (Some("{\"Statement\": []}"), Some("default")));
    let scheduled = kms.schedule_key_deletion().key_id(arn).pending_window_in_days(7).send().await.unwrap();
    assert_eq!(scheduled.key_state(), Some(&KeyState::PendingDeletion));
    assert_eq!(code(kms.enable_key().key_id(arn).send().await), "KMSInvalidStateException");
    kms.cancel_key_deletion().key_id(arn).send().await.unwrap();
    let described = kms.describe_key().key_id(arn).send().await.unwrap().key_metadata.unwrap();
    assert_eq!(described.key_state(), Some(&KeyState::Disabled));
    assert_eq!(kms.list_keys().send().await.unwrap().keys().len(), 1);
}

#[tokio::test]
async fn accounts_and_regions_are_worlds_apart_and_an_assumed_role_has_its_own() {
    let sandbox = sandbox(Scenario::default()).await;
    let dev = client(&sandbox, "444455556666", "us-east-1");
    assert_eq!(code(dev.describe_key().key_id(BILLING).send().await), "NotFoundException");
    let far = client(&sandbox, "111122223333", "eu-west-1");
    assert_eq!(code(far.describe_key().key_id(BILLING).send().await), "NotFoundException");
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(aws_sdk_sts::config::BehaviorVersion::v2026_01_12())
        .endpoint_url(sandbox.endpoint_url())
        .region(aws_sdk_sts::config::Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test"))
        .http_client(Builder::new().build_http());
    let sts = aws_sdk_sts::Client::from_conf(config.build());
    let me = sts.get_caller_identity().send().await.unwrap();
    assert_eq!(
        (me.account(), me.arn()),
        (Some("111122223333"), Some("arn:aws:iam::111122223333:user/sandbox"))
    );
    let role = "arn:aws:iam::444455556666:role/ops/kms-alias-read";
    let assumed = sts.assume_role().role_arn(role).role_session_name("test").send().await.unwrap();
    let credentials = assumed.credentials().unwrap();
    assert_eq!(
        assumed.assumed_role_user().unwrap().arn(),
        "arn:aws:sts::444455556666:assumed-role/kms-alias-read/test"
    );
    let as_role = client(&sandbox, credentials.access_key_id(), "us-east-1");
    let found = as_role.describe_key().key_id("alias/app/experiment").send().await.unwrap();
    assert_eq!(found.key_metadata().unwrap().aws_account_id(), Some("444455556666"));
    let refused =
        sts.assume_role().role_arn("arn:aws:iam::4444:role/x").role_session_name("test").send().await;
    assert_eq!(code(refused), "ValidationError");
}

#[tokio::test]
async fn a_dropped_response_leaves_the_change_made_and_a_dropped_request_does_not() {
    let drop = |effect, alias: &str| {
        let mut fault = Fault::new("CreateAlias", effect);
        fault.alias = Some(alias.to_owned().try_into().unwrap());
        fault
    };
    let faults = vec![
        drop(Effect::DropResponse, "alias/app/a"),
        drop(Effect::DropRequest, "alias/app/b"),
        drop(Effect::Malformed, "alias/app/c"),
        drop(Effect::Truncated, "alias/app/d"),
    ];
    let sandbox = sandbox(Scenario { faults, ..Scenario::default() }).await;
    let kms = client(&sandbox, "111122223333", "us-east-1");
    for (name, made) in [("a", true), ("b", false), ("c", true), ("d", true)] {
        let name = format!("alias/app/{name}");
        let answer = kms.create_alias().alias_name(&name).target_key_id(BILLING).send().await;
        // the output of CreateAlias has no members, so a malformed body is no failure of it
        assert!(answer.is_err() || name.ends_with('c'), "{name}");
        assert_eq!(kms.describe_key().key_id(&name).send().await.is_ok(), made, "{name}");
    }
    assert_eq!(sandbox.with(|service| service.count()["CreateAlias"]), 4, "no request was sent twice");
}

#[tokio::test]
async fn every_page_of_a_large_listing_comes_soon() {
    let sandbox = sandbox(Scenario::default()).await;
    let home = kms_alias::sandbox::Home::new("111122223333", "us-east-1");
    sandbox.with(|service| {
        for n in 0..10_000 {
            service.world_mut().put_alias(&home, &format!("alias/load/{n}"), Some(BILLING), 1);
        }
    });
    let kms = client(&sandbox, "111122223333", "us-east-1");
    let (mut names, mut marker) = (std::collections::BTreeSet::new(), None);
    loop {
        let page = kms.list_aliases().limit(100).set_marker(marker).send().await.unwrap();
        names.extend(page.aliases().iter().filter_map(|alias| alias.alias_name().map(str::to_owned)));
        marker = page.next_marker().map(str::to_owned);
        if !page.truncated() {
            break;
        }
    }
    let all = sandbox.with(|service| service.world().aliases(&home).len());
    assert_eq!(names.len(), all);
}

#[tokio::test]
async fn an_alias_of_another_type_of_key_is_refused() {
    let sandbox = sandbox(Scenario::default()).await;
    let kms = client(&sandbox, "111122223333", "us-east-1");
    let moved = kms.update_alias().alias_name("alias/app/billing/db").target_key_id(LEDGER).send().await;
    assert_eq!(code(moved), "ValidationException");
}

/// The whole response to a request written by hand
async fn raw(sandbox: &Running, headers: &str, body: &str) -> String {
    let address = sandbox.endpoint_url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("Host: x\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    stream.write_all(format!("POST / HTTP/1.1\r\n{head}\r\n{body}").as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn what_is_no_request_of_the_service_is_refused_loudly() {
    const SIGNED: &str =
        "Authorization: AWS4-HMAC-SHA256 Credential=111122223333/20260101/us-east-1/kms/aws4_request";
    const JSON: &str = "Content-Type: application/x-amz-json-1.1";
    const FORM: &str = "Content-Type: application/x-www-form-urlencoded; charset=utf-8";
    let sandbox = sandbox(Scenario::default()).await;
    for (headers, body, status, words) in [
        (
            format!("{SIGNED}\r\nContent-Type: application/cbor"),
            "",
            415,
            "it takes POST / with content-type application/x-amz-json-1.1",
        ),
        (
            format!("{JSON}\r\nX-Amz-Target: TrentService.ListKeys"),
            "{}",
            400,
            "\"MissingAuthenticationTokenException\"",
        ),
        (format!("{SIGNED}\r\n{JSON}"), "{}", 400, "\"UnknownOperationException\""),
        (
            format!("{SIGNED}\r\n{JSON}\r\nX-Amz-Target: TrentService.AssumeRole"),
            "{}",
            400,
            "\"UnknownOperationException\"",
        ),
        (
            format!("{SIGNED}\r\n{JSON}\r\nX-Amz-Target: TrentService.ListKeys"),
            "{",
            400,
            "\"SerializationException\"",
        ),
        (
            format!("{SIGNED}\r\n{JSON}\r\nX-Amz-Target: TrentService.ListKeys"),
            "[]",
            400,
            "\"SerializationException\"",
        ),
        (
            format!("{SIGNED}\r\n{FORM}"),
            "Action=CreateAlias&Version=2011-06-15",
            400,
            "<Code>InvalidAction</Code>",
        ),
        (
            format!("{SIGNED}\r\n{FORM}"),
            "Action=GetCallerIdentity&Version=2011-06-15",
            200,
            "<Account>111122223333</Account>",
        ),
        (
            format!("{SIGNED}\r\n{JSON}\r\nX-Amz-Target: TrentService.ListKeys"),
            "",
            200,
            "\"Truncated\":false",
        ),
    ] {
        let response = raw(&sandbox, &headers, body).await;
        let right = response.starts_with(&format!("HTTP/1.1 {status} ")) && response.contains(words);
        assert!(
            right && response.to_ascii_lowercase().contains("x-amzn-requestid: "),
            "{headers}: {response}"
        );
    }
}

#[tokio::test]
async fn a_silent_server_is_noticed_only_by_a_clients_own_timeout_and_a_slow_one_answers() {
    let faults = vec![
        Fault::new("ListKeys", Effect::Silent),
        Fault::new("ListAliases", Effect::Latency("200ms".parse().unwrap())),
    ];
    let sandbox = sandbox(Scenario { faults, ..Scenario::default() }).await;
    let kms = client(&sandbox, "111122223333", "us-east-1");
    let limit = TimeoutConfig::builder().operation_timeout(std::time::Duration::from_millis(150)).build();
    let impatient = aws_sdk_kms::config::Builder::new().timeout_config(limit);
    let silent = kms.list_keys().customize().config_override(impatient.clone()).send().await;
    assert!(matches!(silent, Err(SdkError::TimeoutError(_))));
    let slow = kms.list_aliases().customize().config_override(impatient).send().await;
    assert!(matches!(slow, Err(SdkError::TimeoutError(_))));
    assert!(kms.list_aliases().send().await.is_ok());
}
