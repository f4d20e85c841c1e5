//! Dither: noise that makes rounding to few bits sound like hiss instead of like distortion.

use crate::audio::Clip;
use crate::noise::{NoiseStream, Seed};

/// Add noise of a triangular density, two steps of `bits` wide (TPDF), to every sample; a channel has a stream of its own.
///
/// Rounding then errs by a noise whose mean and variance do not depend on the sound (Lipshitz, Wannamaker, Vanderkooy
/// 1992): a quiet fade dissolves in hiss at -93 dBFS (16 bits) where it would crumble. Exact silence hisses too.
pub(super) fn dither(clip: &mut Clip, bits: u32, seed: u64) {
    for (idx, channel) in clip.channels_mut().enumerate() {
        let mut dither = Dither::new(bits, seed, idx);
        channel.iter_mut().for_each(|x| *x += dither.next());
    }
}

/// The dither of one channel, sample by sample.
pub(super) struct Dither {
    noise: NoiseStream,
    step: f32,
}

impl Dither {
    /// For samples of so many bits.
    pub fn new(bits: u32, seed: u64, channel: usize) -> Self {
        let noise = NoiseStream::new(Seed(seed), "dither", channel as u64);
        Self { noise, step: 1.0 / (1u64 << (bits - 1)) as f32 }
    }

    /// What to add to the next sample.
    pub fn next(&mut self) -> f32 {
        self.step * (self.noise.uniform() - self.noise.uniform())
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// Rounded to 16 bits, in steps.
    fn rounded(clip: &Clip) -> Vec<f64> {
        clip.channels()[0].iter().map(|&x| (f64::from(x) * 32_768.0).round_ties_even()).collect()
    }

    /// A tone of 0.4 steps, 100 Hz at 8 kHz: rounding alone leaves nothing of it.
    fn quiet_tone() -> Clip {
        let tone = |i: i32| (0.4 / 32_768.0 * (TAU * f64::from(i) / 80.0).sin()) as f32;
        Clip::mono((0..80_000).map(tone).collect(), 8_000).unwrap()
    }

    /// Amplitude of the `harmonic` of 100 Hz, in steps.
    fn amplitude(samples: &[f64], harmonic: f64) -> f64 {
        let turn = |i: usize| TAU * harmonic * i as f64 / 80.0;
        let part = |f: fn(f64) -> f64| samples.iter().enumerate().map(|(i, x)| x * f(turn(i))).sum::<f64>();
        2.0 * part(f64::sin).hypot(part(f64::cos)) / samples.len() as f64
    }

    #[test]
    fn a_tone_below_the_last_bit_survives_rounding_without_harmonics() {
        assert!(rounded(&quiet_tone()).iter().all(|&x| x == 0.0));
        let mut clip = quiet_tone();
        dither(&mut clip, 16, 7);
        let samples = rounded(&clip);
        // The noise has a variance of 1/4 of a step squared in all: 5 standard errors of an amplitude are 0.0125 steps.
        assert!((amplitude(&samples, 1.0) - 0.4).abs() < 0.0125);
        assert!(amplitude(&samples, 3.0) < 0.0125 && amplitude(&samples, 5.0) < 0.0125);
    }

    #[test]
    fn the_error_has_the_variance_of_tpdf_whatever_the_sound() {
        for level in [0.0, 0.5, 0.25] {
            let mut clip = Clip::mono(vec![(level / 32_768.0) as f32; 100_000], 8_000).unwrap();
            dither(&mut clip, 16, 3);
            let errors: Vec<f64> = rounded(&clip).iter().map(|x| x - level).collect();
            let mean = errors.iter().sum::<f64>() / 1e5;
            let variance = errors.iter().map(|e| e * e).sum::<f64>() / 1e5;
            // TPDF 1/6 and rounding 1/12; five standard errors of mean and variance are 0.008.
            assert!(mean.abs() < 0.008 && (variance - 0.25).abs() < 0.008, "{level}: {mean} {variance}");
        }
    }

    #[test]
    fn channels_hiss_apart_and_a_seed_hisses_alike() {
        let hiss = |seed| {
            let mut clip = Clip::new(vec![vec![0.0; 64]; 2], 8_000).unwrap();
            dither(&mut clip, 16, seed);
            clip
        };
        assert_eq!(hiss(1), hiss(1));
        assert_ne!(hiss(1), hiss(2));
        assert_ne!(hiss(1).channels()[0], hiss(1).channels()[1]);
    }
}
