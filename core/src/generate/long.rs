//! Sounds longer than a model's clips, made block after block: only the last block is ever in memory.
//!
//! A model of one-shots gives a row of clips, each with a seed of its own. A model of textures (its network is circular:
//! it knows no place in time) goes on: each window begins with the end of the last one, which inpainting by replacement
//! keeps, and the phases of what is new are integrated from those of what is there. Nothing is averaged but a few
//! milliseconds that both windows agree on. The noise of a frame is drawn by its place in the whole sound.

use candle_core::Tensor;

use super::condition::{away_from, condition};
use super::pipeline::{Job, finite};
use super::recipe::Recipe;
use super::request::samples_in;
use super::stages::RHO;
use super::watch::Watch;
use crate::conditioning::Blend;
use crate::diffusion::{Denoiser, Knowing, karras_sigmas};
use crate::error::Result;
use crate::model::{Model, Sampling};
use crate::noise::{NoiseStream, Seed};
use crate::representation::{Frames, Maps};

/// The share of a window that the last one has made already.
const OVERLAP: usize = 4;

/// How a long sound is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blocks {
    /// Samples of the whole.
    pub num_samples: usize,
    /// Samples of the first block.
    first: usize,
    /// Samples that each other block adds; the last one fewer.
    step: usize,
}

impl Blocks {
    /// Of a recipe, if it is longer than the model's clips.
    pub fn of(model: &Model, recipe: &Recipe) -> Option<Self> {
        let num_samples = samples_in(recipe.duration_s, model.card.config.sample_rate);
        let is_long = num_samples > model.representation.num_samples()
            && recipe.looped.is_none()
            && recipe.edit.inpaint.is_none();
        is_long.then(|| {
            let [first, step] = if is_texture(model) {
                let window = Window::of(model);
                [window.length - window.margin, window.step()]
            } else {
                [model.representation.num_samples(); 2]
            };
            Self { num_samples, first, step }
        })
    }

    /// Denoiser calls in all.
    ///
    /// # Errors
    /// A file that the recipe names cannot be read.
    pub fn num_evaluations(self, model: &Model, recipe: &Recipe) -> Result<usize> {
        let num_blocks = 1 + self.num_samples.saturating_sub(self.first).div_ceil(self.step);
        Ok(num_blocks * Job::new(model, recipe)?.num_evaluations())
    }
}

fn is_texture(model: &Model) -> bool {
    model.card.config.unet.circular && model.envelope.is_none()
}

/// Make a long sound; `sink` takes its samples in order, piece by piece.
///
/// # Errors
/// As [`Job::make`]; as `sink`.
pub(super) fn make_long(
    model: &Model,
    recipe: &Recipe,
    blocks: Blocks,
    watch: &Watch,
    sink: &mut dyn FnMut(&[f32]) -> Result<()>,
) -> Result<()> {
    match is_texture(model) {
        true => Texture::new(model, recipe, watch).make(blocks, sink),
        false => row(model, recipe, blocks, watch, sink),
    }
}

/// Clip after clip: number `i` is that of the recipe's seed plus `i`.
fn row(
    model: &Model,
    recipe: &Recipe,
    blocks: Blocks,
    watch: &Watch,
    sink: &mut dyn FnMut(&[f32]) -> Result<()>,
) -> Result<()> {
    let sample_rate = f64::from(model.card.config.sample_rate);
    for block in 0..blocks.num_samples.div_ceil(blocks.step) {
        let left = blocks.num_samples - block * blocks.step;
        let seed = recipe.seed.wrapping_add(block as u64);
        let one = Recipe { seed, duration_s: left.min(blocks.step) as f64 / sample_rate, ..recipe.clone() };
        sink(&Job::new(model, &one)?.make(watch)?.channels()[0])?;
    }
    Ok(())
}

/// The parts of a texture's window, in samples.
#[derive(Clone, Copy, Debug)]
struct Window {
    length: usize,
    /// At the start: frames, and with them samples, that are there already.
    overlap: usize,
    /// At the end: samples whose frames see silence behind the window; the next window makes them.
    margin: usize,
    /// Where both windows' samples are mixed, before the first new one.
    fade: usize,
    hop: usize,
}

impl Window {
    fn of(model: &Model) -> Self {
        let length = model.representation.num_samples();
        let hop = length / model.representation.num_frames();
        let margin = model.representation.reach().next_multiple_of(hop).min(length / OVERLAP);
        // What is known of the samples must hold a whole frame and the fade behind it.
        let overlap = (length / OVERLAP).max(3 * margin).min(length / 2) / hop * hop;
        Self { length, overlap, margin, fade: (margin / 2).max(1).min(overlap / 2), hop }
    }

    fn step(self) -> usize {
        self.length - self.overlap
    }
}

/// A texture in the making.
struct Texture<'a> {
    model: &'a Model,
    recipe: &'a Recipe,
    watch: &'a Watch<'a>,
    condition: Blend,
    away_from: Blend,
    maps: Maps,
    window: Window,
}

impl<'a> Texture<'a> {
    fn new(model: &'a Model, recipe: &'a Recipe, watch: &'a Watch<'a>) -> Self {
        let (condition, away_from) = (condition(recipe, &model.card), away_from(recipe, &model.card));
        let parts: Vec<_> = condition.parts().iter().map(|(weight, part)| (*weight, part.class)).collect();
        let maps = model.maps.mixed(&parts).level(model.representation.num_frames());
        Self { model, recipe, watch, condition, away_from, maps, window: Window::of(model) }
    }

    fn make(&self, blocks: Blocks, sink: &mut dyn FnMut(&[f32]) -> Result<()>) -> Result<()> {
        let Window { overlap, margin, .. } = self.window;
        let mut left = blocks.num_samples;
        // The end of what was made: its frames, and of these the samples that are final.
        let (mut frames, mut known) = (Vec::new(), Vec::new());
        let mut block = 0;
        while left > 0 {
            let made = self.frames(block, &frames)?;
            let samples = self.samples(block, &made, &known)?;
            let new = &samples[known.len()..samples.len() - margin];
            sink(&new[..new.len().min(left)])?;
            left -= new.len().min(left);
            frames = made.data[made.data.len() - overlap / self.window.hop * made.num_channels..].to_vec();
            known = samples[samples.len() - overlap..samples.len() - margin].to_vec();
            block += 1;
        }
        Ok(())
    }

    /// The window's frames: `known` first, as they are normalised, then new ones.
    fn frames(&self, block: usize, known: &[f32]) -> Result<Frames> {
        let (num_frames, num_channels) = (self.maps.mean[0].num_frames, self.maps.mean[0].num_channels);
        let shape = (1, num_frames, num_channels);
        let tensor = |data: &[f32]| Tensor::from_slice(data, shape, &self.model.device);
        let defaults = &self.model.card.config.sampling;
        let sigmas = karras_sigmas(self.recipe.steps, defaults.sigma_min, defaults.sigma_max, RHO)?;
        let mut data = known.to_vec();
        data.resize(num_frames * num_channels, 0.0);
        let is_known: Vec<u8> = (0..data.len()).map(|i| u8::from(i < known.len())).collect();
        let (data, is_known) = (tensor(&data)?, Tensor::from_slice(&is_known, shape, &self.model.device)?);
        let result = self.model.fine.sample(Sampling {
            sigmas: &sigmas,
            condition: &self.condition,
            away_from: &self.away_from,
            guidance: self.recipe.guidance,
            context: None,
            start: tensor(&self.noise(block, num_frames, num_channels, sigmas[0]))?,
            solve: &|guided, noise| {
                let inner: &dyn Denoiser = &self.watch.over(guided);
                self.recipe.sampler.sample(&Knowing { inner, data: &data, known: &is_known }, noise, &sigmas)
            },
        })?;
        Ok(Frames { data: result.flatten_all()?.to_vec1()?, num_frames, num_channels })
    }

    /// Noise by a frame's place in the whole sound.
    fn noise(&self, block: usize, num_frames: usize, num_channels: usize, sigma: f64) -> Vec<f32> {
        let mut noise = vec![0.0; num_frames * num_channels];
        let first = block * (self.window.step() / self.window.hop);
        for (frame, row) in noise.chunks_exact_mut(num_channels).enumerate() {
            NoiseStream::new(Seed(self.recipe.seed), "frame", (first + frame) as u64).fill_normal(row);
            row.iter_mut().for_each(|x| *x *= sigma as f32);
        }
        noise
    }

    /// The window's samples: `known`, then what continues them.
    fn samples(&self, block: usize, frames: &Frames, known: &[f32]) -> Result<Vec<f32>> {
        self.watch.check()?;
        let mut frames = frames.clone();
        self.maps.denormalise(None, &mut frames);
        let mut phases = NoiseStream::new(Seed(self.recipe.seed), "block phase", block as u64);
        let mut samples = self.model.representation.decode_after(known, &frames, &mut phases)?;
        finite(&samples, self.recipe)?;
        let fade = self.window.fade.min(known.len());
        let start = known.len() - fade;
        samples[..start].copy_from_slice(&known[..start]);
        for (i, (new, &old)) in samples[start..known.len()].iter_mut().zip(&known[start..]).enumerate() {
            let weight = (i as f32 + 0.5) / fade as f32;
            *new = old + weight * (*new - old);
        }
        Ok(samples)
    }
}

#[cfg(test)]
#[path = "long_tests.rs"]
mod tests;
