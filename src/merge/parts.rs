//! The parts that files are of -> those that are missing; and whether any target is told of twice.

use std::collections::BTreeMap;

use super::MergeError;
use crate::shard::{Shard, ShardText};

/// Nobody divides their targets further, and a file may name any number
const MOST: u64 = 10_000;

/// The parts that are missing, as `1/4`; none where the files are of no parts, since nobody knows of what they are all
pub(super) fn missing<'p>(
    parts: impl IntoIterator<Item = (&'p str, Option<&'p ShardText>)>,
) -> Result<Vec<String>, MergeError> {
    let parts: Vec<_> = parts.into_iter().map(part).collect::<Result<_, _>>()?;
    let Some(first) = parts.first() else { return Ok(Vec::new()) };
    parts.iter().try_for_each(|other| go_together(first, other))?;
    let mut there: BTreeMap<u64, &str> = BTreeMap::new();
    for Part { file, shard, .. } in &parts {
        let Some(shard) = shard else { continue };
        if let Some(first) = there.insert(shard.index, file) {
            let (first, second) = (first.to_owned(), (*file).to_owned());
            return Err(MergeError::SameShard { first, second, shard: shard.to_string() });
        }
    }
    let count = first.shard.map_or(0, |shard| shard.count);
    let absent = (0..count).filter(|index| !there.contains_key(index));
    Ok(absent.map(|index| Shard { index, count }.to_string()).collect())
}

struct Part<'p> {
    file: &'p str,
    shard: Option<Shard>,
    fleet: Option<&'p str>,
}

fn part<'p>((file, text): (&'p str, Option<&'p ShardText>)) -> Result<Part<'p>, MergeError> {
    let nonsense = |what| MergeError::Nonsense { file: file.to_owned(), what };
    let shard = text.map(|text| {
        let shard =
            Shard::parse(&text.part).map_err(|why| nonsense(format!("shard {:?}: {why}", text.part)))?;
        match shard.count {
            ..=MOST => Ok(shard),
            count => Err(nonsense(format!("it is of {count} shards, and no more than {MOST} are merged"))),
        }
    });
    Ok(Part { file, shard: shard.transpose()?, fleet: text.and_then(|text| text.fleet.as_deref()) })
}

fn go_together(one: &Part<'_>, other: &Part<'_>) -> Result<(), MergeError> {
    let (first, second) = (one.file.to_owned(), other.file.to_owned());
    if one.shard.map(|shard| shard.count) != other.shard.map(|shard| shard.count) {
        let named =
            |part: &Part<'_>| part.shard.map_or("no shard".to_owned(), |shard| format!("shard {shard}"));
        return Err(MergeError::OtherParts { first, what: named(one), second, other: named(other) });
    }
    if one.fleet == other.fleet { Ok(()) } else { Err(MergeError::OtherFleet { first, second }) }
}

/// That no target is told of twice; each comes with the file that tells of it
pub(super) fn disjoint<'p>(targets: impl IntoIterator<Item = (&'p str, &'p str)>) -> Result<(), MergeError> {
    let mut told: BTreeMap<&str, &str> = BTreeMap::new();
    for (file, target) in targets {
        if let Some(first) = told.insert(target, file) {
            let [first, second, target] = [first, file, target].map(str::to_owned);
            return Err(MergeError::SameTarget { first, second, target });
        }
    }
    Ok(())
}
