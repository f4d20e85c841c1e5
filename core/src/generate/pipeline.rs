//! How one clip is made: the networks give frames, the representation is undone, the clip is cut to length.
//!
//! Read next: `stages.rs`, where the networks run; `inpaint.rs`, where a sound is made around another.

use super::condition::{condition, own_condition};
use super::edit::{Init, Morph, MorphEnd};
use super::field::{inverted_files, of_side, phase_seed};
use super::inpaint::Painting;
use super::recipe::Recipe;
use super::request::samples_in;
use super::sound_file::SoundFile;
use super::sounds::Workshop;
use super::stages::{Guide, INVERSION_EVALUATIONS, Run, unknown_noises};
use super::transient::Start;
use super::tune::in_tune;
use super::watch::Watch;
use crate::audio::{Clip, resample_periodic};
use crate::conditioning::Attribute;
use crate::error::{GenerateError, Result};
use crate::model::ModelConfig;
use crate::noise::{NoiseStream, Seed};
use crate::representation::{Frames, RepresentationConfig};

/// Longest fade at a clip's end, in seconds: short enough to keep the sound, long enough not to click.
const FADE_S: f64 = 0.005;
/// Lower than any drum.
const LOWEST_HZ: f64 = 10.0;

/// A resolved recipe with the files that it starts from, read.
pub(super) struct Job<'a> {
    shop: Workshop<'a>,
    recipe: &'a Recipe,
    /// The files that are inverted or started from, as frames.
    sounds: Vec<(SoundFile, Frames)>,
    painting: Option<Painting>,
}

impl<'a> Job<'a> {
    /// Read the files.
    ///
    /// # Errors
    /// One cannot be read, or holds another sound than the recipe was made from.
    pub(super) fn new(shop: Workshop<'a>, recipe: &'a Recipe) -> Result<Self> {
        let mut sounds: Vec<(SoundFile, Frames)> = Vec::new();
        let card = &shop.model.card;
        let inverted = inverted_files(recipe).into_iter().map(|(file, inner)| (file, own_condition(inner, card)));
        for (file, asked) in inverted.chain(heard(recipe).map(|init| (&init.file, condition(recipe, card)))) {
            if !sounds.iter().any(|(known, _)| known == file) {
                let example = in_form(shop, recipe, file)?;
                let representation = shop.model.representation_at(shop.model.octaves(&asked));
                sounds.push((file.clone(), representation.encode(&example)?));
            }
        }
        let painting = recipe.edit.inpaint.as_ref();
        let painting = painting.map(|inpaint| Painting::new(inpaint, recipe.looped.is_some(), shop)).transpose()?;
        Ok(Self { shop, recipe, sounds, painting })
    }

    /// The same in another workshop, of the same model: a side.
    pub(super) fn on(&self, shop: Workshop<'a>) -> Job<'a> {
        Self { shop, sounds: self.sounds.clone(), painting: self.painting.clone(), ..*self }
    }

    /// Denoiser calls that so many clips of the recipe cost, over all stages.
    pub(super) fn num_evaluations(&self, num_clips: usize) -> usize {
        let model = self.shop.model;
        // Every clip on a circle has an envelope of its own.
        let num_stages = 1 + model.envelope.as_ref().map_or(0, |_| model.clips_on_circle());
        let num_windows = self.painting.as_ref().map_or(1, Painting::num_windows);
        let sampling = num_stages * num_windows * self.recipe.sampler.num_evaluations(self.recipe.steps);
        num_clips * sampling + unknown_noises(self.shop, self.recipe).len() * INVERSION_EVALUATIONS
    }

    /// Find the noise of every file that the recipe inverts, unless it is known.
    ///
    /// # Errors
    /// Cancelled.
    pub(super) fn invert_ahead(&self, watch: &Watch) -> Result<()> {
        Run::new(self.shop, self.recipe, watch, &self.sounds).invert_all()
    }

    /// Make the clip's samples.
    ///
    /// # Errors
    /// Cancelled; the model gave no finite sound.
    pub(super) fn make(&self, watch: &Watch) -> Result<Vec<f32>> {
        let samples = match &self.painting {
            Some(painting) => painting.paint(self.shop, self.recipe, watch)?,
            None => self.sound(watch)?,
        };
        finite(&samples, self.recipe)?;
        Ok(samples)
    }

    fn sound(&self, watch: &Watch) -> Result<Vec<f32>> {
        let guide = match (heard(self.recipe), self.sounds.last()) {
            (Some(init), Some((_, frames))) => Guide::Near(frames, init.sigma()),
            _ => Guide::Nothing,
        };
        let run = Run::new(self.shop, self.recipe, watch, &self.sounds);
        let mut frames = run.frames(guide)?;
        silence_lowest(&mut frames, &self.shop.model.card.config);
        watch.check()?;
        let mut phases = NoiseStream::new(Seed(phase_seed(self.recipe)), &of_side("phase", self.shop.turn), 0);
        let mut samples = self.shop.model.representation_at(run.octaves).decode(&frames, &mut phases)?;
        let sample_rate = self.shop.model.card.config.sample_rate;
        if let Some(looped) = self.recipe.looped {
            finite(&samples, self.recipe)?;
            let period = Clip::mono(samples, sample_rate)?;
            return Ok(looped.at_rate(&period, self.recipe.duration_s, sample_rate)?.into_channels().remove(0));
        }
        let config = &self.shop.model.card.config;
        if !config.is_texture() {
            block_dc(&mut samples, sample_rate);
            if let Some(note) = self.recipe.pitch.filter(|_| config.partials) {
                samples = in_tune(samples, sample_rate, note)?;
            }
            let start = Start { onset: config.representation.onset(), sample_rate };
            start.set_attack(&mut samples, asked(self.recipe, Attribute::Attack));
            start.set_loudness(&mut samples, asked(self.recipe, Attribute::Loudness));
            // A note may sound on nearly to its end: whoever holds its key expects it to.
            die_away(&mut samples, if config.partials { 10 } else { 5 });
        }
        samples.truncate(samples_in(self.recipe.duration_s, sample_rate).max(1));
        fade_out(&mut samples, sample_rate);
        Ok(samples)
    }
}

/// What a recipe asks of an attribute, or the middle; of a morph to another recipe what lies between the two.
fn asked(recipe: &Recipe, attribute: Attribute) -> f32 {
    let own = recipe.attributes.get(&attribute).copied().unwrap_or(0.5);
    match &recipe.edit.morph {
        Some(Morph { to: MorphEnd::Recipe(other), amount, .. }) => {
            let amount = *amount as f32;
            // Each end is met exactly.
            (1.0 - amount) * own + amount * asked(other, attribute)
        }
        _ => own,
    }
}

/// The file's sound as the networks know sounds: as a training example, or as a loop.
fn in_form(shop: Workshop<'_>, recipe: &Recipe, file: &SoundFile) -> Result<Vec<f32>> {
    let (sample_rate, num_samples) = (shop.model.card.config.sample_rate, shop.model.representation.num_samples());
    let samples = shop.sounds.samples(file)?;
    let Some(looped) = recipe.looped else { return file.example(&samples, sample_rate, num_samples) };
    let period = looped.num_frames(recipe.duration_s, sample_rate);
    let ring = Clip::mono(file.ring(&samples, sample_rate, period)?, sample_rate)?;
    // The circle of the frames is longer or shorter by some samples, as the loop is that comes out of it.
    Ok(resample_periodic(&ring, num_samples, sample_rate)?.into_channels().remove(0))
}

/// # Errors
/// Some of the samples are infinite, or no numbers.
pub(super) fn finite(samples: &[f32], recipe: &Recipe) -> Result<()> {
    match samples.iter().all(|sample| sample.is_finite()) {
        true => Ok(()),
        false => Err(GenerateError::NotFinite { model: recipe.model.clone(), seed: recipe.seed }.into()),
    }
}

/// The file that the sampler starts from, unless noise hides all of it.
fn heard(recipe: &Recipe) -> Option<&Init> {
    recipe.edit.init.as_ref().filter(|init| init.noise_level < 1.0)
}

impl Init {
    /// The noise that the sampler starts from, where the network sees `cos t data + sin t noise` with `sigma = tan t`
    /// and `t` goes from 0 to 90 degrees with the level.
    fn sigma(&self) -> f64 {
        libm::tan(self.noise_level * std::f64::consts::FRAC_PI_2)
    }
}

/// Take away what lies below [`LOWEST_HZ`], by a pole and a zero: magnitudes that are a little off give the lowest bins a mean
/// that no recording has.
fn block_dc(samples: &mut [f32], sample_rate: u32) {
    let pole = libm::exp(-std::f64::consts::TAU * LOWEST_HZ / f64::from(sample_rate));
    let (mut before, mut out) = (0.0, 0.0);
    for sample in samples {
        let x = f64::from(*sample);
        out = pole * out + 0.5 * (1.0 + pole) * (x - before);
        before = x;
        *sample = out as f32;
    }
}

/// A texture has nothing that is heard in the lowest bin, around 0 Hz; what the network leaves there would be a mean. On a
/// circle no filter could take that away and come round.
pub(super) fn silence_lowest(frames: &mut Frames, config: &ModelConfig) {
    if let RepresentationConfig::LogMagnitude { floor_db, .. } = config.representation
        && config.is_texture()
    {
        frames.data.iter_mut().step_by(frames.num_channels).for_each(|db| *db = floor_db);
    }
}

/// A raised-cosine fade over the last of so many parts of a whole clip: what would ring for longer than the model's clips dies
/// away instead of being cut.
fn die_away(samples: &mut [f32], parts: usize) {
    fade_last(samples, samples.len() / parts);
}

/// A raised-cosine fade over the last 5 ms (or a quarter of a very short clip); the last sample is 0.
pub(super) fn fade_out(samples: &mut [f32], sample_rate: u32) {
    fade_last(samples, samples_in(FADE_S, sample_rate).min(samples.len() / 4));
}

fn fade_last(samples: &mut [f32], length: usize) {
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
    fn a_mean_goes_and_a_bass_drum_stays() {
        let tone = |i: usize| (std::f64::consts::TAU * 50.0 * i as f64 / 44_100.0).sin();
        let mut samples: Vec<f32> = (0..44_100).map(|i| (0.2 + tone(i)) as f32).collect();
        block_dc(&mut samples, 44_100);
        let rest = &samples[22_050..];
        let mean = rest.iter().map(|&x| f64::from(x)).sum::<f64>() / rest.len() as f64;
        let peak = rest.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        // Half a second is five time constants of a pole at 10 Hz, and 50 Hz lose 2 % there.
        assert!(mean.abs() < 1e-3 && (0.97..1.0).contains(&peak), "{mean} {peak}");
    }

    #[test]
    fn a_clip_dies_away_over_its_last_fifth() {
        let mut samples = vec![1.0; 1000];
        die_away(&mut samples, 5);
        assert!(samples[..800].iter().all(|x| *x == 1.0) && samples[999] == 0.0);
        assert!((samples[899] - 0.5).abs() < 1e-6 && samples.windows(2).all(|pair| pair[0] >= pair[1]));
    }

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
