//! The networks of a model, run for one recipe: from noise and what is known of the sound to frames.

use candle_core::Tensor;

use super::condition::{asked, away_from, condition, meant_brightness, own_condition};
use super::contrast::set_noisiness;
use super::drift::{self, Drift};
use super::field::{Fields, inverted_files, of_side, turn};
use super::recipe::Recipe;
use super::sound_file::SoundFile;
use super::sounds::{Inversion, Sounds, Workshop};
use super::steady::Steadying;
use super::tilt::set_brightness;
use super::watch::Watch;
use crate::conditioning::{Attribute, Blend};
use crate::diffusion::{Denoiser, Knowing, Sampler, invert, karras_sigmas};
use crate::error::Result;
use crate::model::{EnvelopePart, Model, ModelConfig, Sampling, Stage, StageSampling, told_blend};
use crate::representation::{Frames, Lobes, Maps, RepresentationConfig};

/// Bend of the noise schedule (Karras et al. 2022).
pub(super) const RHO: f64 = 7.0;
/// Steps of an inversion: what is lost then is less than what a sampler's own steps lose.
const INVERSION_STEPS: usize = 32;
/// No cell of a peak-normalised sound's envelope lies above this many dB relative to a full-scale sine.
const ENVELOPE_CEILING_DB: f32 = 6.0;

/// What brings the envelope of a note to rest, in the grid's columns.
const STEADY_ENVELOPE: Steadying = Steadying { frames: [1.0, 10.0], growth: 0.5, db: 16.0 };
/// What brings the frames of a note to rest, and those of a stroke, which has no time to waver; widest Gaussian, in seconds.
const STEADY_NOTE: (f64, Steadying) = (0.12, Steadying { frames: [1.0, 1.0], growth: 0.2, db: 12.0 });
const STEADY_STROKE: (f64, Steadying) = (0.058, Steadying { frames: [0.4, 0.4], growth: 0.15, db: 10.0 });

/// Denoiser calls that one inversion costs, in one stage.
pub(super) const INVERSION_EVALUATIONS: usize = 2 * (INVERSION_STEPS - 1);

/// What is known of a sound before it is made.
#[derive(Clone, Copy)]
pub(super) enum Guide<'a> {
    /// Nothing: it comes out of noise.
    Nothing,
    /// That it is near these frames: as noise of this sigma hides them.
    Near(&'a Frames, f64),
    /// These frames, where the flag of a frame is set.
    Around(&'a Frames, &'a [bool]),
}

/// One recipe on its way through the networks.
pub(super) struct Run<'a> {
    pub model: &'a Model,
    pub recipe: &'a Recipe,
    pub watch: &'a Watch<'a>,
    /// The frames of every file that is inverted.
    pub files: &'a [(SoundFile, Frames)],
    sounds: &'a Sounds,
    turn: f64,
    take: u64,
    condition: Blend,
    away_from: Blend,
    /// By which the networks see the sound higher than it is.
    pub octaves: u32,
}

/// What a stage makes of a sound.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    /// The envelope of one clip: of the only one, or, on a circle, of each.
    Envelope(usize),
    /// The frames, or what the envelopes leave out of them.
    Fine,
}

/// One stage, ready to sample.
struct Layer<'a> {
    stage: &'a Stage,
    share: Share,
    context: Option<Tensor>,
}

impl Share {
    /// All that a model makes a sound of.
    fn all(model: &Model) -> impl Iterator<Item = Self> + use<> {
        let num_envelopes = if model.envelope.is_some() { model.clips_on_circle() } else { 0 };
        (0..num_envelopes).map(Self::Envelope).chain([Self::Fine])
    }

    /// What its noise is called.
    fn purpose(self, model: &Model) -> String {
        match self {
            Self::Envelope(clip) if model.is_on_circle() => format!("envelope {clip}"),
            Self::Envelope(_) => "envelope".into(),
            Self::Fine => "fine".into(),
        }
    }
}

/// What one stage starts from besides noise: normalised frames, and how they count.
enum Start {
    Noise,
    Near(Frames, f64),
    /// 1 for every cell that is known, else 0.
    Around(Frames, Vec<u8>),
}

impl Start {
    /// Of what `guide` knows, this stage's share, and its cells by what is known of frames.
    fn new(guide: Guide<'_>, share: impl FnOnce(&Frames) -> Frames, cells: impl FnOnce(&[bool]) -> Vec<u8>) -> Self {
        match guide {
            Guide::Nothing => Self::Noise,
            Guide::Near(frames, sigma) => Self::Near(share(frames), sigma),
            Guide::Around(frames, known) => Self::Around(share(frames), cells(known)),
        }
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(
        Workshop { model, sounds, turn, take }: Workshop<'a>,
        recipe: &'a Recipe,
        watch: &'a Watch<'a>,
        files: &'a [(SoundFile, Frames)],
    ) -> Self {
        let (condition, away_from) = (condition(recipe, &model.card), away_from(recipe, &model.card));
        let octaves = model.octaves(&condition);
        Self { model, recipe, watch, files, sounds, turn, take, condition, away_from, octaves }
    }

    /// The frames of the sound, in the representation's unit.
    pub(super) fn frames(&self, guide: Guide<'_>) -> Result<Frames> {
        match &self.model.envelope {
            None => self.one_stage(guide),
            Some(part) => self.two_stages(part, guide),
        }
    }

    /// The network gives the frames, normalised by the class's maps.
    fn one_stage(&self, guide: Guide<'_>) -> Result<Frames> {
        let maps = class_maps(&self.model.maps, &self.condition);
        let start = Start::new(guide, |frames| normalised(frames, &maps), |known| self.cells(known));
        let layer = Layer { stage: &self.model.fine, share: Share::Fine, context: None };
        let mut frames = self.sample(&layer, start)?;
        maps.denormalise(None, &mut frames);
        if matches!(guide, Guide::Nothing) {
            set_levels(&mut frames, self.recipe, &self.model.card.config);
        }
        Ok(frames)
    }

    /// One network gives the envelope, the other what it leaves out: the residual, in dB.
    fn two_stages(&self, part: &EnvelopePart, guide: Guide<'_>) -> Result<Frames> {
        let expanded = self.expanded(part, guide)?;
        let share = |frames: &Frames| {
            // What is near starts from its own residual; what is known must come out as it is.
            let of = if let Guide::Near(..) = guide { self.outline(part, frames) } else { expanded.clone() };
            normalised(&minus(frames, &of), &self.model.maps)
        };
        let start = Start::new(guide, share, |known| self.cells(known));
        let context = Some(self.to_tensor(&self.model.context.of(&expanded, &self.condition, self.octaves))?);
        let mut frames = self.sample(&Layer { stage: &self.model.fine, share: Share::Fine, context }, start)?;
        self.model.maps.denormalise(None, &mut frames);
        frames.data.iter_mut().zip(&expanded.data).for_each(|(residual, envelope)| *residual += envelope);
        self.steady_frames(guide, &mut frames);
        self.restore_lobes(guide, &mut frames);
        if matches!(guide, Guide::Nothing) {
            set_noisiness(&mut frames, asked(self.recipe, Attribute::Noisiness));
        }
        Ok(frames)
    }

    /// Bring the levels of a sound that comes out of noise to rest; those of a file are what they are, and strokes by
    /// consistency sampling are none the better for it (docs/TRAINING.md, section 2).
    fn steady_frames(&self, guide: Guide<'_>, frames: &mut Frames) {
        let config = &self.model.card.config;
        let is_consistent = !config.partials && self.recipe.sampler == Sampler::Consistency;
        if is_consistent || !matches!(guide, Guide::Nothing) {
            return;
        }
        let (widest_s, by) = if config.partials { STEADY_NOTE } else { STEADY_STROKE };
        let per_second = f64::from(config.sample_rate) / config.representation.hop_length() as f64;
        let widest = ((widest_s * per_second) as f32).max(by.frames[0]);
        Steadying { frames: [by.frames[0], widest], ..by }.steady(frames, self.model.is_on_circle());
    }

    /// Let the bins of a note's partials tell one frequency each; what comes of a file tells its own.
    fn restore_lobes(&self, guide: Guide<'_>, frames: &mut Frames) {
        let config = &self.model.card.config;
        let lobes = Lobes::new(&config.representation).filter(|_| config.partials && matches!(guide, Guide::Nothing));
        if let Some(lobes) = lobes {
            lobes.restore(frames);
        }
    }

    /// The envelope at every frame; on a circle of several clips, theirs one after the other.
    fn expanded(&self, part: &EnvelopePart, guide: Guide<'_>) -> Result<Frames> {
        let envelope = |clip: usize| match guide {
            Guide::Nothing => self.envelope(part, clip, guide),
            Guide::Near(frames, sigma) => {
                self.envelope(part, clip, Guide::Near(&self.model.clip_of(frames, clip), sigma))
            }
            Guide::Around(frames, known) => {
                let known: Vec<bool> = self.model.places_of(clip).map(|place| known[place]).collect();
                self.envelope(part, clip, Guide::Around(&self.model.clip_of(frames, clip), &known))
            }
        };
        let envelopes = (0..self.model.clips_on_circle()).map(envelope).collect::<Result<Vec<_>>>()?;
        Ok(self.model.outline(part, &envelopes))
    }

    /// The envelope that frames have, at every frame.
    fn outline(&self, part: &EnvelopePart, frames: &Frames) -> Frames {
        let envelope = |clip| part.grid.extract(&self.model.clip_of(frames, clip));
        self.model.outline(part, &(0..self.model.clips_on_circle()).map(envelope).collect::<Vec<_>>())
    }

    /// That of one clip, of which `guide` knows.
    fn envelope(&self, part: &EnvelopePart, clip: usize, guide: Guide<'_>) -> Result<Frames> {
        let maps = class_maps(&part.maps, &self.condition);
        let cells = |known: &[bool]| {
            let columns = part.grid.column_edges().windows(2);
            columns
                .flat_map(|edges| vec![u8::from(known[edges[0]..edges[1]].iter().all(|&k| k)); part.grid.bands()])
                .collect()
        };
        let start = Start::new(guide, |frames| normalised(&part.grid.extract(frames), &maps), cells);
        let layer = Layer { stage: &part.stage, share: Share::Envelope(clip), context: None };
        let mut envelope = self.sample(&layer, start)?;
        maps.denormalise(None, &mut envelope);
        let floor = floor_db(&self.model.card.config.representation);
        envelope.data.iter_mut().for_each(|db| *db = db.clamp(floor, ENVELOPE_CEILING_DB));
        // The level of a stroke changes faster than the grid's columns.
        if self.model.card.config.partials && matches!(guide, Guide::Nothing) {
            STEADY_ENVELOPE.steady(&mut envelope, false);
        }
        Ok(envelope)
    }

    /// Every cell of a frame is known where the frame is.
    fn cells(&self, known: &[bool]) -> Vec<u8> {
        known.iter().flat_map(|&known| vec![u8::from(known); self.model.representation.num_channels()]).collect()
    }

    /// How this share is sampled.
    fn sampling(&self, share: Share) -> StageSampling {
        match share {
            Share::Envelope(_) => self.recipe.envelope_sampling(&self.model.card.config),
            Share::Fine => self.recipe.sampling(),
        }
    }

    /// Unit-variance frames from a stage.
    fn sample(&self, layer: &Layer<'_>, start: Start) -> Result<Frames> {
        let defaults = &self.model.card.config.sampling;
        let StageSampling { sampler, steps, .. } = self.sampling(layer.share);
        let sigma_max = match &start {
            // A schedule needs a range.
            Start::Near(_, sigma) => sigma.clamp(1.01 * defaults.sigma_min, defaults.sigma_max),
            _ => defaults.sigma_max,
        };
        let sigmas = sampler.sigmas(steps, defaults.sigma_min, sigma_max, RHO)?;
        let drift = match &start {
            // What hides a sound is white, whatever the sound.
            Start::Near(..) => Drift::default(),
            _ => self.drift(layer),
        };
        let mut noise = self.noise(layer, sigma_max, drift)?;
        match &start {
            Start::Noise => {}
            Start::Near(data, _) => add(&mut noise, data, |_| true),
            Start::Around(data, known) => add(&mut noise, data, |i| known[i] == 1),
        }
        let solve = |model: &dyn Denoiser, x| sampler.sample(&self.watch.over(model), x, &sigmas);
        let noise = self.to_tensor(&noise)?;
        let Start::Around(data, known) = &start else {
            return self.solve(layer, &sigmas, &self.condition, noise, &solve);
        };
        let known = Tensor::from_slice(known, noise.shape(), noise.device())?;
        let data = self.to_tensor(data)?;
        let solve = |inner: &dyn Denoiser, x| solve(&Knowing { inner, data: &data, known: &known }, x);
        self.solve(layer, &sigmas, &self.condition, noise, &solve)
    }

    fn solve(
        &self,
        layer: &Layer<'_>,
        sigmas: &[f64],
        condition: &Blend,
        start: Tensor,
        solve: &dyn Fn(&dyn Denoiser, Tensor) -> Result<Tensor>,
    ) -> Result<Frames> {
        let (away_from, context) = (&self.away_from, layer.context.as_ref());
        let guidance = self.sampling(layer.share).guidance;
        let condition = &told_blend(condition, self.model.octaves(condition));
        let sampling = Sampling { sigmas, condition, away_from, guidance, context, start, solve };
        let data = layer.stage.sample(sampling)?.flatten_all()?.to_vec1()?;
        let shape = layer.stage.shape();
        Ok(Frames { data, num_frames: shape.frames, num_channels: shape.channels })
    }

    /// What the noise of a stage is filtered by.
    fn drift(&self, layer: &Layer<'_>) -> Drift {
        let config = &self.model.card.config;
        if config.is_texture() {
            return Drift::of(self.recipe, &self.model.card, self.model.trained_frames());
        }
        let num_frames = layer.stage.shape().frames;
        let seconds = self.model.representation.num_samples() as f64 / f64::from(config.sample_rate);
        let stage = match layer.share {
            Share::Envelope(_) => drift::Stage::Levels(seconds / num_frames as f64),
            Share::Fine => drift::Stage::Fine(seconds / num_frames as f64),
        };
        Drift::of_note(self.recipe, config, stage, num_frames)
    }

    /// The noise of this recipe, of standard deviation `sigma`.
    fn noise(&self, layer: &Layer<'_>, sigma: f64, drift: Drift) -> Result<Frames> {
        let shape = layer.stage.shape();
        let invert = |file: &SoundFile, recipe: &Recipe| self.inverted(layer.share, file, recipe);
        let purpose = &layer.share.purpose(self.model);
        // Another take of a note has the same course of levels.
        let take = if layer.share == Share::Fine { self.take } else { 0 };
        let (len, num_channels) = (shape.frames * shape.channels, shape.channels);
        let fields = Fields { purpose, take, len, num_channels, drift, invert: &invert };
        let mut data = fields.of(self.recipe)?;
        if self.turn > 0.0 {
            let purpose = of_side(purpose, self.turn);
            turn(&mut data, self.turn, fields.noise(self.recipe.seed, &purpose));
        }
        data.iter_mut().for_each(|value| *value *= sigma as f32);
        Ok(Frames { data, num_frames: shape.frames, num_channels: shape.channels })
    }

    /// The noise that a stage makes the sound of a file of, under what `recipe` says of class and attributes.
    fn inverted(&self, share: Share, file: &SoundFile, recipe: &Recipe) -> Result<Vec<f32>> {
        // Every file of the recipe was read before.
        let Some((_, frames)) = self.files.iter().find(|(known, _)| known == file) else { return Ok(Vec::new()) };
        let purpose = share.purpose(self.model);
        let inversion = Inversion::new(purpose, file, recipe, self.recipe, &self.model.card);
        if let Some(known) = self.sounds.noise(&inversion) {
            return Ok(known.to_vec());
        }
        let condition = own_condition(recipe, &self.model.card);
        let (layer, data) = self.analysed(share, frames, &condition)?;
        let defaults = &self.model.card.config.sampling;
        let mut sigmas = karras_sigmas(INVERSION_STEPS, defaults.sigma_min, defaults.sigma_max, RHO)?;
        // The last is 0.
        sigmas.pop();
        sigmas.reverse();
        let solve = |model: &dyn Denoiser, x| invert(&self.watch.over(model), x, &sigmas);
        let noise = self.solve(&layer, &sigmas, &condition, self.to_tensor(&data)?, &solve)?.data;
        self.sounds.keep_noise(inversion, noise.clone());
        Ok(noise)
    }

    /// Find the noise of every file, unless it is known.
    pub(super) fn invert_all(&self) -> Result<()> {
        for (file, recipe) in inverted_files(self.recipe) {
            Share::all(self.model).try_for_each(|share| self.inverted(share, file, recipe).map(drop))?;
        }
        Ok(())
    }

    /// A stage as it sees these frames: with its context, and its share of them, normalised.
    fn analysed(&self, share: Share, frames: &Frames, condition: &Blend) -> Result<(Layer<'_>, Frames)> {
        let Some(part) = &self.model.envelope else {
            let data = normalised(frames, &class_maps(&self.model.maps, condition));
            return Ok((Layer { stage: &self.model.fine, share, context: None }, data));
        };
        if let Share::Envelope(clip) = share {
            let envelope = part.grid.extract(&self.model.clip_of(frames, clip));
            let data = normalised(&envelope, &class_maps(&part.maps, condition));
            return Ok((Layer { stage: &part.stage, share, context: None }, data));
        }
        let expanded = self.outline(part, frames);
        let context =
            Some(self.to_tensor(&self.model.context.of(&expanded, condition, self.model.octaves(condition)))?);
        let data = normalised(&minus(frames, &expanded), &self.model.maps);
        Ok((Layer { stage: &self.model.fine, share, context }, data))
    }

    /// A batch of one on the model's device: `[1, frames, channels]`.
    fn to_tensor(&self, frames: &Frames) -> Result<Tensor> {
        let shape = (1, frames.num_frames, frames.num_channels);
        Ok(Tensor::from_slice(&frames.data, shape, &self.model.device)?)
    }
}

/// The noises that a recipe's files have yet to be found of, each once.
pub(super) fn unknown_noises(shop: Workshop<'_>, recipe: &Recipe) -> Vec<Inversion> {
    let mut unknown = Vec::new();
    for (file, inner) in inverted_files(recipe) {
        for share in Share::all(shop.model) {
            let purpose = share.purpose(shop.model);
            let inversion = Inversion::new(purpose, file, inner, recipe, &shop.model.card);
            if shop.sounds.noise(&inversion).is_none() && !unknown.contains(&inversion) {
                unknown.push(inversion);
            }
        }
    }
    unknown
}

/// Brightness and noisiness of a texture as they were asked for, done to its levels: what the network leaves of them.
pub(super) fn set_levels(levels: &mut Frames, recipe: &Recipe, config: &ModelConfig) {
    if config.is_texture() && matches!(config.representation, RepresentationConfig::LogMagnitude { .. }) {
        set_noisiness(levels, asked(recipe, Attribute::Noisiness));
        set_brightness(levels, meant_brightness(recipe, config));
    }
}

/// The map of the class, or what lies between those of several.
fn class_maps(maps: &Maps, condition: &Blend) -> Maps {
    let parts: Vec<_> = condition.parts().iter().map(|(weight, part)| (*weight, part.class)).collect();
    maps.mixed(&parts)
}

/// By the global map, the only one of a [`class_maps`].
fn normalised(frames: &Frames, maps: &Maps) -> Frames {
    let mut frames = frames.clone();
    maps.normalise(None, &mut frames);
    frames
}

fn minus(frames: &Frames, other: &Frames) -> Frames {
    let data = frames.data.iter().zip(&other.data).map(|(value, other)| value - other).collect();
    Frames { data, ..*frames }
}

/// Add those values of `data` whose index `takes`.
fn add(frames: &mut Frames, data: &Frames, takes: impl Fn(usize) -> bool) {
    let values = frames.data.iter_mut().zip(&data.data).enumerate();
    values.filter(|(i, _)| takes(*i)).for_each(|(_, (value, data))| *value += data);
}

/// The level below which the representation knows only silence. Only log-magnitude has an envelope stage.
fn floor_db(config: &RepresentationConfig) -> f32 {
    match config {
        RepresentationConfig::LogMagnitude { floor_db, .. } => *floor_db,
        _ => f32::NEG_INFINITY,
    }
}
