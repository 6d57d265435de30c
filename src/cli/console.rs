//! The three streams: stdout carries the plan or report and nothing else, stderr everything else. The only file that prints,
//! and the last one to see what is printed.

use std::io::{self, BufRead, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;

use super::args::LogFormat;
use super::job::Job;
use crate::bounded::{Limit, drain};
use crate::poll::time_of_day;
use crate::receipt::{Sink, timestamp};
use crate::render::harmless::{guarded, json_line};
use crate::render::job::{section_end, section_start};
use crate::render::sentences::{Sentence, fitted_sentences, sentences};

/// The streams of a run, and what is at their other end
pub struct Console {
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Stderr>,
    input: Arc<Mutex<Box<dyn BufRead + Send>>>,
    printed: AtomicBool,
    section: Mutex<Option<Section>>,
    receipts: Option<Shelf>,
    as_json: AtomicBool,
    /// What is at their other end
    pub ends: Ends,
}

/// Stderr, and whether its last line is one that is to be drawn over
struct Stderr {
    stream: Box<dyn Write + Send>,
    is_drawn: bool,
}

impl Stderr {
    /// Writes, in the place of what has been drawn; nothing can be done about a stderr that is gone
    fn put(&mut self, text: &str, is_drawn: bool) {
        let over = if self.is_drawn { ERASE } else { "" };
        self.is_drawn = is_drawn;
        let _ = self.stream.write_all(format!("{over}{text}").as_bytes()).and_then(|()| self.stream.flush());
    }
}

/// To the beginning of the line, and the line is empty
const ERASE: &str = "\r\u{1b}[2K";
/// What is wider than the terminal is cut by it, and not continued on the next line: a person may make it narrower at any time
const CUT: [&str; 2] = ["\u{1b}[?7l", "\u{1b}[?7h"];

/// Gives each receipt its place
type Shelf = Box<dyn Fn() -> Box<dyn Sink> + Send + Sync>;

/// Stdout does not take what it is given
#[derive(Debug, thiserror::Error)]
#[error("write to stdout")]
pub struct Unprinted(#[source] pub io::Error);

/// Whether each stream is a person's
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// Whether somebody can answer a question
    pub answers: bool,
    /// Whether stdout shows colours, as far as its end and the environment say; `--color` goes first
    pub out_colour: bool,
    /// Whether stderr shows colours, likewise
    pub err_colour: bool,
    /// How wide stdout is, where it is a terminal
    pub out_columns: Option<usize>,
    /// Whether stdout is a terminal that links can be followed in
    pub out_links: bool,
    /// How wide stderr is, where it is a terminal
    pub err_columns: Option<usize>,
    /// Whether stderr is a terminal, where a line can be drawn again
    pub err_redraws: bool,
    /// The job whose log they are
    pub job: Job,
}

/// A part of the log that the runner can fold
#[derive(Debug)]
enum Section {
    /// Begins with the first thing that is said in it
    Due { part: String, title: String },
    /// By its name
    Begun(String),
}

impl Console {
    /// A console over any streams
    pub fn new(
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
        input: impl BufRead + Send + 'static,
        ends: Ends,
    ) -> Self {
        let input: Box<dyn BufRead + Send> = Box::new(input);
        Self {
            out: Mutex::new(Box::new(out)),
            err: Mutex::new(Stderr { stream: Box::new(err), is_drawn: false }),
            input: Arc::new(Mutex::new(input)),
            printed: AtomicBool::new(false),
            section: Mutex::new(None),
            receipts: None,
            as_json: AtomicBool::new(false),
            ends,
        }
    }

    /// The same console, whose receipts go where `shelf` says, and to no file
    #[must_use]
    pub fn with_receipts(self, shelf: impl Fn() -> Box<dyn Sink> + Send + Sync + 'static) -> Self {
        Self { receipts: Some(Box::new(shelf)), ..self }
    }

    /// The place of the next receipt, where it is not to be a file
    pub(super) fn receipt_sink(&self) -> Option<Box<dyn Sink>> {
        self.receipts.as_ref().map(|shelf| shelf())
    }

    /// Writes the plan or report; a reader who went away has seen enough, which changes nothing about how the program ends
    ///
    /// # Errors
    /// Stdout's, but for a broken pipe.
    pub fn print(&self, text: &str) -> Result<(), Unprinted> {
        self.print_guarded(&guarded(text))
    }

    /// The same for what has been guarded already, and may have line ends of Windows
    pub(super) fn print_guarded(&self, text: &str) -> Result<(), Unprinted> {
        self.printed.store(true, Ordering::Relaxed);
        self.begin_section();
        // It may be the same terminal.
        self.erase();
        let mut out = lock(&self.out);
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Unprinted(error)),
            _ => Ok(()),
        }
    }

    /// Whether stdout has been given anything
    pub fn has_printed(&self) -> bool {
        self.printed.load(Ordering::Relaxed)
    }

    /// Tells the user something: each sentence no wider than a terminal is, or as a line of the log
    pub fn note(&self, text: &str) {
        if self.speaks_json() {
            return self.command(&sentences(text).iter().map(as_json).collect::<String>());
        }
        self.begin_section();
        let fitted = self.ends.err_columns.map(|columns| fitted_sentences(text, columns));
        self.command(&guarded(fitted.as_deref().unwrap_or(text)));
    }

    /// Whether stderr carries a log of JSON
    pub(super) fn speaks_json(&self) -> bool {
        self.as_json.load(Ordering::Relaxed)
    }

    /// From now on stderr carries what is told in this form
    pub fn speak(&self, format: LogFormat) {
        self.as_json.store(format == LogFormat::Json, Ordering::Relaxed);
    }

    /// Gives the runner of a job its commands, which [`guarded`] would undo: all in them that is not ours has to be escaped
    pub(super) fn command(&self, lines: &str) {
        lock(&self.err).put(lines, false);
    }

    /// Draws one line over the one that was drawn before, until something else is told; as far as the terminal is wide
    pub(super) fn draw(&self, line: &str) {
        let wide = self.ends.err_columns.map_or(usize::MAX, |columns| columns.saturating_sub(1));
        let line: String = line.chars().take(wide).collect();
        let [cut, wrap] = CUT;
        lock(&self.err).put(&format!("{cut}{}{wrap}", guarded(&line)), true);
    }

    /// Takes away what has been drawn
    pub(super) fn erase(&self) {
        let mut err = lock(&self.err);
        if err.is_drawn {
            err.put("", false);
        }
    }

    /// Ends the section that there is, and begins one as soon as something is said
    pub(super) fn section(&self, part: &str, title: &str) {
        self.end_section();
        *lock(&self.section) = Some(Section::Due { part: part.to_owned(), title: title.to_owned() });
    }

    fn begin_section(&self) {
        let mut section = lock(&self.section);
        if let Some(Section::Due { part, title }) = &*section {
            let began = since_1970();
            // The log of a job may have the same command twice.
            let name = format!("kms_alias_{part}_{}", began.as_millis());
            self.command(&section_start(&name, title, began.as_secs()));
            *section = Some(Section::Begun(name));
        }
    }

    /// Ends the section that there is
    pub(super) fn end_section(&self) {
        if let Some(Section::Begun(name)) = lock(&self.section).take() {
            self.command(&section_end(&name, since_1970().as_secs()));
        }
    }

    /// Asks the user something and waits for a line; what of it is no text is shown as such, and answers nothing
    ///
    /// # Errors
    /// Stdin's.
    pub async fn ask(&self, question: &str) -> io::Result<String> {
        self.note(question);
        let input = self.input.clone();
        let read = move || {
            let mut line = Vec::new();
            lock(&input).read_until(b'\n', &mut line).map(|_| String::from_utf8_lossy(&line).into_owned())
        };
        let line = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??;
        if !line.ends_with('\n') {
            // The end of the input leaves the cursor behind the question.
            self.note("\n");
        }
        Ok(line)
    }

    /// Everything that stdin holds
    ///
    /// # Errors
    /// Stdin's, or it holds more than `limit`.
    pub fn read_all(&self, limit: Limit) -> io::Result<Vec<u8>> {
        drain(&mut *lock(&self.input), limit)
    }
}

/// A line with one thing that is told, as the log has its own
fn as_json(Sentence { level, code, message, hint }: &Sentence) -> String {
    let (code, hint) = (code.as_deref(), hint.as_deref());
    let line = Line { timestamp: timestamp(), level, message, hint, code, target: "kms_alias" };
    json_line(&line).unwrap_or_default()
}

/// What is told, as a log has it
#[derive(Serialize)]
struct Line<'t> {
    timestamp: String,
    level: &'static str,
    message: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'t str>,
    target: &'static str,
}

fn since_1970() -> Duration {
    time_of_day().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_that_is_no_text_is_an_answer_and_the_line_ends_where_it_ends() {
        let input = io::Cursor::new(b"yes\xff\nyes\n");
        let console = Console::new(io::sink(), io::sink(), input, Ends::default());
        assert_eq!(console.ask("?").await.unwrap(), "yes\u{fffd}\n");
        assert_eq!(console.ask("?").await.unwrap(), "yes\n");
    }
}
