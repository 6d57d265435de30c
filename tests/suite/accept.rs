//! `drift --write-config`: the manifest before and after, byte by byte. Whole commands on FakeKms.

use std::fs;
use std::path::Path;

use kms_alias::accept::files::{Revision, replace};
use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{Effect, Fault, Home, Key, KeyState, Scenario, World};
use tempfile::TempDir;

use crate::fake::{A, ACCOUNT, B, C, FakeConnect, FakeKms, REGION};
use crate::git::Repository;
use crate::ran::{Ran, run_args};

const WEST: &str = "us-west-2";

/// The three keys in both Regions, and these aliases in one of them each: Region, name, key by its letter
fn world(live: &[(&str, &str, &str)]) -> World {
    let mut world = World::default();
    for (region, id) in [REGION, WEST].into_iter().flat_map(|region| [A, B, C].map(|id| (region, id))) {
        world.put_key(&Home::new(ACCOUNT, region), Key::new(id).tagged("app", &id[..4]));
    }
    for (region, name, key) in live {
        world.put_alias(&Home::new(ACCOUNT, region), name, Some(&spelt(key)), 0);
    }
    world
}

fn kms(live: &[(&str, &str)]) -> FakeKms {
    let live: Vec<_> = live.iter().map(|(name, key)| (REGION, *name, *key)).collect();
    FakeKms::new(world(&live), Scenario::default())
}

/// Whole ids for `<A>`, `<B>` and `<C>`
fn spelt(text: &str) -> String {
    text.replace("<A>", A).replace("<B>", B).replace("<C>", C)
}

/// A folder with these files, and the command on it
async fn run_in(kms: &FakeKms, folder: &Path, args: &[&str]) -> Ran {
    let path = folder.to_str().unwrap();
    let ran = run_args(|_| FakeConnect(kms.clone()), &[args, &["-f", path]].concat(), None).await;
    let name = |text: String| text.replace(&format!("{path}/"), "").replace(path, "aliases.yaml");
    Ran { out: name(ran.out), err: name(ran.err), ..ran }
}

/// Accepts, and tells what became of each file; what is accepted is no drift any more
async fn accept_files(kms: &FakeKms, files: &[(&str, &str)], args: &[&str]) -> (Ran, Vec<String>) {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), spelt(text)).unwrap();
    }
    let ran = run_in(kms, folder.path(), &[&["drift", "--write-config"], args].concat()).await;
    let read = |(name, _): &(&str, &str)| fs::read_to_string(folder.path().join(name)).unwrap();
    let after = files.iter().map(read).collect();
    if ran.exit == Exit::Success {
        let again = run_in(kms, folder.path(), &[&["drift"], args].concat()).await;
        assert_eq!((again.exit, &*again.out), (Exit::Success, ""), "{}", again.err);
    }
    (ran, after)
}

async fn accept(kms: &FakeKms, manifest: &str, args: &[&str]) -> (Ran, String) {
    let (ran, mut after) = accept_files(kms, &[("aliases.yaml", manifest)], args).await;
    (ran, after.remove(0))
}

const HEAD: &str = "version: 1\nscope: [alias/app/]\n";

#[tokio::test(start_paused = true)]
async fn only_the_values_that_differ_change_in_every_style() {
    let kms = kms(&[
        ("alias/app/block", "<B>"),
        ("alias/app/flow", "<B>"),
        ("alias/app/quoted", "<B>"),
        ("alias/app/same", "<A>"),
        ("alias/app/single", "<B>"),
        ("alias/app/tagged", "<B>"),
        ("alias/app/tomb", "<C>"),
        ("alias/app/told", "<B>"),
    ]);
    let before = "# ours\naliases:\n  # first\n  alias/app/block:   <A>   # spaced\n  \
        alias/app/flow: {key: <A>, description: \"a, b\"}  # flow\n  \"alias/app/quoted\": \"<A>\"\n  \
        alias/app/gone: <A> # no more\n  alias/app/same: <A>\n\n  alias/app/single: '<A>'\n  \
        alias/app/tagged:\n    # by tag\n    key:   # which\n      tags:  # these\n        app: aaaa  # the team\n    \
        # below\n    description: tagged\n  alias/app/tomb: {absent: true}  # dead\n  alias/app/told:\n    \
        key: <A>\n    protect: [delete, retarget]\n# the end";
    let (ran, after) = accept(&kms, &format!("{HEAD}{before}"), &[]).await;
    let wanted = "# ours\naliases:\n  # first\n  alias/app/block:   <B>   # spaced\n  \
        alias/app/flow: {key: <B>, description: \"a, b\"}  # flow\n  \"alias/app/quoted\": \"<B>\"\n  \
        alias/app/gone: absent # no more\n  alias/app/same: <A>\n\n  alias/app/single: '<B>'\n  \
        alias/app/tagged:\n    # by tag\n    key:   # which\n      # these\n      <B>  # the team\n    \
        # below\n    description: tagged\n  alias/app/tomb: {key: <C>}  # dead\n  alias/app/told:\n    \
        key: <B>\n    protect: [delete, retarget]\n# the end";
    assert_eq!(after, spelt(&format!("{HEAD}{wanted}")), "{}{}", ran.out, ran.err);
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    let told = "\naccepted alias/app/block in default: aaaa1111 -> bbbb2222 (aliases.yaml:6)\n\
        accepted alias/app/flow in default: aaaa1111 -> bbbb2222 (aliases.yaml:7)\n\
        accepted alias/app/gone in default: aaaa1111 -> absent (aliases.yaml:9)\n";
    assert!(ran.out.contains(told), "{}", ran.out);
    assert!(
        ran.out.contains("\naccepted alias/app/tomb in default: absent -> cccc3333 (aliases.yaml:"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.ends_with(
            "\nAccepted all drift, 8 declarations: look at aliases.yaml before it is committed.\n"
        ),
        "{}",
        ran.out
    );
    assert_eq!(
        ran.err,
        "warning: alias/app/tagged in default: the id of a key takes the place of tags {app=aaaa}\n"
    );
}

#[tokio::test(start_paused = true)]
async fn other_line_ends_and_a_byte_order_mark_and_no_last_line_end_stay() {
    let kms = kms(&[("alias/app/a", "<B>"), ("alias/app/b", "<C>")]);
    let before =
        "\u{feff}version: 1\r\nscope: [alias/app/]\r\nprune: true\r\naliases:\r\n    alias/app/a: <A>";
    let (ran, after) = accept(&kms, before, &[]).await;
    let wanted = "\u{feff}version: 1\r\nscope: [alias/app/]\r\nprune: true\r\naliases:\r\n    alias/app/a: <B>\r\n    alias/app/b: <C>";
    assert_eq!((ran.exit, after), (Exit::Success, spelt(wanted)), "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn an_undeclared_name_is_declared_beside_its_neighbours_only_where_prune_would_delete_it() {
    let live = [("alias/app/b/one", "<A>"), ("alias/app/b/two", "<B>"), ("alias/other/x", "<A>")];
    let files = [
        ("a.yaml", "version: 1\nscope: [alias/app/]\nprune: true\naliases:\n  alias/app/a: absent\n"),
        ("b.yaml", "aliases:\n  # b\n  alias/app/b/one: <A>  # 1\n  # end of b\n"),
    ];
    let (ran, after) = accept_files(&kms(&live), &files, &[]).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    assert_eq!(after[0], files[0].1);
    assert_eq!(
        after[1],
        spelt("aliases:\n  # b\n  alias/app/b/one: <A>  # 1\n  alias/app/b/two: <B>\n  # end of b\n")
    );
    assert!(
        ran.out.contains("accepted alias/app/b/two in default: not declared -> bbbb2222 (b.yaml:4)"),
        "{}",
        ran.out
    );
    let unpruned = files[0].1.replace("prune: true\n", "");
    let (ran, after) = accept_files(&kms(&live), &[("a.yaml", &unpruned), files[1]], &[]).await;
    assert_eq!((ran.exit, &after[0]), (Exit::Success, &unpruned));
}

const FLEET: &str = "version: 1\nscope: [alias/app/]\ntargets:\n  # ours\n  prod:  # live\n    account: \"111122223333\"\n    \
    regions: [us-east-1, us-west-2]\n\n  other: {account: \"444455556666\", region: us-east-1}\n";

#[tokio::test(start_paused = true)]
async fn an_entry_that_decides_for_more_than_differs_is_given_an_override() {
    let live = [
        (REGION, "alias/app/a", "<A>"),
        (WEST, "alias/app/a", "<B>"),
        (REGION, "alias/app/b", "<B>"),
        (WEST, "alias/app/b", "<B>"),
    ];
    let kms = FakeKms::new(world(&live), Scenario::default());
    let aliases = "aliases:\n  alias/app/a: <A>  # everywhere\n  alias/app/b: {key: <A>, protect: [retarget], replace: true}\n";
    let (ran, after) = accept(&kms, &format!("{FLEET}{aliases}"), &["-t", "prod"]).await;
    let wanted = FLEET.replace(
        "us-west-2]\n",
        "us-west-2]\n    overrides:\n      alias/app/b: {key: <B>, replace: true, protect: [retarget]}\n      \
        prod/111122223333/us-west-2:\n        alias/app/a: <B>\n",
    );
    assert_eq!(
        (ran.exit, after),
        (Exit::Success, spelt(&format!("{wanted}{aliases}"))),
        "{}{}",
        ran.out,
        ran.err
    );
    assert!(
        ran.out.contains(
            "accepted alias/app/a in prod/111122223333/us-west-2: aaaa1111 -> bbbb2222 (aliases.yaml:11)"
        ),
        "{}",
        ran.out
    );
}

#[tokio::test(start_paused = true)]
async fn an_override_is_edited_where_it_decides() {
    let live = [
        (REGION, "alias/app/a", "<C>"),
        (WEST, "alias/app/a", "<C>"),
        (REGION, "alias/app/b", "<C>"),
        (WEST, "alias/app/b", "<A>"),
    ];
    let kms = FakeKms::new(world(&live), Scenario::default());
    let manifest = |a: &str, b: &str| {
        format!(
            "version: 1\nscope: [alias/app/]\ntargets:\n  prod: {{account: \"111122223333\", regions: [us-east-1, us-west-2],\n    \
            overrides: {{alias/app/a: {a}, prod/111122223333/us-east-1: {{alias/app/b: {b}}}}}}} # one\n\
            aliases: {{alias/app/a: <A>, alias/app/b: <A>}}\n"
        )
    };
    let (ran, after) = accept(&kms, &manifest("<B>", "'<B>'"), &[]).await;
    assert_eq!(
        (ran.exit, after),
        (Exit::Success, spelt(&manifest("<C>", "'<C>'"))),
        "{}{}",
        ran.out,
        ran.err
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_name_of_some_targets_is_narrowed_to_them() {
    let live = [(REGION, "alias/app/n", "<A>"), (WEST, "alias/app/n", "<B>"), (WEST, "alias/app/o", "<B>")];
    let kms = FakeKms::new(world(&live), Scenario::default());
    let fleet = FLEET
        .replace("regions: [us-east-1, us-west-2]\n", "regions: [us-east-1, us-west-2]\n    prune: true\n");
    let (ran, after) = accept(&kms, &format!("{fleet}aliases: {{}}\n"), &["-t", "prod"]).await;
    let wanted = fleet.replace(
        "prune: true\n",
        "prune: true\n    overrides:\n      prod/111122223333/us-west-2:\n        alias/app/n: <B>\n",
    );
    let wanted = format!(
        "{wanted}aliases:\n  alias/app/n: {{key: <A>, targets: [prod]}}\n  alias/app/o: {{key: <B>, targets: [prod/111122223333/us-west-2]}}\n"
    );
    assert_eq!((ran.exit, after), (Exit::Success, spelt(&wanted)), "{}{}", ran.out, ran.err);
}

#[tokio::test(start_paused = true)]
async fn of_an_alias_and_its_follower_the_one_is_edited_where_that_is_all() {
    let manifest = |a: &str, b: &str| format!("{HEAD}aliases:\n  alias/app/a: {a}\n  alias/app/b: {b}\n");
    let both = kms(&[("alias/app/a", "<B>"), ("alias/app/b", "<B>")]);
    let (ran, after) = accept(&both, &manifest("<A>", "{key: alias/app/a}"), &[]).await;
    assert_eq!(
        (ran.exit, after),
        (Exit::Success, spelt(&manifest("<B>", "{key: alias/app/a}"))),
        "{}",
        ran.err
    );
    let one = kms(&[("alias/app/a", "<B>"), ("alias/app/b", "<A>")]);
    let (ran, after) = accept(&one, &manifest("<A>", "{key: alias/app/a}"), &[]).await;
    assert_eq!((ran.exit, after), (Exit::Success, spelt(&manifest("<B>", "{key: <A>}"))), "{}", ran.err);
    assert!(
        ran.err.contains("warning: alias/app/b in default: the id of a key takes the place of alias/app/a"),
        "{}",
        ran.err
    );
    let none = kms(&[]);
    let (ran, after) = accept(&none, &manifest("<A>", "alias/app/a"), &[]).await;
    assert_eq!((ran.exit, after), (Exit::Success, spelt(&manifest("absent", "absent"))), "{}", ran.err);
    let (ran, after) =
        accept(&one, &manifest("<A>", "alias/app/a"), &["--exclude-alias", "alias/app/b"]).await;
    assert_eq!((ran.exit, after), (Exit::Differences, spelt(&manifest("<A>", "alias/app/a"))));
    assert_eq!(
        ran.err,
        "not accepted: alias/app/a in default: alias/app/b follows it, and is left out by the command line\n"
    );
}

#[tokio::test(start_paused = true)]
async fn what_anchors_share_is_left_with_its_line() {
    let kms = kms(&[
        ("alias/app/a", "<B>"),
        ("alias/app/b", "<A>"),
        ("alias/app/c", "<B>"),
        ("alias/app/d", "<B>"),
    ]);
    let text = "x-key: &key <A>\naliases:\n  alias/app/a: *key\n  alias/app/b: &b <A>\n  alias/app/c: *b\n  alias/app/d: <A>\n";
    let (ran, after) = accept(&kms, &format!("{HEAD}{text}"), &[]).await;
    assert_eq!(after, spelt(&format!("{HEAD}{}", text.replace("d: <A>", "d: <B>"))));
    assert_eq!(ran.exit, Exit::Differences);
    let told = spelt(
        "not accepted: alias/app/a in default: what is at aliases.yaml:5 comes through an anchor: write the key `<B>` there by hand\n",
    );
    assert!(ran.err.starts_with(&told) && ran.err.contains("aliases.yaml:7 comes through"), "{}", ran.err);
    assert!(
        ran.out.ends_with(
            "Accepted 1 declaration, and 2 stay as they were: look at aliases.yaml before it is committed.\n"
        ),
        "{}",
        ran.out
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_declared_is_told_and_stays_drift() {
    let kms = kms(&[
        ("alias/app/dying", "<B>"),
        ("alias/app/old", "<A>"),
        ("alias/app/was", "<C>"),
        ("alias/app/unsure", "<C>"),
    ]);
    kms.service().world_mut().set_key_state(&Home::new(ACCOUNT, REGION), B, KeyState::PendingDeletion);
    let text = "aliases:\n  alias/app/dying: <A>\n  alias/app/new: {key: <A>, previously: [alias/app/old]}\n  \
        alias/app/unsure: {key: {tags: {app: nobody}}}\n  alias/app/was: <C>\n";
    let (ran, after) = accept(&kms, &format!("{HEAD}{text}"), &[]).await;
    assert_eq!((ran.exit, after), (Exit::Differences, spelt(&format!("{HEAD}{text}"))));
    for told in [
        spelt("not accepted: alias/app/dying in default: key <B> is pending deletion"),
        "not accepted: alias/app/new in default: a rename is under way, with alias/app/old: finish it first\n".to_owned(),
        "not accepted: alias/app/unsure in default: its key cannot be told: tags {app=nobody} ".to_owned(),
    ] {
        assert!(ran.err.contains(&told), "{told}: {}", ran.err);
    }
    assert!(ran.out.ends_with("Accepted nothing: the manifest is as it was.\n"), "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_left_says_that_a_plan_deletes_it() {
    let live = [("alias/app/a", "<A>"), ("alias/app/stray", "<B>")];
    for (prune, told) in [("prune: true\n", true), ("", false)] {
        let kms = kms(&live);
        kms.service().world_mut().set_key_state(&Home::new(ACCOUNT, REGION), B, KeyState::Disabled);
        let text = format!("{HEAD}{prune}aliases:\n  alias/app/a: <A>\n");
        let (ran, after) = accept(&kms, &text, &[]).await;
        assert_eq!(after, spelt(&text));
        let sentence = spelt(
            "not accepted: alias/app/stray in default: key <B> is disabled; a plan deletes it, since `prune` is on: \
             put it into `ignore` to keep it\n",
        );
        assert_eq!(ran.err.contains(&sentence), told, "{}", ran.err);
        let plan = run_args(|_| FakeConnect(kms.clone()), &["plan", "-f", "-"], Some(&spelt(&text))).await;
        assert_eq!(plan.out.contains("1 to delete"), told, "{}", plan.out);
    }
}

#[tokio::test(start_paused = true)]
async fn new_lines_say_what_their_keys_are_and_old_ones_no_longer_what_they_were() {
    let live =
        [("alias/app/a", "<B>"), ("alias/app/b", "<B>"), ("alias/app/c", "<C>"), ("alias/app/n", "<A>")];
    let kms = kms(&live);
    for (id, description) in [(A, "billing 2025"), (B, "billing 2026")] {
        kms.service().world_mut().put_key(&Home::new(ACCOUNT, REGION), Key::new(id).described(description));
    }
    let text = "prune: true\naliases:\n  # billing 2025\n  alias/app/a: <A>  # billing 2025\n  \
        alias/app/b: <A>  # billing 2025, until January\n  alias/app/c: <A>  # billing 2025\n  \
        alias/app/d: <A>  # billing 2025\n";
    let wanted = "prune: true\naliases:\n  # billing 2025\n  alias/app/a: <B>  # billing 2026\n  \
        alias/app/b: <B>  # billing 2025, until January\n  alias/app/c: <C>\n  \
        alias/app/d: absent  # billing 2025\n  alias/app/n: <A>  # billing 2025\n";
    let (ran, after) = accept(&kms, &format!("{HEAD}{text}"), &[]).await;
    assert_eq!((ran.exit, after), (Exit::Success, spelt(&format!("{HEAD}{wanted}"))), "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_of_an_incomplete_read_or_against_fail_on_or_from_stdin() {
    let live = [(REGION, "alias/app/a", "<B>"), (WEST, "alias/app/a", "<B>")];
    let fault = Fault::new("ListAliases", Effect::AccessDenied).times(1);
    let silent = FakeKms::new(world(&live), Scenario { faults: vec![fault], ..Scenario::default() });
    let manifest = format!("{FLEET}aliases:\n  alias/app/a: <A>\n");
    let (ran, after) = accept(&silent, &manifest, &["-t", "prod"]).await;
    assert_eq!((ran.exit, after), (Exit::Runtime, spelt(&manifest)));
    assert!(ran.err.contains("error: a target could not be read, so nothing was written"), "{}", ran.err);
    let stray = kms(&[("alias/app/a", "<B>"), ("alias/app/stray", "<B>")]);
    let manifest = format!("{HEAD}aliases:\n  alias/app/a: <A>\n");
    let (ran, after) = accept(&stray, &manifest, &["--fail-on", "unmanaged"]).await;
    assert_eq!((ran.exit, after), (Exit::Refused, spelt(&manifest)));
    let ran = run_args(|_| FakeConnect(stray.clone()), &["drift", "--write-config", "-f", "-"], None).await;
    assert_eq!((ran.exit, &*ran.out), (Exit::Usage, ""), "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn a_json_reader_gets_the_one_document_and_stderr_the_rest() {
    let kms = kms(&[("alias/app/a", "<B>")]);
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.yaml"), spelt(&format!("{HEAD}aliases: {{alias/app/a: <A>}}\n")))
        .unwrap();
    let ran = run_in(&kms, folder.path(), &["drift", "--write-config", "-o", "json"]).await;
    let document: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.exit, &document["kind"]), (Exit::Success, &"drift".into()));
    assert!(ran.err.starts_with("accepted alias/app/a in default: "), "{}", ran.err);
    let declared = serde_json::json!({"file": "a.yaml", "line": 3, "column": 11});
    assert_eq!(document["targets"][0]["changes"][0]["accepted"], declared, "{document:#}");
}

#[tokio::test(start_paused = true)]
async fn what_is_declared_now_is_no_failure_in_any_report() {
    let kms = kms(&[("alias/app/a", "<B>"), ("alias/app/b", "<B>")]);
    let folder = TempDir::new().unwrap();
    let declared = "x-key: &key <A>\naliases:\n  alias/app/a: <A>\n  alias/app/b: *key\n  alias/app/c: <A>\n";
    fs::write(folder.path().join("a.yaml"), spelt(&format!("{HEAD}{declared}"))).unwrap();
    let forms = ["sarif", "junit", "prometheus", "tsv", "html"];
    let flags = forms.map(|form| format!("--report={form}={}", folder.path().join(form).display()));
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let ran = run_in(&kms, folder.path(), &[&["drift", "--write-config"], &flags[..]].concat()).await;
    assert_eq!(ran.exit, Exit::Differences, "alias/app/b is shared through an anchor: {}", ran.err);
    let [sarif, junit, metrics, table, page] =
        forms.map(|form| fs::read_to_string(folder.path().join(form)).unwrap());
    let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let errors: Vec<_> = results.iter().filter(|result| result["level"] == "error").collect();
    assert_eq!(errors.len(), 1, "{results:#?}");
    assert!(errors[0]["message"]["text"].as_str().unwrap().starts_with("default: alias/app/b: is on "));
    assert!(junit.contains("tests=\"3\" failures=\"1\""), "{junit}");
    for line in [
        "kms_alias_aliases{target=\"default\",status=\"in_sync\"} 1",
        "kms_alias_aliases{target=\"default\",status=\"pending\"} 1",
        "kms_alias_pending_changes{target=\"default\",action=\"create\"} 0",
        "kms_alias_pending_changes{target=\"default\",action=\"retarget\"} 1",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line} in {metrics}");
    }
    assert_eq!(table.matches("\taccepted\t").count(), 2, "{table}");
    assert!(page.contains("3 differences, 2 of them accepted."));
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_link_is_edited_at_its_end_which_keeps_its_mode() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let kms = kms(&[("alias/app/a", "<B>")]);
    let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (link, file) = (folder.path().join("aliases.yaml"), elsewhere.path().join("real.yaml"));
    fs::write(&file, spelt(&format!("{HEAD}aliases: {{alias/app/a: <A>}}\n"))).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&file, &link).unwrap();
    let ran = run_args(
        |_| FakeConnect(kms.clone()),
        &["drift", "--write-config", "-f", link.to_str().unwrap()],
        None,
    )
    .await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), spelt(&format!("{HEAD}aliases: {{alias/app/a: <B>}}\n")));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1, "no draft is left");
}

#[tokio::test(start_paused = true)]
async fn what_the_manifest_has_changed_since_the_base_awaits_an_apply_and_is_not_taken_back() {
    let manifest =
        |a: &str, b: &str| spelt(&format!("{HEAD}aliases:\n  alias/app/a: {a}\n  alias/app/b: {b}\n"));
    let repository = Repository::with(&manifest("<A>", "<A>"));
    repository.write("aliases.yaml", &manifest("<A>", "<B>"));
    let kms = kms(&[("alias/app/a", "<C>"), ("alias/app/b", "<A>")]);
    let file = repository.file("aliases.yaml");
    let args = ["drift", "--write-config", "--base-ref", "main", "-f", &file];
    let ran = run_args(|_| FakeConnect(kms.clone()), &args, None).await;
    assert_eq!(ran.exit, Exit::Differences, "{}", ran.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), manifest("<C>", "<B>"));
    let commit = &repository.hash("HEAD")[..10];
    let told = format!(
        "alias/app/b in default: the manifest has changed here since {commit}: that awaits an apply\n"
    );
    assert_eq!(ran.err, format!("not accepted: {told}"));
    let folder = TempDir::new().unwrap();
    let report = format!("--report=sarif={}", folder.path().join("sarif").display());
    let ran =
        run_args(|_| FakeConnect(kms.clone()), &["drift", "--base-ref", "main", "-f", &file, &report], None)
            .await;
    assert_eq!(ran.exit, Exit::Differences, "{}", ran.err);
    let sarif = fs::read_to_string(folder.path().join("sarif")).unwrap();
    let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(results.iter().all(|result| result["level"] == "warning"), "{results:#?}");
    assert_eq!(
        results.last().unwrap()["ruleId"],
        "unapplied",
        "what the manifest alone has changed is no error"
    );
}

fn revision(path: &Path, before: &str, after: &str) -> Revision {
    let (before, after) = (before.to_owned(), after.to_owned());
    Revision { path: Some(path.to_owned()), name: path.display().to_string(), before, after }
}

#[test]
fn where_one_file_is_another_by_now_none_is_written() {
    let folder = TempDir::new().unwrap();
    let [one, two] = ["one.yaml", "two.yaml"].map(|name| folder.path().join(name));
    fs::write(&one, "1").unwrap();
    fs::write(&two, "someone else's").unwrap();
    let error = replace(&[revision(&one, "1", "2"), revision(&two, "1", "2")]).unwrap_err();
    assert!(
        error.to_string().ends_with("two.yaml: it has changed since it was read; nothing was written"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&one).unwrap(), "1");
    let error = replace(&[revision(&one, "1", "2"), revision(folder.path(), "", "2")]).unwrap_err();
    assert!(error.to_string().ends_with("it is no regular file; nothing was written"), "{error}");
    assert_eq!(fs::read_to_string(&one).unwrap(), "1");
    replace(&[revision(&one, "1", "2")]).unwrap();
    assert_eq!(fs::read_to_string(&one).unwrap(), "2");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no draft is left");
}
