//! Planned power spectra of a sound's frames.

use realfft::{RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Power spectra of Hann-windowed frames of about 46 ms, centred on every half frame, zero outside the sound.
pub(super) struct Spectrum {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    sample_rate: u32,
}

impl Spectrum {
    /// Plan for sounds of `sample_rate` Hz.
    pub(super) fn new(sample_rate: u32) -> Self {
        Self::of_frames(sample_rate, 0.0464)
    }

    /// The same with frames of about so many seconds: the power of two that is nearest above three quarters of them.
    pub(super) fn of_frames(sample_rate: u32, seconds: f32) -> Self {
        let n_fft = (0.754 * f64::from(seconds) * f64::from(sample_rate)) as usize;
        let n_fft = n_fft.next_power_of_two().max(64);
        let step = std::f32::consts::TAU / n_fft as f32;
        let window: Vec<f32> = (0..n_fft).map(|i| 0.5 - 0.5 * (step * i as f32).cos()).collect();
        // Scaled so that the bins of a frame add up to the mean square of its samples.
        let scale = (2.0 / (n_fft as f32 * window.iter().map(|w| w * w).sum::<f32>())).sqrt();
        let window = window.iter().map(|w| w * scale).collect();
        Self { fft: RealFftPlanner::new().plan_fft_forward(n_fft), window, sample_rate }
    }

    /// Bins of a frame: `n_fft / 2 + 1`.
    pub(super) fn num_bins(&self) -> usize {
        self.window.len() / 2 + 1
    }

    /// Hz from bin to bin.
    pub(super) fn bin_hz(&self) -> f32 {
        self.sample_rate as f32 / self.window.len() as f32
    }

    /// The bins from `low` to `high` Hz, at least one, never beyond the last.
    pub(super) fn bins(&self, low_hz: f32, high_hz: f32) -> std::ops::Range<usize> {
        let last = self.num_bins() - 1;
        let start = ((low_hz / self.bin_hz()).ceil() as usize).min(last);
        start..((high_hz / self.bin_hz()).ceil() as usize).clamp(start + 1, last + 1)
    }

    /// Call `visit` with the power in every bin, frame by frame.
    pub(super) fn for_each_frame(&self, samples: &[f32], mut visit: impl FnMut(&[f32])) {
        let n_fft = self.window.len();
        let hop = n_fft / 2;
        let mut frame = self.fft.make_input_vec();
        let mut bins = self.fft.make_output_vec();
        let mut scratch = self.fft.make_scratch_vec();
        let mut power = vec![0.0; self.num_bins()];
        for centre in (0..=samples.len()).step_by(hop) {
            self.window_into(samples, centre, &mut frame);
            // Cannot fail: the buffers are the plan's own.
            let _ = self.fft.process_with_scratch(&mut frame, &mut bins, &mut scratch);
            power.iter_mut().zip(&bins).for_each(|(p, x)| *p = x.norm_sqr());
            visit(&power);
        }
    }

    /// The windowed frame about sample `centre`.
    fn window_into(&self, samples: &[f32], centre: usize, frame: &mut [f32]) {
        let half = self.window.len() / 2;
        let skip = half.saturating_sub(centre);
        let start = centre.saturating_sub(half).min(samples.len());
        let end = (centre + half).min(samples.len());
        frame.fill(0.0);
        let inside = frame[skip..].iter_mut().zip(&self.window[skip..]).zip(&samples[start..end]);
        inside.for_each(|((out, w), x)| *out = w * x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bins_of_a_frame_add_up_to_its_mean_square() {
        let step = std::f32::consts::TAU * 1000.0 / 44_100.0;
        let sine: Vec<f32> = (0..16_384).map(|i| (step * i as f32).sin()).collect();
        let spectrum = Spectrum::new(44_100);
        let mut totals = Vec::new();
        spectrum.for_each_frame(&sine, |power| totals.push(power.iter().sum::<f32>()));
        // The first frame is half outside the sound; the second is whole, and Hann leaks nothing from a full frame.
        assert!((totals[1] - 0.5).abs() < 1e-3, "{}", totals[1]);
        assert_eq!(totals.len(), 17);
    }

    #[test]
    fn bin_ranges_are_never_empty_and_never_beyond_the_end() {
        let spectrum = Spectrum::new(8000);
        for (low, high) in [(0.0, 1.0), (50.0, 55.0), (3990.0, 16_000.0), (9000.0, 9001.0)] {
            let bins = spectrum.bins(low, high);
            assert!(!bins.is_empty() && bins.end <= spectrum.num_bins(), "{low} to {high}: {bins:?}");
        }
    }
}
