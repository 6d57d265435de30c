//! `kms-alias init`: from credentials to a manifest whose first plan is empty, and the files of a CI system beside it. It asks what no flag
//! says, replaces no file, and writes no alias.

use std::fs::create_dir_all;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::Context as _;

use super::args::prefix;
use super::args::{Ci, Cli, Command, Global, ImportArgs, InitArgs, Output, PlanArgs, PlanningArgs};
use super::exit::Exit;
use super::stream::Stream;
use super::{Session, reports};
use crate::draft::{Readers, folder_of, put};
use crate::kms::Connect;
use crate::kms::connect::Options;
use crate::poll::now;

/// The files to copy for GitHub, each with its place
const GITHUB: [(&str, &str); 3] = [
    (
        ".github/workflows/kms-alias-pull-request.yml",
        include_str!("../../examples/ci/github/pull-request.yml"),
    ),
    (".github/workflows/kms-alias-apply.yml", include_str!("../../examples/ci/github/apply.yml")),
    (".github/workflows/kms-alias-drift.yml", include_str!("../../examples/ci/github/drift.yml")),
];

/// Likewise for GitLab
const GITLAB: [(&str, &str); 1] =
    [("kms-alias.gitlab-ci.yml", include_str!("../../examples/ci/gitlab/kms-alias.gitlab-ci.yml"))];

impl Session<'_> {
    pub(super) async fn init<C: Connect>(
        &self,
        args: &InitArgs,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Exit> {
        if let Some((sentence, hint)) = self.unfit_for_init() {
            return Ok(self.fail(Exit::Usage, &sentence, Some(hint)));
        }
        let manifest = self.global.file.first().cloned().unwrap_or_else(|| "aliases.yaml".into());
        let import = |prefix: Vec<Arc<str>>, out: Option<PathBuf>| ImportArgs {
            prefix,
            new: true,
            key_ref: args.key_ref.clone(),
            out,
            ..ImportArgs::default()
        };
        let prefixes = match args.prefix.is_empty() {
            false => args.prefix.clone(),
            true => {
                // This reads, tells which prefixes are live, and ends without any; of a failure nothing is asked.
                let exit = Box::pin(self.import_new(&import(Vec::new(), None), &connect)).await?;
                if exit != Exit::Usage || !self.may_ask() {
                    return Ok(exit);
                }
                match self.ask_prefixes().await? {
                    Ok(prefixes) => prefixes,
                    Err(exit) => return Ok(exit),
                }
            }
        };
        let files = match self.ci_files(args.ci).await? {
            Ok(files) => files,
            Err(exit) => return Ok(exit),
        };
        let exit = Box::pin(self.import_new(&import(prefixes, Some(manifest.clone())), &connect)).await?;
        if exit != Exit::Success {
            return Ok(exit);
        }
        self.write_files(files)?;
        Box::pin(self.first_plan(&manifest, connect)).await
    }

    /// Why nothing can be begun here, and what would help
    fn unfit_for_init(&self) -> Option<(String, &'static str)> {
        if self.global.output != Output::Text {
            return Some(("init talks to a person, and has no other form".to_owned(), "leave -o out"));
        }
        let default = [PathBuf::from("aliases.yaml"), PathBuf::from("aliases")];
        let places = if self.global.file.is_empty() { &default[..] } else { &self.global.file };
        let there = places.iter().find(|path| path.exists())?;
        let sentence = format!("there is {} already, and init begins a manifest", there.display());
        Some((sentence, "`kms-alias import` adds what is live to it; or name another file with -f"))
    }

    fn may_ask(&self) -> bool {
        self.console.ends.answers && !self.global.no_input
    }

    /// The answer to a question; none where it was asked to stop
    async fn answer(&self, question: &str) -> anyhow::Result<Option<String>> {
        let _heeding = self.stop.heed();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Ok(None),
            answer = self.console.ask(question) => Ok(Some(answer?.trim().to_owned())),
        }
    }

    async fn ask_prefixes(&self) -> anyhow::Result<Result<Vec<Arc<str>>, Exit>> {
        let Some(answer) = self.answer("Which of these prefixes are yours, with spaces between? ").await?
        else {
            return Ok(Err(self.stop.exit()));
        };
        let named: Result<Vec<_>, _> =
            answer.split([' ', ',']).filter(|word| !word.is_empty()).map(prefix).collect();
        Ok(match named {
            Ok(named) if named.is_empty() => {
                Err(self.fail(Exit::Refused, "no prefix was named, so nothing was written", None))
            }
            Ok(named) => Ok(named),
            Err(why) => Err(self.fail(Exit::Usage, &why, None)),
        })
    }

    /// The files of the CI system that a flag or the answer names; of those that are there already none is touched
    async fn ci_files(
        &self,
        ci: Ci,
    ) -> anyhow::Result<Result<&'static [(&'static str, &'static str)], Exit>> {
        let named = match ci {
            Ci::Auto if self.may_ask() => {
                match self.answer("Add files for a CI system: github, gitlab or none? [none] ").await? {
                    Some(answer) => answer,
                    None => return Ok(Err(self.stop.exit())),
                }
            }
            Ci::Github => "github".to_owned(),
            Ci::Gitlab => "gitlab".to_owned(),
            Ci::Auto | Ci::None => String::new(),
        };
        let files: &[_] = match &*named {
            "github" => &GITHUB,
            "gitlab" => &GITLAB,
            "" | "none" => &[],
            other => {
                let sentence = format!("there are no files for {other:?}, and nothing was written");
                return Ok(Err(self.fail(Exit::Usage, &sentence, Some("github, gitlab or none"))));
            }
        };
        Ok(match files.iter().find(|(path, _)| Path::new(path).exists()) {
            Some((path, _)) => {
                let sentence = format!("there is {path} already, and nothing was written");
                Err(self.fail(Exit::Usage, &sentence, Some("move it away, or pass --ci none")))
            }
            None => Ok(files),
        })
    }

    fn write_files(&self, files: &[(&str, &str)]) -> anyhow::Result<()> {
        for (path, text) in files {
            let path = Path::new(path);
            create_dir_all(folder_of(path))
                .with_context(|| format!("make the folder of {}", path.display()))?;
            put(path, text.as_bytes(), Readers::Umask)
                .with_context(|| format!("write {}", path.display()))?;
            self.console.note(&format!("Wrote {}: its top says what to change.\n", path.display()));
        }
        if !files.is_empty() {
            self.console.note("Its two roles are in docs/ci.md, and what each may do: kms-alias iam-policy --for plan|apply\n");
        }
        Ok(())
    }

    /// Shows the plan of the manifest that was made, which has nothing to do
    async fn first_plan<C: Connect>(
        &self,
        manifest: &Path,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Exit> {
        let args = PlanningArgs { plan: PlanArgs::default(), out: None };
        let global = Global { file: vec![manifest.to_owned()], ..self.global.clone() };
        let cli = Cli { command: Command::Plan(args), global };
        let run = Mutex::new(reports::begin(&cli));
        let (console, stop, stream) = (self.console, self.stop, Mutex::<Stream>::default());
        let session = Session { global: &cli.global, console, stop, run, stream, began: now() };
        let Command::Plan(args) = &cli.command else { return Ok(Exit::Success) };
        session.plan(args, connect).await
    }
}
