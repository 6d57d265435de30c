//! The little of IAM that a reconciler reads: the users, groups, roles and managed policies of an account, all in one listing. It is
//! there to be read; nothing in the sandbox is allowed or denied by it.
//!
//! In the state file, by account, each document as JSON:
//!
//! ```json
//! {"iam": {"111122223333": {
//!   "roles": {"app": {"policies": {"inline": {"Version": "2012-10-17", "Statement": []}}, "attached": ["by-alias"]}},
//!   "policies": {"by-alias": {"Version": "2012-10-17", "Statement": []}}
//! }}}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::input::Input;
use super::marker;
use super::refusal::{ServiceError, access_denied};
use super::sts::{iso_8601, validation_error};
use super::world::{Home, Millis, Request, World};

pub(super) const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

pub(super) const OPERATION: &str = "GetAccountAuthorizationDetails";
const FILTERS: [&str; 5] = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"];
/// Everything is this old: 1 January 2025
const CREATED: Millis = 1_735_689_600_000;

/// The users, groups, roles and managed policies of an account, by name
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Iam {
    /// Users
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub users: BTreeMap<String, IamPrincipal>,
    /// Groups
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, IamPrincipal>,
    /// Roles
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, IamPrincipal>,
    /// Documents of the account's own managed policies
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, Value>,
}

/// Whom policies can be attached to
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IamPrincipal {
    /// Documents of its inline policies, by name
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, Value>,
    /// Names of managed policies of its account
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attached: Vec<String>,
}

pub(super) fn is_operation(name: &str) -> bool {
    name == OPERATION
}

/// IAM answers a denial with status 403 and a code of its own
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>)
pub(super) fn denied(caller: &str, operation: &str) -> ServiceError {
    let error = access_denied(caller, &format!("iam:{operation}"), "*");
    ServiceError { status: 403, code: "AccessDenied".into(), ..error }
}

/// Answers the one call there is
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>)
pub(super) fn call(world: &World, request: &Request<'_>) -> Result<Value, ServiceError> {
    let home = Home::new(&world.account_of(request.caller), request.region);
    let mut input = Input::new(request.input)?;
    let most = input.number("MaxItems", 1..=1000)?.unwrap_or(100);
    let from = input.optional_text("Marker", 1..=320)?;
    input.check().map_err(validation_error)?;
    let kinds = kinds(request.input)?;
    let begin = from.map_or(Ok(0), begin)?;
    let none = Iam::default();
    let entries = entries(world.iam.get(&home.account).unwrap_or(&none), &home);
    let asked: Vec<_> = entries.into_iter().filter(|(kind, _, _)| kinds.contains(kind)).collect();
    Ok(page(&asked, begin, usize::try_from(most).unwrap_or(usize::MAX)))
}

/// What is asked for; without a filter, everything
fn kinds(input: &Value) -> Result<Vec<&'static str>, ServiceError> {
    let members = input.as_object().into_iter().flatten();
    let filters = members.filter(|(name, _)| name.starts_with("Filter.member."));
    let known = |value: &Value| FILTERS.into_iter().find(|filter| value == filter);
    let kind =
        |(_, value): (&String, &Value)| known(value).ok_or_else(|| invalid(&format!("Filter {value}")));
    let kinds = filters.map(kind).collect::<Result<Vec<_>, _>>()?;
    Ok(if kinds.is_empty() { FILTERS.to_vec() } else { kinds })
}

fn begin(from: &str) -> Result<usize, ServiceError> {
    let index = marker::open("iam", from).ok().and_then(|text| text.parse().ok());
    index.ok_or_else(|| invalid("Marker"))
}

fn invalid(what: &str) -> ServiceError {
    ServiceError::refused("ValidationError", format!("{what} is invalid"))
}

/// Its kind, the list it stands in, and itself
type Entry = (&'static str, &'static str, Value);

fn entries(iam: &Iam, home: &Home) -> Vec<Entry> {
    let lists = [
        ("User", "UserDetailList", &iam.users),
        ("Group", "GroupDetailList", &iam.groups),
        ("Role", "RoleDetailList", &iam.roles),
    ];
    let of = |(kind, list, principals): (_, _, &BTreeMap<String, IamPrincipal>)| {
        let entries =
            principals.iter().map(move |(name, one)| (kind, list, principal(kind, name, one, home)));
        entries.collect::<Vec<_>>()
    };
    let policies = iam.policies.iter().map(|(name, document)| managed(name, document, home));
    lists.into_iter().flat_map(of).chain(policies).collect()
}

fn principal(kind: &str, name: &str, principal: &IamPrincipal, home: &Home) -> Value {
    let inline = principal.policies.iter().map(
        |(name, document)| json!({"PolicyName": name, "PolicyDocument": encoded(&document.to_string())}),
    );
    let attached = principal
        .attached
        .iter()
        .map(|name| json!({"PolicyName": name, "PolicyArn": policy_arn(name, home)}));
    json!({
        "Path": "/",
        format!("{kind}Name"): name,
        format!("{kind}Id"): format!("SANDBOX{}", name.to_ascii_uppercase()),
        "Arn": format!("arn:{}:iam::{}:{}/{name}", home.partition(), home.account, kind.to_ascii_lowercase()),
        "CreateDate": iso_8601(CREATED),
        format!("{kind}PolicyList"): inline.collect::<Vec<_>>(),
        "AttachedManagedPolicies": attached.collect::<Vec<_>>(),
    })
}

fn managed(name: &str, document: &Value, home: &Home) -> Entry {
    let version = json!({
        "VersionId": "v1",
        "IsDefaultVersion": true,
        "Document": encoded(&document.to_string()),
        "CreateDate": iso_8601(CREATED),
    });
    let policy = json!({
        "Path": "/",
        "PolicyName": name,
        "PolicyId": format!("SANDBOX{}", name.to_ascii_uppercase()),
        "Arn": policy_arn(name, home),
        "DefaultVersionId": "v1",
        "IsAttachable": true,
        "CreateDate": iso_8601(CREATED),
        "PolicyVersionList": [version],
    });
    ("LocalManagedPolicy", "Policies", policy)
}

fn policy_arn(name: &str, home: &Home) -> String {
    format!("arn:{}:iam::{}:policy/{name}", home.partition(), home.account)
}

/// `{` -> `%7B`: IAM sends documents encoded by RFC 3986
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn page(entries: &[Entry], begin: usize, most: usize) -> Value {
    let end = begin.saturating_add(most).min(entries.len());
    let of = |list: &str| {
        let entries = entries.get(begin..end).unwrap_or_default().iter();
        entries.filter(|(_, of, _)| *of == list).map(|(_, _, entry)| entry.clone()).collect::<Vec<_>>()
    };
    let mut page = json!({"IsTruncated": end < entries.len()});
    for list in ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"] {
        page[list] = of(list).into();
    }
    if end < entries.len() {
        page["Marker"] = marker::seal("iam", &end.to_string()).into();
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        let document = json!({"Version": "2012-10-17", "Statement": []});
        let account = json!({
            "users": {"u": {"policies": {"own": document}}},
            "groups": {"g": {}},
            "roles": {"r": {"attached": ["p"]}},
            "policies": {"p": document},
        });
        let mut world = World::default();
        world.put_iam("111122223333", serde_json::from_value(account).unwrap());
        world
    }

    fn answer(input: &Value) -> Result<Value, ServiceError> {
        let caller = input["caller"].as_str().unwrap_or("111122223333");
        world().call(0, &Request { caller, region: "us-east-1", operation: OPERATION, input })
    }

    /// The ARNs on a page, without what they have in common
    fn arns(page: &Value) -> Vec<&str> {
        let lists = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"];
        let entries = lists.into_iter().flat_map(|list| page[list].as_array().unwrap());
        entries.map(|entry| entry["Arn"].as_str().unwrap().rsplit(':').next().unwrap()).collect()
    }

    #[test]
    fn a_page_has_what_is_asked_for_and_a_marker_where_more_follows() {
        let whole = answer(&json!({})).unwrap();
        assert_eq!(arns(&whole), ["user/u", "group/g", "role/r", "policy/p"]);
        assert_eq!((&whole["IsTruncated"], whole.get("Marker")), (&json!(false), None));
        let text = whole["UserDetailList"][0]["UserPolicyList"][0]["PolicyDocument"].as_str().unwrap();
        assert_eq!(text, "%7B%22Statement%22%3A%5B%5D%2C%22Version%22%3A%222012-10-17%22%7D");
        let first = answer(&json!({"MaxItems": 3})).unwrap();
        assert_eq!((arns(&first).len(), &first["IsTruncated"]), (3, &json!(true)));
        let second = answer(&json!({"Marker": first["Marker"]})).unwrap();
        assert_eq!((arns(&second), &second["IsTruncated"]), (vec!["policy/p"], &json!(false)));
        let some = json!({"Filter.member.1": "Role", "Filter.member.2": "LocalManagedPolicy"});
        assert_eq!(arns(&answer(&some).unwrap()), ["role/r", "policy/p"]);
        assert!(arns(&answer(&json!({"caller": "444455556666"})).unwrap()).is_empty());
    }

    #[test]
    fn what_is_no_filter_no_marker_and_no_length_is_refused() {
        for input in [
            json!({"Filter.member.1": "Everything"}),
            json!({"Marker": "4b"}),
            json!({"Marker": marker::seal("keys", "1")}),
            json!({"MaxItems": 0}),
            json!({"MaxItems": 1001}),
        ] {
            assert_eq!(answer(&input).unwrap_err().code, "ValidationError", "{input}");
        }
    }
}
