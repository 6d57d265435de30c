//! `doctor`: what is told of each thing that can be wrong on the way to a target, on FakeKms and as a process.

use std::io::{Read, Write};
use std::net::TcpListener;

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{Effect, Fault, Scenario};
use serde_json::Value;

use crate::commands::StrangerConnect;
use crate::fake::{A, FakeKms, world};
use crate::process::{kms_alias, ran, text, with_manifest};
use crate::ran::{run_on, run_with};

const MANIFEST: &str = "\
version: 1
scope: [alias/app/]
targets: {prod: {account: \"111122223333\", region: us-east-1}}
aliases:
  alias/app/a: aaaa1111-0000-4000-8000-000000000001
  alias/app/old: absent
";

const ROLES: &str =
    "roles: {plan: 'arn:aws:iam::{account}:role/read', apply: 'arn:aws:iam::{account}:role/write'}\n";

/// A world where calls of `operation` go wrong
fn faulty(operation: &str, effect: Effect) -> FakeKms {
    let faults = vec![Fault::new(operation, effect)];
    FakeKms::new(world(&[("alias/app/a", A)]), Scenario { faults, ..Scenario::default() })
}

#[tokio::test(start_paused = true)]
async fn what_works_is_a_tree_of_ok_and_what_cannot_be_tried_is_named() {
    let kms = FakeKms::with(&[("alias/app/a", A)]);
    let ran = run_on(&kms, MANIFEST, &["doctor"], None).await;
    let expected = format!(
        "\
[OK]   manifest  2 aliases in 1 target
prod/111122223333/us-east-1
  plan and apply, with the credentials as they are
    [OK]   credentials      found
    [OK]   identity         arn:aws:iam::111122223333:user/sandbox
    [OK]   endpoint         KMS answers for us-east-1
    [OK]   kms:ListAliases  one page was read
    [OK]   kms:DescribeKey  key {A} is Enabled
    [--]   kms:CreateAlias  cannot be tested without writing
    [--]   kms:DeleteAlias  cannot be tested without writing
    [--]   kms:UpdateAlias  cannot be tested without writing
Doctor: 5 ok, 0 warnings, 0 failed, 3 not tested.
"
    );
    assert_eq!((ran.out, ran.err, ran.exit), (expected, String::new(), Exit::Success));
    let writes = ["CreateAlias", "UpdateAlias", "DeleteAlias"];
    assert!(writes.iter().all(|write| kms.calls_to(write).is_empty()));
}

#[tokio::test(start_paused = true)]
async fn a_denied_read_fails_with_the_permission_in_its_hint_and_the_rest_is_still_tried() {
    for (operation, line, hint) in [
        ("ListAliases", "[FAIL] kms:ListAliases", "hint: the role needs kms:ListAliases on resource \"*\""),
        (
            "DescribeKey",
            "[FAIL] kms:DescribeKey",
            "hint: grant kms:DescribeKey on arn:aws:kms:us-east-1:111122223333:key/aaaa",
        ),
        ("GetCallerIdentity", "[FAIL] identity", "hint: "),
    ] {
        let ran = run_on(&faulty(operation, Effect::AccessDenied), MANIFEST, &["doctor"], None).await;
        assert_eq!(ran.exit, Exit::Runtime, "{operation}");
        assert!(ran.out.contains(line) && ran.out.contains(hint), "{}", ran.out);
        assert!(ran.out.contains(" 1 failed, 3 not tested."), "{}", ran.out);
    }
}

#[tokio::test(start_paused = true)]
async fn policies_and_the_trail_are_tried_only_where_asked_for_and_with_the_role_that_plans() {
    let manifest = format!("{MANIFEST}{ROLES}");
    for (flags, tried) in [
        (&["doctor"][..], [0, 0, 0]),
        (&["doctor", "--access"], [1, 0, 0]),
        (&["doctor", "--access=iam"], [1, 1, 0]),
        (&["doctor", "--blame"], [0, 0, 1]),
    ] {
        let kms = FakeKms::with(&[("alias/app/a", A)]);
        let ran = run_on(&kms, &manifest, flags, None).await;
        assert_eq!(ran.exit, Exit::Success, "{flags:?} {}", ran.out);
        let permissions =
            ["kms:GetKeyPolicy", "iam:GetAccountAuthorizationDetails", "cloudtrail:LookupEvents"];
        for (permission, tried) in permissions.into_iter().zip(tried) {
            let (_, operation) = permission.split_once(':').unwrap();
            assert_eq!(kms.calls_to(operation).len(), tried, "{flags:?} {permission}");
            assert_eq!(ran.out.matches(&format!("[OK]   {permission}")).count(), tried, "{}", ran.out);
        }
    }
    let ran =
        run_on(&faulty("LookupEvents", Effect::AccessDenied), MANIFEST, &["doctor", "--blame"], None).await;
    assert_eq!(ran.exit, Exit::Runtime);
    assert!(ran.out.contains("[FAIL] cloudtrail:LookupEvents"), "{}", ran.out);
    let operation = "GetAccountAuthorizationDetails";
    let ran =
        run_on(&faulty(operation, Effect::AccessDenied), MANIFEST, &["doctor", "--access=iam"], None).await;
    assert_eq!(ran.exit, Exit::Runtime);
    assert!(ran.out.contains("[FAIL] iam:GetAccountAuthorizationDetails"), "{}", ran.out);
    assert!(
        ran.out.contains("hint: the role needs iam:GetAccountAuthorizationDetails on resource \"*\""),
        "{}",
        ran.out
    );
}

#[tokio::test(start_paused = true)]
async fn credentials_that_are_over_or_of_another_account_end_the_examination() {
    let kms = faulty("GetCallerIdentity", Effect::Expired);
    let ran = run_on(&kms, MANIFEST, &["doctor"], None).await;
    assert!(ran.out.contains("[FAIL] credentials") && ran.out.contains("sign in again"), "{}", ran.out);
    let stranger = FakeKms::with(&[]);
    let elsewhere = MANIFEST.replace("111122223333", "444455556666");
    let connect = |_| StrangerConnect(stranger.clone());
    let ran = run_with(connect, &elsewhere, &["doctor"], None).await;
    assert_eq!(ran.exit, Exit::Runtime);
    for words in ["[FAIL] identity", "they are for account 111122223333", "of account 444455556666"] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    for kms in [kms, stranger] {
        assert!(kms.calls_to("ListAliases").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_declared_key_that_is_not_there_is_a_warning_and_without_one_a_live_alias_is_tried() {
    let gone = MANIFEST.replace(A, "99999999-0000-4000-8000-000000000009");
    let ran = run_on(&FakeKms::with(&[]), &gone, &["doctor"], None).await;
    assert_eq!(ran.exit, Exit::Success);
    assert!(ran.out.contains("[WARN] kms:DescribeKey") && ran.out.contains("1 warning"), "{}", ran.out);
    let none = MANIFEST.replace("  alias/app/a: aaaa1111-0000-4000-8000-000000000001\n", "");
    let kms = FakeKms::with(&[("alias/aws/s3", A), ("alias/app/x", A)]);
    let ran = run_on(&kms, &none, &["doctor"], None).await;
    assert!(ran.out.contains(&format!("[OK]   kms:DescribeKey  key {A} is Enabled")), "{}", ran.out);
    assert_eq!(kms.calls_to("DescribeKey")[0].input["KeyId"], "alias/app/x", "never one of AWS's own");
    let ran = run_on(&FakeKms::with(&[]), &none, &["doctor"], None).await;
    assert!(ran.out.contains("[--]   kms:DescribeKey"), "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn both_roles_are_looked_at_where_they_differ() {
    let kms = FakeKms::with(&[]);
    let ran = run_on(&kms, &format!("{MANIFEST}{ROLES}"), &["doctor", "-o", "json"], None).await;
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&json["kind"], &json["ok"]), (&"doctor".into(), &true.into()));
    let roles = json["targets"][0]["roles"].as_array().unwrap();
    assert_eq!(roles.len(), 2);
    assert_eq!(roles[1]["role"], "arn:aws:iam::111122223333:role/write");
    let writes = |role: &Value| {
        role["checks"].as_array().unwrap().iter().filter(|c| c["status"] == "untested").count()
    };
    assert_eq!((writes(&roles[0]), writes(&roles[1])), (0, 3), "only the role that applies writes");
}

#[tokio::test(start_paused = true)]
async fn an_invalid_manifest_is_its_first_finding() {
    let ran = run_on(&FakeKms::with(&[]), "version: 2\n", &["doctor"], None).await;
    assert_eq!(ran.exit, Exit::Manifest);
    assert!(ran.out.starts_with("[FAIL] manifest") && ran.err.contains("error"), "{}{}", ran.out, ran.err);
    let ran = run_on(&FakeKms::with(&[]), "version: 2\n", &["doctor", "-o", "json"], None).await;
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["valid"], false);
}

#[test]
fn on_the_sandbox_the_sdk_shows_the_clock_the_endpoint_and_a_role_that_cannot_be_assumed() {
    let directory =
        with_manifest(&format!("{MANIFEST}{ROLES}").replace(A, "bbbb2222-0000-4000-8000-000000002026"));
    let fine = ran(directory.path(), &["doctor", "--sandbox"]);
    let out = text(&fine.stdout);
    assert_eq!(fine.status.code(), Some(0), "{out}");
    for words in [
        "[OK]   role             arn:aws:iam::111122223333:role/write is assumed",
        "[OK]   identity         arn:aws:sts::111122223333:assumed-role/write/kms-alias",
        "[OK]   clock            agrees with the service's",
        "[OK]   endpoint         http://127.0.0.1:",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
    let rule = "{operation: AssumeRole, role: '**/write', effect: access-denied}";
    let refused = ran(directory.path(), &["doctor", "--sandbox", "--fault", rule]);
    let out = text(&refused.stdout);
    assert_eq!(refused.status.code(), Some(1), "{out}");
    assert!(out.contains("[FAIL] role") && out.contains("1 failed"), "the role that reads works: {out}");
    assert!(
        out.contains("hint: grant sts:AssumeRole on arn:aws:iam::111122223333:role/write to arn:aws"),
        "{out}"
    );
}

#[test]
fn a_clock_that_is_off_is_found_even_where_it_makes_every_signature_fail() {
    let directory = with_manifest(MANIFEST);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().flatten().for_each(answer_from_2001));
    let mut command = kms_alias(directory.path(), &["doctor", "--endpoint-url", &url]);
    let ran = command.env("AWS_ACCESS_KEY_ID", "1").env("AWS_SECRET_ACCESS_KEY", "2").output().unwrap();
    let out = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(1), "{out}");
    assert!(out.contains("[FAIL] credentials") && out.contains("Signature expired"), "{out}");
    assert!(out.contains("[FAIL] clock") && out.contains(" s ahead of the service's"), "{out}");
    assert!(out.contains("hint: set this machine's clock"), "{out}");
}

fn answer_from_2001(mut stream: std::net::TcpStream) {
    let _ = stream.read(&mut [0; 1 << 16]);
    let body = "<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code>\
                <Message>Signature expired: it is 2001 here</Message></Error></ErrorResponse>";
    let _ = write!(
        stream,
        "HTTP/1.1 403 Forbidden\r\nDate: Mon, 01 Jan 2001 00:00:00 GMT\r\nContent-Type: text/xml\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}
