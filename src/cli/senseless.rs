//! Flags of import that cannot be meant together, and what would help.

use std::path::{Path, PathBuf};

use super::args::{Global, ImportArgs};
use crate::draft::{folder_of, real};

impl ImportArgs {
    /// Why nothing can come of these flags, and what would help
    pub(super) fn objection(&self, global: &Global) -> Option<(String, &'static str)> {
        if self.new && !global.file.is_empty() {
            let sentence = "--new makes a manifest, and -f or KMS_ALIAS_FILE names one that is there";
            return Some((sentence.to_owned(), "leave one of the two out"));
        }
        if self.removed.is_some() && self.from_tfstate.is_none() && self.from_cloudformation.is_none() {
            let sentence = "--removed is for what Terraform or CloudFormation has made";
            return Some((
                sentence.to_owned(),
                "add --from-tfstate or --from-cloudformation, or leave --removed out",
            ));
        }
        if self.overwrite && self.out.is_none() && self.removed.is_none() {
            let sentence = "--overwrite is for the file of --out or --removed, and neither is named";
            let hint = "add --out FILE, which may be that of the manifest: `-f FILE --out FILE --overwrite` adds to it in place";
            return Some((sentence.to_owned(), hint));
        }
        if let Some(objection) = self.places.objection(global) {
            return Some(objection);
        }
        let files = [("--out", &self.out), ("--removed", &self.removed)];
        if let Some(objection) = self.overwritten(global) {
            return Some(objection);
        }
        let there =
            files.iter().find_map(|(flag, path)| Some((flag, path.as_deref().filter(|path| path.exists())?)));
        if let (Some((flag, path)), false) = (there, self.overwrite) {
            let sentence = format!("{flag}: there is a file {} already", path.display());
            return Some((sentence, "name another one, or add --overwrite"));
        }
        if files.iter().any(|(_, path)| path.as_deref() == Some(Path::new("-"))) {
            let sentence = "- is no file to write to";
            return Some((sentence.to_owned(), "leave --out out: the manifest then goes to stdout"));
        }
        let folderless = |(_, path): &(&str, &Option<PathBuf>)| {
            path.as_ref().is_some_and(|path| !folder_of(path).is_dir())
        };
        if let Some((flag, Some(path))) = files.iter().find(|file| folderless(file)) {
            let sentence = format!("{flag}: there is no folder {}", folder_of(path).display());
            return Some((sentence, "make it, or name another file"));
        }
        None
    }

    /// That a file would take the place of one that is needed
    fn overwritten(&self, global: &Global) -> Option<(String, &'static str)> {
        let one = |path: &'_ Option<PathBuf>| path.iter().map(|path| real(path)).collect::<Vec<_>>();
        let (out, removed) = (one(&self.out), one(&self.removed));
        let manifest: Vec<_> = global.file.iter().map(|path| real(path)).collect();
        let (state, stack) = (one(&self.from_tfstate), one(&self.from_cloudformation));
        let pairs = [
            (("--out", &out), ("--removed", &removed)),
            (("--out", &out), ("--from-tfstate", &state)),
            (("--out", &out), ("--from-cloudformation", &stack)),
            (("--removed", &removed), ("--from-tfstate", &state)),
            (("--removed", &removed), ("--from-cloudformation", &stack)),
            (("--removed", &removed), ("-f", &manifest)),
        ];
        let is_same =
            |((_, one), (_, other)): &(Named<'_>, Named<'_>)| one.iter().any(|path| other.contains(path));
        let ((one, _), (other, _)) = pairs.into_iter().find(is_same)?;
        Some((format!("{one} and {other} are the same file"), "name two files"))
    }
}

/// A flag, and the files that it names
type Named<'a> = (&'static str, &'a Vec<PathBuf>);
