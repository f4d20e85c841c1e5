//! Where the user's models live.

use std::ffi::OsString;
use std::path::PathBuf;

/// The folder of the user's models: `$BROWNIAN_MODELS`, else the platform's data folder; `None` where neither is known.
///
/// Linux `$XDG_DATA_HOME/brownian/models` (or `~/.local/share`), macOS `~/Library/Application Support/Brownian/models`,
/// Windows `%APPDATA%\Brownian\models`. It need not exist.
pub fn models_folder() -> Option<PathBuf> {
    folder_from(&|name| std::env::var_os(name).filter(|value| !value.is_empty()))
}

fn folder_from(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name: &str| variable(name).map(PathBuf::from);
    path("BROWNIAN_MODELS").or_else(|| platform_folder(&path))
}

fn platform_folder(path: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    if cfg!(windows) {
        return Some(path("APPDATA")?.join("Brownian").join("models"));
    }
    if cfg!(target_os = "macos") {
        return Some(path("HOME")?.join("Library/Application Support/Brownian/models"));
    }
    // The XDG rule: a relative path there is to be ignored.
    let data = path("XDG_DATA_HOME").filter(|data| data.is_absolute());
    Some(data.or_else(|| Some(path("HOME")?.join(".local/share")))?.join("brownian/models"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(variables: &[(&str, &str)]) -> Option<PathBuf> {
        folder_from(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_users_own_choice_comes_first() {
        let set = [("BROWNIAN_MODELS", "/m"), ("XDG_DATA_HOME", "/x"), ("HOME", "/h"), ("APPDATA", "/a")];
        assert_eq!(folder(&set), Some("/m".into()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_follows_the_xdg_rule() {
        assert_eq!(folder(&[("XDG_DATA_HOME", "/x"), ("HOME", "/h")]), Some("/x/brownian/models".into()));
        assert_eq!(folder(&[("XDG_DATA_HOME", "rel"), ("HOME", "/h")]), Some("/h/.local/share/brownian/models".into()));
    }

    #[test]
    fn without_a_home_there_is_no_folder() {
        assert_eq!(folder(&[]), None);
    }
}
