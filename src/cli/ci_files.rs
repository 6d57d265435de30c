//! The files of a CI system, as `init` writes them: the examples, with the manifest, the account and the Region of the person in them.

use std::path::{Component, Path};

use super::args::Ci;
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

/// The text of an example for this manifest, whose roles are in `home`
pub(super) fn filled(text: &str, manifest: &Path, home: &Home) -> String {
    let (example, account, region) = EXAMPLE;
    let text = text.replace(account, &home.account).replace(region, &home.region);
    let text = text.replace("arn:aws:iam::", &format!("arn:{}:iam::", partition(&home.region)));
    let Some(path) = inside(manifest).filter(|path| path != example) else { return text };
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

/// The path as it is written in such a file, if it lies where they do and needs no quotes
fn inside(manifest: &Path) -> Option<String> {
    let manifest = manifest.strip_prefix(".").unwrap_or(manifest);
    let parts: Option<Vec<&str>> = manifest
        .components()
        .map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => None,
        })
        .collect();
    let path = parts?.join("/");
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_-.".contains(c);
    (path.chars().all(plain) && path.starts_with(|c: char| c.is_ascii_alphanumeric())).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(account: &str, region: &str) -> Home {
        Home { account: account.into(), region: region.into() }
    }

    #[test]
    fn an_example_is_for_the_manifest_the_account_and_the_region_of_the_person() {
        for (_, text) in GITHUB.iter().chain(&GITLAB) {
            assert_eq!(filled(text, Path::new("aliases.yaml"), &home("111122223333", "us-east-1")), **text);
            let own = filled(text, Path::new("./kms/prod.yaml"), &home("444455556666", "cn-north-1"));
            assert!(
                own.contains("\nenv:\n  AWS_REGION: cn-north-1\n  KMS_ALIAS_FILE: kms/prod.yaml\n")
                    || own.contains("    AWS_REGION: cn-north-1\n    KMS_ALIAS_FILE: kms/prod.yaml\n"),
                "{own}"
            );
            assert!(own.contains("arn:aws-cn:iam::444455556666:role/kms-alias-"), "{own}");
            assert!(!own.contains("[aliases.yaml") && !own.contains("111122223333"), "{own}");
            let elsewhere = filled(text, Path::new("/etc/aliases.yaml"), &home("444455556666", "us-east-1"));
            assert!(!elsewhere.contains("KMS_ALIAS_FILE"), "{elsewhere}");
        }
    }
}
