//! The command line of Brownian: arguments to core calls to a report.
//!
//! Arguments pass two stages: [`cli`] says what was typed, each of [`commands`] turns that (with the environment and
//! the configuration file of [`config`]) into what it means. Results go to stdout through [`report`], everything
//! else to stderr. Read [`commands::render`] first.

use cli::{Cli, Command};

pub mod cli;
pub mod commands;
pub mod config;
pub mod interrupt;
pub mod models;
pub mod names;
pub mod outcome;
pub mod picture;
pub mod pitch;
pub mod player;
pub mod progress;
pub mod report;

pub use outcome::{Outcome, refuse};

/// Run one command.
///
/// # Errors
/// Usage or set-up: nothing was done. Failures of single items are reported by the command and end in
/// [`Outcome::SomeFailed`].
pub fn run(cli: Cli) -> anyhow::Result<Outcome> {
    brownian_core::nn::instructions().map_err(anyhow::Error::msg)?;
    match cli.command {
        Command::Render(args) => commands::render::run(&args),
        Command::Batch(args) => commands::batch::run(&args),
        Command::Audition(args) => commands::audition::run(&args),
        Command::Inspect(args) => commands::inspect::run(&args),
        Command::Verify(args) => commands::verify::run(&args),
        Command::Models { command } => commands::models::run(command),
        Command::Train(args) => commands::train::run(&args),
        Command::Distill(args) => commands::distill::run(&args),
        Command::Evaluate(args) => commands::evaluate::run(&args),
        Command::Data { command } => commands::data::run(command),
        Command::Export { command } => commands::export::run(&command),
        Command::Man { dir } => commands::man::run(&dir),
        Command::Completions { shell } => commands::completions::run(shell),
    }
}
