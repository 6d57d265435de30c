//! The life of keys: CreateKey, DescribeKey, ListKeys, EnableKey, DisableKey, ScheduleKeyDeletion, CancelKeyDeletion.

use std::sync::Arc;

use serde_json::{Value, json};

use super::aliases::Alias;
use super::keys::{Key, KeyState};
use super::lag::View;
use super::protocol::{Call, Outcome, date};
use super::reference::Named;
use super::refusal::{self, ServiceError};
use super::world::{Home, Millis};
use super::{identifiers, key_settings, key_spec, marker};
use crate::alias::is_reserved;

const DAY: Millis = 86_400_000;
const ORIGINS: [&str; 4] = ["AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"];

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>
pub(super) fn create(call: &mut Call<'_>) -> Outcome {
    let description = call.input.optional_text("Description", 0..=8192)?.unwrap_or_default();
    let policy = call.input.optional_text("Policy", 1..=131_072)?;
    let old_spec = call.input.one_of("CustomerMasterKeySpec", &key_spec::SPECS)?;
    let spec = call.input.one_of("KeySpec", &key_spec::SPECS)?.or(old_spec).unwrap_or("SYMMETRIC_DEFAULT");
    let usage = call.input.one_of("KeyUsage", &key_spec::USAGES)?;
    let origin = call.input.one_of("Origin", &ORIGINS)?.unwrap_or("AWS_KMS");
    let multi_region = call.input.flag("MultiRegion")?;
    call.input.check()?;
    let usage = key_spec::usage_for(spec, usage)?;
    let tags = key_settings::tags(call)?;
    policy.map(key_settings::sound_policy).transpose()?;
    let state = if origin == "EXTERNAL" { KeyState::PendingImport } else { KeyState::Enabled };
    let shape = if multi_region { identifiers::multi_region } else { identifiers::uuid };
    let key = Key {
        description: description.to_owned(),
        origin: origin.into(),
        created: call.at,
        primary: multi_region.then(|| call.home.region.clone()),
        tags: tags.into_iter().collect(),
        policy: policy.map(str::to_owned),
        ..Key::new(&call.identifier(shape)).of_kind(spec, usage).in_state(state)
    };
    call.write_key(key.clone());
    Ok(json!({"KeyMetadata": metadata(call, &key)}))
}

/// By id, ARN, alias name or alias ARN; works in every state
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html>)
pub(super) fn describe(call: &mut Call<'_>) -> Outcome {
    let text = call.key_id()?;
    call.input.check()?;
    let key = match call.named(text)? {
        Named::Key(id) => call.key_with_id(id)?,
        Named::Alias(name) => behind_alias(call, name)?,
    };
    Ok(json!({"KeyMetadata": metadata(call, &key)}))
}

/// The key that an alias points at, as the replica whose turn it is sees it
///
/// "If you specify a predefined AWS alias (an AWS alias with no key ID), KMS associates the alias with an AWS managed key and
/// returns its KeyId": this read writes.
fn behind_alias(call: &mut Call<'_>, name: &str) -> Result<Key, ServiceError> {
    let replica = call.next_replica(name);
    let view = View { lag: &call.world.lag, replica, at: call.at };
    let seen = call.aliases().seen(name, view).cloned();
    let alias = seen.ok_or_else(|| refusal::no_such_alias(&call.home, name))?;
    match alias.target {
        Some(id) => call.key_with_id(&id),
        None if is_reserved(name) => associate(call, name),
        None => Err(refusal::no_such_alias(&call.home, name)),
    }
}

fn associate(call: &mut Call<'_>, name: &str) -> Result<Key, ServiceError> {
    // a lagging replica may not know yet that it has been done
    if let Some(id) = call.store().aliases.current(name).and_then(|alias| alias.target.clone()) {
        return call.key_with_id(&id);
    }
    let service = name.trim_start_matches("alias/aws/");
    let described = format!("Default key that protects my {service} data when no other key is defined");
    let id = call.identifier(identifiers::uuid);
    let key = Key { created: call.at, aws_managed: true, ..Key::new(&id).described(&described) };
    call.write_key(key.clone());
    let (at, memory) = (call.at, call.world.lag.longest());
    let alias = Alias { target: Some(id), created: Some(at), updated: Some(at) };
    call.store().aliases.set(name, Some(alias), at, memory);
    Ok(key)
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html>
pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let limit = call.input.number("Limit", 1..=1000)?.unwrap_or(100) as usize;
    let marker = call.input.optional_text("Marker", 1..=1024)?;
    call.input.check()?;
    let after = marker.map(|marker| marker::open("keys", marker)).transpose()?;
    let home = call.home.clone();
    let (keys, more) = call.store().keys.page(after.as_deref(), limit);
    let last = keys.last().filter(|_| more).map(|key| marker::seal("keys", &key.id));
    let entry = |key: &&Key| json!({"KeyId": *key.id, "KeyArn": home.key_arn(&key.id)});
    Ok(marker::page("Keys", keys.iter().map(entry).collect(), last))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKey.html>
pub(super) fn enable(call: &mut Call<'_>) -> Outcome {
    switch(call, KeyState::Enabled)
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKey.html>
pub(super) fn disable(call: &mut Call<'_>) -> Outcome {
    switch(call, KeyState::Disabled)
}

fn switch(call: &mut Call<'_>, state: KeyState) -> Outcome {
    let key = changeable(call)?;
    if !matches!(key.state, KeyState::Enabled | KeyState::Disabled) {
        return Err(refusal::invalid_state(format!("{} is in state {}.", call.arn(&key), key.state)));
    }
    call.write_key(key.in_state(state));
    Ok(Value::Null)
}

/// A customer managed key that is not on its way out
pub(super) fn changeable(call: &mut Call<'_>) -> Result<Key, ServiceError> {
    let text = call.key_id()?;
    call.input.check()?;
    let key = call.own_key(text)?;
    if key.state.is_leaving() { Err(refusal::pending_deletion(&call.arn(&key))) } else { Ok(key) }
}

/// The aliases stay until the key goes (<https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html>)
pub(super) fn schedule_deletion(call: &mut Call<'_>) -> Outcome {
    let days = call.input.number("PendingWindowInDays", 7..=30)?.unwrap_or(30);
    let key = changeable(call)?;
    let arn = call.arn(&key);
    // a primary waits for its replicas, so it has no date yet
    let waits = key.primary.as_ref() == Some(&call.home.region) && replicas(call, &key).next().is_some();
    let state = if waits { KeyState::PendingReplicaDeletion } else { KeyState::PendingDeletion };
    let deletion = (!waits).then_some(call.at + days * DAY);
    call.write_key(Key { deletion, ..key.in_state(state) });
    let mut output = json!({"KeyId": arn, "KeyState": state.to_string(), "PendingWindowInDays": days});
    if let Some(at) = deletion {
        output["DeletionDate"] = date(at);
    }
    Ok(output)
}

/// The key comes back disabled (<https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html>)
pub(super) fn cancel_deletion(call: &mut Call<'_>) -> Outcome {
    let text = call.key_id()?;
    call.input.check()?;
    let key = call.own_key(text)?;
    let arn = call.arn(&key);
    if !key.state.is_leaving() {
        return Err(refusal::invalid_state(format!("{arn} is not pending deletion.")));
    }
    call.write_key(Key { deletion: None, ..key.in_state(KeyState::Disabled) });
    Ok(json!({"KeyId": arn}))
}

fn replicas(call: &Call<'_>, key: &Key) -> impl Iterator<Item = Arc<str>> {
    let regions = call.world.regions_of(&call.home.account, &key.id);
    let primary = key.primary.clone();
    regions.into_iter().filter(move |region| Some(region) != primary.as_ref())
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html>
fn metadata(call: &Call<'_>, key: &Key) -> Value {
    let mut metadata = json!({
        "AWSAccountId": *call.home.account,
        "KeyId": *key.id,
        "Arn": call.arn(key),
        "CreationDate": date(key.created),
        "Enabled": key.state == KeyState::Enabled,
        "Description": key.description,
        "KeyUsage": *key.usage,
        "KeyState": key.state.to_string(),
        "Origin": *key.origin,
        "KeyManager": if key.aws_managed { "AWS" } else { "CUSTOMER" },
        "CustomerMasterKeySpec": *key.spec,
        "KeySpec": *key.spec,
        "MultiRegion": key.primary.is_some(),
    });
    let (member, algorithms) = key_spec::algorithms(&key.spec, &key.usage);
    metadata[member] = algorithms.into();
    if let Some(at) = key.deletion {
        metadata["DeletionDate"] = date(at);
    }
    if let Some(primary) = &key.primary {
        metadata["MultiRegionConfiguration"] = multi_region(call, key, primary);
    }
    metadata
}

fn multi_region(call: &Call<'_>, key: &Key, primary: &Arc<str>) -> Value {
    let place = |region: &Arc<str>| {
        let home = Home { account: call.home.account.clone(), region: region.clone() };
        json!({"Arn": home.key_arn(&key.id), "Region": **region})
    };
    json!({
        "MultiRegionKeyType": if *primary == call.home.region { "PRIMARY" } else { "REPLICA" },
        "PrimaryKey": place(primary),
        "ReplicaKeys": replicas(call, key).map(|region| place(&region)).collect::<Vec<_>>(),
    })
}
