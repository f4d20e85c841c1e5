//! What to make: class, pitch and attributes, and the null condition; and the vector that tells it to the network.

mod blend;
mod embedding;

pub use blend::Blend;
pub use embedding::ConditionEmbedding;

use serde::{Deserialize, Serialize};

/// Values of a condition, one for each [`Attribute::place`].
pub const NUM_PLACES: usize = 5;

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
    /// Of a texture: how evenly sound fills the time, from single events to a continuous wash.
    Density,
    /// Of a texture: how far its levels wander over a second.
    Movement,
}

impl Attribute {
    /// Every attribute.
    pub const ALL: [Self; 7] =
        [Self::Brightness, Self::Decay, Self::Attack, Self::Noisiness, Self::Loudness, Self::Density, Self::Movement];
    /// Those of sounds that begin and end, in the order that conditions hold them.
    pub const ONE_SHOT: [Self; 5] = [Self::Brightness, Self::Decay, Self::Attack, Self::Noisiness, Self::Loudness];
    /// Those of textures, in that order. The loudness of a texture is its listener's.
    pub const TEXTURE: [Self; 4] = [Self::Brightness, Self::Density, Self::Movement, Self::Noisiness];

    /// Where conditions hold it, below [`NUM_PLACES`]. A sound that neither begins nor ends has density where others have
    /// a decay, and movement where they have an attack: no model has both.
    pub fn place(self) -> usize {
        match self {
            Self::Brightness => 0,
            Self::Decay | Self::Density => 1,
            Self::Attack | Self::Movement => 2,
            Self::Noisiness => 3,
            Self::Loudness => 4,
        }
    }

    /// The name that users type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brightness => "brightness",
            Self::Decay => "decay",
            Self::Attack => "attack",
            Self::Noisiness => "noisiness",
            Self::Loudness => "loudness",
            Self::Density => "density",
            Self::Movement => "movement",
        }
    }
}

/// What to make. Everything absent is the null condition: "any sound".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    /// Index into the model's classes.
    pub class: Option<usize>,
    /// One value in 0..=1 for each [`Attribute::place`], where given.
    pub attributes: [Option<f32>; NUM_PLACES],
    /// MIDI note number, fractional.
    pub pitch: Option<f32>,
}
