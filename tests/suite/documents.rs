//! What README and docs tell people to type is understood by this program, and what they point at is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use clap::error::ErrorKind;
use kms_alias::cli::args::Cli;

/// Every page that is for users
fn pages() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["", "docs", "docs/decisions"].map(|folder| root.join(folder));
    let files =
        folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let pages = files.filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    pages
        .map(|path| (path.strip_prefix(root).unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect()
}

/// The lines in fences that are no YAML or JSON, and in others the spans between backticks
fn code(page: &str) -> Vec<(usize, String)> {
    let (mut code, mut fence) = (Vec::new(), None::<bool>);
    let mut continued = String::new();
    for (at, line) in page.lines().enumerate() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            fence = match fence {
                Some(_) => None,
                None => Some(["", "sh", "console"].contains(&language.trim())),
            };
            continue;
        }
        match fence {
            Some(true) => {
                let (part, goes_on) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
                continued += part;
                if !goes_on {
                    code.push((at + 1, std::mem::take(&mut continued)));
                }
            }
            Some(false) => {}
            None => {
                code.extend(line.split('`').skip(1).step_by(2).map(|span| (at + 1, span.replace("\\|", "|"))))
            }
        }
    }
    code
}

/// The words of a command of ours, up to what is for the shell; none where the line is something else, or a form with holes in it
fn words(line: &str) -> Option<Vec<String>> {
    let line = line.trim_start().trim_start_matches("$ ");
    if !line.starts_with("kms-alias ") || line.contains(['[', '…', '{', '<']) || line.contains("...") {
        return None;
    }
    let end = [" # ", " | ", " > ", " && ", "; ", "\" >"].iter().filter_map(|stop| line.find(stop)).min();
    let typed = &line[..end.unwrap_or(line.len())];
    // A substitution stands for one word, whatever is in it.
    let typed = match typed.split_once("\"$(") {
        Some((before, _)) => format!("{before}sha256:{}", "0".repeat(64)),
        None => typed.to_owned(),
    };
    let words: Vec<_> =
        typed.split_whitespace().map(|word| word.trim_matches(['\'', '"']).to_owned()).collect();
    // Which of several is meant is left to the reader.
    let is_hole = |word: &String| word.contains('|') || word == "SHELL";
    (!words.iter().any(is_hole)).then_some(words)
}

#[test]
fn every_command_in_the_documentation_is_understood() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (path, page) in pages() {
        for (line, words) in code(&page).into_iter().filter_map(|(line, text)| Some((line, words(&text)?))) {
            seen += 1;
            let error = Cli::try_parse_from(&words).err();
            let error = error.filter(|error| {
                !matches!(
                    error.kind(),
                    ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::MissingRequiredArgument
                )
            });
            wrong.extend(
                error.map(|error| format!("{}:{line}: {}: {error}", path.display(), words.join(" "))),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 60, "only {seen} commands were found");
}

/// The anchors of the headings of a page, as GitHub makes them
fn anchors(page: &str) -> BTreeSet<String> {
    let headings =
        page.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings
        .map(|heading| {
            heading.to_lowercase().chars().filter(|c| plain(*c)).collect::<String>().replace(' ', "-")
        })
        .collect()
}

#[test]
fn every_link_in_the_documentation_leads_somewhere() {
    let (root, pages) = (Path::new(env!("CARGO_MANIFEST_DIR")), pages());
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (path, page) in &pages {
        let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.contains(' ')) {
            seen += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = path.parent().unwrap_or(Path::new(""));
            let to = if file.is_empty() { root.join(path) } else { root.join(folder).join(file) };
            let to = to.canonicalize().ok();
            let is_right = to.is_some_and(|to| {
                anchor.is_empty() || fs::read_to_string(&to).is_ok_and(|page| anchors(&page).contains(anchor))
            });
            if !is_right {
                wrong.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 60, "only {seen} links were found");
}
