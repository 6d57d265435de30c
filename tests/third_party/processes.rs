//! Programs that a test starts: in an environment of their own, and gone when the test is.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// The Python that has moto, microburst, the AWS CLI and cmarkgfm
#[expect(clippy::disallowed_methods, reason = "only tests/run.py knows where it has installed them")]
pub fn python() -> PathBuf {
    let path = std::env::var_os("KMS_ALIAS_TEST_PYTHON");
    path.expect(
        "these tests need moto, microburst, the AWS CLI and cmarkgfm: run them with `python3 tests/run.py`",
    )
    .into()
}

#[expect(clippy::disallowed_methods, reason = "where a Python of the system finds its libraries")]
fn search_path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

/// The answer of `look`, as soon as there is one
#[expect(
    clippy::disallowed_methods,
    reason = "another process has to start, and there is nothing else to wait on"
)]
pub fn soon<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    for _ in 0..1200 {
        if let Some(answer) = look() {
            return Some(answer);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

/// Kills its process when it goes out of scope
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // it may have ended by itself
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An empty home, in which commands find nothing of this machine's configuration
pub struct Hermit {
    home: TempDir,
    settings: Vec<(&'static str, String)>,
}

impl Hermit {
    /// Nothing is there
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let nowhere = home.path().join("no-such-file").display().to_string();
        let settings = vec![
            ("HOME", home.path().display().to_string()),
            ("AWS_CONFIG_FILE", nowhere.clone()),
            ("AWS_SHARED_CREDENTIALS_FILE", nowhere),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ];
        Self { home, settings }
    }

    /// Only the server at `url` is there
    pub fn client(url: &str, access_key: &str, region: &str) -> Self {
        Self::new()
            .with("AWS_ENDPOINT_URL", url)
            .with("AWS_ACCESS_KEY_ID", access_key)
            .with("AWS_SECRET_ACCESS_KEY", "secret")
            .with("AWS_REGION", region)
            // what the AWS CLI reads instead
            .with("AWS_DEFAULT_REGION", region)
    }

    /// The same with one more setting
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.settings.retain(|(other, _)| *other != name);
        self.settings.push((name, value.to_owned()));
        self
    }

    /// Writes a file into the home
    pub fn write(&self, name: &str, content: &str) {
        std::fs::write(self.home.path().join(name), content).unwrap();
    }

    /// `program` with these settings and nothing else
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", search_path()).envs(self.settings.iter().cloned());
        command.current_dir(self.home.path()).stdin(Stdio::null());
        command
    }

    /// The program under test
    pub fn kms_alias(&self) -> Command {
        self.command(env!("CARGO_BIN_EXE_kms-alias"))
    }
}

/// How a command ended
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command to its end
pub fn run(command: &mut Command) -> Ended {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// What the AWS CLI answers, or its error
pub fn aws(hermit: &Hermit, arguments: &[&str]) -> Result<Value, String> {
    let ended = run(hermit.command(python()).args(["-m", "awscli", "--output", "json"]).args(arguments));
    match ended.code {
        Some(0) if ended.stdout.is_empty() => Ok(Value::Null),
        Some(0) => Ok(serde_json::from_str(&ended.stdout).unwrap_or_else(|why| panic!("{why}: {ended:?}"))),
        _ => Err(ended.stderr.trim().to_owned()),
    }
}

/// `kms-alias sandbox` on a free port
pub struct SandboxServer {
    pub url: String,
    // in this order: the server ends before its home goes
    _process: Killed,
    _home: Hermit,
}

impl SandboxServer {
    /// A server that is ready
    pub fn start(arguments: &[&str]) -> Self {
        let home = Hermit::new();
        let mut command = home.kms_alias();
        command.args(["sandbox", "--port", "0", "--quiet"]).args(arguments);
        let mut process = Killed(command.stdout(Stdio::piped()).spawn().unwrap());
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "the first line is the URL, not {line:?}");
        Self { url, _process: process, _home: home }
    }
}
