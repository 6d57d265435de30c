//! What came of an import -> what a person is told of it: what is missing, what is worth knowing, and how to see that it is right.

use std::collections::BTreeSet;

use super::Session;
use super::args::ImportArgs;
use crate::alias::AliasName;
use crate::import::claim::{Claims, Home};
use crate::import::look::Request;
use crate::import::{Ahead, Imported, aliases, few};
use crate::render::harmless::harmless;
use crate::render::shell;

impl Session<'_> {
    pub(super) fn tell_imported(
        &self,
        args: &ImportArgs,
        imported: &Imported,
        request: &Request,
        removal: Option<String>,
    ) {
        let left = imported.left.iter().map(|left| {
            format!("not imported: {} in {}: {}\n", left.name, harmless(&left.target), harmless(&left.why))
        });
        let spread = request.claims.as_ref().and_then(|claims| spread(imported, claims));
        let remarks = imported.remarks.iter().chain(&spread);
        let remarks = remarks.map(|remark| format!("note: {}\n", harmless(remark)));
        let remarks = remarks.filter(|_| !self.global.quiet);
        self.console.note(&left.chain(remarks).collect::<String>());
        if let Some((sentence, hint)) = &imported.unseen {
            self.console.note(&format!("warning: {}\nhint: {hint}\n", harmless(sentence)));
        }
        if let Some(removal) = removal {
            self.console.note(&removal);
        }
        if !self.global.quiet {
            self.tell_elsewhere(args, imported);
            self.console.note(&self.summary(args, imported));
        }
    }

    /// Names that are declared for another place, as they are once a manifest is widened: what is live can be declared, too
    fn tell_elsewhere(&self, args: &ImportArgs, imported: &Imported) {
        for (target, count) in &imported.ahead.elsewhere {
            let names = match count {
                1 => "1 name was declared before, and is".to_owned(),
                count => format!("{count} names were declared before, and are"),
            };
            let path = self.manifest_path(args);
            let sentence = format!(
                "{target}: {names} live on another key; to declare what is live there: \
                 kms-alias drift --write-config -f {path} -t {}",
                shell::word(target)
            );
            self.note("note", &sentence);
        }
    }

    /// The file that has the result, or will have, as a word of a command
    fn manifest_path(&self, args: &ImportArgs) -> String {
        args.out.as_ref().map_or_else(|| "FILE".to_owned(), |path| shell::word(&path.display().to_string()))
    }

    /// How much was imported, and how to see that it is right
    fn summary(&self, args: &ImportArgs, imported: &Imported) -> String {
        let path = self.manifest_path(args);
        let places: BTreeSet<_> = imported.declared.values().flatten().collect();
        let (names, all) =
            (imported.declared.len(), imported.declared.values().map(BTreeSet::len).sum::<usize>());
        let what = match (names, imported.left.is_empty()) {
            (0, true) if imported.live == 0 => format!("Imported nothing: {}", nothing_live(args, imported)),
            (0, true) => "Imported nothing: what is live and asked for is declared already".to_owned(),
            (0, false) => "Imported nothing".to_owned(),
            _ if places.len() == 1 => format!("Imported {} over 1 target", aliases(names)),
            _ => format!("Imported {}, {all} over {} targets", aliases(names), places.len()),
        };
        let (into, rest) = match &args.out {
            Some(_) => (format!(" into {path}"), ""),
            None => (String::new(), "write it to a file with --out FILE, and "),
        };
        let into = if names == 0 { String::new() } else { into };
        let chosen: String =
            self.global.target.iter().map(|target| format!(" -t {}", shell::word(target))).collect();
        let command = format!("kms-alias plan -f {path}{chosen}");
        match imported.ahead.is_empty() {
            true => format!("{what}{into}; {rest}see that nothing is to be done with: {command}\n"),
            false => {
                let besides = if names == 0 { "" } else { ", besides what was imported" };
                format!(
                    "{what}{into}; {rest}a plan of it has {}{besides}: {command}\n",
                    told(&imported.ahead)
                )
            }
        }
    }
}

/// That nothing is live of what was asked for, and where, since the credentials may lead elsewhere than is meant
fn nothing_live(args: &ImportArgs, imported: &Imported) -> String {
    let what =
        match (args.from_tfstate.as_ref().or(args.from_cloudformation.as_ref()), args.prefix.is_empty()) {
            (Some(path), _) => {
                format!("none of the aliases of {} is live", harmless(&path.display().to_string()))
            }
            (None, true) => "no alias of the scope is live".to_owned(),
            (None, false) => "no alias is live".to_owned(),
        };
    let under = match &args.prefix[..] {
        [] => String::new(),
        prefixes => format!(" under {}", prefixes.join(", ")),
    };
    let homes: Vec<&Home> = imported.homes.iter().collect();
    format!("{what}{under} in {}", few(&homes))
}

/// Names that were taken in several targets, though what makes them is in one account and Region and does not say which
fn spread(imported: &Imported, claims: &Claims) -> Option<String> {
    let is_unplaced =
        |name: &AliasName| claims.get(name).is_some_and(|all| all.iter().any(|claim| claim.home.is_none()));
    let several = imported.declared.iter().filter(|(name, places)| places.len() > 1 && is_unplaced(name));
    let names: Vec<&AliasName> = several.clone().map(|(name, _)| name).collect();
    let (_, places) = several.clone().next()?;
    Some(format!(
        "what is read does not say of which account and Region it is, and is of one: {} taken in several targets, {} in {} of them; \
        name its own with --target or --regions",
        aliases(names.len()),
        names[0],
        places.len()
    ))
}

/// What a plan has in it, in its words
fn told(Ahead { counts, held, .. }: &Ahead) -> String {
    let kinds = [
        (counts.create, "to create"),
        (counts.update, "to retarget"),
        (counts.replace, "to replace"),
        (counts.rename, "to rename"),
        (counts.delete, "to delete"),
        (*held, "held"),
    ];
    let some = kinds.into_iter().filter(|(count, _)| *count > 0);
    some.map(|(count, kind)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ")
}
