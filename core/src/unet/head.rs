//! [`Head`]: the thin 2-D part between single bins and the 1-D trunk.
//!
//! A trunk alone squeezes 512 bins through 128 to 256 channels and cannot give single bins back: nothing is denoised at
//! low noise. The head keeps a small map over frames and bins instead. It cuts the input into patches (a few frames by a
//! few bins, more channels than values: nothing is lost), works on them, merges neighbouring patches into coarser ones,
//! and folds the coarsest into the trunk's channels; on the way back each level gets what it had on the way in.

use candle_core::{Result, Tensor, bail};

use super::block::Block2d;
use super::config::{FrameShape, HeadConfig, UnetConfig};
use crate::nn::{GroupNorm, Init, Linear, Value, Weights};

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
    /// The head of `unet`.
    pub(super) fn new(unet: &UnetConfig, shape: FrameShape, weights: &Weights) -> Result<Self> {
        let Some(config) = &unet.head else { bail!("this network has no head") };
        let (trunk_width, embedding, padding) = (unet.widths[0], unet.embedding, unet.padding(shape));
        let patch = config.patch_frames * config.patch_bins;
        let inputs = patch * if shape.has_context { 2 } else { 1 };
        let (finest, last) = (config.widths[0], config.widths.len() - 1);
        let bins = shape.channels / config.patch_bins;
        let folded = bins / config.merge.pow(last as u32) * config.widths[last];
        let linear = |name: &str, inputs: usize, outputs: usize| {
            Linear::new(inputs, outputs, Init::FanIn(inputs), &weights.sub(name))
        };
        let level = |i: usize| {
            let (width, weights) = (config.widths[i], weights.sub("level").sub(i));
            let blocks = |way: &str| {
                let strides = |n| if i == 0 && n + 1 == config.blocks { &config.strides[..] } else { &[] };
                let reaches = if i == 0 { &config.reaches[..] } else { &[] };
                let block = |n| Block2d::new(width, reaches, strides(n), embedding, padding, &weights.sub(way).sub(n));
                (0..config.blocks).map(block).collect::<Result<_>>()
            };
            Ok(HeadLevel { before: blocks("before")?, after: blocks("after")? })
        };
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

    /// `[frames, channels]` to the same shape, through `trunk` on `[frames / patch_frames, trunk_width]`.
    pub(super) fn forward(
        &self,
        x: &Value,
        context: Option<&Value>,
        embedding: &Value,
        trunk: impl Fn(&Value) -> Result<Value>,
    ) -> Result<Value> {
        let (across, along) = (self.config.patch_frames, self.config.patch_bins);
        let seen = match (context, self.shape.has_context) {
            (Some(context), true) => x.to_patches(across, along)?.concat(&context.to_patches(across, along)?)?,
            (None, false) => x.to_patches(across, along)?,
            _ => bail!("this network {} a context", if self.shape.has_context { "needs" } else { "takes no" }),
        };
        let mut h = self.embed.forward(&seen)?.add_parameter(&self.positions)?;
        let mut remembered = Vec::new();
        for (i, level) in self.levels.iter().enumerate() {
            h = run(&level.before, h, self.map(i, self.config.widths[i]), embedding)?;
            remembered.push(h.clone());
            if let Some(merge) = self.merge.get(i) {
                h = merge.forward(&h.reshape(&self.map(i + 1, self.config.merge * self.config.widths[i]))?)?;
            }
        }
        for (i, level) in self.levels.iter().enumerate().rev() {
            // What comes back is added to what this level had on the way in.
            let sum = match self.split.get(i) {
                Some(split) => split.forward_onto(&h, &remembered[i])?,
                None => self.through(&h, &remembered[i], &trunk)?,
            };
            let map = self.map(i, self.config.widths[i]);
            h = run(&level.after, sum.reshape(&map)?, map, embedding)?;
        }
        self.output.forward(&self.norm.forward_silu(&h)?)?.to_frames(across, along)
    }

    /// The shape of a map with the bins of level `i`.
    fn map(&self, i: usize, channels: usize) -> [usize; 3] {
        let bins = self.shape.channels / self.config.patch_bins / self.config.merge.pow(i as u32);
        [self.shape.frames / self.config.patch_frames, bins, channels]
    }

    /// Fold the bins into channels, run the trunk, unfold onto `base`.
    fn through(&self, h: &Value, base: &Value, trunk: impl Fn(&Value) -> Result<Value>) -> Result<Value> {
        let [frames, bins, width] = self.map(self.levels.len() - 1, self.config.widths[self.levels.len() - 1]);
        let folded = self.fold.forward(&h.reshape(&[frames, bins * width])?)?;
        self.unfold.forward_onto(&trunk(&folded)?, base)
    }
}

fn run(blocks: &[Block2d], x: Value, map: [usize; 3], embedding: &Value) -> Result<Value> {
    blocks.iter().try_fold(x, |h, block| block.forward(&h, map, embedding))
}
