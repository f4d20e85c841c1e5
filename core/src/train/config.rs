//! [`TrainConfig`]: everything that decides what a training does; stored in its checkpoint.

use serde::{Deserialize, Serialize};

use super::objective::{Consistency, Objective};
use super::optimizer::OptimizerConfig;
use crate::conditioning::Attribute;
use crate::dataset::{AugmentConfig, DatasetConfig, ONSET};
use crate::diffusion::{NoiseLevels, Sampler};
use crate::error::{Result, TrainError};
use crate::model::{Context, EnvelopeStageConfig, ModelConfig, Raise, SamplingDefaults};
use crate::representation::{EnvelopeConfig, MapsConfig, Partials, Representation, RepresentationConfig};
use crate::unet::{HeadConfig, UnetConfig};

/// How to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Seed of weights, batches and noise.
    pub seed: u64,
    /// Steps to go.
    pub steps: u64,
    /// Examples a step.
    pub batch_size: usize,
    /// Parts that a batch is cut into, one thread each. Part of the result: gradients are summed part by part.
    pub shards: usize,
    /// The optimizer.
    pub optimizer: OptimizerConfig,
    /// Distribution of noise levels.
    pub noise_levels: NoiseLevels,
    /// Which stages learn.
    pub learns: Learns,
    /// What the networks learn to predict.
    pub objective: Objective,
    /// What is minimised.
    pub loss: Loss,
    /// Decay of the exponential moving average of the weights, reached after a warm-up.
    pub ema_decay: f64,
    /// Probability of hiding the whole condition: what classifier-free guidance needs.
    pub drop_condition: f32,
    /// Probability of hiding all attributes (otherwise a share of them that is drawn anew), and of hiding the pitch.
    pub drop_attribute: f32,
    /// Examples of a batch that are one variation of one sound, at as many noise levels, 1..=64. More than 1 is for machines
    /// whose graphics card waits for variations.
    pub fine_draws: usize,
    /// Noise levels that the envelope stage is asked at for every example, 1..=64: it costs little beside the fine stage.
    pub envelope_draws: usize,
    /// Largest standard deviation, dB, of the error put on envelopes that the fine stage sees.
    pub envelope_error_db: f32,
    /// Steps between held-out measurements.
    pub evaluate_every: u64,
    /// Steps between previews.
    pub preview_every: u64,
    /// Stop when the held-out loss has not fallen for this many measurements; 0: never.
    pub patience: u32,
    /// Variations of the sounds.
    pub augment: AugmentConfig,
    /// How the folder is read.
    pub dataset: DatasetConfig,
    /// What the networks see.
    pub representation: RepresentationConfig,
    /// How its maps are smoothed.
    pub maps: MapsConfig,
    /// The fine stage sees where the partials of a sound's pitch lie. Then the pitch is hidden with the whole condition alone.
    pub partials: bool,
    /// MIDI notes, falling: below the first the networks see a sound an octave higher and twice as fast, below the second two.
    pub raise_below: Vec<f32>,
    /// The envelope stage, if there is one.
    pub envelope: Option<EnvelopeStageConfig>,
    /// The fine or only network.
    pub unet: UnetConfig,
    /// Defaults of the model.
    pub sampling: SamplingDefaults,
}

/// Which stages a training changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Learns {
    /// All that there are.
    #[default]
    All,
    /// The envelope stage alone, ten times as quick; the fine stage stays the model's that the training begins from. An
    /// envelope stage of other widths than the model's begins anew.
    Envelope,
    /// The fine stage alone; the envelope stage stays the model's.
    Fine,
}

/// What is minimised: a distance between the velocity and its prediction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Loss {
    /// Mean squared error.
    #[default]
    Mse,
    /// Pseudo-Huber, `sqrt(|d|^2 + c^2) - c` by value.
    Huber {
        /// Where squares turn into absolute values.
        c: f64,
    },
}

impl Default for TrainConfig {
    /// One-shots of 0.74 s at 44.1 kHz on a laptop's CPU: two stages over log magnitudes.
    fn default() -> Self {
        let dataset = DatasetConfig::default();
        Self {
            seed: 1,
            steps: 20_000,
            batch_size: 16,
            shards: 2,
            optimizer: OptimizerConfig::default(),
            noise_levels: NoiseLevels::default(),
            learns: Learns::default(),
            objective: Objective::default(),
            loss: Loss::default(),
            ema_decay: 0.999,
            drop_condition: 0.1,
            drop_attribute: 0.4,
            fine_draws: 1,
            envelope_draws: 4,
            envelope_error_db: 2.0,
            evaluate_every: 500,
            preview_every: 2_000,
            patience: 0,
            augment: AugmentConfig::default(),
            representation: RepresentationConfig::LogMagnitude {
                num_samples: dataset.num_samples,
                n_fft: 1024,
                hop_length: 256,
                floor_db: -100.0,
                refinements: 16,
                onset: ONSET,
            },
            maps: MapsConfig::default(),
            partials: false,
            raise_below: Vec::new(),
            envelope: Some(EnvelopeStageConfig {
                grid: EnvelopeConfig { columns: 24, bands: 21 },
                unet: UnetConfig {
                    widths: vec![96, 128],
                    blocks: 1,
                    attention_levels: 1,
                    embedding: 128,
                    circular: false,
                    head: None,
                },
                sampling: None,
            }),
            unet: UnetConfig {
                widths: vec![160, 192, 256],
                blocks: 1,
                attention_levels: 1,
                embedding: 192,
                circular: false,
                head: Some(HeadConfig {
                    patch_frames: 2,
                    patch_bins: 4,
                    widths: vec![32, 64],
                    blocks: 1,
                    merge: 4,
                    strides: Vec::new(),
                    reaches: Vec::new(),
                }),
            },
            sampling: SamplingDefaults {
                sampler: Sampler::DpmPp2m,
                steps: 16,
                guidance: 1.0,
                sigma_min: 0.02,
                sigma_max: 40.0,
                drift: 1.0,
                brightness: 0.5,
            },
            dataset,
        }
    }
}

impl TrainConfig {
    /// Textures of any length: loops out of recordings at 44.1 kHz, one network over log magnitudes that knows no place in
    /// time.
    pub fn texture() -> Self {
        let num_samples = 65_536;
        let like = Self::default();
        Self {
            augment: AugmentConfig { decay_factor: 1.0, gain_db: 12.0, ..like.augment },
            dataset: DatasetConfig { num_samples, windows: true, ..like.dataset },
            representation: RepresentationConfig::LogMagnitude {
                num_samples,
                n_fft: 1024,
                hop_length: 256,
                floor_db: -100.0,
                refinements: 16,
                onset: 0,
            },
            envelope: None,
            unet: UnetConfig { circular: true, ..like.unet },
            ..like
        }
    }

    /// The representation that training examples go through: on a circle where they are loops.
    ///
    /// # Errors
    /// A parameter out of range, by name.
    pub(super) fn seen(&self) -> Result<Box<dyn Representation>> {
        if !self.dataset.windows {
            return self.representation.build();
        }
        self.representation.validate()?;
        let num_samples = self.representation.num_samples();
        self.representation.on_circle(num_samples / self.representation.hop_length(), num_samples as f64)
    }

    /// The representations of notes that are seen an octave higher, two, and so on.
    ///
    /// # Errors
    /// A parameter out of range, by name.
    pub(super) fn raised(&self) -> Result<Vec<Box<dyn Representation>>> {
        (1..=self.raise_below.len()).map(|octaves| self.representation.build_raised(octaves as u32)).collect()
    }

    /// What the fine stage sees of an envelope and a pitch.
    pub(super) fn context(&self) -> Context {
        let partials = Partials::new(&self.representation, self.dataset.sample_rate);
        Context::new(partials.filter(|_| self.partials))
    }

    /// Check every field that the model's own checks do not see.
    ///
    /// # Errors
    /// The field, what was found, what is needed.
    pub fn validate(&self) -> Result<()> {
        let need = |ok: bool, field: &'static str, found: String, needed: &'static str| {
            if ok { Ok(()) } else { Err(TrainError::Config { field, found, needed }) }
        };
        let probability = 0.0..=1.0;
        need((1..=4096).contains(&self.batch_size), "batch_size", self.batch_size.to_string(), "1..=4096")?;
        need((1..=self.batch_size).contains(&self.shards), "shards", self.shards.to_string(), "1..=batch_size")?;
        need(self.steps > 0, "steps", self.steps.to_string(), "at least 1")?;
        need((0.0..1.0).contains(&self.ema_decay), "ema_decay", self.ema_decay.to_string(), "0..1")?;
        need(probability.contains(&self.drop_condition), "drop_condition", self.drop_condition.to_string(), "0..=1")?;
        need(probability.contains(&self.drop_attribute), "drop_attribute", self.drop_attribute.to_string(), "0..=1")?;
        let draws = self.envelope_draws;
        need((1..=64).contains(&draws), "envelope_draws", draws.to_string(), "1..=64")?;
        need((1..=64).contains(&self.fine_draws), "fine_draws", self.fine_draws.to_string(), "1..=64")?;
        need(self.evaluate_every > 0, "evaluate_every", self.evaluate_every.to_string(), "at least 1")?;
        need(self.preview_every > 0, "preview_every", self.preview_every.to_string(), "at least 1")?;
        let fits = !self.dataset.windows || (self.unet.circular && self.envelope.is_none());
        let sees = !self.partials || self.envelope.is_some();
        need(sees, "partials", "true".into(), "an envelope stage with it, or false")?;
        let raises = self.raise_below.is_empty() || (self.partials && Raise::is_valid(&self.raise_below));
        let needed = "partials with it, and up to 3 MIDI notes, each lower than the one before";
        need(raises, "raise_below", format!("{:?}", self.raise_below), needed)?;
        need(fits, "dataset.windows", "true".into(), "unet.circular and no envelope stage with it, or false")?;
        let has_two = self.learns == Learns::All || self.envelope.is_some();
        need(has_two, "learns", "one stage alone".into(), "an envelope stage with it, or all")?;
        let aims = self.learns != Learns::Envelope || self.objective == Objective::Velocity;
        need(aims, "learns", "envelope".into(), "the objective velocity with it, or all, or fine")?;
        if let Objective::Consistency(consistency) = &self.objective {
            let Consistency { steps, guidance, grow, drift } = *consistency;
            need((2..=1000).contains(&steps), "objective.steps", steps.to_string(), "2..=1000")?;
            need((0.0..=20.0).contains(&guidance), "objective.guidance", guidance.to_string(), "0..=20")?;
            need((0.0..=1.0).contains(&grow), "objective.grow", grow.to_string(), "0..=1")?;
            let drifts = drift == 1.0 || (self.dataset.windows && (0.1..=10.0).contains(&drift));
            need(drifts, "objective.drift", drift.to_string(), "1, or 0.1..=10 with dataset.windows")?;
        }
        self.optimizer.validate()
    }

    /// What the networks are told of a sound, and users ask for.
    pub fn attributes(&self) -> &'static [Attribute] {
        if self.dataset.windows { &Attribute::TEXTURE } else { &Attribute::ONE_SHOT }
    }

    /// The model that this training makes over these classes.
    pub fn model(&self, classes: &[String], pitch: bool) -> ModelConfig {
        ModelConfig {
            sample_rate: self.dataset.sample_rate,
            representation: self.representation.clone(),
            classes: classes.to_vec(),
            attributes: self.attributes().to_vec(),
            pitch,
            partials: self.partials && pitch,
            raise_below: if self.partials && pitch { self.raise_below.clone() } else { Vec::new() },
            attacks: Vec::new(),
            wanders: Vec::new(),
            envelope: self.envelope.clone(),
            unet: self.unet.clone(),
            sampling: self.sampling.clone(),
        }
    }
}
