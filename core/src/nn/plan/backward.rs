//! The gradients of a plan's operations, from the last to the first; one thread, all clips of a batch.

use std::ops::Range;

use super::attention::Heads;
use super::op::{Mix, Norm, Op, Product, ValueId};
use super::parameters::{Parameters, clip_rows};
use super::permute::{self, Write};
use super::workspace::Plan;
use crate::nn::kernel::filter;
use crate::nn::kernel::gemm::{Axis, Epilogue, Output, Panels, View, product, product_unpacked};
use crate::nn::kernel::isa::Isa;
use crate::nn::kernel::rows;
use crate::nn::norm::{affine, normalise_backward};

/// Rows that go back through the two matrices of a filter block together.
const TILE: usize = 128;

/// The memory of a backward pass.
pub(super) struct Parts<'a> {
    pub values: &'a [f32],
    pub gradients: &'a mut [f32],
    pub offsets: &'a [usize],
    pub clips: usize,
}

/// Add the gradients of all parameters to `gradients`.
pub(super) fn run(plan: &Plan, parts: Parts, output: ValueId, output_gradient: &[f32], gradients: &mut [f32]) {
    let mut pass = Pass {
        plan,
        parameters: &plan.parameters,
        values: parts.values,
        grads: parts.gradients,
        offsets: parts.offsets,
        clips: parts.clips,
        written: vec![false; plan.values.len()],
        weights: gradients,
        scratch: Scratch::new(),
    };
    let range = pass.whole(output);
    pass.grads[range].copy_from_slice(output_gradient);
    pass.written[output] = true;
    for op in plan.preamble.iter().chain(&plan.main).rev() {
        pass.back(op);
    }
}

struct Scratch {
    panels: Panels,
    narrow: Vec<f32>,
    wide: Vec<f32>,
    active: Vec<f32>,
    wide_grad: Vec<f32>,
    map: [Vec<f32>; 2],
}

impl Scratch {
    fn new() -> Self {
        let none = Vec::new;
        Self {
            panels: Panels::empty(Isa::best()),
            narrow: none(),
            wide: none(),
            active: none(),
            wide_grad: none(),
            map: [none(), none()],
        }
    }
}

struct Pass<'a> {
    plan: &'a Plan,
    parameters: &'a Parameters,
    values: &'a [f32],
    /// Gradients of values, laid out as they are.
    grads: &'a mut [f32],
    offsets: &'a [usize],
    clips: usize,
    /// Whose gradient holds something already.
    written: Vec<bool>,
    /// Gradients of parameters.
    weights: &'a mut [f32],
    scratch: Scratch,
}

impl<'a> Pass<'a> {
    fn range(&self, id: ValueId, clip: usize) -> Range<usize> {
        let len = self.plan.values[id].len;
        let start = self.offsets[id] + clip * len;
        start..start + len
    }

    /// All clips.
    fn whole(&self, id: ValueId) -> Range<usize> {
        self.offsets[id]..self.offsets[id] + self.clips * self.plan.values[id].len
    }

    fn value(&self, id: ValueId) -> &'a [f32] {
        &self.values[self.whole(id)]
    }

    fn clip(&self, id: ValueId, clip: usize) -> &'a [f32] {
        &self.values[self.range(id, clip)]
    }

    /// How the gradient of `id` is to be written, now that it will be; `None` where nobody wants it.
    fn claim(&mut self, id: ValueId) -> Option<Write> {
        if !self.plan.values[id].is_trained {
            return None;
        }
        Some(if std::mem::replace(&mut self.written[id], true) { Write::Add } else { Write::Over })
    }

    /// The gradient of an output, and that of an input to be written.
    fn pair(&mut self, out: Range<usize>, x: Range<usize>) -> (&[f32], &mut [f32]) {
        if out.start < x.start {
            let (low, high) = self.grads.split_at_mut(x.start);
            (&low[out], &mut high[..x.len()])
        } else {
            let (low, high) = self.grads.split_at_mut(out.start);
            (&high[..out.len()], &mut low[x])
        }
    }

    /// Write the gradient of `x`, clip by clip, from that of `out`: `f(x, out, write)`.
    fn each_clip(&mut self, x: ValueId, out: ValueId, f: impl Fn(&mut [f32], &[f32], Write)) {
        let Some(write) = self.claim(x) else { return };
        for clip in 0..self.clips {
            let (out, x) = self.pair(self.range(out, clip), self.range(x, clip));
            f(x, out, write);
        }
    }

    fn back(&mut self, op: &Op) {
        let (_, writes) = op.values();
        if !self.written[writes[0]] {
            return;
        }
        match op {
            Op::Product(op) => self.product(op),
            Op::Norm(op) => self.norm(op),
            Op::Filter { .. } => {} // Its gradient goes through `mix`.
            Op::Mix(op) => self.mix(op),
            Op::Attention { qkv, out, weights, frames, heads, width } => {
                let sizes = Heads { frames: *frames, heads: *heads, width: *width };
                self.attention(*qkv, *out, *weights, sizes);
            }
            Op::Pad { x, out, channels, reach, circular, .. } => {
                let edge = reach * channels;
                self.each_clip(*x, *out, |x, out, write| permute::unpad(x, out, edge, *circular, write));
            }
            Op::Concat { a, b, channels, out } => {
                let all = channels[0] + channels[1];
                self.each_clip(*a, *out, |a, out, write| permute::cut_channels(a, out, all, 0, channels[0], write));
                let first = channels[0];
                self.each_clip(*b, *out, |b, out, write| permute::cut_channels(b, out, all, first, channels[1], write));
            }
            Op::Add { a, b, out } => {
                self.each_clip(*a, *out, |a, out, write| write.put(a, out));
                self.each_clip(*b, *out, |b, out, write| write.put(b, out));
            }
            Op::AddParameter { x, parameter, out } => {
                let (grads, range) = (&self.grads[self.whole(*out)], self.parameters.range(*parameter));
                let to = &mut self.weights[range];
                grads.chunks_exact(to.len()).for_each(|grads| Write::Add.put(to, grads));
                self.each_clip(*x, *out, |x, out, write| write.put(x, out));
            }
            Op::Repeat { x, out, factor, channels, .. } => {
                self.each_clip(*x, *out, |x, out, write| permute::fold_repeats(x, out, *factor, *channels, write));
            }
            Op::Patches { x, out, cut, back } => {
                self.each_clip(*x, *out, |x, out, write| permute::patches(x, out, *cut, !back, write));
            }
            Op::Silu { x, out } => {
                let value = self.value(*x);
                let mut through = vec![0.0; value.len()];
                rows::silu_gradient(Isa::best(), &mut through, value, &self.grads[self.whole(*out)]);
                if let Some(write) = self.claim(*x) {
                    let range = self.whole(*x);
                    write.put(&mut self.grads[range], &through);
                }
            }
            Op::Gate { y, x, gate, channels, out } => {
                if let Some(write) = self.claim(*gate) {
                    for clip in 0..self.clips {
                        let (mut sums, mut products) = (vec![0.0; *channels], vec![0.0; *channels]);
                        let grad = &self.grads[self.range(*out, clip)];
                        rows::sums_and_products(Isa::best(), &mut sums, &mut products, grad, self.clip(*x, clip));
                        let range = self.range(*gate, clip);
                        write.put(&mut self.grads[range], &products);
                    }
                }
                self.each_clip(*y, *out, |y, out, write| write.put(y, out));
            }
        }
    }

    fn product(&mut self, op: &Product) {
        let n = op.cols;
        let x_clip = self.plan.values[op.x].len;
        let rows_of = |step: usize, clip: usize| clip_rows(op.rows, step, clip, self.clips);
        let (x_rows, out_rows) = (rows_of(op.step, x_clip), rows_of(n, op.rows * n));
        let out = self.whole(op.out);
        rows::add_sums(Isa::best(), &mut self.weights[self.parameters.range(op.bias)], &self.grads[out.clone()]);
        let grad = View { data: &self.grads[out.clone()], rows: out_rows.joined(), cols: Axis::plain(n, 1) };
        let x = View { data: self.value(op.x), rows: x_rows, cols: Axis::plain(op.inner, 1) };
        let to = Output::dense(&mut self.weights[self.parameters.matrix_range(op.matrix)], n);
        product_unpacked(to, x.transposed(), grad, true, &mut self.scratch.panels);
        if let Some(base) = op.base {
            self.each_clip(base, op.out, |base, out, write| write.put(base, out));
        }
        let Some(write) = self.claim(op.x) else { return };
        let parameters = self.parameters;
        let turned = &parameters.matrix(op.matrix).turned;
        let (grad, x) = self.pair(out, self.whole(op.x));
        if turned.len() > 1 && write == Write::Over {
            x.fill(0.0);
        }
        // Dense rows on both sides are one run, else every clip is one.
        let joined = x_rows.joined().outer == 1;
        let [x_rows, out_rows] = [x_rows, out_rows].map(|rows| if joined { rows.joined() } else { rows });
        let grad = View { data: grad, rows: out_rows, cols: Axis::plain(n, 1) };
        for (tap, turned) in turned.iter().enumerate() {
            let first = tap * op.inner / parameters.matrix(op.matrix).turned.len();
            let onto = Epilogue {
                accumulate: parameters.matrix(op.matrix).turned.len() > 1 || write == Write::Add,
                ..Epilogue::default()
            };
            product(Output::strided(&mut x[first..], x_rows), grad, turned, onto);
        }
    }

    fn attention(&mut self, qkv: ValueId, out: ValueId, weights: ValueId, sizes: Heads) {
        let Some(write) = self.claim(qkv) else { return };
        let mut through = vec![0.0; self.plan.values[qkv].len];
        for clip in 0..self.clips {
            let all = self.clip(weights, clip).chunks_exact(sizes.frames * sizes.frames);
            for (head, weights) in all.enumerate() {
                let (qkv, out) = (self.clip(qkv, clip), &self.grads[self.range(out, clip)]);
                sizes.backward(qkv, head, weights, out, &mut through, &mut self.scratch.panels);
            }
            let range = self.range(qkv, clip);
            write.put(&mut self.grads[range], &through);
        }
    }

    /// Scale and shift of a clip's norm, with the modulation worked in: `[channels]` each.
    fn modulation(&self, op: &Norm, clip: usize) -> (Vec<f32>, Vec<f32>) {
        let (scale, shift) = (self.parameters.values(op.scale), self.parameters.values(op.shift));
        let Some(film) = op.film.map(|film| self.clip(film, clip)) else { return (scale.to_vec(), shift.to_vec()) };
        let (gain, offset) = film.split_at(op.channels);
        let shift = shift.iter().zip(gain).zip(offset).map(|((shift, gain), offset)| shift * (1.0 + gain) + offset);
        (scale.iter().zip(gain).map(|(scale, gain)| scale * (1.0 + gain)).collect(), shift.collect())
    }

    /// Pass the gradients of a clip's scale and shift on to the parameters and to the modulation.
    fn modulation_backward(&mut self, op: &Norm, clip: usize, write: Option<Write>, scale: &[f32], shift: &[f32]) {
        let Some((film, write)) = op.film.zip(write) else {
            Write::Add.put(&mut self.weights[self.parameters.range(op.scale)], scale);
            Write::Add.put(&mut self.weights[self.parameters.range(op.shift)], shift);
            return;
        };
        let parameters = self.parameters;
        let (own_scale, own_shift) = (parameters.values(op.scale), parameters.values(op.shift));
        let gain = &self.clip(film, clip)[..op.channels];
        let grads: Vec<f32> = (0..op.channels).map(|c| scale[c] * own_scale[c] + shift[c] * own_shift[c]).collect();
        let range = self.range(film, clip);
        let (gain_grad, offset_grad) = self.grads[range].split_at_mut(op.channels);
        write.put(gain_grad, &grads);
        write.put(offset_grad, shift);
        for (to, from) in [(op.scale, scale), (op.shift, shift)] {
            let terms = self.weights[parameters.range(to)].iter_mut().zip(from.iter().zip(gain));
            terms.for_each(|(to, (from, gain))| *to += from * (1.0 + gain));
        }
    }

    fn norm(&mut self, op: &Norm) {
        let c = op.channels;
        let film_write = op.film.and_then(|film| self.claim(film));
        let x_write = self.claim(op.x);
        let len = self.plan.values[op.x].len;
        let [mut through, mut x_grad] = std::mem::take(&mut self.scratch.map);
        through.resize(len, 0.0);
        x_grad.resize(len, 0.0);
        let (mut scale_grad, mut shift_grad) = (vec![0.0; c], vec![0.0; c]);
        for clip in 0..self.clips {
            let (scale, shift) = self.modulation(op, clip);
            let x = self.clip(op.x, clip);
            let (mean, inverse) = self.clip(op.statistics, clip).split_at(c);
            let grad = &self.grads[self.range(op.out, clip)];
            let grad = if op.activate {
                let (a, b) = affine(mean, inverse, &scale, &shift);
                rows::affine_silu_gradient(Isa::best(), &mut through, x, &a, &b, grad);
                &through[..]
            } else {
                grad
            };
            normalise_backward(x, (mean, inverse, &scale), grad, (&mut x_grad, &mut scale_grad, &mut shift_grad));
            if let Some(write) = x_write {
                let range = self.range(op.x, clip);
                write.put(&mut self.grads[range], &x_grad);
            }
            self.modulation_backward(op, clip, film_write, &scale_grad, &shift_grad);
        }
        self.scratch.map = [through, x_grad];
    }

    /// Back through a whole filter block, its filter included: the inside is computed again, tile by tile.
    fn mix(&mut self, op: &Mix) {
        let (c, shape) = (op.shape.channels, op.shape);
        let norm = op.norm();
        let film_write = self.claim(op.film);
        let Some(x_write) = self.claim(op.x) else { return };
        let filters = self.plan.filters_of(op.filtered);
        let [mut normed_grad, mut filtered_grad] = std::mem::take(&mut self.scratch.map);
        normed_grad.resize(shape.len(), 0.0);
        filtered_grad.resize(shape.len(), 0.0);
        let (mut scale_grad, mut shift_grad) = (vec![0.0; c], vec![0.0; c]);
        let mut sums = vec![0.0; shape.frames * 2 * c];
        let mut x_grad = vec![0.0; shape.len()];
        for clip in 0..self.clips {
            let (scale, _) = self.modulation(&norm, clip);
            let statistics = self.clip(op.statistics, clip);
            let filtered = self.clip(op.filtered, clip);
            let out = self.range(op.out, clip);
            let tiles = filtered.chunks(TILE * c).zip(normed_grad.chunks_mut(TILE * c)).enumerate();
            for (tile, (filtered, normed_grad)) in tiles {
                let start = out.start + tile * TILE * c;
                self.tile(op, filtered, &statistics[2 * c..], start..start + filtered.len(), normed_grad);
            }
            let through = (&statistics[..c], &statistics[c..2 * c], &scale[..]);
            normalise_backward(filtered, through, &normed_grad, (&mut filtered_grad, &mut scale_grad, &mut shift_grad));
            self.modulation_backward(&norm, clip, film_write, &scale_grad, &shift_grad);
            let x = self.clip(op.x, clip);
            for (i, (weight, shape)) in filters.iter().enumerate() {
                let weight_grad = &mut self.weights[self.parameters.range(*weight)];
                filter::weight_gradient(Isa::best(), weight_grad, x, &filtered_grad, *shape);
                let turned = filter::turned(self.parameters.values(*weight), c);
                let sums = &mut sums[..shape.frames * 2 * c];
                filter::filter(Isa::best(), &mut x_grad, sums, &filtered_grad, &turned, *shape, 0, i > 0);
            }
            let range = self.range(op.x, clip);
            let (grad, x) = self.pair(out, range);
            write_sum(x, &x_grad, grad, x_write);
        }
        self.scratch.map = [normed_grad, filtered_grad];
    }

    /// One tile back through both matrices and SiLU: writes `normed_grad`, adds to the matrices' gradients.
    fn tile(&mut self, op: &Mix, filtered: &[f32], ab: &[f32], grad: Range<usize>, normed_grad: &mut [f32]) {
        let (c, isa) = (op.shape.channels, Isa::best());
        let count = filtered.len() / c;
        let parameters = self.parameters;
        let Scratch { panels, narrow: normed, wide, active, wide_grad, .. } = &mut self.scratch;
        normed.resize(count * c, 0.0);
        [&mut *wide, active, wide_grad].into_iter().for_each(|wide| wide.resize(count * 2 * c, 0.0));
        rows::affine(isa, normed, filtered, &ab[..c], &ab[c..], false);
        let widen = Epilogue { bias: Some(parameters.values(op.widen[1])), ..Epilogue::default() };
        let (w1, w2) = (parameters.matrix(op.widen[0]), parameters.matrix(op.narrow[0]));
        product(Output::dense(wide, 2 * c), View::dense(normed, count, c), &w1.forward, widen);
        rows::silu_into(isa, active, wide);
        let grad = &self.grads[grad];
        let grad_view = View::dense(grad, count, c);
        let w2_grad = Output::dense(&mut self.weights[parameters.matrix_range(op.narrow[0])], c);
        product_unpacked(w2_grad, View::dense(active, count, 2 * c).transposed(), grad_view, true, panels);
        rows::add_sums(isa, &mut self.weights[parameters.range(op.narrow[1])], grad);
        product(Output::dense(wide_grad, 2 * c), grad_view, &w2.turned[0], Epilogue::default());
        // `active` has served: it takes the gradient before SiLU.
        rows::silu_gradient(isa, active, wide, wide_grad);
        let before = View::dense(active, count, 2 * c);
        let w1_grad = Output::dense(&mut self.weights[parameters.matrix_range(op.widen[0])], 2 * c);
        product_unpacked(w1_grad, View::dense(normed, count, c).transposed(), before, true, panels);
        rows::add_sums(isa, &mut self.weights[parameters.range(op.widen[1])], active);
        product(Output::dense(normed_grad, c), before, &w1.turned[0], Epilogue::default());
    }
}

/// `x = a + b`, or `x += a + b`.
fn write_sum(x: &mut [f32], a: &[f32], b: &[f32], write: Write) {
    let terms = x.iter_mut().zip(a.iter().zip(b));
    match write {
        Write::Over => terms.for_each(|(x, (a, b))| *x = a + b),
        Write::Add => terms.for_each(|(x, (a, b))| *x += a + b),
    }
}
