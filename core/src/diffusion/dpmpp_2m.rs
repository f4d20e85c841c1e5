//! DPM-Solver++(2M): the usual sampler of this project.

use candle_core::Tensor;

use crate::diffusion::{Denoiser, mix::mix};
use crate::error::Result;

/// Solve the probability-flow ODE with DPM-Solver++(2M) (Lu et al. 2022, <https://arxiv.org/abs/2211.01095>,
/// algorithm 2) for `x = data + sigma * noise`: second order at one call a step.
///
/// With `lambda = -ln sigma` the ODE is linear in `x`, and the solver integrates that part exactly; it only
/// extrapolates the denoised estimate, from this step's and the last one's. The first step and the one to sigma 0 take
/// the estimate as it is.
///
/// `x` is noise of standard deviation `sigmas[0]`, `[batch, frames, channels]`; `sigmas` descends and ends in 0. Costs
/// `steps` calls to the denoiser. Deterministic: the seed lives in `x`.
///
/// # Errors
/// As the denoiser.
pub fn dpmpp_2m(model: &dyn Denoiser, mut x: Tensor, sigmas: &[f64]) -> Result<Tensor> {
    // The denoised estimate of the step before, with the width of that step in lambda.
    let mut before: Option<(Tensor, f64)> = None;
    for pair in sigmas.windows(2) {
        let (sigma, next) = (pair[0], pair[1]);
        let denoised = model.denoise(&x, sigma)?;
        let ratio = next / sigma;
        let h = -libm::log(ratio);
        let target = match &before {
            Some((old, h_before)) if next > 0.0 => {
                let weight = 0.5 * h / h_before;
                mix(&denoised, 1.0 + weight, old, -weight)?
            }
            _ => denoised.clone(),
        };
        x = mix(&x, ratio, &target, 1.0 - ratio)?;
        before = Some((denoised, h));
    }
    Ok(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::closed_form::{endpoint_error, reference_sigmas};
    use candle_core::Device;

    #[test]
    fn dpmpp_2m_is_second_order() {
        let ratio = endpoint_error(dpmpp_2m, 64) / endpoint_error(dpmpp_2m, 128);
        // Second order quarters the error; the next term is still worth some percent at 64 steps.
        assert!((3.7..4.6).contains(&ratio), "{ratio}");
    }

    #[test]
    fn dpmpp_2m_beats_euler_at_equal_cost() {
        let euler = endpoint_error(crate::diffusion::euler, 16);
        assert!(endpoint_error(dpmpp_2m, 16) < 0.5 * euler);
    }

    #[test]
    fn a_constant_denoiser_is_reached_whatever_the_steps() {
        // With D constant the exact solution ends on it: the solver integrates the linear part without error.
        let data = Tensor::new(&[[[0.25f32, -0.5]]], &Device::Cpu).unwrap();
        let constant = |_: &Tensor, _: f64| Ok(data.clone());
        for steps in [1, 2, 7] {
            let noise = Tensor::new(&[[[80f32, -80.0]]], &Device::Cpu).unwrap();
            let end = dpmpp_2m(&constant, noise, &reference_sigmas(steps)).unwrap();
            assert_eq!(end.to_vec3::<f32>().unwrap(), data.to_vec3::<f32>().unwrap());
        }
    }
}
