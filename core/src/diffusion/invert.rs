//! [`invert`]: from data back to the noise that a sampler makes it of.

use candle_core::Tensor;

use crate::diffusion::{Denoiser, heun};
use crate::error::Result;

/// Solve the probability-flow ODE upwards (Song et al. 2021, <https://arxiv.org/abs/2011.13456>, section 4.3), with
/// Heun's method: the noise, of about unit variance, that a sampler turns into `data`.
///
/// `sigmas` ascends and does not begin at 0: where noise is that faint, `data` stands for itself. Costs
/// `2 * (sigmas.len() - 1)` calls to the denoiser. Deterministic; how well a sampler finds back to `data` depends on its
/// own steps as well.
///
/// # Errors
/// As the denoiser.
pub fn invert(model: &dyn Denoiser, data: Tensor, sigmas: &[f64]) -> Result<Tensor> {
    let largest = sigmas.last().copied().unwrap_or(1.0);
    Ok((heun(model, data, sigmas)? * largest.recip())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::{Sampler, karras_sigmas};
    use candle_core::Device;

    /// The ideal denoiser of normal data of variance 1/4.
    fn gaussian(x: &Tensor, sigma: f64) -> Result<Tensor> {
        Ok((x * (0.25 / (0.25 + sigma * sigma)))?)
    }

    fn ascending(steps: usize) -> Vec<f64> {
        let mut sigmas = karras_sigmas(steps, 0.01, 40.0, 7.0).unwrap();
        sigmas.pop();
        sigmas.reverse();
        sigmas
    }

    fn values(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn gaussian_data_becomes_the_noise_of_the_closed_form() {
        let data = Tensor::new(&[[[0.5f32, -0.2]]], &Device::Cpu).unwrap();
        let noise = values(&invert(&gaussian, data, &ascending(65)).unwrap());
        // x grows as sqrt(1/4 + sigma^2).
        let expected = ((0.25 + 1600.0) / (0.25f64 + 1e-4)).sqrt() / 40.0 * 0.5;
        // What Heun's method leaves at 64 steps.
        assert!((f64::from(noise[0]) / expected - 1.0).abs() < 5e-3, "{} is not {expected}", noise[0]);
        assert!((noise[1] / noise[0] + 0.4).abs() < 1e-5);
    }

    #[test]
    fn a_sampler_finds_back_and_the_better_the_more_steps_both_take() {
        let back = |steps| {
            let data = Tensor::new(&[[[0.5f32]]], &Device::Cpu).unwrap();
            let noise = (invert(&gaussian, data, &ascending(steps)).unwrap() * 40.0).unwrap();
            let sigmas = karras_sigmas(steps, 0.01, 40.0, 7.0).unwrap();
            (values(&Sampler::DpmPp2m.sample(&gaussian, noise, &sigmas).unwrap())[0] - 0.5).abs()
        };
        assert!(back(64) < 0.5 * back(16) && back(64) < 5e-3, "{} {}", back(16), back(64));
    }
}
