//! The proof: edited texts, read by the real loader, declare what was accepted and are otherwise what they were. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::note::Note;
use super::place::{Notes, Wants};
use super::tree::Tree;
use super::weave::Woven;
use crate::load::{Input, Manifest, Source, load_with};
use crate::target::{Declared, Manner, Place, Target, targets};

/// The targets of the edited `texts`, one a source of `manifest`, if nothing has changed in them but `wants`, and by comments but
/// for `notes`
///
/// # Errors
/// What has changed besides, a sentence: the edit is wrong then.
pub(super) fn prove(
    manifest: &Manifest,
    texts: &[Woven],
    wants: &Wants,
    notes: &Notes,
) -> Result<Vec<Target>, String> {
    let notes: BTreeSet<String> =
        notes.values().flat_map(BTreeMap::values).filter_map(Note::comment).collect();
    let sources = &manifest.sources;
    for (source, woven) in sources.iter().zip(texts) {
        if !keeps_comments(&source.text, woven, &notes) {
            return Err(format!("the comments of {} would not be the same", source.name));
        }
    }
    let read = |(source, woven): (&Arc<Source>, &Woven)| Input::Read {
        name: source.name.to_string(),
        bytes: woven.text.clone().into_bytes(),
    };
    let inputs: Vec<Input> = sources.iter().zip(texts).map(read).collect();
    let edited = load_with(&inputs, &manifest.discovered)
        .map_err(|error| format!("the edited manifest would not load:\n{}", error.render(false)))?;
    let (wanted, found) = (expected(manifest, wants), targets(&edited));
    let differing = wanted.iter().zip(&found).find(|(wanted, found)| **wanted != placeless(found));
    match differing {
        Some((target, _)) => {
            Err(format!("{} would not declare what was accepted, and nothing else", target.name))
        }
        None if wanted.len() != found.len() => Err("the targets would not be the same".to_owned()),
        None => Ok(found),
    }
}

/// Whether all comments are there still that were true, in their order, and no others but `notes`
fn keeps_comments(before: &str, woven: &Woven, notes: &BTreeSet<String>) -> bool {
    let (Some(before), Some(after)) = (comments(before), comments(&woven.text)) else { return false };
    if !woven.renoted.iter().all(|(at, note)| before.get(*at).is_some_and(|old| note.is_stale(old))) {
        return false;
    }
    let kept = before.into_iter().enumerate().filter_map(|(at, old)| match woven.renoted.get(&at) {
        Some(note) => note.comment(),
        None => Some(old.to_owned()),
    });
    let mut kept = kept.peekable();
    let is_old_or_note =
        |comment: &str| kept.next_if(|old| *old == comment).is_some() || notes.contains(comment);
    after.into_iter().all(is_old_or_note) && kept.next().is_none()
}

fn comments(text: &str) -> Option<Vec<&str>> {
    Tree::of(text).map(|tree| tree.comments.iter().map(|range| &text[range.clone()]).collect())
}

/// The targets of `manifest` as they are to be
fn expected(manifest: &Manifest, wants: &Wants) -> Vec<Target> {
    let mut expected: Vec<Target> = targets(manifest).iter().map(placeless).collect();
    for (name, instances) in wants {
        for (at, want) in instances {
            let aliases = &mut expected[*at].aliases;
            let manner =
                aliases.get(name).map_or_else(|| Arc::new(Manner::default()), |old| old.manner.clone());
            aliases.insert(name.clone(), Declared { want: want.clone(), manner, place: nowhere() });
        }
    }
    expected
}

fn nowhere() -> Place {
    Place { file: "".into(), line: 0, column: 0 }
}

/// The same target without the lines that say so, which an edit may move
fn placeless(target: &Target) -> Target {
    let mut target = target.clone();
    target.scope.ignore.iter_mut().for_each(|(_, place)| *place = nowhere());
    target.prune_place = target.prune_place.map(|_| nowhere());
    target.protect.iter_mut().for_each(|protection| protection.place = nowhere());
    for guard in [&mut target.guards.max_delete, &mut target.guards.max_update] {
        guard.place = guard.place.take().map(|_| nowhere());
    }
    let aliases: BTreeMap<_, _> = std::mem::take(&mut target.aliases);
    let declared =
        aliases.into_iter().map(|(name, declared)| (name, Declared { place: nowhere(), ..declared }));
    Target { aliases: declared.collect(), ..target }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alias::{AliasName, KeyId, KeyRef};
    use crate::load::load;
    use crate::target::Want;

    const TEXT: &str =
        "version: 1\nscope: [alias/app/]  # ours\naliases:\n  alias/app/a: ONE  # a\n  alias/app/b: ONE\n";

    /// What the proof says of `edited`, where `alias/app/a` is to be TWO
    fn proven(edited: &str) -> Result<(), String> {
        let spelt = |text: &str| {
            let text = text.replace("ONE", "11111111-1111-1111-1111-111111111111");
            text.replace("TWO", "22222222-2222-2222-2222-222222222222")
        };
        let manifest = load(&[Input::Stdin(spelt(TEXT).into_bytes())]).expect("it is valid");
        let key = KeyId::parse(&spelt("TWO")).expect("it is an id");
        let name = AliasName::parse("alias/app/a").expect("it is a name");
        let wants = Wants::from([(name, BTreeMap::from([(0, Want::Key(KeyRef::Id(key)))]))]);
        let woven = Woven { text: spelt(edited), renoted: BTreeMap::new() };
        prove(&manifest, &[woven], &wants, &Notes::new()).map(drop)
    }

    #[test]
    fn an_edit_is_right_only_if_it_changes_what_was_accepted_and_nothing_else() {
        let right = TEXT.replace("a: ONE", "a: TWO");
        assert_eq!(proven(&right), Ok(()));
        assert_eq!(proven(&right.replace("aliases:", "\naliases:")), Ok(()), "lines may move");
        for wrong in [
            TEXT.to_owned(),
            right.replace("b: ONE", "b: TWO"),
            right.replace("  # a", ""),
            right.replace("# ours", "# theirs"),
            right.replace("version: 1\n", "version: 1\nprune: true\n"),
            right.replace("a: TWO", "a: {key: TWO, replace: true}"),
            right.replace("  alias/app/b: ONE\n", ""),
            right.replace("[alias/app/]", "[alias/app/, alias/b/]"),
            right.replace("aliases:", "aliases"),
        ] {
            assert!(proven(&wrong).is_err(), "{wrong}");
        }
    }
}
