//! CreateAlias, UpdateAlias, DeleteAlias, ListAliases: the rules, in the order in which the service applies them.
//!
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html> and its neighbours, and the table of key states,
//! <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>.

use std::sync::Arc;

use serde_json::{Value, json};

use super::aliases::{Alias, Slot};
use super::key_spec::family;
use super::keys::Key;
use super::lag::View;
use super::marker;
use super::protocol::{Call, Outcome, date};
use super::reference::Named;
use super::refusal::{self, ServiceError};
use super::world::Home;
use crate::alias::is_reserved;

/// Customer-created aliases on one key (<https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html>)
pub const ALIASES_PER_KEY: usize = 50;

pub(super) fn create(call: &mut Call<'_>) -> Outcome {
    let (name, target) = (alias_name(call)?, target(call)?);
    call.input.check()?;
    usable_name(name)?;
    let key = target_key(call, target)?;
    if call.store().aliases.current(name).is_some() {
        return Err(refusal::already_exists(&call.home, name));
    }
    accepts_alias(call, &key)?;
    has_room(call, &key)?;
    let at = call.at;
    write(call, name, Some(Alias { target: Some(key.id), created: Some(at), updated: Some(at) }));
    Ok(Value::Null)
}

pub(super) fn update(call: &mut Call<'_>) -> Outcome {
    let (name, target) = (alias_name(call)?, target(call)?);
    call.input.check()?;
    usable_name(name)?;
    let current = existing(call, name)?;
    let key = target_key(call, target)?;
    accepts_alias(call, &key)?;
    if current.target.as_ref() != Some(&key.id) {
        same_type(call, &current, &key)?;
        has_room(call, &key)?;
    }
    let updated = Some(call.at);
    write(call, name, Some(Alias { target: Some(key.id), updated, ..current }));
    Ok(Value::Null)
}

/// Works whatever the state of the key
pub(super) fn delete(call: &mut Call<'_>) -> Outcome {
    let name = alias_name(call)?;
    call.input.check()?;
    usable_name(name)?;
    existing(call, name)?;
    write(call, name, None);
    Ok(Value::Null)
}

/// The documentation's bounds of `Limit` are 1 to 100, default 50; the model's looser ones are shared with ListKeys
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html>)
pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let key = call.input.optional_text("KeyId", 1..=2048)?;
    let limit = call.input.number("Limit", 1..=100)?.unwrap_or(50) as usize;
    let marker = call.input.optional_text("Marker", 1..=1024)?;
    call.input.check()?;
    let key = key.map(|text| call.key(text)).transpose()?.map(|key| key.id);
    let (replica, after) = match marker {
        Some(marker) => resume(marker)?,
        None => (call.next_replica("the listing"), None),
    };
    let view = View { lag: &call.world.lag, replica, at: call.at };
    let wanted = |alias: &Alias| key.is_none() || alias.target == key;
    let (entries, more) = call.aliases().page(after.as_ref(), limit, view, wanted);
    let last = entries.last().filter(|_| more).map(|(slot, _)| marker_after(replica, &slot.name));
    let entries = entries.iter().map(|(slot, alias)| entry(&call.home, &slot.name, alias)).collect();
    Ok(marker::page("Aliases", entries, last))
}

/// A listing stays on the replica that served its first page
fn marker_after(replica: usize, name: &str) -> String {
    marker::seal("aliases", &format!("{replica}/{name}"))
}

fn resume(marker: &str) -> Result<(usize, Option<Slot>), ServiceError> {
    let text = marker::open("aliases", marker)?;
    let (replica, name) = text.split_once('/').ok_or_else(refusal::invalid_marker)?;
    let replica = replica.parse().map_err(|_| refusal::invalid_marker())?;
    Ok((replica, Some(Slot::of(name))))
}

fn entry(home: &Home, name: &str, alias: &Alias) -> Value {
    let mut entry = json!({"AliasName": name, "AliasArn": home.alias_arn(name)});
    let dates = [("CreationDate", alias.created), ("LastUpdatedDate", alias.updated)];
    for (member, at) in dates.into_iter().filter_map(|(member, at)| Some((member, at?))) {
        entry[member] = date(at);
    }
    if let Some(key) = &alias.target {
        entry["TargetKeyId"] = (**key).into();
    }
    entry
}

fn alias_name<'a>(call: &mut Call<'a>) -> Result<&'a str, ServiceError> {
    let name = call.input.text("AliasName", 1..=256)?;
    let fits = name.bytes().all(|b| b.is_ascii_alphanumeric() || b":/_-".contains(&b));
    call.input.pattern("AliasName", name, fits, "^[a-zA-Z0-9:/_-]+$");
    Ok(name)
}

fn target<'a>(call: &mut Call<'a>) -> Result<&'a str, ServiceError> {
    call.input.text("TargetKeyId", 1..=2048)
}

/// The rules about names that the model does not carry
fn usable_name(name: &str) -> Result<(), ServiceError> {
    if !name.starts_with("alias/") {
        return Err(refusal::without_prefix());
    }
    if is_reserved(name) {
        return Err(refusal::reserved());
    }
    // the model's pattern allows a colon, and the service does not: recorded by moto
    if name.contains(':') || name == "alias/" {
        return Err(refusal::validation(format!("{name} contains invalid characters for an alias")));
    }
    Ok(())
}

fn existing(call: &mut Call<'_>, name: &str) -> Result<Alias, ServiceError> {
    let alias = call.store().aliases.current(name).cloned();
    alias.ok_or_else(|| refusal::no_such_alias(&call.home, name))
}

/// The key to point at: one of our own, and one that has been there long enough to be seen
fn target_key(call: &mut Call<'_>, text: &str) -> Result<Key, ServiceError> {
    if matches!(call.named(text)?, Named::Alias(_)) {
        // recorded by moto
        return Err(refusal::validation("Aliases must refer to keys. Not aliases"));
    }
    let key = call.own_key(text)?;
    let age = call.at.checked_sub(key.created);
    if age.is_some_and(|age| age < call.world.lag.new_keys) {
        return Err(refusal::no_such_key(&call.home, &key.id));
    }
    Ok(key)
}

fn accepts_alias(call: &Call<'_>, key: &Key) -> Result<(), ServiceError> {
    if key.state.is_leaving() { Err(refusal::pending_deletion(&call.arn(key))) } else { Ok(()) }
}

fn has_room(call: &mut Call<'_>, key: &Key) -> Result<(), ServiceError> {
    let usage = call.store().aliases.of_key(&key.id);
    if usage < ALIASES_PER_KEY { Ok(()) } else { Err(refusal::aliases_per_key(ALIASES_PER_KEY, usage)) }
}

/// "The current and new KMS key must be the same type (both symmetric or both asymmetric or both HMAC), and they must have
/// the same key usage" (<https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html>)
fn same_type(call: &mut Call<'_>, alias: &Alias, new: &Key) -> Result<(), ServiceError> {
    let current = alias.target.as_ref().and_then(|id: &Arc<str>| call.store().keys.get(id)).cloned();
    match current {
        Some(current) if family(&current.spec) != family(&new.spec) || current.usage != new.usage => {
            Err(refusal::another_type(&call.arn(&current), &call.arn(new)))
        }
        _ => Ok(()),
    }
}

fn write(call: &mut Call<'_>, name: &str, alias: Option<Alias>) {
    let (at, memory) = (call.at, call.world.lag.longest());
    call.store().aliases.set(name, alias, at, memory);
    call.world.revision += 1;
}
