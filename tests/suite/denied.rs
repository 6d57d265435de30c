//! Denied writes: the report names the permission and the one resource that lacks it.

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{Effect, ErrorPlan, Fault, Scenario};

use crate::fake::{A, B, FakeKms, world};
use crate::ran::run_on;

const MANIFEST: &str = "\
version: 1
scope: [alias/app/]
aliases: {alias/app/moved: bbbb2222-0000-4000-8000-000000000002}
";

/// What apply says where UpdateAlias ends like this
async fn report(effect: Effect) -> String {
    let faults = vec![Fault::new("UpdateAlias", effect)];
    let kms = FakeKms::new(world(&[("alias/app/moved", A)]), Scenario { faults, ..Scenario::default() });
    let ran = run_on(&kms, MANIFEST, &["apply", "-y"], None).await;
    assert_eq!(ran.exit, Exit::Incomplete, "{}", ran.err);
    ran.out
}

/// The service's refusal on this resource
fn refusal(resource: &str) -> Effect {
    let message = format!(
        "User: arn:aws:sts::111122223333:assumed-role/write/x is not authorized to perform: kms:UpdateAlias on resource: {resource} \
         because no resource-based policy allows the kms:UpdateAlias action"
    );
    Effect::Error(ErrorPlan { code: "AccessDeniedException".to_owned(), message, status: 400 })
}

#[tokio::test(start_paused = true)]
async fn the_alias_side_is_told_from_the_current_key_and_the_new_one() {
    let here = "arn:aws:kms:us-east-1:111122223333";
    let alias = report(Effect::AccessDenied).await;
    let words = format!("hint  grant kms:UpdateAlias on {here}:alias/app/moved (the alias side)");
    assert!(alias.contains(&words), "{alias}");
    for (key, side) in [(A, "its current key"), (B, "its new key")] {
        let told = report(refusal(&format!("{here}:key/{key}"))).await;
        let words = format!("hint  grant kms:UpdateAlias on {here}:key/{key} (the key side: {side})");
        assert!(told.contains(&words), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_in_other_words_names_every_resource_there_can_be() {
    let plan = ErrorPlan { code: "AccessDeniedException".to_owned(), message: String::new(), status: 400 };
    let told = report(Effect::Error(plan)).await;
    assert!(told.contains("kms:UpdateAlias on the alias, on its current key and on the new key"), "{told}");
}
