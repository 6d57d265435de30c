//! `-v`: what happens underneath, on stderr. Without it nothing is logged: what a user must know is in the plan and the report.

use std::ffi::OsString;
use std::io::{self, Stderr, Write, stderr};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::{Layer, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt};

use super::args::LogFormat;
use super::job::variable;
use crate::receipt::timestamp;
use crate::render::harmless::{guarded, harmless, in_json};

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

/// Stderr, where each write is one line of JSON
struct Lines {
    err: Stderr,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.err.write_all(in_json(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.err.flush()
    }
}

/// As everywhere in what we write: UTC, to the millisecond
struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, w: &mut Writer<'_>) -> std::fmt::Result {
        w.write_str(&timestamp())
    }
}

/// What a command line asks for that cannot be understood: what is wrong with it is told in that form too
pub fn asked_for(args: &[OsString]) -> LogFormat {
    let words: Vec<&str> = args.iter().filter_map(|arg| arg.to_str()).collect();
    let next = words.windows(2).filter(|pair| pair[0] == "--log-format").map(|pair| pair[1]);
    let joined = words.iter().filter_map(|word| word.strip_prefix("--log-format="));
    let asked = next.chain(joined).last().map(str::to_owned).or_else(|| variable("KMS_ALIAS_LOG_FORMAT"));
    if asked.as_deref() == Some("json") { LogFormat::Json } else { LogFormat::Text }
}

/// Begins logging for the process; the second run in one process, as in tests, keeps the first one's
pub fn begin(verbose: u8, format: LogFormat, colour: bool) {
    let wanted: &[(&str, LevelFilter)] = match verbose {
        0 => return,
        1 => &[("kms_alias", LevelFilter::DEBUG)],
        _ => &[
            ("kms_alias", LevelFilter::TRACE),
            ("aws_config", LevelFilter::DEBUG),
            ("aws_smithy_runtime", LevelFilter::DEBUG),
        ],
    };
    let wanted = Targets::new().with_targets(wanted.iter().copied());
    let _ = match format {
        LogFormat::Text => {
            let log = fmt::layer().with_writer(move || Guarded { err: stderr(), colour }).with_ansi(colour);
            registry().with(log.without_time().with_filter(wanted)).try_init()
        }
        LogFormat::Json => {
            let log = fmt::layer().json().flatten_event(true).with_current_span(false);
            let log = log.with_timer(Clock).with_writer(|| Lines { err: stderr() });
            registry().with(log.with_filter(wanted)).try_init()
        }
    };
}
