//! [`Head`]: the thin 2-D part between single bins and the 1-D trunk.
//!
//! A trunk alone squeezes 512 bins through 128 to 256 channels and cannot give single bins back: nothing is denoised at
//! low noise. The head keeps a small map over frames and bins instead. It cuts the input into patches (a few frames by a
//! few bins, more channels than values: nothing is lost), works on them, merges neighbouring patches into coarser ones,
//! and folds the coarsest into the trunk's channels; on the way back each level gets what it had on the way in.

use candle_core::{Result, Tensor, bail};

use super::block::Block2d;
use super::config::{FrameShape, HeadConfig};
use crate::nn::{GroupNorm, Init, Linear, Weights};

struct HeadLevel {
    before: Vec<Block2d>,
    after: Vec<Block2d>,
}

/// Bins folded into channels, `widths.len()` times, around the trunk.
pub(super) struct Head {
    config: HeadConfig,
    shape: FrameShape,
    embed: Linear,
    /// `[1, 1, bins / patch_bins, widths[0]]`: where in frequency a patch is.
    positions: Tensor,
    levels: Vec<HeadLevel>,
    merge: Vec<Linear>,
    split: Vec<Linear>,
    fold: Linear,
    unfold: Linear,
    norm: GroupNorm,
    output: Linear,
}

impl Head {
    pub(super) fn new(
        config: &HeadConfig,
        shape: FrameShape,
        trunk_width: usize,
        embedding: usize,
        weights: &Weights,
    ) -> Result<Self> {
        let patch = config.patch_frames * config.patch_bins;
        let inputs = patch * if shape.has_context { 2 } else { 1 };
        let (finest, last) = (config.widths[0], config.widths.len() - 1);
        let bins = shape.channels / config.patch_bins;
        let folded = bins / config.merge.pow(last as u32) * config.widths[last];
        let linear = |name: &str, inputs: usize, outputs: usize| {
            Linear::new(inputs, outputs, Init::FanIn(inputs), &weights.sub(name))
        };
        let level = |i: usize| Self::level(config.widths[i], config.blocks, embedding, &weights.sub("level").sub(i));
        let pairs = || config.widths.windows(2).map(|pair| (pair[0], pair[1])).enumerate();
        Ok(Self {
            embed: linear("embed", inputs, finest)?,
            positions: weights.get("positions", &[1, 1, bins, finest], Init::Normal(0.02))?,
            levels: (0..=last).map(level).collect::<Result<_>>()?,
            merge: pairs()
                .map(|(i, (fine, coarse))| linear(&format!("merge.{i}"), config.merge * fine, coarse))
                .collect::<Result<_>>()?,
            split: pairs()
                .map(|(i, (fine, coarse))| linear(&format!("split.{i}"), coarse, config.merge * fine))
                .collect::<Result<_>>()?,
            fold: linear("fold", folded, trunk_width)?,
            unfold: linear("unfold", trunk_width, folded)?,
            norm: GroupNorm::new(finest, &weights.sub("norm"))?,
            output: Linear::new(finest, patch, Init::Zeros, &weights.sub("output"))?,
            config: config.clone(),
            shape,
        })
    }

    fn level(width: usize, blocks: usize, embedding: usize, weights: &Weights) -> Result<HeadLevel> {
        let blocks = |way: &str| {
            (0..blocks).map(|i| Block2d::new(width, embedding, &weights.sub(way).sub(i))).collect::<Result<_>>()
        };
        Ok(HeadLevel { before: blocks("before")?, after: blocks("after")? })
    }

    /// `[batch, frames, channels]` to the same shape, through `trunk` on `[batch, frames / patch_frames, trunk_width]`.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        context: Option<&Tensor>,
        embedding: &Tensor,
        trunk: impl Fn(&Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let seen = match (context, self.shape.has_context) {
            (Some(context), true) => Tensor::cat(&[self.to_patches(x)?, self.to_patches(context)?], 3)?,
            (None, false) => self.to_patches(x)?,
            _ => bail!("this network {} a context", if self.shape.has_context { "needs" } else { "takes no" }),
        };
        let mut h = self.embed.forward(&seen)?.broadcast_add(&self.positions)?;
        let mut remembered = Vec::new();
        for (i, level) in self.levels.iter().enumerate() {
            h = run(&level.before, h, embedding)?;
            remembered.push(h.clone());
            if let Some(merge) = self.merge.get(i) {
                h = merge.forward(&regroup(&h, self.config.merge, 1)?)?;
            }
        }
        h = self.through(&h, trunk)?;
        for (i, level) in self.levels.iter().enumerate().rev() {
            if let Some(split) = self.split.get(i) {
                h = regroup(&split.forward(&h)?, 1, self.config.merge)?;
            }
            h = run(&level.after, (h + &remembered[i])?, embedding)?;
        }
        self.to_frames(&self.output.forward(&self.norm.forward_silu(&h)?)?)
    }

    /// Fold the bins into channels, run the trunk, unfold.
    fn through(&self, h: &Tensor, trunk: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        let (batch, frames, bins, width) = h.dims4()?;
        let folded = self.fold.forward(&h.reshape((batch, frames, bins * width))?)?;
        self.unfold.forward(&trunk(&folded)?)?.reshape((batch, frames, bins, width))
    }

    /// `[batch, frames, channels]` to `[batch, frames / patch_frames, channels / patch_bins, patch]`.
    fn to_patches(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, frames, channels) = x.dims3()?;
        let (across, along) = (self.config.patch_frames, self.config.patch_bins);
        x.reshape((batch, frames / across, across, channels / along, along))?.transpose(2, 3)?.contiguous()?.reshape((
            batch,
            frames / across,
            channels / along,
            across * along,
        ))
    }

    /// The inverse of [`Head::to_patches`].
    fn to_frames(&self, patches: &Tensor) -> Result<Tensor> {
        let (batch, frames, bins, _) = patches.dims4()?;
        let (across, along) = (self.config.patch_frames, self.config.patch_bins);
        patches.reshape((batch, frames, bins, across, along))?.transpose(2, 3)?.contiguous()?.reshape((
            batch,
            frames * across,
            bins * along,
        ))
    }
}

fn run(blocks: &[Block2d], x: Tensor, embedding: &Tensor) -> Result<Tensor> {
    blocks.iter().try_fold(x, |h, block| block.forward(&h, embedding))
}

/// `[batch, frames, bins, channels]`: `join` neighbouring bins become one, or one becomes `cut`; same memory.
fn regroup(x: &Tensor, join: usize, cut: usize) -> Result<Tensor> {
    let (batch, frames, bins, channels) = x.dims4()?;
    x.reshape((batch, frames, bins / join * cut, channels * join / cut))
}
