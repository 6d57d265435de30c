//! Manifest -> the list of targets: account x Region x role, with each target's own settings and exceptions merged in. Pure.

mod follow;
mod guards;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::alias::{AliasName, KeyRef};
use crate::load::roles::fill;
use crate::load::{Entry, Instance, Manifest, TargetSpec};
use crate::scope::{Pattern, Scope, Selection};
pub use follow::Reached;
pub use guards::{Guard, Guards, Harm, Limit, Protection};

/// The targets of `manifest`, sorted by name
///
/// It cannot fail: [`crate::load::load`] has judged this same expansion.
pub fn targets(manifest: &Manifest) -> Vec<Target> {
    targets_where(manifest, |_| true)
}

/// Those of an instance that `is_meant`: each has a map of all its aliases, which a run that leaves it out need not make
pub fn targets_where(manifest: &Manifest, is_meant: impl Fn(&Instance) -> bool) -> Vec<Target> {
    let instances = manifest.instances.iter().enumerate().filter(|(_, instance)| is_meant(instance));
    instances.map(|(index, instance)| target(manifest, index, instance)).collect()
}

/// What holds in the instance with this index: of an alias declared in several layers, the strongest
pub(crate) fn declared(manifest: &Manifest, instance: usize) -> BTreeMap<&AliasName, &Entry> {
    let entries = manifest.layers.iter().flatten().filter(|entry| entry.is_for(instance));
    entries.map(|entry| (&entry.name, entry)).collect()
}

fn target(manifest: &Manifest, index: usize, instance: &Instance) -> Target {
    let spec = manifest.spec_of(instance);
    let entries = declared(manifest, index).into_iter();
    Target {
        name: instance.name.clone(),
        groups: spec.map(|spec| spec.groups.clone()).unwrap_or_default(),
        account: instance.account.clone(),
        awaits_accounts: spec.is_some_and(TargetSpec::awaits_accounts),
        region: instance.region.clone(),
        profile: spec.and_then(|spec| spec.profile.clone()),
        endpoint_url: spec.and_then(|spec| endpoint_url(spec, instance)),
        roles: roles(manifest, instance),
        scope: scope(manifest, instance),
        prune: manifest.prune_of(instance).is_some_and(|(prune, _)| *prune),
        prune_place: manifest.prune_of(instance).map(|(_, place)| place.clone()),
        rates: manifest.rates_of(instance),
        protect: manifest.protect_of(instance).to_vec(),
        guards: manifest.guards_of(instance),
        aliases: entries.map(|(name, entry)| (name.clone(), declaration(entry))).collect(),
    }
}

fn declaration(entry: &Entry) -> Declared {
    Declared { want: entry.want.clone(), manner: entry.more.manner.clone(), place: entry.spot.place() }
}

fn roles(manifest: &Manifest, instance: &Instance) -> Roles {
    let account = instance.account.as_deref().unwrap_or_default();
    let region = instance.region.as_deref().unwrap_or_default();
    let filled =
        manifest.roles_of(instance).map(|role| role.map(|(role, _)| fill(role, account, region).into()));
    let [plan, apply] = filled;
    Roles { plan, apply, session: manifest.session_of(instance) }
}

fn endpoint_url(spec: &TargetSpec, instance: &Instance) -> Option<Arc<str>> {
    let (template, _) = spec.endpoint_url.as_ref()?;
    let (account, region) = (instance.account.as_deref()?, instance.region.as_deref()?);
    Some(fill(template, account, region).into())
}

fn scope(manifest: &Manifest, instance: &Instance) -> Scope {
    let prefixes = manifest.scope_of(instance).unwrap_or_default();
    let ignore = manifest.ignore_of(instance).unwrap_or_default();
    Scope {
        prefixes: prefixes.iter().map(|(prefix, _)| prefix.clone()).collect(),
        ignore: ignore.iter().map(|(pattern, spot)| (pattern.clone(), spot.place())).collect(),
        ..Scope::default()
    }
}

/// One account and Region that the manifest speaks about, with everything it says about it
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target {
    /// `prod/111122223333/us-east-1`; `default` where the manifest has no `targets:`
    pub name: Arc<str>,
    /// Groups that `--target @group` and `targets: ["@group"]` select
    pub groups: Vec<Arc<str>>,
    /// Twelve digits; `None` only for `default`: the credentials' own
    pub account: Option<Arc<str>>,
    /// Whether it stands for the accounts of an organization, which are not known; such a one is neither read nor written
    pub awaits_accounts: bool,
    /// As `us-east-1`; `None` only for `default`: the configured one
    pub region: Option<Arc<str>>,
    /// Profile of the shared AWS configuration
    pub profile: Option<Arc<str>>,
    /// Where KMS is asked, unless the command line or the environment says otherwise, placeholders already filled in
    pub endpoint_url: Option<Arc<str>>,
    /// Roles to assume, placeholders already filled in
    pub roles: Roles,
    /// The names this target may touch
    pub scope: Scope,
    /// Whether in-scope names that are not declared are deleted
    pub prune: bool,
    /// Where the manifest says so, or says that they are not
    pub prune_place: Option<Place>,
    /// Requests a second
    pub rates: Rates,
    /// Names that are kept from harm, declared or not
    pub protect: Vec<Protection>,
    /// How much one plan may change
    pub guards: Guards,
    /// What is declared for this target: the shared map, narrowed, with this target's overrides
    pub aliases: BTreeMap<AliasName, Declared>,
}

impl Target {
    /// Leaves the names that one of `only` covers, if there are any, and none of `exclude`
    ///
    /// The previous name of an alias that is left out stays with it: alone it would look like a name that nothing declares.
    pub fn select(&mut self, only: &[Pattern], exclude: &[Pattern]) {
        let (only, exclude) = (only.to_vec(), exclude.to_vec());
        let selection = Selection { only, exclude, ..Selection::default() };
        let left_out = self.aliases.iter().filter(|(name, _)| !selection.takes(name.as_str()));
        let behind = left_out.flat_map(|(_, declared)| &declared.manner.previously);
        let behind = behind.map(|previous| previous.as_str().into()).collect();
        self.scope.selection = Selection { behind, ..selection };
    }
}

/// The roles a target is read and written with
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// ARN of the role that reads
    pub plan: Option<Arc<str>>,
    /// ARN of the role that writes
    pub apply: Option<Arc<str>>,
    /// How both are assumed
    pub session: Session,
}

/// How a role is assumed, as far as that is said
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    /// What the trust policy of a role asks of whoever assumes it from another company
    pub external_id: Option<Arc<str>>,
    /// What CloudTrail calls the session
    pub name: Option<Arc<str>>,
    /// What policies can decide by, as `aws:PrincipalTag/…`
    pub tags: Option<BTreeMap<Arc<str>, Arc<str>>>,
}

impl Session {
    /// This where it says something, else `rest`
    pub(crate) fn over(self, rest: Self) -> Self {
        Self {
            external_id: self.external_id.or(rest.external_id),
            name: self.name.or(rest.name),
            tags: self.tags.or(rest.tags),
        }
    }
}

/// Requests a second per account and Region, one lane an operation
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// CreateAlias
    pub create: f64,
    /// UpdateAlias
    pub update: f64,
    /// DeleteAlias
    pub delete: f64,
}

impl Default for Rates {
    /// The service's default quotas (<https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html>)
    fn default() -> Self {
        Self { create: 5.0, update: 5.0, delete: 15.0 }
    }
}

impl Rates {
    /// The lower rate of each lane
    #[must_use]
    pub fn least(self, other: Self) -> Self {
        Self {
            create: self.create.min(other.create),
            update: self.update.min(other.update),
            delete: self.delete.min(other.delete),
        }
    }
}

/// One declared alias
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// What it should be
    pub want: Want,
    /// What its own entry says about changing it
    pub manner: Arc<Manner>,
    /// Where the manifest says so; the override's place where one applies
    pub place: Place,
}

/// How one alias may be changed
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// What it is kept from
    pub protect: Vec<Harm>,
    /// Names that it had before
    pub previously: Vec<AliasName>,
    /// Whether those stay for now
    pub retain_previous: bool,
    /// Whether it may be deleted and created anew where it cannot be moved
    pub replace: bool,
}

/// What a declared alias should be
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// Point at this key
    Key(KeyRef),
    /// Not exist, pruning or not
    Absent,
}

impl Want {
    /// The key to point at
    pub fn key(&self) -> Option<&KeyRef> {
        match self {
            Self::Key(key) => Some(key),
            Self::Absent => None,
        }
    }
}

/// A place in a manifest; lines and columns count from 1
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file's path as the user gave it, or `<stdin>`
    pub file: Arc<str>,
    /// Line
    pub line: u32,
    /// Column, in characters
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alias::KeyId;
    use crate::load::{Input, load};

    const ONE: &str = "11111111-1111-1111-1111-111111111111";
    const TWO: &str = "22222222-2222-2222-2222-222222222222";

    fn expand(text: &str) -> Vec<Target> {
        let text = text.replace("ONE", ONE).replace("TWO", TWO);
        match load(&[Input::Stdin(text.into_bytes())]) {
            Ok(manifest) => targets(&manifest),
            Err(error) => panic!("{}", error.render(false)),
        }
    }

    /// `name: alias=want …` a line, keys by their first letter
    fn told(text: &str) -> Vec<String> {
        let want = |declared: &Declared| match &declared.want {
            Want::Absent => "absent".to_owned(),
            Want::Key(KeyRef::Id(id)) => id.as_str()[..1].to_owned(),
            Want::Key(KeyRef::Arn(arn)) => arn.to_string(),
            Want::Key(KeyRef::Alias(name)) => name.to_string(),
            Want::Key(KeyRef::Select(criteria)) => criteria.to_string(),
        };
        let aliases = |target: &Target| {
            let each = target.aliases.iter().map(|(name, declared)| format!(" {name}={}", want(declared)));
            each.collect::<String>()
        };
        expand(text).iter().map(|target| format!("{}:{}", target.name, aliases(target))).collect()
    }

    #[test]
    fn without_targets_there_is_one_and_the_credentials_lead_to_it() {
        let all = expand("version: 1\nscope: [alias/app/]\naliases:\n  alias/app/a: ONE\n");
        let [target] = &all[..] else { panic!("{all:?}") };
        assert_eq!((&*target.name, &target.account, &target.region), ("default", &None, &None));
        assert_eq!((target.prune, target.rates), (false, Rates::default()));
        assert!(target.scope.owns("alias/app/x") && !target.scope.owns("alias/apple"));
        let declared = &target.aliases[&AliasName::parse("alias/app/a").unwrap()];
        assert_eq!(declared.want, Want::Key(KeyRef::Id(KeyId::parse(ONE).unwrap())));
        assert_eq!(declared.place.to_string(), "<stdin>:4");
        assert_eq!(declared.place.column, 3);
    }

    const FLEET: &str = r#"
version: 1
required_version: ">=0.1, <2"
scope: [alias/app/, alias/data/]
ignore: ["alias/app/tmp/**"]
roles:
  plan: arn:{partition}:iam::{account}:role/read-{region}
  apply: arn:{partition}:iam::{account}:role/write
rates: {create: 2.5}
x-shared: &quiet {prune: true, ignore: []}
targets:
  prod:
    accounts: ["111122223333", "222233334444"]
    regions: [us-east-1, eu-west-1]
    groups: [live]
    rates: {delete: 1}
    overrides:
      alias/app/ledger: {key: TWO, description: the old one}
      alias/app/only-prod: ONE
      prod/222233334444/eu-west-1:
        alias/app/ledger: absent
  dev: {account: "012345678901", region: cn-north-1, profile: dev, groups: [test], <<: *quiet}
"#;

    /// What the overrides of the fleet are exceptions to
    const OVERRIDDEN: &str = "alias/app/ledger: ONE, alias/app/only-prod: {key: ONE, targets: [prod]}";

    #[test]
    fn accounts_and_regions_multiply_and_settings_are_inherited() {
        let all = expand(&format!("{FLEET}aliases: {{{OVERRIDDEN}}}\n"));
        let names: Vec<_> = all.iter().map(|target| &*target.name).collect();
        let wanted =
            ["dev/012345678901/cn-north-1", "prod/111122223333/eu-west-1", "prod/111122223333/us-east-1"];
        assert_eq!(names[..3], wanted);
        assert_eq!(names[3..], ["prod/222233334444/eu-west-1", "prod/222233334444/us-east-1"]);
        let (dev, prod) = (&all[0], &all[1]);
        assert_eq!(
            (dev.account.as_deref(), dev.region.as_deref()),
            (Some("012345678901"), Some("cn-north-1"))
        );
        assert_eq!(dev.roles.plan.as_deref(), Some("arn:aws-cn:iam::012345678901:role/read-cn-north-1"));
        assert_eq!(prod.roles.apply.as_deref(), Some("arn:aws:iam::111122223333:role/write"));
        assert_eq!((dev.prune, prod.prune), (true, false));
        assert_eq!((dev.scope.ignore.len(), prod.scope.ignore.len()), (0, 1));
        assert_eq!((dev.profile.as_deref(), prod.profile.as_deref()), (Some("dev"), None));
        assert_eq!(prod.rates, Rates { create: 2.5, update: 5.0, delete: 1.0 });
        assert_eq!(dev.rates, Rates { create: 2.5, ..Rates::default() });
    }

    #[test]
    fn of_several_declarations_the_nearest_to_the_target_holds() {
        let aliases = format!("aliases: {{{OVERRIDDEN}, alias/app/dev: {{key: ONE, targets: [dev]}}}}\n");
        assert_eq!(
            told(&format!("{FLEET}{aliases}")),
            [
                "dev/012345678901/cn-north-1: alias/app/dev=1 alias/app/ledger=1",
                "prod/111122223333/eu-west-1: alias/app/ledger=2 alias/app/only-prod=1",
                "prod/111122223333/us-east-1: alias/app/ledger=2 alias/app/only-prod=1",
                "prod/222233334444/eu-west-1: alias/app/ledger=absent alias/app/only-prod=1",
                "prod/222233334444/us-east-1: alias/app/ledger=2 alias/app/only-prod=1",
            ]
        );
    }

    #[test]
    fn selectors_are_groups_names_and_patterns() {
        for (selectors, wanted) in [
            ("[\"@live\"]", "prod prod prod prod"),
            ("[dev]", "dev"),
            ("[dev, prod/111122223333/us-east-1]", "dev prod"),
            ("[\"*/*/us-*\"]", "prod prod"),
            ("[\"**\"]", "dev prod prod prod prod"),
            ("[\"{dev,prod/1*/**}\"]", "dev prod prod"),
            ("[prod, prod/111122223333/us-east-1, \"@live\"]", "prod prod prod prod"),
        ] {
            let all = expand(&format!(
                "{FLEET}aliases: {{{OVERRIDDEN}, alias/data/x: {{key: ONE, targets: {selectors}}}}}\n"
            ));
            let has = |target: &&Target| target.aliases.keys().any(|name| name.as_str() == "alias/data/x");
            let names = all.iter().filter(has).filter_map(|target| target.name.split('/').next());
            assert_eq!(names.collect::<Vec<_>>().join(" "), wanted, "{selectors}");
        }
    }

    #[test]
    fn an_alias_is_a_key_an_arn_another_alias_or_absent() {
        let text = "version: 1\nscope: [alias/]\naliases:\n  alias/a: alias/b\n  alias/b: {key: \
            arn:aws:kms:us-east-1:111122223333:key/ONE, description: x}\n  alias/c: absent\n  alias/d: {absent: true}\n  \
            alias/e: {key: mrk-00000000000000000000000000000000, absent: false}\n  alias/f: {key: absent}\n";
        let arn = format!("arn:aws:kms:us-east-1:111122223333:key/{ONE}");
        let wanted = format!(
            "default: alias/a=alias/b alias/b={arn} alias/c=absent alias/d=absent alias/e=m alias/f=absent"
        );
        assert_eq!(told(text), [wanted]);
    }

    #[test]
    fn the_same_manifest_expands_to_the_same_targets() {
        let text = format!("{FLEET}aliases: {{{OVERRIDDEN}, alias/app/a: ONE}}\n");
        assert_eq!(expand(&text), expand(&text));
    }
}
