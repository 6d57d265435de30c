//! Many targets, bounded side by side: each is prepared by itself, and one that cannot be read never hides the others.

use std::error::Error;

use futures_util::stream::{self, StreamExt};

use crate::kms::{Calls, Connect, KmsRead};
use crate::plan::Policy;
use crate::prepare::{PrepareError, Prepared, prepare};
use crate::target::Target;

/// A target, and what came of reading it
#[derive(Debug)]
pub struct Surveyed {
    /// The target
    pub target: Target,
    /// What it was planned with
    pub policy: Policy,
    /// Requests that reading it took
    pub calls: Calls,
    /// What is known about it
    pub prepared: Result<Prepared, Trouble>,
}

/// Why a target could not be read or written, for people
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What we failed to do, and the cause, once
    pub sentence: String,
    /// What would help
    pub hint: Option<String>,
}

impl Trouble {
    /// The chain of an error as one sentence
    pub fn new(error: &(dyn Error + 'static), hint: Option<String>) -> Self {
        let chain = std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source());
        let parts: Vec<String> = chain.map(ToString::to_string).collect();
        Self { sentence: parts.join(": "), hint }
    }
}

impl From<PrepareError> for Trouble {
    fn from(error: PrepareError) -> Self {
        let hint = error.hint();
        Self::new(&error, hint)
    }
}

/// Reads every target, at most `parallelism` at once, and tells `done` of each; the order is that of `targets`, whichever
/// ends first
pub async fn survey<C: Connect>(
    targets: Vec<(Target, Policy)>,
    connect: &C,
    parallelism: usize,
    done: &(impl Fn() + Sync),
) -> Vec<Surveyed> {
    let each = |(target, policy): (Target, Policy)| async move {
        let (calls, prepared) = read(&target, &policy, connect).await;
        done();
        Surveyed { target, policy, calls, prepared }
    };
    stream::iter(targets).map(each).buffered(parallelism.max(1)).collect().await
}

async fn read<C: Connect>(
    target: &Target,
    policy: &Policy,
    connect: &C,
) -> (Calls, Result<Prepared, Trouble>) {
    match connect.reader(target).await {
        Ok(reader) => {
            let prepared = prepare(target, policy, &reader).await;
            (reader.calls(), prepared.map_err(Trouble::from))
        }
        Err(error) => (Calls::new(), Err(Trouble::new(&error, None))),
    }
}
