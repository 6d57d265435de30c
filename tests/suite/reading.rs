//! How the live aliases of a target are read: all of them, or the names that the manifest speaks about; with how many calls, and what
//! is known then.

use std::time::Duration;

use kms_alias::cli::exit::Exit;
use kms_alias::kms::KmsWrite;
use kms_alias::list::Extent;
use kms_alias::plan::guards::{Allow, FailOn};
use kms_alias::plan::{Action, Policy};
use kms_alias::prepare::{Prepared, prepare};
use kms_alias::read::ReadBy;
use kms_alias::sandbox::{Delay, Effect, ErrorPlan, Fault, Glob, LagPlan, Scenario};
use kms_alias::scope::Pattern;
use kms_alias::target::{Guard, Guards, Limit, Target};
use serde_json::Value;

use crate::fake::{A, B, C, FakeKms, alias, home, key, target, world};
use crate::ran::run_on;

const MANIFEST: &str =
    "version: 1\nscope: [alias/app/]\naliases:\n  alias/app/a: KEY_A\n  alias/app/b: KEY_B\n";

fn manifest() -> String {
    MANIFEST.replace("KEY_A", A).replace("KEY_B", B)
}

/// A service with these aliases, and so many of others, each on a key of its own
fn crowded(aliases: &[(&str, &str)], others: usize, scenario: Scenario) -> FakeKms {
    let mut world = world(aliases);
    for other in 0..others {
        let id = format!("dddd4444-0000-4000-8000-{other:012}");
        world.put_key(&home(), kms_alias::sandbox::Key::new(&id));
        world.put_alias(&home(), &format!("alias/other/{other:06}"), Some(&id), 0);
    }
    FakeKms::new(world, scenario)
}

async fn read(kms: &FakeKms, target: &Target, read: ReadBy) -> Prepared {
    prepare(target, &Policy { read, ..Policy::of(target) }, kms).await.unwrap()
}

/// Calls to ListAliases, and to DescribeKey
fn calls(kms: &FakeKms) -> (usize, usize) {
    (kms.calls_to("ListAliases").len(), kms.calls_to("DescribeKey").len())
}

#[tokio::test(start_paused = true)]
async fn a_small_account_is_listed_and_a_few_names_of_a_large_one_are_read_by_name() {
    let declared = target(&[("alias/app/a", A), ("alias/app/b", B)]);
    let live = [("alias/app/a", A), ("alias/app/b", B), ("alias/app/stray", C)];
    let small = crowded(&live, 150, Scenario::default());
    let all = read(&small, &declared, ReadBy::Auto).await;
    assert_eq!((all.snapshot.extent, calls(&small)), (Extent::Whole { pages: 2 }, (2, 0)));
    assert_eq!((all.plan.in_sync, all.plan.unmanaged.len()), (2, 1));

    let large = crowded(&live, 1_500, Scenario::default());
    let some = read(&large, &declared, ReadBy::Auto).await;
    // Two names cost as much as 1.1 pages, so after two it is known that there are more than they are worth.
    assert_eq!((some.snapshot.extent, calls(&large)), (Extent::Named, (2, 2)));
    assert_eq!((some.plan.in_sync, some.plan.unmanaged.len()), (2, 0));

    let told = crowded(&live, 1_500, Scenario::default());
    read(&told, &declared, ReadBy::Names).await;
    assert_eq!(calls(&told), (0, 2));
    let whole = crowded(&live, 1_500, Scenario::default());
    assert_eq!(read(&whole, &declared, ReadBy::List).await.plan.unmanaged.len(), 1);
    assert_eq!(calls(&whole), (16, 0));
}

#[tokio::test(start_paused = true)]
async fn many_names_of_a_large_account_are_listed() {
    let names: Vec<String> = (0..200).map(|i| format!("alias/app/{i:03}")).collect();
    let declared: Vec<_> = names.iter().map(|name| (name.as_str(), A)).collect();
    let kms = crowded(&[], 1_500, Scenario::default());
    let prepared = read(&kms, &target(&declared), ReadBy::Auto).await;
    assert_eq!((prepared.snapshot.extent, calls(&kms).0), (Extent::Whole { pages: 16 }, 16));
}

#[tokio::test(start_paused = true)]
async fn whatever_needs_the_other_names_has_them_listed() {
    let declared = target(&[("alias/app/a", A)]);
    let live = [("alias/app/a", A), ("alias/app/stray", C)];
    let prune = Policy { prune: true, ..Policy::of(&declared) };
    let unmanaged = Policy { fail_on: [FailOn::Unmanaged].into(), ..Policy::of(&declared) };
    let warnings = Policy { fail_on: [FailOn::Warnings].into(), ..Policy::of(&declared) };
    for policy in [prune, unmanaged, warnings] {
        for how in [ReadBy::Names, ReadBy::Auto] {
            let kms = crowded(&live, 1_500, Scenario::default());
            let policy = Policy { read: how, ..policy.clone() };
            let prepared = prepare(&declared, &policy, &kms).await.unwrap();
            assert_eq!(prepared.snapshot.extent, Extent::Whole { pages: 16 }, "{policy:?}");
        }
    }
    // A target that declares nothing has no names to read, and is no reason to know nothing.
    let kms = crowded(&live, 1_500, Scenario::default());
    assert_eq!(read(&kms, &target(&[]), ReadBy::Names).await.plan.unmanaged.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_share_that_the_names_read_would_pass_is_taken_of_all_live_names() {
    let share = || Guard { limit: Limit::Percent(10.0), place: None };
    let guards = Guards { max_delete: share(), max_update: share(), min_existing: 10 };
    let tombstone = Target { guards, ..target(&[("alias/app/000", "absent")]) };
    let names: Vec<String> = (0..50).map(|i| format!("alias/app/{i:03}")).collect();
    let live: Vec<_> = names.iter().map(|name| (name.as_str(), A)).collect();
    // One of one is too many, and one of fifty is not.
    let kms = crowded(&live, 1_500, Scenario::default());
    let prepared = read(&kms, &tombstone, ReadBy::Names).await;
    assert_eq!((prepared.snapshot.extent, prepared.plan.refusals), (Extent::Whole { pages: 16 }, vec![]));
    assert_eq!(prepared.plan.changes.len(), 1);
    // One of nine is: there are too few for a share to count, which the names alone cannot tell either.
    let kms = crowded(&live[..9], 1_500, Scenario::default());
    assert_eq!(read(&kms, &tombstone, ReadBy::Names).await.plan.refusals, []);
    // With leave to do it, nobody has to count.
    let kms = crowded(&live, 1_500, Scenario::default());
    let allow = [Allow::MassDelete].into();
    let policy = Policy { allow, read: ReadBy::Names, ..Policy::of(&tombstone) };
    assert_eq!(prepare(&tombstone, &policy, &kms).await.unwrap().snapshot.extent, Extent::Named);
}

#[tokio::test(start_paused = true)]
async fn the_places_of_a_key_are_counted_by_its_own_listing() {
    let full: Vec<String> = (0..50).map(|i| format!("alias/full/{i:02}")).collect();
    let mut live: Vec<_> = full.iter().map(|name| (name.as_str(), A)).collect();
    live.push(("alias/app/b", B));
    let kms = crowded(&live, 1_500, Scenario::default());
    let prepared = read(&kms, &target(&[("alias/app/a", A), ("alias/app/b", C)]), ReadBy::Names).await;
    assert_eq!(prepared.snapshot.alias_counts[&key(A)], 50);
    let [held] = &prepared.plan.held[..] else { panic!("{:?}", prepared.plan) };
    assert!(held.why.starts_with(&format!("key {A} has 50 aliases")), "{held:?}");
    let moved = &prepared.plan.changes[0];
    assert!(matches!(&moved.action, Action::Update { name, .. } if *name == alias("alias/app/b")));
    // Each key of a change is listed once; B becomes known by its alias, C is described, and so is A.
    assert_eq!(calls(&kms), (3, 2 + 2));
    assert!(moved.risks.iter().any(|risk| risk.code.as_str() == "key-without-alias"), "{moved:?}");
}

#[tokio::test(start_paused = true)]
async fn previous_names_and_followed_names_are_read_as_well() {
    let mut declared = target(&[("alias/app/new", A), ("alias/app/follows", "alias/other/000007")]);
    let entry = declared.aliases.get_mut(&alias("alias/app/new")).unwrap();
    let manner = kms_alias::target::Manner { previously: vec![alias("alias/app/old")], ..Default::default() };
    entry.manner = manner.into();
    let kms = crowded(&[("alias/app/old", A)], 1_500, Scenario::default());
    let by_name = read(&kms, &declared, ReadBy::Names).await;
    assert_eq!(by_name.snapshot.extent, Extent::Named);
    let listed = read(&kms, &declared, ReadBy::List).await;
    assert_eq!(by_name.plan.changes, listed.plan.changes);
    assert_eq!(by_name.plan.changes.len(), 2);
}

fn denied(name: &str) -> Scenario {
    let error = ErrorPlan { code: "AccessDeniedException".to_owned(), message: "no".to_owned(), status: 400 };
    let name = Some(Glob(Pattern::parse(name).unwrap()));
    let fault = Fault { alias: name, ..Fault::new("DescribeKey", Effect::Error(error)) };
    Scenario { faults: vec![fault], ..Scenario::default() }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_may_not_be_described_is_listed_or_the_target_is_unread() {
    let declared = target(&[("alias/app/a", A)]);
    let kms = crowded(&[("alias/app/a", A)], 1_500, denied("alias/app/a"));
    let auto = read(&kms, &declared, ReadBy::Auto).await;
    // The listing that was begun is gone on with: no page is read twice.
    assert_eq!((auto.snapshot.extent, calls(&kms)), (Extent::Whole { pages: 16 }, (16, 1)));
    let policy = Policy { read: ReadBy::Names, ..Policy::of(&declared) };
    let error = prepare(&declared, &policy, &kms).await.unwrap_err();
    assert_eq!(error.to_string(), "read alias/app/a by its name");
    assert_eq!(error.hint().unwrap(), "pass --read list, which does not ask for the key");
}

#[tokio::test(start_paused = true)]
async fn an_apply_in_a_large_account_looks_only_at_what_it_changed() {
    let kms = crowded(&[("alias/app/a", B)], 1_500, Scenario::default());
    let ran = run_on(&kms, &manifest(), &["apply", "--yes", "--read", "list"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    // All pages were read for the plan, and once more for the read that settles its verification.
    assert_eq!(kms.calls_to("ListAliases").len(), 2 * 16);
    let truth: Vec<_> = kms.truth().into_iter().filter(|(name, _)| name.starts_with("alias/app/")).collect();
    assert_eq!(truth, [("alias/app/a", A), ("alias/app/b", B)].map(|(a, k)| (a.to_owned(), k.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn names_that_a_late_replica_does_not_show_are_waited_for() {
    let lag = LagPlan { replicas: vec![Delay(Duration::from_secs(7))], ..LagPlan::default() };
    let live = ["a", "b", "c", "d"].map(|name| (format!("alias/app/{name}"), B));
    let live: Vec<_> = live.iter().map(|(name, key)| (name.as_str(), *key)).collect();
    let kms = crowded(&live, 1_500, Scenario { lag, ..Scenario::default() });
    let manifest = format!("{}  alias/app/c: {B}\n  alias/app/d: {B}\n", manifest());
    let ran = run_on(&kms, &manifest, &["apply", "--yes", "--read", "names"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    let last_write = kms.calls_to("UpdateAlias").last().unwrap().at;
    let last_look = kms.calls_to("DescribeKey").last().unwrap().at;
    assert!(last_look >= last_write + 7_000, "{last_write} {last_look}");
    // Of the two keys of the change, and never of the account.
    assert!(kms.calls_to("ListAliases").iter().all(|call| call.input["KeyId"].is_string()));
}

#[tokio::test(start_paused = true)]
async fn what_others_change_during_an_apply_is_not_called_converged_however_it_is_read() {
    for how in ["list", "names", "auto"] {
        let lag = LagPlan { replicas: vec![Delay(Duration::from_secs(7))], ..LagPlan::default() };
        let kms = crowded(&[("alias/app/b", B)], 1_500, Scenario { lag, ..Scenario::default() });
        let rival = async {
            kms_alias::poll::wait(Duration::from_millis(300), &Default::default()).await;
            kms.delete_alias(&alias("alias/app/b")).await.unwrap();
        };
        let manifest = manifest();
        let args = ["apply", "--yes", "--read", how, "--wait-timeout", "30s"];
        let (ran, ()) = tokio::join!(run_on(&kms, &manifest, &args, None), rival);
        assert_eq!(ran.exit, Exit::Incomplete, "{how}: {}{}", ran.out, ran.err);
        assert!(ran.out.contains("still different: alias/app/b"), "{how}: {}", ran.out);
    }
}

#[tokio::test(start_paused = true)]
async fn an_alias_whose_key_is_gone_is_there() {
    let key = Fault {
        alias: Some(Glob(Pattern::parse("alias/app/a").unwrap())),
        ..Fault::new(
            "DescribeKey",
            Effect::Error(ErrorPlan {
                code: "NotFoundException".to_owned(),
                message: format!("Key 'arn:aws:kms:us-east-1:111122223333:key/{A}' does not exist"),
                status: 400,
            }),
        )
    };
    let gone = || Scenario { faults: vec![key.clone()], ..Scenario::default() };
    let declared = target(&[("alias/app/a", "absent")]);
    let kms = crowded(&[("alias/app/a", A)], 1_500, gone());
    let auto = read(&kms, &declared, ReadBy::Auto).await;
    assert_eq!((auto.snapshot.extent, auto.plan.changes.len()), (Extent::Whole { pages: 16 }, 1));
    let kms = crowded(&[("alias/app/a", A)], 1_500, gone());
    let policy = Policy { read: ReadBy::Names, ..Policy::of(&declared) };
    let error = prepare(&declared, &policy, &kms).await.unwrap_err();
    assert_eq!(error.hint().unwrap(), "pass --read list, which does not ask for the key");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_known_is_said_in_every_form() {
    let live = [("alias/app/a", A), ("alias/app/b", B), ("alias/app/stray", C)];
    let kms = crowded(&live, 1_500, Scenario::default());
    let ran = async |args: &[&str]| run_on(&kms, &manifest(), args, None).await;
    let plan = ran(&["plan"]).await;
    assert_eq!(
        plan.out,
        "No changes. 2 in sync, unmanaged unknown in 1 target.\n\
         Read by name: 1 target. Only the names that the manifest speaks about; --read list shows what is unmanaged.\n"
    );
    let listed = ran(&["plan", "--read", "list"]).await;
    assert!(
        listed.out.contains("alias/app/stray") && listed.out.contains("1 unmanaged.\n"),
        "{}",
        listed.out
    );
    let document = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let json = document(&ran(&["plan", "-o", "json"]).await.out);
    assert_eq!(
        (&json["targets"][0]["read"], &json["summary"]["unlisted_targets"]),
        (&"names".into(), &1.into())
    );
    let json = document(&ran(&["plan", "-o", "json", "--read", "list"]).await.out);
    assert_eq!(
        (&json["targets"][0]["read"], &json["summary"]["unlisted_targets"]),
        (&"list".into(), &0.into())
    );
    let markdown = ran(&["plan", "-o", "markdown"]).await.out;
    assert!(markdown.contains("\nRead by name: 1 target. Only"), "{markdown}");
    assert!(!markdown.contains("nothing unmanaged"), "{markdown}");
    let metrics = tempfile::NamedTempFile::new().unwrap();
    let report = format!("prometheus={}", metrics.path().display());
    for (how, counted) in [("names", false), ("list", true)] {
        ran(&["plan", "--read", how, "--report", &report]).await;
        let metrics = std::fs::read_to_string(metrics.path()).unwrap();
        assert_eq!(metrics.contains("status=\"unmanaged\""), counted, "{metrics}");
        assert!(metrics.contains("status=\"in_sync\""), "{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_live_cannot_be_declared_by_names_alone() {
    let kms = crowded(&[], 0, Scenario::default());
    let ran = run_on(&kms, &manifest(), &["drift", "--write-config", "--read", "names"], None).await;
    assert_eq!(ran.exit, Exit::Usage, "{}", ran.err);
    assert!(ran.err.contains("--read names would not see all of it"), "{}", ran.err);
    assert_eq!(kms.service().calls().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_unused_pattern_is_not_called_idle_where_not_all_names_are_known() {
    let kms = crowded(&[("alias/app/a", A), ("alias/app/b", B)], 1_500, Scenario::default());
    let manifest = format!("{}protect: [{{match: \"alias/app/stray*\", from: [delete]}}]\n", manifest());
    let listed = run_on(&kms, &manifest, &["plan", "--read", "list"], None).await;
    assert!(listed.out.contains("matches no name in any target"), "{}", listed.out);
    let named = run_on(&kms, &manifest, &["plan", "--read", "names"], None).await;
    assert!(!named.out.contains("matches no name in any target"), "{}", named.out);
}
