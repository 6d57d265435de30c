//! What the targets of one account need -> the narrowest document that allows it and that a managed policy holds. Pure.

use std::collections::BTreeSet;

use super::document::{Document, LONGEST, Statement};
use super::home::{ANY, Home};
use super::{Permissions, Purpose, Reads};
use crate::access::PoliciesOf;
use crate::access::account::PERMISSION;
use crate::alias::{AliasName, KeyRef};
use crate::blame::lookup;
use crate::choose::criteria;
use crate::discover;
use crate::target::{Reached, Target, Want};

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
pub(super) struct Needs {
    /// Whether a key is selected from all there are
    selects: bool,
    /// Keys whose tags are read
    tagged: BTreeSet<String>,
    /// Keys that are looked at: those aliases are on now, which can be any
    looked_at: BTreeSet<String>,
    /// Keys whose policies are read, for what the plan does to access
    opened: BTreeSet<String>,
    /// Whether the account's IAM policies are read as well
    iam: bool,
    /// Whether CloudTrail is asked who changed what
    trail: bool,
    /// Whether the accounts are discovered
    organization: bool,
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
    pub(super) fn take(&mut self, target: &Target, home: &Home, purpose: Purpose, reads: Reads) {
        self.organization |= target.awaits_accounts;
        if target.prune || !target.aliases.is_empty() {
            self.looked_at.insert(home.any_key());
            self.opened.extend(reads.access.map(|_| home.any_key()));
            self.iam |= reads.access == Some(PoliciesOf::Iam);
            self.trail |= reads.blame;
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
            if declared.manner.replace {
                self.replace(target, home, name);
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

    /// What cannot be created on its new key is put back on the old one, which is not known here
    fn replace(&mut self, target: &Target, home: &Home, name: &AliasName) {
        self.given.named.insert(home.any_key());
        if !target.prune {
            self.delete(target, home, name);
        }
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
    pub(super) fn narrowest(&self) -> Permissions {
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
        let every = |needed: bool| if needed { vec![ANY.to_owned()] } else { Vec::new() };
        let all = [
            ("ReadOrganization", discover::PERMISSIONS.to_vec(), every(self.organization)),
            ("ListAliases", vec!["kms:ListAliases"], every(true)),
            ("ListKeys", vec!["kms:ListKeys"], every(self.selects)),
            ("ReadTags", vec!["kms:ListResourceTags"], keys(&self.tagged)),
            ("DescribeKeys", vec!["kms:DescribeKey"], keys(&self.looked_at)),
            ("ReadKeyPolicies", vec!["kms:GetKeyPolicy"], keys(&self.opened)),
            ("ReadIamPolicies", vec![PERMISSION], every(self.iam)),
            ("ReadTrail", vec![lookup::PERMISSION], every(self.trail)),
            ("WriteAliases", vec!["kms:CreateAlias", "kms:UpdateAlias"], self.written.pick(breadth.aliases)),
            ("CreateOnKeys", vec!["kms:CreateAlias"], self.given.pick(breadth.keys)),
            ("UpdateOnKeys", vec!["kms:UpdateAlias"], keys(&self.left)),
            ("DeleteAliases", vec!["kms:DeleteAlias"], self.deleted.pick(breadth.deletes)),
            ("DeleteOnKeys", vec!["kms:DeleteAlias"], keys(&self.bereft)),
        ];
        let needed = all.into_iter().filter(|(_, _, resource)| !resource.is_empty());
        Document::new(needed.map(|(sid, action, resource)| Statement::allow(sid, action, resource)).collect())
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
    match target.reach(first) {
        Reached::Key(KeyRef::Id(id)) => home.arn(&format!("key/{id}")),
        Reached::Key(KeyRef::Arn(arn)) => arn.to_string(),
        _ => home.any_key(),
    }
}
