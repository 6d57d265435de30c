//! How the embedded KMS misbehaves, in-process: lag, quotas, faults, wrong markers. No clock: each call is given its time.

use kms_alias::sandbox::{Effect, Fault, Lag, PagingDefect, Reply, Request, Scenario, Service, ServiceError};
use serde_json::{Value, json};

use super::sandbox_rules::{
    ACCOUNT, NOW, OTHER, PLAIN, REGION, answer, arn, call, home, names, reply, world,
};

#[test]
fn replicas_answer_in_turn_each_as_late_as_it_is() {
    let mut world = world();
    world.lag = Lag { replicas: vec![0, 30_000], ..Lag::default() };
    let create = json!({"AliasName": "alias/app/new", "TargetKeyId": PLAIN});
    call(&mut world, NOW, "CreateAlias", &create).unwrap();
    assert_eq!(call(&mut world, NOW, "CreateAlias", &create).unwrap_err().code, "AlreadyExistsException");
    let mut shows = |at| {
        let page = call(&mut world, at, "ListAliases", &json!({"Limit": 100})).unwrap();
        let probe = call(&mut world, at, "DescribeKey", &json!({"KeyId": "alias/app/new"}));
        (names(&page).contains(&"alias/app/new".to_owned()), probe.is_ok())
    };
    let seen: Vec<_> =
        [0, 1, 2, 29_999, 30_000, 30_001].into_iter().map(|after| shows(NOW + after)).collect();
    let (yes, no) = ((true, true), (false, false));
    assert_eq!(seen, [yes, no, yes, no, yes, yes]);
}

#[test]
fn a_late_replica_still_shows_the_old_target_and_the_deleted_alias() {
    let mut world = world();
    world.lag = Lag { replicas: vec![10_000], ..Lag::default() };
    call(&mut world, NOW, "UpdateAlias", &json!({"AliasName": "alias/app/x", "TargetKeyId": OTHER})).unwrap();
    call(&mut world, NOW + 5_000, "DeleteAlias", &json!({"AliasName": "alias/app/x"})).unwrap();
    let mut target = |at| {
        let found = call(&mut world, at, "DescribeKey", &json!({"KeyId": "alias/app/x"}));
        found.ok().and_then(|key| key["KeyMetadata"]["KeyId"].as_str().map(str::to_owned))
    };
    assert_eq!(target(NOW + 9_999).as_deref(), Some(PLAIN));
    assert_eq!(target(NOW + 10_000).as_deref(), Some(OTHER));
    assert_eq!(target(NOW + 14_999).as_deref(), Some(OTHER));
    assert_eq!(target(NOW + 15_000), None);
}

#[test]
fn a_listing_stays_on_the_replica_that_served_its_first_page() {
    let mut world = world();
    world.lag = Lag { replicas: vec![0, 60_000], ..Lag::default() };
    for n in 0..40 {
        let input = json!({"AliasName": format!("alias/new/{n}"), "TargetKeyId": OTHER});
        call(&mut world, NOW, "CreateAlias", &input).unwrap();
    }
    let total = world.aliases(&home()).len();
    let mut whole = || {
        let (mut count, mut marker) = (0, Value::Null);
        loop {
            let page =
                call(&mut world, NOW + 1, "ListAliases", &json!({"Limit": 3, "Marker": marker})).unwrap();
            count += names(&page).len();
            marker = page["NextMarker"].clone();
            if marker.is_null() {
                return count;
            }
        }
    };
    assert_eq!([whole(), whole(), whole()], [total, 11, total]);
}

#[test]
fn one_alias_may_be_later_than_the_others_and_new_keys_later_still() {
    let text = "lag: {replicas: [0s], aliases: [{match: alias/slow/*, replicas: [2m]}], new_keys: 5s}";
    let mut service = Service::new(world(), Scenario::parse(text).unwrap());
    let create = json!({"AliasName": "alias/slow/a", "TargetKeyId": PLAIN});
    assert!(answer(&mut service, NOW, "CreateAlias", &create).is_ok());
    let probe = json!({"KeyId": "alias/slow/a"});
    assert!(answer(&mut service, NOW + 119_999, "DescribeKey", &probe).is_err());
    assert!(answer(&mut service, NOW + 120_000, "DescribeKey", &probe).is_ok());
    let key = answer(&mut service, NOW, "CreateKey", &json!({})).unwrap()["KeyMetadata"]["KeyId"].clone();
    let create = json!({"AliasName": "alias/app/fresh", "TargetKeyId": key});
    assert!(answer(&mut service, NOW, "DescribeKey", &json!({"KeyId": key})).is_ok());
    let early = answer(&mut service, NOW + 4_999, "CreateAlias", &create).unwrap_err();
    assert_eq!(early.message, format!("Key '{}' does not exist", arn(key.as_str().unwrap())));
    assert!(answer(&mut service, NOW + 5_000, "CreateAlias", &create).is_ok());
}

#[test]
fn over_the_quota_is_throttled_in_the_services_words() {
    let mut service = Service::new(world(), Scenario { service_quotas: true, ..Scenario::default() });
    let mut create = |n: u64, at| {
        let input = json!({"AliasName": format!("alias/app/{n}"), "TargetKeyId": PLAIN});
        answer(&mut service, at, "CreateAlias", &input).err()
    };
    for n in 0..5 {
        assert_eq!(create(n, NOW + n), None);
    }
    let throttled = create(5, NOW + 999).unwrap();
    let words = "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";
    assert_eq!(
        (throttled.status, &*throttled.code, &*throttled.message),
        (400, "ThrottlingException", words)
    );
    assert_eq!(create(5, NOW + 1000), None);
}

#[test]
fn faults_fire_when_they_are_due_and_say_what_they_did() {
    let after_change = |effect| Fault { after_change: true, ..Fault::new("CreateAlias", effect).times(1) };
    let denied = ServiceError::refused(
        "AccessDeniedException",
        "User: arn:aws:iam::111122223333:user/sandbox is not authorized to perform: kms:CreateAlias on resource: \
         arn:aws:kms:us-east-1:111122223333:alias/app/new because no identity-based policy allows the \
         kms:CreateAlias action",
    );
    let internal = "The request was rejected because an internal exception occurred.";
    let timeout = "The system timed out while trying to fulfill the request.";
    let fault = |effect| Fault::new("CreateAlias", effect);
    for (fault, expected, made) in [
        (fault(Effect::DropResponse), Reply::Closed, true),
        (fault(Effect::DropRequest), Reply::Closed, false),
        (fault(Effect::Malformed), Reply::Malformed, true),
        (fault(Effect::Truncated), Reply::Truncated(Value::Null), true),
        (fault(Effect::Silent), Reply::Silence, false),
        (after_change(Effect::Silent), Reply::Silence, true),
        (fault(Effect::AccessDenied), Reply::Whole(Err(denied)), false),
        (
            after_change(Effect::Internal),
            Reply::Whole(Err(ServiceError::fault("KMSInternalException", internal))),
            true,
        ),
        (
            fault(Effect::DependencyTimeout),
            Reply::Whole(Err(ServiceError::fault("DependencyTimeoutException", timeout))),
            false,
        ),
        (fault(Effect::Throttle).after(1), Reply::Whole(Ok(Value::Null)), true),
    ] {
        let mut service =
            Service::new(world(), Scenario { faults: vec![fault.clone()], ..Scenario::default() });
        let input = json!({"AliasName": "alias/app/new", "TargetKeyId": PLAIN});
        assert_eq!(reply(&mut service, NOW, "CreateAlias", &input), expected, "{fault:?}");
        assert_eq!(service.world().aliases(&home()).contains_key("alias/app/new"), made, "{fault:?}");
        let logged = &service.calls()[0];
        assert_eq!(logged.result == Some(Ok(())), made, "{fault:?}");
        assert_eq!(logged.delivered, matches!(expected, Reply::Whole(_)));
    }
}

#[test]
fn faults_count_the_calls_that_match_them() {
    let text = "faults: [{operation: DescribeKey, alias: 'alias/app/*', after: 2, every: 3, times: 2, effect: throttle}]";
    let mut service = Service::new(world(), Scenario::parse(text).unwrap());
    let mut fails = |key: &str| answer(&mut service, NOW, "DescribeKey", &json!({"KeyId": key})).is_err();
    let outcomes: Vec<bool> = (0..12).map(|_| !fails(PLAIN) && fails("alias/app/x")).collect();
    let failed: Vec<usize> = (0..12).filter(|n| outcomes[*n]).collect();
    assert_eq!(failed, [2, 5]);
    assert_eq!(service.count()["DescribeKey"], 24);
}

#[test]
fn chances_are_the_same_for_the_same_seed() {
    let failures = |seed: u64| {
        let text = format!("seed: {seed}\nfaults: [{{probability: 0.3, effect: internal}}]");
        let mut service = Service::new(world(), Scenario::parse(&text).unwrap());
        let fails = |_| answer(&mut service, NOW, "ListKeys", &json!({})).is_err();
        (0..200).map(fails).collect::<Vec<bool>>()
    };
    assert_eq!(failures(1), failures(1));
    assert_ne!(failures(1), failures(2));
    let count = failures(1).into_iter().filter(|failed| *failed).count();
    assert!((30..90).contains(&count), "{count} of 200");
}

#[test]
fn latencies_add_up_and_leave_the_answer_alone() {
    let text =
        "latency: 20ms\nfaults: [{effect: {latency: 1s}}, {operation: ListKeys, effect: {latency: 300ms}}]";
    let mut service = Service::new(world(), Scenario::parse(text).unwrap());
    let input = json!({});
    let answer = service
        .answer(NOW, &Request { caller: ACCOUNT, region: REGION, operation: "ListKeys", input: &input });
    assert_eq!(answer.delay.as_millis(), 1320);
    assert!(matches!(answer.reply, Reply::Whole(Ok(_))));
}

#[test]
fn markers_can_be_wrong_in_every_way_a_client_must_survive() {
    let page = |defect, marker: Value| {
        let mut scenario = Scenario::default();
        (scenario.paging.limit, scenario.paging.defect) = (Some(3), Some(defect));
        let mut service = Service::new(world(), scenario);
        let first =
            answer(&mut service, NOW, "ListAliases", &json!({"Limit": 100, "Marker": marker})).unwrap();
        assert_eq!(names(&first).len(), 3);
        (first["Truncated"] == true, first["NextMarker"].as_str().map(str::to_owned))
    };
    let (truncated, first) = page(PagingDefect::RepeatedMarker, Value::Null);
    let first = first.unwrap();
    assert!(truncated);
    assert_eq!(page(PagingDefect::RepeatedMarker, json!(first)), (true, Some(first.clone())));
    assert_eq!(page(PagingDefect::MissingMarker, Value::Null), (true, None));
    assert_eq!(page(PagingDefect::EmptyMarker, Value::Null), (true, Some(String::new())));
    assert_eq!(page(PagingDefect::StrayMarker, Value::Null), (false, Some(first)));
}

#[test]
fn one_role_may_be_out_of_reach_while_the_others_are_not() {
    let text = "faults: [{role: 'arn:aws:iam::444455556666:role/**', effect: access-denied}]";
    let mut service = Service::new(world(), Scenario::parse(text).unwrap());
    let mut assume = |account: &str| {
        let role = format!("arn:aws:iam::{account}:role/reader");
        answer(&mut service, NOW, "AssumeRole", &json!({"RoleArn": role, "RoleSessionName": "me"}))
    };
    assert!(assume("222233334444").is_ok());
    assert_eq!(
        assume("444455556666").unwrap_err().message,
        "User: arn:aws:iam::111122223333:user/sandbox is not authorized to perform: sts:AssumeRole on resource: \
         arn:aws:iam::444455556666:role/reader because no identity-based policy allows the sts:AssumeRole action"
    );
}

#[test]
fn a_service_gets_well_again() {
    let text = "service_quotas: true\nlag: {replicas: [1h]}\nfaults: [{effect: throttle}]";
    let mut service = Service::new(world(), Scenario::parse(text).unwrap());
    let probe = json!({"KeyId": "alias/app/x"});
    assert!(answer(&mut service, NOW, "DescribeKey", &probe).is_err());
    service.play(Scenario::parse("# nothing").unwrap());
    assert!(answer(&mut service, NOW, "DescribeKey", &probe).is_ok());
}
