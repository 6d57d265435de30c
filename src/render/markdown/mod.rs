//! The document of a plan, a receipt, or what a failed plan said -> the Markdown of a comment on a pull request: its marker, the
//! counts, a table of targets, what is deleted, what changes, what had drifted before, what is unmanaged, guards, the digest, and
//! what to do next. Its prose is ours; texts that are not are code (`tame.rs` says how they are kept in it).

mod fit;
mod frame;
mod marker;
mod receipts;
mod run;
mod tame;

use super::access;
use super::receipt;
use super::style::{KeyNames, Palette, harmless, plural};
use super::text::{self, Row, Sheet, counts, unlisted};
use crate::document::{PlanDocument, PlannedChange, RefusalText, TargetPlan, Verb};
use crate::receipt::history::History;
use fit::{List, Part};
pub use frame::{BUDGET, DEFAULT_ID, Frame};
pub use marker::{Marker, parse_id};
pub use receipts::receipts;
pub use run::run;
use tame::{code, fence};

/// The comment about a plan, or what a look for drift found
pub fn plan(plan: &PlanDocument, frame: &Frame<'_>) -> String {
    filled(plan, Vec::new(), frame)
}

/// The same, with what else there is to tell before it
fn filled(plan: &PlanDocument, told: Vec<Part>, frame: &Frame<'_>) -> String {
    let mut parts = vec![frame.heading(title(plan))];
    parts.extend(told);
    parts.extend([Part::Text(tally(plan)), Part::Cut(table(plan))]);
    parts.extend(errors(plan));
    parts.extend(deletions(plan));
    parts.extend(unusable(plan));
    parts.extend(changes(plan));
    parts.extend(collapsed("sentence about access", "text", access_lines(plan)));
    parts.extend(collapsed("unmanaged alias", "text", unmanaged(plan)));
    parts.extend(collapsed("warning", "text", plan.warnings.iter().map(|text| line(text)).collect()));
    parts.extend(guards(plan));
    let rest = match frame.merged {
        true => "`kms-alias show --merge PLAN...` has all of them",
        false => "`kms-alias show PLAN` has all of them",
    };
    // Nobody approves a look for drift.
    let digest = plan.digest.as_deref().filter(|_| !is_look(plan));
    frame.fill(parts, digest, rest, |digest| next(plan, digest, frame))
}

/// Whether it is a look for drift, which is no plan to apply
fn is_look(plan: &PlanDocument) -> bool {
    plan.kind == "drift"
}

/// The comment about an apply
pub fn receipt(history: &History, frame: &Frame<'_>) -> String {
    let plain = Palette::plain();
    let title = match history.exit_code {
        Some(0) => "applied",
        Some(_) => "apply failed or is incomplete",
        None => "apply did not come to its end",
    };
    let summary = lines(&receipt::summary(history));
    let (digest, began) = (brief(&history.begin.digest), brief(&history.began));
    let mut parts = vec![frame.heading(title)];
    parts.push(Part::Text(format!("\nPlan {digest}, applied at {began}.\n")));
    parts.push(Part::Whole(
        fenced("text", summary),
        "\nWhat it came to is too long for a comment.\n".to_owned(),
    ));
    parts.push(Part::Cut(fenced("text", lines(&receipt::chapters(history, &plain)))));
    frame.fill(parts, None, "`kms-alias show RECEIPT` has all of them", |_| String::new())
}

/// The comment about a plan that there is none of, from what its failure said
pub fn failure(said: &str, frame: &Frame<'_>) -> String {
    let advice =
        "\nThere is no plan of this state of the branch, and an earlier one is no longer to be trusted.\n";
    let parts = vec![
        frame.heading("the plan failed"),
        Part::Text(advice.to_owned()),
        Part::Cut(fenced("text", lines(said))),
    ];
    frame.fill(parts, None, "the log of the job has all of them", |_| String::new())
}

fn title(plan: &PlanDocument) -> &'static str {
    let (refused, actions) = (refusals(plan).next().is_some(), plan.counted());
    match (plan.errored, refused, actions.changes() + actions.held) {
        _ if !plan.missing_shards.is_empty() => "incomplete, since a shard is missing",
        (true, ..) => "a target could not be read",
        (.., found) if is_look(plan) => match found + plan.summary.unusable.unwrap_or_default() {
            0 => "no drift",
            _ => "drift",
        },
        (_, true, _) => "the plan is refused",
        (.., 0) => "no changes",
        _ => "plan",
    }
}

fn tally(plan: &PlanDocument) -> String {
    let mut text = format!("\n**{}**\n", counts(&plan.kind, &plan.counted()));
    text.extend(text::incomplete(plan).map(|sentence| format!("\n**{sentence}**\n")));
    text.extend(text::partial(plan).map(|sentence| format!("\n{sentence}\n")));
    let unlisted = unlisted(&plan.summary);
    if !unlisted.is_empty() {
        text += &format!("\n{unlisted}");
    }
    if let Some(base) = &plan.base {
        let unreadable = if base.readable { "" } else { ", where the manifest cannot be read" };
        text += &format!("\nCompared with commit {}{unreadable}.\n", brief(&base.commit));
    }
    text
}

/// A row for each target that there is something to tell of
fn table(plan: &PlanDocument) -> List {
    let open = "\n| Target | Create | Retarget | Replace | Rename | Delete | Held | In sync | State |\n\
                |---|--:|--:|--:|--:|--:|--:|--:|---|\n";
    let told = |target: &&TargetPlan| !target.is_quiet();
    let lines: Vec<String> = plan.targets.iter().filter(told).map(row).collect();
    let quiet = plan.targets.len() - lines.len();
    let close = match quiet {
        0 => String::new(),
        _ if plan.summary.unlisted_targets > 0 => format!("\n{} as declared.\n", plural(quiet, "target")),
        _ => format!("\n{} as declared, with nothing unmanaged.\n", plural(quiet, "target")),
    };
    let open = if lines.is_empty() { String::new() } else { open.to_owned() };
    List { open, lines, close }
}

fn row(target: &TargetPlan) -> String {
    let count = |verb: Verb| target.changes.iter().filter(|change| change.verb() == verb).count();
    let verbs: String = Verb::ALL.map(count).iter().map(|count| format!(" {count} |")).collect();
    let state = match (target.errored, target.refusals.len()) {
        (true, _) => "could not be read".to_owned(),
        (_, 0) => String::new(),
        (_, refused) => format!("refused by {}", plural(refused, "guard")),
    };
    format!("| {} |{verbs} {} | {state} |\n", code(&target.name), target.in_sync)
}

fn errors(plan: &PlanDocument) -> Option<Part> {
    let error = |target: &TargetPlan| {
        let error = target.error.as_ref()?;
        let hint = error.hint.iter().map(|hint| format!("  hint  {}\n", harmless(hint)));
        let lines = [place(target), format!("  failed to {}\n", harmless(&error.message))];
        Some(lines.into_iter().chain(hint).collect::<Vec<_>>())
    };
    let lines: Vec<String> = plan.targets.iter().filter_map(error).flatten().collect();
    (!lines.is_empty()).then(|| Part::Cut(fenced("text", lines)))
}

/// What calls DeleteAlias, the old names of renames included
fn deletions(plan: &PlanDocument) -> Option<Part> {
    let deletes = |change: &&PlannedChange| {
        change.verb() != Verb::Held && change.actions.iter().any(|action| action == "delete")
    };
    let count = plan.targets.iter().flat_map(|target| &target.changes).filter(deletes).count();
    if count == 0 {
        return None;
    }
    let names = if count == 1 { "1 name is deleted" } else { &format!("{count} names are deleted") };
    let caution = format!("\n> [!CAUTION]\n> {names}: calls by a deleted name fail from then on");
    let lines = by_target(plan, |change| deletes(&change), false);
    let list = fenced("diff", lines);
    let open = format!("{caution}, until it is created again.\n{}", list.open);
    let instead = format!(
        "{caution}. They are more than a comment holds, and **none of them is listed here**: \
         read all of them with `kms-alias show PLAN`. This comment has no digest for that reason.\n"
    );
    Some(Part::Whole(List { open, ..list }, instead))
}

/// What is as declared, and of no use
fn unusable(plan: &PlanDocument) -> Option<Part> {
    let of = |target: &TargetPlan| {
        let keys = KeyNames::new(target.keys());
        let sheet = Sheet { keys: &keys, palette: &Palette::plain() };
        let rows = target.unusable.iter().flatten();
        let lines: Vec<_> = rows.flat_map(|unusable| row_lines(&sheet.unusable(unusable), true)).collect();
        if lines.is_empty() { lines } else { [vec![place(target)], lines].concat() }
    };
    let lines: Vec<String> = plan.targets.iter().flat_map(of).collect();
    let list = fenced("diff", lines);
    let open = format!("\n**As declared, on keys that cannot be used**\n{}", list.open);
    (!list.lines.is_empty()).then_some(Part::Cut(List { open, ..list }))
}

/// What this pull request changes, and collapsed what had drifted before; without a base nobody can tell them apart
fn changes(plan: &PlanDocument) -> Vec<Part> {
    let is_drift = |change: &PlannedChange| change.origin == "drift";
    let ours = by_target(plan, |change| !is_drift(change), true);
    let mut parts = Vec::new();
    if !ours.is_empty() {
        let told = if plan.base.is_some() { "Changes of this pull request" } else { "Changes" };
        let list = fenced("diff", ours);
        parts.push(Part::Cut(List { open: format!("\n**{told}**\n{}", list.open), ..list }));
    }
    let count = plan.targets.iter().flat_map(|target| &target.changes).filter(|one| is_drift(one)).count();
    let what = format!("{} by drift that was there before", plural(count, "change"));
    parts.extend(details(&what, "diff", by_target(plan, is_drift, true)));
    parts
}

/// The lines of the changes that are `wanted`, below the name of their target
fn by_target(plan: &PlanDocument, wanted: impl Fn(&PlannedChange) -> bool, notes: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for target in &plan.targets {
        let keys = KeyNames::new(target.keys());
        let sheet = Sheet { keys: &keys, palette: &Palette::plain() };
        let mut changes = target.changes.iter().filter(|change| wanted(change)).peekable();
        if changes.peek().is_some() {
            lines.push(place(target));
        }
        changes.for_each(|change| lines.extend(row_lines(&sheet.change(change), notes)));
    }
    lines
}

/// The sign is the first character, which is what colours the line
fn row_lines(row: &Row<'_>, notes: bool) -> Vec<String> {
    let line = format!("{:3} {}  {}  {}", row.sign, harmless(row.name), harmless(&row.detail), row.place);
    let note = |(word, note): &(&str, String)| format!("      {word:5} {}\n", harmless(note));
    let notes = if notes { row.notes.iter().map(note).collect() } else { Vec::new() };
    [vec![line.trim_end().to_owned() + "\n"], notes].concat()
}

fn access_lines(plan: &PlanDocument) -> Vec<String> {
    let of = |target: &TargetPlan| {
        let findings = target.access.as_ref()?;
        let sentences = findings.iter().map(|finding| finding.sentence.as_str());
        let text = access::lines(sentences, target.access_keys.unwrap_or_default());
        Some([vec![place(target)], lines(&text)].concat())
    };
    plan.targets.iter().filter_map(of).flatten().collect()
}

fn unmanaged(plan: &PlanDocument) -> Vec<String> {
    let of = |target: &TargetPlan| {
        let keys = KeyNames::new(target.keys());
        let name = |(name, key): (&String, &Option<String>)| {
            let key = key.as_ref().map_or("no key", |key| keys.of(key));
            format!("  {}  {}\n", harmless(name), harmless(key))
        };
        let names: Vec<String> = target.unmanaged.iter().map(name).collect();
        if names.is_empty() { names } else { [vec![place(target)], names].concat() }
    };
    plan.targets.iter().flat_map(of).collect()
}

fn refusals(plan: &PlanDocument) -> impl Iterator<Item = &RefusalText> {
    plan.targets.iter().flat_map(|target| &target.refusals).chain(&plan.refusals)
}

fn guards(plan: &PlanDocument) -> Option<Part> {
    let count = refusals(plan).count();
    if count == 0 {
        return None;
    }
    let of = |refusals: &[RefusalText]| lines(&text::refusals(refusals, &Palette::plain()));
    let refused = plan.targets.iter().filter(|target| !target.refusals.is_empty());
    let mut all: Vec<String> =
        refused.flat_map(|target| [vec![place(target)], of(&target.refusals)].concat()).collect();
    all.extend(of(&plan.refusals));
    let warning = format!(
        "\n> [!WARNING]\n> Refused by {}: nothing of this plan may be applied",
        plural(count, "guard")
    );
    let list = fenced("text", all);
    let open = format!("{warning}.\n{}", list.open);
    let instead = format!(
        "{warning}. Their sentences are more than a comment holds: read them with `kms-alias show PLAN`.\n"
    );
    Some(Part::Whole(List { open, ..list }, instead))
}

fn next(plan: &PlanDocument, digest: Option<&str>, frame: &Frame<'_>) -> String {
    let actions = plan.counted();
    let step = if is_look(plan) && !plan.errored {
        match title(plan) {
            "no drift" => "Nothing is to be done.",
            _ => {
                "To take it back: `kms-alias apply`. To declare what is live: `kms-alias drift --write-config`."
            }
        }
    } else if !plan.missing_shards.is_empty() {
        "Plan what is missing, and merge again."
    } else if plan.errored || plan.digest.is_none() {
        "Plan again once every target can be read."
    } else if refusals(plan).next().is_some() {
        "Change the manifest, or plan again with the flag that a guard names."
    } else if actions.held > 0 {
        "What is held (`!`) says what would help; nothing is applied from a saved plan until then."
    } else if digest.is_none() {
        "Read all of the plan before it is applied."
    } else if actions.changes() > 0 && frame.merged {
        "To apply exactly this: `kms-alias apply PLAN` with the plan of each shard."
    } else if actions.changes() > 0 {
        "To apply exactly this: `kms-alias apply PLAN --expect-digest DIGEST`."
    } else {
        "Nothing is to be done."
    };
    let digest = digest.map(|digest| format!("Digest {}. ", brief(digest))).unwrap_or_default();
    format!("\n{digest}{step}\n")
}

/// A digest, a commit or a time, none of which is longer than this; what claims to be one can be
fn brief(text: &str) -> String {
    code(&text.chars().take(71).collect::<String>())
}

/// The heading of a target inside a fence, as diffs have them
fn place(target: &TargetPlan) -> String {
    format!("@@ {} @@\n", harmless(&target.name))
}

/// A text of somebody else's as a line that begins with a space
fn line(text: &str) -> String {
    format!("  {}\n", harmless(text))
}

/// Each line of a text, likewise
fn lines(text: &str) -> Vec<String> {
    text.lines().map(line).collect()
}

fn fenced(language: &str, lines: Vec<String>) -> List {
    let fence = fence(lines.iter().map(String::as_str));
    List { open: format!("\n{fence}{language}\n"), lines, close: format!("{fence}\n") }
}

/// So many of them, folded away; nothing where there is none
fn collapsed(noun: &str, language: &str, lines: Vec<String>) -> Option<Part> {
    let count = lines.iter().filter(|line| !line.starts_with("@@")).count();
    let what = match (count, noun.strip_suffix("alias")) {
        (2.., Some(kind)) => format!("{count} {kind}aliases"),
        _ => plural(count, noun),
    };
    details(&what, language, lines)
}

fn details(what: &str, language: &str, lines: Vec<String>) -> Option<Part> {
    if lines.is_empty() {
        return None;
    }
    let list = fenced(language, lines);
    let open = format!("\n<details><summary>{what}</summary>\n{}", list.open);
    Some(Part::Cut(List { open, close: list.close + "\n</details>\n", lines: list.lines }))
}

#[cfg(test)]
mod tests;
