//! A plan -> a converged target: applies the plan stage by stage, and verifies each stage before the next one begins.

use std::collections::BTreeSet;

use crate::alias::AliasName;
use crate::apply::{Applied, Outcome, Reason, Step, Tools, apply};
use crate::kms::KmsWrite;
use crate::list::ListError;
use crate::plan::{Action, Plan};
use crate::verify::{Aim, Due, Verdict, verify};

/// What an apply did to one target
#[derive(Debug, Default)]
#[must_use = "what failed is in it"]
pub struct Report {
    /// Every action of the plan and what came of it, sorted by action
    pub applied: Vec<Applied>,
    /// How the last verification ended; `None` if there was none
    pub verdict: Option<Result<Verdict, ListError>>,
}

impl Report {
    /// Whether everything planned is there, and seen to be if it was verified
    pub fn is_complete(&self) -> bool {
        let seen = matches!(self.verdict, None | Some(Ok(Verdict::Converged { .. })));
        seen && self.applied.iter().all(|applied| applied.outcome.is_success())
    }
}

/// What happens while a plan is applied
#[derive(Clone, Copy, Debug)]
pub enum Event<'e> {
    /// The first of these is about to be written
    Begun(&'e [Action]),
    /// One of them started or ended
    Step(Step<'e>),
    /// The service does not show these as they should be yet
    Left(&'e BTreeSet<AliasName>),
}

/// Applies `plan` and tells `happened` of every step; with `wait` off, the last stage is not verified
pub async fn converge<K: KmsWrite>(
    plan: &Plan,
    aim: &Aim<'_>,
    tools: &Tools<'_, K>,
    wait: bool,
    happened: &(impl Fn(Event<'_>) + Sync),
) -> Report {
    let mut report = Report::default();
    let mut except: BTreeSet<AliasName> = plan.held.iter().map(|held| held.name.clone()).collect();
    let stages = &plan.stages;
    for (i, stage) in stages.iter().enumerate() {
        let last = i + 1 == stages.len();
        if !report.is_complete() {
            report.applied.extend(stage.iter().map(|action| not_attempted(action, Reason::EarlierStage)));
            continue;
        }
        // What was seen of an earlier stage says nothing about this one.
        report.verdict = None;
        happened(Event::Begun(stage));
        let applied = apply(stage, tools, &|step| happened(Event::Step(step))).await;
        except.extend(applied.iter().filter(|a| !a.outcome.is_success()).map(|a| a.action.name().clone()));
        report.applied.extend(applied);
        if tools.stop.is_cancelled() || (last && !wait) {
            continue;
        }
        let mut except = except.clone();
        except.extend(stages[i + 1..].iter().flatten().map(|action| action.name().clone()));
        // A stage that frees places is there when its names are gone.
        let deletes = last || stage.iter().any(|action| matches!(action, Action::Delete { .. }));
        let seen = |left: &BTreeSet<AliasName>| happened(Event::Left(left));
        let successes = report.applied.iter().filter(|applied| applied.outcome.is_success());
        let done = successes.map(|applied| &applied.action).collect();
        let due = Due { deletes, except, done };
        let verdict = verify(tools.kms, aim, &due, &tools.patience, tools.stop, &seen).await;
        report.verdict = Some(verdict);
        report.doubt();
    }
    report
}

fn not_attempted(action: &Action, reason: Reason) -> Applied {
    Applied { action: action.clone(), outcome: Outcome::NotAttempted(reason), attempts: 0, request_id: None }
}

impl Report {
    /// The names that are not as planned, or not known to be
    pub fn unsettled(&self) -> impl Iterator<Item = &AliasName> {
        let unsettled = self.applied.iter().filter(|applied| !applied.outcome.is_success());
        unsettled.map(|applied| applied.action.name())
    }

    /// The report of a plan that was never begun, because the program was asked to stop
    pub fn stopped(plan: &Plan) -> Self {
        let actions = plan.stages.iter().flatten();
        let applied = actions.map(|action| not_attempted(action, Reason::Stopped)).collect();
        Self { applied, verdict: None }
    }

    /// What was said to be so and not seen is unverified: the names that were left, or all that was written if the last
    /// read names none
    fn doubt(&mut self) {
        let left = match &self.verdict {
            Some(Ok(Verdict::OutOfPatience { left, .. })) => left.clone(),
            Some(Ok(Verdict::Stopped { .. }) | Err(_)) => BTreeSet::new(),
            _ => return,
        };
        for applied in self.applied.iter_mut().filter(|applied| applied.outcome.is_success()) {
            let unseen = left.is_empty() && applied.outcome == Outcome::Done;
            if unseen || left.contains(applied.action.name()) {
                applied.outcome = Outcome::Unverified;
            }
        }
    }
}
