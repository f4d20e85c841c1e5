//! `cargo xtask test`: every test, whatever runner there is.

use anyhow::Result;

use crate::process::{run, succeeds};
use crate::system;

/// Installs what is missing, then runs all unit, integration and documentation tests.
///
/// # Errors
/// Something could not be installed or built, or a test failed.
pub fn run_all(install: bool) -> Result<()> {
    system::ensure_packages(install)?;
    // Whole-program tests run the binary and hosts load the plugin: both must be there and fresh.
    run("cargo", &["build", "--workspace"])?;
    if succeeds("cargo", &["nextest", "--version"]) {
        run("cargo", &["nextest", "run", "--workspace", "--no-fail-fast"])?;
        return run("cargo", &["test", "--workspace", "--doc"]);
    }
    run("cargo", &["test", "--workspace", "--no-fail-fast"])
}
