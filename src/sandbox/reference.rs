//! How a request names a key: by id, key ARN, alias name or alias ARN. Wrong Regions and accounts end here.

use super::refusal::{ServiceError, not_by_key_policy, not_found};
use super::world::Home;

/// What the text names, which need not exist
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named<'a> {
    /// A key, by its bare id
    Key(&'a str),
    /// An alias, by its name
    Alias(&'a str),
}

/// What `text` names in `home`; `caller` and `action` are for the refusal of another account's keys
pub(super) fn parse<'a>(
    text: &'a str,
    home: &Home,
    caller: &str,
    action: &str,
) -> Result<Named<'a>, ServiceError> {
    let resource = match text.strip_prefix("arn:") {
        Some(rest) => of_arn(text, rest, home, caller, action)?,
        None => text,
    };
    if resource.starts_with("alias/") {
        return Ok(Named::Alias(resource));
    }
    let id = if resource.len() == text.len() { Some(text) } else { resource.strip_prefix("key/") };
    match id {
        Some(id) if is_key_id(id) => Ok(Named::Key(id)),
        // recorded by LocalStack against the service
        _ => Err(not_found(format!("Invalid keyId '{}'", id.unwrap_or(resource)))),
    }
}

fn of_arn<'a>(
    text: &str,
    rest: &'a str,
    home: &Home,
    caller: &str,
    action: &str,
) -> Result<&'a str, ServiceError> {
    let parts: Vec<&str> = rest.splitn(5, ':').collect();
    let [partition, "kms", region, account, resource] = parts[..] else {
        return Err(ServiceError::refused("InvalidArnException", format!("Invalid arn {text}")));
    };
    if partition != home.partition() {
        return Err(not_found(format!("Invalid arn {partition}")));
    }
    if region != &*home.region {
        // recorded by LocalStack against the service
        return Err(not_found(format!("Invalid arn {region}")));
    }
    if account != &*home.account {
        return Err(not_by_key_policy(caller, action, text));
    }
    Ok(resource)
}

/// A UUID or `mrk-` and 32 digits, of either case
fn is_key_id(text: &str) -> bool {
    crate::alias::KeyId::parse(&text.to_ascii_lowercase()).is_some()
}
