//! How hostile the world is: latency, faults and rivals of one seed, and what befalls one call.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::chance::{Chance, stream};
use super::world::At;

/// The service's own time-outs in the adapter: one attempt of a write, and a read with all its retries
const SILENT_WRITE: At = 15_000;
const SILENT_READ: At = 60_000;

/// What can befall a call
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Throttled,
    /// 500, before or after the change was made
    Internal,
    /// The connection closed, before or after the change was made
    Dropped,
    /// No answer at all, before or after the change was made
    Silent,
    /// An answer that cannot be read; the change was made
    Malformed,
    NotSent,
    /// A permission that is missing for a while
    Denied,
    /// A listing whose markers make no sense
    Page,
    /// Credentials that expired
    Expired,
}

impl Kind {
    const RANDOM: [Self; 8] = [
        Self::Throttled,
        Self::Internal,
        Self::Dropped,
        Self::Silent,
        Self::Malformed,
        Self::NotSent,
        Self::Denied,
        Self::Page,
    ];

    pub fn word(self, made: bool) -> &'static str {
        match (self, made) {
            (Self::Throttled, _) => "throttled",
            (Self::Internal, false) => "500 before",
            (Self::Internal, true) => "500 after",
            (Self::Dropped, false) => "dropped before",
            (Self::Dropped, true) => "dropped after",
            (Self::Silent, false) => "silent before",
            (Self::Silent, true) => "silent after",
            (Self::Malformed, _) => "malformed",
            (Self::NotSent, _) => "not sent",
            (Self::Denied, _) => "denied",
            (Self::Page, _) => "bad page",
            (Self::Expired, _) => "expired",
        }
    }
}

/// What befalls one call
#[derive(Clone, Copy, Debug)]
pub struct Fate {
    /// Before it arrives
    pub there: At,
    /// Before the answer is back
    pub back: At,
    /// What goes wrong, and whether the change is made all the same
    pub trouble: Option<(Kind, bool)>,
}

/// The weather of one seed
#[derive(Clone, Debug)]
pub struct Weather {
    latency: At,
    /// The share of calls that are twenty times as slow
    slow: f64,
    faults: BTreeMap<Kind, f64>,
    /// A rival's change at a call
    pub rivals: f64,
    /// A change of a key at a call
    pub keys: f64,
    latencies: Rng,
    troubles: Rng,
}

impl Weather {
    pub fn random(seed: u64) -> Self {
        let mut random = stream(seed, "weather");
        let latency = random.one(&[1, 5, 20, 60, 300]);
        let slow = if random.happens(0.3) { random.f64() * 0.1 } else { 0.0 };
        let mut faults = BTreeMap::new();
        let stormy = random.one(&[0.0, 0.2, 0.4, 0.8]);
        for kind in Kind::RANDOM {
            if random.happens(stormy) {
                faults.insert(kind, random.f64() * 0.15);
            }
        }
        let rivals = random.one(&[0.0, 0.05, 0.2, 0.5]);
        let keys = random.one(&[0.0, 0.0, 0.01, 0.05]);
        let (latencies, troubles) = (stream(seed, "latency"), stream(seed, "faults"));
        Self { latency, slow, faults, rivals, keys, latencies, troubles }
    }

    /// From now on nothing goes wrong any more
    pub fn calm(&mut self) {
        self.faults.clear();
        (self.rivals, self.keys, self.slow) = (0.0, 0.0, 0.0);
    }

    pub fn fate(&mut self, operation: &str, writes: bool) -> Fate {
        let pace = if self.latencies.happens(self.slow) { 20 } else { 1 };
        let there = self.latencies.i64(0..=self.latency) * pace;
        let back = self.latencies.i64(0..=self.latency) * pace;
        let trouble = self.trouble(operation, writes);
        let silence = if writes { SILENT_WRITE } else { SILENT_READ };
        let back = if matches!(trouble, Some((Kind::Silent, _))) { silence } else { back };
        Fate { there, back, trouble }
    }

    fn trouble(&mut self, operation: &str, writes: bool) -> Option<(Kind, bool)> {
        // The adapter retries reads, so fewer of their failures come through.
        let share = if writes { 1.0 } else { 0.4 };
        for (kind, probability) in &self.faults {
            if *kind == Kind::Page && !operation.starts_with("List") {
                continue;
            }
            // Permissions seldom come and go.
            let share = if *kind == Kind::Denied { share * 0.2 } else { share };
            if self.troubles.happens(probability * share) {
                let made = match kind {
                    Kind::Throttled | Kind::NotSent | Kind::Denied => false,
                    Kind::Malformed | Kind::Page => true,
                    _ => self.troubles.bool(),
                };
                return Some((*kind, made));
            }
        }
        None
    }
}
