//! The input of one call: its members read by name, and every broken constraint gathered into the one sentence the service answers.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::refusal::{ServiceError, serialization, validation};

/// The members of a request, and what is wrong with those read so far
pub(super) struct Input<'a> {
    members: &'a Map<String, Value>,
    broken: Vec<String>,
}

impl<'a> Input<'a> {
    pub(super) fn new(value: &'a Value) -> Result<Self, ServiceError> {
        let members = value
            .as_object()
            .ok_or_else(|| serialization("Start of structure or map found where not expected."))?;
        Ok(Self { members, broken: Vec::new() })
    }

    /// The text of `member`, which must be there and of this many characters
    pub(super) fn text(
        &mut self,
        member: &str,
        length: RangeInclusive<usize>,
    ) -> Result<&'a str, ServiceError> {
        match self.optional_text(member, length)? {
            Some(text) => Ok(text),
            None => {
                self.breaks(member, "null", "Member must not be null");
                Ok("")
            }
        }
    }

    /// The text of `member`, if it is there
    pub(super) fn optional_text(
        &mut self,
        member: &str,
        length: RangeInclusive<usize>,
    ) -> Result<Option<&'a str>, ServiceError> {
        let Some(value) = self.present(member) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| unconvertible(value, "String"))?;
        let (count, quoted) = (text.chars().count(), format!("'{text}'"));
        if count < *length.start() {
            let rule = format!("Member must have length greater than or equal to {}", length.start());
            self.breaks(member, &quoted, &rule);
        }
        if count > *length.end() {
            let rule = format!("Member must have length less than or equal to {}", length.end());
            self.breaks(member, &quoted, &rule);
        }
        Ok(Some(text))
    }

    /// Says that `text` breaks the pattern that the service's model gives the member
    pub(super) fn pattern(&mut self, member: &str, text: &str, fits: bool, pattern: &str) {
        if !fits && !text.is_empty() {
            let rule = format!("Member must satisfy regular expression pattern: {pattern}");
            self.breaks(member, &format!("'{text}'"), &rule);
        }
    }

    /// The text of `member`, one of `values`, if it is there
    pub(super) fn one_of(
        &mut self,
        member: &str,
        values: &[&'static str],
    ) -> Result<Option<&'static str>, ServiceError> {
        let Some(text) = self.optional_text(member, 0..=usize::MAX)? else { return Ok(None) };
        let known = values.iter().find(|value| **value == text).copied();
        if known.is_none() {
            let rule = format!("Member must satisfy enum value set: [{}]", values.join(", "));
            self.breaks(member, &format!("'{text}'"), &rule);
        }
        Ok(known)
    }

    /// The whole number `member`, if it is there
    pub(super) fn number(
        &mut self,
        member: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, ServiceError> {
        let Some(value) = self.present(member) else { return Ok(None) };
        let number = value.as_i64().ok_or_else(|| unconvertible(value, "Integer"))?;
        let quoted = format!("'{number}'");
        if number < i64::try_from(*range.start()).unwrap_or(i64::MAX) {
            let rule = format!("Member must have value greater than or equal to {}", range.start());
            self.breaks(member, &quoted, &rule);
        }
        if number > i64::try_from(*range.end()).unwrap_or(i64::MAX) {
            let rule = format!("Member must have value less than or equal to {}", range.end());
            self.breaks(member, &quoted, &rule);
        }
        Ok(u64::try_from(number).ok())
    }

    /// Whether `member` is there and true
    pub(super) fn flag(&self, member: &str) -> Result<bool, ServiceError> {
        match self.present(member) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| unconvertible(value, "Boolean")),
        }
    }

    /// The list `member`, empty where it is absent
    pub(super) fn list(&self, member: &str) -> Result<&'a [Value], ServiceError> {
        match self.present(member) {
            None => Ok(&[]),
            Some(Value::Array(values)) => Ok(values),
            Some(value) => Err(unconvertible(value, "List")),
        }
    }

    /// # Errors
    /// Every constraint broken so far, in one sentence.
    pub(super) fn check(&self) -> Result<(), ServiceError> {
        let (count, plural) = (self.broken.len(), if self.broken.len() == 1 { "" } else { "s" });
        match count {
            0 => Ok(()),
            _ => Err(validation(format!(
                "{count} validation error{plural} detected: {}",
                self.broken.join("; ")
            ))),
        }
    }

    fn present(&self, member: &str) -> Option<&'a Value> {
        self.members.get(member).filter(|value| !value.is_null())
    }

    fn breaks(&mut self, member: &str, value: &str, rule: &str) {
        let mut name = member.to_owned();
        name[..1].make_ascii_lowercase();
        self.broken.push(format!("Value {value} at '{name}' failed to satisfy constraint: {rule}"));
    }
}

fn unconvertible(value: &Value, wanted: &str) -> ServiceError {
    let found = match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    };
    serialization(format!("{found} can not be converted to a {wanted}"))
}
