//! [`Lobes`]: what the Gaussian window makes of a sinusoid.
//!
//! The phase at a bin, and so the frequency that is heard of it, follows from how levels fall to both sides of it (`phase.rs`). Of
//! a partial every bin of its lobe has to tell the same frequency, which levels that are off by a decibel or two each do not. What
//! drawing lobes anew buys is in docs/TRAINING.md, section 4.

use std::f64::consts::{LN_10, PI};

use super::{Frames, RepresentationConfig};
use crate::dsp::gaussian_gamma;

/// Bins to each side of a peak in which its lobe is heard: beyond, it has fallen by more than 40 dB.
const REACH: usize = 2;
/// The outer bins of a lobe belong to it where they are within so many dB of it; else they are another's.
const APART_DB: f32 = 30.0;

/// The lobe of a sinusoid among the bins of a log-magnitude representation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lobes {
    /// dB by which it has fallen at a bin from its peak; it falls with the square.
    fall_db: f32,
}

impl Lobes {
    /// Among the bins of this representation; `None` where it has no bins of a Gaussian window.
    pub fn new(config: &RepresentationConfig) -> Option<Self> {
        let RepresentationConfig::LogMagnitude { n_fft, .. } = *config else { return None };
        // w(t) = exp(-pi t^2 / gamma) has the spectrum exp(-pi gamma f^2), f in cycles a sample.
        let fall_db = 20.0 / LN_10 * PI * gaussian_gamma(n_fft) / (n_fft * n_fft) as f64;
        Some(Self { fall_db: fall_db as f32 })
    }

    /// Make every peak of every frame the lobe of a sinusoid: where the levels beside the peak say it lies between the bins, as
    /// loud as they and the peak say in the mean, of which the peak counts half. A cell that two peaks reach is the upper one's.
    pub fn restore(self, levels: &mut Frames) {
        let channels = levels.num_channels;
        let mut old = vec![0.0; channels];
        for row in levels.data.chunks_exact_mut(channels) {
            old.copy_from_slice(row);
            for peak in REACH..channels.saturating_sub(REACH) {
                let [below, at, above] = [old[peak - 1], old[peak], old[peak + 1]];
                if at >= below && at >= above {
                    self.draw(&mut row[peak - REACH..=peak + REACH], [below, at, above]);
                }
            }
        }
    }

    /// The lobe through a peak and its neighbours, over [`REACH`] bins to each side of it.
    fn draw(self, cells: &mut [f32], [below, at, above]: [f32; 3]) {
        let place = ((above - below) / (4.0 * self.fall_db)).clamp(-0.5, 0.5);
        let lobe = |bin: f32| -self.fall_db * (bin - place) * (bin - place);
        let top = 0.25 * (below - lobe(-1.0)) + 0.5 * (at - lobe(0.0)) + 0.25 * (above - lobe(1.0));
        for (cell, bin) in cells.iter_mut().zip(-(REACH as isize)..) {
            let level = top + lobe(bin as f32);
            if bin.unsigned_abs() < REACH || (*cell - level).abs() < APART_DB {
                *cell = level;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    const CONFIG: RepresentationConfig = RepresentationConfig::LogMagnitude {
        num_samples: 16_384,
        n_fft: 1024,
        hop_length: 256,
        floor_db: -100.0,
        refinements: 16,
        onset: 0,
    };

    /// The frames of two sinusoids.
    fn two() -> Frames {
        let wave = |i: usize| {
            let turn = |bins: f64| (std::f64::consts::TAU * bins * i as f64 / 1024.0).sin();
            (0.6 * turn(40.3) + 0.3 * turn(90.8)) as f32
        };
        CONFIG.build().unwrap().encode(&(0..16_384).map(wave).collect::<Vec<_>>()).unwrap()
    }

    /// The greatest difference within a bin of the sinusoids, in frames that end at neither end.
    fn off(levels: &Frames, truth: &Frames) -> f32 {
        let cells = (8..56).flat_map(|frame| [39, 40, 41, 90, 91, 92].map(|bin| frame * 512 + bin));
        cells.map(|cell| (levels.data[cell] - truth.data[cell]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn a_sinusoid_stays_as_it_is() {
        let truth = two();
        let mut levels = truth.clone();
        Lobes::new(&CONFIG).unwrap().restore(&mut levels);
        assert!(off(&levels, &truth) < 0.3, "{}", off(&levels, &truth));
    }

    #[test]
    fn bins_of_a_lobe_tell_one_frequency_again_after_errors() {
        let truth = two();
        let mut levels = truth.clone();
        let mut noise = NoiseStream::new(Seed(1), "errors", 0);
        levels.data.iter_mut().for_each(|level| *level += 1.5 * noise.normal());
        let lobes = Lobes::new(&CONFIG).unwrap();
        lobes.restore(&mut levels);
        let is_peak = |row: &[f32], bin: usize| row[bin] > row[bin - 1] && row[bin] > row[bin + 1];
        let mut found = 0;
        for row in levels.data.chunks_exact(512).skip(8).take(48) {
            for peak in [39, 40, 41].into_iter().filter(|&bin| is_peak(row, bin)) {
                let bend = 2.0 * row[peak] - row[peak - 1] - row[peak + 1];
                assert!((bend - 2.0 * lobes.fall_db).abs() < 1e-3, "{bend}");
                found += 1;
            }
        }
        // A level that is off may hide the peak of a frame behind that of a neighbour which two peaks reach.
        assert!(found >= 36, "{found} peaks in 48 frames");
    }

    #[test]
    fn representations_without_a_gaussian_window_have_no_lobes() {
        assert_eq!(Lobes::new(&RepresentationConfig::Waveform { num_samples: 4096, patch: 2 }), None);
    }

    #[test]
    fn frames_of_hardly_any_bins_stay_as_they_are() {
        let levels = Frames { data: vec![1.0, 2.0, 1.0, 3.0], num_frames: 1, num_channels: 4 };
        let mut restored = levels.clone();
        Lobes::new(&CONFIG).unwrap().restore(&mut restored);
        assert_eq!(restored.data, levels.data);
    }
}
