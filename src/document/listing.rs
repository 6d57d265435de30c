//! Targets as they were read and planned -> the document of a listing: every live alias in scope, the key that it is on, and what the
//! manifest makes of it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::plan::{PlannedChange, Source, TargetPlan, Verb};
use super::surveyed::plan;
use super::{ErrorText, FORMAT_VERSION};
use crate::alias::{AliasName, KeyId};
use crate::fleet::Surveyed;
use crate::inspect::Fact;
use crate::kms::Calls;
use crate::prepare::Prepared;
use crate::resolve::{End, Goal};

/// The live aliases of all targets
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListingDocument {
    /// `1.0`
    pub format_version: String,
    /// `list`
    pub kind: String,
    /// Whether a target could not be read
    pub errored: bool,
    /// Whether the command line leaves names out
    pub partial: bool,
    /// Requests made, by operation
    pub api_calls: Calls,
    /// In the order of their names
    pub targets: Vec<TargetListing>,
}

/// The live aliases of one target
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TargetListing {
    /// As `prod/111122223333/us-east-1`
    pub name: String,
    /// As `aws`; `null` where it could not be read
    pub partition: Option<String>,
    /// Twelve digits; `null` where neither the manifest nor the service told
    pub account: Option<String>,
    /// As `us-east-1`, likewise
    pub region: Option<String>,
    /// Why it could not be read
    pub error: Option<ErrorText>,
    /// Sorted by name; those that are declared and not there are among them
    pub aliases: Vec<ListedAlias>,
}

/// An alias in scope
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ListedAlias {
    /// Its name
    pub alias: String,
    /// The key that it is on; `null` where it is not there
    pub key: Option<String>,
    /// Of that key, as `Enabled`; `Missing` where there is no such key, `null` where nobody may tell
    pub key_state: Option<String>,
    /// Of that key
    pub key_description: Option<String>,
    /// What the manifest makes of it
    pub status: Status,
    /// The key that it is declared on, where that is another one
    pub declared_key: Option<String>,
    /// The name that it becomes, or has become
    pub successor_alias: Option<String>,
    /// Why it is held
    pub blocked_by: Option<String>,
    /// Where the manifest declares it
    pub source: Option<Source>,
}

/// What the manifest makes of a live alias, or of one that should be live
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// As declared
    InSync,
    /// Not declared, and left alone
    #[default]
    Unmanaged,
    /// A previous name that stays for now
    Kept,
    /// Declared, and not there
    Create,
    /// Declared on another key
    Retarget,
    /// Likewise, and the key is of another kind
    Replace,
    /// It is to become another one
    Rename,
    /// Declared absent, or pruned
    Delete,
    /// Not as declared, and an apply would leave it so
    Held,
}

impl Status {
    /// In the order in which they are counted
    pub const ALL: [Self; 9] = [
        Self::InSync,
        Self::Create,
        Self::Retarget,
        Self::Replace,
        Self::Rename,
        Self::Delete,
        Self::Held,
        Self::Kept,
        Self::Unmanaged,
    ];

    /// As `--status` and the documents have it
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in-sync",
            Self::Unmanaged => "unmanaged",
            Self::Kept => "kept",
            Self::Create => "create",
            Self::Retarget => "retarget",
            Self::Replace => "replace",
            Self::Rename => "rename",
            Self::Delete => "delete",
            Self::Held => "held",
        }
    }

    /// For people, as the summary of a plan counts them
    pub fn told(self) -> &'static str {
        match self {
            Self::InSync => "in sync",
            Self::Create => "to create",
            Self::Retarget => "to retarget",
            Self::Replace => "to replace",
            Self::Rename => "to rename",
            Self::Delete => "to delete",
            Self::Unmanaged | Self::Kept | Self::Held => self.as_str(),
        }
    }
}

impl From<Verb> for Status {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Create => Self::Create,
            Verb::Retarget => Self::Retarget,
            Verb::Replace => Self::Replace,
            Verb::Rename => Self::Rename,
            Verb::Delete => Self::Delete,
            Verb::Held => Self::Held,
        }
    }
}

/// The document of a listing; of the aliases, those that `wanted` takes
pub fn listing(surveyed: &[Surveyed], wanted: impl Fn(&ListedAlias) -> bool) -> ListingDocument {
    let plan = plan(surveyed);
    let each = surveyed.iter().zip(plan.targets);
    ListingDocument {
        format_version: FORMAT_VERSION.to_owned(),
        kind: "list".to_owned(),
        errored: plan.errored,
        partial: plan.partial,
        api_calls: plan.api_calls,
        targets: each.map(|(one, plan)| target(one, plan, &wanted)).collect(),
    }
}

fn target(one: &Surveyed, plan: TargetPlan, wanted: impl Fn(&ListedAlias) -> bool) -> TargetListing {
    let aliases = one.prepared.as_ref().map(|prepared| aliases(prepared, &plan)).unwrap_or_default();
    let TargetPlan { name, partition, account, region, error, .. } = plan;
    TargetListing {
        name,
        partition,
        account,
        region,
        error,
        aliases: aliases.into_iter().filter(wanted).collect(),
    }
}

fn aliases(prepared: &Prepared, plan: &TargetPlan) -> Vec<ListedAlias> {
    let live = prepared.snapshot.live.iter();
    let live = live.map(|(name, live)| (name.to_string(), alias(prepared, name, live.key.as_ref())));
    let mut all: BTreeMap<String, ListedAlias> = live.collect();
    for change in &plan.changes {
        mark(&mut all, change);
    }
    for (name, kept) in &plan.kept {
        if let Some(one) = all.get_mut(name) {
            (one.status, one.successor_alias) = (Status::Kept, Some(kept.successor_alias.clone()));
        }
    }
    all.into_values().collect()
}

/// A live alias, as if no plan would change it
fn alias(prepared: &Prepared, name: &AliasName, key: Option<&KeyId>) -> ListedAlias {
    let goal = prepared.desired.get(name);
    let is_declared = matches!(goal, Some(Goal { end: End::Key(_), .. }));
    let (key_state, key_description) = known(prepared, key);
    ListedAlias {
        alias: name.to_string(),
        key: key.map(ToString::to_string),
        key_state,
        key_description,
        status: if is_declared { Status::InSync } else { Status::Unmanaged },
        source: goal.map(|goal| Source::from(&goal.place)),
        ..ListedAlias::default()
    }
}

/// What a plan does with it
fn mark(all: &mut BTreeMap<String, ListedAlias>, change: &PlannedChange) {
    let status = Status::from(change.verb());
    if let Some(old) = change.previous_alias.as_ref().and_then(|name| all.get_mut(name)) {
        (old.status, old.successor_alias) = (status, Some(change.alias.clone()));
        old.source = change.source.clone();
        return;
    }
    let new = || ListedAlias { alias: change.alias.clone(), ..ListedAlias::default() };
    let one = all.entry(change.alias.clone()).or_insert_with(new);
    one.status = status;
    one.declared_key = change.after.clone().filter(|after| one.key.as_ref() != Some(after));
    one.successor_alias = change.successor_alias.clone();
    one.blocked_by = change.blocked_by.clone();
    one.source = change.source.clone();
}

/// State and description of a key, as far as they were read
fn known(prepared: &Prepared, key: Option<&KeyId>) -> (Option<String>, Option<String>) {
    match key.and_then(|key| prepared.facts.get(key)) {
        Some(Fact::Known(facts)) => {
            let description = Some(facts.description.to_string()).filter(|text| !text.is_empty());
            (Some(facts.state.clone()), description)
        }
        Some(Fact::Missing) => (Some("Missing".to_owned()), None),
        Some(Fact::Denied(_)) | None => (None, None),
    }
}
