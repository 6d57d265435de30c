//! Answers over HTTP -> the adapter to the AWS SDK, and what has to hold whatever an endpoint answers. Time is paused, so that the
//! SDK's retries take none.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::future::Future;
use std::sync::Arc;

use kms_alias::access::account::{Accounts, Policies};
use kms_alias::alias::{AliasName, KeyId, is_account};
use kms_alias::fleet::Trouble;
use kms_alias::kms::aws::AwsKms;
use kms_alias::kms::connect::{AwsConnect, Options};
use kms_alias::kms::{Connect, Fault, Identity, KeyFacts, KmsError, KmsRead, KmsWrite, Written};
use kms_alias::list::{Snapshot, aliases_of, list};
use kms_alias::load::{Input, load};
use kms_alias::scope::Scope;
use kms_alias::target::{Target, targets};
use serde_json::Value;

use super::endpoint::{Answer, Endpoint};
use super::{A, B, assert_tame};

/// More than the texts of an error may have, so that nobody's log is filled by an endpoint
const LONG: usize = 20_000;
/// How often the adapter sends a read
const ATTEMPTS: usize = 5;

/// Whatever the answers are: each call ends after so many requests, what is read is whole or an error with a harmless text, what is
/// read of a key is of that key, and a write is only done where the service has said so
pub fn bodies(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let endpoint = Endpoint::parse(bytes);
    runtime.expect("it needs nothing").block_on(async {
        let [own, assumed] = targets_of_both_kinds();
        let service = Service::reach(endpoint.clone(), &own).await;
        service.listing().await; // first, since the aliases of one key are pages of the same operation
        service.reads().await;
        service.writes().await;
        Service::reach(endpoint, &assumed).await.identity().await;
    });
}

/// One with the credentials that there are, one with a role
fn targets_of_both_kinds() -> [Target; 2] {
    let text = "version: 1\nscope: [alias/app/]\naliases: {}\n";
    let manifest = load(&[Input::Stdin(text.into())]).expect("it is a good manifest");
    let own = targets(&manifest).remove(0);
    let mut assumed = own.clone();
    assumed.roles.plan = Some("arn:aws:iam::111122223333:role/kms-alias-read".into());
    [own, assumed]
}

/// The adapter, and the endpoint behind it
struct Service {
    kms: AwsKms,
    endpoint: Endpoint,
}

/// What a call came to, and what it was answered
struct Asked<T, E> {
    result: Result<T, E>,
    requests: usize,
    given: Vec<(String, Arc<Answer>)>,
}

impl Service {
    async fn reach(endpoint: Endpoint, target: &Target) -> Self {
        let endpoint_url = Some("http://memory".to_owned());
        let options = Options { endpoint_url, sandbox: true, ..Options::default() };
        let kms = AwsConnect::through(endpoint.clone(), options).reader(target).await;
        Self { kms: kms.expect("it has a Region"), endpoint }
    }

    /// Makes one call, which ends, and tells what went wrong with it in a text that is fit to be read
    async fn ask<T, E: Error + 'static>(&self, call: impl Future<Output = Result<T, E>>) -> Asked<T, E> {
        let most = ATTEMPTS * (self.endpoint.left() + 1);
        self.endpoint.take();
        let result = call.await;
        let (requests, given) = self.endpoint.take();
        assert!(requests <= most, "{requests} requests, where {most} could be answered");
        if let Err(error) = &result {
            assert_fit(&Trouble::new(error, None).sentence);
        }
        Asked { result, requests, given }
    }

    async fn reads(&self) {
        let key = KeyId::from_service(A);
        let identity = self.identity().await;
        let described = self.ask(self.kms.describe_key(&key)).await.result;
        if let Ok(facts) = described {
            assert_eq!(facts.id, key, "of the key that was asked for");
            assert_facts(&facts);
        }
        let name = AliasName::parse("alias/app/a").expect("it is a name");
        if let Ok(Some(facts)) = self.ask(self.kms.probe_alias(&name)).await.result {
            assert_facts(&facts);
        }
        if let Ok(page) = self.ask(self.kms.key_page(None)).await.result {
            page.keys.iter().for_each(|key| assert_fit(key.as_str()));
        }
        let _ = self.ask(self.kms.tags(&key)).await;
        let _ = self.ask(self.kms.key_policy(&key)).await;
        let _ = self.ask(aliases_of(&self.kms, &key)).await;
        let policies = Policies { accounts: Some(Accounts::default()), ..Policies::default() };
        let (_, unread) = policies.of(&identity.unwrap_or_else(nobody), &self.kms).await;
        unread.iter().for_each(|unread| assert_fit(&unread.why));
    }

    async fn identity(&self) -> Option<Identity> {
        let identity = self.ask(self.kms.identity()).await.result.ok()?;
        assert!(is_account(&identity.account), "{identity:?}");
        [&identity.caller, &identity.partition].iter().for_each(|text| assert_fit(text));
        Some(identity)
    }

    /// A listing holds what its pages hold, by another reader of them, and they are all
    async fn listing(&self) {
        let scope = Scope { prefixes: vec!["alias/app/".into()], ..Scope::default() };
        let Asked { result, given, .. } = self.ask(list(&self.kms, &scope, &BTreeSet::new())).await;
        let Ok(snapshot) = result else { return };
        let answers =
            given.iter().map(|(_, answer)| answer).filter(|answer| (200..300).contains(&answer.status));
        // The SDK passes over what it has no use for, and does not see that it is no JSON.
        let read = answers.map(|answer| serde_json::from_slice(&answer.body)).collect();
        let Ok::<Vec<Value>, _>(pages) = read else { return };
        let more: Vec<bool> = pages.iter().map(|page| page["Truncated"] == true).collect();
        assert!(more.iter().rev().skip(1).all(|more| *more) && more.last() == Some(&false), "{pages:?}");
        assert_eq!(live(&snapshot), expected(&pages));
    }

    /// A write is one request, and done only where its answer says so
    async fn writes(&self) {
        let (name, key) = (AliasName::parse("alias/app/a").expect("it is a name"), KeyId::from_service(B));
        assert_written(&self.ask(self.kms.create_alias(&name, &key)).await);
        assert_written(&self.ask(self.kms.update_alias(&name, &key)).await);
        assert_written(&self.ask(self.kms.delete_alias(&name)).await);
    }
}

fn nobody() -> Identity {
    let [account, region, partition, caller] =
        ["111122223333", "us-east-1", "aws", "arn:aws:iam::111122223333:user/x"].map(Into::into);
    Identity { account, region, partition, caller }
}

/// Short, and nothing in it acts
fn assert_fit(text: &str) {
    assert!(text.len() < LONG, "{} bytes", text.len());
    assert_tame(text);
    assert!(!text.contains('\n'), "{text:?}");
}

fn assert_facts(facts: &KeyFacts) {
    let KeyFacts { id, state, spec, usage, .. } = facts;
    [id.as_str(), state, spec, usage].iter().for_each(|text| assert_fit(text));
    assert!(!id.as_str().is_empty());
    let _ = facts.family();
}

fn assert_written(asked: &Asked<Written, KmsError>) {
    assert!(asked.requests <= 1, "{} requests", asked.requests);
    let answer = asked.given.first().map(|(_, answer)| answer);
    match &asked.result {
        Ok(written) => {
            let answer = answer.expect("there was an answer");
            assert!(answer.status == 200 && is_nothing(&answer.body), "{answer:?}");
            written.request_id.iter().for_each(|id| assert_fit(id));
        }
        // What may have been made is never told as refused.
        Err(error) if answer.is_none_or(|answer| answer.status < 400) => {
            let said = answer.is_some_and(|answer| answer.status >= 300) && error.code.is_some();
            assert!(error.fault == Fault::Unknown || said, "{error:?}");
        }
        Err(error) => error.hint().iter().for_each(|hint| assert_fit(hint)),
    }
}

/// Whether a body says no more than that there is nothing to say
fn is_nothing(body: &[u8]) -> bool {
    let said = serde_json::from_slice::<Value>(body);
    body.trim_ascii().is_empty()
        || said.is_ok_and(|said| said.is_null() || said.as_object().is_some_and(|it| it.is_empty()))
}

/// What the pages hold in scope
fn expected(pages: &[Value]) -> BTreeMap<String, Option<String>> {
    let entries = pages.iter().flat_map(|page| page["Aliases"].as_array().into_iter().flatten());
    let of = |entry: &Value| {
        let key = entry["TargetKeyId"].as_str().filter(|key| !key.is_empty());
        let key = key.map(|key| KeyId::from_service(key).as_str().to_owned());
        (entry["AliasName"].as_str().unwrap_or_default().to_owned(), key)
    };
    entries.map(of).filter(|(name, _)| name.starts_with("alias/app/")).collect()
}

fn live(snapshot: &Snapshot) -> BTreeMap<String, Option<String>> {
    let key = |key: Option<&KeyId>| key.map(|key| key.as_str().to_owned());
    snapshot.live.iter().map(|(name, live)| (name.as_str().to_owned(), key(live.key.as_ref()))).collect()
}
