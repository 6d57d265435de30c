//! `--base-ref` on real repositories: where a change comes from, what is taken over, and what git cannot tell.

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::Unit;
use serde_json::Value;

use crate::fake::{A, ACCOUNT, B, C, FakeConnect, FakeKms};
use crate::git::{Repository, search_path};
use crate::process::{kms_alias, text};
use crate::ran::{Ran, run_args, run_on};

/// A manifest of these declarations, with a guard that lets everything pass
fn manifest(settings: &str, aliases: &[(&str, &str)]) -> String {
    let lines: String = aliases.iter().map(|(name, want)| format!("  alias/app/{name}: {want}\n")).collect();
    let head = "version: 1\nscope: [alias/app/]\nguards: {max_update: 100%, max_delete: 100%}\n";
    let aliases = if lines.is_empty() { "aliases: {}\n".to_owned() } else { format!("aliases:\n{lines}") };
    format!("{head}{settings}{aliases}")
}

async fn ran(repository: &Repository, kms: &FakeKms, args: &[&str]) -> Ran {
    let file = repository.file("aliases.yaml");
    let mut ran = run_args(|_| FakeConnect(kms.clone()), &[args, &["-f", &file]].concat(), None).await;
    let top = format!("{}/", repository.path().display());
    (ran.out, ran.err) = (ran.out.replace(&top, ""), ran.err.replace(&top, ""));
    ran
}

const PLAN: [&str; 5] = ["plan", "-o", "json", "--base-ref", "main"];

/// The changes of the first target as `name reason origin`
fn origins(ran: &Ran) -> Vec<String> {
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    let word = |value: &Value| value.as_str().unwrap_or("held").trim_start_matches("alias/app/").to_owned();
    let change =
        |change: &Value| [&change["alias"], &change["reason"], &change["origin"]].map(word).join(" ");
    document["targets"][0]["changes"].as_array().unwrap().iter().map(change).collect()
}

#[tokio::test(start_paused = true)]
async fn a_newly_declared_name_that_is_live_on_another_key_is_refused_and_can_be_allowed() {
    let repository = Repository::with(&manifest("", &[("ours", A)]));
    repository.write("aliases.yaml", &manifest("", &[("ours", A), ("theirs", B)]));
    let commit = repository.hash("HEAD");
    let words = format!(
        "refused takeover: alias/app/theirs was not declared at {}; it exists on key {A}, and would be moved to key {B}  \
         (set at aliases.yaml:6)\n          hint  if that is meant, pass --allow takeover\n",
        &commit[..10]
    );
    let live = [("alias/app/ours", A), ("alias/app/theirs", A)];
    for command in [&["plan", "--base-ref", "main"][..], &["apply", "-y", "--base-ref", "main"]] {
        let kms = FakeKms::with(&live);
        let before = kms.truth();
        let refused = ran(&repository, &kms, command).await;
        assert_eq!(refused.exit, Exit::Refused, "{}{}", refused.out, refused.err);
        assert!(refused.out.contains(&words), "{words}is not in\n{}", refused.out);
        assert_eq!(kms.truth(), before, "nothing is written");
    }
    let json: Value =
        serde_json::from_str(&ran(&repository, &FakeKms::with(&live), &PLAN).await.out).unwrap();
    assert_eq!(json["base"], serde_json::json!({"commit": commit, "readable": true}));
    assert_eq!(json["targets"][0]["refusals"][0]["accept"], "--allow takeover");
    let allowed = ["apply", "-y", "--base-ref", "main", "--allow", "takeover"];
    assert_eq!(ran(&repository, &FakeKms::with(&live), &allowed).await.exit, Exit::Success);
    let without = ran(&repository, &FakeKms::with(&live), &["apply", "-y"]).await;
    assert_eq!(without.exit, Exit::Success, "without a base a retarget is a retarget: {}", without.out);
}

#[tokio::test(start_paused = true)]
async fn what_was_declared_moves_freely_and_what_is_as_declared_is_adopted_without_a_word() {
    let repository = Repository::with(&manifest(
        "",
        &[("gone", "absent"), ("new", &format!("{{key: {A}, previously: [alias/app/old]}}")), ("x", A)],
    ));
    repository.write("aliases.yaml", &manifest("", &[("adopted", A), ("gone", B), ("old", B), ("x", B)]));
    let live = ["adopted", "gone", "old", "x"].map(|name| format!("alias/app/{name}"));
    let kms = FakeKms::with(&live.each_ref().map(|name| (name.as_str(), A)));
    let planned = ran(&repository, &kms, &PLAN).await;
    assert_eq!(planned.exit, Exit::Success, "{}", planned.out);
    assert_eq!(
        origins(&planned),
        ["gone config_changed config", "old config_changed config", "x config_changed config"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_declared_for_an_ou_was_declared_for_its_accounts_and_not_for_those_of_another() {
    const OU: &str = "ou-ab12-34567890";
    let targets = |ou: &str| format!("targets: {{all: {{organization: {{ou: {ou}}}, region: us-east-1}}}}\n");
    let (before, wider) = (targets(OU), targets("r-ab12"));
    let repository = Repository::with(&manifest(&before, &[("x", A)]));
    let nobody = String::new();
    for (settings, exit) in [(&before, Exit::Success), (&wider, Exit::Refused), (&nobody, Exit::Refused)] {
        repository.write("aliases.yaml", &manifest(settings, &[("x", B)]));
        let kms = FakeKms::with(&[("alias/app/x", A)]);
        let accounts = [(ACCOUNT.to_owned(), "ACTIVE".to_owned())].into();
        kms.service().world_mut().put_unit("r-ab12", Unit { ous: vec![OU.to_owned()], ..Unit::default() });
        kms.service().world_mut().put_unit(OU, Unit { accounts, ..Unit::default() });
        let ran = ran(&repository, &kms, &["plan", "--base-ref", "main"]).await;
        assert_eq!(ran.exit, exit, "{settings}{}{}", ran.out, ran.err);
        assert_eq!(ran.out.contains("refused takeover"), exit == Exit::Refused, "{}", ran.out);
    }
}

#[tokio::test(start_paused = true)]
async fn a_live_name_is_not_taken_over_by_renaming_it_on_to_another_key() {
    let repository = Repository::with(&manifest("", &[("ours", A)]));
    let renamed = |old: &str| format!("{{key: {B}, previously: [alias/app/{old}]}}");
    repository.write("aliases.yaml", &manifest("", &[("ours", A), ("new", &renamed("theirs"))]));
    let live = [("alias/app/ours", A), ("alias/app/theirs", A)];
    let refused = ran(&repository, &FakeKms::with(&live), &["apply", "-y", "--base-ref", "main"]).await;
    assert_eq!(refused.exit, Exit::Refused, "{}{}", refused.out, refused.err);
    let words = format!("it exists on key {A}, and would be moved to key {B}  (set at aliases.yaml:6)");
    assert!(
        refused.out.contains("refused takeover: alias/app/theirs was not declared at"),
        "{}",
        refused.out
    );
    assert!(refused.out.contains(&words), "{words} is not in\n{}", refused.out);
    repository.write("aliases.yaml", &manifest("", &[("new", &renamed("ours"))]));
    assert_eq!(ran(&repository, &FakeKms::with(&live), &PLAN).await.exit, Exit::Success);
}

#[tokio::test(start_paused = true)]
async fn a_newly_declared_absence_is_a_delete_and_no_takeover() {
    let repository = Repository::with(&manifest("", &[]));
    repository.write("aliases.yaml", &manifest("", &[("theirs", "absent")]));
    let planned = ran(&repository, &FakeKms::with(&[("alias/app/theirs", A)]), &PLAN).await;
    assert_eq!(
        (planned.exit, origins(&planned)),
        (Exit::Success, vec!["theirs declared_absent config".to_owned()])
    );
}

#[tokio::test(start_paused = true)]
async fn a_changed_declaration_is_config_and_a_changed_world_is_drift() {
    let then = [
        ("drifted", A),
        ("follows", "alias/app/x"),
        ("lost", A),
        ("stays", "alias/app/y"),
        ("x", A),
        ("y", A),
    ];
    let repository = Repository::with(&manifest("", &then));
    let mut now = then;
    now[4].1 = B;
    repository.write("aliases.yaml", &manifest("", &now));
    let live = [("drifted", C), ("follows", A), ("stays", C), ("x", A), ("y", C)]
        .map(|(n, k)| (format!("alias/app/{n}"), k));
    let kms = FakeKms::with(&live.each_ref().map(|(name, key)| (name.as_str(), *key)));
    let planned = ran(&repository, &kms, &PLAN).await;
    let expected = [
        "drifted target_drift drift",
        "follows key_ref_moved config",
        "lost missing drift",
        "stays key_ref_moved drift",
        "x config_changed config",
        "y target_drift drift",
    ];
    assert_eq!(origins(&planned), expected);
    let without = ran(&repository, &kms, &["plan", "-o", "json"]).await;
    assert!(origins(&without).iter().all(|change| change.ends_with(" unknown")), "{}", without.out);
    assert!(origins(&without).contains(&"x target_drift unknown".to_owned()), "{}", without.out);
    let shown = ran(&repository, &kms, &["plan", "--base-ref", "main"]).await;
    let why = format!(
        "      why   drift: the declaration has not changed since {}\n",
        &repository.hash("main")[..10]
    );
    assert_eq!(shown.out.matches(&why).count(), 4, "{}", shown.out);
    assert!(!ran(&repository, &kms, &["plan"]).await.out.contains("drift:"));
}

#[tokio::test(start_paused = true)]
async fn a_pruned_name_is_drift_only_if_it_would_have_been_pruned_then() {
    let live = FakeKms::with(&[("alias/app/a", A), ("alias/app/new", A), ("alias/app/tmp/x", A)]);
    let pruning = "prune: true\nignore: [\"alias/app/tmp/**\"]\n";
    let repository = Repository::with(&manifest(pruning, &[("a", A)]));
    repository.write("aliases.yaml", &manifest("prune: true\n", &[]));
    let planned = ran(&repository, &live, &[&PLAN[..], &["--allow", "empty"]].concat()).await;
    assert_eq!(origins(&planned), ["a pruned config", "new pruned drift", "tmp/x pruned config"]);
    let text = ran(&repository, &live, &["plan", "--base-ref", "main"]).await.out;
    let why =
        format!("      why   drift: nothing declared it at {} either\n", &repository.hash("main")[..10]);
    assert_eq!(text.matches(&why).count(), 1, "{text}");
    repository.git(&["checkout", "-q", "--", "aliases.yaml"]);
    repository.write("aliases.yaml", &manifest("", &[("a", A)]));
    repository.commit("no prune");
    let by_flag = ran(&repository, &live, &[&PLAN[..], &["--prune"]].concat()).await;
    assert_eq!(origins(&by_flag), ["new pruned drift", "tmp/x pruned drift"], "the flag holds for both");
    repository.write("aliases.yaml", &manifest("prune: true\n", &[("a", A)]));
    let by_manifest = ran(&repository, &live, &PLAN).await;
    assert_eq!(origins(&by_manifest), ["new pruned config", "tmp/x pruned config"]);
}

#[tokio::test(start_paused = true)]
async fn a_previous_name_goes_because_of_the_name_that_it_has_become() {
    let renamed = format!("{{key: {A}, previously: [alias/app/old]}}");
    let kms = FakeKms::with(&[("alias/app/new", A), ("alias/app/old", A)]);
    for (then, origin) in [(A, "config"), (&*renamed, "drift")] {
        let repository = Repository::with(&manifest("", &[("new", then)]));
        repository.write("aliases.yaml", &manifest("", &[("new", &renamed)]));
        assert_eq!(origins(&ran(&repository, &kms, &PLAN).await), [format!("old renamed {origin}")]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_held_has_an_origin_too() {
    let missing = "99999999-0000-4000-8000-000000000009";
    let repository = Repository::with(&manifest("", &[("held", missing)]));
    repository.write("aliases.yaml", &manifest("", &[("held", missing), ("new", missing)]));
    let planned = ran(&repository, &FakeKms::with(&[]), &PLAN).await;
    assert_eq!(origins(&planned), ["held held drift", "new held config"]);
}

#[tokio::test(start_paused = true)]
async fn the_base_is_where_the_branch_began_and_not_the_end_of_the_other() {
    let repository = Repository::with(&manifest("", &[]));
    repository.git(&["checkout", "-q", "-b", "work"]);
    repository.commit("work");
    repository.git(&["checkout", "-q", "main"]);
    repository.write("aliases.yaml", &manifest("", &[("x", A)]));
    repository.commit("declared meanwhile");
    repository.git(&["checkout", "-q", "work"]);
    repository.write("aliases.yaml", &manifest("", &[("x", B)]));
    let planned = ran(&repository, &FakeKms::with(&[("alias/app/x", A)]), &PLAN).await;
    assert_eq!(planned.exit, Exit::Refused, "{}", planned.out);
    assert!(planned.out.contains(&repository.hash("main~1")));
}

#[tokio::test(start_paused = true)]
async fn targets_are_found_again_by_account_and_region_whatever_they_are_called() {
    let targets =
        |name, account| format!("targets: {{{name}: {{account: \"{account}\", region: us-east-1}}}}\n");
    let repository = Repository::with(&manifest(&targets("old", "111122223333"), &[("x", A)]));
    repository.write("aliases.yaml", &manifest(&targets("new", "111122223333"), &[("x", B)]));
    let kms = FakeKms::with(&[("alias/app/x", A)]);
    assert_eq!(ran(&repository, &kms, &PLAN).await.exit, Exit::Success);
    repository.write("aliases.yaml", &manifest(&targets("old", "444455556666"), &[("x", B)]));
    repository.commit("elsewhere");
    repository.write("aliases.yaml", &manifest(&targets("old", "111122223333"), &[("x", B)]));
    let elsewhere = ran(&repository, &kms, &PLAN).await;
    assert_eq!(elsewhere.exit, Exit::Refused, "{}", elsewhere.out);
}

#[tokio::test(start_paused = true)]
async fn without_a_manifest_at_the_base_everything_is_newly_declared() {
    let repository = Repository::new();
    repository.commit("empty");
    repository.write("aliases.yaml", &manifest("", &[("x", B), ("y", B)]));
    let planned = ran(&repository, &FakeKms::with(&[("alias/app/x", A)]), &PLAN).await;
    assert_eq!(planned.exit, Exit::Refused);
    assert_eq!(origins(&planned), ["x config_changed config", "y missing config"]);
    let commit = &repository.hash("main")[..10];
    assert_eq!(
        planned.err,
        format!("note: there was no manifest at {commit}: every alias is newly declared\n")
    );
}

#[tokio::test(start_paused = true)]
async fn an_invalid_manifest_at_the_base_lets_nothing_be_taken_over_and_the_rest_pass() {
    let repository = Repository::with("version: 1\naliases: {}\n");
    repository.write("aliases.yaml", &manifest("", &[("y", B)]));
    let kms = FakeKms::with(&[("alias/app/x", A)]);
    let mended = ran(&repository, &kms, &PLAN).await;
    assert_eq!((mended.exit, origins(&mended)), (Exit::Success, vec!["y missing unknown".to_owned()]));
    let commit = &repository.hash("main")[..10];
    let warning =
        format!("warning: the manifest at {commit} cannot be read (1 problem in {commit}:aliases.yaml)");
    assert!(mended.err.starts_with(&warning), "{}", mended.err);
    assert!(mended.out.contains("\"readable\": false"));
    repository.write("aliases.yaml", &manifest("", &[("x", B)]));
    let refused = ran(&repository, &kms, &PLAN).await;
    assert_eq!(refused.exit, Exit::Refused);
    assert!(
        refused.out.contains("alias/app/x may be newly declared, for the manifest at"),
        "{}",
        refused.out
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_that_begins_with_a_dash_is_no_option_and_what_is_no_commit_is_a_usage_error() {
    let repository = Repository::with(&manifest("", &[("x", A)]));
    repository.git(&["update-ref", "refs/heads/--all", "HEAD"]);
    let kms = FakeKms::with(&[("alias/app/x", A)]);
    let dashed = ran(&repository, &kms, &["plan", "--base-ref=--all"]).await;
    assert_eq!(dashed.exit, Exit::Success, "{}", dashed.err);
    for bad in ["--show-toplevel", "nowhere", "^main", "main..main", "main:aliases.yaml", ""] {
        let unknown = ran(&repository, &kms, &["plan", &format!("--base-ref={bad}")]).await;
        assert_eq!(unknown.exit, Exit::Usage, "{bad}: {}{}", unknown.out, unknown.err);
        let is_named = bad.is_empty() || unknown.err.contains("failed to find the commit");
        assert!(unknown.out.is_empty() && is_named, "{bad}: {}", unknown.err);
    }
    let unknown = ran(&repository, &kms, &["plan", "--base-ref", "nowhere"]).await.err;
    let top = repository.path().canonicalize().unwrap();
    let expected = format!(
        "error: failed to find the commit nowhere: the repository of {} has none of that name\n\
         hint: run `git fetch`, and see `git branch --all`\n",
        top.display()
    );
    assert_eq!(unknown, expected);
}

#[tokio::test(start_paused = true)]
async fn a_shallow_clone_without_the_merge_base_says_how_to_deepen_it() {
    let repository = Repository::with(&manifest("", &[("x", A)]));
    repository.git(&["checkout", "-q", "-b", "work"]);
    repository.commit("work");
    repository.git(&["checkout", "-q", "main"]);
    repository.commit("main");
    let clone = repository.shallow_clone();
    let kms = FakeKms::with(&[]);
    let apart = ran(&clone, &kms, &["plan", "-o", "json", "--base-ref", "origin/work"]).await;
    assert_eq!(apart.exit, Exit::Runtime);
    let expected = "error: failed to find where HEAD left origin/work: they have no commit in common in this shallow clone\n\
                    hint: run `git fetch --unshallow`, or give actions/checkout `fetch-depth: 0`\n";
    assert_eq!(apart.err, expected);
    assert!(apart.out.contains("\"exit_code\": 1"), "one document on failure too: {}", apart.out);
    let unknown = ran(&clone, &kms, &["plan", "--base-ref", "main~1"]).await;
    assert_eq!(unknown.exit, Exit::Runtime, "{}", unknown.err);
    clone.git(&["fetch", "-q", "--unshallow"]);
    assert_eq!(ran(&clone, &kms, &["plan", "--base-ref", "origin/work"]).await.exit, Exit::Success);
}

#[tokio::test(start_paused = true)]
async fn histories_that_never_met_are_a_usage_error() {
    let repository = Repository::with(&manifest("", &[]));
    repository.git(&["checkout", "-q", "--orphan", "other"]);
    repository.commit("other");
    let apart = ran(&repository, &FakeKms::with(&[]), &["plan", "--base-ref", "main"]).await;
    assert_eq!(apart.exit, Exit::Usage);
    assert!(
        apart.err.contains("find where HEAD left main: they have no commit in common\n"),
        "{}",
        apart.err
    );
}

#[tokio::test(start_paused = true)]
async fn standard_input_and_files_of_no_repository_have_no_base() {
    let kms = FakeKms::with(&[]);
    let args = ["plan", "--base-ref", "main", "-f", "-"];
    let stdin = run_args(|_| FakeConnect(kms.clone()), &args, Some(&manifest("", &[]))).await;
    assert_eq!(stdin.exit, Exit::Usage);
    assert!(stdin.err.contains("standard input is in no repository\nhint: "), "{}", stdin.err);
    let nowhere = run_on(&kms, &manifest("", &[]), &["plan", "--base-ref", "main"], None).await;
    assert_eq!(nowhere.exit, Exit::Runtime);
    assert!(nowhere.err.contains("git says: not a git repository"), "{}", nowhere.err);
}

#[tokio::test(start_paused = true)]
async fn a_manifest_may_lie_deep_and_be_a_directory_or_several() {
    let repository = Repository::new();
    let main = manifest("", &[("a", A)]);
    let part = |name: &str, key: &str| format!("version: 1\naliases: {{alias/app/{name}: {key}}}\n");
    repository.write("kms team/süd/:x/aliases/:00.yaml", &main);
    repository.write("kms team/süd/:x/aliases/sub/b.yml", &part("b", A));
    repository.write("kms team/süd/:x/aliases/.hidden/no.yaml", "not: a manifest\n");
    repository.write("kms team/süd/:x/aliases/notes.txt", "not a manifest\n");
    repository.commit("base");
    repository.write("kms team/süd/:x/aliases/sub/b.yml", &part("b", B));
    repository.write("kms team/süd/:x/aliases/sub/c.yml", &part("c", B));
    let kms = FakeKms::with(&[("alias/app/a", C), ("alias/app/b", A), ("alias/app/c", B)]);
    let expected = ["a target_drift drift", "b config_changed config"];
    let directory = repository.file("kms team/süd/:x/aliases");
    let files = [":00.yaml", "sub/b.yml", "sub/c.yml"].map(|name| format!("{directory}/{name}"));
    let [one, two, three] = files.each_ref().map(String::as_str);
    for paths in [&["-f", &*directory][..], &["-f", one, "-f", two, "-f", three]] {
        let planned = run_args(|_| FakeConnect(kms.clone()), &[&PLAN[..], paths].concat(), None).await;
        assert_eq!((planned.exit, &*planned.err), (Exit::Success, ""), "{}", planned.out);
        assert_eq!(origins(&planned), expected, "{paths:?}");
    }
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn what_was_a_link_then_cannot_be_read_and_a_link_of_now_is_followed() {
    let repository = Repository::with(&manifest("", &[("x", A)]));
    std::os::unix::fs::symlink("aliases.yaml", repository.path().join("link.yaml")).unwrap();
    let kms = FakeKms::with(&[("alias/app/x", A)]);
    let link = repository.file("link.yaml");
    let args = [&PLAN[..], &["-f", &link]].concat();
    let followed = run_args(|_| FakeConnect(kms.clone()), &args, None).await;
    assert!(followed.err.is_empty() && followed.out.contains("\"readable\": true"), "{}", followed.err);
    repository.commit("a link");
    std::fs::remove_file(&link).unwrap();
    repository.write("link.yaml", &manifest("", &[("x", A)]));
    let unreadable = run_args(|_| FakeConnect(kms.clone()), &args, None).await;
    assert!(unreadable.err.contains("link.yaml` is no regular file there)"), "{}", unreadable.err);
}

#[tokio::test(start_paused = true)]
async fn files_of_two_repositories_have_no_base_in_common() {
    let (one, two) = (Repository::with(&manifest("", &[])), Repository::with("version: 1\naliases: {}\n"));
    let (first, second) = (one.file("aliases.yaml"), two.file("aliases.yaml"));
    let args = ["plan", "--base-ref", "main", "-f", &first, "-f", &second];
    let apart = run_args(|_| FakeConnect(FakeKms::with(&[])), &args, None).await;
    assert_eq!(apart.exit, Exit::Usage, "{}", apart.err);
    assert!(apart.err.contains("the manifests are in different repositories"), "{}", apart.err);
}

#[test]
fn the_default_manifest_of_then_need_not_be_that_of_now_and_what_a_hook_sets_is_nothing_to_us() {
    let repository = Repository::with(&manifest("", &[("x", A)]));
    repository.git(&["rm", "-q", "aliases.yaml"]);
    repository.write("sub/keep", "");
    repository.write("aliases/all.yaml", &manifest("", &[("x", A)]));
    let plan = ["plan", "--sandbox", "-o", "json"];
    let other = Repository::new();
    let mut command = kms_alias(repository.path(), &plan);
    command.env("KMS_ALIAS_BASE_REF", "main").env("GIT_DIR", other.file(".git")).env("PATH", search_path());
    let output = command.output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["base"]["commit"], repository.hash("main"), "{}", text(&output.stderr));
    assert_eq!(document["targets"][0]["changes"][0]["origin"], "drift", "{}", text(&output.stdout));
    let without = kms_alias(repository.path(), &plan)
        .env("KMS_ALIAS_BASE_REF", "main")
        .env("PATH", "/nowhere")
        .output();
    let without = without.unwrap();
    assert_eq!(without.status.code(), Some(1));
    let told = text(&without.stderr);
    assert!(told.starts_with("error: failed to run git: ") && told.contains("hint: install git"), "{told}");
}
