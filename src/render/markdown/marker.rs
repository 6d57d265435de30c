//! The first line of a comment, which no reader sees: whose comment it is, and the digest of its plan.

use serde::{Deserialize, Serialize};

const OPEN: &str = "<!-- kms-alias:v1 ";
const CLOSE: &str = " -->";

/// What the first line says
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Tells the comments of two manifests apart
    pub id: String,
    /// Of the plan that it shows; `null` where nothing may be approved by it
    #[serde(default)]
    pub digest: Option<String>,
}

impl Marker {
    /// The line, without its end; an id or a digest that could end the HTML comment is no marker's
    pub fn line(&self) -> String {
        let digest = self.digest.clone().filter(|digest| is_digest(digest));
        let marker = Self { id: self.id.chars().filter(|c| is_of_id(*c)).collect(), digest };
        let json = serde_json::to_string(&marker).unwrap_or_default();
        format!("{OPEN}{json}{CLOSE}")
    }

    /// The marker of a comment; it counts on the first line only, so that a quoted one is none
    pub fn read(body: &str) -> Option<Self> {
        let line = body.lines().next()?.trim_end();
        let marker: Self = serde_json::from_str(line.strip_prefix(OPEN)?.strip_suffix(CLOSE)?).ok()?;
        Some(Self { digest: marker.digest.filter(|digest| is_digest(digest)), ..marker })
    }
}

/// An id as a person may give it
///
/// # Errors
/// What is wrong with it.
pub fn parse_id(text: &str) -> Result<String, String> {
    match !text.is_empty() && text.len() <= 64 && text.chars().all(is_of_id) {
        true => Ok(text.to_owned()),
        false => Err("an id has 1 to 64 of the characters a-z, A-Z, 0-9, `.`, `_` and `-`".to_owned()),
    }
}

fn is_of_id(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or_default();
    hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(id: &str, digest: Option<String>) -> Marker {
        Marker { id: id.to_owned(), digest }
    }

    #[test]
    fn a_marker_is_read_as_it_was_written_and_only_from_the_first_line() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for marker in [marker("prod.eu-1", Some(digest)), marker("default", None)] {
            let line = marker.line();
            assert_eq!(Marker::read(&format!("{line}\r\nmore")), Some(marker));
            assert_eq!(Marker::read(&format!("> quoted\n{line}")), None);
            assert_eq!(Marker::read(&format!(" {line}")), None);
        }
    }

    #[test]
    fn nothing_in_a_marker_can_end_it() {
        let hostile = marker("a--> <img> \n", Some("sha256:--> <img>".to_owned())).line();
        assert_eq!(hostile, "<!-- kms-alias:v1 {\"id\":\"a--img\",\"digest\":null} -->");
        let forged = "<!-- kms-alias:v1 {\"id\":\"a\",\"digest\":\"sha256:$(x)\"} -->";
        assert_eq!(Marker::read(forged), Some(marker("a", None)));
        assert!(parse_id("a-b_c.9").is_ok() && parse_id("").is_err() && parse_id("a b").is_err());
    }
}
