//! What happened since the last line of the log, and how fast steps go.

use serde::{Deserialize, Serialize};

use super::networks::Losses;

/// Sums since the last line of the log; kept in checkpoints, so that a resumed training writes the same lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Window {
    fine: f64,
    envelope: f64,
    norm: f64,
    steps: u64,
}

impl Window {
    pub(super) fn add(&mut self, losses: Losses, norm: f64) {
        self.fine += losses.fine;
        self.envelope += losses.envelope;
        self.norm += norm;
        self.steps += 1;
    }

    /// Mean losses and gradient norm; starts anew.
    pub(super) fn take(&mut self) -> (Losses, f64) {
        let n = self.steps.max(1) as f64;
        let mean = Losses { fine: self.fine / n, envelope: self.envelope / n };
        let norm = self.norm / n;
        *self = Self::default();
        (mean, norm)
    }
}

/// Time of the last steps, smoothed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Speed(Option<f64>);

impl Speed {
    pub(super) fn add(&mut self, seconds: f64) {
        self.0 = Some(self.0.map_or(seconds, |old| 0.95 * old + 0.05 * seconds));
    }

    pub(super) fn examples_a_second(self, batch_size: usize) -> f64 {
        self.0.map_or(0.0, |seconds| batch_size as f64 / seconds.max(1e-9))
    }
}
