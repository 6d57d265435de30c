//! The variables of the environment that stand for flags: an empty one is none, and what is wrong with a value names the variable
//! that it came from.

use std::ffi::{OsStr, OsString};

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command};

use super::command::{command, parse_with};
use crate::cli::job::variable;
use crate::render::harmless::harmless;

/// Whoever sets one of these to nothing is told: it is mostly a slip, or a secret that a job may not read. Without a value of the first
/// four more would be done than was meant, which is an error; of the others nobody would be told, which is a warning
const TOLD: [&str; 6] = [
    "KMS_ALIAS_BASE_REF",
    "KMS_ALIAS_ENDPOINT_URL",
    "KMS_ALIAS_EXPECT_DIGEST",
    "KMS_ALIAS_SHARD",
    "KMS_ALIAS_NOTIFY_SLACK",
    "KMS_ALIAS_NOTIFY_WEBHOOK",
];

/// Whether a variable counts as unset because it is empty, as those of AWS do
pub(super) fn is_empty(name: &OsStr) -> bool {
    let name = name.to_str().filter(|name| !TOLD.contains(name));
    name.and_then(variable).is_some_and(|value| value.is_empty())
}

/// The same command line, which takes nothing from the variables that `is_out` names
pub(super) fn without(command: Command, is_out: fn(&OsStr) -> bool) -> Command {
    let heed = |arg: Arg| if arg.get_env().is_some_and(is_out) { arg.env(Resettable::Reset) } else { arg };
    command.mut_args(heed).mut_subcommands(|one| without(one, is_out))
}

/// Every variable with the flag that it stands for
pub(crate) fn variables(command: &Command) -> impl Iterator<Item = (&Arg, &OsStr)> {
    let args = command.get_arguments().chain(command.get_subcommands().flat_map(Command::get_arguments));
    args.filter_map(|arg| Some((arg, arg.get_env()?)))
}

/// Says of a value that came from the environment which variable has it; `false` where `args` are wrong by themselves
pub(crate) fn blame(error: &mut clap::Error, args: &[OsString]) -> bool {
    let alone = parse_with(args, |_| true).err().map(|alone| alone.to_string());
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return false };
    let command = command();
    // As in `--file <PATH>`
    let long = flag.split(' ').next().and_then(|flag| flag.strip_prefix("--"));
    let named = variables(&command).find(|(arg, _)| arg.get_long() == long);
    let Some((_, name)) = named.filter(|_| alone != Some(error.to_string())) else { return false };
    let said = format!("{} (--{})", name.to_string_lossy(), long.unwrap_or_default());
    error.insert(ContextKind::InvalidArg, ContextValue::String(said));
    if let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) {
        let value = ContextValue::String(harmless(value));
        error.insert(ContextKind::InvalidValue, value);
    }
    true
}

/// Whether a flag without a value is given, as its variable says
pub(super) fn switch(word: &str) -> Result<bool, String> {
    match word.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("write 1, true or yes; or 0, false or no".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_variable_is_in_the_table_of_the_docs_with_its_flag_and_no_other() {
        let page = include_str!("../../../docs/running.md");
        let cells = |line: &'static str| {
            let mut cells = line.split('|').map(|cell| cell.trim().trim_matches('`'));
            Some((cells.nth(1)?.to_owned(), cells.next()?.to_owned()))
        };
        let told: BTreeMap<_, _> =
            page.lines().filter(|line| line.starts_with("| `KMS_ALIAS_")).filter_map(cells).collect();
        let command = command();
        let heeded: BTreeMap<_, _> = variables(&command)
            .map(|(arg, name)| {
                (name.to_string_lossy().into_owned(), format!("--{}", arg.get_long().unwrap()))
            })
            .collect();
        assert!(heeded.len() > 15, "{heeded:?}");
        assert_eq!(told, heeded);
    }

    #[test]
    fn a_switch_takes_the_words_that_people_write() {
        for (word, on) in
            [("1", true), ("0", false), ("yes", true), ("No", false), ("TRUE", true), ("false", false)]
        {
            assert_eq!(switch(word), Ok(on), "{word}");
        }
        assert!(switch("maybe").is_err() && switch("").is_err());
    }
}
