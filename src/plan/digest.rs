//! Plans of all targets -> one digest that names them: the same plan on another machine has the same digest. Pure.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{Action, Change, Plan};

/// Changes to what goes into the digest change this number
const FORMAT: &str = "1";

/// A plan with the account and Region that it is for
pub struct Located<'p> {
    /// Twelve digits
    pub account: &'p str,
    /// As `us-east-1`
    pub region: &'p str,
    /// What is to be done there
    pub plan: &'p Plan,
}

/// `sha256:…` over the sorted writes; no times, versions or target names enter it
pub fn digest<'p>(plans: impl IntoIterator<Item = Located<'p>>) -> String {
    let (mut lines, mut partial, mut allowed) = (Vec::new(), false, BTreeSet::new());
    for Located { account, region, plan } in plans {
        partial |= plan.partial;
        allowed.extend(plan.allowed.iter().map(ToString::to_string));
        lines.extend(plan.changes.iter().map(|change| written(account, region, change).line()));
    }
    digest_of(lines, &allowed, partial)
}

/// The digest of these lines, each of one write
pub(crate) fn digest_of(mut lines: Vec<String>, allowed: &BTreeSet<String>, partial: bool) -> String {
    lines.sort();
    let mut hash = Sha256::new();
    for line in &lines {
        hash.update(line.as_bytes());
    }
    // What was allowed by flag belongs to the plan: an approval without it is another one.
    let allowed = allowed.iter().map(String::as_str).collect::<Vec<_>>().join(",");
    hash.update(format!("allow={allowed}\npartial={partial}\n").as_bytes());
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// What the digest knows of a write
pub(crate) struct Written<'w> {
    /// Twelve digits
    pub account: &'w str,
    /// As `us-east-1`
    pub region: &'w str,
    /// The alias
    pub alias: &'w str,
    /// The name that it had
    pub previous_alias: Option<&'w str>,
    /// `create`, `update`, `replace`, `rename` or `delete`
    pub verb: &'w str,
    /// The key that it was seen on
    pub before: Option<&'w str>,
    /// The key that it is to be on
    pub after: Option<&'w str>,
}

impl Written<'_> {
    /// No field of a plan can hold a tab or a newline, so no two different tuples give one line
    pub fn line(&self) -> String {
        let Self { account, region, alias, previous_alias, verb, before, after } = self;
        let text = |text: &Option<&str>| text.unwrap_or("-").to_owned();
        let fields =
            [FORMAT, account, region, alias, &text(previous_alias), verb, &text(before), &text(after)];
        fields.join("\t") + "\n"
    }
}

fn written<'w>(account: &'w str, region: &'w str, change: &'w Change) -> Written<'w> {
    let verb = match change.action {
        Action::Create { .. } if change.previous.is_some() => "rename",
        Action::Create { .. } => "create",
        Action::Update { .. } => "update",
        Action::Replace { .. } => "replace",
        Action::Delete { .. } => "delete",
    };
    let (before, after) = change.keys();
    let alias = change.action.name().as_str();
    let previous_alias = change.previous.as_ref().map(|(name, _)| name.as_str());
    let (before, after) = (before.map(|key| key.as_str()), after.map(|key| key.as_str()));
    Written { account, region, alias, previous_alias, verb, before, after }
}
