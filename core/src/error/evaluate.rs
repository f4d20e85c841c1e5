use std::path::PathBuf;

/// Measuring a model against recordings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// The recordings' classes are not the model's.
    #[error("the classes of {} are {found}; model {model} has {need}: evaluate it with sounds of the same classes", path.display())]
    OtherClasses {
        /// The folder.
        path: PathBuf,
        /// Its classes.
        found: String,
        /// The model's id.
        model: String,
        /// The model's classes.
        need: String,
    },
    /// The split leaves nothing that the model did not train on.
    #[error(
        "{}: none of {sounds} sounds is held out; need more sources, or --unseen where the model heard none of them",
        path.display()
    )]
    NothingHeldOut {
        /// The folder.
        path: PathBuf,
        /// Its usable sounds.
        sounds: usize,
    },
    /// Two models whose sounds cannot be compared one by one.
    #[error("model {model} and its teacher {teacher} differ in {what}; need two models of the same sounds")]
    OtherTeacher {
        /// The model's id.
        model: String,
        /// The other's.
        teacher: String,
        /// In what.
        what: &'static str,
    },
    /// A model whose attacks cannot be measured.
    #[error(
        "model {model} is asked for no attack, or tells of attacks already; need a model of sounds that begin, without them"
    )]
    NoAttack {
        /// The model's id.
        model: String,
    },
    /// A model that makes no notes.
    #[error("model {model} makes no notes; need one that sees the partials of a pitch")]
    NoNotes {
        /// The model's id.
        model: String,
    },
    /// A number out of its range.
    #[error("{field} is {found}; need {need}")]
    Setting {
        /// Which.
        field: &'static str,
        /// Its value.
        found: u64,
        /// Its range.
        need: &'static str,
    },
    /// A folder for the sounds cannot be made.
    #[error("{}: cannot create: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}
