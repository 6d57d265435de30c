//! `iam-policy`: the documents, their shape, and that they cover what the manifest needs and nothing outside its scope.

use std::collections::BTreeSet;

use kms_alias::access::PoliciesOf;
use kms_alias::alias::{AliasName, KeyRef};
use kms_alias::cli::exit::Exit;
use kms_alias::criteria::Criteria;
use kms_alias::permissions::{Document, LONGEST, Purpose, Reads, permissions};
use kms_alias::scope::Scope;
use kms_alias::target::{Target, Want};
use proptest::prelude::*;
use serde_json::Value;

use crate::fake::{A, FakeKms, alias, target};
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
        let whole = [
            "kms:ListAliases",
            "kms:ListKeys",
            "iam:GetAccountAuthorizationDetails",
            "cloudtrail:LookupEvents",
        ];
        assert_eq!(every, whole.iter().any(|action| one["Action"][0] == *action), "{one}");
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
async fn reads_of_policies_are_allowed_only_where_access_asks_for_them() {
    let keys = ["eu-west-1", "us-east-1"].map(|region| format!("arn:aws:kms:{region}:111122223333:key/*"));
    let without = json(MANIFEST, &["--for", "plan", "-t", "prod"]).await;
    assert!(
        resources(&without, "ReadKeyPolicies").is_empty()
            && resources(&without, "ReadIamPolicies").is_empty()
    );
    for flag in ["--access", "--access=keys"] {
        let document = json(MANIFEST, &["--for", "plan", "-t", "prod", flag]).await;
        assert_eq!(resources(&document, "ReadKeyPolicies"), keys);
        assert!(resources(&document, "ReadIamPolicies").is_empty());
    }
    for purpose in ["plan", "apply"] {
        let document = json(MANIFEST, &["--for", purpose, "-t", "prod", "--access=iam"]).await;
        check_shape(&document);
        assert_eq!(resources(&document, "ReadKeyPolicies"), keys);
        assert_eq!(resources(&document, "ReadIamPolicies"), ["*"]);
    }
    assert!(resources(&without, "ReadTrail").is_empty());
    let document = json(MANIFEST, &["--for", "plan", "-t", "prod", "--blame"]).await;
    check_shape(&document);
    assert_eq!(resources(&document, "ReadTrail"), ["*"]);
    assert_eq!(policy(MANIFEST, &["--for", "plan", "--access=all"]).await.exit, Exit::Usage);
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

/// What a key is selected by, if it is selected: tags, its description, or both
fn criteria() -> impl Strategy<Value = Option<Criteria>> {
    let tags = prop::collection::btree_map("[a-z]{1,3}", "[a-z]{0,3}", 0..3_usize);
    let both = (tags, prop::option::of("[a-z ]{1,9}"));
    let criteria = both.prop_map(|(tags, description)| Criteria { tags, description });
    prop::option::weighted(
        0.1,
        criteria.prop_filter("nothing", |c| !c.tags.is_empty() || c.description.is_some()),
    )
}

/// A target with a scope, at most so many names in it, each a key, a tombstone, an alias to follow or a selection, and prune or
/// not
fn targets(most: usize) -> impl Strategy<Value = Target> {
    let prefixes = prop::sample::subsequence(vec!["alias/app/", "alias/data/", "alias/x"], 1..=3);
    let wants = (0..4_u8, criteria());
    let names = prop::collection::btree_map("[a-zA-Z0-9/_-]{1,40}", wants, 0..=most);
    (prefixes, names, any::<bool>()).prop_map(|(prefixes, names, prune)| {
        let named = names.iter().enumerate().map(|(i, (name, (want, _)))| {
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
        let mut target = Target { scope: Scope { prefixes, ..Scope::default() }, prune, ..target(&declared) };
        for ((name, _), (_, criteria)) in named.iter().zip(names.into_values()) {
            if let Some(criteria) = criteria {
                target.aliases.get_mut(&alias(name)).unwrap().want =
                    Want::Key(KeyRef::Select(criteria.into()));
            }
        }
        target
    })
}

/// What the targets that select keys read besides, and nobody else
fn reads_for_selections(target: &Target) -> BTreeSet<&'static str> {
    let selections = target.aliases.values().filter_map(|declared| match &declared.want {
        Want::Key(KeyRef::Select(criteria)) => Some(criteria),
        _ => None,
    });
    let reads = selections.flat_map(|criteria| {
        let tags = (!criteria.tags.is_empty()).then_some("kms:ListResourceTags");
        ["kms:ListKeys"].into_iter().chain(tags)
    });
    reads.collect()
}

/// What `--access` reads besides, if there is anything to read for
fn reads_for_access(target: &Target, access: Option<PoliciesOf>) -> BTreeSet<&'static str> {
    let reads: &[&str] = match access.filter(|_| target.prune || !target.aliases.is_empty()) {
        None => &[],
        Some(PoliciesOf::Keys) => &["kms:GetKeyPolicy"],
        Some(PoliciesOf::Iam) => &["kms:GetKeyPolicy", "iam:GetAccountAuthorizationDetails"],
    };
    reads.iter().copied().collect()
}

fn accesses() -> impl Strategy<Value = Option<PoliciesOf>> {
    prop::sample::select(vec![None, Some(PoliciesOf::Keys), Some(PoliciesOf::Iam)])
}

/// Whether `document` allows what it takes to make `name` so
fn is_covered(document: &Document, name: &AliasName, want: &Want) -> bool {
    let arn = format!("{HERE}:{name}");
    let key = |id: &str| format!("{HERE}:key/{id}");
    let both = |action: &str, id: &str| allows(document, action, &arn) && allows(document, action, &key(id));
    let written = match want {
        Want::Absent => both("kms:DeleteAlias", A),
        Want::Key(KeyRef::Id(id)) => both("kms:CreateAlias", id.as_str()) && both("kms:UpdateAlias", A),
        Want::Key(_) => both("kms:CreateAlias", A) && both("kms:UpdateAlias", A),
    };
    written && allows(document, "kms:DescribeKey", &key(A))
}

proptest! {
    #[test]
    fn all_that_apply_needs_is_covered_and_nothing_outside_the_scope_is(target in targets(120), access in accesses()) {
        let all = permissions(std::slice::from_ref(&target), Purpose::Apply, Reads { access, blame: false });
        let document = &all["111122223333"].document;
        prop_assert!(allows(document, "kms:ListAliases", "*"));
        for (name, declared) in &target.aliases {
            prop_assert!(is_covered(document, name, &declared.want), "{name}");
            let kept = matches!(declared.want, Want::Key(_)) && !target.prune && !all["111122223333"].widened;
            prop_assert!(!kept || !allows(document, "kms:DeleteAlias", &format!("{HERE}:{name}")), "{name}");
        }
        for one in &document.statement {
            for resource in one.resource.iter().filter_map(|arn| arn.strip_prefix(HERE)?.strip_prefix(':')) {
                let stem = resource.trim_end_matches('*');
                let inside = target.scope.prefixes.iter().any(|prefix| stem.starts_with(&**prefix));
                prop_assert!(stem.starts_with("key/") || inside, "{resource}");
            }
        }
        prop_assert!(document.length() <= LONGEST);
    }

    #[test]
    fn planning_needs_the_reads_that_the_manifest_and_access_ask_for_and_no_others(target in targets(12), access in accesses()) {
        let all = permissions(std::slice::from_ref(&target), Purpose::Plan, Reads { access, blame: false });
        let document = &all["111122223333"].document;
        let mut wanted = BTreeSet::from(["kms:ListAliases"]);
        wanted.extend((target.prune || !target.aliases.is_empty()).then_some("kms:DescribeKey"));
        wanted.extend(reads_for_selections(&target));
        wanted.extend(reads_for_access(&target, access));
        prop_assert_eq!(document.actions(), wanted);
        for action in document.actions() {
            let whole = ["kms:ListAliases", "kms:ListKeys", "iam:GetAccountAuthorizationDetails"].contains(&action);
            let resource = if whole { "*".to_owned() } else { format!("{HERE}:key/{A}") };
            prop_assert!(allows(document, action, &resource), "{}", action);
        }
    }
}
