//! What one run of the program was seen to do -> whether it kept the rules. Every rule that a run can break is here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kms_alias::kms::{AliasPage, ListedAlias};

use super::order::{Errand, Order};
use super::rules::{Broken, Rule};
use super::shown::{Change, Shown, Sign};
use super::wishes::{QUOTAS, WRITES, Wishes};
use super::world::{At, HMAC, Id, NOWHERE, SYMMETRIC, World};

/// How far the last listing came
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    Reading,
    Whole,
    Broken,
}

/// What a run was told about an alias just before it wrote
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub answer: Option<Id>,
    pub truth: Option<Id>,
    /// When the answer was back
    pub at: At,
    /// How many writes to this name the run had sent before
    pub sent: u32,
}

/// A change that took an alias from a key the plan had not shown, though the last look had shown it
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// It was changed between the look and the write
    Race,
    /// The look was answered by a replica that was late
    StaleLook,
}

/// One run of the program
#[derive(Debug)]
pub struct Watch {
    pub wishes: Wishes,
    pub errand: Errand,
    /// The plan that was approved, where only that one may be carried out
    pub approved: Option<Shown>,
    pub shown: Option<Shown>,
    pub listing: Listing,
    /// Since when what the plan was made from can have been true
    pub since: At,
    pub began: At,
    pub stopped: bool,
    /// Writes sent
    pub writes: u32,
    /// The names that it changed, and where it left them
    pub changed: BTreeMap<String, Option<Id>>,
    /// Changes that a revert took back, or was to, though nobody can tell that they were its own
    pub unsure: u64,
    /// The longest that a write kept the answer of its look waiting
    pub oldest_look: At,
    /// The names that it has to know if it does not list all of them; none where it has to
    names: BTreeSet<String>,
    /// What its first listing shows, as far as it has come, and whether that is the whole
    listed: BTreeMap<String, String>,
    listed_whole: bool,
    /// What the first look at each name showed
    first_looks: BTreeMap<String, Option<String>>,
    looks: BTreeMap<String, Look>,
    sent: BTreeMap<String, u32>,
    departures: [VecDeque<At>; 3],
}

/// Enough of an id to tell keys apart, as plans show it
pub fn short(id: &str) -> &str {
    &id[..id.len().min(8)]
}

impl Watch {
    pub fn new(wishes: Wishes, order: &Order, began: At) -> Self {
        let (errand, approved) = (order.errand.clone(), order.approved.clone());
        let may = order.flags.read != "list" && !matches!(errand, Errand::Revert(..));
        let known = |name: &&String| may && wishes.owns(name) && !order.without.contains(*name);
        let names = wishes.wishes.keys().filter(known).cloned().collect();
        let shown = match &errand {
            Errand::Saved(_, shown) => Some(shown.clone()),
            Errand::Apply | Errand::Plan(_) | Errand::Revert(..) => None,
        };
        Self {
            wishes,
            errand,
            approved,
            shown,
            listing: Listing::Reading,
            since: began,
            began,
            stopped: false,
            writes: 0,
            changed: BTreeMap::new(),
            unsure: 0,
            oldest_look: 0,
            names,
            listed: BTreeMap::new(),
            listed_whole: false,
            first_looks: BTreeMap::new(),
            looks: BTreeMap::new(),
            sent: BTreeMap::new(),
            departures: Default::default(),
        }
    }

    /// A look whose answer has come back
    pub fn looked(&mut self, name: &str, look: Look, at: At) {
        let sent = self.sent.get(name).copied().unwrap_or_default();
        self.first_looks.entry(name.to_owned()).or_insert_with(|| look.answer.map(short).map(str::to_owned));
        self.looks.insert(name.to_owned(), Look { sent, at, ..look });
    }

    /// A page of a listing that has come back
    pub fn listed(&mut self, page: &AliasPage, begins: bool) {
        if self.listed_whole {
            return;
        }
        if begins {
            self.listed.clear();
        }
        let key = |alias: &ListedAlias| alias.target.as_ref().map(|key| short(key.as_str()).to_owned());
        let keyed = page.aliases.iter().filter_map(|alias| Some((alias.name.clone(), key(alias)?)));
        self.listed.extend(keyed);
        self.listed_whole = !page.truncated;
    }

    /// A write leaves the program
    pub fn departs(&mut self, operation: &'static str, name: &str, key: &str, at: At) -> Result<(), Broken> {
        self.writes += 1;
        *self.sent.entry(name.to_owned()).or_default() += 1;
        let age = self.looks.get(name).map(|look| at - look.at);
        self.oldest_look = self.oldest_look.max(age.unwrap_or_default());
        self.pace(operation, at)?;
        self.may_write(operation, name, key)
            .map_err(|(rule, why)| rule.broken(format!("{operation} {name} {}: {why}", short(key))))?;
        self.reverts(name).map_err(|why| Rule::Revert.broken(format!("{operation} {name}: {why}")))?;
        let stale = |why| Rule::Stale.broken(format!("{operation} {name} {}: {why}", short(key)));
        self.stale_by(name).map_or(Ok(()), |why| Err(stale(why)))
    }

    /// Whether a revert may change this name as it showed
    fn reverts(&mut self, name: &str) -> Result<(), String> {
        let Errand::Revert(_, past) = &self.errand else { return Ok(()) };
        if let Some(change) = self.shown.as_ref().and_then(|shown| shown.changes.get(name)) {
            self.unsure += u64::from(past.allows(name, change)?);
        }
        Ok(())
    }

    /// Why nothing of the plan may be written any more, or not to this name
    fn stale_by(&self, name: &str) -> Option<String> {
        let shown = self.shown.as_ref()?;
        if self.approved.as_ref().is_some_and(|approved| approved.changes != shown.changes) {
            return Some("another plan was approved".to_owned());
        }
        if !matches!(self.errand, Errand::Saved(..)) {
            return None;
        }
        if !shown.is_applicable() {
            return Some("the saved plan is not one to apply".to_owned());
        }
        let listed = |name: &str| self.first_seen(name);
        if shown.changes.get(name).is_some_and(|change| change.to.as_deref() == listed(name)) {
            return Some("it was listed as wanted".to_owned());
        }
        let moved = |(name, change): &(&String, &Change)| {
            ![&change.from, &change.to].into_iter().any(|key| key.as_deref() == listed(name))
        };
        let (moved, _) = shown.changes.iter().find(moved)?;
        Some(format!("{moved} was listed on {:?}, which the saved plan did not show", listed(moved)))
    }

    /// The key that its plan was made from
    fn first_seen(&self, name: &str) -> Option<&str> {
        match self.listed_whole {
            true => self.listed.get(name).map(String::as_str),
            false => self.first_looks.get(name)?.as_deref(),
        }
    }

    /// Whether all was read that a plan needs: the whole listing, or every name that the manifest speaks about
    fn has_read(&self) -> bool {
        let named =
            !self.names.is_empty() && self.names.iter().all(|name| self.first_looks.contains_key(name));
        self.listing == Listing::Whole || named
    }

    fn may_write(&self, operation: &str, name: &str, key: &str) -> Result<(), (Rule, &'static str)> {
        let wishes = &self.wishes;
        if !wishes.owns(name) {
            return Err((Rule::Scope, "outside the scope, or ignored"));
        }
        if !self.has_read() {
            return Err((Rule::WholeListing, "neither the last listing was whole nor was every name read"));
        }
        if matches!(self.errand, Errand::Plan(_)) {
            return Err((Rule::Shown, "it was only to plan"));
        }
        let shown = self.shown.as_ref().filter(|shown| !shown.refused);
        let Some(shown) = shown else { return Err((Rule::Shown, "no plan was shown that could be applied")) };
        let Some(sign) = shown.allows(operation, name, key) else {
            return Err((Rule::Shown, "not in the plan"));
        };
        let protected = match sign {
            Sign::Delete => wishes.undeletable.contains(name),
            Sign::Update | Sign::Replace => wishes.unmovable.contains(name),
            Sign::Create | Sign::Rename => false,
        };
        // What a revert deletes is for the receipt to say.
        let kept = !matches!(self.errand, Errand::Revert(..)) && !wishes.may_delete(name);
        if protected || (operation == "DeleteAlias" && kept) {
            return Err((Rule::Kept, "the manifest keeps it from that"));
        }
        match self.stopped && !(sign == Sign::Replace && operation == "CreateAlias") {
            true => Err((Rule::Stop, "begun after the request to stop")),
            false => Ok(()),
        }
    }

    /// No window of a second holds more writes than the rate
    fn pace(&mut self, operation: &str, at: At) -> Result<(), Broken> {
        let lane = WRITES.iter().position(|known| *known == operation).unwrap_or_default();
        let (rate, recent) = (self.wishes.rates[lane].min(QUOTAS[lane]), &mut self.departures[lane]);
        while recent.front().is_some_and(|then| then + 1000 <= at) {
            recent.pop_front();
        }
        recent.push_back(at);
        let count = recent.len();
        let why = || format!("{count} {operation} within a second, and the rate is {rate}");
        if count > rate as usize { Err(Rule::Pace.broken(why())) } else { Ok(()) }
    }

    /// A write is carried out, and takes the alias from the key `had`; an excuse where it was not what the plan showed
    pub fn carried_out(
        &mut self,
        operation: &str,
        name: &str,
        had: Option<Id>,
        key: Option<Id>,
    ) -> Result<Option<Window>, Broken> {
        self.changed.insert(name.to_owned(), key);
        let look = self.looks.get(name).copied();
        let shown = self.shown.as_ref().and_then(|shown| shown.changes.get(name));
        let (Some(had), Some(shown)) = (had, shown) else { return Ok(None) };
        if operation == "CreateAlias" || Some(had) == key || shown.from.as_deref() == Some(short(had)) {
            return Ok(None);
        }
        // `sent` counts this write already.
        let sent = self.sent.get(name).copied().unwrap_or_default();
        let fresh = look.filter(|look| look.sent + 1 == sent);
        match fresh.filter(|look| look.answer.map(short) == shown.from.as_deref()) {
            Some(look) if look.truth == look.answer => Ok(Some(Window::Race)),
            Some(_) => Ok(Some(Window::StaleLook)),
            None => Err(Rule::Taken.broken(format!(
                "{operation} {name} took it from {}, and the plan showed {}; the last look: {look:?}",
                short(had),
                shown.from.as_deref().unwrap_or("nothing"),
            ))),
        }
    }

    /// The run said that all went well: then every change that it showed was true at some moment, or a look said so
    ///
    /// Where it waited, and had the patience to ask each of the replicas, each of them has shown it.
    pub fn claims(&self, world: &World, every_replica: bool, at: At) -> Result<Doubts, Broken> {
        let mut doubts = Doubts::default();
        for (name, change) in self.shown.iter().flat_map(|shown| &shown.changes) {
            let goal = change.to.as_deref().and_then(known);
            let shown_by = |replica: usize| {
                let lag = world.lag.of(replica, name);
                world.was(name, goal, self.began - lag, at - lag)
            };
            let everywhere = (0..world.lag.replicas.len()).all(shown_by);
            let true_once = world.was(name, goal, self.since, at);
            if every_replica && !everywhere {
                let why = format!("it said that {name} is converged, and not every replica has shown it");
                return Err(Rule::Claim.broken(why));
            }
            let looked = self.looks.get(name).is_some_and(|look| look.answer == goal);
            // Of a name that it did not write, its listing may have said so in the very moment before somebody else changed it.
            let listed = !self.sent.contains_key(name) && self.first_seen(name) == change.to.as_deref();
            if !true_once && !looked && !listed {
                return Err(Rule::Claim.broken(format!("it said that {name} is done, and it never was")));
            }
            doubts.early += u64::from(!everywhere);
            doubts.misled += u64::from(!true_once);
        }
        Ok(doubts)
    }
}

/// Changes that a run called done with less ground than it could have had, which its flags or the world allow
#[derive(Clone, Copy, Debug, Default)]
pub struct Doubts {
    /// Not every replica had shown them
    pub early: u64,
    /// Only a late replica had
    pub misled: u64,
}

/// The key that a plan shows so
fn known(shown: &str) -> Option<Id> {
    SYMMETRIC.into_iter().chain([HMAC, NOWHERE]).find(|id| short(id) == shown)
}
