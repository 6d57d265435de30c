//! What came of an import -> what a person is told of it: what is missing, what is worth knowing, and how to see that it is right.

use std::collections::BTreeSet;

use super::Session;
use super::args::ImportArgs;
use crate::import::{Ahead, Imported, aliases};
use crate::render::harmless::harmless;

impl Session<'_> {
    pub(super) fn tell_imported(&self, args: &ImportArgs, imported: &Imported, removal: Option<String>) {
        let left = imported.left.iter().map(|left| {
            format!("not imported: {} in {}: {}\n", left.name, harmless(&left.target), harmless(&left.why))
        });
        let remarks = imported.remarks.iter().map(|remark| format!("note: {}\n", harmless(remark)));
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
                 kms-alias drift --write-config -f {path} -t {target}"
            );
            self.note("note", &sentence);
        }
    }

    /// The file that has the result, or will have
    fn manifest_path(&self, args: &ImportArgs) -> String {
        args.out.as_ref().map_or_else(|| "FILE".to_owned(), |path| harmless(&path.display().to_string()))
    }

    /// How much was imported, and how to see that it is right
    fn summary(&self, args: &ImportArgs, imported: &Imported) -> String {
        let path = self.manifest_path(args);
        let places: BTreeSet<_> = imported.declared.values().flatten().collect();
        let (names, all) =
            (imported.declared.len(), imported.declared.values().map(BTreeSet::len).sum::<usize>());
        let what = match (names, imported.left.is_empty()) {
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
            self.global.target.iter().map(|target| format!(" -t {}", harmless(target))).collect();
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
