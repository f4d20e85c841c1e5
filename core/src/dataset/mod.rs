//! A folder of sounds -> training examples: scan, measured attributes, leak-free splits, augmentation.
// H4 owns this module. Signatures the trainer relies on:

use crate::error::Result;
use crate::noise::NoiseStream;
use std::path::{Path, PathBuf};

/// How a folder becomes examples.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatasetConfig {
    /// Hz; every sound is resampled to it.
    pub sample_rate: u32,
    /// Samples of an example; shorter sounds are padded with silence, longer ones cut with a fade.
    pub num_samples: usize,
    /// Share of the source groups held out, in 0..1.
    pub held_out: f64,
    /// Seed of the split.
    pub split_seed: u64,
}

impl Default for DatasetConfig {
    fn default() -> Self {
        Self { sample_rate: 44_100, num_samples: 32_768, held_out: 0.1, split_seed: 1 }
    }
}

/// One sound, ready: mono, onset at a fixed place, peak 1.
#[derive(Clone, Debug)]
pub struct Example {
    /// `num_samples` samples.
    pub samples: Vec<f32>,
    /// Index into [`Dataset::classes`].
    pub class: usize,
    /// MIDI note where the manifest or the name tells one.
    pub pitch: Option<f32>,
    /// Percentiles in 0..=1 in the order of `conditioning::Attribute::ALL`: brightness, decay, attack, noisiness, loudness.
    pub attributes: [f32; 5],
    /// Where it came from, relative to the root.
    pub path: PathBuf,
    /// Source group: siblings share it, and a split never separates them.
    pub group: String,
}

/// A folder of sounds, decoded and measured.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Class names, sorted; sub-folder names unless a manifest says otherwise.
    pub classes: Vec<String>,
    /// Examples to train on.
    pub train: Vec<Example>,
    /// Examples never trained on.
    pub held_out: Vec<Example>,
    /// What went in, what did not, and why.
    pub report: ScanReport,
}

/// What a scan found.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct ScanReport {
    /// Files with a sound's extension.
    pub found: usize,
    /// Files that became examples.
    pub used: usize,
    /// Files that did not, each with its reason.
    pub skipped: Vec<(PathBuf, String)>,
}

impl Dataset {
    /// Scan `root`: sub-folders are classes, or a `manifest.csv` (path,class,pitch,group) at the root says otherwise.
    ///
    /// # Errors
    /// No such folder, or no usable sound in it.
    pub fn scan(root: &Path, config: &DatasetConfig) -> Result<Self> {
        let _ = (root, config);
        unimplemented!("H4")
    }

    /// A fresh variation of training example `index`: samples and its attributes measured anew (the percentile
    /// tables are the dataset's, so `&self` knows them). Deterministic in `noise`. Cost: at most about 3 ms.
    pub fn augment(&self, index: usize, config: &AugmentConfig, noise: &mut NoiseStream) -> Example {
        let _ = (index, config, noise);
        unimplemented!("H4")
    }
}

/// Which variations training makes. Probabilities in 0..=1.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentConfig {
    /// Largest transposition either way, in semitones.
    pub semitones: f32,
    /// Probability of turning the polarity.
    pub polarity: f32,
    /// Largest attenuation, dB.
    pub gain_db: f32,
    /// Largest spectral tilt either way, dB per octave.
    pub tilt_db_per_octave: f32,
    /// Largest change of decay by envelope reshaping: factor in `1/x..=x`.
    pub decay_factor: f32,
    /// Probability of layering a second sound of the class.
    pub layer: f32,
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self { semitones: 3.0, polarity: 0.5, gain_db: 0.0, tilt_db_per_octave: 2.0, decay_factor: 1.6, layer: 0.25 }
    }
}
