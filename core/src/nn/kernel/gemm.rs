//! Matrix products: `out = start + a b` with the right matrix packed, the start and an activation fused in.
//!
//! A tile of the product, a few rows by two registers, stays in registers while the inner dimension goes by: for every
//! inner index one row of the packed panel is loaded, and each entry of the left column is multiplied into it. The left
//! matrix is read where it lies, so that it may be an overlapping view (a convolution) or a transposed one (a gradient).
//!
//! Each entry is one chain of multiply-adds in the order of the inner index, whatever the tile, the thread or the width
//! of the registers: rows do not depend on their neighbours.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use half::f16;

use super::activation::silu;
use super::isa::{Isa, dispatch};
use super::vector::Vector;

/// Inner indices that pass before the next panel: a panel of two registers stays in the first-level cache.
const BLOCK: usize = 256;
/// Most rows of a tile.
const MAX_ROWS: usize = 12;

/// One axis of a matrix seen in a slice: `outer` runs of `count` entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::nn) struct Axis {
    /// Entries of a run.
    pub count: usize,
    /// From one entry to the next.
    pub stride: usize,
    /// Runs: clips of a batch.
    pub outer: usize,
    /// From one run to the next.
    pub outer_stride: usize,
}

impl Axis {
    /// A single run.
    pub fn plain(count: usize, stride: usize) -> Self {
        Self { count, stride, outer: 1, outer_stride: 0 }
    }

    /// Entries of all runs.
    pub fn len(self) -> usize {
        self.outer * self.count
    }

    /// Where the last entry lies.
    fn last(self) -> usize {
        (self.outer - 1) * self.outer_stride + (self.count - 1) * self.stride
    }

    /// Runs that follow each other without a gap are one.
    pub fn joined(self) -> Self {
        let seamless = self.outer == 1 || self.outer_stride == self.count * self.stride;
        if seamless { Self::plain(self.len(), self.stride) } else { self }
    }
}

/// A matrix seen in a slice: entry `(i, j)` lies where its axes say, added up. Rows may overlap.
#[derive(Clone, Copy)]
pub(in crate::nn) struct View<'a> {
    pub data: &'a [f32],
    pub rows: Axis,
    pub cols: Axis,
}

impl<'a> View<'a> {
    /// Dense and row-major.
    pub fn dense(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self { data, rows: Axis::plain(rows, cols), cols: Axis::plain(cols, 1) }
    }

    /// Rows become columns.
    pub fn transposed(self) -> Self {
        Self { rows: self.cols, cols: self.rows, ..self }
    }

    fn is_empty(&self) -> bool {
        self.rows.len() == 0 || self.cols.len() == 0
    }

    /// One past the last entry.
    fn end(&self) -> usize {
        if self.is_empty() { 0 } else { self.rows.last() + self.cols.last() + 1 }
    }
}

/// A right matrix laid out for the kernels of one instruction set: panels of two registers' width, row after row, the
/// last one filled up with zeros (to one register where that is enough).
#[derive(Clone, Debug)]
pub(in crate::nn) struct Panels {
    data: Vec<f32>,
    /// Instead of `data`, after [`Panels::halve`].
    halves: Vec<f16>,
    rows: usize,
    cols: usize,
    isa: Isa,
}

impl Panels {
    /// Pack `matrix`.
    pub fn pack(isa: Isa, matrix: View) -> Self {
        let mut panels = Self::empty(isa);
        panels.repack(matrix);
        panels
    }

    /// Nothing yet: for [`Panels::repack`].
    pub fn empty(isa: Isa) -> Self {
        Self { data: Vec::new(), halves: Vec::new(), rows: 0, cols: 0, isa }
    }

    /// Keep the values in half the memory, if half precision holds every one of them exactly, as it does those of a model
    /// file. Products are the same; where a matrix is too large for the caches and its rows are few, they are faster.
    pub fn halve(&mut self) {
        let halves: Vec<f16> = self.data.iter().map(|&value| f16::from_f32(value)).collect();
        if halves.iter().zip(&self.data).all(|(half, value)| half.to_f32().to_bits() == value.to_bits()) {
            (self.halves, self.data) = (halves, Vec::new());
        }
    }

    /// Panels.
    pub fn count(&self) -> usize {
        self.cols.div_ceil(2 * self.isa.lanes())
    }

    /// Pack another matrix, of plain axes, into the same memory.
    pub fn repack(&mut self, matrix: View) {
        assert!(matrix.end() <= matrix.data.len(), "a view leaves its slice");
        assert!(matrix.rows.outer == 1 && matrix.cols.outer == 1, "a right matrix has plain axes");
        let (lanes, across, down) = (self.isa.lanes(), matrix.cols.stride, matrix.rows.stride);
        (self.rows, self.cols) = (matrix.rows.count, matrix.cols.count);
        self.halves.clear();
        self.data.resize(self.rows * self.cols.next_multiple_of(lanes), 0.0);
        for (first, width) in panel_widths(self.cols, lanes) {
            let panel = &mut self.data[first * self.rows..][..self.rows * width];
            let cols = width.min(self.cols - first);
            if cols < width {
                panel.fill(0.0);
            }
            if across == 1 {
                for (k, row) in panel.chunks_exact_mut(width).enumerate() {
                    row[..cols].copy_from_slice(&matrix.data[k * down + first..][..cols]);
                }
            } else {
                // Column by column: a transposed matrix is then read in the order of its memory.
                for j in 0..cols {
                    let column = matrix.data[(first + j) * across..].iter().step_by(down);
                    panel[j..].iter_mut().step_by(width).zip(column).for_each(|(to, &from)| *to = from);
                }
            }
        }
    }
}

/// First column and width of every panel over `cols` columns.
fn panel_widths(cols: usize, lanes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..cols).step_by(2 * lanes).map(move |first| (first, if cols - first > lanes { 2 * lanes } else { lanes }))
}

/// What a product is added to, and what becomes of it.
#[derive(Clone, Copy, Default)]
pub(in crate::nn) struct Epilogue<'a> {
    /// Added to every row.
    pub bias: Option<&'a [f32]>,
    /// Add what the output holds.
    pub accumulate: bool,
    /// Add this, which lies in its slice as the output in its own.
    pub base: Option<&'a [f32]>,
    /// Then SiLU.
    pub silu: bool,
}

/// The output of a product: rows in memory that is the caller's alone, as far as the product's part goes.
pub(in crate::nn) struct Output<'a> {
    data: *mut f32,
    len: usize,
    rows: Axis,
    borrow: PhantomData<&'a mut [f32]>,
}

impl<'a> Output<'a> {
    /// Rows of `cols`, one after the other.
    pub fn dense(data: &'a mut [f32], cols: usize) -> Self {
        let rows = Axis::plain(data.len() / cols, cols);
        Self::strided(data, rows)
    }

    /// Rows where `rows` says.
    pub fn strided(data: &'a mut [f32], rows: Axis) -> Self {
        Self { data: data.as_mut_ptr(), len: data.len(), rows, borrow: PhantomData }
    }

    /// Memory that others compute other parts of at the same time.
    ///
    /// # Safety
    /// `data` is valid for `len` values during `'a`; nobody else touches the part that is computed.
    pub unsafe fn shared(data: *mut f32, len: usize, rows: Axis) -> Self {
        Self { data, len, rows, borrow: PhantomData }
    }

    fn again(&mut self) -> Output<'_> {
        Output { data: self.data, len: self.len, rows: self.rows, borrow: PhantomData }
    }
}

/// The part of a product that one call computes.
#[derive(Clone, Copy)]
pub(in crate::nn) struct Part {
    /// First row and end, counted over all runs.
    pub rows: [usize; 2],
    /// First panel and end: see [`Panels::count`].
    pub panels: [usize; 2],
}

/// `out = a b`, started and finished by `epilogue`.
///
/// # Panics
/// If shapes disagree or a view leaves its slice.
pub(in crate::nn) fn product(out: Output, a: View, b: &Panels, epilogue: Epilogue) {
    let whole = Part { rows: [0, a.rows.len()], panels: [0, b.count()] };
    product_part(out, a, b, epilogue, whole);
}

/// As [`product`], of some rows and panels only; the rest of `out` stays as it is.
///
/// # Panics
/// As [`product`].
pub(in crate::nn) fn product_part(out: Output, a: View, b: &Panels, epilogue: Epilogue, part: Part) {
    if a.rows.len() == 0 || b.cols == 0 {
        return;
    }
    let (k, n) = (a.cols.len(), b.cols);
    assert!(k == b.rows && k > 0, "inner dimensions {k} and {} differ", b.rows);
    assert!(a.end() <= a.data.len(), "a view leaves its slice");
    assert_eq!((a.rows.count, a.rows.outer), (out.rows.count, out.rows.outer), "rows differ");
    assert!(n <= out.rows.stride && out.rows.last() + n <= out.len, "the product leaves its slice");
    assert!(out.rows.outer == 1 || out.rows.outer_stride >= out.rows.count * out.rows.stride, "runs do not overlap");
    assert!(epilogue.bias.is_none_or(|bias| bias.len() == n), "one bias a column");
    assert!(epilogue.base.is_none_or(|base| !epilogue.accumulate && base.len() == out.len), "one base, like out");
    assert!(part.rows[1] <= a.rows.len() && part.panels[1] <= b.count(), "a part of the product");
    run(b.isa, out, a, b, epilogue, part);
}

/// `out = a b` (`out += a b` if `accumulate`) with a right matrix that is packed on the way, `scratch` its memory.
///
/// # Panics
/// As [`product`].
pub(in crate::nn) fn product_unpacked(mut out: Output, a: View, b: View, accumulate: bool, scratch: &mut Panels) {
    let (a, b) = (View { cols: a.cols.joined(), ..a }, View { rows: b.rows.joined(), ..b });
    assert_eq!(a.cols.len(), b.rows.len(), "inner dimensions differ");
    assert_eq!(b.rows.outer, 1, "the inner dimension of a right matrix is one run");
    // Whole runs of the inner dimension, or parts of its only one, about BLOCK at once.
    let step = if a.cols.outer > 1 { (BLOCK / a.cols.count).max(1) * a.cols.count } else { BLOCK };
    for first in (0..b.rows.count).step_by(step) {
        let count = step.min(b.rows.count - first);
        scratch.repack(View { data: &b.data[first * b.rows.stride..], rows: Axis { count, ..b.rows }, ..b });
        let (start, cols) = match a.cols.outer {
            1 => (first * a.cols.stride, Axis { count, ..a.cols }),
            _ => {
                let (run, outer) = (first / a.cols.count, count / a.cols.count);
                (run * a.cols.outer_stride, Axis { outer, ..a.cols })
            }
        };
        let left = View { data: &a.data[start..], cols, ..a };
        let onto = Epilogue { accumulate: accumulate || first > 0, ..Epilogue::default() };
        product(out.again(), left, scratch, onto);
    }
}

dispatch! {
    fn run(out: Output, a: View, b: &Panels, epilogue: Epilogue, part: Part) = run_kernel
}

/// # Safety
/// `V`'s instructions; the bounds that [`product_part`] asserts.
#[inline(always)]
unsafe fn run_kernel<V: Vector>(out: Output, a: View, b: &Panels, epilogue: Epilogue, part: Part) {
    // A left matrix with several runs of inner indices has few of them: one block.
    let block = if a.cols.outer > 1 { b.rows } else { BLOCK };
    let is_half = !b.halves.is_empty();
    assert!(!is_half || block <= BLOCK, "a gradient's right matrix is not stored in halves");
    let mut decoded = Decoded(MaybeUninit::uninit());
    for k in (0..b.rows).step_by(block) {
        let inner = block.min(b.rows - k);
        let (runs, inner) = if a.cols.outer > 1 { (a.cols.outer, a.cols.count) } else { (1, inner) };
        let step = Epilogue {
            bias: epilogue.bias.filter(|_| k == 0),
            accumulate: epilogue.accumulate || k > 0,
            base: epilogue.base.filter(|_| k == 0),
            silu: epilogue.silu && k + runs * inner == b.rows,
        };
        for panel_idx in part.panels[0]..part.panels[1] {
            let first = panel_idx * 2 * V::LANES;
            let width = if b.cols - first > V::LANES { 2 * V::LANES } else { V::LANES };
            let cols = width.min(b.cols - first);
            let start = first * b.rows + k * width;
            // SAFETY: the panel's rows k.. lie inside the stored values, and `inner` rows inside `decoded`.
            let panel = unsafe {
                match is_half {
                    true => decoded.fill::<V>(b.halves.as_ptr().add(start), inner * width),
                    false => b.data.as_ptr().add(start),
                }
            };
            let mut row = part.rows[0];
            while row < part.rows[1] {
                let (run, within) = (row / a.rows.count, row % a.rows.count);
                let rows = tile_rows::<V>((a.rows.count - within).min(part.rows[1] - row));
                // SAFETY: `product_part` asserted that rows and columns lie inside their slices.
                unsafe {
                    let from = run * a.rows.outer_stride + within * a.rows.stride + k * a.cols.stride;
                    let to = run * out.rows.outer_stride + within * out.rows.stride + first;
                    let base = match step.base {
                        Some(base) => base.as_ptr().add(to),
                        None if step.accumulate => out.data.add(to).cast_const(),
                        None => std::ptr::null(),
                    };
                    let tile = Tile {
                        left: a.data.as_ptr().add(from),
                        down: a.rows.stride,
                        across: a.cols.stride,
                        jump: a.cols.outer_stride.wrapping_sub(a.cols.count * a.cols.stride),
                        runs,
                        inner,
                        panel,
                        base,
                        to: out.data.add(to),
                        out_stride: out.rows.stride,
                        bias: step.bias.map_or(std::ptr::null(), |bias| bias.as_ptr().add(first)),
                    };
                    if cols < width {
                        part_tile::<V>(tile, rows, width, cols, step);
                    } else {
                        whole_tile::<V>(tile, rows, width, step);
                    }
                }
                row += rows;
            }
        }
    }
}

/// One block of a panel in single precision: it stays in the first-level cache while all rows go by.
#[repr(align(64))]
struct Decoded(MaybeUninit<[f32; BLOCK * 32]>);

impl Decoded {
    /// # Safety
    /// `V`'s instructions; `len` values, whole registers and no more than fit, are valid at `from`.
    #[inline(always)]
    unsafe fn fill<V: Vector>(&mut self, from: *const f16, len: usize) -> *const f32 {
        let to = self.0.as_mut_ptr().cast::<f32>();
        for i in (0..len).step_by(V::LANES) {
            // SAFETY: as the caller's.
            unsafe { V::load_half(from.add(i)).store(to.add(i)) };
        }
        to
    }
}

/// Rows of the next tile: the most that registers hold, evened out over what is left.
#[inline(always)]
fn tile_rows<V: Vector>(left: usize) -> usize {
    let most = if V::LANES > 8 { MAX_ROWS } else { 6 };
    left.div_ceil(left.div_ceil(most))
}

/// Where one tile's operands lie.
#[derive(Clone, Copy)]
struct Tile {
    left: *const f32,
    /// From one row of the left matrix to the next.
    down: usize,
    /// From one inner index to the next, and what is added to that between runs (wrapping).
    across: usize,
    jump: usize,
    runs: usize,
    inner: usize,
    panel: *const f32,
    to: *mut f32,
    /// Of `to` and `base`.
    out_stride: usize,
    /// What the tile is added to; null for nothing.
    base: *const f32,
    /// Null for none.
    bias: *const f32,
}

/// A tile whose panel is wider than the columns left: by way of a buffer.
///
/// # Safety
/// As [`run_kernel`].
#[inline(always)]
unsafe fn part_tile<V: Vector>(tile: Tile, rows: usize, width: usize, cols: usize, epilogue: Epilogue) {
    let mut buffer = [0.0f32; MAX_ROWS * 32];
    let mut bias = [0.0f32; 32];
    // SAFETY: `cols` entries of every row and of the bias are inside their slices; the buffers hold a whole tile.
    unsafe {
        if !tile.bias.is_null() {
            std::ptr::copy_nonoverlapping(tile.bias, bias.as_mut_ptr(), cols);
        }
        let mut base = tile.base;
        if !base.is_null() {
            for i in 0..rows {
                let (from, to) = (base.add(i * tile.out_stride), buffer.as_mut_ptr().add(i * width));
                std::ptr::copy_nonoverlapping(from, to, cols);
            }
            base = buffer.as_ptr();
        }
        let bias = if tile.bias.is_null() { tile.bias } else { bias.as_ptr() };
        let inside = Tile { to: buffer.as_mut_ptr(), out_stride: width, base, bias, ..tile };
        whole_tile::<V>(inside, rows, width, epilogue);
        for i in 0..rows {
            let (from, to) = (buffer.as_ptr().add(i * width), tile.to.add(i * tile.out_stride));
            std::ptr::copy_nonoverlapping(from, to, cols);
        }
    }
}

/// # Safety
/// As [`run_kernel`]; `width` columns are inside the output.
#[inline(always)]
unsafe fn whole_tile<V: Vector>(tile: Tile, rows: usize, width: usize, epilogue: Epilogue) {
    macro_rules! by_rows {
        ($registers:literal: $($rows:literal)*) => {
            match rows {
                // SAFETY: as the caller's.
                $($rows => unsafe { tile_kernel::<V, $rows, $registers>(tile, epilogue) },)*
                _ => unreachable!("tile_rows gives 1 to {MAX_ROWS}"),
            }
        };
    }
    if V::LANES > 8 {
        if width > V::LANES { by_rows!(2: 1 2 3 4 5 6 7 8 9 10 11 12) } else { by_rows!(1: 1 2 3 4 5 6 7 8 9 10 11 12) }
    } else if width > V::LANES {
        by_rows!(2: 1 2 3 4 5 6)
    } else {
        by_rows!(1: 1 2 3 4 5 6)
    }
}

/// `ROWS` rows by `REGISTERS` registers of the product.
///
/// # Safety
/// As [`run_kernel`].
#[inline(always)]
unsafe fn tile_kernel<V: Vector, const ROWS: usize, const REGISTERS: usize>(tile: Tile, epilogue: Epilogue) {
    // SAFETY: the tile's rows and columns are inside the slices that its pointers come from.
    unsafe {
        let mut sums = [[V::splat(0.0); REGISTERS]; ROWS];
        if !tile.bias.is_null() {
            for r in 0..REGISTERS {
                let bias = V::load(tile.bias.add(r * V::LANES));
                sums.iter_mut().for_each(|row| row[r] = bias);
            }
        }
        if !tile.base.is_null() {
            for (i, row) in sums.iter_mut().enumerate() {
                for (r, sum) in row.iter_mut().enumerate() {
                    *sum = sum.add(V::load(tile.base.add(i * tile.out_stride + r * V::LANES)));
                }
            }
        }
        let (mut left, mut panel) = (tile.left, tile.panel);
        for _ in 0..tile.runs {
            for _ in 0..tile.inner {
                let right: [V; REGISTERS] = std::array::from_fn(|r| V::load(panel.add(r * V::LANES)));
                for (i, row) in sums.iter_mut().enumerate() {
                    let factor = V::splat(*left.add(i * tile.down));
                    for (sum, right) in row.iter_mut().zip(right) {
                        *sum = factor.mul_add(right, *sum);
                    }
                }
                left = left.wrapping_add(tile.across);
                panel = panel.wrapping_add(REGISTERS * V::LANES);
            }
            left = left.wrapping_add(tile.jump);
        }
        for (i, row) in sums.into_iter().enumerate() {
            for (r, sum) in row.into_iter().enumerate() {
                let value = if epilogue.silu { silu(sum) } else { sum };
                value.store(tile.to.add(i * tile.out_stride + r * V::LANES));
            }
        }
    }
}
