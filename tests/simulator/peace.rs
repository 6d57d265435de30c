//! The faults stop, the lag stays: the program has to come to rest, and the world to be as the manifest says.

use kms_alias::cli::exit::Exit;

use super::case::{Case, Flags};
use super::kms::pause;
use super::order::{Errand, Order};
use super::rules::{Broken, Rule};
use super::shown::Shown;
use super::stage::{Ended, Stage};
use super::wishes::Wishes;
use super::world::World;

/// Runs in peace until one has nothing to write, at most
const MOST_RUNS: u64 = 4;
/// How the runs in peace are called
const PATIENT: Flags = Flags { patience: "180s", steady: 2, no_wait: false, read: "auto" };

impl Stage {
    /// The faults stop: the program has to come to rest
    pub async fn come_to_rest(&self, case: &Case) {
        let longest = {
            let mut service = self.service();
            service.weather.calm();
            service.note(self.clock.at(), || "the faults stop".to_owned());
            service.world.lag.longest()
        };
        if case.at_once {
            self.run(&case.first.wishes, Order::new(Errand::Apply, PATIENT)).await;
        }
        pause(longest).await;
        let second = case.second.as_ref().filter(|second| second.wishes.prefix != case.first.wishes.prefix);
        for operator in [Some(&case.first), second].into_iter().flatten() {
            if case.saved {
                self.apply_saved(&operator.wishes, longest).await;
            }
            if case.undone {
                self.revert(&operator.wishes, longest).await;
            }
            self.converge(&operator.wishes, longest).await;
        }
    }

    /// A saved plan that nothing has moved under is carried out, and a second time there is nothing to do
    async fn apply_saved(&self, wishes: &Wishes, longest: i64) {
        let (path, shown) = self.save_plan(wishes, PATIENT).await;
        if !shown.is_applicable() {
            return;
        }
        for again in [false, true] {
            let errand = Errand::Saved(path.clone(), shown.clone());
            let ended = self.run(wishes, Order::new(errand, PATIENT)).await;
            if ended.exit != Some(Exit::Success) || (again && ended.writes > 0) {
                let why =
                    format!("a saved plan in peace ended with {:?}, {} writes", ended.exit, ended.writes);
                self.judge(&ended, Err(Rule::Rest.broken(why)));
            }
            pause(longest).await;
        }
    }

    /// What a run wrote in peace is taken back, apart from what is held
    async fn revert(&self, wishes: &Wishes, longest: i64) {
        let before = self.service().world.clone();
        let applied = self.run(wishes, Order::new(Errand::Apply, PATIENT)).await;
        self.peaceful(&applied);
        pause(longest).await;
        let Some(errand) = self.take_back(&applied) else { return };
        let ended = self.run(wishes, Order::new(errand, PATIENT)).await;
        self.peaceful(&ended);
        pause(longest).await;
        let verdict = self.is_taken_back(&before, &applied, &ended);
        self.judge(&ended, verdict);
    }

    fn is_taken_back(&self, before: &World, applied: &Ended, ended: &Ended) -> Result<(), Broken> {
        let service = self.service();
        let mut changed = service.processes[applied.process].watch.changed.keys();
        let differs =
            |name: &&String| !ended.shown.held.contains(*name) && service.world.now(name) != before.now(name);
        match changed.find(differs).filter(|_| !ended.shown.refused) {
            Some(name) => Err(Rule::Rest.broken(format!("in peace, {name} was not taken back"))),
            None => Ok(()),
        }
    }

    /// Runs until nothing is left to write; what was converged stays so, whatever replica is asked
    async fn converge(&self, wishes: &Wishes, longest: i64) {
        let any_replica = self.service().any_replica;
        let (mut runs, mut rested, mut at_rest) = (0, true, false);
        loop {
            let ended = self.run(wishes, Order::new(Errand::Apply, PATIENT)).await;
            runs += 1;
            self.peaceful(&ended);
            let wrote = ended.writes > 0;
            if wrote && at_rest {
                return self.judge(&ended, Err(Rule::Rest.broken("a further run wrote again".to_owned())));
            }
            if wrote && runs == MOST_RUNS {
                let why = format!("not at rest after {runs} runs without faults");
                return self.judge(&ended, Err(Rule::Rest.broken(why)));
            }
            if !wrote && rested {
                let most = self.service().totals.runs_to_rest.max(runs);
                self.service().totals.runs_to_rest = most;
                return self.judge(&ended, self.is_as_wished(wishes, &ended.shown));
            }
            at_rest = !wrote;
            // Where one run has asked every replica, the next one needs no rest to find the same.
            rested = !wrote || any_replica || longest == 0;
            if rested {
                pause(longest).await;
            }
        }
    }

    /// Without faults nothing may fail, though something may be held
    fn peaceful(&self, ended: &Ended) {
        let held = !ended.shown.held.is_empty() || ended.shown.refused;
        let fine = match ended.exit {
            Some(Exit::Success) => !held,
            Some(Exit::Refused | Exit::Incomplete) => held,
            _ => false,
        };
        if !fine {
            let why = format!("without faults it ended with {:?}", ended.exit);
            self.judge(ended, Err(Rule::Rest.broken(why)));
        }
    }

    /// Whether the world is as the manifest says, by our own reading of both
    fn is_as_wished(&self, wishes: &Wishes, shown: &Shown) -> Result<(), Broken> {
        if shown.refused {
            return Ok(());
        }
        let service = self.service();
        let world = &service.world;
        let previous = |name: &str| wishes.wishes.iter().find(|(_, wish)| wish.previously == Some(name));
        let live = world.live().map(|(name, _)| name);
        for name in live.chain(wishes.wishes.keys().map(String::as_str)) {
            let declared = wishes.wishes.contains_key(name);
            let gone = match previous(name) {
                // Until its successor is as it should be, nothing is taken away.
                Some((successor, wish)) => !wish.retain && !shown.held.contains(successor),
                None => wishes.prune,
            };
            if !wishes.owns(name) || shown.held.contains(name) || !(declared || gone) {
                continue;
            }
            let (want, have) = (wishes.end(name, world), world.now(name));
            if want != have {
                let why = format!("at rest, {name} is on {have:?} and should be on {want:?}");
                return Err(Rule::Rest.broken(why));
            }
        }
        Ok(())
    }
}
