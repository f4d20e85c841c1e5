//! [`Finish`]: from the model's sound to the sound of a file: rate, channels, level, sample format.

use serde::{Deserialize, Serialize};

use crate::audio::{Clip, edit, resample};
use crate::error::{GenerateError, Result};

/// No gain for loudness lifts the true peak above this, in dB relative to full scale.
const CEILING_DBTP: f64 = -1.0;

/// What is done to a rendered clip on its way to a file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    /// Sample format.
    pub format: FileFormat,
    /// Hz: 8000..=384000, for FLAC 8000..=96000.
    pub sample_rate: u32,
    /// 1, or 2 (both sides alike).
    pub channels: u16,
    /// What the level is set to.
    pub level: Level,
}

/// Container and sample format of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// WAV, 16-bit integers.
    Wav16,
    /// WAV, 24-bit integers.
    #[default]
    Wav24,
    /// WAV, 32-bit floats.
    Wav32f,
    /// FLAC, 24-bit: the samples of `Wav24` in less space.
    Flac,
}

impl FileFormat {
    /// Of the file's name, without the dot.
    pub fn extension(self) -> &'static str {
        if self == Self::Flac { "flac" } else { "wav" }
    }
}

/// What the level is set to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Highest sample, dBFS: -60..=0.
    PeakDbfs(f64),
    /// Integrated loudness, LUFS: -70..=0; lower where the true peak would pass -1 dB.
    Lufs(f64),
    /// As the model made it.
    Raw,
}

impl Default for Level {
    fn default() -> Self {
        Self::PeakDbfs(-1.0)
    }
}

impl Finish {
    /// Check every field.
    ///
    /// # Errors
    /// Names the field, its value and its range.
    pub fn validate(&self) -> Result<(), GenerateError> {
        let need = |ok: bool, field: &str, found: String, need: &str| match ok {
            true => Ok(()),
            false => Err(GenerateError::OutOfRange { field: field.to_owned(), found, need: need.to_owned() }),
        };
        let hz = self.sample_rate;
        need((8_000..=384_000).contains(&hz), "sample rate", format!("{hz} Hz"), "8000..=384000 Hz")?;
        let fits = self.format != FileFormat::Flac || hz <= 96_000;
        need(fits, "sample rate of a FLAC file", format!("{hz} Hz"), "8000..=96000 Hz")?;
        need((1..=2).contains(&self.channels), "number of channels", self.channels.to_string(), "1 or 2")?;
        match self.level {
            Level::PeakDbfs(peak) => {
                need((-60.0..=0.0).contains(&peak), "peak", format!("{peak} dBFS"), "-60..=0 dBFS")
            }
            Level::Lufs(lufs) => {
                need((-70.0..=0.0).contains(&lufs), "loudness", format!("{lufs} LUFS"), "-70..=0 LUFS")
            }
            Level::Raw => Ok(()),
        }
    }

    /// The clip as the file will hold it, before rounding to its sample format.
    ///
    /// # Errors
    /// The resampler refuses.
    pub fn apply(&self, clip: &Clip) -> Result<Clip> {
        // The level comes last: loudness depends on the channels, the peak on the rate.
        let mut clip = edit::with_channels(&resample(clip, self.sample_rate)?, self.channels.into())?;
        match self.level {
            Level::PeakDbfs(target) => drop(edit::normalize_peak(&mut clip, target)),
            Level::Lufs(target) => drop(edit::normalize_loudness(&mut clip, target, CEILING_DBTP)),
            Level::Raw => {}
        }
        Ok(clip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::measure_loudness;

    fn finish(level: Level) -> Finish {
        Finish { format: FileFormat::Wav24, sample_rate: 44_100, channels: 1, level }
    }

    /// One second of a sine, with this peak.
    fn sine(peak: f32) -> Clip {
        let sample = |i: i32| peak * (i as f32 * 1000.0 * std::f32::consts::TAU / 44_100.0).sin();
        Clip::mono((0..44_100).map(sample).collect(), 44_100).unwrap()
    }

    #[test]
    fn every_field_is_checked_by_name() {
        let raw = finish(Level::Raw);
        let wrong = [
            (Finish { sample_rate: 7_999, ..raw }, "sample rate is 7999 Hz; need 8000..=384000 Hz"),
            (Finish { sample_rate: 192_000, format: FileFormat::Flac, ..raw }, "need 8000..=96000 Hz"),
            (Finish { channels: 3, ..raw }, "number of channels is 3; need 1 or 2"),
            (finish(Level::PeakDbfs(0.5)), "peak is 0.5 dBFS; need -60..=0 dBFS"),
            (finish(Level::Lufs(f64::NAN)), "loudness is NaN LUFS"),
        ];
        for (finish, words) in wrong {
            let message = finish.validate().unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
        assert!(raw.validate().is_ok());
    }

    #[test]
    fn the_peak_lands_where_it_was_asked_for() {
        let clip = finish(Level::PeakDbfs(-6.0)).apply(&sine(0.1)).unwrap();
        // A gain in f32 is exact to about 1e-6 dB.
        assert!((clip.peak_dbfs().unwrap() + 6.0).abs() < 1e-4);
    }

    #[test]
    fn the_loudness_lands_where_it_was_asked_for_on_one_channel_and_on_two() {
        for channels in [1, 2] {
            let clip = Finish { channels, ..finish(Level::Lufs(-20.0)) }.apply(&sine(0.5)).unwrap();
            // Gating blocks at the ends of a second weigh a little differently after the gain.
            assert!((measure_loudness(&clip).integrated_lufs.unwrap() + 20.0).abs() < 0.1);
        }
    }

    #[test]
    fn a_loudness_that_would_clip_stops_below_full_scale() {
        let clip = finish(Level::Lufs(0.0)).apply(&sine(0.5)).unwrap();
        // Fourfold oversampling finds the true peak of 1 kHz to better than 0.1 dB.
        assert!((clip.peak_dbfs().unwrap() + 1.0).abs() < 0.1);
    }

    #[test]
    fn silence_stays_silence_at_any_level() {
        for level in [Level::PeakDbfs(-1.0), Level::Lufs(-14.0), Level::Raw] {
            assert_eq!(finish(level).apply(&sine(0.0)).unwrap().peak(), 0.0);
        }
    }

    #[test]
    fn raw_changes_no_sample_and_stereo_has_two_equal_sides() {
        let clip = Finish { channels: 2, ..finish(Level::Raw) }.apply(&sine(0.3)).unwrap();
        assert_eq!(clip.channels(), [sine(0.3).channels()[0].clone(), sine(0.3).channels()[0].clone()]);
    }
}
