//! [`GroupNorm`], alone or fused with a modulation (FiLM) and SiLU.

use candle_core::{CpuStorage, CustomOp3, D, Layout, Result, Shape, Tensor};

use super::kernel::{isa::Isa, rows};
use super::op::{slice, tensor, with_values};
use super::plan::{self, Node, Op};
use super::silu::silu;
use super::value::{Value, mixed};
use super::weights::{Init, Weights};

pub(super) const GROUPS: usize = 8;
pub(super) const EPSILON: f64 = 1e-5;

/// Group normalisation (Wu and He 2018) over all frames and the channels of a group; 8 groups.
///
/// Channels must be a multiple of 8.
#[derive(Clone, Debug)]
pub struct GroupNorm {
    scale: Tensor,
    shift: Tensor,
}

impl GroupNorm {
    /// Starts with scale 1 and shift 0.
    ///
    /// # Errors
    /// The stored weights do not fit.
    ///
    /// # Panics
    /// If `channels` is not a multiple of 8.
    pub fn new(channels: usize, weights: &Weights) -> Result<Self> {
        assert!(channels.is_multiple_of(GROUPS), "{channels} channels do not make {GROUPS} groups");
        let scale = weights.get("scale", &[channels], Init::Ones)?;
        Ok(Self { scale, shift: weights.get("shift", &[channels], Init::Zeros)? })
    }

    /// `[.., channels]` to the same shape.
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn forward(&self, x: &Value) -> Result<Value> {
        self.apply(x, None, false)
    }

    /// `silu(normalise(x))`.
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn forward_silu(&self, x: &Value) -> Result<Value> {
        self.apply(x, None, true)
    }

    /// Modulated by `film` (`[2 * channels]`: a gain around 0, then an offset; Perez et al. 2017):
    /// `normalise(x) * (1 + gain) + offset`, then SiLU if `activate`.
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn modulated(&self, x: &Value, film: &Value, activate: bool) -> Result<Value> {
        self.apply(x, Some(film), activate)
    }

    fn apply(&self, x: &Value, film: Option<&Value>, activate: bool) -> Result<Value> {
        match (x, film) {
            (Value::Tensor(x), None) => {
                let (scale, shift) = (self.rows(&self.scale, x)?, self.rows(&self.shift, x)?);
                normalise(x, &scale, &shift, activate).map(Value::Tensor)
            }
            (Value::Tensor(x), Some(Value::Tensor(film))) => {
                let (scale, shift) = self.modulation(film)?;
                normalise(x, &scale, &shift, activate).map(Value::Tensor)
            }
            (Value::Node(x), None) => self.record(x, None, activate).map(Value::Node),
            (Value::Node(x), Some(Value::Node(film))) => self.record(x, Some(film), activate).map(Value::Node),
            _ => mixed(),
        }
    }

    fn record(&self, x: &Node, film: Option<&Node>, activate: bool) -> Result<Node> {
        let channels = x.channels();
        let (scale, shift, statistics) = (x.parameter(&self.scale)?, x.parameter(&self.shift)?, x.side(2 * channels));
        let film = film.map(Node::id);
        let op = |out| plan::Norm { x: x.id(), out, film, scale, shift, statistics, channels, activate };
        x.record(x.shape(), |out| Op::Norm(op(out)))
    }

    /// Scale and shift, as parameters of a plan.
    pub(super) fn record_parameters(&self, x: &Node) -> Result<[usize; 2]> {
        Ok([x.parameter(&self.scale)?, x.parameter(&self.shift)?])
    }

    /// Scale and shift of every clip, `[batch, channels]` each, with `film` worked in.
    pub(super) fn modulation(&self, film: &Tensor) -> Result<(Tensor, Tensor)> {
        let channels = self.scale.dim(0)?;
        let gain = (film.narrow(1, 0, channels)? + 1.0)?;
        let shift = (gain.broadcast_mul(&self.shift)? + film.narrow(1, channels, channels)?)?;
        Ok((gain.broadcast_mul(&self.scale)?, shift))
    }

    fn rows(&self, value: &Tensor, x: &Tensor) -> Result<Tensor> {
        value.unsqueeze(0)?.broadcast_as((x.dim(0)?, value.dim(0)?))?.contiguous()
    }
}

/// Normalise by group, then `* scale + shift` (`[batch, channels]` each), then SiLU if `activate`.
fn normalise(x: &Tensor, scale: &Tensor, shift: &Tensor, activate: bool) -> Result<Tensor> {
    if x.device().is_cpu() { fused(x, scale, shift, activate) } else { composed(x, scale, shift, activate) }
}

fn fused(x: &Tensor, scale: &Tensor, shift: &Tensor, activate: bool) -> Result<Tensor> {
    x.contiguous()?.apply_op3(&scale.contiguous()?, &shift.contiguous()?, NormOp { activate })
}

/// The same of candle's operations, which run on every device.
fn composed(x: &Tensor, scale: &Tensor, shift: &Tensor, activate: bool) -> Result<Tensor> {
    let (batch, channels) = scale.dims2()?;
    let rows = x.elem_count() / (batch * channels);
    let grouped = x.reshape((batch, rows, GROUPS, channels / GROUPS))?.transpose(1, 2)?.contiguous()?;
    let grouped = grouped.reshape((batch, GROUPS, rows * channels / GROUPS))?;
    let centred = grouped.broadcast_sub(&grouped.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let unit = centred.broadcast_div(&(variance + EPSILON)?.sqrt()?)?;
    let unit = unit.reshape((batch, GROUPS, rows, channels / GROUPS))?.transpose(1, 2)?.contiguous()?;
    let y = unit.reshape((batch, rows, channels))?.broadcast_mul(&scale.unsqueeze(1)?)?;
    let y = y.broadcast_add(&shift.unsqueeze(1)?)?.reshape(x.shape())?;
    if activate { silu(&y) } else { Ok(y) }
}

struct NormOp {
    activate: bool,
}

/// Rows whose sums are taken in `f32`; sums of sums are taken in `f64`.
pub(super) const SUM_ROWS: usize = 256;

/// Mean and reciprocal standard deviation of every channel's group in one clip.
pub(super) fn statistics(x: &[f32], channels: usize) -> (Vec<f32>, Vec<f32>) {
    let mut sums = vec![0.0; x.len().div_ceil(SUM_ROWS * channels) * 2 * channels];
    for (sums, block) in sums.chunks_exact_mut(2 * channels).zip(x.chunks(SUM_ROWS * channels)) {
        let (sums, squares) = sums.split_at_mut(channels);
        rows::sums_and_products(Isa::best(), sums, squares, block, block);
    }
    let (mut mean, mut inverse) = (vec![0.0; channels], vec![0.0; channels]);
    finish_statistics(&sums, x.len() / channels, channels / GROUPS, &mut mean, &mut inverse);
    (mean, inverse)
}

/// Mean and reciprocal standard deviation of every channel's group of `width` over `num_rows` rows, from the channels'
/// sums and then their sums of squares of every block of rows: `[blocks, 2, channels]`.
pub(super) fn finish_statistics(sums: &[f32], num_rows: usize, width: usize, mean: &mut [f32], inverse: &mut [f32]) {
    let channels = mean.len();
    let count = (num_rows * width) as f64;
    for group in 0..channels / width {
        let range = group * width..(group + 1) * width;
        let (mut total, mut total_squares) = (0.0f64, 0.0f64);
        for block in sums.chunks_exact(2 * channels) {
            let (sums, squares) = block.split_at(channels);
            total += sums[range.clone()].iter().copied().map(f64::from).sum::<f64>();
            total_squares += squares[range.clone()].iter().copied().map(f64::from).sum::<f64>();
        }
        let average = total / count;
        let variance = (total_squares / count - average * average).max(0.0);
        mean[range.clone()].fill(average as f32);
        inverse[range].fill((variance + EPSILON).sqrt().recip() as f32);
    }
}

/// The affine map by channel that normalises and modulates at once: `y = x * a + b`.
pub(super) fn affine(mean: &[f32], inverse: &[f32], scale: &[f32], shift: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let a: Vec<f32> = inverse.iter().zip(scale).map(|(inverse, scale)| inverse * scale).collect();
    let b = a.iter().zip(mean).zip(shift).map(|((a, mean), shift)| shift - a * mean).collect();
    (a, b)
}

impl NormOp {
    fn forward(&self, x: &[f32], scale: &[f32], shift: &[f32], channels: usize) -> Vec<f32> {
        let mut out = vec![0.0; x.len()];
        let clip = x.len() * channels / scale.len();
        let clips = out.chunks_exact_mut(clip).zip(x.chunks_exact(clip));
        for ((out, x), (scale, shift)) in clips.zip(scale.chunks_exact(channels).zip(shift.chunks_exact(channels))) {
            let (mean, inverse) = statistics(x, channels);
            let (a, b) = affine(&mean, &inverse, scale, shift);
            rows::affine(Isa::best(), out, x, &a, &b, self.activate);
        }
        out
    }

    /// One clip: writes the gradients of `x`, `scale` and `shift`.
    fn backward(
        &self,
        x: &[f32],
        scale: &[f32],
        shift: &[f32],
        grad: &[f32],
        out: (&mut [f32], &mut [f32], &mut [f32]),
    ) {
        let (mean, inverse) = statistics(x, scale.len());
        if !self.activate {
            return normalise_backward(x, (&mean, &inverse, scale), grad, out);
        }
        let (a, b) = affine(&mean, &inverse, scale, shift);
        let mut through = vec![0.0; x.len()];
        rows::affine_silu_gradient(Isa::best(), &mut through, x, &a, &b, grad);
        normalise_backward(x, (&mean, &inverse, scale), &through, out);
    }
}

/// One clip back through the normalisation: writes the gradients of `x`, `scale` and `shift`.
pub(super) fn normalise_backward(
    x: &[f32],
    (mean, inverse, scale): (&[f32], &[f32], &[f32]),
    grad: &[f32],
    (x_grad, scale_grad, shift_grad): (&mut [f32], &mut [f32], &mut [f32]),
) {
    let channels = scale.len();
    // Per channel: g = sum grad, gx = sum grad x; with n = (x - mean) inverse, sum grad n = (gx - mean g) inverse.
    let (mut g, mut gx) = (vec![0.0; channels], vec![0.0; channels]);
    rows::sums_and_products(Isa::best(), &mut g, &mut gx, grad, x);
    for c in 0..channels {
        shift_grad[c] = g[c];
        scale_grad[c] = (gx[c] - mean[c] * g[c]) * inverse[c];
    }
    // dx = inverse (grad scale - m1 - n m2): m1, m2 the group means of grad scale and of grad scale n.
    let width = channels / GROUPS;
    let count = (x.len() / GROUPS) as f32;
    let (mut ka, mut kb, mut kc) = (vec![0.0; channels], vec![0.0; channels], vec![0.0; channels]);
    for group in 0..GROUPS {
        let range = group * width..(group + 1) * width;
        let m1 = range.clone().map(|c| scale[c] * shift_grad[c]).sum::<f32>() / count;
        let m2 = range.clone().map(|c| scale[c] * scale_grad[c]).sum::<f32>() / count;
        for c in range {
            ka[c] = inverse[c] * scale[c];
            kb[c] = -inverse[c] * inverse[c] * m2;
            kc[c] = -inverse[c] * m1 - kb[c] * mean[c];
        }
    }
    rows::combine(Isa::best(), x_grad, grad, &ka, x, &kb, &kc);
}

impl CustomOp3 for NormOp {
    fn name(&self) -> &'static str {
        "group-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let channels = x_layout.shape().dim(D::Minus1)?;
        let out = self.forward(slice(x, x_layout)?, slice(scale, scale_layout)?, slice(shift, shift_layout)?, channels);
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (batch, channels) = scale.dims2()?;
        let clip = x.elem_count() / batch;
        let mut x_grad = vec![0.0; x.elem_count()];
        let (mut scale_grad, mut shift_grad) = (vec![0.0; batch * channels], vec![0.0; batch * channels]);
        let mut run = |x: &[f32], scale: &[f32], shift: &[f32], grad: &[f32]| {
            let outs = x_grad.chunks_exact_mut(clip).zip(scale_grad.chunks_exact_mut(channels));
            for (i, ((x_grad, scale_grad), shift_grad)) in outs.zip(shift_grad.chunks_exact_mut(channels)).enumerate() {
                let (long, short) = (i * clip..(i + 1) * clip, i * channels..(i + 1) * channels);
                let (scale, shift) = (&scale[short.clone()], &shift[short]);
                self.backward(&x[long.clone()], scale, shift, &grad[long], (x_grad, scale_grad, shift_grad));
            }
        };
        with_values(x, |x| {
            with_values(scale, |scale| with_values(shift, |shift| with_values(grad, |grad| run(x, scale, shift, grad))))
        })????;
        Ok((
            Some(tensor(x_grad, x.shape())?),
            Some(tensor(scale_grad, scale.shape())?),
            Some(tensor(shift_grad, shift.shape())?),
        ))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::*;
    use crate::noise::{NoiseStream, Seed};

    fn noise(shape: &[usize], index: u64, offset: f32) -> Result<Var> {
        let mut values = vec![0.0; shape.iter().product()];
        NoiseStream::new(Seed(6), "norm test", index).fill_normal(&mut values);
        values.iter_mut().for_each(|value| *value = *value * 0.7 + offset);
        Var::from_tensor(&tensor(values, shape)?)
    }

    #[test]
    fn fused_and_composed_agree_in_value_and_gradient() -> Result<()> {
        for activate in [false, true] {
            let inputs = [noise(&[3, 9, 16], 0, 0.3)?, noise(&[3, 16], 1, 1.0)?, noise(&[3, 16], 2, 0.0)?];
            let [x, scale, shift] = inputs.each_ref().map(|input| input.as_tensor());
            let direction = noise(&[3, 9, 16], 3, 0.0)?;
            let run = |f: fn(&Tensor, &Tensor, &Tensor, bool) -> Result<Tensor>| -> Result<Vec<Vec<f32>>> {
                let y = f(x, scale, shift, activate)?;
                let grads = (&y * direction.as_tensor())?.sum_all()?.backward()?;
                let mut all = vec![y.flatten_all()?.to_vec1::<f32>()?];
                for input in &inputs {
                    let grad = grads.get(input.as_tensor()).expect("a gradient for every input");
                    all.push(grad.flatten_all()?.to_vec1()?);
                }
                Ok(all)
            };
            for (what, (a, b)) in run(fused)?.iter().zip(&run(composed)?).enumerate() {
                for (a, b) in a.iter().zip(b) {
                    // f32 sums of 18 to 144 terms of size 1.
                    assert!((a - b).abs() < 2e-5 * (1.0 + b.abs()), "activate {activate}, output {what}: {a} {b}");
                }
            }
        }
        Ok(())
    }

    #[test]
    fn every_group_has_mean_0_and_variance_1() -> Result<()> {
        let x = noise(&[2, 50, 16], 4, 3.0)?;
        let ones = Tensor::ones((2, 16), candle_core::DType::F32, x.device())?;
        let y = fused(x.as_tensor(), &ones, &ones.zeros_like()?, false)?.to_vec3::<f32>()?;
        for clip in y {
            for group in 0..GROUPS {
                let values: Vec<f32> = clip.iter().flat_map(|row| row[2 * group..2 * group + 2].to_vec()).collect();
                let mean = values.iter().sum::<f32>() / 100.0;
                let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 100.0;
                assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-3, "{mean} {variance}");
            }
        }
        Ok(())
    }
}
