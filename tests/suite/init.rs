//! `init`: from credentials to a manifest whose first plan is empty, asked or by flags; on the sandbox, by the real program and in-process.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use kms_alias::cli::console::{Console, Ends};
use kms_alias::cli::exit::Exit;
use kms_alias::cli::run;
use kms_alias::cli::stop::Stop;
use kms_alias::load::{Input, load};
use kms_alias::sandbox::{Scenario, World};
use kms_alias::target::targets;
use tempfile::TempDir;

use crate::fake::{A, B, FakeConnect, FakeKms};
use crate::loopback::Site;
use crate::process::{kms_alias, ran, text};
use crate::ran::Stream;

/// `init` in-process, with a person who types; what stdout, stderr and the manifest then have
async fn begin(folder: &Path, args: &[&str], typed: Option<&str>) -> (Exit, String, String, Option<String>) {
    let manifest = folder.join("aliases.yaml");
    let path = manifest.to_str().unwrap();
    let args: Vec<OsString> =
        ["kms-alias", "init", "-f", path].iter().chain(args).map(OsString::from).collect();
    let (out, err) = (Stream::default(), Stream::default());
    let ends = Ends { answers: typed.is_some(), ..Ends::default() };
    let console =
        Console::new(out.clone(), err.clone(), Cursor::new(typed.unwrap_or_default().to_owned()), ends);
    let kms = FakeKms::with(&[("alias/app/a", A), ("alias/app/b", B), ("alias/data/lake", B)]);
    let exit = run(args, &console, &Stop::default(), |_| FakeConnect(kms.clone())).await;
    assert!(kms.calls_to("CreateAlias").is_empty() && kms.calls_to("UpdateAlias").is_empty());
    (exit, out.text(), err.text(), std::fs::read_to_string(manifest).ok())
}

#[tokio::test(start_paused = true)]
async fn asked_it_shows_which_prefixes_are_live_and_ends_with_a_plan_that_has_nothing_to_do() {
    let folder = TempDir::new().unwrap();
    let (exit, out, err, manifest) = begin(folder.path(), &[], Some("\n\nalias/app/\n\n")).await;
    assert_eq!(exit, Exit::Success, "{out}{err}");
    assert!(
        err.contains("alias/app/ (2), alias/data/ (1)") && err.contains("Which prefixes are yours"),
        "{err}"
    );
    assert!(out.ends_with("No changes. 2 in sync, 0 unmanaged.\n"), "{out}");
    let manifest = manifest.unwrap();
    assert!(manifest.contains("scope: [alias/app/]") && manifest.contains("111122223333"), "{manifest}");
    assert!(!manifest.contains("alias/data/"), "what was not named is not owned: {manifest}");
}

#[tokio::test(start_paused = true)]
async fn without_a_person_or_a_prefix_nothing_is_written() {
    for (args, typed) in [
        (&[][..], None),
        (&["--no-input"], Some("\n\nalias/app/\n\n")),
        (&[], Some("\n\n\n")),
        (&[], Some("\n\napp\n")),
    ] {
        let folder = TempDir::new().unwrap();
        let (exit, out, err, manifest) = begin(folder.path(), args, typed).await;
        assert!(exit != Exit::Success && manifest.is_none(), "{args:?} {typed:?}: {out}{err}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_for_the_regions_and_accounts_that_are_named() {
    let wanted = "targets:\n  account-111122223333:";
    let typed = "nowhere\neu-west-1 eu-west-1\n444455556666\nalias/app/\n\n";
    let flags = ["--regions", "us-east-1,eu-west-1", "--profiles", "444455556666", "--prefix", "alias/app/"];
    for (args, typed, accounts) in
        [(&[][..], Some(typed), &["111122223333", "444455556666"][..]), (&flags, None, &["444455556666"])]
    {
        let folder = TempDir::new().unwrap();
        let (exit, out, err, manifest) = begin(folder.path(), args, typed).await;
        assert_eq!(exit, Exit::Success, "{out}{err}");
        assert_eq!(err.contains("is no Region; write them as"), typed.is_some(), "{err}");
        let manifest = manifest.unwrap();
        assert!(manifest.contains("profile: \"444455556666\""), "{manifest}");
        assert_eq!(manifest.contains(wanted), accounts.len() == 2, "{manifest}");
        let loaded = load(&[Input::Stdin(manifest.clone().into_bytes())]).unwrap();
        let places: BTreeSet<_> = targets(&loaded)
            .into_iter()
            .filter_map(|target| Some((target.account?, target.region?)))
            .collect();
        let each = |account: &&str| {
            ["eu-west-1", "us-east-1"].map(|region| (Arc::from(*account), Arc::from(region)))
        };
        assert_eq!(places, accounts.iter().flat_map(each).collect(), "{manifest}");
        let live = if accounts.len() == 2 { 2 } else { 0 };
        assert!(out.ends_with(&format!("No changes. {live} in sync, 0 unmanaged.\n")), "{out}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_live_yet_it_begins_with_nothing() {
    let folder = TempDir::new().unwrap();
    let (exit, out, err, manifest) = begin(folder.path(), &["--prefix", "alias/new/"], None).await;
    assert_eq!(exit, Exit::Success, "{out}{err}");
    assert!(manifest.unwrap().ends_with("aliases: {}\n") && out.contains("No changes. 0 in sync"), "{out}");
    assert!(
        err.contains("Imported nothing: no alias is live under alias/new/ in 111122223333 in us-east-1; see"),
        "{err}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_prefix_that_is_no_folder_owns_its_neighbours_and_is_told_so() {
    let folder = TempDir::new().unwrap();
    let (exit, _, err, _) = begin(folder.path(), &["--prefix", "alias/da"], None).await;
    assert_eq!(exit, Exit::Success, "{err}");
    assert!(
        err.contains("the prefix alias/da owns every name that begins so, as alias/data/lake and alias/da-2"),
        "{err}"
    );
}

#[test]
fn a_profile_that_is_named_goes_before_the_credentials_of_the_environment() {
    let site = Site::new("version: 1\n", World::default(), Scenario::default());
    let config =
        "[profile other]\nregion = us-west-2\naws_access_key_id = 444455556666\naws_secret_access_key = x\n";
    let config = [config, &config.replace("other", "same")].concat();
    std::fs::write(site.path("config"), config).unwrap();
    std::fs::write(site.path("new"), "").unwrap();
    std::fs::remove_file(site.path("aliases.yaml")).unwrap();
    let run = |args: &[&str]| {
        let mut command = site.kms_alias(args);
        command.env("AWS_CONFIG_FILE", site.path("config")).output().unwrap()
    };
    for flag in ["--profiles", "--profile"] {
        let begun = run(&["init", "--prefix", "alias/app/", flag, "other"]);
        assert_eq!(begun.status.code(), Some(0), "{}", text(&begun.stderr));
        let manifest = std::fs::read_to_string(site.path("aliases.yaml")).unwrap();
        assert!(manifest.contains("account: \"444455556666\""), "{flag}: {manifest}");
        std::fs::remove_file(site.path("aliases.yaml")).unwrap();
    }
    let twice = run(&["init", "--prefix", "alias/app/", "--profiles", "other,same"]);
    assert_eq!(twice.status.code(), Some(64));
    assert!(
        text(&twice.stderr)
            .contains("the profile other and the profile same are both of account 444455556666"),
        "{}",
        text(&twice.stderr)
    );
    let unknown = run(&["init", "--prefix", "alias/app/", "--profile", "nobody"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("nobody"), "{}", text(&unknown.stderr));
    for flag in ["--profiles", "--profile"] {
        let folder = TempDir::new().unwrap();
        let mut regionless = kms_alias(folder.path(), &["init", "--prefix", "alias/app/", flag, "nobody"]);
        let unknown = regionless.env("AWS_CONFIG_FILE", site.path("config")).output().unwrap();
        let told = text(&unknown.stderr);
        assert_eq!(unknown.status.code(), Some(1));
        assert!(told.contains("find the profile \"nobody\"") && !told.contains("find a Region"), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_is_there_is_left_alone() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("aliases.yaml"), "mine").unwrap();
    let (exit, _, err, manifest) = begin(folder.path(), &["--prefix", "alias/app/"], None).await;
    assert_eq!((exit, manifest.as_deref()), (Exit::Usage, Some("mine")), "{err}");
    assert!(err.contains("kms-alias import"), "{err}");
}

#[test]
fn the_files_of_a_ci_system_are_written_once_and_never_over_others() {
    let folder = TempDir::new().unwrap();
    let args = ["init", "--sandbox", "--region", "us-east-1", "--prefix", "alias/app/"];
    let first = ran(folder.path(), &[&args[..], &["--ci", "github"]].concat());
    assert_eq!(first.status.code(), Some(0), "{}{}", text(&first.stdout), text(&first.stderr));
    for name in ["pull-request", "apply", "drift"] {
        let written = folder.path().join(format!(".github/workflows/kms-alias-{name}.yml"));
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/ci/github/{name}.yml"));
        assert_eq!(std::fs::read(&written).unwrap(), std::fs::read(example).unwrap(), "{name}");
    }
    std::fs::remove_file(folder.path().join("aliases.yaml")).unwrap();
    let second = ran(folder.path(), &[&args[..], &["--ci", "github"]].concat());
    assert_eq!(second.status.code(), Some(64), "{}", text(&second.stderr));
    assert!(!folder.path().join("aliases.yaml").exists(), "nothing was written");
    let gitlab = ran(folder.path(), &[&args[..], &["--ci", "gitlab"]].concat());
    assert_eq!(gitlab.status.code(), Some(0), "{}", text(&gitlab.stderr));
    assert!(
        folder.path().join("kms-alias.gitlab-ci.yml").exists()
            && text(&gitlab.stdout).ends_with("0 unmanaged.\n")
    );
    assert!(
        !text(&gitlab.stderr).contains("section_start") && !text(&first.stdout).contains("::"),
        "no job's commands"
    );
}

#[test]
fn the_files_of_a_ci_system_go_to_the_root_of_the_repository_and_name_the_manifest_from_there() {
    let folder = TempDir::new().unwrap();
    let elsewhere = TempDir::new().unwrap();
    let (root, live) = (folder.path(), folder.path().join("live"));
    std::fs::create_dir_all(root.join(".git")).unwrap();
    std::fs::create_dir(&live).unwrap();
    let begin = |file: &Path, ci: &str| {
        let args = ["init", "--sandbox", "--region", "us-east-1", "--prefix", "alias/app/", "--ci", ci, "-f"];
        ran(&live, &[&args[..], &[file.to_str().unwrap()]].concat())
    };
    for (file, ci, path) in [
        (Path::new("aliases.yaml"), "github", "live/aliases.yaml"),
        (Path::new("my keys.yaml"), "github", "\"live/my keys.yaml\""),
        (Path::new("../aliases-of-all.yaml"), "github", "aliases-of-all.yaml"),
        (&root.join("absolute.yaml"), "github", "absolute.yaml"),
        (&root.join("gitlab.yaml"), "gitlab", "gitlab.yaml"),
    ] {
        let begun = begin(file, ci);
        assert_eq!(begun.status.code(), Some(0), "{file:?}: {}", text(&begun.stderr));
        let (names, changes) = match ci {
            "gitlab" => (&["kms-alias.gitlab-ci.yml"][..], "changes"),
            _ => (
                &[".github/workflows/kms-alias-pull-request.yml", ".github/workflows/kms-alias-apply.yml"][..],
                "paths",
            ),
        };
        for name in names {
            assert!(text(&begun.stderr).contains(&format!("Wrote ../{name}: ")), "{}", text(&begun.stderr));
            let written = std::fs::read_to_string(root.join(name)).unwrap();
            assert!(written.contains(&format!("KMS_ALIAS_FILE: {path}\n")), "{written}");
            assert!(written.contains(&format!("{changes}: [{path}]\n")), "{written}");
        }
        _ = std::fs::remove_dir_all(root.join(".github"));
    }
    for (file, says) in [
        (elsewhere.path().join("aliases.yaml"), "where the files of the CI system go"),
        (live.join("a*.yaml"), "has a character that is not itself in the files of a CI system"),
    ] {
        let refused = begin(&file, "github");
        assert_eq!(refused.status.code(), Some(64), "{}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains(says), "{}", text(&refused.stderr));
        assert!(!file.exists() && !root.join(".github").exists(), "nothing was written");
        let begun = begin(&file, "none");
        assert_eq!(begun.status.code(), Some(0), "{}", text(&begun.stderr));
    }
}
