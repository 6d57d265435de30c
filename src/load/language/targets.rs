//! The words of a target: where it is, and what is different there. Pure data.

use super::aliases::OVERRIDES;
use super::settings::{GUARD, IGNORE, PROTECT, PRUNE, RATE, ROLE_ARNS, SCOPE};
use super::texts::{ACCOUNT, ANY, ENDPOINT, OU, REGION, ROOT, WORD};
use super::{Otherwise, Rule, Shape, Word, Words};

pub(super) const TARGETS: Word = Word {
    name: "targets",
    about: "Where the aliases are: each target is the product of its accounts and Regions, as prod/111122223333/us-east-1.",
    shape: Shape::Map { kinds: &[(WORD, Shape::Mapping(&TARGET))], size: [1, usize::MAX] },
    otherwise: Otherwise::Told("the credentials' own account and Region is the one target"),
    example: "{prod: {account: \"111122223333\", regions: [us-east-1, eu-west-1], groups: [live]}}",
};

const AS_THE_MANIFEST: Otherwise = Otherwise::Told("what the manifest says");

pub(crate) static TARGET: Words = Words {
    rules: &[Rule::OneOf(&["account", "accounts", "organization"]), Rule::OneOf(&["region", "regions"])],
    ..Words::new(
        "target",
        "a target",
        "One entry of `targets`: some accounts and Regions, and what is different there. Settings that it has take the place of those \
         of the manifest; of `guards`, `rates` and `roles`, each key does.",
        &[
            Word {
                name: "account",
                about: "Its one account. In quotes, since leading zeros matter.",
                shape: Shape::Text(ACCOUNT),
                otherwise: Otherwise::Told("an error, unless it has `accounts` or `organization`"),
                example: "\"111122223333\"",
            },
            Word {
                name: "accounts",
                about: "Its accounts, where they are several.",
                shape: Shape::List(&Shape::Text(ACCOUNT), 1),
                otherwise: Otherwise::Told("an error, unless it has `account` or `organization`"),
                example: "[\"111122223333\", \"222233334444\"]",
            },
            Word {
                name: "organization",
                about: "The part of an organization whose accounts are its own; they are discovered when a plan is made.",
                shape: Shape::Mapping(&ORGANIZATION),
                otherwise: Otherwise::Told("an error, unless it has `account` or `accounts`"),
                example: "{ou: ou-ab12-34567890, exclude_accounts: [\"999900001111\"]}",
            },
            Word {
                name: "region",
                about: "Its one Region.",
                shape: Shape::Text(REGION),
                otherwise: Otherwise::Told("an error, unless it has `regions`"),
                example: "us-east-1",
            },
            Word {
                name: "regions",
                about: "Its Regions, where they are several: each account in each of them is a target of its own.",
                shape: Shape::List(&Shape::Text(REGION), 1),
                otherwise: Otherwise::Told("an error, unless it has `region`"),
                example: "[us-east-1, eu-west-1]",
            },
            Word {
                name: "profile",
                about: "The profile of the shared AWS configuration whose credentials reach it.",
                shape: Shape::Text(ANY),
                otherwise: Otherwise::Told("the credentials of the environment"),
                example: "dev",
            },
            Word {
                name: "endpoint_url",
                about: "Where its KMS is asked: a VPC endpoint of its Region, or an emulator on this machine. `{account}`, `{region}` and \
                        `{partition}` are filled in.",
                shape: Shape::Text(ENDPOINT),
                otherwise: Otherwise::Told("the endpoint of the Region"),
                example: "\"https://vpce-0123456789abcdef0-abcdefgh.kms.{region}.vpce.amazonaws.com\"",
            },
            Word {
                otherwise: AS_THE_MANIFEST,
                example: "{plan: \"arn:aws:iam::{account}:role/kms-alias-read\"}",
                ..ROLE_ARNS
            },
            Word {
                name: "groups",
                about: "Groups that it belongs to: `@live` then stands for it, in `targets` of an alias and in `--target`.",
                shape: Shape::List(&Shape::Text(WORD), 1),
                otherwise: Otherwise::Told("it belongs to none"),
                example: "[live]",
            },
            Word { otherwise: AS_THE_MANIFEST, ..SCOPE },
            Word { otherwise: AS_THE_MANIFEST, ..IGNORE },
            Word { otherwise: AS_THE_MANIFEST, ..PRUNE },
            Word { otherwise: AS_THE_MANIFEST, ..PROTECT },
            Word { otherwise: AS_THE_MANIFEST, ..GUARD },
            Word { otherwise: AS_THE_MANIFEST, ..RATE },
            OVERRIDES,
        ],
    )
};

pub(crate) static ORGANIZATION: Words = Words::new(
    "organization",
    "`organization`",
    "Part of an organization of AWS Organizations. The credentials of the run, or of the target's `profile`, must be allowed to list it.",
    &[
        Word {
            name: "ou",
            about: "The OU whose accounts are meant, with those of all OUs below it; or a root, or a list of either.",
            shape: Shape::Either(&[PARENT, Shape::List(&PARENT, 1)]),
            otherwise: Otherwise::Error,
            example: "ou-ab12-34567890",
        },
        Word {
            name: "exclude_ous",
            about: "OUs that are left out, with all that is below them.",
            shape: Shape::List(&Shape::Text(OU), 1),
            otherwise: Otherwise::Told("none is left out"),
            example: "[ou-ab12-sandbox0]",
        },
        Word {
            name: "exclude_accounts",
            about: "Accounts that are left out.",
            shape: Shape::List(&Shape::Text(ACCOUNT), 1),
            otherwise: Otherwise::Told("none is left out"),
            example: "[\"999900001111\"]",
        },
    ],
);

const PARENT: Shape = Shape::Either(&[Shape::Text(OU), Shape::Text(ROOT)]);
