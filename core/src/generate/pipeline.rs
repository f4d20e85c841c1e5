//! How one clip is made: the networks give frames, the representation is undone, the clip is cut to length.
//!
//! Read next: `stages.rs`, where the networks run; `inpaint.rs`, where a sound is made around another.

use super::attack::Attack;
use super::condition::{asked, condition, own_condition};
use super::crest::Crest;
use super::dc::{DcBlocker, block_dc_around};
use super::edit::Init;
use super::fade::{die_away, fade_ends, fade_out};
use super::field::{inverted_files, of_side, phase_seed};
use super::inpaint::Painting;
use super::level::Place;
use super::recipe::Recipe;
use super::request::samples_in;
use super::sound_file::SoundFile;
use super::sounds::Workshop;
use super::stages::{Guide, INVERSION_EVALUATIONS, Run, unknown_noises};
use super::transient::Start;
use super::tune::{asked_note, best_take, in_tune};
use super::watch::Watch;
use crate::audio::{Clip, resample_periodic};
use crate::conditioning::Attribute;
use crate::error::{GenerateError, Result};
use crate::model::StageSampling;
use crate::noise::{NoiseStream, Seed};
use crate::representation::Frames;

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
        for (file, asked) in inverted.chain(recipe.edit.heard().map(|init| (&init.file, condition(recipe, card)))) {
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
        let calls = |stage: StageSampling| stage.sampler.num_evaluations(stage.steps);
        // Every clip on a circle has an envelope of its own.
        let num_envelopes = model.envelope.as_ref().map_or(0, |_| model.clips_on_circle());
        let of_envelopes = num_envelopes * calls(self.recipe.envelope_sampling(&model.card.config));
        let num_windows = self.painting.as_ref().map_or(1, Painting::num_windows);
        num_clips * num_windows * (of_envelopes + calls(self.recipe.sampling()))
            + unknown_noises(self.shop, self.recipe).len() * INVERSION_EVALUATIONS
    }

    /// Find the noise of every file that the recipe inverts, unless it is known.
    ///
    /// # Errors
    /// Cancelled.
    pub(super) fn invert_ahead(&self, watch: &Watch) -> Result<()> {
        Run::new(self.shop, self.recipe, watch, &self.sounds).invert_all()
    }

    /// Make the clip's samples: this take of them, or the best of a note, whose number comes with them.
    ///
    /// # Errors
    /// Cancelled; the model gave no finite sound.
    pub(super) fn make(&self, take: Option<u64>, watch: &Watch) -> Result<(u64, Vec<f32>)> {
        if let Some(painting) = &self.painting {
            let samples = painting.paint(self.shop, self.recipe, watch)?;
            finite(&samples, self.recipe)?;
            return Ok((0, samples));
        }
        match take {
            Some(take) => Ok((take, self.sound(take, watch)?.0)),
            // Who looks at the progress expects one take.
            None => best_take(|take| if take == 0 { self.sound(0, watch) } else { self.sound(take, &watch.silent()) }),
        }
    }

    /// This take of the sound, and how much of it is in tune: all of it, where it is no note that comes out of noise.
    fn sound(&self, take: u64, watch: &Watch) -> Result<(Vec<f32>, f64)> {
        let guide = match (self.recipe.edit.heard(), self.sounds.last()) {
            (Some(init), Some((_, frames))) => Guide::Near(frames, init.sigma()),
            _ => Guide::Nothing,
        };
        let run = Run::new(Workshop { take, ..self.shop }, self.recipe, watch, &self.sounds);
        let frames = run.frames(guide)?;
        watch.check()?;
        let mut phases = NoiseStream::new(Seed(phase_seed(self.recipe)), &of_side("phase", self.shop.turn), 0);
        let mut samples = self.shop.model.representation_at(run.octaves).decode(&frames, &mut phases)?;
        finite(&samples, self.recipe)?;
        let sample_rate = self.shop.model.card.config.sample_rate;
        if let Some(looped) = self.recipe.looped {
            if self.shop.model.card.config.is_texture() {
                block_dc_around(&mut samples, sample_rate);
            }
            let period = Clip::mono(samples, sample_rate)?;
            let samples = looped.at_rate(&period, self.recipe.duration_s, sample_rate)?.into_channels().remove(0);
            return Ok((samples, 1.0));
        }
        let mut held = 1.0;
        let config = &self.shop.model.card.config;
        // What rumbles below the lowest note is none of it: there the filter is steeper.
        for _ in 0..if config.partials { 2 } else { 1 } {
            DcBlocker::new(sample_rate).filter(&mut samples);
        }
        if !config.is_texture() {
            if let Some(note) = asked_note(self.recipe).filter(|_| config.partials) {
                (samples, held) = in_tune(samples, sample_rate, note)?;
            }
            let onset = config.representation.onset();
            // A file's sound has its own attack, until another is asked for.
            let is_own = !self.sounds.is_empty() && !self.recipe.attributes.contains_key(&Attribute::Attack);
            let place = Place { onset, sample_rate, note: asked_note(self.recipe) };
            if let Some(attack) = Attack::of(self.recipe, &self.shop.model.card).filter(|_| !is_own) {
                attack.set(&mut samples, place);
            }
            if let Some(crest) = Crest::of(self.recipe, &self.shop.model.card).filter(|_| !is_own) {
                crest.set(&mut samples, place);
            }
            let start = Start { onset, sample_rate };
            start.set_loudness(&mut samples, asked(self.recipe, Attribute::Loudness));
            // A note may sound on nearly to its end: whoever holds its key expects it to.
            die_away(&mut samples, if config.partials { 10 } else { 5 });
        }
        samples.truncate(samples_in(self.recipe.duration_s, sample_rate).max(1));
        let fade = if config.is_texture() { fade_ends } else { fade_out };
        fade(&mut samples, sample_rate);
        // What begins as a file's noise has but one take.
        Ok((samples, if self.sounds.is_empty() { held } else { 1.0 }))
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

impl Init {
    /// The noise that the sampler starts from, where the network sees `cos t data + sin t noise` with `sigma = tan t`
    /// and `t` goes from 0 to 90 degrees with the level.
    fn sigma(&self) -> f64 {
        libm::tan(self.noise_level * std::f64::consts::FRAC_PI_2)
    }
}
