//! Many targets in one run: what they share, and what they do side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{Delay, Home, Key, LagPlan, Scenario, World};

use crate::fake::{A, ACCOUNT, B, FakeKms, REGION};
use crate::loopback::Site;
use crate::process::text;
use crate::ran::run_on;

const REGIONS: [&str; 4] = ["eu-west-1", "us-east-1", "us-east-2", "us-west-2"];
const OTHER: &str = "444455556666";

/// These aliases, on the first key, in every Region of these accounts
fn world(accounts: &[&str], names: &[String]) -> World {
    let mut world = World::default();
    for (account, region) in accounts.iter().flat_map(|account| REGIONS.map(|region| (account, region))) {
        let home = Home::new(account, region);
        [A, B].into_iter().for_each(|id| {
            world.put_key(&home, Key::new(id));
        });
        names.iter().for_each(|name| {
            world.put_alias(&home, name, Some(A), 0);
        });
    }
    world
}

fn manifest(accounts: &[&str], aliases: &str) -> String {
    let (accounts, regions) = (accounts.join("\", \""), REGIONS.join(", "));
    format!(
        "version: 1\nscope: [alias/app/]\ntargets: {{fleet: {{accounts: [\"{accounts}\"], regions: [{regions}]}}}}\n{aliases}"
    )
}

/// `alias/app/0` and so on, each on this key
fn declared(count: usize, key: &str) -> String {
    let lines: String = (0..count).map(|i| format!("  alias/app/{i}: {key}\n")).collect();
    format!("aliases:\n{lines}")
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("alias/app/{i}")).collect()
}

#[tokio::test(start_paused = true)]
async fn the_prompt_says_how_to_see_the_next_target_and_that_an_empty_line_is_a_no() {
    let kms = FakeKms::new(world(&[ACCOUNT], &names(1)), Scenario::default());
    let manifest = manifest(&[ACCOUNT], &declared(1, B));
    let ran = run_on(&kms, &manifest, &["apply", "--allow", "mass-update"], Some("t\nt\n\n")).await;
    for words in [
        "t one target of it; empty is no)",
        "Target 1 of 4. t shows the next.",
        "Target 2 of 4. t shows the next.",
        "Declined: ",
    ] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
}

#[tokio::test(start_paused = true)]
async fn targets_are_written_side_by_side_each_at_its_own_rate() {
    let kms = FakeKms::new(world(&[ACCOUNT], &names(20)), Scenario::default());
    let ran = run_on(
        &kms,
        &manifest(&[ACCOUNT], &declared(20, B)),
        &["apply", "-y", "--allow", "mass-update", "--no-wait"],
        None,
    )
    .await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    let mut times: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for call in kms.calls_to("UpdateAlias") {
        times.entry(call.region.clone()).or_default().push(call.at);
    }
    assert_eq!(times.len(), REGIONS.len());
    let first = times.values().filter_map(|times| times.first()).max().unwrap();
    let last = times.values().filter_map(|times| times.last()).min().unwrap();
    assert!(first < last, "one had ended before another began: {times:#?}");
    for (region, times) in times {
        let busiest =
            times.iter().map(|from| times.iter().filter(|at| (*from..from + 1000).contains(at)).count());
        assert!(times.len() == 20 && busiest.max() <= Some(5), "{region}: {times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn progress_of_a_fleet_counts_changes_targets_and_names() {
    let lag = LagPlan { replicas: vec![Delay(Duration::from_secs(30))], ..LagPlan::default() };
    let kms = FakeKms::new(world(&[ACCOUNT], &names(40)), Scenario { lag, ..Scenario::default() });
    let args = ["apply", "-y", "--allow", "mass-update"];
    let ran = run_on(&kms, &manifest(&[ACCOUNT], &declared(40, B)), &args, None).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    let begins = "applying changes: ";
    let lines: Vec<&str> = ran.err.lines().filter_map(|line| line.strip_prefix(begins)).collect();
    assert!(lines.iter().any(|line| line.contains(" of 160, 0 of 4 targets ended, about ")), "{}", ran.err);
    let waiting = "160 of 160, 0 of 4 targets ended; waiting until the service shows it: 160 names left";
    assert!(lines.contains(&waiting), "{}", ran.err);
}

#[test]
fn a_role_is_assumed_once_for_all_regions_of_its_account() {
    let roles = "roles:\n  plan: arn:aws:iam::{account}:role/read\n  apply: arn:aws:iam::{account}:role/write\n  \
        external_id: partner/42\n  session_name: gitops\n  session_tags: {team: payments}\n";
    let manifest = manifest(&[ACCOUNT, OTHER], &(roles.to_owned() + &declared(2, A)));
    let site = Site::new(&manifest, world(&[ACCOUNT, OTHER], &[]), Scenario::default());
    let ran = site.run(&["apply", "-y"]);
    assert_eq!(ran.status.code(), Some(0), "{}{}", text(&ran.stdout), text(&ran.stderr));
    assert_eq!(site.writes().len(), 2 * 2 * REGIONS.len());
    let mut assumed: Vec<String> = site.sandbox.with(|service| {
        let calls = service.calls().iter().filter(|call| call.operation == "AssumeRole");
        calls.map(|call| call.input["RoleArn"].as_str().unwrap().to_owned()).collect()
    });
    assumed.sort();
    let regions: BTreeSet<String> = site.sandbox.with(|service| {
        let calls = service.calls().iter().filter(|call| call.operation == "AssumeRole");
        calls.map(|call| call.region.clone()).collect()
    });
    assert_eq!(
        regions,
        [REGION.to_owned()].into(),
        "the first target's Region may not be enabled for the caller"
    );
    let asked = site.sandbox.with(|service| {
        let call = service.calls().iter().find(|call| call.operation == "AssumeRole").unwrap();
        ["ExternalId", "RoleSessionName", "Tags.member.1.Key", "Tags.member.1.Value"]
            .map(|name| call.input[name].as_str().unwrap_or_default().to_owned())
    });
    assert_eq!(asked, ["partner/42", "gitops", "team", "payments"]);
    let role = |account, name| format!("arn:aws:iam::{account}:role/{name}");
    let each = [ACCOUNT, OTHER].map(|account| ["read", "write"].map(|name| role(account, name)));
    assert_eq!(assumed, each.concat());
}
