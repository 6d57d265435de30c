//! `protect`, `previously`, `retain_previous` and `replace` of an alias -> how it may be changed; and what is wrong with previous
//! names, which only shows where all declarations are known. Pure.

use std::collections::{BTreeMap, HashMap};

use super::aliases::read_name_text;
use super::follow::Declared;
use super::guards;
use super::manifest::{Entry, Instance, Manifest};
use super::problem::{Problem, Problems};
use super::read::{Fields, boolean, texts};
use super::source::Spot;
use crate::alias::AliasName;
use crate::target::{Manner, Want};

/// The manner, and where each previous name is written
pub(super) fn read(fields: &Fields<'_>, found: &mut Problems) -> (Manner, Vec<Spot>) {
    let previous = fields.get("previously").and_then(|node| texts(node, "a list of alias names", found));
    let previous = previous.unwrap_or_default().into_iter();
    let (previously, spots): (Vec<_>, Vec<_>) =
        previous.filter_map(|(text, spot)| Some((read_name_text(text, spot, found)?, spot.clone()))).unzip();
    let mut flag = |key| fields.get(key).and_then(|node| boolean(node, found)).unwrap_or_default();
    let (retain_previous, replace) = (flag("retain_previous"), flag("replace"));
    let protect = fields.get("protect").map(|node| guards::read_harms(node, found)).unwrap_or_default();
    if let Some((key, _)) =
        fields.pair("retain_previous").filter(|_| retain_previous && previously.is_empty())
    {
        let problem = Problem::error("retain-previous", "no previous name is there to be kept");
        found.add(problem.at(&key.spot, "").help("name it, as in `previously: [alias/app/old]`"));
    }
    (Manner { protect, previously, retain_previous, replace }, spots)
}

/// Overrides without the previous names of the entry that they take the place of: the alias is renamed everywhere but there
pub(super) fn dropped(manifest: &Manifest, found: &mut Problems) {
    // Few entries say more than their key, of what may be a million.
    let mut renamed: HashMap<&AliasName, Vec<&Entry>> = HashMap::new();
    for entry in manifest.layers.iter().flatten() {
        let above = entry.only.as_ref().and_then(|only| only.first()).zip(renamed.get(&entry.name));
        let below = above.and_then(|(at, below)| below.iter().rfind(|below| below.is_for(*at)));
        if let (Some(below), true) =
            (below, entry.more.manner.previously.is_empty() && entry.want != Want::Absent)
        {
            found.add(drops(entry, below));
        }
        if !entry.more.manner.previously.is_empty() {
            renamed.entry(&entry.name).or_default().push(entry);
        }
    }
}

fn drops(entry: &Entry, below: &Entry) -> Problem {
    let names = below.more.manner.previously.iter().map(AliasName::as_str).collect::<Vec<_>>().join(", ");
    let message = format!(
        "this override of `{}` takes the place of the whole entry, and drops its `previously`",
        entry.name
    );
    let problem =
        Problem::warning("override-drops", message).at(&entry.spot, "not renamed here, but made anew");
    let problem = problem.also(&below.spot, "renamed here");
    problem.help(format!(
        "say it again in the override, `previously: [{names}]`, which does nothing where that name is not"
    ))
}

/// Previous names that are declared themselves, claimed twice, or not ours
pub(super) fn wrong_previous(
    entry: &Entry,
    declared: &Declared<'_>,
    instance: &Instance,
    manifest: &Manifest,
) -> Vec<Problem> {
    let previous = entry.more.previous();
    let wrong = previous.filter_map(|(name, spot)| {
        let scope = manifest.scope_of(instance).unwrap_or_default();
        let problem = if let Some(other) = declared.get(name) {
            let problem =
                Problem::error("previous-name", format!("`{name}` is a previous name, and declared as well"));
            problem
                .also(&other.spot, "declared here")
                .help("take one of the two out: renaming deletes the old name")
        } else if !scope.iter().any(|(prefix, _)| name.as_str().starts_with(&**prefix)) {
            let problem =
                Problem::error("outside-scope", format!("the previous name `{name}` is outside the scope"));
            problem.help("a name outside the scope is never deleted; widen `scope`, or rename it by hand")
        } else if entry.want == Want::Absent {
            let problem = Problem::error("previous-name", "an absent alias has no previous name");
            problem.help("declare the old name absent instead")
        } else {
            return None;
        };
        Some(problem.at(spot, ""))
    });
    wrong.collect()
}

/// Names that two aliases claim to have had
pub(super) fn claimed_twice(declared: &Declared<'_>) -> Vec<Problem> {
    let mut firsts: BTreeMap<&AliasName, &Spot> = BTreeMap::new();
    let mut problems = Vec::new();
    let claims = declared.values().flat_map(|entry| entry.more.previous());
    for (name, spot) in claims {
        if let Some(first) = firsts.insert(name, spot) {
            let problem =
                Problem::error("previous-name", format!("`{name}` is the previous name of two aliases"));
            let problem = problem.at(spot, "again here").also(first, "first here");
            problems.push(problem.help("a name becomes one other: take one out"));
        }
    }
    problems
}
