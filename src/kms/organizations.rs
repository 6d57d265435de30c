//! AWS Organizations, by the AWS SDK: which OUs and which accounts are right below an OU or a root, as the boundary gives it on.

use std::sync::Arc;

use aws_sdk_organizations::types::{Account, OrganizationalUnit};

use super::answer::{unreadable, words};
use super::aws::{AwsKms, flatten};
use super::{AccountPage, KmsError, Member, OrgRead, OuPage};
use crate::alias::is_account;
use crate::load::organization::is_ou;

const OUS: &str = "ListOrganizationalUnitsForParent";
const ACCOUNTS: &str = "ListAccountsForParent";

/// The most that either takes, and the default of both
/// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccountsForParent.html>)
const PAGE: i32 = 20;

impl OrgRead for AwsKms {
    async fn ou_page(&self, parent: &str, token: Option<&str>) -> Result<OuPage, KmsError> {
        let request = self.clients.organizations().list_organizational_units_for_parent().parent_id(parent);
        let request = request.max_results(PAGE).set_next_token(token.map(str::to_owned));
        let page = request.send().await.map_err(|e| flatten(OUS, e))?;
        // An answer without members must not pass for an OU without any.
        let ous = page.organizational_units.ok_or_else(|| unreadable(OUS, "no OrganizationalUnits"))?;
        let ous = ous.into_iter().map(ou).collect::<Result<_, _>>()?;
        Ok(OuPage { ous, next_token: page.next_token })
    }

    async fn account_page(&self, parent: &str, token: Option<&str>) -> Result<AccountPage, KmsError> {
        let request = self.clients.organizations().list_accounts_for_parent().parent_id(parent);
        let request = request.max_results(PAGE).set_next_token(token.map(str::to_owned));
        let page = request.send().await.map_err(|e| flatten(ACCOUNTS, e))?;
        let accounts = page.accounts.ok_or_else(|| unreadable(ACCOUNTS, "no Accounts"))?;
        let accounts = accounts.into_iter().map(member).collect::<Result<_, _>>()?;
        Ok(AccountPage { accounts, next_token: page.next_token })
    }
}

/// It is asked about in its turn, so it has to be one
fn ou(unit: OrganizationalUnit) -> Result<Arc<str>, KmsError> {
    let id = unit.id.ok_or_else(|| unreadable(OUS, "an entry without Id"))?;
    if is_ou(&id) { Ok(id.into()) } else { Err(unreadable(OUS, &format!("no id of an OU: {id}"))) }
}

/// `Status` is what there was before `State`, and retired since 9 September 2026; other servers have only the former
/// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html>)
fn member(account: Account) -> Result<Member, KmsError> {
    let id = account.id.ok_or_else(|| unreadable(ACCOUNTS, "an entry without Id"))?;
    if !is_account(&id) {
        return Err(unreadable(ACCOUNTS, &format!("no account id: {id}")));
    }
    let state = account.state.as_ref().map(|state| state.as_str());
    let state = state.or(account.status.as_ref().map(|status| status.as_str()));
    let state =
        state.ok_or_else(|| unreadable(ACCOUNTS, &format!("account {id} without State and Status")))?;
    Ok(Member { account: id.into(), state: words(state) })
}
