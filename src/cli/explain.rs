//! `kms-alias explain ALIAS`: what decides about a name, target by target; or what a risk means. It is never handed a writer.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use tracing::Instrument as _;

use super::Session;
use super::args::{ExplainArgs, Output, PlanArgs};
use super::exit::Exit;
use crate::alias::AliasName;
use crate::document;
use crate::explain::{Found, Said, look, meant, said};
use crate::fleet::Trouble;
use crate::kms::connect::Options;
use crate::kms::{Connect, requests_of};
use crate::load::{Manifest, nearest};
use crate::plan::Policy;
use crate::plan::risks::Code;
use crate::render::explain::{Explained, Explanation, json, text};
use crate::render::harmless;
use crate::target::Target;

/// A target, and what the manifest says of the name in it
type Asked = (Target, Policy, Said);

impl Session<'_> {
    pub(super) async fn explain<C: Connect>(
        &self,
        args: &ExplainArgs,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Exit> {
        if let Some(code) = Code::parse(&args.name) {
            let text = match self.global.output {
                Output::Json => harmless::json(&document::risk(code))?,
                _ => code.section().to_owned() + "\n",
            };
            self.print(&text)?;
            return Ok(Exit::Success);
        }
        let name = match AliasName::parse(&args.name) {
            Ok(name) => name,
            Err(error) => {
                let code = nearest(&args.name, Code::ALL.iter().map(|code| code.as_str()));
                let hint =
                    code.map_or_else(|| error.hint().to_owned(), |code| format!("did you mean {code}?"));
                let sentence = format!("{:?} is not an alias name: {error}", args.name);
                return Ok(self.fail(Exit::Usage, &sentence, Some(&hint)));
            }
        };
        let manifest = match args.offline {
            true => self.manifest()?,
            false => self.fleet_manifest(&connect).await?,
        };
        let asked = match manifest.and_then(|manifest| self.asked(&manifest, &name)) {
            Ok(asked) => asked,
            Err(exit) => return Ok(exit),
        };
        let (concerned, others): (Vec<_>, Vec<_>) = asked.into_iter().partition(|(.., said)| said.concerns());
        let found = match args.offline {
            true => concerned.iter().map(|_| None).collect(),
            false => match self.find(&concerned, &name, connect).await? {
                Some(found) => found.into_iter().map(Some).collect(),
                None => return Ok(self.stop.exit()),
            },
        };
        let explanation = explanation(name, concerned, &others, found);
        self.tell_explanation(&explanation)?;
        let unread = explanation.targets.iter().any(|one| matches!(one.found, Some(Err(_))));
        Ok(if unread { Exit::Runtime } else { Exit::Success })
    }

    /// What the manifest says of the name in every target that the flags choose
    fn asked(&self, manifest: &Manifest, name: &AliasName) -> Result<Vec<Asked>, Exit> {
        let asked = |(target, policy): (Target, Policy)| {
            let said = said(manifest, &target, name);
            (target, policy, said)
        };
        match self.targets(manifest, &PlanArgs::default()) {
            Ok(targets) => Ok(targets.into_iter().map(asked).collect()),
            Err(sentence) => Err(self.fail(Exit::Usage, &sentence, None)),
        }
    }

    /// Reads the targets that have to do with the name; nothing where it was asked to stop
    async fn find<C: Connect>(
        &self,
        concerned: &[Asked],
        name: &AliasName,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Option<Vec<Result<Found, Trouble>>>> {
        let sandbox = self.start_sandbox().await?;
        let connect = connect(self.options(sandbox.as_ref()));
        let progress = self.progress("reading targets", concerned.len(), "explaining");
        let step = || progress.step();
        let reading = progress.during(read(concerned, name, &connect, self.global.parallelism, &step));
        let found = tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            found = reading => Some(found),
        };
        self.close(sandbox).await?;
        Ok(found)
    }

    fn tell_explanation(&self, explanation: &Explanation) -> anyhow::Result<()> {
        let text = match self.global.output {
            Output::Json => harmless::json(&json(explanation))?,
            _ => text(explanation, &self.palette()),
        };
        Ok(self.print(&text)?)
    }
}

async fn read<C: Connect>(
    concerned: &[Asked],
    name: &AliasName,
    connect: &C,
    parallelism: usize,
    done: &(impl Fn() + Sync),
) -> Vec<Result<Found, Trouble>> {
    let each = |(target, policy, _): &Asked| {
        let (target, policy) = (target.clone(), policy.clone());
        async move {
            let found = look(&target, &policy, name, connect).instrument(requests_of(&target.name)).await;
            done();
            found
        }
    };
    stream::iter(concerned).map(each).buffered(parallelism.max(1)).collect().await
}

fn explanation(
    name: AliasName,
    concerned: Vec<Asked>,
    others: &[Asked],
    found: Vec<Option<Result<Found, Trouble>>>,
) -> Explanation {
    let all = || concerned.iter().chain(others);
    let mut names: BTreeSet<AliasName> =
        all().flat_map(|(target, ..)| target.aliases.keys().cloned()).collect();
    let read = || found.iter().flatten().filter_map(|found| found.as_ref().ok());
    names.extend(read().flat_map(|found| found.names.iter().cloned()));
    let meant = if names.contains(&name) { None } else { meant(&name, &names).map(str::to_owned) };
    let scopes: BTreeSet<Arc<str>> =
        others.iter().flat_map(|(target, ..)| target.scope.prefixes.clone()).collect();
    let targets = concerned.into_iter().zip(found);
    let explained = |((target, _, said), found): (Asked, _)| Explained { target: target.name, said, found };
    Explanation {
        name,
        targets: targets.map(explained).collect(),
        others: others.len(),
        scopes: scopes.into_iter().collect(),
        meant,
    }
}
