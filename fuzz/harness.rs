//! Bytes -> one stage of the program, and what has to hold whatever the bytes are. The fuzzers of `fuzz/targets` drive these
//! functions, and so does `tests/suite/fuzz.rs` on a stable compiler.

pub mod bodies;
mod endpoint;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use futures_util::FutureExt as _;
use kms_alias::access::document::{Origin, parse};
use kms_alias::access::export::export;
use kms_alias::access::gather::KeyAccess;
use kms_alias::access::impact::impact;
use kms_alias::alias::{AliasName, KeyArn, KeyId};
use kms_alias::base;
use kms_alias::blame::search::Search;
use kms_alias::blame::{Finding, Matter, Question};
use kms_alias::document::{BlameText, PlanDocument, PlannedChange, TargetPlan};
use kms_alias::import::claim::homes;
use kms_alias::import::skeleton::{Pin, folders, skeleton};
use kms_alias::import::{cloudformation, terraform};
use kms_alias::kms::{AliasPage, Calls, Fault, Identity, KeyFacts, KeyPage, KmsError, KmsRead, ListedAlias};
use kms_alias::list::list;
use kms_alias::load::{Input, load};
use kms_alias::plan::{Action, Change, Plan, Policy, Reason};
use kms_alias::receipt::history;
use kms_alias::render;
use kms_alias::render::harmless::{guarded, harmless};
use kms_alias::render::style::{KeyNames, Palette};
use kms_alias::revert::revert;
use kms_alias::saved::SavedPlan;
use kms_alias::scope::Scope;
use kms_alias::target::{Manner, Target, targets};

const A: &str = "aaaa1111-0000-4000-8000-000000000001";
const B: &str = "bbbb2222-0000-4000-8000-000000000002";

/// Nothing that we print needs the last line of defence, whoever wrote what is in it
fn assert_tame(text: &str) {
    let acts = |c: char| c != '\n' && harmless(&c.to_string()) != c.to_string();
    assert!(!text.contains(acts), "{text:?}");
}

/// What Terraform or CloudFormation says of its aliases is told, or refused; there is a manifest for their names, or what is wrong with it
pub fn claims(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for found in [terraform::claims(text).map(|found| found.claims), cloudformation::claims(text)] {
        let claims = match found {
            Ok(claims) => claims,
            Err(error) => {
                assert!(!error.to_string().is_empty() && !error.hint().is_empty());
                continue;
            }
        };
        let prefixes = folders(claims.keys().map(AliasName::as_str));
        assert!(claims.keys().all(|name| prefixes.iter().any(|prefix| name.as_str().starts_with(&**prefix))));
        let pins = homes(&claims).into_iter().map(|home| (home, Pin::default())).collect();
        let text = skeleton(&prefixes, &pins).expect("it is YAML");
        manifest(text.as_bytes());
        let taken: BTreeSet<String> = claims.values().flatten().map(|claim| claim.address.clone()).collect();
        let tells = match claims.values().flatten().any(|claim| claim.address.contains('.')) {
            true => terraform::removal(&claims, &taken),
            false => cloudformation::retention(&taken),
        };
        for line in tells.lines().filter(|line| !line.starts_with('#')) {
            let rest = line.trim_start().strip_prefix("from = ").unwrap_or_default();
            let ours = ["", "removed {", "  lifecycle {", "    destroy = false", "  }", "}"];
            assert!(ours.contains(&line) || !rest.is_empty(), "{line:?}");
            assert!(rest.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c)), "{line:?}");
        }
    }
}

/// A manifest is loaded, and all it declares is in scope; or there is at least one problem to show
pub fn manifest(bytes: &[u8]) {
    match load(&[Input::Stdin(bytes.to_vec())]) {
        Ok(manifest) => {
            assert!(!manifest.warnings.has_errors());
            let targets = targets(&manifest);
            assert!(!targets.is_empty());
            for target in &targets {
                assert!(target.aliases.keys().all(|name| target.scope.owns(name.as_str())), "{target:?}");
            }
        }
        Err(error) => {
            let (problems, text) = (error.to_json(), error.render(false));
            assert!(error.problems.has_errors() && !text.is_empty() && problems["valid"] == false);
            for problem in problems["problems"].as_array().into_iter().flatten() {
                assert_tame(problem["message"].as_str().expect("every problem has a message"));
                // Only what is about the whole has no place.
                assert!(problem["line"].as_u64() != Some(0), "{problem}");
            }
            assert_tame(&guarded(&text).replace('\t', " "));
        }
    }
}

fn declared() -> Vec<(Target, Policy)> {
    let text = include_bytes!("../aliases.yaml").to_vec();
    let manifest = load(&[Input::Stdin(text)]).expect("it is a good manifest");
    targets(&manifest).into_iter().map(|target| (target.clone(), Policy::of(&target))).collect()
}

/// A receipt is read or refused; what is read can be shown, and cannot be made to touch what the manifest does not own
pub fn receipt(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let history = match history::read(&text) {
        Ok(history) => history,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert_tame(&render::receipt::text(&history, &Palette::plain()));
    render::harmless::json(&render::receipt::json(&history)).expect("it can be written as JSON");
    let (known, mut seen) = (declared(), BTreeSet::new());
    for (target, _) in revert(&history, Path::new("receipt"), &known).unwrap_or_default() {
        let (own, _) = known.iter().find(|(own, _)| own.name == target.name).expect("no target is made up");
        assert_eq!((&target.scope, &target.account, &target.region), (&own.scope, &own.account, &own.region));
        assert!(seen.insert(target.name.clone()), "each target is judged as a whole");
        assert!(target.aliases.keys().all(|name| own.scope.owns(name.as_str())), "{target:?}");
    }
}

/// A saved plan is read or refused, and what is read cannot widen what the manifest owns
///
/// Its digest would refuse all that was changed, so it is read without.
pub fn plan(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let without =
        text.lines().filter(|line| !line.trim_start().starts_with("\"digest\"")).collect::<String>();
    for text in [&*text, &*without] {
        let saved = match SavedPlan::read(text) {
            Ok(saved) => saved,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                continue;
            }
        };
        let checked = saved.check(None).is_ok();
        let (known, mut seen) = (declared(), BTreeSet::new());
        for (target, policy) in saved.narrow(&known).unwrap_or_default() {
            let (own, _) =
                known.iter().find(|(own, _)| own.name == target.name).expect("no target is made up");
            assert_eq!((&target.scope, &target.aliases), (&own.scope, &own.aliases));
            assert_eq!((&target.account, &target.region), (&own.account, &own.region));
            assert!(policy.expected.is_some(), "nothing but what it names");
            assert!(seen.insert(target.name) || !checked, "each target is judged as a whole");
        }
    }
}

/// Policies are read or refused, and what they do to a plan can be told
pub fn policies(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let exported = export(&text, "file").unwrap_or_default();
    let _ = parse(&text, Origin::Key);
    let identity = Identity {
        account: "111122223333".into(),
        region: "us-east-1".into(),
        partition: "aws".into(),
        caller: "arn:aws:iam::111122223333:role/write".into(),
    };
    let [a, b] = [A, B].map(KeyId::from_service);
    let name = AliasName::parse("alias/app/x").expect("it is a name");
    let change = Change {
        action: Action::Update { name, from: a.clone(), to: b.clone() },
        reason: Reason::Mismatched,
        origin: base::Origin::Unknown,
        place: None,
        previous: None,
        manner: Manner::default().into(),
        risks: Vec::new(),
    };
    let plan = Plan { changes: vec![change], ..Plan::default() };
    let access = |aliases: &[&str]| KeyAccess {
        aliases: Ok(aliases.iter().map(|name| (*name).to_owned()).collect()),
        policy: Ok(text.clone().into_owned()),
    };
    let gathered =
        BTreeMap::from([(a.clone(), access(&["alias/app/x", "alias/y"])), (b.clone(), access(&[]))]);
    let impact = impact(&plan, &identity, Some(&identity.caller), &gathered, &exported);
    let sentences = render::access::sentences(&impact, &identity.account, &KeyNames::new([&a, &b]));
    assert_tame(&render::access::lines(sentences.iter().map(String::as_str), impact.keys));
}

/// Pages as bytes: a line is an alias, or `>` and `<` end a page with or without more to come, and with what is behind them as marker
struct Pages(Mutex<Vec<AliasPage>>);

impl Pages {
    fn parse(text: &str) -> Self {
        let (mut pages, mut page) = (Vec::new(), AliasPage::default());
        for line in text.lines() {
            let (first, rest) = line.split_at(line.chars().next().map_or(0, char::len_utf8));
            if first == ">" || first == "<" {
                let next_marker = (!rest.is_empty()).then(|| rest.to_owned());
                pages.push(AliasPage { next_marker, truncated: first == ">", ..std::mem::take(&mut page) });
            } else {
                let (name, key) = line.split_once(' ').map_or((line, None), |(name, key)| (name, Some(key)));
                page.aliases
                    .push(ListedAlias { name: name.to_owned(), target: key.map(KeyId::from_service) });
            }
        }
        pages.push(page);
        pages.reverse();
        Self(Mutex::new(pages))
    }
}

fn error(message: &str, fault: Fault) -> KmsError {
    let code = Some(message.chars().take(10).collect());
    KmsError { fault, operation: "UpdateAlias", code, message: message.to_owned(), request_id: None }
}

/// A service that has nothing but pages
impl KmsRead for Pages {
    async fn alias_page(&self, _: Option<&str>) -> Result<AliasPage, KmsError> {
        self.0.lock().expect("no reader panicked").pop().ok_or_else(|| error("no more", Fault::Unknown))
    }
    async fn key_alias_page(&self, _: &KeyId, marker: Option<&str>) -> Result<AliasPage, KmsError> {
        self.alias_page(marker).await
    }
    async fn identity(&self) -> Result<Identity, KmsError> {
        Err(error("pages only", Fault::Unknown))
    }
    async fn key_policy(&self, _: &KeyId) -> Result<String, KmsError> {
        Err(error("pages only", Fault::Unknown))
    }
    async fn describe_key(&self, _: &KeyId) -> Result<KeyFacts, KmsError> {
        Err(error("pages only", Fault::Unknown))
    }
    async fn key_page(&self, _: Option<&str>) -> Result<KeyPage, KmsError> {
        Err(error("pages only", Fault::Unknown))
    }
    async fn tags(&self, _: &KeyId) -> Result<BTreeMap<String, String>, KmsError> {
        Err(error("pages only", Fault::Unknown))
    }
    async fn describe_alias(&self, _: &AliasName) -> Result<KeyFacts, KmsError> {
        Err(error("pages only", Fault::Unknown))
    }
    fn calls(&self) -> Calls {
        Calls::new()
    }
}

/// A listing is whole or an error, and holds nothing out of scope; an error has a sentence, whatever the service says
pub fn answers(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let pages = Pages::parse(&text);
    let (whole, told) = pages
        .0
        .lock()
        .map(|pages| (pages.len(), pages.iter().filter(|page| page.truncated).count()))
        .expect("it is new");
    let scope = Scope { prefixes: vec!["alias/app/".into()], ..Scope::default() };
    let listed = list(&pages, &scope, &BTreeSet::new()).now_or_never().expect("pages wait for nothing");
    if let Ok(snapshot) = listed {
        assert!(snapshot.live.keys().all(|name| name.as_str().starts_with("alias/app/")), "{snapshot:?}");
        let left = pages.0.lock().map_or(0, |pages| pages.len());
        assert!(whole - left <= told + 1, "a page that was the last is not read beyond");
    }
    let [a, b] = [A, B].map(KeyId::from_service);
    for fault in [Fault::AccessDenied, Fault::Credentials, Fault::Unknown, Fault::of(&text, &text, 400)] {
        let error = error(&text, fault);
        assert!(!error.to_string().is_empty());
        error.hint_about(Some(&a), Some(&b)).iter().for_each(|hint| assert_tame(&harmless(hint)));
    }
    for word in text.split_whitespace() {
        let id = KeyId::from_service(word);
        assert_tame(id.short());
        let _ = (KeyId::parse(word), KeyArn::parse(word), AliasName::parse(word), id.as_str());
    }
    assert_tame(&guarded(&text).replace('\t', " "));
}

/// Events, one a line, each name's on a page of its own: a cause is about the alias or its key and leads to what is live, and
/// nothing in it leaves its place on the line
pub fn events(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let texts: Vec<String> = text.lines().map(str::to_owned).collect();
    let (a, b) = (KeyId::from_service(A), KeyId::from_service(B));
    let alias = |name: &str| AliasName::parse(name).expect("a name");
    let unusable = |state: &str| Matter::Unusable(a.clone(), state.to_owned());
    let matters = [
        ("alias/app/x", Matter::Moved(b.clone())),
        ("alias/app/disabled", unusable("Disabled")),
        ("alias/app/leaving", unusable("PendingDeletion")),
        ("alias/app/missing", Matter::Missing(a.clone())),
        ("alias/app/stray", Matter::Unexpected),
    ];
    let questions = matters.map(|(name, matter)| Question { alias: alias(name), matter });
    let mut search = Search::new(questions.to_vec(), "us-east-1", None);
    Search::names().for_each(|name| search.take(name, &texts, false));
    let findings = search.findings(false);
    assert_eq!(findings.len(), questions.len());
    let changes = findings.iter().map(|(name, finding)| {
        if let Finding::Cause(event) = finding {
            let own = event.alias.as_deref() == Some(name.as_str());
            assert!(own || event.key.as_ref() == Some(&a), "{event:?}");
            assert!(name.as_str() != "alias/app/x" || event.key.as_ref() == Some(&b), "{event:?}");
        }
        let blame = Some(BlameText::from(finding));
        PlannedChange { alias: name.to_string(), blame, ..PlannedChange::default() }
    });
    let target = TargetPlan { changes: changes.collect(), ..TargetPlan::default() };
    let plan = PlanDocument { targets: vec![target], ..PlanDocument::default() };
    assert_tame(&render::text::plan(&plan, &Palette::plain()));
}
