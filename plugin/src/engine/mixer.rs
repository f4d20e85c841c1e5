//! From the sum of all voices to the output: level, place and the limiter.

use std::f32::consts::{FRAC_PI_4, SQRT_2};

use super::limiter::Limiter;

/// How fast a turned level knob is followed (to 1/e of the way), in milliseconds.
const FOLLOW_MS: f32 = 5.0;

/// The last stage. Wait-free.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mixer {
    gain: f32,
    follow: f32,
    limiter: Limiter,
}

impl Mixer {
    /// For output at `sample_rate` Hz.
    pub(super) fn new(sample_rate: f32) -> Self {
        let follow = 1.0 - (-1000.0 / (FOLLOW_MS * sample_rate)).exp();
        Self { gain: 1.0, follow, limiter: Limiter::new(sample_rate) }
    }

    /// Takes the level at once, while nothing sounds.
    pub(super) fn jump_to(&mut self, gain_db: f32) {
        self.gain = db_to_gain(gain_db);
    }

    /// Brings `left` and `right` to `gain_db`, and below full scale.
    pub(super) fn finish(&mut self, gain_db: f32, left: &mut [f32], right: &mut [f32]) {
        let target = db_to_gain(gain_db);
        for (left, right) in left.iter_mut().zip(right) {
            let frame = self.limiter.process([*left * self.gain, *right * self.gain]);
            [*left, *right] = frame.map(normal);
            let gap = target - self.gain;
            self.gain = if gap.abs() < 1e-5 { target } else { self.gain + self.follow * gap };
        }
    }
}

/// Numbers below the smallest normal one as 0: nobody hears them, and they slow down what comes after the instrument.
fn normal(sample: f32) -> f32 {
    if sample.abs() < f32::MIN_POSITIVE { 0.0 } else { sample }
}

/// A level in dB as a factor.
pub(super) fn db_to_gain(db: f32) -> f32 {
    if db == 0.0 { 1.0 } else { 10f32.powf(0.05 * db) }
}

/// The factors for left and right at `pan` (-1 to +1): of constant power, and 1 in the middle.
pub(super) fn pan_gains(pan: f32) -> [f32; 2] {
    if pan == 0.0 {
        return [1.0; 2];
    }
    let (sin, cos) = ((pan.clamp(-1.0, 1.0) + 1.0) * FRAC_PI_4).sin_cos();
    [SQRT_2 * cos, SQRT_2 * sin]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_power_is_the_same_at_every_place() {
        for step in -10..=10 {
            let [left, right] = pan_gains(step as f32 / 10.0);
            assert!((left * left + right * right - 2.0).abs() < 1e-5);
        }
        assert_eq!(pan_gains(0.0), [1.0, 1.0]);
        assert!(pan_gains(-5.0)[1].abs() < 1e-6);
    }

    #[test]
    fn at_0_db_a_quiet_signal_passes_bit_by_bit() {
        let mut mixer = Mixer::new(48_000.0);
        let (mut left, mut right) = ([0.1, -0.7], [0.3, 0.2]);
        mixer.finish(0.0, &mut left, &mut right);
        assert_eq!((left, right), ([0.1, -0.7], [0.3, 0.2]));
    }

    #[test]
    fn numbers_too_small_to_be_normal_leave_as_silence() {
        let mut mixer = Mixer::new(48_000.0);
        mixer.jump_to(-60.0);
        let (mut left, mut right) = ([1e-36, f32::MIN_POSITIVE, 1e-30], [-1e-36, -1e-44, -1e-30]);
        mixer.finish(-60.0, &mut left, &mut right);
        assert_eq!((&left[..2], &right[..2]), (&[0.0; 2][..], &[0.0; 2][..]));
        assert!(left[2] > 9e-34 && right[2] < -9e-34, "{left:?} {right:?}");
    }

    #[test]
    fn a_turned_knob_is_followed_without_a_jump_and_arrives() {
        let mut mixer = Mixer::new(48_000.0);
        let (mut left, mut right) = ([0.5; 9600], [0.5; 9600]);
        mixer.finish(-6.0, &mut left, &mut right);
        assert!(left.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.5 / 240.0));
        assert_eq!(left[9599], 0.5 * db_to_gain(-6.0));
    }
}
