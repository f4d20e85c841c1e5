//! [`Options`]: what is measured, and how much of it.

use std::path::PathBuf;

use crate::diffusion::Sampler;
use crate::error::{EvaluateError, Result};

/// What is measured, and how much of it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Clips rendered for each held-out recording, 1..=1000: more of them steady the figures.
    pub per_sound: usize,
    /// Seeds for each class and asked value of an attribute, 0..=1000; 0 leaves the controls out.
    pub control_seeds: usize,
    /// Clips whose health is checked, 0..=1,000,000.
    pub renders: usize,
    /// The model heard none of the recordings: all of them are held out.
    pub unseen: bool,
    /// Of everything that is rendered, 0..=10^18. Other seeds than those that settings were chosen by tell what the choice is worth.
    pub first_seed: u64,
    /// How the model renders.
    pub settings: Settings,
    /// Threads that measure, 0 for the machine's.
    pub threads: usize,
    /// Folder that the compared sounds are written to as WAV files, for judges outside.
    pub write: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            per_sound: 4,
            control_seeds: 4,
            renders: 100,
            unseen: false,
            first_seed: 1,
            settings: Settings::default(),
            threads: 0,
            write: None,
        }
    }
}

impl Options {
    /// Check every number.
    ///
    /// # Errors
    /// The first that is out of its range, by name.
    pub fn validate(&self) -> Result<()> {
        let checks = [
            ("the number of clips a recording", self.per_sound as u64, 1..=1000, "1..=1000"),
            ("the number of seeds a control", self.control_seeds as u64, 0..=1000, "0..=1000"),
            ("the number of renders", self.renders as u64, 0..=1_000_000, "0..=1000000"),
            ("the first seed", self.first_seed, 0..=1_000_000_000_000_000_000, "0..=10^18"),
        ];
        match checks.into_iter().find(|(_, found, range, _)| !range.contains(found)) {
            Some((field, found, _, need)) => Err(EvaluateError::Setting { field, found, need }.into()),
            None => Ok(()),
        }
    }
}

/// How a model renders; `None` takes its default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// Steps, 1..=1000.
    pub steps: Option<usize>,
    /// Sampler.
    pub sampler: Option<Sampler>,
    /// Guidance, 0..=20.
    pub guidance: Option<f64>,
}
