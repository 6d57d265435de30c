//! What happens in a run -> lines on stdout as it happens, with `-o ndjson`, and for the report of that form.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{MutexGuard, PoisonError};

use tokio::time::Instant;

use super::Session;
use super::args::Output;
use super::console::Unprinted;
use crate::apply::Applied;
use crate::plan::Action;
use crate::poll::now;
use crate::receipt::timestamp;
use crate::render::findings::{DRIFT, UNAPPLIED, findings};
use crate::render::form::Form;
use crate::render::ndjson::{Event, applied, diagnostic, ended, planned, started, version};

/// What has been told
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// The findings, by their fingerprints
    found: BTreeSet<String>,
    /// When what is under way began, by target and action
    began: BTreeMap<(String, Action), Instant>,
    /// Why events are missing on stdout
    pub(super) lost: Option<String>,
    /// The plan is told once, before anything is left out of it
    planned: bool,
}

impl Session<'_> {
    pub(super) fn tell_version(&self) {
        let command = self.known().command;
        self.emit(|| vec![version(command)]);
    }

    pub(super) fn tell_planned(&self) {
        if !std::mem::replace(&mut self.stream().planned, true) {
            self.emit(|| self.known().plan.as_ref().map(planned).unwrap_or_default());
        }
        self.tell_findings();
    }

    pub(super) fn tell_started(&self, target: &str, action: &Action) {
        self.emit(|| {
            self.stream().began.insert((target.to_owned(), action.clone()), now());
            vec![started(target, action)]
        });
    }

    pub(super) fn tell_ended(&self, target: &str, applied: &Applied) {
        self.emit(|| {
            let began = self.stream().began.remove(&(target.to_owned(), applied.action.clone()));
            vec![ended(target, applied, began.map(|began| now().duration_since(began)).unwrap_or_default())]
        });
    }

    pub(super) fn tell_applied(&self) {
        self.emit(|| self.known().written.iter().map(|written| applied(&written.report)).collect());
        self.tell_findings();
    }

    /// Tells the findings that have not been told
    pub(super) fn tell_findings(&self) {
        self.emit(|| {
            let found = findings(&self.known());
            let mut stream = self.stream();
            // What has drifted is an event of its own.
            let found = found.iter().filter(|finding| ![DRIFT, UNAPPLIED].contains(&finding.rule.as_str()));
            let new = found.filter(|finding| stream.found.insert(finding.fingerprint.clone()));
            new.map(diagnostic).collect()
        });
    }

    pub(super) fn stream(&self) -> MutexGuard<'_, Stream> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn emit(&self, events: impl FnOnce() -> Vec<Event>) {
        let (printed, kept) = (self.global.output == Output::Ndjson, self.wants(Form::Ndjson));
        // Of other commands nothing is told.
        if !(printed || kept) || self.known().command.is_empty() {
            return;
        }
        let time = timestamp();
        // An event is made of texts and numbers, which can always be written.
        let lines: String = events().into_iter().filter_map(|event| event.line(&time).ok()).collect();
        if printed {
            // A full disk changes nothing about what is done, and is told at the end.
            if let Err(Unprinted(why)) = self.console.print(&lines) {
                self.stream().lost = Some(why.to_string());
            }
        }
        if kept {
            self.known().events += &lines;
        }
    }
}
