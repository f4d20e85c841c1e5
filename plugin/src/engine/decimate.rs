//! Halving a sound's sample rate, so that notes far above the root key have less to read.

use super::interpolate::{dot, kaiser_sinc};

/// Zeros (or the filter's ring) kept on each side of every level, in its own frames.
///
/// Wider than half of the longest interpolation kernel and than the filter's ring.
pub(super) const PADDING: usize = 128;

/// Taps on each side of the filter's centre.
pub(super) const HALF_WIDTH: usize = 127;

/// Stop-band attenuation in dB.
const ATTENUATION_DB: f64 = 80.0;

/// The -6 dB point in cycles per frame of the faster rate. With [`HALF_WIDTH`] and
/// [`ATTENUATION_DB`] the pass band ends at 0.230 and the stop band begins at 0.250, the new rate's
/// Nyquist frequency: nothing folds.
const CUTOFF: f64 = 0.24;

/// Every second frame of `padded` behind a low-pass; both sides keep [`PADDING`] frames.
///
/// Frame 0 stays frame 0: the filter is symmetric. Allocates.
pub(super) fn halve(padded: &[f32]) -> Vec<f32> {
    let taps = taps();
    let num_frames = padded.len().saturating_sub(2 * PADDING).div_ceil(2);
    // Output frame 0 lies at index PADDING of both; the first output frame lies PADDING before it,
    // which is 2 * PADDING before it in the input.
    let margin = vec![0.0; PADDING + HALF_WIDTH + 1];
    let input = [&margin, padded, &margin].concat();
    let output = input.windows(taps.len()).step_by(2).map(|window| dot(&taps, window));
    output.take(num_frames + 2 * PADDING).collect()
}

/// The symmetric filter, of gain 1 at 0 Hz, with a zero in front that makes its length even.
fn taps() -> Vec<f32> {
    let width = HALF_WIDTH as f64;
    let tap = |k: usize| kaiser_sinc(k as f64 - width, CUTOFF, width + 1.0, ATTENUATION_DB);
    let taps: Vec<f64> = (0..=2 * HALF_WIDTH).map(tap).collect();
    let sum: f64 = taps.iter().sum();
    std::iter::once(0.0).chain(taps.iter().map(|tap| (tap / sum) as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded_sine(frequency: f64, num_frames: usize) -> Vec<f32> {
        let silence = vec![0.0; PADDING];
        let sine = (0..num_frames).map(|i| (std::f64::consts::TAU * frequency * i as f64).sin() as f32);
        silence.iter().copied().chain(sine).chain(silence.iter().copied()).collect()
    }

    #[test]
    fn a_low_sine_keeps_its_phase_and_level() {
        let halved = halve(&padded_sine(0.05, 4000));
        for i in 200..1800 {
            let expected = (std::f64::consts::TAU * 0.1 * i as f64).sin();
            // The pass band ripples by 1e-4 at 80 dB.
            assert!((f64::from(halved[PADDING + i]) - expected).abs() < 3e-4, "frame {i}");
        }
    }

    #[test]
    fn what_the_new_rate_cannot_hold_is_gone() {
        let halved = halve(&padded_sine(0.26, 4000));
        let peak = halved[PADDING + 200..PADDING + 1800].iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
        assert!(peak < 2e-4, "{peak}");
    }

    #[test]
    fn half_of_an_odd_length_is_rounded_up() {
        assert_eq!(halve(&padded_sine(0.1, 5)).len(), 3 + 2 * PADDING);
        assert_eq!(halve(&padded_sine(0.1, 0)).len(), 2 * PADDING);
    }
}
