//! Accounts of an organization: the walk over its tree, and the manifest before and after they are known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use kms_alias::discover::{DiscoverError, Membership, Tree};
use kms_alias::kms::{AccountPage, Fault, KmsError, Member, OrgRead, OuPage};
use kms_alias::load::{Discovered, Input, Manifest, Organization, load};
use kms_alias::pages::PageFault;
use kms_alias::target::targets;

use crate::fake::A;

const OUS: &str = "ListOrganizationalUnitsForParent";
const ACCOUNTS: &str = "ListAccountsForParent";

const ROOT: &str = "r-ab12";
const TOP: &str = "ou-ab12-11111111";
const LEFT: &str = "ou-ab12-22222222";
const RIGHT: &str = "ou-ab12-33333333";
const DEEP: &str = "ou-ab12-44444444";

const ONE: &str = "111122223333";
const TWO: &str = "222233334444";
const THREE: &str = "333344445555";
const GONE: &str = "999900002222";

/// Pages of an organization, by parent
#[derive(Default)]
struct Fake {
    ous: BTreeMap<&'static str, Vec<Vec<&'static str>>>,
    accounts: BTreeMap<&'static str, Vec<Vec<(&'static str, &'static str)>>>,
    /// Parents that nobody may look at
    denied: BTreeSet<&'static str>,
    /// The token that every page ends with, instead of the number of the next one
    token: Option<&'static str>,
    asked: Mutex<Vec<String>>,
}

impl Fake {
    /// r-ab12 > top > left, right > deep, with an account each that is ACTIVE and one that is not
    fn tree() -> Self {
        let ous = [
            (ROOT, vec![vec![TOP]]),
            (TOP, vec![vec![LEFT], vec![], vec![RIGHT]]),
            (RIGHT, vec![vec![DEEP]]),
        ];
        let accounts = [
            (TOP, vec![vec![], vec![(ONE, "ACTIVE")]]),
            (LEFT, vec![vec![(TWO, "ACTIVE")]]),
            (DEEP, vec![vec![(GONE, "SUSPENDED")], vec![(THREE, "ACTIVE")]]),
        ];
        Self { ous: ous.into(), accounts: accounts.into(), ..Self::default() }
    }

    fn page<T: Clone>(
        &self,
        operation: &'static str,
        pages: &BTreeMap<&'static str, Vec<Vec<T>>>,
        parent: &str,
        token: Option<&str>,
    ) -> Result<(Vec<T>, Option<String>), KmsError> {
        self.asked.lock().unwrap().push(format!("{operation} {parent} {}", token.unwrap_or_default()));
        if self.denied.contains(parent) {
            let (fault, message) = (Fault::AccessDenied, "no".to_owned());
            return Err(KmsError { fault, operation, code: None, message, request_id: None });
        }
        let number: usize = token.map_or(0, |token| token.parse().unwrap_or(0));
        let all = pages.get(parent).cloned().unwrap_or_default();
        let next =
            (number + 1 < all.len()).then(|| self.token.map_or((number + 1).to_string(), str::to_owned));
        Ok((all.get(number).cloned().unwrap_or_default(), next))
    }
}

impl OrgRead for Fake {
    async fn ou_page(&self, parent: &str, token: Option<&str>) -> Result<OuPage, KmsError> {
        let (ous, next_token) = self.page(OUS, &self.ous, parent, token)?;
        Ok(OuPage { ous: ous.into_iter().map(Arc::from).collect(), next_token })
    }

    async fn account_page(&self, parent: &str, token: Option<&str>) -> Result<AccountPage, KmsError> {
        let (accounts, next_token) = self.page(ACCOUNTS, &self.accounts, parent, token)?;
        let member = |(id, state): (&str, &str)| Member { account: id.into(), state: state.to_owned() };
        Ok(AccountPage { accounts: accounts.into_iter().map(member).collect(), next_token })
    }
}

fn ids(ids: &[&str]) -> BTreeSet<Arc<str>> {
    ids.iter().map(|id| Arc::from(*id)).collect()
}

fn part(ous: &[&str]) -> Organization {
    Organization { ous: ids(ous), ..Organization::default() }
}

async fn discover(fake: &Fake, part: &Organization) -> Result<Membership, DiscoverError> {
    Tree::new(fake).discover(part).await
}

#[tokio::test]
async fn the_whole_tree_below_is_read_page_by_page_and_only_active_accounts_are_kept() {
    let fake = Fake::tree();
    let found = discover(&fake, &part(&[ROOT])).await.unwrap();
    assert_eq!(found.accounts, ids(&[ONE, TWO, THREE]));
    assert_eq!(found.inactive, BTreeMap::from([(GONE.into(), "SUSPENDED".to_owned())]));
    assert_eq!((found.unmet, found.ous), (BTreeSet::new(), 5));
    assert_eq!(discover(&fake, &part(&[LEFT, DEEP])).await.unwrap().accounts, ids(&[TWO, THREE]));
}

#[tokio::test]
async fn what_is_excluded_is_left_out_and_an_exclusion_of_nothing_is_told() {
    let fake = Fake { denied: [RIGHT].into(), ..Fake::tree() };
    let exclude_accounts = ids(&[TWO, "000000000000"]);
    let exclude_ous = ids(&[RIGHT, "ou-ab12-00000000"]);
    let found =
        discover(&fake, &Organization { exclude_ous, exclude_accounts, ..part(&[ROOT]) }).await.unwrap();
    assert_eq!(found.accounts, ids(&[ONE]));
    assert_eq!(found.unmet, ids(&["000000000000", "ou-ab12-00000000"]));
    assert!(found.inactive.is_empty());
}

#[tokio::test]
async fn each_ou_is_read_once_whoever_names_it() {
    let fake = Fake::tree();
    let mut tree = Tree::new(&fake);
    let all = tree.discover(&part(&[ROOT, LEFT])).await.unwrap();
    assert_eq!(tree.discover(&part(&[TOP])).await.unwrap().accounts, all.accounts);
    let asked = fake.asked.lock().unwrap();
    assert_eq!(asked.iter().collect::<BTreeSet<_>>().len(), asked.len(), "{asked:?}");
}

#[tokio::test]
async fn an_ou_that_may_not_be_read_is_an_error_and_no_smaller_fleet() {
    let fake = Fake { denied: [DEEP].into(), ..Fake::tree() };
    let error = discover(&fake, &part(&[ROOT])).await.unwrap_err();
    assert_eq!(error.to_string(), format!("list the OUs of {DEEP} (page 1)"));
    let hint = error.hint().unwrap();
    assert!(hint.contains(&format!("organizations:{OUS}, in the management account")), "{hint}");
}

#[tokio::test]
async fn ous_in_a_circle_are_refused() {
    let mut fake = Fake::tree();
    fake.ous.insert(DEEP, vec![vec![TOP]]);
    let error = discover(&fake, &part(&[ROOT])).await.unwrap_err();
    assert_eq!(error, DiscoverError::Twice { top: ROOT.into(), ou: TOP.into() });
}

#[tokio::test]
async fn pages_that_are_no_whole_listing_are_refused() {
    for (token, fault) in [
        ("", PageFault::NoMarker(1)),
        ("0", PageFault::RepeatedMarker(2)),
        (&*"x".repeat(100_001).leak(), PageFault::LongMarker(1, 100_000)),
    ] {
        let fake = Fake { token: Some(token), ..Fake::tree() };
        let error = discover(&fake, &part(&[TOP])).await.unwrap_err();
        assert_eq!(error, DiscoverError::Pages { what: "OUs", parent: TOP.into(), fault });
    }
    assert!(discover(&Fake::tree(), &part(&[TOP])).await.is_ok());
}

#[tokio::test]
async fn an_organization_without_an_account_left_is_an_error() {
    let exclude_accounts = ids(&[THREE]);
    let error =
        discover(&Fake::tree(), &Organization { exclude_accounts, ..part(&[DEEP]) }).await.unwrap_err();
    let told = format!(
        "find an account in {DEEP}: there is none that is ACTIVE and not excluded, and 1 that are not ACTIVE"
    );
    assert_eq!(error.to_string(), told);
}

const MANIFEST: &str = "\
version: 1
scope: [alias/app/]
targets:
  everyone:
    organization: {ou: ou-ab12-11111111}
    regions: [us-east-1]
aliases:
  alias/app/a: aaaa1111-0000-4000-8000-000000000001
";

fn manifest(text: &str) -> Manifest {
    load(&[Input::Stdin(text.as_bytes().to_vec())]).unwrap_or_else(|error| panic!("{}", error.render(false)))
}

/// The targets of `text` with these accounts, or what is wrong with it then
fn known(text: &str, accounts: &[&str]) -> Result<Vec<String>, String> {
    let manifest = manifest(text);
    let of = |part: &Organization| (part.clone(), accounts.iter().map(|id| Arc::from(*id)).collect());
    let discovered: Discovered = manifest.organizations().map(|(_, part)| of(part)).collect();
    match manifest.with_accounts(&discovered) {
        Ok(manifest) => Ok(targets(&manifest).iter().map(|target| target.name.to_string()).collect()),
        Err(error) => Err(error.render(false)),
    }
}

#[test]
fn a_target_without_known_accounts_is_judged_by_all_that_does_not_depend_on_them() {
    let text = MANIFEST.to_owned()
        + "  alias/app/b: {key: alias/app/a, targets: [everyone/111122223333/us-east-1]}\n";
    let names: Vec<_> = targets(&manifest(&text)).iter().map(|target| target.name.to_string()).collect();
    assert_eq!(names, ["everyone"]);
    let roles = "roles: {plan: 'arn:{partition}:iam::{account}:role/x'}\n";
    manifest(&(text.clone() + roles));
    let outside = text.replace("alias/app/a: aaaa", "alias/other/a: aaaa");
    let error = load(&[Input::Stdin(outside.into_bytes())]).unwrap_err().render(false);
    assert!(error.contains("outside the scope") && error.contains("<stdin>:8:3"), "{error}");
}

#[test]
fn known_accounts_multiply_as_if_they_were_written() {
    let names = known(MANIFEST, &[TWO, ONE]).unwrap();
    assert_eq!(names, ["everyone/111122223333/us-east-1", "everyone/222233334444/us-east-1"]);
}

#[test]
fn what_depends_on_the_accounts_is_judged_once_they_are_known() {
    let second = "targets:\n  own: {account: \"111122223333\", region: us-east-1}\n";
    for (text, code, place) in [
        (MANIFEST.replace("targets:\n", second), "scope-overlap", "<stdin>:4:3"),
        (
            MANIFEST.replace(
                "aaaa1111-0000-4000-8000-000000000001",
                "{key: KEY, targets: [everyone/999900002222/us-east-1]}",
            ),
            "no-such-target",
            "<stdin>:8:",
        ),
        (
            MANIFEST.replace(
                "aliases:",
                "    overrides: {everyone/999900002222/us-east-1: {alias/app/a: absent}}\naliases:",
            ),
            "no-such-target",
            "<stdin>:7:17",
        ),
        (
            MANIFEST.to_owned() + "roles: {plan: 'arn:aws:iam::999900002222:role/x'}\n",
            "role-elsewhere",
            "<stdin>:9:15",
        ),
    ] {
        let text = text.replace("KEY", A);
        manifest(&text);
        let error = known(&text, &[ONE]).unwrap_err();
        assert!(error.contains(&format!("error[{code}]")) && error.contains(place), "{error}");
    }
}
