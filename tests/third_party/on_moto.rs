//! Whole commands against moto; what they did is asked of moto itself.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::moto::{ACCOUNT, Moto};
use crate::processes::Ended;
use crate::raw::Raw;

/// Two keys; one alias each of those that are to be moved, deleted and left alone
struct World {
    moto: Moto,
    old: String,
    new: String,
}

impl World {
    fn new() -> Self {
        let moto = Moto::start();
        let (old, new) = (moto.raw.plain_key(), moto.raw.plain_key());
        for name in ["app/moved", "app/gone", "app/kept", "app/unmanaged", "app/theirs/x", "other/team"] {
            moto.raw.create_alias(&format!("alias/{name}"), &old);
        }
        Self { moto, old, new }
    }

    /// One alias to create, one to move, one to delete, one in sync, one not declared
    fn manifest(&self) -> String {
        let Self { old, new, .. } = self;
        format!(
            "version: 1\nscope: [alias/app/]\nignore: [\"alias/app/theirs/**\"]\naliases:\n  \
             alias/app/new: {new}\n  alias/app/moved: {new}\n  alias/app/gone: absent\n  alias/app/kept: {old}\n"
        )
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.moto.kms_alias(&self.manifest(), arguments)
    }

    fn aliases(&self) -> BTreeMap<String, String> {
        self.moto.raw.aliases()
    }

    /// What there is after the manifest has been applied
    fn applied(&self) -> BTreeMap<String, String> {
        let Self { old, new, .. } = self;
        let names = [
            ("app/new", new),
            ("app/moved", new),
            ("app/kept", old),
            ("app/unmanaged", old),
            ("app/theirs/x", old),
            ("other/team", old),
        ];
        names.into_iter().map(|(name, key)| (format!("alias/{name}"), key.clone())).collect()
    }
}

#[track_caller]
fn assert_ended(ended: &Ended, code: i32, says: &[&str]) {
    assert_eq!(ended.code, Some(code), "{}{}", ended.stdout, ended.stderr);
    for text in says {
        assert!(ended.stdout.contains(text), "{text:?} is not in\n{}{}", ended.stdout, ended.stderr);
    }
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|why| panic!("{why}: {ended:?}"))
}

#[test]
fn a_plan_shows_what_differs_and_writes_nothing() {
    let world = World::new();
    let before = world.aliases();
    let signs = ["+ alias/app/new", "~ alias/app/moved", "- alias/app/gone"];
    assert_ended(&world.run(&["plan"]), 0, &signs);
    let summary = "Plan: 1 to create, 1 to retarget, 0 to replace, 0 to rename, 1 to delete; 0 held, 1 in sync, 1 unmanaged.";
    assert_ended(&world.run(&["plan", "--detailed-exitcode"]), 2, &[summary]);
    assert_eq!(world.aliases(), before);
}

#[test]
fn a_plan_as_json_is_one_document_that_says_the_same() {
    let world = World::new();
    let World { old, new, .. } = &world;
    let ended = world.run(&["plan", "-o", "json"]);
    assert_ended(&ended, 0, &[]);
    let plan = json(&ended);
    let target = &plan["targets"][0];
    assert_eq!((&plan["errored"], &target["account"]), (&json!(false), &json!(ACCOUNT)));
    assert_eq!(target["region"], json!(world.moto.raw.region));
    let changes = target["changes"].as_array().unwrap().iter();
    let changes: Vec<_> =
        changes.map(|c| json!([c["alias"], c["actions"], c["before"], c["after"]])).collect();
    let expected = [
        json!(["alias/app/gone", ["delete"], old, null]),
        json!(["alias/app/moved", ["update"], old, new]),
        json!(["alias/app/new", ["create"], null, new]),
    ];
    assert_eq!(changes, expected);
    assert_eq!(target["unmanaged"], json!({"alias/app/unmanaged": old}));
}

#[test]
fn an_apply_makes_it_so_and_the_next_one_finds_nothing_to_do() {
    let world = World::new();
    assert_ended(&world.run(&["apply", "--yes"]), 0, &[]);
    assert_eq!(world.aliases(), world.applied());
    assert_ended(&world.run(&["apply", "--yes"]), 0, &["No changes."]);
    assert_ended(&world.run(&["plan", "--detailed-exitcode"]), 0, &["No changes."]);
}

#[test]
fn an_apply_that_nobody_confirms_writes_nothing() {
    let world = World::new();
    let before = world.aliases();
    assert_ended(&world.run(&["apply"]), 4, &[]);
    assert_eq!(world.aliases(), before);
}

#[test]
fn prune_deletes_what_is_not_declared_but_nothing_ignored_or_out_of_scope() {
    let world = World::new();
    let aws =
        |all: BTreeMap<String, String>| all.into_iter().filter(|(name, _)| name.starts_with("alias/aws/"));
    let before: Vec<_> = aws(world.moto.raw.all_aliases()).collect();
    assert_ended(&world.run(&["apply", "--yes", "--prune"]), 0, &[]);
    let mut expected = world.applied();
    expected.remove("alias/app/unmanaged");
    assert_eq!(world.aliases(), expected);
    assert_eq!(aws(world.moto.raw.all_aliases()).collect::<Vec<_>>(), before);
}

#[test]
fn a_narrowed_apply_leaves_the_rest_for_later() {
    let world = World::new();
    assert_ended(&world.run(&["apply", "--yes", "--alias", "alias/app/new"]), 0, &[]);
    let aliases = world.aliases();
    assert_eq!(aliases.get("alias/app/new"), Some(&world.new));
    assert_eq!(aliases.get("alias/app/moved"), Some(&world.old));
    assert!(aliases.contains_key("alias/app/gone"));
}

#[test]
fn credentials_of_another_account_are_refused_before_anything_is_written() {
    let world = World::new();
    let before = world.aliases();
    let (raw, new) = (&world.moto.raw, &world.new);
    let manifest = format!(
        "version: 1\nscope: [alias/app/]\ntargets:\n  prod: {{account: \"999900001111\", region: {}}}\n\
         aliases:\n  alias/app/new: {new}\n",
        raw.region
    );
    let ended = world.moto.kms_alias(&manifest, &["apply", "--yes"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let said = ended.stdout + &ended.stderr;
    assert!(said.contains("999900001111") && said.contains(ACCOUNT), "{said}");
    assert_eq!(world.aliases(), before);
}

#[test]
fn a_role_is_assumed_in_the_account_of_each_target() {
    let moto = Moto::start();
    let region = &moto.raw.region;
    let home = |account: &str| Raw { access_key: assume(&moto, account), ..moto.raw.clone() };
    let (first, second) = (home("111122223333"), home("222233334444"));
    let (first_key, second_key) = (first.plain_key(), second.plain_key());
    let manifest = format!(
        "version: 1\nscope: [alias/app/]\nroles:\n  plan: arn:aws:iam::{{account}}:role/kms-alias-read\n  \
         apply: arn:aws:iam::{{account}}:role/kms-alias-write\n\
         targets:\n  prod: {{accounts: [\"111122223333\", \"222233334444\"], region: {region}, overrides: {{}}}}\n\
         aliases:\n  alias/app/first: {{key: {first_key}, targets: [prod/111122223333/{region}]}}\n  \
         alias/app/second: {{key: {second_key}, targets: [prod/222233334444/{region}]}}\n"
    );
    assert_ended(&moto.kms_alias(&manifest, &["apply", "--yes"]), 0, &[]);
    assert_eq!(first.aliases(), BTreeMap::from([("alias/app/first".to_owned(), first_key)]));
    assert_eq!(second.aliases(), BTreeMap::from([("alias/app/second".to_owned(), second_key)]));
    assert!(moto.raw.aliases().is_empty(), "nothing in the account of the credentials themselves");
}

/// The access key of a session in another account, whose keys moto then answers with
fn assume(moto: &Moto, account: &str) -> String {
    let role = format!("arn:aws:iam::{account}:role/test");
    let query = ["sts", "assume-role", "--role-session-name", "test", "--role-arn", &role];
    let session = moto.aws(&query);
    session["Credentials"]["AccessKeyId"].as_str().unwrap().to_owned()
}

#[test]
fn a_listing_of_hundreds_on_one_page_is_read_whole() {
    let moto = Moto::start();
    let (old, new) = (moto.raw.plain_key(), moto.raw.plain_key());
    let mut manifest = "version: 1\nscope: [alias/app/]\naliases:\n".to_owned();
    for n in 0..250 {
        moto.raw.create_alias(&format!("alias/app/{n}"), &old);
        let key = if n == 249 { &new } else { &old };
        manifest += &format!("  alias/app/{n}: {key}\n");
    }
    assert_ended(
        &moto.kms_alias(&manifest, &["plan"]),
        0,
        &["~ alias/app/249", "0 held, 249 in sync, 0 unmanaged."],
    );
}

#[test]
fn an_alias_follows_another_to_its_new_key() {
    let world = World::new();
    let World { moto, old, new } = &world;
    moto.raw.create_alias("alias/app/follower", old);
    let follows = |name: &str| format!("  alias/app/follower: {{key: {name}}}\n");
    let manifest = world.manifest() + &follows("alias/app/moved");
    assert_ended(&moto.kms_alias(&manifest, &["apply", "--yes"]), 0, &[]);
    assert_eq!(world.aliases().get("alias/app/follower"), Some(new));
    // out of scope, hence not ours to change, and still one to go by
    let manifest = world.manifest() + &follows("alias/other/team");
    assert_ended(&moto.kms_alias(&manifest, &["apply", "--yes"]), 0, &[]);
    assert_eq!(world.aliases().get("alias/app/follower"), Some(old));
}

#[test]
fn a_key_that_does_not_exist_is_held_and_everything_but_deletes_is_applied() {
    let world = World::new();
    let held = "  alias/app/held: 01234567-0123-4123-8123-0123456789ab\n";
    let manifest = world.manifest() + held;
    let says = ["! alias/app/held", "does not exist"];
    assert_ended(&world.moto.kms_alias(&manifest, &["plan"]), 4, &says);
    assert_ended(&world.moto.kms_alias(&manifest, &["apply", "--yes"]), 6, &says);
    let mut expected = world.applied();
    expected.insert("alias/app/gone".to_owned(), world.old.clone());
    assert_eq!(world.aliases(), expected);
    assert_ended(&world.moto.kms_alias(&manifest, &["apply", "--yes"]), 4, &says);
}

/// Moto would do both: neither rule is its own
#[test]
fn no_alias_is_moved_to_another_kind_of_key_or_to_one_that_is_going() {
    let world = World::new();
    let (raw, old) = (&world.moto.raw, &world.old);
    let hmac = raw.key(&json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}));
    let going = raw.plain_key();
    raw.call("ScheduleKeyDeletion", &json!({"KeyId": going, "PendingWindowInDays": 7}));
    for key in [hmac, going] {
        let manifest = format!("version: 1\nscope: [alias/app/]\naliases:\n  alias/app/kept: {key}\n");
        assert_ended(&world.moto.kms_alias(&manifest, &["apply", "--yes"]), 4, &["! alias/app/kept"]);
        assert_eq!(world.aliases().get("alias/app/kept"), Some(old));
    }
}

#[test]
fn an_alias_leaves_a_key_that_is_going() {
    let world = World::new();
    world.moto.raw.call("ScheduleKeyDeletion", &json!({"KeyId": world.old, "PendingWindowInDays": 7}));
    let manifest = format!("version: 1\nscope: [alias/app/]\naliases:\n  alias/app/kept: {}\n", world.new);
    assert_ended(&world.moto.kms_alias(&manifest, &["apply", "--yes"]), 0, &[]);
    assert_eq!(world.aliases().get("alias/app/kept"), Some(&world.new));
}

/// DescribeKey by such a name creates the key, in moto as in the service
#[test]
fn reading_does_not_make_aws_create_its_own_keys() {
    let world = World::new();
    let before = world.moto.raw.count_keys();
    assert_ended(&world.run(&["plan"]), 0, &[]);
    assert_ended(&world.run(&["apply", "--yes"]), 0, &[]);
    assert_eq!(world.moto.raw.count_keys(), before);
}
