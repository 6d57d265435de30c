//! Saved plans: carried out as they are or not at all, whatever has moved since, or been written into them. Whole commands on
//! FakeKms.

use std::time::Duration;

use aws_smithy_types::date_time::{DateTime, Format};
use kms_alias::cli::exit::Exit;
use kms_alias::kms::KmsRead;
use kms_alias::sandbox::{Delay, Effect, Fault, Home, Key, LagPlan, Scenario};
use serde_json::Value;
use tempfile::TempDir;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::fake::{A, ACCOUNT, B, C, FakeConnect, FakeKms, REGION, home, world};
use crate::ran::{Ran, run_args, run_on};

const LIVE: [(&str, &str); 4] =
    [("alias/app/gone", C), ("alias/app/moved", A), ("alias/app/old", B), ("alias/app/same", A)];

const MANIFEST: &str = "version: 1\nscope: [alias/app/]\naliases:\n  \
    alias/app/gone: absent\n  \
    alias/app/moved: bbbb2222-0000-4000-8000-000000000002\n  \
    alias/app/new: aaaa1111-0000-4000-8000-000000000001\n  \
    alias/app/now: {key: bbbb2222-0000-4000-8000-000000000002, previously: [alias/app/old]}\n  \
    alias/app/same: aaaa1111-0000-4000-8000-000000000001\n";

/// A folder with a plan in it
struct Saved {
    folder: TempDir,
}

impl Saved {
    async fn new(kms: &FakeKms, manifest: &str, args: &[&str]) -> Self {
        let saved = Self { folder: TempDir::new().unwrap() };
        let ran = run_on(kms, manifest, &[&["plan", "--out", &saved.path()], args].concat(), None).await;
        assert!(ran.err.contains("carry it out with: kms-alias apply "), "{}", ran.err);
        saved
    }

    fn path(&self) -> String {
        self.folder.path().join("plan.json").to_str().unwrap().to_owned()
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }

    fn digest(&self) -> String {
        serde_json::from_str::<Value>(&self.text()).unwrap()["digest"].as_str().unwrap().to_owned()
    }

    fn change(&self, change: impl Fn(&mut Value)) {
        let mut document: Value = serde_json::from_str(&self.text()).unwrap();
        change(&mut document);
        std::fs::write(self.path(), document.to_string()).unwrap();
    }

    async fn apply(&self, kms: &FakeKms, manifest: &str, args: &[&str]) -> Ran {
        run_on(kms, manifest, &[&["apply", &self.path()], args].concat(), None).await
    }
}

fn writes(kms: &FakeKms) -> usize {
    ["CreateAlias", "UpdateAlias", "DeleteAlias"].iter().map(|operation| kms.calls_to(operation).len()).sum()
}

fn put(kms: &FakeKms, name: &str, key: &str) {
    let at = kms.at();
    kms.service().world_mut().put_alias(&home(), name, Some(key), at);
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_written_over_no_file_that_is_something_else() {
    let kms = FakeKms::new(world(&LIVE), Scenario::default());
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (manifest, other, state, plan) =
        (path("aliases.yaml"), path("main.tf"), path("world.json"), path("plan"));
    for (file, text) in
        [(&manifest, MANIFEST), (&other, "resource {}"), (&state, "{\"format_version\": \"1.0\"}")]
    {
        std::fs::write(file, text).unwrap();
    }
    let run = async |out: &str| {
        run_args(|_| FakeConnect(kms.clone()), &["plan", "-f", &manifest, "--out", out], None).await
    };
    let refused = run(&manifest).await;
    assert_eq!(refused.exit, Exit::Usage, "{}", refused.err);
    assert!(refused.err.contains("this run reads that file"), "{}", refused.err);
    for out in [&other, &state] {
        let refused = run(out).await;
        assert_eq!(refused.exit, Exit::Usage, "{}", refused.err);
        assert!(refused.err.contains("there is a file already, and it is no saved plan"), "{}", refused.err);
    }
    let run_sandbox = async |state: &str| {
        let state = format!("--sandbox={state}");
        run_args(|_| FakeConnect(kms.clone()), &["plan", "-f", &manifest, &state, "--out", &plan], None).await
    };
    let refused = run_sandbox(&plan).await;
    assert!(
        refused.exit == Exit::Usage && refused.err.contains("this run reads that file"),
        "{}",
        refused.err
    );
    let refused = run("-").await;
    assert_eq!(refused.exit, Exit::Usage, "{}", refused.err);
    assert!(kms.service().calls().is_empty(), "refused before anything is read");
    assert_eq!(std::fs::read_to_string(&manifest).unwrap(), MANIFEST);
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "resource {}");
    std::fs::write(&plan, "").unwrap();
    for _ in 0..2 {
        let saved = run(&plan).await;
        assert_eq!(saved.exit, Exit::Success, "an empty file, and then a plan, may go: {}", saved.err);
    }
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_is_carried_out_without_a_question_and_the_second_time_it_is_there_already() {
    let kms = FakeKms::with(&LIVE);
    let saved = Saved::new(&kms, MANIFEST, &[]).await;
    let ran = saved.apply(&kms, MANIFEST, &["--expect-digest", &saved.digest()]).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("converged after"), "{}", ran.out);
    let (truth, before) = (kms.truth(), writes(&kms));
    let again = saved.apply(&kms, MANIFEST, &[]).await;
    assert_eq!(
        (again.exit, &*again.out),
        (Exit::Success, "Already applied: every alias of the plan is as it wants it.\n")
    );
    assert_eq!((kms.truth(), writes(&kms)), (truth, before));
}

#[tokio::test(start_paused = true)]
async fn what_an_apply_that_ended_early_left_is_done_by_the_next() {
    let fault = Fault::new("CreateAlias", Effect::AccessDenied).times(2);
    let kms = FakeKms::new(world(&LIVE), Scenario { faults: vec![fault], ..Scenario::default() });
    let saved = Saved::new(&kms, MANIFEST, &[]).await;
    let first = saved.apply(&kms, MANIFEST, &[]).await;
    assert_eq!(first.exit, Exit::Incomplete, "{}", first.out);
    let second = saved.apply(&kms, MANIFEST, &[]).await;
    assert_eq!(second.exit, Exit::Success, "{}{}", second.out, second.err);
    assert!(second.out.contains("2 created") || second.out.contains("1 created"), "{}", second.out);
    let names: Vec<_> = kms.truth().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["alias/app/moved", "alias/app/new", "alias/app/now", "alias/app/same"]);
}

async fn stale(kms: &FakeKms, saved: &Saved, manifest: &str, words: &str) {
    let before = (kms.truth(), writes(kms));
    let ran = saved.apply(kms, manifest, &[]).await;
    assert_eq!(ran.exit, Exit::Stale, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(words), "{words:?} is not in {}", ran.err);
    assert!(ran.err.contains("the plan is stale; nothing was written\nhint: plan again"), "{}", ran.err);
    assert_eq!((kms.truth(), writes(kms)), before);
}

/// What happens between the plan and the apply, the manifest of the apply, and what makes the plan stale
type Move<'m> = (&'m dyn Fn(&FakeKms), &'m str, &'m str);

#[tokio::test(start_paused = true)]
async fn a_plan_that_the_world_or_the_manifest_has_left_behind_writes_nothing() {
    let stays = |_: &FakeKms| {};
    let moves: [Move<'_>; 6] = [
        (
            &|kms| put(kms, "alias/app/moved", C),
            MANIFEST,
            "alias/app/moved: somebody has changed it since: the plan saw it on aaaa",
        ),
        (
            &|kms| put(kms, "alias/app/new", C),
            MANIFEST,
            "alias/app/new: somebody has changed it since: the plan saw it gone",
        ),
        (&|kms| put(kms, "alias/app/gone", A), MANIFEST, "alias/app/gone: somebody has changed it since"),
        (
            &stays,
            &MANIFEST.replace(
                "alias/app/moved: bbbb2222-0000-4000-8000-000000000002",
                &format!("alias/app/moved: {C}"),
            ),
            "alias/app/moved: it was to retarget from aaaa1111-0000-4000-8000-000000000001 to bbbb2222-0000-4000-8000-000000000002, and would retarget",
        ),
        (
            &stays,
            &MANIFEST.replace("  alias/app/new: aaaa1111-0000-4000-8000-000000000001\n", ""),
            "alias/app/new: it was to create on aaaa1111-0000-4000-8000-000000000001, and the manifest does not ask for that now",
        ),
        (
            &|kms| {
                kms.service().world_mut().set_key_state(
                    &home(),
                    B,
                    kms_alias::sandbox::KeyState::PendingDeletion,
                )
            },
            MANIFEST,
            "alias/app/moved: key bbbb2222-0000-4000-8000-000000000002 is pending deletion",
        ),
    ];
    for (change, manifest, words) in moves {
        let kms = FakeKms::with(&LIVE);
        let saved = Saved::new(&kms, MANIFEST, &[]).await;
        change(&kms);
        stale(&kms, &saved, manifest, words).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_plan_does_not_name_is_left_alone_though_it_has_drifted() {
    let kms = FakeKms::with(&LIVE);
    let saved = Saved::new(&kms, MANIFEST, &[]).await;
    put(&kms, "alias/app/same", C);
    let ran = saved.apply(&kms, MANIFEST, &[]).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    assert!(kms.truth().contains(&("alias/app/same".to_owned(), C.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_previous_name_that_came_up_after_the_plan_was_saved_is_not_deleted() {
    let kms = FakeKms::with(&LIVE[..2]);
    let saved = Saved::new(&kms, MANIFEST, &[]).await;
    put(&kms, "alias/app/old", C);
    let ran = saved.apply(&kms, MANIFEST, &[]).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("+ alias/app/now ") && !ran.out.contains("alias/app/old"), "{}", ran.out);
    assert!(kms.truth().contains(&("alias/app/old".to_owned(), C.to_owned())), "{:?}", kms.truth());
}

#[tokio::test(start_paused = true)]
async fn guards_look_at_the_live_counts_of_the_apply() {
    let names: Vec<String> = (0..20).map(|i| format!("alias/app/{i:02}")).collect();
    let live: Vec<_> = names.iter().map(|name| (name.as_str(), A)).collect();
    let kms = FakeKms::with(&live);
    let lines: String = names[..5].iter().map(|name| format!("  {name}: absent\n")).collect();
    let manifest = format!("version: 1\nscope: [alias/app/]\naliases:\n{lines}");
    let saved = Saved::new(&kms, &manifest, &[]).await;
    for name in &names[10..] {
        let at = kms.at();
        kms.service().world_mut().remove_alias(&home(), name, at);
    }
    let ran = saved.apply(&kms, &manifest, &[]).await;
    assert_eq!(ran.exit, Exit::Refused, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("would delete 5 of 10 live names (50 %)"), "{}", ran.out);
    assert_eq!(writes(&kms), 0);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_was_written_into_is_refused() {
    let kms = FakeKms::with(&LIVE);
    type Edit = fn(&mut Value);
    let edits: [(Edit, Exit, &str); 8] = [
        (
            |plan| plan["targets"][0]["changes"][1]["after"] = C.into(),
            Exit::Stale,
            "was changed after it was saved",
        ),
        (
            |plan| plan["allow"] = serde_json::json!(["mass-delete"]),
            Exit::Stale,
            "was changed after it was saved",
        ),
        (|plan| plan["kind"] = "receipt".into(), Exit::Manifest, "a document of kind \"receipt\""),
        (|plan| plan["format_version"] = "2.0".into(), Exit::Manifest, "format version 2.0"),
        (
            |plan| plan["created_at"] = "2020-01-01T00:00:00Z".into(),
            Exit::Stale,
            "longer ago than --max-plan-age allows",
        ),
        (|plan| plan["created_at"] = "yesterday".into(), Exit::Stale, "does not say when it was made"),
        (
            |plan| plan["targets"][0]["name"] = "other".into(),
            Exit::Stale,
            "the manifest has no target \"other\"",
        ),
        (|plan| plan["errored"] = true.into(), Exit::Refused, "a target could not be read when it was made"),
    ];
    for (edit, exit, words) in edits {
        let saved = Saved::new(&kms, MANIFEST, &[]).await;
        saved.change(edit);
        let ran = saved.apply(&kms, MANIFEST, &[]).await;
        assert_eq!(ran.exit, exit, "{words}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(words) && ran.err.contains("\nhint: "), "{words:?} is not in {}", ran.err);
        assert_eq!(writes(&kms), 0);
    }
    let saved = Saved::new(&kms, MANIFEST, &[]).await;
    saved.change(|plan| plan["targets"][0]["novelty"] = 1.into());
    assert_eq!(saved.apply(&kms, MANIFEST, &[]).await.exit, Exit::Success, "later minor versions add fields");
}

fn in_prod(account: &str, region: &str) -> String {
    let prod = format!("targets: {{prod: {{account: \"{account}\", region: {region}}}}}");
    format!("version: 1\nscope: [alias/app/]\n{prod}\naliases:\n  alias/app/x: {A}\n")
}

#[tokio::test(start_paused = true)]
async fn a_plan_for_another_account_or_region_than_the_manifests_is_refused_though_its_digest_is_right() {
    for (account, region, words) in [
        (ACCOUNT, "eu-west-1", "in Region eu-west-1, and the manifest has it in us-east-1"),
        ("444455556666", REGION, "in account 444455556666, and the manifest has it in 111122223333"),
    ] {
        let mut world = world(&[]);
        world.put_key(&Home::new(account, region), Key::new(A));
        let kms = FakeKms::new(world, Scenario::default());
        let saved = Saved::new(&kms, &in_prod(account, region), &[]).await;
        // The digest knows no target names, so this plan says of itself that nobody has changed it.
        saved.change(|plan| plan["targets"][0]["name"] = format!("prod/{ACCOUNT}/{REGION}").into());
        let ran = saved.apply(&kms, &in_prod(ACCOUNT, REGION), &[]).await;
        assert_eq!((ran.exit, writes(&kms)), (Exit::Stale, 0), "{}{}", ran.out, ran.err);
        assert!(ran.err.contains(words), "{words:?} is not in {}", ran.err);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_does_not_say_where_it_is_for_or_names_a_target_twice_is_refused() {
    let kms = FakeKms::with(&LIVE);
    let empty = "sha256:c5cb5913997624a453105d838e98e0b87a45c210ac566966726800d164673c04";
    type Edit = fn(&mut Value);
    let edits: [(Edit, &str); 3] = [
        (
            |plan| plan["targets"][0]["account"] = Value::Null,
            "which account target \"default\" was planned in",
        ),
        (|plan| plan["targets"][0]["region"] = Value::Null, "which Region target \"default\" was planned in"),
        (
            |plan| {
                // Each half of it stays under what a guard lets pass.
                let mut other = plan["targets"][0].clone();
                let half = other["changes"].as_array_mut().unwrap().split_off(2);
                plan["targets"][0]["changes"] = half.into();
                plan["targets"].as_array_mut().unwrap().push(other);
            },
            "it names target \"default\" twice",
        ),
    ];
    for (edit, words) in edits {
        let saved = Saved::new(&kms, MANIFEST, &[]).await;
        saved.change(edit);
        // No change of a target that is nowhere is in the digest.
        if words.starts_with("which") {
            saved.change(|plan| plan["digest"] = empty.into());
        }
        let ran = saved.apply(&kms, MANIFEST, &[]).await;
        assert_eq!((ran.exit, writes(&kms)), (Exit::Stale, 0), "{}{}", ran.out, ran.err);
        assert!(ran.err.contains(words), "{words:?} is not in {}", ran.err);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_from_a_time_that_has_not_come_is_refused_unless_the_clocks_are_near() {
    for (minutes, exit) in [(60, Exit::Stale), (3, Exit::Success)] {
        let kms = FakeKms::with(&LIVE);
        let saved = Saved::new(&kms, MANIFEST, &[]).await;
        saved.change(|plan| {
            let made = OffsetDateTime::parse(plan["created_at"].as_str().unwrap(), &Rfc3339).unwrap();
            let made = DateTime::from_secs(made.unix_timestamp() + 60 * minutes);
            plan["created_at"] = made.fmt(Format::DateTime).unwrap().into();
        });
        let shown = run_on(&kms, MANIFEST, &["show", &saved.path()], None).await;
        let ran = saved.apply(&kms, MANIFEST, &[]).await;
        assert_eq!(ran.exit, exit, "{}{}", ran.out, ran.err);
        for err in [shown.err, ran.err] {
            assert_eq!(
                err.contains("which is still to come here: the clocks differ"),
                exit == Exit::Stale,
                "{err}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_part_of_a_saved_plan_is_carried_out_without_the_rest() {
    let kms = FakeKms::with(&LIVE);
    let saved = Saved::new(&kms, MANIFEST, &[]).await;
    for part in [["--target", "default"], ["--shard", "0/1"]] {
        let ran = saved.apply(&kms, MANIFEST, &part).await;
        assert_eq!((ran.exit, writes(&kms)), (Exit::Usage, 0), "{part:?}");
        assert!(
            ran.err.starts_with("error: a saved plan is carried out as a whole\nhint: leave "),
            "{}",
            ran.err
        );
    }
}

#[tokio::test(start_paused = true)]
async fn held_and_refused_plans_are_saved_and_never_applied() {
    let held = MANIFEST.replace(B, "99999999-0000-4000-8000-000000000009");
    let refused = format!("protect: [{{match: \"alias/app/gone\", from: [delete]}}]\n{MANIFEST}");
    for (manifest, words) in [(&*held, "of its changes are held"), (&*refused, "a guard refused it")] {
        let kms = FakeKms::with(&LIVE);
        let saved = Saved::new(&kms, manifest, &[]).await;
        let ran = saved.apply(&kms, manifest, &[]).await;
        assert_eq!(ran.exit, Exit::Refused, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains(words), "{}", ran.err);
        assert_eq!(writes(&kms), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_digest_that_nobody_approved_writes_nothing_with_or_without_a_file() {
    let kms = FakeKms::with(&LIVE);
    let saved = Saved::new(&kms, MANIFEST, &[]).await;
    let ran = saved.apply(&kms, MANIFEST, &["--expect-digest", "sha256:0"]).await;
    assert!(ran.exit == Exit::Stale && ran.err.contains("and sha256:0 was expected"), "{}", ran.err);
    let ran = run_on(&kms, MANIFEST, &["apply", "-y", "--expect-digest", "sha256:0"], None).await;
    assert!(ran.exit == Exit::Stale && ran.err.contains("and sha256:0 was expected"), "{}", ran.err);
    assert_eq!(writes(&kms), 0);
    let ran = run_on(&kms, MANIFEST, &["apply", "-y", "--expect-digest", &saved.digest()], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
}

#[tokio::test(start_paused = true)]
async fn what_was_allowed_and_pruned_when_it_was_saved_is_when_it_is_applied() {
    let kms = FakeKms::with(&LIVE);
    let manifest = format!("protect: [{{match: \"alias/app/gone\", from: [delete]}}]\n{MANIFEST}");
    put(&kms, "alias/app/stray", C);
    let saved = Saved::new(&kms, &manifest, &["--allow", "protected", "--prune"]).await;
    put(&kms, "alias/app/later", C);
    let ran = saved.apply(&kms, &manifest, &[]).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    let names: Vec<_> = kms.truth().into_iter().map(|(name, _)| name).collect();
    let wanted = ["alias/app/later", "alias/app/moved", "alias/app/new", "alias/app/now", "alias/app/same"];
    assert_eq!(names, wanted, "what came later was in no plan");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_file_or_no_plan_is_told_so() {
    let kms = FakeKms::with(&LIVE);
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "hello\u{1b}[2J").unwrap();
    let cases = [
        (folder.path().join("gone"), Exit::Runtime, "failed to read the plan"),
        (text, Exit::Manifest, "this is no saved plan"),
        ("/dev/zero".into(), Exit::Runtime, "not a file"),
    ];
    for (path, exit, words) in cases.into_iter().take(if cfg!(unix) { 3 } else { 2 }) {
        let ran = run_on(&kms, MANIFEST, &["apply", path.to_str().unwrap()], None).await;
        assert!(ran.exit == exit && ran.err.contains(words), "{:?} {}", ran.exit, ran.err);
    }
    assert_eq!(writes(&kms), 0);
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_saved_plan_is_for_its_owner_alone_and_follows_no_link() {
    use std::os::unix::fs::PermissionsExt;
    let kms = FakeKms::with(&LIVE);
    let folder = TempDir::new().unwrap();
    let [victim, path] = ["victim", "plan.json"].map(|name| folder.path().join(name));
    std::fs::write(&victim, "mine").unwrap();
    std::os::unix::fs::symlink(&victim, &path).unwrap();
    let ran = run_on(&kms, MANIFEST, &["plan", "--out", path.to_str().unwrap()], None).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "mine");
    let metadata = path.symlink_metadata().unwrap();
    assert!(metadata.is_file() && metadata.permissions().mode() & 0o777 == 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_is_shown_again_as_it_was_shown_when_it_was_made() {
    let held = MANIFEST.replace("alias/app/new: aaaa1111-", "alias/app/new: 99999999-");
    let refused = format!(
        "protect: [{{match: \"alias/app/gone\", from: [delete]}}]\nignore: [alias/app/nobody]\n{MANIFEST}"
    );
    let kept = MANIFEST.replace("previously: [", "retain_previous: true, previously: [");
    for manifest in [MANIFEST, &held, &refused, &kept, "version: 1\nscope: [alias/app/]\naliases: {}\n"] {
        let kms = FakeKms::with(&LIVE);
        put(&kms, "alias/app/stray", C);
        for form in ["text", "json"] {
            let folder = TempDir::new().unwrap();
            let path = folder.path().join("plan.json").to_str().unwrap().to_owned();
            let made = run_on(&kms, manifest, &["plan", "--access", "--out", &path, "-o", form], None).await;
            let calls = kms.service().calls().len();
            let shown = run_on(&kms, manifest, &["show", &path, "-o", form], None).await;
            assert_eq!(shown.exit, Exit::Success, "{}", shown.err);
            let document: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let place = document["targets"][0]["changes"][0]["source"]["file"].as_str().unwrap_or("none");
            let lines = shown.out.split_inclusive('\n').filter(|line| !line.starts_with("  \"created_at\""));
            let shown = lines.collect::<String>().replace(place, "aliases.yaml");
            assert_eq!(shown, made.out, "{manifest}");
            assert_eq!(kms.service().calls().len(), calls, "it is offline");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_shown_of_a_saved_plan_says_why_apply_will_refuse_it() {
    let kms = FakeKms::with(&LIVE);
    let saved = Saved::new(&kms, MANIFEST, &[]).await;
    let path = saved.path();
    let show = async |args: &[&str]| run_on(&kms, MANIFEST, &[&["show", &path], args].concat(), None).await;
    assert_eq!(show(&[]).await.err, "");
    let old = show(&["--max-plan-age", "0s"]).await;
    assert!(
        old.exit == Exit::Success && old.err.contains("will refuse this plan: it was made at "),
        "{}",
        old.err
    );
    let diff = show(&["-o", "diff"]).await.out;
    for line in [
        "--- live default",
        "-  alias/app/gone: cccc3333",
        "+  alias/app/new: aaaa1111",
        "-  alias/app/old: bbbb2222",
    ] {
        assert!(diff.contains(line), "{line:?} is not in {diff}");
    }
    saved.change(|document| document["targets"][0]["changes"][0]["alias"] = "alias/app/other".into());
    let changed = show(&[]).await;
    let words = "warning: apply will refuse this plan: its digest is not that of its writes";
    assert!(changed.exit == Exit::Success && changed.err.contains(words), "{}", changed.err);
    saved.change(|document| document["format_version"] = "2.0".into());
    let later = show(&[]).await;
    assert!(later.exit == Exit::Manifest && later.err.contains("has format version 2.0"), "{}", later.err);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_was_deleted_is_waited_for_though_a_late_replica_lacks_the_one_that_it_has_become() {
    let lag = LagPlan {
        replicas: vec![Delay(Duration::ZERO), Delay(Duration::from_secs(30))],
        ..LagPlan::default()
    };
    let manifest = "version: 1\nscope: [alias/app/]\naliases:\n  \
        alias/app/new: {key: aaaa1111-0000-4000-8000-000000000001, previously: [alias/app/old]}\n";
    let kms = FakeKms::new(world(&[("alias/app/old", A)]), Scenario { lag, ..Scenario::default() });
    tokio::time::advance(Duration::from_secs(60)).await;
    put(&kms, "alias/app/new", A);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("plan.json").to_str().unwrap().to_owned();
    // Replicas answer in turn: a listing more between, and another one is asked.
    let shows = "has become alias/app/new";
    while !run_on(&kms, manifest, &["plan", "--out", &path], None).await.out.contains(shows) {
        kms.alias_page(None).await.unwrap();
    }
    let mut ran = run_on(&kms, manifest, &["apply", &path], None).await;
    for more in [0, 1, 0, 1] {
        if ran.exit == Exit::Stale {
            for _ in 0..more {
                kms.alias_page(None).await.unwrap();
            }
            ran = run_on(&kms, manifest, &["apply", &path], None).await;
        }
    }
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    let deleted = kms.calls_to("DeleteAlias")[0].at;
    assert!(kms.at() - deleted >= 30_000, "the late replica still shows it: {}", ran.out);
}
