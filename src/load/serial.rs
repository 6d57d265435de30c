//! The YAML of an example -> the JSON that it stands for, by the reader that manifests have. Pure.
//!
//! One reader of YAML is enough for a program: what is text and what is a number is then the same everywhere.

use std::sync::Arc;

use serde_json::Value as Json;

use super::node::{Kind, Node, Value};
use super::problem::Problems;
use super::source::Source;
use super::yaml::parse;

/// What `text` says; nothing where it is no YAML
pub(crate) fn from_yaml(text: &str) -> Json {
    let source = Arc::new(Source { name: "".into(), path: None, text: text.to_owned() });
    parse(&source, &mut Problems::default()).map_or(Json::Null, |node| json(&node))
}

/// By the core schema of YAML 1.2, as [`Kind`] has it
fn json(node: &Node) -> Json {
    match (&node.value, node.kind()) {
        (Value::List(items), _) => items.iter().map(json).collect(),
        (Value::Map(pairs), _) => {
            pairs.iter().map(|(key, value)| (key.text().to_owned(), json(value))).collect()
        }
        (_, Kind::Null) => Json::Null,
        (_, Kind::Bool(is_true)) => is_true.into(),
        (_, Kind::Number) => serde_json::from_str(node.text()).unwrap_or_default(),
        _ => node.text().into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_what_yaml_1_2_says() {
        let text = "{a: [1, -2, 1.5, 'x', yes, true, ~], 'b c': \"\\u00e9\", d: {e: x}, 1: 2}";
        let wanted = json!({"a": [1, -2, 1.5, "x", "yes", true, null], "b c": "é", "d": {"e": "x"}, "1": 2});
        assert_eq!(from_yaml(text), wanted);
        assert_eq!(from_yaml("[a"), Json::Null);
    }
}
