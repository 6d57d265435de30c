//! Role ARNs with placeholders -> role ARNs of one account and Region; the placeholders are those of other templates too. Pure.

use std::sync::Arc;

use super::language::ROLES;
use super::manifest::{Instance, Manifest};
use super::problem::{Problem, Problems};
use super::read::{Fields, text};
use super::session;
use super::source::Spot;
use crate::alias::is_account;
use crate::target::Session;

/// A text with placeholders as written, and where
pub(super) type Template = (Arc<str>, Spot);

const PLACEHOLDERS: &str = "the placeholders are `{account}`, `{region}` and `{partition}`";
const SHAPE: &str = "a role is written as in `arn:aws:iam::{account}:role/kms-alias-read`";

/// The roles that plan and apply, and how they are assumed
pub(super) fn read(fields: &Fields<'_>, found: &mut Problems) -> ([Option<Template>; 2], Session) {
    let Some(roles) = fields.get("roles").and_then(|node| Fields::read(node, &ROLES, found)) else {
        return ([None, None], Session::default());
    };
    let session = session::read(&roles, found);
    let templates = ["plan", "apply"].map(|name| {
        let node = roles.get(name)?;
        let template = text(node, "the ARN of a role as text", found)?;
        if let Some(problem) = wrong_template(template) {
            found.add(problem.at(&node.spot, ""));
            return None;
        }
        Some((template.into(), node.spot.clone()))
    });
    (templates, session)
}

pub(super) fn wrong_template(template: &str) -> Option<Problem> {
    let sample = fill(template, "111122223333", "us-east-1");
    if let Some(problem) = unknown_placeholder(&sample) {
        return Some(problem);
    }
    let problem = Problem::error("role-arn", format!("`{template}` is not the ARN of a role"));
    role_account(&sample).is_none().then(|| problem.help(SHAPE))
}

/// What is wrong with a template in which there is something to fill in, after all was that can be
pub(super) fn unknown_placeholder(filled: &str) -> Option<Problem> {
    let open = filled.find(['{', '}'])?;
    let end = filled[open..].find('}').map_or(filled.len(), |end| open + end + 1);
    let message = format!("`{}` is not a placeholder", &filled[open..end]);
    Some(Problem::error("placeholder", message).help(PLACEHOLDERS))
}

/// The account in the ARN of a role (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>)
fn role_account(arn: &str) -> Option<&str> {
    let rest = arn.strip_prefix("arn:")?;
    let (partition, rest) = rest.split_once(":iam::")?;
    let (account, role) = rest.split_once(":role/")?;
    let sound = partition.starts_with("aws") && !partition.contains(':') && is_account(account);
    (sound && !role.is_empty() && !role.contains(char::is_whitespace)).then_some(account)
}

/// What a template comes to in one account and Region
pub(crate) fn fill(template: &str, account: &str, region: &str) -> String {
    let filled = template.replace("{account}", account).replace("{region}", region);
    filled.replace("{partition}", partition(region))
}

/// The partition that a Region belongs to (<https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>)
pub(crate) fn partition(region: &str) -> &'static str {
    let special = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
    ];
    special.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// A role of another account would read and write the aliases of that account.
pub(super) fn fit(manifest: &Manifest, instance: &Instance) -> Vec<Problem> {
    let roles = manifest.roles_of(instance).into_iter().flatten();
    roles.filter_map(|template| misfit(template, instance)).collect()
}

fn misfit((template, spot): &Template, instance: &Instance) -> Option<Problem> {
    let (Some(account), Some(region)) = (&instance.account, &instance.region) else {
        let unknown =
            ["{account}", "{region}", "{partition}"].into_iter().find(|name| template.contains(name))?;
        let message = format!("`{unknown}` is not known here: the manifest has no `targets`");
        let help = "write the ARN out, or declare targets with `account` and `region`";
        return Some(Problem::error("placeholder", message).at(spot, "").help(help));
    };
    let arn = fill(template, account, region);
    let wrong_account = role_account(&arn).filter(|other| **other != **account);
    let wrong_partition = arn.split(':').nth(1).filter(|other| *other != partition(region));
    let message = match (wrong_account, wrong_partition) {
        (Some(other), _) => format!("this role is in account {other}, which is not the target's"),
        (None, Some(other)) => {
            format!("this role is in partition `{other}`, and {region} is in `{}`", partition(region))
        }
        (None, None) => return None,
    };
    let problem = Problem::error("role-elsewhere", message).at(spot, "");
    Some(problem.help(
        "write `{account}` and `{partition}` in its ARN, as in `arn:{partition}:iam::{account}:role/…`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_names_its_partition() {
        for (region, wanted) in [
            ("us-east-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("eusc-de-east-1", "aws-eusc"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
        ] {
            assert_eq!(partition(region), wanted, "{region}");
        }
    }

    #[test]
    fn a_template_is_an_arn_once_it_is_filled_in() {
        let filled = fill("arn:{partition}:iam::{account}:role/ci/x-{region}", "111122223333", "cn-north-1");
        assert_eq!(filled, "arn:aws-cn:iam::111122223333:role/ci/x-cn-north-1");
        for good in ["arn:aws:iam::{account}:role/x", "arn:{partition}:iam::111122223333:role/a/b"] {
            assert!(wrong_template(good).is_none(), "{good}");
        }
        for bad in
            ["", "role/x", "arn:aws:iam::{account}:user/x", "arn:aws:iam::{account}:role/", "{}", "}", "{é"]
        {
            assert!(wrong_template(bad).is_some(), "{bad}");
        }
    }
}
