//! Where a new manifest is for: the Regions and the accounts, by the profiles that reach them, that flags say or a person is asked for.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Session;
use super::args::{Global, PlacesArgs};
use super::import::Or;
use crate::import::claim::Home;
use crate::import::look::Seen;
use crate::import::skeleton::{Pin, Pins};
use crate::load::targets::is_region;
use crate::scope::Scope;
use crate::target::Target;

/// The name of the one target that nothing but the credentials tells
pub(super) const OWN: &str = "default";

impl PlacesArgs {
    /// Whether anything is said
    pub(super) fn is_said(&self) -> bool {
        !(self.regions.is_empty() && self.profiles.is_empty())
    }

    /// The credentials' own account and Region, or each of those that are said; and the names under `prefixes` there
    pub(super) fn targets(&self, prefixes: &[Arc<str>]) -> Vec<Target> {
        let scope = Scope { prefixes: prefixes.to_vec(), ..Scope::default() };
        let or_own = |said: &[Arc<str>], own: bool| -> Vec<Option<Arc<str>>> {
            let own = (own || said.is_empty()).then_some(None);
            own.into_iter().chain(said.iter().cloned().map(Some)).collect()
        };
        let mut targets = Vec::new();
        for profile in or_own(&self.profiles, self.own) {
            for region in or_own(&self.regions, false) {
                let said: Vec<&str> = [&profile, &region].into_iter().flatten().map(|word| &**word).collect();
                let name = if said.is_empty() { OWN.to_owned() } else { said.join("/") };
                let (profile, scope) = (profile.clone(), scope.clone());
                targets.push(Target { name: name.into(), profile, region, scope, ..Target::default() });
            }
        }
        targets
    }

    /// Why these cannot be meant, and what would help
    pub(super) fn objection(&self, global: &Global) -> Option<(String, &'static str)> {
        for (flag, words) in [("--regions", &self.regions), ("--profiles", &self.profiles)] {
            let mut before = BTreeSet::new();
            if let Some(twice) = words.iter().find(|word| !before.insert(*word)) {
                return Some((format!("{flag} names {twice} twice"), "name it once"));
            }
        }
        (global.profile.is_some() && !self.profiles.is_empty()).then(|| {
            let sentence = "--profile is for all of the run, and --profiles names one for each account";
            (sentence.to_owned(), "leave one of the two out")
        })
    }
}

/// Accounts and Regions as they were read, each with the profile that it was read by
///
/// # Errors
/// Two profiles that are of one account, in a sentence.
pub(super) fn pins(seen: &[Seen]) -> Result<Pins, String> {
    let mut pins = Pins::new();
    for Seen { target, identity, .. } in seen {
        let (home, pin) = (Home::of(identity), Pin { profile: target.profile.clone() });
        let Some(before) = pins.insert(home, pin) else { continue };
        let profile = |profile: &Option<Arc<str>>| match profile {
            Some(profile) => format!("the profile {profile}"),
            None => "the credentials".to_owned(),
        };
        let (one, other) = (profile(&before.profile), profile(&target.profile));
        let (account, region) = (&identity.account, &identity.region);
        return Err(format!("{one} and {other} are both of account {account} in {region}"));
    }
    Ok(pins)
}

impl Session<'_> {
    /// Where else than in this account and Region, which are those of the credentials, as a person says
    pub(super) async fn ask_places(&self, account: &str, region: &Arc<str>) -> Or<PlacesArgs> {
        let mut places = PlacesArgs { own: true, ..PlacesArgs::default() };
        loop {
            let question = format!("Which other Regions, with spaces between? [only {region}] ");
            let Some(answer) = self.answer(&question).await? else { return Ok(Err(self.stopped())) };
            places.regions = words(&answer);
            let Some(nonsense) = places.regions.iter().find(|word| !is_region(word)) else { break };
            self.note_fitting(&format!("{nonsense:?} is no Region; write them as in us-east-1 eu-west-1.\n"));
        }
        let question = format!("Which other accounts, by the profiles that reach them? [only {account}] ");
        let Some(answer) = self.answer(&question).await? else { return Ok(Err(self.stopped())) };
        places.profiles = words(&answer);
        // Others are beside its own, and not instead of it.
        if !places.regions.is_empty() && !places.regions.contains(region) {
            places.regions.insert(0, region.clone());
        }
        Ok(Ok(places))
    }
}

/// Each word once
fn words(answer: &str) -> Vec<Arc<str>> {
    let mut before = BTreeSet::new();
    let words = answer.split([' ', ',']).filter(|word| !word.is_empty() && before.insert(*word));
    words.map(Arc::from).collect()
}
