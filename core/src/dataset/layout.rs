//! Which files a folder offers, and the class of each.

use super::manifest;
use crate::error::{DatasetError, Result};
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// Extensions that are taken for sounds, in lower case.
const EXTENSIONS: [&str; 11] = ["wav", "wave", "flac", "ogg", "oga", "mp3", "aif", "aiff", "aifc", "caf", "m4a"];

/// The part of a data set that a manifest puts a sound into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Part {
    /// Trained on.
    Train,
    /// Never trained on.
    HeldOut,
}

/// One file that should become an example.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Source {
    /// Relative to the root.
    pub path: PathBuf,
    pub class: String,
    pub pitch: Option<f32>,
    /// The manifest's group, if it tells one.
    pub group: Option<String>,
    /// The manifest's part; chance decides where it tells none.
    pub part: Option<Part>,
}

/// The sources of a folder, sorted by path, and the entries that cannot be used as they lie.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub sources: Vec<Source>,
    pub skipped: Vec<(PathBuf, String)>,
}

/// Read the manifest if there is one, else take sub-folders as classes.
pub(super) fn lay_out(root: &Path) -> Result<Layout> {
    if !root.is_dir() {
        return Err(DatasetError::NoFolder(root.to_owned()).into());
    }
    let manifest = root.join(manifest::FILE_NAME);
    if manifest.is_file() {
        return Ok(Layout { sources: manifest::read(&manifest)?, skipped: Vec::new() });
    }
    let mut layout = Layout::default();
    let files = sound_files(root, &mut layout.skipped);
    let has_classes = files.iter().any(|path| path.components().count() > 1);
    for path in files {
        match class_of(root, &path, has_classes) {
            Some(class) => layout.sources.push(Source { path, class, pitch: None, group: None, part: None }),
            None => layout.skipped.push((path, "lies beside the class folders; move it into one".into())),
        }
    }
    Ok(layout)
}

/// Every sound below `root`, relative to it and sorted; what cannot be listed goes to `skipped`.
fn sound_files(root: &Path, skipped: &mut Vec<(PathBuf, String)>) -> Vec<PathBuf> {
    let relative = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_owned();
    let mut files = Vec::new();
    for entry in WalkDir::new(root).follow_links(true).into_iter().filter_entry(|e| !is_hidden(e)) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && is_sound(entry.path()) => files.push(relative(entry.path())),
            Ok(_) => {}
            Err(error) => skipped.push((relative(error.path().unwrap_or(root)), format!("cannot be listed: {error}"))),
        }
    }
    files.sort();
    files
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.')
}

fn is_sound(path: &Path) -> bool {
    path.extension().is_some_and(|e| EXTENSIONS.contains(&e.to_string_lossy().to_lowercase().as_str()))
}

/// The first folder below the root; the root's own name where there are no folders at all.
fn class_of(root: &Path, path: &Path, has_classes: bool) -> Option<String> {
    let name = |component: &Path| component.file_name().map(|n| n.to_string_lossy().into_owned());
    if !has_classes {
        // Canonical, for a root such as "." has no name of its own.
        return Some(root.canonicalize().ok().and_then(|r| name(&r)).unwrap_or_else(|| "sounds".into()));
    }
    let top = path.components().next()?;
    (path.components().count() > 1).then(|| top.as_os_str().to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::Builder::new().prefix("sounds").tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        dir
    }

    #[test]
    fn the_first_folder_is_the_class_and_order_is_by_path() {
        let dir = folder(&["snare/b.WAV", "kick/old/a.flac", "kick/.hidden.wav", ".trash/x.wav", "kick/readme.txt"]);
        let layout = lay_out(dir.path()).unwrap();
        let found: Vec<_> = layout.sources.iter().map(|s| (s.path.to_str().unwrap(), s.class.as_str())).collect();
        assert_eq!(found, [("kick/old/a.flac", "kick"), ("snare/b.WAV", "snare")]);
        assert!(layout.skipped.is_empty());
    }

    #[test]
    fn a_sound_beside_class_folders_is_skipped_with_advice() {
        let layout = lay_out(folder(&["stray.wav", "kick/a.wav"]).path()).unwrap();
        assert_eq!(layout.sources.len(), 1);
        assert_eq!(layout.skipped[0].0, Path::new("stray.wav"));
        assert!(layout.skipped[0].1.contains("move it into one"));
    }

    #[test]
    fn a_flat_folder_is_one_class_named_after_it() {
        let dir = folder(&["a.wav", "b.wav", "notes/read.txt"]);
        let layout = lay_out(dir.path()).unwrap();
        let name = dir.path().file_name().unwrap().to_string_lossy().into_owned();
        assert!(layout.sources.iter().all(|s| s.class == name));
        assert_eq!(layout.sources.len(), 2);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = lay_out(Path::new("/no/such/place")).unwrap_err().to_string();
        assert!(error.starts_with("/no/such/place: no such folder"), "{error}");
    }
}
