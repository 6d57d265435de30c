//! From an operation's name to its rule, and what every rule needs: who calls, where, when, and which key or alias is meant.

use std::sync::Arc;

use serde_json::Value;

use super::aliases::Aliases;
use super::input::Input;
use super::keys::Key;
use super::reference::{self, Named};
use super::refusal::{self, ServiceError};
use super::world::{Home, Millis, Request, Store, World};
use super::{alias_calls, key_calls, key_settings, sts};

/// The output of an operation, or its refusal
pub(super) type Outcome = Result<Value, ServiceError>;

/// One call while it is being answered
pub(super) struct Call<'a> {
    pub(super) world: &'a mut World,
    pub(super) at: Millis,
    pub(super) home: Home,
    pub(super) caller: String,
    pub(super) action: String,
    pub(super) input: Input<'a>,
}

/// Answers one call of the key service
pub(super) fn call(world: &mut World, at: Millis, home: Home, request: &Request<'_>) -> Outcome {
    let rule = rule(request.operation).ok_or_else(|| refusal::unknown_operation(request.operation))?;
    let caller = sts::caller_arn(world, &home, request.caller);
    let action = format!("kms:{}", request.operation);
    rule(&mut Call { world, at, home, caller, action, input: Input::new(request.input)? })
}

/// What an operation does
type Rule = fn(&mut Call<'_>) -> Outcome;

/// The operations of the key service
pub(super) const RULES: [(&str, Rule); 16] = [
    ("CreateAlias", alias_calls::create),
    ("UpdateAlias", alias_calls::update),
    ("DeleteAlias", alias_calls::delete),
    ("ListAliases", alias_calls::list),
    ("CreateKey", key_calls::create),
    ("DescribeKey", key_calls::describe),
    ("ListKeys", key_calls::list),
    ("EnableKey", key_calls::enable),
    ("DisableKey", key_calls::disable),
    ("ScheduleKeyDeletion", key_calls::schedule_deletion),
    ("CancelKeyDeletion", key_calls::cancel_deletion),
    ("TagResource", key_settings::tag),
    ("UntagResource", key_settings::untag),
    ("ListResourceTags", key_settings::list_tags),
    ("GetKeyPolicy", key_settings::policy),
    ("PutKeyPolicy", key_settings::put_policy),
];

fn rule(operation: &str) -> Option<Rule> {
    RULES.iter().find(|(name, _)| *name == operation).map(|(_, rule)| *rule)
}

impl<'a> Call<'a> {
    pub(super) fn store(&mut self) -> &mut Store {
        self.world.store(&self.home)
    }

    /// The aliases, where the lag is being looked at as well; `World::call` has made sure that there are some
    pub(super) fn aliases(&self) -> &Aliases {
        &self.world.stores[&self.home].aliases
    }

    /// What `text` names: a key or an alias of this account and Region
    pub(super) fn named<'t>(&self, text: &'t str) -> Result<Named<'t>, ServiceError> {
        reference::parse(text, &self.home, &self.caller, &self.action)
    }

    /// The existing key that `text` names by id or ARN
    pub(super) fn key(&mut self, text: &str) -> Result<Key, ServiceError> {
        match self.named(text)? {
            Named::Key(id) => self.key_with_id(id),
            Named::Alias(_) => Err(refusal::not_found(format!("Invalid keyId '{text}'"))),
        }
    }

    /// The existing key with this id
    pub(super) fn key_with_id(&mut self, id: &str) -> Result<Key, ServiceError> {
        let key = self.world.store(&self.home).keys.get(id).cloned();
        key.ok_or_else(|| refusal::no_such_key(&self.home, id))
    }

    /// The existing customer managed key that `text` names: the policies of AWS's own let nobody change them
    pub(super) fn own_key(&mut self, text: &str) -> Result<Key, ServiceError> {
        let key = self.key(text)?;
        if key.aws_managed {
            return Err(refusal::not_by_key_policy(&self.caller, &self.action, &self.home.key_arn(&key.id)));
        }
        Ok(key)
    }

    /// The member `KeyId`, unchecked
    pub(super) fn key_id(&mut self) -> Result<&'a str, ServiceError> {
        self.input.text("KeyId", 1..=2048)
    }

    /// The key's ARN
    pub(super) fn arn(&self, key: &Key) -> String {
        self.home.key_arn(&key.id)
    }

    /// Puts the changed key in its place
    pub(super) fn write_key(&mut self, key: Key) {
        self.store().keys.put(key);
        self.world.revision += 1;
    }

    /// The replica whose turn it is to answer this `question`
    ///
    /// Each question has its own turns: a client that asks two of them alternately still meets every replica with both.
    pub(super) fn next_replica(&mut self, question: &str) -> usize {
        let replicas = self.world.lag.replicas();
        if replicas == 1 {
            return 0;
        }
        let turn = self.store().turns.entry(question.to_owned()).or_default();
        *turn += 1;
        (*turn - 1) % replicas
    }

    /// A new UUID
    pub(super) fn identifier(&mut self, shape: fn(u128) -> String) -> Arc<str> {
        shape(self.world.next_identifier()).into()
    }
}

/// A moment as the service writes it: seconds since 1970 with a fraction
pub(super) fn date(at: Millis) -> Value {
    // exact up to the year 287,396
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of any real date fit the 53 bits of a double"
    )]
    let seconds = at as f64 / 1000.0;
    seconds.into()
}
