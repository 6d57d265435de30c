//! What the runs of several shards wrote, merged: the whole, whatever the order, and nothing that does not belong to it. Whole commands
//! on FakeKms.

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{Effect, Fault, Home, Key, Scenario, World};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake::{A, B, FakeConnect, FakeKms, REGION};
use crate::ran::{Ran, run_args};

/// Of three shards each has one of them, by the hashes of their ids
const ACCOUNTS: [&str; 5] = ["111122223333", "222233334444", "333344445555", "444455556666", "555566667777"];

/// In every account something is created, moved, deleted, in sync and unmanaged
const ALIASES: &str = "aliases:\n  alias/app/gone: absent\n  alias/app/moved: bbbb2222-0000-4000-8000-000000000002\n  \
    alias/app/new: aaaa1111-0000-4000-8000-000000000001\n  alias/app/same: aaaa1111-0000-4000-8000-000000000001\n";

/// A folder with a manifest, and what runs wrote beside it
struct Fleet {
    folder: TempDir,
    kms: FakeKms,
}

impl Fleet {
    fn new() -> Self {
        Self::with(Scenario::default())
    }

    fn with(scenario: Scenario) -> Self {
        let mut world = World::default();
        for account in ACCOUNTS {
            let home = Home::new(account, REGION);
            [A, B].into_iter().for_each(|id| world.put_key(&home, Key::new(id)));
            for name in ["gone", "moved", "other", "same"] {
                world.put_alias(&home, &format!("alias/app/{name}"), Some(A), 0);
            }
        }
        let fleet = Self { folder: TempDir::new().unwrap(), kms: FakeKms::new(world, scenario) };
        fleet.declare(ALIASES);
        fleet
    }

    fn declare(&self, aliases: &str) {
        let accounts = ACCOUNTS.join("\", \"");
        let targets = format!("{{fleet: {{accounts: [\"{accounts}\"], region: {REGION}}}}}");
        let guards = "guards: {max_delete: 90%, max_update: 90%}";
        let text = format!("version: 1\nscope: [alias/app/]\n{guards}\ntargets: {targets}\n{aliases}");
        self.write("aliases.yaml", &text);
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap()
    }

    fn change(&self, name: &str, change: impl Fn(&mut Value)) {
        let mut document = self.json(name);
        change(&mut document);
        self.write(name, &document.to_string());
    }

    /// Runs a command with the manifest; what it says of files names them as they are in the folder
    async fn run(&self, args: &[&str]) -> Ran {
        let manifest = self.path("aliases.yaml");
        let ran =
            run_args(|_| FakeConnect(self.kms.clone()), &[args, &["-f", &manifest]].concat(), None).await;
        let folder = self.path("");
        let name = |text: String| text.replace(&folder, "");
        Ran { out: name(ran.out), err: name(ran.err), ..ran }
    }

    /// Runs a command in so many shards, each with every file that it can leave
    async fn shards(&self, command: &[&str], count: usize) -> Vec<Exit> {
        let mut exits = Vec::new();
        for index in 0..count {
            let shard = format!("{index}/{count}");
            let json = format!("json={}", self.path(&format!("report-{index}.json")));
            let metrics = format!("prometheus={}", self.path(&format!("metrics-{index}.prom")));
            let saved = self.path(&format!("plan-{index}.json"));
            let receipt = self.path(&format!("receipt-{index}.jsonl"));
            let own = match command[0] {
                "plan" => ["--out", &saved],
                "apply" => ["--receipt", &receipt],
                _ => ["--shard", &shard],
            };
            let own = if own[0] == "--shard" { &own[..0] } else { &own[..] };
            let args = ["--shard", &shard, "--report", &json, "--report", &metrics];
            exits.push(self.run(&[command, own, &args].concat()).await.exit);
        }
        exits
    }

    async fn merge(&self, names: &[&str], args: &[&str]) -> Ran {
        let paths: Vec<String> = names.iter().map(|name| self.path(name)).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        self.run(&[&["show", "--merge"], &paths[..], args].concat()).await
    }

    /// That files are refused, and by what words
    #[track_caller]
    fn assert_refused(ran: &Ran, exit: Exit, words: &str) {
        assert_eq!((ran.exit, &*ran.out), (exit, ""), "{}", ran.err);
        assert!(ran.err.contains(words) && ran.err.contains("\nhint: "), "{words:?} is not in {}", ran.err);
    }
}

const PLANS: [&str; 3] = ["plan-0.json", "plan-1.json", "plan-2.json"];
const REPORTS: [&str; 3] = ["report-0.json", "report-1.json", "report-2.json"];
const RECEIPTS: [&str; 3] = ["receipt-0.jsonl", "receipt-1.jsonl", "receipt-2.jsonl"];
const METRICS: [&str; 3] = ["metrics-0.prom", "metrics-1.prom", "metrics-2.prom"];

#[tokio::test(start_paused = true)]
async fn merged_plans_are_the_plan_that_one_run_makes_in_every_form() {
    let fleet = Fleet::new();
    fleet.shards(&["plan"], 3).await;
    for form in ["json", "text", "markdown", "tsv", "diff"] {
        let whole = fleet.run(&["plan", "-o", form]).await;
        for names in [PLANS, REPORTS, [PLANS[2], PLANS[0], PLANS[1]]] {
            let merged = fleet.merge(&names, &["-o", form]).await;
            assert_eq!((merged.exit, &*merged.err), (Exit::Success, ""), "{form}");
            match form {
                // The steps to take differ, and what is live besides is in no saved plan.
                "markdown" => {
                    let step = "To apply exactly this: `kms-alias apply PLAN";
                    let told = |text: &str| text.split(step).next().unwrap().to_owned();
                    assert_eq!(told(&merged.out), told(&whole.out));
                    assert!(
                        merged.out.contains(&format!("{step}` with the plan of each shard.")),
                        "{}",
                        merged.out
                    );
                }
                "diff" => {
                    assert_eq!(merged.out.matches("+++ desired ").count(), ACCOUNTS.len(), "{}", merged.out)
                }
                _ => assert_eq!(merged.out, whole.out, "{form}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_shard_without_targets_is_a_part_of_the_whole() {
    let fleet = Fleet::new();
    fleet.shards(&["plan", "--allow", "mass-delete"], 20).await;
    let names: Vec<String> = (0..20).map(|index| format!("plan-{index}.json")).collect();
    assert!(names.iter().any(|name| fleet.json(name)["targets"] == json!([])));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let merged = fleet.merge(&names, &["-o", "json"]).await;
    let whole = fleet.run(&["plan", "--allow", "mass-delete", "-o", "json"]).await;
    assert_eq!((merged.exit, merged.out), (Exit::Success, whole.out));
}

#[tokio::test(start_paused = true)]
async fn a_look_for_drift_merges_as_one() {
    let fleet = Fleet::new();
    assert_eq!(fleet.shards(&["drift"], 3).await, [Exit::Differences; 3]);
    let merged = fleet.merge(&REPORTS, &[]).await;
    let whole = fleet.run(&["drift"]).await;
    assert_eq!((merged.exit, merged.out), (Exit::Success, whole.out));
}

#[tokio::test(start_paused = true)]
async fn a_plan_without_one_of_its_shards_says_so_in_every_form_has_no_digest_and_cannot_be_applied() {
    let fleet = Fleet::new();
    fleet.shards(&["plan"], 3).await;
    for form in ["json", "text", "markdown", "tsv", "diff"] {
        let merged = fleet.merge(&[PLANS[0], PLANS[2]], &["-o", form]).await;
        assert_eq!(merged.exit, Exit::Runtime, "{form}");
        assert!(
            merged.err.contains("error: incomplete: nothing is known of shard 1/3\nhint: "),
            "{}",
            merged.err
        );
        let words = if form == "json" {
            "\"missing_shards\": [\n    \"1/3\"\n  ]"
        } else {
            "nothing is known of shard 1/3"
        };
        assert!(merged.out.contains(words) && !merged.out.contains("sha256:"), "{form}: {}", merged.out);
    }
    let merged = fleet.merge(&[PLANS[0], PLANS[2]], &["-o", "json"]).await.out;
    fleet.write("merged.json", &merged);
    fleet.change("merged.json", |plan| {
        plan["created_at"] = fleet.json(PLANS[0])["created_at"].clone();
        plan["digest"] = fleet.json(PLANS[0])["digest"].clone();
    });
    let path = fleet.path("merged.json");
    let applied = fleet.run(&["apply", &path]).await;
    assert_ne!(applied.exit, Exit::Success);
    assert!(fleet.kms.calls_to("CreateAlias").is_empty());
    let again = fleet.merge(&[PLANS[1], "merged.json"], &[]).await;
    assert_ne!(again.exit, Exit::Success);
}

#[tokio::test(start_paused = true)]
async fn merged_plans_are_for_reading_and_apply_names_what_to_apply_instead() {
    let fleet = Fleet::new();
    fleet.shards(&["plan"], 3).await;
    fleet.write("merged.json", &fleet.merge(&PLANS, &["-o", "json"]).await.out);
    let ran = fleet.run(&["apply", &fleet.path("merged.json")]).await;
    Fleet::assert_refused(
        &ran,
        Exit::Stale,
        "merged.json: it does not say when it was made; nothing was written",
    );
    assert!(ran.err.contains("what was merged is applied shard by shard"), "{}", ran.err);
    for name in PLANS {
        let ran = fleet.run(&["apply", &fleet.path(name)]).await;
        assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    }
    assert_eq!(fleet.kms.calls_to("CreateAlias").len(), ACCOUNTS.len());
}

#[tokio::test(start_paused = true)]
async fn files_that_do_not_belong_together_are_named() {
    let fleet = Fleet::new();
    fleet.shards(&["plan"], 2).await;
    std::fs::rename(fleet.path(PLANS[0]), fleet.path("half.json")).unwrap();
    fleet.shards(&["plan", "--allow", "mass-delete"], 3).await;
    std::fs::rename(fleet.path(PLANS[0]), fleet.path("allowing.json")).unwrap();
    fleet.shards(&["plan"], 3).await;
    let copy = fleet.text(PLANS[1]);
    fleet.write("copy.json", &copy);
    fleet.run(&["plan", "--out", &fleet.path("whole.json")]).await;
    fleet.write("no-shard.json", &copy);
    fleet.change("no-shard.json", |plan| drop(plan.as_object_mut().unwrap().remove("shard")));
    let cases: [(&[&str], &str); 7] = [
        (&[PLANS[0], PLANS[1], "copy.json"], "plan-1.json and copy.json are both of shard 1/3"),
        (&[PLANS[1], PLANS[1]], "plan-1.json and plan-1.json are both of shard 1/3"),
        (&["half.json", PLANS[1]], "half.json is of shard 0/2, and plan-1.json is of shard 1/3"),
        (&["whole.json", PLANS[1]], "whole.json is of no shard, and plan-1.json is of shard 1/3"),
        (&["allowing.json", PLANS[1], PLANS[2]], "allowing.json and plan-1.json differ in --allow"),
        (&["whole.json", "no-shard.json"], "whole.json and no-shard.json both have target \"fleet/"),
        (&[PLANS[0], METRICS[1]], "plan-0.json is a plan, and metrics-1.prom is metrics"),
    ];
    for (names, words) in cases {
        Fleet::assert_refused(&fleet.merge(names, &[]).await, Exit::Usage, words);
    }
    fleet.change("no-shard.json", |plan| {
        let targets = plan["targets"].as_array_mut().unwrap().iter_mut();
        targets.enumerate().for_each(|(index, target)| target["name"] = format!("other/{index}").into());
    });
    let ran = fleet.merge(&["whole.json", "no-shard.json"], &[]).await;
    Fleet::assert_refused(&ran, Exit::Usage, "both have a target in account 333344445555 in us-east-1");
}

#[tokio::test(start_paused = true)]
async fn shards_of_another_manifest_or_of_other_flags_are_no_parts_of_the_same_whole() {
    let fleet = Fleet::new();
    let words = "were made with different manifests, targets or aliases";
    fleet.shards(&["plan"], 3).await;
    let first = fleet.text(PLANS[0]);
    let comment = format!("{ALIASES}# a comment alone\n");
    for (aliases, flags) in
        [(&*comment, &[][..]), (ALIASES, &["-t", "fleet/*/eu-*"]), (ALIASES, &["--alias", "alias/app/new"])]
    {
        fleet.declare(aliases);
        fleet.shards(&[&["plan"], flags].concat(), 3).await;
        fleet.write(PLANS[0], &first);
        Fleet::assert_refused(&fleet.merge(&PLANS, &[]).await, Exit::Usage, words);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_was_edited_is_not_laundered_by_a_merge() {
    let fleet = Fleet::new();
    fleet.shards(&["plan"], 3).await;
    fleet.change(PLANS[1], |plan| plan["targets"][0]["changes"][0]["before"] = B.into());
    let ran = fleet.merge(&PLANS, &[]).await;
    Fleet::assert_refused(&ran, Exit::Stale, "plan-1.json: its digest is not that of its writes");
    // Nor is one whose changes and digest were taken out, unless it says that it is not whole.
    fleet.change(PLANS[1], |plan| {
        plan["digest"] = Value::Null;
        plan["targets"][0]["changes"] = json!([]);
    });
    let ran = fleet.merge(&PLANS, &[]).await;
    Fleet::assert_refused(&ran, Exit::Stale, "plan-1.json: its digest is not that of its writes");
    // What a summary says beside the changes is not believed.
    fleet.shards(&["plan"], 3).await;
    let whole = fleet.merge(&PLANS, &[]).await.out;
    fleet.change(PLANS[1], |plan| plan["summary"]["delete"] = 0.into());
    assert_eq!(fleet.merge(&PLANS, &[]).await.out, whole);
}

#[tokio::test(start_paused = true)]
async fn files_that_are_none_are_told_with_what_they_are() {
    let fleet = Fleet::new();
    fleet.shards(&["plan"], 3).await;
    let whole = fleet.text(METRICS[0]);
    fleet.write("empty.json", "");
    fleet.write("torn.json", &fleet.text(PLANS[0])[..200]);
    fleet.write("later.json", &fleet.text(PLANS[0]).replace("\"1.0\"", "\"2.0\""));
    fleet.write("torn.prom", &whole[..whole.len() - 3]);
    fleet.write("short.prom", whole.split("# HELP kms_alias_run_duration").next().unwrap());
    fleet.write("header.prom", &whole[..=whole.rfind("counter\n").unwrap() + "counter".len()]);
    fleet.write("half.prom", whole.split("# HELP kms_alias_api_calls").next().unwrap());
    fleet.write("strange.prom", &(whole.clone() + "other_metric 1\n"));
    let error = format!("json={}", fleet.path("error.json"));
    fleet.run(&["plan", "-t", "nobody", "--report", &error]).await;
    let cases = [
        ("empty.json", "empty.json: it is empty"),
        ("torn.json", "torn.json: it is neither a document (EOF "),
        ("later.json", "later.json: it has format version 2.0, and this program reads 1.x"),
        ("torn.prom", "torn.prom: these metrics cannot be read: the last line is cut off"),
        ("short.prom", "there is no kms_alias_run_duration_seconds"),
        ("header.prom", "kms_alias_api_calls_total is cut off"),
        ("half.prom", "it ends before kms_alias_api_calls_total"),
        ("strange.prom", "\"other_metric\" is no metric that this program knows"),
        ("aliases.yaml", "aliases.yaml: it is neither a document ("),
        ("error.json", "error.json: its run came to no plan: --target nobody: no such target"),
    ];
    for (name, words) in cases {
        Fleet::assert_refused(&fleet.merge(&[PLANS[0], name], &[]).await, Exit::Manifest, words);
    }
    for part in ["3/3", "x", "0/99999999999"] {
        fleet.write("part.json", &fleet.text(PLANS[0]));
        fleet.change("part.json", |plan| plan["shard"]["part"] = part.into());
        Fleet::assert_refused(&fleet.merge(&["part.json"], &[]).await, Exit::Manifest, "part.json: ");
    }
    let ran = fleet.merge(&["nothing.json"], &[]).await;
    assert!(ran.exit == Exit::Runtime && ran.err.contains("failed to read nothing.json"), "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn several_files_are_shown_only_where_they_are_to_be_merged_and_one_may_be() {
    let fleet = Fleet::new();
    fleet.shards(&["plan"], 1).await;
    let path = fleet.path(PLANS[0]);
    let ran = fleet.run(&["show", &path, &path]).await;
    Fleet::assert_refused(&ran, Exit::Usage, "these are 2 files, and one is shown\nhint: add --merge");
    assert_eq!(fleet.run(&["show"]).await.exit, Exit::Usage);
    let (one, merged) = (fleet.run(&["show", &path]).await, fleet.merge(&[PLANS[0]], &[]).await);
    assert_eq!((merged.exit, merged.out), (Exit::Success, one.out));
    let ran = fleet.merge(&[METRICS[0]], &["-o", "json"]).await;
    assert_eq!(ran.exit, Exit::Usage, "{}", ran.err);
    for form in ["html", "ndjson"] {
        let ran = fleet.merge(&[PLANS[0]], &["-o", form]).await;
        assert_eq!(ran.exit, Exit::Usage, "{}", ran.err);
    }
}

/// One account denies creates, so that one shard fails
fn failing() -> Scenario {
    let fault =
        Fault { account: Some(ACCOUNTS[0].to_owned()), ..Fault::new("CreateAlias", Effect::AccessDenied) };
    Scenario { faults: vec![fault], ..Scenario::default() }
}

#[tokio::test(start_paused = true)]
async fn the_results_of_all_applies_are_one_result_as_bad_as_the_worst() {
    let fleet = Fleet::with(failing());
    let exits = fleet.shards(&["apply", "-y"], 3).await;
    let failed = exits.iter().filter(|exit| **exit == Exit::Incomplete).count();
    assert_eq!((failed, exits.len()), (1, 3), "{exits:?}");
    let merged = fleet.merge(&REPORTS, &[]).await;
    assert_eq!((merged.exit, &*merged.err), (Exit::Success, ""));
    let summary = "Applied: 4 created, 5 retargeted, 0 replaced, 0 renamed, 4 deleted; \
        0 already so, 0 contested, 1 failed, 0 unverified, 1 not attempted.\n";
    assert!(merged.out.contains(summary), "{}", merged.out);
    assert_eq!(merged.out.matches("Applied:").count(), 1);
    assert_eq!(merged.out.matches("  converged after").count(), 4, "{}", merged.out);
    assert!(RECEIPTS.iter().all(|name| merged.out.contains(&format!("Receipt: {name}\n"))), "{}", merged.out);
    let document: Value = serde_json::from_str(&fleet.merge(&REPORTS, &["-o", "json"]).await.out).unwrap();
    assert_eq!((&document["exit_code"], &document["plan"]["summary"]["create"]), (&json!(6), &json!(5)));
    assert_eq!(document["report"]["targets"].as_array().unwrap().len(), ACCOUNTS.len());
    let markdown = fleet.merge(&REPORTS, &["-o", "markdown"]).await.out;
    assert!(markdown.contains("### kms-alias: apply failed or is incomplete"), "{markdown}");
    let part = fleet.merge(&REPORTS[..2], &["-o", "json"]).await;
    let document: Value = serde_json::from_str(&part.out).unwrap();
    assert_eq!((part.exit, &document["plan"]["missing_shards"]), (Exit::Runtime, &json!(["2/3"])));
    assert!(
        document["exit_code"] != 0 && document["error"]["message"].as_str().unwrap().contains("shard 2/3")
    );
}

#[tokio::test(start_paused = true)]
async fn receipts_are_told_one_after_another_with_one_summary() {
    let fleet = Fleet::with(failing());
    fleet.shards(&["apply", "-y"], 3).await;
    let merged = fleet.merge(&RECEIPTS, &[]).await;
    assert_eq!((merged.exit, &*merged.err), (Exit::Success, ""));
    let summary = "3 receipts: 14 write calls: 13 done, 1 refused, 0 without a clear answer. The worst exit code is 6.\n";
    assert!(merged.out.ends_with(summary), "{}", merged.out);
    assert_eq!(merged.out.matches("Apply of ").count(), 3);
    let turned: Vec<&str> = RECEIPTS.into_iter().rev().collect();
    assert_eq!(fleet.merge(&turned, &[]).await.out, merged.out);
    let markdown = fleet.merge(&RECEIPTS, &["-o", "markdown"]).await.out;
    assert!(markdown.contains("### kms-alias: apply failed or is incomplete"), "{markdown}");
    // Killed before its last line.
    let text = fleet.text(RECEIPTS[1]);
    fleet.write(RECEIPTS[1], text.trim_end().rsplit_once('\n').unwrap().0);
    let open = fleet.merge(&RECEIPTS[1..], &[]).await;
    assert!(open.out.contains("receipt-1.jsonl: the apply did not come to its end"), "{}", open.out);
    assert!(
        open.out.contains("There is no receipt of shard 0/3: nothing was to be written there"),
        "{}",
        open.out
    );
    let document: Value =
        serde_json::from_str(&fleet.merge(&RECEIPTS[1..], &["-o", "json"]).await.out).unwrap();
    let shards: Vec<_> =
        document["receipts"].as_array().unwrap().iter().map(|one| one["shard"].clone()).collect();
    assert_eq!((&document["exit_code"], &document["missing_shards"]), (&Value::Null, &json!(["0/3"])));
    assert!(shards.contains(&json!("1/3")) && shards.contains(&json!("2/3")), "{shards:?}");
    let mixed = fleet.merge(&[REPORTS[0], RECEIPTS[1]], &[]).await;
    Fleet::assert_refused(
        &mixed,
        Exit::Usage,
        "report-0.json is the result of an apply, and receipt-1.jsonl is a receipt",
    );
    let tsv = fleet.merge(&RECEIPTS, &["-o", "tsv"]).await;
    assert_eq!(tsv.exit, Exit::Usage);
}

#[tokio::test(start_paused = true)]
async fn the_plan_of_a_shard_is_of_that_shard_when_it_is_applied_later() {
    let fleet = Fleet::new();
    fleet.shards(&["plan"], 3).await;
    let (json, receipt) = (format!("json={}", fleet.path("report.json")), fleet.path("receipt.jsonl"));
    let args = ["apply", &fleet.path(PLANS[1]), "--report", &json, "--receipt", &receipt];
    assert_eq!(fleet.run(&args).await.exit, Exit::Success);
    assert_eq!(fleet.json("report.json")["plan"]["shard"], fleet.json(PLANS[1])["shard"]);
    assert!(fleet.text("receipt.jsonl").lines().next().unwrap().contains("\"shard\":\"1/3\""));
}

/// The value of each series
fn series(text: &str) -> Vec<(&str, &str)> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.rsplit_once(' ').unwrap()).collect()
}

fn value(text: &str, name: &str) -> f64 {
    series(text).iter().find(|(series, _)| *series == name).unwrap().1.parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn merged_metrics_are_those_of_one_run_but_for_what_only_a_run_has() {
    let fleet = Fleet::new();
    fleet.shards(&["drift"], 3).await;
    let whole = format!("prometheus={}", fleet.path("whole.prom"));
    fleet.run(&["drift", "--report", &whole]).await;
    let merged = fleet.merge(&METRICS, &[]).await;
    assert_eq!((merged.exit, &*merged.err), (Exit::Success, ""));
    let of_targets = |text: &str| {
        let own = ["timestamp", "duration", "kms_alias_shard"];
        let lines = text.lines().filter(|line| !own.iter().any(|word| line.contains(word)));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of_targets(&merged.out), of_targets(&fleet.text("whole.prom")));
    for index in 0..3 {
        assert_eq!(value(&merged.out, &format!("kms_alias_shard{{shard=\"{index}/3\"}}")), 1.0);
    }
    let again = fleet.merge(&[METRICS[2], METRICS[0], METRICS[1]], &[]).await;
    assert_eq!(again.out, merged.out);
}

#[tokio::test(start_paused = true)]
async fn merged_metrics_show_an_alert_the_worst_of_their_runs() {
    let fleet = Fleet::new();
    fleet.shards(&["plan"], 3).await;
    let set = |name: &str, values: [f64; 4]| {
        let names = [
            "last_run_timestamp_seconds",
            "last_success_timestamp_seconds",
            "last_run_exit_code",
            "run_duration_seconds",
        ];
        let mut text = fleet.text(name);
        for (metric, value) in names.iter().zip(values) {
            let line = |line: &str| match line.starts_with(&format!("kms_alias_{metric} ")) {
                true => format!("kms_alias_{metric} {value}\n"),
                false => format!("{line}\n"),
            };
            text = text.lines().map(line).collect();
        }
        fleet.write(name, &text);
    };
    set(METRICS[0], [200.0, 200.0, 0.0, 9.0]);
    set(METRICS[1], [300.0, 50.0, 6.0, 1.0]);
    set(METRICS[2], [100.0, 100.0, 1.0, 2.0]);
    let merged = fleet.merge(&METRICS, &[]).await.out;
    let told = [
        "last_run_timestamp_seconds",
        "last_success_timestamp_seconds",
        "last_run_exit_code",
        "run_duration_seconds",
    ]
    .map(|metric| value(&merged, &format!("kms_alias_{metric}")));
    assert_eq!(told, [100.0, 50.0, 6.0, 9.0]);
    let without = fleet.merge(&METRICS[..1], &[]).await;
    assert_eq!(without.exit, Exit::Runtime);
    assert!(without.err.contains("nothing is known of shards 1/3 and 2/3"), "{}", without.err);
    assert_eq!(value(&without.out, "kms_alias_last_run_exit_code"), 1.0);
    assert_eq!(value(&without.out, "kms_alias_shard{shard=\"1/3\"}"), 0.0);
    assert!(!without.out.contains("last_success"), "{}", without.out);
    fleet.write("again.prom", &merged);
    Fleet::assert_refused(
        &fleet.merge(&["again.prom"], &[]).await,
        Exit::Usage,
        "again.prom was merged itself",
    );
    fleet.write("copy.prom", &fleet.text(METRICS[0]).replace("shard=\"0/3\"", "shard=\"1/3\""));
    let twice = fleet.merge(&[METRICS[0], "copy.prom"], &[]).await;
    Fleet::assert_refused(&twice, Exit::Usage, "metrics-0.prom and copy.prom both have target \"fleet/");
    fleet.write(METRICS[1], &fleet.text(METRICS[1]).replace("exit_code 6", "exit_code 6.5"));
    Fleet::assert_refused(
        &fleet.merge(&METRICS, &[]).await,
        Exit::Manifest,
        "metrics-1.prom: there is no exit code",
    );
}
