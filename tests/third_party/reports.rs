//! Reports of the real program, looked at by programs that are not ours: `reports.py` says which.

use std::path::Path;

use crate::processes::{Ended, Hermit, python, run};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/third_party/reports.py");
const FORMS: [&str; 9] = [
    "html",
    "json",
    "ndjson",
    "tsv",
    "sarif",
    "junit",
    "gitlab-codequality",
    "gitlab-terraform",
    "prometheus",
];

const MANIFEST: &str = "version: 1\nscope: [alias/app/]\nguards: {max_delete: 9, max_update: 9}\naliases:\n  \
    alias/app/billing/db: bbbb2222-0000-4000-8000-000000002026\n  \
    alias/app/new: aaaa1111-0000-4000-8000-000000002025\n  \
    alias/app/legacy/export: absent\n";

/// What every format has a sign in that it has to escape
const HOSTILE: &str = "<x a='1'>&amp; \\\"q\\\" ]]> %0A \\t \\n {} | \\u0001 ü";

/// Runs a command on the sandbox with a report in every format, and has them all looked at
fn look(manifest: &str, args: &[&str]) -> Ended {
    let home = Hermit::new();
    home.write("aliases.yaml", manifest);
    let mut command = home.kms_alias();
    command.args(args);
    for form in FORMS {
        command.arg(format!("--report={form}=report.{form}"));
    }
    let ended = run(&mut command);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let code = ended.code.unwrap_or_default().to_string();
    let looked = run(home.command(python()).arg(SCRIPT).arg(".").arg(root).arg(code));
    assert_eq!(looked.code, Some(0), "{}{}\nof {args:?}: {ended:?}", looked.stdout, looked.stderr);
    ended
}

#[test]
fn reports_of_plans_and_applies_are_what_their_formats_say() {
    assert_eq!(look(MANIFEST, &["plan", "--sandbox"]).code, Some(0));
    assert_eq!(look(MANIFEST, &["plan", "--sandbox", "--access", "--detailed-exitcode"]).code, Some(2));
    assert_eq!(look(MANIFEST, &["apply", "--sandbox", "--yes", "--receipt", "receipt.jsonl"]).code, Some(0));
    let canonical = include_str!("../../aliases.yaml");
    assert_eq!(look(canonical, &["apply", "--sandbox", "--yes"]).code, Some(0));
}

#[test]
fn reports_of_runs_that_fail_are_what_their_formats_say() {
    let guarded = MANIFEST.replace("max_delete: 9", "max_delete: 0");
    assert_eq!(look(&guarded, &["apply", "--sandbox", "--yes"]).code, Some(4));
    let broken = MANIFEST.replace("absent", &format!("\"{HOSTILE}\""));
    assert_eq!(look(&broken, &["plan", "--sandbox"]).code, Some(3));
    let nowhere =
        ["plan", "--endpoint-url", "http://127.0.0.1:9", "--region", "us-east-1", "--timeout", "1s"];
    assert_eq!(look(MANIFEST, &nowhere).code, Some(1));
    assert_eq!(look(MANIFEST, &["plan", "--sandbox", "--target", HOSTILE]).code, Some(64));
    assert_eq!(look(MANIFEST, &["apply", "--sandbox", "--no-input"]).code, Some(4));
}

#[test]
fn a_saved_plan_is_what_its_schema_says() {
    let home = Hermit::new();
    home.write("aliases.yaml", MANIFEST);
    let saved = run(home.kms_alias().args(["plan", "--sandbox", "--out", "report.json"]));
    assert_eq!(saved.code, Some(0), "{saved:?}");
    let looked = run(home.command(python()).args([SCRIPT, ".", env!("CARGO_MANIFEST_DIR"), "0"]));
    assert_eq!(looked.code, Some(0), "{}{}", looked.stdout, looked.stderr);
}
