//! The words of the language: which keys each mapping of a manifest takes, what each is for, and the shape of its value. Pure data.
//! The loader takes these keys and no others, and the schema and the reference are made from the same tables.

mod aliases;
mod settings;
mod targets;
pub(crate) mod texts;

#[cfg(test)]
mod examples;

pub(crate) use aliases::{ALIAS, KEY, OVERRIDE};
pub(crate) use settings::{GUARDS, MANIFEST, PROTECTION, RATES, ROLES};
pub(crate) use targets::{ORGANIZATION, TARGET};
pub(crate) use texts::Text;

use super::read::list;

/// Every mapping of the language, in the order of the reference
pub(crate) static LANGUAGE: [&Words; 10] =
    [&MANIFEST, &ALIAS, &KEY, &TARGET, &ORGANIZATION, &OVERRIDE, &PROTECTION, &GUARDS, &ROLES, &RATES];

/// The keys one kind of mapping takes
pub(crate) struct Words {
    /// Its name in the schema
    pub(crate) name: &'static str,
    /// The mapping, as in `not a key of …`
    pub(crate) what: &'static str,
    /// What it is for
    pub(crate) about: &'static str,
    /// Keys that are read
    pub(crate) known: &'static [Word],
    /// Keys of the language that this version refuses, because to skip them in silence would be wrong; to support one is to move it
    /// to `known`
    pub(crate) later: &'static [&'static str],
    /// Whether `x-…` keys may hold what anchors share
    pub(crate) extensions: bool,
    /// What holds among its keys
    pub(crate) rules: &'static [Rule],
}

impl Words {
    /// A mapping without any of what few have
    pub(crate) const fn new(
        name: &'static str,
        what: &'static str,
        about: &'static str,
        known: &'static [Word],
    ) -> Self {
        Self { name, what, about, known, later: &[], extensions: false, rules: &[] }
    }

    /// The keys that are read, in their order
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.known.iter().map(|word| word.name)
    }

    /// `a target takes …`
    pub(super) fn told(&self) -> String {
        format!("{} takes {}", self.what, list(self.names()))
    }
}

/// One key
pub(crate) struct Word {
    /// As it is written
    pub(crate) name: &'static str,
    /// What it is for, a sentence or two
    pub(crate) about: &'static str,
    /// What it takes
    pub(crate) shape: Shape,
    /// What holds where it is not written
    pub(crate) otherwise: Otherwise,
    /// A value, as YAML
    pub(crate) example: &'static str,
}

/// What holds where a key is not written
pub(crate) enum Otherwise {
    /// The same as where this is written, as YAML
    Same(&'static str),
    /// What this says
    Told(&'static str),
    /// That is an error
    Error,
}

/// What a value can be
pub(crate) enum Shape {
    /// A text
    Text(Text),
    /// One of these words
    Choice(&'static [&'static str]),
    /// `true` or `false`
    Boolean,
    /// This number
    Exactly(u32),
    /// A whole number, at least this
    Count(u64),
    /// A number, at least this
    Number(f64),
    /// A list of distinct values, with at least so many
    List(&'static Self, usize),
    /// A mapping with free keys; the first kind of key that fits says what the value is
    Map {
        /// Keys and values
        kinds: &'static [(Text, Self)],
        /// The fewest and the most pairs
        size: [usize; 2],
    },
    /// A mapping with these keys
    Mapping(&'static Words),
    /// Any of these
    Either(&'static [Self]),
}

/// What holds among the keys of a mapping
pub(crate) enum Rule {
    /// It has exactly one of these
    OneOf(&'static [&'static str]),
    /// It has at least one key
    Some,
    /// It has a `key`, unless it says `absent: true`
    KeyUnlessAbsent,
    /// Where the first is `true`, it has the second
    Needs(&'static str, &'static str),
}
