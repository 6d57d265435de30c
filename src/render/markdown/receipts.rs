//! The receipts of the shards of a fleet -> the comment about them all.

use super::{Frame, Part, brief, fenced, lines};
use crate::merge::Receipts;
use crate::render::receipt;
use crate::render::style::Palette;

/// The comment about several applies
pub fn receipts(receipts: &Receipts, frame: &Frame<'_>) -> String {
    let title = match receipts.exit_code {
        Some(0) => "applied",
        Some(_) => "apply failed or is incomplete",
        None => "an apply did not come to its end",
    };
    let mut parts = vec![frame.heading(title)];
    let summary = lines(&receipt::summary_of_all(receipts));
    parts.push(Part::Whole(
        fenced("text", summary),
        "\nWhat it came to is too long for a comment.\n".to_owned(),
    ));
    let plain = Palette::plain();
    for one in &receipts.histories {
        let begin = &one.what.begin;
        parts.push(Part::Text(format!(
            "\nPlan {}, applied at {}.\n",
            brief(&begin.digest),
            brief(&one.what.began)
        )));
        parts.push(Part::Cut(fenced("text", lines(&receipt::chapters(&one.what, &plain)))));
    }
    frame.fill(parts, None, "`kms-alias show --merge RECEIPT...` has all of them", |_| String::new())
}
