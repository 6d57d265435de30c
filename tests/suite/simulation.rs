//! The whole program against a hostile world: some seeds of the simulation, and the bugs that it must catch. Many more seeds:
//! `cargo run --example simulate -- --seeds 10000`.

#[path = "../simulator/mod.rs"]
mod simulator;

use simulator::{Broken, Bug, Rule, simulate, simulate_all};

#[test]
fn no_seed_breaks_a_rule() {
    let (totals, first) = simulate_all(0..300, None);
    assert!(
        first.is_none(),
        "{first:?}: cargo run --example simulate -- --seed {}",
        first.as_ref().unwrap().0
    );
    assert!(
        totals.crashes > 0 && totals.saved[1] > 0 && totals.taken_back[0] > 0 && totals.faults.len() > 10,
        "nothing happened: {totals}"
    );
}

#[test]
fn the_same_seed_tells_the_same_story() {
    for seed in 0..20 {
        let (one, other) = (simulate(seed, None, true), simulate(seed, None, true));
        assert!(one.log.len() > 1000, "seed {seed} tells nothing");
        assert!(one.log == other.log && one.totals == other.totals, "seed {seed} tells two stories");
    }
}

#[test]
fn every_deliberate_bug_breaks_the_rule_that_forbids_it() {
    for bug in Bug::ALL {
        let caught = |seed: &u64| {
            let broken = simulate(*seed, Some(bug), false).broken;
            broken.is_some_and(|Broken { rule, .. }| rule == bug.breaks())
        };
        assert!((0..1000).any(|seed| caught(&seed)), "{bug:?} does not break {:?}", bug.breaks());
    }
}

#[test]
fn every_rule_is_broken_by_some_bug() {
    for rule in Rule::ALL {
        assert!(
            Bug::ALL.iter().any(|bug| bug.breaks() == rule),
            "nothing proves that {rule:?} can be broken"
        );
    }
}
