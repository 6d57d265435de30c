//! `drift --blame`: who made it so, by what CloudTrail recorded. Whole commands on FakeKms; at the end, the real program and the
//! adapter over loopback.

use std::time::Duration;

use kms_alias::cli::exit::Exit;
use kms_alias::kms::KmsWrite;
use kms_alias::sandbox::{Effect, Fault, Reply, Request, Scenario};
use serde_json::{Value, json};

use crate::fake::{A, ACCOUNT, B, C, FakeKms, REGION, alias, home, key, world};
use crate::loopback::Site;
use crate::process::text;
use crate::ran::{Ran, run_on};

const MANIFEST: &str = "version: 1\nscope: [alias/app/]\naliases:\n  \
    alias/app/one: aaaa1111-0000-4000-8000-000000000001\n  \
    alias/app/two: bbbb2222-0000-4000-8000-000000000002\n";
const IN_SYNC: [(&str, &str); 2] = [("alias/app/one", A), ("alias/app/two", B)];
const CLI: &str = "aws-cli/2.15.0 md/x";

/// What the service answers to a call that a person makes
fn ask(kms: &FakeKms, caller: &str, agent: &str, operation: &str, input: &Value) -> Value {
    let (at, request) = (kms.at(), Request { caller, region: REGION, operation, input });
    match kms.service().answer_to(at, &request, agent).reply {
        Reply::Whole(Ok(output)) => output,
        other => panic!("{operation}: {other:?}"),
    }
}

/// The access key of a person in a role
fn session(kms: &FakeKms, role: &str, name: &str) -> String {
    let input = json!({"RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"), "RoleSessionName": name});
    let output = ask(kms, ACCOUNT, "", "AssumeRole", &input);
    output["Credentials"]["AccessKeyId"].as_str().unwrap().to_owned()
}

fn person(kms: &FakeKms, role: &str, name: &str) -> FakeKms {
    kms.of_client(&session(kms, role, name), CLI)
}

async fn later() {
    tokio::time::advance(Duration::from_secs(60)).await;
}

async fn blame_by(kms: &FakeKms, manifest: &str, args: &[&str]) -> Ran {
    run_on(kms, manifest, &[&["drift", "--blame"], args].concat(), None).await
}

async fn blame(kms: &FakeKms) -> Ran {
    blame_by(kms, MANIFEST, &[]).await
}

/// The document, and in it the blame of each change
async fn told(kms: &FakeKms, manifest: &str) -> (Value, Vec<Value>) {
    let ran = blame_by(kms, manifest, &["-o", "json"]).await;
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    let changes = document["targets"][0]["changes"].as_array().unwrap();
    let blames = changes.iter().map(|change| change["blame"].clone()).collect();
    (document, blames)
}

fn lookups(kms: &FakeKms) -> Vec<String> {
    let name = |input: &Value| input["LookupAttributes"][0]["AttributeValue"].as_str().unwrap().to_owned();
    kms.calls_to("LookupEvents").iter().map(|call| name(&call.input)).collect()
}

#[tokio::test(start_paused = true)]
async fn two_names_are_blamed_on_the_two_people_who_changed_them() {
    let kms = FakeKms::with(&IN_SYNC);
    person(&kms, "Admin", "alice").update_alias(&alias("alias/app/one"), &key(C)).await.unwrap();
    later().await;
    person(&kms, "Ops", "bob@example.com").delete_alias(&alias("alias/app/two")).await.unwrap();
    let ran = blame(&kms).await;
    assert_eq!(ran.exit, Exit::Differences, "{}", ran.err);
    let alice = "      who   role Admin/alice at 1970-01-02T00:00:00Z: UpdateAlias to cccc3333 from 127.0.0.1 with aws-cli/2.15.0 (event ";
    let bob = "      who   role Ops/bob@example.com at 1970-01-02T00:01:00Z: DeleteAlias from 127.0.0.1 with aws-cli/2.15.0 (event ";
    let names = ran.out.find("alias/app/one").unwrap()..ran.out.find("alias/app/two").unwrap();
    assert!(names.contains(&ran.out.find(alice).unwrap_or_default()), "{}", ran.out);
    assert!(ran.out.find(bob) > Some(names.end), "{}", ran.out);
    assert_eq!(lookups(&kms), ["UpdateAlias", "CreateAlias", "DeleteAlias"], "each once for both");
}

#[tokio::test(start_paused = true)]
async fn after_our_own_apply_somebody_elses_change_is_theirs_and_no_change_is_ours() {
    let kms = FakeKms::with(&[]);
    let applied = run_on(&kms, MANIFEST, &["apply", "-y"], None).await;
    assert_eq!(applied.exit, Exit::Success, "{}", applied.err);
    later().await;
    let carol = person(&kms, "Admin", "carol");
    carol.update_alias(&alias("alias/app/one"), &key(C)).await.unwrap();
    let moved = MANIFEST.replace(B, C);
    let (_, blames) = told(&kms, &moved).await;
    let (theirs, ours) = (&blames[0]["event"], &blames[1]["event"]);
    assert_eq!((&theirs["actor"], &theirs["ours"]), (&"role Admin/carol".into(), &false.into()));
    assert_eq!((&ours["call"], &ours["ours"]), (&"CreateAlias".into(), &true.into()));
    assert_eq!(blames[1]["verdict"], "cause", "{}", blames[1]);
    let ran = blame_by(&kms, &moved, &[]).await;
    assert!(ran.out.contains("      who   kms-alias itself (user sandbox) at 1970-"), "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn the_role_that_applies_is_ours_whatever_the_client_calls_itself() {
    let kms = FakeKms::with(&IN_SYNC);
    person(&kms, "write", "erin").update_alias(&alias("alias/app/one"), &key(C)).await.unwrap();
    let role = format!("arn:aws:iam::{ACCOUNT}:role/write");
    for (roles, ours) in [(format!("roles: {{apply: '{role}'}}\n"), true), (String::new(), false)] {
        let (_, blames) = told(&kms, &format!("{MANIFEST}{roles}")).await;
        assert_eq!(blames[0]["event"]["ours"], ours, "{}", blames[0]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_newest_change_counts_whatever_its_call_was() {
    let kms = FakeKms::with(&IN_SYNC);
    let (one, alice, bob) =
        (alias("alias/app/one"), person(&kms, "Admin", "alice"), person(&kms, "Ops", "bob"));
    alice.update_alias(&one, &key(C)).await.unwrap();
    later().await;
    alice.delete_alias(&one).await.unwrap();
    bob.create_alias(&one, &key(C)).await.unwrap();
    let (_, blames) = told(&kms, MANIFEST).await;
    assert_eq!(
        (&blames[0]["verdict"], &blames[0]["event"]["actor"]),
        (&"cause".into(), &"role Ops/bob".into())
    );
}

#[tokio::test(start_paused = true)]
async fn an_unexpected_name_is_blamed_on_whoever_created_it() {
    let kms = FakeKms::with(&IN_SYNC);
    let (stray, alice) = (alias("alias/app/stray"), person(&kms, "Admin", "alice"));
    alice.create_alias(&stray, &key(A)).await.unwrap();
    later().await;
    person(&kms, "Ops", "bob").update_alias(&stray, &key(C)).await.unwrap();
    let (_, blames) = told(&kms, &format!("{MANIFEST}prune: true\n")).await;
    let event = &blames[0]["event"];
    assert_eq!((&event["actor"], &event["call"]), (&"role Admin/alice".into(), &"CreateAlias".into()));
    assert_eq!(lookups(&kms), ["CreateAlias"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_used_is_blamed_on_whoever_did_that_to_it() {
    for (operation, role) in [("DisableKey", "Admin"), ("ScheduleKeyDeletion", "Ops")] {
        let kms = FakeKms::with(&IN_SYNC);
        let dave = session(&kms, role, "dave");
        ask(&kms, &dave, CLI, operation, &json!({"KeyId": home().key_arn(A)}));
        ask(&kms, &dave, CLI, "DisableKey", &json!({"KeyId": C}));
        let ran = blame(&kms).await;
        let who =
            format!("      who   role {role}/dave at 1970-01-02T00:00:00Z: {operation} of aaaa1111 from");
        assert!(ran.exit == Exit::Differences && ran.out.contains(&who), "{}", ran.out);
    }
}

#[tokio::test(start_paused = true)]
async fn an_alias_that_went_with_its_key_is_nobodys_delete() {
    let kms = FakeKms::with(&IN_SYNC);
    ask(&kms, ACCOUNT, CLI, "ScheduleKeyDeletion", &json!({"KeyId": A, "PendingWindowInDays": 7}));
    tokio::time::advance(Duration::from_secs(8 * 86_400)).await;
    let (document, blames) = told(&kms, MANIFEST).await;
    let event = &blames[0]["event"];
    assert_eq!(
        (&event["call"], &event["actor"]),
        (&"DeleteKey".into(), &"AWS Internal".into()),
        "{document}"
    );
    assert_eq!(lookups(&kms), ["DeleteAlias", "DeleteKey"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_does_not_lead_to_what_is_live_is_no_cause() {
    let kms = FakeKms::with(&IN_SYNC);
    let one = alias("alias/app/one");
    person(&kms, "Admin", "alice").update_alias(&one, &key(B)).await.unwrap();
    let at = kms.at();
    kms.service().world_mut().put_alias(&home(), "alias/app/one", Some(C), at);
    let (_, blames) = told(&kms, MANIFEST).await;
    assert_eq!(blames[0]["verdict"], "last_known");
    let ran = blame(&kms).await;
    assert!(
        ran.out.contains("      who   not known; the last known change: role Admin/alice at "),
        "{}",
        ran.out
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_failed_is_no_cause_and_nothing_found_is_said() {
    let kms = FakeKms::with(&[("alias/app/one", C), ("alias/app/two", B)]);
    let alice = person(&kms, "Admin", "alice");
    assert!(alice.create_alias(&alias("alias/app/one"), &key(C)).await.is_err());
    let (_, blames) = told(&kms, MANIFEST).await;
    assert_eq!((&blames[0]["verdict"], &blames[0]["event"]), (&"unknown".into(), &Value::Null));
    let ran = blame(&kms).await;
    let words = "      who   not known: CloudTrail shows no UpdateAlias or CreateAlias or DeleteAlias about it in us-east-1 in the last 90 days: ";
    assert!(ran.exit == Exit::Differences && ran.out.contains(words), "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_looked_up_that_nobody_asked_for() {
    let kms = FakeKms::with(&IN_SYNC);
    let ran = blame(&kms).await;
    assert_eq!((ran.exit, &*ran.out, &*ran.err), (Exit::Success, "", ""));
    person(&kms, "Admin", "alice").update_alias(&alias("alias/app/one"), &key(C)).await.unwrap();
    let ran = run_on(&kms, MANIFEST, &["drift", "-o", "json"], None).await;
    assert!(ran.exit == Exit::Differences && !ran.out.contains("blame"), "{}", ran.out);
    assert_eq!(lookups(&kms), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_cloudtrail_refuses_is_told_and_changes_nothing_else() {
    let hint = "  hint  the role needs cloudtrail:LookupEvents on resource \"*\"\n";
    for (effect, words, hint) in [
        (Effect::AccessDenied, "LookupEvents: AccessDeniedException: ", hint),
        (
            Effect::Throttle,
            "LookupEvents: ThrottlingException: Rate exceeded",
            "  hint  others share this account's quota",
        ),
        (Effect::Malformed, "LookupEvents: the answer cannot be read", ""),
        (Effect::Silent, "LookupEvents: no answer in time", ""),
    ] {
        let fault = Fault::new("LookupEvents", effect);
        let kms = FakeKms::new(world(&IN_SYNC), Scenario { faults: vec![fault], ..Scenario::default() });
        person(&kms, "Admin", "alice").update_alias(&alias("alias/app/one"), &key(C)).await.unwrap();
        let ran = blame(&kms).await;
        assert_eq!(ran.exit, Exit::Differences, "{}", ran.out);
        let line = "\n  blame failed to look up UpdateAlias in CloudTrail (page 1): ";
        assert!(ran.out.contains(line) && ran.out.contains(words) && ran.out.contains(hint), "{}", ran.out);
        assert!(ran.out.contains("  ~ alias/app/one  cccc3333 -> aaaa1111"), "{}", ran.out);
        let (document, blames) = told(&kms, MANIFEST).await;
        assert_eq!(blames, [Value::Null]);
        assert!(document["targets"][0]["blame_error"]["message"].is_string(), "{document}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_found_before_a_failure_is_only_the_last_that_is_known() {
    let fault = Fault { after: 1, ..Fault::new("LookupEvents", Effect::AccessDenied) };
    let kms = FakeKms::new(world(&IN_SYNC), Scenario { faults: vec![fault], ..Scenario::default() });
    person(&kms, "Admin", "alice").update_alias(&alias("alias/app/one"), &key(C)).await.unwrap();
    let (_, blames) = told(&kms, MANIFEST).await;
    assert_eq!(blames[0]["verdict"], "last_known");
}

/// So many updates of a name that nobody asks about
fn noise(kms: &FakeKms, count: usize) {
    for n in 0..count {
        let input = json!({"AliasName": "alias/other", "TargetKeyId": if n % 2 == 0 { A } else { B }});
        ask(kms, ACCOUNT, CLI, "UpdateAlias", &input);
    }
}

#[tokio::test(start_paused = true)]
async fn reading_ends_where_nothing_older_can_matter() {
    let kms = FakeKms::with(&[("alias/app/one", A), ("alias/app/two", B), ("alias/other", B)]);
    noise(&kms, 120);
    later().await;
    person(&kms, "Admin", "alice").update_alias(&alias("alias/app/one"), &key(C)).await.unwrap();
    let (_, blames) = told(&kms, MANIFEST).await;
    assert_eq!(blames[0]["verdict"], "cause");
    assert_eq!(lookups(&kms), ["UpdateAlias", "CreateAlias", "DeleteAlias"], "one page each");
    later().await;
    noise(&kms, 120);
    let (_, blames) = told(&kms, MANIFEST).await;
    assert_eq!(blames[0]["event"]["actor"], "role Admin/alice");
    assert_eq!(
        lookups(&kms)[3..],
        ["UpdateAlias", "UpdateAlias", "UpdateAlias", "CreateAlias", "DeleteAlias"]
    );
}

#[tokio::test(start_paused = true)]
async fn reading_ends_at_a_bound_and_says_so_at_the_services_rate() {
    let quotas = [("LookupEvents".to_owned(), 2)].into();
    let kms = FakeKms::new(
        world(&[("alias/app/one", A), ("alias/app/two", B), ("alias/other", B)]),
        Scenario { quotas, ..Scenario::default() },
    );
    person(&kms, "Admin", "alice").update_alias(&alias("alias/app/one"), &key(C)).await.unwrap();
    later().await;
    noise(&kms, 1100);
    let (document, blames) = told(&kms, MANIFEST).await;
    assert_eq!(document["targets"][0].get("blame_error"), None, "no lookup was throttled");
    assert_eq!(lookups(&kms).iter().filter(|name| *name == "UpdateAlias").count(), 20);
    let message = blames[0]["message"].as_str().unwrap();
    assert!(
        message.contains(" in the newest 1000 events of UpdateAlias, of which there are more: "),
        "{message}"
    );
}

#[tokio::test(start_paused = true)]
async fn two_targets_in_one_region_share_its_rate() {
    let quotas = [("LookupEvents".to_owned(), 2)].into();
    let kms = FakeKms::new(world(&[]), Scenario { quotas, ..Scenario::default() });
    let target = |scope: &str| format!("{{account: '{ACCOUNT}', region: {REGION}, scope: [alias/{scope}/]}}");
    let manifest = format!(
        "version: 1\nscope: [alias/z/]\ntargets: {{x: {}, y: {}}}\naliases:\n  alias/x/a: {{key: {A}, targets: [x]}}\n  alias/y/a: {{key: {A}, targets: [y]}}\n",
        target("x"),
        target("y")
    );
    let ran = blame_by(&kms, &manifest, &["-o", "json"]).await;
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    for target in document["targets"].as_array().unwrap() {
        assert_eq!(
            (target.get("blame_error"), &target["changes"][0]["blame"]["verdict"]),
            (None, &"unknown".into())
        );
    }
    assert_eq!(lookups(&kms).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_a_client_calls_itself_cannot_act_where_it_is_shown() {
    let kms = FakeKms::with(&IN_SYNC);
    let agent = "\u{1b}[2J\n::error::x \u{202e}##[group]y";
    let alice = kms.of_client(&session(&kms, "Admin", "alice"), agent);
    alice.update_alias(&alias("alias/app/one"), &key(C)).await.unwrap();
    let ran = blame(&kms).await;
    assert!(ran.out.contains("with \\u{1b}[2J\\n::error::x \\u{202e}"), "{}", ran.out);
    assert!(!ran.out.contains(['\u{1b}', '\u{202e}']) && !ran.out.contains("\n::"), "{}", ran.out);
    let json = blame_by(&kms, MANIFEST, &["-o", "json"]).await.out;
    assert!(json.bytes().all(|b| b == b'\n' || matches!(b, b' '..=b'~')), "{json}");
}

#[test]
fn over_the_wire_our_apply_is_ours_and_a_hundred_changes_of_others_are_paged_through() {
    let site = Site::new(MANIFEST, world(&[("alias/app/two", B), ("alias/other", A)]), Scenario::default());
    let applied = site.run(&["apply", "-y", "--no-wait"]);
    assert_eq!(applied.status.code(), Some(0), "{}", text(&applied.stderr));
    std::fs::write(site.path("aliases.yaml"), MANIFEST.replace(A, C)).unwrap();
    site.sandbox.with(|service| {
        let at = service.calls().last().unwrap().at;
        for n in 0..120 {
            let input = json!({"AliasName": "alias/other", "TargetKeyId": if n % 2 == 0 { A } else { B }});
            let request =
                Request { caller: ACCOUNT, region: REGION, operation: "UpdateAlias", input: &input };
            service.answer_to(at, &request, CLI);
        }
    });
    let ran = site.run(&["drift", "--blame"]);
    let out = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(2), "{out} {}", text(&ran.stderr));
    let line = out.lines().find(|line| line.starts_with("      who   ")).unwrap_or_else(|| panic!("{out}"));
    assert!(
        line.contains("kms-alias itself (user sandbox) at 20")
            && line.contains(": CreateAlias to aaaa1111 from 127.0.0.1 with aws-sdk-rust/"),
        "{line}"
    );
    let lookups = site.sandbox.with(|service| service.count()["LookupEvents"]);
    assert_eq!(lookups, 5, "three pages of updates, one of creates, one of deletes");
}
