//! `--report` and the forms of stdout: what is in them, and that they are written however a run ends. Whole commands on FakeKms.

use std::path::Path;

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{Effect, Fault, Scenario};
use serde_json::Value;
use tempfile::TempDir;

use crate::fake::{A, B, C, FakeKms, world};
use crate::ran::{Ran, run_on};

const LIVE: [(&str, &str); 4] =
    [("alias/app/gone", C), ("alias/app/moved", A), ("alias/app/same", A), ("alias/app/stray", B)];

const MANIFEST: &str = "version: 1\nscope: [alias/app/]\nguards: {max_delete: 9, max_update: 9}\naliases:\n  \
    alias/app/gone: absent\n  \
    alias/app/moved: bbbb2222-0000-4000-8000-000000000002\n  \
    alias/app/new: aaaa1111-0000-4000-8000-000000000001\n  \
    alias/app/same: aaaa1111-0000-4000-8000-000000000001\n";

const FORMS: [&str; 4] = ["text", "diff", "json", "tsv"];

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
    for form in FORMS {
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

#[tokio::test(start_paused = true)]
async fn every_report_is_written_however_the_run_ends() {
    let silent =
        Scenario { faults: vec![Fault::new("ListAliases", Effect::AccessDenied)], ..Scenario::default() };
    let guarded = MANIFEST.replace("max_delete: 9", "max_delete: 0");
    let cases: [(FakeKms, &str, &[&str], Exit, &str); 5] = [
        (FakeKms::with(&LIVE), "version: 1\nscope: 7\n", &["plan"], Exit::Manifest, "problem"),
        (FakeKms::with(&LIVE), &guarded, &["apply", "--yes"], Exit::Refused, "mass-delete"),
        (
            FakeKms::new(world(&LIVE), silent),
            MANIFEST,
            &["apply", "--yes"],
            Exit::Runtime,
            "AccessDeniedException",
        ),
        (FakeKms::with(&LIVE), MANIFEST, &["apply", "--expect-digest", "sha256:0"], Exit::Stale, "sha256:0"),
        (FakeKms::with(&LIVE), MANIFEST, &["plan", "--target", "nowhere"], Exit::Usage, "nowhere"),
    ];
    for (kms, manifest, args, exit, word) in cases {
        let reported = Reported::new(&kms, manifest, args).await;
        assert_eq!(reported.ran.exit, exit, "{}", reported.ran.err);
        for form in FORMS {
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
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_said_before_anything_is_read() {
    let kms = FakeKms::with(&LIVE);
    for (args, why) in [
        (&["plan", "--report", "json"][..], "it has to be FORMAT=PATH"),
        (&["plan", "--report", "yaml=x"], "there is no format"),
        (&["plan", "--report", "json="], "the path is empty"),
        (&["plan", "--report", "json=x", "--report", "tsv=x"], "two reports cannot be in one file, x"),
        (&["validate", "--report", "json=x"], "only plan, apply and revert have reports"),
    ] {
        let ran = run_on(&kms, MANIFEST, args, None).await;
        assert_eq!(ran.exit, Exit::Usage, "{}", ran.err);
        assert!(ran.err.contains(why), "{}", ran.err);
        assert!(!Path::new("x").exists(), "{args:?}");
    }
    assert!(kms.calls_to("ListAliases").is_empty());
}
