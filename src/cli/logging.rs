//! `-v`: what happens underneath, on stderr. Without it nothing is logged: what a user must know is in the plan and the report.

use std::io::{self, Stderr, Write, stderr};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::{Layer, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt};

use crate::render::harmless::{guarded, harmless};

/// Stderr, where what a server or a file has said may be part of a line; each write is one line
struct Guarded {
    err: Stderr,
    colour: bool,
}

impl Write for Guarded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = text.trim_end_matches('\n');
        // Among colours of its own, the logger escapes those of others itself.
        let line = if self.colour { line.replace('\n', "\\n") } else { harmless(line) };
        self.err.write_all(guarded(&(line + "\n")).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.err.flush()
    }
}

/// Begins logging for the process; the second run in one process, as in tests, keeps the first one's
pub fn begin(verbose: u8, colour: bool) {
    let wanted: &[(&str, LevelFilter)] = match verbose {
        0 => return,
        1 => &[("kms_alias", LevelFilter::DEBUG)],
        _ => &[
            ("kms_alias", LevelFilter::TRACE),
            ("aws_config", LevelFilter::DEBUG),
            ("aws_smithy_runtime", LevelFilter::DEBUG),
        ],
    };
    let log = fmt::layer().with_writer(move || Guarded { err: stderr(), colour }).with_ansi(colour);
    let wanted = Targets::new().with_targets(wanted.iter().copied());
    let _ = registry().with(log.without_time().with_filter(wanted)).try_init();
}
