//! Whether two waveforms are one, whatever gain, polarity and shift.

use realfft::RealFftPlanner;

/// The greatest magnitude of the normalised cross-correlation over all shifts: 0..=1, 1 for a copy of any gain, polarity
/// and delay, 0 where one is silent.
///
/// Sensitive to phase: a copy whose phases were made anew correlates little. Costs three transforms of twice the length.
pub fn peak_correlation(a: &[f32], b: &[f32]) -> f64 {
    let energy = |samples: &[f32]| samples.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
    let norm = (energy(a) * energy(b)).sqrt();
    if norm == 0.0 {
        return 0.0;
    }
    // Long enough that the ends do not wrap around onto each other.
    let length = (a.len() + b.len()).next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
    let spectrum = |samples: &[f32]| {
        let mut input: Vec<f64> = samples.iter().map(|&x| f64::from(x)).collect();
        input.resize(length, 0.0);
        let mut output = forward.make_output_vec();
        forward.process(&mut input, &mut output).expect("the buffers come from the plan");
        output
    };
    let (mut product, other) = (spectrum(a), spectrum(b));
    product.iter_mut().zip(&other).for_each(|(a, b)| *a *= b.conj());
    // Real by symmetry but for rounding, which the inverse refuses.
    let last = product.len() - 1;
    (product[0].im, product[last].im) = (0.0, 0.0);
    let mut correlation = inverse.make_output_vec();
    inverse.process(&mut product, &mut correlation).expect("the buffers come from the plan");
    let peak = correlation.iter().fold(0f64, |peak, x| peak.max(x.abs()));
    // The transform is not normalised.
    (peak / length as f64 / norm).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    fn noise(index: u64) -> Vec<f32> {
        let mut samples = vec![0.0; 4000];
        NoiseStream::new(Seed(1), "correlation", index).fill_normal(&mut samples);
        samples
    }

    #[test]
    fn a_late_quiet_inverted_copy_correlates_fully() {
        let sound = noise(0);
        let copy: Vec<f32> = std::iter::repeat_n(0.0, 777).chain(sound.iter().map(|x| -0.125 * x)).collect();
        assert!(peak_correlation(&copy, &sound) > 1.0 - 1e-9);
    }

    #[test]
    fn a_mix_correlates_by_its_share_and_strangers_hardly() {
        let (sound, other) = (noise(0), noise(1));
        let mix: Vec<f32> = sound.iter().zip(&other).map(|(a, b)| a + b).collect();
        // Two noises of one energy: 1 / sqrt(2), give or take their own correlation (1 / sqrt(4000) each way).
        assert!((peak_correlation(&mix, &sound) - 0.5f64.sqrt()).abs() < 0.05);
        // The greatest of 8,000 chance values of deviation 1 / sqrt(4000).
        assert!(peak_correlation(&sound, &other) < 0.1);
    }

    #[test]
    fn silence_and_nothing_correlate_with_nothing() {
        assert_eq!(peak_correlation(&[], &noise(0)), 0.0);
        assert_eq!(peak_correlation(&[0.0; 8], &noise(0)), 0.0);
    }
}
