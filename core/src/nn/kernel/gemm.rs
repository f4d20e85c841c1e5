//! Matrix products: `out = start + a b` with the right matrix packed, the start and an activation fused in.
//!
//! A tile of the product, a few rows by two registers, stays in registers while the inner dimension goes by: for every
//! inner index one row of the packed panel is loaded, and each entry of the left column is multiplied into it. The left
//! matrix is read where it lies, so that it may be an overlapping view (a convolution) or a transposed one (a gradient).
//!
//! Each entry is one chain of multiply-adds in the order of the inner index, whatever the tile, the thread or the width
//! of the registers: rows do not depend on their neighbours.

use super::activation::silu;
use super::isa::{Isa, dispatch};
use super::vector::Vector;

/// Inner indices that pass before the next panel: a panel of two registers stays in the first-level cache.
const BLOCK: usize = 256;
/// Most rows of a tile.
const MAX_ROWS: usize = 12;

/// A matrix seen in a slice: entry `(i, j)` lies at `i * row_stride + j * col_stride`. Rows may overlap.
#[derive(Clone, Copy)]
pub(in crate::nn) struct View<'a> {
    pub data: &'a [f32],
    pub rows: usize,
    pub cols: usize,
    pub row_stride: usize,
    pub col_stride: usize,
}

impl<'a> View<'a> {
    /// Dense and row-major.
    pub fn dense(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self { data, rows, cols, row_stride: cols, col_stride: 1 }
    }

    /// Rows become columns.
    pub fn transposed(self) -> Self {
        Self { rows: self.cols, cols: self.rows, row_stride: self.col_stride, col_stride: self.row_stride, ..self }
    }

    /// `count` rows from `first` on.
    pub fn narrow_rows(self, first: usize, count: usize) -> Self {
        assert!(first + count <= self.rows, "rows {first}..{} of {}", first + count, self.rows);
        Self { data: &self.data[first * self.row_stride..], rows: count, ..self }
    }

    fn end(&self) -> usize {
        (self.rows - 1) * self.row_stride + (self.cols - 1) * self.col_stride + 1
    }
}

/// A right matrix laid out for the kernels of one instruction set: panels of two registers' width, row after row, the
/// last one filled up with zeros (to one register where that is enough).
#[derive(Clone, Debug)]
pub(in crate::nn) struct Panels {
    data: Vec<f32>,
    rows: usize,
    cols: usize,
    isa: Isa,
}

impl Panels {
    /// Pack `matrix`.
    pub fn pack(isa: Isa, matrix: View) -> Self {
        let mut panels = Self { data: Vec::new(), rows: 0, cols: 0, isa };
        panels.repack(matrix);
        panels
    }

    /// Nothing yet: for [`Panels::repack`].
    pub fn empty(isa: Isa) -> Self {
        Self { data: Vec::new(), rows: 0, cols: 0, isa }
    }

    /// Rows: the inner dimension.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of the product.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Pack another matrix into the same memory.
    pub fn repack(&mut self, matrix: View) {
        assert!(matrix.rows == 0 || matrix.cols == 0 || matrix.end() <= matrix.data.len(), "a view leaves its slice");
        let lanes = self.isa.lanes();
        (self.rows, self.cols) = (matrix.rows, matrix.cols);
        self.data.resize(self.rows * self.cols.next_multiple_of(lanes), 0.0);
        for (first, width) in panel_widths(self.cols, lanes) {
            let panel = &mut self.data[first * self.rows..][..self.rows * width];
            let cols = width.min(self.cols - first);
            for (k, row) in panel.chunks_exact_mut(width).enumerate() {
                let from = k * matrix.row_stride + first * matrix.col_stride;
                if matrix.col_stride == 1 {
                    row[..cols].copy_from_slice(&matrix.data[from..from + cols]);
                } else {
                    let entries = row[..cols].iter_mut().enumerate();
                    entries.for_each(|(j, entry)| *entry = matrix.data[from + j * matrix.col_stride]);
                }
                row[cols..].fill(0.0);
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
    /// Then SiLU.
    pub silu: bool,
}

/// `out = a b`, started and finished by `epilogue`; `out` has `a.rows` rows of `b.cols()`, `out_stride` apart.
///
/// # Panics
/// If shapes disagree or a view leaves its slice.
pub(in crate::nn) fn product(out: &mut [f32], out_stride: usize, a: View, b: &Panels, epilogue: Epilogue) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    if m == 0 || n == 0 {
        return;
    }
    assert!(k == b.rows && k > 0, "inner dimensions {k} and {} differ", b.rows);
    assert!(a.end() <= a.data.len(), "a view leaves its slice");
    assert!(n <= out_stride && (m - 1) * out_stride + n <= out.len(), "the product leaves its slice");
    assert!(epilogue.bias.is_none_or(|bias| bias.len() == n), "one bias a column");
    run(b.isa, out, out_stride, a, b, epilogue);
}

/// As [`product`], with a right matrix that is packed on the way, `scratch` its memory.
pub(in crate::nn) fn product_unpacked(
    out: &mut [f32],
    out_stride: usize,
    a: View,
    b: View,
    accumulate: bool,
    scratch: &mut Panels,
) {
    assert_eq!(a.cols, b.rows, "inner dimensions differ");
    for first in (0..b.rows).step_by(BLOCK) {
        let count = BLOCK.min(b.rows - first);
        scratch.repack(b.narrow_rows(first, count));
        let a = View { data: &a.data[first * a.col_stride..], cols: count, ..a };
        product(out, out_stride, a, scratch, Epilogue { accumulate: accumulate || first > 0, ..Epilogue::default() });
    }
}

dispatch! {
    fn run(out: &mut [f32], out_stride: usize, a: View, b: &Panels, epilogue: Epilogue) = run_kernel
}

/// # Safety
/// `V`'s instructions; the bounds that [`product`] asserts.
#[inline(always)]
unsafe fn run_kernel<V: Vector>(out: &mut [f32], out_stride: usize, a: View, b: &Panels, epilogue: Epilogue) {
    for k in (0..b.rows).step_by(BLOCK) {
        let inner = BLOCK.min(b.rows - k);
        let step = Epilogue {
            bias: epilogue.bias.filter(|_| k == 0),
            accumulate: epilogue.accumulate || k > 0,
            silu: epilogue.silu && k + inner == b.rows,
        };
        for (first, width) in panel_widths(b.cols, V::LANES) {
            let cols = width.min(b.cols - first);
            // SAFETY: the panel's rows k.. lie inside `b.data`.
            let panel = unsafe { b.data.as_ptr().add(first * b.rows + k * width) };
            let mut row = 0;
            while row < a.rows {
                let rows = tile_rows::<V>(a.rows - row);
                // SAFETY: `product` asserted that rows and columns lie inside their slices.
                unsafe {
                    let left = a.data.as_ptr().add(row * a.row_stride + k * a.col_stride);
                    let to = out.as_mut_ptr().add(row * out_stride + first);
                    let bias = step.bias.map_or(std::ptr::null(), |bias| bias.as_ptr().add(first));
                    let tile = Tile { left, strides: [a.row_stride, a.col_stride], panel, inner, to, out_stride, bias };
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
    strides: [usize; 2],
    panel: *const f32,
    inner: usize,
    to: *mut f32,
    out_stride: usize,
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
        for i in 0..rows {
            let (from, to) = (tile.to.add(i * tile.out_stride), buffer.as_mut_ptr().add(i * width));
            std::ptr::copy_nonoverlapping(from, to, cols);
        }
        let bias = if tile.bias.is_null() { tile.bias } else { bias.as_ptr() };
        let inside = Tile { to: buffer.as_mut_ptr(), out_stride: width, bias, ..tile };
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
        if epilogue.accumulate {
            for (i, row) in sums.iter_mut().enumerate() {
                for (r, sum) in row.iter_mut().enumerate() {
                    *sum = sum.add(V::load(tile.to.add(i * tile.out_stride + r * V::LANES)));
                }
            }
        }
        let (mut left, mut panel) = (tile.left, tile.panel);
        for _ in 0..tile.inner {
            let right: [V; REGISTERS] = std::array::from_fn(|r| V::load(panel.add(r * V::LANES)));
            for (i, row) in sums.iter_mut().enumerate() {
                let factor = V::splat(*left.add(i * tile.strides[0]));
                for (sum, right) in row.iter_mut().zip(right) {
                    *sum = factor.mul_add(right, *sum);
                }
            }
            left = left.add(tile.strides[1]);
            panel = panel.add(REGISTERS * V::LANES);
        }
        for (i, row) in sums.into_iter().enumerate() {
            for (r, sum) in row.into_iter().enumerate() {
                let value = if epilogue.silu { silu(sum) } else { sum };
                value.store(tile.to.add(i * tile.out_stride + r * V::LANES));
            }
        }
    }
}
