//! What an apply does -> a file that says so, one JSON line an event, written as it goes.
//!
//! A write call is announced, and is made only once that is on disk; its answer is added at once, and is on disk with the next
//! announcement, when its target was verified, or when the run ends. One sync does for all lines that were added meanwhile, since a disk makes only some hundreds
//! a second and a fleet has thousands of calls to announce. After a kill, a power cut or a full disk the file tells which calls were made,
//! which were answered, and which may or may not have reached the service: those that a power cut took the answer of are among them.
//! Reading it back is [`history`]'s; the calls are noted by [`record`].

pub mod event;
pub mod file;
pub mod history;
pub mod record;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;
use tokio::task::spawn_blocking;

use crate::poll::time_of_day;
use event::{Call, Event, Line};

/// Where lines go
pub trait Sink: Send {
    /// Adds one line, its end included
    ///
    /// # Errors
    /// It is not known to be there whole.
    fn append(&mut self, line: &str) -> io::Result<()>;

    /// What makes every line that was added so far durable, and may take as long as a disk does; nothing where they are so at once
    fn sync(&self) -> Option<Sync> {
        None
    }
}

/// Work for a thread that may block; where it fails, the lines are not known to be on disk
pub type Sync = Box<dyn FnOnce() -> io::Result<()> + Send>;

struct Nowhere;

impl Sink for Nowhere {
    fn append(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
}

/// A receipt that is being written
pub struct Receipt {
    state: Mutex<State>,
    /// Held while the disk is at work: whoever comes meanwhile shares the next sync
    disk: tokio::sync::Mutex<()>,
    /// The file that it is in, if it is in one
    pub place: Option<PathBuf>,
}

struct State {
    sink: Box<dyn Sink>,
    calls: u64,
    /// Lines added
    added: u64,
    /// As many of them are on disk
    synced: u64,
    /// Why a line could not be added; then none is added any more, since the file may end in the middle of one
    broken: Option<String>,
    /// Why the lines since the last sync may not be on disk, if one has failed
    unsynced: Option<Broken>,
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt").field("place", &self.place).finish_non_exhaustive()
    }
}

/// Why a line is not in the receipt
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the receipt cannot be written: {0}")]
pub struct Broken(pub String);

impl Receipt {
    /// A receipt that goes to `sink`
    pub fn new(sink: Box<dyn Sink>) -> Self {
        Self {
            state: Mutex::new(State { sink, calls: 0, added: 0, synced: 0, broken: None, unsynced: None }),
            disk: Default::default(),
            place: None,
        }
    }

    /// A receipt that nobody keeps, for a world that nobody keeps either
    pub fn nowhere() -> Self {
        Self::new(Box::new(Nowhere))
    }

    /// Adds a line, which outlives this program from then on, and the machine with the next that is synced
    ///
    /// # Errors
    /// It could not be added, or an earlier one could not.
    pub fn add(&self, event: Event) -> Result<(), Broken> {
        self.state().add(event).map(drop)
    }

    /// Adds a line, and waits until the disk has it
    ///
    /// # Errors
    /// As [`Receipt::add`].
    pub async fn note(&self, event: Event) -> Result<(), Broken> {
        let line = self.state().add(event)?;
        self.synced(line).await
    }

    /// Adds a write call under the next number, and waits until the disk has it
    ///
    /// # Errors
    /// As [`Receipt::note`]; the call must then not be made.
    async fn call(&self, event: impl FnOnce(u64) -> Call) -> Result<u64, Broken> {
        let (number, line) = {
            let mut state = self.state();
            state.calls += 1;
            let number = state.calls;
            (number, state.add(Event::Call(event(number)))?)
        };
        self.synced(line).await.map(|()| number)
    }

    /// Waits until a line is on disk, with those that others add meanwhile
    async fn synced(&self, line: u64) -> Result<(), Broken> {
        // Whoever else is due now adds a line first.
        tokio::task::yield_now().await;
        let _disk = self.disk.lock().await;
        let (added, sync) = match self.state().due(line)? {
            Some(due) => due,
            None => return Ok(()),
        };
        let ended = match sync {
            Some(sync) => spawn_blocking(sync).await.unwrap_or_else(|panic| Err(io::Error::other(panic))),
            None => Ok(()),
        };
        self.state().end_sync(added, ended)
    }

    /// Why it is not whole, if a line could not be added
    pub fn broken(&self) -> Option<Broken> {
        self.state().broken.clone().map(Broken)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Adds a line, and tells which one it is
    fn add(&mut self, event: Event) -> Result<u64, Broken> {
        if let Some(why) = &self.broken {
            return Err(Broken(why.clone()));
        }
        let added = line(event).and_then(|line| self.sink.append(&line).map_err(|e| e.to_string()));
        added.map_err(|why| Broken(self.broken.insert(why).clone()))?;
        self.added += 1;
        Ok(self.added)
    }

    /// What makes the lines up to this one durable, and how many others are so then; nothing if they are
    fn due(&self, line: u64) -> Result<Option<(u64, Option<Sync>)>, Broken> {
        if self.synced >= line {
            return Ok(None);
        }
        // A later line that could not be added takes nothing from this one; after a failed sync nobody knows what is on disk.
        match &self.unsynced {
            Some(why) => Err(why.clone()),
            None => Ok(Some((self.added, self.sink.sync()))),
        }
    }

    /// Keeps how a sync of that many lines ended
    fn end_sync(&mut self, lines: u64, ended: io::Result<()>) -> Result<(), Broken> {
        if let Err(error) = ended {
            let why = self.broken.get_or_insert(error.to_string());
            return Err(self.unsynced.insert(Broken(why.clone())).clone());
        }
        self.synced = lines;
        Ok(())
    }
}

/// An event as a line, its end included
///
/// # Errors
/// It cannot be written as JSON.
pub fn line(event: Event) -> Result<String, String> {
    let line = Line { time: timestamp(), event };
    serde_json::to_string(&line).map(|text| text + "\n").map_err(|e| e.to_string())
}

/// The time of day in UTC, as `2026-12-01T09:00:00.123Z`
pub(crate) fn timestamp() -> String {
    let now = OffsetDateTime::from(time_of_day());
    let (year, month, day) = now.to_calendar_date();
    let (hour, minute, second, milli) = now.to_hms_milli();
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures_util::future::join_all;

    use super::*;

    /// Counts the syncs, and fails from the `until`th on
    struct Disk {
        syncs: Arc<AtomicU64>,
        until: u64,
    }

    impl Sink for Disk {
        fn append(&mut self, _: &str) -> io::Result<()> {
            Ok(())
        }

        fn sync(&self) -> Option<Sync> {
            let (syncs, until) = (self.syncs.clone(), self.until);
            Some(Box::new(move || match syncs.fetch_add(1, Ordering::SeqCst) + 1 < until {
                true => Ok(()),
                false => Err(io::Error::from(io::ErrorKind::StorageFull)),
            }))
        }
    }

    fn receipt(until: u64) -> (Receipt, Arc<AtomicU64>) {
        let syncs = Arc::new(AtomicU64::new(0));
        (Receipt::new(Box::new(Disk { syncs: syncs.clone(), until })), syncs)
    }

    fn call(call: u64) -> Call {
        let [target, operation, alias] = ["t", "DeleteAlias", "alias/a"].map(str::to_owned);
        Call { call, target, operation, alias, before: None, after: None }
    }

    #[tokio::test]
    async fn calls_that_are_due_together_are_synced_together_and_none_is_announced_before() {
        let (receipt, syncs) = receipt(3);
        let announced = join_all((0..100).map(|_| async {
            let number = receipt.call(call).await;
            assert_eq!(syncs.load(Ordering::SeqCst), 1, "it is on disk");
            number
        }));
        assert_eq!(announced.await, (1..=100).map(Ok).collect::<Vec<_>>());
        receipt.add(Event::Later).unwrap();
        assert_eq!(syncs.load(Ordering::SeqCst), 1, "an answer waits for the next announcement");
        receipt.note(Event::Later).await.unwrap();
        assert_eq!(syncs.load(Ordering::SeqCst), 2, "of two lines at once");
        let refused = join_all((0..3).map(|_| receipt.call(call))).await;
        assert!(refused.iter().all(Result::is_err), "{refused:?}");
        assert!(receipt.call(call).await.is_err() && receipt.broken().is_some());
        assert_eq!(syncs.load(Ordering::SeqCst), 3, "nothing is written to a disk that has failed");
    }
}
