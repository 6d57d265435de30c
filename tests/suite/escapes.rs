//! Texts that are not ours, in every place that one can get into: nothing of them acts on a terminal, starts a line of its own,
//! or is a command to the runner of a CI job, whatever command shows them and in whatever form.

use std::io::Write as _;
use std::path::Path;

use kms_alias::sandbox::{Effect, ErrorPlan, Fault, Key, Request, Scenario, World};
use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempDir};

use crate::fake::{A, ACCOUNT, B, C, FakeConnect, FakeKms, REGION, home, world};
use crate::git::{Repository, search_path};
use crate::process::{kms_alias, text, with_manifest};
use crate::ran::{Ran, run_args, run_on};

/// Colours, a hyperlink, the clipboard, a bell, lines that say what is not so, commands to runners, text that runs backwards or is
/// not seen, the 8-bit forms of all that, and what Markdown takes for code
const HOSTILE: &str = "a\u{1b}[31mb\u{1b}[8mc\u{1b}]8;;http://x\u{7}d\u{1b}]52;c;aGk=\u{7}e\r\nFORGED\n::error::FORGED\n\
    ##[add-mask]f ##vso[task.x]g\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{200b}\u{200d}\
    \u{feff}\u{85}::warning::FORGED\u{2028}FORGED\u{2029}FORGED\u{9b}31mh\u{7f}\u{8}\u{b}\u{c}`i` %0A::error::FORGED";

/// What it is about, and what a person or a job was shown
fn assert_tame(what: &str, shown: &str) {
    for c in shown.chars() {
        let tame = c == '\n' || !(c.is_control() || is_unseen(c));
        assert!(tame, "{what} shows a raw {c:?}:\n{shown:?}");
    }
    for line in shown.lines().map(str::trim_start) {
        assert!(!line.starts_with("FORGED"), "{what} lets a line break through:\n{shown}");
        assert!(!line.starts_with("::"), "{what} has a command of GitHub's:\n{shown}");
    }
    for command in ["##[", "##vso["] {
        assert!(!shown.contains(command), "{what} has a command of a runner's:\n{shown}");
    }
}

/// By the ranges of Unicode's tables, since the program asks the standard library
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn assert_tame_run(what: &str, ran: &Ran, said: &str) {
    assert!(
        ran.out.contains(said) || ran.err.contains(said),
        "{what} does not show it:\n{}{}",
        ran.out,
        ran.err
    );
    assert_tame(what, &ran.out);
    assert_tame(what, &ran.err);
    if ran.out.starts_with('{') {
        serde_json::from_str::<Value>(&ran.out)
            .unwrap_or_else(|e| panic!("{what} is no JSON: {e}\n{}", ran.out));
    }
}

/// Runs a command in every form, and looks for a part of the text as well, so that what is tame is not only silent
async fn assert_all_forms(kms: impl Fn() -> FakeKms, manifest: &str, args: &[&str]) {
    for form in ["text", "json"] {
        let args = [args, &["-o", form]].concat();
        let ran = run_on(&kms(), manifest, &args, None).await;
        assert_tame_run(&args.join(" "), &ran, "FORGED");
    }
    let diff = run_on(&kms(), manifest, &[args, &["-o", "diff"]].concat(), None).await;
    assert_tame_run(&format!("{args:?} as a diff"), &diff, "");
}

/// The forms of what a command prints that a person or a job may be shown
fn forms(command: &str) -> &'static [&'static str] {
    if matches!(command, "explain" | "doctor") { &["text", "json"] } else { &["text", "json", "diff"] }
}

fn manifest(wants: &[(&str, &str)]) -> String {
    let lines: String = wants.iter().map(|(name, want)| format!("  alias/app/{name}: {want}\n")).collect();
    format!("version: 1\nscope: [alias/app/]\naliases:\n{lines}")
}

/// A value as YAML takes it whole
fn quoted(value: impl Into<Value>) -> String {
    let plain = |c: char| matches!(c, ' '..='~');
    let escaped = |c: char| if plain(c) { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) };
    value.into().to_string().chars().map(escaped).collect()
}

fn hostile_world() -> World {
    let mut world = world(&[("alias/app/moved", A), ("alias/app/gone", C), ("alias/app/unmanaged", A)]);
    for id in [A, B, C] {
        world.put_key(&home(), Key::new(id).described(HOSTILE).tagged("app", HOSTILE));
    }
    world
}

fn kms() -> FakeKms {
    FakeKms::new(hostile_world(), Scenario::default())
}

#[tokio::test(start_paused = true)]
async fn descriptions_and_tags_of_keys() {
    let new = [("moved", B), ("gone", "absent"), ("new", A)];
    let cut: String = HOSTILE.chars().take(20).collect();
    assert!(!cut.contains("FORGED"), "the plan shows the beginning of a description");
    for form in ["text", "json", "diff"] {
        for args in [&["plan", "-o", form][..], &["apply", "-y", "-o", form]] {
            assert_tame_run(&args.join(" "), &run_on(&kms(), &manifest(&new), args, None).await, "moved");
        }
    }
    for form in forms("explain") {
        let explained =
            run_on(&kms(), &manifest(&new), &["explain", "alias/app/moved", "-o", form], None).await;
        assert_tame_run("explain", &explained, "moved");
    }
    let selected =
        format!("{{key: {{tags: {{app: {}}}}}, description: {}}}", quoted(HOSTILE), quoted(HOSTILE));
    let described = format!("{{key: {{description: {}}}}}", quoted(HOSTILE));
    for want in [selected, described] {
        for args in [&["plan"][..], &["explain", "alias/app/moved"]] {
            assert_all_forms(kms, &manifest(&[("moved", &want)]), args).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_words_of_the_service() {
    let denied =
        format!("User: {HOSTILE} is not authorized to perform: kms:{HOSTILE} on resource: {HOSTILE}");
    for (code, message) in
        [("AccessDeniedException", &*denied), ("ValidationException", HOSTILE), (HOSTILE, "FORGED")]
    {
        for operation in ["ListAliases", "DescribeKey", "GetCallerIdentity", "CreateAlias", "UpdateAlias"] {
            let error = ErrorPlan { code: code.to_owned(), message: message.to_owned(), status: 400 };
            let faults = vec![Fault::new(operation, Effect::Error(error))];
            let kms =
                || FakeKms::new(hostile_world(), Scenario { faults: faults.clone(), ..Scenario::default() });
            let manifest = manifest(&[("moved", B), ("new", A)]);
            let writing = operation.ends_with("teAlias");
            let commands = [&["plan"][..], &["doctor"], &["explain", "alias/app/moved"], &["apply", "-y"]];
            for args in commands.into_iter().filter(|args| !writing || args[0] == "apply") {
                // What a command has no need to ask, it has no error of.
                let said =
                    if writing || operation == "ListAliases" && args[0] != "doctor" { "FORGED" } else { "" };
                for form in forms(args[0]) {
                    let ran = run_on(&kms(), &manifest, &[args, &["-o", form]].concat(), None).await;
                    assert_tame_run(&format!("{args:?} {operation} {form}"), &ran, said);
                    ran.receipt.iter().for_each(|receipt| assert_eq!(receipt.matches("\nFORGED").count(), 0));
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn policies() {
    let statement = json!({"Sid": HOSTILE, "Effect": "Allow", "Principal": {"AWS": [HOSTILE, format!("arn:aws:iam::1:{HOSTILE}")]},
        "Action": [format!("kms:{HOSTILE}"), "kms:Decrypt"], "Resource": "*",
        "Condition": {"StringEquals": {"kms:RequestAlias": ["alias/app/moved", HOSTILE], HOSTILE: HOSTILE}}});
    let odd =
        json!({"Sid": "FORGED", "Effect": HOSTILE, "Condition": {HOSTILE: {"kms:RequestAlias": HOSTILE}}});
    let policy = json!({"Version": "2012-10-17", "Statement": [statement, odd]});
    let kms = || {
        let kms = kms();
        for key in [A, B] {
            let input = json!({"KeyId": key, "PolicyName": "default", "Policy": policy.to_string()});
            let request =
                Request { caller: ACCOUNT, region: REGION, operation: "PutKeyPolicy", input: &input };
            kms.service().world_mut().call(kms.at(), &request).unwrap();
        }
        kms
    };
    let named = json!({"RoleDetailList": [{"Arn": HOSTILE, "RolePolicyList": [{"PolicyName": HOSTILE, "PolicyDocument": policy}]}]});
    let broken = json!({"RoleDetailList": [{"Arn": HOSTILE, "RolePolicyList": [{"PolicyName": HOSTILE, "PolicyDocument": HOSTILE}]}]});
    let manifest = manifest(&[("moved", B)]);
    for content in [&policy, &named, &broken] {
        let file = NamedTempFile::new().unwrap();
        file.as_file().write_all(content.to_string().as_bytes()).unwrap();
        let path = file.path().to_str().unwrap();
        for args in [&["plan", "--access"][..], &["plan", "--access", "--access-policy", path]] {
            assert_all_forms(kms, &manifest, args).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn manifests_that_are_wrong() {
    let escaped = quoted(HOSTILE);
    let good = manifest(&[("moved", B)]);
    let mut wrong: Vec<String> = [HOSTILE, &escaped]
        .iter()
        .flat_map(|text| {
            [
                format!("{good}{text}: 1\n"),
                format!("{good}  {text}: absent\n"),
                format!("{good}  alias/app/x: {text}\n"),
                format!("{good}  alias/app/x: {{key: {text}}}\n"),
                format!("{good}  alias/app/x: {{{text}: y}}\n"),
                format!("{good}x-y: *{text}\n"),
                format!("{good}x-y: !{text} z\n"),
                format!("{good}# {text}\nx-y: [\n"),
                format!("{good}ignore: [{text}]\nprotect: {text}\nrequired_version: {text}\n"),
                format!(
                    "{good}targets: {{{text}: {{account: {text}, regions: [{text}], profile: {text}}}}}\n"
                ),
                format!("{good}roles: {{plan: {text}, apply: {text}}}\n"),
                format!("scope: [{text}]\n{good}"),
                text.to_string(),
            ]
        })
        .collect();
    wrong.push(format!(
        "{good}targets: {{a: {{account: \"{ACCOUNT}\", region: us-east-1, groups: [{escaped}]}}}}\n"
    ));
    let mut refused = 0;
    for manifest in &wrong {
        for form in ["text", "json"] {
            let ran = run_on(&kms(), manifest, &["validate", "-o", form], None).await;
            assert_tame_run(manifest, &ran, "");
            refused += usize::from(ran.exit.code() == 3);
        }
        let coloured = run_on(&kms(), manifest, &["validate", "--color", "always"], None).await;
        let plain =
            coloured.err.split('\u{1b}').map(|part| part.split_once('m').map_or(part, |(_, rest)| rest));
        assert_tame(manifest, &plain.collect::<String>());
    }
    assert_eq!(refused, 2 * wrong.len(), "each of them is wrong");
}

/// A file's name may hold anything but a slash.
#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn names_of_files() {
    let name = HOSTILE.replace('/', "|");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(&name);
    let kms = kms();
    let ran = async |args: &[&str]| run_args(|_| FakeConnect(kms.clone()), args, None).await;
    let file = path.to_str().unwrap();
    for args in [
        &["plan", "-f", file][..],
        &["show", file],
        &["revert", file],
        &["plan", "--sandbox", "--scenario", file],
        &["validate", "-f", file, "-o", "json"],
    ] {
        assert_tame_run(&format!("{:?}", args[0]), &ran(args).await, "FORGED");
    }
    std::fs::create_dir(&path).unwrap();
    assert_tame_run("an empty directory", &ran(&["plan", "-f", file]).await, "FORGED");
    let inner = path.join(format!("{}.yaml", &name[..name.floor_char_boundary(200)]));
    std::fs::write(&inner, manifest(&[("moved", B), ("gone", "absent")])).unwrap();
    for form in ["text", "json", "diff"] {
        let planned = ran(&["plan", "-f", file, "-o", form]).await;
        assert_eq!(planned.exit.code(), 0, "{}", planned.err);
        assert_tame_run("a plan", &planned, "moved");
    }
    for form in forms("explain") {
        let explained = ran(&["explain", "alias/app/moved", "-f", file, "-o", form]).await;
        assert_tame_run("explain", &explained, "moved");
    }
    std::fs::write(&inner, "version: 1\nscope: 7\n").unwrap();
    assert_tame_run("an invalid file", &ran(&["plan", "-f", file]).await, "FORGED");
    let (receipt, good) = (path.join("receipt"), folder.path().join("good.yaml"));
    std::fs::write(&good, manifest(&[("moved", B)])).unwrap();
    let (receipt, good) = (receipt.to_str().unwrap(), good.to_str().unwrap());
    for _ in ["it is there afterwards", "it cannot be overwritten"] {
        let applied = ran(&["apply", "-y", "-f", good, "--receipt", receipt]).await;
        assert_tame_run("a receipt", &applied, "");
        kms.service().world_mut().put_alias(&home(), "alias/app/moved", Some(A), 0);
    }
}

/// The strings that a reader of the receipt decides by
const STRUCTURE: [&str; 6] = ["event", "kind", "format_version", "answer", "actions", "outcome"];

fn hostile(value: &mut Value, key: &str) {
    match value {
        Value::String(_) if !STRUCTURE.contains(&key) => *value = HOSTILE.into(),
        Value::Array(items) => items.iter_mut().for_each(|item| hostile(item, key)),
        Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| hostile(value, key)),
        _ => {}
    }
}

#[tokio::test(start_paused = true)]
async fn receipts() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("receipt.jsonl");
    let (file, kms) = (path.to_str().unwrap(), kms());
    let lines = include_str!("receipts/whole.jsonl").lines();
    let values = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut all = String::new();
    for mut value in values {
        let target = value["target"].as_str().map(|name| format!("{HOSTILE}{name}"));
        hostile(&mut value, "");
        // No two targets have one name.
        target.into_iter().for_each(|name| value["target"] = name.into());
        all += &(value.to_string() + "\n");
    }
    let first = &all[..=all.find('\n').unwrap()];
    let odd =
        json!({"time": "t", "event": "outcome", "target": HOSTILE, "alias": HOSTILE, "outcome": HOSTILE})
            .to_string();
    let late =
        first.replace("\"format_version\":\"1.0\"", &format!("\"format_version\":{}", quoted(HOSTILE)));
    for receipt in
        [all.clone(), format!("{first}{odd}\n"), late, format!("{first}{{\"event\":{}}}\n", quoted(HOSTILE))]
    {
        std::fs::write(&path, &receipt).unwrap();
        for form in ["text", "json"] {
            let shown = run_args(|_| FakeConnect(kms.clone()), &["show", file, "-o", form], None).await;
            assert_tame_run("show", &shown, "");
        }
        assert_tame_run(
            "revert",
            &run_on(&kms, &manifest(&[("moved", B)]), &["revert", file, "-y"], None).await,
            "",
        );
    }
    std::fs::write(&path, all).unwrap();
    let shown = run_args(|_| FakeConnect(kms.clone()), &["show", file], None).await;
    assert!(shown.exit.code() == 0 && shown.out.contains("FORGED"), "{}", shown.err);
}

#[tokio::test(start_paused = true)]
async fn arguments() {
    let manifest = manifest(&[("moved", B)]);
    let flag = format!("--{HOSTILE}");
    for args in [
        &["plan", "-t", HOSTILE][..],
        &["doctor", "-t", HOSTILE],
        &["explain", HOSTILE],
        &["explain", "alias/app/moved", "-t", HOSTILE],
        &["iam-policy", "--for", "plan", "-t", HOSTILE],
        &["iam-policy", "--for", "plan", "--account", HOSTILE],
        &["plan", HOSTILE],
        &["plan", &flag],
        &[HOSTILE],
        &["plan", "-o", HOSTILE],
        &["plan", "--alias", "alias/[", "--exclude-alias", HOSTILE],
        &["plan", "--sandbox", "--fault", HOSTILE],
        &["plan", "--sandbox", "--fault", "{FORGED: \"\u{1b}[31m\u{85}::error::x\"}"],
    ] {
        assert_tame_run(&format!("{args:?}"), &run_on(&kms(), &manifest, args, None).await, "");
    }
    let repository = Repository::with(&manifest);
    let file = repository.file("aliases.yaml");
    let kms = kms();
    let based =
        run_args(|_| FakeConnect(kms.clone()), &["plan", "--base-ref", HOSTILE, "-f", &file], None).await;
    assert_tame_run("--base-ref", &based, "FORGED");
}

fn assert_tame_process(directory: &Path, args: &[&str], said: &str) {
    let output =
        kms_alias(directory, args).env("PATH", search_path()).env("AWS_PROFILE", HOSTILE).output().unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(out.contains(said) || err.contains(said), "{args:?}: {out}{err}");
    assert_tame(&format!("{args:?} on stdout"), out);
    assert_tame(&format!("{args:?} on stderr"), err);
}

#[test]
fn logs_profiles_and_files_of_the_sandbox() {
    let directory = with_manifest(&manifest(&[("new", "bbbb2222-0000-4000-8000-000000002026")]));
    let path = |name: &str| directory.path().join(name);
    let fault = json!({"faults": [{"operation": "ListAliases", "effect": {"error": {"code": "FORGED", "message": HOSTILE}}}]});
    std::fs::write(path("scenario.yaml"), quoted(fault)).unwrap();
    std::fs::write(path("bad.yaml"), quoted(json!({HOSTILE: 1}))).unwrap();
    std::fs::write(path("state.json"), json!({"format_version": "1.0", HOSTILE: "FORGED"}).to_string())
        .unwrap();
    for (args, said) in [
        (&["plan", "--sandbox", "--scenario", "scenario.yaml", "-vv"][..], "FORGED"),
        (&["plan", "--sandbox", "--scenario", "bad.yaml"], "FORGED"),
        (&["plan", "--sandbox=state.json"], "FORGED"),
        (&["plan", "--profile", HOSTILE, "-v"], ""),
        (&["plan", "-v"], ""),
        (&["plan", "--endpoint-url", HOSTILE, "--region", "us-east-1"], ""),
        (&["plan", "--region", HOSTILE], ""),
    ] {
        assert_tame_process(directory.path(), args, said);
    }
}
