//! Making a sound brighter or duller by a constant slope over the whole spectrum.

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Below this frequency the slope levels out, so that DC keeps a finite gain.
const CORNER_HZ: f32 = 20.0;
/// Samples of silence behind the sound, in which the filter rings out: some periods of the corner.
const PADDING: usize = 4096;

/// The planned filter `(1 - a/z)^alpha`: 6.02 `alpha` dB per octave, minimum phase, so that an onset stays sharp.
pub(in crate::dataset) struct Tilt {
    forward: Arc<dyn RealToComplex<f32>>,
    backward: Arc<dyn ComplexToReal<f32>>,
    /// Natural log of magnitude, and phase, of `1 - a/z` in every bin.
    unit: Vec<(f32, f32)>,
}

impl Tilt {
    /// Plan for sounds of `num_samples` at `sample_rate` Hz.
    pub(in crate::dataset) fn new(num_samples: usize, sample_rate: u32) -> Self {
        // Multiples of 4096 have the small factors that an FFT likes.
        let length = (num_samples + PADDING).next_multiple_of(4096);
        let mut planner = RealFftPlanner::new();
        let tau = std::f32::consts::TAU;
        let a = (-tau * CORNER_HZ / sample_rate as f32).exp();
        let response =
            |bin: usize| Complex32::new(1.0, 0.0) - Complex32::from_polar(a, -tau * bin as f32 / length as f32);
        let unit = (0..=length / 2).map(response).map(|h| (h.norm().ln(), h.arg())).collect();
        Self { forward: planner.plan_fft_forward(length), backward: planner.plan_fft_inverse(length), unit }
    }

    /// Filter `sound` in place; its level at high frequencies stays about as it is, so normalise after.
    ///
    /// # Panics
    /// If `sound` is longer than planned for.
    pub(in crate::dataset) fn apply(&self, sound: &mut [f32], db_per_octave: f32) {
        if db_per_octave == 0.0 {
            return;
        }
        let alpha = db_per_octave / (20.0 * std::f32::consts::LOG10_2);
        let mut signal = self.forward.make_input_vec();
        assert!(sound.len() + PADDING <= signal.len(), "{} samples are more than planned for", sound.len());
        signal[..sound.len()].copy_from_slice(sound);
        let mut bins = self.forward.make_output_vec();
        let scale = 1.0 / signal.len() as f32;
        // Neither can fail: the buffers are the plans' own, and the ends are made real as the inverse asks.
        let _ = self.forward.process(&mut signal, &mut bins);
        for (bin, (log_gain, phase)) in bins.iter_mut().zip(&self.unit) {
            *bin *= Complex32::from_polar(scale * (alpha * log_gain).exp(), alpha * phase);
        }
        bins[0].im = 0.0;
        if let Some(last) = bins.last_mut() {
            last.im = 0.0;
        }
        let _ = self.backward.process(&mut bins, &mut signal);
        sound.copy_from_slice(&signal[..sound.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level_db(sound: &[f32]) -> f32 {
        10.0 * (sound[4096..].iter().map(|x| x * x).sum::<f32>()).log10()
    }

    #[test]
    fn tones_an_octave_apart_differ_by_the_slope() {
        let tilt = Tilt::new(16_384, 44_100);
        for slope in [-4.0, 1.0, 3.0] {
            let through = |hz: f32| {
                let step = std::f32::consts::TAU * hz / 44_100.0;
                let mut sine: Vec<f32> = (0..16_384).map(|i| (step * i as f32).sin()).collect();
                let before = level_db(&sine);
                tilt.apply(&mut sine, slope);
                level_db(&sine) - before
            };
            let difference = through(1000.0) - through(500.0);
            assert!((difference - slope).abs() < 0.05, "{difference} dB for {slope}");
        }
    }

    #[test]
    fn nothing_sounds_before_the_onset() {
        for slope in [-3.0, 3.0] {
            let mut spike = vec![0.0; 8192];
            spike[64] = 1.0;
            Tilt::new(8192, 44_100).apply(&mut spike, slope);
            let before = spike[..64].iter().fold(0.0f32, |m, x| m.max(x.abs()));
            // The response is sampled in frequency: what rings beyond the padding comes round to the start.
            assert!(before < 1e-3 && spike[64] > 0.5, "{before}, {}", spike[64]);
        }
    }

    #[test]
    fn a_slope_and_its_opposite_cancel() {
        let mut sound: Vec<f32> = (0..4096).map(|i| (-(i as f32) / 300.0).exp() * (0.3 * i as f32).sin()).collect();
        let original = sound.clone();
        let tilt = Tilt::new(4096, 44_100);
        tilt.apply(&mut sound, 2.0);
        tilt.apply(&mut sound, -2.0);
        let worst = sound.iter().zip(&original).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // What rings beyond the sound's own length is cut between the two.
        assert!(worst < 0.01, "{worst}");
    }
}
