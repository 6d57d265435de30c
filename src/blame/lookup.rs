//! The questions of one target -> what CloudTrail answers: LookupEvents, page by page and name by name, until nothing more can
//! matter. Reads only, at the service's rate. What cannot be read is said, and is no failure of the target.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::search::Search;
use super::{Blame, Question};
use crate::fleet::Trouble;
use crate::kms::{EventPage, Fault, Identity, KmsError, TrailRead};
use crate::pace::Lane;
use crate::pages::{PageFault, Pages};

/// What has to be allowed
pub const PERMISSION: &str = "cloudtrail:LookupEvents";
/// Requests a second per account and Region, and no more can be had
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>)
const RATE: f64 = 2.0;
/// Pages of events with one name that are read at most: ten seconds at that rate
const MOST_PAGES: u32 = 20;

/// Account and Region
type Home = (Arc<str>, Arc<str>);

/// The lane of each account and Region, which targets may share
#[derive(Debug, Default)]
pub struct Trails(Mutex<BTreeMap<Home, Arc<Lane>>>);

/// Why CloudTrail's answer is not whole
#[derive(Debug, thiserror::Error)]
enum LookupError {
    #[error("look up {name} in CloudTrail (page {page})")]
    Page {
        name: &'static str,
        page: u32,
        #[source]
        source: KmsError,
    },
    #[error("look up {0} in CloudTrail: {1}")]
    Pages(&'static str, PageFault),
}

impl From<LookupError> for Trouble {
    fn from(error: LookupError) -> Self {
        let hint = match &error {
            LookupError::Page { source, .. } => source.hint(),
            LookupError::Pages(..) => None,
        };
        Self::new(&error, hint)
    }
}

impl Trails {
    fn lane(&self, identity: &Identity) -> Arc<Lane> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let home = (identity.account.clone(), identity.region.clone());
        lanes.entry(home).or_insert_with(|| Arc::new(Lane::new(RATE))).clone()
    }

    /// Who made it so; `apply_role` is the role that this program writes with
    pub async fn blame(
        &self,
        identity: &Identity,
        apply_role: Option<&str>,
        questions: Vec<Question>,
        trail: &impl TrailRead,
    ) -> Blame {
        let mut search = Search::new(questions, &identity.region, apply_role);
        let lane = self.lane(identity);
        for name in Search::names() {
            if let Err(error) = follow(name, &mut search, &lane, trail).await {
                return Blame { findings: search.findings(true), trouble: Some(error.into()) };
            }
        }
        Blame { findings: search.findings(false), trouble: None }
    }
}

/// Reads the events with this name as far back as they can matter
async fn follow(
    name: &'static str,
    search: &mut Search,
    lane: &Lane,
    trail: &impl TrailRead,
) -> Result<(), LookupError> {
    let (mut pages, mut token, mut read) = (Pages::default(), None, 0);
    while search.wants(name) {
        let number = pages.number();
        if number > MOST_PAGES {
            search.give_up(name, read);
            break;
        }
        let asked = page(name, token.as_deref(), lane, trail).await;
        let EventPage { events, next_token } =
            asked.map_err(|source| LookupError::Page { name, page: number, source })?;
        read += events.len();
        search.take(name, &events, next_token.is_some());
        let turned = pages.turn(next_token.is_some(), next_token);
        token = turned.map_err(|fault| LookupError::Pages(name, fault))?;
    }
    Ok(())
}

async fn page(
    name: &str,
    token: Option<&str>,
    lane: &Lane,
    trail: &impl TrailRead,
) -> Result<EventPage, KmsError> {
    // Whoever is asked to stop drops the whole reading.
    lane.take(lane.reserve(), &CancellationToken::new()).await;
    let page = trail.event_page(name, token).await;
    match &page {
        Ok(_) => lane.served(),
        Err(error) if error.fault == Fault::Throttled => lane.throttled(),
        Err(_) => {}
    }
    page
}
