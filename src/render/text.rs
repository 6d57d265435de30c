//! Plans -> the text that a person reads before saying yes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::Style;

use super::access;
use super::style::{KeyNames, Palette, harmless, paint, plural, quoted};
use crate::alias::{AliasName, KeyId};
use crate::base::Origin;
use crate::fleet::{Surveyed, Totals, Trouble, digest_of, totals};
use crate::idle::{idle_patterns, refusal};
use crate::inspect::{Fact, Facts};
use crate::kms::Calls;
use crate::plan::guards::Refusal;
use crate::plan::{Action, Change, Counts, Held, Plan, Reason};
use crate::prepare::Prepared;
use crate::target::Place;

/// The plan of every target, then the summary; one line where there is nothing to do and nothing to tell
pub fn plan(surveyed: &[Surveyed], palette: &Palette) -> String {
    let mut text = String::new();
    for one in surveyed {
        match &one.prepared {
            Ok(prepared) => {
                text += &target(&one.target.name, prepared, palette);
                if let Some(impact) = &one.access {
                    let keys = KeyNames::new(keys_of(&prepared.plan));
                    text += &access::text(impact, &prepared.identity.account, &keys);
                }
            }
            Err(trouble) => text += &unread(&one.target.name, trouble, palette),
        }
    }
    let warnings = idle_patterns(surveyed);
    for warning in &warnings {
        let _ = writeln!(text, "{} {}", paint(palette.held, "warning"), harmless(&warning.to_string()));
    }
    text += &refusals(refusal(&warnings, surveyed).iter(), palette);
    text + &summary(surveyed)
}

fn heading(name: &str, palette: &Palette) -> String {
    paint(palette.heading, name) + "\n"
}

fn unread(name: &str, trouble: &Trouble, palette: &Palette) -> String {
    let mut text = heading(name, palette);
    let _ = writeln!(text, "  {} failed to {}", paint(palette.delete, "error"), harmless(&trouble.sentence));
    if let Some(hint) = &trouble.hint {
        let _ = writeln!(text, "  hint  {}", harmless(hint));
    }
    text
}

/// One alias: sign, name, what becomes of it, where that is asked for, and notes below
struct Row<'p> {
    sign: &'static str,
    style: Style,
    name: &'p AliasName,
    detail: String,
    place: String,
    notes: Vec<(&'static str, String)>,
}

fn target(name: &str, prepared: &Prepared, palette: &Palette) -> String {
    let Prepared { plan, facts, .. } = prepared;
    if plan.is_empty() && plan.unmanaged.is_empty() && plan.kept.is_empty() && plan.refusals.is_empty() {
        return String::new();
    }
    let keys = KeyNames::new(keys_of(plan));
    let sheet = Sheet { keys: &keys, facts, palette };
    let mut rows: Vec<Row> = plan.changes.iter().map(|change| sheet.change(change)).collect();
    rows.extend(plan.held.iter().map(|held| sheet.held(held)));
    rows.sort_by_key(|row| row.name);
    rows.extend(plan.kept.iter().map(|(name, (key, by))| sheet.kept(name, key, by)));
    rows.extend(plan.unmanaged.iter().map(|(name, key)| sheet.unmanaged(name, key.as_ref())));
    heading(name, palette) + &lay_out(&rows, palette) + &refusals(plan.refusals.iter(), palette)
}

fn refusals<'p>(refusals: impl Iterator<Item = &'p Refusal>, palette: &Palette) -> String {
    let mut text = String::new();
    for Refusal { guard, why, place } in refusals {
        let set = place.as_ref().map(|place| format!("  (set at {})", harmless(&place.to_string())));
        let set = set.unwrap_or_default();
        let _ = writeln!(text, "  {} {guard}: {}{set}", paint(palette.delete, "refused"), harmless(why));
        let _ = writeln!(text, "          hint  {}", guard.hint());
    }
    text
}

/// Every key that the plan shows
fn keys_of(plan: &Plan) -> impl Iterator<Item = &KeyId> {
    let changed = plan.changes.iter().flat_map(|change| <[_; 2]>::from(change.keys()));
    let held = plan.held.iter().flat_map(|held| [held.have.as_ref(), held.want.as_ref()]);
    let kept = plan.kept.values().map(|(key, _)| key);
    changed.chain(held).flatten().chain(kept).chain(plan.unmanaged.values().flatten())
}

/// What every row is written with
struct Sheet<'p> {
    keys: &'p KeyNames<'p>,
    facts: &'p Facts,
    palette: &'p Palette,
}

impl<'p> Sheet<'p> {
    fn change(&self, change: &'p Change) -> Row<'p> {
        let palette = self.palette;
        let (sign, style) = match change.action {
            Action::Create { .. } if change.previous.is_some() => (">", palette.update),
            Action::Create { .. } => ("+", palette.create),
            Action::Update { .. } => ("~", palette.update),
            Action::Replace { .. } => ("-/+", palette.delete),
            Action::Delete { .. } => ("-", palette.delete),
        };
        let (before, after) = change.keys();
        let mut detail = self.detail(before.filter(|before| after != Some(before)), after);
        if let Some((old, _)) = &change.previous {
            detail += &format!("  renamed from {old}");
        }
        let mut notes = Vec::new();
        match &change.reason {
            Reason::DeclaredAbsent => detail += "  declared absent",
            Reason::Pruned => detail += "  not declared, and prune is on",
            Reason::Renamed(other) => detail += &format!("  has become {other}"),
            Reason::Follows(other) => notes.push(("why", format!("follows {other}"))),
            Reason::Selects(criteria) => {
                let key = after.map_or("no key", |key| self.keys.of(key));
                notes.push(("why", format!("{criteria} now {} {key}", criteria.verb())));
            }
            Reason::Reverted if after.is_none() => detail += "  not there before",
            Reason::Missing | Reason::Mismatched | Reason::Reverted => {}
        }
        if let Origin::Drift(commit) = &change.origin {
            let commit = commit.short();
            let why = match change.reason {
                Reason::Pruned => format!("drift: nothing declared it at {commit} either"),
                _ => format!("drift: the declaration has not changed since {commit}"),
            };
            notes.push(("why", why));
        }
        notes.extend(change.risks.iter().map(|risk| ("risk", risk.to_string())));
        let place = place(change.place.as_ref());
        Row { sign, style, name: change.action.name(), detail, place, notes }
    }

    fn held(&self, held: &'p Held) -> Row<'p> {
        let mut notes = vec![("held", held.why.clone())];
        notes.extend(held.hint.iter().map(|hint| ("hint", hint.clone())));
        let detail = match (&held.have, &held.want) {
            (Some(have), None) => self.keys.of(have).to_owned(),
            (have, want) => self.detail(have.as_ref(), want.as_ref()),
        };
        Row {
            sign: "!",
            style: self.palette.held,
            name: &held.name,
            detail,
            place: place(held.place.as_ref()),
            notes,
        }
    }

    fn kept(&self, name: &'p AliasName, key: &'p KeyId, by: &AliasName) -> Row<'p> {
        let detail = format!("{}  kept, though it has become {by}", self.keys.of(key));
        Row { sign: " ", style: self.palette.faint, name, detail, place: String::new(), notes: Vec::new() }
    }

    fn unmanaged(&self, name: &'p AliasName, key: Option<&'p KeyId>) -> Row<'p> {
        let detail = format!("{}  unmanaged", key.map_or("no key", |key| self.keys.of(key)));
        Row { sign: " ", style: self.palette.faint, name, detail, place: String::new(), notes: Vec::new() }
    }

    /// `-> after`, `before -> after` or `before`, with the description of the key that the alias comes to, or leaves
    fn detail(&self, before: Option<&'p KeyId>, after: Option<&'p KeyId>) -> String {
        let arrow = match (before, after) {
            (None, None) => return String::new(),
            (None, Some(after)) => format!("-> {}", self.keys.of(after)),
            (Some(before), Some(after)) => format!("{} -> {}", self.keys.of(before), self.keys.of(after)),
            (Some(before), None) => self.keys.of(before).to_owned(),
        };
        match after.or(before).and_then(|key| self.facts.get(key)) {
            Some(Fact::Known(facts)) if !facts.description.is_empty() => {
                format!("{arrow}  {}", quoted(&facts.description))
            }
            _ => arrow,
        }
    }
}

fn place(place: Option<&Place>) -> String {
    place.map(|place| harmless(&place.to_string())).unwrap_or_default()
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn lay_out(rows: &[Row], palette: &Palette) -> String {
    let names = rows.iter().map(|row| width(row.name.as_str())).max().unwrap_or_default();
    let details = rows
        .iter()
        .filter(|row| !row.place.is_empty())
        .map(|row| width(&row.detail))
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for row in rows {
        let sign = paint(row.style, row.sign);
        // The long sign takes up the margin, so that names stay in one column.
        let pad = " ".repeat(3 - row.sign.len().min(3));
        let line = match row.place.is_empty() {
            true => format!("{pad}{sign} {:names$}  {}", row.name, harmless(&row.detail)),
            false => {
                let (place, detail) = (paint(palette.faint, &row.place), harmless(&row.detail));
                format!("{pad}{sign} {:names$}  {detail:details$}  {place}", row.name)
            }
        };
        text += line.trim_end();
        text.push('\n');
        for (word, note) in &row.notes {
            let _ = writeln!(text, "      {word:5} {}", harmless(note));
        }
    }
    text
}

/// So that nobody takes a part for the whole
const PARTIAL: &str = "Partial: --alias or --exclude-alias leaves names out.";

fn summary(surveyed: &[Surveyed]) -> String {
    let totals = totals(surveyed);
    let Totals { counts, held, in_sync, unmanaged, unread, refused, .. } = totals;
    if counts.total() + held + unread + refused == 0 {
        let partial = if totals.partial { format!(" {PARTIAL}") } else { String::new() };
        return format!("No changes. {in_sync} in sync, {unmanaged} unmanaged.{partial}\n");
    }
    let Counts { create, update, replace, rename, delete } = counts;
    let partial = if totals.partial { format!("{PARTIAL}\n") } else { String::new() };
    let mut text = format!(
        "{partial}Plan: {create} to create, {update} to retarget, {replace} to replace, {rename} to rename, {delete} to delete; \
         {held} held, {in_sync} in sync, {unmanaged} unmanaged.\n"
    );
    if refused > 0 {
        let _ = writeln!(text, "Refused: {}. Nothing of this plan may be applied.", plural(refused, "guard"));
    }
    // On a line of its own, because it is copied whole.
    let _ = match digest_of(surveyed) {
        Some(digest) => writeln!(text, "Digest {digest}"),
        None => writeln!(text, "{} could not be read.", plural(unread, "target")),
    };
    let _ = write!(text, "API calls: {}.", calls(&totals.calls));
    if counts.total() > 0 {
        let seconds = totals.least_time.as_secs_f64();
        let _ = write!(text, " At the service's rates this apply takes at least {seconds:.1} s.");
    }
    text + "\n"
}

/// `3 ListAliases, 2 DescribeKey`: the reads that grow with the account; who we are is asked once a target
fn calls(calls: &Calls) -> String {
    let shown: BTreeMap<_, _> = calls.iter().filter(|(name, _)| *name != "GetCallerIdentity").collect();
    let mut parts: Vec<String> =
        shown.iter().rev().map(|(operation, count)| format!("{count} {operation}")).collect();
    if parts.is_empty() {
        parts.push("none".to_owned());
    }
    parts.join(", ")
}
