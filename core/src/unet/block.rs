//! The residual blocks: [`Block1d`] over frames, [`Block2d`] over frames and bins. Both start as the identity.

use candle_core::{Result, Tensor};

use crate::nn::{Conv1d, Conv1dConfig, Depthwise2d, GroupNorm, Init, Linear, Padding, Weights, silu};

/// Two convolutions, the second modulated by the embedding (Ho et al. 2020, with FiLM as in Dhariwal and Nichol 2021).
pub(super) struct Block1d {
    norm1: GroupNorm,
    conv1: Conv1d,
    film: Linear,
    norm2: GroupNorm,
    conv2: Conv1d,
    /// Where the number of channels changes.
    skip: Option<Linear>,
}

impl Block1d {
    pub(super) fn new(
        inputs: usize,
        outputs: usize,
        embedding: usize,
        padding: Padding,
        weights: &Weights,
    ) -> Result<Self> {
        let conv = Conv1dConfig { padding, ..Conv1dConfig::default() };
        let silent = Conv1dConfig { init: Some(Init::Zeros), ..conv };
        let skip = (inputs != outputs)
            .then(|| Linear::new(inputs, outputs, Init::FanIn(inputs), &weights.sub("skip")))
            .transpose()?;
        Ok(Self {
            norm1: GroupNorm::new(inputs, &weights.sub("norm1"))?,
            conv1: Conv1d::new(inputs, outputs, conv, &weights.sub("conv1"))?,
            film: Linear::new(embedding, 2 * outputs, Init::Zeros, &weights.sub("film"))?,
            norm2: GroupNorm::new(outputs, &weights.sub("norm2"))?,
            conv2: Conv1d::new(outputs, outputs, silent, &weights.sub("conv2"))?,
            skip,
        })
    }

    /// `[batch, frames, inputs]` to `[batch, frames, outputs]`.
    pub(super) fn forward(&self, x: &Tensor, embedding: &Tensor) -> Result<Tensor> {
        let h = self.conv1.forward(&self.norm1.forward_silu(x)?)?;
        let h = self.conv2.forward(&self.norm2.modulated(&h, &self.film.forward(embedding)?, true)?)?;
        match &self.skip {
            Some(skip) => skip.forward(x)? + h,
            None => x + h,
        }
    }
}

/// A depthwise filter, then two matrices by bin (Liu et al. 2022, ConvNeXt): much context for few multiplications.
pub(super) struct Block2d {
    filter: Depthwise2d,
    film: Linear,
    norm: GroupNorm,
    widen: Linear,
    narrow: Linear,
}

impl Block2d {
    /// The filter spans 3 frames by 5 bins.
    pub(super) fn new(channels: usize, embedding: usize, weights: &Weights) -> Result<Self> {
        Ok(Self {
            filter: Depthwise2d::new(channels, (3, 5), &weights.sub("filter"))?,
            film: Linear::new(embedding, 2 * channels, Init::Zeros, &weights.sub("film"))?,
            norm: GroupNorm::new(channels, &weights.sub("norm"))?,
            widen: Linear::new(channels, 2 * channels, Init::FanIn(channels), &weights.sub("widen"))?,
            narrow: Linear::new(2 * channels, channels, Init::Zeros, &weights.sub("narrow"))?,
        })
    }

    /// `[batch, frames, bins, channels]` to the same shape.
    pub(super) fn forward(&self, x: &Tensor, embedding: &Tensor) -> Result<Tensor> {
        let h = self.norm.modulated(&self.filter.forward(x)?, &self.film.forward(embedding)?, false)?;
        x + self.narrow.forward(&silu(&self.widen.forward(&h)?)?)?
    }
}
