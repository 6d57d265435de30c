//! A run of plan, apply or revert -> the forms of its report, whichever way it ended. Pure.

use std::collections::HashMap;
use std::time::Duration;

use clap::ValueEnum;
use time::OffsetDateTime;

use super::diff::{self, Live};
use super::harmless::{self, harmless};
use super::markdown::Frame;
use super::style::Palette;
use super::{gitlab, html, junit, markdown, prometheus, sarif, text, tsv};
use crate::document::{
    ApplyDocument, ErrorText, FORMAT_VERSION, PlanDocument, ReportDocument, TargetReport, failure,
};
use crate::kms::Calls;
use crate::load::Problems;
use crate::shard::ShardText;

/// The forms of a report
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Form {
    /// For people
    Text,
    /// A unified diff of the live state against the desired one, as manifest YAML
    Diff,
    /// One JSON document
    Json,
    /// Events, one JSON object a line, as they happened
    Ndjson,
    /// The body of a comment on a pull request
    Markdown,
    /// A line for each alias, in columns
    Tsv,
    /// One page that needs nothing else
    Html,
    /// How much is created, updated and deleted, for GitLab's `reports: terraform`
    GitlabTerraform,
    /// What there is to look at, for GitLab's `reports: codequality`
    GitlabCodequality,
    /// What there is to look at, for code scanning
    Sarif,
    /// A test case for each alias that differs
    Junit,
    /// Metrics, for the node exporter's textfile collector
    Prometheus,
}

/// What is known of a run: all of it once it has ended
#[derive(Debug)]
pub struct Run {
    /// `plan`, `apply`, `drift` or `revert`
    pub command: &'static str,
    /// Which part of the targets it was for; `None` where it was for all of them
    pub shard: Option<ShardText>,
    /// The manifest as the user named it, or the first of them
    pub manifest: String,
    /// What is wrong with the manifest, warnings included
    pub problems: Problems,
    /// What ended it, in whole sentences; what is wrong with a target is in the plan
    pub errors: Vec<ErrorText>,
    /// `None` where it never came to one
    pub plan: Option<PlanDocument>,
    /// What is live, where a diff is wanted
    pub live: Live<'static>,
    /// `None` where it never came to a write
    pub written: Option<Written>,
    /// Requests made to write and to see what was written
    pub calls: Calls,
    /// The events so far, each a line, where a report of them is wanted
    pub events: String,
    /// Of the process
    pub exit_code: u8,
    /// The time of day when it began
    pub began: OffsetDateTime,
    /// How long it took
    pub took: Duration,
}

/// What an apply did
#[derive(Debug)]
pub struct Written {
    /// What became of the changes
    pub report: ReportDocument,
    /// The same for people, without colours
    pub text: String,
    /// The file that has every write of it
    pub receipt: Option<String>,
    /// Where each target is in the report, of which there may be thousands
    places: HashMap<String, usize>,
}

/// Why a form could not be made
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// The JSON writer's
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The YAML writer's
    #[error(transparent)]
    Yaml(#[from] serde_saphyr::ser::Error),
}

/// The report of a run in one of its forms; `earlier` is what its file held until now, from which only metrics take anything
///
/// # Errors
/// The writer's of that form.
pub fn form(form: Form, run: &Run, earlier: Option<&str>) -> Result<String, FormError> {
    Ok(match form {
        Form::Text => plain(run),
        Form::Diff => {
            run.plan.as_ref().map_or(Ok(String::new()), |plan| diff::plan(plan, &run.live))?
                + &ended(run, "# ")
        }
        Form::Json => json(run)?,
        Form::Ndjson => run.events.clone(),
        Form::Markdown => markdown::run(run, &Frame::default()),
        Form::Tsv => tsv::run(run),
        Form::Html => html::html(run),
        Form::GitlabTerraform => harmless::json(&gitlab::terraform(run))?,
        Form::GitlabCodequality => harmless::json(&gitlab::code_quality(run))?,
        Form::Sarif => harmless::json(&sarif::sarif(run))?,
        Form::Junit => junit::junit(run),
        Form::Prometheus => prometheus::prometheus(run, earlier),
    })
}

fn plain(run: &Run) -> String {
    let mut shown = run.plan.as_ref().map(|plan| text::plan(plan, &Palette::plain())).unwrap_or_default();
    if run.problems.has_errors() {
        shown += &run.problems.render(false);
        shown.push('\n');
    }
    shown += run.written.as_ref().map_or("", |written| &written.text);
    shown + &ended(run, "")
}

/// What ended the run, each line behind `mark`
pub(super) fn ended(run: &Run, mark: &str) -> String {
    let mut shown = String::new();
    if run.problems.has_errors() {
        shown += &format!("{mark}error: {}\n", run.problems);
    }
    for ErrorText { message, hint } in &run.errors {
        shown += &format!("{mark}error: {}\n", harmless(message));
        shown.extend(hint.iter().map(|hint| format!("{mark}hint: {}\n", harmless(hint))));
    }
    shown
}

/// The one document: that of the plan, of the apply, or of what kept it from either
fn json(run: &Run) -> serde_json::Result<String> {
    let error = run.error();
    match &run.plan {
        Some(plan) if matches!(run.command, "plan" | "drift") => harmless::json(plan),
        Some(plan) => {
            let written = run.written.as_ref();
            harmless::json(&ApplyDocument {
                format_version: FORMAT_VERSION.to_owned(),
                kind: "apply".to_owned(),
                plan: plan.clone(),
                receipt: written.and_then(|written| written.receipt.clone()),
                receipts: Vec::new(),
                report: written.map(|written| written.report.clone()),
                error,
                exit_code: run.exit_code,
            })
        }
        None if run.problems.has_errors() => harmless::json(&run.problems.to_json()),
        None => {
            let ErrorText { message, hint } = error.unwrap_or_default();
            harmless::json(&failure(&message, hint.as_deref(), run.exit_code))
        }
    }
}

impl Run {
    /// Whether it did what it was to do; differences that were asked about are an answer and no failure
    pub fn succeeded(&self) -> bool {
        matches!(self.exit_code, 0 | 2)
    }

    /// What ended it, as one
    pub fn error(&self) -> Option<ErrorText> {
        let messages: Vec<_> = self.errors.iter().map(|error| error.message.as_str()).collect();
        let hint = self.errors.iter().find_map(|error| error.hint.clone());
        (!messages.is_empty()).then(|| ErrorText { message: messages.join("; "), hint })
    }
}

impl Written {
    /// What these reports say
    pub fn new(report: ReportDocument, text: String, receipt: Option<String>) -> Self {
        let places =
            report.targets.iter().enumerate().map(|(at, target)| (target.name.clone(), at)).collect();
        Self { report, text, receipt, places }
    }

    /// What became of the changes of this target
    pub fn of(&self, target: &str) -> Option<&TargetReport> {
        self.report.targets.get(*self.places.get(target)?)
    }
}
