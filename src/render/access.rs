//! What a plan does to access -> lines below the plan, and their form in JSON. Texts of policies are somebody else's.

use serde::Serialize;

use super::style::{KeyNames, harmless, plural};
use crate::access::document::{Choice, Effect, Origin, Statement};
use crate::access::impact::{ChangeOfMatch, Impact, Requests, Turn, Unread};
use crate::access::lockout::Lockout;
use crate::access::principal::shown;
use crate::alias::KeyId;

/// Longer lists are cut
const MOST_SHOWN: usize = 3;

/// The lines of a target; `home` is its account, `keys` what its plan calls its keys
pub fn text(impact: &Impact, home: &str, keys: &KeyNames<'_>) -> String {
    let Impact { keys: looked_at, turns, unread, lockouts } = impact;
    let mut lines: Vec<String> = turns.iter().map(|turn| of_turn(turn, home, keys)).collect();
    lines.extend(lockouts.iter().map(|lockout| of_lockout(lockout, keys)));
    lines.extend(unread.iter().map(|unread| of_unread(unread, keys)));
    if lines.is_empty() && *looked_at > 0 {
        let keys = plural(*looked_at, "key");
        lines.push(format!("no statement about aliases begins or ceases to match ({keys} looked at)"));
    }
    lines.iter().map(|line| format!("  access  {}\n", harmless(line))).collect()
}

fn of_turn(turn: &Turn, home: &str, keys: &KeyNames<'_>) -> String {
    let Turn { key, statement, origin, change, requests, besides } = turn;
    let (subject, key) = (of_statement(statement, origin, home), keys.of(key));
    let requests = of_requests(requests);
    let sentence = match change {
        ChangeOfMatch::Begins => format!("{subject} begins to match key {key}{requests}"),
        ChangeOfMatch::Ceases => format!("{subject} ceases to match key {key}{requests}"),
        ChangeOfMatch::Unknown(why) => format!("{subject} is unknown on key {key}{requests}: {why}"),
    };
    match besides.is_empty() {
        true => sentence,
        false => format!("{sentence} (taking {} to hold)", few(besides)),
    }
}

/// `statement "AppDecrypt" (Allow kms:Decrypt, role/app)`
fn of_statement(statement: &Statement, origin: &Origin, home: &str) -> String {
    let name = statement.sid.as_ref().map_or(format!("{}", statement.number), |sid| format!("\"{sid}\""));
    let effect = effect(statement).unwrap_or("neither Allow nor Deny");
    let actions = choice(&statement.actions, |action| action.to_owned());
    let (of, principals) = match origin {
        Origin::Key => (String::new(), choice(&statement.principals, |arn| shown(arn, home))),
        Origin::Iam { name, attached } if attached.is_empty() => {
            (format!(" of policy {name}"), "whoever it is attached to".to_owned())
        }
        Origin::Iam { name, attached } => {
            let attached: Vec<String> = attached.iter().map(|arn| shown(arn, home)).collect();
            (format!(" of policy {name}"), few(&attached))
        }
    };
    format!("statement {name}{of} ({effect} {actions}, {principals})")
}

fn effect(statement: &Statement) -> Option<&'static str> {
    match statement.effect? {
        Effect::Allow => Some("Allow"),
        Effect::Deny => Some("Deny"),
    }
}

fn choice(choice: &Choice, show: impl Fn(&str) -> String) -> String {
    let (but, list) = match choice {
        Choice::Only(list) => ("", list),
        Choice::AllBut(list) => ("all but ", list),
    };
    let shown: Vec<String> = list.iter().map(|text| show(text)).collect();
    format!("{but}{}", few(&shown))
}

/// `a, b, c and 4 more`
fn few(texts: &[String]) -> String {
    match texts {
        [] => "none".to_owned(),
        texts if texts.len() <= MOST_SHOWN => texts.join(", "),
        texts => format!("{} and {} more", texts[..MOST_SHOWN].join(", "), texts.len() - MOST_SHOWN),
    }
}

fn of_requests(requests: &Requests) -> String {
    match requests {
        Requests::All => String::new(),
        Requests::Naming { aliases, by_key: false } => format!(" in requests that name {}", few(aliases)),
        Requests::Naming { aliases, by_key: true } if aliases.is_empty() => {
            " in requests that name the key itself".to_owned()
        }
        Requests::Naming { aliases, by_key: true } => {
            format!(" in requests that name the key itself or {}", few(aliases))
        }
    }
}

fn of_lockout(lockout: &Lockout, keys: &KeyNames<'_>) -> String {
    let Lockout { key, permission, alias, unknown } = lockout;
    let (key, verb) = (keys.of(key), if unknown.is_some() { "may lose" } else { "loses" });
    let why = unknown.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    format!("the role that applies {verb} {permission} on key {key} before the turn of {alias}{why}")
}

fn of_unread(unread: &Unread, keys: &KeyNames<'_>) -> String {
    let Unread { key, what, why, permission } = unread;
    let lacks =
        permission.map(|permission| format!("; the role that plans lacks {permission}")).unwrap_or_default();
    match key {
        Some(key) => format!("the {what} of key {} could not be read: {why}{lacks}", keys.of(key)),
        None => format!("what {what} do is unknown: failed to {why}{lacks}"),
    }
}

/// One finding, in JSON; what does not apply to its kind is `null` or empty
#[derive(Debug, Default, Serialize)]
pub struct AccessFinding<'i> {
    /// `begins`, `ceases`, `unknown`, `lockout`, `unread`
    kind: &'static str,
    /// `null` is every key of the plan
    key: Option<&'i str>,
    statement: Option<StatementText<'i>>,
    /// The requests it is about; `null` is all of them
    requests: Option<RequestsText<'i>>,
    other_conditions: &'i [String],
    permission: Option<&'static str>,
    alias: Option<&'i str>,
    reason: Option<&'i str>,
}

#[derive(Debug, Serialize)]
struct StatementText<'i> {
    sid: Option<&'i str>,
    number: usize,
    /// `null` is the key policy
    policy: Option<&'i str>,
    effect: Option<&'static str>,
    actions: &'i [String],
    not_actions: &'i [String],
    principals: &'i [String],
    not_principals: &'i [String],
}

#[derive(Debug, Serialize)]
struct RequestsText<'i> {
    aliases: &'i [String],
    by_key: bool,
}

/// The findings of a target
pub fn document(impact: &Impact) -> Vec<AccessFinding<'_>> {
    let turns = impact.turns.iter().map(turn_text);
    let lockouts = impact.lockouts.iter().map(lockout_text);
    turns.chain(lockouts).chain(impact.unread.iter().map(unread_text)).collect()
}

fn turn_text(turn: &Turn) -> AccessFinding<'_> {
    let (kind, reason) = match &turn.change {
        ChangeOfMatch::Begins => ("begins", None),
        ChangeOfMatch::Ceases => ("ceases", None),
        ChangeOfMatch::Unknown(why) => ("unknown", Some(why.as_str())),
    };
    let requests = match &turn.requests {
        Requests::All => None,
        Requests::Naming { aliases, by_key } => Some(RequestsText { aliases, by_key: *by_key }),
    };
    let statement = Some(statement_text(&turn.statement, &turn.origin));
    AccessFinding { kind, statement, requests, other_conditions: &turn.besides, reason, ..on(&turn.key) }
}

fn lockout_text(lockout: &Lockout) -> AccessFinding<'_> {
    let (permission, alias) = (Some(lockout.permission), Some(lockout.alias.as_str()));
    AccessFinding {
        kind: "lockout",
        permission,
        alias,
        reason: lockout.unknown.as_deref(),
        ..on(&lockout.key)
    }
}

fn unread_text(unread: &Unread) -> AccessFinding<'_> {
    let Unread { key, why, permission, .. } = unread;
    let kind = if key.is_some() { "unread" } else { "unknown" };
    let key = key.as_ref().map(KeyId::as_str);
    AccessFinding { kind, key, permission: *permission, reason: Some(why), ..AccessFinding::default() }
}

fn on(key: &KeyId) -> AccessFinding<'_> {
    AccessFinding { key: Some(key.as_str()), ..AccessFinding::default() }
}

fn statement_text<'i>(statement: &'i Statement, origin: &'i Origin) -> StatementText<'i> {
    let (actions, not_actions) = sides(&statement.actions);
    let (mut principals, not_principals) = sides(&statement.principals);
    let mut policy = None;
    if let Origin::Iam { name, attached } = origin {
        (policy, principals) = (Some(name.as_str()), attached);
    }
    let (sid, number) = (statement.sid.as_deref(), statement.number);
    let effect = effect(statement);
    StatementText { sid, number, policy, effect, actions, not_actions, principals, not_principals }
}

fn sides(choice: &Choice) -> (&[String], &[String]) {
    match choice {
        Choice::Only(list) => (list, &[]),
        Choice::AllBut(list) => (&[], list),
    }
}
