//! `import --from-tfstate` and `--from-cloudformation`: what these tools have made is declared, and they are told how to let go of it. The
//! files in `foreign/` have the form that the tools give them: Terraform 1.11.4 itself has written the state, and what it shows of that, with a
//! provider that made no more than aliases in the sandbox, with the attributes that version 6 of the real one has. There, a replacement of
//! `aws_kms_alias.billing` has failed half way, and `module.db["blue.green"].aws_kms_alias.this[1]` is tainted.

use std::fs;

use kms_alias::cli::exit::Exit;
use tempfile::TempDir;

use crate::fake::{A, ACCOUNT, B, C, FakeConnect, FakeKms, REGION};
use crate::ran::{Ran, run_args};
use kms_alias::sandbox::{Home, Key, Scenario, World};

const STATE: &str = include_str!("foreign/terraform.tfstate");
const SHOWN: &str = include_str!("foreign/show.json");
const STACK: &str = include_str!("foreign/stack.json");
const TEMPLATE: &str = include_str!("foreign/template.yaml");

const GENERATED: &str = "alias/app/gen-20261122193127599400000001";
const GENERATED_TOO: &str = "alias/app/gen-20261122193127605700000002";

/// Keys in two Regions, and these aliases in one of them each
fn kms(live: &[(&str, &str, &str)]) -> FakeKms {
    let mut world = World::default();
    for region in [REGION, "us-west-2"] {
        for id in [A, B, C] {
            world.put_key(&Home::new(ACCOUNT, region), Key::new(id));
        }
    }
    for (region, name, key) in live {
        world.put_alias(&Home::new(ACCOUNT, region), name, Some(key), 0);
    }
    FakeKms::new(world, Scenario::default())
}

/// All that the state is about, and one more
fn as_in_the_state() -> FakeKms {
    kms(&[
        (REGION, "alias/app/billing", A),
        (REGION, GENERATED, C),
        (REGION, GENERATED_TOO, C),
        (REGION, "alias/app/by-hand", A),
        ("us-west-2", "alias/app/db/0", B),
        ("us-west-2", "alias/app/db/1", B),
    ])
}

/// Runs `import FLAG FILE ARGS` where FILE has this text
async fn import(kms: &FakeKms, flag: &str, text: &str, args: &[&str]) -> Ran {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("foreign");
    fs::write(&path, text).unwrap();
    let args = [&["import", flag, path.to_str().unwrap()], args].concat();
    let ran = run_args(|_| FakeConnect(kms.clone()), &args, None).await;
    Ran { err: ran.err.replace(&format!("{}/", folder.path().display()), ""), ..ran }
}

async fn plan(kms: &FakeKms, manifest: &str) -> String {
    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    fs::write(file.path(), manifest).unwrap();
    let ran = run_args(
        |_| FakeConnect(kms.clone()),
        &["plan", "--detailed-exitcode", "-f", file.path().to_str().unwrap()],
        None,
    )
    .await;
    assert_eq!(ran.exit, Exit::Success, "{}{}\n{manifest}", ran.out, ran.err);
    ran.out
}

#[tokio::test(start_paused = true)]
async fn the_aliases_of_a_state_become_a_manifest_for_their_account_and_regions() {
    let kms = as_in_the_state();
    let ran = import(&kms, "--from-tfstate", STATE, &["--new"]).await;
    let pinned = "pinned: with credentials of another account it does nothing";
    let wanted = format!(
        "version: 1\nscope: [alias/app/]\ntargets:\n  main:  # {pinned}\n    account: \"{ACCOUNT}\"\n    regions: [us-east-1, us-west-2]\n\
        aliases:\n  alias/app/billing: {{key: {A}, targets: [main/{ACCOUNT}/us-east-1]}}\n  \
        alias/app/db/0: {{key: {B}, targets: [main/{ACCOUNT}/us-west-2]}}\n  \
        alias/app/db/1: {{key: {B}, targets: [main/{ACCOUNT}/us-west-2]}}\n  \
        {GENERATED}: {{key: {C}, targets: [main/{ACCOUNT}/us-east-1]}}\n  \
        {GENERATED_TOO}: {{key: {C}, targets: [main/{ACCOUNT}/us-east-1]}}\n"
    );
    assert_eq!((ran.exit, &ran.out), (Exit::Success, &wanted), "{}", ran.err);
    assert!(plan(&kms, &ran.out).await.contains("No changes. 5 in sync, 1 unmanaged."));
    let blocks = "\nremoved {\n  from = aws_kms_alias.billing\n\n  lifecycle {\n    destroy = false\n  }\n}\n\n\
        removed {\n  from = module.db.aws_kms_alias.named\n\n  lifecycle {\n    destroy = false\n  }\n}\n\n\
        removed {\n  from = module.db.aws_kms_alias.this\n\n  lifecycle {\n    destroy = false\n  }\n}\n\n\
        # Before Terraform 1.7, for single instances, and where a resource block has to stay, these commands do the same. Run them first, then\n\
        # see that nothing makes these aliases any more: a plan that makes or destroys one is not to be applied.\n\
        #   terraform state rm 'aws_kms_alias.billing'\n\
        #   terraform state rm 'module.db[\"blue.green\"].aws_kms_alias.named[\"$${x}%%{y}\\u200b\\\\\\\"\\U000e0001\"]'\n\
        #   terraform state rm 'module.db[\"blue.green\"].aws_kms_alias.named[\"it'\\''s\"]'\n\
        #   terraform state rm 'module.db[\"blue.green\"].aws_kms_alias.this[0]'\n\
        #   terraform state rm 'module.db[\"blue.green\"].aws_kms_alias.this[1]'\n";
    assert!(ran.err.contains(blocks), "{}", ran.err);
    let notes = "note: aws_kms_alias.billing has a deposed object, alias/app/billing-old, which Terraform is still to destroy: it is not \
        imported, and is left over where Terraform lets go of the resource before; `terraform apply` destroys it\n\
        note: the scope is alias/app/, as narrow as the names allow\n# Terraform 1.7";
    assert!(ran.err.starts_with(notes), "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn what_a_state_says_and_is_not_live_is_told_and_only_what_is_declared_is_let_go_of() {
    let kms =
        kms(&[(REGION, "alias/app/billing", B), (REGION, GENERATED, C), ("us-west-2", "alias/app/db/1", B)]);
    let ran = import(&kms, "--from-tfstate", STATE, &["--new"]).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    assert!(
        ran.out.contains(&format!("alias/app/billing: {{key: {B}, ")),
        "what is live counts: {}",
        ran.out
    );
    for told in [
        &format!(
            "note: alias/app/billing in main/{ACCOUNT}/us-east-1: it is on key {B}, and aws_kms_alias.billing says {A}: what is live counts\n"
        ),
        "note: alias/app/db/0, module.db[\"blue.green\"].aws_kms_alias.this[0]: not declared: it is not live any more\n",
        "# module.db.aws_kms_alias.this: 1 of its 2 instances are declared now, and a block lets go of all: use the commands below\n",
        "#   terraform state rm 'module.db[\"blue.green\"].aws_kms_alias.this[1]'\n",
    ] {
        assert!(ran.err.contains(told), "{told}: {}", ran.err);
    }
    assert!(!ran.err.contains("from = module.db.aws_kms_alias.this"), "{}", ran.err);
    assert!(plan(&kms, &ran.out).await.contains("3 in sync, 0 unmanaged."));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_nothing_was_imported_for_is_told() {
    let kms = kms(&[(REGION, "alias/app/billing", A)]);
    let ran = import(&kms, "--from-tfstate", STATE, &["--new"]).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    let told = format!(
        "note: main/{ACCOUNT}/us-west-2: nothing is declared for it, since nothing that was asked for is live there\n"
    );
    assert!(ran.err.contains(&told), "{}", ran.err);
    assert!(!ran.err.contains("us-east-1: nothing is declared"), "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn a_state_adds_to_a_manifest_what_is_of_its_targets() {
    let kms = as_in_the_state();
    let folder = TempDir::new().unwrap();
    let (own, removed) = (folder.path().join("own.yaml"), folder.path().join("removed.tf"));
    let manifest = format!(
        "version: 1\nscope: [alias/app/]\ntargets:\n  east: {{account: \"{ACCOUNT}\", region: us-east-1}}\naliases:\n  {GENERATED}: {C}\n  {GENERATED_TOO}: {C}\n"
    );
    fs::write(&own, &manifest).unwrap();
    let args = ["-f", own.to_str().unwrap(), "--removed", removed.to_str().unwrap()];
    let ran = import(&kms, "--from-tfstate", STATE, &args).await;
    let wanted = manifest.replace("aliases:\n", &format!("aliases:\n  alias/app/billing: {A}\n"));
    assert_eq!(ran.out, wanted, "{}", ran.err);
    assert!(ran.err.contains("note: 111122223333 in us-west-2 is none of the targets: 2 aliases of it not declared, alias/app/db/0 and alias/app/db/1\n"), "{}", ran.err);
    assert!(!ran.err.contains("removed {"), "{}", ran.err);
    let removed = fs::read_to_string(removed).unwrap();
    assert!(removed.contains("from = aws_kms_alias.billing\n"), "{removed}");
    assert!(
        removed.contains("from = module.db.aws_kms_alias.named\n"),
        "what was declared before is let go of too: {removed}"
    );
    assert!(!removed.contains("from = module.db.aws_kms_alias.this"), "{removed}");
}

#[tokio::test(start_paused = true)]
async fn a_state_as_terraform_shows_it_says_the_same() {
    let kms = as_in_the_state();
    let shown = import(&kms, "--from-tfstate", SHOWN, &["--new"]).await;
    let stored = import(&kms, "--from-tfstate", STATE, &["--new"]).await;
    assert_eq!((shown.exit, shown.out, shown.err), (Exit::Success, stored.out, stored.err));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_no_state_is_refused_with_the_command_that_makes_one() {
    let kms = as_in_the_state();
    for (flag, text, says, hint) in [
        (
            "--from-tfstate",
            "version: 4",
            "failed to read foreign: it is no Terraform state: ",
            "terraform state pull > FILE",
        ),
        ("--from-tfstate", STACK, "it has neither a `version`", "terraform show -json > FILE"),
        (
            "--from-cloudformation",
            STATE,
            "it is neither a template",
            "list-stack-resources --stack-name STACK",
        ),
        (
            "--from-cloudformation",
            &TEMPLATE.replace("alias/app/billing", "!Sub alias/${Stage}/billing"),
            "the names of BillingAlias by functions",
            "aws cloudformation list-stack-resources --stack-name STACK --output json > FILE",
        ),
    ] {
        let ran = import(&kms, flag, text, &["--new"]).await;
        assert_eq!((ran.exit, &*ran.out), (Exit::Manifest, ""), "{}", ran.err);
        assert!(ran.err.contains(says) && ran.err.contains(hint), "{}", ran.err);
    }
    assert!(kms.service().calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_aliases_of_a_template_and_of_a_stack_become_the_same_manifest() {
    let kms = kms(&[
        (REGION, "alias/app/billing", A),
        (REGION, "alias/app/audit", A),
        (REGION, "alias/app/by-hand", A),
    ]);
    let template = import(&kms, "--from-cloudformation", TEMPLATE, &["--new"]).await;
    let stack = import(&kms, "--from-cloudformation", STACK, &["--new"]).await;
    assert_eq!((stack.exit, &stack.out), (Exit::Success, &template.out), "{}{}", stack.err, template.err);
    assert!(
        stack.out.ends_with(&format!("aliases:\n  alias/app/audit: {A}\n  alias/app/billing: {A}\n")),
        "{}",
        stack.out
    );
    assert!(plan(&kms, &stack.out).await.contains("2 in sync, 1 unmanaged."));
    let told = "#   DeletionPolicy: Retain\n#   UpdateReplacePolicy: Retain\n\
        # or, in a template that is JSON:\n#   \"DeletionPolicy\": \"Retain\",\n#   \"UpdateReplacePolicy\": \"Retain\",\n\
        # Then take them out of the template, and deploy again. The resources:\n#   AuditAlias\n#   BillingAlias\n";
    assert!(stack.err.contains(told), "{}", stack.err);
}

#[tokio::test(start_paused = true)]
async fn a_stack_of_elsewhere_is_none_of_the_targets() {
    let kms = kms(&[(REGION, "alias/app/billing", A)]);
    let folder = TempDir::new().unwrap();
    let own = folder.path().join("own.yaml");
    fs::write(&own, "version: 1\nscope: [alias/app/]\naliases: {}\n").unwrap();
    let elsewhere = STACK.replace("111122223333", "444455556666");
    let ran = import(&kms, "--from-cloudformation", &elsewhere, &["-f", own.to_str().unwrap()]).await;
    assert_eq!(
        (ran.exit, &*ran.out),
        (Exit::Success, "version: 1\nscope: [alias/app/]\naliases: {}\n"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("note: 444455556666 in us-east-1 is none of the targets: 2 aliases of it not declared, alias/app/audit and alias/app/billing\n"), "{}", ran.err);
    assert!(
        ran.err.contains("# Nothing was imported that CloudFormation would have to let go of.\n"),
        "{}",
        ran.err
    );
}

const REGIONS: &str = "version: 1\nscope: [alias/app/]\ntargets:\n  east: {account: \"111122223333\", region: us-east-1}\n  \
    west: {account: \"111122223333\", region: us-west-2}\naliases: {}\n";

/// Imports into a manifest for two Regions
async fn into_regions(kms: &FakeKms, flag: &str, text: &str, args: &[&str]) -> Ran {
    let own = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    fs::write(own.path(), REGIONS).unwrap();
    import(kms, flag, text, &[&["-f", own.path().to_str().unwrap()], args].concat()).await
}

#[tokio::test(start_paused = true)]
async fn what_is_of_a_target_that_was_not_chosen_is_counted_and_not_called_none_of_them() {
    let ran = into_regions(&as_in_the_state(), "--from-tfstate", STATE, &["-t", "east"]).await;
    let told = "note: 111122223333 in us-west-2 is of a target that was not chosen: 2 aliases of it not declared, \
        alias/app/db/0 and alias/app/db/1\n";
    assert!(ran.exit == Exit::Success && ran.err.contains(told), "{}", ran.err);
    assert!(!ran.err.contains("none of the targets"), "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_of_a_state_is_live_any_more_that_is_said() {
    let ran = import(&kms(&[]), "--from-tfstate", STATE, &["--new"]).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    let told = "Imported nothing: none of the aliases of foreign is live in 111122223333 in us-east-1 and 111122223333 in us-west-2; ";
    assert!(ran.err.contains(told), "{}", ran.err);
    assert!(
        ran.err.contains("# Nothing was imported that Terraform would have to let go of.\n"),
        "{}",
        ran.err
    );
}

#[tokio::test(start_paused = true)]
async fn a_template_whose_names_are_taken_in_several_targets_is_told_of_since_it_is_of_one() {
    let both = kms(&[(REGION, "alias/app/billing", A), ("us-west-2", "alias/app/billing", B)]);
    let told = "note: what is read does not say of which account and Region it is, and is of one: 1 alias taken in several targets, \
        alias/app/billing in 2 of them; name its own with --target or --regions\n";
    let ran = into_regions(&both, "--from-cloudformation", TEMPLATE, &[]).await;
    assert!(ran.exit == Exit::Success && ran.err.contains(told), "{}", ran.err);
    let one = into_regions(&both, "--from-cloudformation", TEMPLATE, &["-t", "east"]).await;
    assert!(!one.err.contains("several targets"), "{}", one.err);
}
