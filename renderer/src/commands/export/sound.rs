//! [`Sound`]: what a preset must know of a file.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use brownian_core::audio::read_info;
use brownian_core::generate::FileRecipe;

/// A sound file, seen from the preset's folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// With `/` between its parts, as presets want it.
    pub path: String,
    /// Of the recipe; without one, the file's name up to its number.
    pub class: String,
    /// The recipe's pitch or the file's root key, MIDI.
    pub pitch: Option<f32>,
    /// Frames that repeat, the second one exclusive.
    pub loop_frames: Option<(u32, u32)>,
}

/// The sounds that were named and those in folders that were named, in order of their names.
///
/// # Errors
/// A file or folder that cannot be read.
pub fn read_all(paths: &[PathBuf], folder: &Path) -> Result<Vec<Sound>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let entries = path.read_dir().with_context(|| format!("cannot read the folder {}", path.display()))?;
            let found = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| is_sound(path));
            files.extend(found);
        } else {
            files.push(path.clone());
        }
    }
    files.sort();
    files.dedup();
    files.iter().map(|file| Sound::read(file, folder)).collect()
}

fn is_sound(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    matches!(extension.as_str(), "wav" | "flac")
}

impl Sound {
    fn read(path: &Path, folder: &Path) -> Result<Self> {
        let info = read_info(path)?;
        let recipe = FileRecipe::read(path).ok().map(|file| file.recipe);
        let pitch = recipe.as_ref().and_then(|recipe| recipe.pitch).or(info.root_key.map(f32::from));
        let class = recipe.and_then(|recipe| recipe.class).unwrap_or_else(|| class_in_name(path));
        Ok(Self { path: seen_from(path, folder)?, class, pitch, loop_frames: info.loop_frames })
    }
}

/// `kick_000042.wav` is a kick.
fn class_in_name(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let class = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '_' | '-' | ' ' | '.'));
    if class.is_empty() { name.clone() } else { class.to_owned() }
}

/// The way from a folder to a file.
fn seen_from(path: &Path, folder: &Path) -> Result<String> {
    let full = |path: &Path| path.canonicalize().with_context(|| format!("cannot find {}", path.display()));
    let (path, folder) = (full(path)?, full(folder)?);
    let shared = path.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    let way = up.chain(path.components().skip(shared));
    Ok(way.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_recipe_is_what_its_name_says() {
        for (name, class) in [("kick_000042.wav", "kick"), ("Open-Hat 3.wav", "open-hat"), ("01.wav", "01")] {
            assert_eq!(class_in_name(Path::new(name)), class);
        }
    }

    #[test]
    fn a_preset_finds_its_sounds_from_its_own_folder() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("a/presets")).unwrap();
        std::fs::create_dir_all(root.path().join("a/sounds")).unwrap();
        let sound = root.path().join("a/sounds/kick 1.wav");
        std::fs::write(&sound, b"x").unwrap();
        assert_eq!(seen_from(&sound, &root.path().join("a/presets")).unwrap(), "../sounds/kick 1.wav");
        assert_eq!(seen_from(&sound, &root.path().join("a/sounds")).unwrap(), "kick 1.wav");
    }
}
