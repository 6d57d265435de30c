//! The plan as the program printed it -> the changes that a person has seen before they are made.

use std::collections::{BTreeMap, BTreeSet};

use super::watch::short;

/// What is shown to become of a name
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Create,
    Update,
    Replace,
    Rename,
    Delete,
}

/// One line of a plan; keys by their first eight characters
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub sign: Sign,
    pub from: Option<String>,
    pub to: Option<String>,
}

/// A plan as it was printed
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// By name; a rename is a change of both its names
    pub changes: BTreeMap<String, Change>,
    pub held: BTreeSet<String>,
    pub refused: bool,
    /// None where there is nothing to do, or a target could not be read
    pub digest: Option<String>,
}

impl Shown {
    /// The plan in what a run printed, which a report may follow
    pub fn parse(text: &str) -> Self {
        let mut shown = Self::default();
        let plan = text.split_once("\nPlan: ").map_or(text, |(plan, _)| plan);
        plan.lines().for_each(|line| shown.read(line));
        shown.digest = text.lines().find_map(|line| line.strip_prefix("Digest ")).map(str::to_owned);
        shown
    }

    /// Whether it may be applied once it was saved; what is held keeps the rest back then
    pub fn is_applicable(&self) -> bool {
        !self.refused && self.held.is_empty() && (self.changes.is_empty() || self.digest.is_some())
    }

    fn read(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (sign, name, rest) = match words[..] {
            ["refused", ..] => {
                self.refused = true;
                return;
            }
            [sign, name, ref rest @ ..] if name.starts_with("alias/") => (sign, name, rest),
            _ => return,
        };
        let sign = match sign {
            "+" => Sign::Create,
            "~" => Sign::Update,
            "-/+" => Sign::Replace,
            ">" => Sign::Rename,
            "-" => Sign::Delete,
            "!" => {
                self.held.insert(name.to_owned());
                return;
            }
            _ => return,
        };
        let (from, to) = match rest {
            ["->", to, ..] => (None, Some(*to)),
            [from, "->", to, ..] => (Some(*from), Some(*to)),
            [from, ..] => (Some(*from), None),
            [] => (None, None),
        };
        if sign == Sign::Rename {
            let old = rest.windows(3).find(|words| words[..2] == ["renamed", "from"]).map(|words| words[2]);
            let was = Change { sign: Sign::Delete, from: from.or(to).map(str::to_owned), to: None };
            self.changes.extend(old.map(|old| (old.to_owned(), was)));
        }
        let from = from.filter(|_| sign != Sign::Rename).map(str::to_owned);
        self.changes.insert(name.to_owned(), Change { sign, from, to: to.map(str::to_owned) });
    }

    /// The change that this write is part of, if there is one
    pub fn allows(&self, operation: &str, name: &str, key: &str) -> Option<Sign> {
        let change = self.changes.get(name)?;
        let key = Some(short(key));
        let (from, to) = (change.from.as_deref(), change.to.as_deref());
        let fits = match (operation, change.sign) {
            ("CreateAlias", Sign::Create | Sign::Rename) | ("UpdateAlias", Sign::Update) => to == key,
            // What cannot be created on its new key is put back on the old one.
            ("CreateAlias", Sign::Replace) => to == key || from == key,
            ("DeleteAlias", Sign::Replace | Sign::Delete) => true,
            _ => false,
        };
        fits.then_some(change.sign)
    }
}

/// The names that the report in what a run printed says were left as they were
pub fn left_alone(text: &str) -> BTreeSet<&str> {
    let report = text.split_once("\nPlan: ").map_or("", |(_, report)| report);
    fn row(line: &str) -> Option<&str> {
        let (_, rest) = line.split_once("alias/").filter(|(sign, _)| sign.trim().len() < 4)?;
        let end = rest.find(' ')?;
        let name = &line[line.len() - rest.len() - "alias/".len()..][.."alias/".len() + end];
        let status = rest[end..].trim_start();
        let untouched = ["not attempted", "already so"].iter().any(|word| status.starts_with(word));
        let left = untouched || status.contains("left alone");
        left.then_some(name)
    }
    report.lines().filter_map(row).collect()
}
