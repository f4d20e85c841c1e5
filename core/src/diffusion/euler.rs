//! Euler's method: the shortest sampler.

use candle_core::Tensor;

use crate::diffusion::Denoiser;
use crate::diffusion::mix::{mix, scale};
use crate::error::Result;

/// Solve the probability-flow ODE `dx/dsigma = (x - D(x; sigma)) / sigma` with Euler's method: first order.
///
/// `x` is noise of standard deviation `sigmas[0]`, `[batch, frames, channels]`; `sigmas` descends and ends in 0. Costs
/// `steps` calls to the denoiser. Deterministic: the seed lives in `x`.
///
/// # Errors
/// As the denoiser.
pub fn euler(model: &dyn Denoiser, mut x: Tensor, sigmas: &[f64]) -> Result<Tensor> {
    for pair in sigmas.windows(2) {
        let (sigma, next) = (pair[0], pair[1]);
        let d = slope(model, &x, sigma)?;
        x = mix(&x, 1.0, &d, next - sigma)?;
    }
    Ok(x)
}

/// `(x - D(x; sigma)) / sigma`: where the ODE leads from `x` as sigma grows.
pub(super) fn slope(model: &dyn Denoiser, x: &Tensor, sigma: f64) -> Result<Tensor> {
    scale(&mix(x, 1.0, &model.denoise(x, sigma)?, -1.0)?, sigma.recip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::closed_form::endpoint_error;

    #[test]
    fn euler_is_first_order() {
        let (coarse, fine) = (endpoint_error(euler, 64), endpoint_error(euler, 128));
        // First order halves the error; the next term of the expansion is still worth some percent at 64 steps.
        assert!((1.8..2.3).contains(&(coarse / fine)), "{coarse} / {fine}");
    }
}
