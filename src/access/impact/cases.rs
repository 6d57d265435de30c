//! Whole statements on whole plans: what begins, what ceases, what cannot be told, and who is locked out.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::document::document;
use super::super::document::tests::nearly_policy;
use super::*;
use crate::alias::AliasName;
use crate::plan::{Action, Change, Reason};
use crate::target::Manner;

const A: &str = "aaaa1111-0000-4000-8000-000000000001";
const B: &str = "bbbb2222-0000-4000-8000-000000000002";
const ME: &str = "arn:aws:iam::111122223333:role/write";

fn key(id: &str) -> KeyId {
    KeyId::from_service(id)
}

fn identity() -> Identity {
    Identity {
        account: "111122223333".into(),
        region: "us-east-1".into(),
        partition: "aws".into(),
        caller: "arn:aws:sts::111122223333:assumed-role/write/ci".into(),
    }
}

/// Actions as `name from to`, with `-` for neither
fn planned(actions: &[(&str, &str, &str)]) -> Plan {
    let change = |&(name, from, to): &(&str, &str, &str)| {
        let name = AliasName::parse(name).unwrap();
        let action = match (from, to) {
            ("-", to) => Action::Create { name, key: key(to) },
            (was, "-") => Action::Delete { name, was: key(was) },
            (from, to) => Action::Update { name, from: key(from), to: key(to) },
        };
        let (place, previous, manner, risks) = (None, None, Manner::default().into(), Vec::new());
        let (reason, origin) = (Reason::Missing, crate::base::Origin::Unknown);
        Change { action, reason, origin, place, previous, manner, risks }
    };
    Plan::of(actions.iter().map(change).collect())
}

fn policy(statements: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn gathered(keys: &[(&str, &[&str], &Value)]) -> BTreeMap<KeyId, KeyAccess> {
    let access = |&(id, names, policy): &(&str, &[&str], &Value)| {
        let aliases = Ok(names.iter().map(|&name| name.to_owned()).collect());
        (key(id), KeyAccess { aliases, policy: Ok(policy.to_string()) })
    };
    keys.iter().map(access).collect()
}

fn nothing() -> Value {
    policy(&json!([]))
}

fn iam(statements: &Value, attached: &[&str]) -> Document {
    let attached = attached.iter().map(|&arn| arn.to_owned()).collect();
    document(&policy(statements), Origin::Iam { name: "p".to_owned(), attached }).unwrap()
}

fn of(plan: &Plan, gathered: &BTreeMap<KeyId, KeyAccess>, policies: &[Document]) -> Impact {
    impact(plan, &identity(), None, gathered, policies)
}

/// Each turn as `begins bbbb2222 alias/a`, with `*` for all requests and `key` for those by key
fn told(impact: &Impact) -> Vec<String> {
    let tell = |turn: &Turn| {
        let change = match &turn.change {
            ChangeOfMatch::Begins => "begins".to_owned(),
            ChangeOfMatch::Ceases => "ceases".to_owned(),
            ChangeOfMatch::Unknown(why) => format!("unknown ({why})"),
        };
        let requests = match &turn.requests {
            Requests::All => "*".to_owned(),
            Requests::Naming { aliases, by_key } => {
                let key = by_key.then(|| "key".to_owned());
                key.into_iter().chain(aliases.clone()).collect::<Vec<_>>().join(" ")
            }
        };
        format!("{change} {} {requests}", turn.key.short())
    };
    impact.turns.iter().map(tell).collect()
}

fn allow(condition: Value) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/app"}, "Action": "kms:Decrypt",
           "Resource": "*", "Condition": condition})
}

/// <https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html>: the alias in the request decides, so the
/// statement goes with the alias from the key that it leaves to the key that it comes to
#[test]
fn a_retarget_takes_request_alias_from_one_key_to_the_other() {
    let plan = planned(&[("alias/app/db", A, B)]);
    let own = policy(&allow(json!({"StringEquals": {"kms:RequestAlias": "alias/app/db"}})));
    let keys = gathered(&[(A, &["alias/app/db", "alias/x"], &own), (B, &["alias/y"], &own)]);
    assert_eq!(
        told(&of(&plan, &keys, &[])),
        ["ceases aaaa1111 alias/app/db", "begins bbbb2222 alias/app/db"]
    );
}

/// <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-resource-aliases>
#[test]
fn resource_aliases_turns_with_the_last_alias_that_matches() {
    let team = iam(&allow(json!({"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/team/*"}})), &[]);
    let nothing = nothing();
    for (actions, names, expected) in [
        (vec![("alias/team/a", A, "-")], vec!["alias/team/a"], vec!["ceases aaaa1111 *"]),
        (vec![("alias/team/a", A, "-")], vec!["alias/team/a", "alias/team/b"], vec![]),
        (vec![("alias/team/a", "-", A)], vec!["alias/other"], vec!["begins aaaa1111 *"]),
        (vec![("alias/other", "-", A)], vec![], vec![]),
        (vec![("alias/team/a", A, "-"), ("alias/team/b", "-", A)], vec!["alias/team/a"], vec![]),
    ] {
        let keys = gathered(&[(A, &names, &nothing)]);
        assert_eq!(
            told(&of(&planned(&actions), &keys, std::slice::from_ref(&team))),
            expected,
            "{actions:?}"
        );
    }
}

/// Sets of IAM: an empty set passes ForAllValues
#[test]
fn the_last_alias_of_a_key_makes_for_all_values_begin() {
    let only = iam(&allow(json!({"ForAllValues:StringLike": {"kms:ResourceAliases": "alias/team/*"}})), &[]);
    let nothing = nothing();
    let keys = gathered(&[(A, &["alias/other"], &nothing)]);
    assert_eq!(told(&of(&planned(&[("alias/other", A, "-")]), &keys, &[only])), ["begins aaaa1111 *"]);
}

/// An alias more may take access away: here a denial begins
#[test]
fn a_deny_begins_with_an_alias() {
    let sealed = json!({"Effect": "Deny", "Action": "kms:*", "Resource": "*",
                        "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/sealed"}}});
    let nothing = nothing();
    let keys = gathered(&[(A, &["alias/a"], &nothing)]);
    let found = of(&planned(&[("alias/sealed", "-", A)]), &keys, &[iam(&sealed, &[])]);
    assert_eq!(told(&found), ["begins aaaa1111 *"]);
    assert_eq!(found.turns[0].statement.effect, Some(Effect::Deny));
}

#[test]
fn unknown_is_said_where_the_request_changes_and_nothing_where_it_does_not() {
    let plan = planned(&[("alias/new", "-", A)]);
    let strange = policy(&allow(json!({"StringFoo": {"kms:RequestAlias": "alias/*"}})));
    let keys = gathered(&[(A, &["alias/old"], &strange)]);
    assert_eq!(told(&of(&plan, &keys, &[])), ["unknown (operator StringFoo) aaaa1111 alias/new"]);
    let in_key = policy(&allow(json!({"ForAnyValue:StringLike": {"kms:ResourceAliases": "*"}})));
    let keys = gathered(&[(A, &["alias/old"], &in_key)]);
    let found = told(&of(&plan, &keys, &[]));
    assert!(
        found.len() == 1 && found[0].contains("IAM policies only") && found[0].ends_with(" *"),
        "{found:?}"
    );
    let flawed = policy(&json!({"Effect": "Perhaps", "Condition": {"Null": {"kms:RequestAlias": "true"}}}));
    let keys = gathered(&[(A, &["alias/old"], &flawed)]);
    assert_eq!(told(&of(&plan, &keys, &[])), ["unknown (its Effect is neither Allow nor Deny) aaaa1111 *"]);
    // a condition that fails on both sides decides, whatever the other is
    let decided = policy(&allow(
        json!({"StringFoo": {"kms:RequestAlias": "x"}, "StringEquals": {"kms:RequestAlias": "alias/z"}}),
    ));
    assert!(told(&of(&plan, &gathered(&[(A, &[], &decided)]), &[])).is_empty());
}

/// Over its quota a key's aliases authorize nobody; the quota can be raised, so more than 50 is unknown, except for what would
/// not have been allowed anyway
#[test]
fn beyond_the_default_quota_a_match_is_unknown_and_a_mismatch_of_an_allow_is_not() {
    let names: Vec<String> = (0..50).map(|i| format!("alias/{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let nothing = nothing();
    let keys = gathered(&[(A, &names, &nothing)]);
    let plan = planned(&[("alias/new", "-", A)]);
    let ask = |pattern: &str| {
        let condition = json!({"ForAnyValue:StringLike": {"kms:ResourceAliases": pattern}});
        told(&of(&plan, &keys, &[iam(&allow(condition), &[])]))
    };
    assert_eq!(ask("alias/new"), ["unknown (51 aliases are more than the default quota of 50) aaaa1111 *"]);
    assert!(ask("alias/elsewhere").is_empty());
}

#[test]
fn both_keys_together_and_resources_decide_which_requests() {
    let plan = planned(&[("alias/new", "-", A)]);
    let nothing = nothing();
    let keys = gathered(&[(A, &["alias/old"], &nothing)]);
    let both = json!({"StringLikeIfExists": {"kms:RequestAlias": "alias/*"},
                      "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/new"}});
    let found = told(&of(&plan, &keys, &[iam(&allow(both), &[])]));
    assert_eq!(found, ["begins aaaa1111 *"]);
    let by_key = json!({"Null": {"kms:RequestAlias": "true"},
                        "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/new"}});
    assert_eq!(told(&of(&plan, &keys, &[iam(&allow(by_key), &[])])), ["begins aaaa1111 key"]);
    for (resource, matches) in [
        ("*", true),
        ("arn:aws:kms:*:111122223333:key/*", true),
        ("arn:aws:kms:us-east-1:111122223333:key/aaaa1111-0000-4000-8000-000000000001", true),
        ("arn:aws:kms:us-east-1:${aws:PrincipalAccount}:key/*", true),
        ("arn:aws:kms:eu-west-1:111122223333:key/*", false),
        ("arn:aws:kms:*:111122223333:alias/*", false),
    ] {
        let mut statement = allow(json!({"StringEquals": {"kms:RequestAlias": "alias/new"}}));
        statement["Resource"] = resource.into();
        let found = told(&of(&plan, &keys, &[iam(&statement, &[])]));
        assert_eq!(!found.is_empty(), matches, "{resource}");
    }
}

#[test]
fn what_cannot_be_read_is_said_for_its_key_and_the_rest_is_told() {
    let plan = planned(&[("alias/app/db", A, B)]);
    let own = policy(&allow(json!({"StringEquals": {"kms:RequestAlias": "alias/app/db"}})));
    let mut keys = gathered(&[(A, &[], &own), (B, &[], &own)]);
    keys.get_mut(&key(A)).unwrap().policy = Ok("no policy".to_owned());
    let found = of(&plan, &keys, &[]);
    assert_eq!(told(&found), ["begins bbbb2222 alias/app/db"]);
    assert_eq!(
        (found.unread[0].key.clone(), found.unread[0].what),
        (Some(KeyId::from_service(A)), "key policy")
    );
}

#[test]
fn a_rename_takes_the_previous_name_away_and_a_replacement_is_a_move() {
    let nothing = nothing();
    let either = iam(&allow(json!({"StringLike": {"kms:RequestAlias": "alias/team/*"}})), &[]);
    let mut plan = planned(&[("alias/team/new", "-", A)]);
    plan.changes[0].previous = Some((AliasName::parse("alias/team/old").unwrap(), key(A)));
    let keys = gathered(&[(A, &["alias/team/old"], &nothing)]);
    let found = told(&of(&plan, &keys, std::slice::from_ref(&either)));
    assert_eq!(found, ["begins aaaa1111 alias/team/new", "ceases aaaa1111 alias/team/old"]);
    let (name, from, to) = (AliasName::parse("alias/team/x").unwrap(), key(A), key(B));
    let mut plan = planned(&[("alias/team/x", A, B)]);
    plan.changes[0].action = Action::Replace { name, from, to };
    let keys = gathered(&[(A, &["alias/team/x"], &nothing), (B, &[], &nothing)]);
    let found = told(&of(&plan, &keys, &[either]));
    assert_eq!(found, ["ceases aaaa1111 alias/team/x", "begins bbbb2222 alias/team/x"]);
}

#[test]
fn a_policy_of_another_account_is_not_asked_about_the_keys_of_this_one() {
    let plan = planned(&[("alias/new", "-", A)]);
    let (nothing, by_name) = (nothing(), allow(json!({"StringEquals": {"kms:RequestAlias": "alias/new"}})));
    let keys = gathered(&[(A, &[], &nothing)]);
    for (attached, asked) in [
        (vec![], true),
        (vec!["arn:aws:iam::444455556666:role/app"], false),
        (vec!["arn:aws:iam::444455556666:role/app", "arn:aws:iam::111122223333:role/app"], true),
    ] {
        assert_eq!(!told(&of(&plan, &keys, &[iam(&by_name, &attached)])).is_empty(), asked, "{attached:?}");
    }
}

const MANAGE: [&str; 3] = ["kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias"];

fn locked(plan: &Plan, names: &[&str], policies: &[Document]) -> Vec<String> {
    let nothing = nothing();
    let found = of(plan, &gathered(&[(A, names, &nothing), (B, &["alias/team/b"], &nothing)]), policies);
    let tell = |lockout: &Lockout| {
        let unknown = if lockout.unknown.is_some() { "?" } else { "" };
        format!("{} {} {}{unknown}", lockout.permission, lockout.key.short(), lockout.alias)
    };
    found.lockouts.iter().map(tell).collect()
}

/// A role that manages keys by their aliases loses a key with its last matching alias
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html>)
#[test]
fn the_programs_own_role_may_lock_itself_out() {
    let team = json!({"Effect": "Allow", "Action": MANAGE, "Resource": "*",
                      "Condition": {"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/team/*"}}});
    let mine = [iam(&team, &[ME])];
    // the retarget takes the only matching alias away, and the deletion comes a stage later
    let plan = planned(&[("alias/team/a", A, B), ("alias/x", A, "-")]);
    assert_eq!(locked(&plan, &["alias/team/a", "alias/x"], &mine), ["kms:DeleteAlias aaaa1111 alias/x"]);
    // another matching alias stays
    assert!(locked(&plan, &["alias/team/a", "alias/team/c", "alias/x"], &mine).is_empty());
    // it is somebody else's policy
    assert!(
        locked(&plan, &["alias/team/a", "alias/x"], &[iam(&team, &["arn:aws:iam::111122223333:role/other"])])
            .is_empty()
    );
    // another statement allows it without looking at aliases
    let plain = json!({"Effect": "Allow", "Action": "kms:*", "Resource": "*"});
    assert!(locked(&plan, &["alias/team/a", "alias/x"], &[mine[0].clone(), iam(&plain, &[ME])]).is_empty());
    // the two deletions are of one stage, so either may come first
    let both = planned(&[("alias/team/a", A, "-"), ("alias/x", A, "-")]);
    assert_eq!(locked(&both, &["alias/team/a", "alias/x"], &mine), ["kms:DeleteAlias aaaa1111 alias/x?"]);
    // it was never allowed, so something else must be
    assert!(locked(&planned(&[("alias/x", A, "-")]), &["alias/x"], &mine).is_empty());
    // nor where another one may allow it, depending on what nobody can tell
    let mut guarded = plain.clone();
    guarded["Condition"] = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
    let found = locked(&plan, &["alias/team/a", "alias/x"], &[mine[0].clone(), iam(&guarded, &[ME])]);
    assert_eq!(found, ["kms:DeleteAlias aaaa1111 alias/x?"]);
    // a denial that begins half way locks out as well
    let sealed = json!({"Effect": "Deny", "Action": "kms:DeleteAlias", "Resource": "*",
                        "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/sealed"}}});
    let seal = planned(&[("alias/sealed", "-", A), ("alias/x", A, "-")]);
    let policies = [iam(&plain, &[ME]), iam(&sealed, &[ME])];
    assert_eq!(locked(&seal, &["alias/x"], &policies), ["kms:DeleteAlias aaaa1111 alias/x"]);
    // what cannot be told when its turn comes is said to be so
    let mut if_exists = team.clone();
    if_exists["Condition"] =
        json!({"ForAnyValue:StringLikeIfExists": {"kms:ResourceAliases": "alias/team/*"}});
    let empty = planned(&[("alias/team/a", A, B), ("alias/x", "-", A)]);
    let found = locked(&empty, &["alias/team/a"], &[iam(&if_exists, &[ME])]);
    assert_eq!(found, ["kms:CreateAlias aaaa1111 alias/x?"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_policy_panics_and_a_plan_without_changes_changes_nothing(
        own in nearly_policy(),
        other in nearly_policy(),
        names in prop::collection::btree_set("alias/[ab/]{1,3}", 0..4),
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let own = json!({"Version": "2012-10-17", "Statement": own});
        let keys = gathered(&[(A, &names, &own), (B, &[], &own)]);
        let origin = Origin::Iam { name: "p".to_owned(), attached: vec![ME.to_owned()] };
        let policies: Vec<_> = document(&json!({"Statement": other}), origin).into_iter().collect();
        of(&planned(&[("alias/a", A, B), ("alias/n", "-", A), ("alias/z", A, "-")]), &keys, &policies);
        let still = of(&Plan::default(), &keys, &policies);
        prop_assert!(still.turns.is_empty() && still.lockouts.is_empty());
    }

    /// Doing a plan and undoing it makes begin what ceased, and cease what began
    #[test]
    fn the_way_back_is_the_opposite(
        condition in prop::sample::select(vec![
            ("StringLike", "kms:RequestAlias"), ("StringNotEquals", "kms:RequestAlias"),
            ("ForAnyValue:StringLike", "kms:ResourceAliases"), ("ForAllValues:StringNotLike", "kms:ResourceAliases"),
        ]),
        pattern in "alias/[ab*?]{1,2}",
        names in prop::collection::btree_set("alias/[bc]", 0..3),
    ) {
        let mut with: Vec<&str> = names.iter().map(String::as_str).collect();
        let nothing = nothing();
        let policies = [iam(&allow(json!({condition.0: {condition.1: pattern}})), &[])];
        let there = of(&planned(&[("alias/a", "-", A)]), &gathered(&[(A, &with, &nothing)]), &policies);
        with.push("alias/a");
        let back = of(&planned(&[("alias/a", A, "-")]), &gathered(&[(A, &with, &nothing)]), &policies);
        let opposite: Vec<String> = told(&there).iter().map(|text| {
            if text.starts_with("begins") { text.replace("begins", "ceases") } else { text.replace("ceases", "begins") }
        }).collect();
        prop_assert_eq!(told(&back), opposite);
    }
}
