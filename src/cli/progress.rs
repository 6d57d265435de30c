//! Progress on stderr, for what takes longer than a second: a line drawn again on a terminal, a plain line now and then elsewhere.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Session;
use super::args::LogFormat;
use super::console::Console;
use super::stop::Stop;
use crate::poll::{now, wait};
use crate::render::style::plural;

/// Nothing is said before
const QUIET: Duration = Duration::from_secs(1);
/// Between two plain lines
const PLAIN: Duration = Duration::from_secs(5);
/// Between two drawings on a terminal
const DRAWN: Duration = Duration::from_millis(100);
/// What turns in front of the line, so that one sees that something is under way
const TURNING: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// What a first request to stop is answered with
const STOPPING: &str = "\nStopping: calls under way are finished and reported; ask once more to leave at once, without a report\n";

/// Before the end of something can be told from how it has gone so far
const GUESSED: Duration = Duration::from_secs(5);

/// How far something is
pub struct Progress<'a> {
    work: Mutex<Work>,
    /// What is waited for once all is done
    then: &'static str,
    screen: Screen,
    began: Instant,
    console: &'a Console,
    stop: &'a Stop,
}

#[derive(Clone)]
struct Work {
    /// As `reading targets`
    what: &'static str,
    total: usize,
    done: usize,
    /// Of the targets that are worked on side by side, how many there are, and how many have ended; none where it is one
    targets: Option<(usize, usize)>,
    /// How many names each waits for
    left: BTreeMap<String, usize>,
    /// Requests that what is done has taken
    calls: u64,
    /// Requests sent so far, where somebody counts them
    sent: u64,
    began: Instant,
}

impl Work {
    fn new(what: &'static str, total: usize) -> Self {
        let (targets, left) = (None, BTreeMap::new());
        Self { what, total, done: 0, targets, left, calls: 0, sent: 0, began: now() }
    }

    fn line(&self, then: &str) -> String {
        let Self { what, total, done, targets, left, calls, sent, began } = self;
        let (took, mut line) = (now() - *began, format!("{what}: {done} of {total}"));
        if let Some((all, ended)) = targets {
            line += &format!(", {ended} of {all} targets ended");
        }
        let calls = *calls.max(sent);
        if calls > 0 {
            let rate = calls as f64 / took.as_secs_f64().max(0.001);
            line += &format!(", {calls} API calls, {rate:.0} a second");
        }
        if took >= GUESSED && *done > 0 && done < total {
            let rest = took.mul_f64((total - done) as f64 / *done as f64);
            line += &format!(", about {} s to go", rest.as_secs().max(1));
        }
        let left = left.values().sum::<usize>();
        let names = if left > 0 { format!(": {} left", plural(left, "name")) } else { String::new() };
        if done == total || left > 0 {
            line += &format!("; {then}{names}");
        }
        line
    }
}

/// How it is told
enum Screen {
    /// One line, which leaves nothing behind
    Drawn,
    Lines,
    Quiet,
}

/// What may have been drawn, until it is dropped: work that is given up leaves nothing behind either
struct Drawing<'a>(&'a Console);

impl Drop for Drawing<'_> {
    fn drop(&mut self) {
        self.0.erase();
    }
}

impl Session<'_> {
    /// Progress of `total` things, then of waiting for something
    pub(super) fn progress(&self, what: &'static str, total: usize, then: &'static str) -> Progress<'_> {
        // Lines of a log go past the console, and would come to stand behind what is drawn.
        let logs = self.global.verbose > 0 || self.global.log_format != LogFormat::Text;
        let screen = match (self.global.quiet, self.console.ends.err_redraws && !logs) {
            (true, _) => Screen::Quiet,
            (false, true) => Screen::Drawn,
            (false, false) => Screen::Lines,
        };
        let work = Mutex::new(Work::new(what, total));
        Progress { work, then, screen, began: now(), console: self.console, stop: self.stop }
    }
}

impl Progress<'_> {
    /// Other work begins: `total` things
    pub fn begin(&self, what: &'static str, total: usize) {
        *self.work() = Work::new(what, total);
    }

    /// One more is done
    pub fn step(&self) {
        self.work().done += 1;
    }

    /// One more is done, which took so many requests
    pub fn step_with(&self, calls: u64) {
        let mut work = self.work();
        work.done += 1;
        work.calls += calls;
    }

    /// The work is that of so many targets, side by side
    pub fn share(&self, targets: usize) {
        self.work().targets = Some((targets, 0));
    }

    /// Whether it is
    pub fn is_shared(&self) -> bool {
        self.work().targets.is_some()
    }

    /// So many names of a target are still waited for
    pub fn leave(&self, target: &str, left: usize) {
        self.work().left.insert(target.to_owned(), left);
    }

    /// Nothing of this target is waited for any more
    pub fn end(&self, target: &str) {
        let mut work = self.work();
        work.left.remove(target);
        if let Some((_, ended)) = &mut work.targets {
            *ended += 1;
        }
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `work`, which looks for the request to stop, telling how far it is from time to time
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        self.counting(|| 0, work).await
    }

    /// The same, telling as well how many requests were `sent` so far: a large target may take a minute of them
    pub async fn counting<T>(&self, sent: impl Fn() -> u64, work: impl Future<Output = T>) -> T {
        let (_heeding, _drawing) = (self.stop.heed(), Drawing(self.console));
        let (mut work, never) = (pin!(work), CancellationToken::new());
        let (mut next, mut stopping) = (QUIET, false);
        loop {
            tokio::select! {
                biased;
                worked = &mut work => return worked,
                () = self.stop.cancelled(), if !stopping => {
                    stopping = true;
                    self.console.note(STOPPING);
                }
                _ = wait(next, &never) => {
                    self.work().sent = sent();
                    next = self.tell();
                }
            }
        }
    }

    /// Says how far it is, and when to say it again
    fn tell(&self) -> Duration {
        let line = self.work().line(self.then);
        match self.screen {
            Screen::Drawn => {
                let took = now() - self.began;
                let turned = took.as_millis() / DRAWN.as_millis();
                let turning = TURNING[turned as usize % TURNING.len()];
                self.console.draw(&format!("{turning} {}s {line}", took.as_secs()));
                DRAWN
            }
            Screen::Lines => {
                self.console.note(&(line + "\n"));
                PLAIN
            }
            Screen::Quiet => PLAIN,
        }
    }
}
