//! Random worlds with prune, protect, ignore, tombstones, renames, replacements and full keys: no plan touches a name that it must
//! not, no key ever has more aliases than its quota, and a second plan has nothing to do apart from what was held. Pure.

use std::collections::{BTreeMap, BTreeSet};

use kms_alias::alias::{AliasName, KeyId, KeyRef};
use kms_alias::choose::Choices;
use kms_alias::diff::diff;
use kms_alias::inspect::{Fact, Facts};
use kms_alias::kms::KeyFacts;
use kms_alias::list::{Extent, Live, Snapshot};
use kms_alias::plan::order::ALIASES_PER_KEY;
use kms_alias::plan::{Action, Plan, Policy, candidates, plan};
use kms_alias::prepare::{Prepared, prepare};
use kms_alias::read::ReadBy;
use kms_alias::resolve::resolve;
use kms_alias::sandbox::{Key, Scenario};
use kms_alias::scope::{Pattern, Scope};
use kms_alias::target::{Declared, Harm, Manner, Place, Protection, Target, Want};
use proptest::prelude::*;

use crate::fake::{A, B, C, FakeKms, alias, home, identity, key, target, world};

/// Ours, then one that is ignored and one out of scope
const NAMES: [&str; 8] = [
    "alias/app/a",
    "alias/app/b",
    "alias/app/c",
    "alias/app/d",
    "alias/app/e",
    "alias/app/f",
    "alias/app/tmp/g",
    "alias/other/h",
];
const OURS: usize = 6;
const MAC: &str = "dddd4444-0000-4000-8000-000000000004";
const GONE: &str = "eeee5555-0000-4000-8000-000000000005";
/// Two that are symmetric and often full, one symmetric, one HMAC, and one that does not exist
const KEYS: [&str; 5] = [A, B, C, MAC, GONE];

#[derive(Clone, Debug)]
struct Wish {
    /// Index of a key; beyond them, a tombstone
    want: usize,
    previously: Option<usize>,
    retain: bool,
    replace: bool,
}

#[derive(Clone, Debug)]
struct World {
    live: Vec<Option<usize>>,
    wishes: Vec<Option<Wish>>,
    crowd: [usize; 2],
    prune: bool,
    protect: Option<(usize, bool)>,
}

fn any_world() -> impl Strategy<Value = World> {
    let wish = (0..KEYS.len() + 1, prop::option::weighted(0.3, 0..OURS), any::<bool>(), any::<bool>());
    let wish =
        wish.prop_map(|(want, previously, retain, replace)| Wish { want, previously, retain, replace });
    let live = prop::collection::vec(prop::option::weighted(0.6, 0..4usize), NAMES.len());
    let wishes = prop::collection::vec(prop::option::weighted(0.6, wish), OURS);
    let crowd = [prop_oneof![Just(0), 45..=50usize], prop_oneof![Just(0), 45..=50usize]];
    let protect = prop::option::weighted(0.3, (0..OURS, any::<bool>()));
    (live, wishes, crowd, any::<bool>(), protect).prop_map(|(live, wishes, crowd, prune, protect)| World {
        live,
        wishes,
        crowd,
        prune,
        protect,
    })
}

impl World {
    /// Its target; previous names that the loader would refuse are left out
    fn target(&self) -> Target {
        let mut claimed = BTreeSet::new();
        let mut aliases = BTreeMap::new();
        for (i, wish) in self.wishes.iter().enumerate() {
            let Some(wish) = wish else { continue };
            let want = KEYS.get(wish.want).map_or(Want::Absent, |id| Want::Key(KeyRef::Id(key(id))));
            let sound = |old: &usize| self.wishes[*old].is_none() && want != Want::Absent;
            let previous = wish.previously.filter(sound).filter(|old| claimed.insert(*old));
            let previously: Vec<_> = previous.into_iter().map(|old| alias(NAMES[old])).collect();
            let retain_previous = wish.retain && !previously.is_empty();
            let manner = Manner { protect: Vec::new(), previously, retain_previous, replace: wish.replace };
            let place = Place { file: "aliases.yaml".into(), line: i as u32 + 1, column: 1 };
            aliases.insert(alias(NAMES[i]), Declared { want, manner: manner.into(), place });
        }
        let place = Place { file: "aliases.yaml".into(), line: 99, column: 10 };
        let ignore = vec![(Pattern::parse("alias/app/tmp/**").unwrap(), place)];
        let scope = Scope { prefixes: vec!["alias/app/".into()], ignore, ..Scope::default() };
        Target { scope, aliases, prune: self.prune, protect: self.protection(), ..target(&[]) }
    }

    fn protection(&self) -> Vec<Protection> {
        let from = |delete| if delete { Harm::Delete } else { Harm::Retarget };
        let place = || Place { file: "aliases.yaml".into(), line: 1, column: 1 };
        let one = |(name, delete): (usize, bool)| Protection {
            pattern: Pattern::parse(NAMES[name]).unwrap(),
            from: vec![from(delete)],
            place: place(),
        };
        self.protect.into_iter().map(one).collect()
    }

    fn live(&self) -> BTreeMap<AliasName, KeyId> {
        let live = NAMES.iter().zip(&self.live);
        live.filter_map(|(name, live)| Some((alias(name), key(KEYS[(*live)?])))).collect()
    }

    fn snapshot(&self, live: &BTreeMap<AliasName, KeyId>) -> Snapshot {
        let scope = self.target().scope;
        let owned = live.iter().filter(|(name, _)| scope.owns(name.as_str()));
        let live_in_scope =
            owned.map(|(name, key)| (name.clone(), Live { key: Some(key.clone()) })).collect();
        Snapshot { live: live_in_scope, alias_counts: self.counts(live).into(), ..Snapshot::default() }
    }

    fn counts(&self, live: &BTreeMap<AliasName, KeyId>) -> BTreeMap<KeyId, usize> {
        let mut counts: BTreeMap<KeyId, usize> = [(key(A), self.crowd[0]), (key(B), self.crowd[1])].into();
        live.values().for_each(|key| *counts.entry(key.clone()).or_default() += 1);
        counts
    }

    fn plan(&self, live: &BTreeMap<AliasName, KeyId>) -> Plan {
        let (target, snapshot) = (self.target(), self.snapshot(live));
        let policy = Policy::of(&target);
        let desired = resolve(&target, &identity(), &snapshot, &Choices::default());
        let diff = diff(&desired, &snapshot);
        plan(candidates(&diff, &desired, &policy), &diff, &policy, &facts())
    }

    /// The same as a service, in which no alias is on a key that is gone
    fn service(&self) -> FakeKms {
        let mut world = world(&[]);
        world.put_key(&home(), Key::new(MAC).of_kind("HMAC_256", "GENERATE_VERIFY_MAC"));
        for (name, id) in self.live().into_iter().filter(|(_, id)| id.as_str() != GONE) {
            world.put_alias(&home(), name.as_str(), Some(id.as_str()), 0);
        }
        for (id, count) in [A, B].into_iter().zip(self.crowd) {
            (0..count).for_each(|i| world.put_alias(&home(), &format!("alias/crowd/{id}/{i}"), Some(id), 0));
        }
        FakeKms::new(world, Scenario::default())
    }

    /// A world whose keys have at most as many aliases as their quota, as every real one has
    fn is_possible(&self) -> bool {
        self.counts(&self.live()).values().all(|count| *count <= ALIASES_PER_KEY)
    }
}

/// Plans the world by its names and by its listing
async fn check_reads(world: &World) {
    let target = Target { prune: false, ..world.target() };
    let plan = async |read| {
        let kms = world.service();
        let policy = Policy { read, ..Policy::of(&target) };
        prepare(&target, &policy, &kms).await.unwrap()
    };
    let (listed, named) = (plan(ReadBy::List).await, plan(ReadBy::Names).await);
    let comes_to = |prepared: &Prepared| {
        let Plan { changes, stages, held, refusals, kept, in_sync, .. } = prepared.plan.clone();
        (changes, stages, held, refusals, kept, in_sync)
    };
    assert_eq!(comes_to(&listed), comes_to(&named));
    assert!(named.plan.unmanaged.is_empty() || named.snapshot.extent != Extent::Named);
}

fn facts() -> Facts {
    let known = |id: &str| {
        let (spec, usage) = match id {
            MAC => ("HMAC_256", "GENERATE_VERIFY_MAC"),
            _ => ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
        };
        let (spec, usage, state) = (spec.to_owned(), usage.to_owned(), "Enabled".to_owned());
        Fact::Known(KeyFacts {
            id: key(id),
            region: String::new(),
            description: String::new(),
            state,
            spec,
            usage,
            deletion_date: None,
            aws_managed: false,
        })
    };
    let facts = KEYS.iter().map(|id| (key(id), if *id == GONE { Fact::Missing } else { known(id) }));
    facts.collect()
}

/// Performs a stage in its worst order, in which every place is taken before any is freed
fn perform(world: &World, stage: &[Action], live: &mut BTreeMap<AliasName, KeyId>) {
    let mut counts = world.counts(live);
    for action in stage {
        let (before, after) = action.keys();
        assert_eq!(live.get(action.name()), before, "{action:?} was planned for another world");
        if let (Some(after), false) = (after, matches!(action, Action::Replace { .. })) {
            *counts.entry(after.clone()).or_default() += 1;
        }
        match after {
            Some(after) => live.insert(action.name().clone(), after.clone()),
            None => live.remove(action.name()),
        };
    }
    let full = counts.iter().find(|(_, count)| **count > ALIASES_PER_KEY);
    assert!(full.is_none(), "{full:?} is over its quota in {stage:?}");
    assert!(world.counts(live).values().all(|count| *count <= ALIASES_PER_KEY), "{stage:?}");
}

fn check(world: &World) {
    let before = world.live();
    let plan = world.plan(&before);
    if !plan.refusals.is_empty() {
        return; // nothing of it may be done
    }
    let scope = world.target().scope;
    let mut live = before.clone();
    for stage in &plan.stages {
        for action in stage {
            let name = action.name().as_str();
            assert!(scope.owns(name), "{name} is not ours");
            for protection in world.protection().iter().filter(|protection| protection.pattern.matches(name))
            {
                let harmful = match action {
                    Action::Create { .. } => false,
                    Action::Update { .. } | Action::Replace { .. } => {
                        protection.from.contains(&Harm::Retarget)
                    }
                    Action::Delete { .. } => protection.from.contains(&Harm::Delete),
                };
                assert!(!harmful, "{action:?} harms a protected name");
            }
        }
        perform(world, stage, &mut live);
    }
    let again = world.plan(&live);
    let held: BTreeSet<_> = plan.held.iter().map(|held| &held.name).collect();
    let new: Vec<_> = again.changes.iter().filter(|change| !held.contains(change.action.name())).collect();
    assert!(new.is_empty(), "{new:?} is new after {plan:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, max_global_rejects: 100_000, ..ProptestConfig::default() })]
    #[test]
    fn names_that_are_read_by_name_are_planned_as_those_of_a_whole_listing(world in any_world()) {
        prop_assume!(world.is_possible());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(check_reads(&world));
    }

    #[test]
    fn no_plan_touches_what_it_must_not_and_a_second_one_has_nothing_to_do(world in any_world()) {
        prop_assume!(world.is_possible());
        check(&world);
    }
}
