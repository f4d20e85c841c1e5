//! [`FilterBlock2d`]: the residual block over frames and bins, on the CPU as one operation.
//!
//! As separate operations the block writes and reads its widest map eight times, and the gradient tape doubles that. Here
//! each clip goes through in tiles that stay in cache, nothing of the inside is kept, and the backward pass computes it
//! again: less work than fetching it from memory.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use super::depthwise::{Depthwise2d, Taps};
use super::gemm::{View, matmul};
use super::linear::Linear;
use super::norm::{GroupNorm, affine, normalise_backward, statistics};
use super::op::{slice, tensor, with_values};
use super::silu::silu;
use super::simd;
use super::weights::{Init, Weights};

/// Rows (one patch of one frame each) that pass through the two matrices together.
const TILE: usize = 256;
/// The filter's extent in frames and bins.
const TAPS: Taps = Taps { frames: 3, bins: 5 };

/// `x + narrow(silu(widen(norm(filter(x)))))`, the norm modulated (Liu et al. 2022, ConvNeXt): much context for few
/// multiplications. Starts as the identity.
#[derive(Clone, Debug)]
pub struct FilterBlock2d {
    filter: Depthwise2d,
    norm: GroupNorm,
    widen: Linear,
    narrow: Linear,
    channels: usize,
}

impl FilterBlock2d {
    /// The filter spans 3 frames by 5 bins; inside, twice the channels.
    ///
    /// # Errors
    /// The stored weights do not fit.
    pub fn new(channels: usize, weights: &Weights) -> Result<Self> {
        Ok(Self {
            filter: Depthwise2d::new(channels, TAPS, &weights.sub("filter"))?,
            norm: GroupNorm::new(channels, &weights.sub("norm"))?,
            widen: Linear::new(channels, 2 * channels, Init::FanIn(channels), &weights.sub("widen"))?,
            narrow: Linear::new(2 * channels, channels, Init::Zeros, &weights.sub("narrow"))?,
            channels,
        })
    }

    /// `[batch, frames, bins, channels]` to the same shape; `film` is `[batch, 2 * channels]` as for [`GroupNorm`].
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn forward(&self, x: &Tensor, film: &Tensor) -> Result<Tensor> {
        if x.device().is_cpu() { self.fused(x, film) } else { self.composed(x, film) }
    }

    fn fused(&self, x: &Tensor, film: &Tensor) -> Result<Tensor> {
        let (scale, shift) = self.norm.modulation(film)?;
        let modulation = Tensor::cat(&[scale, shift], 1)?;
        // One operation takes three inputs: the block's parameters go in as one vector, in `Layer`'s order.
        let (w1, b1) = self.widen.parameters();
        let (w2, b2) = self.narrow.parameters();
        let parts = [self.filter.weight(), w1, b1, w2, b2].map(Tensor::flatten_all);
        let parameters = Tensor::cat(&parts.into_iter().collect::<Result<Vec<_>>>()?, 0)?;
        x.contiguous()?.apply_op3(&modulation, &parameters, BlockOp { channels: self.channels })
    }

    /// The same of candle's operations, which run on every device.
    fn composed(&self, x: &Tensor, film: &Tensor) -> Result<Tensor> {
        let h = self.norm.modulated(&self.filter.forward(x)?, film, false)?;
        x + self.narrow.forward(&silu(&self.widen.forward(&h)?)?)?
    }
}

/// The parameters of a block, or their gradients, as slices of one vector.
struct Layer<T> {
    filter: T,
    w1: T,
    b1: T,
    w2: T,
    b2: T,
}

fn sizes(channels: usize) -> [usize; 5] {
    let matrix = 2 * channels * channels;
    [TAPS.count() * channels, matrix, 2 * channels, matrix, channels]
}

impl<'a> Layer<&'a [f32]> {
    fn of(vector: &'a [f32], channels: usize) -> Self {
        let [filter, w1, b1, w2, _] = sizes(channels);
        let (filter, rest) = vector.split_at(filter);
        let (w1, rest) = rest.split_at(w1);
        let (b1, rest) = rest.split_at(b1);
        let (w2, b2) = rest.split_at(w2);
        Self { filter, w1, b1, w2, b2 }
    }
}

impl<'a> Layer<&'a mut [f32]> {
    fn of_mut(vector: &'a mut [f32], channels: usize) -> Self {
        let [filter, w1, b1, w2, _] = sizes(channels);
        let (filter, rest) = vector.split_at_mut(filter);
        let (w1, rest) = rest.split_at_mut(w1);
        let (b1, rest) = rest.split_at_mut(b1);
        let (w2, b2) = rest.split_at_mut(w2);
        Self { filter, w1, b1, w2, b2 }
    }
}

struct BlockOp {
    channels: usize,
}

/// What one tile of rows needs inside the block.
struct TileScratch {
    normed: Vec<f32>,
    wide: Vec<f32>,
    active: Vec<f32>,
    wide_grad: Vec<f32>,
}

impl TileScratch {
    fn new(channels: usize) -> Self {
        let (narrow, wide) = (vec![0.0; TILE * channels], vec![0.0; 2 * TILE * channels]);
        Self { normed: narrow, active: wide.clone(), wide_grad: wide.clone(), wide }
    }
}

impl BlockOp {
    /// `filtered` rows through norm, first matrix and SiLU, into the scratch.
    fn widen(&self, filtered: &[f32], (a, b): (&[f32], &[f32]), layer: &Layer<&[f32]>, scratch: &mut TileScratch) {
        let (c, rows) = (self.channels, filtered.len() / self.channels);
        simd::affine_into(&mut scratch.normed[..rows * c], filtered, a, b);
        let wide = &mut scratch.wide[..2 * rows * c];
        matmul(wide, 2 * c, View::dense(&scratch.normed, rows, c), View::dense(layer.w1, c, 2 * c), false);
        simd::add_bias(wide, layer.b1);
        simd::silu_into(&mut scratch.active[..2 * rows * c], wide);
    }

    fn forward(
        &self,
        x: &[f32],
        modulation: &[f32],
        parameters: &[f32],
        shape: (usize, usize, usize, usize),
    ) -> Vec<f32> {
        let (c, clip) = (self.channels, shape.1 * shape.2 * shape.3);
        let layer = Layer::of(parameters, c);
        let mut out = x.to_vec();
        let mut filtered = vec![0.0; clip];
        let mut scratch = TileScratch::new(c);
        for ((out, x), modulation) in
            out.chunks_exact_mut(clip).zip(x.chunks_exact(clip)).zip(modulation.chunks_exact(2 * c))
        {
            filtered.fill(0.0);
            TAPS.filter_into(&mut filtered, x, layer.filter, (shape.1, shape.2, c));
            let (mean, inverse) = statistics(&filtered, c);
            let (a, b) = affine(&mean, &inverse, &modulation[..c], &modulation[c..]);
            for (out, filtered) in out.chunks_mut(TILE * c).zip(filtered.chunks(TILE * c)) {
                self.widen(filtered, (&a, &b), &layer, &mut scratch);
                let rows = filtered.len() / c;
                matmul(out, c, View::dense(&scratch.active, rows, 2 * c), View::dense(layer.w2, 2 * c, c), true);
                simd::add_bias(out, layer.b2);
            }
        }
        out
    }

    /// Gradients of input, modulation and parameters.
    fn backward(
        &self,
        x: &[f32],
        modulation: &[f32],
        parameters: &[f32],
        grad: &[f32],
        shape: (usize, usize, usize, usize),
    ) -> [Vec<f32>; 3] {
        let (c, clip) = (self.channels, shape.1 * shape.2 * shape.3);
        let layer = Layer::of(parameters, c);
        // The residual connection passes the gradient on as it is.
        let mut x_grad = grad.to_vec();
        let mut modulation_grad = vec![0.0; modulation.len()];
        let mut parameters_grad = vec![0.0; parameters.len()];
        let mut layer_grad = Layer::of_mut(&mut parameters_grad, c);
        let (mut filtered, mut normed_grad, mut filtered_grad) = (vec![0.0; clip], vec![0.0; clip], vec![0.0; clip]);
        let mut scratch = TileScratch::new(c);
        for i in 0..shape.0 {
            let (long, short) = (i * clip..(i + 1) * clip, i * 2 * c..(i + 1) * 2 * c);
            let (x, grad, modulation) = (&x[long.clone()], &grad[long.clone()], &modulation[short.clone()]);
            filtered.fill(0.0);
            TAPS.filter_into(&mut filtered, x, layer.filter, (shape.1, shape.2, c));
            let (mean, inverse) = statistics(&filtered, c);
            let (a, b) = affine(&mean, &inverse, &modulation[..c], &modulation[c..]);
            let tiles = filtered.chunks(TILE * c).zip(grad.chunks(TILE * c)).zip(normed_grad.chunks_mut(TILE * c));
            for ((filtered, grad), normed_grad) in tiles {
                self.widen(filtered, (&a, &b), &layer, &mut scratch);
                self.tile_backward(grad, normed_grad, &layer, &mut layer_grad, &mut scratch);
            }
            let (scale_grad, shift_grad) = modulation_grad[short].split_at_mut(c);
            let through = (&mean[..], &inverse[..], &modulation[..c]);
            normalise_backward(&filtered, through, &normed_grad, (&mut filtered_grad, scale_grad, shift_grad));
            let shape = (shape.1, shape.2, c);
            TAPS.filter_backward(x, &filtered_grad, layer.filter, (&mut x_grad[long], layer_grad.filter), shape);
        }
        [x_grad, modulation_grad, parameters_grad]
    }

    /// Through both matrices and SiLU: writes `normed_grad`, adds to the matrices' gradients.
    fn tile_backward(
        &self,
        grad: &[f32],
        normed_grad: &mut [f32],
        layer: &Layer<&[f32]>,
        layer_grad: &mut Layer<&mut [f32]>,
        scratch: &mut TileScratch,
    ) {
        let (c, rows) = (self.channels, grad.len() / self.channels);
        let grad_view = View::dense(grad, rows, c);
        let active = View::dense(&scratch.active, rows, 2 * c);
        matmul(layer_grad.w2, c, active.transposed(), grad_view, true);
        add_columns(layer_grad.b2, grad);
        let wide_grad = &mut scratch.wide_grad[..2 * rows * c];
        matmul(wide_grad, 2 * c, grad_view, View::dense(layer.w2, 2 * c, c).transposed(), false);
        // `active` has served: it takes the gradient before SiLU.
        let before = &mut scratch.active[..2 * rows * c];
        simd::silu_grad_into(before, &scratch.wide[..2 * rows * c], wide_grad);
        let before_view = View::dense(before, rows, 2 * c);
        matmul(layer_grad.w1, 2 * c, View::dense(&scratch.normed, rows, c).transposed(), before_view, true);
        add_columns(layer_grad.b1, before);
        matmul(normed_grad, c, before_view, View::dense(layer.w1, c, 2 * c).transposed(), false);
    }
}

/// `out[c] += sum over rows of x[c]`.
fn add_columns(out: &mut [f32], x: &[f32]) {
    for row in x.chunks_exact(out.len()) {
        out.iter_mut().zip(row).for_each(|(out, &x)| *out += x);
    }
}

impl CustomOp3 for BlockOp {
    fn name(&self) -> &'static str {
        "filter-block-2d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        modulation: &CpuStorage,
        modulation_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (modulation, parameters) = (slice(modulation, modulation_layout)?, slice(parameters, parameters_layout)?);
        let out = self.forward(slice(x, x_layout)?, modulation, parameters, x_layout.shape().dims4()?);
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        modulation: &Tensor,
        parameters: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let shape = x.dims4()?;
        let [x_grad, modulation_grad, parameters_grad] = with_values(x, |x| {
            with_values(modulation, |modulation| {
                with_values(parameters, |parameters| {
                    with_values(grad, |grad| self.backward(x, modulation, parameters, grad, shape))
                })
            })
        })????;
        Ok((
            Some(tensor(x_grad, x.shape())?),
            Some(tensor(modulation_grad, modulation.shape())?),
            Some(tensor(parameters_grad, parameters.shape())?),
        ))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::noise::{NoiseStream, Seed};

    fn noise(shape: &[usize], index: u64) -> Result<Tensor> {
        let mut values = vec![0.0; shape.iter().product()];
        NoiseStream::new(Seed(9), "filter block test", index).fill_normal(&mut values);
        tensor(values, shape)
    }

    #[test]
    fn both_forms_agree_in_value_and_gradient() -> Result<()> {
        // 40 x 17 rows: more than two tiles, the last one short.
        for (batch, frames, bins) in [(1, 3, 4), (3, 40, 17)] {
            let weights = Weights::fresh(Seed(1), &Device::Cpu);
            let block = FilterBlock2d::new(8, &weights)?;
            for (i, var) in weights.vars().values().enumerate() {
                var.set(&(noise(var.dims(), 10 + i as u64)? * 0.4)?)?;
            }
            let x = Var::from_tensor(&noise(&[batch, frames, bins, 8], 0)?)?;
            let film = Var::from_tensor(&noise(&[batch, 16], 1)?)?;
            let direction = noise(&[batch, frames, bins, 8], 2)?;
            let mut inputs = weights.vars();
            inputs.insert("x".into(), x.clone());
            inputs.insert("film".into(), film.clone());
            let run = |y: Tensor| -> Result<Vec<(String, Vec<f32>)>> {
                let grads = (&y * &direction)?.sum_all()?.backward()?;
                let mut all = vec![("value".to_string(), y.flatten_all()?.to_vec1()?)];
                for (name, input) in &inputs {
                    let grad = grads.get(input.as_tensor()).expect("a gradient for every input");
                    all.push((name.clone(), grad.flatten_all()?.to_vec1()?));
                }
                Ok(all)
            };
            let fused = run(block.fused(x.as_tensor(), film.as_tensor())?)?;
            let composed = run(block.composed(x.as_tensor(), film.as_tensor())?)?;
            for ((name, a), (_, b)) in fused.iter().zip(&composed) {
                let largest = b.iter().fold(0.0f32, |m, v| m.max(v.abs()));
                for (a, b) in a.iter().zip(b) {
                    // f32 sums of up to 2,040 terms.
                    assert!((a - b).abs() < 1e-4 * (1.0 + largest), "{name}: {a} {b}");
                }
            }
        }
        Ok(())
    }
}
