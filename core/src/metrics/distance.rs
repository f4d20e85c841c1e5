//! How far a sound is from another.

use crate::metrics::log_mel::log_mel_columns;

/// Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019, <https://arxiv.org/abs/1811.02508>): higher is
/// better.
///
/// The estimate is split into its projection on the reference and the rest; the ratio of their energies. Any gain of
/// either gives the same number. Infinite for a scaled copy; minus infinity where nothing of the reference is found
/// (silence, or an orthogonal sound). Sensitive to phase: a delay of one sample counts as distortion.
///
/// # Panics
/// If the two are not equally long.
pub fn si_sdr_db(estimate: &[f32], reference: &[f32]) -> f64 {
    assert_eq!(estimate.len(), reference.len(), "SI-SDR compares sounds of one length");
    let pairs = || estimate.iter().zip(reference).map(|(&e, &r)| (f64::from(e), f64::from(r)));
    let energy: f64 = pairs().map(|(_, r)| r * r).sum();
    let common: f64 = pairs().map(|(e, r)| e * r).sum();
    if common == 0.0 {
        return f64::NEG_INFINITY;
    }
    let gain = common / energy;
    let target = gain * gain * energy;
    let distortion: f64 = pairs().map(|(e, r)| (e - gain * r).powi(2)).sum();
    10.0 * (target / distortion).log10()
}

/// Log-spectral distance in dB over log-mel columns: lower is better, 0 for equal spectra.
///
/// The root mean square difference of 64 mel bands (30 Hz to Nyquist, floored 80 dB below a full-scale sine), averaged
/// over columns of 1024 samples every 256. Ignores phase; sensitive to gain. The shorter sound is followed by silence.
pub fn log_spectral_distance_db(a: &[f32], b: &[f32], sample_rate: u32) -> f64 {
    let length = a.len().max(b.len());
    let columns = |samples: &[f32]| {
        let mut padded = samples.to_vec();
        padded.resize(length, 0.0);
        log_mel_columns(&padded, sample_rate)
    };
    let (a, b) = (columns(a), columns(b));
    a.iter().zip(&b).map(|(a, b)| root_mean_square_difference(a, b)).sum::<f64>() / a.len() as f64
}

fn root_mean_square_difference(a: &[f64], b: &[f64]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    (squares / a.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    fn noise(index: u64, len: usize) -> Vec<f32> {
        let mut samples = vec![0.0; len];
        NoiseStream::new(Seed(1), "distance", index).fill_normal(&mut samples);
        samples
    }

    fn scaled(samples: &[f32], gain: f32) -> Vec<f32> {
        samples.iter().map(|x| x * gain).collect()
    }

    #[test]
    fn si_sdr_of_a_known_mix_is_its_ratio() {
        // Orthogonal by construction: one lives on even samples, the other on odd ones.
        let reference: Vec<f32> = (0..1000).map(|i| if i % 2 == 0 { 1.0 } else { 0.0 }).collect();
        let mix: Vec<f32> = (0..1000).map(|i| if i % 2 == 0 { 1.0 } else { 0.1 }).collect();
        // An amplitude ratio of 10 is 20 dB; 0.1 is rounded to f32.
        assert!((si_sdr_db(&mix, &reference) - 20.0).abs() < 1e-6);
    }

    #[test]
    fn si_sdr_ignores_gain_and_polarity() {
        let reference = noise(0, 500);
        let estimate: Vec<f32> = reference.iter().zip(noise(1, 500)).map(|(r, n)| r + 0.3 * n).collect();
        let plain = si_sdr_db(&estimate, &reference);
        for gain in [0.01, -2.0, 30.0] {
            // The scaled samples are rounded to f32.
            assert!((si_sdr_db(&scaled(&estimate, gain), &reference) - plain).abs() < 1e-4);
        }
    }

    #[test]
    fn si_sdr_of_copies_and_strangers_is_infinite() {
        let reference = noise(0, 100);
        assert_eq!(si_sdr_db(&scaled(&reference, 2.0), &reference), f64::INFINITY);
        assert_eq!(si_sdr_db(&[0.0; 100], &reference), f64::NEG_INFINITY);
        assert_eq!(si_sdr_db(&reference, &[0.0; 100]), f64::NEG_INFINITY);
    }

    #[test]
    fn a_gain_of_six_db_is_a_distance_of_six_db() {
        // 40 dB of gain keep every band above the floor in both.
        let sound = scaled(&noise(2, 20_000), 100.0);
        let distance = log_spectral_distance_db(&sound, &scaled(&sound, 2.0), 44_100);
        // Exact but for the f64 logarithm: doubling is exact in f32.
        assert!((distance - 20.0 * 2f64.log10()).abs() < 1e-9, "{distance}");
    }

    #[test]
    fn equal_sounds_have_no_distance_and_silence_is_far() {
        let sound = noise(2, 5000);
        assert_eq!(log_spectral_distance_db(&sound, &sound, 44_100), 0.0);
        assert!(log_spectral_distance_db(&sound, &[], 44_100) > 40.0);
        assert_eq!(log_spectral_distance_db(&[], &[], 44_100), 0.0);
    }
}
