//! The machine -> how many targets are read at once where nobody says.
//!
//! Reading a target takes 1.5 ms of a core, and waits for three answers one after the other: more at once are faster until the cores are
//! busy. Ten times as many targets are written to, with a connection each, and those have to stay below the limit of open files.

use std::thread::available_parallelism;

use super::apply::WRITTEN_FOR_ONE_READ;

/// Targets for each core
const A_CORE: usize = 10;
/// So many keep a core busy with answers that take 30 ms each (docs/performance.md)
const MOST: usize = 64;
/// Open files that are no connections to the service: streams, the receipt, what the runtime has
const OTHERS: usize = 56;

/// For this machine
pub(super) fn fitting() -> usize {
    fit(available_parallelism().map_or(1, usize::from), open_files())
}

fn fit(cores: usize, files: usize) -> usize {
    let connected = files.saturating_sub(OTHERS) / WRITTEN_FOR_ONE_READ;
    cores.saturating_mul(A_CORE).clamp(A_CORE, MOST).min(connected.max(1))
}

/// How many files this process may have open, by its soft limit
#[cfg(unix)]
fn open_files() -> usize {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).current.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX))
}

/// How many files this process may have open: there is no such limit here
#[cfg(not(unix))]
fn open_files() -> usize {
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_with_the_cores_and_leaves_files_for_every_connection() {
        let limits = [256, 1024, usize::MAX];
        let fitted = |cores| limits.map(|files| fit(cores, files));
        assert_eq!(fitted(1), [10, 10, 10]);
        assert_eq!(fitted(2), [20, 20, 20]);
        assert_eq!(fitted(4), [20, 40, 40]);
        assert_eq!(fitted(96), [20, 64, 64]);
        assert_eq!(fit(8, 0), 1);
    }
}
