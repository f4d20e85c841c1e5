//! [`SelfAttention`] over frames: lets far-apart moments agree.

use candle_core::{D, Result, Tensor};

use super::linear::Linear;
use super::norm::GroupNorm;
use super::plan::Op;
use super::value::Value;
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

    /// `[frames, channels]` to the same shape.
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn forward(&self, x: &Value) -> Result<Value> {
        let qkv = self.qkv.forward(&self.norm.forward(x)?)?;
        self.out.forward_onto(&self.mix(&qkv)?, x)
    }

    /// `[frames, 3 * channels]` to `[frames, channels]`.
    fn mix(&self, qkv: &Value) -> Result<Value> {
        let (frames, channels) = (qkv.extent(0)?, qkv.extent(1)? / 3);
        let (heads, width) = (self.heads, channels / self.heads);
        match qkv {
            Value::Tensor(qkv) => mix_tensors(qkv, heads, width).map(Value::Tensor),
            Value::Node(node) => {
                let weights = node.side(heads * frames * frames);
                let op = |out| Op::Attention { qkv: node.id(), out, weights, frames, heads, width };
                node.record(&[frames, channels], op).map(Value::Node)
            }
        }
    }
}

fn mix_tensors(qkv: &Tensor, heads: usize, width: usize) -> Result<Tensor> {
    let (batch, frames, _) = qkv.dims3()?;
    let qkv = qkv.reshape((batch, frames, 3, heads, width))?;
    let part = |i: usize| qkv.narrow(2, i, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
    let (q, k, v) = (part(0)?, part(1)?, part(2)?);
    let scores = (q.matmul(&k.transpose(2, 3)?.contiguous()?)? * (width as f64).sqrt().recip())?;
    softmax(&scores)?.matmul(&v)?.transpose(1, 2)?.contiguous()?.reshape((batch, frames, heads * width))
}

/// Softmax over the last axis, of operations that have a backward pass.
fn softmax(x: &Tensor) -> Result<Tensor> {
    let shifted = x.broadcast_sub(&x.max_keepdim(D::Minus1)?.detach())?.exp()?;
    shifted.broadcast_div(&shifted.sum_keepdim(D::Minus1)?)
}
