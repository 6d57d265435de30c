//! The one true state of the service, with its history, and the rules by which it takes writes. Replicas show older states of it.
//!
//! Written apart from the sandbox on purpose: two readings of the documentation are worth more than one.

use std::collections::BTreeMap;

use kms_alias::kms::{Fault, KeyFacts};

/// Milliseconds since the simulation began; what was before is negative
pub type At = i64;
/// The id of a key
pub type Id = &'static str;

/// Customer-created aliases on one key (<https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html>)
const ALIASES_PER_KEY: usize = 50;
/// Before any history
const EVER: At = At::MIN / 2;

/// Symmetric keys
pub const SYMMETRIC: [Id; 4] = [
    "aaaa1111-0000-4000-8000-000000000001",
    "bbbb2222-0000-4000-8000-000000000002",
    "cccc3333-0000-4000-8000-000000000003",
    "ffff6666-0000-4000-8000-000000000006",
];
/// A key of another family, which UpdateAlias cannot move to
pub const HMAC: Id = "dddd4444-0000-4000-8000-000000000004";
/// A key that nobody has
pub const NOWHERE: Id = "eeee5555-0000-4000-8000-000000000005";
/// What predefined aliases of AWS point at before their first use: nothing
pub const NOTHING: Id = "";

/// What a key is selected by
pub fn description(id: &str) -> String {
    format!("key {}", &id[..4])
}

/// A key
#[derive(Clone, Debug)]
pub struct Key {
    pub state: &'static str,
    pub created: At,
}

/// How late each replica is
#[derive(Clone, Debug, Default)]
pub struct Lag {
    /// One entry a replica
    pub replicas: Vec<At>,
    /// What is added for one name in four
    pub uneven: At,
    /// How long writes do not know a new key that DescribeKey already shows
    pub new_keys: At,
}

impl Lag {
    pub fn of(&self, replica: usize, name: &str) -> At {
        let odd = name.bytes().last().is_some_and(|byte| byte % 4 == 0);
        self.replicas[replica] + if odd { self.uneven } else { 0 }
    }

    pub fn longest(&self) -> At {
        self.replicas.iter().max().copied().unwrap_or_default() + self.uneven
    }
}

/// Why the service does not take a write
#[derive(Clone, Debug)]
pub struct Refused {
    pub fault: Fault,
    pub code: &'static str,
    pub message: String,
}

fn refused(fault: Fault, code: &'static str, message: String) -> Refused {
    Refused { fault, code, message }
}

#[derive(Clone, Debug, Default)]
pub struct World {
    aliases: BTreeMap<String, Vec<(At, Option<Id>)>>,
    pub keys: BTreeMap<Id, Key>,
    pub lag: Lag,
}

impl World {
    pub fn put(&mut self, name: &str, key: Option<Id>, at: At) {
        self.aliases.entry(name.to_owned()).or_default().push((at, key));
    }

    /// The key that `name` is on now
    pub fn now(&self, name: &str) -> Option<Id> {
        self.aliases.get(name).and_then(|history| history.last()?.1)
    }

    fn as_of(&self, name: &str, moment: At) -> Option<Id> {
        let history = self.aliases.get(name)?;
        history.iter().rev().find(|(at, _)| *at <= moment)?.1
    }

    /// The key that `replica` shows `name` on at `at`
    pub fn seen(&self, name: &str, replica: usize, at: At) -> Option<Id> {
        self.as_of(name, at - self.lag.of(replica, name))
    }

    /// Whether `name` was on `key`, or on none, at some moment between the two
    pub fn was(&self, name: &str, key: Option<Id>, from: At, to: At) -> bool {
        let Some(history) = self.aliases.get(name) else { return key.is_none() };
        let starts = std::iter::once((EVER, None)).chain(history.iter().copied());
        let ends = history.iter().map(|(at, _)| *at).chain([At::MAX]);
        starts.zip(ends).any(|((start, on), end)| on == key && start <= to && end > from)
    }

    pub fn live(&self) -> impl Iterator<Item = (&str, Id)> {
        self.aliases.iter().filter_map(|(name, history)| Some((name.as_str(), history.last()?.1?)))
    }

    /// At most `limit` aliases after `after` as `replica` shows them, and whether more follow
    pub fn page(&self, replica: usize, after: &str, limit: usize, at: At) -> (Vec<(String, Id)>, bool) {
        let from = (std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded);
        let names = self.aliases.range::<str, _>(from).map(|(name, _)| name);
        let mut seen = names.filter_map(|name| Some((name.clone(), self.seen(name, replica, at)?)));
        let page: Vec<_> = seen.by_ref().take(limit).collect();
        (page, seen.next().is_some())
    }

    pub fn facts(&self, id: &str) -> Option<KeyFacts> {
        let (id, key) = self.keys.get_key_value(id)?;
        let (spec, usage) = match *id {
            HMAC => ("HMAC_256", "GENERATE_VERIFY_MAC"),
            _ => ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
        };
        Some(KeyFacts {
            id: kms_alias::alias::KeyId::from_service(id),
            region: String::new(),
            description: description(id),
            state: key.state.to_owned(),
            spec: spec.to_owned(),
            usage: usage.to_owned(),
            deletion_date: None,
            aws_managed: false,
        })
    }

    pub fn count(&self, id: Id) -> usize {
        self.live().filter(|(_, key)| *key == id).count()
    }

    /// Whether one more alias can be put on the key
    fn takes(&self, id: &str, at: At) -> Result<Id, Refused> {
        let unknown = || refused(Fault::NotFound, "NotFoundException", format!("Key '{id}' does not exist"));
        let (id, key) = self.keys.get_key_value(id).ok_or_else(unknown)?;
        if at - key.created < self.lag.new_keys {
            return Err(unknown());
        }
        if key.state.starts_with("Pending") {
            let message = format!("{id} is pending deletion.");
            return Err(refused(Fault::InvalidState, "KMSInvalidStateException", message));
        }
        Ok(id)
    }

    pub fn has_room(&self, id: Id) -> bool {
        self.count(id) < ALIASES_PER_KEY
    }

    fn room(&self, id: Id) -> Result<(), Refused> {
        let message = format!("Aliases per key quota is 50, current usage is {}.", self.count(id));
        match self.has_room(id) {
            true => Ok(()),
            false => Err(refused(Fault::QuotaExceeded, "LimitExceededException", message)),
        }
    }

    fn existing(&self, name: &str) -> Result<Id, Refused> {
        let message = format!("Alias {name} is not found.");
        self.now(name).ok_or_else(|| refused(Fault::NotFound, "NotFoundException", message))
    }

    pub fn create(&mut self, name: &str, key: &str, at: At) -> Result<(), Refused> {
        if self.now(name).is_some() {
            let message = format!("An alias with the name {name} already exists");
            return Err(refused(Fault::AlreadyExists, "AlreadyExistsException", message));
        }
        let key = self.takes(key, at)?;
        self.room(key)?;
        self.put(name, Some(key), at);
        Ok(())
    }

    pub fn update(&mut self, name: &str, key: &str, at: At) -> Result<(), Refused> {
        let old = self.existing(name)?;
        let key = self.takes(key, at)?;
        if (old == HMAC) != (key == HMAC) {
            let message = "the keys are not of the same type".to_owned();
            return Err(refused(Fault::Invalid, "ValidationException", message));
        }
        if old != key {
            self.room(key)?;
        }
        self.put(name, Some(key), at);
        Ok(())
    }

    pub fn delete(&mut self, name: &str, at: At) -> Result<(), Refused> {
        self.existing(name)?;
        self.put(name, None, at);
        Ok(())
    }

    /// Deletes a key, which takes all its aliases with it
    pub fn drop_key(&mut self, id: Id, at: At) {
        self.keys.remove(id);
        let gone: Vec<String> =
            self.live().filter(|(_, key)| *key == id).map(|(name, _)| name.to_owned()).collect();
        gone.iter().for_each(|name| self.put(name, None, at));
    }
}
