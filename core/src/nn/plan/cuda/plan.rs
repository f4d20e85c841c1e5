//! [`CardPlan`]: a plan on the card, its memory and its forward pass.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::Result;

use super::card::{ALIGN, Address, Argument, Arriving, Block, Card, Gemm, Matrix, Sums, at};
use super::weights::CardWeights;
use crate::nn::kernel::filter::MapShape;
use crate::nn::norm::{EPSILON, GROUPS};
use crate::nn::plan::Plan;
use crate::nn::plan::layout::Layout;
use crate::nn::plan::op::{Mix, Norm, Op, Product, ValueId};

/// Rows that a block walks down when columns are summed.
pub(super) const CHUNK: usize = 512;

/// A plan on the card.
pub struct CardPlan {
    pub(super) card: Arc<Card>,
    pub(super) plan: Arc<Plan>,
    /// Preamble, then main part.
    pub(super) ops: Vec<Op>,
    layout: Layout,
    values: Block<f32>,
    /// Of all values; of length 1 unless the plan trains.
    gradients: Block<f32>,
    /// What the output shall be.
    target: Block<f32>,
    /// Where inputs and target wait until what was launched before is done with its own.
    arriving: Mutex<Arriving>,
    /// Memory of operations while they compute, and its length.
    scratch: Mutex<(Block<f32>, usize)>,
    most_clips: usize,
}

/// What a plan is asked: rows known beforehand and frames, clip after clip, each in the order of the inputs.
pub struct Question<'a> {
    /// Noise levels and conditions.
    pub rows: &'a [&'a [f32]],
    /// Frames.
    pub frames: &'a [&'a [f32]],
}

impl CardPlan {
    /// Memory for `plan` over at most `most_clips` clips; `trains` makes room for gradients.
    ///
    /// # Errors
    /// No memory on the card.
    pub fn new(card: &Arc<Card>, plan: &Arc<Plan>, most_clips: usize, trains: bool) -> Result<Self> {
        let layout = Layout::apart(plan.values.len(), |id| plan.values[id].len * most_clips);
        let arriving = plan.inputs.iter().chain([&plan.output]).map(|&id| plan.values[id].len * most_clips);
        let room = arriving.map(|len| len.next_multiple_of(ALIGN)).sum();
        Ok(Self {
            ops: plan.preamble.iter().chain(&plan.main).cloned().collect(),
            values: card.zeros(layout.len)?,
            gradients: card.zeros(if trains { layout.len } else { 1 })?,
            target: card.zeros(if trains { plan.values[plan.output].len * most_clips } else { 1 })?,
            arriving: Mutex::new(card.arriving(room)?),
            scratch: Mutex::new((card.zeros(1)?, 1)),
            layout,
            most_clips,
            card: card.clone(),
            plan: plan.clone(),
        })
    }

    /// Bring what is asked of `clips` clips, and what the output shall be, to the card. What was launched before goes on
    /// meanwhile, and keeps what it was asked.
    ///
    /// # Errors
    /// The card failed.
    ///
    /// # Panics
    /// More clips than there is room for, or inputs of another size.
    pub fn put(&self, clips: usize, question: &Question, target: Option<&[f32]>) -> Result<()> {
        assert!(clips <= self.most_clips, "{clips} clips of {}", self.most_clips);
        let mut parts = Vec::new();
        for (is_main, given) in [(false, question.rows), (true, question.frames)] {
            let ids = self.plan.inputs.iter().filter(|&&id| self.plan.values[id].is_main == is_main);
            assert_eq!(ids.clone().count(), given.len(), "inputs");
            for (&id, values) in ids.zip(given) {
                assert_eq!(values.len(), clips * self.len(id), "numbers of an input");
                parts.push((self.value(id), *values));
            }
        }
        parts.extend(target.map(|target| (self.target.address, target)));
        self.card.bring(&self.arriving, &parts)
    }

    /// Compute the output of what was put, with the parameters or (`averaged`) their averages. Returns at once.
    ///
    /// # Errors
    /// The card failed.
    pub fn forward(&self, weights: &CardWeights, averaged: bool, clips: usize) -> Result<()> {
        let pass = Pass { on: self, clips, weights: weights.address(averaged) };
        self.ops.iter().try_for_each(|op| pass.compute(op))
    }

    /// The output that was last computed, of `clips` clips.
    ///
    /// # Errors
    /// The card failed.
    pub fn output(&self, clips: usize) -> Result<Vec<f32>> {
        self.card.fetch(self.value(self.plan.output), clips * self.len(self.plan.output))
    }

    /// Add the loss of the output against the target to sum `idx` (not yet divided by the number of values), and remember
    /// the gradient of its mean times `share`. Squared differences, or with `huber` above 0 pseudo-Huber's.
    ///
    /// # Errors
    /// The card failed.
    pub fn add_loss(&self, sums: &Sums, idx: usize, clips: usize, huber: f64, share: f64) -> Result<()> {
        let (output, count) = (self.plan.output, clips * self.len(self.plan.output));
        let scale = (share / count as f64) as f32;
        let places = [sums.address(idx), self.gradient(output), self.target.address, self.value(output)];
        let sizes = [count.into(), (huber as f32).into(), scale.into()];
        let arguments = [&places.map(Argument::from)[..], &sizes].concat();
        self.card.launch("loss", [count.div_ceil(256 * 16), 1, 1], [256, 1], &arguments)
    }

    pub(super) fn len(&self, id: ValueId) -> usize {
        self.plan.values[id].len
    }

    pub(super) fn value(&self, id: ValueId) -> Address {
        at(self.values.address, self.layout.offsets[id])
    }

    pub(super) fn gradient(&self, id: ValueId) -> Address {
        at(self.gradients.address, self.layout.offsets[id])
    }

    /// Memory for so many numbers each, until it is asked for again.
    pub(super) fn scratch<const N: usize>(&self, lens: [usize; N]) -> Result<[Address; N]> {
        let mut len = 0;
        let starts = lens.map(|own| {
            let start = len;
            len += own.next_multiple_of(ALIGN);
            start
        });
        let mut scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        if len > scratch.1 {
            // What was launched before still needs the old block.
            self.card.wait()?;
            *scratch = (self.card.zeros(len)?, len);
        }
        Ok(starts.map(|start| at(scratch.0.address, start)))
    }
}

/// No address.
pub(super) const NOWHERE: Address = 0;

/// One pass forward.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub on: &'a CardPlan,
    pub clips: usize,
    /// The parameters.
    pub weights: Address,
}

impl Pass<'_> {
    /// Where parameter `id` lies.
    pub fn parameter(&self, id: usize) -> Address {
        at(self.weights, self.on.plan.parameters.range(id).start)
    }

    /// Where matrix `id` lies.
    pub fn matrix(&self, id: usize) -> Address {
        at(self.weights, self.on.plan.parameters.matrix_range(id).start)
    }

    fn each(&self, name: &'static str, count: usize, arguments: &[Argument]) -> Result<()> {
        self.on.card.each(name, count, arguments)
    }

    fn compute(&self, op: &Op) -> Result<()> {
        let (on, clips) = (self.on, self.clips);
        let value = |id: &ValueId| on.value(*id);
        let all = |id: &ValueId| clips * on.len(*id);
        match op {
            Op::Product(op) => self.product(op),
            Op::Norm(op) => self.norm(op),
            Op::Filter { x, out, filters, .. } => filters.iter().enumerate().try_for_each(|(i, (weight, shape))| {
                let way = Filtering { turned: false, add: i > 0 };
                self.filter([value(out), value(x), NOWHERE], self.parameter(*weight), *shape, way)
            }),
            Op::Mix(op) => self.mix(op),
            Op::Attention { qkv, out, weights, frames, heads, width } => {
                let sizes = Heads { frames: *frames, heads: *heads, width: *width };
                self.attention(value(qkv), value(out), value(weights), sizes)
            }
            Op::Pad { x, out, channels, reach, circular } => {
                let sizes = [clips, on.len(*x), on.len(*out), reach * channels].map(Argument::from);
                let [a, b, c, d] = sizes;
                self.each("pad", all(out), &[value(out).into(), value(x).into(), a, b, c, d, (*circular).into()])
            }
            Op::Concat { a, b, channels: [first, second], out } => {
                let rows = all(a) / first;
                let places = [value(out), value(a), value(b)].map(Argument::from);
                let [to, a, b] = places;
                self.each("concat", all(out), &[to, a, b, rows.into(), (*first).into(), (*second).into()])
            }
            Op::Add { a, b, out } => {
                let arguments = [value(out).into(), value(a).into(), value(b).into(), all(out).into(), false.into()];
                self.each("put_sum", all(out), &arguments)
            }
            Op::AddParameter { x, parameter, out } => {
                let period = on.plan.parameters.range(*parameter).len();
                self.add_repeated(value(out), value(x), self.parameter(*parameter), all(out), period)
            }
            Op::Repeat { x, out, factor, channels } => {
                let (frames, out_frames) = (on.len(*x) / channels, on.len(*out) / channels);
                let [a, b, c, d, e] = [clips, frames, out_frames, *factor, *channels].map(Argument::from);
                self.each("repeat", all(out), &[value(out).into(), value(x).into(), a, b, c, d, e])
            }
            Op::Patches { x, out, cut, back } => self.patches(value(out), value(x), all(out), *cut, *back, false),
            Op::Gate { y, x, gate, channels, out } => {
                let [to, y, x, gate] = [value(out), value(y), value(x), value(gate)].map(Argument::from);
                let arguments = [to, y, x, gate, all(out).into(), on.len(*out).into(), (*channels).into()];
                self.each("gate", all(out), &arguments)
            }
            Op::Silu { x, out } => self.each("silu", all(out), &[value(out).into(), value(x).into(), all(out).into()]),
        }
    }

    pub fn patches(
        &self,
        to: Address,
        from: Address,
        count: usize,
        [_, across, channels, along]: [usize; 4],
        back: bool,
        add: bool,
    ) -> Result<()> {
        let [n, a, c, l] = [count, across, channels, along].map(Argument::from);
        self.each("patches", count, &[to.into(), from.into(), n, a, c, l, back.into(), add.into()])
    }

    /// `out = x + values`, over and over; without `x` the values alone.
    fn add_repeated(&self, out: Address, x: Address, values: Address, count: usize, period: usize) -> Result<()> {
        self.each("add_repeated", count, &[out.into(), x.into(), values.into(), count.into(), period.into()])
    }

    /// The rows that a product sees, `[clips * rows, inner]`: where they lie, or copied to `room`.
    pub fn rows_seen(&self, op: &Product, room: Address) -> Result<Address> {
        if op.is_dense(self.on.len(op.x)) {
            return Ok(self.on.value(op.x));
        }
        let [clips, len, rows, inner, step] =
            [self.clips, self.on.len(op.x), op.rows, op.inner, op.step].map(Argument::from);
        let count = self.clips * op.rows * op.inner;
        self.each("windows", count, &[room.into(), self.on.value(op.x).into(), clips, len, rows, inner, step])?;
        Ok(room)
    }

    fn product(&self, op: &Product) -> Result<()> {
        let on = self.on;
        let (rows, out) = (self.clips * op.rows, on.value(op.out));
        let [room] = on.scratch([if op.is_dense(on.len(op.x)) { 0 } else { rows * op.inner }])?;
        let seen = self.rows_seen(op, room)?;
        let base = op.base.map_or(NOWHERE, |base| on.value(base));
        self.add_repeated(out, base, self.parameter(op.bias), rows * op.cols, op.cols)?;
        self.on.card.gemm(Gemm {
            out: Matrix::dense(out, op.cols),
            a: Matrix::dense(seen, op.inner),
            b: Matrix::dense(self.matrix(op.matrix), op.cols),
            rows,
            inner: op.inner,
            cols: op.cols,
            batch: 1,
            add: true,
        })
    }

    fn norm(&self, op: &Norm) -> Result<()> {
        let [sums, ab] = self.on.scratch([self.clips * 4 * op.channels, self.clips * 2 * op.channels])?;
        self.statistics(op, self.on.value(op.statistics), 2 * op.channels, sums)?;
        self.modulate(op, 2 * op.channels, ab)?;
        self.affine(self.on.value(op.out), op, ab)
    }

    /// Mean and reciprocal standard deviation of every channel's group.
    fn statistics(&self, op: &Norm, to: Address, stride: usize, sums: Address) -> Result<()> {
        let (channels, rows) = (op.channels, self.on.len(op.x) / op.channels);
        self.on.card.clear(sums, self.clips * 2 * channels * size_of::<f64>())?;
        let grid = [rows.div_ceil(CHUNK), channels.div_ceil(32), self.clips];
        let x = self.on.value(op.x);
        let arguments = [sums.into(), x.into(), rows.into(), channels.into(), CHUNK.into()];
        self.on.card.launch("moments", grid, [32, 8], &arguments)?;
        let [clips, stride, rows, channels, groups] = [self.clips, stride, rows, channels, GROUPS].map(Argument::from);
        let arguments = [to.into(), sums.into(), clips, stride, rows, channels, groups, (EPSILON as f32).into()];
        self.each("statistics", self.clips * op.channels, &arguments)
    }

    /// The affine map by channel of every clip, from its statistics, which lie `stride` apart.
    pub fn modulate(&self, op: &Norm, stride: usize, ab: Address) -> Result<()> {
        let film = op.film.map_or(NOWHERE, |film| self.on.value(film));
        let places = [ab, self.on.value(op.statistics), film, self.parameter(op.scale), self.parameter(op.shift)];
        let [ab, statistics, film, scale, shift] = places.map(Argument::from);
        let sizes = [self.clips.into(), stride.into(), op.channels.into()];
        self.each("modulate", self.clips * op.channels, &[&[ab, statistics, film, scale, shift][..], &sizes].concat())
    }

    /// `op.x` through the affine map, and through SiLU where the norm has one.
    pub fn affine(&self, to: Address, op: &Norm, ab: Address) -> Result<()> {
        let (len, count) = (self.on.len(op.x), self.clips * self.on.len(op.x));
        let places = [to.into(), self.on.value(op.x).into(), ab.into()];
        let sizes = [count.into(), len.into(), op.channels.into(), op.activate.into()];
        self.each("affine", count, &[&places[..], &sizes].concat())
    }

    /// To, from, and what is added where there is something.
    pub fn filter(
        &self,
        [to, x, base]: [Address; 3],
        weight: Address,
        shape: MapShape,
        Filtering { turned, add }: Filtering,
    ) -> Result<()> {
        let places = [to, x, weight, base].map(Argument::from);
        let sizes = [self.clips, shape.frames, shape.bins, shape.channels].map(Argument::from);
        let flags = [shape.circular, turned, add].map(Argument::from);
        // Four bins a thread.
        let count = self.clips * shape.frames * shape.bins.div_ceil(4) * shape.channels;
        self.each("filter", count, &[&places[..], &sizes, &flags].concat())
    }

    fn mix(&self, op: &Mix) -> Result<()> {
        let (on, norm, c) = (self.on, op.norm(), op.shape.channels);
        let rows = self.clips * op.shape.frames * op.shape.bins;
        let lens = [self.clips * 4 * c, self.clips * 2 * c, rows * c, rows * 2 * c, rows * 2 * c];
        let [sums, ab, normed, wide, active] = on.scratch(lens)?;
        self.statistics(&norm, on.value(op.statistics), 4 * c, sums)?;
        self.widen(op, &norm, [ab, normed, wide, active])?;
        let out = on.value(op.out);
        self.add_repeated(out, on.value(op.x), self.parameter(op.narrow[1]), rows * c, c)?;
        on.card.gemm(Gemm {
            out: Matrix::dense(out, c),
            a: Matrix::dense(active, 2 * c),
            b: Matrix::dense(self.matrix(op.narrow[0]), c),
            rows,
            inner: 2 * c,
            cols: c,
            batch: 1,
            add: true,
        })
    }

    /// The first half of a filter block: normed, widened, and through SiLU.
    pub fn widen(&self, op: &Mix, norm: &Norm, [ab, normed, wide, active]: [Address; 4]) -> Result<()> {
        let c = op.shape.channels;
        let rows = self.clips * op.shape.frames * op.shape.bins;
        self.modulate(norm, 4 * c, ab)?;
        self.affine(normed, norm, ab)?;
        self.on.card.gemm(Gemm {
            out: Matrix::dense(wide, 2 * c),
            a: Matrix::dense(normed, c),
            b: Matrix::dense(self.matrix(op.widen[0]), 2 * c),
            rows,
            inner: c,
            cols: 2 * c,
            batch: 1,
            add: false,
        })?;
        let places = [active, wide, self.parameter(op.widen[1])].map(Argument::from);
        let [active, wide, bias] = places;
        self.each("bias_silu", rows * 2 * c, &[active, wide, bias, (rows * 2 * c).into(), (2 * c).into()])
    }

    fn attention(&self, qkv: Address, out: Address, weights: Address, sizes: Heads) -> Result<()> {
        let Heads { frames, heads, width } = sizes;
        let product = |out: Matrix, a: Matrix, b: Matrix, inner: usize, cols: usize| {
            self.on.card.gemm(Gemm { out, a, b, rows: frames, inner, cols, batch: self.clips, add: false })
        };
        for head in 0..heads {
            let (q, k) = (sizes.part(qkv, 0, head), sizes.part(qkv, 1, head));
            product(sizes.scores(weights, head), q, k.turned(), width, frames)?;
        }
        self.softmax(weights, sizes)?;
        for head in 0..heads {
            let v = sizes.part(qkv, 2, head);
            product(sizes.mixed(out, head), sizes.scores(weights, head), v, frames, width)?;
        }
        Ok(())
    }

    fn softmax(&self, weights: Address, sizes: Heads) -> Result<()> {
        let rows = self.clips * sizes.heads * sizes.frames;
        let arguments = [weights.into(), rows.into(), sizes.frames.into(), sizes.scale().into()];
        self.on.card.launch("softmax", [rows.div_ceil(8), 1, 1], [32, 8], &arguments)
    }
}

/// How a filter is applied.
#[derive(Clone, Copy)]
pub(super) struct Filtering {
    /// Taps in reverse: for gradients.
    pub turned: bool,
    /// To what is there.
    pub add: bool,
}

/// The sizes of an attention, and where its matrices lie: those of all clips for one head.
#[derive(Clone, Copy)]
pub(super) struct Heads {
    pub frames: usize,
    pub heads: usize,
    pub width: usize,
}

impl Heads {
    /// Queries (0), keys (1) or values (2), `[frames, width]` in `[frames, 3, heads, width]`.
    pub fn part(self, qkv: Address, part: usize, head: usize) -> Matrix {
        let row = 3 * self.heads * self.width;
        Matrix::dense(at(qkv, (part * self.heads + head) * self.width), row).batched(self.frames * row)
    }

    /// `[frames, frames]` in `[heads, frames, frames]`.
    pub fn scores(self, weights: Address, head: usize) -> Matrix {
        let square = self.frames * self.frames;
        Matrix::dense(at(weights, head * square), self.frames).batched(self.heads * square)
    }

    /// `[frames, width]` in `[frames, heads, width]`.
    pub fn mixed(self, out: Address, head: usize) -> Matrix {
        let row = self.heads * self.width;
        Matrix::dense(at(out, head * self.width), row).batched(self.frames * row)
    }

    pub fn scale(self) -> f32 {
        (self.width as f32).sqrt().recip()
    }
}

impl Product {
    /// Whether the rows of all clips lie side by side in an input of `len` numbers.
    pub(super) fn is_dense(&self, len: usize) -> bool {
        self.step == self.inner && len == self.rows * self.inner
    }
}
