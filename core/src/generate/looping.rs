//! [`Loop`]: a sound that repeats without a seam, by construction.

use serde::{Deserialize, Serialize};

use super::condition::condition;
use super::recipe::Recipe;
use super::request::{in_range, micro};
use crate::audio::{Clip, resample_periodic};
use crate::error::{GenerateError, Result};
use crate::model::Model;

/// Longest loop, in seconds: the networks hold all of it at once.
const MAX_S: f64 = 60.0;
/// Shortest loop, in seconds.
const MIN_S: f64 = 0.05;
/// Beats of a bar.
const BEATS: u32 = 4;

/// That a sound repeats, and how long it is where a tempo says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Loop {
    /// Tempo and length; absent: as long as the duration says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tempo: Option<Tempo>,
}

/// So many bars of 4/4 at this tempo.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tempo {
    /// Beats per minute: 20..=400.
    pub bpm: f64,
    /// Bars of four beats: 1..=64.
    pub bars: u32,
}

impl Tempo {
    /// Beats in all.
    pub fn beats(self) -> u32 {
        BEATS * self.bars
    }

    /// Seconds.
    pub fn duration_s(self) -> f64 {
        f64::from(self.beats()) * 60.0 / self.bpm
    }
}

impl Loop {
    /// Check tempo and duration; what a recipe keeps, with the duration in seconds.
    pub(super) fn resolve(self, duration_s: f64) -> Result<(Self, f64), GenerateError> {
        let Some(tempo) = self.tempo else {
            return Ok((self, micro(in_range("the loop's duration in seconds", duration_s, MIN_S..=MAX_S)?)));
        };
        let bpm = micro(in_range("tempo in beats per minute", tempo.bpm, 20.0..=400.0)?);
        let tempo = Tempo { bpm, bars: in_range("number of bars", tempo.bars, 1..=64)? };
        let field = "the duration in seconds of so many bars at this tempo";
        in_range(field, tempo.duration_s(), MIN_S..=MAX_S)?;
        Ok((Self { tempo: Some(tempo) }, micro(tempo.duration_s())))
    }

    /// Frames of one period at this rate, to the nearest. From the tempo itself: seconds in a recipe are rounded.
    pub(super) fn num_frames(self, duration_s: f64, sample_rate: u32) -> usize {
        let seconds = self.tempo.map_or(duration_s, Tempo::duration_s);
        (seconds * f64::from(sample_rate)).round() as usize
    }

    /// The model on a circle of the recipe's length; with a tempo, a model of one-shots has one on every beat.
    pub(super) fn model(self, model: &Model, recipe: &Recipe) -> Result<Model> {
        let sample_rate = model.card.config.sample_rate;
        let seconds = self.tempo.map_or(recipe.duration_s, Tempo::duration_s);
        let clips = self.tempo.map(|tempo| tempo.beats() as usize);
        model.on_circle(seconds * f64::from(sample_rate), clips, &condition(recipe, &model.card))
    }

    /// One period at this rate, exactly.
    ///
    /// # Errors
    /// The resampler refuses.
    pub(super) fn at_rate(self, clip: &Clip, duration_s: f64, sample_rate: u32) -> Result<Clip> {
        resample_periodic(clip, self.num_frames(duration_s, sample_rate), sample_rate)
    }
}

#[cfg(test)]
#[path = "looping_tests.rs"]
mod tests;
