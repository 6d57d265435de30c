//! Paths and standard input -> sources: directories walked in path order, bytes checked to be UTF-8 and not too many. The only
//! file of the loader that reads the disk.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Input;
use super::problem::{Problem, Problems};
use super::source::{Source, Spot};
use crate::bounded::{self, Limit, Unbounded};
use crate::render::style::harmless;

/// A million aliases are 58 MB
pub const LARGEST: Limit = Limit::mib(256);
/// Files and directories that one directory leads to; links can make many of few
const MOST_FILES: usize = 10_000;

/// Every source of `inputs` that could be read, in order
pub(super) fn read(inputs: &[Input], found: &mut Problems) -> Vec<Arc<Source>> {
    let mut reader = Reader { sources: Vec::new(), left: LARGEST.0, found };
    for input in inputs {
        match input {
            Input::Stdin(bytes) => reader.take("<stdin>", None, bytes.clone()),
            Input::Read { name, bytes } => reader.take(name, None, bytes.clone()),
            Input::Path(path) if path.is_dir() => reader.read_directory(path),
            Input::Path(path) => reader.read_file(path),
        }
    }
    if inputs.is_empty() {
        reader
            .found
            .add(Problem::error("no-manifest", "no manifest is named").help("name one with `-f PATH`"));
    }
    reader.sources
}

/// What has been read so far
struct Reader<'f> {
    sources: Vec<Arc<Source>>,
    /// Bytes that may still be read: the limit is that of all files together
    left: u64,
    found: &'f mut Problems,
}

impl Reader<'_> {
    fn read_directory(&mut self, path: &Path) {
        let mut walk = Walk::default();
        if let Err(problem) = walk.enter(path) {
            self.found.add(*problem);
        } else if walk.files.is_empty() {
            let message = format!("the directory `{}` holds no manifest", path.display());
            self.found.add(
                Problem::error("no-manifest", message)
                    .help("put files named `*.yaml` or `*.yml` in it, or name another path with `-f PATH`"),
            );
        }
        walk.files.sort();
        walk.files.iter().for_each(|file| self.read_file(file));
    }

    fn read_file(&mut self, path: &Path) {
        match bounded::read(path, Limit(self.left)) {
            Ok(bytes) => self.take(&path.display().to_string(), Some(path), bytes),
            Err(error) => self.found.add(*unreadable(path, &error)),
        }
    }

    fn take(&mut self, name: &str, path: Option<&Path>, bytes: Vec<u8>) {
        let name = harmless(name);
        match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => {
                self.left = left;
                self.sources.extend(decode(&name, path, bytes, self.found));
            }
            None => self.found.add(too_large(&name)),
        }
    }
}

fn too_large(name: &str) -> Problem {
    let message = format!("`{name}` makes the manifest larger than {LARGEST}, the most that is read");
    Problem::error("too-large", message).help("see whether it is the file that is meant, or split the manifest: several, each with a scope of its own")
}

/// Of a directory, the files with these endings are the manifest
pub(crate) fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Names that begin with a dot are skipped: editors, version control and the Kubernetes volumes that mount a file twice use them.
pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// The way through a directory
#[derive(Default)]
struct Walk {
    /// The directories that lead here, links resolved
    above: Vec<PathBuf>,
    files: Vec<PathBuf>,
    /// Files and directories so far
    met: usize,
}

impl Walk {
    /// Adds the YAML files under `directory`
    fn enter(&mut self, directory: &Path) -> Result<(), Box<Problem>> {
        let real = fs::canonicalize(directory).map_err(|error| unreadable(directory, &error))?;
        if self.above.contains(&real) {
            let message = format!("`{}` is a link to a directory above it", directory.display());
            return Err(Box::new(Problem::error("unreadable", message).help("take the link out")));
        }
        self.above.push(real);
        for entry in fs::read_dir(directory).map_err(|error| unreadable(directory, &error))? {
            let path = entry.map_err(|error| unreadable(directory, &error))?.path();
            if path.file_name().is_some_and(is_hidden) {
                continue;
            } else if path.is_dir() {
                self.count(&path)?;
                self.enter(&path)?;
            } else if is_yaml(&path) {
                self.count(&path)?;
                self.files.push(path);
            }
        }
        self.above.pop();
        Ok(())
    }

    fn count(&mut self, path: &Path) -> Result<(), Box<Problem>> {
        self.met += 1;
        if self.met <= MOST_FILES {
            return Ok(());
        }
        let message =
            format!("`{}` is one file or directory too many: {MOST_FILES} are read", path.display());
        let help =
            "name a directory that holds the manifest alone, and take links between directories out of it";
        Err(Box::new(Problem::error("too-many-files", message).help(help)))
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Box<Problem> {
    if let Some(why) = Unbounded::of(error) {
        let path = path.display();
        return Box::new(match why {
            Unbounded::Larger(_) => too_large(&path.to_string()),
            why => Problem::error("unreadable", format!("`{path}` cannot be read: {why}"))
                .help("name a file or a directory, or pass it through `-f -`"),
        });
    }
    let path = path.display();
    Box::new(match error.kind() {
        io::ErrorKind::NotFound => Problem::error("not-found", format!("there is no `{path}` here"))
            .help("name the manifest with `-f PATH`: a file, a directory, or `-` for stdin; `kms-alias init` makes one of what is live"),
        io::ErrorKind::PermissionDenied => {
            Problem::error("unreadable", format!("`{path}` may not be read by this user"))
        }
        _ => Problem::error("unreadable", format!("`{path}` cannot be read: {error}")),
    })
}

/// The text in `bytes`, byte order mark taken off
pub(crate) fn decode(
    name: &str,
    path: Option<&Path>,
    mut bytes: Vec<u8>,
    found: &mut Problems,
) -> Option<Arc<Source>> {
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        bytes.drain(..3);
    }
    match String::from_utf8(bytes) {
        Ok(text) => Some(Arc::new(Source { name: name.into(), path: path.map(Path::to_owned), text })),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            found.add(not_utf8(name, error.as_bytes(), valid));
            None
        }
    }
}

fn not_utf8(name: &str, bytes: &[u8], valid: usize) -> Problem {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let source = Arc::new(Source { name: name.into(), path: None, text });
    let spot = Spot::counted(&source, valid, char::REPLACEMENT_CHARACTER.len_utf8());
    let wide = bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
    let message = if wide { "the file is UTF-16, not UTF-8" } else { "this byte is not UTF-8" };
    let label = bytes.get(valid).map_or(String::new(), |byte| format!("0x{byte:02X}"));
    Problem::error("not-utf-8", message).at(&spot, label).help("save the file as UTF-8")
}
