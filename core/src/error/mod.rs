//! [`Error`]: one variant per module's error.
//!
//! Every message names the object, what was found, what is needed, and where there is one the next move.

mod audio;
mod dataset;
mod diffusion;
mod evaluate;
mod generate;
mod model;
mod representation;
mod suggest;
mod train;

pub use audio::AudioError;
pub use dataset::DatasetError;
pub use diffusion::DiffusionError;
pub use evaluate::EvaluateError;
pub use generate::GenerateError;
pub use model::ModelError;
pub use representation::RepresentationError;
pub use suggest::{did_you_mean, nearest};
pub use train::TrainError;

/// What any function of this crate can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading, writing or converting sound.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// Scanning a folder of sounds.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Noise schedules and samplers.
    #[error(transparent)]
    Diffusion(#[from] DiffusionError),
    /// Measuring a model.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// Making a clip.
    #[error(transparent)]
    Generate(#[from] GenerateError),
    /// Reading, checking or writing a model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Turning sound into what the network sees, and back.
    #[error(transparent)]
    Representation(#[from] RepresentationError),
    /// Training.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A tensor operation; from candle, always a fault of ours or of the device.
    #[error("tensor operation: {0}")]
    Tensor(#[from] candle_core::Error),
}

/// [`std::result::Result`] with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
