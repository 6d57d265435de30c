//! Apply and verify on FakeKms under paused time: what becomes of each action when the service, or somebody else, gets in the
//! way.

use std::sync::Mutex;
use std::time::Duration;

use kms_alias::apply::{Applied, Outcome, Reason, Step, Tools};
use kms_alias::cli::exit::Exit;
use kms_alias::converge::{Event, Report, converge};
use kms_alias::kms::Fault as Meaning;
use kms_alias::pace::Lanes;
use kms_alias::plan::{Action, Policy};
use kms_alias::poll::{Patience, now, wait};
use kms_alias::prepare::{Prepared, prepare};
use kms_alias::render::report::{Told, report as render};
use kms_alias::render::style::Palette;
use kms_alias::sandbox::{Delay, Effect, ErrorPlan, Fault, Glob, KeyState, LagPlan, Scenario};
use kms_alias::target::{Rates, Target};
use kms_alias::verify::{Aim, Verdict};
use tokio_util::sync::CancellationToken;

use crate::fake::{A, B, C, FakeKms, alias, home, key, target, world};
use crate::ran::run_on;

const NAME: &str = "alias/app/x";

/// Plans on the world as it is, and applies after `between` has changed it
async fn apply_after(kms: &FakeKms, target: &Target, between: impl FnOnce(&FakeKms)) -> Report {
    let prepared = prepare(target, &Policy::of(target), kms).await.unwrap();
    between(kms);
    apply_plan(kms, target, &prepared, &CancellationToken::new(), &|_| {}).await
}

async fn apply_plan(
    kms: &FakeKms,
    target: &Target,
    prepared: &Prepared,
    stop: &CancellationToken,
    done: &(impl Fn(&Applied) + Sync),
) -> Report {
    let (lanes, policy) = (Lanes::new(target.rates), Policy::of(target));
    let tools = Tools { kms, lanes: &lanes, patience: Patience::default(), stop };
    let aim = Aim { target, snapshot: &prepared.snapshot, desired: &prepared.desired, policy: &policy };
    let happened = |event: Event<'_>| {
        if let Event::Step(Step::Ended(applied)) = event {
            done(applied);
        }
    };
    converge(&prepared.plan, &aim, &tools, true, &happened).await
}

async fn apply(kms: &FakeKms, target: &Target) -> Report {
    apply_after(kms, target, |_| {}).await
}

fn outcomes(report: &Report) -> Vec<&Outcome> {
    report.applied.iter().map(|applied| &applied.outcome).collect()
}

fn truth(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned())).collect()
}

/// The three actions, each in a world of its own: what is live, what is declared, the call, and what is live in the end
const ACTIONS: [(&str, Option<&str>, &str, Option<&str>); 3] = [
    ("CreateAlias", None, A, Some(A)),
    ("UpdateAlias", Some(A), B, Some(B)),
    ("DeleteAlias", Some(A), "absent", None),
];

fn misbehaving(live: Option<&str>, fault: Fault) -> FakeKms {
    let live: Vec<_> = live.map(|key| (NAME, key)).into_iter().collect();
    FakeKms::new(world(&live), Scenario { faults: vec![fault], ..Scenario::default() })
}

#[tokio::test(start_paused = true)]
async fn faults_that_pass_are_outlasted_whether_or_not_the_change_was_made() {
    let effects = [
        Effect::Throttle,
        Effect::Internal,
        Effect::DependencyTimeout,
        Effect::DropRequest,
        Effect::DropResponse,
        Effect::Malformed,
        Effect::Truncated,
        Effect::Silent,
    ];
    for (operation, live, declared, after) in ACTIONS {
        for effect in &effects {
            for after_change in [false, true] {
                if after_change && effect == &Effect::Throttle {
                    continue; // a throttle says that nothing was changed
                }
                let fault = Fault { after_change, ..Fault::new(operation, effect.clone()).times(2) };
                let kms = misbehaving(live, fault);
                let report = apply(&kms, &target(&[(NAME, declared)])).await;
                let what = format!("{operation} {effect:?} after_change {after_change}");
                assert!(report.is_complete(), "{what}: {report:?}");
                assert_eq!(outcomes(&report), [&Outcome::Done], "{what}");
                let expected: Vec<_> = after.map(|key| (NAME, key)).into_iter().collect();
                assert_eq!(kms.truth(), truth(&expected), "{what}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_response_is_found_out_by_looking_and_not_by_writing_again() {
    for (operation, live, declared, _) in ACTIONS {
        let kms = misbehaving(live, Fault::new(operation, Effect::DropResponse).times(1));
        let report = apply(&kms, &target(&[(NAME, declared)])).await;
        assert_eq!((outcomes(&report), report.applied[0].attempts), (vec![&Outcome::Done], 1), "{operation}");
        assert_eq!(kms.calls_to(operation).len(), 1, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_did_after_the_plan_is_contested_and_left_alone() {
    for (operation, live, declared, _) in ACTIONS {
        let kms = FakeKms::with(&live.map(|key| (NAME, key)).into_iter().collect::<Vec<_>>());
        let theirs = |kms: &FakeKms| {
            let at = kms.at();
            kms.service().world_mut().put_alias(&home(), NAME, Some(C), at);
        };
        let report = apply_after(&kms, &target(&[(NAME, declared)]), theirs).await;
        assert_eq!(outcomes(&report), [&Outcome::Contested { found: Some(key(C)) }], "{operation}");
        assert!(kms.calls_to(operation).is_empty() && !report.is_complete(), "{operation}");
        assert_eq!(kms.truth(), truth(&[(NAME, C)]), "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_contested_after_a_lost_response_is_not_said_to_have_been_left_alone() {
    for (operation, live, declared, _) in ACTIONS {
        let kms = misbehaving(live, Fault::new(operation, Effect::DropResponse).times(1));
        let target = target(&[(NAME, declared)]);
        let prepared = prepare(&target, &Policy::default(), &kms).await.unwrap();
        let stop = CancellationToken::new();
        let theirs = async {
            while kms.calls_to(operation).is_empty() {
                wait(Duration::from_millis(1), &stop).await;
            }
            let at = kms.at();
            kms.service().world_mut().put_alias(&home(), NAME, Some(C), at);
        };
        let (report, ()) = tokio::join!(apply_plan(&kms, &target, &prepared, &stop, &|_| {}), theirs);
        let told = Told { target: "test", plan: &prepared.plan, report: Ok(&report) };
        let text = render(&[], &[told], &Palette::plain());
        assert!(text.contains("contested") && text.contains("may have been made"), "{operation}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_response_was_lost_before_the_credentials_gave_out_is_not_said_to_be_unattempted() {
    let about = |name: &str, effect| Fault { alias: Some(glob(name)), ..Fault::new("CreateAlias", effect) };
    let faults = vec![about("alias/app/x", Effect::DropResponse), about("alias/app/y", Effect::Expired)];
    let kms = FakeKms::new(world(&[]), Scenario { faults, ..Scenario::default() });
    let report = apply(&kms, &target(&[(NAME, A), ("alias/app/y", A)])).await;
    assert_eq!(report.applied[0].outcome, Outcome::Unverified, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn the_look_comes_just_before_the_turn_however_long_the_queue() {
    let latency = Delay(Duration::from_millis(20));
    let kms = FakeKms::new(world(&[]), Scenario { latency, ..Scenario::default() });
    let names: Vec<String> = (0..6).map(|i| format!("alias/app/{i}")).collect();
    let declared: Vec<_> = names.iter().map(|name| (name.as_str(), A)).collect();
    let slow = Rates { create: 0.1, ..Rates::default() };
    let report = apply(&kms, &Target { rates: slow, ..target(&declared) }).await;
    assert!(report.is_complete(), "{report:?}");
    let looks: Vec<_> = kms.calls_to("DescribeKey").iter().skip(1).map(|call| call.at).collect();
    let writes: Vec<_> = kms.calls_to("CreateAlias").iter().map(|call| call.at).collect();
    let between: Vec<_> = looks.iter().zip(&writes).map(|(look, write)| write - look).collect();
    assert_eq!((looks.len(), between), (6, vec![200; 6]), "milliseconds between each look and its write");
}

#[tokio::test(start_paused = true)]
async fn a_name_taken_between_the_look_and_the_create_is_contested_not_accepted() {
    let taken = ErrorPlan {
        code: "AlreadyExistsException".to_owned(),
        message: "An alias with the name arn:aws:kms:us-east-1:111122223333:alias/app/x already exists"
            .to_owned(),
        status: 400,
    };
    let kms = misbehaving(None, Fault::new("CreateAlias", Effect::Error(taken)).times(1));
    let prepared = prepare(&target(&[(NAME, A)]), &Policy::default(), &kms).await.unwrap();
    let (stop, target) = (CancellationToken::new(), target(&[(NAME, A)]));
    let racing = async {
        // The look before the create has found nothing; before the next look, theirs is there.
        while kms.calls_to("CreateAlias").is_empty() {
            wait(Duration::from_millis(1), &stop).await;
        }
        let at = kms.at();
        kms.service().world_mut().put_alias(&home(), NAME, Some(C), at);
    };
    let (report, ()) = tokio::join!(apply_plan(&kms, &target, &prepared, &stop, &|_| {}), racing);
    assert_eq!(outcomes(&report), [&Outcome::Contested { found: Some(key(C)) }]);
    assert_eq!(kms.truth(), truth(&[(NAME, C)]));
}

#[tokio::test(start_paused = true)]
async fn what_is_already_as_wanted_is_not_written() {
    for (operation, live, declared, after) in ACTIONS {
        let kms = FakeKms::with(&live.map(|key| (NAME, key)).into_iter().collect::<Vec<_>>());
        let done = |kms: &FakeKms| {
            let at = kms.at();
            match after {
                Some(key) => kms.service().world_mut().put_alias(&home(), NAME, Some(key), at),
                None => kms.service().world_mut().remove_alias(&home(), NAME, at),
            }
        };
        let report = apply_after(&kms, &target(&[(NAME, declared)]), done).await;
        assert_eq!(outcomes(&report), [&Outcome::AlreadySo], "{operation}");
        assert!(kms.calls_to(operation).is_empty() && report.is_complete(), "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_are_final_and_sent_once() {
    let codes = [
        ("LimitExceededException", Meaning::QuotaExceeded),
        ("ValidationException", Meaning::Invalid),
        ("AccessDeniedException", Meaning::AccessDenied),
        ("KMSInvalidStateException", Meaning::InvalidState),
        ("ExpiredTokenException", Meaning::Credentials),
    ];
    for (operation, live, declared, _) in ACTIONS {
        for (code, meaning) in codes {
            let (code, message) = (code.to_owned(), "no".to_owned());
            let plan = ErrorPlan { code, message, status: 400 };
            let kms = misbehaving(live, Fault::new(operation, Effect::Error(plan)));
            let report = apply(&kms, &target(&[(NAME, declared)])).await;
            let Outcome::Failed(error) = &report.applied[0].outcome else { panic!("{operation} {report:?}") };
            assert_eq!((error.fault, report.applied[0].attempts), (meaning, 1), "{operation}");
            assert_eq!(kms.calls_to(operation).len(), 1, "{operation}");
            assert!(!report.is_complete());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_the_write_cannot_see_yet_is_waited_for_and_a_wrong_id_is_not() {
    let lag = LagPlan { new_keys: Delay(Duration::from_secs(20)), ..LagPlan::default() };
    let kms = FakeKms::new(world(&[]), Scenario { lag, ..Scenario::default() });
    let fresh = {
        let mut service = kms.service();
        let (caller, region, operation) = (crate::fake::ACCOUNT, crate::fake::REGION, "CreateKey");
        let input = serde_json::json!({});
        let request = kms_alias::sandbox::Request { caller, region, operation, input: &input };
        let output = service.world_mut().call(kms.at(), &request).unwrap();
        output["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
    };
    let report = apply(&kms, &target(&[(NAME, &fresh)])).await;
    assert_eq!(outcomes(&report), [&Outcome::Done]);
    assert!(report.applied[0].attempts > 1 && kms.truth() == truth(&[(NAME, &fresh)]));

    let message = "Invalid keyId 'xyz'".to_owned();
    let plan = ErrorPlan { code: "NotFoundException".to_owned(), message, status: 400 };
    let kms = misbehaving(None, Fault::new("CreateAlias", Effect::Error(plan)));
    let report = apply(&kms, &target(&[(NAME, A)])).await;
    assert!(matches!(outcomes(&report)[..], [Outcome::Failed(_)]) && report.applied[0].attempts == 1);
}

#[tokio::test(start_paused = true)]
async fn expired_credentials_end_the_run_instead_of_failing_every_action() {
    let kms = misbehaving(None, Fault::new("CreateAlias", Effect::Expired).after(3));
    let names: Vec<String> = (0..40).map(|i| format!("alias/app/{i:02}")).collect();
    let declared: Vec<_> = names.iter().map(|name| (name.as_str(), A)).collect();
    let report = apply(&kms, &target(&declared)).await;
    let not_attempted =
        report.applied.iter().filter(|a| a.outcome == Outcome::NotAttempted(Reason::Credentials)).count();
    assert!(not_attempted >= 30, "{not_attempted}");
    assert_eq!(report.applied.iter().filter(|a| a.outcome.is_success()).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn when_a_create_fails_nothing_is_deleted() {
    let fault = Fault::new("CreateAlias", Effect::AccessDenied);
    let scenario = Scenario { faults: vec![fault], ..Scenario::default() };
    let kms = FakeKms::new(world(&[("alias/app/old", A)]), scenario);
    let renamed_by_hand = Target { prune: true, ..target(&[("alias/app/new", A)]) };
    let report = apply(&kms, &renamed_by_hand).await;
    assert!(matches!(report.applied[1].outcome, Outcome::NotAttempted(Reason::EarlierStage)), "{report:?}");
    assert_eq!(kms.truth(), truth(&[("alias/app/old", A)]));
}

#[tokio::test(start_paused = true)]
async fn with_two_replicas_of_which_one_is_late_it_has_converged_only_when_both_agree() {
    let late = Duration::from_secs(30);
    for live in [None, Some(A)] {
        let replicas = vec![Delay(Duration::ZERO), Delay(late)];
        let lag = LagPlan { replicas, ..LagPlan::default() };
        let aliases: Vec<_> = live.map(|key| (NAME, key)).into_iter().collect();
        let kms = FakeKms::new(world(&aliases), Scenario { lag, ..Scenario::default() });
        let report = apply(&kms, &target(&[(NAME, B)])).await;
        let Some(Ok(Verdict::Converged { reads, waited })) = report.verdict else { panic!("{report:?}") };
        assert!(
            waited >= late && waited < late + Duration::from_secs(15),
            "{waited:?} after {reads} listings"
        );
        assert!(reads > 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_has_converged_only_when_no_listing_shows_the_name() {
    let lag = LagPlan { replicas: vec![Delay(Duration::from_secs(30))], ..LagPlan::default() };
    let kms = FakeKms::new(world(&[(NAME, A)]), Scenario { lag, ..Scenario::default() });
    let report = apply(&kms, &target(&[(NAME, "absent")])).await;
    let Some(Ok(Verdict::Converged { waited, .. })) = report.verdict else { panic!("{report:?}") };
    assert!(waited >= Duration::from_secs(25), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_fails_for_a_while_does_not_end_the_verification() {
    for effect in [Effect::Throttle, Effect::Internal, Effect::Malformed, Effect::DropResponse] {
        let kms = misbehaving(None, Fault::new("ListAliases", effect.clone()).after(1).times(3));
        let report = apply(&kms, &target(&[(NAME, A)])).await;
        assert!(report.is_complete(), "{effect:?}: {report:?}");
    }
    let kms = misbehaving(None, Fault::new("ListAliases", Effect::AccessDenied).after(1));
    let report = apply(&kms, &target(&[(NAME, A)])).await;
    assert!(matches!(report.verdict, Some(Err(_))) && !report.is_complete(), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn creates_are_seen_before_anything_is_deleted() {
    let lag = LagPlan { replicas: vec![Delay(Duration::from_secs(30))], ..LagPlan::default() };
    let kms = FakeKms::new(world(&[("alias/app/old", A)]), Scenario { lag, ..Scenario::default() });
    let renamed_by_hand = Target { prune: true, ..target(&[("alias/app/new", A)]) };
    let report = apply(&kms, &renamed_by_hand).await;
    assert!(report.is_complete(), "{report:?}");
    let (created, deleted) = (&kms.calls_to("CreateAlias")[0], &kms.calls_to("DeleteAlias")[0]);
    assert!(deleted.at - created.at >= 30_000, "{} ms between them", deleted.at - created.at);
}

#[tokio::test(start_paused = true)]
async fn out_of_patience_it_names_what_is_left() {
    let lag = LagPlan { replicas: vec![Delay(Duration::from_secs(3600))], ..LagPlan::default() };
    let kms = FakeKms::new(world(&[]), Scenario { lag, ..Scenario::default() });
    let began = now();
    let report = apply(&kms, &target(&[(NAME, A)])).await;
    let Some(Ok(Verdict::OutOfPatience { left, .. })) = &report.verdict else { panic!("{report:?}") };
    assert_eq!(left.iter().collect::<Vec<_>>(), [&alias(NAME)]);
    assert_eq!(outcomes(&report), [&Outcome::Unverified]);
    assert!(now() - began < Duration::from_secs(200));
}

#[tokio::test(start_paused = true)]
async fn what_failed_or_is_contested_is_not_waited_for() {
    let denied =
        Fault { alias: Some(glob("alias/app/y")), ..Fault::new("CreateAlias", Effect::AccessDenied) };
    let scenario = Scenario { faults: vec![denied], ..Scenario::default() };
    let kms = FakeKms::new(world(&[(NAME, A)]), scenario);
    let theirs = |kms: &FakeKms| {
        let at = kms.at();
        kms.service().world_mut().put_alias(&home(), NAME, Some(C), at);
    };
    let target = target(&[(NAME, B), ("alias/app/y", A), ("alias/app/z", A)]);
    let report = apply_after(&kms, &target, theirs).await;
    let Some(Ok(Verdict::Converged { waited, .. })) = &report.verdict else { panic!("{report:?}") };
    assert!(*waited < Duration::from_secs(5), "{waited:?}");
    assert_eq!(report.applied.iter().filter(|a| a.outcome == Outcome::Done).count(), 1);
    assert!(!report.is_complete());
}

#[tokio::test(start_paused = true)]
async fn too_little_time_for_steady_is_not_told_as_replicas_that_differ() {
    let manifest = format!("version: 1\nscope: [alias/app/]\naliases: {{{NAME}: {A}}}\n");
    for flags in
        [["--wait-timeout", "0s", "--steady", "2"], ["--wait-timeout", "2s", "--steady", "4294967295"]]
    {
        let ran =
            run_on(&FakeKms::with(&[]), &manifest, &[&["apply", "-y"][..], &flags].concat(), None).await;
        let told = ": the last read is right, and there was no time for as many as --steady asks\n";
        assert!(ran.exit == Exit::Incomplete && ran.out.contains(told), "{}", ran.out);
    }
}

fn glob(pattern: &str) -> Glob {
    Glob::try_from(pattern.to_owned()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_alias_that_is_listed_without_a_target_has_not_converged() {
    let kms = FakeKms::with(&[]);
    let target = target(&[(NAME, A)]);
    let prepared = prepare(&target, &Policy::of(&target), &kms).await.unwrap();
    let lose_the_target = |_: &Applied| {
        let at = kms.at();
        kms.service().world_mut().put_alias(&home(), NAME, None, at);
    };
    let report = apply_plan(&kms, &target, &prepared, &CancellationToken::new(), &lose_the_target).await;
    let Some(Ok(Verdict::OutOfPatience { left, .. })) = &report.verdict else { panic!("{report:?}") };
    assert_eq!(left.iter().collect::<Vec<_>>(), [&alias(NAME)]);
    assert!(!report.is_complete());
}

#[tokio::test(start_paused = true)]
async fn an_alias_that_only_the_look_showed_as_wanted_is_unverified() {
    // The look meets the replica that is late, where the alias is still on the key it came from.
    let lag = LagPlan { replicas: vec![Delay(Duration::from_secs(3600))], ..LagPlan::default() };
    let kms = FakeKms::new(world(&[(NAME, B)]), Scenario { lag, ..Scenario::default() });
    let target = target(&[(NAME, A)]);
    let mut prepared = prepare(&target, &Policy::of(&target), &kms).await.unwrap();
    let goal = prepared.desired.get_mut(&alias(NAME)).unwrap();
    goal.end = kms_alias::resolve::End::Key(key(C));
    let Action::Update { from, to, .. } = &mut prepared.plan.stages[0][0] else { panic!() };
    (*from, *to) = (key(A), key(B));
    let report = apply_plan(&kms, &target, &prepared, &CancellationToken::new(), &|_| {}).await;
    assert_eq!((outcomes(&report), report.applied[0].attempts), (vec![&Outcome::Unverified], 0));
}

#[tokio::test(start_paused = true)]
async fn what_was_seen_of_the_creates_is_not_said_of_the_deletes() {
    let kms = FakeKms::with(&[("alias/app/old", A)]);
    let renamed_by_hand = Target { prune: true, ..target(&[("alias/app/new", A)]) };
    let policy = Policy::of(&renamed_by_hand);
    let prepared = prepare(&renamed_by_hand, &policy, &kms).await.unwrap();
    let (lanes, stop) = (Lanes::new(Rates::default()), CancellationToken::new());
    let tools = Tools { kms: &kms, lanes: &lanes, patience: Patience::default(), stop: &stop };
    let aim = Aim {
        target: &renamed_by_hand,
        snapshot: &prepared.snapshot,
        desired: &prepared.desired,
        policy: &policy,
    };
    let report = converge(&prepared.plan, &aim, &tools, false, &|_| {}).await;
    assert!(report.is_complete() && report.verdict.is_none(), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_verification_in_the_middle_of_a_listing() {
    let slow =
        Fault { after: 1, ..Fault::new("ListAliases", Effect::Latency(Delay(Duration::from_secs(600)))) };
    let kms = misbehaving(None, slow);
    let target = target(&[(NAME, A)]);
    let prepared = prepare(&target, &Policy::of(&target), &kms).await.unwrap();
    let (stop, began) = (CancellationToken::new(), now());
    let stopping = async {
        wait(Duration::from_secs(5), &CancellationToken::new()).await;
        stop.cancel();
    };
    let (report, ()) = tokio::join!(apply_plan(&kms, &target, &prepared, &stop, &|_| {}), stopping);
    assert!(matches!(report.verdict, Some(Ok(Verdict::Stopped { .. }))), "{report:?}");
    assert!(now() - began < Duration::from_secs(6) && !report.is_complete());
    assert_eq!(outcomes(&report), [&Outcome::Unverified], "it was written, and nothing more is known");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_creates_run_at_the_services_rate_without_one_throttle() {
    let scenario =
        Scenario { service_quotas: true, latency: Delay(Duration::from_millis(20)), ..Scenario::default() };
    let kms = FakeKms::new(many_keys(), scenario);
    let names: Vec<String> = (0..1000).map(|i| format!("alias/app/{i:04}")).collect();
    let keys: Vec<String> = (0..20).map(key_number).collect();
    let declared: Vec<_> =
        names.iter().enumerate().map(|(i, name)| (name.as_str(), keys[i % 20].as_str())).collect();
    let began = now();
    let report = apply(&kms, &target(&declared)).await;
    let took = now() - began;
    assert!(report.is_complete());
    assert_eq!(kms.calls_to("CreateAlias").len(), 1000, "no create was sent twice, so none was throttled");
    assert!(took <= Duration::from_secs(210), "{took:?} for a floor of 200 s");
}

#[tokio::test(start_paused = true)]
async fn an_uneven_network_does_not_put_six_writes_into_a_second_that_allows_five() {
    let slow = |every, millis| {
        let effect = Effect::Latency(Delay(Duration::from_millis(millis)));
        Fault { every, ..Fault::new("DescribeKey", effect) }
    };
    let faults = vec![slow(7, 150), slow(3, 90), slow(2, 40)];
    let kms = FakeKms::new(many_keys(), Scenario { service_quotas: true, faults, ..Scenario::default() });
    let names: Vec<String> = (0..100).map(|i| format!("alias/app/{i:04}")).collect();
    let keys: Vec<String> = (0..20).map(key_number).collect();
    let declared: Vec<_> =
        names.iter().enumerate().map(|(i, name)| (name.as_str(), keys[i % 20].as_str())).collect();
    let report = apply(&kms, &target(&declared)).await;
    assert!(report.is_complete());
    assert_eq!(kms.calls_to("CreateAlias").len(), 100, "no create was sent twice, so none was throttled");
}

fn key_number(i: usize) -> String {
    format!("{i:08x}-0000-4000-8000-000000000000")
}

/// Twenty keys, so that a thousand aliases stay within fifty a key
fn many_keys() -> kms_alias::sandbox::World {
    let mut world = world(&[]);
    for i in 0..20 {
        world.put_key(&home(), kms_alias::sandbox::Key::new(&key_number(i)));
    }
    world
}

#[tokio::test(start_paused = true)]
async fn a_quota_far_below_what_we_know_slows_the_lane_and_nothing_is_lost() {
    let quotas = [("CreateAlias".to_owned(), 2)];
    let kms = FakeKms::new(many_keys(), Scenario { quotas: quotas.into(), ..Scenario::default() });
    let names: Vec<String> = (0..200).map(|i| format!("alias/app/{i:04}")).collect();
    let keys: Vec<String> = (0..20).map(key_number).collect();
    let declared: Vec<_> =
        names.iter().enumerate().map(|(i, name)| (name.as_str(), keys[i % 20].as_str())).collect();
    let report = apply(&kms, &target(&declared)).await;
    assert!(report.is_complete(), "{:?}", outcomes(&report));
    let sent = kms.calls_to("CreateAlias").len();
    assert!(sent < 300, "{sent} requests for 200 creates: the lane did not slow down");
}

#[tokio::test(start_paused = true)]
async fn a_stop_finishes_the_calls_under_way_and_begins_no_others() {
    let scenario = Scenario { latency: Delay(Duration::from_millis(50)), ..Scenario::default() };
    let kms = FakeKms::new(many_keys(), scenario);
    let names: Vec<String> = (0..50).map(|i| format!("alias/app/{i:02}")).collect();
    let declared: Vec<_> = names.iter().map(|name| (name.as_str(), A)).collect();
    let target = target(&declared);
    let prepared = prepare(&target, &Policy::of(&target), &kms).await.unwrap();
    let (stop, ended) = (CancellationToken::new(), Mutex::new(0));
    let stop_at_the_tenth = |_: &Applied| {
        let mut ended = ended.lock().unwrap();
        *ended += 1;
        if *ended == 10 {
            stop.cancel();
        }
    };
    let report = apply_plan(&kms, &target, &prepared, &stop, &stop_at_the_tenth).await;
    let done = report.applied.iter().filter(|a| a.outcome == Outcome::Done).count();
    assert_eq!(kms.truth().len(), done, "every call that was made is in the report");
    assert!((10..20).contains(&done), "{done}");
    let rest = report.applied.iter().filter(|a| a.outcome == Outcome::NotAttempted(Reason::Stopped)).count();
    assert_eq!(done + rest, 50);
}

#[tokio::test(start_paused = true)]
async fn patience_bounds_the_time_that_passes_and_not_the_delays_between_slow_answers() {
    let silent = misbehaving(None, Fault::new("CreateAlias", Effect::Silent));
    let began = now();
    let report = apply(&silent, &target(&[(NAME, A)])).await;
    assert!(matches!(outcomes(&report)[..], [Outcome::Failed(_)]), "{report:?}");
    assert!(
        now() - began < Duration::from_secs(220),
        "{:?}: three minutes, and the call then under way",
        now() - began
    );

    let silent = misbehaving(None, Fault::new("DescribeKey", Effect::Silent).after(1));
    let manifest = format!("version: 1\nscope: [alias/app/]\naliases: {{{NAME}: {A}}}\n");
    let began = now();
    let ran = run_on(&silent, &manifest, &["apply", "-y", "--wait-timeout", "2s"], None).await;
    assert!(ran.out.contains("failed  DescribeKey: no answer in time"), "{}", ran.out);
    assert!(now() - began < Duration::from_secs(10), "{:?}: a look can be given up", now() - began);

    let lag = LagPlan { replicas: vec![Delay(Duration::from_secs(3600))], ..LagPlan::default() };
    let slow =
        Fault { after: 1, ..Fault::new("ListAliases", Effect::Latency(Delay(Duration::from_secs(14)))) };
    let kms = FakeKms::new(world(&[]), Scenario { lag, faults: vec![slow], ..Scenario::default() });
    let began = now();
    let report = apply(&kms, &target(&[(NAME, A)])).await;
    assert_eq!(outcomes(&report), [&Outcome::Unverified]);
    assert!(
        now() - began < Duration::from_secs(220),
        "{:?}: three minutes, and the listing then under way",
        now() - began
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_after_an_answer_that_was_lost_does_not_say_that_nothing_was_attempted() {
    for (operation, live, declared, after) in ACTIONS {
        let kms = misbehaving(live, Fault::new(operation, Effect::DropResponse));
        let target = target(&[(NAME, declared)]);
        let prepared = prepare(&target, &Policy::of(&target), &kms).await.unwrap();
        let stop = CancellationToken::new();
        let stopping = async {
            while kms.calls_to(operation).is_empty() {
                wait(Duration::from_millis(1), &CancellationToken::new()).await;
            }
            stop.cancel();
        };
        let (report, ()) = tokio::join!(apply_plan(&kms, &target, &prepared, &stop, &|_| {}), stopping);
        assert_eq!(outcomes(&report), [&Outcome::Unverified], "{operation}");
        let expected: Vec<_> = after.map(|key| (NAME, key)).into_iter().collect();
        assert_eq!(kms.truth(), truth(&expected), "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_leaves_between_plan_and_write_is_a_failure_with_the_services_words() {
    let kms = FakeKms::with(&[(NAME, A)]);
    let leave =
        |kms: &FakeKms| kms.service().world_mut().set_key_state(&home(), B, KeyState::PendingDeletion);
    let report = apply_after(&kms, &target(&[(NAME, B)]), leave).await;
    let Outcome::Failed(error) = &report.applied[0].outcome else { panic!("{report:?}") };
    assert!(error.fault == Meaning::InvalidState && error.message.contains("is pending deletion"), "{error}");
    assert_eq!(kms.truth(), truth(&[(NAME, A)]));
}

#[tokio::test(start_paused = true)]
async fn a_second_apply_has_nothing_to_do() {
    let kms = FakeKms::with(&[("alias/app/y", A), ("alias/app/z", C), ("alias/other/x", A)]);
    let target = Target { prune: true, ..target(&[(NAME, A), ("alias/app/y", B)]) };
    assert!(apply(&kms, &target).await.is_complete());
    let again = prepare(&target, &Policy::of(&target), &kms).await.unwrap();
    assert!(again.plan.is_empty() && again.plan.unmanaged.is_empty());
    assert_eq!(kms.truth(), truth(&[(NAME, A), ("alias/app/y", B), ("alias/other/x", A)]));
}
