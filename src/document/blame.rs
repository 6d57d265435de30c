//! Who made it so, as a document tells it.

use serde::{Deserialize, Serialize};

use crate::blame::Finding;
use crate::blame::event::Event;

/// What CloudTrail tells of one alias
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlameText {
    /// `cause`; `last_known`, which does not explain what is live, or after which newer events may be unknown; or `unknown`
    pub verdict: String,
    /// Why nobody is known
    pub message: Option<String>,
    /// The call
    pub event: Option<EventText>,
}

/// A call that CloudTrail recorded; every text in it is somebody else's
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventText {
    /// As `UpdateAlias`
    pub call: String,
    /// UTC, as `2026-12-01T09:00:00Z`
    pub time: String,
    /// The key that the alias came to, or that the call is about
    pub key: Option<String>,
    /// In words, as `role Admin/alice`
    pub actor: String,
    /// The ARN of the user or session
    pub actor_arn: Option<String>,
    /// Whether it was this program, by the name that the client gave itself or by the role that applies
    pub ours: bool,
    /// An address, or the name of a service
    pub source_address: Option<String>,
    /// What the client called itself, shortened
    pub user_agent: Option<String>,
    /// CloudTrail's own id of it
    pub event_id: Option<String>,
    /// As receipts have it
    pub request_id: Option<String>,
}

impl From<&Finding> for BlameText {
    fn from(finding: &Finding) -> Self {
        let (verdict, message, event) = match finding {
            Finding::Cause(event) => ("cause", None, Some(event)),
            Finding::LastKnown(event) => ("last_known", None, Some(event)),
            Finding::Unknown(message) => ("unknown", Some(message.clone()), None),
        };
        Self { verdict: verdict.to_owned(), message, event: event.map(EventText::from) }
    }
}

impl From<&Event> for EventText {
    fn from(event: &Event) -> Self {
        let event = event.clone();
        Self {
            call: event.call,
            time: event.time,
            key: event.key.map(|key| key.to_string()),
            actor: event.actor,
            actor_arn: event.actor_arn,
            ours: event.ours,
            source_address: event.source_address,
            user_agent: event.user_agent,
            event_id: event.event_id,
            request_id: event.request_id,
        }
    }
}
