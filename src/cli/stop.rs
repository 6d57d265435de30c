//! The request to stop, and the exit code that it leads to.

use std::ops::Deref;
use std::sync::OnceLock;

use tokio_util::sync::CancellationToken;

use super::exit::Exit;

/// Asked for once; what is under way then is finished, and nothing new begun
#[derive(Debug, Default)]
pub struct Stop {
    token: CancellationToken,
    by: OnceLock<Exit>,
}

impl Stop {
    /// Asks to stop; the first to ask decides how the program ends
    pub fn ask(&self, exit: Exit) {
        let _ = self.by.set(exit);
        self.token.cancel();
    }

    /// How the program ends that was asked to stop
    pub fn exit(&self) -> Exit {
        self.by.get().copied().unwrap_or(Exit::Interrupted)
    }
}

impl Deref for Stop {
    type Target = CancellationToken;

    fn deref(&self) -> &CancellationToken {
        &self.token
    }
}
