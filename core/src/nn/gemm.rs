//! Matrix products on strided views of slices: the one door to the `gemm` crate, and the only `unsafe` of this module.

/// A matrix seen in a slice: entry `(i, j)` lies at `i * row_stride + j * col_stride`. Rows may overlap.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
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

    fn end(&self) -> usize {
        (self.rows - 1) * self.row_stride + (self.cols - 1) * self.col_stride + 1
    }
}

/// `out = a b`, or `out += a b` if `accumulate`; `out` has `a.rows` rows of `b.cols`, `out_stride` apart.
///
/// Runs on the threads of the current rayon pool. The sum over the inner dimension has one fixed order, whatever the
/// number of rows or threads: a clip's bytes do not depend on its batch.
///
/// # Panics
/// If shapes disagree or a view leaves its slice.
pub(super) fn matmul(out: &mut [f32], out_stride: usize, a: View, b: View, accumulate: bool) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    if m == 0 || n == 0 {
        return;
    }
    assert!(k == b.rows && k > 0, "inner dimensions {k} and {} differ", b.rows);
    assert!(a.end() <= a.data.len() && b.end() <= b.data.len(), "a view leaves its slice");
    assert!(n <= out_stride && (m - 1) * out_stride + n <= out.len(), "the product leaves its slice");
    // SAFETY: the asserts above bound every index of the three views; rows of `out` do not overlap since
    // `n <= out_stride`; `out` is borrowed mutably, so nothing else reads or writes it.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            out_stride as isize,
            accumulate,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::Rayon(0),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlapping_view_is_a_sliding_window() {
        let signal = [1.0, 2.0, 3.0, 4.0, 5.0];
        let windows = View { data: &signal, rows: 3, cols: 3, row_stride: 1, col_stride: 1 };
        let mut out = [0.0; 3];
        matmul(&mut out, 1, windows, View::dense(&[1.0, 10.0, 100.0], 3, 1), false);
        assert_eq!(out, [321.0, 432.0, 543.0]);
    }

    #[test]
    fn a_row_of_a_product_does_not_depend_on_the_other_rows_or_threads() {
        let a: Vec<f32> = (0..70 * 300).map(|i| ((i * 7919 % 1000) as f32 - 500.0) / 500.0).collect();
        let b: Vec<f32> = (0..300 * 40).map(|i| ((i * 104_729 % 1000) as f32 - 500.0) / 500.0).collect();
        let product = |rows: usize, threads: usize| {
            let mut out = vec![0.0; rows * 40];
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool");
            pool.install(|| {
                matmul(&mut out, 40, View::dense(&a[..rows * 300], rows, 300), View::dense(&b, 300, 40), false);
            });
            out
        };
        let all = product(70, 1);
        assert_eq!(all, product(70, 2));
        assert_eq!(all[..33 * 40], product(33, 1));
        assert_eq!(all[..2 * 40], product(2, 1));
    }
}
