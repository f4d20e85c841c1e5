//! Levels of a sound, block by block of its [`Envelope`], in dB.

use crate::audio::Envelope;

/// The level of silence, in squares of full scale.
const SILENCE: f64 = 1e-9;
/// The level of a sound without a pitch is that of so many seconds.
const WINDOW_S: f64 = 0.010;
/// The level of a note is that of so many periods: within one it is the wave.
const PERIODS: f64 = 2.0;

/// Where the sound is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The sample at which it begins.
    pub onset: usize,
    /// Hz.
    pub sample_rate: u32,
    /// The MIDI note, if it is one.
    pub note: Option<f32>,
}

impl Place {
    /// The span over which there is a level, in seconds.
    pub(super) fn window_s(self) -> f64 {
        self.note.map_or(WINDOW_S, |note| PERIODS / hz(note)).max(0.5 * WINDOW_S)
    }

    /// The level about every block, in dB but for a constant.
    pub(super) fn level_db(self, envelope: &Envelope) -> Vec<f64> {
        envelope.smoothed(self.window_s()).iter().map(|power| 10.0 * libm::log10(power + SILENCE)).collect()
    }
}

/// The block of the highest level, the last of several.
pub(super) fn loudest(level: &[f64]) -> usize {
    (0..level.len()).max_by(|&a, &b| level[a].total_cmp(&level[b])).unwrap_or(0)
}

/// One value a block: what they are `at` blocks after the beginning, in a straight line between the middles of two. Beyond the last
/// there are zeros.
pub(super) fn between(values: &[f64], at: f64) -> f64 {
    let value = |n: usize| values.get(n).copied().unwrap_or(0.0);
    let at = (at - 0.5).max(0.0);
    let n = at as usize;
    value(n) + (value(n + 1) - value(n)) * at.fract()
}

/// The mean over `half` values to either side, as if there were zeros beyond the ends.
pub(super) fn mean_around(values: &[f64], half: usize) -> Vec<f64> {
    let mut total = 0.0;
    let sums: Vec<f64> = std::iter::once(0.0)
        .chain(values.iter().map(|value| {
            total += value;
            total
        }))
        .collect();
    let mean =
        |i: usize| (sums[(i + half + 1).min(values.len())] - sums[i.saturating_sub(half)]) / (2 * half + 1) as f64;
    (0..values.len()).map(mean).collect()
}

/// As a factor.
pub(super) fn gain(db: f64) -> f64 {
    libm::exp10(db / 20.0)
}

fn hz(note: f32) -> f64 {
    440.0 * libm::exp2((f64::from(note) - 69.0) / 12.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_the_middles_of_two_blocks_a_value_changes_in_a_straight_line() {
        let values = [1.0, 3.0, 7.0];
        let at = [0.0, 0.5, 1.0, 1.5, 2.25, 2.5, 3.0, 9.0];
        assert_eq!(at.map(|at| between(&values, at)), [1.0, 1.0, 2.0, 3.0, 6.0, 7.0, 3.5, 0.0]);
        assert_eq!(between(&[], 1.0), 0.0);
    }

    #[test]
    fn means_take_zeros_beyond_both_ends() {
        assert_eq!(mean_around(&[3.0, 6.0, 0.0, 9.0], 1), [3.0, 3.0, 5.0, 3.0]);
        assert_eq!(mean_around(&[3.0, 6.0], 0), [3.0, 6.0]);
        assert!(mean_around(&[], 2).is_empty());
    }

    #[test]
    fn the_last_of_several_loudest_blocks_is_found() {
        assert_eq!(loudest(&[-9.0, -3.0, -3.0, -20.0]), 2);
        assert_eq!(loudest(&[]), 0);
    }
}
