//! The comment on a pull request, by the real program against a server that speaks GitHub's and GitLab's API.

use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::forge_server::{APP_TOKEN, Asked, Fate, ForgeServer, JOB_TOKEN, Note, USER_TOKEN};
use crate::process::{kms_alias, text, with_manifest};

/// What a job is told by the two systems
#[derive(Clone, Copy, Debug, PartialEq)]
enum Job {
    GitHub,
    GitLab,
}

use Job::{GitHub, GitLab};

const ME: (u64, &str) = (1, "me");
const OTHER: (u64, &str) = (2, "mallory");

/// A directory with a plan of the canonical manifest, and a server
struct Site {
    directory: TempDir,
    server: ForgeServer,
    digest: String,
}

impl Site {
    fn new(fate: impl Fn(&Asked) -> Fate + Send + Sync + 'static) -> Self {
        let directory = with_manifest(include_str!("../../aliases.yaml"));
        let planned =
            kms_alias(directory.path(), &["plan", "--sandbox", "--out", "plan.json", "-q"]).output().unwrap();
        assert_eq!(planned.status.code(), Some(0), "{}", text(&planned.stderr));
        let plan: Value =
            serde_json::from_slice(&std::fs::read(directory.path().join("plan.json")).unwrap()).unwrap();
        let digest = plan["digest"].as_str().unwrap().to_owned();
        Self { directory, server: ForgeServer::start(fate), digest }
    }

    fn quiet() -> Self {
        Self::new(|_| Fate::Answered)
    }

    /// `kms-alias comment ARGS` in a job
    fn comment(&self, job: Job, token: &str, args: &[&str]) -> Command {
        let mut command = kms_alias(self.directory.path(), &[&["comment"], args].concat());
        let url = &self.server.url;
        match job {
            GitHub => command
                .envs([
                    ("GITHUB_ACTIONS", "true"),
                    ("GITHUB_REPOSITORY", "o/r"),
                    ("GITHUB_REF", "refs/pull/7/merge"),
                ])
                .envs([("GITHUB_API_URL", url.as_str()), ("GITHUB_TOKEN", token)]),
            GitLab => command
                .envs([("GITLAB_CI", "true"), ("CI_PROJECT_ID", "42"), ("CI_MERGE_REQUEST_IID", "8")])
                .env("CI_API_V4_URL", format!("{url}/api/v4"))
                .env(if token == JOB_TOKEN { "CI_JOB_TOKEN" } else { "GITLAB_TOKEN" }, token),
        };
        command
    }

    fn run(&self, job: Job, args: &[&str]) -> Output {
        self.comment(job, USER_TOKEN, args).output().unwrap()
    }

    /// Plans a part of the targets, each in a file of its own
    fn plan_shard(&self, shard: &str, file: &str) {
        let args = ["plan", "--sandbox", "--shard", shard, "--out", file, "-q"];
        let planned = kms_alias(self.directory.path(), &args).output().unwrap();
        assert_eq!(planned.status.code(), Some(0), "{}", text(&planned.stderr));
    }

    #[track_caller]
    fn assert_done(&self, job: Job, args: &[&str], word: &str) {
        let ran = self.run(job, args);
        assert_eq!(told(&ran), (Some(0), format!("Comment {word}.\n"), String::new()), "{job:?} {args:?}");
    }

    fn only(&self) -> Note {
        let notes = self.server.notes();
        assert_eq!(notes.len(), 1, "{notes:?}");
        notes[0].clone()
    }

    /// A second plan, with another digest
    fn plan_again(&self) {
        let args =
            ["plan", "--sandbox", "--out", "later.json", "-q", "-t", "dev", "--exclude-alias", "alias/app/*"];
        let planned = kms_alias(self.directory.path(), &args).output().unwrap();
        assert_eq!(planned.status.code(), Some(0), "{}", text(&planned.stderr));
    }
}

fn told(ran: &Output) -> (Option<i32>, String, String) {
    (ran.status.code(), text(&ran.stdout).to_owned(), text(&ran.stderr).to_owned())
}

#[track_caller]
fn assert_failed(ran: &Output, words: &[&str]) {
    let (code, out, err) = told(ran);
    assert_eq!(code, Some(1), "{out}{err}");
    for words in words {
        assert!(err.contains(words), "{words:?} is not in {err}");
    }
}

fn marker(id: &str, digest: &str) -> String {
    format!("<!-- kms-alias:v1 {} -->\n", json!({"id": id, "digest": digest}))
}

#[test]
fn one_comment_is_made_then_left_then_edited_in_place() {
    for job in [GitHub, GitLab] {
        let site = Site::quiet();
        site.assert_done(job, &["plan.json"], "created");
        let first = site.only();
        assert!(
            first.body.contains(&site.digest) && first.body.contains("### kms-alias: "),
            "{}",
            first.body
        );
        site.assert_done(job, &["plan.json"], "unchanged");
        assert_eq!(site.only(), first);
        site.plan_again();
        site.assert_done(job, &["later.json"], "edited");
        let second = site.only();
        assert!(second.id == first.id && second.body != first.body);
        assert_eq!(site.server.count("POST"), 1);
    }
}

#[test]
fn show_prints_the_body_of_the_comment() {
    let site = Site::quiet();
    site.assert_done(GitHub, &["plan.json"], "created");
    let shown = kms_alias(site.directory.path(), &["show", "plan.json", "-o", "markdown"]).output().unwrap();
    assert_eq!(text(&shown.stdout), site.only().body);
}

#[test]
fn a_server_that_changes_line_ends_has_the_same_text() {
    let site = Site::quiet();
    site.assert_done(GitHub, &["plan.json"], "created");
    let body = site.only().body.trim_end().replace('\n', "\r\n");
    let other = Site::quiet();
    other.server.put(ME, &body);
    let ran = other.comment(GitHub, USER_TOKEN, &["plan.json", "-o", "json"]).output().unwrap();
    assert!(text(&ran.stdout).contains("\"outcome\": \"unchanged\""), "{ran:?}");
}

#[test]
fn a_marker_of_somebody_else_is_neither_touched_nor_believed() {
    for job in [GitHub, GitLab] {
        let site = Site::quiet();
        let forged = marker("default", &format!("sha256:{}", "0".repeat(64)));
        site.server.put(OTHER, &forged);
        let quoted = format!("> {forged}I say\n{forged}");
        site.server.put(ME, &quoted);
        assert_failed(
            &site.run(job, &["--get-digest"]),
            &["none on this pull request is by me", "hint: write it with"],
        );
        site.assert_done(job, &["plan.json"], "created");
        let bodies: Vec<String> = site.server.notes().into_iter().map(|note| note.body).collect();
        assert_eq!(bodies[..2], [forged, quoted]);
        let digest = site.run(job, &["--get-digest"]);
        assert_eq!(told(&digest), (Some(0), site.digest.clone() + "\n", String::new()));
    }
}

#[test]
fn the_comment_of_an_app_is_found_by_the_name_that_the_other_api_gives_it() {
    for base in ["", "/api/v3"] {
        let site = Site::quiet();
        site.server.put(OTHER, &marker("default", &site.digest));
        let base = format!("{}{base}", site.server.url);
        for word in ["created", "unchanged"] {
            let args = ["plan.json", "--base-url", &base];
            let ran = site.comment(GitHub, APP_TOKEN, &args).output().unwrap();
            assert_eq!(told(&ran), (Some(0), format!("Comment {word}.\n"), String::new()));
        }
        let last = site.server.notes().pop().unwrap();
        assert_eq!((site.server.notes().len(), last.author.1.as_str()), (2, "kms-app[bot]"));
    }
}

#[test]
fn two_manifests_have_a_comment_each() {
    for job in [GitHub, GitLab] {
        let site = Site::quiet();
        site.plan_again();
        site.assert_done(job, &["plan.json", "--id", "one"], "created");
        site.assert_done(job, &["later.json", "--id", "two"], "created");
        site.assert_done(job, &["plan.json", "--id", "one"], "unchanged");
        let ran = site.run(job, &["--get-digest", "--id", "one"]);
        assert_eq!(text(&ran.stdout), site.digest.clone() + "\n");
        assert_eq!(site.server.notes().len(), 2);
    }
}

#[test]
fn a_comment_on_a_later_page_is_found() {
    for job in [GitHub, GitLab] {
        let site = Site::quiet();
        site.server.fill(250);
        let ours = site.server.put(ME, &marker("default", &site.digest));
        site.server.fill(50);
        site.assert_done(job, &["plan.json"], "edited");
        assert!(
            site.server.notes().iter().any(|note| note.id == ours && note.body.contains("### kms-alias"))
        );
        assert_eq!(site.server.count("POST"), 0);
    }
}

#[test]
fn a_page_that_cannot_be_read_makes_no_second_comment() {
    let pages: [fn(&Asked) -> Fate; 3] = [
        |asked| match asked.query.contains("&page=2") {
            true => Fate::Refused(200, String::new(), "{}".to_owned()),
            false => Fate::Answered,
        },
        |asked| match asked.query.contains("&page=2") {
            true => Fate::Refused(200, String::new(), "[{}]".to_owned()),
            false => Fate::Answered,
        },
        |asked| match asked.query.contains("&page=2") {
            true => Fate::Refused(
                200,
                "x-next-page: 2\r\nlink: <http://x/?page=2>; rel=\"next\"\r\n".to_owned(),
                "[]".to_owned(),
            ),
            false => Fate::Answered,
        },
    ];
    for fate in pages {
        for job in [GitHub, GitLab] {
            let site = Site::new(fate);
            site.server.fill(150);
            assert_failed(
                &site.run(job, &["plan.json"]),
                &["failed to list the comments: page 2 ", "hint: run again"],
            );
            assert_eq!(site.server.count("POST"), 0);
        }
    }
}

#[test]
fn what_passes_is_asked_again() {
    let limits = [
        (502, "", "Bad Gateway"),
        (429, "retry-after: 0\r\n", "{}"),
        (403, "retry-after: 0\r\n", "{\"message\": \"You have exceeded a secondary rate limit\"}"),
        (403, "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1\r\n", "{}"),
    ];
    std::thread::scope(|scope| {
        for (status, headers, body) in limits {
            scope.spawn(move || {
                let site = Site::new(move |asked| match asked.nth {
                    0 if asked.method == "GET" || status != 502 => {
                        Fate::Refused(status, headers.to_owned(), body.to_owned())
                    }
                    _ => Fate::Answered,
                });
                site.assert_done(GitHub, &["plan.json"], "created");
                site.only();
            });
        }
    });
}

#[test]
fn a_limit_that_is_longer_than_the_patience_is_told_and_nothing_is_hammered() {
    let site = Site::new(|_| Fate::Refused(429, "retry-after: 3600\r\n".to_owned(), String::new()));
    let words = [
        "GET /user: 429: limited, to be asked again in 3600 s",
        "hint: run again later, or let it wait longer",
    ];
    assert_failed(&site.run(GitLab, &["plan.json"]), &words);
    assert_eq!(site.server.asked().len(), 1);
}

#[test]
fn a_server_that_stays_silent_is_given_up_within_the_timeout() {
    let site = Site::new(|_| Fate::Silent);
    let ran = site.run(GitHub, &["plan.json", "--timeout", "1s"]);
    assert_failed(&ran, &["GET /user: no answer: timed out", "hint: look at --base-url and the network"]);
    assert_eq!(site.server.asked().len(), 1, "a second is not enough for a second attempt");
}

#[test]
fn a_comment_whose_answer_is_lost_is_looked_for_and_not_made_twice() {
    for job in [GitHub, GitLab] {
        let lost = Site::new(|asked| if asked.method == "POST" { Fate::Lost } else { Fate::Answered });
        lost.assert_done(job, &["plan.json"], "created");
        assert_eq!((lost.server.count("POST"), lost.only().author.0), (1, 1));
        let never = Site::new(|asked| match (&*asked.method, asked.nth) {
            ("POST", 0) => Fate::Refused(502, String::new(), String::new()),
            _ => Fate::Answered,
        });
        never.assert_done(job, &["plan.json"], "created");
        never.only();
        assert_eq!(never.server.count("POST"), 2);
    }
}

#[test]
fn what_is_refused_is_told_with_what_helps_and_not_asked_again() {
    let refuse = |status: u16| {
        move |asked: &Asked| match asked.path.contains("comments") || asked.path.contains("notes") {
            true => Fate::Refused(status, String::new(), "{\"message\": \"not you\"}".to_owned()),
            false => Fate::Answered,
        }
    };
    let cases = [
        (GitHub, 401, "hint: set GH_TOKEN or GITHUB_TOKEN"),
        (GitHub, 403, "hint: give the job `permissions: pull-requests: write`"),
        (GitHub, 404, "hint: look at --repo and --number"),
        (GitHub, 301, "hint: the repository has moved"),
        (GitLab, 401, "hint: set GITLAB_TOKEN"),
        (GitLab, 403, "hint: the token needs the scope `api`"),
        (GitLab, 404, "hint: look at --repo and --number"),
    ];
    for (job, status, hint) in cases {
        let site = Site::new(refuse(status));
        let words = [&*format!(": {status}: not you"), "error: failed to list the comments: GET /", hint];
        assert_failed(&site.run(job, &["plan.json"]), &words);
        assert_eq!(site.server.asked().len(), 2, "whose it is, and one page");
    }
    let site = Site::quiet();
    let ran = site.comment(GitLab, JOB_TOKEN, &["plan.json"]).output().unwrap();
    assert_failed(&ran, &["401", "hint: the token of a job may not write notes: set GITLAB_TOKEN"]);
}

#[test]
fn a_redirect_is_not_followed_and_the_token_goes_nowhere_else() {
    let elsewhere = ForgeServer::start(|_| Fate::Answered);
    let location = format!("location: {}/user\r\n", elsewhere.url);
    let site = Site::new(move |_| Fate::Refused(302, location.clone(), "{}".to_owned()));
    assert_failed(&site.run(GitHub, &["plan.json"]), &["GET /user: 302"]);
    assert_eq!(elsewhere.asked().len(), 0);
}

#[test]
fn no_output_has_the_token() {
    let echo = |asked: &Asked| {
        let token = asked.headers["authorization"].clone();
        Fate::Refused(403, String::new(), json!({"message": token}).to_string())
    };
    let args = ["plan.json", "-v", "-v", "-v"];
    for site in [Site::new(echo), Site::quiet(), Site::new(|_| Fate::Lost)] {
        let ran =
            site.comment(GitHub, USER_TOKEN, &[&args[..], &["--timeout", "2s"]].concat()).output().unwrap();
        let all = format!("{}{}", text(&ran.stdout), text(&ran.stderr));
        assert!(!all.contains(USER_TOKEN), "{all}");
        assert!(site.server.notes().iter().all(|note| !note.body.contains(USER_TOKEN)));
    }
}

#[test]
fn a_failed_plan_replaces_the_comment_and_takes_its_digest_away() {
    for job in [GitHub, GitLab] {
        let site = Site::quiet();
        site.assert_done(job, &["plan.json"], "created");
        std::fs::write(
            site.directory.path().join("said.txt"),
            "error: failed to read aliases.yaml\n/close\n",
        )
        .unwrap();
        site.assert_done(job, &["--failed", "said.txt"], "edited");
        let body = site.only().body;
        assert!(body.contains("### kms-alias: the plan failed\n") && body.contains("\n  /close\n"), "{body}");
        assert_failed(
            &site.run(job, &["--get-digest"]),
            &["the comment 1000 has none", "hint: it tells of a plan that failed"],
        );
        site.assert_done(job, &["plan.json"], "edited");
    }
}

#[test]
fn a_receipt_tells_what_became_of_the_plan() {
    let site = Site::quiet();
    site.assert_done(GitHub, &["plan.json"], "created");
    let args = ["apply", "--sandbox", "-y", "-q", "--receipt", "receipt.jsonl"];
    let applied = kms_alias(site.directory.path(), &args).output().unwrap();
    assert_eq!(applied.status.code(), Some(0), "{}", text(&applied.stderr));
    site.assert_done(GitHub, &["receipt.jsonl"], "edited");
    let body = site.only().body;
    assert!(
        body.contains("### kms-alias: applied\n") && body.contains("The apply ended with exit code 0."),
        "{body}"
    );
    assert_failed(&site.run(GitHub, &["--get-digest"]), &["has none"]);
}

#[test]
fn a_plan_that_was_written_into_is_not_put_up_for_approval() {
    let site = Site::quiet();
    let path = site.directory.path().join("plan.json");
    let plan = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, plan.replace(&site.digest, &format!("sha256:{}", "0".repeat(64)))).unwrap();
    let ran = site.run(GitHub, &["plan.json"]);
    assert_eq!(ran.status.code(), Some(5), "{}", text(&ran.stderr));
    assert!(text(&ran.stderr).contains("hint: plan again"), "{}", text(&ran.stderr));
    assert_eq!(site.server.asked().len(), 0);
}

#[test]
fn two_comments_of_ours_have_no_digest_and_are_warned_of() {
    let site = Site::quiet();
    (0..2).for_each(|_| {
        site.server.put(ME, &marker("default", &site.digest));
    });
    assert_failed(
        &site.run(GitHub, &["--get-digest"]),
        &["2 comments of ours have this id", "hint: delete all but"],
    );
    let ran = site.run(GitHub, &["plan.json"]);
    assert!(ran.status.success() && text(&ran.stderr).contains("warning: 1 more of our comments"), "{ran:?}");
    assert!(
        site.server.notes()[0].body.contains("### kms-alias") && !site.server.notes()[1].body.contains("###")
    );
}

#[test]
fn what_makes_no_sense_is_told_before_anything_is_asked() {
    let site = Site::quiet();
    let cases: [(&[&str], i32, &str); 7] = [
        (&[], 64, "PLAN|RECEIPT"),
        (&["plan.json", "--get-digest"], 64, "cannot be used with"),
        (&["plan.json", "--id", "a b"], 64, "an id has 1 to 64"),
        (&["plan.json", "--repo", "o"], 64, "\"o\" is no repository"),
        (&["plan.json", "--base-url", "http://ghe.example"], 64, "in the clear"),
        (&["aliases.yaml"], 3, "neither a plan"),
        (&["plan.json", "-o", "diff"], 64, "comment has the forms text and json"),
    ];
    for (args, code, words) in cases {
        let (ended, out, err) = told(&site.run(GitHub, args));
        assert!(ended == Some(code) && err.contains(words), "{args:?}: {ended:?} {out}{err}");
    }
    let nowhere = kms_alias(site.directory.path(), &["comment", "plan.json"]).output().unwrap();
    assert!(
        text(&nowhere.stderr).contains("hint: add --provider github or --provider gitlab"),
        "{nowhere:?}"
    );
    assert_eq!(site.server.asked().len(), 0);
}

#[test]
fn the_plans_of_all_shards_are_one_comment_and_one_that_is_missing_takes_its_digest() {
    let site = Site::quiet();
    site.plan_shard("0/2", "plan-0.json");
    site.plan_shard("1/2", "plan-1.json");
    let several = site.run(GitHub, &["plan-0.json", "plan-1.json"]);
    assert_eq!(several.status.code(), Some(64), "{}", text(&several.stderr));
    site.assert_done(GitHub, &["--merge", "plan-0.json", "plan-1.json"], "created");
    let whole = site.only().body;
    assert!(whole.lines().next().unwrap().contains(&site.digest), "{whole}");
    assert!(whole.contains("with the plan of each shard"), "{whole}");
    let part = site.run(GitHub, &["--merge", "plan-1.json"]);
    assert_failed(&part, &["error: incomplete: nothing is known of shard 0/2\nhint: "]);
    assert_eq!(text(&part.stdout), "Comment edited.\n");
    let part = site.only().body;
    assert!(part.contains("nothing is known of shard 0/2") && !part.contains("sha256:"), "{part}");
}
