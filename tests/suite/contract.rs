//! What every KMS must do that this program is pointed at: scenarios over the traits, each asking one rule of the service.
//!
//! A scenario is handed an account and Region in which there is no alias `alias/contract/…`, and three enabled symmetric keys
//! without aliases. It runs on the fake, on the sandbox over HTTP and on a server that is not ours, so that none of them can
//! drift away from the others. What a server is known to do otherwise is said beside its run; no scenario is loosened for it.

use std::collections::BTreeMap;

use kms_alias::access::document::{Effect, Origin, parse};
use kms_alias::alias::{AliasName, KeyId};
use kms_alias::kms::aws::AwsKms;
use kms_alias::kms::connect::{AwsConnect, Options};
use kms_alias::kms::{Connect, Fault, KmsError, KmsRead, KmsWrite};
use kms_alias::list::aliases_of;
use kms_alias::load::{Input, load};
use kms_alias::target::targets;

/// The keys that a scenario is handed
pub type Keys = [KeyId; 3];

/// Hands the names of all scenarios to the macro `$test`, once each
macro_rules! for_every_scenario {
    ($test:ident) => {
        $test!(an_alias_is_created_listed_and_found);
        $test!(a_name_that_is_taken_stays_where_it_is);
        $test!(an_alias_moves_to_another_key);
        $test!(a_deleted_alias_is_gone);
        $test!(a_deleted_name_can_be_created_again);
        $test!(names_are_case_sensitive);
        $test!(an_alias_that_does_not_exist_can_be_neither_moved_nor_deleted_nor_found);
        $test!(a_key_that_does_not_exist_may_be_one_that_is_not_visible_yet);
        $test!(what_is_no_key_id_will_never_be_found);
        $test!(an_alias_is_no_target_of_an_alias);
        $test!(a_key_takes_fifty_aliases);
        $test!(a_listing_is_whole_in_pages_of_at_most_a_hundred);
        $test!(a_marker_that_the_service_did_not_give_is_refused);
        $test!(a_key_says_what_it_is);
        $test!(a_key_lists_its_own_aliases_and_no_others);
        $test!(a_key_has_a_policy_of_its_own);
        $test!(every_key_is_listed_and_has_tags_or_none);
        $test!(the_credentials_have_an_identity);
        $test!(requests_are_counted);
    };
}
pub(crate) use for_every_scenario;

/// A client of the server at `endpoint_url` in `region`, with credentials that every such server takes
pub async fn client(endpoint_url: &str, region: &str) -> AwsKms {
    let manifest = b"version: 1\nscope: [alias/contract/]\naliases: {}\n".to_vec();
    let manifest = load(&[Input::Stdin(manifest)]).unwrap();
    let target = targets(&manifest).remove(0);
    let (endpoint_url, region) = (Some(endpoint_url.to_owned()), Some(region.to_owned()));
    let options = Options { endpoint_url, region, sandbox: true, ..Options::default() };
    AwsConnect::new(options).writer(&target).await.unwrap()
}

fn name(text: &str) -> AliasName {
    AliasName::parse(&format!("alias/contract/{text}")).unwrap()
}

/// The fault of a call that must fail
fn fault<T: std::fmt::Debug>(answer: Result<T, KmsError>) -> Fault {
    answer.expect_err("the call must be refused").fault
}

/// Every page in turn, checked for what holds of each
async fn pages(kms: &impl KmsRead) -> Vec<BTreeMap<String, Option<KeyId>>> {
    let (mut pages, mut marker) = (Vec::new(), None);
    loop {
        let page = kms.alias_page(marker.as_deref()).await.unwrap();
        let count = page.aliases.len();
        assert_eq!(
            page.truncated,
            page.next_marker.is_some(),
            "a marker is for a next page, and no page without"
        );
        let entries: BTreeMap<_, _> =
            page.aliases.into_iter().map(|alias| (alias.name, alias.target)).collect();
        assert_eq!(entries.len(), count, "a page names an alias once");
        pages.push(entries);
        assert!(pages.len() < 100, "the listing does not end");
        marker = page.next_marker;
        if !page.truncated {
            return pages;
        }
    }
}

/// The key that a listing shows `name` on
async fn listed(kms: &impl KmsRead, name: &AliasName) -> Option<KeyId> {
    pages(kms).await.into_iter().find_map(|mut page| page.remove(name.as_str())).flatten()
}

/// The key that DescribeKey finds behind `name`
async fn found(kms: &impl KmsRead, name: &AliasName) -> Option<KeyId> {
    kms.probe_alias(name).await.unwrap().map(|facts| facts.id)
}

pub async fn an_alias_is_created_listed_and_found(kms: &impl KmsWrite, [key, ..]: Keys) {
    let alias = name("new");
    assert_eq!(found(kms, &alias).await, None);
    let written = kms.create_alias(&alias, &key).await.unwrap();
    assert!(written.request_id.is_some_and(|id| !id.is_empty()), "an audit log repeats the request's id");
    assert_eq!(found(kms, &alias).await.as_ref(), Some(&key));
    assert_eq!(listed(kms, &alias).await.as_ref(), Some(&key), "a listing shows the bare key id");
}

pub async fn a_name_that_is_taken_stays_where_it_is(kms: &impl KmsWrite, [key, other, _]: Keys) {
    let alias = name("taken");
    kms.create_alias(&alias, &key).await.unwrap();
    assert_eq!(fault(kms.create_alias(&alias, &other).await), Fault::AlreadyExists);
    assert_eq!(fault(kms.create_alias(&alias, &key).await), Fault::AlreadyExists, "not even to its own key");
    assert_eq!(found(kms, &alias).await, Some(key));
}

pub async fn an_alias_moves_to_another_key(kms: &impl KmsWrite, [key, other, _]: Keys) {
    let alias = name("moved");
    kms.create_alias(&alias, &key).await.unwrap();
    kms.update_alias(&alias, &other).await.unwrap();
    assert_eq!(found(kms, &alias).await.as_ref(), Some(&other));
    assert_eq!(listed(kms, &alias).await.as_ref(), Some(&other));
}

pub async fn a_deleted_alias_is_gone(kms: &impl KmsWrite, [key, ..]: Keys) {
    let alias = name("deleted");
    kms.create_alias(&alias, &key).await.unwrap();
    kms.delete_alias(&alias).await.unwrap();
    assert_eq!(found(kms, &alias).await, None);
    assert_eq!(listed(kms, &alias).await, None);
    assert_eq!(fault(kms.delete_alias(&alias).await), Fault::NotFound, "a second delete says so");
}

pub async fn a_deleted_name_can_be_created_again(kms: &impl KmsWrite, [key, other, _]: Keys) {
    let alias = name("again");
    kms.create_alias(&alias, &key).await.unwrap();
    kms.delete_alias(&alias).await.unwrap();
    kms.create_alias(&alias, &other).await.unwrap();
    assert_eq!(found(kms, &alias).await, Some(other));
}

pub async fn names_are_case_sensitive(kms: &impl KmsWrite, [key, other, _]: Keys) {
    let (lower, upper) = (name("case"), name("CASE"));
    kms.create_alias(&lower, &key).await.unwrap();
    kms.create_alias(&upper, &other).await.unwrap();
    assert_eq!(found(kms, &lower).await, Some(key));
    assert_eq!(found(kms, &upper).await, Some(other));
}

pub async fn an_alias_that_does_not_exist_can_be_neither_moved_nor_deleted_nor_found(
    kms: &impl KmsWrite,
    [key, ..]: Keys,
) {
    let alias = name("none");
    assert_eq!(fault(kms.update_alias(&alias, &key).await), Fault::NotFound);
    assert_eq!(fault(kms.delete_alias(&alias).await), Fault::NotFound);
    assert_eq!(kms.probe_alias(&alias).await, Ok(None));
    assert_eq!(listed(kms, &alias).await, None, "a failed update creates nothing");
}

pub async fn a_key_that_does_not_exist_may_be_one_that_is_not_visible_yet(
    kms: &impl KmsWrite,
    [key, ..]: Keys,
) {
    let unknown = KeyId::parse("01234567-0123-4123-8123-0123456789ab").unwrap();
    let alias = name("unknown-key");
    assert_eq!(fault(kms.create_alias(&alias, &unknown).await), Fault::NotFound);
    assert_eq!(fault(kms.describe_key(&unknown).await), Fault::NotFound);
    kms.create_alias(&alias, &key).await.unwrap();
    assert_eq!(fault(kms.update_alias(&alias, &unknown).await), Fault::NotFound);
    assert_eq!(found(kms, &alias).await, Some(key), "a failed update moves nothing");
}

pub async fn what_is_no_key_id_will_never_be_found(kms: &impl KmsWrite, [key, ..]: Keys) {
    let nonsense = KeyId::from_service("no-key-id");
    let alias = name("nonsense");
    assert_eq!(fault(kms.create_alias(&alias, &nonsense).await), Fault::NoSuchReference);
    assert_eq!(fault(kms.describe_key(&nonsense).await), Fault::NoSuchReference);
    kms.create_alias(&alias, &key).await.unwrap();
    assert_eq!(fault(kms.update_alias(&alias, &nonsense).await), Fault::NoSuchReference);
}

pub async fn an_alias_is_no_target_of_an_alias(kms: &impl KmsWrite, [key, ..]: Keys) {
    let (target, alias) = (name("target"), name("of-an-alias"));
    kms.create_alias(&target, &key).await.unwrap();
    let as_key = KeyId::from_service(target.as_str());
    assert_eq!(fault(kms.create_alias(&alias, &as_key).await), Fault::Invalid);
    assert_eq!(found(kms, &alias).await, None);
}

/// The default quota (<https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html>)
pub async fn a_key_takes_fifty_aliases(kms: &impl KmsWrite, [key, other, _]: Keys) {
    for n in 0..50 {
        kms.create_alias(&name(&format!("quota/{n}")), &key).await.unwrap();
    }
    let more = name("quota/more");
    assert_eq!(fault(kms.create_alias(&more, &key).await), Fault::QuotaExceeded);
    kms.create_alias(&more, &other).await.unwrap();
    assert_eq!(fault(kms.update_alias(&more, &key).await), Fault::QuotaExceeded, "an update counts as well");
    kms.delete_alias(&name("quota/0")).await.unwrap();
    kms.update_alias(&more, &key).await.unwrap();
}

pub async fn a_listing_is_whole_in_pages_of_at_most_a_hundred(kms: &impl KmsWrite, keys: Keys) {
    let mut expected = BTreeMap::new();
    for n in 0..125_usize {
        let (alias, key) = (name(&format!("page/{n}")), &keys[n % keys.len()]);
        kms.create_alias(&alias, key).await.unwrap();
        expected.insert(alias.as_str().to_owned(), Some(key.clone()));
    }
    let pages = pages(kms).await;
    let mut listed: Vec<_> = pages.iter().flatten().filter(|(name, _)| name.contains("/page/")).collect();
    listed.sort();
    assert_eq!(listed, expected.iter().collect::<Vec<_>>(), "each alias on exactly one page");
    assert!(pages.iter().all(|page| page.len() <= 100), "a page is longer than its limit");
}

pub async fn a_marker_that_the_service_did_not_give_is_refused(kms: &impl KmsWrite, _: Keys) {
    assert_eq!(fault(kms.alias_page(Some("not-a-marker")).await), Fault::Invalid);
}

pub async fn a_key_says_what_it_is(kms: &impl KmsWrite, [key, ..]: Keys) {
    let facts = kms.describe_key(&key).await.unwrap();
    assert_eq!(facts.id, key);
    assert_eq!(
        (&*facts.state, &*facts.spec, &*facts.usage),
        ("Enabled", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
    );
    assert!(!facts.aws_managed);
}

pub async fn a_key_lists_its_own_aliases_and_no_others(kms: &impl KmsWrite, [key, other, empty]: Keys) {
    for (alias, key) in [("own/a", &key), ("own/b", &key), ("own/c", &other)] {
        kms.create_alias(&name(alias), key).await.unwrap();
    }
    let own = ["own/a", "own/b"].map(|alias| name(alias).to_string());
    assert_eq!(aliases_of(kms, &key).await.unwrap(), own.into());
    assert!(aliases_of(kms, &empty).await.unwrap().is_empty());
}

/// Without one of its own it has the default, which lets the account's IAM policies decide
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>)
pub async fn a_key_has_a_policy_of_its_own(kms: &impl KmsWrite, [key, ..]: Keys) {
    let policy = parse(&kms.key_policy(&key).await.unwrap(), Origin::Key).unwrap();
    let [statement] = &policy.statements[..] else { panic!("{policy:?}") };
    assert_eq!((statement.effect, statement.about_aliases), (Some(Effect::Allow), false));
    let unknown = KeyId::parse("01234567-0123-4123-8123-0123456789ab").unwrap();
    assert_eq!(fault(kms.key_policy(&unknown).await), Fault::NotFound);
}

pub async fn every_key_is_listed_and_has_tags_or_none(kms: &impl KmsWrite, keys: Keys) {
    let page = kms.key_page(None).await.unwrap();
    assert!(!page.truncated && page.next_marker.is_none(), "a page takes a thousand keys");
    assert!(keys.iter().all(|key| page.keys.contains(key)), "{page:?}");
    assert_eq!(kms.tags(&keys[0]).await.unwrap(), BTreeMap::new());
}

pub async fn the_credentials_have_an_identity(kms: &impl KmsWrite, _: Keys) {
    let identity = kms.identity().await.unwrap();
    assert!(kms_alias::alias::is_account(&identity.account), "{identity:?}");
    assert_eq!(&*identity.partition, "aws");
    assert!(!identity.region.is_empty() && identity.caller.contains(&*identity.account), "{identity:?}");
}

pub async fn requests_are_counted(kms: &impl KmsWrite, [key, ..]: Keys) {
    let alias = name("counted");
    kms.create_alias(&alias, &key).await.unwrap();
    assert_eq!(fault(kms.create_alias(&alias, &key).await), Fault::AlreadyExists);
    kms.alias_page(None).await.unwrap();
    let calls = kms.calls();
    assert_eq!((calls.get("CreateAlias"), calls.get("ListAliases")), (Some(&2), Some(&1)), "{calls:?}");
}
