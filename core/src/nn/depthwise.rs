//! [`Depthwise2d`]: every channel its own small filter over frames and bins.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use super::op::{slice, tensor, with_values};
use super::simd;
use super::weights::{Init, Weights};

/// A depthwise convolution over `[batch, frames, bins, channels]`, zero outside, same size; no bias.
#[derive(Clone, Debug)]
pub struct Depthwise2d {
    /// `[taps_frames * taps_bins, channels]`.
    weight: Tensor,
    taps: (usize, usize),
}

impl Depthwise2d {
    /// `taps`: odd extents in frames and bins.
    ///
    /// # Errors
    /// The stored weights do not fit.
    pub fn new(channels: usize, taps: (usize, usize), weights: &Weights) -> Result<Self> {
        let count = taps.0 * taps.1;
        Ok(Self { weight: weights.get("weight", &[count, channels], Init::FanIn(count))?, taps })
    }

    /// `[batch, frames, bins, channels]` to the same shape.
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if x.device().is_cpu() {
            x.contiguous()?.apply_op2(&self.weight, DepthwiseOp { taps: self.taps })
        } else {
            self.composed(x)
        }
    }

    /// The same of candle's operations, which run on every device.
    fn composed(&self, x: &Tensor) -> Result<Tensor> {
        let (_, frames, bins, _) = x.dims4()?;
        let (across, along) = (self.taps.0 / 2, self.taps.1 / 2);
        let padded = x.pad_with_zeros(1, across, across)?.pad_with_zeros(2, along, along)?;
        let mut sum = x.zeros_like()?;
        for tap in 0..self.taps.0 * self.taps.1 {
            let (i, j) = (tap / self.taps.1, tap % self.taps.1);
            let shifted = padded.narrow(1, i, frames)?.narrow(2, j, bins)?;
            sum = (sum + shifted.broadcast_mul(&self.weight.get(tap)?)?)?;
        }
        Ok(sum)
    }
}

struct DepthwiseOp {
    taps: (usize, usize),
}

impl DepthwiseOp {
    /// Call `f(out_range, in_range, tap)` for every tap and row: the two stretches of one row of bins that it pairs.
    fn for_each_run(
        &self,
        (batch, frames, bins, channels): (usize, usize, usize, usize),
        mut f: impl FnMut(std::ops::Range<usize>, std::ops::Range<usize>, usize),
    ) {
        let (across, along) = (self.taps.0 as isize / 2, self.taps.1 as isize / 2);
        let row = bins * channels;
        for b in 0..batch {
            for t in 0..frames as isize {
                for tap in 0..self.taps.0 * self.taps.1 {
                    let from = t + (tap / self.taps.1) as isize - across;
                    let shift = (tap % self.taps.1) as isize - along;
                    if from < 0 || from >= frames as isize || shift.unsigned_abs() >= bins {
                        continue;
                    }
                    let len = (bins - shift.unsigned_abs()) * channels;
                    let out = (b * frames + t as usize) * row + (-shift).max(0) as usize * channels;
                    let input = (b * frames + from as usize) * row + shift.max(0) as usize * channels;
                    f(out..out + len, input..input + len, tap);
                }
            }
        }
    }
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
        let shape = x_layout.shape().dims4()?;
        let mut out = vec![0.0; x.len()];
        self.for_each_run(shape, |to, from, tap| {
            simd::add_scaled(&mut out[to], &x[from], &weight[tap * shape.3..(tap + 1) * shape.3]);
        });
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, weight: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let shape = x.dims4()?;
        let channels = shape.3;
        let (mut x_grad, mut weight_grad) = (vec![0.0; x.elem_count()], vec![0.0; weight.elem_count()]);
        let mut run = |x: &[f32], weight: &[f32], grad: &[f32]| {
            self.for_each_run(shape, |to, from, tap| {
                let tap = tap * channels..(tap + 1) * channels;
                simd::add_scaled(&mut x_grad[from.clone()], &grad[to.clone()], &weight[tap.clone()]);
                simd::add_products(&mut weight_grad[tap], &grad[to], &x[from]);
            });
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
        for (taps, frames, bins) in [((3, 5), 6, 7), ((3, 3), 1, 4), ((5, 3), 3, 1)] {
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
