//! A directory of a checked-out repository -> the commit where HEAD left another one, and the files that were there, asked of the
//! program `git`. Reads only.
//!
//! Only plumbing is called: it runs no filter, hook or pager that a repository may configure, and no shell is between.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::base::Commit;

/// A directory that git knows
#[derive(Clone, Debug)]
pub struct Checkout {
    directory: PathBuf,
    /// Whether the history was cut when it was cloned
    shallow: bool,
}

/// A file of a commit
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Below the directory of the checkout
    pub path: PathBuf,
    /// What to read it by; `None` for what is no regular file: a symbolic link, a submodule
    pub blob: Option<String>,
}

/// Why git could not tell
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no such program, or it does not start
    #[error("run git")]
    Start(#[source] io::Error),
    /// The manifest is in no repository that git would open
    #[error("find the git repository of {}: git says: {said}", .directory.display())]
    NoRepository {
        /// Where it was looked for
        directory: PathBuf,
        /// What git said
        said: String,
    },
    /// A repository without HEAD, or without such a commit
    #[error("find the commit {reference}: the repository of {} has none of that name", .directory.display())]
    UnknownCommit {
        /// As written
        reference: String,
        /// Whose repository it is
        directory: PathBuf,
        /// Whether the history was cut when it was cloned
        shallow: bool,
    },
    /// Two histories that do not meet
    #[error("find where HEAD left {reference}: they have no commit in common{}", if *.shallow { " in this shallow clone" } else { "" })]
    Apart {
        /// As written
        reference: String,
        /// Whether the history was cut when it was cloned
        shallow: bool,
    },
    /// Files of several repositories
    #[error("find where HEAD left {reference}: the manifests are in different repositories")]
    Several {
        /// As written
        reference: String,
    },
    /// Anything else
    #[error("read the manifest at {commit}: git says: {said}")]
    Unreadable {
        /// The commit
        commit: String,
        /// What git said
        said: String,
    },
}

impl GitError {
    /// What would help
    pub fn hint(&self) -> String {
        const DEEPER: &str = "run `git fetch --unshallow`, or give actions/checkout `fetch-depth: 0`";
        match self {
            Self::Start(_) => "install git, or leave --base-ref out".to_owned(),
            Self::NoRepository { said, .. } if said.contains("dubious ownership") => {
                let top = said.split('\'').nth(1).unwrap_or("'*'");
                format!("run `git config --global --add safe.directory {top}`")
            }
            Self::NoRepository { .. } => {
                "plan from a checkout of the manifest's repository, or leave --base-ref out".to_owned()
            }
            Self::UnknownCommit { shallow: true, .. } | Self::Apart { shallow: true, .. } => {
                DEEPER.to_owned()
            }
            Self::UnknownCommit { .. } => "run `git fetch`, and see `git branch --all`".to_owned(),
            Self::Apart { .. } => "name the branch that HEAD was made from".to_owned(),
            Self::Several { .. } => "plan each manifest by itself, or leave --base-ref out".to_owned(),
            Self::Unreadable { .. } => "see `git fsck`, or leave --base-ref out".to_owned(),
        }
    }

    /// Whether another command line would help, and running again would not
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::UnknownCommit { shallow: false, .. }
                | Self::Apart { shallow: false, .. }
                | Self::Several { .. }
        )
    }
}

impl Checkout {
    /// The checkout that `directory` lies in
    ///
    /// # Errors
    /// There is no git, or no repository that it would open.
    pub fn of(directory: &Path) -> Result<Self, GitError> {
        let checkout = Self { directory: directory.to_owned(), shallow: false };
        let output = checkout.git(["rev-parse", "--is-shallow-repository"])?;
        if !output.status.success() {
            let directory = directory.to_owned();
            return Err(GitError::NoRepository { directory, said: said(&output) });
        }
        Ok(Self { shallow: text(&output) == "true", ..checkout })
    }

    /// The commit at which HEAD left `reference`
    ///
    /// # Errors
    /// One of the two is not there, or they have no commit in common.
    pub fn merge_base(&self, reference: &str) -> Result<Commit, GitError> {
        let [head, other] = [self.commit("HEAD")?, self.commit(reference)?];
        let output = self.git(["merge-base", &head, &other])?;
        let apart = || GitError::Apart { reference: reference.to_owned(), shallow: self.shallow };
        hash(&output).map(|hash| Commit(hash.into())).ok_or_else(apart)
    }

    /// After `--end-of-options` a name that begins with a dash is a name
    fn commit(&self, reference: &str) -> Result<String, GitError> {
        let peeled = format!("{reference}^{{commit}}");
        let output = self.git(["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled])?;
        hash(&output).ok_or_else(|| GitError::UnknownCommit {
            reference: reference.to_owned(),
            directory: self.directory.clone(),
            shallow: self.shallow,
        })
    }

    /// The files of `commit` in this directory: those at or below `name`, or all of them; none where there were none
    ///
    /// # Errors
    /// Git's.
    pub fn list(&self, commit: &Commit, name: Option<&OsStr>) -> Result<Vec<Listed>, GitError> {
        let arguments = ["--literal-pathspecs", "ls-tree", "-r", "-z", &commit.0, "--"].map(OsString::from);
        let output = self.git(arguments.into_iter().chain(name.map(OsStr::to_owned)))?;
        let bytes = Self::whole(commit, output)?;
        let entries = bytes.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
        entries.map(|entry| listed(&String::from_utf8_lossy(entry), commit)).collect()
    }

    /// The bytes of one file
    ///
    /// # Errors
    /// Git's.
    pub fn read(&self, commit: &Commit, blob: &str) -> Result<Vec<u8>, GitError> {
        let output = self.git(["cat-file", "blob", blob])?;
        Self::whole(commit, output)
    }

    fn whole(commit: &Commit, output: Output) -> Result<Vec<u8>, GitError> {
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(GitError::Unreadable { commit: commit.short().to_owned(), said: said(&output) })
    }

    fn git(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Output, GitError> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.directory).args(arguments).stdin(Stdio::null());
        // Hooks set these, and they would lead to another repository than the one that the manifest lies in.
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
            command.env_remove(variable);
        }
        command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").output().map_err(GitError::Start)
    }
}

/// `100644 blob 45b983be…<tab>path`
fn listed(entry: &str, commit: &Commit) -> Result<Listed, GitError> {
    let split = entry.split_once('\t').and_then(|(facts, path)| {
        let mut facts = facts.split(' ');
        Some((facts.next()?, facts.next()?, facts.next()?, path))
    });
    let Some((mode, _, blob, path)) = split else {
        let said = format!("{entry:?}, which is no entry of a tree");
        return Err(GitError::Unreadable { commit: commit.short().to_owned(), said });
    };
    // 100644 and 100755: https://git-scm.com/docs/git-fast-import#_filemodify
    let blob = mode.starts_with("100").then(|| blob.to_owned());
    Ok(Listed { path: path.into(), blob })
}

/// The one hash that git printed; what is named by `^ref` is no commit
fn hash(output: &Output) -> Option<String> {
    let text = text(output);
    let is_hash = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (output.status.success() && is_hash).then_some(text)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// The first thing that git complained of
fn said(output: &Output) -> String {
    let all = String::from_utf8_lossy(&output.stderr);
    let fatal = all.lines().find_map(|line| line.strip_prefix("fatal: "));
    fatal.or(all.lines().next()).unwrap_or("nothing").to_owned()
}
