//! The real program as a process: exit codes, streams, signals, a broken pipe, and the real SDK on loopback.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use kms_alias::sandbox::Scenario;
use tempfile::TempDir;

use crate::fake::{ACCOUNT, B, REGION, world};
use crate::loopback::Site;

/// `kms-alias ARGS` in `directory`, with nothing of this machine's environment
pub fn kms_alias(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kms-alias"));
    command.args(args).current_dir(directory).env_clear();
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", directory);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub fn ran(directory: &Path, args: &[&str]) -> Output {
    kms_alias(directory, args).output().unwrap()
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A directory with the canonical manifest
fn directory() -> TempDir {
    with_manifest(include_str!("../../aliases.yaml"))
}

pub fn with_manifest(manifest: &str) -> TempDir {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("aliases.yaml"), manifest).unwrap();
    directory
}

/// Eight seconds of creates at the service's rate
fn forty_creates() -> TempDir {
    let mut manifest = "version: 1\nscope: [alias/app/]\naliases:\n".to_owned();
    for i in 0..40 {
        writeln!(manifest, "  alias/app/new/{i:03}: bbbb2222-0000-4000-8000-000000002026").unwrap();
    }
    with_manifest(&manifest)
}

#[test]
fn the_readmes_main_command_plans_applies_and_converges_on_the_sandbox() {
    let directory = directory();
    let first = ran(directory.path(), &["apply", "--sandbox=world.json", "-y"]);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    assert!(text(&first.stdout).contains("converged after"), "{}", text(&first.stdout));
    let second = ran(directory.path(), &["apply", "--sandbox=world.json", "-y"]);
    assert!(
        text(&second.stdout).ends_with("No changes. 10 in sync, 3 unmanaged.\n"),
        "{}",
        text(&second.stdout)
    );
    let fresh = ran(directory.path(), &["plan", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(fresh.status.code(), Some(2), "without a file the sandbox starts anew");
}

#[test]
fn the_readmes_plan_is_a_real_one() {
    let readme = include_str!("../../README.md");
    let block = readme.split("```console\n$ kms-alias plan --sandbox\n").nth(1).unwrap();
    let shown = block.split("```").next().unwrap();
    assert_eq!(shown, text(&ran(directory().path(), &["plan", "--sandbox"]).stdout));
}

#[test]
fn every_exit_code_has_its_cause() {
    let directory = directory();
    std::fs::write(directory.path().join("bad.yaml"), "version: 1\n").unwrap();
    for (code, args) in [
        (0, &["validate"][..]),
        (0, &["--version"]),
        (0, &["plan", "--sandbox"]),
        (1, &["plan", "--endpoint-url", "http://127.0.0.1:1", "--region", "us-east-1"]),
        (1, &["plan", "--sandbox", "--fault", "ListAliases=access-denied"]),
        (2, &["plan", "--sandbox", "--detailed-exitcode"]),
        (3, &["plan", "--sandbox", "-f", "bad.yaml"]),
        (3, &["validate", "-f", "missing.yaml"]),
        (4, &["apply", "--sandbox"]),
        (6, &["apply", "--sandbox", "-y", "--fault", "UpdateAlias=access-denied"]),
        (64, &["plan", "--sandbx"]),
        (64, &[]),
    ] {
        let ran = ran(directory.path(), args);
        assert_eq!(ran.status.code(), Some(code), "{args:?}: {}{}", text(&ran.stdout), text(&ran.stderr));
    }
}

#[test]
fn manual_pages_have_the_day_of_the_environment_that_packs_them() {
    let directory = directory();
    let page = kms_alias(directory.path(), &["man"]).env("SOURCE_DATE_EPOCH", "1795392000").output().unwrap();
    assert!(text(&page.stdout).contains(".TH kms-alias 1 2026-11-23 "), "{}", text(&page.stdout));
    let undated = ran(directory.path(), &["man"]);
    assert!(text(&undated.stdout).contains(".TH kms-alias 1 \"\" "), "{}", text(&undated.stdout));
}

#[test]
fn stdout_carries_the_plan_and_nothing_else() {
    let directory = directory();
    let plan = ran(directory.path(), &["plan", "--sandbox", "-q"]);
    assert!(text(&plan.stdout).starts_with("dev/444455556666/us-east-1\n") && plan.stderr.is_empty());
    assert!(!plan.stdout.contains(&0x1b), "no colours where nobody looks");
    let coloured = ran(directory.path(), &["plan", "--sandbox", "--color", "always"]);
    assert!(coloured.stdout.contains(&0x1b));
    let forced =
        kms_alias(directory.path(), &["plan", "--sandbox"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(forced.stdout.contains(&0x1b));
    let both = kms_alias(directory.path(), &["plan", "--sandbox"])
        .env("FORCE_COLOR", "1")
        .env("NO_COLOR", "1")
        .output();
    assert!(!both.unwrap().stdout.contains(&0x1b));
    let invalid = ran(directory.path(), &["plan", "--sandbox", "-f", "missing.yaml"]);
    assert!(invalid.stdout.is_empty() && !invalid.stderr.is_empty());
}

#[test]
fn verbose_shows_every_request_on_stderr_and_changes_nothing_on_stdout() {
    let directory = directory();
    let plain = ran(directory.path(), &["plan", "--sandbox"]);
    let verbose = ran(directory.path(), &["plan", "--sandbox", "-v"]);
    assert_eq!(plain.stdout, verbose.stdout);
    assert_eq!(
        text(&verbose.stderr).matches("operation=\"ListAliases\"").count(),
        3,
        "{}",
        text(&verbose.stderr)
    );
}

#[test]
fn two_runs_give_the_same_bytes() {
    let directory = directory();
    for form in ["text", "diff", "json", "markdown"] {
        let plan = || ran(directory.path(), &["plan", "--sandbox", "-o", form]).stdout;
        assert_eq!(plan(), plan(), "{form}");
    }
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let directory = directory();
    for args in
        [&["plan", "--sandbox", "-q"][..], &["validate"], &["--help"], &["apply", "--sandbox", "-y", "-q"]]
    {
        let mut child = kms_alias(directory.path(), args).spawn().unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn a_reader_who_has_seen_enough_makes_no_error_and_no_drift_a_success() {
    let directory = directory();
    std::fs::write(directory.path().join("bad.yaml"), "version: 1\n").unwrap();
    assert_eq!(ran(directory.path(), &["plan", "--sandbox", "--out", "saved.json"]).status.code(), Some(0));
    let unread = ["--sandbox", "--fault", "ListAliases=access-denied"];
    for (code, args) in [
        (2, &["drift", "--sandbox"][..]),
        (2, &["drift", "--sandbox", "-o", "ndjson"]),
        (2, &["plan", "--sandbox", "--detailed-exitcode"]),
        (1, &[&["plan"][..], &unread].concat()),
        (1, &[&["plan", "-o", "json"][..], &unread].concat()),
        (1, &[&["doctor"][..], &unread].concat()),
        (1, &[&["explain", "alias/app/billing/db"][..], &unread].concat()),
        (1, &[&["apply", "-y"][..], &unread].concat()),
        (3, &["validate", "-f", "bad.yaml", "-o", "json"]),
        (3, &["iam-policy", "--for", "plan", "-f", "bad.yaml", "-o", "json"]),
        (3, &["show", "bad.yaml", "-o", "json"]),
        (4, &["apply", "--sandbox"]),
        (6, &["apply", "--sandbox", "-y", "--fault", "UpdateAlias=access-denied"]),
        (0, &["validate", "-o", "json"]),
        (0, &["show", "saved.json"]),
        (0, &["explain", "decrypt-by-name"]),
    ] {
        let mut command = kms_alias(directory.path(), args);
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let ran = child.wait_with_output().unwrap();
        assert_eq!(ran.status.code(), Some(code), "{args:?}: {}", text(&ran.stderr));
        assert!(!text(&ran.stderr).contains("pipe"), "{args:?}: {}", text(&ran.stderr));
    }
}

/// Takes nothing that is written to it
#[cfg(target_os = "linux")]
const FULL: &str = "/dev/full";

#[cfg(target_os = "linux")]
#[test]
fn a_stdout_that_takes_nothing_is_told_as_such() {
    let directory = directory();
    for args in [
        &["plan", "--sandbox"][..],
        &["drift", "--sandbox"],
        &["drift", "--sandbox", "-o", "ndjson"],
        &["validate"],
        &["explain", "decrypt-by-name"],
        &["doctor", "--sandbox"],
        &["apply", "--sandbox"],
        &["--help"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open(FULL).unwrap();
        let ran = kms_alias(directory.path(), args).stdout(full).output().unwrap();
        let told = "error: failed to write to stdout: No space left on device (os error 28)\n";
        assert_eq!(ran.status.code(), Some(1), "{args:?}: {}", text(&ran.stderr));
        assert!(text(&ran.stderr).contains(told), "{args:?}: {}", text(&ran.stderr));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_stdout_does_not_take_tells_the_exit_code_that_the_program_ends_with() {
    let directory = directory();
    let full = std::fs::OpenOptions::new().write(true).open(FULL).unwrap();
    let args = ["apply", "--sandbox", "-y", "-q", "-o", "json"];
    let ran = kms_alias(directory.path(), &args).stdout(full).output().unwrap();
    assert_eq!(ran.status.code(), Some(1));
    let document = text(&ran.stderr).split_once('\n').unwrap().1;
    let document: serde_json::Value = serde_json::from_str(document).unwrap();
    assert_eq!(document["exit_code"], 1, "{document}");
}

#[test]
fn a_plan_that_cannot_be_saved_says_why_once_and_what_would_help() {
    let directory = directory();
    std::fs::create_dir(directory.path().join("taken")).unwrap();
    for (path, why) in [
        ("taken", "it is a directory, not a file"),
        ("nowhere/p.json", "No such file or directory (os error 2)"),
    ] {
        let ran = ran(directory.path(), &["plan", "--sandbox", "-q", "--out", path]);
        let hint = "hint: name a file that can be written with --out, and plan again\n";
        let told = format!("error: failed to save the plan to {path}: {why}\n{hint}");
        assert_eq!((ran.status.code(), text(&ran.stderr)), (Some(1), &*told));
    }
}

#[test]
fn a_reader_who_goes_away_before_the_writing_does_not_turn_it_into_nothing() {
    let directory = directory();
    let args = ["apply", "--sandbox=world.json", "-y"];
    let mut child = kms_alias(directory.path(), &args).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let after = ran_plan(directory.path());
    assert_eq!(after["summary"]["create"], 0, "success is told for what was done: {after}");
}

#[test]
fn a_manifest_can_come_from_stdin() {
    let directory = TempDir::new().unwrap();
    let mut child =
        kms_alias(directory.path(), &["validate", "-f", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"version: 1\nscope: [alias/app/]\naliases: {}\n").unwrap();
    let ran = child.wait_with_output().unwrap();
    assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(0), "Valid: 0 aliases in 1 target.\n"));
}

#[test]
fn an_unreachable_endpoint_is_told_with_its_cause_and_a_hint() {
    let directory = directory();
    let mut command =
        kms_alias(directory.path(), &["plan", "--endpoint-url", "http://127.0.0.1:1", "-t", "dev"]);
    command.env("AWS_ACCESS_KEY_ID", "444455556666").env("AWS_SECRET_ACCESS_KEY", "x");
    let ran = command.output().unwrap();
    let out = text(&ran.stdout);
    assert!(
        out.contains("failed to tell whose credentials these are: GetCallerIdentity: no answer: "),
        "{out}"
    );
    assert!(out.contains("hint  check the Region, --endpoint-url and the network"), "{out}");
    assert_eq!(out.matches("Connection refused").count(), 1, "the cause is told once: {out}");
}

#[test]
fn a_variable_stands_for_its_flag_an_empty_one_for_nothing_and_a_wrong_one_is_named() {
    let directory = directory();
    let with = |args: &[&str], name: &str, value: &str| {
        let ran = kms_alias(directory.path(), args).env(name, value).output().unwrap();
        (ran.status.code(), text(&ran.stdout).to_owned() + text(&ran.stderr))
    };
    let apply = |name, value| with(&["apply", "--sandbox", "-q"], name, value);
    for (name, value, exit) in [
        ("KMS_ALIAS_YES", "1", 0),
        ("KMS_ALIAS_YES", "yes", 0),
        ("KMS_ALIAS_YES", "0", 4),
        ("KMS_ALIAS_YES", "", 4),
        // An empty one would leave nothing out, and nothing to compare with.
        ("KMS_ALIAS_SHARD", "", 64),
        ("KMS_ALIAS_EXPECT_DIGEST", "", 5),
        ("KMS_ALIAS_BASE_REF", "", 64),
    ] {
        let (code, told) = apply(name, value);
        assert_eq!(code, Some(exit), "{name}={value}: {told}");
    }
    for (name, value) in [("KMS_ALIAS_FILE", ""), ("KMS_ALIAS_OUTPUT", ""), ("KMS_ALIAS_NO_INPUT", "yes")] {
        assert_eq!(with(&["plan", "--sandbox"], name, value).0, Some(0), "{name}");
    }
    for (name, value, words) in [
        ("KMS_ALIAS_YES", "maybe", "invalid value 'maybe' for 'KMS_ALIAS_YES (--yes)': write 1, true or yes"),
        ("KMS_ALIAS_SHARD", "2/2", "invalid value '2/2' for 'KMS_ALIAS_SHARD (--shard)': it has to be I/N"),
        ("KMS_ALIAS_OUTPUT", "jsn", "invalid value 'jsn' for 'KMS_ALIAS_OUTPUT (--output)'"),
    ] {
        let (code, told) = apply(name, value);
        assert!(code == Some(64) && told.contains(words), "{name}={value}: {told}");
    }
    let (_, told) = with(&["apply", "--shard", "3/2"], "KMS_ALIAS_YES", "1");
    assert!(told.contains("invalid value '3/2' for '--shard <I/N>'"), "{told}");
}

#[test]
fn a_profile_of_the_environment_that_is_not_there_is_refused_whatever_other_credentials_there_are() {
    let manifest =
        "version: 1\nscope: [alias/app/]\naliases: {alias/app/x: aaaa1111-0000-4000-8000-000000000001}\n";
    let site = Site::new(manifest, world(&[("alias/app/x", B)]), Scenario::default());
    let folder = site.directory.path();
    std::fs::create_dir(folder.join(".aws")).unwrap();
    std::fs::write(folder.join(".aws/config"), "[profile dev]\nregion = us-east-1\n").unwrap();
    let plan = |profile: &str, more: &[&str]| {
        let mut command = kms_alias(folder, &[&["plan", "--region", REGION][..], more].concat());
        command.env("AWS_ACCESS_KEY_ID", ACCOUNT).env("AWS_SECRET_ACCESS_KEY", "secret");
        command.env("AWS_ENDPOINT_URL", site.sandbox.endpoint_url()).env("AWS_PROFILE", profile);
        command.output().unwrap()
    };
    for profile in ["dev", ""] {
        let ran = plan(profile, &[]);
        assert_eq!(ran.status.code(), Some(0), "{profile}: {}{}", text(&ran.stdout), text(&ran.stderr));
    }
    let ran = plan("nope", &["--sandbox"]);
    assert!(text(&ran.stdout).contains("\nPlan: "), "{}{}", text(&ran.stdout), text(&ran.stderr));
    let ran = plan("nope", &[]);
    let told = text(&ran.stdout).to_owned() + text(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{told}");
    assert!(told.contains("find the profile \"nope\", which AWS_PROFILE names: neither"), "{told}");
}

#[test]
fn an_empty_endpoint_in_the_environment_is_none_and_as_a_flag_a_slip() {
    const NAMES: [&str; 4] =
        ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_IAM"];
    let manifest =
        "version: 1\nscope: [alias/app/]\naliases: {alias/app/x: aaaa1111-0000-4000-8000-000000000001}\n";
    let site = Site::new(manifest, world(&[("alias/app/x", B)]), Scenario::default());
    let plan = |args: &[&str]| {
        let mut command =
            kms_alias(site.directory.path(), &[&["plan", "--region", REGION][..], args].concat());
        command.env("AWS_ACCESS_KEY_ID", ACCOUNT).env("AWS_SECRET_ACCESS_KEY", "secret");
        command
    };
    for empty in NAMES {
        let mut command = plan(&["--access=iam"]);
        // Where the one for all is empty, each service has its own, and the other way round: AWS is never asked.
        NAMES.iter().filter(|name| **name == NAMES[0] || empty == NAMES[0]).for_each(|name| {
            command.env(name, site.sandbox.endpoint_url());
        });
        let ran = command.env(empty, "").output().unwrap();
        assert_eq!(ran.status.code(), Some(0), "{empty}: {}{}", text(&ran.stdout), text(&ran.stderr));
    }
    let empty = plan(&[]).env("KMS_ALIAS_ENDPOINT_URL", "").output().unwrap();
    for (ran, words) in [
        (empty, "it is empty; leave --endpoint-url and KMS_ALIAS_ENDPOINT_URL out"),
        (plan(&["--endpoint-url", ""]).output().unwrap(), "it is empty; leave --endpoint-url and KMS_ALIAS_"),
        (plan(&["--endpoint-url", "nonsense"]).output().unwrap(), "it is no URL; write it as https://"),
    ] {
        assert_eq!(ran.status.code(), Some(64), "{}", text(&ran.stderr));
        assert!(text(&ran.stderr).contains(words), "{}", text(&ran.stderr));
    }
}

#[test]
fn missing_credentials_are_told_as_such() {
    let directory = directory();
    let ran = ran(directory.path(), &["plan", "--endpoint-url", "http://127.0.0.1:1", "-t", "dev"]);
    let out = text(&ran.stdout);
    assert!(out.contains("no credentials") && out.contains("aws sts get-caller-identity"), "{out}");
}

const ROLES: &str = "\
version: 1
scope: [alias/app/]
roles:
  plan: arn:aws:iam::{account}:role/kms-alias-read
  apply: arn:aws:iam::{account}:role/kms-alias-write
targets:
  dev: {account: \"444455556666\", region: us-east-1}
aliases: {alias/app/new: dddd1111-0000-4000-8000-000000000001}
";

#[test]
fn the_plan_is_read_with_one_role_and_written_with_the_other() {
    let directory = with_manifest(ROLES);
    let plan = ran(directory.path(), &["plan", "--sandbox", "-o", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&plan.stdout).unwrap();
    let caller = document["targets"][0]["caller"].as_str().unwrap();
    assert!(caller.starts_with("arn:aws:sts::444455556666:assumed-role/kms-alias-read/"), "{caller}");
    let apply = ran(directory.path(), &["apply", "--sandbox", "-y"]);
    assert_eq!(apply.status.code(), Some(0), "{}{}", text(&apply.stdout), text(&apply.stderr));
}

#[test]
fn a_role_that_may_not_be_assumed_is_told_in_the_services_words() {
    let directory = with_manifest(ROLES);
    for (role, command, code) in [("read", &["plan"][..], 1), ("write", &["apply", "-y"], 1)] {
        let fault =
            format!("{{operation: AssumeRole, role: 'arn:*/kms-alias-{role}', effect: access-denied}}");
        let ran = ran(directory.path(), &[command, &["--sandbox", "--fault", &fault]].concat());
        let out = text(&ran.stdout);
        assert_eq!(ran.status.code(), Some(code), "{out}");
        let told = "the role cannot be assumed: AccessDeniedException: User: ";
        assert!(out.contains(told) && out.contains("sts:AssumeRole") && !out.contains("Error {"), "{out}");
    }
}

/// Waits until the apply says how far it is
fn wait_for_progress(child: &mut Child) -> String {
    let stderr = BufReader::new(child.stderr.take().unwrap());
    stderr
        .lines()
        .map(Result::unwrap)
        .find(|line| line.starts_with("applying creates and retargets: "))
        .unwrap()
}

pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[cfg(unix)]
#[test]
fn one_signal_finishes_what_is_under_way_and_reports_it() {
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let directory = forty_creates();
        let args = ["apply", "--sandbox=world.json", "-y", "-o", "json", "--latency", "50ms"];
        let mut child = kms_alias(directory.path(), &args).spawn().unwrap();
        wait_for_progress(&mut child);
        signal(&child, name);
        let ran = child.wait_with_output().unwrap();
        assert_eq!(ran.status.code(), Some(code));
        let document: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(document["exit_code"], code);
        let summary = &document["report"]["summary"];
        let (created, rest) =
            (summary["created"].as_u64().unwrap(), summary["not_attempted"].as_u64().unwrap());
        assert!(created > 0 && rest > 0 && created + rest == 40, "{summary}");
        let after = ran_plan(directory.path());
        assert_eq!(after["summary"]["in_sync"].as_u64(), Some(created), "what is reported is what is there");
    }
}

fn ran_plan(directory: &Path) -> serde_json::Value {
    serde_json::from_slice(&ran(directory, &["plan", "--sandbox=world.json", "-o", "json"]).stdout).unwrap()
}

#[cfg(unix)]
#[test]
fn a_second_signal_does_not_wait() {
    let directory = forty_creates();
    let args = ["apply", "--sandbox", "-y", "--fault", "{operation: CreateAlias, after: 4, effect: silent}"];
    let mut child = kms_alias(directory.path(), &args).spawn().unwrap();
    wait_for_progress(&mut child);
    signal(&child, "-INT");
    // The call under way gets no answer, so the first signal alone would wait for its time-out.
    while child.try_wait().unwrap().is_none() {
        signal(&child, "-INT");
        std::thread::yield_now();
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn the_endpoint_of_a_target_is_where_its_kms_is_asked_and_flag_and_environment_go_before_it() {
    let manifest = |endpoint: &str| {
        format!(
            "version: 1\nscope: [alias/app/]\ntargets:\n  prod: {{account: \"{ACCOUNT}\", region: {REGION}, endpoint_url: \
             \"{endpoint}\"}}\naliases: {{alias/app/x: {B}}}\n"
        )
    };
    let live = || world(&[("alias/app/x", B)]);
    let [kms, others] = [(); 2].map(|()| Site::new("", live(), Scenario::default()));
    let nowhere = "http://127.0.0.1:1";
    let plan = |endpoint: &str, variables: &[(&str, &str)], args: &[&str]| {
        let directory = with_manifest(&manifest(endpoint));
        let mut command = kms_alias(directory.path(), &[&["plan"][..], args].concat());
        command.env("AWS_ACCESS_KEY_ID", ACCOUNT).env("AWS_SECRET_ACCESS_KEY", "secret");
        let ran = command.envs(variables.iter().copied()).output().unwrap();
        assert_eq!(ran.status.code(), Some(0), "{}{}", text(&ran.stdout), text(&ran.stderr));
        let seen = (kms.requests(), others.requests());
        for site in [&kms, &others] {
            site.sandbox.with(|service| service.forget_calls());
        }
        seen
    };
    let (own, all) = (kms.sandbox.endpoint_url(), others.sandbox.endpoint_url());
    // One request tells who we are, which no endpoint of KMS can, and one lists.
    assert_eq!(plan(&own, &[("AWS_ENDPOINT_URL_STS", &all)], &[]), (1, 1));
    assert_eq!(plan(nowhere, &[("AWS_ENDPOINT_URL_STS", &all), ("AWS_ENDPOINT_URL_KMS", &own)], &[]), (1, 1));
    assert_eq!(plan(nowhere, &[("AWS_ENDPOINT_URL", &all)], &[]), (0, 2));
    assert_eq!(plan(nowhere, &[], &["--endpoint-url", &all]), (0, 2));
    let directory = with_manifest(&manifest(nowhere).replace(B, "bbbb2222-0000-4000-8000-000000002026"));
    let sandbox = ran(directory.path(), &["plan", "--sandbox"]);
    assert_eq!(sandbox.status.code(), Some(0), "{}", text(&sandbox.stdout));
}
