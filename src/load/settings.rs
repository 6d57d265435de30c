//! Scope, ignore, prune, protect, guards, roles and rates, of a manifest or of one target -> [`Settings`]. Pure.

use super::guards;
use super::language::RATES;
use super::manifest::{RateSettings, Settings};
use super::problem::Problems;
use super::read::{Fields, boolean, rate};
use super::roles;
use super::scope;

/// The settings among `fields`; what is wrong is left out
pub(super) fn read(fields: &Fields<'_>, found: &mut Problems) -> Settings {
    let ([plan_role, apply_role], session) = roles::read(fields, found);
    Settings {
        scope: fields.get("scope").and_then(|node| scope::read(node, found)),
        ignore: fields.get("ignore").and_then(|node| scope::read_ignore(node, found)),
        prune: fields.get("prune").and_then(|node| Some((boolean(node, found)?, node.spot.place()))),
        protect: fields.get("protect").map(|node| guards::read_protect(node, found)),
        guards: fields.get("guards").map(|node| guards::read(node, found)).unwrap_or_default(),
        plan_role,
        apply_role,
        session,
        rates: read_rates(fields, found),
    }
}

fn read_rates(fields: &Fields<'_>, found: &mut Problems) -> RateSettings {
    let Some(rates) = fields.get("rates").and_then(|node| Fields::read(node, &RATES, found)) else {
        return RateSettings::default();
    };
    let mut one = |name| rates.get(name).and_then(|node| rate(node, found));
    RateSettings { create: one("create"), update: one("update"), delete: one("delete") }
}
