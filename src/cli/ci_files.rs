//! The files of a CI system, as `init` writes them: the examples, with the manifest, the account and the Region of the person in them, at the
//! root of the repository, where alone such systems look for them.

use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;

use super::args::Ci;
use crate::draft::folder_of;
use crate::import::claim::Home;
use crate::load::roles::partition;

/// A file to copy: where to, and its text
pub(super) type CiFile = (&'static str, &'static str);

/// The files for GitHub, each with its place
const GITHUB: [CiFile; 3] = [
    (
        ".github/workflows/kms-alias-pull-request.yml",
        include_str!("../../examples/ci/github/pull-request.yml"),
    ),
    (".github/workflows/kms-alias-apply.yml", include_str!("../../examples/ci/github/apply.yml")),
    (".github/workflows/kms-alias-drift.yml", include_str!("../../examples/ci/github/drift.yml")),
];

/// Likewise for GitLab
const GITLAB: [CiFile; 1] =
    [("kms-alias.gitlab-ci.yml", include_str!("../../examples/ci/gitlab/kms-alias.gitlab-ci.yml"))];

/// What the examples are for
const EXAMPLE: (&str, &str, &str) = ("aliases.yaml", "111122223333", "us-east-1");

/// The files of the system, if it has any
pub(super) fn of(ci: Ci) -> &'static [CiFile] {
    match ci {
        Ci::Github => &GITHUB,
        Ci::Gitlab => &GITLAB,
        Ci::Auto | Ci::None => &[],
    }
}

/// The system that a person names; nothing is none
pub(super) fn named(answer: &str) -> Option<Ci> {
    match answer.to_lowercase().as_str() {
        "github" => Some(Ci::Github),
        "gitlab" => Some(Ci::Gitlab),
        "" | "none" | "no" => Some(Ci::None),
        _ => None,
    }
}

/// Where the files lie, and what the manifest is called there
#[derive(Debug, Default)]
pub(super) struct Site {
    /// The way from the current folder to the root
    pub root: PathBuf,
    /// As it is written in the files: the way from the root to the manifest
    pub manifest: String,
}

/// The place of the files for a manifest in an existing folder: the root of the work tree that the current folder is in, or else that folder.
/// Where they could not name the manifest: why, and what would help
pub(super) fn site(manifest: &Path) -> anyhow::Result<Result<Site, (String, &'static str)>> {
    let here = Path::new(".").canonicalize().context("find the current folder")?;
    // In a linked work tree and in a submodule it is a file.
    let is_root = |folder: &&Path| folder.join(".git").symlink_metadata().is_ok();
    let root = here.ancestors().find(is_root).unwrap_or(&here);
    let folder = folder_of(manifest);
    let folder = folder.canonicalize().with_context(|| format!("find the folder {}", folder.display()))?;
    let Some(name) = manifest.file_name() else {
        return Ok(Err((format!("{} is no name of a file", manifest.display()), "name a file with -f")));
    };
    let whole = folder.join(name);
    let Ok(inside) = whole.strip_prefix(root) else {
        let sentence = format!(
            "the manifest {} is not in {}, where the files of the CI system go",
            whole.display(),
            root.display()
        );
        return Ok(Err((
            sentence,
            "run it in the repository that the manifest is part of, or pass --ci none",
        )));
    };
    let Some(manifest) = written(inside) else {
        let sentence =
            format!("{} has a character that is not itself in the files of a CI system", inside.display());
        return Ok(Err((sentence, "give the manifest another path, or pass --ci none")));
    };
    let root = here.strip_prefix(root).map(|down| down.components().map(|_| "..").collect());
    Ok(Ok(Site { root: root.unwrap_or_default(), manifest }))
}

/// The text of an example for the manifest at `path`, as [`Site`] has it, whose roles are in `home`
pub(super) fn filled(text: &str, path: &str, home: &Home) -> String {
    let (example, account, region) = EXAMPLE;
    let text = text.replace(account, &home.account).replace(region, &home.region);
    let text = text.replace("arn:aws:iam::", &format!("arn:{}:iam::", partition(&home.region)));
    if path == example {
        return text;
    }
    let lines = text.lines().map(|line| {
        let indent = &line[..line.len() - line.trim_start().len()];
        match line.trim_start() {
            key if key.starts_with("AWS_REGION:") => format!("{line}\n{indent}KMS_ALIAS_FILE: {path}\n"),
            key if key.starts_with("paths: [aliases.yaml") => format!("{indent}paths: [{path}]\n"),
            key if key.starts_with("changes: [aliases.yaml") => format!("{indent}changes: [{path}]\n"),
            _ => format!("{line}\n"),
        }
    });
    lines.collect()
}

/// The path as it is written in such a file, in quotes where it needs them, if it can be
fn written(inside: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = inside
        .components()
        .map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => None,
        })
        .collect();
    let path = parts?.join("/");
    // To `paths` and `changes` they are patterns, to GitLab a variable, and to KMS_ALIAS_FILE a comma parts two files.
    if path.contains(|c: char| c.is_control() || r"*?+![]{}()\$,".contains(c)) {
        return None;
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/_-.".contains(c);
    // A letter and a dot: then it is neither a number nor a word that YAML knows.
    let is_text = path.starts_with(|c: char| c.is_ascii_alphabetic()) && path.contains('.');
    match is_text && path.chars().all(is_plain) {
        true => Some(path),
        false => Some(format!("\"{}\"", path.replace('"', "\\\""))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(account: &str, region: &str) -> Home {
        Home { account: account.into(), region: region.into() }
    }

    #[test]
    fn a_path_is_in_quotes_where_yaml_wants_them_and_refused_where_it_would_be_a_pattern() {
        for (path, wanted) in [
            ("kms/prod.yaml", Some("kms/prod.yaml")),
            ("live/my keys.yaml", Some("\"live/my keys.yaml\"")),
            ("it's \"mine\".yaml", Some("\"it's \\\"mine\\\".yaml\"")),
            ("-x.yaml", Some("\"-x.yaml\"")),
            ("1.5", Some("\"1.5\"")),
            ("true", Some("\"true\"")),
            ("a#b.yaml", Some("\"a#b.yaml\"")),
            ("[a].yaml", None),
            ("a*.yaml", None),
            ("$a.yaml", None),
            ("a,b.yaml", None),
            ("a\nb.yaml", None),
        ] {
            assert_eq!(written(Path::new(path)).as_deref(), wanted, "{path:?}");
        }
    }

    #[test]
    fn an_example_is_for_the_manifest_the_account_and_the_region_of_the_person() {
        for (_, text) in GITHUB.iter().chain(&GITLAB) {
            assert_eq!(filled(text, "aliases.yaml", &home("111122223333", "us-east-1")), **text);
            let own = filled(text, "kms/prod.yaml", &home("444455556666", "cn-north-1"));
            assert!(
                own.contains("\nenv:\n  AWS_REGION: cn-north-1\n  KMS_ALIAS_FILE: kms/prod.yaml\n")
                    || own.contains("    AWS_REGION: cn-north-1\n    KMS_ALIAS_FILE: kms/prod.yaml\n"),
                "{own}"
            );
            assert!(own.contains("arn:aws-cn:iam::444455556666:role/kms-alias-"), "{own}");
            assert!(!own.contains("[aliases.yaml") && !own.contains("111122223333"), "{own}");
        }
    }
}
