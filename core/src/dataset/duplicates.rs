//! Finds the same recording under two names.

use super::spectrum::Spectrum;
use rayon::prelude::*;

/// Two sounds whose fingerprints have at least this cosine count as one source. Among 364 recorded drum hits the
/// siblings reach 0.95 to 1 and the nearest strangers 0.937.
const SAME: f32 = 0.96;
/// Sixths of an octave from 50 Hz: 8 octaves, to 12.8 kHz.
const NUM_BANDS: usize = 48;
/// Half frames from the onset: 0.28 s at 44.1 kHz.
const NUM_FRAMES: usize = 12;
/// Decibels below the loudest band that still count.
const DEPTH_DB: f32 = 50.0;

/// Log levels of a sound's first part over bands and frames, centred and of unit length.
pub(super) type Fingerprint = Vec<f32>;

/// The fingerprint of `samples`; all zero, and so like no other, for a sound without any shape.
pub(super) fn fingerprint(spectrum: &Spectrum, samples: &[f32]) -> Fingerprint {
    let edge = |band: usize| 50.0 * (band as f32 / 6.0).exp2();
    let bands: Vec<_> = (0..NUM_BANDS).map(|b| spectrum.bins(edge(b), edge(b + 1))).collect();
    let mut levels = Vec::with_capacity(NUM_BANDS * NUM_FRAMES);
    spectrum.for_each_frame(samples, |power| {
        if levels.len() < NUM_BANDS * NUM_FRAMES {
            levels.extend(bands.iter().map(|band| 10.0 * power[band.clone()].iter().sum::<f32>().max(1e-20).log10()));
        }
    });
    levels.resize(NUM_BANDS * NUM_FRAMES, -200.0);
    let floor = levels.iter().copied().fold(f32::MIN, f32::max) - DEPTH_DB;
    levels.iter_mut().for_each(|level| *level = (*level - floor).max(0.0));
    to_unit_length(&mut levels);
    levels
}

/// A fingerprint that is like no other.
pub(super) fn no_fingerprint() -> Fingerprint {
    vec![0.0; NUM_BANDS * NUM_FRAMES]
}

fn to_unit_length(values: &mut [f32]) {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    values.iter_mut().for_each(|v| *v -= mean);
    let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
    values.iter_mut().for_each(|v| *v = if length > 1e-3 { *v / length } else { 0.0 });
}

/// Every pair `(i, j)`, `i < j`, of near-duplicates. Cost: `n^2 / 2` dot products, spread over the threads.
pub(super) fn pairs(fingerprints: &[Fingerprint]) -> Vec<(usize, usize)> {
    let of_row = |i: usize| {
        let like = move |j: &usize| dot(&fingerprints[i], &fingerprints[*j]) >= SAME;
        (i + 1..fingerprints.len()).filter(like).map(move |j| (i, j))
    };
    (0..fingerprints.len()).into_par_iter().flat_map_iter(of_row).collect()
}

/// In eight running sums, which the compiler keeps in one register.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum()
}

/// Sets that grow together: Galler and Fischer 1964, the smallest member stands for its set.
pub(super) struct UnionFind(Vec<usize>);

impl UnionFind {
    /// `n` sets of one.
    pub(super) fn new(n: usize) -> Self {
        Self((0..n).collect())
    }

    /// The smallest member of `i`'s set.
    pub(super) fn root(&mut self, mut i: usize) -> usize {
        while self.0[i] != i {
            self.0[i] = self.0[self.0[i]];
            i = self.0[i];
        }
        i
    }

    /// Make one set of two; `false` if they were one already.
    pub(super) fn join(&mut self, i: usize, j: usize) -> bool {
        let (i, j) = (self.root(i), self.root(j));
        self.0[i.max(j)] = i.min(j);
        i != j
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    fn burst(seed: u64) -> Vec<f32> {
        let mut stream = NoiseStream::new(Seed(seed), "burst", 0);
        (0..16_384).map(|i| (-i as f32 / 3000.0).exp() * stream.normal()).collect()
    }

    #[test]
    fn a_copy_in_another_level_and_with_some_hiss_is_found_and_another_sound_is_not() {
        let original = burst(1);
        let mut hiss = NoiseStream::new(Seed(9), "hiss", 0);
        let copy: Vec<f32> = original.iter().map(|x| -0.3 * x + 1e-4 * hiss.normal()).collect();
        let spectrum = Spectrum::new(44_100);
        let prints: Vec<_> = [original, burst(2), copy].iter().map(|s| fingerprint(&spectrum, s)).collect();
        assert_eq!(pairs(&prints), [(0, 2)]);
    }

    #[test]
    fn silence_is_like_nothing() {
        let spectrum = Spectrum::new(44_100);
        let silent = fingerprint(&spectrum, &[0.0; 8192]);
        assert!(pairs(&[silent.clone(), silent]).is_empty());
    }

    #[test]
    fn sets_join_through_a_chain_and_the_smallest_stands_for_them() {
        let mut sets = UnionFind::new(5);
        assert!(sets.join(4, 2) && sets.join(2, 1) && !sets.join(1, 4));
        assert_eq!((0..5).map(|i| sets.root(i)).collect::<Vec<_>>(), [0, 1, 1, 3, 1]);
    }
}
