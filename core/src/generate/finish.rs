//! [`Finish`]: from the model's sound to the sound of a file: shaping, rate, channels, level, sample format.

use serde::{Deserialize, Serialize};

use super::shaping::Shaping;
use crate::audio::{Clip, edit, resample};
use crate::error::{GenerateError, Result};

/// No gain for loudness lifts the true peak above this, in dB relative to full scale, where nobody says otherwise.
pub(super) const CEILING_DBTP: f64 = -1.0;

/// What is done to a rendered clip on its way to a file, in this order: crop, trim, reverse, rotate, DC ([`Shaping`]),
/// sample rate, channels, fades and sustain loop ([`Shaping`]), level with the true-peak ceiling, dither, sample format.
///
/// What cuts comes first, so that nothing is computed for what goes; fades come after DC, so that they end in exact
/// silence; the level comes last, because the peak depends on the rate and loudness on the channels.
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
    /// The true peak (between the samples too) is at or below this, dBTP: -60..=0. Absent: -1 with [`Level::Lufs`], else
    /// unbounded. Only ever makes quieter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub true_peak_dbtp: Option<f64>,
    /// TPDF dither before rounding to 16 bits ([`FileFormat::Wav16`]); other formats have no use for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dither: bool,
    /// What else is done to the clip.
    #[serde(default, skip_serializing_if = "Shaping::is_empty")]
    pub shaping: Shaping,
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
    /// As typed and as in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wav16 => "wav16",
            Self::Wav24 => "wav24",
            Self::Wav32f => "wav32f",
            Self::Flac => "flac",
        }
    }

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
    /// Integrated loudness, LUFS: -70..=0; lower where the true peak would pass its ceiling.
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
    /// Nothing but 24-bit WAV, one channel and the usual level, at this rate.
    pub fn plain(sample_rate: u32) -> Self {
        Self {
            format: FileFormat::default(),
            sample_rate,
            channels: 1,
            level: Level::default(),
            true_peak_dbtp: None,
            dither: false,
            shaping: Shaping::default(),
        }
    }

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
        if let Some(ceiling) = self.true_peak_dbtp {
            need((-60.0..=0.0).contains(&ceiling), "true peak", format!("{ceiling} dB"), "-60..=0 dB")?;
        }
        let rounds = !self.dither || self.format == FileFormat::Wav16;
        need(
            rounds,
            "dither",
            format!("asked for with {}", self.format.name()),
            "16 bits (wav16): others do not need it",
        )?;
        self.shaping.validate()?;
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

    /// The clip as the file will hold it, before rounding to its sample format. A sustain loop to be found is then known.
    ///
    /// # Errors
    /// The resampler refuses; a sustain loop that is not in the clip.
    pub fn apply(&mut self, clip: &Clip) -> Result<Clip> {
        self.apply_with(clip, resample)
    }

    /// As [`Finish::apply`], with this for the sample rate.
    pub(super) fn apply_with(&mut self, clip: &Clip, resample: impl Fn(&Clip, u32) -> Result<Clip>) -> Result<Clip> {
        let clip = self.shaping.arrange(clip)?;
        let mut clip = edit::with_channels(&resample(&clip, self.sample_rate)?, self.channels.into())?;
        self.shaping.fade(&mut clip);
        self.shaping.hold(&mut clip)?;
        self.set_level(&mut clip);
        Ok(clip)
    }

    fn set_level(&self, clip: &mut Clip) {
        let ceiling = self.true_peak_dbtp;
        match self.level {
            Level::PeakDbfs(target) => _ = edit::normalize_peak(clip, target),
            Level::Lufs(target) => _ = edit::normalize_loudness(clip, target, ceiling.unwrap_or(CEILING_DBTP)),
            Level::Raw => {}
        }
        // The gain of a loudness has kept the ceiling already.
        if let (Level::PeakDbfs(_) | Level::Raw, Some(ceiling)) = (self.level, ceiling) {
            edit::limit_true_peak(clip, ceiling);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::measure_loudness;

    fn finish(level: Level) -> Finish {
        Finish { level, ..Finish::plain(44_100) }
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
            (Finish { true_peak_dbtp: Some(1.0), ..raw }, "true peak is 1 dB; need -60..=0 dB"),
            (Finish { dither: true, ..raw }, "dither is asked for with wav24; need 16 bits"),
            (Finish { shaping: Shaping { fade_in_ms: Some(-1.0), ..Shaping::default() }, ..raw }, "fade-in is -1 ms"),
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
    fn the_true_peak_stays_below_its_ceiling_at_any_level() {
        for level in [Level::PeakDbfs(0.0), Level::Lufs(0.0), Level::Raw] {
            let clip = Finish { true_peak_dbtp: Some(-3.0), ..finish(level) }.apply(&sine(0.9)).unwrap();
            let peak = measure_loudness(&clip).true_peak_dbtp.unwrap();
            // The meter reads the same before and after a gain, to the rounding of f32.
            assert!((peak + 3.0).abs() < 1e-3, "{level:?}: {peak}");
        }
        let quiet = Finish { true_peak_dbtp: Some(-3.0), ..finish(Level::Raw) }.apply(&sine(0.1)).unwrap();
        assert_eq!(quiet, sine(0.1));
    }

    #[test]
    fn fades_end_in_exact_silence_though_dc_was_removed_before() {
        let shaping =
            Shaping { remove_dc: true, fade_in_ms: Some(10.0), fade_out_ms: Some(10.0), ..Shaping::default() };
        let mut clip = sine(0.2);
        clip.channels_mut().flatten().for_each(|x| *x += 0.25);
        let clip = Finish { shaping, channels: 2, ..finish(Level::Raw) }.apply(&clip).unwrap();
        let samples = &clip.channels()[1];
        assert_eq!((samples[0], samples[44_099]), (0.0, 0.0));
        let mean = samples.iter().map(|&x| f64::from(x)).sum::<f64>() / 44_100.0;
        // A whole number of periods: all that is left of a mean of 0.25 is what the fades cut out of the sine.
        assert!(mean.abs() < 1e-3, "{mean}");
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
