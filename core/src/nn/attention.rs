//! [`SelfAttention`] over frames: lets far-apart moments agree.

use candle_core::{D, Result, Tensor};

use super::linear::Linear;
use super::norm::GroupNorm;
use super::weights::{Init, Weights};

/// Multi-head self-attention over frames with a residual connection (Vaswani et al. 2017); starts as the identity.
///
/// Costs `frames^2 * channels`: for the coarsest levels.
#[derive(Clone, Debug)]
pub struct SelfAttention {
    norm: GroupNorm,
    qkv: Linear,
    out: Linear,
    heads: usize,
}

impl SelfAttention {
    /// `heads` must divide `channels`.
    ///
    /// # Errors
    /// The stored weights do not fit.
    pub fn new(channels: usize, heads: usize, weights: &Weights) -> Result<Self> {
        Ok(Self {
            norm: GroupNorm::new(channels, &weights.sub("norm"))?,
            qkv: Linear::new(channels, 3 * channels, Init::FanIn(channels), &weights.sub("qkv"))?,
            out: Linear::new(channels, channels, Init::Zeros, &weights.sub("out"))?,
            heads,
        })
    }

    /// `[batch, frames, channels]` to the same shape.
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, frames, channels) = x.dims3()?;
        let width = channels / self.heads;
        let qkv = self.qkv.forward(&self.norm.forward(x)?)?.reshape((batch, frames, 3, self.heads, width))?;
        let part = |i: usize| qkv.narrow(2, i, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
        let (q, k, v) = (part(0)?, part(1)?, part(2)?);
        let scores = (q.matmul(&k.transpose(2, 3)?.contiguous()?)? * (width as f64).sqrt().recip())?;
        let mixed = softmax(&scores)?.matmul(&v)?.transpose(1, 2)?.contiguous()?.reshape((batch, frames, channels))?;
        x + self.out.forward(&mixed)?
    }
}

/// Softmax over the last axis, of operations that have a backward pass.
fn softmax(x: &Tensor) -> Result<Tensor> {
    let shifted = x.broadcast_sub(&x.max_keepdim(D::Minus1)?.detach())?.exp()?;
    shifted.broadcast_div(&shifted.sum_keepdim(D::Minus1)?)
}
