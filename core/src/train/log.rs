//! The log of a training: one JSON object a line, cut back to the checkpoint when a training resumes.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::held_out::HeldOut;
use crate::error::{Result, TrainError};

/// One line of the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    /// Steps done.
    pub(super) step: u64,
    /// Examples seen.
    pub(super) examples: u64,
    /// Mean losses since the last line.
    pub(super) fine: f64,
    pub(super) envelope: f64,
    pub(super) learning_rate: f64,
    pub(super) grad_norm: f64,
    /// Held-out losses, where this step measured them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) held_out: Option<HeldOut>,
    /// Seconds of training in all. Not part of what a resumed training repeats.
    pub(super) seconds: f64,
}

/// The open log file and its lines.
pub(super) struct Log {
    path: PathBuf,
    file: File,
    pub(super) lines: Vec<Line>,
}

impl Log {
    /// Open `path`, keeping only lines up to `step`: what came after the checkpoint is done again.
    pub(super) fn open(path: &Path, step: u64) -> Result<Self> {
        let failed = |source| TrainError::File { path: path.to_path_buf(), source };
        let text = if path.exists() { std::fs::read_to_string(path).map_err(failed)? } else { String::new() };
        // A line broken off by a crash does not parse: it is past the checkpoint.
        let parsed = text.lines().map_while(|line| serde_json::from_str::<Line>(line).ok());
        let lines: Vec<Line> = parsed.take_while(|line| line.step <= step).collect();
        let file = OpenOptions::new().create(true).write(true).truncate(true).open(path).map_err(failed)?;
        let mut log = Self { path: path.to_path_buf(), file, lines: Vec::new() };
        lines.into_iter().try_for_each(|line| log.push(line))?;
        Ok(log)
    }

    /// Append a line.
    pub(super) fn push(&mut self, line: Line) -> Result<()> {
        let mut text = serde_json::to_string(&line)
            .map_err(|problem| TrainError::File { path: self.path.clone(), source: problem.into() })?;
        text.push('\n');
        let written = self.file.write_all(text.as_bytes());
        written.map_err(|source| TrainError::File { path: self.path.clone(), source })?;
        self.lines.push(line);
        Ok(())
    }
}
