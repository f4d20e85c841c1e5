//! `brownian`: parse the arguments, run the command, map its outcome to an exit code.

use std::process::ExitCode;

use brownian::cli::Cli;
use clap::Parser;

fn main() -> ExitCode {
    match brownian::run(Cli::parse()) {
        Ok(outcome) => outcome.into(),
        Err(error) => brownian::refuse(&error),
    }
}
