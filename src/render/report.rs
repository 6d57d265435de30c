//! Reports of an apply -> text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anstyle::Style;
use serde::{Deserialize, Serialize};

use super::style::{Palette, harmless, paint, plural};
use crate::alias::{AliasName, KeyId};
use crate::apply::{Applied, Outcome, Reason};
use crate::converge::Report;
use crate::fleet::{Surveyed, Trouble};
use crate::kms::Fault;
use crate::list::ListError;
use crate::plan::{Action, Held, Plan};
use crate::verify::Verdict;

/// Of what is held in one target, the end of a report names no more than this
const MOST_HELD: usize = 20;

/// What an apply did to one target, or why it could not begin
pub struct Told<'r> {
    /// The target's name
    pub target: &'r str,
    /// What it was to do
    pub plan: &'r Plan,
    /// What it did
    pub report: Result<&'r Report, &'r Trouble>,
}

/// The new and the old name of every rename
pub(crate) fn renames(plan: &Plan) -> impl Iterator<Item = (&AliasName, &AliasName)> {
    plan.changes.iter().filter_map(|change| Some((change.action.name(), &change.previous.as_ref()?.0)))
}

/// One line of a report: a write, or the two of a rename that came about
struct Row<'r> {
    applied: &'r Applied,
    /// The delete of the old name, where `applied` is the create of the new one and both are done
    deleted: Option<&'r Applied>,
    /// The new name, where it is there and `applied` is the delete of the old one that came to nothing
    beside: Option<&'r AliasName>,
}

/// The lines of a report, sorted by name
fn rows<'r>(plan: &'r Plan, report: &'r Report) -> Vec<Row<'r>> {
    let row = |applied: &'r Applied| (applied.action.name(), Row { applied, deleted: None, beside: None });
    let mut rows: BTreeMap<_, _> = report.applied.iter().map(row).collect();
    for (new, old) in renames(plan) {
        let done =
            |name| rows.get(name).map(|row| row.applied).filter(|applied| applied.outcome.is_success());
        match (done(new), done(old)) {
            (Some(applied), Some(deleted)) => {
                rows.remove(old);
                rows.insert(new, Row { applied, deleted: Some(deleted), beside: None });
            }
            (Some(_), None) => drop(rows.get_mut(old).map(|row| row.beside = Some(new))),
            (None, _) => {}
        }
    }
    rows.into_values().collect()
}

impl<'r> Row<'r> {
    fn writes(&self) -> impl Iterator<Item = &'r Applied> {
        [Some(self.applied), self.deleted].into_iter().flatten()
    }

    /// Whether a name has become another by our doing
    fn is_renamed(&self) -> bool {
        self.deleted.is_some() && self.writes().any(|write| write.outcome == Outcome::Done)
    }
}

/// Every outcome of every target, then the summary, and at the end what was held, where whoever is called looks first
pub fn report(surveyed: &[Surveyed], told: &[Told], palette: &Palette) -> String {
    let mut text = String::new();
    for Told { target, plan, report } in told {
        text += &paint(palette.heading, target);
        text.push('\n');
        match report {
            Ok(report) => text += &target_report(&rows(plan, report), report, palette),
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
    text += &summary(tally(told));
    text.extend(surveyed.iter().map(|one| held(one, palette)));
    text
}

/// What was asked for and not done in one target; the plan has told more of it
fn held(one: &Surveyed, palette: &Palette) -> String {
    let held = one.prepared.as_ref().map(|prepared| &prepared.plan.held[..]).unwrap_or_default();
    if held.is_empty() {
        return String::new();
    }
    let (count, shown) = (held.len(), &held[..held.len().min(MOST_HELD)]);
    let names = shown.iter().map(|held| held.name.as_str().len()).max().unwrap_or_default();
    let mut text = format!("Held in {}: {count}, so this apply is incomplete.\n", one.target.name);
    for Held { name, why, .. } in shown {
        let _ = writeln!(text, "  {} {name:names$}  {}", paint(palette.held, "!"), harmless(why));
    }
    if count > shown.len() {
        let _ = writeln!(text, "    and {} more, as the plan shows", count - shown.len());
    }
    text
}

fn target_report(rows: &[Row], report: &Report, palette: &Palette) -> String {
    let names = rows.iter().map(|row| row.applied.action.name().as_str().len()).max().unwrap_or_default();
    // What many have in common is said once, below the last of them.
    let last: BTreeMap<String, usize> =
        rows.iter().enumerate().filter_map(|(i, row)| Some((hint(row.applied)?, i))).collect();
    let hints: BTreeMap<usize, String> = last.into_iter().map(|(hint, i)| (i, hint)).collect();
    let mut text = String::new();
    for (i, row) in rows.iter().enumerate() {
        let (sign, style) = sign(row, palette);
        let pad = " ".repeat(3 - sign.len());
        let (sign, name) = (paint(style, sign), row.applied.action.name());
        let line = format!("{pad}{sign} {name:names$}  {}{}", outcome(row, palette), effort(row));
        text += line.trim_end();
        text.push('\n');
        for (word, why) in causes(row.applied) {
            let _ = writeln!(text, "      {word}   {}", harmless(&why));
        }
        if let Some(hint) = hints.get(&i) {
            let _ = writeln!(text, "      hint  {}", harmless(hint));
        }
    }
    text + &verdict(report, palette)
}

fn sign(row: &Row, palette: &Palette) -> (&'static str, Style) {
    match row.applied.action {
        _ if row.is_renamed() => (">", palette.update),
        Action::Create { .. } => ("+", palette.create),
        Action::Update { .. } => ("~", palette.update),
        Action::Replace { .. } => ("-/+", palette.delete),
        Action::Delete { .. } => ("-", palette.delete),
    }
}

fn outcome(row: &Row, palette: &Palette) -> String {
    let Applied { action, outcome, attempts, .. } = row.applied;
    let failed = |word: &str, why: &str| paint(palette.delete, word) + "  " + why;
    let held = |word: &str, why: &str| paint(palette.held, word) + "  " + why;
    match (outcome, action) {
        _ if row.is_renamed() => {
            format!("renamed     from {}", row.deleted.map_or("", |d| d.action.name().as_str()))
        }
        (Outcome::Done, Action::Create { .. }) => "created   ".to_owned(),
        (Outcome::Done, Action::Update { .. }) => "retargeted".to_owned(),
        (Outcome::Done, Action::Replace { .. }) => "replaced  ".to_owned(),
        (Outcome::Done, Action::Delete { .. }) => "deleted   ".to_owned(),
        (Outcome::AlreadySo, _) => "already so".to_owned(),
        (Outcome::PutBack(error), _) => {
            failed("put back", &format!("on its old key, because {}", harmless(&error.to_string())))
        }
        (Outcome::Contested { found }, _) => held("contested", &contested(found.as_ref(), *attempts)),
        (Outcome::Failed(error), _) => failed("failed", &(harmless(&error.to_string()) + &left(row))),
        (Outcome::Gone { .. }, _) => failed("failed", Outcome::GONE),
        (Outcome::Unverified, _) => held("unverified", unverified(*attempts)),
        (Outcome::NotAttempted(reason), _) => {
            held("not attempted", &(not_attempted(*reason).to_owned() + &left(row)))
        }
    }
}

/// Of an alias that is gone: why it could not be created on each of its keys
fn causes(applied: &Applied) -> Vec<(&'static str, String)> {
    match &applied.outcome {
        Outcome::Gone { new, old } => vec![("new", new.to_string()), ("old", old.to_string())],
        _ => Vec::new(),
    }
}

/// That the old name of a rename is still there, unless a write without a clear answer may have taken it away
fn left(row: &Row) -> String {
    let unclear = matches!(&row.applied.outcome, Outcome::Failed(error) if error.fault == Fault::Unknown);
    let beside = row.beside.filter(|_| !unclear);
    beside.map(|new| format!("; left beside {new}")).unwrap_or_default()
}

/// Where it is now, and whether we may have had a part in it: a lost answer does not tell
fn contested(found: Option<&KeyId>, attempts: u32) -> String {
    let place = found.map_or("is gone".to_owned(), |key| format!("is on {key} now"));
    let ours = if attempts == 0 { "left alone" } else { "what was sent before may have been made" };
    format!("{place}, which the plan did not show; {ours}")
}

fn unverified(attempts: u32) -> &'static str {
    match attempts {
        0 => "found as wanted and not written, but not shown by the service in time",
        _ => "sent, and the service has not shown that it is so",
    }
}

pub(crate) fn not_attempted(reason: Reason) -> &'static str {
    match reason {
        Reason::Stopped => "asked to stop",
        Reason::EarlierStage => "what comes first is not there yet",
        Reason::Credentials => "the credentials gave out",
        Reason::Receipt => "the receipt could not be written",
    }
}

/// Attempts where it took more than one, and the request ids that CloudTrail repeats
fn effort(row: &Row) -> String {
    let mut text = String::new();
    let again: u32 = row.writes().map(|write| write.attempts.saturating_sub(1)).sum();
    if again > 0 {
        let _ = write!(text, "  {} attempts", again + 1);
    }
    for write in row.writes() {
        if let (Some(id), Outcome::Done | Outcome::Unverified) = (&write.request_id, &write.outcome) {
            let _ = write!(text, "  request {}", harmless(id));
        }
    }
    text
}

/// What helps where an alias is gone
const AGAIN: &str = "run again at once: the plan is then a create";

fn hint(applied: &Applied) -> Option<String> {
    let (before, after) = applied.action.keys();
    match &applied.outcome {
        Outcome::Failed(error) => error.hint_about(before, after),
        // What only time mends is no reason to wait with that; what somebody has to mend comes first.
        Outcome::Gone { new, .. } => {
            match new.hint_about(before, after).filter(|_| !new.fault.is_transient()) {
                Some(hint) => Some(format!("{hint}; then {AGAIN}")),
                None => Some(AGAIN.to_owned()),
            }
        }
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
                plural(*reads as usize, "read")
            );
            let names: Vec<_> = report.unsettled().map(|name| name.as_str()).collect();
            format!(
                "  {}: {shown}, and left are {}\n",
                paint(palette.delete, "not converged"),
                names.join(", ")
            )
        }
        Some(Ok(Verdict::Converged { reads, waited })) => {
            format!("  converged after {} ({})\n", seconds(*waited), plural(*reads as usize, "read"))
        }
        Some(Ok(Verdict::OutOfPatience { left, trouble, wavered, waited })) => {
            let mut text = format!("  {} after {}", paint(palette.delete, "not converged"), seconds(*waited));
            match (trouble, left.is_empty()) {
                (Some(error), _) => text += &format!(": the last read failed: {}", sentence(error)),
                (None, true) if *wavered => {
                    text += ": the reads do not agree yet, since replicas answer differently";
                }
                (None, true) => {
                    text += ": the last read is right, and there was no time for as many as --steady asks";
                }
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Created
    pub created: usize,
    /// Retargeted
    pub retargeted: usize,
    /// Deleted and created anew
    pub replaced: usize,
    /// Created in the place of others, which were deleted
    pub renamed: usize,
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
    /// Of those that failed: deleted in order to be replaced, and not there any more
    #[serde(default)]
    pub gone: usize,
}

impl Tally {
    /// Counts those of `more` as well
    pub fn add(&mut self, more: &Self) {
        let counts = [
            (&mut self.created, more.created),
            (&mut self.retargeted, more.retargeted),
            (&mut self.replaced, more.replaced),
            (&mut self.renamed, more.renamed),
            (&mut self.deleted, more.deleted),
            (&mut self.already_so, more.already_so),
            (&mut self.contested, more.contested),
            (&mut self.failed, more.failed),
            (&mut self.unverified, more.unverified),
            (&mut self.not_attempted, more.not_attempted),
            (&mut self.gone, more.gone),
        ];
        for (sum, more) in counts {
            *sum = sum.saturating_add(more);
        }
    }

    /// Those that are as wanted
    pub fn done(&self) -> usize {
        self.created + self.retargeted + self.replaced + self.renamed + self.deleted + self.already_so
    }
}

/// Counts the outcomes of all targets
pub fn tally(told: &[Told]) -> Tally {
    let mut tally = Tally::default();
    let all = told.iter().filter_map(|told| Some(rows(told.plan, told.report.ok()?)));
    for row in all.flatten() {
        tally.gone += usize::from(matches!(row.applied.outcome, Outcome::Gone { .. }));
        *match (&row.applied.outcome, &row.applied.action) {
            _ if row.is_renamed() => &mut tally.renamed,
            (Outcome::Done, Action::Create { .. }) => &mut tally.created,
            (Outcome::Done, Action::Update { .. }) => &mut tally.retargeted,
            (Outcome::Done, Action::Replace { .. }) => &mut tally.replaced,
            (Outcome::Done, Action::Delete { .. }) => &mut tally.deleted,
            (Outcome::AlreadySo, _) => &mut tally.already_so,
            (Outcome::Contested { .. }, _) => &mut tally.contested,
            (Outcome::Failed(_) | Outcome::PutBack(_) | Outcome::Gone { .. }, _) => &mut tally.failed,
            (Outcome::Unverified, _) => &mut tally.unverified,
            (Outcome::NotAttempted(_), _) => &mut tally.not_attempted,
        } += 1;
    }
    tally
}

/// Of so many aliases that they are gone
pub(super) fn lost(gone: usize) -> Option<String> {
    match gone {
        0 => None,
        1 => Some(format!("1 alias is gone: {AGAIN}.")),
        gone => Some(format!("{gone} aliases are gone: {AGAIN}.")),
    }
}

/// What the outcomes come to
pub(super) fn summary(tally: Tally) -> String {
    let Tally {
        created,
        retargeted,
        replaced,
        renamed,
        deleted,
        already_so,
        contested,
        failed,
        unverified,
        not_attempted,
        gone,
    } = tally;
    let mut text = format!(
        "Applied: {created} created, {retargeted} retargeted, {replaced} replaced, {renamed} renamed, {deleted} deleted; \
         {already_so} already so, {contested} contested, {failed} failed, {unverified} unverified, {not_attempted} not attempted.\n"
    );
    text.extend(lost(gone).map(|sentence| sentence + "\n"));
    if created + retargeted + replaced + renamed + deleted + unverified > 0 {
        // https://docs.aws.amazon.com/kms/latest/developerguide/abac.html
        text += "Access that depends on aliases (kms:ResourceAliases, kms:RequestAlias) may lag up to five minutes behind.\n";
    }
    text
}
