//! [`Clip`]: some channels of samples at one rate.

use crate::error::{AudioError, Result};

/// The highest sample rate of a [`Clip`], in Hz: twice what the fastest converters run at.
pub const MAX_SAMPLE_RATE: u32 = 768_000;

/// Most samples, over all channels, that a file is decoded or a clip resampled to (1 GiB of `f32`).
pub const MAX_SAMPLES: usize = 1 << 28;

/// Sound in memory: planar `f32` samples, nominally in -1..=1, at one sample rate.
///
/// Always at least one channel, and all channels equally long. May hold no frame at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    channels: Vec<Vec<f32>>,
    sample_rate: u32,
}

impl Clip {
    /// A clip of these channels at `sample_rate` Hz.
    ///
    /// # Errors
    /// No channel, channels of unequal length, or a rate outside `1..=`[`MAX_SAMPLE_RATE`].
    pub fn new(channels: Vec<Vec<f32>>, sample_rate: u32) -> Result<Self> {
        if sample_rate == 0 || sample_rate > MAX_SAMPLE_RATE {
            return Err(AudioError::SampleRate(sample_rate).into());
        }
        let needed = channels.first().ok_or(AudioError::NoChannels)?.len();
        match channels.iter().position(|channel| channel.len() != needed) {
            None => Ok(Self { channels, sample_rate }),
            Some(idx) => {
                let found = channels[idx].len();
                Err(AudioError::UnequalChannels { channel: idx + 1, found, needed }.into())
            }
        }
    }

    /// One channel.
    ///
    /// # Errors
    /// A rate outside `1..=`[`MAX_SAMPLE_RATE`].
    pub fn mono(samples: Vec<f32>, sample_rate: u32) -> Result<Self> {
        Self::new(vec![samples], sample_rate)
    }

    /// A clip of `num_channels` channels from frames in a row (left, right, left, right …).
    ///
    /// # Errors
    /// No channel, a last frame that lacks a channel, or a rate out of range.
    pub fn from_interleaved(samples: &[f32], num_channels: usize, sample_rate: u32) -> Result<Self> {
        let channel = |idx| samples.iter().skip(idx).step_by(num_channels).copied().collect();
        Self::new((0..num_channels).map(channel).collect(), sample_rate)
    }

    /// The frames in a row (left, right, left, right …).
    pub fn to_interleaved(&self) -> Vec<f32> {
        (0..self.num_frames()).flat_map(|frame| self.channels.iter().map(move |channel| channel[frame])).collect()
    }

    /// The channels, each a slice of samples.
    pub fn channels(&self) -> &[Vec<f32>] {
        &self.channels
    }

    /// The channels, to edit in place (lengths stay as they are: slices, not vectors).
    pub fn channels_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.channels.iter_mut().map(Vec::as_mut_slice)
    }

    /// The channels, given away.
    pub fn into_channels(self) -> Vec<Vec<f32>> {
        self.channels
    }

    /// How many channels, at least 1.
    pub fn num_channels(&self) -> usize {
        self.channels.len()
    }

    /// Length in frames (one sample of every channel).
    pub fn num_frames(&self) -> usize {
        self.channels[0].len()
    }

    /// Hz, in `1..=`[`MAX_SAMPLE_RATE`].
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Seconds.
    pub fn duration_s(&self) -> f64 {
        self.num_frames() as f64 / f64::from(self.sample_rate)
    }

    /// The largest magnitude over all channels, linear; 0 for silence and for no frames.
    pub fn peak(&self) -> f32 {
        self.channels.iter().flatten().fold(0.0, |peak, sample| sample.abs().max(peak))
    }

    /// [`Clip::peak`] in dB relative to full scale; `None` for silence.
    pub fn peak_dbfs(&self) -> Option<f64> {
        let peak = f64::from(self.peak());
        (peak > 0.0).then(|| 20.0 * peak.log10())
    }

    /// The mean of all channels, as one. Keeps what the channels share and halves what only one of two holds.
    #[must_use]
    pub fn to_mono(&self) -> Self {
        if let [only] = self.channels.as_slice() {
            return Self { channels: vec![only.clone()], sample_rate: self.sample_rate };
        }
        let scale = 1.0 / self.channels.len() as f64;
        let mean = |frame| (self.channels.iter().map(|c| f64::from(c[frame])).sum::<f64>() * scale) as f32;
        let samples = (0..self.num_frames()).map(mean).collect();
        Self { channels: vec![samples], sample_rate: self.sample_rate }
    }

    /// Every channel through `edit`, which must give all of them one length; the rate stays.
    pub(super) fn map_channels(&self, edit: impl FnMut(&Vec<f32>) -> Vec<f32>) -> Self {
        let channels: Vec<Vec<f32>> = self.channels.iter().map(edit).collect();
        debug_assert!(channels.iter().all(|channel| channel.len() == channels[0].len()));
        Self { channels, sample_rate: self.sample_rate }
    }

    /// Whether every sample is a number.
    ///
    /// # Errors
    /// The first sample that is NaN or infinite, and its place in what `object` names.
    pub(super) fn check_finite(&self, object: impl FnOnce() -> String) -> Result<()> {
        for (idx, samples) in self.channels.iter().enumerate() {
            if let Some(frame) = samples.iter().position(|sample| !sample.is_finite()) {
                let (channel, value) = (idx + 1, samples[frame]);
                return Err(AudioError::NotFinite { object: object(), channel, frame, value }.into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_needs_channels_of_one_length_and_a_rate() {
        let message = |channels, rate| Clip::new(channels, rate).unwrap_err().to_string();
        assert_eq!(message(vec![], 44_100), "a clip of 0 channels; need at least 1");
        assert!(message(vec![vec![0.0; 3], vec![0.0; 2]], 44_100).starts_with("channel 2 holds 2 frames"));
        assert!(message(vec![vec![0.0]], 0).starts_with("sample rate 0 Hz"));
        assert!(message(vec![vec![0.0]], 768_001).starts_with("sample rate 768001 Hz"));
        assert!(Clip::new(vec![vec![]], 768_000).is_ok());
    }

    #[test]
    fn interleaving_and_back_is_the_identity() {
        let samples = [0.1, -0.1, 0.2, -0.2, 0.3, -0.3];
        let clip = Clip::from_interleaved(&samples, 2, 48_000).unwrap();
        assert_eq!(clip.channels(), [vec![0.1, 0.2, 0.3], vec![-0.1, -0.2, -0.3]]);
        assert_eq!(clip.to_interleaved(), samples);
    }

    #[test]
    fn an_incomplete_last_frame_or_no_channel_is_refused() {
        assert!(Clip::from_interleaved(&[0.0; 5], 2, 48_000).is_err());
        assert!(Clip::from_interleaved(&[0.0; 4], 0, 48_000).is_err());
    }

    #[test]
    fn the_peak_is_the_largest_magnitude_of_any_channel() {
        let clip = Clip::new(vec![vec![0.1, 0.2], vec![-0.5, 0.3]], 1).unwrap();
        assert_eq!(clip.peak(), 0.5);
        assert!((clip.peak_dbfs().unwrap() + 6.0206).abs() < 1e-4);
        assert_eq!(Clip::mono(vec![0.0], 1).unwrap().peak_dbfs(), None);
    }

    #[test]
    fn mono_is_the_mean_of_the_channels() {
        let clip = Clip::new(vec![vec![1.0, 0.5], vec![0.0, 0.5], vec![0.5, 0.5]], 1).unwrap();
        assert_eq!(clip.to_mono().channels(), [vec![0.5, 0.5]]);
        assert_eq!(clip.to_mono().to_mono(), clip.to_mono());
    }
}
