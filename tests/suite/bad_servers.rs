//! The real program against servers that mislead it: each ends with one sentence, the cause in it once, a hint, and nothing
//! written; or it finds the truth behind a bent answer.

use std::process::Output;
use std::sync::OnceLock;

use aws_smithy_types::date_time::{DateTime, Format};
use kms_alias::sandbox::Scenario;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bent::{Asked, Bent, Response, refusal};
use crate::fake::{A, B, C, world};
use crate::loopback::{Site, against};
use crate::process::{signal, text, with_manifest};

const MANIFEST: &str = "\
version: 1
scope: [alias/app/]
guards: {max_delete: 100%, max_update: 100%}
rates: {create: 60, update: 60, delete: 60}
aliases:
  alias/app/gone: absent
  alias/app/moved: bbbb2222-0000-4000-8000-000000000002
  alias/app/new: aaaa1111-0000-4000-8000-000000000001
";

const LIVE: [(&str, &str); 4] =
    [("alias/app/gone", C), ("alias/app/kept", C), ("alias/app/moved", A), ("alias/other/team", B)];

const WANTED: [(&str, &str); 4] =
    [("alias/app/kept", C), ("alias/app/moved", B), ("alias/app/new", A), ("alias/other/team", B)];

const APPLY: [&str; 6] = ["apply", "-y", "--steady", "1", "--receipt", "receipt.jsonl"];

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned())).collect()
}

/// It ended with this code, and says this once and that
#[track_caller]
fn assert_told(ran: &Output, code: i32, once: &str, hint: &str) {
    let told = format!("{}{}", text(&ran.stdout), text(&ran.stderr));
    assert_eq!(ran.status.code(), Some(code), "{told}");
    assert_eq!(told.matches(once).count(), 1, "{once:?} is not there once: {told}");
    assert!(told.contains(hint), "{hint:?} is not there: {told}");
}

/// Runs an apply on a sandbox that plays this scenario, which must write nothing
fn misled(scenario: &str) -> Output {
    let site = Site::new(MANIFEST, world(&LIVE), Scenario::parse(scenario).unwrap());
    let ran = site.run(&APPLY);
    assert_eq!(site.writes(), [], "{scenario}: {}", text(&ran.stdout));
    ran
}

/// Where a read ran out of time
const SILENCE: &str = "hint  nothing was changed by it: run again with -v, which shows each answer; against throttles a longer --timeout helps";
const NETWORK: &str = "hint  nothing was changed by it: check --endpoint-url and the network, and run again";
const UNTRUE: &str = "hint  run again; if it stays, look at what stands between here and KMS";
const CREDENTIALS: &str = "hint  check with `aws sts get-caller-identity`";

#[test]
fn a_read_that_goes_wrong_is_told_in_one_sentence_and_nothing_is_written() {
    let unreadable = "ListAliases: the answer cannot be read: ";
    let error = |operation: &str, code: &str| {
        format!(
            "faults: [{{operation: {operation}, effect: {{error: {{code: {code}, message: not you, status: 403}}}}}}]"
        )
    };
    let paging = |defect: &str| format!("paging: {{limit: 1, defect: {defect}}}");
    let listing = |effect: &str| format!("faults: [{{operation: ListAliases, effect: {effect}}}]");
    let second = |effect: &str| {
        format!("paging: {{limit: 2}}\nfaults: [{{operation: ListAliases, after: 1, effect: {effect}}}]")
    };
    let cases = [
        (listing("malformed"), unreadable, NETWORK),
        (listing("truncated"), unreadable, NETWORK),
        (
            second("malformed"),
            "list the live aliases (page 2): ListAliases: the answer cannot be read: ",
            NETWORK,
        ),
        (second("drop-response"), "(page 2): ListAliases: no answer: connection closed", NETWORK),
        (listing("internal"), "ListAliases: KMSInternalException: ", NETWORK),
        (listing("throttle"), "ListAliases: ThrottlingException: ", "lower --parallelism"),
        (listing("expired"), "ListAliases: ExpiredTokenException: ", CREDENTIALS),
        (error("GetCallerIdentity", "ExpiredToken"), "GetCallerIdentity: ExpiredToken: not you", CREDENTIALS),
        (error("GetCallerIdentity", "InvalidClientTokenId"), "InvalidClientTokenId: not you", CREDENTIALS),
        (error("GetCallerIdentity", "SignatureDoesNotMatch"), "SignatureDoesNotMatch: not you", CREDENTIALS),
        (
            error("ListAliases", "UnrecognizedClientException"),
            "UnrecognizedClientException: not you",
            CREDENTIALS,
        ),
        (
            paging("repeated-marker"),
            "list the live aliases: page 2 ends with a marker that came before",
            UNTRUE,
        ),
        (
            paging("missing-marker"),
            "list the live aliases: page 1 says that more follow but gives no marker",
            UNTRUE,
        ),
        (
            paging("empty-marker"),
            "list the live aliases: page 1 says that more follow but gives no marker",
            UNTRUE,
        ),
        (
            paging("stray-marker"),
            "list the live aliases: page 1 says that no more follow but gives a marker",
            UNTRUE,
        ),
    ];
    std::thread::scope(|scope| {
        for (scenario, once, hint) in &cases {
            scope.spawn(move || assert_told(&misled(scenario), 1, once, hint));
        }
    });
}

/// Each of these waits for the adapter's own time-outs, the longest a minute, all at once
#[test]
fn a_server_that_stays_silent_is_given_up() {
    let silent = |operation: &str| format!("faults: [{{operation: {operation}, effect: silent}}]");
    std::thread::scope(|scope| {
        for operation in ["GetCallerIdentity", "ListAliases"] {
            scope.spawn(move || {
                let once = format!("{operation}: no answer in time");
                assert_told(&misled(&silent(operation)), 1, &once, SILENCE);
            });
        }
        scope.spawn(|| {
            let scenario = "faults: [{operation: CreateAlias, effect: silent}]";
            let site = Site::new(MANIFEST, world(&LIVE), Scenario::parse(scenario).unwrap());
            let ran = site.run(&[&APPLY[..], &["--wait-timeout", "1s"]].concat());
            assert_told(
                &ran,
                6,
                "CreateAlias: no answer in time",
                "hint  run again: what may have been changed is read back first",
            );
            let creates = site.writes().into_iter().filter(|(operation, ..)| operation == "CreateAlias");
            assert_eq!(creates.count(), 1, "patience is spent by the silence");
            assert!(
                site.truth().contains_key("alias/app/gone"),
                "nothing is deleted while a create is missing"
            );
        });
    });
}

#[test]
fn a_shorter_timeout_gives_a_silent_server_up_before_the_second_attempt() {
    let scenario = Scenario::parse("faults: [{operation: ListAliases, effect: silent}]").unwrap();
    let site = Site::new(MANIFEST, world(&LIVE), scenario);
    let ran = site.run(&[&APPLY[..], &["--timeout", "2s"]].concat());
    assert_told(&ran, 1, "ListAliases: no answer in time, or none but throttles", SILENCE);
    let listings = site
        .sandbox
        .with(|service| service.calls().iter().filter(|call| call.operation == "ListAliases").count());
    assert_eq!(listings, 1, "two seconds are not enough for a second attempt, which begins after ten");
}

#[test]
fn an_endpoint_where_nobody_listens_is_told_with_its_cause() {
    let directory = with_manifest(MANIFEST);
    let ran = against("http://127.0.0.1:1", &directory, &APPLY).output().unwrap();
    assert_told(&ran, 1, "Connection refused", "hint  check the Region, --endpoint-url and the network");
}

/// Applies on a server whose answers `bend` bends
fn bent(bend: impl Fn(&Asked, Response) -> Option<Response> + Send + Sync + 'static) -> (Bent, Output) {
    let (server, directory) = (Bent::start(world(&LIVE), bend), with_manifest(MANIFEST));
    let ran = apply(&server, &directory);
    (server, ran)
}

fn apply(server: &Bent, directory: &TempDir) -> Output {
    against(&server.url, directory, &APPLY).output().unwrap()
}

#[track_caller]
fn assert_converged(server: &Bent, ran: &Output, writes: usize) {
    assert_told(ran, 0, "converged after", "1 created, 1 retargeted, 0 replaced, 0 renamed, 1 deleted");
    assert_eq!(server.truth(), pairs(&WANTED));
    assert_eq!(server.writes(), writes);
}

/// A page of the listing with these entries, and where the next one begins
fn page(entries: &[Value], next: Option<&str>) -> Response {
    let mut body = json!({"Aliases": entries, "Truncated": next.is_some()});
    if let Some(next) = next {
        body["NextMarker"] = next.into();
    }
    Response::new(200, body.to_string())
}

fn entries(response: &Response) -> Vec<Value> {
    let body: Value = serde_json::from_str(&response.body).unwrap();
    body["Aliases"].as_array().unwrap().clone()
}

#[test]
fn pages_that_repeat_names_and_come_in_no_order_are_a_listing_all_the_same() {
    let (server, ran) = bent(|asked, whole| {
        if asked.operation != "ListAliases" {
            return Some(whole);
        }
        let mut all = entries(&whole);
        all.reverse();
        let half = all.len() / 2;
        Some(match asked.input["Marker"].as_str() {
            None => page(&all[half..], Some("empty")),
            Some("empty") => page(&[], Some("again")),
            Some("again") => page(&all[half..], Some("rest")),
            _ => page(&all, None),
        })
    });
    assert_converged(&server, &ran, 3);
}

#[test]
fn a_name_that_is_listed_on_two_keys_is_no_listing() {
    let (server, ran) = bent(|asked, whole| match asked.operation.as_str() {
        "ListAliases" => {
            let mut all = entries(&whole);
            all.push(json!({"AliasName": "alias/app/kept", "TargetKeyId": A}));
            Some(page(&all, None))
        }
        _ => Some(whole),
    });
    assert_told(&ran, 1, "alias/app/kept is listed twice, on key cccc3333", "it was changed meanwhile");
    assert_eq!(server.writes(), 0);
}

#[cfg(unix)]
#[test]
fn an_endless_listing_can_be_interrupted_and_is_never_acted_on() {
    let server = Bent::start(world(&LIVE), |asked, whole| match asked.operation.as_str() {
        "ListAliases" => Some(page(&entries(&whole), Some(&format!("page {}", asked.nth)))),
        _ => Some(whole),
    });
    let directory = with_manifest(MANIFEST);
    let mut child = against(&server.url, &directory, &APPLY).spawn().unwrap();
    while server.count("ListAliases") < 100 && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    signal(&child, "-INT");
    let ran = child.wait_with_output().unwrap();
    assert_eq!(ran.status.code(), Some(130), "{}{}", text(&ran.stdout), text(&ran.stderr));
    assert_eq!(server.writes(), 0);
}

#[test]
fn a_connection_that_is_reset_is_told_as_such() {
    let (server, ran) = bent(|asked, whole| (asked.operation != "ListAliases").then_some(whole));
    assert_told(&ran, 1, "Connection reset by peer", NETWORK);
    assert!(server.count("ListAliases") > 1, "a read is tried again");
    assert_eq!(server.writes(), 0);
}

/// The first half of the body, with the length of that half or of the whole
fn cut(whole: &Response, honest: bool) -> Response {
    let body = whole.body[..whole.body.len() / 2].to_owned();
    let length = if honest { body.len() } else { whole.body.len() };
    Response { length, ..Response::new(200, body) }
}

#[test]
fn half_a_page_is_no_page_whatever_length_it_claims() {
    for honest in [true, false] {
        let (server, ran) = bent(move |asked, whole| {
            Some(if asked.operation == "ListAliases" { cut(&whole, honest) } else { whole })
        });
        assert_told(&ran, 1, "ListAliases: the answer cannot be read: ", NETWORK);
        assert_eq!(server.writes(), 0);
    }
}

#[test]
fn a_write_whose_answer_is_lost_or_unreadable_is_looked_after_and_not_repeated() {
    let bends: [fn() -> Option<Response>; 4] = [
        || None,
        || Some(Response::new(200, "<html>".to_owned())),
        || Some(Response { length: 9, ..Response::new(200, "{".to_owned()) }),
        || Some(Response::new(502, "Bad Gateway".to_owned())),
    ];
    for bend in bends {
        let (server, ran) = bent(move |asked, whole| match asked.operation.as_str() {
            "CreateAlias" | "UpdateAlias" | "DeleteAlias" => bend(),
            _ => Some(whole),
        });
        assert_converged(&server, &ran, 3);
    }
}

/// Seconds since 1970 as a signature has them, in the years that these tests may be run in
fn seconds(signed: &str) -> i64 {
    let text = format!(
        "{}-{}-{}T{}:{}:{}Z",
        &signed[..4],
        &signed[4..6],
        &signed[6..8],
        &signed[9..11],
        &signed[11..13],
        &signed[13..15]
    );
    DateTime::from_str(&text, Format::DateTime).unwrap().secs()
}

const TWENTY_MINUTES: i64 = 1200;

/// What the service answers a signature of another time, and the time that it believes it is
fn refuse_by_clock(asked: &Asked, whole: Response, now: i64, dated: bool) -> Response {
    let signed = seconds(&asked.signed);
    let mut response = match (now - signed).abs() <= 300 {
        true => whole,
        false if asked.operation == "GetCallerIdentity" => Response::new(403, EXPIRED_XML.to_owned()),
        false => refusal(400, "InvalidSignatureException", EXPIRED),
    };
    if dated {
        let date = DateTime::from_secs(now).fmt(Format::HttpDate).unwrap();
        response.headers = format!("date: {date}\r\n");
    }
    response
}

const EXPIRED: &str =
    "Signature expired: 20261201T090000Z is now earlier than 20261201T091500Z (20261201T092000Z - 5 min.)";
const EXPIRED_XML: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>\
    Signature expired: 20261201T090000Z is now earlier than 20261201T091500Z (20261201T092000Z - 5 min.)\
    </Message></Error></ErrorResponse>";

/// A service whose clock is so far ahead of the first signature that it sees
fn ahead(dated: bool) -> impl Fn(&Asked, Response) -> Option<Response> {
    let first = OnceLock::new();
    move |asked, whole| {
        let now = *first.get_or_init(|| seconds(&asked.signed)) + TWENTY_MINUTES;
        Some(refuse_by_clock(asked, whole, now, dated))
    }
}

#[test]
fn a_clock_that_is_twenty_minutes_off_is_corrected_by_what_the_service_says() {
    let (server, ran) = bent(ahead(true));
    assert_converged(&server, &ran, 3);
}

#[test]
fn a_clock_that_cannot_be_corrected_is_told_with_what_helps() {
    let (server, ran) = bent(ahead(false));
    assert_told(
        &ran,
        1,
        "SignatureDoesNotMatch: Signature expired: ",
        "hint  set this machine's clock by NTP",
    );
    assert_eq!(server.writes(), 0);
}

#[test]
fn credentials_that_expire_between_two_writes_end_the_apply_and_the_next_one_finishes_it() {
    let expired = "faults: [{operation: UpdateAlias, effect: expired}]";
    let site = Site::new(MANIFEST, world(&LIVE), Scenario::parse(expired).unwrap());
    let ran = site.run(&APPLY);
    assert_told(&ran, 6, "UpdateAlias: ExpiredTokenException: ", CREDENTIALS);
    assert!(site.truth().contains_key("alias/app/gone"), "nothing is deleted after that");
    site.sandbox.with(|service| service.play(Scenario::default()));
    let again = site.run(&["apply", "-y", "--receipt", "again.jsonl"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stdout));
    assert_eq!(site.truth().into_iter().collect::<Vec<_>>(), pairs(&WANTED));
}

#[test]
fn an_access_key_that_no_request_can_carry_is_told_and_not_sent() {
    let site = Site::new(MANIFEST, world(&LIVE), Scenario::default());
    let ran = site.kms_alias(&["plan"]).env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE\n").output().unwrap();
    assert_told(&ran, 1, "no credentials: the access key id is empty, or has a line break", CREDENTIALS);
    assert_eq!(site.requests(), 0);
}
