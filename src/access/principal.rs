//! Principals of policies: how they are shown, and whether one of them is this program. Pure.

use super::document::{Choice, Effect};
use crate::kms::Identity;

/// A principal as people call it: `role/app`, `account 444455556666`, `anyone`; in another account than `home`, with its account
pub fn shown(principal: &str, home: &str) -> String {
    if principal == "*" {
        return "anyone".to_owned();
    }
    if crate::alias::is_account(principal) {
        return format!("account {principal}");
    }
    match parts(principal) {
        Some((account, "root")) => format!("account {account}"),
        Some((account, resource)) if account == home => resource.to_owned(),
        Some((account, resource)) => format!("{resource} of {account}"),
        None => principal.to_owned(),
    }
}

/// The account of the principal with this ARN
pub fn account_of(arn: &str) -> Option<&str> {
    parts(arn).map(|(account, _)| account)
}

/// The account and the resource of an IAM or STS ARN
fn parts(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (head, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (_region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    (head == "arn" && matches!(service, "iam" | "sts")).then_some((account, resource))
}

/// Who will do the writing
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    arn: String,
}

impl Me {
    /// The role that applies, where the manifest names one; otherwise whoever planned
    pub fn new(apply_role: Option<&str>, identity: &Identity) -> Self {
        Self { arn: apply_role.unwrap_or(&identity.caller).to_owned() }
    }

    /// Whether a statement with these principals and this effect speaks to me
    ///
    /// One that names my account denies me like everyone there, and allows me nothing: it lets the account's IAM policies do so
    /// (<https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>).
    pub fn is_among(&self, principals: &Choice, effect: Effect) -> bool {
        let spoken_to =
            |principal: &String| self.is(principal) || (effect == Effect::Deny && self.is_account(principal));
        match principals {
            Choice::Only(list) => list.iter().any(spoken_to),
            Choice::AllBut(list) => {
                !list.iter().any(|principal| self.is(principal) || self.is_account(principal))
            }
        }
    }

    fn is_account(&self, principal: &str) -> bool {
        let mine = parts(&self.arn).map(|(account, _)| account);
        mine == Some(principal)
            || parts(principal).is_some_and(|(account, who)| who == "root" && mine == Some(account))
    }

    /// Whether `principal` is me, or everyone; the ARN of a session leaves out the path of its role
    pub fn is(&self, principal: &str) -> bool {
        if principal == "*" || principal == self.arn {
            return true;
        }
        let (Some((account, mine)), Some((theirs, resource))) = (parts(&self.arn), parts(principal)) else {
            return false;
        };
        let session = mine.strip_prefix("assumed-role/").and_then(|rest| rest.split('/').next());
        let role = resource.strip_prefix("role/").and_then(|path| path.rsplit('/').next());
        account == theirs && session.is_some() && session == role
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me(caller: &str, apply: Option<&str>) -> Me {
        let identity = Identity {
            account: "111122223333".into(),
            region: "us-east-1".into(),
            partition: "aws".into(),
            caller: caller.into(),
        };
        Me::new(apply, &identity)
    }

    #[test]
    fn principals_are_shown_short_and_strangers_with_their_account() {
        for (principal, expected) in [
            ("arn:aws:iam::111122223333:role/app", "role/app"),
            ("arn:aws:iam::444455556666:user/x", "user/x of 444455556666"),
            ("arn:aws:iam::111122223333:root", "account 111122223333"),
            ("444455556666", "account 444455556666"),
            ("*", "anyone"),
            ("logs.amazonaws.com", "logs.amazonaws.com"),
            ("arn:aws:iam", "arn:aws:iam"),
        ] {
            assert_eq!(shown(principal, "111122223333"), expected);
        }
    }

    #[test]
    fn a_session_is_its_role_with_any_path_in_the_same_account() {
        let session = me("arn:aws:sts::111122223333:assumed-role/write/ci", None);
        for mine in [
            "*",
            "arn:aws:iam::111122223333:role/write",
            "arn:aws:iam::111122223333:role/ci/write",
            "arn:aws:sts::111122223333:assumed-role/write/ci",
        ] {
            assert!(session.is(mine), "{mine}");
        }
        for other in [
            "arn:aws:iam::444455556666:role/write",
            "arn:aws:iam::111122223333:role/write/x",
            "arn:aws:iam::111122223333:user/write",
            "arn:aws:iam::111122223333:root",
            "111122223333",
            "",
        ] {
            assert!(!session.is(other), "{other}");
        }
        let named =
            me("arn:aws:sts::111122223333:assumed-role/read/ci", Some("arn:aws:iam::111122223333:role/w"));
        assert!(
            named.is("arn:aws:iam::111122223333:role/w") && !named.is("arn:aws:iam::111122223333:role/read")
        );
        let user = me("arn:aws:iam::111122223333:user/a", None);
        assert!(user.is("arn:aws:iam::111122223333:user/a") && !user.is("arn:aws:iam::111122223333:user/b"));
        let but = |arn: &str| Choice::AllBut(vec![arn.to_owned()]);
        assert!(!user.is_among(&but("arn:aws:iam::111122223333:user/a"), Effect::Deny));
        assert!(user.is_among(&but("arn:aws:iam::111122223333:user/b"), Effect::Deny));
        for account in ["arn:aws:iam::111122223333:root", "111122223333"] {
            let account = Choice::Only(vec![account.to_owned()]);
            assert!(user.is_among(&account, Effect::Deny) && !user.is_among(&account, Effect::Allow));
        }
    }
}
