//! Keys at their quota of fifty aliases: what frees a place comes first, and what has none is held. Whole commands on FakeKms.

use kms_alias::cli::exit::Exit;

use crate::fake::{A, B, C, FakeKms};
use crate::ran::run_on;

/// `count` names on `key`, out of scope, so that they only take up places
fn others(key: &'static str, count: usize) -> Vec<(String, &'static str)> {
    (0..count).map(|i| (format!("alias/other/{}/{i:02}", &key[..4]), key)).collect()
}

fn kms(own: &[(&str, &'static str)], others: &[Vec<(String, &'static str)>]) -> FakeKms {
    let others = others.iter().flatten().map(|(name, key)| (name.as_str(), *key));
    FakeKms::with(&own.iter().copied().chain(others).collect::<Vec<_>>())
}

fn manifest(settings: &str, lines: &[(&str, &str)]) -> String {
    let lines: Vec<_> = lines.iter().map(|(name, want)| format!("  {name}: {want}\n")).collect();
    format!(
        "version: 1\nscope: [alias/app/]\nguards: {{max_update: 100%, max_delete: 100%}}\n{settings}aliases:\n{}",
        lines.concat()
    )
}

fn key_of(kms: &FakeKms, name: &str) -> Option<String> {
    kms.truth().into_iter().find(|(other, _)| other == name).map(|(_, key)| key)
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_frees_the_place_comes_before_the_create_that_needs_it() {
    let kms = kms(&[("alias/app/old", A)], &[others(A, 49)]);
    let manifest = manifest("", &[("alias/app/new", A), ("alias/app/old", "absent")]);
    let ran = run_on(&kms, &manifest, &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    assert_eq!(key_of(&kms, "alias/app/new").as_deref(), Some(A));
    let (created, deleted) = (&kms.calls_to("CreateAlias")[0], &kms.calls_to("DeleteAlias")[0]);
    assert!(deleted.at < created.at);
}

#[tokio::test(start_paused = true)]
async fn what_the_plan_itself_puts_on_a_key_is_counted_among_what_fills_it() {
    let kms = kms(&[("alias/app/first", A)], &[]);
    let names: Vec<String> = (0..51).map(|i| format!("alias/app/new/{i:02}")).collect();
    let mut lines: Vec<_> = names.iter().map(|name| (name.as_str(), A)).collect();
    lines.push(("alias/app/first", A));
    let ran = run_on(&kms, &manifest("", &lines), &["plan"], None).await;
    let words = "has 1 alias and gets 49 more by this plan, its quota is 50 unless it was raised, and nothing else in this plan \
                 frees a place first";
    assert_eq!(ran.out.matches(words).count(), 2, "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn only_the_deletes_that_free_a_place_come_early() {
    let own = [("alias/app/old", A), ("alias/app/unrelated", C)];
    let kms = kms(&own, &[others(A, 49)]);
    let lines = [("alias/app/new", A), ("alias/app/old", "absent"), ("alias/app/unrelated", "absent")];
    let ran = run_on(&kms, &manifest("", &lines), &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.out);
    let order: Vec<_> =
        kms.calls_to("DeleteAlias").iter().map(|call| call.input["AliasName"].clone()).collect();
    assert_eq!(order, ["alias/app/old", "alias/app/unrelated"]);
    assert!(kms.calls_to("CreateAlias")[0].at < kms.calls_to("DeleteAlias")[1].at);
}

#[tokio::test(start_paused = true)]
async fn a_move_away_from_a_full_key_comes_before_the_move_to_it() {
    let own = [("alias/app/leaves", A), ("alias/app/comes", B)];
    let kms = kms(&own, &[others(A, 49)]);
    let lines = [("alias/app/leaves", C), ("alias/app/comes", A)];
    let ran = run_on(&kms, &manifest("", &lines), &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    assert_eq!(key_of(&kms, "alias/app/comes").as_deref(), Some(A));
    assert_eq!(kms.calls_to("UpdateAlias").len(), 2, "neither was refused");
}

#[tokio::test(start_paused = true)]
async fn two_full_keys_that_swap_an_alias_each_are_held_with_the_count() {
    let own = [("alias/app/one", A), ("alias/app/two", B)];
    let kms = kms(&own, &[others(A, 49), others(B, 49)]);
    let lines = [("alias/app/one", B), ("alias/app/two", A), ("alias/app/third", C)];
    let ran = run_on(&kms, &manifest("", &lines), &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Incomplete, "{}", ran.out);
    assert!(
        ran.out.contains(&format!("held  key {B} has 50 aliases, its quota is 50 unless it was raised")),
        "{}",
        ran.out
    );
    assert_eq!(key_of(&kms, "alias/app/third").as_deref(), Some(C), "the rest is applied");
    assert!(kms.calls_to("UpdateAlias").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_rename_on_a_full_key_is_held_and_not_tried() {
    let kms = kms(&[("alias/app/old", A)], &[others(A, 49)]);
    let line = format!("{{key: {A}, previously: [alias/app/old]}}");
    let ran = run_on(&kms, &manifest("", &[("alias/app/new", &line)]), &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Refused, "{}", ran.out);
    assert!(kms.calls_to("CreateAlias").is_empty() && ran.out.contains("--allow full-key"), "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn a_raised_quota_is_taken_from_the_flag_or_from_what_is_live() {
    let manifest = manifest("", &[("alias/app/new", A)]);
    for (count, args, planned) in [
        (49, &["plan"][..], true),
        (50, &["plan"], false),
        (50, &["plan", "--allow", "full-key"], true),
        (51, &["plan"], true),
    ] {
        let ran = run_on(&kms(&[], &[others(A, count)]), &manifest, args, None).await;
        assert_eq!(ran.exit == Exit::Success, planned, "{count} {args:?}: {}", ran.out);
    }
}
