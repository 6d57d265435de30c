//! `kms-alias completions SHELL`: prints what makes a shell ask this program how a word goes on; [`complete`] is the answer. It knows
//! the targets and aliases of the manifest, offline; one that does not load has none.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};

use super::args::{self, CompletionsArgs};
use super::exit::Exit;
use super::{Session, default_manifest};
use crate::load::{Input, Manifest, load};
use crate::plan::risks::Code;

/// What names the shell in the environment of a question
pub const VARIABLE: &str = "KMS_ALIAS_COMPLETE";

/// What bash needs beside what the crate writes (<https://github.com/clap-rs/clap/issues/6280>)
const WHOLE_WORDS: &[u8] = include_bytes!("completions.bash");

/// A shell that can ask
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "each is what its name says")]
pub enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

impl Shell {
    fn completer(self) -> &'static dyn EnvCompleter {
        match self {
            Self::Bash => &Bash,
            Self::Elvish => &Elvish,
            Self::Fish => &Fish,
            Self::Powershell => &Powershell,
            Self::Zsh => &Zsh,
        }
    }
}

impl Session<'_> {
    pub(super) fn completions(&self, args: &CompletionsArgs) -> anyhow::Result<Exit> {
        let mut script = Vec::new();
        let (name, completer) = ("kms-alias", args.shell.completer());
        completer.write_registration(VARIABLE, name, name, name, &mut script).context("write the script")?;
        if args.shell == Shell::Bash {
            script.extend(WHOLE_WORDS);
        }
        self.console.print(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Success)
    }
}

/// How the word goes on that `shell` asks about, in its form; nothing where there is no such shell. `args` are those of the program,
/// and the line that is being typed comes behind a `--` among them; `files` are the manifests that the environment names.
pub fn complete(shell: &str, args: Vec<OsString>, files: Option<&str>) -> Option<Vec<u8>> {
    let shell = Shell::from_str(shell, true).ok()?.completer();
    let words: Vec<OsString> = args.into_iter().skip_while(|arg| *arg != "--").skip(1).collect();
    let mut command = command(&words, files);
    command.build();
    let mut answer = Vec::new();
    shell.write_complete(&mut command, words, Some(Path::new(".")), &mut answer).ok()?;
    Some(answer)
}

/// The command line, whose values go on as the manifest has them that is named on it
fn command(words: &[OsString], files: Option<&str>) -> clap::Command {
    let named = files_among(words);
    let given = || files.into_iter().flat_map(|files| files.split(',')).map(PathBuf::from).collect();
    let files: Vec<PathBuf> = if named.is_empty() { given() } else { named };
    let from = |list: fn(&Manifest) -> Vec<String>| {
        let files = files.clone();
        ArgValueCompleter::new(move |word: &OsStr| candidates(&files, list, word))
    };
    let aliases = ["alias", "exclude_alias"];
    let mut command = args::command().mut_arg("target", |arg| arg.add(from(targets)));
    for name in ["plan", "apply", "drift", "list"] {
        command = command.mut_subcommand(name, |one| {
            aliases.iter().fold(one, |one, id| one.mut_arg(id, |arg| arg.add(from(names))))
        });
    }
    command.mut_subcommand("explain", |one| one.mut_arg("name", |arg| arg.add(from(explained))))
}

/// What `-f` and `--file` name
fn files_among(words: &[OsString]) -> Vec<PathBuf> {
    let texts: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    let next = texts.windows(2).filter(|pair| ["-f", "--file"].contains(&pair[0])).map(|pair| pair[1]);
    let joined = texts.iter().filter_map(|word| word.strip_prefix("--file=").or(word.strip_prefix("-f")));
    let joined = joined.filter(|path| !path.is_empty());
    next.chain(joined).flat_map(|paths| paths.split(',')).map(PathBuf::from).collect()
}

fn candidates(
    files: &[PathBuf],
    list: fn(&Manifest) -> Vec<String>,
    word: &OsStr,
) -> Vec<CompletionCandidate> {
    let default = || vec![default_manifest(Path::new("aliases.yaml"), Path::new("aliases"))];
    let files = if files.is_empty() { default() } else { files.to_vec() };
    let inputs: Vec<Input> = files.into_iter().map(Input::Path).collect();
    // To whoever is typing, a manifest that does not load is one without names; `validate` tells what is wrong with it.
    let (Some(word), Ok(manifest)) = (word.to_str(), load(&inputs)) else { return Vec::new() };
    let mut all = list(&manifest);
    all.retain(|name| name.starts_with(word));
    all.sort();
    all.dedup();
    all.into_iter().map(CompletionCandidate::new).collect()
}

fn targets(manifest: &Manifest) -> Vec<String> {
    let names = manifest.instances.iter().map(|instance| instance.name.to_string());
    let specs = manifest.targets.iter().map(|spec| spec.name.to_string());
    let groups = manifest.targets.iter().flat_map(|spec| &spec.groups).map(|group| format!("@{group}"));
    names.chain(specs).chain(groups).collect()
}

fn names(manifest: &Manifest) -> Vec<String> {
    manifest.layers.iter().flatten().map(|entry| entry.name.to_string()).collect()
}

fn explained(manifest: &Manifest) -> Vec<String> {
    let codes = Code::ALL.iter().map(|code| code.as_str().to_owned());
    names(manifest).into_iter().chain(codes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What bash would be offered for the last word of a line
    fn offered(line: &str) -> Vec<String> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let mut command = command(&words, None);
        command.build();
        let last = words.len() - 1;
        let found = clap_complete::engine::complete(&mut command, words, last, None).unwrap();
        found.iter().map(|one| one.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn names_of_the_manifest_are_offered_wherever_a_name_is_wanted() {
        for (line, first) in [
            ("kms-alias plan -t pr", "prod"),
            ("kms-alias plan --target=@", "--target=@live"),
            ("kms-alias -f aliases.yaml list --alias alias/app/aud", "alias/app/audit/log"),
            ("kms-alias explain -f aliases.yaml alias/app/leg", "alias/app/legacy/export"),
            ("kms-alias explain decr", "decrypt-by-name"),
            ("kms-alias pl", "plan"),
            ("kms-alias plan --out", "--out"),
            ("kms-alias man --o", "--out"),
        ] {
            assert_eq!(offered(line).first().map(String::as_str), Some(first), "{line}: {:?}", offered(line));
        }
    }

    #[test]
    fn a_command_is_offered_the_forms_that_it_takes_and_no_others() {
        for (line, forms) in [
            ("kms-alias list -o ", "text json tsv"),
            ("kms-alias show -o ", "text diff json markdown tsv"),
            ("kms-alias schema -o ", "json markdown"),
            ("kms-alias explain -o ", "text json"),
            ("kms-alias doctor -oj", "-ojson"),
            ("kms-alias validate --output=", "--output=text --output=json"),
            ("kms-alias import -o ", "text"),
            ("kms-alias list -o h", ""),
            ("kms-alias plan -o h", "html"),
        ] {
            assert_eq!(offered(line).join(" "), forms, "{line}");
        }
    }

    #[test]
    fn a_manifest_that_does_not_load_has_no_names() {
        assert_eq!(offered("kms-alias plan -f no-such-file.yaml -t pr"), Vec::<String>::new());
        assert_eq!(files_among(&["-fa".into(), "--file=b,c".into(), "-f".into(), "d".into()]).len(), 4);
    }

    #[test]
    fn a_shell_that_is_not_known_gets_no_answer() {
        assert_eq!(complete("tcsh", Vec::new(), None), None);
    }
}
