//! How late the replicas are: reads are served by each of them in turn, and each shows the aliases as they were a while ago.
//!
//! Writes are judged on the true state, as the service does it: CreateAlias can answer AlreadyExists for a name that no listing
//! shows yet. The service says "less than a few seconds", "in some cases several minutes"
//! (<https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html>), and values have been seen to alternate
//! (<https://github.com/hashicorp/terraform/pull/3928>).

use super::world::Millis;
use crate::scope::Pattern;

/// The delay of each replica, in milliseconds; without any there is one replica, and it is never late
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lag {
    /// One entry a replica
    pub replicas: Vec<Millis>,
    /// Names with delays of their own; the first pattern that matches counts
    pub aliases: Vec<(Pattern, Vec<Millis>)>,
    /// How long CreateAlias and UpdateAlias answer `Key '…' does not exist` for a new key that DescribeKey already shows
    /// (<https://github.com/hashicorp/terraform-provider-aws/pull/1896>)
    pub new_keys: Millis,
}

impl Lag {
    /// How many replicas answer in turn
    pub fn replicas(&self) -> usize {
        let counts = self.aliases.iter().map(|(_, delays)| delays.len());
        counts.chain([self.replicas.len(), 1]).max().unwrap_or(1)
    }

    /// How late `replica` is about `name`
    pub fn delay(&self, name: &str, replica: usize) -> Millis {
        let own = self.aliases.iter().find(|(pattern, _)| pattern.matches(name)).map(|(_, delays)| delays);
        let delays = own.unwrap_or(&self.replicas);
        if delays.is_empty() { 0 } else { delays[replica % delays.len()] }
    }

    /// The longest delay of all: history older than this is of no use
    pub fn longest(&self) -> Millis {
        let own = self.aliases.iter().flat_map(|(_, delays)| delays);
        own.chain(&self.replicas).copied().max().unwrap_or(0)
    }
}

/// What one replica shows at one moment
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) lag: &'a Lag,
    pub(super) replica: usize,
    pub(super) at: Millis,
}

impl View<'_> {
    /// The moment that this replica has reached as far as `name` is concerned
    pub(super) fn moment(&self, name: &str) -> Millis {
        self.at.saturating_sub(self.lag.delay(name, self.replica))
    }
}
