//! How one clip is made: noise, sampler, normalisation undone, representation undone, cut to length.

use candle_core::Tensor;

use super::condition::{away_from, condition};
use super::field::{field, phase_seed};
use super::recipe::Recipe;
use super::request::samples_in;
use super::watch::Watch;
use crate::audio::Clip;
use crate::conditioning::Blend;
use crate::diffusion::karras_sigmas;
use crate::error::{GenerateError, Result};
use crate::model::{EnvelopePart, Model, Sampling, Stage, envelope_context};
use crate::noise::{NoiseStream, Seed};
use crate::representation::{Frames, Maps, RepresentationConfig};

/// Bend of the noise schedule (Karras et al. 2022).
const RHO: f64 = 7.0;
/// Longest fade at a clip's end, in seconds: short enough to keep the sound, long enough not to click.
const FADE_S: f64 = 0.005;
/// No cell of a peak-normalised sound's envelope lies above this many dB relative to a full-scale sine.
const ENVELOPE_CEILING_DB: f32 = 6.0;

/// Denoiser calls that `recipe` costs with this model, over all stages.
pub(super) fn num_evaluations(model: &Model, recipe: &Recipe) -> usize {
    let num_stages = 1 + usize::from(model.envelope.is_some());
    num_stages * recipe.sampler.num_evaluations(recipe.steps)
}

/// Make the clip of a resolved recipe.
pub(super) fn make_clip(model: &Model, recipe: &Recipe, watch: &Watch) -> Result<Clip> {
    let (condition, away_from) = (condition(recipe, &model.card), away_from(recipe, &model.card));
    let run = Run { model, recipe, watch, condition, away_from };
    let frames = match &model.envelope {
        None => run.one_stage()?,
        Some(part) => run.two_stages(part)?,
    };
    watch.check()?;
    let mut phases = NoiseStream::new(Seed(phase_seed(recipe)), "phase", 0);
    let mut samples = model.representation.decode(&frames, &mut phases)?;
    if !samples.iter().all(|sample| sample.is_finite()) {
        return Err(GenerateError::NotFinite { model: recipe.model.clone(), seed: recipe.seed }.into());
    }
    let sample_rate = model.card.config.sample_rate;
    samples.truncate(samples_in(recipe.duration_s, sample_rate).max(1));
    fade_out(&mut samples, sample_rate);
    Clip::mono(samples, sample_rate)
}

struct Run<'a> {
    model: &'a Model,
    recipe: &'a Recipe,
    watch: &'a Watch<'a>,
    condition: Blend,
    away_from: Blend,
}

impl Run<'_> {
    /// The network gives the frames, normalised by the class's maps.
    fn one_stage(&self) -> Result<Frames> {
        let mut frames = self.sample(&self.model.fine, "fine", self.fine_shape(), None)?;
        self.class_maps(&self.model.maps).denormalise(None, &mut frames);
        Ok(frames)
    }

    /// One network gives the envelope, the other what it leaves out: the residual, in dB.
    fn two_stages(&self, part: &EnvelopePart) -> Result<Frames> {
        let expanded = part.grid.expand(&self.envelope(part)?);
        let context = self.to_tensor(&envelope_context(&expanded))?;
        let mut frames = self.sample(&self.model.fine, "fine", self.fine_shape(), Some(&context))?;
        self.model.maps.denormalise(None, &mut frames);
        frames.data.iter_mut().zip(&expanded.data).for_each(|(residual, envelope)| *residual += envelope);
        Ok(frames)
    }

    fn envelope(&self, part: &EnvelopePart) -> Result<Frames> {
        let grid = self.model.card.config.envelope.as_ref().map(|config| &config.grid);
        // A model with an envelope part has its config: both come from one card.
        let shape = grid.map_or([0, 0], |grid| [grid.columns, grid.bands]);
        let mut envelope = self.sample(&part.stage, "envelope", shape, None)?;
        self.class_maps(&part.maps).denormalise(None, &mut envelope);
        let floor = floor_db(&self.model.card.config.representation);
        envelope.data.iter_mut().for_each(|db| *db = db.clamp(floor, ENVELOPE_CEILING_DB));
        Ok(envelope)
    }

    /// The map of the class, or what lies between those of several.
    fn class_maps(&self, maps: &Maps) -> Maps {
        let parts: Vec<_> = self.condition.parts().iter().map(|(weight, part)| (*weight, part.class)).collect();
        maps.mixed(&parts)
    }

    fn fine_shape(&self) -> [usize; 2] {
        [self.model.representation.num_frames(), self.model.representation.num_channels()]
    }

    /// Unit-variance frames of `shape` from the stage; its noise comes from the stream `purpose` of the seed.
    fn sample(&self, stage: &Stage, purpose: &str, shape: [usize; 2], context: Option<&Tensor>) -> Result<Frames> {
        let defaults = &self.model.card.config.sampling;
        let sigmas = karras_sigmas(self.recipe.steps, defaults.sigma_min, defaults.sigma_max, RHO)?;
        let data = stage.sample(Sampling {
            sigmas: &sigmas,
            condition: &self.condition,
            away_from: &self.away_from,
            guidance: self.recipe.guidance,
            context,
            start: self.to_tensor(&self.noise(purpose, shape, sigmas[0]))?,
            solve: &|guided, noise| self.recipe.sampler.sample(&self.watch.over(guided), noise, &sigmas),
        })?;
        let [num_frames, num_channels] = shape;
        Ok(Frames { data: data.flatten_all()?.to_vec1()?, num_frames, num_channels })
    }

    /// The noise of this recipe, of standard deviation `sigma`.
    fn noise(&self, purpose: &str, [num_frames, num_channels]: [usize; 2], sigma: f64) -> Frames {
        let mut data = field(self.recipe, purpose, num_frames * num_channels);
        data.iter_mut().for_each(|value| *value *= sigma as f32);
        Frames { data, num_frames, num_channels }
    }

    /// A batch of one on the model's device: `[1, frames, channels]`.
    fn to_tensor(&self, frames: &Frames) -> Result<Tensor> {
        let shape = (1, frames.num_frames, frames.num_channels);
        Ok(Tensor::from_slice(&frames.data, shape, &self.model.device)?)
    }
}

/// The level below which the representation knows only silence. Only log-magnitude has an envelope stage.
fn floor_db(config: &RepresentationConfig) -> f32 {
    match config {
        RepresentationConfig::LogMagnitude { floor_db, .. } => *floor_db,
        _ => f32::NEG_INFINITY,
    }
}

/// A raised-cosine fade over the last 5 ms (or a quarter of a very short clip); the last sample is 0.
fn fade_out(samples: &mut [f32], sample_rate: u32) {
    let length = samples_in(FADE_S, sample_rate).min(samples.len() / 4);
    let start = samples.len() - length;
    for (i, sample) in samples[start..].iter_mut().enumerate() {
        let position = (i + 1) as f64 / length as f64;
        *sample *= (0.5 + 0.5 * libm::cos(std::f64::consts::PI * position)) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fade_ends_in_silence_and_leaves_the_start_alone() {
        let mut samples = vec![1.0; 1000];
        fade_out(&mut samples, 44_100);
        let faded = samples.iter().filter(|&&sample| sample < 1.0).count();
        // 5 ms at 44.1 kHz are 220.5 samples, rounded away from zero.
        assert_eq!(faded, 221);
        assert_eq!(samples[999], 0.0);
        assert!(samples.windows(2).all(|pair| pair[0] >= pair[1]));
    }
}
