//! What to make: class, pitch and attributes, and the null condition; and the vector that tells it to the network.

mod blend;
mod embedding;

pub use blend::Blend;
pub use embedding::ConditionEmbedding;

use serde::{Deserialize, Serialize};

/// A number in 0..=1 that users turn: the percentile of a measured property among the training sounds of the
/// class, so that every class has the whole range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attribute {
    /// Spectral centroid, on a log-frequency axis.
    Brightness,
    /// Time until the level stays 40 dB below its peak.
    Decay,
    /// Time from onset to peak.
    Attack,
    /// Spectral flatness: 0 is tonal, 1 is noise.
    Noisiness,
    /// Loudness at peak-normalised level.
    Loudness,
}

impl Attribute {
    /// Every attribute, in the order that conditions hold them.
    pub const ALL: [Self; 5] = [Self::Brightness, Self::Decay, Self::Attack, Self::Noisiness, Self::Loudness];

    /// The name that users type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brightness => "brightness",
            Self::Decay => "decay",
            Self::Attack => "attack",
            Self::Noisiness => "noisiness",
            Self::Loudness => "loudness",
        }
    }
}

/// What to make. Everything absent is the null condition: "any sound".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    /// Index into the model's classes.
    pub class: Option<usize>,
    /// One value in 0..=1 for each of [`Attribute::ALL`], where given.
    pub attributes: [Option<f32>; 5],
    /// MIDI note number, fractional.
    pub pitch: Option<f32>,
}
