//! Tests of the tree: what it says is what a second reader, of another family, says of every good text.

use std::fs;
use std::sync::Arc;

use proptest::prelude::*;
use serde_yaml::{Mapping, Number, Value as Theirs};

use super::node::{Kind, Node, Value};
use super::problem::Problems;
use super::source::Source;
use super::yaml;

/// The tree of `text` in the other reader's terms, or the codes of what is wrong with it
fn ours(text: &str) -> Result<Theirs, Vec<&'static str>> {
    let source = Arc::new(Source { name: "test.yaml".into(), path: None, text: text.to_owned() });
    let mut found = Problems::default();
    let tree = yaml::parse(&source, &mut found);
    match tree {
        Some(tree) if found.is_empty() => Ok(converted(&tree)),
        _ => Err(found.sorted().into_iter().map(|problem| problem.code).collect()),
    }
}

fn converted(node: &Node) -> Theirs {
    match (node.kind(), &node.value) {
        (_, Value::List(items)) => items.iter().map(converted).collect(),
        (_, Value::Map(pairs)) => {
            let pairs = pairs.iter().map(|(key, value)| (converted(key), converted(value)));
            Theirs::Mapping(pairs.collect::<Mapping>())
        }
        (Kind::Null, _) => Theirs::Null,
        (Kind::Bool(value), _) => Theirs::Bool(value),
        (Kind::Number, _) => number(node.text()),
        _ => Theirs::String(node.text().to_owned()),
    }
}

fn number(text: &str) -> Theirs {
    if text == ".inf" {
        return f64::INFINITY.into();
    }
    let whole = text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
    whole.or_else(|_| text.parse::<f64>().map(Number::from)).map_or(Theirs::Null, Theirs::Number)
}

fn theirs(text: &str) -> Result<Theirs, serde_yaml::Error> {
    let mut value: Theirs = serde_yaml::from_str(text)?;
    for _ in 0..3 {
        // It copies the merge keys of what it merges, and applies them the next time only.
        value.apply_merge()?;
    }
    Ok(value)
}

#[track_caller]
fn agree(text: &str) {
    assert_eq!(ours(text).expect(text), theirs(text).expect(text), "{text}");
}

#[test]
fn good_texts_of_every_style_read_alike() {
    for text in [
        "a: 1\nb: -2.5\nc: true\nd: ~\ne: null\nf:\ng: text here\n",
        "plain: a b  c\nsingle: 'it''s'\ndouble: \"a\\tb\\u00e9\\n\"\nempty: ''\n",
        "literal: |\n  one\n  two\nfolded: >-\n  one\n  two\nkeep: |+\n  x\n\n",
        "multi: one\n  two\n  three\nquoted: 'one\n  two'\n",
        "list:\n- a\n- - b\n  - c\n-\n- {x: [1, 2], y: {}}\nflow: [a, 'b', \"c\", , d]\n"
            .replace(", ,", ",")
            .as_str(),
        "no: no\nyes: yes\non: on\noff: Off\ntrue: True\n",
        "x-base: &b {k: v, n: 1}\na: *b\nc:\n  <<: *b\n  n: 2\n",
        "x: &x {a: 1}\ny: &y {a: 2, b: 3}\nz: {<<: [*x, *y], c: 4}\nw: {<<: [*y, *x]}\n",
        "a: &a [1, 2]\nb: [*a, *a]\nc: &c text\nd: *c\ne: &a 3\nf: *a\n",
        "outer: &o\n  <<: &i {deep: 1}\n  more: 2\nuse: {<<: *o, more: 3}\n",
        "? complex key text\n: value\n'quoted key': 1\n\"a:b\": 2\nc:d: 3\n",
        "# comment\na: b # comment\n# between\nc: 'd # none'\n",
        "%YAML 1.2\n---\na: b\n...\n",
        "größe: ümlaut\n日本: 語\nemoji: \"🔑\"\n",
        "a: b\r\nc:\r\n  - d\r\n",
        "time: 12:30:45\ndate: 2026-11-21\nid: 1234abcd-12ab-34cd-56ef-1234567890ab\n",
        "arn: arn:aws:kms:us-east-1:111122223333:key/mrk-1\nurl: http://x/#y\n",
        "key: {tags: {app: billing, 'on': \"yes\", \"7\": ''}, description: the whole of it}\n",
        "nested:\n    deep:\n          deeper: x\n    back: y\n",
        "[]",
        "{}",
        "just text",
    ] {
        agree(text);
    }
}

/// Of the bad manifests too: most of them are good YAML.
#[test]
fn what_both_read_of_the_corpus_is_alike() {
    let mut alike = 0;
    for entry in fs::read_dir("tests/manifests").unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let text = text.trim_start_matches('\u{feff}');
        if path.extension().is_some_and(|extension| extension == "yaml")
            && let Ok(tree) = ours(text)
        {
            // Numbers with leading zeros are text to the other reader; here they are asked to be quoted.
            if !text.contains("[0123") {
                assert_eq!(tree, theirs(text).unwrap(), "{}", path.display());
                alike += 1;
            }
        }
    }
    assert!(alike > 50, "only {alike} files were compared");
}

#[test]
fn what_is_wrong_with_a_text_has_a_code() {
    for (text, code) in [
        ("a: b\na: c\n", "duplicate-key"),
        ("a: {b: 1, b: 2}\n", "duplicate-key"),
        ("a: !!str b\n", "tag"),
        ("a: b\n--- \nc: d\n", "several-documents"),
        ("a: [b\n", "syntax"),
        ("a: *b\n", "syntax"),
        ("a:\n\tb: c\n", "syntax"),
        ("a: &a [*a]\n", "anchor-cycle"),
        ("a: {<<: 1}\n", "merge"),
        ("[a]: b\n", "key-type"),
        ("", "empty"),
        ("a: \"\u{1}\"\n", "syntax"),
    ] {
        assert_eq!(ours(text), Err(vec![code]), "{text:?}");
    }
}

#[test]
fn doubling_anchors_are_refused_before_they_cost_anything() {
    let lines = (1..60).map(|n| format!("x-{n}: &n{n} [*n{}, *n{}]\n", n - 1, n - 1));
    let text = "x-0: &n0 [a, b]\n".to_owned() + &lines.collect::<String>();
    assert_eq!(ours(&text), Err(vec!["too-large"]));
    let merges = (1..60)
        .map(|n| format!("x-{n}: {{a{n}: 1, <<: *n{}}}\n", n - 1).replace(": {", &format!(": &n{n} {{")));
    let text = "x-0: &n0 {a: 1}\n".to_owned() + &merges.collect::<String>();
    assert!(ours(&text).is_ok());
}

#[test]
fn every_scalar_knows_its_line_and_column() {
    let text = "a:\n  - x\n  - 'y z'\nü: {k: v}\n";
    let source = Arc::new(Source { name: "t".into(), path: None, text: text.to_owned() });
    let tree = yaml::parse(&source, &mut Problems::default()).unwrap();
    let mut seen = Vec::new();
    visit(&tree, &mut |node| seen.push(format!("{:?} {}", node.spot, node.spot.text())));
    let wanted = [
        "t:1:1 a",
        "t:1:1 a",
        "t:2:5 x",
        "t:2:5 x",
        "t:3:5 'y z'",
        "t:4:1 ü",
        "t:4:4 {k: v}",
        "t:4:5 k",
        "t:4:8 v",
    ];
    assert_eq!(seen[..1], wanted[..1]);
    assert!(wanted.iter().all(|spot| seen.iter().any(|other| other == spot)), "{seen:?}");
}

fn visit(node: &Node, see: &mut impl FnMut(&Node)) {
    see(node);
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| visit(item, see)),
        Value::Map(pairs) => pairs.iter().for_each(|(key, value)| {
            visit(key, see);
            visit(value, see);
        }),
        Value::Scalar { .. } => {}
    }
}

fn any_value() -> impl Strategy<Value = Theirs> {
    let text = prop_oneof![
        "[ -~]{0,12}",
        "\\PC{0,8}",
        "[a-z]{1,4}(/[a-z]{1,4}){0,2}",
        "(no|yes|null|~|true|1e3|0x1f|- a|a: b|#x|<<)"
    ];
    // These end a line in YAML 1.1, as the other reader has it, and are letters like any in 1.2, as ours has it.
    let text = text.prop_map(|text: String| text.replace(['\u{85}', '\u{2028}', '\u{2029}'], ""));
    let leaf = prop_oneof![
        Just(Theirs::Null),
        any::<bool>().prop_map(Theirs::from),
        any::<i64>().prop_map(Theirs::from),
        (-1e9..1e9).prop_map(|n: f64| Theirs::from(n)),
        text.clone().prop_map(Theirs::from),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        let map = prop::collection::vec((text.clone(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Theirs::from),
            map.prop_map(|pairs| {
                let pairs = pairs.into_iter().filter(|(key, _)| key != "<<");
                Theirs::Mapping(pairs.map(|(key, value)| (Theirs::from(key), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_the_other_writes_is_read_here(value in any_value()) {
        let text = serde_yaml::to_string(&value).unwrap();
        prop_assert_eq!(ours(&text), theirs(&text).map_err(|_| vec![]), "{}", text);
    }

    #[test]
    fn json_is_yaml(value in any_value()) {
        let text = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(ours(&text), theirs(&text).map_err(|_| vec![]), "{}", text);
    }
}
