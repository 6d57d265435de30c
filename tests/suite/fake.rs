//! FakeKms: the boundary on the embedded KMS without a socket, on tokio's clock, which these tests pause.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_smithy_types::date_time::{DateTime, Format};
use kms_alias::access::export::authorizations;
use kms_alias::alias::KeyRef;
use kms_alias::alias::{AliasName, KeyId};
use kms_alias::kms::authorization::AuthorizationPage;
use kms_alias::kms::{
    AccountPage, AliasPage, Calls, Connect, EventPage, Fault, IamRead, Identity, KeyFacts, KeyPage, KmsError,
    KmsRead, KmsWrite, ListedAlias, Member, OrgRead, OuPage, TrailRead, Written,
};
use kms_alias::poll::{now, wait};
use kms_alias::sandbox::{Answer, Call, Home, Key, Reply, Request, Scenario, Service, World};
use kms_alias::scope::Scope;
use kms_alias::target::{Declared, Guard, Guards, Limit, Manner, Place, Rates, Roles, Target, Want};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "us-east-1";
/// Symmetric keys of every test world
pub const A: &str = "aaaa1111-0000-4000-8000-000000000001";
pub const B: &str = "bbbb2222-0000-4000-8000-000000000002";
pub const C: &str = "cccc3333-0000-4000-8000-000000000003";

/// How long a request may stay without an answer, as in the adapter's own time-outs
const SILENCE: Duration = Duration::from_secs(15);

/// One account and Region of a shared world
#[derive(Clone)]
pub struct FakeKms {
    service: Arc<Mutex<Service>>,
    account: String,
    region: String,
    agent: String,
    began: Instant,
    /// Made by this client alone
    made: Arc<Mutex<Calls>>,
}

pub fn key(id: &str) -> KeyId {
    KeyId::from_service(id)
}

pub fn alias(name: &str) -> AliasName {
    AliasName::parse(name).unwrap()
}

/// Whoever plans on that world
pub fn identity() -> Identity {
    Identity {
        account: ACCOUNT.into(),
        region: REGION.into(),
        partition: "aws".into(),
        caller: "test".into(),
    }
}

pub fn home() -> Home {
    Home::new(ACCOUNT, REGION)
}

/// A world with the three keys and these aliases
pub fn world(aliases: &[(&str, &str)]) -> World {
    let mut world = World::default();
    for id in [A, B, C] {
        world.put_key(&home(), Key::new(id).described(&format!("key {}", &id[..4])));
    }
    for (name, key) in aliases {
        world.put_alias(&home(), name, Some(key), 0);
    }
    world
}

/// The target of that world, with these declarations; `absent` is a tombstone, `alias/…` follows, anything else is a key id
pub fn target(declared: &[(&str, &str)]) -> Target {
    let declare = |(line, (name, want)): (usize, &(&str, &str))| {
        let want = match *want {
            "absent" => Want::Absent,
            name if name.starts_with("alias/") => Want::Key(KeyRef::Alias(alias(name))),
            id => Want::Key(KeyRef::Id(key(id))),
        };
        let place = Place { file: "aliases.yaml".into(), line: line as u32 + 10, column: 3 };
        (alias(name), Declared { want, manner: Manner::default().into(), place })
    };
    let anything = Guard { limit: Limit::Percent(100.0), place: None };
    Target {
        name: "test".into(),
        groups: Vec::new(),
        account: Some(ACCOUNT.into()),
        awaits_accounts: false,
        region: Some(REGION.into()),
        profile: None,
        endpoint_url: None,
        roles: Roles::default(),
        scope: Scope { prefixes: vec!["alias/app/".into()], ..Scope::default() },
        prune: false,
        prune_place: None,
        rates: Rates::default(),
        protect: Vec::new(),
        guards: Guards { max_delete: anything.clone(), max_update: anything, min_existing: 0 },
        aliases: declared.iter().enumerate().map(declare).collect(),
    }
}

impl FakeKms {
    pub fn new(world: World, scenario: Scenario) -> Self {
        let service = Arc::new(Mutex::new(Service::new(world, scenario)));
        let agent = "aws-sdk-rust/1.4 api/kms app/kms-alias".to_owned();
        let (account, region) = (ACCOUNT.to_owned(), REGION.to_owned());
        Self { service, account, region, agent, began: now(), made: Arc::default() }
    }

    /// A world with these aliases that behaves
    pub fn with(aliases: &[(&str, &str)]) -> Self {
        Self::new(world(aliases), Scenario::default())
    }

    /// The same service, called from another account
    pub fn of_account(&self, account: &str) -> Self {
        Self { account: account.to_owned(), ..self.clone() }
    }

    /// The same service, called with this access key by another program
    pub fn of_client(&self, access_key: &str, agent: &str) -> Self {
        Self { agent: agent.to_owned(), ..self.of_account(access_key) }
    }

    pub fn service(&self) -> MutexGuard<'_, Service> {
        self.service.lock().unwrap()
    }

    /// The aliases as they truly are, AWS's own left out
    pub fn truth(&self) -> Vec<(String, String)> {
        let aliases = self.service().world().aliases(&home());
        let own = aliases.into_iter().filter(|(name, _)| !name.starts_with("alias/aws/"));
        own.map(|(name, key)| (name, key.unwrap_or_default())).collect()
    }

    /// Calls to `operation`, in the order they came
    pub fn calls_to(&self, operation: &str) -> Vec<Call> {
        self.service().calls().iter().filter(|call| call.operation == operation).cloned().collect()
    }

    /// Milliseconds since this world began, a day after its epoch so that lag can look back
    pub fn at(&self) -> u64 {
        let day = 86_400_000;
        day + u64::try_from(now().duration_since(self.began).as_millis()).unwrap()
    }

    async fn call(&self, operation: &'static str, input: Value) -> Result<(Value, String), KmsError> {
        *self.made.lock().unwrap().entry(operation.to_owned()).or_default() += 1;
        let request = Request { caller: &self.account, region: &self.region, operation, input: &input };
        let Answer { request_id, delay, reply } =
            { self.service().answer_to(self.at(), &request, &self.agent) };
        let fail = |fault, code: Option<String>, message: &str| {
            let (message, request_id) = (message.to_owned(), Some(request_id.clone()));
            Err(KmsError { fault, operation, code, message, request_id })
        };
        pause(delay).await;
        match reply {
            Reply::Whole(Ok(output)) => Ok((output, request_id)),
            Reply::Whole(Err(error)) => {
                let fault = Fault::of(&error.code, &error.message, error.status);
                fail(fault, Some(error.code.to_string()), &error.message)
            }
            Reply::Malformed | Reply::Truncated(_) => fail(Fault::Unknown, None, "the answer cannot be read"),
            Reply::Closed => fail(Fault::Unknown, None, "connection closed"),
            Reply::Silence => {
                pause(SILENCE).await;
                fail(Fault::Unknown, None, "no answer in time")
            }
        }
    }

    async fn describe(&self, id: &str) -> Result<KeyFacts, KmsError> {
        let (output, _) = self.call("DescribeKey", json!({"KeyId": id})).await?;
        let key = &output["KeyMetadata"];
        let text = |member: &str| key[member].as_str().unwrap_or_default().to_owned();
        Ok(KeyFacts {
            id: KeyId::from_service(&text("KeyId")),
            region: text("Arn").split(':').nth(3).unwrap_or_default().to_owned(),
            description: text("Description"),
            state: text("KeyState"),
            spec: text("KeySpec"),
            usage: text("KeyUsage"),
            deletion_date: key["DeletionDate"]
                .as_f64()
                .map(DateTime::from_secs_f64)
                .and_then(|d| d.fmt(Format::DateTime).ok()),
            aws_managed: text("KeyManager") == "AWS",
        })
    }

    async fn list(&self, mut input: Value, marker: Option<&str>) -> Result<AliasPage, KmsError> {
        if let Some(marker) = marker {
            input["Marker"] = marker.into();
        }
        let (output, _) = self.call("ListAliases", input).await?;
        let aliases = output["Aliases"].as_array().cloned().unwrap_or_default();
        let listed = |entry: &Value| ListedAlias {
            name: entry["AliasName"].as_str().unwrap_or_default().to_owned(),
            target: entry["TargetKeyId"].as_str().map(KeyId::from_service),
        };
        Ok(AliasPage {
            aliases: aliases.iter().map(listed).collect(),
            next_marker: output["NextMarker"].as_str().map(str::to_owned),
            truncated: output["Truncated"].as_bool().unwrap_or_default(),
        })
    }

    async fn write(&self, operation: &'static str, input: Value) -> Result<Written, KmsError> {
        let (_, request_id) = self.call(operation, input).await?;
        Ok(Written { request_id: Some(request_id) })
    }
}

async fn pause(delay: Duration) {
    if !delay.is_zero() {
        wait(delay, &CancellationToken::new()).await;
    }
}

impl KmsRead for FakeKms {
    async fn identity(&self) -> Result<Identity, KmsError> {
        let (output, _) = self.call("GetCallerIdentity", json!({})).await?;
        let text = |member: &str| output[member].as_str().unwrap_or_default().to_owned();
        Ok(Identity {
            account: text("Account").into(),
            region: self.region.as_str().into(),
            partition: "aws".into(),
            caller: text("Arn").into(),
        })
    }

    async fn alias_page(&self, marker: Option<&str>) -> Result<AliasPage, KmsError> {
        self.list(json!({"Limit": 100}), marker).await
    }

    async fn key_alias_page(&self, key: &KeyId, marker: Option<&str>) -> Result<AliasPage, KmsError> {
        self.list(json!({"Limit": 100, "KeyId": key.as_str()}), marker).await
    }

    async fn key_policy(&self, key: &KeyId) -> Result<String, KmsError> {
        let (output, _) = self.call("GetKeyPolicy", json!({"KeyId": key.as_str()})).await?;
        Ok(output["Policy"].as_str().unwrap_or_default().to_owned())
    }

    async fn describe_key(&self, key: &KeyId) -> Result<KeyFacts, KmsError> {
        self.describe(key.as_str()).await
    }

    async fn key_page(&self, marker: Option<&str>) -> Result<KeyPage, KmsError> {
        let mut input = json!({"Limit": 1000});
        if let Some(marker) = marker {
            input["Marker"] = marker.into();
        }
        let (output, _) = self.call("ListKeys", input).await?;
        let keys = output["Keys"].as_array().cloned().unwrap_or_default();
        Ok(KeyPage {
            keys: keys.iter().filter_map(|key| key["KeyId"].as_str().map(KeyId::from_service)).collect(),
            next_marker: output["NextMarker"].as_str().map(str::to_owned),
            truncated: output["Truncated"].as_bool().unwrap_or_default(),
        })
    }

    async fn tags(&self, key: &KeyId) -> Result<BTreeMap<String, String>, KmsError> {
        let (mut tags, mut input) = (BTreeMap::new(), json!({"KeyId": key.as_str(), "Limit": 50}));
        loop {
            let (output, _) = self.call("ListResourceTags", input.clone()).await?;
            for tag in output["Tags"].as_array().into_iter().flatten() {
                let text = |member: &str| tag[member].as_str().unwrap_or_default().to_owned();
                tags.insert(text("TagKey"), text("TagValue"));
            }
            if output["Truncated"] != true {
                return Ok(tags);
            }
            input["Marker"] = output["NextMarker"].clone();
        }
    }

    async fn describe_alias(&self, name: &AliasName) -> Result<KeyFacts, KmsError> {
        self.describe(name.as_str()).await
    }

    fn calls(&self) -> Calls {
        self.made.lock().unwrap().clone()
    }
}

impl IamRead for FakeKms {
    async fn authorization_page(&self, marker: Option<&str>) -> Result<AuthorizationPage, KmsError> {
        let input = marker.map_or(json!({}), |marker| json!({"Marker": marker}));
        let (output, _) = self.call("GetAccountAuthorizationDetails", input).await?;
        Ok(AuthorizationPage {
            authorizations: authorizations(&output),
            next_marker: output["Marker"].as_str().map(str::to_owned),
            truncated: output["IsTruncated"].as_bool().unwrap_or_default(),
        })
    }
}

impl TrailRead for FakeKms {
    async fn event_page(&self, name: &str, token: Option<&str>) -> Result<EventPage, KmsError> {
        let named = json!([{"AttributeKey": "EventName", "AttributeValue": name}]);
        let mut input = json!({"LookupAttributes": named, "MaxResults": 50});
        if let Some(token) = token {
            input["NextToken"] = token.into();
        }
        let (output, _) = self.call("LookupEvents", input).await?;
        let events = output["Events"].as_array().cloned().unwrap_or_default();
        let text = |event: &Value| event["CloudTrailEvent"].as_str().unwrap_or_default().to_owned();
        Ok(EventPage {
            events: events.iter().map(text).collect(),
            next_token: output["NextToken"].as_str().map(str::to_owned),
        })
    }
}

impl FakeKms {
    /// One page of what is right below an OU or a root
    async fn below(
        &self,
        operation: &'static str,
        parent: &str,
        token: Option<&str>,
    ) -> Result<(Value, Option<String>), KmsError> {
        let mut input = json!({"ParentId": parent});
        if let Some(token) = token {
            input["NextToken"] = token.into();
        }
        let (output, _) = self.call(operation, input).await?;
        let next = output["NextToken"].as_str().map(str::to_owned);
        Ok((output, next))
    }
}

impl OrgRead for FakeKms {
    async fn ou_page(&self, parent: &str, token: Option<&str>) -> Result<OuPage, KmsError> {
        let (output, next_token) = self.below("ListOrganizationalUnitsForParent", parent, token).await?;
        let ous = output["OrganizationalUnits"].as_array().unwrap().iter();
        Ok(OuPage { ous: ous.map(|ou| ou["Id"].as_str().unwrap().into()).collect(), next_token })
    }

    async fn account_page(&self, parent: &str, token: Option<&str>) -> Result<AccountPage, KmsError> {
        let (output, next_token) = self.below("ListAccountsForParent", parent, token).await?;
        let text = |account: &Value, member: &str| account[member].as_str().unwrap().to_owned();
        let member = |account| Member { account: text(account, "Id").into(), state: text(account, "State") };
        Ok(AccountPage {
            accounts: output["Accounts"].as_array().unwrap().iter().map(member).collect(),
            next_token,
        })
    }
}

impl KmsWrite for FakeKms {
    async fn create_alias(&self, name: &AliasName, key: &KeyId) -> Result<Written, KmsError> {
        self.write("CreateAlias", json!({"AliasName": name.as_str(), "TargetKeyId": key.as_str()})).await
    }

    async fn update_alias(&self, name: &AliasName, key: &KeyId) -> Result<Written, KmsError> {
        self.write("UpdateAlias", json!({"AliasName": name.as_str(), "TargetKeyId": key.as_str()})).await
    }

    async fn delete_alias(&self, name: &AliasName) -> Result<Written, KmsError> {
        self.write("DeleteAlias", json!({"AliasName": name.as_str()})).await
    }
}

/// A connector to one world: each target's own account and Region in it
pub struct FakeConnect(pub FakeKms);

impl Connect for FakeConnect {
    type Reader = FakeKms;
    type Writer = FakeKms;
    type Error = std::convert::Infallible;

    async fn reader(&self, target: &Target) -> Result<FakeKms, Self::Error> {
        // A profile that is called like an account reaches it.
        let account = target.account.as_deref().or(target.profile.as_deref()).unwrap_or(ACCOUNT).to_owned();
        let region = target.region.as_deref().unwrap_or(REGION).to_owned();
        Ok(FakeKms { account, region, made: Arc::default(), ..self.0.clone() })
    }

    async fn writer(&self, target: &Target) -> Result<FakeKms, Self::Error> {
        self.reader(target).await
    }
}
