//! Declared key references -> the key each alias should point at: the desired state of one target. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::alias::{AliasName, KeyArn, KeyId, KeyRef};
use crate::choose::{Choices, Undecided};
use crate::criteria::Criteria;
use crate::kms::Identity;
use crate::list::Snapshot;
use crate::target::{Declared, Manner, Place, Reached, Target, Want};

/// What one target should look like
pub type Desired = BTreeMap<AliasName, Goal>;

/// What one alias should be
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// The end
    pub end: End,
    /// Where the manifest says so
    pub place: Place,
    /// What its own entry says about changing it
    pub manner: Arc<Manner>,
    /// The alias that it follows, where it follows one
    pub follows: Option<AliasName>,
    /// What its key is selected by, where it is
    pub selects: Option<Arc<Criteria>>,
}

/// The end that an alias should come to
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// Point at this key
    Key(KeyId),
    /// Not exist
    Absent,
    /// It cannot be told; the alias is left as it is and shown
    Unresolved(Arc<Undecided>),
}

/// The live aliases that must be listed so that [`resolve`] can follow them: those that `target` does not declare itself
pub fn follows(target: &Target) -> BTreeSet<AliasName> {
    let references = target.aliases.values().filter_map(|declared| match &declared.want {
        Want::Key(KeyRef::Alias(name)) => Some(name),
        _ => None,
    });
    references.filter(|name| !target.aliases.contains_key(*name)).cloned().collect()
}

/// Finds the key behind every reference; names that the command line leaves out get no goal, though others may follow them
pub fn resolve(target: &Target, identity: &Identity, snapshot: &Snapshot, choices: &Choices) -> Desired {
    let world = World { target, identity, snapshot, choices };
    let selected = target.aliases.iter().filter(|(name, _)| target.scope.selection.takes(name.as_str()));
    selected.map(|(name, declared)| (name.clone(), world.goal(declared))).collect()
}

/// What a reference is looked up in
struct World<'a> {
    target: &'a Target,
    identity: &'a Identity,
    snapshot: &'a Snapshot,
    choices: &'a Choices,
}

impl World<'_> {
    fn goal(&self, declared: &Declared) -> Goal {
        let (mut follows, mut selects) = (None, None);
        let end = match &declared.want {
            Want::Absent => End::Absent,
            Want::Key(key) => {
                match key {
                    KeyRef::Alias(name) => follows = Some(name.clone()),
                    KeyRef::Select(criteria) => selects = Some(criteria.clone()),
                    KeyRef::Id(_) | KeyRef::Arn(_) => {}
                }
                self.reach(key)
            }
        };
        Goal { end, place: declared.place.clone(), manner: declared.manner.clone(), follows, selects }
    }

    /// What a reference comes to by what is declared, and by what is live where that ends at an alias
    fn reach(&self, first: &KeyRef) -> End {
        match self.target.reach(first) {
            Reached::Key(KeyRef::Id(id)) => End::Key(id.clone()),
            Reached::Key(KeyRef::Arn(arn)) => self.here(arn),
            Reached::Key(KeyRef::Select(criteria)) => self.chosen(criteria),
            Reached::Key(KeyRef::Alias(name)) => unresolved(format!("follows {name}, which follows itself")),
            Reached::Absent(name) => unresolved(format!("follows {name}, which is declared absent")),
            Reached::Undeclared(name) => self.follow_live(name),
        }
    }

    fn chosen(&self, criteria: &Criteria) -> End {
        match self.choices.of(criteria) {
            Some(Ok(key)) => End::Key(key.clone()),
            Some(Err(undecided)) => End::Unresolved(undecided.clone()),
            None => unresolved(format!("nobody looked for a key with {criteria}")),
        }
    }

    fn follow_live(&self, name: &AliasName) -> End {
        if self.target.prune && self.target.scope.owns(name.as_str()) {
            return unresolved(format!("follows {name}, which prune deletes because it is not declared"));
        }
        match self.snapshot.followed.get(name) {
            Some(key) => End::Key(key.clone()),
            None => unresolved(format!("follows {name}, which is neither declared nor live")),
        }
    }

    /// The key of an ARN, if it is of the account and Region that the credentials are for; the loader can check that only
    /// where the manifest names them
    fn here(&self, arn: &KeyArn) -> End {
        let Identity { account, region, partition, .. } = self.identity;
        if (&arn.account, &arn.region, &arn.partition) == (account, region, partition) {
            return End::Key(arn.id.clone());
        }
        unresolved(format!("key {arn} is not of {account} in {region} ({partition})"))
    }
}

fn unresolved(why: String) -> End {
    let hint = "name a key of this account and Region, or an alias that is declared or live".to_owned();
    End::Unresolved(Arc::new(Undecided { why, hint }))
}
