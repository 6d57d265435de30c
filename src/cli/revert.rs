//! `kms-alias revert RECEIPT`: takes back what an apply is proven to have done, as a plan like any other.

use super::Session;
use super::args::{PlanArgs, RevertArgs};
use super::exit::Exit;
use crate::fleet::Looks;
use crate::kms::Connect;
use crate::kms::connect::Options;
use crate::plan::Policy;
use crate::revert::{RevertError, revert};
use crate::target::Target;

impl Session<'_> {
    pub(super) async fn revert<C: Connect>(
        &self,
        args: &RevertArgs,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Exit> {
        let targets = match self.reversed(args)? {
            Ok(targets) => targets,
            Err(exit) => return Ok(exit),
        };
        let (sandbox, connect, surveyed) = match self.read(targets, Looks::default(), connect).await? {
            Ok(all) => all,
            Err(exit) => return Ok(exit),
        };
        let exit = self.settle(&surveyed, &args.writing, args.writing.yes, false, &connect).await?;
        self.close(sandbox).await?;
        if exit == Exit::Success && !self.global.quiet {
            self.console.note("The manifest still says otherwise: revert its commit too, or the next apply does all this again.\n");
        }
        Ok(exit)
    }

    /// The targets of the receipt, declared as they were before; or the exit code after it has been said why not
    fn reversed(&self, args: &RevertArgs) -> anyhow::Result<Result<Vec<(Target, Policy)>, Exit>> {
        let history = match self.history(&args.path)? {
            Ok(history) => history,
            Err(exit) => return Ok(Err(exit)),
        };
        let manifest = match self.manifest()? {
            Ok(manifest) => manifest,
            Err(exit) => return Ok(Err(exit)),
        };
        let flags = PlanArgs { guards: args.guards.clone(), ..PlanArgs::default() };
        let targets = match self.targets(&manifest, &flags) {
            Ok(targets) => targets,
            Err(sentence) => return Ok(Err(self.fail(Exit::Usage, &sentence, None))),
        };
        Ok(revert(&history, &args.path, &targets).map_err(|errors| self.refuse_revert(&errors)))
    }

    fn refuse_revert(&self, errors: &[RevertError]) -> Exit {
        let sentences: Vec<_> = errors.iter().map(|error| format!("failed to {error}")).collect();
        let sentences: Vec<_> = sentences.iter().map(String::as_str).chain(["nothing was written"]).collect();
        self.fail_all(Exit::Refused, &sentences, errors.first().map(RevertError::hint))
    }
}
