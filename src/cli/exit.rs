//! The exit codes, as a type.

/// How the program ends; where several apply, [`Exit::worse`] decides
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Success; in sync
    Success,
    /// The service, the network, credentials, I/O: the retriable class. A target that could not be read forces it
    Runtime,
    /// Differences, where they were asked about
    Differences,
    /// The manifest is invalid
    Manifest,
    /// Refused, held or declined: nothing was written
    Refused,
    /// A saved plan is stale, or not the one that was approved: nothing was written
    Stale,
    /// Some actions failed or were held, or the target did not converge in time; running again is safe
    Incomplete,
    /// The command line makes no sense
    Usage,
    /// Asked to stop by SIGINT
    Interrupted,
    /// Asked to stop by SIGTERM
    Terminated,
}

impl Exit {
    /// The one that says most first
    const ORDER: [Self; 10] = [
        Self::Interrupted,
        Self::Terminated,
        Self::Usage,
        Self::Incomplete,
        Self::Runtime,
        Self::Stale,
        Self::Refused,
        Self::Manifest,
        Self::Differences,
        Self::Success,
    ];

    /// The code that the shell sees
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Runtime => 1,
            Self::Differences => 2,
            Self::Manifest => 3,
            Self::Refused => 4,
            Self::Stale => 5,
            Self::Incomplete => 6,
            Self::Usage => 64,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// What this code says; `None` where it is none of them
    pub fn of(code: u8) -> Option<Self> {
        Self::ORDER.into_iter().find(|exit| exit.code() == code)
    }

    /// The one of the two that says more: a request to stop, then 6, 1, 5, 4, 3, 2, 0
    pub fn worse(self, other: Self) -> Self {
        *Self::ORDER.iter().find(|exit| **exit == self || **exit == other).unwrap_or(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_in_part_outranks_what_could_not_be_read_and_that_a_refusal() {
        let ranked = [
            Exit::Incomplete,
            Exit::Runtime,
            Exit::Stale,
            Exit::Refused,
            Exit::Manifest,
            Exit::Differences,
            Exit::Success,
        ];
        for (i, worse) in ranked.iter().enumerate() {
            for better in &ranked[i..] {
                assert_eq!(worse.worse(*better), *worse);
                assert_eq!(better.worse(*worse), *worse);
            }
        }
    }
}
