//! A plan that was saved -> what of it is still to be done, and what it is stale by. Pure.
//!
//! A saved plan is not carried out as it is written: the targets are read and planned again, with the manifest's own scope,
//! guards and credentials, and each write of the new plan must be one that the saved plan names. So an artefact that somebody
//! changed on its way can do no more than the manifest, and what has moved since is seen before the first write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clap::ValueEnum;
use serde::Deserialize;

use crate::alias::{AliasName, KeyId};
use crate::document::{PlanDocument, PlannedChange, TargetPlan, Verb};
use crate::plan::digest::{Written, digest_of};
use crate::plan::guards::Allow;
use crate::plan::{Change, Expected, Plan, Policy};
use crate::prepare::Prepared;
use crate::target::Target;

/// A plan as `plan --out` wrote it
#[derive(Clone, Debug, PartialEq)]
pub struct SavedPlan {
    /// As it is in the file
    pub document: PlanDocument,
}

/// Why a file is no plan that can be applied
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    /// It is none
    #[error("this is no saved plan: {0}")]
    NoPlan(String),
    /// It is of a later major version
    #[error("this plan has format version {0}, and this program reads 1.x")]
    Version(String),
    /// Its digest is not that of its writes
    #[error("its digest is not that of its writes: it was changed after it was saved")]
    Changed,
    /// Somebody approved another one
    #[error("its digest is {found}, and {expected} was expected")]
    OtherDigest {
        /// Of the file
        found: String,
        /// As approved
        expected: String,
    },
    /// It names a target that the manifest has not
    #[error("the manifest has no target {0:?} any more")]
    NoTarget(String),
    /// It names a target in an account that is discovered no more
    #[error("target {0:?} is there no more: its account has left the OUs of the manifest, or is not ACTIVE")]
    Left(String),
    /// It has more than one plan for a target
    #[error("it names target {0:?} twice")]
    Twice(String),
    /// It has changes in a target, and not the account or Region that they are for
    #[error("it does not say which {what} target {target:?} was planned in")]
    Nowhere {
        /// Its name
        target: String,
        /// `account` or `Region`
        what: &'static str,
    },
    /// It is for another account or Region than the manifest's target of that name
    #[error("it has target {target:?} in {what} {saved}, and the manifest has it in {declared}")]
    Elsewhere {
        /// Its name
        target: String,
        /// `account` or `Region`
        what: &'static str,
        /// By the file
        saved: String,
        /// By the manifest
        declared: String,
    },
    /// It is not whole, or says itself that it must not be applied
    #[error("it may not be applied: {0}")]
    Blocked(String),
}

impl SavedPlan {
    /// Reads a saved plan; what it says of itself must be true
    ///
    /// # Errors
    /// It is none, of a later major version, or was changed after it was saved.
    pub fn read(text: &str) -> Result<Self, SavedError> {
        let saved = Self::parse(text)?;
        if saved.is_genuine() { Ok(saved) } else { Err(SavedError::Changed) }
    }

    /// Reads a saved plan to be looked at, whatever was done to it
    ///
    /// # Errors
    /// It is none, or of a later major version.
    pub fn parse(text: &str) -> Result<Self, SavedError> {
        #[derive(Deserialize)]
        struct Head {
            kind: String,
            format_version: String,
        }
        let no_plan = |error: serde_json::Error| SavedError::NoPlan(error.to_string());
        let head: Head = serde_json::from_str(text).map_err(no_plan)?;
        if head.kind != "plan" {
            return Err(SavedError::NoPlan(format!("it is a document of kind {:?}", head.kind)));
        }
        if head.format_version.split('.').next() != Some("1") {
            return Err(SavedError::Version(head.format_version));
        }
        Ok(Self { document: serde_json::from_str(text).map_err(no_plan)? })
    }

    /// Whether its digest is that of its writes; only a plan that is not whole has none
    pub fn is_genuine(&self) -> bool {
        let PlanDocument { digest, errored, missing_shards, .. } = &self.document;
        match digest {
            Some(digest) => *digest == digest_of_writes(&self.document),
            None => *errored || !missing_shards.is_empty(),
        }
    }

    /// Whether it says of all its writes in which account and Region they are, without which they are not in its digest
    pub fn is_placed(&self) -> bool {
        let is_placed = |target: &TargetPlan| target.account.is_some() && target.region.is_some();
        self.document.targets.iter().all(|target| target.changes.is_empty() || is_placed(target))
    }

    /// Whether it may be applied, and is the one that was approved
    ///
    /// # Errors
    /// It is errored, refused or blocked, names a target twice, or is another one.
    pub fn check(&self, expected: Option<&str>) -> Result<(), SavedError> {
        let mut names = BTreeSet::new();
        if let Some(twice) = self.document.targets.iter().find(|target| !names.insert(&target.name)) {
            return Err(SavedError::Twice(twice.name.clone()));
        }
        if let [missing, ..] = &self.document.missing_shards[..] {
            return Err(SavedError::Blocked(format!("it was merged without shard {missing}")));
        }
        let held = self.document.targets.iter().flat_map(|target| &target.changes);
        let held = held.filter(|change| change.blocked_by.is_some()).count();
        let refused = self.document.refusals.len()
            + self.document.targets.iter().map(|one| one.refusals.len()).sum::<usize>();
        let blocked = match (&self.document.digest, refused, held) {
            (None, ..) => "a target could not be read when it was made".to_owned(),
            _ if self.document.errored => "a target could not be read when it was made".to_owned(),
            (_, 1.., _) => "a guard refused it".to_owned(),
            (_, _, 1) => "1 of its changes is held".to_owned(),
            (_, _, 2..) => format!("{held} of its changes are held"),
            (Some(digest), ..) => return is_expected(digest, expected),
        };
        Err(SavedError::Blocked(blocked))
    }

    /// The targets that it names, with the policy that lets them do nothing else
    ///
    /// # Errors
    /// What it names and the manifest has not.
    pub fn narrow(&self, targets: &[(Target, Policy)]) -> Result<Vec<(Target, Policy)>, SavedError> {
        let busy = self.document.targets.iter().filter(|target| !target.changes.is_empty());
        busy.map(|saved| self.narrow_one(saved, targets)).collect()
    }

    fn narrow_one(
        &self,
        saved: &TargetPlan,
        targets: &[(Target, Policy)],
    ) -> Result<(Target, Policy), SavedError> {
        let found = targets.iter().find(|(target, _)| *target.name == *saved.name);
        let missing = || SavedError::NoTarget(saved.name.clone());
        let (target, policy) = found.ok_or_else(missing)?;
        let mut expected = BTreeMap::new();
        for step in saved.changes.iter().flat_map(steps_wanted) {
            let nonsense = |what: &str| SavedError::Blocked(format!("{what:?} is no alias or key"));
            let name = AliasName::parse(step.alias).map_err(|_| nonsense(step.alias))?;
            let key = |id: &str| KeyId::parse(id).ok_or_else(|| nonsense(id));
            expected.insert(name, Expected::Seen(step.before.map(key).transpose()?));
        }
        let allow = self.document.allow.iter().map(|word| Allow::from_str(word, false));
        let allow: BTreeSet<_> = allow.collect::<Result<_, _>>().map_err(SavedError::Blocked)?;
        let home = |what, own: &Option<String>, declared: &Option<Arc<str>>| {
            home(&saved.name, what, own.as_deref(), declared.as_deref()).map(Some)
        };
        let account = home("account", &saved.account, &target.account)?;
        let region = home("Region", &saved.region, &target.region)?;
        let target = Target { account, region, prune: saved.prune, ..target.clone() };
        let (prune, partial, expected) = (saved.prune, self.document.partial, Some(expected));
        Ok((target, Policy { allow, prune, partial, expected, ..policy.clone() }))
    }

    /// By what the plan of a target is stale, a sentence each; it is the new plan of that target that counts
    pub fn stale_by(&self, target: &Target, now: &Prepared) -> Vec<String> {
        let Some(saved) = self.document.targets.iter().find(|saved| *saved.name == *target.name) else {
            return Vec::new();
        };
        let held: BTreeMap<_, _> = now.plan.held.iter().map(|held| (held.name.as_str(), &held.why)).collect();
        let mut stale: Vec<String> = held.iter().map(|(alias, why)| format!("{alias}: {why}")).collect();
        let steps = steps(&now.plan);
        let wanted: BTreeMap<_, _> =
            saved.changes.iter().flat_map(steps_wanted).map(|step| (step.alias, step)).collect();
        for (alias, step) in &wanted {
            if held.contains_key(alias) {
                continue;
            }
            let name = AliasName::parse(alias).ok();
            let live = name.and_then(|name| now.snapshot.live.get(&name)?.key.as_ref()).map(KeyId::as_str);
            match steps.get(alias) {
                Some(same) if same == step => {}
                Some(other) => stale.push(format!("{alias}: it was to {step}, and would {other} now")),
                // Already so, by an apply of this plan that ended early or by somebody else's hand.
                None if live == step.after => {}
                None => stale
                    .push(format!("{alias}: it was to {step}, and the manifest does not ask for that now")),
            }
        }
        stale.sort();
        stale
    }
}

/// The account or Region that a target was planned in, which must be the manifest's where that declares one
///
/// The digest is no proof of it: whoever can write the file can write the digest.
fn home(
    target: &str,
    what: &'static str,
    saved: Option<&str>,
    declared: Option<&str>,
) -> Result<Arc<str>, SavedError> {
    let target = target.to_owned();
    match (saved, declared) {
        (None, _) => Err(SavedError::Nowhere { target, what }),
        (Some(saved), Some(declared)) if saved != declared => {
            let (saved, declared) = (saved.to_owned(), declared.to_owned());
            Err(SavedError::Elsewhere { target, what, saved, declared })
        }
        (Some(saved), _) => Ok(saved.into()),
    }
}

fn is_expected(digest: &str, expected: Option<&str>) -> Result<(), SavedError> {
    match expected {
        Some(expected) if expected != digest => {
            Err(SavedError::OtherDigest { found: digest.to_owned(), expected: expected.to_owned() })
        }
        _ => Ok(()),
    }
}

/// One name's way from key to key; a rename has two
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step<'s> {
    alias: &'s str,
    verb: Verb,
    before: Option<&'s str>,
    after: Option<&'s str>,
}

impl std::fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self { before, after, .. }, verb) = (self, self.verb.as_str());
        match (before, after) {
            (Some(before), Some(after)) => write!(f, "{verb} from {before} to {after}"),
            (None, Some(after)) => write!(f, "{verb} on {after}"),
            (Some(before), None) => write!(f, "{verb} from {before}"),
            (None, None) => f.write_str(verb),
        }
    }
}

/// The steps that a saved change was to take; what was held has none
fn steps_wanted(change: &PlannedChange) -> Vec<Step<'_>> {
    let (alias, verb) = (change.alias.as_str(), change.verb());
    let (before, after) = (change.before.as_deref(), change.after.as_deref());
    match (verb, &change.previous_alias) {
        (Verb::Held, _) => Vec::new(),
        (Verb::Rename, Some(old)) => vec![
            Step { alias, verb: Verb::Create, before: None, after },
            Step { alias: old, verb: Verb::Delete, before, after: None },
        ],
        _ => vec![Step { alias, verb, before, after }],
    }
}

/// The digest that the writes of a plan have
pub(crate) fn digest_of_writes(plan: &PlanDocument) -> String {
    let targets = plan.targets.iter();
    let lines = targets.flat_map(|target| target.changes.iter().filter_map(|change| line(change, target)));
    digest_of(lines.collect(), &plan.allow, plan.partial)
}

/// What the digest is made of
fn line(change: &PlannedChange, target: &TargetPlan) -> Option<String> {
    let (account, region) = (target.account.as_deref()?, target.region.as_deref()?);
    let (alias, previous_alias) = (change.alias.as_str(), change.previous_alias.as_deref());
    let (before, after) = (change.before.as_deref(), change.after.as_deref());
    let verb = match change.verb() {
        Verb::Held => return None,
        Verb::Retarget => "update",
        verb => verb.as_str(),
    };
    Some(Written { account, region, alias, previous_alias, verb, before, after }.line())
}

/// The steps of a plan, by name
fn steps(plan: &Plan) -> BTreeMap<&str, Step<'_>> {
    plan.changes.iter().flat_map(steps_of).map(|step| (step.alias, step)).collect()
}

fn steps_of(change: &Change) -> Vec<Step<'_>> {
    let verb = Verb::of(&change.action);
    let (before, after) = change.action.keys();
    let alias = change.action.name().as_str();
    let step = Step { alias, verb, before: before.map(KeyId::as_str), after: after.map(KeyId::as_str) };
    let old = change.previous.iter().map(|(old, was)| Step {
        alias: old.as_str(),
        verb: Verb::Delete,
        before: Some(was.as_str()),
        after: None,
    });
    std::iter::once(step).chain(old).collect()
}
