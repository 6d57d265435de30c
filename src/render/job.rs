//! What there is to look at in a run -> what the runner of a CI job is told of it: GitHub's annotations and outputs, and the
//! sections of a GitLab log. Pure; these lines are commands, so all in them that is not ours is escaped as the runner wants it.

use std::fmt::Write as _;

use super::findings::{Finding, Level};
use super::form::Run;
use super::harmless::harmless;
use super::style::plural;

/// Of each level, in one step; the runner shows no more
/// (<https://docs.github.com/en/rest/checks/runs>, <https://github.com/orgs/community/discussions/26680>)
const MOST_ANNOTATIONS: usize = 10;

/// The most bytes of a step's summary: 1,024 KiB
/// (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary>)
pub const LARGEST_SUMMARY: usize = 1024 * 1024;

/// Annotations on the lines of the manifest; `place` tells where the runner knows a file
///
/// The first ten of each level are shown, and the rest is counted in a notice, of which a step may have ten as well.
pub fn annotations(findings: &[Finding], place: impl Fn(&str) -> Option<String>) -> String {
    let mut lines = String::new();
    let mut rest = Vec::new();
    for level in [Level::Error, Level::Warning] {
        let all = findings.iter().filter(|finding| finding.level == level);
        all.clone().take(MOST_ANNOTATIONS).for_each(|finding| lines += &annotation(finding, &place));
        let more = all.count().saturating_sub(MOST_ANNOTATIONS);
        rest.extend((more > 0).then(|| plural(more, &format!("more {}", level.as_str()))));
    }
    if !rest.is_empty() {
        let rest = rest.join(" and ");
        let _ = writeln!(
            lines,
            "::notice title=kms-alias::{rest}, which a step has no room to annotate: see its log and its summary"
        );
    }
    lines
}

/// `::error file=aliases.yaml,line=3,col=5,title=kms-alias%3A held::…`
fn annotation(finding: &Finding, place: impl Fn(&str) -> Option<String>) -> String {
    let mut properties = String::new();
    let file = finding.source.as_ref().and_then(|source| Some((place(&source.file)?, source)));
    if let Some((file, source)) = file {
        properties = format!("file={},line={},col={},", property(&file), source.line, source.column);
    }
    let (level, title) =
        (finding.level.as_str(), property(&format!("kms-alias: {}", harmless(&finding.rule))));
    format!("::{level} {properties}title={title}::{}\n", data(&harmless(&finding.message)))
}

/// As the runner takes escapes back (<https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts>)
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// What later steps of the job may ask for, by name
pub fn outputs(run: &Run) -> Vec<(&'static str, String)> {
    let mut outputs = vec![("exit-code", run.exit_code.to_string())];
    if let Some(plan) = &run.plan {
        let summary = &plan.summary;
        let deletes = summary.delete + summary.rename + summary.replace;
        let refused =
            !plan.refusals.is_empty() || plan.targets.iter().any(|target| !target.refusals.is_empty());
        // What is only looked at has no digest that anything may be expected to have.
        let digest = plan.digest.as_ref().filter(|_| plan.kind != "drift");
        outputs.extend(digest.map(|digest| ("digest", harmless(digest))));
        outputs.push(("changes", summary.changes().to_string()));
        outputs.push(("deletes", deletes.to_string()));
        outputs.push(("held", summary.held.to_string()));
        outputs.extend(summary.unusable.map(|count| ("unusable", count.to_string())));
        outputs.push(("unread-targets", summary.unread_targets.to_string()));
        outputs.push(("refused", refused.to_string()));
    }
    let receipt = run.written.as_ref().and_then(|written| written.receipt.as_ref());
    outputs.extend(receipt.map(|receipt| ("receipt", harmless(receipt))));
    outputs
}

/// The beginning of a part of a GitLab job's log that can be folded away; `at` is in seconds since 1970
/// (<https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections>)
pub fn section_start(name: &str, title: &str, at: u64) -> String {
    format!("\u{1b}[0Ksection_start:{at}:{name}\r\u{1b}[0K{title}\n")
}

/// Its end
pub fn section_end(name: &str, at: u64) -> String {
    format!("\u{1b}[0Ksection_end:{at}:{name}\r\u{1b}[0K\n")
}

/// What a run said on stderr, without the lines that were commands to the runner: elsewhere they are noise
pub fn without_commands(said: &str) -> String {
    let is_command = |line: &str| {
        ["::error ", "::warning ", "::notice ", "\u{1b}[0Ksection_"]
            .iter()
            .any(|start| line.starts_with(start))
    };
    said.split_inclusive('\n').filter(|line| !is_command(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Source;

    fn finding(level: Level, message: &str) -> Finding {
        let source = Source { file: "a:b,c.yaml".to_owned(), line: 3, column: 5 };
        let (rule, fingerprint) = ("held".to_owned(), String::new());
        Finding { rule, about: None, level, message: message.to_owned(), source: Some(source), fingerprint }
    }

    #[test]
    fn nothing_in_an_annotation_ends_it_or_begins_another() {
        let place = |file: &str| Some(file.to_owned());
        let told =
            annotations(&[finding(Level::Error, "100 %\r\n::set-env name=x::y ##[z]\u{1b}[2J")], place);
        assert_eq!(
            told,
            "::error file=a%3Ab%2Cc.yaml,line=3,col=5,title=kms-alias%3A held::\
             100 %25\\r\\n::set-env name=x::y ##[z]\\u{1b}[2J\n"
        );
        assert!(annotations(&[finding(Level::Warning, "x")], |_| None).starts_with("::warning title="));
    }

    #[test]
    fn what_was_said_to_a_person_is_told_from_what_was_said_to_a_runner() {
        let mut said = section_start("kms_alias_plan_1", "kms-alias plan", 1) + "error: x ::error y\n";
        said += &annotations(&[finding(Level::Error, "x"), finding(Level::Warning, "x")], |_| None);
        said += &(section_end("kms_alias_plan_1", 2) + "hint: y");
        assert_eq!(without_commands(&said), "error: x ::error y\nhint: y");
    }

    #[test]
    fn a_step_has_ten_annotations_of_each_level_and_the_rest_is_counted() {
        let many = |level, count| vec![finding(level, "x"); count];
        let told = |errors, warnings| {
            annotations(&[many(Level::Warning, warnings), many(Level::Error, errors)].concat(), |_| None)
        };
        let count = |told: &str, level: &str| told.matches(&format!("::{level} ")).count();
        let all = told(10, 10);
        assert_eq!((count(&all, "error"), count(&all, "warning"), count(&all, "notice")), (10, 10, 0));
        let some = told(11, 13);
        assert_eq!((count(&some, "error"), count(&some, "warning"), count(&some, "notice")), (10, 10, 1));
        assert!(some.contains("::1 more error and 3 more warnings, which"), "{some}");
        assert!(some.starts_with("::error "), "what is wrong comes first");
    }
}
