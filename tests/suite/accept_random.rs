//! Random manifests in every style, on random live worlds: `drift --write-config` keeps every comment and every line that it need
//! not change, never finds its own edit wrong, and what it has accepted is no drift any more.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{Home, Key, KeyState, Scenario, World};
use proptest::prelude::*;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use tempfile::TempDir;

use crate::fake::{A, ACCOUNT, B, C, FakeConnect, FakeKms, REGION};
use crate::ran::{Ran, run_args};

const NAMES: [&str; 6] =
    ["alias/app/a", "alias/app/b", "alias/app/c", "alias/app/d", "alias/app/e", "alias/app/f"];
const PLACES: [(&str, &str); 3] = [(ACCOUNT, REGION), (ACCOUNT, "us-west-2"), ("444455556666", REGION)];
/// Two that work, one that waits for its deletion
const KEYS: [&str; 3] = [A, B, C];
/// Of these keys, where they have any: as comments, they may come and go
const DESCRIPTIONS: [&str; 3] = ["comment 4", "comment 6", "comment 7"];

/// What is written of one name in one layer
#[derive(Clone, Debug)]
struct Line {
    /// Index of a key; then absent, a selection, the name before it, an anchor
    want: usize,
    style: usize,
    comments: (bool, bool),
    protects: bool,
}

#[derive(Clone, Debug)]
struct Layout {
    shared: Vec<Option<Line>>,
    /// Of the first target, and of its second Region
    overrides: [Vec<Option<Line>>; 2],
    /// Whether targets and maps are written with braces
    flow: [bool; 2],
    targets: bool,
    prune: bool,
    windows: bool,
    ends: bool,
    live: Vec<Option<usize>>,
    chosen: usize,
    /// Whether two of the comments may also be what an import would say of the keys
    described: bool,
}

fn any_layout() -> impl Strategy<Value = Layout> {
    let line = (0..8usize, 0..6usize, any::<(bool, bool)>(), prop::bool::weighted(0.2));
    let line = line.prop_map(|(want, style, comments, protects)| Line { want, style, comments, protects });
    let lines = |often| prop::collection::vec(prop::option::weighted(often, line.clone()), NAMES.len());
    let live = prop::option::weighted(0.7, prop_oneof![4 => 0..2usize, 1 => Just(2usize)]);
    let live = prop::collection::vec(live, NAMES.len() * PLACES.len());
    let switches = (any::<[bool; 2]>(), any::<[bool; 5]>(), 0..3usize);
    (lines(0.7), lines(0.2), lines(0.2), live, switches).prop_map(|(shared, one, two, live, switches)| {
        let (flow, [targets, prune, windows, ends, described], chosen) = switches;
        Layout { shared, overrides: [one, two], flow, targets, prune, windows, ends, live, chosen, described }
    })
}

impl Line {
    fn value(&self, at: usize) -> String {
        let want = match self.want {
            key @ 0..=2 => KEYS[key].to_owned(),
            3 => "absent".to_owned(),
            4 => format!("{{tags: {{app: {}}}}}", &KEYS[at % 2][..4]),
            5 if at > 0 => NAMES[at - 1].to_owned(),
            6 => "*key".to_owned(),
            _ => A.to_owned(),
        };
        let was = format!(", protect: [delete], previously: [alias/app/was-{at}]");
        let more = if self.protects { &was } else { "" };
        if self.want == 7 && self.style == 4 {
            return format!("{{<<: *more, description: merged{more}}}");
        }
        let plain = !want.starts_with(['{', '*']);
        match self.style {
            0 if plain && !self.protects => format!("\"{want}\""),
            1 if plain && !self.protects => format!("'{want}'"),
            2 if want == "absent" => format!("{{absent: true{more}}}"),
            _ if !plain || self.protects || self.style == 3 => format!("{{key: {want}{more}}}"),
            _ => want,
        }
    }

    /// Its lines, as block style has them
    fn block(&self, at: usize, margin: &str, comments: &mut impl FnMut(bool) -> String) -> String {
        let above = comments(self.comments.0);
        let above = if above.is_empty() { above } else { format!("{margin}{}\n", above.trim_start()) };
        let name = NAMES[at];
        if self.want == 4 && self.style > 3 {
            let (one, two) = (comments(self.comments.0), comments(self.comments.1));
            let app = &KEYS[at % 2][..4];
            return format!(
                "{above}{margin}{name}:\n{margin}  key:{one}\n{margin}    tags:\n{margin}      app: {app}{two}\n"
            );
        }
        if self.want < 3 && self.style == 5 && !self.protects {
            let (key, two) = (KEYS[self.want], comments(self.comments.1));
            return format!(
                "{above}{margin}{name}:\n{margin}  description: \"no # comment\"\n{margin}  key: {key}{two}\n"
            );
        }
        format!("{above}{margin}{name}: {}{}\n", self.value(at), comments(self.comments.1))
    }
}

fn map(
    lines: &[Option<Line>],
    margin: &str,
    flow: bool,
    comments: &mut impl FnMut(bool) -> String,
) -> String {
    let written = || lines.iter().enumerate().filter_map(|(at, line)| Some((at, line.as_ref()?)));
    if flow || written().next().is_none() {
        let pairs: Vec<_> =
            written().map(|(at, line)| format!("{}: {}", NAMES[at], line.value(at))).collect();
        return format!(" {{{}}}{}\n", pairs.join(", "), comments(true));
    }
    format!("{}\n", comments(true))
        + &written().map(|(at, line)| line.block(at, margin, comments)).collect::<String>()
}

impl Layout {
    fn text(&self) -> String {
        let mut count = 0;
        let mut comments = |wanted: bool| {
            count += 1;
            if wanted { format!("  # comment {count}") } else { String::new() }
        };
        let mut text = format!(
            "version: 1{}\nscope: [alias/app/]\nx-key: &key {B}\nx-more: &more {{key: {A}}}\nprune: {}\n",
            comments(true),
            self.prune
        );
        if self.targets {
            text += &self.targets_text(&mut comments);
        }
        text += "aliases:";
        text += &map(&self.shared, "  ", self.flow[1], &mut comments);
        text += "# the end\n";
        let text = if self.ends { text } else { text.trim_end().to_owned() };
        if self.windows { text.replace('\n', "\r\n") } else { text }
    }

    fn targets_text(&self, comments: &mut impl FnMut(bool) -> String) -> String {
        let place = format!("accounts: [\"{ACCOUNT}\"]");
        let [own, one] = &self.overrides;
        let has = |lines: &[Option<Line>]| lines.iter().any(Option::is_some);
        let mut text = format!(
            "targets:\n  prod:{}\n    {place}\n    regions: [us-east-1, us-west-2]\n",
            comments(true)
        );
        if self.flow[0] {
            let inner = map(own, "", true, &mut |_| String::new());
            text = format!(
                "targets:\n  prod: {{{place}, regions: [us-east-1, us-west-2], overrides:{}}}\n",
                inner.trim_end()
            );
        } else if has(own) || has(one) {
            text += "    overrides:\n";
            let written = own.iter().enumerate().filter_map(|(at, line)| Some((at, line.as_ref()?)));
            text.extend(written.map(|(at, line)| line.block(at, "      ", comments)));
            if has(one) {
                text += &format!("      prod/{ACCOUNT}/us-west-2:{}", map(one, "        ", false, comments));
            }
        }
        text + "  # the other\n  other: {account: \"444455556666\", region: us-east-1}\n"
    }

    fn world(&self) -> World {
        let mut world = World::default();
        for (place, (account, region)) in PLACES.iter().enumerate() {
            let home = Home::new(account, region);
            for (id, description) in KEYS.into_iter().zip(DESCRIPTIONS) {
                let key = Key::new(id).tagged("app", &id[..4]);
                world.put_key(&home, if self.described { key.described(description) } else { key });
            }
            world.set_key_state(&home, C, KeyState::PendingDeletion);
            for (name, key) in NAMES.iter().zip(&self.live[place * NAMES.len()..]) {
                if let Some(key) = key {
                    world.put_alias(&home, name, Some(KEYS[*key]), 0);
                }
            }
        }
        world
    }

    /// Those that have to stay
    fn comments<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let begins = |line: &str| line.find("  # ").or_else(|| line.find("# the"));
        let all = text.lines().filter_map(|line| Some(line[begins(line)?..].trim()));
        let comes_and_goes = |comment: &str| DESCRIPTIONS.contains(&comment.trim_start_matches("# "));
        all.filter(|comment| !(self.described && comes_and_goes(comment))).collect()
    }

    /// What the command line leaves out
    fn args(&self) -> &'static [&'static str] {
        match (self.chosen, self.targets) {
            (1, true) => &["-t", "prod/*/us-west-2"],
            (2, _) => &["--exclude-alias", "alias/app/c"],
            _ => &[],
        }
    }
}

async fn drift(kms: &FakeKms, path: &Path, args: &[&str]) -> Ran {
    let path = path.to_str().unwrap();
    run_args(|_| FakeConnect(kms.clone()), &[&["drift", "-f", path], args].concat(), None).await
}

/// Names that differ, each with its target, and those on keys that cannot be used
fn differing(ran: &Ran) -> BTreeSet<(String, String)> {
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    let mut all = BTreeSet::new();
    for target in document["targets"].as_array().unwrap() {
        let broken = target["unusable"].as_array();
        for change in target["changes"].as_array().unwrap().iter().chain(broken.into_iter().flatten()) {
            all.insert((target["name"].to_string(), change["alias"].to_string()));
        }
    }
    all
}

/// Lines that are gone say what an alias is
fn check_lines(before: &str, after: &str) {
    let diff = TextDiff::from_lines(before, after);
    for change in diff.iter_all_changes().filter(|change| change.tag() == ChangeTag::Delete) {
        let line = change.value();
        let may = [
            "alias/app/",
            "key:",
            "tags:",
            "app:",
            "overrides:",
            "the end",
            "targets:",
            "prod:",
            "other:",
            "aliases:",
        ];
        assert!(may.iter().any(|word| line.contains(word)), "{line:?} is gone:\n{after}");
    }
}

async fn check(layout: &Layout) -> Option<()> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("aliases.yaml");
    let before = layout.text();
    fs::write(&file, &before).unwrap();
    let kms = FakeKms::new(layout.world(), Scenario::default());
    let found = drift(&kms, &file, &[layout.args(), &["-o", "json"]].concat()).await;
    if found.exit == Exit::Manifest {
        return None;
    }
    let ran = drift(&kms, &file, &[layout.args(), &["--write-config"]].concat()).await;
    let after = fs::read_to_string(&file).unwrap();
    let told = format!("{}{}\n{before}\n{after}", ran.out, ran.err);
    assert!(matches!(ran.exit, Exit::Success | Exit::Differences), "{:?} {told}", ran.exit);
    assert_eq!(layout.comments(&before), layout.comments(&after), "{told}");
    assert_eq!(before.ends_with('\n'), after.ends_with('\n'), "{told}");
    assert!(!layout.windows || !after.replace("\r\n", "").contains('\n'), "{told}");
    check_lines(&before, &after);
    let again = drift(&kms, &file, &[layout.args(), &["-o", "json"]].concat()).await;
    assert!(ran.exit != Exit::Success || again.exit == Exit::Success, "{told}{}", again.out);
    let (old, new) = (differing(&found), differing(&again));
    assert!(new.is_subset(&old), "{:?} differ now: {told}", new.difference(&old));
    for (target, name) in &new {
        let accepted = format!("\naccepted {} in {}:", name.trim_matches('"'), target.trim_matches('"'));
        assert!(!ran.out.contains(&accepted), "{accepted} and differs: {told}");
    }
    assert!(old.is_empty() || !new.is_empty() || ran.exit == Exit::Success, "{told}");
    Some(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, max_global_rejects: 100_000, ..ProptestConfig::default() })]
    #[test]
    fn what_is_accepted_is_no_drift_any_more_and_all_else_is_as_it_was(layout in any_layout()) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        prop_assume!(runtime.block_on(check(&layout)).is_some());
    }
}
