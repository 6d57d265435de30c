//! Seeds -> their stories: operators side by side among faults and rivals, then peace.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bugs::Bug;
use super::case::Case;
use super::rules::Broken;
use super::service::Service;
use super::stage::Stage;
use super::totals::Totals;
use super::weather::Weather;

/// What came of one seed
pub struct Story {
    pub totals: Totals,
    /// The first rule that was broken
    pub broken: Option<Broken>,
    /// What happened, a line an event, if it was asked for
    pub log: String,
}

/// The story of `seed`, with a deliberate bug or with none
pub fn simulate(seed: u64, bug: Option<Bug>, logged: bool) -> Story {
    // The program draws the jitter of its waits from here.
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O").block_on(tell(seed, bug, logged))
}

async fn tell(seed: u64, bug: Option<Bug>, logged: bool) -> Story {
    let case = Case::new(seed);
    let service = Service::new(seed, case.world.clone(), Weather::random(seed), logged);
    let stage = Stage::new(service, bug);
    tokio::join!(stage.live(Some(&case.first)), stage.live(case.second.as_ref()));
    stage.come_to_rest(&case).await;
    let Stage { service, clock, .. } = stage;
    let mut service = service.lock().unwrap();
    let oldest = service.processes.iter().map(|process| process.watch.oldest_look).max();
    service.totals.oldest_look_ms = oldest.unwrap_or_default().unsigned_abs();
    service.totals.seeds = 1;
    service.totals.virtual_ms = clock.at().unsigned_abs();
    Story {
        totals: std::mem::take(&mut service.totals),
        broken: service.broken.take(),
        log: service.log.take().unwrap_or_default(),
    }
}

/// The stories of many seeds on all processors: what happened in all of them, and the first seed that broke a rule
pub fn simulate_all(seeds: Range<u64>, bug: Option<Bug>) -> (Totals, Option<(u64, Broken)>) {
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let (mut totals, mut first) = (Totals::default(), None);
        while first.is_none() {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                break;
            }
            let story = simulate(seed, bug, false);
            totals += story.totals;
            first = story.broken.map(|broken| (seed, broken));
            if first.is_some() {
                // Nobody needs to begin a later one.
                next.store(seeds.end, Ordering::Relaxed);
            }
        }
        (totals, first)
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let parts: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a simulation does not panic")).collect()
    });
    parts.into_iter().fold((Totals::default(), None), |(mut all, first), (totals, found)| {
        all += totals;
        (all, [first, found].into_iter().flatten().min())
    })
}
