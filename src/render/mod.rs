//! Plans and reports -> text, unified diff, Markdown, JSON, and what CI jobs and monitoring read. Pure: nothing here prints, and the same
//! input gives the same bytes.

pub mod access;
pub mod applied;
pub mod blame;
mod columns;
pub mod diff;
pub mod doctor;
pub mod explain;
pub mod findings;
pub mod fitted;
pub mod form;
pub mod gitlab;
pub mod harmless;
mod html;
pub mod job;
pub mod junit;
pub mod listing;
pub mod markdown;
pub mod ndjson;
pub mod notice;
pub mod prometheus;
pub mod receipt;
pub mod report;
pub mod sarif;
pub(crate) mod sentences;
pub(crate) mod shell;
pub mod style;
pub mod text;
pub mod tsv;
pub(crate) mod unified;
mod web;
