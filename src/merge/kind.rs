//! The text of a file -> which of the things that runs write it is.

use serde::Deserialize;

use super::metrics::Exposition;
use crate::document::{ApplyDocument, ErrorText, PlanDocument};
use crate::receipt::history::{self, History, HistoryError};

/// What a file has kept
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// What is to be done, or was found by a look for drift
    Plan(Box<PlanDocument>),
    /// What an apply or a revert came to
    Apply(Box<ApplyDocument>),
    /// What was done, call by call
    Receipt(Box<History>),
    /// Metrics
    Metrics(Exposition),
}

impl Kept {
    /// As `a plan`
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Plan(plan) if plan.kind == "drift" => "a look for drift",
            Self::Plan(_) => "a plan",
            Self::Apply(_) => "the result of an apply",
            Self::Receipt(_) => "a receipt",
            Self::Metrics(_) => "metrics",
        }
    }
}

/// Why a text is none of them
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KindError {
    /// There is nothing in it
    #[error("it is empty")]
    Empty,
    /// It is of a later major version
    #[error("it has format version {0}, and this program reads 1.x")]
    Version(String),
    /// A run came to nothing that could be merged
    #[error("its run came to no plan: {0}")]
    NoPlan(String),
    /// It is another document
    #[error("it is a document of kind {0:?}")]
    OtherKind(String),
    /// It is metrics that cannot be read
    #[error("these metrics cannot be read: {0}")]
    Metrics(String),
    /// It begins as one of them
    #[error("it is no document that can be read: {0}")]
    Document(String),
    /// It is none
    #[error("it is neither a document ({document}) nor a receipt ({receipt})")]
    None {
        /// Why it is no document
        document: String,
        /// Why it is no receipt
        receipt: String,
    },
}

impl KindError {
    /// What would help
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Version(_) => "use a later kms-alias",
            Self::NoPlan(_) => {
                "mend that and run its shard again; without the file its shard is told to be missing"
            }
            Self::Metrics(_) => "name files that --report prometheus=PATH wrote, whole",
            _ => "name files that `plan --out`, `-o json` or apply wrote, whole",
        }
    }
}

#[derive(Deserialize)]
struct Head {
    kind: Option<String>,
    format_version: String,
    error: Option<ErrorText>,
    /// Of a manifest that is invalid
    valid: Option<bool>,
}

/// What the text is
///
/// # Errors
/// It is none that this program could merge.
pub fn read(text: &str) -> Result<Kept, KindError> {
    if text.trim().is_empty() {
        return Err(KindError::Empty);
    }
    if text.starts_with('#') {
        return Exposition::parse(text).map(Kept::Metrics).map_err(KindError::Metrics);
    }
    match serde_json::from_str::<Head>(text) {
        // A receipt that was torn off after its first line is one document as well.
        Ok(head) if head.kind.as_deref() != Some("receipt") => document(text, head),
        Ok(_) => receipt(text, "it is a receipt".to_owned()),
        Err(error) => receipt(text, error.to_string()),
    }
}

fn document(text: &str, head: Head) -> Result<Kept, KindError> {
    if head.format_version.split('.').next() != Some("1") {
        return Err(KindError::Version(head.format_version));
    }
    let unread = |error: serde_json::Error| KindError::Document(error.to_string());
    match (head.kind.as_deref(), head.valid) {
        (Some("plan" | "drift"), _) => Ok(Kept::Plan(serde_json::from_str(text).map_err(unread)?)),
        (Some("apply"), _) => Ok(Kept::Apply(serde_json::from_str(text).map_err(unread)?)),
        (Some("error"), _) => Err(KindError::NoPlan(head.error.unwrap_or_default().message)),
        (None, Some(false)) => Err(KindError::NoPlan("the manifest is invalid".to_owned())),
        (kind, _) => Err(KindError::OtherKind(kind.unwrap_or_default().to_owned())),
    }
}

fn receipt(text: &str, document: String) -> Result<Kept, KindError> {
    match history::read(text) {
        Ok(history) => Ok(Kept::Receipt(Box::new(history))),
        Err(HistoryError::Version(version)) => Err(KindError::Version(version)),
        Err(error) => Err(KindError::None { document, receipt: error.to_string() }),
    }
}
