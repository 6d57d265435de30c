//! What a run of the program is to do -> its command line.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use super::bugs::Bug;
use super::case::Flags;
use super::past::Past;
use super::service::Perils;
use super::shown::Shown;

/// What the program is called for
#[derive(Clone, Debug)]
pub enum Errand {
    /// Plan, and carry that out
    Apply,
    /// Plan, and save that here
    Plan(PathBuf),
    /// Carry out the plan that was saved here, and shown so then
    Saved(PathBuf, Shown),
    /// Take back what the receipt here says
    Revert(PathBuf, Past),
}

/// One call of the program
#[derive(Clone, Debug)]
pub struct Order {
    pub errand: Errand,
    /// The plan whose digest is the only one that may be carried out
    pub approved: Option<Shown>,
    /// Names that are left out
    pub without: BTreeSet<String>,
    pub flags: Flags,
    pub perils: Perils,
}

impl Order {
    /// An order that nothing is to befall
    pub fn new(errand: Errand, flags: Flags) -> Self {
        Self { errand, approved: None, without: BTreeSet::new(), flags, perils: Perils::default() }
    }

    /// The command line, or the one that a program with the bug would act as though it had
    pub fn arguments(&self, bug: Option<Bug>) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["kms-alias".into()];
        match &self.errand {
            Errand::Plan(out) => words.extend(["plan".into(), "--out".into(), out.into()]),
            Errand::Saved(plan, _) if bug != Some(Bug::PlanAgain) => {
                words.extend(["apply".into(), plan.into()]);
            }
            Errand::Revert(receipt, _) => {
                words.extend(["revert".into(), receipt.into(), "--yes".into()]);
            }
            Errand::Apply | Errand::Saved(..) => words.extend(["apply", "--yes"].map(OsString::from)),
        }
        words.extend(["-f", "-", "-q", "--color", "never"].map(OsString::from));
        if !matches!(self.errand, Errand::Plan(_)) {
            words.extend(self.flags.words(bug));
        }
        if !matches!(self.errand, Errand::Revert(..)) {
            words.extend(["--read", self.flags.read].map(OsString::from));
        }
        words.extend(self.without.iter().flat_map(|name| ["--exclude-alias", name]).map(OsString::from));
        let digest = self.approved.as_ref().and_then(|plan| plan.digest.as_deref());
        let digest = digest.filter(|_| bug != Some(Bug::ForgetTheDigest));
        words.extend(digest.into_iter().flat_map(|digest| ["--expect-digest", digest]).map(OsString::from));
        words
    }
}

impl Flags {
    fn words(self, bug: Option<Bug>) -> impl Iterator<Item = OsString> {
        let Self { patience, steady, no_wait, .. } = self;
        let steady = if bug == Some(Bug::TrustOneCleanRead) { 1 } else { steady };
        let words =
            ["--wait-timeout".to_owned(), patience.to_owned(), "--steady".to_owned(), steady.to_string()];
        words.into_iter().chain(no_wait.then(|| "--no-wait".to_owned())).map(OsString::from)
    }
}
