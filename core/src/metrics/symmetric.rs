//! Small symmetric matrices: eigenvalues by Jacobi's method.

/// A symmetric `n x n` matrix, row by row; `n` is at least 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Symmetric {
    pub n: usize,
    pub values: Vec<f64>,
}

/// More sweeps than any matrix needs: convergence is quadratic, 6 to 10 are usual.
const MAX_SWEEPS: usize = 60;

impl Symmetric {
    /// `self[row, column]`.
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.n + column]
    }

    /// Sum of the diagonal.
    pub fn trace(&self) -> f64 {
        (0..self.n).map(|i| self.at(i, i)).sum()
    }

    /// The eigenvalues with their eigenvectors, the latter as the rows of a matrix. About `10 n^3` operations.
    pub fn eigen(&self) -> (Vec<f64>, Vec<f64>) {
        let n = self.n;
        let mut matrix = self.clone();
        let mut vectors: Vec<f64> = (0..n * n).map(|i| if i % (n + 1) == 0 { 1.0 } else { 0.0 }).collect();
        let total: f64 = self.values.iter().map(|x| x * x).sum();
        for _ in 0..MAX_SWEEPS {
            if matrix.off_diagonal() <= 1e-30 * total {
                break;
            }
            for p in 0..n {
                for q in p + 1..n {
                    let (cos, sin) = matrix.rotation(p, q);
                    matrix.rotate_columns(p, q, cos, sin);
                    rotate_rows(&mut matrix.values, n, p, q, cos, sin);
                    rotate_rows(&mut vectors, n, p, q, cos, sin);
                }
            }
        }
        ((0..n).map(|i| matrix.at(i, i)).collect(), vectors)
    }

    /// The positive square root of a positive semidefinite matrix; negative eigenvalues count as rounding errors.
    pub fn sqrt(&self) -> Self {
        let n = self.n;
        let (eigenvalues, vectors) = self.eigen();
        let mut values = vec![0.0; n * n];
        for (eigenvalue, vector) in eigenvalues.iter().zip(vectors.chunks_exact(n)) {
            let root = eigenvalue.max(0.0).sqrt();
            for (row, x) in values.chunks_exact_mut(n).zip(vector) {
                row.iter_mut().zip(vector).for_each(|(value, y)| *value += root * x * y);
            }
        }
        Self { n, values }
    }

    /// `self * other * self`, symmetric again.
    pub fn sandwich(&self, other: &Self) -> Self {
        let n = self.n;
        let values = product(&product(&self.values, &other.values, n), &self.values, n);
        Self { n, values }
    }

    /// Sum of squares off the diagonal.
    fn off_diagonal(&self) -> f64 {
        let off = |i: &usize| !i.is_multiple_of(self.n + 1);
        (0..self.values.len()).filter(off).map(|i| self.values[i].powi(2)).sum()
    }

    /// Cosine and sine of the rotation that zeroes `self[p, q]` (Golub and Van Loan, algorithm 8.5.1).
    fn rotation(&self, p: usize, q: usize) -> (f64, f64) {
        let off = self.at(p, q);
        if off == 0.0 {
            return (1.0, 0.0);
        }
        let tau = (self.at(q, q) - self.at(p, p)) / (2.0 * off);
        let tan = tau.signum() / (tau.abs() + tau.hypot(1.0));
        let cos = 1.0 / tan.hypot(1.0);
        (cos, cos * tan)
    }

    fn rotate_columns(&mut self, p: usize, q: usize, cos: f64, sin: f64) {
        for row in self.values.chunks_exact_mut(self.n) {
            (row[p], row[q]) = (cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]);
        }
    }
}

fn rotate_rows(values: &mut [f64], n: usize, p: usize, q: usize, cos: f64, sin: f64) {
    let (above, below) = values.split_at_mut(q * n);
    for (a, b) in above[p * n..(p + 1) * n].iter_mut().zip(&mut below[..n]) {
        (*a, *b) = (cos * *a - sin * *b, sin * *a + cos * *b);
    }
}

/// The matrix product of two `n x n` matrices.
fn product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    let mut out = vec![0.0; n * n];
    for (row, out) in a.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
        for (x, b_row) in row.iter().zip(b.chunks_exact(n)) {
            out.iter_mut().zip(b_row).for_each(|(value, y)| *value += x * y);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted_eigenvalues(matrix: &Symmetric) -> Vec<f64> {
        let mut values = matrix.eigen().0;
        values.sort_by(f64::total_cmp);
        values
    }

    #[test]
    fn eigenvalues_of_a_two_by_two_matrix_are_its_closed_form() {
        let matrix = Symmetric { n: 2, values: vec![2.0, 1.0, 1.0, 2.0] };
        let got = sorted_eigenvalues(&matrix);
        assert!((got[0] - 1.0).abs() < 1e-14 && (got[1] - 3.0).abs() < 1e-14, "{got:?}");
    }

    #[test]
    fn eigenvalues_of_a_chain_are_its_closed_form() {
        // Second differences of n points: 2 - 2 cos(k pi / (n + 1)).
        let n = 12;
        let entry = |i: usize| match (i / n).abs_diff(i % n) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        };
        let got = sorted_eigenvalues(&Symmetric { n, values: (0..n * n).map(entry).collect() });
        for (k, got) in (1..).zip(got) {
            let expected = 2.0 - 2.0 * (k as f64 * std::f64::consts::PI / (n + 1) as f64).cos();
            assert!((got - expected).abs() < 1e-12, "{got} is not {expected}");
        }
    }

    #[test]
    fn the_square_root_squares_to_the_matrix() {
        let n = 5;
        // A Gram matrix of fixed vectors with a null direction: positive semidefinite.
        let vectors: Vec<f64> = (0..n * 3).map(|i| ((i * 7) % 5) as f64 - 1.5).collect();
        let entry = |i: usize| (0..3).map(|k| vectors[i / n * 3 + k] * vectors[i % n * 3 + k]).sum::<f64>();
        let matrix = Symmetric { n, values: (0..n * n).map(entry).collect() };
        let root = matrix.sqrt();
        for (got, expected) in product(&root.values, &root.values, n).iter().zip(&matrix.values) {
            assert!((got - expected).abs() < 1e-11, "{got} is not {expected}");
        }
    }
}
