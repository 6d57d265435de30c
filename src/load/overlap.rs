//! Scopes of two targets that own the same names of one account and Region: each would undo what the other does. Pure.

use std::collections::BTreeMap;

use super::manifest::{Instance, Manifest, TargetSpec};
use super::problem::{Problem, Problems};

/// One prefix that one target owns
#[derive(Clone, Copy)]
struct Owned<'m> {
    prefix: &'m str,
    spec: &'m TargetSpec,
    instance: &'m Instance,
}

/// Adds every overlap
pub(super) fn check(manifest: &Manifest, found: &mut Problems) {
    let mut places: BTreeMap<_, Vec<Owned<'_>>> = BTreeMap::new();
    for instance in &manifest.instances {
        let placed = |spec: &&TargetSpec| spec.sound && !spec.awaits_accounts();
        let Some(spec) = manifest.spec_of(instance).filter(placed) else { continue };
        let owned = places.entry((&instance.account, &instance.region)).or_default();
        let prefixes = manifest.scope_of(instance).into_iter().flatten();
        owned.extend(prefixes.map(|(prefix, _)| Owned { prefix, spec, instance }));
    }
    for owned in places.into_values() {
        check_place(owned, found);
    }
}

/// In sorted order, a prefix comes after those that it begins with: they are what is on the stack.
fn check_place(mut owned: Vec<Owned<'_>>, found: &mut Problems) {
    owned.sort_by_key(|one| (one.prefix, &one.instance.name));
    let mut stack: Vec<Owned<'_>> = Vec::new();
    for next in owned {
        while stack.pop_if(|top| !next.prefix.starts_with(top.prefix)).is_some() {}
        if let Some(other) = stack.iter().find(|other| other.spec.name != next.spec.name) {
            found.add(overlap(&next, other));
        }
        stack.push(next);
    }
}

fn overlap(one: &Owned<'_>, other: &Owned<'_>) -> Problem {
    let place = [&one.instance.account, &one.instance.region].map(|part| part.as_deref().unwrap_or_default());
    let names = [&other.spec.name, &one.spec.name];
    let message =
        format!("`{}` and `{}` both own `{}` in {}", names[0], names[1], one.prefix, place.join("/"));
    let problem =
        Problem::error("scope-overlap", message).at(&one.spec.spot, format!("owns `{}`", one.prefix));
    let problem = problem.also(&other.spec.spot, format!("owns `{}`", other.prefix));
    let discovered = [one, other].iter().any(|owned| owned.spec.organization.is_some());
    problem.help(match discovered {
        true => "leave the account out with `exclude_accounts`, or give each target a `scope` of its own",
        false => "give each target a `scope` of its own, or make them one target",
    })
}
