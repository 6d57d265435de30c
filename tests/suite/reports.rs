//! `--report` and the forms of stdout: what is in them, and that they are written however a run ends. Whole commands on FakeKms.

use std::collections::BTreeSet;
use std::path::Path;

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{Effect, Fault, Key, Scenario};
use serde_json::{Value, json};
use sha2::Digest as _;
use tempfile::TempDir;

use crate::fake::{A, B, C, FakeConnect, FakeKms, home, world};
use crate::ran::{Ran, run_args, run_on};

const LIVE: [(&str, &str); 4] =
    [("alias/app/gone", C), ("alias/app/moved", A), ("alias/app/same", A), ("alias/app/stray", B)];

const MANIFEST: &str = "version: 1\nscope: [alias/app/]\nguards: {max_delete: 9, max_update: 9}\naliases:\n  \
    alias/app/gone: absent\n  \
    alias/app/moved: bbbb2222-0000-4000-8000-000000000002\n  \
    alias/app/new: aaaa1111-0000-4000-8000-000000000001\n  \
    alias/app/same: aaaa1111-0000-4000-8000-000000000001\n";

/// The forms that stdout can have too, as one document
const SHOWN: [&str; 5] = ["text", "diff", "json", "markdown", "tsv"];
const FORMS: [&str; 12] = [
    "html",
    "markdown",
    "text",
    "diff",
    "json",
    "tsv",
    "ndjson",
    "sarif",
    "junit",
    "gitlab-codequality",
    "gitlab-terraform",
    "prometheus",
];

/// A run with a report in every form
struct Reported {
    folder: TempDir,
    ran: Ran,
}

impl Reported {
    async fn new(kms: &FakeKms, manifest: &str, args: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let flags: Vec<String> =
            FORMS.iter().map(|form| format!("--report={form}={}", path(&folder, form))).collect();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let ran = run_on(kms, manifest, &[args, &flags].concat(), None).await;
        Self { folder, ran }
    }

    fn text(&self, form: &str) -> String {
        std::fs::read_to_string(path(&self.folder, form)).unwrap_or_else(|why| panic!("{form}: {why}"))
    }

    fn json(&self, form: &str) -> Value {
        serde_json::from_str(&self.text(form)).unwrap_or_else(|why| panic!("{form}: {why}"))
    }

    /// The rows of the table by their columns
    fn table(&self) -> Vec<Value> {
        let text = self.text("tsv");
        let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        let head = lines.next().unwrap();
        lines.map(|cells| head.iter().copied().zip(cells).collect::<Value>()).collect()
    }
}

fn path(folder: &TempDir, form: &str) -> String {
    folder.path().join(form).to_str().unwrap().to_owned()
}

fn cells<'t>(table: &'t [Value], column: &str) -> Vec<&'t str> {
    table.iter().map(|row| row[column].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_report_of_a_plan_is_what_stdout_has_in_the_same_form() {
    let kms = FakeKms::with(&LIVE);
    let reported = Reported::new(&kms, MANIFEST, &["plan"]).await;
    assert_eq!(reported.ran.exit, Exit::Success, "{}", reported.ran.err);
    for form in SHOWN {
        let alone = run_on(&FakeKms::with(&LIVE), MANIFEST, &["plan", "-o", form], None).await;
        // Each manifest is in a file of its own, which the reports name.
        let lines = |text: &str| {
            text.lines().filter(|line| !line.contains(".yaml")).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(lines(&reported.text(form)), lines(&alone.out), "{form}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_table_has_a_line_for_each_alias_that_is_not_as_declared() {
    let reported = Reported::new(&FakeKms::with(&LIVE), MANIFEST, &["plan"]).await;
    let table = reported.table();
    assert_eq!(
        cells(&table, "alias"),
        ["alias/app/gone", "alias/app/moved", "alias/app/new", "alias/app/stray"]
    );
    assert_eq!(cells(&table, "action"), ["delete", "retarget", "create", "unmanaged"]);
    assert_eq!(cells(&table, "before"), [C, A, "", B]);
    assert_eq!(cells(&table, "after"), ["", B, A, ""]);
    assert_eq!(cells(&table, "status"), ["planned", "planned", "planned", ""]);
    assert_eq!(cells(&table, "line"), ["5", "6", "7", ""]);
}

#[tokio::test(start_paused = true)]
async fn a_report_of_an_apply_says_what_became_of_each_change() {
    let scenario =
        Scenario { faults: vec![Fault::new("UpdateAlias", Effect::AccessDenied)], ..Scenario::default() };
    let kms = FakeKms::new(world(&LIVE), scenario);
    let reported = Reported::new(&kms, MANIFEST, &["apply", "--yes"]).await;
    assert_eq!(reported.ran.exit, Exit::Incomplete, "{}{}", reported.ran.out, reported.ran.err);
    let document = reported.json("json");
    assert_eq!((&document["kind"], &document["exit_code"]), (&"apply".into(), &6.into()));
    assert_eq!(document["report"]["targets"][0]["changes"][1]["status"], "failed");
    let table = reported.table();
    assert_eq!(cells(&table, "status")[1..3], ["failed", "done"]);
    assert!(cells(&table, "message")[1].contains("AccessDeniedException"), "{table:?}");
    assert_eq!(reported.text("text"), reported.ran.out.replace("aliases.yaml", &manifest_of(&reported)));
}

/// What the run called its manifest
fn manifest_of(reported: &Reported) -> String {
    reported
        .table()
        .iter()
        .map(|row| row["file"].as_str().unwrap().to_owned())
        .find(|file| !file.is_empty())
        .unwrap()
}

/// What there is, the manifest, the arguments, how it ends, and what is said then
type Case<'c> = (FakeKms, &'c str, &'c [&'c str], Exit, [&'c str; 2]);

#[tokio::test(start_paused = true)]
async fn every_report_is_written_however_the_run_ends() {
    let silent =
        Scenario { faults: vec![Fault::new("ListAliases", Effect::AccessDenied)], ..Scenario::default() };
    let guarded = MANIFEST.replace("max_delete: 9", "max_delete: 0");
    // What each says where a person reads it, and where a program does.
    let cases: [Case<'_>; 5] = [
        (
            FakeKms::with(&LIVE),
            "version: 1\nscope: 7\n",
            &["plan"],
            Exit::Manifest,
            ["problem", "wrong-type"],
        ),
        (FakeKms::with(&LIVE), &guarded, &["apply", "--yes"], Exit::Refused, ["mass-delete"; 2]),
        (
            FakeKms::new(world(&LIVE), silent),
            MANIFEST,
            &["apply", "--yes"],
            Exit::Runtime,
            ["AccessDenied"; 2],
        ),
        (
            FakeKms::with(&LIVE),
            MANIFEST,
            &["apply", "--expect-digest", "sha256:0"],
            Exit::Stale,
            ["sha256:0"; 2],
        ),
        (FakeKms::with(&LIVE), MANIFEST, &["plan", "--target", "nowhere"], Exit::Usage, ["nowhere"; 2]),
    ];
    for (kms, manifest, args, exit, [person, program]) in cases {
        let reported = Reported::new(&kms, manifest, args).await;
        assert_eq!(reported.ran.exit, exit, "{}", reported.ran.err);
        let code = format!("kms_alias_last_run_exit_code {}\n", exit.code());
        for form in FORMS {
            let word = match form {
                "gitlab-terraform" if matches!(exit, Exit::Refused | Exit::Stale) => "\"create\": 1",
                "gitlab-terraform" => "\"errored\": true",
                "prometheus" => &code,
                form if SHOWN.contains(&form) => person,
                _ => program,
            };
            let text = reported.text(form);
            assert!(text.contains(word), "{form} of {args:?} with {exit:?}: {text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_that_cannot_be_written_hides_nothing_and_is_an_error() {
    let folder = TempDir::new().unwrap();
    let (nowhere, json) = (path(&folder, "no/such/folder"), path(&folder, "json"));
    let flags = [&*format!("--report=tsv={nowhere}"), &format!("--report=json={json}")];
    let kms = FakeKms::with(&LIVE);
    let ran = run_on(&kms, MANIFEST, &[&["apply", "--yes"], &flags[..]].concat(), None).await;
    assert_eq!(ran.exit, Exit::Runtime);
    assert!(ran.err.contains(&format!("error: failed to write the report {nowhere}: ")), "{}", ran.err);
    assert!(ran.out.contains("converged after"), "{}", ran.out);
    let document: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(document["report"]["summary"]["created"], 1, "{document}");
    assert!(!Path::new(&nowhere).exists());
    let metrics = path(&folder, "prometheus");
    let flags = [&*format!("--report=prometheus={metrics}"), flags[0]];
    let ran = run_on(&kms, MANIFEST, &[&["plan"], &flags[..]].concat(), None).await;
    let metrics = std::fs::read_to_string(metrics).unwrap();
    assert_eq!(ran.exit, Exit::Runtime);
    assert_eq!(sample(&metrics, "kms_alias_last_run_exit_code"), Some(1.0), "{metrics}");
    assert_eq!(sample(&metrics, "kms_alias_last_success_timestamp_seconds"), None, "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_said_before_anything_is_read() {
    let kms = FakeKms::with(&LIVE);
    for (args, why) in [
        (&["plan", "--report", "json"][..], "it has to be FORMAT=PATH"),
        (&["plan", "--report", "yaml=x"], "there is no format"),
        (&["plan", "--report", "json="], "the path is empty"),
        (
            &["plan", "--report", "json=x", "--report", "tsv=x"],
            "--report tsv: x is to be another file of this run already",
        ),
        (&["plan", "--report", "json=x", "--report", "tsv=./x"], "--report tsv: ./x is to be another file"),
        (&["plan", "--out", "x", "--report", "json=x"], "--report json: x is to be another file"),
        (&["apply", "x", "--report", "json=x"], "--report json: x is to be another file"),
        (&["apply", "--receipt", "x", "--report", "json=x"], "--report json: x is to be another file"),
        (&["revert", "x", "--report", "json=x"], "--report json: x is to be another file"),
        (&["plan", "--sandbox=x", "--report", "json=x"], "--report json: x is to be another file"),
        (&["plan", "-f", "x", "--report", "json=x"], "--report json: x is to be another file"),
        (&["validate", "--report", "json=x"], "only plan, apply, drift and revert have reports"),
    ] {
        let ran = run_on(&kms, MANIFEST, args, None).await;
        assert_eq!(ran.exit, Exit::Usage, "{}", ran.err);
        assert!(ran.err.contains(why), "{}", ran.err);
        assert!(!Path::new("x").exists(), "{args:?}");
    }
    assert!(kms.calls_to("ListAliases").is_empty());
}

/// The one run of a SARIF document
fn sarif(reported: &Reported) -> Value {
    reported.json("sarif")["runs"][0].clone()
}

fn fingerprints(results: &Value) -> Vec<String> {
    let of =
        |result: &Value| result["partialFingerprints"]["kmsAliasFinding/v1"].as_str().unwrap().to_owned();
    results.as_array().unwrap().iter().map(of).collect()
}

#[tokio::test(start_paused = true)]
async fn a_result_points_at_its_line_and_is_the_same_one_when_the_lines_have_moved() {
    let first = sarif(&Reported::new(&FakeKms::with(&LIVE), MANIFEST, &["plan"]).await);
    let results = first["results"].as_array().unwrap();
    let rules: Vec<_> = results.iter().map(|result| result["ruleId"].as_str().unwrap()).collect();
    assert_eq!(rules, ["key-without-alias", "decrypt-by-name"]);
    let region = &results[1]["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&region["startLine"], &region["startColumn"]), (&6.into(), &3.into()));
    let rule = &first["tool"]["driver"]["rules"][results[1]["ruleIndex"].as_u64().unwrap() as usize];
    assert_eq!(rule["id"], "decrypt-by-name");
    assert!(rule["help"]["markdown"].as_str().unwrap().starts_with("## decrypt-by-name"), "{rule}");
    // In a file of another name a finding is another one, so the second run has the first one's.
    let folder = TempDir::new().unwrap();
    let manifest = path(&folder, "aliases.yaml");
    let mut both = Vec::new();
    for text in [MANIFEST.to_owned(), format!("# a comment\n{MANIFEST}")] {
        std::fs::write(&manifest, text).unwrap();
        let report = format!("sarif={}", path(&folder, "sarif"));
        let kms = FakeKms::with(&LIVE);
        run_args(|_| FakeConnect(kms.clone()), &["plan", "-f", &manifest, "--report", &report], None).await;
        let document: Value =
            serde_json::from_str(&std::fs::read_to_string(path(&folder, "sarif")).unwrap()).unwrap();
        both.push(fingerprints(&document["runs"][0]["results"]));
    }
    assert_eq!(both[0], both[1]);
    assert_ne!(both[0][0], both[0][1]);
}

#[tokio::test(start_paused = true)]
async fn gitlab_is_told_integers_and_issues_each_with_a_place_and_a_fingerprint_of_its_own() {
    let reported = Reported::new(&FakeKms::with(&LIVE), MANIFEST, &["plan"]).await;
    assert_eq!(reported.json("gitlab-terraform"), json!({"create": 1, "update": 1, "delete": 1}));
    let issues = reported.json("gitlab-codequality");
    let issues = issues.as_array().unwrap();
    let prints: BTreeSet<_> = issues.iter().map(|issue| issue["fingerprint"].as_str().unwrap()).collect();
    assert_eq!((prints.len(), issues.len()), (2, 2));
    assert_eq!(
        (&issues[1]["location"]["lines"]["begin"], &issues[1]["severity"]),
        (&6.into(), &"minor".into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_test_case_is_a_failure_while_its_alias_differs_and_passes_once_it_is_applied() {
    let kms = FakeKms::with(&LIVE);
    let planned = Reported::new(&kms, MANIFEST, &["plan"]).await.text("junit");
    assert!(planned.contains("tests=\"4\" failures=\"3\" errors=\"0\""), "{planned}");
    assert!(planned.contains("<failure type=\"drift\" message=\"is on cccc3333-"), "{planned}");
    assert!(planned.contains("<testcase name=\"1 in sync\""), "{planned}");
    let applied = Reported::new(&kms, MANIFEST, &["apply", "--yes"]).await.text("junit");
    assert!(applied.contains("tests=\"4\" failures=\"0\" errors=\"0\""), "{applied}");
}

/// The value of a sample
fn sample(metrics: &str, name: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test(start_paused = true)]
async fn metrics_carry_the_last_success_over_a_run_that_fails_and_name_no_alias() {
    let folder = TempDir::new().unwrap();
    let report = format!("--report=prometheus={}", path(&folder, "prometheus"));
    let metrics = || std::fs::read_to_string(path(&folder, "prometheus")).unwrap();
    let success = "kms_alias_last_success_timestamp_seconds";
    run_on(&FakeKms::with(&LIVE), "version: 1\nscope: 7\n", &["plan", &report], None).await;
    assert_eq!(sample(&metrics(), success), None, "there has been none");
    run_on(&FakeKms::with(&LIVE), MANIFEST, &["plan", "--detailed-exitcode", &report], None).await;
    let (first, at) = (metrics(), sample(&metrics(), success));
    assert!(at.is_some() && !first.contains("alias/"), "{first}");
    for (name, value) in [
        ("kms_alias_last_run_exit_code", 2.0),
        ("kms_alias_target_up{target=\"default\"}", 1.0),
        ("kms_alias_aliases{target=\"default\",status=\"pending\"}", 3.0),
        ("kms_alias_aliases{target=\"default\",status=\"unmanaged\"}", 1.0),
        ("kms_alias_pending_changes{target=\"default\",action=\"delete\"}", 1.0),
        ("kms_alias_api_calls_total{operation=\"ListAliases\"}", 1.0),
    ] {
        assert_eq!(sample(&first, name), Some(value), "{name} in {first}");
    }
    run_on(&FakeKms::with(&LIVE), "version: 1\nscope: 7\n", &["plan", &report], None).await;
    assert_eq!(sample(&metrics(), success), at);
    let ahead = metrics().replace(&format!("{success} "), &format!("{success} 9"));
    std::fs::write(path(&folder, "prometheus"), ahead).unwrap();
    run_on(&FakeKms::with(&LIVE), "version: 1\nscope: 7\n", &["plan", &report], None).await;
    assert_eq!(sample(&metrics(), success), None, "of a time that has not come yet");
    assert_eq!(sample(&metrics(), "kms_alias_last_run_exit_code"), Some(3.0));
    assert!(!metrics().contains("target_up"), "nothing is known of a target: {}", metrics());
}

#[tokio::test(start_paused = true)]
async fn metrics_of_an_apply_are_of_what_it_left() {
    let kms = FakeKms::with(&LIVE);
    let metrics = Reported::new(&kms, MANIFEST, &["apply", "--yes"]).await.text("prometheus");
    for operation in ["ListAliases", "DescribeKey", "CreateAlias", "UpdateAlias", "DeleteAlias"] {
        let made = kms.calls_to(operation).len() as f64;
        let name = format!("kms_alias_api_calls_total{{operation=\"{operation}\"}}");
        assert!(made > 0.0 && sample(&metrics, &name) == Some(made), "{operation}: {made} in {metrics}");
    }
    assert_eq!(
        sample(&metrics, "kms_alias_aliases{target=\"default\",status=\"in_sync\"}"),
        Some(3.0),
        "{metrics}"
    );
    assert_eq!(
        sample(&metrics, "kms_alias_pending_changes{target=\"default\",action=\"create\"}"),
        Some(0.0)
    );
}

#[tokio::test(start_paused = true)]
async fn events_come_in_the_order_of_what_happens_and_the_report_has_them_as_well() {
    let scenario =
        Scenario { faults: vec![Fault::new("UpdateAlias", Effect::AccessDenied)], ..Scenario::default() };
    let kms = FakeKms::new(world(&LIVE), scenario);
    let reported = Reported::new(&kms, MANIFEST, &["apply", "--yes", "-o", "ndjson"]).await;
    assert_eq!(reported.ran.out.replace("aliases.yaml", &manifest_of(&reported)), reported.text("ndjson"));
    let events: Vec<Value> =
        reported.ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert!(events.iter().all(|event| event["@timestamp"].is_string() && event["@message"].is_string()));
    assert_eq!(
        kinds[..7],
        [
            "version",
            "planned_change",
            "planned_change",
            "planned_change",
            "change_summary",
            "diagnostic",
            "diagnostic"
        ]
    );
    let of = |kind: &str, alias: &str| {
        let is = |event: &Value| event["type"] == kind && event["hook"]["resource"]["alias"] == alias;
        events.iter().position(is).unwrap_or_else(|| panic!("{kind} of {alias}: {}", reported.ran.out))
    };
    assert!(of("apply_start", "alias/app/new") < of("apply_complete", "alias/app/new"));
    assert!(of("apply_start", "alias/app/moved") < of("apply_errored", "alias/app/moved"));
    assert!(
        events[of("apply_errored", "alias/app/moved")]["hook"]["error"]
            .as_str()
            .unwrap()
            .contains("AccessDenied")
    );
    kinds.drain(..7);
    let summary = kinds.iter().position(|kind| *kind == "change_summary").unwrap();
    assert!(kinds[summary + 1..].iter().all(|kind| *kind == "diagnostic"), "{kinds:?}");
    assert_eq!(events[7 + summary]["changes"]["add"], 1);
    assert_eq!(events[7 + summary]["changes"]["failed"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_that_is_stale_is_reported_with_what_has_moved() {
    let (kms, folder) = (FakeKms::with(&LIVE), TempDir::new().unwrap());
    let plan = path(&folder, "plan");
    run_on(&kms, MANIFEST, &["plan", "--out", &plan], None).await;
    let at = kms.at();
    kms.service().world_mut().put_alias(&home(), "alias/app/moved", Some(C), at);
    let reported = Reported::new(&kms, MANIFEST, &["apply", &plan]).await;
    assert_eq!(reported.ran.exit, Exit::Stale, "{}", reported.ran.err);
    let document = reported.json("json");
    assert_eq!((&document["exit_code"], &document["report"]), (&5.into(), &Value::Null));
    for form in ["text", "diff", "json", "tsv", "ndjson", "sarif", "junit", "gitlab-codequality"] {
        let text = reported.text(form);
        assert!(text.contains("default is stale: ") && text.contains("alias/app/moved"), "{form}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_revert_has_reports_too() {
    let (kms, folder) = (FakeKms::with(&LIVE), TempDir::new().unwrap());
    let (receipt, second) = (path(&folder, "receipt"), path(&folder, "second"));
    run_on(&kms, MANIFEST, &["apply", "--yes", "--receipt", &receipt], None).await;
    let args = ["revert", &receipt, "--yes", "--receipt", &second, "--allow", "mass-delete,mass-update"];
    let reported = Reported::new(&kms, MANIFEST, &args).await;
    assert_eq!(reported.ran.exit, Exit::Success, "{}", reported.ran.err);
    assert_eq!(cells(&reported.table(), "status"), ["done"; 3]);
    assert_eq!(reported.json("json")["receipt"], *second);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_could_not_be_read_is_told_beside_those_that_were() {
    let manifest = "version: 1\nscope: [alias/app/]\naliases:\n  \
        alias/app/new: aaaa1111-0000-4000-8000-000000000001\ntargets:\n  \
        here: {account: \"111122223333\", region: us-east-1}\n  \
        there: {account: \"444455556666\", region: us-east-1}\n";
    let fault =
        Fault { account: Some("444455556666".to_owned()), ..Fault::new("ListAliases", Effect::AccessDenied) };
    let kms = FakeKms::new(world(&[]), Scenario { faults: vec![fault], ..Scenario::default() });
    let reported = Reported::new(&kms, manifest, &["plan"]).await;
    assert_eq!(reported.ran.exit, Exit::Runtime);
    assert_eq!(cells(&reported.table(), "action"), ["create", "unread"]);
    assert_eq!(reported.json("gitlab-terraform")["errored"], true);
    assert_eq!(sarif(&reported)["invocations"][0]["executionSuccessful"], false);
    assert!(reported.text("junit").contains("failures=\"1\" errors=\"1\""), "{}", reported.text("junit"));
    let metrics = reported.text("prometheus");
    let up = |name: &str| sample(&metrics, &format!("kms_alias_target_up{{target=\"{name}/us-east-1\"}}"));
    assert_eq!((up("here/111122223333"), up("there/444455556666")), (Some(1.0), Some(0.0)), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn stdout_has_the_table_of_a_failure_too_and_show_has_that_of_a_saved_plan() {
    let ran = run_on(&FakeKms::with(&LIVE), "version: 1\nscope: 7\n", &["plan", "-o", "tsv"], None).await;
    assert_eq!(ran.exit, Exit::Manifest);
    assert!(ran.out.starts_with("target\taction\talias\t") && ran.out.contains("wrong-type"), "{}", ran.out);
    let folder = TempDir::new().unwrap();
    let plan = path(&folder, "plan");
    let kms = FakeKms::with(&LIVE);
    let planned = run_on(&kms, MANIFEST, &["plan", "--out", &plan, "-o", "tsv"], None).await;
    let shown = run_args(|_| FakeConnect(kms.clone()), &["show", &plan, "-o", "tsv"], None).await;
    let table = |text: &str| {
        text.lines().map(|line| line.split('\t').take(9).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    assert_eq!((shown.exit, table(&shown.out)), (Exit::Success, table(&planned.out)));
    let events = run_args(|_| FakeConnect(kms.clone()), &["show", &plan, "-o", "ndjson"], None).await;
    assert_eq!(events.exit, Exit::Usage, "{}", events.out);
}

#[tokio::test(start_paused = true)]
async fn a_report_is_readable_as_any_new_file_is_and_replaces_a_link_without_following_it() {
    let folder = TempDir::new().unwrap();
    let (link, file) = (folder.path().join("json"), folder.path().join("precious"));
    std::fs::write(&file, "as it was").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let report = format!("json={}", link.display());
    let ran = run_on(&FakeKms::with(&LIVE), MANIFEST, &["plan", "--report", &report], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "as it was");
    assert!(!link.is_symlink() && link.is_file());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions();
    assert_eq!(mode(&link), mode(&file));
}

#[tokio::test(start_paused = true)]
async fn the_page_has_every_change_and_nothing_in_it_acts() {
    let kms = FakeKms::with(&LIVE);
    let hostile = "</td><script>alert(1)</script><img src=x onerror='y'>\u{1b}[2J \u{202e} &amp;";
    kms.service().world_mut().put_key(&home(), Key::new(B).described(hostile));
    let reported = Reported::new(&kms, MANIFEST, &["plan"]).await;
    let page = reported.text("html");
    for row in ["+ create", "~ retarget", "- delete", "alias/app/stray"] {
        assert!(page.contains(row), "{row:?} is not in {page}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
    assert_eq!((page.matches("<script").count(), page.matches("<img").count()), (1, 0));
    assert!(!page.contains(['\u{1b}', '\u{202e}']), "{page}");
    let allowed = page.split("script-src '").nth(1).unwrap().split('\'').next().unwrap();
    let script = page.split("<script>").nth(1).unwrap().split("</script>").next().unwrap();
    let digest = aws_smithy_types::base64::encode(sha2::Sha256::digest(script));
    assert_eq!(allowed, format!("sha256-{digest}"), "the page's own script is the one that may run");
    assert_eq!(page.matches("<tr class=").count(), 3, "a row for each change");
}

#[tokio::test(start_paused = true)]
async fn the_page_of_a_run_that_failed_says_so_first() {
    let fault = Fault::new("ListAliases", Effect::AccessDenied);
    let kms = FakeKms::new(world(&LIVE), Scenario { faults: vec![fault], ..Scenario::default() });
    let page = Reported::new(&kms, MANIFEST, &["plan"]).await.text("html");
    assert!(page.contains("Errored: 1 target could not be read."), "{page}");
    assert!(
        page.find("AccessDeniedException").unwrap() < page.find("<section id=\"targets\">").unwrap(),
        "{page}"
    );
    let broken = Reported::new(&kms, "version: 1\n", &["plan"]).await.text("html");
    assert!(broken.contains("Errored: it did not come to its end.") && broken.contains("scope"), "{broken}");
}
