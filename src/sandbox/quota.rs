//! Request quotas: so many calls of an operation in any one second, per account and Region.

use std::collections::{BTreeMap, VecDeque};

use super::world::{Home, Millis};

/// Requests a second by operation; an operation that is not named has no quota
pub type Quotas = BTreeMap<String, u32>;

/// The service's own default quotas (<https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html>)
pub fn service_quotas() -> Quotas {
    let known = [
        ("CancelKeyDeletion", 5),
        ("CreateAlias", 5),
        ("CreateKey", 5),
        ("DeleteAlias", 15),
        ("DescribeKey", 2000),
        ("DisableKey", 5),
        ("EnableKey", 5),
        ("GetKeyPolicy", 1000),
        ("ListAliases", 500),
        ("ListKeys", 500),
        ("ListResourceTags", 2000),
        // https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
        ("LookupEvents", 2),
        ("PutKeyPolicy", 15),
        ("ScheduleKeyDeletion", 15),
        ("TagResource", 10),
        ("UntagResource", 5),
        ("UpdateAlias", 5),
    ];
    known.into_iter().map(|(operation, rate)| (operation.to_owned(), rate)).collect()
}

/// The calls let through during the last second
#[derive(Clone, Debug, Default)]
pub(super) struct Meter {
    recent: BTreeMap<(Home, String), VecDeque<Millis>>,
}

impl Meter {
    /// Whether one more call may pass at `at`; it is then counted. A refused one is not.
    pub(super) fn admits(&mut self, quotas: &Quotas, home: &Home, operation: &str, at: Millis) -> bool {
        let Some(quota) = quotas.get(operation) else { return true };
        let recent = self.recent.entry((home.clone(), operation.to_owned())).or_default();
        while recent.front().is_some_and(|then| then + 1000 <= at) {
            recent.pop_front();
        }
        let passes = recent.len() < *quota as usize;
        recent.extend(passes.then_some(at));
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_holds_in_every_window_of_one_second() {
        let (mut meter, quotas) = (Meter::default(), service_quotas());
        let home = Home::new("111122223333", "us-east-1");
        let mut passed = Vec::new();
        for at in (0..3000).step_by(50) {
            if meter.admits(&quotas, &home, "CreateAlias", at) {
                passed.push(at);
            }
        }
        assert_eq!(
            passed,
            [0, 50, 100, 150, 200, 1000, 1050, 1100, 1150, 1200, 2000, 2050, 2100, 2150, 2200]
        );
    }

    #[test]
    fn each_account_region_and_operation_has_its_own_quota() {
        let (mut meter, quotas) = (Meter::default(), Quotas::from([("CreateAlias".to_owned(), 1)]));
        let (here, there) = (Home::new("111122223333", "us-east-1"), Home::new("111122223333", "eu-west-1"));
        assert!(
            meter.admits(&quotas, &here, "CreateAlias", 0) && meter.admits(&quotas, &there, "CreateAlias", 0)
        );
        assert!(!meter.admits(&quotas, &here, "CreateAlias", 999));
        assert!(meter.admits(&quotas, &here, "DeleteAlias", 999));
    }
}
