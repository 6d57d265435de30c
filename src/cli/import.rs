//! `kms-alias import`: live aliases become a manifest whose plan is empty. It writes files, whole or not at all, and never an alias: it is
//! not handed a writer.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::args::ImportArgs;
use super::exit::Exit;
use super::places::{OWN, pins};
use super::prefixes::live_prefixes;
use super::{Session, default_manifest, select};
use crate::accept::files::{Revision, replace};
use crate::bounded::{Limit, read_text};
use crate::draft::{Readers, create, put};
use crate::import::claim::{Claims, Found, Home, Unfit, homes};
use crate::import::look::{Request, Seen, look_at};
use crate::import::skeleton::{Pin, Pins, folders, skeleton};
use crate::import::{Imported, cloudformation, few, import, terraform};
use crate::kms::Connect;
use crate::kms::connect::Options;
use crate::load::{Input, LoadError, Manifest, load};
use crate::render::harmless::guarded;
use crate::target::{Target, targets};

/// States of ten thousands of resources are some tens of MB
const LARGEST: Limit = Limit::mib(256);

/// What a new manifest is called where it must be called something
const UNNAMED: &str = "the new manifest";

/// What is read, or the exit code that ends it
pub(super) type Or<T> = anyhow::Result<Result<T, Exit>>;

impl Session<'_> {
    pub(super) async fn import<C: Connect>(
        &self,
        args: &ImportArgs,
        connect: impl Fn(Options) -> C,
    ) -> anyhow::Result<Exit> {
        if let Some((sentence, hint)) = args.objection(self.global) {
            return Ok(self.fail(Exit::Usage, &sentence, Some(hint)));
        }
        self.import_new(args, &connect).await
    }

    /// The same with flags that make sense
    pub(super) async fn import_new<C: Connect>(
        &self,
        args: &ImportArgs,
        connect: &impl Fn(Options) -> C,
    ) -> anyhow::Result<Exit> {
        let claims = match self.claims(args)? {
            Ok(claims) => claims,
            Err(exit) => return Ok(exit),
        };
        let (prefixes, refer) = (args.prefix.clone(), args.key_ref.clone());
        let request = Request { prefixes, claims, refer };
        let read = match !args.new && self.has_manifest() {
            true if args.places.is_said() => {
                let sentence = "--regions and --profiles are for a new manifest, and the targets of this one say where it is for";
                let hint = "choose among them with --target, or make a new manifest with --new";
                return Ok(self.fail(Exit::Usage, sentence, Some(hint)));
            }
            true => Box::pin(self.read_into_manifest(&request, connect)).await?,
            false => Box::pin(self.read_anew(args, &request, connect)).await?,
        };
        let (manifest, seen) = match read {
            Ok(read) => read,
            Err(exit) => return Ok(exit),
        };
        let imported = match import(&manifest, &seen, &request) {
            Ok(imported) => imported,
            Err(error) => {
                return Ok(self.fail(Exit::Runtime, &format!("failed to {error}"), Some(error.hint())));
            }
        };
        self.deliver(args, &manifest, &imported, &request)
    }

    /// Whether there is a manifest to add to: one that is named, or one where it is looked for
    fn has_manifest(&self) -> bool {
        let (file, folder) = (Path::new("aliases.yaml"), Path::new("aliases"));
        !self.global.file.is_empty() || default_manifest(file, folder).exists()
    }

    /// What another tool says that it has made
    fn claims(&self, args: &ImportArgs) -> Or<Option<Claims>> {
        type Reader = fn(&str) -> Result<Found, Unfit>;
        let sources: [(_, Reader); 2] = [
            (&args.from_tfstate, terraform::claims),
            (&args.from_cloudformation, |text| {
                Ok(Found { claims: cloudformation::claims(text)?, remarks: Vec::new() })
            }),
        ];
        for (path, claims) in sources {
            let Some(path) = path else { continue };
            let text = read_text(path, LARGEST).with_context(|| format!("read {}", path.display()))?;
            return Ok(match claims(text.trim_start_matches('\u{feff}')) {
                Ok(found) => {
                    found.remarks.iter().for_each(|remark| self.note("note", remark));
                    Ok(Some(found.claims))
                }
                Err(error) => {
                    let sentence = format!("failed to read {}: {error}", path.display());
                    Err(self.fail(Exit::Manifest, &sentence, Some(error.hint())))
                }
            });
        }
        Ok(Ok(None))
    }

    /// The manifest that there is, and its targets
    async fn read_into_manifest<C: Connect>(
        &self,
        request: &Request,
        connect: &impl Fn(Options) -> C,
    ) -> Or<(Manifest, Vec<Seen>)> {
        let manifest = match self.fleet_manifest(connect).await? {
            Ok(manifest) => manifest,
            Err(exit) => return Ok(Err(exit)),
        };
        if manifest.sources.len() != 1 {
            let sentence =
                format!("import adds to one file, and this manifest has {}", manifest.sources.len());
            let hint = "name one file with `-f FILE`, with the scope and the targets and `aliases: {}`; or make one with --new";
            return Ok(Err(self.fail(Exit::Usage, &sentence, Some(hint))));
        }
        let chosen = match select::targets(&manifest, &self.global.target, self.global.shard) {
            Ok(chosen) => chosen,
            Err(sentence) => return Ok(Err(self.fail(Exit::Usage, &sentence, None))),
        };
        if let Some(prefix) =
            request.prefixes.iter().find(|prefix| !chosen.iter().any(|one| meets(one, prefix)))
        {
            let sentence = format!("--prefix {prefix}: no target has anything of it in its scope");
            let hint = "name a part of the `scope` of the manifest, or widen that first";
            return Ok(Err(self.fail(Exit::Usage, &sentence, Some(hint))));
        }
        let seen = self.look(&chosen, request, connect).await?;
        Ok(seen.map(|seen| (manifest, seen)))
    }

    /// A manifest that is made for what is read
    async fn read_anew<C: Connect>(
        &self,
        args: &ImportArgs,
        request: &Request,
        connect: &impl Fn(Options) -> C,
    ) -> Or<(Manifest, Vec<Seen>)> {
        if !self.global.target.is_empty() || self.global.shard.is_some() {
            let sentence = "--target and --shard choose among the targets of a manifest, and there is none";
            return Ok(Err(self.fail(
                Exit::Usage,
                sentence,
                Some("name it with `-f FILE`, or leave the flag out"),
            )));
        }
        let names = request.claims.iter().flat_map(|claims| claims.keys()).map(|name| name.as_str());
        let prefixes = match request.prefixes.is_empty() {
            true => folders(names),
            false => request.prefixes.clone(),
        };
        if prefixes.is_empty() {
            return self.ask_for_prefixes(args, request, connect).await.map(Err);
        }
        if request.prefixes.is_empty() {
            self.note("note", &format!("the scope is {}, as narrow as the names allow", prefixes.join(", ")));
        }
        let homes = request.claims.as_ref().map(homes).unwrap_or_default();
        match homes.is_empty() {
            true => self.read_places(args, &prefixes, request, connect).await,
            false => self.read_homes(args, &prefixes, homes, request, connect).await,
        }
    }

    /// A manifest for the accounts and Regions that another tool names
    async fn read_homes<C: Connect>(
        &self,
        args: &ImportArgs,
        prefixes: &[Arc<str>],
        homes: BTreeSet<Home>,
        request: &Request,
        connect: &impl Fn(Options) -> C,
    ) -> Or<(Manifest, Vec<Seen>)> {
        if args.places.is_said() {
            let sentence =
                "--regions and --profiles: what is imported says itself of which accounts and Regions it is";
            let hint = "leave them out; where accounts need profiles or roles, name a manifest with its `targets` with -f";
            return Ok(Err(self.fail(Exit::Usage, sentence, Some(hint))));
        }
        let pins = homes.into_iter().map(|home| (home, Pin::default())).collect();
        let manifest = match self.told(new_manifest(prefixes, &pins)?)? {
            Ok(manifest) => manifest,
            Err(exit) => return Ok(Err(exit)),
        };
        let seen = self.look(&targets(&manifest), request, connect).await?;
        Ok(seen.map(|seen| (manifest, seen)))
    }

    /// A manifest for the places that flags say, or that of the credentials: which these are is known once they have been read
    async fn read_places<C: Connect>(
        &self,
        args: &ImportArgs,
        prefixes: &[Arc<str>],
        request: &Request,
        connect: &impl Fn(Options) -> C,
    ) -> Or<(Manifest, Vec<Seen>)> {
        let mut seen = match self.look(&args.places.targets(prefixes), request, connect).await? {
            Ok(seen) => seen,
            Err(exit) => return Ok(Err(exit)),
        };
        if !args.may_be_empty && seen.iter().all(|one| one.snapshot.live.is_empty()) {
            let homes: Vec<Home> = seen.iter().map(|one| Home::of(&one.identity)).collect();
            let sentence = format!("no alias is live under {} in {}", prefixes.join(", "), few(&homes));
            let hint = match args.prefix.is_empty() {
                true => {
                    "name the Region that is meant with --region, and see with `kms-alias doctor` whose credentials these are"
                }
                false => "run it without --prefix to see which prefixes are live",
            };
            return Ok(Err(self.fail(Exit::Usage, &sentence, Some(hint))));
        }
        let pins = match pins(&seen) {
            Ok(pins) => pins,
            Err(sentence) => return Ok(Err(self.fail(Exit::Usage, &sentence, Some("name one of the two")))),
        };
        let manifest = self.told(new_manifest(prefixes, &pins)?)?;
        self.warn_of_neighbours(prefixes, &seen);
        Ok(manifest.map(|manifest| {
            let targets = targets(&manifest);
            for one in &mut seen {
                let is_it = |target: &&Target| {
                    target.account.as_ref() == Some(&one.identity.account)
                        && target.region.as_ref() == Some(&one.identity.region)
                };
                one.target = targets.iter().find(is_it).cloned().unwrap_or_default();
            }
            (manifest, seen)
        }))
    }

    /// A prefix without a slash at its end owns what only begins like it, too
    fn warn_of_neighbours(&self, prefixes: &[Arc<str>], seen: &[Seen]) {
        for prefix in prefixes.iter().filter(|prefix| !prefix.ends_with('/')) {
            // One that is a whole name may well be meant.
            let is_neighbour =
                |name: &&str| name.strip_prefix(&**prefix).is_some_and(|rest| !rest.is_empty());
            let mut live = seen.iter().flat_map(|one| one.snapshot.live.keys()).map(|name| name.as_str());
            if let Some(neighbour) = live.find(is_neighbour) {
                let sentence = format!(
                    "the prefix {prefix} owns every name that begins so, as {neighbour} and {prefix}-2; {prefix}/ is only what lies in that folder"
                );
                self.note("note", &sentence);
            }
        }
    }

    /// Which names are theirs is for people to say; it is told what there is
    async fn ask_for_prefixes<C: Connect>(
        &self,
        args: &ImportArgs,
        request: &Request,
        connect: &impl Fn(Options) -> C,
    ) -> anyhow::Result<Exit> {
        let seen = match self.look_at_names(&args.places, request, connect).await? {
            Ok(seen) => seen,
            Err(exit) => return Ok(exit),
        };
        Ok(self.refuse_without_prefix("import", &live_prefixes(&seen)))
    }

    /// Reads these targets; one that cannot be read ends it, since what is not known must not look like what is not there
    pub(super) async fn look<C: Connect>(
        &self,
        chosen: &[Target],
        request: &Request,
        connect: &impl Fn(Options) -> C,
    ) -> Or<Vec<Seen>> {
        let sandbox = self.start_sandbox().await?;
        let connector = connect(self.options(sandbox.as_ref()));
        let progress = self.progress("reading targets", chosen.len(), "importing");
        let step = || progress.step();
        let looking = progress.during(look_at(chosen, request, &connector, self.global.parallelism, &step));
        let seen = tokio::select! {
            biased;
            () = self.stop.cancelled() => {
                let sentence = "asked to stop while reading; nothing was written";
                return Ok(Err(self.fail(self.stop.exit(), sentence, None)));
            }
            seen = looking => seen,
        };
        self.close(sandbox).await?;
        let troubles =
            chosen.iter().zip(&seen).filter_map(|(target, one)| Some((target, one.as_ref().err()?)));
        let told: Vec<_> = troubles
            .map(|(target, trouble)| {
                // Where nothing says otherwise there is one place, which needs no name.
                let place = if &*target.name == OWN { String::new() } else { format!("{}: ", target.name) };
                (format!("{place}failed to {}", trouble.sentence), trouble.hint.as_deref())
            })
            .collect();
        if told.is_empty() {
            return Ok(Ok(seen.into_iter().flatten().collect()));
        }
        let sentences: Vec<&str> = told.iter().map(|(sentence, _)| &**sentence).collect();
        let hint = told.iter().find_map(|(_, hint)| *hint);
        Ok(Err(self.fail_all(Exit::Runtime, &sentences, hint)))
    }

    /// Writes or prints what was made, and tells what else there is to know
    fn deliver(
        &self,
        args: &ImportArgs,
        manifest: &Manifest,
        imported: &Imported,
        request: &Request,
    ) -> anyhow::Result<Exit> {
        if args.out.is_none() && guarded(&imported.text) != imported.text {
            let sentence =
                "the manifest has characters that are not printed as they are, as line ends of Windows";
            return Ok(self.fail(Exit::Usage, sentence, Some("write it with `--out FILE`")));
        }
        let removal = request.claims.as_ref().map(|claims| match args.from_tfstate {
            Some(_) => terraform::removal(claims, &imported.taken),
            None => cloudformation::retention(&imported.taken),
        });
        match &args.out {
            Some(path) => write(path, args.overwrite, manifest, &imported.text)?,
            None => self.console.print(&imported.text)?,
        }
        if let (Some(path), Some(removal)) = (&args.removed, &removal) {
            place(path, args.overwrite, removal).with_context(|| format!("write {}", path.display()))?;
        }
        self.tell_imported(args, imported, request, removal.filter(|_| args.removed.is_none()));
        Ok(Exit::Success)
    }
}

fn new_manifest(prefixes: &[Arc<str>], pins: &Pins) -> anyhow::Result<Result<Manifest, LoadError>> {
    let bytes = skeleton(prefixes, pins)?.into_bytes();
    Ok(load(&[Input::Read { name: UNNAMED.to_owned(), bytes }]))
}

/// Whether the target owns a name that can begin with `prefix`
fn meets(target: &Target, prefix: &str) -> bool {
    target.scope.prefixes.iter().any(|own| own.starts_with(prefix) || prefix.starts_with(&**own))
}

/// Puts the text in its place: in that of the manifest that it comes from only if that has not changed since
fn write(path: &Path, overwrite: bool, manifest: &Manifest, text: &str) -> anyhow::Result<()> {
    let source = manifest.sources.iter().find(|source| {
        let own = source.path.as_ref().and_then(|own| own.canonicalize().ok());
        own.is_some() && own == path.canonicalize().ok()
    });
    match source {
        Some(source) => Ok(replace(&[Revision::new(source, text.to_owned())])?),
        None => place(path, overwrite, text).with_context(|| format!("write {}", path.display())),
    }
}

/// Puts a text where nothing is, or in the place of what is there if that was said
fn place(path: &Path, overwrite: bool, text: &str) -> std::io::Result<()> {
    match overwrite && path.exists() {
        true => put(path, text.as_bytes(), Readers::Kept),
        false => create(path, text.as_bytes(), Readers::Umask),
    }
}
