//! Edited texts -> the files that hold them: each whole or not at all, with the mode and the owner that it had. The only file here
//! that touches the disk.

use std::fs::{self, File, Metadata};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::bounded;
use crate::draft::{Readers, begin, folder_of};
use crate::load::{LARGEST, Source};

/// A byte order mark, which the loader takes off
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// A file of the manifest, as it was read and as it is to be
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// As the user gave it; `None` for what was not read from a file
    pub path: Option<PathBuf>,
    /// As problems call it
    pub name: String,
    /// As it was read
    pub before: String,
    /// As it is to be
    pub after: String,
}

impl Revision {
    pub(crate) fn new(source: &Source, after: String) -> Self {
        let (path, name, before) = (source.path.clone(), source.name.to_string(), source.text.clone());
        Self { path, name, before, after }
    }
}

/// Why a file is not replaced
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is nothing to replace
    #[error("edit {0}: it is no regular file; nothing was written")]
    NoFile(String),
    /// It is another one by now
    #[error("edit {0}: it has changed since it was read; nothing was written")]
    Changed(String),
    /// The system's
    #[error("edit {name}; nothing was written")]
    Unwritable {
        /// The file
        name: String,
        /// Why
        #[source]
        source: io::Error,
    },
    /// The system's, after others had been replaced
    #[error("edit {name}, after these were written: {written}")]
    Halfway {
        /// The file
        name: String,
        /// The others
        written: String,
        /// Why
        #[source]
        source: io::Error,
    },
}

/// Puts every revision in the place of its file; all are ready before the first is replaced
///
/// # Errors
/// What keeps one from being replaced.
pub fn replace(revisions: &[Revision]) -> Result<(), FileError> {
    let drafts = revisions.iter().map(Draft::new).collect::<Result<Vec<_>, _>>()?;
    for (draft, revision) in drafts.iter().zip(revisions) {
        draft.check(revision)?;
    }
    let mut written: Vec<&str> = Vec::new();
    for (draft, Revision { name, .. }) in drafts.into_iter().zip(revisions) {
        let replaced = draft.file.persist(&draft.path);
        if let Err(error) = replaced {
            let (name, source) = (name.clone(), error.error);
            return Err(match written.is_empty() {
                true => FileError::Unwritable { name, source },
                false => FileError::Halfway { name, written: written.join(", "), source },
            });
        }
        written.push(name);
    }
    Ok(())
}

/// A file that is ready to take the place of another
struct Draft {
    /// At the end of every link
    path: PathBuf,
    file: NamedTempFile,
    mark: bool,
}

impl Draft {
    fn new(revision: &Revision) -> Result<Self, FileError> {
        let path = revision.path.as_deref().ok_or_else(|| FileError::NoFile(revision.name.clone()))?;
        let unwritable = |source| FileError::Unwritable { name: revision.name.clone(), source };
        let path = fs::canonicalize(path).map_err(unwritable)?;
        if !fs::metadata(&path).map_err(unwritable)?.is_file() {
            return Err(FileError::NoFile(revision.name.clone()));
        }
        let mark = read(&path, revision)?;
        let file = write(&path, mark, &revision.after).map_err(unwritable)?;
        Ok(Self { path, file, mark })
    }

    /// Writing takes a moment, too
    fn check(&self, revision: &Revision) -> Result<(), FileError> {
        match read(&self.path, revision)? == self.mark {
            true => Ok(()),
            false => Err(FileError::Changed(revision.name.clone())),
        }
    }
}

/// Whether the file, which is as it was, begins with a byte order mark
fn read(path: &Path, revision: &Revision) -> Result<bool, FileError> {
    let unwritable = |source| FileError::Unwritable { name: revision.name.clone(), source };
    let bytes = bounded::read(path, LARGEST).map_err(unwritable)?;
    let text = bytes.strip_prefix(MARK);
    match text.unwrap_or(&bytes) == revision.before.as_bytes() {
        true => Ok(text.is_some()),
        false => Err(FileError::Changed(revision.name.clone())),
    }
}

fn write(path: &Path, mark: bool, text: &str) -> io::Result<NamedTempFile> {
    let metadata = fs::metadata(path)?;
    // Whoever may not write it must not replace it either, though the directory would let them.
    File::options().append(true).open(path)?;
    let mut draft = begin(folder_of(path), Readers::Owner)?;
    draft.write_all(if mark { MARK } else { b"" })?;
    draft.write_all(text.as_bytes())?;
    own(draft.as_file(), &metadata)?;
    draft.as_file().set_permissions(metadata.permissions())?;
    draft.as_file().sync_all()?;
    Ok(draft)
}

/// Gives the draft the owner of the old file
#[cfg(unix)]
fn own(draft: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let new = draft.metadata()?;
    if (new.uid(), new.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(draft, Some(old.uid()), Some(old.gid()))
}

#[cfg(not(unix))]
fn own(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}
