//! A folder of sounds -> training examples: scan, measured attributes, leak-free splits, augmentation.
//!
//! [`Dataset::scan`] reads a folder once; [`Dataset::pick`] and [`Dataset::augment`] make endless training examples of
//! it, each from its own [`NoiseStream`]. Read `layout.rs` and `prepare.rs` for what becomes of a file, `scan.rs` for
//! the order of things.

mod attributes;
mod augment;
mod balance;
mod class_scale;
mod digest;
mod duplicates;
mod group;
mod layout;
mod manifest;
mod names;
mod prepare;
mod report;
mod scale;
mod scan;
mod spectrum;
mod split;
mod texture;
mod wander;
mod window;

pub use attributes::{AttributeMeter, NUM_ATTRIBUTES};
pub use augment::AugmentConfig;
pub use class_scale::ClassScale;
pub use prepare::ONSET;
pub use report::{ClassReport, ScanReport};
pub use scale::AttributeScale;

use crate::audio::Envelope;
use crate::error::{DatasetError, Result};
use crate::noise::NoiseStream;
use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

/// How a folder becomes examples.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatasetConfig {
    /// Hz, 4,000 to 192,000; every sound is resampled to it.
    pub sample_rate: u32,
    /// Samples of an example, 256 to 2^24; shorter sounds are padded with silence, longer ones cut with a fade.
    pub num_samples: usize,
    /// Share of the source groups held out, from 0 to below 1.
    pub held_out: f64,
    /// Seed of the split.
    pub split_seed: u64,
    /// A file is a recording of a texture and gives many examples, each a loop out of it; otherwise it is one sound that
    /// begins with its onset.
    pub windows: bool,
}

impl Default for DatasetConfig {
    fn default() -> Self {
        Self { sample_rate: 44_100, num_samples: 32_768, held_out: 0.1, split_seed: 1, windows: false }
    }
}

impl DatasetConfig {
    /// Check every field against its range.
    ///
    /// # Errors
    /// The first field that is out of its range, by name.
    pub fn validate(&self) -> Result<()> {
        let checks = [
            (
                "sample_rate",
                self.sample_rate.to_string(),
                (4000..=192_000).contains(&self.sample_rate),
                "4000 to 192000",
            ),
            (
                "num_samples",
                self.num_samples.to_string(),
                (256..=1 << 24).contains(&self.num_samples),
                "256 to 16777216",
            ),
            ("held_out", self.held_out.to_string(), (0.0..1.0).contains(&self.held_out), "0 to below 1"),
        ];
        match checks.into_iter().find(|check| !check.2) {
            Some((field, found, _, needed)) => Err(DatasetError::Setting { field, found, needed }.into()),
            None => Ok(()),
        }
    }
}

/// One sound, ready: mono, onset at sample [`ONSET`], peak 1; of a texture one loop of a recording whose peak is 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// `num_samples` samples.
    pub samples: Vec<f32>,
    /// Index into [`Dataset::classes`].
    pub class: usize,
    /// MIDI note where the manifest tells one, or the names of a whole class do.
    pub pitch: Option<f32>,
    /// Percentiles of the class's variations in 0..=1, in [`AttributeMeter`]'s order: brightness, decay, attack, noisiness, loudness.
    pub attributes: [f32; NUM_ATTRIBUTES],
    /// Where it came from, relative to the root.
    pub path: PathBuf,
    /// Source group: siblings share it, and a split never separates them.
    pub group: String,
}

/// A folder of sounds, decoded and measured. About `4 * num_samples` bytes a sound.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Class names, sorted; sub-folder names unless a manifest says otherwise.
    pub classes: Vec<String>,
    /// Examples to train on, sorted by path. Of textures their samples are half as many again: [`Dataset::augment`] draws a
    /// loop from them.
    pub train: Vec<Example>,
    /// Examples never trained on, sorted by path; empty where there are too few sources.
    pub held_out: Vec<Example>,
    /// What went in, what did not, and why.
    pub report: ScanReport,
    /// What an attribute's percentile means in natural units, over `train`.
    pub scale: AttributeScale,
    /// The same of each class, over variations: what examples are measured by, so that every class has its whole range.
    pub class_scales: Vec<ClassScale>,
    config: DatasetConfig,
    balance: balance::Balance,
    tools: Arc<Tools>,
}

impl Dataset {
    /// The index of a training example, balanced: classes by the square root of their number of source groups, groups
    /// of a class by that of their examples, examples of a group evenly. Draws three numbers of `noise`.
    pub fn pick(&self, noise: &mut NoiseStream) -> usize {
        self.balance.pick(noise)
    }

    /// An example of either part as the networks take it, unvaried: of a texture's training example its first loop.
    pub fn plain<'a>(&self, example: &'a Example) -> Cow<'a, Example> {
        if example.samples.len() == self.config.num_samples {
            return Cow::Borrowed(example);
        }
        let samples = self.config.as_heard(&example.samples).into_owned();
        Cow::Owned(Example { samples, ..example.clone() })
    }

    /// The attributes of `samples` (at the dataset's rate), a sound at this MIDI note, as percentiles of the variations of a
    /// class.
    ///
    /// # Panics
    /// If `class` is not below `classes.len()`.
    pub fn measure(&self, class: usize, pitch: Option<f32>, samples: &[f32]) -> [f32; NUM_ATTRIBUTES] {
        self.class_scales[class].percentiles(self.measure_natural(samples), pitch)
    }

    /// The attributes of `samples` (at the dataset's rate) in natural units.
    pub fn measure_natural(&self, samples: &[f32]) -> [f32; NUM_ATTRIBUTES] {
        self.tools.meter.measure(samples)
    }

    /// Seconds from the end of an example's attack to its loudest moment.
    pub fn peak_s(&self, example: &Example) -> f64 {
        Envelope::new(&self.plain(example).samples, self.config.sample_rate).peak_s()
    }

    /// An example's attributes as percentiles of the whole training set, within the range that its class has there.
    pub fn among_all(&self, example: &Example) -> [f32; NUM_ATTRIBUTES] {
        self.scale.percentiles(self.class_scales[example.class].natural(example.attributes, example.pitch))
    }

    /// SHA-256, hex, over classes, groups and samples to train on: changes when any training sound does, and with the
    /// split. A model's card keeps it.
    pub fn training_digest(&self) -> String {
        digest::digest(&self.train)
    }
}

/// Planned transforms, shared by all clones of a dataset.
struct Tools {
    meter: AttributeMeter,
    tilt: augment::Tilt,
}

impl Tools {
    fn new(config: &DatasetConfig) -> Self {
        let meter = if config.windows { AttributeMeter::of_textures } else { AttributeMeter::new };
        Self { meter: meter(config.sample_rate), tilt: augment::Tilt::new(config.stored_samples(), config.sample_rate) }
    }
}

impl std::fmt::Debug for Tools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tools")
    }
}

#[cfg(test)]
mod tests;
