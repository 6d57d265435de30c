//! Receipts of applies, each of a part of the targets -> all of them, in the order of the parts.

use super::applies::worst;
use super::parts::{disjoint, missing};
use super::{MergeError, Named};
use crate::receipt::history::History;
use crate::shard::ShardText;

/// Receipts of one fleet
#[derive(Clone, Debug, PartialEq)]
pub struct Receipts {
    /// Each with its file
    pub histories: Vec<Named<History>>,
    /// The parts that there is no receipt of: there was nothing to write, or it never came to that
    pub missing_shards: Vec<String>,
    /// The exit code that says most; `None` while an apply did not come to its end
    pub exit_code: Option<u8>,
}

pub(super) fn merge(mut histories: Vec<Named<History>>) -> Result<Receipts, MergeError> {
    let text =
        |one: &Named<History>| one.what.begin.shard.clone().map(|part| ShardText { part, fleet: None });
    let shards: Vec<_> = histories.iter().map(text).collect();
    let parts = histories.iter().map(|one| &*one.file).zip(shards.iter().map(Option::as_ref));
    let missing_shards = missing(parts)?;
    let targets = histories
        .iter()
        .flat_map(|one| one.what.targets.iter().map(|chapter| (&*one.file, &*chapter.intent.target)));
    disjoint(targets)?;
    let ended = histories.iter().filter_map(|one| Some((&*one.file, one.what.exit_code?)));
    let all_ended = histories.iter().all(|one| one.what.exit_code.is_some());
    let exit_code = Some(worst(ended)?.code()).filter(|_| all_ended);
    histories.sort_by(|a, b| place(a).cmp(&place(b)));
    Ok(Receipts { histories, missing_shards, exit_code })
}

/// By what it tells of, not by the order in which the files were named
fn place(one: &Named<History>) -> (Option<&str>, &str) {
    (one.what.targets.first().map(|chapter| &*chapter.intent.target), &one.what.began)
}
