//! Sound files: where they go, and what is read from the path field.

use std::path::{Path, PathBuf};

use brownian_core::audio::write_atomically;
use nice_plug::prelude::PluginState;

use crate::presets::{INSTRUMENT_EXTENSION, instrument_bytes, sounds_folder};
use crate::state::Take;

/// Where a sound is saved unless another path is typed: `Brownian` in the user's home folder.
pub fn suggested_path(name: &str) -> PathBuf {
    sounds_folder().unwrap_or_else(std::env::temp_dir).join(format!("{}.wav", file_name(name)))
}

/// A name that every file system takes.
fn file_name(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty() && *word != "seed");
    let name = words.collect::<Vec<_>>().join("-");
    if name.is_empty() { "sound".into() } else { name }
}

/// A path as it is typed or pasted: file managers copy addresses, terminals quote.
pub fn path_of(text: &str) -> Option<PathBuf> {
    let line = text.trim().lines().next()?.trim();
    let line = line.trim_matches(|c| c == '"' || c == '\'');
    let path = match line.strip_prefix("file://") {
        Some(address) => unescaped(address),
        None => line.to_owned(),
    };
    let home = std::env::var_os("HOME").filter(|_| path.starts_with("~/"));
    let path = home.map_or_else(|| PathBuf::from(&path), |home| Path::new(&home).join(&path[2..]));
    (!path.as_os_str().is_empty()).then_some(path)
}

/// `%20` and the like as what they stand for; anything else as it is.
fn unescaped(address: &str) -> String {
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let code = code.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Writes a sound with its recipe as a WAV file, whole or not at all, and over no other file.
///
/// # Errors
/// What stands in the way, for the user.
pub fn save(take: &Take, path: &Path) -> Result<(), String> {
    save_bytes(&take.wav()?, path)
}

/// Writes the whole instrument beside where a sound would lie; returns its path. As [`save`] otherwise.
///
/// # Errors
/// As [`save`].
pub fn save_instrument(state: &PluginState, path: &Path) -> Result<PathBuf, String> {
    let path = path.with_extension(INSTRUMENT_EXTENSION);
    save_bytes(&instrument_bytes(state), &path)?;
    Ok(path)
}

fn save_bytes(bytes: &[u8], path: &Path) -> Result<(), String> {
    if path.exists() {
        return Err(format!("{} is there already; choose another name", path.display()));
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    }
    write_atomically(path, bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_people_and_file_managers_write_them() {
        assert_eq!(path_of(" /a/b c.wav \n"), Some("/a/b c.wav".into()));
        assert_eq!(path_of("'/a/b.wav'"), Some("/a/b.wav".into()));
        assert_eq!(path_of("file:///a/b%20c.wav\r\nfile:///d.wav"), Some("/a/b c.wav".into()));
        assert_eq!(path_of("file:///a/100%.wav"), Some("/a/100%.wav".into()));
        assert_eq!(path_of("  "), None);
    }

    #[test]
    fn a_sound_is_saved_once_and_over_no_other_file() {
        let path = std::env::temp_dir().join(format!("brownian-save-{}", std::process::id())).join("kick.wav");
        let take = crate::state::Patch::built_in().get(crate::engine::Place::Keys).unwrap().clone();
        save(&take, &path).unwrap();
        let refused = save(&take, &path).unwrap_err();
        let opened = Take::open(&path);
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
        assert!(refused.contains("is there already"), "{refused}");
        assert_eq!(opened.unwrap().sound(), take.sound());
    }

    #[test]
    fn names_of_files_are_plain() {
        assert_eq!(file_name("kick · seed 42"), "kick-42");
        assert_eq!(file_name("../../etc"), "etc");
        assert_eq!(file_name("///"), "sound");
    }
}
