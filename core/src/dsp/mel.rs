//! Mel filters: a spectrum seen through bands as wide as hearing's.

/// Triangular filters, evenly spaced on the mel scale `2595 log10(1 + f / 700)`, each with a peak of 1.
///
/// Stored sparsely: a filter is its first bin and its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct MelFilterbank {
    num_bins: usize,
    filters: Vec<(usize, Vec<f32>)>,
}

impl MelFilterbank {
    /// `num_mels` filters from `min_hz` to `max_hz` over the `n_fft / 2 + 1` bins of a spectrum at `sample_rate` Hz.
    ///
    /// A filter too narrow to hold a bin takes the bin nearest to its centre, so that none is always silent.
    ///
    /// # Panics
    /// If a count is 0, or not 0 <= min_hz < max_hz <= sample_rate / 2.
    pub fn new(num_mels: usize, n_fft: usize, sample_rate: u32, min_hz: f64, max_hz: f64) -> Self {
        assert!(num_mels > 0 && n_fft > 0, "need at least one filter and one bin");
        let nyquist = f64::from(sample_rate) / 2.0;
        assert!(
            0.0 <= min_hz && min_hz < max_hz && max_hz <= nyquist,
            "filters from {min_hz} to {max_hz} Hz; need 0 <= min < max <= {nyquist}"
        );
        let (low, high) = (mel_from_hz(min_hz), mel_from_hz(max_hz));
        let bins_per_hz = n_fft as f64 / f64::from(sample_rate);
        let edge = |i: usize| hz_from_mel(low + (high - low) * i as f64 / (num_mels + 1) as f64) * bins_per_hz;
        let filters = (0..num_mels).map(|i| triangle(edge(i), edge(i + 1), edge(i + 2))).collect();
        Self { num_bins: n_fft / 2 + 1, filters }
    }

    /// How many filters.
    pub fn num_mels(&self) -> usize {
        self.filters.len()
    }

    /// The weighted sum of `bins` (power or magnitude) under each filter, into `mels`.
    ///
    /// # Panics
    /// If `bins` has not `n_fft / 2 + 1` values or `mels` not `num_mels`.
    pub fn apply_into(&self, bins: &[f32], mels: &mut [f32]) {
        assert_eq!(bins.len(), self.num_bins, "bins in a spectrum");
        assert_eq!(mels.len(), self.filters.len(), "mel bands");
        for (mel, (start, weights)) in mels.iter_mut().zip(&self.filters) {
            *mel = bins[*start..].iter().zip(weights).map(|(x, w)| x * w).sum();
        }
    }
}

/// Mel of a frequency in Hz.
fn mel_from_hz(hz: f64) -> f64 {
    2595.0 * (1.0 + hz / 700.0).log10()
}

/// Frequency in Hz of a mel.
fn hz_from_mel(mel: f64) -> f64 {
    700.0 * (10f64.powf(mel / 2595.0) - 1.0)
}

/// First bin and weights of a triangle over `left..right` (in bins) with its peak at `centre`.
fn triangle(left: f64, centre: f64, right: f64) -> (usize, Vec<f32>) {
    let start = left.floor() as usize + 1;
    let height = |bin: f64| ((bin - left) / (centre - left)).min((right - bin) / (right - centre));
    let weights: Vec<f32> = (start..right.ceil() as usize).map(|bin| height(bin as f64) as f32).collect();
    if weights.is_empty() { (centre.round() as usize, vec![1.0]) } else { (start, weights) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_hertz_is_a_thousand_mel_and_back() {
        // The scale's definition, to its own four digits.
        assert!((mel_from_hz(1000.0) - 1000.0).abs() < 0.1);
        assert!((hz_from_mel(mel_from_hz(4321.0)) - 4321.0).abs() < 1e-9);
    }

    #[test]
    fn neighbouring_triangles_add_to_one_between_the_outer_centres() {
        let bank = MelFilterbank::new(20, 2048, 44_100, 0.0, 22_050.0);
        let mut sums = vec![0.0; 1025];
        for (start, weights) in &bank.filters {
            weights.iter().enumerate().for_each(|(i, w)| sums[start + i] += w);
        }
        // Filter 0 peaks at bin 5.5, filter 19 at bin 882: between them every bin is shared fully.
        assert!(sums[8..860].iter().all(|s| (s - 1.0f32).abs() < 1e-5));
    }

    #[test]
    fn a_tone_lands_in_the_filter_around_it() {
        let bank = MelFilterbank::new(40, 1024, 44_100, 0.0, 22_050.0);
        let mut bins = vec![0.0; 513];
        bins[23] = 1.0; // 990.5 Hz, 993 mel; centres lie 95.7 mel apart, so filter 9 (957 mel) is the nearest.
        let mut mels = vec![0.0; 40];
        bank.apply_into(&bins, &mut mels);
        let loudest = mels.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(i, _)| i);
        assert_eq!(loudest, Some(9));
    }

    #[test]
    fn no_filter_is_silent_even_where_bins_are_sparse() {
        let bank = MelFilterbank::new(128, 512, 44_100, 0.0, 22_050.0);
        let mut mels = vec![0.0; 128];
        bank.apply_into(&[1.0; 257], &mut mels);
        assert!(mels.iter().all(|&m| m > 0.0));
    }
}
