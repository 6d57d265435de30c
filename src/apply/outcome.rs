//! What can come of an action

use crate::alias::KeyId;
use crate::kms::KmsError;
use crate::plan::Action;

/// What came of an action
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Written, and not yet seen by `verify`
    Done,
    /// The alias was as wanted before anything was written
    AlreadySo,
    /// The alias is not what the plan saw, so nothing was written: it is on this key, or gone
    Contested {
        /// Where it is now
        found: Option<KeyId>,
    },
    /// The service refused, or could not be reached; the error says whether something may have been written
    Failed(KmsError),
    /// A replacement could not be created on its new key, for this reason, and is back on the old one
    PutBack(KmsError),
    /// A replacement was deleted, and could be created neither on its new key nor on its old one again: the alias is gone
    Gone {
        /// Why not on the new key
        new: Box<KmsError>,
        /// Why not on the old one
        old: Box<KmsError>,
    },
    /// Written, or found as wanted, but the service did not show it in time
    Unverified,
    /// It never came to this action
    NotAttempted(Reason),
}

/// Why it never came to an action
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The program was asked to stop
    Stopped,
    /// What had to come first could not be verified
    EarlierStage,
    /// The credentials gave out, so nothing that follows could succeed
    Credentials,
    /// The receipt could not be written any more, so nothing that follows would be known
    Receipt,
}

impl Outcome {
    /// What is worst, and said first
    pub(crate) const GONE: &str =
        "the alias is gone: it was deleted, and could be created neither on its new key nor on its old one";

    /// As documents have it
    pub fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::AlreadySo => "already_so",
            Self::Contested { .. } => "contested",
            Self::Failed(_) | Self::Gone { .. } => "failed",
            Self::PutBack(_) => "put_back",
            Self::Unverified => "unverified",
            Self::NotAttempted(_) => "not_attempted",
        }
    }

    /// What went wrong, in one sentence
    pub fn error(&self) -> Option<String> {
        match self {
            Self::Failed(error) | Self::PutBack(error) => Some(error.to_string()),
            Self::Gone { new, old } => Some(format!("{}; new key: {new}; old key: {old}", Self::GONE)),
            _ => None,
        }
    }

    /// Whether the alias is, or was said to be, as wanted
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Done | Self::AlreadySo)
    }
}

/// One action, and what came of it
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The action
    pub action: Action,
    /// What came of it
    pub outcome: Outcome,
    /// How often it was tried to write: 1 where every call that it takes went through the first time
    pub attempts: u32,
    /// Of the last write that the service answered
    pub request_id: Option<String>,
}
