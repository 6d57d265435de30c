//! How many writes a plan makes, and the least time that they take at the service's rates. Pure.

use std::time::Duration;

use crate::target::Rates;

/// How many writes of each kind
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Names to create
    pub create: usize,
    /// Names to retarget
    pub update: usize,
    /// Names to delete and create anew
    pub replace: usize,
    /// Names to create in the place of others
    pub rename: usize,
    /// Names to delete
    pub delete: usize,
}

impl Counts {
    /// All changes
    pub fn total(&self) -> usize {
        self.create + self.update + self.replace + self.rename + self.delete
    }

    /// The least time that the service's rates leave: creates beside updates, then replacements, then deletes
    pub fn least_time(&self, rates: &Rates) -> Duration {
        let lane = |count: usize, rate: f64| count as f64 / rate;
        let makes = lane(self.create + self.rename, rates.create).max(lane(self.update, rates.update));
        let replaces = lane(self.replace, rates.create.min(rates.delete));
        Duration::from_secs_f64(makes + replaces + lane(self.delete + self.rename, rates.delete))
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.create += other.create;
        self.update += other.update;
        self.replace += other.replace;
        self.rename += other.rename;
        self.delete += other.delete;
    }
}
