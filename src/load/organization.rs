//! `organization:` of a target -> the part of an organization that its accounts are in. Pure; who they are is discovered later, and
//! given to the loader.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::language::ORGANIZATION;
use super::node::{Kind, Node};
use super::problem::{Problem, Problems};
use super::read::{Fields, text, texts};
use super::source::Spot;
use super::targets::wrong_account;

/// Part of an organization, and whose credentials may read it
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Organization {
    /// Ids of OUs and roots: all accounts below them, however deep
    pub ous: BTreeSet<Arc<str>>,
    /// Ids of OUs that are left out with all below them
    pub exclude_ous: BTreeSet<Arc<str>>,
    /// Twelve digits each
    pub exclude_accounts: BTreeSet<Arc<str>>,
    /// Profile of the shared AWS configuration
    pub profile: Option<Arc<str>>,
}

/// The accounts of organizations, as far as they are known
pub type Discovered = BTreeMap<Organization, Vec<Arc<str>>>;

/// What `organization:` says; `None` where that is not sound
pub(super) fn read(node: &Node, profile: Option<Arc<str>>, found: &mut Problems) -> Option<Organization> {
    let fields = Fields::read(node, &ORGANIZATION, found)?;
    let errors = found.error_count();
    let ous = match fields.get("ou") {
        Some(node) => ids(one_or_many(node, found), wrong_parent, found),
        // A key that was refused may be what this one was meant to be.
        None if fields.refused => return None,
        None => {
            found.add(without_ou(node));
            return None;
        }
    };
    let mut excluded = |key: &str, wrong: fn(&str) -> Option<Problem>| {
        let listed = fields.get(key).and_then(|node| texts(node, "a list of text", found));
        ids(listed, wrong, found)
    };
    let (exclude_ous, exclude_accounts) =
        (excluded("exclude_ous", wrong_ou), excluded("exclude_accounts", wrong_account));
    (found.error_count() == errors).then_some(Organization { ous, exclude_ous, exclude_accounts, profile })
}

type Listed<'n> = Vec<(&'n str, &'n Spot)>;

fn one_or_many<'n>(node: &'n Node, found: &mut Problems) -> Option<Listed<'n>> {
    match node.kind() {
        Kind::List => texts(node, "a list of text", found),
        _ => text(node, "the id of an OU as text", found).map(|id| vec![(id, &node.spot)]),
    }
}

/// The ids of a list, each of which is judged
fn ids(
    listed: Option<Listed<'_>>,
    wrong: fn(&str) -> Option<Problem>,
    found: &mut Problems,
) -> BTreeSet<Arc<str>> {
    let listed = listed.unwrap_or_default();
    for (id, spot) in &listed {
        if let Some(problem) = wrong(id) {
            found.add(problem.at(spot, ""));
        }
    }
    listed.into_iter().map(|(id, _)| id.into()).collect()
}

fn without_ou(node: &Node) -> Problem {
    let problem = Problem::error("missing-key", "`organization` has no `ou`").at(&node.spot, "");
    problem.help("add the id of an OU, as in `ou: ou-ab12-34567890`, or that of a root, `r-ab12`")
}

fn wrong_parent(id: &str) -> Option<Problem> {
    if is_ou(id) || is_root(id) {
        return None;
    }
    let problem = Problem::error("organization", format!("`{id}` is not the id of an OU or a root"));
    Some(
        problem.help(
            "write it as in `ou-ab12-34567890` or `r-ab12`; `aws organizations list-roots` tells the root",
        ),
    )
}

fn wrong_ou(id: &str) -> Option<Problem> {
    let problem = || Problem::error("organization", format!("`{id}` is not the id of an OU"));
    (!is_ou(id)).then(|| problem().help("write it as in `ou-ab12-34567890`"))
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html>
pub(crate) fn is_ou(id: &str) -> bool {
    let parts = id.strip_prefix("ou-").and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(root, own)| is_word(root, 4) && is_word(own, 8))
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Root.html>
pub(super) fn is_root(id: &str) -> bool {
    id.strip_prefix("r-").is_some_and(|root| is_word(root, 4))
}

fn is_word(text: &str, least: usize) -> bool {
    (least..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_shapes_that_the_service_gives_them() {
        for good in ["ou-ab12-34567890", "ou-abcd-abcdefgh12345678"] {
            assert!(is_ou(good) && !is_root(good), "{good}");
        }
        for bad in [
            "",
            "ou-ab12",
            "ou-ab1-34567890",
            "ou-ab12-3456789",
            "ou-AB12-34567890",
            "ou-ab12-34567890-x",
            "r-ab12",
        ] {
            assert!(!is_ou(bad), "{bad}");
        }
        assert!(is_root("r-ab12") && !is_root("r-ab1") && !is_root("r-") && !is_root("o-abcdefghij"));
    }
}
