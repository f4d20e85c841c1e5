//! Two channels out of two sounds: a middle, and what it has at its sides.
//!
//! The models hear one channel. The second sound is made of noise that is turned a little from the first one's, so that events lie where
//! they lie and what is fine differs; phases, which are found from magnitudes, differ everywhere. Left and right are the middle plus and
//! minus this side (Blumlein's middle and side), so that both together, in mono, are the sound itself.

/// By which the side's noise is turned from the middle's, as a share of a right angle.
pub(super) const TURN: f64 = 0.25;
/// The side has nothing below: bass comes from the middle.
const LOWEST_HZ: f64 = 200.0;

/// Left and right of a sound and its side. At width 1 the two have nothing in common above the bass, at 0 everything.
///
/// `comes_round` where the sounds are loops: so are the channels then.
pub(super) fn widen(middle: &[f32], side: &[f32], width: f64, sample_rate: u32, comes_round: bool) -> [Vec<f32>; 2] {
    let [high, mut side] = [middle, side].map(|samples| high_pass(samples, sample_rate, comes_round));
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    let power = product(&high, &high);
    // What the side has of the middle would make one channel stronger than the other.
    let shared = ratio(product(&side, &high), power);
    side.iter_mut().zip(&high).for_each(|(side, high)| *side -= (shared * f64::from(*high)) as f32);
    let gain = libm::tan(width * std::f64::consts::FRAC_PI_4) * ratio(power, product(&side, &side)).sqrt();
    [1.0, -1.0].map(|sign| {
        let mixed = |(middle, side): (&f32, &f32)| (f64::from(*middle) + sign * gain * f64::from(*side)) as f32;
        middle.iter().zip(&side).map(mixed).collect()
    })
}

/// 0 where there is nothing to compare with.
fn ratio(a: f64, b: f64) -> f64 {
    if b > 1e-12 { a / b } else { 0.0 }
}

/// A Butterworth filter of the second order (bilinear transform); on a circle it has run once around before.
fn high_pass(samples: &[f32], sample_rate: u32, comes_round: bool) -> Vec<f32> {
    let k = libm::tan(std::f64::consts::PI * (LOWEST_HZ / f64::from(sample_rate)).min(0.49));
    let norm = 1.0 / (1.0 + std::f64::consts::SQRT_2 * k + k * k);
    let (a1, a2) = (2.0 * (k * k - 1.0) * norm, (1.0 - std::f64::consts::SQRT_2 * k + k * k) * norm);
    let (mut s1, mut s2) = (0.0, 0.0);
    let mut step = |x: f32| {
        let x = norm * f64::from(x);
        let y = x + s1;
        s1 = -2.0 * x - a1 * y + s2;
        s2 = x - a2 * y;
        y as f32
    };
    if comes_round {
        samples.iter().for_each(|x| _ = step(*x));
    }
    samples.iter().map(|x| step(*x)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    const RATE: u32 = 44_100;

    fn noise(number: u64) -> Vec<f32> {
        let mut samples = vec![0.0; 30_000];
        NoiseStream::new(Seed(1), "noise", number).fill_normal(&mut samples);
        samples
    }

    fn tone(hz: f32) -> Vec<f32> {
        (0..30_000).map(|i| (std::f32::consts::TAU * hz * i as f32 / RATE as f32).sin()).collect()
    }

    fn product(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    fn correlation(a: &[f32], b: &[f32]) -> f32 {
        product(a, b) / (product(a, a) * product(b, b)).sqrt()
    }

    #[test]
    fn both_together_are_the_sound_and_each_is_as_strong_as_the_other() {
        // A side that is the middle in part.
        let (middle, other) = (noise(1), noise(2));
        let side: Vec<f32> = middle.iter().zip(&other).map(|(a, b)| 0.5 * a + 0.3 * b).collect();
        let [left, right] = widen(&middle, &side, 0.6, RATE, false);
        assert!(left.iter().zip(&right).zip(&middle).all(|((l, r), m)| (0.5 * (l + r) - m).abs() < 1e-5));
        let balance = product(&left, &left) / product(&right, &right);
        assert!((balance - 1.0).abs() < 0.02, "{balance}");
    }

    #[test]
    fn the_wider_the_less_is_common_but_in_the_bass() {
        let common = |width| {
            let [left, right] = widen(&noise(1), &noise(2), width, RATE, false);
            correlation(&left, &right)
        };
        // The cosine of twice the angle; 200 of 22,050 Hz are bass.
        for (width, cosine) in [(0.0, 1.0), (0.5, 0.707), (1.0, 0.0)] {
            assert!((common(width) - cosine).abs() < 0.03, "{width}: {}", common(width));
        }
        let [left, right] = widen(&tone(40.0), &tone(45.0), 1.0, RATE, false);
        assert!(correlation(&left, &right) > 0.9);
    }

    #[test]
    fn a_loop_comes_round_and_silence_stays_silent() {
        let (mut middle, mut side) = (noise(1), noise(2));
        let before = widen(&middle, &side, 0.7, RATE, true);
        middle.rotate_left(1000);
        side.rotate_left(1000);
        for (mut turned, before) in widen(&middle, &side, 0.7, RATE, true).into_iter().zip(before) {
            turned.rotate_right(1000);
            assert!(turned.iter().zip(&before).all(|(a, b)| (a - b).abs() < 1e-4));
        }
        let silence = vec![0.0; 100];
        assert_eq!(widen(&silence, &silence, 1.0, RATE, false), [silence.clone(), silence.clone()]);
        assert_eq!(widen(&middle[..100], &silence, 0.0, RATE, false)[0], middle[..100]);
    }
}
