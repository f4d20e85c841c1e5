//! Fades at the ends of a sound: short enough to keep it, long enough not to click.

use super::request::samples_in;

/// Longest fade at either end, in seconds.
const FADE_S: f64 = 0.005;

/// A raised-cosine fade over the last of so many parts of a whole clip: what would ring for longer than the model's clips dies
/// away instead of being cut.
pub(super) fn die_away(samples: &mut [f32], parts: usize) {
    let length = samples.len() / parts;
    fade_last(samples, length);
}

/// A raised-cosine fade over the last 5 ms (or a quarter of a very short clip); the last sample is 0.
pub(super) fn fade_out(samples: &mut [f32], sample_rate: u32) {
    let length = fade_length(samples.len(), sample_rate);
    fade_last(samples, length);
}

/// Fade a window of what has neither beginning nor end, at both of its ends: as [`fade_out`], and the same from the start.
pub(crate) fn fade_ends(samples: &mut [f32], sample_rate: u32) {
    let mut ends = Ends::new(samples.len(), sample_rate);
    ends.fade(samples);
}

/// The fades of a long sound, whose samples come piece by piece.
pub(super) struct Ends {
    at: usize,
    num_samples: usize,
    /// Samples of the fade at the start and of that at the end.
    lengths: [usize; 2],
}

impl Ends {
    /// Both, of so many samples.
    pub fn new(num_samples: usize, sample_rate: u32) -> Self {
        Self { at: 0, num_samples, lengths: [fade_length(num_samples, sample_rate); 2] }
    }

    /// That at the end alone: the sound goes on from another.
    pub fn last(num_samples: usize, sample_rate: u32) -> Self {
        let both = Self::new(num_samples, sample_rate);
        Self { lengths: [0, both.lengths[1]], ..both }
    }

    /// Fade the next samples.
    pub fn fade(&mut self, samples: &mut [f32]) {
        for sample in samples {
            let [rise, fall] = self.lengths;
            let left = self.num_samples.saturating_sub(self.at + 1);
            for (position, length) in [(self.at, rise), (left, fall)] {
                if position < length {
                    *sample *= height(position, length);
                }
            }
            self.at += 1;
        }
    }
}

fn fade_length(num_samples: usize, sample_rate: u32) -> usize {
    samples_in(FADE_S, sample_rate).min(num_samples / 4)
}

fn fade_last(samples: &mut [f32], length: usize) {
    let start = samples.len() - length;
    for (i, sample) in samples[start..].iter_mut().rev().enumerate() {
        *sample *= height(i, length);
    }
}

/// Of a fade of this length, so many samples from its silent end.
fn height(position: usize, length: usize) -> f32 {
    let falling = (length - position) as f64 / length as f64;
    (0.5 + 0.5 * libm::cos(std::f64::consts::PI * falling)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_dies_away_over_its_last_fifth() {
        let mut samples = vec![1.0; 1000];
        die_away(&mut samples, 5);
        assert!(samples[..800].iter().all(|x| *x == 1.0) && samples[999] == 0.0);
        assert!((samples[899] - 0.5).abs() < 1e-6 && samples.windows(2).all(|pair| pair[0] >= pair[1]));
    }

    #[test]
    fn a_fade_ends_in_silence_and_leaves_the_start_alone() {
        let mut samples = vec![1.0; 1000];
        fade_out(&mut samples, 44_100);
        let faded = samples.iter().filter(|&&sample| sample < 1.0).count();
        // 5 ms at 44.1 kHz are 220.5 samples, rounded away from zero.
        assert_eq!(faded, 221);
        assert_eq!(samples[999], 0.0);
        assert!(samples.windows(2).all(|pair| pair[0] >= pair[1]));
    }

    #[test]
    fn a_window_begins_as_it_ends_and_pieces_fade_as_the_whole() {
        let mut whole = vec![1.0; 2000];
        fade_ends(&mut whole, 44_100);
        assert!((0..1000).all(|i| whole[i] == whole[1999 - i]));
        assert_eq!((whole[0], whole[221]), (0.0, 1.0));
        let mut pieces = vec![1.0; 2000];
        let mut ends = Ends::new(2000, 44_100);
        pieces.chunks_mut(33).for_each(|piece| ends.fade(piece));
        assert_eq!(pieces, whole);
        let mut on = vec![1.0; 2000];
        Ends::last(2000, 44_100).fade(&mut on);
        assert_eq!((on[0], on[1999]), (1.0, 0.0));
        // As at the end of any other clip.
        let mut clip = vec![1.0; 2000];
        fade_out(&mut clip, 44_100);
        assert_eq!(on, clip);
    }
}
