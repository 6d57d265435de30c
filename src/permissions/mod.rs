//! Targets -> the least that an IAM policy has to allow for them, account by account. Pure and offline.
//!
//! What is not known without a look at the service is widened, and nothing else: the key that an alias is on now can be any
//! key of its account and Region. Statements about aliases have no conditions, since the service takes none there
//! (<https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html>).

mod document;
mod home;
mod needs;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use document::{Document, LONGEST, Statement};
use home::Home;
use needs::Needs;

use crate::access::PoliciesOf;
use crate::target::Target;

/// What the policy is for
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Reading
    Plan,
    /// Reading and writing
    Apply,
}

/// What is read besides what every plan needs
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Policies, for `--access`
    pub access: Option<PoliciesOf>,
    /// CloudTrail, for `drift --blame`
    pub blame: bool,
}

/// The policy of one account
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// What to attach
    pub document: Document,
    /// Whether names had to give way to what covers them, because all of them are more than a managed policy holds
    pub widened: bool,
}

/// What `targets` need, by account, and for `reads` besides; `*` is the account of a target that names none
pub fn permissions(targets: &[Target], purpose: Purpose, reads: Reads) -> BTreeMap<Arc<str>, Permissions> {
    let mut accounts: BTreeMap<Arc<str>, Needs> = BTreeMap::new();
    for target in targets {
        let home = Home::of(target);
        accounts.entry(home.account.clone()).or_default().take(target, &home, purpose, reads);
    }
    accounts.into_iter().map(|(account, needs)| (account, needs.narrowest())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::load::{Input, load};
    use crate::target::targets;

    const KEY: &str = "11111111-1111-1111-1111-111111111111";

    fn policies(text: &str, purpose: Purpose) -> BTreeMap<Arc<str>, Permissions> {
        let manifest = load(&[Input::Stdin(text.replace("KEY", KEY).into_bytes())]);
        permissions(&targets(&manifest.unwrap()), purpose, Reads::default())
    }

    /// The one policy, as `Sid: actions on resources`
    fn told(text: &str, purpose: Purpose) -> Vec<String> {
        let all = policies(text, purpose);
        let [one] = &all.values().collect::<Vec<_>>()[..] else { panic!("{all:?}") };
        let statements = one.document.statement.iter();
        statements.map(line).collect()
    }

    fn line(s: &Statement) -> String {
        format!("{}: {} on {}", s.sid, s.action.join(" "), s.resource.join(" "))
    }

    const MANIFEST: &str = r#"
version: 1
scope: [alias/app/, alias/data/]
targets: {prod: {account: "111122223333", region: us-east-1}}
aliases:
  alias/app/a: KEY
  alias/app/b: {key: alias/app/a}
"#;

    #[test]
    fn planning_reads_and_nothing_else() {
        assert_eq!(
            told(MANIFEST, Purpose::Plan),
            [
                "ListAliases: kms:ListAliases on *",
                "DescribeKeys: kms:DescribeKey on arn:aws:kms:us-east-1:111122223333:key/*",
            ]
        );
        let empty = "version: 1\nscope: [alias/app/]\naliases: {}\n";
        assert_eq!(told(empty, Purpose::Apply), ["ListAliases: kms:ListAliases on *"]);
    }

    #[test]
    fn applying_writes_the_declared_names_and_deletes_none_of_them() {
        let here = "arn:aws:kms:us-east-1:111122223333:";
        assert_eq!(
            told(MANIFEST, Purpose::Apply)[2..],
            [
                format!(
                    "WriteAliases: kms:CreateAlias kms:UpdateAlias on {here}alias/app/a {here}alias/app/b"
                ),
                format!("CreateOnKeys: kms:CreateAlias on {here}key/{KEY}"),
                format!("UpdateOnKeys: kms:UpdateAlias on {here}key/*"),
            ]
        );
    }

    #[test]
    fn policies_and_the_trail_are_read_only_where_they_are_asked_for() {
        let manifest = load(&[Input::Stdin(MANIFEST.replace("KEY", KEY).into_bytes())]).unwrap();
        let reads = |access, blame| {
            let all = permissions(&targets(&manifest), Purpose::Plan, Reads { access, blame });
            all["111122223333"].document.statement[2..].iter().map(line).collect::<Vec<_>>()
        };
        let keys = "ReadKeyPolicies: kms:GetKeyPolicy on arn:aws:kms:us-east-1:111122223333:key/*";
        let iam = "ReadIamPolicies: iam:GetAccountAuthorizationDetails on *";
        let trail = "ReadTrail: cloudtrail:LookupEvents on *";
        assert!(reads(None, false).is_empty());
        assert_eq!(reads(Some(PoliciesOf::Keys), false), [keys]);
        assert_eq!(reads(Some(PoliciesOf::Iam), true), [keys, iam, trail]);
        assert_eq!(reads(None, true), [trail]);
        let empty =
            load(&[Input::Stdin(b"version: 1\nscope: [alias/app/]\naliases: {}\n".to_vec())]).unwrap();
        let nothing = permissions(
            &targets(&empty),
            Purpose::Apply,
            Reads { access: Some(PoliciesOf::Iam), blame: true },
        );
        assert_eq!(nothing["*"].document.statement.len(), 1, "nothing is ever touched");
    }

    #[test]
    fn a_tombstone_is_deleted_by_name_and_prune_deletes_in_all_of_the_scope() {
        let here = "arn:aws:kms:us-east-1:111122223333:";
        let absent = MANIFEST.replace("{key: alias/app/a}", "absent");
        let deletes = |text: &str| told(text, Purpose::Apply)[5..].to_vec();
        let keys = format!("DeleteOnKeys: kms:DeleteAlias on {here}key/*");
        let names = format!("DeleteAliases: kms:DeleteAlias on {here}alias/app/b");
        assert_eq!(deletes(&absent), [names, keys.clone()]);
        let scope = format!("DeleteAliases: kms:DeleteAlias on {here}alias/app/* {here}alias/data/*");
        assert_eq!(deletes(&format!("{absent}prune: true\n")), [scope, keys]);
    }

    #[test]
    fn a_key_behind_a_live_alias_can_be_any_key() {
        let text = MANIFEST.replace("alias/app/a: KEY", "alias/app/a: alias/elsewhere");
        let given = told(&text, Purpose::Apply)[3].clone();
        assert_eq!(given, "CreateOnKeys: kms:CreateAlias on arn:aws:kms:us-east-1:111122223333:key/*");
    }

    #[test]
    fn what_may_be_replaced_can_be_put_back_on_a_key_that_is_not_declared() {
        let here = "arn:aws:kms:us-east-1:111122223333:";
        let text = MANIFEST.replace("{key: alias/app/a}", "{key: KEY, replace: true}");
        let keys = format!("CreateOnKeys: kms:CreateAlias on {here}key/* {here}key/{KEY}");
        let names = format!("DeleteAliases: kms:DeleteAlias on {here}alias/app/b");
        let lines = told(&text, Purpose::Apply);
        assert_eq!([&lines[3], &lines[5]], [&keys, &names]);
        assert_eq!(told(&format!("{text}prune: true\n"), Purpose::Apply)[3], keys);
    }

    #[test]
    fn without_targets_what_is_not_known_is_left_open() {
        let text = "version: 1\nscope: [alias/app/]\naliases: {alias/app/a: KEY}\n";
        let all = policies(text, Purpose::Apply);
        assert_eq!(all.keys().map(|account| &**account).collect::<Vec<_>>(), ["*"]);
        assert!(told(text, Purpose::Apply)[2].ends_with(" on arn:*:kms:*:*:alias/app/a"));
        let arn = format!("arn:aws-cn:kms:cn-north-1:444455556666:key/{KEY}");
        let known = text.replace("KEY", &arn);
        assert!(
            told(&known, Purpose::Apply)[2].ends_with("arn:aws-cn:kms:cn-north-1:444455556666:alias/app/a")
        );
    }

    #[test]
    fn every_account_has_a_policy_of_its_own_with_all_its_regions() {
        let text = MANIFEST.replace(
            "account: \"111122223333\", region: us-east-1",
            "accounts: [\"111122223333\", \"012345678901\"], regions: [us-east-1, cn-north-1]",
        );
        let all = policies(&text, Purpose::Apply);
        let wanted = ["012345678901", "111122223333"];
        assert_eq!(all.keys().map(|account| &**account).collect::<Vec<_>>(), wanted);
        let reads = &all["111122223333"].document.statement[1].resource;
        let keys =
            ["arn:aws-cn:kms:cn-north-1:111122223333:key/*", "arn:aws:kms:us-east-1:111122223333:key/*"];
        assert_eq!(reads[..], keys);
    }

    #[test]
    fn more_names_than_a_policy_holds_give_way_to_the_prefixes_that_cover_them() {
        let names: String = (0..200).map(|i| format!("  alias/app/n{i}: KEY\n")).collect();
        let text = format!("{MANIFEST}{names}  alias/app/gone: absent\n");
        let all = policies(&text, Purpose::Apply);
        let one = &all["111122223333"];
        assert!(one.widened && one.document.length() <= LONGEST);
        let lines = told(&text, Purpose::Apply);
        assert!(lines[2].ends_with(" on arn:aws:kms:us-east-1:111122223333:alias/app/*"), "{}", lines[2]);
        assert!(lines[3].ends_with(KEY) && lines[5].ends_with("alias/app/gone"), "{lines:?}");
    }

    #[test]
    fn the_json_is_what_iam_takes() {
        let all = policies(MANIFEST, Purpose::Plan);
        let json: Value = serde_json::to_value(&all["111122223333"].document).unwrap();
        let list = json!({"Sid": "ListAliases", "Effect": "Allow", "Action": ["kms:ListAliases"], "Resource": ["*"]});
        assert_eq!((&json["Version"], &json["Statement"][0]), (&json!("2012-10-17"), &list));
    }
}
