//! Waiting: a pure schedule of delays, and the loop that follows it. The only file that waits or reads the clock.

use std::future::Future;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long to go on asking, and how often
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// The first delay
    pub first: Duration,
    /// Delays double up to this one
    pub longest: Duration,
    /// The whole time spent waiting, first question to last
    pub budget: Duration,
    /// How many good answers in a row count as settled, since a replica that lags answers in turn with one that does not
    pub steady: u32,
    /// Seed of the jitter
    pub seed: u64,
}

impl Default for Patience {
    /// Three minutes, which covers what the service calls "several minutes" in most cases; two good answers in a row
    /// (<https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html>).
    fn default() -> Self {
        Self {
            first: Duration::from_millis(200),
            longest: Duration::from_secs(5),
            budget: Duration::from_secs(180),
            steady: 2,
            seed: 0,
        }
    }
}

impl Patience {
    /// The delays: doubling from `first` to `longest`, each between half of itself and itself, ending where the budget does
    pub fn delays(&self) -> impl Iterator<Item = Duration> + use<> {
        let Self { first, longest, budget, seed, .. } = *self;
        let mut random = fastrand::Rng::with_seed(seed);
        let mut next = first.min(longest);
        let mut left = budget;
        std::iter::from_fn(move || {
            let delay = next.mul_f64(0.5 + random.f64() / 2.0).min(left);
            next = (next * 2).min(longest);
            left -= delay;
            (!delay.is_zero()).then_some(delay)
        })
    }
}

/// What one question brought
pub enum Answer<T> {
    /// As hoped
    Good(T),
    /// Not yet
    NotYet(T),
}

/// How the asking ended
#[derive(Clone, Debug, PartialEq)]
pub struct Polled<T> {
    /// The last answer
    pub last: T,
    /// Whether the last `steady` answers were good
    pub settled: bool,
    /// Whether a good answer was followed by one that was not
    pub wavered: bool,
    /// Questions asked
    pub asked: u32,
    /// From the first question to the last answer
    pub waited: Duration,
}

/// Asks until `steady` answers in a row are good, the patience is spent or `stop` is cancelled
///
/// # Errors
/// The first error of `ask`; what may pass with time is an [`Answer::NotYet`], not an error.
pub async fn poll<T, E, F, Fut>(
    patience: &Patience,
    stop: &CancellationToken,
    mut ask: F,
) -> Result<Polled<T>, E>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Answer<T>, E>>,
{
    let began = now();
    let mut delays = patience.delays();
    let (mut asked, mut good, mut wavered) = (0, 0, false);
    loop {
        let (last, hoped) = match ask().await? {
            Answer::Good(answer) => (answer, true),
            Answer::NotYet(answer) => (answer, false),
        };
        asked += 1;
        wavered |= !hoped && good > 0;
        good = if hoped { good + 1 } else { 0 };
        let waited = began.elapsed();
        let settled = good >= patience.steady;
        // Good answers are confirmed at the first pace again: only bad ones are worth backing off from.
        let next = if hoped { Some(patience.first) } else { delays.next() };
        // The budget bounds the time that passes, not the sum of the delays: answers take time too, and good ones take no delay.
        let left = patience.budget.saturating_sub(waited);
        match next.map(|delay| delay.min(left)).filter(|delay| !settled && !delay.is_zero()) {
            Some(delay) if wait(delay, stop).await => {}
            _ => return Ok(Polled { last, settled, wavered, asked, waited }),
        }
    }
}

/// Waits; `false` if `stop` was cancelled first
pub async fn wait(delay: Duration, stop: &CancellationToken) -> bool {
    wait_until(now() + delay, stop).await
}

/// Waits until `time`; `false` if `stop` was cancelled first
#[expect(clippy::disallowed_methods, reason = "this is the file that waits")]
pub async fn wait_until(time: Instant, stop: &CancellationToken) -> bool {
    tokio::select! {
        biased;
        () = stop.cancelled() => false,
        () = tokio::time::sleep_until(time) => true,
    }
}

/// What `read` comes to, or `None` if it takes longer than until `time`; never for a write that nobody looks after, since it is left unclear
pub async fn until<T>(time: Instant, read: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout_at(time, read).await.ok()
}

/// The time on tokio's clock, which tests can pause
#[expect(clippy::disallowed_methods, reason = "this is the file that reads the clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// The time of day, to be compared with the service's; nothing that is planned depends on it
#[expect(clippy::disallowed_methods, reason = "this is the file that reads the clock")]
pub fn time_of_day() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    async fn ask(patience: &Patience, answers: &[bool]) -> Polled<bool> {
        let mut answers = answers.iter();
        let next = || {
            let good = *answers.next().unwrap_or(&false);
            async move { Ok::<_, Infallible>(if good { Answer::Good(good) } else { Answer::NotYet(good) }) }
        };
        poll(patience, &CancellationToken::new(), next).await.unwrap()
    }

    #[test]
    fn delays_double_within_their_jitter_and_spend_exactly_the_budget() {
        let patience = Patience::default();
        let delays: Vec<_> = patience.delays().collect();
        assert_eq!(delays.iter().sum::<Duration>(), patience.budget);
        assert!(delays[0] <= patience.first && delays[0] >= patience.first / 2);
        assert!(delays.iter().all(|d| *d <= patience.longest));
        assert_eq!(patience.delays().collect::<Vec<_>>(), delays, "one seed, one schedule");
    }

    #[tokio::test(start_paused = true)]
    async fn one_good_answer_among_bad_ones_does_not_settle_it() {
        let polled = ask(&Patience::default(), &[true, false, true, false, true, true]).await;
        assert!(polled.settled && polled.wavered);
        assert_eq!(polled.asked, 6);
    }

    #[tokio::test(start_paused = true)]
    async fn out_of_patience_it_returns_the_last_answer() {
        let patience = Patience { budget: Duration::from_secs(30), ..Patience::default() };
        let polled = ask(&patience, &[]).await;
        // Tokio's timers round up to whole milliseconds.
        let rounding = Duration::from_millis(u64::from(polled.asked));
        assert!(
            !polled.settled
                && polled.waited >= patience.budget
                && polled.waited <= patience.budget + rounding
        );
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_alternate_are_given_the_whole_budget() {
        let patience = Patience { budget: Duration::from_secs(30), ..Patience::default() };
        let polled = ask(&patience, &[true, false].repeat(1000)).await;
        assert!(!polled.settled && polled.waited >= patience.budget, "gave up after {:?}", polled.waited);
    }

    #[tokio::test(start_paused = true)]
    async fn a_budget_of_nothing_still_asks_once() {
        for (steady, settled) in [(1, true), (2, false)] {
            let patience = Patience { budget: Duration::ZERO, steady, ..Patience::default() };
            let polled = ask(&patience, &[true]).await;
            assert_eq!((polled.settled, polled.wavered, polled.asked), (settled, false, 1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_the_waiting_at_once() {
        let stop = CancellationToken::new();
        stop.cancel();
        let asked =
            poll(&Patience::default(), &stop, || async { Ok::<_, Infallible>(Answer::NotYet(())) }).await;
        assert_eq!(asked.unwrap().asked, 1);
    }
}
