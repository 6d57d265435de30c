//! The document of a plan: what `plan -o json` and `plan --out` write, and what every other form is rendered from.
//!
//! A later minor version may add fields, which are passed over here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{AccessFinding, BlameText, ErrorText};
use crate::kms::Calls;
use crate::plan::Action;
use crate::shard::ShardText;
use crate::target::Place;

/// A plan of all targets
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanDocument {
    /// `1.0`
    pub format_version: String,
    /// `plan`, or `drift` where the question was only whether there is any
    pub kind: String,
    /// Only in a saved plan: without it, the same plan is the same bytes. UTC, as `2026-12-01T09:00:00.123Z`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// Only with `--shard`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardText>,
    /// Only of merged plans that are not whole: the parts that are not among them, as `1/4`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_shards: Vec<String>,
    /// Of its writes; `null` while a target could not be read
    pub digest: Option<String>,
    /// Whether a target could not be read, or a part of the targets is missing
    pub errored: bool,
    /// Whether the command line leaves names out
    pub partial: bool,
    /// What the command line allowed
    pub allow: BTreeSet<String>,
    /// `null` without `--base-ref`
    pub base: Option<BaseText>,
    /// Sentences
    pub warnings: Vec<String>,
    /// What refuses the plan as a whole; those of a target are with it
    pub refusals: Vec<RefusalText>,
    /// What it comes to
    pub summary: Summary,
    /// Requests made, by operation
    pub api_calls: Calls,
    /// The least time that the rates leave for the writes
    pub least_seconds: f64,
    /// In the order of their names
    pub targets: Vec<TargetPlan>,
}

impl PlanDocument {
    /// The summary, with what is counted by the changes that are shown: a document is believed no further
    pub fn counted(&self) -> Summary {
        let all = || self.targets.iter().flat_map(|target| &target.changes);
        let count = |verb: Verb| all().filter(|change| change.verb() == verb).count();
        Summary {
            create: count(Verb::Create),
            update: count(Verb::Retarget),
            replace: count(Verb::Replace),
            rename: count(Verb::Rename),
            delete: count(Verb::Delete),
            held: count(Verb::Held),
            ..self.summary.clone()
        }
    }
}

/// The commit that the manifest is compared with
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseText {
    /// Its whole hash
    pub commit: String,
    /// Whether the manifest could be read there; if not, every origin is `unknown`
    pub readable: bool,
}

/// Counts over all targets
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each counts what its name says")]
pub struct Summary {
    pub create: usize,
    pub update: usize,
    pub replace: usize,
    pub rename: usize,
    pub delete: usize,
    pub held: usize,
    pub in_sync: usize,
    pub unmanaged: usize,
    pub refused: usize,
    pub unread_targets: usize,
    #[serde(default)]
    pub unlisted_targets: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<usize>,
}

impl Summary {
    /// Changes that would be made
    pub fn changes(&self) -> usize {
        self.create + self.update + self.replace + self.rename + self.delete
    }
}

/// The plan of one target
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetPlan {
    /// As `prod/111122223333/us-east-1`
    pub name: String,
    /// As `aws`; `null` where it could not be read
    pub partition: Option<String>,
    /// Twelve digits; `null` where neither the manifest nor the service told
    pub account: Option<String>,
    /// As `us-east-1`, likewise
    pub region: Option<String>,
    /// The ARN of whoever read it
    pub caller: Option<String>,
    /// Whether names in scope that nothing declares are deleted
    pub prune: bool,
    /// Whether it could not be read
    pub errored: bool,
    /// Why it could not
    pub error: Option<ErrorText>,
    /// `list` where all live aliases were read; `names` where only those were that the manifest speaks about, so that what is unmanaged
    /// is not known; `null` where it could not be read
    #[serde(default)]
    pub read: Option<String>,
    /// What is done and what is held, sorted by alias
    pub changes: Vec<PlannedChange>,
    /// What refuses its plan
    pub refusals: Vec<RefusalText>,
    /// Live names in scope that nothing declares and prune does not delete, each with its key
    pub unmanaged: BTreeMap<String, Option<String>>,
    /// Previous names that stay for now
    #[serde(default)]
    pub kept: BTreeMap<String, KeptName>,
    /// How many names are as declared
    pub in_sync: usize,
    /// Those of them that are on a key that cannot be used; only where that was looked at
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<Vec<UnusableText>>,
    /// How many of the keys that were looked at are in each state but `Enabled`
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unusable_keys: BTreeMap<String, usize>,
    /// Only with `--access`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Vec<AccessFinding>>,
    /// Only with `--blame`, where CloudTrail could not be asked to the end
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blame_error: Option<ErrorText>,
    /// How many keys `--access` looked at
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_keys: Option<usize>,
}

impl TargetPlan {
    /// Whether only names were read that the manifest speaks about, so that nobody knows what is unmanaged
    pub fn is_unlisted(&self) -> bool {
        self.read.as_deref() == Some("names")
    }

    /// Whether there is nothing to tell of it
    pub fn is_quiet(&self) -> bool {
        !self.errored
            && self.changes.is_empty()
            && self.unmanaged.is_empty()
            && self.kept.is_empty()
            && self.refusals.is_empty()
            && self.unusable.as_ref().is_none_or(Vec::is_empty)
    }

    /// Every key that it shows
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let changed =
            self.changes.iter().flat_map(|change| [change.before.as_deref(), change.after.as_deref()]);
        let kept = self.kept.values().map(|kept| kept.key.as_str());
        let unusable = self.unusable.iter().flatten().map(|unusable| unusable.key.as_str());
        changed.chain(self.unmanaged.values().map(Option::as_deref)).flatten().chain(kept).chain(unusable)
    }
}

/// A previous name that stays for now
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptName {
    /// The key that it is on
    pub key: String,
    /// The name that it has become
    pub successor_alias: String,
}

/// An alias that is as declared, and on a key that cannot be used
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnusableText {
    /// The alias
    pub alias: String,
    /// The key that it is on
    pub key: String,
    /// As `PendingDeletion`; `Missing` where there is no such key, `null` where nobody may tell
    pub key_state: Option<String>,
    /// A sentence
    pub message: String,
    /// What would help
    pub hint: String,
    /// Where the manifest declares it
    pub source: Option<Source>,
    /// Only with `--blame`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blame: Option<BlameText>,
}

/// A guard that refuses a plan
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalText {
    /// As `mass-delete`
    pub guard: String,
    /// What was observed, and the limit
    pub message: String,
    /// Where the manifest says so; `null` for a default
    pub source: Option<Source>,
    /// The flag that accepts it, or what to leave out of one
    pub accept: String,
    /// What would help
    #[serde(default)]
    pub hint: String,
}

/// What becomes of one alias
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// The alias
    pub alias: String,
    /// The name that goes once this one is there
    pub previous_alias: Option<String>,
    /// The name that this one has become, where it is deleted for that
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor_alias: Option<String>,
    /// The service's verbs in their order: `create`, `update`, `delete`; or `no-op` for what is held
    pub actions: Vec<String>,
    /// As `target_drift`; `null` for what is held
    pub reason: Option<String>,
    /// `config`, `drift` or `unknown`
    pub origin: String,
    /// The key that it is on, or its previous name is
    pub before: Option<String>,
    /// The key that it is to be on
    pub after: Option<String>,
    /// What the key says of itself: the one that the alias comes to, or leaves
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_description: Option<String>,
    /// Where the manifest asks for it
    pub source: Option<Source>,
    /// What led to it, sentences
    #[serde(default)]
    pub why: Vec<String>,
    /// What could go wrong all the same
    pub risks: Vec<RiskText>,
    /// Why it is held
    pub blocked_by: Option<String>,
    /// What would help where it is held
    pub hint: Option<String>,
    /// Where the live state is declared now, so that it no longer differs; only with `--write-config`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Source>,
    /// Only with `--blame`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blame: Option<BlameText>,
}

/// What is done to an alias, as one word
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// `+`
    Create,
    /// `~`
    Retarget,
    /// `-/+`
    Replace,
    /// `>`
    Rename,
    /// `-`
    Delete,
    /// `!`
    Held,
}

impl Verb {
    /// In the order in which they are counted
    pub const ALL: [Self; 6] =
        [Self::Create, Self::Retarget, Self::Replace, Self::Rename, Self::Delete, Self::Held];

    /// What an action does to its own alias; a rename is two of them
    pub fn of(action: &Action) -> Self {
        match action {
            Action::Create { .. } => Self::Create,
            Action::Update { .. } => Self::Retarget,
            Action::Replace { .. } => Self::Replace,
            Action::Delete { .. } => Self::Delete,
        }
    }

    /// Carries the meaning without colour
    pub fn sign(self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Retarget => "~",
            Self::Replace => "-/+",
            Self::Rename => ">",
            Self::Delete => "-",
            Self::Held => "!",
        }
    }

    /// For people
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Retarget => "retarget",
            Self::Replace => "replace",
            Self::Rename => "rename",
            Self::Delete => "delete",
            Self::Held => "held",
        }
    }
}

impl PlannedChange {
    /// What is done; actions that this program does not know are not done by it
    pub fn verb(&self) -> Verb {
        let [first, second] = [0, 1].map(|at| self.actions.get(at).map_or("", String::as_str));
        match (first, second, self.actions.len()) {
            ("create", "delete", 2) => Verb::Rename,
            ("create", _, 1) => Verb::Create,
            ("update", _, 1) => Verb::Retarget,
            ("delete", "create", 2) => Verb::Replace,
            ("delete", _, 1) => Verb::Delete,
            _ => Verb::Held,
        }
    }
}

/// A risk of a change
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskText {
    /// As `decrypt-by-name`; `kms-alias explain CODE` tells more
    pub code: String,
    /// A sentence
    pub message: String,
    /// The page about it
    pub link: String,
}

/// A place in the manifest
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The file's path as the user gave it, or `<stdin>`
    pub file: String,
    /// Counted from 1
    pub line: u32,
    /// In characters, counted from 1
    pub column: u32,
}

impl From<&Place> for Source {
    fn from(place: &Place) -> Self {
        Self { file: place.file.to_string(), line: place.line, column: place.column }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
