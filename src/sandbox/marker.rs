//! Markers: where the next page begins, in a form that nobody is tempted to read.

use serde_json::{Value, json};

use super::refusal::{ServiceError, invalid_marker};

/// The marker that says `text` about a listing of `kind`
pub(super) fn seal(kind: &str, text: &str) -> String {
    format!("{kind}/{text}").bytes().map(|byte| format!("{:02x}", byte ^ 0x5a)).collect()
}

/// What `marker` says, if it was made for a listing of `kind`
pub(super) fn open(kind: &str, marker: &str) -> Result<String, ServiceError> {
    let digits = marker.as_bytes().chunks(2);
    let byte = |pair: &[u8]| Some(u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()? ^ 0x5a);
    let bytes: Option<Vec<u8>> = digits.map(byte).collect();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let said = text.as_deref().and_then(|text| text.strip_prefix(kind)?.strip_prefix('/'));
    said.map(str::to_owned).ok_or_else(invalid_marker)
}

/// One page as the service writes it: the entries under `member`, and a marker where there are more
pub(super) fn page(member: &str, entries: Vec<Value>, next: Option<String>) -> Value {
    let mut page = json!({member: entries, "Truncated": next.is_some()});
    if let Some(marker) = next {
        page["NextMarker"] = marker.into();
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_opens_only_for_its_own_kind_of_listing_and_fits_the_services_length() {
        let marker = seal("aliases", &format!("0/{}", "x".repeat(256)));
        assert!(open("aliases", &marker).is_ok() && marker.len() <= 1024);
        for (kind, bad) in [("keys", &*marker), ("aliases", "zz"), ("aliases", "3b3"), ("aliases", "")] {
            assert_eq!(open(kind, bad), Err(invalid_marker()), "{kind} {bad}");
        }
    }
}
