//! Texts that are not ours -> what a terminal, a pull request or the log of a CI job may be shown of them: nothing in them moves
//! the cursor, changes colours, reorders a line, begins another one, or is a command to the runner. Pure.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Serialize;

use super::web::link_length;

/// Somebody else's text without what could move the cursor, change colours, reorder the line or end it: escaped
///
/// Control characters, invisible and bidirectional ones are written as Rust writes them, other scripts are left as they are.
pub fn harmless(text: &str) -> String {
    // Nearly every text is one that has nothing to escape.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|c| push(c, &mut shown));
    shown
}

/// The same as text of XML or HTML, in an element or in quotes
pub fn markup(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in harmless(text).chars() {
        match c {
            '&' => shown += "&amp;",
            '<' => shown += "&lt;",
            '>' => shown += "&gt;",
            '"' => shown += "&quot;",
            '\'' => shown += "&apos;",
            // Neither is a character to XML, wherever it is looked up (<https://www.w3.org/TR/xml/#charsets>).
            '\u{fffe}' | '\u{ffff}' => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

fn push(c: char, shown: &mut String) {
    if is_plain(c) { shown.push(c) } else { shown.extend(c.escape_debug()) }
}

/// Whether `c` does nothing but stand there
pub(crate) fn is_plain(c: char) -> bool {
    // Accents are escaped where they stand alone, so each stands behind a letter here.
    let mut pair = [b'x'; 5];
    let length = c.encode_utf8(&mut pair[1..]).len();
    matches!(c, ' '..='~')
        || !c.is_ascii()
            && str::from_utf8(&pair[..=length]).is_ok_and(|pair| pair.escape_debug().count() == 2)
}

/// A whole output, with lines and colours of our own, as the last thing before it leaves the program
///
/// Whoever wrote the texts in it has made them [`harmless`]; this holds where one of them has been forgotten, and it alone sees
/// the lines that texts come to stand on.
pub fn guarded(text: &str) -> Cow<'_, str> {
    let plain = |b: u8| b == b'\n' || matches!(b, b' '..=b'~');
    if text.bytes().all(plain) && !text.contains("##") && !text.contains("::") {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    text.split_inclusive('\n').for_each(|line| push_line(line, &mut shown));
    Cow::Owned(shown)
}

fn push_line(line: &str, shown: &mut String) {
    let (mut rest, mut begun) = (line, false);
    while let Some(c) = rest.chars().next() {
        let style = unseen(rest);
        match c {
            _ if style > 0 => shown.push_str(&rest[..style]),
            '\n' | '\t' => shown.push(c),
            _ if is_command(rest, begun) => shown.extend(c.escape_unicode()),
            _ => push(c, shown),
        }
        begun |= style == 0 && !c.is_whitespace();
        rest = &rest[style.max(c.len_utf8())..];
    }
}

/// Whether a runner would take what `rest` begins with for a command: GitHub's two forms, of which the older one may stand
/// anywhere on a line (<https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs>), and that of Azure
/// Pipelines
fn is_command(rest: &str, begun: bool) -> bool {
    rest.starts_with("##[") || rest.starts_with("##vso[") || (!begun && rest.starts_with("::"))
}

/// The length of what `text` begins with, if that is ours and takes no room: a style, or a link to the service's console
pub(super) fn unseen(text: &str) -> usize {
    style_length(text).max(link_length(text))
}

/// The length of the style that `text` begins with, if it is one of ours: weights and foregrounds, nothing that hides a text
fn style_length(text: &str) -> usize {
    let Some((codes, _)) = text.strip_prefix("\u{1b}[").and_then(|rest| rest.split_once('m')) else {
        return 0;
    };
    let ours = |code: &str| matches!(code.parse(), Ok(0..=4 | 31..=37 | 91..=97));
    if codes.len() <= 11 && codes.split(';').all(ours) { codes.len() + 3 } else { 0 }
}

/// A document for programs; what JSON itself would let through is escaped as JSON escapes
///
/// # Errors
/// It cannot be written as JSON.
pub fn json(document: &impl Serialize) -> serde_json::Result<String> {
    Ok(in_json(&(serde_json::to_string_pretty(document)? + "\n")))
}

/// The same on one line, its end included
///
/// # Errors
/// It cannot be written as JSON.
pub fn json_line(document: &impl Serialize) -> serde_json::Result<String> {
    Ok(in_json(&(serde_json::to_string(document)? + "\n")))
}

/// The text of such a document, which somebody else has written as JSON
pub fn in_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        // Outside of texts a document holds only what is plain.
        if c == '\n' || (is_plain(c) && !is_command(&text[at..], true)) {
            shown.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(shown, "\\u{unit:04x}");
            });
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_text_cannot_leave_its_place_on_the_line() {
        assert_eq!(harmless("a\u{1b}[2J\nb\u{202e}c\u{200b}"), "a\\u{1b}[2J\\nb\\u{202e}c\\u{200b}");
        assert_eq!(
            harmless("\r\t\u{7f}\u{9b}31m\u{85}\u{2028}\u{2029}"),
            r"\r\t\u{7f}\u{9b}31m\u{85}\u{2028}\u{2029}"
        );
        for bidi in ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}').chain([
            '\u{200d}',
            '\u{feff}',
            '\u{e0041}',
        ]) {
            assert!(harmless(&bidi.to_string()).is_ascii(), "{bidi:?}");
        }
        assert_eq!(
            harmless("Schlüssel für \"x\" 鍵 e\u{301} हिन्दी"),
            "Schlüssel für \"x\" 鍵 e\u{301} हिन्दी"
        );
    }

    #[test]
    fn what_is_harmless_is_left_alone() {
        for c in ('\0'..=char::MAX).step_by(7) {
            let once = harmless(&c.to_string());
            assert_eq!(harmless(&once), once);
            assert_eq!(guarded(&once), once);
        }
    }

    #[test]
    fn our_colours_pass_and_what_hides_or_moves_does_not() {
        for ours in ["\u{1b}[1m\u{1b}[32mx\u{1b}[0m\n", "\u{1b}[1;91mx", "plain\n\ttext\n", ""] {
            assert_eq!(guarded(ours), ours);
        }
        for theirs in [
            "\u{1b}[8m",
            "\u{1b}[41m",
            "\u{1b}[2J",
            "\u{1b}]8;;",
            "\u{1b}[m",
            "\u{1b}",
            "\u{9b}31m",
            "\r",
            "\u{7}",
        ] {
            assert!(guarded(theirs).bytes().all(|b| matches!(b, b' '..=b'~')), "{theirs:?}");
        }
    }

    #[test]
    fn no_line_is_a_command_to_a_runner() {
        for (text, shown) in [
            ("::error::x\n", "\\u{3a}:error::x\n"),
            ("a\n  ::add-mask::x", "a\n  \\u{3a}:add-mask::x"),
            ("\u{1b}[1m::x::\u{1b}[0m", "\u{1b}[1m\\u{3a}:x::\u{1b}[0m"),
            ("\u{a0}::x::", "\\u{a0}\\u{3a}:x::"),
            ("a ###[set-output name=x]y", "a #\\u{23}#[set-output name=x]y"),
            ("a ##vso[task.x]", "a \\u{23}#vso[task.x]"),
            ("std::env ## Title #[x]", "std::env ## Title #[x]"),
        ] {
            assert_eq!(guarded(text), shown);
        }
    }

    #[test]
    fn a_document_says_the_same_and_has_nothing_in_it_that_acts() {
        let text = "\u{1b}\u{7f}\u{9b}\n\u{202e}\u{e0041}é ##[error]x ::error::";
        let document = json(&[text]).unwrap();
        assert!(document.chars().all(|c| c == '\n' || c == 'é' || matches!(c, ' '..='~')), "{document}");
        assert!(!document.contains("##[") && guarded(&document) == document);
        assert_eq!(serde_json::from_str::<[String; 1]>(&document).unwrap(), [text]);
    }
}
