//! `kms-alias explain ALIAS`: what decides about a name, target by target; or what a risk means. It is never handed a writer.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use tracing::Instrument as _;

use super::Session;
use super::args::{ExplainArgs, Output, PlanArgs};
use super::exit::Exit;
use crate::alias::{AliasName, NameError};
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
                let (sentence, hint) = no_name(&args.name, &error);
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

/// What is wrong with a word that is neither the name of an alias nor a code that is known here, and what would help
fn no_name(word: &str, error: &NameError) -> (String, String) {
    let codes = || Code::ALL.iter().map(|code| code.as_str());
    let is_kebab = word.contains('-') && word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    match nearest(word, codes()) {
        Some(code) => (format!("{word:?} is not an alias name: {error}"), format!("did you mean {code}?")),
        None if is_kebab => (
            format!("{word:?} is neither an alias name nor the code of a risk"),
            format!(
                "an alias is written alias/{word}; the codes of validate are in docs/problems.md; those of risks are {}",
                codes().collect::<Vec<_>>().join(", ")
            ),
        ),
        None => (format!("{word:?} is not an alias name: {error}"), error.hint().to_owned()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_none_of_a_risk_is_told_where_it_is_explained() {
        let told = |word| no_name(word, &AliasName::parse(word).unwrap_err());
        let (sentence, hint) = told("unknown-key");
        assert_eq!(sentence, "\"unknown-key\" is neither an alias name nor the code of a risk");
        assert!(hint.contains("docs/problems.md") && hint.contains("alias/unknown-key"), "{hint}");
        assert!(Code::ALL.iter().all(|code| hint.contains(code.as_str())), "{hint}");
        assert_eq!(told("decrypt-by-nam").1, "did you mean decrypt-by-name?");
        assert!(told("app/x").0.contains("is not an alias name"), "{:?}", told("app/x"));
    }
}
