//! Renames and replacements, as whole commands on FakeKms: the order of the calls, what is kept, what is held, and what happens when
//! a replacement gets stuck in its middle.

use std::time::Duration;

use kms_alias::apply::Tools;
use kms_alias::cli::exit::Exit;
use kms_alias::converge::converge;
use kms_alias::pace::Lanes;
use kms_alias::plan::Policy;
use kms_alias::poll::{Patience, wait};
use kms_alias::prepare::{Prepared, prepare};
use kms_alias::sandbox::{Delay, Effect, ErrorPlan, Fault, Key, LagPlan, Scenario};
use kms_alias::target::Manner;
use kms_alias::verify::Aim;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::fake::{A, B, C, FakeKms, alias, home, target, world};
use crate::ran::run_on;

const NEW: &str = "alias/app/new";
const OLD: &str = "alias/app/old";

fn renamed(settings: &str, manner: &str) -> String {
    format!(
        "version: 1\nscope: [alias/app/]\n{settings}aliases:\n  {NEW}: {{key: {A}, previously: [{OLD}]{manner}}}\n"
    )
}

fn own(kms: &FakeKms) -> Vec<(String, String)> {
    kms.truth()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_rename_creates_the_new_name_and_then_deletes_the_old_one_and_is_harmless_once_done() {
    for settings in ["", "prune: true\n"] {
        let kms = FakeKms::with(&[(OLD, A)]);
        let manifest = renamed(settings, "");
        let plan = run_on(&kms, &manifest, &["plan"], None).await;
        let line = "  > alias/app/new  -> aaaa1111  \"key aaaa\"  renamed from alias/app/old  aliases.yaml:";
        assert!(plan.out.contains(line) && plan.out.contains("1 to rename, 0 to delete"), "{}", plan.out);
        let ran = run_on(&kms, &manifest, &["apply", "-y"], None).await;
        assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
        assert_eq!(own(&kms), pairs(&[(NEW, A)]));
        let again = run_on(&kms, &manifest, &["plan", "--detailed-exitcode"], None).await;
        assert_eq!(
            (again.exit, again.out.as_str()),
            (Exit::Success, "No changes. 1 in sync, 0 unmanaged.\n")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_rename_that_came_about_is_reported_as_one() {
    let kms = FakeKms::with(&[(OLD, A)]);
    let ran = run_on(&kms, &renamed("", ""), &["apply", "-y"], None).await;
    assert!(ran.out.contains("  > alias/app/new  renamed     from alias/app/old  request "), "{}", ran.out);
    assert!(
        ran.out.contains("Applied: 0 created, 0 retargeted, 0 replaced, 1 renamed, 0 deleted;"),
        "{}",
        ran.out
    );
    let kms = FakeKms::with(&[(OLD, A)]);
    let ran = run_on(&kms, &renamed("", ""), &["apply", "-y", "-o", "json"], None).await;
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    let summary = &json["report"]["summary"];
    assert_eq!(
        (&summary["renamed"], &summary["created"], &summary["deleted"]),
        (&1.into(), &0.into(), &0.into())
    );
    let changes = &json["report"]["targets"][0]["changes"];
    assert_eq!((&changes[0]["previous_alias"], &changes[1]["previous_alias"]), (&OLD.into(), &Value::Null));
}

#[tokio::test(start_paused = true)]
async fn half_a_rename_is_a_create_and_an_old_name_that_is_left_for_a_reason() {
    let denied = Fault::new("DeleteAlias", Effect::AccessDenied);
    let kms = FakeKms::new(world(&[(OLD, A)]), Scenario { faults: vec![denied], ..Scenario::default() });
    let ran = run_on(&kms, &renamed("", ""), &["apply", "-y"], None).await;
    assert_eq!((ran.exit, own(&kms)), (Exit::Incomplete, pairs(&[(NEW, A), (OLD, A)])), "{}", ran.out);
    let left = ran
        .out
        .lines()
        .find(|line| line.contains("- alias/app/old  failed  DeleteAlias: AccessDenied"))
        .unwrap();
    assert!(left.ends_with("; left beside alias/app/new"), "{left}");
    assert!(ran.out.contains("  + alias/app/new  created"), "{}", ran.out);
    assert!(
        ran.out.contains("Applied: 1 created, 0 retargeted, 0 replaced, 0 renamed, 0 deleted;"),
        "{}",
        ran.out
    );
    let silent = Fault::new("DeleteAlias", Effect::Internal);
    let kms = FakeKms::new(world(&[(OLD, A)]), Scenario { faults: vec![silent], ..Scenario::default() });
    let ran = run_on(&kms, &renamed("", ""), &["apply", "-y"], None).await;
    assert!(
        ran.out.contains("- alias/app/old  failed") && !ran.out.contains("left beside"),
        "nobody knows: {}",
        ran.out
    );
}

#[tokio::test(start_paused = true)]
async fn under_thirty_seconds_of_lag_there_is_a_name_for_the_key_at_every_moment() {
    let lag = LagPlan {
        replicas: vec![Delay(Duration::ZERO), Delay(Duration::from_secs(30))],
        ..LagPlan::default()
    };
    let kms = FakeKms::new(world(&[(OLD, A)]), Scenario { lag, ..Scenario::default() });
    let ran = run_on(&kms, &renamed("", ""), &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.out);
    let (created, deleted) = (&kms.calls_to("CreateAlias")[0], &kms.calls_to("DeleteAlias")[0]);
    assert!(deleted.at - created.at >= 30_000, "the late replica shows the new name before the old one goes");
    assert_eq!(own(&kms), pairs(&[(NEW, A)]));
}

#[tokio::test(start_paused = true)]
async fn a_previous_name_can_be_kept_for_a_while_even_with_prune_on() {
    let kms = FakeKms::with(&[(OLD, A)]);
    let keeping = renamed("prune: true\n", ", retain_previous: true");
    let ran = run_on(&kms, &keeping, &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("alias/app/old  aaaa1111  kept, though it has become alias/app/new"),
        "{}",
        ran.out
    );
    assert_eq!(own(&kms), pairs(&[(NEW, A), (OLD, A)]));
    let done = run_on(&kms, &renamed("prune: true\n", ""), &["apply", "-y"], None).await;
    assert_eq!(done.exit, Exit::Success, "{}", done.out);
    assert!(done.out.contains("has become alias/app/new"), "{}", done.out);
    assert_eq!(own(&kms), pairs(&[(NEW, A)]));
}

#[tokio::test(start_paused = true)]
async fn a_previous_name_is_not_pruned_while_the_alias_that_it_becomes_is_left_out() {
    for manner in ["", ", retain_previous: true"] {
        for selection in [["--exclude-alias", "alias/app/new"], ["--alias", "alias/app/{old,other}"]] {
            let kms = FakeKms::with(&[("alias/app/old", A), ("alias/app/other", B), ("alias/app/junk", B)]);
            let manifest = renamed("prune: true\n", manner) + &format!("  alias/app/other: {B}\n");
            let args = [&["apply", "-y", "--no-wait"][..], &selection].concat();
            let ran = run_on(&kms, &manifest, &args, None).await;
            assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
            assert!(own(&kms).contains(&("alias/app/old".to_owned(), A.to_owned())), "{}", ran.out);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn both_names_on_different_keys_are_a_conflict_that_nobody_guesses_away() {
    for new_key in [A, C] {
        let kms = FakeKms::with(&[(OLD, B), (NEW, new_key)]);
        let before = own(&kms);
        let ran = run_on(&kms, &renamed("prune: true\n", ""), &["apply", "-y"], None).await;
        assert_eq!(ran.exit, Exit::Refused, "{}", ran.out);
        assert!(ran.out.contains("exists as well as alias/app/new, on another key"), "{}", ran.out);
        assert_eq!(own(&kms), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rename_to_another_key_is_shown_with_both_and_counts_as_a_retarget() {
    let kms = FakeKms::with(&[(OLD, B)]);
    let ran = run_on(&kms, &renamed("guards: {max_update: 0}\n", ""), &["plan"], None).await;
    assert_eq!(ran.exit, Exit::Refused);
    assert!(
        ran.out.contains("bbbb2222 -> aaaa1111  \"key aaaa\"  renamed from alias/app/old"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("refused mass-update: would retarget 1 of 1"), "{}", ran.out);
    let protected = renamed("protect: [{match: \"alias/app/old\", from: [delete]}]\n", "");
    let ran = run_on(&FakeKms::with(&[(OLD, A)]), &protected, &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Refused, "a rename takes a name away: {}", ran.out);
    let protected = renamed("protect: [{match: \"alias/app/old\", from: [retarget]}]\n", "");
    let ran = run_on(&FakeKms::with(&[(OLD, B)]), &protected, &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Refused, "this one moves it as well: {}", ran.out);
    let words = "alias/app/old would be moved to another key, and `alias/app/old` protects it  (set at aliases.yaml:3)";
    assert!(ran.out.contains(words), "{}", ran.out);
    let ran = run_on(&FakeKms::with(&[(OLD, A)]), &protected, &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Success, "on the same key it is only renamed: {}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn when_the_new_name_cannot_be_created_the_old_one_stays() {
    let fault = Fault::new("CreateAlias", Effect::AccessDenied);
    let kms = FakeKms::new(world(&[(OLD, A)]), Scenario { faults: vec![fault], ..Scenario::default() });
    let ran = run_on(&kms, &renamed("", ""), &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Incomplete, "{}", ran.out);
    assert_eq!(own(&kms), pairs(&[(OLD, A)]));
}

const MAC: &str = "dddd4444-0000-4000-8000-000000000004";

/// An alias on a symmetric key, to go to an HMAC key
fn kms_with_mac(scenario: Scenario) -> FakeKms {
    let mut world = world(&[(NEW, A)]);
    world.put_key(&home(), Key::new(MAC).described("tokens").of_kind("HMAC_256", "GENERATE_VERIFY_MAC"));
    FakeKms::new(world, scenario)
}

fn replaced(manner: &str) -> String {
    format!("version: 1\nscope: [alias/app/]\naliases:\n  {NEW}: {{key: {MAC}{manner}}}\n")
}

#[tokio::test(start_paused = true)]
async fn a_key_of_another_family_is_held_until_replacing_is_allowed() {
    let kms = kms_with_mac(Scenario::default());
    let ran = run_on(&kms, &replaced(""), &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Refused);
    assert!(ran.out.contains("`replace: true` or --allow replace"), "{}", ran.out);
    for (manner, args) in
        [(", replace: true", &["apply", "-y"][..]), ("", &["apply", "-y", "--allow", "replace"])]
    {
        let kms = kms_with_mac(Scenario::default());
        let ran = run_on(&kms, &replaced(manner), args, None).await;
        assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
        assert!(
            ran.out.contains("-/+ alias/app/new  aaaa1111 -> dddd4444") && ran.out.contains("1 replaced"),
            "{}",
            ran.out
        );
        assert!(ran.out.contains("risk  between its delete and its create"), "{}", ran.out);
        assert!(!ran.out.contains("attempts"), "each of its two calls was made once: {}", ran.out);
        assert_eq!(own(&kms), pairs(&[(NEW, MAC)]));
        assert!(kms.calls_to("UpdateAlias").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_still_taken_after_its_delete_is_created_as_soon_as_it_is_free() {
    let taken = ErrorPlan {
        code: "AlreadyExistsException".to_owned(),
        message: "An alias with the name alias/app/new already exists".to_owned(),
        status: 400,
    };
    let lag = LagPlan {
        replicas: vec![Delay(Duration::ZERO), Delay(Duration::from_secs(10))],
        ..LagPlan::default()
    };
    let faults = vec![Fault::new("CreateAlias", Effect::Error(taken)).times(3)];
    let kms = kms_with_mac(Scenario { faults, lag, ..Scenario::default() });
    let ran = run_on(&kms, &replaced(", replace: true"), &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("replaced    4 attempts"), "three that were in vain, and one: {}", ran.out);
    assert_eq!(own(&kms), pairs(&[(NEW, MAC)]));
}

#[tokio::test(start_paused = true)]
async fn a_name_whose_delete_has_no_clear_answer_is_created_again_even_after_a_stop() {
    let lag = LagPlan { replicas: vec![Delay(Duration::from_secs(20))], ..LagPlan::default() };
    for (lost, truth) in [(Effect::DropResponse, MAC), (Effect::DropRequest, A)] {
        let faults = vec![Fault::new("DeleteAlias", lost)];
        let kms = kms_with_mac(Scenario { faults, lag: lag.clone(), ..Scenario::default() });
        let mut target = target(&[(NEW, MAC)]);
        let entry = target.aliases.get_mut(&alias(NEW)).unwrap();
        entry.manner = Manner { replace: true, ..Manner::default() }.into();
        let policy = Policy::of(&target);
        let prepared = prepare(&target, &policy, &kms).await.unwrap();
        let (lanes, stop) = (Lanes::new(target.rates), CancellationToken::new());
        let tools = Tools { kms: &kms, lanes: &lanes, patience: Patience::default(), stop: &stop };
        let Prepared { snapshot, desired, plan, .. } = &prepared;
        let aim = Aim { target: &target, snapshot, desired, policy: &policy };
        let began = kms.at();
        let ask = async {
            wait(Duration::from_secs(4), &CancellationToken::new()).await;
            stop.cancel();
        };
        let (report, ()) = tokio::join!(converge(plan, &aim, &tools, true, &|_| {}), ask);
        // Where nobody knows, the name must not be left without a key; where it was never deleted, it stays as it was.
        assert_eq!(own(&kms), pairs(&[(NEW, truth)]), "{report:?}");
        let deletes = kms.calls_to("DeleteAlias");
        assert!(
            deletes.iter().all(|call| call.at <= began + 4_000),
            "none is sent once a stop was asked for"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_cannot_be_created_is_put_back() {
    let kms = kms_with_mac(Scenario {
        faults: vec![Fault::new("CreateAlias", Effect::AccessDenied).times(1)],
        ..Scenario::default()
    });
    let ran = run_on(&kms, &replaced(", replace: true"), &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Incomplete, "{}", ran.out);
    assert!(
        ran.out.contains("put back  on its old key, because CreateAlias: AccessDeniedException"),
        "{}",
        ran.out
    );
    assert_eq!(own(&kms), pairs(&[(NEW, A)]));
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_can_be_neither_created_nor_put_back_says_that_the_alias_is_gone() {
    let kms = kms_with_mac(Scenario {
        faults: vec![Fault::new("CreateAlias", Effect::AccessDenied)],
        ..Scenario::default()
    });
    let ran = run_on(&kms, &replaced(", replace: true"), &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Incomplete);
    let rows: Vec<&str> = ran.out.lines().skip_while(|line| !line.contains("  failed  ")).take(4).collect();
    let gone =
        "the alias is gone: it was deleted, and could be created neither on its new key nor on its old one";
    assert!(rows[0].ends_with(&format!("  failed  {gone}")), "{}", ran.out);
    assert!(rows[1].starts_with("      new   CreateAlias: AccessDeniedException"), "{}", ran.out);
    assert!(rows[2].starts_with("      old   CreateAlias: AccessDeniedException"), "{}", ran.out);
    let hint = rows[3].strip_prefix("      hint  ").expect(&ran.out);
    assert!(hint.contains("kms:CreateAlias"), "what has to be mended first: {hint}");
    assert!(hint.ends_with("; then run again at once: the plan is then a create"), "{hint}");
    assert!(
        ran.out.contains("\n1 alias is gone: run again at once: the plan is then a create.\n"),
        "{}",
        ran.out
    );
}

#[tokio::test(start_paused = true)]
async fn an_alias_that_is_gone_is_counted_in_every_form() {
    for (form, words) in [
        ("json", "\"gone\": 1"),
        ("json", "\"error\": \"the alias is gone: "),
        ("ndjson", "\"gone\":1"),
        ("markdown", "1 alias is gone: run again at once"),
        ("html", "1 alias is gone: run again at once"),
    ] {
        let kms = kms_with_mac(Scenario {
            faults: vec![Fault::new("CreateAlias", Effect::AccessDenied)],
            ..Scenario::default()
        });
        let ran = run_on(&kms, &replaced(", replace: true"), &["apply", "-y", "-o", form], None).await;
        assert!(ran.out.contains(words), "{form}: {}", ran.out);
    }
}

#[tokio::test(start_paused = true)]
async fn a_replacement_whose_credentials_give_out_in_its_middle_says_that_the_alias_is_gone() {
    let kms = kms_with_mac(Scenario {
        faults: vec![Fault::new("CreateAlias", Effect::Expired)],
        ..Scenario::default()
    });
    let ran = run_on(&kms, &replaced(", replace: true"), &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Incomplete, "{}", ran.out);
    assert!(ran.out.contains("the alias is gone"), "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_somebody_else_completes_is_not_said_to_have_been_so_already() {
    let lost = Fault::new("DeleteAlias", Effect::DropResponse).times(1);
    for faults in [vec![], vec![lost]] {
        let kms = kms_with_mac(Scenario { faults, ..Scenario::default() });
        let manifest = replaced(", replace: true");
        let theirs = async {
            while kms.calls_to("DeleteAlias").is_empty() {
                wait(Duration::from_millis(1), &CancellationToken::new()).await;
            }
            let at = kms.at();
            kms.service().world_mut().put_alias(&home(), NEW, Some(MAC), at);
        };
        let (ran, ()) = tokio::join!(run_on(&kms, &manifest, &["apply", "-y"], None), theirs);
        assert!(ran.out.contains("1 replaced") && ran.out.contains("0 already so"), "{}", ran.out);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_response_in_the_middle_of_a_replacement_does_not_derail_it() {
    for operation in ["DeleteAlias", "CreateAlias"] {
        let fault = Fault::new(operation, Effect::DropResponse).times(1);
        let kms = kms_with_mac(Scenario { faults: vec![fault], ..Scenario::default() });
        let ran = run_on(&kms, &replaced(", replace: true"), &["apply", "-y"], None).await;
        assert_eq!(ran.exit, Exit::Success, "{operation}: {}{}", ran.out, ran.err);
        assert_eq!(own(&kms), pairs(&[(NEW, MAC)]), "{operation}");
    }
}
