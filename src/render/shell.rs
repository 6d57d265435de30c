//! A text -> one word of a shell, in the commands that people are told. Pure.

use super::harmless::harmless;

/// The text as a word, in quotes where it needs them; what a terminal must not be shown is escaped
pub(crate) fn word(text: &str) -> String {
    let text = harmless(text);
    let is_plain = |c: char| c.is_alphanumeric() || "/_-.,:=@%+".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text,
        false => quoted(&text),
    }
}

/// The text in quotes
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_in_quotes_where_the_shell_would_part_or_change_it() {
        for (text, wanted) in [
            ("live/aliases.yaml", "live/aliases.yaml"),
            ("live/my keys.yaml", "'live/my keys.yaml'"),
            ("it's.yaml", r"'it'\''s.yaml'"),
            ("prod/*", "'prod/*'"),
            ("$HOME", "'$HOME'"),
            ("", "''"),
        ] {
            assert_eq!(word(text), wanted);
        }
    }
}
