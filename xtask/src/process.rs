//! Running other programs: said before, checked after.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The folder that holds `Cargo.toml`, `core`, `renderer` and the rest.
pub fn workspace_root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// Where cargo puts what it builds.
pub fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace_root().join("target"), PathBuf::from)
}

/// Runs `program` with `args` in the open; its failure is ours.
///
/// # Errors
/// It cannot be started, or ends with another exit code than 0.
pub fn run(program: &str, args: &[&str]) -> Result<()> {
    announce(program, args);
    let status = Command::new(program).args(args).status();
    let status = status.with_context(|| format!("cannot start {program}"))?;
    ensure!(status.success(), "`{program} {}` failed: {status}", args.join(" "));
    Ok(())
}

/// Runs `program` with `args` and returns what it wrote to stdout; stderr stays in the open.
///
/// # Errors
/// As [`run`], or the output is no UTF-8.
pub fn output_of(program: &str, args: &[&str]) -> Result<String> {
    announce(program, args);
    let output = Command::new(program).args(args).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start {program}"))?;
    ensure!(output.status.success(), "`{program} {}` failed: {}", args.join(" "), output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// Whether `program args` runs and succeeds, without a word.
pub fn succeeds(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn announce(program: &str, args: &[&str]) {
    eprintln!("$ {program} {}", args.join(" "));
}
