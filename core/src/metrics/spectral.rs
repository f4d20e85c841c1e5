//! Where a sound's energy lies in frequency.

use crate::metrics::periodogram::periodogram;

/// Where [`tonality`] looks for tones, Hz.
const TONE_RANGE_HZ: (f64, f64) = (40.0, 800.0);
/// How far from the peak energy still belongs to it, Hz.
const TONE_REACH_HZ: f64 = 15.0;

/// Share of the energy at 40 to 800 Hz that lies within 15 Hz of the strongest frequency there: 0..=1.
///
/// Says whether kicks and toms are tones (about 0.9 in recordings) or shaped noise (0.25). 0 without energy there.
pub fn tonality(samples: &[f32], sample_rate: u32) -> f64 {
    let power = periodogram(samples);
    let bin_hz = f64::from(sample_rate) / samples.len().max(1) as f64;
    let (low, high) = TONE_RANGE_HZ;
    let in_range = || {
        power.iter().enumerate().map(|(bin, &p)| (bin as f64 * bin_hz, p)).filter(|(hz, _)| (low..=high).contains(hz))
    };
    let Some((peak_hz, _)) = in_range().max_by(|a, b| a.1.total_cmp(&b.1)) else { return 0.0 };
    let total: f64 = in_range().map(|(_, p)| p).sum();
    let near: f64 = in_range().filter(|(hz, _)| (hz - peak_hz).abs() <= TONE_REACH_HZ).map(|(_, p)| p).sum();
    if total > 0.0 { near / total } else { 0.0 }
}

/// Mean frequency in Hz, weighted by power: the brightness of the whole sound. 0 for silence.
///
/// Weighted by power and not by magnitude, so that the skirts of an unwindowed spectrum weigh little.
pub fn spectral_centroid_hz(samples: &[f32], sample_rate: u32) -> f64 {
    let power = periodogram(samples);
    let bin_hz = f64::from(sample_rate) / samples.len().max(1) as f64;
    let total: f64 = power.iter().sum();
    let moment: f64 = power.iter().enumerate().map(|(bin, p)| bin as f64 * p).sum();
    if total > 0.0 { bin_hz * moment / total } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    /// One second of sines, each `(hz, amplitude)`: whole numbers of Hz fit exactly.
    fn sines(parts: &[(f64, f64)]) -> Vec<f32> {
        let at = |i: usize| i as f64 * std::f64::consts::TAU / 44_100.0;
        (0..44_100).map(|i| parts.iter().map(|(hz, a)| a * (hz * at(i)).sin()).sum::<f64>() as f32).collect()
    }

    #[test]
    fn tonality_is_the_share_of_the_main_partial() {
        // Powers 4 and 1; the samples are f32.
        assert!((tonality(&sines(&[(100.0, 1.0)]), 44_100) - 1.0).abs() < 1e-6);
        assert!((tonality(&sines(&[(100.0, 1.0), (300.0, 0.5)]), 44_100) - 0.8).abs() < 1e-6);
    }

    #[test]
    fn tonality_hears_only_its_range() {
        assert!((tonality(&sines(&[(100.0, 0.1), (5000.0, 1.0)]), 44_100) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn white_noise_has_no_tonality() {
        let mut noise = vec![0.0; 32_768];
        NoiseStream::new(Seed(1), "tonality", 0).fill_normal(&mut noise);
        // 30 of 760 Hz, with a peak picked among 565 bins.
        let got = tonality(&noise, 44_100);
        assert!((0.02..0.12).contains(&got), "{got}");
    }

    #[test]
    fn the_centroid_of_two_sines_is_their_mean_by_power() {
        let got = spectral_centroid_hz(&sines(&[(1000.0, 1.0), (4000.0, 0.5)]), 44_100);
        // (4 * 1000 + 1 * 4000) / 5; the samples are f32.
        assert!((got - 1600.0).abs() < 0.01, "{got}");
    }

    #[test]
    fn silence_and_nothing_have_neither() {
        for samples in [&[][..], &[0.0; 64]] {
            assert_eq!(tonality(samples, 44_100), 0.0);
            assert_eq!(spectral_centroid_hz(samples, 44_100), 0.0);
        }
    }
}
