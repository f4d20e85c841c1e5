//! The gradients of a plan's operations on the card, from the last to the first.

use candle_core::Result;

use super::card::{Address, Argument, Gemm, Matrix, at};
use super::plan::{CHUNK, CardPlan, Filtering, Heads, NOWHERE, Pass};
use super::weights::CardWeights;
use crate::nn::kernel::filter::MapShape;
use crate::nn::norm::GROUPS;
use crate::nn::plan::op::{Mix, Norm, Op, Product, ValueId};

/// Blocks that share the gradient of a filter's weight.
const FILTER_BLOCKS: usize = 2048;
/// Products of more rows a clip than this have their matrices' gradients summed clip by clip, at once: one sum over millions
/// of rows would keep little of the card busy.
const LONG: usize = 1024;

impl CardPlan {
    /// Add the gradients of all parameters, from what [`CardPlan::add_loss`] left. Returns at once.
    ///
    /// # Errors
    /// The card failed.
    pub fn backward(&self, weights: &CardWeights, clips: usize) -> Result<()> {
        let mut back = Back {
            pass: Pass { on: self, clips, weights: weights.address(false) },
            gradients: weights.gradients_address(),
            written: vec![false; self.plan.values.len()],
        };
        back.written[self.plan.output] = true;
        self.ops.iter().rev().try_for_each(|op| back.back(op))
    }
}

struct Back<'a> {
    pass: Pass<'a>,
    /// Of the parameters.
    gradients: Address,
    /// Whose gradient holds something already.
    written: Vec<bool>,
}

impl<'a> Back<'a> {
    fn on(&self) -> &'a CardPlan {
        self.pass.on
    }

    fn each(&self, name: &'static str, count: usize, arguments: &[Argument]) -> Result<()> {
        self.on().card.each(name, count, arguments)
    }

    fn all(&self, id: ValueId) -> usize {
        self.pass.clips * self.on().len(id)
    }

    /// Whether the gradient of `id` is to be added to, now that it will be written; `None` where nobody wants it.
    fn claim(&mut self, id: ValueId) -> Option<bool> {
        self.on().plan.values[id].is_trained.then(|| std::mem::replace(&mut self.written[id], true))
    }

    fn parameter_gradient(&self, id: usize) -> Address {
        at(self.gradients, self.on().plan.parameters.range(id).start)
    }

    fn matrix_gradient(&self, id: usize) -> Address {
        at(self.gradients, self.on().plan.parameters.matrix_range(id).start)
    }

    fn back(&mut self, op: &Op) -> Result<()> {
        let (_, writes) = op.values();
        if !self.written[writes[0]] {
            return Ok(());
        }
        let (on, clips) = (self.on(), self.pass.clips);
        match op {
            Op::Product(op) => self.product(op),
            Op::Norm(op) => self.norm(op),
            Op::Filter { .. } => Ok(()), // Its gradient goes through `mix`.
            Op::Mix(op) => self.mix(op),
            Op::Attention { qkv, out, weights, frames, heads, width } => {
                let Some(add) = self.claim(*qkv) else { return Ok(()) };
                let sizes = Heads { frames: *frames, heads: *heads, width: *width };
                let places = [on.value(*qkv), on.value(*weights), on.gradient(*out), on.gradient(*qkv)];
                self.attention(places, sizes, add)
            }
            Op::Pad { x, out, channels, reach, circular } => {
                let Some(add) = self.claim(*x) else { return Ok(()) };
                let [a, b, c, d] = [clips, on.len(*x), on.len(*out), reach * channels].map(Argument::from);
                let places = [on.gradient(*x).into(), on.gradient(*out).into()];
                self.each("unpad", self.all(*x), &[&places[..], &[a, b, c, d, (*circular).into(), add.into()]].concat())
            }
            Op::Concat { a, b, channels: [first, second], out } => {
                let from = on.gradient(*out);
                self.cut(*a, from, [first + second, 0, *first])?;
                self.cut(*b, from, [first + second, *first, *second])
            }
            Op::Add { a, b, out } => {
                self.pass_on(*a, *out)?;
                self.pass_on(*b, *out)
            }
            Op::AddParameter { x, parameter, out } => {
                let period = on.plan.parameters.range(*parameter).len();
                let to = self.parameter_gradient(*parameter);
                self.column_sums(to, on.gradient(*out), self.all(*out) / period, period)?;
                self.pass_on(*x, *out)
            }
            Op::Repeat { x, out, factor, channels } => {
                let Some(add) = self.claim(*x) else { return Ok(()) };
                let (frames, out_frames) = (on.len(*x) / channels, on.len(*out) / channels);
                let sizes = [clips, frames, out_frames, *factor, *channels].map(Argument::from);
                let places = [on.gradient(*x).into(), on.gradient(*out).into()];
                self.each("fold_repeats", self.all(*x), &[&places[..], &sizes, &[add.into()]].concat())
            }
            Op::Patches { x, out, cut, back } => {
                let Some(add) = self.claim(*x) else { return Ok(()) };
                self.pass.patches(on.gradient(*x), on.gradient(*out), self.all(*x), *cut, !back, add)
            }
            Op::Silu { x, out } => {
                let Some(add) = self.claim(*x) else { return Ok(()) };
                let places = [on.gradient(*x), on.value(*x), on.gradient(*out)].map(Argument::from);
                self.each("silu_gradient", self.all(*x), &[&places[..], &[self.all(*x).into(), add.into()]].concat())
            }
            Op::Gate { y, x, gate, channels, out } => {
                if let Some(add) = self.claim(*gate) {
                    let rows = on.len(*out) / channels;
                    let places = [on.gradient(*gate), on.value(*x), on.gradient(*out)].map(Argument::from);
                    let grid = [channels.div_ceil(32), clips, 1];
                    let sizes = [rows.into(), (*channels).into(), add.into()];
                    on.card.launch("gate_gradient", grid, [32, 8], &[&places[..], &sizes].concat())?;
                }
                self.pass_on(*y, *out)
            }
        }
    }

    /// The gradient of `x` is that of `out`.
    fn pass_on(&mut self, x: ValueId, out: ValueId) -> Result<()> {
        let Some(add) = self.claim(x) else { return Ok(()) };
        let places = [self.on().gradient(x).into(), self.on().gradient(out).into()];
        self.each("put_values", self.all(x), &[&places[..], &[self.all(x).into(), add.into()]].concat())
    }

    /// Some of the channels of `from`: of how many, the first, their number.
    fn cut(&mut self, x: ValueId, from: Address, [channels, first, width]: [usize; 3]) -> Result<()> {
        let Some(add) = self.claim(x) else { return Ok(()) };
        let [rows, channels, first, width] = [self.all(x) / width, channels, first, width].map(Argument::from);
        let to = self.on().gradient(x).into();
        self.each("cut_channels", self.all(x), &[to, from.into(), rows, channels, first, width, add.into()])
    }

    /// Add the sums of the columns of `[rows, columns]`.
    fn column_sums(&self, to: Address, x: Address, rows: usize, columns: usize) -> Result<()> {
        let grid = [rows.div_ceil(CHUNK), columns.div_ceil(32), 1];
        let arguments = [to.into(), x.into(), rows.into(), columns.into(), CHUNK.into()];
        self.on().card.launch("column_sums", grid, [32, 8], &arguments)
    }

    /// Add `x^T grad` to the gradient of a matrix: `x` is `[clips * rows, inner]`, `grad` `[clips * rows, cols]`, and `room`
    /// has a place for a matrix of every clip where there are many rows.
    fn matrix_sums(&self, to: Address, x: Address, grad: Address, sizes: [usize; 3], room: Address) -> Result<()> {
        let [rows, inner, cols] = sizes;
        let (clips, size) = (self.pass.clips, inner * cols);
        let by_clip = rows >= LONG;
        let (out, batch, inner_rows) = if by_clip { (room, clips, rows) } else { (to, 1, clips * rows) };
        self.on().card.gemm(Gemm {
            out: Matrix::dense(out, cols).batched(size),
            a: Matrix::dense(x, inner).batched(rows * inner).turned(),
            b: Matrix::dense(grad, cols).batched(rows * cols),
            rows: inner,
            inner: inner_rows,
            cols,
            batch,
            add: !by_clip,
        })?;
        if by_clip { self.column_sums(to, room, clips, size) } else { Ok(()) }
    }

    fn product(&mut self, op: &Product) -> Result<()> {
        let (on, clips) = (self.on(), self.pass.clips);
        let (rows, x_len, grad) = (clips * op.rows, on.len(op.x), on.gradient(op.out));
        let dense = op.is_dense(x_len);
        let windows = if dense { 0 } else { rows * op.inner };
        let by_clip = if op.rows >= LONG { clips * op.inner * op.cols } else { 0 };
        let [seen, room] = on.scratch([windows, by_clip])?;
        let seen = self.pass.rows_seen(op, seen)?;
        self.column_sums(self.parameter_gradient(op.bias), grad, rows, op.cols)?;
        let sizes = [op.rows, op.inner, op.cols];
        self.matrix_sums(self.matrix_gradient(op.matrix), seen, grad, sizes, room)?;
        if let Some(base) = op.base {
            self.pass_on(base, op.out)?;
        }
        let Some(add) = self.claim(op.x) else { return Ok(()) };
        let x_grad = on.gradient(op.x);
        on.card.gemm(Gemm {
            out: Matrix::dense(if dense { x_grad } else { seen }, op.inner),
            a: Matrix::dense(grad, op.cols),
            b: Matrix::dense(self.pass.matrix(op.matrix), op.cols).turned(),
            rows,
            inner: op.cols,
            cols: op.inner,
            batch: 1,
            add: dense && add,
        })?;
        if dense {
            return Ok(());
        }
        let sizes = [clips, x_len, op.rows, op.inner, op.step].map(Argument::from);
        self.each("unwindows", clips * x_len, &[&[x_grad.into(), seen.into()], &sizes[..], &[add.into()]].concat())
    }

    fn norm(&mut self, op: &Norm) -> Result<()> {
        let (on, clips, c) = (self.on(), self.pass.clips, op.channels);
        let film_add = op.film.and_then(|film| self.claim(film));
        let x_add = self.claim(op.x);
        let [ab, sums, own, k] = on.scratch([clips * 2 * c, clips * 4 * c, clips * 2 * c, clips * 3 * c])?;
        self.pass.modulate(op, 2 * c, ab)?;
        let to = x_add.map(|add| (on.gradient(op.x), add));
        self.norm_backward(op, 2 * c, on.gradient(op.out), to, [ab, sums, own, k])?;
        self.modulation(op, film_add, own)
    }

    /// Through the normalisation: writes the gradients of the modulated scale and shift to `own`, and that of x where asked.
    fn norm_backward(
        &self,
        op: &Norm,
        stride: usize,
        grad: Address,
        to: Option<(Address, bool)>,
        [ab, sums, own, k]: [Address; 4],
    ) -> Result<()> {
        let (on, clips, c) = (self.on(), self.pass.clips, op.channels);
        let (len, rows) = (on.len(op.x), on.len(op.x) / op.channels);
        on.card.clear(sums, clips * 2 * c * size_of::<f64>())?;
        let grid = [rows.div_ceil(CHUNK), c.div_ceil(32), clips];
        let x = on.value(op.x);
        let places = [sums, x, grad, ab].map(Argument::from);
        let sizes = [rows.into(), c.into(), CHUNK.into(), op.activate.into()];
        on.card.launch("norm_sums", grid, [32, 8], &[&places[..], &sizes].concat())?;
        let film = op.film.map_or(NOWHERE, |film| on.value(film));
        let places = [own, k, sums, on.value(op.statistics), film, self.pass.parameter(op.scale)].map(Argument::from);
        let sizes = [clips, stride, rows, c, GROUPS].map(Argument::from);
        self.each("norm_coefficients", clips * c, &[&places[..], &sizes].concat())?;
        let Some((to, add)) = to else { return Ok(()) };
        let places = [to, x, grad, ab, k].map(Argument::from);
        let sizes = [(clips * len).into(), len.into(), c.into(), op.activate.into(), add.into()];
        self.each("norm_gradient", clips * len, &[&places[..], &sizes].concat())
    }

    /// Pass the gradients of scale and shift on to the parameters and to the modulation.
    fn modulation(&self, op: &Norm, film_add: Option<bool>, own: Address) -> Result<()> {
        let on = self.on();
        let film = op.film.map_or(NOWHERE, |film| on.value(film));
        let film_grad = op.film.filter(|_| film_add.is_some()).map_or(NOWHERE, |film| on.gradient(film));
        let [scale, shift] = [op.scale, op.shift];
        let places = [
            self.parameter_gradient(scale),
            self.parameter_gradient(shift),
            film_grad,
            own,
            film,
            self.pass.parameter(scale),
            self.pass.parameter(shift),
        ];
        let sizes = [self.pass.clips.into(), op.channels.into(), film_add.unwrap_or(false).into()];
        self.each("modulation_gradient", op.channels, &[&places.map(Argument::from)[..], &sizes].concat())
    }

    /// Back through a whole filter block, its filter included: the inside is computed again.
    fn mix(&mut self, op: &Mix) -> Result<()> {
        let (on, clips, norm) = (self.on(), self.pass.clips, op.norm());
        let (c, shape) = (op.shape.channels, op.shape);
        let film_add = self.claim(op.film);
        let Some(add) = self.claim(op.x) else { return Ok(()) };
        let (clip_rows, rows) = (shape.frames * shape.bins, clips * shape.frames * shape.bins);
        let wide_len = rows * 2 * c;
        let small = [clips * 2 * c, clips * 4 * c, clips * 2 * c, clips * 3 * c];
        let [a, b, d, e] = small;
        let matrices = if clip_rows >= LONG { clips * 2 * c * c } else { 0 };
        let lens = [a, b, d, e, rows * c, wide_len, wide_len, wide_len, matrices];
        let [ab, sums, own, k, normed, wide, active, wide_grad, room] = on.scratch(lens)?;
        self.pass.widen(op, &norm, [ab, normed, wide, active])?;
        let grad = on.gradient(op.out);
        let narrow_sizes = [clip_rows, 2 * c, c];
        self.matrix_sums(self.matrix_gradient(op.narrow[0]), active, grad, narrow_sizes, room)?;
        self.column_sums(self.parameter_gradient(op.narrow[1]), grad, rows, c)?;
        self.turned_product([wide_grad, grad], self.pass.matrix(op.narrow[0]), [rows, c, 2 * c])?;
        // `active` has served: it takes the gradient before SiLU.
        let before = active;
        let places = [before, wide, wide_grad].map(Argument::from);
        self.each("silu_gradient", wide_len, &[&places[..], &[wide_len.into(), false.into()]].concat())?;
        let widen_sizes = [clip_rows, c, 2 * c];
        self.matrix_sums(self.matrix_gradient(op.widen[0]), normed, before, widen_sizes, room)?;
        self.column_sums(self.parameter_gradient(op.widen[1]), before, rows, 2 * c)?;
        let (normed_grad, filtered_grad) = (normed, wide_grad);
        self.turned_product([normed_grad, before], self.pass.matrix(op.widen[0]), [rows, 2 * c, c])?;
        self.norm_backward(&norm, 4 * c, normed_grad, Some((filtered_grad, false)), [ab, sums, own, k])?;
        self.modulation(&norm, film_add, own)?;
        for (i, (weight, shape)) in on.plan.filters_of(op.filtered).iter().enumerate() {
            self.filter_gradient(self.parameter_gradient(*weight), on.value(op.x), filtered_grad, *shape)?;
            // The residual connection passes the gradient on as it is.
            let base = if i == 0 { grad } else { NOWHERE };
            let way = Filtering { turned: true, add: add || i > 0 };
            let places = [on.gradient(op.x), filtered_grad, base];
            self.pass.filter(places, self.pass.parameter(*weight), *shape, way)?;
        }
        Ok(())
    }

    /// `to = x matrix^T`: `[rows, inner]` by a matrix `[cols, inner]`.
    fn turned_product(&self, [to, x]: [Address; 2], matrix: Address, [rows, inner, cols]: [usize; 3]) -> Result<()> {
        self.on().card.gemm(Gemm {
            out: Matrix::dense(to, cols),
            a: Matrix::dense(x, inner),
            b: Matrix::dense(matrix, inner).turned(),
            rows,
            inner,
            cols,
            batch: 1,
            add: false,
        })
    }

    fn filter_gradient(&self, to: Address, x: Address, grad: Address, shape: MapShape) -> Result<()> {
        let clips = self.pass.clips;
        let units = clips * shape.frames * shape.bins.div_ceil(128);
        let each = units.div_ceil(FILTER_BLOCKS);
        let places = [to, x, grad].map(Argument::from);
        let sizes = [clips, shape.frames, shape.bins, shape.channels, each].map(Argument::from);
        let grid = [units.div_ceil(each), shape.channels.div_ceil(32), 1];
        let arguments = [&places[..], &sizes, &[shape.circular.into()]].concat();
        self.on().card.launch("filter_gradient", grid, [32, 8], &arguments)
    }

    fn attention(&self, places: [Address; 4], sizes: Heads, add: bool) -> Result<()> {
        let [qkv, weights, out_grad, to] = places;
        let (on, clips, Heads { frames, heads, width }) = (self.on(), self.pass.clips, sizes);
        let rows = clips * heads * frames;
        let [scores] = on.scratch([rows * frames])?;
        let product = |out: Matrix, a: Matrix, b: Matrix, [inner, cols]: [usize; 2], add: bool| {
            on.card.gemm(Gemm { out, a, b, rows: frames, inner, cols, batch: clips, add })
        };
        for head in 0..heads {
            let v = sizes.part(qkv, 2, head).turned();
            product(sizes.scores(scores, head), sizes.mixed(out_grad, head), v, [width, frames], false)?;
        }
        let arguments = [scores.into(), weights.into(), rows.into(), frames.into(), sizes.scale().into()];
        on.card.launch("softmax_gradient", [rows.div_ceil(8), 1, 1], [32, 8], &arguments)?;
        for head in 0..heads {
            let [q, k] = [0, 1].map(|part| sizes.part(qkv, part, head));
            let [to_q, to_k, to_v] = [0, 1, 2].map(|part| sizes.part(to, part, head));
            let (weights, scores) = (sizes.scores(weights, head), sizes.scores(scores, head));
            product(to_v, weights.turned(), sizes.mixed(out_grad, head), [frames, width], add)?;
            product(to_q, scores, k, [frames, width], add)?;
            product(to_k, scores.turned(), q, [frames, width], add)?;
        }
        Ok(())
    }
}
