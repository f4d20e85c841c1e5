//! How a one-shot begins, and how loud it is at its peak's level, as they were asked for.
//!
//! Magnitudes of frames of several milliseconds say little of either, so that a network which makes these follows both attributes
//! badly. What it leaves is done to the sound itself. The middle, 0.5, changes nothing.

use crate::audio::saturate;

/// The longest rise, in seconds, as in training.
const LONGEST_RISE_S: f64 = 0.040;
/// By which the first moment of a short attack stands out at most, in dB, and in which that dies away, in seconds.
const EDGE: (f64, f64) = (9.0, 0.004);
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
    /// Let the sound rise within up to 40 ms (above the middle), or its first 4 ms stand out (below).
    pub(super) fn set_attack(self, samples: &mut [f32], attack: f32) {
        let above = 2.0 * f64::from(attack) - 1.0;
        if above > 0.0 {
            self.rise(samples, LONGEST_RISE_S * above * above);
        } else {
            self.stand_out(samples, -above, EDGE);
        }
    }

    /// Drive the wave into saturation, as training sounds are (above the middle), or let its start stand out (below): from a
    /// peak and little else to a sound that is near its peak throughout.
    pub(super) fn set_loudness(self, samples: &mut [f32], loudness: f32) {
        let above = 2.0 * loudness - 1.0;
        saturate(samples, MOST_DRIVE_DB * above);
        self.stand_out(samples, f64::from(-above), PUNCH);
    }

    /// Half a raised cosine over so many seconds.
    fn rise(self, samples: &mut [f32], seconds: f64) {
        let length = seconds * f64::from(self.sample_rate);
        for (i, sample) in samples.iter_mut().skip(self.onset).take(length as usize).enumerate() {
            *sample *= (0.5 - 0.5 * libm::cos(std::f64::consts::PI * i as f64 / length)) as f32;
        }
    }

    /// By this share of `most_db`, and the less the later.
    fn stand_out(self, samples: &mut [f32], share: f64, (most_db, seconds): (f64, f64)) {
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
    fn the_more_attack_is_asked_the_less_of_the_sound_is_at_its_start() {
        let starts = ASKED.map(|asked| {
            let samples = changed(|samples| START.set_attack(samples, asked));
            power(&samples[64..512]) / power(&samples[4000..8000])
        });
        assert!(starts.windows(2).all(|pair| pair[1] < pair[0]), "{starts:?}");
        // 40 ms later it is the tone itself.
        assert!(changed(|samples| START.set_attack(samples, 1.0))[1900..] == tone()[1900..]);
    }

    #[test]
    fn the_middle_changes_nothing() {
        assert_eq!(changed(|samples| START.set_attack(samples, 0.5)), tone());
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
