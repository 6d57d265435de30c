//! Misbehaviour on purpose: what a scenario says, as a Rust value, as a YAML file, and as flags.
//!
//! ```yaml
//! seed: 7                        # for `probability`
//! latency: 20ms                  # added to every response
//! lag:
//!   replicas: [0s, 30s]          # two replicas answer reads in turn; the second is 30 s late
//!   aliases:                     # names with delays of their own; the first pattern that matches counts
//!     - {match: "alias/app/slow/**", replicas: [0s, 2m]}
//!   new_keys: 5s                 # CreateAlias does not see a new key before
//! quotas: {CreateAlias: 5}       # requests a second, per account and Region
//! service_quotas: true           # the service's default quotas; those above come first
//! paging: {limit: 3, defect: repeated-marker}
//! faults:                        # the first that fires decides; latencies add up
//!   - {operation: CreateAlias, alias: "alias/app/**", after: 2, times: 1, effect: drop-response}
//!   - {operation: ListAliases, every: 3, effect: throttle}
//!   - {probability: 0.01, effect: internal, after_change: true}
//!   - {operation: DeleteAlias, effect: {error: {code: KMSInvalidStateException, message: not now}}}
//!   - {role: "arn:aws:iam::444455556666:role/**", effect: access-denied}
//!   - {account: "444455556666", region: eu-west-1, effect: {latency: 2s}}
//! ```
//!
//! `words` has every word of it, `read` makes it of the file.

pub(super) mod read;
#[cfg(test)]
mod tests;
mod words;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::lag::Lag;
use super::quota::{Quotas, service_quotas};
use super::world::Millis;
use crate::bounded::{Limit, read};
use crate::duration;
use crate::load::{Problems, Source, decode};
use crate::render::style::harmless;
use crate::scope::Pattern;

/// A scenario is a screenful
const LARGEST: Limit = Limit::mib(1);

/// How a sandbox misbehaves; by default not at all
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// Where the chances of `probability` begin
    pub seed: u64,
    /// Added to every response
    pub latency: Delay,
    /// How late reads are
    pub lag: LagPlan,
    /// Requests a second by operation
    pub quotas: Quotas,
    /// Whether the service's default quotas hold as well
    pub service_quotas: bool,
    /// What listings do wrong
    pub paging: Paging,
    /// Calls that go wrong
    pub faults: Vec<Fault>,
}

/// Why a scenario cannot be read
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// There is no such file, or it cannot be read
    #[error("read the scenario {}", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// It is not a scenario
    #[error("read the scenario: {0}")]
    Text(Problems),
}

impl Scenario {
    /// The scenario in a YAML file
    ///
    /// # Errors
    /// The file cannot be read, or is no scenario.
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        let bytes = read(path, LARGEST).map_err(|e| ScenarioError::File(path.to_owned(), e))?;
        let mut found = Problems::default();
        match decode(&harmless(&path.display().to_string()), Some(path), bytes, &mut found) {
            Some(source) => read::scenario(&source).map_err(ScenarioError::Text),
            None => Err(ScenarioError::Text(found)),
        }
    }

    /// The scenario that a YAML text describes
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        read::scenario(&source(text)).map_err(|problems| problems.sentences())
    }

    pub(super) fn effective_quotas(&self) -> Quotas {
        let mut quotas = if self.service_quotas { service_quotas() } else { Quotas::new() };
        quotas.extend(self.quotas.clone());
        quotas
    }
}

/// A text that is in no file
fn source(text: &str) -> Arc<Source> {
    Arc::new(Source { name: "".into(), path: None, text: text.to_owned() })
}

/// A length of time, written as `500ms`, `30s`, `2m` or `1h`; a number alone is seconds
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delay(pub Duration);

impl Delay {
    pub(super) fn millis(self) -> Millis {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }
}

impl FromStr for Delay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        duration::parse(text).map(Self)
    }
}

/// A glob over alias names, as in a manifest
#[derive(Clone, Debug, PartialEq)]
pub struct Glob(pub Pattern);

impl TryFrom<String> for Glob {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Pattern::parse(&text).map(Self).map_err(|why| format!("`{text}` is not a pattern: {why}"))
    }
}

/// How late reads are
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LagPlan {
    /// One delay a replica; they answer in turn
    pub replicas: Vec<Delay>,
    /// Names with delays of their own
    pub aliases: Vec<AliasLag>,
    /// How long a new key is not seen by CreateAlias and UpdateAlias
    pub new_keys: Delay,
}

/// Delays of some names
#[derive(Clone, Debug, PartialEq)]
pub struct AliasLag {
    /// Which names
    pub pattern: Glob,
    /// One delay a replica
    pub replicas: Vec<Delay>,
}

impl LagPlan {
    /// The same as the world takes it
    pub fn lag(&self) -> Lag {
        let millis = |delays: &[Delay]| delays.iter().map(|delay| delay.millis()).collect::<Vec<_>>();
        Lag {
            replicas: millis(&self.replicas),
            aliases: self.aliases.iter().map(|own| (own.pattern.0.clone(), millis(&own.replicas))).collect(),
            new_keys: self.new_keys.millis(),
        }
    }
}

/// What listings do wrong
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Paging {
    /// The longest page; the service, too, "might return fewer" than asked for
    pub limit: Option<u64>,
    /// What is wrong with the markers
    pub defect: Option<PagingDefect>,
}

/// What is wrong with the markers of a listing
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PagingDefect {
    /// Each page but the first names itself as the next one
    RepeatedMarker,
    /// `Truncated` is true, and there is no marker
    MissingMarker,
    /// `Truncated` is true, and the marker is empty
    EmptyMarker,
    /// `Truncated` is false, and there is a marker with more behind it
    StrayMarker,
}

/// Calls that go wrong: those that match, from some point on, as often as it says
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Only calls of this operation; `*` is any
    pub operation: Option<String>,
    /// Only calls about an alias that matches; DescribeKey is about whatever it names
    pub alias: Option<Glob>,
    /// Only AssumeRole of a role whose ARN matches
    pub role: Option<Glob>,
    /// Only calls of this account
    pub account: Option<String>,
    /// Only calls to this Region
    pub region: Option<String>,
    /// So many matching calls go well first
    pub after: u64,
    /// Then the first of every so many goes wrong
    pub every: u64,
    /// Until so many have
    pub times: Option<u64>,
    /// With this chance, from 0 to 1
    pub probability: Option<f64>,
    /// What goes wrong
    pub effect: Effect,
    /// Whether the change is made all the same, where an error answer says that it was not
    pub after_change: bool,
}

impl Fault {
    /// The rule that a YAML text describes, as an entry of `faults`
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        read::fault(&source(text)).map_err(|problems| problems.sentences())
    }

    /// Every call of `operation` (`*`: of all of them) goes wrong in this way
    pub fn new(operation: &str, effect: Effect) -> Self {
        Self {
            operation: Some(operation.to_owned()),
            alias: None,
            role: None,
            account: None,
            region: None,
            after: 0,
            every: 1,
            times: None,
            probability: None,
            effect,
            after_change: false,
        }
    }

    /// The same, only so many times
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    /// The same, after so many matching calls have gone well
    #[must_use]
    pub fn after(self, after: u64) -> Self {
        Self { after, ..self }
    }
}

/// What goes wrong with a call
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// ThrottlingException
    Throttle,
    /// KMSInternalException, status 500
    Internal,
    /// DependencyTimeoutException, status 500
    DependencyTimeout,
    /// AccessDeniedException
    AccessDenied,
    /// ExpiredTokenException
    Expired,
    /// Any other error
    Error(ErrorPlan),
    /// The request is carried out, and the connection closed without a response
    DropResponse,
    /// The connection is closed, and nothing carried out
    DropRequest,
    /// The request is carried out, and the response is not JSON
    Malformed,
    /// The request is carried out, and the response ends in its middle
    Truncated,
    /// The request is accepted, and nothing ever comes back
    Silent,
    /// The response takes so much longer
    Latency(Delay),
}

/// An error of the scenario's own making
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorPlan {
    /// `NotFoundException`, …
    pub code: String,
    /// Its words
    pub message: String,
    /// HTTP status
    pub status: u16,
}
