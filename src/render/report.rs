//! Reports of an apply -> text.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::style::{Palette, harmless, paint, plural};
use crate::apply::{Applied, Outcome, Reason};
use crate::converge::Report;
use crate::fleet::Trouble;
use crate::list::ListError;
use crate::plan::Action;
use crate::verify::Verdict;

/// What an apply did to one target, or why it could not begin
pub struct Told<'r> {
    /// The target's name
    pub target: &'r str,
    /// What it did
    pub report: Result<&'r Report, &'r Trouble>,
}

/// Every outcome of every target, then the summary
pub fn report(told: &[Told], palette: &Palette) -> String {
    let mut text = String::new();
    for Told { target, report } in told {
        text += &paint(palette.heading, target);
        text.push('\n');
        match report {
            Ok(report) => text += &target_report(report, palette),
            Err(trouble) => {
                let _ = writeln!(
                    text,
                    "  {} failed to {}",
                    paint(palette.delete, "error"),
                    harmless(&trouble.sentence)
                );
                trouble.hint.iter().for_each(|hint| text += &format!("  hint  {}\n", harmless(hint)));
            }
        }
    }
    text + &summary(told)
}

fn target_report(report: &Report, palette: &Palette) -> String {
    let names = report.applied.iter().map(|a| a.action.name().as_str().len()).max().unwrap_or_default();
    let mut applied: Vec<_> = report.applied.iter().collect();
    applied.sort_by_key(|applied| applied.action.name());
    let mut text = String::new();
    for applied in applied {
        let sign = match applied.action {
            Action::Create { .. } => paint(palette.create, "+"),
            Action::Update { .. } => paint(palette.update, "~"),
            Action::Replace { .. } => paint(palette.delete, "-/+"),
            Action::Delete { .. } => paint(palette.delete, "-"),
        };
        let pad = if matches!(applied.action, Action::Replace { .. }) { "" } else { "  " };
        let line = format!("{pad}{sign} {:names$}  {}", applied.action.name(), outcome(applied, palette));
        text += line.trim_end();
        text.push('\n');
        if let Some(hint) = hint(applied) {
            let _ = writeln!(text, "      hint  {}", harmless(&hint));
        }
    }
    text + &verdict(report, palette)
}

fn outcome(applied: &Applied, palette: &Palette) -> String {
    let word = match (&applied.outcome, &applied.action) {
        (Outcome::Done, Action::Create { .. }) => "created   ".to_owned(),
        (Outcome::Done, Action::Update { .. }) => "retargeted".to_owned(),
        (Outcome::Done, Action::Replace { .. }) => "replaced  ".to_owned(),
        (Outcome::Done, Action::Delete { .. }) => "deleted   ".to_owned(),
        (Outcome::PutBack(error), _) => {
            paint(palette.delete, "put back") + "  on its old key, because " + &harmless(&error.to_string())
        }
        (Outcome::AlreadySo, _) => "already so".to_owned(),
        (Outcome::Contested { found: Some(key) }, _) => {
            paint(palette.held, "contested")
                + &format!("  is on {key} now, which the plan did not show; left alone")
        }
        (Outcome::Contested { found: None }, _) => {
            paint(palette.held, "contested") + "  is gone, which the plan did not show; left alone"
        }
        (Outcome::Failed(error), _) => paint(palette.delete, "failed") + "  " + &harmless(&error.to_string()),
        (Outcome::Unverified, _) => paint(palette.held, "unverified") + "  " + unverified(applied.attempts),
        (Outcome::NotAttempted(reason), _) => {
            paint(palette.held, "not attempted") + "  " + not_attempted(*reason)
        }
    };
    word + &effort(applied)
}

fn unverified(attempts: u32) -> &'static str {
    match attempts {
        0 => "found as wanted and not written, but not shown by the service in time",
        _ => "sent, and the service has not shown that it is so",
    }
}

fn not_attempted(reason: Reason) -> &'static str {
    match reason {
        Reason::Stopped => "asked to stop",
        Reason::EarlierStage => "what comes first is not there yet",
        Reason::Credentials => "the credentials gave out",
    }
}

/// Attempts where it took more than one, and the request id that CloudTrail repeats
fn effort(applied: &Applied) -> String {
    let mut text = String::new();
    if applied.attempts > 1 {
        let _ = write!(text, "  {} attempts", applied.attempts);
    }
    if let (Some(id), Outcome::Done | Outcome::Unverified) = (&applied.request_id, &applied.outcome) {
        let _ = write!(text, "  request {}", harmless(id));
    }
    text
}

fn hint(applied: &Applied) -> Option<String> {
    let (before, after) = applied.action.keys();
    match &applied.outcome {
        Outcome::Failed(error) => error.hint_about(before, after),
        Outcome::Contested { .. } => Some("somebody else changed it: run plan again and look".to_owned()),
        Outcome::Unverified => Some("run apply again: it begins with what the service shows then".to_owned()),
        _ => None,
    }
}

fn verdict(report: &Report, palette: &Palette) -> String {
    match &report.verdict {
        None => String::new(),
        Some(Ok(Verdict::Converged { reads, waited })) if !report.is_complete() => {
            let shown = format!(
                "what was written shows after {} ({})",
                seconds(*waited),
                plural(*reads as usize, "listing")
            );
            let names: Vec<_> = report.unsettled().map(|name| name.as_str()).collect();
            format!(
                "  {}: {shown}, and left are {}\n",
                paint(palette.delete, "not converged"),
                names.join(", ")
            )
        }
        Some(Ok(Verdict::Converged { reads, waited })) => {
            format!("  converged after {} ({})\n", seconds(*waited), plural(*reads as usize, "listing"))
        }
        Some(Ok(Verdict::OutOfPatience { left, trouble, waited })) => {
            let mut text = format!("  {} after {}", paint(palette.delete, "not converged"), seconds(*waited));
            match (trouble, left.is_empty()) {
                (Some(error), _) => text += &format!(": the last listing failed: {}", sentence(error)),
                (None, true) => text += ": the listings do not agree yet, since replicas answer differently",
                (None, false) => {
                    let names: Vec<_> = left.iter().map(|name| name.as_str()).collect();
                    text += &format!("; still different: {}", names.join(", "));
                }
            }
            text + "\n"
        }
        Some(Ok(Verdict::Stopped { waited })) => {
            format!("  {}: asked to stop after {}\n", paint(palette.held, "not verified"), seconds(*waited))
        }
        Some(Err(error)) => {
            format!("  {}: failed to {}\n", paint(palette.delete, "not verified"), sentence(error))
        }
    }
}

fn sentence(error: &ListError) -> String {
    harmless(&Trouble::new(error, None).sentence)
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// How many of each outcome, as the JSON has it too
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Created
    pub created: usize,
    /// Retargeted
    pub retargeted: usize,
    /// Deleted and created anew
    pub replaced: usize,
    /// Deleted
    pub deleted: usize,
    /// Already so
    pub already_so: usize,
    /// Contested
    pub contested: usize,
    /// Failed
    pub failed: usize,
    /// Unverified
    pub unverified: usize,
    /// Not attempted
    pub not_attempted: usize,
}

/// Counts the outcomes of all targets
pub fn tally(told: &[Told]) -> Tally {
    let mut tally = Tally::default();
    for applied in told.iter().filter_map(|told| told.report.ok()).flat_map(|report| &report.applied) {
        *match (&applied.outcome, &applied.action) {
            (Outcome::Done, Action::Create { .. }) => &mut tally.created,
            (Outcome::Done, Action::Update { .. }) => &mut tally.retargeted,
            (Outcome::Done, Action::Replace { .. }) => &mut tally.replaced,
            (Outcome::Done, Action::Delete { .. }) => &mut tally.deleted,
            (Outcome::AlreadySo, _) => &mut tally.already_so,
            (Outcome::Contested { .. }, _) => &mut tally.contested,
            (Outcome::Failed(_) | Outcome::PutBack(_), _) => &mut tally.failed,
            (Outcome::Unverified, _) => &mut tally.unverified,
            (Outcome::NotAttempted(_), _) => &mut tally.not_attempted,
        } += 1;
    }
    tally
}

fn summary(told: &[Told]) -> String {
    let Tally {
        created,
        retargeted,
        replaced,
        deleted,
        already_so,
        contested,
        failed,
        unverified,
        not_attempted,
    } = tally(told);
    let mut text = format!(
        "Applied: {created} created, {retargeted} retargeted, {replaced} replaced, {deleted} deleted; {already_so} already so, \
         {contested} contested, {failed} failed, {unverified} unverified, {not_attempted} not attempted.\n"
    );
    if created + retargeted + replaced + deleted + unverified > 0 {
        // https://docs.aws.amazon.com/kms/latest/developerguide/abac.html
        text += "Access that depends on aliases (kms:ResourceAliases, kms:RequestAlias) may lag up to five minutes behind.\n";
    }
    text
}
