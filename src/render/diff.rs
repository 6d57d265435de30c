//! Plans -> one unified diff of the live state against the desired one, both written as manifest YAML: what a reviewer pastes
//! into a pull request.

use std::collections::BTreeMap;

use serde::Serialize;
use similar::TextDiff;

use super::style::harmless;
use crate::alias::KeyId;
use crate::fleet::Surveyed;
use crate::plan::Action;
use crate::prepare::Prepared;

#[derive(Serialize)]
struct Manifest<'p> {
    aliases: BTreeMap<&'p str, &'p str>,
}

/// The diff of every target that has one; what is held, refused or unreadable is a comment, so that none is missing unnoticed
///
/// # Errors
/// The YAML writer's.
pub fn plan(surveyed: &[Surveyed]) -> Result<String, serde_saphyr::ser::Error> {
    let mut text = String::new();
    for one in surveyed {
        let name = &one.target.name;
        match &one.prepared {
            Ok(prepared) => text += &target(name, prepared)?,
            Err(trouble) => text += &format!("# {name}: failed to {}\n", harmless(&trouble.sentence)),
        }
    }
    Ok(text)
}

fn target(name: &str, prepared: &Prepared) -> Result<String, serde_saphyr::ser::Error> {
    let held = prepared
        .plan
        .held
        .iter()
        .map(|held| format!("# {name}: {} is held: {}\n", held.name, harmless(&held.why)));
    let refused = prepared.plan.refusals.iter();
    let refused =
        refused.map(|refusal| format!("# {name}: refused {}: {}\n", refusal.guard, harmless(&refusal.why)));
    Ok(held.chain(refused).collect::<String>() + &unified(name, prepared)?)
}

fn unified(name: &str, prepared: &Prepared) -> Result<String, serde_saphyr::ser::Error> {
    let (live, desired) = (live(prepared), desired(prepared));
    if live == desired {
        return Ok(String::new());
    }
    let (before, after) = (yaml(live)?, yaml(desired)?);
    let diff = TextDiff::from_lines(&before, &after);
    let mut unified = diff.unified_diff();
    Ok(unified.context_radius(3).header(&format!("live {name}"), &format!("desired {name}")).to_string())
}

fn yaml(aliases: BTreeMap<&str, &str>) -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(&Manifest { aliases })
}

fn live(prepared: &Prepared) -> BTreeMap<&str, &str> {
    let live = prepared.snapshot.live.iter();
    live.map(|(name, live)| (name.as_str(), live.key.as_ref().map_or("", KeyId::as_str))).collect()
}

/// The live state with every planned change made; what is held stays as it is
fn desired(prepared: &Prepared) -> BTreeMap<&str, &str> {
    let mut aliases = live(prepared);
    for change in &prepared.plan.changes {
        if let Some((previous, _)) = &change.previous {
            aliases.remove(previous.as_str());
        }
        match &change.action {
            Action::Create { name, key }
            | Action::Update { name, to: key, .. }
            | Action::Replace { name, to: key, .. } => {
                aliases.insert(name.as_str(), key.as_str());
            }
            Action::Delete { name, .. } => {
                aliases.remove(name.as_str());
            }
        }
    }
    aliases
}
