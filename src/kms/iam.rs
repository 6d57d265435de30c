//! IAM, by the AWS SDK: GetAccountAuthorizationDetails, as the boundary gives it on.

use aws_sdk_iam::types::{
    AttachedPolicy, EntityType, GroupDetail, ManagedPolicyDetail, PolicyDetail, RoleDetail, UserDetail,
};

use super::answer::{is_id, unreadable, words};
use super::authorization::{AuthorizationPage, Authorizations, InlinePolicy, ManagedPolicy, Principal};
use super::aws::{AwsKms, flatten};
use super::{IamRead, KmsError};

const OPERATION: &str = "GetAccountAuthorizationDetails";

impl IamRead for AwsKms {
    /// Pages have the default length, 100: each entry brings all its documents, and a page of 1,000 may outlast the time-outs
    async fn authorization_page(&self, marker: Option<&str>) -> Result<AuthorizationPage, KmsError> {
        let request = self.clients.iam().get_account_authorization_details().set_filter(Some(everything()));
        let answer = request.set_marker(marker.map(str::to_owned)).send().await;
        let page = answer.map_err(|e| flatten(OPERATION, e))?;
        let (users, groups) = (page.user_detail_list, page.group_detail_list);
        let (roles, policies) = (page.role_detail_list, page.policies);
        // An answer without members must not pass for an account without policies.
        if users.is_none() && groups.is_none() && roles.is_none() && policies.is_none() {
            return Err(unreadable(OPERATION, "no UserDetailList and none of the other lists"));
        }
        let users = users.unwrap_or_default().into_iter().map(user);
        let groups = groups.unwrap_or_default().into_iter().map(group);
        let roles = roles.unwrap_or_default().into_iter().map(role);
        let authorizations = Authorizations {
            principals: users.chain(groups).chain(roles).collect::<Result<_, _>>()?,
            managed: policies.unwrap_or_default().into_iter().map(managed).collect::<Result<_, _>>()?,
        };
        Ok(AuthorizationPage { authorizations, next_marker: page.marker, truncated: page.is_truncated })
    }
}

/// Without a filter IAM sends all this as well, and says so nowhere
fn everything() -> Vec<EntityType> {
    use EntityType as Type;
    vec![Type::User, Type::Role, Type::Group, Type::LocalManagedPolicy, Type::AwsManagedPolicy]
}

fn user(user: UserDetail) -> Result<Principal, KmsError> {
    principal(user.arn, user.user_policy_list, user.attached_managed_policies)
}

fn group(group: GroupDetail) -> Result<Principal, KmsError> {
    principal(group.arn, group.group_policy_list, group.attached_managed_policies)
}

fn role(role: RoleDetail) -> Result<Principal, KmsError> {
    principal(role.arn, role.role_policy_list, role.attached_managed_policies)
}

/// The model makes every member optional; a principal without policies may well lack the lists
fn principal(
    own: Option<String>,
    inline: Option<Vec<PolicyDetail>>,
    attached: Option<Vec<AttachedPolicy>>,
) -> Result<Principal, KmsError> {
    let policy = |policy: PolicyDetail| {
        let (name, text) = (policy.policy_name, policy.policy_document);
        Ok(InlinePolicy { name: words(&needed("PolicyName", name)?), text: needed("PolicyDocument", text)? })
    };
    let attached = attached.unwrap_or_default().into_iter();
    Ok(Principal {
        arn: arn("Arn", own)?,
        inline: inline.unwrap_or_default().into_iter().map(policy).collect::<Result<_, _>>()?,
        attached: attached.map(|policy| arn("PolicyArn", policy.policy_arn)).collect::<Result<_, _>>()?,
    })
}

fn managed(policy: ManagedPolicyDetail) -> Result<ManagedPolicy, KmsError> {
    let versions = policy.policy_version_list.unwrap_or_default();
    let in_force = versions.into_iter().find(|version| version.is_default_version);
    let text = in_force.and_then(|version| version.document);
    let arn = arn("Arn", policy.arn)?;
    // The name is only shown, and the last part of the ARN as well.
    let name = policy.policy_name.as_deref().unwrap_or_else(|| arn.rsplit('/').next().unwrap_or(&arn));
    Ok(ManagedPolicy { name: words(name), arn, text })
}

/// ARNs are compared and shown as they are
fn arn(member: &str, text: Option<String>) -> Result<String, KmsError> {
    let text = needed(member, text)?;
    match is_id(&text) {
        true => Ok(text),
        false => Err(unreadable(OPERATION, &format!("no {member}: {text}"))),
    }
}

fn needed(member: &str, text: Option<String>) -> Result<String, KmsError> {
    let text = text.filter(|text| !text.is_empty());
    text.ok_or_else(|| unreadable(OPERATION, &format!("an entry without {member}")))
}
