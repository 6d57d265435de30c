//! The lines of a receipt -> what the apply did to each name, and what it cannot tell. Pure.
//!
//! A program that was killed leaves no last line, or half of one: what is there still counts. A call without an answer may have
//! been made; only a later answer or outcome about the same name settles it.

use std::collections::BTreeMap;

use super::event::{Answer, Begin, Call, Ending, Event, Intent, Line, Meaning, Seen};

/// What a receipt says
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// What the apply was
    pub begin: Begin,
    /// When it began
    pub began: String,
    /// When the last line was written
    pub last: String,
    /// The targets that it came to, by name
    pub targets: Vec<Chapter>,
    /// The exit code, if the apply came to its end
    pub exit_code: Option<u8>,
    /// Whether the last line is cut off
    pub torn: bool,
}

/// What it says of one target
#[derive(Clone, Debug, PartialEq)]
pub struct Chapter {
    /// What was to be done
    pub intent: Intent,
    /// The names that calls were made about
    pub names: BTreeMap<String, Trace>,
    /// What each action came to, by alias
    pub endings: BTreeMap<String, Ending>,
    /// How the last verification ended
    pub seen: Option<Seen>,
}

/// What was done to one name
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The key that it was on before the first call
    pub before: Option<String>,
    /// What it is known to have been left on
    pub left: Left,
    /// The calls, with their answers
    pub calls: Vec<(Call, Option<Answer>)>,
    /// The line of the first call, counted from 1
    pub line: u32,
}

/// What a name was left on
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// This key, or none
    On(Option<String>),
    /// The one or the other: a call went without an answer, and nothing later tells
    Either(Option<String>, Option<String>),
}

/// Why a text is no receipt
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// It does not begin as one
    #[error("this is no receipt: {0}")]
    NoReceipt(String),
    /// It is of a later major version
    #[error("this receipt has format version {0}, and this program reads 1.x")]
    Version(String),
    /// A line in the middle is none
    #[error("line {line} of the receipt cannot be read: {why}")]
    Line {
        /// Counted from 1
        line: usize,
        /// What is wrong
        why: String,
    },
}

/// Reads a receipt
///
/// # Errors
/// It is none, or of a version that this program does not know; a last line that is cut off is no error.
pub fn read(text: &str) -> Result<History, HistoryError> {
    let (whole, rest) = text.rsplit_once('\n').map_or(("", text), |(whole, rest)| (whole, rest));
    let mut lines = whole.lines().zip(1..);
    let first = lines.next().map(|(text, _)| text).unwrap_or_default();
    let mut reader = Reader { history: begin(first)?, chapters: BTreeMap::new(), asked: BTreeMap::new() };
    for (text, line) in lines {
        let read: Line = serde_json::from_str(text)
            .map_err(|error| HistoryError::Line { line, why: error.to_string() })?;
        reader.history.last = read.time;
        reader.take(read.event, line).map_err(|why| HistoryError::Line { line, why })?;
    }
    let mut history = reader.history;
    // They began side by side, whichever was first; the plan has them by name.
    history.targets.sort_by(|a, b| a.intent.target.cmp(&b.intent.target));
    Ok(History { torn: !rest.is_empty(), ..history })
}

fn begin(first: &str) -> Result<History, HistoryError> {
    let version = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        (value["kind"] == "receipt").then(|| value["format_version"].as_str().map(str::to_owned))?
    };
    let Some(version) = version(first) else {
        return Err(HistoryError::NoReceipt("its first line is not the beginning of one".to_owned()));
    };
    if version.split('.').next() != Some("1") {
        return Err(HistoryError::Version(version));
    }
    match serde_json::from_str(first) {
        Ok(Line { time, event: Event::Begin(begin) }) => Ok(History {
            begin,
            began: time.clone(),
            last: time,
            targets: Vec::new(),
            exit_code: None,
            torn: false,
        }),
        Ok(_) => Err(HistoryError::NoReceipt("its first line is not the beginning of one".to_owned())),
        Err(error) => Err(HistoryError::NoReceipt(error.to_string())),
    }
}

/// A receipt that is being read, and where in it to find what the next line is about
struct Reader {
    history: History,
    /// The chapter of each target
    chapters: BTreeMap<String, usize>,
    /// The chapter and the alias of each call
    asked: BTreeMap<u64, (usize, String)>,
}

impl Reader {
    fn take(&mut self, event: Event, line: usize) -> Result<(), String> {
        match event {
            Event::Begin(_) => return Err("it begins a second time".to_owned()),
            Event::Target(intent) => self.begin_chapter(intent)?,
            Event::Call(call) => self.call(call, line)?,
            Event::Answer(answer) => self.answer(answer)?,
            Event::Outcome(ending) => self.chapter(&ending.target)?.1.end(ending),
            Event::Verdict(seen) => {
                let (_, chapter) = self.chapter(&seen.target)?;
                chapter.seen = Some(seen);
            }
            Event::End { exit_code } => self.history.exit_code = Some(exit_code),
            Event::Later => {}
        }
        Ok(())
    }

    /// Begins the one chapter of a target; guards that judge what was done there have to see all of it at once
    fn begin_chapter(&mut self, intent: Intent) -> Result<(), String> {
        if self.chapters.insert(intent.target.clone(), self.history.targets.len()).is_some() {
            return Err(format!("it begins target {:?} a second time", intent.target));
        }
        let (names, endings) = (BTreeMap::new(), BTreeMap::new());
        self.history.targets.push(Chapter { intent, names, endings, seen: None });
        Ok(())
    }

    /// The chapter of a target, and which one it is
    fn chapter(&mut self, target: &str) -> Result<(usize, &mut Chapter), String> {
        let found = self.chapters.get(target).copied();
        let chapter = found.and_then(|index| Some((index, self.history.targets.get_mut(index)?)));
        chapter.ok_or_else(|| format!("target {target:?} was never begun"))
    }

    fn call(&mut self, call: Call, line: usize) -> Result<(), String> {
        let (number, alias) = (call.call, call.alias.clone());
        let (index, chapter) = self.chapter(&call.target)?;
        chapter.call(call, line);
        match self.asked.insert(number, (index, alias)) {
            // No answer could tell which of the two it is about.
            Some(_) => Err(format!("it makes call {number} a second time")),
            None => Ok(()),
        }
    }

    fn answer(&mut self, answer: Answer) -> Result<(), String> {
        let number = answer.call;
        let asked = self.asked.get(&number);
        let trace =
            asked.and_then(|(index, alias)| self.history.targets.get_mut(*index)?.names.get_mut(alias));
        trace.ok_or_else(|| format!("it answers call {number}, which was never made"))?.answer(answer);
        Ok(())
    }
}

impl Chapter {
    fn call(&mut self, call: Call, line: usize) {
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let fresh = || Trace {
            before: call.before.clone(),
            left: Left::On(call.before.clone()),
            calls: Vec::new(),
            line,
        };
        self.names.entry(call.alias.clone()).or_insert_with(fresh).call(call);
    }

    /// What an action came to settles what a call without an answer left open: the apply has looked
    ///
    /// It has found the alias as it wanted it; that is its own doing only if a call would have done just that.
    fn end(&mut self, ending: Ending) {
        if let Some(trace) = self.names.get_mut(&ending.alias) {
            let open = matches!(trace.left, Left::Either(..));
            let found = matches!(ending.outcome.as_str(), "done" | "already_so");
            if open && found && trace.may_have_led_to(ending.after.as_deref()) {
                trace.left = Left::On(ending.after.clone());
            }
        }
        self.endings.insert(ending.alias.clone(), ending);
    }
}

impl Trace {
    fn call(&mut self, call: Call) {
        let was = match &self.left {
            Left::On(key) | Left::Either(key, _) => key.clone(),
        };
        self.left = Left::Either(was, call.after.clone());
        self.calls.push((call, None));
    }

    fn answer(&mut self, answer: Answer) {
        let Some((call, slot)) = self.calls.iter_mut().find(|(call, _)| call.call == answer.call) else {
            return;
        };
        let after = call.after.clone();
        *slot = Some(answer.clone());
        match answer.answer {
            Meaning::Done => self.left = Left::On(after),
            // Nothing was changed by this call; an earlier one may still be open.
            Meaning::Refused if !self.is_open() => {
                if let Left::Either(was, _) = &self.left {
                    self.left = Left::On(was.clone());
                }
            }
            Meaning::Refused | Meaning::Unclear => {}
        }
    }

    /// Whether a call that was not refused would have left the name so
    fn may_have_led_to(&self, after: Option<&str>) -> bool {
        let refused =
            |answer: &Option<Answer>| answer.as_ref().is_some_and(|answer| answer.answer == Meaning::Refused);
        self.calls.iter().any(|(call, answer)| call.after.as_deref() == after && !refused(answer))
    }

    /// Whether a call since the last one that was made went without a clear answer
    fn is_open(&self) -> bool {
        let meaning = |answer: &Option<Answer>| answer.as_ref().map(|answer| answer.answer);
        let since = self.calls.iter().rev().map(|(_, answer)| meaning(answer));
        since
            .take_while(|meaning| *meaning != Some(Meaning::Done))
            .any(|meaning| meaning != Some(Meaning::Refused))
    }
}
