//! Whole commands, in this process: exit codes, streams and outputs, on FakeKms under paused time.

use std::collections::BTreeSet;
use std::time::Duration;

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{
    Delay, Effect, ErrorPlan, Fault, Home, Key, LagPlan, Paging, PagingDefect, Scenario, World,
    starting_world,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::fake::{A, ACCOUNT, B, C, FakeConnect, FakeKms, REGION, world};
use crate::ran::{run_on, run_with};

const MANIFEST: &str = "\
version: 1
scope: [alias/app/]
aliases:
  alias/app/new: aaaa1111-0000-4000-8000-000000000001
  alias/app/moved: bbbb2222-0000-4000-8000-000000000002
  alias/app/same: aaaa1111-0000-4000-8000-000000000001
  alias/app/gone: absent
";

fn kms() -> FakeKms {
    FakeKms::with(&[
        ("alias/app/moved", A),
        ("alias/app/same", A),
        ("alias/app/gone", C),
        ("alias/app/unmanaged", B),
        ("alias/other/x", A),
    ])
}

#[tokio::test(start_paused = true)]
async fn plan_shows_every_change_with_its_line_and_writes_nothing() {
    let kms = kms();
    let ran = run_on(&kms, MANIFEST, &["plan"], None).await;
    let expected = "\
default
  - alias/app/gone       cccc3333  \"key cccc\"  declared absent  aliases.yaml:7
      risk  its old key is left without any alias, so access to it by kms:ResourceAliases ends  [docs/risks.md#key-without-alias]
  ~ alias/app/moved      aaaa1111 -> bbbb2222  \"key bbbb\"       aliases.yaml:5
      risk  callers that decrypt by this name with old ciphertext will fail  [docs/risks.md#decrypt-by-name]
  + alias/app/new        -> aaaa1111  \"key aaaa\"                aliases.yaml:4
    alias/app/unmanaged  bbbb2222  unmanaged
Plan: 1 to create, 1 to retarget, 0 to replace, 0 to rename, 1 to delete; 0 held, 1 in sync, 1 unmanaged.
";
    let (plan, summary) = ran.out.split_once("Digest ").unwrap();
    assert_eq!(plan, expected);
    let (digest, counts) = summary.split_once('\n').unwrap();
    assert!(digest.starts_with("sha256:") && digest.len() == 71, "{summary}");
    let expected =
        "API calls: 1 ListAliases, 3 DescribeKey. At the service's rates this apply takes at least 0.3 s.\n";
    assert_eq!(counts, expected);
    assert_eq!((ran.exit, ran.err.as_str()), (Exit::Success, ""));
    assert!(["CreateAlias", "UpdateAlias", "DeleteAlias"].iter().all(|write| kms.calls_to(write).is_empty()));
}

#[tokio::test(start_paused = true)]
async fn detailed_exitcode_tells_differences_from_none() {
    let ran = run_on(&kms(), MANIFEST, &["plan", "--detailed-exitcode"], None).await;
    assert_eq!(ran.exit, Exit::Differences);
    let in_sync =
        "version: 1\nscope: [alias/app/]\naliases: {alias/app/same: aaaa1111-0000-4000-8000-000000000001}\n";
    let kms = FakeKms::with(&[("alias/app/same", A)]);
    let ran = run_on(&kms, in_sync, &["plan", "--detailed-exitcode"], None).await;
    assert_eq!((ran.exit, ran.out.as_str()), (Exit::Success, "No changes. 1 in sync, 0 unmanaged.\n"));
    assert!(kms.calls_to("DescribeKey").is_empty(), "no key is looked at where nothing changes");
}

#[tokio::test(start_paused = true)]
async fn the_same_plan_has_the_same_bytes_however_the_world_is_ordered() {
    let names: Vec<String> = (0..300).map(|i| format!("alias/app/{i:03}")).collect();
    let mut live: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), A)).collect();
    let lines = |declared: &[(&str, &str)]| -> String {
        let lines: Vec<_> = declared.iter().map(|(name, _)| format!("  {name}: {B}\n")).collect();
        format!("version: 1\nscope: [alias/app/]\naliases:\n{}", lines.concat())
    };
    let manifest = lines(&live);
    for form in ["text", "diff", "json"] {
        let plain = run_on(&FakeKms::with(&live), &manifest, &["plan", "-o", form], None).await.out;
        for seed in 0..5 {
            fastrand::Rng::with_seed(seed).shuffle(&mut live);
            let shuffled = run_on(&FakeKms::with(&live), &manifest, &["plan", "-o", form], None).await.out;
            assert_eq!(plain, shuffled, "{form}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_digest_does_not_depend_on_the_order_of_the_manifest() {
    let digest = |out: &str| serde_json::from_str::<Value>(out).unwrap()["digest"].clone();
    let mut lines: Vec<&str> = MANIFEST.lines().skip(3).collect();
    let first = digest(&run_on(&kms(), MANIFEST, &["plan", "-o", "json"], None).await.out);
    lines.reverse();
    let reversed = format!("version: 1\nscope: [alias/app/]\naliases:\n{}\n", lines.join("\n"));
    assert_eq!(first, digest(&run_on(&kms(), &reversed, &["plan", "-o", "json"], None).await.out));
}

#[tokio::test(start_paused = true)]
async fn the_diff_is_of_manifests_and_the_json_is_one_document() {
    let diff = run_on(&kms(), MANIFEST, &["plan", "-o", "diff"], None).await.out;
    let expected = format!(
        "--- live default\n+++ desired default\n@@ -1,5 +1,5 @@\n aliases:\n-  alias/app/gone: {C}\n-  alias/app/moved: {A}\n\
         +  alias/app/moved: {B}\n+  alias/app/new: {A}\n   alias/app/same: {A}\n   alias/app/unmanaged: {B}\n"
    );
    assert_eq!(diff, expected);
    let json: Value =
        serde_json::from_str(&run_on(&kms(), MANIFEST, &["plan", "-o", "json"], None).await.out).unwrap();
    assert_eq!(json["summary"]["update"], 1);
    let change = &json["targets"][0]["changes"][1];
    assert_eq!(
        (&change["alias"], &change["actions"]),
        (&"alias/app/moved".into(), &serde_json::json!(["update"]))
    );
    assert_eq!((&change["before"], &change["after"]), (&A.into(), &B.into()));
    assert_eq!(change["source"]["line"], 5);
}

#[tokio::test(start_paused = true)]
async fn apply_without_anybody_to_ask_fails_and_names_the_flag() {
    let kms = kms();
    let before = kms.truth();
    for args in [&["apply"][..], &["apply", "--no-input"]] {
        let ran = run_on(&kms, MANIFEST, args, None).await;
        assert_eq!(ran.exit, Exit::Refused);
        assert!(ran.err.contains("--yes"), "{}", ran.err);
    }
    assert_eq!(kms.truth(), before);
}

#[tokio::test(start_paused = true)]
async fn deletions_want_their_number_typed_and_yes_is_not_enough() {
    for (typed, exit) in
        [("yes\n", Exit::Refused), ("\n", Exit::Refused), ("2\n", Exit::Refused), ("1\n", Exit::Success)]
    {
        let kms = kms();
        let ran = run_on(&kms, MANIFEST, &["apply"], Some(typed)).await;
        assert_eq!(ran.exit, exit, "{typed:?} {}", ran.err);
        assert_eq!(kms.calls_to("DeleteAlias").len(), usize::from(exit == Exit::Success), "{typed:?}");
    }
    let creates_only = MANIFEST.replace("  alias/app/gone: absent\n", "");
    assert_eq!(run_on(&kms(), &creates_only, &["apply"], Some("yes\n")).await.exit, Exit::Success);
    assert_eq!(run_on(&kms(), &creates_only, &["apply"], Some("y\n")).await.exit, Exit::Refused);
}

#[tokio::test(start_paused = true)]
async fn apply_converges_reports_every_alias_and_has_nothing_to_do_again() {
    let kms = kms();
    let ran = run_on(&kms, MANIFEST, &["apply", "--yes"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    let summary = "Applied: 1 created, 1 retargeted, 0 replaced, 0 renamed, 1 deleted; 0 already so, 0 contested, 0 failed, \
                   0 unverified, 0 not attempted.\n";
    assert!(ran.out.contains(summary) && ran.out.contains("converged after"), "{}", ran.out);
    assert!(!ran.out.contains("Held in"), "{}", ran.out);
    assert!(ran.out.contains("five minutes"), "what ListAliases shows may not be in force yet");
    let own =
        |truth: Vec<(String, String)>| truth.into_iter().filter(|(name, _)| name.starts_with("alias/app/"));
    let expected = [("moved", B), ("new", A), ("same", A), ("unmanaged", B)];
    assert!(own(kms.truth()).eq(expected.map(|(n, k)| (format!("alias/app/{n}"), k.to_owned()))));
    let again = run_on(&kms, MANIFEST, &["apply", "--yes"], None).await;
    assert_eq!(again.exit, Exit::Success);
    assert!(again.out.ends_with("No changes. 3 in sync, 1 unmanaged.\n"), "{}", again.out);
}

#[tokio::test(start_paused = true)]
async fn what_would_help_many_aliases_is_said_once_below_the_last_of_them() {
    let refused = |operation: &str, code: &str| {
        let plan = ErrorPlan { code: code.to_owned(), message: "no".to_owned(), status: 400 };
        Fault::new(operation, Effect::Error(plan))
    };
    let faults = vec![
        refused("CreateAlias", "AccessDeniedException"),
        refused("UpdateAlias", "LimitExceededException"),
    ];
    let kms = FakeKms::new(world(&[("alias/app/m", A)]), Scenario { faults, ..Scenario::default() });
    let manifest = format!(
        "version: 1\nscope: [alias/app/]\naliases: {{alias/app/a: {A}, alias/app/m: {B}, alias/app/z: {B}}}\n"
    );
    let ran = run_on(&kms, &manifest, &["apply", "-y"], None).await;
    let hints: Vec<_> = ran.out.lines().filter(|line| line.starts_with("      hint")).collect();
    assert_eq!(hints.len(), 2, "{}", ran.out);
    let report = ran.out.split_once("  + alias/app/a  failed").unwrap().1;
    let after = |name: &str| report.split_once(name).unwrap().1.lines().nth(1).unwrap();
    assert!(
        after("~ alias/app/m  failed").contains("the key has as many aliases as its quota allows"),
        "{report}"
    );
    assert!(after("+ alias/app/z  failed").contains("the role needs kms:CreateAlias"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn progress_tells_the_stages_apart_and_how_many_names_are_waited_for() {
    let lag = LagPlan { replicas: vec![Delay(Duration::from_secs(30))], ..LagPlan::default() };
    let kms = FakeKms::new(world(&[("alias/app/old", A)]), Scenario { lag, ..Scenario::default() });
    let manifest = format!(
        "version: 1\nscope: [alias/app/]\nprune: true\naliases: {{alias/app/a: {A}, alias/app/b: {A}}}\n"
    );
    let ran = run_on(&kms, &manifest, &["apply", "-y", "--allow", "mass-delete"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.out);
    let lines: BTreeSet<&str> = ran.err.lines().collect();
    let expected = [
        "applying creates and retargets: 2 of 2; waiting until the service shows it: 2 names left",
        "applying deletes: 1 of 1; waiting until the service shows it: 1 name left",
    ];
    assert!(expected.iter().all(|line| lines.contains(line)), "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn prune_deletes_what_is_not_declared_and_flags_go_before_the_manifest() {
    let pruning = MANIFEST.replace("version: 1\n", "version: 1\nprune: true\n");
    for (manifest, args, deletions) in [
        (MANIFEST, &["apply", "-y"][..], 1),
        (MANIFEST, &["apply", "-y", "--prune"], 2),
        (&pruning, &["apply", "-y"], 2),
        (&pruning, &["apply", "-y", "--no-prune"], 1),
    ] {
        let kms = kms();
        run_on(&kms, manifest, args, None).await;
        assert_eq!(kms.calls_to("DeleteAlias").len(), deletions, "{args:?}");
        assert!(kms.truth().contains(&("alias/other/x".to_owned(), A.to_owned())), "out of scope");
    }
}

#[tokio::test(start_paused = true)]
async fn a_selection_touches_nothing_else_and_says_that_it_is_partial() {
    let kms = kms();
    let ran = run_on(&kms, MANIFEST, &["apply", "-y", "--alias", "alias/app/m*", "-o", "json"], None).await;
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.exit, &json["plan"]["partial"]), (Exit::Success, &true.into()));
    assert!(kms.calls_to("CreateAlias").is_empty() && kms.calls_to("DeleteAlias").is_empty());
    assert_eq!(kms.calls_to("UpdateAlias").len(), 1);
    let ran = run_on(&kms, MANIFEST, &["plan", "--exclude-alias", "alias/app/**"], None).await;
    let partial = "Partial: --alias or --exclude-alias leaves names out.\n";
    assert_eq!(ran.out, format!("No changes. 0 in sync, 0 unmanaged. {partial}"));
    let ran = run_on(&kms, MANIFEST, &["plan", "--alias", "alias/app/n*"], None).await;
    assert!(ran.out.contains(&format!("\n{partial}Plan: 1 to create")), "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn a_held_action_is_shown_with_its_reason_and_the_rest_is_applied() {
    let mut world = world(&[("alias/app/moved", A)]);
    let home = Home::new(ACCOUNT, REGION);
    world.put_key(
        &home,
        Key::new(B).described("to be deleted").in_state(kms_alias::sandbox::KeyState::PendingDeletion),
    );
    let kms = FakeKms::new(world, Scenario::default());
    let ran = run_on(&kms, MANIFEST, &["plan"], None).await;
    assert_eq!(ran.exit, Exit::Refused);
    assert!(
        ran.out.contains("! alias/app/moved  aaaa1111 -> bbbb2222  \"to be deleted\"  aliases.yaml:5"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains(&format!("held  key {B} is pending deletion")), "{}", ran.out);
    let ran = run_on(&kms, MANIFEST, &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Incomplete);
    let end = format!(
        "Held in default: 1, so this apply is incomplete.\n  ! alias/app/moved  key {B} is pending deletion\n"
    );
    assert!(ran.out.ends_with(&end), "{}", ran.out);
    assert_eq!((kms.calls_to("CreateAlias").len(), kms.calls_to("UpdateAlias").len()), (2, 0));
    let ran = run_on(&kms, MANIFEST, &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Refused, "nothing but what is held is left, and nothing was written");
}

#[tokio::test(start_paused = true)]
async fn every_way_in_which_a_listing_can_be_short_is_an_error_and_never_a_smaller_world() {
    let names: Vec<String> = (0..250).map(|i| format!("alias/app/{i:03}")).collect();
    let live: Vec<_> = names.iter().map(|name| (name.as_str(), A)).collect();
    let empty = "version: 1\nscope: [alias/app/]\nprune: true\naliases: {}\n";
    let defect = |defect| Scenario {
        paging: Paging { defect: Some(defect), ..Paging::default() },
        ..Scenario::default()
    };
    let fault =
        |effect| Scenario { faults: vec![Fault::new("ListAliases", effect).after(2)], ..Scenario::default() };
    for (scenario, words) in [
        (defect(PagingDefect::RepeatedMarker), "a marker that came before"),
        (defect(PagingDefect::MissingMarker), "gives no marker"),
        (defect(PagingDefect::EmptyMarker), "gives no marker"),
        (defect(PagingDefect::StrayMarker), "page 1 says that no more follow but gives a marker"),
        (fault(Effect::Throttle), "(page 3): ListAliases: ThrottlingException"),
        (fault(Effect::AccessDenied), "(page 3): ListAliases: AccessDeniedException"),
        (fault(Effect::Malformed), "(page 3): ListAliases: the answer cannot be read"),
    ] {
        let kms = FakeKms::new(world(&live), scenario);
        let ran = run_on(&kms, empty, &["apply", "-y"], None).await;
        assert_eq!(ran.exit, Exit::Runtime, "{}{}", ran.out, ran.err);
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
        assert!(kms.calls_to("DeleteAlias").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn one_unreadable_target_does_not_hide_the_others_and_keeps_apply_from_writing() {
    let manifest = "\
version: 1
scope: [alias/app/]
targets:
  a: {account: \"111122223333\", regions: [us-east-1, eu-west-1]}
aliases: {alias/app/new: aaaa1111-0000-4000-8000-000000000001}
";
    let denied =
        Fault { region: Some("eu-west-1".to_owned()), ..Fault::new("ListAliases", Effect::AccessDenied) };
    let kms = FakeKms::new(world(&[]), Scenario { faults: vec![denied], ..Scenario::default() });
    let ran = run_on(&kms, manifest, &["plan"], None).await;
    assert_eq!(ran.exit, Exit::Runtime);
    assert!(
        ran.out.contains("+ alias/app/new") && ran.out.contains("1 target could not be read"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("hint  the role needs kms:ListAliases"), "{}", ran.out);
    let ran = run_on(&kms, manifest, &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Runtime);
    assert!(kms.calls_to("CreateAlias").is_empty() && ran.err.contains("nothing was written"), "{}", ran.err);
    let ran = run_on(&kms, manifest, &["apply", "-y", "-t", "a/*/us-*"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn shards_share_the_targets_and_one_without_any_has_nothing_to_do() {
    let manifest = "\
version: 1
scope: [alias/app/]
targets:
  a: {accounts: [\"111122223333\", \"222233334444\", \"333344445555\"], regions: [us-east-1, eu-west-1]}
aliases: {}
";
    let kms = FakeKms::new(world(&[]), Scenario::default());
    let names = async |args: &[&str]| {
        let ran = run_on(&kms, manifest, &[&["plan", "-o", "json"], args].concat(), None).await;
        assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
        let plan: Value = serde_json::from_str(&ran.out).unwrap();
        let targets = plan["targets"].as_array().unwrap();
        targets.iter().map(|target| target["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for count in [1, 2, 3, 20] {
        let mut all = Vec::new();
        for index in 0..count {
            let part = names(&[&format!("--shard={index}/{count}")]).await;
            // What is one account's stays together.
            assert!(
                part.iter().filter(|name| name.ends_with("/us-east-1")).count() * 2 == part.len(),
                "{part:?}"
            );
            all.extend(part);
        }
        all.sort();
        assert_eq!(all, names(&[]).await, "{count}");
    }
    for (form, words) in [
        ("text", "Partial: shard 1/2 of the targets; the other shards are not in it."),
        ("markdown", "Partial: shard 1/2 of the targets"),
        ("html", " · shard 1/2 of the targets"),
    ] {
        let ran = run_on(&kms, manifest, &["plan", "--shard=1/2", "-o", form], None).await;
        assert!(ran.out.contains(words), "{form}: {}", ran.out);
        assert!(!run_on(&kms, manifest, &["plan", "-o", form], None).await.out.contains("shard"), "{form}");
    }
    for bad in ["1/1", "0/0", "-1/2", "1", "a/b", ""] {
        let ran = run_on(&kms, manifest, &["plan", &format!("--shard={bad}")], None).await;
        assert!(ran.exit == Exit::Usage && ran.err.contains("it has to be I/N"), "{bad}: {}", ran.err);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_read_with_credentials_of_another_account_is_dropped() {
    let manifest = "version: 1\nscope: [alias/app/]\ntargets: {a: {account: \"444455556666\", region: us-east-1}}\naliases: {}\n";
    // This connector answers for the target's own account, so the identity has to come from elsewhere: a service that
    // knows the caller as somebody else.
    let kms = FakeKms::with(&[("alias/app/theirs", A)]);
    let args = ["apply", "-y", "--prune", "--allow", "mass-delete,empty"];
    let ran = run_with(|_| StrangerConnect(kms.clone()), manifest, &args, None).await;
    assert_eq!(ran.exit, Exit::Runtime);
    assert!(ran.out.contains("they are for account 111122223333"), "{}", ran.out);
    assert!(!ran.out.contains("alias/app/theirs"), "{}", ran.out);
    // One page was asked for beside the identity, and nothing after it.
    let calls = kms.service().calls().len();
    assert_eq!((calls, kms.truth().len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_writes_elsewhere_than_was_read_writes_nothing() {
    let manifest =
        "version: 1\nscope: [alias/app/]\naliases: {alias/app/new: aaaa1111-0000-4000-8000-000000000001}\n";
    let kms = FakeKms::with(&[]);
    let ran = run_with(|_| StrayConnect(kms.clone()), manifest, &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Runtime, "{}", ran.out);
    assert!(ran.out.contains("the plan is for 111122223333 in us-east-1"), "{}", ran.out);
    assert!(kms.calls_to("CreateAlias").is_empty());
}

/// Reads one account and writes another
struct StrayConnect(FakeKms);

impl kms_alias::kms::Connect for StrayConnect {
    type Reader = FakeKms;
    type Writer = FakeKms;
    type Error = std::convert::Infallible;

    async fn reader(&self, _: &kms_alias::target::Target) -> Result<FakeKms, Self::Error> {
        Ok(self.0.clone())
    }

    async fn writer(&self, _: &kms_alias::target::Target) -> Result<FakeKms, Self::Error> {
        Ok(self.0.of_account("444455556666"))
    }
}

/// Always the credentials of one account, whatever the target says
pub struct StrangerConnect(pub FakeKms);

impl kms_alias::kms::Connect for StrangerConnect {
    type Reader = FakeKms;
    type Writer = FakeKms;
    type Error = std::convert::Infallible;

    async fn reader(&self, _: &kms_alias::target::Target) -> Result<FakeKms, Self::Error> {
        Ok(self.0.clone())
    }

    async fn writer(&self, _: &kms_alias::target::Target) -> Result<FakeKms, Self::Error> {
        Ok(self.0.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn not_converged_in_time_is_incomplete_and_names_what_is_left() {
    let lag = LagPlan { replicas: vec![Delay(Duration::from_secs(3600))], ..LagPlan::default() };
    let kms = FakeKms::new(world(&[]), Scenario { lag, ..Scenario::default() });
    let manifest =
        "version: 1\nscope: [alias/app/]\naliases: {alias/app/new: aaaa1111-0000-4000-8000-000000000001}\n";
    let ran = run_on(&kms, manifest, &["apply", "-y", "--wait-timeout", "20s"], None).await;
    assert_eq!(ran.exit, Exit::Incomplete);
    assert!(ran.out.contains("not converged after 20.0 s; still different: alias/app/new"), "{}", ran.out);
    let ran = run_on(&kms, manifest, &["apply", "-y", "--wait-timeout", "20s"], None).await;
    assert_eq!(ran.exit, Exit::Incomplete, "the name is taken, and nobody can see by what: {}", ran.out);
    let creates = kms.calls_to("CreateAlias").len();
    assert_eq!(creates, 2, "one a run: a name that is taken is looked at, not written again");
    kms.service().world_mut().remove_alias(&Home::new(ACCOUNT, REGION), "alias/app/new", kms.at());
    let ran = run_on(&kms, manifest, &["apply", "-y", "--no-wait"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn a_target_with_an_action_that_failed_is_not_told_to_have_converged() {
    let fault = Fault::new("UpdateAlias", Effect::AccessDenied);
    let live = [("alias/app/moved", A), ("alias/app/gone", C)];
    let misbehaving =
        || FakeKms::new(world(&live), Scenario { faults: vec![fault.clone()], ..Scenario::default() });
    let ran = run_on(&misbehaving(), MANIFEST, &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Incomplete);
    assert!(ran.out.contains("not converged: what was written shows after"), "{}", ran.out);
    assert!(ran.out.contains("left are alias/app/moved, alias/app/gone\n"), "{}", ran.out);
    let ran = run_on(&misbehaving(), MANIFEST, &["apply", "-y", "-o", "json"], None).await;
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    let target = &json["report"]["targets"][0];
    let left = serde_json::json!(["alias/app/gone", "alias/app/moved"]);
    assert_eq!((&target["converged"], &target["left"]), (&false.into(), &left));
}

#[tokio::test(start_paused = true)]
async fn the_canonical_manifest_fits_the_sandbox() {
    let manifest = include_str!("../../aliases.yaml");
    let kms = FakeKms::new(starting_world(), Scenario::default());
    let ran = run_on(&kms, manifest, &["plan", "--detailed-exitcode"], None).await;
    assert_eq!(ran.exit, Exit::Differences, "{}{}", ran.out, ran.err);
    for sign in ["  + ", "  ~ ", "  - "] {
        assert!(ran.out.contains(sign), "no {sign:?} in {}", ran.out);
    }
    assert!(!ran.out.contains("  ! ") && ran.out.contains("in sync"), "{}", ran.out);
    assert_eq!(run_on(&kms, manifest, &["apply", "-y"], None).await.exit, Exit::Success);
    let again = run_on(&kms, manifest, &["plan", "--detailed-exitcode"], None).await;
    assert_eq!(again.exit, Exit::Success, "{}", again.out);
}

#[tokio::test(start_paused = true)]
async fn ten_changes_among_ten_thousand_aliases_cost_a_hundred_listings_and_a_look_at_each_key() {
    let mut world = World::default();
    let home = Home::new(ACCOUNT, REGION);
    let id = |i: usize| format!("{i:08x}-0000-4000-8000-000000000000");
    for i in 0..300 {
        world.put_key(&home, Key::new(&id(i)));
    }
    let mut manifest = "version: 1\nscope: [alias/app/]\naliases:\n".to_owned();
    for i in 0..9_990 {
        let name = format!("alias/app/{i:05}");
        world.put_alias(&home, &name, Some(&id(i % 250)), 0);
        let wanted = if i < 10 { 280 + i } else { i % 250 };
        manifest += &format!("  {name}: {}\n", id(wanted));
    }
    let kms = FakeKms::new(world, Scenario::default());
    let ran = run_on(&kms, &manifest, &["plan", "-o", "json"], None).await;
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["summary"]["update"], 10);
    assert_eq!((kms.calls_to("ListAliases").len(), kms.calls_to("DescribeKey").len()), (100, 20));
    assert_eq!(json["api_calls"]["ListAliases"], 100);
}

#[tokio::test(start_paused = true)]
async fn usage_errors_have_a_code_of_their_own_and_force_does_not_exist() {
    for args in [&["plna"][..], &["plan", "--nope"], &["plan", "--force"], &["plan", "-t", "nowhere"]] {
        let ran = run_on(&kms(), MANIFEST, args, None).await;
        assert_eq!(ran.exit, Exit::Usage, "{args:?}");
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{args:?}");
    }
    assert_eq!(run_on(&kms(), "version: 2\n", &["plan"], None).await.exit, Exit::Manifest);
    let ran = run_on(&kms(), "version: 2\n", &["plan", "-o", "json"], None).await;
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["valid"], false);
}

#[tokio::test(start_paused = true)]
async fn json_is_one_document_whatever_goes_wrong() {
    // A folder that is not there, in one that nobody else can put it into.
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing").display().to_string();
    let [scenario, state] = [format!("{missing}/faults.yaml"), format!("--sandbox={missing}/state.json")];
    let bad = folder.path().join("bad.yaml").display().to_string();
    std::fs::write(&bad, "latency: soon").unwrap();
    for (args, exit) in [
        (&["plan", "-t", "nowhere"][..], Exit::Usage),
        (&["apply", "-t", "@nobody", "-y"], Exit::Usage),
        (&["doctor", "-t", "nowhere"], Exit::Usage),
        (&["iam-policy", "--for", "plan", "-t", "nowhere"], Exit::Usage),
        (&["iam-policy", "--for", "plan", "--account", "999900001111"], Exit::Usage),
        (&["explain", "alias/app/x", "-t", "nowhere"], Exit::Usage),
        (&["explain", "no name"], Exit::Usage),
        (&["plan", "--force"], Exit::Usage),
        (&["plan", "--lag", "30s"], Exit::Usage),
        (&["plan", "--sandbox", "--scenario", &scenario], Exit::Runtime),
        (&["plan", "--sandbox", "--scenario", &bad], Exit::Runtime),
        (&["apply", "-y", &state], Exit::Runtime),
    ] {
        let ran = run_on(&kms(), MANIFEST, &[args, &["-o", "json"]].concat(), None).await;
        let json: Value =
            serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{args:?}: {e}: {}", ran.out));
        assert_eq!((ran.exit, &json["kind"]), (exit, &"error".into()), "{args:?}");
        assert_eq!(json["exit_code"], exit.code(), "{args:?}");
        assert!(!json["error"]["message"].as_str().unwrap().is_empty() && !ran.err.is_empty(), "{args:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_sandboxs_misbehaviour_is_refused_where_the_service_is_real() {
    for flags in [&["--fault", "CreateAlias=throttle"][..], &["--latency", "1s"], &["--service-quotas"]] {
        let kms = kms();
        let ran = run_on(&kms, MANIFEST, &[&["apply", "-y"], flags].concat(), None).await;
        assert_eq!(ran.exit, Exit::Usage, "{flags:?}");
        assert!(kms.calls_to("ListAliases").is_empty() && ran.err.contains("add --sandbox"), "{}", ran.err);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_asked_has_seen_the_plan_even_where_stdout_is_for_json() {
    let ran = run_on(&kms(), MANIFEST, &["apply", "-o", "json"], Some("no\n")).await;
    let (plan, question) = ran.err.split_once("Plan: 1 to create, 1 to retarget").unwrap();
    assert!(
        plan.contains("- alias/app/gone") && question.contains("which deletes 1 name. Type how many names"),
        "{}",
        ran.err
    );
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.exit, &json["exit_code"]), (Exit::Refused, &4.into()));
}

#[tokio::test(start_paused = true)]
async fn targets_that_share_an_account_and_region_share_its_quota_at_the_lowest_rate_declared() {
    let manifest = format!(
        "version: 1
scope: [alias/]
targets:
  a: {{account: \"{ACCOUNT}\", region: {REGION}, scope: [alias/a/], rates: {{create: 50}}}}
  b: {{account: \"{ACCOUNT}\", region: {REGION}, scope: [alias/b/], rates: {{create: 2}}}}
aliases:
{}",
        (0..8)
            .map(|i| format!("  alias/{0}/{i}: {{key: {A}, targets: [{0}]}}\n", ["a", "b"][i % 2]))
            .collect::<String>()
    );
    let kms = FakeKms::with(&[]);
    let ran = run_on(&kms, &manifest, &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    let times: Vec<_> = kms.calls_to("CreateAlias").iter().map(|call| call.at).collect();
    assert!(times.len() == 8 && times.windows(2).all(|pair| pair[1] - pair[0] >= 500), "{times:?}");
}

/// Panics wherever it is asked to reach this Region
struct PanickingConnect(FakeKms);

impl kms_alias::kms::Connect for PanickingConnect {
    type Reader = FakeKms;
    type Writer = FakeKms;
    type Error = std::convert::Infallible;

    async fn reader(&self, target: &kms_alias::target::Target) -> Result<FakeKms, Self::Error> {
        assert_ne!(target.region.as_deref(), Some("eu-west-1"), "a bug in the adapter");
        FakeConnect(self.0.clone()).reader(target).await
    }

    async fn writer(&self, target: &kms_alias::target::Target) -> Result<FakeKms, Self::Error> {
        assert_ne!(target.region.as_deref(), Some("us-east-1"), "a bug in the adapter");
        FakeConnect(self.0.clone()).writer(target).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_one_target_is_told_and_ends_neither_the_others_nor_the_report() {
    let manifest = "\
version: 1
scope: [alias/app/]
targets:
  a: {account: \"111122223333\", regions: [us-east-1, eu-west-1]}
aliases: {alias/app/new: aaaa1111-0000-4000-8000-000000000001}
";
    let kms = FakeKms::with(&[]);
    let ran = run_with(|_| PanickingConnect(kms.clone()), manifest, &["plan"], None).await;
    assert_eq!(ran.exit, Exit::Runtime);
    assert!(ran.out.contains("+ alias/app/new") && ran.out.contains("the program panicked: "), "{}", ran.out);
    let only = ["apply", "-y", "-t", "a/*/us-east-1"];
    let ran = run_with(|_| PanickingConnect(kms.clone()), manifest, &only, None).await;
    assert_eq!(ran.exit, Exit::Incomplete, "it may have been half way: {}", ran.out);
    assert!(
        ran.out.contains("a bug in the adapter") && ran.out.contains("Applied: 0 created"),
        "{}",
        ran.out
    );
}

#[tokio::test(start_paused = true)]
async fn patterns_that_match_nothing_anywhere_are_a_warning_of_the_plan() {
    let settings = "\
version: 1
ignore: [\"alias/app/unmanaged\", \"alias/app/tmp/**\"]
protect: [{match: \"alias/app/same\", from: [delete]}, {match: \"alias/app/prod/**\", from: [delete]}]
";
    let manifest = MANIFEST.replace("version: 1\n", settings);
    let ran = run_on(&kms(), &manifest, &["plan"], None).await;
    let warnings: Vec<_> = ran.out.lines().filter(|line| line.starts_with("warning ")).collect();
    let expected = [
        "warning `ignore` pattern `alias/app/tmp/**` matches no name in any target (set at aliases.yaml:2)",
        "warning `protect` pattern `alias/app/prod/**` matches no name in any target (set at aliases.yaml:3)",
    ];
    assert_eq!(warnings, expected, "{}", ran.out);
    let json = run_on(&kms(), &manifest, &["plan", "-o", "json"], None).await;
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["warnings"].as_array().unwrap().len(), 2);
    let partial = run_on(&kms(), &manifest, &["plan", "--alias", "alias/app/m*"], None).await;
    assert!(!partial.out.contains("warning"), "{}", partial.out);
}

#[tokio::test(start_paused = true)]
async fn a_pattern_that_two_targets_share_is_one_warning_and_a_name_uses_every_pattern_that_covers_it() {
    let manifest = "\
version: 1
scope: [alias/app/]
ignore: [\"alias/app/tmp/**\", \"alias/app/tmp/x\", \"alias/app/old/**\"]
targets:
  a: {account: \"111122223333\", regions: [us-east-1, eu-west-1]}
aliases: {}
";
    let kms = FakeKms::with(&[("alias/app/tmp/x", A)]);
    let ran = run_on(&kms, manifest, &["plan"], None).await;
    let warnings: Vec<_> = ran.out.lines().filter(|line| line.starts_with("warning ")).collect();
    let idle =
        "warning `ignore` pattern `alias/app/old/**` matches no name in any target (set at aliases.yaml:3)";
    assert_eq!(warnings, [idle], "{}", ran.out);
    let narrowed = run_on(&kms, manifest, &["plan", "-t", "a/*/us-east-1"], None).await;
    assert!(!narrowed.out.contains("warning"), "it may match in the other one: {}", narrowed.out);
}

#[tokio::test(start_paused = true)]
async fn a_pattern_that_leaves_nothing_out_is_refused_or_told_before_anything_is_written() {
    let kms = FakeKms::with(&[]);
    for flag in ["--alias", "--exclude-alias"] {
        let ran = run_on(&kms, MANIFEST, &["apply", "-y", flag, "app/*"], None).await;
        assert_eq!(ran.exit, Exit::Usage, "{}", ran.err);
        assert!(ran.err.contains("every name begins with `alias/`, as in alias/app/*"), "{}", ran.err);
    }
    assert!(kms.service().calls().is_empty());
    let ran = run_on(&kms, MANIFEST, &["plan", "--exclude-alias", "alias/app/slip"], None).await;
    let told = "note: --exclude-alias alias/app/slip: no alias that is declared here is covered by it\n";
    assert_eq!((ran.exit, &*ran.err), (Exit::Success, told));
}

#[tokio::test(start_paused = true)]
async fn a_pattern_that_chooses_nothing_does_not_look_like_work_that_was_done() {
    let kms = kms();
    for command in [&["plan"][..], &["apply", "-y"], &["drift"]] {
        let args = [command, &["--alias", "alias/app/moev"]].concat();
        let ran = run_on(&kms, MANIFEST, &args, None).await;
        assert_eq!((ran.exit, &*ran.out), (Exit::Usage, ""), "{}", ran.err);
        let told = "error: --alias alias/app/moev: no alias that is declared or live is covered by it\n\
                    hint: did you mean --alias alias/app/moved?\n";
        assert_eq!(ran.err, told);
    }
    assert!(kms.calls_to("UpdateAlias").is_empty());
    let folder = TempDir::new().unwrap();
    let report = format!("--report=markdown={}", folder.path().join("report").display());
    run_on(&kms, MANIFEST, &["drift", "--alias", "alias/app/moev", &report], None).await;
    let report = std::fs::read_to_string(folder.path().join("report")).unwrap();
    assert!(!report.contains("as declared") && !report.contains("no drift"), "{report}");
    let renamed = MANIFEST.replace(
        "alias/app/new: aaaa1111-0000-4000-8000-000000000001",
        "alias/app/new: {key: aaaa1111-0000-4000-8000-000000000001, previously: [alias/app/unmanaged]}",
    );
    let old = run_on(&kms, &renamed, &["plan", "--alias", "alias/app/unmanaged"], None).await;
    assert_eq!(old.exit, Exit::Success, "the manifest has that name: {}", old.err);
    let live = run_on(&kms, MANIFEST, &["plan", "--alias", "alias/app/unmanaged"], None).await;
    assert_eq!(live.exit, Exit::Success, "what is live can be chosen: {}", live.err);
    let unread = FakeKms::new(
        world(&[]),
        Scenario { faults: vec![Fault::new("ListAliases", Effect::AccessDenied)], ..Scenario::default() },
    );
    let ran = run_on(&unread, MANIFEST, &["plan", "--alias", "alias/app/moev"], None).await;
    assert_eq!(ran.exit, Exit::Runtime, "nobody knows: {}", ran.err);
}
