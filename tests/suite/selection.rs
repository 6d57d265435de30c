//! Keys selected by what they have, as whole commands on FakeKms: what is chosen, what is held and shown, and what it costs.

use std::collections::BTreeSet;
use std::sync::Arc;

use kms_alias::choose::{self, choose};
use kms_alias::cli::exit::Exit;
use kms_alias::criteria::Criteria;
use kms_alias::kms::KmsRead;
use kms_alias::kms::connect::SANDBOX_ACCOUNT;
use kms_alias::load::{Input, load};
use kms_alias::sandbox::{
    Effect, ErrorPlan, Fault, Glob, Home, Key, KeyState, Paging, PagingDefect, Scenario, Service, World,
    serve, starting_world,
};
use kms_alias::target::targets;
use serde_json::Value;

use crate::contract::client;
use crate::fake::{A, B, C, FakeKms, home, key, world};
use crate::ran::{Ran, run_on};

const D: &str = "dddd4444-0000-4000-8000-000000000004";
const NAME: &str = "alias/app/db";
const TAGS: &str = "{tags: {app: billing, purpose: db}}";

fn manifest(key: &str) -> String {
    format!("version: 1\nscope: [alias/app/]\naliases:\n  {NAME}: {{key: {key}}}\n")
}

fn billing(id: &str, state: KeyState) -> Key {
    let key = Key::new(id).described(&format!("key {}", &id[..4])).in_state(state);
    key.tagged("app", "billing").tagged("purpose", "db").tagged("team", "x")
}

/// The usual world with these keys in the places of its own, and the alias on A where `live`
fn tagged(keys: Vec<Key>, live: bool) -> World {
    let mut world = world(if live { &[(NAME, A)] } else { &[] });
    for key in keys {
        world.put_key(&home(), key);
    }
    world
}

fn kms(keys: Vec<Key>) -> FakeKms {
    FakeKms::new(tagged(keys, true), Scenario::default())
}

fn with_faults(keys: Vec<Key>, faults: Vec<Fault>) -> FakeKms {
    FakeKms::new(tagged(keys, true), Scenario { faults, ..Scenario::default() })
}

/// Every such call about this key is denied
fn denied(operation: &str, key: &str) -> Fault {
    let about = Glob::try_from(key.to_owned()).unwrap();
    Fault { alias: Some(about), ..Fault::new(operation, Effect::AccessDenied) }
}

async fn plan(kms: &FakeKms, manifest: &str) -> Ran {
    run_on(kms, manifest, &["plan"], None).await
}

#[track_caller]
fn shows(ran: &Ran, lines: &[&str]) {
    for line in lines {
        assert!(ran.out.contains(line), "no {line:?} in {}{}", ran.out, ran.err);
    }
}

#[tokio::test(start_paused = true)]
async fn the_one_key_that_matches_is_chosen_and_a_move_says_by_what() {
    let kms = kms(vec![billing(B, KeyState::Enabled), Key::new(C).tagged("app", "billing")]);
    let ran = plan(&kms, &manifest(TAGS)).await;
    shows(
        &ran,
        &[
            "  ~ alias/app/db  aaaa1111 -> bbbb2222  \"key bbbb\"  aliases.yaml:4\n",
            "      why   tags {app=billing, purpose=db} now select bbbb2222\n",
        ],
    );
    let json: Value =
        serde_json::from_str(&run_on(&kms, &manifest(TAGS), &["plan", "-o", "json"], None).await.out)
            .unwrap();
    assert_eq!(json["targets"][0]["changes"][0]["reason"], "key_ref_moved");
    assert_eq!(run_on(&kms, &manifest(TAGS), &["apply", "-y"], None).await.exit, Exit::Success);
    assert_eq!(kms.truth(), [(NAME.to_owned(), B.to_owned())]);
    let again = run_on(&kms, &manifest(TAGS), &["plan", "--detailed-exitcode"], None).await;
    assert_eq!(again.exit, Exit::Success, "{}", again.out);
}

#[tokio::test(start_paused = true)]
async fn a_description_is_matched_as_a_whole_and_together_with_tags() {
    let keys = || vec![billing(B, KeyState::Enabled), billing(C, KeyState::Enabled)];
    for (key, why) in [
        ("{description: key bbbb}", "description \"key bbbb\" now selects bbbb2222"),
        (
            "{tags: {app: billing}, description: key bbbb}",
            "tags {app=billing} and description \"key bbbb\" now select bbbb2222",
        ),
    ] {
        shows(&plan(&kms(keys()), &manifest(key)).await, &[why]);
    }
    let part = plan(&kms(keys()), &manifest("{description: key}")).await;
    shows(&part, &["description \"key\" selects no key of this account and Region"]);
}

#[tokio::test(start_paused = true)]
async fn none_is_held_with_every_key_that_would_do_if_it_were_usable() {
    let none = plan(&kms(Vec::new()), &manifest(TAGS)).await;
    shows(
        &none,
        &[
            "  ! alias/app/db  aaaa1111  aliases.yaml:4\n",
            "      held  tags {app=billing, purpose=db} select no key of this account and Region\n",
            "      hint  give them to one key, or name a key by its id\n",
            "1 held",
        ],
    );
    let managed = Key { aws_managed: true, ..billing(D, KeyState::Enabled) };
    let keys = vec![billing(B, KeyState::PendingDeletion), billing(C, KeyState::Disabled), managed];
    let kms = kms(keys);
    shows(
        &plan(&kms, &manifest(TAGS)).await,
        &[
            "held  tags {app=billing, purpose=db} select no usable key: bbbb2222 \"key bbbb\" (PendingDeletion), \
             cccc3333 \"key cccc\" (Disabled), dddd4444 \"key dddd\" (managed by AWS)\n",
        ],
    );
    assert_eq!(run_on(&kms, &manifest(TAGS), &["apply", "-y"], None).await.exit, Exit::Refused);
    assert!(kms.calls_to("UpdateAlias").is_empty());
}

#[tokio::test(start_paused = true)]
async fn several_are_held_with_all_of_them_and_what_is_not_usable_does_not_count() {
    let keys =
        vec![billing(A, KeyState::Enabled), billing(B, KeyState::Enabled), billing(C, KeyState::Disabled)];
    let ran = plan(&kms(keys), &manifest(TAGS)).await;
    shows(
        &ran,
        &[
            "held  tags {app=billing, purpose=db} select 2 usable keys, and only one may be: aaaa1111 \"key aaaa\" \
             (Enabled), bbbb2222 \"key bbbb\" (Enabled), cccc3333 \"key cccc\" (Disabled)\n",
            "hint  ask for what only one of these has, or name the key by its id\n",
        ],
    );
    let managed = Key { aws_managed: true, ..billing(D, KeyState::Enabled) };
    let keys = vec![
        billing(A, KeyState::PendingDeletion),
        billing(B, KeyState::Enabled),
        billing(C, KeyState::PendingImport),
        managed,
    ];
    shows(&plan(&kms(keys), &manifest(TAGS)).await, &["aaaa1111 -> bbbb2222"]);
}

#[tokio::test(start_paused = true)]
async fn candidates_that_begin_alike_are_written_whole() {
    let twin = B.replace("000000000002", "000000000009");
    let ran =
        plan(&kms(vec![billing(B, KeyState::Enabled), billing(&twin, KeyState::Enabled)]), &manifest(TAGS))
            .await;
    shows(&ran, &[B, &twin]);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_read_is_never_passed_over() {
    let keys = || vec![billing(B, KeyState::Enabled)];
    for operation in ["ListResourceTags", "DescribeKey"] {
        let faults = vec![denied(operation, C), denied("ListResourceTags", C)];
        let kms = with_faults(keys(), faults);
        let ran = plan(&kms, &manifest(TAGS)).await;
        shows(
            &ran,
            &[
                "held  tags {app=billing, purpose=db} may select a key that cannot be read; candidates are bbbb2222 \"key bbbb\" (Enabled), \
                 cccc3333 (cannot be read); ",
                &format!("{operation}: AccessDeniedException"),
                "hint  let the role that plans read them",
            ],
        );
        assert_eq!(ran.exit, Exit::Refused);
    }
    let own = with_faults(keys(), vec![denied("DescribeKey", B)]);
    shows(
        &plan(&own, &manifest(TAGS)).await,
        &["may select a key that cannot be read; candidates are bbbb2222 (cannot be read); DescribeKey: "],
    );
    let many = (0..12).map(|n| Key::new(&format!("{n:08}-0000-4000-8000-000000000000"))).chain(keys());
    let all = with_faults(many.collect(), vec![Fault::new("ListResourceTags", Effect::AccessDenied)]);
    let told = "00000009 (cannot be read), 5 more that cannot be read; ListResourceTags: ";
    shows(&plan(&all, &manifest(TAGS)).await, &[told]);
}

#[tokio::test(start_paused = true)]
async fn a_listed_key_that_is_not_found_may_be_one_that_is_not_visible_yet() {
    let (code, message) = ("NotFoundException".to_owned(), format!("Key '{C}' does not exist"));
    let effect = Effect::Error(ErrorPlan { code, message, status: 400 });
    let gone = |operation| Fault { effect: effect.clone(), ..denied(operation, C) };
    for faults in [vec![gone("ListResourceTags")], vec![gone("ListResourceTags"), gone("DescribeKey")]] {
        let kms = with_faults(vec![billing(B, KeyState::Enabled)], faults);
        shows(&plan(&kms, &manifest(TAGS)).await, &["(Enabled), cccc3333 (cannot be read); "]);
    }
}

#[tokio::test]
async fn over_the_wire_too_tags_are_read_page_by_page() {
    let mut world = World::default();
    world.put_key(&Home::new(SANDBOX_ACCOUNT, "us-east-1"), billing(B, KeyState::Enabled));
    for (defect, wanted) in [(None, Some(3)), (Some(PagingDefect::MissingMarker), None)] {
        let paging = Paging { limit: Some(2), defect };
        let scenario = Scenario { paging, ..Scenario::default() };
        let sandbox = serve(Service::new(world.clone(), scenario), None, 0).await.unwrap();
        let kms = client(&sandbox.endpoint_url(), "us-east-1").await;
        assert_eq!(kms.tags(&key(B)).await.ok().map(|tags| tags.len()), wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_what_is_known_of_it_excludes_may_be_unreadable() {
    let managed = Key { aws_managed: true, ..Key::new(D) };
    let keys =
        || vec![billing(B, KeyState::Enabled), Key::new(C).in_state(KeyState::Disabled), managed.clone()];
    let faults = vec![
        denied("ListResourceTags", C), // disabled
        denied("ListResourceTags", D), // AWS's own
        denied("DescribeKey", A),      // its tags are others
    ];
    let kms = with_faults(keys(), faults.clone());
    let chosen = run_on(&kms, &manifest(TAGS), &["plan", "-o", "json"], None).await;
    let json: Value = serde_json::from_str(&chosen.out).unwrap();
    assert_eq!(json["targets"][0]["changes"][0]["after"], B, "{}", chosen.out);
    // Its description is another one.
    let both = manifest("{tags: {app: billing}, description: key bbbb}");
    let kms = with_faults(vec![billing(B, KeyState::Enabled)], vec![denied("ListResourceTags", C)]);
    shows(&plan(&kms, &both).await, &["aaaa1111 -> bbbb2222"]);
}

#[tokio::test(start_paused = true)]
async fn what_denies_the_listing_or_breaks_it_is_an_error_and_no_smaller_world() {
    let keys = || vec![billing(B, KeyState::Enabled)];
    let denied = with_faults(keys(), vec![Fault::new("ListKeys", Effect::AccessDenied)]);
    let ran = plan(&denied, &manifest(TAGS)).await;
    assert_eq!(ran.exit, Exit::Runtime);
    shows(
        &ran,
        &["failed to list the keys to select from (page 1)", "the role needs kms:ListKeys on resource \"*\""],
    );
    for operation in ["ListResourceTags", "DescribeKey"] {
        let kms = with_faults(keys(), vec![Fault::new(operation, Effect::Internal).times(1)]);
        let ran = plan(&kms, &manifest(TAGS)).await;
        assert_eq!(ran.exit, Exit::Runtime, "{}", ran.out);
        shows(&ran, &["failed to look at a key to select from"]);
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_listed_page_by_page_and_a_wrong_marker_is_an_error() {
    let scenario = |defect| Scenario { paging: Paging { limit: Some(2), defect }, ..Scenario::default() };
    let tagged = tagged(vec![billing(D, KeyState::Enabled)], false);
    let kms = FakeKms::new(tagged.clone(), scenario(None));
    shows(&plan(&kms, &manifest(TAGS)).await, &["  + alias/app/db  -> dddd4444  \"key dddd\""]);
    assert_eq!((kms.calls_to("ListKeys").len(), kms.calls_to("ListResourceTags").len()), (2, 5));
    for (defect, word) in [
        (PagingDefect::MissingMarker, "gives no marker"),
        (PagingDefect::EmptyMarker, "gives no marker"),
        (PagingDefect::StrayMarker, "but gives a marker"),
    ] {
        // AWS's own aliases are more than two as well, so what is wrong with pages is seen there first.
        let kms = FakeKms::new(tagged.clone(), scenario(Some(defect)));
        let chosen = choose(&kms, criteria(TAGS)).await.unwrap_err();
        assert!(chosen.to_string().contains(word), "{chosen}");
    }
    let scenario = Scenario {
        paging: Paging { limit: Some(1), defect: Some(PagingDefect::RepeatedMarker) },
        ..Scenario::default()
    };
    let chosen = choose(&FakeKms::new(tagged, scenario), criteria(TAGS)).await;
    assert!(chosen.unwrap_err().to_string().contains("a marker that came before"));
}

/// What a manifest with this key selects by
fn criteria(key: &str) -> BTreeSet<Arc<Criteria>> {
    let manifest = load(&[Input::Stdin(manifest(key).into_bytes())]).unwrap();
    choose::criteria(&targets(&manifest)[0])
}

#[tokio::test(start_paused = true)]
async fn only_a_manifest_that_selects_costs_calls_and_each_key_is_read_once() {
    let calls = |kms: &FakeKms| {
        ["ListKeys", "ListResourceTags", "DescribeKey"].map(|operation| kms.calls_to(operation).len())
    };
    let keys = || vec![billing(B, KeyState::Enabled)];
    for (declared, wanted) in [
        (manifest(B), [0, 0, 2]),
        // Of three keys, tags exclude two; the one that the alias is on now is described for the change.
        (manifest(TAGS), [1, 3, 2]),
        (manifest("{description: key bbbb}"), [1, 0, 3]),
        (
            manifest(TAGS)
                + "  alias/app/two: {key: {tags: {team: x}}}\n  alias/app/three: {key: {description: key cccc}}\n",
            [1, 3, 3],
        ),
    ] {
        let kms = kms(keys());
        let ran = plan(&kms, &declared).await;
        assert_eq!(calls(&kms), wanted, "{declared}{}", ran.out);
    }
    let kms = kms(keys());
    let narrowed = manifest(TAGS) + &format!("  alias/app/plain: {C}\n");
    run_on(&kms, &narrowed, &["plan", "--alias", "alias/app/plain"], None).await;
    assert_eq!(calls(&kms)[..2], [0, 0], "a name that is left out is not selected for");
}

#[tokio::test(start_paused = true)]
async fn an_alias_may_follow_one_that_selects() {
    let kms = kms(vec![billing(B, KeyState::Enabled)]);
    let both = manifest(TAGS) + &format!("  alias/app/reader: {{key: {NAME}}}\n");
    let alone = run_on(&kms, &both, &["plan", "--alias", "alias/app/reader"], None).await;
    shows(&alone, &["+ alias/app/reader  -> bbbb2222"]);
    let ran = run_on(&kms, &both, &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    let wanted = [(NAME, B), ("alias/app/reader", B)].map(|(name, key)| (name.to_owned(), key.to_owned()));
    assert_eq!(kms.truth(), wanted);
    let none = plan(&self::kms(Vec::new()), &both).await;
    shows(&none, &["! alias/app/reader", "2 held"]);
}

#[tokio::test(start_paused = true)]
async fn each_target_selects_among_its_own_keys() {
    let text = "version: 1
scope: [alias/app/]
targets: {all: {account: \"111122223333\", regions: [us-east-1, eu-west-1]}}
aliases:
  alias/app/billing/db: {key: {tags: {app: billing, purpose: db}}}
";
    let kms = FakeKms::new(starting_world(), Scenario::default());
    let ran = plan(&kms, text).await;
    shows(&ran, &["-> bbbb2222", "tags {app=billing, purpose=db}"]);
    assert_eq!(kms.calls_to("ListKeys").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn explain_doctor_and_iam_policy_know_of_selection() {
    let kms = kms(vec![billing(B, KeyState::Enabled)]);
    let explained = run_on(&kms, &manifest(TAGS), &["explain", NAME], None).await;
    shows(
        &explained,
        &[
            "the one usable key with tags {app=billing, purpose=db}",
            "~ retarget from aaaa1111 to bbbb2222: tags {app=billing, purpose=db} now select that key",
        ],
    );
    let policy = run_on(&kms, &manifest(TAGS), &["iam-policy", "--for", "apply"], None).await;
    let json: Value = serde_json::from_str(&policy.out).unwrap();
    let statement = |at: usize| ["Action", "Resource"].map(|member| json["Statement"][at][member][0].clone());
    assert_eq!(statement(1), ["kms:ListKeys", "*"]);
    assert_eq!(statement(2), ["kms:ListResourceTags", "arn:*:kms:*:*:key/*"]);
    let doctor = run_on(&kms, &manifest(TAGS), &["doctor"], None).await;
    shows(&doctor, &["kms:ListKeys", "keys on the first page: 3", "kms:ListResourceTags"]);
    assert!(!doctor.out.contains("kms:ListKeys  cannot be tested"), "{}", doctor.out);
    for (key, wanted) in [(TAGS, [true, true]), ("{description: x}", [true, false]), (B, [false, false])] {
        for purpose in ["plan", "apply"] {
            let policy = run_on(&kms, &manifest(key), &["iam-policy", "--for", purpose], None).await;
            let has = ["kms:ListKeys", "kms:ListResourceTags"].map(|action| policy.out.contains(action));
            assert_eq!(has, wanted, "{key} {}", policy.out);
        }
    }
}

#[test]
fn every_wrong_form_is_refused_with_a_fix() {
    for (key, code, help) in [
        ("{tags: {}}", "empty-tags", "name at least one tag, as in `tags: {app: billing}`"),
        ("{tags: }", "null-value", "name at least one tag"),
        ("{tags: billing}", "wrong-type", "name at least one tag"),
        ("{tags: [billing]}", "wrong-type", "name at least one tag"),
        ("{tags: {app: 7}}", "wrong-type", "quote it: \"7\""),
        ("{tags: {app: true}}", "wrong-type", "quote it: \"true\""),
        ("{tags: {7: app}}", "wrong-type", "quote it: \"7\""),
        ("{tags: {app: }}", "null-value", "write a value, or take it out"),
        ("{tags: {app: [x]}}", "wrong-type", "write a single text"),
        ("{tags: {\"\": x}}", "key-criteria", "write a text, or take it out"),
        ("{description: \"\"}", "key-criteria", "write a text, or take it out"),
        ("{description: 2026}", "wrong-type", "quote it: \"2026\""),
        ("{description: }", "null-value", "write a value, or take it out"),
        ("{tag: {app: x}}", "unknown-key", "did you mean `tags`?"),
        ("{tags: {app: x}, ssm: /x}", "unsupported", "take it out"),
        ("{}", "wrong-type", "`{tags: {app: billing}}`"),
    ] {
        let error = load(&[Input::Stdin(manifest(key).into_bytes())]).unwrap_err();
        let json = error.to_json();
        let problems = json["problems"].as_array().unwrap();
        assert_eq!((problems.len(), &problems[0]["code"]), (1, &code.into()), "{key}: {json}");
        assert!(problems[0]["help"].as_str().unwrap().contains(help), "{key}: {json}");
    }
    let long = format!("{{tags: {{{}: {}}}}}", "n".repeat(129), "v".repeat(257));
    let error = load(&[Input::Stdin(manifest(&long).into_bytes())]).unwrap_err().to_json();
    assert_eq!(error["problems"].as_array().unwrap().len(), 2, "{error}");
    assert!(
        load(&[Input::Stdin(manifest("{tags: {app: \"\"}}").into_bytes())]).is_ok(),
        "a value may be empty"
    );
}
