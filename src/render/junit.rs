//! A run -> JUnit XML, which most CI systems show: a suite for each target, a case for each alias that its plan names.
//!
//! The form is that of <https://github.com/testmoapp/junitxml>. A difference is a failure, what could not be found out an error.

use std::fmt::Write as _;

use super::findings::differs;
use super::form::{Run, Written};
use super::harmless::markup;
use crate::document::{AppliedChange, ErrorText, PlannedChange, RefusalText, TargetPlan, UnusableText};

/// What came of a case
enum Outcome {
    Passed,
    /// Of this type, for this reason
    Failed(String, String),
    /// Likewise, but nothing is known
    Errored(String, String),
}

struct Case {
    name: String,
    outcome: Outcome,
    /// What a person should know besides
    notes: Vec<String>,
}

struct Suite {
    name: String,
    cases: Vec<Case>,
}

/// The one document
pub fn junit(run: &Run) -> String {
    let suites = suites(run);
    let seconds = run.took.as_secs_f64();
    let sum = |count: fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"kms-alias {}\" tests=\"{}\" failures=\"{}\" \
         errors=\"{}\" time=\"{seconds:.3}\">\n",
        run.command,
        sum(|suite| suite.cases.len()),
        sum(Suite::failures),
        sum(Suite::errors)
    );
    suites.iter().for_each(|suite| suite.write(&mut xml));
    xml + "</testsuites>\n"
}

/// The run as a whole first, where there is something to say of it
fn suites(run: &Run) -> Vec<Suite> {
    let mut cases: Vec<Case> = run.errors.iter().map(|error| errored("run", error)).collect();
    for problem in run.problems.sorted().into_iter().filter(|problem| problem.severity.as_str() == "error") {
        let at = problem.place().map(|place| format!("{}:{}:{}: ", place.file, place.line, place.column));
        let message = at.unwrap_or_default() + &problem.message;
        cases.push(Case::failed("manifest", problem.code, message));
    }
    let plan = run.plan.as_ref();
    cases.extend(plan.iter().flat_map(|plan| &plan.refusals).map(refused));
    let whole = (!cases.is_empty()).then(|| Suite { name: format!("kms-alias {}", run.command), cases });
    let targets = plan.map(|plan| &plan.targets[..]).unwrap_or_default();
    let suites = targets.iter().map(|target| suite(target, run.written.as_ref()));
    whole.into_iter().chain(suites).collect()
}

fn suite(target: &TargetPlan, written: Option<&Written>) -> Suite {
    let mut cases: Vec<Case> = target.error.iter().map(|error| errored("read", error)).collect();
    cases.extend(target.refusals.iter().map(refused));
    let report = written.and_then(|written| written.of(&target.name));
    cases.extend(
        report.iter().filter_map(|report| report.error.as_ref()).map(|error| errored("write", error)),
    );
    for change in &target.changes {
        cases.push(case(change, report.and_then(|report| report.outcome(change))));
    }
    cases.extend(target.unusable.iter().flatten().map(unusable));
    if target.in_sync > 0 {
        let name = format!("{} in sync", target.in_sync);
        cases.push(Case { name, outcome: Outcome::Passed, notes: Vec::new() });
    }
    Suite { name: target.name.clone(), cases }
}

fn errored(name: &str, error: &ErrorText) -> Case {
    let notes = error.hint.iter().map(|hint| format!("hint: {hint}")).collect();
    let outcome = Outcome::Errored("unreadable".to_owned(), error.message.clone());
    Case { name: name.to_owned(), outcome, notes }
}

fn refused(refusal: &RefusalText) -> Case {
    let notes = vec![format!("hint: {}", refusal.hint)];
    Case {
        notes,
        ..Case::failed(&format!("guard {}", refusal.guard), &refusal.guard, refusal.message.clone())
    }
}

fn unusable(unusable: &UnusableText) -> Case {
    let mut notes = vec![format!("hint: {}", unusable.hint)];
    notes.extend(unusable.source.iter().map(|source| format!("at: {source}")));
    Case { notes, ..Case::failed(&unusable.alias, "unusable-key", unusable.message.clone()) }
}

fn case(change: &PlannedChange, outcome: Option<&AppliedChange>) -> Case {
    let mut notes: Vec<_> = change.why.iter().map(|why| format!("why: {why}")).collect();
    notes.extend(change.risks.iter().map(|risk| format!("risk: {}  [{}]", risk.message, risk.code)));
    notes.extend(change.hint.iter().map(|hint| format!("hint: {hint}")));
    notes.extend(change.source.iter().map(|source| format!("at: {source}")));
    let outcome = match (&change.blocked_by, outcome) {
        _ if change.accepted.is_some() => Outcome::Passed,
        (Some(why), _) => Outcome::Failed("held".to_owned(), why.clone()),
        (None, Some(write)) if write.is_success() => Outcome::Passed,
        (None, Some(write)) => {
            let why = write.why().map(str::to_owned);
            Outcome::Failed(write.status.clone(), why.unwrap_or_else(|| differs(change)))
        }
        (None, None) => Outcome::Failed("drift".to_owned(), differs(change)),
    };
    Case { name: change.alias.clone(), outcome, notes }
}

impl Case {
    fn failed(name: &str, kind: &str, message: String) -> Self {
        Self { name: name.to_owned(), outcome: Outcome::Failed(kind.to_owned(), message), notes: Vec::new() }
    }

    fn write(&self, class: &str, xml: &mut String) {
        let _ = write!(xml, "    <testcase name=\"{}\" classname=\"{}\"", markup(&self.name), markup(class));
        let (element, kind, message) = match &self.outcome {
            Outcome::Passed => {
                *xml += "/>\n";
                return;
            }
            Outcome::Failed(kind, message) => ("failure", kind, message),
            Outcome::Errored(kind, message) => ("error", kind, message),
        };
        let (kind, message) = (markup(kind), markup(message));
        let notes: String = self.notes.iter().map(|note| format!("\n{}", markup(note))).collect();
        let _ = writeln!(
            xml,
            ">\n      <{element} type=\"{kind}\" message=\"{message}\">{message}{notes}</{element}>"
        );
        *xml += "    </testcase>\n";
    }
}

impl Suite {
    fn failures(&self) -> usize {
        self.cases.iter().filter(|case| matches!(case.outcome, Outcome::Failed(..))).count()
    }

    fn errors(&self) -> usize {
        self.cases.iter().filter(|case| matches!(case.outcome, Outcome::Errored(..))).count()
    }

    fn write(&self, xml: &mut String) {
        let (tests, failures, errors) = (self.cases.len(), self.failures(), self.errors());
        let name = markup(&self.name);
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\">"
        );
        self.cases.iter().for_each(|case| case.write(&self.name, xml));
        *xml += "  </testsuite>\n";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_end_its_place_in_the_xml() {
        assert_eq!(
            markup("a<b>&\"'\u{0}\u{1b}\n\u{ffff}ü"),
            "a&lt;b&gt;&amp;&quot;&apos;\\0\\u{1b}\\n\\u{ffff}ü"
        );
        for c in ('\0'..=char::MAX).step_by(3) {
            let shown = markup(&c.to_string());
            assert!(
                !shown.contains(|c: char| c.is_control() || "<>\"'\u{ffff}\u{fffe}".contains(c)),
                "{c:?}"
            );
        }
    }
}
