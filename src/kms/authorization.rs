//! What IAM says about an account: who there is, and which policies they have. Pure; texts are as the service gave them.

/// One page of GetAccountAuthorizationDetails
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuthorizationPage {
    /// What is on this page; what a principal is attached to may be on another
    pub authorizations: Authorizations,
    /// Where the next page begins
    pub next_marker: Option<String>,
    /// Whether there is a next page
    pub truncated: bool,
}

/// Principals and managed policies of an account
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Authorizations {
    /// Users, groups and roles, in the service's order
    pub principals: Vec<Principal>,
    /// Managed policies, in the service's order
    pub managed: Vec<ManagedPolicy>,
}

/// A user, group or role
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Principal {
    /// Its ARN
    pub arn: String,
    /// Its inline policies
    pub inline: Vec<InlinePolicy>,
    /// ARNs of the managed policies that it has
    pub attached: Vec<String>,
}

/// A policy that belongs to one principal
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlinePolicy {
    /// Its name
    pub name: String,
    /// JSON, URL-encoded or plain
    pub text: String,
}

/// A policy that principals can be attached to
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedPolicy {
    /// Its ARN
    pub arn: String,
    /// Its name
    pub name: String,
    /// The version in force: JSON, URL-encoded or plain; `None` where the answer lacks it
    pub text: Option<String>,
}

impl Authorizations {
    /// Adds what another page has
    pub fn extend(&mut self, page: Self) {
        self.principals.extend(page.principals);
        self.managed.extend(page.managed);
    }
}
