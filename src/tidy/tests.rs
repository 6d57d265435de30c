//! Tests of the formatter: what it writes, that it says the same, and that it is content with what it has written.

use proptest::prelude::*;

use super::*;

fn source(text: &str) -> Source {
    Source { name: "test.yaml".into(), path: None, text: text.to_owned() }
}

/// What `text` becomes, which has to be proven and to stay so
#[track_caller]
fn tidied(text: &str) -> String {
    let once = tidy(&source(text)).unwrap_or_else(|error| panic!("{error}: {text}\n{:?}", format(text)));
    let twice = tidy(&source(&once)).unwrap_or_else(|error| panic!("{error}: {once}"));
    assert_eq!(once, twice, "again\n{text}");
    once
}

#[test]
fn every_line_is_written_as_everybody_writes_it() {
    for (text, wanted) in [
        ("a:   b\nc:\td # x\n", "a: b\nc: d  # x\n"),
        ("a: {b:   c,d: [ e ,f ] }\n", "a: {b: c, d: [e, f]}\n"),
        ("a: [ b, ]\nc: {d: [e , ] , }\n", "a: [b]\nc: {d: [e]}\n"),
        ("a: [\n b, c,\n d, # e\n ]\n", "a: [\n  b, c,\n  d,  # e\n]\n"),
        ("a:\n      b:\n         c: d\n      e: f\n", "a:\n  b:\n    c: d\n  e: f\n"),
        ("a:\n- b\n-   c: d\n    e: f\n-  - g\n", "a:\n  - b\n  - c: d\n    e: f\n  - - g\n"),
        ("\n\na: b\n\n\n\nc: d   \n\n", "a: b\n\nc: d\n"),
        ("a: \"b\"\n'c': \"d e\"\nf: \"012\"\ng: 'no'\n", "a: b\nc: \"d e\"\nf: \"012\"\ng: 'no'\n"),
        ("a: [\n b,\n    c\n ]\n", "a: [\n  b,\n  c\n]\n"),
        ("x:\n    a: [\n     b, {\n c: d\n     }\n    ]\n", "x:\n  a: [\n    b, {\n      c: d\n    }\n  ]\n"),
        (
            "a: |  # why\n     one\n       two\n\n     three\nb: c\n",
            "a: |  # why\n  one\n    two\n\n  three\nb: c\n",
        ),
        ("a:\n    b: >-\n     one\n     two\n    c: d\n", "a:\n  b: >-\n    one\n    two\n  c: d\n"),
        ("a: one\n      two\n\n      three\nb: \"x\n  y\"\n", "a: one\n  two\n\n  three\nb: \"x\n  y\"\n"),
        ("x-a:   &a   {b: c}\nd: {<<:   *a}\ne:   *a\n", "x-a: &a {b: c}\nd: {<<: *a}\ne: *a\n"),
        ("a: b", "a: b\n"),
        ("a: |\n  b", "a: |\n  b\n"),
        ("scope: [alias/app/]\nversion: 1\naliases: {}", "version: 1\nscope: [alias/app/]\naliases: {}\n"),
        ("a: b\r\nc:  d\r\n", "a: b\r\nc: d\r\n"),
        ("%YAML 1.2\n---\na:  b\n...\n", "%YAML 1.2\n---\na: b\n...\n"),
        (
            "a:\n- |\n  one\n-  >\n  two\n- - |\n   three\n",
            "a:\n  - |\n      one\n  - >\n      two\n  - - |\n        three\n",
        ),
        ("a:  b\n?   c\n:   d\n?  e\n", "a: b\n? c\n: d\n? e\n"),
        ("x:\n    a: b\n    ? c\n    : - d\n      - e\n", "x:\n  a: b\n  ? c\n  : - d\n    - e\n"),
        ("{version: 1,aliases: {}}", "{version: 1, aliases: {}}\n"),
    ] {
        assert_eq!(tidied(text), wanted);
    }
}

#[test]
fn a_comment_stays_with_what_it_stands_in() {
    let text = "\
targets:
    # first
    prod:
        account: x # why
        # roles:
        #   plan: y
    # second
    dev: z

# below
aliases: {}
# the end
";
    let wanted = "\
targets:
  # first
  prod:
    account: x  # why
    # roles:
    #   plan: y
  # second
  dev: z

# below
aliases: {}
# the end
";
    // What is deeper than the comment's own level keeps its depth within the comment, which is text.
    assert_eq!(tidied(text), wanted);
}

#[test]
fn a_comment_that_is_deeper_than_the_entry_above_it_stays_below_that() {
    let text = "aliases:\n  b: 1\n     # still of b\n  c: 1\n  a: |\n    1\nx: 1\n   # of x\n";
    assert_eq!(tidied(text), "aliases:\n  a: |\n    1\n  b: 1\n    # still of b\n  c: 1\nx: 1\n  # of x\n");
}

#[test]
fn what_is_left_to_people_is_told_with_its_place() {
    let odd = Untidy::new(&source("a: b\nc:\n  d: e\n  ? f\n"), "it would not say the same");
    assert_eq!(
        odd.to_string(),
        "format test.yaml: it would not say the same; what is at test.yaml:4:3 is left to people, and nothing was written"
    );
}

#[test]
fn keys_of_the_manifest_are_in_the_order_of_the_language_and_take_their_comments_with_them() {
    let text = "\
# the file

# aliases
x-keys: {a: &a k}
aliases: {b: *a}

# scope
scope: [c]
version: 1
# the end
";
    let wanted = "\
# the file

version: 1

# scope
scope: [c]
# aliases
x-keys: {a: &a k}
aliases: {b: *a}
# the end
";
    assert_eq!(tidied(text), wanted);
    let anchored = "aliases: {a: &a k}\nscope: [*a]\n";
    assert_eq!(tidied(anchored), anchored, "the anchor has to stand first");
}

#[test]
fn aliases_are_sorted_between_blank_lines_and_take_their_comments_with_them() {
    let text = "\
aliases:
  # section

  # of c
  c: 1  # beside c
  a:
    key: 1
    # in a
  # of b
  b: 1

  z: 1
  # below z

  y: &y 1
  x: *y
";
    let wanted = "\
aliases:
  # section

  a:
    key: 1
    # in a
  # of b
  b: 1
  # of c
  c: 1  # beside c

  z: 1
  # below z

  y: &y 1
  x: *y
";
    assert_eq!(tidied(text), wanted);
}

#[test]
fn seldom_forms_of_yaml_keep_their_meaning_too() {
    let mut wrong = Vec::new();
    for text in [
        "a: |+\n  b",
        "a: |+\n  b\n\n\n",
        "a: |+\n  b\n\n\nc: d\n",
        "a: |\n\n",
        "a: |\nb: c\n",
        "a: |2\n   b\n",
        "a:\n   - |2-\n      x\n",
        "a:\n      b: |1\n        c\n       d\n",
        "a: |\n   b\n     \n",
        "a: |\n   b  \n   c\n",
        "? a\n: b\n",
        "?   a\n:   - b\n    - c\n",
        "- a\n-\n  - b\n",
        "a:\n  b\n",
        "a: &x\n   b: c\nd: *x\n",
        "- &x  a: b\n  c: d\n- *x\n",
        "{a: b,\n c: d}\n",
        "[a,\nb]\n",
        "a: [b, c, ]\n",
        "{a: [b, # x\n c], # y\n d: e}\n",
        "'a': \"x \\\n   y\"\nb: 'it''s'\n",
        "a: \"x\n\n\n  y\"\n",
        "a: b # \u{e4}\n",
        "\u{e4}: {\u{e4}: b} # c\n",
        "--- # x\na: b\n",
        "--- \n{a: b}\n",
        "a: # x\n  - b # y\n  # z\n",
        "&a a: b\nc: {*a : d}\n",
        "*a : x\n",
        "x: &a b\ny: {*a : d}\n",
        "{\"a\":b, c: }\n",
        "{a, b: c}\n",
        "a: {b: {}, c: []}\n",
        "a:\n  - b: c\n    d:\n    - e\n  -\n    f: g\n",
        "a: b\n# x\n",
        "# x\n\n# y\na: b\n\n# z\n",
        "a: b\r\nc: |\r\n  d\r\n  e\r\n",
        "a: - b\n",
        "a: b:c\nd: http://x/#y\n",
        "just text\n",
        "a: !x b\n",
        "...\n",
    ] {
        // Not every one of them is taken at all.
        if meaning(text).is_some() {
            let once = tidy(&source(text));
            let again = once.as_ref().ok().and_then(|once| tidy(&source(once)).ok());
            if again.is_none() || once.ok() != again {
                wrong.push((text, format(text), again));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_result_that_says_something_else_is_never_written() {
    assert_ne!(meaning("a: 1\n"), meaning("a: \"1\"\n"));
    assert_ne!(meaning("a: [1, 2]\n"), meaning("a: [2, 1]\n"));
    assert_eq!(meaning("a: b\nc: d\n"), meaning("c: d\na: 'b'\n"));
    assert_ne!(comments("# a\n# a\nb: c\n"), comments("# a\nb: c\n"));
}

#[test]
fn the_manifests_of_the_repository_are_as_it_leaves_them() {
    let examples = ["single-account.yaml", "accounts-and-regions.yaml", "kubernetes/aliases.yaml"];
    let directory = ["settings.yaml", "billing.yaml", "ledger.yaml"].map(|name| format!("directory/{name}"));
    let examples =
        examples.map(str::to_owned).into_iter().chain(directory).map(|name| format!("examples/{name}"));
    for path in examples.chain(["aliases.yaml".to_owned()]) {
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(tidied(&text), text, "{path}");
    }
}

/// Of the bad manifests too: most of them are good YAML.
#[test]
fn whatever_has_a_meaning_is_formatted_and_keeps_it() {
    let mut formatted = 0;
    for entry in std::fs::read_dir("tests/manifests").unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let text = text.trim_start_matches('\u{feff}');
        if path.extension().is_some_and(|extension| extension == "yaml") && meaning(text).is_some() {
            tidied(text);
            formatted += 1;
        }
    }
    assert!(formatted > 70, "{formatted}");
}

/// A value on the lines below its key or behind it, with what may stand around it
fn any_text() -> impl Strategy<Value = String> {
    let word = || {
        prop_oneof![
            "[a-z/]{1,6}",
            "\"[a-z0-9 @]{0,5}\"",
            "'(no|12|x|a b)'",
            Just("12".to_owned()),
            Just("true".to_owned())
        ]
    };
    let flow = word().prop_recursive(2, 8, 3, move |inner| {
        let (open, close) = (" {0,2}", "( {0,2}|\n {9,12})");
        let item =
            (inner.clone(), open, close).prop_map(|(item, before, after)| format!("{before}{item}{after}"));
        let pair = (word(), inner, close).prop_map(|(key, value, after)| format!("{key}:  {value}{after}"));
        let last =
            || prop_oneof![3 => Just(""), 1 => Just(","), 1 => Just(" , "), 1 => Just(",\n          ")];
        let closed = |all: Vec<String>, comma: &str, last| match all.is_empty() {
            true => String::new(),
            false => all.join(comma) + last,
        };
        prop_oneof![
            (prop::collection::vec(item, 0..3), last())
                .prop_map(move |(items, last)| format!("[{}]", closed(items, ",", last))),
            (prop::collection::vec(pair, 0..3), last())
                .prop_map(move |(pairs, last)| format!("{{{}}}", closed(pairs, " , ", last))),
        ]
    });
    let block = prop_oneof![
        Just("|\n          one\n            two\n\n          three".to_owned()),
        Just(">-  # folded\n          one\n          two".to_owned()),
        Just("one\n          two".to_owned()),
    ];
    let value = prop_oneof![4 => flow, 1 => block];
    let comment = prop_oneof![3 => Just(String::new()), 1 => Just("\n".to_owned()), 1 => Just("# note\n".to_owned()), 1 => Just("      # deep\n".to_owned())];
    let entry =
        (comment, 0..4_usize, value, 1..4_usize, prop_oneof![Just(""), Just(" # why"), Just("     # why")]);
    (prop::collection::vec(entry, 1..9), 1..4_usize, any::<bool>(), any::<bool>()).prop_map(|(entries, step, named, windows)| {
        let mut text = String::new();
        for (at, (comment, depth, value, spaces, beside)) in entries.into_iter().enumerate() {
            let (indent, gap) = (" ".repeat(depth.min(1) * step), " ".repeat(spaces));
            let beside = if value.contains('\n') { "" } else { beside };
            let key = if named { format!("alias/{}", 9 - at) } else { format!("key-{at}") };
            text += &comment;
            match depth {
                0 => text += &format!("x-{at}:{gap}{value}{beside}\n"),
                1 => text += &format!("top-{at}:\n{indent}{key}:{gap}{value}{beside}\n{indent}b: c\n"),
                2 => text += &format!("aliases-{at}:\n{indent}- {key}:{gap}{value}{beside}\n{indent}  d: e\n{indent}- f\n"),
                _ => text += &format!("seq-{at}:\n-{gap}{value}{beside}\n-   - g\n    - h\n"),
            }
        }
        let text = text.replacen("top-", "aliases-", usize::from(named));
        if windows { text.replace('\n', "\r\n") } else { text }
    })
}

proptest! {
    #[test]
    fn any_text_keeps_its_meaning_and_its_comments_and_is_left_alone_the_next_time(text in any_text()) {
        if meaning(&text).is_some() {
            let once = tidy(&source(&text));
            prop_assert!(once.is_ok(), "{}\n{}\n{:?}", once.unwrap_err(), text, format(&text));
            let once = once.unwrap();
            prop_assert_eq!(tidy(&source(&once)).unwrap(), once, "{}", text);
        }
    }
}
