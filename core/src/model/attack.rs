//! [`AttackScale`]: what an asked attack is in seconds.

use serde::{Deserialize, Serialize};

/// The MIDI note of the quantiles.
const REFERENCE_PITCH: f32 = 60.0;
/// The shortest attack that is asked for, in seconds.
const SHORTEST_S: f32 = 0.001;
/// The longest attack that a card may tell, in seconds.
const LONGEST_S: f32 = 60.0;

/// The attacks of a class's sounds: seconds from 20 dB to 3 dB below the peak of their level over 3 ms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttackScale {
    /// Evenly spaced quantiles in seconds, from the shortest to the longest; of notes as if all were at middle C,
    /// where a straight line may lead below 0.
    pub quantiles_s: Vec<f32>,
    /// What a semitone up adds, in seconds.
    pub per_semitone_s: f32,
    /// The attack that a sound is given where none is asked for, as a multiple (0.01..=1) of that which the networks give
    /// it: what brings a class whose median is longer than its recordings' to that.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub unasked: f32,
    /// The time from the end of the attack to the loudest moment of the class's recordings, their median in seconds (0..=60): later
    /// a sound is no louder. Not told of, the networks' own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_s: Option<f32>,
}

fn one() -> f32 {
    1.0
}

fn is_one(factor: &f32) -> bool {
    *factor == one()
}

impl AttackScale {
    /// How many quantiles a training tells.
    pub const POINTS: usize = 21;

    /// Of quantiles in seconds and what a semitone adds, to the microsecond.
    pub fn new((quantiles_s, per_semitone_s): (Vec<f32>, f32)) -> Self {
        let micro = |seconds: f32| (1e6 * seconds).round() / 1e6;
        Self {
            quantiles_s: quantiles_s.into_iter().map(micro).collect(),
            per_semitone_s: micro(per_semitone_s),
            unasked: 1.0,
            peak_s: None,
        }
    }

    /// The attack in seconds that more than this share (0..=1) of the sounds at a MIDI note have; at least 1 ms.
    pub fn seconds(&self, share: f32, pitch: Option<f32>) -> f32 {
        let last = self.quantiles_s.len().saturating_sub(1);
        let place = share.clamp(0.0, 1.0) * last as f32;
        let (below, part) = (place as usize, place.fract());
        let at = |index: usize| self.quantiles_s.get(index.min(last)).copied().unwrap_or(0.0);
        let level = at(below) * (1.0 - part) + at(below + 1) * part;
        let semitones = pitch.map_or(0.0, |pitch| pitch - REFERENCE_PITCH);
        (level + self.per_semitone_s * semitones).clamp(SHORTEST_S, LONGEST_S)
    }

    /// Whether it is what a card may tell.
    pub(super) fn is_valid(&self) -> bool {
        let quantiles = &self.quantiles_s;
        (2..=101).contains(&quantiles.len())
            && quantiles.is_sorted()
            && quantiles.iter().all(|seconds| (-LONGEST_S..=LONGEST_S).contains(seconds))
            && self.per_semitone_s.is_finite()
            && (0.01..=1.0).contains(&self.unasked)
            && self.peak_s.is_none_or(|seconds| (0.0..=LONGEST_S).contains(&seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_lie_between_the_quantiles_and_move_with_the_pitch() {
        let scale =
            AttackScale { quantiles_s: vec![0.010, 0.020, 0.100], per_semitone_s: -0.0005, unasked: 1.0, peak_s: None };
        let at = |share, pitch| (1e6 * scale.seconds(share, pitch)).round();
        assert_eq!([0.0, 0.25, 0.5, 1.0].map(|share| at(share, None)), [10e3, 15e3, 20e3, 100e3]);
        assert_eq!((at(0.25, Some(72.0)), at(0.0, Some(84.0))), (9e3, 1e3));
        assert_eq!((at(-1.0, None), at(2.0, None)), (10e3, 100e3));
    }

    #[test]
    fn what_is_no_scale_is_told() {
        let scale = |quantiles_s: &[f32], per_semitone_s| AttackScale {
            quantiles_s: quantiles_s.to_vec(),
            per_semitone_s,
            unasked: 1.0,
            peak_s: None,
        };
        assert!(scale(&[0.0, 0.0, 60.0], 0.1).is_valid());
        for broken in
            [scale(&[0.1], 0.0), scale(&[0.2, 0.1], 0.0), scale(&[0.1, 61.0], 0.0), scale(&[0.1, f32::NAN], 0.0)]
        {
            assert!(!broken.is_valid(), "{broken:?}");
        }
        assert!(!scale(&[0.1, 0.2], f32::INFINITY).is_valid());
        let peak = |seconds| AttackScale { peak_s: Some(seconds), ..scale(&[0.1, 0.2], 0.0) };
        assert!(peak(0.4).is_valid() && !peak(-0.1).is_valid() && !peak(f32::NAN).is_valid());
    }
}
