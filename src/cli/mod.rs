//! The commands: [`run`] strings the stages together. The only place for `anyhow`; whole commands run in-process in tests.

pub mod args;
pub mod console;
pub mod exit;
pub mod stop;

mod accept;
mod apply;
mod base;
mod ci_files;
mod comment;
pub mod completions;
mod confirm;
mod discover;
mod doctor;
mod drift;
mod explain;
mod fmt;
mod iam_policy;
mod import;
mod imported;
mod init;
pub mod job;
mod list;
mod logging;
mod man;
mod merge;
mod notify;
mod parallelism;
mod places;
mod plan;
mod prefixes;
mod progress;
mod receipt;
mod reports;
mod revert;
mod sandbox;
mod saved;
mod schema;
mod select;
mod senseless;
mod show;
mod stream;
mod usage;
mod validate;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Context as _;
use tokio::time::Instant;

use crate::bounded::Unbounded;
use crate::document::failure;
use crate::fleet::Surveyed;
use crate::idle::idle_choices;
use crate::kms::Connect;
use crate::kms::connect::Options;
use crate::load::{Input, LARGEST, LoadError, Manifest, load, nearest};
use crate::plan::Policy;
use crate::poll::now;
use crate::render::fitted::fitted;
use crate::render::form::Run;
use crate::render::harmless::{self, harmless};
use crate::render::style::Palette;
use crate::sandbox::{Flags, StartError};
use crate::scope::Pattern;
use crate::shard::{ShardText, fleet};
use crate::target::{Guard, Guards, Limit, Target};
use crate::tidy::Untidy;

use args::{Ci, Color, Command, Global, GuardArgs, Output, PlanArgs};
use console::{Console, Unprinted};
use exit::Exit;
use saved::Unsaved;
use stop::Stop;
use stream::Stream;

/// What every command works with
pub(crate) struct Session<'a> {
    global: &'a Global,
    console: &'a Console,
    stop: &'a Stop,
    run: Mutex<Run>,
    stream: Mutex<Stream>,
    began: Instant,
}

/// Runs one command line; `connect` makes the connector that reaches the service, as the flags say
pub async fn run<C: Connect>(
    args: impl IntoIterator<Item = OsString>,
    console: &Console,
    stop: &Stop,
    connect: impl Fn(Options) -> C,
) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    let mut cli = match args::parse(&args) {
        Ok(cli) => cli,
        Err(error) => {
            console.speak(logging::asked_for(&args));
            return usage::tell(&usage::harmless_error(error, &args), console);
        }
    };
    if let Command::Init(init) = &mut cli.command {
        init.ci = std::mem::replace(&mut cli.global.ci, Ci::None);
    }
    console.speak(cli.global.log_format);
    logging::begin(cli.global.verbose, cli.global.log_format, console.ends.err_colour);
    let run = Mutex::new(reports::begin(&cli));
    let stream = Mutex::default();
    let session = Session { global: &cli.global, console, stop, run, stream, began: now() };
    session.tell_version();
    let command = session.known().command;
    session.section(command);
    if let Some(sentence) = reports::refusal(&cli).or_else(|| notify::refusal(&cli.command)) {
        return session.fail(Exit::Usage, &sentence, None);
    }
    let exit = match session.dispatch(&cli.command, connect).await {
        Ok(exit) => exit,
        Err(error) => session.fail(Exit::Runtime, &format!("failed to {error:#}"), hint(&error)),
    };
    let exit = session.write_reports(exit);
    session.notify(&cli.command, exit).await;
    session.tell_job(exit);
    exit
}

/// What helps against a file that is none, too large, or cannot be written, or a sandbox that does not start
fn hint(error: &anyhow::Error) -> Option<&'static str> {
    if error.is::<Unsaved>() {
        return Some(Unsaved::HINT);
    }
    if error.is::<Untidy>() {
        return Some(Untidy::HINT);
    }
    if let Some(hint) = error.downcast_ref::<StartError>().and_then(StartError::hint) {
        return Some(hint);
    }
    let unread = error.chain().filter_map(|e| Unbounded::of(e.downcast_ref()?)).next();
    unread.map(Unbounded::hint)
}

impl Session<'_> {
    async fn dispatch<C: Connect>(
        &self,
        command: &Command,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Exit> {
        if self.global.force {
            let hint = Some("what is refused says which flag accepts it");
            return Ok(self.fail(Exit::Usage, "there is no --force", hint));
        }
        let sandbox = self.global.sandbox.is_some() || matches!(command, Command::Sandbox(_));
        if !sandbox && self.global.misbehaviour != Flags::default() {
            // Whoever writes them thinks that nothing real can be hit.
            let hint = Some("add --sandbox");
            let sentence = "this is not the sandbox, and only the sandbox misbehaves on purpose";
            return Ok(self.fail(Exit::Usage, sentence, hint));
        }
        if let Some((sentence, hint)) = self.global.output.refusal(command) {
            return Ok(self.fail(Exit::Usage, &sentence, Some(&hint)));
        }
        // Boxed: as one, the futures of these commands are too deep for the compiler.
        match command {
            Command::Init(args) => Box::pin(self.init(args, connect)).await,
            Command::Validate => self.validate(),
            Command::List(args) => Box::pin(self.list(args, connect)).await,
            Command::Schema => self.schema(),
            Command::Fmt(args) => self.fmt(args),
            Command::Explain(args) => Box::pin(self.explain(args, connect)).await,
            Command::Import(args) => Box::pin(self.import(args, connect)).await,
            Command::Doctor(args) => self.doctor(args, connect).await,
            Command::IamPolicy(args) => self.iam_policy(args),
            Command::Sandbox(args) => self.serve_sandbox(args).await,
            Command::Plan(args) => Box::pin(self.plan(args, connect)).await,
            Command::Drift(args) => Box::pin(self.drift(args, connect)).await,
            Command::Apply(args) => Box::pin(self.apply(args, connect)).await,
            Command::Revert(args) => Box::pin(self.revert(args, connect)).await,
            Command::Show(args) => self.show_file(args),
            Command::Comment(args) => Box::pin(self.comment(args)).await,
            Command::Completions(args) => self.completions(args),
            Command::Man(args) => self.man(args),
        }
    }

    /// Says why nothing more comes: on stderr, and as the one document where stdout was to carry one and is still empty
    fn fail(&self, exit: Exit, sentence: &str, hint: Option<&str>) -> Exit {
        self.fail_all(exit, &[sentence], hint)
    }

    /// The same of several things at once
    fn fail_all(&self, exit: Exit, sentences: &[&str], hint: Option<&str>) -> Exit {
        self.tell_errors(sentences, hint);
        if !self.console.has_printed() {
            let document = match self.global.output {
                Output::Json => harmless::json(&failure(&sentences.join("; "), hint, exit.code())).ok(),
                _ => self.document(exit).ok().flatten(),
            };
            // A stdout that is gone has nobody to tell, and stderr has told it.
            let _ = document.map(|text| self.console.print(&text));
        }
        exit
    }

    /// Says on stderr, and to the reports, what is wrong
    fn tell_errors(&self, sentences: &[&str], hint: Option<&str>) {
        let mut text: String =
            sentences.iter().map(|sentence| format!("error: {}\n", harmless(sentence))).collect();
        text.extend(hint.map(|hint| format!("hint: {}\n", harmless(hint))));
        self.console.note(&text);
        self.keep_error(&sentences.join("; "), hint);
    }

    fn out_colour(&self) -> bool {
        coloured(self.global.color, self.console.ends.out_colour)
    }

    fn err_colour(&self) -> bool {
        !self.console.speaks_json() && coloured(self.global.color, self.console.ends.err_colour)
    }

    /// How to colour stdout
    fn palette(&self) -> Palette {
        let palette = if self.out_colour() { Palette::coloured() } else { Palette::plain() };
        palette
            .linking(self.out_colour() && self.console.ends.out_links && self.global.sandbox.is_none())
            .fitting(self.console.ends.out_columns)
    }

    /// Prints what a person reads, no wider than the terminal; documents are printed as they are
    fn print(&self, text: &str) -> Result<(), Unprinted> {
        match self.console.ends.out_columns.filter(|_| self.global.output == Output::Text) {
            Some(columns) => self.console.print(&fitted(text, columns)),
            None => self.console.print(text),
        }
    }

    /// The same for what is told on stderr
    fn note_fitting(&self, text: &str) {
        self.console.note(&self.fitting(text));
    }

    fn fitting(&self, text: &str) -> String {
        self.console.ends.err_columns.map_or_else(|| text.to_owned(), |columns| fitted(text, columns))
    }

    /// The manifest, or the exit code after its problems have been shown; its warnings are shown either way
    fn manifest(&self) -> anyhow::Result<Result<Manifest, Exit>> {
        self.told(load(&self.inputs()?))
    }

    fn told(&self, loaded: Result<Manifest, LoadError>) -> anyhow::Result<Result<Manifest, Exit>> {
        match loaded {
            Ok(manifest) => {
                self.keep_problems(&manifest.warnings);
                if !manifest.warnings.is_empty() && !self.global.quiet {
                    self.console.note(&manifest.warnings.render(self.err_colour()));
                }
                Ok(Ok(manifest))
            }
            Err(error) => self.show_problems(&error).map(Err),
        }
    }

    fn show_problems(&self, error: &LoadError) -> anyhow::Result<Exit> {
        self.keep_problems(&error.problems);
        match self.global.output {
            Output::Json => self.console.print(&harmless::json(&error.to_json())?)?,
            _ => self.console.note(&format!("{}\nerror: {error}\n", error.render(self.err_colour()))),
        }
        if self.global.output != Output::Json
            && let Some(document) = self.document(Exit::Manifest)?
        {
            self.console.print(&document)?;
        }
        Ok(Exit::Manifest)
    }

    fn inputs(&self) -> anyhow::Result<Vec<Input>> {
        if self.global.file.is_empty() {
            let path = default_manifest(Path::new("aliases.yaml"), Path::new("aliases"));
            return Ok(vec![Input::Path(path)]);
        }
        let input = |path: &PathBuf| match path.as_os_str() == "-" {
            true => {
                let read = self.console.read_all(LARGEST);
                Ok(Input::Stdin(read.context("read the manifest from standard input")?))
            }
            false => Ok(Input::Path(path.clone())),
        };
        self.global.file.iter().map(input).collect()
    }

    /// The targets that the flags choose, narrowed to the aliases that they choose, each with its policy
    fn targets(&self, manifest: &Manifest, args: &PlanArgs) -> Result<Vec<(Target, Policy)>, String> {
        let shared = select::selected(manifest, &self.global.target)?;
        if let Some(shard) = self.global.shard {
            let fleet = Some(fleet_of(manifest, &shared, args));
            self.known().shard = Some(ShardText { part: shard.to_string(), fleet });
        }
        let chosen = select::part(manifest, &shared, self.global.shard);
        let narrowed = chosen.len() < manifest.instances.len();
        self.note_idle_exclusions(&chosen, &args.exclude_alias);
        let narrow = |mut target: Target| {
            target.select(&args.alias, &args.exclude_alias);
            target.prune = args.prunes(&target);
            if args.prune {
                target.prune_place = None;
            }
            let counted =
                |most: Option<usize>| most.map(|most| Guard { limit: Limit::Count(most), place: None });
            let Guards { max_delete, max_update, .. } = &mut target.guards;
            counted(args.guards.max_deletes).into_iter().for_each(|guard| *max_delete = guard);
            counted(args.guards.max_updates).into_iter().for_each(|guard| *max_update = guard);
            let (allow, fail_on) = (args.guards.allow.iter().copied(), args.fail_on.iter().copied());
            let (allow, fail_on) = (allow.collect(), fail_on.collect());
            let policy = Policy { allow, fail_on, narrowed, read: args.read, ..Policy::of(&target) };
            (target, policy)
        };
        Ok(chosen.into_iter().map(narrow).collect())
    }

    /// Ends it where `--alias` chooses nothing at all: a slip there must not look like work that was done
    fn refused_choices(&self, manifest: &Manifest, args: &PlanArgs, surveyed: &[Surveyed]) -> Option<Exit> {
        if self.global.shard.is_some() {
            return None;
        }
        let entries = || manifest.layers.iter().flatten();
        // One that is for other targets, or that was renamed, is known all the same.
        let is_known = |pattern: &Pattern| {
            let mut names =
                entries().flat_map(|entry| entry.more.manner.previously.iter().chain([&entry.name]));
            names.any(|name| pattern.matches(name.as_str()))
        };
        let mut idle = idle_choices(surveyed, &args.alias);
        idle.retain(|pattern| !is_known(pattern));
        let first = idle.first()?;
        let listed = idle.iter().map(|pattern| format!("--alias {}", pattern.as_str())).collect::<Vec<_>>();
        let sentence = format!("{}: no alias that is declared or live is covered by it", listed.join(", "));
        let names = entries().map(|entry| entry.name.as_str());
        let hint = match nearest(first.as_str(), names) {
            Some(meant) => format!("did you mean --alias {meant}?"),
            None => "`kms-alias list` shows what there is".to_owned(),
        };
        Some(self.fail(Exit::Usage, &sentence, Some(&hint)))
    }

    /// Whoever leaves a name out wants it left alone, and a slip would not do that
    fn note_idle_exclusions(&self, chosen: &[Target], exclude: &[Pattern]) {
        let declared = || chosen.iter().flat_map(|target| target.aliases.keys());
        for pattern in exclude.iter().filter(|one| !declared().any(|name| one.matches(name.as_str()))) {
            let sentence = format!(
                "--exclude-alias {}: no alias that is declared here is covered by it",
                pattern.as_str()
            );
            self.note("note", &sentence);
        }
    }
}

/// What tells the parts of one fleet from those of another: run at different commits, or by other flags, they are no whole
fn fleet_of(manifest: &Manifest, names: &BTreeSet<&str>, args: &PlanArgs) -> String {
    let sources = manifest.sources.iter().map(|source| source.text.as_str());
    let patterns = [&args.alias, &args.exclude_alias]
        .map(|all| all.iter().map(|one| one.text()).collect::<Vec<_>>().join(","));
    let GuardArgs { max_deletes, max_updates, .. } = &args.guards;
    let flags =
        format!("{} {} {max_deletes:?} {max_updates:?} {:?}", args.prune, args.no_prune, args.fail_on);
    let names = names.iter().copied();
    fleet(sources.chain(patterns.iter().map(String::as_str)).chain([&*flags]).chain(names))
}

fn coloured(flag: Color, otherwise: bool) -> bool {
    match flag {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => otherwise,
    }
}

/// `aliases.yaml`, unless there is only a directory `aliases/`
fn default_manifest(file: &Path, directory: &Path) -> PathBuf {
    if !file.exists() && directory.is_dir() { directory.into() } else { file.into() }
}
