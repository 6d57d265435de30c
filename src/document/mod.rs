//! Plans and reports as the world outside knows them: owned, versioned, written and read again. Its structs are its own, so that a
//! rename inside cannot change a public format; everything that is rendered for anybody is rendered from them.

mod access;
mod blame;
mod listing;
mod plan;
mod report;
mod surveyed;

pub use access::{AccessFinding, RequestsText, StatementText};
pub use blame::{BlameText, EventText};
pub use listing::{ListedAlias, ListingDocument, Status, TargetListing, listing};
pub use plan::{
    BaseText, KeptName, PlanDocument, PlannedChange, RefusalText, RiskText, Source, Summary, TargetPlan,
    UnusableText, Verb,
};
pub use report::{AppliedChange, ApplyDocument, ReportDocument, TargetReport, report};
pub use surveyed::{drift, plan};

use serde::{Deserialize, Serialize};

use crate::fleet::Trouble;
use crate::plan::risks::Code;

/// Added fields raise the second number, anything else the first
pub const FORMAT_VERSION: &str = "1.0";

/// What went wrong
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorText {
    /// A fragment of a sentence, as "failed to …"
    pub message: String,
    /// What would help
    pub hint: Option<String>,
}

impl From<&Trouble> for ErrorText {
    fn from(trouble: &Trouble) -> Self {
        Self { message: trouble.sentence.clone(), hint: trouble.hint.clone() }
    }
}

/// The document of a command that came to nothing it could show
#[derive(Debug, Serialize)]
pub struct FailureDocument {
    format_version: &'static str,
    kind: &'static str,
    error: ErrorText,
    exit_code: u8,
}

/// The document of a failure that no target and no line of the manifest is to blame for
pub fn failure(message: &str, hint: Option<&str>, exit_code: u8) -> FailureDocument {
    let error = ErrorText { message: message.to_owned(), hint: hint.map(str::to_owned) };
    FailureDocument { format_version: FORMAT_VERSION, kind: "error", error, exit_code }
}

/// The document that explains a risk
#[derive(Debug, Serialize)]
pub struct RiskDocument {
    format_version: &'static str,
    kind: &'static str,
    code: &'static str,
    text: &'static str,
}

/// What the page of the risks says of `code`
pub fn risk(code: Code) -> RiskDocument {
    RiskDocument { format_version: FORMAT_VERSION, kind: "risk", code: code.as_str(), text: code.section() }
}
