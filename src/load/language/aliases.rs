//! The words of an alias: which key it points at, and how it may be changed. Pure data.

use super::texts::{ANY, DESCRIPTION, INSTANCE, KEY_ARN, KEY_ID, NAME, SELECTOR, TAG, TAG_VALUE};
use super::{Otherwise, Rule, Shape, Word, Words};
use crate::load::guards::HARMS;

pub(super) const ALIASES: Word = Word {
    name: "aliases",
    about: "The aliases, by name: a key, `absent`, or a mapping that says more. They are for all targets, unless they say otherwise.",
    shape: Shape::Map {
        kinds: &[(NAME, Shape::Either(&[ID, ARN, FOLLOWED, ABSENT, Shape::Mapping(&ALIAS)]))],
        size: ANY_NUMBER,
    },
    otherwise: Otherwise::Told(
        "an error, unless another file of the manifest has it; if none is meant, write `{}`",
    ),
    example: "{alias/app/billing: 1234abcd-12ab-34cd-56ef-1234567890ab}",
};

pub(super) const OVERRIDES: Word = Word {
    name: "overrides",
    about: "Exceptions to the shared `aliases`, beside the target that needs them: by alias; or, for one account and Region of it, by \
            alias under `prod/111122223333/us-east-1`.",
    shape: Shape::Map { kinds: &[(NAME, EXCEPTION), (INSTANCE, OF_INSTANCE)], size: ANY_NUMBER },
    otherwise: Otherwise::Same("{}"),
    example: "{alias/app/billing: absent}",
};

const OF_INSTANCE: Shape = Shape::Map { kinds: &[(NAME, EXCEPTION)], size: ANY_NUMBER };
const EXCEPTION: Shape = Shape::Either(&[ID, ARN, FOLLOWED, ABSENT, Shape::Mapping(&OVERRIDE)]);

const ANY_NUMBER: [usize; 2] = [0, usize::MAX];

const ID: Shape = Shape::Text(KEY_ID);
const ARN: Shape = Shape::Text(KEY_ARN);
const FOLLOWED: Shape = Shape::Text(NAME);
const ABSENT: Shape = Shape::Choice(&["absent"]);

const RULES: &[Rule] = &[Rule::KeyUnlessAbsent, Rule::Needs("retain_previous", "previously")];

pub(crate) static ALIAS: Words = Words {
    rules: RULES,
    ..Words::new(
        "alias",
        "an alias",
        "One entry of `aliases`, where a key alone does not say all.",
        &[KEY_OF, ABSENT_FLAG, DESCRIBED, PREVIOUSLY, RETAIN_PREVIOUS, REPLACE, PROTECTED, NARROWED],
    )
};

pub(crate) static OVERRIDE: Words = Words {
    rules: RULES,
    ..Words::new(
        "override",
        "an override",
        "One entry of `overrides`. It takes the place of the whole entry that `aliases` has for the name.",
        &[KEY_OF, ABSENT_FLAG, DESCRIBED, PREVIOUSLY, RETAIN_PREVIOUS, REPLACE, PROTECTED],
    )
};

const KEY_OF: Word = Word {
    name: "key",
    about: "The key that it points at: by id, in the target's own account and Region; by ARN; by another alias, which it then follows \
            wherever that one goes; or by what the key has.",
    shape: Shape::Either(&[ID, ARN, FOLLOWED, ABSENT, Shape::Mapping(&KEY)]),
    otherwise: Otherwise::Told("an error, unless it is `absent: true`"),
    example: "{tags: {app: billing, purpose: db}}",
};

const ABSENT_FLAG: Word = Word {
    name: "absent",
    about: "That the alias is not to exist: it is deleted wherever it is found, even while `prune` is off. `absent` alone, instead of a \
            mapping, says the same.",
    shape: Shape::Boolean,
    otherwise: Otherwise::Same("false"),
    example: "true",
};

const DESCRIBED: Word = Word {
    name: "description",
    about: "For whoever reads the plan; KMS keeps no description of an alias.",
    shape: Shape::Text(ANY),
    otherwise: Otherwise::Told("none"),
    example: "Envelope key of the billing database",
};

const PREVIOUSLY: Word = Word {
    name: "previously",
    about: "Names that it had before: the new one is created and verified, and only then the old one deleted. Harmless once that is done.",
    shape: Shape::List(&Shape::Text(NAME), 1),
    otherwise: Otherwise::Told("it was always called so"),
    example: "[alias/app/billing-old]",
};

const RETAIN_PREVIOUS: Word = Word {
    name: "retain_previous",
    about: "Whether its previous names stay for now: the first step of a rename in two.",
    shape: Shape::Boolean,
    otherwise: Otherwise::Same("false"),
    example: "true",
};

const REPLACE: Word = Word {
    name: "replace",
    about: "Whether it may be deleted and created anew where KMS cannot move it, between keys of another kind or usage. For a moment \
            there is no such name.",
    shape: Shape::Boolean,
    otherwise: Otherwise::Same("false"),
    example: "true",
};

const PROTECTED: Word = Word {
    name: "protect",
    about: "What this alias is kept from, for as long as it is declared.",
    shape: Shape::List(&Shape::Choice(&HARMS), 1),
    otherwise: Otherwise::Told("nothing but what `protect` of the manifest or target says"),
    example: "[delete, retarget]",
};

const NARROWED: Word = Word {
    name: "targets",
    about: "The targets that it is for: `dev`, `prod/111122223333/us-east-1`, a pattern over those, or `@` and the name of a group.",
    shape: Shape::List(&Shape::Text(SELECTOR), 1),
    otherwise: Otherwise::Told("all"),
    example: "[\"@live\"]",
};

pub(crate) static KEY: Words = Words {
    later: &["ssm"],
    rules: &[Rule::Some],
    ..Words::new(
        "key",
        "`key`",
        "What the key has: in each target exactly one usable key must have all of it, or the alias is held.",
        &[
            Word {
                name: "tags",
                about: "Tags of the key, each with its value. The key may have others.",
                shape: Shape::Map { kinds: &[(TAG, Shape::Text(TAG_VALUE))], size: [1, usize::MAX] },
                otherwise: Otherwise::Told("any tags"),
                example: "{app: billing, purpose: db}",
            },
            Word {
                name: "description",
                about: "The whole description of the key.",
                shape: Shape::Text(DESCRIPTION),
                otherwise: Otherwise::Told("any description"),
                example: "billing db 2026",
            },
        ],
    )
};
