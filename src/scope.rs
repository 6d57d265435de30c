//! Which names a target may touch, as prefixes, patterns and what the command line leaves of them. Pure.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use glob::MatchOptions;

use crate::alias::is_reserved;
use crate::target::Place;

/// A glob over alias names: `*` stays within one `/` segment, `**` crosses them, `?`, `[a-z]`, `{a,b}`
#[derive(Clone)]
pub struct Pattern {
    text: Arc<str>,
    /// One for each way to choose among the alternatives in braces
    ways: Arc<[glob::Pattern]>,
}

/// The most ways to choose among the alternatives of one pattern: each pair of braces multiplies them
const MOST_WAYS: usize = 1_000;

/// What a wildcard stands for ends at a `/`
const WITHIN_SEGMENTS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

impl Pattern {
    /// The pattern `text`
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains('\\') {
            return Err(
                "a backslash means nothing: no name has a character that would have to be escaped".to_owned()
            );
        }
        // Both ways to say "none of these" are in use, and the library knows one.
        let ways = ways(&text.replace("[^", "[!"))?;
        if ways.iter().any(|way| way.ends_with("**/")) {
            return Err("`**/` at the end means nothing: write `**` for all that lies below".to_owned());
        }
        let ways = ways.iter().map(|way| glob::Pattern::new(way).map_err(|error| explained(error.msg)));
        Ok(Self { text: text.into(), ways: ways.collect::<Result<_, _>>()? })
    }

    /// Whether the pattern covers `name`
    pub fn matches(&self, name: &str) -> bool {
        self.ways.iter().any(|way| way.matches_with(name, WITHIN_SEGMENTS))
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

/// What the library says, where it can be said so that one sees what to do
fn explained(message: &str) -> String {
    let better = match message {
        "invalid range pattern" => "there is a `[` without a `]`",
        "recursive wildcards must form a single path component" => {
            "`**` stands between slashes, by itself; `*` is for a part"
        }
        "wildcards are either regular `*` or recursive `**`" => "there are more than two `*` in a row",
        other => other,
    };
    better.to_owned()
}

/// `a{b,c{d,e}}` -> `ab`, `acd`, `ace`; what stands in brackets is left as it is
fn ways(text: &str) -> Result<Vec<String>, String> {
    let Some((open, close, commas)) = braces(text)? else { return Ok(vec![text.to_owned()]) };
    let ends = commas.iter().copied().chain([close]);
    let begins = [open].into_iter().chain(commas.iter().copied()).map(|at| at + 1);
    let (before, after) = (&text[..open], &text[close + 1..]);
    let mut all = Vec::new();
    for (begin, end) in begins.zip(ends) {
        all.extend(ways(&format!("{before}{}{after}", &text[begin..end]))?);
        if all.len() > MOST_WAYS {
            return Err(format!("its braces stand for more than {MOST_WAYS} patterns"));
        }
    }
    Ok(all)
}

/// Where the first pair of braces opens and closes, and the commas that divide it
fn braces(text: &str) -> Result<Option<(usize, usize, Vec<usize>)>, String> {
    let (mut open, mut depth, mut commas, mut class) = (None, 0_usize, Vec::new(), None);
    for (at, letter) in text.char_indices() {
        match (letter, class) {
            // A bracket right after the opening one, or after its `!`, is one of the class.
            (']', Some(begin)) if at > begin + 1 && text[begin + 1..at] != *"!" => class = None,
            (_, Some(_)) => {}
            ('[', None) => class = Some(at),
            ('{', None) => {
                open = open.or(Some(at));
                depth += 1;
            }
            ('}', None) if depth == 0 => return Err("there is a `}` without a `{`".to_owned()),
            ('}', None) => {
                depth -= 1;
                if let (0, Some(open)) = (depth, open) {
                    return Ok(Some((open, at, commas)));
                }
            }
            (',', None) if depth == 1 => commas.push(at),
            _ => {}
        }
    }
    if open.is_some() { Err("there is a `{` without a `}`".to_owned()) } else { Ok(None) }
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
    fn alternatives_may_be_nested_and_are_bounded() {
        let ways = |text| ways(text).map(|all| all.join(" "));
        assert_eq!(ways("a{b,c{d,e}}{1,2}"), Ok("ab1 ab2 acd1 acd2 ace1 ace2".to_owned()));
        assert_eq!(ways("[{,]{a}[!}]"), Ok("[{,]a[!}]".to_owned()));
        for bad in ["a{b", "a}b", "{a,{b}", &"{a,b}".repeat(40), r"a\*", "a**", "a/**/", "[", "***"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn patterns_mean_what_they_mean_to_the_globs_of_ripgrep() {
        // Classes name the slash, which is in no class here.
        use proptest::prelude::*;
        let piece = prop::sample::select(vec![
            "a",
            "b",
            "/",
            "*",
            "?",
            "**/",
            "/**",
            "/**/",
            "{a,b}",
            "{a/,b*}",
            "[ab]",
            "[!/a]",
            "[^/b]",
            "{a,{b,a/b}}",
        ]);
        let pattern = prop::collection::vec(piece, 1..7).prop_map(|pieces| pieces.concat());
        let names = prop::collection::vec("[ab]{1,3}(/[ab]{1,2}){0,3}", 1..20);
        proptest!(ProptestConfig::with_cases(2_000), |(pattern in pattern, names in names)| {
            let theirs = globset::GlobBuilder::new(&pattern).literal_separator(true).build();
            if let (Ok(ours), Ok(theirs)) = (Pattern::parse(&pattern), theirs) {
                let theirs = theirs.compile_matcher();
                for name in names {
                    prop_assert_eq!(ours.matches(&name), theirs.is_match(&name), "{} {}", pattern, name);
                }
            }
        });
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
