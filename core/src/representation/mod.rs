//! What the network sees instead of samples, and the way back.
//!
//! A [`Representation`] turns one channel of sound into [`Frames`] and back; [`Maps`] and [`EnvelopeGrid`] bring frames
//! to unit variance.

mod complex_stft;
mod config;
mod envelope;
mod griffin_lim;
mod lobes;
mod log_magnitude;
mod maps;
mod partials;
mod phase;
mod polar;
mod raised;
#[cfg(test)]
mod tests;
mod waveform;

pub use config::RepresentationConfig;
pub use envelope::{EnvelopeConfig, EnvelopeGrid};
pub use lobes::Lobes;
pub use maps::{Maps, MapsConfig};
pub use partials::Partials;

use crate::error::RepresentationError;
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

    /// The frames whose number `n` is number `places[n]` of these.
    ///
    /// # Panics
    /// If a place is beyond the frames.
    #[must_use]
    pub fn at_places(&self, places: &[usize]) -> Self {
        let row = |&place: &usize| &self.data[place * self.num_channels..][..self.num_channels];
        let data = places.iter().flat_map(row).copied().collect();
        Self { data, num_frames: places.len(), num_channels: self.num_channels }
    }

    /// Whether the shape is this one and `data` has as many values as it says.
    ///
    /// # Errors
    /// [`RepresentationError::Shape`] if not.
    pub fn check_shape(&self, num_frames: usize, num_channels: usize) -> Result<()> {
        let is_full = self.data.len() == num_frames * num_channels;
        if (self.num_frames, self.num_channels) == (num_frames, num_channels) && is_full {
            return Ok(());
        }
        Err(RepresentationError::Shape {
            found_frames: self.num_frames,
            found_channels: self.num_channels,
            found_values: self.data.len(),
            frames: num_frames,
            channels: num_channels,
        }
        .into())
    }
}

/// One channel of sound of a fixed length <-> [`Frames`].
///
/// Values are in the representation's own unit (dB for `log-magnitude`); unit variance comes from [`Maps`] or
/// [`EnvelopeGrid`]. Both ways are deterministic and may run on many threads at once.
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

    /// For each frame whether it depends on known samples alone; `known` has a flag for each of `num_samples`.
    fn known_frames(&self, known: &[bool]) -> Vec<bool>;

    /// As [`Representation::decode`], of a sound whose `samples` are known where `known` says so: what lies between fits
    /// them as well as the frames allow. Known samples may come out changed.
    ///
    /// # Errors
    /// Another shape.
    fn decode_around(
        &self,
        frames: &Frames,
        noise: &mut NoiseStream,
        _samples: &[f32],
        _known: &[bool],
    ) -> Result<Vec<f32>> {
        self.decode(frames, noise)
    }

    /// As [`Representation::decode`], for a sound whose first samples, `known`, exist already: what follows them continues
    /// them in phase. The result begins with samples like `known`, though not the same: cross-fade near their end.
    ///
    /// # Errors
    /// Another shape.
    fn decode_after(&self, _known: &[f32], frames: &Frames, noise: &mut NoiseStream) -> Result<Vec<f32>> {
        self.decode(frames, noise)
    }

    /// Samples on either side of a frame's centre that it tells of.
    fn reach(&self) -> usize {
        0
    }

    /// Whether a clip has the length that [`Representation::encode`] takes.
    ///
    /// # Errors
    /// [`RepresentationError::Length`] if not.
    fn check_samples(&self, samples: &[f32]) -> Result<()> {
        let (found, need) = (samples.len(), self.num_samples());
        if found == need { Ok(()) } else { Err(RepresentationError::Length { found, need }.into()) }
    }

    /// Whether frames have the shape that [`Representation::decode`] takes.
    ///
    /// # Errors
    /// [`RepresentationError::Shape`] if not.
    fn check_frames(&self, frames: &Frames) -> Result<()> {
        frames.check_shape(self.num_frames(), self.num_channels())
    }
}
