//! Plans and reports -> text, unified diff, Markdown, JSON, and what CI jobs read. Pure: nothing here prints, and the same input gives
//! the same bytes.

pub mod access;
pub mod diff;
pub mod doctor;
pub mod explain;
pub mod form;
pub mod harmless;
pub mod markdown;
pub mod receipt;
pub mod report;
pub mod style;
pub mod text;
pub mod tsv;
