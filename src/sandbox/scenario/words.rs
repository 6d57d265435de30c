//! The words of a scenario: which keys each mapping of it takes, what each is for, and its effects and defects. Pure data. The reader
//! takes these and no others, and docs/sandbox.md has the same tables.

use super::{Effect, PagingDefect};
use crate::load::language::texts::{ACCOUNT, PATTERN, REGION, any};
use crate::load::language::{Otherwise, Shape, Text, Word, Words};

const DELAY: Shape = Shape::Text(any("a [length of time](#lengths-of-time)"));
const DELAYS: Shape = Shape::List(&DELAY, 0);
const OPERATION: Text = any("an [operation](#operations)");

pub(crate) static SCENARIO: Words = Words::new(
    "scenario",
    "a scenario",
    "The file itself.",
    &[
        Word {
            name: "seed",
            about: "Where the chances of `probability` begin: the same seed, the same chances.",
            shape: Shape::Count(0),
            otherwise: Otherwise::Same("0"),
            example: "7",
        },
        Word {
            name: "latency",
            about: "Added to every response.",
            shape: DELAY,
            otherwise: Otherwise::Same("0s"),
            example: "20ms",
        },
        Word {
            name: "lag",
            about: "How late reads are.",
            shape: Shape::Mapping(&LAG),
            otherwise: Otherwise::Told("what was written is seen at once"),
            example: "{replicas: [0s, 30s]}",
        },
        Word {
            name: "quotas",
            about: "Requests a second, in each account and Region. What is above is throttled.",
            shape: Shape::Map { kinds: &[(OPERATION, Shape::Count(1))], size: [0, usize::MAX] },
            otherwise: Otherwise::Told("none, or the service's own"),
            example: "{CreateAlias: 5}",
        },
        Word {
            name: "service_quotas",
            about: "Whether the service's default quotas hold; those of `quotas` come first.",
            shape: Shape::Boolean,
            otherwise: Otherwise::Same("false"),
            example: "true",
        },
        Word {
            name: "paging",
            about: "What listings do wrong.",
            shape: Shape::Mapping(&PAGING),
            otherwise: Otherwise::Told("nothing"),
            example: "{limit: 3, defect: repeated-marker}",
        },
        Word {
            name: "faults",
            about: "Calls that go wrong. The first entry that fires decides; latencies add up.",
            shape: Shape::List(&Shape::Mapping(&FAULT), 0),
            otherwise: Otherwise::Same("[]"),
            example: "[{operation: CreateAlias, times: 1, effect: drop-response}]",
        },
    ],
);

pub(crate) static LAG: Words = Words::new(
    "lag",
    "`lag`",
    "How late reads are. Writes are judged by what is so.",
    &[
        Word {
            name: "replicas",
            about: "Replicas that answer reads in turn, each so late.",
            shape: DELAYS,
            otherwise: Otherwise::Told("one that is never late"),
            example: "[0s, 30s]",
        },
        Word {
            name: "aliases",
            about: "Names with delays of their own; the first entry that matches counts.",
            shape: Shape::List(&Shape::Mapping(&ALIAS_LAG), 0),
            otherwise: Otherwise::Same("[]"),
            example: "[{match: \"alias/app/slow/**\", replicas: [0s, 2m]}]",
        },
        Word {
            name: "new_keys",
            about: "For so long CreateAlias and UpdateAlias do not see a new key that DescribeKey shows already.",
            shape: DELAY,
            otherwise: Otherwise::Same("0s"),
            example: "5s",
        },
    ],
);

pub(crate) static ALIAS_LAG: Words = Words::new(
    "alias_lag",
    "an entry of `aliases`",
    "Delays of some names.",
    &[
        Word {
            name: "match",
            about: "The names: `*` stays within one `/` segment, `**` crosses them; also `?`, `[a-z]`, `{a,b}`.",
            shape: Shape::Text(PATTERN),
            otherwise: Otherwise::Error,
            example: "\"alias/app/slow/**\"",
        },
        Word {
            name: "replicas",
            about: "As that of `lag`.",
            shape: DELAYS,
            otherwise: Otherwise::Error,
            example: "[0s, 2m]",
        },
    ],
);

pub(crate) static PAGING: Words = Words::new(
    "paging",
    "`paging`",
    "What listings do wrong.",
    &[
        Word {
            name: "limit",
            about: "The most entries of a page: the service may give fewer than it is asked for.",
            shape: Shape::Count(1),
            otherwise: Otherwise::Told("as many as are asked for"),
            example: "3",
        },
        Word {
            name: "defect",
            about: "What is wrong with the markers.",
            shape: Shape::Text(any("one of the [defects](#defects)")),
            otherwise: Otherwise::Told("nothing"),
            example: "repeated-marker",
        },
    ],
);

pub(crate) static FAULT: Words = Words::new(
    "fault",
    "an entry of `faults`",
    "Which calls go wrong, how often, and how. What is left out restricts nothing.",
    &[
        Word {
            name: "operation",
            about: "Only calls of this operation.",
            shape: Shape::Either(&[Shape::Text(OPERATION), Shape::Choice(&["*"])]),
            otherwise: Otherwise::Same("\"*\""),
            example: "CreateAlias",
        },
        Word {
            name: "alias",
            about: "Only calls about a name that matches; DescribeKey and its like are about whatever they name.",
            shape: Shape::Text(any("a pattern over names")),
            otherwise: Otherwise::Told("any"),
            example: "\"alias/app/**\"",
        },
        Word {
            name: "role",
            about: "Only AssumeRole of a role that matches.",
            shape: Shape::Text(any("a pattern over ARNs of roles")),
            otherwise: Otherwise::Told("any"),
            example: "\"arn:aws:iam::444455556666:role/**\"",
        },
        Word {
            name: "account",
            about: "Only calls of this account.",
            shape: Shape::Text(ACCOUNT),
            otherwise: Otherwise::Told("any"),
            example: "\"444455556666\"",
        },
        Word {
            name: "region",
            about: "Only calls to this Region.",
            shape: Shape::Text(REGION),
            otherwise: Otherwise::Told("any"),
            example: "eu-west-1",
        },
        Word {
            name: "after",
            about: "So many of these calls go well first.",
            shape: Shape::Count(0),
            otherwise: Otherwise::Same("0"),
            example: "2",
        },
        Word {
            name: "every",
            about: "Then the first of every so many goes wrong.",
            shape: Shape::Count(1),
            otherwise: Otherwise::Same("1"),
            example: "3",
        },
        Word {
            name: "times",
            about: "Until so many have.",
            shape: Shape::Count(1),
            otherwise: Otherwise::Told("for ever"),
            example: "1",
        },
        Word {
            name: "probability",
            about: "With this chance, from 0 to 1.",
            shape: Shape::Number(0.0),
            otherwise: Otherwise::Same("1"),
            example: "0.01",
        },
        Word {
            name: "effect",
            about: "What goes wrong.",
            shape: Shape::Either(&[
                Shape::Text(any("one of the [effects](#effects)")),
                Shape::Mapping(&EFFECT),
            ]),
            otherwise: Otherwise::Error,
            example: "drop-response",
        },
        Word {
            name: "after_change",
            about: "Whether the change is made all the same, where an error or silence answers.",
            shape: Shape::Boolean,
            otherwise: Otherwise::Same("false"),
            example: "true",
        },
    ],
);

pub(crate) static EFFECT: Words = Words::new(
    "effect",
    "an effect with a value",
    "Exactly one of these.",
    &[
        Word {
            name: "latency",
            about: "The response takes so much longer.",
            shape: DELAY,
            otherwise: Otherwise::Told("no longer"),
            example: "2s",
        },
        Word {
            name: "error",
            about: "Any other error.",
            shape: Shape::Mapping(&ERROR),
            otherwise: Otherwise::Told("none"),
            example: "{code: KMSInvalidStateException, message: not now}",
        },
    ],
);

pub(crate) static ERROR: Words = Words::new(
    "error",
    "`error`",
    "An error of the scenario's own making.",
    &[
        Word {
            name: "code",
            about: "As the service writes it.",
            shape: Shape::Text(any("text")),
            otherwise: Otherwise::Error,
            example: "NotFoundException",
        },
        Word {
            name: "message",
            about: "Its words.",
            shape: Shape::Text(any("text")),
            otherwise: Otherwise::Told("none"),
            example: "not now",
        },
        Word {
            name: "status",
            about: "The HTTP status, up to 599.",
            shape: Shape::Count(400),
            otherwise: Otherwise::Same("400"),
            example: "503",
        },
    ],
);

/// The effects that are a word by themselves, and what the client meets
pub(super) static EFFECTS: [(&str, Effect, &str); 10] = [
    ("throttle", Effect::Throttle, "ThrottlingException"),
    ("internal", Effect::Internal, "KMSInternalException, status 500"),
    ("dependency-timeout", Effect::DependencyTimeout, "DependencyTimeoutException, status 500"),
    ("access-denied", Effect::AccessDenied, "AccessDeniedException, in the words of the service"),
    ("expired", Effect::Expired, "ExpiredTokenException"),
    (
        "drop-response",
        Effect::DropResponse,
        "The call is carried out, and the connection closed without a response.",
    ),
    ("drop-request", Effect::DropRequest, "The connection is closed, and nothing carried out."),
    ("malformed", Effect::Malformed, "The call is carried out, and the response is not JSON."),
    ("truncated", Effect::Truncated, "The call is carried out, and the response ends in its middle."),
    ("silent", Effect::Silent, "Nothing is carried out, and nothing ever comes back."),
];

/// What can be wrong with the markers of a listing
pub(super) static DEFECTS: [(&str, PagingDefect, &str); 4] = [
    (
        "repeated-marker",
        PagingDefect::RepeatedMarker,
        "Each page but the first names itself as the next one.",
    ),
    ("missing-marker", PagingDefect::MissingMarker, "`Truncated` is true, and there is no marker."),
    ("empty-marker", PagingDefect::EmptyMarker, "`Truncated` is true, and the marker is empty."),
    (
        "stray-marker",
        PagingDefect::StrayMarker,
        "`Truncated` is false, and there is a marker with more behind it.",
    ),
];
