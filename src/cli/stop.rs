//! The request to stop, and the exit code that it leads to.

use std::ops::Deref;
use std::sync::OnceLock;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::exit::Exit;

/// Asked for once; what is under way then is finished, and nothing new begun
#[derive(Debug, Default)]
pub struct Stop {
    token: CancellationToken,
    by: OnceLock<Exit>,
    /// How much is under way that looks for the request and comes to an end by itself
    heeding: watch::Sender<usize>,
}

/// Something under way that looks for the request to stop; until it is dropped, nobody else ends the program
#[derive(Debug)]
pub struct Heeding<'a>(&'a Stop);

impl Drop for Heeding<'_> {
    fn drop(&mut self) {
        self.0.heeding.send_modify(|count| *count -= 1);
    }
}

impl Stop {
    /// Asks to stop; the first to ask decides how the program ends
    pub fn ask(&self, exit: Exit) {
        let _ = self.by.set(exit);
        self.token.cancel();
    }

    /// Says that what follows looks for the request, and leaves nothing half done
    pub fn heed(&self) -> Heeding<'_> {
        self.heeding.send_modify(|count| *count += 1);
        Heeding(self)
    }

    /// Waits until nothing looks for the request
    pub async fn unheeded(&self) {
        // The sender is ours, so there is one.
        let _ = self.heeding.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Whether something looks for the request
    pub fn is_heeded(&self) -> bool {
        *self.heeding.borrow() > 0
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
