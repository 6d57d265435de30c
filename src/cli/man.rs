//! `kms-alias man`: the manual page of the program, or with `--out` a page for each command as well.

use std::collections::BTreeMap;

use anyhow::Context as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use time::OffsetDateTime;

use super::Session;
use super::args::{self, ManArgs, environment};
use super::exit::Exit;
use super::job::variable;
use crate::draft::{Readers, put};

impl Session<'_> {
    pub(super) fn man(&self, args: &ManArgs) -> anyhow::Result<Exit> {
        let mut program = args::command().disable_help_subcommand(true);
        program.build();
        let day = variable("SOURCE_DATE_EPOCH").and_then(|seconds| day(&seconds)).unwrap_or_default();
        let Some(folder) = &args.out else {
            self.console.print(&page(program, &day)?)?;
            return Ok(Exit::Success);
        };
        std::fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
        let commands: Vec<clap::Command> = program.get_subcommands().cloned().collect();
        for command in [program].into_iter().chain(commands) {
            let path = folder.join(Man::new(command.clone()).get_filename());
            let text = page(command, &day)?;
            put(&path, text.as_bytes(), Readers::Umask)
                .with_context(|| format!("write {}", path.display()))?;
        }
        Ok(Exit::Success)
    }
}

/// The day that whoever packs the pages wants on them; the same pages have it wherever they are made
/// (<https://reproducible-builds.org/specs/source-date-epoch/>)
fn day(seconds: &str) -> Option<String> {
    let time = OffsetDateTime::from_unix_timestamp(seconds.parse().ok()?).ok()?;
    Some(time.date().to_string())
}

/// In roff, which `man` reads
fn page(command: clap::Command, day: &str) -> anyhow::Result<String> {
    // What `-h` leaves out, the generator has only where there is a long form of it.
    let variables = if command.has_subcommands() { variables(&command) } else { BTreeMap::new() };
    let mut command = command.mut_args(|arg| match (arg.get_long_help(), arg.get_help().cloned()) {
        (None, Some(help)) => arg.long_help(help),
        _ => arg,
    });
    let below = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    command = command.after_long_help(None::<&str>);
    let mut text = Vec::new();
    let source = format!("kms-alias {}", env!("CARGO_PKG_VERSION"));
    Man::new(command)
        .date(day)
        .source(source)
        .manual("kms-alias")
        .render(&mut text)
        .context("write the manual page")?;
    let mut below = sections(&below);
    for (name, flag) in variables {
        below.control("TP", []);
        below.text([bold(name)]);
        below.text([roman(flag)]);
    }
    below.to_writer(&mut text).context("write the manual page")?;
    // The generator leaves out the quotes of a date that there is not, and takes an empty line between two breaks for a blank one.
    // Blanks at the ends of lines mean nothing.
    let text = String::from_utf8_lossy(&text).replacen(" 1  \"", " 1 \"\" \"", 1);
    Ok(text.replace(".br\n\n.br\n", ".sp\n").replace(" \n", "\n"))
}

/// Every variable, and what its flag is for: they go below the section of the environment, which is the last one of the program's page
fn variables(command: &clap::Command) -> BTreeMap<String, String> {
    let told = environment::variables(command).map(|(arg, name)| {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        (name.to_string_lossy().into_owned(), format!("--{}: {help}", arg.get_long().unwrap_or_default()))
    });
    told.collect()
}

/// What stands below the help, each part of it with its own heading; lines that are typed are kept as they are
fn sections(below: &str) -> Roff {
    let mut page = Roff::new();
    for part in below.split("\n\n") {
        let Some((heading, text)) = part.split_once(':') else { continue };
        page.control("SH", [heading.to_uppercase().as_str()]);
        let typed = text.strip_prefix('\n');
        if typed.is_some() {
            page.control("nf", []);
        }
        for line in typed.unwrap_or(text.trim_start()).lines() {
            page.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
        if typed.is_some() {
            page.control("fi", []);
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(name: &str) -> String {
        let mut program = args::command();
        program.build();
        page(program.find_subcommand(name).unwrap().clone(), "").unwrap()
    }

    #[test]
    fn examples_can_be_copied_as_they_stand() {
        let page = page_of("import");
        let (_, examples) = page.split_once(".SH EXAMPLES\n.nf\n").expect(&page);
        assert!(examples.contains("\n  \\-\\-removed removed.tf \\-\\-out aliases.yaml\n"), "{examples}");
        assert!(examples.trim_end().ends_with(".fi") && !page.contains("EXTRA"), "{page}");
    }

    #[test]
    fn every_option_says_what_it_is_for() {
        let page = page_of("plan");
        assert!(page.contains("\nReplicas that answer reads in turn"), "{page}");
    }

    #[test]
    fn the_page_of_the_program_ends_with_the_variables_and_their_flags() {
        let page = page(args::command(), "").unwrap();
        let (_, variables) = page.split_once("\n.SH ENVIRONMENT\n").expect(&page);
        assert!(variables.contains("\n.TP\n\\fBKMS_ALIAS_YES\\fR\n\\-\\-yes: Do not ask\n"), "{variables}");
        assert!(!variables.contains(".SH"), "{variables}");
        assert!(!page_of("plan").contains("ENVIRONMENT"));
    }

    #[test]
    fn the_head_of_a_page_has_the_version_and_the_day_that_was_given() {
        let mut program = args::command();
        program.build();
        let plan = program.find_subcommand("plan").unwrap();
        for (seconds, date) in
            [("", "\"\""), ("soon", "\"\""), ("0", "1970-01-01"), ("1795392000", "2026-11-23")]
        {
            let page = page(plan.clone(), &day(seconds).unwrap_or_default()).unwrap();
            let version = env!("CARGO_PKG_VERSION");
            let head = format!("\n.TH kms-alias-plan 1 {date} \"kms-alias {version}\" kms-alias\n");
            assert!(page.contains(&head), "{seconds}: {page}");
        }
    }

    #[test]
    fn what_stands_apart_does_so_by_one_request() {
        let page = page_of("plan");
        assert!(page.contains("\n.sp\n\\fIPossible values:\\fR\n"), "{page}");
        assert!(!page.contains("\n.br\n") && !page.contains("\n\n"), "{page}");
    }
}
