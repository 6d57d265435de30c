//! The document of a plan, and what is live -> one unified diff of the live state against the desired one, both written as manifest
//! YAML: what a reviewer pastes into a pull request.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::style::harmless;
use super::text::incomplete;
use super::unified::unified;
use crate::alias::KeyId;
use crate::document::{PlanDocument, PlannedChange, TargetPlan, Verb};
use crate::fleet::Surveyed;

/// Names and their keys; no key is none
type Aliases<'p> = BTreeMap<Cow<'p, str>, Cow<'p, str>>;

#[derive(Serialize)]
struct Manifest<'p> {
    aliases: Aliases<'p>,
}

/// What is live in each target, by its name
#[derive(Debug, Default)]
pub struct Live<'p>(BTreeMap<Cow<'p, str>, Aliases<'p>>);

impl<'p> Live<'p> {
    /// Everything that was listed
    pub fn listed(surveyed: &'p [Surveyed]) -> Self {
        let of = |one: &'p Surveyed| {
            let live = one.prepared.as_ref().ok()?.snapshot.live.iter();
            let aliases =
                live.map(|(name, live)| (name.as_str(), live.key.as_ref().map_or("", KeyId::as_str)));
            Some((Cow::from(&*one.target.name), borrowed(aliases)))
        };
        Self(surveyed.iter().filter_map(of).collect())
    }

    /// What a plan mentions, where nothing else is at hand: the names that are as declared are not among it
    pub fn mentioned(plan: &'p PlanDocument) -> Self {
        let of = |target: &'p TargetPlan| {
            let unmanaged =
                target.unmanaged.iter().map(|(name, key)| (name, key.as_deref().unwrap_or_default()));
            let kept = target.kept.iter().map(|(name, kept)| (name, kept.key.as_str()));
            let changed = target.changes.iter().filter_map(before);
            let all = unmanaged.chain(kept).chain(changed).map(|(name, key)| (name.as_str(), key));
            (Cow::from(&target.name), borrowed(all))
        };
        Self(plan.targets.iter().map(of).collect())
    }

    /// The same, to be kept
    pub fn into_owned(self) -> Live<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let aliases =
            |aliases: Aliases<'_>| aliases.into_iter().map(|(name, key)| (own(name), own(key))).collect();
        Live(self.0.into_iter().map(|(name, live)| (own(name), aliases(live))).collect())
    }
}

fn borrowed<'p>(aliases: impl Iterator<Item = (&'p str, &'p str)>) -> Aliases<'p> {
    aliases.map(|(name, key)| (Cow::from(name), Cow::from(key))).collect()
}

/// The name that is live before a change, and its key
fn before(change: &PlannedChange) -> Option<(&String, &str)> {
    Some((change.previous_alias.as_ref().unwrap_or(&change.alias), change.before.as_deref()?))
}

/// The diff of every target that has one; what is held, refused or unreadable is a comment, so that none is missing unnoticed
///
/// # Errors
/// The YAML writer's.
pub fn plan(plan: &PlanDocument, live: &Live<'_>) -> Result<String, serde_saphyr::ser::Error> {
    let mut text: String = incomplete(plan).map(|sentence| format!("# {sentence}\n")).into_iter().collect();
    for one in &plan.targets {
        match &one.error {
            Some(error) => {
                text += &format!("# {}: failed to {}\n", harmless(&one.name), harmless(&error.message));
            }
            None => text += &target(one, live.0.get(one.name.as_str()))?,
        }
    }
    Ok(text)
}

fn target(target: &TargetPlan, live: Option<&Aliases<'_>>) -> Result<String, serde_saphyr::ser::Error> {
    let name = harmless(&target.name);
    let mut text = String::new();
    for change in &target.changes {
        if let Some(why) = &change.blocked_by {
            text += &format!("# {name}: {} is held: {}\n", harmless(&change.alias), harmless(why));
        }
    }
    for refusal in &target.refusals {
        let (guard, why) = (harmless(&refusal.guard), harmless(&refusal.message));
        text += &format!("# {name}: refused {guard}: {why}\n");
    }
    let live = live.cloned().unwrap_or_default();
    let desired = desired(live.clone(), target);
    if live != desired {
        text += &unified(&yaml(live)?, &yaml(desired)?, &format!("live {name}"), &format!("desired {name}"));
    }
    Ok(text)
}

fn yaml(aliases: Aliases<'_>) -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(&Manifest { aliases })
}

/// The live state with every planned change made; what is held stays as it is
fn desired<'p>(mut aliases: Aliases<'p>, target: &'p TargetPlan) -> Aliases<'p> {
    for change in target.changes.iter().filter(|change| change.verb() != Verb::Held) {
        if let Some((name, _)) = before(change) {
            aliases.remove(name.as_str());
        }
        if let Some(after) = &change.after {
            aliases.insert(Cow::from(&change.alias), Cow::from(after));
        }
    }
    aliases
}
