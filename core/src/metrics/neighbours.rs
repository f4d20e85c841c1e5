//! Nearest neighbours: do sounds of a class land among real ones of that class?

use std::collections::BTreeMap;

/// Share of `features` whose `k` nearest references (Euclidean) vote for their label: 0..=1, higher is better.
///
/// The label with the most votes wins; among equals the one with the nearest member. `None` if there is no feature, no
/// reference, or `k` is 0. With fewer than `k` references all of them vote.
///
/// # Panics
/// If there is not one label a feature.
pub fn knn_accuracy(
    features: &[Vec<f32>],
    labels: &[usize],
    reference_features: &[Vec<f32>],
    reference_labels: &[usize],
    k: usize,
) -> Option<f64> {
    assert_eq!(features.len(), labels.len(), "one label a feature");
    assert_eq!(reference_features.len(), reference_labels.len(), "one label a reference");
    if features.is_empty() || reference_features.is_empty() || k == 0 {
        return None;
    }
    let references = || reference_features.iter().map(Vec::as_slice).zip(reference_labels.iter().copied());
    let predicted = features.iter().map(|feature| knn_label(feature, references(), k));
    let right = predicted.zip(labels).filter(|(predicted, label)| *predicted == Some(**label)).count();
    Some(right as f64 / features.len() as f64)
}

/// The label that the `k` nearest of labelled references vote for, as in [`knn_accuracy`]; `None` without any.
pub fn knn_label<'a>(
    feature: &[f32],
    references: impl IntoIterator<Item = (&'a [f32], usize)>,
    k: usize,
) -> Option<usize> {
    let distances = references.into_iter().map(|(reference, label)| (distance(feature, reference), label));
    let mut by_distance: Vec<(f64, usize)> = distances.collect();
    // Stable: equal distances stay in the order of the references.
    by_distance.sort_by(|a, b| a.0.total_cmp(&b.0));
    let votes: Vec<usize> = by_distance.into_iter().take(k).map(|(_, label)| label).collect();
    (!votes.is_empty()).then(|| elect(&votes))
}

/// Squared Euclidean distance.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
}

/// The most frequent label; among equals the first to appear. `votes` is not empty.
fn elect(votes: &[usize]) -> usize {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    votes.iter().for_each(|&label| *counts.entry(label).or_default() += 1);
    let most = counts.values().copied().max().unwrap_or(0);
    votes.iter().copied().find(|label| counts[label] == most).unwrap_or(votes[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[f32]) -> Vec<Vec<f32>> {
        values.iter().map(|&x| vec![x]).collect()
    }

    #[test]
    fn accuracy_counts_the_right_neighbours() {
        let (references, labels) = (points(&[0.0, 1.0, 10.0, 11.0]), [0, 0, 1, 1]);
        let got = knn_accuracy(&points(&[0.4, 10.4, 9.0, 2.0]), &[0, 1, 0, 0], &references, &labels, 1);
        assert_eq!(got, Some(0.75));
    }

    #[test]
    fn the_majority_outvotes_the_nearest() {
        let (references, labels) = (points(&[0.0, 1.0, 1.1]), [7, 3, 3]);
        assert_eq!(knn_accuracy(&points(&[0.1]), &[7], &references, &labels, 1), Some(1.0));
        assert_eq!(knn_accuracy(&points(&[0.1]), &[3], &references, &labels, 3), Some(1.0));
    }

    #[test]
    fn a_tie_goes_to_the_nearest() {
        let (references, labels) = (points(&[2.0, 1.0]), [0, 1]);
        assert_eq!(knn_accuracy(&points(&[0.0]), &[1], &references, &labels, 2), Some(1.0));
        assert_eq!(knn_accuracy(&points(&[0.0]), &[1], &references, &labels, 9), Some(1.0));
    }

    #[test]
    fn without_references_there_is_no_accuracy() {
        assert_eq!(knn_accuracy(&points(&[0.0]), &[0], &[], &[], 1), None);
        assert_eq!(knn_accuracy(&[], &[], &points(&[0.0]), &[0], 1), None);
        assert_eq!(knn_accuracy(&points(&[0.0]), &[0], &points(&[0.0]), &[0], 0), None);
    }
}
