//! A seed -> the world, the manifests and the course of a simulation, before any of it happens.

use fastrand::Rng;

use super::chance::{Chance, stream};
use super::service::Perils;
use super::wishes::{FOREIGN, IGNORED, NAMES, Wishes};
use super::world::{HMAC, Key, Lag, NOTHING, SYMMETRIC, World};

/// Flags of one run
#[derive(Clone, Copy, Debug)]
pub struct Flags {
    pub patience: &'static str,
    pub steady: u32,
    pub no_wait: bool,
    /// How live aliases are read
    pub read: &'static str,
}

/// One run of the program in the course of a simulation
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// How long before it begins, after the one before
    pub rest: i64,
    pub flags: Flags,
    pub perils: Perils,
    pub way: Way,
    /// Whether it is taken back, after a rest
    pub undo: Option<Undo>,
}

/// A run that takes an earlier one back
#[derive(Clone, Copy, Debug)]
pub struct Undo {
    pub rest: i64,
    /// The run that was last, or so many before it
    pub back: usize,
    pub perils: Perils,
}

/// How an operator comes to a change
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// One run plans and applies
    AtOnce,
    /// One run plans, and after a rest another plans again and applies, if it has the approved digest
    Approved(Review),
    /// One run saves a plan, and after a rest another applies that
    Saved(Review, Saved),
}

/// What lies between a plan and its apply
#[derive(Clone, Copy, Debug)]
pub struct Review {
    pub rest: i64,
    /// The plan that is approved: the latest, or so many before it
    pub back: usize,
}

/// How a saved plan is applied
#[derive(Clone, Copy, Debug)]
pub struct Saved {
    /// Whether the digest of the approved plan is demanded
    pub expects: bool,
    /// How long after that it is applied once more, if it is
    pub again: Option<i64>,
}

/// One who runs the program over and over with one manifest
#[derive(Clone, Debug)]
pub struct Operator {
    pub wishes: Wishes,
    pub turns: Vec<Turn>,
}

/// What a seed decides
#[derive(Clone, Debug)]
pub struct Case {
    pub world: World,
    pub first: Operator,
    pub second: Option<Operator>,
    /// Whether the first run after the last fault does not wait for late replicas
    pub at_once: bool,
    /// Whether the first run in peace is of a saved plan
    pub saved: bool,
    /// Whether the first run in peace that writes is taken back
    pub undone: bool,
}

impl Case {
    pub fn new(seed: u64) -> Self {
        let mut random = stream(seed, "manifest");
        let first = operator(seed, "first", "alias/app/");
        let prefix = if random.happens(0.6) { "alias/app/" } else { "alias/data/" };
        let second = random.happens(0.25).then(|| operator(seed, "second", prefix));
        Self {
            world: world(seed, &first.wishes),
            first,
            second,
            at_once: random.bool(),
            saved: stream(seed, "peace").happens(0.2),
            undone: stream(seed, "revert in peace").happens(0.2),
        }
    }
}

fn operator(seed: u64, who: &str, prefix: &'static str) -> Operator {
    let wishes = Wishes::random(&mut stream(seed, &format!("manifest of the {who}")), prefix);
    let mut random = stream(seed, &format!("course of the {who}"));
    let mut ways = stream(seed, &format!("ways of the {who}"));
    let mut undos = stream(seed, &format!("reverts of the {who}"));
    let mut reads = stream(seed, &format!("reads of the {who}"));
    let mut turn = |_| {
        let flags = Flags {
            patience: random.one(&["2s", "20s", "180s"]),
            steady: random.u32(2..4),
            no_wait: random.happens(0.2),
            read: reads.one(&["list", "names", "auto"]),
        };
        let perils = perils(&mut random);
        let undo = undo(&mut undos);
        Turn { rest: random.i64(0..20_000), flags, perils, way: way(&mut ways), undo }
    };
    let first = turn(());
    let more = (0..random_count(seed, who)).map(|_| turn(()));
    Operator { wishes, turns: std::iter::once(first).chain(more).collect() }
}

fn perils(random: &mut Rng) -> Perils {
    Perils {
        crash: random.happens(0.35).then(|| (random.u32(1..40), random.bool())),
        stop: random.happens(0.1).then(|| random.u32(1..40)),
        expiry: random.happens(0.1).then(|| random.u32(1..40)),
    }
}

fn undo(random: &mut Rng) -> Option<Undo> {
    let rest = random.one(&[0, 1_000, 20_000, 120_000]);
    let back = if random.happens(0.8) { 0 } else { random.usize(1..3) };
    let perils = perils(random);
    random.happens(0.35).then_some(Undo { rest, back, perils })
}

fn way(random: &mut Rng) -> Way {
    let back = if random.happens(0.7) { 0 } else { random.usize(1..3) };
    let review = Review { rest: random.one(&[0, 1_000, 20_000, 120_000]), back };
    let again = random.happens(0.3).then(|| random.i64(0..20_000));
    let saved = Saved { expects: random.happens(0.4), again };
    match random.u32(..10) {
        0 => Way::Approved(review),
        1..4 => Way::Saved(review, saved),
        _ => Way::AtOnce,
    }
}

fn random_count(seed: u64, who: &str) -> usize {
    stream(seed, &format!("runs of the {who}")).usize(0..3)
}

fn world(seed: u64, wishes: &Wishes) -> World {
    let mut random = stream(seed, "world");
    let mut world = World::default();
    world.lag = lag(seed);
    for id in SYMMETRIC.into_iter().chain([HMAC]) {
        let state =
            if random.happens(0.85) { "Enabled" } else { random.one(&["Disabled", "PendingDeletion"]) };
        world.keys.insert(id, Key { state, created: i64::MIN / 2 });
    }
    if let Some(key) = world.keys.get_mut(SYMMETRIC[0]).filter(|_| random.happens(0.2)) {
        (key.state, key.created) = ("Enabled", -500);
    }
    world.put("alias/aws/s3", Some(NOTHING), i64::MIN / 4);
    let keys = [SYMMETRIC[0], SYMMETRIC[1], SYMMETRIC[2], SYMMETRIC[3], HMAC];
    let full = random.happens(0.1);
    for number in 0..if full { random.usize(44..50) } else { 0 } {
        world.put(&format!("alias/crowd/{number:02}"), Some(keys[1]), -10_000_000);
    }
    let declared = wishes.wishes.keys().map(String::as_str);
    let names: std::collections::BTreeSet<&str> =
        NAMES.into_iter().chain(IGNORED).chain(FOREIGN).chain(declared).collect();
    let busy = random.happens(0.5);
    for name in names {
        if random.happens(0.6) {
            let key = Some(random.one(&keys)).filter(|id| world.has_room(id));
            world.put(name, key, -10_000_000);
        }
        // Somebody was here just before us, and late replicas do not know it yet.
        if busy && random.happens(0.3) {
            let at = -random.i64(0..30_000);
            let key = Some(random.one(&keys)).filter(|id| random.happens(0.7) && world.has_room(id));
            world.put(name, key, at);
        }
    }
    world
}

fn lag(seed: u64) -> Lag {
    let mut random = stream(seed, "lag");
    let count = random.one(&[1, 1, 2, 2, 3]);
    let mut replica = || random.one(&[0, 0, 50, 500, 3_000, 20_000, 90_000]);
    let replicas = (0..count).map(|_| replica()).collect();
    let uneven = if random.happens(0.2) { 5_000 } else { 0 };
    let new_keys = if random.happens(0.3) { random.i64(0..8_000) } else { 0 };
    Lag { replicas, uneven, new_keys }
}
