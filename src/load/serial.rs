//! The YAML of a scenario or an example -> whatever serde makes of it, by the reader that manifests have. Pure.
//!
//! One reader of YAML is enough for a program: what is text and what is a number is then the same everywhere, and a second one takes
//! 0.4 MB.

use std::fmt;
use std::sync::Arc;

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::node::{Kind, Node, Value};
use super::problem::{Problems, Severity};
use super::source::{Source, Spot};
use super::yaml::parse;

/// What `text` says; nothing but comments is an empty mapping
///
/// # Errors
/// What is wrong with it, and at which line and column, on one line.
pub(crate) fn from_yaml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let is_empty =
        text.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#'));
    let text = if is_empty { "{}".to_owned() } else { text.to_owned() };
    let source = Arc::new(Source { name: "".into(), path: None, text });
    let mut found = Problems::default();
    let node = parse(&source, &mut found);
    if let Some(problem) = found.sorted().into_iter().find(|problem| problem.severity == Severity::Error) {
        let place = problem.place().map(|place| format!("line {}, column {}: ", place.line, place.column));
        return Err(format!("{}{}", place.unwrap_or_default(), problem.message));
    }
    T::deserialize(&node.ok_or("there is nothing in it")?).map_err(|misfit| misfit.to_string())
}

/// Why a node is not what was expected
#[derive(Debug)]
pub(crate) struct Misfit {
    why: String,
    spot: Option<Spot>,
}

impl Misfit {
    /// The innermost node that does not fit is where the error is
    fn at(self, spot: &Spot) -> Self {
        Self { spot: self.spot.or_else(|| Some(spot.clone())), ..self }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(spot) = &self.spot {
            write!(f, "line {}, column {}: ", spot.line(), spot.column())?;
        }
        f.write_str(&self.why)
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self { why: why.to_string(), spot: None }
    }
}

impl<'de> IntoDeserializer<'de, Misfit> for &Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn pairs(pairs: &[(Node, Node)]) -> impl Iterator<Item = (&Node, &Node)> {
    pairs.iter().map(|(key, value)| (key, value))
}

/// By the core schema of YAML 1.2, as [`Kind`] has it; a scalar is a text where one is asked for
impl<'de> Deserializer<'de> for &Node {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let text = self.text();
        let read = match (&self.value, self.kind()) {
            (Value::List(items), _) => visitor.visit_seq(SeqDeserializer::new(items.iter())),
            (Value::Map(all), _) => visitor.visit_map(MapDeserializer::new(pairs(all))),
            (_, Kind::Null) => visitor.visit_unit(),
            (_, Kind::Bool(is_true)) => visitor.visit_bool(is_true),
            (_, Kind::Number) => match (text.parse(), text.parse(), text.parse()) {
                (Ok(number), ..) => visitor.visit_u64(number),
                (_, Ok(number), _) => visitor.visit_i64(number),
                (.., Ok(number)) => visitor.visit_f64(number),
                _ => Err(de::Error::custom(format!("`{text}` is no decimal number"))),
            },
            _ => visitor.visit_str(text),
        };
        read.map_err(|misfit: Misfit| misfit.at(&self.spot))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match (&self.value, self.kind()) {
            (Value::Scalar { .. }, Kind::Bool(_) | Kind::Number | Kind::Text) => {
                visitor.visit_str(self.text()).map_err(|misfit: Misfit| misfit.at(&self.spot))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.kind() {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self).map_err(|misfit: Misfit| misfit.at(&self.spot))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let read = match &self.value {
            Value::Map(all) => {
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(pairs(all))))
            }
            _ => visitor.visit_enum(self.text().into_deserializer()),
        };
        read.map_err(|misfit: Misfit| misfit.at(&self.spot))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value as Json, json};

    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "snake_case")]
    struct Sample {
        #[serde(default)]
        names: BTreeMap<String, Option<String>>,
        #[serde(default)]
        kind: Option<Sort>,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Sort {
        Plain,
        Counted(u32),
        Named { of: String },
    }

    #[test]
    fn values_are_what_yaml_1_2_says() {
        let text = "{a: [1, -2, 1.5, 'x', yes, true, ~], 'b c': \"\\u00e9\", d: {e: |-\n x\n}}";
        let wanted = json!({"a": [1, -2, 1.5, "x", "yes", true, null], "b c": "é", "d": {"e": "x"}});
        let read: Result<Json, _> = from_yaml(&text.replace("{e: |-\n x\n}", "{e: x}"));
        assert_eq!(read, Ok(wanted));
        assert_eq!(from_yaml::<Json>("# nothing\n\n"), Ok(json!({})));
    }

    #[test]
    fn texts_options_and_choices_are_read_as_they_are_asked_for() {
        let read = |text| from_yaml::<Sample>(text).unwrap();
        let names = BTreeMap::from([("1".to_owned(), Some("2026".to_owned())), ("x".to_owned(), None)]);
        assert_eq!(read("names: {1: 2026, x: null}\nkind: plain"), Sample { names, kind: Some(Sort::Plain) });
        assert_eq!(read("kind: {counted: 3}").kind, Some(Sort::Counted(3)));
        assert_eq!(read("kind: {named: {of: y}}").kind, Some(Sort::Named { of: "y".to_owned() }));
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        for (text, why) in [
            ("kind: plain\nnmaes: {}", "line 2, column 1: unknown field `nmaes`"),
            ("kind:\n  counted: many", "line 2, column 12: invalid type: string \"many\", expected u32"),
            ("kind: other", "line 1, column 7: unknown variant `other`"),
            ("names: [a", "line 2, column"),
            ("names: {}\nnames: {}", "line 2, column 1: "),
        ] {
            let told = from_yaml::<Sample>(text).unwrap_err();
            assert!(
                told.starts_with(why) || (why.ends_with("column") && told.starts_with("line ")),
                "{text}: {told}"
            );
        }
    }
}
