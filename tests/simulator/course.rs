//! The course of a simulation: runs among faults and rivals, then runs in peace, which have to end.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::Cursor;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use kms_alias::cli::console::{Console, Ends as Terminal};
use kms_alias::cli::exit::Exit;
use kms_alias::cli::run;
use kms_alias::kms::Connect;
use kms_alias::receipt::history::read;
use kms_alias::target::Target;

use super::bugs::{Bug, Buggy};
use super::case::{Case, Flags, Operator, Turn, mistaken};
use super::kms::{Clock, Ends, SimKms, pause};
use super::notebook::Notebook;
use super::rules::{Broken, Rule};
use super::service::{Perils, Process, Service};
use super::shown::{Shown, left_alone};
use super::totals::Totals;
use super::watch::{Doubts, Watch};
use super::weather::Weather;
use super::wishes::Wishes;

/// Runs in peace until one has nothing to write, at most
const MOST_RUNS: u64 = 4;
/// How the runs in peace are called
const PATIENT: Flags = Flags { patience: "180s", steady: 2, no_wait: false };

/// No run may take so long, in milliseconds
const A_DAY: i64 = 86_400_000;

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
    let stage = Stage { service: Arc::new(Mutex::new(service)), clock: Clock::start(), bug };
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

/// How a run ended
struct Ended {
    /// `None` if it crashed
    exit: Option<Exit>,
    process: usize,
    writes: u32,
    shown: Shown,
}

struct Stage {
    service: Arc<Mutex<Service>>,
    clock: Clock,
    bug: Option<Bug>,
}

impl Stage {
    async fn live(&self, operator: Option<&Operator>) {
        let Some(Operator { wishes, turns }) = operator else { return };
        for Turn { rest, flags, perils } in turns {
            pause(*rest).await;
            self.run(wishes, *flags, *perils).await;
        }
    }

    /// One run of the program, to its end or its crash
    async fn run(&self, wishes: &Wishes, flags: Flags, perils: Perils) -> Ended {
        let began = self.clock.at();
        let process = {
            let mut service = self.service();
            service.processes.push(Process::new(Watch::new(wishes.clone(), began), perils));
            service.totals.runs += 1;
            service.processes.len() - 1
        };
        let receipt = match self.bug {
            Some(Bug::ReceiptAfterTheWrite) => Notebook::late(),
            _ => Notebook::default(),
        };
        let deaf = self.bug == Some(Bug::IgnoreTheStop);
        let ends = Arc::new(Ends { deaf, receipt: receipt.clone(), ..Ends::default() });
        let kms = SimKms { service: self.service.clone(), clock: self.clock, process, ends: ends.clone() };
        let told = self.bug.map_or_else(|| wishes.clone(), |bug| bug.mistakes(wishes));
        let console = Console::new(
            ends.out.clone(),
            ends.err.clone(),
            Cursor::new(told.yaml().into_bytes()),
            Terminal::default(),
        );
        let console = console.with_receipts(move || Box::new(receipt.clone()));
        let connect = Connector(Buggy { kms, bug: self.bug });
        let flags = mistaken(flags, self.bug);
        let exit = tokio::select! {
            biased;
            () = ends.crash.notified() => None,
            exit = run(arguments(flags), &console, &ends.stop, |_| connect.clone()) => Some(exit),
            () = pause(A_DAY) => {
                let endless = Rule::Rest.broken("it was still running after a day".to_owned());
                self.service().judge(process, self.clock.at(), Err(endless));
                None
            }
        };
        let exit = match exit {
            Some(Exit::Incomplete) if self.bug == Some(Bug::DenyWhatWasWritten) => Some(Exit::Runtime),
            exit => exit,
        };
        self.close(process, exit, flags, &ends)
    }

    /// What has to be true of a run that has ended
    fn close(&self, process: usize, exit: Option<Exit>, flags: Flags, ends: &Ends) -> Ended {
        let mut service = self.service();
        let at = self.clock.at();
        let name = exit.map_or("crashed".to_owned(), |exit| format!("{exit:?}"));
        service.note(at, || format!("run {process} ends: {name}\n{}{}", ends.out.text(), ends.err.text()));
        *service.totals.exits.entry(name).or_default() += 1;
        let replicas = service.world.lag.replicas.len();
        let every_replica = !flags.no_wait && !service.any_replica && replicas <= 2;
        let watch = &service.processes[process].watch;
        let verdict = match exit {
            Some(Exit::Success) => watch.claims(&service.world, every_replica, at),
            _ => Ok(Doubts::default()),
        };
        let honest = ends_well(exit, watch, &ends.err.text());
        let out = self.bug.map_or_else(|| ends.out.text(), |bug| bug.denies(ends.out.text()));
        let reported = exit.map_or(Ok(()), |_| reports(watch, &out));
        let kept = is_in_receipt(watch, &ends.receipt.text());
        service.judge(process, at, kept);
        service.judge(process, at, honest);
        service.judge(process, at, reported);
        match verdict {
            Ok(Doubts { early, misled }) => {
                service.totals.early += early;
                service.totals.misled += misled;
            }
            Err(broken) => service.judge(process, at, Err(broken)),
        }
        let writes = service.processes[process].watch.writes;
        Ended { exit, process, writes, shown: Shown::parse(&ends.out.text()) }
    }

    /// The faults stop: the program has to come to rest
    async fn come_to_rest(&self, case: &Case) {
        let longest = {
            let mut service = self.service();
            service.weather.calm();
            service.note(self.clock.at(), || "the faults stop".to_owned());
            service.world.lag.longest()
        };
        if case.at_once {
            self.run(&case.first.wishes, PATIENT, Perils::default()).await;
        }
        pause(longest).await;
        let second = case.second.as_ref().filter(|second| second.wishes.prefix != case.first.wishes.prefix);
        for operator in [Some(&case.first), second].into_iter().flatten() {
            self.converge(&operator.wishes, longest).await;
        }
    }

    /// Runs until nothing is left to write; what was converged stays so, whatever replica is asked
    async fn converge(&self, wishes: &Wishes, longest: i64) {
        let any_replica = self.service().any_replica;
        let (mut runs, mut rested, mut at_rest) = (0, true, false);
        loop {
            let ended = self.run(wishes, PATIENT, Perils::default()).await;
            runs += 1;
            self.peaceful(&ended);
            let wrote = ended.writes > 0;
            if wrote && at_rest {
                return self.judge(&ended, Err(Rule::Rest.broken("a further run wrote again".to_owned())));
            }
            if wrote && runs == MOST_RUNS {
                let why = format!("not at rest after {runs} runs without faults");
                return self.judge(&ended, Err(Rule::Rest.broken(why)));
            }
            if !wrote && rested {
                let most = self.service().totals.runs_to_rest.max(runs);
                self.service().totals.runs_to_rest = most;
                return self.judge(&ended, self.is_as_wished(wishes, &ended.shown));
            }
            at_rest = !wrote;
            // Where one run has asked every replica, the next one needs no rest to find the same.
            rested = !wrote || any_replica || longest == 0;
            if rested {
                pause(longest).await;
            }
        }
    }

    fn service(&self) -> MutexGuard<'_, Service> {
        self.service.lock().unwrap()
    }

    /// Without faults nothing may fail, though something may be held
    fn peaceful(&self, ended: &Ended) {
        let held = !ended.shown.held.is_empty() || ended.shown.refused;
        let fine = match ended.exit {
            Some(Exit::Success) => !held,
            Some(Exit::Refused | Exit::Incomplete) => held,
            _ => false,
        };
        if !fine {
            let why = format!("without faults it ended with {:?}", ended.exit);
            self.judge(ended, Err(Rule::Rest.broken(why)));
        }
    }

    fn judge(&self, ended: &Ended, verdict: Result<(), Broken>) {
        self.service().judge(ended.process, self.clock.at(), verdict);
    }

    /// Whether the world is as the manifest says, by our own reading of both
    fn is_as_wished(&self, wishes: &Wishes, shown: &Shown) -> Result<(), Broken> {
        if shown.refused {
            return Ok(());
        }
        let service = self.service();
        let world = &service.world;
        let previous = |name: &str| wishes.wishes.iter().find(|(_, wish)| wish.previously == Some(name));
        let live = world.live().map(|(name, _)| name);
        for name in live.chain(wishes.wishes.keys().map(String::as_str)) {
            let declared = wishes.wishes.contains_key(name);
            let gone = match previous(name) {
                // Until its successor is as it should be, nothing is taken away.
                Some((successor, wish)) => !wish.retain && !shown.held.contains(successor),
                None => wishes.prune,
            };
            if !wishes.owns(name) || shown.held.contains(name) || !(declared || gone) {
                continue;
            }
            let (want, have) = (wishes.end(name, world), world.now(name));
            if want != have {
                let why = format!("at rest, {name} is on {have:?} and should be on {want:?}");
                return Err(Rule::Rest.broken(why));
            }
        }
        Ok(())
    }
}

/// Whether the exit code is one that the run could have
fn ends_well(exit: Option<Exit>, watch: &Watch, err: &str) -> Result<(), Broken> {
    let why = match exit {
        Some(Exit::Refused | Exit::Runtime) if !watch.changed.is_empty() => "it had written all the same",
        Some(Exit::Manifest | Exit::Usage) => err,
        _ if err.contains("panicked") => err,
        _ => return Ok(()),
    };
    Err(Rule::Exit.broken(format!("it ended with {exit:?}: {why}")))
}

/// Whether the report owns up to every change that the run made
fn reports(watch: &Watch, out: &str) -> Result<(), Broken> {
    let left_alone = left_alone(out);
    match watch.changed.iter().find(|name| left_alone.contains(name.as_str())) {
        Some(name) => Err(Rule::Report.broken(format!("it changed {name}, and says that it left it alone"))),
        None => Ok(()),
    }
}

/// Whether the receipt can be read, wherever it ends, and tells of every change that the run made
fn is_in_receipt(watch: &Watch, text: &str) -> Result<(), Broken> {
    if watch.changed.is_empty() && text.is_empty() {
        return Ok(());
    }
    let history = read(text).map_err(|error| Rule::Receipt.broken(error.to_string()))?;
    let told = |name: &String| history.targets.iter().any(|chapter| chapter.names.contains_key(name));
    match watch.changed.iter().find(|name| !told(name)) {
        Some(name) => Err(Rule::Receipt.broken(format!("it changed {name}, and the receipt does not tell"))),
        None => Ok(()),
    }
}

fn arguments(Flags { patience, steady, no_wait }: Flags) -> Vec<OsString> {
    let steady = steady.to_string();
    let mut words =
        vec!["kms-alias", "apply", "-f", "-", "--yes", "-q", "--color", "never", "--wait-timeout", patience];
    words.extend(["--steady", &steady]);
    words.extend(no_wait.then_some("--no-wait"));
    words.into_iter().map(OsString::from).collect()
}

/// Every target is the one simulated account
#[derive(Clone)]
struct Connector(Buggy);

impl Connect for Connector {
    type Reader = Buggy;
    type Writer = Buggy;
    type Error = Infallible;

    async fn reader(&self, _: &Target) -> Result<Buggy, Infallible> {
        Ok(self.0.clone())
    }

    async fn writer(&self, _: &Target) -> Result<Buggy, Infallible> {
        Ok(self.0.clone())
    }
}
