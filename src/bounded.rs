//! A path or a stream -> its bytes, if they are no more than somebody could have meant. Whatever a person names is read through
//! here, so that `/dev/zero`, a pipe that nobody writes to, or a file of the wrong kind is an error and no full memory.

use std::fmt;
use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::path::Path;

/// Bytes; a file may have this many
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub u64);

impl Limit {
    /// So many mebibytes
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }
}

impl fmt::Display for Limit {
    /// `256 MiB`, `1000 bytes`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = self;
        match bytes % (1 << 20) {
            0 => write!(f, "{} MiB", bytes >> 20),
            _ => write!(f, "{bytes} bytes"),
        }
    }
}

/// Why something is not read, besides what the system says; it travels inside an [`io::Error`]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbounded {
    /// It has more bytes than allowed
    #[error("it is larger than {0}, the most that is read here")]
    Larger(Limit),
    /// It need not have an end, or a beginning
    #[error("it is {0}, not a file")]
    NoFile(&'static str),
}

impl Unbounded {
    /// The one that `error` carries
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }

    /// What would help
    pub fn hint(self) -> &'static str {
        match self {
            Self::Larger(_) => "see with `ls -lL PATH` whether this is the file that is meant",
            Self::NoFile(_) => "name a file; `cat PATH > FILE` makes one of whatever has an end",
        }
    }
}

impl From<Unbounded> for io::Error {
    fn from(why: Unbounded) -> Self {
        let kind = match why {
            Unbounded::Larger(_) => io::ErrorKind::FileTooLarge,
            Unbounded::NoFile(_) => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, why)
    }
}

/// The bytes of the file at `path`
///
/// # Errors
/// It cannot be read, has more bytes than `limit`, or is no file: opening a named pipe waits for whoever writes to it.
pub fn read(path: &Path, limit: Limit) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if let Some(kind) = endless(metadata.file_type()).filter(|kind| *kind != PIPE || !is_inherited(path)) {
        return Err(Unbounded::NoFile(kind).into());
    }
    // Before anything is read, since what is too large need not come from the disk at all.
    if metadata.len() > limit.0 {
        return Err(Unbounded::Larger(limit).into());
    }
    drain(File::open(path)?, limit)
}

/// The same as text
///
/// # Errors
/// As [`read`], and where it is not UTF-8.
pub fn read_text(path: &Path, limit: Limit) -> io::Result<String> {
    let text = String::from_utf8(read(path, limit)?);
    text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("it is not UTF-8: {error}")))
}

/// Everything that `stream` holds
///
/// # Errors
/// The stream's, or it holds more than `limit`.
pub fn drain(stream: impl Read, limit: Limit) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(limit.0.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit.0 { Err(Unbounded::Larger(limit).into()) } else { Ok(bytes) }
}

const PIPE: &str = "a pipe";

/// What it is, if it is no file
pub fn unlike_a_file(kind: FileType) -> Option<&'static str> {
    if kind.is_dir() { Some("a directory") } else { endless(kind) }
}

/// What it is, if it need not have an end
#[cfg(unix)]
fn endless(kind: FileType) -> Option<&'static str> {
    use std::os::unix::fs::FileTypeExt;
    let kinds = [
        (kind.is_fifo(), PIPE),
        (kind.is_socket(), "a socket"),
        (kind.is_char_device() || kind.is_block_device(), "a device"),
    ];
    kinds.into_iter().find(|(is, _)| *is).map(|(_, name)| name)
}

#[cfg(not(unix))]
fn endless(_: FileType) -> Option<&'static str> {
    None
}

/// Whether it is a pipe that this process was started with, as in `-f <(generate)`: nothing is waited for when it is opened
fn is_inherited(path: &Path) -> bool {
    path == Path::new("/dev/stdin") || path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_byte_that_is_allowed_is_read_and_one_more_is_an_error() {
        let limit = Limit(1000);
        let file = tempfile::NamedTempFile::new().unwrap();
        for (length, fits) in [(999, true), (1000, true), (1001, false)] {
            let bytes = vec![b'x'; length];
            fs::write(file.path(), &bytes).unwrap();
            for read in [read(file.path(), limit), drain(&*bytes, limit)] {
                assert_eq!(read.is_ok_and(|read| read == bytes), fits, "{length}");
            }
        }
        let refused = drain(io::repeat(b'x'), Limit::mib(1)).unwrap_err();
        assert_eq!(Unbounded::of(&refused), Some(Unbounded::Larger(Limit::mib(1))));
        assert_eq!(refused.to_string(), "it is larger than 1 MiB, the most that is read here");
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_end_is_not_even_opened() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, kind) in [(Path::new("/dev/zero"), "a device"), (&socket, "a socket")] {
            let refused = read(path, Limit::mib(1)).unwrap_err();
            assert_eq!(Unbounded::of(&refused), Some(Unbounded::NoFile(kind)), "{}", path.display());
        }
    }
}
