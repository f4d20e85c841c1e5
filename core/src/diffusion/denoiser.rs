//! [`Denoiser`]: the only thing that a sampler asks of a model.

use candle_core::Tensor;

use crate::error::Result;

/// Estimates clean data from noisy data.
///
/// Any `Fn(&Tensor, f64) -> Result<Tensor>` is one, so that a closed form or a wrapper that counts, reports or cancels
/// is a closure:
///
/// ```
/// use brownian_core::diffusion::{Denoiser, Sampler, karras_sigmas};
/// use candle_core::{Device, Tensor};
///
/// // The ideal denoiser of data that is normal with mean 0 and variance 1.
/// let gaussian = |x: &Tensor, sigma: f64| -> brownian_core::Result<Tensor> { Ok((x / (1.0 + sigma * sigma))?) };
/// let noise = Tensor::new(&[[[40f32]]], &Device::Cpu)?;
/// let data = Sampler::DpmPp2m.sample(&gaussian, noise, &karras_sigmas(16, 0.01, 40.0, 7.0)?)?;
/// assert_eq!(data.dims(), [1, 1, 1]);
/// # Ok::<(), brownian_core::Error>(())
/// ```
pub trait Denoiser {
    /// `x = data + sigma * noise`, `[batch, frames, channels]`; returns the estimate of `data`, same shape.
    ///
    /// # Errors
    /// A tensor operation failed, or the caller cancelled (the sampler passes the error on).
    fn denoise(&self, x: &Tensor, sigma: f64) -> Result<Tensor>;
}

impl<F: Fn(&Tensor, f64) -> Result<Tensor>> Denoiser for F {
    fn denoise(&self, x: &Tensor, sigma: f64) -> Result<Tensor> {
        self(x, sigma)
    }
}
