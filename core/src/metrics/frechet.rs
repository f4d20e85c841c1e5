//! Fréchet distance between two sets of features.

use crate::metrics::symmetric::Symmetric;

/// Fréchet distance of the normal distributions fitted to two sets of features: lower is better, 0 for equal means and
/// covariances. In squared units of the features.
///
/// `|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))` (Dowson and Landau 1982). Biased upwards for small sets: compare only
/// sets of equal size. Costs about `30 d^3` operations for features of `d` values: fine up to some hundred.
///
/// `None` if a set has fewer than two items.
///
/// # Panics
/// If features differ in length or hold no value.
pub fn frechet_distance(a: &[Vec<f32>], b: &[Vec<f32>]) -> Option<f64> {
    if a.len() < 2 || b.len() < 2 {
        return None;
    }
    let ((mean_a, cov_a), (mean_b, cov_b)) = (fit(a), fit(b));
    assert_eq!(mean_a.len(), mean_b.len(), "both sets need features of one length");
    let between: f64 = mean_a.iter().zip(&mean_b).map(|(a, b)| (a - b).powi(2)).sum();
    // C1 C2 has the eigenvalues of the symmetric C1^(1/2) C2 C1^(1/2).
    let (eigenvalues, _) = cov_a.sqrt().sandwich(&cov_b).eigen();
    let cross: f64 = eigenvalues.iter().map(|x| x.max(0.0).sqrt()).sum();
    Some((between + cov_a.trace() + cov_b.trace() - 2.0 * cross).max(0.0))
}

/// Mean and unbiased covariance.
fn fit(features: &[Vec<f32>]) -> (Vec<f64>, Symmetric) {
    let (items, n) = (features.len() as f64, features[0].len());
    assert!(n > 0 && features.iter().all(|item| item.len() == n), "features are empty or differ in length");
    let mean: Vec<f64> = (0..n).map(|i| features.iter().map(|x| f64::from(x[i])).sum::<f64>() / items).collect();
    let mut values = vec![0.0; n * n];
    for item in features {
        let centred: Vec<f64> = item.iter().zip(&mean).map(|(&x, m)| f64::from(x) - m).collect();
        for (row, x) in values.chunks_exact_mut(n).zip(&centred) {
            row.iter_mut().zip(&centred).for_each(|(value, y)| *value += x * y / (items - 1.0));
        }
    }
    (mean, Symmetric { n, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    /// Four points with this mean and the covariance `diag(sx^2, sy^2) * 4 / 3`.
    fn cross(mean: [f32; 2], sx: f32, sy: f32) -> Vec<Vec<f32>> {
        [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]
            .map(|[x, y]: [f32; 2]| vec![mean[0] + sx * x, mean[1] + sy * y])
            .to_vec()
    }

    #[test]
    fn two_known_gaussians_have_their_closed_form_distance() {
        // Diagonal covariances: |m1 - m2|^2 + sum (s1 - s2)^2, here with s^2 = 4/3 of the points' squares.
        let distance = frechet_distance(&cross([0.0, 0.0], 1.0, 2.0), &cross([3.0, 4.0], 2.0, 5.0)).unwrap();
        let expected = 25.0 + 4.0 / 3.0 * (1.0 + 9.0);
        assert!((distance - expected).abs() < 1e-9, "{distance} is not {expected}");
    }

    #[test]
    fn covariances_that_do_not_commute_have_their_closed_form() {
        // The trace of the root of a 2x2 matrix is sqrt(tr + 2 sqrt(det)); the product has tr 8 and det 9.
        let a = Symmetric { n: 2, values: vec![2.0, 1.0, 1.0, 2.0] };
        let b = Symmetric { n: 2, values: vec![3.0, 0.0, 0.0, 1.0] };
        let trace: f64 = a.sqrt().sandwich(&b).eigen().0.iter().map(|x| x.sqrt()).sum();
        assert!((trace - 14f64.sqrt()).abs() < 1e-12, "{trace}");
    }

    #[test]
    fn a_set_is_at_no_distance_from_itself_and_order_does_not_matter() {
        let mut noise = NoiseStream::new(Seed(1), "frechet", 0);
        let mut set: Vec<Vec<f32>> = (0..40).map(|_| (0..8).map(|_| noise.normal()).collect()).collect();
        let same = set.clone();
        set.reverse();
        // Traces near 8 cancel to rounding, and roots of eigenvalues carry half the digits.
        assert!(frechet_distance(&set, &same).unwrap() < 1e-6);
    }

    #[test]
    fn sets_smaller_than_their_dimension_still_have_a_distance() {
        let (a, b) = (vec![vec![0.0; 5], vec![2.0; 5]], vec![vec![1.0; 5], vec![3.0; 5]]);
        // Equal (singular) covariances, means 1 apart in five dimensions.
        assert!((frechet_distance(&a, &b).unwrap() - 5.0).abs() < 1e-6);
    }

    #[test]
    fn one_item_has_no_covariance() {
        assert_eq!(frechet_distance(&cross([0.0; 2], 1.0, 1.0), &[vec![0.0, 0.0]]), None);
    }
}
