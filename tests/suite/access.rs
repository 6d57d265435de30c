//! `plan --access` as a whole: key policies put into the world as their owners would, read back, and told.

use std::io::Write;

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{Effect, Fault, Request, Scenario};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::fake::{A, ACCOUNT, B, FakeKms, REGION, world};
use crate::ran::run_on;

const MANIFEST: &str = "\
version: 1
scope: [alias/app/]
aliases:
  alias/app/db: bbbb2222-0000-4000-8000-000000000002
";

fn statement(sid: &str, condition: Value) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/app"},
           "Action": "kms:Decrypt", "Resource": "*", "Condition": condition})
}

fn put_policy(kms: &FakeKms, key: &str, statements: &Value) {
    let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let input = json!({"KeyId": key, "PolicyName": "default", "Policy": policy});
    let request = Request { caller: ACCOUNT, region: REGION, operation: "PutKeyPolicy", input: &input };
    kms.service().world_mut().call(kms.at(), &request).unwrap();
}

fn kms(scenario: Scenario) -> FakeKms {
    FakeKms::new(world(&[("alias/app/db", A), ("alias/other", A)]), scenario)
}

fn lines(out: &str) -> Vec<&str> {
    out.lines().filter_map(|line| line.strip_prefix("  access  ")).collect()
}

fn file(content: &Value) -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(".json").unwrap();
    file.write_all(content.to_string().as_bytes()).unwrap();
    file
}

#[tokio::test(start_paused = true)]
async fn a_retarget_shows_whose_statements_go_with_the_alias() {
    let kms = kms(Scenario::default());
    let by_name = statement("AppDecrypt", json!({"StringEquals": {"kms:RequestAlias": "alias/app/db"}}));
    let mut service = statement("Via", json!({"StringLike": {"kms:RequestAlias": "alias/app/*"}}));
    service["Condition"]["StringEquals"] = json!({"kms:ViaService": "s3.us-east-1.amazonaws.com"});
    let strange = statement("Odd", json!({"StringFoo": {"kms:RequestAlias": "alias/app/db"}}));
    put_policy(&kms, A, &json!([by_name]));
    put_policy(&kms, B, &json!([by_name, service, strange]));
    let ran = run_on(&kms, MANIFEST, &["plan", "--access"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    let in_requests = "in requests that name alias/app/db";
    assert_eq!(
        lines(&ran.out),
        [
            format!(
                "statement \"AppDecrypt\" (Allow kms:Decrypt, role/app) ceases to match key aaaa1111 {in_requests}"
            ),
            format!(
                "statement \"AppDecrypt\" (Allow kms:Decrypt, role/app) begins to match key bbbb2222 {in_requests}"
            ),
            format!(
                "statement \"Via\" (Allow kms:Decrypt, role/app) begins to match key bbbb2222 {in_requests} \
                 (taking kms:ViaService to hold)"
            ),
            format!(
                "statement \"Odd\" (Allow kms:Decrypt, role/app) is unknown on key bbbb2222 {in_requests}: operator StringFoo"
            ),
        ]
    );
    assert!(ran.out.contains("API calls: 3 ListAliases, 2 GetKeyPolicy, 2 DescribeKey."), "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn without_the_flag_no_policy_is_read() {
    let kms = kms(Scenario::default());
    let ran = run_on(&kms, MANIFEST, &["plan", "-o", "json"], None).await;
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert!(json["targets"][0].get("access").is_none() && kms.calls_to("GetKeyPolicy").is_empty());
    assert_eq!(kms.calls_to("ListAliases").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_may_not_be_read_is_said_for_its_key_and_the_plan_stands() {
    let denied = Fault {
        alias: Some(A.to_owned().try_into().unwrap()),
        ..Fault::new("GetKeyPolicy", Effect::AccessDenied)
    };
    let kms = kms(Scenario { faults: vec![denied], ..Scenario::default() });
    put_policy(
        &kms,
        B,
        &json!(statement("S", json!({"StringEquals": {"kms:RequestAlias": "alias/app/db"}}))),
    );
    let ran = run_on(&kms, MANIFEST, &["plan", "--access=keys"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    let lines = lines(&ran.out);
    assert!(lines[0].starts_with("statement \"S\" (") && lines[0].contains("begins to match key bbbb2222"));
    let unread = "the key policy of key aaaa1111 could not be read: GetKeyPolicy: AccessDeniedException";
    assert!(lines[1].starts_with(unread), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_no_policy_notices_says_so_and_one_without_changes_says_nothing() {
    let kms = kms(Scenario::default());
    let ran = run_on(&kms, MANIFEST, &["plan", "--access"], None).await;
    assert_eq!(lines(&ran.out), ["no statement about aliases begins or ceases to match (2 keys looked at)"]);
    let in_sync = MANIFEST.replace(B, A);
    let ran = run_on(&kms, &in_sync, &["plan", "--access"], None).await;
    assert_eq!(ran.out, "No changes. 1 in sync, 0 unmanaged.\n");
    assert_eq!(kms.calls_to("GetKeyPolicy").len(), 2, "of the first run");
}

#[tokio::test(start_paused = true)]
async fn exported_policies_of_the_account_are_looked_at_as_well_and_may_lock_the_program_out() {
    let me = "arn:aws:iam::111122223333:user/sandbox";
    let manage = json!({"Version": "2012-10-17", "Statement": {
        "Sid": "ManageByName", "Effect": "Allow", "Action": "kms:*Alias", "Resource": "arn:aws:kms:*:111122223333:key/*",
        "Condition": {"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/app/*"}}}});
    let account = json!({"UserDetailList": [{"Arn": me, "UserPolicyList": [
        {"PolicyName": "aliases", "PolicyDocument": manage}]}]});
    let file = file(&account);
    let kms = FakeKms::with(&[("alias/app/db", A), ("alias/app/old", B), ("alias/app/end", B)]);
    let manifest = "version: 1\nscope: [alias/app/]\naliases:\n  alias/app/db: bbbb2222-0000-4000-8000-000000000002\n  \
                    alias/app/old: absent\n  alias/app/new: aaaa1111-0000-4000-8000-000000000001\n  \
                    alias/app/end: bbbb2222-0000-4000-8000-000000000002\n";
    let args = ["plan", "--access", "--access-policy", file.path().to_str().unwrap()];
    let ran = run_on(&kms, manifest, &args, None).await;
    assert_eq!(
        lines(&ran.out),
        [
            "the role that applies may lose kms:CreateAlias on key aaaa1111 before the turn of alias/app/new: it depends on \
          which of the writes that run side by side comes first"
        ],
        "{}{}",
        ran.out,
        ran.err
    );
    let ran = run_on(&FakeKms::with(&[("alias/app/db", A)]), MANIFEST, &args, None).await;
    let subject = "statement \"ManageByName\" of policy aliases (Allow kms:*Alias, user/sandbox)";
    assert_eq!(
        lines(&ran.out),
        [
            format!("{subject} ceases to match key aaaa1111"),
            format!("{subject} begins to match key bbbb2222"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_json_says_the_same_and_hostile_text_stays_on_its_line() {
    let kms = kms(Scenario::default());
    let mut hostile =
        statement("S\u{1b}[2J\nPlan: 0", json!({"StringEquals": {"kms:RequestAlias": "alias/app/db"}}));
    hostile["Principal"] = "*".into();
    put_policy(&kms, B, &json!([hostile]));
    let ran = run_on(&kms, MANIFEST, &["plan", "--access"], None).await;
    assert!(
        ran.out.contains("statement \"S\\u{1b}[2J\\nPlan: 0\" (Allow kms:Decrypt, anyone) begins"),
        "{}",
        ran.out
    );
    let ran = run_on(&kms, MANIFEST, &["plan", "--access", "-o", "json"], None).await;
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    let finding = &json["targets"][0]["access"][0];
    assert_eq!((&finding["kind"], &finding["key"]), (&"begins".into(), &B.into()));
    assert_eq!(finding["requests"], json!({"aliases": ["alias/app/db"], "by_key": false}));
    assert_eq!(
        (&finding["statement"]["effect"], &finding["statement"]["principals"]),
        (&"Allow".into(), &json!(["*"]))
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_flags_do_not_do_is_said() {
    for (args, exit, words) in [
        (&["plan", "--access=all"][..], Exit::Usage, "[possible values: keys, iam]"),
        (&["plan", "--access-policy", "x.json"], Exit::Usage, "--access"),
        (
            &["plan", "--access", "--access-policy", "no/such/file"],
            Exit::Runtime,
            "failed to read no/such/file",
        ),
    ] {
        let ran = run_on(&kms(Scenario::default()), MANIFEST, args, None).await;
        assert_eq!(ran.exit, exit, "{args:?} {}", ran.err);
        assert!(ran.err.contains(words), "{}", ran.err);
    }
}
