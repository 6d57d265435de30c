//! The world <-> the JSON that a state file holds of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::aliases::Alias;
use super::iam::Iam;
use super::keys::{Key, KeyState};
use super::organization::Unit;
use super::sts::Session;
use super::trail::{Event, Trail};
use super::world::{Home, Millis, Store, World};
use crate::alias::is_account;
use crate::load::targets::is_region;

const FORMAT_VERSION: &str = "1.0";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Snapshot {
    format_version: String,
    revision: u64,
    identifiers: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    sessions: BTreeMap<String, KeptSession>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    iam: BTreeMap<String, Iam>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    organization: BTreeMap<String, Unit>,
    accounts: BTreeMap<String, BTreeMap<String, KeptStore>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    trail: Vec<Event>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptSession {
    account: String,
    partition: String,
    role: String,
    name: String,
    expires: Millis,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptStore {
    keys: BTreeMap<String, KeptKey>,
    aliases: BTreeMap<String, KeptAlias>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptKey {
    description: String,
    spec: String,
    usage: String,
    state: String,
    origin: String,
    created: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deletion: Option<Millis>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    aws_managed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    primary: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptAlias {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updated: Option<Millis>,
}

/// What is kept of a world
pub(super) fn snapshot(world: &World) -> Snapshot {
    let mut accounts = BTreeMap::<String, BTreeMap<String, KeptStore>>::new();
    for (home, store) in &world.stores {
        let kept = KeptStore {
            keys: store.keys.iter().map(|key| (key.id.to_string(), keep_key(key))).collect(),
            aliases: store
                .aliases
                .iter()
                .map(|(name, alias)| (name.to_string(), keep_alias(alias)))
                .collect(),
        };
        accounts.entry(home.account.to_string()).or_default().insert(home.region.to_string(), kept);
    }
    let sessions = world.sessions.iter().map(|(id, session)| (id.clone(), keep_session(session))).collect();
    let World { revision, identifiers, .. } = *world;
    let iam = world.iam.iter().map(|(account, iam)| (account.to_string(), iam.clone())).collect();
    let (format_version, trail) = (FORMAT_VERSION.to_owned(), world.trail.events().cloned().collect());
    let organization = world.organization.clone();
    Snapshot { format_version, revision, identifiers, sessions, iam, organization, accounts, trail }
}

fn keep_key(key: &Key) -> KeptKey {
    KeptKey {
        description: key.description.clone(),
        spec: key.spec.to_string(),
        usage: key.usage.to_string(),
        state: key.state.to_string(),
        origin: key.origin.to_string(),
        created: key.created,
        deletion: key.deletion,
        aws_managed: key.aws_managed,
        primary: key.primary.as_deref().map(str::to_owned),
        tags: key.tags.clone(),
        policy: key.policy.clone(),
    }
}

fn keep_alias(alias: &Alias) -> KeptAlias {
    let target = alias.target.as_deref().map(str::to_owned);
    KeptAlias { target, created: alias.created, updated: alias.updated }
}

fn keep_session(session: &Session) -> KeptSession {
    let Session { account, partition, role, name, expires } = session.clone();
    KeptSession { account: account.to_string(), partition, role, name, expires }
}

/// The world that a snapshot's text holds, or why it is none
pub(super) fn restore(text: &str) -> Result<World, String> {
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    let value = serde_json::from_str::<Value>(text).map_err(|e| format!("it is no JSON: {e}"))?;
    match &value["format_version"] {
        Value::Null => return Err("it has no format_version, as every state has".to_owned()),
        version if version == FORMAT_VERSION => {}
        version => {
            return Err(format!("format_version is {version}, and this program reads \"{FORMAT_VERSION}\""));
        }
    }
    // By the text, since the value knows no lines.
    let kept: Snapshot = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let mut world = World { revision: kept.revision, identifiers: kept.identifiers, ..World::default() };
    for (id, KeptSession { account, partition, role, name, expires }) in kept.sessions {
        world.sessions.insert(id, Session { account: account.into(), partition, role, name, expires });
    }
    world.trail = Trail::restore(kept.trail);
    world.organization = kept.organization;
    world.iam = kept.iam.into_iter().map(|(account, iam)| (account.into(), iam)).collect();
    for (account, regions) in kept.accounts {
        if !is_account(&account) {
            return Err(format!("`accounts` has {account:?}, and an account id has twelve digits"));
        }
        for (region, store) in regions {
            if !is_region(&region) {
                return Err(format!(
                    "account {account} has {region:?}, and a Region is written as in us-east-1"
                ));
            }
            world.stores.insert(Home::new(&account, &region), restore_store(store)?);
        }
    }
    Ok(world)
}

fn restore_store(kept: KeptStore) -> Result<Store, String> {
    let mut store = Store::default();
    for (id, key) in kept.keys {
        store.keys.put(restore_key(&id, key)?);
    }
    for (name, KeptAlias { target, created, updated }) in kept.aliases {
        let alias = Alias { target: target.map(Arc::from), created, updated };
        store.aliases.set(&name, Some(alias), created.unwrap_or(0), 0);
    }
    Ok(store)
}

fn restore_key(id: &str, kept: KeptKey) -> Result<Key, String> {
    let state = KeyState::ALL.into_iter().find(|state| state.to_string() == kept.state);
    Ok(Key {
        id: id.into(),
        description: kept.description,
        spec: kept.spec.into(),
        usage: kept.usage.into(),
        state: state.ok_or_else(|| format!("key {id}: there is no key state `{}`", kept.state))?,
        origin: kept.origin.into(),
        created: kept.created,
        deletion: kept.deletion,
        aws_managed: kept.aws_managed,
        primary: kept.primary.map(Arc::from),
        tags: kept.tags,
        policy: kept.policy,
    })
}
