//! Targets as they were read -> the patterns of the manifest that match nothing in any of them: a slip, or a leftover; and whether
//! that refuses the plan. Pure.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::fleet::Surveyed;
use crate::list::Extent;
use crate::plan::guards::{FailOn, Refusal};
use crate::prepare::Prepared;
use crate::render::style::plural;
use crate::scope::Pattern;
use crate::target::Place;

/// A pattern that covers no declared or live name in any target that was read
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Idle {
    /// Where it is written
    pub place: Place,
    /// `ignore` or `protect`
    pub setting: &'static str,
    /// As written
    pub pattern: Arc<str>,
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, setting, pattern } = self;
        write!(f, "`{setting}` pattern `{pattern}` matches no name in any target (set at {place})")
    }
}

/// The idle patterns by file and line; one that several targets share is one
///
/// Nothing can be said of a plan that does not look at all names or all targets, or does not know all that is live in one.
pub fn idle_patterns(surveyed: &[Surveyed]) -> Vec<Idle> {
    let read: Vec<_> = surveyed.iter().filter_map(|one| Some((one, one.prepared.as_ref().ok()?))).collect();
    let may_match_elsewhere = |(one, prepared): &(&Surveyed, &Prepared)| {
        prepared.plan.partial || one.policy.narrowed || prepared.plan.extent == Extent::Named
    };
    if read.iter().any(may_match_elsewhere) {
        return Vec::new();
    }
    let mut used: BTreeMap<Idle, bool> = BTreeMap::new();
    for (one, prepared) in read {
        for (pattern, place) in &one.target.scope.ignore {
            let matched = prepared.snapshot.ignored_by.contains(&pattern.text());
            let idle = Idle { place: place.clone(), setting: "ignore", pattern: pattern.text() };
            *used.entry(idle).or_default() |= matched;
        }
        for protection in &one.target.protect {
            let matched = covers_any(one, prepared, |name| protection.pattern.matches(name));
            let (place, pattern) = (protection.place.clone(), protection.pattern.text());
            *used.entry(Idle { place, setting: "protect", pattern }).or_default() |= matched;
        }
    }
    used.into_iter().filter(|(_, used)| !used).map(|(idle, _)| idle).collect()
}

/// Those of `choices`, by which the command line chooses names, that cover none that is declared or live in any target
///
/// Nothing can be said where a target was not read, or not all of it.
pub fn idle_choices<'p>(surveyed: &[Surveyed], choices: &'p [Pattern]) -> Vec<&'p Pattern> {
    let read = || surveyed.iter().filter_map(|one| Some((one, one.prepared.as_ref().ok()?)));
    if read().count() < surveyed.len() || read().any(|(_, prepared)| prepared.plan.extent == Extent::Named) {
        return Vec::new();
    }
    let is_idle = |pattern: &&Pattern| {
        !read().any(|(one, prepared)| covers_any(one, prepared, |name| pattern.matches(name)))
    };
    choices.iter().filter(is_idle).collect()
}

/// What `--fail-on warnings` makes of `idle`
pub fn refusal(idle: &[Idle], surveyed: &[Surveyed]) -> Option<Refusal> {
    let asked = surveyed.iter().any(|one| one.policy.fail_on.contains(&FailOn::Warnings));
    let why = || format!("the plan has {}", plural(idle.len(), "warning"));
    (asked && !idle.is_empty()).then(|| Refusal::on(FailOn::Warnings, why()))
}

/// Whether it covers a name that is declared or live
fn covers_any(one: &Surveyed, prepared: &Prepared, covers: impl Fn(&str) -> bool) -> bool {
    let live = prepared.snapshot.live.keys();
    live.chain(one.target.aliases.keys()).any(|name| covers(name.as_str()))
}
