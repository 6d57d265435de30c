//! The world: every account and Region with its keys and aliases, as a pure state machine. It is told the time, it never waits, and the
//! same calls at the same times give the same answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::aliases::{Alias, Aliases};
use super::iam::{self, Iam};
use super::keys::{Key, KeyState, Keys};
use super::lag::Lag;
use super::organization::{self, Unit};
use super::refusal::{self, ServiceError};
use super::sts::Session;
use super::trail::{self, Event, Trail};
use super::{identifiers, protocol, sts};

/// Milliseconds since 1970
pub type Millis = u64;

/// The account of credentials that name none
pub const DEFAULT_ACCOUNT: &str = "111122223333";

/// One account in one Region
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Home {
    /// Twelve digits
    pub account: Arc<str>,
    /// As `us-east-1`
    pub region: Arc<str>,
}

impl Home {
    /// The account in the Region
    pub fn new(account: &str, region: &str) -> Self {
        Self { account: account.into(), region: region.into() }
    }

    /// The partition that the Region belongs to
    pub fn partition(&self) -> &'static str {
        const PREFIXES: [(&str, &str); 7] = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("eusc-", "aws-eusc"),
            ("us-isob-", "aws-iso-b"),
            ("us-isof-", "aws-iso-f"),
            ("eu-isoe-", "aws-iso-e"),
            ("us-iso-", "aws-iso"),
        ];
        PREFIXES.iter().find(|(prefix, _)| self.region.starts_with(prefix)).map_or("aws", |(_, name)| name)
    }

    /// `arn:aws:kms:us-east-1:111122223333:key/<id>`
    pub fn key_arn(&self, id: &str) -> String {
        format!("arn:{}:kms:{}:{}:key/{id}", self.partition(), self.region, self.account)
    }

    /// `arn:aws:kms:us-east-1:111122223333:<name>`; the name begins with `alias/`
    pub fn alias_arn(&self, name: &str) -> String {
        format!("arn:{}:kms:{}:{}:{name}", self.partition(), self.region, self.account)
    }
}

/// One call to the service
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Access key id of the caller: twelve digits are the account itself, one handed out by AssumeRole is the role's, any other is
    /// [`DEFAULT_ACCOUNT`]
    pub caller: &'a str,
    /// As `us-east-1`
    pub region: &'a str,
    /// `CreateAlias`, …
    pub operation: &'a str,
    /// The members of the request
    pub input: &'a Value,
}

/// What one account has in one Region
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    pub(super) keys: Keys,
    pub(super) aliases: Aliases,
    pub(super) turns: BTreeMap<String, usize>,
}

impl Store {
    /// An account that nobody has used yet: AWS has named the aliases of its services already, without keys
    fn untouched() -> Self {
        let mut store = Self::default();
        for service in
            ["backup", "dynamodb", "ebs", "kinesis", "lambda", "rds", "s3", "secretsmanager", "sns", "ssm"]
        {
            let alias = Alias { target: None, created: None, updated: None };
            store.aliases.set(&format!("alias/aws/{service}"), Some(alias), 0, 0);
        }
        store
    }

    /// Deletes the keys whose time has come, with all their aliases
    fn depart(&mut self, at: Millis, memory: Millis) -> Vec<Arc<str>> {
        let gone = self.keys.depart(at);
        for key in &gone {
            let orphaned = |alias: &Alias| alias.target.as_ref() == Some(key);
            let names =
                self.aliases.iter().filter(|(_, alias)| orphaned(alias)).map(|(name, _)| name.clone());
            for name in names.collect::<Vec<_>>() {
                self.aliases.set(&name, None, at, memory);
            }
        }
        gone
    }
}

/// All accounts and Regions; each comes into being when it is first used
#[derive(Clone, Debug, Default)]
pub struct World {
    /// How late the replicas are
    pub lag: Lag,
    pub(super) stores: BTreeMap<Home, Store>,
    /// By account: IAM knows no Regions
    pub(super) iam: BTreeMap<Arc<str>, Iam>,
    /// By OU or root
    pub(super) organization: BTreeMap<String, Unit>,
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) trail: Trail,
    pub(super) identifiers: u64,
    pub(super) revision: u64,
}

impl World {
    /// Answers one call made at `at`: the members of the output, `null` for the operations that have none
    ///
    /// # Errors
    /// What the service would refuse, in its words.
    pub fn call(&mut self, at: Millis, request: &Request<'_>) -> Result<Value, ServiceError> {
        if sts::is_expired(self, at, request.caller) {
            return Err(refusal::expired_token());
        }
        if sts::is_operation(request.operation) {
            return sts::call(self, at, request);
        }
        if iam::is_operation(request.operation) {
            return iam::call(self, request);
        }
        if trail::is_operation(request.operation) {
            return trail::call(self, at, request);
        }
        if organization::is_operation(request.operation) {
            return organization::call(self, request);
        }
        let home = Home::new(&self.account_of(request.caller), request.region);
        let memory = self.lag.longest();
        let gone = self.store(&home).depart(at, memory);
        self.revision += u64::from(!gone.is_empty());
        gone.iter().for_each(|key| self.trail.push(Event::of_departure(at, &home, key)));
        protocol::call(self, at, home, request)
    }

    /// How many changes were made so far
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The account that an access key id belongs to
    pub fn account_of(&self, caller: &str) -> Arc<str> {
        match self.sessions.get(caller) {
            Some(session) => session.account.clone(),
            None if crate::alias::is_account(caller) => caller.into(),
            None => DEFAULT_ACCOUNT.into(),
        }
    }

    /// Adds a key, or puts it in the place of the one with its id
    pub fn put_key(&mut self, home: &Home, key: Key) {
        self.store(home).keys.put(key);
        self.revision += 1;
    }

    /// Gives the account these users, groups, roles and managed policies, in the place of those it had
    pub fn put_iam(&mut self, account: &str, iam: Iam) {
        self.iam.insert(account.into(), iam);
        self.revision += 1;
    }

    /// Gives the OU or root these OUs and accounts, in the place of those it had
    pub fn put_unit(&mut self, id: &str, unit: Unit) {
        self.organization.insert(id.to_owned(), unit);
        self.revision += 1;
    }

    /// Points the alias `name` at the key `target` from `at` on, whatever the rules say; creates it if need be
    pub fn put_alias(&mut self, home: &Home, name: &str, target: Option<&str>, at: Millis) {
        let memory = self.lag.longest();
        let aliases = &mut self.store(home).aliases;
        let created = aliases.current(name).map_or(Some(at), |alias| alias.created);
        let alias = Alias { target: target.map(Arc::from), created, updated: Some(at) };
        aliases.set(name, Some(alias), at, memory);
        self.revision += 1;
    }

    /// Takes the alias `name` away from `at` on
    pub fn remove_alias(&mut self, home: &Home, name: &str, at: Millis) {
        let memory = self.lag.longest();
        self.store(home).aliases.set(name, None, at, memory);
        self.revision += 1;
    }

    /// Puts the key into `state`, if there is one with this id
    pub fn set_key_state(&mut self, home: &Home, id: &str, state: KeyState) {
        if let Some(key) = self.key(home, id).cloned() {
            self.put_key(home, key.in_state(state));
        }
    }

    /// The key with this id
    pub fn key(&self, home: &Home, id: &str) -> Option<&Key> {
        self.stores.get(home)?.keys.get(id)
    }

    /// Every alias as it truly is, AWS's own included, with the bare id of its key
    pub fn aliases(&self, home: &Home) -> BTreeMap<String, Option<String>> {
        let aliases = self.stores.get(home).into_iter().flat_map(|store| store.aliases.iter());
        aliases.map(|(name, alias)| (name.to_string(), alias.target.as_deref().map(str::to_owned))).collect()
    }

    pub(super) fn store(&mut self, home: &Home) -> &mut Store {
        self.stores.entry(home.clone()).or_insert_with(Store::untouched)
    }

    /// The Regions in which the account has a key with this id
    pub(super) fn regions_of(&self, account: &str, id: &str) -> Vec<Arc<str>> {
        let here =
            |(home, store): &(&Home, &Store)| *home.account == *account && store.keys.get(id).is_some();
        self.stores.iter().filter(here).map(|(home, _)| home.region.clone()).collect()
    }

    /// A number nobody has had before, scattered over 128 bits
    pub(super) fn next_identifier(&mut self) -> u128 {
        self.identifiers += 1;
        identifiers::scatter(self.identifiers)
    }
}
