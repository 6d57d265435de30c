//! IAM policies -> documents: what IAM says about an account, read live or from a file that `aws iam
//! get-account-authorization-details` printed, or one policy by itself in a file. Pure.
//!
//! In the former every policy comes with those it is attached to, and documents may be URL-encoded, as the service sends them
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>).

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::{Document, Origin, document, parse};
use crate::kms::authorization::{Authorizations, InlinePolicy, ManagedPolicy, Principal};

/// The lists of principals, and how each names its inline policies
const PRINCIPALS: [(&str, &str); 3] = [
    ("UserDetailList", "UserPolicyList"),
    ("GroupDetailList", "GroupPolicyList"),
    ("RoleDetailList", "RolePolicyList"),
];

/// The policies in `text`, which was read from a file called `name`
///
/// # Errors
/// Why there are none in it, or which of them is no policy.
pub fn export(text: &str, name: &str) -> Result<Vec<Document>, String> {
    let value: Value = serde_json::from_str(text).map_err(|e| format!("it is not JSON: {e}"))?;
    let lists = PRINCIPALS.iter().map(|(list, _)| *list).chain(["Policies"]);
    if lists.into_iter().all(|list| value.get(list).is_none()) {
        let origin = Origin::Iam { name: name.to_owned(), attached: Vec::new() };
        return Ok(vec![document(&value, origin)?]);
    }
    documents(&authorizations(&value))
}

/// What an answer of GetAccountAuthorizationDetails says, in the JSON that the AWS CLI makes of it
pub fn authorizations(value: &Value) -> Authorizations {
    let of = |(list, inline): (&str, &'static str)| {
        items(&value[list]).iter().map(move |one| principal(one, inline)).collect::<Vec<_>>()
    };
    Authorizations {
        principals: PRINCIPALS.into_iter().flat_map(of).collect(),
        managed: items(&value["Policies"]).iter().map(managed).collect(),
    }
}

fn principal(value: &Value, inline: &str) -> Principal {
    let policy = |policy: &Value| InlinePolicy {
        name: text_of(policy, "PolicyName"),
        text: document_of(&policy["PolicyDocument"]),
    };
    let attached = items(&value["AttachedManagedPolicies"]).iter();
    Principal {
        arn: text_of(value, "Arn"),
        inline: items(&value[inline]).iter().map(policy).collect(),
        attached: attached.map(|policy| text_of(policy, "PolicyArn")).collect(),
    }
}

fn managed(value: &Value) -> ManagedPolicy {
    let in_force = items(&value["PolicyVersionList"]).iter().find(|version| {
        version["IsDefaultVersion"] == true || version["VersionId"] == value["DefaultVersionId"]
    });
    ManagedPolicy {
        arn: text_of(value, "Arn"),
        name: text_of(value, "PolicyName"),
        text: in_force.map(|version| document_of(&version["Document"])),
    }
}

/// The CLI prints a document as text where it cannot decode it, else as the JSON that it is
fn document_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The policies in force: managed ones with all who have them, then inline ones
///
/// # Errors
/// Which of them is no policy.
pub fn documents(all: &Authorizations) -> Result<Vec<Document>, String> {
    let mut attached: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for principal in &all.principals {
        for policy in &principal.attached {
            attached.entry(policy).or_default().push(principal.arn.clone());
        }
    }
    let mut documents = Vec::new();
    for ManagedPolicy { arn, name, text } in &all.managed {
        // one that is attached to nobody gives nobody anything
        if let Some(attached) = attached.remove(arn.as_str()) {
            let text =
                text.as_ref().ok_or_else(|| format!("policy {name:?}: the version in force is missing"))?;
            documents.push(named(name, text, attached)?);
        }
    }
    for Principal { arn, inline, .. } in &all.principals {
        for InlinePolicy { name, text } in inline {
            documents.push(named(name, text, vec![arn.clone()])?);
        }
    }
    Ok(documents)
}

fn named(name: &str, text: &str, attached: Vec<String>) -> Result<Document, String> {
    let plain = if text.trim_start().starts_with('{') { text.to_owned() } else { decoded(text) };
    let origin = Origin::Iam { name: name.to_owned(), attached };
    parse(&plain, origin).map_err(|why| format!("policy {name:?}: {why}"))
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text_of(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_default().to_owned()
}

/// `%7B` -> `{`; what is no such escape stays as it is
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, more)) = rest.split_first() {
        let escape = more.get(..2).filter(|_| first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => (rest, _) = (&more[2..], bytes.push(byte)),
            None => (rest, _) = (more, bytes.push(first)),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const POLICY: &str =
        r#"{"Version": "2012-10-17", "Statement": {"Sid": "S", "Effect": "Allow", "Action": "kms:*"}}"#;

    fn origins(documents: &[Document]) -> Vec<(String, Vec<String>)> {
        let of = |document: &Document| match &document.origin {
            Origin::Iam { name, attached } => (name.clone(), attached.clone()),
            Origin::Key => unreachable!("no key policy is exported"),
        };
        documents.iter().map(of).collect()
    }

    #[test]
    fn a_policy_by_itself_is_attached_to_nobody_that_is_known() {
        assert_eq!(origins(&export(POLICY, "file.json").unwrap()), [("file.json".to_owned(), Vec::new())]);
        assert!(export("{}", "x").is_err() && export("no", "x").is_err() && export("[]", "x").is_err());
    }

    #[test]
    fn an_account_gives_inline_and_managed_policies_with_those_they_are_attached_to() {
        let encoded: String = POLICY.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let account = json!({
            "UserDetailList": [{"Arn": "u", "UserPolicyList": [{"PolicyName": "inline", "PolicyDocument": encoded}]}],
            "RoleDetailList": [{"Arn": "r", "AttachedManagedPolicies": [{"PolicyArn": "p"}],
                                "RolePolicyList": [{"PolicyName": "plain", "PolicyDocument": POLICY}]}],
            "GroupDetailList": [{"Arn": "g", "AttachedManagedPolicies": [{"PolicyArn": "p"}]}],
            "Policies": [{"PolicyName": "managed", "Arn": "p", "DefaultVersionId": "v2", "PolicyVersionList": [
                {"VersionId": "v1", "Document": "not even JSON", "IsDefaultVersion": false},
                {"VersionId": "v2", "Document": serde_json::from_str::<Value>(POLICY).unwrap()}]},
                {"PolicyName": "unused", "Arn": "q", "DefaultVersionId": "v1", "PolicyVersionList": [
                {"VersionId": "v1", "Document": "not even JSON"}]}],
        });
        let documents = export(&account.to_string(), "x").unwrap();
        let expected = [("managed", vec!["g", "r"]), ("inline", vec!["u"]), ("plain", vec!["r"])];
        let expected =
            expected.map(|(name, on)| (name.to_owned(), on.into_iter().map(str::to_owned).collect()));
        assert_eq!(origins(&documents), expected);
        assert!(documents.iter().all(|document| document.statements[0].sid.as_deref() == Some("S")));
        let broken =
            json!({"UserDetailList": [{"UserPolicyList": [{"PolicyName": "b", "PolicyDocument": "%7"}]}]});
        assert!(export(&broken.to_string(), "x").unwrap_err().contains("policy \"b\""));
    }

    proptest! {
        #[test]
        fn no_file_panics(text in any::<String>(), nearly in super::super::document::tests::nearly_policy()) {
            let _ = export(&text, "x");
            decoded(&text);
            let account = json!({"UserDetailList": nearly.clone(), "RoleDetailList": [nearly.clone()], "Policies": nearly});
            let _ = export(&account.to_string(), "x");
        }
    }
}
