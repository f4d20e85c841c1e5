//! Sounds longer than a model's clips, made block after block: only the last block is ever in memory.
//!
//! A model of one-shots gives a row of clips, each with a seed of its own. A model of textures (its network is circular:
//! it knows no place in time) goes on: each window begins with the end of the last one, which inpainting by replacement
//! keeps, and the phases of what is new are integrated from those of what is there. Nothing is averaged but a few
//! milliseconds that both windows agree on. The noise of a frame is drawn by its place in the whole sound. A file that
//! goes on is the window before the first.

use std::sync::Arc;

use candle_core::Tensor;

use super::condition::{away_from, condition};
use super::dc::DcBlocker;
use super::drift::Drift;
use super::fade::{Ends, fade_out};
use super::field::{of_side, turn};
use super::pipeline::{Job, finite};
use super::recipe::Recipe;
use super::request::samples_in;
use super::sounds::Workshop;
use super::stages::{RHO, set_levels};
use super::watch::Watch;
use crate::conditioning::Blend;
use crate::diffusion::{Denoiser, Knowing};
use crate::error::Result;
use crate::model::{Model, Sampling};
use crate::noise::{NoiseStream, Seed};
use crate::representation::{Frames, Maps};

/// The share of a window that the last one has made already.
const OVERLAP: usize = 4;

/// A long sound, divided into blocks.
pub(super) struct Long<'a> {
    shop: Workshop<'a>,
    recipe: &'a Recipe,
    /// The samples of the file that goes on; none where there is none.
    before: Arc<Vec<f32>>,
    /// Samples that are new, and how many of them anyone will hear.
    num_new: usize,
    num_heard: usize,
    /// Samples of the first block.
    first: usize,
    /// Samples that each other block adds; the last one fewer.
    step: usize,
}

impl<'a> Long<'a> {
    /// Of a recipe, if it is longer than the model's clips, or goes on from a file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of(shop: Workshop<'a>, recipe: &'a Recipe) -> Result<Option<Self>> {
        let model = shop.model;
        let num_new = samples_in(recipe.duration_s, model.card.config.sample_rate);
        let continues = recipe.edit.continues.as_ref();
        let is_long = continues.is_some() || num_new > model.representation.num_samples();
        if !is_long || recipe.looped.is_some() || recipe.edit.inpaint.is_some() {
            return Ok(None);
        }
        let before = continues.map(|file| shop.sounds.samples(file)).transpose()?.unwrap_or_default();
        let [first, step] = if is_texture(model) {
            let window = Window::of(model);
            [if continues.is_some() { window.step() - window.fade } else { window.first() }, window.step()]
        } else {
            [model.representation.num_samples(); 2]
        };
        Ok(Some(Self { shop, recipe, before, num_new, num_heard: num_new, first, step }))
    }

    /// The same in another workshop, of the same model: a side.
    pub fn on(&self, shop: Workshop<'a>) -> Self {
        Self { shop, before: self.before.clone(), ..*self }
    }

    /// Samples in all, with those of the file that goes on.
    pub fn num_samples(&self) -> usize {
        self.before.len() + self.num_new
    }

    /// The same, of which only the first `num_samples` need be made.
    pub fn heard_until(self, num_samples: usize) -> Self {
        let num_heard = num_samples.saturating_sub(self.before.len()).min(self.num_new);
        Self { num_heard, ..self }
    }

    /// Denoiser calls in all.
    ///
    /// # Errors
    /// A file that the recipe names cannot be read.
    pub fn num_evaluations(&self) -> Result<usize> {
        let num_blocks = 1 + self.num_heard.saturating_sub(self.first).div_ceil(self.step);
        let num_sounds = self.recipe.edit.turns().len();
        Ok(Job::new(self.shop, self.recipe)?.num_evaluations(num_sounds * num_blocks))
    }

    /// Make it; `sink` takes its samples in order, piece by piece, and may get some more than anyone will hear.
    ///
    /// # Errors
    /// As [`Job::make`]; as `sink`.
    pub fn make(&self, watch: &Watch, sink: &mut dyn FnMut(&[f32]) -> Result<()>) -> Result<()> {
        if is_texture(self.shop.model) {
            return Texture::new(self, watch).make(self, sink);
        }
        let mut before = self.before.to_vec();
        fade_out(&mut before, self.shop.model.card.config.sample_rate);
        sink(&before)?;
        self.row(watch, sink)
    }

    /// Clip after clip: number `i` is that of the recipe's seed plus `i`, at peak 1. By itself one may come out 40 dB above
    /// another, and the level of the whole row would be that of the one.
    fn row(&self, watch: &Watch, sink: &mut dyn FnMut(&[f32]) -> Result<()>) -> Result<()> {
        let sample_rate = f64::from(self.shop.model.card.config.sample_rate);
        for block in 0..self.num_heard.div_ceil(self.step) {
            let left = self.num_new - block * self.step;
            let seed = self.recipe.seed.wrapping_add(block as u64);
            let duration_s = left.min(self.step) as f64 / sample_rate;
            let mut one = Recipe { seed, duration_s, ..self.recipe.clone() };
            one.edit.continues = None;
            let (_, samples) = Job::new(self.shop, &one)?.make(None, watch)?;
            let gain = samples.iter().fold(SILENCE, |peak, x| peak.max(x.abs())).recip();
            sink(&samples.iter().map(|x| gain * x).collect::<Vec<_>>())?;
        }
        Ok(())
    }
}

/// Peak below which a clip of a row is not made louder.
const SILENCE: f32 = 1e-6;

/// Whether a model's sounds go on: its network knows no place in time, and its window has room for an overlap.
fn is_texture(model: &Model) -> bool {
    model.card.config.is_texture() && model.representation.num_frames() >= 2 * OVERLAP
}

/// The parts of a texture's window, in samples.
#[derive(Clone, Copy, Debug)]
struct Window {
    length: usize,
    /// At the start: frames, and with them samples, that are there already.
    overlap: usize,
    /// At the end: samples whose frames see silence behind the window; the next window makes them.
    margin: usize,
    /// Before the margin: samples that the next window mixes with its own.
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

    /// Samples of the first window that are final.
    fn first(self) -> usize {
        self.length - self.margin - self.fade
    }

    /// Samples that every other one makes final.
    fn step(self) -> usize {
        self.length - self.overlap
    }
}

/// A texture in the making.
struct Texture<'a> {
    model: &'a Model,
    turn: f64,
    recipe: &'a Recipe,
    watch: &'a Watch<'a>,
    condition: Blend,
    away_from: Blend,
    maps: Maps,
    drift: Drift,
    /// Whether it goes on from a file, whose levels are what they are.
    goes_on: bool,
    window: Window,
}

impl<'a> Texture<'a> {
    fn new(long: &Long<'a>, watch: &'a Watch<'a>) -> Self {
        let Long { shop: Workshop { model, turn, .. }, recipe, .. } = *long;
        let (condition, away_from) = (condition(recipe, &model.card), away_from(recipe, &model.card));
        let parts: Vec<_> = condition.parts().iter().map(|(weight, part)| (*weight, part.class)).collect();
        let maps = model.maps.mixed(&parts).level(model.representation.num_frames());
        let drift = Drift::of(recipe, &model.card, model.trained_frames());
        let (goes_on, window) = (!long.before.is_empty(), Window::of(model));
        Self { model, turn, recipe, watch, condition, away_from, maps, drift, goes_on, window }
    }

    /// `sink` gets what it goes on from, too.
    fn make(&self, long: &Long<'_>, sink: &mut dyn FnMut(&[f32]) -> Result<()>) -> Result<()> {
        let before = long.before.as_slice();
        let Window { overlap, margin, fade, .. } = self.window;
        // The end of what was made: its frames, and the samples of these that the margin leaves.
        let (mut frames, mut known) = if before.is_empty() { Default::default() } else { self.end_of(before)? };
        let held = fade.min(known.len()).min(before.len());
        sink(&before[..before.len() - held])?;
        // What is held back of a file is mixed with what is new, and filtered with it.
        let last = before.len().checked_sub(held + 1).map_or(0.0, |last| before[last]);
        let sample_rate = self.model.card.config.sample_rate;
        let mut blocker = DcBlocker::after(last, sample_rate);
        let mut left = held + long.num_new;
        let mut ends = if before.is_empty() { Ends::new(left, sample_rate) } else { Ends::last(left, sample_rate) };
        let unheard = long.num_new - long.num_heard;
        let mut block = 0;
        while left > unheard {
            let made = self.frames(block, &frames)?;
            let samples = self.samples(block, &made, &known)?;
            // What was held back is mixed now, and this window's last is held back for the next.
            let start = known.len() - if block == 0 { held } else { fade };
            let mut new = samples[start..samples.len() - margin - fade].to_vec();
            blocker.filter(&mut new);
            ends.fade(&mut new);
            sink(&new[..new.len().min(left)])?;
            left -= new.len().min(left);
            frames = made.data[made.data.len() - overlap / self.window.hop * made.num_channels..].to_vec();
            known = samples[samples.len() - overlap..samples.len() - margin].to_vec();
            block += 1;
        }
        Ok(())
    }

    /// What the first window begins with: the end of these samples, as normalised frames and as samples.
    fn end_of(&self, before: &[f32]) -> Result<(Vec<f32>, Vec<f32>)> {
        let Window { length, overlap, margin, .. } = self.window;
        let size = overlap - margin;
        let mut known = vec![0.0; size.saturating_sub(before.len())];
        known.extend(&before[before.len().saturating_sub(size)..]);
        let mut samples = known.clone();
        samples.resize(length, 0.0);
        let is_known: Vec<bool> = (0..length).map(|i| i < size).collect();
        let is_known = self.model.representation.known_frames(&is_known);
        let num_frames = is_known.iter().take_while(|&&known| known).count();
        let mut frames = self.model.representation.encode(&samples)?;
        self.maps.normalise(None, &mut frames);
        frames.data.truncate(num_frames * frames.num_channels);
        Ok((frames.data, known))
    }

    /// The window's frames: `known` first, as they are normalised, then new ones.
    fn frames(&self, block: usize, known: &[f32]) -> Result<Frames> {
        let (num_frames, num_channels) = (self.maps.mean[0].num_frames, self.maps.mean[0].num_channels);
        let shape = (1, num_frames, num_channels);
        let tensor = |data: &[f32]| Tensor::from_slice(data, shape, &self.model.device);
        let defaults = &self.model.card.config.sampling;
        let sigmas = self.recipe.sampler.sigmas(self.recipe.steps, defaults.sigma_min, defaults.sigma_max, RHO)?;
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
        let reach = self.drift.reach();
        let mut noise = vec![0.0; (num_frames + 2 * reach) * num_channels];
        let first = block * (self.window.step() / self.window.hop);
        for (frame, row) in noise.chunks_exact_mut(num_channels).enumerate() {
            // Before the first frame there are others, that only the drift sees.
            let place = ((first + frame) as u64).wrapping_sub(reach as u64);
            let stream = |purpose: &str| NoiseStream::new(Seed(self.recipe.seed), purpose, place);
            stream("frame").fill_normal(row);
            if self.turn > 0.0 {
                let mut side = stream(&of_side("frame", self.turn));
                turn(row, self.turn, std::iter::repeat_with(|| side.normal()));
            }
        }
        self.drift.filter_piece(&mut noise, &self.means(num_channels));
        let seen = &noise[reach * num_channels..][..num_frames * num_channels];
        seen.iter().map(|x| x * sigma as f32).collect()
    }

    /// What the noise of all windows has in common, a channel each.
    fn means(&self, num_channels: usize) -> Vec<f32> {
        let stream = |purpose: &str| NoiseStream::new(Seed(self.recipe.seed), purpose, 0);
        let mut means = vec![0.0; num_channels];
        stream("mean").fill_normal(&mut means);
        if self.turn > 0.0 {
            let mut side = stream(&of_side("mean", self.turn));
            turn(&mut means, self.turn, std::iter::repeat_with(|| side.normal()));
        }
        means
    }

    /// The window's samples: `known`, then what continues them.
    fn samples(&self, block: usize, frames: &Frames, known: &[f32]) -> Result<Vec<f32>> {
        self.watch.check()?;
        let mut frames = frames.clone();
        self.maps.denormalise(None, &mut frames);
        if !self.goes_on {
            set_levels(&mut frames, self.recipe, &self.model.card.config);
        }
        let mut phases = NoiseStream::new(Seed(self.recipe.seed), &of_side("block phase", self.turn), block as u64);
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
