//! Which names a target may touch, as prefixes, patterns and what the command line leaves of them. Pure.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::alias::is_reserved;
use crate::render::harmless::is_plain;
use crate::target::Place;

/// A glob over alias names: `*` stays within one `/` segment, `**` crosses them, `?`, `[a-z]`, `{a,b}`
#[derive(Clone)]
pub struct Pattern {
    text: Arc<str>,
    /// One for each way to choose among the alternatives in braces
    ways: Arc<[Vec<Segment>]>,
}

/// What stands between two slashes
#[derive(Debug)]
enum Segment {
    /// `**`: any number of segments, none included
    Any,
    /// One segment, in which the library knows its way: it takes a time that grows with the product of pattern and name, and where it is
    /// handed whole names, with their slashes, an exponential one
    One(glob::Pattern),
}

/// The most bytes of a pattern: names have 256 characters
const LONGEST: usize = 4_096;

/// The most ways to choose among the alternatives of one pattern: each pair of braces multiplies them
const MOST_WAYS: usize = 1_000;

impl Pattern {
    /// The pattern `text`
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("it has {} bytes, and a pattern at most {LONGEST}", text.len()));
        }
        if text.contains('\\') {
            return Err(
                "a backslash means nothing: no name has a character that would have to be escaped".to_owned()
            );
        }
        if let Some(strange) = text.chars().find(|c| !is_plain(*c)) {
            return Err(format!("`{}` means nothing: no name has such a character", strange.escape_debug()));
        }
        // Both ways to say "none of these" are in use, and the library knows one.
        let ways = ways(&text.replace("[^", "[!"))?;
        let ways = ways.iter().map(|way| segments(way)).collect::<Result<_, _>>()?;
        Ok(Self { text: text.into(), ways })
    }

    /// Whether the pattern covers `name`
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<&str> = name.split('/').collect();
        self.ways.iter().any(|way| is_covered(way, &name))
    }

    /// Whether the pattern covers `path` or one that it lies below: `prod/1*` covers `prod/111122223333/us-east-1`
    pub fn covers(&self, path: &str) -> bool {
        let above = path.match_indices('/').map(|(at, _)| &path[..at]);
        above.chain([path]).any(|path| self.matches(path))
    }

    /// Whether an alias can be meant: every name begins with `alias/`
    pub fn may_be_of_aliases(&self) -> bool {
        self.text.starts_with("alias/") || self.text.starts_with(['*', '?', '[', '{'])
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

/// Whether the segments of a pattern cover those of a name: each `**` takes as little as will do, and one more where that was too little
fn is_covered(pattern: &[Segment], name: &[&str]) -> bool {
    let (mut at, mut read, mut retry) = (0, 0, None);
    while let Some(segment) = name.get(read) {
        match pattern.get(at) {
            Some(Segment::Any) => {
                at += 1;
                retry = Some((at, read));
            }
            Some(Segment::One(one)) if one.matches(segment) => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((after, from)) = retry else { return false };
                (at, read) = (after, from + 1);
                retry = Some((after, from + 1));
            }
        }
    }
    pattern[at..].iter().all(|rest| matches!(rest, Segment::Any))
}

fn segments(way: &str) -> Result<Vec<Segment>, String> {
    if way.ends_with("**/") {
        return Err("`**/` at the end means nothing: write `**` for all that lies below".to_owned());
    }
    let mut segments = way.split('/').map(segment).collect::<Result<Vec<_>, _>>()?;
    // `a/**` is what lies below `a`, and not `a` itself.
    if let Some(Segment::Any) = segments.last() {
        segments.push(segment("*")?);
    }
    Ok(segments)
}

fn segment(text: &str) -> Result<Segment, String> {
    if text == "**" {
        return Ok(Segment::Any);
    }
    if let Some(range) = turned(text) {
        return Err(format!("the range `{range}` is the wrong way round"));
    }
    glob::Pattern::new(text).map(Segment::One).map_err(|error| explained(error.msg))
}

/// A range whose end comes before its beginning, which covers nothing
fn turned(text: &str) -> Option<String> {
    let classes = text.split('[').skip(1).filter_map(|rest| rest.split(']').next());
    let letters = classes.map(|class| class.chars().collect::<Vec<_>>());
    letters.into_iter().find_map(|class| {
        let range = class.windows(3).find(|range| range[1] == '-' && range[0] > range[2])?;
        Some(range.iter().collect())
    })
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
        for bad in ["a{b", "a}b", "{a,{b}", &"{a,b}".repeat(40), r"a\*", "a**", "a/**/", "[", "***", "[z-a]"]
        {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
        for deep in ["{", "{a}", "}", "{{a},"] {
            assert!(Pattern::parse(&deep.repeat(20_000)).is_err(), "{deep}");
        }
    }

    #[test]
    fn a_character_that_only_acts_is_refused_by_itself() {
        for (text, shown) in
            [("alias/\u{1b}[31m*", r"\u{1b}"), ("alias/a\tb", r"\t"), ("a\u{202e}", r"\u{202e}")]
        {
            let why = format!("`{shown}` means nothing: no name has such a character");
            assert_eq!(Pattern::parse(text).err(), Some(why), "{text:?}");
        }
    }

    #[test]
    fn a_class_stays_within_its_segment_as_a_star_does() {
        let hits = |pattern: &str, name| Pattern::parse(pattern).unwrap().matches(name);
        assert!(hits("a[!b]c", "axc") && hits("a[^b]c", "axc") && !hits("a[!b]c", "abc"));
        assert!(!hits("a[!b]c", "a/c") && !hits("a?c", "a/c"));
        assert!(hits("alias/**", "alias/a") && hits("alias/**", "alias/") && !hits("alias/**", "alias"));
    }

    /// It would not end in a lifetime if each star doubled what there is to try
    #[test]
    fn many_stars_are_not_tried_in_every_way() {
        let hits = |pattern: &str, name: &str| Pattern::parse(pattern).unwrap().matches(name);
        let name = format!("alias/app/{}/x", "a-".repeat(100));
        assert!(!hits(&format!("alias/app/{}b", "*-".repeat(40)), &name));
        assert!(!hits(&format!("{}b", "*a".repeat(40)), &"a".repeat(250)));
        assert!(!hits(&format!("{}b", "**/a/".repeat(40)), &"a/".repeat(125)));
        assert!(hits(&format!("alias/app/{}/x", "*-".repeat(40)), &name));
    }

    #[test]
    fn patterns_mean_what_they_mean_to_the_globs_of_ripgrep() {
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
            "[a-b]",
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
