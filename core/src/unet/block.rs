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

/// A [`FilterBlock2d`] modulated by the embedding, and behind it others that are modulated alike and see farther in time.
pub(super) struct Block2d {
    film: Linear,
    block: FilterBlock2d,
    /// With how many frames lie from one to the next that a filter sees.
    strided: Vec<(usize, FilterBlock2d)>,
}

impl Block2d {
    pub(super) fn new(
        channels: usize,
        reaches: &[usize],
        strides: &[usize],
        embedding: usize,
        padding: Padding,
        weights: &Weights,
    ) -> Result<Self> {
        let strided = |(i, &stride): (usize, &usize)| {
            Ok((stride, FilterBlock2d::new(channels, &[], padding, &weights.sub("strided").sub(i))?))
        };
        Ok(Self {
            film: Linear::new(embedding, 2 * channels, Init::Zeros, &weights.sub("film"))?,
            block: FilterBlock2d::new(channels, reaches, padding, weights)?,
            strided: strides.iter().enumerate().map(strided).collect::<Result<_>>()?,
        })
    }

    /// `x` of this shape, frames, bins, channels, to the same shape.
    pub(super) fn forward(&self, x: &Value, shape: [usize; 3], embedding: &Value) -> Result<Value> {
        let film = self.film.forward(embedding)?;
        let x = self.block.forward(x, &film)?;
        self.strided.iter().try_fold(x, |x, (stride, block)| strided(block, *stride, &x, shape, &film)?.reshape(&shape))
    }
}

/// As many frames as the stride lie side by side, as if they were one of so many times the bins: the next frame of that map is
/// the next that the filter sees. Where two lie side by side it reaches from the highest bins of the one to the lowest of the
/// other, where there is little to see.
fn strided(
    block: &FilterBlock2d,
    stride: usize,
    x: &Value,
    [frames, bins, channels]: [usize; 3],
    film: &Value,
) -> Result<Value> {
    // In training it divides the frames; of a loop it need not.
    let stride = (1..=stride).rev().find(|&stride| frames.is_multiple_of(stride)).unwrap_or(1);
    block.forward(&x.reshape(&[frames / stride, stride * bins, channels])?, film)
}
