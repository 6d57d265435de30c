//! A text in a policy -> whether it covers a value: `*` and `?` where the operator knows them, and policy variables. Pure.
//!
//! Not the globs of the manifest: here `*` crosses `/`, and brackets and backslashes mean themselves
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>).

/// A text of a policy, ready to be compared
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `?`
    One,
    /// `*`
    Any,
    /// `${…}`, whose value only a request has
    Variable,
}

/// What a pattern is read with
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// `*` and `?` stand for other characters
    pub wildcards: bool,
    /// `${…}` is a variable; in documents before version 2012-10-17 it is plain text
    pub variables: bool,
    /// `A` equals `a`
    pub ignore_case: bool,
}

/// Whether a pattern covers a value
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cover {
    /// It does
    Yes,
    /// It does not, whatever its variables stand for
    No,
    /// That depends on what a policy variable stands for
    Variable,
}

impl Pattern {
    /// Reads `text`; there is nothing that it could refuse
    pub fn parse(text: &str, reading: Reading) -> Self {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let (token, length) = match c {
                '*' if reading.wildcards => (Token::Any, 1),
                '?' if reading.wildcards => (Token::One, 1),
                '$' if reading.variables => variable(rest).unwrap_or((Token::Char('$'), 1)),
                c => (Token::Char(fold(c, reading.ignore_case)), c.len_utf8()),
            };
            tokens.push(token);
            rest = &rest[length..];
        }
        Self { tokens }
    }

    /// Whether it covers `value`; `ignore_case` as it was read
    pub fn covers(&self, value: &str, ignore_case: bool) -> Cover {
        let value: Vec<char> = value.chars().map(|c| fold(c, ignore_case)).collect();
        match (self.fits(&value), self.tokens.contains(&Token::Variable)) {
            (false, _) => Cover::No,
            (true, true) => Cover::Variable,
            (true, false) => Cover::Yes,
        }
    }

    /// Whether some value of its variables makes it cover `value`; time grows with the product of the lengths, at worst
    fn fits(&self, value: &[char]) -> bool {
        let (mut at, mut from) = (0, 0);
        let mut last_star: Option<(usize, usize)> = None;
        while from < value.len() {
            match self.tokens.get(at) {
                Some(Token::Any | Token::Variable) => {
                    last_star = Some((at, from));
                    at += 1;
                }
                Some(Token::One) => (at, from) = (at + 1, from + 1),
                Some(Token::Char(c)) if *c == value[from] => (at, from) = (at + 1, from + 1),
                _ => match last_star {
                    // let the last star swallow one more character, and try again from there
                    Some((star, swallowed)) => {
                        last_star = Some((star, swallowed + 1));
                        (at, from) = (star + 1, swallowed + 1);
                    }
                    None => return false,
                },
            }
        }
        self.tokens[at..].iter().all(|token| matches!(token, Token::Any | Token::Variable))
    }
}

/// The token at the `$` that `text` begins with, and its length; `${*}`, `${?}` and `${$}` stand for the character itself
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>)
fn variable(text: &str) -> Option<(Token, usize)> {
    let inside = text.strip_prefix("${")?;
    let (name, _) = inside.split_once('}')?;
    let token = match name {
        "*" => Token::Char('*'),
        "?" => Token::Char('?'),
        "$" => Token::Char('$'),
        _ => Token::Variable,
    };
    Some((token, name.len() + 3))
}

fn fold(c: char, ignore_case: bool) -> char {
    if ignore_case { c.to_ascii_lowercase() } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIKE: Reading = Reading { wildcards: true, variables: true, ignore_case: false };

    fn covers(pattern: &str, value: &str) -> Cover {
        Pattern::parse(pattern, LIKE).covers(value, false)
    }

    #[test]
    fn stars_cross_everything_and_brackets_mean_themselves() {
        for (pattern, value) in [
            ("alias/*", "alias/a/b/c"),
            ("*", ""),
            ("alias/?", "alias/x"),
            ("a*b*c", "axxbyybzc"),
            ("a**", "a"),
            ("alias/[ab]", "alias/[ab]"),
            ("alias/{a,b}", "alias/{a,b}"),
            ("a\\*", "a\\x"),
            ("*ab", "aab"),
        ] {
            assert_eq!(covers(pattern, value), Cover::Yes, "{pattern} {value}");
        }
        for (pattern, value) in [
            ("alias/?", "alias/"),
            ("alias/?", "alias/xy"),
            ("alias/[ab]", "alias/a"),
            ("alias/a*", "Alias/ab"),
            ("", "a"),
            ("a", ""),
        ] {
            assert_eq!(covers(pattern, value), Cover::No, "{pattern} {value}");
        }
    }

    #[test]
    fn a_variable_may_stand_for_anything_and_an_escape_for_one_character() {
        assert_eq!(covers("alias/${aws:PrincipalTag/team}/db", "alias/blue/db"), Cover::Variable);
        assert_eq!(covers("alias/${aws:PrincipalTag/team}/db", "alias/blue/log"), Cover::No);
        assert_eq!(covers("alias/${aws:PrincipalTag/team, 'none'}", "alias/x"), Cover::Variable);
        assert_eq!((covers("a${*}", "a*"), covers("a${*}", "ab")), (Cover::Yes, Cover::No));
        assert_eq!((covers("a${?}", "a?"), covers("a${$}", "a$")), (Cover::Yes, Cover::Yes));
        assert_eq!((covers("a${", "a${"), covers("$", "$")), (Cover::Yes, Cover::Yes));
        let old = Pattern::parse("${a}", Reading { variables: false, ..LIKE });
        assert_eq!((old.covers("${a}", false), old.covers("x", false)), (Cover::Yes, Cover::No));
    }

    /// The meaning of `*` and `?`, written down without any cleverness
    fn reference(pattern: &[char], value: &[char]) -> bool {
        match (pattern.split_first(), value.split_first()) {
            (None, _) => value.is_empty(),
            (Some(('*', rest)), None) => reference(rest, value),
            (Some(('*', rest)), Some((_, less))) => reference(rest, value) || reference(pattern, less),
            (Some(('?', rest)), Some((_, less))) => reference(rest, less),
            (Some((p, rest)), Some((v, less))) => p == v && reference(rest, less),
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn the_matcher_agrees_with_the_definition(pattern in "[ab*?]{0,8}", value in "[ab]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let expected = if reference(&chars(&pattern), &chars(&value)) { Cover::Yes } else { Cover::No };
            prop_assert_eq!(covers(&pattern, &value), expected);
        }

        #[test]
        fn no_pattern_panics(pattern in any::<String>(), braces in "[${}*?a,' ]{0,20}", value in any::<String>()) {
            for text in [&pattern, &braces] {
                for wildcards in [false, true] {
                    for ignore_case in [false, true] {
                        let reading = Reading { wildcards, variables: true, ignore_case };
                        Pattern::parse(text, reading).covers(&value, ignore_case);
                    }
                }
            }
        }

        #[test]
        fn every_text_without_a_variable_covers_itself(text in "[^$]*") {
            for wildcards in [false, true] {
                let reading = Reading { wildcards, variables: true, ignore_case: false };
                prop_assert_eq!(Pattern::parse(&text, reading).covers(&text, false), Cover::Yes);
            }
        }
    }
}
