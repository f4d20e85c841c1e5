//! [`Clip`]: some channels of samples at one rate.

use crate::error::Result;

/// Sound in memory: planar `f32` samples, nominally in -1..=1, at one sample rate.
///
/// Always at least one channel, and all channels equally long.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    channels: Vec<Vec<f32>>,
    sample_rate: u32,
}

impl Clip {
    /// A clip of these channels at `sample_rate` Hz.
    ///
    /// # Errors
    /// No channel, channels of unequal length, or a rate of 0.
    pub fn new(channels: Vec<Vec<f32>>, sample_rate: u32) -> Result<Self> {
        // H1: checks and AudioError variants
        Ok(Self { channels, sample_rate })
    }

    /// One channel.
    ///
    /// # Errors
    /// A rate of 0.
    pub fn mono(samples: Vec<f32>, sample_rate: u32) -> Result<Self> {
        Self::new(vec![samples], sample_rate)
    }

    /// The channels, each a slice of samples.
    pub fn channels(&self) -> &[Vec<f32>] {
        &self.channels
    }

    /// The channels, to edit in place (lengths stay as they are: slices, not vectors).
    pub fn channels_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.channels.iter_mut().map(Vec::as_mut_slice)
    }

    /// How many channels, at least 1.
    pub fn num_channels(&self) -> usize {
        self.channels.len()
    }

    /// Length in frames (one sample of every channel).
    pub fn num_frames(&self) -> usize {
        self.channels[0].len()
    }

    /// Hz.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Seconds.
    pub fn duration_s(&self) -> f64 {
        self.num_frames() as f64 / f64::from(self.sample_rate)
    }
}
