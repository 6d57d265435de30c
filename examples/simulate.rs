//! The whole program against a hostile world, seed by seed: `cargo run --example simulate -- --seeds 10000`
//!
//! `--from S` begins at seed S; `--seed S` tells the story of one seed; `--bug NAME` runs the program with a deliberate bug.

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]
#![expect(clippy::disallowed_methods, reason = "how long it really took is what this one measures")]

#[path = "../tests/simulator/mod.rs"]
mod simulator;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use simulator::{Broken, Bug, Rule, simulate, simulate_all};

#[derive(Parser)]
struct Flags {
    /// How many seeds
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Tell the story of this seed, event by event
    #[arg(long)]
    seed: Option<u64>,
    /// A deliberate bug
    #[arg(long, value_parser = bug)]
    bug: Option<Bug>,
}

fn bug(name: &str) -> Result<Bug, String> {
    let known = Bug::ALL.into_iter().find(|bug| format!("{bug:?}") == name);
    let breaking = |rule| {
        let bugs = Bug::ALL.into_iter().filter(|bug| bug.breaks() == rule);
        bugs.map(|bug| format!("  {bug:?}, which breaks {rule:?}\n")).collect::<String>()
    };
    known.ok_or_else(|| format!("there is\n{}", Rule::ALL.map(breaking).concat()))
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    if let Some(seed) = flags.seed {
        let story = simulate(seed, flags.bug, true);
        println!("{}", story.log);
        return verdict(seed, flags.bug, story.broken);
    }
    let began = Instant::now();
    let (totals, first) = simulate_all(flags.from..flags.from + flags.seeds, flags.bug);
    println!("{totals}wall time        {:.1} s", began.elapsed().as_secs_f64());
    let Some((seed, broken)) = first else { return ExitCode::SUCCESS };
    println!("\n{}", simulate(seed, flags.bug, true).log);
    verdict(seed, flags.bug, Some(broken))
}

fn verdict(seed: u64, bug: Option<Bug>, broken: Option<Broken>) -> ExitCode {
    let Some(Broken { rule, why }) = broken else { return ExitCode::SUCCESS };
    let bug = bug.map(|bug| format!(" --bug {bug:?}")).unwrap_or_default();
    println!("seed {seed} breaks {rule:?}: {why}");
    println!("replay: cargo run --example simulate -- --seed {seed}{bug}");
    ExitCode::FAILURE
}
