//! The lines of a receipt: their form, and how plans and reports become them.

use serde::{Deserialize, Serialize};

use crate::apply::{Applied, Outcome};
use crate::converge::Report;
use crate::fleet::Trouble;
use crate::kms::Identity;
use crate::plan::{Change, Plan};
use crate::verify::Verdict;

/// The version of the lines; a reader takes any minor one
pub const FORMAT_VERSION: &str = "1.0";

/// One line
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// UTC, as `2026-12-01T09:00:00.123Z`
    pub time: String,
    /// What happened
    #[serde(flatten)]
    pub event: Event,
}

/// What happened
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The apply begins; always the first line
    Begin(Begin),
    /// What is to be done in one target
    Target(Intent),
    /// A write call is about to be made
    Call(Call),
    /// What came back
    Answer(Answer),
    /// What an action came to, as the report has it
    Outcome(Ending),
    /// Whether a target was seen to have converged
    Verdict(Seen),
    /// The apply ended by itself; always the last line
    End {
        /// The exit code of the program
        exit_code: u8,
    },
    /// A line of a later minor version
    #[serde(other)]
    Later,
}

/// What the apply is
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Begin {
    /// Of the lines
    pub format_version: String,
    /// Always `receipt`
    pub kind: String,
    /// The version of the program
    pub program: String,
    /// Of the plan
    pub digest: String,
    /// What the command line allowed
    pub allow: Vec<String>,
    /// Whether names were left out by the command line
    pub partial: bool,
    /// The part of the targets that it was for, as `0/4`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
}

/// What is to be done in one target
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The target's name
    pub target: String,
    /// As `aws`
    pub partition: String,
    /// Twelve digits
    pub account: String,
    /// As `us-east-1`
    pub region: String,
    /// Whose credentials write
    pub caller: String,
    /// The changes, sorted by alias
    pub changes: Vec<Intended>,
}

/// One change that is to be made
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intended {
    /// The alias
    pub alias: String,
    /// The name that it had
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_alias: Option<String>,
    /// `create`, `update`, `delete`; two for a replacement or a rename
    pub actions: Vec<String>,
    /// The key that it was seen on
    pub before: Option<String>,
    /// The key that it is to be on
    pub after: Option<String>,
}

/// A write call
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Counted from 1 in the whole receipt
    pub call: u64,
    /// The target's name
    pub target: String,
    /// `CreateAlias`, `UpdateAlias` or `DeleteAlias`
    pub operation: String,
    /// The alias
    pub alias: String,
    /// The key that it is on until then
    pub before: Option<String>,
    /// The key that it is on afterwards
    pub after: Option<String>,
}

/// What came back from a write call
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The call
    pub call: u64,
    /// What the answer means
    pub answer: Meaning,
    /// `x-amzn-RequestId`, which CloudTrail repeats
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The error, where there is one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What the answer to a write call means
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// The change was made
    Done,
    /// Nothing was changed
    Refused,
    /// It may have been made
    Unclear,
}

/// What an action came to
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// The target's name
    pub target: String,
    /// The alias
    pub alias: String,
    /// The key that it was to be on
    pub after: Option<String>,
    /// `done`, `already_so`, …: the words of the report
    pub outcome: String,
    /// Write calls made
    pub attempts: u32,
    /// Why, where it is no success
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How the verification of a target ended
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The target's name
    pub target: String,
    /// Whether the service showed the result
    pub converged: bool,
    /// The names that it did not show
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    /// Why it could not be told
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Intent {
    /// The plan of a target that `writer` is about to carry out
    pub fn of(target: &str, writer: &Identity, plan: &Plan) -> Self {
        let Identity { account, region, partition, caller } = writer;
        Self {
            target: target.to_owned(),
            partition: partition.to_string(),
            account: account.to_string(),
            region: region.to_string(),
            caller: caller.to_string(),
            changes: plan.changes.iter().map(Intended::of).collect(),
        }
    }
}

impl Intended {
    fn of(change: &Change) -> Self {
        let (before, after) = change.keys();
        Self {
            alias: change.action.name().to_string(),
            previous_alias: change.previous.as_ref().map(|(name, _)| name.to_string()),
            actions: change.verbs().into_iter().map(str::to_owned).collect(),
            before: before.map(ToString::to_string),
            after: after.map(ToString::to_string),
        }
    }
}

impl Ending {
    /// What an action in this target came to
    pub fn of(target: &str, applied: &Applied) -> Self {
        let error = match &applied.outcome {
            Outcome::Contested { found: Some(key) } => Some(format!("it was on {key}")),
            Outcome::Contested { found: None } => Some("it was gone".to_owned()),
            outcome => outcome.error(),
        };
        Self {
            target: target.to_owned(),
            alias: applied.action.name().to_string(),
            after: applied.action.keys().1.map(ToString::to_string),
            outcome: applied.outcome.word().to_owned(),
            attempts: applied.attempts,
            error,
        }
    }
}

impl Seen {
    /// How the last verification of this target ended, if there was one
    pub fn of(target: &str, report: &Report) -> Option<Self> {
        let verdict = report.verdict.as_ref()?;
        let left = report.unsettled().map(ToString::to_string).collect();
        let converged = matches!(verdict, Ok(Verdict::Converged { .. })) && report.is_complete();
        let error = verdict.as_ref().err().map(|error| Trouble::new(error, None).sentence);
        Some(Self { target: target.to_owned(), converged, left, error })
    }
}
