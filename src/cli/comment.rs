//! `kms-alias comment`: a plan, a receipt, or what a failed plan said -> the comment on a pull request; and its digest back.

use std::path::Path;

use anyhow::Context as _;
use serde_json::json;

use super::Session;
use super::args::{CommentArgs, Output};
use super::exit::Exit;
use super::job::variable;
use super::show::Kept;
use crate::bounded::{self, Limit};
use crate::forge::ci::{Place, Provider, Surroundings, place};
use crate::forge::github::GitHub;
use crate::forge::gitlab::GitLab;
use crate::forge::{Dialect, Done, Forge, ForgeError, Published};
use crate::render::harmless;
use crate::render::job::without_commands;
use crate::render::markdown::{self, BUDGET, Frame};
use crate::saved::SavedError;

/// Far more than the beginning that is shown
const LARGEST_TEXT: Limit = Limit::mib(64);

impl Session<'_> {
    pub(super) async fn comment(&self, args: &CommentArgs) -> anyhow::Result<Exit> {
        // First: a file that is none must be told even where there is no token.
        let (body, exit) = match self.body(args)? {
            Ok(body) => body,
            Err(exit) => return Ok(exit),
        };
        let around = Surroundings { variable: &variable, file: &event };
        let place = match place(&args.given(), &around) {
            Ok(place) => place,
            Err(error) => return Ok(self.fail(Exit::Usage, &format!("failed to {error}"), Some(error.hint))),
        };
        let Place { repo, number, .. } = place.clone();
        let told = match place.provider {
            Provider::GitHub => {
                let github = GitHub::new(repo, number, place.base.as_str());
                self.speak(github, place, args, body).await
            }
            Provider::GitLab => {
                let gitlab = GitLab { project: repo, number, with_job_token: place.with_job_token };
                self.speak(gitlab, place, args, body).await
            }
        };
        Ok(told?.worse(exit))
    }

    /// The text of the comment, `None` where none is to be written; and how the program ends once it is there
    fn body(&self, args: &CommentArgs) -> anyhow::Result<Result<(Option<String>, Exit), Exit>> {
        let frame = Frame { id: &args.id, budget: BUDGET, merged: args.merge };
        if let Some(path) = &args.failed {
            let said =
                bounded::read(path, LARGEST_TEXT).with_context(|| format!("read {}", path.display()))?;
            let said = without_commands(&String::from_utf8_lossy(&said));
            return Ok(Ok((Some(markdown::failure(&said, &frame)), Exit::Success)));
        }
        let path = match &args.paths[..] {
            [] => return Ok(Ok((None, Exit::Success))),
            paths if args.merge => {
                let body = self.merged_body(paths, &frame)?;
                return Ok(body.map(|(text, exit)| (Some(text), exit)));
            }
            [path] => path,
            paths => return Ok(Err(self.refuse_several(paths.len()))),
        };
        Ok(match self.kept(path)? {
            // Whoever approves the digest below it approves what they see.
            Ok(Kept::Plan(saved)) if !saved.is_genuine() => {
                let path = path.display();
                let sentence = format!("{path}: {}", SavedError::Changed);
                Err(self.fail(Exit::Stale, &sentence, Some("plan again, and comment on that")))
            }
            Ok(Kept::Plan(saved)) => Ok((Some(markdown::plan(&saved.document, &frame)), Exit::Success)),
            Ok(Kept::Receipt(history)) => Ok((Some(markdown::receipt(&history, &frame)), Exit::Success)),
            Err(exit) => Err(exit),
        })
    }

    async fn speak<D: Dialect>(
        &self,
        dialect: D,
        place: Place,
        args: &CommentArgs,
        body: Option<String>,
    ) -> anyhow::Result<Exit> {
        let _heeding = self.stop.heed();
        let stop = (**self.stop).clone();
        let forge = Forge::new(dialect, place.base, place.token, self.global.timeout, stop);
        let told = match &body {
            Some(body) => forge.publish(&args.id, body).await.map(|published| self.tell_published(published)),
            None => forge.digest(&args.id).await.map(|digest| self.tell_digest(&digest)),
        };
        match told {
            Ok(told) => told.map(|()| Exit::Success),
            Err(error) => Ok(self.fail_to_comment(&error)),
        }
    }

    fn fail_to_comment(&self, error: &ForgeError) -> Exit {
        let exit = if self.stop.is_cancelled() { self.stop.exit() } else { Exit::Runtime };
        self.fail(exit, &format!("failed to {error}"), error.hint())
    }

    fn tell_published(&self, published: Published) -> anyhow::Result<()> {
        let word = match published.done {
            Done::Created => "created",
            Done::Edited => "edited",
            Done::Unchanged => "unchanged",
        };
        if published.others > 0 && !self.global.quiet {
            let others = published.others;
            self.console.note(&format!(
                "warning: {others} more of our comments have this id, and are not current: delete them\n"
            ));
        }
        let text = match self.global.output {
            Output::Json => {
                harmless::json(&json!({"format_version": "1.0", "kind": "comment", "outcome": word}))?
            }
            _ => format!("Comment {word}.\n"),
        };
        Ok(self.console.print(&text)?)
    }

    fn tell_digest(&self, digest: &str) -> anyhow::Result<()> {
        let text = match self.global.output {
            Output::Json => {
                harmless::json(&json!({"format_version": "1.0", "kind": "digest", "digest": digest}))?
            }
            _ => format!("{digest}\n"),
        };
        Ok(self.console.print(&text)?)
    }
}

fn event(path: &str) -> Option<String> {
    bounded::read_text(Path::new(path), LARGEST_TEXT).ok()
}
