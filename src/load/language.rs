//! The words of the language: which keys each mapping of a manifest takes, and which of them this version does not act on
//! yet. Pure data; to support a word is to move it from `later` to `known`.

use super::read::list;

/// The keys one kind of mapping takes
pub(super) struct Words {
    /// The mapping, as in `not a key of …`
    pub(super) what: &'static str,
    /// Keys that are read
    pub(super) known: &'static [&'static str],
    /// Keys of the language that this version refuses, because to skip them in silence would be wrong
    pub(super) later: &'static [&'static str],
    /// Whether `x-…` keys may hold what anchors share
    pub(super) extensions: bool,
}

impl Words {
    const fn new(what: &'static str, known: &'static [&'static str], later: &'static [&'static str]) -> Self {
        Self { what, known, later, extensions: false }
    }

    /// `a target takes …`
    pub(super) fn told(&self) -> String {
        format!("{} takes {}", self.what, list(self.known.iter().copied()))
    }
}

pub(super) const MANIFEST: Words = Words {
    extensions: true,
    ..Words::new(
        "a manifest",
        &[
            "version",
            "required_version",
            "scope",
            "ignore",
            "prune",
            "protect",
            "guards",
            "roles",
            "rates",
            "targets",
            "aliases",
        ],
        &[],
    )
};

pub(super) const TARGET: Words = Words::new(
    "a target",
    &[
        "account",
        "accounts",
        "organization",
        "region",
        "regions",
        "profile",
        "endpoint_url",
        "roles",
        "groups",
        "scope",
        "ignore",
        "prune",
        "protect",
        "guards",
        "rates",
        "overrides",
    ],
    &[],
);

pub(super) const ORGANIZATION: Words =
    Words::new("`organization`", &["ou", "exclude_ous", "exclude_accounts"], &[]);

pub(super) const ALIAS: Words = Words::new(
    "an alias",
    &["key", "absent", "description", "previously", "retain_previous", "replace", "protect", "targets"],
    &[],
);

pub(super) const OVERRIDE: Words = Words::new(
    "an override",
    &["key", "absent", "description", "previously", "retain_previous", "replace", "protect"],
    &[],
);

pub(super) const KEY: Words = Words::new("`key`", &["tags", "description"], &["ssm"]);

pub(super) const ROLES: Words =
    Words::new("`roles`", &["plan", "apply", "external_id", "session_name", "session_tags"], &[]);

pub(super) const PROTECTION: Words = Words::new("an entry of `protect`", &["match", "from"], &[]);

pub(super) const GUARDS: Words = Words::new("`guards`", &["max_delete", "max_update", "min_existing"], &[]);

pub(super) const RATES: Words = Words::new("`rates`", &["create", "update", "delete"], &[]);
