//! Targets as they were read -> the patterns of the manifest that match nothing in any of them: a slip, or a leftover. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fleet::Surveyed;
use crate::prepare::Prepared;

/// One sentence for each `ignore` or `protect` pattern that covers no declared or live name in any target that was read, sorted
///
/// Nothing can be said of a partial plan, which does not look at all names.
pub fn idle_patterns(surveyed: &[Surveyed]) -> Vec<String> {
    let read: Vec<_> = surveyed.iter().filter_map(|one| Some((one, one.prepared.as_ref().ok()?))).collect();
    if read.iter().any(|(_, prepared)| prepared.plan.partial) {
        return Vec::new();
    }
    let mut used: BTreeMap<(&str, Arc<str>), bool> = BTreeMap::new();
    for (one, prepared) in read {
        for pattern in &one.target.scope.ignore {
            let matched = prepared.snapshot.ignored_by.contains(&pattern.text());
            *used.entry(("ignore", pattern.text())).or_default() |= matched;
        }
        for protection in &one.target.protect {
            let matched = is_protecting(one, prepared, |name| protection.pattern.matches(name));
            *used.entry(("protect", protection.pattern.text())).or_default() |= matched;
        }
    }
    let idle = used.into_iter().filter(|(_, used)| !used);
    idle.map(|((key, pattern), _)| format!("`{key}` pattern `{pattern}` matches no name in any target"))
        .collect()
}

fn is_protecting(one: &Surveyed, prepared: &Prepared, covers: impl Fn(&str) -> bool) -> bool {
    let live = prepared.snapshot.live.keys();
    live.chain(one.target.aliases.keys()).any(|name| covers(name.as_str()))
}
