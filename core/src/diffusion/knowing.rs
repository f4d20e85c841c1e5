//! [`Knowing`]: a denoiser that is told part of the data.

use candle_core::Tensor;

use crate::diffusion::Denoiser;
use crate::error::Result;

/// Inpainting by replacement: where the data is known, the estimate is the data.
///
/// Along the probability-flow ODE a cell whose estimate stays at its data moves from `data + sigma * noise` straight to
/// the data: so replacing the estimate is replacing the noisy cells at every step by the data under the same noise
/// (the replacement method of Song et al. 2021, <https://arxiv.org/abs/2011.13456>, appendix I.2), for any sampler.
#[derive(Clone, Copy)]
pub struct Knowing<'a> {
    /// Estimates the rest.
    pub inner: &'a dyn Denoiser,
    /// The data, `[batch, frames, channels]`; what it holds elsewhere does not matter.
    pub data: &'a Tensor,
    /// 1 where the data is known, else 0, of the same shape, as `u8`.
    pub known: &'a Tensor,
}

impl Denoiser for Knowing<'_> {
    fn denoise(&self, x: &Tensor, sigma: f64) -> Result<Tensor> {
        Ok(self.known.where_cond(self.data, &self.inner.denoise(x, sigma)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::{Sampler, karras_sigmas};
    use candle_core::Device;

    #[test]
    fn what_is_known_is_kept_and_the_rest_is_sampled_as_ever_by_every_sampler() {
        // The ideal denoiser of normal data of variance 1: each cell for itself.
        let gaussian = |x: &Tensor, sigma: f64| Ok((x / (1.0 + sigma * sigma))?);
        let data = Tensor::new(&[[[0.7f32, 9.0]]], &Device::Cpu).unwrap();
        let known = Tensor::new(&[[[1u8, 0]]], &Device::Cpu).unwrap();
        let start = Tensor::new(&[[[0.7f32 + 40.0 * 0.3, 40.0 * -0.2]]], &Device::Cpu).unwrap();
        let sigmas = karras_sigmas(8, 0.01, 40.0, 7.0).unwrap();
        for sampler in Sampler::ALL {
            let sample = |model: &dyn Denoiser| {
                sampler.sample(model, start.clone(), &sigmas).unwrap().to_vec3::<f32>().unwrap()[0][0].clone()
            };
            let end = sample(&Knowing { inner: &gaussian, data: &data, known: &known });
            // Rounding of numbers up to 12.
            assert!((end[0] - 0.7).abs() < 1e-5, "{sampler}: {end:?}");
            assert_eq!(end[1], sample(&gaussian)[1], "{sampler}");
        }
    }
}
