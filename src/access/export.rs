//! A file of IAM policies -> documents: one policy by itself, or what `aws iam get-account-authorization-details` prints. Pure.
//!
//! In the latter every policy comes with those it is attached to, and documents may be URL-encoded, as the service sends them
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>).

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::{Document, Origin, document};

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
    let mut documents = managed(&value)?;
    for (list, inline) in PRINCIPALS {
        for principal in items(&value[list]) {
            for policy in items(&principal[inline]) {
                documents.push(named(policy, &policy["PolicyDocument"], vec![text_of(principal, "Arn")])?);
            }
        }
    }
    Ok(documents)
}

/// The managed policies in force, with those that they are attached to
fn managed(value: &Value) -> Result<Vec<Document>, String> {
    let mut attached: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (list, _) in PRINCIPALS {
        for principal in items(&value[list]) {
            for policy in items(&principal["AttachedManagedPolicies"]) {
                attached.entry(text_of(policy, "PolicyArn")).or_default().push(text_of(principal, "Arn"));
            }
        }
    }
    let mut documents = Vec::new();
    for policy in items(&value["Policies"]) {
        let version = items(&policy["PolicyVersionList"]).iter().find(|version| {
            version["IsDefaultVersion"] == true || version["VersionId"] == policy["DefaultVersionId"]
        });
        // one that is attached to nobody gives nobody anything
        if let (Some(version), Some(attached)) = (version, attached.remove(&text_of(policy, "Arn"))) {
            documents.push(named(policy, &version["Document"], attached)?);
        }
    }
    Ok(documents)
}

fn named(policy: &Value, text: &Value, attached: Vec<String>) -> Result<Document, String> {
    let name = text_of(policy, "PolicyName");
    let wrong = |why: String| format!("policy {name:?}: {why}");
    let origin = Origin::Iam { name: name.clone(), attached };
    match text {
        Value::String(text) => {
            let plain = if text.trim_start().starts_with('{') { text.clone() } else { decoded(text) };
            let value = serde_json::from_str(&plain).map_err(|e| wrong(format!("it is not JSON: {e}")))?;
            document(&value, origin).map_err(wrong)
        }
        value => document(value, origin).map_err(wrong),
    }
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
