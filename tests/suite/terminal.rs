//! What a person at a terminal sees: lines that fit, links, a plan shown again before the answer; and what a collector of logs gets.

use std::ffi::OsString;
use std::io::Cursor;
use std::time::Duration;

use kms_alias::cli::console::{Console, Ends};
use kms_alias::cli::exit::Exit;
use kms_alias::cli::run;
use kms_alias::cli::stop::Stop;
use kms_alias::poll::wait;
use kms_alias::sandbox::{Delay, Scenario};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::fake::{A, B, C, FakeConnect, FakeKms, world};
use crate::process::{ran, text, with_manifest};
use crate::ran::{Stream, run_on};

const MANIFEST: &str = "\
version: 1
scope: [alias/app/]
targets:
  east: {account: \"111122223333\", region: us-east-1}
aliases:
  alias/app/moved: bbbb2222-0000-4000-8000-000000000002
  alias/app/new: {key: aaaa1111-0000-4000-8000-000000000001}
";

fn kms() -> FakeKms {
    FakeKms::with(&[("alias/app/moved", A), ("alias/app/unmanaged", C)])
}

/// What stdout has been given, at a terminal that is so wide
async fn at(columns: usize, links: bool, args: &[&str]) -> String {
    let ends = Ends { out_colour: links, out_columns: Some(columns), out_links: links, ..Ends::default() };
    told(kms(), ends, args).await.0
}

/// What stderr has been given, at a terminal that is so wide, by a service that takes its time
async fn told_slowly(columns: usize, args: &[&str]) -> String {
    let ends = Ends { err_columns: Some(columns), err_redraws: true, ..Ends::default() };
    told(slow(), ends, args).await.1
}

fn slow() -> FakeKms {
    let scenario = Scenario { latency: Delay(Duration::from_secs(3)), ..Scenario::default() };
    FakeKms::new(world(&[("alias/app/moved", A)]), scenario)
}

/// What both streams have been given
async fn told(kms: FakeKms, ends: Ends, args: &[&str]) -> (String, String) {
    told_of(MANIFEST, kms, ends, args, &Stop::default()).await
}

async fn told_of(manifest: &str, kms: FakeKms, ends: Ends, args: &[&str], stop: &Stop) -> (String, String) {
    let manifest = with_manifest(manifest);
    let path = manifest.path().join("aliases.yaml").to_str().unwrap().to_owned();
    let args: Vec<OsString> =
        ["kms-alias"].iter().chain(args).chain(&["-f", &path]).map(OsString::from).collect();
    let (out, err) = (Stream::default(), Stream::default());
    let console = Console::new(out.clone(), err.clone(), Cursor::new(""), ends);
    run(args, &console, stop, |_| FakeConnect(kms.clone())).await;
    (out.text().replace(&path, "aliases.yaml"), err.text())
}

#[tokio::test(start_paused = true)]
async fn progress_is_one_line_that_is_drawn_over_and_leaves_nothing_behind() {
    for columns in [30, 200] {
        let told = told_slowly(columns, &["plan"]).await;
        let drawn: Vec<&str> = told.split("\r\u{1b}[2K").collect();
        assert!(drawn.len() > 10, "{told:?}");
        assert!(!told.contains('\n'), "no line is left: {told:?}");
        assert_eq!(drawn.last(), Some(&""), "the last one is taken away: {told:?}");
        for line in &drawn[..drawn.len() - 1] {
            let line = line.strip_prefix("\u{1b}[?7l").and_then(|line| line.strip_suffix("\u{1b}[?7h"));
            let line = line.expect(&told);
            assert!(line.contains("reading targets") && line.chars().count() < columns, "{line:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sentence_on_stderr_fits_and_nothing_of_it_is_lost() {
    let (wide, narrow) = (
        told_slowly(400, &["explain", "unknown-key"]).await,
        told_slowly(40, &["explain", "unknown-key"]).await,
    );
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&wide), words(&narrow));
    assert!(wide.lines().any(|line| line.chars().count() > 100), "{wide}");
    assert!(narrow.lines().all(|line| line.chars().count() <= 40), "{narrow}");
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_request_to_stop_fits_as_well() {
    let (stop, never) = (Stop::default(), CancellationToken::new());
    let asked = async {
        // By then it has read, and writes.
        wait(Duration::from_secs(13), &never).await;
        stop.ask(Exit::Interrupted);
    };
    let ends = Ends { err_columns: Some(60), ..Ends::default() };
    let folder = TempDir::new().unwrap();
    let receipt = folder.path().join("receipt.jsonl");
    let args = ["apply", "-y", "--receipt", receipt.to_str().unwrap()];
    let ((_, told), ()) = tokio::join!(told_of(MANIFEST, slow(), ends, &args, &stop), asked);
    let at = told.find("Stopping: calls under way are finished").expect(&told);
    let answer: Vec<&str> = told[at..].lines().collect();
    assert!(answer.len() > 1 && answer.iter().all(|line| line.chars().count() <= 60), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_a_terminal_has_no_room_for_pushes_no_other_row() {
    let long = format!("alias/app/{}", "x".repeat(90));
    let (manifest, kms) = (format!("{MANIFEST}  {long}: {A}\n"), kms());
    let shown = async |columns, args: &[&str]| {
        let ends = Ends { out_columns: columns, ..Ends::default() };
        told_of(&manifest, kms.clone(), ends, args, &Stop::default()).await.0
    };
    for args in [&["plan"][..], &["list"]] {
        let (piped, fitted) = (shown(None, args).await, shown(Some(80), args).await);
        let with_its_key = |text: &str| {
            text.lines().any(|line| line.contains("alias/app/moved") && line.contains("aaaa1111"))
        };
        assert!(with_its_key(&fitted), "{fitted}");
        assert!(fitted.lines().any(|line| line.ends_with(&long)), "its own row is broken: {fitted}");
        let aligned =
            piped.lines().filter(|line| line.contains("alias/app/")).map(|line| line.find("aaaa1111"));
        assert!(
            aligned.flatten().all(|at| at > long.len()),
            "where nobody has a width, all rows are aligned: {piped}"
        );
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&piped), words(&fitted));
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_fits_into_sixty_columns_and_nothing_of_it_is_lost() {
    let (wide, narrow) = (at(400, false, &["plan"]).await, at(60, false, &["plan"]).await);
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&wide), words(&narrow));
    for line in narrow.lines().filter(|line| !line.starts_with("Digest ")) {
        assert!(line.chars().count() <= 60, "{line:?}");
    }
    assert!(wide.lines().any(|line| line.chars().count() > 60), "{wide}");
}

#[tokio::test(start_paused = true)]
async fn a_document_is_never_broken() {
    for form in ["json", "tsv", "diff"] {
        assert_eq!(
            at(20, false, &["plan", "-o", form]).await,
            at(400, false, &["plan", "-o", form]).await,
            "{form}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_leads_to_its_page_where_links_can_be_followed_and_nowhere_else() {
    let page = "https://us-east-1.console.aws.amazon.com/kms/home?region=us-east-1#/kms/keys";
    let linked = at(400, true, &["list"]).await;
    assert!(
        linked.contains(&format!("\u{1b}]8;;{page}/{A}\u{1b}\\aaaa1111\u{1b}]8;;\u{1b}\\")),
        "{linked:?}"
    );
    let plan = at(400, true, &["plan"]).await;
    for (key, shown) in [("", ""), (A, "aaaa1111"), (B, "bbbb2222"), (C, "cccc3333")] {
        let slash = if key.is_empty() { "" } else { "/" };
        assert!(plan.contains(&format!("\u{1b}]8;;{page}{slash}{key}\u{1b}\\{shown}")), "{key}: {plan:?}");
    }
    assert!(!at(400, false, &["list"]).await.contains('\u{1b}'));
}

#[tokio::test(start_paused = true)]
async fn at_the_prompt_the_plan_is_shown_again_whole_or_by_target() {
    let kms = kms();
    let ran = run_on(&kms, MANIFEST, &["apply"], Some("p\nt\nt\nyes\n")).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    assert_eq!(ran.err.matches("Digest sha256:").count(), 1, "shown again, whole: {}", ran.err);
    assert_eq!(ran.err.matches("Target 1 of 1.").count(), 2, "{}", ran.err);
    assert_eq!(ran.err.matches("  + alias/app/new").count(), 3, "{}", ran.err);
    assert_eq!(ran.err.matches("Type yes to go on").count(), 4, "{}", ran.err);
    assert!(!ran.err.contains("t one target"), "there is but one: {}", ran.err);
    assert!(!ran.err.contains("t shows the next"), "there is but one: {}", ran.err);
    assert!(kms.truth().contains(&("alias/app/moved".to_owned(), B.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn whatever_else_is_typed_still_declines() {
    for typed in ["P\n", "pt\n", "p\nno\n", "t\n\n", "p"] {
        let kms = kms();
        let ran = run_on(&kms, MANIFEST, &["apply"], Some(typed)).await;
        assert_eq!(
            (ran.exit, kms.calls_to("UpdateAlias").len()),
            (Exit::Refused, 0),
            "{typed:?}: {}",
            ran.err
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_mistyped_is_asked_again_and_not_for_ever() {
    for (typed, asked, exit) in [
        ("y\nyes\n", 2, Exit::Success),
        ("y\nYES\nyes\n", 3, Exit::Success),
        ("y\nY\n1\nyes\n", 3, Exit::Refused),
        ("no\nyes\n", 1, Exit::Refused),
    ] {
        let kms = kms();
        let ran = run_on(&kms, MANIFEST, &["apply"], Some(typed)).await;
        assert_eq!((ran.exit, ran.err.matches("Type yes").count()), (exit, asked), "{typed:?}: {}", ran.err);
        assert_eq!(kms.calls_to("UpdateAlias").is_empty(), exit == Exit::Refused, "{typed:?}");
        let told = ran.err.contains("\"y\" is not \"yes\": type yes, or no to leave it.");
        assert_eq!(told, typed.starts_with('y'), "{}", ran.err);
    }
}

#[test]
fn each_line_of_stderr_is_an_object_where_that_is_asked() {
    let folder = with_manifest(include_str!("../../aliases.yaml"));
    let ran = ran(
        folder.path(),
        &["apply", "--sandbox", "-y", "-v", "--log-format", "json", "--receipt", "r.jsonl"],
    );
    let lines: Vec<Value> =
        text(&ran.stderr).lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let requests: Vec<_> = lines.iter().filter(|line| line["message"] == "answered").collect();
    assert!(requests.len() >= 5, "{}", text(&ran.stderr));
    for line in &requests {
        assert!(line["request_id"].is_string() && line["operation"].is_string(), "{line}");
        assert!(line["status"].is_number() && line["spans"][0]["of"].is_string(), "{line}");
    }
    let of = |operation| requests.iter().filter(move |line| line["operation"] == operation);
    assert!(of("CreateAlias").count() > 0 && of("DescribeKey").count() > 0, "{}", text(&ran.stderr));
    assert!(
        of("CreateAlias").all(|line| line["alias"].is_string() && line["key"].is_string()),
        "{requests:?}"
    );
    assert!(
        of("DescribeKey").all(|line| line["alias"].is_string() != line["key"].is_string()),
        "{requests:?}"
    );
    for line in &lines {
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    }
    let bad = with_manifest("version: 1\nscope: [alias/app/]\naliases: {alias/app/x: nonsense}\n");
    let failed = self::ran(bad.path(), &["validate", "--log-format", "json"]);
    let lines: Vec<Value> =
        text(&failed.stderr).lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!((lines.len(), failed.status.code()), (2, Some(3)), "{lines:?}");
    assert!(lines.iter().all(|line| line["level"] == "ERROR"), "{lines:?}");
    assert!(lines[0]["code"].is_string() && lines[0]["hint"].is_string(), "{}", lines[0]);
    let usage = self::ran(bad.path(), &["plan", "--nonsense", "--log-format", "json"]);
    let line: Value = serde_json::from_str(text(&usage.stderr)).expect("it is one line");
    assert_eq!(
        (&line["message"], &line["level"]),
        (&"unexpected argument '--nonsense' found".into(), &"ERROR".into())
    );
    assert!(line["hint"].is_string(), "{line}");
}
