//! Keeps the output below full scale without touching what is already there.

/// -1 dBFS: below it nothing changes, not by a bit.
pub(super) const THRESHOLD: f32 = 0.891_250_9;

/// What is left between the threshold and full scale.
const HEADROOM: f32 = 1.0 - THRESHOLD;

/// How long the gain takes to come back after a peak (to 1/e of the way), in milliseconds.
const RECOVERY_MS: f32 = 80.0;

/// A soft limiter for both channels: at once down, slowly up, without latency.
///
/// It follows the peak and turns the whole signal down, so that a chord too loud comes out quieter
/// rather than broken. The level above the threshold is bent into the headroom and never reaches 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limiter {
    peak: f32,
    recovery: f32,
}

impl Limiter {
    /// For output at `sample_rate` Hz.
    pub(super) fn new(sample_rate: f32) -> Self {
        Self { peak: 0.0, recovery: (-1000.0 / (RECOVERY_MS * sample_rate)).exp() }
    }

    /// One frame, left and right.
    pub(super) fn process(&mut self, frame: [f32; 2]) -> [f32; 2] {
        let peak = frame[0].abs().max(frame[1].abs());
        self.peak = peak.max(self.peak * self.recovery);
        if self.peak <= THRESHOLD {
            self.peak = peak;
            return frame;
        }
        let gain = bend(self.peak) / self.peak;
        frame.map(|sample| sample * gain)
    }
}

/// A level above the threshold, brought into the headroom; of slope 1 where it begins.
fn bend(peak: f32) -> f32 {
    let excess = (peak - THRESHOLD) / HEADROOM;
    // excess / (1 + excess) reaches neither 1 nor, through rounding, more.
    (THRESHOLD + HEADROOM * (excess / (1.0 + excess))).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_minus_one_db_not_a_bit_changes() {
        let mut limiter = Limiter::new(48_000.0);
        for i in 0..1000 {
            let sample = 0.89 * (i as f32 * 0.1).sin();
            assert_eq!(limiter.process([sample, -sample]), [sample, -sample]);
        }
    }

    #[test]
    fn nothing_exceeds_full_scale() {
        let mut limiter = Limiter::new(48_000.0);
        for i in 0..10_000 {
            let sample = 0.002 * i as f32 * (i as f32 * 0.37).sin();
            let [left, right] = limiter.process([sample, 1e6 * sample]);
            assert!(left.abs() <= 1.0 && right.abs() <= 1.0, "{left} {right}");
        }
    }

    #[test]
    fn a_loud_sine_stays_a_sine() {
        let mut limiter = Limiter::new(48_000.0);
        let omega = std::f32::consts::TAU * 1000.0 / 48_000.0;
        let sine: Vec<f32> = (0..48_000).map(|i| (omega * i as f32).sin()).collect();
        let output: Vec<f32> = sine.iter().map(|s| limiter.process([4.0 * s; 2])[0]).collect();
        let (last, clean) = (&output[24_000..], &sine[24_000..]);
        let level: f32 = last.iter().zip(clean).map(|(o, s)| o * s).sum::<f32>() / 12_000.0;
        let error: f32 = last.iter().zip(clean).map(|(o, s)| (o - level * s).powi(2)).sum::<f32>() / 24_000.0;
        // Between two peaks, half a millisecond, the gain recovers by under 0.1 %: distortion below -50 dB.
        assert!(10.0 * (2.0 * error / (level * level)).log10() < -50.0);
    }

    #[test]
    fn the_gain_comes_back_after_a_peak() {
        let mut limiter = Limiter::new(48_000.0);
        limiter.process([3.0, 0.0]);
        let turned_down = limiter.process([0.0, 0.5])[1];
        assert!(turned_down < 0.2);
        for _ in 0..48_000 {
            limiter.process([0.0; 2]);
        }
        assert_eq!(limiter.process([0.0, 0.5]), [0.0, 0.5]);
    }
}
