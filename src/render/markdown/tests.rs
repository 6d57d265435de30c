use std::collections::BTreeMap;

use super::*;
use crate::document::{BaseText, ErrorText, Source};

const KEY: &str = "aaaa1111-0000-4000-8000-000000000001";
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn change(alias: &str, actions: &[&str], origin: &str) -> PlannedChange {
    let key = |there: bool| there.then(|| KEY.to_owned());
    PlannedChange {
        alias: alias.to_owned(),
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        origin: origin.to_owned(),
        before: key(actions != ["create"]),
        after: key(actions != ["delete"]),
        source: Some(Source { file: "aliases.yaml".to_owned(), line: 7, column: 3 }),
        ..PlannedChange::default()
    }
}

fn refusal() -> RefusalText {
    RefusalText {
        guard: "mass-delete".to_owned(),
        message: "would delete 9 of 10 live names (90 %)".to_owned(),
        source: None,
        accept: "--allow mass-delete".to_owned(),
        hint: "plan with --allow mass-delete".to_owned(),
    }
}

fn document(changes: Vec<PlannedChange>) -> PlanDocument {
    let target = TargetPlan { name: "prod".to_owned(), changes, ..TargetPlan::default() };
    PlanDocument { digest: Some(DIGEST.to_owned()), targets: vec![target], ..PlanDocument::default() }
}

fn body(document: &PlanDocument) -> String {
    let text = plan(document, &Frame::default());
    assert!(text.len() <= BUDGET, "{} bytes", text.len());
    text
}

/// Where these stand, one behind the other
#[track_caller]
fn assert_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is not there, or too early:\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn everything_is_there_in_its_order() {
    let mut plan = document(vec![
        change("alias/app/gone", &["delete"], "config"),
        change("alias/app/moved", &["update"], "drift"),
        change("alias/app/new", &["create"], "config"),
        PlannedChange {
            blocked_by: Some("its key is disabled".to_owned()),
            ..change("alias/app/held", &["no-op"], "config")
        },
    ]);
    plan.base = Some(BaseText { commit: "0123456789abcdef".to_owned(), readable: true });
    plan.targets[0].unmanaged = BTreeMap::from([("alias/app/stray".to_owned(), None)]);
    plan.targets[0].refusals = vec![refusal()];
    assert_order(
        &body(&plan),
        &[
            "<!-- kms-alias:v1 {\"id\":\"default\",\"digest\":\"sha256:0123",
            "\n### kms-alias: the plan is refused\n",
            "**Plan: 1 to create, 1 to retarget, 0 to replace, 0 to rename, 1 to delete; 1 held,",
            "Compared with commit `0123456789abcdef`.",
            "| `prod` | 1 | 1 | 0 | 0 | 1 | 1 | 0 | refused by 1 guard |\n",
            "> [!CAUTION]\n> 1 name is deleted",
            "```diff\n@@ prod @@\n-   alias/app/gone",
            "**Changes of this pull request**\n\n```diff\n@@ prod @@\n-   alias/app/gone",
            "\n+   alias/app/new  -> aaaa1111  aliases.yaml:7\n!   alias/app/held",
            "      held  its key is disabled\n```\n",
            "<details><summary>1 change by drift that was there before</summary>\n\n```diff\n",
            "~   alias/app/moved",
            "```\n\n</details>\n",
            "<summary>1 unmanaged alias</summary>\n\n```text\n@@ prod @@\n  alias/app/stray  no key\n```\n",
            "> [!WARNING]\n> Refused by 1 guard: nothing of this plan may be applied.\n",
            "refused mass-delete: would delete 9 of 10",
            "hint  plan with --allow mass-delete",
            &format!("Digest `{DIGEST}`. Change the manifest"),
        ],
    );
}

#[test]
fn a_hundred_thousand_changes_fit_and_deletions_and_guards_are_all_there() {
    let mut changes: Vec<_> =
        (0..100_000).map(|i| change(&format!("alias/app/{i:06}"), &["update"], "drift")).collect();
    changes.extend((0..200).map(|i| change(&format!("alias/gone/{i:03}"), &["delete"], "config")));
    let mut plan = document(changes);
    plan.targets[0].refusals = vec![refusal(); 20];
    let text = body(&plan);
    assert!(text.len() > BUDGET - 1000, "the room is used: {}", text.len());
    let caution = text.split("[!CAUTION]").nth(1).unwrap().split("**Changes").next().unwrap();
    assert_eq!(caution.matches("-   alias/gone/").count(), 200);
    assert_eq!(text.matches("refused mass-delete").count(), 20);
    assert_eq!(text.lines().filter(|line| line.starts_with("```")).count() % 2, 0, "fences are closed");
    assert!(
        text.contains("100000 to retarget")
            && text.contains("more lines are not shown here: `kms-alias show PLAN`")
    );
    assert!(Marker::read(&text).unwrap().digest.is_some());
}

#[test]
fn what_cannot_be_shown_whole_cannot_be_approved_by_the_comment() {
    let gone = |i| change(&format!("alias/gone/{i:06}"), &["delete"], "config");
    let text = body(&document((0..10_000).map(gone).collect()));
    assert!(text.contains("10000 names are deleted") && text.contains("**none of them is listed here**"));
    assert_eq!(Marker::read(&text).unwrap().digest, None);
    assert!(!text.contains(DIGEST) && text.ends_with("\nRead all of the plan before it is applied.\n"));
}

#[test]
fn what_only_claims_to_be_a_digest_takes_no_more_room_than_one() {
    let mut plan = document(vec![change("alias/app/new", &["create"], "unknown")]);
    plan.digest = Some("x".repeat(100_000));
    plan.base = Some(BaseText { commit: "x".repeat(100_000), readable: true });
    assert!(body(&plan).contains("alias/app/new"));
}

#[test]
fn a_target_that_could_not_be_read_is_told_with_its_error_and_without_a_digest() {
    let mut plan = document(vec![]);
    (plan.errored, plan.digest) = (true, None);
    let error =
        ErrorText { message: "list the live aliases: denied".to_owned(), hint: Some("allow it".to_owned()) };
    plan.targets[0] = TargetPlan { errored: true, error: Some(error), ..plan.targets[0].clone() };
    let parts = [
        "\"digest\":null",
        "a target could not be read",
        "| could not be read |",
        "  failed to list the live aliases: denied\n  hint  allow it\n",
        "Plan again once every target can be read.",
    ];
    assert_order(&body(&plan), &parts);
}

#[test]
fn the_counts_are_those_of_the_changes_that_are_shown() {
    let mut plan = document(vec![change("alias/app/gone", &["delete"], "unknown")]);
    plan.summary.create = 7;
    assert!(body(&plan).contains("0 to create, 0 to retarget, 0 to replace, 0 to rename, 1 to delete"));
}

#[test]
fn a_failure_says_that_there_is_no_plan_and_why() {
    let text = failure("error: x ```\n/close @you\n", &Frame { id: "eu", ..Frame::default() });
    let parts = [
        "<!-- kms-alias:v1 {\"id\":\"eu\",\"digest\":null} -->\n",
        "the plan failed · `eu`",
        "\n````text\n  error: x ```\n  /close @you\n````\n",
    ];
    assert_order(&text, &parts);
}
