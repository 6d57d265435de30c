//! `fmt`: files before and after, byte by byte. Whole commands, which ask nobody.

use std::fs;
use std::path::Path;

use kms_alias::cli::exit::Exit;
use kms_alias::kms::connect::AwsConnect;
use tempfile::TempDir;

use crate::ran::{Ran, run_args};

const UNTIDY: &str = "\
version:   1
aliases: # ours
    alias/app/b:   absent
    # the first
    alias/app/a: \"absent\"
scope: [ alias/app/ ]
";
const TIDY: &str = "\
version: 1
scope: [alias/app/]
aliases:  # ours
  # the first
  alias/app/a: absent
  alias/app/b: absent
";

async fn fmt(path: &Path, args: &[&str]) -> Ran {
    run_args(AwsConnect::new, &[&["fmt", "-f", path.to_str().unwrap()], args].concat(), None).await
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[tokio::test]
async fn the_files_that_are_not_as_everybody_writes_them_are_written_anew_and_named() {
    let more = "aliases: {}\n";
    let folder = folder(&[("a.yaml", UNTIDY), ("b.yaml", more)]);
    let path = folder.path().join("a.yaml");
    let ran = fmt(folder.path(), &[]).await;
    assert_eq!((ran.exit, ran.out, &*ran.err), (Exit::Success, format!("{}\n", path.display()), ""));
    assert_eq!(fs::read_to_string(&path).unwrap(), TIDY);
    assert_eq!(fs::read_to_string(folder.path().join("b.yaml")).unwrap(), more);
    let again = fmt(folder.path(), &[]).await;
    assert_eq!((again.exit, &*again.out, &*again.err), (Exit::Success, "", ""));
    assert_eq!(fmt(folder.path(), &["--check"]).await.exit, Exit::Success);
}

#[tokio::test]
async fn a_check_shows_what_would_change_and_writes_nothing() {
    let folder = folder(&[("a.yaml", UNTIDY)]);
    let ran = fmt(folder.path(), &["--check"]).await;
    assert_eq!((ran.exit, &*ran.err), (Exit::Differences, ""));
    assert!(
        ran.out.contains("\n-    alias/app/b:   absent\n") && ran.out.contains("\n+  alias/app/b: absent\n"),
        "{}",
        ran.out
    );
    assert_eq!(fs::read_to_string(folder.path().join("a.yaml")).unwrap(), UNTIDY);
}

#[tokio::test]
async fn a_manifest_that_does_not_load_is_left_alone_with_all_its_files() {
    let bad = "aliases: {alias/other: absent}\n";
    let folder = folder(&[("a.yaml", UNTIDY), ("b.yaml", bad)]);
    let ran = fmt(folder.path(), &[]).await;
    assert_eq!((ran.exit, &*ran.out), (Exit::Manifest, ""));
    assert!(ran.err.contains("`alias/other` is outside the scope"), "{}", ran.err);
    assert_eq!(fs::read_to_string(folder.path().join("a.yaml")).unwrap(), UNTIDY);
}

#[tokio::test]
async fn what_comes_through_stdin_goes_to_stdout() {
    let ran = run_args(AwsConnect::new, &["fmt", "-f", "-"], Some(UNTIDY)).await;
    assert_eq!((ran.exit, &*ran.out, &*ran.err), (Exit::Success, TIDY, ""));
    let same = run_args(AwsConnect::new, &["fmt", "-f", "-"], Some(TIDY)).await;
    assert_eq!((same.exit, &*same.out), (Exit::Success, TIDY));
    let windows = |text: &str| text.replace('\n', "\r\n");
    let ran = run_args(AwsConnect::new, &["fmt", "-f", "-"], Some(&windows(UNTIDY))).await;
    assert_eq!((ran.exit, ran.out, &*ran.err), (Exit::Success, windows(TIDY), ""));
    let check = run_args(AwsConnect::new, &["fmt", "--check", "-f", "-"], Some(UNTIDY)).await;
    assert_eq!(check.exit, Exit::Differences);
    let command = TIDY.replace("# the first", "# ##[set-output name=x]");
    let ran = run_args(AwsConnect::new, &["fmt", "-f", "-"], Some(&command)).await;
    assert_eq!((ran.exit, &*ran.out), (Exit::Runtime, ""));
    assert!(
        ran.err.contains("failed to print the manifest: it holds what stdout does not take"),
        "{}",
        ran.err
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_keeps_its_mode_its_byte_order_mark_and_its_line_ends() {
    use std::os::unix::fs::PermissionsExt;
    let marked = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let folder = folder(&[("a.yaml", &marked(UNTIDY))]);
    let path = folder.path().join("a.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(fmt(&path, &[]).await.exit, Exit::Success);
    assert_eq!(fs::read_to_string(&path).unwrap(), marked(TIDY));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
}
