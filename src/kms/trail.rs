//! CloudTrail, by the AWS SDK: LookupEvents, as the boundary gives it on.

use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};

use super::answer::unreadable;
use super::aws::{AwsKms, flatten};
use super::{EventPage, KmsError, TrailRead};

const OPERATION: &str = "LookupEvents";

/// The most that LookupEvents takes, and its default
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>).
const PAGE: i32 = 50;

impl TrailRead for AwsKms {
    /// Without a time range it goes back as far as the service does, 90 days
    async fn event_page(&self, name: &str, token: Option<&str>) -> Result<EventPage, KmsError> {
        let named = LookupAttribute::builder().attribute_key(LookupAttributeKey::EventName);
        let named = named.attribute_value(name).build();
        let named = named.map_err(|e| unreadable(OPERATION, &e.to_string()))?;
        let request = self.clients.trail().lookup_events().lookup_attributes(named).max_results(PAGE);
        let answer = request.set_next_token(token.map(str::to_owned)).send().await;
        let page = answer.map_err(|e| flatten(OPERATION, e))?;
        // An answer without members must not pass for a Region in which nothing has happened.
        let events = page.events.ok_or_else(|| unreadable(OPERATION, "no Events"))?;
        // One without its text is as good as one whose text cannot be read: it is counted with those.
        let events = events.into_iter().map(|event| event.cloud_trail_event.unwrap_or_default());
        let next_token = page.next_token.filter(|token| !token.is_empty());
        Ok(EventPage { events: events.collect(), next_token })
    }
}
