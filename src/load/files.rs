//! Paths and standard input -> sources: directories walked in path order, bytes checked to be UTF-8. The only file of the
//! loader that reads the disk.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Input;
use super::problem::{Problem, Problems};
use super::source::{Source, Spot};

/// Every source of `inputs` that could be read, in order
pub(super) fn read(inputs: &[Input], found: &mut Problems) -> Vec<Arc<Source>> {
    let mut sources = Vec::new();
    for input in inputs {
        match input {
            Input::Stdin(bytes) => sources.extend(decode("<stdin>", bytes.clone(), found)),
            Input::Read { name, bytes } => sources.extend(decode(name, bytes.clone(), found)),
            Input::Path(path) if path.is_dir() => read_directory(path, &mut sources, found),
            Input::Path(path) => sources.extend(read_file(path, found)),
        }
    }
    if inputs.is_empty() {
        found.add(Problem::error("no-manifest", "no manifest is named").help("name one with `-f PATH`"));
    }
    sources
}

fn read_directory(path: &Path, sources: &mut Vec<Arc<Source>>, found: &mut Problems) {
    let mut files = Vec::new();
    if let Err(problem) = walk(path, &mut Vec::new(), &mut files) {
        found.add(*problem);
    } else if files.is_empty() {
        let message = format!("the directory `{}` holds no manifest", path.display());
        found.add(
            Problem::error("no-manifest", message)
                .help("put files named `*.yaml` or `*.yml` in it, or name another path with `-f PATH`"),
        );
    }
    files.sort();
    sources.extend(files.iter().filter_map(|file| read_file(file, found)));
}

/// Of a directory, the files with these endings are the manifest
pub(crate) fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Names that begin with a dot are skipped: editors, version control and the Kubernetes volumes that mount a file twice use them.
pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// Adds the YAML files under `directory`
fn walk(directory: &Path, above: &mut Vec<PathBuf>, files: &mut Vec<PathBuf>) -> Result<(), Box<Problem>> {
    let real = fs::canonicalize(directory).map_err(|error| unreadable(directory, &error))?;
    if above.contains(&real) {
        let message = format!("`{}` is a link to a directory above it", directory.display());
        return Err(Box::new(Problem::error("unreadable", message).help("take the link out")));
    }
    above.push(real);
    for entry in fs::read_dir(directory).map_err(|error| unreadable(directory, &error))? {
        let path = entry.map_err(|error| unreadable(directory, &error))?.path();
        if path.file_name().is_some_and(is_hidden) {
            continue;
        } else if path.is_dir() {
            walk(&path, above, files)?;
        } else if is_yaml(&path) {
            files.push(path);
        }
    }
    above.pop();
    Ok(())
}

fn read_file(path: &Path, found: &mut Problems) -> Option<Arc<Source>> {
    match fs::read(path) {
        Ok(bytes) => decode(&path.display().to_string(), bytes, found),
        Err(error) => {
            found.add(*unreadable(path, &error));
            None
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Box<Problem> {
    let path = path.display();
    Box::new(match error.kind() {
        io::ErrorKind::NotFound => Problem::error("not-found", format!("there is no `{path}` here"))
            .help("name the manifest with `-f PATH`: a file, a directory, or `-` for standard input"),
        io::ErrorKind::PermissionDenied => {
            Problem::error("unreadable", format!("`{path}` may not be read by this user"))
        }
        _ => Problem::error("unreadable", format!("`{path}` cannot be read: {error}")),
    })
}

fn decode(name: &str, mut bytes: Vec<u8>, found: &mut Problems) -> Option<Arc<Source>> {
    if u32::try_from(bytes.len()).is_err() {
        let message = format!("`{name}` is larger than 4 GiB");
        found.add(Problem::error("too-large", message).help("split it into files of one directory"));
        return None;
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        bytes.drain(..3);
    }
    match String::from_utf8(bytes) {
        Ok(text) => Some(Arc::new(Source { name: name.into(), text })),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            found.add(not_utf8(name, error.as_bytes(), valid));
            None
        }
    }
}

fn not_utf8(name: &str, bytes: &[u8], valid: usize) -> Problem {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let source = Arc::new(Source { name: name.into(), text });
    let spot = Spot::counted(&source, valid, char::REPLACEMENT_CHARACTER.len_utf8());
    let wide = bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
    let message = if wide { "the file is UTF-16, not UTF-8" } else { "this byte is not UTF-8" };
    let label = bytes.get(valid).map_or(String::new(), |byte| format!("0x{byte:02X}"));
    Problem::error("not-utf-8", message).at(&spot, label).help("save the file as UTF-8")
}
