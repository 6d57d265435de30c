//! The flags of what a person installs beside the program: completions and manual pages.

use std::path::PathBuf;

use clap::Args;

use crate::cli::completions::Shell;

/// Flags of completions
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// Whose script to print
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// Flags of man
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Write a page for the program and for each command into this folder
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}
