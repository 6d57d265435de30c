//! Risks: which change has which, in the words of the plan, and that each is explained. Whole commands on FakeKms.

use kms_alias::cli::exit::Exit;
use kms_alias::plan::risks::{Code, PAGE};
use kms_alias::sandbox::{Home, Key, KeyState, Scenario, World};
use serde_json::Value;

use crate::fake::{A, ACCOUNT, B, C, FakeKms, home, world};
use crate::ran::run_on;

const RSA: [&str; 2] = ["eeee5555-0000-4000-8000-000000000005", "eeee6666-0000-4000-8000-000000000006"];
const MAC: [&str; 2] = ["ffff5555-0000-4000-8000-000000000005", "ffff6666-0000-4000-8000-000000000006"];
const SHARED: &str = "mrk-00000000000000000000000000000001";
const OTHER: &str = "mrk-00000000000000000000000000000002";

fn manifest(lines: &[(&str, &str)]) -> String {
    let lines: Vec<_> = lines.iter().map(|(name, want)| format!("  {name}: {want}\n")).collect();
    format!("version: 1\nscope: [alias/app/]\naliases:\n{}", lines.concat())
}

/// `alias: code, code` for every change of the plan that has risks
async fn risks(world: World, manifest: &str) -> Vec<String> {
    let kms = FakeKms::new(world, Scenario::default());
    let ran = run_on(&kms, manifest, &["plan", "-o", "json"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    let plan: Value = serde_json::from_str(&ran.out).unwrap();
    let changes =
        plan["targets"].as_array().unwrap().iter().flat_map(|target| target["changes"].as_array().unwrap());
    let told = |change: &Value| {
        let risks = change["risks"].as_array().unwrap();
        for risk in risks {
            let code = risk["code"].as_str().unwrap();
            assert_eq!(risk["link"], format!("docs/risks.md#{code}"));
            assert!(!risk["message"].as_str().unwrap().is_empty());
        }
        let codes: Vec<_> = risks.iter().map(|risk| risk["code"].as_str().unwrap()).collect();
        format!("{}: {}", change["alias"].as_str().unwrap(), codes.join(", "))
    };
    changes.map(told).filter(|line| !line.ends_with(": ")).collect()
}

/// Keys of all kinds, beside those of every world
fn kinds() -> World {
    let mut world = world(&[]);
    for id in RSA {
        world.put_key(&home(), Key::new(id).of_kind("RSA_2048", "SIGN_VERIFY"));
    }
    for id in MAC {
        world.put_key(&home(), Key::new(id).of_kind("HMAC_256", "GENERATE_VERIFY_MAC"));
    }
    world
}

#[tokio::test(start_paused = true)]
async fn a_retarget_tells_what_becomes_of_what_the_old_key_made() {
    for (old, new, code) in [
        (A, B, "decrypt-by-name"),
        (RSA[0], RSA[1], "asymmetric-retarget"),
        (MAC[0], MAC[1], "hmac-retarget"),
    ] {
        let mut world = kinds();
        world.put_alias(&home(), "alias/app/x", Some(old), 0);
        world.put_alias(&home(), "alias/other/stays", Some(old), 0);
        assert_eq!(risks(world, &manifest(&[("alias/app/x", new)])).await, [format!("alias/app/x: {code}")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_has_the_risks_of_its_keys_state_and_no_others() {
    for (state, codes) in [
        (KeyState::Enabled, &[][..]),
        (KeyState::Disabled, &["alias/app/x: key-disabled"]),
        (KeyState::PendingImport, &["alias/app/x: key-pending-import"]),
        (KeyState::Unavailable, &["alias/app/x: key-unavailable"]),
        (KeyState::Creating, &["alias/app/x: key-creating"]),
        (KeyState::Updating, &["alias/app/x: key-not-ready"]),
    ] {
        let mut world = world(&[]);
        world.set_key_state(&home(), A, state);
        assert_eq!(risks(world, &manifest(&[("alias/app/x", A)])).await, codes);
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_key_that_is_to_be_deleted_is_told_with_its_date() {
    let mut world = world(&[("alias/app/x", A), ("alias/other/stays", A)]);
    let leaving =
        Key { deletion: Some(4_000_000_000_000), ..Key::new(A).in_state(KeyState::PendingDeletion) };
    world.put_key(&home(), leaving);
    let kms = FakeKms::new(world, Scenario::default());
    let ran = run_on(&kms, &manifest(&[("alias/app/x", B)]), &["plan"], None).await;
    let words = "risk  the old key is to be deleted at 2096-10-02T07:06:40Z: what it encrypted cannot be read after that  \
                 [docs/risks.md#old-key-pending-deletion]";
    assert!(ran.out.contains(words), "{}", ran.out);
    let ran = run_on(&kms, &manifest(&[("alias/app/y", A)]), &["plan"], None).await;
    assert!(
        ran.out.contains(
            "held  key aaaa1111-0000-4000-8000-000000000001 is pending deletion, and goes at 2096-"
        ),
        "{}",
        ran.out
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_that_loses_its_last_alias_is_told_once_at_the_last_change() {
    let live = [("alias/app/x", A), ("alias/app/y", A), ("alias/app/z", B)];
    let gone = [("alias/app/x", "absent"), ("alias/app/y", "absent")];
    assert_eq!(risks(world(&live), &manifest(&gone)).await, ["alias/app/y: key-without-alias"]);
    let one_stays = risks(world(&live), &manifest(&gone[..1])).await;
    assert!(one_stays.is_empty(), "{one_stays:?}");
    let out_of_scope = [live[0], live[1], ("alias/other/z", A)];
    let elsewhere = risks(world(&out_of_scope), &manifest(&gone)).await;
    assert!(elsewhere.is_empty(), "an alias of others counts: {elsewhere:?}");
    let comes_to_it = [gone[0], gone[1], ("alias/app/new", A)];
    let replaced = risks(world(&live), &manifest(&comes_to_it)).await;
    assert!(replaced.is_empty(), "{replaced:?}");
    let renamed =
        "version: 1\nscope: [alias/app/]\naliases:\n  alias/app/w: {key: B, previously: [alias/app/z]}\n";
    let renamed = risks(world(&live), &renamed.replace("key: B", &format!("key: {B}"))).await;
    assert!(renamed.is_empty(), "{renamed:?}");
}

#[tokio::test(start_paused = true)]
async fn names_that_differ_only_by_case_are_told_where_one_of_them_changes() {
    let lines = [("alias/app/Billing", A), ("alias/app/billing", A), ("alias/app/other", A)];
    let all = risks(world(&[]), &manifest(&lines)).await;
    assert_eq!(all, ["alias/app/Billing: name-case", "alias/app/billing: name-case"]);
    let one = risks(world(&[("alias/app/billing", A)]), &manifest(&lines)).await;
    assert_eq!(one, ["alias/app/Billing: name-case"]);
    let tombstone = [lines[0], ("alias/app/billing", "absent")];
    let moved = risks(world(&[("alias/app/billing", C), ("alias/other/c", C)]), &manifest(&tombstone)).await;
    assert!(moved.is_empty(), "one of the two goes: {moved:?}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_leads_to_another_multi_region_key_next_door_is_told() {
    let text = |east: &str, west: &str| {
        format!(
            "version: 1\nscope: [alias/app/]\ntargets:\n  \
             east: {{account: \"{ACCOUNT}\", region: us-east-1}}\n  \
             west: {{account: \"{ACCOUNT}\", region: us-west-2, overrides: {{alias/app/x: {west}}}}}\n\
             aliases:\n  alias/app/x: {east}\n"
        )
    };
    let both = || {
        let mut world = World::default();
        for home in [home(), Home::new(ACCOUNT, "us-west-2")] {
            for id in [SHARED, OTHER, A, B] {
                world.put_key(&home, Key::new(id));
            }
        }
        world
    };
    assert_eq!(risks(both(), &text(SHARED, SHARED)).await, [""; 0]);
    assert_eq!(risks(both(), &text(A, B)).await, [""; 0], "keys of one Region always differ");
    let told = ["alias/app/x: sibling-region", "alias/app/x: sibling-region"];
    assert_eq!(risks(both(), &text(SHARED, OTHER)).await, told);
    assert_eq!(risks(both(), &text(SHARED, A)).await, told);
    let mut settled = both();
    settled.put_alias(&Home::new(ACCOUNT, "us-west-2"), "alias/app/x", Some(OTHER), 0);
    assert_eq!(risks(settled, &text(SHARED, OTHER)).await, told[..1], "the one that changes is marked");
    let kms = FakeKms::new(both(), Scenario::default());
    let ran = run_on(&kms, &text(SHARED, OTHER), &["plan"], None).await;
    assert!(
        ran.out.contains(&format!("risk  in west/{ACCOUNT}/us-west-2 this name leads to {OTHER}")),
        "{}",
        ran.out
    );
}

#[tokio::test(start_paused = true)]
async fn every_code_has_its_section_which_explain_prints() {
    let headings: Vec<_> = PAGE.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(
        headings,
        Code::ALL.map(Code::as_str),
        "docs/risks.md has the sections of the codes, in their order"
    );
    let kms = FakeKms::with(&[]);
    for code in Code::ALL {
        let ran = run_on(&kms, "no manifest is read", &["explain", code.as_str()], None).await;
        assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
        assert!(
            ran.out.starts_with(&format!("## {code}\n\n")) && ran.out.contains("\nWhat to do: "),
            "{}",
            ran.out
        );
        assert_eq!(ran.out.matches("## ").count(), 1, "{}", ran.out);
        let json = run_on(&kms, "no manifest is read", &["explain", code.as_str(), "-o", "json"], None).await;
        let json: Value = serde_json::from_str(&json.out).unwrap();
        assert_eq!((&json["kind"], &json["code"]), (&"risk".into(), &code.as_str().into()));
        assert_eq!(json["text"].as_str().unwrap(), ran.out.trim_end());
    }
}

#[tokio::test(start_paused = true)]
async fn a_misspelt_code_is_suggested_and_a_misspelt_alias_is_told_its_prefix() {
    let kms = FakeKms::with(&[]);
    for (word, hint) in [
        ("decrypt-by-nam", "hint: did you mean decrypt-by-name?\n"),
        ("billing", "hint: write it with the prefix"),
    ] {
        let ran = run_on(&kms, "no manifest is read", &["explain", word], None).await;
        assert!(ran.exit == Exit::Usage && ran.err.contains(hint), "{}", ran.err);
    }
}
