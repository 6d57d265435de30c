//! A writer -> the same writer, every call of which is in the receipt before it is made, and its answer after.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::event::{Answer, Call, Event, Meaning};
use super::{Broken, Receipt};
use crate::alias::{AliasName, KeyId};
use crate::kms::contact::Contact;
use crate::kms::{
    AliasPage, Calls, Fault, Identity, KeyFacts, KeyPage, KmsError, KmsRead, KmsWrite, Written,
};

/// A writer whose calls are recorded
#[derive(Debug)]
pub struct Recorded<'a, K> {
    kms: &'a K,
    receipt: &'a Receipt,
    target: &'a str,
    names: Mutex<Names>,
}

/// What is known of the names as the calls go by
#[derive(Debug, Default)]
struct Names {
    /// The call that is announced for each, and not made yet; without a number where only the call matters, not the receipt
    announced: BTreeMap<AliasName, Option<u64>>,
    /// Those that we deleted, or may have
    deleted: BTreeSet<AliasName>,
}

impl<'a, K> Recorded<'a, K> {
    /// `kms`, recorded in `receipt` as the target of this name
    pub fn new(kms: &'a K, receipt: &'a Receipt, target: &'a str) -> Self {
        Self { kms, receipt, target, names: Mutex::default() }
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the call that was announced for this name; no other is ever made
    fn begin(&self, operation: &'static str, name: &AliasName) -> Result<Option<u64>, KmsError> {
        let announced = self.names().announced.remove(name);
        announced.ok_or_else(|| unrecorded(operation, "nobody has announced it"))
    }

    /// Adds what came back; that it cannot be added ends the next call, not this one
    fn conclude(&self, call: Option<u64>, name: &AliasName, written: &Result<Written, KmsError>) {
        let (answer, request_id, error) = match written {
            Ok(written) => (Meaning::Done, written.request_id.clone(), None),
            Err(error) => (meaning(error.fault), error.request_id.clone(), Some(error.to_string())),
        };
        if let Some(call) = call {
            self.answer(name, Answer { call, answer, request_id, error });
        }
    }

    fn answer(&self, name: &AliasName, answer: Answer) {
        if let Err(broken) = self.receipt.add(Event::Answer(answer)) {
            tracing::warn!(%broken, alias = %name, "an answer is not in the receipt");
        }
    }
}

/// What the service calls a write between these two
fn operation(before: Option<&KeyId>, after: Option<&KeyId>) -> &'static str {
    match (before, after) {
        (_, None) => "DeleteAlias",
        (None, Some(_)) => "CreateAlias",
        (Some(_), Some(_)) => "UpdateAlias",
    }
}

fn meaning(fault: Fault) -> Meaning {
    if fault == Fault::Unknown { Meaning::Unclear } else { Meaning::Refused }
}

fn unrecorded(operation: &'static str, why: &str) -> KmsError {
    let message = format!("the receipt cannot be written, so the call was not made: {why}");
    KmsError { fault: Fault::NotRecorded, operation, code: None, message, request_id: None }
}

impl<K: KmsWrite> KmsWrite for Recorded<'_, K> {
    async fn announce(
        &self,
        name: &AliasName,
        before: Option<&KeyId>,
        after: Option<&KeyId>,
    ) -> Result<(), KmsError> {
        let operation = operation(before, after);
        let text = |key: Option<&KeyId>| key.map(KeyId::to_string);
        let (target, alias) = (self.target.to_owned(), name.to_string());
        let (before, after) = (text(before), text(after));
        let comes_back = after.is_some() && self.names().deleted.contains(name);
        let call = |call| Call { call, target, operation: operation.to_owned(), alias, before, after };
        let number = match self.receipt.call(call).await {
            Ok(number) => Some(number),
            // A name that we deleted ourselves has to come back, receipt or not.
            Err(_) if comes_back => None,
            Err(Broken(why)) => return Err(unrecorded(operation, &why)),
        };
        self.names().announced.insert(name.clone(), number);
        Ok(())
    }

    fn withdraw(&self, name: &AliasName) {
        let Some(call) = self.names().announced.remove(name).flatten() else { return };
        let error = Some("not sent: nothing more is to be written".to_owned());
        self.answer(name, Answer { call, answer: Meaning::Refused, request_id: None, error });
    }

    async fn create_alias(&self, name: &AliasName, key: &KeyId) -> Result<Written, KmsError> {
        let call = self.begin("CreateAlias", name)?;
        let written = self.kms.create_alias(name, key).await;
        self.conclude(call, name, &written);
        written
    }

    async fn update_alias(&self, name: &AliasName, key: &KeyId) -> Result<Written, KmsError> {
        let call = self.begin("UpdateAlias", name)?;
        let written = self.kms.update_alias(name, key).await;
        self.conclude(call, name, &written);
        written
    }

    async fn delete_alias(&self, name: &AliasName) -> Result<Written, KmsError> {
        let call = self.begin("DeleteAlias", name)?;
        self.names().deleted.insert(name.clone());
        let written = self.kms.delete_alias(name).await;
        self.conclude(call, name, &written);
        written
    }
}

impl<K: KmsRead> KmsRead for Recorded<'_, K> {
    async fn identity(&self) -> Result<Identity, KmsError> {
        self.kms.identity().await
    }

    async fn alias_page(&self, marker: Option<&str>) -> Result<AliasPage, KmsError> {
        self.kms.alias_page(marker).await
    }

    async fn key_alias_page(&self, key: &KeyId, marker: Option<&str>) -> Result<AliasPage, KmsError> {
        self.kms.key_alias_page(key, marker).await
    }

    async fn key_policy(&self, key: &KeyId) -> Result<String, KmsError> {
        self.kms.key_policy(key).await
    }

    async fn describe_key(&self, key: &KeyId) -> Result<KeyFacts, KmsError> {
        self.kms.describe_key(key).await
    }

    async fn describe_alias(&self, name: &AliasName) -> Result<KeyFacts, KmsError> {
        self.kms.describe_alias(name).await
    }

    async fn probe_alias(&self, name: &AliasName) -> Result<Option<KeyFacts>, KmsError> {
        self.kms.probe_alias(name).await
    }

    async fn key_page(&self, marker: Option<&str>) -> Result<KeyPage, KmsError> {
        self.kms.key_page(marker).await
    }

    async fn tags(&self, key: &KeyId) -> Result<BTreeMap<String, String>, KmsError> {
        self.kms.tags(key).await
    }

    fn calls(&self) -> Calls {
        self.kms.calls()
    }

    fn contact(&self) -> Contact {
        self.kms.contact()
    }
}
