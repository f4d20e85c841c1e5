//! The sound that the voices play: decoded once, off the audio thread.

use std::io::Cursor;

use hound::{SampleFormat, WavReader};

use crate::engine::{Sound, SoundError};

/// Why a WAV cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClipError {
    /// The bytes are no WAV that hound reads.
    #[error("not a readable WAV: {0}")]
    Wav(#[from] hound::Error),
    /// The file is well formed but holds no sound.
    #[error("the WAV holds no frames; need at least one")]
    Empty,
    /// A float sample is infinite or not a number.
    #[error("sample {0} of the WAV is not a finite number")]
    NotFinite(usize),
    /// The samples are none that the engine plays.
    #[error(transparent)]
    Sound(#[from] SoundError),
}

/// A sound in memory: planar `f32`, at least one channel and one frame, every sample finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    channels: Vec<Vec<f32>>,
    sample_rate: f32,
}

impl Clip {
    /// Decodes an integer (8 to 32 bits) or 32-bit float WAV; full scale is ±1. Allocates.
    ///
    /// # Errors
    /// [`ClipError`] names what the bytes lack.
    ///
    /// # Example
    /// ```
    /// use brownian_plugin::clip::{Clip, ClipError};
    /// assert!(matches!(Clip::from_wav(b"no sound"), Err(ClipError::Wav(_))));
    /// ```
    pub fn from_wav(bytes: &[u8]) -> Result<Self, ClipError> {
        let mut reader = WavReader::new(Cursor::new(bytes))?;
        let spec = reader.spec();
        let interleaved: Vec<f32> = match spec.sample_format {
            SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>()?,
            SampleFormat::Int => {
                let scale = 1.0 / (1u64 << (spec.bits_per_sample - 1)) as f32;
                let samples = reader.samples::<i32>();
                samples.map(|s| s.map(|s| s as f32 * scale)).collect::<Result<_, _>>()?
            }
        };
        Self::from_interleaved(&interleaved, spec.channels.into(), spec.sample_rate as f32)
    }

    /// Splits `interleaved` frames of `num_channels` samples; `sample_rate` in Hz. Allocates.
    ///
    /// # Errors
    /// [`ClipError::Empty`] without a whole frame, [`ClipError::NotFinite`] for NaN and infinities.
    pub fn from_interleaved(interleaved: &[f32], num_channels: usize, sample_rate: f32) -> Result<Self, ClipError> {
        if num_channels == 0 || interleaved.len() < num_channels || sample_rate < 1.0 {
            return Err(ClipError::Empty);
        }
        if let Some(index) = interleaved.iter().position(|sample| !sample.is_finite()) {
            return Err(ClipError::NotFinite(index));
        }
        let channel = |c| interleaved.iter().skip(c).step_by(num_channels).copied().collect();
        Ok(Self { channels: (0..num_channels).map(channel).collect(), sample_rate })
    }

    /// The clip as the engine plays it, with `root_key` as its own pitch. Allocates.
    ///
    /// # Errors
    /// [`ClipError::Sound`] where the engine cannot play it, such as more than two channels.
    pub fn into_sound(self, root_key: f32) -> Result<Sound, ClipError> {
        Ok(Sound::new(&self.channels, self.sample_rate, root_key, None)?)
    }

    /// The samples of output channel `index`; a mono clip answers every index with its one channel.
    pub fn channel(&self, index: usize) -> &[f32] {
        &self.channels[index % self.channels.len()]
    }

    /// Length in frames, at least 1.
    pub fn num_frames(&self) -> usize {
        self.channels[0].len()
    }

    /// The rate that the clip was made at, in Hz.
    pub fn sample_rate(&self) -> f32 {
        self.sample_rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(spec: hound::WavSpec, samples: &[i32]) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        for &sample in samples {
            match spec.sample_format {
                SampleFormat::Int => writer.write_sample(sample).unwrap(),
                SampleFormat::Float => writer.write_sample(f32::from_bits(sample as u32)).unwrap(),
            }
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    fn spec(channels: u16, bits_per_sample: u16, sample_format: SampleFormat) -> hound::WavSpec {
        hound::WavSpec { channels, sample_rate: 44_100, bits_per_sample, sample_format }
    }

    #[test]
    fn half_of_full_scale_is_a_half_at_every_width() {
        for bits in [16, 24, 32] {
            let bytes = wav(spec(1, bits, SampleFormat::Int), &[1 << (bits - 2)]);
            assert_eq!(Clip::from_wav(&bytes).unwrap().channel(0), [0.5], "{bits} bits");
        }
        let bytes = wav(spec(1, 32, SampleFormat::Float), &[0.5f32.to_bits() as i32]);
        assert_eq!(Clip::from_wav(&bytes).unwrap().channel(0), [0.5]);
    }

    #[test]
    fn stereo_frames_are_split_into_channels() {
        let bytes = wav(spec(2, 16, SampleFormat::Int), &[16384, -16384, 0, 8192]);
        let clip = Clip::from_wav(&bytes).unwrap();
        assert_eq!(clip.channel(0), [0.5, 0.0]);
        assert_eq!(clip.channel(1), [-0.5, 0.25]);
    }

    #[test]
    fn a_wav_without_frames_is_refused() {
        let bytes = wav(spec(1, 16, SampleFormat::Int), &[]);
        assert!(matches!(Clip::from_wav(&bytes), Err(ClipError::Empty)));
    }

    #[test]
    fn a_nan_is_refused_by_its_place() {
        let nan = f32::NAN.to_bits() as i32;
        let bytes = wav(spec(1, 32, SampleFormat::Float), &[0, nan]);
        assert!(matches!(Clip::from_wav(&bytes), Err(ClipError::NotFinite(1))));
    }

    #[test]
    fn every_truncation_of_a_wav_is_refused_or_shorter_but_never_a_panic() {
        let bytes = wav(spec(1, 16, SampleFormat::Int), &[1, 2, 3, 4]);
        for len in 0..bytes.len() {
            if let Ok(clip) = Clip::from_wav(&bytes[..len]) {
                assert!(clip.num_frames() < 4, "{len} bytes");
            }
        }
    }

    #[test]
    fn the_embedded_clip_loads_and_is_not_silent() {
        let clip = Clip::from_wav(crate::EMBEDDED_CLIP).unwrap();
        let peak = clip.channel(0).iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
        assert!((0.1..=1.0).contains(&peak), "peak {peak}");
    }
}
