//! The real program, asked to stop over a real socket: what its receipt says then.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::process::{Command, Stdio};

use kms_alias::sandbox::{Key, Scenario};

use crate::fake::{A, home, world};
use crate::kills::{MAC, check, site, start, wait_until};
use crate::loopback::Site;
use crate::process::{kms_alias, signal, text, with_manifest};

#[test]
fn one_signal_finishes_the_calls_under_way_and_closes_the_receipt() {
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let site = site(0);
        site.sandbox.with(|service| service.play(Scenario::parse("latency: 100ms").unwrap()));
        let mut child = start(&site);
        wait_until(&mut child, || site.writes().len() >= 3);
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(code));
        let remains = check(&site, true);
        let history = remains.receipt.as_ref().unwrap();
        assert_eq!((history.exit_code, history.torn), (Some(code as u8), false));
        let traces = history.targets[0].names.values();
        let answers: Vec<_> = traces.flat_map(|trace| &trace.calls).map(|(_, answer)| answer).collect();
        assert!(answers.len() < 17 && answers.iter().all(|answer| answer.is_some()), "{answers:?}");
    }
}

#[test]
fn a_second_signal_leaves_the_call_under_way_to_the_next_run() {
    let site = site(0);
    let silent = "faults: [{operation: CreateAlias, after: 3, effect: silent, after_change: true}]";
    site.sandbox.with(|service| service.play(Scenario::parse(silent).unwrap()));
    let mut child = start(&site);
    let creates = || site.writes().iter().filter(|(operation, ..)| operation == "CreateAlias").count();
    wait_until(&mut child, || creates() >= 4);
    while child.try_wait().unwrap().is_none() {
        signal(&child, "-INT");
        std::thread::yield_now();
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let remains = check(&site, true);
    assert_eq!(remains.receipt.as_ref().unwrap().exit_code, None);
    assert!(remains.is_open(), "a call without an answer is not settled");
}

#[test]
fn one_signal_ends_a_command_that_waits_for_a_manifest_or_for_a_reader() {
    let mut names = "version: 1\nscope: [alias/app/]\naliases:\n".to_owned();
    for n in 0..2000 {
        writeln!(names, "  alias/app/{n:04}: bbbb2222-0000-4000-8000-000000002026").unwrap();
    }
    let manifest = with_manifest(&names);
    let stuck = [
        &["validate", "-f", "-"][..],
        &["iam-policy", "--for", "plan", "-f", "-"],
        // More than a pipe holds, and nobody reads it.
        &["plan", "--sandbox"],
        &["apply", "--sandbox", "-y"],
    ];
    for (args, (name, code)) in stuck.iter().zip([("-INT", 130), ("-TERM", 143)].into_iter().cycle()) {
        let mut child = kms_alias(manifest.path(), args).stdin(Stdio::piped()).spawn().unwrap();
        let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        // Once it has begun to read, or to print, it listens.
        match args.contains(&"-") {
            true => stdin.write_all(&b"# more than a pipe holds\n".repeat(10_000)).unwrap(),
            false => stdout.read_exact(&mut [0]).unwrap(),
        }
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{args:?}");
        drop((stdin, stdout));
    }
}

/// Six replacements, each of which deletes its name for a moment
const REPLACED: &str = "\
version: 1
scope: [alias/app/]
guards: {max_delete: 100%, max_update: 100%}
rates: {create: 100, update: 100, delete: 100}
aliases:
  alias/app/1: {key: ffff6666-0000-4000-8000-000000000006, replace: true}
  alias/app/2: {key: ffff6666-0000-4000-8000-000000000006, replace: true}
  alias/app/3: {key: ffff6666-0000-4000-8000-000000000006, replace: true}
  alias/app/4: {key: ffff6666-0000-4000-8000-000000000006, replace: true}
  alias/app/5: {key: ffff6666-0000-4000-8000-000000000006, replace: true}
  alias/app/6: {key: ffff6666-0000-4000-8000-000000000006, replace: true}
";

#[test]
fn a_limit_on_the_size_of_files_leaves_no_name_deleted_that_was_to_be_replaced() {
    let mut unwritten = 0;
    for blocks in 1..12 {
        let names: Vec<_> = (1..=6).map(|n| format!("alias/app/{n}")).collect();
        let pairs: Vec<_> = names.iter().map(|name| (&**name, A)).collect();
        let mut world = world(&pairs);
        world.put_key(&home(), Key::new(MAC).of_kind("HMAC_256", "GENERATE_VERIFY_MAC"));
        let site = Site::new(REPLACED, world, Scenario::default());
        let apply = site.kms_alias(&["apply", "-y", "--steady", "1", "--receipt", "receipt.jsonl"]);
        let ran = limited(&apply, blocks).output().unwrap();
        let (code, err) = (ran.status.code(), text(&ran.stderr));
        let done = site.truth().values().filter(|key| *key == MAC).count();
        assert_eq!(site.truth().into_keys().collect::<Vec<_>>(), names, "{blocks}: {code:?} {err}");
        let receipt = std::fs::read(site.path("receipt.jsonl")).unwrap_or_default();
        if receipt.len() < blocks * 1024 {
            assert_eq!((code, done), (Some(0), 6), "it fits into {blocks}: {err}");
            continue;
        }
        unwritten += 1;
        assert!(matches!(code, Some(1 | 6)), "{blocks}, {done} done: {code:?} {err}");
    }
    assert!(unwritten > 5, "no limit was reached");
}

/// The same command in a shell that lets no file grow beyond so many KiB
fn limited(command: &Command, blocks: usize) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["-c", "ulimit -f \"$0\" && exec \"$@\"", &blocks.to_string()]);
    shell.arg(command.get_program()).args(command.get_args()).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(command.get_current_dir().unwrap());
    shell
}
