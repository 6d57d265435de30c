//! The little of STS that a reconciler needs: who am I, and let me be that role. Its wire is in `query.rs`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::identifiers;
use super::input::Input;
use super::refusal::ServiceError;
use super::world::{Home, Millis, Request, World};
use crate::alias::is_account;

/// A role that somebody has assumed
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) account: Arc<str>,
    pub(super) partition: String,
    pub(super) role: String,
    pub(super) name: String,
    pub(super) expires: Millis,
}

impl Session {
    fn arn(&self) -> String {
        format!("arn:{}:sts::{}:assumed-role/{}/{}", self.partition, self.account, self.role, self.name)
    }
}

pub(super) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

pub(super) const OPERATIONS: [&str; 2] = ["GetCallerIdentity", ASSUME_ROLE];

/// The only one that names a role
pub(super) const ASSUME_ROLE: &str = "AssumeRole";

pub(super) fn is_operation(name: &str) -> bool {
    OPERATIONS.contains(&name)
}

/// Answers one call of the token service
pub(super) fn call(world: &mut World, at: Millis, request: &Request<'_>) -> Result<Value, ServiceError> {
    match request.operation {
        ASSUME_ROLE => assume(world, at, request.input),
        _ => Ok(identity(world, request)),
    }
}

/// The ARN of the user or session behind an access key id
pub(super) fn caller_arn(world: &World, home: &Home, caller: &str) -> String {
    match world.sessions.get(caller) {
        Some(session) => session.arn(),
        None => format!("arn:{}:iam::{}:user/sandbox", home.partition(), home.account),
    }
}

/// Whether the session behind an access key id is over
pub(super) fn is_expired(world: &World, at: Millis, caller: &str) -> bool {
    world.sessions.get(caller).is_some_and(|session| session.expires <= at)
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
fn identity(world: &World, request: &Request<'_>) -> Value {
    let home = Home::new(&world.account_of(request.caller), request.region);
    let user = match world.sessions.get(request.caller) {
        Some(session) => format!("{}:{}", role_id(&session.role), session.name),
        None => "AIDASANDBOXSANDBOXSAN".to_owned(),
    };
    json!({"Arn": caller_arn(world, &home, request.caller), "UserId": user, "Account": *home.account})
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
fn assume(world: &mut World, at: Millis, input: &Value) -> Result<Value, ServiceError> {
    let mut input = Input::new(input)?;
    let arn = input.text("RoleArn", 20..=2048)?;
    let name = input.text("RoleSessionName", 2..=64)?;
    let sound = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b));
    input.pattern("RoleSessionName", name, sound, "[\\w+=,.@-]*");
    let seconds = input.number("DurationSeconds", 900..=43_200)?.unwrap_or(3600);
    input.check().map_err(validation_error)?;
    let session = session(arn, name, at + seconds * 1000).ok_or_else(|| {
        validation_error(ServiceError::refused("ValidationError", format!("{arn} is invalid")))
    })?;
    let access_key = identifiers::session_access_key(world.next_identifier());
    world.sessions.insert(access_key.clone(), session.clone());
    world.revision += 1;
    Ok(assumed(&session, &access_key))
}

/// Services of the Query protocol name their validation errors otherwise than KMS
pub(super) fn validation_error(error: ServiceError) -> ServiceError {
    ServiceError { code: "ValidationError".into(), ..error }
}

fn session(role_arn: &str, name: &str, expires: Millis) -> Option<Session> {
    let parts: Vec<&str> = role_arn.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts[..] else { return None };
    let role = resource.strip_prefix("role/")?.rsplit('/').next().filter(|role| !role.is_empty())?;
    is_account(account).then(|| Session {
        account: account.into(),
        partition: partition.to_owned(),
        role: role.to_owned(),
        name: name.to_owned(),
        expires,
    })
}

fn assumed(session: &Session, access_key: &str) -> Value {
    json!({
        "Credentials": {
            "AccessKeyId": access_key,
            "SecretAccessKey": "sandbox/secret/sandbox/secret/sandbox/se",
            "SessionToken": format!("sandbox-session-{access_key}"),
            "Expiration": iso_8601(session.expires),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("{}:{}", role_id(&session.role), session.name),
            "Arn": session.arn(),
        },
    })
}

fn role_id(role: &str) -> String {
    let letters = role.chars().filter(char::is_ascii_alphanumeric).chain(std::iter::repeat('X'));
    "AROA".chars().chain(letters.take(17)).collect::<String>().to_ascii_uppercase()
}

/// `2026-11-21T09:30:00Z`, by Howard Hinnant's civil calendar (<https://howardhinnant.github.io/date_algorithms.html>)
pub(super) fn iso_8601(at: Millis) -> String {
    let (seconds, days) = (at / 1000 % 86_400, at / 86_400_000 + 719_468);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_in_the_calendar() {
        for (at, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_795_253_400_999, "2026-11-21T09:30:00Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59Z"),
        ] {
            assert_eq!(iso_8601(at), text);
        }
    }
}
