//! `list`: the live aliases in scope and what the manifest makes of each, on FakeKms.

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{Effect, Fault, KeyState, Scenario};
use serde_json::Value;

use crate::fake::{A, B, C, FakeKms, home, world};
use crate::ran::run_on;

const MANIFEST: &str = "\
version: 1
scope: [alias/app/]
ignore: [\"alias/app/tmp/**\"]
aliases:
  alias/app/same: aaaa1111-0000-4000-8000-000000000001
  alias/app/moved: bbbb2222-0000-4000-8000-000000000002
  alias/app/new: aaaa1111-0000-4000-8000-000000000001
  alias/app/gone: absent
  alias/app/renamed:
    previously: [alias/app/old]
    key: cccc3333-0000-4000-8000-000000000003
";

fn kms() -> FakeKms {
    FakeKms::with(&[
        ("alias/app/same", A),
        ("alias/app/moved", A),
        ("alias/app/gone", C),
        ("alias/app/old", C),
        ("alias/app/tmp/x", B),
        ("alias/app/unmanaged", B),
        ("alias/other/theirs", B),
    ])
}

#[tokio::test(start_paused = true)]
async fn every_alias_in_scope_is_listed_with_its_key_and_what_the_manifest_makes_of_it() {
    let kms = kms();
    let ran = run_on(&kms, MANIFEST, &["list"], None).await;
    let expected = "\
default
  alias/app/gone       cccc3333  Enabled  \"key cccc\"  to delete                       aliases.yaml:8
  alias/app/moved      aaaa1111  Enabled  \"key aaaa\"  to retarget -> bbbb2222         aliases.yaml:6
  alias/app/new        -         -                    to create -> aaaa1111           aliases.yaml:7
  alias/app/old        cccc3333  Enabled  \"key cccc\"  to rename -> alias/app/renamed  aliases.yaml:9
  alias/app/same       aaaa1111  Enabled  \"key aaaa\"  in sync                         aliases.yaml:5
  alias/app/unmanaged  bbbb2222  Enabled  \"key bbbb\"  unmanaged
6 aliases in 1 target: 1 in sync, 1 to create, 1 to retarget, 1 to rename, 1 to delete, 1 unmanaged.
";
    assert_eq!((ran.out.as_str(), ran.err.as_str(), ran.exit), (expected, "", Exit::Success));
    let calls = ["ListAliases", "DescribeKey"].map(|operation| kms.calls_to(operation).len());
    assert_eq!(calls, [1, 3], "one page, and each key once");
}

#[tokio::test(start_paused = true)]
async fn it_can_be_asked_for_a_key_for_a_status_and_for_names() {
    let kms = kms();
    for (args, names) in [
        (&["--key", "bbbb2222"][..], &["alias/app/moved", "alias/app/unmanaged"][..]),
        (
            &["--key", "arn:aws:kms:us-east-1:111122223333:key/bbbb2222-0000"],
            &["alias/app/moved", "alias/app/unmanaged"],
        ),
        (&["--status", "unmanaged,in-sync"], &["alias/app/same", "alias/app/unmanaged"]),
        (
            &["--alias", "alias/app/*e*", "--exclude-alias", "**/new"],
            &[
                "alias/app/gone",
                "alias/app/moved",
                "alias/app/renamed",
                "alias/app/same",
                "alias/app/unmanaged",
            ],
        ),
        (&["--key", "dddd"], &[]),
    ] {
        let args = [&["list", "-o", "json"], args].concat();
        let ran = run_on(&kms, MANIFEST, &args, None).await;
        let json: Value = serde_json::from_str(&ran.out).unwrap();
        let listed = json["targets"][0]["aliases"].as_array().unwrap();
        let listed: Vec<&str> = listed.iter().filter_map(|alias| alias["alias"].as_str()).collect();
        assert_eq!(listed, names, "{args:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_gone_or_disabled_or_not_ours_to_look_at_says_so() {
    let denied = Fault {
        alias: Some(C.to_owned().try_into().unwrap()),
        ..Fault::new("DescribeKey", Effect::AccessDenied)
    };
    let mut world = world(&[("alias/app/same", A), ("alias/app/old", C)]);
    world.set_key_state(&home(), A, KeyState::Disabled);
    world.put_alias(&home(), "alias/app/lost", Some("dddd4444-0000-4000-8000-000000000004"), 0);
    let kms = FakeKms::new(world, Scenario { faults: vec![denied], ..Scenario::default() });
    let ran = run_on(&kms, MANIFEST, &["list", "-o", "tsv"], None).await;
    let state = |name: &str| {
        let line = ran.out.lines().find(|line| line.split('\t').nth(1) == Some(name)).unwrap();
        line.split('\t').nth(3).unwrap().to_owned()
    };
    assert_eq!(state("alias/app/same"), "Disabled", "{}", ran.out);
    assert_eq!(state("alias/app/lost"), "Missing", "{}", ran.out);
    assert_eq!(state("alias/app/old"), "", "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_cannot_be_read_is_named_and_no_shorter_list() {
    let manifest = "version: 1\nscope: [alias/app/]\ntargets: {a: {account: \"111122223333\", region: us-east-1}, \
                    b: {account: \"222233334444\", region: us-east-1}}\naliases: {}\n";
    for form in ["text", "json", "tsv"] {
        let denied = Fault::new("ListAliases", Effect::AccessDenied).times(1);
        let world = world(&[("alias/app/same", A)]);
        let kms = FakeKms::new(world, Scenario { faults: vec![denied], ..Scenario::default() });
        let ran = run_on(&kms, manifest, &["list", "-o", form], None).await;
        assert_eq!(ran.exit, Exit::Runtime, "{}", ran.out);
        assert_eq!(ran.out.matches("list the live aliases").count(), 1, "{}", ran.out);
        let both = ["a/111122223333/us-east-1", "b/222233334444/us-east-1"];
        assert!(both.iter().any(|name| ran.out.contains(name)), "{}", ran.out);
    }
}

#[tokio::test(start_paused = true)]
async fn a_form_that_a_list_has_not_is_refused() {
    for form in ["diff", "markdown", "html", "ndjson"] {
        let ran = run_on(&kms(), MANIFEST, &["list", "-o", form], None).await;
        assert_eq!((ran.exit, ran.out.as_str()), (Exit::Usage, ""), "{form}: {}", ran.err);
    }
}
