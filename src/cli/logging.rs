//! `-v`: what happens underneath, on stderr. Without it nothing is logged: what a user must know is in the plan and the report.

use std::io::{self, Stderr, Write, stderr};

use tracing_subscriber::EnvFilter;

use crate::render::harmless::guarded;

/// Stderr, where what a server or a file has said may be part of a line
struct Guarded(Stderr);

impl Write for Guarded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(guarded(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Begins logging for the process; the second run in one process, as in tests, keeps the first one's
pub fn begin(verbose: u8, colour: bool) {
    let filter = match verbose {
        0 => return,
        1 => "kms_alias=debug",
        _ => "kms_alias=trace,aws_config=debug,aws_smithy_runtime=debug",
    };
    let log = tracing_subscriber::fmt().with_writer(|| Guarded(stderr())).with_ansi(colour);
    let _ = log.with_env_filter(EnvFilter::new(filter)).without_time().try_init();
}
