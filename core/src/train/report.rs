//! What a training is told and what it tells: identity, files, progress, events.

use std::path::{Path, PathBuf};

use super::held_out::HeldOut;
use crate::model::DataSource;

/// Who the model will be: goes into its card.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Short id: lower case letters, digits and dashes.
    pub id: String,
    /// One line for people.
    pub description: String,
    /// Where the sounds came from.
    pub sources: Vec<DataSource>,
}

/// What a training leaves in its folder.
#[derive(Clone, Debug)]
pub struct Files(PathBuf);

impl Files {
    /// The files of the training in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_path_buf())
    }

    /// The state to resume from.
    pub fn checkpoint(&self) -> PathBuf {
        self.0.join("checkpoint.safetensors")
    }

    /// The model so far.
    pub fn model(&self) -> PathBuf {
        self.0.join("model.safetensors")
    }

    /// Losses, one JSON object a line.
    pub fn log(&self) -> PathBuf {
        self.0.join("log.jsonl")
    }

    /// The picture of the losses.
    pub fn curves(&self) -> PathBuf {
        self.0.join("curves.png")
    }

    /// The previews made after `step` steps.
    pub fn previews(&self, step: u64) -> PathBuf {
        self.0.join("previews").join(format!("{step:07}"))
    }
}

/// Where a training stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Examples seen.
    pub examples: u64,
    /// Share done, 0..=1.
    pub share: f64,
    /// Loss of the fine or only stage on the last batch.
    pub fine: f64,
    /// Loss of the envelope stage on the last batch.
    pub envelope: f64,
    /// Examples a second, lately.
    pub examples_per_s: f64,
}

/// What a training tells while it runs.
#[derive(Clone, Debug)]
pub enum Event {
    /// A step is done.
    Step(Progress),
    /// The held-out sounds were measured.
    HeldOut(u64, HeldOut),
    /// Previews were rendered into this folder.
    Previewed(PathBuf),
}

/// How a training ended.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Where it stood.
    pub progress: Progress,
    /// Seconds of training, over all sessions.
    pub seconds: f64,
    /// The last measurement.
    pub held_out: Option<HeldOut>,
    /// Whether it was cancelled: the checkpoint goes on from there.
    pub cancelled: bool,
}
