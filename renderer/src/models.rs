//! Where models are, and how a command opens one.

use std::sync::Arc;

use anyhow::Result;
use brownian_core::generate::{self, Session};
use brownian_core::model::Registry;

use crate::cli::DeviceName;

/// The embedded models and those of the user's folder.
pub fn registry() -> Registry {
    Registry::new(generate::models_folder())
}

/// Open a model by name or file, with `threads` (0 for the machine's) on `device`.
///
/// # Errors
/// No such model (the known ones, the nearest), a broken file, no such device.
pub fn open(name: &str, device: DeviceName, threads: usize) -> Result<Session> {
    let model = registry().open(name, &generate::device(device.name())?)?;
    Ok(Session::new(Arc::new(model), threads)?)
}
