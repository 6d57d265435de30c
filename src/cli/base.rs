//! `--base-ref` -> the manifest as it was where HEAD left that commit, read through git and the loader.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::Session;
use super::args::PlanArgs;
use super::exit::Exit;
use crate::base::{Base, Commit};
use crate::git::{Checkout, GitError};
use crate::load::{Discovered, Input, is_hidden, is_yaml, load_with};
use crate::target::{Target, targets};

/// Why there are no files to load
enum Unread {
    Git(GitError),
    /// This was there, and no regular file
    Irregular(PathBuf),
}

impl From<GitError> for Unread {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
}

impl Session<'_> {
    /// The manifest where HEAD left `reference`, or the exit code where that cannot be told
    ///
    /// Of its organizations those accounts are known that today's manifest discovers by the same words; of others none, so that what is
    /// declared for them is newly declared.
    pub(super) fn base(
        &self,
        reference: &str,
        args: &PlanArgs,
        discovered: &Discovered,
    ) -> Result<Base, Exit> {
        if self.global.file.iter().any(|path| path.as_os_str() == "-") {
            let sentence = "--base-ref looks the manifest up in git, and standard input is in no repository";
            let hint = Some("name the file with `-f PATH`, or leave --base-ref out");
            return Err(self.fail(Exit::Usage, sentence, hint));
        }
        let failed = |error| self.fail_git(error);
        let paths = Paths::find(&self.global.file, reference).map_err(failed)?;
        let commit = &paths.commit;
        let targets = match paths.files() {
            Ok(files) => self.targets_at(commit, &files, args, discovered),
            Err(Unread::Irregular(path)) => {
                self.unreadable(commit, &format!("`{}` is no regular file there", path.display()))
            }
            Err(Unread::Git(error)) => return Err(failed(error)),
        };
        Ok(Base::new(paths.commit, targets))
    }

    fn fail_git(&self, error: GitError) -> Exit {
        let exit = if error.is_usage() { Exit::Usage } else { Exit::Runtime };
        let hint = error.hint();
        self.fail(exit, &format!("failed to {:#}", anyhow::Error::new(error)), Some(&hint))
    }

    /// What the files declared; nothing where there were none
    fn targets_at(
        &self,
        commit: &Commit,
        files: &[Input],
        args: &PlanArgs,
        discovered: &Discovered,
    ) -> Option<Vec<Target>> {
        if files.is_empty() {
            let commit = commit.short();
            self.note("note", &format!("there was no manifest at {commit}: every alias is newly declared"));
            return Some(Vec::new());
        }
        let pruned = |target: Target| Target { prune: args.prunes(&target), ..target };
        match load_with(files, discovered) {
            Ok(manifest) => {
                let known = targets(&manifest).into_iter().filter(|target| !target.awaits_accounts);
                Some(known.map(pruned).collect())
            }
            Err(error) => self.unreadable(commit, &error.to_string()),
        }
    }

    /// No error: this may be the change that mends it
    fn unreadable(&self, commit: &Commit, why: &str) -> Option<Vec<Target>> {
        let commit = commit.short();
        self.note("warning", &format!(
            "the manifest at {commit} cannot be read ({why}): where changes come from is not known, and every \
             retarget counts as a takeover"
        ));
        None
    }
}

/// The paths of the manifest, as git looks for them at a commit
struct Paths {
    commit: Commit,
    /// Those of the command line; the next are looked for where these come to nothing
    alternatives: Vec<Vec<Wanted>>,
}

/// One path of the manifest
struct Wanted {
    /// As the user gave it
    path: PathBuf,
    checkout: Checkout,
    /// In the directory of the checkout; `None` for that directory itself
    name: Option<OsString>,
}

impl Paths {
    fn find(given: &[PathBuf], reference: &str) -> Result<Self, GitError> {
        let alternatives = match given {
            // The default of then need not be that of now.
            [] => vec![
                vec![Wanted::find(Path::new("aliases.yaml"))?],
                vec![Wanted::find(Path::new("aliases"))?],
            ],
            given => vec![given.iter().map(|path| Wanted::find(path)).collect::<Result<_, _>>()?],
        };
        let all = alternatives.iter().flatten();
        let mut commits =
            all.map(|wanted| wanted.checkout.merge_base(reference)).collect::<Result<Vec<_>, _>>()?;
        commits.dedup();
        match <[Commit; 1]>::try_from(commits) {
            Ok([commit]) => Ok(Self { commit, alternatives }),
            Err(_) => Err(GitError::Several { reference: reference.to_owned() }),
        }
    }

    /// The files that there were, in the order in which they are loaded
    fn files(&self) -> Result<Vec<Input>, Unread> {
        for alternative in &self.alternatives {
            let mut files = Vec::new();
            for wanted in alternative {
                files.extend(wanted.files(&self.commit)?);
            }
            if !files.is_empty() {
                return Ok(files);
            }
        }
        Ok(Vec::new())
    }
}

impl Wanted {
    /// Links are followed as they are now: what is looked for is the file that is loaded now
    fn find(path: &Path) -> Result<Self, GitError> {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let (directory, name) = match real.parent() {
            _ if real.is_dir() => (&*real, None),
            Some(parent) if parent != Path::new("") => (parent, real.file_name()),
            _ => (Path::new("."), real.file_name()),
        };
        let name = name.map(ToOwned::to_owned);
        Ok(Self { path: path.to_owned(), checkout: Checkout::of(directory)?, name })
    }

    /// The file, or those of the directory, in path order
    fn files(&self, commit: &Commit) -> Result<Vec<Input>, Unread> {
        let mut files = Vec::new();
        for listed in self.checkout.list(commit, self.name.as_deref())? {
            let below = listed.path.strip_prefix(self.name.as_deref().unwrap_or_default());
            let below = below.unwrap_or(&listed.path);
            let itself = below == Path::new("");
            let path = if itself { self.path.clone() } else { self.path.join(below) };
            match listed.blob {
                _ if below.iter().any(is_hidden) => {}
                // It may lead to anything, and what is left out would look newly declared.
                None => return Err(Unread::Irregular(path)),
                Some(blob) if itself || is_yaml(below) => files.push((path, blob)),
                Some(_) => {}
            }
        }
        files.sort();
        let read = |(path, blob): &(PathBuf, String)| {
            let name = format!("{}:{}", commit.short(), path.display());
            Ok(Input::Read { name, bytes: self.checkout.read(commit, blob)? })
        };
        files.iter().map(read).collect()
    }
}
