//! Plans and reports -> JSON for programs. Its structs are its own, so that a rename inside cannot change a public format.

mod plan;
mod report;

pub use plan::{PlanDocument, plan, saved};
pub use report::{ApplyDocument, apply, unwritten};
use serde::Serialize;

use crate::fleet::Trouble;
use crate::plan::risks::Code;

/// Added fields raise the second number, anything else the first
pub const FORMAT_VERSION: &str = "1.0";

#[derive(Debug, Serialize)]
struct ErrorText<'p> {
    message: &'p str,
    hint: Option<&'p str>,
}

fn error(trouble: &Trouble) -> ErrorText<'_> {
    ErrorText { message: &trouble.sentence, hint: trouble.hint.as_deref() }
}

/// The document of a command that came to nothing it could show
#[derive(Debug, Serialize)]
pub struct FailureDocument<'f> {
    format_version: &'static str,
    kind: &'static str,
    error: ErrorText<'f>,
    exit_code: u8,
}

/// The document of a failure that no target and no line of the manifest is to blame for
pub fn failure<'f>(message: &'f str, hint: Option<&'f str>, exit_code: u8) -> FailureDocument<'f> {
    let error = ErrorText { message, hint };
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
