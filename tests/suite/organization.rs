//! Targets whose accounts are those of an organization: whole commands, on FakeKms and as a process.

use std::collections::BTreeSet;

use kms_alias::cli::exit::Exit;
use kms_alias::load::{Input, load};
use kms_alias::plan::Policy;
use kms_alias::prepare::prepare;
use kms_alias::sandbox::{Effect, Fault, Home, Key, Paging, PagingDefect, Scenario, Unit, World};
use kms_alias::target::targets;
use serde_json::Value;
use tempfile::TempDir;

use crate::fake::{A, ACCOUNT, B, C, FakeConnect, FakeKms, REGION, world};
use crate::process::{ran, text, with_manifest};
use crate::ran::{Ran, run_args, run_on};

const OUS: &str = "ListOrganizationalUnitsForParent";
const ACCOUNTS: &str = "ListAccountsForParent";

const TOP: &str = "ou-ab12-11111111";
const DEEP: &str = "ou-ab12-44444444";

const TWO: &str = "222233334444";
const GONE: &str = "999900002222";

const MANIFEST: &str = "\
version: 1
scope: [alias/app/]
targets:
  everyone:
    organization: {ou: ou-ab12-11111111}
    regions: [us-east-1]
aliases:
  alias/app/a: aaaa1111-0000-4000-8000-000000000001
";

/// The world of the fakes, in an organization: `top` has the account of the fakes, `deep` another one and one that is suspended
fn organized() -> World {
    let mut world = world(&[("alias/app/a", B)]);
    [A, B, C].into_iter().for_each(|id| world.put_key(&Home::new(TWO, REGION), Key::new(id)));
    let accounts = |all: &[(&str, &str)]| {
        all.iter().map(|(id, state)| ((*id).to_owned(), (*state).to_owned())).collect()
    };
    let unit = |ous: &[&str], all| Unit {
        ous: ous.iter().map(ToString::to_string).collect(),
        accounts: accounts(all),
    };
    world.put_unit(TOP, unit(&[DEEP], &[(ACCOUNT, "ACTIVE")]));
    world.put_unit(DEEP, unit(&[], &[(TWO, "ACTIVE"), (GONE, "SUSPENDED")]));
    world
}

fn faulty(faults: Vec<Fault>, paging: Paging) -> FakeKms {
    FakeKms::new(organized(), Scenario { faults, paging, ..Scenario::default() })
}

async fn run(kms: &FakeKms, manifest: &str, args: &[&str]) -> Ran {
    run_on(kms, manifest, args, None).await
}

#[tokio::test(start_paused = true)]
async fn every_account_of_the_organization_is_planned_and_applied() {
    for limit in [None, Some(1)] {
        let kms = faulty(Vec::new(), Paging { limit, defect: None });
        let ran = run(&kms, MANIFEST, &["plan"]).await;
        assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
        assert!(ran.out.contains("everyone/111122223333/us-east-1\n  ~ alias/app/a"), "{}", ran.out);
        assert!(ran.out.contains("everyone/222233334444/us-east-1\n  + alias/app/a"), "{}", ran.out);
        assert_eq!(
            ran.err,
            "note: `everyone` is without 1 account of its OUs, not ACTIVE: 999900002222 (SUSPENDED)\n"
        );
        let pages = limit.map_or(2, |_| 3);
        let calls =
            ["2 ListOrganizationalUnitsForParent".to_owned(), format!("{pages} ListAccountsForParent")];
        assert!(calls.iter().all(|call| ran.out.contains(call)), "{}", ran.out);
        let accounts: BTreeSet<_> =
            kms.calls_to("ListAliases").into_iter().map(|call| call.account).collect();
        assert_eq!(accounts, [ACCOUNT.to_owned(), TWO.to_owned()].into());
        let ran = run(&kms, MANIFEST, &["apply", "-y"]).await;
        assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
        let ran = run(&kms, MANIFEST, &["drift"]).await;
        assert_eq!((ran.exit, &*ran.out), (Exit::Success, ""), "{}", ran.err);
    }
}

#[tokio::test(start_paused = true)]
async fn an_ou_of_several_targets_is_read_once_a_run() {
    let kms = faulty(Vec::new(), Paging::default());
    let more = "targets:\n  others: {organization: {ou: ou-ab12-11111111}, region: eu-west-1}\n";
    let ran = run(&kms, &MANIFEST.replace("targets:\n", more), &["plan"]).await;
    assert_eq!(ran.exit, Exit::Refused, "the keys are not in Ireland: {}", ran.err);
    assert!(ran.out.contains("others/222233334444/eu-west-1"), "{}", ran.out);
    assert_eq!((kms.calls_to(OUS).len(), kms.calls_to(ACCOUNTS).len()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_fleet_that_cannot_be_discovered_ends_the_run_before_any_alias_is_read() {
    let denied =
        |operation| faulty(vec![Fault::new(operation, Effect::AccessDenied).after(1)], Paging::default());
    let circle = || {
        let kms = faulty(Vec::new(), Paging { limit: Some(1), defect: Some(PagingDefect::RepeatedMarker) });
        let accounts = [ACCOUNT, TWO, GONE].map(|id| (id.to_owned(), "ACTIVE".to_owned()));
        kms.service().world_mut().put_unit(TOP, Unit { accounts: accounts.into(), ..Unit::default() });
        kms
    };
    for (make, cause, hint) in [
        (
            &(|| denied(OUS)) as &dyn Fn() -> FakeKms,
            "list the OUs of ou-ab12-44444444 (page 1)",
            "organizations:ListOrg",
        ),
        (&|| denied(ACCOUNTS), "list the accounts of ou-ab12-44444444", "organizations:ListAcc"),
        (&circle, "ends with a marker that came before", "run again"),
        (&|| FakeKms::with(&[]), "AWSOrganizationsNotInUseException", "ask as the management account"),
    ] {
        for command in [&["plan"][..], &["apply", "-y"], &["drift"], &["doctor"], &["explain", "alias/app/a"]]
        {
            let kms = make();
            let ran = run(&kms, MANIFEST, command).await;
            assert_eq!(ran.exit, Exit::Runtime, "{command:?} {}", ran.out);
            assert!(
                ran.err.contains("error: failed to discover the accounts of target `everyone`: list "),
                "{}",
                ran.err
            );
            assert!(ran.err.contains(cause) && ran.err.contains(hint), "{}", ran.err);
            assert!(kms.calls_to("ListAliases").is_empty() && kms.calls_to("CreateAlias").is_empty());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_organization_of_nobody_is_no_fleet_in_sync() {
    let kms = faulty(Vec::new(), Paging::default());
    let nobody = MANIFEST
        .replace("{ou: ou-ab12-11111111}", "{ou: ou-ab12-44444444, exclude_accounts: [\"222233334444\"]}");
    let ran = run(&kms, &nobody, &["drift"]).await;
    assert_eq!(ran.exit, Exit::Runtime);
    assert!(
        ran.err.contains("there is none that is ACTIVE and not excluded, and 1 that are not ACTIVE"),
        "{}",
        ran.err
    );
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_for_an_account_that_has_left_is_stale_and_writes_nothing() {
    let folder = TempDir::new().unwrap();
    let plan = folder.path().join("plan.json").to_str().unwrap().to_owned();
    let kms = faulty(Vec::new(), Paging::default());
    assert_eq!(run(&kms, MANIFEST, &["plan", "--out", &plan]).await.exit, Exit::Success);
    let accounts = [(ACCOUNT.to_owned(), "ACTIVE".to_owned()), (TWO.to_owned(), "SUSPENDED".to_owned())];
    kms.service().world_mut().put_unit(TOP, Unit { accounts: accounts.into(), ..Unit::default() });
    let ran = run(&kms, MANIFEST, &["apply", &plan]).await;
    assert_eq!(ran.exit, Exit::Stale, "{}", ran.err);
    let told = "target \"everyone/222233334444/us-east-1\" is there no more: its account has left the OUs of the manifest";
    assert!(ran.err.contains(told) && ran.err.contains("nothing was written"), "{}", ran.err);
    assert!(kms.calls_to("CreateAlias").is_empty() && kms.calls_to("UpdateAlias").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_is_not_carried_out_in_an_account_that_has_joined() {
    let folder = TempDir::new().unwrap();
    let plan = folder.path().join("plan.json").to_str().unwrap().to_owned();
    let kms = faulty(Vec::new(), Paging::default());
    let without = Unit { accounts: [(ACCOUNT.to_owned(), "ACTIVE".to_owned())].into(), ..Unit::default() };
    kms.service().world_mut().put_unit(TOP, without);
    assert_eq!(run(&kms, MANIFEST, &["plan", "--out", &plan]).await.exit, Exit::Success);
    kms.service().world_mut().put_unit(TOP, organized_top());
    let ran = run(&kms, MANIFEST, &["apply", &plan]).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    assert!(kms.calls_to("CreateAlias").is_empty(), "it joined after the plan was made");
    assert_eq!(kms.calls_to("UpdateAlias").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_done_is_not_taken_back_in_an_account_that_has_left() {
    let kms = faulty(Vec::new(), Paging::default());
    let applied = run(&kms, MANIFEST, &["apply", "-y"]).await;
    let folder = TempDir::new().unwrap();
    let receipt = folder.path().join("receipt.jsonl");
    std::fs::write(&receipt, applied.receipt.unwrap()).unwrap();
    let revert = ["revert", receipt.to_str().unwrap(), "-y"];
    let before = kms.service().world().aliases(&Home::new(TWO, REGION));
    let without = Unit { accounts: [(ACCOUNT.to_owned(), "ACTIVE".to_owned())].into(), ..Unit::default() };
    kms.service().world_mut().put_unit(TOP, without);
    let left = run(&kms, MANIFEST, &revert).await;
    assert_eq!(left.exit, Exit::Refused, "{}", left.err);
    assert!(
        left.err.contains("an account that has left its organization is not reached any more"),
        "{}",
        left.err
    );
    assert_eq!(kms.service().world().aliases(&Home::new(TWO, REGION)), before);
    kms.service().world_mut().put_unit(TOP, organized_top());
    let reverted = run(&kms, MANIFEST, &["revert", receipt.to_str().unwrap()]).await;
    assert!(reverted.out.contains("everyone/222233334444/us-east-1\n  - alias/app/a"), "{}", reverted.out);
}

fn organized_top() -> Unit {
    let accounts = [(ACCOUNT.to_owned(), "ACTIVE".to_owned()), (TWO.to_owned(), "ACTIVE".to_owned())];
    Unit { accounts: accounts.into(), ..Unit::default() }
}

#[tokio::test(start_paused = true)]
async fn what_is_known_offline_is_told_offline() {
    let kms = faulty(Vec::new(), Paging::default());
    let ran = run(&kms, MANIFEST, &["validate"]).await;
    let valid = "Valid: 1 alias declared, in accounts that are discovered when they are read.\n";
    assert_eq!((ran.exit, &*ran.out), (Exit::Success, valid));
    assert!(ran.err.starts_with("note: the accounts of `everyone` are not known offline"), "{}", ran.err);
    let ran = run(&kms, MANIFEST, &["validate", "-o", "json"]).await;
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(document["undiscovered"], serde_json::json!(["everyone"]));
    assert_eq!((&document["declared"], &document["targets"][0]["aliases"]), (&1.into(), &Value::Null));
    let own = format!("  alias/app/own: {{key: {B}, targets: [everyone/222233334444/us-east-1]}}\n");
    let ran = run(&kms, &(MANIFEST.to_owned() + &own), &["explain", "alias/app/own", "--offline"]).await;
    assert!(
        ran.out.contains("perhaps for some of its accounts, which are not known offline: "),
        "{}",
        ran.out
    );
    let ran = run(&kms, MANIFEST, &["explain", "alias/app/a", "--offline"]).await;
    assert!(ran.out.contains("everyone\n  declared  key aaaa1111"), "{}", ran.out);
    let ran = run(&kms, MANIFEST, &["iam-policy", "--for", "apply"]).await;
    let policy: Value = serde_json::from_str(&ran.out).unwrap();
    let organization = &policy["Statement"][0];
    assert_eq!(
        (&organization["Sid"], &organization["Resource"][0]),
        (&"ReadOrganization".into(), &"*".into())
    );
    let actions: Vec<_> =
        organization["Action"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(
        actions,
        ["organizations:ListOrganizationalUnitsForParent", "organizations:ListAccountsForParent"]
    );
    assert!(ran.out.contains("\"arn:aws:kms:us-east-1:*:alias/app/a\""), "{}", ran.out);
    assert!(ran.err.contains("the accounts of an organization are not known offline"), "{}", ran.err);
    assert!(kms.service().calls().is_empty(), "it is offline");
}

#[tokio::test(start_paused = true)]
async fn the_doctor_tells_what_was_tried_to_discover_the_accounts() {
    let kms = faulty(Vec::new(), Paging::default());
    let ran = run(&kms, MANIFEST, &["doctor"]).await;
    let tried = "\
[OK]   manifest  2 aliases in 2 targets
everyone
  discover, with the credentials as they are
    [OK]   organizations:ListOrganizationalUnitsForParent  the OUs were read
    [OK]   organizations:ListAccountsForParent             2 accounts to look at, ACTIVE and not excluded
everyone/111122223333/us-east-1
";
    assert!(ran.exit == Exit::Success && ran.out.starts_with(tried), "{}{}", ran.out, ran.err);
    let ran =
        run(&faulty(vec![Fault::new(OUS, Effect::AccessDenied)], Paging::default()), MANIFEST, &["doctor"])
            .await;
    assert_eq!(ran.out, "[FAIL] organization  its accounts cannot be discovered: see why on stderr\n");
}

#[tokio::test(start_paused = true)]
async fn drift_is_declared_in_the_manifest_that_names_the_organization() {
    let kms = faulty(Vec::new(), Paging::default());
    kms.service().world_mut().put_alias(&Home::new(TWO, REGION), "alias/app/a", Some(C), 0);
    let directory = with_manifest(MANIFEST);
    let path = directory.path().join("aliases.yaml");
    let args = ["drift", "--write-config", "-f", path.to_str().unwrap()];
    let ran = run_args(|_| FakeConnect(kms.clone()), &args, None).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    let edited = std::fs::read_to_string(&path).unwrap();
    assert!(edited.contains("organization: {ou: ou-ab12-11111111}") && edited.contains(B), "{edited}");
    assert_eq!(run(&kms, &edited, &["drift"]).await.exit, Exit::Success);
}

#[test]
fn the_sandbox_has_an_organization_that_the_real_program_reads() {
    let manifest = MANIFEST.replace("ou-ab12-11111111", "r-ab12, exclude_accounts: [\"999900001111\"]");
    let directory = with_manifest(&manifest.replace(A, "{key: {tags: {app: billing, purpose: db}}}"));
    let told = [
        "note: `everyone` is without 1 account",
        "hint: the credentials need organizations:ListAccountsForParent",
    ];
    for (flags, code, told) in
        [(&[][..], 0, told[0]), (&["--fault", "ListAccountsForParent=access-denied"], 1, told[1])]
    {
        let output = ran(directory.path(), &[&["plan", "--sandbox"], flags].concat());
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{out}{err}");
        let found = ["everyone/111122223333/us-east-1", "everyone/444455556666/us-east-1"];
        assert!(found.iter().all(|name| out.contains(name) == (code == 0)), "{out}{err}");
        assert!(err.contains(told), "{err}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_whose_accounts_nobody_has_discovered_is_not_that_of_the_credentials() {
    let manifest = load(&[Input::Stdin(MANIFEST.as_bytes().to_vec())]).unwrap();
    let [target] = &targets(&manifest)[..] else { panic!("one stands for all") };
    let kms = faulty(Vec::new(), Paging::default());
    let error = prepare(target, &Policy::of(target), &kms).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "use the target: its accounts are those of an organization, and are not known"
    );
    assert!(kms.service().calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_exclusion_of_nothing_is_a_warning_with_its_place() {
    let kms = faulty(Vec::new(), Paging::default());
    let slip = MANIFEST.replace("11111111}", "11111111, exclude_accounts: [\"222233334445\"]}");
    let ran = run(&kms, &slip, &["plan"]).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    let told = "warning[excludes-nothing]: `everyone` excludes what is not in its OUs: 222233334445\n --> aliases.yaml:4:3\n";
    assert!(ran.err.contains(told), "{}", ran.err);
    assert_eq!(run(&kms, &slip, &["plan", "--fail-on", "warnings"]).await.exit, Exit::Refused);
}
