//! [`Conv1d`]: convolution over frames, channels last, with our own forward and backward pass on the CPU.
//!
//! With channels last, the `kernel` frames that one output sees are contiguous in memory. The left matrix of the product
//! is therefore an overlapping *view* of the padded input, and the whole batch is one matrix product: no im2col, no
//! transposition. Windows that would cross from one clip into the next are computed and thrown away.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use super::kernel::gemm::{Axis, Epilogue, Output, Panels, View, product, product_unpacked};
use super::kernel::isa::Isa;
use super::op::{slice, tensor, with_values};
use super::plan::{Node, Op, Product};
use super::value::{Value, mixed};
use super::weights::{Init, Weights};

/// What lies outside the first and last frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// Zeros.
    #[default]
    Zero,
    /// The other end: for loops.
    Circular,
}

/// The shape of a [`Conv1d`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv1dConfig {
    /// Frames that an output sees; odd.
    pub kernel: usize,
    /// Frames between outputs; the output has `ceil(frames / stride)` frames.
    pub stride: usize,
    /// What lies outside.
    pub padding: Padding,
    /// How the weight starts; absent: by its fan-in.
    pub init: Option<Init>,
}

impl Default for Conv1dConfig {
    fn default() -> Self {
        Self { kernel: 3, stride: 1, padding: Padding::Zero, init: None }
    }
}

/// A convolution over frames with as many frames of padding as keep the length (at stride 1).
#[derive(Clone, Debug)]
pub struct Conv1d {
    /// `[kernel * inputs, outputs]`: tap by tap.
    weight: Tensor,
    /// `[outputs]`.
    bias: Tensor,
    config: Conv1dConfig,
}

impl Conv1d {
    /// A layer from `inputs` to `outputs` channels; the bias starts at 0.
    ///
    /// # Errors
    /// The stored weights do not fit.
    ///
    /// # Panics
    /// If the kernel is even or the stride is 0.
    pub fn new(inputs: usize, outputs: usize, config: Conv1dConfig, weights: &Weights) -> Result<Self> {
        assert!(config.kernel % 2 == 1 && config.stride > 0, "need an odd kernel and a stride: {config:?}");
        let fan_in = config.kernel * inputs;
        let weight = weights.get("weight", &[fan_in, outputs], config.init.unwrap_or(Init::FanIn(fan_in)))?;
        Ok(Self { weight, bias: weights.get("bias", &[outputs], Init::Zeros)?, config })
    }

    /// Weight (`[kernel * inputs, outputs]`) and bias.
    pub(super) fn parameters(&self) -> (&Tensor, &Tensor) {
        (&self.weight, &self.bias)
    }

    /// `[frames, inputs]` to `[ceil(frames / stride), outputs]`.
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn forward(&self, x: &Value) -> Result<Value> {
        match x {
            Value::Tensor(x) => self.tensor(x).map(Value::Tensor),
            Value::Node(x) => self.record(x, None).map(Value::Node),
        }
    }

    /// `forward(x) + base`.
    ///
    /// # Errors
    /// As [`Conv1d::forward`]; a base of another shape.
    pub fn forward_onto(&self, x: &Value, base: &Value) -> Result<Value> {
        match (x, base) {
            (Value::Tensor(x), Value::Tensor(base)) => Ok(Value::Tensor((base + self.tensor(x)?)?)),
            (Value::Node(x), Value::Node(base)) => self.record(x, Some(base)).map(Value::Node),
            _ => mixed(),
        }
    }

    /// On tensors: on the CPU as one operation, elsewhere of candle's.
    pub(super) fn tensor(&self, x: &Tensor) -> Result<Tensor> {
        if x.device().is_cpu() { self.fused(x) } else { self.composed(x) }
    }

    fn record(&self, x: &Node, base: Option<&Node>) -> Result<Node> {
        let Conv1dConfig { kernel, stride, padding, .. } = self.config;
        let (frames, inputs, outputs) = (x.shape()[0], x.channels(), self.bias.dim(0)?);
        let rows = frames.div_ceil(stride);
        let reach = kernel / 2;
        let padded = match reach {
            0 => x.clone(),
            _ => {
                let padded = (frames + 2 * reach).next_multiple_of(stride);
                let circular = padding == Padding::Circular;
                let op = |out| Op::Pad { x: x.id(), out, channels: inputs, reach, circular };
                x.record(&[padded, inputs], op)?
            }
        };
        let (matrix, bias) = (x.matrix(&self.weight, kernel)?, x.parameter(&self.bias)?);
        let product = |out| Product {
            x: padded.id(),
            base: base.map(Node::id),
            out,
            matrix,
            bias,
            rows,
            inner: kernel * inputs,
            step: stride * inputs,
            cols: outputs,
        };
        x.record(&[rows, outputs], |out| Op::Product(product(out)))
    }

    fn fused(&self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op3(&self.weight, &self.bias, ConvOp(self.config))
    }

    /// The same of candle's operations, which run on every device.
    fn composed(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, frames, inputs) = x.dims3()?;
        let Conv1dConfig { kernel, stride, padding, .. } = self.config;
        let (reach, out_frames) = (kernel / 2, frames.div_ceil(stride));
        let padded = match padding {
            Padding::Zero => x.pad_with_zeros(1, reach, reach)?,
            Padding::Circular => Tensor::cat(&[&x.narrow(1, frames - reach, reach)?, x, &x.narrow(1, 0, reach)?], 1)?,
        };
        let padded = padded.pad_with_zeros(1, 0, stride)?;
        let tap = |t: usize| -> Result<Tensor> {
            let run = padded.narrow(1, t, out_frames * stride)?.contiguous()?;
            run.reshape((batch, out_frames, stride, inputs))?.narrow(2, 0, 1)?.squeeze(2)
        };
        let windows = Tensor::cat(&(0..kernel).map(tap).collect::<Result<Vec<_>>>()?, 2)?;
        let y = windows.reshape((batch * out_frames, kernel * inputs))?.matmul(&self.weight)?;
        y.broadcast_add(&self.bias)?.reshape((batch, out_frames, self.bias.dim(0)?))
    }
}

/// Sizes of one convolution, and how its padded input lies in memory.
struct Geometry {
    batch: usize,
    frames: usize,
    inputs: usize,
    outputs: usize,
    kernel: usize,
    stride: usize,
    padding: Padding,
}

impl Geometry {
    fn new(config: Conv1dConfig, (batch, frames, inputs): (usize, usize, usize), outputs: usize) -> Self {
        let Conv1dConfig { kernel, stride, padding, .. } = config;
        Self { batch, frames, inputs, outputs, kernel, stride, padding }
    }

    fn reach(&self) -> usize {
        self.kernel / 2
    }

    fn out_frames(&self) -> usize {
        self.frames.div_ceil(self.stride)
    }

    /// Frames from one padded clip to the next: a multiple of the stride, so that windows of every clip line up.
    fn padded_frames(&self) -> usize {
        (self.frames + 2 * self.reach()).next_multiple_of(self.stride)
    }

    /// Windows from one clip to the next, those that cross into it included.
    fn windows(&self) -> usize {
        self.padded_frames() / self.stride
    }

    /// Windows of the whole batch; the last clip needs no more than its outputs.
    fn rows(&self) -> usize {
        (self.batch - 1) * self.windows() + self.out_frames()
    }

    /// Whether input and padded input are the same memory.
    fn is_pointwise(&self) -> bool {
        self.kernel == 1 && self.stride == 1
    }

    /// `[batch, padded_frames, inputs]`.
    fn pad(&self, x: &[f32]) -> Vec<f32> {
        let (clip, padded) = (self.frames * self.inputs, self.padded_frames() * self.inputs);
        let edge = self.reach() * self.inputs;
        let mut out = vec![0.0; self.batch * padded];
        for (out, x) in out.chunks_exact_mut(padded).zip(x.chunks_exact(clip)) {
            out[edge..edge + clip].copy_from_slice(x);
            if self.padding == Padding::Circular {
                out[..edge].copy_from_slice(&x[clip - edge..]);
                out[edge + clip..2 * edge + clip].copy_from_slice(&x[..edge]);
            }
        }
        out
    }

    /// The gradient of [`Geometry::pad`].
    fn unpad_grad(&self, padded: &[f32]) -> Vec<f32> {
        let (clip, stride) = (self.frames * self.inputs, self.padded_frames() * self.inputs);
        let edge = self.reach() * self.inputs;
        let mut out = vec![0.0; self.batch * clip];
        for (out, padded) in out.chunks_exact_mut(clip).zip(padded.chunks_exact(stride)) {
            out.copy_from_slice(&padded[edge..edge + clip]);
            if self.padding == Padding::Circular {
                add(&mut out[clip - edge..], &padded[..edge]);
                add(&mut out[..edge], &padded[edge + clip..2 * edge + clip]);
            }
        }
        out
    }

    /// The windows of a padded input: `rows` rows of `kernel * inputs`, overlapping.
    fn view<'a>(&self, padded: &'a [f32]) -> View<'a> {
        let rows = Axis::plain(self.rows(), self.stride * self.inputs);
        View { data: padded, rows, cols: Axis::plain(self.kernel * self.inputs, 1) }
    }

    /// Spread `[batch, out_frames, outputs]` over `rows` rows, zero where a window crosses clips.
    fn spread(&self, grad: &[f32]) -> Vec<f32> {
        let (clip, stride) = (self.out_frames() * self.outputs, self.windows() * self.outputs);
        let mut out = vec![0.0; self.rows() * self.outputs];
        for (out, grad) in out.chunks_mut(stride).zip(grad.chunks_exact(clip)) {
            out[..clip].copy_from_slice(grad);
        }
        out
    }

    fn forward(&self, x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
        let weight = Panels::pack(Isa::best(), View::dense(weight, self.kernel * self.inputs, self.outputs));
        let start = Epilogue { bias: Some(bias), ..Epilogue::default() };
        let mut all = vec![0.0; self.rows() * self.outputs];
        if self.is_pointwise() {
            product(Output::dense(&mut all, self.outputs), self.view(x), &weight, start);
            return all;
        }
        product(Output::dense(&mut all, self.outputs), self.view(&self.pad(x)), &weight, start);
        let (clip, stride) = (self.out_frames() * self.outputs, self.windows() * self.outputs);
        let mut out = Vec::with_capacity(self.batch * clip);
        all.chunks(stride).for_each(|all| out.extend_from_slice(&all[..clip]));
        out
    }

    fn weight_grad(&self, x: &[f32], rows_grad: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; self.kernel * self.inputs * self.outputs];
        let grad = View::dense(rows_grad, self.rows(), self.outputs);
        let padded = if self.is_pointwise() { Vec::new() } else { self.pad(x) };
        let x = if self.is_pointwise() { x } else { &padded };
        let mut scratch = Panels::empty(Isa::best());
        let to = Output::dense(&mut out, self.outputs);
        product_unpacked(to, self.view(x).transposed(), grad, false, &mut scratch);
        out
    }

    fn input_grad(&self, weight: &[f32], rows_grad: &[f32]) -> Vec<f32> {
        let mut padded = vec![0.0; self.batch * self.padded_frames() * self.inputs];
        let grad = View::dense(rows_grad, self.rows(), self.outputs);
        let mut turned = Panels::empty(Isa::best());
        for (tap, weight) in weight.chunks_exact(self.inputs * self.outputs).enumerate() {
            turned.repack(View::dense(weight, self.inputs, self.outputs).transposed());
            let onto = Epilogue { accumulate: tap > 0 || self.stride > 1, ..Epilogue::default() };
            let rows = Axis::plain(self.rows(), self.stride * self.inputs);
            product(Output::strided(&mut padded[tap * self.inputs..], rows), grad, &turned, onto);
        }
        if self.is_pointwise() { padded } else { self.unpad_grad(&padded) }
    }
}

fn add(out: &mut [f32], x: &[f32]) {
    out.iter_mut().zip(x).for_each(|(out, &x)| *out += x);
}

struct ConvOp(Conv1dConfig);

impl CustomOp3 for ConvOp {
    fn name(&self) -> &'static str {
        "conv1d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let bias = slice(bias, bias_layout)?;
        let geometry = Geometry::new(self.0, x_layout.shape().dims3()?, bias.len());
        let out = geometry.forward(slice(x, x_layout)?, slice(weight, weight_layout)?, bias);
        Ok((CpuStorage::F32(out), Shape::from((geometry.batch, geometry.out_frames(), geometry.outputs))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let geometry = Geometry::new(self.0, x.dims3()?, bias.dim(0)?);
        let mut bias_grad = vec![0.0; geometry.outputs];
        let rows_grad = with_values(grad, |grad| {
            grad.chunks_exact(geometry.outputs).for_each(|row| add(&mut bias_grad, row));
            if geometry.is_pointwise() { grad.to_vec() } else { geometry.spread(grad) }
        })?;
        let weight_grad = with_values(x, |x| geometry.weight_grad(x, &rows_grad))?;
        // The first layer's input is data: nobody asks for its gradient.
        let x_grad = match x.track_op() {
            true => Some(tensor(with_values(weight, |weight| geometry.input_grad(weight, &rows_grad))?, x.shape())?),
            false => None,
        };
        Ok((x_grad, Some(tensor(weight_grad, weight.shape())?), Some(tensor(bias_grad, bias.shape())?)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::nn::op;
    use crate::noise::{NoiseStream, Seed};

    fn noise(shape: &[usize], index: u64) -> Result<Tensor> {
        let mut values = vec![0.0; shape.iter().product()];
        NoiseStream::new(Seed(5), "conv test", index).fill_normal(&mut values);
        op::tensor(values, shape)
    }

    /// Every case that the network uses and the odd ones beside them: batch 1 and 3, odd lengths, strides, both paddings.
    fn cases() -> Vec<(usize, usize, Conv1dConfig)> {
        let mut cases = Vec::new();
        for (batch, frames) in [(1, 8), (3, 7)] {
            for (kernel, stride) in [(1, 1), (3, 1), (5, 1), (3, 2), (5, 3)] {
                for padding in [Padding::Zero, Padding::Circular] {
                    cases.push((batch, frames, Conv1dConfig { kernel, stride, padding, init: None }));
                }
            }
        }
        cases
    }

    /// The definition, one product at a time.
    fn naive(x: &Tensor, layer: &Conv1d) -> Result<Vec<f32>> {
        let Conv1dConfig { kernel, stride, padding, .. } = layer.config;
        let (x, weight, bias) = (x.to_vec3::<f32>()?, layer.weight.to_vec2::<f32>()?, layer.bias.to_vec1::<f32>()?);
        let (frames, inputs) = (x[0].len() as isize, x[0][0].len());
        let mut out = Vec::new();
        for clip in &x {
            for l in (0..frames).step_by(stride) {
                for (o, &bias) in bias.iter().enumerate() {
                    let mut sum = f64::from(bias);
                    for tap in 0..kernel {
                        let mut at = l + tap as isize - (kernel / 2) as isize;
                        if padding == Padding::Circular {
                            at = at.rem_euclid(frames);
                        }
                        if (0..frames).contains(&at) {
                            let row = &clip[at as usize];
                            let terms = row.iter().enumerate().map(|(i, x)| x * weight[tap * inputs + i][o]);
                            sum += terms.map(f64::from).sum::<f64>();
                        }
                    }
                    out.push(sum as f32);
                }
            }
        }
        Ok(out)
    }

    fn assert_close(a: &[f32], b: &[f32], tolerance: f32, what: &str) {
        assert_eq!(a.len(), b.len(), "{what}");
        for (i, (a, b)) in a.iter().zip(b).enumerate() {
            assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{what} at {i}: {a} is not {b}");
        }
    }

    #[test]
    fn both_forms_equal_the_definition() -> Result<()> {
        for (batch, frames, config) in cases() {
            let layer = Conv1d::new(4, 5, config, &Weights::fresh(Seed(1), &Device::Cpu))?;
            let x = noise(&[batch, frames, 4], 0)?;
            let expected = naive(&x, &layer)?;
            let what = format!("{config:?}");
            // 20 products of size 1 in f32: rounding below 1e-5.
            assert_close(&layer.fused(&x)?.flatten_all()?.to_vec1()?, &expected, 1e-5, &what);
            assert_close(&layer.composed(&x)?.flatten_all()?.to_vec1()?, &expected, 1e-5, &what);
        }
        Ok(())
    }

    #[test]
    fn our_backward_pass_equals_finite_differences() -> Result<()> {
        for (batch, frames, config) in cases() {
            let weights = Weights::fresh(Seed(1), &Device::Cpu);
            let layer = Conv1d::new(3, 4, config, &weights)?;
            let x = Var::from_tensor(&noise(&[batch, frames, 3], 1)?)?;
            let direction = noise(&[batch, frames.div_ceil(config.stride), 4], 2)?;
            let loss = |layer: &Conv1d| -> Result<f32> {
                (layer.fused(x.as_tensor())? * &direction)?.sum_all()?.to_scalar::<f32>()
            };
            let grads = (layer.fused(x.as_tensor())? * &direction)?.sum_all()?.backward()?;
            let mut checked = weights.vars();
            checked.insert("x".into(), x.clone());
            for (name, var) in checked {
                let grad = grads.get(var.as_tensor()).expect("a gradient for every input").flatten_all()?;
                let grad = grad.to_vec1::<f32>()?;
                let start = var.as_tensor().copy()?;
                for (i, &grad) in grad.iter().enumerate() {
                    let at = |delta: f32| -> Result<f32> {
                        let mut values = start.flatten_all()?.to_vec1::<f32>()?;
                        values[i] += delta;
                        var.set(&op::tensor(values, start.shape())?)?;
                        loss(&layer)
                    };
                    // The loss is linear in each value: a large step has no truncation error, only rounding.
                    let slope = (at(0.5)? - at(-0.5)?) / 1.0;
                    assert!(
                        (slope - grad).abs() < 2e-4 * (1.0 + slope.abs()),
                        "{config:?} {name}[{i}]: {grad} {slope}"
                    );
                }
                var.set(&start)?;
            }
        }
        Ok(())
    }

    #[test]
    fn both_forms_have_the_same_gradients() -> Result<()> {
        for (batch, frames, config) in cases() {
            let weights = Weights::fresh(Seed(1), &Device::Cpu);
            let layer = Conv1d::new(4, 5, config, &weights)?;
            let x = Var::from_tensor(&noise(&[batch, frames, 4], 3)?)?;
            let fused = layer.fused(x.as_tensor())?.sqr()?.sum_all()?.backward()?;
            let composed = layer.composed(x.as_tensor())?.sqr()?.sum_all()?.backward()?;
            let mut checked = weights.vars();
            checked.insert("x".into(), x);
            for (name, var) in checked {
                let get = |grads: &candle_core::backprop::GradStore| -> Result<Vec<f32>> {
                    grads.get(var.as_tensor()).expect("a gradient for every input").flatten_all()?.to_vec1()
                };
                assert_close(&get(&fused)?, &get(&composed)?, 1e-4, &format!("{config:?} {name}"));
            }
        }
        Ok(())
    }
}
