//! What stands after `key:` -> which key is meant. Pure.

use super::language::KEY;
use super::node::{Kind, Node};
use super::problem::{Problem, Problems};
use super::read::{Fields, wrong_kind};
use super::suggest::nearest;
use crate::alias::{AliasName, KeyArn, KeyId, KeyRef, NameError};

const SHAPES: &str = "write a key id, as `1234abcd-12ab-34cd-56ef-1234567890ab` or `mrk-…`; the ARN of a key; or the name of \
    another alias";

const NONE: &str = "write a key, or `absent` if the alias should not exist";

/// The key that `node` names
pub(super) fn read(node: &Node, found: &mut Problems) -> Option<KeyRef> {
    match node.kind() {
        Kind::Text if node.text().is_empty() => {
            let problem = Problem::error("null-value", "expected a key, found empty text");
            found.add(problem.at(&node.spot, "").help(NONE));
        }
        Kind::Text => match parse(node.text()) {
            Ok(key) => return Some(key),
            Err(problem) => found.add(problem.at(&node.spot, "")),
        },
        Kind::Map => refuse_selector(node, found),
        Kind::Null => {
            found.add(wrong_kind(node, "a key").help(NONE));
        }
        _ => found.add(wrong_kind(node, "a key").help(SHAPES)),
    }
    None
}

/// Selecting a key by what it is tagged with is for a later version.
fn refuse_selector(node: &Node, found: &mut Problems) {
    let fields = Fields::read(node, &KEY, found);
    if fields.is_some_and(|fields| fields.is_empty()) {
        found.add(wrong_kind(node, "a key").help(SHAPES));
    }
}

fn parse(text: &str) -> Result<KeyRef, Problem> {
    if let Some(id) = KeyId::parse(text) {
        return Ok(KeyRef::Id(id));
    }
    if text.starts_with("arn:") {
        return KeyArn::parse(text).map(KeyRef::Arn).ok_or_else(|| wrong_arn(text));
    }
    if text.starts_with("alias/") {
        return AliasName::parse(text).map(KeyRef::Alias).map_err(|error| wrong_alias(text, &error));
    }
    Err(wrong_id(text))
}

fn wrong_arn(text: &str) -> Problem {
    let problem = Problem::error("key-arn", format!("`{text}` is not the ARN of a KMS key"));
    let lower = text.to_ascii_lowercase();
    match text.split_once(":alias/") {
        Some((_, alias)) => problem.help(format!("write the name alone: `alias/{alias}`")),
        None if KeyArn::parse(&lower).is_some() => problem.help(format!("write it in lower case: `{lower}`")),
        None => problem.help("write `arn:aws:kms:REGION:ACCOUNT:key/ID`, or the id alone"),
    }
}

fn wrong_alias(text: &str, error: &NameError) -> Problem {
    if *error == NameError::Reserved {
        let problem =
            Problem::error("follows-aws", format!("`{text}` belongs to AWS, and no alias may follow it"));
        return problem.help("an alias points at a customer managed key: name the key itself");
    }
    Problem::error("alias-name", format!("`{text}` is not an alias name: {error}")).help(error.hint())
}

fn wrong_id(text: &str) -> Problem {
    let lower = text.trim().to_ascii_lowercase();
    let bare = lower.strip_prefix("key/").unwrap_or(&lower);
    if KeyId::parse(bare).is_some() {
        let problem =
            Problem::error("key-id", format!("`{text}` is not written as the service writes key ids"));
        return problem.help(format!("write `{bare}`"));
    }
    let problem = Problem::error("key-id", format!("`{text}` is not a key"));
    match nearest(text, ["absent"]) {
        Some(_) => problem.help("did you mean `absent`?"),
        None => problem.help(SHAPES),
    }
}
