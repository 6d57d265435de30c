//! The tables of the page: changes, what nobody manages, keys with their aliases. One line of filters narrows all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{all, section};
use crate::document::{PlanDocument, PlannedChange, Source, TargetPlan, TargetReport, UnusableText, Verb};
use crate::render::blame::who;
use crate::render::form::Run;
use crate::render::harmless::markup;
use crate::render::style::KeyNames;

pub(super) fn tables(plan: &PlanDocument, run: &Run) -> String {
    let changes = all(plan.targets.iter().map(|target| change_rows(target, run)));
    let unmanaged = all(plan.targets.iter().map(unmanaged_rows));
    let keys = key_rows(plan);
    if changes.is_empty() && unmanaged.is_empty() && keys.is_empty() {
        return String::new();
    }
    let change_heads = ["", "alias", "from", "to", "target", "place", "origin", "what to know"];
    filters()
        + &section("changes", "Changes", &table(&change_heads, &changes))
        + &section("unmanaged", "Unmanaged", &table(&["alias", "key", "target"], &unmanaged))
        + &section("keys", "Keys and their aliases", &table(&["key", "target", "aliases"], &keys))
}

fn filters() -> String {
    let mut kinds: Vec<_> = Verb::ALL.map(|verb| (verb.as_str(), verb.as_str())).into();
    kinds.push(("unmanaged", "unmanaged"));
    let boxes = |name: &str, values: &[(&str, &str)]| {
        let one = |(value, label): &(&str, &str)| {
            format!("<label><input type=\"checkbox\" name=\"{name}\" value=\"{value}\"> {label}</label>\n")
        };
        all(values.iter().map(one))
    };
    format!(
        "<div class=\"filters\">\n<input type=\"search\" id=\"search\" aria-label=\"search\" placeholder=\"search names, keys, targets\">\n\
         {}{}<span id=\"shown\" class=\"faint\"></span>\n</div>\n",
        boxes("kind", &kinds),
        boxes("origin", &[("config", "from this change"), ("drift", "drift")])
    )
}

/// Nothing without rows
fn table(heads: &[&str], rows: &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let heads = all(heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")));
    format!(
        "<div class=\"scroll\"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n"
    )
}

fn change_rows(target: &TargetPlan, run: &Run) -> String {
    let report = run.written.as_ref().and_then(|written| written.of(&target.name));
    let changes = all(target.changes.iter().map(|change| change_row(target, change, report)));
    changes + &all(target.unusable.iter().flatten().map(|unusable| unusable_row(target, unusable)))
}

fn change_row(target: &TargetPlan, change: &PlannedChange, report: Option<&TargetReport>) -> String {
    let verb = change.verb();
    let (kind, origin) = (verb.as_str(), markup(&change.origin));
    let place = place(change.source.as_ref());
    let key = |key: &Option<String>| key.as_deref().map(markup).unwrap_or_default();
    let description = change.key_description.as_deref().map(|text| note("", text)).unwrap_or_default();
    let mut alias = markup(&change.alias);
    if let Some(previous) = &change.previous_alias {
        alias += &format!("<span class=\"note\">renamed from {}</span>", markup(previous));
    }
    let shown = if origin == "unknown" { "" } else { &*origin };
    format!(
        "<tr class=\"{kind}\" data-kind=\"{kind}\" data-origin=\"{origin}\"><td class=\"sign\">{} {kind}</td>\
         <td class=\"alias\">{alias}</td><td class=\"key\">{}{}</td><td class=\"key\">{}{}</td><td>{}</td>\
         <td class=\"place\">{place}</td><td>{shown}</td><td>{}</td></tr>\n",
        markup(verb.sign()),
        key(&change.before),
        if change.after.is_none() { &*description } else { "" },
        key(&change.after),
        if change.after.is_some() { &*description } else { "" },
        markup(&target.name),
        notes(change, report)
    )
}

fn place(source: Option<&Source>) -> String {
    source.map(|source| markup(&source.to_string())).unwrap_or_default()
}

/// A line of its own below what it is about
pub(super) fn note(word: &str, text: &str) -> String {
    let class = if word == "risk" { "note risk" } else { "note" };
    let word = if word.is_empty() { String::new() } else { format!("<b>{word}</b> ") };
    format!("<span class=\"{class}\">{word}{}</span>", markup(text))
}

fn notes(change: &PlannedChange, report: Option<&TargetReport>) -> String {
    let outcome = report.and_then(|report| report.outcome(change)).map(|outcome| {
        let class = if outcome.is_success() { "done" } else { "error" };
        let (status, error) =
            (outcome.status.replace('_', " "), outcome.error.as_deref().unwrap_or_default());
        format!(" <span class=\"note {class}\"><b>{}</b> {}</span>", markup(&status), markup(error))
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
    let place = place(source.as_ref());
    format!(
        "<tr class=\"held\" data-kind=\"held\" data-origin=\"drift\"><td class=\"sign\">{} unusable key</td>\
         <td class=\"alias\">{}</td><td class=\"key\">{}</td><td></td><td>{}</td><td class=\"place\">{place}</td>\
         <td>drift</td><td>{}{who_did}{}</td></tr>\n",
        Verb::Held.sign(),
        markup(alias),
        markup(key),
        markup(&target.name),
        note("key", message),
        note("hint", hint)
    )
}

fn unmanaged_rows(target: &TargetPlan) -> String {
    let row = |(name, key): (&String, &Option<String>)| {
        format!(
            "<tr data-kind=\"unmanaged\" data-origin=\"\"><td class=\"alias\">{}</td><td class=\"key\">{}</td><td>{}</td></tr>\n",
            markup(name),
            markup(key.as_deref().unwrap_or("no key")),
            markup(&target.name)
        )
    };
    all(target.unmanaged.iter().map(row))
}

/// The aliases that the plan speaks of, by the key that each is on once the plan is carried out
fn key_rows(plan: &PlanDocument) -> String {
    let row = |target: &TargetPlan, key: &str, aliases: &BTreeSet<String>| {
        let aliases: Vec<&str> = aliases.iter().map(String::as_str).collect();
        format!(
            "<tr data-kind=\"key\" data-origin=\"\"><td class=\"key\">{}</td><td>{}</td><td class=\"alias\">{}</td></tr>\n",
            markup(key),
            markup(&target.name),
            aliases.join("<br>")
        )
    };
    let rows = |target: &TargetPlan| {
        let keys = by_key(target);
        all(keys.iter().map(|(key, aliases)| row(target, key, aliases)))
    };
    all(plan.targets.iter().map(rows))
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
