//! `kms-alias iam-policy`: the least-privilege policy of each account, offline.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::Session;
use super::args::{IamPolicyArgs, Output};
use super::exit::Exit;
use super::select;
use crate::load::Manifest;
use crate::permissions::{Document, LONGEST, Permissions, Reads, permissions};
use crate::render::harmless::{self, harmless};
use crate::render::style::plural;
use crate::target::Target;

type Policies = BTreeMap<Arc<str>, Permissions>;

impl Session<'_> {
    pub(super) fn iam_policy(&self, args: &IamPolicyArgs) -> anyhow::Result<Exit> {
        let manifest = match self.manifest()? {
            Ok(manifest) => manifest,
            Err(exit) => return Ok(exit),
        };
        let chosen = match select::targets(&manifest, &self.global.target, self.global.shard) {
            Ok(chosen) => {
                chosen.into_iter().flat_map(|target| self.with_regions(target, &manifest)).collect::<Vec<_>>()
            }
            Err(sentence) => return Ok(self.fail(Exit::Usage, &sentence, None)),
        };
        let organization = chosen.iter().any(|target| target.awaits_accounts);
        let reads = Reads { access: args.access, blame: args.blame };
        let mut policies = permissions(&chosen, args.purpose.into(), reads);
        if let Some(account) = &args.account {
            policies.retain(|key, _| **key == **account);
            if policies.is_empty() {
                return Ok(self.fail(Exit::Usage, &format!("--account {account}: no target is in it"), None));
            }
        }
        self.print_policies(&policies, args)?;
        self.remark(&policies, organization);
        Ok(Exit::Success)
    }

    /// In every Region of a target whose accounts are not known, and in that of the flags where the manifest names none
    fn with_regions(&self, target: Target, manifest: &Manifest) -> Vec<Target> {
        let spec = manifest.organizations().map(|(spec, _)| spec).find(|spec| spec.name == target.name);
        let region = target.region.clone().or(self.global.region.as_deref().map(Arc::from));
        let regions =
            spec.map_or_else(|| vec![region], |spec| spec.regions.iter().cloned().map(Some).collect());
        regions.into_iter().map(|region| Target { region, ..target.clone() }).collect()
    }

    /// One document where one is meant, else an object of them by account
    fn print_policies(&self, policies: &Policies, args: &IamPolicyArgs) -> anyhow::Result<()> {
        let bare = args.account.is_some() || (self.global.output != Output::Json && policies.len() == 1);
        match (bare, policies.values().next()) {
            (true, Some(one)) => self.print_pretty(&one.document),
            _ => {
                let documents = policies.iter().map(|(account, one)| (&**account, &one.document));
                self.print_pretty(&documents.collect::<BTreeMap<&str, &Document>>())?;
                let accounts = plural(policies.len(), "account");
                self.note(
                    "note",
                    &format!(
                        "an object with the policy of each of {accounts}; --account ID prints one alone"
                    ),
                );
                Ok(())
            }
        }
    }

    fn print_pretty(&self, document: &impl Serialize) -> anyhow::Result<()> {
        Ok(self.console.print(&harmless::json(document)?)?)
    }

    pub(super) fn note(&self, word: &str, sentence: &str) {
        if !self.global.quiet {
            self.console.note(&format!("{word}: {}\n", harmless(sentence)));
        }
    }

    /// What the policies do not say themselves
    fn remark(&self, policies: &Policies, organization: bool) {
        for (account, Permissions { document, widened }) in policies {
            if organization && &**account == "*" {
                self.note(
                    "note",
                    "the accounts of an organization are not known offline: * stands for them, and what is declared for one of them \
                     alone is not in it; ReadOrganization is for the credentials of the run, not for its `roles`",
                );
            } else if document.statement.iter().flat_map(|s| &s.resource).any(|arn| arn.starts_with("arn:*:"))
            {
                self.note("note", "the manifest does not name the account and Region, so * stands for them: declare `targets`");
            } else if &**account == "*" {
                self.note(
                    "note",
                    "the manifest does not name the account, so * stands for it: declare `targets`",
                );
            }
            if *widened {
                self.note("note", &format!("account {account}: some names gave way to what covers them: a managed policy holds {LONGEST} characters"));
            }
            let length = document.length();
            if length > LONGEST {
                let hint = "split it by Region with --target, or make it an inline policy of a role";
                self.note(
                    "warning",
                    &format!(
                        "account {account}: {length} characters, and a managed policy holds {LONGEST}: {hint}"
                    ),
                );
            }
        }
    }
}
