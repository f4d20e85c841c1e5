//! [`Objective`]: what the networks learn to predict.

use serde::{Deserialize, Serialize};

use super::config::TrainConfig;
use crate::noise::NoiseStream;

/// What the networks learn to predict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Objective {
    /// The velocity of diffusion: a model that wants 8 to 16 steps.
    #[default]
    Velocity,
    /// Where a teacher's path ends: a model that wants 1 to 4 steps.
    Consistency(Consistency),
}

/// Consistency distillation (Song et al. 2023, algorithm 2, <https://arxiv.org/abs/2303.01469>): from two neighbouring
/// noise levels of one path of the teacher, the student shall see the same data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Consistency {
    /// Steps of the schedule between whose neighbours the teacher leads, 2..=1000.
    pub steps: usize,
    /// Guidance of the teacher, 0..=20, which the student then has without being asked.
    pub guidance: f64,
    /// Share of the training after which all noise levels are drawn alike; before it, they grow from the lowest, so that
    /// what is learnt at low noise is there when higher noise asks for it. 0..=1.
    pub grow: f64,
    /// `drift` of the noise of textures, 0.1..=10, as in [`SamplingDefaults`](crate::model::SamplingDefaults): the student learns
    /// of paths that begin where sounds will. 1 is white noise.
    pub drift: f64,
}

impl Default for Consistency {
    fn default() -> Self {
        Self { steps: 16, guidance: 1.0, grow: 0.5, drift: 1.0 }
    }
}

/// Bend of the schedule (Karras et al. 2022), as in rendering.
const RHO: f64 = 7.0;

impl Objective {
    /// Noise levels, `share` of the training done: one for each example of a batch, and again for each draw of the
    /// envelope stage beyond the first.
    pub(super) fn draws(&self, config: &TrainConfig, share: f64, noise: &mut NoiseStream) -> Vec<Vec<f64>> {
        let draws = if config.envelope.is_some() { config.envelope_draws } else { 1 };
        (0..draws).map(|_| self.sigmas(config, share, noise)).collect()
    }

    fn sigmas(&self, config: &TrainConfig, share: f64, noise: &mut NoiseStream) -> Vec<f64> {
        match self {
            Self::Velocity => config.noise_levels.stratified(config.batch_size, noise),
            Self::Consistency(consistency) => consistency.sigmas(config, share, noise),
        }
    }
}

impl Consistency {
    /// Uniform over the schedule's positions, one from each of as many equal parts as there are examples.
    fn sigmas(&self, config: &TrainConfig, share: f64, noise: &mut NoiseStream) -> Vec<f64> {
        let count = config.batch_size;
        let reach = if self.grow > 0.0 { (share / self.grow).clamp(0.1, 1.0) } else { 1.0 };
        let range = [config.sampling.sigma_min, config.sampling.sigma_max];
        let position = |part: usize, noise: &mut NoiseStream| (part as f64 + f64::from(noise.uniform())) / count as f64;
        let mut sigmas: Vec<f64> = (0..count).map(|part| sigma(reach * position(part, noise), range)).collect();
        for last in (1..count).rev() {
            sigmas.swap(last, noise.below(last + 1));
        }
        sigmas
    }

    /// The noise level one step nearer to the data.
    pub(super) fn nearer(&self, from: f64, range: [f64; 2]) -> f64 {
        sigma((position(from, range) - 1.0 / self.steps as f64).max(0.0), range)
    }
}

/// The noise level at a position of the schedule: 0 is the lowest, 1 the highest.
fn sigma(position: f64, [low, high]: [f64; 2]) -> f64 {
    let (low, high) = (libm::pow(low, RHO.recip()), libm::pow(high, RHO.recip()));
    libm::pow(low + position * (high - low), RHO)
}

/// The inverse of [`sigma`].
fn position(sigma: f64, [low, high]: [f64; 2]) -> f64 {
    let (low, high) = (libm::pow(low, RHO.recip()), libm::pow(high, RHO.recip()));
    (libm::pow(sigma, RHO.recip()) - low) / (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Seed;

    const RANGE: [f64; 2] = [0.02, 40.0];

    #[test]
    fn steps_lead_from_the_highest_level_to_the_lowest_along_the_schedule() {
        let consistency = Consistency { steps: 4, ..Consistency::default() };
        // Karras et al.'s levels for five points, which rendering visits with as many steps.
        let expected = crate::diffusion::karras_sigmas(5, RANGE[0], RANGE[1], RHO).unwrap();
        let mut level = RANGE[1];
        for expected in &expected[1..5] {
            level = consistency.nearer(level, RANGE);
            assert!((level / expected - 1.0).abs() < 1e-9, "{level} is not {expected}");
        }
        assert!((consistency.nearer(RANGE[0], RANGE) / RANGE[0] - 1.0).abs() < 1e-9);
    }

    #[test]
    fn levels_fill_the_schedule_and_grow_from_its_lower_end() {
        let config = TrainConfig { batch_size: 64, ..TrainConfig::default() };
        let highest = |share: f64| {
            let sigmas = Consistency::default().sigmas(&config, share, &mut NoiseStream::new(Seed(1), "x", 0));
            sigmas.into_iter().fold(0.0, f64::max)
        };
        // The uppermost of 64 parts of the schedule, and of its lower half.
        assert!(position(highest(1.0), RANGE) > 63.0 / 64.0);
        let half = position(highest(0.25), RANGE);
        assert!((31.5 / 64.0..0.5).contains(&half), "{half}");
    }
}
