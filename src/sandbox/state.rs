//! STATE.json: the world between runs. A snapshot, and beside it a journal of the calls that changed it since, so that a large world need
//! not be written for each change; a process that is killed loses nothing.
//!
//! The world is a pure state machine, so the journal holds calls and reading it is calling again. Each line carries the revision it
//! led to; what a snapshot already holds is skipped, so it does not matter between which two steps a process died. The past that
//! lagging replicas show is not kept: after a restart they are up to date, except about aliases created just before.
//!
//! The snapshot is replaced as a whole, under the mode that it had or for its owner alone. A link to it is followed once, when it
//! is opened, and stays; beside it nothing is written through a link, so that a shared directory leads nowhere else.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::aliases::Alias;
use super::iam::Iam;
use super::keys::{Key, KeyState};
use super::organization::Unit;
use super::sts::Session;
use super::trail::{Event, Trail};
use super::world::{Home, Millis, Request, Store, World};
use crate::bounded::{Limit, read_text};
use crate::draft::{Readers, put};

const FORMAT_VERSION: &str = "1.0";

/// As many aliases as a Region can have, and their journal
const LARGEST: Limit = Limit::mib(1024);

/// Up to this size the snapshot is written anew for each change, so that the file shows the world as it is
const SMALL: u64 = 64 << 10;

/// The files of one world, held by one process at a time
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    journal: File,
    journal_bytes: u64,
    snapshot_bytes: u64,
    revision: u64,
}

/// Why a state cannot be read
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It is there, but cannot be read or written
    #[error("open the sandbox state {}", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// Another process has it
    #[error("open the sandbox state {}: another process is using it", .0.display())]
    InUse(PathBuf),
    /// It is not what this program writes
    #[error("read the sandbox state {}: {}", .0.display(), .1)]
    Unreadable(PathBuf, String),
}

impl StateFile {
    /// The world kept at `path`; where there is none yet, it begins as `start` says
    ///
    /// # Errors
    /// The files cannot be read, are in use, or hold something else.
    pub fn open(path: &Path, start: impl FnOnce() -> World) -> Result<(Self, World), StateError> {
        // Of a link the file that it leads to is meant, and only that is replaced.
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let failed = |e| StateError::File(path.to_owned(), e);
        let unreadable = |why| StateError::Unreadable(path.to_owned(), why);
        if path.exists() && !path.is_file() {
            return Err(failed(io::Error::other("it is no file")));
        }
        let journal = hold(path)?;
        let lines = read_text(&journal_path(path), LARGEST).map_err(failed)?;
        let kept = match read_text(path, LARGEST) {
            Ok(text) => Some(text),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(failed(e)),
        };
        let mut world = kept.as_deref().map(restore).transpose().map_err(unreadable)?.unwrap_or_else(start);
        replay(&mut world, &lines).map_err(unreadable)?;
        let snapshot_bytes = kept.as_ref().map_or(0, |text| text.len() as u64);
        let revision = world.revision;
        let mut state = Self { path: path.to_owned(), journal, journal_bytes: 0, snapshot_bytes, revision };
        if kept.is_none() || !lines.is_empty() {
            state.save(&world).map_err(failed)?;
        }
        Ok((state, world))
    }

    /// Keeps the change that `request`, made at `at`, has led to from revision `before`
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn record(
        &mut self,
        world: &World,
        before: u64,
        at: Millis,
        request: &Request<'_>,
    ) -> io::Result<()> {
        // what was changed behind everybody's back is in no call
        let unseen = before != self.revision;
        if unseen || self.snapshot_bytes <= SMALL || self.journal_bytes > self.snapshot_bytes {
            return self.save(world);
        }
        let entry = Entry {
            revision: world.revision,
            at,
            caller: request.caller.to_owned(),
            region: request.region.to_owned(),
            operation: request.operation.to_owned(),
            input: request.input.clone(),
            event: world.trail.events().next_back().filter(|event| event.is_of(at, request)).cloned(),
        };
        let mut line = serde_json::to_string(&entry)?;
        line.push('\n');
        self.journal.write_all(line.as_bytes())?;
        self.journal_bytes += line.len() as u64;
        self.revision = world.revision;
        Ok(())
    }

    /// Writes the whole world, after which the journal is of no use
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn save(&mut self, world: &World) -> io::Result<()> {
        let text = serde_json::to_string_pretty(&snapshot(world))? + "\n";
        replace(&self.path, text.as_bytes())?;
        self.journal.set_len(0)?;
        (self.journal_bytes, self.snapshot_bytes, self.revision) = (0, text.len() as u64, world.revision);
        Ok(())
    }

    /// Writes the whole world and lets go of the files
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn close(mut self, world: &World) -> io::Result<()> {
        if self.journal_bytes > 0 || self.revision != world.revision {
            self.save(world)?;
        }
        fs::remove_file(journal_path(&self.path))
    }
}

/// Puts `bytes` in the place of the file at `path`: a reader finds the old ones or the new ones
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(old) if !old.is_file() => Err(io::Error::other("it is a link that leads nowhere, or no file")),
        _ => put(path, bytes, Readers::Kept),
    }
}

/// The journal, locked: it is what says that the state is in use
fn hold(path: &Path) -> Result<File, StateError> {
    let failed = |e| StateError::File(path.to_owned(), e);
    loop {
        let journal = open_journal(&journal_path(path)).map_err(failed)?;
        match journal.try_lock() {
            // its last holder may have removed it between the two steps
            Ok(()) if journal_path(path).exists() => return Ok(journal),
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(StateError::InUse(path.to_owned())),
            Err(fs::TryLockError::Error(e)) => return Err(failed(e)),
        }
    }
}

/// It is emptied now and then, which must never happen to what a link leads to
fn open_journal(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        let why = format!("its journal {} is a link or no file, and is left alone", path.display());
        return Err(io::Error::other(why));
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn journal_path(path: &Path) -> PathBuf {
    beside(path, ".journal")
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    revision: u64,
    at: Millis,
    caller: String,
    region: String,
    operation: String,
    input: Value,
    /// What the trail shows of it; a world by itself leaves only what the service does by itself
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<Event>,
}

fn replay(world: &mut World, lines: &str) -> Result<(), String> {
    for (number, line) in lines.lines().enumerate() {
        let entry: Entry = match serde_json::from_str(line) {
            Ok(entry) => entry,
            // the process died while it wrote its last line, before it answered
            Err(_) if !lines.ends_with('\n') && number + 1 == lines.lines().count() => return Ok(()),
            Err(e) => return Err(format!("line {} of its journal: {e}", number + 1)),
        };
        if entry.revision <= world.revision {
            continue;
        }
        let Entry { at, caller, region, operation, input, .. } = &entry;
        // a refused call is here for the keys whose time had come when it was made
        let _ = world.call(*at, &Request { caller, region, operation, input });
        entry.event.iter().for_each(|event| world.trail.push(event.clone()));
        if world.revision != entry.revision {
            return Err(format!("line {} of its journal does not follow from what is before it", number + 1));
        }
    }
    Ok(())
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Snapshot {
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

fn snapshot(world: &World) -> Snapshot {
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

fn restore(text: &str) -> Result<World, String> {
    let version = serde_json::from_str::<Value>(text).map_err(|e| e.to_string())?;
    if version["format_version"] != FORMAT_VERSION {
        return Err(format!(
            "format_version is {}, and this program reads \"{FORMAT_VERSION}\"",
            version["format_version"]
        ));
    }
    let kept: Snapshot = serde_json::from_value(version).map_err(|e| e.to_string())?;
    let mut world = World { revision: kept.revision, identifiers: kept.identifiers, ..World::default() };
    for (id, KeptSession { account, partition, role, name, expires }) in kept.sessions {
        world.sessions.insert(id, Session { account: account.into(), partition, role, name, expires });
    }
    world.trail = Trail::restore(kept.trail);
    world.organization = kept.organization;
    world.iam = kept.iam.into_iter().map(|(account, iam)| (account.into(), iam)).collect();
    for (account, regions) in kept.accounts {
        for (region, store) in regions {
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
