//! A run -> SARIF 2.1.0, which code scanning reads (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::findings::{Finding, findings};
use super::form::Run;
use crate::document::Source;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The one document
pub fn sarif(run: &Run) -> Value {
    let findings = findings(run);
    let rules: BTreeMap<&str, &Finding> =
        findings.iter().map(|finding| (finding.rule.as_str(), finding)).collect();
    let results: Vec<_> = findings.iter().map(|finding| result(finding, &rules)).collect();
    // That changes were refused or are pending is what it found, and not a failure of it.
    let ended = matches!(run.exit_code, 0 | 2 | 4);
    let whole = ended && run.errors.is_empty() && run.plan.as_ref().is_some_and(|plan| !plan.errored);
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "kms-alias",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.values().map(|finding| rule(finding)).collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": format!("kms-alias/{}/", run.command)},
            // Without it a reader would take an unreadable target for one without findings.
            "invocations": [{"executionSuccessful": whole, "exitCode": run.exit_code}],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(finding: &Finding) -> Value {
    let Some(about) = &finding.about else {
        return json!({"id": finding.rule, "shortDescription": {"text": finding.rule.replace('-', " ")}});
    };
    // A section of the page begins with its own name.
    let body = about.strip_prefix(&format!("## {}", finding.rule)).unwrap_or(about).trim();
    let paragraph = body.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let sentence = paragraph.split_once(". ").map_or(&*paragraph, |(first, _)| first);
    json!({
        "id": finding.rule,
        "shortDescription": {"text": sentence.trim_end_matches('.')},
        "help": {"text": body, "markdown": about},
    })
}

fn result(finding: &Finding, rules: &BTreeMap<&str, &Finding>) -> Value {
    let index = rules.keys().position(|rule| *rule == finding.rule);
    json!({
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": finding.level.as_str(),
        "message": {"text": finding.message},
        "locations": finding.source.iter().map(location).collect::<Vec<_>>(),
        "partialFingerprints": {"kmsAliasFinding/v1": finding.fingerprint},
    })
}

fn location(source: &Source) -> Value {
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(&source.file)},
        "region": {"startLine": source.line, "startColumn": source.column},
    }})
}

/// A path as a reference: what has a meaning in a URI, or may not be in one, is escaped
fn uri(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    let escaped: String = path
        .bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    match path.starts_with('/') {
        true => format!("file://{escaped}"),
        false => escaped.trim_start_matches("./").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_reference_that_leads_to_the_same_file() {
        assert_eq!(uri("./a/b c#1.yaml"), "a/b%20c%231.yaml");
        assert_eq!(uri("/a/ü.yaml"), "file:///a/%C3%BC.yaml");
        assert_eq!(uri("<stdin>"), "%3Cstdin%3E");
    }
}
