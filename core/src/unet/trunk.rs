//! [`Trunk`]: the 1-D U-Net over frames.

use candle_core::{Result, Tensor};

use super::block::Block1d;
use super::config::{FrameShape, UnetConfig};
use crate::nn::{Conv1d, Conv1dConfig, Init, Padding, SelfAttention, Value, Weights};

/// Blocks at one resolution, and attention where the level is coarse enough.
struct Level {
    blocks: Vec<Block1d>,
    attention: Option<SelfAttention>,
}

impl Level {
    fn forward(&self, x: &Value, embedding: &Value) -> Result<Value> {
        let h = self.blocks.iter().try_fold(x.clone(), |h, block| block.forward(&h, embedding))?;
        self.attention.as_ref().map_or(Ok(h.clone()), |attention| attention.forward(&h))
    }
}

/// Down through ever fewer frames, and up again with what each level remembered (Ronneberger et al. 2015).
pub(super) struct Trunk {
    /// `[1, frames, channels]`: where in time a frame is; absent where time is a circle.
    positions: Option<Tensor>,
    down: Vec<(Level, Conv1d)>,
    bottom: Level,
    up: Vec<(Conv1d, Level)>,
}

impl Trunk {
    pub(super) fn new(config: &UnetConfig, shape: FrameShape, weights: &Weights) -> Result<Self> {
        let build = Builder { config, padding: config.padding(shape), weights };
        let last = config.widths.len() - 1;
        let positions = (!config.circular).then(|| build.positions(shape)).transpose()?;
        let down = (0..last).map(|i| {
            let (inputs, outputs) = (config.widths[i], config.widths[i + 1]);
            Ok((build.level("down", i, inputs)?, build.conv("shrink", i, inputs, outputs, 2)?))
        });
        let up = (0..last).rev().map(|i| {
            let (inputs, outputs) = (config.widths[i + 1], config.widths[i]);
            Ok((build.conv("grow", i, inputs, outputs, 1)?, build.level("up", i, 2 * outputs)?))
        });
        Ok(Self {
            positions,
            down: down.collect::<Result<_>>()?,
            bottom: build.level("bottom", last, config.widths[last])?,
            up: up.collect::<Result<_>>()?,
        })
    }

    /// `[frames, widths[0]]` to the same shape.
    pub(super) fn forward(&self, x: &Value, embedding: &Value) -> Result<Value> {
        let mut h = match &self.positions {
            Some(positions) => x.add_parameter(positions)?,
            None => x.clone(),
        };
        let mut remembered = Vec::new();
        for (level, shrink) in &self.down {
            let frames = h.frames()?;
            h = level.forward(&h, embedding)?;
            remembered.push((h.clone(), frames));
            h = shrink.forward(&h)?;
        }
        h = self.bottom.forward(&h, embedding)?;
        for ((grow, level), (skip, frames)) in self.up.iter().zip(remembered.iter().rev()) {
            h = grow.forward(&h.upsample(2, *frames)?)?;
            h = level.forward(&h.concat(skip)?, embedding)?;
        }
        Ok(h)
    }
}

struct Builder<'a> {
    config: &'a UnetConfig,
    padding: Padding,
    weights: &'a Weights,
}

impl Builder<'_> {
    /// Where in time each frame of the trunk is.
    fn positions(&self, shape: FrameShape) -> Result<Tensor> {
        let patch = self.config.head.as_ref().map_or(1, |head| head.patch_frames);
        let frames = shape.frames / patch;
        let circle = shape.circle.map(|circle| circle.in_patches(patch));
        let trained = circle.map_or(frames, |circle| circle.trained);
        let positions = self.weights.get("positions", &[1, trained, self.config.widths[0]], Init::Zeros)?;
        let Some(circle) = circle else { return Ok(positions) };
        // At most 2^24 frames.
        let places: Vec<u32> = circle.places(frames).map(|place| place as u32).collect();
        positions.index_select(&Tensor::new(places, positions.device())?, 1)
    }

    fn level(&self, way: &str, index: usize, inputs: usize) -> Result<Level> {
        let (weights, width) = (self.weights.sub(way).sub(index), self.config.widths[index]);
        let block = |i: usize| {
            let inputs = if i == 0 { inputs } else { width };
            Block1d::new(inputs, width, self.config.embedding, self.padding, &weights.sub("block").sub(i))
        };
        let attends = index + self.config.attention_levels >= self.config.widths.len();
        let attention = attends.then(|| SelfAttention::new(width, 4, &weights.sub("attention"))).transpose()?;
        Ok(Level { blocks: (0..self.config.blocks).map(block).collect::<Result<_>>()?, attention })
    }

    fn conv(&self, name: &str, index: usize, inputs: usize, outputs: usize, stride: usize) -> Result<Conv1d> {
        let config = Conv1dConfig { stride, padding: self.padding, ..Conv1dConfig::default() };
        Conv1d::new(inputs, outputs, config, &self.weights.sub(name).sub(index))
    }
}
