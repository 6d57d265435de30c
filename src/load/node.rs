//! A YAML value that knows its spot, and what kind of value it is. Pure.

use std::sync::Arc;

use super::source::Spot;

/// A value, and where it is; cloning shares lists, mappings and texts, which are all behind thin pointers: a manifest can have two
/// million nodes
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) spot: Spot,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A text; `own` where it differs from what the spot covers: escapes, folds, nothing at all
    Scalar {
        quoted: bool,
        own: Option<Arc<String>>,
    },
    List(Arc<Vec<Node>>),
    /// Pairs in the order of the file, merged ones last; keys are distinct scalars
    Map(Arc<Vec<(Node, Node)>>),
}

/// What a value is, by the core schema of YAML 1.2 (<https://yaml.org/spec/1.2.2/#103-core-schema>)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number,
    Text,
    List,
    Map,
}

impl Kind {
    /// As it is called in `expected …, found …`
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Null => "nothing (null)",
            Self::Bool(_) => "a boolean",
            Self::Number => "a number",
            Self::Text => "text",
            Self::List => "a list",
            Self::Map => "a mapping",
        }
    }
}

impl Node {
    /// The text of a scalar, quotes and escapes taken off; of a list or mapping, nothing
    pub(crate) fn text(&self) -> &str {
        match &self.value {
            Value::Scalar { own: Some(text), .. } => text,
            Value::Scalar { quoted: true, own: None } => unquoted(self.spot.text()),
            Value::Scalar { quoted: false, own: None } => self.spot.text(),
            Value::List(_) | Value::Map(_) => "",
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match &self.value {
            Value::List(_) => Kind::List,
            Value::Map(_) => Kind::Map,
            Value::Scalar { quoted: true, .. } => Kind::Text,
            Value::Scalar { quoted: false, .. } => plain_kind(self.text()),
        }
    }
}

pub(super) fn unquoted(text: &str) -> &str {
    text.get(1..text.len().saturating_sub(1)).unwrap_or_default()
}

fn plain_kind(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" => Kind::Bool(true),
        "false" | "False" | "FALSE" => Kind::Bool(false),
        _ if is_number(text) => Kind::Number,
        _ => Kind::Text,
    }
}

fn is_number(text: &str) -> bool {
    // Nearly every text of a manifest ends here; Rust's own float syntax has words of its own, as `infinity`.
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return false;
    }
    let radix =
        |prefix, radix| text.strip_prefix(prefix).is_some_and(|n| u128::from_str_radix(n, radix).is_ok());
    let magnitude = text.trim_start_matches(['+', '-']);
    let special = [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(&magnitude);
    let decimal =
        magnitude.starts_with(|c: char| c.is_ascii_digit() || c == '.') && text.parse::<f64>().is_ok();
    special || decimal || radix("0x", 16) || radix("0o", 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_small() {
        assert!(size_of::<Node>() <= 40, "{} bytes, two million times", size_of::<Node>());
    }

    #[test]
    fn plain_texts_are_what_yaml_1_2_says_and_no_more() {
        for (text, kind) in [
            ("", Kind::Null),
            ("~", Kind::Null),
            ("true", Kind::Bool(true)),
            ("FALSE", Kind::Bool(false)),
            ("yes", Kind::Text),
            ("on", Kind::Text),
            ("012", Kind::Number),
            ("-1.5e3", Kind::Number),
            ("+.inf", Kind::Number),
            (".nan", Kind::Number),
            ("0x1F", Kind::Number),
            ("0o17", Kind::Number),
            ("infinity", Kind::Text),
            ("+-1", Kind::Text),
            ("-", Kind::Text),
            (".", Kind::Text),
            ("1_000", Kind::Text),
            ("12:30", Kind::Text),
            ("1234abcd-12ab-34cd-56ef-1234567890ab", Kind::Text),
        ] {
            assert_eq!(plain_kind(text), kind, "{text}");
        }
    }
}
