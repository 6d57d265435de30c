//! What a run comes to is kept here as it goes, and told at its end: on stdout where that carries a document, and in every file
//! that `--report` names, however the run ended.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};

use anyhow::Context as _;

use super::args::{Cli, Command, Global, Output, ReportFile};
use super::exit::Exit;
use super::{Session, default_manifest};
use crate::bounded::{Limit, read_text};
use crate::document::{self, ErrorText};
use crate::draft::{Readers, put};
use crate::fleet::Surveyed;
use crate::kms::{Calls, add_calls};
use crate::load::Problems;
use crate::poll::{now, time_of_day};
use crate::render::diff::Live;
use crate::render::form::{Form, Run, Written, form};
use crate::render::harmless::harmless;
use crate::shard::ShardText;

/// A file of metrics is a few lines for each target
const LARGEST: Limit = Limit::mib(64);

/// A run of which nothing is known yet
pub(super) fn begin(cli: &Cli) -> Run {
    let manifest =
        cli.global.file.first().map_or("aliases.yaml".to_owned(), |path| path.display().to_string());
    Run {
        command: reported(&cli.command).unwrap_or_default(),
        shard: cli.global.shard.map(|shard| ShardText { part: shard.to_string(), fleet: None }),
        manifest,
        problems: Problems::default(),
        errors: Vec::new(),
        plan: None,
        live: Live::default(),
        written: None,
        calls: Calls::new(),
        events: String::new(),
        exit_code: 0,
        began: time_of_day().into(),
        took: std::time::Duration::ZERO,
    }
}

/// The name of a command that has reports
pub(super) fn reported(command: &Command) -> Option<&'static str> {
    match command {
        Command::Plan(_) => Some("plan"),
        Command::Drift(_) => Some("drift"),
        Command::Apply(_) => Some("apply"),
        Command::Revert(_) => Some("revert"),
        _ => None,
    }
}

/// Why no reports can be made as the command line asks for them
pub(super) fn refusal(cli: &Cli) -> Option<String> {
    let reports = &cli.global.report;
    let first = reports.first()?;
    if reported(&cli.command).is_none() {
        return Some(format!("--report {}: only plan, apply, drift and revert have reports", first.form()));
    }
    // As they stand in the same folder, however they are written.
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut taken: BTreeSet<PathBuf> = others(cli).iter().map(|path| whole(path)).collect();
    let twice = reports.iter().find(|report| !taken.insert(whole(&report.path)))?;
    let path = twice.path.display();
    Some(format!("--report {}: {path} is to be another file of this run already", twice.form()))
}

/// The files that every command reads: those of the manifest, or their folder, and the state of the sandbox
pub(super) fn inputs(global: &Global) -> Vec<PathBuf> {
    let mut paths = global.file.clone();
    if paths.is_empty() {
        paths.push(default_manifest(Path::new("aliases.yaml"), Path::new("aliases")));
    }
    paths.extend(global.sandbox.iter().flatten().cloned());
    paths
}

/// The files that a command reads or writes besides, all of which a report would destroy
fn others(cli: &Cli) -> Vec<PathBuf> {
    let mut paths = inputs(&cli.global);
    match &cli.command {
        Command::Plan(plan) => paths.extend(plan.out.clone()),
        Command::Apply(apply) => {
            paths.extend(apply.path.iter().chain(&apply.writing.receipt).cloned());
        }
        Command::Revert(revert) => {
            paths.extend([&revert.path].into_iter().chain(&revert.writing.receipt).cloned());
        }
        _ => {}
    }
    paths
}

impl Session<'_> {
    /// What is known of this run
    pub(super) fn known(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the plan, and what a diff of it needs
    pub(super) fn keep_plan(&self, surveyed: &[Surveyed]) {
        let drift = self.known().command == "drift";
        let mut plan = if drift { document::drift(surveyed) } else { document::plan(surveyed) };
        let diff = self.global.output == Output::Diff || self.wants(Form::Diff);
        let live = if diff { Live::listed(surveyed).into_owned() } else { Live::default() };
        {
            let mut run = self.known();
            // What was asked before there were targets belongs to reading them.
            add_calls(&mut plan.api_calls, &std::mem::take(&mut run.calls));
            plan.shard = run.shard.clone();
            (run.plan, run.live) = (Some(plan), live);
        }
        self.tell_planned();
    }

    /// Keeps what is wrong with the manifest
    pub(super) fn keep_problems(&self, problems: &Problems) {
        self.known().problems = problems.clone();
        self.tell_findings();
    }

    /// Keeps what was done
    pub(super) fn keep_written(&self, written: Written) {
        self.known().written = Some(written);
        self.tell_applied();
    }

    /// Keeps what was asked of the service before there was a plan, or in order to write
    pub(super) fn keep_calls(&self, calls: &Calls) {
        add_calls(&mut self.known().calls, calls);
    }

    /// Keeps what ends the run
    pub(super) fn keep_error(&self, message: &str, hint: Option<&str>) {
        let error = ErrorText { message: message.to_owned(), hint: hint.map(str::to_owned) };
        self.known().errors.push(error);
        self.tell_findings();
    }

    /// What is known, in the form that stdout is to have, once it ends with `exit`; `None` where that is not one document
    pub(super) fn document(&self, exit: Exit) -> anyhow::Result<Option<String>> {
        let wanted = match self.global.output {
            Output::Json => Form::Json,
            Output::Markdown => Form::Markdown,
            Output::Html => Form::Html,
            Output::Tsv => Form::Tsv,
            Output::Text | Output::Diff | Output::Ndjson => return Ok(None),
        };
        let mut run = self.known();
        if run.command.is_empty() {
            return Ok(None);
        }
        run.exit_code = exit.code();
        Ok(Some(form(wanted, &run, None)?))
    }

    pub(super) fn wants(&self, form: Form) -> bool {
        self.global.report.iter().any(|report| report.form == form)
    }

    /// Writes every report; one that cannot be written keeps no other from it
    pub(super) fn write_reports(&self, exit: Exit) -> Exit {
        let mut run = self.known();
        run.exit_code = exit.code();
        run.took = now().duration_since(self.began);
        let mut ended = exit;
        if let Some(why) = self.stream().lost.take() {
            self.console.note(&format!("error: failed to write to stdout: {}\n", harmless(&why)));
            ended = ended.worse(Exit::Runtime);
        }
        // Metrics last, since they are of how it ends, and a report that cannot be written is a part of that.
        let (metrics, others): (Vec<_>, Vec<_>) =
            self.global.report.iter().partition(|report| report.form == Form::Prometheus);
        for report in others.into_iter().chain(metrics) {
            run.exit_code = ended.code();
            if let Err(error) = write(report, &run) {
                let sentence = format!("failed to {error:#}");
                let hint = "name a place that can be written with --report, and run again";
                self.console.note(&format!("error: {}\nhint: {hint}\n", harmless(&sentence)));
                run.errors.push(ErrorText { message: sentence, hint: Some(hint.to_owned()) });
                ended = ended.worse(Exit::Runtime);
            }
        }
        run.exit_code = ended.code();
        ended
    }
}

fn write(report: &ReportFile, run: &Run) -> anyhow::Result<()> {
    let shown = || format!("write the report {}", report.path.display());
    // Whatever cannot be read as metrics has nothing to be carried over.
    let earlier = (report.form == Form::Prometheus).then(|| read_text(&report.path, LARGEST).ok()).flatten();
    let text = form(report.form, run, earlier.as_deref()).with_context(shown)?;
    put(&report.path, text.as_bytes(), Readers::Umask).with_context(shown)
}
