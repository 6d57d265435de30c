//! `plan --access=iam` as a whole: an account's IAM policies put into the world, read back, and told; and what is said where they
//! cannot be read.

use std::io::Write;

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{Effect, Fault, Home, Iam, Key, Paging, PagingDefect, Running, Scenario, start};
use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempDir};

use crate::fake::{A, ACCOUNT, B, FakeKms, REGION, world};
use crate::process::{kms_alias, ran, text};
use crate::ran::run_on;

const OPERATION: &str = "GetAccountAuthorizationDetails";
const MANIFEST: &str = "\
version: 1
scope: [alias/app/]
aliases:
  alias/app/db: bbbb2222-0000-4000-8000-000000000002
";

fn policy(sid: &str, condition: &Value) -> Value {
    let statement = json!({"Sid": sid, "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": condition});
    json!({"Version": "2012-10-17", "Statement": statement})
}

/// A role with an inline policy and, with a group, a managed one; a user with nothing that is about aliases
fn account() -> Value {
    let inline = policy("Inline", &json!({"StringEquals": {"kms:RequestAlias": "alias/app/db"}}));
    let managed =
        policy("Managed", &json!({"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/app/*"}}));
    json!({
        "users": {"sandbox": {"policies": {"é % all": {"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Action": "*", "Resource": "*"}}}}},
        "groups": {"ops": {"attached": ["by-alias"]}},
        "roles": {"app": {"policies": {"inline": inline}, "attached": ["by-alias"]}, "idle": {}},
        "policies": {"by-alias": managed, "unused": managed},
    })
}

fn with(account: &Value, scenario: Scenario) -> FakeKms {
    let mut world = world(&[("alias/app/db", A)]);
    world.put_iam(ACCOUNT, serde_json::from_value::<Iam>(account.clone()).unwrap());
    FakeKms::new(world, scenario)
}

fn lines(out: &str) -> Vec<String> {
    out.lines().filter_map(|line| line.strip_prefix("  access  ")).map(str::to_owned).collect()
}

/// What there is to say about `account`
fn findings() -> Vec<String> {
    let managed = "statement \"Managed\" of policy by-alias (Allow kms:Decrypt, group/ops, role/app)";
    let inline = "statement \"Inline\" of policy inline (Allow kms:Decrypt, role/app)";
    let named = "in requests that name alias/app/db";
    [("ceases", "aaaa1111"), ("begins", "bbbb2222")]
        .into_iter()
        .flat_map(|(change, key)| {
            let on = format!("{change} to match key {key}");
            [format!("{managed} {on}"), format!("{inline} {on} {named}")]
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn policies_of_the_account_are_read_live_whatever_the_pages() {
    for limit in [None, Some(1), Some(2)] {
        let paging = Paging { limit, defect: None };
        let kms = with(&account(), Scenario { paging, ..Scenario::default() });
        let ran = run_on(&kms, MANIFEST, &["plan", "--access=iam"], None).await;
        assert_eq!((ran.exit, lines(&ran.out)), (Exit::Success, findings()), "{}{}", ran.out, ran.err);
        let pages = limit.map_or(1, |limit| 6_usize.div_ceil(limit.try_into().unwrap()));
        assert_eq!(kms.calls_to(OPERATION).len(), pages);
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_without_principals_is_a_valid_answer() {
    let kms = FakeKms::with(&[("alias/app/db", A)]);
    let ran = run_on(&kms, MANIFEST, &["plan", "--access=iam"], None).await;
    assert_eq!(lines(&ran.out), ["no statement about aliases begins or ceases to match (2 keys looked at)"]);
    assert_eq!(kms.calls_to(OPERATION).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_account_is_read_once_and_only_for_its_own_keys() {
    let (other, ireland) = ("444455556666", "eu-west-1");
    let mut world = world(&[("alias/app/db", A)]);
    for home in [Home::new(ACCOUNT, ireland), Home::new(other, REGION)] {
        [A, B].into_iter().for_each(|id| world.put_key(&home, Key::new(id)));
        world.put_alias(&home, "alias/app/db", Some(A), 0);
    }
    world.put_iam(ACCOUNT, serde_json::from_value(account()).unwrap());
    let kms = FakeKms::new(world, Scenario::default());
    let targets = format!(
        "targets: {{one: {{account: \"{ACCOUNT}\", regions: [{REGION}, {ireland}]}}, two: {{account: \"{other}\", region: {REGION}}}}}\n"
    );
    let ran = run_on(&kms, &(MANIFEST.to_owned() + &targets), &["plan", "--access=iam"], None).await;
    let mut accounts: Vec<_> = kms.calls_to(OPERATION).into_iter().map(|call| call.account).collect();
    accounts.sort();
    assert_eq!(accounts, [ACCOUNT, other], "{}{}", ran.out, ran.err);
    let nothing = "no statement about aliases begins or ceases to match (2 keys looked at)".to_owned();
    assert_eq!(lines(&ran.out), [findings(), findings(), vec![nothing]].concat());
}

#[tokio::test(start_paused = true)]
async fn iam_is_read_only_where_it_is_asked_for_and_keys_are_touched() {
    for (manifest, flag) in
        [(MANIFEST, "--access"), (MANIFEST, "--access=keys"), (&MANIFEST.replace(B, A), "--access=iam")]
    {
        let kms = with(&account(), Scenario::default());
        let ran = run_on(&kms, manifest, &["plan", flag], None).await;
        assert_eq!((ran.exit, kms.calls_to(OPERATION).len()), (Exit::Success, 0), "{flag}: {}", ran.err);
    }
}

#[tokio::test(start_paused = true)]
async fn where_iam_may_not_be_read_the_plan_stands_and_what_it_does_is_unknown() {
    let faults = vec![Fault::new(OPERATION, Effect::AccessDenied)];
    let kms = with(&account(), Scenario { faults, ..Scenario::default() });
    let ran = run_on(&kms, MANIFEST, &["plan", "--access=iam"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    let [line] = &lines(&ran.out)[..] else { panic!("{}", ran.out) };
    let words = "what IAM policies do is unknown: failed to read the account's IAM policies (page 1): \
                 GetAccountAuthorizationDetails: AccessDenied: User: arn:aws:iam::111122223333:user/sandbox is not authorized";
    assert!(line.starts_with(words), "{line}");
    assert!(line.ends_with("; the role that plans lacks iam:GetAccountAuthorizationDetails"), "{line}");
    let ran = run_on(&kms, MANIFEST, &["plan", "--access=iam", "-o", "json"], None).await;
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    let [finding] = &json["targets"][0]["access"].as_array().unwrap()[..] else { panic!("{json}") };
    assert_eq!((&finding["kind"], &finding["key"]), (&json!("unknown"), &Value::Null));
    assert_eq!(finding["permission"], "iam:GetAccountAuthorizationDetails");
    assert!(finding["reason"].as_str().unwrap().contains("AccessDenied"), "{finding}");
}

#[tokio::test(start_paused = true)]
async fn pages_that_are_no_whole_answer_are_unknown_and_never_a_smaller_account() {
    use PagingDefect::{EmptyMarker, MissingMarker, RepeatedMarker, StrayMarker};
    // three pages of twenty, which the aliases do not fill
    let mut account = account();
    (0..50).for_each(|i| account["users"][format!("idle-{i}")] = json!({}));
    for (defect, words) in [
        (RepeatedMarker, "page 2 ends with a marker that came before"),
        (MissingMarker, "page 1 says that more follow but gives no marker"),
        (EmptyMarker, "page 1 says that more follow but gives no marker"),
        (StrayMarker, "page 1 says that no more follow but gives a marker"),
    ] {
        let paging = Paging { limit: Some(20), defect: Some(defect) };
        let kms = with(&account, Scenario { paging, ..Scenario::default() });
        let ran = run_on(&kms, MANIFEST, &["plan", "--access=iam"], None).await;
        let expected =
            format!("what IAM policies do is unknown: failed to read the account's IAM policies: {words}");
        assert_eq!(lines(&ran.out), [expected], "{defect:?} {}{}", ran.out, ran.err);
    }
    let late = Fault::new(OPERATION, Effect::Internal).after(2);
    let (paging, faults) = (Paging { limit: Some(20), defect: None }, vec![late]);
    let kms = with(&account, Scenario { paging, faults, ..Scenario::default() });
    let ran = run_on(&kms, MANIFEST, &["plan", "--access=iam"], None).await;
    let words = "what IAM policies do is unknown: failed to read the account's IAM policies (page 3): ";
    let [line] = &lines(&ran.out)[..] else { panic!("{}", ran.out) };
    assert!(line.starts_with(words) && !line.contains("lacks"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_somebody_has_and_no_page_shows_is_unknown() {
    let mut account = account();
    account["roles"]["app"]["attached"] = json!(["by-alias", "gone"]);
    let ran = run_on(&with(&account, Scenario::default()), MANIFEST, &["plan", "--access=iam"], None).await;
    assert_eq!(
        lines(&ran.out),
        [
            "what IAM policies do is unknown: failed to read the account's IAM policies: arn:aws:iam::111122223333:role/app has \
          arn:aws:iam::111122223333:policy/gone, and no page shows that policy"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_and_the_account_count_together_and_what_is_in_both_counts_once() {
    let inline = account()["roles"]["app"]["policies"]["inline"].clone();
    let mine = policy("Mine", &json!({"StringEquals": {"kms:RequestAlias": "alias/app/db"}}));
    let role =
        |inline: &[Value]| json!({"Arn": "arn:aws:iam::111122223333:role/app", "RolePolicyList": inline});
    let export = json!({"RoleDetailList": [role(&[
        json!({"PolicyName": "inline", "PolicyDocument": inline}), json!({"PolicyName": "mine", "PolicyDocument": mine})])]});
    let mut file = NamedTempFile::with_suffix(".json").unwrap();
    file.write_all(export.to_string().as_bytes()).unwrap();
    let args = ["plan", "--access=iam", "--access-policy", file.path().to_str().unwrap()];
    let ran = run_on(&with(&account(), Scenario::default()), MANIFEST, &args, None).await;
    let mut told = lines(&ran.out);
    assert_eq!(told.iter().filter(|line| line.starts_with("statement \"Mine\"")).count(), 2, "{told:?}");
    told.retain(|line| !line.starts_with("statement \"Mine\""));
    let mut expected = findings();
    told.sort();
    expected.sort();
    assert_eq!(told, expected);
}

#[test]
fn the_real_client_reads_the_account_of_a_state_file_in_pages() {
    let directory = TempDir::new().unwrap();
    let write = |name: &str, content: &str| std::fs::write(directory.path().join(name), content).unwrap();
    let billing = "bbbb2222-0000-4000-8000-000000002026";
    write(
        "aliases.yaml",
        &format!("version: 1\nscope: [alias/app/]\naliases: {{alias/app/billing/db: {billing}}}\n"),
    );
    ran(directory.path(), &["plan", "--sandbox=world.json"]);
    let mut state: Value =
        serde_json::from_slice(&std::fs::read(directory.path().join("world.json")).unwrap()).unwrap();
    let mut account = account();
    let like = json!({"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/*/db"}});
    account["policies"]["by-alias"] = policy("Managed", &like);
    state["iam"] = json!({ACCOUNT: account});
    write("world.json", &state.to_string());
    write("scenario.yaml", "paging: {limit: 2}\n");
    let args = ["plan", "--sandbox=world.json", "--scenario", "scenario.yaml", "--access=iam"];
    let plan = ran(directory.path(), &args);
    assert_eq!(plan.status.code(), Some(0), "{}", text(&plan.stderr));
    let subject = "statement \"Managed\" of policy by-alias (Allow kms:Decrypt, group/ops, role/app)";
    let expected = [("ceases", "aaaa1111"), ("begins", "bbbb2222")]
        .map(|(change, key)| format!("{subject} {change} to match key {key}"));
    assert_eq!(lines(text(&plan.stdout)), expected, "{}", text(&plan.stdout));
    assert!(text(&plan.stdout).contains("3 GetAccountAuthorizationDetails"), "{}", text(&plan.stdout));
    let kept: Value =
        serde_json::from_slice(&std::fs::read(directory.path().join("world.json")).unwrap()).unwrap();
    assert_eq!(kept["iam"], state["iam"]);
}

/// A sandbox with the built-in keys and this IAM
async fn sandbox_with(account: &Value) -> Running {
    let running = start(None, Scenario::default(), 0).await.unwrap();
    let iam = serde_json::from_value::<Iam>(account.clone()).unwrap();
    running.with(|service| service.world_mut().put_iam(ACCOUNT, iam));
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn iam_has_an_endpoint_of_its_own_where_the_environment_says_so() {
    let (kms, iam) = (sandbox_with(&json!({})).await, sandbox_with(&account()).await);
    let directory = TempDir::new().unwrap();
    let billing = "bbbb2222-0000-4000-8000-000000002026";
    let manifest = format!("version: 1\nscope: [alias/app/]\naliases: {{alias/app/db: {billing}}}\n");
    std::fs::write(directory.path().join("aliases.yaml"), manifest).unwrap();
    let mut plan = kms_alias(directory.path(), &["plan", "--access=iam"]);
    plan.envs([("AWS_ACCESS_KEY_ID", ACCOUNT), ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_REGION", REGION)]);
    plan.env("AWS_ENDPOINT_URL", kms.endpoint_url()).env("AWS_ENDPOINT_URL_IAM", iam.endpoint_url());
    let ran = tokio::task::spawn_blocking(move || plan.output().unwrap()).await.unwrap();
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    assert_eq!(lines(text(&ran.stdout)).len(), 2, "{}", text(&ran.stdout));
    let counts = |running: &Running| running.with(|service| service.count().clone());
    assert_eq!(counts(&iam).into_iter().collect::<Vec<_>>(), [(OPERATION.to_owned(), 1)]);
    assert!(!counts(&kms).contains_key(OPERATION));
}
