//! What an apply does -> a file that says so, one JSON line an event, written as it goes.
//!
//! Each line is on disk before the next thing happens: a write call is announced, synced, made, and its answer is added and
//! synced. After a kill, a power cut or a full disk the file tells which calls were made, which were answered, and which one
//! may or may not have reached the service. Reading it back is [`history`]'s; the calls are noted by [`record`].

pub mod event;
pub mod file;
pub mod history;
pub mod record;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;

use crate::poll::time_of_day;
use event::{Call, Event, Line};

/// Where lines go; each is durable when `append` returns
pub trait Sink: Send {
    /// Adds one line, its end included
    ///
    /// # Errors
    /// It is not known to be on disk.
    fn append(&mut self, line: &str) -> io::Result<()>;
}

struct Nowhere;

impl Sink for Nowhere {
    fn append(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
}

/// A receipt that is being written
pub struct Receipt {
    state: Mutex<State>,
    /// The file that it is in, if it is in one
    pub place: Option<PathBuf>,
}

struct State {
    sink: Box<dyn Sink>,
    calls: u64,
    /// Why a line could not be added; then none is added any more, since the file may end in the middle of one
    broken: Option<String>,
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
        Self { state: Mutex::new(State { sink, calls: 0, broken: None }), place: None }
    }

    /// A receipt that nobody keeps, for a world that nobody keeps either
    pub fn nowhere() -> Self {
        Self::new(Box::new(Nowhere))
    }

    /// Adds a line
    ///
    /// It blocks until the disk has it: a few milliseconds, beside rates of a few writes a second.
    ///
    /// # Errors
    /// It could not be added, or an earlier one could not.
    pub fn note(&self, event: Event) -> Result<(), Broken> {
        self.state().note(event)
    }

    /// Adds a write call under the next number
    ///
    /// # Errors
    /// As [`Receipt::note`]; the call must then not be made.
    fn call(&self, event: impl FnOnce(u64) -> Call) -> Result<u64, Broken> {
        let mut state = self.state();
        state.calls += 1;
        let number = state.calls;
        state.note(Event::Call(event(number))).map(|()| number)
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
    fn note(&mut self, event: Event) -> Result<(), Broken> {
        if let Some(why) = &self.broken {
            return Err(Broken(why.clone()));
        }
        let added = line(event).and_then(|line| self.sink.append(&line).map_err(|e| e.to_string()));
        added.map_err(|why| Broken(self.broken.insert(why).clone()))
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
