//! `kms-alias revert RECEIPT`: takes back what an apply is proven to have done, as a plan like any other.

use super::Session;
use super::args::{PlanArgs, RevertArgs};
use super::exit::Exit;
use crate::fleet::Looks;
use crate::kms::Connect;
use crate::kms::connect::Options;
use crate::plan::Policy;
use crate::receipt::history::History;
use crate::revert::{RevertError, contradicts, revert};
use crate::target::Target;

/// A receipt that can be taken back
struct Reversed {
    history: History,
    /// Declared as they were before
    targets: Vec<(Target, Policy)>,
    /// Whether the manifest says otherwise
    contradicted: bool,
}

impl Session<'_> {
    pub(super) async fn revert<C: Connect>(
        &self,
        args: &RevertArgs,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Exit> {
        let Reversed { history, targets, contradicted } = match self.reversed(args, &connect).await? {
            Ok(reversed) => reversed,
            Err(exit) => return Ok(exit),
        };
        if targets.iter().all(|(target, _)| target.aliases.is_empty()) {
            return self.nothing_to_revert(&history);
        }
        let (sandbox, connect, surveyed) = match self.read(targets, Looks::default(), connect).await? {
            Ok(all) => all,
            Err(exit) => return Ok(exit),
        };
        let exit = self.settle(&surveyed, &args.writing, args.writing.yes, false, &connect).await?;
        self.close(sandbox).await?;
        if exit == Exit::Success && contradicted && !self.global.quiet {
            self.console.note("The manifest still says otherwise: revert its commit too, or the next apply does all this again.\n");
        }
        Ok(exit)
    }

    /// Says that the receipt proves no write, and how far it goes
    fn nothing_to_revert(&self, history: &History) -> anyhow::Result<Exit> {
        self.keep_plan(&[]);
        if !self.global.output.is_document() {
            let cut = match (history.exit_code, history.torn) {
                (Some(_), _) => "",
                (None, false) => ", and it ends before the apply did",
                (None, true) => ", and it is cut off in the middle of a line",
            };
            self.console
                .print(&format!("The receipt proves no write{cut}: there is nothing to take back.\n"))?;
        }
        self.end_unwritten(Exit::Success)
    }

    /// What the receipt comes to; or the exit code after it has been said why not
    async fn reversed<C: Connect>(
        &self,
        args: &RevertArgs,
        connect: &impl Fn(Options) -> C,
    ) -> anyhow::Result<Result<Reversed, Exit>> {
        let history = match self.history(&args.path)? {
            Ok(history) => history,
            Err(exit) => return Ok(Err(exit)),
        };
        let manifest = match self.fleet_manifest(connect).await? {
            Ok(manifest) => manifest,
            Err(exit) => return Ok(Err(exit)),
        };
        let flags = PlanArgs { guards: args.guards.clone(), ..PlanArgs::default() };
        let targets = match self.targets(&manifest, &flags) {
            Ok(targets) => targets,
            Err(sentence) => return Ok(Err(self.fail(Exit::Usage, &sentence, None))),
        };
        let reversed = match revert(&history, &args.path, &targets) {
            Ok(reversed) => reversed,
            Err(errors) => return Ok(Err(self.refuse_revert(&errors))),
        };
        let contradicted = reversed.iter().any(|(reverse, _)| contradicts(&targets, reverse));
        Ok(Ok(Reversed { history, targets: reversed, contradicted }))
    }

    fn refuse_revert(&self, errors: &[RevertError]) -> Exit {
        let sentences: Vec<_> = errors.iter().map(|error| format!("failed to {error}")).collect();
        let sentences: Vec<_> = sentences.iter().map(String::as_str).chain(["nothing was written"]).collect();
        self.fail_all(Exit::Refused, &sentences, errors.first().map(RevertError::hint))
    }
}
