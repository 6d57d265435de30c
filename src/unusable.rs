//! Aliases that are as declared, and facts about their keys -> those whose key cannot be used all the same. Pure.
//!
//! To the diff such an alias is in sync. To whoever calls with its name it is broken.

use std::collections::BTreeSet;

use crate::alias::{AliasName, KeyId};
use crate::inspect::{Fact, Facts};
use crate::kms::KeyFacts;
use crate::list::Snapshot;
use crate::resolve::{Desired, End};
use crate::target::Place;

/// A declared alias on a key that cannot be used
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The alias
    pub name: AliasName,
    /// The key that it is on, as declared
    pub key: KeyId,
    /// The key's state, as `PendingDeletion`; `Missing` where there is no such key, and `None` where nobody may tell
    pub state: Option<String>,
    /// A sentence
    pub why: String,
    /// What would help
    pub hint: String,
    /// Where the manifest declares the alias
    pub place: Place,
}

/// The aliases that are on the key that they are declared on
fn in_sync<'d>(
    desired: &'d Desired,
    snapshot: &'d Snapshot,
) -> impl Iterator<Item = (&'d AliasName, &'d KeyId, &'d Place)> {
    desired.iter().filter_map(|(name, goal)| match &goal.end {
        End::Key(key) if snapshot.live.get(name)?.key.as_ref() == Some(key) => Some((name, key, &goal.place)),
        _ => None,
    })
}

/// The keys that aliases are on as declared
pub fn keys_in_use(desired: &Desired, snapshot: &Snapshot) -> BTreeSet<KeyId> {
    in_sync(desired, snapshot).map(|(_, key, _)| key.clone()).collect()
}

/// The aliases that are as declared, and on a key that cannot be used; sorted by name
pub fn unusable(desired: &Desired, snapshot: &Snapshot, facts: &Facts) -> Vec<Unusable> {
    let judged = in_sync(desired, snapshot).filter_map(|(name, key, place)| {
        let (state, why, hint) = flaw(key, facts.get(key))?;
        let (name, key, place) = (name.clone(), key.clone(), place.clone());
        Some(Unusable { name, key, state, why, hint, place })
    });
    judged.collect()
}

/// State, sentence and hint of a key that cannot be used
pub(crate) fn flaw(key: &KeyId, fact: Option<&Fact>) -> Option<(Option<String>, String, String)> {
    match fact {
        Some(Fact::Known(facts)) => {
            let (why, hint) = state(facts)?;
            Some((Some(facts.state.clone()), format!("key {key} {why}"), hint))
        }
        Some(Fact::Missing) => {
            let hint = "KMS deletes the aliases of a deleted key soon: declare another one".to_owned();
            Some((Some("Missing".to_owned()), format!("key {key} does not exist any more"), hint))
        }
        Some(Fact::Denied(sentence)) => {
            let hint = "grant kms:DescribeKey on the key to the role that plans".to_owned();
            Some((None, format!("key {key} cannot be looked at: {sentence}"), hint))
        }
        None => None,
    }
}

/// Why a key in its state cannot be used, and what would help
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>)
fn state(facts: &KeyFacts) -> Option<(String, String)> {
    let or_another = |remedy: &str, verb: &str| {
        format!("{remedy} with `{}`, or declare another key", command(verb, facts))
    };
    Some(match facts.state.as_str() {
        // While the primary of a multi-Region key moves, it goes on working.
        "Enabled" | "Updating" => return None,
        "Disabled" => ("is disabled".to_owned(), or_another("enable it", "enable-key")),
        "PendingDeletion" | "PendingReplicaDeletion" => {
            let date = facts.deletion_date.as_ref().map(|date| format!(", and goes at {date}"));
            let why = format!("is pending deletion{}", date.unwrap_or_default());
            (why, or_another("cancel its deletion", CANCEL))
        }
        // The command for that takes the material, and where that is only its owner knows.
        "PendingImport" => {
            ("has no key material".to_owned(), "import its key material, or declare another key".to_owned())
        }
        "Unavailable" => {
            ("is in a key store that cannot be reached".to_owned(), "connect its key store".to_owned())
        }
        other => {
            (format!("is in state {other}"), format!("look at it with `{}`", command("describe-key", facts)))
        }
    })
}

/// What takes a deletion back, which leaves the key disabled
pub(crate) const CANCEL: &str = "cancel-key-deletion";

/// The command of the AWS CLI that does this to the key, as it can be typed
pub(crate) fn command(verb: &str, KeyFacts { id, region, .. }: &KeyFacts) -> String {
    // What is typed must be no more than it says, whatever the service answers.
    let is_plain = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    let id = if is_plain(id.as_str()) { id.as_str() } else { "ID" };
    let region = if is_plain(region) { format!(" --region {region}") } else { String::new() };
    format!("aws kms {verb} --key-id {id}{region}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_key_that_works_is_no_flaw() {
        let facts = |state: &str| KeyFacts {
            id: KeyId::from_service("aaaa"),
            region: "us-east-1".to_owned(),
            description: String::new(),
            state: state.to_owned(),
            spec: "SYMMETRIC_DEFAULT".to_owned(),
            usage: "ENCRYPT_DECRYPT".to_owned(),
            deletion_date: None,
            aws_managed: false,
        };
        for (at, usable) in
            [("Enabled", true), ("Updating", true), ("Disabled", false), ("Creating", false), ("New", false)]
        {
            assert_eq!(state(&facts(at)).is_none(), usable, "{at}");
        }
    }

    #[test]
    fn a_command_names_the_key_and_its_region_and_nothing_that_a_shell_would_do() {
        let facts = |id: &str, region: &str| KeyFacts {
            id: KeyId::from_service(id),
            region: region.to_owned(),
            description: String::new(),
            state: "Disabled".to_owned(),
            spec: String::new(),
            usage: String::new(),
            deletion_date: None,
            aws_managed: false,
        };
        let told = |id, region| command("enable-key", &facts(id, region));
        assert_eq!(told("mrk-1a", "eu-west-1"), "aws kms enable-key --key-id mrk-1a --region eu-west-1");
        assert_eq!(told("a;reboot", "$(reboot)"), "aws kms enable-key --key-id ID");
        let hint = state(&facts("aaaa", "eu-west-1")).map(|(_, hint)| hint);
        let wanted =
            "enable it with `aws kms enable-key --key-id aaaa --region eu-west-1`, or declare another key";
        assert_eq!(hint.as_deref(), Some(wanted));
    }
}
