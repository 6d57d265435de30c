//! Bytes -> a file that is there whole or not at all: a draft beside it is written, synced, and takes its name in one step.
//!
//! What is in the place is replaced and never written into, a link as well; a place that is no file is left alone.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::bounded::unlike_a_file;

/// Who may read the file
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone
    Owner,
    /// As the umask says, as for any new file
    Umask,
    /// Those of the file that it replaces; its owner alone, where there is none
    Kept,
}

/// Puts `bytes` in the place of the file at `path`: a reader finds the old ones or the new ones
///
/// # Errors
/// The file system's, or what is there is no file. The old file is then as it was.
pub fn put(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let old = replaceable(path)?;
    let mut draft = begin(folder_of(path), readers)?;
    draft.write_all(bytes)?;
    if let (Readers::Kept, Some(old)) = (readers, old) {
        draft.as_file().set_permissions(old)?;
    }
    draft.as_file().sync_all()?;
    draft.persist(path)?;
    Ok(())
}

/// Puts a new file at `path`, where nothing may be by then, not even a link that leads nowhere
///
/// # Errors
/// The file system's, or something is there.
pub fn create(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let mut draft = begin(folder_of(path), readers)?;
    draft.write_all(bytes)?;
    draft.as_file().sync_all()?;
    draft.persist_noclobber(path)?;
    Ok(())
}

/// The permissions of the file that is there, if one is; devices, pipes and folders are not ours to replace, not even by the link
/// that leads to them: `/dev/stdout` is such a link
fn replaceable(path: &Path) -> io::Result<Option<Permissions>> {
    if leads_to_a_stream(path) {
        return Err(io::Error::other("it is a stream of this process, not a file"));
    }
    let there = match fs::metadata(path) {
        Ok(there) => there,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    match unlike_a_file(there.file_type()) {
        Some(kind) => Err(io::Error::other(format!("it is {kind}, not a file"))),
        None => Ok(Some(there.permissions())),
    }
}

/// Whether `path` is, or leads by links to, what a process has open: a file behind it is no reason to replace the link, which on
/// a whole machine is `/dev/stdout` for everybody
fn leads_to_a_stream(path: &Path) -> bool {
    /// As many as Linux follows
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(folder) = folder_of(&path).canonicalize() else { return false };
        if ["/dev/fd", "/proc"].iter().any(|system| folder.starts_with(system)) {
            return true;
        }
        let Ok(next) = fs::read_link(&path) else { return false };
        path = folder_of(&path).join(next);
    }
    true
}

/// The folder that a file at `path` lies in
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file that the path leads to, there or not
pub(crate) fn real(path: &Path) -> PathBuf {
    let in_folder = || Some(folder_of(path).canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(in_folder).unwrap_or_else(|| path.to_owned())
}

/// An empty file, with a name that nobody can foresee
pub(crate) fn begin(folder: &Path, readers: Readers) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".kms-alias-");
    #[cfg(unix)]
    if readers == Readers::Umask {
        // What the umask takes away is taken away when it is made.
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    builder.tempfile_in(folder).map_err(nameless)
}

/// What the system says of a draft, without the name of the draft: it is ours, and nobody asked for it
fn nameless(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.split_once(" at path ") {
        Some((said, _)) => io::Error::new(error.kind(), said),
        None => error,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_file_takes_the_place_of_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (there, link) = (folder.path().join("there"), folder.path().join("link"));
        fs::write(&there, "mine").unwrap();
        symlink("nowhere", &link).unwrap();
        for path in [&there, &link] {
            assert!(create(path, b"ours", Readers::Umask).is_err(), "{}", path.display());
        }
        assert_eq!(fs::read(&there).unwrap(), b"mine");
        assert!(fs::read_link(&link).is_ok());
        create(&folder.path().join("new"), b"ours", Readers::Umask).unwrap();
        assert_eq!(fs::read(folder.path().join("new")).unwrap(), b"ours");
    }

    #[test]
    fn the_owner_alone_or_whoever_reads_any_new_file_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let any = folder.path().join("any");
        fs::write(&any, "x").unwrap();
        for (readers, expected) in
            [(Readers::Owner, 0o600), (Readers::Umask, mode(&any)), (Readers::Kept, 0o600)]
        {
            let path = folder.path().join(format!("{readers:?}"));
            put(&path, b"x", readers).unwrap();
            assert_eq!(mode(&path), expected, "{readers:?}");
        }
        fs::set_permissions(&any, Permissions::from_mode(0o640)).unwrap();
        put(&any, b"y", Readers::Kept).unwrap();
        assert_eq!(mode(&any), 0o640);
    }

    #[test]
    fn a_link_is_replaced_and_what_it_leads_to_is_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        symlink(&file, &link).unwrap();
        put(&link, b"new", Readers::Umask).unwrap();
        assert_eq!((fs::read(&file).unwrap(), fs::read(&link).unwrap()), (b"old".to_vec(), b"new".to_vec()));
        assert!(!link.is_symlink());
    }

    #[test]
    fn what_is_no_file_is_left_alone_and_so_is_what_a_link_to_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (directory, link) = (folder.path().join("directory"), folder.path().join("link"));
        fs::create_dir(&directory).unwrap();
        symlink("/dev/null", &link).unwrap();
        for (path, kind) in [(&directory, "a directory"), (&link, "a device")] {
            let why = put(path, b"x", Readers::Umask).unwrap_err();
            assert_eq!(why.to_string(), format!("it is {kind}, not a file"));
        }
        let stream = folder.path().join("stream");
        symlink("/proc/self/fd/1", folder.path().join("fd")).unwrap();
        symlink("fd", &stream).unwrap();
        for path in [&*stream, Path::new("/dev/stdout"), Path::new("/dev/fd/1")] {
            // Whatever is behind it now: a terminal, a pipe or a file.
            let why = put(path, b"x", Readers::Umask).unwrap_err();
            assert_eq!(why.to_string(), "it is a stream of this process, not a file");
        }
        let why = put(&folder.path().join("nowhere/file"), b"x", Readers::Umask).unwrap_err();
        assert_eq!(
            why.to_string(),
            "No such file or directory (os error 2)",
            "our name for the draft is not told"
        );
        assert!(directory.is_dir() && link.is_symlink());
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 4, "no draft is left behind");
    }
}
