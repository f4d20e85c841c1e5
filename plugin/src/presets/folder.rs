//! Where the user's sounds lie.

use std::path::PathBuf;

/// Where sounds are saved unless another path is typed, and where hosts look for presets: `Brownian` in the user's home
/// folder. `None` where the system tells of no such folder.
pub fn sounds_folder() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"));
    let folder = PathBuf::from(home?).join("Brownian");
    folder.is_absolute().then_some(folder)
}
