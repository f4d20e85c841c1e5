//! [`Partials`]: where the partials of a note lie among the bins.
//!
//! A network over frames would have to learn the spectrum of every pitch by heart. Told in each bin how far the nearest
//! multiple of the fundamental is, it learns once what a partial looks like.

use std::f64::consts::{LN_10, PI};

use super::RepresentationConfig;
use crate::dsp::gaussian_gamma;

/// Level between partials that the window tells apart, in dB below theirs.
const DEPTH_DB: f64 = 30.0;

/// The harmonic series as the Gaussian window of a log-magnitude representation sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Partials {
    num_bins: usize,
    bin_hz: f64,
    /// dB by which the window's lobe has fallen at one Hz from its peak; it falls with the square.
    fall_db: f64,
}

impl Partials {
    /// Among the bins of this representation; `None` where it has no bins of a Gaussian window.
    pub fn new(config: &RepresentationConfig, sample_rate: u32) -> Option<Self> {
        let RepresentationConfig::LogMagnitude { n_fft, .. } = *config else { return None };
        let rate = f64::from(sample_rate);
        // w(t) = exp(-pi t^2 / gamma) has the spectrum exp(-pi gamma f^2), f in cycles a sample.
        let fall_db = 20.0 / LN_10 * PI * gaussian_gamma(n_fft) / (rate * rate);
        Some(Self { num_bins: n_fft / 2, bin_hz: rate / n_fft as f64, fall_db })
    }

    /// The level of every bin, in dB from -30 to 0 at a partial of `note` (MIDI, fractional). Partials that the window does
    /// not tell apart have no valleys between them.
    pub fn levels_db(&self, note: f32) -> impl Iterator<Item = f32> {
        let Self { num_bins, bin_hz, fall_db } = *self;
        let fundamental = 440.0 * libm::exp2((f64::from(note) - 69.0) / 12.0);
        (0..num_bins).map(move |bin| {
            let hz = bin as f64 * bin_hz;
            let partial = libm::round(hz / fundamental).max(1.0);
            let away = hz - partial * fundamental;
            -(fall_db * away * away).min(DEPTH_DB) as f32
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 44_100;

    fn config(n_fft: usize) -> RepresentationConfig {
        let [num_samples, hop_length] = [32_768, n_fft / 4];
        RepresentationConfig::LogMagnitude {
            num_samples,
            n_fft,
            hop_length,
            floor_db: -100.0,
            refinements: 0,
            onset: 0,
        }
    }

    fn levels(note: f32) -> Vec<f32> {
        Partials::new(&config(2048), RATE).unwrap().levels_db(note).collect()
    }

    #[test]
    fn the_levels_are_those_of_a_note_that_the_representation_has_encoded() {
        // Sixty partials of equal level: beside the floor of the template, the spectrum has its shape.
        let hz = 440.0 * libm::exp2f((57.3 - 69.0) / 12.0);
        let partials = |i: usize| (1..=60).map(move |k| std::f32::consts::TAU * hz * k as f32 * i as f32 / RATE as f32);
        let note: Vec<f32> = (0..32_768).map(|i| partials(i).map(libm::sinf).sum::<f32>() / 60.0).collect();
        let representation = config(2048).build().unwrap();
        let frames = representation.encode(&note).unwrap();
        let column = &frames.data[32 * frames.num_channels..][..frames.num_channels];
        let peak = column.iter().copied().fold(f32::MIN, f32::max);
        let levels = levels(57.3);
        let audible = 4..(60.0 * hz / (RATE as f32 / 2048.0)) as usize;
        for bin in audible.filter(|&bin| levels[bin] > -15.0) {
            let found = column[bin] - peak;
            // Neighbours reach into each other's slopes, and no bin need lie on a peak.
            assert!((found - levels[bin]).abs() < 1.5, "bin {bin}: {found} dB, template {} dB", levels[bin]);
        }
    }

    #[test]
    fn a_low_note_has_no_valleys_and_nothing_lies_below_the_first_partial() {
        let a0 = levels(21.0);
        assert!(a0[3..].iter().all(|&db| db > -3.0), "{:?}", &a0[..20]);
        let c6 = levels(84.0);
        // 1046.5 Hz is bin 48.6.
        assert!(c6[..40].iter().all(|&db| db == -30.0) && c6[48] > -3.0 && c6[72] == -30.0);
    }

    #[test]
    fn a_representation_without_bins_has_none() {
        let waveform = RepresentationConfig::Waveform { num_samples: 4096, patch: 64 };
        assert_eq!(Partials::new(&waveform, RATE), None);
    }
}
