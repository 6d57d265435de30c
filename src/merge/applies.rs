//! Results of applies, each of a part of the targets -> the result of all of them.

use super::{MergeError, Named, parts::disjoint, plans, shards};
use crate::cli::exit::Exit;
use crate::document::{ApplyDocument, ErrorText, ReportDocument};

pub(super) fn merge(applies: Vec<Named<ApplyDocument>>) -> Result<ApplyDocument, MergeError> {
    let written = applies.iter().flat_map(|apply| {
        let targets = apply.what.report.iter().flat_map(|report| &report.targets);
        targets.map(|target| (&*apply.file, &*target.name))
    });
    disjoint(written)?;
    let mut exit = worst(applies.iter().map(|apply| (&*apply.file, apply.what.exit_code)))?;
    let mut plan_files = Vec::new();
    let (mut receipts, mut reports, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for Named { file, what } in applies {
        receipts.extend(what.receipt.into_iter().chain(what.receipts));
        reports.extend(what.report);
        errors.extend(what.error.map(|error| (file.clone(), error)));
        plan_files.push(Named { file, what: what.plan });
    }
    let plan = plans::merge(plan_files)?;
    receipts.sort();
    errors.sort_by(|a, b| a.0.cmp(&b.0));
    if !plan.missing_shards.is_empty() {
        exit = exit.worse(Exit::Runtime);
        errors.push((String::new(), absence(&plan.missing_shards)));
    }
    Ok(ApplyDocument {
        format_version: plan.format_version.clone(),
        kind: "apply".to_owned(),
        plan,
        receipt: None,
        receipts,
        report: report(reports),
        error: error(errors),
        exit_code: exit.code(),
    })
}

/// The exit code that says most
pub(super) fn worst<'f>(codes: impl IntoIterator<Item = (&'f str, u8)>) -> Result<Exit, MergeError> {
    codes.into_iter().try_fold(Exit::Success, |worst, (file, code)| match Exit::of(code) {
        Some(exit) => Ok(worst.worse(exit)),
        None => {
            Err(MergeError::Nonsense { file: file.to_owned(), what: format!("there is no exit code {code}") })
        }
    })
}

fn absence(missing: &[String]) -> ErrorText {
    let message = format!("nothing is known of {}", shards(missing));
    ErrorText { message, hint: Some("merge its report too, or run it again".to_owned()) }
}

fn error(errors: Vec<(String, ErrorText)>) -> Option<ErrorText> {
    let told = |(file, error): &(String, ErrorText)| match &**file {
        "" => error.message.clone(),
        file => format!("{file}: {}", error.message),
    };
    let message = errors.iter().map(told).collect::<Vec<_>>().join("; ");
    let hint = errors.iter().find_map(|(_, error)| error.hint.clone());
    (!errors.is_empty()).then_some(ErrorText { message, hint })
}

fn report(reports: Vec<ReportDocument>) -> Option<ReportDocument> {
    if reports.is_empty() {
        return None;
    }
    let mut whole = ReportDocument::default();
    for ReportDocument { summary, targets } in reports {
        whole.summary.add(&summary);
        whole.targets.extend(targets);
    }
    whole.targets.sort_by(|a, b| a.name.cmp(&b.name));
    Some(whole)
}
