//! A whole command in this process, on FakeKms, and what it left.

use std::ffi::OsString;
use std::io::{self, Cursor, Write};
use std::sync::{Arc, Mutex};

use kms_alias::cli::console::{Console, Ends};
use kms_alias::cli::exit::Exit;
use kms_alias::cli::run;
use kms_alias::cli::stop::Stop;
use kms_alias::kms::Connect;
use kms_alias::kms::connect::Options;
use tempfile::{NamedTempFile, TempDir};

use crate::fake::{FakeConnect, FakeKms};

/// A stream that can be read back
#[derive(Clone, Default)]
pub struct Stream(Arc<Mutex<Vec<u8>>>);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A run of the program, and what it left
pub struct Ran {
    pub exit: Exit,
    pub out: String,
    pub err: String,
    /// The receipt, where an apply wrote the one of this run
    pub receipt: Option<String>,
}

/// Runs `kms-alias ARGS -f MANIFEST` on `kms`, with a person at the other end who types `typed`, or nobody
pub async fn run_on(kms: &FakeKms, manifest: &str, args: &[&str], typed: Option<&str>) -> Ran {
    run_with(|_| FakeConnect(kms.clone()), manifest, args, typed).await
}

/// The same with any connector
pub async fn run_with<C: Connect>(
    connect: impl Fn(Options) -> C,
    manifest: &str,
    args: &[&str],
    typed: Option<&str>,
) -> Ran {
    let file = NamedTempFile::with_suffix(".yaml").unwrap();
    std::fs::write(&file, manifest).unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let ran = run_args(connect, &[args, &["-f", &path]].concat(), typed).await;
    let name = |text: String| text.replace(&path, "aliases.yaml");
    Ran { out: name(ran.out), err: name(ran.err), ..ran }
}

/// Runs `kms-alias ARGS`
pub async fn run_args<C: Connect>(connect: impl Fn(Options) -> C, args: &[&str], typed: Option<&str>) -> Ran {
    // In a folder of this run, never in the home of whoever runs the tests.
    let folder = TempDir::new().unwrap();
    let receipt = folder.path().join("receipt.jsonl").to_str().unwrap().to_owned();
    let records = args.contains(&"apply") && !args.contains(&"iam-policy") && !args.contains(&"--receipt");
    let receipt_args = records.then_some(["--receipt", &receipt]);
    let command = ["kms-alias"].iter().chain(args).chain(receipt_args.iter().flatten());
    let args: Vec<OsString> = command.map(OsString::from).collect();
    let (out, err) = (Stream::default(), Stream::default());
    let ends = Ends { answers: typed.is_some(), ..Ends::default() };
    let input = Cursor::new(typed.unwrap_or_default().to_owned());
    let console = Console::new(out.clone(), err.clone(), input, ends);
    let exit = run(args, &console, &Stop::default(), connect).await;
    let receipt_line = format!("Receipt: {receipt}\n");
    let receipt = std::fs::read_to_string(&receipt).ok();
    Ran { exit, out: out.text(), err: err.text().replace(&receipt_line, ""), receipt }
}
