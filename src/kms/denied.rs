//! The words of an AccessDeniedException -> which permission is missing, and on which of the resources. Pure.
//!
//! Alias operations need their permission two or three times over: on the alias, on its key, and for UpdateAlias on the new
//! key as well (<https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html>). The resource that the service names
//! tells which one is missing.

use crate::alias::KeyId;

/// What the service said is not allowed
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Denial<'m> {
    caller: &'m str,
    action: &'m str,
    resource: &'m str,
    cause: Cause<'m>,
}

/// Why, as far as the service says
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause<'m> {
    /// A policy says no, as `a service control policy`
    Denied(&'m str),
    /// A policy that only limits does not say yes, as `permissions boundary`
    Limited(&'m str),
    /// Nothing says yes
    NotGranted,
}

/// Kinds of policy that limit what others grant
const LIMITS: [&str; 5] = [
    "service control policy",
    "resource control policy",
    "permissions boundary",
    "session policy",
    "VPC endpoint policy",
];

impl<'m> Denial<'m> {
    /// The parts of `User: … is not authorized to perform: … on resource: …`, wherever in `message` that begins
    pub(super) fn parse(message: &'m str) -> Option<Self> {
        let (before, rest) = message.split_once(" is not authorized to perform: ")?;
        let (action, rest) = rest.split_once(" on resource: ")?;
        let caller = before.rsplit(' ').next().unwrap_or(before);
        let resource = rest.split(' ').next().map(|text| text.trim_matches(['"', ',', '.']))?;
        let sound = !action.contains(' ') && !resource.is_empty();
        sound.then(|| Self { caller, action, resource, cause: Cause::parse(rest) })
    }

    /// What would help; `before` and `after` are the keys that the alias was to be moved between, where they are known
    pub(super) fn hint(&self, before: Option<&KeyId>, after: Option<&KeyId>) -> Option<String> {
        let Self { caller, action, resource, cause } = self;
        if *action == "sts:AssumeRole" {
            let who = "its trust policy must name that caller";
            return Some(format!("grant sts:AssumeRole on {resource} to {caller}; {who}"));
        }
        let (side, place) = self.side(before, after)?;
        let about = format!("{action} on {resource} ({side})");
        Some(match cause {
            Cause::Denied(policy) => format!("lift the deny in {policy} of {about}: no grant outweighs it"),
            Cause::Limited(policy) => format!("allow {about} in the {policy}, too"),
            Cause::NotGranted => format!("grant {about}, {place}"),
        })
    }

    /// Which of the resources it is, and where its permission is granted
    fn side(&self, before: Option<&KeyId>, after: Option<&KeyId>) -> Option<(&'static str, &'static str)> {
        const ALIAS: &str = "in the role's IAM policy: a key policy cannot";
        const KEY: &str = "in the key policy or, if that delegates to the account, in the role's IAM policy";
        let (_, name) = self.resource.split_once(":kms:")?;
        if name.contains(":alias/") {
            return Some(("the alias side", ALIAS));
        }
        let (_, id) = name.split_once(":key/")?;
        let is = |key: Option<&KeyId>| key.is_some_and(|key| key.as_str() == id);
        Some(match (is(before), is(after)) {
            (true, false) => ("the key side: its current key", KEY),
            (false, true) => ("the key side: its new key", KEY),
            _ => ("the key side", KEY),
        })
    }
}

impl<'m> Cause<'m> {
    fn parse(text: &'m str) -> Self {
        if let Some((_, policy)) = text.split_once(" explicit deny in ") {
            let end = policy.find([',', ':', '.']).unwrap_or(policy.len());
            return Self::Denied(policy[..end].trim());
        }
        let limit = text
            .split_once(" because no ")
            .and_then(|(_, policy)| LIMITS.iter().find(|limit| policy.starts_with(**limit)));
        limit.map_or(Self::NotGranted, |limit| Self::Limited(limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLER: &str = "arn:aws:sts::111122223333:assumed-role/write/kms-alias";
    const ALIAS: &str = "arn:aws:kms:us-west-2:111122223333:alias/app/x";
    const OLD: &str = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const NEW: &str = "arn:aws:kms:us-west-2:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";

    /// The hint for a refusal of UpdateAlias from OLD to NEW
    fn told(resource: &str, why: &str) -> Option<String> {
        let message = format!(
            "User: {CALLER} is not authorized to perform: kms:UpdateAlias on resource: {resource}{why}"
        );
        let [old, new] = [OLD, NEW].map(KeyId::from_service);
        Denial::parse(&message)?.hint(Some(&old), Some(&new))
    }

    #[test]
    fn the_resource_tells_the_alias_from_its_current_key_and_its_new_one() {
        let why = " because no identity-based policy allows the kms:UpdateAlias action";
        let alias = told(ALIAS, why).unwrap();
        assert_eq!(
            alias,
            format!(
                "grant kms:UpdateAlias on {ALIAS} (the alias side), in the role's IAM policy: a key policy cannot"
            )
        );
        for (key, side) in [(OLD, "its current key"), (NEW, "its new key")] {
            let hint =
                told(key, " because no resource-based policy allows the kms:UpdateAlias action").unwrap();
            let words =
                format!("grant kms:UpdateAlias on {key} (the key side: {side}), in the key policy or");
            assert!(hint.starts_with(&words), "{hint}");
        }
        let other = told(&OLD.replace("1234abcd", "9999abcd"), "").unwrap();
        assert!(other.contains("(the key side), in the key policy"), "{other}");
    }

    #[test]
    fn a_deny_and_a_limit_are_not_mended_by_a_grant() {
        for (why, hint) in [
            (
                " with an explicit deny in a service control policy",
                "lift the deny in a service control policy of",
            ),
            (
                " with an explicit deny in an identity-based policy: arn:aws:iam::x",
                "lift the deny in an identity-based policy of",
            ),
            (
                " because no permissions boundary allows the kms:UpdateAlias action",
                "allow kms:UpdateAlias on",
            ),
            (" because no VPC endpoint policy allows the kms:UpdateAlias action", "allow kms:UpdateAlias on"),
        ] {
            let told = told(ALIAS, why).unwrap();
            assert!(told.starts_with(hint), "{why}: {told}");
        }
    }

    #[test]
    fn a_role_that_cannot_be_assumed_needs_both_policies() {
        let role = "arn:aws:iam::111122223333:role/write";
        let message = format!(
            "no credentials: AccessDenied: User: {CALLER} is not authorized to perform: sts:AssumeRole on resource: {role}"
        );
        let hint = Denial::parse(&message).unwrap().hint(None, None).unwrap();
        assert_eq!(
            hint,
            format!("grant sts:AssumeRole on {role} to {CALLER}; its trust policy must name that caller")
        );
    }

    #[test]
    fn other_words_and_other_resources_are_left_to_the_general_hint() {
        for message in ["", "Access denied", "x is not authorized to perform: kms:UpdateAlias"] {
            assert_eq!(Denial::parse(message), None, "{message}");
        }
        assert_eq!(told("*", ""), None);
        assert_eq!(told("arn:aws:s3:::bucket", ""), None);
    }
}
