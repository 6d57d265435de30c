//! STATE.json: what survives a clean end, a kill, and a torn write; who may have it; what it refuses to be.

use std::path::Path;

use kms_alias::sandbox::{Home, Request, Scenario, StateError, StateFile, World, start, starting_world};
use serde_json::{Value, json};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";
const BILLING: &str = "bbbb2222-0000-4000-8000-000000002026";
const EXPORT: &str = "cccc3333-0000-4000-8000-000000000003";
const NOW: u64 = 1_800_000_000_000;

fn home() -> Home {
    Home::new(ACCOUNT, REGION)
}

fn open(path: &Path) -> (StateFile, World) {
    StateFile::open(path, starting_world).unwrap()
}

fn make(state: &mut StateFile, world: &mut World, at: u64, operation: &str, input: &Value) -> Option<Value> {
    let before = world.revision();
    let request = Request { caller: ACCOUNT, region: REGION, operation, input };
    let output = world.call(at, &request);
    if world.revision() != before {
        state.record(world, before, at, &request).unwrap();
    }
    output.ok()
}

/// One of everything that changes a world
fn change(state: &mut StateFile, world: &mut World) {
    let key = make(
        state,
        world,
        NOW,
        "CreateKey",
        &json!({"MultiRegion": true, "Tags": [{"TagKey": "a", "TagValue": "b"}]}),
    );
    let key = key.unwrap()["KeyMetadata"]["KeyId"].clone();
    let role = json!({"RoleArn": "arn:aws:iam::444455556666:role/reader", "RoleSessionName": "me"});
    for (operation, input) in [
        ("CreateAlias", json!({"AliasName": "alias/app/new", "TargetKeyId": key})),
        ("UpdateAlias", json!({"AliasName": "alias/app/billing/db", "TargetKeyId": BILLING})),
        ("DeleteAlias", json!({"AliasName": "alias/app/tokens"})),
        ("DescribeKey", json!({"KeyId": "alias/aws/ebs"})),
        ("PutKeyPolicy", json!({"KeyId": key, "Policy": "{}"})),
        ("DisableKey", json!({"KeyId": BILLING})),
        ("ScheduleKeyDeletion", json!({"KeyId": key})),
        ("AssumeRole", role),
    ] {
        assert!(make(state, world, NOW + 1, operation, &input).is_some(), "{operation}");
    }
}

/// Everything that a client can see of a world
fn shown(world: &World) -> String {
    let mut world = world.clone();
    let mut shown = format!("{:?}", world.account_of("ASIA"));
    for (account, region) in [(ACCOUNT, REGION), (ACCOUNT, "eu-west-1"), ("444455556666", REGION)] {
        let mut ask = |operation: &str, input: Value| {
            let output =
                world.call(NOW + 2, &Request { caller: account, region, operation, input: &input }).unwrap();
            shown += &output.to_string();
            output
        };
        ask("ListAliases", json!({"Limit": 100}));
        ask("ListOrganizationalUnitsForParent", json!({"ParentId": "ou-ab12-34567890"}));
        ask("ListAccountsForParent", json!({"ParentId": "ou-ab12-56789012"}));
        let keys = ask("ListKeys", json!({}));
        for key in keys["Keys"].as_array().unwrap() {
            for operation in ["DescribeKey", "ListResourceTags", "GetKeyPolicy"] {
                ask(operation, json!({"KeyId": key["KeyId"]}));
            }
        }
    }
    shown
}

#[test]
fn a_world_survives_a_clean_end_and_leaves_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("STATE.json");
    let (mut state, mut world) = open(&path);
    change(&mut state, &mut world);
    state.close(&world).unwrap();
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
    assert_eq!(shown(&open(&path).1), shown(&world));
}

#[test]
fn a_small_world_is_in_the_file_after_each_change() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("STATE.json");
    let (mut state, mut world) = open(&path);
    let input = json!({"AliasName": "alias/app/new", "TargetKeyId": BILLING});
    make(&mut state, &mut world, NOW, "CreateAlias", &input).unwrap();
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let alias = &kept["accounts"][ACCOUNT][REGION]["aliases"]["alias/app/new"];
    assert_eq!(alias, &json!({"target": BILLING, "created": NOW, "updated": NOW}));
}

/// A world of more than the size up to which the file is written anew each time
fn large() -> World {
    let mut world = starting_world();
    for n in 0..2_000 {
        world.put_alias(&home(), &format!("alias/load/{n}"), Some(EXPORT), 1);
    }
    world
}

#[test]
fn a_large_world_survives_a_kill_and_a_torn_last_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("STATE.json");
    let (mut state, mut world) = StateFile::open(&path, large).unwrap();
    let before = std::fs::read_to_string(&path).unwrap();
    change(&mut state, &mut world);
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        before,
        "a large world is not written for each change"
    );
    drop(state);
    let journal = directory.path().join("STATE.json.journal");
    let torn = std::fs::read_to_string(&journal).unwrap() + "{\"revision\": 9";
    std::fs::write(&journal, torn).unwrap();
    let (state, again) = open(&path);
    assert_eq!(shown(&again), shown(&world));
    drop(state);
    // what the snapshot now holds is skipped, should the journal come back
    assert_eq!(shown(&open(&path).1), shown(&world));
}

#[test]
fn a_journal_that_was_not_emptied_is_not_played_twice() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("STATE.json");
    let (mut state, mut world) = StateFile::open(&path, large).unwrap();
    change(&mut state, &mut world);
    let journal = directory.path().join("STATE.json.journal");
    let lines = std::fs::read_to_string(&journal).unwrap();
    state.close(&world).unwrap();
    std::fs::write(&journal, lines).unwrap();
    assert_eq!(shown(&open(&path).1), shown(&world));
}

#[test]
fn keys_whose_time_came_stay_gone_even_if_a_refused_call_found_out() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("STATE.json");
    let (mut state, mut world) = StateFile::open(&path, large).unwrap();
    let schedule = json!({"KeyId": EXPORT, "PendingWindowInDays": 7});
    make(&mut state, &mut world, NOW, "ScheduleKeyDeletion", &schedule).unwrap();
    let later = NOW + 8 * 86_400_000;
    assert_eq!(make(&mut state, &mut world, later, "DescribeKey", &json!({"KeyId": EXPORT})), None);
    drop(state);
    let again = open(&path).1;
    assert!(again.key(&home(), EXPORT).is_none() && !again.aliases(&home()).contains_key("alias/load/1"));
}

#[test]
fn a_state_belongs_to_one_process_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("STATE.json");
    let (state, _) = open(&path);
    let refused = StateFile::open(&path, starting_world).unwrap_err();
    assert!(matches!(refused, StateError::InUse(_)), "{refused}");
    drop(state);
    open(&path);
}

#[tokio::test]
async fn a_server_that_is_dropped_has_kept_its_state() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("STATE.json");
    let client = |url| super::sandbox::client_at(url, ACCOUNT, REGION);
    let sandbox = start(Some(&path), Scenario::default(), 0).await.unwrap();
    let kms = client(sandbox.endpoint_url());
    kms.create_alias().alias_name("alias/app/new").target_key_id(BILLING).send().await.unwrap();
    sandbox.shutdown().await.unwrap();
    let sandbox = start(Some(&path), Scenario::default(), 0).await.unwrap();
    let kms = client(sandbox.endpoint_url());
    kms.describe_key().key_id("alias/app/new").send().await.unwrap();
    kms.delete_alias().alias_name("alias/app/new").send().await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let kept: Value = serde_json::from_str(&text).unwrap();
    assert!(!kept["accounts"].to_string().contains("alias/app/new"));
    // The trail has both writes, though there were two servers.
    let names = kept["trail"].as_array().unwrap().iter().map(|event| event["name"].as_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["CreateAlias", "DeleteAlias"]);
}

#[tokio::test]
async fn the_trail_of_a_large_world_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("STATE.json");
    let (state, world) = StateFile::open(&path, large).unwrap();
    state.close(&world).unwrap();
    let at = |url| super::sandbox::client_at(url, ACCOUNT, REGION);
    let sandbox = start(Some(&path), Scenario::default(), 0).await.unwrap();
    at(sandbox.endpoint_url()).delete_alias().alias_name("alias/load/7").send().await.unwrap();
    drop(sandbox);
    let (state, mut world) = loop {
        // The connection that was open may hold the journal for a moment.
        match StateFile::open(&path, starting_world) {
            Err(StateError::InUse(_)) => tokio::task::yield_now().await,
            opened => break opened.unwrap(),
        }
    };
    let attribute = json!([{"AttributeKey": "EventName", "AttributeValue": "DeleteAlias"}]);
    let input = json!({"LookupAttributes": attribute});
    let request = Request { caller: ACCOUNT, region: REGION, operation: "LookupEvents", input: &input };
    let found = world.call(u64::MAX / 2, &request).unwrap();
    assert_eq!(found["Events"], json!([]), "not older than ninety days");
    drop(state);
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(kept["trail"][0]["input"]["AliasName"], "alias/load/7", "once: {}", kept["trail"]);
    assert_eq!(kept["trail"].as_array().unwrap().len(), 1);
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[test]
fn a_state_is_for_its_owner_alone_unless_its_owner_said_otherwise() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("STATE.json");
    let (mut state, mut world) = open(&path);
    assert_eq!((mode(&path), mode(&directory.path().join("STATE.json.journal"))), (0o600, 0o600));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    change(&mut state, &mut world);
    assert_eq!(mode(&path), 0o644);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_state_is_followed_and_stays() {
    let [far, near] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (real, link) = (far.path().join("real.json"), near.path().join("STATE.json"));
    let (state, world) = open(&real);
    state.close(&world).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let (mut state, mut world) = open(&link);
    change(&mut state, &mut world);
    state.close(&world).unwrap();
    assert!(link.is_symlink() && real.is_file() && !real.is_symlink());
    assert_eq!(shown(&open(&real).1), shown(&world));
}

#[cfg(unix)]
#[test]
fn nothing_beside_a_state_is_written_through_a_link() {
    use std::os::unix::fs::symlink;
    for (name, stays) in [("STATE.json.new", true), ("STATE.json.journal", false), ("STATE.json", false)] {
        let directory = tempfile::tempdir().unwrap();
        let (state, mine) = (directory.path().join("STATE.json"), directory.path().join("mine"));
        std::fs::write(&mine, "").unwrap();
        symlink(&mine, directory.path().join(name)).unwrap();
        let opened = StateFile::open(&state, starting_world);
        assert_eq!(opened.is_ok(), stays, "{name}: {opened:?}");
        assert_eq!(std::fs::read_to_string(&mine).unwrap(), "", "{name}");
        // A link that leads nowhere makes nothing there.
        std::fs::remove_file(&mine).unwrap();
        drop(opened);
        let _ = StateFile::open(&state, starting_world);
        assert!(!mine.exists(), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_state_that_is_no_file_or_has_no_end_is_refused_before_it_is_read() {
    for path in ["/dev/zero", "/dev"] {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("STATE.json");
        std::os::unix::fs::symlink(path, &link).unwrap();
        assert!(matches!(StateFile::open(&link, starting_world), Err(StateError::File(..))), "{path}");
    }
}

#[test]
fn a_state_that_is_refused_is_told_with_what_helps_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |name: &str| StateFile::open(&directory.path().join(name), starting_world).unwrap_err();
    let whole = |accounts: &str| {
        format!(r#"{{"format_version": "1.0", "revision": 0, "identifiers": 0, "accounts": {accounts}}}"#)
    };
    for (text, told) in [
        ("", "it is empty"),
        ("hello", "it is no JSON: expected value at line 1 column 1"),
        ("[]", "it has no format_version, as every state has"),
        (r#"{"format_version": "9.0"}"#, r#"format_version is "9.0", and this program reads "1.0""#),
        (&whole(r#"{"4444": {}}"#), r#"`accounts` has "4444", and an account id has twelve digits"#),
        (
            &whole(r#"{"444455556666": {"us": {"keys": {}, "aliases": {}}}}"#),
            r#"account 444455556666 has "us""#,
        ),
        (&whole("[]"), "at line 1 column"),
        (r#"{"format_version": "1.0", "revison": 1}"#, "unknown field `revison`"),
    ] {
        std::fs::write(directory.path().join("STATE.json"), text).unwrap();
        let error = refused("STATE.json");
        assert!(error.to_string().contains(told) && error.to_string().contains("STATE.json"), "{error}");
        assert!(error.hint().unwrap().contains("name a file that is not there"), "{error}");
        let left: Vec<_> =
            std::fs::read_dir(directory.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert_eq!(left, ["STATE.json"], "{text}");
        assert_eq!(std::fs::read_to_string(directory.path().join("STATE.json")).unwrap(), text);
    }
    for (name, hint) in
        [("missing/STATE.json", "make its folder first"), (".", "as in --sandbox=FOLDER/state.json")]
    {
        assert!(refused(name).hint().unwrap().contains(hint), "{name}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_with_what_helps() {
    let first = start(None, Scenario::default(), 0).await.unwrap();
    let port = first.endpoint_url().rsplit(':').next().unwrap().parse().unwrap();
    let error = start(None, Scenario::default(), port).await.unwrap_err();
    assert!(error.hint().unwrap().contains("name another --port"), "{error}");
}
