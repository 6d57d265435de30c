//! A writer -> the same writer, every call of which is in the receipt before it is made, and its answer after.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::event::{Answer, Call, Meaning};
use super::{Broken, Receipt};
use crate::alias::{AliasName, KeyId};
use crate::kms::contact::Contact;
use crate::kms::{
    AliasPage, Calls, Fault, Identity, KeyFacts, KeyPage, KmsError, KmsRead, KmsWrite, Written,
};
use crate::plan::Plan;

/// A writer whose calls are recorded
#[derive(Debug)]
pub struct Recorded<'a, K> {
    kms: &'a K,
    receipt: &'a Receipt,
    target: &'a str,
    /// Cancelled when no more calls are to be made
    stop: &'a CancellationToken,
    names: Mutex<Names>,
}

/// What is known of the names as the calls go by
#[derive(Debug, Default)]
struct Names {
    /// The key that each is on, by the plan and by what was done since
    on: BTreeMap<AliasName, Option<KeyId>>,
    /// Those that we deleted, or may have
    deleted: BTreeSet<AliasName>,
}

impl<'a, K> Recorded<'a, K> {
    /// `kms`, recorded in `receipt` as the target of this name; `plan` says what each alias was on
    pub fn new(
        kms: &'a K,
        receipt: &'a Receipt,
        target: &'a str,
        plan: &Plan,
        stop: &'a CancellationToken,
    ) -> Self {
        let actions = plan.stages.iter().flatten();
        let on = actions.map(|action| (action.name().clone(), action.keys().0.cloned())).collect();
        Self { kms, receipt, target, stop, names: Mutex::new(Names { on, ..Names::default() }) }
    }

    /// Announces a call; it must not be made if that fails
    async fn announce(
        &self,
        operation: &'static str,
        name: &AliasName,
        after: Option<&KeyId>,
    ) -> Result<Option<u64>, KmsError> {
        let (before, deleted) = {
            let names = self.names();
            (names.on.get(name).cloned().flatten(), names.deleted.contains(name))
        };
        let before = before.map(|key| key.to_string());
        let (target, alias) = (self.target.to_owned(), name.to_string());
        let after = after.map(KeyId::to_string);
        let deletes = after.is_none();
        let call = |call| Call { call, target, operation: operation.to_owned(), alias, before, after };
        let recorded = match self.receipt.call(call).await {
            Ok(number) => Some(number),
            // A name that we deleted ourselves has to come back, receipt or not.
            Err(_) if deleted && !deletes => None,
            Err(Broken(why)) => return Err(unrecorded(operation, &why)),
        };
        // Somebody may have asked while the line was on its way to the disk; what we deleted has to come back all the same.
        let comes_back = deleted && !deletes;
        if self.stop.is_cancelled() && !comes_back {
            let stopped = Err(stopped(operation));
            self.conclude(recorded, name, None, &stopped).await;
            return stopped.map(|_| None);
        }
        if deletes {
            self.names().deleted.insert(name.clone());
        }
        Ok(recorded)
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what came back; that it cannot be added ends the next call, not this one
    async fn conclude(
        &self,
        call: Option<u64>,
        name: &AliasName,
        after: Option<&KeyId>,
        written: &Result<Written, KmsError>,
    ) {
        let (answer, request_id, error) = match written {
            Ok(written) => (Meaning::Done, written.request_id.clone(), None),
            Err(error) => (meaning(error.fault), error.request_id.clone(), Some(error.to_string())),
        };
        if answer == Meaning::Done {
            self.names().on.insert(name.clone(), after.cloned());
        }
        if let Some(call) = call {
            let answer = Answer { call, answer, request_id, error };
            if let Err(broken) = self.receipt.answer(answer).await {
                tracing::warn!(%broken, alias = %name, "an answer is not in the receipt");
            }
        }
    }
}

fn meaning(fault: Fault) -> Meaning {
    if fault == Fault::Unknown { Meaning::Unclear } else { Meaning::Refused }
}

fn unrecorded(operation: &'static str, why: &str) -> KmsError {
    let message = format!("the receipt cannot be written, so the call was not made: {why}");
    KmsError { fault: Fault::NotRecorded, operation, code: None, message, request_id: None }
}

fn stopped(operation: &'static str) -> KmsError {
    let message = "asked to stop before it was sent".to_owned();
    KmsError { fault: Fault::Stopped, operation, code: None, message, request_id: None }
}

impl<K: KmsWrite> KmsWrite for Recorded<'_, K> {
    async fn create_alias(&self, name: &AliasName, key: &KeyId) -> Result<Written, KmsError> {
        let call = self.announce("CreateAlias", name, Some(key)).await?;
        let written = self.kms.create_alias(name, key).await;
        self.conclude(call, name, Some(key), &written).await;
        written
    }

    async fn update_alias(&self, name: &AliasName, key: &KeyId) -> Result<Written, KmsError> {
        let call = self.announce("UpdateAlias", name, Some(key)).await?;
        let written = self.kms.update_alias(name, key).await;
        self.conclude(call, name, Some(key), &written).await;
        written
    }

    async fn delete_alias(&self, name: &AliasName) -> Result<Written, KmsError> {
        let call = self.announce("DeleteAlias", name, None).await?;
        let written = self.kms.delete_alias(name).await;
        self.conclude(call, name, None, &written).await;
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
