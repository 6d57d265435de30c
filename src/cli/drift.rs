//! `kms-alias drift`: a plan for cron. It says nothing where there is nothing to say, and exits 2 where there is.
//! What `--write-config` adds is in `accept.rs`.

use super::Session;
use super::args::{DriftArgs, Output};
use super::exit::Exit;
use crate::blame::lookup::Trails;
use crate::document::PlanDocument;
use crate::fleet::{Looks, Surveyed};
use crate::idle::{idle_patterns, refusal};
use crate::kms::Connect;
use crate::kms::connect::Options;
use crate::plan::guards::Rule;
use crate::read::ReadBy;

impl Session<'_> {
    pub(super) async fn drift<C: Connect>(
        &self,
        args: &DriftArgs,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Exit> {
        if args.write_config && self.global.file.iter().any(|path| path.as_os_str() == "-") {
            let sentence = "--write-config edits the manifest, and standard input is no file";
            let hint = Some("name the file with `-f PATH`, or leave --write-config out");
            return Ok(self.fail(Exit::Usage, sentence, hint));
        }
        if args.write_config && args.plan.read == ReadBy::Names {
            let sentence = "--write-config declares what is live, and --read names would not see all of it";
            return Ok(self.fail(Exit::Usage, sentence, Some("leave --read out")));
        }
        let mut plan = args.plan.clone();
        if args.write_config {
            plan.read = ReadBy::List;
        }
        let manifest = match self.fleet_manifest(&connect).await? {
            Ok(manifest) => manifest,
            Err(exit) => return Ok(exit),
        };
        let trails = args.blame.then(Trails::default);
        let looks = Looks { keys_in_use: true, trails: trails.as_ref(), ..Looks::default() };
        let (sandbox, _, surveyed) = match self.survey_of(&manifest, &plan, looks, connect).await? {
            Ok(all) => all,
            Err(exit) => return Ok(exit),
        };
        let found = self.known().plan.as_ref().map_or(Exit::Success, |plan| verdict(plan, &surveyed));
        // Written before anything is shown, since the documents say what is declared now.
        let edit = (args.write_config && found != Exit::Success)
            .then(|| self.write_config(&manifest, &surveyed, found));
        let exit = match &edit {
            Some(Ok(edit)) => edit.exit,
            _ => found,
        };
        if found != Exit::Success || self.global.output != Output::Text {
            self.show(exit)?;
        }
        self.close(sandbox).await?;
        edit.transpose()?.map_or(Ok(()), |edit| self.tell_edit(&edit))?;
        Ok(exit)
    }
}

/// What a look for drift says by its exit code; a guard that would refuse the apply is shown, and changes nothing about it
fn verdict(document: &PlanDocument, surveyed: &[Surveyed]) -> Exit {
    let summary = &document.summary;
    let unusable = || document.targets.iter().flat_map(|target| target.unusable.iter().flatten());
    let unknown = unusable().any(|unusable| unusable.key_state.is_none());
    let drifted =
        summary.changes() + summary.held > 0 || unusable().any(|unusable| unusable.key_state.is_some());
    let facts = [
        (summary.unread_targets > 0 || unknown, Exit::Runtime),
        (fails(surveyed), Exit::Refused),
        (drifted, Exit::Differences),
    ];
    facts.into_iter().filter(|(holds, _)| *holds).fold(Exit::Success, |worst, (_, exit)| worst.worse(exit))
}

/// Whether there is what `--fail-on` names
fn fails(surveyed: &[Surveyed]) -> bool {
    let plans = surveyed.iter().filter_map(|one| one.prepared.as_ref().ok()).map(|prepared| &prepared.plan);
    let mut refusals = plans.flat_map(|plan| &plan.refusals);
    refusals.any(|refusal| matches!(refusal.guard, Rule::FailOn(_)))
        || refusal(&idle_patterns(surveyed), surveyed).is_some()
}
