//! Gaussian data, whose ideal denoiser and ODE endpoint are known: what the samplers are tested on.

use candle_core::{Device, Tensor};

use crate::diffusion::{Denoiser, karras_sigmas};
use crate::error::Result;

const SIGMA_DATA: f64 = 0.5;
const SIGMA_MAX: f64 = 80.0;

/// The ideal denoiser of data that is normal with standard deviation [`SIGMA_DATA`].
fn ideal(x: &Tensor, sigma: f64) -> Result<Tensor> {
    let variance = SIGMA_DATA * SIGMA_DATA;
    Ok((x * (variance / (variance + sigma * sigma)))?)
}

/// The schedule of the reference numbers: 0.002..80, rho 7.
pub fn reference_sigmas(steps: usize) -> Vec<f64> {
    karras_sigmas(steps, 0.002, SIGMA_MAX, 7.0).unwrap()
}

/// Relative error of a sampler's endpoint: the exact one is `x * sigma_data / sqrt(sigma_data^2 + sigma_max^2)`.
pub fn endpoint_error(sampler: impl Fn(&dyn Denoiser, Tensor, &[f64]) -> Result<Tensor>, steps: usize) -> f64 {
    // Double precision: the smallest errors asked for are near what f32 rounding over 128 steps adds.
    let start = Tensor::new(&[[[SIGMA_MAX, -1.0, 3.0]]], &Device::Cpu).unwrap();
    let end = sampler(&ideal, start.clone(), &reference_sigmas(steps)).unwrap();
    let exact = (start * (SIGMA_DATA / SIGMA_DATA.hypot(SIGMA_MAX))).unwrap();
    let relative = ((end - &exact).unwrap() / exact).unwrap().abs().unwrap();
    relative.max_all().unwrap().to_scalar().unwrap()
}
