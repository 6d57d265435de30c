//! What a scenario does to the pages of a listing: shorter ones, and markers that no whole listing has.

use serde_json::Value;

use super::scenario::PagingDefect;

/// What an operation calls the parts of its pages; the marker that a request begins at is `Marker` everywhere
#[derive(Clone, Copy, Debug)]
pub(super) struct Members {
    limit: &'static str,
    truncated: &'static str,
    next: &'static str,
}

impl Members {
    /// Those of `operation`, if it answers in pages
    pub(super) fn of(operation: &str) -> Option<Self> {
        match operation {
            "GetAccountAuthorizationDetails" => {
                Some(Self { limit: "MaxItems", truncated: "IsTruncated", next: "Marker" })
            }
            listing if listing.starts_with("List") => {
                Some(Self { limit: "Limit", truncated: "Truncated", next: "NextMarker" })
            }
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

    /// The page that began at `marker`, with what is wrong with it
    pub(super) fn with_defect(self, mut page: Value, defect: Option<PagingDefect>, marker: &Value) -> Value {
        let (Some(defect), true) = (defect, page[self.truncated] == true) else { return page };
        match defect {
            PagingDefect::RepeatedMarker if marker.is_string() => page[self.next] = marker.clone(),
            PagingDefect::RepeatedMarker => {}
            PagingDefect::MissingMarker => {
                page.as_object_mut().and_then(|members| members.remove(self.next));
            }
            PagingDefect::EmptyMarker => page[self.next] = "".into(),
            PagingDefect::StrayMarker => page[self.truncated] = false.into(),
        }
        page
    }
}
