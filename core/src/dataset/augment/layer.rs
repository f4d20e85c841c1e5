//! Two sounds of a class make a third.

use crate::noise::NoiseStream;

/// How two sounds become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mix {
    /// Both, the second with this amplitude, which may be negative.
    Sum { gain: f32 },
    /// The first below this frequency, the second above.
    Split { crossover_hz: f32 },
}

impl Mix {
    /// Half sums at 0 to -12 dB, half splits at 200 Hz to 4 kHz.
    pub(super) fn draw(noise: &mut NoiseStream) -> Self {
        let (kind, place, sign) = (noise.uniform(), noise.uniform(), noise.uniform());
        if kind < 0.5 {
            let gain = 10f32.powf(-12.0 * place / 20.0);
            Self::Sum { gain: if sign < 0.5 { gain } else { -gain } }
        } else {
            Self::Split { crossover_hz: 200.0 * 20f32.powf(place) }
        }
    }

    /// Mix `other` into `sound`; both equally long.
    pub(super) fn apply(self, sound: &mut [f32], other: &[f32], sample_rate: u32) {
        match self {
            Self::Sum { gain } => sound.iter_mut().zip(other).for_each(|(x, y)| *x += gain * y),
            Self::Split { crossover_hz } => split(sound, other, crossover_hz / sample_rate as f32),
        }
    }
}

/// Lows of `sound` and highs of `other`, 12 dB per octave: two one-pole filters each.
///
/// The highs are turned over: lows and highs of one and the same sound then add up to an all-pass of it.
fn split(sound: &mut [f32], other: &[f32], cycles_per_sample: f32) {
    let g = 1.0 - (-std::f32::consts::TAU * cycles_per_sample).exp();
    let (mut low1, mut low2, mut high1, mut high2) = (0.0f32, 0.0f32, 0.0f32, 0.0f32);
    for (x, y) in sound.iter_mut().zip(other) {
        low1 += g * (*x - low1);
        low2 += g * (low1 - low2);
        high1 += g * (y - high1);
        let once = y - high1;
        high2 += g * (once - high2);
        *x = low2 - (once - high2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: f32) -> Vec<f32> {
        (0..8192).map(|i| (std::f32::consts::TAU * hz / 44_100.0 * i as f32).sin()).collect()
    }

    fn rms(sound: &[f32]) -> f32 {
        (sound[2048..].iter().map(|x| x * x).sum::<f32>() / 6144.0).sqrt()
    }

    #[test]
    fn a_split_takes_lows_of_one_and_highs_of_the_other() {
        let mix = |sound: &[f32], other: &[f32]| {
            let mut mixed = sound.to_vec();
            Mix::Split { crossover_hz: 1000.0 }.apply(&mut mixed, other, 44_100);
            rms(&mixed)
        };
        let (low, high, none) = (sine(50.0), sine(12_000.0), vec![0.0; 8192]);
        assert!(mix(&low, &none) > 0.69 && mix(&none, &high) > 0.6);
        assert!(mix(&high, &none) < 0.02 && mix(&none, &low) < 0.01);
    }

    #[test]
    fn a_sum_is_a_sum() {
        let mut sound = vec![0.5, -0.25];
        Mix::Sum { gain: -0.5 }.apply(&mut sound, &[1.0, 0.5], 44_100);
        assert_eq!(sound, [0.0, -0.5]);
    }
}
