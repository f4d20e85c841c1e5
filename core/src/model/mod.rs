//! A trained family: the card, the networks, the maps; one `.safetensors` file.
// H7 owns this module (card, file, registry); stage.rs is the lead's.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::conditioning::Attribute;
use crate::error::Result;
use crate::representation::{EnvelopeConfig, EnvelopeGrid, Maps, Representation, RepresentationConfig};
use crate::unet::UnetConfig;

mod stage;
pub use stage::Stage;

/// The version of the file format that this build writes and reads.
pub const FORMAT: u32 = 1;

/// Everything that rebuilds a model's shape: stored in its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Hz.
    pub sample_rate: u32,
    /// What the networks see.
    pub representation: RepresentationConfig,
    /// Class names, in index order.
    pub classes: Vec<String>,
    /// Attributes the model was trained to follow.
    pub attributes: Vec<Attribute>,
    /// Whether it was trained with pitch.
    pub pitch: bool,
    /// The first stage, if the sound's envelope is generated before its fine structure.
    pub envelope: Option<EnvelopeStageConfig>,
    /// The network of the only or second stage.
    pub unet: UnetConfig,
    /// What `render` takes where the user says nothing.
    pub sampling: SamplingDefaults,
}

/// The envelope stage: its grid and its network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeStageConfig {
    /// The grid.
    pub grid: EnvelopeConfig,
    /// The network over the grid: frames = columns, channels = bands.
    pub unet: UnetConfig,
}

/// Sampler, steps and noise range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplingDefaults {
    /// Which sampler.
    pub sampler: crate::diffusion::Sampler,
    /// Steps, at least 1.
    pub steps: usize,
    /// Classifier-free guidance scale; 1 is none.
    pub guidance: f64,
    /// Smallest sigma of the schedule.
    pub sigma_min: f64,
    /// Largest sigma of the schedule.
    pub sigma_max: f64,
}

/// A source of training data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSource {
    /// Name of the collection.
    pub name: String,
    /// Licence (SPDX where there is one).
    pub licence: String,
    /// Whom to credit.
    pub attribution: String,
    /// How many sounds of it were used.
    pub sounds: usize,
}

/// The model card: who the model is, what made it, what it can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// [`FORMAT`].
    pub format: u32,
    /// Short id: lower case letters, digits and dashes.
    pub id: String,
    /// One line for people.
    pub description: String,
    /// The shape.
    pub config: ModelConfig,
    /// Training data with licences.
    pub sources: Vec<DataSource>,
    /// Figures of the training: steps, examples, hours, held-out losses; free keys.
    pub training: BTreeMap<String, serde_json::Value>,
    /// SHA-256 of the tensors, hex; filled on save, checked on load.
    pub hash: String,
}

/// The envelope stage of a loaded model.
pub struct EnvelopePart {
    /// The grid.
    pub grid: EnvelopeGrid,
    /// Normalisation of the grid's cells, by class.
    pub maps: Maps,
    /// The network.
    pub stage: Stage,
}

/// A loaded model, ready to denoise.
pub struct Model {
    /// Its card.
    pub card: Card,
    /// Sound <-> frames.
    pub representation: Box<dyn Representation>,
    /// The envelope stage, if it has one.
    pub envelope: Option<EnvelopePart>,
    /// Normalisation of the fine stage: by class without an envelope stage, global (of the residual) with one.
    pub maps: Maps,
    /// The fine (or only) stage.
    pub fine: Stage,
}

impl Model {
    /// Load and check a model file.
    ///
    /// # Errors
    /// By name: not a model, truncated, unknown format or field, a tensor missing or of another shape, a wrong hash.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        let _ = (path, device);
        unimplemented!("H7")
    }

    /// As [`Model::load`], from memory; `name` appears in errors.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn from_bytes(name: &str, bytes: &[u8], device: &Device) -> Result<Self> {
        let _ = (name, bytes, device);
        unimplemented!("H7")
    }
}

/// Write a model file (f16 tensors, card in the metadata) through a temporary file and a rename.
///
/// `tensors` holds `fine.*` and `envelope.*` (network parameters) and the maps as `maps.mean.N`, `maps.std.N`,
/// `envelope_maps.mean.N`, `envelope_maps.std.N` with N a class index or `all`. Returns the card with its hash.
///
/// # Errors
/// The file cannot be written.
pub fn save(path: &Path, card: &Card, tensors: &BTreeMap<String, Tensor>) -> Result<Card> {
    let _ = (path, card, tensors);
    unimplemented!("H7")
}
