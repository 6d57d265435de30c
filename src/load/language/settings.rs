//! The words of a manifest itself, and of the settings that a target can have as well. Pure data.

use super::aliases::ALIASES;
use super::targets::TARGETS;
use super::texts::{
    EXTERNAL_ID, PATTERN, PERCENT, PREFIX, REQUIREMENT, ROLE, SESSION_NAME, SESSION_TAG, SESSION_VALUE,
};
use super::{Otherwise, Shape, Word, Words};
use crate::load::guards::HARMS;
use crate::load::read::SLOWEST;
use crate::load::session::MOST_TAGS;

pub(crate) static MANIFEST: Words = Words {
    extensions: true,
    ..Words::new(
        "manifest",
        "a manifest",
        "The file itself. A directory is a manifest too: `aliases` may stand in every file of it, all else in one.",
        &[VERSION, REQUIRED_VERSION, SCOPE, IGNORE, PRUNE, PROTECT, GUARD, ROLE_ARNS, RATE, TARGETS, ALIASES],
    )
};

const VERSION: Word = Word {
    name: "version",
    about: "The version of the language.",
    shape: Shape::Exactly(1),
    otherwise: Otherwise::Told("an error, unless another file of the manifest has it"),
    example: "1",
};

const REQUIRED_VERSION: Word = Word {
    name: "required_version",
    about: "Versions of kms-alias that may act on this manifest; any other refuses it.",
    shape: Shape::Text(REQUIREMENT),
    otherwise: Otherwise::Told("any version"),
    example: "\">=0.1, <2\"",
};

pub(super) const SCOPE: Word = Word {
    name: "scope",
    about: "Prefixes of the names that this manifest owns. Nothing outside of them is ever written, or counted as drift.",
    shape: Shape::List(&Shape::Text(PREFIX), 1),
    otherwise: Otherwise::Told("an error, unless another file of the manifest has it"),
    example: "[alias/app/, alias/data/]",
};

pub(super) const IGNORE: Word = Word {
    name: "ignore",
    about: "Patterns for names inside the scope that are somebody else's. To declare such a name is an error.",
    shape: Shape::List(&Shape::Text(PATTERN), 0),
    otherwise: Otherwise::Same("[]"),
    example: "[\"alias/app/tmp/**\"]",
};

pub(super) const PRUNE: Word = Word {
    name: "prune",
    about: "Whether live names in scope that are not declared are deleted. They are listed either way.",
    shape: Shape::Boolean,
    otherwise: Otherwise::Same("false"),
    example: "true",
};

pub(super) const PROTECT: Word = Word {
    name: "protect",
    about: "Names that are kept from harm, by pattern: that outlives the entry of an alias which is taken out. A plan that would harm \
            one is refused, until `--allow protected`.",
    shape: Shape::List(&Shape::Mapping(&PROTECTION), 0),
    otherwise: Otherwise::Same("[]"),
    example: "[{match: \"alias/*/prod/**\", from: [delete, retarget]}]",
};

pub(super) const GUARD: Word = Word {
    name: "guards",
    about: "How much one plan may change in a target. A plan that does more is refused, until a flag of its own allows it.",
    shape: Shape::Mapping(&GUARDS),
    otherwise: Otherwise::Same("{}"),
    example: "{max_delete: 30%, max_update: 30%, min_existing: 10}",
};

pub(super) const ROLE_ARNS: Word = Word {
    name: "roles",
    about: "The roles that are assumed, and how. Each target fills in its own account, Region and partition.",
    shape: Shape::Mapping(&ROLES),
    otherwise: Otherwise::Same("{}"),
    example: "{plan: \"arn:aws:iam::111122223333:role/kms-alias-read\"}",
};

pub(super) const RATE: Word = Word {
    name: "rates",
    about: "Writes a second, for each account and Region. What is left out is what the service lets everybody have.",
    shape: Shape::Mapping(&RATES),
    otherwise: Otherwise::Same("{}"),
    example: "{create: 5, update: 5, delete: 15}",
};

pub(crate) static PROTECTION: Words = Words::new(
    "protection",
    "an entry of `protect`",
    "One entry of `protect`.",
    &[
        Word {
            name: "match",
            about: "The names: `*` stays within one `/` segment, `**` crosses them; also `?`, `[a-z]`, `{a,b}`.",
            shape: Shape::Text(PATTERN),
            otherwise: Otherwise::Error,
            example: "\"alias/*/prod/**\"",
        },
        Word {
            name: "from",
            about: "What they are kept from: being deleted or renamed, being moved to another key, or both.",
            shape: Shape::List(&Shape::Choice(&HARMS), 1),
            otherwise: Otherwise::Error,
            example: "[delete, retarget]",
        },
    ],
);

const LIMIT: Shape = Shape::Either(&[Shape::Count(0), Shape::Text(PERCENT)]);

pub(crate) static GUARDS: Words = Words::new(
    "guards",
    "`guards`",
    "How much one plan may change in a target. A target that says less takes the rest from the manifest.",
    &[
        Word {
            name: "max_delete",
            about: "The most names that a plan may delete, or the most of the live names in scope.",
            shape: LIMIT,
            otherwise: Otherwise::Same("30%"),
            example: "5",
        },
        Word {
            name: "max_update",
            about: "The most names that a plan may move to another key, likewise.",
            shape: LIMIT,
            otherwise: Otherwise::Same("30%"),
            example: "12.5%",
        },
        Word {
            name: "min_existing",
            about: "With fewer live names in scope than this, percentages do not count.",
            shape: Shape::Count(0),
            otherwise: Otherwise::Same("10"),
            example: "20",
        },
    ],
);

pub(crate) static ROLES: Words = Words::new(
    "roles",
    "`roles`",
    "The roles that are assumed. Without `targets`, ARNs are written out, since there is no account to fill in.",
    &[
        Word {
            name: "plan",
            about: "The role that reads. Whatever only reads assumes it, and so does apply for its plan.",
            shape: Shape::Text(ROLE),
            otherwise: Otherwise::Told("the credentials of the run, without a role"),
            example: "arn:aws:iam::111122223333:role/kms-alias-read",
        },
        Word {
            name: "apply",
            about: "The role that writes; only apply assumes it.",
            shape: Shape::Text(ROLE),
            otherwise: Otherwise::Told("the credentials of the run, without a role"),
            example: "arn:aws:iam::111122223333:role/kms-alias-write",
        },
        Word {
            name: "external_id",
            about: "What the trust policy of the roles asks for as `sts:ExternalId`.",
            shape: Shape::Text(EXTERNAL_ID),
            otherwise: Otherwise::Told("none"),
            example: "kms-alias-4711",
        },
        Word {
            name: "session_name",
            about: "The name of the session, which CloudTrail shows.",
            shape: Shape::Text(SESSION_NAME),
            otherwise: Otherwise::Told("`kms-alias`"),
            example: "kms-alias-ci",
        },
        Word {
            name: "session_tags",
            about: "Tags of the session, for policies that ask for them.",
            shape: Shape::Map { kinds: &[(SESSION_TAG, Shape::Text(SESSION_VALUE))], size: [0, MOST_TAGS] },
            otherwise: Otherwise::Told("none"),
            example: "{team: payments}",
        },
    ],
);

const REQUESTS: Shape = Shape::Number(SLOWEST);

pub(crate) static RATES: Words = Words::new(
    "rates",
    "`rates`",
    "Requests a second, for each account and Region.",
    &[
        Word {
            name: "create",
            about: "CreateAlias, by which a name comes to be.",
            shape: REQUESTS,
            otherwise: Otherwise::Same("5"),
            example: "2.5",
        },
        Word {
            name: "update",
            about: "UpdateAlias, by which a name moves to another key.",
            shape: REQUESTS,
            otherwise: Otherwise::Same("5"),
            example: "10",
        },
        Word {
            name: "delete",
            about: "DeleteAlias, by which a name goes.",
            shape: REQUESTS,
            otherwise: Otherwise::Same("15"),
            example: "1",
        },
    ],
);
