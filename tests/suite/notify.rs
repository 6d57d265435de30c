//! The messages of `drift`, by the real program to a server that is there, or not, or not willing.

use std::fs;
use std::process::Output;

use serde_json::Value;

use crate::forge_server::{Asked, Fate, ForgeServer};
use crate::process::{kms_alias, text, with_manifest};

const SECRET: &str = "services/T0/B0/secret";

fn taken(_: &Asked) -> Fate {
    Fate::Refused(200, String::new(), "ok".to_owned())
}

/// `kms-alias drift ARGS` with both channels at the server
fn drift(server: &ForgeServer, manifest: &str, args: &[&str]) -> Output {
    let directory = with_manifest(manifest);
    let mut command =
        kms_alias(directory.path(), &[&["drift", "--sandbox", "--timeout", "3s"], args].concat());
    command.env("KMS_ALIAS_NOTIFY_SLACK", format!("{}/{SECRET}", server.url));
    command.args(["--notify-webhook", &format!("{}/{SECRET}?token=x", server.url)]);
    command.output().unwrap()
}

fn manifest() -> &'static str {
    include_str!("../../aliases.yaml")
}

#[test]
fn drift_is_told_once_to_each_channel_and_ends_as_it_does() {
    let server = ForgeServer::start(taken);
    let ran = drift(&server, manifest(), &[]);
    assert_eq!((ran.status.code(), text(&ran.stderr)), (Some(2), ""));
    let asked = server.asked();
    assert_eq!(asked.len(), 2, "{asked:#?}");
    let [slack, webhook] = &asked[..] else { unreachable!() };
    assert_eq!((&*slack.method, &*slack.path), ("POST", &*format!("/{SECRET}")));
    let message = slack.body["text"].as_str().unwrap();
    assert!(
        message.starts_with("*kms-alias drift of aliases.yaml: Drift: 3 to create, 1 to retarget, "),
        "{message}"
    );
    assert!(message.contains("alias/app/billing/db") && message.contains(" In 2 of 3 targets."), "{message}");
    assert_eq!(webhook.query, "token=x");
    let body = &webhook.body;
    assert_eq!((&body["kind"], &body["exit_code"]), (&"notification".into(), &2.into()));
    assert_eq!(body["report"]["kind"], "drift");
    assert_eq!(body["report"]["summary"]["create"], 3);
}

#[test]
fn no_drift_is_told_to_nobody_and_a_failure_is() {
    let server = ForgeServer::start(taken);
    let directory = with_manifest(manifest());
    let world = "--sandbox=world.json";
    let run = |args: &[&str]| {
        let url = format!("{}/{SECRET}", server.url);
        kms_alias(directory.path(), args).env("KMS_ALIAS_NOTIFY_WEBHOOK", url).output().unwrap()
    };
    assert_eq!(run(&["apply", world, "-y", "--receipt", "r"]).status.code(), Some(0));
    assert_eq!((run(&["drift", world]).status.code(), server.asked().len()), (Some(0), 0));
    fs::write(directory.path().join("aliases.yaml"), "version: 1\naliases: {}\n").unwrap();
    assert_eq!(run(&["drift", world]).status.code(), Some(3));
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].body["text"], "kms-alias drift of aliases.yaml failed: exit 3");
    let report: &Value = &asked[0].body["report"];
    assert!(report.to_string().contains("scope"), "{report}");
}

#[test]
fn a_channel_that_does_not_take_it_is_told_and_changes_nothing() {
    for (fate, words) in [
        ((404, "no_service"), "404: no_service"),
        ((500, "{\"message\": \"secret\"}"), "500: "),
        ((404, "services/T0/B0/secret?token=x"), "404: its words are not shown"),
        ((400, "secret"), "400: its words are not shown"),
        ((302, ""), "302: "),
    ] {
        let (status, body) = fate;
        let server = ForgeServer::start(move |asked| {
            let location = format!("location: http://127.0.0.1:1/{}\r\n", asked.path);
            Fate::Refused(status, location, body.to_owned())
        });
        let ran = drift(&server, manifest(), &[]);
        let told = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{told}");
        assert_eq!(told.matches("warning: --notify-").count(), 2, "{told}");
        assert!(told.contains(words) && told.contains(&server.url), "{told}");
        assert!(!told.contains(SECRET) && !told.contains("token=x"), "{told}");
    }
}

#[test]
fn an_empty_address_is_told_and_a_look_is_made_all_the_same() {
    let directory = with_manifest(manifest());
    let mut command = kms_alias(directory.path(), &["drift", "--sandbox"]);
    let ran = command.env("KMS_ALIAS_NOTIFY_SLACK", "").output().unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert_eq!(text(&ran.stderr), "warning: --notify-slack is empty, so nobody was told\n");
}

#[test]
fn a_report_that_cannot_be_written_is_what_the_message_says() {
    let server = ForgeServer::start(taken);
    let ran = drift(&server, manifest(), &["--report", "json=no/such/folder"]);
    assert_eq!(ran.status.code(), Some(1), "{}", text(&ran.stderr));
    let bodies = server.asked();
    assert_eq!(bodies[1].body["text"], "kms-alias drift of aliases.yaml failed: exit 1");
    assert_eq!(bodies[1].body["exit_code"], 1);
}

#[test]
fn a_channel_that_fails_once_is_told_again() {
    let server = ForgeServer::start(|asked| match asked.nth {
        0 => Fate::Refused(503, String::new(), String::new()),
        _ => taken(asked),
    });
    let ran = drift(&server, manifest(), &[]);
    // Both have the same path, so only the first of them meets the failure.
    assert_eq!((ran.status.code(), text(&ran.stderr), server.asked().len()), (Some(2), "", 3));
}

#[test]
fn an_address_that_is_none_is_refused_before_anything_is_read_and_not_shown() {
    let directory = with_manifest(manifest());
    for bad in ["http://hooks.example/secret", "hooks.example/secret", "https://a:secret@hooks.example/x"] {
        let ran =
            kms_alias(directory.path(), &["drift", "--sandbox", "--notify-slack", bad]).output().unwrap();
        assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(64), ""));
        let told = text(&ran.stderr);
        assert!(
            told.starts_with("error: --notify-slack: it is no URL of a webhook") && !told.contains("secret"),
            "{told}"
        );
    }
}
