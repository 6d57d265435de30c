//! Tests of the scenario: what each word does to it, what is refused and how, and that the page has all of it.

use super::words::{ALIAS_LAG, DEFECTS, EFFECT, EFFECTS, ERROR, FAULT, LAG, PAGING, SCENARIO};
use super::*;
use crate::load::language::{Word, Words};
use crate::sandbox::operations::operations;
use crate::schema::reference::section;

#[test]
fn the_example_at_the_top_of_this_file_is_a_scenario() {
    let header = include_str!("../scenario.rs").lines().skip_while(|line| *line != "//! ```yaml").skip(1);
    let example = header.take_while(|line| *line != "//! ```").map(|line| &line[4..]);
    let scenario = Scenario::parse(&example.collect::<Vec<_>>().join("\n")).unwrap();
    assert_eq!((scenario.seed, scenario.faults.len()), (7, 6));
    assert_eq!(scenario.lag.lag().delay("alias/app/slow/a", 1), 120_000);
    assert_eq!((scenario.lag.lag().delay("alias/app/b", 1), scenario.lag.lag().longest()), (30_000, 120_000));
    assert_eq!(scenario.paging.defect, Some(PagingDefect::RepeatedMarker));
    assert_eq!(
        (scenario.effective_quotas()["CreateAlias"], scenario.effective_quotas()["DeleteAlias"]),
        (5, 15)
    );
}

#[test]
fn what_is_wrong_is_told_in_words_for_people_with_its_place_and_what_helps() {
    for (text, told) in [
        ("lags: 3", "line 1, column 1: unknown key `lags`; did you mean `lag`?"),
        ("[]", "line 1, column 1: expected a scenario, which is a mapping, found a list; a scenario takes"),
        ("seed: many", "line 1, column 7: expected a whole number, found text"),
        ("seed: -1", "line 1, column 7: `-1` has to be a whole number from 0 to 18446744073709551615"),
        ("seed: 99999999999999999999", "line 1, column 7: `99999999999999999999` has to be a whole number"),
        ("latency: 5 seconds", "line 1, column 10: \" seconds\" is no unit of time; use ms, s, m or h"),
        ("lag:\n  replicas: [0s, soon]", "line 2, column 18: \"soon\" is not a length of time; write it as"),
        ("lag: {replicas: [0s, 99999999999999999999h]}", "line 1, column 22: a week is the longest"),
        ("lag: {replicas: 30s}", "line 1, column 17: expected a list of lengths of time, found text"),
        ("lag: {aliases: [{match: alias/a}]}", "an entry of `aliases` without `replicas`; add it, as in"),
        ("lag: {aliases: [{match: app/a, replicas: []}]}", "line 1, column 25: `app/a` matches no alias"),
        ("service_quotas: yes", "line 1, column 17: expected `true` or `false`, found text; write true"),
        ("quotas: [CreateAlias]", "line 1, column 9: expected a mapping from operations to requests"),
        ("quotas: {CreateAlais: 5}", "line 1, column 10: `CreateAlais` is no operation of the sandbox; did"),
        ("quotas: {CreateAlias: 0}", "line 1, column 23: `0` has to be a whole number from 1 to 4294967295"),
        ("quotas: {CreateAlias: many}", "line 1, column 23: expected a whole number, found text"),
        ("paging: {limit: 0}", "line 1, column 17: `0` has to be a whole number from 1 to"),
        ("paging: {defect: no-marker}", "line 1, column 18: `no-marker` is no defect of paging; there are"),
        ("faults: {effect: throttle}", "line 1, column 9: expected a list of faults, found a mapping"),
        (
            "faults: [{effect: throttle, operation: ''}]",
            "column 40: `` is no operation of the sandbox; the sandbox answers A",
        ),
        ("faults: [{effect: throttle, operation: Listaliases}]", "did you mean `ListAliases`?"),
        (
            "faults: [{operation: CreateAlias}]",
            "an entry of `faults` without `effect`; add it, as in `effect",
        ),
        ("faults: [{effect: explode}]", "line 1, column 19: `explode` is no effect; there are `throttle`, "),
        (
            "faults: [{effect: trottle}]",
            "line 1, column 19: `trottle` is no effect; did you mean `throttle`?",
        ),
        (
            "faults: [{effect: latency}]",
            "the effect `latency` takes a value; write {latency: 2s}, or {error:",
        ),
        ("faults: [{effect: {}}]", "line 1, column 19: an effect with a value has exactly one of"),
        ("faults: [{effect: {latency: 1s, error: {code: X}}}]", "has exactly one of `latency` and `error`"),
        ("faults: [{effect: {latency: soon}}]", "line 1, column 29: \"soon\" is not a length of time"),
        (
            "faults: [{effect: {error: {status: 200, code: X}}}]",
            "`200` has to be a whole number from 400 to 599",
        ),
        ("faults: [{effect: throttle, alias: 'alias/['}]", "line 1, column 36: `alias/[` is not a pattern"),
        (
            "faults: [{effect: throttle, account: 1234}]",
            "line 1, column 38: expected an account id as text, found",
        ),
        (
            "faults: [{effect: throttle, account: '1234'}]",
            "line 1, column 38: `1234` is no account; write the",
        ),
        (
            "faults: [{effect: throttle, region: us}]",
            "line 1, column 37: `us` is no Region; write it as in us-e",
        ),
        (
            "faults: [{effect: throttle, every: 0}]",
            "line 1, column 36: `0` has to be a whole number from 1 to",
        ),
        (
            "faults: [{effect: throttle, times: 0}]",
            "line 1, column 36: `0` has to be a whole number from 1 to",
        ),
        (
            "faults: [{effect: throttle, probability: 7}]",
            "line 1, column 42: `7` has to be a number from 0 to 1",
        ),
        ("faults: [{effect: throttle, probability: .nan}]", "`.nan` has to be a number from 0 to 1"),
        ("faults: [{effect: throttle, probability: -0.1}]", "`-0.1` has to be a number from 0 to 1"),
        ("faults: [{effect: throttle, probability: often}]", "expected a number from 0 to 1, found text"),
        (
            "faults: [{effect: throttle, role: '**', operation: ListKeys}]",
            "column 29: ListKeys names no role",
        ),
    ] {
        let refused = Scenario::parse(text).unwrap_err();
        assert!(refused.contains(told), "{text}: {refused}");
        assert!(!refused.contains("; line "), "more than one: {refused}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let refused = Scenario::parse("latency: soon\nquotas: {A: x}\nfaults: [{effect: explode}]").unwrap_err();
    assert_eq!(refused.matches("line ").count(), 4, "{refused}");
}

#[test]
fn a_scenario_may_say_nothing() {
    for text in ["", "# nothing\n\n", "---\n", "---\n# nothing\n", "---\n...\n", "{}", "faults: []"] {
        assert_eq!(Scenario::parse(text), Ok(Scenario::default()), "{text:?}");
    }
}

/// Every mapping of a scenario
static WORDS: [&Words; 7] = [&SCENARIO, &LAG, &ALIAS_LAG, &PAGING, &FAULT, &EFFECT, &ERROR];

/// A word with its example, put into the smallest scenario that can have it
fn with_example(words: &Words, word: &Word) -> String {
    let pair = format!("{}: {}", word.name, word.example);
    match words.name {
        "scenario" => pair,
        "lag" | "paging" => format!("{}: {{{pair}}}", words.name),
        "alias_lag" if word.name == "match" => format!("lag: {{aliases: [{{{pair}, replicas: [1s]}}]}}"),
        "alias_lag" => format!("lag: {{aliases: [{{{pair}, match: '**'}}]}}"),
        "fault" if word.name == "effect" => format!("faults: [{{{pair}}}]"),
        "fault" => format!("faults: [{{{pair}, effect: throttle}}]"),
        "effect" => format!("faults: [{{effect: {{{pair}}}}}]"),
        "error" if word.name == "code" => format!("faults: [{{effect: {{error: {{{pair}}}}}}}]"),
        "error" => format!("faults: [{{effect: {{error: {{code: X, {pair}}}}}}}]"),
        other => panic!("{other}"),
    }
}

#[test]
fn every_word_is_read() {
    let plain = |text: &str| Scenario::parse(text).unwrap();
    let without = [
        Scenario::default(),
        plain("faults: [{effect: throttle}]"),
        plain("faults: [{effect: {error: {code: X}}}]"),
    ];
    for words in WORDS {
        for word in words.known {
            let text = with_example(words, word);
            let read = Scenario::parse(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert!(!without.contains(&read), "nothing comes of {text}");
        }
    }
    for (name, effect, _) in &EFFECTS {
        assert_eq!(plain(&format!("faults: [{{effect: {name}}}]")).faults[0].effect, *effect);
    }
    for (name, defect, _) in DEFECTS {
        assert_eq!(plain(&format!("paging: {{defect: {name}}}")).paging.defect, Some(defect));
    }
}

#[test]
fn the_page_has_every_word() {
    let page = include_str!("../../../docs/sandbox.md");
    for words in WORDS {
        assert!(page.contains(&section(words)), "docs/sandbox.md has not\n{}", section(words));
    }
    let effects = EFFECTS.iter().map(|(name, _, about)| (name, about));
    for (name, about) in effects.chain(DEFECTS.iter().map(|(name, _, about)| (name, about))) {
        let row = format!("\n| `{name}` | {about} |\n");
        assert!(page.contains(&row), "docs/sandbox.md has not{row}");
    }
    for operation in operations() {
        assert!(page.contains(&format!("`{operation}`")), "docs/sandbox.md has not {operation}");
    }
}
