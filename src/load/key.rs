//! What stands after `key:` -> which key is meant. Pure.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::language::KEY;
use super::node::{Kind, Node, Value};
use super::problem::{Problem, Problems};
use super::read::{Fields, text, wrong_kind};
use super::suggest::nearest;
use crate::alias::{AliasName, KeyArn, KeyId, KeyRef, NameError};
use crate::criteria::Criteria;

const SHAPES: &str = "write a key id, as `1234abcd-12ab-34cd-56ef-1234567890ab` or `mrk-…`; the ARN of a key; the name of \
    another alias; or what the key has, as `{tags: {app: billing}}`";

/// The longest name and value of a tag, and the longest description
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_Tag.html>,
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>)
pub(super) const LONGEST: [usize; 3] = [128, 256, 8192];

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
        Kind::Map => return read_criteria(node, found).map(|criteria| KeyRef::Select(criteria.into())),
        Kind::Null => {
            found.add(wrong_kind(node, "a key").help(NONE));
        }
        _ => found.add(wrong_kind(node, "a key").help(SHAPES)),
    }
    None
}

/// What the key is selected by; what is wrong with any part of it leaves no key
fn read_criteria(node: &Node, found: &mut Problems) -> Option<Criteria> {
    let fields = Fields::read(node, &KEY, found)?;
    if fields.is_empty() {
        found.add(wrong_kind(node, "a key").help(SHAPES));
        return None;
    }
    // Each is read, so that all that is wrong is told at once.
    let tags = match fields.get("tags") {
        Some(node) => read_tags(node, found),
        None => Some(BTreeMap::new()),
    };
    let description = match fields.get("description") {
        Some(node) => read_description(node, found).map(Some),
        None => Some(None),
    };
    let criteria = Criteria { tags: tags?, description: description? };
    (!fields.refused).then_some(criteria)
}

fn read_tags(node: &Node, found: &mut Problems) -> Option<BTreeMap<String, String>> {
    const EXAMPLE: &str = "name at least one tag, as in `tags: {app: billing}`";
    match &node.value {
        Value::Map(pairs) if pairs.is_empty() => {
            let problem = Problem::error("empty-tags", "`tags` without any tag would select every key");
            found.add(problem.at(&node.spot, "").help(EXAMPLE));
            None
        }
        Value::Map(pairs) => {
            let read: Vec<_> = pairs.iter().map(|(name, value)| read_tag(name, value, found)).collect();
            read.into_iter().collect()
        }
        _ => {
            found.add(wrong_kind(node, "a mapping of tags").help(EXAMPLE));
            None
        }
    }
}

fn read_tag(name: &Node, value: &Node, found: &mut Problems) -> Option<(String, String)> {
    let [longest_name, longest_value, _] = LONGEST;
    let read_name = text(name, "the name of a tag, which is text", found);
    let read_name = read_name.and_then(|text| within(text, 1..=longest_name, "tag name", name, found));
    let read_value = text(value, "the value of a tag, which is text", found);
    let read_value = read_value.and_then(|text| within(text, 0..=longest_value, "tag value", value, found));
    Some((read_name?, read_value?))
}

fn read_description(node: &Node, found: &mut Problems) -> Option<String> {
    let [.., longest] = LONGEST;
    let read = text(node, "the whole description of the key, which is text", found)?;
    within(read, 1..=longest, "description to select by", node, found)
}

/// `text`, if a key can have it
fn within(
    text: &str,
    length: RangeInclusive<usize>,
    what: &str,
    node: &Node,
    found: &mut Problems,
) -> Option<String> {
    let count = text.chars().count();
    if length.contains(&count) {
        return Some(text.to_owned());
    }
    let (message, help) = match count {
        0 => (format!("a {what} must not be empty"), "write a text, or take it out".to_owned()),
        _ => {
            let most = length.end();
            let message = format!("{count} characters, and a {what} has at most {most}");
            (message, "no key can have this: write what the key has".to_owned())
        }
    };
    found.add(Problem::error("key-criteria", message).at(&node.spot, "").help(help));
    None
}

fn parse(text: &str) -> Result<KeyRef, Problem> {
    if let Some(id) = KeyId::parse(text) {
        return Ok(KeyRef::Id(id));
    }
    if text.starts_with("arn:") {
        return KeyArn::parse(text).map(|arn| KeyRef::Arn(arn.into())).ok_or_else(|| wrong_arn(text));
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
