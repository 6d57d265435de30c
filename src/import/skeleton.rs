//! Prefixes, accounts and Regions -> the text of a manifest that declares nothing yet, pinned to where it is for. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde_saphyr::{FlowMap, FlowSeq};

use super::claim::Home;
use crate::load::targets::is_word;

/// How an account and Region is reached
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pin {
    /// The profile of the shared AWS configuration, if it is another one than that of the run
    pub profile: Option<Arc<str>>,
}

/// Where a manifest is for
pub type Pins = BTreeMap<Home, Pin>;

/// A target as it is written
#[derive(Serialize)]
struct Pinned<'h> {
    account: &'h str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'h str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regions: Option<FlowSeq<Vec<&'h str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'h str>,
}

/// The text of a manifest that owns `prefixes` at `pins`, and declares nothing; a target is an account, by a name that its profile or
/// its number gives it
///
/// # Errors
/// They cannot be written as YAML.
pub fn skeleton(prefixes: &[Arc<str>], pins: &Pins) -> Result<String, serde_saphyr::ser::Error> {
    let mut accounts: BTreeMap<(&str, Option<&str>), Vec<&str>> = BTreeMap::new();
    for (Home { account, region }, Pin { profile }) in pins {
        accounts.entry((account, profile.as_deref())).or_default().push(region);
    }
    let (alone, overridable) = (accounts.len() == 1, pins.len() > 1);
    let prefixes: Vec<&str> = prefixes.iter().map(|prefix| &**prefix).collect();
    let mut text = format!("version: 1\nscope: {}targets:\n", serde_saphyr::to_string(&FlowSeq(prefixes))?);
    for ((account, profile), regions) in accounts {
        let name = match profile.filter(|profile| is_word(profile)) {
            Some(profile) => profile.to_owned(),
            None if alone => "main".to_owned(),
            None => format!("account-{account}"),
        };
        let (region, regions) = match regions[..] {
            [region] => (Some(region), None),
            _ => (None, Some(FlowSeq(regions))),
        };
        let pinned = Pinned { account, region, regions, profile };
        text += &format!("  {name}:{}", written(pinned, overridable)?);
    }
    Ok(text + "aliases: {}\n")
}

/// A target below or beside its name: below it where there may come to be overrides
fn written(pinned: Pinned<'_>, overridable: bool) -> Result<String, serde_saphyr::ser::Error> {
    const WHY: &str = "  # pinned: with credentials of another account it does nothing\n";
    if !overridable {
        return Ok(format!(" {}{WHY}", serde_saphyr::to_string(&FlowMap(pinned))?.trim_end()));
    }
    let lines = serde_saphyr::to_string(&pinned)?;
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    Ok(WHY.to_owned() + &lines)
}

/// The narrowest folders that all `names` lie in; a name right below `alias/` stands for itself
pub fn folders<'n>(names: impl Iterator<Item = &'n str>) -> Vec<Arc<str>> {
    let folder = |name: &'n str| match name.rfind('/') {
        Some(at) if at + 1 > "alias/".len() => &name[..=at],
        _ => name,
    };
    let mut kept: Vec<Arc<str>> = Vec::new();
    // What begins with another comes after it.
    for folder in names.map(folder).collect::<BTreeSet<_>>() {
        if !kept.iter().any(|shorter| folder.starts_with(&**shorter)) {
            kept.push(folder.into());
        }
    }
    kept
}

/// How many of `names` lie in each folder right below `alias/`; a name without one stands for itself
pub fn counts<'n>(names: impl Iterator<Item = &'n str>) -> BTreeMap<&'n str, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        let first = name["alias/".len()..].find('/').map_or(name, |at| &name[..="alias/".len() + at]);
        *counts.entry(first).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Input, load};
    use crate::target::targets;

    fn written(prefixes: &[&str], homes: &[(&str, &str)]) -> String {
        let prefixes: Vec<Arc<str>> = prefixes.iter().map(|prefix| Arc::from(*prefix)).collect();
        let home =
            |(account, region): &(&str, &str)| Home { account: (*account).into(), region: (*region).into() };
        skeleton(&prefixes, &homes.iter().map(|one| (home(one), Pin::default())).collect()).unwrap()
    }

    #[test]
    fn a_skeleton_is_pinned_to_one_account_and_region() {
        let pinned = "pinned: with credentials of another account it does nothing";
        assert_eq!(
            written(&["alias/app/", "alias/x"], &[("012345678901", "us-east-1")]),
            format!(
                "version: 1\nscope: [alias/app/, alias/x]\ntargets:\n  \
                main: {{account: \"012345678901\", region: us-east-1}}  # {pinned}\naliases: {{}}\n"
            )
        );
    }

    #[test]
    fn several_accounts_are_several_targets_that_load() {
        let homes =
            [("111122223333", "eu-west-1"), ("111122223333", "us-east-1"), ("444455556666", "us-east-1")];
        let text = written(&["alias/app/"], &homes);
        assert_eq!(
            text,
            "version: 1\nscope: [alias/app/]\ntargets:\n  \
            account-111122223333:  # pinned: with credentials of another account it does nothing\n    \
            account: \"111122223333\"\n    regions: [eu-west-1, us-east-1]\n  \
            account-444455556666:  # pinned: with credentials of another account it does nothing\n    \
            account: \"444455556666\"\n    region: us-east-1\naliases: {}\n"
        );
        let manifest = load(&[Input::Stdin(text.into_bytes())]).unwrap();
        let names: Vec<_> = targets(&manifest).iter().map(|target| target.name.to_string()).collect();
        assert_eq!(
            names,
            [
                "account-111122223333/111122223333/eu-west-1",
                "account-111122223333/111122223333/us-east-1",
                "account-444455556666/444455556666/us-east-1"
            ]
        );
    }

    #[test]
    fn folders_are_as_narrow_as_the_names_allow() {
        for (names, wanted) in [
            (&["alias/app/a", "alias/app/b/c", "alias/data/x/y"][..], "alias/app/ alias/data/x/"),
            (&["alias/one", "alias/one-more", "alias/two"], "alias/one alias/two"),
            (&["alias/app", "alias/app/a"], "alias/app"),
            (&["alias/a//b"], "alias/a//"),
        ] {
            assert_eq!(folders(names.iter().copied()).join(" "), wanted, "{names:?}");
        }
    }

    #[test]
    fn names_are_counted_by_their_first_folder() {
        let counted = counts(["alias/app/a", "alias/app/b/c", "alias/x", "alias//y"].into_iter());
        assert_eq!(counted, BTreeMap::from([("alias//", 1), ("alias/app/", 2), ("alias/x", 1)]));
    }
}
