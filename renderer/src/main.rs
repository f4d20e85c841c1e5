//! `brownian`: parse the arguments, run the command, map its outcome to an exit code.

use std::process::ExitCode;

use brownian::cli::Cli;
use clap::Parser;

/// Training makes and frees large tensors all the time; the system's allocator gives their pages back each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match brownian::run(Cli::parse()) {
        Ok(outcome) => outcome.into(),
        Err(error) => brownian::refuse(&error),
    }
}
