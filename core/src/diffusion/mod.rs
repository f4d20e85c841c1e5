//! Noise schedules, denoisers, preconditioning, guidance, losses and samplers. Knows no network.
// H3 owns this module. Signatures others rely on:

use crate::error::Result;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Estimates clean data from noisy data.
pub trait Denoiser {
    /// `x = data + sigma * noise`, `[batch, frames, channels]`; returns the estimate of `data`, same shape.
    ///
    /// # Errors
    /// A tensor operation failed, or the caller cancelled (the sampler passes the error on).
    fn denoise(&self, x: &Tensor, sigma: f64) -> Result<Tensor>;
}

/// Which solver of the probability-flow ODE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sampler {
    /// DPM-Solver++(2M): second order, one evaluation a step.
    #[serde(rename = "dpmpp-2m")]
    DpmPp2m,
    /// Heun: second order, two evaluations a step.
    #[serde(rename = "heun")]
    Heun,
    /// Euler: first order, one evaluation a step.
    #[serde(rename = "euler")]
    Euler,
}

impl Sampler {
    /// Solve from `x` (noise of standard deviation `sigmas[0]`) down `sigmas` (descending, ends in 0).
    ///
    /// # Errors
    /// As the denoiser.
    pub fn sample(self, model: &dyn Denoiser, x: Tensor, sigmas: &[f64]) -> Result<Tensor> {
        let _ = (model, x, sigmas);
        unimplemented!("H3")
    }
}

/// Karras noise levels (see house style); `steps + 1` values. With 1 step: `[sigma_max, 0]`.
///
/// # Errors
/// An empty range, or 0 steps.
pub fn karras_sigmas(steps: usize, sigma_min: f64, sigma_max: f64, rho: f64) -> Result<Vec<f64>> {
    let _ = (steps, sigma_min, sigma_max, rho);
    unimplemented!("H3")
}
