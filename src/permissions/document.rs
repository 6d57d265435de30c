//! An IAM policy document, in the form that IAM takes, and how long one may be. Pure.

use std::collections::BTreeSet;

use serde::Serialize;

/// The longest managed policy, in characters without white space
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>)
pub const LONGEST: usize = 6144;

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
    /// Its name, unlike all others in the document
    pub sid: &'static str,
    effect: &'static str,
    /// As `kms:CreateAlias`
    pub action: Vec<&'static str>,
    /// ARNs, with `*` where they end alike
    pub resource: Vec<String>,
}

impl Statement {
    /// It allows these actions on these resources
    pub(super) fn allow(sid: &'static str, action: Vec<&'static str>, resource: Vec<String>) -> Self {
        Self { sid, effect: "Allow", action, resource }
    }
}

impl Document {
    /// The document with these statements
    pub(super) fn new(statement: Vec<Statement>) -> Self {
        Self { version: "2012-10-17", statement }
    }

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
