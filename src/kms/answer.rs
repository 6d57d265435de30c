//! What an endpoint answered -> what is taken from it: texts that are short and harmless, ids that can be ids, and for a write only
//! an answer that can be the service's. It may be a broken server, a proxy's sign-in page, or nobody's friend.

use aws_sdk_kms::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_kms::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;

use super::{Fault, Identity, KmsError};
use crate::alias::{KeyId, is_account};
use crate::render::harmless::harmless;

/// Characters of a message that are kept; the service's own have a few hundred, with two ARNs in them
const LONGEST_WORDS: usize = 1_000;
/// The most that the service's model allows an id or an ARN
const LONGEST_ID: usize = 2_048;

/// Words of an endpoint's, fit to be shown in a line
pub(super) fn words(text: &str) -> String {
    let kept = text.char_indices().nth(LONGEST_WORDS).map_or(text, |(end, _)| &text[..end]);
    let more = if kept.len() < text.len() { "…" } else { "" };
    harmless(kept) + more
}

/// An answer that says nothing that can be relied upon
pub(super) fn unreadable(operation: &'static str, message: &str) -> KmsError {
    let message = words(&format!("the answer cannot be read: {message}"));
    KmsError { fault: Fault::Unknown, operation, code: None, message, request_id: None }
}

/// Whether `text` can be an id or an ARN: these are printed and compared as they are, so nothing may hide in one
pub(super) fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

pub(super) fn key_id(operation: &'static str, id: &str) -> Result<KeyId, KmsError> {
    let key = is_id(id).then(|| KeyId::from_service(id)).filter(|key| !key.as_str().is_empty());
    key.ok_or_else(|| unreadable(operation, &format!("no key id: {id}")))
}

/// The name of an alias as it is; those that are not ours may be what they like, within reason
pub(super) fn alias_name(name: Option<String>) -> Result<String, KmsError> {
    let name = name.ok_or_else(|| unreadable("ListAliases", "an entry without AliasName"))?;
    match name.len() > LONGEST_ID {
        true => Err(unreadable("ListAliases", &format!("no alias name: {name}"))),
        false => Ok(name),
    }
}

/// Who calls, by the ARN `arn:PARTITION:sts::ACCOUNT:…`, which has to be of that account
pub(super) fn identity(account: &str, caller: &str, region: &str) -> Result<Identity, KmsError> {
    let parts: Vec<&str> = caller.splitn(6, ':').collect();
    match parts[..] {
        ["arn", partition, _, _, of, _]
            if is_id(caller) && !partition.is_empty() && of == account && is_account(of) =>
        {
            let [account, region, partition, caller] = [account, region, partition, caller].map(Into::into);
            Ok(Identity { account, region, partition, caller })
        }
        _ => Err(unreadable("GetCallerIdentity", &format!("no caller of account {account}: {caller}"))),
    }
}

/// Demands of a success that it is one: the SDK takes every status of 2xx, half of a page as 206 among them, and does not look at the
/// body of a write at all
#[derive(Debug)]
pub(super) struct Acknowledged;

impl Intercept for Acknowledged {
    fn name(&self) -> &'static str {
        "kms-alias acknowledged"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.output_or_error().is_err() {
            return Ok(());
        }
        let (status, body) = (context.response().status().as_u16(), context.response().body().bytes());
        let writes = bag.load::<Metadata>().is_some_and(|metadata| is_write(metadata.name()));
        match status {
            200 if writes && !is_nothing(body.unwrap_or_default()) => {
                Err("a body, where a write has none".into())
            }
            200 => Ok(()),
            _ => Err(format!("HTTP status {status}").into()),
        }
    }
}

/// Whether the service answers `operation` with an empty body
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>)
pub(super) fn is_write(operation: &str) -> bool {
    matches!(operation, "CreateAlias" | "UpdateAlias" | "DeleteAlias")
}

/// Empty, or as other servers of the protocol write that
fn is_nothing(body: &[u8]) -> bool {
    matches!(body.trim_ascii(), b"" | b"{}" | b"null")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_short_and_nothing_in_them_acts() {
        assert_eq!(words("Rate exceeded"), "Rate exceeded");
        assert_eq!(words("a\u{1b}[2J\nb"), "a\\u{1b}[2J\\nb");
        assert_eq!(words(&"é".repeat(1_000)), "é".repeat(1_000));
        assert_eq!(words(&"é".repeat(1_000_000)), "é".repeat(1_000) + "…");
        assert!(unreadable("ListAliases", &"\u{e0041}".repeat(1_000_000)).to_string().len() < 20_000);
    }

    #[test]
    fn a_caller_is_of_the_account_that_is_named() {
        let caller = "arn:aws-cn:sts::111122223333:assumed-role/write/kms-alias";
        let known = identity("111122223333", caller, "cn-north-1").unwrap();
        assert_eq!((&*known.account, &*known.partition, &*known.caller), ("111122223333", "aws-cn", caller));
        for (account, caller) in [
            ("111122223333", ""),
            ("111122223333", "root"),
            ("111122223333", "arn:aws:iam::999900001111:root"),
            ("111122223333", "arn::iam::111122223333:root"),
            ("111122223333", "arn:aws:iam::111122223333:user/\u{1b}[2J"),
            ("x", "arn:aws:iam::x:root"),
        ] {
            assert_eq!(identity(account, caller, "us-east-1").unwrap_err().fault, Fault::Unknown, "{caller}");
        }
    }

    #[test]
    fn an_id_is_one_that_the_service_could_have_given() {
        assert_eq!(key_id("ListKeys", "mrk-1234").unwrap().as_str(), "mrk-1234");
        for id in ["", "a b", "\u{1b}[2J", "é", "arn:aws:kms:us-east-1:111122223333:key/", &"a".repeat(2_049)]
        {
            assert!(key_id("ListKeys", id).is_err(), "{id}");
        }
        assert!(alias_name(Some("a".repeat(2_048))).is_ok());
        assert!(alias_name(Some("a".repeat(2_049))).is_err());
    }
}
