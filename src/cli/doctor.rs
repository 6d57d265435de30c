//! `kms-alias doctor`: what works on the way to every target, and what does not. It is never handed a writer.

use futures_util::stream::{self, StreamExt};
use tracing::Instrument as _;

use super::args::{DoctorArgs, Output};
use super::exit::Exit;
use super::{Session, select};
use crate::diagnose::{Check, Examined, diagnose};
use crate::discover::PERMISSIONS;
use crate::kms::connect::Options;
use crate::kms::{Connect, requests_of};
use crate::load::TargetSpec;
use crate::permissions::Reads;
use crate::render::doctor::{self, Diagnosed, tally};
use crate::render::harmless;
use crate::render::style::plural;
use crate::target::Target;

impl Session<'_> {
    pub(super) async fn doctor<C: Connect>(
        &self,
        args: &DoctorArgs,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Exit> {
        let (chosen, discovered) = match self.patients(&connect).await? {
            Ok(patients) => patients,
            Err(exit) => return Ok(exit),
        };
        let sandbox = self.start_sandbox().await?;
        let connect = connect(self.options(sandbox.as_ref()));
        let progress = self.progress("examining targets", chosen.len(), "telling");
        let step = || progress.step();
        let reads = Reads { access: args.access, blame: args.blame };
        let examining = progress.during(examine(&chosen, reads, &connect, self.global.parallelism, &step));
        let diagnosed = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Ok(self.stop.exit()),
            examined = examining => [discovered, examined].concat(),
        };
        self.tell(&chosen, &diagnosed)?;
        self.close(sandbox).await?;
        Ok(if tally(&diagnosed).failed > 0 { Exit::Runtime } else { Exit::Success })
    }

    /// The targets to look at, and how they were discovered; or the exit code where the manifest itself is what ails
    async fn patients<C: Connect>(
        &self,
        connect: &impl Fn(Options) -> C,
    ) -> anyhow::Result<Result<(Vec<Target>, Vec<Diagnosed>), Exit>> {
        let manifest = match self.fleet_manifest(connect).await? {
            Ok(manifest) => manifest,
            Err(exit) => {
                if self.global.output != Output::Json {
                    self.print(match exit {
                        Exit::Manifest => {
                            "[FAIL] manifest  it cannot be used: see what is wrong with it on stderr\n"
                        }
                        Exit::Runtime => {
                            "[FAIL] organization  its accounts cannot be discovered: see why on stderr\n"
                        }
                        _ => "",
                    })?;
                }
                return Ok(Err(exit));
            }
        };
        let discovered = manifest.organizations().map(|(spec, _)| discovered(spec)).collect();
        Ok(select::targets(&manifest, &self.global.target, self.global.shard)
            .map(|chosen| (chosen, discovered))
            .map_err(|sentence| self.fail(Exit::Usage, &sentence, None)))
    }

    fn tell(&self, chosen: &[Target], diagnosed: &[Diagnosed]) -> anyhow::Result<()> {
        let text = match self.global.output {
            Output::Json => harmless::json(&doctor::json(diagnosed))?,
            _ => {
                let declared: usize = chosen.iter().map(|target| target.aliases.len()).sum();
                let aliases =
                    if declared == 1 { "1 alias".to_owned() } else { format!("{declared} aliases") };
                let manifest = format!("{aliases} in {}", plural(chosen.len(), "target"));
                doctor::text(&manifest, diagnosed, &self.palette())
            }
        };
        Ok(self.print(&text)?)
    }
}

/// What was tried, and went well, to discover the accounts of a target
fn discovered(spec: &TargetSpec) -> Diagnosed {
    let [ous, accounts] = PERMISSIONS;
    let found = plural(spec.accounts.len(), "account");
    let checks = vec![
        Check::ok(ous, "the OUs were read"),
        Check::ok(accounts, format!("{found} to look at, ACTIVE and not excluded")),
    ];
    (spec.name.clone(), vec![Examined { purposes: &["discover"], role: None, checks }])
}

async fn examine<C: Connect>(
    chosen: &[Target],
    reads: Reads,
    connect: &C,
    parallelism: usize,
    done: &(impl Fn() + Sync),
) -> Vec<Diagnosed> {
    let each = |target: &Target| {
        let target = target.clone();
        async move {
            let examined = diagnose(&target, reads, connect).instrument(requests_of(&target.name)).await;
            done();
            (target.name.clone(), examined)
        }
    };
    stream::iter(chosen).map(each).buffered(parallelism.max(1)).collect().await
}
