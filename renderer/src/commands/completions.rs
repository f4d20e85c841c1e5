//! `brownian completions SHELL`: a completion script on stdout.

use std::io::Write;

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::outcome::Outcome;

/// Write the script for `shell`.
///
/// # Errors
/// stdout cannot be written.
pub fn run(shell: Shell) -> Result<Outcome> {
    // Into memory first: clap_complete panics where the writer fails, and a reader may close the pipe.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "brownian", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(Outcome::Done)
}
