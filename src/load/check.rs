//! The manifest as a whole -> what only shows there: names outside a scope, keys of another account, scopes that overlap,
//! aliases that follow one another in a circle. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::endpoint;
use super::follow::{self, Declared};
use super::manifest::{Entry, Instance, Manifest};
use super::manner;
use super::overlap;
use super::problem::{KEPT, Problem, Problems};
use super::read::list;
use super::roles::{self, partition};
use super::size;
use super::source::Spot;
use super::suggest::nearest;
use crate::alias::{AliasName, KeyArn, KeyRef};
use crate::target::{Place, Want, declared};

/// Adds what is wrong with `manifest` as a whole
pub(super) fn manifest(manifest: &Manifest, found: &mut Problems) {
    if !size::declarations_fit(manifest, found) {
        return;
    }
    names_alike(manifest, found);
    overrides_of_nothing(manifest, found);
    manner::dropped(manifest, found);
    overlap::check(manifest, found);
    let mut met = Met::default();
    let names_target = !manifest.targets.is_empty();
    for (index, instance) in manifest.instances.iter().enumerate() {
        if met.more > 0 {
            continue;
        }
        let declared = declared(manifest, index);
        let each = declared.values().flat_map(|entry| misfits(entry, instance, manifest));
        let each = each.chain(
            declared.values().flat_map(|entry| manner::wrong_previous(entry, &declared, instance, manifest)),
        );
        let whole = follow::check(&declared)
            .into_iter()
            .chain(manner::claimed_twice(&declared))
            .chain(open_prefixes(manifest, instance))
            .chain(of_place(manifest, instance, &declared));
        for problem in each.chain(whole) {
            met.add(problem, instance);
        }
    }
    met.report(names_target, found);
}

/// Problems of instances, told once and with the first instance that has them
#[derive(Default)]
struct Met {
    problems: Vec<(Problem, Arc<str>, usize)>,
    known: BTreeMap<(&'static str, Option<Place>, String), usize>,
    more: usize,
}

impl Met {
    fn add(&mut self, problem: Problem, instance: &Instance) {
        let key = (problem.code, problem.place(), problem.message.clone());
        if let Some(at) = self.known.get(&key) {
            self.problems[*at].2 += 1;
        } else if self.problems.len() < KEPT {
            self.known.insert(key, self.problems.len());
            self.problems.push((problem, instance.name.clone(), 1));
        } else {
            self.more += 1;
        }
    }

    fn report(self, names_target: bool, found: &mut Problems) {
        found.omit(self.more);
        for (mut problem, name, count) in self.problems {
            match count {
                _ if !names_target => {}
                1 => problem.message += &format!(" (target `{name}`)"),
                _ => problem.message += &format!(" (target `{name}` and {} more)", count - 1),
            }
            found.add(problem);
        }
    }
}

/// What is wrong with an instance because of its account and Region, which are not known while its target is wrong itself or its
/// accounts are yet to be discovered
fn of_place(manifest: &Manifest, instance: &Instance, declared: &Declared<'_>) -> Vec<Problem> {
    if manifest.spec_of(instance).is_some_and(|spec| !spec.sound || spec.awaits_accounts()) {
        return Vec::new();
    }
    let endpoint = endpoint::misfit(manifest, instance);
    let apart = keys_apart(declared, instance);
    roles::fit(manifest, instance).into_iter().chain(endpoint).chain(apart).collect()
}

/// Prefixes that own more than a folder where everything under them that is not declared is deleted
fn open_prefixes(manifest: &Manifest, instance: &Instance) -> Vec<Problem> {
    let Some((true, prune)) = manifest.prune_of(instance) else { return Vec::new() };
    let scope = manifest.scope_of(instance).unwrap_or_default();
    let is_open = |prefix: &str| prefix.ends_with(|last: char| last.is_ascii_alphanumeric());
    let ignored = manifest.ignore_of(instance).unwrap_or_default();
    let is_spared = |prefix: &str| ignored.iter().any(|(one, _)| one.matches(&format!("{prefix}-of-others")));
    let open = scope.iter().filter(|(prefix, _)| is_open(prefix) && !is_spared(prefix));
    let told = open.map(|(prefix, spot)| {
        let message = format!(
            "`{prefix}` owns every name that begins so, and `prune` is on: `{prefix}-of-others` would be deleted as well"
        );
        let help = format!("write `{prefix}/` for that folder alone, or `ignore` what is not yours (`prune` is set at {prune})");
        Problem::warning("scope-open", message).at(spot, "no `/` at its end").help(help)
    });
    told.collect()
}

/// What is wrong with one declaration in one instance
fn misfits(entry: &Entry, instance: &Instance, manifest: &Manifest) -> Option<Problem> {
    let sound = manifest.spec_of(instance).is_none_or(|spec| spec.sound);
    let elsewhere = || match &entry.want {
        Want::Key(KeyRef::Arn(arn)) if sound => key_elsewhere(entry, arn, instance),
        _ => None,
    };
    outside_scope(entry, instance, manifest).or_else(|| ignored(entry, instance, manifest)).or_else(elsewhere)
}

fn outside_scope(entry: &Entry, instance: &Instance, manifest: &Manifest) -> Option<Problem> {
    let scope = manifest.scope_of(instance)?;
    let name = entry.name.as_str();
    if scope.iter().any(|(prefix, _)| name.starts_with(&**prefix)) {
        return None;
    }
    let message = format!("`{name}` is outside the scope");
    let owned = list(scope.iter().take(6).map(|(prefix, _)| &**prefix));
    let problem = Problem::error("outside-scope", message).at(&entry.spot, format!("under none of {owned}"));
    let problem =
        problem.help(format!("rename it, or add its prefix, as `{}`, to `scope`", prefix_for(name)));
    Some(match scope.first() {
        Some((_, spot)) => problem.also(spot, "the scope is set here"),
        None => problem,
    })
}

/// The prefix that would own `name` and not very much more
fn prefix_for(name: &str) -> &str {
    match name.rsplit_once('/') {
        Some((directory, last)) if directory != "alias" => &name[..name.len() - last.len()],
        _ => name,
    }
}

fn ignored(entry: &Entry, instance: &Instance, manifest: &Manifest) -> Option<Problem> {
    let patterns = manifest.ignore_of(instance)?;
    let (pattern, spot) = patterns.iter().find(|(pattern, _)| pattern.matches(entry.name.as_str()))?;
    let message = format!("`{}` is declared, and `ignore` leaves it to somebody else", entry.name);
    let problem = Problem::error("ignored", message).at(&entry.spot, "declared here");
    let problem = problem.also(spot, "ignored here");
    Some(problem.help(format!("take it out here, or narrow the pattern `{}`", pattern.as_str())))
}

fn key_elsewhere(entry: &Entry, arn: &KeyArn, instance: &Instance) -> Option<Problem> {
    let (account, region) = (instance.account.as_ref()?, instance.region.as_ref()?);
    let message = if arn.account != *account {
        format!("this key is in account {}, and an alias points only at keys of its own account", arn.account)
    } else if arn.region != *region {
        format!("this key is in {}, and an alias points only at keys of its own Region", arn.region)
    } else if *arn.partition != *partition(region) {
        format!("this key is in partition `{}`, and {region} is in `{}`", arn.partition, partition(region))
    } else {
        return None;
    };
    let help = match arn.id.as_str().starts_with("mrk-") {
        true => format!("write the id alone, `{}`, if each target has a replica of it", arn.id),
        false => {
            "narrow the alias with `targets`, or give each target its own key under `overrides`".to_owned()
        }
    };
    Some(Problem::error("key-elsewhere", message).at(&entry.want_spot, "").help(help))
}

/// Where the account and Region are the credentials' own, all ARNs can at least be expected to name the same.
fn keys_apart(declared: &Declared<'_>, instance: &Instance) -> Vec<Problem> {
    if instance.account.is_some() {
        return Vec::new();
    }
    let mut arns = declared.values().filter_map(|entry| match &entry.want {
        Want::Key(KeyRef::Arn(arn)) => Some((&**arn, &entry.want_spot)),
        _ => None,
    });
    let Some((first, first_spot)) = arns.next() else { return Vec::new() };
    let place = |arn: &KeyArn| format!("{}/{}/{}", arn.partition, arn.account, arn.region);
    let parts = |arn: &'_ KeyArn| (arn.partition.clone(), arn.account.clone(), arn.region.clone());
    let apart = arns.filter(|(arn, _)| parts(arn) != parts(first));
    let problem = |(arn, spot): (&KeyArn, &Spot)| {
        let message = "keys of two accounts or Regions, and without `targets` there is but one";
        let problem =
            Problem::error("key-elsewhere", message).at(spot, place(arn)).also(first_spot, place(first));
        problem.help("declare a target for each account and Region")
    };
    apart.map(problem).collect()
}

/// An override is an exception to the shared map; one of a name that is not there is a slip, or an alias that nobody looks for
/// among exceptions.
fn overrides_of_nothing(manifest: &Manifest, found: &mut Problems) {
    let [shared, exceptions @ ..] = &manifest.layers;
    if exceptions.iter().all(Vec::is_empty) {
        return;
    }
    let names: HashSet<&AliasName> = shared.iter().map(|entry| &entry.name).collect();
    for entry in exceptions.iter().flatten().filter(|entry| !names.contains(&entry.name)) {
        let message = format!("this override is of `{}`, which `aliases` does not have", entry.name);
        let problem = Problem::error("override-of-nothing", message).at(&entry.spot, "");
        if let Some(new) = shared.iter().find(|new| new.more.manner.previously.contains(&entry.name)) {
            let problem = problem.also(&new.spot, "it has another name now");
            found
                .add(problem.help(format!("rename it here too: `{}`, with the same `previously`", new.name)));
            continue;
        }
        found.add(match nearest(entry.name.as_str(), shared.iter().map(|entry| entry.name.as_str())) {
            Some(meant) => problem.help(format!("did you mean `{meant}`?")),
            None => {
                problem.help("declare it under `aliases`, with `targets: [...]` if it is for this one alone")
            }
        });
    }
}

/// KMS tells `alias/App` from `alias/app`; people do not.
fn names_alike(manifest: &Manifest, found: &mut Problems) {
    let entries = || manifest.layers.iter().flatten();
    let is_mixed = |name: &AliasName| name.as_str().bytes().any(|b| b.is_ascii_uppercase());
    let mixed = entries().filter(|entry| is_mixed(&entry.name));
    let mixed: Vec<_> = mixed.map(|entry| (entry.name.as_str().to_ascii_lowercase(), entry)).collect();
    if mixed.is_empty() {
        return;
    }
    let first: HashMap<String, &Entry> = mixed.into_iter().rev().collect();
    for entry in entries() {
        let Some(other) = first.get(&entry.name.as_str().to_ascii_lowercase()) else { continue };
        if other.name != entry.name {
            let message = format!("`{}` and `{}` differ only by case", entry.name, other.name);
            let problem = Problem::warning("names-alike", message).at(&entry.spot, "").also(&other.spot, "");
            found.add(problem.help("they are two aliases to KMS; rename one if they are one to you"));
        }
    }
}
