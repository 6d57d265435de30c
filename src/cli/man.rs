//! `kms-alias man`: the manual page of the program, or with `--out` a page for each command as well.

use anyhow::Context as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::Session;
use super::args::{self, ManArgs};
use super::exit::Exit;
use crate::draft::{Readers, put};

impl Session<'_> {
    pub(super) fn man(&self, args: &ManArgs) -> anyhow::Result<Exit> {
        let mut program = args::command().disable_help_subcommand(true);
        program.build();
        let Some(folder) = &args.out else {
            self.console.print(&page(program)?)?;
            return Ok(Exit::Success);
        };
        std::fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
        let commands: Vec<clap::Command> = program.get_subcommands().cloned().collect();
        for command in [program].into_iter().chain(commands) {
            let path = folder.join(Man::new(command.clone()).get_filename());
            let text = page(command)?;
            put(&path, text.as_bytes(), Readers::Umask)
                .with_context(|| format!("write {}", path.display()))?;
        }
        Ok(Exit::Success)
    }
}

/// In roff, which `man` reads
fn page(command: clap::Command) -> anyhow::Result<String> {
    // What `-h` leaves out, the generator has only where there is a long form of it.
    let mut command = command.mut_args(|arg| match (arg.get_long_help(), arg.get_help().cloned()) {
        (None, Some(help)) => arg.long_help(help),
        _ => arg,
    });
    let below = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    command = command.after_long_help(None::<&str>);
    let mut text = Vec::new();
    let source = format!("kms-alias {}", env!("CARGO_PKG_VERSION"));
    Man::new(command)
        .source(source)
        .manual("kms-alias")
        .render(&mut text)
        .context("write the manual page")?;
    sections(&below).to_writer(&mut text).context("write the manual page")?;
    // The generator leaves out the quotes of a date that there is not, and blanks at the ends of lines.
    Ok(String::from_utf8_lossy(&text).replacen(" 1  \"", " 1 \"\" \"", 1).replace(" \n", "\n"))
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
        page(program.find_subcommand(name).unwrap().clone()).unwrap()
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
    fn the_head_of_a_page_has_the_version_and_no_date() {
        let head =
            format!("\n.TH kms-alias-plan 1 \"\" \"kms-alias {}\" kms-alias\n", env!("CARGO_PKG_VERSION"));
        assert!(page_of("plan").contains(&head), "{}", page_of("plan"));
    }
}
