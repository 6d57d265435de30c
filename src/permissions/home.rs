//! The parts of a target's ARNs, as far as they are known offline. Pure.

use std::sync::Arc;

use crate::alias::{KeyArn, KeyRef};
use crate::load::roles::partition;
use crate::target::{Target, Want};

/// Stands for a part of an ARN that is not known
pub(super) const ANY: &str = "*";

/// The parts of the ARNs of one account and Region
pub(super) struct Home {
    partition: Arc<str>,
    region: Arc<str>,
    pub(super) account: Arc<str>,
}

impl Home {
    /// Where a target names none, the ARN of a declared key may: the plan holds every key of another account or Region
    pub(super) fn of(target: &Target) -> Self {
        let arn = declared_arn(target);
        let region = target.region.clone().or(arn.map(|arn| arn.region.clone()));
        let account = target.account.clone().or(arn.map(|arn| arn.account.clone()));
        Self {
            partition: region.as_deref().map_or(ANY, partition).into(),
            region: region.unwrap_or_else(|| ANY.into()),
            account: account.unwrap_or_else(|| ANY.into()),
        }
    }

    pub(super) fn arn(&self, resource: &str) -> String {
        format!("arn:{}:kms:{}:{}:{resource}", self.partition, self.region, self.account)
    }

    pub(super) fn any_key(&self) -> String {
        self.arn("key/*")
    }
}

fn declared_arn(target: &Target) -> Option<&KeyArn> {
    target.aliases.values().find_map(|declared| match &declared.want {
        Want::Key(KeyRef::Arn(arn)) => Some(&**arn),
        _ => None,
    })
}
