//! A command line that makes no sense -> what is said of it: by clap to people, and as one sentence with its hint to a log.

use std::error::Error as _;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args;
use super::console::Console;
use super::exit::Exit;
use crate::render::harmless::harmless;

/// The same without what could act on a terminal. Clap quotes the arguments, and only before it is asked can what is in them be told
/// from its own lines
pub(super) fn harmless_error(mut error: clap::Error, args: &[OsString]) -> clap::Error {
    if args::environment::blame(&mut error, args) {
        return error;
    }
    let why = error.source().map(ToString::to_string).filter(|why| harmless(why) == *why);
    if let (ErrorKind::ValueValidation, Some(_), Some(ContextValue::String(value))) =
        (error.kind(), why, error.get(ContextKind::InvalidValue))
    {
        // What we ourselves say is about the value that was given: escaped, it could be wrong in another way.
        let value = ContextValue::String(harmless(value));
        error.insert(ContextKind::InvalidValue, value);
        return error;
    }
    let quotable = args.iter().map(|arg| harmless(&arg.to_string_lossy()));
    args::parse(quotable).err().unwrap_or(error)
}

/// Help and version are no errors, and go to stdout; clap's own exit code 2 means drift here
pub(super) fn tell(error: &clap::Error, console: &Console) -> Exit {
    let plain = error.render().to_string();
    if error.use_stderr() {
        console.note(&match console.speaks_json() {
            true => sentence(&plain).unwrap_or(plain),
            false if console.ends.err_colour => error.render().ansi().to_string(),
            false => plain,
        });
        return Exit::Usage;
    }
    match console.print(&plain) {
        Ok(()) => Exit::Success,
        Err(error) => {
            console.note(&format!("error: failed to {:#}\n", anyhow::Error::from(error)));
            Exit::Runtime
        }
    }
}

/// What stands before the usage, on one line, and the tips as its hint; `None` where it is no error, but all of the help
fn sentence(text: &str) -> Option<String> {
    let (said, _) = text.split_once("\n\n")?;
    let message = said.strip_prefix("error: ")?.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let tips: Vec<&str> = text.lines().filter_map(|line| line.trim_start().strip_prefix("tip: ")).collect();
    let hint = if tips.is_empty() { "add --help to see what it takes".to_owned() } else { tips.join("; ") };
    Some(format!("error: {message}\nhint: {hint}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(args: &[&str]) -> clap::Error {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        harmless_error(args::parse(&args).unwrap_err(), &args)
    }

    #[test]
    fn a_log_has_all_that_is_said_on_one_line_and_the_tip_as_the_hint() {
        for (args, told) in [
            (
                &["plan", "--detailed-exitcod"][..],
                "error: unexpected argument '--detailed-exitcod' found\nhint: a similar argument exists: '--detailed-exitcode'\n",
            ),
            (
                &["iam-policy"],
                "error: the following required arguments were not provided: --for <plan|apply>\nhint: add --help to see what it takes\n",
            ),
            (
                &["list", "-o", "jsn"],
                "error: invalid value 'jsn' for '--output <OUTPUT>' [possible values: text, json, tsv]\nhint: a similar value exists: 'json'\n",
            ),
            (
                &["plan", "--region", "moon"],
                "error: invalid value 'moon' for '--region <REGION>': it is no Region; write it as in us-east-1\nhint: add --help to see what it takes\n",
            ),
        ] {
            let error = refusal(&[&["kms-alias"], args].concat());
            assert_eq!(sentence(&error.render().to_string()).as_deref(), Some(told), "{args:?}");
        }
        assert_eq!(sentence(&refusal(&["kms-alias"]).render().to_string()), None, "that is the help");
    }

    #[test]
    fn what_is_said_of_a_value_is_said_of_the_one_that_was_given() {
        for value in ["alias/a\u{1b}b", "alias/\u{1b}[31m*", "\u{1b}"] {
            let told = refusal(&["kms-alias", "plan", "--alias", value]).to_string();
            assert!(told.contains(r"`\u{1b}` means nothing"), "{told:?}");
            assert!(!told.contains('\u{1b}') && told.contains(&harmless(value)), "{told:?}");
        }
    }

    #[test]
    fn what_clap_quotes_cannot_act() {
        for args in [&["plan", "--\u{1b}x\nerror: no"][..], &["\u{1b}\n"], &["plan", "--lag", "1\n2\u{1b}"]] {
            let told = refusal(&[&["kms-alias"], args].concat()).to_string();
            assert!(!told.contains('\u{1b}') && !told.contains("\nerror: no"), "{told:?}");
        }
    }
}
