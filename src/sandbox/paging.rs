//! What a scenario does to the pages of a listing: shorter ones, and markers that no whole listing has.

use serde_json::Value;

use super::organization;
use super::scenario::PagingDefect;

/// What an operation calls the parts of its pages
#[derive(Clone, Copy, Debug)]
pub(super) struct Members {
    limit: &'static str,
    /// Where a request begins
    from: &'static str,
    /// What says that more follows; nothing but the marker itself where there is none
    truncated: Option<&'static str>,
    next: &'static str,
}

impl Members {
    /// Those of `operation`, if it answers in pages
    pub(super) fn of(operation: &str) -> Option<Self> {
        match operation {
            "GetAccountAuthorizationDetails" => Some(Self {
                limit: "MaxItems",
                from: "Marker",
                truncated: Some("IsTruncated"),
                next: "Marker",
            }),
            listing if organization::is_operation(listing) => {
                Some(Self { limit: "MaxResults", from: "NextToken", truncated: None, next: "NextToken" })
            }
            listing if listing.starts_with("List") => Some(Self {
                limit: "Limit",
                from: "Marker",
                truncated: Some("Truncated"),
                next: "NextMarker",
            }),
            _ => None,
        }
    }

    /// The input that asks for pages of at most `limit` entries
    pub(super) fn limited(self, input: &Value, limit: Option<u64>) -> Value {
        let mut input = input.clone();
        if let Some(limit) = limit.filter(|_| input.is_object()) {
            let asked = input[self.limit].as_u64().unwrap_or(u64::MAX);
            input[self.limit] = asked.min(limit).into();
        }
        input
    }

    /// The page that `input` asked for, with what is wrong with it
    pub(super) fn with_defect(self, mut page: Value, defect: Option<PagingDefect>, input: &Value) -> Value {
        let more = self.truncated.map_or(page[self.next].is_string(), |truncated| page[truncated] == true);
        let (Some(defect), true) = (defect, more) else { return page };
        let marker = &input[self.from];
        match defect {
            PagingDefect::RepeatedMarker if marker.is_string() => page[self.next] = marker.clone(),
            PagingDefect::RepeatedMarker => {}
            // Where only the marker says that more follows, none is the end, and nobody could tell.
            PagingDefect::MissingMarker | PagingDefect::StrayMarker if self.truncated.is_none() => {}
            PagingDefect::MissingMarker => {
                page.as_object_mut().and_then(|members| members.remove(self.next));
            }
            PagingDefect::EmptyMarker => page[self.next] = "".into(),
            PagingDefect::StrayMarker => page[self.truncated.unwrap_or_default()] = false.into(),
        }
        page
    }
}
