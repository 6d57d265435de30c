//! IAM policies with programs that are not ours: put into moto by the AWS CLI and read by `plan --access=iam`; read from the
//! sandbox by the AWS CLI, whose output `--access-policy` then takes.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::moto::{ACCOUNT, Moto};
use crate::processes::{Ended, Hermit, SandboxServer, aws, run};

fn document(sid: &str, condition: &Value) -> String {
    let statement = json!({"Sid": sid, "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": condition});
    json!({"Version": "2012-10-17", "Statement": statement}).to_string()
}

fn by_request() -> String {
    document("ByRequest", &json!({"StringEquals": {"kms:RequestAlias": "alias/app/moved"}}))
}

fn by_key() -> String {
    document("ByKey", &json!({"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/app/*"}}))
}

/// The findings of a plan
fn findings(ended: &Ended) -> Vec<&str> {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout.lines().filter_map(|line| line.strip_prefix("  access  ")).collect()
}

#[test]
fn policies_that_the_aws_cli_has_made_are_read_live() {
    let moto = Moto::start();
    let (old, new) = (moto.raw.plain_key(), moto.raw.plain_key());
    moto.raw.create_alias("alias/app/moved", &old);
    let trust = json!({"Version": "2012-10-17", "Statement": []}).to_string();
    moto.aws(&["iam", "create-role", "--role-name", "app", "--assume-role-policy-document", &trust]);
    let inline = ["--role-name", "app", "--policy-name", "inline", "--policy-document", &by_request()];
    moto.aws(&[&["iam", "put-role-policy"], &inline[..]].concat());
    // the version in force is the second
    let every = document("Replaced", &json!({"StringLike": {"kms:RequestAlias": "*"}}));
    moto.aws(&["iam", "create-policy", "--policy-name", "by-key", "--policy-document", &every]);
    let arn = format!("arn:aws:iam::{ACCOUNT}:policy/by-key");
    let version = ["--policy-arn", &arn, "--set-as-default", "--policy-document", &by_key()];
    moto.aws(&[&["iam", "create-policy-version"], &version[..]].concat());
    moto.aws(&["iam", "attach-role-policy", "--role-name", "app", "--policy-arn", &arn]);
    let manifest = format!("version: 1\nscope: [alias/app/]\naliases: {{alias/app/moved: {new}}}\n");
    let ended = moto.kms_alias(&manifest, &["plan", "--access=iam", "-o", "json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let plan: Value = serde_json::from_str(&ended.stdout).unwrap();
    let findings = plan["targets"][0]["access"].as_array().unwrap().iter();
    let mut told: Vec<Value> = findings
        .map(|one| {
            let statement = &one["statement"];
            let of = [
                &statement["sid"],
                &statement["policy"],
                &statement["principals"][0],
                &one["requests"]["aliases"],
            ];
            json!([one["kind"], one["key"], of])
        })
        .collect();
    told.sort_by_key(Value::to_string);
    let role = format!("arn:aws:iam::{ACCOUNT}:role/app");
    let mut expected: Vec<Value> = [("begins", &new), ("ceases", &old)]
        .into_iter()
        .flat_map(|(kind, key)| {
            let key_side = json!([kind, key, ["ByKey", "by-key", role, null]]);
            [key_side, json!([kind, key, ["ByRequest", "inline", role, ["alias/app/moved"]]])]
        })
        .collect();
    expected.sort_by_key(Value::to_string);
    assert_eq!(told, expected, "{}", ended.stdout);
}

#[test]
fn the_aws_cli_reads_the_sandboxes_account_and_its_output_says_the_same_as_reading_live() {
    let directory = TempDir::new().unwrap();
    let state = directory.path().join("world.json").display().to_string();
    let sandbox = format!("--sandbox={state}");
    let key = "bbbb2222-0000-4000-8000-000000002026";
    let hermit = Hermit::new();
    hermit.write(
        "aliases.yaml",
        &format!("version: 1\nscope: [alias/app/]\naliases: {{alias/app/moved: {key}}}\n"),
    );
    let plan = |arguments: &[&str]| run(hermit.kms_alias().args(["plan", &sandbox]).args(arguments));
    assert_eq!(plan(&[]).code, Some(0));
    let mut world: Value = serde_json::from_slice(&std::fs::read(&state).unwrap()).unwrap();
    let parsed = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    world["iam"] = json!({"111122223333": {
        "roles": {"app": {"policies": {"inline": parsed(by_request())}, "attached": ["by-key"]}},
        "groups": {"ops": {"attached": ["by-key"]}},
        "policies": {"by-key": parsed(by_key())},
    }});
    std::fs::write(&state, world.to_string()).unwrap();
    let server = SandboxServer::start(&[&sandbox]);
    let client = Hermit::client(&server.url, "111122223333", "us-east-1");
    let operation = ["iam", "get-account-authorization-details"];
    let whole = aws(&client, &operation).unwrap();
    assert_eq!(whole["RoleDetailList"][0]["RolePolicyList"][0]["PolicyDocument"], parsed(by_request()));
    assert_eq!(whole["Policies"][0]["PolicyVersionList"][0]["Document"], parsed(by_key()));
    assert_eq!(aws(&client, &[&operation[..], &["--page-size", "1"]].concat()).unwrap(), whole);
    let groups = aws(&client, &[&operation[..], &["--filter", "Group"]].concat()).unwrap();
    assert_eq!(
        (&groups["GroupDetailList"], &groups["RoleDetailList"]),
        (&whole["GroupDetailList"], &json!([]))
    );
    drop(server);
    hermit.write("account.json", &whole.to_string());
    let live = plan(&["--access=iam"]);
    assert_eq!(findings(&live).len(), 2, "{live:?}");
    assert_eq!(findings(&plan(&["--access", "--access-policy", "account.json"])), findings(&live));
}
