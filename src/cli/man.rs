//! `kms-alias man`: the manual page of the program, or with `--out` a page for each command as well.

use anyhow::Context as _;
use clap::CommandFactory;
use clap_mangen::Man;

use super::Session;
use super::args::{Cli, ManArgs};
use super::exit::Exit;
use crate::draft::{Readers, put};

impl Session<'_> {
    pub(super) fn man(&self, args: &ManArgs) -> anyhow::Result<Exit> {
        let program = program();
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

/// What the short help leaves out, the writer of pages would leave without a word
fn program() -> clap::Command {
    let mut program = Cli::command().disable_help_subcommand(true).mut_args(|arg| arg.hide_short_help(false));
    program.build();
    program
}

/// In roff, which `man` reads
fn page(command: clap::Command) -> anyhow::Result<String> {
    let source = format!("kms-alias {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command).source(source).manual("kms-alias");
    let mut text = Vec::new();
    man.render(&mut text).context("write the manual page")?;
    Ok(mended(&String::from_utf8_lossy(&text)))
}

/// The same with the date that there is not in its place, and with examples that stay on their lines
fn mended(page: &str) -> String {
    let page = page.replacen(" 1  \"", " 1 \"\" \"", 1).replace(" \n", "\n");
    let Some((head, rest)) = page.split_once(".SH EXTRA\nExamples:\n") else { return page };
    let length = rest.split_inclusive('\n').take_while(|line| line.starts_with("  ")).map(str::len).sum();
    let (examples, rest) = rest.split_at(length);
    let examples: String = examples.lines().map(|line| format!("{}\n", &line[2..])).collect();
    let after = if rest.starts_with(".SH") { "" } else { ".PP\n" };
    format!("{head}.SH EXAMPLES\n.nf\n{examples}.fi\n{after}{}", rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_explained() {
        let program = program();
        for command in program.get_subcommands().chain([&program]) {
            let page = page(command.clone()).unwrap();
            let mut flags = page.split("\n.TP\n").skip(1).filter_map(|flag| flag.split_once('\n'));
            assert_eq!(flags.find(|(_, text)| text.trim().is_empty()), None);
        }
    }

    #[test]
    fn a_page_has_its_examples_on_their_lines_and_no_date() {
        let command = clap::Command::new("it")
            .version("1")
            .after_help("Examples:\n  it one     # first\n  it --two\n\nAnd a sentence.");
        let page = page(command).unwrap();
        let examples =
            ".SH EXAMPLES\n.nf\nit one     # first\nit \\-\\-two\n.fi\n.PP\nAnd a sentence.\n.SH VERSION\n";
        assert!(page.contains(examples), "{page}");
        let source = format!("\n.TH it 1 \"\" \"kms-alias {}\" kms-alias\n", env!("CARGO_PKG_VERSION"));
        assert!(page.contains(&source), "{page}");
    }
}
