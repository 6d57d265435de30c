//! The text of a CloudTrail event -> what a blame needs of it, or that it is about something else. Pure.
//!
//! Every text in it is somebody else's: its lengths are bounded here, and whoever shows it makes it harmless.

use serde_json::Value;

use crate::alias::KeyId;

/// A longer text is no event: the service cuts them at 256 KB
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>)
const LONGEST_EVENT: usize = 1 << 20;
/// What is shown of one text in it, in characters
const LONGEST_TEXT: usize = 200;
/// How this program calls itself, as `connect.rs` sets it
const OURS: &str = "app/kms-alias";

/// One call that changed an alias or a key, or what KMS did by itself
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// As `UpdateAlias`
    pub call: String,
    /// UTC, as `2026-12-01T09:00:00Z`: in this form, the order of texts is that of time
    pub time: String,
    /// The alias that it is about, if it is about one
    pub alias: Option<String>,
    /// The key that the alias came to, or that it is about
    pub key: Option<KeyId>,
    /// In words, as `role Admin/alice` or `user bob`
    pub actor: String,
    /// ARN of the user or session
    pub actor_arn: Option<String>,
    /// Whether it was this program, by the name that the client gave itself or by the role that applies
    pub ours: bool,
    /// Where it came from: an address, or the name of a service
    pub source_address: Option<String>,
    /// What the client called itself, shortened
    pub user_agent: Option<String>,
    /// CloudTrail's own id of it
    pub event_id: Option<String>,
    /// `x-amzn-RequestId`, as receipts have it
    pub request_id: Option<String>,
}

/// A text that is no event
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl Event {
    /// The event that `text` tells of; `None` for one that failed, or is about another service or Region
    ///
    /// # Errors
    /// It is not JSON, too long, or lacks what every event has.
    pub fn read(text: &str, region: &str, apply_role: Option<&str>) -> Result<Option<Self>, Unreadable> {
        if text.len() > LONGEST_EVENT {
            return Err(Unreadable);
        }
        let event: Value = serde_json::from_str(text).map_err(|_| Unreadable)?;
        let needed = |member: &str| event[member].as_str().ok_or(Unreadable);
        let (call, time) = (needed("eventName")?, needed("eventTime")?);
        // Other services have calls of the same names: GameLift and WorkMail have aliases, too.
        let elsewhere = needed("eventSource")? != "kms.amazonaws.com" || needed("awsRegion")? != region;
        if !is_time(time) {
            return Err(Unreadable);
        }
        if elsewhere || !event["errorCode"].is_null() {
            return Ok(None);
        }
        let (identity, request) = (&event["userIdentity"], &event["requestParameters"]);
        let agent = event["userAgent"].as_str().unwrap_or_default();
        Ok(Some(Self {
            call: call.to_owned(),
            time: time.to_owned(),
            alias: request["aliasName"].as_str().map(str::to_owned),
            key: key(&event),
            actor: cut(&actor(identity)),
            actor_arn: text_of(&identity["arn"]),
            ours: agent.split_whitespace().any(|word| word == OURS) || is_role(identity, apply_role),
            source_address: text_of(&event["sourceIPAddress"]),
            user_agent: user_agent(&event),
            event_id: text_of(&event["eventID"]),
            request_id: text_of(&event["requestID"]),
        }))
    }
}

/// When an event was, if its text tells so much
pub fn time(text: &str) -> Option<String> {
    let event: Value = serde_json::from_str(text.get(..text.len().min(LONGEST_EVENT))?).ok()?;
    event["eventTime"].as_str().filter(|time| is_time(time)).map(str::to_owned)
}

/// Whether it is `2026-12-01T09:00:00Z` by its shape
fn is_time(text: &str) -> bool {
    let fits = |(shape, byte): (u8, u8)| if shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    let shape = b"0000-00-00T00:00:00Z";
    text.len() == shape.len() && shape.iter().copied().zip(text.bytes()).all(fits)
}

/// What the request says, or, of what KMS does by itself, the resource
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/ct-delete-key.html>)
fn key(event: &Value) -> Option<KeyId> {
    let request = &event["requestParameters"];
    let named = [&request["targetKeyId"], &request["keyId"]].into_iter().find_map(Value::as_str);
    let resources = event["resources"].as_array().into_iter().flatten();
    let mut arns = resources.filter_map(|resource| resource["ARN"].as_str());
    let key = named.or_else(|| arns.find(|arn| arn.contains(":key/")))?;
    Some(KeyId::from_service(key))
}

/// The role behind a session, or the caller itself
fn is_role(identity: &Value, role: Option<&str>) -> bool {
    let is = |arn: &Value| role.is_some() && arn.as_str() == role;
    is(&identity["sessionContext"]["sessionIssuer"]["arn"]) || is(&identity["arn"])
}

/// Who did it, in words
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>)
fn actor(identity: &Value) -> String {
    let Some(arn) = identity["arn"].as_str().filter(|arn| !arn.is_empty()) else {
        let service = identity["invokedBy"].as_str().filter(|service| !service.is_empty());
        return service.unwrap_or("somebody whom CloudTrail does not name").to_owned();
    };
    let named = |(mark, word): (&str, &str)| arn.split_once(mark).map(|(_, name)| format!("{word} {name}"));
    let known = [(":assumed-role/", "role"), (":user/", "user"), (":federated-user/", "federated user")];
    match known.into_iter().find_map(named) {
        Some(words) => words,
        None if arn.ends_with(":root") => "the account's root user".to_owned(),
        None => arn.to_owned(),
    }
}

/// The part of it that tells most: Terraform names itself late, and the console by another member
fn user_agent(event: &Value) -> Option<String> {
    if event["sessionCredentialFromConsole"] == "true" {
        return Some("the console".to_owned());
    }
    let agent = event["userAgent"].as_str().filter(|agent| !agent.is_empty())?;
    let terraform = agent.split_whitespace().find(|word| word.starts_with("Terraform/"));
    let first = agent.split_whitespace().next().filter(|word| word.starts_with("aws-"));
    Some(cut(terraform.or(first).unwrap_or(agent)))
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(cut)
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/path/write";

    fn event(change: impl FnOnce(&mut Value)) -> Result<Option<Event>, Unreadable> {
        let mut event = json!({
            "eventName": "UpdateAlias", "eventSource": "kms.amazonaws.com", "awsRegion": "us-east-1",
            "eventTime": "2026-11-21T09:30:00Z", "eventID": "e-1", "requestID": "r-1",
            "sourceIPAddress": "203.0.113.7", "userAgent": "aws-cli/2.15.0 md/x app/other",
            "userIdentity": {"arn": "arn:aws:sts::111122223333:assumed-role/Admin/alice@example.com"},
            "requestParameters": {"aliasName": "alias/app/x", "targetKeyId": "arn:aws:kms:us-east-1:111122223333:key/aaaa"},
        });
        change(&mut event);
        Event::read(&event.to_string(), "us-east-1", Some(ROLE))
    }

    fn read(change: impl FnOnce(&mut Value)) -> Event {
        event(change).unwrap().unwrap()
    }

    #[test]
    fn an_event_tells_who_when_from_where_and_what() {
        let event = read(|_| ());
        assert_eq!((&*event.call, event.alias.as_deref()), ("UpdateAlias", Some("alias/app/x")));
        assert_eq!((event.key, event.ours), (Some(KeyId::from_service("aaaa")), false));
        assert_eq!((&*event.actor, &*event.time), ("role Admin/alice@example.com", "2026-11-21T09:30:00Z"));
        let told = [event.source_address, event.user_agent, event.event_id, event.request_id];
        assert_eq!(told.map(Option::unwrap), ["203.0.113.7", "aws-cli/2.15.0", "e-1", "r-1"]);
    }

    #[test]
    fn whoever_did_it_has_a_name() {
        for (identity, actor) in [
            (json!({"arn": "arn:aws:iam::111122223333:user/ops/bob"}), "user ops/bob"),
            (json!({"arn": "arn:aws:iam::111122223333:root"}), "the account's root user"),
            (json!({"arn": "arn:aws:sts::111122223333:federated-user/eve"}), "federated user eve"),
            (json!({"arn": "arn:other"}), "arn:other"),
            (json!({"accountId": "111122223333", "invokedBy": "AWS Internal"}), "AWS Internal"),
            (json!(null), "somebody whom CloudTrail does not name"),
            (json!(["x"]), "somebody whom CloudTrail does not name"),
        ] {
            assert_eq!(read(|event| event["userIdentity"] = identity).actor, actor);
        }
    }

    #[test]
    fn our_name_as_a_whole_word_or_our_role_makes_it_ours() {
        for (agent, role, ours) in [
            ("aws-sdk-rust/1 app/kms-alias", "arn:aws:iam::111122223333:role/other", true),
            ("aws-sdk-rust/1 app/kms-alias-2", "arn:aws:iam::111122223333:role/write", false),
            ("my-app/kms-alias x", ROLE, true),
            ("my-app/kms-alias x", "", false),
        ] {
            let event = read(|event| {
                event["userAgent"] = agent.into();
                event["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = role.into();
            });
            assert_eq!(event.ours, ours, "{agent} {role}");
        }
        let nobody = json!({"eventName": "x", "eventSource": "kms.amazonaws.com", "awsRegion": "r", "eventTime": "2026-11-21T09:30:00Z"});
        assert!(!Event::read(&nobody.to_string(), "r", None).unwrap().unwrap().ours);
    }

    #[test]
    fn the_client_is_named_by_what_tells_most() {
        for (agent, told) in [
            ("APN/1.0 HashiCorp/1.0 Terraform/1.9.5 aws-sdk-go-v2/1.30", "Terraform/1.9.5"),
            ("AWS Internal", "AWS Internal"),
            ("[Boto3/1.34 md/Botocore]", "[Boto3/1.34 md/Botocore]"),
        ] {
            assert_eq!(read(|event| event["userAgent"] = agent.into()).user_agent.unwrap(), told);
        }
        let console = read(|event| event["sessionCredentialFromConsole"] = "true".into());
        assert_eq!(console.user_agent.unwrap(), "the console");
    }

    #[test]
    fn a_key_that_kms_deleted_is_named_by_the_resource() {
        let arn = "arn:aws:kms:us-east-1:111122223333:key/bbbb";
        let alias = "arn:aws:kms:us-east-1:111122223333:alias/app/x";
        let event = read(|event| {
            event["requestParameters"] = Value::Null;
            event["resources"] = json!([{"ARN": alias}, {"ARN": arn}]);
        });
        assert_eq!((event.key, event.alias), (Some(KeyId::from_service("bbbb")), None));
    }

    #[test]
    fn calls_that_failed_and_those_of_other_services_and_regions_are_no_cause() {
        for (member, value) in [
            ("errorCode", "AccessDeniedException"),
            ("eventSource", "gamelift.amazonaws.com"),
            ("awsRegion", "eu-west-1"),
        ] {
            assert_eq!(event(|event| event[member] = value.into()), Ok(None), "{member}");
        }
    }

    #[test]
    fn what_is_no_event_is_told_from_what_is_one() {
        for member in ["eventName", "eventTime", "eventSource", "awsRegion"] {
            assert_eq!(event(|event| event[member] = 1.into()), Err(Unreadable), "{member}");
        }
        for time in ["yesterday", "2026-11-21T09:30:00+01:00", "2026-11-21T09:30:0éZ"] {
            assert_eq!(event(|event| event["eventTime"] = time.into()), Err(Unreadable), "{time}");
        }
        let (deep, long) = ("[".repeat(100_000), format!("\"{}\"", "x".repeat(LONGEST_EVENT)));
        for text in ["", "{", "null", "[]", "\u{1b}[2J", &deep, &long] {
            assert_eq!(Event::read(text, "us-east-1", None), Err(Unreadable));
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let name = "é".repeat(5000);
        let event = read(|event| event["userIdentity"]["arn"] = format!("arn:x:user/{name}").into());
        assert_eq!(event.actor.chars().count(), LONGEST_TEXT + 1);
        assert!(event.actor.ends_with("é…") && event.actor_arn.unwrap().len() < 1000);
    }
}
