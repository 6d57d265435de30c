//! The tables of the page: changes, what nobody manages, keys with their aliases. One line of filters narrows all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{all, section};
use crate::document::{PlanDocument, PlannedChange, Source, TargetPlan, TargetReport, UnusableText, Verb};
use crate::render::blame::who;
use crate::render::form::Run;
use crate::render::harmless::markup;
use crate::render::style::KeyNames;

/// The origins, as the document has them and as they are shown
const CONFIG: (&str, &str) = ("config", "from this change");
const DRIFT: (&str, &str) = ("drift", "drift");

pub(super) fn tables(plan: &PlanDocument, run: &Run) -> String {
    let changes: Vec<String> = plan.targets.iter().flat_map(|target| change_rows(target, run)).collect();
    let unmanaged: Vec<String> = plan.targets.iter().flat_map(unmanaged_rows).collect();
    let keys = key_rows(plan);
    if changes.is_empty() && unmanaged.is_empty() && keys.is_empty() {
        return String::new();
    }
    let table = |id: &str, heading: &str, heads: &[&str], rows: &[String]| {
        section(id, heading, Some(rows.len()), &table(heads, rows))
    };
    filters(plan)
        + &table("changes", "Changes", &["change", "alias", "key", "target, place", "what to know"], &changes)
        + &table("unmanaged", "Unmanaged", &["alias", "key", "target"], &unmanaged)
        + &table("keys", "Keys and their aliases", &["key", "target", "aliases"], &keys)
}

fn filters(plan: &PlanDocument) -> String {
    let mut kinds: Vec<_> = Verb::ALL.map(|verb| (verb.as_str(), verb.as_str())).into();
    kinds.push(("unmanaged", "unmanaged"));
    let group = |name: &str, values: &[(&str, &str)]| {
        let one = |(value, label): &(&str, &str)| {
            format!("<label><input type=\"checkbox\" name=\"{name}\" value=\"{value}\"> {label}</label>\n")
        };
        format!("<div role=\"group\" aria-label=\"{name}\">\n{}</div>\n", all(values.iter().map(one)))
    };
    // Without a base nobody knows what has drifted, and a box that asks for it would hide all of it.
    let origins = match &plan.base {
        Some(base) if base.readable => group("origin", &[CONFIG, DRIFT]),
        _ => String::new(),
    };
    format!(
        "<div class=\"filters\" role=\"search\">\n<input type=\"search\" id=\"search\" aria-label=\"search\" \
         placeholder=\"search names, keys, targets\">\n{}{origins}<output id=\"shown\" for=\"search\"></output>\n</div>\n",
        group("kind", &kinds)
    )
}

/// What an origin is called on the page; `None` where it is not known
fn label(origin: &str) -> Option<&'static str> {
    [CONFIG, DRIFT].into_iter().find_map(|(value, label)| (value == origin).then_some(label))
}

/// Nothing without rows
fn table(heads: &[&str], rows: &[String]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let heads = all(heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")));
    format!(
        "<table class=\"rows\">\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{}</tbody>\n</table>\n",
        rows.concat()
    )
}

fn change_rows(target: &TargetPlan, run: &Run) -> Vec<String> {
    let report = run.written.as_ref().and_then(|written| written.of(&target.name));
    let changes = target.changes.iter().map(|change| change_row(target, change, report));
    changes.chain(target.unusable.iter().flatten().map(|unusable| unusable_row(target, unusable))).collect()
}

fn change_row(target: &TargetPlan, change: &PlannedChange, report: Option<&TargetReport>) -> String {
    let verb = change.verb();
    let (kind, origin) = (verb.as_str(), markup(&change.origin));
    let mut alias = markup(&change.alias);
    alias.extend(change.previous_alias.iter().map(|previous| note("renamed from", previous)));
    format!(
        "<tr class=\"{kind}\" data-kind=\"{kind}\" data-origin=\"{origin}\"><td class=\"sign\">{} {kind}{}</td>\
         <td class=\"alias\">{alias}</td><td class=\"key\">{}</td>{}<td>{}</td></tr>\n",
        markup(verb.sign()),
        label(&change.origin).map(|origin| note("", origin)).unwrap_or_default(),
        keys(change),
        place(target, change.source.as_ref()),
        notes(change, report)
    )
}

/// The key that the alias is on, and below it the one that it comes to
fn keys(change: &PlannedChange) -> String {
    let before = change.before.as_deref().filter(|_| change.before != change.after).map(markup);
    let after = change.after.as_deref().map(|key| match change.before == change.after {
        true => markup(key),
        false => format!("→ {}", markup(key)),
    });
    let description = change.key_description.iter().map(|text| note("", text));
    let lines: Vec<String> = before.into_iter().chain(after).collect();
    lines.join("<br>") + &all(description)
}

fn place(target: &TargetPlan, source: Option<&Source>) -> String {
    let source = source.map(|source| note("", &source.to_string())).unwrap_or_default();
    format!("<td class=\"place\">{}{source}</td>", markup(&target.name))
}

/// A line of its own below what it is about; a space is before it for whoever reads only the text
pub(super) fn note(word: &str, text: &str) -> String {
    let class = if word == "risk" { "note risk" } else { "note" };
    let word = if word.is_empty() { String::new() } else { format!("<b>{word}</b> ") };
    format!(" <span class=\"{class}\">{word}{}</span>", markup(text))
}

fn notes(change: &PlannedChange, report: Option<&TargetReport>) -> String {
    let outcome = report.and_then(|report| report.outcome(change)).map(|outcome| {
        let class = if outcome.is_success() { "done" } else { "error" };
        let (status, why) = (outcome.status.replace('_', " "), outcome.why().unwrap_or_default());
        format!(" <span class=\"note {class}\"><b>{}</b> {}</span>", markup(&status), markup(why))
    });
    let who_did = change.blame.iter().map(|blame| note("who", &who(blame, &KeyNames::default())));
    let why = change.why.iter().map(|why| note("why", why));
    let risks = change.risks.iter().map(|risk| note("risk", &risk.message));
    let held = change.blocked_by.iter().map(|why| note("held", why));
    let hint = change.hint.iter().map(|hint| note("hint", hint));
    all(outcome.into_iter().chain(who_did).chain(why).chain(risks).chain(held).chain(hint))
}

fn unusable_row(target: &TargetPlan, unusable: &UnusableText) -> String {
    let UnusableText { alias, key, message, hint, source, blame, .. } = unusable;
    let who_did = all(blame.iter().map(|blame| note("who", &who(blame, &KeyNames::default()))));
    format!(
        "<tr class=\"held\" data-kind=\"held\" data-origin=\"drift\"><td class=\"sign\">{} unusable key</td>\
         <td class=\"alias\">{}</td><td class=\"key\">{}</td>{}<td>{}{who_did}{}</td></tr>\n",
        Verb::Held.sign(),
        markup(alias),
        markup(key),
        place(target, source.as_ref()),
        note("key", message),
        note("hint", hint)
    )
}

fn unmanaged_rows(target: &TargetPlan) -> Vec<String> {
    let row = |(name, key): (&String, &Option<String>)| {
        format!(
            "<tr data-kind=\"unmanaged\" data-origin=\"\"><td class=\"alias\">{}</td><td class=\"key\">{}</td>{}</tr>\n",
            markup(name),
            markup(key.as_deref().unwrap_or("no key")),
            place(target, None)
        )
    };
    target.unmanaged.iter().map(row).collect()
}

/// The aliases that the plan speaks of, by the key that each is on once the plan is carried out
fn key_rows(plan: &PlanDocument) -> Vec<String> {
    let row = |target: &TargetPlan, key: &str, aliases: BTreeSet<String>| {
        let aliases = Vec::from_iter(aliases).join("<br>");
        format!(
            "<tr data-kind=\"key\" data-origin=\"\"><td class=\"key\">{}</td>{}<td class=\"alias\">{aliases}</td></tr>\n",
            markup(key),
            place(target, None)
        )
    };
    let rows = |target| by_key(target).into_iter().map(move |(key, aliases)| row(target, key, aliases));
    plan.targets.iter().flat_map(rows).collect()
}

/// By key: what comes to it with its sign, what leaves it, and what stays
fn by_key(target: &TargetPlan) -> BTreeMap<&str, BTreeSet<String>> {
    let mut keys: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for change in &target.changes {
        let (alias, held) = (markup(&change.alias), change.verb() == Verb::Held);
        if let Some(before) = &change.before {
            let leaves = !held && change.after.as_ref() != Some(before);
            let was = change.previous_alias.as_deref().map_or_else(|| alias.clone(), markup);
            let shown = if leaves { format!("<del>{was}</del>") } else { was };
            keys.entry(before).or_default().insert(shown);
        }
        if let Some(after) = change.after.as_ref().filter(|_| !held) {
            keys.entry(after).or_default().insert(alias);
        }
    }
    let unmanaged = target.unmanaged.iter().filter_map(|(name, key)| Some((name, key.as_deref()?)));
    let kept = target.kept.iter().map(|(name, kept)| (name, kept.key.as_str()));
    for (name, key) in unmanaged.chain(kept) {
        keys.entry(key).or_default().insert(markup(name));
    }
    keys
}
