//! `brownian data …`: folders of sounds.

use anyhow::Result;

use crate::cli::DataCommand;
use crate::outcome::Outcome;

pub mod prepare;
pub mod scan;

/// Run one of them.
///
/// # Errors
/// As the command.
pub fn run(command: DataCommand) -> Result<Outcome> {
    match command {
        DataCommand::Prepare(args) => prepare::run(&args),
        DataCommand::Scan(args) => scan::run(&args),
    }
}
