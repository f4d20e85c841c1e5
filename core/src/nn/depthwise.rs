//! `Depthwise2d`: every channel its own small filter over frames and bins.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use super::op::{slice, tensor, with_values};
use super::simd;
use super::weights::{Init, Weights};

/// Odd extents of a filter in frames and bins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taps {
    pub(super) frames: usize,
    pub(super) bins: usize,
}

/// A depthwise convolution over `[batch, frames, bins, channels]`, zero outside, same size; no bias.
#[derive(Clone, Debug)]
pub(super) struct Depthwise2d {
    /// `[taps_frames * taps_bins, channels]`.
    weight: Tensor,
    taps: Taps,
}

impl Depthwise2d {
    pub(super) fn new(channels: usize, taps: Taps, weights: &Weights) -> Result<Self> {
        let count = taps.count();
        Ok(Self { weight: weights.get("weight", &[count, channels], Init::FanIn(count))?, taps })
    }

    pub(super) fn weight(&self) -> &Tensor {
        &self.weight
    }

    /// `[batch, frames, bins, channels]` to the same shape.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if x.device().is_cpu() {
            x.contiguous()?.apply_op2(&self.weight, DepthwiseOp { taps: self.taps })
        } else {
            self.composed(x)
        }
    }

    /// The same of candle's operations, which run on every device.
    fn composed(&self, x: &Tensor) -> Result<Tensor> {
        let (_, frames, bins, _) = x.dims4()?;
        let (across, along) = (self.taps.frames / 2, self.taps.bins / 2);
        let padded = x.pad_with_zeros(1, across, across)?.pad_with_zeros(2, along, along)?;
        let mut sum = x.zeros_like()?;
        for tap in 0..self.taps.count() {
            let (i, j) = (tap / self.taps.bins, tap % self.taps.bins);
            let shifted = padded.narrow(1, i, frames)?.narrow(2, j, bins)?;
            sum = (sum + shifted.broadcast_mul(&self.weight.get(tap)?)?)?;
        }
        Ok(sum)
    }
}

impl Taps {
    pub(super) fn count(self) -> usize {
        self.frames * self.bins
    }

    /// Call `f(out_range, in_range, tap)` for every tap and row of one clip: the two stretches of bins that it pairs.
    fn for_each_run(
        self,
        (frames, bins, channels): (usize, usize, usize),
        mut f: impl FnMut(Range<usize>, Range<usize>, usize),
    ) {
        let (across, along) = (self.frames as isize / 2, self.bins as isize / 2);
        let row = bins * channels;
        for t in 0..frames as isize {
            for tap in 0..self.count() {
                let from = t + (tap / self.bins) as isize - across;
                let shift = (tap % self.bins) as isize - along;
                if from < 0 || from >= frames as isize || shift.unsigned_abs() >= bins {
                    continue;
                }
                let len = (bins - shift.unsigned_abs()) * channels;
                let out = t as usize * row + (-shift).max(0) as usize * channels;
                let input = from as usize * row + shift.max(0) as usize * channels;
                f(out..out + len, input..input + len, tap);
            }
        }
    }

    /// Add the filtered clip `x` (`shape`: frames, bins, channels) to `out`.
    pub(super) fn filter_into(self, out: &mut [f32], x: &[f32], weight: &[f32], shape: (usize, usize, usize)) {
        let channels = shape.2;
        self.for_each_run(shape, |to, from, tap| {
            simd::add_scaled(&mut out[to], &x[from], &weight[tap * channels..(tap + 1) * channels]);
        });
    }

    /// Add the gradients of one clip's input and of the weight to `out`.
    pub(super) fn filter_backward(
        self,
        x: &[f32],
        grad: &[f32],
        weight: &[f32],
        (x_grad, weight_grad): (&mut [f32], &mut [f32]),
        shape: (usize, usize, usize),
    ) {
        let channels = shape.2;
        self.for_each_run(shape, |to, from, tap| {
            let tap = tap * channels..(tap + 1) * channels;
            simd::add_scaled(&mut x_grad[from.clone()], &grad[to.clone()], &weight[tap.clone()]);
            simd::add_products(&mut weight_grad[tap], &grad[to], &x[from]);
        });
    }
}

struct DepthwiseOp {
    taps: Taps,
}

impl CustomOp2 for DepthwiseOp {
    fn name(&self) -> &'static str {
        "depthwise2d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, weight) = (slice(x, x_layout)?, slice(weight, weight_layout)?);
        let (_, frames, bins, channels) = x_layout.shape().dims4()?;
        let mut out = vec![0.0; x.len()];
        let clip = frames * bins * channels;
        for (out, x) in out.chunks_exact_mut(clip).zip(x.chunks_exact(clip)) {
            self.taps.filter_into(out, x, weight, (frames, bins, channels));
        }
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, weight: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (_, frames, bins, channels) = x.dims4()?;
        let clip = frames * bins * channels;
        let (mut x_grad, mut weight_grad) = (vec![0.0; x.elem_count()], vec![0.0; weight.elem_count()]);
        let mut run = |x: &[f32], weight: &[f32], grad: &[f32]| {
            let clips = x_grad.chunks_exact_mut(clip).zip(x.chunks_exact(clip)).zip(grad.chunks_exact(clip));
            for ((x_grad, x), grad) in clips {
                self.taps.filter_backward(x, grad, weight, (x_grad, &mut weight_grad), (frames, bins, channels));
            }
        };
        with_values(x, |x| with_values(weight, |weight| with_values(grad, |grad| run(x, weight, grad))))???;
        Ok((Some(tensor(x_grad, x.shape())?), Some(tensor(weight_grad, weight.shape())?)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::noise::{NoiseStream, Seed};

    #[test]
    fn both_forms_agree_in_value_and_gradient() -> Result<()> {
        for ((taps_frames, taps_bins), frames, bins) in [((3, 5), 6, 7), ((3, 3), 1, 4), ((5, 3), 3, 1)] {
            let taps = Taps { frames: taps_frames, bins: taps_bins };
            let weights = Weights::fresh(Seed(1), &Device::Cpu);
            let layer = Depthwise2d::new(4, taps, &weights)?;
            let mut values = vec![0.0; 2 * frames * bins * 4];
            NoiseStream::new(Seed(2), "depthwise test", 0).fill_normal(&mut values);
            let x = Var::from_tensor(&tensor(values, (2, frames, bins, 4))?)?;
            let run = |y: Tensor| -> Result<[Vec<f32>; 3]> {
                let grads = y.sqr()?.sum_all()?.backward()?;
                let flat = |t: &Tensor| t.flatten_all()?.to_vec1::<f32>();
                let grad = |t: &Tensor| flat(grads.get(t).expect("a gradient for every input"));
                Ok([flat(&y)?, grad(x.as_tensor())?, grad(&layer.weight)?])
            };
            let (fused, composed) = (run(layer.forward(x.as_tensor())?)?, run(layer.composed(x.as_tensor())?)?);
            for (a, b) in fused.iter().flatten().zip(composed.iter().flatten()) {
                assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{taps:?}: {a} {b}");
            }
        }
        Ok(())
    }
}
