//! Random live worlds, imported into random manifests: what comes of it loads, its plan is empty, and all that was written before is there.

use std::fs;

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{Home, Key, KeyState, Scenario, World};
use proptest::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

use crate::fake::{A, ACCOUNT, B, C, FakeConnect, FakeKms, REGION};
use crate::ran::{Ran, run_args};

const NAMES: [&str; 7] = [
    "alias/app/a",
    "alias/app/b",
    "alias/app/b/c",
    "alias/app/Upper_1",
    "alias/app/tmp/x",
    "alias/app-x",
    "alias/other/y",
];
const MRK: &str = "mrk-0000aaaa0000aaaa0000aaaa0000aaaa";
const KEYS: [&str; 4] = [A, B, C, MRK];
const PLACES: [(&str, &str); 3] = [(ACCOUNT, REGION), (ACCOUNT, "us-west-2"), ("444455556666", REGION)];
const WAYS: [&str; 4] = ["id", "arn", "tags", "tags=app"];

#[derive(Clone, Debug)]
struct Case {
    /// By place and name
    live: Vec<Option<usize>>,
    /// By place and key: its tag, its description, whether it is disabled
    keys: Vec<(usize, String, bool)>,
    /// Of the first names, whether the manifest has them already
    declared: [Option<usize>; 2],
    way: usize,
    flow: bool,
    windows: bool,
}

fn any_case() -> impl Strategy<Value = Case> {
    let live = prop::collection::vec(prop::option::weighted(0.6, 0..KEYS.len()), PLACES.len() * NAMES.len());
    let key = (0..5usize, "[ -~\n\r\t\u{85}\u{a0}\u{200b}\u{2028}é#:]{0,100}", prop::bool::weighted(0.1));
    let keys = prop::collection::vec(key, PLACES.len() * KEYS.len());
    let declared = [prop::option::weighted(0.3, 0..2usize), prop::option::weighted(0.3, 0..2usize)];
    (live, keys, declared, 0..WAYS.len(), any::<bool>(), any::<bool>()).prop_map(
        |(live, keys, declared, way, flow, windows)| Case { live, keys, declared, way, flow, windows },
    )
}

/// Values of the tag, some of which mean more to YAML
const TAGS: [&str; 5] = ["billing", "true", "1e3", "a: b", "x, {y}"];

impl Case {
    fn world(&self) -> World {
        let mut world = World::default();
        for (place, (account, region)) in PLACES.iter().enumerate() {
            let home = Home::new(account, region);
            for (id, (tag, description, disabled)) in KEYS.iter().zip(&self.keys[place * KEYS.len()..]) {
                let key = Key::new(id).described(description).tagged("app", TAGS[*tag]);
                world.put_key(&home, key.tagged("n: o", &id[..6]));
                if *disabled {
                    world.set_key_state(&home, id, KeyState::Disabled);
                }
            }
            for (name, key) in NAMES.iter().zip(&self.live[place * NAMES.len()..]) {
                if let Some(key) = key {
                    world.put_alias(&home, name, Some(KEYS[*key]), 0);
                }
            }
        }
        world
    }

    fn manifest(&self) -> String {
        let mut text = format!(
            "# one\nversion: 1\nscope: [alias/app]  # two\nignore: [\"alias/app/tmp/**\"]\ntargets:\n  prod:\n    account: \"{ACCOUNT}\"  # three\n    \
            regions: [us-east-1, us-west-2]\n  dev: {{account: \"444455556666\", region: us-east-1}}\naliases:"
        );
        let declared = NAMES.iter().zip(&self.declared).filter_map(|(name, key)| Some((name, KEYS[(*key)?])));
        let declared: Vec<_> = declared.map(|(name, key)| format!("{name}: {key}")).collect();
        match (declared.is_empty(), self.flow) {
            (true, _) => text += " {}",
            (false, true) => text += &format!(" {{{}}}", declared.join(", ")),
            (false, false) => declared.iter().for_each(|one| text += &format!("\n    {one}")),
        }
        text += "  # four\n# five\n";
        if self.windows { text.replace('\n', "\r\n") } else { text }
    }

    /// Names in scope that are not declared, over all targets
    fn wanted(&self) -> usize {
        let live = self.live.iter().enumerate().filter(|(_, key)| key.is_some());
        let names = live.map(|(at, _)| NAMES[at % NAMES.len()]);
        let declared: Vec<_> = NAMES
            .iter()
            .zip(&self.declared)
            .filter(|(_, key)| key.is_some())
            .map(|(name, _)| *name)
            .collect();
        names
            .filter(|name| {
                name.starts_with("alias/app")
                    && !name.starts_with("alias/app/tmp/")
                    && !declared.contains(name)
            })
            .count()
    }
}

async fn run(kms: &FakeKms, args: &[&str]) -> Ran {
    run_args(|_| FakeConnect(kms.clone()), args, None).await
}

/// Changes that a plan would make, and names that it finds unmanaged
async fn planned(kms: &FakeKms, path: &str) -> (Vec<String>, usize) {
    let ran = run(kms, &["plan", "--read", "list", "-f", path, "-o", "json"]).await;
    let plan: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.err));
    let targets = plan["targets"].as_array().unwrap();
    let changes = targets.iter().flat_map(|target| target["changes"].as_array().unwrap());
    let mut changes: Vec<_> =
        changes.map(|change| format!("{} {}", change["actions"], change["alias"])).collect();
    changes.sort();
    (changes, targets.iter().map(|target| target["unmanaged"].as_object().unwrap().len()).sum())
}

async fn check(case: &Case) {
    let folder = TempDir::new().unwrap();
    let [before, after] =
        ["before.yaml", "after.yaml"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    let manifest = case.manifest();
    fs::write(&before, &manifest).unwrap();
    let kms = FakeKms::new(case.world(), Scenario::default());
    let (changes, unmanaged) = planned(&kms, &before).await;
    assert_eq!(unmanaged, case.wanted());
    let ran = run(&kms, &["import", "-f", &before, "--out", &after, "--key-ref", WAYS[case.way]]).await;
    let text = fs::read_to_string(&after).unwrap_or_default();
    let told = format!("{}\n{manifest}\n{text}", ran.err);
    assert_eq!(ran.exit, Exit::Success, "{told}");
    assert_eq!(planned(&kms, &after).await, (changes, 0), "{told}");
    // What is opened has no braces any more, and the comment that was behind them stands beside its key.
    let (mut rest, moved) = (&*text, ["#", "four"]);
    assert!(moved.iter().all(|word| text.contains(word)), "{told}");
    for word in manifest.split([' ', '\n', '\r', '{', '}', ',']).filter(|word| !moved.contains(word)) {
        rest = rest.split_once(word).unwrap_or_else(|| panic!("{word} is gone: {told}")).1;
    }
    assert!(!case.windows || !text.replace("\r\n", "").contains('\n'), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn what_is_imported_is_in_sync_and_nothing_else_has_changed(case in any_case()) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(check(&case));
    }
}
