//! [`Card`]: who a model is, what made it, and everything that rebuilds its shape.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::attack::AttackScale;
use crate::conditioning::Attribute;
use crate::representation::{EnvelopeConfig, RepresentationConfig};
use crate::unet::UnetConfig;

/// The version of the file format that this build writes and reads.
pub const FORMAT: u32 = 1;

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
    /// SHA-256 of the rest of the card and of the tensors, hex; filled on save, checked on load.
    pub hash: String,
}

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
    /// Whether the fine stage sees where the partials of the pitch lie. Such a model makes no sound without a pitch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partials: bool,
    /// MIDI notes, falling: below the first the networks see a note an octave higher and twice as fast, below the second two
    /// octaves and four times as fast.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raise_below: Vec<f32>,
    /// What each class's attacks are in seconds, in index order: sounds are made to rise in the time that is asked for. Empty
    /// where it is not known; the networks alone follow then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attacks: Vec<AttackScale>,
    /// How far levels wander in the recordings of each class, in dB, in index order: the notes of a class whose levels stand start
    /// from noise without its slow part. Empty where it is not known; the noise is white then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanders: Vec<f32>,
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
    /// How this stage is sampled, whatever is asked of the other; absent: as that. A student, whose fine stage needs few
    /// steps, has its teacher's envelope stage, which needs more of them but is small.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling: Option<StageSampling>,
}

/// Sampler, steps and guidance of one stage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageSampling {
    /// Which sampler.
    pub sampler: crate::diffusion::Sampler,
    /// Steps, 1..=1000.
    pub steps: usize,
    /// Classifier-free guidance scale, 0..=20; 1 is none.
    pub guidance: f64,
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
    /// Of textures: factor on the slow part of the noise that they start from, and its inverse on the mean; 1 is white.
    #[serde(default = "white", skip_serializing_if = "is_white")]
    pub drift: f64,
    /// Of textures: the brightness, 0.1..=0.9, that is meant where the middle is asked for, or none, since networks may make sounds
    /// darker than they are told; 0.5 means what is asked.
    #[serde(default = "middle", skip_serializing_if = "is_middle")]
    pub brightness: f64,
}

fn white() -> f64 {
    1.0
}

fn middle() -> f64 {
    0.5
}

fn is_middle(brightness: &f64) -> bool {
    *brightness == middle()
}

fn is_white(drift: &f64) -> bool {
    *drift == white()
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
