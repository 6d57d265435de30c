//! What a plan does to access -> sentences below the plan. Texts of policies are somebody else's.

use super::style::{KeyNames, harmless, plural};
use crate::access::document::{Choice, Effect, Origin, Statement};
use crate::access::impact::{ChangeOfMatch, Impact, Requests, Turn, Unread};
use crate::access::lockout::Lockout;
use crate::access::principal::shown;

/// Longer lists are cut
const MOST_SHOWN: usize = 3;

/// The sentences of a target, in the order of its findings; `home` is its account, `keys` what its plan calls its keys
pub fn sentences(impact: &Impact, home: &str, keys: &KeyNames<'_>) -> Vec<String> {
    let turns = impact.turns.iter().map(|turn| of_turn(turn, home, keys));
    let lockouts = impact.lockouts.iter().map(|lockout| of_lockout(lockout, keys));
    turns.chain(lockouts).chain(impact.unread.iter().map(|unread| of_unread(unread, keys))).collect()
}

/// The lines of sentences about so many keys that were looked at
pub fn lines<'s>(sentences: impl IntoIterator<Item = &'s str>, looked_at: usize) -> String {
    let line = |sentence: &str| format!("  access  {}\n", harmless(sentence));
    let text: String = sentences.into_iter().map(line).collect();
    if !text.is_empty() || looked_at == 0 {
        return text;
    }
    let keys = plural(looked_at, "key");
    line(&format!("no statement about aliases begins or ceases to match ({keys} looked at)"))
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

/// `Allow` or `Deny`, if it is one of them
pub(crate) fn effect(statement: &Statement) -> Option<&'static str> {
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
