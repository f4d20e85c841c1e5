use std::path::PathBuf;

/// Making a clip, or the file of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// Someone asked the render to stop.
    #[error("cancelled")]
    Cancelled,
    /// The model has no such class.
    #[error("unknown class \"{found}\"{hint}; model {model} has: {valid}")]
    UnknownClass {
        /// What was asked for.
        found: String,
        /// The model's id.
        model: String,
        /// The model's classes.
        valid: String,
        /// The nearest of them.
        hint: String,
    },
    /// There is no such attribute, or the model was not trained to follow it.
    #[error("unknown attribute \"{found}\"{hint}; {who}: {valid}")]
    UnknownAttribute {
        /// What was asked for.
        found: String,
        /// Whose attributes the valid ones are.
        who: String,
        /// The attributes that would do.
        valid: String,
        /// The nearest of them.
        hint: String,
    },
    /// The model was trained without pitch.
    #[error("model {model} does not follow pitch; leave the pitch out")]
    NoPitch {
        /// The model's id.
        model: String,
    },
    /// A number outside its range.
    #[error("{field} is {found}; need {need}")]
    OutOfRange {
        /// Which field of the request.
        field: String,
        /// Its value.
        found: String,
        /// The range.
        need: String,
    },
    /// The recipe is no JSON, lacks a field or has one too many.
    #[error("the recipe cannot be read: {reason}")]
    Recipe {
        /// The field and the problem.
        reason: String,
    },
    /// A file without a recipe, or one whose comment is something else.
    #[error("holds no recipe; need a file that Brownian wrote")]
    NoRecipe,
    /// A recipe, as a file holds it.
    #[error("{}: {source}", path.display())]
    InFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with its recipe.
        source: Box<GenerateError>,
    },
    /// The recipe was written by another version of this program.
    #[error("the recipe has version {found}; this build reads up to {need}")]
    RecipeVersion {
        /// The version in the recipe, as it stands there.
        found: String,
        /// The newest version that this build reads.
        need: u32,
    },
    /// The recipe belongs to another model.
    #[error("the recipe was made by model {need}; this is {found}: only the same model makes the same sound")]
    OtherModel {
        /// Id and hash of the session's model.
        found: String,
        /// Id and hash in the recipe.
        need: String,
    },
    /// A file that an edit starts from holds another sound than when the recipe was made.
    #[error("{}: holds another sound ({found}) than the recipe was made from; need the file with SHA-256 {need}…", path.display())]
    OtherSound {
        /// Which file.
        path: PathBuf,
        /// The first letters of the hash of what it holds.
        found: String,
        /// The first letters of the hash in the recipe.
        need: String,
    },
    /// A file that an edit starts from holds nothing to start from.
    #[error("{}: is silent; need a sound", path.display())]
    SilentFile {
        /// Which file.
        path: PathBuf,
    },
    /// A recipe is text, so the paths in it are.
    #[error("{}: a recipe cannot keep a path that is no Unicode text; rename the file", path.display())]
    PathNotText {
        /// Which file.
        path: PathBuf,
    },
    /// What inpainting shall replace is no part of the sound, or too much of it.
    #[error("mask {start}..{end} s of {}: {reason}", path.display())]
    Mask {
        /// Seconds.
        start: f64,
        /// Seconds.
        end: f64,
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, and what is needed.
        reason: String,
    },
    /// Edits that exclude each other.
    #[error("{first} and {second} exclude each other; leave one out")]
    EditsExclude {
        /// What one is called.
        first: &'static str,
        /// What the other is called.
        second: &'static str,
    },
    /// The network gave infinities or NaNs.
    #[error("model {model} gave samples that are not finite for seed {seed}; lower the guidance or retrain the model")]
    NotFinite {
        /// The model's id.
        model: String,
        /// The seed.
        seed: u64,
    },
    /// No such device in this build or on this machine.
    #[error("device {found} is not to be had: {reason}; use auto or cpu")]
    Device {
        /// What was asked for.
        found: String,
        /// Why not.
        reason: String,
    },
    /// The threads could not be started.
    #[error("cannot start {threads} threads: {source}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// Why not.
        source: rayon::ThreadPoolBuildError,
    },
}
