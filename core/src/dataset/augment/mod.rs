//! Fresh variations of a training example.
//!
//! One variation is drawn whole ([`Variation`]) before any of it is applied, in a fixed order, so that a stream means
//! the same variation whatever the sounds are.

mod attack;
mod decay;
mod layer;
mod tilt;
mod transpose;

use super::prepare::{ONSET, normalise, peak};
use super::window::{MAX_SEMITONES, circle};
use super::{Dataset, Example};
use crate::audio::saturate;
use crate::error::{DatasetError, Result};
use crate::noise::NoiseStream;
use layer::Mix;
pub(super) use tilt::Tilt;
use transpose::transpose;

/// Which variations training makes. Probabilities in 0..=1.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentConfig {
    /// Largest transposition either way, in semitones, 0..=12; of textures at most 4 are used.
    pub semitones: f32,
    /// Probability of turning the polarity.
    pub polarity: f32,
    /// Largest attenuation, dB, 0..=60.
    pub gain_db: f32,
    /// Largest spectral tilt either way, dB per octave, 0..=6.
    pub tilt_db_per_octave: f32,
    /// Largest change of decay by envelope reshaping: factor in `1/x..=x`, 1..=8.
    pub decay_factor: f32,
    /// Probability of layering a second sound of the class.
    pub layer: f32,
    /// Probability of a softer attack: a rise of 3 to 40 ms. Of textures none.
    pub soften: f32,
    /// Probability of saturation, by up to 12 dB. Of textures none.
    pub saturate: f32,
}

/// Shortest and longest rise of a softer attack, in seconds.
const RISE_S: [f32; 2] = [0.003, 0.04];
/// Most saturation, in dB.
const MOST_DRIVE_DB: f32 = 12.0;

impl Default for AugmentConfig {
    fn default() -> Self {
        Self {
            semitones: 3.0,
            polarity: 0.5,
            gain_db: 0.0,
            tilt_db_per_octave: 2.0,
            decay_factor: 1.6,
            layer: 0.25,
            soften: 0.15,
            saturate: 0.2,
        }
    }
}

impl AugmentConfig {
    /// No variation at all: every example as it is.
    pub const NONE: Self = Self {
        semitones: 0.0,
        polarity: 0.0,
        gain_db: 0.0,
        tilt_db_per_octave: 0.0,
        decay_factor: 1.0,
        layer: 0.0,
        soften: 0.0,
        saturate: 0.0,
    };

    /// Check every field against its range.
    ///
    /// # Errors
    /// The first field that is out of its range, by name.
    pub fn validate(&self) -> Result<()> {
        let fields = [
            ("augment.semitones", self.semitones, 0.0..=12.0, "0 to 12"),
            ("augment.polarity", self.polarity, 0.0..=1.0, "a probability, 0 to 1"),
            ("augment.gain_db", self.gain_db, 0.0..=60.0, "0 to 60"),
            ("augment.tilt_db_per_octave", self.tilt_db_per_octave, 0.0..=6.0, "0 to 6"),
            ("augment.decay_factor", self.decay_factor, 1.0..=8.0, "1 to 8"),
            ("augment.layer", self.layer, 0.0..=1.0, "a probability, 0 to 1"),
            ("augment.soften", self.soften, 0.0..=1.0, "a probability, 0 to 1"),
            ("augment.saturate", self.saturate, 0.0..=1.0, "a probability, 0 to 1"),
        ];
        for (field, found, range, needed) in fields {
            if !range.contains(&found) {
                return Err(DatasetError::Setting { field, found: found.to_string(), needed }.into());
            }
        }
        Ok(())
    }
}

/// One variation, drawn but not yet applied.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Variation {
    semitones: f32,
    tilt_db_per_octave: f32,
    decay_factor: f32,
    /// Amplitude, negative where the polarity turns.
    gain: f32,
    layer: Option<Layer>,
    /// Seconds of a softer attack.
    rise_s: Option<f32>,
    drive_db: f32,
}

/// What is laid over an example: which one, how transposed, how mixed.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Layer {
    index: usize,
    semitones: f32,
    mix: Mix,
}

impl Variation {
    fn draw(dataset: &Dataset, index: usize, config: &AugmentConfig, noise: &mut NoiseStream) -> Self {
        let either_way = |noise: &mut NoiseStream, most: f32| noise.uniform_in(-most, most);
        let most_semitones = dataset.most_semitones(config);
        let semitones = either_way(noise, most_semitones);
        let tilt_db_per_octave = either_way(noise, config.tilt_db_per_octave);
        let decay_factor = either_way(noise, config.decay_factor.ln()).exp();
        let sign = if noise.chance(config.polarity) { -1.0 } else { 1.0 };
        let gain = sign * 10f32.powf(-noise.uniform_in(0.0, config.gain_db) / 20.0);
        let wants_layer = noise.chance(config.layer);
        let partner_semitones = either_way(noise, most_semitones);
        let layer = wants_layer.then(|| Layer::draw(dataset, index, semitones, partner_semitones, noise)).flatten();
        let rises = noise.chance(config.soften) && !dataset.config.windows;
        let rise_s = RISE_S[0] * (RISE_S[1] / RISE_S[0]).powf(noise.uniform());
        let saturates = noise.chance(config.saturate) && !dataset.config.windows;
        let drive_db = noise.uniform_in(0.0, if saturates { MOST_DRIVE_DB } else { 0.0 });
        Self { semitones, tilt_db_per_octave, decay_factor, gain, layer, rise_s: rises.then_some(rise_s), drive_db }
    }
}

impl Layer {
    /// A partner of the class; pitched sounds meet on one pitch, or not at all if that is over an octave away.
    fn draw(dataset: &Dataset, index: usize, own: f32, other: f32, noise: &mut NoiseStream) -> Option<Self> {
        let example = &dataset.train[index];
        let partner = dataset.balance.pick_partner(example.class, index, noise)?;
        let mix = Mix::draw(noise);
        let semitones = match (example.pitch, dataset.train[partner].pitch) {
            (Some(a), Some(b)) => own + a - b,
            _ => other,
        };
        (semitones.abs() <= 12.0).then_some(Self { index: partner, semitones, mix })
    }
}

impl Dataset {
    /// A fresh variation of training example `index`, its attributes measured anew on its class's scale.
    ///
    /// Deterministic in `noise`. Peak 1 (less the drawn attenuation), onset where it was. Pitch follows the
    /// transposition. A variation that comes out silent gives the example as it is. Of a texture a loop from a drawn place,
    /// as loud as it lies in its recording.
    ///
    /// # Panics
    /// If `index` is not below `train.len()`.
    pub fn augment(&self, index: usize, config: &AugmentConfig, noise: &mut NoiseStream) -> Example {
        let example = &self.train[index];
        let Some((samples, pitch)) = self.vary(index, config, noise) else {
            let samples = self.config.as_heard(&example.samples).into_owned();
            return Example { samples, ..example.clone() };
        };
        let attributes = self.measure(example.class, pitch, &samples);
        let (class, path, group) = (example.class, example.path.clone(), example.group.clone());
        Example { samples, class, pitch, attributes, path, group }
    }

    /// Samples and pitch of a variation, unless it came out silent.
    pub(super) fn vary(
        &self,
        index: usize,
        config: &AugmentConfig,
        noise: &mut NoiseStream,
    ) -> Option<(Vec<f32>, Option<f32>)> {
        let variation = Variation::draw(self, index, config, noise);
        let example = &self.train[index];
        let mut samples = self.varied(&example.samples, &variation);
        let pitch = example.pitch.map(|pitch| pitch + variation.semitones);
        if self.config.windows {
            samples = circle(&samples, self.config.num_samples, self.most_semitones(config), noise.uniform());
        }
        let keeps_level = self.config.windows && peak(&samples) <= 1.0;
        if !keeps_level && !normalise(&mut samples) {
            return None;
        }
        samples.iter_mut().for_each(|x| *x *= variation.gain);
        Some((samples, pitch))
    }

    fn most_semitones(&self, config: &AugmentConfig) -> f32 {
        if self.config.windows { config.semitones.min(MAX_SEMITONES) } else { config.semitones }
    }

    fn varied(&self, samples: &[f32], variation: &Variation) -> Vec<f32> {
        let rate = self.config.sample_rate;
        let mut sound = transpose(samples, variation.semitones);
        if let Some(layer) = variation.layer {
            let other = transpose(&self.train[layer.index].samples, layer.semitones);
            layer.mix.apply(&mut sound, &other, rate);
        }
        decay::reshape(&mut sound, variation.decay_factor, rate);
        saturate(&mut sound, variation.drive_db);
        if let Some(rise_s) = variation.rise_s {
            attack::soften(&mut sound, rise_s, rate);
        }
        self.tools.tilt.apply(&mut sound, variation.tilt_db_per_octave);
        sound
    }
}
