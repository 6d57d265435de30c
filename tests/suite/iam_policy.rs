//! `iam-policy`: the documents, their shape, and that they cover what the manifest needs and nothing outside its scope.

use std::collections::BTreeSet;

use kms_alias::alias::{KeyRef, Scope};
use kms_alias::cli::exit::Exit;
use kms_alias::permissions::{Document, LONGEST, Purpose, permissions};
use kms_alias::target::{Target, Want};
use proptest::prelude::*;
use serde_json::Value;

use crate::fake::{A, FakeKms, target};
use crate::ran::{Ran, run_on};

const MANIFEST: &str = "\
version: 1
scope: [alias/app/]
targets:
  prod: {account: \"111122223333\", regions: [us-east-1, eu-west-1]}
  dev: {account: \"444455556666\", region: us-east-1, prune: true}
aliases:
  alias/app/a: {key: aaaa1111-0000-4000-8000-000000000001, targets: [prod/111122223333/us-east-1]}
  alias/app/gone: absent
";

async fn policy(manifest: &str, args: &[&str]) -> Ran {
    let kms = FakeKms::with(&[]);
    let ran = run_on(&kms, manifest, &[&["iam-policy"], args].concat(), None).await;
    assert!(kms.service().calls().is_empty(), "it is offline");
    ran
}

async fn json(manifest: &str, args: &[&str]) -> Value {
    let ran = policy(manifest, args).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

/// Panics unless `document` is a policy as IAM takes it
fn check_shape(document: &Value) {
    assert_eq!(document["Version"], "2012-10-17");
    let statements = document["Statement"].as_array().unwrap();
    let sids: BTreeSet<_> = statements.iter().map(|one| one["Sid"].as_str().unwrap()).collect();
    assert!(sids.len() == statements.len() && !statements.is_empty());
    assert!(sids.iter().all(|sid| sid.bytes().all(|b| b.is_ascii_alphanumeric())));
    for one in statements {
        let members: Vec<_> = one.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["Action", "Effect", "Resource", "Sid"], "no conditions");
        assert_eq!(one["Effect"], "Allow");
        let lists = ["Action", "Resource"].map(|member| one[member].as_array().unwrap());
        assert!(lists.iter().all(|list| !list.is_empty()));
        let every = one["Resource"].as_array().unwrap().contains(&"*".into());
        assert_eq!(every, one["Action"][0] == "kms:ListAliases", "{one}");
    }
}

fn resources<'v>(document: &'v Value, sid: &str) -> Vec<&'v str> {
    let statements = document["Statement"].as_array().unwrap();
    let one = statements.iter().find(|one| one["Sid"] == sid);
    let list = one.and_then(|one| one["Resource"].as_array());
    list.map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

#[tokio::test]
async fn one_account_is_a_bare_document_and_several_are_an_object() {
    let all = json(MANIFEST, &["--for", "apply"]).await;
    let accounts: Vec<_> = all.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(accounts, ["111122223333", "444455556666"]);
    all.as_object().unwrap().values().for_each(check_shape);
    let one = json(MANIFEST, &["--for", "apply", "--account", "444455556666"]).await;
    assert_eq!(one, all["444455556666"]);
    assert_eq!(json(MANIFEST, &["--for", "apply", "-t", "dev"]).await, one, "one account needs no key");
    let keyed = json(MANIFEST, &["--for", "apply", "-t", "dev", "-o", "json"]).await;
    assert_eq!(keyed["444455556666"], one, "a program always gets an object");
}

#[tokio::test]
async fn deletes_are_by_name_unless_prune_is_on_and_missing_where_nothing_is_deleted() {
    let all = json(MANIFEST, &["--for", "apply"]).await;
    let (prod, dev) = (&all["111122223333"], &all["444455556666"]);
    let names =
        ["eu-west-1", "us-east-1"].map(|region| format!("arn:aws:kms:{region}:111122223333:alias/app/gone"));
    assert_eq!(resources(prod, "DeleteAliases"), names);
    assert_eq!(resources(dev, "DeleteAliases"), ["arn:aws:kms:us-east-1:444455556666:alias/app/*"]);
    assert_eq!(resources(prod, "WriteAliases"), ["arn:aws:kms:us-east-1:111122223333:alias/app/a"]);
    assert!(resources(dev, "WriteAliases").is_empty());
    let plan = json(MANIFEST, &["--for", "plan", "-t", "prod"]).await;
    check_shape(&plan);
    assert_eq!(plan["Statement"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_the_policy_cannot_say_is_said_on_stderr() {
    let several = policy(MANIFEST, &["--for", "plan"]).await;
    assert!(several.err.contains("2 accounts") && several.err.contains("--account ID"), "{}", several.err);
    let bare = format!("version: 1\nscope: [alias/app/]\naliases: {{alias/app/a: {A}}}\n");
    let unknown = policy(&bare, &["--for", "apply"]).await;
    assert!(unknown.out.contains("arn:*:kms:*:*:alias/app/a") && unknown.err.contains("declare `targets`"));
    let region = policy(&bare, &["--for", "apply", "--region", "cn-north-1"]).await;
    assert!(region.out.contains("arn:aws-cn:kms:cn-north-1:*:alias/app/a"), "{}", region.out);
    assert!(region.err.contains("does not name the account"), "{}", region.err);
    let quiet = policy(&bare, &["--for", "apply", "-q"]).await;
    assert_eq!((quiet.out, quiet.err.as_str()), (unknown.out, ""));
}

#[tokio::test]
async fn usage_and_manifest_errors_have_their_codes() {
    for args in
        [&[][..], &["--for", "drift"], &["--for", "plan", "--account", "9"], &["--for", "plan", "-t", "no"]]
    {
        let ran = policy(MANIFEST, args).await;
        assert_eq!((ran.exit, ran.out.as_str()), (Exit::Usage, ""), "{args:?}");
    }
    assert_eq!(policy("version: 2\n", &["--for", "plan"]).await.exit, Exit::Manifest);
}

/// Whether a pattern of IAM, where `*` stands for anything, covers an ARN
fn covers(pattern: &str, arn: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == arn,
        Some((start, rest)) => arn.strip_prefix(start).is_some_and(|tail| {
            (0..=tail.len()).filter(|at| tail.is_char_boundary(*at)).any(|at| covers(rest, &tail[at..]))
        }),
    }
}

fn allows(document: &Document, action: &str, arn: &str) -> bool {
    let statements = document.statement.iter().filter(|one| one.action.contains(&action));
    statements.flat_map(|one| &one.resource).any(|pattern| covers(pattern, arn))
}

const HERE: &str = "arn:aws:kms:us-east-1:111122223333";

/// A target with a scope, names in it, each a key, a tombstone or an alias to follow, and prune or not
fn targets() -> impl Strategy<Value = Target> {
    let prefixes = prop::sample::subsequence(vec!["alias/app/", "alias/data/", "alias/x"], 1..=3);
    let names = prop::collection::btree_map("[a-zA-Z0-9/_-]{1,40}", 0..4_u8, 0..120);
    (prefixes, names, any::<bool>()).prop_map(|(prefixes, names, prune)| {
        let named = names.iter().enumerate().map(|(i, (name, want))| {
            let want = match want {
                0 => "absent".to_owned(),
                1 => "alias/elsewhere".to_owned(),
                _ => format!("{i:08x}-0000-4000-8000-000000000001"),
            };
            (format!("{}{name}", prefixes[i % prefixes.len()]), want)
        });
        let named: Vec<(String, String)> = named.collect();
        let declared: Vec<_> = named.iter().map(|(name, want)| (name.as_str(), want.as_str())).collect();
        let prefixes = prefixes.iter().map(|prefix| (*prefix).into()).collect();
        Target { scope: Scope { prefixes, ..Scope::default() }, prune, ..target(&declared) }
    })
}

proptest! {
    #[test]
    fn all_that_apply_needs_is_covered_and_nothing_outside_the_scope_is(target in targets()) {
        let all = permissions(std::slice::from_ref(&target), Purpose::Apply);
        let document = &all["111122223333"].document;
        prop_assert!(allows(document, "kms:ListAliases", "*"));
        for (name, declared) in &target.aliases {
            let arn = format!("{HERE}:{name}");
            let key = |id: &str| format!("{HERE}:key/{id}");
            match &declared.want {
                Want::Absent => {
                    prop_assert!(allows(document, "kms:DeleteAlias", &arn) && allows(document, "kms:DeleteAlias", &key(A)));
                }
                Want::Key(reference) => {
                    let new = if let KeyRef::Id(id) = reference { id.as_str() } else { A };
                    prop_assert!(allows(document, "kms:CreateAlias", &arn) && allows(document, "kms:CreateAlias", &key(new)));
                    prop_assert!(allows(document, "kms:UpdateAlias", &arn) && allows(document, "kms:UpdateAlias", &key(A)));
                    prop_assert!(target.prune || all["111122223333"].widened || !allows(document, "kms:DeleteAlias", &arn));
                }
            }
            prop_assert!(allows(document, "kms:DescribeKey", &key(A)));
        }
        for one in &document.statement {
            for resource in one.resource.iter().filter_map(|arn| arn.strip_prefix(HERE)?.strip_prefix(':')) {
                let stem = resource.trim_end_matches('*');
                let inside = target.scope.prefixes.iter().any(|prefix| stem.starts_with(&**prefix));
                prop_assert!(stem.starts_with("key/") || inside, "{resource}");
            }
        }
        prop_assert!(document.length() <= LONGEST);
        for read in permissions(&[target], Purpose::Plan)["111122223333"].document.actions() {
            prop_assert!(["kms:ListAliases", "kms:DescribeKey"].contains(&read));
        }
    }
}
