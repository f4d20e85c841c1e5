//! `brownian`: parse the arguments, run the command, map its outcome to an exit code.

use std::process::ExitCode;

use brownian::cli::Cli;
use clap::Parser;

/// Training makes and frees large tensors all the time; the system's allocator gives their pages back each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tame_candle();
    match brownian::run(Cli::parse()) {
        Ok(outcome) => outcome.into(),
        Err(error) => brownian::refuse(&error),
    }
}

/// Keep candle's own threads out of the way of ours, which do the work: it reads these when it first computes.
fn tame_candle() {
    for name in ["CANDLE_NUM_THREADS", "RAYON_NUM_THREADS"] {
        if std::env::var_os(name).is_none() {
            // SAFETY: the program has one thread yet.
            unsafe { std::env::set_var(name, "1") };
        }
    }
}
