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
        let mut program = Cli::command().disable_help_subcommand(true);
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
    let mut text = Vec::new();
    Man::new(command).manual("kms-alias").render(&mut text).context("write the manual page")?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
