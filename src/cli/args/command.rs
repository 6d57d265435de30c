//! The command line, whose help, manual pages and completions leave out what a command makes nothing of. It is taken all the same: a
//! script may set it for whatever it runs.

use std::ffi::{OsStr, OsString};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, CommandFactory, FromArgMatches, ValueEnum};

use super::environment::{is_empty, without};
use super::{Cli, Command, Output};

/// Flags of the sandbox
const MISBEHAVIOUR: [&str; 8] =
    ["sandbox", "scenario", "lag", "new_key_lag", "latency", "quota", "service_quotas", "fault"];

/// The command line of the program
pub(crate) fn command() -> clap::Command {
    command_without(is_empty)
}

/// The same without some of the variables that stand for flags
fn command_without(is_out: fn(&OsStr) -> bool) -> clap::Command {
    let program = without(Cli::command(), is_out);
    let names: Vec<String> = program.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    let globals: Vec<Arg> = program.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    names.iter().fold(program, |program, name| {
        // What a command has itself is not handed down to it from above.
        let own: Vec<Arg> = globals.iter().filter_map(|arg| own(name, arg)).collect();
        program.mut_subcommand(name, |one| one.next_help_heading(None::<&str>).args(own))
    })
}

/// Reads the command line
///
/// # Errors
/// It cannot be understood, or asks for help or the version.
pub(crate) fn parse(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Cli, clap::Error> {
    parse_with(args, is_empty)
}

/// The same without some of the variables that stand for flags
pub(super) fn parse_with(
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    is_out: fn(&OsStr) -> bool,
) -> Result<Cli, clap::Error> {
    let mut command = command_without(is_out);
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let matches = command.try_get_matches_from_mut(args.iter().cloned());
    let mut matches = matches.map_err(|error| with_tip(error, &args))?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// `--sandbox STATE` is a flag without a value, and an argument that nobody takes
fn with_tip(mut error: clap::Error, args: &[OsString]) -> clap::Error {
    let stray = [ContextKind::InvalidArg, ContextKind::InvalidSubcommand].map(|kind| error.get(kind));
    let Some(ContextValue::String(stray)) = stray.into_iter().flatten().next().cloned() else { return error };
    let is_state = |pair: &[OsString]| pair[0] == "--sandbox" && pair[1] == *stray;
    if !stray.starts_with('-') && args.windows(2).any(is_state) {
        let tip = format!("write it as --sandbox={stray}");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// The flag as this command has it, where that is not as all have it
fn own(name: &str, arg: &Arg) -> Option<Arg> {
    let id = arg.get_id().as_str();
    let hidden = !means_something(name, id);
    let own = match Output::of(name).filter(|_| id == "output") {
        Some(forms) => of_forms(arg.clone(), forms),
        None if hidden => arg.clone(),
        None => return None,
    };
    Some(own.hide(hidden))
}

/// The flag for these forms, of which the first is what there is without it
fn of_forms(arg: Arg, forms: &'static [Output]) -> Arg {
    let default = forms.first().copied().unwrap_or_default();
    arg.value_parser(Forms(forms))
        .default_value(default.word())
        .hide_possible_values(true)
        .help(format!("Form of what stdout carries: {}", told(forms, "or")))
}

/// Has the forms of a command, and takes the others: [`Output::refusal`] says why they are none, wherever they are asked for
#[derive(Clone)]
struct Forms(&'static [Output]);

impl TypedValueParser for Forms {
    type Value = Output;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Output, clap::Error> {
        Output::from_str(&value.to_string_lossy(), false).or_else(|why| {
            let words = PossibleValuesParser::new(self.0.iter().map(|form| form.word()));
            words.try_map(move |_| Err(why.clone())).parse_ref(command, arg, value)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().filter_map(ValueEnum::to_possible_value)))
    }
}

/// Whether a command makes anything of a flag that all take
fn means_something(name: &str, id: &str) -> bool {
    let offline: &[&str] = match name {
        "validate" => &["file", "output", "color", "quiet", "log_format", "ci"],
        "show" => &["output", "color", "quiet", "log_format"],
        "comment" => &["output", "quiet", "verbose", "log_format", "timeout", "ci"],
        "iam-policy" => &["file", "target", "shard", "output", "quiet", "log_format", "region"],
        "fmt" => &["file", "color", "quiet", "log_format"],
        "schema" => &["output", "log_format"],
        "sandbox" if MISBEHAVIOUR.contains(&id) => return true,
        "sandbox" => &["quiet", "log_format"],
        "completions" | "man" => &["log_format"],
        "plan" | "apply" | "drift" | "revert" => return true,
        // These connect, and have no reports; what two of them print has one form.
        "init" | "import" => return !["report", "output"].contains(&id),
        _ => return id != "report",
    };
    offline.contains(&id)
}

/// `text, json or tsv`
fn told(forms: &[Output], last: &str) -> String {
    let words: Vec<&str> = forms.iter().map(|form| form.word()).collect();
    match words.split_last() {
        Some((end, [])) => (*end).to_owned(),
        Some((end, others)) => format!("{} {last} {end}", others.join(", ")),
        None => String::new(),
    }
}

impl Output {
    /// The forms of a command, the one that it has by itself first; `None` where it has all, or makes nothing of them
    fn of(name: &str) -> Option<&'static [Self]> {
        use Output::{Diff, Json, Markdown, Text, Tsv};
        Some(match name {
            "list" => &[Text, Json, Tsv],
            "show" => &[Text, Diff, Json, Markdown, Tsv],
            "schema" => &[Json, Markdown],
            "validate" | "explain" | "doctor" | "iam-policy" | "comment" => &[Text, Json],
            "init" | "import" | "fmt" => &[Text],
            _ => return None,
        })
    }

    /// As it is typed
    fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Diff => "diff",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Ndjson => "ndjson",
            Self::Html => "html",
            Self::Tsv => "tsv",
        }
    }

    /// Why a command cannot have this form, and what would help
    pub(crate) fn refusal(self, command: &Command) -> Option<(String, String)> {
        let name = command.name();
        // What a file can be shown as depends on what it is. Text asks for nothing, as a script may for whatever it runs.
        let has = matches!(command, Command::Show(_)) || self == Self::Text;
        let forms = Self::of(name).filter(|forms| !has && !forms.contains(&self))?;
        let (noun, others) =
            if forms.len() == 1 { ("form", "") } else { ("forms", ", or pass -o with one of these") };
        Some((format!("{name} has the {noun} {}", told(forms, "and")), format!("leave -o out{others}")))
    }
}

impl Command {
    /// As it is typed
    fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Validate => "validate",
            Self::Plan(_) => "plan",
            Self::Apply(_) => "apply",
            Self::Drift(_) => "drift",
            Self::Revert(_) => "revert",
            Self::Show(_) => "show",
            Self::Comment(_) => "comment",
            Self::List(_) => "list",
            Self::Import(_) => "import",
            Self::Explain(_) => "explain",
            Self::Doctor(_) => "doctor",
            Self::IamPolicy(_) => "iam-policy",
            Self::Fmt(_) => "fmt",
            Self::Schema => "schema",
            Self::Sandbox(_) => "sandbox",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(name: &str) -> String {
        let mut program = command();
        program.build();
        program.find_subcommand_mut(name).unwrap().render_long_help().to_string()
    }

    #[test]
    fn the_help_of_an_offline_command_has_only_what_it_makes_something_of() {
        for (name, shown, hidden) in [
            ("validate", "--file", "--endpoint-url"),
            ("show", "--output", "--file"),
            ("schema", "--output", "--sandbox"),
            ("sandbox", "--fault", "--region"),
            ("list", "--endpoint-url", "--report"),
            ("man", "--out", "--quiet"),
            ("plan", "--report", "--force"),
        ] {
            let help = help(name);
            assert!(help.contains(shown), "{name}: {help}");
            assert!(!help.contains(hidden), "{name}: {help}");
        }
        assert!(help("list").contains("Form of what stdout carries: text, json or tsv"), "{}", help("list"));
        let schema = help("schema");
        assert!(schema.contains(": json or markdown\n") && schema.contains("[default: json]"), "{schema}");
        assert!(help("man").lines().count() < 30, "{}", help("man"));
    }

    #[test]
    fn what_the_help_leaves_out_is_taken_before_and_behind_the_command() {
        for line in
            ["kms-alias man --region eu-west-1 --sandbox", "kms-alias --region eu-west-1 --sandbox man"]
        {
            let cli = parse(line.split(' ')).unwrap();
            assert_eq!(
                (cli.global.region.as_deref(), cli.global.sandbox),
                (Some("eu-west-1"), Some(None)),
                "{line}"
            );
        }
    }

    #[test]
    fn a_state_that_stands_apart_from_its_flag_is_told_how_to_be_written() {
        let told = |line: &str| parse(line.split(' ')).unwrap_err().to_string();
        for line in ["kms-alias plan --sandbox state.json", "kms-alias --sandbox state.json plan"] {
            assert!(told(line).contains("tip: write it as --sandbox=state.json"), "{}", told(line));
        }
        assert!(!told("kms-alias plan --sandbox --no-such-flag").contains("write it as"));
        assert!(!told("kms-alias plan state.json --sandbox").contains("write it as"));
        let port = told("kms-alias sandbox --port many");
        assert!(port.contains("write a number up to 65535, or leave it out"), "{port}");
    }

    #[test]
    fn a_form_that_a_command_has_not_is_refused_with_those_that_it_has() {
        let refusal = |line: &str| {
            let cli = parse(line.split(' ')).unwrap();
            cli.global.output.refusal(&cli.command).map(|(sentence, _)| sentence)
        };
        for form in ["diff", "markdown", "ndjson", "html"] {
            assert_eq!(
                refusal(&format!("kms-alias list -o {form}")).unwrap(),
                "list has the forms text, json and tsv"
            );
        }
        assert_eq!(refusal("kms-alias fmt -o json").unwrap(), "fmt has the form text");
        assert_eq!(refusal("kms-alias -o html doctor").unwrap(), "doctor has the forms text and json");
        for line in [
            "kms-alias list -o tsv",
            "kms-alias schema",
            "kms-alias schema -o text",
            "kms-alias plan -o html",
            "kms-alias man -o json",
        ] {
            assert_eq!(refusal(line), None, "{line}");
        }
    }

    #[test]
    fn a_form_that_there_is_not_is_refused_with_those_of_the_command() {
        let refusal = |line: &str| parse(line.split(' ')).unwrap_err().to_string();
        let of_list = refusal("kms-alias list -o jsn");
        assert!(of_list.contains("[possible values: text, json, tsv]"), "{of_list}");
        assert!(refusal("kms-alias plan -o jsn").contains("ndjson, html, tsv]"));
    }
}
