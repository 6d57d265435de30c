//! What is told on stderr -> its sentences, each with its level and what would help, for a log; and for a terminal the same text,
//! in which sentences are broken between words and excerpts are left as they are. Pure.

use super::fitted::{fitted, fitted_below};
use super::harmless::unseen;

/// One thing that is told
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentence {
    /// As logs have it
    pub level: &'static str,
    /// Which rule of the manifest it is about
    pub code: Option<String>,
    /// Without its label; an excerpt goes on behind the first line
    pub message: String,
    /// What would help
    pub hint: Option<String>,
}

/// What sentences begin with, and their levels
const LABELS: [(&str, &str); 4] = [("error", "ERROR"), ("warning", "WARN"), ("note", "INFO"), (HINT, "INFO")];
const HINT: &str = "hint";

/// The sentences of a text without colours
pub fn sentences(text: &str) -> Vec<Sentence> {
    let mut all: Vec<Sentence> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let labelled = labelled(line);
        match (labelled, all.last_mut()) {
            (Some(Labelled { label: HINT, text, .. }), Some(last)) if last.hint.is_none() => {
                last.hint = Some(text.to_owned());
            }
            (Some(Labelled { level, code, text, .. }), _) => {
                let code = code.map(str::to_owned);
                all.push(Sentence { level, code, message: text.to_owned(), hint: None });
            }
            (None, Some(last)) if !line.starts_with(|c: char| c.is_ascii_uppercase()) => go_on(last, line),
            (None, _) => {
                let message = line.trim().to_owned();
                all.push(Sentence { level: "INFO", message, ..Sentence::default() });
            }
        }
    }
    all
}

/// An excerpt goes on, or ends with what would help
fn go_on(sentence: &mut Sentence, line: &str) {
    match line.trim_start().strip_prefix("= help: ") {
        Some(help) if sentence.hint.is_none() => {
            // What leads from the excerpt to the help leads nowhere now.
            let kept = sentence.message.trim_end_matches(['|', ' ', '\n']).len();
            sentence.message.truncate(kept);
            sentence.hint = Some(help.to_owned());
        }
        _ => {
            sentence.message.push('\n');
            sentence.message += line;
        }
    }
}

struct Labelled<'l> {
    label: &'static str,
    level: &'static str,
    code: Option<&'l str>,
    text: &'l str,
}

/// `error: text`, or `error[code]: text`
fn labelled(line: &str) -> Option<Labelled<'_>> {
    let &(label, level) = LABELS.iter().find(|(label, _)| line.starts_with(label))?;
    let rest = &line[label.len()..];
    let (code, rest) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((code, rest)) => (Some(code), rest),
        None => (None, rest),
    };
    rest.strip_prefix(": ").map(|text| Labelled { label, level, code, text })
}

/// The text, no sentence of it wider than `columns`, nor what is said below an excerpt; what else does not begin at the margin as
/// sentences do stays as it is
pub fn fitted_sentences(text: &str, columns: usize) -> String {
    let fit = |line| match below(line) {
        Some(hanging) => fitted_below(line, columns, hanging),
        None if is_sentence(line) => fitted(line, columns),
        None => String::from(line),
    };
    text.split_inclusive('\n').map(fit).collect()
}

/// Where the text of a line begins that says what an excerpt means, or how to mend it
fn below(line: &str) -> Option<usize> {
    let plain = seen(line);
    let text = plain.trim_start_matches(' ');
    let label = ["= help: ", "= note: "].into_iter().find(|label| text.starts_with(label))?;
    Some(plain.len() - text.len() + label.len())
}

fn is_sentence(line: &str) -> bool {
    let plain = seen(line);
    plain.starts_with(|c: char| c.is_ascii_uppercase())
        || LABELS.iter().any(|(label, _)| plain.starts_with(label))
}

/// Without colours
fn seen(line: &str) -> String {
    let (mut text, mut rest) = (String::new(), line);
    while let Some(next) = rest.chars().next() {
        let skipped = unseen(rest);
        if skipped == 0 {
            text.push(next);
        }
        rest = &rest[skipped.max(next.len_utf8())..];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(level: &'static str, message: &str, hint: Option<&str>) -> Sentence {
        Sentence { level, message: message.to_owned(), hint: hint.map(str::to_owned), code: None }
    }

    #[test]
    fn each_sentence_is_told_by_itself_without_its_label_and_with_its_hint() {
        let told = sentences("note: one\nwarning: two\nerror: three\nhint: do that\n\nSaved to plan.json.\n");
        let expected = [
            sentence("INFO", "one", None),
            sentence("WARN", "two", None),
            sentence("ERROR", "three", Some("do that")),
            sentence("INFO", "Saved to plan.json.", None),
        ];
        assert_eq!(told, expected);
        assert_eq!(sentences("\n"), []);
    }

    #[test]
    fn an_excerpt_belongs_to_its_sentence_and_its_help_is_the_hint() {
        let told = sentences(
            "error[alias-name]: no name\n --> a.yaml:4:3\n  |\n4 |   x: y\n  |\n  = help: write it\n",
        );
        let expected = Sentence {
            code: Some("alias-name".to_owned()),
            ..sentence("ERROR", "no name\n --> a.yaml:4:3\n  |\n4 |   x: y", Some("write it"))
        };
        assert_eq!(told, [expected]);
    }

    #[test]
    fn what_is_said_below_an_excerpt_is_broken_below_its_words() {
        let text = "4 |   x: a long line of a manifest\n  |\n  = help: one two three four\n";
        let expected = "4 |   x: a long line of a manifest\n  |\n  = help: one two\n          three four\n";
        assert_eq!(fitted_sentences(text, 20), expected);
        let coloured = "  \u{1b}[94m= \u{1b}[0mhelp: one two three\n";
        let expected = "  \u{1b}[94m= \u{1b}[0mhelp: one two\n          three\n";
        assert_eq!(fitted_sentences(coloured, 20), expected);
    }

    #[test]
    fn sentences_are_broken_and_excerpts_are_not() {
        let excerpt = "  4 |   alias/app/x: a long line of a manifest\nexport A=b C=d E=f G=h I=j K=l\n";
        let text = format!("error: one two three four five\n{excerpt}");
        assert_eq!(fitted_sentences(&text, 20), format!("error: one two three\n    four five\n{excerpt}"));
        let coloured = "\u{1b}[91merror\u{1b}[0m: one two three four";
        assert_eq!(fitted_sentences(coloured, 20), "\u{1b}[91merror\u{1b}[0m: one two three\n    four");
    }
}
