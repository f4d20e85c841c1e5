use std::path::PathBuf;

/// Scanning a folder of sounds.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The root is missing or is not a folder.
    #[error("{}: no such folder; name a folder whose sub-folders each hold the sounds of one class", .0.display())]
    NoFolder(PathBuf),
    /// The folder holds no file with a sound's extension.
    #[error("{}: no sound files found; need at least one .wav, .flac, .ogg, .mp3 or .aiff file", .0.display())]
    NoSounds(PathBuf),
    /// Files were there, and none became an example.
    #[error(
        "{}: none of {found} sound files is usable (first: {}: {reason}); need one readable, audible sound of 10 ms or more",
        root.display(),
        first.display()
    )]
    NoneUsable {
        /// The folder.
        root: PathBuf,
        /// How many sound files it holds.
        found: usize,
        /// The first of them.
        first: PathBuf,
        /// Why that one is unusable.
        reason: String,
    },
    /// The manifest cannot be read or says something impossible.
    #[error("{}: {problem}; need the columns path,class,pitch,group,part (all but the first two may be empty or absent)", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong, with its line.
        problem: String,
    },
    /// A manifest holds out all that there is of a class.
    #[error("class {class}: the manifest holds out every sound of it; need one to train on")]
    NothingToTrainOn {
        /// The class.
        class: String,
    },
    /// A setting out of its range.
    #[error("{field} is {found}; need {needed}")]
    Setting {
        /// Which field of the configuration.
        field: &'static str,
        /// Its value.
        found: String,
        /// Its range.
        needed: &'static str,
    },
    /// Stored attribute tables that cannot be used.
    #[error("attribute scale: {0}; need 5 ascending tables of at least 2 finite values")]
    Scale(String),
}
