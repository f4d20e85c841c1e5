//! Analysis windows, periodic: sample `n_fft / 2` is the peak.

use std::f64::consts::PI;

/// Height of the Gaussian window at its ends, relative to its peak.
pub const GAUSSIAN_END_HEIGHT: f64 = 0.01;

/// The shape of an analysis window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    /// Square root of the periodic Hann window: analysis times synthesis overlap-adds to 1 at 50 % overlap.
    RootHann,
    /// Periodic Hann, for measurements.
    Hann,
    /// Gaussian cut at [`GAUSSIAN_END_HEIGHT`]: the window whose phase follows from its magnitude.
    Gaussian,
}

impl Window {
    /// `length` values in 0..=1, the peak at index `length / 2`.
    pub fn samples(self, length: usize) -> Vec<f32> {
        (0..length).map(|i| self.at(i as f64 / length as f64) as f32).collect()
    }

    /// Height at `x` in 0..1, where 0.5 is the peak.
    fn at(self, x: f64) -> f64 {
        match self {
            Self::RootHann => (PI * x).sin(),
            Self::Hann => (PI * x).sin().powi(2),
            Self::Gaussian => (4.0 * GAUSSIAN_END_HEIGHT.ln() * (x - 0.5).powi(2)).exp(),
        }
    }
}

/// Time-frequency ratio of the Gaussian window in samples squared: `w(t) = exp(-pi t^2 / gamma)`.
///
/// From `exp(-pi (L/2)^2 / gamma) = h`: `gamma = -pi L^2 / (4 ln h)` for length `L` and end height `h`.
pub fn gaussian_gamma(length: usize) -> f64 {
    -PI * (length as f64).powi(2) / (4.0 * GAUSSIAN_END_HEIGHT.ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_peaks_at_one_in_the_middle_and_is_symmetric_around_it() {
        for window in [Window::RootHann, Window::Hann, Window::Gaussian] {
            let w = window.samples(64);
            assert_eq!(w[32], 1.0);
            // One rounding of f64 to f32.
            assert!((1..32).all(|i| (w[32 - i] - w[32 + i]).abs() < 1e-7), "{window:?}");
        }
    }

    #[test]
    fn root_hann_squared_overlap_adds_to_one_at_half_its_length() {
        let w = Window::RootHann.samples(64);
        assert!((0..32).all(|i| (w[i].powi(2) + w[i + 32].powi(2) - 1.0).abs() < 1e-6));
    }

    #[test]
    fn the_gaussian_has_its_stated_end_height_and_gamma() {
        let w = Window::Gaussian.samples(1024);
        assert!((w[0] - 0.01).abs() < 1e-7);
        let gamma = gaussian_gamma(1024);
        let at_100 = (-PI * 100.0 * 100.0 / gamma).exp() as f32;
        assert!((w[612] - at_100).abs() < 1e-6);
    }
}
