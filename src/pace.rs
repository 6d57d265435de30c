//! The request-rate lanes: each of the three writes has a quota of its own per account and Region, so each has a lane of its own.
//!
//! A lane hands out turns at an even pace a little under its rate: a burst saves nothing over a long apply, and an even pace
//! keeps every one-second window within the quota, however the server counts. When the service throttles all the same
//! (others share the quota, or it is lower than we know), the lane slows at once and recovers turn by turn.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::poll::{now, wait_until};
use crate::target::Rates;

/// Of the spacing between turns, what is added for the unevenness of a network
const MARGIN: f64 = 1.015;
/// Timers round up to a millisecond: lateness up to here is their doing, and passing it on would add up over a long apply.
/// Turns that follow a late one closely make up for it, though never by more than the margin: the quota is kept then, too
const TICK: Duration = Duration::from_millis(2);
/// Between being near a turn and having it: time for a look at what is about to be written, so that the look is fresh and yet
/// does not disturb the pace
pub const LEAD: Duration = Duration::from_millis(200);
/// What is left of the rate after a throttle
const SLOWER: f64 = 0.75;
/// Of the full rate, what each request served gives back
const RECOVERY: f64 = 0.01;
/// Of the full rate, the least that a lane goes down to
const SLOWEST: f64 = 0.05;
/// Throttles closer together than this are one: they answer requests that were under way together
const ONE_THROTTLE: Duration = Duration::from_secs(1);

/// The three lanes of one account and Region
#[derive(Debug)]
pub struct Lanes {
    /// CreateAlias
    pub create: Lane,
    /// UpdateAlias
    pub update: Lane,
    /// DeleteAlias
    pub delete: Lane,
}

impl Lanes {
    /// Lanes at the given rates
    pub fn new(rates: Rates) -> Self {
        Self {
            create: Lane::new(rates.create),
            update: Lane::new(rates.update),
            delete: Lane::new(rates.delete),
        }
    }
}

/// When a request is due
#[derive(Debug)]
#[must_use = "a turn that is not waited for is a rate that is not kept"]
pub struct Turn {
    due: Instant,
    /// The lateness that had been passed on when it was reserved
    passed_on: Duration,
}

impl Turn {
    /// Waits until [`LEAD`] before it; `false` if `stop` was cancelled first
    pub async fn near(&self, stop: &CancellationToken) -> bool {
        wait_until(self.due - LEAD, stop).await
    }
}

/// A lane: turns at a rate
#[derive(Debug)]
pub struct Lane {
    full: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Turns a second at present
    rate: f64,
    /// When the next turn to be reserved is due
    next: Option<Instant>,
    /// When the last turn was taken
    last: Option<Instant>,
    /// How late turns have been in all, which those behind them are later by
    passed_on: Duration,
    /// When the lane last slowed down
    slowed: Option<Instant>,
}

impl State {
    fn spacing(&self) -> Duration {
        Duration::from_secs_f64(MARGIN / self.rate)
    }

    /// The least between two turns
    fn closest(&self) -> Duration {
        self.spacing().saturating_sub(TICK).max(Duration::from_secs_f64(1.0 / self.rate))
    }
}

impl Lane {
    /// A lane of `rate` turns a second
    pub fn new(rate: f64) -> Self {
        let state = State { rate, next: None, last: None, passed_on: Duration::ZERO, slowed: None };
        Self { full: rate, state: Mutex::new(state) }
    }

    /// How many requests to keep under way: enough to fill a second's turns, whatever the latency up to that
    pub fn width(&self) -> usize {
        (self.full.ceil() as usize).max(1)
    }

    /// The next turn, which is never sooner than [`LEAD`] from now
    pub fn reserve(&self) -> Turn {
        let mut state = self.lock();
        let soonest = now() + LEAD;
        let due = state.next.unwrap_or(soonest).max(soonest);
        state.next = Some(due + state.spacing());
        Turn { due, passed_on: state.passed_on }
    }

    /// Waits until `turn` is due, and behind the one before it; `false` if `stop` was cancelled first
    pub async fn take(&self, turn: Turn, stop: &CancellationToken) -> bool {
        let mut due = turn.due;
        loop {
            if !wait_until(due, stop).await {
                return false;
            }
            match self.depart(&turn) {
                Ok(()) => return true,
                Err(soonest) => due = soonest,
            }
        }
    }

    /// Takes the turn, unless the one before it was late and this one would be too close behind: then, when it can be taken
    fn depart(&self, turn: &Turn) -> Result<(), Instant> {
        let mut state = self.lock();
        let (now, closest) = (now(), state.closest());
        match state.last.map(|last| last + closest).filter(|soonest| *soonest > now) {
            Some(soonest) => Err(soonest),
            None => {
                state.last = Some(now);
                // Those that are still to be reserved are late by as much, but for what an earlier turn has passed on to them: those
                // that were reserved behind it are late for the same reason.
                let due = turn.due + (state.passed_on - turn.passed_on);
                let late = now.saturating_duration_since(due + TICK);
                state.passed_on += late;
                state.next = state.next.map(|next| next + late);
                Ok(())
            }
        }
    }

    /// The service said that the rate is too high
    pub fn throttled(&self) {
        let mut state = self.lock();
        let now = now();
        if state.slowed.is_none_or(|last| now - last >= ONE_THROTTLE) {
            state.slowed = Some(now);
            state.rate = (state.rate * SLOWER).max(self.full * SLOWEST);
            state.next = Some(state.next.unwrap_or(now).max(now + state.spacing()));
        }
    }

    /// The service took a request
    pub fn served(&self) {
        let mut state = self.lock();
        state.rate = (state.rate + self.full * RECOVERY).min(self.full);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The numbers in it are sound after any panic, so poison means nothing here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poll::wait;

    async fn turns(lane: &Lane, count: usize) -> Vec<Duration> {
        let (began, stop) = (now(), CancellationToken::new());
        let mut times = Vec::new();
        for _ in 0..count {
            assert!(lane.take(lane.reserve(), &stop).await);
            times.push(now() - began);
        }
        times
    }

    #[tokio::test(start_paused = true)]
    async fn no_window_of_a_second_holds_more_turns_than_the_rate() {
        let times = turns(&Lane::new(5.0), 200).await;
        for (i, start) in times.iter().enumerate() {
            let within = times[i..].iter().take_while(|t| **t - *start <= Duration::from_secs(1)).count();
            assert!(within <= 5, "{within} turns within the second from {start:?}");
        }
        assert!(times[199] < Duration::from_secs_f64(199.0 / 5.0 * 1.03), "{:?}", times[199]);
    }

    #[tokio::test(start_paused = true)]
    async fn turns_that_wait_behind_a_late_one_keep_the_rate_too() {
        for rate in [3.0, 5.0, 10.0, 12.0, 15.0, 50.0, 1000.0] {
            let (lane, stop) = (Lane::new(rate), CancellationToken::new());
            // As many as are reserved at once, of which the first is taken when all of them are due.
            let reserved: Vec<Turn> = (0..=lane.width()).map(|_| lane.reserve()).collect();
            wait(Duration::from_secs(3), &stop).await;
            let mut times = Vec::new();
            for turn in reserved {
                assert!(lane.take(turn, &stop).await);
                times.push(now());
            }
            let took = *times.last().unwrap() - times[0];
            assert!(took >= Duration::from_secs(1), "{took:?} at {rate} a second");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_makes_many_turns_late_is_passed_on_once() {
        for rate in [5.0, 15.0, 50.0] {
            let (lane, stop) = (Lane::new(rate), CancellationToken::new());
            let reserved: Vec<Turn> = (0..lane.width()).map(|_| lane.reserve()).collect();
            let (first, last) = (reserved[0].due, reserved[reserved.len() - 1].due);
            wait(Duration::from_millis(700), &stop).await;
            let late = now() - first;
            for turn in reserved {
                assert!(lane.take(turn, &stop).await);
            }
            let (next, spacing) = (lane.lock().next.unwrap(), Duration::from_secs_f64(1.03 / rate));
            assert!(next - last <= late + spacing, "{:?} for {late:?} at {rate} a second", next - last);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_slows_the_lane_once_and_requests_served_bring_it_back() {
        let lane = Lane::new(10.0);
        lane.throttled();
        lane.throttled();
        assert!((lane.lock().rate - 7.5).abs() < 1e-9);
        for _ in 0..25 {
            lane.served();
        }
        assert!((lane.lock().rate - 10.0).abs() < 1e-9);
        for _ in 0..100 {
            turns(&lane, 20).await;
            lane.throttled();
        }
        assert!(lane.lock().rate >= 0.5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_the_wait_for_a_turn() {
        let lane = Lane::new(0.1);
        turns(&lane, 1).await;
        let stop = CancellationToken::new();
        stop.cancel();
        assert!(!lane.reserve().near(&stop).await && !lane.take(lane.reserve(), &stop).await);
    }
}
