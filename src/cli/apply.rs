//! `kms-alias apply`: plan, ask, carry out that plan, and wait until the service shows the result.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use tracing::Instrument as _;

use super::Session;
use super::args::{ApplyArgs, Output, WritingArgs};
use super::exit::Exit;
use super::plan::verdict;
use super::progress::Progress;
use crate::apply::{Outcome, Step, Tools};
use crate::converge::{Event, Report, converge};
use crate::document;
use crate::fleet::{Looks, Surveyed, Trouble, totals};
use crate::kms::connect::Options;
use crate::kms::{Connect, Identity, KmsRead as _, requests_of};
use crate::pace::Lanes;
use crate::plan::{Action, Plan};
use crate::poll::Patience;
use crate::prepare::{Prepared, identify};
use crate::receipt::Receipt;
use crate::receipt::event::{Ending, Event as Line, Intent, Seen};
use crate::receipt::record::Recorded;
use crate::render;
use crate::render::form::Written;
use crate::render::report::Told;
use crate::render::style::{Palette, plural};
use crate::target::{Rates, Target};
use crate::verify::Aim;

/// How many targets are written to while one would be read
pub(super) const WRITTEN_FOR_ONE_READ: usize = 10;

/// What writing to a target goes on with, besides what was planned
#[derive(Clone, Copy)]
struct Work<'w> {
    args: &'w WritingArgs,
    lanes: &'w Lanes,
    receipt: &'w Receipt,
    progress: &'w Progress<'w>,
}

/// Account and Region
type Home = (Arc<str>, Arc<str>);

/// One account and Region has one set of lanes, however many targets share it
type LanesByHome = BTreeMap<Home, Lanes>;

fn home(prepared: &Prepared) -> Home {
    (prepared.identity.account.clone(), prepared.identity.region.clone())
}

/// The lanes of every account and Region, at the least of the rates that its targets declare: the quota is one
fn lanes(surveyed: &[Surveyed]) -> LanesByHome {
    let mut rates: BTreeMap<Home, Rates> = BTreeMap::new();
    for one in surveyed {
        if let Ok(prepared) = &one.prepared {
            let declared = one.target.rates;
            rates
                .entry(home(prepared))
                .and_modify(|rates| *rates = rates.least(declared))
                .or_insert(declared);
        }
    }
    rates.into_iter().map(|(home, rates)| (home, Lanes::new(rates))).collect()
}

impl Session<'_> {
    pub(super) async fn apply<C: Connect>(
        &self,
        args: &ApplyArgs,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Exit> {
        if let Some(path) = &args.path {
            return self.apply_saved(path, args, connect).await;
        }
        let (sandbox, connect, surveyed) = match self.survey(&args.plan, Looks::default(), connect).await? {
            Ok(all) => all,
            Err(exit) => return Ok(exit),
        };
        if let Some(exit) = self.other_digest(&surveyed, args.expect_digest.as_deref())? {
            return self.end_unwritten(exit);
        }
        let differences_count = args.plan.detailed_exitcode;
        let (yes, writing) = (args.writing.yes, &args.writing);
        let exit = self.settle(&surveyed, writing, yes, differences_count, &connect).await?;
        self.close(sandbox).await?;
        Ok(exit)
    }

    /// Carries out what was planned, if it may be and somebody wants it
    pub(super) async fn settle<C: Connect>(
        &self,
        surveyed: &[Surveyed],
        args: &WritingArgs,
        yes: bool,
        differences_count: bool,
        connect: &C,
    ) -> anyhow::Result<Exit> {
        match self.consent(surveyed, yes, differences_count).await? {
            Some(exit) => self.end_unwritten(exit),
            None => self.carry_out(surveyed, args, connect).await,
        }
    }

    /// Shows the plan and asks; an exit code where it ends here, before anything is written
    async fn consent(
        &self,
        surveyed: &[Surveyed],
        yes: bool,
        differences_count: bool,
    ) -> anyhow::Result<Option<Exit>> {
        if !self.global.output.is_document() {
            self.show(Exit::Success)?;
        }
        let totals = totals(surveyed);
        if totals.unread > 0 {
            let unread = plural(totals.unread, "target");
            let sentence = format!("nothing was written, because {unread} could not be read");
            self.tell_errors(&[&sentence], Some("mend that, or choose the others with --target"));
            return Ok(Some(Exit::Runtime));
        }
        if totals.refused > 0 {
            self.tell_errors(&["nothing was written, because a guard refused the plan"], None);
            return Ok(Some(Exit::Refused));
        }
        if totals.counts.total() == 0 {
            if totals.held > 0 {
                self.console.note(&format!("Nothing was written: {} held.\n", totals.held));
            }
            return Ok(Some(verdict(surveyed, differences_count)));
        }
        if yes || self.confirmed(&totals).await? {
            return Ok(None);
        }
        Ok(Some(if self.stop.is_cancelled() { self.stop.exit() } else { Exit::Refused }))
    }

    pub(super) fn end_unwritten(&self, exit: Exit) -> anyhow::Result<Exit> {
        if let Some(document) = self.document(exit)? {
            self.console.print(&document)?;
        }
        Ok(exit)
    }

    /// Writes, target beside target, and reports
    async fn carry_out<C: Connect>(
        &self,
        surveyed: &[Surveyed],
        args: &WritingArgs,
        connect: &C,
    ) -> anyhow::Result<Exit> {
        let heeding = self.stop.heed();
        let receipt = match self.begin_receipt(surveyed, args.receipt.as_deref()) {
            Ok(receipt) => receipt,
            Err(error) => {
                let hint = error.hint();
                let sentence = format!("failed to {:#}; nothing was written", anyhow::Error::from(error));
                return Ok(self.fail(Exit::Runtime, &sentence, Some(hint)));
            }
        };
        self.section("write");
        let reports = self.write_all(surveyed, args, connect, &receipt).await;
        let told: Vec<Told> = reports
            .iter()
            .map(|(target, plan, report)| Told { target, plan, report: report.as_ref() })
            .collect();
        let exit = self.end_receipt(&receipt, self.judge(surveyed, &told)).await;
        drop(heeding);
        let text = |palette| render::report::report(surveyed, &told, &palette);
        let place = receipt.place.as_ref().map(|place| place.display().to_string());
        let (report, plain) = (document::report(&told), text(Palette::plain()));
        self.keep_written(Written::new(report, plain, place));
        let text = |exit| match self.global.output {
            // Every event of it has been printed.
            Output::Ndjson => Ok(String::new()),
            _ => self.document(exit).map(|document| document.unwrap_or_else(|| text(self.palette()))),
        };
        self.print_or_note(exit, text)
    }

    /// Writes to every target that has something to write, side by side; the order is that of `surveyed`
    async fn write_all<'s, C: Connect>(
        &self,
        surveyed: &'s [Surveyed],
        args: &WritingArgs,
        connect: &C,
        receipt: &Receipt,
    ) -> Vec<(&'s str, &'s Plan, Result<Report, Trouble>)> {
        let lanes = lanes(surveyed);
        let due = surveyed.iter().filter_map(|one| {
            let prepared = one.prepared.as_ref().ok().filter(|prepared| !prepared.plan.changes.is_empty())?;
            Some((one, prepared, lanes.get(&home(prepared))?))
        });
        let due: Vec<_> = due.collect();
        let total = due.iter().map(|(_, prepared, _)| prepared.plan.stages.iter().flatten().count()).sum();
        let progress = self.progress("applying changes", total, "waiting until the service shows it");
        if due.len() > 1 {
            progress.share(due.len());
        }
        let each = |(one, prepared, lanes): (&'s Surveyed, &'s Prepared, _)| {
            let progress = &progress;
            async move {
                let work = Work { args, lanes, receipt, progress };
                let writing =
                    self.write(one, prepared, connect, work).instrument(requests_of(&one.target.name));
                let writing = AssertUnwindSafe(writing).catch_unwind().await;
                let report = writing.unwrap_or_else(|panic| Err(Trouble::panicked(&*panic, true)));
                progress.end(&one.target.name);
                (&*one.target.name, &prepared.plan, report)
            }
        };
        // Most of the time a target waits: for its turn, which comes a few times a second, and for what replicas show.
        let at_once = self.global.parallelism.max(1).saturating_mul(WRITTEN_FOR_ONE_READ);
        progress.during(stream::iter(due).map(each).buffered(at_once).collect()).await
    }

    /// Puts the report on stdout; or on stderr, as of a run that ends with an error, since it tells what was written
    fn print_or_note(
        &self,
        exit: Exit,
        text: impl Fn(Exit) -> anyhow::Result<String>,
    ) -> anyhow::Result<Exit> {
        let Err(error) = self.print(&text(exit)?) else { return Ok(exit) };
        let exit = exit.worse(Exit::Runtime);
        let error = anyhow::Error::from(error);
        self.console.note(&format!("error: failed to {error:#}\n{}", text(exit)?));
        Ok(exit)
    }

    async fn write<C: Connect>(
        &self,
        one: &Surveyed,
        prepared: &Prepared,
        connect: &C,
        work: Work<'_>,
    ) -> Result<Report, Trouble> {
        let Work { args, lanes, receipt, progress } = work;
        let writer = self.stop.run_until_cancelled(self.writer(&one.target, prepared, connect)).await;
        let Some((kms, identity)) = writer.transpose()? else { return Ok(Report::stopped(&prepared.plan)) };
        let target = &*one.target.name;
        self.begin_chapter(receipt, Intent::of(target, &identity, &prepared.plan))?;
        let kms = Recorded::new(&kms, receipt, target);
        let tools = Tools { kms: &kms, lanes, patience: patience(args), stop: self.stop };
        let Prepared { snapshot, desired, .. } = prepared;
        let aim = Aim { target: &one.target, snapshot, desired, policy: &one.policy };
        let happened = |event: Event<'_>| match event {
            Event::Begun(stage) if !progress.is_shared() => progress.begin(kind(stage), stage.len()),
            Event::Begun(_) => {}
            Event::Step(Step::Started(action)) => self.tell_started(target, action),
            Event::Step(Step::Ended(applied)) => {
                self.tell_ended(target, applied);
                progress.step();
                // A receipt that broke is told once, at the end.
                let _ = receipt.add(Line::Outcome(Ending::of(target, applied)));
            }
            Event::Left(names) => progress.leave(target, names.len()),
        };
        let report = converge(&prepared.plan, &aim, &tools, !args.no_wait, &happened).await;
        self.keep_calls(&kms.calls());
        if let Some(seen) = Seen::of(target, &report) {
            let _ = receipt.note(Line::Verdict(seen)).await;
        }
        Ok(report)
    }

    /// The writer of a target, if its credentials are of the account and Region that the plan is for
    async fn writer<C: Connect>(
        &self,
        target: &Target,
        prepared: &Prepared,
        connect: &C,
    ) -> Result<(C::Writer, Identity), Trouble> {
        let kms = connect.writer(target).await.map_err(|e| Trouble::new(&e, None))?;
        let identity = identify(target, &kms).await?;
        let (account, region) = home(prepared);
        if (&identity.account, &identity.region) != (&account, &region) {
            let sentence = format!("write as {}: the plan is for {account} in {region}", identity.caller);
            let hint = Some("check roles.apply in the manifest".to_owned());
            return Err(Trouble { sentence, hint, halfway: false });
        }
        Ok((kms, identity))
    }

    fn judge(&self, surveyed: &[Surveyed], told: &[Told]) -> Exit {
        let complete = told.iter().all(|told| told.report.is_ok_and(Report::is_complete));
        let nothing_written = told.iter().all(|told| match told.report {
            Ok(report) => report.applied.iter().all(|a| matches!(a.outcome, Outcome::NotAttempted(_))),
            Err(trouble) => !trouble.halfway,
        });
        let held = totals(surveyed).held > 0;
        let facts = [
            (self.stop.is_cancelled(), self.stop.exit()),
            (!complete && nothing_written, Exit::Runtime),
            ((!complete && !nothing_written) || held, Exit::Incomplete),
        ];
        facts
            .into_iter()
            .filter(|(holds, _)| *holds)
            .fold(Exit::Success, |worst, (_, exit)| worst.worse(exit))
    }
}

/// What the actions of a stage have in common
fn kind(stage: &[Action]) -> &'static str {
    match stage.first() {
        Some(Action::Delete { .. }) => "applying deletes",
        Some(Action::Replace { .. }) => "applying replacements",
        _ => "applying creates and retargets",
    }
}

fn patience(args: &WritingArgs) -> Patience {
    Patience {
        budget: args.wait_timeout,
        steady: args.steady,
        seed: fastrand::u64(..),
        ..Patience::default()
    }
}
