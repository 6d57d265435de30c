//! `kms-alias drift --write-config`: the live state becomes what is declared, and the reader is told of every name.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Session;
use super::args::Output;
use super::exit::Exit;
use crate::accept::files::{Revision, replace};
use crate::accept::{Acceptance, Accepted, Left, Said, accept};
use crate::document::Source;
use crate::fleet::Surveyed;
use crate::load::Manifest;
use crate::render::harmless::harmless;
use crate::render::style::{KeyNames, plural};
use crate::target::Place;

/// What became of the manifest
pub(super) struct Edit {
    /// How the run ends
    pub(super) exit: Exit,
    outcome: Result<Acceptance, Refusal>,
}

/// Why nothing was declared, and what would help
type Refusal = (String, &'static str);

impl Session<'_> {
    /// Declares what is live, where a look for drift ended with `found`
    pub(super) fn write_config(
        &self,
        manifest: &Manifest,
        surveyed: &[Surveyed],
        found: Exit,
    ) -> anyhow::Result<Edit> {
        if let Some((sentence, hint)) = objection(surveyed, found) {
            return Ok(Edit { exit: found, outcome: Err((sentence.to_owned(), hint)) });
        }
        let acceptance = match accept(manifest, surveyed) {
            Ok(acceptance) => acceptance,
            Err(error) => {
                let refusal = (format!("failed to {error}"), error.hint());
                return Ok(Edit { exit: Exit::Runtime, outcome: Err(refusal) });
            }
        };
        replace(&acceptance.revisions)?;
        self.keep_accepted(&acceptance.accepted);
        // What is unknown stays unknown, and 1.
        let whole = acceptance.left.is_empty() && found == Exit::Differences;
        Ok(Edit { exit: if whole { Exit::Success } else { found }, outcome: Ok(acceptance) })
    }

    /// Tells what is declared now, or why it is not: that not on stdout, which has its report
    pub(super) fn tell_edit(&self, edit: &Edit) -> anyhow::Result<()> {
        match &edit.outcome {
            Ok(acceptance) => self.tell_acceptance(acceptance),
            Err((sentence, hint)) => {
                self.tell_errors(&[sentence], Some(hint));
                Ok(())
            }
        }
    }

    /// Marks what is declared now in the plan that the reports are made from
    fn keep_accepted(&self, accepted: &[Accepted]) {
        let places: BTreeMap<(&str, &str), &Place> =
            accepted.iter().map(|one| ((&*one.target, one.name.as_str()), &one.place)).collect();
        let mut run = self.known();
        for target in run.plan.iter_mut().flat_map(|plan| &mut plan.targets) {
            for change in &mut target.changes {
                let place = places.get(&(target.name.as_str(), change.alias.as_str()));
                change.accepted = place.map(|place| Source::from(*place));
            }
        }
    }

    /// What is declared now on stdout, below the report, if that is for people; what is not on stderr
    fn tell_acceptance(&self, acceptance: &Acceptance) -> anyhow::Result<()> {
        let Acceptance { accepted, left, revisions } = acceptance;
        let mut notes: String = left.iter().map(left_line).collect();
        notes.extend(accepted.iter().filter_map(instead_line));
        let text: String = accepted_lines(accepted) + &summary(accepted.len(), left.len(), revisions);
        self.console.note(&notes);
        match self.global.output {
            Output::Text => self.console.print(&text)?,
            _ => self.console.note(&text),
        }
        Ok(())
    }
}

/// Why nothing may be declared at all, and what would help
fn objection(surveyed: &[Surveyed], found: Exit) -> Option<(&'static str, &'static str)> {
    if surveyed.iter().any(|one| one.prepared.is_err()) {
        return Some((
            "a target could not be read, so nothing was written: what is not known is never declared",
            "run again, or leave that target out with --target",
        ));
    }
    (found == Exit::Refused).then_some((
        "--fail-on refuses what was found, so nothing was written",
        "leave --fail-on out, or mend what it names",
    ))
}

fn accepted_lines(accepted: &[Accepted]) -> String {
    let key = |said: &Said| match said {
        Said::Key(key) => Some(key.clone()),
        _ => None,
    };
    let keys: Vec<_> = accepted.iter().flat_map(|one| [key(&one.from), key(&one.to)]).flatten().collect();
    let names = KeyNames::new(&keys);
    let told = |said: &Said| match said {
        Said::Key(key) => harmless(names.of(key)),
        other => other.to_string(),
    };
    let mut lines = String::new();
    for Accepted { target, name, from, to, place, .. } in accepted {
        let (target, place) = (harmless(target), harmless(&place.to_string()));
        let _ = writeln!(lines, "accepted {name} in {target}: {} -> {} ({place})", told(from), told(to));
    }
    lines
}

fn left_line(Left { target, name, why }: &Left) -> String {
    format!("not accepted: {name} in {}: {}\n", harmless(target), harmless(why))
}

/// What a reader would miss: the key is no longer found, it is named
fn instead_line(Accepted { target, name, instead_of, to, .. }: &Accepted) -> Option<String> {
    let old = harmless(instead_of.as_deref()?);
    let new = if *to == Said::Absent { "`absent`" } else { "the id of a key" };
    Some(format!("warning: {name} in {}: {new} takes the place of {old}\n", harmless(target)))
}

fn summary(accepted: usize, left: usize, revisions: &[Revision]) -> String {
    let files: Vec<_> = revisions.iter().map(|revision| harmless(&revision.name)).collect();
    match (accepted, left) {
        (0, _) => "Accepted nothing: the manifest is as it was.\n".to_owned(),
        (_, 0) => format!(
            "Accepted all drift, {}: look at {} before it is committed.\n",
            plural(accepted, "declaration"),
            files.join(", ")
        ),
        _ => format!(
            "Accepted {}, and {left} stay as they were: look at {} before it is committed.\n",
            plural(accepted, "declaration"),
            files.join(", ")
        ),
    }
}
