//! What requests show besides their answers: where they went, by which credentials, and what time it is over there. Pure.

/// What is known of the way to a target, once a request has been made
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// Where requests to the key service went, as `https://kms.us-east-1.amazonaws.com`
    pub endpoint: Option<String>,
    /// Where the credentials come from, in words, as `environment variables`
    pub credentials: Option<&'static str>,
    /// By how many seconds our clock is ahead of the service's; negative where it is behind
    pub ahead: Option<i64>,
}

impl Contact {
    /// Takes what the service said is the time, at a moment of ours; both in seconds since 1970
    pub(super) fn set_clock(&mut self, theirs: i64, ours: i64) {
        self.ahead = Some(ours.saturating_sub(theirs));
    }
}
