//! Progress on stderr, for what takes longer than a second: a line drawn again on a terminal, a plain line now and then elsewhere.

use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::Session;
use super::console::Console;
use super::stop::Stop;
use crate::poll::wait;
use crate::render::style::plural;

/// Nothing is said before
const QUIET: Duration = Duration::from_secs(1);
/// Between two plain lines
const PLAIN: Duration = Duration::from_secs(5);
/// Between two drawings on a terminal
const DRAWN: Duration = Duration::from_millis(100);

/// What a first request to stop is answered with
const STOPPING: &str = "\nstopping: calls under way are finished and reported; ask once more to leave at once, without a report\n";

/// How far something is
pub struct Progress<'a> {
    work: Mutex<Work>,
    /// What is waited for once all is done
    then: &'static str,
    screen: Screen<'a>,
    console: &'a Console,
    stop: &'a Stop,
}

#[derive(Clone, Copy)]
struct Work {
    /// As `reading targets`
    what: &'static str,
    total: usize,
    done: usize,
    /// How many names are waited for, once all is done; none where that is not known
    left: usize,
}

impl Work {
    fn new(what: &'static str, total: usize) -> Self {
        Self { what, total, done: 0, left: 0 }
    }
}

enum Screen<'a> {
    /// Leaves nothing behind
    Terminal(ProgressBar),
    Lines(&'a Console),
    Quiet,
}

impl Session<'_> {
    /// Progress of `total` things, then of waiting for something
    pub(super) fn progress(&self, what: &'static str, total: usize, then: &'static str) -> Progress<'_> {
        let screen = match (self.global.quiet, self.console.ends.err_redraws) {
            (true, _) => Screen::Quiet,
            (false, true) => Screen::Terminal(bar()),
            (false, false) => Screen::Lines(self.console),
        };
        let work = Mutex::new(Work::new(what, total));
        Progress { work, then, screen, console: self.console, stop: self.stop }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    match ProgressStyle::with_template("{spinner} {msg}  {elapsed}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
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

    /// So many names are still waited for
    pub fn leave(&self, left: usize) {
        self.work().left = left;
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `work`, which looks for the request to stop, telling how far it is from time to time
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let _heeding = self.stop.heed();
        let (mut work, never) = (pin!(work), CancellationToken::new());
        let (mut next, mut stopping) = (QUIET, false);
        let worked = loop {
            tokio::select! {
                biased;
                worked = &mut work => break worked,
                () = self.stop.cancelled(), if !stopping => {
                    stopping = true;
                    self.console.note(STOPPING);
                }
                _ = wait(next, &never) => next = self.tell(),
            }
        };
        if let Screen::Terminal(bar) = &self.screen {
            bar.finish_and_clear();
        }
        worked
    }

    /// Says how far it is, and when to say it again
    fn tell(&self) -> Duration {
        match &self.screen {
            Screen::Terminal(bar) => {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.set_message(self.line());
                bar.tick();
                DRAWN
            }
            Screen::Lines(console) => {
                console.note(&(self.line() + "\n"));
                PLAIN
            }
            Screen::Quiet => PLAIN,
        }
    }

    fn line(&self) -> String {
        let Work { what, total, done, left } = *self.work();
        let left = if left > 0 { format!(": {} left", plural(left, "name")) } else { String::new() };
        let then = if done == total { format!("; {}{left}", self.then) } else { String::new() };
        format!("{what}: {done} of {total}{then}")
    }
}
