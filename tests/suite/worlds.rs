//! Every small world: three names, each declared in one of four ways and live in one of three, under both policies; and every
//! pair of keys that an update can join. Pure.

use std::collections::{BTreeMap, BTreeSet};

use kms_alias::alias::{AliasName, KeyId};
use kms_alias::choose::Choices;
use kms_alias::diff::diff;
use kms_alias::inspect::{Fact, Facts};
use kms_alias::kms::KeyFacts;
use kms_alias::list::{Live, Snapshot};
use kms_alias::plan::digest::{Located, digest};
use kms_alias::plan::{Action, Plan, Policy, candidates, plan};
use kms_alias::resolve::resolve;
use kms_alias::target::Target;

use crate::fake::{A, ACCOUNT, B, C, REGION, alias, identity, key, target};

const NAMES: [&str; 3] = ["alias/app/x", "alias/app/y", "alias/app/z"];
const DECLARED: [Option<&str>; 4] = [None, Some(A), Some(B), Some("absent")];
const LIVE: [Option<&str>; 3] = [None, Some(A), Some(C)];

fn facts_about(id: &str, spec: &str, usage: &str, state: &str) -> KeyFacts {
    let (spec, usage, state) = (spec.to_owned(), usage.to_owned(), state.to_owned());
    KeyFacts {
        id: key(id),
        region: "us-east-1".to_owned(),
        description: String::new(),
        state,
        spec,
        usage,
        deletion_date: None,
        aws_managed: false,
    }
}

fn enabled_keys() -> Facts {
    let known =
        |id| (key(id), Fact::Known(facts_about(id, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "Enabled")));
    [A, B, C].into_iter().map(known).collect()
}

fn snapshot(live: &BTreeMap<AliasName, KeyId>) -> Snapshot {
    let mut alias_counts = BTreeMap::new();
    live.values().for_each(|key| *alias_counts.entry(key.clone()).or_default() += 1);
    let live = live.iter().map(|(name, key)| (name.clone(), Live { key: Some(key.clone()) }));
    Snapshot { live: live.collect(), alias_counts: alias_counts.into(), ..Snapshot::default() }
}

fn plan_for(target: &Target, live: &BTreeMap<AliasName, KeyId>, facts: &Facts) -> Plan {
    let (snapshot, policy) = (snapshot(live), Policy::of(target));
    let desired = resolve(target, &identity(), &snapshot, &Choices::default());
    let diff = diff(&desired, &snapshot);
    plan(candidates(&diff, &desired, &policy), &diff, &policy, facts)
}

fn perform(plan: &Plan, live: &BTreeMap<AliasName, KeyId>) -> BTreeMap<AliasName, KeyId> {
    let mut after = live.clone();
    for action in plan.stages.iter().flatten().cloned() {
        match action {
            Action::Create { name, key } => {
                assert_eq!(after.insert(name, key), None, "created what was there")
            }
            Action::Update { name, from, to } | Action::Replace { name, from, to } => {
                assert_eq!(after.insert(name, to), Some(from), "moved something else")
            }
            Action::Delete { name, was } => {
                assert_eq!(after.remove(&name), Some(was), "deleted something else")
            }
        }
    }
    after
}

/// Every way to choose one of `choices` for each of the three names
fn ways<T: Copy>(choices: &[T]) -> impl Iterator<Item = [T; 3]> + '_ {
    choices
        .iter()
        .flat_map(move |a| choices.iter().flat_map(move |b| choices.iter().map(move |c| [*a, *b, *c])))
}

#[test]
fn performing_the_plan_turns_every_small_world_into_the_desired_one() {
    let mut worlds = 0;
    for declared in ways(&DECLARED) {
        for live in ways(&LIVE) {
            for prune in [false, true] {
                check(declared, live, prune);
                worlds += 1;
            }
        }
    }
    assert_eq!(worlds, 64 * 27 * 2);
}

fn check(declared: [Option<&str>; 3], live: [Option<&str>; 3], prune: bool) {
    let declarations: Vec<_> = NAMES.into_iter().zip(declared).filter_map(|(n, d)| Some((n, d?))).collect();
    let target = Target { prune, ..target(&declarations) };
    let live: BTreeMap<_, _> =
        NAMES.into_iter().zip(live).filter_map(|(n, l)| Some((alias(n), key(l?)))).collect();
    let plan = plan_for(&target, &live, &enabled_keys());
    let after = perform(&plan, &live);
    for (name, wanted) in NAMES.into_iter().zip(declared) {
        let name = alias(name);
        let expected = match wanted {
            Some("absent") => None,
            Some(id) => Some(key(id)),
            None if prune => None,
            None => live.get(&name).cloned(),
        };
        assert_eq!(
            after.get(&name),
            expected.as_ref(),
            "{name} of {declarations:?} on {live:?}, prune {prune}"
        );
    }
    let again = plan_for(&target, &after, &enabled_keys());
    assert!(again.is_empty(), "{again:?} is left of {declarations:?} on {live:?}, prune {prune}");
    let touched: BTreeSet<_> = plan.changes.iter().map(|change| change.action.name()).collect();
    assert_eq!(touched.len(), plan.changes.len(), "a name is touched at most once");
}

#[test]
fn deletes_come_after_everything_else() {
    let target = Target { prune: true, ..target(&[("alias/app/x", A), ("alias/app/y", B)]) };
    let live = [("alias/app/y", A), ("alias/app/a", C)].map(|(n, k)| (alias(n), key(k))).into();
    let stages = plan_for(&target, &live, &enabled_keys()).stages;
    assert!(matches!(&stages[0][..], [Action::Create { .. }, Action::Update { .. }]));
    assert!(matches!(&stages[1][..], [Action::Delete { .. }]));
}

#[test]
fn an_update_joins_only_keys_of_one_family_and_usage_that_are_not_on_their_way_out() {
    const KINDS: [(&str, &str); 6] = [
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
        ("RSA_2048", "ENCRYPT_DECRYPT"),
        ("RSA_4096", "SIGN_VERIFY"),
        ("ECC_NIST_P256", "SIGN_VERIFY"),
        ("HMAC_256", "GENERATE_VERIFY_MAC"),
        ("FUTURE_9", "SIGN_VERIFY"),
    ];
    const FAMILIES: [u8; 6] = [0, 1, 2, 2, 3, 9];
    const STATES: [(&str, bool, usize); 8] = [
        ("Enabled", true, 0),
        ("Disabled", true, 1),
        ("PendingImport", true, 1),
        ("Unavailable", true, 1),
        ("Creating", true, 1),
        ("Updating", true, 1),
        ("PendingDeletion", false, 0),
        ("PendingReplicaDeletion", false, 0),
    ];
    let live = [(alias("alias/app/x"), key(A))].into();
    for (i, (old_spec, old_usage)) in KINDS.into_iter().enumerate() {
        for (j, (new_spec, new_usage)) in KINDS.into_iter().enumerate() {
            for (state, takes, risks) in STATES {
                let known =
                    |id, spec, usage, state| (key(id), Fact::Known(facts_about(id, spec, usage, state)));
                let facts =
                    [known(A, old_spec, old_usage, "PendingDeletion"), known(B, new_spec, new_usage, state)];
                let plan = plan_for(&target(&[("alias/app/x", B)]), &live, &facts.into());
                let allowed = takes && FAMILIES[i] == FAMILIES[j] && FAMILIES[i] != 9;
                let (changes, held) = (plan.changes.len(), plan.held.len());
                let what = format!("{old_spec} {old_usage} -> {new_spec} {new_usage} {state}");
                assert_eq!((changes, held), if allowed { (1, 0) } else { (0, 1) }, "{what}");
                // Beside those of the new key's state: what the old key made, its deletion, and that it loses its only alias.
                assert!(!allowed || plan.changes[0].risks.len() == risks + 3, "{what}");
            }
        }
    }
}

#[test]
fn what_is_not_known_of_a_key_holds_its_alias_and_says_where_that_was_asked() {
    let mut facts = enabled_keys();
    facts.insert(key(B), Fact::Missing);
    facts.insert(key(C), Fact::Denied("DescribeKey: AccessDeniedException: no".to_owned()));
    let declared = target(&[("alias/app/x", B), ("alias/app/y", C), ("alias/app/z", A)]);
    let plan = plan_for(&declared, &BTreeMap::new(), &facts);
    let held: Vec<_> =
        plan.held.iter().map(|held| (held.name.as_str(), held.place.as_ref().unwrap().line)).collect();
    assert_eq!(held, [("alias/app/x", 10), ("alias/app/y", 11)]);
    assert!(plan.held[0].why.contains("does not exist here") && plan.held[1].why.contains("AccessDenied"));
    assert_eq!(plan.changes.len(), 1, "the rest is still planned");
}

#[test]
fn a_key_of_awss_own_takes_no_alias_of_ours() {
    let mut facts = enabled_keys();
    let own = facts_about(B, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "Enabled");
    facts.insert(key(B), Fact::Known(KeyFacts { aws_managed: true, ..own }));
    let declared = target(&[("alias/app/x", B), ("alias/app/y", B)]);
    let plan = plan_for(&declared, &[(alias("alias/app/y"), key(A))].into(), &facts);
    assert!(plan.changes.is_empty() && plan.held.len() == 2, "{plan:?}");
    assert!(plan.held.iter().all(|held| held.why.contains("is managed by AWS")));
}

#[test]
fn deletes_wait_while_a_declared_name_is_missing_and_cannot_be_created() {
    let mut facts = enabled_keys();
    facts.insert(key(B), Fact::Missing);
    let renamed_by_hand = Target { prune: true, ..target(&[("alias/app/new", B)]) };
    let live = [(alias("alias/app/old"), key(A))].into();
    let plan = plan_for(&renamed_by_hand, &live, &facts);
    assert!(plan.changes.is_empty() && plan.held.len() == 2, "{plan:?}");
}

#[test]
fn aliases_follow_each_other_to_the_end_and_nothing_that_is_not_there() {
    let declared = [
        ("alias/app/a", "alias/app/b"),
        ("alias/app/b", "alias/app/c"),
        ("alias/app/c", B),
        ("alias/app/d", "alias/other/live"),
        ("alias/app/e", "alias/other/gone"),
    ];
    let target = target(&declared);
    let mut snapshot = Snapshot::default();
    snapshot.followed.insert(alias("alias/other/live"), key(C));
    let policy = Policy::of(&target);
    let desired = resolve(&target, &identity(), &snapshot, &Choices::default());
    let diff = diff(&desired, &snapshot);
    let plan = plan(candidates(&diff, &desired, &policy), &diff, &policy, &enabled_keys());
    let created: Vec<_> = plan
        .changes
        .iter()
        .map(|c| (c.action.name().as_str(), c.action.keys().1.unwrap().as_str()))
        .collect();
    assert_eq!(created, [("alias/app/a", B), ("alias/app/b", B), ("alias/app/c", B), ("alias/app/d", C)]);
    assert_eq!(plan.held[0].name.as_str(), "alias/app/e");
}

#[test]
fn a_live_name_without_a_target_is_held_and_no_other_delete_waits_for_it() {
    let pruning = Target { prune: true, ..target(&[]) };
    let mut snapshot = snapshot(&[(alias("alias/app/old"), key(A))].into());
    snapshot.live.insert(alias("alias/app/odd"), Live { key: None });
    let policy = Policy::of(&pruning);
    let desired = resolve(&pruning, &identity(), &snapshot, &Choices::default());
    let diff = diff(&desired, &snapshot);
    let plan = plan(candidates(&diff, &desired, &policy), &diff, &policy, &enabled_keys());
    assert_eq!((plan.changes.len(), plan.held.len()), (1, 1), "{plan:?}");
    assert_eq!(plan.held[0].name, alias("alias/app/odd"));
}

#[test]
fn nothing_follows_a_name_that_the_same_plan_deletes() {
    let following = target(&[("alias/app/x", "alias/app/live")]);
    let mut snapshot = snapshot(&[(alias("alias/app/live"), key(A))].into());
    snapshot.followed.insert(alias("alias/app/live"), key(A));
    for (prune, created) in [(false, 1), (true, 0)] {
        let target = Target { prune, ..following.clone() };
        let policy = Policy::of(&target);
        let desired = resolve(&target, &identity(), &snapshot, &Choices::default());
        let diff = diff(&desired, &snapshot);
        let plan = plan(candidates(&diff, &desired, &policy), &diff, &policy, &enabled_keys());
        assert_eq!(plan.changes.len(), created, "prune {prune}: {plan:?}");
        assert_eq!(plan.held.is_empty(), !prune, "prune {prune}: {plan:?}");
    }
}

#[test]
fn an_arn_of_elsewhere_is_held_where_only_the_credentials_know_the_account() {
    use kms_alias::alias::{KeyArn, KeyRef};
    use kms_alias::target::Want;
    for (arn, here) in [
        (format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{A}"), true),
        (format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/{A}"), false),
        (format!("arn:aws:kms:{REGION}:444455556666:key/{A}"), false),
        (format!("arn:aws-cn:kms:{REGION}:{ACCOUNT}:key/{A}"), false),
    ] {
        let mut target = target(&[("alias/app/x", A)]);
        let declared = target.aliases.get_mut(&alias("alias/app/x")).unwrap();
        declared.want = Want::Key(KeyRef::Arn(KeyArn::parse(&arn).unwrap().into()));
        let plan = plan_for(&target, &BTreeMap::new(), &enabled_keys());
        assert_eq!((plan.changes.len(), plan.held.len()), if here { (1, 0) } else { (0, 1) }, "{arn}");
    }
}

#[test]
fn the_digest_names_the_writes_and_nothing_else() {
    let live = [(alias("alias/app/y"), key(A))].into();
    let declared = target(&[("alias/app/x", A), ("alias/app/y", B)]);
    let plan = plan_for(&declared, &live, &enabled_keys());
    let renamed = Target { name: "another".into(), ..declared.clone() };
    assert_eq!(of(ACCOUNT, &plan), of(ACCOUNT, &plan_for(&renamed, &live, &enabled_keys())));
    assert_ne!(of(ACCOUNT, &plan), of("444455556666", &plan));
    assert_ne!(of(ACCOUNT, &plan), of(ACCOUNT, &Plan { partial: true, ..plan.clone() }));
    assert_ne!(of(ACCOUNT, &plan), of(ACCOUNT, &Plan::default()));
    let at = |account| Located { account, region: REGION, plan: &plan };
    let (one, other) = (ACCOUNT, "444455556666");
    assert_eq!(
        digest([at(one), at(other)]),
        digest([at(other), at(one)]),
        "the order of targets does not matter"
    );
}

fn of(account: &str, plan: &Plan) -> String {
    digest([Located { account, region: REGION, plan }])
}
