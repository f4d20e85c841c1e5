//! [`Stock`]: the same network written with candle's own operations on the CPU, as its users write it.
//!
//! Maps are `[batch, channels, frames]`, the head's `[batch, channels, frames, bins]`; `bench/net.py` has the same
//! structure. Only for the first clip, and only forward: candle 0.11's conv1d returns wrong gradients for a batch.

use std::collections::HashMap;

use brownian_core::unet::{HeadConfig, UnetConfig};
use candle_core::{D, Error, Result, Tensor};

use crate::case::Case;

const GROUPS: usize = 8;
const HEADS: usize = 4;

/// Parameters in the shapes that candle's operations take.
pub struct Stock {
    tensors: HashMap<String, Tensor>,
    config: UnetConfig,
    prefix: String,
}

impl Stock {
    pub fn new(case: &Case) -> brownian_core::Result<Self> {
        let config = match (&case.card.config.envelope, case.stage.as_str()) {
            (Some(envelope), "envelope") => envelope.unet.clone(),
            _ => case.card.config.unet.clone(),
        };
        let mut tensors = case.tensors.clone();
        for (name, tensor) in &mut tensors {
            *tensor = reshaped(name, tensor)?;
        }
        Ok(Self { tensors, config, prefix: format!("{}.", case.stage) })
    }

    /// The velocity of the first clip.
    pub fn forward(&self, case: &Case) -> brownian_core::Result<Tensor> {
        let first = |tensor: &Tensor| tensor.narrow(0, 0, 1);
        let (x, context) = (first(&case.x)?, case.context.as_ref().map(first).transpose()?);
        let level = self.linear("embedding.level_in", &first(&case.levels)?)?.silu()?;
        let level = self.linear("embedding.level_out", &level)?;
        let embedding = (level + self.linear("embedding.condition", &first(&case.features)?)?)?.silu()?;
        let y = match &self.config.head {
            Some(head) => self.head(head, &x, context.as_ref(), &embedding)?,
            None => {
                let seen = context.map_or(Ok(x.clone()), |context| Tensor::cat(&[&x, &context], 2))?;
                let h = self.linear("unet.input", &seen)?.transpose(1, 2)?.contiguous()?;
                let h = self.norm("unet.norm", &self.trunk(&h, &embedding)?)?.silu()?;
                self.linear("unet.output", &h.transpose(1, 2)?.contiguous()?)?
            }
        };
        let gate = self.linear("unet.gate", &embedding)?.unsqueeze(1)?;
        Ok((y + x.broadcast_mul(&gate)?)?)
    }

    fn get(&self, name: &str) -> Result<&Tensor> {
        let name = format!("{}{name}", self.prefix);
        self.tensors.get(&name).ok_or_else(|| Error::Msg(format!("no parameter {name}")))
    }

    fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(&format!("{}{name}", self.prefix))
    }

    /// On the last axis.
    fn linear(&self, name: &str, x: &Tensor) -> Result<Tensor> {
        let weight = self.get(&format!("{name}.weight"))?;
        let mut shape = x.dims().to_vec();
        let inputs = shape.pop().unwrap_or(0);
        let y = x.contiguous()?.reshape(((), inputs))?.matmul(weight)?;
        shape.push(weight.dim(1)?);
        y.broadcast_add(self.get(&format!("{name}.bias"))?)?.reshape(shape)
    }

    /// Zeros (or the other end) are put on first: with padding of its own, candle's convolution is slower.
    fn conv(&self, name: &str, x: &Tensor, stride: usize) -> Result<Tensor> {
        let weight = self.get(&format!("{name}.weight"))?;
        let (reach, frames) = (weight.dim(2)? / 2, x.dim(2)?);
        let padded = match (reach, self.config.circular) {
            (0, _) => x.clone(),
            (_, true) => Tensor::cat(&[&x.narrow(2, frames - reach, reach)?, x, &x.narrow(2, 0, reach)?], 2)?,
            (_, false) => x.pad_with_zeros(2, reach, reach)?,
        };
        let bias = self.get(&format!("{name}.bias"))?.reshape((1, (), 1))?;
        padded.conv1d(weight, 0, stride, 1, 1)?.broadcast_add(&bias)
    }

    fn norm(&self, name: &str, x: &Tensor) -> Result<Tensor> {
        let grouped = x.reshape((x.dim(0)?, GROUPS, ()))?;
        let centred = grouped.broadcast_sub(&grouped.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let unit = centred.broadcast_div(&(variance + 1e-5)?.sqrt()?)?.reshape(x.shape())?;
        let scaled = unit.broadcast_mul(&channels(self.get(&format!("{name}.scale"))?, x)?)?;
        scaled.broadcast_add(&channels(self.get(&format!("{name}.shift"))?, x)?)
    }

    /// `norm`, modulated by the embedding.
    fn modulated(&self, norm: &str, film: &str, x: &Tensor, embedding: &Tensor) -> Result<Tensor> {
        let film = self.linear(film, embedding)?.chunk(2, 1)?;
        let gain = (channels(&film[0], x)? + 1.0)?;
        self.norm(norm, x)?.broadcast_mul(&gain)?.broadcast_add(&channels(&film[1], x)?)
    }

    fn block(&self, name: &str, x: &Tensor, embedding: &Tensor) -> Result<Tensor> {
        let part = |part: &str| format!("{name}.{part}");
        let h = self.conv(&part("conv1"), &self.norm(&part("norm1"), x)?.silu()?, 1)?;
        let h = self.modulated(&part("norm2"), &part("film"), &h, embedding)?.silu()?;
        let h = self.conv(&part("conv2"), &h, 1)?;
        if self.has(&part("skip.weight")) { self.conv(&part("skip"), x, 1)? + h } else { x + h }
    }

    fn attention(&self, name: &str, x: &Tensor) -> Result<Tensor> {
        let h = self.norm(&format!("{name}.norm"), x)?.transpose(1, 2)?.contiguous()?;
        let (batch, frames, width) = h.dims3()?;
        let qkv = self.linear(&format!("{name}.qkv"), &h)?.reshape((batch, frames, 3, HEADS, width / HEADS))?;
        let part = |i: usize| qkv.narrow(2, i, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
        let scores = (part(0)?.matmul(&part(1)?.t()?)? * ((width / HEADS) as f64).sqrt().recip())?;
        let weights = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?)?.exp()?;
        let weights = weights.broadcast_div(&weights.sum_keepdim(D::Minus1)?)?;
        let mixed = weights.matmul(&part(2)?)?.transpose(1, 2)?.reshape((batch, frames, width))?;
        x + self.linear(&format!("{name}.out"), &mixed)?.transpose(1, 2)?
    }

    fn level(&self, name: &str, x: &Tensor, embedding: &Tensor) -> Result<Tensor> {
        let blocks = 0..self.config.blocks;
        let h =
            blocks.map(|i| format!("{name}.block.{i}")).try_fold(x.clone(), |h, b| self.block(&b, &h, embedding))?;
        let attention = format!("{name}.attention");
        if self.has(&format!("{attention}.qkv.weight")) { self.attention(&attention, &h) } else { Ok(h) }
    }

    fn trunk(&self, x: &Tensor, embedding: &Tensor) -> Result<Tensor> {
        let last = self.config.widths.len() - 1;
        let mut h = if self.config.circular { x.clone() } else { x.broadcast_add(self.get("unet.trunk.positions")?)? };
        let mut remembered = Vec::new();
        for i in 0..last {
            h = self.level(&format!("unet.trunk.down.{i}"), &h, embedding)?;
            remembered.push(h.clone());
            h = self.conv(&format!("unet.trunk.shrink.{i}"), &h, 2)?;
        }
        h = self.level(&format!("unet.trunk.bottom.{last}"), &h, embedding)?;
        for (i, skip) in remembered.iter().enumerate().rev() {
            let frames = skip.dim(2)?;
            h = h.upsample_nearest1d(2 * h.dim(2)?)?.narrow(2, 0, frames)?;
            h = self.conv(&format!("unet.trunk.grow.{i}"), &h, 1)?;
            h = self.level(&format!("unet.trunk.up.{i}"), &Tensor::cat(&[&h, skip], 1)?, embedding)?;
        }
        Ok(h)
    }

    fn head(&self, head: &HeadConfig, x: &Tensor, context: Option<&Tensor>, embedding: &Tensor) -> Result<Tensor> {
        let patches = |x: &Tensor| to_patches(x, head);
        let seen = match context {
            Some(context) => Tensor::cat(&[patches(x)?, patches(context)?], 3)?,
            None => patches(x)?,
        };
        let h = self.linear("unet.head.embed", &seen)?.broadcast_add(self.get("unet.head.positions")?)?;
        let mut h = to_images(&h)?;
        let mut remembered = Vec::new();
        for i in 0..head.widths.len() {
            h = self.run(&format!("unet.head.level.{i}.before"), head.blocks, h, embedding)?;
            remembered.push(h.clone());
            if i + 1 < head.widths.len() {
                let joined = regroup(&to_rows(&h)?, head.merge, 1)?;
                h = to_images(&self.linear(&format!("unet.head.merge.{i}"), &joined)?)?;
            }
        }
        h = self.through(&h, embedding)?;
        for i in (0..head.widths.len()).rev() {
            if i + 1 < head.widths.len() {
                let split = self.linear(&format!("unet.head.split.{i}"), &to_rows(&h)?)?;
                h = to_images(&regroup(&split, 1, head.merge)?)?;
            }
            h = self.run(&format!("unet.head.level.{i}.after"), head.blocks, (h + &remembered[i])?, embedding)?;
        }
        let h = to_rows(&self.norm("unet.head.norm", &h)?.silu()?)?;
        from_patches(&self.linear("unet.head.output", &h)?, head)
    }

    fn run(&self, name: &str, blocks: usize, x: Tensor, embedding: &Tensor) -> Result<Tensor> {
        (0..blocks).map(|i| format!("{name}.{i}")).try_fold(x, |h, name| self.image_block(&name, &h, embedding))
    }

    fn image_block(&self, name: &str, x: &Tensor, embedding: &Tensor) -> Result<Tensor> {
        let part = |part: &str| format!("{name}.{part}");
        let filter = self.get(&part("filter.weight"))?;
        // Square padding is all that candle's convolution knows; the filter is wider than high.
        let h = x.pad_with_zeros(3, 1, 1)?.conv2d(filter, 1, 1, 1, x.dim(1)?)?;
        let h = to_rows(&self.modulated(&part("norm"), &part("film"), &h, embedding)?)?;
        let h = self.linear(&part("narrow"), &self.linear(&part("widen"), &h)?.silu()?)?;
        x + to_images(&h)?
    }

    fn through(&self, h: &Tensor, embedding: &Tensor) -> Result<Tensor> {
        let rows = to_rows(h)?;
        let (batch, frames, bins, width) = rows.dims4()?;
        let folded = self.linear("unet.head.fold", &rows.reshape((batch, frames, bins * width))?)?;
        let h = self.trunk(&folded.transpose(1, 2)?.contiguous()?, embedding)?.transpose(1, 2)?;
        to_images(&self.linear("unet.head.unfold", &h.contiguous()?)?.reshape((batch, frames, bins, width))?)
    }
}

/// Convolutions from `[taps * inputs, outputs]` to candle's `[outputs, inputs, taps]`, filters to `[channels, 1, 3, 5]`.
fn reshaped(name: &str, tensor: &Tensor) -> Result<Tensor> {
    let layers: Vec<&str> = name.split('.').rev().collect();
    let is = |names: &[&str]| layers.iter().take(3).any(|layer| names.contains(layer)) && name.ends_with(".weight");
    if is(&["filter"]) {
        return tensor.t()?.contiguous()?.reshape(((), 1, 3, 5));
    }
    let taps = match () {
        () if is(&["conv1", "conv2", "shrink", "grow"]) => 3,
        () if is(&["skip"]) => 1,
        () if name.ends_with("trunk.positions") => return tensor.transpose(1, 2)?.contiguous(),
        () => return Ok(tensor.clone()),
    };
    let (rows, outputs) = tensor.dims2()?;
    tensor.reshape((taps, rows / taps, outputs))?.permute((2, 1, 0))?.contiguous()
}

/// Values by channel, `[channels]` or `[batch, channels]`, against a map.
fn channels(values: &Tensor, x: &Tensor) -> Result<Tensor> {
    let mut shape = vec![1; x.rank()];
    shape[0] = values.elem_count() / x.dim(1)?;
    shape[1] = x.dim(1)?;
    values.reshape(shape)
}

fn to_rows(x: &Tensor) -> Result<Tensor> {
    x.permute((0, 2, 3, 1))?.contiguous()
}

fn to_images(x: &Tensor) -> Result<Tensor> {
    x.permute((0, 3, 1, 2))?.contiguous()
}

fn regroup(x: &Tensor, join: usize, cut: usize) -> Result<Tensor> {
    let (batch, frames, bins, channels) = x.dims4()?;
    x.reshape((batch, frames, bins / join * cut, channels * join / cut))
}

fn to_patches(x: &Tensor, head: &HeadConfig) -> Result<Tensor> {
    let (batch, frames, channels) = x.dims3()?;
    let (across, along) = (head.patch_frames, head.patch_bins);
    let cut = x.reshape((batch, frames / across, across, channels / along, along))?.transpose(2, 3)?;
    cut.contiguous()?.reshape((batch, frames / across, channels / along, across * along))
}

fn from_patches(patches: &Tensor, head: &HeadConfig) -> Result<Tensor> {
    let (batch, frames, bins, _) = patches.dims4()?;
    let (across, along) = (head.patch_frames, head.patch_bins);
    let cut = patches.reshape((batch, frames, bins, across, along))?.transpose(2, 3)?;
    cut.contiguous()?.reshape((batch, frames * across, bins * along))
}
