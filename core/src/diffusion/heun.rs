//! Heun's method.

use candle_core::Tensor;

use crate::diffusion::Denoiser;
use crate::diffusion::euler::slope;
use crate::diffusion::mix::mix;
use crate::error::Result;

/// Solve the probability-flow ODE with Heun's method (Karras et al. 2022, algorithm 1): second order.
///
/// `x` is noise of standard deviation `sigmas[0]`, `[batch, frames, channels]`; `sigmas` descends and ends in 0. Costs
/// `2 * steps - 1` calls to the denoiser. Deterministic: the seed lives in `x`.
///
/// # Errors
/// As the denoiser.
pub fn heun(model: &dyn Denoiser, mut x: Tensor, sigmas: &[f64]) -> Result<Tensor> {
    for pair in sigmas.windows(2) {
        let (sigma, next) = (pair[0], pair[1]);
        let d = slope(model, &x, sigma)?;
        let euler = mix(&x, 1.0, &d, next - sigma)?;
        x = if next == 0.0 {
            euler
        } else {
            let d_next = slope(model, &euler, next)?;
            mix(&x, 1.0, &mix(&d, 1.0, &d_next, 1.0)?, 0.5 * (next - sigma))?
        };
    }
    Ok(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::closed_form::endpoint_error;

    #[test]
    fn heun_has_the_reference_errors_on_gaussian_data() {
        // sigma_data 0.5, sigma 0.002..80, rho 7; computed once in double precision, two digits.
        for (steps, expected) in [(18, 5.5e-2), (36, 1.2e-2), (72, 2.9e-3), (128, 8.8e-4)] {
            let got = endpoint_error(heun, steps);
            assert!((got / expected - 1.0).abs() < 0.05, "{steps} steps: {got} instead of {expected}");
        }
    }

    #[test]
    fn heun_is_second_order() {
        let ratio = endpoint_error(heun, 64) / endpoint_error(heun, 128);
        assert!((ratio - 4.16).abs() < 0.05, "{ratio}");
    }
}
