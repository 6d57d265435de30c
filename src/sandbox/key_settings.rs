//! What hangs on keys: TagResource, UntagResource, ListResourceTags, GetKeyPolicy, PutKeyPolicy.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::key_calls::changeable;
use super::keys::Key;
use super::marker;
use super::protocol::{Call, Outcome};
use super::refusal::{ServiceError, not_found, serialization};

/// Tags on one key (<https://docs.aws.amazon.com/kms/latest/developerguide/tagging-keys.html>)
const TAGS_PER_KEY: usize = 50;

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html>
pub(super) fn tag(call: &mut Call<'_>) -> Outcome {
    let mut key = changeable(call)?;
    key.tags.extend(tags(call)?);
    if key.tags.len() > TAGS_PER_KEY {
        return Err(ServiceError::refused("LimitExceededException", "Too many tags"));
    }
    call.write_key(key);
    Ok(Value::Null)
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_UntagResource.html>
pub(super) fn untag(call: &mut Call<'_>) -> Outcome {
    let mut key = changeable(call)?;
    for name in call.input.list("TagKeys")? {
        key.tags.remove(name.as_str().ok_or_else(|| serialization("a tag key is a String"))?);
    }
    call.write_key(key);
    Ok(Value::Null)
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html>
pub(super) fn list_tags(call: &mut Call<'_>) -> Outcome {
    let text = call.key_id()?;
    let limit = call.input.number("Limit", 1..=50)?.unwrap_or(50) as usize;
    let marker = call.input.optional_text("Marker", 1..=1024)?;
    call.input.check()?;
    let key = call.key(text)?;
    let after = marker.map(|marker| marker::open("tags", marker)).transpose()?;
    let mut rest = key.tags.iter().skip_while(|(name, _)| after.as_ref().is_some_and(|after| *name <= after));
    let page: Vec<_> = rest.by_ref().take(limit).collect();
    let more = rest.next().is_some();
    let last = page.last().filter(|_| more).map(|(name, _)| marker::seal("tags", name));
    let entries = page.iter().map(|(name, value)| json!({"TagKey": name, "TagValue": value})).collect();
    Ok(marker::page("Tags", entries, last))
}

/// The member `Tags`
pub(super) fn tags(call: &mut Call<'_>) -> Result<BTreeMap<String, String>, ServiceError> {
    let text = |tag: &Value, member: &str, length| {
        let text = tag[member].as_str().filter(|text| text.chars().count() <= length);
        text.map(str::to_owned)
            .ok_or_else(|| ServiceError::refused("TagException", format!("{member} is not valid")))
    };
    let tags = call.input.list("Tags")?;
    let read = |tag| Ok((text(tag, "TagKey", 128)?, text(tag, "TagValue", 256)?));
    let by_key = tags.iter().map(read).collect::<Result<BTreeMap<_, _>, ServiceError>>()?;
    // https://docs.aws.amazon.com/kms/latest/APIReference/API_Tag.html; what the service answers is our guess
    if by_key.len() < tags.len() || by_key.keys().any(|key| key.starts_with("aws:")) {
        return Err(ServiceError::refused(
            "TagException",
            "a TagKey is reserved for AWS or given twice".to_owned(),
        ));
    }
    Ok(by_key)
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html>
pub(super) fn policy(call: &mut Call<'_>) -> Outcome {
    let (text, name) = (call.key_id()?, policy_name(call)?);
    call.input.check()?;
    let key = call.key(text)?;
    if name != "default" {
        return Err(not_found(format!("No such policy exists: {name}")));
    }
    Ok(
        json!({"Policy": key.policy.clone().unwrap_or_else(|| default_policy(call, &key)), "PolicyName": name}),
    )
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>
pub(super) fn put_policy(call: &mut Call<'_>) -> Outcome {
    let policy = call.input.text("Policy", 1..=131_072)?;
    policy_name(call)?;
    let key = changeable(call)?;
    sound_policy(policy)?;
    call.write_key(Key { policy: Some(policy.to_owned()), ..key });
    Ok(Value::Null)
}

fn policy_name<'a>(call: &mut Call<'a>) -> Result<&'a str, ServiceError> {
    Ok(call.input.optional_text("PolicyName", 1..=128)?.unwrap_or("default"))
}

pub(super) fn sound_policy(policy: &str) -> Result<(), ServiceError> {
    let sound = serde_json::from_str::<Value>(policy).is_ok_and(|policy| policy.is_object());
    let refused =
        || ServiceError::refused("MalformedPolicyDocumentException", "The policy is not a JSON object");
    sound.then_some(()).ok_or_else(refused)
}

/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>
fn default_policy(call: &Call<'_>, key: &Key) -> String {
    let action =
        if key.aws_managed { json!(["kms:Describe*", "kms:Get*", "kms:List*"]) } else { json!("kms:*") };
    let root = format!("arn:{}:iam::{}:root", call.home.partition(), call.home.account);
    let policy = json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": root},
            "Action": action,
            "Resource": "*",
        }],
    });
    format!("{policy:#}")
}
