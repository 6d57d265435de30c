//! One run of the program, unchanged and in this process, and what has to be true of it when it ends.

use std::convert::Infallible;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use kms_alias::cli::console::{Console, Ends as Terminal};
use kms_alias::cli::exit::Exit;
use kms_alias::cli::run;
use kms_alias::kms::Connect;
use kms_alias::receipt::history::read;
use kms_alias::target::Target;
use tempfile::TempDir;

use super::bugs::{Bug, Buggy};
use super::kms::{Clock, Ends, SimKms, pause};
use super::notebook::Notebook;
use super::order::{Errand, Order};
use super::past::Past;
use super::rules::{Broken, Rule};
use super::service::{Process, Service};
use super::shown::{Shown, left_alone};
use super::watch::{Doubts, Watch};
use super::wishes::Wishes;

/// No run may take so long, in milliseconds
const A_DAY: i64 = 86_400_000;

/// How a run ended
pub struct Ended {
    /// `None` if it crashed
    pub exit: Option<Exit>,
    pub process: usize,
    pub writes: u32,
    pub shown: Shown,
    pub receipt: String,
}

/// Where the program runs
pub struct Stage {
    pub service: Arc<Mutex<Service>>,
    pub clock: Clock,
    bug: Option<Bug>,
    /// What one run leaves for another, made when the first does; its path is in no story
    folder: OnceLock<TempDir>,
}

impl Stage {
    pub fn new(service: Service, bug: Option<Bug>) -> Self {
        let service = Arc::new(Mutex::new(service));
        Self { service, clock: Clock::start(), bug, folder: OnceLock::new() }
    }

    /// One run of the program, to its end or its crash
    pub async fn run(&self, wishes: &Wishes, order: Order) -> Ended {
        let began = self.clock.at();
        let process = {
            let mut service = self.service();
            let watch = Watch::new(wishes.clone(), &order, began);
            service.processes.push(Process::new(watch, order.perils));
            service.totals.count(&order.errand);
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
        let exit = tokio::select! {
            biased;
            () = ends.crash.notified() => None,
            exit = run(order.arguments(self.bug), &console, &ends.stop, |_| connect.clone()) => Some(exit),
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
        self.close(process, exit, &order, &ends)
    }

    /// What has to be true of a run that has ended
    fn close(&self, process: usize, exit: Option<Exit>, order: &Order, ends: &Ends) -> Ended {
        let mut service = self.service();
        let at = self.clock.at();
        let name = exit.map_or("crashed".to_owned(), |exit| format!("{exit:?}"));
        service.note(at, || {
            format!("run {process} ends: {name}\n{}{}", ends.out.text(), self.told(&ends.err.text()))
        });
        *service.totals.exits.entry(name).or_default() += 1;
        let replicas = service.world.lag.replicas.len();
        let watch = &service.processes[process].watch;
        // Where nothing is left to write, nobody waits, and one listing is enough.
        let waited = !order.flags.no_wait && watch.writes > 0;
        let every_replica = waited && !service.any_replica && replicas <= 2;
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
        let Watch { writes, unsure, .. } = service.processes[process].watch;
        if matches!(order.errand, Errand::Revert(..)) {
            let [back, doubtful] = &mut service.totals.taken_back;
            *back += u64::from(writes);
            *doubtful += unsure;
        }
        Ended { exit, process, writes, shown: Shown::parse(&ends.out.text()), receipt: ends.receipt.text() }
    }

    /// What takes a run back, if it wrote something: its receipt is kept in a file
    pub fn take_back(&self, ended: &Ended) -> Option<Errand> {
        if ended.writes == 0 {
            return None;
        }
        let path = self.new_file("receipt");
        let service = self.service();
        let past = Past::new(&ended.receipt, &service.processes[ended.process].watch.changed);
        let told = self.bug.map(|bug| bug.misreads(&ended.receipt, &service.world));
        std::fs::write(&path, told.as_ref().unwrap_or(&ended.receipt)).expect("a temporary file");
        Some(Errand::Revert(path, past))
    }

    /// What is told of a text in which our folder may be named
    fn told(&self, text: &str) -> String {
        let folder = self.folder.get().map(|folder| folder.path().to_string_lossy());
        folder.map_or(text.to_owned(), |folder| text.replace(&*folder, "FOLDER"))
    }

    /// The place of a file that the next run leaves for another
    pub fn new_file(&self, kind: &str) -> PathBuf {
        let folder = self.folder.get_or_init(|| TempDir::new().expect("a temporary folder"));
        folder.path().join(format!("{kind}-{}", self.service().processes.len()))
    }

    pub fn service(&self) -> MutexGuard<'_, Service> {
        self.service.lock().unwrap()
    }

    pub fn judge(&self, ended: &Ended, verdict: Result<(), Broken>) {
        self.service().judge(ended.process, self.clock.at(), verdict);
    }
}

/// Whether the exit code is one that the run could have
fn ends_well(exit: Option<Exit>, watch: &Watch, err: &str) -> Result<(), Broken> {
    let why = match exit {
        Some(Exit::Refused | Exit::Runtime) if !watch.changed.is_empty() => "it had written all the same",
        Some(Exit::Stale) if watch.writes > 0 => "it had written all the same",
        Some(Exit::Manifest | Exit::Usage) => err,
        _ if err.contains("panicked") => err,
        _ => return Ok(()),
    };
    Err(Rule::Exit.broken(format!("it ended with {exit:?}: {why}")))
}

/// Whether the report owns up to every change that the run made
fn reports(watch: &Watch, out: &str) -> Result<(), Broken> {
    let left_alone = left_alone(out);
    match watch.changed.keys().find(|name| left_alone.contains(name.as_str())) {
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
    match watch.changed.keys().find(|name| !told(name)) {
        Some(name) => Err(Rule::Receipt.broken(format!("it changed {name}, and the receipt does not tell"))),
        None => Ok(()),
    }
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
