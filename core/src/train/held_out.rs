//! [`HeldOut`]: the loss on sounds never trained on, noise level by noise level.

use serde::{Deserialize, Serialize};

use super::config::{Learns, TrainConfig};
use super::networks::Losses;
use super::prepare::{Item, Prepared};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::noise::{NoiseStream, Seed};

/// The noise levels that are measured.
pub const SIGMAS: [f64; 5] = [0.1, 0.3, 1.0, 3.0, 10.0];
pub(super) const MOST_EXAMPLES: usize = 64;

/// Mean squared error of the velocity (1: knows nothing) on held-out sounds, for each of [`SIGMAS`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// Of the fine or only stage, where it learns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fine: Option<[f64; SIGMAS.len()]>,
    /// Of the envelope stage, where there is one and it learns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<[f64; SIGMAS.len()]>,
}

impl HeldOut {
    /// One number for "better": the mean over levels and stages.
    pub fn mean(&self) -> f64 {
        let mean = |losses: &[f64; SIGMAS.len()]| losses.iter().sum::<f64>() / SIGMAS.len() as f64;
        let stages: Vec<f64> = [&self.fine, &self.envelope].into_iter().flatten().map(mean).collect();
        stages.iter().sum::<f64>() / stages.len().max(1) as f64
    }
}

/// The held-out items, spread evenly over the classes' order; training items where nothing could be held out.
pub(super) fn items(prepared: &Prepared, dataset: &Dataset) -> Result<Vec<Item>> {
    let pool = if dataset.held_out.is_empty() { &dataset.train } else { &dataset.held_out };
    let count = pool.len().min(MOST_EXAMPLES);
    let plain = |i: usize| prepared.plain(&dataset.plain(&pool[i * pool.len() / count]));
    (0..count).map(plain).collect()
}

/// Measure on `items`, so many at a time, always with the same noise: `loss` gives the losses of some of them at these noise
/// levels, with noise from these streams.
pub(super) fn measure(
    config: &TrainConfig,
    items: &[Item],
    together: usize,
    mut loss: impl FnMut(&[Item], &[f64], &mut [NoiseStream]) -> Result<Losses>,
) -> Result<HeldOut> {
    let mut fine = [0.0; SIGMAS.len()];
    let mut envelope = [0.0; SIGMAS.len()];
    for (level, &sigma) in SIGMAS.iter().enumerate() {
        for (i, batch) in items.chunks(together).enumerate() {
            let stream =
                |k: usize| NoiseStream::new(Seed(config.seed), "held out", (level * 1000 + i * together + k) as u64);
            let mut noise: Vec<_> = (0..batch.len()).map(stream).collect();
            let Losses { fine: f, envelope: e } = loss(batch, &vec![sigma; batch.len()], &mut noise)?;
            let share = batch.len() as f64 / items.len() as f64;
            fine[level] += f * share;
            envelope[level] += e * share;
        }
    }
    let fine = (config.learns != Learns::Envelope).then_some(fine);
    let has_envelope = config.envelope.is_some() && config.learns != Learns::Fine;
    Ok(HeldOut { fine, envelope: has_envelope.then_some(envelope) })
}
