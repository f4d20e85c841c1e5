//! How a sound begins and ends.

/// The last part of a sound that [`tail_level_db`] listens to, in ms: 2,048 samples at 44.1 kHz.
const TAIL_MS: f64 = 46.4;
/// The level of what is exactly silent, dB.
const SILENCE_DB: f64 = -120.0;

/// RMS level of the last 46 ms relative to the sound's sample peak, in dB: 0 or less, never below -120.
///
/// A one-shot that has died away is at about -50; one that is cut off, or noise that a model left behind, lies higher.
/// Silence is at -120.
pub fn tail_level_db(samples: &[f32], sample_rate: u32) -> f64 {
    let length = (TAIL_MS * 1e-3 * f64::from(sample_rate)).round() as usize;
    let tail = &samples[samples.len().saturating_sub(length.max(1))..];
    let mean_square = tail.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / tail.len().max(1) as f64;
    let level = 20.0 * (mean_square.sqrt() / peak(samples)).log10();
    // NaN (silence over silence) is silence too: `max` prefers the number.
    level.max(SILENCE_DB)
}

/// Time in ms from first reaching 10 % of the sample peak to first reaching 90 %. 0 for silence and for a click.
///
/// On the samples themselves: a tone cannot rise faster than its quarter period.
pub fn attack_time_ms(samples: &[f32], sample_rate: u32) -> f64 {
    rise_ms(samples, sample_rate, 0.9)
}

/// Time in ms from first reaching 10 % of the sample peak to the peak itself. 0 for silence and for a click.
///
/// Longer than [`attack_time_ms`] where the loudest sample comes long after the onset, as in a cymbal's wash.
pub fn peak_time_ms(samples: &[f32], sample_rate: u32) -> f64 {
    rise_ms(samples, sample_rate, 1.0)
}

/// From first reaching 10 % of the peak to first reaching `share` of it.
fn rise_ms(samples: &[f32], sample_rate: u32, share: f64) -> f64 {
    let peak = peak(samples);
    let reaches = |share: f64| samples.iter().position(|&x| f64::from(x.abs()) >= share * peak).unwrap_or(0);
    (reaches(share) - reaches(0.1)) as f64 * 1e3 / f64::from(sample_rate)
}

fn peak(samples: &[f32]) -> f64 {
    f64::from(samples.iter().fold(0f32, |peak, x| peak.max(x.abs())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_steady_square_wave_is_at_its_peak() {
        let square: Vec<f32> = (0..44_100).map(|i| if i % 100 < 50 { 0.5 } else { -0.5 }).collect();
        assert_eq!(tail_level_db(&square, 44_100), 0.0);
    }

    #[test]
    fn a_tail_a_thousandth_of_the_peak_is_at_minus_sixty() {
        let mut samples = vec![0.001; 44_100];
        samples[0] = -1.0;
        // 0.001 is rounded to f32.
        assert!((tail_level_db(&samples, 44_100) + 60.0).abs() < 1e-5);
        samples.resize(50_000, 0.0);
        assert_eq!(tail_level_db(&samples, 44_100), -120.0);
    }

    #[test]
    fn silence_and_nothing_have_a_silent_tail_and_no_attack() {
        for samples in [&[][..], &[0.0; 10]] {
            assert_eq!(tail_level_db(samples, 44_100), -120.0);
            assert_eq!(attack_time_ms(samples, 44_100), 0.0);
        }
    }

    #[test]
    fn a_linear_ramp_of_100_ms_has_an_attack_of_80_ms() {
        let ramp: Vec<f32> = (0..=100).map(|i| i as f32 / 100.0).chain([0.2; 50]).collect();
        // One sample is one ms; 0.1 and 0.9 may fall on either side of their f32 values.
        assert!((attack_time_ms(&ramp, 1000) - 80.0).abs() <= 1.0);
    }

    #[test]
    fn the_peak_may_come_long_after_the_attack() {
        let late: Vec<f32> = [0.0, 0.95].into_iter().chain([0.5; 98]).chain([1.0, 0.0]).collect();
        assert_eq!((attack_time_ms(&late, 1000), peak_time_ms(&late, 1000)), (0.0, 99.0));
        assert_eq!(peak_time_ms(&[0.0; 9], 1000), 0.0);
    }

    #[test]
    fn attack_ignores_gain_and_leading_silence() {
        let ramp: Vec<f32> = (0..=64).map(|i| i as f32 / 64.0).collect();
        let mut later = vec![0.0; 500];
        later.extend(ramp.iter().map(|x| -0.25 * x));
        assert_eq!(attack_time_ms(&later, 44_100), attack_time_ms(&ramp, 44_100));
    }
}
