//! How loud a one-shot is at its peak's level, as it was asked for.
//!
//! Magnitudes of frames of several milliseconds say little of a peak, so that a network which makes these follows the attribute
//! badly. It is done to the sound itself. The middle, 0.5, changes nothing.

use crate::audio::saturate;

/// Most saturation of a loud sound, in dB, as in training.
const MOST_DRIVE_DB: f32 = 12.0;
/// By which the start of a soft sound stands out at most, in dB, and in which that dies away, in seconds.
const PUNCH: (f64, f64) = (12.0, 0.030);

/// Where a sound begins.
#[derive(Clone, Copy)]
pub(super) struct Start {
    /// The sample.
    pub onset: usize,
    /// Hz.
    pub sample_rate: u32,
}

impl Start {
    /// Drive the wave into saturation, as training sounds are (above the middle), or let its start stand out (below): from a
    /// peak and little else to a sound that is near its peak throughout.
    pub(super) fn set_loudness(self, samples: &mut [f32], loudness: f32) {
        let above = 2.0 * loudness - 1.0;
        saturate(samples, MOST_DRIVE_DB * above);
        self.stand_out(samples, f64::from(-above));
    }

    /// By this share of the most, and the less the later.
    fn stand_out(self, samples: &mut [f32], share: f64) {
        let (most_db, seconds) = PUNCH;
        if share <= 0.0 {
            return;
        }
        let mut more = libm::exp10(share * most_db / 20.0) - 1.0;
        let decay = libm::exp(-1.0 / (seconds * f64::from(self.sample_rate)));
        for (i, sample) in samples.iter_mut().enumerate() {
            *sample *= (1.0 + more) as f32;
            if i >= self.onset {
                more *= decay;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Start = Start { onset: 64, sample_rate: 44_100 };
    const ASKED: [f32; 7] = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0];

    /// A second of a tone that begins at sample 64 and is there at once.
    fn tone() -> Vec<f32> {
        (0..44_100).map(|i| if i < 64 { 0.0 } else { 0.5 * (0.05 * i as f32).sin() }).collect()
    }

    fn changed(change: impl Fn(&mut [f32])) -> Vec<f32> {
        let mut samples = tone();
        change(&mut samples);
        samples
    }

    fn peak(samples: &[f32]) -> f32 {
        samples.iter().fold(0.0f32, |peak, x| peak.max(x.abs()))
    }

    fn power(samples: &[f32]) -> f32 {
        samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32
    }

    #[test]
    fn the_more_loudness_is_asked_the_louder_it_is_at_its_peak() {
        let loudness = ASKED.map(|asked| {
            let samples = changed(|samples| START.set_loudness(samples, asked));
            10.0 * (power(&samples) / peak(&samples).powi(2)).log10()
        });
        assert!(loudness.windows(2).all(|pair| pair[1] > pair[0] + 0.1), "{loudness:?}");
    }

    #[test]
    fn the_middle_changes_nothing() {
        assert_eq!(changed(|samples| START.set_loudness(samples, 0.5)), tone());
    }

    #[test]
    fn what_stands_out_does_by_as_much_and_dies_away() {
        let samples = changed(|samples| START.set_loudness(samples, 0.0));
        let gain = |at: std::ops::Range<usize>| 10.0 * (power(&samples[at.clone()]) / power(&tone()[at])).log10();
        // 12 dB at the start, of which 126 samples, a period, lose some; after five time constants 2 % of what they add is left.
        assert!(
            (gain(64..190) - 12.0).abs() < 0.8 && gain(6700..8000).abs() < 0.2,
            "{} {}",
            gain(64..190),
            gain(6700..8000)
        );
    }
}
