//! `explain`: what decides about a name, on FakeKms.

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{Effect, Fault, Key, KeyState, Scenario};
use serde_json::Value;

use crate::fake::{A, B, C, FakeKms, home, world};
use crate::ran::run_on;

const MANIFEST: &str = "\
version: 1
scope: [alias/app/]
ignore: [\"alias/app/tmp/**\"]
targets:
  dev: {account: \"111122223333\", region: eu-west-1, scope: [alias/dev/]}
  prod:
    account: \"111122223333\"
    region: us-east-1
    overrides: {alias/app/moved: bbbb2222-0000-4000-8000-000000000002}
aliases:
  alias/app/moved: {key: aaaa1111-0000-4000-8000-000000000001, description: the old one, targets: [prod]}
  alias/app/follower: {key: alias/app/moved, targets: [prod]}
  alias/app/same: {key: aaaa1111-0000-4000-8000-000000000001, targets: [prod]}
  alias/app/gone: {absent: true, targets: [prod]}
";

fn kms() -> FakeKms {
    FakeKms::with(&[
        ("alias/app/moved", A),
        ("alias/app/same", A),
        ("alias/app/gone", C),
        ("alias/app/unmanaged", B),
    ])
}

#[tokio::test(start_paused = true)]
async fn an_override_names_what_it_stands_instead_of_and_the_plan_says_why() {
    let ran = run_on(&kms(), MANIFEST, &["explain", "alias/app/moved"], None).await;
    let facts = "Enabled, SYMMETRIC_DEFAULT, ENCRYPT_DECRYPT";
    let expected = format!(
        "\
alias/app/moved
prod/111122223333/us-east-1
  declared  key {B}  aliases.yaml:9  in the target's overrides
  instead of key {A}  aliases.yaml:11  in the shared map
  scope     ours, by alias/app/  aliases.yaml:2
  key       {B}  \"key bbbb\"  {facts}
  live      on {A}  \"key aaaa\"  {facts}
  plan      ~ retarget from aaaa1111 to bbbb2222: it is declared on another key
  risk      callers that decrypt by this name with old ciphertext will fail  [docs/risks.md#decrypt-by-name]
1 other target has nothing to do with it.
"
    );
    assert_eq!((ran.out, ran.err, ran.exit), (expected, String::new(), Exit::Success));
}

#[tokio::test(start_paused = true)]
async fn the_guard_that_refuses_the_plan_of_a_name_is_told_with_it() {
    let manifest = format!(
        "version: 1\nscope: [alias/app/]\nguards: {{max_update: 0}}\n\
         protect: [{{match: \"alias/app/{{moved,same}}\", from: [delete, retarget]}}]\n\
         aliases:\n  alias/app/moved: {B}\n  alias/app/new: {{key: {A}, previously: [alias/app/same]}}\n"
    );
    let mass = "  refused   mass-update: would retarget 1 of 4 live names, and the limit is 0  (set at aliases.yaml:3)\n  \
                hint      if that is meant, pass --allow mass-update\n";
    let moved = "  refused   protected: alias/app/moved would be moved to another key,";
    let same = "  refused   protected: alias/app/same would be deleted,";
    for (name, told, not) in [("moved", moved, same), ("new", same, moved), ("same", same, moved)] {
        let ran = run_on(&kms(), &manifest, &["explain", &format!("alias/app/{name}")], None).await;
        assert!(ran.out.contains(mass) && ran.out.contains(told) && !ran.out.contains(not), "{}", ran.out);
        let json =
            run_on(&kms(), &manifest, &["explain", &format!("alias/app/{name}"), "-o", "json"], None).await;
        let json: Value = serde_json::from_str(&json.out).unwrap();
        assert_eq!(json["targets"][0]["found"]["refusals"][1]["accept"], "--allow protected");
    }
    let ran = run_on(&kms(), &manifest, &["explain", "alias/app/unmanaged"], None).await;
    assert!(!ran.out.contains("refused"), "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn every_fate_has_its_sentence() {
    for (name, words) in [
        (
            "alias/app/follower",
            &[
                "follows   alias/app/moved  aliases.yaml:9",
                "plan      + create on bbbb2222: it is declared, and not there",
            ][..],
        ),
        ("alias/app/same", &["live      on that key", "plan      nothing: it is as declared"]),
        (
            "alias/app/gone",
            &["declared  absent", "plan      - delete, on cccc3333 now: it is declared absent"],
        ),
        (
            "alias/app/unmanaged",
            &["declared  nowhere", "plan      nothing: it is unmanaged, and prune is off"],
        ),
        ("alias/app/movde", &["live      there is no such alias", "Did you mean alias/app/moved?"]),
        ("alias/app/unmanagd", &["Did you mean alias/app/unmanaged?"]),
        (
            "alias/app/tmp/x",
            &["not ours: ignore covers it by alias/app/tmp/**  aliases.yaml:3", "neither read nor written"],
        ),
        ("alias/dev/x", &["dev/111122223333/eu-west-1\n", "ours, by alias/dev/  aliases.yaml:5"]),
        ("alias/other/x", &["declared nowhere and under no scope: the prefixes are alias/app/, alias/dev/."]),
    ] {
        let ran = run_on(&kms(), MANIFEST, &["explain", name], None).await;
        assert_eq!(ran.exit, Exit::Success, "{name}: {}", ran.err);
        for words in words {
            assert!(ran.out.contains(words), "{words}: {}", ran.out);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_held_says_why_and_what_would_help() {
    let mut world = world(&[("alias/app/moved", A)]);
    world.put_key(&home(), Key::new(B).in_state(KeyState::PendingDeletion));
    let kms = FakeKms::new(world, Scenario::default());
    let ran = run_on(&kms, MANIFEST, &["explain", "alias/app/moved"], None).await;
    assert!(
        ran.out.contains(&format!("plan      ! held: key {B} is pending deletion\n  hint ")),
        "{}",
        ran.out
    );
}

#[tokio::test(start_paused = true)]
async fn offline_only_the_manifest_is_looked_at() {
    let kms = kms();
    let ran = run_on(&kms, MANIFEST, &["explain", "alias/app/moved", "--offline"], None).await;
    assert!(ran.out.contains("instead of") && !ran.out.contains("live"), "{}", ran.out);
    assert!(kms.service().calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_target_that_cannot_be_read_still_shows_its_manifest() {
    let faults = vec![Fault::new("ListAliases", Effect::AccessDenied)];
    let kms = FakeKms::new(world(&[]), Scenario { faults, ..Scenario::default() });
    let ran = run_on(&kms, MANIFEST, &["explain", "alias/app/same"], None).await;
    assert_eq!(ran.exit, Exit::Runtime);
    assert!(
        ran.out.contains("aliases.yaml:13") && ran.out.contains("hint      the role needs"),
        "{}",
        ran.out
    );
    let ran = run_on(&kms, MANIFEST, &["explain", "alias/app/tmp/x"], None).await;
    assert_eq!(ran.exit, Exit::Success, "nothing has to be read for a name that is not ours");
}

#[tokio::test(start_paused = true)]
async fn the_json_holds_the_same() {
    let ran = run_on(&kms(), MANIFEST, &["explain", "alias/app/moved", "-o", "json"], None).await;
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    let target = &json["targets"][0];
    assert_eq!((&json["kind"], &json["other_targets"]), (&"explanation".into(), &1.into()));
    assert_eq!(target["declarations"][0]["layer"], "target_override");
    assert_eq!(target["declarations"][1]["source"]["line"], 11);
    assert_eq!(target["found"]["live_key"]["id"], A);
    assert_eq!((&target["found"]["plan"], &target["found"]["key"]["id"]), (&"change".into(), &B.into()));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_alias_name_is_a_usage_error() {
    for name in ["moved", "alias/", "alias/aws/s3", "alias/a b"] {
        let ran = run_on(&kms(), MANIFEST, &["explain", name], None).await;
        assert_eq!((ran.exit, ran.out.as_str()), (Exit::Usage, ""), "{name}");
        assert!(ran.err.contains("hint: "), "{}", ran.err);
    }
    assert_eq!(run_on(&kms(), "version: 2\n", &["explain", "alias/a"], None).await.exit, Exit::Manifest);
}
