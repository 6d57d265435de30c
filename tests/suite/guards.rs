//! Every guard: what it refuses, in which words, where that was set, and the flag that accepts it; whole commands on FakeKms.

use kms_alias::cli::exit::Exit;
use serde_json::Value;

use crate::fake::{A, B, FakeKms};
use crate::ran::{Ran, run_on};

/// Twenty live names, all on A
fn twenty() -> FakeKms {
    let names: Vec<String> = (0..20).map(|i| format!("alias/app/{i:02}")).collect();
    FakeKms::with(&names.iter().map(|name| (name.as_str(), A)).collect::<Vec<_>>())
}

/// A manifest with `settings` that declares the names from `from` on, the first `moved` of them on B
fn manifest(settings: &str, from: usize, moved: usize) -> String {
    let key = |i: usize| if i < from + moved { B } else { A };
    let lines: Vec<_> = (from..20).map(|i| format!("  alias/app/{i:02}: {}\n", key(i))).collect();
    let aliases = if lines.is_empty() { " {}\n".to_owned() } else { format!("\n{}", lines.concat()) };
    format!("version: 1\nscope: [alias/app/]\n{settings}aliases:{aliases}")
}

async fn refused(manifest: &str, args: &[&str], words: &str) {
    for command in [&["plan"][..], &["apply", "-y"]] {
        let kms = twenty();
        let before = kms.truth();
        let ran = run_on(&kms, manifest, &[command, args].concat(), None).await;
        assert_eq!(ran.exit, Exit::Refused, "{}{}", ran.out, ran.err);
        assert!(ran.out.contains(words), "{words:?} is not in {}", ran.out);
        assert_eq!(kms.truth(), before, "nothing is written");
    }
}

async fn applied(manifest: &str, args: &[&str]) -> Ran {
    let ran = run_on(&twenty(), manifest, &[&["apply", "-y"], args].concat(), None).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    ran
}

const PRUNE: &str = "prune: true\n";

#[tokio::test(start_paused = true)]
async fn more_than_thirty_percent_of_deletes_are_refused_and_can_be_allowed() {
    let seven = manifest(PRUNE, 7, 0);
    refused(
        &seven,
        &[],
        "refused mass-delete: would delete 7 of 20 live names (35 %), and the limit is 30 %, the default\n",
    )
    .await;
    refused(&seven, &[], "hint  if that is meant, pass --allow mass-delete").await;
    refused(&seven, &["--allow", "mass-update,empty,protected"], "refused mass-delete").await;
    applied(&seven, &["--allow", "mass-delete"]).await;
    applied(&manifest(PRUNE, 6, 0), &[]).await;
}

#[tokio::test(start_paused = true)]
async fn more_than_thirty_percent_of_retargets_are_refused_and_can_be_allowed() {
    let seven = manifest("", 0, 7);
    refused(
        &seven,
        &[],
        "refused mass-update: would retarget 7 of 20 live names (35 %), and the limit is 30 %, the default\n",
    )
    .await;
    applied(&seven, &["--allow", "mass-update"]).await;
    applied(&manifest("", 0, 6), &[]).await;
}

#[tokio::test(start_paused = true)]
async fn limits_come_from_the_flag_then_the_target_then_the_manifest() {
    let strict = manifest("guards: {max_update: 0}\n", 0, 1);
    refused(&strict, &[], "would retarget 1 of 20 live names, and the limit is 0  (set at aliases.yaml:3)")
        .await;
    applied(&strict, &["--max-updates", "1"]).await;
    applied(&manifest("guards: {max_delete: 100%}\nprune: true\n", 19, 0), &[]).await;
    refused(
        &manifest(PRUNE, 2, 0),
        &["--max-deletes", "1"],
        "would delete 2 of 20 live names, and the limit is 1, set by --max-deletes\n",
    )
    .await;
    refused(&manifest("", 0, 2), &["--max-updates", "1"], "and the limit is 1, set by --max-updates\n").await;
    let target = "guards: {max_update: 0}\ntargets: {a: {account: \"111122223333\", region: us-east-1, guards: {max_update: 50%}}}\n";
    applied(&manifest(target, 0, 7), &[]).await;
}

#[tokio::test(start_paused = true)]
async fn percentages_do_not_count_where_there_are_few_names() {
    let few = FakeKms::with(&[("alias/app/a", A), ("alias/app/b", A)]);
    let none = "version: 1\nscope: [alias/app/]\nprune: true\naliases: {alias/app/a: absent}\n";
    assert_eq!(run_on(&few, none, &["apply", "-y"], None).await.exit, Exit::Success);
    let counted = none.replace("prune: true\n", "prune: true\nguards: {min_existing: 0}\n");
    let few = FakeKms::with(&[("alias/app/a", A), ("alias/app/b", A)]);
    assert_eq!(run_on(&few, &counted, &["apply", "-y"], None).await.exit, Exit::Refused);
}

#[tokio::test(start_paused = true)]
async fn an_empty_manifest_with_prune_on_is_refused_even_where_there_are_few_names() {
    let empty = "version: 1\nscope: [alias/app/]\nprune: true\naliases: {}\n";
    let few = || FakeKms::with(&[("alias/app/a", A)]);
    let ran = run_on(&few(), empty, &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Refused);
    let words = "refused empty: declares no alias here while prune is on, and would delete 1 of 1 live names  (set at aliases.yaml:3)";
    assert!(ran.out.contains(words), "{}", ran.out);
    for quiet in ["", "prune: false\n"] {
        let by_flag =
            run_on(&few(), &empty.replace("prune: true\n", quiet), &["apply", "-y", "--prune"], None).await;
        let words = "while prune is on by --prune, and would delete 1 of 1 live names\n";
        assert!(by_flag.exit == Exit::Refused && by_flag.out.contains(words), "{}", by_flag.out);
    }
    assert_eq!(run_on(&few(), empty, &["apply", "-y", "--allow", "empty"], None).await.exit, Exit::Success);
}

#[tokio::test(start_paused = true)]
async fn what_the_command_line_leaves_out_counts_towards_the_live_and_the_declared_names() {
    let seven = ["--alias", "alias/app/0[0-6]"];
    refused(&manifest(PRUNE, 7, 0), &seven, "refused mass-delete: would delete 7 of 20 live names (35 %)")
        .await;
    refused(&manifest("", 0, 7), &seven, "refused mass-update: would retarget 7 of 20 live names (35 %)")
        .await;
    applied(&manifest(PRUNE, 7, 0), &["--alias", "alias/app/0[0-5]"]).await;
    let ignored = manifest("prune: true\nignore: [\"alias/app/19\"]\n", 7, 0);
    let ignored = ignored.replace(&format!("  alias/app/19: {A}\n"), "");
    refused(&ignored, &seven, "would delete 7 of 19 live names").await;
}

#[tokio::test(start_paused = true)]
async fn a_protected_name_is_neither_deleted_nor_moved_even_when_its_entry_is_gone() {
    let pattern = "protect:\n  - {match: \"alias/app/0*\", from: [delete, retarget]}\n";
    let words = "refused protected: alias/app/00 would be deleted, and `alias/app/0*` protects it  (set at aliases.yaml:5)";
    refused(&manifest(&format!("prune: true\n{pattern}"), 1, 0), &[], words).await;
    let words = "alias/app/00 would be moved to another key, and `alias/app/0*` protects it";
    refused(&manifest(pattern, 0, 1), &[], words).await;
    applied(&manifest(pattern, 0, 1), &["--allow", "protected"]).await;
    let only_deletes = pattern.replace("delete, retarget", "delete");
    applied(&manifest(&only_deletes, 0, 1), &[]).await;
}

#[tokio::test(start_paused = true)]
async fn an_alias_can_protect_itself() {
    let own = format!("  alias/app/00: {{key: {B}, protect: [retarget]}}\n");
    let manifest = manifest("", 1, 0) + &own;
    let words =
        "alias/app/00 would be moved to another key, and its own entry protects it  (set at aliases.yaml:23)";
    refused(&manifest, &[], words).await;
    applied(&manifest, &["--allow", "protected"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_allowed_is_part_of_the_digest_and_refusals_are_data() {
    let seven = manifest(PRUNE, 7, 0);
    let json = |ran: Ran| serde_json::from_str::<Value>(&ran.out).unwrap();
    let plain = json(run_on(&twenty(), &seven, &["plan", "-o", "json"], None).await);
    let allowed =
        json(run_on(&twenty(), &seven, &["plan", "-o", "json", "--allow", "mass-delete"], None).await);
    assert_ne!(plain["digest"], allowed["digest"]);
    let refusal = &plain["targets"][0]["refusals"][0];
    assert_eq!(
        (&refusal["guard"], &refusal["accept"]),
        (&"mass-delete".into(), &"--allow mass-delete".into())
    );
    assert_eq!(allowed["targets"][0]["refusals"], serde_json::json!([]));
}

#[tokio::test(start_paused = true)]
async fn names_that_nothing_declares_are_refused_where_that_was_asked_for() {
    let sixteen = manifest("", 4, 0);
    let words = "refused unmanaged: 4 live names in scope are not declared: alias/app/00, alias/app/01, alias/app/02, …\n          \
                 hint  declare or `ignore` them, or leave unmanaged out of --fail-on\n";
    refused(&sixteen, &["--fail-on", "unmanaged"], words).await;
    refused(
        &manifest("", 1, 0),
        &["--fail-on", "unmanaged"],
        "1 live name in scope is not declared: alias/app/00\n",
    )
    .await;
    applied(&sixteen, &[]).await;
    applied(&manifest("", 0, 0), &["--fail-on", "unmanaged,warnings"]).await;
    applied(&manifest("prune: true\n", 19, 0), &["--fail-on", "unmanaged", "--allow", "mass-delete"]).await;
    let refusal = run_on(&twenty(), &sixteen, &["plan", "-o", "json", "--fail-on", "unmanaged"], None).await;
    let refusal = serde_json::from_str::<Value>(&refusal.out).unwrap()["targets"][0]["refusals"][0].clone();
    assert_eq!(
        (&refusal["guard"], &refusal["accept"]),
        (&"unmanaged".into(), &"leave unmanaged out of --fail-on".into())
    );
}

#[tokio::test(start_paused = true)]
async fn warnings_of_the_plan_are_refused_where_that_was_asked_for() {
    let idle = manifest("ignore: [\"alias/app/tmp/**\"]\n", 0, 0);
    let words = "matches no name in any target (set at aliases.yaml:3)\n  refused warnings: the plan has 1 warning\n          \
                 hint  mend them, or leave warnings out of --fail-on\n";
    refused(&idle, &["--fail-on", "warnings"], words).await;
    applied(&idle, &["--fail-on", "unmanaged"]).await;
    let json = run_on(&twenty(), &idle, &["plan", "-o", "json", "--fail-on", "warnings"], None).await;
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&json["refusals"][0]["guard"], &json["summary"]["refused"]), (&"warnings".into(), &1.into()));
}

#[tokio::test(start_paused = true)]
async fn warnings_of_the_manifest_are_refused_before_anything_is_read() {
    let everything = manifest("", 0, 1).replace("[alias/app/]", "[alias/]");
    for command in [&["plan", "-q"][..], &["apply", "-y"]] {
        let kms = twenty();
        let ran = run_on(&kms, &everything, &[command, &["--fail-on", "warnings"]].concat(), None).await;
        assert_eq!((ran.exit, &*ran.out), (Exit::Refused, ""));
        assert!(ran.err.starts_with("warning"), "shown even to whoever wants quiet: {}", ran.err);
        let words = "error: refused warnings: 1 problem in aliases.yaml, and nothing was read\n\
                     hint: mend them, or leave warnings out of --fail-on\n";
        assert!(ran.err.ends_with(words), "{}", ran.err);
        assert_eq!(kms.truth(), twenty().truth());
    }
    applied(&everything, &["--fail-on", "unmanaged"]).await;
}
