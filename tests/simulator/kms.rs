//! The boundary to the simulated service, on virtual time: what the program is handed instead of the AWS SDK.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kms_alias::alias::{AliasName, KeyId};
use kms_alias::cli::exit::Exit;
use kms_alias::cli::stop::Stop;
use kms_alias::kms::authorization::AuthorizationPage;
use kms_alias::kms::{
    AccountPage, AliasPage, Calls, EventPage, Fault, IamRead, Identity, KeyFacts, KeyPage, KmsError, KmsRead,
    KmsWrite, OrgRead, OuPage, TrailRead, Written,
};
use kms_alias::poll::{now, wait};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::notebook::Notebook;
use super::rules::Rule;
use super::service::{Departure, Service};
use super::shown::Shown;
use super::watch::Listing;
use super::weather::Kind;
use super::wishes::WRITES;
use super::world::{At, Refused};

/// A stream that can be read back
#[derive(Clone, Debug, Default)]
pub struct Stream(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Stream {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// The ways in which a run is ended from outside, and what it printed
#[derive(Default)]
pub struct Ends {
    pub crash: Notify,
    pub stop: Stop,
    /// Whether it does not hear a request to stop
    pub deaf: bool,
    pub out: Stream,
    pub err: Stream,
    pub receipt: Notebook,
}

/// The clock of a simulation
#[derive(Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    pub fn start() -> Self {
        Self(now())
    }

    pub fn at(&self) -> At {
        now().duration_since(self.0).as_millis() as At
    }
}

pub async fn pause(milliseconds: At) {
    if milliseconds > 0 {
        wait(Duration::from_millis(milliseconds as u64), &CancellationToken::new()).await;
    }
}

/// The service as one run of the program reaches it
#[derive(Clone)]
pub struct SimKms {
    pub service: Arc<Mutex<Service>>,
    pub clock: Clock,
    pub process: usize,
    pub ends: Arc<Ends>,
}

impl SimKms {
    fn service(&self) -> MutexGuard<'_, Service> {
        self.service.lock().unwrap()
    }

    /// One call, from its departure to its answer; `Some(Kind::Page)` where that is to be garbled
    async fn call<T: Debug + Send>(
        &self,
        operation: &'static str,
        (name, key): (&str, &str),
        answer: impl FnOnce(&mut Service, At) -> Result<T, Refused> + Send,
    ) -> Result<(T, Option<Kind>), KmsError> {
        self.read_plan(operation);
        let Departure { fate, crash, stop } =
            self.service().depart(self.process, operation, name, key, self.clock.at());
        if WRITES.contains(&operation) && !self.ends.receipt.announces(operation, name, key) {
            let why = format!("{operation} {name} was not in the receipt when it left");
            self.service().judge(self.process, self.clock.at(), Err(Rule::Receipt.broken(why)));
        }
        if stop && !self.ends.deaf {
            self.ends.stop.ask(Exit::Interrupted);
        }
        if crash == Some(false) {
            self.die(operation).await;
        }
        pause(fate.there).await;
        let call = (self.process, operation, name);
        let answer = self.service().arrive(call, &fate, self.clock.at(), answer);
        if crash == Some(true) {
            self.die(operation).await;
        }
        pause(fate.back).await;
        match (fate.trouble, answer) {
            (Some((Kind::Page, _)), Some(Ok(answer))) => Ok((answer, Some(Kind::Page))),
            (Some((kind, _)), _) => Err(trouble(operation, kind)),
            (None, None) => Err(trouble(operation, Kind::Throttled)),
            (None, Some(Ok(answer))) => Ok((answer, None)),
            (None, Some(Err(Refused { fault, code, message }))) => {
                Err(error(operation, fault, Some(code), &message))
            }
        }
    }

    /// What a person could have read before the first write
    fn read_plan(&self, operation: &str) {
        let mut service = self.service();
        let watch = &mut service.processes[self.process].watch;
        if watch.shown.is_none() && WRITES.contains(&operation) {
            watch.shown = Some(Shown::parse(&self.ends.out.text()));
        }
    }

    /// What the plan shows of an alias, as though a look had shown the same
    pub fn planned(&self, name: &AliasName) -> Option<KeyFacts> {
        let service = self.service();
        let text = self.ends.out.text();
        let from = Shown::parse(&text).changes.get(name.as_str())?.from.clone()?;
        let id = service.world.keys.keys().find(|id| id.starts_with(&from))?;
        service.world.facts(id)
    }

    async fn die(&self, operation: &str) {
        self.service().note(self.clock.at(), || format!("run {} dies at {operation}", self.process));
        self.ends.crash.notify_one();
        std::future::pending().await
    }

    async fn write(&self, operation: &'static str, name: &AliasName, key: &str) -> Result<Written, KmsError> {
        let (process, name) = (self.process, name.as_str());
        let write = |service: &mut Service, at| service.write(process, operation, name, key, at);
        self.call(operation, (name, key), write).await?;
        Ok(Written { request_id: Some("simulated".to_owned()) })
    }
}

fn trouble(operation: &'static str, kind: Kind) -> KmsError {
    let (fault, code, message) = match kind {
        Kind::Throttled => (Fault::Throttled, Some("ThrottlingException"), "rate exceeded"),
        Kind::Internal => (Fault::Unknown, Some("KMSInternalException"), "internal failure"),
        Kind::Dropped => (Fault::Unknown, None, "no answer: connection closed"),
        Kind::Silent => (Fault::Unknown, None, "no answer in time"),
        Kind::Malformed | Kind::Page => (Fault::Unknown, None, "the answer cannot be read"),
        Kind::NotSent => (Fault::NotSent, None, "no answer: connection refused"),
        Kind::Denied => (Fault::AccessDenied, Some("AccessDeniedException"), "not authorized"),
        Kind::Expired => (Fault::Credentials, Some("ExpiredTokenException"), "the token has expired"),
    };
    error(operation, fault, code, message)
}

fn error(operation: &'static str, fault: Fault, code: Option<&str>, message: &str) -> KmsError {
    let (code, message) = (code.map(str::to_owned), message.to_owned());
    KmsError { fault, operation, code, message, request_id: None }
}

/// A page of a listing, in a few words
struct Page(AliasPage);

impl Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for alias in &self.0.aliases {
            write!(f, "{}={} ", alias.name, alias.target.as_ref().map_or("nothing", KeyId::short))?;
        }
        write!(f, "then {:?}", self.0.next_marker)
    }
}

impl KmsRead for SimKms {
    async fn identity(&self) -> Result<Identity, KmsError> {
        self.call("GetCallerIdentity", ("", ""), |_, _| Ok(())).await?;
        Ok(Identity {
            account: "111122223333".into(),
            region: "us-east-1".into(),
            partition: "aws".into(),
            caller: "arn:aws:iam::111122223333:user/simulated".into(),
        })
    }

    async fn alias_page(&self, marker: Option<&str>) -> Result<AliasPage, KmsError> {
        self.service().processes[self.process].watch.listing = Listing::Reading;
        let process = self.process;
        let list = |service: &mut Service, at| Ok(Page(service.page(process, marker, at)));
        let page = self.call("ListAliases", ("", ""), list).await;
        let page = page.map(|(Page(mut page), kind)| {
            if kind.is_some() {
                self.service().garble(&mut page.next_marker, page.truncated, marker);
            }
            (page, kind)
        });
        if !matches!(page, Ok((_, None))) {
            self.service().processes[process].watch.listing = Listing::Broken;
        }
        let (page, _) = page?;
        self.service().processes[process].watch.listed(&page, marker.is_none());
        Ok(page)
    }

    async fn key_alias_page(&self, key: &KeyId, _: Option<&str>) -> Result<AliasPage, KmsError> {
        let (process, id) = (self.process, key.as_str());
        let list = |service: &mut Service, at| Ok(Page(service.page_of(process, id, at)));
        let (Page(mut page), kind) = self.call("ListAliases", ("", id), list).await?;
        // Half of an answer: it says that more follows, and not where.
        page.truncated = kind.is_some();
        Ok(page)
    }

    async fn key_policy(&self, _: &KeyId) -> Result<String, KmsError> {
        Ok("{}".to_owned())
    }

    async fn describe_key(&self, key: &KeyId) -> Result<KeyFacts, KmsError> {
        let unknown = |id: &str| Refused {
            fault: Fault::NotFound,
            code: "NotFoundException",
            message: format!("Key '{id}' does not exist"),
        };
        let id = key.as_str();
        let describe = |service: &mut Service, _| service.world.facts(id).ok_or_else(|| unknown(id));
        Ok(self.call("DescribeKey", (id, ""), describe).await?.0)
    }

    async fn describe_alias(&self, name: &AliasName) -> Result<KeyFacts, KmsError> {
        let missing =
            error("DescribeKey", Fault::NotFound, Some("NotFoundException"), "the alias is not found");
        self.probe_alias(name).await?.ok_or(missing)
    }

    async fn key_page(&self, marker: Option<&str>) -> Result<KeyPage, KmsError> {
        let list = |service: &mut Service, _| Ok(service.key_page(marker));
        let (mut page, kind) = self.call("ListKeys", ("", ""), list).await?;
        if kind.is_some() {
            self.service().garble(&mut page.next_marker, page.truncated, marker);
        }
        Ok(page)
    }

    async fn tags(&self, _: &KeyId) -> Result<BTreeMap<String, String>, KmsError> {
        Ok(BTreeMap::new())
    }

    async fn probe_alias(&self, name: &AliasName) -> Result<Option<KeyFacts>, KmsError> {
        let (process, text) = (self.process, name.as_str());
        let look = |service: &mut Service, at| {
            let look = service.look(process, text, at);
            Ok((look, look.answer.and_then(|id| service.world.facts(id))))
        };
        let ((look, facts), _) = self.call("DescribeKey", (text, ""), look).await?;
        self.service().processes[process].watch.looked(text, look, self.clock.at());
        Ok(facts)
    }

    fn calls(&self) -> Calls {
        Calls::from([("all".to_owned(), u64::from(self.service().processes[self.process].calls))])
    }
}

impl IamRead for SimKms {
    async fn authorization_page(&self, _: Option<&str>) -> Result<AuthorizationPage, KmsError> {
        Err(trouble("GetAccountAuthorizationDetails", Kind::Denied))
    }
}

impl TrailRead for SimKms {
    async fn event_page(&self, _: &str, _: Option<&str>) -> Result<EventPage, KmsError> {
        Err(trouble("LookupEvents", Kind::Denied))
    }
}

/// Its manifests name every account
impl OrgRead for SimKms {
    async fn ou_page(&self, _: &str, _: Option<&str>) -> Result<OuPage, KmsError> {
        Err(trouble("ListOrganizationalUnitsForParent", Kind::Denied))
    }

    async fn account_page(&self, _: &str, _: Option<&str>) -> Result<AccountPage, KmsError> {
        Err(trouble("ListAccountsForParent", Kind::Denied))
    }
}

impl KmsWrite for SimKms {
    async fn create_alias(&self, name: &AliasName, key: &KeyId) -> Result<Written, KmsError> {
        self.write("CreateAlias", name, key.as_str()).await
    }

    async fn update_alias(&self, name: &AliasName, key: &KeyId) -> Result<Written, KmsError> {
        self.write("UpdateAlias", name, key.as_str()).await
    }

    async fn delete_alias(&self, name: &AliasName) -> Result<Written, KmsError> {
        self.write("DeleteAlias", name, "").await
    }
}
