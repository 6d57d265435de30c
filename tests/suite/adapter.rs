//! The adapter on a server whose answers are canned: what the real SDK makes of answers that no KMS should give.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use kms_alias::kms::aws::AwsKms;
use kms_alias::kms::connect::{AwsConnect, Options};
use kms_alias::kms::{
    Connect, EventPage, Fault, IamRead, KmsError, KmsRead, KmsWrite, Member, OrgRead, TrailRead,
};

use crate::fake::{A, B, alias, key, target};

/// Answers every request in the same way, and counts them
struct Canned {
    url: String,
    requests: Arc<AtomicUsize>,
    /// What the last one said
    said: Arc<Mutex<String>>,
}

fn canned(status: u16, body: &'static str) -> Canned {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let said = Arc::new(Mutex::new(String::new()));
    let (counter, heard) = (requests.clone(), said.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counter.fetch_add(1, Ordering::SeqCst);
            answer(stream.unwrap(), status, body, &heard);
        }
    });
    Canned { url, requests, said }
}

fn answer(mut stream: TcpStream, status: u16, body: &str, heard: &Mutex<String>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut said = vec![0; length];
    let _ = reader.read_exact(&mut said);
    *heard.lock().unwrap() = String::from_utf8(said).unwrap();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = stream.write_all((head + body).as_bytes());
}

impl Canned {
    async fn kms(&self) -> AwsKms {
        let endpoint_url = Some(self.url.clone());
        let connect = AwsConnect::new(Options { endpoint_url, sandbox: true, ..Options::default() });
        connect.writer(&target(&[])).await.unwrap()
    }
}

async fn page_error(status: u16, body: &'static str) -> KmsError {
    canned(status, body).kms().await.alias_page(None).await.unwrap_err()
}

#[tokio::test]
async fn an_empty_answer_is_not_an_empty_account() {
    let hiding = r#"{"Aliases": [{"AliasName": "alias/app/x", "TargetKeyId": "\u001b[2Jaaaa"}]}"#;
    for body in ["", "{}", "<html>Sign in to the network</html>", "{\"Aliases\": [", hiding] {
        let error = page_error(200, body).await;
        assert_eq!(error.fault, Fault::Unknown, "{body:?}: {error}");
        assert!(error.message.starts_with("the answer cannot be read: "), "{body:?}: {error}");
    }
    let identity = canned(200, "").kms().await.identity().await;
    assert_eq!(identity.unwrap_err().fault, Fault::Unknown);
    let no_lists = "<GetAccountAuthorizationDetailsResponse><GetAccountAuthorizationDetailsResult>\
                    <IsTruncated>false</IsTruncated></GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>";
    let nameless = "<GetAccountAuthorizationDetailsResponse><GetAccountAuthorizationDetailsResult><RoleDetailList>\
                    <member><Path>/</Path></member></RoleDetailList></GetAccountAuthorizationDetailsResult>\
                    </GetAccountAuthorizationDetailsResponse>";
    let hiding = "<GetAccountAuthorizationDetailsResponse><GetAccountAuthorizationDetailsResult><RoleDetailList>\
                  <member><Arn>arn:aws:iam::111122223333:role/x&#x0a;y</Arn></member></RoleDetailList>\
                  </GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>";
    for body in ["", "{}", no_lists, nameless, hiding] {
        let error = canned(200, body).kms().await.authorization_page(None).await.unwrap_err();
        assert_eq!(error.fault, Fault::Unknown, "{body:?}: {error}");
        assert!(error.message.starts_with("the answer cannot be read: "), "{body:?}: {error}");
    }
    let described = canned(200, "{}").kms().await.describe_key(&key(A)).await;
    assert_eq!(described.unwrap_err().fault, Fault::Unknown);
    for body in ["{}", r#"{"Keys": [{}]}"#] {
        assert_eq!(canned(200, body).kms().await.key_page(None).await.unwrap_err().fault, Fault::Unknown);
    }
    for body in ["{}", r#"{"Tags": [], "Truncated": true}"#] {
        assert_eq!(canned(200, body).kms().await.tags(&key(A)).await.unwrap_err().fault, Fault::Unknown);
    }
}

#[tokio::test]
async fn pages_are_as_long_as_the_service_makes_them() {
    let server = canned(400, r#"{"__type": "ValidationException"}"#);
    let _ = server.kms().await.alias_page(Some("there")).await;
    let said: serde_json::Value = serde_json::from_str(&server.said.lock().unwrap()).unwrap();
    assert_eq!(said, serde_json::json!({"Limit": 100, "Marker": "there"}));
    let _ = server.kms().await.key_page(Some("there")).await;
    let said: serde_json::Value = serde_json::from_str(&server.said.lock().unwrap()).unwrap();
    assert_eq!(said, serde_json::json!({"Limit": 1000, "Marker": "there"}));
    let _ = server.kms().await.tags(&key(A)).await;
    let said: serde_json::Value = serde_json::from_str(&server.said.lock().unwrap()).unwrap();
    assert_eq!(said, serde_json::json!({"KeyId": A, "Limit": 50}));
}

#[tokio::test]
async fn a_write_is_one_request_whatever_is_answered() {
    const TYPE: &str = "__type";
    for (status, body, fault) in [
        (500, r#"{"__type": "KMSInternalException", "message": "no"}"#, Fault::Unknown),
        (500, r#"{"__type": "DependencyTimeoutException", "message": "no"}"#, Fault::Unknown),
        (400, r#"{"__type": "KMSInternalException", "message": "no"}"#, Fault::Unknown),
        (503, "", Fault::Unknown),
        (429, "", Fault::Throttled),
        (400, r#"{"__type": "ThrottlingException", "message": "no"}"#, Fault::Throttled),
        (400, r#"{"__type": "LimitExceededException", "message": "no"}"#, Fault::QuotaExceeded),
        (400, r#"{"__type": "AlreadyExistsException", "message": "no"}"#, Fault::AlreadyExists),
        (400, r#"{"__type": "com.amazonaws.kms#NotFoundException", "message": "Alias x"}"#, Fault::NotFound),
        (400, r#"{"__type": "NotFoundException", "message": "Invalid keyId 'x'"}"#, Fault::NoSuchReference),
        (400, r#"{"__type": "KMSInvalidStateException", "message": "no"}"#, Fault::InvalidState),
        (400, r#"{"__type": "AccessDeniedException", "Message": "no"}"#, Fault::AccessDenied),
        (400, r#"{"__type": "ExpiredTokenException", "message": "no"}"#, Fault::Credentials),
        (400, r#"{"__type": "RequestExpired", "message": "no"}"#, Fault::Credentials),
        (400, r#"{"__type": "ValidationException", "message": "no"}"#, Fault::Invalid),
        (403, "<html>", Fault::Invalid),
        (200, "<html>Sign in to the network</html>", Fault::Unknown),
        (200, r#"{"__type": "ThrottlingException", "message": "no"}"#, Fault::Unknown),
        (200, r#"{"Aliases": []}"#, Fault::Unknown),
        (202, "", Fault::Unknown),
        (307, "", Fault::Unknown),
    ] {
        let server = canned(status, body);
        let kms = server.kms().await;
        let name = alias("alias/app/x");
        for write in 0..3 {
            let answer = match write {
                0 => kms.create_alias(&name, &key(A)).await,
                1 => kms.update_alias(&name, &key(A)).await,
                _ => kms.delete_alias(&name).await,
            };
            let error = answer.unwrap_err();
            assert_eq!(error.fault, fault, "{status} {body}: {error}");
            assert!(!error.to_string().contains(TYPE), "no dump: {error}");
        }
        assert_eq!(server.requests.load(Ordering::SeqCst), 3, "{status} {body}");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_no_address_was_never_reached() {
    for url in ["not a url", "http://127.0.0.1:1"] {
        let server = Canned { url: url.to_owned(), requests: Arc::default(), said: Arc::default() };
        let error = server.kms().await.delete_alias(&alias("alias/app/x")).await.unwrap_err();
        assert_eq!(error.fault, Fault::NotSent, "{url}: {error}");
    }
}

#[tokio::test]
async fn a_write_is_done_where_the_service_answers_as_it_does() {
    for body in ["", "{}", "null", "\n"] {
        let kms = canned(200, body).kms().await;
        let name = alias("alias/app/x");
        assert!(kms.create_alias(&name, &key(A)).await.is_ok(), "{body:?}");
        assert!(kms.update_alias(&name, &key(A)).await.is_ok(), "{body:?}");
        assert!(kms.delete_alias(&name).await.is_ok(), "{body:?}");
    }
}

#[tokio::test]
async fn a_part_of_a_listing_is_none() {
    let error = page_error(206, r#"{"Aliases": [], "Truncated": false}"#).await;
    assert_eq!(error.to_string(), "ListAliases: the answer cannot be read: HTTP status 206");
}

#[tokio::test]
async fn what_is_known_of_a_key_is_of_the_one_that_was_asked_for() {
    let other =
        r#"{"KeyMetadata": {"KeyId": "bbbb2222-0000-4000-8000-000000000002", "KeyState": "Enabled"}}"#;
    let kms = canned(200, other).kms().await;
    let error = kms.describe_key(&key(A)).await.unwrap_err();
    let words = format!("DescribeKey: the answer cannot be read: it is about another key, {B}");
    assert_eq!((error.fault, error.to_string()), (Fault::Unknown, words));
    assert_eq!(kms.describe_key(&key(B)).await.unwrap().id, key(B));
    assert_eq!(kms.describe_alias(&alias("alias/app/x")).await.unwrap().id, key(B));
}

#[tokio::test]
async fn a_megabyte_of_an_endpoints_words_is_told_in_a_few_lines() {
    let long = "x\\u001b".repeat(200_000);
    for (status, body) in [
        (400, format!(r#"{{"__type": "{long}", "message": "{long}"}}"#)),
        (200, format!(r#"{{"Aliases": [{{"AliasName": "{long}"}}]}}"#)),
        (200, format!(r#"{{"Aliases": [{{"AliasName": "alias/app/x", "TargetKeyId": "{long}"}}]}}"#)),
        (200, format!("<{long}>")),
    ] {
        let told = page_error(status, body.leak()).await.to_string();
        assert!(told.len() < 20_000 && !told.contains('\u{1b}'), "{} bytes: {}", told.len(), &told[..200]);
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_given_up() {
    let kms = canned(200, " ".repeat(65 << 20).leak()).kms().await;
    let error = kms.delete_alias(&alias("alias/app/x")).await.unwrap_err();
    let words = "DeleteAlias: the answer cannot be read: length limit exceeded";
    assert_eq!((error.fault, error.to_string().as_str()), (Fault::Unknown, words));
}

#[tokio::test]
async fn events_are_asked_for_by_name_and_an_answer_without_any_list_is_no_quiet_region() {
    for body in ["", "{}", r#"{"Events": {}}"#, "<html>"] {
        let error = canned(200, body).kms().await.event_page("UpdateAlias", None).await.unwrap_err();
        assert_eq!((error.fault, error.operation), (Fault::Unknown, "LookupEvents"), "{body:?}: {error}");
    }
    let body = r#"{"Events": [{"EventId": "x"}, {"CloudTrailEvent": "not JSON"}], "NextToken": ""}"#;
    let server = canned(200, body);
    let page = server.kms().await.event_page("UpdateAlias", Some("t")).await.unwrap();
    let events = vec![String::new(), "not JSON".to_owned()];
    assert_eq!(page, EventPage { events, next_token: None });
    let said: serde_json::Value = serde_json::from_str(&server.said.lock().unwrap()).unwrap();
    let attribute = serde_json::json!([{"AttributeKey": "EventName", "AttributeValue": "UpdateAlias"}]);
    let asked = serde_json::json!({"LookupAttributes": attribute, "MaxResults": 50, "NextToken": "t"});
    assert_eq!(said, asked);
    let denied = r#"{"__type": "AccessDeniedException", "Message": "User: x is not authorized to perform: cloudtrail:LookupEvents because no identity-based policy allows the cloudtrail:LookupEvents action"}"#;
    let error = canned(400, denied).kms().await.event_page("UpdateAlias", None).await.unwrap_err();
    assert_eq!(error.hint().unwrap(), "the role needs cloudtrail:LookupEvents on resource \"*\"");
}

#[tokio::test]
async fn an_organization_is_only_what_the_answer_says_it_is() {
    for body in ["", "{}", r#"{"Accounts": [{"Id": "1"}]}"#, r#"{"Accounts": [{"Id": "111122223333"}]}"#] {
        let error = canned(200, body).kms().await.account_page("r-ab12", None).await.unwrap_err();
        assert!(error.message.starts_with("the answer cannot be read: "), "{body:?}: {error}");
    }
    for body in
        ["", "{}", r#"{"OrganizationalUnits": [{}]}"#, r#"{"OrganizationalUnits": [{"Id": "../r-ab12"}]}"#]
    {
        let error = canned(200, body).kms().await.ou_page("r-ab12", None).await.unwrap_err();
        assert!(error.message.starts_with("the answer cannot be read: "), "{body:?}: {error}");
    }
}

#[tokio::test]
async fn the_state_of_an_account_goes_before_its_status_which_is_retired() {
    let body = r#"{"Accounts": [{"Id": "111122223333", "State": "CLOSED", "Status": "ACTIVE"},
        {"Id": "222233334444", "Status": "ACTIVE"}, {"Id": "333344445555", "State": "NEW_ONE"}], "NextToken": ""}"#;
    let page = canned(200, body).kms().await.account_page("r-ab12", None).await.unwrap();
    let member = |(id, state): (&str, &str)| Member { account: id.into(), state: state.to_owned() };
    let states = [("111122223333", "CLOSED"), ("222233334444", "ACTIVE"), ("333344445555", "NEW_ONE")];
    assert_eq!(page.accounts, states.map(member));
    assert_eq!(page.next_token.as_deref(), Some(""), "an empty token is none to end with");
}

#[tokio::test]
async fn a_region_that_may_not_be_enabled_is_told_with_what_would_help() {
    let body = r#"{"__type": "UnrecognizedClientException", "message": "The security token included in the request is invalid."}"#;
    let hint = "the Region may not be enabled in that account: enable it, or leave it out of `regions`";
    let error = page_error(400, body).await;
    assert!(error.fault == Fault::Credentials && error.hint().unwrap().ends_with(hint), "{error:?}");
    let message =
        "the role cannot be assumed: RegionDisabledException: STS is not activated in this region".to_owned();
    let unassumed = KmsError { code: None, message, ..error };
    assert!(unassumed.hint().unwrap().ends_with(hint), "{unassumed:?}");
    let expired = page_error(400, r#"{"__type": "ExpiredTokenException", "message": "expired"}"#).await;
    assert!(!expired.hint().unwrap().contains("Region"), "{expired:?}");
}
