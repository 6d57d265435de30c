//! Changes that are allowed -> what could go wrong with them all the same. Pure.
//!
//! A risk holds nothing back: it tells the reader of a plan what the service will not say. Each has a code, one sentence, and
//! a section of `docs/risks.md` that says where it comes from and what to do.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use super::{Action, Change};
use crate::alias::{AliasName, KeyId};
use crate::inspect::{Fact, Facts};
use crate::kms::{Family, KeyFacts};

/// The page that has a section for every code
pub const PAGE: &str = include_str!("../../docs/risks.md");

/// What could go wrong with one change
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Risk {
    /// Which kind
    pub code: Code,
    /// What could go wrong here, a fragment of a sentence
    pub sentence: String,
}

/// The kinds of risk
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A replacement is not atomic
    ReplaceGap,
    /// The new key is disabled
    KeyDisabled,
    /// The new key has no material yet
    KeyPendingImport,
    /// The new key's store is not connected
    KeyUnavailable,
    /// The new key is a replica that is still being made
    KeyCreating,
    /// The new key is in another state that is not `Enabled`
    KeyNotReady,
    /// The old key is about to be deleted
    OldKeyPendingDeletion,
    /// Old ciphertext is decrypted by the name
    DecryptByName,
    /// Old signatures are verified, or old ciphertext is decrypted, by the name
    AsymmetricRetarget,
    /// Old codes are verified by the name
    HmacRetarget,
    /// The old key has no alias afterwards
    KeyWithoutAlias,
    /// Another name differs only by case
    NameCase,
    /// The same name leads to another key in another Region
    SiblingRegion,
}

impl Code {
    /// All of them, as `docs/risks.md` lists them
    pub const ALL: [Self; 13] = [
        Self::ReplaceGap,
        Self::KeyDisabled,
        Self::KeyPendingImport,
        Self::KeyUnavailable,
        Self::KeyCreating,
        Self::KeyNotReady,
        Self::OldKeyPendingDeletion,
        Self::DecryptByName,
        Self::AsymmetricRetarget,
        Self::HmacRetarget,
        Self::KeyWithoutAlias,
        Self::NameCase,
        Self::SiblingRegion,
    ];

    /// The code with this name
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }

    /// As documents have it
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReplaceGap => "replace-gap",
            Self::KeyDisabled => "key-disabled",
            Self::KeyPendingImport => "key-pending-import",
            Self::KeyUnavailable => "key-unavailable",
            Self::KeyCreating => "key-creating",
            Self::KeyNotReady => "key-not-ready",
            Self::OldKeyPendingDeletion => "old-key-pending-deletion",
            Self::DecryptByName => "decrypt-by-name",
            Self::AsymmetricRetarget => "asymmetric-retarget",
            Self::HmacRetarget => "hmac-retarget",
            Self::KeyWithoutAlias => "key-without-alias",
            Self::NameCase => "name-case",
            Self::SiblingRegion => "sibling-region",
        }
    }

    /// Its section of the page
    pub fn link(self) -> String {
        format!("docs/risks.md#{self}")
    }

    /// What the page says of it, its heading included
    pub fn section(self) -> &'static str {
        let heading = format!("\n## {self}\n");
        let start = PAGE.find(&heading).map_or(PAGE.len(), |at| at + 1);
        let section = &PAGE[start..];
        let end = section.find("\n## ").map_or(section.len(), |at| at + 1);
        section[..end].trim_end()
    }

    fn risk(self, sentence: impl Into<String>) -> Risk {
        Risk { code: self, sentence: sentence.into() }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  [{}]", self.sentence, self.code.link())
    }
}

/// Marks each change of one target with its risks; those that it has already stay
pub(super) fn mark(changes: &mut [Change], facts: &Facts, alias_counts: &BTreeMap<KeyId, usize>) {
    let bare = bare_keys(changes, alias_counts);
    let lasts: HashMap<KeyId, AliasName> = changes
        .iter()
        .filter_map(|change| Some((left(change)?.clone(), change.action.name().clone())))
        .filter(|(key, _)| bare.contains(&key) && known(facts, key).is_some())
        .collect();
    for change in changes {
        change.risks.extend(gap(change));
        change.risks.extend(state(change, facts));
        change.risks.extend(moved(change, facts));
        let last = left(change).and_then(|key| lasts.get(key));
        if last == Some(change.action.name()) {
            let sentence =
                "its old key is left without any alias, so access to it by kms:ResourceAliases ends";
            change.risks.push(Code::KeyWithoutAlias.risk(sentence));
        }
        change.risks.sort();
    }
}

/// Marks the changes of names that differ from another one in `names` only by case
pub(super) fn mark_cases<'n>(changes: &mut [Change], names: impl Iterator<Item = &'n AliasName> + Clone) {
    // Of two such names one has capitals, as hardly a name has: without, a million of them need not be looked up.
    let has_capitals = |name: &AliasName| name.as_str().bytes().any(|byte| byte.is_ascii_uppercase());
    let is_changed = changes.iter().any(|change| has_capitals(change.action.name()));
    if changes.is_empty() || !(is_changed || names.clone().any(has_capitals)) {
        return;
    }
    let mut twins: HashMap<String, Vec<&AliasName>> = HashMap::new();
    for name in names {
        twins.entry(name.as_str().to_ascii_lowercase()).or_default().push(name);
    }
    for change in changes.iter_mut().filter(|change| change.action.keys().1.is_some()) {
        let name = change.action.name();
        let alike = twins.get(&name.as_str().to_ascii_lowercase());
        if let Some(twin) = alike.into_iter().flatten().find(|twin| **twin != name) {
            let sentence = format!("{twin} is declared as well, and the two differ only by case");
            change.risks.push(Code::NameCase.risk(sentence));
        }
    }
}

/// The risk that the same name leads to `other`, another key, in the target of this name
pub(crate) fn sibling(target: &str, other: &KeyId) -> Risk {
    let sentence = format!("in {target} this name leads to {other}, which is not the same multi-Region key");
    Code::SiblingRegion.risk(sentence)
}

/// The key that a change takes its alias from
fn left(change: &Change) -> Option<&KeyId> {
    let (before, after) = change.keys();
    before.filter(|before| after != Some(before))
}

/// The keys that have no alias once every change is made
fn bare_keys<'c>(changes: &'c [Change], alias_counts: &BTreeMap<KeyId, usize>) -> BTreeSet<&'c KeyId> {
    let mut counts: BTreeMap<&KeyId, isize> = BTreeMap::new();
    for change in changes {
        let (before, after) = change.keys();
        before.into_iter().for_each(|key| *counts.entry(key).or_default() -= 1);
        after.into_iter().for_each(|key| *counts.entry(key).or_default() += 1);
    }
    let had = |key: &KeyId| alias_counts.get(key).copied().unwrap_or_default();
    counts
        .into_iter()
        .filter(|(key, change)| had(key).checked_add_signed(*change) == Some(0))
        .map(|(key, _)| key)
        .collect()
}

fn known<'f>(facts: &'f Facts, key: &KeyId) -> Option<&'f KeyFacts> {
    match facts.get(key)? {
        Fact::Known(facts) => Some(facts),
        Fact::Missing | Fact::Denied(_) => None,
    }
}

fn gap(change: &Change) -> Option<Risk> {
    let sentence = "between its delete and its create every use of this name fails, and access by kms:ResourceAliases is lost";
    matches!(change.action, Action::Replace { .. }).then(|| Code::ReplaceGap.risk(sentence))
}

/// The service points an alias at a key in any of these states without a word
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>)
fn state(change: &Change, facts: &Facts) -> Option<Risk> {
    let key = known(facts, change.action.keys().1?)?;
    let (code, effect) = match key.state.as_str() {
        "Enabled" => return None,
        "Disabled" => (Code::KeyDisabled, "every use of this alias will fail until it is enabled"),
        "PendingImport" => {
            (Code::KeyPendingImport, "every use of this alias will fail until key material is imported")
        }
        "Unavailable" => {
            (Code::KeyUnavailable, "every use of this alias will fail until its key store is connected")
        }
        "Creating" => (Code::KeyCreating, "uses of this alias will fail until the replica is made"),
        _ => (Code::KeyNotReady, "uses of this alias may fail until it is ready"),
    };
    Some(code.risk(format!("the key is {}: {effect}", key.state)))
}

/// What is lost to those who use the name when it leaves its key for another
fn moved(change: &Change, facts: &Facts) -> Vec<Risk> {
    let (Action::Update { from, .. } | Action::Replace { from, .. }) = &change.action else {
        return Vec::new();
    };
    let Some(old) = known(facts, from) else { return Vec::new() };
    leaving(old).into_iter().chain(old_uses(old)).collect()
}

fn leaving(old: &KeyFacts) -> Option<Risk> {
    let when = match (old.state.as_str(), &old.deletion_date) {
        ("PendingDeletion", Some(date)) => format!("is to be deleted at {date}"),
        ("PendingDeletion", None) => "is pending deletion".to_owned(),
        ("PendingReplicaDeletion", _) => "is pending deletion, once its last replica is gone".to_owned(),
        _ => return None,
    };
    let sentence = format!("the old key {when}: what it encrypted cannot be read after that");
    Some(Code::OldKeyPendingDeletion.risk(sentence))
}

fn old_uses(old: &KeyFacts) -> Option<Risk> {
    Some(match old.family()? {
        Family::Symmetric => {
            Code::DecryptByName.risk("callers that decrypt by this name with old ciphertext will fail")
        }
        Family::Hmac => Code::HmacRetarget.risk("callers that verify old codes by this name will fail"),
        Family::Asymmetric if old.usage == "SIGN_VERIFY" => Code::AsymmetricRetarget.risk(
            "callers that verify old signatures by this name will fail, and copies of the old public key reject new ones",
        ),
        Family::Asymmetric => Code::AsymmetricRetarget.risk(
            "callers that use this name on what was made for the old key pair will fail, as will copies of its public key",
        ),
    })
}
