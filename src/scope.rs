//! Which names a target may touch, as prefixes, patterns and what the command line leaves of them. Pure.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};

use crate::alias::is_reserved;
use crate::target::Place;

/// A glob over alias names: `*` stays within one `/` segment, `**` crosses them, `?`, `[a-z]`, `{a,b}`
#[derive(Clone)]
pub struct Pattern {
    text: Arc<str>,
    matcher: GlobMatcher,
}

impl Pattern {
    /// The pattern `text`
    ///
    /// # Errors
    /// What is wrong with it, in the words of the glob library.
    pub fn parse(text: &str) -> Result<Self, String> {
        let glob = GlobBuilder::new(text).literal_separator(true).backslash_escape(true).build();
        let matcher = glob.map_err(|e| e.kind().to_string())?.compile_matcher();
        Ok(Self { text: text.into(), matcher })
    }

    /// Whether the pattern covers `name`
    pub fn matches(&self, name: &str) -> bool {
        self.matcher.is_match(name)
    }

    /// Whether the pattern covers `path` or one that it lies below: `prod/1*` covers `prod/111122223333/us-east-1`
    pub fn covers(&self, path: &str) -> bool {
        let above = path.match_indices('/').map(|(at, _)| &path[..at]);
        above.chain([path]).any(|path| self.matches(path))
    }

    /// The pattern as written
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same, shared
    pub fn text(&self) -> Arc<str> {
        self.text.clone()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({})", self.text)
    }
}

/// The names a target may touch: under one of the prefixes, not ignored, not AWS's own
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// Prefixes that the manifest owns
    pub prefixes: Vec<Arc<str>>,
    /// Inside the prefixes, but somebody else's; each with where the manifest says so
    pub ignore: Vec<(Pattern, Place)>,
    /// What the command line leaves of it
    pub selection: Selection,
}

/// The names that `--alias` and `--exclude-alias` leave
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Only names that one of these covers, if there are any
    pub only: Vec<Pattern>,
    /// But none that one of these covers
    pub exclude: Vec<Pattern>,
    /// Nor these: the previous names of aliases that are left out
    pub behind: BTreeSet<Arc<str>>,
}

impl Selection {
    /// Whether `name` takes part
    pub fn takes(&self, name: &str) -> bool {
        let covered = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(name));
        let chosen = (self.only.is_empty() || covered(&self.only)) && !covered(&self.exclude);
        chosen && !self.behind.contains(name)
    }

    /// Whether it leaves out anything at all
    pub fn is_partial(&self) -> bool {
        !(self.only.is_empty() && self.exclude.is_empty())
    }
}

impl Scope {
    /// Whether `name` may be touched; nothing else is ever written
    pub fn owns(&self, name: &str) -> bool {
        self.holds(name) && self.selection.takes(name)
    }

    /// Whether the manifest lets `name` be touched, though the command line may leave it out
    pub fn holds(&self, name: &str) -> bool {
        !is_reserved(name) && self.covers(name) && self.ignored_by(name).next().is_none()
    }

    /// Whether one of the prefixes covers `name`, ignored or not
    pub fn covers(&self, name: &str) -> bool {
        self.prefixes.iter().any(|prefix| name.starts_with(&**prefix))
    }

    /// The `ignore` patterns that cover `name`
    pub fn ignored_by(&self, name: &str) -> impl Iterator<Item = &Pattern> {
        self.ignore.iter().map(|(pattern, _)| pattern).filter(move |pattern| pattern.matches(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_its_segment_and_two_cross() {
        let hits = |pattern: &str, name| Pattern::parse(pattern).unwrap().matches(name);
        assert!(hits("alias/*/prod", "alias/app/prod") && !hits("alias/*/prod", "alias/app/db/prod"));
        assert!(hits("alias/**/prod/**", "alias/app/db/prod/x") && hits("alias/{a,b}/?", "alias/b/1"));
        assert!(Pattern::parse("alias/[").is_err());
        let covers = |pattern: &str, path| Pattern::parse(pattern).unwrap().covers(path);
        assert!(
            covers("prod", "prod/1/us") && covers("prod/1*", "prod/12/us") && covers("*/*/us", "prod/1/us")
        );
        assert!(!covers("pro", "prod/1/us") && !covers("prod/2", "prod/12/us"));
    }

    #[test]
    fn scope_is_prefixes_less_ignored_less_aws() {
        let place = Place { file: "aliases.yaml".into(), line: 3, column: 10 };
        let ignore = vec![(Pattern::parse("alias/app/tmp/**").unwrap(), place)];
        let scope = Scope { prefixes: vec!["alias/app/".into()], ignore, ..Scope::default() };
        assert!(scope.owns("alias/app/x") && !scope.owns("alias/apple") && !scope.owns("alias/app/tmp/x"));
        let all = Scope { prefixes: vec!["alias/".into()], ..Scope::default() };
        assert!(all.owns("alias/x") && !all.owns("alias/aws/s3"));
        let only = Selection { only: vec![Pattern::parse("alias/a*").unwrap()], ..Selection::default() };
        let some = Scope { selection: only, ..all };
        assert!(some.owns("alias/ab") && !some.owns("alias/b") && some.selection.is_partial());
    }
}
