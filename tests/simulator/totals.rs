//! What happened in many seeds, added up.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use super::order::Errand;

/// What happened
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub seeds: u64,
    pub runs: u64,
    /// Plans that were saved, and runs that were to carry one out
    pub saved: [u64; 2],
    pub reverts: u64,
    /// Writes of reverts, and those of changes that nobody can tell were their own
    pub taken_back: [u64; 2],
    pub exits: BTreeMap<String, u64>,
    /// Milliseconds on the virtual clock
    pub virtual_ms: u64,
    pub calls: u64,
    pub writes: u64,
    pub made: u64,
    pub faults: BTreeMap<&'static str, u64>,
    pub crashes: u64,
    pub stops: u64,
    /// Changes of aliases by somebody else
    pub meddled: u64,
    pub keys_changed: u64,
    pub keys_deleted: u64,
    /// Writes over a change that was made between the look and the write
    pub races: u64,
    /// Writes over a change that the look did not show, because a replica was late
    pub stale_looks: u64,
    /// Changes called done before every replica had shown them, where there were more than a run asks
    pub early: u64,
    /// Changes called done that only a late replica had shown
    pub misled: u64,
    /// The longest that a write kept the answer of its look waiting
    pub oldest_look_ms: u64,
    /// Runs that it took after the last fault, at most
    pub runs_to_rest: u64,
}

impl Totals {
    /// One more run
    pub fn count(&mut self, errand: &Errand) {
        self.runs += 1;
        match errand {
            Errand::Apply => {}
            Errand::Plan(_) => self.saved[0] += 1,
            Errand::Saved(..) => self.saved[1] += 1,
            Errand::Revert(..) => self.reverts += 1,
        }
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.runs += other.runs;
        self.saved = [0, 1].map(|i| self.saved[i] + other.saved[i]);
        self.virtual_ms += other.virtual_ms;
        self.calls += other.calls;
        self.writes += other.writes;
        self.made += other.made;
        self.crashes += other.crashes;
        self.stops += other.stops;
        self.meddled += other.meddled;
        self.keys_changed += other.keys_changed;
        self.keys_deleted += other.keys_deleted;
        self.races += other.races;
        self.stale_looks += other.stale_looks;
        self.early += other.early;
        self.misled += other.misled;
        self.oldest_look_ms = self.oldest_look_ms.max(other.oldest_look_ms);
        self.runs_to_rest = self.runs_to_rest.max(other.runs_to_rest);
        self.reverts += other.reverts;
        self.taken_back = [0, 1].map(|i| self.taken_back[i] + other.taken_back[i]);
        for (exit, count) in other.exits {
            *self.exits.entry(exit).or_default() += count;
        }
        for (fault, count) in other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.virtual_ms as f64 / 86_400_000.0;
        writeln!(f, "seeds            {}", self.seeds)?;
        writeln!(f, "runs             {}, at most {} until at rest", self.runs, self.runs_to_rest)?;
        let [plans, applies] = self.saved;
        writeln!(f, "saved plans      {plans}, {applies} runs to carry one out")?;
        let [back, unsure] = self.taken_back;
        writeln!(f, "reverts          {}, {back} writes, {unsure} of what may be another's", self.reverts)?;
        for (exit, count) in &self.exits {
            writeln!(f, "  {exit:<14} {count}")?;
        }
        writeln!(f, "virtual time     {days:.1} days")?;
        writeln!(
            f,
            "calls            {}, {} of them writes, {} changes made",
            self.calls, self.writes, self.made
        )?;
        writeln!(f, "crashes          {}, and {} requests to stop", self.crashes, self.stops)?;
        writeln!(f, "faults           {}", self.faults.values().sum::<u64>())?;
        for (fault, count) in &self.faults {
            writeln!(f, "  {fault:<14} {count}")?;
        }
        writeln!(
            f,
            "others           {} changes of aliases, {} of keys, {} keys deleted",
            self.meddled, self.keys_changed, self.keys_deleted
        )?;
        writeln!(
            f,
            "over a change    {} between look and write, {} after a look that a late replica answered",
            self.races, self.stale_looks
        )?;
        writeln!(f, "oldest look      back {} ms before its write was sent", self.oldest_look_ms)?;
        writeln!(
            f,
            "called done      {} before every replica had shown it, {} that only a late one had",
            self.early, self.misled
        )
    }
}
