//! `import` against moto: aliases that the AWS CLI has made become a manifest of which a plan has nothing to do, as moto has it.

use serde_json::Value;

use crate::moto::{ACCOUNT, Moto};

/// The id of a key that the AWS CLI makes
fn key(moto: &Moto, arguments: &[&str]) -> String {
    let made = moto.aws(&[&["kms", "create-key"], arguments].concat());
    made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
}

fn alias(moto: &Moto, name: &str, key: &str) {
    moto.aws(&["kms", "create-alias", "--alias-name", name, "--target-key-id", key]);
}

#[test]
fn aliases_that_the_aws_cli_has_made_are_imported_and_in_sync() {
    let moto = Moto::start();
    let billing = key(&moto, &["--description", "billing db 2026", "--tags", "TagKey=app,TagValue=billing"]);
    let plain = key(&moto, &[]);
    for (name, key) in
        [("alias/app/billing", &billing), ("alias/app/plain", &plain), ("alias/data/x", &plain)]
    {
        alias(&moto, name, key);
    }
    let before = moto.raw.aliases();
    let asked = moto.kms_alias("", &["import", "--new"]);
    assert_eq!(asked.code, Some(64), "{asked:?}");
    assert!(asked.stderr.contains("live are alias/app/ (2), alias/data/ (1)"), "{}", asked.stderr);
    let region = &moto.raw.region;
    for (way, reference) in [("id", &*billing), ("tags", "{key: {tags: {app: billing}}}")] {
        let imported = moto.kms_alias("", &["import", "--new", "--prefix", "alias/app/", "--key-ref", way]);
        assert_eq!(imported.code, Some(0), "{imported:?}");
        let head = format!(
            "version: 1\nscope: [alias/app/]\ntargets:\n  main: {{account: \"{ACCOUNT}\", region: {region}}}"
        );
        assert!(imported.stdout.starts_with(&head), "{}", imported.stdout);
        let line = format!("\n  alias/app/billing: {reference}  # billing db 2026\n");
        assert!(imported.stdout.contains(&line), "{}", imported.stdout);
        let plan = moto.kms_alias(&imported.stdout, &["plan", "--detailed-exitcode", "-o", "json"]);
        assert_eq!(plan.code, Some(0), "{plan:?}");
        let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
        assert_eq!((&plan["summary"]["in_sync"], &plan["summary"]["unmanaged"]), (&2.into(), &0.into()));
    }
    assert_eq!(moto.raw.aliases(), before);
}

#[test]
fn what_a_stack_has_made_is_found_by_the_names_of_its_resources() {
    let moto = Moto::start();
    let made = key(&moto, &[]);
    for name in ["alias/app/one", "alias/app/two", "alias/app/by-hand"] {
        alias(&moto, name, &made);
    }
    let resource = |id: &str, name: &str| {
        let stack = format!("arn:aws:cloudformation:{}:{ACCOUNT}:stack/keys/1", moto.raw.region);
        serde_json::json!({
            "StackId": stack, "StackName": "keys", "LogicalResourceId": id, "PhysicalResourceId": name,
            "ResourceType": "AWS::KMS::Alias", "ResourceStatus": "CREATE_COMPLETE",
        })
    };
    let listing = serde_json::json!({"StackResources": [resource("One", "alias/app/one"), resource("Two", "alias/app/two")]});
    let stack = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(stack.path(), listing.to_string()).unwrap();
    let imported =
        moto.kms_alias("", &["import", "--new", "--from-cloudformation", stack.path().to_str().unwrap()]);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    assert!(
        imported.stdout.ends_with(&format!("aliases:\n  alias/app/one: {made}\n  alias/app/two: {made}\n"))
    );
    assert!(imported.stderr.contains("#   DeletionPolicy: Retain\n"), "{}", imported.stderr);
    let plan = moto.kms_alias(&imported.stdout, &["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, Some(0), "{plan:?}");
    assert!(plan.stdout.contains("2 in sync, 1 unmanaged."), "{}", plan.stdout);
}
