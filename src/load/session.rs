//! What `roles:` says besides the roles: how they are assumed -> [`Session`]. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::node::Node;
use super::problem::{Problem, Problems};
use super::read::{Fields, pairs, text};
use crate::target::Session;

/// The most tags that a session takes (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>)
pub(crate) const MOST_TAGS: usize = 50;

/// What a text of AssumeRole may be (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>)
pub(crate) struct Shape {
    /// As in `… is no external id`
    what: &'static str,
    /// In characters
    pub(crate) length: [usize; 2],
    /// Letters and digits, of any script or of the one
    letter: fn(&char) -> bool,
    /// Besides those
    signs: &'static str,
    /// The same as a regular expression, where all can tell letters alike
    pub(crate) pattern: Option<&'static str>,
}

/// A shape of which letters and digits are those of ASCII
macro_rules! ascii {
    ($what:literal, $length:expr, $signs:literal) => {
        Shape {
            what: $what,
            length: $length,
            letter: char::is_ascii_alphanumeric,
            signs: $signs,
            pattern: Some(concat!("^[a-zA-Z0-9", $signs, "]*$")),
        }
    };
}

pub(crate) const EXTERNAL_ID: Shape = ascii!("external id", [2, 1224], "_+=,.@:/-");
pub(crate) const NAME: Shape = ascii!("session name", [2, 64], "_+=,.@-");
pub(crate) const TAG: Shape = tag("key of a session tag", [1, 128]);
pub(crate) const VALUE: Shape = tag("value of a session tag", [0, 256]);

const fn tag(what: &'static str, length: [usize; 2]) -> Shape {
    Shape { what, length, letter: is_letter, signs: "_.:/=+@- ", pattern: None }
}

fn is_letter(c: &char) -> bool {
    c.is_alphanumeric()
}

/// How the roles among `roles` are assumed; what is wrong is left out
pub(super) fn read(roles: &Fields<'_>, found: &mut Problems) -> Session {
    let mut one = |name, shape: &Shape| {
        let node = roles.get(name)?;
        let value = text(node, &format!("the {} as text", shape.what), found)?;
        shape.fits(node, value, found).then(|| Arc::from(value))
    };
    let (external_id, name) = (one("external_id", &EXTERNAL_ID), one("session_name", &NAME));
    Session { external_id, name, tags: roles.get("session_tags").and_then(|node| tags(node, found)) }
}

fn tags(node: &Node, found: &mut Problems) -> Option<BTreeMap<Arc<str>, Arc<str>>> {
    let pairs = pairs(node, "a mapping of tags, as `{team: payments}`", found)?;
    if pairs.len() > MOST_TAGS {
        let message = format!("a session takes {MOST_TAGS} tags, and these are {}", pairs.len());
        found.add(Problem::error("session", message).at(&node.spot, "").help("take some of them out"));
    }
    let mut tags = BTreeMap::new();
    for (key, value) in pairs {
        let value_text = text(value, "the value of a tag as text", found);
        let fits = TAG.fits(key, key.text(), found);
        let Some(value_text) = value_text.filter(|text| VALUE.fits(value, text, found)) else { continue };
        if fits {
            tags.insert(key.text().into(), value_text.into());
        }
    }
    Some(tags)
}

impl Shape {
    fn fits(&self, node: &Node, text: &str, found: &mut Problems) -> bool {
        let sign = |c: char| (self.letter)(&c) || self.signs.contains(c);
        let [least, most] = self.length;
        let fits = (least..=most).contains(&text.chars().count()) && text.chars().all(sign);
        if !fits {
            let signs = self.signs.trim_end();
            let and = if self.signs.ends_with(' ') { " and spaces" } else { "" };
            let problem = Problem::error("session", format!("`{text}` is no {}", self.what));
            found.add(
                problem
                    .at(&node.spot, "")
                    .help(format!("AWS takes {least} to {most} characters: letters, digits, {signs}{and}")),
            );
        }
        fits
    }
}
