//! The tables of the language -> the JSON Schema of a manifest, for editors, and its reference, for people. Pure.
//!
//! Draft 7: the language server of most editors understands later ones only since its version 1.20
//! (<https://github.com/redhat-developer/yaml-language-server/blob/main/CHANGELOG.md>). Its readers pass over what stands beside a
//! `$ref`, so that stands in an `allOf`.

pub mod reference;

use serde_json::{Map, Value, json};

use crate::load::language::{LANGUAGE, MANIFEST, Otherwise, Rule, Shape, Text, Word, Words};
use crate::load::serial::from_yaml;

/// The schema; one file of a manifest that is a directory fits it too, so what another file may have is not required
pub fn schema() -> Value {
    let mut schema = mapping(&MANIFEST);
    let others = LANGUAGE.iter().filter(|words| words.name != MANIFEST.name);
    schema.extend([
        ("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#")),
        ("$id".to_owned(), json!("urn:kms-alias:schema:manifest:1")),
        ("title".to_owned(), json!("A manifest of kms-alias: which AWS KMS alias points at which key")),
        (
            "definitions".to_owned(),
            others.map(|words| (words.name.to_owned(), Value::from(mapping(words)))).collect(),
        ),
    ]);
    schema.into()
}

fn mapping(words: &Words) -> Map<String, Value> {
    let properties: Map<_, _> =
        words.known.iter().map(|word| (word.name.to_owned(), property(word))).collect();
    let required: Vec<_> =
        words.known.iter().filter(|word| matches!(word.otherwise, Otherwise::Error)).collect();
    let mut mapping = Map::from_iter([
        ("type".to_owned(), json!("object")),
        ("description".to_owned(), json!(words.about)),
        ("properties".to_owned(), properties.into()),
        ("additionalProperties".to_owned(), json!(false)),
    ]);
    if !required.is_empty() {
        let names = required.into_iter().map(|word| word.name);
        mapping.insert("required".to_owned(), names.collect());
    }
    if words.extensions {
        let anything = json!({"^x-": {"description": "Anything, as what anchors share. It is not read."}});
        mapping.insert("patternProperties".to_owned(), anything);
    }
    if !words.rules.is_empty() {
        mapping.insert("allOf".to_owned(), words.rules.iter().map(rule).collect());
    }
    mapping
}

fn property(word: &Word) -> Value {
    let mut property = value(&word.shape);
    property["description"] = json!(word.about);
    property["examples"] = json!([read(word.example)]);
    if let Otherwise::Same(default) = word.otherwise {
        property["default"] = read(default);
    }
    property
}

/// What the YAML of the tables says
pub(crate) fn read(yaml: &str) -> Value {
    from_yaml(yaml)
}

fn value(shape: &Shape) -> Value {
    match shape {
        Shape::Text(kind) => text(kind),
        Shape::Choice(words) => json!({"type": "string", "enum": words}),
        Shape::Boolean => json!({"type": "boolean"}),
        Shape::Exactly(number) => json!({"const": number}),
        Shape::Count(least) => json!({"type": "integer", "minimum": least}),
        Shape::Number(least) => json!({"type": "number", "minimum": least}),
        Shape::List(item, least) => {
            json!({"type": "array", "items": value(item), "minItems": least, "uniqueItems": true})
        }
        Shape::Map { kinds, size } => map(kinds, *size),
        Shape::Mapping(words) => json!({"allOf": [{"$ref": format!("#/definitions/{}", words.name)}]}),
        Shape::Either(shapes) => json!({"anyOf": shapes.iter().map(value).collect::<Vec<_>>()}),
    }
}

fn text(kind: &Text) -> Value {
    let [least, most] = kind.length;
    let mut text = json!({"type": "string"});
    if let Some(pattern) = kind.pattern {
        text["pattern"] = json!(pattern);
        // An editor shows this instead of the pattern.
        text["patternErrorMessage"] = json!(format!("this is not {}", kind.what));
    }
    if least > 0 {
        text["minLength"] = json!(least);
    }
    if most < usize::MAX {
        text["maxLength"] = json!(most);
    }
    text
}

fn map(kinds: &[(Text, Shape)], [least, most]: [usize; 2]) -> Value {
    let mut map = json!({"type": "object"});
    match kinds {
        [(key, shape)] => {
            map["propertyNames"] = text(key);
            map["additionalProperties"] = value(shape);
        }
        _ => {
            let patterns =
                kinds.iter().map(|(key, shape)| (key.pattern.unwrap_or_default().to_owned(), value(shape)));
            map["patternProperties"] = Value::from(patterns.collect::<Map<_, _>>());
            map["additionalProperties"] = json!(false);
        }
    }
    if least > 0 {
        map["minProperties"] = json!(least);
    }
    if most < usize::MAX {
        map["maxProperties"] = json!(most);
    }
    map
}

fn rule(rule: &Rule) -> Value {
    let says = |word: &str| json!({"properties": {word: {"const": true}}, "required": [word]});
    match rule {
        Rule::OneOf(words) => {
            let each = words.iter().map(|word| json!({"required": [word]}));
            json!({"oneOf": each.collect::<Vec<_>>()})
        }
        Rule::Some => json!({"minProperties": 1}),
        Rule::KeyUnlessAbsent => {
            let key = json!({"required": ["key"]});
            json!({"if": says("absent"), "then": {"not": key}, "else": key})
        }
        Rule::Needs(flag, word) => json!({"if": says(flag), "then": {"required": [word]}}),
    }
}
