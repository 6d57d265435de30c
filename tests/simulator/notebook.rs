//! The receipt of one run, in memory: what it had announced at the moment when a write left the program.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use kms_alias::receipt::Sink;
use kms_alias::receipt::event::{Answer, Call, Event, Line};

/// What a run has written down; a crash leaves it as it is
#[derive(Clone, Debug, Default)]
pub struct Notebook(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    text: String,
    /// Calls that are announced and not answered
    open: BTreeMap<u64, Call>,
    /// Whether a call is written down only after it was made
    late: bool,
    kept_back: String,
}

impl Notebook {
    /// One in which each call comes after it was made
    pub fn late() -> Self {
        Self(Arc::new(Mutex::new(Notes { late: true, ..Notes::default() })))
    }

    pub fn text(&self) -> String {
        self.0.lock().unwrap().text.clone()
    }

    /// Whether such a call is announced and not answered
    pub fn announces(&self, operation: &str, alias: &str, key: &str) -> bool {
        let notes = self.0.lock().unwrap();
        let fits = |call: &Call| {
            call.operation == operation
                && call.alias == alias
                && call.after.as_deref().unwrap_or_default() == key
        };
        notes.open.values().any(fits)
    }
}

impl Sink for Notebook {
    fn append(&mut self, line: &str) -> io::Result<()> {
        self.0.lock().unwrap().add(line);
        Ok(())
    }
}

impl Notes {
    fn add(&mut self, line: &str) {
        let read: Line = serde_json::from_str(line).expect("a receipt is of lines that can be read");
        if self.late && matches!(read.event, Event::Call(_)) {
            self.kept_back += line;
            return;
        }
        match read.event {
            Event::Call(call) => drop(self.open.insert(call.call, call)),
            Event::Answer(Answer { call, .. }) => drop(self.open.remove(&call)),
            _ => {}
        }
        self.text += &std::mem::take(&mut self.kept_back);
        self.text += line;
    }
}
