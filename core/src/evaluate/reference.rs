//! [`Reference`]: the recordings, split as the model's training split them.

use std::path::Path;

use serde::Serialize;

use super::options::Options;
use super::set::{Set, Sound, at_peak_one};
use crate::dataset::{Dataset, DatasetConfig, Example};
use crate::error::{EvaluateError, Result};
use crate::generate::fade_ends;
use crate::model::{Card, Model};

/// How the recordings were split.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Split {
    /// Recordings to train on.
    pub trained: usize,
    /// Recordings that no training sees.
    pub held_out: usize,
    /// Share of the sources that is held out: the card's, or the default of training.
    pub share: f64,
    /// Seed of the split: the card's, or the default of training.
    pub seed: u64,
    /// Whether the recordings to train on are those in the model's card, by their SHA-256. If not, "held out" is what a
    /// training on this folder would hold out, and the model may have heard it.
    pub is_the_models: bool,
}

/// The recordings.
pub(super) struct Reference {
    /// Class names, sorted.
    pub(super) classes: Vec<String>,
    pub(super) trained: Set,
    pub(super) held_out: Set,
    pub(super) split: Split,
    /// What measures attributes as training did; its sounds are in the sets.
    pub(super) meter: Dataset,
}

impl Reference {
    /// Read the folder at `root` at the model's rate and length.
    pub(super) fn read(root: &Path, model: &Model, options: &Options) -> Result<Self> {
        let card = &model.card;
        let config = dataset_config(card);
        let mut dataset = scan(root, card, &config)?;
        let is_the_models = card.training.get("sounds_sha256").is_some_and(|sha| *sha == dataset.training_digest());
        let mut trained = std::mem::take(&mut dataset.train);
        let mut held_out = std::mem::take(&mut dataset.held_out);
        if options.unseen {
            held_out.append(&mut trained);
            held_out.sort_by(|a, b| a.path.cmp(&b.path));
        }
        if held_out.is_empty() {
            return Err(EvaluateError::NothingHeldOut { path: root.to_owned(), sounds: trained.len() }.into());
        }
        let split = Split {
            trained: trained.len(),
            held_out: held_out.len(),
            share: if options.unseen { 1.0 } else { config.held_out },
            seed: config.split_seed,
            is_the_models: is_the_models && !options.unseen,
        };
        let set = |examples: Vec<Example>| {
            let mut sounds: Vec<Sound> = examples.iter().map(|example| sound(&dataset.plain(example))).collect();
            if config.windows {
                // As a render's ends: a cut is a click, which any judge hears.
                sounds.iter_mut().for_each(|sound| fade_ends(&mut sound.samples, config.sample_rate));
            }
            Set::new(sounds, config.sample_rate)
        };
        let (trained, held_out) = (set(trained), set(held_out));
        Ok(Self { classes: dataset.classes.clone(), trained, held_out, split, meter: dataset })
    }

    /// What sounds are compared with: those to train on; all of them where the model heard none.
    pub(super) fn bank(&self) -> &Set {
        if self.trained.is_empty() { &self.held_out } else { &self.trained }
    }
}

/// The folder at `root`, which has the classes of the model.
pub(super) fn scan(root: &Path, card: &Card, config: &DatasetConfig) -> Result<Dataset> {
    let dataset = Dataset::scan(root, config)?;
    check_classes(root, &dataset.classes, card)?;
    Ok(dataset)
}

/// As the model's training read its folder.
pub(super) fn dataset_config(card: &Card) -> DatasetConfig {
    let default = DatasetConfig::default();
    let told = |key: &str| card.training.get(key);
    DatasetConfig {
        sample_rate: card.config.sample_rate,
        num_samples: card.config.representation.num_samples(),
        held_out: told("held_out_share").and_then(|share| share.as_f64()).unwrap_or(default.held_out),
        split_seed: told("split_seed").and_then(|seed| seed.as_u64()).unwrap_or(default.split_seed),
        windows: card.config.is_texture(),
    }
}

fn check_classes(root: &Path, classes: &[String], card: &Card) -> Result<()> {
    let mut known = card.config.classes.clone();
    known.sort();
    if known == classes {
        return Ok(());
    }
    let (found, model, need) = (classes.join(", "), card.id.clone(), known.join(", "));
    Err(EvaluateError::OtherClasses { path: root.to_owned(), found, model, need }.into())
}

fn sound(example: &Example) -> Sound {
    Sound {
        name: example.path.display().to_string(),
        class: example.class,
        pitch: example.pitch,
        group: Some(example.group.clone()),
        samples: at_peak_one(&example.samples),
    }
}
