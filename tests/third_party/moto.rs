//! Moto's server, one for all tests that run at the same time, each in a Region of its own.

use std::fs::File;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::Value;
use tempfile::NamedTempFile;

use crate::processes::{Ended, Hermit, Killed, aws, python, run, soon};
use crate::raw::Raw;

/// The account of all credentials that moto has not given out itself
pub const ACCOUNT: &str = "123456789012";

struct Server {
    url: String,
    // in this order: the server ends before its home goes
    _process: Killed,
    _home: Hermit,
}

impl Server {
    /// A server on a port of its own choice
    fn start() -> Self {
        let log = NamedTempFile::new().unwrap();
        let write = || Stdio::from(File::options().append(true).open(log.path()).unwrap());
        // so that there are as many Regions as tests
        let home = Hermit::new().with("MOTO_ALLOW_NONEXISTENT_REGION", "true");
        let mut command = home.command(python());
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]).stdout(write()).stderr(write());
        let program = command.get_program().to_owned();
        let started = command.spawn().unwrap_or_else(|why| panic!("{}: {why}", program.display()));
        let mut process = Killed(started);
        let said = || std::fs::read_to_string(log.path()).unwrap();
        let url = soon(|| {
            let ended = process.0.try_wait().unwrap();
            assert!(ended.is_none(), "moto ended with {ended:?}:\n{}", said());
            let said = said();
            let (_, rest) = said.split_once("Running on ")?;
            // the port is listened on before this line is written
            Some(rest.split_once('\n')?.0.trim().to_owned())
        });
        let url = url.unwrap_or_else(|| panic!("moto does not get ready:\n{}", said()));
        Self { url, _process: process, _home: home }
    }

    /// The server that is running, or a new one; the last test that uses it ends it
    fn shared() -> Arc<Self> {
        static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *running = Arc::downgrade(&server);
            server
        })
    }
}

/// A Region of moto's in which nobody else is
pub struct Moto {
    pub raw: Raw,
    hermit: Hermit,
    _server: Arc<Server>,
}

impl Moto {
    pub fn start() -> Self {
        static REGIONS: AtomicU32 = AtomicU32::new(1);
        let server = Server::shared();
        let region = format!("us-test-{}", REGIONS.fetch_add(1, Ordering::Relaxed));
        let hermit = Hermit::client(&server.url, "testing", &region);
        let raw = Raw { url: server.url.clone(), access_key: "testing".to_owned(), region };
        Self { raw, hermit, _server: server }
    }

    /// Runs the program with this manifest
    pub fn kms_alias(&self, manifest: &str, arguments: &[&str]) -> Ended {
        self.kms_alias_at(&self.raw.url, manifest, arguments)
    }

    /// The same through whatever is at `url`
    pub fn kms_alias_at(&self, url: &str, manifest: &str, arguments: &[&str]) -> Ended {
        self.hermit.write("aliases.yaml", manifest);
        run(self.hermit.kms_alias().args(arguments).args(["--endpoint-url", url]))
    }

    /// What the AWS CLI answers
    pub fn aws(&self, arguments: &[&str]) -> Value {
        aws(&self.hermit, arguments).unwrap()
    }
}
