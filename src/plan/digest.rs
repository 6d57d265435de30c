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
        lines.extend(plan.changes.iter().map(|change| line(account, region, change)));
    }
    lines.sort();
    let mut hash = Sha256::new();
    for line in &lines {
        hash.update(line.as_bytes());
    }
    // What was allowed by flag belongs to the plan: an approval without it is another one.
    let allowed = allowed.into_iter().collect::<Vec<_>>().join(",");
    hash.update(format!("allow={allowed}\npartial={partial}\n").as_bytes());
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// No field can hold a tab or a newline, so no two different tuples give one line
fn line(account: &str, region: &str, change: &Change) -> String {
    let action = &change.action;
    let verb = match action {
        Action::Create { .. } if change.previous.is_some() => "rename",
        Action::Create { .. } => "create",
        Action::Update { .. } => "update",
        Action::Replace { .. } => "replace",
        Action::Delete { .. } => "delete",
    };
    let (before, after) = change.keys();
    let text = |key: Option<&crate::alias::KeyId>| key.map_or("-", |key| key.as_str()).to_owned();
    let previous_alias = change.previous.as_ref().map_or("-", |(name, _)| name.as_str());
    let fields =
        [FORMAT, account, region, action.name().as_str(), previous_alias, verb, &text(before), &text(after)];
    fields.join("\t") + "\n"
}
