//! What a manifest says, once every rule has been checked: settings, targets, aliases, each with its spot. Pure data.

use std::sync::{Arc, LazyLock};

use super::organization::{Discovered, Organization};
use super::problem::Problems;
use super::source::{Source, Spot};
use crate::alias::AliasName;
use crate::scope::Pattern;
use crate::target::{Guard, Guards, Manner, Place, Protection, Rates, Session, Want};

/// A checked manifest; [`crate::target::targets`] expands it
#[derive(Debug)]
pub struct Manifest {
    /// What holds for every target that does not say otherwise
    pub settings: Settings,
    /// The `targets:`, in the order of the file; none where the manifest has no such key
    pub targets: Vec<TargetSpec>,
    /// Account x Region of every target, sorted by name; without `targets:` the one instance `default`
    pub instances: Vec<Instance>,
    /// Declarations by layer, weakest first: the shared map, overrides of a target, overrides of one account and Region
    pub layers: [Vec<Entry>; 3],
    /// What is valid and probably not meant
    pub warnings: Problems,
    /// The files that it was read from, in their order
    pub(crate) sources: Vec<Arc<Source>>,
    /// The accounts of its organizations, as far as they were known
    pub(crate) discovered: Discovered,
}

impl Manifest {
    /// The targets whose accounts are to be discovered, each with the part of an organization that they are in
    pub fn organizations(&self) -> impl Iterator<Item = (&TargetSpec, &Organization)> {
        self.targets.iter().filter_map(|spec| Some((spec, spec.organization.as_ref()?)))
    }

    /// The target that `instance` belongs to
    pub fn spec_of(&self, instance: &Instance) -> Option<&TargetSpec> {
        instance.spec.and_then(|index| self.targets.get(index))
    }

    /// The settings that hold for `instance`, the stronger first
    fn settings_of(&self, instance: &Instance) -> impl Iterator<Item = &Settings> {
        self.spec_of(instance).map(|spec| &spec.settings).into_iter().chain([&self.settings])
    }

    pub(crate) fn scope_of(&self, instance: &Instance) -> Option<&[(Arc<str>, Spot)]> {
        self.settings_of(instance).find_map(|settings| settings.scope.as_deref())
    }

    pub(crate) fn ignore_of(&self, instance: &Instance) -> Option<&[(Pattern, Spot)]> {
        self.settings_of(instance).find_map(|settings| settings.ignore.as_deref())
    }

    pub(crate) fn prune_of(&self, instance: &Instance) -> Option<&(bool, Place)> {
        self.settings_of(instance).find_map(|settings| settings.prune.as_ref())
    }

    /// The roles that plan and apply
    pub(crate) fn roles_of(&self, instance: &Instance) -> [Option<&(Arc<str>, Spot)>; 2] {
        let plan = self.settings_of(instance).find_map(|settings| settings.plan_role.as_ref());
        [plan, self.settings_of(instance).find_map(|settings| settings.apply_role.as_ref())]
    }

    /// How those are assumed
    pub(crate) fn session_of(&self, instance: &Instance) -> Session {
        let own = self.spec_of(instance).map(|spec| spec.settings.session.clone()).unwrap_or_default();
        own.over(self.settings.session.clone())
    }

    pub(crate) fn protect_of(&self, instance: &Instance) -> &[Protection] {
        self.settings_of(instance).find_map(|settings| settings.protect.as_deref()).unwrap_or_default()
    }

    pub(crate) fn guards_of(&self, instance: &Instance) -> Guards {
        let own = self.spec_of(instance).map(|spec| spec.settings.guards.clone()).unwrap_or_default();
        own.over(self.settings.guards.clone().over(Guards::default()))
    }

    pub(crate) fn rates_of(&self, instance: &Instance) -> Rates {
        let own = self.spec_of(instance).map_or_else(RateSettings::default, |spec| spec.settings.rates);
        own.over(self.settings.rates.over(Rates::default()))
    }
}

/// Settings, of the manifest or of one target; `None` where nothing is said
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Prefixes that are owned
    pub scope: Option<Vec<(Arc<str>, Spot)>>,
    /// Inside the scope, but somebody else's
    pub ignore: Option<Vec<(Pattern, Spot)>>,
    /// Whether what is not declared is deleted
    pub prune: Option<(bool, Place)>,
    /// Names that are kept from harm
    pub protect: Option<Vec<Protection>>,
    /// How much one plan may change
    pub guards: GuardSettings,
    /// The role that reads, with placeholders
    pub plan_role: Option<(Arc<str>, Spot)>,
    /// The role that writes, with placeholders
    pub apply_role: Option<(Arc<str>, Spot)>,
    /// How both are assumed
    pub session: Session,
    /// Requests a second
    pub rates: RateSettings,
}

/// The rates that are said
#[derive(Clone, Copy, Debug, Default)]
pub struct RateSettings {
    /// CreateAlias
    pub create: Option<f64>,
    /// UpdateAlias
    pub update: Option<f64>,
    /// DeleteAlias
    pub delete: Option<f64>,
}

impl RateSettings {
    /// These rates where they are said, else `rest`
    pub(crate) fn over(self, rest: Rates) -> Rates {
        Rates {
            create: self.create.unwrap_or(rest.create),
            update: self.update.unwrap_or(rest.update),
            delete: self.delete.unwrap_or(rest.delete),
        }
    }
}

/// The guards that are said
#[derive(Clone, Debug, Default)]
pub struct GuardSettings {
    /// Deletes
    pub max_delete: Option<Guard>,
    /// Retargets
    pub max_update: Option<Guard>,
    /// From how many live names on
    pub min_existing: Option<usize>,
}

impl GuardSettings {
    /// These guards where they are said, else `rest`
    pub(crate) fn over(self, rest: Guards) -> Guards {
        Guards {
            max_delete: self.max_delete.unwrap_or(rest.max_delete),
            max_update: self.max_update.unwrap_or(rest.max_update),
            min_existing: self.min_existing.unwrap_or(rest.min_existing),
        }
    }
}

/// One entry of `targets:`
#[derive(Clone, Debug)]
pub struct TargetSpec {
    /// As written, `prod`
    pub name: Arc<str>,
    /// Where
    pub spot: Spot,
    /// Twelve digits each; none where they are those of an organization, and not known yet
    pub accounts: Vec<Arc<str>>,
    /// Where its accounts are discovered
    pub organization: Option<Organization>,
    /// As `us-east-1`
    pub regions: Vec<Arc<str>>,
    /// Profile of the shared AWS configuration
    pub profile: Option<Arc<str>>,
    /// Where KMS is asked, with placeholders, and where that is written
    pub(crate) endpoint_url: Option<(Arc<str>, Spot)>,
    /// Groups it belongs to, without `@`
    pub groups: Vec<Arc<str>>,
    /// Its own settings
    pub settings: Settings,
    /// Whether all of it could be read; so it is in every manifest that loads
    pub(crate) sound: bool,
}

impl TargetSpec {
    /// Whether its accounts are those of an organization, and not known
    pub fn awaits_accounts(&self) -> bool {
        self.organization.is_some() && self.accounts.is_empty()
    }
}

/// One account and Region of one target
#[derive(Clone, Debug)]
pub struct Instance {
    /// `prod/111122223333/us-east-1`, or `default`
    pub name: Arc<str>,
    /// Its target, as an index into [`Manifest::targets`]; `None` for `default`
    pub spec: Option<usize>,
    /// Twelve digits; `None` for `default`, and where the accounts of the target are not known yet
    pub account: Option<Arc<str>>,
    /// As `us-east-1`; `None` likewise
    pub region: Option<Arc<str>>,
}

/// One declaration of one alias
#[derive(Clone, Debug)]
pub struct Entry {
    /// The alias
    pub name: AliasName,
    /// Where its name is written
    pub spot: Spot,
    /// What it should be
    pub want: Want,
    /// Where that is written
    pub want_spot: Spot,
    /// What else it says
    pub more: Arc<More>,
    /// Instances it is for, as sorted indices; `None` for all
    pub only: Option<Arc<[usize]>>,
}

/// What few entries say; shared by those that say nothing of it, because a manifest can have a million
#[derive(Clone, Debug, Default)]
pub struct More {
    /// For whoever reads the plan
    pub description: Option<Arc<str>>,
    /// How the alias may be changed
    pub manner: Arc<Manner>,
    /// Where its previous names are written
    pub previous_spots: Vec<Spot>,
}

impl More {
    /// Nothing more, the same for all
    pub(super) fn nothing() -> Arc<Self> {
        static NOTHING: LazyLock<Arc<More>> = LazyLock::new(Arc::default);
        NOTHING.clone()
    }

    /// Every previous name, and where it is written
    pub(super) fn previous(&self) -> impl Iterator<Item = (&AliasName, &Spot)> {
        self.manner.previously.iter().zip(&self.previous_spots)
    }
}

impl Entry {
    /// Whether it is for the instance with this index
    pub fn is_for(&self, instance: usize) -> bool {
        self.only.as_ref().is_none_or(|only| only.binary_search(&instance).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_says_no_more_than_its_key_is_small() {
        assert!(size_of::<Entry>() <= 112, "{} bytes, a million times", size_of::<Entry>());
        assert!(Arc::ptr_eq(&More::nothing(), &More::nothing()));
    }
}
