//! Deliberate bugs: the program as it would be with one of them, by what lies between it and the service, or by what it is told.
//! A simulator that does not catch them proves nothing.

use std::collections::{BTreeMap, BTreeSet};

use kms_alias::alias::{AliasName, KeyId};
use kms_alias::kms::authorization::AuthorizationPage;
use kms_alias::kms::{
    AccountPage, AliasPage, Calls, EventPage, Fault, IamRead, Identity, KeyFacts, KeyPage, KmsError, KmsRead,
    KmsWrite, OrgRead, OuPage, TrailRead, Written,
};

use kms_alias::receipt::event::{Answer, Call, Event, Line, Meaning};

use super::kms::{SimKms, pause};
use super::rules::Rule;
use super::wishes::Wishes;
use super::world::{HMAC, World};

/// A bug that the program does not have
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A delete without a clear answer is sent again without another look
    RetryDeletesBlindly,
    /// AlreadyExists is taken for success, whoever has the name
    AcceptAlreadyExists,
    /// A listing ends where a page of it fails
    ShortListingIsTheWorld,
    /// A name that could not be read is taken for one that is not there
    TakeAnUnreadNameForNone,
    /// One clean listing is convergence
    TrustOneCleanRead,
    /// The look before a write is left out
    SkipTheProbe,
    /// Writes are sent as fast as they can be
    IgnoreTheLanes,
    /// Ignored names are written
    WriteIgnoredNames,
    /// Protected names are written
    ForgetProtection,
    /// What is not declared is deleted, though prune is off
    AlwaysPrune,
    /// A write is answered with success and never sent
    LoseWrites,
    /// The first name of a page is overlooked
    OverlookAName,
    /// An alias is moved to another key than the plan says
    MistakeTheKey,
    /// A request to stop is not heard
    IgnoreTheStop,
    /// A run that failed half way says that nothing was written
    DenyWhatWasWritten,
    /// The report says of an alias that was created that nothing was attempted
    DenyACreate,
    /// A write is in the receipt only after it was made
    ReceiptAfterTheWrite,
    /// A saved plan is planned anew, and that is carried out
    PlanAgain,
    /// The digest that is expected is not looked at
    ForgetTheDigest,
    /// A revert takes an alias for being where the apply left it, wherever it is
    TakeBackWhatOthersDid,
    /// A revert goes back to what was before the last call about a name, not the first
    GoBackOneCall,
    /// A revert takes a call without a clear answer for one that was made
    TakeOpenCallsForDone,
}

impl Bug {
    pub const ALL: [Self; 22] = [
        Self::RetryDeletesBlindly,
        Self::AcceptAlreadyExists,
        Self::ShortListingIsTheWorld,
        Self::TakeAnUnreadNameForNone,
        Self::TrustOneCleanRead,
        Self::SkipTheProbe,
        Self::IgnoreTheLanes,
        Self::WriteIgnoredNames,
        Self::ForgetProtection,
        Self::AlwaysPrune,
        Self::LoseWrites,
        Self::OverlookAName,
        Self::MistakeTheKey,
        Self::IgnoreTheStop,
        Self::DenyWhatWasWritten,
        Self::DenyACreate,
        Self::ReceiptAfterTheWrite,
        Self::PlanAgain,
        Self::ForgetTheDigest,
        Self::TakeBackWhatOthersDid,
        Self::GoBackOneCall,
        Self::TakeOpenCallsForDone,
    ];

    /// The rule that forbids it
    pub fn breaks(self) -> Rule {
        match self {
            Self::WriteIgnoredNames => Rule::Scope,
            Self::ShortListingIsTheWorld | Self::TakeAnUnreadNameForNone => Rule::WholeListing,
            Self::MistakeTheKey => Rule::Shown,
            Self::ForgetProtection | Self::AlwaysPrune => Rule::Kept,
            Self::IgnoreTheStop => Rule::Stop,
            Self::IgnoreTheLanes => Rule::Pace,
            Self::RetryDeletesBlindly | Self::SkipTheProbe => Rule::Taken,
            Self::AcceptAlreadyExists | Self::TrustOneCleanRead => Rule::Claim,
            Self::DenyWhatWasWritten => Rule::Exit,
            Self::DenyACreate => Rule::Report,
            Self::ReceiptAfterTheWrite => Rule::Receipt,
            Self::PlanAgain | Self::ForgetTheDigest => Rule::Stale,
            Self::TakeBackWhatOthersDid | Self::GoBackOneCall | Self::TakeOpenCallsForDone => Rule::Revert,
            Self::LoseWrites | Self::OverlookAName => Rule::Rest,
        }
    }

    /// What the program with the bug would have printed
    pub fn denies(self, out: String) -> String {
        if self == Self::DenyACreate { out.replace("  created   ", "  not attempted ") } else { out }
    }

    /// The receipt as a revert with the bug would understand it
    pub fn misreads(self, receipt: &str, world: &World) -> String {
        let read = receipt.lines().map(|line| serde_json::from_str(line).expect("a line of a receipt"));
        let mut lines: Vec<Line> = read.collect();
        // Later calls go before earlier ones of the same name.
        let last: BTreeMap<String, Call> =
            lines.iter().filter_map(call).map(|call| (call.alias.clone(), call.clone())).collect();
        for line in &mut lines {
            let Event::Call(call) = &mut line.event else { continue };
            match self {
                Self::TakeBackWhatOthersDid => call.after = world.now(&call.alias).map(str::to_owned),
                Self::GoBackOneCall => call.before.clone_from(&last[&call.alias].before),
                _ => {}
            }
        }
        if self == Self::TakeOpenCallsForDone {
            lines.extend(open(&lines).into_iter().map(done).collect::<Vec<_>>());
        }
        lines.iter().map(|line| serde_json::to_string(line).expect("a line") + "\n").collect()
    }

    /// The manifest as the program with the bug would understand it
    pub fn mistakes(self, wishes: &Wishes) -> Wishes {
        let mut wishes = wishes.clone();
        match self {
            Self::IgnoreTheLanes => wishes.rates = [1000; 3],
            Self::WriteIgnoredNames => wishes.ignore = false,
            Self::ForgetProtection => {
                wishes.undeletable.clear();
                wishes.unmovable.clear();
            }
            Self::AlwaysPrune => wishes.prune = true,
            _ => {}
        }
        wishes
    }
}

/// The call of a line, if it is one
fn call(line: &Line) -> Option<&Call> {
    if let Event::Call(call) = &line.event { Some(call) } else { None }
}

/// What the service says of a name that is not there
fn no_alias(error: KmsError) -> KmsError {
    KmsError { fault: Fault::NotFound, message: "the alias is not found".to_owned(), ..error }
}

/// The numbers of the calls without a clear answer
fn open(lines: &[Line]) -> BTreeSet<u64> {
    let mut open: BTreeSet<u64> = lines.iter().filter_map(call).map(|call| call.call).collect();
    for line in lines {
        if let Event::Answer(Answer { call, answer: Meaning::Done | Meaning::Refused, .. }) = &line.event {
            open.remove(call);
        }
    }
    open
}

/// The line that says that a call was made
fn done(call: u64) -> Line {
    let answer = Answer { call, answer: Meaning::Done, request_id: None, error: None };
    Line { time: String::new(), event: Event::Answer(answer) }
}

/// The boundary with a bug between it and the program, or with none
#[derive(Clone)]
pub struct Buggy {
    pub kms: SimKms,
    pub bug: Option<Bug>,
}

impl Buggy {
    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }
}

impl KmsRead for Buggy {
    async fn identity(&self) -> Result<Identity, KmsError> {
        self.kms.identity().await
    }

    async fn alias_page(&self, marker: Option<&str>) -> Result<AliasPage, KmsError> {
        let page = self.kms.alias_page(marker).await;
        if self.has(Bug::ShortListingIsTheWorld) {
            let mut page = page.unwrap_or_default();
            let leads_on =
                page.truncated && page.next_marker.as_deref().is_some_and(|next| Some(next) != marker);
            page.truncated = leads_on;
            page.next_marker = page.next_marker.filter(|_| leads_on);
            return Ok(page);
        }
        let mut page = page?;
        if self.has(Bug::OverlookAName) && !page.aliases.is_empty() {
            page.aliases.remove(0);
        }
        Ok(page)
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
        let described = self.kms.describe_alias(name).await;
        match described {
            Err(error) if self.has(Bug::TakeAnUnreadNameForNone) => Err(no_alias(error)),
            described => described,
        }
    }

    async fn key_page(&self, marker: Option<&str>) -> Result<KeyPage, KmsError> {
        self.kms.key_page(marker).await
    }

    async fn tags(&self, key: &KeyId) -> Result<BTreeMap<String, String>, KmsError> {
        self.kms.tags(key).await
    }

    async fn probe_alias(&self, name: &AliasName) -> Result<Option<KeyFacts>, KmsError> {
        if self.has(Bug::SkipTheProbe) {
            return Ok(self.kms.planned(name));
        }
        self.kms.probe_alias(name).await
    }

    fn calls(&self) -> Calls {
        self.kms.calls()
    }
}

impl IamRead for Buggy {
    async fn authorization_page(&self, marker: Option<&str>) -> Result<AuthorizationPage, KmsError> {
        self.kms.authorization_page(marker).await
    }
}

impl TrailRead for Buggy {
    async fn event_page(&self, name: &str, token: Option<&str>) -> Result<EventPage, KmsError> {
        self.kms.event_page(name, token).await
    }
}

impl OrgRead for Buggy {
    async fn ou_page(&self, parent: &str, token: Option<&str>) -> Result<OuPage, KmsError> {
        self.kms.ou_page(parent, token).await
    }

    async fn account_page(&self, parent: &str, token: Option<&str>) -> Result<AccountPage, KmsError> {
        self.kms.account_page(parent, token).await
    }
}

impl KmsWrite for Buggy {
    async fn create_alias(&self, name: &AliasName, key: &KeyId) -> Result<Written, KmsError> {
        if self.has(Bug::LoseWrites) {
            return Ok(Written::default());
        }
        match self.kms.create_alias(name, key).await {
            Err(error) if error.fault == Fault::AlreadyExists && self.has(Bug::AcceptAlreadyExists) => {
                Ok(Written::default())
            }
            answer => answer,
        }
    }

    async fn update_alias(&self, name: &AliasName, key: &KeyId) -> Result<Written, KmsError> {
        if self.has(Bug::LoseWrites) {
            return Ok(Written::default());
        }
        let other = KeyId::from_service(HMAC);
        self.kms.update_alias(name, if self.has(Bug::MistakeTheKey) { &other } else { key }).await
    }

    async fn delete_alias(&self, name: &AliasName) -> Result<Written, KmsError> {
        match self.kms.delete_alias(name).await {
            Err(error) if error.fault == Fault::Unknown && self.has(Bug::RetryDeletesBlindly) => {
                pause(1500).await; // within the pace
                match self.kms.delete_alias(name).await {
                    Err(error) if error.fault == Fault::NotFound => Ok(Written::default()),
                    answer => answer,
                }
            }
            answer => answer,
        }
    }
}
