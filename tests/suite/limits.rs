//! How much is read of what a person names: files that are too large, directories that lead too far, and what has no end.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use kms_alias::load::{Input, load};

use crate::process::{kms_alias, text, with_manifest};

const GOOD: &str = "version: 1\nscope: [alias/app/]\naliases: {}\n";
const HEAD: &str = "version: 1\nscope: [alias/app/]\n";

/// Every flag that names a file, the limit in MiB, and the hint's beginning
const FILES: [(&[&str], u64, &str); 7] = [
    (&["validate", "-f", "FILE"], 256, "see whether it is the file that is meant"),
    (&["show", "FILE"], 1024, "see with `ls -lL PATH`"),
    (&["revert", "FILE", "--sandbox"], 1024, "see with `ls -lL PATH`"),
    (&["plan", "--sandbox", "--access", "--access-policy", "FILE"], 256, "see with `ls -lL PATH`"),
    (&["plan", "--sandbox", "--scenario", "FILE"], 1, "see with `ls -lL PATH`"),
    (&["plan", "--sandbox=FILE"], 1024, "see with `ls -lL PATH`"),
    (&["sandbox", "--sandbox=FILE"], 1024, "see with `ls -lL PATH`"),
];

/// What is told when `file` takes the place of FILE
fn told(directory: &Path, args: &[&str], file: &str) -> String {
    let args: Vec<_> = args.iter().map(|arg| arg.replace("FILE", file)).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let ran = kms_alias(directory, &args).output().unwrap();
    assert!(matches!(ran.status.code(), Some(1 | 3)), "{args:?}: {:?}", ran.status);
    text(&ran.stderr).to_owned()
}

#[test]
fn a_file_that_is_too_large_is_refused_with_its_limit_wherever_it_is_named() {
    let directory = with_manifest(GOOD);
    for (args, mib, hint) in FILES {
        // It takes no place on the disk.
        File::create(directory.path().join("large")).unwrap().set_len((mib << 20) + 1).unwrap();
        let told = told(directory.path(), args, "large");
        assert!(
            told.contains("large") && told.contains(&format!("larger than {mib} MiB")),
            "{args:?}: {told}"
        );
        assert!(told.contains(hint), "{args:?}: {told}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_writes_to_and_a_device_without_an_end_are_refused_at_once() {
    let directory = with_manifest(GOOD);
    let pipe = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (args, ..) in FILES {
        for file in ["pipe", "/dev/zero"] {
            let told = told(directory.path(), args, file);
            assert!(told.contains("not a file") || told.contains("it is no file"), "{args:?} {file}: {told}");
        }
    }
    let inside = directory.path().join("inside");
    fs::create_dir(&inside).unwrap();
    fs::rename(pipe, inside.join("a.yaml")).unwrap();
    assert!(told(directory.path(), &["validate", "-f", "FILE"], "inside").contains("a pipe, not a file"));
}

#[cfg(unix)]
#[test]
fn a_pipe_that_comes_with_the_process_is_a_file_like_any_other() {
    let directory = with_manifest(GOOD);
    // As an argument, since the path may hold a space.
    let script = ["-c", "\"$0\" validate -f <(cat aliases.yaml)", env!("CARGO_BIN_EXE_kms-alias")];
    let ran = Command::new("bash").args(script).current_dir(directory.path()).output().unwrap();
    assert_eq!(text(&ran.stdout), "Valid: 0 aliases in 1 target.\n", "{}", text(&ran.stderr));
}

#[cfg(unix)]
#[test]
fn standard_input_without_an_end_is_read_up_to_the_limit() {
    let directory = with_manifest(GOOD);
    let endless = Stdio::from(File::open("/dev/zero").unwrap());
    let ran = kms_alias(directory.path(), &["validate", "-f", "-"]).stdin(endless).output().unwrap();
    let told = "error: failed to read the manifest from standard input: it is larger than 256 MiB";
    assert_eq!(ran.status.code(), Some(1));
    assert!(text(&ran.stderr).starts_with(told), "{}", text(&ran.stderr));
}

#[test]
fn the_files_of_a_directory_share_one_limit() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.yaml"), GOOD).unwrap();
    for name in ["b.yaml", "c.yaml"] {
        File::create(directory.path().join(name)).unwrap().set_len(129 << 20).unwrap();
    }
    let error = load(&[Input::Path(directory.path().to_owned())]).unwrap_err().render(false);
    assert!(
        error.contains("c.yaml` makes the manifest larger than 256 MiB"),
        "{}",
        &error[..error.len().min(500)]
    );
}

#[cfg(unix)]
#[test]
fn links_between_directories_cannot_make_a_walk_without_end() {
    let directory = tempfile::tempdir().unwrap();
    for level in 0..40 {
        let here = directory.path().join(format!("d{level}"));
        fs::create_dir(&here).unwrap();
        for name in ["one", "other"] {
            std::os::unix::fs::symlink(format!("../d{}", level + 1), here.join(name)).unwrap();
        }
    }
    fs::create_dir(directory.path().join("d40")).unwrap();
    fs::write(directory.path().join("d40/a.yaml"), GOOD).unwrap();
    let error = load(&[Input::Path(directory.path().join("d0"))]).unwrap_err();
    assert_eq!(error.to_json()["problems"][0]["code"], "too-many-files");
    assert!(error.render(false).contains("take links between directories out of it"));
}

#[test]
fn what_a_few_lines_multiply_to_is_counted_before_it_is_made() {
    let accounts: Vec<_> = (0..1_000).map(|n| format!("\"{n:012}\"")).collect();
    let regions: Vec<_> = (0..676).map(|n| format!("{}{}-east-1", letter(n / 26), letter(n % 26))).collect();
    let target = |regions: &[String]| {
        format!(
            "targets: {{all: {{accounts: [{}], regions: [{}]}}}}\n",
            accounts.join(","),
            regions.join(",")
        )
    };
    let aliases: String = (0..10_001).map(|n| format!("  alias/app/{n}: absent\n")).collect();
    for (text, told) in [
        (format!("{HEAD}{}aliases: {{}}\n", target(&regions)), "accounts x Regions make 676000 targets"),
        (
            format!("{HEAD}{}aliases:\n{aliases}", target(&regions[..1])),
            "aliases x targets make 10001000 declarations",
        ),
    ] {
        let error = load(&[Input::Stdin(text.into_bytes())]).unwrap_err();
        assert!(error.to_json()["problems"][0]["message"].as_str().unwrap().starts_with(told), "{error}");
    }
    let fits = format!("{HEAD}{}aliases: {{}}\n", target(&regions[..10]));
    assert_eq!(load(&[Input::Stdin(fits.into_bytes())]).unwrap().instances.len(), 10_000);
}

fn letter(n: usize) -> char {
    char::from(b'a' + n as u8)
}
