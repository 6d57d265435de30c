//! Texts that are not ours -> Markdown in which they only stand there.
//!
//! They are never prose, only code, where GitHub and GitLab look for no Markdown, HTML, links, images, mentions, issue numbers or
//! commit hashes (<https://spec.commonmark.org/0.31.2/#code-spans>, <https://docs.gitlab.com/user/project/quick_actions/>). So each
//! has one way out, the end of its code, and that is closed here:
//!
//! - a fence is longer than any run of backticks inside it, and so is the delimiter of a span;
//! - a text has no line of its own: [`harmless`] escapes line breaks, and with them what is unseen or runs backwards;
//! - the bar that would end a cell of a table is escaped in the same way;
//! - a line inside a fence begins with a sign or a space of ours, so none is a quick action of GitLab, which are `/close` and the like.

use crate::render::harmless::harmless;

/// A span of code
pub fn code(text: &str) -> String {
    let text = harmless(text).replace('|', "\\u{7c}");
    if text.trim().is_empty() {
        return String::new();
    }
    let delimiter = "`".repeat(longest_run(&text) + 1);
    // One space on each side is taken off again, and keeps a backtick of the text apart from ours.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{delimiter}{pad}{text}{pad}{delimiter}")
}

/// The delimiter of a fence around these lines
pub fn fence<'l>(lines: impl IntoIterator<Item = &'l str>) -> String {
    let longest = lines.into_iter().map(longest_run).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// How many backticks stand side by side
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delimiter_is_longer_than_any_run_of_backticks_inside() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code(" a "), "`  a  `");
        assert_eq!(code("a``b`"), "``` a``b` ```");
        assert_eq!(code("```\n</code>|x"), "```` ```\\n</code>\\u{7c}x ````");
        assert_eq!(code(" "), "");
        assert_eq!(fence(["a", "``"]), "```");
        assert_eq!(fence(["x`````y", "`"]), "``````");
    }
}
