//! Colours, and short forms of what would fill the line.

use std::collections::{BTreeSet, HashMap};

use anstyle::{AnsiColor, Style};

pub use super::harmless::harmless;
use super::web::{keys_page, linked};
use crate::alias::short;

/// Longer descriptions are cut
const LONGEST_DESCRIPTION: usize = 40;

/// Which style each kind of text has; the signs carry the meaning without it
#[derive(Clone, Copy, Debug, Default)]
pub struct Palette {
    /// Begins to exist
    pub create: Style,
    /// Changes
    pub update: Style,
    /// Ceases to exist, or failed
    pub delete: Style,
    /// Not done
    pub held: Style,
    /// Headings
    pub heading: Style,
    /// What a reader may skip
    pub faint: Style,
    /// Whether links can be followed
    pub links: bool,
    /// How wide the terminal is, where it is one
    pub columns: Option<usize>,
}

impl Palette {
    /// No styles at all
    pub fn plain() -> Self {
        Self::default()
    }

    /// The usual colours
    pub fn coloured() -> Self {
        Self {
            create: AnsiColor::Green.on_default(),
            update: AnsiColor::Yellow.on_default(),
            delete: AnsiColor::Red.on_default(),
            held: AnsiColor::Magenta.on_default(),
            heading: Style::new().bold(),
            faint: Style::new().dimmed(),
            ..Self::plain()
        }
    }

    /// The same, whose links can be followed
    #[must_use]
    pub fn linking(self, links: bool) -> Self {
        Self { links, ..self }
    }

    /// The same, for a terminal that is so wide
    #[must_use]
    pub fn fitting(self, columns: Option<usize>) -> Self {
        Self { columns, ..self }
    }

    /// The heading of a target, which leads to the keys of its Region
    pub(super) fn heading_of(&self, name: &str, partition: Option<&str>, region: Option<&str>) -> String {
        let heading = paint(self.heading, &harmless(name));
        let page = partition.zip(region).and_then(|(partition, region)| keys_page(partition, region));
        match page.filter(|_| self.links) {
            Some(page) => linked(&heading, &page),
            None => heading,
        }
    }
}

/// `text` in `style`
pub fn paint(style: Style, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{style}{text}{style:#}") }
}

/// A key's description, in quotes and cut; nothing for a key without one
pub fn quoted(description: &str) -> String {
    let mut short: String = description.chars().take(LONGEST_DESCRIPTION).collect();
    if short.len() < description.len() {
        short.push('…');
    }
    if short.is_empty() { short } else { format!("\"{}\"", harmless(&short)) }
}

/// `1 target`, `2 targets`
pub fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Short key ids where they tell the keys of a plan apart, whole ones where they do not
#[derive(Debug, Default)]
pub struct KeyNames<'k> {
    /// A plan of a million names has tens of thousands of keys, which nobody asks for in their order
    seen: HashMap<&'k str, &'k str>,
    ambiguous: BTreeSet<&'k str>,
}

impl<'k> KeyNames<'k> {
    /// Names for all `keys` that will be shown side by side
    pub fn new<K: AsRef<str> + ?Sized + 'k>(keys: impl IntoIterator<Item = &'k K>) -> Self {
        let mut names = Self::default();
        for key in keys {
            let (short, key) = (short(key.as_ref()), key.as_ref());
            if names.seen.insert(short, key).is_some_and(|seen| seen != key) {
                names.ambiguous.insert(short);
            }
        }
        names
    }

    /// What to call `key`
    pub fn of<'a, K: AsRef<str> + ?Sized>(&self, key: &'a K) -> &'a str {
        let short = short(key.as_ref());
        if self.ambiguous.contains(short) { key.as_ref() } else { short }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alias::KeyId;

    #[test]
    fn a_description_is_cut_and_quoted() {
        assert_eq!(quoted(""), "");
        assert_eq!(quoted(&"x".repeat(50)), format!("\"{}…\"", "x".repeat(40)));
    }

    #[test]
    fn keys_that_begin_alike_are_written_whole() {
        let keys =
            ["aaaa1111-0000-4000-8000-000000000001", "aaaa1111-0000-4000-8000-000000000002", "bbbb2222-x"];
        let keys = keys.map(KeyId::from_service);
        let names = KeyNames::new(&keys);
        assert_eq!(names.of(&keys[0]), keys[0].as_str());
        assert_eq!(names.of(&keys[2]), "bbbb2222");
    }
}
