//! The AWS CLI against `kms-alias sandbox`: whoever knows the one can use the other.

use serde_json::{Value, json};

use crate::processes::{Hermit, SandboxServer, aws, run};
use crate::raw::Raw;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";
// of the sandbox's starting world
const BILLING: &str = "bbbb2222-0000-4000-8000-000000002026";
const EXPORT: &str = "cccc3333-0000-4000-8000-000000000003";
const AUDIT: &str = "dddd4444-0000-4000-8000-000000000004";
const LEDGER: &str = "eeee5555-0000-4000-8000-000000000005";
const TOKENS: &str = "ffff6666-0000-4000-8000-000000000006";
const LEAVING: &str = "bbbb8888-0000-4000-8000-000000000008";
const STORAGE: &str = "99990000-0000-4000-8000-000000000009";
const UNKNOWN: &str = "01234567-0123-4123-8123-0123456789ab";

struct Sandbox {
    server: SandboxServer,
    hermit: Hermit,
}

impl Sandbox {
    fn start() -> Self {
        let server = SandboxServer::start(&[]);
        let hermit = Hermit::client(&server.url, ACCOUNT, REGION);
        Self { server, hermit }
    }

    /// What `aws kms` answers
    #[track_caller]
    fn kms(&self, arguments: &[&str]) -> Value {
        self.try_kms(arguments).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }

    fn try_kms(&self, arguments: &[&str]) -> Result<Value, String> {
        aws(&self.hermit, &[&["kms"], arguments].concat())
    }

    /// What `aws kms` is refused with: the service's code and words
    #[track_caller]
    fn refusal(&self, arguments: &[&str]) -> String {
        let said = self.try_kms(arguments).expect_err("it must be refused");
        let (_, rest) = said.split_once("An error occurred (").unwrap_or_else(|| panic!("{said}"));
        let (code, rest) = rest.split_once(')').unwrap();
        format!("{code}: {}", rest.split_once("operation:").unwrap().1.trim())
    }

    fn create_alias(&self, name: &str, key: &str) -> Result<Value, String> {
        self.try_kms(&["create-alias", "--alias-name", name, "--target-key-id", key])
    }

    /// The key behind an alias
    fn key_of(&self, alias: &str) -> Value {
        self.kms(&["describe-key", "--key-id", alias])["KeyMetadata"]["KeyId"].clone()
    }

    fn state(&self, key: &str) -> Value {
        self.kms(&["describe-key", "--key-id", key])["KeyMetadata"]["KeyState"].clone()
    }
}

fn key_arn(id: &str) -> String {
    format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{id}")
}

fn alias_arn(name: &str) -> String {
    format!("arn:aws:kms:{REGION}:{ACCOUNT}:{name}")
}

fn names(listing: &Value) -> Vec<&str> {
    listing["Aliases"].as_array().unwrap().iter().map(|alias| alias["AliasName"].as_str().unwrap()).collect()
}

#[test]
fn the_aws_cli_can_create_keys_of_every_family() {
    let sandbox = Sandbox::start();
    for (spec, usage, algorithms) in [
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "EncryptionAlgorithms"),
        ("HMAC_384", "GENERATE_VERIFY_MAC", "MacAlgorithms"),
        ("RSA_3072", "ENCRYPT_DECRYPT", "EncryptionAlgorithms"),
        ("ECC_NIST_P256", "KEY_AGREEMENT", "KeyAgreementAlgorithms"),
        ("ML_DSA_65", "SIGN_VERIFY", "SigningAlgorithms"),
    ] {
        let created =
            sandbox.kms(&["create-key", "--key-spec", spec, "--key-usage", usage, "--description", "é"]);
        let key = &created["KeyMetadata"];
        let members = ["KeySpec", "KeyUsage", "KeyState", "KeyManager", "Description", "AWSAccountId"];
        let expected = [spec, usage, "Enabled", "CUSTOMER", "é", ACCOUNT];
        for (member, expected) in members.iter().zip(expected) {
            assert_eq!(key[member], expected, "{spec} {member}");
        }
        assert!(!key[algorithms].as_array().unwrap().is_empty(), "{spec}");
        assert_eq!(key["Arn"], key_arn(key["KeyId"].as_str().unwrap()));
    }
    let primary = sandbox.kms(&["create-key", "--multi-region"]);
    let key = &primary["KeyMetadata"];
    assert!(key["KeyId"].as_str().unwrap().starts_with("mrk-"));
    assert_eq!(key["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY");
}

#[test]
fn the_aws_cli_can_create_move_and_delete_an_alias() {
    let sandbox = Sandbox::start();
    let alias = "alias/cli/new";
    sandbox.create_alias(alias, &key_arn(BILLING)).unwrap();
    assert_eq!(sandbox.key_of(alias), BILLING);
    let entry = sandbox.kms(&["list-aliases", "--key-id", BILLING])["Aliases"][0].clone();
    assert_eq!(entry["AliasArn"], alias_arn(alias));
    assert_eq!(entry["TargetKeyId"], BILLING, "the bare id, even where it was given as an ARN");
    sandbox.kms(&["update-alias", "--alias-name", alias, "--target-key-id", AUDIT]);
    assert_eq!(sandbox.key_of(alias), AUDIT);
    let moved = sandbox.kms(&["list-aliases", "--key-id", AUDIT]);
    let moved =
        moved["Aliases"].as_array().unwrap().iter().find(|entry| entry["AliasName"] == alias).unwrap();
    assert_eq!(moved["CreationDate"], entry["CreationDate"]);
    assert!(moved["LastUpdatedDate"].as_f64() > entry["LastUpdatedDate"].as_f64());
    sandbox.kms(&["delete-alias", "--alias-name", alias]);
    let gone = format!("NotFoundException: Alias {} is not found.", alias_arn(alias));
    assert_eq!(sandbox.refusal(&["describe-key", "--key-id", alias]), gone);
}

#[test]
fn the_aws_cli_can_page_through_a_listing() {
    let sandbox = Sandbox::start();
    let all = sandbox.kms(&["list-aliases"]);
    let mut paged = sandbox.kms(&["list-aliases", "--page-size", "3"]);
    assert_eq!(sorted(&paged), sorted(&all));
    assert!(names(&all).contains(&"alias/app/tokens") && names(&all).contains(&"alias/aws/s3"));
    let mut together = Vec::new();
    paged = sandbox.kms(&["list-aliases", "--page-size", "4", "--max-items", "5"]);
    loop {
        together.extend(names(&paged).into_iter().map(str::to_owned));
        let Some(token) = paged["NextToken"].as_str() else { break };
        let page = ["list-aliases", "--page-size", "4", "--max-items", "5", "--starting-token", token];
        paged = sandbox.kms(&page);
    }
    together.sort();
    assert_eq!(together, sorted(&all));
    let keys = sandbox.kms(&["list-keys"]);
    assert_eq!(sandbox.kms(&["list-keys", "--page-size", "2"]), keys);
    assert!(keys["Keys"].as_array().unwrap().contains(&json!({"KeyId": AUDIT, "KeyArn": key_arn(AUDIT)})));
}

fn sorted(listing: &Value) -> Vec<String> {
    let mut names: Vec<_> = names(listing).into_iter().map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn the_aws_cli_can_describe_a_key_by_each_of_its_names() {
    let sandbox = Sandbox::start();
    let alias = "alias/app/tokens";
    let by_id = sandbox.kms(&["describe-key", "--key-id", TOKENS]);
    assert_eq!(
        (&by_id["KeyMetadata"]["KeySpec"], &by_id["KeyMetadata"]["Enabled"]),
        (&json!("HMAC_256"), &json!(true))
    );
    for name in [key_arn(TOKENS), alias.to_owned(), alias_arn(alias)] {
        assert_eq!(sandbox.kms(&["describe-key", "--key-id", &name]), by_id, "{name}");
    }
}

#[test]
fn the_aws_cli_can_tag_a_key_and_change_its_policy() {
    let sandbox = Sandbox::start();
    sandbox.kms(&[
        "tag-resource",
        "--key-id",
        AUDIT,
        "--tags",
        "TagKey=owner,TagValue=me",
        "TagKey=app,TagValue=x",
    ]);
    let tags = sandbox.kms(&["list-resource-tags", "--key-id", AUDIT])["Tags"].clone();
    assert_eq!(tags, json!([{"TagKey": "app", "TagValue": "x"}, {"TagKey": "owner", "TagValue": "me"}]));
    sandbox.kms(&["untag-resource", "--key-id", AUDIT, "--tag-keys", "app"]);
    let tags = sandbox.kms(&["list-resource-tags", "--key-id", &key_arn(AUDIT)])["Tags"].clone();
    assert_eq!(tags, json!([{"TagKey": "owner", "TagValue": "me"}]));
    let policy =
        || sandbox.kms(&["get-key-policy", "--key-id", AUDIT, "--policy-name", "default"])["Policy"].clone();
    let default: Value = serde_json::from_str(policy().as_str().unwrap()).unwrap();
    assert_eq!(default["Statement"][0]["Principal"]["AWS"], format!("arn:aws:iam::{ACCOUNT}:root"));
    let mine = r#"{"Version": "2012-10-17", "Statement": []}"#;
    sandbox.kms(&["put-key-policy", "--key-id", AUDIT, "--policy-name", "default", "--policy", mine]);
    assert_eq!(policy(), mine);
    let refusal =
        sandbox.refusal(&["put-key-policy", "--key-id", AUDIT, "--policy-name", "default", "--policy", "no"]);
    assert!(refusal.starts_with("MalformedPolicyDocumentException: "), "{refusal}");
}

#[test]
fn the_aws_cli_can_take_a_key_through_its_states() {
    let sandbox = Sandbox::start();
    sandbox.kms(&["disable-key", "--key-id", AUDIT]);
    assert_eq!(sandbox.state(AUDIT), "Disabled");
    sandbox.create_alias("alias/cli/disabled", AUDIT).unwrap();
    sandbox.kms(&["enable-key", "--key-id", AUDIT]);
    assert_eq!(sandbox.state(AUDIT), "Enabled");
    let going = ["schedule-key-deletion", "--key-id", AUDIT, "--pending-window-in-days", "7"];
    let scheduled = sandbox.kms(&going);
    assert_eq!(
        (&scheduled["KeyId"], &scheduled["KeyState"]),
        (&json!(key_arn(AUDIT)), &json!("PendingDeletion"))
    );
    let pending = format!("KMSInvalidStateException: {} is pending deletion.", key_arn(AUDIT));
    assert_eq!(sandbox.refusal(&["enable-key", "--key-id", AUDIT]), pending);
    assert_eq!(sandbox.refusal(&going), pending);
    assert_eq!(sandbox.key_of("alias/cli/disabled"), AUDIT, "aliases stay");
    sandbox.kms(&["update-alias", "--alias-name", "alias/cli/disabled", "--target-key-id", BILLING]);
    assert_eq!(sandbox.kms(&["cancel-key-deletion", "--key-id", AUDIT]), json!({"KeyId": key_arn(AUDIT)}));
    assert_eq!(sandbox.state(AUDIT), "Disabled");
}

#[test]
fn the_aws_cli_is_refused_in_the_words_of_the_service() {
    let sandbox = Sandbox::start();
    let exists = format!(
        "AlreadyExistsException: An alias with the name {} already exists",
        alias_arn("alias/app/tokens")
    );
    let unknown = format!("NotFoundException: Key '{}' does not exist", key_arn(UNKNOWN));
    let leaving = format!("KMSInvalidStateException: {} is pending deletion.", key_arn(LEAVING));
    let elsewhere = key_arn(AUDIT).replace(REGION, "eu-west-1");
    let long = format!("alias/{}", "x".repeat(251));
    let too_long = format!(
        "ValidationException: 1 validation error detected: Value '{long}' at 'aliasName' failed to satisfy constraint: Member must have length less than or equal to 256"
    );
    for (name, key, words) in [
        ("alias/app/tokens", AUDIT, &*exists),
        ("alias/n", UNKNOWN, &unknown),
        ("alias/n", LEAVING, &leaving),
        ("alias/n", "nonsense", "NotFoundException: Invalid keyId 'nonsense'"),
        ("alias/n", &elsewhere, "NotFoundException: Invalid arn eu-west-1"),
        ("alias/n", "alias/app/tokens", "ValidationException: Aliases must refer to keys. Not aliases"),
        ("alias/a:b", AUDIT, "ValidationException: alias/a:b contains invalid characters for an alias"),
        (
            "alias/a b",
            AUDIT,
            "ValidationException: 1 validation error detected: Value 'alias/a b' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$",
        ),
        (
            "n",
            AUDIT,
            "ValidationException: Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        ),
        (&long, AUDIT, &too_long),
    ] {
        assert_eq!(sandbox.refusal(&["create-alias", "--alias-name", name, "--target-key-id", key]), words);
    }
    // nobody has published the service's words for these; the code alone is what programs go by
    for (name, key, code) in
        [("alias/aws/mine", AUDIT, "NotAuthorizedException"), ("alias/n", STORAGE, "AccessDeniedException")]
    {
        let refusal = sandbox.refusal(&["create-alias", "--alias-name", name, "--target-key-id", key]);
        assert!(refusal.starts_with(code), "{refusal}");
    }
    for key in [AUDIT, LEDGER] {
        let refusal =
            sandbox.refusal(&["update-alias", "--alias-name", "alias/app/tokens", "--target-key-id", key]);
        assert!(refusal.starts_with("ValidationException: "), "an HMAC alias stays on HMAC keys: {refusal}");
    }
    let nobody = format!("NotFoundException: Alias {} is not found.", alias_arn("alias/n"));
    assert_eq!(
        sandbox.refusal(&["update-alias", "--alias-name", "alias/n", "--target-key-id", AUDIT]),
        nobody
    );
    assert_eq!(sandbox.refusal(&["delete-alias", "--alias-name", "alias/n"]), nobody);
    let by_alias = "NotFoundException: Invalid keyId 'alias/app/tokens'";
    assert_eq!(sandbox.refusal(&["list-resource-tags", "--key-id", "alias/app/tokens"]), by_alias);
}

#[test]
fn the_aws_cli_is_told_the_quota_of_a_key() {
    let sandbox = Sandbox::start();
    let (access_key, region) = (ACCOUNT.to_owned(), REGION.to_owned());
    let raw = Raw { url: sandbox.server.url.clone(), access_key, region };
    for n in 0..50 {
        raw.create_alias(&format!("alias/cli/{n}"), BILLING);
    }
    let words = "LimitExceededException: Aliases per key quota for this account in this region is 50, current usage is 50.";
    let more = ["create-alias", "--alias-name", "alias/cli/more", "--target-key-id", BILLING];
    assert_eq!(sandbox.refusal(&more), words);
    let moved = ["update-alias", "--alias-name", "alias/other/team", "--target-key-id", BILLING];
    assert_eq!(sandbox.refusal(&moved), words);
}

#[test]
fn the_aws_cli_can_assume_a_role_and_act_in_its_account() {
    let sandbox = Sandbox::start();
    let caller = |hermit: &Hermit| aws(hermit, &["sts", "get-caller-identity"]).unwrap();
    let me = caller(&sandbox.hermit);
    assert_eq!(
        (&me["Account"], &me["Arn"]),
        (&json!(ACCOUNT), &json!(format!("arn:aws:iam::{ACCOUNT}:user/sandbox")))
    );
    let role = "arn:aws:iam::444455556666:role/ops/kms-alias-read";
    let assume = ["sts", "assume-role", "--role-arn", role, "--role-session-name", "cli"];
    let session = aws(&sandbox.hermit, &assume).unwrap();
    let credentials = |member: &str| session["Credentials"][member].as_str().unwrap().to_owned();
    let other = Hermit::client(&sandbox.server.url, &credentials("AccessKeyId"), REGION)
        .with("AWS_SECRET_ACCESS_KEY", &credentials("SecretAccessKey"))
        .with("AWS_SESSION_TOKEN", &credentials("SessionToken"));
    assert_eq!(caller(&other)["Arn"], "arn:aws:sts::444455556666:assumed-role/kms-alias-read/cli");
    let listed = aws(&other, &["kms", "list-aliases"]).unwrap();
    assert!(
        names(&listed).contains(&"alias/app/experiment") && !names(&listed).contains(&"alias/app/tokens")
    );
    // one file of configuration for both, as a person has it
    let profile = "[profile dev]\nrole_arn = arn:aws:iam::444455556666:role/dev\ncredential_source = Environment\nregion = us-east-1\n";
    let by_profile = Hermit::client(&sandbox.server.url, ACCOUNT, REGION);
    by_profile.write("config", profile);
    let by_profile = by_profile.with("AWS_CONFIG_FILE", "config");
    let identity = aws(&by_profile, &["--profile", "dev", "sts", "get-caller-identity"]).unwrap();
    assert_eq!(identity["Account"], "444455556666");
    let refused = aws(
        &sandbox.hermit,
        &["sts", "assume-role", "--role-arn", "arn:aws:iam::4444:role/xxx", "--role-session-name", "cli"],
    );
    assert!(refused.unwrap_err().contains("(ValidationError) when calling the AssumeRole operation"));
}

#[test]
fn what_the_aws_cli_changes_the_program_sees_and_the_reverse() {
    let sandbox = Sandbox::start();
    sandbox.create_alias("alias/cli/moved", AUDIT).unwrap();
    let manifest = format!(
        "version: 1\nscope: [alias/cli/]\naliases:\n  alias/cli/moved: {BILLING}\n  alias/cli/new: {TOKENS}\n"
    );
    sandbox.hermit.write("aliases.yaml", &manifest);
    let apply = run(sandbox.hermit.kms_alias().args(["apply", "--yes"]));
    assert_eq!(apply.code, Some(0), "{apply:?}");
    assert_eq!(sandbox.key_of("alias/cli/moved"), BILLING);
    assert_eq!(sandbox.key_of("alias/cli/new"), TOKENS);
}

#[test]
fn the_state_outlives_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let state = format!("--sandbox={}", folder.path().join("state.json").display());
    let create = |server: &SandboxServer| {
        let alias = ["kms", "create-alias", "--alias-name", "alias/cli/kept", "--target-key-id", AUDIT];
        aws(&Hermit::client(&server.url, ACCOUNT, REGION), &alias)
    };
    create(&SandboxServer::start(&[&state])).unwrap();
    // killed in between, not asked to stop
    let refused = create(&SandboxServer::start(&[&state])).unwrap_err();
    assert!(refused.contains("AlreadyExistsException"), "{refused}");
}

#[test]
fn the_aws_cli_looks_up_who_changed_what_and_so_does_blame() {
    let sandbox = Sandbox::start();
    sandbox.create_alias("alias/cli/blamed", AUDIT).unwrap();
    let role = format!("arn:aws:iam::{ACCOUNT}:role/Admin");
    let assume = ["sts", "assume-role", "--role-arn", &role, "--role-session-name", "carol"];
    let session = aws(&sandbox.hermit, &assume).unwrap();
    let credentials = |member: &str| session["Credentials"][member].as_str().unwrap().to_owned();
    let carol = Hermit::client(&sandbox.server.url, &credentials("AccessKeyId"), REGION)
        .with("AWS_SECRET_ACCESS_KEY", &credentials("SecretAccessKey"))
        .with("AWS_SESSION_TOKEN", &credentials("SessionToken"));
    for key in [EXPORT, LEDGER, BILLING] {
        let update = ["kms", "update-alias", "--alias-name", "alias/cli/blamed", "--target-key-id", key];
        // LEDGER is of another family: a call that fails is recorded too
        assert_eq!(aws(&carol, &update).is_ok(), key != LEDGER, "{key}");
    }
    let named = "AttributeKey=EventName,AttributeValue=UpdateAlias";
    let lookup = |more: &[&str]| {
        let call = ["cloudtrail", "lookup-events", "--lookup-attributes", named];
        aws(&sandbox.hermit, &[&call, more].concat()).unwrap()["Events"].as_array().unwrap().clone()
    };
    let events = lookup(&["--page-size", "1"]);
    let record = |event: &Value| -> Value {
        assert_eq!(
            (&event["Username"], &event["EventSource"]),
            (&"carol".into(), &"kms.amazonaws.com".into())
        );
        serde_json::from_str(event["CloudTrailEvent"].as_str().unwrap()).unwrap()
    };
    let records: Vec<Value> = events.iter().map(record).collect();
    let moved = records.iter().map(|one| (&one["requestParameters"]["targetKeyId"], &one["errorCode"]));
    let (none, refused) = (Value::Null, json!("ValidationException"));
    let wanted = [(json!(BILLING), none.clone()), (json!(LEDGER), refused), (json!(EXPORT), none)];
    assert!(moved.eq(wanted.iter().map(|(key, code)| (key, code))), "newest first: {records:?}");
    assert!(records[0]["userAgent"].as_str().unwrap().contains("aws-cli/"), "{}", records[0]);
    assert!(
        lookup(&["--start-time", "2099-01-01"]).is_empty()
            && lookup(&["--end-time", "2001-01-01"]).is_empty()
    );
    let manifest = format!("version: 1\nscope: [alias/cli/]\naliases: {{alias/cli/blamed: {AUDIT}}}\n");
    sandbox.hermit.write("aliases.yaml", &manifest);
    let drift = run(sandbox.hermit.kms_alias().args(["drift", "--blame"]));
    let (who, how) =
        ("      who   role Admin/carol at 20", "Z: UpdateAlias to bbbb2222 from 127.0.0.1 with aws-cli/");
    assert!(drift.code == Some(2) && drift.stdout.contains(who) && drift.stdout.contains(how), "{drift:?}");
}
