//! The text of a scenario -> the [`Scenario`], or everything that is wrong with it. Pure.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::words::{ALIAS_LAG, DEFECTS, EFFECT, EFFECTS, ERROR, FAULT, LAG, PAGING, SCENARIO};
use super::{AliasLag, Delay, Effect, ErrorPlan, Fault, Glob, LagPlan, Paging, PagingDefect, Scenario};
use crate::alias::is_account;
use crate::load::language::Words;
use crate::load::node::{Kind, Node, Value};
use crate::load::read::{Fields, boolean, list, pairs, text, wrong_kind};
use crate::load::scope::{any_pattern, pattern};
use crate::load::targets::is_region;
use crate::load::yaml::tree;
use crate::load::{Problem, Problems, Source, nearest};
use crate::sandbox::operations::operations;
use crate::sandbox::quota::Quotas;
use crate::sandbox::sts::ASSUME_ROLE;

/// The scenario in `source`; one that says nothing is a service that works
pub(super) fn scenario(source: &Arc<Source>) -> Result<Scenario, Problems> {
    let mut found = Problems::default();
    let root = tree(source, &mut found).filter(|root| root.kind() != Kind::Null);
    let scenario = root.and_then(|root| read_scenario(&root, &mut found));
    if found.has_errors() { Err(found) } else { Ok(scenario.unwrap_or_default()) }
}

/// The one fault in `source`
pub(super) fn fault(source: &Arc<Source>) -> Result<Fault, Problems> {
    let mut found = Problems::default();
    let fault = tree(source, &mut found).and_then(|root| read_fault(&root, &mut found));
    fault.filter(|_| !found.has_errors()).ok_or(found)
}

fn read_scenario(node: &Node, found: &mut Problems) -> Option<Scenario> {
    let fields = Fields::read(node, &SCENARIO, found)?;
    Some(Scenario {
        seed: field(&fields, "seed", found, |node, found| whole(node, 0..=u64::MAX, found)),
        latency: field(&fields, "latency", found, read_delay),
        lag: field(&fields, "lag", found, read_lag),
        quotas: field(&fields, "quotas", found, read_quotas),
        service_quotas: field(&fields, "service_quotas", found, boolean),
        paging: field(&fields, "paging", found, read_paging),
        faults: field(&fields, "faults", found, |node, found| each(node, "faults", found, read_fault)),
    })
}

fn read_lag(node: &Node, found: &mut Problems) -> Option<LagPlan> {
    let fields = Fields::read(node, &LAG, found)?;
    Some(LagPlan {
        replicas: field(&fields, "replicas", found, read_delays),
        aliases: field(&fields, "aliases", found, |node, found| {
            each(node, "names that lag", found, read_alias_lag)
        }),
        new_keys: field(&fields, "new_keys", found, read_delay),
    })
}

fn read_alias_lag(node: &Node, found: &mut Problems) -> Option<AliasLag> {
    let fields = Fields::read(node, &ALIAS_LAG, found)?;
    let names = require(&fields, "match", &ALIAS_LAG, node, found);
    let names = names.and_then(|node| judged(node, "a pattern as text", pattern, found));
    let replicas = require(&fields, "replicas", &ALIAS_LAG, node, found);
    let replicas = replicas.and_then(|node| read_delays(node, found));
    Some(AliasLag { pattern: Glob(names?), replicas: replicas? })
}

fn read_delays(node: &Node, found: &mut Problems) -> Option<Vec<Delay>> {
    each(node, "lengths of time", found, read_delay)
}

fn read_delay(node: &Node, found: &mut Problems) -> Option<Delay> {
    if node.kind() != Kind::Number && node.kind() != Kind::Text {
        found.add(wrong_kind(node, "a length of time, as 500ms, 30s or 2m"));
        return None;
    }
    keep(node.text().parse().map_err(|why: String| wrong(&why)), node, found)
}

fn read_quotas(node: &Node, found: &mut Problems) -> Option<Quotas> {
    let pairs = pairs(node, "a mapping from operations to requests a second", found)?;
    let quotas = pairs.iter().filter_map(|(name, rate)| {
        let name = keep(operation(name.text()), name, found);
        let rate = number(rate, "a whole number", quota, found);
        Some((name?, rate?))
    });
    Some(quotas.collect())
}

fn read_paging(node: &Node, found: &mut Problems) -> Option<Paging> {
    let fields = Fields::read(node, &PAGING, found)?;
    Some(Paging {
        limit: field(&fields, "limit", found, |node, found| whole(node, 1..=u64::MAX, found).map(Some)),
        defect: field(&fields, "defect", found, |node, found| {
            judged(node, "a defect as text", defect, found).map(Some)
        }),
    })
}

fn read_fault(node: &Node, found: &mut Problems) -> Option<Fault> {
    let fields = Fields::read(node, &FAULT, found)?;
    let effect = require(&fields, "effect", &FAULT, node, found);
    let effect = effect.and_then(|node| read_effect(node, found));
    let fault = Fault {
        operation: optional(&fields, "operation", "an operation as text", found, operation_or_all),
        alias: optional(&fields, "alias", "a pattern as text", found, any_pattern).map(Glob),
        role: optional(&fields, "role", "a pattern as text", found, any_pattern).map(Glob),
        account: optional(&fields, "account", "an account id as text", found, account),
        region: optional(&fields, "region", "a Region as text", found, region),
        after: field(&fields, "after", found, |node, found| whole(node, 0..=u64::MAX, found)),
        every: fields.get("every").and_then(|node| whole(node, 1..=u64::MAX, found)).unwrap_or(1),
        times: fields.get("times").and_then(|node| whole(node, 1..=u64::MAX, found)),
        probability: fields.get("probability").and_then(|node| read_chance(node, found)),
        effect: effect?,
        after_change: field(&fields, "after_change", found, boolean),
    };
    let asked = fault.operation.as_deref().filter(|name| !["*", ASSUME_ROLE].contains(name));
    if let (Some((key, _)), Some(asked)) = (fields.pair("role"), asked) {
        let problem = wrong(&format!("{asked} names no role, so nothing would ever go wrong"));
        found
            .add(problem.at(&key.spot, "").help(format!("take it out, or write `operation: {ASSUME_ROLE}`")));
    }
    Some(fault)
}

fn read_chance(node: &Node, found: &mut Problems) -> Option<f64> {
    let chance = |text: &str| {
        let chance = text.parse().ok().filter(|chance| (0.0..=1.0).contains(chance));
        chance.ok_or_else(|| wrong(&format!("`{text}` has to be a number from 0 to 1")))
    };
    number(node, "a number from 0 to 1", chance, found)
}

fn read_effect(node: &Node, found: &mut Problems) -> Option<Effect> {
    if node.kind() != Kind::Map {
        return judged(node, "an effect as text", effect, found);
    }
    let fields = Fields::read(node, &EFFECT, found)?;
    match (fields.get("latency"), fields.get("error")) {
        (Some(delay), None) => read_delay(delay, found).map(Effect::Latency),
        (None, Some(error)) => read_error(error, found).map(Effect::Error),
        (latency, _) => {
            if latency.is_some() || !fields.refused {
                let problem = wrong("an effect with a value has exactly one of `latency` and `error`");
                found.add(problem.at(&node.spot, "").help(WITH_VALUE));
            }
            None
        }
    }
}

fn read_error(node: &Node, found: &mut Problems) -> Option<ErrorPlan> {
    let fields = Fields::read(node, &ERROR, found)?;
    let code = require(&fields, "code", &ERROR, node, found);
    let code = code.and_then(|node| text(node, "a code as text", found));
    Some(ErrorPlan {
        code: code?.to_owned(),
        message: optional(&fields, "message", "text", found, |text| Ok(text.to_owned())).unwrap_or_default(),
        status: fields.get("status").and_then(|node| whole(node, 400..=599, found)).unwrap_or(400),
    })
}

/// The value under `name`, or what holds without it
fn field<T: Default>(
    fields: &Fields<'_>,
    name: &str,
    found: &mut Problems,
    read: impl FnOnce(&Node, &mut Problems) -> Option<T>,
) -> T {
    fields.get(name).and_then(|node| read(node, found)).unwrap_or_default()
}

/// What `judge` makes of the text under `name`, if there is one
fn optional<T>(
    fields: &Fields<'_>,
    name: &str,
    wanted: &str,
    found: &mut Problems,
    judge: impl FnOnce(&str) -> Result<T, Problem>,
) -> Option<T> {
    fields.get(name).and_then(|node| judged(node, wanted, judge, found))
}

fn require<'n>(
    fields: &Fields<'n>,
    name: &str,
    words: &Words,
    node: &Node,
    found: &mut Problems,
) -> Option<&'n Node> {
    let value = fields.get(name);
    if value.is_none() && !fields.refused {
        let example = words.known.iter().find(|word| word.name == name).map_or("…", |word| word.example);
        let problem = wrong(&format!("{} without `{name}`", words.what));
        found.add(problem.at(&node.spot, "").help(format!("add it, as in `{name}: {example}`")));
    }
    value
}

/// What `read` makes of each entry of a list, which may be empty
fn each<T>(
    node: &Node,
    wanted: &str,
    found: &mut Problems,
    read: impl Fn(&Node, &mut Problems) -> Option<T>,
) -> Option<Vec<T>> {
    let Value::List(items) = &node.value else {
        let help = "begin each entry with `- `, or write them in brackets, as in `[one, two]`";
        found.add(wrong_kind(node, &format!("a list of {wanted}")).help(help));
        return None;
    };
    Some(items.iter().filter_map(|item| read(item, found)).collect())
}

/// What `judge` makes of a text
fn judged<T>(
    node: &Node,
    wanted: &str,
    judge: impl FnOnce(&str) -> Result<T, Problem>,
    found: &mut Problems,
) -> Option<T> {
    let text = text(node, wanted, found)?;
    keep(judge(text), node, found)
}

/// What was judged, or what is wrong at `node`
fn keep<T>(judged: Result<T, Problem>, node: &Node, found: &mut Problems) -> Option<T> {
    judged.map_err(|problem| found.add(problem.at(&node.spot, ""))).ok()
}

/// What `judge` makes of a number
fn number<T>(
    node: &Node,
    wanted: &str,
    judge: impl FnOnce(&str) -> Result<T, Problem>,
    found: &mut Problems,
) -> Option<T> {
    if node.kind() != Kind::Number {
        found.add(wrong_kind(node, wanted));
        return None;
    }
    keep(judge(node.text()), node, found)
}

fn whole<T: TryFrom<u64>>(node: &Node, range: RangeInclusive<u64>, found: &mut Problems) -> Option<T> {
    number(node, "a whole number", |text| whole_text(text, range), found)
}

fn whole_text<T: TryFrom<u64>>(text: &str, range: RangeInclusive<u64>) -> Result<T, Problem> {
    let number = text.parse().ok().filter(|number| range.contains(number)).and_then(|n| T::try_from(n).ok());
    let told = || format!("`{text}` has to be a whole number from {} to {}", range.start(), range.end());
    number.ok_or_else(|| wrong(&told()))
}

const RATES: RangeInclusive<u64> = 1..=u32::MAX as u64;

/// So many requests a second
pub(in crate::sandbox) fn quota(text: &str) -> Result<u32, Problem> {
    let rate = whole_text(text, RATES);
    match text.parse() {
        Ok(0) => rate.map_err(|problem: Problem| {
            problem.help("what is to let nothing through is a fault with the effect `throttle`")
        }),
        _ => rate,
    }
}

/// An operation that the sandbox answers
pub(in crate::sandbox) fn operation(text: &str) -> Result<String, Problem> {
    let all = operations();
    if all.contains(&text) {
        return Ok(text.to_owned());
    }
    let meant = nearest(text, all.iter().copied()).map(|meant| format!("did you mean `{meant}`? "));
    let help = format!("{}the sandbox answers {}", meant.unwrap_or_default(), all.join(", "));
    Err(wrong(&format!("`{text}` is no operation of the sandbox")).help(help))
}

/// The same, or `*`
pub(in crate::sandbox) fn operation_or_all(text: &str) -> Result<String, Problem> {
    if text == "*" { Ok(text.to_owned()) } else { operation(text) }
}

const WITH_VALUE: &str = "write {latency: 2s}, or {error: {code: NotFoundException}}";

/// An effect that is a word by itself
pub(in crate::sandbox) fn effect(text: &str) -> Result<Effect, Problem> {
    if let Some((_, effect, _)) = EFFECTS.iter().find(|(name, ..)| *name == text) {
        return Ok(effect.clone());
    }
    if EFFECT.names().any(|name| name == text) {
        return Err(wrong(&format!("the effect `{text}` takes a value")).help(WITH_VALUE));
    }
    let names = EFFECTS.iter().map(|(name, ..)| *name).chain(EFFECT.names());
    Err(one_of(text, "no effect", &names.collect::<Vec<_>>()))
}

fn defect(text: &str) -> Result<PagingDefect, Problem> {
    let known = DEFECTS.iter().find(|(name, ..)| *name == text).map(|(_, defect, _)| *defect);
    let names = || DEFECTS.iter().map(|(name, ..)| *name).collect::<Vec<_>>();
    known.ok_or_else(|| one_of(text, "no defect of paging", &names()))
}

fn account(text: &str) -> Result<String, Problem> {
    match is_account(text) {
        true => Ok(text.to_owned()),
        false => {
            Err(wrong(&format!("`{text}` is no account"))
                .help("write the twelve digits of its id, in quotes"))
        }
    }
}

fn region(text: &str) -> Result<String, Problem> {
    match is_region(text) {
        true => Ok(text.to_owned()),
        false => Err(wrong(&format!("`{text}` is no Region")).help("write it as in us-east-1")),
    }
}

fn one_of(text: &str, what: &str, all: &[&str]) -> Problem {
    let meant = nearest(text, all.iter().copied()).map(|meant| format!("did you mean `{meant}`? "));
    let help = format!("{}there are {}", meant.unwrap_or_default(), list(all.iter().copied()));
    wrong(&format!("`{text}` is {what}")).help(help)
}

/// Its codes are those of a manifest where the same can be wrong there, and one for the rest: nobody has to tell them apart
const CODE: &str = "scenario";

fn wrong(message: &str) -> Problem {
    Problem::error(CODE, message)
}
