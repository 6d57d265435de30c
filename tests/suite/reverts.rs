//! Reverts: what a receipt proves is taken back, what somebody has changed since is not, and no receipt can do more than a
//! manifest could. Whole commands on FakeKms.

use kms_alias::cli::exit::Exit;
use kms_alias::sandbox::{Effect, Fault, Key, Scenario, World};
use tempfile::TempDir;

use crate::commands::StrangerConnect;
use crate::fake::{A, B, C, FakeKms, home, world};
use crate::ran::{Ran, run_on, run_with};

const MAC: &str = "ffff6666-0000-4000-8000-000000000006";
const LIVE: [(&str, &str); 4] =
    [("alias/app/gone", C), ("alias/app/moved", A), ("alias/app/old", B), ("alias/app/other", C)];

const MANIFEST: &str = "version: 1\nscope: [alias/app/]\naliases:\n  \
    alias/app/gone: absent\n  \
    alias/app/moved: bbbb2222-0000-4000-8000-000000000002\n  \
    alias/app/new: aaaa1111-0000-4000-8000-000000000001\n  \
    alias/app/now: {key: bbbb2222-0000-4000-8000-000000000002, previously: [alias/app/old]}\n  \
    alias/app/other: {key: ffff6666-0000-4000-8000-000000000006, replace: true}\n";

fn with_mac(live: &[(&str, &str)]) -> World {
    let mut world = world(live);
    world.put_key(&home(), Key::new(MAC).of_kind("HMAC_256", "GENERATE_VERIFY_MAC"));
    world
}

fn kms(faults: Vec<Fault>) -> FakeKms {
    FakeKms::new(with_mac(&LIVE), Scenario { faults, ..Scenario::default() })
}

/// Applies the manifest and gives the receipt
async fn applied(kms: &FakeKms) -> String {
    let ran = run_on(kms, MANIFEST, &["apply", "-y"], None).await;
    ran.receipt.unwrap()
}

/// Takes back what this receipt says
async fn revert(kms: &FakeKms, manifest: &str, receipt: &str, args: &[&str]) -> Ran {
    let folder = TempDir::new().unwrap();
    let [path, next] = ["applied.jsonl", "reverted.jsonl"].map(|name| folder.path().join(name));
    std::fs::write(&path, receipt).unwrap();
    let [path, next] = [path.to_str().unwrap(), next.to_str().unwrap()];
    run_on(kms, manifest, &[&["revert", path, "--receipt", next], args].concat(), None).await
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn an_apply_is_taken_back_name_by_name() {
    let kms = kms(Vec::new());
    let receipt = applied(&kms).await;
    assert_ne!(kms.truth(), pairs(&LIVE));
    let ran = revert(&kms, MANIFEST, &receipt, &["-y"]).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    assert_eq!(kms.truth(), pairs(&LIVE), "{}", ran.out);
    assert!(
        ran.out.contains("- alias/app/new    aaaa1111  \"key aaaa\"  not there before  applied.jsonl:"),
        "{}",
        ran.out
    );
    assert!(ran.err.contains("The manifest still says otherwise"), "{}", ran.err);
    let again = revert(&kms, MANIFEST, &receipt, &["-y"]).await;
    assert_eq!(again.exit, Exit::Success, "{}{}", again.out, again.err);
    assert!(again.out.starts_with("No changes. 4 in sync"), "{}", again.out);
}

#[tokio::test(start_paused = true)]
async fn the_manifest_is_said_to_say_otherwise_only_where_it_does() {
    let says_otherwise = |ran: &Ran| {
        assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
        ran.err.contains("The manifest still says otherwise")
    };
    let (kms, folder) = (kms(Vec::new()), TempDir::new().unwrap());
    let [first, second, third] =
        ["1.jsonl", "2.jsonl", "3.jsonl"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    std::fs::write(&first, applied(&kms).await).unwrap();
    let back = run_on(&kms, MANIFEST, &["revert", &first, "-y", "--receipt", &second], None).await;
    assert!(says_otherwise(&back), "{}", back.err);
    let args = ["revert", &second, "-y", "--allow", "replace", "--receipt", &third];
    let forth = run_on(&kms, MANIFEST, &args, None).await;
    assert!(!says_otherwise(&forth), "it is as the manifest wants it: {}", forth.err);
    // Nothing declares the names any more, so nothing deletes or creates them again; but a prune would.
    let scope = "version: 1\nscope: [alias/app/]\naliases: {}\n";
    let undeclared = format!("guards: {{max_delete: 100%, max_update: 100%}}\n{scope}");
    let receipt = std::fs::read_to_string(&first).unwrap();
    let ran = revert(&kms, &undeclared, &receipt, &["-y", "--allow", "replace"]).await;
    assert!(!says_otherwise(&ran), "{}", ran.err);
    let ran = revert(&kms, &format!("prune: true\n{undeclared}"), &receipt, &["-y"]).await;
    assert!(says_otherwise(&ran), "{}", ran.err);
}

#[tokio::test(start_paused = true)]
async fn a_receipt_that_proves_no_write_is_told_as_that() {
    let kms = kms(Vec::new());
    let receipt = applied(&kms).await;
    let until_call = receipt.lines().take_while(|line| !line.contains("\"event\":\"call\""));
    let begun = until_call.collect::<Vec<_>>().join("\n") + "\n";
    let ended = begun.clone() + "{\"time\":\"t\",\"event\":\"end\",\"exit_code\":1}\n";
    for (receipt, words) in [
        (begun.clone() + "{\"ti", "no write, and it is cut off in the middle of a line: there is nothing"),
        (begun, "no write, and it ends before the apply did: there is nothing"),
        (ended, "no write: there is nothing"),
    ] {
        let ran = revert(&kms, MANIFEST, &receipt, &["-y"]).await;
        assert_eq!((ran.exit, &*ran.err), (Exit::Success, ""), "{}", ran.out);
        assert!(ran.out.contains(words), "{words:?} is not in {}", ran.out);
        let document = revert(&kms, MANIFEST, &receipt, &["-y", "-o", "json"]).await.out;
        assert!(serde_json::from_str::<serde_json::Value>(&document).is_ok(), "{document}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_has_changed_since_stays() {
    let kms = kms(Vec::new());
    let receipt = applied(&kms).await;
    for (name, key) in [("alias/app/moved", C), ("alias/app/gone", B)] {
        let at = kms.at();
        kms.service().world_mut().put_alias(&home(), name, Some(key), at);
    }
    let ran = revert(&kms, MANIFEST, &receipt, &["-y"]).await;
    assert_eq!(ran.exit, Exit::Incomplete, "{}{}", ran.out, ran.err);
    let words = format!("somebody has changed it since: the apply left it on {B}, and now it is on {C}");
    assert!(ran.out.contains(&words), "{}", ran.out);
    assert!(ran.out.contains(&format!("the apply left it gone, and now it is on {B}")), "{}", ran.out);
    let truth = kms.truth();
    assert!(truth.contains(&("alias/app/moved".to_owned(), C.to_owned())));
    assert!(truth.contains(&("alias/app/gone".to_owned(), B.to_owned())));
    assert!(truth.contains(&("alias/app/old".to_owned(), B.to_owned())), "the rest is taken back: {truth:?}");
}

#[tokio::test(start_paused = true)]
async fn a_previous_name_that_the_receipt_does_not_have_is_not_deleted() {
    let live = [("alias/app/gone", C), ("alias/app/old", B)];
    let kms = FakeKms::with(&live);
    let manifest =
        |entry: &str| format!("version: 1\nscope: [alias/app/]\naliases:\n  alias/app/gone: {entry}\n");
    let receipt = run_on(&kms, &manifest("absent"), &["apply", "-y"], None).await.receipt.unwrap();
    let renamed = manifest(&format!("{{key: {C}, previously: [alias/app/old]}}"));
    let ran = revert(&kms, &renamed, &receipt, &["-y"]).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    assert_eq!(kms.truth(), pairs(&live), "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_proven_is_held() {
    let kms = kms(Vec::new());
    let receipt = applied(&kms).await;
    let lines: Vec<&str> = receipt.lines().collect();
    let call = lines.iter().position(|line| line.contains("UpdateAlias")).unwrap();
    // Killed right after the call was announced; that it came about is ours to know, not the receipt's.
    let killed = lines[..=call].join("\n") + "\n{\"time\":\"2026-";
    let ran = revert(&kms, MANIFEST, &killed, &["-y"]).await;
    assert!(ran.out.contains("the receipt does not prove that the apply changed it"), "{}", ran.out);
    assert!(kms.truth().contains(&("alias/app/moved".to_owned(), B.to_owned())));
}

fn move_to(kms: &FakeKms, name: &str, key: Option<&str>) {
    let at = kms.at();
    match key {
        Some(key) => kms.service().world_mut().put_alias(&home(), name, Some(key), at),
        None => kms.service().world_mut().remove_alias(&home(), name, at),
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_replacement_that_was_killed_has_deleted_is_put_back_whether_or_not_it_was_created() {
    for (live, held) in [(Some(MAC), false), (None, false), (Some(B), true)] {
        let kms = kms(Vec::new());
        let receipt = applied(&kms).await;
        let is_create = |line: &&str| line.contains("CreateAlias") && line.contains("alias/app/other");
        let call = receipt.lines().position(|line| is_create(&line)).unwrap();
        let killed = receipt.lines().take(call + 1).collect::<Vec<_>>().join("\n") + "\n{\"ti";
        move_to(&kms, "alias/app/other", live);
        let ran = revert(&kms, MANIFEST, &killed, &["-y"]).await;
        let words = format!("the apply left it gone or on {MAC}, and now it is on {B}");
        assert_eq!(ran.out.contains(&words), held, "{}", ran.out);
        let stays = ("alias/app/other".to_owned(), if held { B } else { C }.to_owned());
        assert!(kms.truth().contains(&stays), "{:?} {}", kms.truth(), ran.out);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_no_call_of_the_apply_was_to_move_a_name_to_is_somebody_elses_doing() {
    let kms = kms(Vec::new());
    let receipt = applied(&kms).await;
    let number = |operation: &str| {
        let is_call = |line: &&str| line.contains(operation) && line.contains("alias/app/other");
        let line = receipt.lines().find(is_call).unwrap();
        serde_json::from_str::<serde_json::Value>(line).unwrap()["call"].as_u64().unwrap()
    };
    // The delete went without an answer, and then the name was on the new key, which nothing of ours had put it on.
    let [deleted, created] = ["DeleteAlias", "CreateAlias"].map(|verb| format!("\"call\":{},", number(verb)));
    let lines = receipt.lines().filter(|line| !line.contains(&created));
    let lines = lines.map(|line| match line.contains(&deleted) {
        true => line.replace("\"answer\":\"done\"", "\"answer\":\"unclear\"") + "\n",
        false => line.to_owned() + "\n",
    });
    let ran = revert(&kms, MANIFEST, &lines.collect::<String>(), &["-y"]).await;
    assert!(ran.out.contains("the receipt does not prove that the apply changed it"), "{}", ran.out);
    assert!(kms.truth().contains(&("alias/app/other".to_owned(), MAC.to_owned())), "{}", ran.out);
}

#[tokio::test(start_paused = true)]
async fn deletes_wait_for_what_is_not_proven_to_be_gone_until_it_is_mended_by_hand() {
    let kms = kms(Vec::new());
    let receipt = applied(&kms).await;
    let lines: Vec<&str> = receipt.lines().collect();
    let call = lines.iter().position(|line| line.contains("DeleteAlias") && line.contains("alias/app/gone"));
    let killed = lines[..=call.unwrap()].join("\n") + "\n";
    let ran = revert(&kms, MANIFEST, &killed, &["-y"]).await;
    assert!(ran.out.contains("deletes wait while alias/app/gone is missing and held"), "{}", ran.out);
    assert!(ran.out.contains("hint  mend alias/app/gone by hand, and revert again"), "{}", ran.out);
    assert!(kms.truth().contains(&("alias/app/new".to_owned(), A.to_owned())));
    let at = kms.at();
    kms.service().world_mut().put_alias(&home(), "alias/app/gone", Some(C), at);
    let again = revert(&kms, MANIFEST, &killed, &["-y"]).await;
    assert!(!kms.truth().contains(&("alias/app/new".to_owned(), A.to_owned())), "{}", again.out);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_that_the_apply_settled_is_proven() {
    let kms = kms(vec![Fault::new("UpdateAlias", Effect::DropResponse).times(1)]);
    let receipt = applied(&kms).await;
    let ran = revert(&kms, MANIFEST, &receipt, &["-y"]).await;
    assert_eq!(ran.exit, Exit::Success, "{}{}", ran.out, ran.err);
    assert_eq!(kms.truth(), pairs(&LIVE));
}

#[tokio::test(start_paused = true)]
async fn a_revert_is_guarded_and_asked_about_like_any_plan() {
    let protected = format!("protect: [{{match: \"alias/app/new\", from: [delete]}}]\n{MANIFEST}");
    for (manifest, args, exit, words) in [
        (&*protected, &["-y"][..], Exit::Refused, "refused protected: alias/app/new would be deleted"),
        (MANIFEST, &["-y", "--max-deletes", "0"], Exit::Refused, "refused mass-delete"),
        (MANIFEST, &[], Exit::Refused, "pass --yes to apply without asking"),
    ] {
        let kms = kms(Vec::new());
        let receipt = applied(&kms).await;
        let before = kms.truth();
        let ran = revert(&kms, manifest, &receipt, args).await;
        assert_eq!(ran.exit, exit, "{}{}", ran.out, ran.err);
        assert!(ran.out.contains(words) || ran.err.contains(words), "{}{}", ran.out, ran.err);
        assert_eq!(kms.truth(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_receipt_can_do_no_more_than_its_manifest() {
    let kms = kms(Vec::new());
    let receipt = applied(&kms).await;
    let elsewhere = "version: 1\nscope: [alias/app/]\ntargets: {t: {account: \"444455556666\", region: us-east-1}}\naliases: {}\n";
    let narrower =
        MANIFEST.replace("scope: [alias/app/]", "scope: [alias/app/]\nignore: [\"alias/app/fo*\"]");
    let forged = receipt.replace("alias/app/new", "alias/app/foo");
    let wild = receipt.replace("alias/app/new", "alias/aws/s3");
    let no_key = receipt.replace(A, "not-a-key");
    let later = receipt.replace("\"format_version\":\"1.", "\"format_version\":\"2.");
    for (manifest, receipt, exit, words) in [
        (
            elsewhere,
            &receipt,
            Exit::Refused,
            "failed to find target default (111122223333 in us-east-1) of the receipt",
        ),
        (
            &*narrower,
            &forged,
            Exit::Refused,
            "failed to take back alias/app/foo in default: it is not in the manifest's scope",
        ),
        (MANIFEST, &wild, Exit::Refused, "\"alias/aws/s3\" is no alias"),
        (MANIFEST, &no_key, Exit::Refused, "\"not-a-key\" is no key id"),
        (MANIFEST, &"version: 1\n".to_owned(), Exit::Manifest, "this is no receipt"),
        (MANIFEST, &later, Exit::Manifest, "this program reads 1.x\nhint: use a later kms-alias"),
    ] {
        let before = (kms.truth(), kms.calls_to("ListAliases").len());
        let ran = revert(&kms, manifest, receipt, &["-y"]).await;
        assert_eq!(ran.exit, exit, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains(words) && ran.err.contains("\nhint: "), "{words:?} is not in {}", ran.err);
        assert_eq!((kms.truth(), kms.calls_to("ListAliases").len()), before);
    }
}

/// A receipt by which an apply has created these names, each in a chapter of its own
fn forged(names: &[String], target: impl Fn(usize) -> String) -> String {
    let time = "\"time\":\"2026-11-22T00:00:00.000Z\"";
    let begin = "\"event\":\"begin\",\"format_version\":\"1.0\",\"kind\":\"receipt\",\"program\":\"0\",\"digest\":\"\",\"allow\":[],\"partial\":false";
    let chapter = |(i, alias): (usize, &String)| {
        let (target, call) = (target(i), i + 1);
        let home = "\"partition\":\"aws\",\"account\":\"111122223333\",\"region\":\"us-east-1\",\"caller\":\"c\",\"changes\":[]";
        let write =
            format!("\"operation\":\"CreateAlias\",\"alias\":\"{alias}\",\"before\":null,\"after\":\"{A}\"");
        format!(
            "{{{time},\"event\":\"target\",\"target\":\"{target}\",{home}}}\n\
             {{{time},\"event\":\"call\",\"call\":{call},\"target\":\"{target}\",{write}}}\n\
             {{{time},\"event\":\"answer\",\"call\":{call},\"answer\":\"done\"}}\n"
        )
    };
    format!("{{{time},{begin}}}\n") + &names.iter().enumerate().map(chapter).collect::<String>()
}

#[tokio::test(start_paused = true)]
async fn a_receipt_cannot_take_a_target_apart_so_that_no_guard_sees_the_whole() {
    let names: Vec<String> = (0..20).map(|i| format!("alias/app/{i:02}")).collect();
    let live: Vec<_> = names.iter().map(|name| (name.as_str(), A)).collect();
    let manifest = "version: 1\nscope: [alias/app/]\naliases: {}\n";
    for (receipt, exit, words) in [
        (forged(&names, |_| "default".to_owned()), Exit::Manifest, "begins target \"default\" a second time"),
        (
            forged(&names, |i| format!("t{i}")),
            Exit::Refused,
            "failed to take back t1: target default of the manifest is that of t0 already",
        ),
    ] {
        let kms = FakeKms::with(&live);
        let ran = revert(&kms, manifest, &receipt, &["-y"]).await;
        assert_eq!(ran.exit, exit, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains(words) && ran.err.contains("\nhint: "), "{words:?} is not in {}", ran.err);
        assert_eq!(kms.truth(), pairs(&live));
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_of_another_account_take_nothing_back() {
    let receipt = applied(&kms(Vec::new())).await.replace("\"111122223333\"", "\"444455556666\"");
    let (kms, folder) = (kms(Vec::new()), TempDir::new().unwrap());
    let path = folder.path().join("applied.jsonl");
    std::fs::write(&path, receipt).unwrap();
    let args = ["revert", path.to_str().unwrap(), "-y"];
    let ran = run_with(|_| StrangerConnect(kms.clone()), MANIFEST, &args, None).await;
    assert_eq!(ran.exit, Exit::Runtime, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("they are for account 111122223333"), "{}", ran.out);
    assert_eq!(kms.truth(), pairs(&LIVE));
}

#[tokio::test(start_paused = true)]
async fn show_tells_what_was_done_and_what_cannot_be_told() {
    let kms = kms(Vec::new());
    let receipt = applied(&kms).await;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("r.jsonl");
    let show = async |text: &str, args: &[&str]| {
        std::fs::write(&path, text).unwrap();
        let args = [&["show", path.to_str().unwrap()], args].concat();
        run_on(&kms, "no manifest is read", &args, None).await
    };
    let whole = show(&receipt, &[]).await;
    assert_eq!(whole.exit, Exit::Success, "{}", whole.err);
    for line in [
        format!("  + alias/app/new    -> {A}"),
        format!("  ~ alias/app/moved  {A} -> {B}"),
        format!("  > alias/app/now    -> {B}  renamed from alias/app/old"),
        format!("  - alias/app/old    {B}"),
        format!("-/+ alias/app/other  {C} -> {MAC}"),
        "7 write calls: 7 done, 0 refused, 0 without a clear answer. The apply ended with exit code 0."
            .to_owned(),
    ] {
        assert!(whole.out.contains(&line), "{line:?} is not in {}", whole.out);
    }
    let call = receipt.lines().position(|line| line.contains("UpdateAlias")).unwrap();
    let killed = receipt.lines().take(call + 1).collect::<Vec<_>>().join("\n") + "\n{\"ti";
    let killed = show(&killed, &[]).await;
    assert!(
        killed.out.contains("  ? alias/app/moved") && killed.out.contains("not attempted"),
        "{}",
        killed.out
    );
    assert!(killed.out.contains("did not come to its end") && killed.out.contains("in the middle of a line"));
    let is_delete = |line: &str| line.contains("DeleteAlias") && line.contains("alias/app/old");
    let call = receipt.lines().position(is_delete).unwrap();
    for (lines, sign) in [(call, "-"), (call + 1, "?")] {
        let halfway = receipt.lines().take(lines).collect::<Vec<_>>().join("\n") + "\n";
        let out = show(&halfway, &[]).await.out;
        assert!(
            out.contains(&format!("  + alias/app/now    -> {B}")) && !out.contains("renamed from"),
            "{out}"
        );
        assert!(out.contains(&format!("  {sign} alias/app/old    {B}")), "{out}");
        let beside = out.contains("left beside alias/app/now, which it was to become");
        assert_eq!(beside, sign == "-", "{out}");
    }
    let document: serde_json::Value =
        serde_json::from_str(&show(&receipt, &["-o", "json"]).await.out).unwrap();
    assert_eq!((&document["kind"], &document["exit_code"]), (&"receipt".into(), &0.into()));
    assert_eq!(document["targets"][0]["changes"].as_array().unwrap().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn show_of_an_interrupted_apply_tells_what_it_has_not_seen() {
    let kms = kms(Vec::new());
    let receipt = applied(&kms).await.replace("\"exit_code\":0", "\"exit_code\":130");
    let unseen = "\"converged\":false,\"left\":[\"alias/app/moved\",\"alias/app/new\"]";
    let while_looking = receipt.replace("\"converged\":true", unseen);
    let unlooked = receipt.lines().filter(|line| !line.contains("\"event\":\"verdict\""));
    let before_looking = unlooked.collect::<Vec<_>>().join("\n") + "\n";
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("r.jsonl");
    let show = async |text: &str, form: &str| {
        std::fs::write(&path, text).unwrap();
        run_on(&kms, "no manifest is read", &["show", path.to_str().unwrap(), "-o", form], None).await.out
    };
    let interrupted = "The apply was interrupted, with exit code 130: what it had not begun is not attempted, \
                       and what it had not seen by then is not verified.\nhint: run apply again";
    for (text, verdict, unverified) in [
        (&while_looking, "  not converged: 2 names not seen as planned\n", 2),
        (&before_looking, "  not verified: nothing tells whether the service shows what was written\n", 0),
    ] {
        let out = show(text, "text").await;
        assert!(out.contains(verdict) && out.contains(interrupted), "{out}");
        let document: serde_json::Value = serde_json::from_str(&show(text, "json").await).unwrap();
        let target = &document["targets"][0];
        assert_eq!((&document["exit_code"], &target["converged"]), (&130.into(), &false.into()));
        assert_eq!(target["left"].as_array().unwrap().len(), unverified, "{target}");
        let changes = target["changes"].as_array().unwrap().iter();
        assert_eq!(changes.filter(|change| change["status"] == "unverified").count(), unverified, "{target}");
        assert_eq!(out.matches("  unverified\n").count(), unverified, "{out}");
    }
}
