//! STATE.json: the world between runs. A snapshot, and beside it a journal of the calls that changed it since, so that a large world need
//! not be written for each change; a process that is killed loses nothing.
//!
//! The world is a pure state machine, so the journal holds calls and reading it is calling again. Each line carries the revision it
//! led to; what a snapshot already holds is skipped, so it does not matter between which two steps a process died. The past that
//! lagging replicas show is not kept: after a restart they are up to date, except about aliases created just before.
//!
//! The snapshot is replaced as a whole, under the mode that it had or for its owner alone. A link to it is followed once, when it
//! is opened, and stays; beside it nothing is written through a link, so that a shared directory leads nowhere else.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::snapshot::{restore, snapshot};
use super::trail::Event;
use super::world::{Millis, Request, World};
use crate::bounded::{Limit, read_text};
use crate::draft::{Readers, put};

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

impl StateError {
    /// What would help
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::File(_, error) => match error.kind() {
                io::ErrorKind::NotFound => {
                    Some("make its folder first; the file is made when it is not there")
                }
                io::ErrorKind::IsADirectory => Some("name a file in it, as in --sandbox=FOLDER/state.json"),
                _ => None,
            },
            Self::InUse(_) => Some("wait until that one has ended, or name another file"),
            Self::Unreadable(..) => Some("name a file that is not there: the sandbox begins anew in it"),
        }
    }
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
        if path.is_dir() {
            let why = "it is a directory, not a file";
            return Err(failed(io::Error::new(io::ErrorKind::IsADirectory, why)));
        } else if path.exists() && !path.is_file() {
            return Err(failed(io::Error::other("it is no file")));
        }
        let journal = hold(path)?;
        let read = read(path, start).inspect_err(|_| {
            // What says no more than that the state is in use has nothing to say when it is not.
            if journal.metadata().is_ok_and(|journal| journal.len() == 0) {
                let _ = fs::remove_file(journal_path(path));
            }
        });
        let (world, snapshot_bytes, is_whole) = read?;
        let revision = world.revision;
        let mut state = Self { path: path.to_owned(), journal, journal_bytes: 0, snapshot_bytes, revision };
        if !is_whole {
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

impl Drop for StateFile {
    /// A child that this process is just starting has the file open too until it runs its own program, and the lock is one for both
    fn drop(&mut self) {
        let _ = self.journal.unlock();
    }
}

/// The world kept at `path`, how long its snapshot is, and whether all of the world is in that
fn read(path: &Path, start: impl FnOnce() -> World) -> Result<(World, u64, bool), StateError> {
    let failed = |e| StateError::File(path.to_owned(), e);
    let unreadable = |why| StateError::Unreadable(path.to_owned(), why);
    let lines = read_text(&journal_path(path), LARGEST).map_err(failed)?;
    let kept = match read_text(path, LARGEST) {
        Ok(text) => Some(text),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(failed(e)),
    };
    let mut world = kept.as_deref().map(restore).transpose().map_err(unreadable)?.unwrap_or_else(start);
    replay(&mut world, &lines).map_err(unreadable)?;
    let snapshot_bytes = kept.as_ref().map_or(0, |text| text.len() as u64);
    Ok((world, snapshot_bytes, kept.is_some() && lines.is_empty()))
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
