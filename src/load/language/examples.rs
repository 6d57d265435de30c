//! Tests of the tables: what they say of the language is what the loader does.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Map, Value, json};

use super::texts::{self, Text};
use super::{LANGUAGE, Otherwise, Rule, Word, Words};
use crate::alias::{AliasName, KeyArn, KeyId, is_account};
use crate::load::{Input, LoadError, Manifest, load};
use crate::schema::read;
use crate::target::{Target, targets};

/// A manifest that has each mapping of the language once, and where
fn whole() -> (Value, BTreeMap<&'static str, &'static str>) {
    let manifest = read(
        r#"{
            version: 1, scope: [alias/app/, alias/data/],
            protect: [{match: "alias/app/x", from: [delete]}], guards: {}, rates: {}, roles: {},
            targets: {
                prod: {
                    account: "111122223333", region: us-east-1, groups: [live],
                    overrides: {alias/app/billing: {key: 1234abcd-12ab-34cd-56ef-1234567890ab}},
                },
                all: {organization: {ou: ou-ab12-34567890}, region: eu-west-1},
            },
            aliases: {
                alias/app/billing: {key: 1234abcd-12ab-34cd-56ef-1234567890ab},
                alias/app/other: {key: 1234abcd-12ab-34cd-56ef-1234567890ab},
                alias/app/selected: {key: {tags: {app: x}, description: some}},
            },
        }"#,
    );
    let places = BTreeMap::from([
        ("manifest", ""),
        ("protection", "/protect/0"),
        ("guards", "/guards"),
        ("rates", "/rates"),
        ("roles", "/roles"),
        ("target", "/targets/prod"),
        ("organization", "/targets/all/organization"),
        ("override", "/targets/prod/overrides/alias~1app~1billing"),
        ("alias", "/aliases/alias~1app~1other"),
        ("key", "/aliases/alias~1app~1selected/key"),
    ]);
    (manifest, places)
}

/// The whole manifest with `word` said so; what cannot stand beside it is taken out, and what it needs added
fn saying(words: &Words, word: &Word, value: &str) -> Value {
    let (mut manifest, places) = whole();
    let at = manifest.pointer_mut(places[words.name]).expect(words.name);
    let mapping = at.as_object_mut().expect("a mapping");
    for rule in words.rules {
        prepare(rule, word, mapping);
    }
    mapping.insert(word.name.to_owned(), read(value));
    manifest
}

fn prepare(rule: &Rule, word: &Word, mapping: &mut Map<String, Value>) {
    match rule {
        Rule::OneOf(words) if words.contains(&word.name) => mapping.retain(|key, _| !words.contains(&&**key)),
        Rule::KeyUnlessAbsent if word.name == "absent" => drop(mapping.remove("key")),
        Rule::Needs(flag, needed) if *flag == word.name => {
            mapping.insert((*needed).to_owned(), json!(["alias/app/earlier"]));
        }
        _ => {}
    }
}

fn loaded(manifest: &Value) -> Result<Manifest, LoadError> {
    load(&[Input::Stdin(manifest.to_string().into_bytes())])
}

fn words() -> impl Iterator<Item = (&'static Words, &'static Word)> {
    LANGUAGE.iter().flat_map(|words| words.known.iter().map(|word| (*words, word)))
}

#[test]
fn every_example_loads_without_a_word() {
    for (words, word) in words() {
        let manifest = saying(words, word, word.example);
        let loaded =
            loaded(&manifest).unwrap_or_else(|error| panic!("{} {}", word.name, error.render(false)));
        assert_eq!(loaded.warnings.render(false), "", "{}", word.name);
        assert!(word.about.ends_with('.'), "{}", word.name);
    }
}

#[test]
fn every_word_is_looked_at_where_its_mapping_is() {
    for (words, word) in words() {
        // None takes a list of mappings of lists.
        let error = loaded(&saying(words, word, "[{x: [y]}]"));
        assert!(error.is_err(), "{} of {}", word.name, words.what);
    }
}

/// Without the lines that say so
fn meant(manifest: &Value) -> Vec<Target> {
    let placeless = |mut target: Target| {
        target.prune_place = None;
        target.protect.clear();
        for guard in [&mut target.guards.max_delete, &mut target.guards.max_update] {
            guard.place = None;
        }
        target.aliases.values_mut().for_each(|declared| declared.place.column = 0);
        target
    };
    let loaded = loaded(manifest).unwrap_or_else(|error| panic!("{}", error.render(false)));
    targets(&loaded).into_iter().map(placeless).collect()
}

#[test]
fn what_holds_without_a_word_is_what_it_says_otherwise() {
    for (words, word) in words() {
        let without = |mut manifest: Value| {
            let (_, places) = whole();
            manifest.pointer_mut(places[words.name]).unwrap().as_object_mut().unwrap().remove(word.name);
            manifest
        };
        match word.otherwise {
            // That of `absent` alone is what a key says as well.
            Otherwise::Same(_) if word.name == "absent" => {}
            Otherwise::Same(default) => {
                let said = saying(words, word, default);
                assert_eq!(meant(&said), meant(&without(said.clone())), "{}", word.name);
            }
            Otherwise::Told(sentence) => {
                let refused = loaded(&without(saying(words, word, word.example))).is_err();
                assert_eq!(refused, sentence.starts_with("an error"), "{} of {}", word.name, words.what);
            }
            Otherwise::Error => {
                assert!(loaded(&without(saying(words, word, word.example))).is_err(), "{}", word.name);
            }
        }
    }
}

#[test]
fn a_pattern_takes_what_the_loader_takes() {
    let sample = [
        "",
        "alias/",
        "alias/app",
        "alias/app/",
        "alias/a b",
        "alias/aws/x",
        "alias/awsx",
        "Alias/x",
        "app",
        "alias/é",
        "*",
        "[a]",
        "{a,alias}",
        "x*",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "1234ABCD-12ab-34cd-56ef-1234567890ab",
        "1234abcd-12ab-34cd-56ef-1234567890a",
        "mrk-1234abcd12ab34cd56ef1234567890ab",
        "mrk-1234",
        "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
        "arn:aws:kms:us-east-1:1:key/x",
        "arn:aws:kms:us-east-1:111122223333:alias/x",
        "111122223333",
        "11112222333",
        "1111-2222-3333",
        "us-east-1",
        "us-gov-west-1",
        "us-east-1a",
        "US-EAST-1",
        "us-1",
        "eusc-de-east-1",
        "us-east-100",
        "ou-ab12-34567890",
        "ou-ab12",
        "ou-AB12-34567890",
        "r-ab12",
        "r-a",
    ];
    let agree = |text: Text, takes: &dyn Fn(&str) -> bool| {
        // What follows is looked at without being taken, which this engine has not; the service's own names are told apart by hand.
        let pattern = Regex::new(&text.pattern.unwrap().replace("(?!aws/)", "")).unwrap();
        for one in sample.iter().filter(|one| !one.starts_with("alias/aws/")) {
            assert_eq!(pattern.is_match(one), takes(one), "{} {one}", text.what);
        }
    };
    agree(texts::NAME, &|text| AliasName::parse(text).is_ok());
    agree(texts::PREFIX, &|text| crate::load::scope::wrong_prefix(text).is_none());
    agree(texts::PATTERN, &|text| crate::load::scope::pattern(text).is_ok());
    agree(texts::KEY_ID, &|text| KeyId::parse(text).is_some());
    agree(texts::KEY_ARN, &|text| KeyArn::parse(text).is_some());
    agree(texts::ACCOUNT, &is_account);
    agree(texts::REGION, &crate::load::targets::is_region);
    agree(texts::OU, &crate::load::organization::is_ou);
    agree(texts::ROOT, &crate::load::organization::is_root);
}

#[test]
fn a_template_fits_its_pattern_if_the_loader_takes_it() {
    let agree = |text: Text, takes: &dyn Fn(&str) -> bool, samples: &[&str]| {
        let pattern = Regex::new(text.pattern.unwrap()).unwrap();
        for one in samples {
            assert_eq!(pattern.is_match(one), takes(one), "{} {one}", text.what);
        }
        assert!(samples.iter().any(|one| takes(one)) && samples.iter().any(|one| !takes(one)));
    };
    agree(
        texts::ROLE,
        &|text| crate::load::roles::wrong_template(text).is_none(),
        &[
            "arn:aws:iam::{account}:role/x",
            "arn:{partition}:iam::111122223333:role/a/b-{region}",
            "arn:aws-us-gov:iam::{account}:role/x",
            "arn:aws:iam::{accounts}:role/x",
            "arn:aws:iam::{account}:role/{name}",
            "arn:aws:iam::{account}:role/",
            "arn:aws:iam::{account}:role/a b",
            "arn:aws:iam::{account}:user/x",
            "arn:aws:iam::1111:role/x",
            "role/x",
            "",
        ],
    );
    agree(
        texts::ENDPOINT,
        &|text| crate::load::endpoint::wrong(text).is_none(),
        &[
            "https://kms.{region}.amazonaws.com",
            "https://vpce-1.kms.us-east-1.vpce.amazonaws.com:8443/x",
            "http://localhost:4566",
            "http://127.0.0.1",
            "http://[::1]:4566",
            "http://kms.us-east-1.amazonaws.com",
            "http://localhost.example.com",
            "https://kms.us-east-1.amazonaws.com@example.com",
            "https://{host}",
            "https://a b",
            "https://",
            "ftp://host",
            "kms.us-east-1.amazonaws.com",
            "",
        ],
    );
}

#[test]
fn a_part_of_the_live_names_fits_its_pattern_if_the_loader_takes_it() {
    let pattern = Regex::new(texts::PERCENT.pattern.unwrap()).unwrap();
    for one in
        ["0%", "30%", "12.5%", "30 %", "100%", "100.0%", "101%", "-1%", "%", "30", "a%", "1000%", "30%%"]
    {
        let (mut manifest, _) = whole();
        manifest["guards"] = json!({"max_delete": one});
        assert_eq!(pattern.is_match(one), loaded(&manifest).is_ok(), "{one}");
    }
}

#[test]
fn names_of_targets_and_groups_fit_their_pattern_if_the_loader_takes_them() {
    let pattern = Regex::new(&texts::WORD.pattern.unwrap().replace("(?!alias$)", "")).unwrap();
    for one in ["live", "a.b_c-1", "a b", "a/b", "", "@a", "é"] {
        let (mut manifest, _) = whole();
        manifest["targets"]["prod"]["groups"] = json!([one]);
        assert_eq!(pattern.is_match(one), loaded(&manifest).is_ok(), "{one}");
    }
}
