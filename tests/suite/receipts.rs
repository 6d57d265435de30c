//! Receipts: what is on disk before and after each call, what a file that ends anywhere still proves, and that none is ever
//! written over another.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use kms_alias::apply::{Outcome, Reason, Tools};
use kms_alias::cli::exit::Exit;
use kms_alias::converge::{Report, converge};
use kms_alias::kms::{Fault as Meaning, KmsError};
use kms_alias::pace::Lanes;
use kms_alias::plan::Policy;
use kms_alias::poll::Patience;
use kms_alias::prepare::prepare;
use kms_alias::receipt::event::{Event, Intent, Line};
use kms_alias::receipt::history::{Chapter, HistoryError, Left, read};
use kms_alias::receipt::record::Recorded;
use kms_alias::receipt::{Receipt, Sink};
use kms_alias::sandbox::{Effect, Fault, Key, Scenario};
use kms_alias::target::{Manner, Target};
use kms_alias::verify::Aim;
use proptest::prelude::*;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::fake::{A, B, C, FakeKms, home, identity, target, world};
use crate::ran::run_on;

const MANIFEST: &str = "version: 1\nscope: [alias/app/]\naliases:\n  alias/app/gone: absent\n  \
    alias/app/moved: bbbb2222-0000-4000-8000-000000000002\n  alias/app/new: aaaa1111-0000-4000-8000-000000000001\n";

fn kms(faults: Vec<Fault>) -> FakeKms {
    let world = world(&[("alias/app/gone", C), ("alias/app/moved", A)]);
    FakeKms::new(world, Scenario { faults, ..Scenario::default() })
}

/// The receipt of an apply of the manifest on that world
async fn receipt(kms: &FakeKms) -> String {
    run_on(kms, MANIFEST, &["apply", "-y"], None).await.receipt.unwrap()
}

fn chapter(text: &str) -> Chapter {
    let history = read(text).unwrap();
    assert_eq!(history.targets.len(), 1, "{text}");
    history.targets.into_iter().next().unwrap()
}

fn left(text: &str, name: &str) -> Left {
    chapter(text).names[name].left.clone()
}

fn on(key: &str) -> Left {
    Left::On(Some(key.to_owned()))
}

#[tokio::test(start_paused = true)]
async fn every_write_is_in_the_receipt_with_what_was_before_and_what_came_of_it() {
    let kms = kms(Vec::new());
    let text = receipt(&kms).await;
    let history = read(&text).unwrap();
    assert_eq!((history.exit_code, history.torn), (Some(0), false));
    assert!(history.begin.digest.starts_with("sha256:"));
    let chapter = chapter(&text);
    assert_eq!((&*chapter.intent.account, &*chapter.intent.region), ("111122223333", "us-east-1"));
    assert_eq!(chapter.intent.changes.len(), 3);
    let told: Vec<_> = chapter
        .names
        .iter()
        .map(|(name, trace)| (name.as_str(), trace.before.as_deref(), trace.left.clone(), trace.calls.len()))
        .collect();
    let wanted = [
        ("alias/app/gone", Some(C), Left::On(None), 1),
        ("alias/app/moved", Some(A), on(B), 1),
        ("alias/app/new", None, on(A), 1),
    ];
    assert_eq!(told, wanted);
    assert!(chapter.seen.unwrap().converged);
    assert!(chapter.endings.values().all(|ending| ending.outcome == "done"));
}

/// Writes down every line as it comes, and refuses those from the `until`th on
struct Notes {
    lines: Arc<Mutex<Vec<String>>>,
    until: usize,
}

impl Sink for Notes {
    fn append(&mut self, line: &str) -> io::Result<()> {
        let mut lines = self.lines.lock().unwrap();
        if lines.len() >= self.until {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        lines.push(line.to_owned());
        Ok(())
    }
}

/// Applies with a receipt that breaks at its `until`th line, and gives what it holds
async fn apply_until(kms: &FakeKms, target: &Target, until: usize) -> (Report, Vec<String>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let notes = Notes { lines: lines.clone(), until };
    let report = apply_into(notes, kms, target, CancellationToken::new()).await;
    let lines = lines.lock().unwrap().clone();
    (report, lines)
}

/// Applies with a receipt that goes there
async fn apply_into(
    sink: impl Sink + 'static,
    kms: &FakeKms,
    target: &Target,
    stop: CancellationToken,
) -> Report {
    let policy = Policy::of(target);
    let prepared = prepare(target, &policy, kms).await.unwrap();
    let receipt = Receipt::new(Box::new(sink));
    let _ = receipt.add(Event::Target(Intent::of("test", &identity(), &prepared.plan)));
    let lanes = Lanes::new(target.rates);
    let recorded = Recorded::new(kms, &receipt, "test");
    let tools = Tools { kms: &recorded, lanes: &lanes, patience: Patience::default(), stop: &stop };
    let aim = Aim { target, snapshot: &prepared.snapshot, desired: &prepared.desired, policy: &policy };
    converge(&prepared.plan, &aim, &tools, true, &|_| {}).await
}

fn writes(kms: &FakeKms) -> usize {
    ["CreateAlias", "UpdateAlias", "DeleteAlias"].iter().map(|operation| kms.calls_to(operation).len()).sum()
}

fn announced(lines: &[String]) -> usize {
    let events = lines.iter().map(|line| serde_json::from_str::<Line>(line).unwrap().event);
    events.filter(|event| matches!(event, Event::Call(_))).count()
}

#[tokio::test(start_paused = true)]
async fn no_call_is_made_that_the_receipt_does_not_announce_wherever_it_breaks() {
    let declared = [("alias/app/gone", "absent"), ("alias/app/moved", B), ("alias/app/new", A)];
    for until in 0..8 {
        let kms = kms(vec![Fault::new("CreateAlias", Effect::DropResponse).times(1)]);
        let (report, lines) = apply_until(&kms, &target(&declared), until).await;
        // What breaks one announcement ends the writes that were announced before and not made yet.
        assert!(writes(&kms) <= announced(&lines), "broken at line {until}: {lines:?}");
        let failed = |applied: &kms_alias::apply::Applied| {
            matches!(&applied.outcome, Outcome::Failed(KmsError { fault: Meaning::NotRecorded, .. }))
                || applied.outcome == Outcome::NotAttempted(Reason::Receipt)
                || applied.outcome == Outcome::NotAttempted(Reason::EarlierStage)
        };
        assert!(announced(&lines) == 3 || report.applied.iter().any(failed), "{until}: {report:?}");
    }
}

/// A sink that shows each line to somebody
struct Shown<F>(F);

impl<F: Fn(&str) + Send> Sink for Shown<F> {
    fn append(&mut self, line: &str) -> io::Result<()> {
        (self.0)(line);
        Ok(())
    }
}

fn announces(line: &str) -> bool {
    line.contains("\"event\":\"call\"")
}

#[tokio::test(start_paused = true)]
async fn a_write_is_announced_well_before_its_turn_so_that_no_disk_makes_it_late() {
    let kms = kms(Vec::new());
    let announced = Arc::new(Mutex::new(Vec::new()));
    let (clock, times) = (kms.clone(), announced.clone());
    let sink = Shown(move |line: &str| {
        if announces(line) {
            times.lock().unwrap().push(clock.at());
        }
    });
    let target = target(&[("alias/app/new", A), ("alias/app/newer", A), ("alias/app/newest", A)]);
    assert!(apply_into(sink, &kms, &target, CancellationToken::new()).await.is_complete());
    let announced = announced.lock().unwrap();
    let made: Vec<_> = kms.calls_to("CreateAlias").iter().map(|call| call.at).collect();
    assert_eq!((announced.len(), made.len()), (3, 3));
    assert!(announced.iter().zip(&made).all(|(said, made)| said + 150 <= *made), "{announced:?} {made:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_announced_and_then_not_made_is_known_not_to_have_been_made() {
    let (kms, stop, text) = (kms(Vec::new()), CancellationToken::new(), Arc::new(Mutex::new(String::new())));
    let (asked, lines) = (stop.clone(), text.clone());
    let sink = Shown(move |line: &str| {
        *lines.lock().unwrap() += line;
        if announces(line) {
            asked.cancel();
        }
    });
    let target = target(&[("alias/app/moved", B)]);
    let report = apply_into(sink, &kms, &target, stop).await;
    assert_eq!(report.applied[0].outcome, Outcome::NotAttempted(Reason::Stopped));
    let begin = "{\"time\":\"t\",\"event\":\"begin\",\"format_version\":\"1.0\",\"kind\":\"receipt\",\"program\":\"0\",\
        \"digest\":\"\",\"allow\":[],\"partial\":false}\n";
    let text = format!("{begin}{}", text.lock().unwrap());
    assert_eq!((writes(&kms), left(&text, "alias/app/moved")), (0, on(A)), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_was_deleted_to_be_replaced_comes_back_though_the_receipt_broke() {
    const MAC: &str = "ffff6666-0000-4000-8000-000000000006";
    for (until, live) in [(1, A), (2, MAC), (3, MAC), (4, MAC)] {
        let mut world = world(&[("alias/app/x", A)]);
        world.put_key(&home(), Key::new(MAC).of_kind("HMAC_256", "GENERATE_VERIFY_MAC"));
        let kms = FakeKms::new(world, Scenario::default());
        let mut target = target(&[("alias/app/x", MAC)]);
        let declared = target.aliases.values_mut().next().unwrap();
        declared.manner = Manner { replace: true, ..Manner::default() }.into();
        let (report, _) = apply_until(&kms, &target, until).await;
        assert_eq!(kms.truth(), [("alias/app/x".to_owned(), live.to_owned())], "{until}: {report:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_open_until_the_apply_has_looked() {
    let kms = kms(vec![Fault::new("CreateAlias", Effect::DropResponse).times(1)]);
    let text = receipt(&kms).await;
    assert_eq!(left(&text, "alias/app/new"), on(A), "settled by what the apply found");
    let lines: Vec<&str> = text.lines().collect();
    let answer = lines.iter().position(|line| line.contains("\"unclear\"")).unwrap();
    let cut = lines[..=answer].join("\n") + "\n";
    assert_eq!(left(&cut, "alias/app/new"), Left::Either(None, Some(A.to_owned())));
    assert_eq!(read(&cut).unwrap().exit_code, None);
}

#[tokio::test(start_paused = true)]
async fn a_receipt_that_ends_anywhere_proves_what_it_says_and_no_more() {
    let kms = kms(vec![Fault::new("UpdateAlias", Effect::Throttle).times(1)]);
    let text = receipt(&kms).await;
    let whole = chapter(&text);
    let first = text.find('\n').unwrap() + 1;
    for end in first..=text.len() {
        let cut = read(&text[..end]).unwrap();
        assert_eq!(cut.torn, !text[..end].ends_with('\n'), "{end}");
        for (name, trace) in cut.targets.iter().flat_map(|chapter| &chapter.names) {
            let wanted = &whole.names[name];
            let Left::On(last) = &wanted.left else { panic!("{wanted:?}") };
            let allowed = match &trace.left {
                Left::On(key) => key == last || *key == wanted.before,
                Left::Either(one, other) => *one == wanted.before && other == last,
            };
            assert!(allowed, "{end}: {name} {trace:?}");
        }
    }
}

#[test]
fn what_is_no_receipt_is_told_so_and_a_later_minor_version_is_read() {
    let begin = |version: &str| {
        format!(
            "{{\"time\":\"t\",\"event\":\"begin\",\"format_version\":\"{version}\",\"kind\":\"receipt\",\"program\":\"9\",\
             \"digest\":\"sha256:0\",\"allow\":[],\"partial\":false,\"new\":1}}\n"
        )
    };
    let later = begin("1.7") + "{\"time\":\"u\",\"event\":\"wondrous\",\"x\":[1]}\n";
    let history = read(&later).unwrap();
    assert_eq!((history.last.as_str(), history.targets.len()), ("u", 0));
    assert_eq!(read(&begin("2.0")), Err(HistoryError::Version("2.0".to_owned())));
    for text in
        ["", "\n", "{}\n", "hello\n", "version: 1\n", "{\"kind\":\"plan\",\"format_version\":\"1.0\"}\n"]
    {
        assert!(matches!(read(text), Err(HistoryError::NoReceipt(_))), "{text:?}");
    }
    let broken = begin("1.0") + "nonsense\n{}\n";
    assert!(matches!(read(&broken), Err(HistoryError::Line { line: 2, .. })));
    let orphan = begin("1.0") + "{\"time\":\"t\",\"event\":\"answer\",\"call\":7,\"answer\":\"done\"}\n";
    assert!(read(&orphan).unwrap_err().to_string().contains("answers call 7, which was never made"));
    let whole = include_str!("receipts/whole.jsonl");
    let call = whole.lines().find(|line| line.contains("\"event\":\"call\"")).unwrap();
    let twice = read(&format!("{whole}{call}\n")).unwrap_err();
    assert!(twice.to_string().contains("makes call 1 a second time"), "{twice}");
    let target = whole.lines().find(|line| line.contains("\"event\":\"target\"")).unwrap();
    let twice = read(&format!("{whole}{target}\n")).unwrap_err().to_string();
    assert!(twice.contains("begins target \"dev/444455556666/us-east-1\" a second time"), "{twice}");
}

proptest! {
    #[test]
    fn no_bytes_upset_the_reader(text in ".{0,200}", end in 0usize..2000) {
        let _ = read(&text);
        let kept = include_str!("receipts/whole.jsonl");
        let cut: String = kept.chars().take(end).collect();
        let _ = read(&(cut + &text));
    }
}

async fn applied_to(path: &Path) -> (FakeKms, crate::ran::Ran) {
    let kms = kms(Vec::new());
    let ran = run_on(&kms, MANIFEST, &["apply", "-y", "--receipt", path.to_str().unwrap()], None).await;
    (kms, ran)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_where_the_receipt_cannot_be_and_no_file_is_overwritten() {
    let folder = TempDir::new().unwrap();
    let taken = folder.path().join("taken.jsonl");
    std::fs::write(&taken, "mine").unwrap();
    let below = taken.join("receipt.jsonl");
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    let mut places = vec![(taken.clone(), "there is a file already"), (below, "failed to make the folder")];
    #[cfg(unix)]
    {
        let dangling = folder.path().join("dangling.jsonl");
        std::os::unix::fs::symlink(folder.path().join("nowhere"), &dangling).unwrap();
        places.push((dangling, "there is a file already"));
        places.push(("/dev/null".into(), "write the receipt /dev/null: it is a device, not a file; nothing"));
        places.push(("/".into(), "write the receipt /: it is a directory, not a file; nothing"));
    }
    places.push((inside.clone(), "inside: it is a directory, not a file"));
    for (path, words) in places {
        let (kms, ran) = applied_to(&path).await;
        assert_eq!(ran.exit, Exit::Runtime, "{}", ran.err);
        assert!(
            ran.err.contains(words) && ran.err.contains("nothing was written\nhint: name "),
            "{}",
            ran.err
        );
        assert_eq!(writes(&kms), 0);
    }
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "mine");
    assert!(!folder.path().join("nowhere").exists() && std::fs::read_dir(inside).unwrap().next().is_none());
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_receipt_that_others_may_replace_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    for (mode, warns) in [(0o777, true), (0o702, true), (0o1777, false), (0o770, false), (0o755, false)] {
        let place = folder.path().join(format!("{mode:o}"));
        std::fs::create_dir(&place).unwrap();
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(mode)).unwrap();
        let (_, ran) = applied_to(&place.join("receipt.jsonl")).await;
        assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
        assert_eq!(
            ran.err.contains("warning: others may replace this receipt"),
            warns,
            "{mode:o}: {}",
            ran.err
        );
    }
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_receipt_is_for_its_owner_alone_and_leaves_nothing_beside_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("made/for/it/receipt.jsonl");
    let (kms, ran) = applied_to(&path).await;
    assert_eq!(ran.exit, Exit::Success, "{}", ran.err);
    assert!(ran.err.contains(&format!("Receipt: {}\n", path.display())), "{}", ran.err);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    let next = path.with_file_name("next.jsonl");
    let args = ["apply", "-y", "-o", "json", "--receipt", next.to_str().unwrap()];
    let manifest = MANIFEST.replace("alias/app/new", "alias/app/next");
    let document: serde_json::Value =
        serde_json::from_str(&run_on(&kms, &manifest, &args, None).await.out).unwrap();
    assert_eq!(document["receipt"], next.to_str().unwrap());
    assert_eq!(writes(&kms), 4);
}
