//! How much a manifest comes to once it is multiplied: a few lines can declare more than any memory holds. Pure.

use super::manifest::{Entry, Manifest, TargetSpec};
use super::problem::{Problem, Problems};

/// Accounts x Regions; the largest organizations have some ten thousand accounts
const MOST_TARGETS: usize = 100_000;
/// Aliases x targets
const MOST_DECLARED: usize = 10_000_000;

/// Whether the targets are few enough to be counted out; where they are not, that is in `found`
pub(super) fn targets_fit(specs: &[TargetSpec], found: &mut Problems) -> bool {
    let places = |spec: &TargetSpec| spec.accounts.len().saturating_mul(spec.regions.len());
    let count = specs.iter().map(places).fold(0, usize::saturating_add);
    let largest = specs.iter().max_by_key(|spec| places(spec)).filter(|_| count > MOST_TARGETS);
    let Some(largest) = largest else { return true };
    let message =
        format!("accounts x Regions make {count} targets, and one manifest may have {MOST_TARGETS}");
    found.add(Problem::error("too-large", message).at(&largest.spot, "most are of this one").help(SPLIT));
    false
}

/// Whether what is declared in all targets together can be held; where it cannot, that is in `found`
pub(super) fn declarations_fit(manifest: &Manifest, found: &mut Problems) -> bool {
    let targets = manifest.instances.len();
    let entries = || manifest.layers.iter().flatten();
    let times = |entry: &Entry| entry.only.as_ref().map_or(targets, |only| only.len());
    let count = entries().map(times).fold(0, usize::saturating_add);
    let first = entries().next().filter(|_| count > MOST_DECLARED);
    let Some(first) = first else { return true };
    let message =
        format!("aliases x targets make {count} declarations, and one manifest may have {MOST_DECLARED}");
    found.add(Problem::error("too-large", message).at(&first.spot, "the first of them").help(SPLIT));
    false
}

const SPLIT: &str = "split the manifest into several, each with targets of its own";
