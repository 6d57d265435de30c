//! Listings that the embedded KMS would not give: pages by hand, for what must never pass for a smaller or another world.

use std::collections::{BTreeMap, BTreeSet};

use kms_alias::alias::KeyId;
use kms_alias::kms::{AliasPage, Calls, Identity, KeyFacts, KeyPage, KmsError, KmsRead, ListedAlias};
use kms_alias::list::{ListError, Snapshot, list};
use kms_alias::scope::Scope;

use crate::fake::{A, B, alias, key};

/// Its pages, one after the other
struct Pages(Vec<Vec<(&'static str, Option<&'static str>)>>);

impl KmsRead for Pages {
    async fn identity(&self) -> Result<Identity, KmsError> {
        unreachable!("a listing asks for nothing but pages")
    }

    async fn alias_page(&self, marker: Option<&str>) -> Result<AliasPage, KmsError> {
        let page = marker.map_or(0, |marker| marker.parse().unwrap());
        let listed = |(name, key): &(&str, Option<&str>)| ListedAlias {
            name: (*name).to_owned(),
            target: key.map(KeyId::from_service),
        };
        let truncated = page + 1 < self.0.len();
        let next_marker = truncated.then(|| (page + 1).to_string());
        Ok(AliasPage { aliases: self.0[page].iter().map(listed).collect(), next_marker, truncated })
    }

    async fn key_alias_page(&self, _: &KeyId, _: Option<&str>) -> Result<AliasPage, KmsError> {
        unreachable!("a listing is of all keys")
    }

    async fn key_policy(&self, _: &KeyId) -> Result<String, KmsError> {
        unreachable!("a listing asks for nothing but pages")
    }

    async fn describe_key(&self, _: &KeyId) -> Result<KeyFacts, KmsError> {
        unreachable!("a listing asks for nothing but pages")
    }

    async fn key_page(&self, _: Option<&str>) -> Result<KeyPage, KmsError> {
        unreachable!("a listing asks for nothing but pages")
    }

    async fn tags(&self, _: &KeyId) -> Result<BTreeMap<String, String>, KmsError> {
        unreachable!("a listing asks for nothing but pages")
    }

    async fn describe_alias(&self, _: &kms_alias::alias::AliasName) -> Result<KeyFacts, KmsError> {
        unreachable!("a listing asks for nothing but pages")
    }

    fn calls(&self) -> Calls {
        Calls::new()
    }
}

async fn listed(pages: Vec<Vec<(&'static str, Option<&'static str>)>>) -> Result<Snapshot, ListError> {
    let scope = Scope { prefixes: vec!["alias/app/".into()], ..Scope::default() };
    let follow = BTreeSet::from([alias("alias/other/followed")]);
    list(&Pages(pages), &scope, &follow).await
}

#[tokio::test]
async fn only_names_in_scope_and_followed_names_enter_the_snapshot() {
    let first = vec![("alias/app/a", Some(A)), ("alias/aws/ebs", None), ("alias/application", Some(A))];
    let second =
        vec![("alias/other/followed", Some(B)), ("alias/other/x", Some(B)), ("alias/app/none", None)];
    let snapshot = listed(vec![first, vec![], second]).await.unwrap();
    let names: Vec<_> = snapshot.live.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["alias/app/a", "alias/app/none"]);
    assert_eq!(snapshot.followed, BTreeMap::from([(alias("alias/other/followed"), key(B))]));
}

#[tokio::test]
async fn a_name_listed_twice_is_one_name_unless_it_is_on_two_keys() {
    let arn = "arn:aws:kms:us-east-1:111122223333:key/aaaa1111-0000-4000-8000-000000000001";
    let same = listed(vec![vec![("alias/app/a", Some(A))], vec![("alias/app/a", Some(arn))]]).await;
    assert_eq!(same.unwrap().live.len(), 1);
    for name in ["alias/app/a", "alias/other/followed"] {
        let torn = listed(vec![vec![(name, Some(A))], vec![(name, Some(B))]]).await;
        assert!(matches!(torn, Err(ListError::Contradiction { .. })), "{name}: {torn:?}");
    }
    let torn = listed(vec![vec![("alias/app/a", Some(A)), ("alias/app/a", None)]]).await;
    assert!(matches!(torn, Err(ListError::Contradiction { .. })), "{torn:?}");
}

#[tokio::test]
async fn a_name_in_scope_that_cannot_be_written_back_is_an_error_and_elsewhere_nobodys_business() {
    let odd = listed(vec![vec![("alias/app/\u{1b}[2J", Some(A))]]).await;
    assert!(matches!(odd, Err(ListError::BadName(_))), "{odd:?}");
    assert!(
        listed(vec![vec![("alias/other/a:b", Some(A)), ("nonsense", None)]]).await.unwrap().live.is_empty()
    );
}
