//! [`Stage`]: one denoising network with its embedding of noise level and condition.
use crate::conditioning::Condition;
use crate::error::Result;
use candle_core::Tensor;

/// One denoising network with its embedding of noise level and condition.
pub struct Stage {}

impl Stage {
    /// The stage as a [`crate::diffusion::Denoiser`] for one batch: `conditions` one a clip, `context` (`[batch, frames,
    /// channels]`, the expanded normalised envelope) where the network takes one.
    pub fn denoiser<'a>(&'a self, conditions: &'a [Condition], context: Option<&'a Tensor>) -> StageDenoiser<'a> {
        StageDenoiser { stage: self, conditions, context }
    }
}

/// A [`Stage`] bound to conditions and context: implements `diffusion::Denoiser` (unit-variance data).
pub struct StageDenoiser<'a> {
    stage: &'a Stage,
    conditions: &'a [Condition],
    context: Option<&'a Tensor>,
}

impl crate::diffusion::Denoiser for StageDenoiser<'_> {
    fn denoise(&self, x: &Tensor, sigma: f64) -> Result<Tensor> {
        let _ = (x, sigma, self.stage, self.conditions, self.context);
        unimplemented!("lead")
    }
}
