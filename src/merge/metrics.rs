//! Metrics of parts of the targets -> the metrics of all of them. What is told of a target is kept, what is told of a run becomes
//! what an alert has to see: the worst exit code, the longest time, and for every time of day the earliest.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::applies::worst;
use super::parts::{disjoint, missing};
use super::{MergeError, Named};
use crate::cli::exit::Exit;
use crate::render::prometheus::{
    CALLS, DURATION, EXIT_CODE, FAMILIES, LAST_RUN, LAST_SUCCESS, SHARD, TARGET_UP,
};
use crate::shard::ShardText;

/// A file of metrics
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition {
    /// By its name
    families: BTreeMap<&'static str, Family>,
    /// The parts that are not in it, as `1/4`
    pub missing: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Family {
    /// The lines with `# HELP` and `# TYPE`
    about: String,
    /// By their labels, as they are written
    samples: BTreeMap<String, f64>,
}

impl Exposition {
    /// Reads what `--report prometheus=PATH` wrote, and nothing else: what is not known cannot be merged
    ///
    /// # Errors
    /// A sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.ends_with('\n') {
            return Err("the last line is cut off".to_owned());
        }
        let mut families: BTreeMap<&'static str, Family> = BTreeMap::new();
        for (line, number) in text.lines().zip(1..) {
            take(&mut families, line).map_err(|why| format!("line {number}: {why}"))?;
        }
        if let Some(name) =
            [LAST_RUN, EXIT_CODE, DURATION].into_iter().find(|name| !families.contains_key(name))
        {
            return Err(format!("there is no {name}"));
        }
        if let Some((name, _)) = families.iter().find(|(_, family)| family.samples.is_empty()) {
            return Err(format!("{name} is cut off"));
        }
        let whole = Self { families, missing: Vec::new() };
        // Whoever has read a target has asked something, and that comes after all that is told of the target.
        if whole.samples(TARGET_UP).any(|(_, up)| up > 0.0) && whole.value(CALLS).is_none() {
            return Err(format!("it ends before {CALLS}"));
        }
        Ok(whole)
    }

    fn samples(&self, name: &str) -> impl Iterator<Item = (&str, f64)> {
        let family = self.families.get(name);
        family.into_iter().flat_map(|family| &family.samples).map(|(labels, value)| (&**labels, *value))
    }

    /// The one sample of a family without labels
    fn value(&self, name: &str) -> Option<f64> {
        self.samples(name).next().map(|(_, value)| value)
    }

    /// The names of the targets, each as a label has it
    fn targets(&self) -> impl Iterator<Item = &str> {
        self.samples(TARGET_UP).filter_map(|(labels, _)| target(labels))
    }

    /// The part that it is of
    fn shard(&self) -> Option<ShardText> {
        let (labels, _) = self.samples(SHARD).next()?;
        let part = labels.strip_prefix("shard=\"")?.strip_suffix('"')?.to_owned();
        Some(ShardText { part, fleet: None })
    }
}

/// Takes a line into the family that it is of
fn take(families: &mut BTreeMap<&'static str, Family>, line: &str) -> Result<(), String> {
    let known = |name: &str| FAMILIES.into_iter().find(|known| *known == name);
    let unknown = |name: &str| format!("{name:?} is no metric that this program knows");
    if let Some(about) = line.strip_prefix("# ") {
        let name = about.split(' ').nth(1).unwrap_or_default();
        let family = families.entry(known(name).ok_or_else(|| unknown(name))?).or_default();
        family.about += &format!("{line}\n");
        return Ok(());
    }
    let (series, value) = line.rsplit_once(' ').ok_or("it has no value")?;
    let value: f64 =
        value.parse().ok().filter(|value: &f64| value.is_finite()).ok_or("its value is no number")?;
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').ok_or("its labels are cut off")?),
        None => (series, ""),
    };
    let family = families.entry(known(name).ok_or_else(|| unknown(name))?).or_default();
    match family.samples.insert(labels.to_owned(), value) {
        Some(_) => Err("it is there a second time".to_owned()),
        None => Ok(()),
    }
}

/// The value of the label `target`, which comes first
fn target(labels: &str) -> Option<&str> {
    let rest = labels.strip_prefix("target=\"")?;
    let escaped = |at: usize| rest[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
    let end = rest.match_indices('"').map(|(at, _)| at).find(|at| !escaped(*at))?;
    rest.get(..end)
}

pub(super) fn merge(files: Vec<Named<Exposition>>) -> Result<Exposition, MergeError> {
    if let Some(merged) = files.iter().find(|one| one.what.samples(SHARD).count() > 1) {
        return Err(MergeError::Again(merged.file.clone()));
    }
    let shards: Vec<_> = files.iter().map(|one| one.what.shard()).collect();
    let missing = missing(files.iter().map(|one| &*one.file).zip(shards.iter().map(Option::as_ref)))?;
    disjoint(files.iter().flat_map(|one| one.what.targets().map(|target| (&*one.file, target))))?;
    let mut whole = Exposition::default();
    for Named { file, what } in &files {
        for (name, family) in &what.families {
            let merged = whole.families.entry(name).or_default();
            merged.about.clone_from(&family.about);
            add(name, &mut merged.samples, family)
                .map_err(|what| MergeError::Nonsense { file: file.clone(), what })?;
        }
    }
    whole.judge(&files, missing)?;
    Ok(whole)
}

/// Takes what is told of targets and requests; of what is told of a run, the longest time or the earliest
fn add(name: &str, samples: &mut BTreeMap<String, f64>, family: &Family) -> Result<(), String> {
    for (labels, value) in &family.samples {
        let Some(there) = samples.get_mut(labels) else {
            samples.insert(labels.clone(), *value);
            continue;
        };
        *there = match name {
            LAST_RUN | LAST_SUCCESS => there.min(*value),
            DURATION | EXIT_CODE => there.max(*value),
            CALLS => *there + *value,
            _ => return Err(format!("{name}{{{labels}}} is in another file as well")),
        };
    }
    Ok(())
}

impl Exposition {
    /// Says what only all files together tell: the worst exit code, whether all were there, and whether each has ever succeeded
    fn judge(&mut self, files: &[Named<Self>], missing: Vec<String>) -> Result<(), MergeError> {
        let code = |one: &Named<Self>| one.what.value(EXIT_CODE).unwrap_or_default();
        // There is no exit code 255, so it stands for whatever is none.
        let known = |code: f64| {
            if code.fract() == 0.0 && (0.0..255.0).contains(&code) { code as u8 } else { u8::MAX }
        };
        let codes = files.iter().map(|one| (&*one.file, known(code(one))));
        let mut exit = worst(codes)?;
        if !missing.is_empty() {
            exit = exit.worse(Exit::Runtime);
        }
        if let Some(family) = self.families.get_mut(EXIT_CODE) {
            family.samples = [(String::new(), f64::from(exit.code()))].into();
        }
        if let Some(family) = self.families.get_mut(SHARD) {
            family.samples.extend(missing.iter().map(|part| (format!("shard=\"{part}\""), 0.0)));
        }
        if !missing.is_empty() || files.iter().any(|one| one.what.value(LAST_SUCCESS).is_none()) {
            self.families.remove(LAST_SUCCESS);
        }
        self.missing = missing;
        Ok(())
    }

    /// As the node exporter reads it
    pub fn text(&self) -> String {
        let mut text = String::new();
        for name in FAMILIES {
            let Some(family) = self.families.get(name) else { continue };
            text += &family.about;
            let mut samples: Vec<_> = family.samples.iter().collect();
            // As a plan has its targets: a name comes before a longer one that begins with it.
            samples.sort_by(|(a, _), (b, _)| (target(a), a).cmp(&(target(b), b)));
            for (labels, value) in samples {
                let _ = match &**labels {
                    "" => writeln!(text, "{name} {value}"),
                    labels => writeln!(text, "{name}{{{labels}}} {value}"),
                };
            }
        }
        text
    }
}
