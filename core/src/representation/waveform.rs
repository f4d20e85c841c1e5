//! Waveform: the samples themselves, `patch` of them side by side in a frame.

use super::{Frames, Representation};
use crate::error::Result;
use crate::noise::NoiseStream;

/// Frame `n` holds samples `n * patch..(n + 1) * patch`; the unit is the sample's own. Inverts exactly.
pub(crate) struct Waveform {
    num_samples: usize,
    patch: usize,
}

impl Waveform {
    /// The parameters are checked by the configuration that builds it.
    pub fn new(num_samples: usize, patch: usize) -> Self {
        Self { num_samples, patch }
    }
}

impl Representation for Waveform {
    fn num_samples(&self) -> usize {
        self.num_samples
    }

    fn num_frames(&self) -> usize {
        self.num_samples / self.patch
    }

    fn num_channels(&self) -> usize {
        self.patch
    }

    fn encode(&self, samples: &[f32]) -> Result<Frames> {
        self.check_samples(samples)?;
        Ok(Frames { data: samples.to_vec(), num_frames: self.num_frames(), num_channels: self.patch })
    }

    fn decode(&self, frames: &Frames, _noise: &mut NoiseStream) -> Result<Vec<f32>> {
        self.check_frames(frames)?;
        Ok(frames.data.clone())
    }

    fn known_frames(&self, known: &[bool]) -> Vec<bool> {
        known.chunks_exact(self.patch).map(|patch| patch.iter().all(|&known| known)).collect()
    }
}
