//! The table of cases: operators on sets of aliases, each with the page that says so.

use proptest::prelude::*;

use super::*;

/// String operators, absent keys, IfExists and Null
const OPERATORS: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html";
/// ForAnyValue, ForAllValues and empty sets
const SETS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html";
/// Many values in the policy: OR, and NOR for negated operators
const MANY: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_multi-value-conditions.html";
/// `${…}`
const VARIABLES: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html";
/// What the two condition keys carry
const KMS: &str = "https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html";
/// Worked examples with aliases
const ALIASES: &str = "https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html";

/// Yes, no, or unknown for a reason that contains this
#[derive(Clone, Copy, Debug)]
enum Is {
    Yes,
    No,
    Unknown(&'static str),
}
use Is::{No, Unknown, Yes};

/// Source, operator, what the policy says, what the request carries
type Case<'c> = (&'c str, &'c str, &'c [&'c str], Carried<'c>, Is);

const fn named(alias: &str) -> Carried<'_> {
    Carried::One(Some(alias))
}
const BY_ID: Carried = Carried::One(None);
const NO_ALIASES: Carried = Carried::Set(&[]);

fn condition(operator: &str, key: AliasKey, values: &[&str]) -> Condition {
    let key = match key {
        AliasKey::Request => "kms:RequestAlias",
        AliasKey::Resource => "kms:ResourceAliases",
    };
    let values = Some(values.iter().map(|&value| value.to_owned()).collect());
    Condition { operator: operator.to_owned(), key: key.to_owned(), values }
}

fn key_of(carried: Carried<'_>) -> AliasKey {
    match carried {
        Carried::One(_) => AliasKey::Request,
        Carried::Set(_) => AliasKey::Resource,
    }
}

fn check(cases: &[Case<'_>]) {
    for &(source, operator, values, carried, expected) in cases {
        let found = holds(&condition(operator, key_of(carried), values), carried, true);
        let agrees = match (&found, expected) {
            (Match::Yes, Yes) | (Match::No, No) => true,
            (Match::Unknown(why), Unknown(words)) => why.contains(words),
            _ => false,
        };
        assert!(agrees, "{operator} {values:?} on {carried:?}: {found:?}, not {expected:?}, says {source}");
    }
}

#[test]
fn request_alias_carries_the_one_alias_that_the_request_names() {
    check(&[
        (ALIASES, "StringLike", &["alias/*alpha*"], named("alias/project-alpha"), Yes),
        (ALIASES, "StringLike", &["alias/*alpha*"], named("alias/project-beta"), No),
        (ALIASES, "StringLike", &["alias/*alpha*"], BY_ID, No),
        (ALIASES, "StringLike", &["arn:aws:kms:us-west-2:111122223333:alias/x"], named("alias/x"), No),
        (KMS, "StringEquals", &["alias/finance-key"], named("alias/finance-key"), Yes),
        (KMS, "StringEquals", &["alias/finance-key"], named("alias/finance-key2"), No),
        (KMS, "StringEquals", &["alias/*"], named("alias/a"), No),
        (KMS, "StringEquals", &["alias/?"], named("alias/?"), Yes),
        (OPERATORS, "StringEquals", &["alias/App"], named("alias/app"), No),
        (OPERATORS, "StringEqualsIgnoreCase", &["alias/App"], named("alias/aPP"), Yes),
        (OPERATORS, "StringEqualsIgnoreCase", &["alias/App*"], named("alias/apple"), No),
        (OPERATORS, "StringNotEqualsIgnoreCase", &["alias/App"], named("alias/app"), No),
        (OPERATORS, "StringNotEqualsIgnoreCase", &["alias/App"], named("alias/apple"), Yes),
        (OPERATORS, "StringNotEquals", &["alias/a"], named("alias/b"), Yes),
        (OPERATORS, "StringNotEquals", &["alias/a"], named("alias/a"), No),
        (OPERATORS, "StringLike", &["alias/A*"], named("alias/app"), No),
        (OPERATORS, "StringLike", &["alias/?"], named("alias/a"), Yes),
        (OPERATORS, "StringLike", &["alias/?"], named("alias/ab"), No),
        (OPERATORS, "StringLike", &["alias/app"], named("alias/app/db"), No),
        (OPERATORS, "StringLike", &["alias/*"], named("alias/app/db"), Yes),
        (OPERATORS, "StringNotLike", &["alias/app/*"], named("alias/app/db"), No),
        (OPERATORS, "StringNotLike", &["alias/app/*"], named("alias/data"), Yes),
        (MANY, "StringEquals", &["alias/a", "alias/b"], named("alias/b"), Yes),
        (MANY, "StringEquals", &["alias/a", "alias/b"], named("alias/c"), No),
        (MANY, "StringNotEquals", &["alias/a", "alias/b"], named("alias/b"), No),
        (MANY, "StringNotEquals", &["alias/a", "alias/b"], named("alias/c"), Yes),
        (MANY, "StringNotLike", &["alias/a*", "alias/b*"], named("alias/bb"), No),
    ]);
}

#[test]
fn an_absent_key_fails_a_test_and_passes_its_opposite_and_every_if_exists() {
    check(&[
        (OPERATORS, "StringEquals", &["alias/a"], BY_ID, No),
        (OPERATORS, "StringLike", &["*"], BY_ID, No),
        (OPERATORS, "StringEqualsIgnoreCase", &["alias/a"], BY_ID, No),
        (OPERATORS, "StringNotEquals", &["alias/a"], BY_ID, Yes),
        (OPERATORS, "StringNotLike", &["*"], BY_ID, Yes),
        (OPERATORS, "StringEqualsIfExists", &["alias/a"], BY_ID, Yes),
        (OPERATORS, "StringLikeIfExists", &["alias/a*"], BY_ID, Yes),
        (OPERATORS, "StringNotLikeIfExists", &["alias/a*"], BY_ID, Yes),
        (OPERATORS, "StringLikeIfExists", &["alias/a*"], named("alias/b"), No),
        (OPERATORS, "StringLikeIfExists", &["alias/a*"], named("alias/ab"), Yes),
        (OPERATORS, "StringNotEqualsIfExists", &["alias/a"], named("alias/a"), No),
        (OPERATORS, "StringEqualsIgnoreCaseIfExists", &["alias/A"], named("alias/a"), Yes),
        (OPERATORS, "Null", &["true"], BY_ID, Yes),
        (OPERATORS, "Null", &["true"], named("alias/a"), No),
        (OPERATORS, "Null", &["false"], BY_ID, No),
        (OPERATORS, "Null", &["false"], named("alias/a"), Yes),
        (SETS, "Null", &["false"], NO_ALIASES, No),
        (SETS, "Null", &["false"], Carried::Set(&["alias/a"]), Yes),
        (SETS, "Null", &["true"], NO_ALIASES, Yes),
    ]);
}

#[test]
fn resource_aliases_carries_all_aliases_of_the_key_and_needs_to_be_told_over_which() {
    let (a, ab, bc) = (
        Carried::Set(&["alias/a"]),
        Carried::Set(&["alias/a", "alias/b"]),
        Carried::Set(&["alias/b", "alias/c"]),
    );
    check(&[
        (
            ALIASES,
            "ForAnyValue:StringLike",
            &["alias/restricted*"],
            Carried::Set(&["alias/restricted-project"]),
            Yes,
        ),
        (ALIASES, "ForAnyValue:StringLike", &["alias/restricted*"], ab, No),
        (SETS, "ForAnyValue:StringEquals", &["alias/a"], ab, Yes),
        (SETS, "ForAnyValue:StringEquals", &["alias/a"], bc, No),
        (SETS, "ForAnyValue:StringEquals", &["alias/a", "alias/c"], bc, Yes),
        (SETS, "ForAnyValue:StringEqualsIgnoreCase", &["alias/A"], ab, Yes),
        (SETS, "ForAllValues:StringEquals", &["alias/a"], a, Yes),
        (SETS, "ForAllValues:StringEquals", &["alias/a"], ab, No),
        (SETS, "ForAllValues:StringEquals", &["alias/a", "alias/b", "alias/c"], ab, Yes),
        (SETS, "ForAllValues:StringLike", &["alias/?"], bc, Yes),
        // a negated operator is asked of each value, and the prefix says how many must pass
        (MANY, "ForAnyValue:StringNotEquals", &["alias/a"], ab, Yes),
        (MANY, "ForAnyValue:StringNotEquals", &["alias/a"], a, No),
        (MANY, "ForAnyValue:StringNotLike", &["alias/a", "alias/b"], ab, No),
        (MANY, "ForAllValues:StringNotEquals", &["alias/a"], ab, No),
        (MANY, "ForAllValues:StringNotEquals", &["alias/a"], bc, Yes),
        (MANY, "ForAllValues:StringNotLike", &["alias/a*"], bc, Yes),
        (KMS, "StringLike", &["alias/*"], a, Unknown("neither ForAnyValue nor ForAllValues")),
        (KMS, "StringNotEquals", &["alias/x"], NO_ALIASES, Unknown("neither")),
    ]);
}

#[test]
fn an_empty_set_passes_for_all_and_fails_for_any() {
    check(&[
        (SETS, "ForAllValues:StringEquals", &["alias/a"], NO_ALIASES, Yes),
        (SETS, "ForAllValues:StringNotLike", &["*"], NO_ALIASES, Yes),
        (SETS, "ForAllValues:StringLikeIfExists", &["alias/a"], NO_ALIASES, Yes),
        (SETS, "ForAnyValue:StringEquals", &["alias/a"], NO_ALIASES, No),
        (SETS, "ForAnyValue:StringLike", &["*"], NO_ALIASES, No),
        (SETS, "ForAnyValue:StringNotEquals", &["alias/a"], NO_ALIASES, No),
        (SETS, "ForAnyValue:StringLike", &["*"], BY_ID, No),
        (SETS, "ForAllValues:StringLike", &["alias/a"], BY_ID, Yes),
        // one page says that ForAnyValue fails without values, the other that IfExists passes without the key
        (OPERATORS, "ForAnyValue:StringLikeIfExists", &["alias/a"], NO_ALIASES, Unknown("no values")),
        (OPERATORS, "ForAnyValue:StringLikeIfExists", &["alias/a"], Carried::Set(&["alias/a"]), Yes),
    ]);
}

#[test]
fn variables_are_unknown_only_where_they_could_make_the_difference() {
    check(&[
        (
            VARIABLES,
            "StringLike",
            &["alias/${aws:PrincipalTag/team}/*"],
            named("alias/blue/db"),
            Unknown("variable"),
        ),
        (VARIABLES, "StringEquals", &["alias/${aws:username}"], named("alias/anything"), Unknown("variable")),
        (VARIABLES, "StringEquals", &["alias/${aws:username}"], named("alia"), No),
        (VARIABLES, "StringLike", &["alias/${aws:username}/x", "alias/b*"], named("alias/bob/x"), Yes),
        (
            VARIABLES,
            "StringNotLike",
            &["alias/${aws:username, 'nobody'}"],
            named("alias/x"),
            Unknown("variable"),
        ),
        (VARIABLES, "StringLike", &["alias/${*}"], named("alias/x"), No),
        (VARIABLES, "StringEquals", &["alias/${$}"], named("alias/$"), Yes),
        (VARIABLES, "StringLike", &["alias/${?}"], named("alias/?"), Yes),
    ]);
    let old = condition("StringEquals", AliasKey::Request, &["${aws:username}"]);
    assert_eq!(holds(&old, named("${aws:username}"), false), Match::Yes, "plain text before 2012-10-17");
}

#[test]
fn what_is_not_known_is_unknown_and_never_no() {
    check(&[
        (OPERATORS, "StringFoo", &["a"], named("alias/a"), Unknown("operator StringFoo")),
        (OPERATORS, "ArnLike", &["alias/*"], named("alias/a"), Unknown("operator ArnLike")),
        (OPERATORS, "NumericEquals", &["1"], named("alias/a"), Unknown("operator NumericEquals")),
        (OPERATORS, "stringlike", &["*"], named("alias/a"), Unknown("operator stringlike")),
        (OPERATORS, "NullIfExists", &["true"], BY_ID, Unknown("operator NullIfExists")),
        (SETS, "ForSomeValues:StringLike", &["*"], NO_ALIASES, Unknown("operator ForSomeValues")),
        (SETS, "ForAnyValue:Null", &["true"], NO_ALIASES, Unknown("operator ForAnyValue:Null")),
        (OPERATORS, "Null", &["maybe"], BY_ID, Unknown("values of its Null")),
        (OPERATORS, "Null", &["true", "false"], BY_ID, Unknown("values of its Null")),
        (OPERATORS, "StringEquals", &[], named("alias/a"), Unknown("values of its StringEquals")),
    ]);
    let unread = Condition { values: None, ..condition("StringLike", AliasKey::Request, &[]) };
    assert!(matches!(holds(&unread, BY_ID, true), Match::Unknown(_)));
}

#[test]
fn a_no_decides_a_conjunction_and_a_yes_an_alternative() {
    let unknown = || Match::unknown("x");
    assert_eq!(unknown().and(Match::No), Match::No);
    assert_eq!(Match::Yes.and(unknown()), unknown());
    assert_eq!(unknown().or(Match::Yes), Match::Yes);
    assert_eq!(Match::No.or(unknown()), unknown());
    assert_eq!(!unknown(), unknown());
}

const KNOWN: [&str; 6] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
];

proptest! {
    #[test]
    fn no_condition_panics(
        operator in prop_oneof![any::<String>(), "(ForAnyValue:|ForAllValues:)?(String(Not)?(Equals|Like)|Null)(IfExists)?"],
        values in prop::option::of(prop::collection::vec(any::<String>(), 0..4)),
        aliases in prop::collection::vec("alias/[a-z/]{0,6}", 0..5),
        variables in any::<bool>(),
    ) {
        let condition = Condition { operator, key: "kms:RequestAlias".to_owned(), values };
        let set: Vec<&str> = aliases.iter().map(String::as_str).collect();
        holds(&condition, Carried::Set(&set), variables);
        holds(&condition, Carried::One(set.first().copied()), variables);
    }

    /// On values that are there, an operator over any is not its opposite over all
    #[test]
    fn any_and_all_mirror_each_other(
        base in 0..3_usize,
        values in prop::collection::vec("alias/[a-cA*?]{1,3}", 1..3),
        aliases in prop::collection::vec("alias/[a-c]{1,3}", 1..4),
    ) {
        let set: Vec<&str> = aliases.iter().map(String::as_str).collect();
        let wanted: Vec<&str> = values.iter().map(String::as_str).collect();
        let (plain, negated) = (KNOWN[2 * base], KNOWN[2 * base + 1]);
        let ask = |operator: String| {
            holds(&condition(&operator, AliasKey::Resource, &wanted), Carried::Set(&set), true)
        };
        prop_assert_eq!(ask(format!("ForAnyValue:{plain}")), !ask(format!("ForAllValues:{negated}")));
        prop_assert_eq!(ask(format!("ForAllValues:{plain}")), !ask(format!("ForAnyValue:{negated}")));
    }
}
