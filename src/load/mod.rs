//! Manifest files -> a checked [`Manifest`], or every problem in them at once, each with its place and its fix. Reads files
//! and nothing else: no network, no credentials, no environment.
//!
//! The way through: `files` reads, `yaml` makes a tree (`node`, `merge`), `document` joins the files, `settings` (`scope`,
//! `roles`), `targets` (`organization`), `overrides` and `aliases` (`key`, `select`) turn trees into a [`Manifest`], `check` (`size`, `follow`,
//! `overlap`) judges the whole, and `excerpt` prints what was found. `language` lists the keys, the unsupported ones too, with what each is for.

#[cfg(test)]
mod agreement;
mod aliases;
mod check;
mod document;
mod endpoint;
mod excerpt;
mod files;
mod follow;
mod guards;
mod key;
pub(crate) mod language;
mod manifest;
mod manner;
mod merge;
pub(crate) mod node;
pub(crate) mod organization;
mod overlap;
mod overrides;
mod problem;
pub(crate) mod read;
pub(crate) mod roles;
pub(crate) mod scope;
mod select;
pub(crate) mod serial;
mod session;
mod settings;
mod size;
mod source;
mod suggest;
pub(crate) mod targets;
pub(crate) mod yaml;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

pub use files::LARGEST;
pub(crate) use files::{decode, is_hidden, is_yaml};
pub use manifest::{Entry, GuardSettings, Instance, Manifest, More, RateSettings, Settings, TargetSpec};
pub use organization::{Discovered, Organization};
pub use problem::{Problem, Problems, Severity};
pub(crate) use source::Source;
pub use source::Spot;
pub(crate) use suggest::nearest;

/// Where a manifest comes from
#[derive(Clone, Debug)]
pub enum Input {
    /// A file; or a directory, of which every `*.yaml` and `*.yml` is read
    Path(PathBuf),
    /// Standard input, which the caller has read
    Stdin(Vec<u8>),
    /// A file that the caller has read, as from another commit
    Read {
        /// What problems call it
        name: String,
        /// What is in it
        bytes: Vec<u8>,
    },
}

/// Why there is no manifest: at least one problem
#[derive(Clone, Debug)]
pub struct LoadError {
    /// All of them, warnings included
    pub problems: Problems,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problems.fmt(f)
    }
}

impl std::error::Error for LoadError {}

impl LoadError {
    /// Every problem with its excerpt, for stderr
    pub fn render(&self, colour: bool) -> String {
        self.problems.render(colour)
    }

    /// The `-o json` document
    pub fn to_json(&self) -> serde_json::Value {
        self.problems.to_json()
    }
}

/// The manifest that `inputs` make up together
///
/// # Errors
/// Every problem that could be found, sorted by file, line and column.
pub fn load(inputs: &[Input]) -> Result<Manifest, LoadError> {
    load_with(inputs, &Discovered::new())
}

/// The same, where the accounts of its organizations are known
///
/// # Errors
/// Likewise.
pub fn load_with(inputs: &[Input], discovered: &Discovered) -> Result<Manifest, LoadError> {
    let mut found = Problems::default();
    let sources = files::read(inputs, &mut found);
    judge(sources, discovered, found)
}

impl Manifest {
    /// The same manifest once the accounts of its organizations are known: every rule is judged on them, and no file is read again
    ///
    /// # Errors
    /// Every problem that shows only there.
    pub fn with_accounts(self, discovered: &Discovered) -> Result<Self, LoadError> {
        judge(self.sources, discovered, Problems::default())
    }
}

/// The manifest in `sources`, where reading them `found` no error
fn judge(
    sources: Vec<Arc<Source>>,
    discovered: &Discovered,
    mut found: Problems,
) -> Result<Manifest, LoadError> {
    let all_read = !found.has_errors();
    let trees: Vec<_> = sources.iter().filter_map(|source| yaml::parse(source, &mut found)).collect();
    let complete = all_read && trees.len() == sources.len();
    match document::read(trees, complete, discovered, &mut found) {
        Some(manifest) if !found.has_errors() => Ok(Manifest { warnings: found, sources, ..manifest }),
        _ => Err(LoadError { problems: found }),
    }
}
