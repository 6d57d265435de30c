//! `kms-alias init`: from credentials to a manifest whose first plan is empty, and the files of a CI system beside it. It asks what no flag
//! says, replaces no file, and writes no alias.

use std::fs::create_dir_all;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::Context as _;

use super::args::prefix;
use super::args::{Ci, Cli, Command, Global, ImportArgs, InitArgs, PlacesArgs, PlanArgs, PlanningArgs};
use super::ci_files::{self, CiFile, Site, filled};
use super::exit::Exit;
use super::import::Or;
use super::prefixes::{LivePrefixes, live_prefixes, told_prefixes};
use super::stream::Stream;
use super::{Session, reports};
use crate::draft::{Readers, create, folder_of};
use crate::import::claim::Home;
use crate::import::look::Request;
use crate::kms::connect::Options;
use crate::kms::{Connect, Identity};
use crate::poll::now;

impl Session<'_> {
    pub(super) async fn init<C: Connect>(
        &self,
        args: &InitArgs,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Exit> {
        if let Some((sentence, hint)) = self.unfit_for_init(args) {
            return Ok(self.fail(Exit::Usage, &sentence, Some(hint)));
        }
        let manifest = self.global.file.first().cloned().unwrap_or_else(|| "aliases.yaml".into());
        let (places, live, home) = match self.places(args, &connect).await? {
            Ok(found) => found,
            Err(exit) => return Ok(exit),
        };
        let prefixes = match self.prefixes(args, &live).await? {
            Ok(prefixes) => prefixes,
            Err(exit) => return Ok(exit),
        };
        let (files, site) = match self.ci_files(args.ci, &manifest).await? {
            Ok(found) => found,
            Err(exit) => return Ok(exit),
        };
        // What cannot be made is told before there is a manifest, which a second try would be refused for.
        for (path, _) in files {
            let path = site.root.join(path);
            let folder = folder_of(&path);
            create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
        }
        let key_ref = args.key_ref.clone();
        let out = Some(manifest.clone());
        let (new, may_be_empty) = (true, true);
        let import =
            ImportArgs { prefix: prefixes, new, places, key_ref, out, may_be_empty, ..ImportArgs::default() };
        let exit = Box::pin(self.import_new(&import, &connect)).await?;
        if exit != Exit::Success {
            return Ok(exit);
        }
        self.write_files(files, &site, &home)?;
        Box::pin(self.first_plan(&manifest, connect)).await
    }

    /// Why nothing can be begun here, and what would help
    fn unfit_for_init(&self, args: &InitArgs) -> Option<(String, &'static str)> {
        let Global { file, target, shard, .. } = self.global;
        if !target.is_empty() || shard.is_some() {
            let sentence = "--target and --shard choose among the targets of a manifest, and init makes one";
            return Some((sentence.to_owned(), "leave them out"));
        }
        if file.len() > 1 || file.first().is_some_and(|path| path.as_os_str() == "-") {
            return Some(("init makes one file".to_owned(), "name it with one `-f FILE`"));
        }
        if let Some(objection) = args.places.objection(self.global) {
            return Some(objection);
        }
        if let Some(path) = file.first().filter(|path| !folder_of(path).is_dir()) {
            let sentence = format!("there is no folder {}", folder_of(path).display());
            return Some((sentence, "make it, or name another file"));
        }
        let default = [PathBuf::from("aliases.yaml"), PathBuf::from("aliases")];
        let places = if file.is_empty() { &default[..] } else { file };
        let there = places.iter().find(|path| path.symlink_metadata().is_ok())?;
        let sentence = format!("there is {} already, and init begins a manifest", there.display());
        Some((sentence, "`kms-alias import` adds what is live to it; or name another file with -f"))
    }

    /// Where it is for, as the flags say, or the person who is asked; and what is live there, which shows that the credentials are good
    async fn places<C: Connect>(
        &self,
        args: &InitArgs,
        connect: &impl Fn(Options) -> C,
    ) -> Or<(PlacesArgs, LivePrefixes, Home)> {
        let mut places = args.places.clone();
        let look = async |places: &PlacesArgs| {
            Box::pin(self.look_at_names(places, &Request::default(), connect)).await
        };
        let mut seen = match look(&places).await? {
            Ok(seen) => seen,
            Err(exit) => return Ok(Err(exit)),
        };
        if let ([one], false, true) = (&seen[..], places.is_said(), self.may_ask()) {
            let Identity { account, region, caller, .. } = &one.identity;
            self.note_fitting(&format!("These are the credentials of {caller}, in {region}.\n"));
            places = match self.ask_places(account, region).await? {
                Ok(places) => places,
                Err(exit) => return Ok(Err(exit)),
            };
            if places.is_said() {
                seen = match look(&places).await? {
                    Ok(seen) => seen,
                    Err(exit) => return Ok(Err(exit)),
                };
            }
        }
        let home = seen.first().map(|one| Home::of(&one.identity)).context("read a target")?;
        Ok(Ok((places, live_prefixes(&seen), home)))
    }

    /// What is to be owned, as the flags say, or the person who is asked
    async fn prefixes(&self, args: &InitArgs, live: &LivePrefixes) -> Or<Vec<Arc<str>>> {
        if !args.prefix.is_empty() {
            return Ok(Ok(args.prefix.clone()));
        }
        if !self.may_ask() {
            return Ok(Err(self.refuse_without_prefix("init", live)));
        }
        self.note_fitting(&match live.is_empty() {
            true => "No alias is live there yet but those of AWS.\n".to_owned(),
            false => format!("Live are {}.\n", told_prefixes(live)),
        });
        loop {
            let Some(answer) =
                self.answer("Which prefixes are yours, with spaces between, as in alias/app/? ").await?
            else {
                return Ok(Err(self.stopped()));
            };
            let words = answer.split([' ', ',']).filter(|word| !word.is_empty());
            match words.map(prefix).collect::<Result<Vec<_>, _>>() {
                Ok(named) if named.is_empty() => {
                    return Ok(Err(self.fail(
                        Exit::Refused,
                        "no prefix was named, so nothing was written",
                        None,
                    )));
                }
                Ok(named) => return Ok(Ok(named)),
                Err(why) => self.note_fitting(&format!("That is no prefix: {why}.\n")),
            }
        }
    }

    pub(super) fn stopped(&self) -> Exit {
        self.console.note("\nStopped: nothing was written.\n");
        self.stop.exit()
    }

    /// The files of the CI system that a flag or the answer names, and where they go; of those that are there already none is touched
    async fn ci_files(&self, ci: Ci, manifest: &Path) -> Or<(&'static [CiFile], Site)> {
        let ci = match ci {
            Ci::Auto if self.may_ask() => match self.ask_ci().await? {
                Some(ci) => ci,
                None => return Ok(Err(self.stopped())),
            },
            said => said,
        };
        let files = ci_files::of(ci);
        if files.is_empty() {
            return Ok(Ok((files, Site::default())));
        }
        let site = match ci_files::site(manifest)? {
            Ok(site) => site,
            Err((sentence, hint)) => return Ok(Err(self.fail(Exit::Usage, &sentence, Some(hint)))),
        };
        let paths = files.iter().map(|(path, _)| site.root.join(path));
        Ok(match paths.into_iter().find(|path| path.symlink_metadata().is_ok()) {
            Some(path) => {
                let sentence = format!("there is {} already, and nothing was written", path.display());
                Err(self.fail(Exit::Usage, &sentence, Some("move it away, or pass --ci none")))
            }
            None => Ok((files, site)),
        })
    }

    async fn ask_ci(&self) -> anyhow::Result<Option<Ci>> {
        loop {
            let question = "Add files for a CI system: github, gitlab or none? [none] ";
            let Some(answer) = self.answer(question).await? else { return Ok(None) };
            match ci_files::named(&answer) {
                Some(ci) => return Ok(Some(ci)),
                None => self.note_fitting(&format!("There are no files for {answer:?}.\n")),
            }
        }
    }

    fn write_files(&self, files: &[CiFile], site: &Site, home: &Home) -> anyhow::Result<()> {
        for (path, text) in files {
            let path = site.root.join(path);
            create(&path, filled(text, &site.manifest, home).as_bytes(), Readers::Umask)
                .with_context(|| format!("write {}", path.display()))?;
            self.console.note(&format!("Wrote {}: its top says what to change.\n", path.display()));
        }
        if !files.is_empty() {
            let next = "They need two roles: `kms-alias iam-policy --for plan` prints what the one may do that reads, and \
                `kms-alias iam-policy --for apply` the one that writes. docs/ci.md of kms-alias has the rest.\n";
            self.console.note(next);
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
