//! The CI job that a run is a part of: what its runner is told besides. GitHub gets annotations on the lines of the manifest, a
//! summary of the step and outputs for later steps; GitLab gets sections that fold the log.
//!
//! Nobody asked for these, so one that cannot be told is a warning, and changes nothing about how the run ends.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Session;
use super::args::Ci;
use super::exit::Exit;
use crate::render::findings::{Level, findings};
use crate::render::harmless::harmless;
use crate::render::job::{LARGEST_SUMMARY, annotations, outputs};
use crate::render::markdown::{DEFAULT_ID, Frame, run};

/// What a runner says of the job that it runs
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// Who runs it, if it is one
    pub runner: Option<Runner>,
    /// The checkout, which annotations name files by
    pub workspace: Option<PathBuf>,
    /// Where GitHub takes a step's outputs from
    pub outputs: Option<PathBuf>,
    /// Where GitHub takes a step's summary from
    pub summary: Option<PathBuf>,
    /// Where people see it
    pub link: Option<String>,
}

/// Who runs CI jobs
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    /// GitHub Actions, and what does as it does
    GitHub,
    /// GitLab CI
    GitLab,
}

impl Job {
    /// What the environment says
    pub fn around(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_set = |name: &str| variable(name).as_deref() == Some("true");
        let path = |name: &str| variable(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let runner = match (is_set("GITHUB_ACTIONS"), is_set("GITLAB_CI")) {
            (true, _) => Some(Runner::GitHub),
            (_, true) => Some(Runner::GitLab),
            _ => None,
        };
        let [workspace, outputs, summary] =
            ["GITHUB_WORKSPACE", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"].map(path);
        let run = ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"].map(&variable);
        let link = match (runner, run) {
            (Some(Runner::GitHub), [Some(server), Some(repository), Some(id)]) => {
                Some(format!("{server}/{repository}/actions/runs/{id}"))
            }
            (Some(Runner::GitLab), _) => variable("CI_JOB_URL"),
            _ => None,
        };
        Self { runner, workspace, outputs, summary, link }
    }

    /// What the environment says, unless the command line says otherwise
    fn runner(&self, asked: Ci) -> Option<Runner> {
        match asked {
            Ci::Auto => self.runner,
            Ci::Github => Some(Runner::GitHub),
            Ci::Gitlab => Some(Runner::GitLab),
            Ci::None => None,
        }
    }

    /// How the runner calls a file that is named as seen from `here`; `None` for what is not in the checkout
    fn place(&self, here: &Path, file: &str) -> Option<String> {
        let path = plain(&here.join(file));
        let known = match &self.workspace {
            Some(workspace) => path.strip_prefix(workspace).ok()?,
            None => Path::new(file),
        };
        // A file that is read from a pipe has a name, and no place.
        (!file.starts_with('<')).then(|| known.to_string_lossy().replace('\\', "/"))
    }
}

/// Without the steps that lead nowhere, which a runner does not take for the file
fn plain(path: &Path) -> PathBuf {
    use std::path::Component::{CurDir, ParentDir};
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            CurDir => {}
            ParentDir if plain.file_name().is_some() => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

#[expect(clippy::disallowed_methods, reason = "where a runner says what the job is, and has its token")]
/// A variable of the environment, as runners set them
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Session<'_> {
    fn runner(&self) -> Option<Runner> {
        self.console.ends.job.runner(self.global.ci)
    }

    /// Begins a part of the log, if the runner folds logs and anything is said in it
    pub(super) fn section(&self, part: &str) {
        let command = self.known().command;
        if self.runner() == Some(Runner::GitLab) && !command.is_empty() {
            let title = if part == command {
                format!("kms-alias {command}")
            } else {
                format!("kms-alias {command}: {part}")
            };
            self.console.section(part, &title);
        }
    }

    /// Tells the runner what came of it
    pub(super) fn tell_job(&self, exit: Exit) {
        match self.runner() {
            Some(Runner::GitHub) => self.tell_github(exit),
            Some(Runner::GitLab) => self.console.end_section(),
            None => {}
        }
    }

    fn tell_github(&self, exit: Exit) {
        let job = &self.console.ends.job;
        let mut known = self.known();
        known.exit_code = exit.code();
        let mut found = findings(&known);
        found.retain(|finding| finding.level == Level::Error || !self.global.quiet);
        let here = std::env::current_dir().unwrap_or_default();
        // The folder that we are in has no links in its name, the runner's word for the checkout may have.
        let workspace =
            job.workspace.as_ref().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()));
        let seen = Job { workspace, ..job.clone() };
        self.console.command(&annotations(&found, |file| seen.place(&here, file)));
        if known.command.is_empty() {
            return;
        }
        let lines: String = outputs(&known).iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        let told = [
            job.outputs.as_ref().map(|path| (path, add(path, |_| lines))),
            job.summary.as_ref().map(|path| {
                let text = |taken| {
                    let room = LARGEST_SUMMARY.saturating_sub(taken + 1);
                    let told = run(&known, &Frame { id: DEFAULT_ID, budget: room, merged: false }) + "\n";
                    // One byte too many, and the runner shows nothing of the whole step.
                    if told.len() > room { String::new() } else { told }
                };
                (path, add(path, text))
            }),
        ];
        for (path, added) in told.into_iter().flatten() {
            if let Err(why) = added {
                let path = harmless(&path.display().to_string());
                self.console.note(&format!(
                    "warning: the runner was not told: {path}: {why}\nhint: --ci none leaves it out\n"
                ));
            }
        }
    }
}

/// Adds a text, made to go behind as many bytes as are there, to a file that the runner has made
fn add(path: &Path, text: impl FnOnce(usize) -> String) -> io::Result<()> {
    // A pipe that nobody reads would be waited for.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut file = OpenOptions::new().append(true).open(path)?;
    let taken = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    file.write_all(text(taken).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_as_the_checkout_has_it() {
        let job = Job { workspace: Some("/w/repo".into()), ..Job::default() };
        let place = |here: &str, file: &str| job.place(Path::new(here), file);
        assert_eq!(place("/w/repo", "aliases.yaml").as_deref(), Some("aliases.yaml"));
        assert_eq!(place("/w/repo/env/prod", "./aliases/a.yaml").as_deref(), Some("env/prod/aliases/a.yaml"));
        assert_eq!(place("/w/repo/env/prod", "../shared.yaml").as_deref(), Some("env/shared.yaml"));
        assert_eq!(place("/w/repo", "/w/repo/x.yaml").as_deref(), Some("x.yaml"));
        assert_eq!((place("/elsewhere", "x.yaml"), place("/w/repo", "<stdin>")), (None, None));
        assert_eq!(place("/w/repo/env", "../../x.yaml"), None);
    }

    #[test]
    fn a_job_is_one_where_its_runner_says_so() {
        let around = |name: &'static str, value: &'static str| {
            Job::around(|asked| (asked == name).then(|| value.to_owned())).runner
        };
        assert_eq!(around("GITHUB_ACTIONS", "true"), Some(Runner::GitHub));
        assert_eq!(around("GITLAB_CI", "true"), Some(Runner::GitLab));
        assert_eq!((around("GITHUB_ACTIONS", "false"), around("CI", "true")), (None, None));
        let job = Job { runner: Some(Runner::GitHub), ..Job::default() };
        assert_eq!((job.runner(Ci::None), job.runner(Ci::Gitlab)), (None, Some(Runner::GitLab)));
    }
}
