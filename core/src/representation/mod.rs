//! What the network sees instead of samples, and the way back.
//!
//! A [`Representation`] turns one channel of sound into [`Frames`] and back; [`Maps`] and [`EnvelopeGrid`] bring frames
//! to unit variance.
// H2 owns this module. Signatures others rely on:

use crate::error::Result;
use crate::noise::NoiseStream;

/// A matrix of `num_frames` rows (time) by `num_channels` columns (bins or samples of a patch), row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Frames {
    /// `num_frames * num_channels` values, time-major.
    pub data: Vec<f32>,
    /// Rows: time.
    pub num_frames: usize,
    /// Columns: bins.
    pub num_channels: usize,
}

impl Frames {
    /// All zero.
    pub fn zeros(num_frames: usize, num_channels: usize) -> Self {
        Self { data: vec![0.0; num_frames * num_channels], num_frames, num_channels }
    }
}

/// One channel of sound of a fixed length <-> [`Frames`].
///
/// Values are in the representation's own unit (dB for `log-magnitude`); unit variance comes from [`Maps`] or
/// [`EnvelopeGrid`].
pub trait Representation: Send + Sync {
    /// Samples of the clips it takes and gives.
    fn num_samples(&self) -> usize;
    /// Rows of the frames.
    fn num_frames(&self) -> usize;
    /// Columns of the frames.
    fn num_channels(&self) -> usize;
    /// Sound to frames. `samples` has `num_samples` values.
    ///
    /// # Errors
    /// Another length.
    fn encode(&self, samples: &[f32]) -> Result<Frames>;
    /// Frames to sound. `noise` gives phases where the frames say nothing of them.
    ///
    /// # Errors
    /// Another shape.
    fn decode(&self, frames: &Frames, noise: &mut NoiseStream) -> Result<Vec<f32>>;
}

/// Which representation, with its parameters; `num_samples` long clips.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum RepresentationConfig {
    /// `patch` consecutive samples are the channels.
    Waveform {
        /// Samples of a clip; a multiple of `patch`.
        num_samples: usize,
        /// Samples in a frame.
        patch: usize,
    },
    /// The complex STFT (root-Hann, hop n_fft/2, circular), companded: |z|^exponent e^(j phi); n_fft channels.
    ComplexStft {
        /// Samples of a clip.
        num_samples: usize,
        /// Window and FFT length in samples.
        n_fft: usize,
        /// Companding exponent, 0..=1 (1: none).
        exponent: f32,
    },
    /// dB magnitudes of a Gaussian-window STFT, phases by PGHI and fast Griffin-Lim; n_fft/2 channels (Nyquist dropped).
    LogMagnitude {
        /// Samples of a clip; a multiple of `hop_length`.
        num_samples: usize,
        /// Window and FFT length in samples.
        n_fft: usize,
        /// Samples between columns.
        hop_length: usize,
        /// dB relative to a full-scale sine below which all is silence (-100).
        floor_db: f32,
        /// Rounds of fast Griffin-Lim after PGHI (0..=32).
        refinements: usize,
    },
}

impl RepresentationConfig {
    /// The representation itself, with its FFTs planned.
    ///
    /// # Errors
    /// A parameter out of range, by name.
    pub fn build(&self) -> Result<Box<dyn Representation>> {
        unimplemented!("H2")
    }
}

/// Mean and standard deviation of every cell, for each class and over all: brings frames to zero mean, unit variance.
#[derive(Clone, Debug, PartialEq)]
pub struct Maps {
    /// One mean for each class, then the global one.
    pub mean: Vec<Frames>,
    /// One standard deviation for each class, then the global one; every value > 0.
    pub std: Vec<Frames>,
}

/// How [`Maps::fit`] smooths.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MapsConfig {
    /// Smallest standard deviation, in the representation's unit (dB).
    pub std_floor: f32,
    /// Odd width of the smoothing over channels.
    pub smooth_channels: usize,
    /// Odd width of the smoothing over frames.
    pub smooth_frames: usize,
    /// How many examples the global map counts for in a class's map.
    pub shrink: f32,
}

impl Default for MapsConfig {
    fn default() -> Self {
        Self { std_floor: 3.0, smooth_channels: 9, smooth_frames: 7, shrink: 4.0 }
    }
}

impl Maps {
    /// Fit on examples of `(class, frames)`; all of one shape; `class < num_classes`.
    ///
    /// # Errors
    /// No example, or unequal shapes.
    pub fn fit<'a>(
        examples: impl Iterator<Item = (usize, &'a Frames)>,
        num_classes: usize,
        config: &MapsConfig,
    ) -> Result<Self> {
        let _ = (examples.count(), num_classes, config);
        unimplemented!("H2")
    }

    /// `(x - mean) / std` in place; `None` takes the global map.
    pub fn normalise(&self, class: Option<usize>, frames: &mut Frames) {
        let _ = (class, frames);
        unimplemented!("H2")
    }

    /// `x * std + mean` in place.
    pub fn denormalise(&self, class: Option<usize>, frames: &mut Frames) {
        let _ = (class, frames);
        unimplemented!("H2")
    }
}

/// The coarse grid of an envelope: `columns` in time, `bands` in frequency.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeConfig {
    /// Time columns, narrow at the onset and wider after it (geometric).
    pub columns: usize,
    /// Frequency bands, narrow at the bottom (about mel-spaced, at least one bin each).
    pub bands: usize,
}

/// A sound's smooth outline in time and frequency: what is generated first.
#[derive(Clone, Debug)]
pub struct EnvelopeGrid {
    // H2: edges and interpolation weights
}

impl EnvelopeGrid {
    /// Plan the grid over frames of this shape.
    ///
    /// # Errors
    /// More columns than frames or more bands than channels.
    pub fn new(num_frames: usize, num_channels: usize, config: &EnvelopeConfig) -> Result<Self> {
        let _ = (num_frames, num_channels, config);
        unimplemented!("H2")
    }

    /// Mean of every cell, in dB: `columns` rows by `bands` columns.
    pub fn extract(&self, frames: &Frames) -> Frames {
        let _ = frames;
        unimplemented!("H2")
    }

    /// Bilinear interpolation between cell centres, back to the full shape.
    pub fn expand(&self, envelope: &Frames) -> Frames {
        let _ = envelope;
        unimplemented!("H2")
    }
}
