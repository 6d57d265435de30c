//! Who made it so -> one line for people, with nothing in it yet made harmless.

use super::style::KeyNames;
use crate::document::{BlameText, EventText};

/// `role Admin/alice at 2026-12-01T09:00:00Z: UpdateAlias to bbbb2222 from 203.0.113.7 with aws-cli/2.15.0 (event …)`
pub fn who(blame: &BlameText, keys: &KeyNames<'_>) -> String {
    let event = blame.event.as_ref().map(|event| call(event, keys));
    match (&*blame.verdict, event) {
        ("cause", Some(event)) => event,
        (_, Some(event)) => format!("not known; the last known change: {event}"),
        (_, None) => format!("not known: {}", blame.message.as_deref().unwrap_or("nothing was found")),
    }
}

fn call(event: &EventText, keys: &KeyNames<'_>) -> String {
    let EventText { call, time, actor, ours, .. } = event;
    let actor = if *ours { format!("kms-alias itself ({actor})") } else { actor.clone() };
    let mut text = format!("{actor} at {time}: {call}");
    let key = event.key.as_deref().map(|key| keys.of(key));
    let moved = matches!(call.as_str(), "CreateAlias" | "UpdateAlias");
    let parts = [
        (if moved { "to" } else { "of" }, key),
        ("from", event.source_address.as_deref()),
        ("with", event.user_agent.as_deref()),
    ];
    for (word, part) in parts {
        text.extend(part.map(|part| format!(" {word} {part}")));
    }
    text.extend(event.event_id.as_ref().map(|id| format!(" (event {id})")));
    text
}
