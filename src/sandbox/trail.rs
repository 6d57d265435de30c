//! The little of CloudTrail that tells who has changed what: the writes of every account and Region as the service saw them, and
//! LookupEvents, which shows them to whoever asks (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>).
//!
//! An event is there at once, not after minutes. Reads are not recorded.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::identifiers::{scatter, uuid};
use super::input::Input;
use super::marker;
use super::protocol::date;
use super::refusal::{ServiceError, access_denied};
use super::sts::{caller_arn, iso_8601};
use super::world::{Home, Millis, Request, World};

pub(super) const OPERATION: &str = "LookupEvents";
/// As far back as LookupEvents goes: 90 days
const REACH: Millis = 90 * 86_400_000;
/// The longest trail; it is kept in the state file
const LONGEST: usize = 5_000;
/// The operations that change something; the service records the others as well, as reads
const WRITES: [&str; 11] = [
    "CancelKeyDeletion",
    "CreateAlias",
    "CreateKey",
    "DeleteAlias",
    "DisableKey",
    "EnableKey",
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
];

/// What was done, in the order of time
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Trail(VecDeque<Event>);

/// One write
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    at: Millis,
    account: String,
    region: String,
    name: String,
    id: String,
    /// ARN; there is none where the service did it by itself
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caller: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    agent: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The members of the request; of what the service did by itself, the key
    input: Value,
    /// Code and message
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<(String, String)>,
}

impl Trail {
    pub(super) fn restore(events: Vec<Event>) -> Self {
        Self(events.into())
    }

    pub(super) fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.0.iter()
    }

    pub(super) fn push(&mut self, event: Event) {
        if self.0.len() == LONGEST {
            self.0.pop_front();
        }
        self.0.push_back(event);
    }
}

impl Event {
    /// The event of a call, if it is one that leaves any
    pub(super) fn of_call(
        world: &World,
        at: Millis,
        request: &Request<'_>,
        agent: &str,
        request_id: &str,
        result: &Result<(), ServiceError>,
    ) -> Option<Self> {
        let home = Home::new(&world.account_of(request.caller), request.region);
        let error = result.as_ref().err().map(|error| (error.code.to_string(), error.message.clone()));
        WRITES.contains(&request.operation).then(|| Self {
            at,
            account: home.account.to_string(),
            region: home.region.to_string(),
            name: request.operation.to_owned(),
            id: event_id(request_id),
            caller: Some(caller_arn(world, &home, request.caller)),
            agent: agent.to_owned(),
            request_id: Some(request_id.to_owned()),
            input: request.input.clone(),
            error,
        })
    }

    /// The event of a key whose time has come
    pub(super) fn of_departure(at: Millis, home: &Home, key: &str) -> Self {
        Self {
            at,
            account: home.account.to_string(),
            region: home.region.to_string(),
            name: "DeleteKey".to_owned(),
            id: event_id(&format!("{at}{key}")),
            caller: None,
            agent: String::new(),
            request_id: None,
            input: json!({"KeyId": key}),
            error: None,
        }
    }

    /// Whether it is that of this call, made at this time
    pub(super) fn is_of(&self, at: Millis, request: &Request<'_>) -> bool {
        (self.at, &*self.name, &self.input) == (at, request.operation, request.input)
    }

    fn home(&self) -> Home {
        Home::new(&self.account, &self.region)
    }

    /// The name by which the Username attribute finds it
    fn username(&self) -> Option<&str> {
        self.caller.as_deref()?.rsplit('/').next()
    }

    /// ARNs of the alias and the key that the request names
    fn resources(&self) -> Vec<String> {
        let (home, text) = (self.home(), |member: &str| self.input[member].as_str());
        let key = text("TargetKeyId").or(text("KeyId"));
        let key = key.map(|id| if id.contains(':') { id.to_owned() } else { home.key_arn(id) });
        key.into_iter().chain(text("AliasName").map(|name| home.alias_arn(name))).collect()
    }

    /// Who did it, as the service writes it
    /// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>)
    fn identity(&self) -> Value {
        let Some(arn) = &self.caller else {
            return json!({"accountId": self.account, "invokedBy": "AWS Internal"});
        };
        let name = self.username();
        let Some((_, session)) = arn.split_once(":assumed-role/") else {
            return json!({"type": "IAMUser", "arn": arn, "accountId": self.account, "userName": name});
        };
        let role = session.split('/').next().unwrap_or(session);
        let issuer = format!("arn:{}:iam::{}:role/{}", self.home().partition(), self.account, role);
        let issuer = json!({"type": "Role", "arn": issuer, "accountId": self.account, "userName": role});
        let context = json!({"sessionIssuer": issuer});
        json!({"type": "AssumedRole", "arn": arn, "accountId": self.account, "sessionContext": context})
    }

    /// The event as CloudTrail's own JSON
    /// (<https://docs.aws.amazon.com/kms/latest/developerguide/ct-updatealias.html>)
    fn record(&self) -> Value {
        let own = self.caller.is_none();
        let internal = |text: &str| if own { "AWS Internal".to_owned() } else { text.to_owned() };
        let resource = |arn: String| json!({"accountId": self.account, "type": "AWS::KMS::Key", "ARN": arn});
        let mut record = json!({
            "eventVersion": "1.11",
            "userIdentity": self.identity(),
            "eventTime": iso_8601(self.at),
            "eventSource": "kms.amazonaws.com",
            "eventName": self.name,
            "awsRegion": self.region,
            "sourceIPAddress": internal("127.0.0.1"),
            "userAgent": internal(&self.agent),
            "requestParameters": if own { Value::Null } else { camel(&self.input) },
            "responseElements": null,
            "requestID": self.request_id,
            "eventID": self.id,
            "readOnly": false,
            "resources": self.resources().into_iter().map(resource).collect::<Vec<_>>(),
            "eventType": if own { "AwsServiceEvent" } else { "AwsApiCall" },
            "managementEvent": true,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
        });
        if let Some((code, message)) = &self.error {
            (record["errorCode"], record["errorMessage"]) = (code.as_str().into(), message.as_str().into());
        }
        record
    }

    /// The event as LookupEvents answers it
    fn found(&self) -> Value {
        let resource = |arn| json!({"ResourceType": "AWS::KMS::Key", "ResourceName": arn});
        let mut found = json!({
            "EventId": self.id,
            "EventName": self.name,
            "ReadOnly": "false",
            "EventTime": date(self.at / 1000 * 1000),
            "EventSource": "kms.amazonaws.com",
            "Resources": self.resources().into_iter().map(resource).collect::<Vec<_>>(),
            "CloudTrailEvent": self.record().to_string(),
        });
        if let Some(name) = self.username() {
            found["Username"] = name.into();
        }
        found
    }

    fn fits(&self, key: &str, value: &str) -> bool {
        match key {
            "EventId" => self.id == value,
            "EventName" => self.name == value,
            "EventSource" => value == "kms.amazonaws.com",
            "ReadOnly" => value == "false",
            "Username" => self.username() == Some(value),
            _ => false,
        }
    }
}

/// The service writes the members of a request with a small letter
fn camel(input: &Value) -> Value {
    let small =
        |name: &str| name.chars().take(1).flat_map(char::to_lowercase).chain(name.chars().skip(1)).collect();
    let members = input.as_object().into_iter().flatten();
    Value::Object(members.map(|(name, value)| (small(name), value.clone())).collect())
}

/// The same text has the same one
fn event_id(text: &str) -> String {
    let seed = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    uuid(scatter(seed))
}

/// The operation that `X-Amz-Target` names, if it is one of CloudTrail; some SDKs write the service's long name, some the short one
pub(super) fn operation(target: &str) -> Option<&str> {
    let short = target.strip_prefix("com.amazonaws.cloudtrail.v20131101.").unwrap_or(target);
    short.strip_prefix("CloudTrail_20131101.").filter(|name| is_operation(name))
}

pub(super) fn is_operation(name: &str) -> bool {
    name == OPERATION
}

pub(super) fn denied(caller: &str, operation: &str) -> ServiceError {
    access_denied(caller, &format!("cloudtrail:{operation}"), "*")
}

/// Two requests a second, and words of its own
pub(super) fn throttled() -> ServiceError {
    ServiceError::refused("ThrottlingException", "Rate exceeded")
}

/// Answers the one call there is: the newest first
pub(super) fn call(world: &World, at: Millis, request: &Request<'_>) -> Result<Value, ServiceError> {
    let home = Home::new(&world.account_of(request.caller), request.region);
    let mut input = Input::new(request.input)?;
    let most = input.number("MaxResults", 1..=50)?.unwrap_or(50);
    let token = input.optional_text("NextToken", 1..=4096)?;
    let attribute = attribute(input.list("LookupAttributes")?)?;
    input.check()?;
    let (from, to) = range(request.input, at)?;
    let asked = format!("{}/{attribute:?}", home.region);
    let skip = token.map_or(Ok(0), |token| begin(&asked, token))?;
    let in_time = |event: &&Event| (from..=to).contains(&event.at) && event.home() == home;
    let fits = |event: &&Event| attribute.is_none_or(|(key, value)| event.fits(key, value));
    let all: Vec<&Event> = world.trail.events().rev().filter(in_time).filter(fits).collect();
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let end = (skip + most).min(all.len());
    let events: Vec<Value> =
        all.get(skip..end).unwrap_or_default().iter().map(|event| event.found()).collect();
    let mut page = json!({"Events": events});
    if end < all.len() {
        page["NextToken"] = marker::seal(&asked, &end.to_string()).into();
    }
    Ok(page)
}

/// A token continues the request that it was given for, and no other
fn begin(asked: &str, token: &str) -> Result<usize, ServiceError> {
    let said = marker::open(asked, token).ok().and_then(|text| text.parse().ok());
    said.ok_or_else(|| ServiceError::refused("InvalidNextTokenException", "Invalid token"))
}

/// "You can specify only one attribute"; those that nobody here needs are refused, so that none is silently passed over
fn attribute(list: &[Value]) -> Result<Option<(&str, &str)>, ServiceError> {
    const KNOWN: [&str; 5] = ["EventId", "EventName", "EventSource", "ReadOnly", "Username"];
    let refused = |message| Err(ServiceError::refused("InvalidLookupAttributesException", message));
    match list {
        [] => Ok(None),
        [one] => match (one["AttributeKey"].as_str(), one["AttributeValue"].as_str()) {
            (Some(key), Some(value)) if KNOWN.contains(&key) => Ok(Some((key, value))),
            _ => refused("the embedded CloudTrail does not look up events by this attribute"),
        },
        _ => refused("You can only specify one attribute."),
    }
}

/// From when to when, in milliseconds; both ends count
fn range(input: &Value, at: Millis) -> Result<(Millis, Millis), ServiceError> {
    // A moment before 1970 is as early as 1970, and fractions of a millisecond are nobody's.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let moment = |member: &str| input[member].as_f64().map(|seconds| (seconds * 1000.0) as Millis);
    let (from, to) = (moment("StartTime"), moment("EndTime"));
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        let message = "The start time must be before the end time.";
        return Err(ServiceError::refused("InvalidTimeRangeException", message));
    }
    Ok((from.unwrap_or(0).max(at.saturating_sub(REACH)), to.unwrap_or(Millis::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "111122223333";

    fn ask(world: &World, input: &Value) -> Result<Value, ServiceError> {
        let request = Request { caller: ACCOUNT, region: "us-east-1", operation: OPERATION, input };
        call(world, 2 * REACH, &request)
    }

    /// A world in which keys were deleted at these times
    fn world(times: impl IntoIterator<Item = Millis>) -> World {
        let (mut world, home) = (World::default(), Home::new(ACCOUNT, "us-east-1"));
        times.into_iter().for_each(|at| world.trail.push(Event::of_departure(at, &home, "k")));
        world
    }

    fn times(page: &Value) -> Vec<u64> {
        let at = |event: &Value| event["EventTime"].as_f64().map(|seconds| seconds as u64);
        page["Events"].as_array().into_iter().flatten().filter_map(at).collect()
    }

    #[test]
    fn events_of_ninety_days_come_newest_first_and_in_pages_that_a_token_continues() {
        let now = 2 * REACH;
        let world = world([now - REACH - 1, now - 3000, now - 2000, now - 1000]);
        let first = ask(&world, &json!({"MaxResults": 2})).unwrap();
        let second = ask(&world, &json!({"MaxResults": 2, "NextToken": first["NextToken"]})).unwrap();
        let seconds = now / 1000;
        assert_eq!((times(&first), times(&second)), (vec![seconds - 1, seconds - 2], vec![seconds - 3]));
        assert_eq!(second.get("NextToken"), None);
        let narrow = json!({"StartTime": seconds - 2, "EndTime": seconds - 2});
        assert_eq!(times(&ask(&world, &narrow).unwrap()), [seconds - 2]);
    }

    #[test]
    fn what_the_service_would_not_take_is_refused() {
        let world = world(0..3);
        let attribute = |key: &str| json!({"AttributeKey": key, "AttributeValue": "DeleteKey"});
        let named = json!({"LookupAttributes": [attribute("EventName")], "EndTime": 1, "MaxResults": 1});
        assert!(ask(&world, &named).is_ok());
        for (input, code) in [
            (
                json!({"LookupAttributes": [attribute("EventName"), attribute("EventId")]}),
                "InvalidLookupAttributesException",
            ),
            (json!({"LookupAttributes": [attribute("ResourceName")]}), "InvalidLookupAttributesException"),
            (
                json!({"LookupAttributes": [attribute("EventName")], "NextToken": marker::seal("us-east-1/None", "1")}),
                "InvalidNextTokenException",
            ),
            (json!({"NextToken": "x"}), "InvalidNextTokenException"),
            (json!({"MaxResults": 51}), "ValidationException"),
            (json!({"StartTime": 2, "EndTime": 1}), "InvalidTimeRangeException"),
        ] {
            assert_eq!(ask(&world, &input).unwrap_err().code, code, "{input}");
        }
    }

    #[test]
    fn the_oldest_events_go_where_there_are_too_many() {
        let world = world(0..LONGEST as u64 + 2);
        assert_eq!(world.trail.events().count(), LONGEST);
        assert_eq!(world.trail.events().next().map(|event| event.at), Some(2));
    }
}
