//! `import`: live aliases become a manifest whose plan is empty. Whole commands on FakeKms; every manifest that comes of one is planned.

use std::fs;
use std::path::Path;

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{Effect, Fault, Home, Key, KeyState, Scenario, World};
use tempfile::TempDir;

use crate::fake::{A, ACCOUNT, B, C, FakeConnect, FakeKms, REGION};
use crate::process::{ran, text};
use crate::ran::{Ran, run_args};

const WEST: &str = "us-west-2";
const OTHER: &str = "444455556666";
const MRK: &str = "mrk-0000aaaa0000aaaa0000aaaa0000aaaa";
/// A key that is nowhere
const MISSING: &str = "eeee5555-0000-4000-8000-000000000005";
/// Where the keys of every test are
const PLACES: [(&str, &str); 3] = [(ACCOUNT, REGION), (ACCOUNT, WEST), (OTHER, REGION)];

fn home(place: usize) -> Home {
    let (account, region) = PLACES[place];
    Home::new(account, region)
}

/// Four keys in each of three places, and these aliases: the place, the name, the key
fn world(live: &[(usize, &str, &str)]) -> World {
    let mut world = World::default();
    for place in 0..PLACES.len() {
        for (id, app) in [(A, "billing"), (B, "ledger"), (C, "audit"), (MRK, "shared")] {
            let key = Key::new(id).described(&format!("the {app} key")).tagged("app", app);
            world.put_key(&home(place), key.tagged("env", "prod").tagged("aws:made:by", app));
        }
    }
    for (place, name, key) in live {
        world.put_alias(&home(*place), name, Some(key), 0);
    }
    world
}

fn kms(live: &[(usize, &str, &str)]) -> FakeKms {
    FakeKms::new(world(live), Scenario::default())
}

async fn run(kms: &FakeKms, args: &[&str]) -> Ran {
    run_args(|_| FakeConnect(kms.clone()), args, None).await
}

/// A folder for the files of a test
struct Folder(TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(TempDir::new().unwrap());
        files.iter().for_each(|(name, text)| fs::write(folder.0.path().join(name), text).unwrap());
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    /// The command, without the folder in what it says
    async fn run(&self, kms: &FakeKms, args: &[&str]) -> Ran {
        let ran = run(kms, args).await;
        let tidy = |text: String| text.replace(&format!("{}/", self.0.path().display()), "");
        Ran { out: tidy(ran.out), err: tidy(ran.err), ..ran }
    }
}

/// A plan of this manifest has nothing to do and knows every name
async fn assert_nothing_to_do(kms: &FakeKms, manifest: &str, in_sync: usize) {
    let folder = Folder::with(&[("aliases.yaml", manifest)]);
    let plan = folder.run(kms, &["plan", "--detailed-exitcode", "-f", &folder.path("aliases.yaml")]).await;
    let summary = format!("No changes. {in_sync} in sync, 0 unmanaged.");
    assert_eq!(plan.exit, Exit::Success, "{}{}\n{manifest}", plan.out, plan.err);
    assert!(plan.out.contains(&summary), "{}\n{manifest}", plan.out);
}

const FLEET: &str = "# ours\nversion: 1\nscope: [alias/app/]  # and no more\ntargets:\n  prod:   # live\n    account: \"111122223333\"\n    \
    regions: [us-east-1, us-west-2]\n  dev: {account: \"444455556666\", region: us-east-1}\n\naliases: {}  # none yet\n# the end\n";

/// What is imported into this manifest
async fn into(kms: &FakeKms, manifest: &str, args: &[&str]) -> Ran {
    let folder = Folder::with(&[("skeleton.yaml", manifest)]);
    folder.run(kms, &[&["import", "-f", &folder.path("skeleton.yaml")], args].concat()).await
}

#[tokio::test(start_paused = true)]
async fn without_a_manifest_one_is_made_that_is_pinned_to_the_credentials_own_account_and_region() {
    let kms = kms(&[
        (0, "alias/app/b", B),
        (0, "alias/app/a", A),
        (0, "alias/data/x", A),
        (0, "alias/other/y", A),
        (1, "alias/app/w", A),
    ]);
    let ran = run(&kms, &["import", "--new", "--prefix", "alias/app/", "--prefix", "alias/data/"]).await;
    let wanted = format!(
        "version: 1\nscope: [alias/app/, alias/data/]\ntargets:\n  main: {{account: \"{ACCOUNT}\", region: us-east-1}}  \
        # pinned: with credentials of another account it does nothing\naliases:\n  alias/app/a: {A}  # the billing key\n  \
        alias/app/b: {B}  # the ledger key\n  alias/data/x: {A}  # the billing key\n"
    );
    assert_eq!((ran.exit, &ran.out), (Exit::Success, &wanted), "{}", ran.err);
    assert!(
        ran.err.starts_with("Imported 3 aliases over 1 target; write it to a file with --out FILE"),
        "{}",
        ran.err
    );
    let calls = |operation: &str| kms.calls_to(operation).len();
    let read = ["GetCallerIdentity", "ListAliases", "DescribeKey"].map(calls);
    assert_eq!((read, kms.service().calls().len()), ([1, 1, 2], 4), "each key is described once");
    assert_nothing_to_do(&kms, &ran.out, 3).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_prefix_it_is_told_which_are_live_and_how_many_names_each_has() {
    let kms = kms(&[
        (0, "alias/app/a", A),
        (0, "alias/app/b/c", A),
        (0, "alias/data/x", A),
        (0, "alias/legacy", A),
        (0, "alias/aws/s3", A),
    ]);
    let ran = run(&kms, &["import", "--new"]).await;
    assert_eq!((ran.exit, &*ran.out), (Exit::Usage, ""));
    assert_eq!(
        ran.err,
        "error: which names are meant is not said; live are alias/app/ (2), alias/data/ (1), alias/legacy (1)\n\
        hint: name what you own, as in `kms-alias import --prefix alias/app/`; --prefix may be repeated\n"
    );
    assert!(kms.calls_to("DescribeKey").is_empty());
    let ran = run(&kms, &["import", "--new", "--prefix", "alias/ap/"]).await;
    assert_eq!((ran.exit, &*ran.out), (Exit::Usage, ""));
    assert!(
        ran.err.starts_with("error: no alias is live under alias/ap/ in 111122223333 in us-east-1\n"),
        "{}",
        ran.err
    );
    let ran = run(&kms, &["import", "--new", "--prefix", "app/"]).await;
    assert!(ran.exit == Exit::Usage && ran.err.contains("begins with `alias/`"), "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn names_are_shared_narrowed_or_overridden_and_the_text_around_them_stays() {
    let kms = kms(&[
        (0, "alias/app/all", MRK),
        (1, "alias/app/all", MRK),
        (2, "alias/app/all", MRK),
        (0, "alias/app/differ", A),
        (1, "alias/app/differ", A),
        (2, "alias/app/differ", B),
        (0, "alias/app/east", A),
        (0, "alias/app/prod", B),
        (1, "alias/app/prod", B),
        (0, "alias/app/regions", A),
        (1, "alias/app/regions", B),
    ]);
    let ran = into(&kms, FLEET, &[]).await;
    let wanted = FLEET
        .replace(
            "dev: {account: \"444455556666\", region: us-east-1}",
            &format!(
                "dev:\n    account: \"444455556666\"\n    region: us-east-1\n    overrides:\n      \
                alias/app/differ: {B}  # the ledger key"
            ),
        )
        .replace(
            "    regions: [us-east-1, us-west-2]\n",
            &format!(
                "    regions: [us-east-1, us-west-2]\n    overrides:\n      prod/{ACCOUNT}/us-west-2:\n        \
                alias/app/regions: {B}  # the ledger key\n"
            ),
        )
        .replace(
            "aliases: {}  # none yet\n",
            &format!(
                "aliases:  # none yet\n  alias/app/all: {MRK}  # the shared key\n  alias/app/differ: {A}  # the billing key\n  \
                alias/app/east: {{key: {A}, targets: [prod/{ACCOUNT}/us-east-1]}}  # the billing key\n  \
                alias/app/prod: {{key: {B}, targets: [prod]}}  # the ledger key\n  \
                alias/app/regions: {{key: {A}, targets: [prod]}}  # the billing key\n"
            ),
        );
    assert_eq!((ran.exit, &ran.out), (Exit::Success, &wanted), "{}", ran.err);
    assert!(ran.err.starts_with("Imported 5 aliases, 11 over 3 targets; "), "{}", ran.err);
    assert_nothing_to_do(&kms, &ran.out, 11).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_declared_ignored_or_not_chosen_is_left_alone() {
    let kms = kms(&[
        (0, "alias/app/a", B),
        (0, "alias/app/b", A),
        (0, "alias/app/tmp/x", A),
        (0, "alias/app/x/one", A),
        (0, "alias/app/x/two", A),
        (2, "alias/app/dev", A),
    ]);
    let manifest = FLEET.replace(
        "aliases: {}",
        &format!("ignore: [\"alias/app/tmp/**\"]\naliases:\n  alias/app/a: {A}  # kept\n "),
    );
    let ran = into(&kms, &manifest, &["-t", "prod", "--prefix", "alias/app/x/"]).await;
    let added = ["one", "two"].map(|name| {
        format!(
            "  alias/app/x/{name}: {{key: {A}, targets: [prod/{ACCOUNT}/us-east-1]}}  # the billing key\n"
        )
    });
    let wanted = manifest.replace("  # kept\n", &format!("  # kept\n{}", added.concat()));
    assert_eq!((ran.exit, &ran.out), (Exit::Success, &wanted), "{}", ran.err);
    let ran = into(&kms, FLEET, &["--prefix", "alias/data/"]).await;
    assert_eq!((ran.exit, &*ran.out), (Exit::Usage, ""));
    assert!(
        ran.err.contains("--prefix alias/data/: no target has anything of it in its scope"),
        "{}",
        ran.err
    );
}

#[tokio::test(start_paused = true)]
async fn keys_are_written_by_arn_or_by_tags_where_these_select_that_key_and_no_other() {
    let mut world =
        world(&[(0, "alias/app/a", A), (1, "alias/app/a", B), (2, "alias/app/a", A), (0, "alias/app/c", C)]);
    world.put_key(
        &home(0),
        Key::new("dddd4444-0000-4000-8000-000000000004").tagged("app", "audit").tagged("env", "prod"),
    );
    let kms = FakeKms::new(world, Scenario::default());
    let arn =
        |place: usize, id: &str| format!("arn:aws:kms:{}:{}:key/{id}", PLACES[place].1, PLACES[place].0);
    let ran = into(&kms, FLEET, &["--key-ref", "arn"]).await;
    for wanted in [arn(0, A), arn(1, B), arn(2, A), arn(0, C)] {
        assert_eq!(ran.out.matches(&wanted).count(), 1, "{wanted}: {}{}", ran.out, ran.err);
    }
    assert_nothing_to_do(&kms, &ran.out, 4).await;
    let ran = into(&kms, FLEET, &["--key-ref", "tags"]).await;
    assert_nothing_to_do(&kms, &ran.out, 4).await;
    assert!(
        ran.out.contains("  alias/app/a: {key: {tags: {app: billing, env: prod}}}  # the billing key\n"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("alias/app/a: {key: {tags: {app: ledger, env: prod}}}"), "{}", ran.out);
    assert!(
        ran.out.contains(&format!("  alias/app/c: {{key: {C}, targets: ")),
        "two keys have these tags: {}",
        ran.out
    );
    assert!(
        ran.err.contains(
            "note: alias/app/c in prod/111122223333/us-east-1: the key is written by its id, since "
        ),
        "{}",
        ran.err
    );
    let ran = into(&kms, FLEET, &["--key-ref", "tags=app"]).await;
    assert!(ran.out.contains("  alias/app/a: {key: {tags: {app: billing}}}  # "), "{}", ran.out);
    let ran = into(&kms, FLEET, &["--key-ref", "tags=none"]).await;
    assert!(ran.out.contains(&format!("  alias/app/a: {A}  # ")), "{}", ran.out);
    assert!(ran.err.contains("has no tags to select it by"), "{}", ran.err);
    let ran = into(&kms, FLEET, &["--key-ref", "name"]).await;
    assert!(ran.exit == Exit::Usage && ran.err.contains("tags=NAME,NAME"), "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn an_alias_on_a_key_that_cannot_be_used_is_declared_and_told_and_one_without_a_key_is_left_out() {
    let mut world = world(&[(0, "alias/app/a", A), (0, "alias/app/b", B), (0, "alias/app/c", C)]);
    world.set_key_state(&home(0), A, KeyState::Disabled);
    world.set_key_state(&home(0), B, KeyState::PendingDeletion);
    world.put_alias(&home(0), "alias/app/none", None, 0);
    world.put_alias(&home(0), "alias/app/gone", Some("eeee5555-0000-4000-8000-000000000005"), 0);
    let kms = FakeKms::new(world, Scenario::default());
    let ran = run(&kms, &["import", "--new", "--prefix", "alias/app/"]).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    for declared in ["a", "b", "c"] {
        assert!(ran.out.contains(&format!("alias/app/{declared}: ")), "{}", ran.out);
    }
    assert!(!ran.out.contains("none") && !ran.out.contains("gone"), "{}", ran.out);
    for told in [
        "not imported: alias/app/gone in main/111122223333/us-east-1: key eeee5555-0000-4000-8000-000000000005 does not exist any more\n",
        "not imported: alias/app/none in main/111122223333/us-east-1: it is listed without a target key\n",
        &format!(
            "note: alias/app/a in main/111122223333/us-east-1: it is declared as it is, and key {A} is disabled: \
            enable it with `aws kms enable-key --key-id {A} --region us-east-1`, or declare another key\n"
        ),
        &format!(
            "note: alias/app/b in main/111122223333/us-east-1: it is declared as it is, and key {B} is pending deletion"
        ),
    ] {
        assert!(ran.err.contains(told), "{told}: {}", ran.err);
    }
    let folder = Folder::with(&[("a.yaml", &ran.out)]);
    let plan = folder.run(&kms, &["plan", "--detailed-exitcode", "-f", &folder.path("a.yaml")]).await;
    assert_eq!(plan.exit, Exit::Success, "{}", plan.out);
    assert!(plan.out.contains("No changes. 3 in sync, 2 unmanaged."), "{}", plan.out);
    let pruning = ran.out.replace("aliases:", "prune: true\naliases:");
    let again = into(&kms, &pruning, &[]).await;
    assert!(
        again.err.contains("does not exist any more; a plan deletes it, since `prune` is on"),
        "{}",
        again.err
    );
    let part = into(&kms, &pruning, &["--prefix", "alias/app/a"]).await;
    assert!(
        part.err.contains("in scope not imported; a plan deletes what is not declared, since `prune` is on"),
        "{}",
        part.err
    );
}

#[tokio::test(start_paused = true)]
async fn the_text_of_a_description_stays_at_the_end_of_its_line() {
    let hostile = "x\n  alias/app/evil: absent\r\u{1b}[31m\u{202e}\u{85}\u{2028}##[add-mask]y ::error::z # {";
    let mut world = World::default();
    world.put_key(&home(0), Key::new(A).described(hostile));
    world.put_key(&home(0), Key::new(B).described(&"long ".repeat(100)));
    world.put_key(&home(0), Key::new(C).described("  "));
    for (name, key) in [("a", A), ("b", B), ("c", C)] {
        world.put_alias(&home(0), &format!("alias/app/{name}"), Some(key), 0);
    }
    let kms = FakeKms::new(world, Scenario::default());
    let ran = run(&kms, &["import", "--new", "--prefix", "alias/app/"]).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    assert_eq!(ran.out.lines().count(), 8, "{}", ran.out);
    let line =
        |name: &str| ran.out.lines().find(|line| line.starts_with(&format!("  alias/app/{name}: "))).unwrap();
    assert!(line("a").starts_with(&format!(
        "  alias/app/a: {A}  # x\\n  alias/app/evil: absent\\r\\u{{1b}}[31m\\u{{202e}}"
    )));
    assert!(!line("a").contains("##["), "{}", line("a"));
    assert!(line("b").ends_with(&format!("  # {}…", "long ".repeat(16))), "{}", line("b"));
    assert_eq!(line("c"), format!("  alias/app/c: {C}"));
    assert_nothing_to_do(&kms, &ran.out, 3).await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_cannot_be_read_is_an_error_and_nothing_is_printed_or_written() {
    let faults =
        ["ListAliases", "GetCallerIdentity"].map(|operation| Fault::new(operation, Effect::AccessDenied));
    for fault in faults {
        let scenario = Scenario {
            faults: vec![Fault { account: Some(OTHER.to_owned()), ..fault }],
            ..Scenario::default()
        };
        let kms = FakeKms::new(world(&[(0, "alias/app/a", A), (2, "alias/app/a", A)]), scenario);
        let folder = Folder::with(&[("a.yaml", FLEET)]);
        let (own, out) = (folder.path("a.yaml"), folder.path("out.yaml"));
        let ran = folder.run(&kms, &["import", "-f", &own, "--out", &out]).await;
        assert_eq!((ran.exit, &*ran.out), (Exit::Runtime, ""), "{}", ran.err);
        assert!(ran.err.contains("error: dev/444455556666/us-east-1: failed to "), "{}", ran.err);
        assert!(!Path::new(&out).exists());
        let ran = folder.run(&kms, &["import", "-f", &own, "-t", "prod"]).await;
        assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    }
    let denied = Fault::new("DescribeKey", Effect::AccessDenied);
    let kms = FakeKms::new(
        world(&[(0, "alias/app/a", A)]),
        Scenario { faults: vec![denied], ..Scenario::default() },
    );
    let ran = run(&kms, &["import", "--new", "--prefix", "alias/app/"]).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    assert!(
        ran.out.ends_with(&format!("aliases:\n  alias/app/a: {A}\n")),
        "its key is known all the same: {}",
        ran.out
    );
    let told = "warning: 1 key of 1 alias in main/111122223333/us-east-1 cannot be looked at, so that descriptions are missing";
    assert!(ran.err.contains(told), "{}", ran.err);
    assert!(ran.err.contains("\nhint: grant kms:DescribeKey to the role that plans"), "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn what_is_true_of_many_names_is_told_once() {
    let names: Vec<String> = (0..40).map(|n| format!("alias/app/{n:03}")).collect();
    let id = |n: usize| format!("{n:08}-0000-4000-8000-000000000000");
    let mut world = World::default();
    for (n, name) in names.iter().enumerate() {
        world.put_key(&home(0), Key::new(&id(n)).tagged("env", "prod"));
        world.put_alias(&home(0), name, Some(&id(n)), 0);
    }
    let kms = FakeKms::new(world.clone(), Scenario::default());
    let flags = ["import", "--new", "--prefix", "alias/app/"];
    let ran = run(&kms, &[&flags[..], &["--key-ref", "tags=env"]].concat()).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    let told = "note: alias/app/000 and 39 more in main/111122223333/us-east-1: the keys are written by their ids, since tags {env=prod} \
        select 40 usable keys, and only one may be: 00000000 (Enabled), 00000001 (Enabled), 38 more\n";
    assert!(ran.err.starts_with(told), "{}", ran.err);
    assert_eq!(ran.err.lines().count(), 2, "{}", ran.err);
    let faults = vec![Fault::new("DescribeKey", Effect::AccessDenied)];
    let kms = FakeKms::new(world, Scenario { faults, ..Scenario::default() });
    let ran = run(&kms, &[&flags[..], &["--quiet"]].concat()).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    assert!(
        ran.err.starts_with("warning: 40 keys of 40 aliases in main/111122223333/us-east-1 cannot be"),
        "{}",
        ran.err
    );
    assert_eq!(ran.err.lines().count(), 2, "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn what_a_plan_does_to_what_was_declared_before_is_told_before_anybody_is_told_to_plan() {
    let kms = kms(&[
        (0, "alias/app/a", A),
        (0, "alias/app/gone", A),
        (0, "alias/app/moved", B),
        (0, "alias/app/new", C),
    ]);
    let manifest = format!(
        "version: 1\nscope: [alias/app/]\naliases:\n  alias/app/a: {A}\n  alias/app/gone: absent\n  alias/app/held: {MISSING}\n  \
        alias/app/moved: {A}\n"
    );
    let ran = into(&kms, &manifest, &[]).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    assert!(
        ran.err.ends_with(
            "Imported 1 alias over 1 target; write it to a file with --out FILE, and a plan of it has 1 to retarget, 2 held, \
             besides what was imported: kms-alias plan -f FILE\n"
        ),
        "{}",
        ran.err
    );
    let folder = Folder::with(&[("a.yaml", &ran.out)]);
    let plan = folder.run(&kms, &["plan", "-f", &folder.path("a.yaml")]).await;
    assert!(
        plan.out.contains("0 to create, 1 to retarget, 0 to replace, 0 to rename, 0 to delete; 2 held"),
        "{}",
        plan.out
    );
    let again = folder.run(&kms, &["import", "-f", &folder.path("a.yaml")]).await;
    assert!(
        again.err.contains("Imported nothing: what is live and asked for is declared already; "),
        "{}",
        again.err
    );
}

#[tokio::test(start_paused = true)]
async fn names_of_a_widened_manifest_that_are_live_on_other_keys_are_told_with_what_declares_them() {
    let kms = kms(&[(0, "alias/app/a", A), (1, "alias/app/a", B), (1, "alias/app/b", C)]);
    let manifest = format!(
        "version: 1\nscope: [alias/app/]\ntargets:\n  main: {{account: \"{ACCOUNT}\", regions: [us-east-1, us-west-2]}}\n\
        aliases:\n  alias/app/a: {A}\n"
    );
    let folder = Folder::with(&[("own.yaml", &manifest)]);
    let own = folder.path("own.yaml");
    let ran = folder.run(&kms, &["import", "-f", &own, "--out", &own, "--overwrite"]).await;
    let west = format!("main/{ACCOUNT}/us-west-2");
    let told = format!(
        "note: {west}: 1 name was declared before, and is live on another key; to declare what is live there: \
        kms-alias drift --write-config -f own.yaml -t {west}\n"
    );
    assert!(ran.err.contains(&told), "{}", ran.err);
    let ran = folder.run(&kms, &["drift", "--write-config", "-f", &own, "-t", &west]).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    assert_nothing_to_do(&kms, &folder.read("own.yaml"), 3).await;
    let ran = folder.run(&kms, &["import", "-f", &own]).await;
    assert!(
        ran.err.ends_with("see that nothing is to be done with: kms-alias plan -f FILE\n"),
        "{}",
        ran.err
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_is_written_whole_and_one_that_is_there_only_with_overwrite() {
    let kms = kms(&[(0, "alias/app/a", A)]);
    let folder = Folder::with(&[("there.yaml", "old")]);
    let (new, there) = (folder.path("new.yaml"), folder.path("there.yaml"));
    let flags = ["import", "--new", "--prefix", "alias/app/", "--out"];
    let ran = folder.run(&kms, &[&flags[..], &[&new]].concat()).await;
    assert_eq!((ran.exit, &*ran.out), (Exit::Success, ""));
    assert_eq!(
        ran.err,
        "Imported 1 alias over 1 target into new.yaml; see that nothing is to be done with: kms-alias plan -f new.yaml\n"
    );
    assert_nothing_to_do(&kms, &folder.read("new.yaml"), 1).await;
    let ran = folder.run(&kms, &[&flags[..], &[&there]].concat()).await;
    assert_eq!((ran.exit, &*folder.read("there.yaml")), (Exit::Usage, "old"));
    assert_eq!(
        ran.err,
        "error: --out: there is a file there.yaml already\nhint: name another one, or add --overwrite\n"
    );
    let ran = folder.run(&kms, &[&flags[..], &[&there, "--overwrite"]].concat()).await;
    assert_eq!(
        (ran.exit, folder.read("there.yaml")),
        (Exit::Success, folder.read("new.yaml")),
        "{}",
        ran.err
    );
}

#[tokio::test(start_paused = true)]
async fn a_manifest_is_added_to_in_place_with_its_line_ends_and_its_mark() {
    let kms = kms(&[(0, "alias/app/a", A), (0, "alias/app/b", B)]);
    let before = format!("\u{feff}version: 1\r\nscope: [alias/app/]\r\naliases:\r\n    alias/app/a: {A}");
    let folder = Folder::with(&[("own.yaml", &before)]);
    let own = folder.path("own.yaml");
    let ran = folder.run(&kms, &["import", "-f", &own]).await;
    assert_eq!((ran.exit, &*ran.out), (Exit::Usage, ""), "it cannot be printed as it is");
    assert!(ran.err.contains("hint: write it with `--out FILE`"), "{}", ran.err);
    let ran = folder.run(&kms, &["import", "-f", &own, "--out", &own, "--overwrite"]).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    assert_eq!(folder.read("own.yaml"), format!("{before}\r\n    alias/app/b: {B}  # the ledger key"));
}

#[tokio::test(start_paused = true)]
async fn senseless_flags_are_refused_before_anything_is_read() {
    let kms = kms(&[(0, "alias/app/a", A)]);
    let folder = Folder::with(&[("a.yaml", FLEET), ("b.yaml", "aliases: {}\n")]);
    let (all, one) = (folder.0.path().to_str().unwrap(), &*folder.path("a.yaml"));
    let (beside, new, new_beside) = (folder.path("./a.yaml"), folder.path("new"), folder.path("./new"));
    for (args, says) in [
        (&["-f", all][..], "import adds to one file, and this manifest has 2"),
        (&["-f", one, "--new"], "--new makes a manifest"),
        (&["-f", one, "-o", "json"], "import has the form text"),
        (&["-f", one, "--removed", "x"], "--removed is for what Terraform"),
        (
            &["-f", one, "--overwrite"],
            "--overwrite is for the file of --out or --removed, and neither is named",
        ),
        (&["-f", one, "-t", "nobody"], "--target nobody: no such target"),
        (&["--new", "-t", "prod"], "--target and --shard choose among the targets of a manifest"),
        (&["-f", one, "--regions", "eu-west-1"], "--regions and --profiles are for a new manifest"),
        (&["--new", "--regions", "us-east"], "it is no Region"),
        (&["--new", "--profile", "a", "--profiles", "b"], "--profile is for all of the run"),
        (&["-f", one, "--from-tfstate", "x", "--from-cloudformation", "y"], "cannot be used with"),
        (&["--new", "--regions", "us-east-1,us-east-1"], "--regions names us-east-1 twice"),
        (&["--new", "--profiles", "a,b,a"], "--profiles names a twice"),
        (
            &["--new", "--from-tfstate", one, "--out", &beside, "--overwrite"],
            "--out and --from-tfstate are the same file",
        ),
        (
            &["--new", "--from-cloudformation", one, "--removed", &beside, "--overwrite"],
            "--removed and --from-cloudformation are the same file",
        ),
        (
            &["-f", one, "--from-tfstate", "x", "--removed", &beside, "--overwrite"],
            "--removed and -f are the same file",
        ),
        (
            &["-f", one, "--from-tfstate", "x", "--removed", &new, "--out", &new_beside],
            "--out and --removed are the same file",
        ),
    ] {
        let ran = folder.run(&kms, &[&["import"], args].concat()).await;
        assert_eq!(ran.exit, Exit::Usage, "{args:?}: {}", ran.err);
        assert!(ran.err.contains(says), "{args:?}: {}", ran.err);
    }
    assert!(kms.service().calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_a_rename_leaves_behind_is_no_alias_to_declare() {
    let kms = kms(&[(0, "alias/app/new", A), (0, "alias/app/old", A)]);
    let manifest = format!(
        "version: 1\nscope: [alias/app/]\naliases:\n  alias/app/new: {{key: {A}, previously: [alias/app/old]}}\n"
    );
    let ran = into(&kms, &manifest, &[]).await;
    assert_eq!((ran.exit, &ran.out), (Exit::Success, &manifest), "{}", ran.err);
    let told = "not imported: alias/app/old in default: it is a previous name of alias/app/new\n";
    assert!(ran.err.contains(told), "{}", ran.err);
    let pruning = manifest.replace("aliases:\n", "prune: true\naliases:\n");
    for manifest in [&pruning, &pruning.replace("old]", "old], retain_previous: true")] {
        let ran = into(&kms, manifest, &[]).await;
        assert!(ran.err.contains(told) && !ran.err.contains("`prune`"), "{}", ran.err);
        let part = into(&kms, manifest, &["--prefix", "alias/app/new"]).await;
        assert!(!part.err.contains("`prune`"), "it is not prune that decides: {}", part.err);
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_live_that_is_said_with_where_that_is() {
    let kms = kms(&[(0, "alias/data/a", A)]);
    for (args, told) in [
        (
            &["-t", "prod/*/us-east-1"][..],
            "Imported nothing: no alias of the scope is live in 111122223333 in us-east-1; ",
        ),
        (
            &["--prefix", "alias/app/x", "-t", "prod"],
            "Imported nothing: no alias is live under alias/app/x in 111122223333 in us-east-1 and \
             111122223333 in us-west-2; ",
        ),
    ] {
        let ran = into(&kms, FLEET, args).await;
        assert!(ran.exit == Exit::Success && ran.err.contains(told), "{}", ran.err);
    }
    let ran = into(&kms, FLEET, &["-t", "prod/*/us-east-1"]).await;
    assert!(ran.err.ends_with("kms-alias plan -f FILE -t 'prod/*/us-east-1'\n"), "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_edited_is_told_and_left() {
    let kms = kms(&[(0, "alias/app/a", A)]);
    let manifest = "version: 1\nscope: [alias/app/]\nx-all: &all {}\naliases: *all\n";
    let ran = into(&kms, manifest, &[]).await;
    assert_eq!((ran.exit, &*ran.out), (Exit::Success, manifest), "{}", ran.err);
    assert!(
        ran.err.contains(
            "not imported: alias/app/a in default: what is at skeleton.yaml:4 comes through an anchor"
        ),
        "{}",
        ran.err
    );
}

#[tokio::test(start_paused = true)]
async fn three_hundred_aliases_over_three_targets_cost_a_listing_each_and_a_look_at_each_key() {
    let names: Vec<String> = (0..300).map(|n| format!("alias/app/{n:03}")).collect();
    let keys = [A, B, C];
    let live: Vec<_> = (0..3)
        .flat_map(|place| {
            names.iter().enumerate().map(move |(n, name)| (place, &**name, keys[(n + place * (n % 2)) % 3]))
        })
        .collect();
    let kms = kms(&live);
    let ran = into(&kms, FLEET, &[]).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    let calls =
        ["GetCallerIdentity", "ListAliases", "DescribeKey"].map(|operation| kms.calls_to(operation).len());
    assert_eq!((calls, kms.service().calls().len()), ([3, 12, 9], 24));
    assert!(ran.err.starts_with("Imported 300 aliases, 900 over 3 targets; "), "{}", ran.err);
    assert_nothing_to_do(&kms, &ran.out, 900).await;
}

#[test]
fn a_manifest_is_added_to_where_it_is_looked_for_and_a_new_one_is_made_where_there_is_none() {
    let folder = TempDir::new().unwrap();
    let run = |args: &[&str]| {
        let ended = ran(folder.path(), &[&["--sandbox", "--region", "us-east-1"], args].concat());
        (ended.status.code(), text(&ended.stdout).to_owned(), text(&ended.stderr).to_owned())
    };
    let (code, out, err) = run(&["import"]);
    assert!(code == Some(64) && out.is_empty() && err.contains("; live are alias/app/ ("), "{err}");
    let (code, _, err) = run(&["import", "--prefix", "alias/app/", "--out", "aliases.yaml"]);
    assert_eq!(code, Some(0), "{err}");
    let (code, out, err) = run(&["plan", "--detailed-exitcode"]);
    assert!(code == Some(0) && out.contains(", 0 unmanaged."), "{out}{err}");
    let before = fs::read_to_string(folder.path().join("aliases.yaml")).unwrap();
    let (code, out, err) = run(&["import"]);
    assert_eq!((code, out), (Some(0), before), "nothing is left to add: {err}");
    let (code, _, err) = run(&["import", "--prefix", "alias/data/"]);
    assert!(code == Some(64) && err.contains("--prefix alias/data/: no target has anything of it"), "{err}");
    let (code, out, err) = run(&["import", "--new", "--prefix", "alias/data/"]);
    assert!(code == Some(0) && out.contains("scope: [alias/data/]\n"), "{err}");
}
