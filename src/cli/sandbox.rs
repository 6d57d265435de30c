//! `--sandbox` on any command, and `kms-alias sandbox`: the embedded KMS.

use anyhow::Context;

use super::Session;
use super::args::SandboxArgs;
use super::exit::Exit;
use crate::kms::connect::Options;
use crate::sandbox::{Running, ScenarioError, start};

impl Session<'_> {
    /// How to reach the service: the sandbox if there is one, else what the flags say
    pub(super) fn options(&self, sandbox: Option<&Running>) -> Options {
        let endpoint_url = sandbox.map(Running::endpoint_url).or_else(|| self.global.endpoint_url.clone());
        let (profile, region) = (self.global.profile.clone(), self.global.region.clone());
        Options {
            endpoint_url,
            profile,
            region,
            timeout: Some(self.global.timeout),
            sandbox: sandbox.is_some(),
        }
    }

    /// The sandbox, where `--sandbox` asks for it
    pub(super) async fn start_sandbox(&self) -> anyhow::Result<Option<Running>> {
        match self.global.sandbox {
            Some(_) => self.open_sandbox(0).await.map(Some),
            None => Ok(None),
        }
    }

    /// Writes the sandbox's state, where it has a file
    pub(super) async fn close(&self, sandbox: Option<Running>) -> anyhow::Result<()> {
        let _heeding = self.stop.heed();
        match sandbox {
            Some(sandbox) => sandbox.shutdown().await.context("keep the sandbox's state"),
            None => Ok(()),
        }
    }

    async fn open_sandbox(&self, port: u16) -> anyhow::Result<Running> {
        let state = self.global.sandbox.as_ref().and_then(|state| state.as_deref());
        let scenario = self.global.misbehaviour.scenario();
        if let Err(ScenarioError::Text(problems)) = &scenario {
            self.console.note(&format!("{}\n", problems.render(self.err_colour())));
        }
        start(state, scenario?, port).await.context("start the sandbox")
    }

    /// Serves until it is asked to stop
    pub(super) async fn serve_sandbox(&self, args: &SandboxArgs) -> anyhow::Result<Exit> {
        let sandbox = self.open_sandbox(args.port).await?;
        let url = sandbox.endpoint_url();
        self.console.print(&format!("{url}\n"))?;
        if !self.global.quiet {
            self.console.note(&format!(
                "The sandbox listens on {url}. Use it with:\n\
                 export AWS_ENDPOINT_URL={url} AWS_ACCESS_KEY_ID=111122223333 AWS_SECRET_ACCESS_KEY=sandbox \\\n                 AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1\n"
            ));
        }
        let _heeding = self.stop.heed();
        self.stop.cancelled().await;
        sandbox.shutdown().await.context("keep the sandbox's state")?;
        Ok(Exit::Success)
    }
}
