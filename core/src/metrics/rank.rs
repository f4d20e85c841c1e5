//! Rank correlation: does one number follow another, however bent the scale between them?

/// Spearman's rank correlation of pairs: -1 (falls whenever the other rises) to 1 (rises with it), 0 for strangers.
///
/// Pearson's correlation of the ranks; equal values share the mean of theirs. `None` with fewer than two pairs or
/// where one side is the same throughout. NaN ranks above every number.
///
/// # Panics
/// If the two are not equally long.
pub fn rank_correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "a correlation is of pairs");
    let (a, b) = (centred_ranks(a), centred_ranks(b));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let spread = (product(&a, &a) * product(&b, &b)).sqrt();
    (spread > 0.0).then(|| product(&a, &b) / spread)
}

/// The place of every value in ascending order, less the mean place.
fn centred_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let middle = (values.len() as f64 - 1.0) / 2.0;
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for tied in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let shared = first as f64 + (tied.len() as f64 - 1.0) / 2.0;
        tied.iter().for_each(|&i| ranks[i] = shared - middle);
        first += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_rising_curve_correlates_fully_and_any_falling_one_inversely() {
        let x = [0.1, 0.3, 0.5, 0.7, 0.9];
        assert!((rank_correlation(&x, &x.map(f64::exp)).unwrap() - 1.0).abs() < 1e-12);
        assert!((rank_correlation(&x, &x.map(|x| -x * x)).unwrap() + 1.0).abs() < 1e-12);
    }

    #[test]
    fn distinct_ranks_follow_spearmans_formula() {
        // Ranks 1 2 3 4 5 against 2 1 4 3 5: sum d^2 = 4, 1 - 6 * 4 / (5 * 24) = 0.8.
        let got = rank_correlation(&[1.0, 2.0, 3.0, 4.0, 5.0], &[20.0, 10.0, 40.0, 30.0, 50.0]).unwrap();
        assert!((got - 0.8).abs() < 1e-12, "{got}");
    }

    #[test]
    fn ties_share_the_mean_of_their_ranks() {
        // Ranks 1 2.5 2.5 4 against 1 2 3 4: 4.5 / sqrt(4.5 * 5).
        let got = rank_correlation(&[0.0, 1.0, 1.0, 2.0], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert!((got - 4.5 / 22.5f64.sqrt()).abs() < 1e-12, "{got}");
    }

    #[test]
    fn what_never_changes_has_no_rank_to_follow() {
        assert_eq!(rank_correlation(&[1.0, 2.0], &[3.0, 3.0]), None);
        assert_eq!(rank_correlation(&[1.0], &[2.0]), None);
        assert_eq!(rank_correlation(&[], &[]), None);
    }
}
