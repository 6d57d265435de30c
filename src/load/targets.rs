//! `targets:` -> accounts, Regions, groups and settings of each target, and the instances they multiply to. Pure.

use std::sync::Arc;

use super::endpoint;
use super::language::TARGET;
use super::manifest::{Instance, TargetSpec};
use super::node::{Kind, Node};
use super::organization::{self, Discovered};
use super::problem::{Problem, Problems};
use super::read::{Fields, pairs, text, texts};
use super::settings;
use super::size;
use super::source::Spot;
use crate::alias::is_account;

/// What `targets:` says
#[derive(Default)]
pub(super) struct Targets<'n> {
    /// Whether the manifest has the key
    pub(super) declared: bool,
    pub(super) specs: Vec<TargetSpec>,
    /// The `overrides:` of the spec with this index
    pub(super) overrides: Vec<(usize, &'n Node)>,
}

/// Every target of `node`; wrong ones are there too, marked unsound, so that what names them is not wrong as well
pub(super) fn read<'n>(node: Option<&'n Node>, discovered: &Discovered, found: &mut Problems) -> Targets<'n> {
    let mut targets = Targets::default();
    let Some(node) = node else { return targets };
    targets.declared = true;
    let pairs = pairs(node, "a mapping of target names", found).unwrap_or_default();
    if pairs.is_empty() && node.kind() == Kind::Map {
        let problem = Problem::error("empty-list", "`targets` names no target").at(&node.spot, "");
        found.add(
            problem.help(
                "add one; or take the key out, and the credentials' own account and Region is the target",
            ),
        );
    }
    for (key, value) in pairs {
        let errors = found.error_count();
        check_word(key.text(), &key.spot, "target", found);
        let fields = Fields::read(value, &TARGET, found);
        let mut spec =
            fields.as_ref().map_or_else(|| blank(key), |fields| read_one(key, fields, discovered, found));
        spec.sound = found.error_count() == errors;
        let overrides = fields.and_then(|fields| fields.get("overrides"));
        targets.overrides.extend(overrides.map(|node| (targets.specs.len(), node)));
        targets.specs.push(spec);
    }
    targets
}

fn blank(key: &Node) -> TargetSpec {
    TargetSpec {
        name: key.text().into(),
        spot: key.spot.clone(),
        accounts: Vec::new(),
        organization: None,
        regions: Vec::new(),
        profile: None,
        endpoint_url: None,
        groups: Vec::new(),
        settings: Default::default(),
        sound: false,
    }
}

fn read_one(key: &Node, fields: &Fields<'_>, discovered: &Discovered, found: &mut Problems) -> TargetSpec {
    let groups = fields.get("groups").and_then(|node| texts(node, "a list of text", found));
    let groups = groups.unwrap_or_default();
    for (group, spot) in &groups {
        check_word(group, spot, "group", found);
    }
    let profile = fields.get("profile").and_then(|node| text(node, "a profile name as text", found));
    let profile: Option<Arc<str>> = profile.map(Arc::from);
    let within = fields.pair("organization").filter(|(key, _)| is_alone(key, fields, found));
    let organization = within.and_then(|(_, node)| organization::read(node, profile.clone(), found));
    let known = organization.as_ref().and_then(|organization| discovered.get(organization)).cloned();
    let required = !fields.refused;
    let named = fields.get("organization").is_none() && required;
    let written = product(key, fields, ["account", "accounts"], named, wrong_account, found);
    TargetSpec {
        accounts: known.unwrap_or(written),
        organization,
        regions: product(key, fields, ["region", "regions"], required, wrong_region, found),
        profile,
        endpoint_url: endpoint::read(fields, found),
        groups: groups.into_iter().map(|(group, _)| group.into()).collect(),
        settings: settings::read(fields, found),
        ..blank(key)
    }
}

/// Whether accounts are not named as well as discovered
fn is_alone(organization: &Node, fields: &Fields<'_>, found: &mut Problems) -> bool {
    let Some((key, _)) = fields.pair("account").or(fields.pair("accounts")) else { return true };
    let message = format!("`{}` and `organization` are both set", key.text());
    let problem = Problem::error("conflict", message).at(&organization.spot, "").also(&key.spot, "and here");
    found.add(problem.help("take one of them out, or make them two targets"));
    false
}

/// Names stand in `targets: [...]`, in `--target` and in `prod/111122223333/us-east-1`.
pub(crate) fn is_word(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    text != "alias" && !text.is_empty() && text.chars().all(is_letter)
}

fn check_word(word: &str, spot: &Spot, what: &str, found: &mut Problems) {
    let help = match word {
        _ if is_word(word) => return,
        "alias" => "choose another name: `alias/…` is how aliases begin",
        _ => "use only letters, digits, `_`, `.` and `-`",
    };
    let problem = Problem::error("name", format!("`{word}` cannot be the name of a {what}"));
    found.add(problem.at(spot, "").help(help));
}

/// One side of accounts x Regions, which is written as one value or as a list of them
fn product(
    key: &Node,
    fields: &Fields<'_>,
    [one, many]: [&str; 2],
    required: bool,
    wrong: fn(&str) -> Option<Problem>,
    found: &mut Problems,
) -> Vec<Arc<str>> {
    let values = match (fields.pair(one), fields.pair(many)) {
        (Some((single, _)), Some((list, _))) => {
            let message = format!("`{one}` and `{many}` are both set");
            let problem =
                Problem::error("conflict", message).at(&list.spot, "").also(&single.spot, "and here");
            found.add(problem.help(format!("put them all into `{many}`")));
            return Vec::new();
        }
        (Some((_, node)), None) => {
            text(node, &format!("the {one} as text"), found).map(|text| vec![(text, &node.spot)])
        }
        (None, Some((_, node))) => texts(node, "a list of text", found),
        (None, None) if required => {
            let problem =
                Problem::error("missing-key", format!("the target `{}` has no `{one}`", key.text()));
            found.add(problem.at(&key.spot, "").help(format!("add `{one}`, or `{many}` with a list")));
            None
        }
        (None, None) => None,
    };
    let values = values.unwrap_or_default();
    for (value, spot) in &values {
        if let Some(problem) = wrong(value) {
            found.add(problem.at(spot, ""));
        }
    }
    values.into_iter().map(|(value, _)| value.into()).collect()
}

pub(super) fn wrong_account(account: &str) -> Option<Problem> {
    if is_account(account) {
        return None;
    }
    let digits: String = account.chars().filter(char::is_ascii_digit).collect();
    let problem = Problem::error("account", format!("`{account}` is not an account id: twelve digits"));
    let grouped = is_account(&digits) && account.chars().all(|c| c.is_ascii_digit() || c == '-' || c == ' ');
    Some(match grouped {
        true => problem.help(format!("write \"{digits}\"")),
        false => problem.help("write all twelve digits, in quotes, as in \"111122223333\""),
    })
}

/// The shape only: the list of Regions grows every year.
fn wrong_region(region: &str) -> Option<Problem> {
    if is_region(region) {
        return None;
    }
    let problem = Problem::error("region", format!("`{region}` is not a Region"));
    let lower = region.to_ascii_lowercase();
    let zone = lower.trim_end_matches(|c: char| c.is_ascii_lowercase());
    Some(match [lower.as_str(), zone].into_iter().find(|text| is_region(text)) {
        Some(meant) => problem.help(format!("write `{meant}`")),
        None => problem.help("write it as in `us-east-1`"),
    })
}

/// Whether it has the shape of a Region
pub(crate) fn is_region(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    let numbered = !number.is_empty() && number.len() <= 2 && number.bytes().all(|b| b.is_ascii_digit());
    words.len() >= 2 && words.iter().all(is_word) && numbered
}

/// Accounts x Regions of all targets, sorted by name; without `targets:`, the one that the credentials lead to
pub(super) fn instances(targets: &Targets<'_>, found: &mut Problems) -> Vec<Instance> {
    if !targets.declared {
        return vec![Instance { name: "default".into(), spec: None, account: None, region: None }];
    }
    let fit = size::targets_fit(&targets.specs, found);
    let specs = targets.specs.iter().enumerate();
    let mut instances: Vec<_> = match fit {
        true => specs.flat_map(|(index, spec)| multiply(index, spec)).collect(),
        false => specs.map(|(index, spec)| placeless(index, spec)).collect(),
    };
    instances.sort_by(|a, b| a.name.cmp(&b.name));
    instances
}

/// A target without accounts or Regions is wrong, and has been reported, or its accounts are yet to be discovered; one instance
/// stands for those that it should have, so that what is declared for it is judged all the same.
fn multiply(index: usize, spec: &TargetSpec) -> Vec<Instance> {
    if spec.accounts.is_empty() || spec.regions.is_empty() {
        return vec![placeless(index, spec)];
    }
    let places =
        spec.accounts.iter().flat_map(|account| spec.regions.iter().map(move |region| (account, region)));
    let instance = |(account, region): (&Arc<str>, &Arc<str>)| Instance {
        name: format!("{}/{account}/{region}", spec.name).into(),
        spec: Some(index),
        account: Some(account.clone()),
        region: Some(region.clone()),
    };
    places.map(instance).collect()
}

fn placeless(index: usize, spec: &TargetSpec) -> Instance {
    Instance { name: spec.name.clone(), spec: Some(index), account: None, region: None }
}
