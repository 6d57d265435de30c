//! What the runner of a CI job is told, by the real program on the embedded KMS.

use std::fmt::Write as _;
use std::fs;
use std::process::Output;

use kms_alias::cli::exit::Exit;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{kms_alias, text, with_manifest};

/// A checkout whose manifest is not at its root, and the files of a step at GitHub
struct Step {
    checkout: TempDir,
}

impl Step {
    fn new(manifest: &str) -> Self {
        let checkout = TempDir::new().unwrap();
        fs::create_dir(checkout.path().join("kms")).unwrap();
        fs::write(checkout.path().join("kms/aliases.yaml"), manifest).unwrap();
        for file in ["outputs", "summary"] {
            fs::write(checkout.path().join(file), "earlier=1\n").unwrap();
        }
        Self { checkout }
    }

    fn run(&self, args: &[&str]) -> Output {
        let root = self.checkout.path();
        let mut command = kms_alias(&root.join("kms"), args);
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", root);
        command.env("GITHUB_OUTPUT", root.join("outputs")).env("GITHUB_STEP_SUMMARY", root.join("summary"));
        command.output().unwrap()
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.checkout.path().join(name)).unwrap()
    }

    fn output(&self, name: &str) -> Option<String> {
        let file = self.file("outputs");
        let mut found = file.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        found.next_back().map(str::to_owned)
    }
}

fn manifest() -> &'static str {
    include_str!("../../aliases.yaml")
}

fn commands(ran: &Output) -> Vec<&str> {
    text(&ran.stderr).lines().filter(|line| line.starts_with("::")).collect()
}

fn code(exit: Exit) -> Option<i32> {
    Some(exit.code().into())
}

#[test]
fn github_gets_outputs_and_a_summary_of_a_plan_behind_what_is_there() {
    let step = Step::new(manifest());
    let ran = step.run(&["plan", "--sandbox", "--detailed-exitcode", "--out", "plan.json"]);
    assert_eq!(ran.status.code(), code(Exit::Differences), "{}", text(&ran.stderr));
    let plan: Value = serde_json::from_str(&step.file("kms/plan.json")).unwrap();
    assert_eq!(step.output("digest").as_deref(), plan["digest"].as_str());
    for (name, value) in [
        ("earlier", "1"),
        ("exit-code", "2"),
        ("changes", "5"),
        ("deletes", "1"),
        ("held", "0"),
        ("refused", "false"),
        ("unread-targets", "0"),
    ] {
        assert_eq!(step.output(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(step.output("receipt"), None);
    let summary = step.file("summary");
    assert!(
        summary.starts_with("earlier=1\n<!-- ") && summary.contains("### kms-alias: plan\n"),
        "{summary}"
    );
    assert!(summary.contains("alias/app/audit/log"), "{summary}");
}

#[test]
fn github_gets_the_summary_and_the_receipt_of_an_apply() {
    let step = Step::new(manifest());
    let ran = step.run(&["apply", "--sandbox", "-y", "--receipt", "receipt.jsonl"]);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    assert_eq!(step.output("receipt").as_deref(), Some("receipt.jsonl"));
    assert_eq!(step.output("exit-code").as_deref(), Some("0"));
    assert!(step.file("summary").contains("### kms-alias: applied\n"), "{}", step.file("summary"));
    assert!(step.file("summary").contains("converged after"), "{}", step.file("summary"));
}

#[test]
fn problems_of_the_manifest_are_annotated_where_the_checkout_has_them() {
    let mut manifest = "version: 1\nscope: [alias/app/]\naliases:\n".to_owned();
    for i in 0..13 {
        writeln!(manifest, "  alias/app/{i:02}: not-a-key").unwrap();
    }
    let step = Step::new(&manifest);
    let ran = step.run(&["validate"]);
    assert_eq!(ran.status.code(), code(Exit::Manifest));
    let told = commands(&ran);
    assert_eq!(told.len(), 11, "{told:#?}");
    assert!(told[0].starts_with("::error file=kms/aliases.yaml,line=4,col="), "{}", told[0]);
    assert!(told[10].starts_with("::notice title=kms-alias::3 more errors"), "{}", told[10]);
    assert_eq!(step.file("outputs"), "earlier=1\n", "validate has none");
    let plan = step.run(&["plan", "--sandbox"]);
    assert_eq!((plan.status.code(), commands(&plan).len()), (code(Exit::Manifest), 11));
    assert_eq!((step.output("exit-code").as_deref(), step.output("digest")), (Some("3"), None));
    let summary = step.file("summary");
    assert!(summary.contains("### kms-alias: plan failed\n") && summary.contains("not-a-key"), "{summary}");
}

#[test]
fn drift_is_annotated_on_the_line_that_declares_otherwise_and_no_drift_on_none() {
    let step = Step::new(manifest());
    let world = "--sandbox=world.json";
    let drifted = step.run(&["drift", world]);
    assert_eq!(drifted.status.code(), code(Exit::Differences), "{}", text(&drifted.stderr));
    let told = commands(&drifted);
    let moved = told.iter().find(|line| line.contains("alias/app/billing/db: ")).unwrap();
    let line = manifest().lines().position(|line| line.starts_with("  alias/app/billing/db:")).unwrap() + 1;
    assert!(moved.starts_with(&format!("::error file=kms/aliases.yaml,line={line},col=")), "{moved}");
    assert!(moved.contains(",title=kms-alias%3A drift::prod"), "{moved}");
    assert!(step.file("summary").contains("### kms-alias: drift\n"), "{}", step.file("summary"));
    assert_eq!(step.run(&["apply", world, "-y", "--receipt", "r.jsonl"]).status.code(), Some(0));
    let clean = step.run(&["drift", world]);
    assert_eq!((clean.status.code(), text(&clean.stdout), text(&clean.stderr)), (Some(0), "", ""));
    assert!(step.file("summary").contains("### kms-alias: no drift\n"), "{}", step.file("summary"));
}

#[test]
fn none_is_told_nothing_and_a_runner_that_cannot_be_told_changes_nothing() {
    let step = Step::new(manifest());
    let quiet = step.run(&["plan", "--sandbox", "--ci", "none"]);
    assert_eq!((quiet.status.code(), step.file("outputs").as_str()), (Some(0), "earlier=1\n"));
    fs::remove_file(step.checkout.path().join("outputs")).unwrap();
    let ran = step.run(&["plan", "--sandbox"]);
    assert_eq!(ran.status.code(), Some(0));
    assert!(text(&ran.stderr).contains("warning: the runner was not told: "), "{}", text(&ran.stderr));
    assert!(!step.checkout.path().join("outputs").exists(), "no runner made it");
    assert!(step.file("summary").contains("### kms-alias: plan\n"));
}

#[test]
fn a_summary_that_is_nearly_full_gets_what_there_is_room_for() {
    let step = Step::new(manifest());
    let taken = 1024 * 1024 - 1000;
    fs::write(step.checkout.path().join("summary"), "x".repeat(taken)).unwrap();
    step.run(&["plan", "--sandbox"]);
    let length = step.file("summary").len();
    assert!((taken + 300..=1024 * 1024).contains(&length), "{length}");
    for taken in [1024 * 1024 - 40, 1024 * 1024] {
        fs::write(step.checkout.path().join("summary"), "x".repeat(taken)).unwrap();
        step.run(&["plan", "--sandbox"]);
        assert_eq!(step.file("summary").len(), taken, "of one byte too many nothing would be shown");
    }
}

#[cfg(unix)]
#[test]
fn a_runner_s_file_that_is_a_pipe_is_not_waited_for() {
    let step = Step::new(manifest());
    let pipe = step.checkout.path().join("summary");
    fs::remove_file(&pipe).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let ran = step.run(&["plan", "--sandbox"]);
    assert_eq!(ran.status.code(), Some(0));
    assert!(text(&ran.stderr).contains("summary: it is no file"), "{}", text(&ran.stderr));
    assert!(step.output("digest").is_some());
}

#[test]
fn the_name_of_a_file_gives_the_runner_no_command() {
    let step = Step::new(manifest());
    let ran = step.run(&["plan", "--sandbox", "-f", "::error file=x::y\n::error::z.yaml"]);
    assert_ne!(ran.status.code(), Some(0));
    let told = commands(&ran);
    assert!(told.len() == 1 && told[0].starts_with("::error title=kms-alias%3A "), "{told:#?}");
    assert_eq!(step.file("outputs").lines().count(), 2, "{}", step.file("outputs"));
}

#[test]
fn gitlab_folds_what_is_said_and_nothing_where_nothing_is() {
    let directory = with_manifest(manifest());
    let run = |args: &[&str]| kms_alias(directory.path(), args).env("GITLAB_CI", "true").output().unwrap();
    let world = "--sandbox=world.json";
    let ran = run(&["apply", world, "-y", "--receipt", "r.jsonl"]);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    let told: Vec<&str> =
        text(&ran.stderr).split('\u{1b}').filter(|part| part.contains("section_")).collect();
    let parts: Vec<(&str, &str)> = told
        .iter()
        .map(|part| {
            let (word, rest) = part.trim_start_matches("[0K").split_once(':').unwrap();
            (word, rest.split_once(':').unwrap().1.rsplit_once('_').unwrap().0)
        })
        .collect();
    let expected = [
        ("section_start", "kms_alias_apply"),
        ("section_end", "kms_alias_apply"),
        ("section_start", "kms_alias_write"),
        ("section_end", "kms_alias_write"),
    ];
    assert_eq!(parts, expected);
    assert!(text(&ran.stderr).contains("\r\u{1b}[0Kkms-alias apply: write\n"), "{}", text(&ran.stderr));
    let clean = run(&["drift", world]);
    assert_eq!((clean.status.code(), text(&clean.stdout), text(&clean.stderr)), (Some(0), "", ""));
}
