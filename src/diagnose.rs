//! A target -> what works on the way to it: credentials, identity, clock, endpoint and the permissions that a read can test.
//! Reads only; the role that applies is tried by reading with it.

use std::sync::Arc;

use crate::access::PoliciesOf;
use crate::access::account::PERMISSION;
use crate::alias::{AliasName, KeyId, KeyRef};
use crate::blame::lookup;
use crate::choose::criteria;
use crate::fleet::Trouble;
use crate::kms::contact::Contact;
use crate::kms::{
    AliasPage, Connect, Fault, IamRead, Identity, KeyFacts, KeyPage, KmsError, KmsRead, TrailRead,
};
use crate::permissions::{Purpose, Reads, permissions};
use crate::prepare::{PrepareError, identify};
use crate::target::{Roles, Target, Want};

/// The permissions that are tested by using them
const READS: [&str; 4] = ["kms:ListAliases", "kms:DescribeKey", "kms:ListKeys", "kms:ListResourceTags"];
/// Seconds that two clocks may differ without anybody having to know
const AGREES: u64 = 5;
/// Seconds after which the service refuses signatures
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>)
const REFUSED: u64 = 300;

/// How it is with one thing
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It works
    Ok,
    /// It works, and may soon not
    Warn,
    /// It does not work
    Fail,
    /// It cannot be tested by reading
    Untested,
}

/// One thing that was looked at
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it is, as `identity` or `kms:ListAliases`
    pub subject: String,
    /// How it is with it
    pub status: Status,
    /// What was found
    pub finding: String,
    /// What would help
    pub hint: Option<String>,
}

/// One role of a target, and what was found with it
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// `plan`, `apply`, or both where they go by the same credentials
    pub purposes: &'static [&'static str],
    /// The role that is assumed, if one is
    pub role: Option<Arc<str>>,
    /// In the order they were made
    pub checks: Vec<Check>,
}

/// Looks at the way to `target`, once for each of its roles; at what `reads` adds only with the role that plans
pub async fn diagnose<C: Connect>(target: &Target, reads: Reads, connect: &C) -> Vec<Examined> {
    let Roles { plan, apply, .. } = &target.roles;
    let one = |purposes, role: &Option<Arc<str>>| (purposes, role.clone());
    let roles = match plan == apply {
        true => vec![one(&["plan", "apply"][..], plan)],
        false => vec![one(&["plan"][..], plan), one(&["apply"][..], apply)],
    };
    let mut examined = Vec::new();
    for (purposes, role) in roles {
        let reads = if purposes.contains(&"plan") { reads } else { Reads::default() };
        let mut checks = examine(target, role.as_ref(), reads, connect).await;
        if purposes.contains(&"apply") {
            checks.extend(untested(target));
        }
        examined.push(Examined { purposes, role, checks });
    }
    examined
}

/// Reads with `role`, whatever it is meant for: nothing that could write is ever asked for
async fn examine<C: Connect>(
    target: &Target,
    role: Option<&Arc<str>>,
    reads: Reads,
    connect: &C,
) -> Vec<Check> {
    let target = Target {
        roles: Roles { plan: role.cloned(), apply: None, ..target.roles.clone() },
        ..target.clone()
    };
    match connect.reader(&target).await {
        Ok(kms) => read(&target, role.map(|role| &**role), reads, &kms).await,
        Err(error) => vec![Check::failed("configuration", Trouble::new(&error, None))],
    }
}

async fn read(
    target: &Target,
    role: Option<&str>,
    reads: Reads,
    kms: &(impl KmsRead + IamRead + TrailRead),
) -> Vec<Check> {
    let identified = identify(target, kms).await;
    let contact = kms.contact();
    let mut checks = who(&identified, role, &contact);
    checks.extend(clock(&contact));
    let region = match &identified {
        Ok(identity) => &*identity.region,
        Err(PrepareError::Identity(error)) if error.fault == Fault::AccessDenied => "the target's Region",
        Err(_) => return checks,
    };
    let page = kms.alias_page(None).await;
    checks.push(endpoint(&page, region, &kms.contact()));
    checks.push(listing(&page));
    let (identity, page) = (identified.ok(), page.ok());
    checks.push(description(target, identity.as_ref(), page.as_ref(), kms).await);
    checks.extend(selection(target, kms).await);
    if reads.access.is_some() {
        checks.push(key_policy(any_key(target, identity.as_ref(), page.as_ref()), kms).await);
    }
    if reads.access == Some(PoliciesOf::Iam) {
        checks.push(iam_policies(kms).await);
    }
    if reads.blame {
        checks.push(trail(kms).await);
    }
    checks
}

async fn key_policy(key: Option<KeyId>, kms: &impl KmsRead) -> Check {
    const SUBJECT: &str = "kms:GetKeyPolicy";
    let Some(key) = key else {
        return Check::new(SUBJECT, Status::Untested, "no key is declared and no alias found to try it on");
    };
    match kms.key_policy(&key).await {
        Ok(_) => Check::ok(SUBJECT, format!("the policy of key {key} was read")),
        Err(error) if matches!(error.fault, Fault::NotFound | Fault::NoSuchReference) => {
            Check::new(SUBJECT, Status::Warn, error.to_string())
        }
        Err(error) => Check::refused(SUBJECT, &error),
    }
}

async fn iam_policies(iam: &impl IamRead) -> Check {
    match iam.authorization_page(None).await {
        Ok(_) => Check::ok(PERMISSION, "one page was read"),
        Err(error) => Check::refused(PERMISSION, &error),
    }
}

async fn trail(trail: &impl TrailRead) -> Check {
    match trail.event_page("UpdateAlias", None).await {
        Ok(_) => Check::ok(lookup::PERMISSION, "one page was read"),
        Err(error) => Check::refused(lookup::PERMISSION, &error),
    }
}

/// What only a target needs that selects keys: their listing, and the tags of one of them
async fn selection(target: &Target, kms: &impl KmsRead) -> Vec<Check> {
    const KEYS: &str = "kms:ListKeys";
    const TAGS: &str = "kms:ListResourceTags";
    let criteria = criteria(target);
    if criteria.is_empty() {
        return Vec::new();
    }
    let keys = match kms.key_page(None).await {
        Ok(KeyPage { keys, .. }) => keys,
        Err(error) => return vec![Check::refused(KEYS, &error)],
    };
    let mut checks = vec![Check::ok(KEYS, format!("keys on the first page: {}", keys.len()))];
    if criteria.iter().any(|criteria| !criteria.tags.is_empty()) {
        checks.push(match keys.first() {
            None => Check::new(TAGS, Status::Untested, "there is no key to try it on"),
            Some(key) => match kms.tags(key).await {
                Ok(tags) => Check::ok(TAGS, format!("tags of key {key}: {}", tags.len())),
                Err(error) => Check::refused(TAGS, &error),
            },
        });
    }
    checks
}

impl Check {
    fn new(subject: &str, status: Status, finding: impl Into<String>) -> Self {
        Self { subject: subject.to_owned(), status, finding: finding.into(), hint: None }
    }

    pub(crate) fn ok(subject: &str, finding: impl Into<String>) -> Self {
        Self::new(subject, Status::Ok, finding)
    }

    fn failed(subject: &str, trouble: Trouble) -> Self {
        Self { hint: trouble.hint, ..Self::new(subject, Status::Fail, trouble.sentence) }
    }

    fn refused(subject: &str, error: &KmsError) -> Self {
        Self { hint: error.hint(), ..Self::new(subject, Status::Fail, error.to_string()) }
    }
}

/// The credentials, the role and whose they are; what fails first hides the rest
fn who(identified: &Result<Identity, PrepareError>, role: Option<&str>, contact: &Contact) -> Vec<Check> {
    let error = match identified {
        Err(PrepareError::Identity(error)) => error,
        Err(other) => {
            let trouble = Trouble { sentence: other.to_string(), hint: other.hint(), halfway: false };
            return vec![credentials(role, contact), Check::failed("identity", trouble)];
        }
        Ok(identity) => return vec![credentials(role, contact), Check::ok("identity", &*identity.caller)],
    };
    match (error.fault, role) {
        (Fault::Credentials, Some(role)) if error.message.contains("sts:AssumeRole") => {
            vec![Check { finding: format!("{role}: {error}"), ..Check::refused("role", error) }]
        }
        (Fault::Credentials, _) => vec![Check::refused("credentials", error)],
        (Fault::AccessDenied, _) => vec![credentials(role, contact), Check::refused("identity", error)],
        _ => vec![Check::refused("endpoint", error)],
    }
}

fn credentials(role: Option<&str>, contact: &Contact) -> Check {
    match (role, contact.credentials) {
        (Some(role), _) => Check::ok("role", format!("{role} is assumed")),
        (None, Some(source)) => Check::ok("credentials", format!("from {source}")),
        (None, None) => Check::ok("credentials", "found"),
    }
}

/// How far our clock is from the service's, where its answers say the time
fn clock(contact: &Contact) -> Option<Check> {
    let ahead = contact.ahead?;
    let apart = ahead.unsigned_abs();
    let direction = if ahead < 0 { "behind" } else { "ahead of" };
    let finding = format!("{apart} s {direction} the service's");
    let hint =
        Some("set this machine's clock by NTP: signatures more than 5 minutes off are refused".to_owned());
    Some(match apart {
        0..=AGREES => Check::ok("clock", "agrees with the service's"),
        _ if apart < REFUSED => Check { hint, ..Check::new("clock", Status::Warn, finding) },
        _ => Check { hint, ..Check::new("clock", Status::Fail, finding) },
    })
}

/// Whether the key service answers at all; a refusal is an answer
fn endpoint(page: &Result<AliasPage, KmsError>, region: &str, contact: &Contact) -> Check {
    match page {
        Err(error) if error.code.is_none() => Check::refused("endpoint", error),
        _ => match &contact.endpoint {
            Some(url) => Check::ok("endpoint", format!("{url} answers for {region}")),
            None => Check::ok("endpoint", format!("KMS answers for {region}")),
        },
    }
}

fn listing(page: &Result<AliasPage, KmsError>) -> Check {
    match page {
        Ok(_) => Check::ok("kms:ListAliases", "one page was read"),
        Err(error) => Check::refused("kms:ListAliases", error),
    }
}

/// What DescribeKey is tried on
enum Sample {
    Key(KeyId),
    Alias(AliasName),
}

async fn description(
    target: &Target,
    identity: Option<&Identity>,
    page: Option<&AliasPage>,
    kms: &impl KmsRead,
) -> Check {
    const SUBJECT: &str = "kms:DescribeKey";
    let declared = declared_key(target, identity).map(Sample::Key);
    let Some(sample) = declared.or_else(|| Some(Sample::Alias(live_alias(target, page?)?))) else {
        return Check::new(SUBJECT, Status::Untested, "no key is declared and no alias found to try it on");
    };
    let described = match &sample {
        Sample::Key(key) => kms.describe_key(key).await.map(Some),
        Sample::Alias(name) => kms.probe_alias(name).await,
    };
    match described {
        Ok(Some(KeyFacts { id, state, .. })) => Check::ok(SUBJECT, format!("key {id} is {state}")),
        Ok(None) => Check::new(SUBJECT, Status::Warn, "the alias that it was tried on is gone"),
        Err(error) if matches!(error.fault, Fault::NotFound | Fault::NoSuchReference) => {
            let hint = Some("declare a key of this account and Region".to_owned());
            Check { hint, ..Check::new(SUBJECT, Status::Warn, error.to_string()) }
        }
        Err(error) => Check::refused(SUBJECT, &error),
    }
}

/// The first key that the manifest declares by id, or by an ARN of this account and Region
fn declared_key(target: &Target, identity: Option<&Identity>) -> Option<KeyId> {
    target.aliases.values().find_map(|declared| match &declared.want {
        Want::Key(KeyRef::Id(id)) => Some(id.clone()),
        Want::Key(KeyRef::Arn(arn)) => {
            let here = identity.is_some_and(|i| i.account == arn.account && i.region == arn.region);
            here.then(|| arn.id.clone())
        }
        _ => None,
    })
}

/// That key, or the one that the first alias of ours is on
fn any_key(target: &Target, identity: Option<&Identity>, page: Option<&AliasPage>) -> Option<KeyId> {
    let live = || page?.aliases.iter().find(|alias| target.scope.owns(&alias.name))?.target.clone();
    declared_key(target, identity).or_else(live)
}

/// The first alias of the page that is ours to look at; never one of AWS's own
fn live_alias(target: &Target, page: &AliasPage) -> Option<AliasName> {
    let ours = page.aliases.iter().filter(|alias| target.scope.owns(&alias.name));
    ours.filter_map(|alias| AliasName::parse(&alias.name).ok()).next()
}

/// The writes that this manifest can need: nothing tells whether they are allowed but doing them
fn untested(target: &Target) -> Vec<Check> {
    let needed = permissions(std::slice::from_ref(target), Purpose::Apply, Reads::default());
    let actions = needed.values().flat_map(|permissions| permissions.document.actions());
    let writes = actions.filter(|action| !READS.contains(action));
    let check = |action| Check::new(action, Status::Untested, "cannot be tested without writing");
    writes.map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ahead(seconds: i64) -> Contact {
        Contact { ahead: Some(seconds), ..Contact::default() }
    }

    #[test]
    fn a_clock_is_judged_by_what_the_service_still_takes() {
        for (seconds, status, finding) in [
            (0, Status::Ok, "agrees with the service's"),
            (-5, Status::Ok, "agrees with the service's"),
            (6, Status::Warn, "6 s ahead of the service's"),
            (-299, Status::Warn, "299 s behind the service's"),
            (300, Status::Fail, "300 s ahead of the service's"),
            (i64::MIN, Status::Fail, "9223372036854775808 s behind the service's"),
        ] {
            let check = clock(&ahead(seconds)).unwrap();
            assert_eq!((check.status, &*check.finding), (status, finding));
            assert_eq!(check.hint.is_some(), status != Status::Ok);
        }
        assert_eq!(clock(&Contact::default()), None);
    }

    fn error(fault: Fault, code: Option<&str>, message: &str) -> KmsError {
        let (code, message) = (code.map(str::to_owned), message.to_owned());
        KmsError { fault, operation: "GetCallerIdentity", code, message, request_id: None }
    }

    #[test]
    fn a_refused_role_is_told_from_missing_credentials_and_a_dead_endpoint() {
        let role = Some("arn:aws:iam::111122223333:role/x");
        let assume = "no credentials: AccessDenied: User: a is not authorized to perform: sts:AssumeRole on resource: b";
        for (fault, message, role, subject) in [
            (Fault::Credentials, assume, role, "role"),
            (Fault::Credentials, "no credentials: none found", role, "credentials"),
            (Fault::Credentials, "no credentials: none found", None, "credentials"),
            (Fault::NotSent, "no answer", None, "endpoint"),
        ] {
            let refused = Err(PrepareError::Identity(error(fault, None, message)));
            let [check] = &who(&refused, role, &Contact::default())[..] else { panic!("{message}") };
            assert_eq!((&*check.subject, check.status), (subject, Status::Fail));
            assert!(check.hint.is_some(), "{message}");
        }
    }

    #[test]
    fn a_refusal_is_an_answer_of_the_endpoint() {
        let denied = Err(error(Fault::AccessDenied, Some("AccessDeniedException"), ""));
        let here = Contact { endpoint: Some("https://x".to_owned()), ..Contact::default() };
        assert_eq!(
            endpoint(&denied, "us-east-1", &here),
            Check::ok("endpoint", "https://x answers for us-east-1")
        );
        let silent = Err(error(Fault::Unknown, None, "no answer in time"));
        assert_eq!(endpoint(&silent, "us-east-1", &here).status, Status::Fail);
    }
}
