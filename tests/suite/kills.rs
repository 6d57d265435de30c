//! The real program, killed at random moments over a real socket: what its receipt says is compared with what the server
//! received and holds, and running again finishes the work.
//!
//! The moment is chosen by the requests that the server has seen, and a little time after that, so that the kills spread over
//! the whole apply on a slow machine as on a fast one.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kms_alias::receipt::history::{History, Left, read};
use kms_alias::sandbox::{Key, Scenario, World};

use crate::fake::{A, B, C, home, world};
use crate::loopback::{Site, Write};
use crate::process::text;

pub const MAC: &str = "ffff6666-0000-4000-8000-000000000006";

/// Sixteen changes of every kind, at a pace that a test can wait for
const MANIFEST: &str = "\
version: 1
scope: [alias/app/]
ignore: [\"alias/app/theirs/**\"]
guards: {max_delete: 100%, max_update: 100%}
rates: {create: 60, update: 60, delete: 60}
aliases:
  alias/app/gone/1: absent
  alias/app/gone/2: absent
  alias/app/gone/3: absent
  alias/app/kept: cccc3333-0000-4000-8000-000000000003
  alias/app/moved/1: bbbb2222-0000-4000-8000-000000000002
  alias/app/moved/2: bbbb2222-0000-4000-8000-000000000002
  alias/app/moved/3: bbbb2222-0000-4000-8000-000000000002
  alias/app/moved/4: bbbb2222-0000-4000-8000-000000000002
  alias/app/new/1: aaaa1111-0000-4000-8000-000000000001
  alias/app/new/2: aaaa1111-0000-4000-8000-000000000001
  alias/app/new/3: aaaa1111-0000-4000-8000-000000000001
  alias/app/new/4: aaaa1111-0000-4000-8000-000000000001
  alias/app/new/5: aaaa1111-0000-4000-8000-000000000001
  alias/app/new/6: aaaa1111-0000-4000-8000-000000000001
  alias/app/new/7: aaaa1111-0000-4000-8000-000000000001
  alias/app/now: {key: bbbb2222-0000-4000-8000-000000000002, previously: [alias/app/old]}
  alias/app/other: {key: ffff6666-0000-4000-8000-000000000006, replace: true}
";

/// Names that no apply of this manifest may touch
const NOT_OURS: [(&str, &str); 5] = [
    ("alias/app/kept", C),
    ("alias/app/theirs/x", A),
    ("alias/app/unmanaged", C),
    ("alias/application", B),
    ("alias/other/team", B),
];

const OURS: [(&str, &str); 9] = [
    ("alias/app/gone/1", C),
    ("alias/app/gone/2", C),
    ("alias/app/gone/3", C),
    ("alias/app/moved/1", A),
    ("alias/app/moved/2", A),
    ("alias/app/moved/3", A),
    ("alias/app/moved/4", A),
    ("alias/app/old", B),
    ("alias/app/other", C),
];

/// Writes that are lost, doubted and throttled, on top of the kill
const MISLED: &str = "\
latency: 5ms
faults:
  - {operation: CreateAlias, probability: 0.15, effect: drop-response}
  - {operation: UpdateAlias, probability: 0.15, effect: drop-response}
  - {operation: DeleteAlias, probability: 0.15, effect: drop-response}
  - {operation: CreateAlias, probability: 0.1, effect: internal, after_change: true}
  - {operation: UpdateAlias, probability: 0.1, effect: drop-request}
  - {operation: DeleteAlias, probability: 0.1, effect: throttle}
  - {operation: DescribeKey, probability: 0.05, effect: drop-request}
";

type Names = BTreeMap<String, String>;

fn names(pairs: &[(&str, &str)]) -> Names {
    pairs.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned())).collect()
}

fn before() -> Names {
    names(&[&NOT_OURS[..], &OURS].concat())
}

fn wanted() -> Names {
    let mut wanted = names(&NOT_OURS);
    wanted.extend((1..=4).map(|n| (format!("alias/app/moved/{n}"), B.to_owned())));
    wanted.extend((1..=7).map(|n| (format!("alias/app/new/{n}"), A.to_owned())));
    wanted.extend(names(&[("alias/app/now", B), ("alias/app/other", MAC)]));
    wanted
}

fn live() -> World {
    let mut world = world(&[&NOT_OURS[..], &OURS].concat());
    world.put_key(&home(), Key::new(MAC).of_kind("HMAC_256", "GENERATE_VERIFY_MAC"));
    world
}

/// Every other round is on a server that misbehaves as well
fn scenario(seed: u64) -> Scenario {
    let text = if seed.is_multiple_of(2) { "latency: 5ms" } else { MISLED };
    Scenario { seed, ..Scenario::parse(text).unwrap() }
}

pub fn site(seed: u64) -> Site {
    Site::new(MANIFEST, live(), scenario(seed))
}

/// Lets this much time go by
#[expect(clippy::disallowed_methods, reason = "a kill at a random moment is what is tested")]
fn pass(time: Duration) {
    std::thread::sleep(time);
}

/// An apply under way, whose streams nobody reads
pub fn start(site: &Site) -> Child {
    let mut command = site.kms_alias(&["apply", "-y", "--steady", "1", "--receipt", "killed/receipt.jsonl"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits for that, or for the end of the program
pub fn wait_until(child: &mut Child, is_due: impl Fn() -> bool) {
    while !is_due() && child.try_wait().unwrap().is_none() {
        pass(Duration::from_micros(200));
    }
}

fn kill(mut child: Child) {
    // It may have ended by itself.
    let _ = child.kill();
    child.wait().unwrap();
}

/// What a kill left behind
pub struct Remains {
    /// Nothing, where it died before the receipt was begun
    pub receipt: Option<History>,
    truth: Names,
    writes: Vec<Write>,
}

impl Remains {
    fn of(site: &Site) -> Self {
        let receipt = std::fs::read(site.path("killed/receipt.jsonl")).ok();
        let receipt = receipt.map(|bytes| read(&String::from_utf8_lossy(&bytes)).unwrap());
        Self { receipt, truth: site.truth(), writes: site.writes() }
    }

    /// Every name that is there or was
    fn names(&self) -> BTreeSet<String> {
        self.truth.keys().cloned().chain(before().into_keys()).collect()
    }

    fn calls(&self) -> Vec<Write> {
        let chapters = self.receipt.iter().flat_map(|history| &history.targets);
        let traces = chapters.flat_map(|chapter| chapter.names.values());
        let calls = traces.flat_map(|trace| &trace.calls);
        calls.map(|(call, _)| (call.operation.clone(), call.alias.clone(), call.after.clone())).collect()
    }

    /// What the receipt says that a name was left on; as it was before, where it says nothing
    fn left(&self, name: &str) -> Left {
        let chapters = self.receipt.iter().flat_map(|history| &history.targets);
        let trace = chapters.filter_map(|chapter| chapter.names.get(name)).next_back();
        trace.map_or_else(|| Left::On(before().get(name).cloned()), |trace| trace.left.clone())
    }

    /// Whether the receipt leaves anything untold
    pub fn is_open(&self) -> bool {
        self.receipt
            .iter()
            .flat_map(|history| &history.targets)
            .any(|chapter| chapter.names.values().any(|trace| matches!(trace.left, Left::Either(..))))
    }

    /// Every write was announced, and every name is where the receipt says, or one of the two that it cannot tell apart
    fn check(&self) {
        let mut announced = self.calls();
        for write in &self.writes {
            let found = announced.iter().position(|call| call == write);
            announced.swap_remove(found.unwrap_or_else(|| panic!("{write:?} is not in the receipt")));
        }
        for name in self.names() {
            let (is, left) = (self.truth.get(&name), self.left(&name));
            let agrees = match &left {
                Left::On(key) => is == key.as_ref(),
                Left::Either(one, other) => is == one.as_ref() || is == other.as_ref(),
            };
            assert!(agrees, "{name} is on {is:?}, and the receipt says {left:?}");
        }
        check_others(&self.truth);
    }
}

fn check_others(truth: &Names) {
    for (name, key) in NOT_OURS {
        assert_eq!(truth.get(name).map(String::as_str), Some(key), "{name} is not ours");
    }
}

/// Runs the program to its end, which must be this one
fn run(site: &Site, code: &[i32], args: &[&str]) -> String {
    let ran = site.run(args);
    let ended = ran.status.code().unwrap_or(-1);
    assert!(code.contains(&ended), "{args:?} ended with {ended}: {}{}", text(&ran.stdout), text(&ran.stderr));
    text(&ran.stdout).to_owned()
}

/// Takes back what the receipt proves, and nothing else
fn take_back(site: &Site, remains: &Remains) {
    let codes = if remains.is_open() { &[0, 4, 6][..] } else { &[0] };
    let told = run(
        site,
        codes,
        &["revert", "killed/receipt.jsonl", "-y", "--steady", "1", "--receipt", "back.jsonl"],
    );
    let truth = site.truth();
    // Of two that are both other than before, whichever it is has been changed.
    let is_unproven = |name: &str| match remains.left(name) {
        Left::Either(one, other) => [one, other].contains(&before().get(name).cloned()),
        Left::On(_) => false,
    };
    // Deletes wait while something that is to come back is held, as in every plan.
    let waits = remains.names().iter().any(|name| {
        let is_missing = before().contains_key(name) && !remains.truth.contains_key(name);
        is_missing && is_unproven(name)
    });
    for name in remains.names() {
        let (was, is) = (before().remove(&name), remains.truth.get(&name).cloned());
        let stays = is_unproven(&name) || (waits && was.is_none());
        let expected = if stays { is } else { was };
        assert_eq!(truth.get(&name), expected.as_ref(), "{name} after the revert: {told}");
    }
}

/// Applies again, which finishes the work, and once more, which finds nothing to do
fn apply_again(site: &Site) {
    run(site, &[0], &["apply", "-y", "--receipt", "again.jsonl"]);
    assert_eq!(site.truth(), wanted());
    let writes = site.writes();
    run(site, &[0], &["apply", "-y", "--receipt", "no-more.jsonl"]);
    assert_eq!(site.writes(), writes, "a third apply writes nothing");
}

/// What is checked after every kill, wherever it hit
pub fn check(site: &Site, reverts: bool) -> Remains {
    let remains = Remains::of(site);
    remains.check();
    site.sandbox.with(|service| service.play(Scenario::default()));
    if remains.receipt.is_some() {
        run(site, &[0], &["show", "killed/receipt.jsonl"]);
        if reverts {
            take_back(site, &remains);
        }
    } else {
        assert!(remains.writes.is_empty(), "without a receipt nothing is written: {:?}", remains.writes);
    }
    apply_again(site);
    remains
}

/// Where the kills of a run hit
#[derive(Debug, Default)]
struct Figures {
    kills: u32,
    before_the_receipt: u32,
    before_the_first_write: u32,
    between_the_writes: u32,
    after_the_last_write: u32,
    at_the_end: u32,
    torn: u32,
    with_a_call_left_open: u32,
    writes: usize,
}

impl Figures {
    fn count(&mut self, remains: &Remains) {
        self.kills += 1;
        self.writes += remains.writes.len();
        self.with_a_call_left_open += u32::from(remains.is_open());
        let done = remains.truth == wanted();
        let place = match &remains.receipt {
            None => &mut self.before_the_receipt,
            Some(history) if history.exit_code.is_some() => &mut self.at_the_end,
            Some(_) if remains.writes.is_empty() => &mut self.before_the_first_write,
            Some(_) if done => &mut self.after_the_last_write,
            Some(_) => &mut self.between_the_writes,
        };
        *place += 1;
        self.torn += u32::from(remains.receipt.as_ref().is_some_and(|history| history.torn));
    }
}

/// How many requests an apply takes that nobody kills
fn whole() -> usize {
    let site = site(0);
    assert!(start(&site).wait().unwrap().success());
    assert_eq!(site.truth(), wanted());
    site.requests()
}

/// One apply, killed at the moment that the seed chooses
fn round(seed: u64, whole: usize) -> Remains {
    let mut random = fastrand::Rng::with_seed(seed);
    let (due, then) = (random.usize(..=whole), Duration::from_micros(random.u64(..20_000)));
    let site = site(seed);
    let mut child = start(&site);
    wait_until(&mut child, || site.requests() >= due);
    pass(then);
    kill(child);
    check(&site, random.u8(..3) == 0)
}

/// Two at a time, since each mostly waits
fn rounds(seeds: std::ops::Range<u64>, round: impl Fn(u64) -> Remains + Sync) -> Figures {
    let (next, figures) = (AtomicU64::new(seeds.start), Mutex::new(Figures::default()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= seeds.end {
                return;
            }
            let remains = catch_unwind(AssertUnwindSafe(|| round(seed)));
            let remains = remains.unwrap_or_else(|_| panic!("the seed of this round is {seed}"));
            figures.lock().unwrap().count(&remains);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    figures.into_inner().unwrap()
}

#[expect(clippy::print_stdout, reason = "figures are what the longer run is for")]
fn killed_at_random(seeds: std::ops::Range<u64>) {
    let whole = whole();
    let figures = rounds(seeds, |seed| round(seed, whole));
    println!("{figures:#?}");
    assert!(figures.between_the_writes > 0, "no kill hit what it was to hit: {figures:?}");
}

#[test]
fn an_apply_that_is_killed_anywhere_is_told_by_its_receipt_and_finished_by_the_next() {
    killed_at_random(0..40);
}

#[test]
#[ignore = "the longer run, of some ten minutes: cargo test --test suite kills -- --ignored --nocapture"]
fn the_same_a_few_hundred_times() {
    let first = fastrand::u64(1_000..1_000_000);
    println!("the seeds begin at {first}");
    killed_at_random(first..first + 300);
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

#[test]
fn an_apply_that_is_killed_while_it_begins_its_receipt_has_written_nothing_or_says_so() {
    let figures = rounds(0..8, |seed| {
        let site = site(seed);
        let mut child = start(&site);
        let folder = site.path("killed");
        while is_empty(&folder) && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        pass(Duration::from_micros(fastrand::Rng::with_seed(seed).u64(..3_000)));
        kill(child);
        check(&site, false)
    });
    let hits = figures.before_the_receipt + figures.before_the_first_write;
    assert!(hits > 0, "no kill hit what it was to hit: {figures:?}");
}
