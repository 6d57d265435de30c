//! The service as one seed has it: the world, its weather and its rivals, and everything that was seen of the runs so far.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fastrand::Rng;
use kms_alias::alias::KeyId;
use kms_alias::kms::{AliasPage, KeyPage, ListedAlias};

use super::chance::{Chance, stream};
use super::rules::{Broken, Rule};
use super::totals::Totals;
use super::watch::{Listing, Look, Watch, Window};
use super::weather::{Fate, Kind, Weather};
use super::wishes::{FOREIGN, IGNORED, NAMES, QUOTAS, WRITES};
use super::world::{At, Id, Refused, World};

/// What ends a run before its time, by the number of the call at which it does
#[derive(Clone, Copy, Debug, Default)]
pub struct Perils {
    /// The process dies; whether the call at which it does is still carried out
    pub crash: Option<(u32, bool)>,
    /// It is asked to stop
    pub stop: Option<u32>,
    /// Its credentials expire
    pub expiry: Option<u32>,
}

/// How a call sets out
pub struct Departure {
    pub fate: Fate,
    /// The process dies here; whether the call is still carried out
    pub crash: Option<bool>,
    /// It is asked to stop here
    pub stop: bool,
}

/// One run of the program as the service knows it
pub struct Process {
    pub watch: Watch,
    pub perils: Perils,
    pub calls: u32,
    turns: BTreeMap<String, usize>,
}

impl Process {
    pub fn new(watch: Watch, perils: Perils) -> Self {
        Self { watch, perils, calls: 0, turns: BTreeMap::new() }
    }
}

pub struct Service {
    pub world: World,
    pub weather: Weather,
    pub processes: Vec<Process>,
    pub totals: Totals,
    pub broken: Option<Broken>,
    /// What happened, a line an event, where somebody wants to read it
    pub log: Option<String>,
    /// Whether any replica may answer any call; otherwise they do so in turn
    pub any_replica: bool,
    pub page_size: usize,
    served: [Vec<At>; 3],
    replicas: Rng,
    rivals: Rng,
    pages: Rng,
}

impl Service {
    pub fn new(seed: u64, world: World, weather: Weather, logged: bool) -> Self {
        let mut replicas = stream(seed, "replicas");
        let any_replica = world.lag.replicas.len() > 2 || replicas.happens(0.1);
        Self {
            world,
            weather,
            processes: Vec::new(),
            totals: Totals::default(),
            broken: None,
            log: logged.then(String::new),
            any_replica,
            page_size: replicas.one(&[4, 10, 100]),
            served: Default::default(),
            replicas,
            rivals: stream(seed, "rivals"),
            pages: stream(seed, "pages"),
        }
    }

    pub fn note(&mut self, at: At, what: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            let _ = writeln!(log, "{at:>9} ms  {}", what());
        }
    }

    /// The first rule that was broken is the one that is told
    pub fn judge(&mut self, process: usize, at: At, verdict: Result<(), Broken>) {
        if let Err(Broken { rule, why }) = verdict {
            self.note(at, || format!("BROKEN {rule:?}: {why}"));
            self.broken.get_or_insert(rule.broken(format!("run {process}, at {at} ms: {why}")));
        }
    }

    pub fn depart(
        &mut self,
        process: usize,
        operation: &'static str,
        name: &str,
        key: &str,
        at: At,
    ) -> Departure {
        let writes = WRITES.contains(&operation);
        if name.starts_with("alias/aws/") {
            let why = format!("{operation} {name}: it is AWS's own");
            self.judge(process, at, Err(Rule::Scope.broken(why)));
        }
        if writes {
            let verdict = self.processes[process].watch.departs(operation, name, key, at);
            self.judge(process, at, verdict);
        }
        let mut fate = self.weather.fate(operation, writes);
        let one = &mut self.processes[process];
        one.calls += 1;
        let number = one.calls;
        if one.perils.expiry.is_some_and(|expiry| number >= expiry) {
            fate.trouble = Some((Kind::Expired, false));
        }
        let crash = one.perils.crash.filter(|(call, _)| *call == number).map(|(_, made)| made);
        let stop = one.perils.stop == Some(number);
        one.watch.stopped |= stop;
        self.totals.calls += 1;
        self.totals.writes += u64::from(writes);
        self.totals.crashes += u64::from(crash.is_some());
        self.totals.stops += u64::from(stop);
        Departure { fate, crash, stop }
    }

    /// The answer to a call that arrives at `at`, unless something goes wrong before it is carried out
    pub fn arrive<T: std::fmt::Debug>(
        &mut self,
        (process, operation, subject): (usize, &'static str, &str),
        fate: &Fate,
        at: At,
        answer: impl FnOnce(&mut Self, At) -> Result<T, Refused>,
    ) -> Option<Result<T, Refused>> {
        self.stir(subject, at);
        let throttled = !self.admits(operation, at);
        let answer = match fate.trouble {
            Some((_, false)) => None,
            _ if throttled => None,
            _ => Some(answer(self, at)),
        };
        if let Some((kind, made)) = fate.trouble {
            *self.totals.faults.entry(kind.word(made)).or_default() += 1;
        } else if throttled {
            *self.totals.faults.entry("over the quota").or_default() += 1;
        }
        let trouble = fate.trouble.map(|(kind, made)| kind.word(made));
        self.note(at, || {
            let answer = match &answer {
                None => String::new(),
                Some(Ok(answer)) => format!("{answer:?}"),
                Some(Err(refused)) => refused.message.clone(),
            };
            format!("run {process} {operation} {subject} {answer} {}", trouble.unwrap_or_default())
        });
        answer
    }

    /// The account's quota, which all writers share
    fn admits(&mut self, operation: &str, at: At) -> bool {
        let Some(lane) = WRITES.iter().position(|known| *known == operation) else { return true };
        let served = &mut self.served[lane];
        served.retain(|then| then + 1000 > at);
        let admitted = served.len() < QUOTAS[lane] as usize;
        served.extend(admitted.then_some(at));
        admitted
    }

    /// The replica that answers this call of this run
    pub fn replica(&mut self, process: usize, what: &str) -> usize {
        let count = self.world.lag.replicas.len();
        if self.any_replica {
            return self.replicas.usize(..count);
        }
        let turn = self.processes[process].turns.entry(what.to_owned()).or_default();
        *turn += 1;
        *turn % count
    }

    /// A write that the service takes; `key` is `None` for a delete
    pub fn write(
        &mut self,
        process: usize,
        operation: &'static str,
        name: &str,
        key: &str,
        at: At,
    ) -> Result<(), Refused> {
        let had = self.world.now(name);
        match operation {
            "CreateAlias" => self.world.create(name, key, at)?,
            "UpdateAlias" => self.world.update(name, key, at)?,
            _ => self.world.delete(name, at)?,
        }
        self.totals.made += 1;
        let watch = &mut self.processes[process].watch;
        match watch.carried_out(operation, name, had, self.world.now(name)) {
            Ok(window) => {
                self.totals.races += u64::from(window == Some(Window::Race));
                self.totals.stale_looks += u64::from(window == Some(Window::StaleLook));
            }
            Err(why) => self.judge(process, at, Err(why)),
        }
        Ok(())
    }

    /// What a look at an alias shows, and the truth at that moment
    pub fn look(&mut self, process: usize, name: &str, at: At) -> Look {
        // Each name has a turn of its own: names that are read side by side are no listing, which stays on one replica.
        let replica = self.replica(process, name);
        let answer = self.world.seen(name, replica, at).filter(|id| self.world.keys.contains_key(id));
        let watch = &mut self.processes[process].watch;
        if watch.listing != Listing::Whole && watch.writes == 0 {
            let lag = self.world.lag.replicas.iter().max().copied().unwrap_or_default();
            watch.since = watch.since.min(at - lag - self.world.lag.uneven);
        }
        Look { answer, truth: self.world.now(name), at, sent: 0 }
    }

    /// The aliases of one key, which fit on one page
    pub fn page_of(&mut self, process: usize, key: &str, at: At) -> AliasPage {
        let replica = self.replica(process, key);
        let (names, _) = self.world.page(replica, "", usize::MAX, at);
        let of_key = names.into_iter().filter(|(_, id)| *id == key);
        let listed = |(name, id): (String, Id)| ListedAlias { name, target: Some(KeyId::from_service(id)) };
        AliasPage { aliases: of_key.map(listed).collect(), next_marker: None, truncated: false }
    }

    /// A page; a listing stays on the replica that answered its first one
    pub fn page(&mut self, process: usize, marker: Option<&str>, at: At) -> AliasPage {
        let resumed = marker.and_then(|marker| marker.split_once('|'));
        let resumed = resumed.and_then(|(replica, name)| Some((replica.parse().ok()?, name)));
        let (replica, after) = resumed.unwrap_or_else(|| (self.replica(process, "ListAliases"), ""));
        let (names, truncated) = self.world.page(replica, after, self.page_size, at);
        // A listing is no snapshot: what changes meanwhile may be on two of its pages.
        let back = usize::from(names.len() > 1 && self.pages.happens(self.weather.rivals));
        let last = names.iter().rev().nth(back);
        let next_marker = last.filter(|_| truncated).map(|(name, _)| format!("{replica}|{name}"));
        let listed = |(name, id): (String, Id)| ListedAlias {
            name,
            target: Some(id).filter(|id| !id.is_empty()).map(KeyId::from_service),
        };
        let watch = &mut self.processes[process].watch;
        if marker.is_none() && watch.writes == 0 {
            watch.since = at - self.world.lag.replicas[replica] - self.world.lag.uneven;
        }
        if !truncated {
            watch.listing = Listing::Whole;
        }
        AliasPage { aliases: names.into_iter().map(listed).collect(), next_marker, truncated }
    }

    /// A page of keys, of which two fit on one
    pub fn key_page(&self, marker: Option<&str>) -> KeyPage {
        let after = marker.unwrap_or_default();
        let mut keys = self.world.keys.keys().filter(|id| **id > after).map(|id| KeyId::from_service(id));
        let page: Vec<KeyId> = keys.by_ref().take(2).collect();
        let truncated = keys.next().is_some();
        let next_marker = page.last().filter(|_| truncated).map(|id| id.as_str().to_owned());
        KeyPage { keys: page, next_marker, truncated }
    }

    /// Makes the marker of a page one that makes no sense
    pub fn garble(&mut self, next: &mut Option<String>, truncated: bool, marker: Option<&str>) {
        *next = match (truncated, marker, self.pages.bool()) {
            (true, Some(marker), true) => Some(marker.to_owned()),
            (true, ..) => None,
            (false, ..) => Some("0|alias/stray".to_owned()),
        };
    }

    /// What others do while a call is under way, on the alias that it is about more often than not
    fn stir(&mut self, subject: &str, at: At) {
        if self.rivals.happens(self.weather.rivals) {
            let near = subject.starts_with("alias/") && self.rivals.happens(0.7);
            let name = match (near, self.rivals.u32(..6)) {
                (true, _) => subject,
                (_, 0) => self.rivals.one(&IGNORED),
                (_, 1) => self.rivals.one(&FOREIGN),
                _ => self.rivals.one(&NAMES),
            };
            self.meddle(name, at);
        }
        if self.rivals.happens(self.weather.keys) {
            self.change_key(at);
        }
    }

    fn meddle(&mut self, name: &str, at: At) {
        let takes = |(id, key): (&Id, &super::world::Key)| {
            (!key.state.starts_with("Pending") && self.world.has_room(id)).then_some(*id)
        };
        let keys: Vec<Id> = self.world.keys.iter().filter_map(takes).collect();
        let key =
            if keys.is_empty() || self.rivals.happens(0.25) { None } else { Some(self.rivals.one(&keys)) };
        if self.world.now(name) != key {
            self.world.put(name, key, at);
            self.totals.meddled += 1;
            self.note(at, || format!("a rival puts {name} on {key:?}"));
        }
    }

    fn change_key(&mut self, at: At) {
        let keys: Vec<Id> = self.world.keys.keys().copied().collect();
        let id = self.rivals.one(&keys);
        if keys.len() > 3 && self.rivals.happens(0.2) {
            self.world.drop_key(id, at);
            self.totals.keys_deleted += 1;
            self.note(at, || format!("key {id} is deleted"));
            return;
        }
        let state = self.rivals.one(&["Enabled", "Enabled", "Disabled", "PendingDeletion"]);
        if let Some(key) = self.world.keys.get_mut(id) {
            key.state = state;
            self.totals.keys_changed += 1;
            self.note(at, || format!("key {id} is {state}"));
        }
    }
}
