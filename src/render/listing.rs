//! The document of a listing -> a table for people, or one whose cells are apart by tabs.

use std::collections::BTreeMap;

use anstyle::Style;

use super::columns::{Cell, columns};
use super::style::{KeyNames, Palette, harmless, paint, plural, quoted};
use super::text::{PARTIAL, failed};
use super::web::key_page;
use crate::document::{ListedAlias, ListingDocument, Status, TargetListing};

/// The aliases of every target, and how many are how
pub fn text(listing: &ListingDocument, palette: &Palette) -> String {
    let mut text: String = listing.targets.iter().map(|one| target(one, palette)).collect();
    text += &summary(listing);
    text
}

fn target(target: &TargetListing, palette: &Palette) -> String {
    let (partition, region) = (target.partition.as_deref(), target.region.as_deref());
    let text = palette.heading_of(&target.name, partition, region) + "\n";
    if let Some(error) = &target.error {
        return text + &failed(&paint(palette.delete, "error"), error);
    }
    if target.aliases.is_empty() {
        return String::new();
    }
    let shown = |alias: &'_ ListedAlias| [alias.key.clone(), alias.declared_key.clone()];
    let keys: Vec<String> = target.aliases.iter().flat_map(shown).flatten().collect();
    let names = KeyNames::new(&keys);
    let rows: Vec<Vec<Cell>> = target.aliases.iter().map(|one| row(target, one, &names, palette)).collect();
    text + &columns("  ", &rows, palette.columns)
}

fn row(target: &TargetListing, alias: &ListedAlias, keys: &KeyNames<'_>, palette: &Palette) -> Vec<Cell> {
    let key = alias.key.as_deref().map_or("-", |key| keys.of(key));
    let page = alias
        .key
        .as_deref()
        .filter(|_| palette.links)
        .zip(target.partition.as_deref().zip(target.region.as_deref()));
    let page = page.map(|(key, (partition, region))| key_page(partition, region, key));
    let unknown = if alias.key.is_some() { "unknown" } else { "-" };
    let state = alias.key_state.as_deref().unwrap_or(unknown);
    let is_usable = state == "Enabled" || alias.key.is_none();
    let mut status = alias.status.told().to_owned();
    status.extend(alias.declared_key.iter().map(|key| format!(" -> {}", keys.of(key))));
    status.extend(alias.successor_alias.iter().map(|other| format!(" -> {other}")));
    let place = alias.source.as_ref().map(ToString::to_string).unwrap_or_default();
    vec![
        Cell::plain(harmless(&alias.alias)),
        Cell::plain(key.to_owned()).linked(page.flatten()),
        Cell::new(harmless(state), if is_usable { Style::new() } else { palette.delete }),
        Cell::plain(alias.key_description.as_deref().map(quoted).unwrap_or_default()),
        Cell::new(harmless(&status), style(alias.status, palette)),
        Cell::new(harmless(&place), palette.faint),
    ]
}

fn style(status: Status, palette: &Palette) -> Style {
    match status {
        Status::InSync => Style::new(),
        Status::Unmanaged | Status::Kept => palette.faint,
        Status::Create => palette.create,
        Status::Retarget | Status::Rename => palette.update,
        Status::Replace | Status::Delete => palette.delete,
        Status::Held => palette.held,
    }
}

/// `12 aliases in 2 targets: 8 in sync, 1 to create, 3 unmanaged.`
fn summary(listing: &ListingDocument) -> String {
    let all = || listing.targets.iter().flat_map(|target| &target.aliases);
    let mut counts: BTreeMap<Status, usize> = BTreeMap::new();
    all().for_each(|alias| *counts.entry(alias.status).or_default() += 1);
    let told =
        Status::ALL.iter().filter_map(|status| Some(format!("{} {}", counts.get(status)?, status.told())));
    let told = told.collect::<Vec<_>>().join(", ");
    let noun = if all().count() == 1 { "alias" } else { "aliases" };
    let mut text = format!("{} {noun} in {}", all().count(), plural(listing.targets.len(), "target"));
    if !told.is_empty() {
        text += &format!(": {told}");
    }
    let unread = listing.targets.iter().filter(|target| target.error.is_some()).count();
    text += &if listing.partial { format!(". {PARTIAL}\n") } else { ".\n".to_owned() };
    if unread > 0 {
        text += &format!("{} could not be read.\n", plural(unread, "target"));
    }
    text
}

/// The names of the columns; later versions add to their end
const COLUMNS: [&str; 11] = [
    "target",
    "alias",
    "key",
    "key_state",
    "status",
    "declared_key",
    "successor_alias",
    "file",
    "line",
    "key_description",
    "message",
];

/// A line for each alias, and for each target that could not be read
pub fn tsv(listing: &ListingDocument) -> String {
    let mut text = COLUMNS.join("\t") + "\n";
    for target in &listing.targets {
        for alias in &target.aliases {
            text += &line(&target.name, alias);
        }
        if let Some(error) = &target.error {
            let mut cells = [""; COLUMNS.len()];
            (cells[0], cells[4], cells[10]) = (&target.name, "errored", &error.message);
            text += &joined(cells);
        }
    }
    text
}

fn line(target: &str, alias: &ListedAlias) -> String {
    let file = alias.source.as_ref().map_or("", |source| &source.file);
    let number = alias.source.as_ref().map(|source| source.line.to_string()).unwrap_or_default();
    joined([
        target,
        &alias.alias,
        alias.key.as_deref().unwrap_or_default(),
        alias.key_state.as_deref().unwrap_or_default(),
        alias.status.as_str(),
        alias.declared_key.as_deref().unwrap_or_default(),
        alias.successor_alias.as_deref().unwrap_or_default(),
        file,
        &number,
        alias.key_description.as_deref().unwrap_or_default(),
        alias.blocked_by.as_deref().unwrap_or_default(),
    ])
}

fn joined(cells: [&str; COLUMNS.len()]) -> String {
    cells.map(harmless).join("\t") + "\n"
}
