//! Ctrl-C: the first press asks the running work to stop, the second ends the program.

use anyhow::Context;
use brownian_core::generate::Cancel;

/// A [`Cancel`] that Ctrl-C (and a polite request to end from the system) cancels. A second one exits at once, 130.
///
/// # Errors
/// The signal handler cannot be set, or was set before.
pub fn cancel_on_ctrl_c() -> anyhow::Result<Cancel> {
    let cancel = Cancel::default();
    let asked = cancel.clone();
    ctrlc::set_handler(move || {
        if asked.is_cancelled() {
            std::process::exit(130);
        }
        asked.cancel();
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(cancel)
}
