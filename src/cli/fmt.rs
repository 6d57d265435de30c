//! `kms-alias fmt`: the files of the manifest, written as everybody writes them; offline.

use super::Session;
use super::args::FmtArgs;
use super::exit::Exit;
use crate::accept::files::{Revision, replace};
use crate::render::harmless::{guarded, harmless};
use crate::render::unified::unified;
use crate::tidy::tidy;

impl Session<'_> {
    pub(super) fn fmt(&self, args: &FmtArgs) -> anyhow::Result<Exit> {
        let manifest = match self.manifest()? {
            Ok(manifest) => manifest,
            Err(exit) => return Ok(exit),
        };
        let revision = |source| Ok(Revision::new(source, tidy(source)?));
        let revisions =
            manifest.sources.iter().map(|source| revision(source)).collect::<anyhow::Result<Vec<_>>>()?;
        let (files, streams): (Vec<_>, Vec<_>) =
            revisions.into_iter().partition(|revision| revision.path.is_some());
        let changed: Vec<Revision> = files.into_iter().filter(differs).collect();
        if args.check {
            return self.check(changed.into_iter().chain(streams.into_iter().filter(differs)));
        }
        replace(&changed)?;
        for Revision { name, .. } in &changed {
            self.console.print(&format!("{}\n", harmless(name)))?;
        }
        for Revision { after, .. } in &streams {
            self.print_text(after)?;
        }
        Ok(Exit::Success)
    }

    fn check(&self, changed: impl Iterator<Item = Revision>) -> anyhow::Result<Exit> {
        let mut exit = Exit::Success;
        for Revision { name, before, after, .. } in changed {
            let name = harmless(&name);
            self.console.print(&unified(&before, &after, &name, &format!("{name} (formatted)")))?;
            exit = Exit::Differences;
        }
        Ok(exit)
    }

    /// What came through stdin goes to stdout, which shows no text that does something to a terminal or a job
    fn print_text(&self, text: &str) -> anyhow::Result<()> {
        let unix = text.replace("\r\n", "\n");
        anyhow::ensure!(
            guarded(&unix) == unix,
            "print the manifest: it holds what stdout does not take; name its file with -f"
        );
        Ok(self.console.print_guarded(text)?)
    }
}

fn differs(revision: &Revision) -> bool {
    revision.before != revision.after
}
