//! `kms-alias plan`: reads every target and shows what apply would do. It is never handed a writer.

use std::path::PathBuf;

use anyhow::Context as _;

use super::Session;
use super::args::{Output, PlanArgs, PlanningArgs};
use super::exit::Exit;
use crate::access::PoliciesOf;
use crate::access::account::{Accounts, Policies};
use crate::access::export::export;
use crate::bounded::{Limit, read_text};
use crate::fleet::{Looks, Surveyed, survey_with, totals};
use crate::kms::connect::Options;
use crate::kms::{Calls, Connect};
use crate::load::Manifest;
use crate::plan::Policy;
use crate::plan::guards::{FailOn, Rule};
use crate::render;
use crate::render::style::Palette;
use crate::sandbox::Running;
use crate::target::Target;

/// The IAM policies of a large account are some tens of MB
const LARGEST: Limit = Limit::mib(256);

/// A sandbox that may be running, the connector, and what was read; or the exit code that ends it
type Read<C> = Result<(Option<Running>, C, Vec<Surveyed>), Exit>;

impl Session<'_> {
    pub(super) async fn plan<C: Connect>(
        &self,
        args: &PlanningArgs,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Exit> {
        if let Some((sentence, hint)) = args.out.as_deref().and_then(|path| self.not_for_a_plan(path)) {
            return Ok(self.fail(Exit::Usage, &sentence, Some(hint)));
        }
        let (sandbox, surveyed) = match self.survey(&args.plan, Looks::default(), connect).await? {
            Ok((sandbox, _, surveyed)) => (sandbox, surveyed),
            Err(exit) => return Ok(exit),
        };
        // Saved first: a reader of stdout who went away must not cost the file.
        if let Some(path) = &args.out {
            self.save(path)?;
        }
        let exit = verdict(&surveyed, args.plan.detailed_exitcode);
        self.show(exit)?;
        self.close(sandbox).await?;
        Ok(exit)
    }

    /// Reads every target that the flags choose, with what is needed to go on; or the exit code that ends it
    pub(super) async fn survey<C: Connect>(
        &self,
        args: &PlanArgs,
        looks: Looks<'_>,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Read<C>> {
        match self.fleet_manifest(&connect).await? {
            Ok(manifest) => self.survey_of(&manifest, args, looks, connect).await,
            Err(exit) => Ok(Err(exit)),
        }
    }

    /// Likewise, of this manifest
    pub(super) async fn survey_of<C: Connect>(
        &self,
        manifest: &Manifest,
        args: &PlanArgs,
        looks: Looks<'_>,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Read<C>> {
        if let Some(exit) = self.refused_warnings(manifest, args) {
            return Ok(Err(exit));
        }
        let mut targets = match self.targets(manifest, args) {
            Ok(targets) => targets,
            Err(sentence) => return Ok(Err(self.fail(Exit::Usage, &sentence, None))),
        };
        if let Some(reference) = &args.base_ref {
            match self.base(reference, args, &manifest.discovered) {
                Ok(base) => {
                    targets.iter_mut().for_each(|(target, policy)| policy.since = Some(base.since(target)))
                }
                Err(exit) => return Ok(Err(exit)),
            }
        }
        let policies = policies(args)?;
        let looks = Looks { policies: policies.as_ref(), ..looks };
        let read = self.look_at("planning", targets, looks, connect).await?;
        if let Ok((.., surveyed)) = &read {
            // Before there is a plan that a report could show.
            if let Some(exit) = self.refused_choices(manifest, args, surveyed) {
                return Ok(Err(exit));
            }
            self.keep_plan(surveyed);
        }
        Ok(read)
    }

    /// Reads these targets, with what is needed to go on, and keeps their plan; or the exit code that ends it
    pub(super) async fn read<C: Connect>(
        &self,
        targets: Vec<(Target, Policy)>,
        looks: Looks<'_>,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Read<C>> {
        let read = self.look_at("planning", targets, looks, connect).await?;
        if let Ok((.., surveyed)) = &read {
            self.keep_plan(surveyed);
        }
        Ok(read)
    }

    /// Reads these targets, and names what is done with them `then`; or the exit code that ends it
    pub(super) async fn look_at<C: Connect>(
        &self,
        then: &'static str,
        targets: Vec<(Target, Policy)>,
        looks: Looks<'_>,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Read<C>> {
        let sandbox = self.start_sandbox().await?;
        let connect = connect(self.options(sandbox.as_ref()));
        let progress = self.progress("reading targets", targets.len(), then);
        let step = |calls: &Calls| progress.step_with(calls.values().sum());
        let survey = survey_with(targets, &connect, self.global.parallelism, looks, &step);
        let reading = progress.counting(|| connect.requests(), survey);
        let surveyed = tokio::select! {
            biased;
            () = self.stop.cancelled() => {
                return Ok(Err(self.fail(self.stop.exit(), "asked to stop while reading; nothing was written", None)));
            }
            surveyed = reading => surveyed,
        };
        Ok(Ok((sandbox, connect, surveyed)))
    }

    /// Ends it where `--fail-on warnings` counts those of the manifest, before anything is read
    fn refused_warnings(&self, manifest: &Manifest, args: &PlanArgs) -> Option<Exit> {
        let warnings = &manifest.warnings;
        if !args.fail_on.contains(&FailOn::Warnings) || warnings.is_empty() {
            return None;
        }
        if self.global.quiet {
            self.console.note(&warnings.render(self.err_colour()));
        }
        let sentence = format!("refused warnings: {warnings}, and nothing was read");
        Some(self.fail(Exit::Refused, &sentence, Some(&Rule::FailOn(FailOn::Warnings).hint())))
    }

    /// Shows the plan on stdout; what it comes to is `exit`
    pub(super) fn show(&self, exit: Exit) -> anyhow::Result<()> {
        let text = match self.document(exit)? {
            Some(document) => document,
            // Its events have been printed when it was made.
            None if self.global.output == Output::Ndjson => return Ok(()),
            None => self.shown(&self.palette())?,
        };
        Ok(self.print(&text)?)
    }

    /// The plan as a person reads it
    pub(super) fn shown(&self, palette: &Palette) -> anyhow::Result<String> {
        let run = self.known();
        let Some(plan) = &run.plan else { return Ok(String::new()) };
        Ok(match self.global.output {
            Output::Diff => render::diff::plan(plan, &run.live)?,
            _ => render::text::plan(plan, palette),
        })
    }
}

/// The IAM policies that `--access` looks at besides those of the keys; `None` without it
fn policies(args: &PlanArgs) -> anyhow::Result<Option<Policies>> {
    let Some(access) = args.access else { return Ok(None) };
    let read = |path: &PathBuf| {
        let text = read_text(path, LARGEST).with_context(|| format!("read {}", path.display()))?;
        export(&text, &path.display().to_string())
            .map_err(|why| anyhow::anyhow!("read the policies in {}: {why}", path.display()))
    };
    let files = args.access_policy.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?.concat();
    Ok(Some(Policies { files, accounts: (access == PoliciesOf::Iam).then(Accounts::default) }))
}

/// What a plan says by its exit code
pub(super) fn verdict(surveyed: &[Surveyed], differences_count: bool) -> Exit {
    let totals = totals(surveyed);
    let facts = [
        (totals.unread > 0, Exit::Runtime),
        (totals.held + totals.refused > 0, Exit::Refused),
        (totals.counts.total() > 0 && differences_count, Exit::Differences),
    ];
    facts.into_iter().filter(|(holds, _)| *holds).fold(Exit::Success, |worst, (_, exit)| worst.worse(exit))
}
