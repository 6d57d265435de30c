//! `kms-alias list`: the live aliases in scope, their keys, and what the manifest makes of each. It is never handed a writer.

use super::Session;
use super::args::{ListArgs, Output, PlanArgs};
use super::exit::Exit;
use crate::document::{ListedAlias, listing};
use crate::fleet::Looks;
use crate::kms::Connect;
use crate::kms::connect::Options;
use crate::read::ReadBy;
use crate::render::harmless;
use crate::render::listing::{text, tsv};

impl Session<'_> {
    pub(super) async fn list<C: Connect>(
        &self,
        args: &ListArgs,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Exit> {
        let manifest = match self.fleet_manifest(&connect).await? {
            Ok(manifest) => manifest,
            Err(exit) => return Ok(exit),
        };
        let ListArgs { alias, exclude_alias, .. } = args;
        let (alias, exclude_alias) = (alias.clone(), exclude_alias.clone());
        let plan = PlanArgs { alias, exclude_alias, read: ReadBy::List, ..PlanArgs::default() };
        let targets = match self.targets(&manifest, &plan) {
            Ok(targets) => targets,
            Err(sentence) => return Ok(self.fail(Exit::Usage, &sentence, None)),
        };
        let looks = Looks { every_key: true, ..Looks::default() };
        let (sandbox, _, surveyed) = match self.look_at("listing", targets, looks, connect).await? {
            Ok(all) => all,
            Err(exit) => return Ok(exit),
        };
        let document = listing(&surveyed, |alias| is_wanted(args, alias));
        let shown = match self.global.output {
            Output::Json => harmless::json(&document)?,
            Output::Tsv => tsv(&document),
            _ => text(&document, &self.palette()),
        };
        self.print(&shown)?;
        self.close(sandbox).await?;
        Ok(if document.errored { Exit::Runtime } else { Exit::Success })
    }
}

fn is_wanted(ListArgs { key, status, .. }: &ListArgs, alias: &ListedAlias) -> bool {
    let on = |wanted: &String| {
        [&alias.key, &alias.declared_key].into_iter().flatten().any(|key| key.starts_with(&**wanted))
    };
    (key.is_empty() || key.iter().any(on)) && (status.is_empty() || status.contains(&alias.status))
}
