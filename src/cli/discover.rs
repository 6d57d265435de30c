//! The manifest once the accounts of its organizations are known: loaded, discovered, and judged again on the real fleet.

use super::Session;
use super::exit::Exit;
use crate::discover::{Discovery, discover};
use crate::kms::Connect;
use crate::kms::connect::Options;
use crate::load::{Discovered, Manifest, Problem, load};
use crate::render::style::plural;

/// Accounts that a note names
const NAMED: usize = 10;

impl Session<'_> {
    /// The manifest with the accounts of its organizations, or the exit code after it has been said what is wrong
    pub(super) async fn fleet_manifest<C: Connect>(
        &self,
        connect: &impl Fn(Options) -> C,
    ) -> anyhow::Result<Result<Manifest, Exit>> {
        let manifest = match load(&self.inputs()?) {
            Ok(manifest) if manifest.organizations().next().is_some() => manifest,
            other => return self.told(other),
        };
        // Boxed: within the future of a command it is too deep for the compiler.
        let discoveries = match Box::pin(self.discover(&manifest, connect)).await? {
            Ok(discoveries) => discoveries,
            Err(exit) => return Ok(Err(exit)),
        };
        match self.known_accounts(&discoveries) {
            Ok(discovered) => {
                let whole = manifest.with_accounts(&discovered);
                self.told(whole.map(|manifest| with_warnings(manifest, &discoveries)))
            }
            Err(exit) => Ok(Err(exit)),
        }
    }

    /// What there is to know about every organization; or the exit code where it was asked to stop
    pub(super) async fn discover<C: Connect>(
        &self,
        manifest: &Manifest,
        connect: &impl Fn(Options) -> C,
    ) -> anyhow::Result<Result<Vec<Discovery>, Exit>> {
        let sandbox = self.start_sandbox().await?;
        let connector = connect(self.options(sandbox.as_ref()));
        let progress = self.progress("discovering accounts", manifest.organizations().count(), "reading");
        let step = || progress.step();
        let discovering = progress.during(discover(manifest, &connector, &step));
        let discoveries = tokio::select! {
            biased;
            () = self.stop.cancelled() => {
                let sentence = "asked to stop while discovering accounts; nothing was written";
                return Ok(Err(self.fail(self.stop.exit(), sentence, None)));
            }
            discoveries = discovering => discoveries,
        };
        self.close(sandbox).await?;
        discoveries.iter().for_each(|discovery| self.keep_calls(&discovery.calls));
        Ok(Ok(discoveries))
    }

    /// The accounts, if all of them could be discovered
    fn known_accounts(&self, discoveries: &[Discovery]) -> Result<Discovered, Exit> {
        let mut discovered = Discovered::new();
        let mut failures = Vec::new();
        for Discovery { target, part, found, .. } in discoveries {
            match found {
                Ok(membership) => {
                    discovered.insert(part.clone(), membership.accounts.iter().cloned().collect());
                }
                Err(trouble) => failures.push((
                    format!("failed to discover the accounts of target `{target}`: {}", trouble.sentence),
                    trouble.hint.as_deref(),
                )),
            }
        }
        if !failures.is_empty() {
            let sentences: Vec<_> = failures.iter().map(|(sentence, _)| &**sentence).collect();
            let hint = failures.iter().find_map(|(_, hint)| *hint);
            return Err(self.fail_all(Exit::Runtime, &sentences, hint));
        }
        discoveries.iter().for_each(|discovery| self.note_inactive(discovery));
        Ok(discovered)
    }

    /// Tells which accounts are no part of the fleet
    fn note_inactive(&self, discovery: &Discovery) {
        let Ok(membership) = &discovery.found else { return };
        let target = &discovery.target;
        let inactive = &membership.inactive;
        if !inactive.is_empty() {
            let named = inactive.iter().map(|(account, state)| format!("{account} ({state})"));
            let count = plural(inactive.len(), "account");
            let all = listed(named, inactive.len());
            self.note("note", &format!("`{target}` is without {count} of its OUs, not ACTIVE: {all}"));
        }
    }
}

/// Warned of: an exclusion that excludes nothing may be a slip, and what was meant is then part of the fleet
fn with_warnings(mut manifest: Manifest, discoveries: &[Discovery]) -> Manifest {
    for Discovery { target, found, .. } in discoveries {
        let unmet = found.as_ref().map(|membership| &membership.unmet).ok().filter(|unmet| !unmet.is_empty());
        let spec = manifest.targets.iter().find(|spec| spec.name == *target);
        if let (Some(unmet), Some(spec)) = (unmet, spec) {
            let all = listed(unmet.iter().map(ToString::to_string), unmet.len());
            let problem = Problem::warning(
                "excludes-nothing",
                format!("`{target}` excludes what is not in its OUs: {all}"),
            );
            let problem = problem.at(&spec.spot, "").help("correct the id, or take it out");
            manifest.warnings.add(problem);
        }
    }
    manifest
}

fn listed(all: impl Iterator<Item = String>, count: usize) -> String {
    let named = all.take(NAMED).collect::<Vec<_>>().join(", ");
    if count > NAMED { format!("{named} and {} more", count - NAMED) } else { named }
}
