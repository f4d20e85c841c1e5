//! [`FilterBlock2d`]: the residual block over frames and bins, on the CPU as one operation.
//!
//! As separate operations the block writes and reads its widest map eight times, and the gradient tape doubles that. Here
//! each clip goes through in tiles that stay in cache, nothing of the inside is kept, and the backward pass computes it
//! again: less work than fetching it from memory.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

use super::conv1d::Padding;
use super::depthwise::Depthwise2d;
use super::kernel::filter::{self, MapShape, TAPS};
use super::kernel::gemm::{Epilogue, Output, Panels, View, product, product_unpacked};
use super::kernel::{isa::Isa, rows};
use super::linear::Linear;
use super::norm::{GROUPS, GroupNorm, affine, finish_statistics, normalise_backward};
use super::op::{slice, tensor, with_values};
use super::plan::{Mix, Node, Op};
use super::silu::silu;
use super::value::{Value, mixed};
use super::weights::{Init, Weights};

/// Rows (one patch of one frame each) that pass through the two matrices together.
const TILE: usize = 128;

/// `x + narrow(silu(widen(norm(filter(x)))))`, the norm modulated (Liu et al. 2022, ConvNeXt): much context for few
/// multiplications. Starts as the identity.
#[derive(Clone, Debug)]
pub struct FilterBlock2d {
    /// With how many frames lie from one to the next that a filter sees; together they are the block's filter. The last one's
    /// stride is 1.
    filters: Vec<(usize, Depthwise2d)>,
    norm: GroupNorm,
    widen: Linear,
    narrow: Linear,
    channels: usize,
    /// Time is a circle.
    circular: bool,
}

impl FilterBlock2d {
    /// The filter spans 3 frames by 5 bins, and as much again every `stride` frames for each of `strides`; inside, twice the
    /// channels. `padding` lies outside the frames; outside the bins there are zeros.
    ///
    /// # Errors
    /// The stored weights do not fit.
    pub fn new(channels: usize, strides: &[usize], padding: Padding, weights: &Weights) -> Result<Self> {
        let filter = weights.sub("filter");
        let strided = |(i, &stride): (usize, &usize)| {
            Ok((stride, Depthwise2d::new(channels, padding, Init::Zeros, &filter.sub("strided").sub(i))?))
        };
        let mut filters = strides.iter().enumerate().map(strided).collect::<Result<Vec<_>>>()?;
        filters.push((1, Depthwise2d::new(channels, padding, Init::FanIn(TAPS), &filter)?));
        Ok(Self {
            filters,
            norm: GroupNorm::new(channels, &weights.sub("norm"))?,
            widen: Linear::new(channels, 2 * channels, Init::FanIn(channels), &weights.sub("widen"))?,
            narrow: Linear::new(2 * channels, channels, Init::Zeros, &weights.sub("narrow"))?,
            channels,
            circular: padding == Padding::Circular,
        })
    }

    /// `[frames, bins, channels]` to the same shape; `film` is `[2 * channels]` as for [`GroupNorm::modulated`].
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn forward(&self, x: &Value, film: &Value) -> Result<Value> {
        match (x, film) {
            (Value::Tensor(x), Value::Tensor(film)) if x.device().is_cpu() => self.fused(x, film).map(Value::Tensor),
            (Value::Tensor(x), Value::Tensor(film)) => self.composed(x, film).map(Value::Tensor),
            (Value::Node(x), Value::Node(film)) => self.record(x, film).map(Value::Node),
            _ => mixed(),
        }
    }

    fn record(&self, x: &Node, film: &Node) -> Result<Node> {
        let &[frames, bins, channels] = x.shape() else { bail!("need frames, bins, channels, not {:?}", x.shape()) };
        let shape = MapShape { frames, bins, channels, circular: self.circular };
        let filter =
            |(stride, filter): &(usize, Depthwise2d)| Ok((x.parameter(filter.weight())?, shape.strided(*stride)));
        let filters: Vec<_> = self.filters.iter().map(filter).collect::<Result<_>>()?;
        let sums = x.side(frames * 2 * channels);
        let filtered = x.record(x.shape(), |out| Op::Filter { x: x.id(), out, sums, filters })?;
        let [scale, shift] = self.norm.record_parameters(x)?;
        let pair = |layer: &Linear| -> Result<[usize; 2]> {
            let (weight, bias) = layer.parameters();
            Ok([x.matrix(weight, 1)?, x.parameter(bias)?])
        };
        let (widen, narrow, statistics) = (pair(&self.widen)?, pair(&self.narrow)?, x.side(4 * channels));
        let (x_id, filtered, film) = (x.id(), filtered.id(), film.id());
        let mix = |out| Mix { x: x_id, filtered, sums, out, film, scale, shift, statistics, widen, narrow, shape };
        x.record(x.shape(), |out| Op::Mix(mix(out)))
    }

    fn fused(&self, x: &Tensor, film: &Tensor) -> Result<Tensor> {
        let (scale, shift) = self.norm.modulation(film)?;
        let modulation = Tensor::cat(&[scale, shift], 1)?;
        // One operation takes three inputs: the block's parameters go in as one vector, in `Layer`'s order.
        let (w1, b1) = self.widen.parameters();
        let (w2, b2) = self.narrow.parameters();
        let filters = self.filters.iter().map(|(_, filter)| filter.weight());
        let parts = filters.chain([w1, b1, w2, b2]).map(Tensor::flatten_all);
        let parameters = Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 0)?;
        let strides = self.filters.iter().map(|(stride, _)| *stride).collect();
        let op = BlockOp { channels: self.channels, circular: self.circular, strides };
        x.contiguous()?.apply_op3(&modulation, &parameters, op)
    }

    /// The same of candle's operations, which run on every device.
    fn composed(&self, x: &Tensor, film: &Tensor) -> Result<Tensor> {
        let (batch, frames, bins, channels) = x.dims4()?;
        let map = MapShape { frames, bins, channels, circular: self.circular };
        let mut filtered = x.zeros_like()?;
        for (stride, filter) in &self.filters {
            let MapShape { frames, bins, .. } = map.strided(*stride);
            let strided = filter.forward(&x.reshape((batch, frames, bins, channels))?)?;
            filtered = (filtered + strided.reshape(x.shape())?)?;
        }
        let h = self.norm.modulated(&Value::Tensor(filtered), &Value::Tensor(film.clone()), false)?;
        x + self.narrow.tensor(&silu(&self.widen.tensor(h.tensor()?)?)?)?
    }
}

/// The parameters of a block, or their gradients, as slices of one vector.
struct Layer<T> {
    /// One after the other.
    filters: T,
    w1: T,
    b1: T,
    w2: T,
    b2: T,
}

/// Of the matrices and biases; what is left belongs to the filters.
fn sizes(channels: usize) -> [usize; 4] {
    let matrix = 2 * channels * channels;
    [matrix, 2 * channels, matrix, channels]
}

impl<'a> Layer<&'a [f32]> {
    fn of(vector: &'a [f32], channels: usize) -> Self {
        let [w1, b1, w2, b2] = sizes(channels);
        let (filters, rest) = vector.split_at(vector.len() - (w1 + b1 + w2 + b2));
        let (w1, rest) = rest.split_at(w1);
        let (b1, rest) = rest.split_at(b1);
        let (w2, b2) = rest.split_at(w2);
        Self { filters, w1, b1, w2, b2 }
    }
}

impl<'a> Layer<&'a mut [f32]> {
    fn of_mut(vector: &'a mut [f32], channels: usize) -> Self {
        let [w1, b1, w2, b2] = sizes(channels);
        let (filters, rest) = vector.split_at_mut(vector.len() - (w1 + b1 + w2 + b2));
        let (w1, rest) = rest.split_at_mut(w1);
        let (b1, rest) = rest.split_at_mut(b1);
        let (w2, b2) = rest.split_at_mut(w2);
        Self { filters, w1, b1, w2, b2 }
    }
}

struct BlockOp {
    channels: usize,
    circular: bool,
    /// Of the filters, in their order.
    strides: Vec<usize>,
}

/// The block's matrices, packed.
struct Matrices {
    w1: Panels,
    w2: Panels,
}

impl Matrices {
    fn pack(layer: &Layer<&[f32]>, channels: usize) -> Self {
        Self {
            w1: Panels::pack(Isa::best(), View::dense(layer.w1, channels, 2 * channels)),
            w2: Panels::pack(Isa::best(), View::dense(layer.w2, 2 * channels, channels)),
        }
    }

    /// Turned round: for gradients.
    fn pack_transposed(layer: &Layer<&[f32]>, channels: usize) -> Self {
        Self {
            w1: Panels::pack(Isa::best(), View::dense(layer.w1, channels, 2 * channels).transposed()),
            w2: Panels::pack(Isa::best(), View::dense(layer.w2, 2 * channels, channels).transposed()),
        }
    }
}

/// What one clip, and one tile of its rows, need inside the block.
struct Scratch {
    filtered: Vec<f32>,
    sums: Vec<f32>,
    normed: Vec<f32>,
    wide: Vec<f32>,
    active: Vec<f32>,
    wide_grad: Vec<f32>,
    panels: Panels,
}

impl Scratch {
    fn new(shape: MapShape) -> Self {
        let (narrow, wide) = (vec![0.0; TILE * shape.channels], vec![0.0; 2 * TILE * shape.channels]);
        Self {
            filtered: vec![0.0; shape.len()],
            sums: vec![0.0; shape.frames * 2 * shape.channels],
            normed: narrow,
            active: wide.clone(),
            wide_grad: wide.clone(),
            wide,
            panels: Panels::empty(Isa::best()),
        }
    }

    /// Filter one clip into `filtered`; mean and reciprocal standard deviation of what came out.
    fn filter(&mut self, x: &[f32], weights: &[f32], shape: MapShape, strides: &[usize]) -> (Vec<f32>, Vec<f32>) {
        for (i, (weight, stride)) in weights.chunks_exact(TAPS * shape.channels).zip(strides).enumerate() {
            let shape = shape.strided(*stride);
            let sums = &mut self.sums[..shape.frames * 2 * shape.channels];
            filter::filter(Isa::best(), &mut self.filtered, sums, x, weight, shape, 0, i > 0);
        }
        let (mut mean, mut inverse) = (vec![0.0; shape.channels], vec![0.0; shape.channels]);
        let width = shape.channels / GROUPS;
        finish_statistics(&self.sums, shape.frames * shape.bins, width, &mut mean, &mut inverse);
        (mean, inverse)
    }
}

impl BlockOp {
    /// The map of one clip of a batch of this shape.
    fn map(&self, shape: &Shape) -> Result<MapShape> {
        let (_, frames, bins, channels) = shape.dims4()?;
        Ok(MapShape { frames, bins, channels, circular: self.circular })
    }

    fn forward(&self, x: &[f32], modulation: &[f32], parameters: &[f32], shape: MapShape) -> Vec<f32> {
        let c = self.channels;
        let layer = Layer::of(parameters, c);
        let matrices = Matrices::pack(&layer, c);
        let mut scratch = Scratch::new(shape);
        let mut out = x.to_vec();
        let clips = out.chunks_exact_mut(shape.len()).zip(x.chunks_exact(shape.len()));
        for ((out, x), modulation) in clips.zip(modulation.chunks_exact(2 * c)) {
            let (mean, inverse) = scratch.filter(x, layer.filters, shape, &self.strides);
            let (a, b) = affine(&mean, &inverse, &modulation[..c], &modulation[c..]);
            let Scratch { filtered, normed, active, .. } = &mut scratch;
            for (out, filtered) in out.chunks_mut(TILE * c).zip(filtered.chunks(TILE * c)) {
                let count = filtered.len() / c;
                rows::affine(Isa::best(), &mut normed[..count * c], filtered, &a, &b, false);
                let widen = Epilogue { bias: Some(layer.b1), silu: true, ..Epilogue::default() };
                product(
                    Output::dense(&mut active[..2 * count * c], 2 * c),
                    View::dense(normed, count, c),
                    &matrices.w1,
                    widen,
                );
                let narrow = Epilogue { bias: Some(layer.b2), accumulate: true, ..Epilogue::default() };
                product(Output::dense(out, c), View::dense(active, count, 2 * c), &matrices.w2, narrow);
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
        shape: MapShape,
    ) -> [Vec<f32>; 3] {
        let (c, clip) = (self.channels, shape.len());
        let layer = Layer::of(parameters, c);
        let (matrices, transposed) = (Matrices::pack(&layer, c), Matrices::pack_transposed(&layer, c));
        let mut x_grad = vec![0.0; x.len()];
        let mut modulation_grad = vec![0.0; modulation.len()];
        let mut parameters_grad = vec![0.0; parameters.len()];
        let mut layer_grad = Layer::of_mut(&mut parameters_grad, c);
        let (mut normed_grad, mut filtered_grad) = (vec![0.0; clip], vec![0.0; clip]);
        let mut scratch = Scratch::new(shape);
        for (i, x_grad) in x_grad.chunks_exact_mut(clip).enumerate() {
            let (long, short) = (i * clip..(i + 1) * clip, i * 2 * c..(i + 1) * 2 * c);
            let (x, grad, modulation) = (&x[long.clone()], &grad[long], &modulation[short.clone()]);
            let (mean, inverse) = scratch.filter(x, layer.filters, shape, &self.strides);
            let (a, b) = affine(&mean, &inverse, &modulation[..c], &modulation[c..]);
            let filtered = std::mem::take(&mut scratch.filtered);
            let tiles = filtered.chunks(TILE * c).zip(grad.chunks(TILE * c)).zip(normed_grad.chunks_mut(TILE * c));
            for ((filtered, grad), normed_grad) in tiles {
                let count = filtered.len() / c;
                rows::affine(Isa::best(), &mut scratch.normed[..count * c], filtered, &a, &b, false);
                let widen = Epilogue { bias: Some(layer.b1), ..Epilogue::default() };
                let to = Output::dense(&mut scratch.wide[..2 * count * c], 2 * c);
                product(to, View::dense(&scratch.normed, count, c), &matrices.w1, widen);
                self.tile_backward(grad, normed_grad, &transposed, &mut layer_grad, &mut scratch);
            }
            let (scale_grad, shift_grad) = modulation_grad[short].split_at_mut(c);
            let through = (&mean[..], &inverse[..], &modulation[..c]);
            normalise_backward(&filtered, through, &normed_grad, (&mut filtered_grad, scale_grad, shift_grad));
            // The residual connection passes the gradient on as it is.
            x_grad.copy_from_slice(grad);
            let filters = layer.filters.chunks_exact(TAPS * c).zip(layer_grad.filters.chunks_exact_mut(TAPS * c));
            for ((weight, weight_grad), stride) in filters.zip(&self.strides) {
                let (shape, turned) = (shape.strided(*stride), filter::turned(weight, c));
                let sums = &mut scratch.sums[..shape.frames * 2 * c];
                filter::weight_gradient(Isa::best(), weight_grad, x, &filtered_grad, shape);
                filter::filter(Isa::best(), x_grad, sums, &filtered_grad, &turned, shape, 0, true);
            }
            scratch.filtered = filtered;
        }
        [x_grad, modulation_grad, parameters_grad]
    }

    /// Through both matrices and SiLU: writes `normed_grad`, adds to the matrices' gradients.
    fn tile_backward(
        &self,
        grad: &[f32],
        normed_grad: &mut [f32],
        transposed: &Matrices,
        layer_grad: &mut Layer<&mut [f32]>,
        scratch: &mut Scratch,
    ) {
        let (c, count) = (self.channels, grad.len() / self.channels);
        let Scratch { normed, wide, active, wide_grad, panels, .. } = scratch;
        let (wide, active) = (&wide[..2 * count * c], &mut active[..2 * count * c]);
        let wide_grad = &mut wide_grad[..2 * count * c];
        rows::silu_into(Isa::best(), active, wide);
        let grad_view = View::dense(grad, count, c);
        let active_view = View::dense(active, count, 2 * c).transposed();
        product_unpacked(Output::dense(layer_grad.w2, c), active_view, grad_view, true, panels);
        rows::add_sums(Isa::best(), layer_grad.b2, grad);
        product(Output::dense(wide_grad, 2 * c), grad_view, &transposed.w2, Epilogue::default());
        // `active` has served: it takes the gradient before SiLU.
        rows::silu_gradient(Isa::best(), active, wide, wide_grad);
        let before = View::dense(active, count, 2 * c);
        product_unpacked(
            Output::dense(layer_grad.w1, 2 * c),
            View::dense(normed, count, c).transposed(),
            before,
            true,
            panels,
        );
        rows::add_sums(Isa::best(), layer_grad.b1, active);
        product(Output::dense(normed_grad, c), before, &transposed.w1, Epilogue::default());
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
        let out = self.forward(slice(x, x_layout)?, modulation, parameters, self.map(x_layout.shape())?);
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
        let shape = self.map(x.shape())?;
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
        let both = [Padding::Zero, Padding::Circular];
        let cases = [((1, 3, 4), &[][..]), ((3, 40, 17), &[]), ((2, 40, 17), &[4, 20]), ((2, 9, 4), &[3])];
        for (padding, ((batch, frames, bins), strides)) in both.into_iter().flat_map(|p| cases.map(|case| (p, case))) {
            let weights = Weights::fresh(Seed(1), &Device::Cpu);
            let block = FilterBlock2d::new(8, strides, padding, &weights)?;
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
