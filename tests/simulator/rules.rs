//! The rules that a run must keep, whatever the world does to it.

/// A rule
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Nothing outside the scope is written, nothing that is ignored, and no look is taken at AWS's own names
    Scope,
    /// Nothing is written unless the last listing was whole
    WholeListing,
    /// Nothing is written that the plan on stdout has not shown, and nothing of a plan that a guard refused
    Shown,
    /// Nothing of a saved plan is written where one of its aliases has moved since, nor of any plan but the one that was approved
    Stale,
    /// A revert changes only what its receipt says was written, from where that run is proven to have left it to where it was before
    Revert,
    /// A protected name is not harmed, and no name is deleted that the manifest keeps
    Kept,
    /// After a request to stop no write is begun, apart from the second half of a replacement
    Stop,
    /// No window of a second holds more requests than the rate of their lane
    Pace,
    /// No alias is taken from a key that the plan did not show, unless a look after the last write to it had shown that key
    Taken,
    /// What is said to be done was done, and what is said to be converged was shown by every replica
    Claim,
    /// Exit codes that say that nothing was written are true, and no run panics or ends as though it were called wrongly
    Exit,
    /// The report says of no alias that it was left alone which the run has changed
    Report,
    /// Every write is in the receipt before it leaves, and every change that was made is in what a run leaves behind
    Receipt,
    /// Without faults a run succeeds, further ones write nothing, and the world is as the manifest says
    Rest,
}

impl Rule {
    pub const ALL: [Self; 14] = [
        Self::Scope,
        Self::WholeListing,
        Self::Shown,
        Self::Stale,
        Self::Revert,
        Self::Kept,
        Self::Stop,
        Self::Pace,
        Self::Taken,
        Self::Claim,
        Self::Exit,
        Self::Report,
        Self::Receipt,
        Self::Rest,
    ];

    /// That this rule was broken, and how
    pub fn broken(self, why: String) -> Broken {
        Broken { rule: self, why }
    }
}

/// A rule that was broken
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Broken {
    pub rule: Rule,
    pub why: String,
}
