//! `kms-alias drift --write-config`: the live state becomes what is declared, and the reader is told of every name.

use std::fmt::Write as _;

use super::Session;
use super::args::Output;
use super::exit::Exit;
use crate::accept::files::{Revision, replace};
use crate::accept::{Acceptance, Accepted, Left, Said, accept};
use crate::fleet::Surveyed;
use crate::load::Manifest;
use crate::render::harmless::harmless;
use crate::render::style::{KeyNames, plural};

impl Session<'_> {
    /// Declares what is live, where a look for drift ended with `found`; or says why not
    pub(super) fn write_config(
        &self,
        manifest: &Manifest,
        surveyed: &[Surveyed],
        found: Exit,
    ) -> anyhow::Result<Exit> {
        if let Some((sentence, hint)) = objection(surveyed, found) {
            return Ok(self.refuse_config(found, sentence, hint));
        }
        let acceptance = match accept(manifest, surveyed) {
            Ok(acceptance) => acceptance,
            Err(error) => {
                return Ok(self.refuse_config(Exit::Runtime, &format!("failed to {error}"), error.hint()));
            }
        };
        replace(&acceptance.revisions)?;
        self.tell_acceptance(&acceptance)?;
        // What is unknown stays unknown, and 1.
        Ok(if acceptance.left.is_empty() && found == Exit::Differences { Exit::Success } else { found })
    }

    /// Not on stdout, which has its report
    fn refuse_config(&self, exit: Exit, sentence: &str, hint: &str) -> Exit {
        self.tell_errors(&[sentence], Some(hint));
        exit
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
