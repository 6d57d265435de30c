//! The document of a plan -> the text that a person reads before saying yes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::Style;

use super::columns::{GAP, padded, widest, width};
use super::style::{KeyNames, Palette, harmless, paint, plural, quoted};
use super::web::{key_page, linked};
use super::{access, blame};
use crate::document::{
    ErrorText, KeptName, PlanDocument, PlannedChange, RefusalText, Source, Summary, TargetPlan, UnusableText,
    Verb,
};
use crate::kms::Calls;
use crate::merge::shards;

/// The plan of every target, then the summary; one line where there is nothing to do and nothing to tell
pub fn plan(plan: &PlanDocument, palette: &Palette) -> String {
    let mut text: String = plan.targets.iter().map(|one| target(one, palette)).collect();
    for warning in &plan.warnings {
        let _ = writeln!(text, "{} {}", paint(palette.held, "warning"), harmless(warning));
    }
    text += &refusals(&plan.refusals, palette);
    text + &summary(plan)
}

fn heading(target: &TargetPlan, palette: &Palette) -> String {
    let TargetPlan { name, partition, region, .. } = target;
    palette.heading_of(name, partition.as_deref(), region.as_deref()) + "\n"
}

/// What of it is about one target; nothing where there is nothing to tell
pub fn target(target: &TargetPlan, palette: &Palette) -> String {
    if let Some(error) = &target.error {
        return heading(target, palette) + &failed(&paint(palette.delete, "error"), error);
    }
    let mut text = String::new();
    if !target.is_quiet() {
        let keys = KeyNames::new(target.keys());
        let sheet = Sheet { keys: &keys, palette };
        let mut rows: Vec<Row> = target.changes.iter().map(|change| sheet.change(change)).collect();
        rows.extend(target.unusable.iter().flatten().map(|unusable| sheet.unusable(unusable)));
        rows.sort_by_key(|row| row.name);
        rows.extend(target.kept.iter().map(|(name, kept)| sheet.kept(name, kept)));
        rows.extend(target.unmanaged.iter().map(|(name, key)| sheet.unmanaged(name, key.as_deref())));
        let links = Links::of(target, &keys, palette);
        text = heading(target, palette)
            + &lay_out(&rows, &links, palette)
            + &refusals(&target.refusals, palette);
    }
    if let Some(error) = &target.blame_error {
        text += &failed(&paint(palette.held, "blame"), error);
    }
    if let Some(findings) = &target.access {
        let sentences = findings.iter().map(|finding| finding.sentence.as_str());
        text += &access::lines(sentences, target.access_keys.unwrap_or_default());
    }
    text
}

pub(super) fn failed(word: &str, ErrorText { message, hint }: &ErrorText) -> String {
    let mut text = format!("  {word} failed to {}\n", harmless(message));
    text.extend(hint.iter().map(|hint| format!("  hint  {}\n", harmless(hint))));
    text
}

fn place(source: Option<&Source>) -> String {
    source.map(|source| harmless(&source.to_string())).unwrap_or_default()
}

/// One alias: sign, name, what becomes of it, where that is asked for, and notes below
pub(super) struct Row<'p> {
    pub(super) sign: &'static str,
    style: Style,
    pub(super) name: &'p str,
    pub(super) detail: String,
    /// The keys that the detail begins with, in that order
    on: Vec<&'p str>,
    pub(super) place: String,
    pub(super) notes: Vec<(&'static str, String)>,
}

pub(super) fn refusals(refusals: &[RefusalText], palette: &Palette) -> String {
    let mut text = String::new();
    for RefusalText { guard, message, source, hint, .. } in refusals {
        let set = source.as_ref().map(|source| format!("  (set at {})", harmless(&source.to_string())));
        let (refused, set) = (paint(palette.delete, "refused"), set.unwrap_or_default());
        let _ = writeln!(text, "  {refused} {}: {}{set}", harmless(guard), harmless(message));
        let _ = writeln!(text, "          hint  {}", harmless(hint));
    }
    text
}

/// What every row is written with
pub(super) struct Sheet<'p> {
    pub(super) keys: &'p KeyNames<'p>,
    pub(super) palette: &'p Palette,
}

impl<'p> Sheet<'p> {
    pub(super) fn change(&self, change: &'p PlannedChange) -> Row<'p> {
        let mut notes: Vec<_> = change.why.iter().map(|why| ("why", why.clone())).collect();
        notes.extend(change.blame.iter().map(|blame| ("who", blame::who(blame, self.keys))));
        notes.extend(change.risks.iter().map(|risk| ("risk", format!("{}  [{}]", risk.message, risk.link))));
        notes.extend(change.blocked_by.iter().map(|why| ("held", why.clone())));
        notes.extend(change.hint.iter().map(|hint| ("hint", hint.clone())));
        let verb = change.verb();
        Row {
            sign: verb.sign(),
            style: self.style(verb),
            name: &change.alias,
            detail: self.detail(change, verb),
            on: moved(change, verb).into_iter().chain(change.after.as_deref()).collect(),
            place: place(change.source.as_ref()),
            notes,
        }
    }

    fn style(&self, verb: Verb) -> Style {
        match verb {
            Verb::Create => self.palette.create,
            Verb::Retarget | Verb::Rename => self.palette.update,
            Verb::Replace | Verb::Delete => self.palette.delete,
            Verb::Held => self.palette.held,
        }
    }

    /// The keys, and what little has to be said beside them
    fn detail(&self, change: &'p PlannedChange, verb: Verb) -> String {
        let PlannedChange { after, key_description, .. } = change;
        let mut detail = self.arrow(moved(change, verb), after.as_deref());
        if let Some(description) = key_description {
            detail += &format!("  {}", quoted(description));
        }
        if let Some(old) = &change.previous_alias {
            detail += &format!("  renamed from {old}");
        }
        match change.reason.as_deref() {
            Some("declared_absent") => detail += "  declared absent",
            Some("pruned") => detail += "  not declared, and prune is on",
            Some("reverted") if after.is_none() => detail += "  not there before",
            _ => {}
        }
        if let Some(other) = &change.successor_alias {
            detail += &format!("  has become {other}");
        }
        detail
    }

    /// `-> after`, `before -> after` or `before`
    fn arrow(&self, before: Option<&str>, after: Option<&str>) -> String {
        match (before, after) {
            (None, None) => String::new(),
            (None, Some(after)) => format!("-> {}", self.keys.of(after)),
            (Some(before), Some(after)) => format!("{} -> {}", self.keys.of(before), self.keys.of(after)),
            (Some(before), None) => self.keys.of(before).to_owned(),
        }
    }

    pub(super) fn unusable(&self, unusable: &'p UnusableText) -> Row<'p> {
        let UnusableText { alias, key, message, hint, source, blame, .. } = unusable;
        let mut notes = vec![("key", message.clone())];
        notes.extend(blame.iter().map(|blame| ("who", blame::who(blame, self.keys))));
        notes.push(("hint", hint.clone()));
        Row {
            sign: Verb::Held.sign(),
            style: self.palette.held,
            name: alias,
            detail: self.keys.of(key).to_owned(),
            on: vec![key],
            place: place(source.as_ref()),
            notes,
        }
    }

    fn kept(&self, name: &'p str, kept: &'p KeptName) -> Row<'p> {
        let KeptName { key, successor_alias } = kept;
        self.faint(name, Some(key), &format!("kept, though it has become {successor_alias}"))
    }

    fn unmanaged(&self, name: &'p str, key: Option<&'p str>) -> Row<'p> {
        self.faint(name, key, "unmanaged")
    }

    fn faint(&self, name: &'p str, key: Option<&'p str>, what: &str) -> Row<'p> {
        let detail = format!("{}  {what}", key.map_or("no key", |key| self.keys.of(key)));
        let (on, place, notes) = (key.into_iter().collect(), String::new(), Vec::new());
        Row { sign: " ", style: self.palette.faint, name, detail, on, place, notes }
    }
}

/// The key that is left; a rename is on the same key as a rule, and then none is
fn moved(PlannedChange { before, after, .. }: &PlannedChange, verb: Verb) -> Option<&str> {
    before.as_deref().filter(|_| verb != Verb::Rename || before != after)
}

/// Where the keys of a target have their pages; nowhere where links cannot be followed
struct Links<'p> {
    keys: &'p KeyNames<'p>,
    home: Option<(&'p str, &'p str)>,
}

impl<'p> Links<'p> {
    fn of(target: &'p TargetPlan, keys: &'p KeyNames<'p>, palette: &Palette) -> Self {
        let home = target.partition.as_deref().zip(target.region.as_deref());
        Self { keys, home: home.filter(|_| palette.links) }
    }

    /// `detail`, whose keys, with which it begins, lead to their pages
    fn link(&self, detail: &str, on: &[&str]) -> String {
        let (mut text, mut rest) = (String::new(), detail);
        for key in on {
            let page = self.home.and_then(|(partition, region)| key_page(partition, region, key));
            let shown = harmless(self.keys.of(*key));
            let (Some(page), Some((before, after))) = (page, rest.split_once(&shown)) else { break };
            text += before;
            text += &linked(&shown, &page);
            rest = after;
        }
        text + rest
    }
}

/// Before the names, in which the signs stand
const MARGIN: usize = 4;

fn lay_out(rows: &[Row], links: &Links, palette: &Palette) -> String {
    let (name, detail) =
        (|row: &&Row| width(&harmless(row.name)), |row: &&Row| width(&harmless(&row.detail)));
    let keys = |row: &&Row| width(row.detail.split("  ").next().unwrap_or_default());
    let names = widest(MARGIN, rows, name, keys, palette.columns);
    let placed = rows.iter().filter(|row| !row.place.is_empty());
    let details = widest(MARGIN + names + GAP, placed, detail, |row| width(&row.place), palette.columns);
    let mut text = String::new();
    for row in rows {
        let sign = paint(row.style, row.sign);
        // The long sign takes up the margin, so that names stay in one column.
        let pad = " ".repeat(3 - row.sign.len().min(3));
        let (name, detail) = (padded(&harmless(row.name), names), harmless(&row.detail));
        let line = match row.place.is_empty() {
            true => format!("{pad}{sign} {name}  {}", links.link(&detail, &row.on)),
            false => {
                let detail = links.link(&padded(&detail, details), &row.on);
                let place = paint(palette.faint, &row.place);
                format!("{pad}{sign} {name}  {detail}  {place}")
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
pub(super) const PARTIAL: &str = "Partial: --alias or --exclude-alias leaves names out.";

/// What is not in a plan by the will of whoever made it
pub(super) fn partial(plan: &PlanDocument) -> Option<String> {
    // One of one is the whole.
    let shard = plan.shard.as_ref().filter(|shard| shard.part != "0/1").map(|shard| {
        format!("Partial: shard {} of the targets; the other shards are not in it.", harmless(&shard.part))
    });
    let names = plan.partial.then(|| PARTIAL.to_owned());
    let sentences: Vec<String> = shard.into_iter().chain(names).collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

fn summary(plan: &PlanDocument) -> String {
    let all = plan.counted();
    let Summary { held, in_sync, refused, unread_targets, .. } = &all;
    let unusable = all.unusable.unwrap_or_default();
    if plan.missing_shards.is_empty() && all.changes() + held + unread_targets + refused + unusable == 0 {
        let partial = partial(plan).map(|sentence| format!(" {sentence}")).unwrap_or_default();
        let unmanaged = unmanaged(&all);
        return format!("No changes. {in_sync} in sync, {unmanaged}.{partial}\n") + &unlisted(&all);
    }
    let mut text = partial(plan).map(|sentence| sentence + "\n").unwrap_or_default() + &unlisted(&all);
    text += &format!("{}\n", counts(&plan.kind, &all));
    if *refused > 0 {
        let _ =
            writeln!(text, "Refused: {}. Nothing of this plan may be applied.", plural(*refused, "guard"));
    }
    // On a line of its own, because it is copied whole.
    let _ = match &plan.digest {
        Some(digest) => writeln!(text, "Digest {}", harmless(digest)),
        None if *unread_targets == 0 && !plan.missing_shards.is_empty() => Ok(()),
        None => writeln!(text, "{} could not be read.", plural(*unread_targets, "target")),
    };
    text.extend(incomplete(plan).map(|sentence| sentence + "\n"));
    let _ = write!(text, "API calls: {}.", calls(&plan.api_calls));
    if all.changes() > 0 {
        let seconds = plan.least_seconds;
        let _ = write!(text, " At the service's rates this apply takes at least {seconds:.1} s.");
    }
    text + "\n"
}

/// What a merged plan lacks
pub(super) fn incomplete(plan: &PlanDocument) -> Option<String> {
    let missing = &plan.missing_shards;
    let sentence = || format!("Incomplete: nothing is known of {}.", harmless(&shards(missing)));
    (!missing.is_empty()).then(sentence)
}

/// The line that programs may look for: it is stable
pub(super) fn counts(kind: &str, summary: &Summary) -> String {
    let Summary { create, update, replace, rename, delete, held, in_sync, .. } = summary;
    let unmanaged = unmanaged(summary);
    let title = if kind == "drift" { "Drift" } else { "Plan" };
    let unusable = match summary.unusable {
        Some(count) => format!(" ({count} of them on keys that cannot be used)"),
        None => String::new(),
    };
    format!(
        "{title}: {create} to create, {update} to retarget, {replace} to replace, {rename} to rename, {delete} to delete; \
         {held} held, {in_sync} in sync{unusable}, {unmanaged}."
    )
}

/// How many names are unmanaged, and whether that is all of them
fn unmanaged(Summary { unmanaged, unlisted_targets, .. }: &Summary) -> String {
    match (unmanaged, unlisted_targets) {
        (count, 0) => format!("{count} unmanaged"),
        (0, targets) => format!("unmanaged unknown in {}", plural(*targets, "target")),
        (count, targets) => format!("{count} unmanaged, unknown in {}", plural(*targets, "target")),
    }
}

/// Where names were read and no listing: what that means
pub(super) fn unlisted(summary: &Summary) -> String {
    match summary.unlisted_targets {
        0 => String::new(),
        count => format!(
            "Read by name: {}. Only the names that the manifest speaks about; --read list shows what is unmanaged.\n",
            plural(count, "target")
        ),
    }
}

/// `3 ListAliases, 2 DescribeKey`: the reads that grow with the account; who we are is asked once a target
fn calls(calls: &Calls) -> String {
    let shown: BTreeMap<_, _> = calls.iter().filter(|(name, _)| *name != "GetCallerIdentity").collect();
    let mut parts: Vec<String> =
        shown.iter().rev().map(|(operation, count)| format!("{count} {}", harmless(operation))).collect();
    if parts.is_empty() {
        parts.push("none".to_owned());
    }
    parts.join(", ")
}
