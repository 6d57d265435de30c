//! Where a receipt lies, and how it comes to be there: complete from its first line, readable by its owner alone, and never in
//! the place of another file.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::event::{Begin, Event};
use super::{Receipt, Sink, Sync, line, timestamp};
use crate::bounded::unlike_a_file;
use crate::draft::{Readers, begin as begin_draft, folder_of};
use etcetera::BaseStrategy;

/// Why a receipt could not be begun; nothing has been written to the service then
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is no folder for it
    #[error("find a folder for the receipt: {0}")]
    NoFolder(String),
    /// The folder cannot be made
    #[error("make the folder {} for the receipt", .0.display())]
    Folder(PathBuf, #[source] io::Error),
    /// Something is there already
    #[error("write the receipt {}: there is a file already, which is never overwritten", .0.display())]
    Exists(PathBuf),
    /// What is there is no file, and no receipt can be
    #[error("write the receipt {}: it is {}, not a file", .0.display(), .1)]
    NoFile(PathBuf, &'static str),
    /// It cannot be written
    #[error("write the receipt {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

impl FileError {
    /// What would help
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Exists(_) => "name another with --receipt PATH, or move that one away",
            _ => "name a place that can be written with --receipt PATH",
        }
    }
}

/// The default place: `kms-alias-receipt-TIME-DIGEST.jsonl` in the user's state directory
///
/// # Errors
/// The user has no home.
pub fn default_path(digest: &str) -> Result<PathBuf, FileError> {
    let strategy = etcetera::choose_base_strategy().map_err(|e| FileError::NoFolder(e.to_string()))?;
    // Windows has no such directory; its data directory is the nearest.
    let state = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    Ok(state.join("kms-alias").join(name(digest, &timestamp())))
}

/// The time down to milliseconds, and as much of the digest as tells plans apart; no file system minds any of its letters
fn name(digest: &str, time: &str) -> String {
    let time = time.replace(['-', ':'], "");
    let digest: String = digest.trim_start_matches("sha256:").chars().take(12).collect();
    format!("kms-alias-receipt-{time}-{digest}.jsonl")
}

/// Begins a receipt at `path`
///
/// The file gets its name only once its first line is on disk, so that nobody ever finds half a beginning.
///
/// # Errors
/// It cannot be written, or something is there already, a link that leads nowhere included.
pub fn create(path: &Path, begin: Begin) -> Result<Receipt, FileError> {
    let wrong = |error| FileError::Write(path.to_owned(), error);
    if let Some(kind) = std::fs::metadata(path).ok().and_then(|there| unlike_a_file(there.file_type())) {
        return Err(FileError::NoFile(path.to_owned(), kind));
    }
    let folder = folder_of(path);
    make_folder(folder).map_err(|error| FileError::Folder(folder.to_owned(), error))?;
    let mut draft = begin_draft(folder, Readers::Owner).map_err(wrong)?;
    let first = line(Event::Begin(begin)).map_err(|why| wrong(io::Error::other(why)))?;
    draft.write_all(first.as_bytes()).and_then(|()| draft.as_file().sync_all()).map_err(wrong)?;
    let file = draft.persist_noclobber(path).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => FileError::Exists(path.to_owned()),
        _ => wrong(error.error),
    })?;
    sync_folder(folder).map_err(wrong)?;
    Ok(Receipt { place: Some(path.to_owned()), ..Receipt::new(Box::new(Lines(file.into()))) })
}

/// Makes the folder, and those on the way to it, so that a power cut takes none of them
fn make_folder(folder: &Path) -> io::Result<()> {
    let is_new = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let new: Vec<&Path> = folder.ancestors().take_while(is_new).collect();
    build(folder)?;
    new.into_iter().try_for_each(|made| sync_folder(folder_of(made)))
}

/// Whether others may put files in the folder that `path` lies in, and replace those that are there
#[cfg(unix)]
pub fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    /// Others may write
    const OTHERS: u32 = 0o002;
    /// They may not touch what is not theirs, as in /tmp
    const STICKY: u32 = 0o1000;
    let mode = folder_of(path).metadata().map(|folder| folder.permissions().mode());
    mode.is_ok_and(|mode| mode & OTHERS != 0 && mode & STICKY == 0)
}

/// Whether others may put files in the folder that `path` lies in: that cannot be told here
#[cfg(not(unix))]
pub fn is_open_to_others(_: &Path) -> bool {
    false
}

#[cfg(unix)]
fn build(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn build(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

/// A new name outlives a power cut once its folder is synced too
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

struct Lines(Arc<File>);

impl Sink for Lines {
    fn append(&mut self, line: &str) -> io::Result<()> {
        (&*self.0).write_all(line.as_bytes())
    }

    fn sync(&self) -> Option<Sync> {
        let file = self.0.clone();
        Some(Box::new(move || file.sync_data()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_time_and_tell_plans_apart() {
        let name = name("sha256:0123456789abcdef0123", "2026-11-18T11:06:40.007Z");
        assert_eq!(name, "kms-alias-receipt-20261118T110640.007Z-0123456789ab.jsonl");
    }
}
