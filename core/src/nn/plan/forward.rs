//! What the operations of a plan compute, cut into units that threads share.

use std::ops::Range;

use super::attention::Heads;
use super::op::{Mix, Norm, Op, Product, ValueId};
use super::parameters::clip_rows;
use super::permute::{self, Write};
use super::workspace::Plan;
use crate::nn::kernel::filter::{self, MapShape};
use crate::nn::kernel::gemm::{Axis, Epilogue, Output, Panels, Part, View, product, product_part};
use crate::nn::kernel::isa::Isa;
use crate::nn::kernel::memory::Memory;
use crate::nn::kernel::rows::{self, Columns};
use crate::nn::norm::{GROUPS, SUM_ROWS, finish_statistics};

/// Rows that pass through the two matrices of a filter block together: they stay in the first-level cache.
const TILE: usize = 128;
/// Numbers that are filtered together, about: some frames.
const FILTERED: usize = 1 << 14;
/// Rows of a large product that one unit computes.
const ROWS: usize = 96;
/// Units of an operation that only moves or adds.
const PIECES: usize = 8;

/// A part of an operation after which all threads meet.
pub(super) struct Phase {
    pub op: usize,
    pub part: usize,
    pub units: usize,
}

/// The phases of `ops` over `clips` clips.
pub(super) fn phases(ops: &[Op], clips: usize) -> Vec<Phase> {
    let mut phases = Vec::new();
    for (op, operation) in ops.iter().enumerate() {
        phases.extend(units(operation, clips).into_iter().enumerate().map(|(part, units)| Phase { op, part, units }));
    }
    phases
}

/// Units of every phase of an operation.
fn units(op: &Op, clips: usize) -> Vec<usize> {
    let of_a_clip = match op {
        // A product takes all clips together, so that its matrix is read once.
        Op::Product(op) => return vec![op.cut(clips).len()],
        Op::Norm(op) => vec![norm_units(op.channels)],
        Op::Filter { filters, .. } => filters.iter().map(|(_, shape)| filter_units(*shape)).collect(),
        Op::Mix(op) => vec![1, (op.shape.frames * op.shape.bins).div_ceil(TILE)],
        Op::Attention { heads, .. } => vec![*heads],
        Op::AddParameter { .. } | Op::Add { .. } | Op::Gate { .. } => vec![PIECES],
        Op::Patches { cut, .. } => vec![PIECES.min(cut[0])],
        Op::Pad { .. } | Op::Concat { .. } | Op::Repeat { .. } | Op::Silu { .. } => vec![1],
    };
    of_a_clip.into_iter().map(|units| units * clips).collect()
}

/// Into how many runs of frames a filter's work is cut.
fn filter_units(shape: MapShape) -> usize {
    (shape.len() / FILTERED).clamp(1, shape.frames)
}

/// How a product is cut: into blocks of rows, and where there are few rows into panels too.
struct Cut {
    rows: usize,
    panels: usize,
    row_blocks: usize,
    panel_blocks: usize,
}

impl Cut {
    fn len(&self) -> usize {
        self.row_blocks * self.panel_blocks
    }

    fn part(&self, unit: usize) -> Part {
        // The blocks of rows that share panels follow each other, while these are in the cache.
        let (panel, row) = (unit / self.row_blocks, unit % self.row_blocks);
        let rows = piece(self.rows, self.row_blocks, row);
        let panels = piece(self.panels, self.panel_blocks, panel);
        Part { rows: [rows.start, rows.end], panels: [panels.start, panels.end] }
    }
}

impl Product {
    fn cut(&self, clips: usize) -> Cut {
        let panels = self.cols.div_ceil(2 * Isa::best().lanes());
        match self.rows * clips {
            rows if rows > 2 * ROWS => Cut { rows, panels, row_blocks: rows.div_ceil(ROWS), panel_blocks: 1 },
            rows if rows >= 24 => Cut { rows, panels, row_blocks: 2, panel_blocks: panels },
            rows => Cut { rows, panels, row_blocks: 1, panel_blocks: panels },
        }
    }
}

/// The `idx`th of `count` pieces of `0..len`.
fn piece(len: usize, count: usize, idx: usize) -> Range<usize> {
    len * idx / count..len * (idx + 1) / count
}

/// Into how many ranges of whole groups the channels of a norm are cut: of whole registers, where that can be.
fn norm_units(channels: usize) -> usize {
    [4, 2].into_iter().find(|units| (channels / units).is_multiple_of(16)).unwrap_or(1)
}

/// What a thread needs beside the plan's memory.
#[derive(Default)]
pub(super) struct Scratch {
    narrow: Vec<f32>,
    wide: Vec<f32>,
    sums: Vec<f32>,
    affine: Vec<f32>,
    panels: Option<Panels>,
}

/// The first `len` values of a vector that grows to hold them.
fn room(vector: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if vector.len() < len {
        vector.resize(len, 0.0);
    }
    &mut vector[..len]
}

/// One pass through a plan: which memory, which clips.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub plan: &'a Plan,
    pub memory: &'a Memory,
    pub offsets: &'a [usize],
    /// Clips computed together.
    pub clips: usize,
    /// The row of what is known beforehand that belongs to the first clip.
    pub row: usize,
}

// SAFETY of every block below: the units of one phase write parts that do not overlap, and read what earlier phases
// wrote; the layout gives values that are needed at the same time places that do not overlap.
impl<'a> Frame<'a> {
    /// Where value `id` of a clip lies.
    fn range(&self, id: ValueId, clip: usize) -> Range<usize> {
        let value = &self.plan.values[id];
        // Of what is known beforehand, the rows before `row` belong to other noise levels.
        let item = if value.is_main { clip } else { self.row + clip };
        let start = self.offsets[id] + item * value.len;
        start..start + value.len
    }

    fn get(&self, id: ValueId, clip: usize) -> &'a [f32] {
        unsafe { self.memory.read(self.range(id, clip)) }
    }

    fn part(&self, id: ValueId, clip: usize, part: Range<usize>) -> &'a mut [f32] {
        let start = self.range(id, clip).start;
        unsafe { self.memory.write(start + part.start..start + part.end) }
    }

    fn all(&self, id: ValueId, clip: usize) -> &'a mut [f32] {
        self.part(id, clip, 0..self.plan.values[id].len)
    }

    /// Compute one unit of a phase.
    pub fn run(&self, op: &Op, part: usize, unit: usize, scratch: &mut Scratch) {
        if let Op::Product(op) = op {
            return self.product(op, unit);
        }
        let (clip, unit) = (unit % self.clips, unit / self.clips);
        match op {
            Op::Norm(op) => self.norm(op, clip, unit, scratch),
            Op::Filter { x, out, sums, filters } => {
                let (weight, shape) = filters[part];
                let frames = piece(shape.frames, filter_units(shape), unit);
                let out = self.part(*out, clip, frames.start * shape.row()..frames.end * shape.row());
                let sums = self.part(*sums, clip, frames.start * 2 * shape.channels..frames.end * 2 * shape.channels);
                let weight = self.plan.parameters.values(weight);
                filter::filter(Isa::best(), out, sums, self.get(*x, clip), weight, shape, frames.start, part > 0);
            }
            Op::Mix(op) if part == 0 => self.mix_statistics(op, clip),
            Op::Mix(op) => self.mix(op, clip, unit, scratch),
            Op::Attention { qkv, out, weights, frames, heads, width } => {
                let heads = Heads { frames: *frames, heads: *heads, width: *width };
                let weights = self.part(*weights, clip, unit * frames * frames..(unit + 1) * frames * frames);
                let range = self.range(*out, clip);
                let (to, len) = (self.memory.pointer(range.clone()), range.len() - unit * width);
                let out = unsafe { Output::shared(to.add(unit * width), len, heads.out_rows()) };
                let panels = scratch.panels.get_or_insert_with(|| Panels::empty(Isa::best()));
                heads.forward(self.get(*qkv, clip), unit, weights, out, panels);
            }
            _ => self.move_values(op, clip, unit),
        }
    }

    /// The operations that move or add values.
    fn move_values(&self, op: &Op, clip: usize, unit: usize) {
        match op {
            Op::Pad { x, out, channels, reach, circular, .. } => {
                permute::pad(self.all(*out, clip), self.get(*x, clip), reach * channels, *circular);
            }
            Op::Concat { a, b, channels, out } => {
                permute::concat(self.all(*out, clip), self.get(*a, clip), self.get(*b, clip), *channels);
            }
            Op::Repeat { x, out, factor, channels, .. } => {
                permute::repeat(self.all(*out, clip), self.get(*x, clip), *factor, *channels);
            }
            Op::Patches { x, out, cut, back } => {
                let frames = piece(cut[0], PIECES.min(cut[0]), unit);
                let len = self.plan.values[*out].len / cut[0];
                let (range, cut) = (frames.start * len..frames.end * len, [frames.len(), cut[1], cut[2], cut[3]]);
                let out = self.part(*out, clip, range.clone());
                permute::patches(out, &self.get(*x, clip)[range], cut, *back, Write::Over);
            }
            Op::Silu { x, out } => rows::silu_into(Isa::best(), self.all(*out, clip), self.get(*x, clip)),
            Op::Add { a, b, out } => {
                let range = piece(self.plan.values[*out].len, PIECES, unit);
                let terms = self.get(*a, clip)[range.clone()].iter().zip(&self.get(*b, clip)[range.clone()]);
                self.part(*out, clip, range).iter_mut().zip(terms).for_each(|(out, (a, b))| *out = a + b);
            }
            Op::AddParameter { x, parameter, out } => {
                let parameter = self.plan.parameters.values(*parameter);
                let periods = piece(self.plan.values[*out].len / parameter.len(), PIECES, unit);
                let range = periods.start * parameter.len()..periods.end * parameter.len();
                let runs = self.part(*out, clip, range.clone()).chunks_exact_mut(parameter.len());
                for (out, x) in runs.zip(self.get(*x, clip)[range].chunks_exact(parameter.len())) {
                    out.iter_mut().zip(x.iter().zip(parameter)).for_each(|(out, (x, p))| *out = x + p);
                }
            }
            Op::Gate { y, x, gate, channels, out } => {
                let rows = piece(self.plan.values[*out].len / channels, PIECES, unit);
                let range = rows.start * channels..rows.end * channels;
                let (y, x, gate) = (self.get(*y, clip), self.get(*x, clip), self.get(*gate, clip));
                let out = self.part(*out, clip, range.clone()).chunks_exact_mut(*channels);
                let rows = y[range.clone()].chunks_exact(*channels).zip(x[range].chunks_exact(*channels));
                for (out, (y, x)) in out.zip(rows) {
                    let terms = y.iter().zip(x).zip(gate);
                    out.iter_mut().zip(terms).for_each(|(out, ((y, x), gate))| *out = y + x * gate);
                }
            }
            _ => unreachable!("run() computes the others"),
        }
    }

    /// Where value `id` of all clips lies.
    fn whole(&self, id: ValueId) -> Range<usize> {
        self.range(id, 0).start..self.range(id, self.clips - 1).end
    }

    fn product(&self, op: &Product, unit: usize) {
        let x = self.whole(op.x);
        let rows = clip_rows(op.rows, op.step, x.len() / self.clips, self.clips);
        let a = View { data: unsafe { self.memory.read(x) }, rows, cols: Axis::plain(op.inner, 1) };
        let range = self.whole(op.out);
        let rows = clip_rows(op.rows, op.cols, op.rows * op.cols, self.clips);
        let (a, rows) =
            if a.rows.joined().outer == 1 { (View { rows: a.rows.joined(), ..a }, rows.joined()) } else { (a, rows) };
        let out = unsafe { Output::shared(self.memory.pointer(range.clone()), range.len(), rows) };
        let epilogue = Epilogue {
            bias: Some(self.plan.parameters.values(op.bias)),
            base: op.base.map(|base| unsafe { self.memory.read(self.whole(base)) }),
            ..Epilogue::default()
        };
        let part = op.cut(self.clips).part(unit);
        product_part(out, a, &self.plan.parameters.matrix(op.matrix).forward, epilogue, part);
    }

    /// Scale and shift of the channels `range`, with the modulation worked in.
    fn modulation(&self, op: &Norm, clip: usize, c: usize) -> (f32, f32) {
        let parameters = &self.plan.parameters;
        let (scale, shift) = (parameters.values(op.scale)[c], parameters.values(op.shift)[c]);
        match op.film.map(|film| self.get(film, clip)) {
            Some(film) => (scale * (1.0 + film[c]), shift * (1.0 + film[c]) + film[op.channels + c]),
            None => (scale, shift),
        }
    }

    fn norm(&self, op: &Norm, clip: usize, unit: usize, scratch: &mut Scratch) {
        let channels = op.channels;
        let range = piece(channels, norm_units(channels), unit);
        let (width, first) = (range.len(), range.start);
        let x = self.get(op.x, clip);
        let num_rows = x.len() / channels;
        let sums = room(&mut scratch.sums, num_rows.div_ceil(SUM_ROWS) * 2 * width);
        for (block, sums) in sums.chunks_exact_mut(2 * width).enumerate() {
            let rows = (num_rows - block * SUM_ROWS).min(SUM_ROWS);
            let (sums, squares) = sums.split_at_mut(width);
            rows::range_moments(Isa::best(), sums, squares, &x[block * SUM_ROWS * channels + first..], channels, rows);
        }
        let mean = self.part(op.statistics, clip, range.clone());
        let inverse = self.part(op.statistics, clip, channels + range.start..channels + range.end);
        finish_statistics(sums, num_rows, channels / GROUPS, mean, inverse);
        let (scale, shift) = room(&mut scratch.affine, 2 * width).split_at_mut(width);
        for (i, c) in range.enumerate() {
            let (gain, offset) = self.modulation(op, clip, c);
            scale[i] = inverse[i] * gain;
            shift[i] = offset - scale[i] * mean[i];
        }
        let data = self.memory.pointer(self.range(op.out, clip)).wrapping_add(first);
        let out = Columns { data, stride: channels, rows: num_rows };
        rows::affine_range(Isa::best(), out, &x[first..], scale, shift, op.activate);
    }

    /// The statistics of a filtered map, and the affine map by channel that they and the modulation make.
    fn mix_statistics(&self, op: &Mix, clip: usize) {
        let c = op.shape.channels;
        let (mean, rest) = self.all(op.statistics, clip).split_at_mut(c);
        let (inverse, rest) = rest.split_at_mut(c);
        let (a, b) = rest.split_at_mut(c);
        finish_statistics(self.get(op.sums, clip), op.shape.frames * op.shape.bins, c / GROUPS, mean, inverse);
        let norm = op.norm();
        for i in 0..c {
            let (gain, offset) = self.modulation(&norm, clip, i);
            a[i] = inverse[i] * gain;
            b[i] = offset - a[i] * mean[i];
        }
    }

    /// One tile of rows through both matrices of a filter block.
    fn mix(&self, op: &Mix, clip: usize, unit: usize, scratch: &mut Scratch) {
        let c = op.shape.channels;
        let x = self.get(op.x, clip);
        let range = unit * TILE * c..((unit + 1) * TILE * c).min(x.len());
        let rows = range.len() / c;
        let statistics = self.get(op.statistics, clip);
        let (a, b) = (&statistics[2 * c..3 * c], &statistics[3 * c..]);
        let (narrow, wide) = (room(&mut scratch.narrow, rows * c), room(&mut scratch.wide, rows * 2 * c));
        let parameters = &self.plan.parameters;
        rows::affine(Isa::best(), narrow, &self.get(op.filtered, clip)[range.clone()], a, b, false);
        let widen = Epilogue { bias: Some(parameters.values(op.widen[1])), silu: true, ..Epilogue::default() };
        let matrix = &parameters.matrix(op.widen[0]).forward;
        product(Output::dense(wide, 2 * c), View::dense(narrow, rows, c), matrix, widen);
        let bias = Some(parameters.values(op.narrow[1]));
        let narrow = Epilogue { bias, base: Some(&x[range.clone()]), ..Epilogue::default() };
        let matrix = &parameters.matrix(op.narrow[0]).forward;
        let out = Output::dense(self.part(op.out, clip, range), c);
        product(out, View::dense(wide, rows, 2 * c), matrix, narrow);
    }
}

impl Mix {
    /// Its norm, as a norm.
    pub(super) fn norm(&self) -> Norm {
        Norm {
            x: self.filtered,
            out: self.out,
            film: Some(self.film),
            scale: self.scale,
            shift: self.shift,
            statistics: self.statistics,
            channels: self.shape.channels,
            activate: false,
        }
    }
}
