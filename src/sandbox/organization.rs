//! The little of AWS Organizations that a reconciler reads: which OUs and which accounts are right below an OU or a root. There is one
//! organization at most, every account may read it, and nothing in the sandbox is allowed or denied by it.
//!
//! In the state file, by OU or root; an account is ACTIVE, or what it says:
//!
//! ```json
//! {"organization": {
//!   "r-ab12": {"ous": ["ou-ab12-34567890"], "accounts": {"111122223333": "ACTIVE"}},
//!   "ou-ab12-34567890": {"accounts": {"444455556666": "ACTIVE", "999900002222": "SUSPENDED"}}
//! }}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::input::Input;
use super::marker;
use super::refusal::{ServiceError, access_denied};
use super::world::{Request, World};

const OUS: &str = "ListOrganizationalUnitsForParent";
const ACCOUNTS: &str = "ListAccountsForParent";
pub(super) const OPERATIONS: [&str; 2] = [OUS, ACCOUNTS];

/// What is right below an OU or a root
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Unit {
    /// Ids of OUs
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ous: Vec<String>,
    /// `ACTIVE`, `SUSPENDED`, … by account
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub accounts: BTreeMap<String, String>,
}

/// The operation that `X-Amz-Target` names, if it is one of Organizations
pub(super) fn operation(target: &str) -> Option<&str> {
    target.strip_prefix("AWSOrganizationsV20161128.").filter(|name| is_operation(name))
}

pub(super) fn is_operation(name: &str) -> bool {
    OPERATIONS.contains(&name)
}

pub(super) fn denied(caller: &str, operation: &str) -> ServiceError {
    access_denied(caller, &format!("organizations:{operation}"), "*")
}

/// It has a code of its own for this
pub(super) fn throttled() -> ServiceError {
    ServiceError::refused("TooManyRequestsException", "Rate exceeded")
}

/// Answers one call
/// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccountsForParent.html>); the service's words for a wrong
/// parent are not known
pub(super) fn call(world: &World, request: &Request<'_>) -> Result<Value, ServiceError> {
    if world.organization.is_empty() {
        let message = "Your account is not a member of an organization.";
        return Err(ServiceError::refused("AWSOrganizationsNotInUseException", message));
    }
    let mut input = Input::new(request.input)?;
    let parent = input.text("ParentId", 1..=100)?;
    let most = input.number("MaxResults", 1..=20)?.unwrap_or(20);
    let token = input.optional_text("NextToken", 1..=100_000)?;
    input.check().map_err(invalid)?;
    let unit = world.organization.get(parent).ok_or_else(|| {
        ServiceError::refused("ParentNotFoundException", "You specified a parent that does not exist.")
    })?;
    let (member, entries) = match request.operation {
        OUS => ("OrganizationalUnits", unit.ous.iter().map(|id| ou(id)).collect::<Vec<_>>()),
        _ => ("Accounts", unit.accounts.iter().map(|(id, state)| account(id, state)).collect()),
    };
    let kind = format!("{}/{parent}", request.operation);
    let begin = token.map_or(Ok(0), |token| begin(&kind, token))?;
    let end = begin.saturating_add(usize::try_from(most).unwrap_or(usize::MAX)).min(entries.len());
    let mut page = json!({member: entries.get(begin..end).unwrap_or_default()});
    if end < entries.len() {
        page["NextToken"] = marker::seal(&kind, &end.to_string()).into();
    }
    Ok(page)
}

fn invalid(error: ServiceError) -> ServiceError {
    ServiceError { code: "InvalidInputException".into(), ..error }
}

/// A token continues the listing that it was given for, and no other
fn begin(kind: &str, token: &str) -> Result<usize, ServiceError> {
    let said = marker::open(kind, token).ok().and_then(|text| text.parse().ok());
    said.ok_or_else(|| ServiceError::refused("InvalidInputException", "You specified an invalid next token."))
}

fn ou(id: &str) -> Value {
    json!({"Id": id, "Arn": format!("arn:aws:organizations::111122223333:ou/o-sandbox0000/{id}"), "Name": id})
}

fn account(id: &str, state: &str) -> Value {
    let arn = format!("arn:aws:organizations::111122223333:account/o-sandbox0000/{id}");
    json!({"Id": id, "Arn": arn, "Name": id, "Email": format!("{id}@example.com"), "State": state})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(operation: &str, input: &Value) -> Result<Value, ServiceError> {
        let mut world = World::default();
        let accounts = (0..25).map(|n| (format!("1111222233{n:02}"), "ACTIVE".to_owned())).collect();
        world.put_unit("r-ab12", Unit { ous: vec!["ou-ab12-34567890".to_owned()], accounts });
        world.call(0, &Request { caller: "111122223333", region: "us-east-1", operation, input })
    }

    #[test]
    fn pages_have_twenty_entries_and_a_token_where_more_follows() {
        let first = answer(ACCOUNTS, &json!({"ParentId": "r-ab12"})).unwrap();
        assert_eq!(first["Accounts"].as_array().unwrap().len(), 20);
        let second =
            answer(ACCOUNTS, &json!({"ParentId": "r-ab12", "NextToken": first["NextToken"]})).unwrap();
        assert_eq!((second["Accounts"].as_array().unwrap().len(), second.get("NextToken")), (5, None));
        let ous = answer(OUS, &json!({"ParentId": "r-ab12"})).unwrap();
        assert_eq!(ous["OrganizationalUnits"][0]["Id"], "ou-ab12-34567890");
        let stray = answer(OUS, &json!({"ParentId": "r-ab12", "NextToken": first["NextToken"]}));
        assert_eq!(stray.unwrap_err().code, "InvalidInputException");
    }

    #[test]
    fn without_an_organization_and_below_no_parent_there_is_nothing_to_list() {
        let request = json!({"ParentId": "ou-ab12-99999999"});
        assert_eq!(answer(OUS, &request).unwrap_err().code, "ParentNotFoundException");
        assert_eq!(answer(OUS, &json!({})).unwrap_err().code, "InvalidInputException");
        let request =
            Request { caller: "111122223333", region: "us-east-1", operation: OUS, input: &request };
        let error = World::default().call(0, &request).unwrap_err();
        assert_eq!(error.code, "AWSOrganizationsNotInUseException");
    }
}
