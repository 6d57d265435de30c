//! What a plan does to access, in the document of the plan.

use serde::{Deserialize, Serialize};

use crate::access::document::{Choice, Origin, Statement};
use crate::access::impact::{ChangeOfMatch, Impact, Requests, Turn, Unread};
use crate::access::lockout::Lockout;
use crate::alias::KeyId;
use crate::render::access::{effect, sentences};
use crate::render::style::KeyNames;

/// One finding; what does not apply to its kind is `null` or empty
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessFinding {
    /// `begins`, `ceases`, `unknown`, `lockout`, `unread`
    pub kind: String,
    /// `null` is every key of the plan
    pub key: Option<String>,
    /// The statement that it is about
    pub statement: Option<StatementText>,
    /// The requests it is about; `null` is all of them
    pub requests: Option<RequestsText>,
    /// Conditions that are taken to hold
    pub other_conditions: Vec<String>,
    /// The permission that is lost or missing
    pub permission: Option<String>,
    /// The alias before whose turn it is lost
    pub alias: Option<String>,
    /// Why it is unknown
    pub reason: Option<String>,
    /// All of it as one sentence
    #[serde(default)]
    pub sentence: String,
}

/// A statement of a policy
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementText {
    /// Its name
    pub sid: Option<String>,
    /// Its place, counted from 1
    pub number: usize,
    /// `null` is the key policy
    pub policy: Option<String>,
    /// `Allow` or `Deny`
    pub effect: Option<String>,
    /// As written
    pub actions: Vec<String>,
    /// As written
    pub not_actions: Vec<String>,
    /// As written; for an IAM policy whom it is attached to
    pub principals: Vec<String>,
    /// As written
    pub not_principals: Vec<String>,
}

/// The requests that a finding is about
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestsText {
    /// Those that name the key by one of these
    pub aliases: Vec<String>,
    /// Those that name it by its id or ARN as well
    pub by_key: bool,
}

/// The findings of a target; `home` is its account, `keys` what its plan calls its keys
pub(super) fn findings(impact: &Impact, home: &str, keys: &KeyNames<'_>) -> Vec<AccessFinding> {
    let turns = impact.turns.iter().map(of_turn);
    let lockouts = impact.lockouts.iter().map(of_lockout);
    let findings = turns.chain(lockouts).chain(impact.unread.iter().map(of_unread));
    let told = |(finding, sentence)| AccessFinding { sentence, ..finding };
    findings.zip(sentences(impact, home, keys)).map(told).collect()
}

fn of_turn(turn: &Turn) -> AccessFinding {
    let (kind, reason) = match &turn.change {
        ChangeOfMatch::Begins => ("begins", None),
        ChangeOfMatch::Ceases => ("ceases", None),
        ChangeOfMatch::Unknown(why) => ("unknown", Some(why.clone())),
    };
    let requests = match &turn.requests {
        Requests::All => None,
        Requests::Naming { aliases, by_key } => {
            Some(RequestsText { aliases: aliases.clone(), by_key: *by_key })
        }
    };
    let statement = Some(of_statement(&turn.statement, &turn.origin));
    let other_conditions = turn.besides.clone();
    AccessFinding { statement, requests, other_conditions, reason, ..about(kind, Some(&turn.key)) }
}

fn of_lockout(lockout: &Lockout) -> AccessFinding {
    AccessFinding {
        permission: Some(lockout.permission.to_owned()),
        alias: Some(lockout.alias.to_string()),
        reason: lockout.unknown.clone(),
        ..about("lockout", Some(&lockout.key))
    }
}

fn of_unread(unread: &Unread) -> AccessFinding {
    let Unread { key, why, permission, .. } = unread;
    let kind = if key.is_some() { "unread" } else { "unknown" };
    let permission = permission.map(str::to_owned);
    AccessFinding { permission, reason: Some(why.clone()), ..about(kind, key.as_ref()) }
}

fn about(kind: &str, key: Option<&KeyId>) -> AccessFinding {
    let key = key.map(|key| key.as_str().to_owned());
    AccessFinding { kind: kind.to_owned(), key, ..AccessFinding::default() }
}

fn of_statement(statement: &Statement, origin: &Origin) -> StatementText {
    let (actions, not_actions) = sides(&statement.actions);
    let (principals, not_principals) = sides(&statement.principals);
    let (policy, principals) = match origin {
        Origin::Iam { name, attached } => (Some(name.clone()), attached.clone()),
        Origin::Key => (None, principals),
    };
    let (sid, number) = (statement.sid.clone(), statement.number);
    let effect = effect(statement).map(str::to_owned);
    StatementText { sid, number, policy, effect, actions, not_actions, principals, not_principals }
}

/// What a choice names, and what it leaves out
fn sides(choice: &Choice) -> (Vec<String>, Vec<String>) {
    match choice {
        Choice::Only(list) => (list.clone(), Vec::new()),
        Choice::AllBut(list) => (Vec::new(), list.clone()),
    }
}
