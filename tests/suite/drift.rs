//! `drift`: what it says, and what it exits with. Whole commands on FakeKms.

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{Effect, Fault, KeyState, Scenario};
use serde_json::Value;

use crate::fake::{A, B, C, FakeKms, home, world};
use crate::ran::{Ran, run_on};

const MANIFEST: &str = "version: 1\nscope: [alias/app/]\naliases:\n  \
    alias/app/one: aaaa1111-0000-4000-8000-000000000001\n  \
    alias/app/three: aaaa1111-0000-4000-8000-000000000001\n  \
    alias/app/two: bbbb2222-0000-4000-8000-000000000002\n";

const IN_SYNC: [(&str, &str); 4] =
    [("alias/app/one", A), ("alias/app/stray", C), ("alias/app/three", A), ("alias/app/two", B)];

async fn drift(kms: &FakeKms, args: &[&str]) -> Ran {
    run_on(kms, MANIFEST, &[&["drift"], args].concat(), None).await
}

#[tokio::test(start_paused = true)]
async fn where_all_is_as_declared_it_says_nothing_and_looks_at_each_key_once() {
    let kms = FakeKms::with(&IN_SYNC);
    let ran = drift(&kms, &[]).await;
    assert_eq!((ran.exit, &*ran.out, &*ran.err), (Exit::Success, "", ""));
    assert_eq!(kms.calls_to("DescribeKey").len(), 2);
    let document: Value = serde_json::from_str(&drift(&kms, &["-o", "json"]).await.out).unwrap();
    assert_eq!((&document["kind"], &document["summary"]["unusable"]), (&"drift".into(), &0.into()));
}

#[tokio::test(start_paused = true)]
async fn a_difference_is_drift_whatever_a_guard_would_say_of_mending_it() {
    let kms = FakeKms::with(&[("alias/app/one", B), ("alias/app/two", B)]);
    let ran = drift(&kms, &["--max-updates", "0"]).await;
    assert_eq!(ran.exit, Exit::Differences, "{}", ran.err);
    assert!(ran.out.contains("  ~ alias/app/one    bbbb2222 -> aaaa1111"), "{}", ran.out);
    assert!(ran.out.contains("\nDrift: 1 to create, 1 to retarget, "), "{}", ran.out);
    assert!(ran.out.contains("refused mass-update"), "{}", ran.out);
    assert_eq!(kms.truth().len(), 2, "it writes nothing");
}

#[tokio::test(start_paused = true)]
async fn an_alias_that_is_as_declared_on_a_key_that_cannot_be_used_is_drift() {
    let states = [
        (KeyState::Disabled, "key  aaaa1111-0000-4000-8000-000000000001 is disabled"),
        (KeyState::PendingDeletion, "is pending deletion"),
        (KeyState::PendingImport, "has no key material"),
        (KeyState::Unavailable, "is in a key store that cannot be reached"),
    ];
    for (state, words) in states {
        let kms = FakeKms::with(&IN_SYNC);
        kms.service().world_mut().set_key_state(&home(), A, state);
        let ran = drift(&kms, &[]).await;
        assert_eq!(ran.exit, Exit::Differences, "{state}: {}", ran.out);
        assert!(
            ran.out.contains("  ! alias/app/one    aaaa1111  aliases.yaml:4\n      key   key aaaa"),
            "{}",
            ran.out
        );
        let words = words.trim_start_matches("key  ");
        assert!(ran.out.contains(words) && ran.out.contains("\n      hint  "), "{words:?}: {}", ran.out);
        assert!(ran.out.contains("3 in sync (2 of them on keys that cannot be used)"), "{}", ran.out);
        let document: Value = serde_json::from_str(&drift(&kms, &["-o", "json"]).await.out).unwrap();
        let unusable = &document["targets"][0]["unusable"];
        assert_eq!(
            (&unusable[0]["key_state"], unusable.as_array().unwrap().len()),
            (&state.to_string().into(), 2)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_does_not_look_at_keys_that_nothing_becomes_of() {
    let kms = FakeKms::with(&IN_SYNC);
    kms.service().world_mut().set_key_state(&home(), A, KeyState::Disabled);
    let ran = run_on(&kms, MANIFEST, &["plan", "-o", "json"], None).await;
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.exit, document["summary"].get("unusable")), (Exit::Success, None));
    assert_eq!(kms.calls_to("DescribeKey").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn every_form_tells_of_drift_and_of_a_key_that_cannot_be_used() {
    let kms = FakeKms::with(&[("alias/app/one", A), ("alias/app/two", B)]);
    kms.service().world_mut().set_key_state(&home(), A, KeyState::Disabled);
    let folder = tempfile::TempDir::new().unwrap();
    let path = |form: &str| folder.path().join(form).to_str().unwrap().to_owned();
    let forms = ["markdown", "html", "tsv", "junit", "sarif", "gitlab-codequality", "ndjson"];
    let flags = forms.map(|form| format!("--report={form}={}", path(form)));
    let ran = drift(&kms, &flags.each_ref().map(String::as_str)).await;
    assert_eq!(ran.exit, Exit::Differences, "{}", ran.err);
    for form in forms {
        let text = std::fs::read_to_string(path(form)).unwrap();
        let same = text.contains("alias/app/one") && text.contains("alias/app/three");
        assert!(same && text.contains("is disabled"), "{form}: {text}");
    }
    for form in ["markdown", "html"] {
        let shown = drift(&kms, &["-o", form]).await;
        assert!(
            shown.out.contains("is disabled") && shown.exit == Exit::Differences,
            "{form}: {}",
            shown.out
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_may_not_be_looked_at_is_no_drift_and_no_success() {
    let fault = Fault::new("DescribeKey", Effect::AccessDenied);
    let kms = FakeKms::new(world(&IN_SYNC), Scenario { faults: vec![fault], ..Scenario::default() });
    let ran = drift(&kms, &[]).await;
    assert_eq!(ran.exit, Exit::Runtime, "{}", ran.out);
    assert!(ran.out.contains("cannot be looked at: DescribeKey: AccessDeniedException"), "{}", ran.out);
    assert!(ran.out.contains("hint  grant kms:DescribeKey on the key"), "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn what_the_command_line_counts_as_a_failure_outranks_drift_and_a_silent_target_both() {
    let kms = FakeKms::with(&IN_SYNC);
    let ran = drift(&kms, &["--fail-on", "unmanaged"]).await;
    assert!(ran.exit == Exit::Refused && ran.out.contains("alias/app/stray"), "{:?} {}", ran.exit, ran.out);
    let fault = Fault::new("ListAliases", Effect::AccessDenied);
    let kms = FakeKms::new(world(&[]), Scenario { faults: vec![fault], ..Scenario::default() });
    let ran = drift(&kms, &["--fail-on", "unmanaged"]).await;
    assert_eq!(ran.exit, Exit::Runtime, "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn what_drift_found_is_no_plan_to_apply() {
    let kms = FakeKms::with(&[("alias/app/one", B)]);
    let found = drift(&kms, &["-o", "json"]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, found.out).unwrap();
    let ran = run_on(&kms, MANIFEST, &["apply", file.path().to_str().unwrap()], None).await;
    assert!(ran.exit == Exit::Manifest && ran.err.contains("a document of kind \"drift\""), "{}", ran.err);
    assert_eq!(kms.truth().len(), 1);
}
