//! The trees of all files -> one manifest: versions checked first, settings from one file, aliases from all. Pure.

use semver::{Version, VersionReq};

use super::aliases;
use super::check;
use super::language::MANIFEST;
use super::manifest::Manifest;
use super::node::{Kind, Node};
use super::organization::Discovered;
use super::overrides;
use super::problem::{Problem, Problems};
use super::read::{Fields, text};
use super::select::Selectors;
use super::settings;
use super::targets;
use super::yaml::empty;

/// The manifest, or `None` where problems leave none to judge. `complete` is false where a file could not be read: what is
/// missing here may well be there.
pub(super) fn read(
    trees: Vec<Node>,
    complete: bool,
    discovered: &Discovered,
    found: &mut Problems,
) -> Option<Manifest> {
    if let Some(problem) = trees.iter().find_map(gate) {
        // Whatever else is wrong may be right in that other version.
        *found = Problems::default();
        found.add(problem);
        return None;
    }
    let roots: Vec<_> = trees.iter().filter_map(|tree| root(tree, found)).collect();
    let complete = complete && roots.len() == trees.len();
    if let (true, Some(first)) = (complete, trees.first()) {
        require_keys(first, &roots, found);
    }
    one_file_has_settings(&roots, found);
    let main = roots.iter().find(|root| first_setting(root).is_some()).or(roots.first())?;
    let manifest = assemble(main, &roots, complete, discovered, found);
    // They are as large as all that was read from them.
    drop(trees);
    check::manifest(&manifest, found);
    Some(manifest)
}

fn assemble(
    main: &Fields<'_>,
    roots: &[Fields<'_>],
    complete: bool,
    discovered: &Discovered,
    found: &mut Problems,
) -> Manifest {
    if let Some(node) = main.get("required_version") {
        check_requirement(node, found);
    }
    let settings = settings::read(main, found);
    let targets = targets::read(main.get("targets"), discovered, found);
    let instances = targets::instances(&targets, found);
    let mut selectors = Selectors::new(&targets.specs, &instances, complete);
    let [overrides, exceptions] = overrides::read(&targets, &instances, found);
    let nodes: Vec<_> = roots.iter().filter_map(|root| root.get("aliases")).collect();
    let shared = aliases::read_shared(&nodes, &mut selectors, found);
    let layers = [shared, overrides, exceptions];
    let (warnings, sources, discovered) = (Problems::default(), Vec::new(), discovered.clone());
    Manifest { settings, targets: targets.specs, instances, layers, warnings, sources, discovered }
}

fn root<'n>(tree: &'n Node, found: &mut Problems) -> Option<Fields<'n>> {
    if tree.kind() == Kind::Null {
        found.add(empty(&tree.spot));
        return None;
    }
    Fields::read(tree, &MANIFEST, found)
}

/// Why this program cannot judge the file at all
fn gate(tree: &Node) -> Option<Problem> {
    let fields = Fields::of(tree)?;
    let version = fields.get("version").and_then(wrong_version);
    version.or_else(|| fields.get("required_version").and_then(wrong_program))
}

fn wrong_version(node: &Node) -> Option<Problem> {
    if node.kind() == Kind::Number && node.text() == "1" {
        return None;
    }
    let message = format!("`version` is {}, and this program reads version 1", shown(node));
    let later = node.kind() == Kind::Number && node.text().parse().is_ok_and(|version: u32| version > 1);
    let help = if later { "a later kms-alias may read it: install that" } else { "write `version: 1`" };
    Some(Problem::error("version", message).at(&node.spot, "").help(help))
}

fn shown(node: &Node) -> String {
    match node.kind() {
        Kind::Text => format!("the text \"{}\"", node.text()),
        Kind::Number | Kind::Bool(_) => format!("`{}`", node.text()),
        kind => kind.name().to_owned(),
    }
}

fn wrong_program(node: &Node) -> Option<Problem> {
    let wanted = VersionReq::parse(node.text()).ok().filter(|_| node.kind() == Kind::Text)?;
    let own = Version::parse(env!("CARGO_PKG_VERSION")).ok()?;
    let message = format!("this manifest wants kms-alias {wanted}, and this is {own}");
    let problem = Problem::error("required-version", message).at(&node.spot, "");
    (!wanted.matches(&own))
        .then(|| problem.help("install a version that it wants, or change `required_version`"))
}

fn require_keys(first: &Node, roots: &[Fields<'_>], found: &mut Problems) {
    for (key, help) in [
        ("version", "add the line `version: 1`"),
        (
            "scope",
            "add the prefixes this manifest owns, as in `scope: [alias/app/]`: nothing outside is ever touched",
        ),
        ("aliases", "add `aliases:`; if none is meant, write `aliases: {}`"),
    ] {
        if roots.iter().all(|root| root.get(key).is_none()) {
            let problem = Problem::error("missing-key", format!("the manifest has no `{key}`"));
            found.add(problem.at(&first.spot, "").help(help));
        }
    }
}

/// The key of the first setting in a file; `version` and `aliases` may stand in every file
fn first_setting<'n>(root: &Fields<'n>) -> Option<&'n Node> {
    let settings = MANIFEST.names().filter(|key| !["version", "aliases"].contains(key));
    let keys = settings.filter_map(|key| root.pair(key)).map(|(key, _)| key);
    keys.min_by_key(|key| key.spot.range().start)
}

fn one_file_has_settings(roots: &[Fields<'_>], found: &mut Problems) {
    let mut settings = roots.iter().filter_map(first_setting);
    let Some(first) = settings.next() else { return };
    for other in settings {
        let message = format!("`{}` is set here, and settings belong into one file", other.text());
        let problem = Problem::error("settings-twice", message).at(&other.spot, "");
        let note = "the settings are in this file";
        found.add(problem.also(&first.spot, note).help("move it there; the other files hold `aliases` only"));
    }
}

/// Whether `required_version` can be understood; whether it is met has been checked first of all
fn check_requirement(node: &Node, found: &mut Problems) {
    let Some(text) = text(node, "a version requirement as text", found) else { return };
    if let Err(error) = VersionReq::parse(text) {
        let message = format!("`{text}` is not a version requirement: {error}");
        found.add(
            Problem::error("required-version", message)
                .at(&node.spot, "")
                .help("write it as in \">=0.1, <2\""),
        );
    }
}
