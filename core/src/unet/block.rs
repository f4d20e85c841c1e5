//! The residual blocks: [`Block1d`] over frames, [`Block2d`] over frames and bins. Both start as the identity.

use candle_core::Result;

use crate::nn::{Conv1d, Conv1dConfig, FilterBlock2d, GroupNorm, Init, Linear, Padding, Value, Weights};

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

    /// `[frames, inputs]` to `[frames, outputs]`.
    pub(super) fn forward(&self, x: &Value, embedding: &Value) -> Result<Value> {
        let h = self.conv1.forward(&self.norm1.forward_silu(x)?)?;
        let h = self.norm2.modulated(&h, &self.film.forward(embedding)?, true)?;
        match &self.skip {
            Some(skip) => self.conv2.forward_onto(&h, &skip.forward(x)?),
            None => self.conv2.forward_onto(&h, x),
        }
    }
}

/// A [`FilterBlock2d`] modulated by the embedding.
pub(super) struct Block2d {
    film: Linear,
    block: FilterBlock2d,
}

impl Block2d {
    pub(super) fn new(channels: usize, embedding: usize, padding: Padding, weights: &Weights) -> Result<Self> {
        Ok(Self {
            film: Linear::new(embedding, 2 * channels, Init::Zeros, &weights.sub("film"))?,
            block: FilterBlock2d::new(channels, padding, weights)?,
        })
    }

    /// `[frames, bins, channels]` to the same shape.
    pub(super) fn forward(&self, x: &Value, embedding: &Value) -> Result<Value> {
        self.block.forward(x, &self.film.forward(embedding)?)
    }
}
