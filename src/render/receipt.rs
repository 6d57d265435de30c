//! What a receipt tells -> lines for people, one document for programs.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde::Serialize;

use super::style::{Palette, harmless, paint, plural};
use crate::document::FORMAT_VERSION;
use crate::merge::{Receipts, shards};
use crate::receipt::event::{Intended, Meaning, Seen};
use crate::receipt::history::{Chapter, History, Left, Trace};

/// For people
pub fn text(history: &History, palette: &Palette) -> String {
    head(history) + &chapters(history, palette) + &summary(history)
}

/// Several, for people: one after another, and what they come to together
pub fn text_of_all(receipts: &Receipts, palette: &Palette) -> String {
    let told = receipts.histories.iter().map(|one| head(&one.what) + &chapters(&one.what, palette));
    told.collect::<String>() + &summary_of_all(receipts)
}

fn head(history: &History) -> String {
    let History { begin, began, .. } = history;
    let mut text = format!("Apply of {}, plan {}", harmless(began), harmless(&begin.digest));
    if let Some(shard) = &begin.shard {
        let _ = write!(text, ", shard {}", harmless(shard));
    }
    if !begin.allow.is_empty() {
        let _ = write!(text, ", with --allow {}", harmless(&begin.allow.join(",")));
    }
    text + "\n"
}

/// What became of each name
pub(super) fn chapters(history: &History, palette: &Palette) -> String {
    history.targets.iter().map(|chapter| chapter_text(chapter, palette)).collect()
}

fn chapter_text(chapter: &Chapter, palette: &Palette) -> String {
    let intent = &chapter.intent;
    let heading = paint(palette.heading, &harmless(&intent.target));
    let mut text = format!("{heading}  by {}\n", harmless(&intent.caller));
    let rows = rows(chapter);
    let widest = |of: fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or_default();
    let (names, keys) = (widest(|row| row.alias.chars().count()), widest(|row| row.keys.chars().count()));
    for row in &rows {
        let sign = if row.status == "unclear" { paint(palette.held, "?") } else { row.sign.to_owned() };
        let line = format!("{sign:>4} {:names$}  {:keys$}  {}", row.alias, row.keys, row.status);
        let _ = writeln!(text, "{}", line.trim_end());
        for note in &row.notes {
            let _ = writeln!(text, "      {}", harmless(note));
        }
    }
    text + &verdict(chapter, palette)
}

/// How far the apply has seen what it did, where that is not all of it
fn verdict(chapter: &Chapter, palette: &Palette) -> String {
    let (word, why) = match &chapter.seen {
        Some(Seen { converged: true, .. }) => return String::new(),
        Some(Seen { error: Some(error), .. }) => ("not verified", format!("failed to {}", harmless(error))),
        Some(Seen { left, .. }) => {
            ("not converged", format!("{} not seen as planned", plural(left.len(), "name")))
        }
        None if chapter.names.is_empty() => return String::new(),
        None => ("not verified", "nothing tells whether the service shows what was written".to_owned()),
    };
    format!("  {}: {why}\n", paint(palette.held, word))
}

/// One name, as it was to be and as it came to be
struct Row {
    sign: &'static str,
    alias: String,
    keys: String,
    status: String,
    notes: Vec<String>,
}

fn rows(chapter: &Chapter) -> Vec<Row> {
    let mut rows: Vec<Row> = told(chapter).iter().map(row).collect();
    rows.sort_by(|a, b| a.alias.cmp(&b.alias));
    rows
}

fn row(told: &Told) -> Row {
    let keys = match (told.before, told.after) {
        (None, Some(after)) => match told.previous.filter(|_| !told.halfway) {
            Some(previous) => format!("-> {after}  renamed from {previous}"),
            None => format!("-> {after}"),
        },
        (Some(before), Some(after)) => format!("{before} -> {after}"),
        (Some(before), None) => before.to_owned(),
        (None, None) => String::new(),
    };
    let error = told.error.map(|error| format!("error  {error}"));
    let unclear = (told.status == "unclear").then(|| {
        "a call was made, and nothing tells whether it changed anything: look at the alias".to_owned()
    });
    let beside = told.beside.map(|new| format!("left beside {new}, which it was to become"));
    Row {
        sign: told.sign(),
        alias: harmless(told.alias),
        keys: harmless(&keys),
        status: harmless(&told.status.replace('_', " ")),
        notes: error.into_iter().chain(unclear).chain(beside).collect(),
    }
}

/// What it comes to, and what would help
pub(super) fn summary(history: &History) -> String {
    let mut text = counted([history]) + " ";
    match history.exit_code.filter(|_| !is_open(history)) {
        Some(code) => text += &format!("The apply ended with exit code {code}.\n"),
        None => text += &format!("The apply {}{RESUME}", open_end(history)),
    }
    text
}

/// Whether the apply did not come to its own end, by 128 and the number of SIGINT or SIGTERM if it has told so
fn is_open(history: &History) -> bool {
    matches!(history.exit_code, None | Some(130 | 143))
}

/// The same of several
pub(super) fn summary_of_all(receipts: &Receipts) -> String {
    let Receipts { histories, missing_shards, exit_code } = receipts;
    let mut text = format!("{}: ", plural(histories.len(), "receipt"));
    text += &counted(histories.iter().map(|one| &one.what));
    text += &exit_code.map(|code| format!(" The worst exit code is {code}.")).unwrap_or_default();
    text.push('\n');
    let open = histories.iter().filter(|one| is_open(&one.what));
    let open: Vec<_> =
        open.map(|one| format!("{}: the apply {}", harmless(&one.file), open_end(&one.what))).collect();
    text += &open.concat();
    text += if open.is_empty() { "" } else { RESUME };
    if !missing_shards.is_empty() {
        let shards = harmless(&shards(missing_shards));
        text += &format!(
            "There is no receipt of {shards}: nothing was to be written there, or no apply has begun.\n"
        );
    }
    text
}

const RESUME: &str = "hint: run apply again; what is there already is found so\n";

/// `5 write calls: 4 done, 1 refused, 0 without a clear answer.`
fn counted<'h>(histories: impl IntoIterator<Item = &'h History>) -> String {
    let traces =
        histories.into_iter().flat_map(|history| &history.targets).flat_map(|chapter| chapter.names.values());
    let calls: Vec<_> = traces.flat_map(|trace| &trace.calls).map(|(_, answer)| answer.as_ref()).collect();
    let count = |meaning: Meaning| {
        calls.iter().filter(|answer| answer.is_some_and(|answer| answer.answer == meaning)).count()
    };
    let (done, refused) = (count(Meaning::Done), count(Meaning::Refused));
    let unclear = calls.len() - done - refused;
    format!(
        "{}: {done} done, {refused} refused, {unclear} without a clear answer.",
        plural(calls.len(), "write call")
    )
}

fn open_end(history: &History) -> String {
    if let Some(code) = history.exit_code {
        let open = "what it had not begun is not attempted, and what it had not seen by then is not verified";
        return format!("was interrupted, with exit code {code}: {open}.\n");
    }
    let cut = if history.torn { ", in the middle of a line" } else { "" };
    let last = harmless(&history.last);
    format!("did not come to its end: it is still running, or it was killed after {last}{cut}.\n")
}

/// One name of a receipt
#[derive(Debug, Serialize)]
struct Told<'h> {
    alias: &'h str,
    #[serde(rename = "previous_alias")]
    previous: Option<&'h str>,
    actions: Vec<&'h str>,
    before: Option<&'h str>,
    after: Option<&'h str>,
    status: &'h str,
    attempts: u32,
    request_id: Option<&'h str>,
    error: Option<&'h str>,
    /// For the new name of a rename: it is there, and the old one was not deleted
    #[serde(skip)]
    halfway: bool,
    /// For the old name of such a rename, where it is still there: the new one
    #[serde(skip)]
    beside: Option<&'h str>,
}

impl Told<'_> {
    fn is_so(&self) -> bool {
        matches!(self.status, "done" | "already_so")
    }

    fn sign(&self) -> &'static str {
        match self.actions[..] {
            ["create"] if self.previous.is_some() && !self.halfway => ">",
            ["create"] => "+",
            ["update"] => "~",
            ["delete"] => "-",
            _ => "-/+",
        }
    }
}

/// Every name that was to be changed; a rename has two
fn told(chapter: &Chapter) -> Vec<Told<'_>> {
    let left: HashSet<&str> = chapter.seen.iter().flat_map(|seen| &seen.left).map(String::as_str).collect();
    let all = chapter.intent.changes.iter().flat_map(|intended| both(chapter, intended));
    // What was done and then not seen, the report of the apply has called so.
    let is_unseen = |told: &Told<'_>| told.is_so() && left.contains(told.alias);
    all.map(|told| if is_unseen(&told) { Told { status: "unverified", ..told } } else { told }).collect()
}

fn both<'h>(chapter: &'h Chapter, intended: &'h Intended) -> Vec<Told<'h>> {
    let Intended { alias, previous_alias, actions, before, after } = intended;
    let Some(previous) = previous_alias else {
        let actions = actions.iter().map(String::as_str).collect();
        return vec![one(chapter, alias, None, actions, before.as_deref(), after.as_deref())];
    };
    let new = one(chapter, alias, Some(previous), vec!["create"], None, after.as_deref());
    let old = one(chapter, previous, None, vec!["delete"], before.as_deref(), None);
    let halfway = new.is_so() && !old.is_so();
    // A delete without a clear answer may have come about.
    let untouched =
        chapter.names.get(previous).is_none_or(|trace| trace.left == Left::On(trace.before.clone()));
    let is_left = halfway && untouched && matches!(old.status, "failed" | "not_attempted");
    vec![Told { halfway, ..new }, Told { beside: is_left.then_some(alias), ..old }]
}

fn one<'h>(
    chapter: &'h Chapter,
    alias: &'h str,
    previous: Option<&'h str>,
    actions: Vec<&'h str>,
    before: Option<&'h str>,
    after: Option<&'h str>,
) -> Told<'h> {
    let (trace, ending) = (chapter.names.get(alias), chapter.endings.get(alias));
    let last = trace.and_then(|trace| trace.calls.iter().rev().find_map(|(_, answer)| answer.as_ref()));
    let status = match ending {
        Some(ending) => &ending.outcome,
        None => without_ending(trace, after),
    };
    let request_id = last.and_then(|answer| answer.request_id.as_deref());
    let error = ending.and_then(|ending| ending.error.as_deref());
    let error = error.or_else(|| last.and_then(|answer| answer.error.as_deref()));
    let attempts = trace.map_or(0, |trace| u32::try_from(trace.calls.len()).unwrap_or(u32::MAX));
    let (halfway, beside) = (false, None);
    Told { alias, previous, actions, before, after, status, attempts, request_id, error, halfway, beside }
}

/// What the calls alone tell, where the apply did not come to say it
fn without_ending(trace: Option<&Trace>, after: Option<&str>) -> &'static str {
    match trace.map(|trace| &trace.left) {
        None => "not_attempted",
        Some(Left::Either(..)) => "unclear",
        Some(Left::On(key)) if key.as_deref() == after => "done",
        Some(Left::On(_)) => "failed",
    }
}

/// The document of `show -o json`
#[derive(Debug, Serialize)]
pub struct ReceiptDocument<'h> {
    format_version: &'h str,
    kind: &'static str,
    digest: &'h str,
    allow: &'h [String],
    partial: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<&'h str>,
    began: &'h str,
    last: &'h str,
    /// `null` where the apply did not come to its end
    exit_code: Option<u8>,
    /// Whether the last line is cut off
    torn: bool,
    targets: Vec<TargetDocument<'h>>,
}

#[derive(Debug, Serialize)]
struct TargetDocument<'h> {
    name: &'h str,
    partition: &'h str,
    account: &'h str,
    region: &'h str,
    caller: &'h str,
    converged: bool,
    /// Names that were not seen as planned, where it was looked
    left: &'h [String],
    /// Why it could not be looked
    verify_error: Option<&'h str>,
    changes: Vec<Told<'h>>,
}

/// The document of `show --merge -o json`
#[derive(Debug, Serialize)]
pub struct ReceiptsDocument<'h> {
    format_version: &'static str,
    kind: &'static str,
    /// The one that says most; `null` while an apply did not come to its end
    exit_code: Option<u8>,
    /// The parts that there is no receipt of
    missing_shards: &'h [String],
    receipts: Vec<ReceiptDocument<'h>>,
}

/// Several, for programs
pub fn json_of_all(receipts: &Receipts) -> ReceiptsDocument<'_> {
    ReceiptsDocument {
        format_version: FORMAT_VERSION,
        kind: "receipts",
        exit_code: receipts.exit_code,
        missing_shards: &receipts.missing_shards,
        receipts: receipts.histories.iter().map(|one| json(&one.what)).collect(),
    }
}

/// For programs
pub fn json(history: &History) -> ReceiptDocument<'_> {
    let History { begin, began, last, targets, exit_code, torn } = history;
    ReceiptDocument {
        format_version: &begin.format_version,
        kind: "receipt",
        digest: &begin.digest,
        allow: &begin.allow,
        partial: begin.partial,
        shard: begin.shard.as_deref(),
        began,
        last,
        exit_code: *exit_code,
        torn: *torn,
        targets: targets.iter().map(target_document).collect(),
    }
}

fn target_document(chapter: &Chapter) -> TargetDocument<'_> {
    let (intent, seen) = (&chapter.intent, chapter.seen.as_ref());
    TargetDocument {
        name: &intent.target,
        partition: &intent.partition,
        account: &intent.account,
        region: &intent.region,
        caller: &intent.caller,
        converged: seen.is_some_and(|seen| seen.converged),
        left: seen.map_or(&[], |seen| &seen.left),
        verify_error: seen.and_then(|seen| seen.error.as_deref()),
        changes: told(chapter),
    }
}
