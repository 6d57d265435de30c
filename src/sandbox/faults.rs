//! Which calls go wrong: the scenario's rules with the counts and chances that decide whether each of them fires.

use serde_json::Value;

use super::scenario::{Effect, Fault, Glob};
use super::world::Home;

/// The rules of a scenario while it plays
#[derive(Clone, Debug)]
pub(super) struct Faults {
    rules: Vec<(Fault, Tally)>,
    chance: fastrand::Rng,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    matched: u64,
    fired: u64,
}

/// What goes wrong with one call
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    /// The first rule that fired, latencies aside
    pub(super) fault: Option<Fault>,
    /// The sum of the latencies, in milliseconds
    pub(super) delay: u64,
}

impl Faults {
    pub(super) fn new(rules: &[Fault], seed: u64) -> Self {
        let rules = rules.iter().map(|rule| (rule.clone(), Tally::default())).collect();
        Self { rules, chance: fastrand::Rng::with_seed(seed) }
    }

    /// What goes wrong with this call; every rule that matches it counts it
    pub(super) fn judge(&mut self, home: &Home, operation: &str, input: &Value) -> Verdict {
        let mut verdict = Verdict::default();
        for (rule, tally) in &mut self.rules {
            if verdict.fault.is_some() && !matches!(rule.effect, Effect::Latency(_)) {
                continue;
            }
            if !matches(rule, home, operation, input) || !fires(rule, tally, &mut self.chance) {
                continue;
            }
            match rule.effect {
                Effect::Latency(delay) => verdict.delay = verdict.delay.saturating_add(delay.millis()),
                _ => verdict.fault = Some(rule.clone()),
            }
        }
        verdict
    }
}

fn matches(rule: &Fault, home: &Home, operation: &str, input: &Value) -> bool {
    let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
    let named = input["AliasName"].as_str().or_else(|| input["KeyId"].as_str());
    let about = |glob: &Option<Glob>, name: Option<&str>| {
        glob.as_ref().is_none_or(|glob| glob.0.matches(name.unwrap_or_default()))
    };
    (rule.operation.as_deref() == Some("*") || is(&rule.operation, operation))
        && is(&rule.account, &home.account)
        && is(&rule.region, &home.region)
        && about(&rule.alias, named)
        && about(&rule.role, input["RoleArn"].as_str())
}

fn fires(rule: &Fault, tally: &mut Tally, chance: &mut fastrand::Rng) -> bool {
    let nth = tally.matched;
    tally.matched += 1;
    let due = nth >= rule.after && (nth - rule.after).is_multiple_of(rule.every.max(1));
    let left = rule.times.is_none_or(|times| tally.fired < times);
    let fires = due && left && rule.probability.is_none_or(|chances| chance.f64() < chances);
    tally.fired += u64::from(fires);
    fires
}
