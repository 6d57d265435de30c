//! Plans as files: `plan --out PATH` saves one, and `apply PLAN` carries it out if nothing has moved since.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Session;
use super::args::{ApplyArgs, OnStale, PlanArgs};
use super::exit::Exit;
use super::reports::inputs;
use crate::bounded::{Limit, read_text};
use crate::document::PlanDocument;
use crate::draft::{Readers, put, real};
use crate::fleet::{Looks, Surveyed, digest_of, totals};
use crate::kms::Connect;
use crate::kms::connect::Options;
use crate::load::Manifest;
use crate::poll::time_of_day;
use crate::receipt::timestamp;
use crate::render::harmless::{self, harmless};
use crate::render::shell;
use crate::saved::{SavedError, SavedPlan};

/// A million changes are about half of this
const LARGEST: Limit = Limit::mib(1024);

/// The clocks of two machines that are set are no further apart than this
const CLOCKS_DIFFER: Duration = Duration::from_mins(5);

/// What a plan that could not be saved was to be saved to
#[derive(Debug)]
pub(super) struct Unsaved(PathBuf);

impl Unsaved {
    pub(super) const HINT: &'static str = "name a file that can be written with --out, and plan again";
}

impl fmt::Display for Unsaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "save the plan to {}", self.0.display())
    }
}

impl Session<'_> {
    /// Why this file must not become a plan, and what would help: it is of use to this run, or something else that would be lost
    pub(super) fn not_for_a_plan(&self, path: &Path) -> Option<(String, &'static str)> {
        let shown = path.display();
        if path == Path::new("-") {
            return Some((format!("--out {shown}: - is no file"), "name one; `-o json` prints the plan"));
        }
        let there = real(path);
        if inputs(self.global).iter().any(|input| real(input) == there) {
            let sentence = format!("--out {shown}: this run reads that file, and would write a plan over it");
            return Some((sentence, "name a file of its own, as in --out plan.json"));
        }
        if !there.is_file() {
            return None;
        }
        // A link is taken away itself, and what it leads to stays.
        let text = (!path.is_symlink()).then(|| read_text(path, LARGEST).ok()).flatten()?;
        let is_plan = text.is_empty() || SavedPlan::parse(&text).is_ok();
        (!is_plan).then(|| {
            let sentence = format!("--out {shown}: there is a file already, and it is no saved plan");
            (sentence, "name another file, or move that one away")
        })
    }

    /// Saves a plan, even one that may not be applied: it then says so
    pub(super) fn save(&self, path: &Path) -> anyhow::Result<()> {
        let plan = self.known().plan.clone().unwrap_or_default();
        let text = harmless::json(&PlanDocument { created_at: Some(timestamp()), ..plan })?;
        put(path, text.as_bytes(), Readers::Owner).with_context(|| Unsaved(path.to_owned()))?;
        if !self.global.quiet {
            let path = shell::word(&path.display().to_string());
            self.console.note(&format!("Saved to {path}; carry it out with: kms-alias apply {path}\n"));
        }
        Ok(())
    }

    /// Carries out a saved plan, and nothing else
    pub(super) async fn apply_saved<C: Connect>(
        &self,
        path: &Path,
        args: &ApplyArgs,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Exit> {
        if !self.global.target.is_empty() || self.global.shard.is_some() {
            let hint = Some("leave --target and --shard out, or plan again for those targets");
            return Ok(self.fail(Exit::Usage, "a saved plan is carried out as a whole", hint));
        }
        let saved = match self.load_saved(path, args)? {
            Ok(saved) => saved,
            Err(exit) => return Ok(exit),
        };
        let manifest = match self.fleet_manifest(&connect).await? {
            Ok(manifest) => manifest,
            Err(exit) => return Ok(exit),
        };
        // What may be allowed is what the plan was saved with: `--allow` does not go with a saved plan.
        let flags = PlanArgs { guards: args.plan.guards.clone(), ..PlanArgs::default() };
        let targets = self.targets(&manifest, &flags).map_err(anyhow::Error::msg)?;
        let targets = match saved.narrow(&targets) {
            Ok(targets) => targets,
            Err(error) => return Ok(self.refuse_saved(path, &of_members(error, &manifest))),
        };
        self.known().shard = saved.document.shard.clone();
        let (sandbox, connect, surveyed) = match self.read(targets, Looks::default(), connect).await? {
            Ok(all) => all,
            Err(exit) => return Ok(exit),
        };
        let exit = self.settle_saved(&saved, surveyed, args, &connect).await?;
        self.close(sandbox).await?;
        Ok(exit)
    }

    /// A saved plan that may be applied, for all that the file can tell; or the exit code after it has been said why not
    fn load_saved(&self, path: &Path, args: &ApplyArgs) -> anyhow::Result<Result<SavedPlan, Exit>> {
        let shown = harmless(&path.display().to_string());
        let text = read_text(path, LARGEST).with_context(|| format!("read the plan {shown}"))?;
        let checked = SavedPlan::read(&text).and_then(|saved| {
            saved.check(args.expect_digest.as_deref())?;
            Ok(saved)
        });
        let saved = match checked {
            Ok(saved) => saved,
            Err(error) => return Ok(Err(self.refuse_saved(path, &error))),
        };
        if let Some((sentence, hint)) = untimely(&saved.document, args.max_plan_age) {
            let sentence = format!("{shown}: {sentence}; nothing was written");
            return Ok(Err(self.fail(Exit::Stale, &sentence, Some(hint))));
        }
        Ok(Ok(saved))
    }

    fn refuse_saved(&self, path: &Path, error: &SavedError) -> Exit {
        let shown = harmless(&path.display().to_string());
        let sentence = format!("{shown}: {}; nothing was written", harmless(&error.to_string()));
        self.fail(exit_of(error), &sentence, Some("plan again, and apply that"))
    }

    async fn settle_saved<C: Connect>(
        &self,
        saved: &SavedPlan,
        surveyed: Vec<Surveyed>,
        args: &ApplyArgs,
        connect: &C,
    ) -> anyhow::Result<Exit> {
        let by = |one: &Surveyed| {
            one.prepared.as_ref().map(|now| saved.stale_by(&one.target, now)).unwrap_or_default()
        };
        let (fresh, stale): (Vec<_>, Vec<_>) =
            surveyed.into_iter().map(|one| (by(&one), one)).partition(|(by, _)| by.is_empty());
        for (by, one) in &stale {
            let sentences: String = by.iter().map(|by| format!("  {}\n", harmless(by))).collect();
            self.console.note(&format!("stale {}\n{sentences}", harmless(&one.target.name)));
            self.keep_error(&format!("{} is stale: {}", one.target.name, by.join("; ")), None);
        }
        let surveyed: Vec<_> = fresh.into_iter().map(|(_, one)| one).collect();
        if !stale.is_empty() && !surveyed.is_empty() {
            self.keep_plan(&surveyed);
        }
        if !stale.is_empty() && (args.on_stale == OnStale::Abort || surveyed.is_empty()) {
            let sentence = "the plan is stale; nothing was written";
            return Ok(self.fail(Exit::Stale, sentence, Some("plan again, and apply that")));
        }
        let (unread, writes) = (totals(&surveyed).unread, totals(&surveyed).counts.total());
        let exit = if unread == 0 && writes == 0 {
            self.already_applied()?
        } else {
            // Nobody is asked: it was shown when it was saved, and whoever names it has decided.
            self.settle(&surveyed, &args.writing, true, false, connect).await?
        };
        Ok(if stale.is_empty() { exit } else { exit.worse(Exit::Stale) })
    }

    fn already_applied(&self) -> anyhow::Result<Exit> {
        if !self.global.output.is_document() {
            self.print("Already applied: every alias of the plan is as it wants it.\n")?;
        }
        self.end_unwritten(Exit::Success)
    }

    /// The exit code where the plan is not the one that was approved
    pub(super) fn other_digest(
        &self,
        surveyed: &[Surveyed],
        expected: Option<&str>,
    ) -> anyhow::Result<Option<Exit>> {
        let Some(expected) = expected else { return Ok(None) };
        let digest = digest_of(surveyed);
        // A target that cannot be read is told as that.
        if digest.as_deref().is_none_or(|digest| digest == expected) {
            return Ok(None);
        }
        if !self.global.output.is_document() {
            self.show(Exit::Stale)?;
        }
        let digest = digest.unwrap_or_default();
        let sentence =
            format!("the plan has digest {digest}, and {expected} was expected; nothing was written");
        self.tell_errors(&[&sentence], Some("look at the plan above, and approve it anew"));
        Ok(Some(Exit::Stale))
    }
}

/// The same, where the target is one of an organization, whose accounts come and go without a change of the manifest
fn of_members(error: SavedError, manifest: &Manifest) -> SavedError {
    match error {
        SavedError::NoTarget(name)
            if manifest.organizations().any(|(spec, _)| name.split('/').next() == Some(&*spec.name)) =>
        {
            SavedError::Left(name)
        }
        other => other,
    }
}

fn exit_of(error: &SavedError) -> Exit {
    match error {
        SavedError::NoPlan(_) | SavedError::Version(_) => Exit::Manifest,
        SavedError::Changed
        | SavedError::OtherDigest { .. }
        | SavedError::NoTarget(_)
        | SavedError::Left(_)
        | SavedError::Twice(_)
        | SavedError::Nowhere { .. }
        | SavedError::Elsewhere { .. } => Exit::Stale,
        SavedError::Blocked(_) => Exit::Refused,
    }
}

/// Why a plan is too old to be applied, or from a time that has not come, and what would help; a time that nobody can read is no
/// time to trust
pub(super) fn untimely(plan: &PlanDocument, most: Duration) -> Option<(String, &'static str)> {
    let made = plan.created_at.as_deref().unwrap_or_default();
    let Ok(then) = OffsetDateTime::parse(made, &Rfc3339) else {
        let hint = "name a file that `plan --out` saved; what was merged is applied shard by shard";
        return Some(("it does not say when it was made".to_owned(), hint));
    };
    let (age, made) = (OffsetDateTime::from(time_of_day()) - then, harmless(made));
    if age > most {
        let sentence = format!("it was made at {made}, which is longer ago than --max-plan-age allows");
        return Some((sentence, "plan again, or raise --max-plan-age"));
    }
    // Its age would only begin to count then.
    (-age > CLOCKS_DIFFER).then(|| {
        let sentence = format!("it was made at {made}, which is still to come here: the clocks differ");
        (sentence, "set the clock of this machine, or plan again")
    })
}
