use std::path::PathBuf;

/// Training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A field of the training's configuration.
    #[error("training configuration: {field} is {found}; need {needed}")]
    Config {
        /// Its name.
        field: &'static str,
        /// Its value.
        found: String,
        /// What would do.
        needed: &'static str,
    },
    /// The networks' shape does not fit the representation.
    #[error("training configuration: {0}")]
    Network(String),
    /// The folder already holds a training.
    #[error("{0} already holds a training; resume it with --resume, or choose another --name")]
    Exists(PathBuf),
    /// Nothing to resume.
    #[error("{0} holds no checkpoint to resume; start a training first")]
    NoCheckpoint(PathBuf),
    /// A checkpoint that cannot be used.
    #[error("checkpoint {path}: {problem}; need the checkpoint of an unbroken training of this version")]
    BadCheckpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Other sounds than the training began with.
    #[error(
        "the sounds have changed since the training in {0} began; bring the old ones back, or start a new training"
    )]
    OtherData(PathBuf),
    /// A student without a teacher.
    #[error("training configuration: objective is consistency, which needs a model to distil; see `brownian distill`")]
    NoTeacher,
    /// One stage by itself.
    #[error(
        "training configuration: learns is not all, which needs a model whose other stage stays: name it with --from"
    )]
    NoOtherStage,
    /// A model that the training cannot begin from.
    #[error(
        "model {model} has other networks than the configuration asks for; leave representation, envelope, unet and \
         dataset.sample_rate out of it, and the model's are taken"
    )]
    OtherNetworks {
        /// Its id.
        model: String,
    },
    /// A model is distilled with the classes that it knows.
    #[error("the folder's classes are {found}; model {model} has {need}: distil it with the sounds it was trained on")]
    OtherClasses {
        /// Its id.
        model: String,
        /// The folder's.
        found: String,
        /// The model's.
        need: String,
    },
    /// The loss left the numbers.
    #[error("the loss is no longer a number at step {step}; lower optimizer.learning_rate (now {learning_rate})")]
    Diverged {
        /// When.
        step: u64,
        /// The configured rate.
        learning_rate: f64,
    },
    /// A file of the training cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The picture of the curves.
    #[error("cannot draw {path}: {problem}")]
    Curves {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The threads of a training.
    #[error("cannot start {threads} training threads: {problem}")]
    Threads {
        /// How many.
        threads: usize,
        /// Why.
        problem: String,
    },
}
