//! Targets -> the least that an IAM policy has to allow for them, account by account. Pure and offline.
//!
//! What is not known without a look at the service is widened, and nothing else: the key that an alias is on now can be any
//! key of its account and Region. Statements about aliases have no conditions, since the service takes none there
//! (<https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html>).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::alias::{AliasName, KeyArn, KeyRef};
use crate::choose::criteria;
use crate::load::roles::partition;
use crate::target::{Target, Want};

/// The longest managed policy, in characters without white space
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>)
pub const LONGEST: usize = 6144;

/// Stands for a part of an ARN that is not known
const ANY: &str = "*";

/// What the policy is for
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Reading
    Plan,
    /// Reading and writing
    Apply,
}

/// An IAM policy; its JSON is the form that IAM takes
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document {
    version: &'static str,
    /// What is allowed; everything else is not
    pub statement: Vec<Statement>,
}

/// One statement: these actions on these resources
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    sid: &'static str,
    effect: &'static str,
    /// As `kms:CreateAlias`
    pub action: Vec<&'static str>,
    /// ARNs, with `*` where they end alike
    pub resource: Vec<String>,
}

impl Document {
    /// Its length as IAM counts it: characters that are no white space
    pub fn length(&self) -> usize {
        let text = serde_json::to_string(self).unwrap_or_default();
        text.chars().filter(|c| !c.is_whitespace()).count()
    }

    /// The actions that it allows, each once
    pub fn actions(&self) -> BTreeSet<&'static str> {
        self.statement.iter().flat_map(|statement| statement.action.iter().copied()).collect()
    }
}

/// The policy of one account
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// What to attach
    pub document: Document,
    /// Whether names had to give way to what covers them, because all of them are more than a managed policy holds
    pub widened: bool,
}

/// What `targets` need, by account; `*` is the account of a target that names none
pub fn permissions(targets: &[Target], purpose: Purpose) -> BTreeMap<Arc<str>, Permissions> {
    let mut accounts: BTreeMap<Arc<str>, Needs> = BTreeMap::new();
    for target in targets {
        let home = Home::of(target);
        accounts.entry(home.account.clone()).or_default().take(target, &home, purpose);
    }
    accounts.into_iter().map(|(account, needs)| (account, needs.narrowest())).collect()
}

/// The parts of the ARNs of one account and Region
struct Home {
    partition: Arc<str>,
    region: Arc<str>,
    account: Arc<str>,
}

impl Home {
    /// Where a target names none, the ARN of a declared key may: the plan holds every key of another account or Region
    fn of(target: &Target) -> Self {
        let arn = declared_arn(target);
        let region = target.region.clone().or(arn.map(|arn| arn.region.clone()));
        let account = target.account.clone().or(arn.map(|arn| arn.account.clone()));
        Self {
            partition: region.as_deref().map_or(ANY, partition).into(),
            region: region.unwrap_or_else(|| ANY.into()),
            account: account.unwrap_or_else(|| ANY.into()),
        }
    }

    fn arn(&self, resource: &str) -> String {
        format!("arn:{}:kms:{}:{}:{resource}", self.partition, self.region, self.account)
    }

    fn any_key(&self) -> String {
        self.arn("key/*")
    }
}

fn declared_arn(target: &Target) -> Option<&KeyArn> {
    target.aliases.values().find_map(|declared| match &declared.want {
        Want::Key(KeyRef::Arn(arn)) => Some(&**arn),
        _ => None,
    })
}

/// Resources by name, and what covers them where the names are too many
#[derive(Default)]
struct Resources {
    named: BTreeSet<String>,
    wide: BTreeSet<String>,
}

impl Resources {
    fn pick(&self, wide: bool) -> Vec<String> {
        let chosen = if wide { &self.wide } else { &self.named };
        chosen.iter().cloned().collect()
    }
}

/// What one account has to allow
#[derive(Default)]
struct Needs {
    /// Whether a key is selected from all there are
    selects: bool,
    /// Keys whose tags are read
    tagged: BTreeSet<String>,
    /// Keys that are looked at: those aliases are on now, which can be any
    looked_at: BTreeSet<String>,
    /// Aliases that are created or retargeted
    written: Resources,
    /// Keys that they come to
    given: Resources,
    /// Keys that they leave
    left: BTreeSet<String>,
    /// Aliases that are deleted
    deleted: Resources,
    /// Keys that lose them
    bereft: BTreeSet<String>,
}

impl Needs {
    fn take(&mut self, target: &Target, home: &Home, purpose: Purpose) {
        if target.prune || !target.aliases.is_empty() {
            self.looked_at.insert(home.any_key());
        }
        for criteria in criteria(target) {
            self.selects = true;
            self.tagged.extend((!criteria.tags.is_empty()).then(|| home.any_key()));
        }
        if purpose == Purpose::Plan {
            return;
        }
        for (name, declared) in &target.aliases {
            let gone = declared.manner.previously.iter().filter(|_| !target.prune);
            gone.for_each(|previous| self.delete(target, home, previous));
            if declared.manner.replace && !target.prune {
                self.delete(target, home, name);
            }
            match &declared.want {
                Want::Key(key) => self.write(target, home, name, key),
                Want::Absent if !target.prune => self.delete(target, home, name),
                Want::Absent => {}
            }
        }
        if target.prune {
            self.prune(target, home);
        }
    }

    fn write(&mut self, target: &Target, home: &Home, name: &AliasName, key: &KeyRef) {
        self.written.named.insert(home.arn(name.as_str()));
        self.written.wide.extend(prefixes(target, home, name));
        self.given.named.insert(new_key(target, home, key));
        self.given.wide.insert(home.any_key());
        self.left.insert(home.any_key());
    }

    fn delete(&mut self, target: &Target, home: &Home, name: &AliasName) {
        self.deleted.named.insert(home.arn(name.as_str()));
        self.deleted.wide.extend(prefixes(target, home, name));
        self.bereft.insert(home.any_key());
    }

    /// Whatever is found in scope may have to go
    fn prune(&mut self, target: &Target, home: &Home) {
        let whole = target.scope.prefixes.iter().map(|prefix| home.arn(&format!("{prefix}*")));
        let whole: Vec<String> = whole.collect();
        self.deleted.named.extend(whole.iter().cloned());
        self.deleted.wide.extend(whole);
        self.bereft.insert(home.any_key());
    }

    /// The first document that a managed policy holds: deletes are the last to be widened
    fn narrowest(&self) -> Permissions {
        let narrow = self.document(Breadth::default());
        if narrow.length() <= LONGEST {
            return Permissions { document: narrow, widened: false };
        }
        let wider = Breadth::WIDER.map(|breadth| self.document(breadth));
        let [.., widest] = &wider;
        let document = wider.iter().find(|document| document.length() <= LONGEST).unwrap_or(widest).clone();
        Permissions { widened: document != narrow, document }
    }

    fn document(&self, breadth: Breadth) -> Document {
        let keys = |keys: &BTreeSet<String>| keys.iter().cloned().collect();
        let every = || vec![ANY.to_owned()];
        let all = [
            ("ListAliases", vec!["kms:ListAliases"], every()),
            ("ListKeys", vec!["kms:ListKeys"], if self.selects { every() } else { Vec::new() }),
            ("ReadTags", vec!["kms:ListResourceTags"], keys(&self.tagged)),
            ("DescribeKeys", vec!["kms:DescribeKey"], keys(&self.looked_at)),
            ("WriteAliases", vec!["kms:CreateAlias", "kms:UpdateAlias"], self.written.pick(breadth.aliases)),
            ("CreateOnKeys", vec!["kms:CreateAlias"], self.given.pick(breadth.keys)),
            ("UpdateOnKeys", vec!["kms:UpdateAlias"], keys(&self.left)),
            ("DeleteAliases", vec!["kms:DeleteAlias"], self.deleted.pick(breadth.deletes)),
            ("DeleteOnKeys", vec!["kms:DeleteAlias"], keys(&self.bereft)),
        ];
        let needed = all.into_iter().filter(|(_, _, resource)| !resource.is_empty());
        let statement =
            needed.map(|(sid, action, resource)| Statement { sid, effect: "Allow", action, resource });
        Document { version: "2012-10-17", statement: statement.collect() }
    }
}

/// Which resources give way to what covers them
#[derive(Clone, Copy, Default)]
struct Breadth {
    aliases: bool,
    keys: bool,
    deletes: bool,
}

impl Breadth {
    const WIDER: [Self; 4] = [
        Self { aliases: true, keys: false, deletes: false },
        Self { aliases: false, keys: true, deletes: false },
        Self { aliases: true, keys: true, deletes: false },
        Self { aliases: true, keys: true, deletes: true },
    ];
}

/// The prefixes of the scope that cover `name`
fn prefixes<'t>(
    target: &'t Target,
    home: &'t Home,
    name: &'t AliasName,
) -> impl Iterator<Item = String> + 't {
    let covering = target.scope.prefixes.iter().filter(|prefix| name.as_str().starts_with(&***prefix));
    covering.map(|prefix| home.arn(&format!("{prefix}*")))
}

/// The key that a reference comes to; one that ends at a live alias or selects can be any
fn new_key(target: &Target, home: &Home, first: &KeyRef) -> String {
    let mut key = first;
    for _ in 0..=target.aliases.len() {
        match key {
            KeyRef::Id(id) => return home.arn(&format!("key/{id}")),
            KeyRef::Arn(arn) => return arn.to_string(),
            KeyRef::Select(_) => break,
            KeyRef::Alias(name) => match target.aliases.get(name).map(|declared| &declared.want) {
                Some(Want::Key(next)) => key = next,
                Some(Want::Absent) | None => break,
            },
        }
    }
    home.any_key()
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
        permissions(&targets(&manifest.unwrap()), purpose)
    }

    /// The one policy, as `Sid: actions on resources`
    fn told(text: &str, purpose: Purpose) -> Vec<String> {
        let all = policies(text, purpose);
        let [one] = &all.values().collect::<Vec<_>>()[..] else { panic!("{all:?}") };
        let statements = one.document.statement.iter();
        let line = |s: &Statement| format!("{}: {} on {}", s.sid, s.action.join(" "), s.resource.join(" "));
        statements.map(line).collect()
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
