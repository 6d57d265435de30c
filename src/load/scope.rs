//! The prefixes of `scope` and the patterns of `ignore`. Pure.

use std::sync::Arc;

use super::node::{Node, Value};
use super::problem::{Problem, Problems};
use super::read::texts;
use super::source::Spot;
use crate::alias::{AliasName, NameError};
use crate::scope::Pattern;

/// The prefixes of a `scope`; `None` if one of them is wrong
pub(super) fn read(node: &Node, found: &mut Problems) -> Option<Vec<(Arc<str>, Spot)>> {
    let prefixes = texts(node, "a list of text", found)?;
    let mut sound = true;
    for (prefix, spot) in &prefixes {
        if let Some(problem) = wrong_prefix(prefix) {
            found.add(problem.at(spot, ""));
            sound = false;
        } else if *prefix == "alias/" {
            let problem =
                Problem::warning("scope-everything", "this scope owns every alias of the account and Region");
            found.add(problem.at(spot, "").help("name the prefixes that are yours, as `alias/app/`"));
        }
    }
    sound.then(|| prefixes.into_iter().map(|(prefix, spot)| (prefix.into(), spot.clone())).collect())
}

pub(super) fn wrong_prefix(prefix: &str) -> Option<Problem> {
    let (message, help) = match AliasName::parse(prefix) {
        Ok(_) | Err(NameError::Empty) => return None,
        Err(NameError::Prefix) => {
            let bare = prefix.trim_start_matches("alias").trim_start_matches('/');
            (format!("the prefix `{prefix}` does not begin with `alias/`"), format!("write `alias/{bare}`"))
        }
        Err(NameError::Reserved) => {
            let help = "take it out: these names belong to AWS, and are never touched";
            (format!("the prefix `{prefix}` lies under `alias/aws/`"), help.to_owned())
        }
        Err(NameError::Character('*')) => {
            let bare = prefix.split('*').next().unwrap_or_default();
            // Never `alias/` alone, which is everything.
            let meant = if AliasName::parse(bare).is_ok() { bare } else { "alias/app/" };
            (format!("`{prefix}` is a pattern, and a scope is made of prefixes"), format!("write `{meant}`"))
        }
        Err(error) => (format!("`{prefix}` cannot begin an alias name: {error}"), error.hint().to_owned()),
    };
    Some(Problem::error("scope-prefix", message).help(help))
}

/// The patterns of an `ignore`; an empty list ignores nothing, which a target may want
pub(super) fn read_ignore(node: &Node, found: &mut Problems) -> Option<Vec<(Pattern, Spot)>> {
    let patterns = if is_empty_list(node) { Vec::new() } else { texts(node, "a list of text", found)? };
    let mut sound = Vec::with_capacity(patterns.len());
    for (text, spot) in patterns {
        match pattern(text) {
            Ok(pattern) => sound.push((pattern, spot.clone())),
            Err(problem) => found.add(problem.at(spot, "")),
        }
    }
    Some(sound)
}

fn is_empty_list(node: &Node) -> bool {
    matches!(&node.value, Value::List(items) if items.is_empty())
}

/// A pattern over alias names
pub(crate) fn pattern(text: &str) -> Result<Pattern, Problem> {
    let pattern = any_pattern(text)?;
    if pattern.may_be_of_aliases() {
        return Ok(pattern);
    }
    let message = format!("`{text}` matches no alias: every name begins with `alias/`");
    Err(Problem::error("pattern", message).help(format!("write `alias/{text}`")))
}

/// A pattern over names of any kind
pub(crate) fn any_pattern(text: &str) -> Result<Pattern, Problem> {
    Pattern::parse(text).map_err(|error| {
        let problem = Problem::error("pattern", format!("`{text}` is not a pattern: {error}"));
        problem.help("`*` stays within one `/` segment, `**` crosses them; also `?`, `[a-z]`, `{a,b}`")
    })
}
