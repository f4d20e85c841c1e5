//! The only source of randomness: seeded, counter-based streams.
//!
//! A [`NoiseStream`] is named by a seed, a purpose and an index (ChaCha8: the seed and the purpose are its key, the
//! index its stream number), so clip 7 of a batch, or example 12 of training step 3,000, draws the same numbers
//! whether it is made alone or among others, on one thread or many.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Which sound: the number that a user types and a recipe keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seed(pub u64);

/// An endless stream of uniform and normal numbers, the same on every platform.
#[derive(Clone, Debug)]
pub struct NoiseStream {
    rng: ChaCha8Rng,
    spare: Option<f32>,
}

impl NoiseStream {
    /// The stream of `seed` for `purpose` (ASCII, at most 24 bytes), number `index`.
    ///
    /// # Panics
    /// If `purpose` is longer than 24 bytes: two purposes must never share a stream.
    pub fn new(seed: Seed, purpose: &str, index: u64) -> Self {
        assert!(purpose.len() <= 24, "purpose {purpose:?} is longer than 24 bytes");
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&seed.0.to_le_bytes());
        key[8..8 + purpose.len()].copy_from_slice(purpose.as_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(index);
        Self { rng, spare: None }
    }

    /// 32 random bits.
    pub fn bits(&mut self) -> u32 {
        self.rng.next_u32()
    }

    /// Uniform in `0.0..1.0`, with 24 bits of resolution.
    pub fn uniform(&mut self) -> f32 {
        (self.bits() >> 8) as f32 * (1.0 / (1 << 24) as f32)
    }

    /// Uniform in `low..high`.
    pub fn uniform_in(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.uniform()
    }

    /// A uniform index below `n` (multiply-shift; the bias is below `n / 2^32`).
    ///
    /// # Panics
    /// If `n` is 0 or above `u32::MAX`.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0 && n <= u32::MAX as usize, "cannot draw an index below {n}");
        ((u64::from(self.bits()) * n as u64) >> 32) as usize
    }

    /// `true` with this probability.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.uniform() < probability
    }

    /// Standard normal (Box and Muller 1958, in `f64` through the portable `libm`, so that every platform agrees).
    pub fn normal(&mut self) -> f32 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // 1 - u lies in (0, 1]: the logarithm is finite.
        let radius = (-2.0 * libm::log(1.0 - f64::from(self.uniform()))).sqrt();
        let angle = std::f64::consts::TAU * f64::from(self.uniform());
        let (sin, cos) = libm::sincos(angle);
        self.spare = Some((radius * sin) as f32);
        (radius * cos) as f32
    }

    /// Fill `out` with standard normals.
    pub fn fill_normal(&mut self, out: &mut [f32]) {
        out.fill_with(|| self.normal());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_of_a_stream_never_change() {
        // Pinned: a change here changes every sound that a seed means.
        let mut stream = NoiseStream::new(Seed(1), "test", 0);
        let got: Vec<u32> = (0..4).map(|_| stream.bits()).collect();
        assert_eq!(got, [1_873_766_173, 3_725_587_473, 24_642_718, 3_577_601_163]);
    }

    #[test]
    fn seed_purpose_and_index_each_give_another_stream() {
        let first = |seed, purpose, index| NoiseStream::new(Seed(seed), purpose, index).bits();
        let base = first(1, "clip", 0);
        assert_ne!(base, first(2, "clip", 0));
        assert_ne!(base, first(1, "train", 0));
        assert_ne!(base, first(1, "clip", 1));
    }

    #[test]
    fn normals_have_the_moments_of_a_standard_normal() {
        let mut stream = NoiseStream::new(Seed(7), "moments", 0);
        let n = 200_000;
        let (mut m1, mut m2, mut m4) = (0.0, 0.0, 0.0);
        for _ in 0..n {
            let x = f64::from(stream.normal());
            m1 += x;
            m2 += x * x;
            m4 += x.powi(4);
        }
        let n = f64::from(n);
        // Five standard errors: 5/sqrt(n), 5*sqrt(2/n), 5*sqrt(96/n).
        assert!((m1 / n).abs() < 0.0112);
        assert!((m2 / n - 1.0).abs() < 0.0159);
        assert!((m4 / n - 3.0).abs() < 0.11);
    }

    #[test]
    fn uniform_indices_reach_every_value_and_no_other() {
        let mut stream = NoiseStream::new(Seed(3), "below", 0);
        let mut seen = [0; 5];
        for _ in 0..5000 {
            seen[stream.below(5)] += 1;
        }
        assert!(seen.iter().all(|&n| (800..1200).contains(&n)), "{seen:?}");
    }
}
