//! `brownian man DIR`: a manual page for every command.

use std::path::Path;

use anyhow::{Context, Result};
use brownian_core::audio::write_atomically;
use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::Cli;
use crate::outcome::Outcome;

/// Write `brownian.1`, `brownian-render.1` and so on into `dir`.
///
/// # Errors
/// The folder cannot be made or written to.
pub fn run(dir: &Path) -> Result<Outcome> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    write(dir, &root, "brownian")?;
    Ok(Outcome::Done)
}

/// The page of `command` and those of the commands below it, each under its full name.
fn write(dir: &Path, command: &Command, name: &str) -> Result<()> {
    let mut page = Vec::new();
    // A page is named as it is looked up: `man brownian-data-scan`.
    Man::new(command.clone().display_name(name.to_owned())).render(&mut page)?;
    write_atomically(&dir.join(format!("{name}.1")), &page)?;
    let commands = command.get_subcommands().filter(|command| !command.is_hide_set());
    commands.into_iter().try_for_each(|command| write(dir, command, &format!("{name}-{}", command.get_name())))
}
