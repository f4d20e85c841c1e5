//! Where clips go: a folder, or one file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use brownian_core::generate::{FileFormat, Recipe};

use crate::names;

/// Where clips go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Files named by class and seed in this folder.
    Folder(PathBuf),
    /// The file of a single clip.
    File(PathBuf),
}

impl Target {
    /// What `--out` means: a path that ends in `.wav` or `.flac` is a file, any other a folder.
    ///
    /// # Errors
    /// A file for several clips, or a file of a kind that is not written.
    pub fn new(out: &Path, count: u64) -> Result<Self> {
        match extension(out).as_str() {
            _ if out.is_dir() => Ok(Self::Folder(out.into())),
            "wav" | "flac" => {
                ensure!(count == 1, "--out {} is one file for {count} clips; give a folder", out.display());
                Ok(Self::File(out.into()))
            }
            "mp3" | "ogg" | "aif" | "aiff" | "opus" | "m4a" => {
                bail!("--out {}: only WAV and FLAC are written; end the name in .wav or .flac", out.display())
            }
            _ => Ok(Self::Folder(out.into())),
        }
    }

    /// Whether a file of this format may go there: the name of a single file tells its format.
    pub fn fits(&self, format: FileFormat) -> bool {
        match self {
            Self::Folder(_) => true,
            Self::File(path) => extension(path) == format.extension(),
        }
    }

    /// The file of a clip.
    pub fn path(&self, recipe: &Recipe, format: FileFormat) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Folder(folder) => {
                let kind = recipe.class.as_deref().unwrap_or(&recipe.model);
                folder.join(names::clip_file(
                    kind,
                    recipe.seed,
                    recipe.edit.vary.map(|vary| vary.seed),
                    format.extension(),
                ))
            }
        }
    }

    /// Make the folder and see that it can be written, before anything is rendered.
    ///
    /// # Errors
    /// It cannot.
    pub fn prepare(&self) -> Result<()> {
        let folder = match self {
            Self::Folder(folder) => folder,
            Self::File(path) => path.parent().unwrap_or(Path::new("")),
        };
        // `kick.wav` has the parent "", which is here.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        tempfile::tempfile_in(folder).with_context(|| format!("cannot write into the folder {}", folder.display()))?;
        Ok(())
    }
}

/// In lower case, without the dot.
fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// Refuse to replace files unless `force`.
///
/// # Errors
/// Names the first file that is there already, and the flag that replaces it.
pub fn check_free<'a>(paths: impl Iterator<Item = &'a Path>, force: bool) -> Result<()> {
    if force {
        return Ok(());
    }
    let taken: Vec<&Path> = paths.filter(|path| path.exists()).collect();
    match taken.as_slice() {
        [] => Ok(()),
        [one] => bail!("{} is there already; --force replaces it", one.display()),
        [first, rest @ ..] => {
            bail!("{} and {} more files are there already; --force replaces them", first.display(), rest.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_is_a_file_and_all_else_a_folder() {
        assert_eq!(Target::new(Path::new("a/kick.WAV"), 1).unwrap(), Target::File("a/kick.WAV".into()));
        assert_eq!(Target::new(Path::new("v1.2"), 9).unwrap(), Target::Folder("v1.2".into()));
        assert!(Target::new(Path::new("kick.wav"), 2).is_err());
        assert!(Target::new(Path::new("kick.mp3"), 1).is_err());
    }

    #[test]
    fn the_name_of_a_file_tells_its_format() {
        let fits = |target: &Target| {
            use FileFormat::{Flac, Wav16, Wav24, Wav32f};
            [Wav16, Wav24, Wav32f, Flac].map(|f| target.fits(f))
        };
        assert_eq!(fits(&Target::File("a.WAV".into())), [true, true, true, false]);
        assert_eq!(fits(&Target::File("a.flac".into())), [false, false, false, true]);
        assert_eq!(fits(&Target::Folder("a.flac".into())), [true; 4]);
    }

    #[test]
    fn files_that_are_there_are_named_with_the_flag_that_replaces_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        assert!(check_free([path.as_path()].into_iter(), false).is_ok());
        std::fs::write(&path, b"x").unwrap();
        let error = check_free([path.as_path()].into_iter(), false).unwrap_err().to_string();
        assert!(error.contains("a.wav") && error.contains("--force"), "{error}");
        assert!(check_free([path.as_path()].into_iter(), true).is_ok());
    }
}
