//! What decides about a name -> lines for people, JSON for programs.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use super::style::{Palette, harmless, paint, plural, quoted};
use crate::alias::{AliasName, KeyId, KeyRef};
use crate::document::FORMAT_VERSION;
use crate::explain::{Declaration, Fate, Found, Layer, Said, Standing};
use crate::fleet::Trouble;
use crate::inspect::{Fact, Facts};
use crate::plan::guards::Refusal;
use crate::plan::{Action, Change, Reason};
use crate::target::{Place, Want};

/// A name, and what decides about it
#[derive(Debug)]
pub struct Explanation {
    /// The name
    pub name: AliasName,
    /// The targets that have to do with it
    pub targets: Vec<Explained>,
    /// How many others have not
    pub others: usize,
    /// The prefixes of those others' scopes, where no target has to do with it
    pub scopes: Vec<Arc<str>>,
    /// The name that may be meant, where there is nothing of this one
    pub meant: Option<String>,
}

/// What decides about it in one target
#[derive(Debug)]
pub struct Explained {
    /// The target
    pub target: Arc<str>,
    /// What the manifest says
    pub said: Said,
    /// What is live, unless nothing was read
    pub found: Option<Result<Found, Trouble>>,
}

/// A label, and what stands behind it
type Line = (&'static str, String);

/// For people
pub fn text(explanation: &Explanation, palette: &Palette) -> String {
    let Explanation { name, targets, others, scopes, meant } = explanation;
    let mut text = format!("{name}\n");
    for one in targets {
        let _ = writeln!(text, "{}", paint(palette.heading, &one.target));
        for (label, line) in lines(one) {
            let _ = writeln!(text, "  {label:9} {}", harmless(&line));
        }
    }
    if targets.is_empty() {
        let _ = writeln!(
            text,
            "It is declared nowhere and under no scope: the prefixes are {}.",
            scopes.join(", ")
        );
    } else if *others > 0 {
        let have = if *others == 1 { "has" } else { "have" };
        let _ = writeln!(text, "{} {have} nothing to do with it.", plural(*others, "other target"));
    }
    if let Some(meant) = meant {
        let _ = writeln!(text, "Did you mean {meant}?");
    }
    text
}

fn lines(one: &Explained) -> Vec<Line> {
    let mut lines = manifest_lines(&one.said);
    match &one.found {
        None => {}
        Some(Ok(found)) => lines.extend(found_lines(found)),
        Some(Err(trouble)) => {
            lines.push(("error", format!("failed to {}", trouble.sentence)));
            lines.extend(trouble.hint.iter().map(|hint| ("hint", hint.clone())));
        }
    }
    lines
}

fn manifest_lines(said: &Said) -> Vec<Line> {
    let mut lines: Vec<Line> = declared_lines(said);
    lines.push(("scope", standing(&said.standing)));
    let links = said.chain.iter().map(|(name, place)| match place {
        Some(place) => ("follows", format!("{name}  {place}")),
        None => ("follows", format!("{name}, which is not declared: the live one")),
    });
    lines.extend(links);
    lines
}

fn declared_lines(said: &Said) -> Vec<Line> {
    let Some((holds, overridden)) = said.declarations.split_last() else {
        let places = said.elsewhere.iter().map(Place::to_string).collect::<Vec<_>>().join(", ");
        return vec![match places.is_empty() {
            true => ("declared", "nowhere".to_owned()),
            false if said.undiscovered => (
                "declared",
                format!("perhaps for some of its accounts, which are not known offline: {places}"),
            ),
            false => ("declared", format!("not for this target, only for others: {places}")),
        }];
    };
    let mut lines = vec![("declared", declaration(holds))];
    let description = holds.description.iter().map(|text| ("says", quoted(text)));
    lines.extend(description);
    lines.extend(overridden.iter().rev().map(|one| ("instead of", declaration(one))));
    lines
}

fn declaration(one: &Declaration) -> String {
    let Declaration { want, place, layer, .. } = one;
    format!("{}  {place}  in {}", wanted(want), layer_words(*layer))
}

fn wanted(want: &Want) -> String {
    match want {
        Want::Absent => "absent".to_owned(),
        Want::Key(KeyRef::Id(id)) => format!("key {id}"),
        Want::Key(KeyRef::Arn(arn)) => format!("key {arn}"),
        Want::Key(KeyRef::Alias(name)) => format!("the key of {name}"),
        Want::Key(KeyRef::Select(criteria)) => format!("the one usable key with {criteria}"),
    }
}

fn layer_words(layer: Layer) -> &'static str {
    match layer {
        Layer::Shared => "the shared map",
        Layer::Target => "the target's overrides",
        Layer::Instance => "the overrides of this account and Region",
    }
}

fn standing(standing: &Standing) -> String {
    match standing {
        Standing::Owned(prefix, place) => format!("ours, by {prefix}  {place}"),
        Standing::Ignored(pattern, place) => format!("not ours: ignore covers it by {pattern}  {place}"),
        Standing::Outside(prefixes) => format!("not ours: it is under none of {}", prefixes.join(", ")),
    }
}

fn found_lines(found: &Found) -> Vec<Line> {
    let Found { live, want, facts, fate, refusals, .. } = found;
    let mut lines: Vec<Line> = Vec::new();
    lines.extend(want.iter().map(|key| ("key", described(key, facts))));
    match live {
        _ if *fate == Fate::NotOurs => {}
        None => lines.push(("live", "there is no such alias".to_owned())),
        Some(None) => lines.push(("live", "without a target key".to_owned())),
        Some(Some(key)) if Some(key) == want.as_ref() => lines.push(("live", "on that key".to_owned())),
        Some(Some(key)) => lines.push(("live", format!("on {}", described(key, facts)))),
    }
    lines.push(("plan", fate_words(fate)));
    match fate {
        Fate::Change(change) => lines.extend(change.risks.iter().map(|risk| ("risk", risk.to_string()))),
        Fate::Held(held) => lines.extend(held.hint.iter().map(|hint| ("hint", hint.clone()))),
        _ => {}
    }
    lines.extend(refusals.iter().flat_map(refused_lines));
    lines
}

fn refused_lines(refusal: &Refusal) -> [Line; 2] {
    let set = refusal.place.as_ref().map(|place| format!("  (set at {place})")).unwrap_or_default();
    [("refused", format!("{}: {}{set}", refusal.guard, refusal.why)), ("hint", refusal.guard.hint())]
}

fn described(key: &KeyId, facts: &Facts) -> String {
    match facts.get(key) {
        Some(Fact::Known(facts)) => {
            let description = quoted(&facts.description);
            let gap = if description.is_empty() { "" } else { "  " };
            format!("{key}{gap}{description}  {}, {}, {}", facts.state, facts.spec, facts.usage)
        }
        Some(Fact::Missing) => format!("{key}, which does not exist here"),
        Some(Fact::Denied(sentence)) => format!("{key}, which cannot be read: {sentence}"),
        None => key.to_string(),
    }
}

fn fate_words(fate: &Fate) -> String {
    match fate {
        Fate::Change(change) => change_words(change),
        Fate::Held(held) => format!("! held: {}", held.why),
        Fate::Becomes(by) => format!("> renamed to {by}, and deleted once that is there"),
        Fate::Kept(by) => format!("nothing for now: it has become {by}, and is kept"),
        Fate::InSync => "nothing: it is as declared".to_owned(),
        Fate::Unmanaged => "nothing: it is unmanaged, and prune is off".to_owned(),
        Fate::Nothing => "nothing: it is not there, and nothing asks for it".to_owned(),
        Fate::NotOurs => "nothing: names that are not ours are neither read nor written".to_owned(),
    }
}

fn change_words(change: &Change) -> String {
    let what = match change.action.keys() {
        (Some(before), Some(after)) => {
            let (sign, verb) = match change.action {
                Action::Replace { .. } => ("-/+", "replace, from"),
                _ => ("~", "retarget from"),
            };
            format!("{sign} {verb} {} to {}", before.short(), after.short())
        }
        (None, Some(after)) if change.previous.is_some() => {
            let old = change.previous.as_ref().map(|(old, _)| old.as_str()).unwrap_or_default();
            format!("> rename from {old}, on {}", after.short())
        }
        (None, Some(after)) => format!("+ create on {}", after.short()),
        (Some(before), None) => format!("- delete, on {} now", before.short()),
        (None, None) => "change".to_owned(),
    };
    format!("{what}: {}", reason(&change.reason))
}

fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Missing => "it is declared, and not there".to_owned(),
        Reason::Mismatched => "it is declared on another key".to_owned(),
        Reason::Follows(other) => format!("it follows {other}, which is to be on another key"),
        Reason::Selects(criteria) => format!("{criteria} now {} that key", criteria.verb()),
        Reason::DeclaredAbsent => "it is declared absent".to_owned(),
        Reason::Pruned => "it is not declared, and prune is on".to_owned(),
        Reason::Reverted => "it is taken back".to_owned(),
        Reason::Renamed(by) => format!("it has become {by}"),
    }
}

/// The document of `explain -o json`
pub fn json(explanation: &Explanation) -> Value {
    let Explanation { name, targets, others, meant, .. } = explanation;
    json!({
        "format_version": FORMAT_VERSION,
        "kind": "explanation",
        "alias": name.as_str(),
        "targets": targets.iter().map(target_json).collect::<Vec<_>>(),
        "other_targets": others,
        "meant": meant,
    })
}

fn target_json(one: &Explained) -> Value {
    let said = &one.said;
    let mut target = json!({
        "name": &*one.target,
        "declarations": said.declarations.iter().rev().map(declaration_json).collect::<Vec<_>>(),
        "declared_elsewhere": said.elsewhere.iter().map(place_json).collect::<Vec<_>>(),
        "scope": standing_json(&said.standing),
        "follows": said.chain.iter().map(|(name, place)| {
            json!({"alias": name.as_str(), "source": place.as_ref().map(place_json)})
        }).collect::<Vec<_>>(),
    });
    match &one.found {
        None => {}
        Some(Ok(found)) => target["found"] = found_json(found),
        Some(Err(trouble)) => target["error"] = json!({"message": trouble.sentence, "hint": trouble.hint}),
    }
    target
}

fn declaration_json(one: &Declaration) -> Value {
    let layer = match one.layer {
        Layer::Shared => "shared",
        Layer::Target => "target_override",
        Layer::Instance => "instance_override",
    };
    json!({
        "want": wanted(&one.want),
        "layer": layer,
        "description": one.description.as_deref(),
        "source": place_json(&one.place),
    })
}

fn standing_json(standing: &Standing) -> Value {
    match standing {
        Standing::Owned(prefix, place) => {
            json!({"standing": "owned", "prefix": &**prefix, "source": place_json(place)})
        }
        Standing::Ignored(pattern, place) => {
            json!({"standing": "ignored", "pattern": &**pattern, "source": place_json(place)})
        }
        Standing::Outside(_) => json!({"standing": "outside"}),
    }
}

fn found_json(found: &Found) -> Value {
    let Found { live, want, facts, fate, refusals, .. } = found;
    let word = match fate {
        Fate::Change(_) => "change",
        Fate::Held(_) => "held",
        Fate::Becomes(_) => "renamed",
        Fate::Kept(_) => "kept",
        Fate::InSync => "in_sync",
        Fate::Unmanaged => "unmanaged",
        Fate::Nothing => "nothing",
        Fate::NotOurs => "not_ours",
    };
    json!({
        "live": live.is_some(),
        "live_key": live.iter().flatten().next().map(|key| key_json(key, facts)),
        "key": want.as_ref().map(|key| key_json(key, facts)),
        "plan": word,
        "why": fate_words(fate),
        "refusals": refusals.iter().map(|refusal| json!({
            "guard": refusal.guard.to_string(),
            "message": refusal.why,
            "source": refusal.place.as_ref().map(place_json),
            "accept": refusal.guard.accept(),
        })).collect::<Vec<_>>(),
    })
}

fn key_json(key: &KeyId, facts: &Facts) -> Value {
    match facts.get(key) {
        Some(Fact::Known(known)) => json!({
            "id": key.as_str(),
            "description": known.description,
            "state": known.state,
            "spec": known.spec,
            "usage": known.usage,
        }),
        _ => json!({"id": key.as_str()}),
    }
}

fn place_json(place: &Place) -> Value {
    json!({"file": &*place.file, "line": place.line, "column": place.column})
}
