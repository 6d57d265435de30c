//! The runs of one operator, one after the other, among faults and rivals.

use std::path::PathBuf;

use super::case::{Flags, Operator, Review, Saved, Turn, Undo, Way};
use super::kms::pause;
use super::order::{Errand, Order};
use super::service::Perils;
use super::shown::Shown;
use super::stage::{Ended, Stage};
use super::wishes::Wishes;

impl Stage {
    pub async fn live(&self, operator: Option<&Operator>) {
        let Some(Operator { wishes, turns }) = operator else { return };
        let (mut plans, mut ended) = (Vec::new(), Vec::new());
        for turn in turns {
            pause(turn.rest).await;
            ended.push(self.turn(wishes, turn, &mut plans).await);
            if let Some(Undo { rest, back, perils }) = turn.undo {
                pause(rest).await;
                let undone = ended.iter().rev().nth(back).unwrap_or(&ended[0]);
                if let Some(errand) = self.take_back(undone) {
                    ended.push(self.run(wishes, Order { perils, ..Order::new(errand, turn.flags) }).await);
                }
            }
        }
    }

    /// What somebody does who wants the world to be as the manifest says
    async fn turn(&self, wishes: &Wishes, turn: &Turn, plans: &mut Vec<Shown>) -> Ended {
        match turn.way {
            Way::AtOnce => self.apply(wishes, turn, None).await,
            Way::Approved(review) => {
                let order = Order::new(Errand::Plan(self.new_file("plan")), turn.flags);
                plans.extend(digested(self.run(wishes, order).await.shown));
                pause(review.rest).await;
                self.apply(wishes, turn, approved(plans, review)).await
            }
            Way::Saved(review, saved) => {
                let (path, shown) = self.save_plan(wishes, turn.flags).await;
                plans.extend(digested(shown.clone()));
                pause(review.rest).await;
                let approved = approved(plans, review).filter(|_| saved.expects);
                let order = Order::new(Errand::Saved(path, shown), turn.flags);
                self.carry_out(wishes, saved, Order { approved, perils: turn.perils, ..order }).await
            }
        }
    }

    async fn apply(&self, wishes: &Wishes, turn: &Turn, approved: Option<Shown>) -> Ended {
        let Turn { flags, perils, .. } = *turn;
        self.run(wishes, Order { approved, perils, ..Order::new(Errand::Apply, flags) }).await
    }

    /// Saves a plan, and saves another in its place where something is held, without that; it could not be applied
    pub async fn save_plan(&self, wishes: &Wishes, flags: Flags) -> (PathBuf, Shown) {
        let path = self.new_file("plan");
        let order = Order::new(Errand::Plan(path.clone()), flags);
        let shown = self.run(wishes, order.clone()).await.shown;
        if shown.held.is_empty() || shown.refused {
            return (path, shown);
        }
        let shown = self.run(wishes, Order { without: shown.held, ..order }).await.shown;
        (path, shown)
    }

    /// Carries a saved plan out, and perhaps once more
    async fn carry_out(&self, wishes: &Wishes, saved: Saved, order: Order) -> Ended {
        let ended = self.run(wishes, order.clone()).await;
        if let Some(rest) = saved.again {
            pause(rest).await;
            self.run(wishes, Order { perils: Perils::default(), ..order }).await;
        }
        ended
    }
}

/// A plan that can be told from others
fn digested(shown: Shown) -> Option<Shown> {
    shown.digest.is_some().then_some(shown)
}

/// The plan that somebody has approved: the latest, or one before it
fn approved(plans: &[Shown], review: Review) -> Option<Shown> {
    plans.iter().rev().nth(review.back).or(plans.first()).cloned()
}
