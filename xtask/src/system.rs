//! The system packages that a build needs.

use anyhow::Result;

use crate::process;

/// Sees to the missing system packages: installs them, or prints the line that does.
///
/// The script is shared with `xtask/linker`, which needs it before any Rust can be linked.
///
/// # Errors
/// Packages are missing and were not installed.
pub fn ensure_packages(install: bool) -> Result<()> {
    let options: &[&str] = if install { &[] } else { &["--no-install"] };
    if cfg!(target_os = "linux") { process::run("xtask/system-packages", options) } else { Ok(()) }
}
