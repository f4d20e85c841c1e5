//! From the model's sound to a file: rate, channels, level, sample format, and the recipe that tells all of it.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use brownian_core::audio::{self, Clip, WavFormat, WavInfo, edit};
use brownian_core::generate::Recipe;
use serde::{Deserialize, Serialize};

use crate::cli::Format;

/// No gain for loudness lifts the true peak above this, in dB relative to full scale.
const CEILING_DBTP: f64 = -1.0;

/// What is done to a rendered clip on its way to a file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    /// Sample format.
    pub format: Format,
    /// Hz.
    pub sample_rate: u32,
    /// 1, or 2 (both sides alike).
    pub channels: u16,
    /// What the level is set to.
    pub level: Level,
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

/// What a file's comment holds: the recipe of the sound, and beside it under `output` what was done to it.
#[derive(Clone, Debug, PartialEq)]
pub struct FileRecipe {
    /// What the model made.
    pub recipe: Recipe,
    /// How it became a file.
    pub finish: Finish,
}

impl Finish {
    /// Check every field.
    ///
    /// # Errors
    /// Names the field, its value and its range.
    pub fn validate(&self) -> Result<()> {
        ensure!(
            (8_000..=384_000).contains(&self.sample_rate),
            "sample rate {} Hz; need 8000..=384000",
            self.sample_rate
        );
        let is_flac = self.format == Format::Flac;
        ensure!(!is_flac || self.sample_rate <= 96_000, "sample rate {} Hz; FLAC takes 8000..=96000", self.sample_rate);
        ensure!((1..=2).contains(&self.channels), "{} channels; need 1 or 2", self.channels);
        match self.level {
            Level::PeakDbfs(peak) => ensure!((-60.0..=0.0).contains(&peak), "peak {peak} dBFS; need -60..=0"),
            Level::Lufs(lufs) => ensure!((-70.0..=0.0).contains(&lufs), "loudness {lufs} LUFS; need -70..=0"),
            Level::Raw => {}
        }
        Ok(())
    }

    /// The clip as the file will hold it, before rounding to its sample format.
    ///
    /// # Errors
    /// The resampler refuses.
    pub fn apply(&self, clip: &Clip) -> Result<Clip> {
        // The level comes last: loudness depends on the channels, the peak on the rate.
        let mut clip = edit::with_channels(&audio::resample(clip, self.sample_rate)?, self.channels.into())?;
        match self.level {
            Level::PeakDbfs(target) => drop(edit::normalize_peak(&mut clip, target)),
            Level::Lufs(target) => drop(edit::normalize_loudness(&mut clip, target, CEILING_DBTP)),
            Level::Raw => {}
        }
        Ok(clip)
    }
}

impl FileRecipe {
    /// The bytes of the file of a finished clip.
    ///
    /// # Errors
    /// A sample that is not finite, or more than a WAV file holds.
    pub fn file(&self, clip: &Clip) -> Result<Vec<u8>> {
        let Recipe { class, model, seed, pitch, .. } = &self.recipe;
        let info = WavInfo {
            title: Some(format!("{} {seed}", class.as_ref().unwrap_or(model))),
            comment: Some(self.to_json()?),
            // A pitch lies in 0..=127.
            root_key: pitch.map(|pitch| pitch.round() as u8),
            one_shot: true,
            ..WavInfo::default()
        };
        Ok(match self.finish.format {
            Format::Wav16 => audio::wav_bytes(clip, WavFormat::Wav16, &info),
            Format::Wav24 => audio::wav_bytes(clip, WavFormat::Wav24, &info),
            Format::Wav32f => audio::wav_bytes(clip, WavFormat::Wav32f, &info),
            Format::Flac => audio::flac_bytes(clip, &info),
        }?)
    }

    /// The recipe that a file's comment holds.
    ///
    /// # Errors
    /// The file cannot be read, is no WAV or FLAC, or holds no recipe of ours.
    pub fn read(path: &Path) -> Result<Self> {
        let comment = audio::read_info(path)?.comment;
        let comment =
            comment.with_context(|| format!("{}: holds no recipe; need a file that Brownian wrote", path.display()))?;
        Self::from_json(&comment).with_context(|| path.display().to_string())
    }

    /// The recipe in one line of JSON, what was done to the sound in its field `output`.
    ///
    /// # Errors
    /// Never for a recipe that was resolved: its numbers are finite.
    pub fn to_json(&self) -> Result<String> {
        #[derive(Serialize)]
        struct Comment<'a> {
            #[serde(flatten)]
            recipe: &'a Recipe,
            output: &'a Finish,
        }
        Ok(serde_json::to_string(&Comment { recipe: &self.recipe, output: &self.finish })?)
    }

    /// Read back what [`FileRecipe::to_json`] wrote.
    ///
    /// # Errors
    /// No recipe, of another version, or a field missing, unknown or out of range.
    pub fn from_json(json: &str) -> Result<Self> {
        let value = serde_json::from_str::<serde_json::Value>(json).ok();
        let Some(serde_json::Value::Object(mut fields)) = value else {
            bail!("the comment is no recipe; need a file that Brownian wrote");
        };
        let output = fields.remove("output").context("the recipe lacks the field `output`")?;
        let recipe = Recipe::from_json(&serde_json::Value::Object(fields).to_string())?;
        let finish: Finish = serde_json::from_value(output).context("the recipe's `output`")?;
        finish.validate().context("the recipe's `output`")?;
        Ok(Self { recipe, finish })
    }
}

#[cfg(test)]
mod tests {
    use brownian_core::diffusion::Sampler;

    use super::*;

    fn finish(level: Level) -> Finish {
        Finish { format: Format::Wav24, sample_rate: 44_100, channels: 1, level }
    }

    fn file_recipe() -> FileRecipe {
        let recipe = Recipe {
            version: 1,
            model: "drums".into(),
            model_hash: "ab".repeat(32),
            seed: 42,
            class: Some("kick".into()),
            attributes: Default::default(),
            pitch: None,
            steps: 16,
            sampler: Sampler::DpmPp2m,
            guidance: 1.5,
            duration_s: 0.743039,
        };
        FileRecipe { recipe, finish: finish(Level::Lufs(-14.3)) }
    }

    /// One second of a sine, with this peak.
    fn sine(peak: f32) -> Clip {
        let sample = |i: i32| peak * (i as f32 * 1000.0 * std::f32::consts::TAU / 44_100.0).sin();
        Clip::mono((0..44_100).map(sample).collect(), 44_100).unwrap()
    }

    #[test]
    fn the_comment_reads_back_exactly() {
        let recipe = file_recipe();
        assert_eq!(FileRecipe::from_json(&recipe.to_json().unwrap()).unwrap(), recipe);
    }

    #[test]
    fn comments_that_are_no_recipe_are_refused() {
        let json = file_recipe().to_json().unwrap();
        let wrong = [
            "made with love".to_string(),
            "{}".to_string(),
            json.replace("\"output\"", "\"input\""),
            json.replace("44100", "0"),
            json.replace("\"channels\":1", "\"channels\":3"),
            json.replace("\"seed\":42", "\"seed\":-42"),
        ];
        for json in wrong {
            assert!(FileRecipe::from_json(&json).is_err(), "{json} was taken for a recipe");
        }
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
            assert!((audio::measure_loudness(&clip).integrated_lufs.unwrap() + 20.0).abs() < 0.1);
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
