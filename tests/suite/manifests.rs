//! Each bad manifest of `tests/manifests` against the exact text it is refused with: `NAME.yaml`, or a directory `NAME`, beside
//! `NAME.txt`. What differs is written where the failure says, to be read and copied.

use std::fs;
use std::path::{Path, PathBuf};

use kms_alias::load::{Input, LoadError, Manifest, load};
use kms_alias::target::targets;
use proptest::prelude::*;
use serde_json::{Value, json};
use similar::TextDiff;

use crate::fuzz::word;

const CORPUS: &str = "tests/manifests";

fn cases() -> Vec<PathBuf> {
    let paths = fs::read_dir(CORPUS).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = paths.filter(|path| path.extension().is_none_or(|e| e != "txt")).collect();
    cases.sort();
    cases
}

/// What a person sees: problems, or the warnings of a manifest that loads
fn told(path: &Path) -> String {
    match load(&[Input::Path(path.to_owned())]) {
        Ok(manifest) => manifest.warnings.render(false),
        Err(error) => format!("{}\n{error}\n", error.render(false)),
    }
}

#[test]
fn every_bad_manifest_is_refused_in_these_words() {
    let actual_directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("manifests");
    let _ = fs::remove_dir_all(&actual_directory); // what an earlier run left would be taken for this one's
    fs::create_dir_all(&actual_directory).unwrap();
    let mut differences = String::new();
    for case in cases() {
        let expected = fs::read_to_string(case.with_extension("txt")).unwrap_or_default();
        let actual = told(&case);
        if actual != expected {
            let name = case.with_extension("txt");
            fs::write(actual_directory.join(name.file_name().unwrap()), &actual).unwrap();
            let diff = TextDiff::from_lines(&expected, &actual);
            differences += &diff.unified_diff().header(&name.display().to_string(), "actual").to_string();
        }
    }
    assert!(differences.is_empty(), "{differences}\nthe actual texts are in {}", actual_directory.display());
}

#[test]
fn every_example_loads_without_a_word() {
    let files = fs::read_dir("examples").unwrap().map(|entry| entry.unwrap().path());
    let mut examples: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    examples.extend(
        ["examples/directory", "examples/kubernetes/aliases.yaml", "aliases.yaml"].map(PathBuf::from),
    );
    assert!(examples.len() >= 5, "{examples:?}");
    for path in examples {
        assert_eq!(told(&path), "", "{}", path.display());
    }
}

#[test]
fn every_text_belongs_to_a_manifest() {
    let texts = fs::read_dir(CORPUS).unwrap().map(|entry| entry.unwrap().path());
    for text in texts.filter(|path| path.extension().is_some_and(|e| e == "txt")) {
        let case = [text.with_extension("yaml"), text.with_extension("")];
        assert!(case.iter().any(|path| path.exists()), "{} is beside nothing", text.display());
    }
}

fn read(text: impl Into<Vec<u8>>) -> Result<Manifest, LoadError> {
    load(&[Input::Stdin(text.into())])
}

const GOOD: &str = r#"version: 1
scope: [alias/app/, alias/data/]
ignore: ["alias/app/tmp/**"]
roles: {plan: "arn:aws:iam::{account}:role/read"}
x-keys: &key 1234abcd-12ab-34cd-56ef-1234567890ab
targets:
  prod:
    accounts: ["111122223333", "222233334444"]
    regions: [us-east-1]
    groups: [prod]
    overrides:
      alias/app/a: {key: *key}
aliases:
  alias/app/a: *key
  alias/app/b: {key: alias/app/a, targets: ["@prod"]}
  alias/data/c: absent
  alias/data/d: {key: {tags: {app: billing, "7": ""}, description: the whole of it}}
"#;

#[test]
fn a_good_manifest_has_no_problems() {
    let manifest = read(GOOD).unwrap();
    assert!(manifest.warnings.is_empty());
    assert_eq!(manifest.warnings.render(false), "");
    assert_eq!(manifest.warnings.to_json()["valid"], true);
    assert_eq!(targets(&manifest).len(), 2);
}

#[test]
fn problems_are_data_too() {
    let error =
        read("version: 1\nscope: [alias/a/]\naliases: {alias/a/b: absent, alias/a/b: x}\n").unwrap_err();
    assert_eq!(
        error.to_json(),
        json!({
            "format_version": "1.0",
            "valid": false,
            "problems": [{
                "severity": "error",
                "code": "duplicate-alias",
                "message": "`alias/a/b` is written twice",
                "file": "<stdin>",
                "line": 3,
                "column": 30,
                "help": "take one of the two out",
                "related": [{"message": "first here", "file": "<stdin>", "line": 3, "column": 11}],
            }],
        })
    );
    assert_eq!(error.to_string(), "1 problem in <stdin>");
    assert!(error.render(true).contains("\u{1b}["));
}

#[test]
fn a_path_that_is_not_there_is_told_with_the_flag_that_names_another() {
    let error = load(&[Input::Path("no/such/aliases.yaml".into())]).unwrap_err();
    let text = error.render(false);
    assert!(text.starts_with("error[not-found]: there is no `no/such/aliases.yaml` here\n"), "{text}");
    assert!(text.contains("-f PATH"), "{text}");
    assert_eq!(error.to_json()["problems"][0]["file"], Value::Null);
    assert!(load(&[]).unwrap_err().render(false).contains("-f PATH"));
}

#[test]
fn a_directory_is_one_manifest_and_hidden_files_are_no_part_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("settings.yml", "version: 1\nscope: [alias/app/]\n");
    write("team/a.yaml", "aliases: {alias/app/a: absent}\n");
    write("team/b/b.yaml", "version: 1\naliases: {alias/app/b: absent}\n");
    write(".git/x.yaml", "nonsense: [");
    write("team/.#a.yaml", "nonsense: [");
    write("README.md", "nonsense: [");
    let all = targets(&load(&[Input::Path(directory.path().to_owned())]).unwrap());
    let names: Vec<_> = all[0].aliases.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["alias/app/a", "alias/app/b"]);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_back_up_is_told_and_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.yaml"), GOOD).unwrap();
    std::os::unix::fs::symlink(directory.path(), directory.path().join("again")).unwrap();
    let error = load(&[Input::Path(directory.path().to_owned())]).unwrap_err();
    assert!(error.render(false).contains("a link to a directory above it"));
}

/// Debug builds load a hundred thousand in a second or two; what is quadratic does not come back at all.
#[test]
fn a_hundred_thousand_aliases_load_and_so_does_one_line_of_a_megabyte() {
    let key = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let head = "version: 1\nscope: [alias/app/]\naliases:";
    let lines: String = (0..100_000).map(|n| format!("\n  alias/app/{n}: {key}")).collect();
    let flow: String =
        (0..20_000).map(|n| format!("alias/app/{n}: {{key: {key}, targets: [default]}}, ")).collect();
    for (text, count) in [(format!("{head}{lines}\n"), 100_000), (format!("{head} {{{flow}}}\n"), 20_000)] {
        let all = targets(&read(text).unwrap());
        assert_eq!(all[0].aliases.len(), count);
    }
}

#[test]
fn a_mistake_made_thirty_thousand_times_is_told_in_a_screenful_or_two() {
    let head = "version: 1\nscope: [alias/app/]\naliases:";
    let many: String = (0..30_000).map(|n| format!("\n  alias/data/{n}: absent")).collect();
    let twice: String = (0..30_000).map(|n| format!("\n  alias/app/{}: absent", n / 2)).collect();
    for (text, count) in [(format!("{head}{many}\n"), "30000"), (format!("{head}{twice}\n"), "15000")] {
        let error = read(text).unwrap_err();
        assert!(error.render(false).lines().count() < 800);
        assert_eq!(error.to_string(), format!("{count} problems in <stdin>"));
        assert_eq!(error.to_json()["problems"].as_array().unwrap().len(), 1_000);
    }
}

#[test]
fn a_single_line_of_ten_megabytes_is_refused_with_a_short_excerpt() {
    let blank = " ".repeat(10_000_000);
    let letters = "x".repeat(10_000_000);
    for text in [
        letters.clone(),
        format!("[{blank}"),
        format!(
            "version: 1\nscope: [alias/app/]\naliases: {{alias/app/a: {blank}y, alias/app/b: {letters}}}\n"
        ),
        format!("version: 1\n{letters}: 1\nprune: \"{letters}\"\n"),
        format!("version: 1\nscope: [alias/app/, \"{letters}\", [x]]\naliases: {{\"{letters}\": absent}}\n"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.render(false).len() < 8_000, "{}", error.render(false).len());
    }
}

proptest! {
    #[test]
    fn the_same_text_has_the_same_problems(cut in 0..GOOD.len(), new in word()) {
        let mut text = GOOD.as_bytes().to_vec();
        text.splice(cut..cut, new);
        let told = |text: &[u8]| read(text).map_or_else(|error| error.render(false), |m| m.warnings.render(false));
        prop_assert_eq!(told(&text), told(&text));
    }
}

#[test]
fn a_circle_of_ten_thousand_is_told_in_a_few_lines() {
    let follow = |n| format!("\n  alias/app/{n}: alias/app/{}", (n + 1) % 10_000);
    let text =
        "version: 1\nscope: [alias/app/]\naliases:".to_owned() + &(0..10_000).map(follow).collect::<String>();
    let error = read(text).unwrap_err();
    assert!(error.render(false).lines().count() < 60);
    assert!(error.render(false).contains("in a circle: alias/app/0 -> alias/app/1 -> "));
}
