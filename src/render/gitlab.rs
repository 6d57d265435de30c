//! A run -> what the merge requests of GitLab show: how much a plan does, and what there is to look at.

use serde_json::{Value, json};

use super::findings::{Finding, Level, findings};
use super::form::Run;

/// `reports: terraform`: three integers
///
/// A report without them is shown as one that failed (<https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsterraform>),
/// which is what a run without a plan is, or one that could not read all of it.
pub fn terraform(run: &Run) -> Value {
    match &run.plan {
        Some(plan) if !plan.errored => {
            let all = &plan.summary;
            // A replacement and a rename are a create and a delete each, as Terraform counts them.
            let both = all.replace + all.rename;
            json!({"create": all.create + both, "update": all.update, "delete": all.delete + both})
        }
        _ => json!({"errored": true, "exit_code": run.exit_code}),
    }
}

/// `reports: codequality` (<https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>)
pub fn code_quality(run: &Run) -> Value {
    findings(run).iter().map(|finding| issue(finding, &run.manifest)).collect()
}

/// Every issue has to have a place; what has none in the manifest is at its beginning
fn issue(finding: &Finding, manifest: &str) -> Value {
    let severity = match finding.level {
        Level::Error => "major",
        Level::Warning => "minor",
    };
    let (path, line) =
        finding.source.as_ref().map_or((manifest, 1), |source| (source.file.as_str(), source.line));
    json!({
        "description": finding.message,
        "check_name": finding.rule,
        "fingerprint": finding.fingerprint,
        "severity": severity,
        "location": {"path": path.trim_start_matches("./"), "lines": {"begin": line}},
    })
}
