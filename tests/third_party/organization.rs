//! The accounts of moto's organization: made with the AWS CLI, discovered by the program, and each read with the role that moto's token
//! service hands out.

use serde_json::json;

use crate::moto::Moto;
use crate::processes::{Hermit, SandboxServer, aws};
use crate::raw::Raw;

/// An id that the AWS CLI answers with
fn id(moto: &Moto, path: &str, arguments: &[&str]) -> String {
    let answer = moto.aws(&[&["organizations"], arguments].concat());
    answer.pointer(path).and_then(|id| id.as_str()).unwrap_or_else(|| panic!("{path}: {answer}")).to_owned()
}

/// An organization; moto has one a server
struct Organization<'m> {
    moto: &'m Moto,
    root: String,
}

impl<'m> Organization<'m> {
    fn new(moto: &'m Moto) -> Self {
        moto.aws(&["organizations", "create-organization", "--feature-set", "ALL"]);
        Self { moto, root: id(moto, "/Roots/0/Id", &["list-roots"]) }
    }

    fn ou(&self, name: &str, parent: &str) -> String {
        let arguments = ["create-organizational-unit", "--name", name, "--parent-id", parent];
        id(self.moto, "/OrganizationalUnit/Id", &arguments)
    }

    fn account(&self, name: &str, parent: &str) -> String {
        let email = format!("{name}@example.com");
        let create = ["create-account", "--account-name", name, "--email", &email];
        let account = id(self.moto, "/CreateAccountStatus/AccountId", &create);
        let (from, to) = (["--source-parent-id", &self.root], ["--destination-parent-id", parent]);
        let subject = ["organizations", "move-account", "--account-id", &account];
        self.moto.aws(&[&subject[..], &from, &to].concat());
        account
    }
}

/// The account as its own credentials see it, with a key and two aliases on it
fn inhabit(moto: &Moto, account: &str, alias: &str) -> (Raw, String) {
    let role = format!("arn:aws:iam::{account}:role/test");
    let session = moto.aws(&["sts", "assume-role", "--role-session-name", "test", "--role-arn", &role]);
    let access_key = session["Credentials"]["AccessKeyId"].as_str().unwrap().to_owned();
    let raw = Raw { access_key, ..moto.raw.clone() };
    let key = raw.plain_key();
    [alias, "alias/app/unmanaged"].iter().for_each(|name| raw.create_alias(name, &key));
    (raw, key)
}

#[test]
fn accounts_of_an_organization_are_discovered_and_read_each_with_its_role() {
    let moto = Moto::start();
    let region = &moto.raw.region;
    let organization = Organization::new(&moto);
    let top = organization.ou("top", &organization.root);
    let deep = organization.ou("deep", &top);
    let (first, second) = (organization.account("first", &top), organization.account("second", &deep));
    let (closed, outside) =
        (organization.account("closed", &deep), organization.account("outside", &organization.root));
    moto.aws(&["organizations", "close-account", "--account-id", &closed]);
    let (_, first_key) = inhabit(&moto, &first, "alias/app/first");
    let (raw, second_key) = inhabit(&moto, &second, "alias/app/elsewhere");
    let manifest = format!(
        "version: 1\nscope: [alias/app/]\n\
         roles: {{plan: 'arn:aws:iam::{{account}}:role/read', apply: 'arn:aws:iam::{{account}}:role/write'}}\n\
         targets:\n  everyone: {{organization: {{ou: {top}}}, region: {region}}}\n\
         aliases:\n  alias/app/first: {{key: {first_key}, targets: [everyone/{first}/{region}]}}\n  \
         alias/app/second: {{key: {second_key}, targets: [everyone/{second}/{region}]}}\n"
    );
    let plan = moto.kms_alias(&manifest, &["plan"]);
    assert_eq!(plan.code, Some(0), "{plan:?}");
    for account in [&first, &second] {
        assert!(plan.stdout.contains(&format!("everyone/{account}/{region}\n")), "{plan:?}");
    }
    assert!(plan.stdout.contains("Plan: 1 to create, 0 to retarget"), "{plan:?}");
    assert!(plan.stdout.contains("0 held, 1 in sync, 3 unmanaged."), "{plan:?}");
    assert!(plan.stderr.contains(&format!("not ACTIVE: {closed} (SUSPENDED)")), "{plan:?}");
    assert!(!plan.stdout.contains(&outside) && !plan.stdout.contains(&closed), "{plan:?}");

    let apply = moto.kms_alias(&manifest, &["apply", "--yes"]);
    assert_eq!(apply.code, Some(0), "{apply:?}");
    assert_eq!(raw.aliases().get("alias/app/second"), Some(&second_key));

    let without = manifest.replace("{ou: ", &format!("{{exclude_ous: [{deep}], ou: "));
    let refused = moto.kms_alias(&without, &["plan"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(
        refused.stderr.contains(&format!("`everyone/{second}/{region}` matches no target")),
        "{refused:?}"
    );

    let nowhere = manifest.replace(&top, "ou-zzzz-zzzzzzzz");
    let unknown = moto.kms_alias(&nowhere, &["plan"]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(unknown.stderr.contains("ParentNotFoundException"), "{unknown:?}");
}

#[test]
fn the_aws_cli_reads_the_organization_of_the_sandbox() {
    let server = SandboxServer::start(&[]);
    let client = Hermit::client(&server.url, "111122223333", "us-east-1");
    let ask = |arguments: &[&str]| aws(&client, &[&["organizations"], arguments].concat());
    let accounts =
        ["list-accounts-for-parent", "--parent-id", "ou-ab12-56789012", "--query", "Accounts[].[Id,State]"];
    let wanted = json!([["444455556666", "ACTIVE"], ["999900002222", "SUSPENDED"]]);
    assert_eq!(ask(&accounts), Ok(wanted.clone()));
    assert_eq!(ask(&[&accounts[..], &["--page-size", "1"]].concat()), Ok(wanted));
    let ous = [
        "list-organizational-units-for-parent",
        "--parent-id",
        "r-ab12",
        "--query",
        "OrganizationalUnits[].Id",
    ];
    assert_eq!(ask(&ous), Ok(json!(["ou-ab12-34567890"])));
    let nowhere = ask(&["list-accounts-for-parent", "--parent-id", "ou-ab12-00000000"]).unwrap_err();
    assert!(nowhere.contains("ParentNotFoundException"), "{nowhere}");
}
