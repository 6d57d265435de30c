//! The rules of the embedded KMS, in-process: exact error texts, key states, paging, dates. No clock: each call is given its time.

use std::collections::BTreeSet;

use kms_alias::sandbox::{
    Home, Key, KeyState, Lag, Reply, Request, Scenario, Service, ServiceError, World, starting_world,
};
use proptest::strategy::Strategy;
use serde_json::{Value, json};

pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "us-east-1";
pub const PLAIN: &str = "11111111-0000-4000-8000-000000000001";
pub const OTHER: &str = "22222222-0000-4000-8000-000000000002";
const SIGNING: &str = "33333333-0000-4000-8000-000000000003";
const LEAVING: &str = "44444444-0000-4000-8000-000000000004";
const MANAGED: &str = "55555555-0000-4000-8000-000000000005";
const HMAC: &str = "66666666-0000-4000-8000-000000000006";
const UNKNOWN: &str = "99999999-0000-4000-8000-000000000009";
const LONG_AGO: u64 = 1_000;
pub const NOW: u64 = 1_000_000;

pub fn home() -> Home {
    Home::new(ACCOUNT, REGION)
}

pub fn arn(key: &str) -> String {
    home().key_arn(key)
}

/// A few keys of all sorts, and `alias/app/x` on the first
pub fn world() -> World {
    let mut world = World::default();
    for id in [PLAIN, OTHER] {
        world.put_key(&home(), Key::new(id));
    }
    world.put_key(&home(), Key::new(SIGNING).of_kind("RSA_2048", "SIGN_VERIFY"));
    world.put_key(&home(), Key::new(HMAC).of_kind("HMAC_256", "GENERATE_VERIFY_MAC"));
    world.put_key(&home(), Key::new(LEAVING).in_state(KeyState::PendingDeletion));
    world.put_key(&home(), Key { aws_managed: true, ..Key::new(MANAGED) });
    world.put_alias(&home(), "alias/app/x", Some(PLAIN), LONG_AGO);
    world
}

pub fn call(world: &mut World, at: u64, operation: &str, input: &Value) -> Result<Value, ServiceError> {
    world.call(at, &Request { caller: ACCOUNT, region: REGION, operation, input })
}

fn refusal(operation: &str, input: &Value) -> String {
    match call(&mut world(), NOW, operation, input) {
        Ok(output) => format!("accepted: {output}"),
        Err(error) => format!("{} {}: {}", error.status, error.code, error.message),
    }
}

pub fn reply(service: &mut Service, at: u64, operation: &str, input: &Value) -> Reply {
    service.answer(at, &Request { caller: ACCOUNT, region: REGION, operation, input }).reply
}

pub fn answer(service: &mut Service, at: u64, operation: &str, input: &Value) -> Result<Value, ServiceError> {
    match reply(service, at, operation, input) {
        Reply::Whole(result) => result,
        other => panic!("{other:?}"),
    }
}

#[test]
fn names_are_refused_in_the_services_words() {
    let pattern =
        "failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$";
    let long = format!("alias/{}", "x".repeat(251));
    for (name, words) in [
        (
            "app/x",
            "400 ValidationException: Alias must start with the prefix \"alias/\". Please see \
             https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
                .to_owned(),
        ),
        (
            "alias/a b",
            format!("400 ValidationException: 1 validation error detected: Value 'alias/a b' at 'aliasName' {pattern}"),
        ),
        (
            "alias/my:alias",
            "400 ValidationException: alias/my:alias contains invalid characters for an alias".to_owned(),
        ),
        ("alias/aws/mine", "400 NotAuthorizedException: ".to_owned()),
        (
            "",
            "400 ValidationException: 1 validation error detected: Value '' at 'aliasName' failed to satisfy \
             constraint: Member must have length greater than or equal to 1"
                .to_owned(),
        ),
        (
            &long,
            format!(
                "400 ValidationException: 1 validation error detected: Value '{long}' at 'aliasName' failed to \
                 satisfy constraint: Member must have length less than or equal to 256"
            ),
        ),
    ] {
        for operation in ["CreateAlias", "UpdateAlias", "DeleteAlias"] {
            let input = json!({"AliasName": name, "TargetKeyId": PLAIN});
            assert_eq!(refusal(operation, &input), words, "{operation} {name}");
        }
    }
}

#[test]
fn every_broken_constraint_is_in_one_sentence() {
    assert_eq!(
        refusal("CreateAlias", &json!({"AliasName": "!", "TargetKeyId": null})),
        "400 ValidationException: 2 validation errors detected: Value '!' at 'aliasName' failed to satisfy \
         constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$; Value null at 'targetKeyId' \
         failed to satisfy constraint: Member must not be null"
    );
    let wrong = refusal("CreateAlias", &json!({"AliasName": 5}));
    assert_eq!(wrong, "400 SerializationException: NUMBER_VALUE can not be converted to a String");
}

#[test]
fn targets_are_refused_in_the_services_words() {
    let user =
        format!("User: arn:aws:iam::{ACCOUNT}:user/sandbox is not authorized to perform: kms:CreateAlias");
    let policy = "because the resource does not exist in this Region, no resource-based policies allow access, or a \
                  resource-based policy explicitly denies access";
    let foreign = format!("arn:aws:kms:us-east-1:999999999999:key/{PLAIN}");
    for (target, words) in [
        (UNKNOWN, format!("NotFoundException: Key '{}' does not exist", arn(UNKNOWN))),
        (&arn(UNKNOWN), format!("NotFoundException: Key '{}' does not exist", arn(UNKNOWN))),
        ("xyz", "NotFoundException: Invalid keyId 'xyz'".to_owned()),
        (
            &format!("arn:aws:kms:ap-southeast-1:{ACCOUNT}:key/{PLAIN}"),
            "NotFoundException: Invalid arn ap-southeast-1".to_owned(),
        ),
        (
            &format!("arn:aws-cn:kms:us-east-1:{ACCOUNT}:key/{PLAIN}"),
            "NotFoundException: Invalid arn aws-cn".to_owned(),
        ),
        ("arn:aws:s3:::bucket", "InvalidArnException: Invalid arn arn:aws:s3:::bucket".to_owned()),
        (&foreign, format!("AccessDeniedException: {user} on resource: {foreign} {policy}")),
        (MANAGED, format!("AccessDeniedException: {user} on resource: {} {policy}", arn(MANAGED))),
        ("alias/app/x", "ValidationException: Aliases must refer to keys. Not aliases".to_owned()),
        (
            &home().alias_arn("alias/app/x"),
            "ValidationException: Aliases must refer to keys. Not aliases".to_owned(),
        ),
        (LEAVING, format!("KMSInvalidStateException: {} is pending deletion.", arn(LEAVING))),
    ] {
        let input = json!({"AliasName": "alias/app/new", "TargetKeyId": target});
        assert_eq!(refusal("CreateAlias", &input), format!("400 {words}"), "{target}");
    }
}

#[test]
fn what_exists_and_what_does_not_is_refused_in_the_services_words() {
    let exists = format!("An alias with the name arn:aws:kms:us-east-1:{ACCOUNT}:alias/app/x already exists");
    let missing = format!("Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/app/y is not found.");
    for (operation, input, words) in [
        ("CreateAlias", json!({"AliasName": "alias/app/x", "TargetKeyId": OTHER}), format!("AlreadyExistsException: {exists}")),
        ("UpdateAlias", json!({"AliasName": "alias/app/y", "TargetKeyId": OTHER}), format!("NotFoundException: {missing}")),
        ("DeleteAlias", json!({"AliasName": "alias/app/y"}), format!("NotFoundException: {missing}")),
        ("DescribeKey", json!({"KeyId": "alias/app/y"}), format!("NotFoundException: {missing}")),
        ("DescribeKey", json!({"KeyId": "alias/aws/nonsense"}), format!("NotFoundException: Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/aws/nonsense is not found.")),
        ("ListAliases", json!({"KeyId": "alias/app/x"}), "NotFoundException: Invalid keyId 'alias/app/x'".to_owned()),
        ("ListAliases", json!({"Marker": "nonsense"}), "InvalidMarkerException: Could not deserialize marker".to_owned()),
        ("ListAliases", json!({"Limit": 101}), "ValidationException: 1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100".to_owned()),
        ("ListAliases", json!({"Limit": 0}), "ValidationException: 1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1".to_owned()),
        ("CreateKey", json!({"KeySpec": "HMAC_256", "KeyUsage": "SIGN_VERIFY"}), "ValidationException: KeyUsage SIGN_VERIFY is not compatible with KeySpec HMAC_256".to_owned()),
        ("EnableKey", json!({"KeyId": LEAVING}), format!("KMSInvalidStateException: {} is pending deletion.", arn(LEAVING))),
        ("CancelKeyDeletion", json!({"KeyId": PLAIN}), format!("KMSInvalidStateException: {} is not pending deletion.", arn(PLAIN))),
        ("Encrypt", json!({}), "UnknownOperationException: the embedded KMS has no operation \"Encrypt\"".to_owned()),
    ] {
        assert_eq!(refusal(operation, &input), format!("400 {words}"), "{operation} {input}");
    }
}

#[test]
fn an_alias_moves_only_within_its_family_and_usage_and_only_to_a_key_that_stays() {
    let mut world = world();
    world.put_key(&home(), Key::new(UNKNOWN).of_kind("ECC_NIST_P256", "SIGN_VERIFY"));
    world.put_alias(&home(), "alias/app/sign", Some(SIGNING), LONG_AGO);
    world.put_alias(&home(), "alias/app/leaving", Some(LEAVING), LONG_AGO);
    for (alias, key, code) in [
        ("alias/app/x", OTHER, None),
        ("alias/app/x", SIGNING, Some("ValidationException")),
        ("alias/app/x", HMAC, Some("ValidationException")),
        ("alias/app/x", LEAVING, Some("KMSInvalidStateException")),
        ("alias/app/sign", UNKNOWN, None),
        ("alias/app/leaving", OTHER, None),
    ] {
        let input = json!({"AliasName": alias, "TargetKeyId": key});
        let refused = call(&mut world, NOW, "UpdateAlias", &input).err().map(|error| error.code.into_owned());
        assert_eq!(refused.as_deref(), code, "{alias} -> {key}");
    }
}

#[test]
fn aliases_may_point_at_keys_in_every_state_but_those_that_leave() {
    for state in KeyState::ALL {
        let mut world = world();
        world.set_key_state(&home(), OTHER, state);
        let input = json!({"AliasName": "alias/app/new", "TargetKeyId": OTHER});
        let created = call(&mut world, NOW, "CreateAlias", &input);
        assert_eq!(created.is_ok(), !state.is_leaving(), "{state}");
        world.put_alias(&home(), "alias/app/new", Some(OTHER), NOW);
        assert!(call(&mut world, NOW, "DescribeKey", &json!({"KeyId": "alias/app/new"})).is_ok());
        assert!(call(&mut world, NOW, "DeleteAlias", &json!({"AliasName": "alias/app/new"})).is_ok());
    }
}

#[test]
fn a_key_takes_fifty_aliases_and_awss_own_do_not_count() {
    let mut world = world();
    for n in 1..50 {
        world.put_alias(&home(), &format!("alias/app/{n}"), Some(PLAIN), LONG_AGO);
    }
    let words = "Aliases per key quota for this account in this region is 50, current usage is 50.";
    let create = json!({"AliasName": "alias/app/more", "TargetKeyId": PLAIN});
    let refused = call(&mut world, NOW, "CreateAlias", &create).unwrap_err();
    assert_eq!((&*refused.code, &*refused.message), ("LimitExceededException", words));
    world.put_alias(&home(), "alias/app/far", Some(OTHER), LONG_AGO);
    let update = json!({"AliasName": "alias/app/far", "TargetKeyId": PLAIN});
    assert_eq!(call(&mut world, NOW, "UpdateAlias", &update).unwrap_err().code, "LimitExceededException");
    call(&mut world, NOW, "DeleteAlias", &json!({"AliasName": "alias/app/1"})).unwrap();
    call(&mut world, NOW, "CreateAlias", &create).unwrap();
}

#[test]
fn dates_tell_creation_from_retargeting_and_targets_are_bare_ids() {
    let mut world = world();
    let input = json!({"AliasName": "alias/app/x", "TargetKeyId": arn(OTHER)});
    call(&mut world, NOW + 250, "UpdateAlias", &input).unwrap();
    let page = call(&mut world, NOW + 300, "ListAliases", &json!({"KeyId": arn(OTHER)})).unwrap();
    let expected = json!({
        "AliasName": "alias/app/x",
        "AliasArn": "arn:aws:kms:us-east-1:111122223333:alias/app/x",
        "TargetKeyId": OTHER,
        "CreationDate": 1.0,
        "LastUpdatedDate": 1000.25,
    });
    assert_eq!(page, json!({"Aliases": [expected], "Truncated": false}));
}

#[test]
fn describing_a_predefined_alias_gives_it_a_key() {
    let mut world = world();
    assert_eq!(world.aliases(&home())["alias/aws/ebs"], None);
    let found = call(&mut world, NOW, "DescribeKey", &json!({"KeyId": "alias/aws/ebs"})).unwrap();
    assert_eq!(found["KeyMetadata"]["KeyManager"], "AWS");
    let id = found["KeyMetadata"]["KeyId"].as_str().map(str::to_owned);
    assert_eq!(world.aliases(&home())["alias/aws/ebs"], id);
}

#[test]
fn a_key_takes_its_aliases_along_when_its_time_has_come() {
    const DAY: u64 = 86_400_000;
    let mut world = world();
    let input = json!({"KeyId": PLAIN, "PendingWindowInDays": 7});
    let scheduled = call(&mut world, NOW, "ScheduleKeyDeletion", &input).unwrap();
    assert_eq!(
        (&scheduled["KeyId"], &scheduled["KeyState"]),
        (&json!(arn(PLAIN)), &json!("PendingDeletion"))
    );
    let describe = json!({"KeyId": "alias/app/x"});
    let waiting = call(&mut world, NOW + 7 * DAY - 1, "DescribeKey", &describe).unwrap();
    assert_eq!(waiting["KeyMetadata"]["KeyState"], "PendingDeletion");
    assert!(call(&mut world, NOW + 7 * DAY, "DescribeKey", &describe).is_err());
    assert!(world.key(&home(), PLAIN).is_none() && !world.aliases(&home()).contains_key("alias/app/x"));
}

fn many(count: usize) -> World {
    let mut world = world();
    for n in 0..count {
        world.put_alias(&home(), &format!("alias/app/{n:05}"), Some(PLAIN), LONG_AGO);
    }
    world
}

pub fn names(page: &Value) -> Vec<String> {
    let aliases = page["Aliases"].as_array().unwrap();
    aliases.iter().map(|alias| alias["AliasName"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn pages_are_fifty_long_unless_asked_otherwise_and_hold_every_name_once_in_no_useful_order() {
    let mut world = many(240);
    for (limit, expected) in [(json!(null), 50), (json!(100), 100), (json!(7), 7)] {
        let (mut seen, mut marker) = (Vec::new(), Value::Null);
        loop {
            let page =
                call(&mut world, NOW, "ListAliases", &json!({"Limit": limit, "Marker": marker})).unwrap();
            seen.extend(names(&page));
            marker = page["NextMarker"].clone();
            assert_eq!(page["Truncated"], marker.is_string());
            if marker.is_null() {
                break;
            }
            assert_eq!(names(&page).len(), expected);
        }
        let sorted: BTreeSet<_> = seen.iter().cloned().collect();
        assert_eq!((seen.len(), sorted.len()), (251, 251));
        assert!(!sorted.into_iter().eq(seen), "a listing in the order of names invites reliance on it");
    }
}

#[test]
fn a_session_ends_when_its_time_is_over() {
    let mut world = starting_world();
    let input = json!({
        "RoleArn": "arn:aws:iam::444455556666:role/reader", "RoleSessionName": "me", "DurationSeconds": 900,
    });
    let assumed = call(&mut world, NOW, "AssumeRole", &input).unwrap();
    let caller = assumed["Credentials"]["AccessKeyId"].as_str().unwrap();
    let input = json!({"KeyId": "alias/app/billing/db"});
    let mut describe =
        |at| world.call(at, &Request { caller, region: REGION, operation: "DescribeKey", input: &input });
    let found = describe(NOW + 899_999).unwrap();
    assert_eq!(found["KeyMetadata"]["AWSAccountId"], "444455556666");
    let ended = describe(NOW + 900_000).unwrap_err();
    assert_eq!(
        (&*ended.code, &*ended.message),
        ("ExpiredTokenException", "The security token included in the request is expired")
    );
}

#[test]
fn the_same_calls_at_the_same_times_give_the_same_answers() {
    let play = || {
        let mut service = Service::new(starting_world(), Scenario::default());
        for (at, operation, input) in [
            (NOW, "CreateKey", json!({"MultiRegion": true})),
            (NOW + 1, "DescribeKey", json!({"KeyId": "alias/aws/ebs"})),
            (NOW + 2, "ListAliases", json!({})),
            (NOW + 3, "ListKeys", json!({"Limit": 2})),
        ] {
            answer(&mut service, at, operation, &input).unwrap();
        }
        (service.calls().to_vec(), service.world().aliases(&home()))
    };
    assert_eq!(play(), play());
}

proptest::proptest! {
    /// Against the simplest model there is: a map from names to keys
    #[test]
    fn any_row_of_writes_does_what_a_map_would(
        writes in proptest::collection::vec((0..3_usize, 0..4_usize, 0..3_usize, 0..2_000_u64), 1..40),
        lag in 0..5_000_u64,
    ) {
        let mut world = world();
        world.lag = Lag { replicas: vec![lag], ..Lag::default() };
        let mut model = std::collections::BTreeMap::from([("alias/app/x".to_owned(), PLAIN)]);
        let (mut at, mut history) = (NOW, vec![(0, model.clone())]);
        for (operation, name, key, later) in writes {
            at += later;
            let (name, key) = (format!("alias/app/{}", ["x", "y", "z", "w"][name]), [PLAIN, OTHER, SIGNING][key]);
            let here = model.get(&name).copied();
            let fits = here.is_none_or(|here| (here == SIGNING) == (key == SIGNING));
            let (operation, right) = match operation {
                0 => ("CreateAlias", here.is_none()),
                1 => ("UpdateAlias", here.is_some() && fits),
                _ => ("DeleteAlias", here.is_some()),
            };
            let before = world.revision();
            let done = call(&mut world, at, operation, &json!({"AliasName": name, "TargetKeyId": key})).is_ok();
            proptest::prop_assert_eq!((done, world.revision() != before), (right, right));
            match (right, operation) {
                (true, "DeleteAlias") => drop(model.remove(&name)),
                (true, _) => drop(model.insert(name, key)),
                _ => {}
            }
            history.push((at, model.clone()));
            let shown = call(&mut world, at, "ListAliases", &json!({"Limit": 100})).unwrap();
            let shown: std::collections::BTreeMap<_, _> = shown["Aliases"].as_array().unwrap().iter()
                .filter_map(|alias| Some((alias["AliasName"].as_str()?.to_owned(), alias["TargetKeyId"].as_str()?)))
                .collect();
            let then = history.iter().rfind(|(since, _)| *since <= at - lag).map(|(_, model)| model.clone());
            proptest::prop_assert_eq!(Some(shown), then);
        }
    }

    /// Whatever comes in, an answer comes out, and a refusal changes nothing
    #[test]
    fn no_input_brings_the_service_down(
        operation in proptest::sample::select(vec![
            "CreateAlias", "UpdateAlias", "DeleteAlias", "ListAliases", "CreateKey", "DescribeKey", "ListKeys", "EnableKey",
            "DisableKey", "ScheduleKeyDeletion", "CancelKeyDeletion", "TagResource", "UntagResource",
            "ListResourceTags", "GetKeyPolicy", "PutKeyPolicy", "GetCallerIdentity", "AssumeRole",
        ]),
        members in proptest::collection::btree_map(
            proptest::sample::select(vec![
                "AliasName", "TargetKeyId", "KeyId", "Limit", "Marker", "Tags", "Policy", "KeySpec", "RoleArn",
                "RoleSessionName", "PendingWindowInDays", "MultiRegion",
            ]),
            proptest::prop_oneof![
                proptest::strategy::Just(Value::Null), proptest::strategy::Just(json!(true)),
                proptest::strategy::Just(json!([{"TagKey": 1}])), proptest::strategy::Just(json!({"a": {}})),
                proptest::prelude::any::<i64>().prop_map(Value::from), "\\PC{0,12}".prop_map(Value::from),
                "(arn:aws:kms:|alias/|key/|[0-9a-f-]{36}|mrk-|:){0,6}".prop_map(Value::from),
            ],
            0..6,
        ),
        shape in 0..4_u8,
    ) {
        let members: serde_json::Map<_, _> = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let input = match shape {
            0 => Value::Array(members.into_iter().map(|(_, value)| value).collect()),
            _ => members.into(),
        };
        let mut service = Service::new(world(), Scenario::parse("paging: {limit: 2}").unwrap());
        let before = service.world().revision();
        let result = answer(&mut service, NOW, operation, &input);
        proptest::prop_assert!(result.is_ok() || service.world().revision() == before);
    }
}

#[test]
fn a_key_that_was_spared_stays_disabled_and_keeps_its_aliases() {
    let mut world = world();
    call(&mut world, NOW, "ScheduleKeyDeletion", &json!({"KeyId": PLAIN, "PendingWindowInDays": 7})).unwrap();
    call(&mut world, NOW + 1, "CancelKeyDeletion", &json!({"KeyId": PLAIN})).unwrap();
    let found =
        call(&mut world, NOW + 9 * 86_400_000, "DescribeKey", &json!({"KeyId": "alias/app/x"})).unwrap();
    assert_eq!(found["KeyMetadata"]["KeyState"], "Disabled");
    assert_eq!(found["KeyMetadata"]["DeletionDate"], Value::Null);
}

#[test]
fn a_late_replica_does_not_give_a_predefined_alias_a_second_key() {
    let mut world = world();
    world.lag = Lag { replicas: vec![60_000], ..Lag::default() };
    let mut id = |at| {
        let found = call(&mut world, at, "DescribeKey", &json!({"KeyId": "alias/aws/ebs"})).unwrap();
        found["KeyMetadata"]["KeyId"].clone()
    };
    assert_eq!(id(NOW), id(NOW + 1));
}

#[test]
fn a_multi_region_key_names_its_primary_and_its_replicas() {
    let mut world = starting_world();
    let input = json!({"KeyId": "alias/data/lake"});
    let mut describe = |region| {
        let request = Request { caller: ACCOUNT, region, operation: "DescribeKey", input: &input };
        world.call(NOW, &request).unwrap()["KeyMetadata"]["MultiRegionConfiguration"].clone()
    };
    let place = |region: &str| {
        let id = "mrk-1234abcd12ab34cd56ef1234567890ab";
        json!({"Arn": Home::new(ACCOUNT, region).key_arn(id), "Region": region})
    };
    let (primary, replicas) = (place("us-east-1"), [place("eu-west-1")]);
    for (region, kind) in [("us-east-1", "PRIMARY"), ("eu-west-1", "REPLICA")] {
        let expected = json!({"MultiRegionKeyType": kind, "PrimaryKey": primary, "ReplicaKeys": replicas});
        assert_eq!(describe(region), expected, "{region}");
    }
}

#[test]
fn tags_and_keys_come_in_pages_too() {
    let mut world = world();
    for n in 0..50 {
        let tags = json!([{"TagKey": format!("tag-{n:02}"), "TagValue": ""}]);
        call(&mut world, NOW, "TagResource", &json!({"KeyId": PLAIN, "Tags": tags})).unwrap();
    }
    let tags = json!([{"TagKey": "one more", "TagValue": ""}]);
    let refused = call(&mut world, NOW, "TagResource", &json!({"KeyId": PLAIN, "Tags": tags})).unwrap_err();
    assert_eq!(refused.code, "LimitExceededException");
    for (operation, member, limit, sizes) in
        [("ListResourceTags", "Tags", 20, vec![20, 20, 10]), ("ListKeys", "Keys", 4, vec![4, 2])]
    {
        let (mut found, mut marker) = (Vec::new(), Value::Null);
        loop {
            let input = json!({"KeyId": PLAIN, "Limit": limit, "Marker": marker});
            let page = call(&mut world, NOW, operation, &input).unwrap();
            found.push(page[member].as_array().unwrap().len());
            marker = page["NextMarker"].clone();
            if page["Truncated"] == false {
                break;
            }
        }
        assert_eq!(found, sizes, "{operation}");
    }
}

#[test]
fn every_partition_has_its_own_arns() {
    for (region, partition) in [
        ("us-east-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("eusc-de-east-1", "aws-eusc"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
    ] {
        let mut world = World::default();
        let mut call = |operation, input| {
            world.call(NOW, &Request { caller: ACCOUNT, region, operation, input: &input }).unwrap()
        };
        let arn = call("CreateKey", json!({}))["KeyMetadata"]["Arn"].clone();
        assert!(arn.as_str().unwrap().starts_with(&format!("arn:{partition}:kms:{region}:{ACCOUNT}:key/")));
        call("CreateAlias", json!({"AliasName": "alias/x", "TargetKeyId": arn}));
        let me = call("GetCallerIdentity", json!({}))["Arn"].clone();
        assert_eq!(me, format!("arn:{partition}:iam::{ACCOUNT}:user/sandbox"));
    }
}
