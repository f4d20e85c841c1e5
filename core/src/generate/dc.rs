//! [`DcBlocker`]: takes away what lies below all hearing.
//!
//! Magnitudes that are a little off give the lowest bins of the STFT a mean that no recording has. Bins are too broad to be
//! silenced for it (the lowest one reaches up to 60 Hz), so it is the samples that are filtered.

use std::f64::consts::TAU;

/// Lower than any drum.
const LOWEST_HZ: f64 = 10.0;
/// Seconds after which the filter has forgotten what was before: six time constants, -52 dB.
const MEMORY_S: f64 = 6.0 / (TAU * LOWEST_HZ);

/// A pole and a zero: -3 dB at 10 Hz, nothing at 0. Piece by piece it does what it does to the whole.
pub(super) struct DcBlocker {
    pole: f64,
    before: f64,
    out: f64,
}

impl DcBlocker {
    /// For a sound that begins after silence.
    pub fn new(sample_rate: u32) -> Self {
        Self::after(0.0, sample_rate)
    }

    /// For a sound that goes on from this sample, which stays where it is.
    pub fn after(sample: f32, sample_rate: u32) -> Self {
        let pole = libm::exp(-TAU * LOWEST_HZ / f64::from(sample_rate));
        Self { pole, before: f64::from(sample), out: f64::from(sample) }
    }

    /// Filter the next samples.
    pub fn filter(&mut self, samples: &mut [f32]) {
        samples.iter_mut().for_each(|sample| *sample = self.step(*sample));
    }

    fn step(&mut self, sample: f32) -> f32 {
        let x = f64::from(sample);
        self.out = self.pole * self.out + 0.5 * (1.0 + self.pole) * (x - self.before);
        self.before = x;
        self.out as f32
    }
}

/// Filter a loop, which comes round: as if it had been played for ever.
pub(super) fn block_dc_around(samples: &mut [f32], sample_rate: u32) {
    if samples.is_empty() {
        return;
    }
    let mut blocker = DcBlocker::new(sample_rate);
    let settling = (MEMORY_S * f64::from(sample_rate)).ceil() as usize;
    // From so many rounds before that it ends where the loop begins.
    let lead = settling % samples.len();
    let (end, rounds) = (samples.len() - lead, settling / samples.len());
    let before = samples[end..].iter().chain((0..rounds).flat_map(|_| samples.iter()));
    before.for_each(|sample| _ = blocker.step(*sample));
    blocker.filter(samples);
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 44_100;

    fn with_mean(len: usize) -> Vec<f32> {
        (0..len).map(|i| (0.2 + (TAU * 50.0 * i as f64 / f64::from(RATE)).sin()) as f32).collect()
    }

    fn mean(samples: &[f32]) -> f64 {
        samples.iter().map(|&x| f64::from(x)).sum::<f64>() / samples.len() as f64
    }

    #[test]
    fn a_mean_goes_and_a_bass_drum_stays() {
        let mut samples = with_mean(44_100);
        DcBlocker::new(RATE).filter(&mut samples);
        let rest = &samples[22_050..];
        let peak = rest.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        // Half a second is thirty time constants of a pole at 10 Hz, and 50 Hz lose 2 % there.
        assert!(mean(rest).abs() < 1e-3 && (0.97..1.0).contains(&peak), "{} {peak}", mean(rest));
    }

    #[test]
    fn pieces_are_filtered_as_the_whole_and_what_goes_on_does_not_jump() {
        let (mut whole, mut pieces) = (with_mean(1000), with_mean(1000));
        DcBlocker::new(RATE).filter(&mut whole);
        let mut blocker = DcBlocker::new(RATE);
        pieces.chunks_mut(77).for_each(|piece| blocker.filter(piece));
        assert_eq!(whole, pieces);
        let mut on = [0.7f32; 10];
        DcBlocker::after(0.7, RATE).filter(&mut on);
        assert!((on[0] - 0.7).abs() < 0.002, "{}", on[0]);
    }

    #[test]
    fn a_loop_comes_round_wherever_it_begins() {
        // Loops longer and shorter than the filter's memory, of whole periods and not.
        for len in [882, 4410, 10_001] {
            let mut samples = with_mean(len);
            block_dc_around(&mut samples, RATE);
            // Whole periods have no mean of their own.
            assert!(len == 10_001 || mean(&samples).abs() < 1e-3, "{}", mean(&samples));
            let mut turned = with_mean(len);
            turned.rotate_left(len / 3);
            block_dc_around(&mut turned, RATE);
            turned.rotate_right(len / 3);
            assert!(samples.iter().zip(&turned).all(|(a, b)| (a - b).abs() < 2e-3), "{len}");
        }
        block_dc_around(&mut [], RATE);
    }
}
