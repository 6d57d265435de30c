//! The rules of paging: which marker is the next one, and which is none that a whole listing can have. Pure.
//!
//! The SDK's own paginator ends quietly where a marker is missing, so pages are turned by hand.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

/// Twice what a Region at its quota of 100,000 keys with 50 aliases each can fill, so a listing this long never ends
const MOST: u32 = 100_000;

/// Bytes; no request of KMS takes a longer marker
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html>). IAM gives no limit, and its markers are far shorter
const LONGEST: usize = 1024;

/// Why pages are no whole listing
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageFault {
    /// The service says that more follows, and not where
    #[error("page {0} says that more follow but gives no marker")]
    NoMarker(u32),
    /// The service says that nothing follows, and where
    #[error("page {0} says that no more follow but gives a marker")]
    StrayMarker(u32),
    /// The service says more than any request could say back to it
    #[error("page {0} ends with a marker of more than {1} bytes")]
    LongMarker(u32, usize),
    /// The service sends us round in a circle
    #[error("page {0} ends with a marker that came before")]
    RepeatedMarker(u32),
    /// There is no end to it
    #[error("no end after {0} pages")]
    Endless(u32),
}

/// The pages of one listing, as far as they have been read
#[derive(Debug)]
pub struct Pages {
    read: u32,
    /// Bytes that a marker may have
    longest: usize,
    /// What shows a marker that came before, and is no longer than it has to be
    markers: HashSet<[u8; 32]>,
}

impl Default for Pages {
    fn default() -> Self {
        Self::with_markers(LONGEST)
    }
}

impl Pages {
    /// Those of a service whose markers have at most so many bytes
    pub fn with_markers(longest: usize) -> Self {
        Self { read: 0, longest, markers: HashSet::new() }
    }

    /// The number of the page that is read next, counted from 1
    pub fn number(&self) -> u32 {
        self.read + 1
    }

    /// Where the next page begins, after one that ended like this; `None` at the end of the listing
    ///
    /// # Errors
    /// The end or the marker is one that no whole listing has.
    pub fn turn(&mut self, truncated: bool, marker: Option<String>) -> Result<Option<String>, PageFault> {
        self.read += 1;
        let next = match (truncated, marker.filter(|marker| !marker.is_empty())) {
            (false, None) => return Ok(None),
            (false, Some(_)) => return Err(PageFault::StrayMarker(self.read)),
            (true, None) => return Err(PageFault::NoMarker(self.read)),
            (true, Some(next)) => next,
        };
        if next.len() > self.longest {
            return Err(PageFault::LongMarker(self.read, self.longest));
        }
        if !self.markers.insert(Sha256::digest(&next).into()) {
            return Err(PageFault::RepeatedMarker(self.read));
        }
        if self.read >= MOST { Err(PageFault::Endless(self.read)) } else { Ok(Some(next)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_new_marker_leads_on_and_only_its_absence_ends() {
        let turn = |pages: &mut Pages, truncated, marker: &str| {
            pages.turn(truncated, Some(marker.to_owned()).filter(|marker| marker != "none"))
        };
        let mut pages = Pages::default();
        assert_eq!(turn(&mut pages, true, "a"), Ok(Some("a".to_owned())));
        assert_eq!((turn(&mut pages, true, "b"), pages.number()), (Ok(Some("b".to_owned())), 3));
        assert_eq!(turn(&mut pages, false, "none"), Ok(None));
        for (truncated, marker, fault) in [
            (true, "none", PageFault::NoMarker(2)),
            (true, "", PageFault::NoMarker(2)),
            (false, "b", PageFault::StrayMarker(2)),
            (true, "a", PageFault::RepeatedMarker(2)),
        ] {
            let mut pages = Pages::default();
            turn(&mut pages, true, "a").unwrap();
            assert_eq!(turn(&mut pages, truncated, marker), Err(fault));
        }
    }

    #[test]
    fn a_marker_that_no_request_can_carry_leads_nowhere() {
        let turn = |length| Pages::default().turn(true, Some("x".repeat(length)));
        assert!(turn(LONGEST).is_ok());
        assert_eq!(turn(LONGEST + 1), Err(PageFault::LongMarker(1, LONGEST)));
        let turn = |length| Pages::with_markers(3).turn(true, Some("x".repeat(length)));
        assert_eq!((turn(3).is_ok(), turn(4)), (true, Err(PageFault::LongMarker(1, 3))));
    }

    #[test]
    fn a_listing_that_never_ends_is_given_up() {
        let mut pages = Pages::default();
        let first = (1..).find_map(|page| pages.turn(true, Some(format!("page {page}"))).err());
        assert_eq!(first, Some(PageFault::Endless(MOST)));
    }
}
