//! Whole commands against moto through a proxy that fails some of it; what they did is asked of moto itself.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::microburst::Microburst;
use crate::moto::Moto;
use crate::processes::Ended;

const WRITES: [&str; 3] = ["CreateAlias", "UpdateAlias", "DeleteAlias"];

/// Three aliases each to create, to move and to delete, and two that are not ours
struct World {
    moto: Moto,
    old: String,
    new: String,
}

impl World {
    fn new() -> Self {
        let moto = Moto::start();
        let (old, new) = (moto.raw.plain_key(), moto.raw.plain_key());
        for name in ["moved/1", "moved/2", "moved/3", "gone/1", "gone/2", "gone/3", "unmanaged"] {
            moto.raw.create_alias(&format!("alias/app/{name}"), &old);
        }
        moto.raw.create_alias("alias/other/team", &old);
        Self { moto, old, new }
    }

    fn manifest(&self) -> String {
        let new = &self.new;
        let each = |n| {
            format!(
                "  alias/app/gone/{n}: absent\n  alias/app/moved/{n}: {new}\n  alias/app/new/{n}: {new}\n"
            )
        };
        let aliases: String = (1..=3).map(each).collect();
        format!(
            "version: 1\nscope: [alias/app/]\nguards: {{max_delete: 100%, max_update: 100%}}\n\
             rates: {{create: 20, update: 20, delete: 20}}\naliases:\n{aliases}"
        )
    }

    /// A proxy in front of moto, and an apply through it
    fn apply_through(&self, rules: &[Value], arguments: &[&str]) -> (Microburst, Ended) {
        let proxy = Microburst::start(&self.moto.raw.url, rules);
        let arguments = [&["apply", "--yes"], arguments].concat();
        let ended = self.moto.kms_alias_at(&proxy.url, &self.manifest(), &arguments);
        (proxy, ended)
    }

    fn aliases(&self) -> BTreeMap<String, String> {
        self.moto.raw.aliases()
    }

    /// What there is after the manifest has been applied
    fn applied(&self) -> BTreeMap<String, String> {
        let ours = (1..=3).flat_map(|n| [format!("app/moved/{n}"), format!("app/new/{n}")]);
        let ours = ours.map(|name| (name, &self.new));
        let others = ["app/unmanaged", "other/team"].map(|name| (name.to_owned(), &self.old));
        ours.chain(others).map(|(name, key)| (format!("alias/{name}"), key.clone())).collect()
    }

    #[track_caller]
    fn assert_applied(&self, ended: &Ended) {
        assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
        assert_eq!(self.aliases(), self.applied(), "{}", ended.stdout);
    }
}

/// A rule for the key service
fn rule(operation: &str, rest: Value) -> Value {
    let mut rule = json!({"service": "kms", "operation": operation});
    rule.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    rule
}

#[test]
fn an_apply_gets_through_latency_throttles_internal_errors_and_connections_that_drop() {
    let world = World::new();
    let rules = [
        rule("DescribeKey", json!({"latency": {"min": 20, "max": 200}})),
        rule("ListAliases", json!({"times": 1, "error": {"code": "ServiceUnavailable", "status": 503}})),
        rule(
            "ListAliases",
            json!({"times": 1, "error": {"code": "TooManyRequestsException", "status": 429}}),
        ),
        rule("CreateAlias", json!({"times": 2, "error": {"code": "ThrottlingException", "status": 400}})),
        rule(
            "CreateAlias",
            json!({"times": 2, "error": {"code": "TooManyRequestsException", "status": 429}}),
        ),
        rule("UpdateAlias", json!({"times": 2, "error": {"code": "KMSInternalException", "status": 500}})),
        rule("UpdateAlias", json!({"times": 2, "response": {"abort_bytes": 1}})),
        rule("DeleteAlias", json!({"times": 2, "reset": true})),
    ];
    let (proxy, ended) = world.apply_through(&rules, &[]);
    world.assert_applied(&ended);
    for (operation, action, times) in [
        ("ListAliases", "error:ServiceUnavailable", 1),
        ("ListAliases", "error:TooManyRequestsException", 1),
        ("CreateAlias", "error:ThrottlingException", 2),
        ("CreateAlias", "error:TooManyRequestsException", 2),
        ("UpdateAlias", "error:KMSInternalException", 2),
        ("UpdateAlias", "response:abort", 2),
        ("DeleteAlias", "reset", 2),
    ] {
        assert_eq!(proxy.fired(operation, action), times, "{operation} {action}: {}", ended.stdout);
    }
    let again = world.moto.kms_alias_at(&proxy.url, &world.manifest(), &["apply", "--yes"]);
    assert!(again.stdout.contains("No changes. 6 in sync"), "{}", again.stdout);
}

#[test]
fn a_write_whose_every_answer_is_lost_is_made_once_and_found_out() {
    let world = World::new();
    let (proxy, ended) =
        world.apply_through(&WRITES.map(|write| rule(write, json!({"response": {"abort_bytes": 1}}))), &[]);
    world.assert_applied(&ended);
    assert_eq!(WRITES.map(|write| proxy.fired(write, "response:abort")), [3, 3, 3]);
}

#[test]
fn an_apply_that_does_not_get_through_says_so_and_the_next_one_finishes_it() {
    let world = World::new();
    let failing = rule("CreateAlias", json!({"error": {"code": "KMSInternalException", "status": 500}}));
    let (proxy, ended) = world.apply_through(&[failing], &["--wait-timeout", "2s"]);
    assert_eq!(ended.code, Some(6), "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stdout.contains("+ alias/app/new/1    failed  CreateAlias: KMSInternalException"),
        "{}",
        ended.stdout
    );
    assert!(proxy.fired("CreateAlias", "error:KMSInternalException") >= 3);
    let mut halfway = world.applied();
    halfway.retain(|name, _| !name.starts_with("alias/app/new/"));
    halfway.extend((1..=3).map(|n| (format!("alias/app/gone/{n}"), world.old.clone())));
    assert_eq!(world.aliases(), halfway, "nothing is deleted while a create is missing");
    world.assert_applied(&world.moto.kms_alias(&world.manifest(), &["apply", "--yes"]));
}

#[test]
fn half_a_listing_is_no_listing() {
    let world = World::new();
    let before = world.aliases();
    for response in [json!({"truncate_bytes": 200}), json!({"abort_bytes": 200})] {
        let cut = rule("ListAliases", json!({"response": response}));
        let (proxy, ended) = world.apply_through(&[cut], &[]);
        assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
        assert!(
            ended.stdout.contains("failed to list the live aliases (page 1): ListAliases: "),
            "{}",
            ended.stdout
        );
        let actions = ["response:truncate", "response:abort"];
        assert!(actions.iter().any(|action| proxy.fired("ListAliases", action) > 0));
        assert_eq!(world.aliases(), before);
    }
}
