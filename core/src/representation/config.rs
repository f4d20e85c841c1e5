//! [`RepresentationConfig`]: which representation, checked before anything is planned or allocated.

use std::fmt::Display;
use std::ops::RangeInclusive;

use super::Representation;
use super::complex_stft::ComplexStft;
use super::log_magnitude::LogMagnitude;
use super::raised::Raised;
use super::waveform::Waveform;
use crate::dsp::Framing;
use crate::error::RepresentationError;
use crate::error::Result;

/// Longest clip in samples: 6 minutes at 44.1 kHz.
const MAX_SAMPLES: usize = 1 << 24;
/// Most values that the frames of a clip may hold (256 MiB of `f32`).
const MAX_VALUES: usize = 1 << 26;

/// Which representation, with its parameters; `num_samples` long clips.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum RepresentationConfig {
    /// `patch` consecutive samples are the channels.
    Waveform {
        /// Samples of a clip; a multiple of `patch`, at most 2^24.
        num_samples: usize,
        /// Samples in a frame: 1..=16384.
        patch: usize,
    },
    /// The complex STFT (root-Hann, hop n_fft/2, circular), companded: |z|^exponent e^(j phi); n_fft channels.
    ComplexStft {
        /// Samples of a clip; a multiple of `n_fft / 2`, at most 2^24.
        num_samples: usize,
        /// Window and FFT length in samples: a power of two, 64..=16384.
        n_fft: usize,
        /// Companding exponent, 0.1..=1 (1: none).
        exponent: f32,
    },
    /// dB magnitudes of a Gaussian-window STFT, phases by PGHI and fast Griffin-Lim; n_fft/2 channels (Nyquist dropped).
    LogMagnitude {
        /// Samples of a clip; a multiple of `hop_length`, at most 2^24.
        num_samples: usize,
        /// Window and FFT length in samples: a multiple of 64 in 64..=16384.
        n_fft: usize,
        /// Samples between columns: a power of two, n_fft/32..=n_fft/2; 1/8 of `n_fft` sounds best, 1/4 is half the work.
        /// No attack comes out faster than about half a hop: 128 keeps the snap of a snare, 256 does not.
        hop_length: usize,
        /// dB relative to a full-scale sine below which all is silence (-100); -200..=-40.
        floor_db: f32,
        /// Rounds of fast Griffin-Lim after PGHI (0..=32).
        refinements: usize,
        /// Samples before the sound begins in every training example, below `num_samples`: what is decoded keeps silent there,
        /// in every round, and phases that would begin the sound too early find none. 0 knows of no such samples.
        #[serde(default, skip_serializing_if = "is_zero")]
        onset: usize,
    },
}

fn is_zero(&number: &usize) -> bool {
    number == 0
}

impl RepresentationConfig {
    /// The representation itself, with its FFTs planned.
    ///
    /// # Errors
    /// A parameter out of range, by name.
    pub fn build(&self) -> Result<Box<dyn Representation>> {
        self.validate()?;
        Ok(match *self {
            Self::Waveform { num_samples, patch } => Box::new(Waveform::new(num_samples, patch)),
            Self::ComplexStft { num_samples, n_fft, exponent } => {
                Box::new(ComplexStft::new(num_samples, n_fft, exponent))
            }
            Self::LogMagnitude { num_samples, n_fft, hop_length, floor_db, refinements, onset } => {
                let framing = Framing::Centered;
                let lengths = [n_fft, hop_length, onset];
                Box::new(LogMagnitude::new(num_samples, lengths, framing, floor_db, refinements))
            }
        })
    }

    /// As [`RepresentationConfig::build`], of sounds that are seen so many octaves higher, and faster, than they are: a
    /// clip's frames hold `num_samples` samples of the sound in their first `1 / 2^octaves`.
    ///
    /// # Errors
    /// A parameter out of range, by name.
    pub fn build_raised(&self, octaves: u32) -> Result<Box<dyn Representation>> {
        match octaves {
            0 => self.build(),
            _ => {
                let inner = self.clone().with_onset(self.onset() >> octaves).build()?;
                Ok(Box::new(Raised::new(inner, octaves, false)))
            }
        }
    }

    /// Samples of a clip.
    pub fn num_samples(&self) -> usize {
        match *self {
            Self::Waveform { num_samples, .. }
            | Self::ComplexStft { num_samples, .. }
            | Self::LogMagnitude { num_samples, .. } => num_samples,
        }
    }

    /// Samples that stay silent at the start of a clip; 0 of representations that know of none.
    pub fn onset(&self) -> usize {
        match *self {
            Self::LogMagnitude { onset, .. } => onset,
            Self::Waveform { .. } | Self::ComplexStft { .. } => 0,
        }
    }

    /// The same with another onset, where it has one.
    #[must_use]
    pub fn with_onset(mut self, samples: usize) -> Self {
        if let Self::LogMagnitude { onset, .. } = &mut self {
            *onset = samples;
        }
        self
    }

    /// Samples from one frame to the next.
    pub fn hop_length(&self) -> usize {
        match *self {
            Self::Waveform { patch, .. } => patch,
            Self::ComplexStft { n_fft, .. } => n_fft / 2,
            Self::LogMagnitude { hop_length, .. } => hop_length,
        }
    }

    /// The same for a loop of `num_frames`: the last frame comes before the first.
    ///
    /// Its [`num_samples`](Representation::num_samples) are as near to `wanted_samples` as they can be: frames of
    /// `log-magnitude` move a little closer or apart for it (the tempo changes, by what is given; the pitch does not),
    /// others stay. What is left is at most half a sample a frame, for resampling.
    ///
    /// # Errors
    /// A parameter out of range, by name; a loop that is too long.
    pub fn on_circle(&self, num_frames: usize, wanted_samples: f64) -> Result<Box<dyn Representation>> {
        let mut circle = self.clone();
        let (Self::Waveform { num_samples, .. }
        | Self::ComplexStft { num_samples, .. }
        | Self::LogMagnitude { num_samples, .. }) = &mut circle;
        *num_samples = num_frames.saturating_mul(self.hop_length());
        let Self::LogMagnitude { n_fft, floor_db, refinements, .. } = circle else { return circle.build() };
        circle.validate()?;
        let hop_length = ((wanted_samples / num_frames as f64).round() as usize).clamp(1, n_fft / 2);
        let framing = Framing::Circular;
        let num_samples = num_frames * hop_length;
        Ok(Box::new(LogMagnitude::new(num_samples, [n_fft, hop_length, 0], framing, floor_db, refinements)))
    }

    /// As [`RepresentationConfig::on_circle`], of a loop that is seen so many octaves higher than it is: `num_frames` hold
    /// `wanted_samples` played `2^octaves` times as fast.
    ///
    /// # Errors
    /// As [`RepresentationConfig::on_circle`].
    pub fn raised_on_circle(
        &self,
        num_frames: usize,
        wanted_samples: f64,
        octaves: u32,
    ) -> Result<Box<dyn Representation>> {
        let inner = self.on_circle(num_frames, wanted_samples / f64::from(1 << octaves))?;
        Ok(if octaves == 0 { inner } else { Box::new(Raised::new(inner, octaves, true)) })
    }

    /// Check every parameter; costs nothing.
    ///
    /// # Errors
    /// A parameter out of range, by name.
    pub fn validate(&self) -> Result<()> {
        match *self {
            Self::Waveform { num_samples, patch } => {
                let check = Check("waveform");
                check.range("patch", patch, 1..=16384)?;
                check.num_samples(num_samples, patch)
            }
            Self::ComplexStft { num_samples, n_fft, exponent } => {
                let check = Check("complex-stft");
                check.power_of_two("n_fft", n_fft, 64..=16384)?;
                check.range("exponent", exponent, 0.1..=1.0)?;
                check.num_samples(num_samples, n_fft / 2)
            }
            Self::LogMagnitude { num_samples, n_fft, hop_length, floor_db, refinements, onset } => {
                let check = Check("log-magnitude");
                check.multiple("n_fft", n_fft, 64, 64..=16384)?;
                check.power_of_two("hop_length", hop_length, n_fft / 32..=n_fft / 2)?;
                check.range("floor_db", floor_db, -200.0..=-40.0)?;
                check.range("refinements", refinements, 0..=32)?;
                check.range("onset", onset, 0..=num_samples.saturating_sub(1))?;
                check.num_samples(num_samples, hop_length)?;
                // Cannot overflow: 2^24 samples and 2^13 bins.
                check.range("num_samples x n_fft / hop_length", num_samples / hop_length * n_fft, 1..=2 * MAX_VALUES)
            }
        }
    }
}

/// Checks on the parameters of the object with this name.
struct Check(&'static str);

impl Check {
    fn range<T: PartialOrd + Display>(&self, name: &'static str, value: T, range: RangeInclusive<T>) -> Result<()> {
        let need = format!("{}..={}", range.start(), range.end());
        self.require(range.contains(&value), name, value, need)
    }

    fn power_of_two(&self, name: &'static str, value: usize, range: RangeInclusive<usize>) -> Result<()> {
        let need = format!("a power of two in {}..={}", range.start(), range.end());
        self.require(range.contains(&value) && value.is_power_of_two(), name, value, need)
    }

    fn multiple(&self, name: &'static str, value: usize, of: usize, range: RangeInclusive<usize>) -> Result<()> {
        let need = format!("a multiple of {of} in {}..={}", range.start(), range.end());
        self.require(range.contains(&value) && value.is_multiple_of(of), name, value, need)
    }

    fn num_samples(&self, value: usize, multiple_of: usize) -> Result<()> {
        self.multiple("num_samples", value, multiple_of, multiple_of..=MAX_SAMPLES)
    }

    fn require(&self, holds: bool, name: &'static str, found: impl Display, need: String) -> Result<()> {
        if holds {
            return Ok(());
        }
        Err(RepresentationError::Parameter { object: self.0, name, found: found.to_string(), need }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_magnitude(num_samples: usize, n_fft: usize, hop_length: usize, floor_db: f32) -> RepresentationConfig {
        RepresentationConfig::LogMagnitude { num_samples, n_fft, hop_length, floor_db, refinements: 8, onset: 0 }
    }

    #[test]
    fn a_good_configuration_gives_the_shape_it_says() {
        let built = log_magnitude(32768, 1024, 256, -100.0).build().unwrap();
        assert_eq!((built.num_samples(), built.num_frames(), built.num_channels()), (32768, 128, 512));
        let built = RepresentationConfig::ComplexStft { num_samples: 4096, n_fft: 512, exponent: 0.5 }.build().unwrap();
        assert_eq!((built.num_samples(), built.num_frames(), built.num_channels()), (4096, 16, 512));
        let built = RepresentationConfig::Waveform { num_samples: 4096, patch: 64 }.build().unwrap();
        assert_eq!((built.num_samples(), built.num_frames(), built.num_channels()), (4096, 64, 64));
    }

    #[test]
    fn a_circle_has_the_frames_asked_for_and_nearly_the_samples() {
        let configs = [
            log_magnitude(32768, 1024, 256, -100.0),
            RepresentationConfig::ComplexStft { num_samples: 4096, n_fft: 512, exponent: 0.5 },
            RepresentationConfig::Waveform { num_samples: 4096, patch: 256 },
        ];
        for (config, samples) in configs.iter().zip([80 * 245, 80 * 256, 80 * 256]) {
            let built = config.on_circle(80, 19_600.4).unwrap();
            assert_eq!((built.num_frames(), built.num_samples()), (80, samples), "{config:?}");
            assert_eq!(built.num_channels(), config.build().unwrap().num_channels());
        }
        assert!(configs[0].on_circle(1 << 20, 1e9).is_err());
    }

    #[test]
    fn every_parameter_out_of_range_is_refused_by_name() {
        let complex = |n_fft, exponent| RepresentationConfig::ComplexStft { num_samples: 4096, n_fft, exponent };
        let waveform = |num_samples, patch| RepresentationConfig::Waveform { num_samples, patch };
        let refinements = RepresentationConfig::LogMagnitude {
            num_samples: 4096,
            n_fft: 512,
            hop_length: 128,
            floor_db: -100.0,
            refinements: 33,
            onset: 0,
        };
        for (config, name) in [
            (log_magnitude(usize::MAX, 1024, 256, -100.0), "num_samples is"),
            (log_magnitude(0, 1024, 256, -100.0), "num_samples is 0"),
            (log_magnitude(32700, 1024, 256, -100.0), "num_samples is 32700"),
            (log_magnitude(32768, 0, 256, -100.0), "n_fft is 0"),
            (log_magnitude(32768, 1 << 40, 256, -100.0), "n_fft is"),
            (log_magnitude(32768, 1000, 250, -100.0), "n_fft is 1000"),
            (log_magnitude(32768, 1024, 0, -100.0), "hop_length is 0"),
            (log_magnitude(32768, 1024, 1024, -100.0), "hop_length is 1024"),
            (log_magnitude(32768, 1024, 256, f32::NAN), "floor_db is NaN"),
            (log_magnitude(32768, 1024, 256, 0.0), "floor_db is 0"),
            (log_magnitude(1 << 24, 1024, 32, -100.0), "num_samples x n_fft / hop_length is"),
            (refinements, "refinements is 33"),
            (complex(32, 0.5), "n_fft is 32"),
            (complex(512, 0.0), "exponent is 0"),
            (complex(512, f32::INFINITY), "exponent is inf"),
            (waveform(4096, 0), "patch is 0"),
            (waveform(4096, 60), "num_samples is 4096"),
        ] {
            let message = config.build().err().map(|error| error.to_string()).unwrap_or_default();
            assert!(message.contains(name) && message.contains("; need "), "{config:?}: {message:?}");
        }
    }

    #[test]
    fn the_stored_form_is_stable_and_refuses_unknown_fields() {
        let json = r#"{"kind":"waveform","num_samples":4096,"patch":64}"#;
        let config: RepresentationConfig = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&config).unwrap(), json);
        assert!(serde_json::from_str::<RepresentationConfig>(&json.replace("patch", "patches")).is_err());
    }
}
