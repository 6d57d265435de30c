//! Real git repositories in temporary directories; without the program git, whatever needs one fails.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A repository, deleted in the end
pub struct Repository(TempDir);

impl Repository {
    /// One without a commit
    pub fn new() -> Self {
        let repository = Self(TempDir::new().unwrap());
        repository.git(&["init", "-q", "-b", "main"]);
        repository
    }

    /// One whose only commit has this manifest
    pub fn with(manifest: &str) -> Self {
        let repository = Self::new();
        repository.write("aliases.yaml", manifest);
        repository.commit("base");
        repository
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The whole path of a file in it
    pub fn file(&self, name: &str) -> String {
        self.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
    }

    /// Runs git there, and gives what it printed
    pub fn git(&self, args: &[&str]) -> String {
        git(self.path(), args)
    }

    /// A commit by its whole hash
    pub fn hash(&self, reference: &str) -> String {
        self.git(&["rev-parse", reference])
    }

    /// A clone of it that has its last commit alone
    pub fn shallow_clone(&self) -> Self {
        let clone = Self(TempDir::new().unwrap());
        let url = format!("file://{}", self.path().display());
        clone.git(&["clone", "-q", "--depth", "1", "--no-single-branch", &url, "."]);
        clone
    }
}

/// Where this machine has its git
#[expect(clippy::disallowed_methods, reason = "the program under test finds git as these tests do")]
pub fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

fn git(directory: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgSign=false"]);
    command.args(args).current_dir(directory);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.output().expect("these tests need git");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
