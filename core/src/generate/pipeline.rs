//! How one clip is made: noise, sampler, normalisation undone, representation undone, cut to length.

use candle_core::Tensor;

use super::recipe::Recipe;
use super::request::{condition, samples_in};
use super::watch::Watch;
use crate::audio::Clip;
use crate::conditioning::Condition;
use crate::diffusion::{Denoiser, karras_sigmas};
use crate::error::{GenerateError, Result};
use crate::model::{EnvelopePart, Model, Sampling, Stage, envelope_context};
use crate::noise::{NoiseStream, Seed};
use crate::representation::{Frames, RepresentationConfig};

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
    let run = Run { model, recipe, watch, condition: condition(recipe, &model.card) };
    let frames = match &model.envelope {
        None => run.one_stage()?,
        Some(part) => run.two_stages(part)?,
    };
    watch.check()?;
    let mut phases = NoiseStream::new(Seed(recipe.seed), "phase", 0);
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
    condition: Condition,
}

impl Run<'_> {
    /// The network gives the frames, normalised by the class's maps.
    fn one_stage(&self) -> Result<Frames> {
        let mut frames = self.sample(&self.model.fine, "fine", self.fine_shape(), None)?;
        self.model.maps.denormalise(self.condition.class, &mut frames);
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
        part.maps.denormalise(self.condition.class, &mut envelope);
        let floor = floor_db(&self.model.card.config.representation);
        envelope.data.iter_mut().for_each(|db| *db = db.clamp(floor, ENVELOPE_CEILING_DB));
        Ok(envelope)
    }

    fn fine_shape(&self) -> [usize; 2] {
        [self.model.representation.num_frames(), self.model.representation.num_channels()]
    }

    /// Unit-variance frames of `shape` from the stage; its noise comes from the stream `purpose` of the seed.
    fn sample(&self, stage: &Stage, purpose: &str, shape: [usize; 2], context: Option<&Tensor>) -> Result<Frames> {
        let defaults = &self.model.card.config.sampling;
        let sigmas = karras_sigmas(self.recipe.steps, defaults.sigma_min, defaults.sigma_max, RHO)?;
        let request = Sampling { sigmas: &sigmas, condition: self.condition.clone(), guidance: self.recipe.guidance };
        let noise = self.to_tensor(&noise(self.recipe.seed, purpose, shape, sigmas[0]))?;
        let solve =
            |guided: &dyn Denoiser, noise: Tensor| self.recipe.sampler.sample(&self.watch.over(guided), noise, &sigmas);
        let data = stage.sample(&request, noise, context, &solve)?;
        let [num_frames, num_channels] = shape;
        Ok(Frames { data: data.flatten_all()?.to_vec1()?, num_frames, num_channels })
    }

    /// A batch of one on the model's device: `[1, frames, channels]`.
    fn to_tensor(&self, frames: &Frames) -> Result<Tensor> {
        let shape = (1, frames.num_frames, frames.num_channels);
        Ok(Tensor::from_slice(&frames.data, shape, &self.model.device)?)
    }
}

/// White noise of standard deviation `sigma`.
fn noise(seed: u64, purpose: &str, [num_frames, num_channels]: [usize; 2], sigma: f64) -> Frames {
    let mut frames = Frames::zeros(num_frames, num_channels);
    NoiseStream::new(Seed(seed), purpose, 0).fill_normal(&mut frames.data);
    frames.data.iter_mut().for_each(|value| *value *= sigma as f32);
    frames
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

    #[test]
    fn noise_has_its_sigma_and_its_stages_differ() {
        let fine = noise(1, "fine", [64, 64], 40.0);
        let power = fine.data.iter().map(|x| f64::from(x * x)).sum::<f64>() / 4096.0;
        // Five standard errors of a variance over 4,096 normals: 5 sqrt(2 / 4096) = 11 %.
        assert!((power / 1600.0 - 1.0).abs() < 0.11, "{power}");
        assert_ne!(fine.data, noise(1, "envelope", [64, 64], 40.0).data);
    }
}
