//! [`NoiseLevels`]: at which noise levels a network is trained.

use serde::{Deserialize, Serialize};

use crate::noise::NoiseStream;

/// Log-normal noise levels: `ln sigma` is normal with this mean and standard deviation.
///
/// Karras et al. 2022 (<https://arxiv.org/abs/2206.00364>) take -1.2 and 1.2 for images; sound of unit variance wants
/// more noise, hence the defaults of -0.4 and 1.4 (half of all levels between 0.26 and 1.7).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NoiseLevels {
    /// Mean of `ln sigma`.
    pub mean: f64,
    /// Standard deviation of `ln sigma`, at least 0.
    pub std: f64,
}

impl Default for NoiseLevels {
    fn default() -> Self {
        Self { mean: -0.4, std: 1.4 }
    }
}

impl NoiseLevels {
    /// `n` sigmas for a batch, one from each of `n` equally probable ranges, in random order.
    ///
    /// Stratified so: every batch sees low, middle and high noise, and its loss varies less than with independent
    /// draws. Each sigma taken alone is distributed as if it were drawn independently.
    pub fn stratified(&self, n: usize, noise: &mut NoiseStream) -> Vec<f64> {
        let mut sigmas: Vec<f64> = (0..n).map(|stratum| self.within(stratum, n, noise)).collect();
        for last in (1..n).rev() {
            sigmas.swap(last, noise.below(last + 1));
        }
        sigmas
    }

    /// A sigma whose rank is uniform in `stratum / n..(stratum + 1) / n`.
    fn within(&self, stratum: usize, n: usize, noise: &mut NoiseStream) -> f64 {
        // Half a step of the uniform's 24 bits keeps the rank off 0, where sigma would be 0.
        let u = f64::from(noise.uniform()) + 0.5 / f64::from(1 << 24);
        self.quantile((stratum as f64 + u) / n as f64)
    }

    /// The sigma below which a share `p` (0..1, exclusive) of all levels lie.
    pub fn quantile(&self, p: f64) -> f64 {
        libm::exp(self.mean + self.std * probit(p))
    }
}

/// The inverse of the standard normal distribution function, to a relative error of 1.2e-9; `0 < p < 1`.
///
/// Acklam's rational approximation, in the middle and mirrored in the tails.
fn probit(p: f64) -> f64 {
    const TAIL: f64 = 0.02425;
    if p > 0.5 {
        return -probit(1.0 - p);
    }
    if p < TAIL {
        let q = (-2.0 * libm::log(p)).sqrt();
        return polynomial(&TAIL_TOP, q) / polynomial(&TAIL_BOTTOM, q);
    }
    let q = p - 0.5;
    q * polynomial(&MIDDLE_TOP, q * q) / polynomial(&MIDDLE_BOTTOM, q * q)
}

/// Horner's scheme; the highest power first.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, c| sum * x + c)
}

const MIDDLE_TOP: [f64; 6] = [
    -3.969683028665376e1,
    2.209460984245205e2,
    -2.759285104469687e2,
    1.38357751867269e2,
    -3.066479806614716e1,
    2.506628277459239,
];
const MIDDLE_BOTTOM: [f64; 6] =
    [-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1, 1.0];
const TAIL_TOP: [f64; 6] = [
    -7.784894002430293e-3,
    -3.223964580411365e-1,
    -2.400758277161838,
    -2.549732539343734,
    4.374664141464968,
    2.938163982698783,
];
const TAIL_BOTTOM: [f64; 5] = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1.0];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Seed;

    fn stream() -> NoiseStream {
        NoiseStream::new(Seed(1), "noise levels", 0)
    }

    /// The standard normal distribution function.
    fn phi(x: f64) -> f64 {
        0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
    }

    #[test]
    fn probit_inverts_the_normal_distribution() {
        for p in [1e-9, 1e-4, 0.02, 0.0243, 0.2, 0.5, 0.7, 0.98, 0.9999] {
            // The approximation's relative error of 1.2e-9 in x, times p's slope of at most 40 p in x = -6.
            assert!((phi(probit(p)) - p).abs() < 1e-7 * p.min(1.0 - p), "{p}");
        }
    }

    #[test]
    fn every_batch_has_one_level_in_each_stratum() {
        let levels = NoiseLevels::default();
        let mut noise = stream();
        for n in [1, 2, 7, 16] {
            let mut sigmas = levels.stratified(n, &mut noise);
            sigmas.sort_by(f64::total_cmp);
            for (i, sigma) in sigmas.into_iter().enumerate() {
                let rank = phi((sigma.ln() - levels.mean) / levels.std) * n as f64;
                // The rank is exact to the approximation of the quantile.
                assert!((i as f64 - 1e-6..=i as f64 + 1.0 + 1e-6).contains(&rank), "{rank} of {n} at {i}");
            }
        }
    }

    #[test]
    fn levels_have_the_mean_and_deviation_asked_for() {
        let levels = NoiseLevels { mean: 0.5, std: 0.8 };
        let mut noise = stream();
        let logs: Vec<f64> = (0..2000).flat_map(|_| levels.stratified(8, &mut noise)).map(f64::ln).collect();
        let n = logs.len() as f64;
        let mean = logs.iter().sum::<f64>() / n;
        let std = (logs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        // Five standard errors of independent draws (0.8 / sqrt(16000)); stratified ones vary less.
        assert!((mean - 0.5).abs() < 0.032 && (std - 0.8).abs() < 0.023, "{mean} {std}");
    }

    #[test]
    fn an_items_place_in_the_batch_tells_nothing_of_its_level() {
        let mut noise = stream();
        let levels = NoiseLevels::default();
        let firsts: f64 = (0..4000).map(|_| levels.stratified(4, &mut noise)[0].ln()).sum::<f64>() / 4000.0;
        // Five standard errors of 1.4 / sqrt(4000). Unshuffled, the first would lie near -2.2.
        assert!((firsts + 0.4).abs() < 0.11, "{firsts}");
    }
}
