//! Texts that are not ours in comments on pull requests, as GitHub's own parser reads them: whatever they are, they make the
//! same elements and leave the same prose as a harmless word does.

use std::io::Write as _;
use std::process::Stdio;

use kms_alias::document::PlanDocument;
use kms_alias::receipt::history;
use kms_alias::render::markdown::{Frame, failure, plan, receipt};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::processes::{Hermit, python};

/// Without the filters that GitHub adds, so that raw HTML shows up as such
const RENDER: &str = r#"
import json, sys
from html.parser import HTMLParser
from cmarkgfm import markdown_to_html_with_extensions
from cmarkgfm.cmark import Options

class Parts(HTMLParser):
    def __init__(self):
        super().__init__()
        self.depth, self.elements, self.prose, self.code = 0, [], "", ""

    def handle_starttag(self, tag, attributes):
        self.depth += tag == "code"
        self.elements.append(" ".join([tag, *(f"{name}={value}" for name, value in attributes)]))

    def handle_endtag(self, tag):
        self.depth -= tag == "code"
        self.elements.append("/" + tag)

    def handle_comment(self, text):
        self.elements.append("comment " + text)

    def handle_data(self, text):
        if self.depth:
            self.code += text
        else:
            self.prose += text

parts = Parts()
text = sys.stdin.buffer.read().decode("utf-8")
extensions = ["table", "autolink", "strikethrough", "tasklist"]
parts.feed(markdown_to_html_with_extensions(text, options=Options.CMARK_OPT_UNSAFE, extensions=extensions))
print(json.dumps({"elements": parts.elements, "prose": parts.prose, "code": parts.code}))
"#;

/// What a reader gets
#[derive(Debug, Deserialize)]
struct Rendered {
    elements: Vec<String>,
    prose: String,
    code: String,
}

fn rendered(markdown: &str) -> Rendered {
    let home = Hermit::new();
    let mut command = home.command(python());
    command.args(["-c", RENDER]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = command.spawn().unwrap();
    process.stdin.take().unwrap().write_all(markdown.as_bytes()).unwrap();
    let ended = process.wait_with_output().unwrap();
    serde_json::from_slice(&ended.stdout).unwrap()
}

const HOSTILE: [&str; 24] = [
    "</code></pre><img src=x onerror=alert(1)><script>x</script>",
    "```\n# heading",
    "````````",
    "`a` ``b`` ```c``` <b>d</b>",
    "`",
    "``",
    "\\`<b>\\",
    "\\",
    "a | b | c",
    "\\| <b>x</b> |",
    "[link](http://evil.example) ![image](http://evil.example/x.png) [ref]: http://evil.example",
    "http://evil.example www.evil.example me@evil.example",
    "@somebody @org/team #123 o/r#1 GH-1 !7 0123456789abcdef0123456789abcdef01234567",
    "--> <!-- x -->",
    "</details></summary><details open>",
    "\u{202e}\u{2066}\u{200b}x",
    "/close\n/merge",
    "\r\n\r\n# heading\r\n- [x] task\r\n\r\n    code\r\n",
    "\n\n</div>\n\n<a href=http://evil.example>x</a>\n",
    "&lt;img&gt; &#64;you &commat;you",
    "~~~\n***bold*** ~~struck~~ $x$",
    "@@ -1 +1 @@",
    " leading and trailing ",
    "::error::x ##[error]x",
];

/// Every text of a document, but those that a program reads, replaced by `text`
fn poisoned(value: &Value, text: &str) -> Value {
    const KEPT: [&str; 5] = ["format_version", "kind", "actions", "origin", "digest"];
    match value {
        Value::String(_) => text.into(),
        Value::Array(items) => items.iter().map(|item| poisoned(item, text)).collect(),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                let kept = KEPT.contains(&name.as_str());
                let name = if name.starts_with("alias/") { format!("{name}{text}") } else { name.clone() };
                (name, if kept { value.clone() } else { poisoned(value, text) })
            };
            fields.iter().map(field).collect::<serde_json::Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// A plan with something of everything
fn document() -> Value {
    let change = |alias: &str, actions: &[&str], origin: &str| {
        json!({
            "alias": alias, "previous_alias": "x", "successor_alias": "x", "actions": actions, "reason": "x",
            "origin": origin, "before": "x", "after": "x", "key_description": "x",
            "source": {"file": "x", "line": 1, "column": 1}, "why": ["x"],
            "risks": [{"code": "x", "message": "x", "link": "x"}], "blocked_by": "x", "hint": "x",
        })
    };
    let refusal = json!({"guard": "x", "message": "x", "source": null, "accept": "x", "hint": "x"});
    let changes = [
        change("a", &["create"], "config"),
        change("b", &["delete"], "config"),
        change("c", &["update"], "drift"),
        change("d", &["create", "delete"], "unknown"),
        change("e", &["no-op"], "config"),
    ];
    let finding = json!({
        "kind": "x", "key": null, "statement": null, "requests": null, "other_conditions": [], "permission": null,
        "alias": null, "reason": null, "sentence": "x",
    });
    let target = json!({
        "name": "x", "partition": "x", "account": "x", "region": "x", "caller": "x", "prune": false, "errored": false,
        "error": null, "changes": changes, "refusals": [refusal], "unmanaged": {"alias/x": "x"},
        "kept": {"alias/y": {"key": "x", "successor_alias": "x"}}, "in_sync": 1, "access": [finding], "access_keys": 1,
    });
    let mut unread = target.clone();
    unread["error"] = json!({"message": "x", "hint": "x"});
    let summary = json!({
        "create": 1, "update": 1, "replace": 0, "rename": 1, "delete": 1, "held": 1, "in_sync": 1, "unmanaged": 1,
        "refused": 1, "unread_targets": 0,
    });
    json!({
        "format_version": "1.0", "kind": "plan", "digest": format!("sha256:{}", "0".repeat(64)), "errored": false,
        "partial": true, "allow": [], "base": {"commit": "x", "readable": false}, "warnings": ["x"], "refusals": [refusal],
        "summary": summary, "api_calls": {}, "least_seconds": 1.0, "targets": [target, unread],
    })
}

#[track_caller]
fn assert_tame(what: &str, markdown: impl Fn(&str) -> String) {
    let harmless = rendered(&markdown("word"));
    assert!(harmless.code.contains("word") && !harmless.prose.contains("word"), "{what}: {harmless:?}");
    for text in HOSTILE {
        let hostile = rendered(&markdown(text));
        assert_eq!(hostile.elements, harmless.elements, "{what}: {text:?}\n{}", markdown(text));
        assert_eq!(hostile.prose, harmless.prose, "{what}: {text:?}\n{}", markdown(text));
        let unseen = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(!hostile.code.contains(unseen), "{what}: {text:?}");
        assert!(
            markdown(text).lines().all(|line| !line.starts_with('/')),
            "{what}: {text:?} is a quick action"
        );
    }
}

#[test]
fn no_text_of_a_plan_makes_an_element_or_leaves_its_code() {
    assert_tame("a plan", |text| {
        let document: PlanDocument = serde_json::from_value(poisoned(&document(), text)).unwrap();
        plan(&document, &Frame::default())
    });
}

#[test]
fn no_text_of_a_receipt_makes_an_element_or_leaves_its_code() {
    let lines = include_str!("../suite/receipts/whole.jsonl");
    assert_tame("a receipt", |text| {
        let mut read = history::read(lines).unwrap();
        read.begin.digest = text.to_owned();
        read.began = text.to_owned();
        for chapter in &mut read.targets {
            chapter.intent.target = text.to_owned();
            chapter.intent.caller = text.to_owned();
            chapter.intent.changes.iter_mut().for_each(|change| change.after = Some(text.to_owned()));
            for ending in chapter.endings.values_mut() {
                (ending.outcome, ending.error) = (text.to_owned(), Some(text.to_owned()));
            }
        }
        receipt(&read, &Frame::default())
    });
}

#[test]
fn nothing_that_a_failed_plan_said_makes_an_element_or_leaves_its_code() {
    assert_tame("a failure", |text| failure(text, &Frame::default()));
}
